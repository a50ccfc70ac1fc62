//! The operator's decisions: accounts, users, apps, installs, credentials, webhook endpoints, consent and erasure.
//!
//! Like everything that changes the directory they are pure functions of it. Each names who asks (`by`, as the audit log calls them: the id
//! of an admin token, or `cholla`) and writes an entry of the audit log, except where nothing changes. What the operator asks for twice is
//! done once: who repeats a request whose answer was lost finds what is there.

mod accounts;
mod apps;
mod consent;
mod credentials;
mod endpoints;
mod erasures;
mod installs;
mod keys;
mod users;

use thiserror::Error;

use crate::directory::app::{ApiAccess, App};
use crate::directory::change::AuditEntry;
use crate::directory::decision::Context;
use crate::directory::install::{Channel, Install};
use crate::directory::state::Directory;
use crate::id::{AccountId, AppId, InstallId};
use crate::limits::OVERLAP_SECONDS_MAX;
use crate::time::{ExpiryError, Timestamp};

pub use accounts::{connect, create_account, disconnect, is_account_id, rename_account};
pub use apps::{Declared, NewUpload, Uploaded, publish, roll_signing_secret, upload};
pub use consent::{
    Allowed, Consent, ConsentRequest, PermissionPreview, Preview, Redirect, allow, deny, preview, redirect_uri,
};
pub use credentials::{
    CredentialFilter, NewCredential, NewKind, Shown, admin_role, create_credential, credential_entry,
    expire_credential, lifetime, permission_names, revoke_credential, roll_credential, shown_tail,
};
pub use endpoints::{
    INSTALL_EVENTS, NewEndpoint, SECRET_EVENTS, create_endpoint, delete_endpoint, endpoint_entry, roll_endpoint_secret,
};
pub use erasures::{
    ErasurePlan, all_namespaces, due_endings, finish_erasure, namespaces_of_app, namespaces_on, plan_offboarding,
    plan_uninstall, plan_uninstalls,
};
pub use installs::{InstallOrder, install, set_permissions, uninstall};
pub use keys::{NewSession, Session, issue_restricted_key, open_session};
pub use users::{Offboarded, add_user, offboard_user};

