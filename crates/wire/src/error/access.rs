//! Errors of credentials, accounts and permissions (contract 5.7, 5.8, 5.10, 6.1 to 6.4, 6.23, 6.24 and 8.2).

use super::ApiError;
use crate::auth::MaskedKey;
use crate::text::shown;

impl ApiError {
    /// Contract 6.1: no key, or none that can be read.
    pub fn no_key() -> Self {
        Self::new(
            401,
            "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth \
             (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        )
    }

    /// Contract 6.2: an unknown or revoked key.
    pub fn invalid_key(key: &MaskedKey) -> Self {
        Self::new(401, format!("Invalid API Key provided: {key}"))
    }

    /// Contract 6.3: an expired key.
    pub fn expired_key(key: &MaskedKey) -> Self {
        Self::new(401, format!("Expired API Key provided: {key}")).with_code("api_key_expired")
    }

    /// Contract 6.4: a publishable key.
    pub fn publishable_key() -> Self {
        Self::new(401, "This API call cannot be made with a publishable API key. Please use a secret API key.")
            .with_code("secret_key_required")
    }

    /// Contract 5.10: `Stripe-Account` and `Stripe-Context` name different accounts.
    pub fn disagreeing_account_headers() -> Self {
        Self::new(
            400,
            "The Stripe-Account and Stripe-Context headers name different accounts. Please send only one of them.",
        )
    }

    /// Contract 5.10: a context of several segments.
    pub fn nested_context() -> Self {
        Self::new(400, "The Stripe-Context header must name one account, without a path.")
    }

    /// Contract 6.24: an account that the key does not reach, or that does not exist.
    pub fn account_not_reachable(key: &MaskedKey, account: &str) -> Self {
        Self::new(
            403,
            format!(
                "The provided key '{key}' does not have access to account '{}' (or that account does not exist). \
                 Application access may have been revoked.",
                shown(account)
            ),
        )
        .with_code("account_invalid")
    }

    /// Contract 6.23: the account did not grant the app what the operation needs.
    pub fn permission_missing(key: &MaskedKey, account: &str) -> Self {
        Self::new(
            403,
            format!(
                "The provided key '{key}' does not have the required permissions for this endpoint on account '{}'. \
                 Having \"Secrets Write\" ('secret_write') permissions would allow this request to continue.",
                shown(account)
            ),
        )
        .with_code("more_permissions_required")
    }

    /// Contract 5.7: a UI extension sets a secret of a user that is not its own.
    pub fn foreign_user_set() -> Self {
        Self::new(403, "A UI extension can set secrets of the account scope and of its own user only.")
    }

    /// Contract 8.2: a signature is asked for with another kind of key.
    pub fn signature_needs_embedded_key() -> Self {
        Self::new(403, "This API call can only be made with an app embedded key.")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    #[test]
    fn rule_5_7_and_5_10_and_6_1_to_6_4_and_6_23_and_6_24_messages() {
        let key = MaskedKey::of(b"sk_test_0123456789ab1234");
        check(
            &ApiError::no_key(),
            401,
            "- - You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth \
             (e.g. 'Authorization: Bearer YOUR_SECRET_KEY').",
        );
        check(&ApiError::invalid_key(&key), 401, "- - Invalid API Key provided: sk_test_****1234");
        check(&ApiError::expired_key(&key), 401, "api_key_expired - Expired API Key provided: sk_test_****1234");
        check(
            &ApiError::publishable_key(),
            401,
            "secret_key_required - This API call cannot be made with a publishable API key. Please use a secret API key.",
        );
        check(
            &ApiError::account_not_reachable(&key, "acct_x"),
            403,
            "account_invalid - The provided key 'sk_test_****1234' does not have access to account 'acct_x' (or that account does \
             not exist). Application access may have been revoked.",
        );
        check(
            &ApiError::permission_missing(&key, "acct_x"),
            403,
            "more_permissions_required - The provided key 'sk_test_****1234' does not have the required permissions for this \
             endpoint on account 'acct_x'. Having \"Secrets Write\" ('secret_write') permissions would allow this request to \
             continue.",
        );
        for (error, status) in [
            (ApiError::disagreeing_account_headers(), 400),
            (ApiError::nested_context(), 400),
            (ApiError::foreign_user_set(), 403),
            (ApiError::signature_needs_embedded_key(), 403),
        ] {
            assert_eq!((error.status(), error.code(), error.param()), (status, None, None));
        }
    }

    #[test]
    fn rule_6_24_a_long_account_is_shortened() {
        let error = ApiError::account_not_reachable(&MaskedKey::of(b""), &"a".repeat(60_000));
        assert!(error.body().len() < 1_000);
    }
}
