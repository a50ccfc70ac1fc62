use std::collections::BTreeSet;

use cholla_domain::directory::account::Account;
use cholla_domain::directory::decision::Decision;
use cholla_domain::directory::record::Record;
use cholla_domain::id::AccountId;
use cholla_domain::installs::{Actor, end_install};
use cholla_domain::livemode::Livemode;
use cholla_seal::KeyFileError;

use super::*;
use crate::testing;

/// Dev mode in memory, with the demo world and no listener.
async fn admin() -> Arc<Admin> {
    let store = Store::in_memory(&Options::default()).unwrap();
    let foundation = Arc::new(Foundation::lay(store, RootKey::generate().unwrap()).await.unwrap());
    let platform = Platform::demo();
    let clock = Arc::new(ServerClock::default());
    let keeper = foundation.keeper(&clock, GRACE_SECONDS_DEFAULT).unwrap();
    settle(&keeper, &foundation, &platform).await.unwrap();
    let api = Arc::new(foundation.api(keeper, Settings { clock: Arc::clone(&clock), ..testing::settings() }));
    seed(&api.ports, &foundation.keyring, &Platform::demo_secrets(), clock.now()).await.unwrap();
    let dev = DevWorld {
        platform,
        demo_secrets: Vec::new(),
        foundation: Arc::clone(&foundation),
        clock_file: None,
        moved: Arc::default(),
        faults: Arc::default(),
        changing: Mutex::default(),
    };
    let token = foundation.instance.credential_hash(b"token");
    let webhook_reach = address::Reach::Everywhere;
    Arc::new(Admin { api, store: Arc::clone(&foundation.store), token, webhook_reach, dev: Some(dev) })
}

