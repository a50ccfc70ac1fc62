//! `POST /v1/apps/secrets` (contract 1.1).

use cholla_domain::directory::decision::Decision;
use cholla_domain::installs::{clear_left_behind, is_left_behind};
use cholla_domain::set::{SetRequest, set as set_secret};
use cholla_wire::error::ApiError;
use cholla_wire::headers;
use cholla_wire::secrets::SetParams;
use http::header::{IF_MATCH, IF_NONE_MATCH};

use super::{Call, Input, Named};
use crate::keeper::Asked;
use crate::respond::Reply;
use crate::service::keep_failed;
use crate::state::Api;

/// Creates or replaces one secret.
pub(crate) async fn set(api: &Api, call: &Call<'_>, input: Input<'_>) -> Reply {
    let params = match input.parameters().and_then(SetParams::decode) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    drop(input);
    if api.payload_guard && params.payload.holds_card_number() {
        return ApiError::card_number_in_payload().into();
    }
    let idempotency = match call.idempotency_key() {
        Ok(key) => key,
        Err(error) => return error.into(),
    };
    let precondition = headers::set_precondition(call.header_values(IF_MATCH), call.header_values(IF_NONE_MATCH));
    let precondition = match precondition {
        Ok(precondition) => precondition,
        Err(error) => return error.into(),
    };
    let scope_kind = params.scope.kind();
    let key = idempotency.clone();
    let request = SetRequest {
        name: params.name,
        payload: params.payload,
        scope: params.scope,
        expires_at: params.expires_at,
        expansion: params.expansion,
        precondition,
        idempotency,
        request: call.id,
    };
    let answer = set_secret(&api.ports, &call.caller.principal, request, call.now).await;
    if is_left_behind(&api.keeper.read(), &call.caller.principal.namespace) {
        return Box::pin(refuse_late(api, call)).await;
    }
    match answer.result {
        Ok(view) => call.secret(&view, false, answer.replay_of),
        Err(error) => {
            let idempotency_key = key.as_ref().map(cholla_domain::idempotency::IdempotencyKey::as_str);
            let error = call.refuse(&error, Named { scope_kind, idempotency_key, ..Named::default() });
            Reply { replay_of: answer.replay_of, ..error.into() }
        }
    }
}

/// The last install went while the set was on its way: it is refused like any that comes after, and what it may have begun anew is not left
/// behind for a reinstall to find.
async fn refuse_late(api: &Api, call: &Call<'_>) -> Reply {
    let namespace = call.caller.principal.namespace.clone();
    let asked = Asked { request: call.id, idempotency_key: None, now: api.now() };
    let account = namespace.account.clone();
    let cleared =
        api.keeper.decide(asked, move |ctx| Decision { change: clear_left_behind(ctx, &namespace), outcome: () });
    match cleared.await {
        Ok(()) => ApiError::account_not_reachable(&call.caller.key.masked(), account.as_str()).into(),
        Err(error) => keep_failed(&error, call.id).into(),
    }
}
