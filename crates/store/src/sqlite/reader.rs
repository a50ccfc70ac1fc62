//! Reads: on the thread that asks, through a connection of its own.
//!
//! Handing a read to another thread costs more than the read; a connection per thread has its own prepared statements and takes no lock.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use cholla_domain::limits::SECRETS_PER_SCOPE_MAX;
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{NameTag, ScopeTag};
use cholla_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use thread_local::ThreadLocal;

use super::{connection, row};

/// Where reads come from.
pub(super) enum Readers {
    /// One connection per thread; they are closed when this is dropped.
    File { path: PathBuf, cache_bytes: usize, connections: Box<ThreadLocal<Connection>> },
    /// The writer's own connection: a database in memory has no other. A batch holds the lock from BEGIN to COMMIT.
    Memory(Arc<Mutex<Connection>>),
}

impl Readers {
    pub(super) fn of_file(path: &Path, cache_bytes: usize) -> Self {
        Self::File { path: path.to_owned(), cache_bytes, connections: Box::default() }
    }

    /// Runs `read` on a connection that sees every committed transaction.
    pub(super) fn with<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        match self {
            Self::File { path, cache_bytes, connections } => {
                read(connections.get_or_try(|| connection::reader(path, *cache_bytes))?)
            }
            Self::Memory(connection) => read(&connection.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

/// The row under a name, live or expired.
pub(super) fn find(connection: &Connection, scope: ScopeTag, name: NameTag) -> rusqlite::Result<Option<StoredSecret>> {
    let mut statement = connection.prepare_cached(
        "SELECT id, version, created_at, expires_at, sealed FROM secret WHERE scope = ?1 AND name = ?2",
    )?;
    statement
        .query_row(params![scope.as_bytes(), name.as_bytes()], |columns| row::secret(columns, 0, scope, name))
        .optional()
}

/// The header under a name, live or expired. The sealed record is not read.
pub(super) fn header(
    connection: &Connection,
    scope: ScopeTag,
    name: NameTag,
) -> rusqlite::Result<Option<RecordHeader>> {
    let mut statement = connection
        .prepare_cached("SELECT id, version, created_at, expires_at FROM secret WHERE scope = ?1 AND name = ?2")?;
    statement.query_row(params![scope.as_bytes(), name.as_bytes()], |columns| row::header(columns, 0)).optional()
}

/// The live rows of a scope, newest first. A scope has no more rows than live secrets are allowed, so this reads ten at most.
pub(super) fn list(connection: &Connection, scope: ScopeTag, now: Timestamp) -> rusqlite::Result<Vec<StoredSecret>> {
    let mut statement = connection.prepare_cached(
        "SELECT name, id, version, created_at, expires_at, sealed FROM secret \
         WHERE scope = ?1 AND (expires_at IS NULL OR expires_at > ?2) ORDER BY created_at DESC, row DESC",
    )?;
    let rows = statement.query_map(params![scope.as_bytes(), now.as_unix()], |columns| {
        row::secret(columns, 1, scope, NameTag::from_bytes(row::bytes(columns, 0)?))
    })?;
    rows.take(SECRETS_PER_SCOPE_MAX).collect()
}
