//! Whatever is secret shows up nowhere: not in the data directory, not in what the server prints at its most talkative, not in
//! what the command line says about a mistake.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod api;
    pub(crate) mod command;
    pub(crate) mod receiver;
    pub(crate) mod server;
    pub(crate) mod world;
}

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::{Value, json};
use sha2::Digest;
use support::api::{KEY, PLATFORM, agent, send};
use support::command::cholla;
use support::receiver::Receiver;
use support::server::Server;

use support::world::{Client, DEVELOPER, KEYS_APP, OAUTH_APP, platform, text};

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

/// What a platform file may declare, with something secret in each place.
const DECLARED: &str = r#"
[[accounts]]
id = "acct_shop"
connected_to = ["acct_dev"]
users = ["usr_CanaryDeclared"]

[[apps]]
id = "com.example.signs"
owner = "acct_dev"
permissions = [{ permission = "secret_write", purpose = "Stores" }]
redirect_uris = ["https://app.example/signed"]
signing_secret = "absec_CanaryOfTheSigningSecret"

[[installs]]
app = "com.example.signs"
account = "acct_shop"

[[keys]]
kind = "restricted"
app = "com.example.keys"
account = "acct_shop"
value = "rk_test_CanaryOfTheRestrictedKey"

[[keys]]
kind = "oauth"
app = "com.example.oauth"
account = "acct_shop"
value = "rk_test_CanaryOfTheAccessToken"

[[keys]]
kind = "embedded"
app = "com.example.signs"
account = "acct_shop"
user = "usr_whom_the_terminal_shows"
value = "ek_test_CanaryOfTheEmbeddedKey"
expires_in = "15m"

[[keys]]
kind = "restricted"
account = "acct_shop"
permissions = ["app_install_write"]
value = "rk_test_CanaryOfTheAccountsOwnKey"

[[webhooks]]
account = "acct_dev"
connect = true
secret = "whsec_CanaryOfTheEndpointOfTheDeveloper"
"#;

