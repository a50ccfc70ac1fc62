//! A payload is not copied.

use cholla_domain::payload::Plaintext;

fn copy(payload: &Plaintext) -> Plaintext {
    Clone::clone(payload)
}

fn main() {}
