//! What tests of the server share: one in memory, with its directory brought to a platform file, and requests to it without a socket.

use std::convert::Infallible;
use std::sync::Arc;

use cholla_seal::{Instance, RootKey};
use cholla_store::sqlite::{Options, Store};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::sync::RwLock;

use crate::assembly::{Foundation, Settings};
use crate::clock::ServerClock;
use crate::cors::Cors;
use crate::keeper::Keeper;
use crate::platform::Platform;
use crate::platform::reconcile::{AT_START, Manner, Misfit, Reconciled, reconcile};
use crate::service;
use crate::state::{Api, Consent};
use crate::world::Naming;

mod events;

pub(crate) use events::Events;

/// Bytes on their way between a test and a server.
const WIRE_BYTES: usize = 64 * 1024;

/// The platform of a file that names no manifest.
pub(crate) fn platform(text: &str) -> Platform {
    Platform::parse("p.toml", text, &|_| Err(std::io::ErrorKind::NotFound.into())).unwrap()
}

/// An empty store in memory, under a key of its own.
pub(crate) async fn foundation() -> Arc<Foundation> {
    let store = Store::in_memory(&Options::default()).unwrap();
    Arc::new(Foundation::lay(store, RootKey::generate().unwrap()).await.unwrap())
}

/// The directory of a store, under the real clock.
pub(crate) fn keeper(foundation: &Foundation) -> Arc<Keeper> {
    foundation.keeper(&Arc::new(ServerClock::default()), cholla_domain::limits::GRACE_SECONDS_DEFAULT).unwrap()
}

/// Who names what a file leaves out.
pub(crate) type NamedBy = for<'a> fn(&'a Instance) -> Naming<'a>;

/// As dev mode does.
pub(crate) fn derived(instance: &Instance) -> Naming<'_> {
    Naming::derived(instance)
}

/// As a production server does.
pub(crate) fn drawn(instance: &Instance) -> Naming<'_> {
    Naming::drawn(instance)
}

/// Brings a directory to a platform.
pub(crate) async fn settle(
    keeper: &Arc<Keeper>,
    foundation: &Foundation,
    (platform, named_by, manner): (&Platform, NamedBy, Manner),
) -> Result<Reconciled, Misfit> {
    let (platform, instance) = (platform.clone(), Arc::clone(&foundation.instance));
    let work = keeper
        .batch(keeper.unasked(), move |batch| reconcile(batch, &platform, &named_by(&instance), manner, AT_START));
    work.await.unwrap()
}

/// A server in memory.
pub(crate) struct Server {
    /// The API.
    pub(crate) api: Arc<Api>,
}

impl Server {
    /// That of a platform file, as `cholla dev --strict` has it.
    pub(crate) async fn dev(text: &str) -> Self {
        Self::start(text, |_| ()).await
    }

    /// The same without a grace period, and the store below it.
    pub(crate) async fn over_its_store(text: &str) -> (Self, Arc<Foundation>) {
        let foundation = foundation().await;
        let keeper = foundation.keeper(&Arc::new(ServerClock::default()), 0).unwrap();
        let manner = Manner { anew: true, dev: true, ..Manner::default() };
        settle(&keeper, &foundation, (&platform(text), derived, manner)).await.unwrap();
        let api = Arc::new(foundation.api(keeper, settings()));
        (Self { api }, foundation)
    }

    /// The same with other settings.
    pub(crate) async fn start(text: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let foundation = foundation().await;
        let keeper = keeper(&foundation);
        let manner = Manner { anew: true, dev: true, ..Manner::default() };
        settle(&keeper, &foundation, (&platform(text), derived, manner)).await.unwrap();
        let mut settings = settings();
        change(&mut settings);
        let api = Arc::new(foundation.api(keeper, settings));
        Self { api }
    }

    /// Sends one request: its first line without the protocol, its headers, its body.
    pub(crate) async fn ask(&self, line: &str, headers: &[&str], body: &str) -> Answer {
        let mut request =
            format!("{line} HTTP/1.1\r\nHost: t\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        for header in headers {
            request.push_str(header);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        request.push_str(body);
        let (mut ours, theirs) = duplex(WIRE_BYTES);
        let serve = service_fn(|request| async { Ok::<_, Infallible>(service::serve(&self.api, request).await) });
        let serving = http1::Builder::new().serve_connection(TokioIo::new(theirs), serve);
        let asking = async {
            ours.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            ours.read_to_string(&mut answer).await.unwrap();
            answer
        };
        let (served, answer) = tokio::join!(serving, asking);
        served.unwrap();
        Answer::read(&answer)
    }

    /// A request with a key.
    pub(crate) async fn ask_as(&self, key: &str, line: &str, body: &str) -> Answer {
        self.ask(line, &[&format!("Authorization: Bearer {key}")], body).await
    }
}

/// Dev mode's settings, strict.
pub(crate) fn settings() -> Settings {
    Settings {
        clock: Arc::new(ServerClock::default()),
        made_up: None,
        cors: Cors { allowed_origins: None, private_network: true },
        strict_transport_security: false,
        reset: Some(RwLock::new(())),
        rate_limits: None,
        platform_tokens: None,
        consent: Some(Consent::Own),
        payload_guard: false,
        faults: None,
    }
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The lines of the head.
    head: String,
    /// The body.
    pub(crate) body: String,
}

impl Answer {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap();
        Self { status, head: head.to_owned(), body: body.to_owned() }
    }

    /// A header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value)
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What the answer comes to: the status, and of an error the word, the code or the type.
    pub(crate) fn outcome(&self) -> String {
        if self.status < 400 {
            return self.status.to_string();
        }
        let body = self.json();
        let error = &body["error"];
        let word = [error, &error["code"], &error["type"]].into_iter().find_map(serde_json::Value::as_str);
        format!("{} {}", self.status, word.unwrap_or_default())
    }
}
