//! Embedded keys that a platform has signed: who they are, and until when.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::*;
use crate::authenticate::authenticate;
use crate::testing::{Events, Server};

const FILE: &str = r#"
    accounts = [{ id = "acct_m" }, { id = "acct_idle" }, { id = "acct_dev" }]
    apps = [{ id = "com.example.a", owner = "acct_dev", permissions = [{ permission = "secret_write" }],
        app_id = "app_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", client_id = "ca_cccccccccccccccccccccccccccccccc" }]
    installs = [{ app = "com.example.a", account = "acct_m" }]
"#;

/// A platform with one key.
struct Signer {
    key: EcdsaKeyPair,
    home: tempfile::TempDir,
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

impl Signer {
    fn new() -> Self {
        let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let signer = Self { key, home: tempfile::tempdir().unwrap() };
        signer.publish(&signer.key);
        signer
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("jwks.json")
    }

    fn publish(&self, key: &EcdsaKeyPair) {
        let (x, y) = key.public_key().as_ref()[1..].split_at(32);
        let jwk = json!({"kty": "EC", "crv": "P-256", "kid": "1", "x": encoded(x), "y": encoded(y)});
        std::fs::write(self.file(), json!({"keys": [jwk]}).to_string()).unwrap();
    }

    fn tokens(&self) -> PlatformTokens {
        PlatformTokens::open("https://p.example".to_owned(), "cholla".to_owned(), self.file()).unwrap()
    }

