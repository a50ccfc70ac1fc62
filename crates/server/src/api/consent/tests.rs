//! Links, the bare page and OAuth over HTTP, as dev mode serves them.

use cholla_domain::directory::credential::CredentialKey;
use cholla_wire::form;
use serde_json::Value;

use super::*;
use crate::testing::{Answer, Server};

const FILE: &str = r#"
    accounts = [{ id = "acct_m" }, { id = "acct_dev" }, { id = "acct_other" }]
    [[apps]]
    id = "com.example.oauth"
    owner = "acct_dev"
    api_access = "oauth"
    client_id = "ca_oooooooooooooooooooooooooooooooo"
    name = "<b>App</b> & \"Co\""
    permissions = [{ permission = "secret_write", purpose = "Stores <keys>" }]
    redirect_uris = ["https://a.example/cb?k=v", "http://localhost:3000/cb"]
    [[apps]]
    id = "com.example.signed"
    owner = "acct_other"
    signing_secret = "absec_signs"
    client_id = "ca_ssssssssssssssssssssssssssssssss"
    permissions = [{ permission = "secret_write" }]
    redirect_uris = ["https://s.example/cb"]
    [[apps]]
    id = "com.example.nowhere"
    owner = "acct_other"
    [[keys]]
    kind = "secret"
    account = "acct_dev"
    value = "sk_test_dev"
    [[keys]]
    kind = "secret"
    account = "acct_dev"
    value = "sk_live_dev"
    mode = "live"
    [[keys]]
    kind = "secret"
    account = "acct_other"
    value = "sk_test_other"
    [[keys]]
    kind = "restricted"
    account = "acct_dev"
    permissions = ["app_install_write"]
    value = "rk_test_dev"
    [[keys]]
    kind = "publishable"
    account = "acct_m"
    value = "pk_test_m"
"#;

const OAUTH_LINK: &str = "/oauth/v2/authorize?client_id=ca_oooooooooooooooooooooooooooooooo&livemode=false";
/// The example of RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The form of the page, with what `more` says in its place.
async fn decide(server: &Server, app: &str, more: &str) -> Answer {
    server.ask("POST /dev/consent", &[], &format!("app={app}&account=acct_m&user=usr_1&mode=test&{more}")).await
}

fn location(answer: &Answer) -> &str {
    assert_eq!(answer.status, 302, "{answer:?}");
    answer.header("location").unwrap()
}

/// One parameter of a URL's query.
fn query(url: &str, name: &str) -> Option<String> {
    let pairs = url.split_once('?')?.1.split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.filter(|(found, _)| *found == name).map(|(_, value)| value).next()?;
    Some(super::super::installs::decoded(value))
}

