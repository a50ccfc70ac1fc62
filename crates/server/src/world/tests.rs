use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use cholla_domain::policy::{Write, authorize};

use super::*;
use crate::platform::Purpose;

const STARTED_AT: Timestamp = Timestamp::from_unix(1_956_528_000);

/// Two keys that share a hash here would be a defect of the test only: the whole key is in it.
pub(super) fn test_hash(key: &[u8]) -> CredentialHash {
    let mut hash = [0_u8; 32];
    for (index, byte) in key.iter().enumerate() {
        hash[index % 32] = hash[index % 32].wrapping_mul(31).wrapping_add(*byte);
    }
    CredentialHash::from_bytes(hash)
}

/// The end of the label, so that an expected value can be read.
fn alphanumerics(label: &str, length: usize) -> Zeroizing<String> {
    let kept: String = label.chars().filter(char::is_ascii_alphanumeric).collect();
    let padded = format!("{}{kept}", "0".repeat(length));
    Zeroizing::new(padded[padded.len() - length..].to_owned())
}

fn build(platform: &Platform) -> World {
    let derivation = Derivation { credential_hash: &test_hash, alphanumerics: &alphanumerics };
    World::build(platform, &derivation, STARTED_AT)
}

fn platform(text: &str) -> Platform {
    let no_manifest = |_: &str| Err(std::io::ErrorKind::NotFound.into());
    Platform::parse("p.toml", text, &no_manifest, Purpose::Development).unwrap()
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
"#;

#[test]
fn the_ready_file_literally() {
    let world = build(&platform(SMALL));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ready.json");
    fs::write(&path, "old").unwrap();
    let endpoints = endpoints();
    ReadyFile::new(&world.declared, &endpoints).write(&path).unwrap();
    let expected = r#"{
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
      "signing_secret": "absec_declared"
    },
    {
      "id": "com.example.b",
      "owner": "acct_dev",
      "signing_secret": "absec_00000000signingsecretcomexampleb"
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
      "value": "ek_live_mbeddedacctmcomexampleausr1live0",
      "account": "acct_m",
      "app": "com.example.a",
      "user": "usr_1",
      "mode": "live"
    }
  ],
  "installs": [
    {
      "id": "appinst_test_00000installcomexampleaacctmtest",
      "app": "com.example.a",
      "account": "acct_m",
      "mode": "test"
    },
    {
      "id": "appinst_00000installcomexampleaacctmlive",
      "app": "com.example.a",
      "account": "acct_m",
      "mode": "live"
    }
  ]
}
"#;
    assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["ready.json"], "no temporary file is left behind");
}

