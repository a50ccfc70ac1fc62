//! `cholla sessions`

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, path};
use crate::args::keys::{CreateSessionArgs, SessionsCommand};
use crate::output::{self, Failure, date, printable};
use crate::sensitive::Sensitive;
use crate::shown;

/// Runs one command on sessions.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &SessionsCommand) -> Result<(), Failure> {
    let SessionsCommand::Create(args) = command;
    create(args)
}

fn create(args: &CreateSessionArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct NewSession<'a> {
        app: &'a str,
        account: &'a str,
        user: &'a str,
        mode: &'a str,
        expires_in: Option<&'a str>,
    }
    #[derive(Deserialize)]
    struct Session {
        id: String,
        key: Sensitive,
        expires_at: i64,
    }
    let admin = Admin::open(&args.admin)?;
    let CreateSessionArgs { app, account, user, mode, lifetime, .. } = args;
    let new = NewSession { app, account, user, mode: mode.as_str(), expires_in: lifetime.as_deref() };
    let opened = admin.post(&path(&["sessions"]), &new)?;
    if admin.json {
        return output::bytes(opened.bytes());
    }
    let Session { id, key, expires_at } = opened.decode()?;
    shown::print(&key, &printable(&format!("{id}, the embedded key of the user until {}:", date(expires_at))))
}
