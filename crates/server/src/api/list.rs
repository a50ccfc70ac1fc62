//! `GET /v1/apps/secrets` (contract 1.2).

use cholla_domain::list::list as list_secrets;
use cholla_wire::object;
use cholla_wire::secrets::ListParams;

use super::{Call, Input, Named, plain};
use crate::respond::Reply;
use crate::state::Api;

/// Lists the secrets of one scope.
pub(crate) async fn list(api: &Api, call: &Call<'_>, input: Input<'_>) -> Reply {
    let params = match input.parameters().and_then(ListParams::decode) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    drop(input);
    let (after, before) = (params.page.starting_after.clone(), params.page.ending_before.clone());
    let scope_kind = params.scope.kind();
    match list_secrets(&api.ports, &call.caller.principal, params.scope, params.page, call.now).await {
        Ok(page) => plain(object::list(&page, call.caller.principal.namespace.livemode)),
        Err(error) => {
            let (starting_after, ending_before) = (after.as_deref(), before.as_deref());
            call.refuse(&error, Named { scope_kind, starting_after, ending_before, ..Named::default() }).into()
        }
    }
}
