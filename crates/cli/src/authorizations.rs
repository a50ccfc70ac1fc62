//! `cholla authorizations`: consent, by hand.

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, Success, path};
use crate::args::installs::{AuthorizationsCommand, ConsentArgs, DecideArgs};
use crate::output::{self, Failure, printable};
use crate::rows::{self, Row, or_dash};
use crate::sensitive::Sensitive;
use crate::shown;

/// What is asked, and what the person decided.
#[derive(Serialize)]
struct Sent<'a> {
    decision: &'a str,
    app: &'a str,
    account: &'a str,
    user: &'a str,
    mode: &'a str,
    redirect_uri: Option<&'a str>,
    state: Option<&'a str>,
    code_challenge: Option<&'a str>,
    code_challenge_method: Option<&'a str>,
}

/// A permission that the app asks for.
#[derive(Deserialize)]
struct Asked {
    permission: String,
    purpose: Option<String>,
    granted: bool,
}

impl Row for Asked {
    const HEAD: &'static [&'static str] = &["PERMISSION", "GRANTED", "PURPOSE"];
    const NONE: &'static str = "The app asks for no permission.";

    fn cells(&self) -> Vec<String> {
        let granted = if self.granted { "yes" } else { "no" };
        vec![self.permission.clone(), granted.to_owned(), or_dash(self.purpose.as_deref())]
    }
}

/// Runs one command on consent.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &AuthorizationsCommand) -> Result<(), Failure> {
    match command {
        AuthorizationsCommand::Preview(args) => preview(args),
        AuthorizationsCommand::Allow(args) => decide("allow", args),
        AuthorizationsCommand::Deny(args) => decide("deny", args),
    }
}

fn send(
    admin: &Admin,
    decision: &str,
    args: &ConsentArgs,
    (state, code_challenge): (Option<&str>, Option<&str>),
) -> Result<Success, Failure> {
    let ConsentArgs { app, account, user, mode, redirect_uri, .. } = args;
    let body = Sent {
        decision,
        app,
        account,
        user,
        mode: mode.as_str(),
        redirect_uri: redirect_uri.as_deref(),
        state,
        code_challenge,
        code_challenge_method: code_challenge.map(|_| "S256"),
    };
    admin.post(&path(&["authorizations"]), &body)
}

fn preview(args: &ConsentArgs) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Preview {
        name: String,
        version: String,
        installed: bool,
        permissions: Vec<Asked>,
        redirect_uri: String,
    }
    let admin = Admin::open(&args.admin)?;
    let answer = send(&admin, "preview", args, (None, None))?;
    if admin.json {
        return output::bytes(answer.bytes());
    }
    let Preview { name, version, installed, permissions, redirect_uri } = answer.decode()?;
    let installed = if installed { ", which is installed" } else { "" };
    output::bytes(format!("{} {}{installed}, asks for:\n\n", printable(&name), printable(&version)).as_bytes())?;
    rows::print_all(&permissions)?;
    output::bytes(format!("\nThe browser would be sent to {}\n", printable(&redirect_uri)).as_bytes())
}

fn decide(decision: &str, args: &DecideArgs) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Decided {
        redirect_to: Sensitive,
    }
    let admin = Admin::open(&args.consent.admin)?;
    let answer = send(&admin, decision, &args.consent, (args.state.as_deref(), args.code_challenge.as_deref()))?;
    if admin.json {
        return output::bytes(answer.bytes());
    }
    // It holds a code or a signature, or the state of somebody's session.
    shown::print(&answer.decode::<Decided>()?.redirect_to, "Send the browser there:")
}
