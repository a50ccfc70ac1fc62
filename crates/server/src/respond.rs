//! The only place where answers of the API are made and failures are logged.

use std::error::Error as _;
use std::fmt::Write as _;

use bytes::Bytes;
use cholla_domain::id::RequestId;
use cholla_domain::tag::RecordVersion;
use cholla_wire::error::ApiError;
use cholla_wire::headers;
use http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LOCATION, STRICT_TRANSPORT_SECURITY,
    VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use http_body_util::Full;

use crate::cors::Cors;
use crate::header_names::{
    IDEMPOTENCY_KEY, IDEMPOTENT_REPLAYED, ORIGINAL_REQUEST, RATE_LIMITED_REASON, REQUEST_ID, SHOULD_RETRY,
    STRIPE_ACCOUNT, STRIPE_VERSION,
};
use crate::state::Api;

/// The body of every answer: whole, in memory.
pub(crate) type AnswerBody = Full<Bytes>;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const NOTHING_RUNS: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-cache, no-store");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const FALSE: HeaderValue = HeaderValue::from_static("false");
const ONE_YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");
const NEWEST_VERSION: HeaderValue = HeaderValue::from_static(headers::NEWEST_VERSION);

/// What an operation has to say, before it is an HTTP answer.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The JSON body, or the error.
    pub result: Result<Vec<u8>, ApiError>,
    /// The version of the secret that was answered (contract 9.1).
    pub version: Option<RecordVersion>,
    /// The request whose kept result this is.
    pub replay_of: Option<RequestId>,
    /// What a browser gets instead of JSON.
    pub page: Option<Page>,
}

/// What a browser gets (contract 15.11).
#[derive(Debug)]
pub(crate) enum Page {
    /// 302 to another page.
    Redirect(String),
    /// A page of ours.
    Html(String),
}

impl Reply {
    /// Nothing yet.
    pub(crate) fn empty() -> Self {
        Self { result: Ok(Vec::new()), version: None, replay_of: None, page: None }
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        Self { result: Err(error), version: None, replay_of: None, page: None }
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

/// Makes the HTTP answer to a request, whose headers end here.
pub(crate) fn respond(api: &Api, mut request: Parts, id: RequestId, reply: Reply) -> Response<AnswerBody> {
    let (status, body, error) = match reply.result {
        Ok(body) => (StatusCode::OK, body, None),
        Err(error) => (
            StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            error.body(),
            Some(error),
        ),
    };
    if let Some(page) = reply.page {
        return browse(api, request, id, page);
    }
    let has_key = request.headers.contains_key(IDEMPOTENCY_KEY);
    let idempotency_key = if request.method == Method::POST { legal_idempotency_key(&request.headers) } else { None };
    let mut headers = common_headers(api, &mut request, id);
    headers.insert(CONTENT_TYPE, JSON);
    if let Some(version) = reply.version {
        headers.insert(ETAG, text(headers::etag(&version)));
    }
    let should_retry = error.as_ref().and_then(ApiError::should_retry);
    if request.method == Method::POST {
        headers.insert(SHOULD_RETRY, if should_retry == Some(true) { TRUE } else { FALSE });
        if let Some(key) = idempotency_key {
            headers.insert(IDEMPOTENCY_KEY, key);
        }
        if has_key {
            let original = reply.replay_of.or_else(|| error.as_ref().and_then(ApiError::original_request));
            headers.insert(ORIGINAL_REQUEST, request_id(original.unwrap_or(id)));
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
    let body = if request.method == Method::HEAD {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        Full::default()
    } else {
        Full::new(Bytes::from(body))
    };
    assemble(status, headers, body)
}

/// The answer to a browser. A page of ours runs nothing and sends its form to us only.
fn browse(api: &Api, mut request: Parts, id: RequestId, page: Page) -> Response<AnswerBody> {
    let mut headers = common_headers(api, &mut request, id);
    let is_head = request.method == Method::HEAD;
    match page {
        Page::Redirect(url) => {
            let Ok(location) = HeaderValue::try_from(url) else {
                return assemble(StatusCode::INTERNAL_SERVER_ERROR, headers, Full::default());
            };
            headers.insert(LOCATION, location);
            assemble(StatusCode::FOUND, headers, Full::default())
        }
        Page::Html(html) => {
            headers.insert(CONTENT_TYPE, HTML);
            headers.insert(CONTENT_SECURITY_POLICY, NOTHING_RUNS);
            let body = if is_head { Full::default() } else { Full::new(Bytes::from(html)) };
            assemble(StatusCode::OK, headers, body)
        }
    }
}

/// The answer to `OPTIONS`, on any path and without authentication (contract 7.3).
pub(crate) fn preflight(api: &Api, mut request: Parts, id: RequestId) -> Response<AnswerBody> {
    let mut asked = HeaderMap::new();
    api.cors.mark_preflight(&request.headers, &mut asked);
    let mut headers = common_headers(api, &mut request, id);
    headers.extend(asked);
    assemble(StatusCode::NO_CONTENT, headers, Full::default())
}

/// The headers that every answer carries (contract 7.2 and 7.3), in the map that held the request's: it has the room.
fn common_headers(api: &Api, request: &mut Parts, id: RequestId) -> HeaderMap {
    let mut headers = std::mem::take(&mut request.headers);
    let version = echoed_version(&headers).unwrap_or(NEWEST_VERSION);
    let account = headers.get(STRIPE_ACCOUNT).cloned();
    let origin = api.cors.allowed(&headers);
    headers.clear();
    headers.insert(REQUEST_ID, request_id(id));
    headers.insert(STRIPE_VERSION, version);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(VARY, VARY_ORIGIN);
    if let Some(account) = account {
        headers.insert(STRIPE_ACCOUNT, account);
    }
    if api.strict_transport_security {
        headers.insert(STRICT_TRANSPORT_SECURITY, ONE_YEAR);
    }
    Cors::mark(origin, &mut headers);
    headers
}

fn assemble(status: StatusCode, headers: HeaderMap, body: AnswerBody) -> Response<AnswerBody> {
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

fn echoed_version(request: &HeaderMap) -> Option<HeaderValue> {
    let asked = request.get(STRIPE_VERSION)?;
    matches!(headers::stripe_version(Some(asked.as_bytes())), Ok(Some(_))).then(|| asked.clone())
}

/// The idempotency key, where it is one that may be echoed.
fn legal_idempotency_key(request: &HeaderMap) -> Option<HeaderValue> {
    let key = request.get(IDEMPOTENCY_KEY)?;
    matches!(headers::idempotency_key(Some(key.as_bytes())), Ok(Some(_))).then(|| key.clone())
}

fn request_id(id: RequestId) -> HeaderValue {
    let mut whole = String::with_capacity(RequestId::PREFIX.len() + RequestId::LENGTH);
    whole.push_str(RequestId::PREFIX);
    whole.push_str(id.suffix());
    text(whole)
}

fn text(text: String) -> HeaderValue {
    HeaderValue::from_maybe_shared(Bytes::from(text)).expect("ids and versions are visible ASCII")
}
