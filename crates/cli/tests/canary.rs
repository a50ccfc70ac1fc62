//! Whatever is secret shows up nowhere: not in the data directory, not in what the server prints at its most talkative, not in
//! what the command line says about a mistake.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod api;
    pub(crate) mod command;
    pub(crate) mod server;
}

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use support::api::{KEY, PLATFORM, agent, send};
use support::command::cholla;
use support::server::Server;

/// Text that is secret, each in a place of its own.
const PAYLOAD: &str = "CanaryInThePayload";
const NAME: &str = "CanaryInTheName";
const USER: &str = "usr_CanaryInTheUser";
const IDEMPOTENCY_KEY: &str = "CanaryInTheIdempotencyKey";
/// A key that nobody declared: dev mode makes an account up for it, and says so with a masked key.
const UNKNOWN_KEY: &str = "sk_test_CanaryInTheUnknownKey1234";
/// Words that appear in none of the files: what the above have in common, and the key of the platform file.
const CANARIES: [&str; 2] = ["Canary", "TheKeyOfTheDeveloperOfTheApp"];

#[test]
fn nothing_secret_is_printed_or_stored() {
    let home = tempfile::tempdir().unwrap();
    let (platform, data) = (home.path().join("platform.toml"), home.path().join("data"));
    fs::write(&platform, PLATFORM).unwrap();
    let flags = ["--log", "trace", "--platform", platform.to_str().unwrap(), "--data", data.to_str().unwrap()];
    for _ in 0..2 {
        let server = Server::start(home.path(), &flags);
        operations(&server);
        refusals(&server);
        rubbish(&server);
        http2(&server);
        malformed_http2(&server);
        assert!(server.stop().success());
    }
    for file in ["stdout.txt", "stderr.txt"] {
        let printed = fs::read(home.path().join(file)).unwrap();
        assert!(!printed.is_empty(), "{file} is empty");
        let traced = String::from_utf8_lossy(&printed).contains("DEBUG cholla_server::service");
        assert_eq!(traced, file == "stderr.txt", "the log is as talkative as it can be");
        assert_silent(&printed, file);
    }
    assert!(search(&data) > 3, "a store, a key and a certificate were searched");
}

#[test]
fn the_command_line_repeats_nothing() {
    let canary = "CanaryOnTheCommandLine";
    let equals = format!("--api-key={canary}\u{7}");
    for args in [
        vec!["create", "--payload", "my", canary],
        vec!["create", "-d", canary],
        vec!["create", "--payload", canary, "--api-base", canary],
        vec!["create", "--payload", canary, "--api-base", "http://127.0.0.1:1"],
        vec!["create", "--payload", canary, "--name", canary, "--api-base", "http://127.0.0.1:1", "--nonsense"],
        vec!["list", equals.as_str()],
        vec!["list", "--api-base", "http://CanaryOnTheCommandLine@127.0.0.1"],
        vec!["list", "--stripe-account", "\u{7}CanaryOnTheCommandLine"],
        vec!["create", "--idempotency-key", "\u{7}CanaryOnTheCommandLine"],
    ] {
        let args = [vec!["apps", "secrets"], args].concat();
        let outcome = cholla(&args, &[("CHOLLA_API_KEY", canary)], canary.as_bytes());
        assert!(outcome.exit >= 2, "{outcome:?}");
        assert_silent((outcome.stdout + &outcome.stderr).as_bytes(), "the command line");
    }
}

/// Everything that succeeds.
fn operations(server: &Server) {
    let env = [("CHOLLA_API_BASE", server.http()), ("CHOLLA_API_KEY", KEY)];
    let common = ["--name", NAME, "--user", USER, "--stripe-account", "acct_cactus"];
    let create = ["--payload=-", "--idempotency-key", IDEMPOTENCY_KEY, "--expand", "payload"];
    let once_more = ["--payload=-", "--expires-at", "4000000000"];
    for (command, more) in [
        ("create", &create[..]),
        ("create", &create),
        ("create", &once_more),
        ("find", &["--expand", "payload"]),
        ("delete", &[]),
    ] {
        let args = [&["apps", "secrets", command][..], &common, more].concat();
        let outcome = cholla(&args, &env, PAYLOAD.as_bytes());
        assert_eq!(outcome.exit, 0, "{command}: {}", outcome.stderr);
        assert!(outcome.stdout.contains(NAME), "{command}: {}", outcome.stdout);
    }
    // Left behind for the search of the data directory.
    let create = ["apps", "secrets", "create", "--payload", PAYLOAD, "--name", "CanaryThatStays", "--scope", "account"];
    let ca_file = server.ready["api"]["ca_file"].as_str().unwrap();
    let https = [("CHOLLA_API_BASE", server.ready["api"]["https"].as_str().unwrap()), ("CHOLLA_API_KEY", UNKNOWN_KEY)];
    let outcome = cholla(&[&create[..], &["--ca-file", ca_file]].concat(), &https, b"");
    assert_eq!(outcome.exit, 0, "{}", outcome.stderr);
    let list = ["apps", "secrets", "list", "--scope", "account", "--expand", "data.payload", "--ca-file", ca_file];
    let outcome = cholla(&list, &https, b"");
    assert!(outcome.stdout.contains(PAYLOAD), "{outcome:?}");
}

