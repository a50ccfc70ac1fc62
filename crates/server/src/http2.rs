//! One HTTP/2 connection: what its peer may keep in memory, and for how long.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use cholla_domain::limits::{HEAD_BYTES_MAX, STREAMS_PER_CONNECTION_MAX};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioExecutor;
use tokio::sync::watch;

use crate::cut;
use crate::listener::Failure;
use crate::progress::Progress;
use crate::respond::AnswerBody;
use crate::unread::Unread;

/// Serves a connection until its peer closes it, stops sending requests or does not read answers, or the server stops.
pub(crate) async fn serve<I, S, F>(io: I, serve: S, mut stopping: watch::Receiver<bool>) -> Result<(), Failure>
where
    I: Read + Write + Unpin + Send + 'static,
    S: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<AnswerBody>> + Send + 'static,
{
    let (progress, unread) = (Arc::new(Progress::default()), Arc::new(Unread::default()));
    let (reported, watched) = (Arc::clone(&progress), Arc::clone(&unread));
    let service = service_fn(move |request| {
        let answer = reported.begin(serve(request));
        let watched = Arc::clone(&watched);
        async move { cut::sent(answer.await).map(|answer| answer.map(|body| watched.watch(body))) }
    });
    let header_list = u32::try_from(HEAD_BYTES_MAX).expect("the limit of a head fits 32 bits");
    let connection = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(header_list)
        .max_concurrent_streams(STREAMS_PER_CONNECTION_MAX)
        .serve_connection(io, service);
    let mut connection = pin!(connection);
    let mut overdue = pin!(unread.overdue());
    tokio::select! {
        biased;
        ended = connection.as_mut() => return Ok(ended?),
        _ = stopping.wait_for(|stopping| *stopping) => {}
        () = progress.stalled() => {}
        () = overdue.as_mut() => return Err("an answer was not read in time".into()),
    }
    connection.as_mut().graceful_shutdown();
    tokio::select! {
        biased;
        ended = connection.as_mut() => Ok(ended?),
        () = progress.stalled() => Err("the peer did not close".into()),
        () = overdue.as_mut() => Err("an answer was not read in time".into()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use cholla_domain::limits::{ANSWER_READ_SECONDS_MAX, HEADER_READ_SECONDS_MAX};
    use http_body_util::{BodyExt, Full};
    use hyper::client::conn::http2::{Builder, SendRequest};
    use hyper_util::rt::TokioIo;
    use tokio::io::DuplexStream;
    use tokio::time::{Instant, sleep};

    use super::*;

    /// What the server under test answers: after as many seconds as the path says, as many bytes as the query says.
    async fn answer(request: Request<Incoming>) -> Response<AnswerBody> {
        let number = |text: Option<&str>| text.and_then(|text| text.parse().ok()).unwrap_or_default();
        sleep(Duration::from_secs(number(request.uri().path().strip_prefix('/')))).await;
        let length = usize::try_from(number(request.uri().query())).unwrap();
        Response::new(AnswerBody::from(vec![b'x'; length]))
    }

    /// Sends requests, and reads what comes back where it is asked to.
    #[derive(Clone)]
    struct Client(SendRequest<Full<Bytes>>);

    impl Client {
        /// Connects, and keeps the connection alive by answering what the server asks.
        async fn connect(io: DuplexStream, window: u32) -> Self {
            let mut builder = Builder::new(TokioExecutor::new());
            builder.initial_stream_window_size(window);
            let (sender, connection) = builder.handshake(TokioIo::new(io)).await.unwrap();
            tokio::spawn(connection);
            Self(sender)
        }

        async fn send(&mut self, target: &str) -> hyper::Result<Response<Incoming>> {
            let request = Request::get(format!("http://localhost{target}")).body(Full::default()).unwrap();
            self.0.send_request(request).await
        }

        async fn read(&mut self, target: &str) -> usize {
            let answer = self.send(target).await.unwrap();
            answer.into_body().collect().await.unwrap().to_bytes().len()
        }
    }

    /// Serves a peer that does what `peer` says and never ends. Gives the seconds that pass until the connection has ended; `stop` is
    /// when the server is told to stop.
    async fn serves<F: Future<Output = ()>>(peer: impl FnOnce(DuplexStream) -> F, stop: Option<u64>) -> u64 {
        let (ours, theirs) = tokio::io::duplex(1 << 20);
        let (stopped, stopping) = watch::channel(false);
        let begun = Instant::now();
        let stop = async {
            match stop {
                Some(seconds) => sleep(Duration::from_secs(seconds)).await,
                None => std::future::pending().await,
            }
            stopped.send_replace(true);
            std::future::pending::<()>().await;
        };
        tokio::select! {
            _ = serve(TokioIo::new(ours), answer, stopping) => begun.elapsed().as_secs(),
            () = peer(theirs) => unreachable!("it waits for ever"),
            () = stop => unreachable!("it waits for ever"),
        }
    }

    const IDLE: u64 = HEADER_READ_SECONDS_MAX;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_sends_nothing_is_let_go() {
        let silent = async |io: DuplexStream| {
            let _open = io;
            std::future::pending::<()>().await;
        };
        assert_eq!(serves(silent, None).await, 2 * IDLE);
        assert_eq!(serves(silent, Some(3)).await, 3 + IDLE, "as soon as nothing comes in after that");
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_peer_that_answers_pings_is_let_go() {
        let idle = async |io: DuplexStream| {
            let mut client = Client::connect(io, 1 << 20).await;
            assert_eq!(client.read("/0?100000").await, 100_000);
            std::future::pending::<()>().await;
        };
        assert_eq!(serves(idle, None).await, IDLE);
        assert_eq!(serves(idle, Some(3)).await, 3, "at once");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_with_requests_is_kept() {
        let steady = async |io: DuplexStream| {
            let mut client = Client::connect(io, 1 << 20).await;
            for _ in 0..20 {
                assert_eq!(client.read("/0?300000").await, 300_000);
                sleep(Duration::from_secs(14)).await;
            }
            // Longer than it may be idle.
            assert_eq!(client.read("/100?5").await, 5);
            std::future::pending::<()>().await;
        };
        let ended = serves(steady, None).await;
        assert!((380 + IDLE / 2..=380 + IDLE).contains(&ended), "{ended}");
    }

    #[tokio::test(start_paused = true)]
    async fn requests_finish_when_the_server_stops() {
        let late = async |io: DuplexStream| {
            let mut client = Client::connect(io, 1 << 20).await;
            assert_eq!(client.read("/10?5").await, 5);
            std::future::pending::<()>().await;
        };
        assert_eq!(serves(late, Some(3)).await, 10);
    }

    /// Answers wait in memory at their peer's pleasure: not for long, however busy it is otherwise, and whatever it has taken of them.
    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_let_go() {
        for window in [0, 1, 65_535] {
            let unreading = async |io: DuplexStream| {
                let mut client = Client::connect(io, window).await;
                let mut kept = Vec::new();
                for _ in 0..10 {
                    kept.push(client.send("/0?100000").await.unwrap());
                }
                while client.send("/0").await.is_ok() {
                    sleep(Duration::from_secs(1)).await;
                }
                std::future::pending::<()>().await;
            };
            assert_eq!(serves(unreading, None).await, ANSWER_READ_SECONDS_MAX, "window of {window}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_that_are_given_up_do_not_count_as_requests() {
        let resetting = async |io: DuplexStream| {
            let client = Client::connect(io, 1 << 20).await;
            for _ in 0..5 {
                let mut sender = client.clone();
                tokio::select! {
                    answer = sender.send("/1000") => panic!("{answer:?}"),
                    () = sleep(Duration::from_secs(1)) => {}
                }
            }
            std::future::pending::<()>().await;
        };
        let ended = serves(resetting, None).await;
        assert!((5 + IDLE / 2..=5 + IDLE).contains(&ended), "{ended}");
    }
}
