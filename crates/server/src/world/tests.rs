use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use cholla_domain::directory::credential::CredentialKey;
use cholla_domain::id::UserId;
use cholla_domain::limits::GRACE_SECONDS_DEFAULT;
use cholla_domain::policy::{Write, authorize};
use cholla_domain::time::{Clock, Timestamp};

use super::*;
use crate::assembly::Foundation;
use crate::clock::ServerClock;
use crate::keeper::Keeper;
use crate::platform::reconcile::Manner;
use crate::testing::{self, platform};

/// The directory of a platform in dev mode, and what is shown of it.
struct Built {
    foundation: Arc<Foundation>,
    keeper: Arc<Keeper>,
    declared: Declared,
    /// The second in which it was made.
    at: Timestamp,
}

async fn build(platform: &Platform) -> Built {
    build_in(&testing::foundation().await, platform).await
}

async fn build_in(foundation: &Arc<Foundation>, platform: &Platform) -> Built {
    let clock = Arc::new(ServerClock::default());
    let keeper = foundation.keeper(&clock, GRACE_SECONDS_DEFAULT).unwrap();
    let manner = Manner { anew: true, dev: true, ..Manner::default() };
    let at = clock.now();
    let reconciled = testing::settle(&keeper, foundation, (platform, testing::derived, manner)).await.unwrap();
    let declared = Declared::of(platform, &keeper.read(), &reconciled.keys);
    Built { foundation: Arc::clone(foundation), keeper, declared, at }
}

impl Built {
    fn credential_key(&self, key: &str) -> CredentialKey {
        CredentialKey::of(&self.foundation.instance.credential_hash(key.as_bytes()))
    }
}

fn endpoints() -> Endpoints {
    Endpoints {
        http: Some("http://127.0.0.1:12111".to_owned()),
        https: Some("https://127.0.0.1:12112".to_owned()),
        ca_file: Some("/data/ca.pem".into()),
        admin: "http://127.0.0.1:12113".to_owned(),
        admin_token: Some(Zeroizing::new("token".to_owned())),
    }
}

const SMALL: &str = r#"
    accounts = [{ id = "acct_m" }, { id = "acct_dev" }]
    [[apps]]
    id = "com.example.a"
    owner = "acct_dev"
    permissions = [{ permission = "secret_write" }]
    signing_secret = "absec_declared"
    [[apps]]
    id = "com.example.b"
    owner = "acct_dev"
    [[installs]]
    app = "com.example.a"
    account = "acct_m"
    modes = ["test", "live"]
    [[keys]]
    kind = "secret"
    account = "acct_dev"
    value = "sk_test_declared1234"
    [[keys]]
    kind = "embedded"
    account = "acct_m"
    app = "com.example.a"
    user = "usr_1"
    mode = "live"
    [[webhooks]]
    account = "acct_dev"
    url = "https://a.example/hook"
    secret = "whsec_declared"
    [[webhooks]]
    account = "acct_dev"
    url = "https://a.example/live"
    mode = "live"
"#;

/// The generated values in a text, replaced by their names: they are other ones in each installation.
fn with_names(text: &str, declared: &Declared) -> String {
    text.replace(declared.apps[1].signing_secret.reveal(), "absec_GENERATED")
        .replace(declared.keys[1].value.as_str(), "ek_live_GENERATED")
        .replace(declared.webhooks[1].secret.reveal(), "whsec_GENERATED")
}

/// That of [`SMALL`]. The ids are the same at every start, on every machine.
const READY_FILE: &str = r#"{
  "version": 1,
  "api": {
    "http": "http://127.0.0.1:12111",
    "https": "https://127.0.0.1:12112",
    "ca_file": "/data/ca.pem"
  },
  "admin": {
    "url": "http://127.0.0.1:12113",
    "token": "token"
  },
  "apps": [
    {
      "id": "com.example.a",
      "owner": "acct_dev",
      "signing_secret": "absec_declared",
      "app_id": "app_jpWxElBX3sqn70FCJUp8PGJ9jtsVBNbR",
      "client_id": "ca_UxUrnJspW5No1uHq3tUMOHSs4y0cQP9A"
    },
    {
      "id": "com.example.b",
      "owner": "acct_dev",
      "signing_secret": "absec_GENERATED",
      "app_id": "app_TRFgymq5Y6Mubn1EJDI3SFvd43TJgkA6",
      "client_id": "ca_5ox83DsB5u3Vv11JV3lMQugW19x4sPab"
    }
  ],
  "keys": [
    {
      "kind": "secret",
      "value": "sk_test_declared1234",
      "account": "acct_dev",
      "mode": "test"
    },
    {
      "kind": "embedded",
      "value": "ek_live_GENERATED",
      "account": "acct_m",
      "app": "com.example.a",
      "user": "usr_1",
      "mode": "live"
    }
  ],
  "installs": [
    {
      "id": "appinst_test_0Ieh7Gt7BIGu3wW9E9E6clKt8mZ5ZHel",
      "app": "com.example.a",
      "account": "acct_m",
      "mode": "test"
    },
    {
      "id": "appinst_u0FsBys7Oe20Ym8JqOJQmxrc8gMLq0t8",
      "app": "com.example.a",
      "account": "acct_m",
      "mode": "live"
    }
  ],
  "webhooks": [
    {
      "account": "acct_dev",
      "mode": "test",
      "url": "https://a.example/hook",
      "secret": "whsec_declared"
    },
    {
      "account": "acct_dev",
      "mode": "live",
      "url": "https://a.example/live",
      "secret": "whsec_GENERATED"
    }
  ]
}
"#;

