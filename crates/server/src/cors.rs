//! Which browser origins may read answers (contract 7.3). UI extensions run in sandboxed frames whose origin is `null`.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN,
};
use http::{HeaderMap, HeaderValue};

use crate::header_names::{ALLOW_PRIVATE_NETWORK, REQUEST_PRIVATE_NETWORK};

/// The headers of an answer that a browser shows to a script.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "Request-Id, Stripe-Should-Retry, ETag, Idempotency-Key, Idempotent-Replayed, Original-Request",
);
const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
const MAX_AGE: HeaderValue = HeaderValue::from_static("300");
const ANY: HeaderValue = HeaderValue::from_static("*");

/// The origins that may read answers, and whether pages of public sites may ask for this private address (dev mode).
#[derive(Clone, Debug)]
pub(crate) struct Cors {
    /// `None`: any origin, as no cookies are ever used.
    pub allowed_origins: Option<Vec<String>>,
    /// Whether a preflight that asks for private network access gets it.
    pub private_network: bool,
}

impl Cors {
    /// Adds what every answer carries to a request whose origin is [`allowed`](Self::allowed).
    pub(crate) fn mark(allowed: Option<HeaderValue>, answer: &mut HeaderMap) {
        if let Some(origin) = allowed {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }

    /// Adds what the answer to a preflight carries beside that.
    pub(crate) fn mark_preflight(&self, request: &HeaderMap, answer: &mut HeaderMap) {
        answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        for asked in request.get_all(ACCESS_CONTROL_REQUEST_HEADERS) {
            // Back by name: `*` does not cover `Authorization`.
            answer.append(ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        if self.private_network && request.get(REQUEST_PRIVATE_NETWORK).is_some_and(|asked| asked == "true") {
            answer.insert(ALLOW_PRIVATE_NETWORK, HeaderValue::from_static("true"));
        }
    }

    /// What `Access-Control-Allow-Origin` answers this request; `None` where its origin is not on the list.
    pub(crate) fn allowed(&self, request: &HeaderMap) -> Option<HeaderValue> {
        let Some(allowed) = &self.allowed_origins else { return Some(ANY) };
        let origin = request.get(ORIGIN)?;
        allowed.iter().any(|allowed| origin == allowed.as_str()).then(|| origin.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The `Access-Control-Allow-Origin` that a request from `origin` gets.
    fn check(allowed: Option<&[&str]>, origin: Option<&str>, expected: Option<&str>) {
        let cors = Cors {
            allowed_origins: allowed.map(|list| list.iter().map(ToString::to_string).collect()),
            private_network: false,
        };
        let mut request = HeaderMap::new();
        if let Some(origin) = origin {
            request.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        let mut answer = HeaderMap::new();
        Cors::mark(cors.allowed(&request), &mut answer);
        let actual = answer.get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.to_str().unwrap());
        assert_eq!(actual, expected, "{allowed:?} {origin:?}");
    }

    #[test]
    fn rule_7_3_origins() {
        check(None, None, Some("*"));
        check(None, Some("null"), Some("*"));
        check(None, Some("https://a.example"), Some("*"));
        check(Some(&["https://a.example"]), Some("https://a.example"), Some("https://a.example"));
        check(Some(&["https://a.example"]), Some("https://b.example"), None);
        check(Some(&["https://a.example"]), Some("null"), None);
        check(Some(&["https://a.example", "null"]), Some("null"), Some("null"));
        check(Some(&["https://a.example"]), None, None);
    }
}
