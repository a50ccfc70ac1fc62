//! The only place where answers of the API are made and failures are logged.

use std::error::Error as _;
use std::fmt::Write as _;

use bytes::Bytes;
use cholla_domain::id::RequestId;
use cholla_domain::tag::RecordVersion;
use cholla_wire::error::ApiError;
use cholla_wire::headers;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, ETAG, STRICT_TRANSPORT_SECURITY, VARY};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use crate::state::Api;

/// The body of every answer: whole, in memory.
pub(crate) type AnswerBody = Full<Bytes>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-cache, no-store");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const FALSE: HeaderValue = HeaderValue::from_static("false");
const ONE_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
const NEWEST_VERSION: HeaderValue = HeaderValue::from_static(headers::NEWEST_VERSION);

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
const STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
const STRIPE_ACCOUNT: HeaderName = HeaderName::from_static("stripe-account");
const SHOULD_RETRY: HeaderName = HeaderName::from_static("stripe-should-retry");
const RATE_LIMITED_REASON: HeaderName = HeaderName::from_static("stripe-rate-limited-reason");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const ORIGINAL_REQUEST: HeaderName = HeaderName::from_static("original-request");

/// What an operation has to say, before it is an HTTP answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The JSON body, or the error.
    pub result: Result<Vec<u8>, ApiError>,
    /// The version of the secret that was answered (contract 9.1).
    pub version: Option<RecordVersion>,
    /// The request whose kept result this is.
    pub replay_of: Option<RequestId>,
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self { result: Err(error), version: None, replay_of: None }
    }
}

/// Logs a failure of ours once, as the full chain of its causes, under the id that the client also gets.
///
/// Causes are our own texts and those of the storage engine: they name no secret, no user and no key.
pub(crate) fn log_failure(error: &cholla_domain::error::Error, request: RequestId) {
    use cholla_domain::error::Error;
    if matches!(error, Error::Unavailable(_) | Error::Internal(_)) {
        let mut chain = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            let _ = write!(chain, ": {next}");
            cause = next.source();
        }
        tracing::error!(request.id = %request, "{chain}");
    }
}

/// Makes the HTTP answer to a request.
pub(crate) fn respond(api: &Api, request: &Parts, id: RequestId, reply: Reply) -> Response<AnswerBody> {
    let (status, body, error) = match reply.result {
        Ok(body) => (StatusCode::OK, body, None),
        Err(error) => (
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            error.body(),
            Some(error),
        ),
    };
    let mut answer = empty(api, request, id, status);
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    if let Some(version) = reply.version {
        headers.insert(ETAG, text(headers::etag(&version)));
    }
    let should_retry = error.as_ref().and_then(ApiError::should_retry);
    if request.method == Method::POST {
        headers.insert(SHOULD_RETRY, if should_retry == Some(true) { TRUE } else { FALSE });
        if let Some(key) = legal_idempotency_key(request) {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
            let original = reply.replay_of.or_else(|| error.as_ref().and_then(ApiError::original_request));
            headers.insert(ORIGINAL_REQUEST, text(original.unwrap_or(id).to_string()));
        }
        if reply.replay_of.is_some() {
            headers.insert(IDEMPOTENT_REPLAYED, TRUE);
        }
    } else if let Some(should_retry) = should_retry {
        headers.insert(SHOULD_RETRY, if should_retry { TRUE } else { FALSE });
    }
    if let Some(reason) = error.as_ref().and_then(ApiError::rate_limited_reason) {
        headers.insert(RATE_LIMITED_REASON, HeaderValue::from_static(reason));
    }
    if request.method == Method::HEAD {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    } else {
        *answer.body_mut() = Full::new(Bytes::from(body));
    }
    answer
}

/// The answer to `OPTIONS`, on any path and without authentication (contract 7.3).
pub(crate) fn preflight(api: &Api, request: &Parts, id: RequestId) -> Response<AnswerBody> {
    let mut answer = empty(api, request, id, StatusCode::NO_CONTENT);
    api.cors.mark_preflight(&request.headers, answer.headers_mut());
    answer
}

/// An answer with the headers that every one carries (contract 7.2 and 7.3).
fn empty(api: &Api, request: &Parts, id: RequestId, status: StatusCode) -> Response<AnswerBody> {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.reserve(12);
    headers.insert(REQUEST_ID, text(id.to_string()));
    headers.insert(STRIPE_VERSION, echoed_version(request).unwrap_or(NEWEST_VERSION));
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(VARY, VARY_ORIGIN);
    if let Some(account) = request.headers.get(STRIPE_ACCOUNT) {
        headers.insert(STRIPE_ACCOUNT, account.clone());
    }
    if api.strict_transport_security {
        headers.insert(STRICT_TRANSPORT_SECURITY, ONE_YEAR);
    }
    api.cors.mark(&request.headers, headers);
    answer
}

fn echoed_version(request: &Parts) -> Option<HeaderValue> {
    let asked = request.headers.get(STRIPE_VERSION)?;
    matches!(headers::stripe_version(Some(asked.as_bytes())), Ok(Some(_))).then(|| asked.clone())
}

/// The idempotency key, where it is one that may be echoed.
fn legal_idempotency_key(request: &Parts) -> Option<&HeaderValue> {
    let key = request.headers.get(IDEMPOTENCY_KEY)?;
    matches!(headers::idempotency_key(Some(key.as_bytes())), Ok(Some(_))).then_some(key)
}

fn text(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("ids and versions are visible ASCII")
}
