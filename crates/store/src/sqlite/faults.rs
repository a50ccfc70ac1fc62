//! What goes wrong inside the writer, and that it stays where it happened.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use cholla_domain::error::StoreError;
use cholla_domain::ports::{Maintenance, SecretStore, SetOutcome};
use cholla_testkit::store_suite::{at, name_tag, new_secret, user_place};

use super::job::Operation;
use super::store::{Options, Store};
use super::transaction::Transaction;

/// Runs SQL in the writer's transaction.
struct Sql(String);

impl Operation for Sql {
    type Outcome = ();

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        transaction.connection.execute_batch(&self.0)
    }
}

/// Says that it began and keeps the writer until it is told to go on.
struct Gate(Sender<()>, Mutex<Receiver<()>>);

impl Operation for Gate {
    type Outcome = ();

    fn execute(&self, _: &mut Transaction<'_>) -> rusqlite::Result<()> {
        self.0.send(()).unwrap();
        self.1.lock().unwrap().recv().unwrap();
        Ok(())
    }
}

struct Panic;

impl Operation for Panic {
    type Outcome = ();

    fn execute(&self, _: &mut Transaction<'_>) -> rusqlite::Result<()> {
        panic!("a defect of the writer");
    }
}

struct World {
    store: Arc<Store>,
    directory: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(directory.path(), &Options::default()).unwrap());
        Self { store, directory }
    }

    async fn set(&self, name: &str, mark: u64) -> Result<SetOutcome, StoreError> {
        let place = user_place(name);
        let replaces = self.store.header(&place, name_tag(name, name), at(100)).await?;
        self.store.set(&place, new_secret(name, name, mark, replaces, 100), at(100)).await
    }

    async fn sealed(&self, name: &str) -> Option<Vec<u8>> {
        let found = self.store.find(&user_place(name), name_tag(name, name), at(100)).await.unwrap();
        found.map(|secret| secret.sealed.as_bytes().to_vec())
    }

    /// Keeps the writer busy until the sender is used.
    async fn keep_busy(&self) -> (Sender<()>, tokio::task::JoinHandle<Result<(), StoreError>>) {
        let ((began, start), (go, end)) = (channel(), channel());
        let store = Arc::clone(&self.store);
        let gate = tokio::spawn(async move { store.write(Gate(began, Mutex::new(end))).await });
        tokio::task::spawn_blocking(move || start.recv()).await.unwrap().unwrap();
        (go, gate)
    }

    /// Waits until so many writes are queued.
    async fn queued(&self, writes: u64) {
        while self.store.statistics().queue_length < writes {
            tokio::task::yield_now().await;
        }
    }

    /// Starts `sets` and one operation of the test's while the writer is kept busy, so that all of them are one batch.
    async fn batch(&self, sets: &[&'static str], operation: impl Operation) -> (Vec<bool>, bool) {
        let (go, gate) = self.keep_busy().await;
        let mut waiting = Vec::new();
        for (mark, &name) in (1..).zip(sets) {
            let store = Arc::clone(&self.store);
            let secret = new_secret(name, name, mark, None, 100);
            waiting.push(tokio::spawn(async move { store.set(&user_place(name), secret, at(100)).await }));
        }
        self.queued(sets.len() as u64).await;
        let store = Arc::clone(&self.store);
        let special = tokio::spawn(async move { store.write(operation).await });
        self.queued(sets.len() as u64 + 1).await;
        go.send(()).unwrap();
        gate.await.unwrap().unwrap();
        let mut outcomes = Vec::new();
        for set in waiting {
            outcomes.push(matches!(set.await.unwrap(), Ok(SetOutcome::Done)));
        }
        (outcomes, special.await.unwrap().is_ok())
    }
}

#[tokio::test]
async fn writes_that_wait_share_a_commit() {
    let world = World::new();
    let before = world.store.statistics();
    assert_eq!(world.batch(&["a", "b", "c"], Sql(String::new())).await, (vec![true; 3], true));
    let after = world.store.statistics();
    assert_eq!((after.commits - before.commits, after.writes - before.writes, after.batch_max), (2, 5, 4));
}

