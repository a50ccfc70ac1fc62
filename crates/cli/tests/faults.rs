//! What goes wrong on purpose: scripted faults, rate limits and the payload guard, as clients see them.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod api;
    pub(crate) mod command;
    pub(crate) mod server;
}

use std::fs::{self, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use support::api::{KEY, PLATFORM, agent, send};
use support::command::cholla;
use support::server::Server;
use ureq::Agent;
use ureq::http::{Request, Response};

const SET: &str = "/v1/apps/secrets";
const FIND: &str = "/v1/apps/secrets/find?name=a&scope[type]=account";
const FORM: &str = "name=a&payload=b&scope[type]=account";
const WITH_KEY: [(&str, &str); 1] = [("idempotency-key", "key-1")];

struct Target {
    server: Server,
    agent: Agent,
}

impl Target {
    fn start(home: &Path, flags: &[&str]) -> Self {
        let platform = home.join("platform.toml");
        fs::write(&platform, PLATFORM).unwrap();
        let flags = [&["--strict", "--platform", platform.to_str().unwrap()], flags].concat();
        Self { server: Server::start(home, &flags), agent: agent() }
    }

    /// Asks the admin listener.
    fn admin(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let admin = &self.server.ready["admin"];
        let token = admin["token"].as_str().unwrap_or_default();
        let url = format!("{}{path}", admin["url"].as_str().unwrap().trim_end_matches('/'));
        let request = Request::builder().method(method).uri(url).header("authorization", format!("Bearer {token}"));
        let mut answer = self.agent.run(request.body(body.to_owned()).unwrap()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    fn script(&self, faults: &Value) {
        let (status, left) = self.admin("POST", "/dev/faults", &json!({ "faults": faults }).to_string());
        assert_eq!(status, 200, "{left}");
    }

    /// How many faults are left.
    fn left(&self) -> usize {
        self.admin("GET", "/dev/faults", "").1["faults"].as_array().unwrap().len()
    }

    fn send(&self, path: &str, form: Option<&str>, headers: &[(&str, &str)]) -> Response<String> {
        send(&self.agent, &format!("{}{path}", self.server.http()), form, headers).unwrap()
    }

    /// The status of a find.
    fn find(&self) -> u16 {
        self.send(FIND, None, &[]).status().as_u16()
    }

    /// Sends a set on a connection of its own.
    fn begin_set(&self) -> TcpStream {
        let mut stream = TcpStream::connect(self.server.http().strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let head = format!(
            "POST {SET} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {KEY}\r\nStripe-Account: acct_cactus\r\nIdempotency-Key: key-1\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{FORM}",
            FORM.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream
    }

    /// What comes back on a connection until the server closes it.
    fn until_closed(mut stream: TcpStream) -> String {
        let mut answer = Vec::new();
        // A connection that is cut may be reset.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8(answer).unwrap()
    }
}

fn header<'a>(answer: &'a Response<String>, name: &str) -> Option<&'a str> {
    answer.headers().get(name).map(|value| value.to_str().unwrap())
}

/// Checks that `answer` is what the contract says of its status, headers and body.
fn check_refusal(answer: &Response<String>, status: u16, code: Option<&str>, retry: Option<&str>) {
    let body: Value = serde_json::from_str(answer.body()).unwrap();
    assert_eq!((answer.status().as_u16(), body["error"]["code"].as_str()), (status, code), "{body}");
    let kind = if status < 500 { "invalid_request_error" } else { "api_error" };
    assert_eq!(body["error"]["type"].as_str(), Some(kind), "{body}");
    assert_eq!(header(answer, "stripe-should-retry"), retry, "{status}");
    assert_eq!(header(answer, "stripe-rate-limited-reason").is_some(), status == 429);
    for name in ["request-id", "stripe-version", "access-control-allow-origin", "stripe-account"] {
        assert!(header(answer, name).is_some(), "{status} without {name}");
    }
}

#[test]
fn rule_6_28_and_6_30_and_6_31_and_7_5_scripted_answers_are_the_real_ones() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path(), &[]);
    for (status, code, after_post, after_get) in [
        (429, Some("rate_limit"), Some("false"), Some("false")),
        (500, None, Some("false"), None),
        (503, None, Some("true"), Some("true")),
    ] {
        target.script(&json!([{"match": {"path": SET}, "next": 2, "answer": status}]));
        let refused = target.send(SET, Some(FORM), &WITH_KEY);
        check_refusal(&refused, status, code, after_post);
        assert_eq!(header(&refused, "idempotency-key"), Some("key-1"));
        assert_eq!(header(&refused, "original-request"), header(&refused, "request-id"));
        check_refusal(&target.send(FIND, None, &[]), status, code, after_get);
        assert_eq!((target.left(), target.find()), (0, 404), "nothing was carried out");
    }
    assert_eq!(target.send(SET, Some(FORM), &WITH_KEY).status(), 200, "what was not carried out is not replayed");
    let message = target.send(SET, Some("name=a"), &[]);
    assert!(message.body().contains("Missing required param: payload."), "{}", message.body());
}

#[test]
fn faults_meet_what_they_name_whatever_the_key_is_and_no_preflight() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path(), &[]);
    let url = format!("{}{SET}", target.server.http());
    let preflight = || target.agent.run(Request::options(&url).body(()).unwrap()).unwrap().status().as_u16();
    let unknown_key = || {
        let request = Request::get(&url).header("authorization", "Bearer sk_test_unknown");
        target.agent.run(request.body(()).unwrap()).unwrap().status().as_u16()
    };
    target.script(&json!([{"match": {"path": SET}, "answer": 503}]));
    assert_eq!((preflight(), unknown_key(), unknown_key()), (204, 503, 401));
    target.script(&json!([{"match": {"account": "acct_cactus", "operation": "find"}, "answer": 503}]));
    assert_eq!((unknown_key(), target.send(SET, Some(FORM), &[]).status().as_u16()), (401, 200));
    assert_eq!((target.find(), target.find()), (503, 200));
}

