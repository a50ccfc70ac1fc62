//! The error object (contract section 6). One named constructor per case; nothing else makes an error.

use std::borrow::Cow;
use std::fmt;

use cholla_domain::id::RequestId;

use crate::json;

mod access;
mod domain;
mod install;
mod oauth;
mod parameter;
mod request;
mod state;

pub use domain::ErrorContext;
pub use install::InstallRight;
pub use parameter::Malformed;

/// The type of errors that are the request's.
const INVALID_REQUEST: &str = "invalid_request_error";
/// The type of errors that are an idempotency key's.
const IDEMPOTENCY: &str = "idempotency_error";
/// The type of errors that are ours.
const API: &str = "api_error";
/// Where codes are explained.
const DOC_URL: &str = "https://stripe.com/docs/error-codes/";
/// Bytes of an error body without its values.
const SKELETON_BYTES: usize = 256;

/// An error as the client sees it: a status and an object. It never holds any part of a payload.
pub struct ApiError(Box<Attributes>);

/// Boxed, so that a `Result` on the way to an answer stays small.
struct Attributes {
    status: u16,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<Cow<'static, str>>,
    message: Cow<'static, str>,
    should_retry: Option<bool>,
    original_request: Option<RequestId>,
    rate_limited_reason: Option<&'static str>,
    /// The word of an OAuth error, whose body has another form (contract 15.15).
    oauth: Option<&'static str>,
}

impl ApiError {
    fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Attributes {
            status,
            kind: INVALID_REQUEST,
            code: None,
            param: None,
            message: message.into(),
            should_retry: None,
            original_request: None,
            rate_limited_reason: None,
            oauth: None,
        }))
    }

    fn with_kind(mut self, kind: &'static str) -> Self {
        self.0.kind = kind;
        self
    }

    fn with_code(mut self, code: &'static str) -> Self {
        self.0.code = Some(code);
        self
    }

    fn with_param(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    fn with_retry(mut self, should_retry: bool) -> Self {
        self.0.should_retry = Some(should_retry);
        self
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// The `type`: `api_error`, `idempotency_error` or `invalid_request_error`.
    pub fn kind(&self) -> &'static str {
        self.0.kind
    }

    /// The `code`, where the case has one.
    pub fn code(&self) -> Option<&'static str> {
        self.0.code
    }

    /// The parameter that is meant, where one is.
    pub fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// What `Stripe-Should-Retry` says. `None` leaves it to the server's default (contract 7.5).
    pub fn should_retry(&self) -> Option<bool> {
        self.0.should_retry
    }

    /// The first request with the same idempotency key (contract 7.4), on 6.25 and 6.26.
    pub fn original_request(&self) -> Option<RequestId> {
        self.0.original_request
    }

    /// What `Stripe-Rate-Limited-Reason` says, on 6.28.
    pub fn rate_limited_reason(&self) -> Option<&'static str> {
        self.0.rate_limited_reason
    }

    /// The body: keys alphabetical, attributes without a value omitted, two spaces and a final newline.
    pub fn body(&self) -> Vec<u8> {
        let attributes = &*self.0;
        let mut out = Vec::with_capacity(SKELETON_BYTES + attributes.message.len());
        if let Some(word) = attributes.oauth {
            json::push_body(&mut out, |body| {
                body.string("error", word);
                body.string("error_description", &attributes.message);
            });
            return out;
        }
        json::push_body(&mut out, |body| {
            body.object("error", |error| {
                if let Some(code) = attributes.code {
                    error.string("code", code);
                    error.plain("doc_url", DOC_URL, &code.replace('_', "-"));
                }
                error.string("message", &attributes.message);
                if let Some(param) = &attributes.param {
                    error.string("param", param);
                }
                error.string("type", attributes.kind);
            });
        });
        out
    }
}

/// Shows what kind of error it is, but neither message nor parameter: they may repeat what a client sent.
impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiError")
            .field("status", &self.0.status)
            .field("kind", &self.0.kind)
            .field("code", &self.0.code)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::ApiError;

    /// "code param message", with `-` for what is not there.
    pub(crate) fn summary(error: &ApiError) -> String {
        format!("{} {} {}", error.code().unwrap_or("-"), error.param().unwrap_or("-"), error.0.message)
    }

    /// Checks the status and the [`summary`] of an error.
    pub(crate) fn check(error: &ApiError, status: u16, expected: &str) {
        assert_eq!((error.status(), summary(error).as_str()), (status, expected));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_6_the_object_has_sorted_keys_and_a_doc_url_beside_every_code() {
        for (error, expected) in [
            (
                ApiError::parameter_missing("scope[type]"),
                r#"{
  "error": {
    "code": "parameter_missing",
    "doc_url": "https://stripe.com/docs/error-codes/parameter-missing",
    "message": "Missing required param: scope[type].",
    "param": "scope[type]",
    "type": "invalid_request_error"
  }
}
"#,
            ),
            (
                ApiError::both_cursors(),
                r#"{
  "error": {
    "message": "Received both starting_after and ending_before parameters. Please pass in only one.",
    "type": "invalid_request_error"
  }
}
"#,
            ),
        ] {
            assert_eq!(String::from_utf8(error.body()).unwrap(), expected);
        }
    }

    #[test]
    fn debug_shows_neither_message_nor_parameter() {
        let error = ApiError::no_such_secret("stripe-key-of-foo");
        let expected = r#"ApiError { status: 404, kind: "invalid_request_error", code: Some("resource_missing"), .. }"#;
        assert_eq!(format!("{error:?}"), expected);
    }
}
