//! `cholla inventory`: which secrets there are, never what is in them.

use serde::Deserialize;

use crate::admin::{Admin, path};
use crate::args::oversight::InventoryArgs;
use crate::output::{Failure, date};
use crate::rows::{self, Row, or_dash};

/// A scope with its secrets.
#[derive(Deserialize)]
struct Scope {
    developer: String,
    account: String,
    mode: String,
    r#type: String,
    user: Option<String>,
    secrets: Vec<Secret>,
}

#[derive(Deserialize)]
struct Secret {
    name: String,
    age_days: i64,
    expires_at: Option<i64>,
    last_read: Option<String>,
    payload_bytes: u64,
}

/// A secret in its scope, as a table shows it.
struct Entry(Vec<String>);

impl Row for Entry {
    const HEAD: &'static [&'static str] =
        &["NAME", "SCOPE", "ACCOUNT", "DEVELOPER", "MODE", "DAYS OLD", "EXPIRES", "LAST READ", "BYTES"];
    const NONE: &'static str = "No secrets.";

    fn cells(&self) -> Vec<String> {
        self.0.clone()
    }
}

impl Scope {
    fn entries(&self) -> impl Iterator<Item = Entry> {
        let scope = match &self.user {
            Some(user) => format!("{} {user}", self.r#type),
            None => self.r#type.clone(),
        };
        self.secrets.iter().map(move |secret| {
            Entry(vec![
                secret.name.clone(),
                scope.clone(),
                self.account.clone(),
                self.developer.clone(),
                self.mode.clone(),
                secret.age_days.to_string(),
                secret.expires_at.map_or_else(|| "never".to_owned(), date),
                or_dash(secret.last_read.as_deref()),
                secret.payload_bytes.to_string(),
            ])
        })
    }
}

/// Prints the inventory.
///
/// # Errors
/// When a flag is wrong, the server cannot be reached, or it refuses.
pub(crate) fn run(args: &InventoryArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    let scopes = admin.list::<Scope>(&path(&["inventory"]), usize::MAX, |form| {
        form.with("account", args.account.as_deref())
            .with("app", args.app.as_deref())
            .with("expiring_within", args.expiring_within.as_deref())
    })?;
    let entries: Vec<_> = scopes.iter().flat_map(Scope::entries).collect();
    if admin.json { Ok(()) } else { rows::print_all(&entries) }
}
