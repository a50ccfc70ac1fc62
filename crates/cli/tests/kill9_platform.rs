//! Kill -9 while installs, grants, keys, erasures and deliveries change: what was acknowledged is there whole after the restart, and what was
//! not happened wholly or not at all (contract 10.13, 10.14, 14.3, 15.9, 16.2, 17.6).

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod random;
    pub(crate) mod receiver;
    pub(crate) mod server;
    pub(crate) mod world;
}

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::{Duration, Instant};

use cholla_server::receipts::verify_receipt;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use support::random::Random;
use support::receiver::{Delivered, Receiver};
use support::server::Server;
use support::world::{Answer, Client, DEVELOPER, KEYS_APP, OAUTH_APP, platform, text};

/// How often the server is killed under load.
const ROUNDS: u64 = 30;
/// Threads that change things at the same time, each on an account of its own.
const CLIENTS: u64 = 4;
/// Acknowledgements after which a round ends, at most.
const ACKNOWLEDGED_MAX: u64 = 60;
/// The secret of the webhook endpoint.
const SECRET: &str = "whsec_TheSecretOfTheEndpointOfTheDeveloper";
/// Erasures that are killed.
const ERASURES: u64 = 4;
/// How often each of them is, at most.
const KILLS: u64 = 6;
/// How long is waited, looking again and again, for what must come.
const PATIENCE: Duration = Duration::from_mins(1);

/// What a thread does next.
#[derive(Clone, Debug)]
enum Step {
    /// Installs the OAuth app, or asks for a fresh code of it.
    Install,
    /// Exchanges a code.
    Exchange(String),
    /// Refreshes.
    Refresh(String),
    /// Uninstalls one of the apps.
    Uninstall(&'static str, String),
    /// Reauthorizes an install, which changes nothing.
    Reauthorize(String),
    /// Installs the app with restricted keys.
    InstallKeys,
    /// Draws or rolls the restricted key of an install, with an overlap or without.
    Roll(String, bool),
    /// Rolls the account's own secret key.
    RollOwn(String, bool),
}

/// An install of the OAuth app.
#[derive(Clone, Debug)]
struct Granted {
    id: String,
    code: Option<String>,
    /// Access token and refresh token.
    pair: Option<(String, String)>,
}

/// A key that is rolled.
#[derive(Clone, Debug)]
struct Rolled {
    /// What it is rolled by: the install of a restricted key, the id of a secret key.
    id: String,
    key: Option<String>,
    /// The one before, and whether it lives on.
    previous: Option<(String, bool)>,
}

impl Rolled {
    fn take(&mut self, key: String, overlap: bool) {
        self.previous = self.key.replace(key).map(|key| (key, overlap));
    }

    /// Whether what is known of it is so.
    fn verify(&self, opens: impl Fn(&str) -> bool, at: &str) {
        if let Some(key) = &self.key {
            assert!(opens(key), "{at}: the key that was answered works");
        }
        if let Some((previous, lives)) = &self.previous {
            assert_eq!(opens(previous), *lives, "{at}: the key before agrees with it");
        }
    }

