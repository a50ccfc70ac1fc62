//! The admin listener: health, readiness and metrics for everybody who reaches it; the admin API (`/v1`, `docs/admin-api.md`), and in dev mode
//! the clock, the scripted faults and the reset, for whoever has an admin token.
//!
//! Each endpoint of the admin API is an entry of a table ([`routes`]): requests are checked against it, and its document is written from it.

mod accounts;
mod apps;
mod audit;
mod authorizations;
mod call;
mod erasures;
mod failure;
mod given;
mod installs;
mod inventory;
pub(crate) mod json;
mod keys;
mod openapi;
mod platform;
mod route;
mod sessions;
mod webhooks;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use cholla_domain::directory::CredentialHash;
use cholla_domain::directory::credential::{CredentialKey, Role};
use cholla_domain::directory::state::Directory;
use cholla_domain::limits::BODY_READ_SECONDS_MAX;
use cholla_domain::operator::admin_role;
use cholla_domain::ports::Maintenance;
use cholla_store::sqlite::Store;
use cholla_wire::error::ApiError;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Body;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::dev::DevWorld;
use crate::metrics::store_readings;
use crate::respond::AnswerBody;
use crate::state::Api;
use crate::webhooks::address::Reach;

use call::{Answer, Call};
use failure::Failure;
use given::Given;
use route::Route;

/// Bytes of a request body that the admin listener reads.
const ADMIN_BODY_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Where the document of the admin API is.
const DOCUMENT: &str = "/openapi.json";

/// What the admin listener shows and does.
pub(crate) struct Admin {
    pub(crate) api: Arc<Api>,
    pub(crate) store: Arc<Store>,
    /// The keyed hash of the admin token that the server was started with. It is an operator's.
    pub(crate) token: CredentialHash,
    /// How far webhooks reach.
    pub(crate) webhook_reach: Reach,
    /// Dev mode's clock, scripted faults and reset; production has none of them.
    pub(crate) dev: Option<DevWorld>,
}

/// An answer of dev mode before it is an HTTP answer.
pub(crate) type AdminAnswer = Result<Value, (StatusCode, String)>;

/// Every endpoint of the admin API.
fn routes() -> impl Iterator<Item = &'static Route> {
    [
        accounts::ROUTES,
        apps::ROUTES,
        installs::ROUTES,
        keys::ROUTES,
        sessions::ROUTES,
        authorizations::ROUTES,
        webhooks::ROUTES,
        erasures::ROUTES,
        inventory::ROUTES,
        audit::ROUTES,
        platform::ROUTES,
    ]
    .into_iter()
    .flatten()
}

/// Answers one request of the admin listener. Never fails: whatever happens becomes an answer.
pub(crate) async fn serve<B>(admin: &Arc<Admin>, request: Request<B>) -> Response<AnswerBody>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut answered = pin!(answer(admin, request));
    // A panic ends this request, not the connection: it is answered as 500 and counted.
    std::future::poll_fn(|context| {
        catch_unwind(AssertUnwindSafe(|| answered.as_mut().poll(context))).unwrap_or_else(|_| {
            admin.api.metrics.panics.inc();
            tracing::error!("the handling of a request of the admin listener panicked");
            Poll::Ready(failed(Failure::from(ApiError::internal())))
        })
    })
    .await
}

async fn answer<B>(admin: &Arc<Admin>, request: Request<B>) -> Response<AnswerBody>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let (parts, body) = request.into_parts();
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/healthz") => plain(StatusCode::OK, "ok\n"),
        (&Method::GET, "/readyz") => ready(admin).await,
        (&Method::GET, "/metrics") => metrics(admin),
        (&Method::GET, DOCUMENT) => json_answer(StatusCode::OK, document()),
        (method, path @ ("/dev/clock" | "/dev/faults" | "/dev/reset")) => dev_answer(match &admin.dev {
            Some(dev) => develop(admin, dev, &parts, body).await,
            None => Err((StatusCode::NOT_FOUND, unknown(method, path))),
        }),
        (_, path) if path.starts_with("/v1/") => match operate(admin, &parts, body).await {
            Ok(answer) => json_answer(StatusCode::OK, answer.into_bytes().into()),
            Err(failure) => failed(failure),
        },
        (method, path) => dev_answer(Err((StatusCode::NOT_FOUND, unknown(method, path)))),
    }
}

