//! `GET /v1/apps/app_embedded_backend_signature` (contract 1.5 and 8.2).

use cholla_domain::principal::Reach;
use cholla_wire::error::ApiError;
use cholla_wire::signature::{SignatureParams, render_signature};

use super::{Call, Input, plain};
use crate::respond::Reply;
use crate::state::Api;

/// Signs what a UI extension wants its backend to believe: which user of which account is calling.
pub(crate) fn sign(api: &Api, call: &Call<'_>, input: Input<'_>) -> Reply {
    let params = match input.parameters().and_then(SignatureParams::decode) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    drop(input);
    let principal = &call.caller.principal;
    let directory = api.keeper.read();
    let app = principal.app.as_ref().and_then(|app| directory.app(app));
    let (Reach::Extension(user), Some(app)) = (&principal.reach, app) else {
        return ApiError::signature_needs_embedded_key().into();
    };
    let text = params.signed_text(user, &principal.namespace.account);
    let timestamp = call.now.as_unix();
    let signature = cholla_seal::sign_payload(app.signing_secret.current.as_key(), timestamp, text.as_bytes());
    plain(render_signature(timestamp, &signature))
}
