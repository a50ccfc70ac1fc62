//! A server that answers what it was told to, and keeps what it was asked.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::{self, JoinHandle};

/// Header fields of a request that a test looks at.
const SHOWN: [&str; 7] = [
    "authorization",
    "stripe-account",
    "stripe-signature",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
];

/// A listening fake. It ends after its last answer.
pub(crate) struct Fake {
    pub(crate) address: String,
    asked: JoinHandle<Vec<String>>,
}

impl Fake {
    /// Listens, and will give `answers` in order, each to a connection of its own: `STATUS | Header: value | body`, or `close`.
    pub(crate) fn start(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        Self { address, asked: thread::spawn(move || serve(&listener, answers.into())) }
    }

    /// What it was asked: `METHOD TARGET | header: value | body` for each answer given, headers in alphabetical order.
    pub(crate) fn asked(self, answered: bool) -> Vec<String> {
        if !answered {
            // Unblocks a fake that nobody has asked.
            drop(TcpStream::connect(&self.address));
        }
        self.asked.join().unwrap()
    }
}

fn serve(listener: &TcpListener, mut answers: VecDeque<String>) -> Vec<String> {
    let mut asked = Vec::new();
    while let Some(answer) = answers.pop_front() {
        let (mut stream, _) = listener.accept().unwrap();
        let Some(request) = read_request(&stream) else { return asked };
        asked.push(request);
        if answer == "close" {
            continue;
        }
        let parts: Vec<&str> = answer.split(" | ").collect();
        let (status, headers, body) = (parts[0], &parts[1..parts.len() - 1], parts[parts.len() - 1]);
        let mut text = format!("HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        for header in headers {
            let _ = write!(text, "{header}\r\n");
        }
        stream.write_all(format!("{text}\r\n{body}").as_bytes()).unwrap();
    }
    asked
}

fn read_request(stream: &TcpStream) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let mut shown = vec![line.trim_end().strip_suffix(" HTTP/1.1")?.to_owned()];
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        let name = name.to_ascii_lowercase();
        if name == "content-length" {
            length = value.parse().unwrap();
        }
        if SHOWN.contains(&name.as_str()) {
            shown.push(format!("{name}: {value}"));
        }
    }
    shown[1..].sort();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    if length > 0 {
        shown.push(String::from_utf8(body).unwrap());
    }
    Some(shown.join(" | "))
}
