//! `cholla`: the one binary. Every command reads its flags, calls the server or talks to one, and says what happened.
//!
//! Exit codes: 0 done; 1 refused (by the server that was asked; a manifest is faulty; the server of `dev`, `serve` or `init` could not be
//! made to start, or a part of it died); 2 the command line is wrong; 3 the server that was asked cannot be reached, or failed. See
//! `docs/commands.md`.

mod accounts;
mod admin;
mod apply;
mod apps;
mod args;
mod audit;
mod authorizations;
mod dev;
mod erasures;
mod http;
mod init;
mod input;
mod installs;
mod inventory;
mod keys;
mod logging;
mod output;
mod progress;
mod receipts;
mod rows;
mod runtime;
mod secrets;
mod sensitive;
mod serve;
mod sessions;
mod shown;
mod tokens;
mod users;
mod webhooks;
mod words;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Args, Command};
use output::Failure;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return output::usage(error),
    };
    // Both listeners and the client of `apps secrets` use it. A second installation cannot happen: this is the only one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::failure(&failure),
    }
}

fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Dev(dev) => dev::run(dev),
        Command::Init(init) => init::run(init),
        Command::Serve(serve) => serve::run(serve),
        Command::Apply(args) => apply::run(&args),
        Command::Accounts { command } => accounts::run(&command),
        Command::Users { command } => users::run(&command),
        Command::Apps { command } => apps::run(command),
        Command::Installs { command } => installs::run(&command),
        Command::Authorizations { command } => authorizations::run(&command),
        Command::Keys { command } => keys::run(&command),
        Command::Sessions { command } => sessions::run(&command),
        Command::Webhooks { command } => webhooks::run(command),
        Command::Inventory(args) => inventory::run(&args),
        Command::Erasures { command } => erasures::run(&command),
        Command::Receipts { command } => receipts::run(&command),
        Command::Tokens { command } => tokens::run(&command),
        Command::Audit { command } => audit::run(&command),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "cholla", &mut script);
            output::bytes(&script)
        }
    }
}
