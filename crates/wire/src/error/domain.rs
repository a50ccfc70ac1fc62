//! What each of the domain's causes means on the wire.

use cholla_domain::error::Error;
use cholla_domain::list::Cursor;
use cholla_domain::policy::Denied;
use cholla_domain::time::ExpiryError;

use super::ApiError;
use crate::auth::MaskedKey;

/// What a message may repeat of the request that failed.
#[derive(Clone, Copy, Default)]
pub struct ErrorContext<'a> {
    /// The secret's name.
    pub name: Option<&'a str>,
    /// `account` or `user`.
    pub scope_kind: &'a str,
    /// The cursor of that name.
    pub starting_after: Option<&'a str>,
    /// The cursor of that name.
    pub ending_before: Option<&'a str>,
    /// The `Idempotency-Key`.
    pub idempotency_key: Option<&'a str>,
    /// The key that the request was made with.
    pub masked_key: Option<&'a MaskedKey>,
    /// The account that the request is about.
    pub account: &'a str,
}

impl ApiError {
    /// The error of section 6 that stands for `error`. Total: a new cause does not compile until it has a meaning here.
    pub fn from_domain(error: &Error, context: &ErrorContext<'_>) -> Self {
        let key = context.idempotency_key.unwrap_or_default();
        match error {
            Error::Denied(Denied::PermissionMissing) => {
                let unknown = MaskedKey::of(b"");
                Self::permission_missing(context.masked_key.unwrap_or(&unknown), context.account)
            }
            Error::Denied(Denied::ForeignUser) => Self::foreign_user_set(),
            Error::Expiry(ExpiryError::NotInFuture) => Self::expiry_not_in_future(),
            Error::Expiry(ExpiryError::TooFar) => Self::expiry_too_far(),
            Error::ScopeFull => Self::scope_full(context.scope_kind),
            Error::NotFound => Self::no_such_secret(context.name.unwrap_or_default()),
            Error::UnknownCursor(Cursor::StartingAfter) => {
                Self::unknown_cursor("starting_after", context.starting_after.unwrap_or_default())
            }
            Error::UnknownCursor(Cursor::EndingBefore) => {
                Self::unknown_cursor("ending_before", context.ending_before.unwrap_or_default())
            }
            Error::BothCursors => Self::both_cursors(),
            Error::PreconditionFailed => Self::precondition_failed(),
            Error::IdempotencyMismatch { original } => Self::idempotency_mismatch(key, *original),
            Error::IdempotencyInFlight { original } => Self::idempotency_in_flight(key, *original),
            // A scope that is being erased is soon empty, and takes secrets again (contract 14.8).
            Error::Unavailable(_) | Error::Denied(Denied::BeingErased) => Self::unavailable(),
            Error::Internal(_) => Self::internal(),
        }
    }
}

#[cfg(test)]
mod tests {
    use cholla_domain::id::RequestId;

    use super::super::testing::check;
    use super::*;

    fn converted(error: &Error) -> ApiError {
        let masked = MaskedKey::of(b"sk_test_0123456789ab1234");
        ApiError::from_domain(
            error,
            &ErrorContext {
                name: Some("appConfig"),
                scope_kind: "user",
                starting_after: Some("appsecret_a"),
                ending_before: Some("appsecret_b"),
                idempotency_key: Some("key-1"),
                masked_key: Some(&masked),
                account: "acct_x",
            },
        )
    }

    #[test]
    fn rule_6_14_to_6_20_and_6_23_and_6_30_to_6_32_messages_of_domain_errors() {
        for (error, status, expected) in [
            (
                Error::Denied(Denied::PermissionMissing),
                403,
                "more_permissions_required - The provided key 'sk_test_****1234' does not have the required permissions for this \
                 endpoint on account 'acct_x'. Having \"Secrets Write\" ('secret_write') permissions would allow this request to \
                 continue.",
            ),
            (
                Error::Denied(Denied::ForeignUser),
                403,
                "- - A UI extension can set secrets of the account scope and of its own user only.",
            ),
            (Error::Denied(Denied::BeingErased), 503, "- - The service is temporarily unavailable. Please try again."),
            (
                Error::Expiry(ExpiryError::NotInFuture),
                400,
                "- expires_at Invalid timestamp: must be an integer Unix timestamp in the future",
            ),
            (
                Error::Expiry(ExpiryError::TooFar),
                400,
                "- expires_at Invalid timestamp: can be no more than 100 years in the future",
            ),
            (
                Error::ScopeFull,
                400,
                "- name This user scope already holds 10 secrets, the most that it can. You must delete one of them before you can \
                 set another.",
            ),
            (Error::NotFound, 404, "resource_missing name No such secret: 'appConfig'"),
            (
                Error::UnknownCursor(Cursor::StartingAfter),
                400,
                "resource_missing starting_after No such secret: 'appsecret_a'",
            ),
            (
                Error::UnknownCursor(Cursor::EndingBefore),
                400,
                "resource_missing ending_before No such secret: 'appsecret_b'",
            ),
            (
                Error::BothCursors,
                400,
                "- - Received both starting_after and ending_before parameters. Please pass in only one.",
            ),
            (
                Error::PreconditionFailed,
                412,
                "- - The precondition of If-Match or If-None-Match does not hold: the secret was changed meanwhile. Nothing was \
                 written.",
            ),
            (Error::Unavailable("disk".into()), 503, "- - The service is temporarily unavailable. Please try again."),
            (Error::Internal("bug".into()), 500, "- - An unexpected error occurred."),
        ] {
            check(&converted(&error), status, expected);
        }
    }

    #[test]
    fn rule_6_25_and_6_26_and_7_4_idempotency_errors_name_the_first_request() {
        let original = RequestId::from_suffix(b"0123456789abcd").unwrap();
        let mismatch = converted(&Error::IdempotencyMismatch { original });
        check(
            &mismatch,
            400,
            "- - Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key \
             other than 'key-1' if you meant to execute a different request.",
        );
        let in_flight = converted(&Error::IdempotencyInFlight { original });
        check(
            &in_flight,
            409,
            "idempotency_key_in_use - There is currently another in-progress request using this Idempotent Key (that probably \
             means you submitted twice, and the other request is still going through): key-1. Please try again later.",
        );
        for (error, retry) in [(mismatch, None), (in_flight, Some(true))] {
            let actual = (error.kind(), error.original_request(), error.should_retry());
            assert_eq!(actual, ("idempotency_error", Some(original), retry));
        }
    }

    #[test]
    fn rule_6_30_and_6_31_types_and_retries() {
        for (error, retry) in [
            (Error::Denied(Denied::BeingErased), Some(true)),
            (Error::Unavailable("disk".into()), Some(true)),
            (Error::Internal("bug".into()), None),
        ] {
            let error = converted(&error);
            assert_eq!((error.kind(), error.should_retry()), ("api_error", retry));
        }
    }
}
