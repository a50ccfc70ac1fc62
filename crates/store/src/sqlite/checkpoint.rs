//! Keeps the write-ahead log short without making writers wait for the database file.
//!
//! A thread of its own copies pages from the log into the file while the writer goes on. Alone it would never catch up with a busy
//! writer, and the log, which starts again from its beginning only when every page of it has been copied, would grow for ever. So once
//! the log is long the writer itself copies, between two transactions, the few pages that the last pass of the thread has left.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::connection;
use super::statistics::Counters;

/// The thread makes a pass when so many pages of the log are not in the file.
const PASS_PAGES: u64 = 1_000;
/// The writer finishes what the thread has left when the log is so long.
const RESTART_PAGES: u64 = 4_000;
/// Where the writer does not wait for the thread to catch up any more: 64 MiB.
const WAL_PAGES_MAX: u64 = 16_384;
const _: () = assert!(PASS_PAGES < RESTART_PAGES && RESTART_PAGES < WAL_PAGES_MAX);

/// The log, in pages.
#[derive(Clone, Copy, Debug)]
struct Wal {
    /// From its beginning to the last commit.
    length: u64,
    /// Of these, not yet in the database file.
    behind: u64,
}

impl Wal {
    /// Runs a checkpoint of `mode` (or only looks, with NOOP) and answers where that leaves the log.
    fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<Self> {
        connection.prepare_cached(sql)?.query_row([], |row| {
            let length = u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0);
            let copied = u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0);
            Ok(Self { length, behind: length.saturating_sub(copied) })
        })
    }

    fn look(connection: &Connection) -> rusqlite::Result<Self> {
        Self::checkpoint(connection, "PRAGMA main.wal_checkpoint(NOOP)")
    }

    fn pass(connection: &Connection) -> rusqlite::Result<Self> {
        Self::checkpoint(connection, "PRAGMA main.wal_checkpoint(PASSIVE)")
    }
}

#[derive(Debug, Default)]
struct State {
    /// A pass was asked for, or is being made.
    busy: bool,
    stopping: bool,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while the lock is held, and two flags are valid in any combination.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_until(&self, condition: impl Fn(&State) -> bool) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_while(self.lock(), |state| !condition(state));
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's handle on the thread.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Checkpointer {
    /// Starts the thread on the database at `path`.
    pub(super) fn start(path: &Path, counters: Arc<Counters>) -> rusqlite::Result<std::io::Result<Self>> {
        let connection = connection::checkpointer(path)?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("checkpoint".to_owned()).spawn(move || run(&connection, &own, &counters));
        Ok(thread.map(|thread| Self { shared, thread }))
    }

    /// Looks at the log between two transactions and has done what it needs.
    pub(super) fn after_commit(&self, connection: &Connection, counters: &Counters) {
        if let Err(error) = self.shorten(connection, counters) {
            tracing::warn!(%error, "the write-ahead log could not be checkpointed");
        }
    }

    fn shorten(&self, connection: &Connection, counters: &Counters) -> rusqlite::Result<()> {
        let mut wal = Wal::look(connection)?;
        if wal.length >= WAL_PAGES_MAX {
            drop(self.shared.wait_until(|state| !state.busy));
        }
        let idle = !self.shared.lock().busy;
        if idle && wal.length >= RESTART_PAGES && wal.behind > 0 {
            wal = Wal::pass(connection)?;
            counters.checkpoints.fetch_add(1, Ordering::Relaxed);
        } else if idle && wal.behind >= PASS_PAGES {
            self.shared.lock().busy = true;
            self.shared.changed.notify_all();
        }
        counters.wal_pages.store(wal.length, Ordering::Relaxed);
        counters.wal_pages_behind.store(wal.behind, Ordering::Relaxed);
        Ok(())
    }

    /// Ends the thread.
    pub(super) fn stop(self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_all();
        // A panic of the thread has been reported by the panic hook, and nothing depends on its passes.
        let _ = self.thread.join();
    }

    /// Copies what is left and empties the log.
    pub(super) fn finish(connection: &Connection) -> rusqlite::Result<()> {
        Wal::checkpoint(connection, "PRAGMA main.wal_checkpoint(TRUNCATE)").map(|_| ())
    }
}

fn run(connection: &Connection, shared: &Shared, counters: &Counters) {
    loop {
        if shared.wait_until(|state| state.busy || state.stopping).stopping {
            return;
        }
        match Wal::pass(connection) {
            Ok(_) => {
                counters.checkpoints.fetch_add(1, Ordering::Relaxed);
            }
            Err(error) => tracing::warn!(%error, "the write-ahead log could not be checkpointed"),
        }
        shared.lock().busy = false;
        shared.changed.notify_all();
    }
}
