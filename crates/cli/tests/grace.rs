//! The grace period to the second: what a reinstall finds at its last second, and at the one after it (contract 14.5 to 14.7).

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod server;
    pub(crate) mod world;
}

use std::fs;

use serde_json::{Value, json};
use support::server::Server;
use support::world::{Answer, Client, DEVELOPER, KEYS_APP, OAUTH_APP, platform, text};
use tempfile::TempDir;

/// Seconds of the grace period in dev mode.
const GRACE: i64 = 30 * 24 * 60 * 60;
/// Accounts of the world. A case that the clock's second ran away from is begun anew on the next one.
const ACCOUNTS: u64 = 12;
/// Another app of the developer.
const SECOND_APP: &str = "com.example.second";
/// The developer's key in live mode.
const LIVE: &str = "sk_live_TheLiveKeyOfTheDeveloperOfTheApps";
/// The grant of an app on `acct_held` leaves out what this names.
const MORE: &str = r#"
[[apps]]
id = "com.example.second"
owner = "acct_dev"
permissions = [{ permission = "secret_write", purpose = "Stores" }, { permission = "event_read", purpose = "Reads" }]

[[accounts]]
id = "acct_held"
connected_to = ["acct_dev"]

[[installs]]
app = "com.example.second"
account = "acct_held"
permissions = ["event_read"]

[[keys]]
kind = "secret"
account = "acct_dev"
mode = "live"
value = "sk_live_TheLiveKeyOfTheDeveloperOfTheApps"
"#;

struct Dev {
    _home: TempDir,
    server: Server,
    client: Client,
}

impl Dev {
    fn start() -> Self {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("platform.toml");
        fs::write(&file, platform(ACCOUNTS) + MORE).unwrap();
        let server = Server::start(home.path(), &["--strict", "--platform", file.to_str().unwrap()]);
        let client = Client::of_dev(&server);
        Self { _home: home, server, client }
    }

    fn now(&self) -> i64 {
        self.client.admin("/dev/clock", None).unwrap().ok()["now"].as_i64().unwrap()
    }

    fn set_clock(&self, to: i64) {
        self.client.admin("/dev/clock", Some(&json!({"set": to}))).unwrap().ok();
    }

    /// Does something within one second, and says which; none where the second ended meanwhile.
    fn within_a_second<T>(&self, act: impl FnOnce() -> T) -> Option<(i64, T)> {
        let before = self.now();
        let done = act();
        (self.now() == before).then_some((before, done))
    }

    fn uninstall(&self, who: (&str, &str), install: &Value) {
        self.client.uninstall(who, &text(install, "id")).ok();
    }

    fn set(&self, (key, account): (&str, &str), form: &str) -> Answer {
        self.client.call((key, account), "/v1/apps/secrets", Some(form))
    }

    /// Everything in the account's scope and the user's, with payloads.
    fn all(&self, key: &str, account: &str) -> Vec<Value> {
        let of = |scope: &str| {
            let path = format!("/v1/apps/secrets?{scope}&limit=100&expand[]=data.payload");
            self.client.call((key, account), &path, None).ok()["data"].as_array().unwrap().clone()
        };
        [of("scope[type]=account"), of("scope[type]=user&scope[user]=usr_1")].concat()
    }
}

fn names(secrets: &[Value]) -> Vec<&str> {
    secrets.iter().map(|secret| secret["name"].as_str().unwrap()).collect()
}

/// Runs `case` on one account after the other until it was not interrupted by the end of a second.
fn on_an_account(case: impl Fn(&str) -> Option<()>) {
    assert!((0..ACCOUNTS).any(|number| case(&format!("acct_{number}")).is_some()), "no second was long enough");
}

