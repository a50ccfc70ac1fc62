//! `[[accounts]]`

use std::collections::HashMap;

use cholla_domain::id::{AccountId, UserId};

use super::Account;
use super::document::{At, Table};
use super::fault::quoted;

/// The ids of the accounts that the file declares, and their lines.
pub(super) struct Declared<'a>(HashMap<&'a str, usize>);

impl Declared<'_> {
    /// The account that `key` of `table` names, which the file must declare.
    pub(super) fn account(&self, table: &Table<'_>, key: &str) -> Option<AccountId> {
        let named = table.required(key)?;
        if self.0.contains_key(named.value) {
            return Some(AccountId::new(named.value));
        }
        let name = quoted(named.value);
        table
            .fault(named.line, format!("`{key}` names the account {name}, which no [[accounts]] declares; declare it"));
        None
    }
}

/// Whether `text` is `acct_` and one or more of `A-Za-z0-9_`.
pub(crate) fn is_account_id(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.strip_prefix("acct_").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(legal))
}

/// Reads the accounts; `None` where one is at fault.
pub(super) fn read<'a>(tables: &[Table<'a>]) -> (Option<Vec<Account>>, Declared<'a>) {
    let mut declared = Declared(HashMap::new());
    let accounts: Vec<_> = tables.iter().map(|table| account(table, &mut declared)).collect();
    (accounts.into_iter().collect(), declared)
}

fn account<'a>(table: &Table<'a>, declared: &mut Declared<'a>) -> Option<Account> {
    table.allow(&["id", "name", "users"]);
    let id = id(table, declared);
    let name = table.text("name").map(|name| name.value.to_owned());
    let users = table.texts("users").unwrap_or_default();
    let users = users.into_iter().map(|user| UserId::new(user.value)).collect();
    Some(Account { id: id?, name, users })
}

fn id<'a>(table: &Table<'a>, declared: &mut Declared<'a>) -> Option<AccountId> {
    let At { line, value } = table.required("id")?;
    if !is_account_id(value) {
        let text = format!("malformed account id {}; write `acct_` and letters, digits or `_`", quoted(value));
        table.fault(line, text);
    }
    // A malformed id counts as declared, so that what refers to it is not reported as well.
    if let Some(first) = declared.0.insert(value, line) {
        table.fault(line, format!("the account {} is declared on line {first} already; remove one", quoted(value)));
    }
    Some(AccountId::new(value))
}