#[tokio::test]
async fn rule_15_11_the_page_shows_what_is_asked_and_runs_nothing() {
    let server = Server::dev(FILE).await;
    let page = server.ask(&format!("GET {OAUTH_LINK}&state=%22%3E%3Cscript%3E"), &[], "").await;
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    for part in [
        "Install &lt;b&gt;App&lt;/b&gt; &amp; &quot;Co&quot;?",
        "<code>secret_write</code> Stores &lt;keys&gt;",
        "name=\"state\" value=\"&quot;&gt;&lt;script&gt;\"",
        "name=\"app\" value=\"com.example.oauth\"",
        "name=\"mode\" value=\"test\"",
        "<option>acct_dev</option><option>acct_m</option>",
        "method=\"post\" action=\"/dev/consent\"",
    ] {
        assert!(page.body.contains(part), "{part} in {}", page.body);
    }
    assert!(!page.body.contains("<script>"));
    let head = server.ask(&format!("HEAD {OAUTH_LINK}"), &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

#[tokio::test]
async fn rule_10_8_and_15_11_links() {
    let dev = Server::dev(FILE).await;
    let platform =
        Server::start(FILE, |settings| settings.consent = Some(Consent::Page("https://p.example/install".to_owned())))
            .await;
    let without = Server::start(FILE, |settings| settings.consent = None).await;
    let sent = "https://p.example/install?app=com.example.oauth&client_id=ca_oooooooooooooooooooooooooooooooo";
    for (link, expected) in [
        ("/oauth/v2/authorize?client_id=ca_oooooooooooooooooooooooooooooooo", Ok(sent)),
        (
            "/oauth/authorize?response_type=code&client_id=ca_oooooooooooooooooooooooooooooooo&scope=x&%61pp=evil&APP[]=evil",
            Ok(
                "https://p.example/install?app=com.example.oauth&client_id=ca_oooooooooooooooooooooooooooooooo&response_type=code&scope=x",
            ),
        ),
        ("/oauth/v2/authorize?client_id=ca_x&client_id=ca_oooooooooooooooooooooooooooooooo", Ok(sent)),
        ("/apps/install/link/com.example.oauth", Ok("https://p.example/install?app=com.example.oauth")),
        (
            "/apps/install/link/com.example.oauth?redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb&livemode=false",
            Ok(
                "https://p.example/install?app=com.example.oauth&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb&livemode=false",
            ),
        ),
        ("/oauth/v2/authorize", Err("400 invalid_request")),
        ("/oauth/v2/authorize?client_id=ca_x", Err("400 invalid_request")),
        ("/oauth/v2/authorize?client_id=com.example.oauth", Err("400 invalid_request")),
        ("/apps/install/link/com.example.none", Err("400 invalid_request")),
        ("/apps/install/link/com.example.nowhere", Err("400 invalid_redirect_uri")),
        (
            "/apps/install/link/com.example.oauth?redirect_uri=https%3A%2F%2Fa.example%2Fcb",
            Err("400 invalid_redirect_uri"),
        ),
        // Exactly one of the app's, but not of live mode.
        (
            "/apps/install/link/com.example.oauth?redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb",
            Err("400 invalid_redirect_uri"),
        ),
        ("/apps/install/link/com.example.oauth?livemode=x", Err("400 invalid_request")),
        ("/apps/install/link/com.example.oauth?code_challenge_method=plain", Err("400 invalid_request")),
    ] {
        let (own, other) =
            (dev.ask(&format!("GET {link}"), &[], "").await, platform.ask(&format!("GET {link}"), &[], "").await);
        match expected {
            Ok(url) => {
                assert_eq!((own.status, location(&other)), (200, url), "{link}");
                assert_eq!(other.header("cache-control"), Some("no-cache, no-store"));
            }
            Err(outcome) => {
                assert_eq!((own.outcome().as_str(), other.outcome().as_str()), (outcome, outcome), "{link}");
                assert_eq!(other.header("location"), None);
            }
        }
        assert_eq!(without.ask(&format!("GET {link}"), &[], "").await.status, 404, "{link}");
    }
    for server in [&platform, &without] {
        let answer = decide(server, "com.example.oauth", "decision=allow").await;
        assert_eq!(answer.status, 404, "the bare page is dev mode's");
    }
}

#[tokio::test]
async fn rule_15_11_a_refused_link_says_what_to_do() {
    let server = Server::dev(FILE).await;
    let install = "/apps/install/link/com.example";
    for (link, advice) in [
        ("/oauth/authorize".to_owned(), "The link has no `client_id`. Add "),
        (
            "/oauth/authorize?client_id=sk_test_misplaced".to_owned(),
            "No app has the `client_id` of the link. Correct it",
        ),
        (format!("{install}.none"), "No app has the manifest id that the link ends in. Correct "),
        (format!("{install}.nowhere"), "The app has no redirect URI. Upload "),
        (format!("{install}.oauth?redirect_uri=https%3A%2F%2Fmisplaced.example"), "Correct it, or leave it out"),
        (format!("{install}.oauth?redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcb"), "or add `livemode=false`"),
    ] {
        let answer = server.ask(&format!("GET {link}"), &[], "").await;
        let description = answer.json()["error_description"].as_str().unwrap().to_owned();
        assert!(description.contains(advice) && !description.contains("misplaced"), "{link}: {description}");
    }
}

#[tokio::test]
async fn rule_15_12_and_15_13_allow_and_deny() {
    let server = Server::dev(FILE).await;
    let denied = decide(&server, "com.example.oauth", "state=s%201&decision=deny").await;
    assert_eq!(
        location(&denied),
        "https://a.example/cb?k=v&error=access_denied&error_description=The%20user%20denied%20your%20request&state=s%201"
    );
    assert_eq!(server.api.keeper.read().installs().count(), 0);
    let allowed = decide(&server, "com.example.oauth", "state=s%201&decision=allow").await;
    let url = location(&allowed);
    assert!(url.starts_with("https://a.example/cb?k=v&code=ac_") && url.ends_with("&state=s%201"), "{url}");
    assert_eq!(server.api.keeper.read().installs().count(), 1);
    for (app, more, expected) in [
        ("com.example.none", "decision=allow", 400),
        ("com.example.nowhere", "decision=allow", 400),
        ("com.example.oauth", "decision=allow&redirect_uri=https%3A%2F%2Fevil.example", 400),
        ("com.example.oauth", "decision=deny&redirect_uri=https%3A%2F%2Fevil.example", 400),
        ("com.example.oauth", "decision=", 400),
    ] {
        let answer = decide(&server, app, more).await;
        assert_eq!((answer.status, answer.header("location")), (expected, None), "{app} {more}");
    }
    assert_eq!(server.api.keeper.read().installs().count(), 1);
}

#[tokio::test]
async fn rule_15_13_and_8_2_the_signature_of_an_install() {
    let server = Server::dev(FILE).await;
    for (state, text) in [
        ("state=a%22b&", "{\"state\":\"a\\\"b\",\"user_id\":\"usr_1\",\"account_id\":\"acct_m\"}"),
        ("", "{\"user_id\":\"usr_1\",\"account_id\":\"acct_m\"}"),
    ] {
        let answer = decide(&server, "com.example.signed", &format!("{state}decision=allow")).await;
        let url = location(&answer);
        let part = |name: &str| query(url, name);
        assert_eq!((part("user_id").as_deref(), part("account_id").as_deref()), (Some("usr_1"), Some("acct_m")));
        assert_eq!((part("livemode").as_deref(), part("code")), (Some("false"), None));
        assert_eq!(part("state").is_some(), !state.is_empty());
        let signature = part("install_signature").unwrap();
        let (time, hash) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
        let expected = cholla_seal::sign_payload(b"absec_signs", time.parse().unwrap(), text.as_bytes());
        assert_eq!(hash, expected.as_str());
    }
}

/// A code from the page.
async fn code(server: &Server, more: &str) -> String {
    let answer = decide(server, "com.example.oauth", &format!("{more}decision=allow")).await;
    query(location(&answer), "code").unwrap()
}

async fn token(server: &Server, body: &str) -> Answer {
    server.ask_as("sk_test_dev", "POST /v1/oauth/token", body).await
}

fn text<'a>(answer: &'a Value, name: &str) -> &'a str {
    answer[name].as_str().unwrap_or_else(|| panic!("{name}: {answer}"))
}

