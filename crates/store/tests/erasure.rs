//! What is destroyed is in no file any more; and a directory of version 1 is brought to the newest.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use cholla_domain::error::StoreError;
use cholla_domain::id::{Entropy, SecretId, UserId};
use cholla_domain::payload::Sealed;
use cholla_domain::place::Scope;
use cholla_domain::policy::{Read, Write};
use cholla_domain::ports::{
    CommitOutcome, DirectoryCommit, ErasureStore, Judgement, NewSecret, SetOutcome, WrappedKeyStore,
};
use cholla_domain::tag::{ErasureId, NameTag};
use cholla_store::sqlite::{Options, Store};
use cholla_testkit::cipher::place;
use cholla_testkit::entropy::SeededEntropy;
use cholla_testkit::store_directory::change;
use cholla_testkit::store_notices::namespace_tag;
use cholla_testkit::store_suite::{Stores, at, deletion, new_secret, user_place, version};

const ACCOUNTS: u64 = 400;
const SCOPES: u64 = 6;
const KEY_BYTES: usize = 93;

/// Bytes that stand nowhere else.
fn marked(number: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    SeededEntropy::new(number).fill(&mut bytes);
    bytes
}

fn account(number: u64) -> String {
    format!("acct_{number}")
}

fn key(number: u64) -> Vec<u8> {
    marked(1_000_000 + number, KEY_BYTES)
}

/// How many of `needles`, told apart by their first sixteen bytes, stand in any file of the directory.
fn found(directory: &Path, needles: impl Iterator<Item = Vec<u8>>) -> usize {
    let mut wanted: HashSet<[u8; 16]> = needles.map(|needle| *needle.first_chunk().unwrap()).collect();
    let before = wanted.len();
    let mut begins = vec![false; 1 << 16];
    for needle in &wanted {
        begins[usize::from(u16::from_be_bytes([needle[0], needle[1]]))] = true;
    }
    for file in fs::read_dir(directory).unwrap() {
        for window in fs::read(file.unwrap().path()).unwrap().windows(16) {
            if begins[usize::from(u16::from_be_bytes([window[0], window[1]]))] {
                wanted.remove(window);
            }
        }
    }
    before - wanted.len()
}

fn open(directory: &Path) -> Store {
    Store::open(directory, &Options::default()).unwrap()
}

async fn set(stores: &Stores, number: u64, user: u64, mark: u64, length: usize) {
    let scope = Scope::User(UserId::new(format!("usr_{user}")));
    let name = NameTag::from_bytes([1; 16]);
    let header = stores.secrets.header(&place::<Write>(&account(number), scope.clone()), name, at(100)).await.unwrap();
    let sealed = Sealed::assertion(marked(mark, length));
    let id = header.map_or_else(|| SecretId::draw(&SeededEntropy::new(mark)), |header| header.id);
    let mut secret = NewSecret { name, replaces: header, sealed, ..new_secret("", "any", mark, None, 100) };
    secret.header.id = id;
    let outcome = stores.secrets.set(&place::<Write>(&account(number), scope), secret, at(100)).await.unwrap();
    assert_eq!(outcome, SetOutcome::Done);
}

