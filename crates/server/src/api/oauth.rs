//! `/v1/oauth/token` and `/v1/oauth/deauthorize`, the same as `/oauth/…` (contract 10.6, 10.7, section 15): the developer's secret key
//! asks, in the header or as `client_secret` in the body.

use std::sync::Arc;
use std::time::Instant;

use cholla_domain::directory::decision::Decision;
use cholla_domain::directory::install::Install;
use cholla_domain::id::{ClientId, RequestId};
use cholla_domain::idempotency::IdempotencyKey;
use cholla_domain::installs::{Actor, end_install};
use cholla_domain::oauth::{Developer, ExchangeRequest, OAuthError, RefreshRequest, Tokens, exchange, refresh};
use cholla_domain::place::push_field;
use cholla_domain::time::Timestamp;
use cholla_wire::auth::PresentedKey;
use cholla_wire::error::ApiError;
use cholla_wire::form::Parameters;
use cholla_wire::headers;
use cholla_wire::oauth::{self as wire, DeauthorizeParams, TokenGrant, TokenParams};
use http::header::AUTHORIZATION;
use http::request::Parts;
use hyper::body::Incoming;
use zeroize::Zeroizing;

use super::plain;
use crate::authenticate::{DeveloperKey, authenticate_developer};
use crate::header_names::IDEMPOTENCY_KEY;
use crate::keeper::Asked;
use crate::metrics::Operation;
use crate::receive::receive_small;
use crate::respond::Reply;
use crate::service::{self, Head};
use crate::state::Api;

/// Answers one request. Whoever has no key in the header may have it in the body, so the body is read first, a small one.
pub(crate) async fn serve(
    api: &Api,
    parts: &Parts,
    body: Incoming,
    (id, started): (RequestId, Instant),
    (operation, unread): (Operation, &mut Option<Incoming>),
) -> Reply {
    if let Err(error) = service::check_head(parts) {
        return service::refuse_head(parts, body, error, unread);
    }
    if parts.headers.contains_key(AUTHORIZATION)
        && let Err(error) = authenticate_developer(api, parts.headers.get(AUTHORIZATION), None, api.now())
    {
        return service::refuse_head(parts, body, error, unread);
    }
    let body = match receive_small(parts, body).await {
        Ok(body) => body,
        Err(error) => return error.into(),
    };
    let now = api.now();
    let input = Head::of(parts).input(body);
    let parameters = input.parameters();
    let secret = parameters.as_ref().ok().and_then(wire::client_secret);
    let in_body = secret.as_ref().map(|secret| secret.as_bytes());
    let key = match authenticate_developer(api, parts.headers.get(AUTHORIZATION), in_body, now) {
        Ok(key) => key,
        Err(error) => return error.into(),
    };
    let checked = service::within_rate(
        api,
        &key.credential,
        (None, &key.developer.account, &key.developer.account, key.developer.livemode),
        started,
    )
    .and_then(|()| service::check_version(parts))
    .and_then(|()| idempotency_key(parts));
    let idempotency_key = match checked {
        Ok(key) => key,
        Err(error) => return error.into(),
    };
    let _reset_waits = api.without_reset().await;
    let call = OAuthCall { id, now, key, idempotency_key };
    match (operation, parameters) {
        (Operation::Deauthorize, Ok(parameters)) => deauthorize(api, call, parameters).await,
        (_, Ok(parameters)) => token(api, call, parameters).await,
        (_, Err(error)) => ApiError::into_oauth(error).into(),
    }
}

fn idempotency_key(parts: &Parts) -> Result<Option<IdempotencyKey>, ApiError> {
    headers::idempotency_key(parts.headers.get(IDEMPOTENCY_KEY).map(http::HeaderValue::as_bytes))
}

/// One authenticated request of OAuth.
struct OAuthCall {
    id: RequestId,
    now: Timestamp,
    key: DeveloperKey,
    idempotency_key: Option<IdempotencyKey>,
}

impl OAuthCall {
    fn asked(&self) -> Asked {
        Asked { request: self.id, idempotency_key: self.idempotency_key.clone(), now: self.now }
    }