#[tokio::test]
async fn rule_11_3_the_ready_file_literally() {
    let world = build(&platform(SMALL)).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ready.json");
    fs::write(&path, "old").unwrap();
    let endpoints = endpoints();
    ReadyFile::new(&world.declared, &endpoints).write(&path).unwrap();
    assert_eq!(with_names(&fs::read_to_string(&path).unwrap(), &world.declared), READY_FILE);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["ready.json"], "no temporary file is left behind");
}

#[tokio::test]
async fn the_ready_file_needs_its_folder() {
    let world = build(&platform("")).await;
    let error = ReadyFile::new(&world.declared, &endpoints()).write(Path::new("/nonexistent/ready.json")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[tokio::test]
async fn the_terminal_masks_what_the_file_declares() {
    let world = build(&platform(SMALL)).await;
    let expected = r#"API    http://127.0.0.1:12111
API    https://127.0.0.1:12112
CA     /data/ca.pem
Admin  http://127.0.0.1:12113
Token  token

Apps
  APP            NAME           VERSION  DISTRIBUTION  OWNER     SIGNING SECRET
  com.example.a  com.example.a  0.0.1    private       acct_dev  absec_****
  com.example.b  com.example.b  0.0.1    private       acct_dev  absec_GENERATED

Installs
  APP            ACCOUNT  MODE  GRANTED
  com.example.a  acct_m   test  secret_write
  com.example.a  acct_m   live  secret_write

Webhooks
  ACCOUNT   MODE  URL                     SECRET
  acct_dev  test  https://a.example/hook  whsec_****
  acct_dev  live  https://a.example/live  whsec_GENERATED

Keys
  KIND      MODE  ACCOUNT   APP            USER   KEY
  secret    test  acct_dev                        sk_test_****1234
  embedded  live  acct_m    com.example.a  usr_1  ek_live_GENERATED

Try it:
  curl http://127.0.0.1:12111/v1/apps/secrets -u YOUR_KEY: -d name=my-api-key -d payload=secret_key_xxxxxx -d "scope[type]=account"
"#;
    assert_eq!(with_names(&summary(&world.declared, &endpoints(), false), &world.declared), expected);
}

/// The last line of the summary of a platform; `KEY` stands for the key of that number.
async fn check_curl(platform: &Platform, endpoints: &Endpoints, demo: bool, (key, expected): (usize, &str)) {
    let declared = build(platform).await.declared;
    let text = summary(&declared, endpoints, demo);
    let expected =
        declared.keys.get(key).map_or(expected.to_owned(), |key| expected.replace("KEY", key.value.as_str()));
    assert_eq!(text.lines().last().unwrap().trim_start(), expected);
}

#[tokio::test]
async fn the_curl_line_works_with_what_is_declared() {
    let data = "-d name=my-api-key -d payload=secret_key_xxxxxx -d \"scope[type]=account\"";
    let url = "http://127.0.0.1:12111/v1/apps/secrets";
    check_curl(&platform(""), &endpoints(), false, (0, &format!("curl {url} -u sk_test_123: {data}"))).await;
    let own = "accounts = [{ id = \"acct_a\" }]\nkeys = [{ kind = \"publishable\", account = \"acct_a\" }, \
        { kind = \"secret\", account = \"acct_a\", mode = \"live\" }, { kind = \"secret\", account = \"acct_a\" }]";
    check_curl(&platform(own), &endpoints(), false, (2, &format!("curl {url} -u KEY: {data}"))).await;
    let tls_only = Endpoints { http: None, ca_file: Some("/it's/ca.pem".into()), ..endpoints() };
    let url_tls = "--cacert '/it'\\''s/ca.pem' https://127.0.0.1:12112/v1/apps/secrets";
    check_curl(&platform(own), &tls_only, false, (2, &format!("curl {url_tls} -u KEY: {data}"))).await;
    let data = "-d name=foo_api_key -d \"scope[type]=account\" -d \"expand[]=payload\"";
    // The first restricted key of test mode.
    check_curl(&Platform::demo(), &endpoints(), true, (5, &format!("curl -G {url}/find -u KEY: {data}"))).await;
}

#[tokio::test]
async fn the_terminal_obeys_no_control_character() {
    let file =
        "accounts = [{ id = \"acct_a\" }]\napps = [{ id = \"a\", owner = \"acct_a\", name = \"\\u001b[31mred\\n\" }]";
    let world = build(&platform(file)).await;
    let text = summary(&world.declared, &endpoints(), false);
    assert!(text.contains("\u{fffd}[31mred\u{fffd}"), "{text}");
}

/// Generated values depend on what names them, never on what else is declared.
#[tokio::test]
async fn generated_values_stay() {
    let foundation = testing::foundation().await;
    let values = async |keys: &str| -> Vec<String> {
        let file = platform(&format!("accounts = [{{ id = \"acct_a\" }}, {{ id = \"acct_b\" }}]\n{keys}"));
        let world = build_in(&foundation, &file).await;
        world.declared.keys.iter().map(|key| key.value.as_str().to_owned()).collect()
    };
    let (a, b) =
        ("[[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\n", "[[keys]]\nkind = \"secret\"\naccount = \"acct_b\"\n");
    let all = values(&[a, a, b].concat()).await;
    let [a0, a1, b0] = [0, 1, 2].map(|at| all[at].clone());
    assert_eq!(HashSet::from([&a0, &a1, &b0]).len(), 3);
    assert!([&a0, &a1, &b0].iter().all(|value| value.starts_with("sk_test_") && value.len() == 8 + 32));
    assert_eq!(values(a).await, [a0.as_str()]);
    assert_eq!(values(&[b, a, a].concat()).await, [b0.clone(), a0.clone(), a1.clone()]);
    assert_eq!(values(&[a, b, a].concat()).await, [a0.as_str(), &b0, &a1]);
    assert_eq!(values(&format!("{a}value = \"sk_test_own\"\n{a}")).await, ["sk_test_own".to_owned(), a1]);
}

/// `expected`: `developer/account/mode reach permissions`, or why not.
fn check_principal(world: &Built, key: &str, named: Option<&str>, now: Timestamp, expected: &str) {
    let directory = world.keeper.read();
    let credential = directory.credential(&world.credential_key(key)).expect("the key is declared");
    let actual = match directory.principal(credential, named.map(AccountId::new).as_ref(), now) {
        Ok(principal) => {
            let place = &principal.namespace;
            let may = match (principal.permissions.write, principal.permissions.read) {
                (true, _) => "writes",
                (false, true) => "reads",
                (false, false) => "nothing",
            };
            format!("{:?}/{:?}/{} {may}", place.developer, place.account, place.livemode.as_str())
        }
        Err(refused) => format!("{refused:?}"),
    };
    assert_eq!(actual, expected, "{key} on {named:?}");
}

#[tokio::test]
async fn rule_5_2_to_5_9_the_directory_has_what_the_file_declares() {
    let world = build(&platform(
        r#"
        accounts = [{ id = "acct_m" }, { id = "acct_dev" }, { id = "acct_idle" }]
        apps = [
            { id = "a", owner = "acct_dev", permissions = [{ permission = "secret_write" }, { permission = "charge_read" }] },
            { id = "b", owner = "acct_dev", permissions = [{ permission = "secret_read" }] },
        ]
        installs = [
            { app = "a", account = "acct_m", permissions = ["charge_read"], modes = ["live"] },
            { app = "a", account = "acct_m" },
            { app = "b", account = "acct_idle" },
        ]
        keys = [
            { kind = "secret", account = "acct_dev", value = "sk_test_dev" },
            { kind = "secret", account = "acct_dev", value = "sk_live_dev", mode = "live" },
            { kind = "restricted", account = "acct_m", app = "a", value = "rk_test_all" },
            { kind = "restricted", account = "acct_m", app = "a", value = "rk_test_read", permissions = ["secret_read", "x"] },
            { kind = "restricted", account = "acct_m", app = "a", value = "rk_test_none", permissions = [] },
            { kind = "oauth", account = "acct_idle", app = "b", value = "sk_test_oauth", permissions = ["secret_write"] },
            { kind = "oauth", account = "acct_dev", app = "a", value = "sk_test_gone" },
            { kind = "embedded", account = "acct_m", app = "a", user = "u", value = "ek_test_u", expires_in = "15m" },
            { kind = "restricted", account = "acct_m", value = "rk_test_own", permissions = ["app_install_write"] },
            { kind = "publishable", account = "acct_dev", value = "pk_test_p" },
        ]
        "#,
    ))
    .await;
    let now = world.at;
    for (key, named, expected) in [
        ("sk_test_dev", None, "acct_dev/acct_dev/test writes"),
        ("sk_test_dev", Some("acct_m"), "acct_dev/acct_m/test writes"),
        ("sk_test_dev", Some("acct_idle"), "acct_dev/acct_idle/test reads"),
        ("sk_test_dev", Some("acct_x"), "AccountNotReachable"),
        ("sk_live_dev", Some("acct_m"), "acct_dev/acct_m/live nothing"),
        ("sk_live_dev", Some("acct_idle"), "AccountNotReachable"),
        ("rk_test_all", None, "acct_dev/acct_m/test writes"),
        ("rk_test_read", None, "acct_dev/acct_m/test reads"),
        ("rk_test_none", None, "acct_dev/acct_m/test nothing"),
        ("sk_test_oauth", None, "acct_dev/acct_idle/test reads"),
        ("sk_test_gone", None, "AccountNotReachable"),
        ("ek_test_u", Some("acct_m"), "acct_dev/acct_m/test writes"),
        ("rk_test_own", None, "acct_m/acct_m/test nothing"),
        ("rk_test_own", Some("acct_dev"), "AccountNotReachable"),
        ("pk_test_p", None, "Publishable"),
    ] {
        check_principal(&world, key, named, now, expected);
    }
    let expires_at = world.keeper.read().credential(&world.credential_key("ek_test_u")).unwrap().expires_at.unwrap();
    assert!((now.plus(900)..now.plus(960)).contains(&expires_at));
    check_principal(&world, "ek_test_u", None, expires_at.plus(-1), "acct_dev/acct_m/test writes");
    check_principal(&world, "ek_test_u", None, expires_at, "Expired");
    let directory = world.keeper.read();
    assert!(directory.app(&AppId::new("a")).is_some_and(|app| app.owner.as_str() == "acct_dev"));
    assert!(directory.account(&AccountId::new("acct_idle")).is_some());
}

#[tokio::test]
async fn the_demo_world_is_the_cactus_practice() {
    let demo = Platform::demo();
    let accounts: Vec<_> = demo.accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(accounts, ["acct_cactus", "acct_devA", "acct_devB"]);
    assert_eq!(demo.accounts[0].users, [UserId::new("usr_1"), UserId::new("usr_2")]);
    let world = build(&demo).await;
    let mut kinds = HashMap::new();
    let mut values = HashSet::new();
    for key in &world.declared.keys {
        *kinds.entry((key.kind.as_str(), key.livemode.as_str())).or_insert(0) += 1;
        assert!(key.is_generated && values.insert(key.value.as_str()), "every value is generated and its own");
    }
    let expected = [
        (("secret", "test"), 2),
        (("secret", "live"), 2),
        (("restricted", "test"), 2),
        (("oauth", "test"), 2),
        (("embedded", "test"), 4),
        (("publishable", "test"), 1),
    ];
    assert_eq!(kinds, HashMap::from(expected));
    assert_eq!(world.declared.installs.len(), 4);
}

/// The demo secrets are where the demo keys find them.
#[tokio::test]
async fn demo_secrets_are_within_reach_of_demo_keys() {
    let world = build(&Platform::demo()).await;
    let directory = world.keeper.read();
    let reached = |secret: &crate::platform::DemoSecret| {
        let principals = world.declared.keys.iter().filter_map(|key| {
            let credential = directory.credential(&world.credential_key(key.value.as_str()))?;
            let named = (key.kind == KeyKind::Secret).then_some(&secret.account);
            directory.principal(credential, named, world.at).ok()
        });
        principals
            .filter(|principal| {
                let place = &principal.namespace;
                let here = place.developer == secret.developer && place.account == secret.account;
                here && place.livemode == secret.livemode && authorize::<Write>(principal, secret.scope.clone()).is_ok()
            })
            .count()
    };
    // Backends reach everything: secret, restricted and OAuth. Of the two extensions both reach the account, one its user.
    for secret in Platform::demo_secrets() {
        let expected = if secret.scope == cholla_domain::place::Scope::Account { 5 } else { 4 };
        assert_eq!(reached(&secret), expected, "{}", secret.name);
    }
    let credential = |name: &str| Platform::demo_secrets().iter().filter(|secret| secret.name == name).count();
    assert_eq!(
        ["foo_api_key", "bar_api_key", "oauth_access_token", "oauth_refresh_token"].map(credential),
        [1, 1, 4, 4]
    );
}
