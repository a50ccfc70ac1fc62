//! The floors: servers that do the least which the same machine, HTTP library and disk allow.

use std::fs;
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpSocket;

pub(crate) mod http_only;
pub(crate) mod log;
mod vault;

/// Connections that may wait to be accepted: more than a load opens at once.
const BACKLOG: u32 = 1_024;
/// Threads of the runtime: the cores of the machine that the targets were set on.
const WORKERS: usize = 2;

/// Serves `answer` over HTTP/1.1 on a free port, and writes the ready file. Returns only on failure.
fn serve<A, F>(ready_file: &Path, answer: A) -> Result<()>
where
    A: Fn(http::Request<Incoming>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Result<Response<Full<Bytes>>>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(WORKERS).enable_all().build()?;
    runtime.block_on(async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let listener = socket.listen(BACKLOG)?;
        announce(ready_file, listener.local_addr()?)?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let answer = answer.clone();
            tokio::spawn(async move {
                let service = service_fn(answer);
                // The generator closes its connections without a farewell: that is no failure.
                drop(http1::Builder::new().serve_connection(TokioIo::new(stream), service).await);
            });
        }
    })
}

/// Writes the same ready file as the server, as far as it is read here: completely or not at all.
fn announce(ready_file: &Path, address: SocketAddr) -> Result<()> {
    let ready = serde_json::json!({ "version": 1, "api": { "http": format!("http://{address}") } });
    let unfinished = ready_file.with_extension("unfinished");
    fs::write(&unfinished, ready.to_string()).context("writing the ready file")?;
    fs::rename(&unfinished, ready_file).context("writing the ready file")
}

/// The key that was presented.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    headers.get(AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")
}

/// An answer with the headers of both floors; hyper adds `Date` and `Content-Length`.
fn json(status: StatusCode, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("request-id", HeaderValue::from_static("req_AAAAAAAAAAAAAA"));
    response
}
