//! A small receiver of webhooks: takes what the server delivers, forwards it as it came, and says so.
//!
//! Whoever delivers gets the answer of whoever it was forwarded to, so that the server tries again what was not taken. It verifies no
//! signature: that is the part of whoever it is forwarded to.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cholla_domain::limits::{BODY_BYTES_MAX, HEADER_READ_SECONDS_MAX, WEBHOOK_SECONDS_MAX, WEBHOOKS_PER_ENDPOINT_MAX};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, USER_AGENT};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};
use ureq::Agent;

/// The header fields that are forwarded.
const FORWARDED: [HeaderName; 3] = [CONTENT_TYPE, HeaderName::from_static("stripe-signature"), USER_AGENT];
/// Bytes of the headers of a delivery.
const HEAD_BYTES: usize = 16 * 1024;
/// How long nobody is taken in after that failed.
const PAUSE: Duration = Duration::from_millis(100);

/// A delivery and what became of it.
pub(super) struct Forwarded {
    /// The type of the event.
    pub(super) kind: String,
    /// Its id.
    pub(super) id: String,
    /// The status that it was answered with; none where there was no answer.
    pub(super) status: Option<u16>,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
}

/// Takes deliveries on one address.
pub(super) struct Receiver {
    listener: TcpListener,
    forwarder: Arc<Forwarder>,
}

struct Forwarder {
    agent: Agent,
    to: String,
    tell: Box<dyn Fn(&Forwarded) + Send + Sync>,
}

impl Receiver {
    /// Listens on `address`. What is received will be forwarded to `to`, and `tell` is told of it.
    ///
    /// # Errors
    /// When nobody can listen there.
    pub(super) async fn bind(
        address: SocketAddr,
        to: String,
        tell: impl Fn(&Forwarded) + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(WEBHOOK_SECONDS_MAX)));
        let forwarder = Forwarder { agent: config.build().new_agent(), to, tell: Box::new(tell) };
        Ok(Self { listener, forwarder: Arc::new(forwarder) })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// When the system does not say.
    pub(super) fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Takes deliveries until dropped, as many at a time as the server makes to one endpoint. More wait at the door.
    pub(super) async fn serve(self) {
        let turns = Arc::new(Semaphore::new(WEBHOOKS_PER_ENDPOINT_MAX));
        loop {
            let turn = Arc::clone(&turns).acquire_owned().await.expect("it is never closed");
            let Ok((stream, _)) = self.listener.accept().await else {
                // A peer that is gone already, or no descriptors for a moment: not tried as fast as the machine can.
                sleep(PAUSE).await;
                continue;
            };
            let forwarder = Arc::clone(&self.forwarder);
            tokio::spawn(async move {
                forwarder.connection(stream).await;
                drop(turn);
            });
        }
    }
}

impl Forwarder {
    /// Takes one delivery. What is wrong with a connection is its peer's affair.
    async fn connection(self: Arc<Self>, stream: TcpStream) {
        let limit = Duration::from_secs(HEADER_READ_SECONDS_MAX);
        let service = service_fn(|request| {
            let own = Arc::clone(&self);
            async move { own.answer(request).await }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limit)
            .max_buf_size(HEAD_BYTES)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        let _ = timeout(2 * limit, connection).await;
    }

    async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Result<Response<Empty<Bytes>>, hyper::Error> {
        if request.method() != Method::POST {
            return Ok(status(StatusCode::METHOD_NOT_ALLOWED));
        }
        let (head, body) = request.into_parts();
        let body =
            timeout(Duration::from_secs(WEBHOOK_SECONDS_MAX), Limited::new(body, BODY_BYTES_MAX).collect()).await;
        let Ok(Ok(body)) = body else { return Ok(status(StatusCode::PAYLOAD_TOO_LARGE)) };
        let body = body.to_bytes();
        let Ok(event) = serde_json::from_slice::<Event>(&body) else { return Ok(status(StatusCode::BAD_REQUEST)) };
        let own = Arc::clone(&self);
        let answered = spawn_blocking(move || own.forward(&head.headers, &body)).await.ok().flatten();
        (self.tell)(&Forwarded { kind: event.r#type, id: event.id, status: answered });
        let answered = answered.and_then(|code| StatusCode::from_u16(code).ok());
        Ok(status(answered.unwrap_or(StatusCode::BAD_GATEWAY)))
    }

    fn forward(&self, headers: &HeaderMap, body: &Bytes) -> Option<u16> {
        let mut request = self.agent.post(&self.to);
        for name in &FORWARDED {
            for value in headers.get_all(name) {
                request = request.header(name, value);
            }
        }
        request.send(&body[..]).ok().map(|answer| answer.status().as_u16())
    }
}

fn status(status: StatusCode) -> Response<Empty<Bytes>> {
    let mut answer = Response::new(Empty::new());
    *answer.status_mut() = status;
    answer
}
