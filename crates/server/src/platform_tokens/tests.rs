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
use crate::testing::Server;

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
        tokens.credential(&token, &server.api.keeper.read(), now).is_ok()
    };
    assert_eq!((known(&signer.key), known(&next)), (true, false));
    signer.publish(&next);
    tokens.reload();
    assert_eq!((known(&signer.key), known(&next)), (false, true));
    for torn in ["", "{}", "{\"keys\": [{\"kty\": \"oct\", \"k\": \"c2VjcmV0\"}]}"] {
        std::fs::write(signer.file(), torn).unwrap();
        tokens.reload();
        assert_eq!((known(&signer.key), known(&next)), (false, true), "{torn}");
    }
    let opened =
        |file: PathBuf| PlatformTokens::open(String::new(), String::new(), file).err().map(|error| error.to_string());
    assert!(opened(signer.file()).unwrap().contains("is no JWK set that can be used"));
    assert!(opened("/nonexistent/jwks.json".into()).unwrap().contains("give the path of a JWK set"));
}
