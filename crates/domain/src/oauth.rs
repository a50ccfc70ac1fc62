//! OAuth for apps (contract section 15): codes become pairs of tokens, pairs are rotated, reuse is found out.
//!
//! Everything here is decided on the directory as it is, so that of sixteen workers that present one token at the same time one wins.

use crate::directory::app::App;
use crate::directory::change::{AuditEntry, Change};
use crate::directory::credential::{Credential, CredentialKey, CredentialKind};
use crate::directory::decision::{Context, Drawn};
use crate::directory::grant::{Grant, Pair};
use crate::directory::install::Install;
use crate::directory::record::Record;
use crate::id::{AccountId, ClientId, InstallId, RequestId};
use crate::limits::{ACCESS_TOKEN_SECONDS, REFRESH_TOKEN_SECONDS};
use crate::livemode::Livemode;
use crate::time::Timestamp;

mod exchange;
mod refresh;

pub use exchange::{ExchangeRequest, exchange};
pub use refresh::{RefreshRequest, refresh};

/// Letters and digits of an access token, and of a refresh token.
const TOKEN_CHARS: usize = 64;
/// How many of a refresh token's are those of its family.
const FAMILY_CHARS: usize = 24;
/// What refresh tokens begin with.
const REFRESH_PREFIX: &str = "rt_";

/// The developer whose secret key asks (contract 15.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Developer {
    /// The account.
    pub account: AccountId,
    /// The mode of the key.
    pub livemode: Livemode,
}

/// Why no tokens are given (contract 15.14).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OAuthError {
    /// a: the code has a challenge, and no verifier came.
    VerifierMissing,
    /// c: the code is unknown, expired, voided, of another developer, of the other mode, or of an install that ended.
    CodeUnknown,
    /// c: the code was used before; what it brought is revoked now.
    CodeReused,
    /// c: the code was used before, and a pair of tokens that it brought is in use; nothing is revoked (contract 15.9).
    CodeUsed,
    /// c: the verifier is wrong, or none was expected.
    VerifierWrong,
    /// c: the redirect URI is not the code's.
    RedirectUriWrong,
    /// c: the refresh token is unknown, expired, rotated, revoked, of another developer, of the other mode, or of an install that ended.
    RefreshTokenUnknown,
    /// c: the client id is another app's of the developer.
    ClientOfAnotherApp,
    /// e: the client id is none of the developer's.
    ClientUnknown,
}

/// A pair of tokens, shown this once (contract 15.5).
#[derive(Debug)]
pub struct Tokens {
    /// The access token.
    pub access: Drawn,
    /// The refresh token.
    pub refresh: Drawn,
    /// The installing account.
    pub account: AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// A publishable key of the account, where it has one.
    pub publishable: Option<String>,
    /// Of the answer to a retry whose first answer was lost: the request that came first (contract 15.9 and 7.4).
    pub replay_of: Option<RequestId>,
}

/// The install and the app of a grant, if they are the developer's in that mode.
fn own<'a>(ctx: &Context<'a>, grant: &Grant, developer: &Developer) -> Option<(&'a Install, &'a App)> {
    let install = ctx.directory.install(&grant.install)?;
    let app = ctx.directory.app(&install.app)?;
    (app.owner == developer.account && install.livemode() == developer.livemode).then_some((install, app))
}

/// Whether a client id, where one was sent, is the app's.
fn check_client(
    ctx: &Context<'_>,
    client: Option<&str>,
    app: Option<&App>,
    developer: &Developer,
) -> Result<(), OAuthError> {
    let Some(client) = client else { return Ok(()) };
    let named = ClientId::parse(client).and_then(|id| ctx.directory.app_of_client(&id));
    match (named, app) {
        (Some(named), _) if named.owner != developer.account => Err(OAuthError::ClientUnknown),
        (None, _) => Err(OAuthError::ClientUnknown),
        (Some(named), Some(app)) if named.id != app.id => Err(OAuthError::ClientOfAnotherApp),
        (Some(_), _) => Ok(()),
    }
}

/// What a new pair is issued with.
struct Issue<'a> {
    install: &'a Install,
    /// The keyed hash of the idempotency key and the parameters.
    issued_under: Option<[u8; 32]>,
    /// What the refresh tokens of the grant begin with; drawn where there is none yet.
    family: Option<&'a str>,
    /// The request that came first, where the pair takes the place of one that nobody saw.
    replay_of: Option<RequestId>,
}

