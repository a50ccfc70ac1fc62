//! One HTTP/1.1 request over plain TCP, written out byte by byte, and the answer. No client library stands between a case and the wire.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take before the server counts as hanging.
const ANSWER_SECONDS_MAX: u64 = 60;
/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether `100 Continue` came first.
    pub interim: bool,
    /// The status.
    pub status: u16,
    /// Header lines in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// The body, chunks joined.
    pub body: Vec<u8>,
}

impl Answer {
    /// The values of the header of that name, letter case ignored.
    pub fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// A request, ready to be written.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method: an answer to HEAD has no body.
    pub method: String,
    /// Request line, header lines and the empty line.
    pub head: Vec<u8>,
    /// The body.
    pub body: Vec<u8>,
    /// Whether the body waits for `100 Continue`.
    pub waits: bool,
}

/// Sends `request` on a connection of its own and reads the answer.
///
/// # Errors
/// When there is no connection, no answer in time, or none that HTTP/1.1 allows.
pub fn send(address: SocketAddr, request: &Request) -> io::Result<Answer> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
    stream.set_write_timeout(Some(Duration::from_secs(ANSWER_SECONDS_MAX)))?;
    stream.set_nodelay(true)?;
    let mut received = Received::default();
    if request.waits {
        stream.write_all(&request.head)?;
        let (status, headers) = received.head(&mut stream)?;
        if status != 100 {
            let body = received.body(&mut stream, &request.method, status, &headers)?;
            return Ok(Answer { interim: false, status, headers, body });
        }
        stream.write_all(&request.body)?;
    } else {
        let whole = [request.head.as_slice(), &request.body].concat();
        // A server may answer and close before it has read everything; what counts is that its answer arrives.
        let _unwritten = stream.write_all(&whole);
    }
    let (mut status, mut headers) = received.head(&mut stream)?;
    while status == 100 {
        (status, headers) = received.head(&mut stream)?;
    }
    let body = received.body(&mut stream, &request.method, status, &headers)?;
    Ok(Answer { interim: request.waits, status, headers, body })
}

type Head = (u16, Vec<(String, String)>);

/// What has arrived and has not been used yet.
#[derive(Default)]
struct Received(Vec<u8>);

impl Received {
    /// Reads more; `false` at the end.
    fn more(&mut self, stream: &mut TcpStream) -> io::Result<bool> {
        let mut buffer = [0; 16 * 1024];
        let length = stream.read(&mut buffer)?;
        self.0.extend_from_slice(&buffer[..length]);
        if self.0.len() as u64 > ANSWER_BYTES_MAX {
            return Err(invalid("an answer of more than 16 MiB"));
        }
        Ok(length > 0)
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let rest = self.0.split_off(length);
        std::mem::replace(&mut self.0, rest)
    }

    /// Takes everything up to and including `end`.
    fn until(&mut self, stream: &mut TcpStream, end: &[u8]) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.0.windows(end.len()).position(|window| window == end) {
                return Ok(self.take(at + end.len()));
            }
            if !self.more(stream)? {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended inside an answer"));
            }
        }
    }

    fn exactly(&mut self, stream: &mut TcpStream, length: usize) -> io::Result<Vec<u8>> {
        while self.0.len() < length {
            if !self.more(stream)? {
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the connection ended inside a body"));
            }
        }
        Ok(self.take(length))
    }

    fn head(&mut self, stream: &mut TcpStream) -> io::Result<Head> {
        let head = self.until(stream, b"\r\n\r\n")?;
        let head = String::from_utf8(head).map_err(|_| invalid("a head that is not UTF-8"))?;
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| invalid("no status line"))?;
        let headers = lines.map(|line| {
            let (name, value) = line.split_once(':').ok_or_else(|| invalid("a header line without a colon"))?;
            Ok((name.to_owned(), value.trim().to_owned()))
        });
        Ok((status, headers.collect::<io::Result<_>>()?))
    }

    fn body(
        &mut self,
        stream: &mut TcpStream,
        method: &str,
        status: u16,
        headers: &[(String, String)],
    ) -> io::Result<Vec<u8>> {
        let value = |name: &str| headers.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        if method == "HEAD" || status == 204 || status == 304 {
            return Ok(Vec::new());
        }
        if value("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            return self.chunks(stream);
        }
        if let Some(length) = value("content-length") {
            let length = length.parse().map_err(|_| invalid("a content length that is no number"))?;
            return self.exactly(stream, length);
        }
        while self.more(stream)? {}
        Ok(std::mem::take(&mut self.0))
    }

    fn chunks(&mut self, stream: &mut TcpStream) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.until(stream, b"\r\n")?;
            let line = String::from_utf8_lossy(&line);
            let digits = line.trim_end().split(';').next().unwrap_or_default();
            let length = usize::from_str_radix(digits, 16).map_err(|_| invalid("a chunk without a length"))?;
            if length == 0 {
                while self.until(stream, b"\r\n")? != b"\r\n" {}
                return Ok(body);
            }
            body.extend(self.exactly(stream, length)?);
            self.exactly(stream, 2)?;
        }
    }
}

fn invalid(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// What `send` makes of `answers`, one per read of the server's side.
    fn check(
        method: &str,
        waits: bool,
        answers: &'static [&'static [u8]],
        expected: Result<(u16, &[u8]), io::ErrorKind>,
    ) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for answer in answers {
                let mut buffer = [0; 1024];
                assert!(stream.read(&mut buffer).unwrap() > 0);
                stream.write_all(answer).unwrap();
            }
        });
        let request = Request { method: method.to_owned(), head: b"head".to_vec(), body: b"body".to_vec(), waits };
        let answer = send(address, &request);
        server.join().unwrap();
        let actual = answer.as_ref().map(|answer| (answer.status, answer.body.as_slice())).map_err(io::Error::kind);
        assert_eq!(actual, expected);
    }

    #[test]
    fn answers_are_read_in_every_framing() {
        check("GET", false, &[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab"], Ok((200, b"ab")));
        check("HEAD", false, &[b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"], Ok((200, b"")));
        check("OPTIONS", false, &[b"HTTP/1.1 204 No Content\r\n\r\n"], Ok((204, b"")));
        check("GET", false, &[b"HTTP/1.1 200 OK\r\n\r\nto the end"], Ok((200, b"to the end")));
        check(
            "GET",
            false,
            &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: x\r\n\r\n"],
            Ok((200, b"abc0123456789")),
        );
        check(
            "GET",
            false,
            &[b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
            Ok((200, b"")),
        );
        let answers: &[&[u8]] =
            &[b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"];
        check("POST", true, answers, Ok((201, b"")));
        check("POST", true, &[b"HTTP/1.1 401 No\r\nContent-Length: 1\r\n\r\nx"], Ok((401, b"x")));
        check("GET", false, &[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"], Err(io::ErrorKind::UnexpectedEof));
    }
}
