//! From the head of a request to who makes it.

use std::borrow::Cow;
use std::sync::Arc;

use cholla_domain::directory::CredentialHash;
use cholla_domain::directory::access::{InstallCaller, Refused};
use cholla_domain::directory::credential::{Credential, CredentialKey, CredentialKind};
use cholla_domain::directory::state::Directory;
use cholla_domain::id::AccountId;
use cholla_domain::oauth::Developer;
use cholla_domain::ports::Revision;
use cholla_domain::principal::Principal;
use cholla_domain::time::Timestamp;
use cholla_wire::auth::{MaskedKey, PresentedKey, presented_key};
use cholla_wire::error::ApiError;
use cholla_wire::headers;
use cholla_wire::jose::EmbeddedClaims;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};

use crate::api::InstallRoute;
use crate::header_names::{IDEMPOTENCY_KEY, STRIPE_ACCOUNT, STRIPE_CONTEXT};
use crate::platform_tokens::session;
use crate::state::Api;

/// A caller whose key is known and may act on the account it named.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Who, and where.
    pub principal: Principal,
    /// The keyed hash of the key: its rate limit goes by it.
    pub credential: CredentialHash,
    /// The key as it was presented: messages show it masked.
    pub key: PresentedKey,
    /// The revision of the directory that this was judged on; `None`: it showed what is not committed.
    pub judged: Option<Revision>,
}

/// A caller of the Install API.
pub(crate) struct InstallKey {
    /// Who.
    pub(crate) caller: InstallCaller,
    /// The keyed hash of the key.
    pub(crate) credential: CredentialHash,
    /// The key as it was presented.
    pub(crate) key: PresentedKey,
    /// The account named is not reached; a kept result may still be asked for.
    pub(crate) unreachable: Option<Unreachable>,
}

/// An account that a key does not reach (contract 6.24).
pub(crate) struct Unreachable(AccountId);

impl Unreachable {
    pub(crate) fn error(&self, key: &PresentedKey) -> ApiError {
        ApiError::account_not_reachable(&key.masked(), self.0.as_str())
    }
}

impl InstallKey {
    /// Refuses an account that is not reached, unless this may be the retry of a write that ended the only way to it (contract 14.3).
    pub(crate) fn refused_without_replay(&self, request: &HeaderMap, route: &InstallRoute) -> Result<(), ApiError> {
        let may_be_kept = matches!(route, InstallRoute::Reauthorize(_) | InstallRoute::Uninstall(_))
            && request.contains_key(IDEMPOTENCY_KEY);
        match &self.unreachable {
            Some(unreachable) if !may_be_kept => Err(unreachable.error(&self.key)),
            _ => Ok(()),
        }
    }
}

/// A developer's secret key, as OAuth asks for it.
pub(crate) struct DeveloperKey {
    /// Whose.
    pub(crate) developer: Developer,
    /// The keyed hash of the key.
    pub(crate) credential: CredentialHash,
    /// The key as it was presented.
    pub(crate) key: PresentedKey,
}

/// Authenticates a request to the secrets: first the key, then its relation to the account (contract section 6, order of checks).
///
/// # Errors
/// Contract 6.1 to 6.4, 5.10 and 6.24.
pub(crate) fn authenticate(api: &Api, request: &HeaderMap, now: Timestamp) -> Result<Caller, ApiError> {
    let key = known_form(request.get(AUTHORIZATION), None)?;
    let hash = api.instance.credential_hash(key.as_bytes());
    let signed = signed(api, &key, now);
    let directory = api.keeper.read();
    let credential = credential(api, &directory, (&key, &hash, signed), now)?;
    let named = named_account(request)?;
    let principal = directory.principal(&credential, named.as_ref(), now).map_err(|refused| {
        let named = named.as_ref().unwrap_or(&credential.account);
        refusal(refused, &key.masked(), named.as_str())
    })?;
    let judged = api.keeper.revision(&directory);
    Ok(Caller { principal, credential: hash, key, judged })
}