/// Draws a pair and adds its access token to `change`. The grant that remembers the pair is the caller's to complete.
fn issue(ctx: &Context<'_>, what: &Issue<'_>, change: &mut Change) -> (Pair, CredentialKey, Tokens) {
    let Issue { install, issued_under, family, replay_of } = *what;
    let livemode = install.livemode();
    let access = Drawn::draw(ctx.mint, &format!("rk_{}_", livemode.as_str()), TOKEN_CHARS);
    let family = match family {
        Some(family) => zeroize::Zeroizing::new(family.to_owned()),
        None => Drawn::draw(ctx.mint, REFRESH_PREFIX, FAMILY_CHARS).value,
    };
    let family_key = CredentialKey::of(&ctx.mint.hash(family.as_bytes()));
    let refresh = Drawn::draw(ctx.mint, &family, TOKEN_CHARS - FAMILY_CHARS);
    change.put(Record::Credential(Box::new(Credential {
        key: access.key,
        kind: CredentialKind::OAuth { app: install.app.clone() },
        account: install.account.clone(),
        livemode,
        permissions: None,
        install: Some(install.id),
        tail: access.tail(),
        created_at: ctx.now,
        expires_at: Some(ctx.now.plus(ACCESS_TOKEN_SECONDS)),
        revoked_at: None,
    })));
    let pair = Pair {
        access: access.key,
        refresh: refresh.key,
        refresh_expires_at: ctx.now.plus(REFRESH_TOKEN_SECONDS),
        issued_under,
        original: replay_of.unwrap_or(ctx.request),
        presented: false,
    };
    let publishable = ctx.directory.publishable(&install.account, livemode);
    let publishable = publishable.filter(|key| key.is_live(ctx.now)).and_then(|key| match &key.kind {
        CredentialKind::Publishable { value } => Some(value.clone()),
        _ => None,
    });
    let tokens = Tokens { access, refresh, account: install.account.clone(), livemode, publishable, replay_of };
    (pair, family_key, tokens)
}

/// Lets an access token count until `until` at the longest.
fn revoke_access(ctx: &Context<'_>, access: &CredentialKey, until: Timestamp, change: &mut Change) {
    let Some(credential) = ctx.directory.credential(access).filter(|credential| credential.is_live(ctx.now)) else {
        return;
    };
    change.put(Record::Credential(Box::new(credential.rotated(until))));
}

/// Ends every access token of a grant, those that were rotated a moment ago included.
fn revoke_all_access(ctx: &Context<'_>, grant: &Grant, change: &mut Change) {
    let rotated = grant.rotated.iter().map(|rotated| &rotated.access);
    for access in rotated.chain(grant.pair.as_ref().map(|pair| &pair.access)) {
        revoke_access(ctx, access, ctx.now, change);
    }
}

/// Ends the pair of a grant, at once: its tokens are unknown from now on. The install stays.
fn revoke_pair(ctx: &Context<'_>, grant: &Grant, action: &str) -> Change {
    let mut change = Change::default();
    if grant.pair.is_some() {
        revoke_all_access(ctx, grant, &mut change);
        let account = ctx.directory.install(&grant.install).map(|install| install.account.to_string());
        change.audit.push(AuditEntry {
            at: ctx.now,
            action: action.to_owned(),
            actor: "cholla".to_owned(),
            subject: vec![
                ("install".to_owned(), grant.install.to_string()),
                ("account".to_owned(), account.unwrap_or_default()),
            ],
        });
        change.put(Record::Grant(Box::new(Grant { pair: None, rotated: Vec::new(), ..grant.clone() })));
    }
    change
}

/// Which access tokens have been presented, also those of which the directory does not know it yet (contract 15.9).
pub type IsPresented<'a> = &'a dyn Fn(&CredentialKey) -> bool;

/// Whether nobody has seen a pair: the answer that brought it may have been lost.
fn is_unseen(pair: &Pair, is_presented: IsPresented<'_>) -> bool {
    !pair.presented && !is_presented(&pair.access)
}

/// Remembers that a token of an install's living pair was presented: a lost answer is then no explanation for a retry any more
/// (contract 15.9). Nothing where it is remembered already, or where it is not the living pair's.
pub fn presented(ctx: &Context<'_>, install: &InstallId, access: &CredentialKey) -> Change {
    let mut change = Change::default();
    if let Some(grant) = ctx.directory.grant(install)
        && let Some(pair) = grant.pair.as_ref().filter(|pair| pair.access == *access && !pair.presented)
    {
        let pair = Pair { presented: true, ..pair.clone() };
        change.put(Record::Grant(Box::new(Grant { pair: Some(pair), ..grant.clone() })));
    }
    change
}
