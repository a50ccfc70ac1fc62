//! How connections are set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// How long a connection waits for another one of this process, or for a tool that has the file open.
pub(super) const BUSY_WAIT: Duration = Duration::from_secs(2);
/// Prepared statements a connection keeps; there are fewer.
const STATEMENTS: usize = 96;
/// What the log's file is cut back to when the log starts again after somebody kept it from that.
const LOG_BYTES: usize = 64 << 20;
/// Page cache of a connection that only copies pages.
const CHECKPOINT_CACHE_BYTES: usize = 256 * 1024;

/// The writer's connection. The file exists.
pub(super) fn writer(path: &Path, cache_bytes: usize) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection, cache_bytes)?;
    Ok(connection)
}

/// A connection for the reads of one thread.
pub(super) fn reader(path: &Path, cache_bytes: usize) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection, cache_bytes)?;
    Ok(connection)
}

/// The checkpointer's connection.
pub(super) fn checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    writer(path, CHECKPOINT_CACHE_BYTES)
}

/// A database in memory: its only connection.
pub(super) fn memory() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn prepare(connection: &Connection, cache_bytes: usize) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_WAIT)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // One plan per statement. Without this `SQLite` makes some of them anew for every value that is bound.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let cache_kib = cache_bytes / 1024;
    // FULL: a commit is on the disk before it is acknowledged. No mmap: every commit makes each reader drop its mapping, which halves
    // a mixed load. secure_delete: what is erased is overwritten. No automatic checkpoints: they would stop the writer.
    connection.execute_batch(&format!(
        "PRAGMA synchronous = FULL;
         PRAGMA mmap_size = 0;
         PRAGMA secure_delete = ON;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA journal_size_limit = {LOG_BYTES};
         PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA cache_size = -{cache_kib};"
    ))
}
