//! Parameters, answers and redirects of OAuth, row by row.

use cholla_domain::directory::credential::CredentialKey;
use cholla_domain::directory::decision::Drawn;
use cholla_domain::oauth::OAuthError;

use super::*;
use crate::form::{self, Method};

const VERIFIER: &str = "0123456789-._~0123456789-._~0123456789-._~a";

fn parameters(form: &str) -> Parameters<'_> {
    form::read(Method::Post, "", None, form.as_bytes()).unwrap()
}

fn body(error: &ApiError) -> String {
    String::from_utf8(error.body()).unwrap()
}

/// The body of an OAuth error.
fn error(word: &str, description: &str) -> String {
    format!("{{\n  \"error\": \"{word}\",\n  \"error_description\": \"{description}\"\n}}\n")
}

fn check_error(actual: &ApiError, status: u16, word: &str, description: &str) {
    assert_eq!((actual.status(), body(actual)), (status, error(word, description)));
}

fn shown(params: &TokenParams) -> String {
    let optional = |name: &str, text: Option<&str>| text.map_or(String::new(), |text| format!(" {name} {text}"));
    let grant = match &params.grant {
        TokenGrant::Code { code, verifier } => {
            format!("code {}{}", code.as_str(), optional("verifier", verifier.as_ref().map(|text| text.as_str())))
        }
        TokenGrant::Refresh { token } => format!("refresh {}", token.as_str()),
    };
    let secret = params.client_secret.as_ref().map(|text| text.as_str());
    [
        grant,
        optional("redirect", params.redirect_uri.as_deref()),
        optional("scope", params.scope.as_deref()),
        optional("client", params.client_id.as_deref()),
        optional("secret", secret),
    ]
    .concat()
}

fn check_legal(form: &str, expected: &str) {
    let params = TokenParams::decode(parameters(form)).map_err(|error| body(&error));
    assert_eq!(params.map_or_else(|body| body, |params| shown(&params)), expected, "{form}");
}

fn check_token(form: &str, word: &str, description: &str) {
    match TokenParams::decode(parameters(form)) {
        Ok(params) => panic!("{form}: {}", shown(&params)),
        Err(found) => assert_eq!((found.status(), body(&found)), (400, error(word, description)), "{form}"),
    }
}

fn missing(param: &str) -> String {
    format!("Missing required param: {param}.")
}

fn empty(param: &str) -> String {
    format!(
        "You passed an empty string for '{param}'. We assume empty values are an attempt to unset a parameter; however '{param}' \
         cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
    )
}

#[test]
fn rule_15_4_parameters() {
    check_legal("grant_type=authorization_code&code=ac_1", "code ac_1");
    check_legal(
        &format!(
            "grant_type=authorization_code&code=ac_1&code_verifier={VERIFIER}&redirect_uri=https%3A%2F%2Fa.example&scope=any&\
             client_id=ca_1&client_secret=sk_test_1"
        ),
        &format!("code ac_1 verifier {VERIFIER} redirect https://a.example scope any client ca_1 secret sk_test_1"),
    );
    check_legal("grant_type=refresh_token&refresh_token=rt_1&scope=stripe_apps", "refresh rt_1 scope stripe_apps");
    // What belongs to the other grant is known and without effect, and what is empty is not there.
    check_legal("grant_type=refresh_token&refresh_token=rt_1&code=ac_1&code_verifier=x", "refresh rt_1");
    check_legal("grant_type=authorization_code&code=ac_1&refresh_token=rt_1", "code ac_1");
    check_legal(
        "grant_type=refresh_token&refresh_token=rt_1&redirect_uri=&scope=&client_id=&client_secret=",
        "refresh rt_1",
    );
    check_legal("grant_type=authorization_code&code=ac_1&code_verifier=", "code ac_1");
}

