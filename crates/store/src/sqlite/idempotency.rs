//! The table of idempotency records (contract 7.4), laid out for keys that are used once.
//!
//! Every official SDK sends a fresh random key with every write. In a tree ordered by the key each of them would change a page of its
//! own, which doubles what a write costs. So records are appended, and found in three steps:
//!
//! ```text
//! recent, in memory: tag → row      the youngest rows, up to a run of them and those that are being merged
//!          │ merged, a run at a time, sorted, a few entries with each transaction
//!          ▼
//! idempotency_index: tag's prefix → row      twenty bytes an entry, neighbours on the same page
//!          │
//!          ▼
//! idempotency: the rows, in the order of writing; the sweeper takes them from the front
//! ```
//!
//! The sweeper does not look for the index entries of the rows it erases. It passes over the index, a stretch at a time, and drops
//! what lies before the first row; row numbers are never used twice.

use std::collections::HashMap;

use cholla_domain::idempotency::{IdempotentRequest, KeptRecord, KeptResult};
use cholla_domain::limits::IDEMPOTENCY_KEPT_SECONDS;
use cholla_domain::tag::IdempotencyTag;
use cholla_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::kept_record::{decode, encode};
use super::row::{bytes, defect};

/// The longest record: kind, request, fingerprint, and a header with an expiry.
pub(super) const RECORD_BYTES_MAX: usize = 1 + 14 + 16 + 30 + 16 + 8 + 8;
// With its tag and its time a record stays below 128 bytes: every official SDK makes one with every write.
const _: () = assert!(RECORD_BYTES_MAX + IdempotencyTag::LENGTH + 8 < 128);

/// Entries merged for each record written, so that a run is merged before the next one is full.
const MERGED_PER_RECORD: usize = 2;
/// Index entries that the sweeper passes over for each record it erases.
const PASSED_PER_RECORD: u32 = 4;

/// A tag's first eight bytes: what the index is ordered by. Tags are keyed hashes, so two with the same prefix are rare, and told apart.
fn prefix(tag: IdempotencyTag) -> i64 {
    let (first, _) = tag.as_bytes().split_first_chunk().expect("a tag has sixteen bytes");
    i64::from_be_bytes(*first)
}

/// What was kept at this moment or before is gone at `now`.
fn latest_gone(now: Timestamp) -> i64 {
    now.as_unix().saturating_sub(IDEMPOTENCY_KEPT_SECONDS)
}

/// A run on its way into the index.
struct Run {
    /// Prefix and row, sorted.
    entries: Vec<(i64, i64)>,
    /// Entries merged by committed transactions.
    committed: usize,
    /// Entries merged, by the open transaction too.
    merged: usize,
    /// The run's last row.
    through: i64,
}

/// The writer's part of the table: what is not in the index yet.
pub(super) struct Recent {
    rows: HashMap<IdempotencyTag, i64>,
    /// Records that make a run.
    run_length: usize,
    /// What the open transaction has changed in `rows`, with what was there before.
    undo: Vec<(IdempotencyTag, Option<i64>)>,
    next_row: i64,
    indexed_through: i64,
    run: Option<Run>,
    /// Where the sweeper's pass over the index stands.
    pass: (i64, i64),
}

/// An idempotency key without a record, and the row of its record that is gone but not yet erased.
pub(super) struct Free {
    request: IdempotentRequest,
    gone: Option<i64>,
}

/// What the table says of a key.
pub(super) enum Slot {
    Kept(KeptRecord),
    Free(Free),
}

struct Found {
    row: i64,
    kept_at: i64,
    record: KeptRecord,
}

impl Found {
    /// From `row, kept_at, record`.
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let record = row.get_ref(2)?.as_blob().ok().and_then(decode).ok_or_else(|| defect(2))?;
        Ok(Self { row: row.get(0)?, kept_at: row.get(1)?, record })
    }
}

impl Recent {
    /// Reads the rows that are not in the index.
    pub(super) fn load(connection: &Connection, run_length: usize) -> rusqlite::Result<Self> {
        let indexed_through =
            connection.query_row("SELECT indexed_through FROM idempotency_state", [], |row| row.get(0))?;
        let mut statement = connection.prepare("SELECT tag, row FROM idempotency WHERE row > ?1")?;
        let rows = statement
            .query_map([indexed_through], |row| Ok((IdempotencyTag::from_bytes(bytes(row, 0)?), row.get(1)?)))?;
        let rows = rows.collect::<rusqlite::Result<HashMap<_, i64>>>()?;
        let next_row = rows.values().copied().max().unwrap_or(indexed_through) + 1;
        let pass = (i64::MIN, i64::MIN);
        Ok(Self { rows, run_length, undo: Vec::new(), next_row, indexed_through, run: None, pass })
    }

