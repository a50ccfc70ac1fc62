//! `GET /v1/apps/secrets/find` (contract 1.3).

use cholla_domain::find::{FindRequest, find as find_secret};
use cholla_wire::secrets::FindParams;

use super::{Call, Input, Named};
use crate::respond::Reply;
use crate::state::Api;

/// Finds one secret.
pub(crate) async fn find(api: &Api, call: &Call<'_>, input: Input<'_>) -> Reply {
    let params = match input.parameters().and_then(FindParams::decode) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    drop(input);
    let request = FindRequest { name: params.name, scope: params.scope, expand_payload: params.expand_payload };
    match find_secret(&api.ports, &call.caller.principal, &request, call.now).await {
        Ok(view) => call.secret(&view, false, None),
        Err(error) => {
            let (name, scope_kind) = (Some(request.name.as_str()), request.scope.kind());
            call.refuse(&error, Named { name, scope_kind, ..Named::default() }).into()
        }
    }
}
