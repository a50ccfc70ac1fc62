//! The days on which secrets were read. A find waits for no disk: what was read is noted here, and written down once an interval.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use cholla_domain::error::StoreError;
use cholla_domain::id::SecretId;
use cholla_domain::limits::{READS_KNOWN_MAX, READS_PENDING_MAX, WRITE_BATCH_MAX};
use cholla_domain::ports::{Inventory, ReadLog, SecretRead};
use cholla_domain::record::StoredSecret;
use cholla_domain::tag::{NameTag, ScopeTag};
use cholla_domain::time::Timestamp;
use tokio::sync::{Notify, watch};

use crate::state::Api;

/// Seconds of a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// What was read and is not yet written down.
#[derive(Debug, Default)]
pub(crate) struct Reads {
    pending: Mutex<HashMap<(ScopeTag, NameTag), (SecretId, u32)>>,
    known: Known,
    /// Told when half of the room is taken.
    crowded: Notify,
}

/// Reads that need no second note on their day: hashes of secret and day, each in the one place that it has. Of two that share a place the
/// later one stays; the other is noted again, which does no harm. Made at the first read: an idle server needs no room for it.
#[derive(Debug, Default)]
struct Known {
    hasher: RandomState,
    places: OnceLock<Box<[AtomicU64]>>,
}

impl Known {
    /// The place of a read, and what stands there if it is known.
    fn place(&self, secret: &StoredSecret, day: u32) -> (&AtomicU64, u64) {
        let places = self.places.get_or_init(|| (0..READS_KNOWN_MAX).map(|_| AtomicU64::new(0)).collect());
        let hash = self.hasher.hash_one((secret.scope, secret.name, secret.header.id, day));
        let index = usize::try_from(hash % READS_KNOWN_MAX as u64).expect("it is below a length");
        (&places[index], hash)
    }

    fn forget_all(&self) {
        for place in self.places.get().into_iter().flatten() {
            place.store(0, Ordering::Relaxed);
        }
    }
}

impl ReadLog for Reads {
    fn note(&self, secret: &StoredSecret, now: Timestamp) {
        // A clock before 1970 reads as 1970, and a day is far below the end of its range.
        let day = u32::try_from(now.as_unix() / DAY_SECONDS).unwrap_or_default();
        let (place, hash) = self.known.place(secret, day);
        if place.load(Ordering::Relaxed) == hash {
            return;
        }
        let mut pending = self.pending();
        let is_full = pending.len() >= READS_PENDING_MAX;
        match pending.entry((secret.scope, secret.name)) {
            Entry::Occupied(mut last) => {
                last.insert((secret.header.id, day));
            }
            Entry::Vacant(free) if !is_full => {
                free.insert((secret.header.id, day));
            }
            Entry::Vacant(_) => return,
        }
        place.store(hash, Ordering::Relaxed);
        if pending.len() == READS_PENDING_MAX / 2 {
            self.crowded.notify_one();
        }
    }
}

impl Reads {
    fn pending(&self) -> MutexGuard<'_, HashMap<(ScopeTag, NameTag), (SecretId, u32)>> {
        // Nothing panics while the lock is held, and each operation on the map is whole.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The day on which a secret was last read, where that is not yet written down.
    pub(crate) fn day(&self, secret: &StoredSecret) -> Option<u32> {
        let pending = self.pending();
        let (id, day) = pending.get(&(secret.scope, secret.name))?;
        (*id == secret.header.id).then_some(*day)
    }

    /// Forgets what is not written down: dev mode's reset.
    pub(crate) fn clear(&self) {
        let mut pending = self.pending();
        pending.clear();
        self.known.forget_all();
    }

    /// Writes down what was read. What fails stays for the next time.
    pub(crate) async fn write_down(&self, inventory: &dyn Inventory) -> Result<(), StoreError> {
        let noted: Vec<SecretRead> = {
            let pending = self.pending();
            pending
                .iter()
                .map(|((scope, name), (id, day))| SecretRead { scope: *scope, name: *name, id: *id, day: *day })
                .collect()
        };
        for batch in noted.chunks(WRITE_BATCH_MAX) {
            inventory.note_reads(batch).await?;
            // Only now: whoever looks finds each of them here or in the store.
            let mut pending = self.pending();
            for read in batch {
                let place = (read.scope, read.name);
                if pending.get(&place) == Some(&(read.id, read.day)) {
                    pending.remove(&place);
                }
            }
        }
        Ok(())
    }

    /// Writes down every interval, when there is much, and when the server stops.
    pub(crate) async fn run(
        api: Arc<Api>,
        inventory: Arc<dyn Inventory>,
        interval: Duration,
        mut stopping: watch::Receiver<bool>,
    ) {
        let mut stops = false;
        while !stops {
            tokio::select! {
                () = tokio::time::sleep(interval) => {}
                () = api.reads.crowded.notified() => {}
                _ = stopping.wait_for(|stopping| *stopping) => stops = true,
            }
            let _reset_waits = api.without_reset().await;
            if let Err(error) = api.reads.write_down(&*inventory).await {
                tracing::warn!(%error, "the days of reads will be written down later");
            }
        }
    }
}

#[cfg(test)]
mod tests;
