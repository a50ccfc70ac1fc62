//! `cholla tokens`

use serde::{Deserialize, Serialize};

use crate::admin::{Admin, Nothing, path};
use crate::args::keys::{CreateTokenArgs, KeyArgs, TokenListArgs, TokensCommand};
use crate::output::{self, Failure, date, printable};
use crate::rows::{self, Row};
use crate::sensitive::Sensitive;
use crate::shown;

/// An admin token, as a table shows it.
#[derive(Deserialize)]
struct Token {
    id: String,
    role: String,
    masked: String,
    status: String,
    created: i64,
    expires_at: Option<i64>,
}

impl Row for Token {
    const HEAD: &'static [&'static str] = &["ID", "ROLE", "TOKEN", "STATUS", "CREATED", "EXPIRES"];
    const NONE: &'static str = "No tokens but the one of the token's file.";

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.clone(),
            self.role.clone(),
            self.masked.clone(),
            self.status.clone(),
            date(self.created),
            self.expires_at.map_or_else(|| "never".to_owned(), date),
        ]
    }
}

/// Runs one command on admin tokens.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(command: &TokensCommand) -> Result<(), Failure> {
    match command {
        TokensCommand::Create(args) => create(args),
        TokensCommand::List(args) => list(args),
        TokensCommand::Revoke(args) => revoke(args),
    }
}

fn create(args: &CreateTokenArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct NewToken<'a> {
        role: &'a str,
        expires_in: Option<&'a str>,
    }
    #[derive(Deserialize)]
    struct Made {
        id: String,
        role: String,
        value: Sensitive,
    }
    let admin = Admin::open(&args.admin)?;
    let new = NewToken { role: args.role.as_str(), expires_in: args.expires_in.as_deref() };
    let made = admin.post(&path(&["tokens"]), &new)?;
    if admin.json {
        return output::bytes(made.bytes());
    }
    let Made { id, role, value } = made.decode()?;
    shown::print(&value, &printable(&format!("{id}, the new token of an {role}:")))
}

fn list(args: &TokenListArgs) -> Result<(), Failure> {
    rows::print_list::<Token>(&Admin::open(&args.admin)?, &path(&["tokens"]), |form| form)
}

fn revoke(args: &KeyArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_one::<Token>(&admin, &admin.post(&path(&["tokens", &args.id, "revoke"]), &Nothing {})?)
}