/// Many namespaces come, grow, shrink and go, interleaved. Pages are split and merged all the while; of the keys that were destroyed
/// nothing is left, and every other key is what it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_14_6_no_file_holds_a_copy_of_a_destroyed_key() {
    let directory = tempfile::tempdir().unwrap();
    let stores = Arc::new(Stores::new(open(directory.path()), ()));
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..16 {
        let stores = Arc::clone(&stores);
        tasks.spawn(async move {
            for number in (task..ACCOUNTS).step_by(16) {
                assert_eq!(stores.keep_key(&account(number), &key(number)).await, key(number));
                for user in 0..SCOPES {
                    let mark = number * 100 + user;
                    set(&stores, number, user, mark, 60 + usize::try_from(mark % 7).unwrap() * 200).await;
                }
            }
            // Growing splits pages, deleting merges them.
            for number in (task..ACCOUNTS).step_by(16) {
                for user in 0..SCOPES {
                    let mark = number * 100 + user;
                    if mark.is_multiple_of(3) {
                        set(&stores, number, user, mark, 900).await;
                    } else if mark.is_multiple_of(5) {
                        let scope = Scope::User(UserId::new(format!("usr_{user}")));
                        let name = NameTag::from_bytes([1; 16]);
                        let gone = cholla_domain::ports::Deletion { name, ..deletion("", "any") };
                        stores.secrets.delete(&place(&account(number), scope), gone, at(100)).await.unwrap();
                    }
                }
            }
        });
    }
    tasks.join_all().await;
    let is_destroyed = |number: &u64| !number.is_multiple_of(3) || (90..150).contains(number);
    assert_eq!(found(directory.path(), (0..ACCOUNTS).map(key)), 400, "a key that is kept is found");
    for (revision, number) in (0..).zip((0..ACCOUNTS).filter(is_destroyed)) {
        let erasure = ErasureId::from_bytes(u128::from(number).to_be_bytes());
        let closed = vec![stores.closing(&account(number), erasure).await];
        assert_eq!(stores.commit(DirectoryCommit { closed, ..change(revision) }).await, CommitOutcome::Done);
        while !stores.erasures.erase_step(erasure, 4).await.unwrap().1 {}
    }
    assert_eq!(stores.keep_key(&account(1), &key(ACCOUNTS)).await, key(ACCOUNTS), "a namespace may come back");
    assert!(found(directory.path(), (0..ACCOUNTS).filter(is_destroyed).map(key)) > 0, "the log still has them");
    stores.erasures.shred_log().await.unwrap();
    assert_eq!(fs::metadata(directory.path().join("cholla.db-wal")).unwrap().len(), 0);
    let check = async |stores: &Stores| {
        assert_eq!(found(directory.path(), (0..ACCOUNTS).filter(is_destroyed).map(key)), 0);
        for number in (0..ACCOUNTS).filter(|number| !is_destroyed(number)) {
            assert_eq!(stores.keep_key(&account(number), b"no other").await, key(number));
            for user in 0..SCOPES {
                let mark = number * 100 + user;
                let scope = Scope::User(UserId::new(format!("usr_{user}")));
                let name = NameTag::from_bytes([1; 16]);
                let secret = stores.secrets.find(&place::<Read>(&account(number), scope), name, at(100)).await.unwrap();
                let is_deleted = !mark.is_multiple_of(3) && mark.is_multiple_of(5);
                assert_eq!(secret.map(|secret| secret.sealed.as_bytes()[..16].to_vec()), {
                    (!is_deleted).then(|| marked(mark, 16))
                });
            }
        }
        assert_eq!(stores.keep_key(&account(1), b"no other").await, key(ACCOUNTS));
    };
    check(&stores).await;
    // What was sealed under a destroyed key cannot be opened, wherever it stands. Few copies are left all the same: when `SQLite` merges
    // pages it may leave some behind.
    let erased = (0..ACCOUNTS).filter(is_destroyed).flat_map(|number| (0..SCOPES).map(move |user| number * 100 + user));
    let erased: Vec<_> = erased.collect();
    let left = found(directory.path(), erased.iter().map(|mark| marked(*mark, 16)));
    assert!(left * 20 < erased.len(), "{left} of {}", erased.len());
    drop(stores);
    let stores = Stores::new(open(directory.path()), ());
    check(&stores).await;
}

/// While somebody reads an old state the log stays; as soon as nobody does, it is emptied, whatever else goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_emptied_beside_readers_and_writers() {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(open(directory.path()));
    let log = || fs::metadata(directory.path().join("cholla.db-wal")).unwrap().len();
    store
        .keep_wrapped_key(namespace_tag("acct_a"), cholla_domain::ports::WrappedKey(key(1)), Judgement::ALONE.at)
        .await
        .unwrap();
    let reader = rusqlite::Connection::open(directory.path().join("cholla.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM secret").unwrap();
    store
        .keep_wrapped_key(namespace_tag("acct_b"), cholla_domain::ports::WrappedKey(key(2)), Judgement::ALONE.at)
        .await
        .unwrap();
    assert!(matches!(store.shred_log().await, Err(StoreError::Unavailable(_))));
    assert!(log() > 0);
    reader.execute_batch("COMMIT").unwrap();
    store.shred_log().await.unwrap();
    assert_eq!(log(), 0);
    drop(store);
    let stores = Arc::new(Stores::new(open(directory.path()), ()));
    let stop = Arc::new(AtomicBool::new(false));
    let all_busy = Arc::new(tokio::sync::Barrier::new(9));
    let mut busy = tokio::task::JoinSet::new();
    for task in 0..8_u64 {
        let (stores, stop, all_busy) = (Arc::clone(&stores), Arc::clone(&stop), Arc::clone(&all_busy));
        busy.spawn(async move {
            let user = task.to_string();
            let mut mark = 8;
            assert_eq!(stores.put(&user, "a", mark, 100).await, SetOutcome::Done);
            all_busy.wait().await;
            while !stop.load(Ordering::SeqCst) {
                mark += 8;
                assert_eq!(stores.put(&user, "a", mark, 100).await, SetOutcome::Done);
                assert_eq!(stores.secrets.list(&user_place(&user), at(100)).await.unwrap().len(), 1);
            }
            (user, mark)
        });
    }
    all_busy.wait().await;
    for _ in 0..20 {
        stores.erasures.shred_log().await.unwrap();
    }
    stop.store(true, Ordering::SeqCst);
    for (user, mark) in busy.join_all().await {
        assert_eq!(stores.header(&user, "a", 100).await.unwrap().version, version(mark));
    }
}

