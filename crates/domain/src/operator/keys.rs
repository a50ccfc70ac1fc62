//! Keys of an install that the platform's own pages ask for: the restricted key of an app with that access (contract section 16), and the
//! embedded keys of UI extensions (contract 5.5).

use super::credentials::{credential_entry, cut_restricted_keys, draw_credential};
use super::{OperatorError, account_of, app_named, install_of, overlap_end};
use crate::directory::app::ApiAccess;
use crate::directory::change::Change;
use crate::directory::credential::CredentialKind;
use crate::directory::decision::{Context, Decision, Drawn};
use crate::directory::install::Install;
use crate::directory::record::Record;
use crate::id::{AccountId, InstallId, UserId};
use crate::limits::{EMBEDDED_KEY_SECONDS_DEFAULT, EMBEDDED_KEY_SECONDS_MAX};
use crate::livemode::Livemode;
use crate::name::is_legal;
use crate::time::Timestamp;

/// Draws the restricted key of an install; a further one rolls it: the old one lives on for `overlap_seconds`, and so does at most every
/// other that the install still has (contract 16.1, 16.2). Shown this once.
///
/// # Errors
/// When there is no such install, its app has another access, or the overlap is too long.
pub fn issue_restricted_key(
    ctx: &Context<'_>,
    by: &str,
    id: &InstallId,
    overlap_seconds: i64,
) -> Result<Decision<Drawn>, OperatorError> {
    let install = install_of(ctx.directory, id)?;
    let until = overlap_end(ctx, overlap_seconds)?;
    let access = ctx.directory.access_of(install).ok_or(OperatorError::NoInstall)?;
    if access != ApiAccess::RestrictedApiKey {
        return Err(OperatorError::OtherAccess(access));
    }
    let mut change = Change::default();
    change.records.extend(cut_restricted_keys(ctx, install, until, None));
    let kind = CredentialKind::Restricted { app: install.app.clone() };
    let (drawn, mut credential) = draw_credential(ctx, kind, &install.account, id.livemode());
    credential.install = Some(*id);
    let issued = credential_entry(ctx, by, "install.key_issued", &credential);
    change.put(Record::Install(Box::new(Install { restricted_key: Some(drawn.key), ..install.clone() })));
    change.put(Record::Credential(Box::new(credential)));
    change.audit.push(issued);
    Ok(Decision { change, outcome: drawn })
}

/// A UI extension's session, as the platform asks for it.
#[derive(Clone, Debug)]
pub struct NewSession<'a> {
    /// The app, in any of its names.
    pub app: &'a str,
    /// The installing account.
    pub account: &'a AccountId,
    /// The user who looks at it, listed or not.
    pub user: &'a UserId,
    /// The mode.
    pub livemode: Livemode,
    /// Seconds for which it lives: at most [`EMBEDDED_KEY_SECONDS_MAX`]; absent [`EMBEDDED_KEY_SECONDS_DEFAULT`].
    pub seconds: Option<i64>,
}

/// An embedded key, shown this once.
#[derive(Debug)]
pub struct Session {
    /// The key.
    pub key: Drawn,
    /// The install that it belongs to.
    pub install: InstallId,
    /// From then on it is refused as expired.
    pub expires_at: Timestamp,
}

/// Draws an embedded key for a user of an account that has the app installed.
///
/// # Errors
/// When there is no such app or account, the app is not installed there, the user's id is illegal, or the lifetime is.
pub fn open_session(ctx: &Context<'_>, by: &str, new: &NewSession<'_>) -> Result<Decision<Session>, OperatorError> {
    let app = app_named(ctx.directory, new.app)?;
    account_of(ctx.directory, new.account)?;
    if !is_legal(new.user.as_str()) {
        return Err(OperatorError::TextIllegal("user"));
    }
    let seconds = new.seconds.unwrap_or(EMBEDDED_KEY_SECONDS_DEFAULT);
    if !(1..=EMBEDDED_KEY_SECONDS_MAX).contains(&seconds) {
        return Err(OperatorError::Lifetime);
    }
    let install = ctx.directory.install_of(&app.id, new.account, new.livemode).ok_or(OperatorError::NotInstalled)?;
    let kind = CredentialKind::Embedded { app: app.id.clone(), user: new.user.clone() };
    let (key, mut credential) = draw_credential(ctx, kind, new.account, new.livemode);
    let expires_at = ctx.now.plus(seconds);
    credential.install = Some(install.id);
    credential.expires_at = Some(expires_at);
    let mut change = Change::default();
    change.audit.push(credential_entry(ctx, by, "session.opened", &credential));
    change.put(Record::Credential(Box::new(credential)));
    Ok(Decision { change, outcome: Session { key, install: install.id, expires_at } })
}