#[test]
fn rule_15_14_a_request_that_is_at_fault() {
    let invalid = "invalid_request";
    check_token("", invalid, &missing("grant_type"));
    check_token("grant_type=", invalid, &empty("grant_type"));
    check_token("grant_type=authorization_code", invalid, &missing("code"));
    check_token("grant_type=authorization_code&code=", invalid, &empty("code"));
    check_token("grant_type=refresh_token", invalid, &missing("refresh_token"));
    check_token("grant_type=refresh_token&refresh_token=", invalid, &empty("refresh_token"));
    check_token("grant_type=refresh_token&refresh_token[]=rt_hidden", invalid, "Invalid string: ****");
    let long = format!("grant_type=refresh_token&refresh_token={}", "r".repeat(5_001));
    check_token(&long, invalid, "Invalid string: ****...****; must be at most 5000 characters");
    let verifier = "The code verifier must be 43 to 128 of A-Z, a-z, 0-9, '-', '.', '_' and '~'.";
    for malformed in [&VERIFIER[1..], &"v".repeat(129), &format!("{VERIFIER}%2B"), &format!("{VERIFIER}%20")] {
        check_token(&format!("grant_type=authorization_code&code=c&code_verifier={malformed}"), invalid, verifier);
    }
    check_legal(
        &format!("grant_type=authorization_code&code=c&code_verifier={}", "v".repeat(128)),
        &format!("code c verifier {}", "v".repeat(128)),
    );
}

#[test]
fn rule_15_14_and_15_15_unknown_and_repeated_parameters_are_not_shown() {
    let unknown = "An unknown parameter was given. Those that are known are grant_type, code, code_verifier, refresh_token, redirect_uri, \
                   scope, client_id, client_secret.";
    check_token("grant_type=refresh_token&refresh_token=rt_1&rt_hidden=", "invalid_request", unknown);
    check_token("grant_type=x&expand[]=y", "invalid_request", unknown);
    let twice = "A parameter was given twice.";
    check_token("grant_type=refresh_token&refresh_token=rt_1&refresh_token=rt_1", "invalid_request", twice);
    check_token("grant_type=x&grant_type=x", "invalid_request", twice);
    let over_both =
        form::read(Method::Post, "grant_type=refresh_token", None, b"grant_type=refresh_token&refresh_token=r");
    check_error(&TokenParams::decode(over_both.unwrap()).err().unwrap(), 400, "invalid_request", twice);
}

#[test]
fn rule_15_14_other_grants_and_scopes() {
    let grant = "The grant type must be `authorization_code` or `refresh_token`.";
    for wrong in ["client_credentials", "Refresh_Token", "refresh"] {
        check_token(&format!("grant_type={wrong}&code=c"), "unsupported_grant_type", grant);
    }
    let scope = "The scope of a refresh can only be `stripe_apps`.";
    for wrong in ["read_write", "stripe_apps read", "Stripe_Apps"] {
        check_token(&format!("grant_type=refresh_token&refresh_token=r&scope={wrong}"), "invalid_scope", scope);
    }
}

fn check_deauthorize(form: &str, expected: &str) {
    let actual = match DeauthorizeParams::decode(parameters(form)) {
        Err(error) => body(&error),
        Ok(DeauthorizeParams { client_id, account, client_secret }) => {
            let secret = client_secret.map_or(String::new(), |secret| format!(" {}", secret.as_str()));
            format!("{client_id} {}{secret}", account.as_str())
        }
    };
    assert_eq!(actual, expected, "{form}");
}

#[test]
fn rule_10_7_and_15_14_parameters_of_a_deauthorize() {
    check_deauthorize("client_id=ca_1&stripe_user_id=acct_m", "ca_1 acct_m");
    check_deauthorize("client_id=ca_1&stripe_user_id=acct_m&client_secret=sk_test_1", "ca_1 acct_m sk_test_1");
    let invalid = |description: &str| error("invalid_request", description);
    check_deauthorize("stripe_user_id=acct_m", &invalid(&missing("client_id")));
    check_deauthorize("client_id=&stripe_user_id=acct_m", &invalid(&empty("client_id")));
    check_deauthorize("client_id=ca_1", &invalid(&missing("stripe_user_id")));
    check_deauthorize("client_id=ca_1&stripe_user_id=", &invalid(&empty("stripe_user_id")));
    check_deauthorize("client_id=a&client_id=b&stripe_user_id=c", &invalid("A parameter was given twice."));
    let known = "An unknown parameter was given. Those that are known are client_id, stripe_user_id, client_secret.";
    check_deauthorize("client_id=a&stripe_user_id=b&scope=c", &invalid(known));
    assert_eq!(
        String::from_utf8(deauthorized(&AccountId::new("acct_m"))).unwrap(),
        "{\n  \"stripe_user_id\": \"acct_m\"\n}\n"
    );
}