    /// The record of `tag` that is kept at `now`.
    pub(super) fn kept(
        &self,
        connection: &Connection,
        tag: IdempotencyTag,
        now: Timestamp,
    ) -> rusqlite::Result<Option<KeptRecord>> {
        let found = self.find(connection, tag)?;
        Ok(found.filter(|found| found.kept_at > latest_gone(now)).map(|found| found.record))
    }

    /// What the table says of a request's key at `now`.
    pub(super) fn slot(
        &self,
        connection: &Connection,
        request: IdempotentRequest,
        now: Timestamp,
    ) -> rusqlite::Result<Slot> {
        Ok(match self.find(connection, request.tag)? {
            Some(found) if found.kept_at > latest_gone(now) => Slot::Kept(found.record),
            found => Slot::Free(Free { request, gone: found.map(|found| found.row) }),
        })
    }

    fn find(&self, connection: &Connection, tag: IdempotencyTag) -> rusqlite::Result<Option<Found>> {
        if let Some(row) = self.rows.get(&tag) {
            let mut statement =
                connection.prepare_cached("SELECT row, kept_at, record FROM idempotency WHERE row = ?1")?;
            return statement.query_row([row], Found::read).optional();
        }
        // Of a first run that is being merged, `rows` has everything.
        if self.indexed_through == 0 {
            return Ok(None);
        }
        let mut statement = connection.prepare_cached(
            "SELECT kept.row, kept.kept_at, kept.record FROM idempotency_index AS entry
             CROSS JOIN idempotency AS kept ON kept.row = entry.row WHERE entry.prefix = ?1 AND kept.tag = ?2",
        )?;
        statement.query_row(params![prefix(tag), tag.as_bytes()], Found::read).optional()
    }

    /// Keeps the result of a request from `now` on, in the place of a record that is gone.
    pub(super) fn keep(
        &mut self,
        connection: &Connection,
        free: &Free,
        result: KeptResult,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        if let Some(row) = free.gone {
            connection.prepare_cached("DELETE FROM idempotency WHERE row = ?1")?.execute([row])?;
        }
        let IdempotentRequest { tag, fingerprint, request: original } = free.request;
        let row = self.next_row;
        self.next_row += 1;
        let record = encode(&KeptRecord { original, fingerprint, result });
        let mut statement =
            connection.prepare_cached("INSERT INTO idempotency (row, tag, kept_at, record) VALUES (?1, ?2, ?3, ?4)")?;
        statement.execute(params![row, tag.as_bytes(), now.as_unix(), record])?;
        let before = self.rows.insert(tag, row);
        self.undo.push((tag, before));
        Ok(())
    }

    /// Erases at most `max` records that are gone at `now`, the oldest first.
    pub(super) fn sweep(&mut self, connection: &Connection, now: Timestamp, max: u32) -> rusqlite::Result<u32> {
        let mut statement = connection
            .prepare_cached("SELECT row, tag FROM idempotency WHERE kept_at <= ?1 ORDER BY kept_at, row LIMIT ?2")?;
        let gone = statement.query_map(params![latest_gone(now), max], |row| {
            Ok((row.get(0)?, IdempotencyTag::from_bytes(bytes(row, 1)?)))
        })?;
        let gone = gone.collect::<rusqlite::Result<Vec<(i64, IdempotencyTag)>>>()?;
        let mut erase = connection.prepare_cached("DELETE FROM idempotency WHERE row = ?1")?;
        for &(row, tag) in &gone {
            erase.execute([row])?;
            // A younger row may have the tag by now.
            if self.rows.get(&tag) == Some(&row) {
                self.rows.remove(&tag);
                self.undo.push((tag, Some(row)));
            }
        }
        let erased = u32::try_from(gone.len()).unwrap_or(max);
        self.pass_over_the_index(connection, erased.saturating_mul(PASSED_PER_RECORD))?;
        Ok(erased)
    }