    /// A roll whose answer nobody has: either the key is what it was, or there is another one and the old one is as it was asked for.
    /// `page` lists what is alive. Answers the id of the key that counts.
    fn settle(&mut self, page: &Value, overlap: bool, opens: impl Fn(&str) -> bool, at: &str) -> Option<String> {
        let page = page["data"].as_array().unwrap();
        let current: Vec<_> = page.iter().filter(|key| key["revoked_at"].is_null()).collect();
        assert!(current.len() <= 1, "{at}: {page:?}");
        let id = current.first().map(|key| text(key, "id"));
        let Some(key) = self.key.clone() else { return id };
        assert_eq!(current.len(), 1, "{at}: {page:?}");
        let shown = page.iter().find(|shown| text(shown, "masked").ends_with(&key[key.len() - 4..]));
        match shown {
            None => assert!(!opens(&key) && !overlap, "{at}: the old key is gone, and was to go"),
            Some(shown) if !shown["revoked_at"].is_null() => assert!(opens(&key) && overlap, "{at}: {shown}"),
            Some(_) => {
                assert!(opens(&key), "{at}: nothing happened");
                return id;
            }
        }
        // The key that nobody knows is the one that the next roll ends.
        (self.key, self.previous) = (None, None);
        id
    }
}

/// One thread: what it knows to be so, and what was under way when the server died.
struct Worker {
    account: String,
    random: Random,
    steps: u64,
    oauth: Option<Granted>,
    keys: Option<Rolled>,
    own: Option<Rolled>,
    pending: Option<(Step, String)>,
    /// Every install that ever was, and whether it ended.
    installs: BTreeMap<String, bool>,
    /// What nothing may open any more.
    dead: Vec<String>,
}

impl Worker {
    fn new(number: u64) -> Self {
        Self {
            account: format!("acct_{number}"),
            random: Random::new(number),
            steps: 0,
            oauth: None,
            keys: None,
            own: None,
            pending: None,
            installs: BTreeMap::new(),
            dead: Vec::new(),
        }
    }

    /// Changes things until the server is gone.
    fn load(&mut self, client: &Client, acknowledged: &Sender<()>) {
        loop {
            let step = self.draw();
            self.steps += 1;
            let key = format!("key-{}-{}", self.account, self.steps);
            self.pending = Some((step.clone(), key.clone()));
            let Ok(answer) = self.take(client, &step, &key) else { return };
            assert!(!answer.replayed, "{step:?}");
            self.know(step, &answer.ok());
            self.pending = None;
            if acknowledged.send(()).is_err() {
                return;
            }
        }
    }

    fn draw(&mut self) -> Step {
        let chance = self.random.below(10);
        let install = match (&self.oauth, &self.keys) {
            (None, _) if chance < 5 => return Step::Install,
            (_, None) => return Step::InstallKeys,
            (Some(_) | None, Some(_)) => self.oauth.clone(),
        };
        let (keyed, own) = (self.keys.clone().unwrap(), self.own.clone().unwrap());
        match (install, chance) {
            (None, 5 | 6) => Step::RollOwn(own.id, self.random.below(2) == 0),
            (None, _) | (Some(_), 8) => Step::Roll(keyed.id, self.random.below(2) == 0),
            (Some(_), 9) => Step::Uninstall(KEYS_APP, keyed.id),
            (Some(install), 0 | 7) => Step::Uninstall(OAUTH_APP, install.id),
            (Some(install), 1) => Step::Reauthorize(install.id),
            (Some(Granted { code: Some(code), .. }), _) => Step::Exchange(code),
            (Some(Granted { pair: Some((_, refresh)), .. }), 2..=5) => Step::Refresh(refresh),
            (Some(_), _) => Step::Install,
        }
    }

    fn take(&self, client: &Client, step: &Step, key: &str) -> Result<Answer, ureq::Error> {
        let who = (DEVELOPER, self.account.as_str());
        let token = |form: String| client.send((DEVELOPER, ""), "/v1/oauth/token", Some(&form), key);
        let installs = "/v1/apps/installs";
        match step {
            Step::Install => client.send(who, installs, Some(&format!("app={OAUTH_APP}&channel=public")), key),
            Step::InstallKeys => client.send(who, installs, Some(&format!("app={KEYS_APP}&channel=testing")), key),
            Step::Exchange(code) => token(format!("grant_type=authorization_code&code={code}")),
            Step::Refresh(refresh) => token(format!("grant_type=refresh_token&refresh_token={refresh}")),
            Step::Uninstall(_, id) => client.send(who, &format!("{installs}/{id}/uninstall"), Some(""), key),
            Step::Reauthorize(id) => client.send(who, &format!("{installs}/{id}"), Some(""), key),
            Step::Roll(id, overlap) => client.admin(&format!("/v1/installs/{id}/keys"), Some(&overlapping(*overlap))),
            Step::RollOwn(id, overlap) => client.admin(&format!("/v1/keys/{id}/roll"), Some(&overlapping(*overlap))),
        }
    }