    /// Contract 15.3: a repeated secret is the same key.
    fn check_secret(&self, secret: Option<&Zeroizing<String>>) -> Result<(), ApiError> {
        let same = |presented: &PresentedKey, secret: &str| {
            presented.as_str().is_some_and(|presented| cholla_seal::is_same_text(presented, secret))
        };
        if secret.is_none_or(|secret| same(&self.key.key, secret)) {
            Ok(())
        } else {
            Err(ApiError::oauth_wrong_client_secret())
        }
    }
}

/// `POST /v1/oauth/token`
async fn token(api: &Api, call: OAuthCall, parameters: Parameters<'_>) -> Reply {
    let params = match TokenParams::decode(parameters) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    if let Err(error) = call.check_secret(params.client_secret.as_ref()) {
        return error.into();
    }
    let issued_under = call.idempotency_key.as_ref().map(|key| issued_under(api, &call.key.developer, key, &params));
    let (developer, asked) = (call.key.developer.clone(), call.asked());
    let presented = Arc::clone(&api.presented_tokens);
    let TokenParams { grant, redirect_uri, client_id, .. } = params;
    let decided = match grant {
        TokenGrant::Code { code, verifier } => {
            let challenge = verifier.as_ref().map(|verifier| cholla_seal::code_challenge(verifier));
            let request = ExchangeRequest { code, challenge, redirect_uri, client_id, issued_under };
            Arc::clone(&api.keeper)
                .decide(asked, move |ctx| exchange(ctx, &developer, &request, &|key| presented.contains(key)))
                .await
        }
        TokenGrant::Refresh { token } => {
            let request = RefreshRequest { refresh_token: token, client_id, issued_under };
            Arc::clone(&api.keeper)
                .decide(asked, move |ctx| refresh(ctx, &developer, &request, &|key| presented.contains(key)))
                .await
        }
    };
    match decided {
        Ok(Ok(tokens)) => answer(&tokens),
        Ok(Err(error)) => ApiError::from_oauth(error).into(),
        Err(error) => service::keep_failed(&error, call.id).into(),
    }
}

/// A pair that takes the place of one whose answer was lost says so, and names the request that came first (contract 15.9 and 7.4).
fn answer(tokens: &Tokens) -> Reply {
    Reply { replay_of: tokens.replay_of, ..plain(wire::tokens(tokens)) }
}

/// What a retry is known by: the key and every parameter, of this developer and mode.
fn issued_under(api: &Api, developer: &Developer, key: &IdempotencyKey, params: &TokenParams) -> [u8; 32] {
    let mut bytes = Zeroizing::new(Vec::new());
    push_field(&mut bytes, b"oauth request");
    push_field(&mut bytes, developer.account.as_str().as_bytes());
    push_field(&mut bytes, developer.livemode.as_str().as_bytes());
    push_field(&mut bytes, key.as_str().as_bytes());
    for parameter in params.canonical() {
        push_field(&mut bytes, parameter);
    }
    *api.instance.credential_hash(&bytes).as_bytes()
}

/// `POST /v1/oauth/deauthorize` (contract 15.16)
async fn deauthorize(api: &Api, call: OAuthCall, parameters: Parameters<'_>) -> Reply {
    let params = match DeauthorizeParams::decode(parameters) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    if let Err(error) = call.check_secret(params.client_secret.as_ref()) {
        return error.into();
    }
    let DeauthorizeParams { client_id, account, .. } = params;
    let (developer, named) = (call.key.developer.clone(), account.clone());
    let decided = Arc::clone(&api.keeper)
        .decide(call.asked(), move |ctx| {
            let app = ClientId::parse(&client_id).and_then(|id| ctx.directory.app_of_client(&id));
            let Some(app) = app.filter(|app| app.owner == developer.account) else {
                return Decision::unchanged(Err(Some(OAuthError::ClientUnknown)));
            };
            let install: Option<&Install> = ctx.directory.install_of(&app.id, &account, developer.livemode);
            match install {
                Some(install) => Decision { change: end_install(ctx, Actor::Developer, install), outcome: Ok(()) },
                None => Decision::unchanged(Err(None)),
            }
        })
        .await;
    match decided {
        Ok(Ok(())) => plain(wire::deauthorized(&named)),
        Ok(Err(Some(error))) => ApiError::from_oauth(error).into(),
        Ok(Err(None)) => ApiError::oauth_not_connected(named.as_str()).into(),
        Err(error) => service::keep_failed(&error, call.id).into(),
    }
}
