//! Keeps the write-ahead log short without making writers wait for the database file.
//!
//! A thread of its own copies pages from the log into the file while the writer goes on. Alone it never catches up with a busy writer:
//! while it copies, the next pages arrive. But the log starts again from its beginning only when every page of it has been copied. So
//! when the log is long it is *closed*: the thread makes pass after pass, the writer commits fewer and larger batches meanwhile, each
//! pass has less to copy than the one before, and the last few pages the writer copies itself, between two transactions.

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::connection;
use super::statistics::Counters;

/// The thread makes a pass when so many pages of the log are not in the file. Fewer would cost more flushes, each page for itself.
const PASS_PAGES: u64 = 4_000;
/// The log is closed when it is so long: 32 MiB.
const CLOSE_PAGES: u64 = 8_000;
/// When it is so long all the same, 64 MiB, the writer does not only slow down but waits for the thread.
const WAL_PAGES_MAX: u64 = 16_384;
const _: () = assert!(PASS_PAGES < CLOSE_PAGES && CLOSE_PAGES < WAL_PAGES_MAX);
/// The writer copies so many pages itself: some 3 ms.
const LAST_PAGES: u64 = 128;
/// How long the writer waits for readers when the log is to be emptied. Who begins to read while it waits does not need the log.
const EMPTY_WAIT: Duration = Duration::from_millis(10);
/// While the log is closed the writer waits so long, at most, between two batches.
const PACE: Duration = Duration::from_millis(3);

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

    fn start_pass(&self) {
        self.lock().busy = true;
        self.changed.notify_all();
    }

    fn wait_until_idle(&self, longest: Option<Duration>) {
        let longest = longest.unwrap_or(Duration::MAX);
        drop(self.changed.wait_timeout_while(self.lock(), longest, |state| state.busy));
    }

    fn wait_for_work(&self) -> MutexGuard<'_, State> {
        let waited = self.changed.wait_while(self.lock(), |state| !state.busy && !state.stopping);
        waited.unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's handle on the thread.
pub(super) struct Checkpointer {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
    /// Length at which the log is closed. More than usual when somebody reads an old state for long, which keeps the log from starting
    /// again.
    close_at: u64,
    /// Length at the last look.
    length: u64,
    /// While the log is closed: pages that were behind when the last pass began.
    closing: Option<u64>,
}

impl Checkpointer {
    /// Starts the thread on the database at `path`.
    pub(super) fn start(path: &Path, counters: Arc<Counters>) -> rusqlite::Result<std::io::Result<Self>> {
        let connection = connection::checkpointer(path)?;
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let thread =
            std::thread::Builder::new().name("checkpoint".to_owned()).spawn(move || run(&connection, &own, &counters));
        Ok(thread.map(|thread| Self { shared, thread, close_at: CLOSE_PAGES, length: 0, closing: None }))
    }

    /// Looks at the log between two transactions and has done what it needs.
    pub(super) fn after_commit(&mut self, connection: &Connection, counters: &Counters) {
        if let Err(error) = self.shorten(connection, counters) {
            tracing::warn!(%error, "the write-ahead log could not be checkpointed");
        }
    }

    fn shorten(&mut self, connection: &Connection, counters: &Counters) -> rusqlite::Result<()> {
        let wal = Wal::look(connection)?;
        counters.wal_pages.store(wal.length, Ordering::Relaxed);
        counters.wal_pages_behind.store(wal.behind, Ordering::Relaxed);
        if wal.length < self.length {
            (self.close_at, self.closing) = (CLOSE_PAGES, None);
        }
        self.length = wal.length;
        if self.shared.lock().busy {
            if wal.length >= self.close_at + (WAL_PAGES_MAX - CLOSE_PAGES) {
                self.shared.wait_until_idle(None);
            } else if self.closing.is_some() {
                self.shared.wait_until_idle(Some(PACE));
            }
        } else if wal.length >= self.close_at {
            self.close(connection, wal, counters)?;
        } else if wal.behind >= PASS_PAGES {
            self.shared.start_pass();
        }
        Ok(())
    }

    /// One step of closing the log: the thread's next pass, or the last one.
    fn close(&mut self, connection: &Connection, wal: Wal, counters: &Counters) -> rusqlite::Result<()> {
        let shrinks = self.closing.is_none_or(|before| wal.behind < before - before / 4);
        if wal.behind > LAST_PAGES && shrinks {
            self.closing = Some(wal.behind);
            self.shared.start_pass();
        } else {
            let wal = Wal::pass(connection)?;
            counters.checkpoints.fetch_add(1, Ordering::Relaxed);
            (self.close_at, self.closing) = (wal.length + CLOSE_PAGES, None);
        }
        Ok(())
    }

    /// Copies what is left and empties the log, if that is quickly done; false when it is to be tried again in a while. The thread does
    /// the bulk of the copying meanwhile; with every attempt the writer takes on more of it, so that the log's growth cannot win.
    pub(super) fn empty(&self, connection: &Connection, attempt: u32) -> rusqlite::Result<bool> {
        if self.shared.lock().busy {
            return Ok(false);
        }
        if Wal::look(connection)?.behind > LAST_PAGES << attempt.min(8) {
            self.shared.start_pass();
            return Ok(false);
        }
        connection.busy_timeout(EMPTY_WAIT)?;
        let emptied =
            connection.query_row("PRAGMA main.wal_checkpoint(TRUNCATE)", [], |row| Ok(row.get::<_, i64>(0)? == 0));
        connection.busy_timeout(connection::BUSY_WAIT)?;
        emptied
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
        if shared.wait_for_work().stopping {
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