    /// A token of test mode for a user of the app on `acct_m` that lives five minutes from `now`, with other claims in their place.
    fn token(&self, now: Timestamp, others: &Value) -> String {
        sign(&self.key, now, others)
    }
}

fn sign(key: &EcdsaKeyPair, now: Timestamp, others: &Value) -> String {
    let now = now.as_unix();
    let mut claims = json!({
        "iss": "https://p.example", "aud": "cholla", "sub": "usr_1", "app": "com.example.a", "account": "acct_m",
        "mode": "test", "iat": now, "exp": now + 300,
    });
    for (name, value) in others.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let header = encoded(br#"{"alg":"ES256","kid":"1","typ":"JWT"}"#);
    let message = format!("{header}.{}", encoded(claims.to_string().as_bytes()));
    let signature = key.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
    format!("{message}.{}", encoded(signature.as_ref()))
}

async fn server(signer: &Signer) -> Server {
    let tokens = signer.tokens();
    Server::start(FILE, |settings| settings.platform_tokens = Some(tokens)).await
}

/// Who a token is at `at`, or the refusal.
fn check(server: &Server, token: &str, named: Option<&'static str>, at: Timestamp, expected: &str) {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {token}")).unwrap());
    if let Some(named) = named {
        headers.insert("stripe-account", HeaderValue::from_static(named));
    }
    let actual = match authenticate(&server.api, &headers, at) {
        Err(error) => format!("{} {}", error.status(), error.code().unwrap_or("-")),
        Ok(caller) => {
            let principal = caller.principal;
            let place = &principal.namespace;
            let app = principal.app.as_ref().map_or("-", AppId::as_str);
            format!(
                "{:?} {:?} {} {app} {:?} {}",
                place.developer,
                place.account,
                place.livemode.as_str(),
                principal.reach,
                principal.permissions.write
            )
        }
    };
    assert_eq!(actual, expected);
}

fn extension() -> String {
    use cholla_domain::id::UserId;
    use cholla_domain::principal::Reach;
    format!("acct_dev acct_m test com.example.a {:?} true", Reach::Extension(UserId::new("usr_1")))
}

#[tokio::test]
async fn rule_5_5_a_signed_token_is_an_embedded_key() {
    let signer = Signer::new();
    let server = server(&signer).await;
    let now = server.api.now();
    for app in ["com.example.a", "app_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "ca_cccccccccccccccccccccccccccccccc"] {
        let token = signer.token(now, &json!({"app": app}));
        check(&server, &token, None, now, &extension());
        check(&server, &token, Some("acct_m"), now, &extension());
        check(&server, &token, Some("acct_idle"), now, "403 account_invalid");
    }
    let user = server
        .ask_as(
            &signer.token(now, &json!({})),
            "POST /v1/apps/secrets",
            "name=n&payload=p&scope[type]=user&scope[user]=usr_1",
        )
        .await;
    assert_eq!((user.status, user.json()["scope"]["user"].as_str()), (200, Some("usr_1")), "{user:?}");
    let other = "name=n&payload=p&scope[type]=user&scope[user]=usr_2";
    let other = server.ask_as(&signer.token(now, &json!({})), "POST /v1/apps/secrets", other).await;
    assert_eq!(other.status, 403, "{other:?}");
}

#[tokio::test]
async fn rule_6_2_and_6_3_tokens_that_are_none() {
    let signer = Signer::new();
    let server = server(&signer).await;
    let now = server.api.now();
    let token = signer.token(now, &json!({}));
    check(&server, &token, None, now.plus(299), &extension());
    check(&server, &token, None, now.plus(300), "401 api_key_expired");
    for others in [
        json!({"aud": "another"}),
        json!({"iss": "https://q.example"}),
        json!({"mode": "prod"}),
        json!({"sub": ""}),
        json!({"exp": now.as_unix() + 10_000_000}),
        json!({"nbf": now.as_unix() + 3_600}),
        json!({"app": null}),
    ] {
        check(&server, &signer.token(now, &others), None, now, "401 -");
    }
    let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    check(&server, &sign(&other, now, &json!({})), None, now, "401 -");
    let unsigned = token.rsplit_once('.').unwrap().0;
    for text in [format!("{unsigned}."), unsigned.to_owned(), "a.b.c".to_owned(), "ek_test_1".to_owned()] {
        check(&server, &text, None, now, "401 -");
    }
    let without = Server::dev(FILE).await;
    check(&without, &token, None, now, "401 -");
}

/// Whoever runs the server sees what its bearer is not told; no value is shown.
#[tokio::test]
async fn the_log_says_why_a_token_is_refused() {
    let signer = Signer::new();
    let server = server(&signer).await;
    let now = server.api.now();
    let ahead = |seconds| now.as_unix() + seconds;
    let other = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    for (token, at, reason) in [
        (signer.token(now, &json!({"iss": "https://q.example"})), now, "another issuer"),
        (signer.token(now, &json!({"aud": "another"})), now, "for another audience"),
        (signer.token(now, &json!({"sub": 5})), now, "a claim is missing, malformed or there twice"),
        (signer.token(now, &json!({"nbf": ahead(3_600)})), now, "not yet valid"),
        (signer.token(now, &json!({"exp": ahead(3_601)})), now, "lives longer than 3600 seconds"),
        (signer.token(now, &json!({})), now.plus(300), "expired"),
        (sign(&other, now, &json!({})), now, "the signature does not verify"),
        ("a.b.c".to_owned(), now, "not a signed token of this type"),
    ] {
        let events = Events::default();
        let seen = tracing::subscriber::set_default(events.clone());
        let key = PresentedKey::of(token.as_bytes());
        let tokens = server.api.platform_tokens.as_ref().unwrap();
        assert!(tokens.verify(&key, at).is_err(), "{reason}");
        drop(seen);
        let expected = format!("DEBUG message=a token that a platform signed is refused reason={reason}");
        assert_eq!(events.lines(), [expected]);
    }
}

#[tokio::test]
async fn rule_15_3_a_session_is_no_developers_key() {
    let signer = Signer::new();
    let server = server(&signer).await;
    let now = server.api.now();
    let (token, late) = (signer.token(now, &json!({})), signer.token(now.plus(-301), &json!({})));
    let unsigned = token.rsplit_once('.').unwrap().0;
    for (key, expected) in [
        (&*token, "403 more_permissions_required"),
        (&*late, "401 api_key_expired"),
        (unsigned, "401 invalid_request_error"),
    ] {
        for path in ["/v1/oauth/token", "/oauth/token", "/v1/oauth/deauthorize", "/oauth/deauthorize"] {
            let by_header = server.ask_as(key, &format!("POST {path}"), "code=c").await;
            let by_body = server.ask(&format!("POST {path}"), &[], &format!("client_secret={key}")).await;
            assert_eq!([by_header.outcome(), by_body.outcome()], [expected, expected], "{path}");
            assert!(!by_header.body.contains(key));
        }
    }
}

/// A key without state is judged by whether the app is installed now.
#[tokio::test]
async fn rule_14_4_and_6_24_an_app_that_is_not_installed() {
    let signer = Signer::new();
    let server = server(&signer).await;
    let now = server.api.now();
    for others in [json!({"app": "com.example.none"}), json!({"account": "acct_idle"}), json!({"mode": "live"})] {
        check(&server, &signer.token(now, &others), None, now, "403 account_invalid");
    }
    let token = signer.token(now, &json!({}));
    check(&server, &token, None, now, &extension());
    let keeper = &server.api.keeper;
    let ended = keeper.decide(keeper.unasked(), |ctx| {
        let install = ctx.directory.installs().next().unwrap();
        let change =
            cholla_domain::installs::end_install(ctx, cholla_domain::installs::Actor::Operator("test"), install);
        cholla_domain::directory::decision::Decision { change, outcome: () }
    });
    ended.await.unwrap();
    check(&server, &token, None, now, "403 account_invalid");
}

/// The keys are read again while the server runs; a file that cannot be read leaves the old ones in force.
#[tokio::test]
async fn keys_are_read_again() {
    let signer = Signer::new();
    let (tokens, server) = (signer.tokens(), Server::dev(FILE).await);
    let now = server.api.now();
    let next = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let known = |key: &EcdsaKeyPair| {
        let token = PresentedKey::of(sign(key, now, &json!({})).as_bytes());
        tokens.verify(&token, now).is_ok()
    };
    assert_eq!((known(&signer.key), known(&next)), (true, false));
    signer.publish(&next);
    tokens.reload();
    assert_eq!((known(&signer.key), known(&next)), (false, true));
    // Whoever withdraws a stolen key relies on it, however it is done. What is read half-written is put right by the next look.
    for (withdrawn, trusted, is_readable) in [
        (Some("{\"keys\": []}"), 0, true),
        (Some(""), 0, false),
        (Some("{}"), 0, false),
        (Some("{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}]}"), 0, false),
        (None, 0, false),
    ] {
        match withdrawn {
            Some(text) => std::fs::write(signer.file(), text).unwrap(),
            None => std::fs::remove_file(signer.file()).unwrap(),
        }
        tokens.reload();
        assert_eq!((known(&signer.key), known(&next)), (false, false), "{withdrawn:?}");
        assert_eq!(tokens.standing(), (trusted, is_readable), "{withdrawn:?}");
        signer.publish(&next);
        tokens.reload();
        assert_eq!((known(&next), tokens.standing()), (true, (1, true)), "after {withdrawn:?}");
    }
    std::fs::write(signer.file(), "{\"keys\": []}").unwrap();
    assert_eq!(signer.tokens().standing(), (0, true), "a server whose keys are all withdrawn starts");
    std::fs::write(signer.file(), "{}").unwrap();
    let opened =
        |file: PathBuf| PlatformTokens::open(String::new(), String::new(), file).err().map(|error| error.to_string());
    assert!(opened(signer.file()).unwrap().contains("is no JWK set that can be used"));
    assert!(opened("/nonexistent/jwks.json".into()).unwrap().contains("give the path of a JWK set"));
}

/// Whatever else the server is busy with.
#[tokio::test(start_paused = true)]
async fn the_file_is_looked_at_all_the_time() {
    let signer = Signer::new();
    let server = server(&signer).await;
    let stop = watch::Sender::new(false);
    let watching = tokio::spawn(super::watch(Arc::clone(&server.api), stop.subscribe()));
    let metrics = &server.api.metrics;
    let withdraw = || std::fs::write(signer.file(), "{\"keys\": []}").unwrap();
    for (change, trusted) in [(&withdraw as &dyn Fn(), 0), (&|| signer.publish(&signer.key), 1), (&withdraw, 0)] {
        change();
        let looks = tokio::time::Instant::now() + 2 * INTERVAL;
        while metrics.platform_keys.get() != trusted {
            assert!(tokio::time::Instant::now() < looks, "{trusted}");
            tokio::time::sleep(INTERVAL / 5).await;
        }
        assert_eq!(metrics.platform_keys_unreadable.get(), 0);
    }
    stop.send_replace(true);
    watching.await.unwrap();
}

/// What was signed before the offboarding, as far as the platform's clock may be ahead, or does not say when it was signed.
#[tokio::test]
async fn rule_14_8_tokens_of_an_offboarded_user_are_revoked() {
    let signer = Signer::new();
    let server = server(&signer).await;
    let now = server.api.now();
    let token = |others: Value| signer.token(now, &others);
    let at = |seconds: i64| now.as_unix() + seconds;
    check(&server, &token(json!({})), None, now, &extension());
    let keeper = &server.api.keeper;
    let mut asked = keeper.unasked();
    asked.now = now;
    let offboarded = keeper.decide(asked, |ctx| {
        use cholla_domain::id::{AccountId, UserId};
        let (account, user) = (AccountId::new("acct_m"), UserId::new("usr_1"));
        let decided = cholla_domain::operator::offboard_user(ctx, "test", &account, &user).unwrap();
        cholla_domain::directory::decision::Decision { change: decided.change, outcome: () }
    });
    offboarded.await.unwrap();
    for (iat, expected) in [(at(-3_000), "401 -"), (at(0), "401 -"), (at(60), "401 -"), (at(61), &extension())] {
        check(&server, &token(json!({"iat": iat, "exp": at(300)})), None, now.plus(61), expected);
    }
    // Hours later, too: nobody knows how old it is.
    for later in [0, 60, 86_400] {
        let token = token(json!({"iat": null, "exp": at(later + 300)}));
        check(&server, &token, None, now.plus(later), "401 -");
    }
    let expired = token(json!({"iat": at(-600), "exp": at(-300)}));
    check(&server, &expired, None, now, "401 api_key_expired");
    for others in [json!({"sub": "usr_2"}), json!({"sub": "usr_2", "iat": null})] {
        check(&server, &token(others), None, now, &extension().replace("usr_1", "usr_2"));
    }
}
