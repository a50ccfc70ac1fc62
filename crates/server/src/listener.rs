//! Listening: sockets, the accept loop with its connection cap, timeouts, TLS, and the two protocols.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

#[cfg(target_os = "linux")]
use cholla_domain::limits::ANSWER_READ_SECONDS_MAX;
use cholla_domain::limits::{HANDSHAKE_SECONDS_MAX, HEAD_BYTES_MAX};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prometheus::{IntCounter, IntGauge};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::cut;
use crate::http2;
use crate::progress::Progress;
use crate::respond::AnswerBody;
use crate::workers::Workers;

/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;
/// The first bytes of an HTTP/2 connection without TLS.
const HTTP2_PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Binds `address` for listening.
///
/// # Errors
/// When the address is in use or not ours.
pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// One listener: where, how, at most how many, and what counts them.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) tls: Option<TlsAcceptor>,
    pub(crate) connections: Arc<Semaphore>,
    pub(crate) open: IntGauge,
    pub(crate) accepted: IntCounter,
    pub(crate) workers: Arc<Workers>,
}

impl Listener {
    /// Accepts connections until `stopping` turns true, then lets each finish the request it is in, and returns when all have.
    pub(crate) async fn run<S, F>(self, serve: S, mut stopping: watch::Receiver<bool>)
    where
        S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<AnswerBody>> + Send + 'static,
    {
        let mut running = tokio::task::JoinSet::new();
        loop {
            while running.try_join_next().is_some() {}
            let accepted = tokio::select! {
                accepted = self.accept() => accepted,
                _ = stopping.wait_for(|stopping| *stopping) => break,
            };
            let Some((stream, permit)) = accepted else { continue };
            // It leaves this runtime for the one of its worker.
            let stream = stream.into_std();
            self.accepted.inc();
            self.open.inc();
            let (tls, serve, stopping, open) = (self.tls.clone(), serve.clone(), stopping.clone(), self.open.clone());
            let live = async move {
                // What goes wrong on one connection is its peer's affair: reset, bad handshake, bad bytes.
                if let Ok(stream) = stream.and_then(TcpStream::from_std) {
                    let _ = connection(stream, tls, serve, stopping).await;
                }
                open.dec();
                drop(permit);
            };
            running.spawn_on(live, self.workers.next());
        }
        drop(self.socket);
        while running.join_next().await.is_some() {}
    }

    /// The next connection, once there is room for it.
    async fn accept(&self) -> Option<(TcpStream, tokio::sync::OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.connections).acquire_owned().await.ok()?;
        match self.socket.accept().await {
            Ok((stream, _)) => Some((stream, permit)),
            Err(error) => {
                // Out of file descriptors, most likely: wait for some to come back instead of spinning.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                None
            }
        }
    }
}

/// What goes wrong on a connection.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

async fn connection<S, F>(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    serve: S,
    stopping: watch::Receiver<bool>,
) -> Result<(), Failure>
where
    S: Fn(Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<AnswerBody>> + Send + 'static,
{
    stream.set_nodelay(true)?;
    // Where the system has no such option, `Progress` and `Unread` alone let peers go that do not read.
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(Duration::from_secs(ANSWER_READ_SECONDS_MAX)))?;
    let handshake = Duration::from_secs(HANDSHAKE_SECONDS_MAX);
    match tls {
        Some(tls) => {
            let stream = timeout(handshake, tls.accept(stream)).await??;
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                http2::serve(TokioIo::new(stream), serve, stopping).await
            } else {
                serve_http1(TokioIo::new(stream), serve, stopping).await
            }
        }
        None if timeout(handshake, begins_http2(&stream)).await?? => {
            http2::serve(TokioIo::new(stream), serve, stopping).await
        }
        None => serve_http1(TokioIo::new(stream), serve, stopping).await,
    }
}

/// Looks at the first bytes without taking them: does an HTTP/2 connection begin here?
async fn begins_http2(stream: &TcpStream) -> io::Result<bool> {
    let mut seen = [0; HTTP2_PREFACE.len()];
    loop {
        let length = stream.peek(&mut seen).await?;
        if length == 0 || seen[..length] != HTTP2_PREFACE[..length] {
            return Ok(false);
        }
        if length == HTTP2_PREFACE.len() {
            return Ok(true);
        }
        // A preface in pieces: `peek` would answer the same bytes again at once.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn serve_http1<I, S, F>(io: I, serve: S, mut stopping: watch::Receiver<bool>) -> Result<(), Failure>
where
    I: Read + Write + Unpin + Send + 'static,
    S: Fn(Request<Incoming>) -> F,
    F: Future<Output = Response<AnswerBody>>,
{
    let progress = Arc::new(Progress::default());
    let service = service_fn(|request| {
        let request = progress.begin(serve(request));
        async move { cut::sent(request.await) }
    });
    let connection = http1::Builder::new().max_buf_size(HEAD_BYTES_MAX).serve_connection(io, service);
    let mut connection = pin!(connection);
    tokio::select! {
        biased;
        ended = connection.as_mut() => return Ok(ended?),
        _ = stopping.wait_for(|stopping| *stopping) => connection.as_mut().graceful_shutdown(),
        () = progress.stalled() => return Err("no request came in time".into()),
    }
    Ok(connection.await?)
}