#[tokio::test]
async fn rule_15_5_to_15_8_from_the_page_to_tokens_and_on() {
    let server = Server::dev(FILE).await;
    let code = code(&server, "").await;
    let redirect = "redirect_uri=https%3A%2F%2Fa.example%2Fcb%3Fk%3Dv";
    let exchange = format!("grant_type=authorization_code&code={code}&{redirect}");
    let first = token(&server, &exchange).await;
    assert_eq!(first.status, 200, "{first:?}");
    let first = first.json();
    assert_eq!((text(&first, "stripe_user_id"), text(&first, "scope")), ("acct_m", "stripe_apps"));
    assert_eq!((text(&first, "stripe_publishable_key"), first["livemode"].as_bool()), ("pk_test_m", Some(false)));
    let set = "name=n&payload=p&scope[type]=account";
    assert_eq!(server.ask_as(text(&first, "access_token"), "POST /v1/apps/secrets", set).await.status, 200);

    let refresh = format!("grant_type=refresh_token&refresh_token={}", text(&first, "refresh_token"));
    let second = token(&server, &refresh).await.json();
    assert_eq!(server.ask_as(text(&second, "access_token"), "POST /v1/apps/secrets", set).await.status, 200);
    assert_eq!(token(&server, &refresh).await.outcome(), "400 invalid_grant");

    let reused = token(&server, &exchange).await;
    assert_eq!(reused.outcome(), "400 invalid_grant");
    assert_eq!(
        text(&reused.json(), "error_description"),
        "This authorization code has already been used. All tokens issued with this code have been revoked."
    );
    assert_eq!(server.ask_as(text(&second, "access_token"), "POST /v1/apps/secrets", set).await.status, 401);
}

