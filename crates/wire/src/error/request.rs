//! Errors of a request as a whole (contract 1.7, 6.27, 6.28 and 6.29).

use cholla_domain::limits::{
    BODY_BYTES_MAX, HEADER_BYTES_MAX, HEADER_LINES_MAX, PATH_SHOWN_CHARS_MAX, TARGET_BYTES_MAX,
};

use super::ApiError;
use crate::text::{shortened, shown};

impl ApiError {
    /// Contract 1.7: an unknown URL or a wrong method. Anything from `?` on is left out of `path`.
    pub fn unknown_url(method: &str, path: &str) -> Self {
        let path = path.split('?').next().unwrap_or_default();
        Self::new(
            404,
            format!(
                "Unrecognized request URL ({}: {}). If you are trying to list objects, remove the trailing slash. If you are \
                 trying to retrieve an object, make sure you passed a valid (non-empty) identifier in your code.",
                shown(method),
                shortened(path, PATH_SHOWN_CHARS_MAX)
            ),
        )
    }

    /// Contract 6.27: a `Stripe-Version` that is no version.
    pub fn invalid_version(version: &str) -> Self {
        Self::new(400, format!("Invalid Stripe API version: {}", shown(version)))
    }

    /// Contract 6.28. `reason` is one of Stripe's: `global-concurrency`, `global-rate`, `endpoint-concurrency`, `endpoint-rate`.
    pub fn too_many_requests(reason: &'static str) -> Self {
        let mut error = Self::new(429, "Request rate limit exceeded.").with_code("rate_limit").with_retry(false);
        error.0.rate_limited_reason = Some(reason);
        error
    }

    /// Contract 6.29: the request target.
    pub fn target_too_long() -> Self {
        Self::new(414, format!("The request target is too long; it may take at most {TARGET_BYTES_MAX} bytes."))
    }

    /// Contract 6.29: the headers.
    pub fn headers_too_long() -> Self {
        Self::new(
            431,
            format!(
                "The request headers are too long; together they may take at most {HEADER_BYTES_MAX} bytes in at most {HEADER_LINES_MAX} lines."
            ),
        )
    }

    /// Contract 6.29: the body.
    pub fn body_too_long() -> Self {
        Self::new(413, format!("The request body is too long; it may take at most {BODY_BYTES_MAX} bytes."))
    }

    /// A body that broke off, or did not arrive in time.
    pub fn body_broken_off() -> Self {
        Self::new(400, "The request body did not arrive whole.")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    const HINT: &str = "If you are trying to list objects, remove the trailing slash. If you are trying to retrieve an object, make \
                        sure you passed a valid (non-empty) identifier in your code.";

    #[test]
    fn rule_1_7_unknown_urls_are_shown_without_query_and_in_part() {
        for (path, shown) in [
            ("/v1/foo", "/v1/foo".to_owned()),
            ("/v1/foo?payload=hunter2", "/v1/foo".to_owned()),
            (&"/ä".repeat(100), "/ä".repeat(100)),
            (&"/ä".repeat(101), format!("{}...", "/ä".repeat(100))),
        ] {
            let expected = format!("- - Unrecognized request URL (GET: {shown}). {HINT}");
            check(&ApiError::unknown_url("GET", path), 404, &expected);
        }
    }

    #[test]
    fn rule_6_27_to_6_29_messages() {
        check(&ApiError::invalid_version("soon"), 400, "- - Invalid Stripe API version: soon");
        assert!(ApiError::invalid_version(&"9".repeat(60_000)).body().len() < 1_000);
        let limited = ApiError::too_many_requests("global-concurrency");
        check(&limited, 429, "rate_limit - Request rate limit exceeded.");
        assert_eq!((limited.should_retry(), limited.rate_limited_reason()), (Some(false), Some("global-concurrency")));
        for (error, status) in [
            (ApiError::target_too_long(), 414),
            (ApiError::headers_too_long(), 431),
            (ApiError::body_too_long(), 413),
            (ApiError::body_broken_off(), 400),
        ] {
            assert_eq!((error.status(), error.code(), error.param(), error.should_retry()), (status, None, None, None));
        }
    }
}
