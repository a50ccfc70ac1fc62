//! `cholla keys`

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, Nothing, Success, path};
use crate::args::admin::Mode;
use crate::args::keys::{CreateKeyArgs, ExpireKeyArgs, KeyArgs, KeyKind, KeyListArgs, KeysCommand, RollKeyArgs};
use crate::output::{self, Failure, date, printable};
use crate::rows::{self, Row, or_dash};
use crate::sensitive::Sensitive;
use crate::shown;

/// A key, as a table shows it.
#[derive(Deserialize)]
struct Key {
    id: String,
    kind: String,
    masked: String,
    account: String,
    app: Option<String>,
    user: Option<String>,
    mode: String,
    status: String,
    created: i64,
    expires_at: Option<i64>,
}

impl Row for Key {
    const HEAD: &'static [&'static str] =
        &["ID", "KIND", "KEY", "ACCOUNT", "APP", "USER", "MODE", "STATUS", "CREATED", "EXPIRES"];
    const NONE: &'static str = "No keys.";

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.kind.clone(),
            self.masked.clone(),
            self.account.clone(),
            or_dash(self.app.as_deref()),
            or_dash(self.user.as_deref()),
            self.mode.clone(),
            self.status.clone(),
            date(self.created),
            self.expires_at.map_or_else(|| "never".to_owned(), date),
        ]
    }
}

/// Runs one command on keys.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &KeysCommand) -> Result<(), Failure> {
    match command {
        KeysCommand::Create(args) => create(args),
        KeysCommand::List(args) => list(args),
        KeysCommand::Roll(args) => roll(args),
        KeysCommand::Expire(args) => expire(args),
        KeysCommand::Revoke(args) => revoke(args),
    }
}

fn create(args: &CreateKeyArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct NewKey<'a> {
        kind: &'a str,
        account: &'a str,
        app: Option<&'a str>,
        user: Option<&'a str>,
        mode: &'a str,
        permissions: Option<&'a [String]>,
        expires_in: Option<&'a str>,
    }
    let admin = Admin::open(&args.admin)?;
    let new = NewKey {
        kind: args.kind.as_str(),
        account: &args.account,
        app: args.app.as_deref(),
        user: args.user.as_deref(),
        mode: args.mode.as_str(),
        permissions: Some(args.permissions.as_slice()).filter(|listed| !listed.is_empty()),
        expires_in: args.expires_in.as_deref(),
    };
    print(&admin, &admin.post(&path(&["keys"]), &new)?)
}

/// Prints the value of a key that was just made.
fn print(admin: &Admin, made: &Success) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Made {
        id: String,
        kind: String,
        account: String,
        mode: String,
        value: Sensitive,
    }
    if admin.json {
        return output::bytes(made.bytes());
    }
    let Made { id, kind, account, mode, value } = made.decode()?;
    shown::print(&value, &printable(&format!("{id}, the new {kind} key of {account} in {mode} mode:")))
}

fn list(args: &KeyListArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_list::<Key>(&admin, &path(&["keys"]), |form| {
        form.with("account", args.account.as_deref())
            .with("app", args.app.as_deref())
            .with("kind", args.kind.map(KeyKind::as_str))
            .with("mode", args.mode.map(Mode::as_str))
    })
}

fn roll(args: &RollKeyArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.key.admin)?;
    print(&admin, &admin.roll(&["keys", &args.key.id, "roll"], &args.roll)?)
}

fn expire(args: &ExpireKeyArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Expiring<'a> {
        expires_in: &'a str,
    }
    let admin = Admin::open(&args.key.admin)?;
    let expiring = admin.post(&path(&["keys", &args.key.id, "expire"]), &Expiring { expires_in: &args.within })?;
    rows::print_one::<Key>(&admin, &expiring)
}

fn revoke(args: &KeyArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_one::<Key>(&admin, &admin.post(&path(&["keys", &args.id, "revoke"]), &Nothing {})?)
}
