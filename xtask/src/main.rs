//! The second command: `cargo xtask test` is everything that CI checks, in the order in which it is cheapest to fail.
//!
//! Reading order: [`checks`] for what needs cargo only, [`server`] for the server that the clients meet, [`clients`] for the table of
//! clients, [`interop`] for how they are fetched and run, [`report`] for the closing lines.

#![expect(clippy::print_stdout, reason = "a tool for people at a terminal")]

mod checks;
mod clients;
mod interop;
mod report;
mod server;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, bail};
use report::Report;

const USAGE: &str = "cargo xtask test               everything: lint, unit, interop
cargo xtask lint               rustfmt, clippy, rustdoc, dependencies
cargo xtask unit               cargo test --workspace
cargo xtask interop [CLIENT…]  the official clients against `cholla dev`";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(report) => {
            println!("{report}");
            report.exit_code()
        }
        Err(error) => {
            println!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<Report> {
    let mut report = Report::default();
    let root = root();
    match arguments.split_first().map(|(command, rest)| (command.as_str(), rest)) {
        Some(("test", [])) => {
            checks::lint(&root, &mut report);
            checks::unit(&root, &mut report);
            interop::run(&root, &[], &mut report)?;
        }
        Some(("lint", [])) => checks::lint(&root, &mut report),
        Some(("unit", [])) => checks::unit(&root, &mut report),
        Some(("interop", names)) => interop::run(&root, names, &mut report)?,
        _ => bail!("{USAGE}"),
    }
    Ok(report)
}

/// The root of the checkout.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the workspace").to_owned()
}

/// Whether a missing tool is a failure, as in CI, rather than a skipped step.
fn requires_all() -> bool {
    std::env::var_os("CHOLLA_REQUIRE_ALL_CLIENTS").is_some_and(|value| value == "1")
}