    /// Drops, among the next `entries` of the index, those of rows that are erased.
    fn pass_over_the_index(&mut self, connection: &Connection, entries: u32) -> rusqlite::Result<()> {
        if entries == 0 {
            return Ok(());
        }
        let first: Option<i64> = connection.query_row("SELECT min(row) FROM idempotency", [], |row| row.get(0))?;
        let first = first.unwrap_or(self.next_row);
        let mut statement = connection.prepare_cached(
            "SELECT prefix, row FROM idempotency_index WHERE (prefix, row) > (?1, ?2) ORDER BY prefix, row LIMIT ?3",
        )?;
        let passed = statement
            .query_map(params![self.pass.0, self.pass.1, entries], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
        let mut drop_entry =
            connection.prepare_cached("DELETE FROM idempotency_index WHERE prefix = ?1 AND row = ?2")?;
        for (prefix, row) in passed.iter().filter(|(_, row)| *row < first) {
            drop_entry.execute([prefix, row])?;
        }
        // A rolled-back pass is made again next time round.
        self.pass = passed.last().copied().unwrap_or((i64::MIN, i64::MIN));
        Ok(())
    }

    /// Erases every record.
    pub(super) fn erase_all(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        connection.execute("DELETE FROM idempotency", [])?;
        connection.execute("DELETE FROM idempotency_index", [])?;
        self.undo.extend(self.rows.drain().map(|(tag, row)| (tag, Some(row))));
        Ok(())
    }

    /// Brings a part of the run into the index, as much as the open transaction's records call for. Comes last in a transaction.
    pub(super) fn merge(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.undo.is_empty() {
            return Ok(());
        }
        let run = match &mut self.run {
            Some(run) => run,
            None if self.rows.len() >= self.run_length => self.run.insert(Run::of(&self.rows)),
            None => return Ok(()),
        };
        let end = run.entries.len().min(run.merged + MERGED_PER_RECORD * self.undo.len());
        // A crash amid a run merges its first part again.
        let mut statement =
            connection.prepare_cached("INSERT OR IGNORE INTO idempotency_index (prefix, row) VALUES (?1, ?2)")?;
        for (prefix, row) in &run.entries[run.merged..end] {
            statement.execute([prefix, row])?;
        }
        run.merged = end;
        if end == run.entries.len() {
            let mut statement = connection.prepare_cached("UPDATE idempotency_state SET indexed_through = ?1")?;
            statement.execute([run.through])?;
        }
        Ok(())
    }

    /// The transaction is committed.
    pub(super) fn committed(&mut self) {
        self.undo.clear();
        let Some(run) = &mut self.run else { return };
        run.committed = run.merged;
        if run.committed == run.entries.len() {
            self.indexed_through = run.through;
            self.rows.retain(|_, row| *row > self.indexed_through);
            self.run = None;
        }
    }

    /// The transaction is rolled back.
    pub(super) fn rolled_back(&mut self) {
        while let Some((tag, before)) = self.undo.pop() {
            match before {
                Some(row) => self.rows.insert(tag, row),
                None => self.rows.remove(&tag),
            };
        }
        if let Some(run) = &mut self.run {
            run.merged = run.committed;
        }
    }
}

impl Run {
    /// Everything in `rows`: what an earlier run brought into the index has left them.
    fn of(rows: &HashMap<IdempotencyTag, i64>) -> Self {
        let mut entries: Vec<_> = rows.iter().map(|(tag, row)| (prefix(*tag), *row)).collect();
        entries.sort_unstable();
        let through = entries.iter().map(|(_, row)| *row).max().unwrap_or(0);
        Self { entries, committed: 0, merged: 0, through }
    }
}

#[cfg(test)]
mod tests {
    use cholla_domain::ports::Swept;
    use cholla_testkit::store_suite::{Stores, at, idempotent, new_secret, user_place};

    use super::super::store::{Options, Store};
    use super::*;

    /// Days of writes with fresh keys, swept each day: every record is found for its day, and what the index keeps beyond its rows stays
    /// a fraction of them.
    #[tokio::test]
    async fn the_index_follows_the_rows() {
        const DAYS: u64 = 12;
        const KEYS: u64 = 400;
        let directory = tempfile::tempdir().unwrap();
        let options = Options { recent_records: 64, ..Options::default() };
        let stores = Stores::new(Store::open(directory.path(), &options).unwrap(), ());
        let count = |table: &str| -> u32 {
            let connection = Connection::open(directory.path().join("cholla.db")).unwrap();
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
        };
        let mut now = 1_000_000;
        for day in 0..DAYS {
            for key in day * KEYS..(day + 1) * KEYS {
                let mut secret = new_secret("", "a", key, stores.header("", "a", now).await, now);
                secret.idempotency = Some(idempotent(key, key, key));
                stores.set("", secret, now).await;
            }
            for key in day.saturating_sub(1) * KEYS..(day + 1) * KEYS {
                let kept = stores.secrets.kept(&user_place(""), idempotent(key, 0, 0).tag, at(now)).await.unwrap();
                assert_eq!(kept.is_some(), key >= day * KEYS, "day {day}, key {key}");
            }
            now += IDEMPOTENCY_KEPT_SECONDS;
            let swept = stores.maintenance.sweep(at(now), u32::MAX).await.unwrap();
            assert_eq!(swept, Swept { secrets: 0, idempotency_records: 400 });
            assert_eq!(count("idempotency"), 0);
            assert!(u64::from(count("idempotency_index")) <= KEYS, "day {day}: {} entries", count("idempotency_index"));
        }
    }
}
