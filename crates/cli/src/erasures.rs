//! `cholla erasures`: what was erased, with its receipts, and what would be.

use cholla_wire::client::Form;
use serde::Deserialize;

use crate::admin::{Admin, path};
use crate::args::oversight::{ErasureArgs, ErasureListArgs, ErasuresCommand, PlanArgs};
use crate::output::{self, Failure, date, printable};
use crate::rows::{self, Row, or_dash};

/// An erasure, as a table shows it.
#[derive(Deserialize)]
struct Erasure {
    id: String,
    target: Target,
    status: String,
    started: i64,
    receipt: Option<String>,
}

#[derive(Deserialize)]
struct Target {
    account: String,
    developer: Option<String>,
    mode: Option<String>,
    user: Option<String>,
}

impl Row for Erasure {
    const HEAD: &'static [&'static str] = &["ID", "STATUS", "STARTED", "ACCOUNT", "DEVELOPER", "MODE", "USER"];
    const NONE: &'static str = "No erasures.";

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.status.clone(),
            date(self.started),
            self.target.account.clone(),
            or_dash(self.target.developer.as_deref()),
            or_dash(self.target.mode.as_deref()),
            or_dash(self.target.user.as_deref()),
        ]
    }
}

/// What would be erased.
#[derive(Deserialize)]
struct Plan {
    erase_at: i64,
    namespaces: Vec<Planned>,
}

#[derive(Deserialize)]
struct Planned {
    developer: String,
    account: String,
    mode: String,
    scopes: u64,
    secrets: u64,
}

impl Row for Planned {
    const HEAD: &'static [&'static str] = &["DEVELOPER", "ACCOUNT", "MODE", "SCOPES", "SECRETS"];
    const NONE: &'static str = "Nothing would be erased.";

    fn cells(&self) -> Vec<String> {
        let [scopes, secrets] = [self.scopes, self.secrets].map(|count| count.to_string());
        vec![self.developer.clone(), self.account.clone(), self.mode.clone(), scopes, secrets]
    }
}

/// Runs one command on erasures.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &ErasuresCommand) -> Result<(), Failure> {
    match command {
        ErasuresCommand::List(args) => list(args),
        ErasuresCommand::Show(args) => show(args),
        ErasuresCommand::Plan(args) => plan(args),
    }
}

fn list(args: &ErasureListArgs) -> Result<(), Failure> {
    rows::print_list::<Erasure>(&Admin::open(&args.admin)?, &path(&["erasures"]), |form| form)
}

/// The receipt stands behind the table, alone on its line.
fn show(args: &ErasureArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    let found = admin.get(&path(&["erasures", &args.id]), &Form::default())?;
    if admin.json {
        return output::bytes(found.bytes());
    }
    let erasure = found.decode::<Erasure>()?;
    rows::print_all(std::slice::from_ref(&erasure))?;
    match &erasure.receipt {
        Some(receipt) => output::bytes(format!("\n{}\n", printable(receipt)).as_bytes()),
        None => Ok(()),
    }
}

fn plan(args: &PlanArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    let user = args.account.as_deref().zip(args.user.as_deref());
    print_plan(&admin, args.install.as_deref(), user)
}

/// Prints what the end of an install, or the offboarding of a user from an account, would erase.
///
/// # Errors
/// When the server cannot be reached, or refuses.
pub(crate) fn print_plan(admin: &Admin, install: Option<&str>, user: Option<(&str, &str)>) -> Result<(), Failure> {
    let (account, user) = user.unzip();
    let query = Form::default().with("install", install).with("account", account).with("user", user);
    let planned = admin.get(&path(&["erasures", "plan"]), &query)?;
    if admin.json {
        return output::bytes(planned.bytes());
    }
    let plan = planned.decode::<Plan>()?;
    rows::print_all(&plan.namespaces)?;
    if plan.namespaces.is_empty() {
        return Ok(());
    }
    output::bytes(format!("Gone from {} on.\n", date(plan.erase_at)).as_bytes())
}