/// Everything that is refused, with something secret in each place there is.
fn refusals(server: &Server) {
    let agent = agent();
    let secrets = format!("{}/v1/apps/secrets", server.http());
    for (path, form, headers, status) in [
        ("", Some("name=CanaryA&scope[type]=account"), vec![], 400),
        ("", Some("name=CanaryA&payload=CanaryB&scope[type]=CanaryC"), vec![], 400),
        ("", Some("name=CanaryA&payload[a]=CanaryB&scope[type]=account"), vec![], 400),
        ("", Some("name=CanaryA&payload=CanaryB&scope=CanaryC"), vec![], 400),
        ("", Some("name=CanaryA&payload=CanaryB&scope[type]=account&scope[user]=CanaryC"), vec![], 400),
        ("", Some("CanaryA=CanaryB&payload=CanaryC"), vec![], 400),
        ("", Some("name=CanaryA&payload=%00Canary&scope[type]=account"), vec![], 400),
        ("", Some("name=CanaryA&payload=%FFCanary&scope[type]=account"), vec![], 400),
        ("", Some("name=CanaryA&payload=%Canary&scope[type]=account"), vec![], 400),
        ("", Some("name=CanaryA&payload=CanaryB&scope[type]=account&expires_at=Canary"), vec![], 400),
        ("", Some("name=CanaryA&payload=CanaryB&scope[type]=account&expires_at=1"), vec![], 400),
        ("", Some("{\"payload\": \"Canary\"}"), vec![], 400),
        ("", Some("name=CanaryA&payload=CanaryB&scope[type]=account"), vec![("if-match", "Canary")], 400),
        ("", Some("name=CanaryA&payload=CanaryB&scope[type]=account"), vec![("if-match", "\"Canary\"")], 412),
        ("", Some("name=CanaryA&payload=CanaryB&scope[type]=account"), vec![("stripe-version", "Canary")], 400),
        ("", Some("name=CanaryA&payload=CanaryB&scope[type]=account"), vec![("stripe-context", "acct_Canary")], 400),
        (
            "",
            Some("name=CanaryA&payload=CanaryB&scope[type]=account"),
            vec![("idempotency-key", "CanaryInARefusal")],
            200,
        ),
        (
            "",
            Some("name=CanaryA&payload=CanaryX&scope[type]=account"),
            vec![("idempotency-key", "CanaryInARefusal")],
            400,
        ),
        ("/find?name=CanaryMissing&scope[type]=account", None, vec![], 404),
        ("?scope[type]=user&scope[user]=Canary&starting_after=Canary", None, vec![], 400),
        ("?scope[type]=account&expand[]=Canary", None, vec![], 400),
        ("?scope[type]=account&limit=Canary", None, vec![], 400),
        ("/delete", Some("name=CanaryMissing&scope[type]=account"), vec![], 404),
        ("/Canary?name=Canary", None, vec![], 404),
    ] {
        let answer = send(&agent, &format!("{secrets}{path}"), form, &headers).unwrap();
        assert_eq!(answer.status(), status, "{path} {form:?} {headers:?}: {}", answer.body());
    }
    for n in 0..11 {
        let form = format!("name=Canary{n}&payload={PAYLOAD}&scope[type]=user&scope[user]=usr_CanaryWithAll");
        let answer = send(&agent, &secrets, Some(&form), &[]).unwrap();
        let full = n == 10;
        assert_eq!(answer.status() == 400, full, "{n}: {}", answer.body());
    }
    let admin = server.ready["admin"]["url"].as_str().unwrap();
    for path in ["/dev/clock", "/metrics", "/Canary"] {
        let refused = ureq::get(format!("{admin}{path}?Canary")).header("authorization", "Bearer Canary").call();
        assert!(refused.is_err() || path == "/metrics", "{path}");
    }
}