/// The document, as bytes.
fn document() -> Bytes {
    static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| format!("{:#}\n", openapi::document()).into());
    DOCUMENT.clone()
}

/// Judges the token, finds the endpoint, reads what is given, and lets the endpoint answer.
async fn operate<B>(admin: &Arc<Admin>, parts: &Parts, body: B) -> Result<Answer, Failure>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    permitted(admin, parts)?;
    let (route, path) = found(&parts.method, parts.uri.path())?;
    let given = if openapi::takes_query(&route.method) {
        Given::of_query(route.takes, pairs(parts.uri.query().unwrap_or_default())?)?
    } else {
        let body = receive(body).await.map_err(|(status, message)| Failure::plain(status, message))?;
        if parts.uri.query().is_some_and(|query| !query.is_empty()) {
            let message = "This endpoint takes nothing in the query; send it as a JSON object.";
            return Err(Failure::plain(StatusCode::BAD_REQUEST, message));
        }
        Given::of_body(route.takes, &body)?
    };
    let _reset_waits = admin.api.without_reset().await;
    // Judged again when the whole request is there: the token may have been revoked, or expired, while its body was on the way. And once
    // more when its change is decided: it may have waited for another change that revokes the token.
    let (token, by) = permitted(admin, parts)?;
    let call = Call { admin: Arc::clone(admin), token, by: by.to_string(), path, given, now: admin.api.now() };
    (route.answer)(&call).await
}

/// The token of a request, if it counts now and may do what is asked.
fn permitted(admin: &Admin, parts: &Parts) -> Result<(Token, CredentialKey), Failure> {
    let hash = presented(admin, parts.headers.get(AUTHORIZATION));
    let token = Token { hash, changes: parts.method != Method::GET };
    token.judge(admin, &admin.api.keeper.read()).map(|key| (token, key))
}

/// The token that a request brings, and whether it is to change something.
#[derive(Clone, Copy)]
struct Token {
    hash: Option<CredentialHash>,
    changes: bool,
}

impl Token {
    /// The id of the token, if it counts now by `directory` and may do what is asked.
    fn judge(&self, admin: &Admin, directory: &Directory) -> Result<CredentialKey, Failure> {
        let Some((key, role)) = self.hash.and_then(|hash| who(admin, directory, &hash)) else {
            let message = "Send an admin token as `Authorization: Bearer TOKEN`: that of the token file, or one made with `POST /v1/tokens`.";
            return Err(Failure::plain(StatusCode::UNAUTHORIZED, message));
        };
        if role == Role::Auditor && self.changes {
            let message = "This token is an auditor's, which changes nothing; use an operator's.";
            return Err(Failure::plain(StatusCode::FORBIDDEN, message));
        }
        Ok(key)
    }
}

/// The keyed hash of the token in a header.
fn presented(admin: &Admin, header: Option<&HeaderValue>) -> Option<CredentialHash> {
    let token = header?.as_bytes().strip_prefix(b"Bearer ")?;
    Some(admin.api.instance.credential_hash(token))
}

/// Whose token it is. Keyed hashes are compared: how long that takes says nothing about a token.
fn who(admin: &Admin, directory: &Directory, hash: &CredentialHash) -> Option<(CredentialKey, Role)> {
    if *hash == admin.token {
        return Some((CredentialKey::of(hash), Role::Operator));
    }
    admin_role(directory, hash, admin.api.now())
}

/// The endpoint of a method and a path, and what stands in the path. One that spells the path out goes before one that names a part of it.
fn found(method: &Method, path: &str) -> Result<(&'static Route, Vec<String>), Failure> {
    let mut candidates: Vec<_> = routes().filter_map(|route| Some((route, matched(route.path, path)?))).collect();
    candidates.sort_by_key(|(_, named)| named.len());
    let fewest = candidates.first().map(|(_, named)| named.len());
    candidates.retain(|(_, named)| Some(named.len()) == fewest);
    if candidates.is_empty() {
        return Err(Failure::plain(StatusCode::NOT_FOUND, unknown(method, path)));
    }
    let methods = candidates.iter().map(|(route, _)| route.method.as_str()).collect::<Vec<_>>().join(", ");
    let fitting = candidates.into_iter().find(|(route, _)| route.method == *method);
    fitting.ok_or_else(|| {
        let path: String = path.chars().take(cholla_domain::limits::PATH_SHOWN_CHARS_MAX).collect();
        Failure::plain(StatusCode::METHOD_NOT_ALLOWED, format!("{path} takes {methods}."))
    })
}

