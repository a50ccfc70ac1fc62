//! Whatever arrives, the answer is a clear error or a closed connection, memory stays bounded, and the next request is served.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod api;
    pub(crate) mod random;
    pub(crate) mod server;
}

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::Value;
use support::api::{KEY, PLATFORM, agent, send};
use support::random::Random;
use support::server::Server;

/// Memory that the server may take at most over everything here. Measured: about 20 MiB.
const RESIDENT_KIB_MAX: u64 = 64 * 1024;
/// Connections that stay in the middle of their headers while others are served.
const SLOW_CONNECTIONS: usize = 200;

struct Target {
    server: Server,
    address: String,
}

impl Target {
    fn start(home: &std::path::Path) -> Self {
        let platform = home.join("platform.toml");
        fs::write(&platform, PLATFORM).unwrap();
        let server = Server::start(home, &["--strict", "--platform", platform.to_str().unwrap()]);
        let address = server.http().strip_prefix("http://").unwrap().to_owned();
        let form = "name=a&payload=b&scope[type]=account";
        let set = send(&agent(), &format!("{}/v1/apps/secrets", server.http()), Some(form), &[]).unwrap();
        assert_eq!(set.status(), 200, "{}", set.body());
        Self { server, address }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.set_write_timeout(Some(Duration::from_mins(1))).unwrap();
        stream
    }

    /// Sends `bytes` and nothing more, and gives what comes back until the server closes.
    fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        // A server that has seen enough closes, and what was not sent by then is refused.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        // An account that is named comes back in a header, with whatever bytes it has (contract 7.2).
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// Sends a whole request, and checks that the answer has one of `expected`, with an error object. `0` is a closed connection.
    fn check(&self, label: &str, request: &[u8], expected: &[u16]) {
        let mut stream = self.connect();
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        let status = answer.strip_prefix("HTTP/1.1 ").map_or(0, |rest| rest[..3].parse().unwrap());
        assert!(expected.contains(&status), "{label}: {answer}");
        if let Some((_, body)) = answer.split_once("\r\n\r\n").filter(|(_, body)| !body.is_empty()) {
            let body: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{label}: {error}: {answer}"));
            assert!(body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{label}: {answer}");
        }
        self.assert_serves(label);
    }

    /// The secret is still found, and memory is bounded.
    fn assert_serves(&self, after: &str) {
        let url = format!("{}/v1/apps/secrets/find?name=a&scope[type]=account", self.server.http());
        let found = send(&agent(), &url, None, &[]).unwrap();
        assert_eq!(found.status(), 200, "after {after}: {}", found.body());
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.child.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        assert!(peak < RESIDENT_KIB_MAX, "after {after}: {peak} KiB");
    }
}

/// A `POST` of `body` to set, by a client that closes afterwards.
fn post(body: &[u8]) -> Vec<u8> {
    let mut request = head("POST /v1/apps/secrets", &format!("Content-Length: {}\r\n", body.len()));
    request.extend_from_slice(body);
    request
}

fn head(target: &str, more: &str) -> Vec<u8> {
    format!(
        "{target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {KEY}\r\nStripe-Account: acct_cactus\r\n\
         Content-Type: application/x-www-form-urlencoded\r\n{more}\r\n"
    )
    .into_bytes()
}

#[test]
fn rule_6_33_parameters_of_every_bad_kind() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path());
    let many = |n: usize, one: &dyn Fn(usize) -> String| (0..n).map(one).collect::<Vec<_>>().join("&").into_bytes();
    let rest = b"name=a&scope[type]=account&payload=";
    for (label, body) in [
        ("60,000 parameters", many(60_000, &|n| format!("p{n}={n}"))),
        ("60,000 times the same", many(60_000, &|_| "name=a".to_owned())),
        ("60,000 array items", many(60_000, &|n| format!("expand[{n}]=a"))),
        ("60,000 separators", vec![b'&'; 60_000]),
        ("5,000 nested brackets", format!("scope{}=account", "[a]".repeat(5_000)).into_bytes()),
        ("5,000 opening brackets", format!("scope{}=account", "[".repeat(5_000)).into_bytes()),
        ("invalid UTF-8", [rest, &b"\xff\xfe"[..]].concat()),
        ("invalid UTF-8, encoded", [rest, &b"%C3%28"[..]].concat()),
        ("half an escape", [rest, &b"%F"[..]].concat()),
        ("NUL", [rest, &b"%00"[..]].concat()),
        ("a megabyte of one name", vec![b'a'; 1024 * 1024]),
        ("a payload that is too long", [rest, &vec![b'x'; 500_000][..]].concat()),
        ("nothing at all", Vec::new()),
        ("one bracket", b"[".to_vec()),
        ("one equals sign", b"=".to_vec()),
    ] {
        target.check(label, &post(&body), &[400]);
    }
    assert!(target.server.stop().success());
}

