//! Accounts, and their connections to developers.

use super::{OperatorError, account_of, entry};
use crate::directory::account::Account;
use crate::directory::change::Change;
use crate::directory::decision::{Context, Decision};
use crate::directory::record::Record;
use crate::id::AccountId;
use crate::limits::MADE_UP_ACCOUNT_ID_BYTES_MAX;
use crate::name::is_legal;

/// Whether `text` is `acct_` and one or more of `A-Za-z0-9_`, and short enough for a header.
pub fn is_account_id(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= MADE_UP_ACCOUNT_ID_BYTES_MAX
        && text.strip_prefix("acct_").is_some_and(|rest| !rest.is_empty() && rest.bytes().all(legal))
}

/// Creates an account. One that is there under that name, or of which no name is asked, stays as it is; one that dev mode made up is the
/// operator's from now on.
///
/// # Errors
/// When the id or the name is illegal, or the account has another name.
pub fn create_account(
    ctx: &Context<'_>,
    by: &str,
    id: &AccountId,
    name: Option<&str>,
) -> Result<Decision<Account>, OperatorError> {
    if !is_account_id(id.as_str()) {
        return Err(OperatorError::AccountIdMalformed);
    }
    check_name(name)?;
    let account = match ctx.directory.account(id) {
        Some(found) if !found.made_up => {
            let same = name.is_none_or(|name| found.name.as_deref() == Some(name));
            let found = found.clone();
            return if same { Ok(Decision::unchanged(found)) } else { Err(OperatorError::AccountNamedOtherwise) };
        }
        Some(made_up) => Account { name: name.map(str::to_owned), made_up: false, ..made_up.clone() },
        None => Account {
            id: id.clone(),
            name: name.map(str::to_owned),
            connected_to: [].into(),
            made_up: false,
            created_at: ctx.now,
        },
    };
    Ok(put(ctx, by, "account.created", account))
}

/// Gives an account another name, or none.
///
/// # Errors
/// When there is no such account, or the name is illegal.
pub fn rename_account(
    ctx: &Context<'_>,
    by: &str,
    id: &AccountId,
    name: Option<&str>,
) -> Result<Decision<Account>, OperatorError> {
    check_name(name)?;
    let found = account_of(ctx.directory, id)?;
    if found.name.as_deref() == name {
        return Ok(Decision::unchanged(found.clone()));
    }
    Ok(put(ctx, by, "account.renamed", Account { name: name.map(str::to_owned), ..found.clone() }))
}

/// Connects an account to a developer, who may install its own apps there from now on (contract 12.6).
///
/// # Errors
/// When there is no such account or developer, or they are the same.
pub fn connect(
    ctx: &Context<'_>,
    by: &str,
    id: &AccountId,
    developer: &AccountId,
) -> Result<Decision<Account>, OperatorError> {
    let mut account = account_of(ctx.directory, id)?.clone();
    account_of(ctx.directory, developer)?;
    if id == developer {
        return Err(OperatorError::OwnConnection);
    }
    if !account.connected_to.insert(developer.clone()) {
        return Ok(Decision::unchanged(account));
    }
    let subject = entry(ctx, by, "account.connected", [("account", id.as_str()), ("developer", developer.as_str())]);
    Ok(with_entry(account, subject))
}

/// Ends a connection. Installs stay.
///
/// # Errors
/// When there is no such account.
pub fn disconnect(
    ctx: &Context<'_>,
    by: &str,
    id: &AccountId,
    developer: &AccountId,
) -> Result<Decision<Account>, OperatorError> {
    let mut account = account_of(ctx.directory, id)?.clone();
    if !account.connected_to.remove(developer) {
        return Ok(Decision::unchanged(account));
    }
    let subject = entry(ctx, by, "account.disconnected", [("account", id.as_str()), ("developer", developer.as_str())]);
    Ok(with_entry(account, subject))
}

fn check_name(name: Option<&str>) -> Result<(), OperatorError> {
    if name.is_none_or(is_legal) { Ok(()) } else { Err(OperatorError::TextIllegal("name")) }
}

fn put(ctx: &Context<'_>, by: &str, action: &str, account: Account) -> Decision<Account> {
    let subject = entry(ctx, by, action, [("account", account.id.as_str())]);
    with_entry(account, subject)
}

fn with_entry(account: Account, entry: crate::directory::change::AuditEntry) -> Decision<Account> {
    let mut change = Change::default();
    change.put(Record::Account(account.clone()));
    change.audit.push(entry);
    Decision { change, outcome: account }
}