/// Status and message of a request to dev mode's own endpoints.
async fn ask(admin: &Arc<Admin>, token: &str, (method, path): (Method, &str), body: &str) -> (u16, String) {
    let request = http::Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
    let body = http_body_util::Full::new(bytes::Bytes::from(body.to_owned()));
    let answer = crate::admin::serve(admin, request.body(body).unwrap()).await;
    let status = answer.status().as_u16();
    let bytes = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    let answer: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    (status, answer["error"]["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_clock_the_faults_and_the_reset_are_an_operators() {
    let admin = admin().await;
    let auditor = "admin_auditor";
    let decided = admin.api.keeper.decide(admin.api.keeper.unasked(), move |ctx| {
        let nobody = AccountId::new("");
        let new = cholla_domain::operator::NewCredential {
            kind: cholla_domain::operator::NewKind::Admin(cholla_domain::directory::credential::Role::Auditor),
            account: &nobody,
            livemode: Livemode::Test,
            permissions: None,
            expires_at: None,
            value: Some(zeroize::Zeroizing::new(auditor.to_owned())),
        };
        let Decision { change, .. } = cholla_domain::operator::create_credential(ctx, "test", new).unwrap();
        Decision { change, outcome: () }
    });
    decided.await.unwrap();
    for (token, method, path, body, expected, words) in [
        ("token", Method::GET, "/dev/clock", "", 200, ""),
        (auditor, Method::GET, "/dev/clock", "", 403, "an auditor's"),
        (auditor, Method::POST, "/dev/reset", "", 403, "an auditor's"),
        (auditor, Method::GET, "/dev/faults", "", 403, "an auditor's"),
        ("wrong", Method::GET, "/dev/clock", "", 401, "admin token"),
        ("token", Method::POST, "/dev/clock", r#"{"set": 1, "set": 2}"#, 400, "`set` twice"),
        ("token", Method::POST, "/dev/faults", r#"{"faults": [], "faults": []}"#, 400, "`faults` twice"),
        ("token", Method::POST, "/dev/faults", r#"{"faults": [{"next": 1, "next": 2}]}"#, 400, "`next` twice"),
    ] {
        let (status, message) = ask(&admin, token, (method, path), body).await;
        assert_eq!(status, expected, "{path} {body}: {message}");
        assert!(message.contains(words), "{path} {body}: {message}");
    }
}

async fn has_secrets(admin: &Admin) -> bool {
    let namespace = Namespace {
        developer: AccountId::new("acct_devA"),
        account: AccountId::new("acct_cactus"),
        livemode: Livemode::Test,
    };
    admin.api.ports.keys.find(&namespace).await.unwrap().is_some()
}

/// Otherwise an operation that has looked up its namespace's key would seal under it after it was erased.
#[tokio::test]
async fn a_reset_waits_for_the_operations_that_have_begun() {
    let admin = admin().await;
    let operation = admin.api.without_reset().await;
    let resetting = Arc::clone(&admin);
    let reset = tokio::spawn(async move {
        let dev = resetting.dev.as_ref().unwrap();
        dev.serve(&resetting, &Method::POST, "/dev/reset", b"").await
    });
    // The other task goes as far as it can; what it has queued by then, the writer does before the probe.
    tokio::task::yield_now().await;
    admin.store.probe().await.unwrap();
    assert!(!reset.is_finished() && has_secrets(&admin).await, "nothing is erased under an operation");
    drop(operation);
    assert!(reset.await.unwrap().is_ok());
    assert!(!has_secrets(&admin).await);
    assert!(admin.api.without_reset().await.is_some(), "the next operation begins");
}

/// What requests have made of the directory goes, and what the file declares is there again.
#[tokio::test]
async fn a_reset_returns_to_the_platform_file() {
    let admin = admin().await;
    let keeper = &admin.api.keeper;
    let shown = || {
        let directory = keeper.read();
        let mut installs: Vec<_> = directory.installs().map(|install| install.id.to_string()).collect();
        installs.sort_unstable();
        let mut keys: Vec<_> = directory.credentials().map(|credential| credential.key).collect();
        keys.sort_unstable();
        (installs, keys, directory.accounts().count())
    };
    let before = shown();
    let ended = keeper.decide(keeper.unasked(), |ctx| {
        let install = ctx.directory.installs().next().unwrap();
        let mut change = end_install(ctx, Actor::Operator("test"), install);
        change.put(Record::Account(Account {
            id: AccountId::new("acct_new"),
            name: None,
            connected_to: BTreeSet::new(),
            made_up: false,
            created_at: ctx.now,
        }));
        Decision { change, outcome: () }
    });
    ended.await.unwrap();
    assert_eq!((shown().0.len(), shown().2), (before.0.len() - 1, before.2 + 1));
    admin.dev.as_ref().unwrap().serve(&admin, &Method::POST, "/dev/reset", b"").await.unwrap();
    assert_eq!(shown(), before);
    assert_eq!(admin.api.keeper.read().all_ended().count(), 0);
}

#[tokio::test]
async fn the_clock_goes_forward_and_back_with_a_reset() {
    let admin = admin().await;
    let dev = admin.dev.as_ref().unwrap();
    let before = admin.api.now();
    dev.serve(&admin, &Method::POST, "/dev/clock", br#"{"advance": "30d"}"#).await.unwrap();
    assert!(admin.api.now() >= before.plus(30 * 86_400));
    dev.serve(&admin, &Method::POST, "/dev/reset", b"").await.unwrap();
    assert!((before..before.plus(86_400)).contains(&admin.api.now()));
}

#[tokio::test]
async fn the_clock_takes_one_member_and_goes_forward() {
    let admin = admin().await;
    let dev = admin.dev.as_ref().unwrap();
    let now = admin.api.now().as_unix();
    for (body, moves) in [
        (r#"{"advance": "2h"}"#.to_owned(), true),
        (format!(r#"{{"set": {}}}"#, now + 86_400), true),
        (r#"{"set": 253402300799}"#.to_owned(), true),
        (r#"{"advance": "1s"}"#.to_owned(), false),
        (r#"{"set": 253402300800}"#.to_owned(), false),
        (r#"{"set": 9223372036854775807}"#.to_owned(), false),
        (format!(r#"{{"set": {now}}}"#), false),
        (r#"{"advance": "1s", "set": 253402300799}"#.to_owned(), false),
        (r#"{"advance": "1s", "set": null}"#.to_owned(), false),
        (r#"{"advance": null}"#.to_owned(), false),
        (r#"{"advance": "1w"}"#.to_owned(), false),
        (r#"{"advance": 5}"#.to_owned(), false),
        (r#"{"set": "5"}"#.to_owned(), false),
        (r#"{"later": 5}"#.to_owned(), false),
        ("{}".to_owned(), false),
        ("[]".to_owned(), false),
        (String::new(), false),
    ] {
        let before = admin.api.now();
        let answer = dev.serve(&admin, &Method::POST, "/dev/clock", body.as_bytes()).await;
        assert_eq!(answer.is_ok(), moves, "{body}");
        assert_eq!(admin.api.now() > before.plus(60), moves, "{body}");
    }
}

#[tokio::test]
async fn a_lost_root_key_is_not_replaced() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("root.key");
    let store = Store::open(home.path(), &Options::default()).unwrap();
    let first = kept_root_key(&file, &store).await.unwrap();
    assert_eq!(kept_root_key(&file, &store).await.unwrap().id(), first.id(), "it is kept");
    let foundation = Foundation::lay(store, first).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let lost = kept_root_key(&file, &foundation.store).await.map(|_| ());
    assert!(matches!(lost, Err(StartError::RootKey(KeyFileError::Missing(_)))), "{lost:?}");
    assert!(!file.exists(), "its place is free for the one that is restored");
}