#[test]
fn rule_15_14_and_15_15_every_other_error() {
    let grant = |error, description| check_error(&ApiError::from_oauth(error), 400, "invalid_grant", description);
    grant(OAuthError::CodeUnknown, "The authorization code does not exist or has expired.");
    // The words of 15.8.
    grant(
        OAuthError::CodeReused,
        "This authorization code has already been used. All tokens issued with this code have been revoked.",
    );
    grant(OAuthError::CodeUsed, "This authorization code has already been used.");
    grant(OAuthError::VerifierWrong, "The code verifier does not fit the code.");
    grant(OAuthError::RedirectUriWrong, "The redirect URI is not the one that the code was sent to.");
    grant(OAuthError::RefreshTokenUnknown, "The refresh token does not exist, has expired or was used before.");
    grant(OAuthError::ClientOfAnotherApp, "The client id is not that of the app that this was issued for.");
    let missing = "No code verifier was given, but the code has a challenge.";
    check_error(&ApiError::from_oauth(OAuthError::VerifierMissing), 400, "invalid_request", missing);
    let client = "No app of this developer has the client id given.";
    check_error(&ApiError::from_oauth(OAuthError::ClientUnknown), 401, "invalid_client", client);
    let secret = "The client secret is not the key that this request was made with.";
    check_error(&ApiError::oauth_wrong_client_secret(), 401, "invalid_client", secret);
    let connected = "This application is not connected to stripe account acct_x, or that account does not exist.";
    check_error(&ApiError::oauth_not_connected("acct_x"), 401, "invalid_client", connected);
    let connected = connected.replace("acct_x", "****");
    for misplaced in ["rk_test_0123456789abcdef", "acct", "acct_", "acct_a b"] {
        check_error(&ApiError::oauth_not_connected(misplaced), 401, "invalid_client", &connected);
    }
    let uri = ApiError::oauth_invalid_redirect_uri("no");
    check_error(&uri, 400, "invalid_redirect_uri", "no");
    // What is no fault of the request's form keeps the envelope of section 6.
    for error in [ApiError::unavailable(), ApiError::internal(), ApiError::no_key()] {
        let envelope = body(&error);
        assert_eq!(body(&error.into_oauth()), envelope);
    }
}

#[test]
fn rule_15_3_the_secret_in_the_body() {
    for (form, expected) in [
        ("client_secret=sk_test_1", Some("sk_test_1")),
        ("client_secret=", None),
        ("client_secret[]=sk_test_1", None),
        ("code=x", None),
    ] {
        assert_eq!(client_secret(&parameters(form)).as_ref().map(|secret| secret.as_str()), expected, "{form}");
    }
}

#[test]
fn rule_15_9_a_retry_is_known_by_everything_but_the_key() {
    let canonical = |form: &str| {
        let params = TokenParams::decode(parameters(form)).unwrap();
        params.canonical().map(|field| String::from_utf8(field.to_vec()).unwrap()).join("|")
    };
    let code = "grant_type=authorization_code&code=c&redirect_uri=r&client_id=i";
    assert_eq!(canonical(code), "authorization_code|c||r||i");
    assert_eq!(canonical(&format!("{code}&client_secret=s&refresh_token=t")), canonical(code));
    assert_eq!(
        canonical(&format!("{code}&code_verifier={VERIFIER}&scope=s")),
        format!("authorization_code|c|{VERIFIER}|r|s|i")
    );
    assert_eq!(
        canonical("grant_type=refresh_token&refresh_token=t&scope=stripe_apps"),
        "refresh_token|t|||stripe_apps|"
    );
}

fn drawn(value: String) -> Drawn {
    Drawn { value: Zeroizing::new(value), key: CredentialKey::from_bytes([0; 16]) }
}

#[test]
fn rule_15_5_the_answer() {
    let issued = |livemode: Livemode, publishable: Option<&str>| Tokens {
        access: drawn(format!("rk_{}_{}", livemode.as_str(), "a".repeat(64))),
        refresh: drawn(format!("rt_{}", "r".repeat(64))),
        account: AccountId::new("acct_m"),
        livemode,
        publishable: publishable.map(str::to_owned),
        replay_of: None,
    };
    for (livemode, publishable, expected) in [
        (
            Livemode::Test,
            Some("pk_test_1"),
            r#"{
  "access_token": "rk_test_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "livemode": false,
  "refresh_token": "rt_rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr",
  "scope": "stripe_apps",
  "stripe_publishable_key": "pk_test_1",
  "stripe_user_id": "acct_m",
  "token_type": "bearer"
}
"#,
        ),
        (
            Livemode::Live,
            None,
            r#"{
  "access_token": "rk_live_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "livemode": true,
  "refresh_token": "rt_rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr",
  "scope": "stripe_apps",
  "stripe_user_id": "acct_m",
  "token_type": "bearer"
}
"#,
        ),
    ] {
        let answer = tokens(&issued(livemode, publishable));
        assert_eq!(std::str::from_utf8(&answer).unwrap(), expected);
        assert!(answer.len() <= 512, "the buffer did not grow");
    }
}

