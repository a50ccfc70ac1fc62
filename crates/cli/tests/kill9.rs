//! Kill -9 under load: whatever was acknowledged is there after the restart, and a retry has one effect (contract 7.4).

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod api;
    pub(crate) mod random;
    pub(crate) mod server;
}

use std::collections::BTreeMap;
use std::fs;
use std::sync::mpsc::{self, Sender};
use std::thread;

use serde_json::Value;
use support::api::{PLATFORM, agent, send};
use support::random::Random;
use support::server::Server;

/// How often the server is killed.
const ROUNDS: u64 = 100;
/// Threads that write at the same time, each with users of its own.
const CLIENTS: u64 = 4;
/// Users of a thread. Each has room for all [`NAMES`].
const USERS: u64 = 4;
/// Names in a scope: as many as fit.
const NAMES: u64 = 10;
/// Acknowledgements after which a round ends, at most.
const ACKNOWLEDGED_MAX: u64 = 120;

/// What a thread asks for. A set has a payload that no other set has.
#[derive(Clone)]
struct Write {
    user: u64,
    name: u64,
    payload: Option<String>,
    idempotency_key: String,
}

/// Payloads by user and name.
type Secrets = BTreeMap<(u64, u64), String>;

/// One thread: what it knows to be stored, and the write that was under way when the server died.
struct Client {
    number: u64,
    random: Random,
    written: u64,
    stored: Secrets,
    pending: Option<Write>,
}

impl Client {
    fn new(number: u64) -> Self {
        Self { number, random: Random::new(number), written: 0, stored: Secrets::new(), pending: None }
    }

    /// Writes until the server is gone.
    fn load(&mut self, base: &str, acknowledged: &Sender<()>) {
        let agent = agent();
        loop {
            let write = self.draw();
            self.pending = Some(write.clone());
            let Ok(answer) = self.send(&agent, base, &write) else { return };
            let expected =
                if write.payload.is_none() && !self.stored.contains_key(&(write.user, write.name)) { 404 } else { 200 };
            assert_eq!(answer.status(), expected, "{}", answer.body());
            self.take(write);
            if acknowledged.send(()).is_err() {
                return;
            }
        }
    }

    fn draw(&mut self) -> Write {
        self.written += 1;
        let sequence = format!("{}-{}", self.number, self.written);
        let payload = (self.random.below(10) < 7).then(|| format!("payload-{sequence}"));
        Write {
            user: self.random.below(USERS),
            name: self.random.below(NAMES),
            payload,
            idempotency_key: format!("key-{sequence}"),
        }
    }

    fn send(
        &self,
        agent: &ureq::Agent,
        base: &str,
        write: &Write,
    ) -> Result<ureq::http::Response<String>, ureq::Error> {
        let place = format!("name=n{}&scope[type]=user&scope[user]=usr_{}_{}", write.name, self.number, write.user);
        let (path, form) = match &write.payload {
            Some(payload) => ("", format!("{place}&payload={payload}")),
            None => ("/delete", place),
        };
        let headers = [("idempotency-key", write.idempotency_key.as_str())];
        send(agent, &format!("{base}/v1/apps/secrets{path}"), Some(&form), &headers)
    }

    /// Remembers an acknowledged write.
    fn take(&mut self, write: Write) {
        let place = (write.user, write.name);
        match write.payload {
            Some(payload) => self.stored.insert(place, payload),
            None => self.stored.remove(&place),
        };
        self.pending = None;
    }

    /// Reads everything back, and repeats the write of which nobody knows whether it happened.
    fn verify(&mut self, base: &str, round: u64) {
        let agent = agent();
        let found = self.read(&agent, base);
        let Some(write) = self.pending.clone() else {
            assert_eq!(found, self.stored, "round {round}, client {}", self.number);
            return;
        };
        let before = self.stored.clone();
        self.take(write.clone());
        assert!(found == before || found == self.stored, "round {round}, client {}: {found:?}", self.number);
        let retried = self.send(&agent, base, &write).unwrap();
        if before == self.stored {
            // A delete of nothing: both are right, and look the same.
            assert_eq!(retried.status(), 404, "round {round}: {}", retried.body());
        } else {
            assert_eq!(retried.status(), 200, "round {round}: {}", retried.body());
            let replayed = retried.headers().contains_key("idempotent-replayed");
            assert_eq!(replayed, found == self.stored, "round {round}: it happened exactly when it is replayed");
        }
        assert_eq!(self.read(&agent, base), self.stored, "round {round}, client {}", self.number);
    }

    fn read(&self, agent: &ureq::Agent, base: &str) -> Secrets {
        let mut found = Secrets::new();
        for user in 0..USERS {
            let place = format!("scope[type]=user&scope[user]=usr_{}_{user}", self.number);
            let url = format!("{base}/v1/apps/secrets?{place}&limit=100&expand[]=data.payload");
            let answer = send(agent, &url, None, &[]).unwrap();
            assert_eq!(answer.status(), 200, "{}", answer.body());
            let page: Value = serde_json::from_str(answer.body()).unwrap();
            for secret in page["data"].as_array().unwrap() {
                let name = secret["name"].as_str().unwrap().strip_prefix('n').unwrap().parse().unwrap();
                found.insert((user, name), secret["payload"].as_str().unwrap().to_owned());
            }
        }
        found
    }
}

#[test]
fn rule_7_4_acknowledged_writes_survive_kill_9_and_retries_have_one_effect() {
    let home = tempfile::tempdir().unwrap();
    let (platform, data) = (home.path().join("platform.toml"), home.path().join("data"));
    fs::write(&platform, PLATFORM).unwrap();
    let flags = ["--strict", "--platform", platform.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let mut clients: Vec<_> = (0..CLIENTS).map(Client::new).collect();
    let mut random = Random::new(9);
    for round in 0..ROUNDS {
        let mut server = Server::start(home.path(), &flags);
        let base = server.http().to_owned();
        each(&mut clients, |client| client.verify(&base, round));
        let (acknowledged, acknowledgements) = mpsc::channel();
        thread::scope(|scope| {
            for client in &mut clients {
                let (base, acknowledged) = (&base, acknowledged.clone());
                scope.spawn(move || client.load(base, &acknowledged));
            }
            drop(acknowledged);
            for _ in 0..=random.below(ACKNOWLEDGED_MAX) {
                acknowledgements.recv().unwrap();
            }
            server.child.kill().unwrap();
            server.child.wait().unwrap();
        });
    }
    let server = Server::start(home.path(), &flags);
    let base = server.http().to_owned();
    each(&mut clients, |client| client.verify(&base, ROUNDS));
    assert!(server.stop().success());
    let stored: usize = clients.iter().map(|client| client.stored.len()).sum();
    assert!(stored > 0, "the load has stored something");
}

fn each(clients: &mut [Client], act: impl Fn(&mut Client) + Sync) {
    thread::scope(|scope| {
        for client in clients {
            scope.spawn(|| act(client));
        }
    });
}
