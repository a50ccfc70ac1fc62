//! One keep-alive connection in a closed loop: the next request leaves when the answer has arrived.

use std::io::{self, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use anyhow::{Context as _, Result};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::response::{self, Arrived};

/// Bytes of an answer that are held; a list of ten secrets has about 3 KB.
const ANSWER_BYTES_MAX: usize = 32 * 1024;

/// A connection and what is under way on it.
pub(crate) struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
    filled: usize,
    /// What the kernel did not take of a request at once.
    unsent: Vec<u8>,
    /// When the request under way left.
    pub(crate) sent_at: Instant,
    /// Whether a request is under way.
    pub(crate) waits: bool,
}

/// What a readable connection had to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Not yet a whole answer.
    Nothing,
    /// An answer with this status, of so many bytes.
    Answer {
        /// Its status.
        status: u16,
        /// Its bytes in [`Connection::bytes`].
        length: usize,
    },
    /// The server closed the connection, or what it sent is not understood.
    Broken,
}

impl Connection {
    /// Connects, and reports under `token`.
    ///
    /// # Errors
    /// When the server does not accept.
    pub(crate) fn open(address: SocketAddr, registry: &Registry, token: usize) -> Result<Self> {
        let stream = std::net::TcpStream::connect(address).context("connecting to the server under measurement")?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut stream = TcpStream::from_std(stream);
        registry.register(&mut stream, Token(token), Interest::READABLE | Interest::WRITABLE)?;
        let answer = vec![0; ANSWER_BYTES_MAX];
        Ok(Self { stream, answer, filled: 0, unsent: Vec::new(), sent_at: Instant::now(), waits: false })
    }

    /// Sends a request; the latency counts from `now`.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) fn send(&mut self, request: &[u8], now: Instant) -> io::Result<()> {
        self.sent_at = now;
        self.waits = true;
        self.filled = 0;
        let written = match self.stream.write(request) {
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            Err(error) => return Err(error),
        };
        if written < request.len() {
            self.unsent.extend_from_slice(&request[written..]);
        }
        Ok(())
    }

    /// Sends what is left of a request, when the connection has become writable.
    ///
    /// # Errors
    /// When the connection broke.
    pub(crate) fn send_rest(&mut self) -> io::Result<()> {
        while !self.unsent.is_empty() {
            match self.stream.write(&self.unsent) {
                Ok(written) => drop(self.unsent.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what has arrived. One call of the kernel per answer: a read that did not fill the buffer has emptied the
    /// socket, and more bytes are a new event.
    pub(crate) fn hear(&mut self) -> Heard {
        loop {
            match self.stream.read(&mut self.answer[self.filled..]) {
                Ok(0) => return Heard::Broken,
                Ok(more) => self.filled += more,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Heard::Nothing,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Heard::Broken,
            }
            match response::read(self.bytes()) {
                Arrived::Whole { status, length } if length == self.filled && self.waits => {
                    self.waits = false;
                    return Heard::Answer { status, length };
                }
                Arrived::Part if self.filled < self.answer.len() => {}
                // Bytes after the answer, an answer nobody asked for or that does not fit, or no HTTP.
                Arrived::Whole { .. } | Arrived::Part | Arrived::Foreign => return Heard::Broken,
            }
        }
    }

    /// What has arrived of the answer.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.answer[..self.filled]
    }
}
