//! What can be wrong with a data directory, and that nothing in it is touched then.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use cholla_domain::error::StoreError;
use cholla_domain::ports::SecretStore;
use cholla_store::sqlite::{OpenError, Options, Store};
use cholla_testkit::store_suite::{Stores, at, new_secret, user_place};
use tempfile::TempDir;

fn open(directory: &Path) -> Result<Store, OpenError> {
    Store::open(directory, &Options::default())
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// A directory with a closed database of some hundred pages.
fn used() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let stores = Arc::new(Stores::new(open(directory.path()).unwrap(), ()));
    run(async {
        let mut sets = tokio::task::JoinSet::new();
        for mark in 0..500 {
            let stores = Arc::clone(&stores);
            let user = format!("usr_{}", mark / 10);
            let secret = new_secret(&user, &mark.to_string(), mark, None, 100);
            sets.spawn(async move { stores.set(&user, secret, 100).await });
        }
        sets.join_all().await;
    });
    directory
}

fn overwrite(path: &Path, offset: usize, bytes: &[u8]) {
    let mut content = fs::read(path).unwrap();
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
    fs::write(path, content).unwrap();
}

/// Spoils a used directory, and checks what opening says and that the database is left as it is.
fn check(spoil: impl FnOnce(&Path), expected: &str) {
    let directory = used();
    let database = directory.path().join("cholla.db");
    spoil(&database);
    let before = fs::read(&database).ok();
    let error = open(directory.path()).expect_err(expected);
    let text = error.to_string().replace(&*directory.path().to_string_lossy(), "DIR");
    assert!(text.starts_with(expected), "{text}\ninstead of\n{expected}");
    assert!(text.contains(';'), "{text} does not say what to do");
    assert_eq!(fs::read(&database).ok(), before, "{expected}: the file was changed");
}

#[test]
fn a_file_that_is_not_for_us_is_refused_untouched() {
    let set_pragma = |pragma: &'static str| {
        move |path: &Path| {
            let connection = rusqlite::Connection::open(path).unwrap();
            connection.execute_batch(&format!("PRAGMA {pragma}")).unwrap();
        }
    };
    check(
        |path| fs::write(path, "these are notes of mine\n".repeat(99)).unwrap(),
        "DIR/cholla.db is not a database of",
    );
    check(set_pragma("application_id = 7"), "DIR/cholla.db is not a database of this program");
    check(
        set_pragma("user_version = 99"),
        "DIR/cholla.db was written by a newer version (schema 99, this one knows 2)",
    );
    check(|path| fs::write(path, "").unwrap(), "DIR/cholla.db is damaged (it is too short");
    check(|path| fs::write(path, vec![0; 8192]).unwrap(), "DIR/cholla.db is not a database of this program");
    check(
        |path| {
            let half = fs::metadata(path).unwrap().len() / 2;
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(half).unwrap();
        },
        "DIR/cholla.db is damaged (it is shorter than it was)",
    );
    check(|path| overwrite(path, 4096, &[0x55; 4 * 4096]), "DIR/cholla.db is damaged (");
    check(
        |path| {
            fs::write(path.with_extension("db-wal"), [7; 4096]).unwrap();
            fs::remove_file(path).unwrap();
        },
        "DIR/cholla.db is damaged (it is missing, but its log is there)",
    );
}

#[test]
fn a_version_that_only_the_log_knows_counts() {
    let directory = used();
    let path = directory.path().join("cholla.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.execute_batch("PRAGMA wal_autocheckpoint = 0; PRAGMA user_version = 99").unwrap();
    let before = fs::read(&path).unwrap();
    assert!(matches!(open(directory.path()), Err(OpenError::Newer { found: 99, known: 2, .. })));
    drop(open(directory.path()));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn damage_that_is_met_later_is_an_error_of_that_request() {
    let directory = used();
    let path = directory.path().join("cholla.db");
    let length = usize::try_from(fs::metadata(&path).unwrap().len()).unwrap();
    // Away from the roots and the ends of the trees, which opening reads.
    let (start, end) = (length * 4 / 10 / 4096 * 4096, length * 6 / 10 / 4096 * 4096);
    overwrite(&path, start, &vec![0x55; end - start]);
    let store = open(directory.path()).unwrap();
    let outcomes = run(async {
        let mut outcomes = Vec::new();
        for user in (0..50).map(|user| format!("usr_{user}")) {
            outcomes.push(match store.list(&user_place(&user), at(100)).await {
                Ok(rows) => format!("{} rows", rows.len()),
                Err(StoreError::Corrupt(_)) => "corrupt".to_owned(),
                Err(error) => format!("{error:?}"),
            });
        }
        outcomes.sort();
        outcomes.dedup();
        outcomes
    });
    assert_eq!(outcomes, ["10 rows", "corrupt"]);
}

#[test]
fn one_process_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).unwrap();
    assert!(matches!(open(directory.path()), Err(OpenError::InUse { .. })));
    store.shutdown().unwrap();
    assert!(matches!(open(directory.path()), Err(OpenError::InUse { .. })), "its readers may still be open");
    store.close().unwrap();
    open(directory.path()).unwrap();
}

#[test]
fn a_directory_that_cannot_be_used_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    // Not even root writes below /proc.
    for path in [file.join("data"), file, "/proc/cholla".into()] {
        let error = open(&path).unwrap_err();
        assert!(matches!(error, OpenError::Files { .. }), "{error:?}");
        assert!(error.to_string().starts_with(&format!("cannot use {}", path.display())), "{error}");
    }
}

#[test]
fn a_new_directory_is_for_its_owner_only() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a/b");
    let store = open(&path).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o700);
    for file in fs::read_dir(&path).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    drop(store);
    let mut names: Vec<_> = fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["LOCK", "cholla.db"], "an orderly end leaves no log");
}

#[test]
fn what_an_interrupted_creation_left_is_replaced() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("cholla.db.new"), "half of it").unwrap();
    fs::set_permissions(directory.path().join("cholla.db.new"), Permissions::from_mode(0o600)).unwrap();
    open(directory.path()).unwrap().close().unwrap();
    assert!(!directory.path().join("cholla.db.new").exists());
    open(directory.path()).unwrap();
}

#[test]
fn what_was_set_is_there_after_a_restart() {
    let directory = used();
    let stores = Stores::new(open(directory.path()).unwrap(), ());
    for user in (0..50).map(|user| format!("usr_{user}")) {
        assert_eq!(run(stores.list(&user, 100)).len(), 10, "{user}");
    }
}
