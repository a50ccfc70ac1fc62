//! Users of an account: listed, and offboarded.

use super::{OperatorError, account_of, entry};
use crate::directory::account::User;
use crate::directory::change::Change;
use crate::directory::credential::Credential;
use crate::directory::decision::{Context, Decision};
use crate::directory::erasure::{Erasure, ErasureTarget};
use crate::directory::record::{Record, RecordName};
use crate::id::{AccountId, UserId};
use crate::name::is_legal;
use crate::tag::ErasureId;

/// Lists a user. One that is listed already stays as it is.
///
/// # Errors
/// When there is no such account, or the id is illegal (contract 4.6).
pub fn add_user(
    ctx: &Context<'_>,
    by: &str,
    account: &AccountId,
    id: &UserId,
) -> Result<Decision<User>, OperatorError> {
    account_of(ctx.directory, account)?;
    if !is_legal(id.as_str()) {
        return Err(OperatorError::TextIllegal("id"));
    }
    if let Some(user) = ctx.directory.user(account, id) {
        return Ok(Decision::unchanged(user.clone()));
    }
    let user = User { account: account.clone(), id: id.clone(), added_at: ctx.now };
    let mut change = Change::default();
    change.put(Record::User(user.clone()));
    // The audit log outlives the user: it says where, not who.
    change.audit.push(entry(ctx, by, "user.added", [("account", account.as_str())]));
    Ok(Decision { change, outcome: user })
}

/// What offboarding a user came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offboarded {
    /// The erasure of all scopes of the user in the account.
    pub erasure: ErasureId,
    /// Embedded keys of the user that were revoked.
    pub keys_revoked: usize,
}

/// Offboards a user of an account, listed or not (contract 14.8): the user's embedded keys there are revoked, and all scopes of the user are
/// erased, over all apps and both modes. Asked again, it erases what has come since.
///
/// Keys that the platform signed itself have no record here: they are revoked by what the erasure says, its account, its user and when it
/// began ([`Directory::is_signed_before_offboarding`](crate::directory::state::Directory::is_signed_before_offboarding)).
///
/// # Errors
/// When there is no such account, or the id is illegal.
pub fn offboard_user(
    ctx: &Context<'_>,
    by: &str,
    account: &AccountId,
    user: &UserId,
) -> Result<Decision<Offboarded>, OperatorError> {
    account_of(ctx.directory, account)?;
    if !is_legal(user.as_str()) {
        return Err(OperatorError::TextIllegal("user"));
    }
    let mut change = Change::default();
    let is_theirs = |credential: &&Credential| credential.kind.user() == Some(user) && credential.is_live(ctx.now);
    for credential in ctx.directory.credentials_of(account).filter(is_theirs) {
        change.put(Record::Credential(Box::new(Credential { revoked_at: Some(ctx.now), ..credential.clone() })));
    }
    let keys_revoked = change.records.len();
    if ctx.directory.user(account, user).is_some() {
        change.remove(RecordName::User(account.clone(), user.clone()));
    }
    let id = ErasureId::draw(ctx.now, ctx.directory.newest_erasure(), ctx.mint.entropy());
    change.put(Record::Erasure(Box::new(Erasure {
        id,
        target: ErasureTarget::User { account: account.clone(), user: user.clone() },
        key_id: None,
        started_at: ctx.now,
        receipt: None,
    })));
    change.audit.push(entry(ctx, by, "user.offboarded", [("account", account.as_str()), ("erasure", &id.to_string())]));
    Ok(Decision { change, outcome: Offboarded { erasure: id, keys_revoked } })
}
