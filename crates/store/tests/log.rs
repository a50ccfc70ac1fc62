//! The write-ahead log stays short while everybody writes, and gets short again after somebody has kept it from it.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use std::path::Path;
use std::sync::Arc;

use cholla_domain::ports::SetOutcome;
use cholla_store::sqlite::{Options, Store};
use cholla_testkit::store_suite::{Stores, new_secret};

const MIB: u64 = 1 << 20;

/// Sets `count` secrets of three pages each from 64 tasks at once.
async fn write(stores: &Arc<Stores>, first: u64, count: u64) {
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..64 {
        let stores = Arc::clone(stores);
        tasks.spawn(async move {
            for number in (first + task..first + count).step_by(64) {
                let user = format!("usr_{}", number / 10);
                let secret = new_secret(&user, &number.to_string(), 8 * number, None, 100);
                assert_eq!(stores.set(&user, secret, 100).await, SetOutcome::Done);
            }
        });
    }
    tasks.join_all().await;
}

fn log_mib(directory: &Path) -> u64 {
    std::fs::metadata(directory.join("cholla.db-wal")).unwrap().len() / MIB
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_bounded() {
    let directory = tempfile::tempdir().unwrap();
    let stores = Arc::new(Stores::new(Store::open(directory.path(), &Options::default()).unwrap(), ()));
    write(&stores, 0, 12_000).await;
    let written = std::fs::metadata(directory.path().join("cholla.db")).unwrap().len() / MIB;
    assert!(written > 80, "{written} MiB reached the file");
    assert!(log_mib(directory.path()) <= 72, "{} MiB", log_mib(directory.path()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_reader_holds_the_log_but_no_writer() {
    let directory = tempfile::tempdir().unwrap();
    let stores = Arc::new(Stores::new(Store::open(directory.path(), &Options::default()).unwrap(), ()));
    write(&stores, 0, 100).await;
    let reader = rusqlite::Connection::open(directory.path().join("cholla.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM secret").unwrap();
    let seen = || -> u32 { reader.query_row("SELECT count(*) FROM secret", [], |row| row.get(0)).unwrap() };
    assert_eq!(seen(), 100);
    write(&stores, 100, 10_000).await;
    assert_eq!(seen(), 100, "a reader keeps its state");
    let held = log_mib(directory.path());
    assert!(held > 72, "the reader holds the log: {held} MiB");
    reader.execute_batch("COMMIT").unwrap();
    // The log starts again within the next closing, and its file is cut back.
    write(&stores, 20_000, 6_000).await;
    assert!(log_mib(directory.path()) <= 72, "{} MiB", log_mib(directory.path()));
}
