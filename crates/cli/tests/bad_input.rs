//! Whatever arrives, the answer is a clear error or a closed connection, memory stays bounded, and the next request is served.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod api;
    pub(crate) mod random;
    pub(crate) mod server;
}

use std::convert::Infallible;
use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use support::api::{KEY, PLATFORM, agent, send};
use support::random::Random;
use support::server::Server;

/// Memory that the server may take at most over everything here. Measured: about 20 MiB.
const RESIDENT_KIB_MAX: u64 = 64 * 1024;
/// Connections that stay in the middle of their headers while others are served.
const SLOW_CONNECTIONS: usize = 200;
/// HTTP/2 connections that are full of requests that never end.
const FULL_CONNECTIONS: usize = 16;

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

#[test]
fn rule_6_29_too_many_header_lines_are_refused_with_our_error_object() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path());
    // Those that every request here has.
    let others = String::from_utf8(head("GET /", "")).unwrap().lines().count() - 2;
    for (lines, expected) in [(96, "200"), (97, "431"), (100, "431")] {
        let more = "X: 1\r\n".repeat(lines - others);
        let mut stream = target.connect();
        stream.write_all(&head("GET /v1/apps/secrets/find?name=a&scope[type]=account", &more)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{lines} lines: {answer}");
        assert_eq!(body["error"].is_object(), expected == "431", "{lines} lines: {body}");
    }
    assert!(target.server.stop().success());
}

/// A second key of the developer, which ends three hours after the start.
const EXPIRING_KEY: &str = "sk_test_TheOtherKeyOfTheDeveloper123";

/// Requests whose head comes before, and whose end after, something has expired.
#[test]
fn rule_4_4_and_6_3_what_expires_while_a_request_comes_in_has_expired() {
    let home = tempfile::tempdir().unwrap();
    let platform = home.path().join("platform.toml");
    let key = format!(
        "[[keys]]\nkind = \"secret\"\naccount = \"acct_dev\"\nvalue = \"{EXPIRING_KEY}\"\nexpires_in = \"3h\"\n"
    );
    fs::write(&platform, format!("{PLATFORM}\n{key}")).unwrap();
    let server = Server::start(home.path(), &["--strict", "--platform", platform.to_str().unwrap()]);
    let admin = server.ready["admin"]["url"].as_str().unwrap();
    let token = server.ready["admin"]["token"].as_str().unwrap();
    let clock = |body: &str| {
        let url = format!("{admin}/dev/clock");
        let request = ureq::post(url).header("authorization", format!("Bearer {token}"));
        let now: Value =
            serde_json::from_str(&request.send(body).unwrap().body_mut().read_to_string().unwrap()).unwrap();
        now["now"].as_i64().unwrap()
    };
    let now = clock(r#"{"advance": "1s"}"#);
    for (name, expires_at) in [("lasting", String::new()), ("ending", format!("&expires_at={}", now + 3_600))] {
        let form = format!("name={name}&payload=b&scope[type]=account{expires_at}");
        let set = send(&agent(), &format!("{}/v1/apps/secrets", server.http()), Some(&form), &[]).unwrap();
        assert_eq!(set.status(), 200, "{}", set.body());
    }
    for (key, name, advance, expected) in [
        (KEY, "ending", "1s", 200),
        (KEY, "ending", "1h", 404),
        (EXPIRING_KEY, "lasting", "1h", 200),
        (EXPIRING_KEY, "lasting", "1h", 401),
    ] {
        let mut stream = TcpStream::connect(server.http().strip_prefix("http://").unwrap()).unwrap();
        let head = format!(
            "GET /v1/apps/secrets/find?name={name}&scope[type]=account HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\
             Authorization: Bearer {key}\r\nStripe-Account: acct_cactus\r\nTransfer-Encoding: chunked\r\n\
             Expect: 100-continue\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        // Once the server asks for the body it has judged the head.
        let mut begun = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
        stream.read_exact(&mut begun).unwrap();
        assert_eq!(&begun, b"HTTP/1.1 100 Continue\r\n\r\n");
        clock(&format!(r#"{{"advance": "{advance}"}}"#));
        stream.write_all(b"0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{name}, {advance} later: {answer}");
    }
    assert!(server.stop().success());
}

/// The body of a request that never ends.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// Nobody is known by these requests: each is answered at once, and its head, as long as one may be, does not stay.
#[test]
fn http2_requests_that_never_end_take_no_memory() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut open, mut answers) = (Vec::new(), tokio::task::JoinSet::new());
        for _ in 0..FULL_CONNECTIONS {
            let stream = tokio::net::TcpStream::connect(&target.address).await.unwrap();
            let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
            let (mut sender, connection) = handshake.await.unwrap();
            tokio::spawn(connection);
            for _ in 0..32 {
                let request = hyper::Request::post(format!("http://a/{}", "p".repeat(60_000)));
                let request = request.header("x-long", "x".repeat(60_000)).body(Endless).unwrap();
                answers.spawn(sender.send_request(request));
            }
            open.push(sender);
        }
        while let Some(answer) = answers.join_next().await {
            let answer = answer.unwrap().unwrap();
            assert_eq!(answer.status(), 401);
            let answer = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(answer.starts_with(b"{\n  \"error\""), "{answer:?}");
        }
        target.assert_serves("endless requests over HTTP/2");
    });
    drop(runtime);
    assert!(target.server.stop().success());
}

/// A stranger sends the head of a request to the admin listener and keeps the body back.
#[test]
fn the_admin_listener_judges_the_token_before_it_reads() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path());
    let address = target.server.ready["admin"]["url"].as_str().unwrap().strip_prefix("http://").unwrap();
    for token in ["", "Authorization: Bearer wrong\r\n"] {
        let mut stream = TcpStream::connect(address).unwrap();
        let head =
            format!("POST /dev/reset HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 9\r\n{token}\r\n");
        stream.write_all(head.as_bytes()).unwrap();
        let mut answer = [0; "HTTP/1.1 401".len()];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401", "{token}");
    }
    target.assert_serves("strangers at the admin listener");
    assert!(target.server.stop().success());
}
