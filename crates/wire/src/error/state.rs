//! Errors of execution (contract 6.14, 6.15, 6.17 to 6.20, 6.25, 6.26 and 6.30 to 6.32).

use cholla_domain::id::RequestId;
use cholla_domain::limits::SECRETS_PER_SCOPE_MAX;

use super::{API, ApiError, IDEMPOTENCY};

impl ApiError {
    /// Contract 6.14.
    pub fn expiry_not_in_future() -> Self {
        Self::new(400, "Invalid timestamp: must be an integer Unix timestamp in the future").with_param("expires_at")
    }

    /// Contract 6.15.
    pub fn expiry_too_far() -> Self {
        Self::new(400, "Invalid timestamp: can be no more than 100 years in the future").with_param("expires_at")
    }

    /// Contract 6.17: the eleventh secret of a scope. `scope_kind` is `account` or `user`.
    pub fn scope_full(scope_kind: &str) -> Self {
        let message = format!(
            "This {scope_kind} scope already holds {SECRETS_PER_SCOPE_MAX} secrets, the most that it can. You must delete one of \
             them before you can set another."
        );
        Self::new(400, message).with_param("name")
    }

    /// Contract 6.18: no secret of that name.
    pub fn no_such_secret(name: &str) -> Self {
        Self::new(404, format!("No such secret: '{name}'")).with_code("resource_missing").with_param("name")
    }

    /// Contract 6.19: a cursor that names nothing here. `param` is the cursor's own.
    pub fn unknown_cursor(param: &'static str, cursor: &str) -> Self {
        Self::new(400, format!("No such secret: '{cursor}'")).with_code("resource_missing").with_param(param)
    }

    /// Contract 6.20.
    pub fn both_cursors() -> Self {
        Self::new(400, "Received both starting_after and ending_before parameters. Please pass in only one.")
    }

    /// Contract 6.25: the key was first used with other parameters.
    pub fn idempotency_mismatch(key: &str, original: RequestId) -> Self {
        let message = format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key \
             other than '{key}' if you meant to execute a different request."
        );
        let mut error = Self::new(400, message).with_kind(IDEMPOTENCY);
        error.0.original_request = Some(original);
        error
    }

    /// Contract 6.26: another request is using the key right now.
    pub fn idempotency_in_flight(key: &str, original: RequestId) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means you submitted twice, \
             and the other request is still going through): {key}. Please try again later."
        );
        let error = Self::new(409, message).with_kind(IDEMPOTENCY).with_code("idempotency_key_in_use");
        let mut error = error.with_retry(true);
        error.0.original_request = Some(original);
        error
    }

    /// Contract 6.30: storage or the key provider is down.
    pub fn unavailable() -> Self {
        Self::new(503, "The service is temporarily unavailable. Please try again.").with_kind(API).with_retry(true)
    }

    /// Contract 6.31: anything unexpected.
    pub fn internal() -> Self {
        Self::new(500, "An unexpected error occurred.").with_kind(API)
    }

    /// Contract 6.32: the version is not the one that the request asked for.
    pub fn precondition_failed() -> Self {
        Self::new(
            412,
            "The precondition of If-Match or If-None-Match does not hold: the secret was changed meanwhile. Nothing was written.",
        )
    }
}