    /// Remembers what was acknowledged.
    fn know(&mut self, step: Step, answer: &Value) {
        match step {
            Step::Install => {
                let (id, code) = (text(answer, "id"), Some(text(answer, "auth_code")));
                match &mut self.oauth {
                    Some(install) => {
                        assert_eq!(install.id, id, "there is one install of an app");
                        install.code = code;
                    }
                    none => {
                        assert_eq!(self.installs.insert(id.clone(), false), None, "an id is new");
                        *none = Some(Granted { id, code, pair: None });
                    }
                }
            }
            Step::InstallKeys => {
                let id = text(answer, "id");
                assert_eq!(self.installs.insert(id.clone(), false), None, "an id is new");
                self.keys = Some(Rolled { id, key: None, previous: None });
            }
            Step::Exchange(_) | Step::Refresh(_) => {
                assert_eq!(text(answer, "stripe_user_id"), self.account);
                let install = self.oauth.as_mut().unwrap();
                let pair = (text(answer, "access_token"), text(answer, "refresh_token"));
                if let Some((access, _)) = install.pair.replace(pair)
                    && matches!(step, Step::Exchange(_))
                {
                    self.dead.push(access);
                }
                if matches!(step, Step::Exchange(_)) {
                    install.code = None;
                }
            }
            Step::Uninstall(app, id) => {
                assert_eq!(answer["status"], "uninstalling");
                assert_eq!(self.installs.insert(id, true), Some(false));
                if app == OAUTH_APP {
                    self.dead.extend(self.oauth.take().and_then(|install| install.pair).map(|(access, _)| access));
                } else {
                    self.dead.extend(self.keys.take().and_then(|install| install.key));
                }
            }
            Step::Reauthorize(id) => assert_eq!(text(answer, "id"), id),
            Step::Roll(id, overlap) => {
                assert_eq!(text(answer, "install"), id);
                self.keys.as_mut().unwrap().take(text(answer, "key"), overlap);
            }
            Step::RollOwn(_, overlap) => {
                let own = self.own.as_mut().unwrap();
                own.id = text(answer, "id");
                own.take(text(answer, "value"), overlap);
            }
        }
    }