#[tokio::test]
async fn rule_15_2_and_15_10_codes_with_a_challenge() {
    let server = Server::dev(FILE).await;
    let code = code(&server, &format!("code_challenge={CHALLENGE}&code_challenge_method=S256&")).await;
    let exchange = format!("grant_type=authorization_code&code={code}");
    assert_eq!(token(&server, &exchange).await.outcome(), "400 invalid_request");
    let wrong = VERIFIER.replace('d', "e");
    assert_eq!(token(&server, &format!("{exchange}&code_verifier={wrong}")).await.outcome(), "400 invalid_grant");
    let other = format!("{exchange}&code_verifier={VERIFIER}&redirect_uri=https%3A%2F%2Fb.example");
    assert_eq!(token(&server, &other).await.outcome(), "400 invalid_grant");
    // A failed exchange leaves the code usable.
    assert_eq!(token(&server, &format!("{exchange}&code_verifier={VERIFIER}")).await.status, 200);
}

#[tokio::test]
async fn rule_15_3_who_asks_for_tokens() {
    let server = Server::dev(FILE).await;
    let body = "grant_type=refresh_token&refresh_token=rt_unknown";
    let bearer = |key: &str| Some(format!("Authorization: Bearer {key}"));
    for (header, more, expected) in [
        (bearer("sk_test_dev"), "", "400 invalid_grant"),
        (bearer("sk_test_dev"), "&client_secret=sk_test_dev", "400 invalid_grant"),
        (None, "&client_secret=sk_test_dev", "400 invalid_grant"),
        (bearer("sk_test_dev"), "&client_secret=sk_live_dev", "401 invalid_client"),
        (bearer("sk_test_dev"), "&client_id=ca_ssssssssssssssssssssssssssssssss", "401 invalid_client"),
        (None, "", "401 invalid_request_error"),
        (None, "&client_secret=sk_test_unknown", "401 invalid_request_error"),
        (bearer("sk_test_unknown"), "&client_secret=sk_test_dev", "401 invalid_request_error"),
        (bearer("pk_test_m"), "", "401 secret_key_required"),
        (bearer("rk_test_dev"), "", "403 more_permissions_required"),
        (None, "&client_secret=rk_test_dev", "403 more_permissions_required"),
        (bearer("sk_test_dev"), "&x=y", "400 invalid_request"),
        (bearer("sk_test_dev"), "&refresh_token=rt_unknown", "400 invalid_request"),
        (bearer("sk_test_dev"), "&scope=x", "400 invalid_scope"),
    ] {
        for path in ["/v1/oauth/token", "/oauth/token"] {
            let headers: Vec<_> = header.iter().map(String::as_str).collect();
            let answer = server.ask(&format!("POST {path}"), &headers, &format!("{body}{more}")).await;
            assert_eq!(answer.outcome(), expected, "{header:?} {more}");
        }
    }
    let named = ["Authorization: Bearer sk_test_dev", "Stripe-Account: acct_m"];
    assert_eq!(server.ask("POST /oauth/token", &named, body).await.outcome(), "400 invalid_grant", "it is ignored");
}

#[tokio::test]
async fn rule_15_9_a_lost_answer() {
    let server = Server::dev(FILE).await;
    let code = code(&server, "").await;
    let exchange = format!("grant_type=authorization_code&code={code}");
    let headers = ["Authorization: Bearer sk_test_dev", "Idempotency-Key: once"];
    let first = server.ask("POST /v1/oauth/token", &headers, &exchange).await;
    let retry = server.ask("POST /v1/oauth/token", &headers, &exchange).await;
    assert_eq!((first.header("idempotent-replayed"), retry.header("idempotent-replayed")), (None, Some("true")));
    let original = first.header("request-id");
    assert!(original.is_some() && original != retry.header("request-id"));
    assert_eq!((first.header("original-request"), retry.header("original-request")), (original, original));
    let (first, retry) = (first.json(), retry.json());
    assert_ne!(text(&first, "access_token"), text(&retry, "access_token"));
    let list = "GET /v1/apps/secrets?scope[type]=account";
    assert_eq!(server.ask_as(text(&first, "access_token"), list, "").await.status, 401, "the unseen pair dies");
    assert_eq!(server.ask_as(text(&retry, "access_token"), list, "").await.status, 200);
    assert_eq!(server.ask("POST /v1/oauth/token", &headers, &exchange).await.outcome(), "400 invalid_grant");
    assert_eq!(server.ask_as(text(&retry, "access_token"), list, "").await.status, 200, "nothing is revoked");
}

