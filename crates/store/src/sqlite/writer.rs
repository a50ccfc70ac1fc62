//! The one thread that writes. Everything that waits becomes one transaction: one flush of the disk acknowledges many callers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cholla_domain::error::StoreError;
use cholla_domain::limits::WRITE_BATCH_MAX;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::cache::{Cache, Changes};
use super::checkpoint::Checkpointer;
use super::error::{Failure, store_error};
use super::idempotency::Recent;
use super::job::Job;
use super::statistics::Counters;
use super::transaction::Transaction;

/// What the queue carries.
pub(super) enum Message {
    /// A write.
    Job(Box<dyn Job>),
    /// Asks for the log to be emptied between two transactions; the number of the attempt.
    EmptyLog(u32, oneshot::Sender<Result<bool, StoreError>>),
    /// Wakes a writer that is to stop.
    Stop,
}

/// The writer's side of the store.
pub(super) struct Writer {
    /// Shared with the readers of a database in memory only; locked for a whole batch.
    pub(super) connection: Arc<Mutex<Connection>>,
    pub(super) queue: mpsc::Receiver<Message>,
    /// Set before [`Message::Stop`] is sent: that one may find the queue full.
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) recent: Recent,
    pub(super) cache: Arc<Cache>,
    pub(super) counters: Arc<Counters>,
    /// Whether notices are wanted.
    pub(super) keeps_notices: Arc<AtomicBool>,
    /// None for a database in memory.
    pub(super) checkpointer: Option<Checkpointer>,
}

/// Why a batch was not committed.
enum Abort {
    /// The transaction as a whole failed; none of its jobs is to blame.
    Transaction(Failure),
    /// One of its jobs failed.
    Job(Failure),
}

impl Writer {
    /// Writes until every sender is gone or the store is stopped, then empties the queue and closes the log.
    pub(super) fn run(mut self) -> Result<(), StoreError> {
        let mut messages = Vec::with_capacity(WRITE_BATCH_MAX);
        let (mut jobs, mut emptyings) = (Vec::new(), Vec::new());
        while self.queue.blocking_recv_many(&mut messages, WRITE_BATCH_MAX) > 0 {
            if self.stopping.load(Ordering::SeqCst) {
                self.queue.close();
            }
            for message in messages.drain(..) {
                match message {
                    Message::Job(job) => jobs.push(job),
                    Message::EmptyLog(attempt, caller) => emptyings.push((attempt, caller)),
                    Message::Stop => {}
                }
            }
            self.write(std::mem::take(&mut jobs));
            for (attempt, caller) in emptyings.drain(..) {
                // A caller that no longer waits has nobody to tell.
                let _ = caller.send(self.empty_log(attempt));
            }
        }
        match self.checkpointer.take() {
            Some(checkpointer) => {
                checkpointer.stop();
                self.lock(Checkpointer::finish).map_err(store_error)
            }
            None => Ok(()),
        }
    }

    /// False when it could not be emptied now. A database in memory has no log.
    fn empty_log(&self, attempt: u32) -> Result<bool, StoreError> {
        let Some(checkpointer) = &self.checkpointer else { return Ok(true) };
        self.lock(|connection| checkpointer.empty(connection, attempt)).map_err(store_error)
    }

    fn lock<T>(&self, work: impl FnOnce(&Connection) -> T) -> T {
        // A poisoned lock means that a reader panicked between two statements: the connection is whole.
        work(&self.connection.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Commits `jobs` together; when one of them fails, each for itself, so that it fails alone.
    fn write(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        if jobs.is_empty() {
            return;
        }
        let connection = Arc::clone(&self.connection);
        let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        let committed = self.commit(&connection, &mut jobs);
        drop(connection);
        match committed {
            Ok(()) => {
                self.counters.committed(jobs.len());
                for job in jobs {
                    job.acknowledge();
                }
            }
            Err(Abort::Job(_)) if jobs.len() > 1 => {
                for job in jobs {
                    self.write(vec![job]);
                }
            }
            Err(Abort::Job(failure) | Abort::Transaction(failure)) => {
                self.counters.commits_failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(error = %failure, writes = jobs.len(), "a transaction was not committed");
                for job in jobs {
                    job.refuse(&failure);
                }
            }
        }
        if let Some(checkpointer) = &mut self.checkpointer {
            let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
            checkpointer.after_commit(&connection, &self.counters);
        }
    }

    /// One transaction. When it fails nothing of it is left.
    fn commit(&mut self, connection: &Connection, jobs: &mut [Box<dyn Job>]) -> Result<(), Abort> {
        let mut changes = Changes::default();
        let outcome = self.execute(connection, jobs, &mut changes).and_then(|()| {
            self.cache.hold(&changes);
            let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
            self.cache.release(changes, committed.is_ok());
            committed.map(|_| ()).map_err(|error| Abort::Transaction(error.into()))
        });
        if outcome.is_ok() {
            self.recent.committed();
        } else {
            roll_back(connection);
            self.recent.rolled_back();
        }
        outcome
    }

    /// Everything between BEGIN and COMMIT.
    fn execute(
        &mut self,
        connection: &Connection,
        jobs: &mut [Box<dyn Job>],
        changes: &mut Changes,
    ) -> Result<(), Abort> {
        let transaction = |error: rusqlite::Error| Abort::Transaction(error.into());
        connection.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute([])).map_err(transaction)?;
        let keeps_notices = self.keeps_notices.load(Ordering::SeqCst);
        let mut open = Transaction { connection, cache: &self.cache, recent: &mut self.recent, changes, keeps_notices };
        for job in jobs {
            job.execute(&mut open).map_err(|error| Abort::Job(error.into()))?;
        }
        self.recent.merge(connection).map_err(transaction)
    }
}

/// Ends a failed transaction. `SQLite` has ended some of them itself, such as those that found the disk full.
fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(error) = connection.execute_batch("ROLLBACK")
    {
        tracing::error!(%error, "a failed transaction could not be rolled back");
    }
}