/// Authenticates a request to the Install API, whose reach is another (contract 12.6).
///
/// # Errors
/// Contract 6.1 to 6.4, 5.10 and 6.24.
pub(crate) fn authenticate_installs(api: &Api, request: &HeaderMap, now: Timestamp) -> Result<InstallKey, ApiError> {
    let key = known_form(request.get(AUTHORIZATION), None)?;
    let hash = api.instance.credential_hash(key.as_bytes());
    let signed = signed(api, &key, now);
    let directory = api.keeper.read();
    let found = credential(api, &directory, (&key, &hash, signed), now)?;
    let named = named_account(request)?;
    match (directory.install_caller(&found, named.as_ref(), now), named) {
        (Ok(caller), _) => Ok(InstallKey { caller, credential: hash, key, unreachable: None }),
        (Err(Refused::AccountNotReachable), Some(named)) if found.kind == CredentialKind::Secret => {
            let (developer, livemode) = (found.account.clone(), found.livemode);
            let caller = InstallCaller::Developer { developer, account: named.clone(), livemode, key: found.key };
            Ok(InstallKey { caller, credential: hash, key, unreachable: Some(Unreachable(named)) })
        }
        (Err(refused), named) => {
            let named = named.as_ref().unwrap_or(&found.account);
            Err(refusal(refused, &key.masked(), named.as_str()))
        }
    }
}

/// Authenticates a developer to OAuth: by the header or, without one, by the secret in the body (contract 15.3).
///
/// # Errors
/// Contract 6.1 to 6.4, and 18.12's form for any key but an account's secret key.
pub(crate) fn authenticate_developer(
    api: &Api,
    header: Option<&HeaderValue>,
    in_body: Option<&[u8]>,
    now: Timestamp,
) -> Result<DeveloperKey, ApiError> {
    let key = known_form(header, in_body)?;
    let hash = api.instance.credential_hash(key.as_bytes());
    let signed = signed(api, &key, now);
    let directory = api.keeper.read();
    let found = credential(api, &directory, (&key, &hash, signed), now)?;
    if found.kind != CredentialKind::Secret {
        return Err(ApiError::developer_key_needed(&key.masked(), found.account.as_str()));
    }
    let developer = Developer { account: found.account.clone(), livemode: found.livemode };
    Ok(DeveloperKey { developer, credential: hash, key })
}

/// The credential that a key is, of the directory's or signed by the platform, if it can be used now.
///
/// # Errors
/// Contract 6.2 and 6.3.
fn credential<'d>(
    api: &Api,
    directory: &'d Directory,
    (key, hash, signed): (&PresentedKey, &CredentialHash, Result<EmbeddedClaims, Refused>),
    now: Timestamp,
) -> Result<Cow<'d, Credential>, ApiError> {
    let refuse = |refused| refusal(refused, &key.masked(), "");
    let found = match directory.credential(&CredentialKey::of(hash)) {
        Some(found) => Cow::Borrowed(found),
        None => Cow::Owned(signed.and_then(|claims| session(claims, directory, now)).map_err(refuse)?),
    };
    note_presented(api, directory, &found);
    found.check(now).map_err(refuse)?;
    Ok(found)
}

/// The key that was presented, which is no publishable one.
fn known_form(header: Option<&HeaderValue>, in_body: Option<&[u8]>) -> Result<PresentedKey, ApiError> {
    let key = match (header, in_body) {
        (None, Some(in_body)) => PresentedKey::of(in_body),
        (header, _) => presented_key(header.map(HeaderValue::as_bytes))?,
    };
    if key.is_publishable() { Err(ApiError::publishable_key()) } else { Ok(key) }
}

fn named_account(request: &HeaderMap) -> Result<Option<AccountId>, ApiError> {
    let header = |name| request.get::<http::HeaderName>(name).map(HeaderValue::as_bytes);
    headers::account(header(STRIPE_ACCOUNT), header(STRIPE_CONTEXT))
}

fn refusal(refused: Refused, key: &MaskedKey, named: &str) -> ApiError {
    match refused {
        Refused::Unknown => ApiError::invalid_key(key),
        Refused::Expired => ApiError::expired_key(key),
        Refused::Publishable => ApiError::publishable_key(),
        Refused::AccountNotReachable => ApiError::account_not_reachable(key, named),
    }
}

/// What a key says that a platform has signed by itself. It counts where the directory does not know the key.
fn signed(api: &Api, key: &PresentedKey, now: Timestamp) -> Result<EmbeddedClaims, Refused> {
    api.platform_tokens.as_ref().ok_or(Refused::Unknown)?.verify(key, now)
}

/// Remembers, once for each pair, that its access token has been presented, whatever is answered (contract 15.9): at once in memory, and
/// durably a little later.
fn note_presented(api: &Api, directory: &Directory, credential: &Credential) {
    let (CredentialKind::OAuth { .. }, Some(install)) = (&credential.kind, credential.install) else { return };
    let pair = directory.grant(&install).and_then(|grant| grant.pair.as_ref());
    let is_news = pair.is_some_and(|pair| pair.access == credential.key && !pair.presented);
    if is_news && api.presented_tokens.add(credential.key, install) {
        tokio::spawn(Arc::clone(&api.presented_tokens).write_down(Arc::clone(&api.keeper)));
    }
}