/// Why the operator's request is refused. It names nothing that a request may have misplaced: whoever shows it adds what was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OperatorError {
    /// There is no such account.
    #[error("no such account")]
    NoAccount(AccountId),
    /// There is no such app.
    #[error("no such app")]
    NoApp(String),
    /// There is no such install, or it has ended.
    #[error("no such install")]
    NoInstall,
    /// There is no such credential.
    #[error("no such credential")]
    NoCredential,
    /// There is no such webhook endpoint.
    #[error("no such webhook endpoint")]
    NoEndpoint,
    /// There is no such erasure.
    #[error("no such erasure")]
    NoErasure,
    /// It is not `acct_` and letters, digits or `_`, or too long.
    #[error("malformed account id")]
    AccountIdMalformed,
    /// It is empty, too long, or holds NUL.
    #[error("an illegal text")]
    TextIllegal(&'static str),
    /// The account is there under another name.
    #[error("the account has another name")]
    AccountNamedOtherwise,
    /// An account needs no connection to itself.
    #[error("an account cannot be connected to itself")]
    OwnConnection,
    /// It is no manifest id (contract 11.3).
    #[error("an illegal app id")]
    AppIdIllegal,
    /// The `app_` id is another app's.
    #[error("the id is another app's")]
    AppIdTaken,
    /// The client id is another app's.
    #[error("the client id is another app's")]
    ClientIdTaken,
    /// The app has these ids and this secret already, and keeps them.
    #[error("the app has another already")]
    DeclaredOtherwise(&'static str),
    /// The app belongs to another account.
    #[error("the app is another account's")]
    OwnedByOther(AccountId),
    /// The owner has published another app; one can be (contract 5.1).
    #[error("the owner has published another app")]
    OtherPublished(AppId),
    /// A signing secret that does not begin as its kind does.
    #[error("a malformed signing secret")]
    SigningSecretMalformed(&'static str),
    /// Longer than [`OVERLAP_SECONDS_MAX`], or negative.
    #[error("the overlap is too long")]
    OverlapTooLong,
    /// The version installed does not ask for the permission.
    #[error("a permission that the app does not ask for")]
    NotAskedFor(String),
    /// The app is installed there on that channel (contract 13.6).
    #[error("installed on another channel")]
    OtherChannel(Channel),
    /// The app is not installed on the account in that mode.
    #[error("not installed")]
    NotInstalled,
    /// Restricted keys are for apps of that access only (contract 16.2).
    #[error("an app of another access")]
    OtherAccess(ApiAccess),
    /// The credential was revoked or has expired.
    #[error("the credential lives no more")]
    CredentialDead,
    /// OAuth tokens and embedded keys are not rolled.
    #[error("not a kind that is rolled")]
    NotRolled(&'static str),
    /// The value holds what no client could send.
    #[error("an illegal value")]
    ValueIllegal,
    /// The value does not begin as its kind and mode do; so it would be well.
    #[error("the value contradicts kind or mode")]
    ValueOfOtherKind(&'static [&'static str]),
    /// Somebody has that value already.
    #[error("the value is another credential's")]
    ValueTaken,
    /// A permission that a credential of that kind cannot have.
    #[error("an unknown permission")]
    PermissionUnknown(&'static [&'static str]),
    /// An account's own restricted key needs permissions.
    #[error("permissions are needed")]
    PermissionsMissing,
    /// A credential of that kind has none of its own.
    #[error("permissions do not apply")]
    PermissionsRefused(&'static str),
    /// The expiry is not in the future, or too far ahead.
    #[error("an illegal expiry")]
    Expiry(ExpiryError),
    /// The lifetime of an embedded key.
    #[error("an illegal lifetime")]
    Lifetime,
    /// A credential of that kind would live longer than its kind does.
    #[error("beyond the longest life of its kind")]
    BeyondLifetime(&'static str),
    /// A secret of that prefix that is given needs so many characters behind it.
    #[error("a secret that is too short")]
    SecretTooShort(&'static str, usize),
    /// An event type that such an endpoint never gets.
    #[error("an unknown event type")]
    EventUnknown,
    /// The operator's own endpoint has no other accounts.
    #[error("`connect` needs an account")]
    ConnectNeedsAccount,
    /// The account has as many endpoints as it can have in that mode.
    #[error("too many endpoints")]
    TooManyEndpoints,
    /// The app has no redirect URI at all.
    #[error("the app has no redirect URI")]
    RedirectUriMissing,
    /// It is none of the app's.
    #[error("not a redirect URI of the app")]
    RedirectUriUnknown,
    /// In live mode it must be https.
    #[error("a live redirect URI that is not https")]
    RedirectUriPlain,
}

impl From<ExpiryError> for OperatorError {
    fn from(error: ExpiryError) -> Self {
        Self::Expiry(error)
    }
}

/// An entry of the audit log about what the operator did.
fn entry<const N: usize>(ctx: &Context<'_>, by: &str, action: &str, subject: [(&str, &str); N]) -> AuditEntry {
    entry_about(ctx, by, action, &subject)
}

/// The same about as much as there is to tell. What belongs to no account names none.
fn entry_about(ctx: &Context<'_>, by: &str, action: &str, subject: &[(&str, &str)]) -> AuditEntry {
    let subject = subject.iter().filter(|(_, id)| !id.is_empty());
    AuditEntry {
        at: ctx.now,
        action: action.to_owned(),
        actor: by.to_owned(),
        subject: subject.map(|(word, id)| ((*word).to_owned(), (*id).to_owned())).collect(),
    }
}

/// The account of that id.
fn account_of<'d>(
    directory: &'d Directory,
    id: &AccountId,
) -> Result<&'d crate::directory::account::Account, OperatorError> {
    directory.account(id).ok_or_else(|| OperatorError::NoAccount(id.clone()))
}

/// The app of any of its three names (contract 11.3).
///
/// # Errors
/// When there is none.
pub fn app_named<'d>(directory: &'d Directory, name: &str) -> Result<&'d App, OperatorError> {
    directory.app_of_any_name(name).ok_or_else(|| OperatorError::NoApp(name.to_owned()))
}

fn install_of<'d>(directory: &'d Directory, id: &InstallId) -> Result<&'d Install, OperatorError> {
    directory.install(id).ok_or(OperatorError::NoInstall)
}

/// Until when what was rolled lives on.
fn overlap_end(ctx: &Context<'_>, overlap_seconds: i64) -> Result<Timestamp, OperatorError> {
    if (0..=OVERLAP_SECONDS_MAX).contains(&overlap_seconds) {
        Ok(ctx.now.plus(overlap_seconds))
    } else {
        Err(OperatorError::OverlapTooLong)
    }
}
