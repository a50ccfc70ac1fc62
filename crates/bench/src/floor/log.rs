//! Floor F2: the whole path of a set, but instead of a database one append-only log and a map.
//!
//! One thread writes. It takes up to 512 waiting sets, appends them with one write, makes them durable with one
//! `fdatasync`, puts them into the map, then answers all of them. Finds read the map.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Context as _, Result, anyhow};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use tokio::sync::oneshot;

use super::vault::{Record, Vault, print};
use crate::random::Random;
use crate::world::{PAYLOAD_CHARS, World, payload};

/// Sets that share one write and one `fdatasync`.
const BATCH_MAX: usize = 512;

type Map = Arc<RwLock<HashMap<Box<[u8]>, Record>>>;

/// A set that waits for the writer.
struct Waiting {
    place: Box<[u8]>,
    record: Record,
    done: oneshot::Sender<()>,
}

/// What every request needs.
struct Floor {
    vault: Vault,
    map: Map,
    writer: Sender<Waiting>,
}

/// Runs the floor with a full map and an empty log. Returns only on failure.
///
/// # Errors
/// When the log, the port or the ready file cannot be had.
pub(crate) fn run(log: &Path, world: World, ready_file: &Path) -> Result<()> {
    let vault = Vault::new()?;
    let map = Arc::new(RwLock::new(filled(&vault, world)?));
    let log = OpenOptions::new().create(true).append(true).open(log).context("opening the log")?;
    let (writer, waiting) = mpsc::channel();
    let written = Arc::clone(&map);
    std::thread::spawn(move || write(log, &waiting, &written));
    let floor = Arc::new(Floor { vault, map, writer });
    super::serve(ready_file, move |request| answer(Arc::clone(&floor), request))
}

/// The map with all secrets of the world.
fn filled(vault: &Vault, world: World) -> Result<HashMap<Box<[u8]>, Record>> {
    let mut random = Random::new(1);
    (0..world.secrets())
        .map(|number| {
            let place = world.place(number);
            let account = format!("acct_bench{:04}", place.account);
            let user = format!("usr_{:04}u{:02}", place.account, place.user);
            let key = address("acct_benchdev", &account, &user, &format!("refresh_token_{}", place.name));
            let chars =
                PAYLOAD_CHARS.start() + (number as usize * 7) % (PAYLOAD_CHARS.end() - PAYLOAD_CHARS.start() + 1);
            let record = vault.seal(&key, payload(chars, &mut random).as_bytes())?;
            Ok((key, record))
        })
        .collect()
}

/// The writer: ends when nobody can send any more, or when the disk refuses.
fn write(mut log: File, waiting: &Receiver<Waiting>, map: &Map) {
    let mut bytes = Vec::new();
    while let Ok(first) = waiting.recv() {
        let batch: Vec<_> = std::iter::once(first).chain(waiting.try_iter().take(BATCH_MAX - 1)).collect();
        bytes.clear();
        for set in &batch {
            let (key, value) = (set.place.len() as u64, set.record.len() as u64);
            bytes.extend_from_slice(&key.to_le_bytes());
            bytes.extend_from_slice(&value.to_le_bytes());
            bytes.extend_from_slice(&set.place);
            set.record.append_to(&mut bytes);
        }
        if log.write_all(&bytes).and_then(|()| log.sync_data()).is_err() {
            return;
        }
        let mut answers = Vec::with_capacity(batch.len());
        {
            let mut map = map.write().unwrap_or_else(PoisonError::into_inner);
            for set in batch {
                map.insert(set.place, set.record);
                answers.push(set.done);
            }
        }
        for done in answers {
            // A caller that has gone needs no answer.
            done.send(()).unwrap_or_default();
        }
    }
}