fn check_link(query: &str, expected: &str) {
    let actual = match LinkParams::decode(form::read(Method::Get, query, None, b"").unwrap()) {
        Err(error) => body(&error),
        Ok(LinkParams { client_id, redirect_uri, state, livemode, challenge }) => {
            let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {} {} {} {}",
                or_none(client_id),
                or_none(redirect_uri),
                or_none(state),
                livemode.as_str(),
                or_none(challenge.map(|challenge| challenge.0))
            )
        }
    };
    assert_eq!(actual, expected, "{query}");
}

#[test]
fn rule_15_11_links() {
    check_link("", "- - - live -");
    check_link(
        "response_type=code&scope=stripe_apps&client_id=ca_1&redirect_uri=https%3A%2F%2Fa.example%2Fcb%3Fx&state=s&livemode=false&other=1",
        "ca_1 https://a.example/cb?x s test -",
    );
    check_link("state=&redirect_uri=&livemode=true", "- - - live -");
    check_link(&format!("code_challenge={VERIFIER}&code_challenge_method=S256"), &format!("- - - live {VERIFIER}"));
    let invalid = |description: &str| error("invalid_request", description);
    check_link("livemode=maybe", &invalid("`livemode` must be true or false."));
    check_link("state[]=s", &invalid("Invalid string: ****"));
    let challenge = "Invalid code_challenge: must be 43 to 128 of A-Z, a-z, 0-9, '-', '.', '_' and '~'";
    check_link("code_challenge=c&code_challenge_method=S256", &invalid(challenge));
    check_link(&format!("code_challenge={VERIFIER}"), &invalid(&missing("code_challenge_method")));
    check_link("code_challenge_method=S256", &invalid(&missing("code_challenge")));
    check_link(
        &format!("code_challenge={VERIFIER}&code_challenge_method=plain"),
        &invalid("Invalid code_challenge_method: must be S256"),
    );
}

#[test]
fn rule_15_11_the_page_of_the_platform_gets_the_same_query_and_the_app() {
    let sent = |query: &str, page: &str| {
        let params = LinkParams::decode(form::read(Method::Get, query, None, b"").unwrap()).unwrap();
        params.consent_url(page, &AppId::new("com.example.a"), query)
    };
    assert_eq!(sent("", "https://p.example/install"), "https://p.example/install?app=com.example.a");
    assert_eq!(
        sent(
            &format!(
                "client_id=ca_1&redirect_uri=https%3A%2F%2Fa.example%2Fcb%3Fx%3D1%26y&state=a+b%26app%3Dc&livemode=false&app=evil&\
                 code_challenge={VERIFIER}&code_challenge_method=S256"
            ),
            "https://p.example/install?lang=de"
        ),
        format!(
            "https://p.example/install?lang=de&app=com.example.a&client_id=ca_1&redirect_uri=https%3A%2F%2Fa.example%2Fcb%3Fx%3D1%26y&\
             state=a%20b%26app%3Dc&livemode=false&code_challenge={}&code_challenge_method=S256",
            VERIFIER.replace('~', "%7E")
        )
    );
    let page = "https://p.example/install";
    for (query, page, expected) in [
        // What SDKs add and what nobody knows goes on, in its order and as often as it came; only its spelling may be another.
        (
            "response_type=code&scope=stripe_apps&client_id=ca_1",
            page,
            "&client_id=ca_1&response_type=code&scope=stripe_apps",
        ),
        (
            "x=1&livemode=true&x=2&y[a]=%C3%A9+b%26c&empty=&bare",
            page,
            "&livemode=true&x=1&x=2&y%5Ba%5D=%C3%A9%20b%26c&empty=&bare=",
        ),
        ("a;app=c&%3D=%23", page, "&a%3Bapp=c&%3D=%23"),
        // What is known goes on once, as it was checked.
        ("state=one&state=two&livemode=false&livemode=false", page, "&state=two&livemode=false"),
        ("redirect_uri=&state=", page, ""),
        // Nothing else may be read in its place, whoever reads it.
        ("app=evil&%61pp=evil&APP=evil&+app=evil&app%20=evil&app[=evil&App[x]=evil", page, ""),
        ("app[]=evil&app%5B%5D=evil", page, ""),
        ("client[id=evil&redirect[uri=evil&client[id]=x", page, "&client%5Bid%5D=x"),
        ("app[x]=evil&app%5By%5D=evil", page, ""),
        ("redirect.uri=evil&redirect+uri=evil&Redirect_URI=evil", page, ""),
        ("lang=fr&LANG[]=fr&tongue=fr", "https://p.example/install?lang=de", "&tongue=fr"),
    ] {
        let app = if page.contains('?') { "&app=com.example.a" } else { "?app=com.example.a" };
        assert_eq!(sent(query, page), format!("{page}{app}{expected}"), "{query}");
    }
}

