//! `cholla users`

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, path};
use crate::args::accounts::{OffboardArgs, UserArgs, UserListArgs, UsersCommand};
use crate::erasures;
use crate::output::{Failure, date};
use crate::rows::{self, Row};

/// A user, as a table shows one.
#[derive(Deserialize)]
struct User {
    id: String,
    account: String,
    added: i64,
}

impl Row for User {
    const HEAD: &'static [&'static str] = &["ID", "ACCOUNT", "ADDED"];
    const NONE: &'static str = "No users.";

    fn cells(&self) -> Vec<String> {
        vec![self.id.clone(), self.account.clone(), date(self.added)]
    }
}

/// A user who was offboarded.
#[derive(Deserialize)]
struct Offboarded {
    account: String,
    erasure: String,
    keys_revoked: u64,
}

impl Row for Offboarded {
    const HEAD: &'static [&'static str] = &["ACCOUNT", "KEYS REVOKED", "ERASURE"];
    const NONE: &'static str = "Nobody.";

    fn cells(&self) -> Vec<String> {
        vec![self.account.clone(), self.keys_revoked.to_string(), self.erasure.clone()]
    }
}

/// Runs one command on users.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &UsersCommand) -> Result<(), Failure> {
    match command {
        UsersCommand::Add(args) => add(args),
        UsersCommand::List(args) => list(args),
        UsersCommand::Offboard(args) => offboard(args),
    }
}

fn add(args: &UserArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct NewUser<'a> {
        id: &'a str,
    }
    let admin = Admin::open(&args.admin)?;
    let added = admin.post(&path(&["accounts", &args.account, "users"]), &NewUser { id: &args.user })?;
    rows::print_one::<User>(&admin, &added)
}

fn list(args: &UserListArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_list::<User>(&admin, &path(&["accounts", &args.account, "users"]), |form| form)
}

fn offboard(args: &OffboardArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Leaving<'a> {
        user: &'a str,
    }
    let UserArgs { user, account, admin } = &args.user;
    let admin = Admin::open(admin)?;
    if args.dry_run {
        return erasures::print_plan(&admin, None, Some((account, user)));
    }
    let gone = admin.post(&path(&["accounts", account, "users", "offboard"]), &Leaving { user })?;
    rows::print_one::<Offboarded>(&admin, &gone)
}
