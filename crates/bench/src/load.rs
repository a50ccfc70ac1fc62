//! The load generator: two threads, each with an epoll instance of its own and half of the connections.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use mio::{Events, Poll, Token};

use crate::connection::{Connection, Heard};
use crate::histogram::Histogram;
use crate::random::Random;
use crate::request::{Order, Source, Stream};

/// Threads of the generator.
const THREADS: usize = 2;
/// Events taken per wait.
const EVENTS_MAX: usize = 256;
/// How long the last answers may take after the end.
const DRAIN: Duration = Duration::from_secs(5);
/// Characters of an unexpected answer that are shown.
const UNEXPECTED_CHARS: usize = 400;

/// What to send, and from how many connections.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Load {
    /// The server.
    pub(crate) address: SocketAddr,
    /// Keep-alive connections, each with one request under way.
    pub(crate) connections: usize,
    /// The requests.
    pub(crate) source: Source,
    /// What tells this load's idempotency keys from those of every other load.
    pub(crate) seed: u64,
}

/// From when to when answers count.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    /// The end of the warm-up.
    pub(crate) start: Instant,
    /// When the last request may leave.
    pub(crate) end: Instant,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// Latencies of the answers with status 200 inside the window.
    pub(crate) latencies: Histogram,
    /// All answers with status 200.
    pub(crate) successes: u64,
    /// Answers with another status, and connections that broke.
    pub(crate) errors: u64,
    /// The first answer with another status.
    pub(crate) unexpected: Option<String>,
}

impl Load {
    /// Opens the connections, for requests without end.
    ///
    /// # Errors
    /// When the server does not accept.
    pub(crate) fn prepare(&self) -> Result<Prepared> {
        self.prepare_in(|_| Order::Random)
    }

    /// Opens the connections, for one request for each secret.
    ///
    /// # Errors
    /// When the server does not accept.
    pub(crate) fn prepare_once(&self) -> Result<Prepared> {
        let step = u32::try_from(self.threads()).context("a few threads")?;
        self.prepare_in(|first| Order::Once { first, step })
    }

    fn threads(&self) -> usize {
        THREADS.min(self.connections)
    }

    fn prepare_in(&self, order: impl Fn(u32) -> Order) -> Result<Prepared> {
        let threads = self.threads();
        let worker = |(thread, first)| {
            // The seed is the place in one long sequence, and neighbours would soon repeat each other: it is mixed first.
            let place = self.seed.wrapping_mul(THREADS as u64).wrapping_add(thread as u64);
            let seed = Random::new(place).next();
            let requests = self.source.stream(order(first), seed);
            let connections = self.connections / threads + usize::from(thread < self.connections % threads);
            Worker::new(self.address, connections, requests)
        };
        Ok(Prepared { workers: (0..threads).zip(0..).map(worker).collect::<Result<_>>()? })
    }
}

/// A load whose connections are open and silent.
pub(crate) struct Prepared {
    workers: Vec<Worker>,
}

impl Prepared {
    /// Sends until the window ends, or until every secret was asked for once. Blocks.
    ///
    /// # Errors
    /// When a connection that broke cannot be opened again.
    pub(crate) fn run(self, window: Window) -> Result<Answers> {
        let threads: Vec<_> =
            self.workers.into_iter().map(|worker| std::thread::spawn(move || worker.run(window))).collect();
        let mut all = Answers { latencies: Histogram::new(), successes: 0, errors: 0, unexpected: None };
        for thread in threads {
            let Ok(answers) = thread.join() else { bail!("a thread of the load generator panicked") };
            let answers = answers?;
            all.latencies.merge(&answers.latencies);
            all.successes += answers.successes;
            all.errors += answers.errors;
            all.unexpected = all.unexpected.or(answers.unexpected);
        }
        Ok(all)
    }
}

/// One thread.
struct Worker {
    address: SocketAddr,
    poll: Poll,
    connections: Vec<Connection>,
    requests: Box<dyn Stream>,
    /// Connections with a request under way.
    busy: usize,
    answers: Answers,
}

impl Worker {
    fn new(address: SocketAddr, connections: usize, requests: Box<dyn Stream>) -> Result<Self> {
        let poll = Poll::new()?;
        let open = |token| Connection::open(address, poll.registry(), token);
        let connections = (0..connections).map(open).collect::<Result<_>>()?;
        let answers = Answers { latencies: Histogram::new(), successes: 0, errors: 0, unexpected: None };
        Ok(Self { address, poll, connections, requests, busy: 0, answers })
    }

    fn run(mut self, window: Window) -> Result<Answers> {
        for token in 0..self.connections.len() {
            self.send_next(token, Instant::now(), window)?;
        }
        let mut events = Events::with_capacity(EVENTS_MAX);
        while self.busy > 0 {
            let left = (window.end + DRAIN).saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.answers.errors += self.busy as u64;
                break;
            }
            match self.poll.poll(&mut events, Some(left)) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                polled => polled.context("waiting for answers")?,
            }
            for event in &events {
                let Token(token) = event.token();
                if self.connections[token].send_rest().is_err() {
                    self.reopen(token, window)?;
                } else if event.is_readable() || event.is_read_closed() {
                    self.hear(token, window)?;
                }
            }
        }
        Ok(self.answers)
    }

    /// Takes the answer that has arrived, and sends the next request.
    fn hear(&mut self, token: usize, window: Window) -> Result<()> {
        let connection = &mut self.connections[token];
        let (status, length) = match connection.hear() {
            Heard::Nothing => return Ok(()),
            Heard::Broken => return self.reopen(token, window),
            Heard::Answer { status, length } => (status, length),
        };
        let now = Instant::now();
        self.busy -= 1;
        if status == 200 {
            self.answers.successes += 1;
            if now >= window.start && now < window.end {
                let nanoseconds = now.duration_since(connection.sent_at).as_nanos();
                self.answers.latencies.record(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
            }
        } else {
            self.answers.errors += 1;
            let bytes = &connection.bytes()[..length];
            let shown = || String::from_utf8_lossy(bytes).chars().take(UNEXPECTED_CHARS).collect();
            self.answers.unexpected.get_or_insert_with(shown);
        }
        self.send_next(token, now, window)
    }

    fn send_next(&mut self, token: usize, now: Instant, window: Window) -> Result<()> {
        if now >= window.end {
            return Ok(());
        }
        let Some(request) = self.requests.next() else { return Ok(()) };
        self.busy += 1;
        match self.connections[token].send(request, now) {
            Ok(()) => Ok(()),
            Err(_) => self.reopen(token, window),
        }
    }

    /// Replaces a connection that broke. Only one with a request under way counts as an error.
    fn reopen(&mut self, token: usize, window: Window) -> Result<()> {
        if !self.connections[token].waits {
            return Ok(());
        }
        self.answers.errors += 1;
        self.busy -= 1;
        self.connections[token] = Connection::open(self.address, self.poll.registry(), token)?;
        self.send_next(token, Instant::now(), window)
    }
}