#[test]
fn a_delayed_request_is_carried_out_later() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path(), &[]);
    target.script(&json!([{"match": {"method": "POST"}, "delay_ms": 60_000}]));
    let mut delayed = target.begin_set();
    while target.left() > 0 {}
    assert_eq!(target.find(), 404, "it waits, and others do not");
    delayed.set_nonblocking(true).unwrap();
    assert_eq!(delayed.read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
    target.script(&json!([{"delay_ms": 1}]));
    assert_eq!((target.send(SET, Some(FORM), &[]).status().as_u16(), target.left(), target.find()), (200, 0, 200));
}

#[test]
fn a_cut_connection_has_no_answer_and_nothing_is_carried_out() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path(), &[]);
    target.script(&json!([{"match": {"method": "POST"}, "cut": true}]));
    assert_eq!(Target::until_closed(target.begin_set()), "");
    assert_eq!((target.left(), target.find()), (0, 404));
}

// rules: 7.4
#[test]
fn a_connection_cut_in_the_body_has_half_an_answer_and_a_retry_is_safe() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path(), &[]);
    target.script(&json!([{"match": {"method": "POST"}, "cut_body": true}]));
    let half = Target::until_closed(target.begin_set());
    let (head, body) = half.split_once("\r\n\r\n").unwrap();
    let length: usize = head.split_once("content-length: ").unwrap().1.lines().next().unwrap().parse().unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body.len(), length / 2, "{body}");
    assert_eq!((target.left(), target.find()), (0, 200), "it was carried out");
    let retried = target.send(SET, Some(FORM), &WITH_KEY);
    assert_eq!((retried.status().as_u16(), header(&retried, "idempotent-replayed")), (200, Some("true")));
    assert!(retried.body().starts_with(body));
}

#[test]
fn cuts_reset_a_stream_of_http2_and_its_connection_goes_on() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path(), &[]);
    let address = target.server.http().strip_prefix("http://").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let set = async || {
            let request = hyper::Request::post(format!("http://{address}{SET}"))
                .header("authorization", format!("Bearer {KEY}"))
                .header("stripe-account", "acct_cactus")
                .header("content-type", "application/x-www-form-urlencoded");
            sender.clone().send_request(request.body(Full::<Bytes>::from(FORM)).unwrap()).await
        };
        target.script(&json!([{"cut": true}, {"cut_body": true}]));
        let cut = set().await.map(|answer| answer.status());
        assert!(cut.is_err(), "{cut:?}");
        let half = set().await.unwrap();
        assert_eq!(half.status(), 200);
        assert!(half.into_body().collect().await.is_err());
        let whole = set().await.unwrap();
        assert_eq!(whole.status(), 200);
        assert!(whole.into_body().collect().await.is_ok());
    });
}

