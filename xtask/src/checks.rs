//! What needs nothing but cargo.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::report::{Outcome, Report, succeed};

/// The version that CI uses.
const CARGO_DENY: &str = "cargo install cargo-deny --locked --version 0.20.2";

/// Formatting, lints, documentation and dependencies.
pub(crate) fn lint(root: &Path, report: &mut Report) {
    report.step("rustfmt", || succeed(cargo(root).args(["fmt", "--all", "--check"])).into());
    report.step("clippy", || {
        succeed(cargo(root).args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])).into()
    });
    report.step("rustdoc", || {
        let mut doc = cargo(root);
        doc.args(["doc", "--workspace", "--no-deps", "--document-private-items"]).env("RUSTDOCFLAGS", "-D warnings");
        succeed(&mut doc).into()
    });
    report.step("dependencies", || dependencies(root));
}

/// The tests of the workspace.
pub(crate) fn unit(root: &Path, report: &mut Report) {
    report.step("cargo test", || succeed(cargo(root).args(["test", "--workspace", "--no-fail-fast"])).into());
}

/// Licences, bans and sources. Advisories need a database from the network and are not part of this: `cargo deny check advisories`.
fn dependencies(root: &Path) -> Outcome {
    let version = Command::new("cargo-deny").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if !version.is_ok_and(|status| status.success()) {
        return Outcome::missing(format!("cargo-deny is missing: `{CARGO_DENY}`"));
    }
    succeed(cargo(root).args(["deny", "--locked", "check", "bans", "licenses", "sources"])).into()
}

/// Cargo in the root of the checkout.
pub(crate) fn cargo(root: &Path) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(root);
    cargo
}