#[tokio::test]
async fn a_write_that_fails_fails_alone() {
    let world = World::new();
    let broken = Sql("DELETE FROM secret; INSERT INTO wrapped_key VALUES (NULL, NULL, NULL, NULL)".to_owned());
    assert_eq!(world.batch(&["a", "b", "c"], broken).await, (vec![true; 3], false));
    for name in ["a", "b", "c"] {
        assert!(world.sealed(name).await.is_some(), "{name}");
    }
}

#[tokio::test]
async fn when_commit_fails_nobody_is_told_that_it_did_not() {
    let world = World::new();
    assert!(world.set("a", 8).await.is_ok());
    let before = world.sealed("a").await;
    let violation = "CREATE TABLE parent (key INTEGER PRIMARY KEY);
                     CREATE TABLE child (key INTEGER REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
                     INSERT INTO child VALUES (1)";
    let store = Arc::clone(&world.store);
    assert_eq!(world.batch(&["b", "c"], Sql(violation.to_owned())).await, (vec![false; 2], false));
    assert_eq!(world.sealed("a").await, before);
    assert_eq!((world.sealed("b").await, world.sealed("c").await), (None, None));
    assert_eq!(store.statistics().commits_failed, 1);
    assert!(matches!(world.set("b", 9).await, Ok(SetOutcome::Done)), "the next one is committed");
}

#[tokio::test]
async fn a_full_disk_refuses_writes_until_there_is_space() {
    let world = World::new();
    assert!(world.set("a", 8).await.is_ok());
    let before = world.sealed("a").await;
    world.store.write(Sql("PRAGMA max_page_count = 1".to_owned())).await.unwrap();
    let mut refused = 0;
    for (mark, name) in (1..).map(|n| (8 * n, format!("usr_{n}"))).take(20) {
        match world.set(&name, mark).await {
            Ok(outcome) => assert_eq!(outcome, SetOutcome::Done),
            Err(StoreError::Unavailable(_)) => {
                refused += 1;
                assert_eq!(world.sealed(&name).await, None, "nothing half-written");
            }
            Err(error) => panic!("{error:?}"),
        }
    }
    assert!(refused > 10, "{refused}");
    assert_eq!(world.sealed("a").await, before, "reads go on");
    world.store.write(Sql("PRAGMA max_page_count = 1000000".to_owned())).await.unwrap();
    assert!(matches!(world.set("usr_1", 16).await, Ok(SetOutcome::Done)));
}

#[tokio::test]
async fn a_dead_writer_is_an_answer_not_a_hang() {
    let world = World::new();
    assert!(world.set("a", 1).await.is_ok());
    let (outcomes, special) = world.batch(&["b", "c"], Panic).await;
    assert_eq!((outcomes, special), (vec![false; 2], false));
    assert!(matches!(world.set("d", 1).await, Err(StoreError::Unavailable(_))));
    assert!(world.sealed("a").await.is_some(), "reads go on");
    assert!(world.store.shutdown().is_err());
}

#[tokio::test]
async fn shutdown_finishes_what_is_queued_and_refuses_what_comes_after() {
    let world = World::new();
    let (go, gate) = world.keep_busy().await;
    let mut waiting = tokio::task::JoinSet::new();
    for mark in 0..100_u64 {
        let store = Arc::clone(&world.store);
        waiting.spawn(async move {
            let user = mark.to_string();
            store.set(&user_place(&user), new_secret(&user, "a", mark, None, 100), at(100)).await
        });
    }
    world.queued(100).await;
    go.send(()).unwrap();
    world.store.shutdown().unwrap();
    world.store.shutdown().unwrap();
    gate.await.unwrap().unwrap();
    assert!(waiting.join_all().await.into_iter().all(|outcome| matches!(outcome, Ok(SetOutcome::Done))));
    assert!(matches!(world.set("a", 1).await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn a_probe_writes_a_page_where_an_empty_sweep_writes_none() {
    let world = World::new();
    world.store.probe().await.unwrap();
    let log = || std::fs::metadata(world.directory.path().join("cholla.db-wal")).unwrap().len();
    let before = log();
    world.store.sweep(at(100), 1).await.unwrap();
    assert_eq!(log(), before);
    for _ in 0..2 {
        let before = log();
        world.store.probe().await.unwrap();
        assert!(log() > before, "{before}");
    }
}