    /// Looks whether everything is as it must be, and settles what nobody knows.
    fn verify(&mut self, client: &Client, round: u64) {
        let own = self.own.get_or_insert_with(|| {
            let body = json!({"kind": "secret", "account": self.account});
            let created = client.admin("/v1/keys", Some(&body)).unwrap().ok();
            Rolled { id: text(&created, "id"), key: Some(text(&created, "value")), previous: None }
        });
        assert!(own.key.is_some(), "settled before");
        if let Some((step, key)) = self.pending.take() {
            self.settle(client, step, &key, round);
        }
        let at = format!("round {round}, {}", self.account);
        let listed = self.listed(client);
        let known: BTreeSet<_> = self.known();
        assert_eq!(listed.len(), known.len(), "{at}: one install of an app");
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), known, "{at}");
        for (id, ended) in &self.installs {
            let path = format!("/v1/apps/installs/{id}");
            let status = client.call((DEVELOPER, &self.account), &path, None).status;
            assert_eq!(status, if *ended { 404 } else { 200 }, "{at}: {id}");
        }
        let opens = |key: &str| opens(client, key, SECRETS_PATH);
        if let Some((access, _)) = self.oauth.as_ref().and_then(|install| install.pair.as_ref()) {
            assert!(opens(access), "{at}: the pair that was answered works");
        }
        self.keys.iter().for_each(|install| install.verify(opens, &at));
        self.own.iter().for_each(|own| own.verify(|key| self::opens(client, key, "/v1/apps/installs"), &at));
        // Older ones were looked at in rounds before.
        for dead in self.dead.drain(..) {
            assert!(!opens(&dead), "{at}: what ended stays ended");
        }
    }

    fn known(&self) -> BTreeSet<String> {
        let (oauth, keys) = (self.oauth.as_ref().map(|own| &own.id), self.keys.as_ref().map(|own| &own.id));
        oauth.into_iter().chain(keys).cloned().collect()
    }

    fn listed(&self, client: &Client) -> Vec<String> {
        let page = client.call((DEVELOPER, &self.account), "/v1/apps/installs?limit=100", None).ok();
        page["data"].as_array().unwrap().iter().map(|install| text(install, "id")).collect()
    }

    /// Finds out whether a step happened; if so it did wholly. Repeats it: what has an idempotency key happens once.
    fn settle(&mut self, client: &Client, step: Step, key: &str, round: u64) {
        let at = format!("round {round}, {}, {step:?}", self.account);
        let (listed, known) = (self.listed(client), self.known());
        let came: Vec<_> = listed.iter().filter(|id| !known.contains(*id)).cloned().collect();
        let went: Vec<_> = known.iter().filter(|id| !listed.contains(id)).cloned().collect();
        let is_install = matches!(step, Step::Install | Step::InstallKeys);
        assert!(came.is_empty() || is_install, "{at}: {came:?}");
        assert!(went.is_empty() || matches!(step, Step::Uninstall(..)), "{at}: {went:?}");
        let mut repeated = step.clone();
        let replayed = match &step {
            Step::Install | Step::InstallKeys => {
                // A fresh code of an install that was there leaves no other trace.
                let fresh = matches!(step, Step::Install) && self.oauth.is_some();
                if fresh { None } else { Some(!came.is_empty()) }
            }
            Step::Uninstall(_, id) => {
                assert!(went.iter().all(|gone| gone == id), "{at}: {went:?}");
                Some(!went.is_empty())
            }
            Step::Reauthorize(_) | Step::Exchange(_) | Step::Refresh(_) => None,
            Step::Roll(id, overlap) => {
                let page = client.admin(&format!("/v1/keys?install={id}&live=true&limit=100"), None).unwrap().ok();
                self.keys.as_mut().unwrap().settle(&page, *overlap, |key| opens(client, key, SECRETS_PATH), &at);
                None
            }
            Step::RollOwn(_, overlap) => {
                let path = format!("/v1/keys?account={}&kind=secret&live=true&limit=100", self.account);
                let page = client.admin(&path, None).unwrap().ok();
                let own = self.own.as_mut().unwrap();
                let id = own.settle(&page, *overlap, |key| opens(client, key, "/v1/apps/installs"), &at);
                repeated = Step::RollOwn(id.unwrap(), *overlap);
                None
            }
        };
        let again = self.take(client, &repeated, key).unwrap();
        assert_eq!(again.status, 200, "{at}: {}", again.body);
        if let Some(replayed) = replayed {
            assert_eq!(again.replayed, replayed, "{at}: it happened exactly when it is replayed");
        }
        assert!(came.iter().all(|id| text(&again.body, "id") == *id), "{at}: {}", again.body);
        self.know(step, &again.body);
    }
}

/// Where an app's credential is tried.
const SECRETS_PATH: &str = "/v1/apps/secrets?scope[type]=account";

fn opens(client: &Client, key: &str, path: &str) -> bool {
    client.call((key, ""), path, None).status == 200
}

fn overlapping(overlap: bool) -> Value {
    if overlap { json!({"overlap": "7d"}) } else { json!({}) }
}

/// Starts the server that all rounds are about.
fn start(home: &Path) -> Server {
    let (platform, data) = (home.join("platform.toml"), home.join("data"));
    Server::start(home, &["--strict", "--platform", platform.to_str().unwrap(), "--data", data.to_str().unwrap()])
}

fn each(workers: &mut [Worker], act: impl Fn(&mut Worker) + Sync) {
    thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| act(worker));
        }
    });
}

fn kill(mut server: Server) {
    server.child.kill().unwrap();
    server.child.wait().unwrap();
}

