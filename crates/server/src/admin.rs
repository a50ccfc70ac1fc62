//! The admin listener: health, readiness, metrics, and in dev mode the clock and the reset.

use std::sync::Arc;

use cholla_domain::ports::Maintenance;
use cholla_store::sqlite::Store;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::sync::watch;

use crate::dev::DevWorld;
use crate::respond::AnswerBody;
use crate::state::Api;

/// Bytes of a request body that the admin listener reads.
const ADMIN_BODY_BYTES_MAX: usize = 16 * 1024;

/// What the admin listener shows and does.
pub(crate) struct Admin {
    pub(crate) api: Arc<Api>,
    pub(crate) store: Arc<Store>,
    /// The keyed hash of the admin token.
    pub(crate) token: cholla_domain::directory::CredentialHash,
    /// Dev mode's clock and reset; production has neither.
    pub(crate) dev: Option<DevWorld>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// An answer of the admin listener before it is an HTTP answer.
pub(crate) type AdminAnswer = Result<Value, (StatusCode, String)>;

/// Answers one request of the admin listener.
pub(crate) async fn serve(admin: &Admin, request: Request<Incoming>) -> Response<AnswerBody> {
    let (parts, body) = request.into_parts();
    match (&parts.method, parts.uri.path()) {
        (&Method::GET, "/healthz") => plain(StatusCode::OK, "ok\n"),
        (&Method::GET, "/readyz") => ready(admin).await,
        (&Method::GET, "/metrics") => metrics(admin),
        (method, path @ ("/dev/clock" | "/dev/reset")) if admin.dev.is_some() => {
            let authorized = authorized(admin, parts.headers.get(AUTHORIZATION));
            let body = Limited::new(body, ADMIN_BODY_BYTES_MAX).collect().await;
            answer(match (authorized, body, &admin.dev) {
                (false, _, _) => Err((
                    StatusCode::UNAUTHORIZED,
                    "Send the admin token as `Authorization: Bearer TOKEN`; the ready file and the terminal name it."
                        .into(),
                )),
                (_, Err(_), _) => {
                    Err((StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 16 KiB or broke off.".into()))
                }
                (true, Ok(body), Some(dev)) => dev.serve(admin, method, path, &body.to_bytes()).await,
                (true, Ok(_), None) => Err(unknown(method, path)),
            })
        }
        (method, path) => answer(Err(unknown(method, path))),
    }
}

fn unknown(method: &Method, path: &str) -> (StatusCode, String) {
    let path: String = path.chars().take(cholla_domain::limits::PATH_SHOWN_CHARS_MAX).collect();
    (StatusCode::NOT_FOUND, format!("The admin listener does not serve {method} {path}. See docs/commands.md."))
}

/// Ready means: not draining, and the store answers a write (an empty round of the sweeper).
async fn ready(admin: &Admin) -> Response<AnswerBody> {
    if *admin.stopping.borrow() {
        return plain(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    match admin.store.sweep(admin.api.now(), 1).await {
        Ok(_) => plain(StatusCode::OK, "ready\n"),
        Err(_) => plain(StatusCode::SERVICE_UNAVAILABLE, "the store does not take writes\n"),
    }
}

fn metrics(admin: &Admin) -> Response<AnswerBody> {
    let store = admin.store.statistics();
    let page = admin.api.metrics.page(&[
        ("cholla_record_cache_hits_total", "Finds and sets whose record was in the cache.", store.cache_hits),
        ("cholla_record_cache_misses_total", "Finds and sets whose record was not.", store.cache_misses),
        ("cholla_record_cache_bytes", "Bytes of sealed records in the cache.", store.cache_bytes),
        ("cholla_commits_total", "Transactions committed, each with one flush of the disk.", store.commits),
        ("cholla_commits_failed_total", "Transactions that were not committed.", store.commits_failed),
        ("cholla_writes_total", "Writes in committed transactions.", store.writes),
        ("cholla_write_queue_length", "Writes that wait for the writer.", store.queue_length),
        (
            "cholla_checkpoints_total",
            "Passes that copied the write-ahead log into the database file.",
            store.checkpoints,
        ),
        ("cholla_wal_pages", "Pages in the write-ahead log.", store.wal_pages),
        ("cholla_wal_pages_behind", "Pages of the log that are not in the database file yet.", store.wal_pages_behind),
    ]);
    let mut answer = Response::new(Full::from(page));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; version=0.0.4"));
    answer
}

/// Compares keyed hashes: how long that takes says nothing about the token.
fn authorized(admin: &Admin, header: Option<&HeaderValue>) -> bool {
    let token = header.and_then(|header| header.as_bytes().strip_prefix(b"Bearer "));
    token.is_some_and(|token| admin.api.instance.credential_hash(token) == admin.token)
}

fn plain(status: StatusCode, text: &'static str) -> Response<AnswerBody> {
    let mut answer = Response::new(Full::from(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}

fn answer(result: AdminAnswer) -> Response<AnswerBody> {
    let (status, body) = match result {
        Ok(body) => (StatusCode::OK, body),
        Err((status, message)) => (status, json!({"error": {"message": message, "type": "invalid_request_error"}})),
    };
    let mut answer = Response::new(Full::from(format!("{body:#}\n")));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
