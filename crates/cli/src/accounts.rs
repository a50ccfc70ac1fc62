//! `cholla accounts`

use cholla_wire::client::Form;
use serde::{Deserialize, Serialize};

use crate::admin::{Admin, path};
use crate::args::accounts::{AccountsCommand, ConnectArgs, CreateAccountArgs, RenameArgs};
use crate::output::{Failure, date};
use crate::rows::{self, Row, listed, or_dash};

/// An account, as a table shows it.
#[derive(Deserialize)]
struct Account {
    id: String,
    name: Option<String>,
    connected_to: Vec<String>,
    created: i64,
}

impl Row for Account {
    const HEAD: &'static [&'static str] = &["ID", "NAME", "CONNECTED TO", "CREATED"];
    const NONE: &'static str = "No accounts.";

    fn cells(&self) -> Vec<String> {
        vec![self.id.clone(), or_dash(self.name.as_deref()), listed(&self.connected_to), date(self.created)]
    }
}

/// Runs one command on accounts.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &AccountsCommand) -> Result<(), Failure> {
    match command {
        AccountsCommand::Create(args) => create(args),
        AccountsCommand::List(args) => {
            rows::print_list::<Account>(&Admin::open(&args.admin)?, &path(&["accounts"]), |form| form)
        }
        AccountsCommand::Show(args) => {
            let admin = Admin::open(&args.admin)?;
            rows::print_one::<Account>(&admin, &admin.get(&path(&["accounts", &args.account]), &Form::default())?)
        }
        AccountsCommand::Rename(args) => rename(args),
        AccountsCommand::Connect(args) => connection(args, "connect"),
        AccountsCommand::Disconnect(args) => connection(args, "disconnect"),
    }
}

fn create(args: &CreateAccountArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct NewAccount<'a> {
        id: &'a str,
        name: Option<&'a str>,
    }
    let admin = Admin::open(&args.admin)?;
    let new = NewAccount { id: &args.account, name: args.name.as_deref() };
    rows::print_one::<Account>(&admin, &admin.post(&path(&["accounts"]), &new)?)
}

fn rename(args: &RenameArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Renaming<'a> {
        name: &'a str,
    }
    let admin = Admin::open(&args.admin)?;
    let renamed = admin.post(&path(&["accounts", &args.account]), &Renaming { name: &args.name })?;
    rows::print_one::<Account>(&admin, &renamed)
}

/// Begins or ends a connection.
fn connection(args: &ConnectArgs, word: &str) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct Connection<'a> {
        developer: &'a str,
    }
    let admin = Admin::open(&args.admin)?;
    let changed = admin.post(&path(&["accounts", &args.account, word]), &Connection { developer: &args.developer })?;
    rows::print_one::<Account>(&admin, &changed)
}
