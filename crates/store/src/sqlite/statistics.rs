//! Figures for the metrics page. They tell nothing of any tenant.

use std::sync::atomic::{AtomicU64, Ordering};

/// What the store has done since it was opened, and where it stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Finds and headers answered from the cache of sealed records.
    pub cache_hits: u64,
    /// Finds and headers that read the database.
    pub cache_misses: u64,
    /// What the cached records weigh, in bytes.
    pub cache_bytes: u64,
    /// Transactions committed; each holds one batch of writes.
    pub commits: u64,
    /// Transactions that could not be committed.
    pub commits_failed: u64,
    /// Writes committed. Divided by `commits` it is the mean batch.
    pub writes: u64,
    /// The largest batch committed.
    pub batch_max: u64,
    /// Pages in the write-ahead log after the last commit; it is reused from its start, so this falls back to little.
    pub wal_pages: u64,
    /// Pages of it that are not yet in the database file.
    pub wal_pages_behind: u64,
    /// Passes that brought pages from the log into the database file.
    pub checkpoints: u64,
    /// Writes that wait for the writer.
    pub queue_length: u64,
    /// Deliveries that tell of secrets and were left out, because their endpoint had too many waiting.
    pub notices_dropped: u64,
}

/// Where the writer and the checkpointer count.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) commits: AtomicU64,
    pub(super) commits_failed: AtomicU64,
    pub(super) writes: AtomicU64,
    pub(super) batch_max: AtomicU64,
    pub(super) wal_pages: AtomicU64,
    pub(super) wal_pages_behind: AtomicU64,
    pub(super) checkpoints: AtomicU64,
    pub(super) notices_dropped: AtomicU64,
}

impl Counters {
    pub(super) fn committed(&self, writes: usize) {
        let writes = writes as u64;
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.writes.fetch_add(writes, Ordering::Relaxed);
        self.batch_max.fetch_max(writes, Ordering::Relaxed);
    }

    /// The part of the statistics that is counted here.
    pub(super) fn read(&self) -> Statistics {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Statistics {
            commits: read(&self.commits),
            commits_failed: read(&self.commits_failed),
            writes: read(&self.writes),
            batch_max: read(&self.batch_max),
            wal_pages: read(&self.wal_pages),
            wal_pages_behind: read(&self.wal_pages_behind),
            checkpoints: read(&self.checkpoints),
            notices_dropped: read(&self.notices_dropped),
            ..Statistics::default()
        }
    }
}