/// What stands in a path where its pattern names it; `None` where they do not match.
fn matched(pattern: &str, path: &str) -> Option<Vec<String>> {
    let mut named = Vec::new();
    let (mut patterns, mut parts) = (pattern.split('/'), path.split('/'));
    loop {
        match (patterns.next(), parts.next()) {
            (None, None) => return Some(named),
            (Some(pattern), Some(part)) if pattern.starts_with('{') => {
                let part = percent_decode_str(part).decode_utf8().ok()?;
                named.push(Some(part.into_owned()).filter(|part| !part.is_empty())?);
            }
            (Some(pattern), Some(part)) if pattern == part => {}
            _ => return None,
        }
    }
}

/// The pairs of a query.
fn pairs(query: &str) -> Result<Vec<(String, String)>, Failure> {
    let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().map(String::from);
    let pairs = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((decoded(name)?, decoded(value)?))
    });
    pairs
        .collect::<Result<_, std::str::Utf8Error>>()
        .map_err(|_| Failure::plain(StatusCode::BAD_REQUEST, "The query is not UTF-8; percent-encode it."))
}

/// Judges the token, reads the body and lets dev mode answer.
async fn develop<B>(admin: &Arc<Admin>, dev: &DevWorld, parts: &Parts, body: B) -> AdminAnswer
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    permitted_in_dev(admin, parts)?;
    let body = receive(body).await?;
    permitted_in_dev(admin, parts)?;
    dev.serve(admin, &parts.method, parts.uri.path(), &body).await
}

/// Dev mode's own endpoints are an operator's.
fn permitted_in_dev(admin: &Admin, parts: &Parts) -> Result<(), (StatusCode, String)> {
    let hash = presented(admin, parts.headers.get(AUTHORIZATION));
    match hash.and_then(|hash| who(admin, &admin.api.keeper.read(), &hash)) {
        Some((_, Role::Operator)) => Ok(()),
        Some((_, Role::Auditor)) => {
            let message = "This token is an auditor's, which has no part in dev mode's clock, faults and reset; use an operator's.";
            Err((StatusCode::FORBIDDEN, message.into()))
        }
        None => {
            let message =
                "Send the admin token as `Authorization: Bearer TOKEN`; the ready file and the terminal name it.";
            Err((StatusCode::UNAUTHORIZED, message.into()))
        }
    }
}

/// Reads a body within its limits of length and time.
async fn receive<B>(body: B) -> Result<Bytes, (StatusCode, String)>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let body = Limited::new(body, ADMIN_BODY_BYTES_MAX).collect();
    match timeout(Duration::from_secs(BODY_READ_SECONDS_MAX), body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(_)) => Err((StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 2 MiB or broke off.".into())),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.".into())),
    }
}

fn unknown(method: &Method, path: &str) -> String {
    let path: String = path.chars().take(cholla_domain::limits::PATH_SHOWN_CHARS_MAX).collect();
    format!("The admin listener does not serve {method} {path}. See docs/commands.md and docs/admin-api.md.")
}

/// Ready means that a write reaches the disk: one is made. A server that drains has closed this listener, too.
async fn ready(admin: &Admin) -> Response<AnswerBody> {
    match admin.store.probe().await {
        Ok(()) => plain(StatusCode::OK, "ready\n"),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the store does not take writes\n"),
    }
}

fn metrics(admin: &Admin) -> Response<AnswerBody> {
    let page = admin.api.metrics.page(&store_readings(&admin.store.statistics()));
    let mut answer = Response::new(Full::from(page));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

/// Answers may hold keys that are shown this once: nobody on the way keeps them.
fn json_answer(status: StatusCode, body: Bytes) -> Response<AnswerBody> {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

fn failed(failure: Failure) -> Response<AnswerBody> {
    let (status, body) = failure.answer();
    json_answer(status, body.into())
}

fn dev_answer(result: AdminAnswer) -> Response<AnswerBody> {
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err((status, message)) => (status, json!({"error": {"message": message, "type": "invalid_request_error"}})),
    };
    json_answer(status, format!("{body:#}\n").into())
}

#[cfg(test)]
mod tests;