#[test]
fn faults_are_scripted_listed_and_forgotten_with_the_admin_token() {
    let home = tempfile::tempdir().unwrap();
    let target = Target::start(home.path(), &[]);
    let fault = json!({"match": {"method": "POST"}, "next": 3, "answer": 429});
    let expected = json!({"faults": [fault]});
    assert_eq!(target.admin("POST", "/dev/faults", &expected.to_string()), (200, expected.clone()));
    assert_eq!(target.send(SET, Some(FORM), &[]).status(), 429);
    let (_, listed) = target.admin("GET", "/dev/faults", "");
    assert_eq!(listed["faults"][0]["next"], json!(2));
    assert_eq!(target.admin("DELETE", "/dev/faults", ""), (200, json!({"faults": []})));
    assert_eq!(target.send(SET, Some(FORM), &[]).status(), 200);
    target.script(&json!([fault]));
    assert_eq!((target.admin("POST", "/dev/reset", "").0, target.left()), (200, 0));
    assert_eq!(target.admin("POST", "/dev/faults", r#"{"faults": [{"answer": 418}]}"#).0, 400);
    assert_eq!(target.admin("PUT", "/dev/faults", "").0, 405);
    let url = format!("{}/dev/faults", target.server.ready["admin"]["url"].as_str().unwrap());
    assert_eq!(target.agent.run(Request::get(url).body(()).unwrap()).unwrap().status(), 401);
}

/// A production server with one request a second for each credential.
#[test]
fn rule_6_28_and_7_3_a_production_server_limits_rates_but_no_preflights() {
    let home = tempfile::tempdir().unwrap();
    let made = cholla(&["init", home.path().to_str().unwrap()], &[], b"");
    assert_eq!(made.exit, 0, "{}{}", made.stdout, made.stderr);
    let config = home.path().join("cholla.toml");
    let template = fs::read_to_string(&config).unwrap();
    let tls = template.lines().find(|line| line.starts_with("tls = ")).unwrap();
    let limited = template
        .replace(tls, "tls = \"off\"")
        .replace("# platform_file = ", "platform_file = ")
        .replace("127.0.0.1:12112", "127.0.0.1:0")
        .replace("127.0.0.1:12113", "127.0.0.1:0")
        .replace("# per_credential_per_second = 1000", "per_credential_per_second = 1")
        .replace("# per_credential_burst = 2000", "per_credential_burst = 1");
    fs::write(&config, limited).unwrap();
    let platform = home.path().join("platform.toml");
    fs::write(&platform, PLATFORM).unwrap();
    fs::set_permissions(&platform, Permissions::from_mode(0o600)).unwrap();
    let server = Server::launch(home.path(), &["serve", "--config", config.to_str().unwrap()]);
    let target = Target { server, agent: agent() };
    assert_eq!(target.send(SET, Some(FORM), &[]).status(), 200, "the first has its token");
    // Among so many, two are less than a second apart.
    let refused = (0..100).map(|_| target.send(SET, Some(FORM), &WITH_KEY)).find(|answer| answer.status() == 429);
    let refused = refused.unwrap();
    check_refusal(&refused, 429, Some("rate_limit"), Some("false"));
    assert_eq!(header(&refused, "stripe-rate-limited-reason"), Some("endpoint-rate"));
    let url = format!("{}{SET}", target.server.http());
    for _ in 0..20 {
        let preflight = target.agent.run(Request::options(&url).body(()).unwrap()).unwrap();
        assert_eq!(preflight.status(), 204);
        let unknown = Request::get(&url).header("authorization", "Bearer sk_test_unknown").body(()).unwrap();
        assert_eq!(target.agent.run(unknown).unwrap().status(), 401, "a key that nobody has is not counted");
    }
    let (_, metrics) = target.admin("GET", "/metrics", "");
    let counted = |line: &&str| line.starts_with("cholla_rate_limited_total{limit=\"credential\"} ");
    let line = metrics.as_str().unwrap().lines().find(counted).unwrap();
    assert!(!line.ends_with(" 0"), "{line}");
    assert_eq!(target.admin("POST", "/dev/faults", r#"{"faults": []}"#).0, 404, "production has no faults");
    assert!(target.server.stop().success());
}

#[test]
fn the_payload_guard_refuses_card_numbers_and_repeats_nothing() {
    let home = tempfile::tempdir().unwrap();
    let guarded = Target::start(home.path(), &["--payload-guard"]);
    let form = |payload: &str| FORM.replace("payload=b", &format!("payload={payload}"));
    for (payload, expected) in [
        ("4242424242424242", 400),
        ("card%3A+4242+4242+4242+4242%0A", 400),
        ("%7B%22pan%22%3A%223782-822463-10005%22%7D", 400),
        ("4242424242424241", 200),
        ("1704067200000", 200),
    ] {
        let answer = guarded.send(SET, Some(&form(payload)), &[]);
        assert_eq!(answer.status(), expected, "{payload}: {}", answer.body());
        if expected == 400 {
            let body: Value = serde_json::from_str(answer.body()).unwrap();
            assert_eq!(body["error"]["param"].as_str(), Some("payload"));
            assert!(!answer.body().contains("42") && !answer.body().contains("10005"), "{body}");
        }
    }
    let refused = guarded.send(SET, Some(&form("4242424242424242")), &WITH_KEY);
    assert_eq!(refused.status(), 400);
    assert_eq!(guarded.send(SET, Some(FORM), &WITH_KEY).status(), 200, "a refusal by the guard is not kept");
    assert!(guarded.server.stop().success());
    let log = fs::read_to_string(home.path().join("stderr.txt")).unwrap();
    assert!(!log.contains("4242"), "{log}");

    let home = tempfile::tempdir().unwrap();
    let unguarded = Target::start(home.path(), &[]);
    assert_eq!(unguarded.send(SET, Some(&form("4242424242424242")), &[]).status(), 200);
}