#[test]
fn rule_3_5_and_6_29_what_is_too_long() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path());
    let chunk = format!("{:x}\r\n{}\r\n", 1024 * 1024, "x".repeat(1024 * 1024));
    let chunked = [
        head("POST /v1/apps/secrets", "Transfer-Encoding: chunked\r\n"),
        chunk.repeat(20).into_bytes(),
        b"0\r\n\r\n".to_vec(),
    ]
    .concat();
    let lines = "X: 1\r\n".repeat(10_000);
    let get = |target: &str| head(&format!("GET {target}"), "");
    for (label, request, expected) in [
        ("1 MiB and a byte", post(&vec![b'x'; 1024 * 1024 + 1]), &[413][..]),
        // Beyond what is read and thrown away the connection is closed, and the answer may be lost with it.
        ("20 MiB", post(&vec![b'x'; 20 * 1024 * 1024]), &[413, 0]),
        ("20 MiB in chunks", chunked, &[413, 0]),
        ("a target of 65,001 bytes", get(&format!("/{}", "a".repeat(65_000))), &[414]),
        ("a target of 1 MiB", get(&format!("/{}", "a".repeat(1024 * 1024))), &[414, 431, 0]),
        ("a header of 70,000 bytes", head("GET /v1/apps/secrets", &format!("X: {}\r\n", "a".repeat(70_000))), &[431]),
        ("10,000 headers", head("GET /v1/apps/secrets", &lines), &[431]),
    ] {
        target.check(label, &request, expected);
    }
    assert!(target.server.stop().success());
}

#[test]
fn bytes_that_are_no_request() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path());
    let mut random = Random::new(33);
    for _ in 0..500 {
        let length = random.below(4_000);
        let bytes: Vec<u8> = (0..length).map(|_| random.below(256).to_le_bytes()[0]).collect();
        let answer = target.exchange(&bytes);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{answer}");
    }
    target.assert_serves("random bytes");

    // A request with bytes changed at random: served, refused or cut off, never answered with our own failure.
    let request = post(b"name=b&payload=c&scope[type]=account");
    for _ in 0..500 {
        let mut mutated = request.clone();
        for _ in 0..=random.below(8) {
            let at = usize::try_from(random.below(request.len() as u64)).unwrap();
            mutated[at] = random.below(256).to_le_bytes()[0];
        }
        let answer = target.exchange(&mutated);
        assert!(!answer.starts_with("HTTP/1.1 5"), "{answer}");
    }
    target.assert_serves("mutated requests");
    assert!(target.server.stop().success());
}

#[test]
fn sockets_that_are_half_closed_slow_or_gone() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path());
    let whole = post(b"name=b&payload=c&scope[type]=account");
    for cut in (0..whole.len()).step_by(7) {
        let answer = target.exchange(&whole[..cut]);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "cut at {cut}: {answer}");
    }
    target.assert_serves("half-closed sockets");

    let mut slow = Vec::new();
    for n in 0..SLOW_CONNECTIONS {
        let mut stream = target.connect();
        stream.write_all(&whole[..=n % (whole.len() - 1)]).unwrap();
        slow.push(stream);
    }
    target.assert_serves("slow headers");
    drop(slow);

    for _ in 0..SLOW_CONNECTIONS {
        // Gone before the answer.
        target.connect().write_all(&whole).unwrap();
    }
    target.assert_serves("clients that do not wait");
    assert!(target.server.stop().success());
}