#[test]
fn rule_10_14_and_14_3_and_15_9_and_16_2_and_17_6_changes_survive_kill_9_whole_or_not_at_all() {
    let home = tempfile::tempdir().unwrap();
    // At their first try some are refused and some are left without an answer: they are under way when the server is killed.
    let hangs = Arc::new(AtomicBool::new(true));
    let hanging = Arc::clone(&hangs);
    let receiver = Receiver::start(move |own, before| {
        let id = event_id(own);
        let is_first = before.iter().all(|other| event_id(other) != id);
        match id.bytes().map(u64::from).sum::<u64>() % 16 {
            0 if is_first && hanging.load(Ordering::Relaxed) => None,
            1..8 if is_first => Some(500),
            _ => Some(200),
        }
    });
    let webhook = format!(
        "[[webhooks]]\naccount = \"acct_dev\"\nurl = \"{}\"\nconnect = true\nsecret = \"{SECRET}\"\n",
        receiver.url
    );
    fs::write(home.path().join("platform.toml"), platform(CLIENTS) + &webhook).unwrap();
    let mut workers: Vec<_> = (0..CLIENTS).map(Worker::new).collect();
    let mut random = Random::new(9);
    for round in 0..ROUNDS {
        let server = start(home.path());
        each(&mut workers, |worker| worker.verify(&Client::of_dev(&server), round));
        let (acknowledged, acknowledgements) = mpsc::channel();
        thread::scope(|scope| {
            for worker in &mut workers {
                let (client, acknowledged) = (Client::of_dev(&server), acknowledged.clone());
                scope.spawn(move || worker.load(&client, &acknowledged));
            }
            drop(acknowledged);
            for _ in 0..=random.below(ACKNOWLEDGED_MAX) {
                acknowledgements.recv().unwrap();
            }
            kill(server);
        });
    }
    hangs.store(false, Ordering::Relaxed);
    let server = start(home.path());
    each(&mut workers, |worker| worker.verify(&Client::of_dev(&server), ROUNDS));
    let installs: BTreeMap<_, _> = workers.into_iter().flat_map(|worker| worker.installs).collect();
    assert!(installs.values().any(|ended| *ended) && installs.len() > 40, "the load has done something");
    told_of(&receiver, &installs, &Client::of_dev(&server));
    assert!(server.stop().success());
}

fn event_id(delivered: &Delivered) -> String {
    let event: Value = serde_json::from_str(&delivered.body).unwrap();
    text(&event, "id")
}

/// Waits until there is nothing to deliver any more, moving the clock to the tries, and looks whether everything was told.
fn told_of(receiver: &Receiver, installs: &BTreeMap<String, bool>, client: &Client) {
    let pending = || {
        let page = client.admin("/v1/deliveries?limit=100", None).unwrap().ok();
        let count =
            |status: &str| page["data"].as_array().unwrap().iter().filter(|own| own["status"] == status).count();
        assert_eq!(count("failed"), 0, "{page}");
        count("pending")
    };
    let (mut told, mut seen) = (HashMap::new(), 0);
    let deadline = Instant::now() + PATIENCE;
    loop {
        let delivered = receiver.delivered();
        if delivered.len() == seen {
            // Nothing but later tries is left.
            client.admin("/dev/clock", Some(&json!({"advance": "2m"}))).unwrap().ok();
        }
        seen = delivered.len();
        told.clear();
        for own in &delivered {
            assert!(is_signed(own), "{}", own.signature);
            let event: Value = serde_json::from_str(&own.body).unwrap();
            let before = told.insert(text(&event, "id"), event.clone());
            assert!(before.is_none_or(|before| before == event), "one event has one body");
        }
        let missing = missing(&told, installs);
        if missing.is_empty() {
            return;
        }
        assert!(Instant::now() < deadline, "not told in {PATIENCE:?}: {missing:?}");
        assert!(pending() > 0 || receiver.delivered().len() > delivered.len(), "never told: {missing:?}");
        thread::yield_now();
    }
}

