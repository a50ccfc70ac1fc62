//! `cholla apps`: an app's manifest, the app on a server, its installs, and its secrets.

mod edit;
mod file;
mod grant;
pub(crate) mod installs;
mod remote;
mod revoke;
mod validate;

use cholla_server::platform::Faults;

use crate::args::apps::{AppsCommand, GrantCommand, RevokeCommand};
use crate::output::{Exit, Failure};
use crate::secrets;

/// Runs one command on apps.
///
/// # Errors
/// Whatever that command cannot do.
pub(crate) fn run(command: AppsCommand) -> Result<(), Failure> {
    match command {
        AppsCommand::Grant { command: GrantCommand::Permission(args) } => grant::run(&args),
        AppsCommand::Revoke { command: RevokeCommand::Permission(args) } => revoke::run(&args),
        AppsCommand::Secrets { command } => secrets::run(*command),
        AppsCommand::Validate(args) => validate::run(&args),
        AppsCommand::Upload(args) => remote::upload(&args),
        AppsCommand::Publish(args) => remote::publish(&args),
        AppsCommand::Install(args) => installs::install(&args),
        AppsCommand::Uninstall(args) => installs::uninstall(&args),
        AppsCommand::List(args) => remote::list(&args),
        AppsCommand::Show(args) => remote::show(&args),
        AppsCommand::RollSigningSecret(args) => remote::roll_signing_secret(&args),
    }
}

/// The manifest itself is at fault.
fn faulty(faults: &Faults) -> Failure {
    Failure::new(Exit::Refused, faults.to_string(), "Correct the manifest.")
}

/// Why the manifest `file` was not edited; `by_hand` is what to do instead.
fn refused(refused: &edit::Refused, file: &str, by_hand: &str) -> Failure {
    match refused {
        edit::Refused::Faulty(faults) => faulty(faults),
        edit::Refused::Spoiled(faults) => {
            let message = format!("{file} would not be a manifest any more:\n{faults}");
            Failure::new(Exit::Refused, message, "Nothing was changed.")
        }
        edit::Refused::Layout => {
            let message = format!("{file} is laid out in a way that cannot be edited in place");
            Failure::new(Exit::Refused, message, format!("Nothing was changed. {by_hand}"))
        }
    }
}
