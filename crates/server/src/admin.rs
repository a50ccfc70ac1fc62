//! The admin listener: health, readiness, metrics, and in dev mode the clock and the reset.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cholla_domain::limits::BODY_READ_SECONDS_MAX;
use cholla_domain::ports::Maintenance;
use cholla_store::sqlite::Store;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::dev::DevWorld;
use crate::metrics::store_readings;
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
        (method, path @ ("/dev/clock" | "/dev/reset")) => answer(match &admin.dev {
            Some(dev) => develop(admin, dev, &parts, body).await,
            None => Err(unknown(method, path)),
        }),
        (method, path) => answer(Err(unknown(method, path))),
    }
}

/// Judges the token, reads the body and lets dev mode answer.
async fn develop(admin: &Admin, dev: &DevWorld, parts: &Parts, body: Incoming) -> AdminAnswer {
    if !authorized(admin, parts.headers.get(AUTHORIZATION)) {
        let message = "Send the admin token as `Authorization: Bearer TOKEN`; the ready file and the terminal name it.";
        return Err((StatusCode::UNAUTHORIZED, message.into()));
    }
    let body = receive(body).await?;
    dev.serve(admin, &parts.method, parts.uri.path(), &body).await
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
        Ok(Err(_)) => Err((StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 16 KiB or broke off.".into())),
        Err(_) => Err((StatusCode::REQUEST_TIMEOUT, "The body did not arrive in time.".into())),
    }
}

fn unknown(method: &Method, path: &str) -> (StatusCode, String) {
    let path: String = path.chars().take(cholla_domain::limits::PATH_SHOWN_CHARS_MAX).collect();
    (StatusCode::NOT_FOUND, format!("The admin listener does not serve {method} {path}. See docs/commands.md."))
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

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use hyper::body::Frame;

    use super::*;

    /// A body that does not come.
    struct Silent;

    impl Body for Silent {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_has_a_length_and_a_deadline() {
        let of = |length| receive(Full::new(Bytes::from(vec![b' '; length])));
        let read = |body: Result<Bytes, (StatusCode, String)>| {
            body.map(|body| body.len()).map_err(|(status, _)| status.as_u16())
        };
        assert_eq!(read(of(0).await), Ok(0));
        assert_eq!(read(of(ADMIN_BODY_BYTES_MAX).await), Ok(ADMIN_BODY_BYTES_MAX));
        assert_eq!(read(of(ADMIN_BODY_BYTES_MAX + 1).await), Err(413));
        assert_eq!(read(receive(Silent).await), Err(408));
    }
}