#[test]
fn rule_15_15_and_17_7_nothing_secret_of_the_platform_is_shown_anywhere() {
    let home = tempfile::tempdir().unwrap();
    let (file, data) = (home.path().join("platform.toml"), home.path().join("data"));
    let receiver = Receiver::start(|_, _| Some(200));
    fs::write(&file, format!("{}{DECLARED}url = \"{}\"\n", platform(1), receiver.url)).unwrap();
    let flags = ["--strict", "--log", "trace", "--platform", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let mut drawn = Vec::new();
    for round in 0..2 {
        let server = Server::start(home.path(), &flags);
        let client = Client::of_dev(&server);
        drawn.push(text(&server.ready["admin"], "token"));
        let (mut own, shown) = everything(&client, &receiver.url, round);
        let refused = mistakes(&client, &own);
        drawn.append(&mut own);
        let metrics = ureq::get(format!("{}/metrics", text(&server.ready["admin"], "url"))).call().unwrap();
        let metrics = metrics.into_body().read_to_string().unwrap();
        let listed =
            ["/v1/audit", "/v1/keys", "/v1/tokens", "/v1/webhooks", "/v1/apps", "/v1/deliveries", "/v1/erasures"];
        let listed = listed.map(|path| client.admin(&format!("{path}?limit=100"), None).unwrap().ok().to_string());
        let quiet = [vec![metrics], shown, refused, listed.to_vec()].concat();
        for (number, text) in quiet.iter().enumerate() {
            assert_unseen(text.as_bytes(), &drawn, &format!("answer {number}"));
        }
        while !receiver.delivered().iter().any(|own| own.body.contains("\"cholla.secret.set\"")) {
            std::thread::yield_now();
        }
        assert!(server.stop().success());
    }
    let delivered = receiver.delivered();
    assert!(delivered.len() > 8, "{} deliveries", delivered.len());
    for own in &delivered {
        assert!(own.signature.starts_with("t="));
        assert_silent(own.body.as_bytes(), "a webhook");
        assert_unseen(own.body.as_bytes(), &drawn, "a webhook");
    }
    let printed = fs::read(home.path().join("stderr.txt")).unwrap();
    assert!(String::from_utf8_lossy(&printed).contains("DEBUG cholla_server::service"), "the log is talkative");
    assert_silent(&printed, "stderr.txt");
    assert_unseen(&printed, &drawn, "stderr.txt");
    let printed = fs::read(home.path().join("stdout.txt")).unwrap();
    assert_silent(&printed, "stdout.txt");
    // The token of the admin listener is for the terminal.
    let unprinted: Vec<_> = drawn.iter().filter(|value| **value != drawn[0]).cloned().collect();
    assert_unseen(&printed, &unprinted, "stdout.txt");
    assert!(search(&data) > 3, "a store, a key and a certificate were searched");
    assert!(every(&data, &|bytes, name| assert_unseen(bytes, &drawn, name)) > 3);
}

/// Uses everything that draws something secret. Answers what was drawn, and answers that show nothing of it.
fn everything(client: &Client, url: &str, round: u64) -> (Vec<String>, Vec<String>) {
    let (mut drawn, mut shown) = (Vec::new(), Vec::new());
    let developer = (DEVELOPER, "acct_shop");
    let admin = |path: &str, body: Value| client.admin(path, Some(&body)).unwrap().ok();
    let operators = admin("/v1/webhooks", json!({"url": url}));
    drawn.push(text(&operators, "secret"));
    let given = json!({"url": url, "account": "acct_shop", "secret": "whsec_CanaryOfAnotherEndpointOfIt"});
    let given = admin("/v1/webhooks", given);
    for endpoint in [&operators, &given] {
        drawn.push(text(
            &admin(&format!("/v1/webhooks/{}/roll", text(endpoint, "id")), json!({"overlap": "1h"})),
            "secret",
        ));
    }

    let (created, access) = grant(client, round, &mut drawn);
    let keyed = client.install(developer, KEYS_APP);
    let keys = format!("/v1/installs/{}/keys", text(&keyed, "id"));
    drawn.extend([text(&admin(&keys, json!({})), "key"), text(&admin(&keys, json!({"overlap": "1h"})), "key")]);
    let own = admin("/v1/keys", json!({"kind": "secret", "account": "acct_0"}));
    let rolled = admin(&format!("/v1/keys/{}/roll", text(&own, "id")), json!({}));
    let auditor = admin("/v1/tokens", json!({"role": "auditor"}));
    drawn.extend([text(&own, "value"), text(&rolled, "value"), text(&auditor, "value")]);
    shown.push(admin(&format!("/v1/tokens/{}/revoke", text(&auditor, "id")), json!({})).to_string());
    let session = json!({"app": "com.example.signs", "account": "acct_shop", "user": "usr_CanaryInASession"});
    let session = text(&admin("/v1/sessions", session), "key");
    drawn.push(text(&admin("/v1/apps/com.example.signs/signing_secret/roll", json!({})), "signing_secret"));

    consents(client, &mut drawn);
    let secrets = "/v1/apps/secrets";
    for key in [&access, &session, "rk_test_CanaryOfTheAccessToken", "ek_test_CanaryOfTheEmbeddedKey"] {
        let scope = match key {
            _ if *key == session => "scope[type]=user&scope[user]=usr_CanaryInASession",
            _ if key.starts_with("ek_") => "scope[type]=user&scope[user]=usr_whom_the_terminal_shows",
            _ => "scope[type]=user&scope[user]=usr_CanaryOfABackend",
        };
        let set = format!("name=CanaryOfAName&payload={PAYLOAD}&{scope}");
        client.call((key, ""), secrets, Some(&set)).ok();
        client.call((key, ""), &format!("{secrets}/find?name=CanaryOfAName&{scope}&expand[]=payload"), None).ok();
    }
    client.admin("/v1/inventory?account=acct_shop", None).unwrap().ok();
    admin("/v1/accounts/acct_shop/users", json!({"id": "usr_CanaryListed"}));
    admin("/v1/accounts/acct_shop/users/offboard", json!({"user": "usr_CanaryOfABackend"}));
    for query in ["state=CanaryOfTheState", "state=CanaryOfTheState&redirect_uri=https://canary.example/Canary"] {
        let link = format!("{}/apps/install/link/com.example.signs?{query}", client.base);
        let page = agent().get(link).call().unwrap();
        assert!(matches!(page.status().as_u16(), 200 | 400));
    }
    for install in [&created, &keyed] {
        shown.push(client.uninstall(developer, &text(install, "id")).ok().to_string());
    }
    drawn.push(session);
    (drawn, shown)
}

/// The way of an OAuth app from its install to a pair that was refreshed. Answers the install and the access token.
fn grant(client: &Client, round: u64, drawn: &mut Vec<String>) -> (Value, String) {
    let developer = (DEVELOPER, "acct_shop");
    let token = |form: &str| {
        client.send((DEVELOPER, ""), "/v1/oauth/token", Some(form), &format!("CanaryOfTheToken{round}")).unwrap()
    };
    let verifier = "CanaryOfTheVerifier-CanaryOfTheVerifier-CanaryOfTheVerifier";
    let challenge = base64url(&sha2::Sha256::digest(verifier));
    let form = format!("app={OAUTH_APP}&code_challenge={challenge}&code_challenge_method=S256");
    let created = client.send(developer, "/v1/apps/installs", Some(&form), &format!("install-{round}")).unwrap().ok();
    let code = text(&created, "auth_code");
    let exchanged = token(&format!("grant_type=authorization_code&code={code}&code_verifier={verifier}")).ok();
    let refreshed = client.call(
        (DEVELOPER, ""),
        "/oauth/token",
        Some(&format!("grant_type=refresh_token&refresh_token={}", text(&exchanged, "refresh_token"))),
    );
    let refreshed = refreshed.ok();
    drawn.push(code);
    for pair in [&exchanged, &refreshed] {
        drawn.extend([text(pair, "access_token"), text(pair, "refresh_token")]);
    }
    (created, text(&refreshed, "access_token"))
}

/// Every decision of a person, for an app with codes and for one with signatures.
fn consents(client: &Client, drawn: &mut Vec<String>) {
    let admin = |path: &str, body: Value| client.admin(path, Some(&body)).unwrap().ok();
    let consent = |app: &str, decision: &str| {
        admin(
            "/v1/authorizations",
            json!({"app": app, "account": "acct_0", "user": "usr_CanaryWhoConsents", "state": "CanaryOfTheState",
                "decision": decision}),
        )
    };
    for decision in ["preview", "deny", "allow"] {
        let allowed = consent(OAUTH_APP, decision);
        let code = allowed["redirect_to"].as_str().and_then(|to| to.split("code=").nth(1));
        drawn.extend(code.map(|code| code.split('&').next().unwrap().to_owned()));
        let signed = consent("com.example.signs", decision);
        let signature = signed["redirect_to"].as_str().and_then(|to| to.split("v1%3D").nth(1));
        drawn.extend(signature.map(|signature| signature.split('&').next().unwrap().to_owned()));
    }
}

/// Everything that is refused, with something secret in each place there is. Answers what was said about it.
fn mistakes(client: &Client, drawn: &[String]) -> Vec<String> {
    let mut said = Vec::new();
    let values: Vec<&str> =
        drawn.iter().map(String::as_str).chain(["ac_Canary", "rt_Canary", "rk_test_CanaryX"]).collect();
    for value in values {
        for form in [
            format!("grant_type=authorization_code&code={value}"),
            format!("grant_type=authorization_code&code={value}&code_verifier={value}"),
            format!("grant_type=authorization_code&code={value}&redirect_uri={value}&client_id={value}"),
            format!("grant_type=refresh_token&refresh_token={value}&scope={value}"),
            format!("grant_type=refresh_token&refresh_token={value}"),
            format!("grant_type=refresh_token&refresh_token={value}&client_secret={value}"),
            format!("grant_type={value}"),
            format!("code={value}&code={value}"),
        ] {
            said.push(client.call((DEVELOPER, ""), "/v1/oauth/token", Some(&form)).body.to_string());
        }
        said.push(client.call((value, ""), "/v1/oauth/token", Some("grant_type=refresh_token")).body.to_string());
        said.push(client.call((value, "acct_shop"), "/v1/apps/installs", None).body.to_string());
        said.push(client.call((value, "acct_other"), "/v1/apps/secrets?scope[type]=account", None).body.to_string());
        let challenge = format!("app={OAUTH_APP}&code_challenge={value}&code_challenge_method=plain");
        said.push(client.call((DEVELOPER, "acct_0"), "/v1/apps/installs", Some(&challenge)).body.to_string());
        for (path, body) in [
            ("/v1/keys", json!({"kind": "secret", "account": "acct_0", "value": format!("no_{value}")})),
            ("/v1/webhooks", json!({"url": "https://app.example", "secret": format!("no_{value}")})),
            ("/v1/sessions", json!({"app": "com.example.signs", "account": "acct_0", "user": value, "mode": "live"})),
            (
                "/v1/authorizations",
                json!({"app": "com.example.no", "account": "acct_0", "user": value, "state": value,
                "decision": "allow"}),
            ),
        ] {
            let refused = client.admin(path, Some(&body)).unwrap();
            assert!(refused.status >= 400, "{path}: {}", refused.body);
            said.push(refused.body.to_string());
        }
    }
    said
}

fn base64url(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let word = three.iter().fold(0_usize, |word, byte| word << 8 | usize::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(DIGITS[word >> (18 - 6 * place) & 63]));
        }
    }
    text
}

/// What was drawn is nowhere in `bytes`.
fn assert_unseen(bytes: &[u8], drawn: &[String], place: &str) {
    // What is drawn is ASCII, which this leaves as it is.
    let text = String::from_utf8_lossy(bytes);
    for value in drawn {
        assert!(value.len() >= 16, "{value}");
        assert!(!text.contains(value), "{place} shows {}…", &value[..8]);
    }
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
    every(folder, &assert_silent)
}

/// Looks into every file under `folder`, and gives their number.
fn every(folder: &Path, look: &dyn Fn(&[u8], &str)) -> usize {
    let mut searched = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            searched += every(&path, look);
        } else {
            look(&fs::read(&path).unwrap(), &path.display().to_string());
            searched += 1;
        }
    }
    searched
}
