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
    let mut connections = Vec::new();
    let accounts: Vec<_> = tables
        .iter()
        .map(|table| {
            let connected_to = table.texts("connected_to").unwrap_or_default();
            let account = account(table, &connected_to, &mut declared);
            let own = account.as_ref().map(|account| account.id.clone());
            connections.push((table, own, connected_to));
            account
        })
        .collect();
    for (table, own, connected_to) in connections {
        check_connections(table, own.as_ref(), &connected_to, &declared);
    }
    (accounts.into_iter().collect(), declared)
}

fn account<'a>(table: &Table<'a>, connected_to: &[At<&str>], declared: &mut Declared<'a>) -> Option<Account> {
    table.allow(&["id", "name", "users", "connected_to"]);
    let id = id(table, declared);
    let name = table.text("name").map(|name| name.value.to_owned());
    let users = table.texts("users").unwrap_or_default();
    let users = users.into_iter().map(|user| UserId::new(user.value)).collect();
    let connected_to = connected_to.iter().map(|developer| AccountId::new(developer.value)).collect();
    Some(Account { id: id?, name, users, connected_to })
}

/// Every developer that an account is connected to must be declared, before or behind it, and be another.
fn check_connections(table: &Table<'_>, own: Option<&AccountId>, connected_to: &[At<&str>], declared: &Declared<'_>) {
    for developer in connected_to {
        let name = quoted(developer.value);
        if own.is_some_and(|own| own.as_str() == developer.value) {
            table.fault(developer.line, format!("`connected_to` names the account {name} itself; remove it"));
        } else if !declared.0.contains_key(developer.value) {
            let text = format!("`connected_to` names the account {name}, which no [[accounts]] declares; declare it");
            table.fault(developer.line, text);
        }
    }
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
