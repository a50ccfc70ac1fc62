//! One request to a webhook endpoint: to an address that was judged, over TLS that was verified, for a bounded time.

use std::future::Future;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cholla_domain::limits::{WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_CONNECT_SECONDS_MAX, WEBHOOK_SECONDS_MAX};
use http::header::{CONNECTION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;

use crate::header_names::STRIPE_SIGNATURE;
use crate::tls::TlsError;

use super::address::Reach;
use super::target::{Target, TargetError};

/// How this server names itself to endpoints.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("Cholla/", env!("CARGO_PKG_VERSION")));
/// What a webhook's body is (contract 17.5).
const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");
const CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Why an endpoint did not take a webhook. It is written to the log, so it never shows a URL, a body or an answer.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum Failure {
    /// Its URL.
    #[error("{0}")]
    Url(#[from] TargetError),
    /// It is to be reached in clear, which the configuration does not allow.
    #[error("its URL is plain HTTP, which `allow_plain_http` of [webhooks] does not allow")]
    PlainHttp,
    /// Its name has no address.
    #[error("its host has no address")]
    Unresolved,
    /// Its addresses are not globally reachable.
    #[error("its host is in a private network, and not in `allowed_private_networks` of [webhooks]")]
    Forbidden,
    /// Nobody listens there.
    #[error("it takes no connection")]
    Unreachable,
    /// TLS: most often its certificate.
    #[error("no TLS with it: {0}")]
    Tls(&'static str),
    /// The connection ended before there was an answer, or what came is no HTTP.
    #[error("it gave no answer")]
    NoAnswer,
    /// An answer, but no success. Redirects are not followed (contract 17.6).
    #[error("it answered {0}")]
    Status(u16),
    /// No answer in time.
    #[error("it gave no answer within {WEBHOOK_SECONDS_MAX} seconds")]
    TooSlow,
}

/// Makes one request to an endpoint.
#[async_trait]
pub(crate) trait Transport: Send + Sync {
    /// Posts `body`, exactly those bytes, to `url`. Answers within [`WEBHOOK_SECONDS_MAX`].
    ///
    /// # Errors
    /// When the endpoint did not answer 2xx in that time (contract 17.6).
    async fn post(&self, url: &str, signature: HeaderValue, body: Bytes) -> Result<(), Failure>;
}

/// The transport of a server: HTTP/1.1 over TCP, with or without TLS.
pub(crate) struct Client {
    reach: Reach,
    tls: TlsConnector,
}

/// An answer whose body may still come.
struct Answer {
    response: Response<Incoming>,
    /// Drives the connection for as long as this is there.
    _connection: JoinSet<()>,
}

impl Client {
    /// A client that goes as far as `reach`, and trusts what the system trusts and the authorities in the PEM file `ca_file`.
    ///
    /// # Errors
    /// When that file cannot be read, or rustls refuses it.
    pub(crate) fn new(reach: Reach, ca_file: Option<&Path>) -> Result<Self, TlsError> {
        let mut authorities: Vec<CertificateDer<'static>> = Vec::new();
        if let Some(path) = ca_file {
            let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
            authorities =
                read.map_err(|reason| TlsError::Pem { path: path.display().to_string(), reason: reason.to_string() })?;
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
        let mut config = match (Verifier::new_with_extra_roots(authorities, provider), ca_file) {
            (Ok(verifier), _) => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth()
            }
            (Err(error), Some(_)) => return Err(error.into()),
            // A system that trusts nobody, a bare container most likely: it can have a server all the same, if not endpoints over TLS.
            (Err(error), None) => {
                tracing::warn!(%error, "no webhook can be sent over TLS; name the authorities in `ca_file` of [webhooks]");
                builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
            }
        };
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { reach, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// Connects, asks, and comes back with the head of the answer.
    async fn ask(&self, target: &Target, request: Request<Full<Bytes>>) -> Result<Answer, Failure> {
        let stream = self.connect(target).await?;
        if !target.tls {
            return exchange(TokioIo::new(stream), request).await;
        }
        let stream = self.tls.connect(target.host.clone(), stream).await;
        exchange(TokioIo::new(stream.map_err(|error| Failure::Tls(tls_fault(&error)))?), request).await
    }

    /// Connects to one of the addresses that were judged. The name is resolved once: what it means a moment later is of no interest.
    async fn connect(&self, target: &Target) -> Result<TcpStream, Failure> {
        let addresses = target.resolve().await.map_err(|_| Failure::Unresolved)?;
        for address in self.allowed(addresses)? {
            let limit = Duration::from_secs(WEBHOOK_CONNECT_SECONDS_MAX);
            if let Ok(Ok(stream)) = timeout(limit, TcpStream::connect(address)).await {
                // Without it the request may wait for an acknowledgement, which costs time and nothing else.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
        }
        Err(Failure::Unreachable)
    }

    fn allowed(&self, mut addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Failure> {
        if addresses.is_empty() {
            return Err(Failure::Unresolved);
        }
        addresses.retain(|address| self.reach.allows(address.ip()));
        if addresses.is_empty() { Err(Failure::Forbidden) } else { Ok(addresses) }
    }
}

#[async_trait]
impl Transport for Client {
    async fn post(&self, url: &str, signature: HeaderValue, body: Bytes) -> Result<(), Failure> {
        let target = Target::parse(url)?;
        if !target.tls && !self.reach.allows_plain_http() {
            return Err(Failure::PlainHttp);
        }
        let request = request(&target, signature, body)?;
        let mut limit = pin!(sleep(Duration::from_secs(WEBHOOK_SECONDS_MAX)));
        let answer = tokio::select! {
            answer = self.ask(&target, request) => answer?,
            () = limit.as_mut() => return Err(Failure::TooSlow),
        };
        let status = answer.response.status();
        // The endpoint has spoken. Its body is read so that it need not fail to write it, and means nothing.
        tokio::select! {
            () = read_away(answer) => {}
            () = limit => {}
        }
        if status.is_success() { Ok(()) } else { Err(Failure::Status(status.as_u16())) }
    }
}

/// What is wrong with an endpoint's TLS, without any text of its own.
fn tls_fault(error: &std::io::Error) -> &'static str {
    use CertificateError::{
        Expired, ExpiredContext, NotValidForName, NotValidForNameContext, NotValidYet, NotValidYetContext,
        UnknownIssuer,
    };
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(fault)) => match fault {
            Expired | ExpiredContext { .. } => "its certificate has expired",
            NotValidYet | NotValidYetContext { .. } => "its certificate is not valid yet",
            NotValidForName | NotValidForNameContext { .. } => "its certificate is for another host",
            UnknownIssuer => "its certificate is of an authority that this system does not trust",
            _ => "its certificate is not valid",
        },
        _ => "the handshake failed",
    }
}

fn request(target: &Target, signature: HeaderValue, body: Bytes) -> Result<Request<Full<Bytes>>, Failure> {
    let request = Request::builder()
        .method(Method::POST)
        .uri(target.path.as_str())
        .header(HOST, target.authority.as_str())
        .header(CONTENT_TYPE, JSON)
        .header(STRIPE_SIGNATURE, signature)
        .header(USER_AGENT, AGENT)
        .header(CONNECTION, CLOSE)
        .body(Full::new(body));
    request.map_err(|_| Failure::Url(TargetError::NotUrl))
}

async fn exchange<I>(io: I, request: Request<Full<Bytes>>) -> Result<Answer, Failure>
where
    I: Read + Write + Unpin + Send + 'static,
{
    let handshake = http1::Builder::new().max_buf_size(WEBHOOK_ANSWER_BYTES_MAX).handshake(io);
    let (mut sender, connection) = handshake.await.map_err(|_| Failure::NoAnswer)?;
    let mut driver = JoinSet::new();
    driver.spawn(ended(connection));
    let response = sender.send_request(request).await.map_err(|_| Failure::NoAnswer)?;
    Ok(Answer { response, _connection: driver })
}

/// What goes wrong on the connection is seen by whoever waits for the answer.
async fn ended(connection: impl Future<Output = hyper::Result<()>>) {
    let _ = connection.await;
}

/// Reads the body of an answer, as far as is decent.
async fn read_away(mut answer: Answer) {
    let mut left = WEBHOOK_ANSWER_BYTES_MAX;
    let body = answer.response.body_mut();
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        // Trailers are no more than the parser takes.
        left = left.saturating_sub(length);
        if left == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests;