/// What the developer has not heard of. What it heard of must have happened.
fn missing(told: &HashMap<String, Value>, installs: &BTreeMap<String, bool>) -> Vec<String> {
    let of = |kind: &str| told.values().filter(|event| event["type"] == kind).collect::<Vec<_>>();
    let ids = |events: &[&Value]| -> Vec<String> {
        events.iter().map(|event| text(&event["data"]["object"], "id")).collect()
    };
    let (created, deleted) = (of("apps.install.created"), of("apps.install.deleted"));
    let mut missing = Vec::new();
    let ended = |own: &(&String, &bool)| *own.1;
    for (events, expected) in [
        (&created, installs.keys().cloned().collect::<BTreeSet<_>>()),
        (&deleted, installs.iter().filter(ended).map(|(id, _)| id.clone()).collect()),
    ] {
        let ids = ids(events);
        let told: BTreeSet<_> = ids.iter().cloned().collect();
        assert_eq!(ids.len(), told.len(), "each is told by one event");
        assert!(told.is_subset(&expected), "what was told has happened");
        missing.extend(expected.difference(&told).cloned());
    }
    for (events, other) in [(created, "account.application.authorized"), (deleted, "account.application.deauthorized")]
    {
        if events.len() != of(other).len() {
            missing.push(other.to_owned());
        }
    }
    assert!(of("apps.install.updated").is_empty(), "nothing was updated");
    missing
}

/// Whether a delivery is signed with the endpoint's secret (contract 17.5).
fn is_signed(delivered: &Delivered) -> bool {
    let Some((time, signature)) = delivered.signature.strip_prefix("t=").and_then(|rest| rest.split_once(",v1="))
    else {
        return false;
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
    mac.update(format!("{time}.{}", delivered.body).as_bytes());
    let mut digits = String::new();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(digits, "{byte:02x}");
    }
    digits == signature
}

/// Users with secrets in a namespace that is erased.
const USERS: u64 = 70;
/// Secrets of each.
const SECRETS: u64 = 5;

#[test]
fn rule_14_6_an_erasure_that_is_killed_is_finished_after_the_restart() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("platform.toml"), platform(ERASURES)).unwrap();
    let mut random = Random::new(14);
    let mut kills = 0;
    let mut receipts = Vec::new();
    for number in 0..ERASURES {
        let account = format!("acct_{number}");
        let server = start(home.path());
        let client = Client::of_dev(&server);
        let install = text(&client.install((DEVELOPER, &account), OAUTH_APP), "id");
        fill(&server, &account);
        kill(server);
        let before = wrapped_keys(home.path());
        let own: Vec<_> = before.iter().filter(|key| holds(home.path(), key)).cloned().collect();
        assert_eq!(own.len(), before.len(), "the keys are in the data directory");

        let server = start(home.path());
        let client = Client::of_dev(&server);
        client.uninstall((DEVELOPER, &account), &install).ok();
        client.admin("/dev/clock", Some(&json!({"advance": "31d"}))).unwrap().ok();
        let mut server = Some(server);
        for _ in 0..KILLS {
            let running = server.take().unwrap_or_else(|| start(home.path()));
            let client = Client::of_dev(&running);
            let looks = random.below(30);
            // Each look takes its time: the erasure has got a little further after each of them.
            let done = (0..looks).any(|_| receipt_of(&client, &account).is_some());
            kill(running);
            kills += u64::from(!done);
            if done {
                break;
            }
        }
        let server = start(home.path());
        let client = Client::of_dev(&server);
        let deadline = Instant::now() + PATIENCE;
        let receipt = loop {
            if let Some(receipt) = receipt_of(&client, &account) {
                break receipt;
            }
            assert!(Instant::now() < deadline, "no receipt for {account} in {PATIENCE:?}");
            thread::yield_now();
        };
        let destroyed: Vec<_> = before.iter().filter(|key| !holds(home.path(), key)).collect();
        assert_eq!(destroyed.len(), 1, "no file has the wrapped key any more, as soon as there is a receipt");
        receipts.push(receipt);
        let jwks = client.admin("/v1/receipts/jwks", None).unwrap().ok().to_string();
        for (number, receipt) in receipts.iter().enumerate() {
            let said: Value = serde_json::from_str(&verify_receipt(receipt, &jwks).unwrap()).unwrap();
            assert_eq!(said["target"]["account"], format!("acct_{number}"), "{said}");
            assert_eq!(said["target"]["developer"], "acct_dev", "{said}");
            assert_eq!((&said["scopes"], &said["secrets"]), (&json!(USERS), &json!(USERS * SECRETS)), "{said}");
            assert!(said["key_id"].is_string(), "{said}");
            assert!(said["finished_at"].as_i64() >= said["started_at"].as_i64(), "{said}");
        }
        client.install((DEVELOPER, &account), OAUTH_APP);
        let path = "/v1/apps/secrets?scope[type]=user&scope[user]=usr_0";
        assert_eq!(client.call((DEVELOPER, &account), path, None).ok()["data"], json!([]));
        let form = "name=anew&payload=p&scope[type]=account";
        client.call((DEVELOPER, &account), "/v1/apps/secrets", Some(form)).ok();
        assert!(server.stop().success());
        let living = wrapped_keys(home.path());
        assert!(!living.contains(destroyed[0]) && !holds(home.path(), destroyed[0]), "nor when the server has stopped");
        assert_eq!(living.len(), before.len(), "the others live on, and the reinstalled app has a key of its own");
    }
    assert!(kills > 0, "some of them were killed on the way");
}

