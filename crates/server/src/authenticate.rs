//! From the head of a request to the principal that makes it.

use cholla_domain::directory::Refused;
use cholla_domain::principal::Principal;
use cholla_domain::time::Timestamp;
use cholla_wire::auth::{PresentedKey, presented_key};
use cholla_wire::error::ApiError;
use cholla_wire::headers;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::header_names::{STRIPE_ACCOUNT, STRIPE_CONTEXT};
use crate::state::Api;

/// A caller whose key is known and may act on the account it named.
#[derive(Debug)]
pub(crate) struct Caller {
    /// Who, and where.
    pub principal: Principal,
    /// The key as it was presented: messages show it masked.
    pub key: PresentedKey,
}

/// Authenticates a request: first the key, then its relation to the account (contract section 6, order of checks).
///
/// # Errors
/// Contract 6.1 to 6.4, 5.10 and 6.24.
pub(crate) fn authenticate(api: &Api, request: &HeaderMap, now: Timestamp) -> Result<Caller, ApiError> {
    let key = presented_key(request.get(AUTHORIZATION).map(http::HeaderValue::as_bytes))?;
    if key.is_publishable() {
        return Err(ApiError::publishable_key());
    }
    let hash = api.instance.credential_hash(key.as_bytes());
    let directory = api.directory.load();
    let header = |name| request.get::<http::HeaderName>(name).map(http::HeaderValue::as_bytes);
    let account = || headers::account(header(STRIPE_ACCOUNT), header(STRIPE_CONTEXT));
    let refused = |refused, named: Option<&str>| match refused {
        Refused::Expired => ApiError::expired_key(&key.masked()),
        Refused::Publishable => ApiError::publishable_key(),
        Refused::AccountNotReachable => ApiError::account_not_reachable(&key.masked(), named.unwrap_or_default()),
    };
    let principal = if let Some(credential) = directory.credential(&hash) {
        if let Err(error) = credential.check(now) {
            return Err(refused(error, None));
        }
        let named = account()?;
        directory.principal(credential, named.as_ref(), now).map_err(|error| {
            let named = named.as_ref().unwrap_or(&credential.account);
            refused(error, Some(named.as_str()))
        })?
    } else {
        let made_up = api.made_up.as_ref().zip(key.as_str());
        let Some((made_up, text)) = made_up.filter(|(_, text)| crate::world::MadeUp::is_well_formed(text)) else {
            return Err(ApiError::invalid_key(&key.masked()));
        };
        let named = account()?;
        let resolved = made_up.resolve(text, &hash, named.as_ref(), &directory);
        let resolved = resolved.ok_or_else(|| ApiError::invalid_key(&key.masked()))?;
        resolved.map_err(|error| refused(error, named.as_ref().map(cholla_domain::id::AccountId::as_str)))?
    };
    Ok(Caller { principal, key })
}