#[test]
fn rule_14_5_a_reinstall_in_the_last_second_of_grace_finds_everything() {
    let dev = Dev::start();
    on_an_account(|account| {
        let who = (DEVELOPER, account);
        let install = dev.client.install((DEVELOPER, account), OAUTH_APP);
        let at = dev.now();
        for form in [
            "name=stays&payload=one&scope[type]=account".to_owned(),
            "name=of-a-user&payload=two&scope[type]=user&scope[user]=usr_1".to_owned(),
            format!("name=expires-later&payload=three&scope[type]=account&expires_at={}", at + GRACE + 3600),
            format!("name=expires-meanwhile&payload=four&scope[type]=account&expires_at={}", at + 3600),
        ] {
            dev.set(who, &form).ok();
        }
        let before = dev.all(DEVELOPER, account);
        assert_eq!(before.len(), 4);
        let (ended_at, ()) = dev.within_a_second(|| dev.uninstall((DEVELOPER, account), &install))?;
        dev.set_clock(ended_at + GRACE - 1);
        let (at, again) = dev.within_a_second(|| dev.client.install((DEVELOPER, account), OAUTH_APP))?;
        assert_eq!(at, ended_at + GRACE - 1);
        assert_ne!(again["id"], install["id"], "a reinstall is a new object");
        let survivors: Vec<_> = before.into_iter().filter(|secret| secret["name"] != "expires-meanwhile").collect();
        assert_eq!(dev.all(DEVELOPER, account), survivors, "ids, payloads and expiries are what they were");
        // The grace period that ended does not go on: the secrets stay, and what expires does so when it said it would.
        dev.set_clock(at + 3);
        assert_eq!(dev.all(DEVELOPER, account), survivors);
        dev.set_clock(ended_at + GRACE + 7200);
        assert_eq!(names(&dev.all(DEVELOPER, account)), ["stays", "of-a-user"]);
        dev.set(who, "name=stays&payload=new&scope[type]=account").ok();
        Some(())
    });
}

#[test]
fn rule_14_6_a_reinstall_in_the_first_second_after_grace_finds_nothing() {
    let dev = Dev::start();
    on_an_account(|account| {
        let who = (DEVELOPER, account);
        let install = dev.client.install((DEVELOPER, account), OAUTH_APP);
        dev.set(who, "name=goes&payload=one&scope[type]=account").ok();
        dev.set(who, "name=goes&payload=two&scope[type]=user&scope[user]=usr_1").ok();
        let before = dev.all(DEVELOPER, account);
        let (ended_at, ()) = dev.within_a_second(|| dev.uninstall((DEVELOPER, account), &install))?;
        dev.set_clock(ended_at + GRACE - 1);
        let (at, ()) = dev.within_a_second(|| ())?;
        assert_eq!(at, ended_at + GRACE - 1);
        dev.set_clock(ended_at + GRACE);
        // At once: whether the erasure has begun does not matter.
        let (at, _) = dev.within_a_second(|| dev.client.install((DEVELOPER, account), OAUTH_APP))?;
        assert_eq!(at, ended_at + GRACE);
        assert_eq!(dev.all(DEVELOPER, account), Vec::<Value>::new());
        let anew = dev.set(who, "name=goes&payload=three&scope[type]=account").ok();
        assert!(before.iter().all(|secret| secret["id"] != anew["id"]), "a new secret under an old name");
        Some(())
    });
}

#[test]
fn rule_14_6_of_two_apps_that_share_a_namespace_the_last_one_counts() {
    let dev = Dev::start();
    for (later, found) in [(GRACE - 1, 1), (GRACE, 0)] {
        on_an_account(|account| {
            let account =
                if found == 1 { account.to_owned() } else { format!("acct_{}", ACCOUNTS - 1 - number(account)) };
            let account = account.as_str();
            let (first, second) = (
                dev.client.install((DEVELOPER, account), OAUTH_APP),
                dev.client.install((DEVELOPER, account), SECOND_APP),
            );
            dev.set((DEVELOPER, account), "name=shared&payload=one&scope[type]=account").ok();
            dev.uninstall((DEVELOPER, account), &first);
            dev.set_clock(dev.now() + 2 * GRACE);
            assert_eq!(names(&dev.all(DEVELOPER, account)), ["shared"], "the other app is still there");
            let (ended_at, ()) = dev.within_a_second(|| dev.uninstall((DEVELOPER, account), &second))?;
            dev.set_clock(ended_at + later);
            let (at, _) = dev.within_a_second(|| dev.client.install((DEVELOPER, account), OAUTH_APP))?;
            assert_eq!(at, ended_at + later);
            assert_eq!(dev.all(DEVELOPER, account).len(), found, "{later} seconds after the last one");
            Some(())
        });
    }
}