/// What is no HTTP, or no credential.
fn rubbish(server: &Server) {
    let address = |url: &str| url.split_once("//").unwrap().1.to_owned();
    let http = address(server.http());
    let https = address(server.ready["api"]["https"].as_str().unwrap());
    let admin = address(server.ready["admin"]["url"].as_str().unwrap());
    let credentials =
        ["Basic CanaryInBasic", "Bearer Canary", "Basic Q2FuYXJ5", "Canary Canary", "Bearer pk_test_CanaryPublishable"];
    let with_credential = credentials
        .map(|credential| format!("GET /v1/apps/secrets HTTP/1.1\r\nHost: a\r\nAuthorization: {credential}\r\n\r\n"));
    let plain = [
        "Canary\r\n\r\n",
        "GET /Canary\r\n\r\n",
        "GET / HTTP/1.1\r\nCanary\r\n\r\n",
        "GET / HTTP/9.9\r\nAuthorization: Bearer Canary\r\n\r\n",
        "POST /v1/apps/secrets HTTP/1.1\r\nHost: a\r\nContent-Length: Canary\r\n\r\nCanary",
        "POST /v1/apps/secrets HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nCanary",
        "POST /v1/apps/secrets HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nname=Canary",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nCanaryCanaryCanaryCanary",
    ];
    for target in [&http, &https, &admin] {
        for request in with_credential.iter().map(String::as_str).chain(plain) {
            let mut stream = TcpStream::connect(target).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
            // The server may close before it has read everything, or reset what it does not understand.
            let _ = stream.write_all(request.as_bytes());
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
}

/// HTTP/2, whose frames a talkative log could show.
fn http2(server: &Server) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let authority = server.http().strip_prefix("http://").unwrap();
        let stream = tokio::net::TcpStream::connect(authority).await.unwrap();
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.unwrap();
        let connection = tokio::spawn(connection);
        let form = format!("name={NAME}&payload={PAYLOAD}&scope[type]=user&scope[user]=usr_CanaryHttp2");
        for (path, body) in [
            ("/v1/apps/secrets", form.as_str()),
            ("/v1/apps/secrets/delete", form.as_str()),
            ("/v1/apps/secrets/find?name=CanaryMissing&scope[type]=account", ""),
        ] {
            let request = hyper::Request::builder()
                .method(if body.is_empty() { "GET" } else { "POST" })
                .uri(format!("http://{authority}{path}"))
                .header("authorization", format!("Bearer {UNKNOWN_KEY}"))
                .header("idempotency-key", "CanaryOverHttp2");
            let body = Full::<hyper::body::Bytes>::from(body.to_owned());
            let answer = sender.send_request(request.body(body).unwrap()).await.unwrap();
            let answer = answer.into_body().collect().await.unwrap().to_bytes();
            assert!(!answer.is_empty(), "{path}");
        }
        drop(sender);
        connection.await.unwrap().unwrap();
    });
}

/// HTTP/2 whose header blocks are decoded and then found wrong: a library that logs them would print them as they came.
fn malformed_http2(server: &Server) {
    for (path, more) in [
        // One byte that no path has.
        ("/v1/apps/secrets/find?name=CanaryInThePath&scope[user]=usr_Canary\u{1}", &[][..]),
        ("/v1/apps/secrets?name=Canary", &[("CanaryInUpperCase", "Canary")]),
        ("/v1/apps/secrets?name=Canary", &[("connection", "Canary")]),
        ("/v1/apps/secrets?name=Canary", &[(":canary", "Canary")]),
        ("/v1/apps/secrets?name=Canary", &[("content-length", "Canary")]),
    ] {
        let pseudo = [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", path)];
        let mut block = Vec::new();
        for (name, value) in pseudo.iter().chain(more) {
            // A literal field with a literal name, never indexed (RFC 7541, 6.2.3); each length fits its seven bits.
            block.push(0x10);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                assert!(text.len() < 127, "{text}");
                block.extend_from_slice(text.as_bytes());
            }
        }
        let mut request = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
        request.extend_from_slice(&u32::try_from(block.len()).unwrap().to_be_bytes()[1..]);
        // HEADERS with END_STREAM and END_HEADERS on stream 1.
        request.extend_from_slice(&[0x01, 0x05, 0, 0, 0, 1]);
        request.extend_from_slice(&block);
        let mut stream = TcpStream::connect(server.http().strip_prefix("http://").unwrap()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        stream.write_all(&request).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(!answer.is_empty(), "the server speaks HTTP/2");
    }
}

fn assert_silent(bytes: &[u8], place: &str) {
    for canary in CANARIES {
        if let Some(at) = bytes.windows(canary.len()).position(|window| window == canary.as_bytes()) {
            let around = &bytes[at.saturating_sub(200)..bytes.len().min(at + 100)];
            panic!("{place} shows {canary}: …{}…", String::from_utf8_lossy(around));
        }
    }
}

/// Searches every file under `folder`, and gives their number.
fn search(folder: &Path) -> usize {
    let mut searched = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            searched += search(&path);
        } else {
            assert_silent(&fs::read(&path).unwrap(), &path.display().to_string());
            searched += 1;
        }
    }
    searched
}
