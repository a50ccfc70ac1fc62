//! `POST /v1/apps/secrets` (contract 1.1).

use cholla_domain::ports::Judgement;
use cholla_domain::set::{Overtaken, SetRequest, set as set_secret};
use cholla_wire::error::ApiError;
use cholla_wire::headers;
use cholla_wire::secrets::SetParams;
use http::header::{IF_MATCH, IF_NONE_MATCH};

use super::judging::Judging;
use super::{Call, Input, Named};
use crate::respond::Reply;
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
    let mut request = SetRequest {
        name: params.name,
        payload: params.payload,
        scope: params.scope,
        expires_at: params.expires_at,
        expansion: params.expansion,
        precondition,
        idempotency,
        request: call.id,
        judged: Judgement::default(),
    };
    let mut judging = Judging::of(call);
    let answer = loop {
        let (caller, judged) = match judging.next(api, &request.scope).await {
            Ok(judged) => judged,
            Err(error) => return error.into(),
        };
        request.judged = judged;
        match set_secret(&api.ports, caller, request, call.now).await {
            Ok(answer) => break answer,
            Err(Overtaken(overtaken)) => request = overtaken,
        }
    };
    match answer.result {
        Ok(view) => call.secret(&view, false, answer.replay_of),
        Err(error) => {
            let idempotency_key = key.as_ref().map(cholla_domain::idempotency::IdempotencyKey::as_str);
            let error = call.refuse(&error, Named { scope_kind, idempotency_key, ..Named::default() });
            Reply { replay_of: answer.replay_of, ..error.into() }
        }
    }
}