/// A directory of the first version keeps its keys and secrets.
#[tokio::test]
async fn a_directory_of_version_1_is_migrated() {
    let directory = tempfile::tempdir().unwrap();
    {
        let stores = Stores::new(open(directory.path()), ());
        for mark in 0..30 {
            assert_eq!(stores.put(&format!("usr_{}", mark / 10), &mark.to_string(), mark, 100).await, SetOutcome::Done);
        }
    }
    let path = directory.path().join("cholla.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    let added = "DROP TABLE wrapped_key; DROP TABLE scope; DROP TABLE read_day; DROP TABLE erasure; DROP TABLE record;
                 DROP TABLE directory_state; DROP TABLE audit; DROP TABLE delivery; DROP TABLE notice;
                 DROP TABLE notice_state; DROP TABLE closed;
                 DROP TABLE notice_count;";
    connection.execute_batch(added).unwrap();
    connection
        .execute_batch("CREATE TABLE wrapped_key (namespace BLOB NOT NULL UNIQUE, wrapped BLOB NOT NULL) STRICT;")
        .unwrap();
    let known: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<rusqlite::Result<_>>()
        .unwrap();
    let first = [
        "idempotency",
        "idempotency_by_time",
        "idempotency_index",
        "idempotency_state",
        "probe",
        "secret",
        "secret_by_expiry",
        "secret_by_place",
        "wrapped_key",
    ];
    assert_eq!(known, first, "what version 1 had");
    for number in 0..200 {
        let tag = namespace_tag(&account(number));
        let values = rusqlite::params![tag.as_bytes(), key(number)];
        connection.execute("INSERT INTO wrapped_key VALUES (?1, ?2)", values).unwrap();
    }
    connection.execute_batch("PRAGMA user_version = 1").unwrap();
    drop(connection);
    let stores = Stores::new(open(directory.path()), ());
    for number in 0..200 {
        assert_eq!(stores.keep_key(&account(number), b"no other").await, key(number));
    }
    for user in 0..3 {
        assert_eq!(stores.list(&format!("usr_{user}"), 100).await.len(), 10);
    }
    let closed = vec![stores.closing(&account(7), ErasureId::from_bytes([7; 16])).await];
    assert_eq!(stores.commit(DirectoryCommit { closed, ..change(0) }).await, CommitOutcome::Done);
    stores.erasures.shred_log().await.unwrap();
    assert_eq!(found(directory.path(), (0..200).map(key)), 199, "nor does the old table hold a copy");
}

/// Contract 14.6: what was closed matters to whoever is on the way; nobody is after a start.
#[tokio::test]
async fn what_was_closed_is_forgotten_at_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let count = |path: &Path| {
        let connection = rusqlite::Connection::open(path.join("cholla.db")).unwrap();
        connection.query_row("SELECT count(*) FROM closed", [], |row| row.get::<_, u32>(0)).unwrap()
    };
    for revision in 0..2 {
        let stores = Stores::new(open(directory.path()), ());
        assert_eq!(count(directory.path()), 0, "at the start number {revision}");
        let closed = vec![stores.closing("acct_a", ErasureId::from_bytes([1; 16])).await];
        assert_eq!(stores.commit(DirectoryCommit { closed, ..change(revision) }).await, CommitOutcome::Done);
        assert_eq!(count(directory.path()), 1);
    }
}