/// Fills an account with secrets.
fn fill(server: &Server, account: &str) {
    thread::scope(|scope| {
        for part in 0..CLIENTS {
            scope.spawn(move || {
                let client = Client::of_dev(server);
                for user in (part..USERS).step_by(usize::try_from(CLIENTS).unwrap()) {
                    for name in 0..SECRETS {
                        let form = format!("name=n{name}&payload=p&scope[type]=user&scope[user]=usr_{user}");
                        client.call((DEVELOPER, account), "/v1/apps/secrets", Some(&form)).ok();
                    }
                }
            });
        }
    });
}

/// The receipt of the erasure of an account's namespace, once there is one.
fn receipt_of(client: &Client, account: &str) -> Option<String> {
    let page = client.admin("/v1/erasures?limit=100", None).unwrap().ok();
    let own = page["data"].as_array().unwrap().iter().filter(|own| own["target"]["account"] == account).cloned();
    let own: Vec<Value> = own.collect();
    assert!(own.len() <= 1, "a namespace is erased once: {own:?}");
    own.first()?["receipt"].as_str().map(str::to_owned)
}

/// The wrapped keys that are alive, read from a copy of the database.
fn wrapped_keys(home: &Path) -> Vec<Vec<u8>> {
    let copy = tempfile::tempdir().unwrap();
    for file in files(&home.join("data")) {
        let name = file.file_name().unwrap().to_str().unwrap();
        if name.contains(".db") && !name.ends_with("-shm") {
            fs::copy(&file, copy.path().join(name)).unwrap();
        }
    }
    let database = files(copy.path()).into_iter().find(|file| file.extension().is_some_and(|end| end == "db")).unwrap();
    let connection = rusqlite::Connection::open(database).unwrap();
    let mut statement = connection.prepare("SELECT wrapped FROM wrapped_key WHERE is_alive = 1").unwrap();
    let keys = statement.query_map([], |columns| columns.get(0)).unwrap();
    keys.collect::<Result<_, _>>().unwrap()
}

/// Whether some file of the data directory holds these bytes.
fn holds(home: &Path, bytes: &[u8]) -> bool {
    files(&home.join("data"))
        .iter()
        .any(|file| fs::read(file).is_ok_and(|contents| contents.windows(bytes.len()).any(|window| window == bytes)))
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
