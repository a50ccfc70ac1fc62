//! What must not compile: one file for each bad state that the types rule out, with what the compiler says to it.
//!
//! `TRYBUILD=overwrite cargo test -p cholla-domain --test forbidden` writes the messages anew; read them like code.

#[test]
fn forbidden_states_do_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/forbidden/*.rs");
}