#[test]
fn rule_15_13_redirects() {
    let (user, account) = (UserId::new("usr 1+é"), AccountId::new("acct_m"));
    for (actual, expected) in [
        (
            redirect_with_code("https://a.example/cb", "ac_1", Some("x y&z=1")),
            "https://a.example/cb?code=ac_1&state=x%20y%26z%3D1",
        ),
        (redirect_with_code("https://a.example/cb?k=v", "ac_1", None), "https://a.example/cb?k=v&code=ac_1"),
        (
            redirect_with_signature("https://a.example", &user, &account, Some("s"), ("t=1,v1=ab", Livemode::Test)),
            "https://a.example?user_id=usr%201%2B%C3%A9&account_id=acct_m&state=s&install_signature=t%3D1%2Cv1%3Dab&livemode=false",
        ),
        (
            redirect_with_signature("https://a.example", &user, &account, None, ("t=1,v1=ab", Livemode::Live)),
            "https://a.example?user_id=usr%201%2B%C3%A9&account_id=acct_m&install_signature=t%3D1%2Cv1%3Dab",
        ),
        (
            redirect_denied("https://a.example/cb", Some("s")),
            "https://a.example/cb?error=access_denied&error_description=The%20user%20denied%20your%20request&state=s",
        ),
        (
            redirect_denied("https://a.example/cb", None),
            "https://a.example/cb?error=access_denied&error_description=The%20user%20denied%20your%20request",
        ),
    ] {
        assert_eq!(actual, expected);
    }
}

#[test]
fn rule_15_13_the_text_that_is_signed() {
    let (user, account) = (UserId::new("usr_\"1\""), AccountId::new("acct_m"));
    for (state, expected) in [
        (Some("a\\b\né"), "{\"state\":\"a\\\\b\\né\",\"user_id\":\"usr_\\\"1\\\"\",\"account_id\":\"acct_m\"}"),
        (None, "{\"user_id\":\"usr_\\\"1\\\"\",\"account_id\":\"acct_m\"}"),
    ] {
        assert_eq!(signed_install_text(state, &user, &account), expected);
    }
}

#[test]
fn rule_15_12_the_form_of_the_bare_page() {
    let form = "app=com.example.a&account=acct_m&user=usr_1&mode=live&redirect_uri=https%3A%2F%2Fa.example&state=s&decision=allow";
    let params = ConsentParams::decode(parameters(form)).unwrap();
    assert_eq!(
        (params.app.as_str(), params.account.as_str(), params.user.as_str()),
        ("com.example.a", "acct_m", "usr_1")
    );
    assert_eq!((params.livemode, params.allow, params.challenge.is_none()), (Livemode::Live, true, true));
    assert_eq!((params.redirect_uri.as_deref(), params.state.as_deref()), (Some("https://a.example"), Some("s")));
    for without in ["app", "account", "user", "mode", "decision"] {
        let rest: Vec<_> = form.split('&').filter(|pair| !pair.starts_with(&format!("{without}="))).collect();
        let error = ConsentParams::decode(parameters(&rest.join("&"))).unwrap_err();
        assert_eq!((error.code(), error.param()), (Some("parameter_missing"), Some(without)));
    }
    for (decision, mode, expected) in
        [("deny", "live", (false, Livemode::Live)), ("x", "test", (false, Livemode::Test))]
    {
        let form = form.replace("allow", decision).replace("mode=live", &format!("mode={mode}"));
        let params = ConsentParams::decode(parameters(&form)).unwrap();
        assert_eq!((params.allow, params.livemode), expected);
    }
}