#[tokio::test]
async fn rule_15_9_a_token_is_presented_wherever_it_is_and_at_once() {
    let server = Server::dev(FILE).await;
    let list = "GET /v1/apps/secrets?scope[type]=account";
    let refresh = "grant_type=refresh_token&refresh_token=rt_x";
    for (round, (line, in_body, expected)) in [
        (list, false, 200),
        ("GET /v1/apps/secrets", false, 400),
        ("GET /v1/apps/installs", false, 403),
        ("POST /v1/apps/installs", false, 400),
        ("POST /v1/oauth/token", false, 403),
        ("POST /v1/oauth/token", true, 403),
        ("POST /oauth/deauthorize", true, 403),
    ]
    .into_iter()
    .enumerate()
    {
        let exchange = format!("grant_type=authorization_code&code={}", code(&server, "").await);
        let headers = ["Authorization: Bearer sk_test_dev", &format!("Idempotency-Key: {round}")];
        let pair = server.ask("POST /v1/oauth/token", &headers, &exchange).await.json();
        let access = text(&pair, "access_token");
        let presented = if in_body {
            server.ask(line, &[], &format!("{refresh}&client_secret={access}")).await
        } else {
            server.ask_as(access, line, "").await
        };
        assert_eq!(presented.status, expected, "{line}: {presented:?}");
        let retry = server.ask("POST /v1/oauth/token", &headers, &exchange).await;
        assert_eq!(retry.outcome(), "400 invalid_grant", "{line}");
        assert_eq!(text(&retry.json(), "error_description"), "This authorization code has already been used.");
        assert_eq!(server.ask_as(access, list, "").await.status, 200, "nothing is revoked: {line}");
        // Behind whatever was to be written down.
        server.api.keeper.decide(server.api.keeper.unasked(), |_| Decision::unchanged(())).await.unwrap();
        let key = CredentialKey::of(&server.api.instance.credential_hash(access.as_bytes()));
        assert!(!server.api.presented_tokens.contains(&key), "it is written down: {line}");
        let directory = server.api.keeper.read();
        let install = directory.credential(&key).and_then(|credential| credential.install).unwrap();
        let pair = directory.grant(&install).and_then(|grant| grant.pair.as_ref()).unwrap();
        assert!(pair.presented && pair.access == key, "{line}");
    }
}

#[tokio::test]
async fn rule_10_7_and_15_16_deauthorize() {
    let server = Server::dev(FILE).await;
    code(&server, "").await;
    decide(&server, "com.example.signed", "decision=allow").await;
    let body = |client: char| format!("client_id=ca_{}&stripe_user_id=acct_m", client.to_string().repeat(32));
    let ask = async |key: &str, path: &str, body: String| server.ask_as(key, &format!("POST {path}"), &body).await;
    assert_eq!(
        ask("sk_test_dev", "/oauth/deauthorize", body('s')).await.outcome(),
        "401 invalid_client",
        "another's app"
    );
    assert_eq!(
        ask("sk_live_dev", "/oauth/deauthorize", body('o')).await.outcome(),
        "401 invalid_client",
        "another mode"
    );
    let done = ask("sk_test_dev", "/v1/oauth/deauthorize", body('o')).await;
    assert_eq!((done.status, done.body.as_str()), (200, "{\n  \"stripe_user_id\": \"acct_m\"\n}\n"));
    assert_eq!(ask("sk_test_dev", "/v1/oauth/deauthorize", body('o')).await.outcome(), "401 invalid_client");
    // For every access type.
    assert_eq!(ask("sk_test_other", "/oauth/deauthorize", body('s')).await.status, 200);
    assert_eq!(server.api.keeper.read().installs().count(), 0);
}

#[test]
fn what_stands_in_the_page_is_read_back() {
    assert_eq!(escaped("<a href='x'>\"&\"</a>é"), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;&quot;&lt;/a&gt;é");
    let form = form::read(form::Method::Post, "", None, b"app=a&account=b&user=c&mode=live&decision=deny").unwrap();
    assert!(!ConsentParams::decode(form).unwrap().allow);
}
