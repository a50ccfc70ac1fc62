//! The store as a value: opening, closing, and the way from a caller to the writer.

use std::fs::File;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use cholla_domain::error::StoreError;
use cholla_domain::limits::{NOTICES_SETTLED_MAX, OUTBOX_PER_ENDPOINT_MAX, WRITE_QUEUE_MAX};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::cache::Cache;
use super::checkpoint::Checkpointer;
use super::error::Closed;
use super::idempotency::Recent;
use super::job::{self, Operation};
use super::open::{self, OpenError};
use super::reader::Readers;
use super::statistics::{Counters, Statistics};
use super::writer::{Message, Writer};

/// How much memory the store may use, and how much of the disk what is to be told of secrets.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of the cache of sealed records.
    pub cache_bytes: usize,
    /// Bytes of the writer's page cache.
    pub writer_cache_bytes: usize,
    /// Bytes of the page cache of each reading thread. Every commit empties it, and the system's page cache stands behind it.
    pub reader_cache_bytes: usize,
    /// Idempotency records that are found through memory before they are indexed, half as many again while that goes on; about 50 bytes
    /// each. All of them are read at every start, a million in a second.
    pub recent_records: usize,
    /// Deliveries that tell of secrets and wait, of one endpoint.
    pub notices_queued_max: usize,
    /// Deliveries that told of secrets and are kept, of one endpoint in one state.
    pub notices_settled_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            writer_cache_bytes: 32 << 20,
            reader_cache_bytes: 8 << 20,
            recent_records: 32_768,
            notices_queued_max: OUTBOX_PER_ENDPOINT_MAX,
            notices_settled_max: NOTICES_SETTLED_MAX,
        }
    }
}

/// The embedded store. One per directory; shared as an `Arc` behind the ports that it implements.
///
/// Dropping it writes what is queued and closes the files, as [`shutdown`](Self::shutdown) does.
pub struct Store {
    pub(super) cache: Arc<Cache>,
    pub(super) readers: Readers,
    pub(super) keeps_notices: Arc<AtomicBool>,
    pub(super) notices_queued_max: usize,
    pub(super) notices_settled_max: usize,
    pub(super) counters: Arc<Counters>,
    queue: mpsc::Sender<Message>,
    stopping: Arc<AtomicBool>,
    writer: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
    /// Unlocks the directory when the writer has ended and the connections are closed.
    _lock: Option<File>,
}

impl Store {
    /// Opens the data directory; creates it (mode 0700) and the database (mode 0600) where they are missing.
    ///
    /// # Errors
    /// When the directory cannot be used, another process has it, or what is in it is not for this program.
    pub fn open(directory: &Path, options: &Options) -> Result<Self, OpenError> {
        let opened = open::open(directory, options)?;
        let counters = Arc::new(Counters::default());
        let checkpointer = Checkpointer::start(&opened.path, Arc::clone(&counters))
            .map_err(open::sqlite(&opened.path))?
            .map_err(|source| OpenError::Files { path: opened.path.clone(), source })?;
        let readers = Readers::of_file(&opened.path, options.reader_cache_bytes);
        let connection = Arc::new(Mutex::new(opened.connection));
        Self::start(connection, opened.recent, readers, counters, Some(checkpointer), Some(opened.lock), options)
            .map_err(|source| OpenError::Files { path: opened.path, source })
    }

    /// A store that forgets everything when it is dropped.
    ///
    /// # Errors
    /// When the linked `SQLite` is too old, or the system gives no thread.
    pub fn in_memory(options: &Options) -> Result<Self, OpenError> {
        let (connection, recent) = open::in_memory(options)?;
        let connection = Arc::new(Mutex::new(connection));
        let readers = Readers::Memory(Arc::clone(&connection));
        Self::start(connection, recent, readers, Arc::default(), None, None, options)
            .map_err(|source| OpenError::Files { path: ":memory:".into(), source })
    }

    fn start(
        connection: Arc<Mutex<Connection>>,
        recent: Recent,
        readers: Readers,
        counters: Arc<Counters>,
        checkpointer: Option<Checkpointer>,
        lock: Option<File>,
        options: &Options,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = mpsc::channel(WRITE_QUEUE_MAX);
        let cache = Arc::new(Cache::new(options.cache_bytes));
        let stopping = Arc::new(AtomicBool::new(false));
        let keeps_notices = Arc::new(AtomicBool::new(false));
        let writer = Writer {
            connection,
            queue: receiver,
            stopping: Arc::clone(&stopping),
            recent,
            cache: Arc::clone(&cache),
            counters: Arc::clone(&counters),
            keeps_notices: Arc::clone(&keeps_notices),
            checkpointer,
        };
        let thread = std::thread::Builder::new().name("writer".to_owned()).spawn(|| writer.run())?;
        let writer = Mutex::new(Some(thread));
        Ok(Self {
            cache,
            readers,
            keeps_notices,
            notices_queued_max: options.notices_queued_max,
            notices_settled_max: options.notices_settled_max,
            counters,
            queue: sender,
            stopping,
            writer,
            _lock: lock,
        })
    }

    /// Hands `operation` to the writer and waits until it is committed. With a full queue it waits at the door first.
    pub(super) async fn write<O: Operation>(&self, operation: O) -> Result<O::Outcome, StoreError> {
        let (job, reply) = job::pair(operation);
        self.queue.send(Message::Job(job)).await.map_err(|_| Closed)?;
        reply.await.map_err(|_| Closed)?
    }

    /// Has the writer empty the log between two transactions; false when that has to be tried again.
    pub(super) async fn empty_log(&self, attempt: u32) -> Result<bool, StoreError> {
        let (caller, reply) = oneshot::channel();
        self.queue.send(Message::EmptyLog(attempt, caller)).await.map_err(|_| Closed)?;
        reply.await.map_err(|_| Closed)?
    }

    /// Stops taking writes, finishes those that are queued, brings the log into the database file and waits for all of it.
    /// Later writes are refused. Blocks for the last flushes of the disk.
    ///
    /// # Errors
    /// When the log could not be brought into the file. Nothing acknowledged is lost: the next start reads the log.
    pub fn shutdown(&self) -> Result<(), StoreError> {
        self.stopping.store(true, Ordering::SeqCst);
        // A full queue wakes the writer as well.
        let _ = self.queue.try_send(Message::Stop);
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        writer.map_or(Ok(()), |writer| writer.join().map_err(|_| Closed)?)
    }

    /// [`shutdown`](Self::shutdown), and the files are closed.
    ///
    /// # Errors
    /// As there.
    pub fn close(self) -> Result<(), StoreError> {
        self.shutdown()
    }

    /// What the store has done and where it stands.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            cache_hits: self.cache.hits(),
            cache_misses: self.cache.misses(),
            cache_bytes: self.cache.bytes(),
            queue_length: (self.queue.max_capacity() - self.queue.capacity()) as u64,
            ..self.counters.read()
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if let Err(error) = self.shutdown() {
            tracing::warn!(%error, "the store was not closed in order");
        }
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}
