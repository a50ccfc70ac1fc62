//! `POST /v1/apps/secrets/delete` (contract 1.4).

use cholla_domain::delete::{DeleteRequest, delete as delete_secret};
use cholla_domain::ports::Judgement;
use cholla_domain::set::Overtaken;
use cholla_wire::headers;
use cholla_wire::secrets::DeleteParams;
use http::header::IF_MATCH;

use super::judging::Judging;
use super::{Call, Input, Named};
use crate::respond::Reply;
use crate::state::Api;

/// Deletes one secret.
pub(crate) async fn delete(api: &Api, call: &Call<'_>, input: Input<'_>) -> Reply {
    let params = match input.parameters().and_then(DeleteParams::decode) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    drop(input);
    let idempotency = match call.idempotency_key() {
        Ok(key) => key,
        Err(error) => return error.into(),
    };
    let precondition = match headers::delete_precondition(call.header_values(IF_MATCH)) {
        Ok(precondition) => precondition,
        Err(error) => return error.into(),
    };
    let name = params.name.clone();
    let scope_kind = params.scope.kind();
    let key = idempotency.clone();
    let mut request = DeleteRequest {
        name: params.name,
        scope: params.scope,
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
        match delete_secret(&api.ports, caller, request, call.now).await {
            Ok(answer) => break answer,
            Err(Overtaken(overtaken)) => request = overtaken,
        }
    };
    match answer.result {
        Ok(view) => call.secret(&view, true, answer.replay_of),
        Err(error) => {
            let idempotency_key = key.as_ref().map(cholla_domain::idempotency::IdempotencyKey::as_str);
            let named = Named { name: Some(name.as_str()), scope_kind, idempotency_key, ..Named::default() };
            Reply { replay_of: answer.replay_of, ..call.refuse(&error, named).into() }
        }
    }
}
