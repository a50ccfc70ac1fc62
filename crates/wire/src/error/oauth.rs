//! Errors of OAuth, which have a form of their own (contract 15.14 and 15.15). No other word than these ever stands there: an SDK dies of it.

use std::borrow::Cow;

use cholla_domain::oauth::OAuthError;
use cholla_domain::operator::is_account_id;

use super::ApiError;
use crate::text::MASK;

impl ApiError {
    /// Contract 15.14 a: the request itself is at fault.
    pub fn oauth_invalid_request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::oauth(400, "invalid_request", description)
    }

    /// Contract 15.11: a redirect URI that is none of the app's, or may not be used.
    pub fn oauth_invalid_redirect_uri(description: impl Into<Cow<'static, str>>) -> Self {
        Self::oauth(400, "invalid_redirect_uri", description)
    }

    /// Contract 15.14 b.
    pub fn oauth_unsupported_grant_type() -> Self {
        Self::oauth(400, "unsupported_grant_type", "The grant type must be `authorization_code` or `refresh_token`.")
    }

    /// Contract 15.14 d.
    pub fn oauth_invalid_scope() -> Self {
        Self::oauth(400, "invalid_scope", "The scope of a refresh can only be `stripe_apps`.")
    }

    /// Contract 15.14 e: the client secret is not the key that the request was made with.
    pub fn oauth_wrong_client_secret() -> Self {
        Self::oauth(401, "invalid_client", "The client secret is not the key that this request was made with.")
    }

    /// Contract 15.14 e: the client id is none of the developer's.
    pub fn oauth_wrong_client_id() -> Self {
        Self::oauth(401, "invalid_client", "No app of this developer has the client id given.")
    }

    /// Contract 15.14 e, at a deauthorize. What is no account id is not repeated: it may be a misplaced key (contract 15.15).
    pub fn oauth_not_connected(account: &str) -> Self {
        Self::oauth(
            401,
            "invalid_client",
            format!(
                "This application is not connected to stripe account {}, or that account does not exist.",
                if is_account_id(account) { account } else { MASK }
            ),
        )
    }

    /// What `error` is on the wire. No description contains any part of a code, a token, a verifier or a key.
    pub fn from_oauth(error: OAuthError) -> Self {
        let grant = |description| Self::oauth(400, "invalid_grant", description);
        match error {
            OAuthError::VerifierMissing => {
                Self::oauth_invalid_request("No code verifier was given, but the code has a challenge.")
            }
            OAuthError::CodeUnknown => grant("The authorization code does not exist or has expired."),
            OAuthError::CodeReused => grant(
                "This authorization code has already been used. All tokens issued with this code have been revoked.",
            ),
            OAuthError::CodeUsed => grant("This authorization code has already been used."),
            OAuthError::VerifierWrong => grant("The code verifier does not fit the code."),
            OAuthError::RedirectUriWrong => grant("The redirect URI is not the one that the code was sent to."),
            OAuthError::RefreshTokenUnknown => {
                grant("The refresh token does not exist, has expired or was used before.")
            }
            OAuthError::ClientOfAnotherApp => grant("The client id is not that of the app that this was issued for."),
            OAuthError::ClientUnknown => Self::oauth_wrong_client_id(),
        }
    }

    /// What is at fault with the form of an OAuth request, in the form of an OAuth error.
    #[must_use]
    pub fn into_oauth(self) -> Self {
        if self.0.status == 400 && self.0.oauth.is_none() {
            Self::oauth(400, "invalid_request", self.0.message)
        } else {
            self
        }
    }

    fn oauth(status: u16, word: &'static str, description: impl Into<Cow<'static, str>>) -> Self {
        let mut error = Self::new(status, description);
        error.0.oauth = Some(word);
        error
    }
}