async fn answer(floor: Arc<Floor>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (head, body) = request.into_parts();
    let developer = super::bearer(&head.headers).and_then(|key| floor.vault.developer(key));
    let account = head.headers.get("stripe-account").and_then(|account| account.to_str().ok());
    let (Some(developer), Some(account)) = (developer, account) else {
        return Ok(super::json(StatusCode::UNAUTHORIZED, Bytes::new()));
    };
    match (&head.method, head.uri.path()) {
        (&Method::GET, "/v1/apps/secrets/find") => {
            let parameters = Parameters::parse(head.uri.query().unwrap_or_default().as_bytes());
            floor.find(developer, account, &parameters)
        }
        (&Method::POST, "/v1/apps/secrets") => {
            let body = body.collect().await?.to_bytes();
            floor.set(developer, account, &Parameters::parse(&body)).await
        }
        _ => Ok(super::json(StatusCode::NOT_FOUND, Bytes::new())),
    }
}

impl Floor {
    fn find(&self, developer: &str, account: &str, parameters: &Parameters<'_>) -> Result<Response<Full<Bytes>>> {
        let place = address(developer, account, &parameters.user, &parameters.name);
        let record = {
            let map = self.map.read().unwrap_or_else(PoisonError::into_inner);
            map.get(&place).cloned()
        };
        let Some(record) = record else { return Ok(super::json(StatusCode::NOT_FOUND, Bytes::new())) };
        let payload = self.vault.open(&place, &record)?;
        Ok(super::json(StatusCode::OK, print(&record.id, &parameters.name, &parameters.user, Some(&payload))?))
    }

    async fn set(&self, developer: &str, account: &str, parameters: &Parameters<'_>) -> Result<Response<Full<Bytes>>> {
        let place = address(developer, account, &parameters.user, &parameters.name);
        let record = self.vault.seal(&place, parameters.payload.as_bytes())?;
        let body = print(&record.id, &parameters.name, &parameters.user, None)?;
        let (done, written) = oneshot::channel();
        self.writer.send(Waiting { place, record, done }).map_err(|_| anyhow!("the log cannot be written"))?;
        written.await.context("the log cannot be written")?;
        Ok(super::json(StatusCode::OK, body))
    }
}

/// Where a secret lies: the key of the map and of the log, and what its seal is bound to.
fn address(developer: &str, account: &str, user: &str, name: &str) -> Box<[u8]> {
    [developer, "\0", account, "\0test\0user:", user, "\0", name].concat().into_bytes().into_boxed_slice()
}

/// The parameters of the two operations.
#[derive(Debug, Default, PartialEq, Eq)]
struct Parameters<'a> {
    name: Cow<'a, str>,
    user: Cow<'a, str>,
    payload: Cow<'a, str>,
}

impl<'a> Parameters<'a> {
    fn parse(form: &'a [u8]) -> Self {
        let mut parameters = Self::default();
        for (name, value) in form_urlencoded::parse(form) {
            match &*name {
                "name" => parameters.name = value,
                "scope[user]" => parameters.user = value,
                "payload" => parameters.payload = value,
                _ => {}
            }
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded() {
        let parameters = Parameters::parse(b"name=a+b&scope%5Btype%5D=user&scope[user]=usr_1&payload=%26");
        assert_eq!(parameters, Parameters { name: "a b".into(), user: "usr_1".into(), payload: "&".into() });
    }

    #[test]
    fn a_set_is_in_the_log_and_in_the_map_before_it_is_answered() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let vault = Vault::new().unwrap();
        let map = Map::default();
        let (writer, waiting) = mpsc::channel();
        let mut answers = Vec::new();
        let mut bytes = 0;
        for name in 0..=BATCH_MAX {
            let place = address("d", "a", "u", &name.to_string());
            let record = vault.seal(&place, b"payload").unwrap();
            bytes += 16 + place.len() + record.len();
            let (done, written) = oneshot::channel();
            writer.send(Waiting { place, record, done }).unwrap();
            answers.push(written);
        }
        drop(writer);
        write(File::create(&path).unwrap(), &waiting, &map);
        assert!(answers.iter_mut().all(|written| written.try_recv().is_ok()));
        assert_eq!(map.read().unwrap().len(), BATCH_MAX + 1);
        assert_eq!(path.metadata().unwrap().len(), bytes as u64);
    }
}
