//! What a server answered, for people: the object, or the error with what to do about it.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::rows::{Rows, Secret};
use crate::http::Answer;
use crate::output::{self, Exit, Failure};

/// Prints the secret that was answered.
pub(super) fn print_secret(answer: &Answer, json: bool) -> Result<(), Failure> {
    check(answer, json)?;
    if json {
        return output::bytes(&answer.body);
    }
    let secret = decode::<Secret>(answer)?;
    output::bytes(Rows::of(&secret, answer.etag.as_deref()).table().as_bytes())?;
    if secret.deleted { output::bytes(b"Deleted.\n") } else { Ok(()) }
}

/// Reads the JSON of a success.
///
/// # Errors
/// When it is not what the contract says: another server answers there.
pub(super) fn decode<T: DeserializeOwned>(answer: &Answer) -> Result<T, Failure> {
    serde_json::from_slice(&answer.body).map_err(|_| foreign(answer))
}

/// Passes a success, and explains anything else.
///
/// # Errors
/// When the answer is not a success.
pub(super) fn check(answer: &Answer, json: bool) -> Result<(), Failure> {
    if answer.status == 200 {
        return Ok(());
    }
    let Ok(Envelope { error }) = serde_json::from_slice(&answer.body) else { return Err(foreign(answer)) };
    let exit = if (400..500).contains(&answer.status) { Exit::Refused } else { Exit::Unavailable };
    let quoted = [
        Some(format!("status {}", answer.status)),
        error.r#type.as_ref().map(|kind| format!("type {kind}")),
        error.code.as_ref().map(|code| format!("code {code}")),
        error.param.as_ref().map(|param| format!("param {param}")),
        answer.request_id.as_ref().map(|id| format!("request {id}")),
    ];
    Err(Failure {
        exit,
        help: recommendation(answer.status, &error).map(ToOwned::to_owned),
        // One line: what a server says cannot pass for what is said here.
        message: error.message.as_deref().map_or_else(|| "the server gave no reason".to_owned(), output::printable),
        details: Some(quoted.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        verbatim: json.then(|| answer.body.to_vec()),
    })
}

#[derive(Deserialize)]
struct Envelope {
    error: ApiError,
}

#[derive(Default, Deserialize)]
struct ApiError {
    code: Option<String>,
    message: Option<String>,
    param: Option<String>,
    r#type: Option<String>,
}

/// What to do about an error of section 6 of the contract.
fn recommendation(status: u16, error: &ApiError) -> Option<&'static str> {
    let help = match (status, error.code.as_deref(), error.param.as_deref()) {
        (401, Some("api_key_expired"), _) => "Get a new key: this one is expired.",
        (401, ..) => "Give a secret key of this server in CHOLLA_API_KEY, STRIPE_API_KEY or --api-key.",
        (403, Some("account_invalid"), _) => {
            "Name an account that has installed an app of the key's owner, in the mode of the key, with --stripe-account."
        }
        (403, Some("more_permissions_required"), _) => "Have the account grant the app this permission.",
        (404, Some("resource_missing"), _) => "See what the scope holds with `cholla apps secrets list`.",
        (404, ..) => "Give the address of the server without a path in --api-base.",
        (400, Some("resource_missing"), _) => {
            "Start from the first page: the secret at the cursor is gone, or in another scope."
        }
        (400, Some("parameter_missing" | "parameter_invalid_empty"), Some("payload")) => {
            "Give it with --payload; `-` reads it from standard input."
        }
        (400, Some("parameter_missing"), Some("scope" | "scope[type]")) => "Choose --scope account, or --user USER.",
        (400, Some("parameter_missing"), Some("scope[user]")) => "Name the user with --user USER.",
        (409, ..) => "Try again: the first request with this idempotency key is still running.",
        (412, ..) => "Find it again: somebody else changed it, and its ETAG is the version it has now.",
        (429, ..) => "Wait a moment, then try again.",
        (500.., ..) => "Try again; the server's log tells the cause under this request id.",
        _ => return None,
    };
    Some(help)
}

/// An answer that the contract does not know.
fn foreign(answer: &Answer) -> Failure {
    let message = format!("the server answered {} with something that is not this API's JSON", answer.status);
    Failure::new(Exit::Unavailable, message, "Check that --api-base is the address of a Cholla server, without a path.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_of_the_contract_that_one_can_act_on_says_how() {
        for (status, code, param, expected) in [
            (401, None, None, "secret key"),
            (401, Some("api_key_expired"), None, "new key"),
            (403, Some("account_invalid"), None, "has installed"),
            (403, Some("more_permissions_required"), None, "grant the app"),
            (404, Some("resource_missing"), Some("name"), "secrets list"),
            (404, None, None, "without a path"),
            (400, Some("resource_missing"), Some("starting_after"), "first page"),
            (400, Some("parameter_missing"), Some("payload"), "standard input"),
            (400, Some("parameter_missing"), Some("scope"), "--scope account"),
            (400, Some("parameter_missing"), Some("scope[user]"), "--user"),
            (409, Some("idempotency_key_in_use"), None, "still running"),
            (412, None, None, "ETAG"),
            (429, Some("rate_limit"), None, "Wait"),
            (500, None, None, "request id"),
            (503, None, None, "request id"),
            (400, None, Some("name"), ""),
        ] {
            let error = ApiError {
                code: code.map(ToOwned::to_owned),
                param: param.map(ToOwned::to_owned),
                ..ApiError::default()
            };
            let help = recommendation(status, &error).unwrap_or_default();
            assert!(help.contains(expected) && help.is_empty() == expected.is_empty(), "{status} {code:?}: {help}");
        }
    }
}