#[test]
fn the_ready_file_needs_its_folder() {
    let world = build(&platform(""));
    let error = ReadyFile::new(&world.declared, &endpoints()).write(Path::new("/nonexistent/ready.json")).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[test]
fn the_terminal_masks_what_the_file_declares() {
    let world = build(&platform(SMALL));
    let expected = r#"API    http://127.0.0.1:12111
API    https://127.0.0.1:12112
CA     /data/ca.pem
Admin  http://127.0.0.1:12113
Token  token

Apps
  APP            NAME           VERSION  DISTRIBUTION  OWNER     SIGNING SECRET
  com.example.a  com.example.a  0.0.1    private       acct_dev  absec_****
  com.example.b  com.example.b  0.0.1    private       acct_dev  absec_00000000signingsecretcomexampleb

Installs
  APP            ACCOUNT  MODE  GRANTED
  com.example.a  acct_m   test  secret_write
  com.example.a  acct_m   live  secret_write

Keys
  KIND      MODE  ACCOUNT   APP            USER   KEY
  secret    test  acct_dev                        sk_test_****1234
  embedded  live  acct_m    com.example.a  usr_1  ek_live_mbeddedacctmcomexampleausr1live0

Try it:
  curl http://127.0.0.1:12111/v1/apps/secrets -u YOUR_KEY: -d name=my-api-key -d payload=secret_key_xxxxxx -d "scope[type]=account"
"#;
    assert_eq!(summary(&world.declared, &endpoints(), false), expected);
}

/// The last line of the summary of a platform.
fn check_curl(platform: &Platform, endpoints: &Endpoints, demo: bool, expected: &str) {
    let text = summary(&build(platform).declared, endpoints, demo);
    assert_eq!(text.lines().last().unwrap().trim_start(), expected);
}

#[test]
fn the_curl_line_works_with_what_is_declared() {
    let data = "-d name=my-api-key -d payload=secret_key_xxxxxx -d \"scope[type]=account\"";
    let url = "http://127.0.0.1:12111/v1/apps/secrets";
    check_curl(&platform(""), &endpoints(), false, &format!("curl {url} -u sk_test_123: {data}"));
    let own = "accounts = [{ id = \"acct_a\" }]\nkeys = [{ kind = \"publishable\", account = \"acct_a\" }, \
        { kind = \"secret\", account = \"acct_a\", mode = \"live\" }, { kind = \"secret\", account = \"acct_a\" }]";
    let key = "sk_test_0000000000000keysecretacctatest0";
    check_curl(&platform(own), &endpoints(), false, &format!("curl {url} -u {key}: {data}"));
    let tls_only = Endpoints { http: None, ca_file: Some("/it's/ca.pem".into()), ..endpoints() };
    let url_tls = "--cacert '/it'\\''s/ca.pem' https://127.0.0.1:12112/v1/apps/secrets";
    check_curl(&platform(own), &tls_only, false, &format!("curl {url_tls} -u {key}: {data}"));
    let key = "rk_test_tedacctcactuscomexampleappatest0";
    let data = "-d name=foo_api_key -d \"scope[type]=account\" -d \"expand[]=payload\"";
    check_curl(&Platform::demo(), &endpoints(), true, &format!("curl -G {url}/find -u {key}: {data}"));
}

#[test]
fn the_terminal_obeys_no_control_character() {
    let world = build(&platform(
        "accounts = [{ id = \"acct_a\" }]\napps = [{ id = \"a\", owner = \"acct_a\", name = \"\\u001b[31mred\\n\" }]",
    ));
    let text = summary(&world.declared, &endpoints(), false);
    assert!(text.contains("\u{fffd}[31mred\u{fffd}"), "{text}");
}

/// Generated values depend on what names them, never on what else is declared.
#[test]
fn generated_values_stay() {
    let values = |keys: &str| -> Vec<String> {
        let world = build(&platform(&format!("accounts = [{{ id = \"acct_a\" }}, {{ id = \"acct_b\" }}]\n{keys}")));
        world.declared.keys.iter().map(|key| key.value.as_str().to_owned()).collect()
    };
    let (a, b) =
        ("[[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\n", "[[keys]]\nkind = \"secret\"\naccount = \"acct_b\"\n");
    let value = |account: &str, ordinal: usize| format!("sk_test_0000000000000keysecret{account}test{ordinal}");
    let (a0, a1, b0) = (value("accta", 0), value("accta", 1), value("acctb", 0));
    assert_eq!(values(a), [a0.as_str()]);
    assert_eq!(values(&[b, a, a].concat()), [b0.clone(), a0.clone(), a1.clone()]);
    assert_eq!(values(&[a, b, a].concat()), [a0, b0, a1.clone()]);
    assert_eq!(values(&format!("{a}value = \"sk_test_own\"\n{a}")), ["sk_test_own".to_owned(), a1]);
}

/// `expected`: `developer/account/mode reach permissions`, or why not.
fn check_principal(world: &World, key: &str, named: Option<&str>, now: Timestamp, expected: &str) {
    let credential = world.directory.credential(&test_hash(key.as_bytes())).expect("the key is declared");
    let actual = match world.directory.principal(credential, named.map(AccountId::new).as_ref(), now) {
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

#[test]
fn rule_5_2_to_5_9_the_directory_has_what_the_file_declares() {
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
            { kind = "publishable", account = "acct_dev", value = "pk_test_p" },
        ]
        "#,
    ));
    let now = STARTED_AT;
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
        ("pk_test_p", None, "Publishable"),
    ] {
        check_principal(&world, key, named, now, expected);
    }
    check_principal(&world, "ek_test_u", None, now.plus(899), "acct_dev/acct_m/test writes");
    check_principal(&world, "ek_test_u", None, now.plus(900), "Expired");
    assert!(world.directory.app(&AppId::new("a")).is_some_and(|app| app.owner.as_str() == "acct_dev"));
    assert!(world.directory.has_account(&AccountId::new("acct_idle")));
}

#[test]
fn the_demo_world_is_the_cactus_practice() {
    let demo = Platform::demo();
    let accounts: Vec<_> = demo.accounts.iter().map(|account| account.id.as_str()).collect();
    assert_eq!(accounts, ["acct_cactus", "acct_devA", "acct_devB"]);
    assert_eq!(demo.accounts[0].users, [UserId::new("usr_1"), UserId::new("usr_2")]);
    let world = build(&demo);
    let mut kinds = HashMap::new();
    let mut values = HashSet::new();
    for key in &world.declared.keys {
        *kinds.entry((kind_and_prefix(&key.kind).0, key.livemode.as_str())).or_insert(0) += 1;
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
#[test]
fn demo_secrets_are_within_reach_of_demo_keys() {
    let world = build(&Platform::demo());
    let reached = |secret: &crate::platform::DemoSecret| {
        let principals = world.declared.keys.iter().filter_map(|key| {
            let credential = world.directory.credential(&test_hash(key.value.as_str().as_bytes()))?;
            let named = (key.kind == CredentialKind::Secret).then_some(&secret.account);
            world.directory.principal(credential, named, STARTED_AT).ok()
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
