//! Opening a data directory: everything that can be wrong with it is found here and said with what to do. Nothing is written to a file
//! that is not ours, is newer than this program, or is damaged.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use cholla_domain::error::Cause;
use rusqlite::Connection;
use rusqlite::config::DbConfig;
use thiserror::Error;

use super::connection;
use super::error::is_corruption;
use super::idempotency::Recent;
use super::store::Options;

/// `Chol` in ASCII: marks the file as ours.
const APPLICATION_ID: i32 = 0x4368_6f6c;
/// The migrations, in their order; the schema's version is how many of them have run. A migration that was released never changes.
const MIGRATIONS: [&str; 2] =
    [include_str!("migrations/0001_initial.sql"), include_str!("migrations/0002_platform.sql")];
/// Older ones can lose writes when a checkpoint and a write race on the log.
const LIBRARY_MIN: i32 = 3_053_000;

const DATABASE: &str = "cholla.db";
const UNFINISHED: &str = "cholla.db.new";
const LOG: &str = "cholla.db-wal";
const LOCK: &str = "LOCK";

/// Why a data directory could not be opened, and what to do about it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The linked `SQLite` is too old.
    #[error("SQLite {found} can corrupt its write-ahead log; build with the bundled one (3.53 or newer)")]
    Library {
        /// Its version.
        found: &'static str,
    },
    /// The directory or a file in it cannot be created, read or written.
    #[error(
        "cannot use {path}: {source}; give this user a directory that it can read and write, on a disk with space left"
    )]
    Files {
        /// What was tried.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Another process has it.
    #[error("{path} is in use by another process; stop that one, or choose another directory")]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The file is a database of another program, or no database.
    #[error("{path} is not a database of this program; choose another directory, or move the file away")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a later version.
    #[error(
        "{path} was written by a newer version (schema {found}, this one knows {known}); start that version, or restore a backup from \
         before the upgrade"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// The newest schema that this program knows.
        known: i32,
    },
    /// The file is ours, but part of it is missing or wrong.
    #[error(
        "{path} is damaged ({detail}); restore a backup, or let the `sqlite3` tool's `.recover` save what it can from a copy"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// `SQLite` could not open it for another reason.
    #[error("cannot open {path}: {source}; look after the disk, then start again")]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What `SQLite` says.
        source: Cause,
    },
}

/// For `map_err`: a failure of `SQLite` at `path` that is neither damage nor another's file.
pub(super) fn sqlite(path: &Path) -> impl FnOnce(rusqlite::Error) -> OpenError {
    let path = path.to_owned();
    move |source| OpenError::Sqlite { path, source: Box::new(source) }
}

/// Refuses an `SQLite` that could corrupt the log.
pub(super) fn check_library() -> Result<(), OpenError> {
    if rusqlite::version_number() < LIBRARY_MIN {
        return Err(OpenError::Library { found: rusqlite::version() });
    }
    Ok(())
}

/// An open data directory.
pub(super) struct Opened {
    /// The writer's connection.
    pub(super) connection: Connection,
    /// What the writer keeps in memory of the idempotency records.
    pub(super) recent: Recent,
    /// The database file.
    pub(super) path: PathBuf,
    /// Held as long as the store is open.
    pub(super) lock: File,
}

/// Opens the data directory, and creates it and the database where they are missing.
pub(super) fn open(directory: &Path, options: &Options) -> Result<Opened, OpenError> {
    check_library()?;
    let lock = lock(directory)?;
    let path = directory.join(DATABASE);
    if inspect(directory, &path)? == Found::Nothing {
        create(directory, &path)?;
    }
    let (connection, recent) = connect(&path, options).map_err(|error| match error {
        Refused::Newer(found) => OpenError::Newer { path: path.clone(), found, known: newest() },
        Refused::Foreign => OpenError::Foreign { path: path.clone() },
        Refused::Sqlite(source) if is_corruption(&source) => {
            OpenError::Damaged { path: path.clone(), detail: source.to_string() }
        }
        Refused::Sqlite(source) => sqlite(&path)(source),
    })?;
    Ok(Opened { connection, recent, path, lock })
}

/// A database in memory, with the schema.
pub(super) fn in_memory(options: &Options) -> Result<(Connection, Recent), OpenError> {
    check_library()?;
    let schema = || {
        let connection = connection::memory()?;
        migrate(&connection, 0)?;
        let recent = Recent::load(&connection, options.recent_records)?;
        Ok((connection, recent))
    };
    schema().map_err(sqlite(Path::new(":memory:")))
}

fn newest() -> i32 {
    i32::try_from(MIGRATIONS.len()).expect("there are a handful of migrations")
}

fn lock(directory: &Path) -> Result<File, OpenError> {
    let files = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Files { path, source }
    };
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(files(directory))?;
    let path = directory.join(LOCK);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let lock = options.open(&path).map_err(files(&path))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: directory.to_owned() }),
        Err(TryLockError::Error(source)) => Err(files(&path)(source)),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Database,
}