fn number(account: &str) -> u64 {
    account.strip_prefix("acct_").unwrap().parse().unwrap()
}

#[test]
fn rule_14_5_an_app_with_restricted_keys_holds_the_namespace_too() {
    let dev = Dev::start();
    let account = "acct_0";
    let (first, second) =
        (dev.client.install((DEVELOPER, account), OAUTH_APP), dev.client.install((DEVELOPER, account), KEYS_APP));
    dev.set((DEVELOPER, account), "name=shared&payload=one&scope[type]=account").ok();
    dev.uninstall((DEVELOPER, account), &first);
    dev.set_clock(dev.now() + 2 * GRACE);
    let path = format!("/v1/installs/{}/keys", text(&second, "id"));
    let key = text(&dev.client.admin(&path, Some(&json!({}))).unwrap().ok(), "key");
    let page = dev.client.call((&key, ""), "/v1/apps/secrets?scope[type]=account", None).ok();
    assert_eq!(names(page["data"].as_array().unwrap()), ["shared"]);
}

#[test]
fn rule_14_5_live_and_test_end_apart() {
    let dev = Dev::start();
    let account = "acct_0";
    for (ending, staying) in [(DEVELOPER, LIVE), (LIVE, DEVELOPER)] {
        let install = dev.client.install((ending, account), OAUTH_APP);
        dev.client.install((staying, account), OAUTH_APP);
        for key in [ending, staying] {
            dev.set((key, account), "name=name&payload=one&scope[type]=account").ok();
        }
        dev.uninstall((ending, account), &install);
        dev.set_clock(dev.now() + GRACE + 60);
        assert_eq!(names(&dev.all(staying, account)), ["name"]);
        dev.client.install((ending, account), OAUTH_APP);
        assert_eq!(dev.all(ending, account), Vec::<Value>::new());
    }
}

#[test]
fn rule_13_4_a_reinstall_by_the_developer_within_grace_grants_at_most_what_was_granted() {
    let dev = Dev::start();
    let account = "acct_held";
    let declared = &dev.server.ready["installs"][0];
    let granted = |install: &Value, granted: &[&str], pending: &[&str]| {
        assert_eq!(install["permissions_granted"], json!(granted), "{install}");
        assert_eq!(install["permissions_pending"], json!(pending), "{install}");
        let status = dev.set((DEVELOPER, account), "name=name&payload=one&scope[type]=account").status;
        assert_eq!(status == 200, granted.contains(&"secret_write"), "{install}");
    };
    let show = |id: &str| dev.client.call((DEVELOPER, account), &format!("/v1/apps/installs/{id}"), None).ok();
    let mut install = show(declared["id"].as_str().unwrap());
    granted(&install, &["event_read"], &["secret_write"]);
    // Again and again, and at the end of the period that began last: not more than the account itself has granted.
    for later in [0, GRACE / 2, GRACE - 10] {
        dev.uninstall((DEVELOPER, account), &install);
        dev.set_clock(dev.now() + later);
        install = dev.client.install((DEVELOPER, account), SECOND_APP);
        granted(&install, &["event_read"], &["secret_write"]);
    }
    dev.uninstall((DEVELOPER, account), &install);
    dev.set_clock(dev.now() + GRACE);
    let anew = dev.client.install((DEVELOPER, account), SECOND_APP);
    granted(&anew, &["event_read", "secret_write"], &[]);
    assert!(dev.server.stop().success());
}