/// Reads the header of the file, as the format defines it, before `SQLite` may touch anything.
fn inspect(directory: &Path, path: &Path) -> Result<Found, OpenError> {
    let files = |source| OpenError::Files { path: path.to_owned(), source };
    let damaged = |detail: &str| Err(OpenError::Damaged { path: path.to_owned(), detail: detail.to_owned() });
    let log_bytes = std::fs::metadata(directory.join(LOG)).map_or(0, |log| log.len());
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            // A new database under the old one's log would be overwritten with that log's pages.
            return if log_bytes == 0 { Ok(Found::Nothing) } else { damaged("it is missing, but its log is there") };
        }
        Err(error) => return Err(files(error)),
    };
    let length = file.metadata().map_err(files)?.len();
    let mut header = [0; 100];
    if length < 100 {
        return damaged("it is too short to be a database");
    }
    file.read_exact(&mut header).map_err(files)?;
    if !header.starts_with(b"SQLite format 3\0") || number(&header, 68) != APPLICATION_ID.cast_unsigned() {
        return Err(OpenError::Foreign { path: path.to_owned() });
    }
    let found = number(&header, 60).cast_signed();
    if found > newest() {
        return Err(OpenError::Newer { path: path.to_owned(), found, known: newest() });
    }
    let page_bytes = match u64::from(u16::from_be_bytes([header[16], header[17]])) {
        1 => 65_536,
        bytes => bytes,
    };
    // With pages in the log the file may rightly be shorter than its header says.
    if log_bytes == 0 && length < page_bytes * u64::from(number(&header, 28)) {
        return damaged("it is shorter than it was");
    }
    Ok(Found::Database)
}

fn number(header: &[u8; 100], at: usize) -> u32 {
    u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
}

/// Makes an empty database under another name and moves it into its place when it is whole.
fn create(directory: &Path, path: &Path) -> Result<(), OpenError> {
    let unfinished = directory.join(UNFINISHED);
    let files = |source| OpenError::Files { path: unfinished.clone(), source };
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(files(error)),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished).map_err(files)?;
    let fill = || {
        let connection = connection::writer(&unfinished, 0)?;
        migrate(&connection, 0)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.close().map_err(|(_, error)| error)
    };
    fill().map_err(sqlite(&unfinished))?;
    std::fs::rename(&unfinished, path).map_err(files)?;
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(files)
}

enum Refused {
    Newer(i32),
    Foreign,
    Sqlite(rusqlite::Error),
}

impl From<rusqlite::Error> for Refused {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

/// Opens the file for writing, looks again (the log may know better than the header), and runs the migrations that are missing.
fn connect(path: &Path, options: &Options) -> Result<(Connection, Recent), Refused> {
    let connection = connection::writer(path, options.writer_cache_bytes)?;
    // Closing would write to a file that turns out not to be ours to write.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let read = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
    let (application, version) = (read("application_id")?, read("user_version")?);
    if application != APPLICATION_ID {
        return Err(Refused::Foreign);
    }
    if version > newest() {
        return Err(Refused::Newer(version));
    }
    // Reads the root and the ends of each tree: what is grossly wrong is found now, not by the first request.
    connection.query_row(
        "SELECT (SELECT min(row) FROM secret), (SELECT max(row) FROM secret), (SELECT min(scope) FROM secret),
                (SELECT max(kept_at) FROM idempotency), (SELECT max(rowid) FROM wrapped_key)",
        [],
        |_| Ok(()),
    )?;
    migrate(&connection, version)?;
    connection.query_row(
        "SELECT (SELECT revision FROM directory_state), (SELECT max(row) FROM record), (SELECT min(key) FROM record),
                (SELECT max(number) FROM audit), (SELECT max(row) FROM delivery), (SELECT max(number) FROM notice),
                (SELECT min(scope) FROM scope), (SELECT min(tag) FROM closed), (SELECT min(endpoint) FROM notice_count)",
        [],
        |_| Ok(()),
    )?;
    let mode: String = connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
        let why = "the file system does not carry a write-ahead log".to_owned();
        return Err(Refused::Sqlite(rusqlite::Error::SqliteFailure(error, Some(why))));
    }
    let recent = Recent::load(&connection, options.recent_records)?;
    // Nobody is on the way who was judged before a start, so nobody asks for these; one for each namespace that ever ended would be left.
    // They do no harm: a full disk is no reason not to start.
    if let Err(error) = connection.execute("DELETE FROM closed", []) {
        tracing::warn!(%error, "what erasures have closed stays in the database until the next start");
    }
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    Ok((connection, recent))
}

/// Runs the migrations after `version`, each in a transaction of its own with the version it leads to.
fn migrate(connection: &Connection, version: i32) -> rusqlite::Result<()> {
    for (migration, version) in MIGRATIONS.into_iter().zip(1..).skip(usize::try_from(version).unwrap_or(0)) {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID}; {migration} PRAGMA user_version = {version}; COMMIT;"
        ))?;
    }
    Ok(())
}
