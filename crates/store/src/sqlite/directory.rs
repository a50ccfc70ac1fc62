//! The directory's records, its revision and the audit log: read as a whole at start, changed by one job of the writer at a time.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::payload::Sealed;
use cholla_domain::ports::{Closing, CommitOutcome, DirectoryCommit, DirectoryStore, RecordKey, Revision};
use cholla_domain::tag::RecordTag;
use cholla_domain::time::Timestamp;
use rusqlite::{Connection, params};

use super::connection;
use super::error::store_error;
use super::job::Operation;
use super::keys;
use super::reader::Readers;
use super::row::{self, defect};
use super::store::Store;
use super::transaction::Transaction;

/// Rows that a loading thread takes at a time: few enough that no thread is left waiting for another at the end.
const STRETCH_ROWS: i64 = 16_384;
/// How often a load begins again because the directory was changed between the beginnings of two of its reads.
const SNAPSHOT_ATTEMPTS: usize = 8;
/// Page cache of a connection that reads every page once.
const LOAD_CACHE_BYTES: usize = 256 * 1024;

/// Kind and tag as the table keeps them.
fn encode(key: RecordKey) -> [u8; 1 + RecordTag::LENGTH] {
    let mut bytes = [key.kind; 1 + RecordTag::LENGTH];
    bytes[1..].copy_from_slice(key.tag.as_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<RecordKey> {
    let (&[kind], tag) = bytes.split_first_chunk()?;
    Some(RecordKey { kind, tag: RecordTag::from_bytes(tag.try_into().ok()?) })
}

fn revision(connection: &Connection) -> rusqlite::Result<Revision> {
    let mut statement = connection.prepare_cached("SELECT revision FROM directory_state")?;
    let revision: i64 = statement.query_row([], |row| row.get(0))?;
    u64::try_from(revision).map(Revision).map_err(|_| defect(0))
}

impl Transaction<'_> {
    fn commit_directory(&mut self, commit: &DirectoryCommit) -> rusqlite::Result<CommitOutcome> {
        if revision(self.connection)? != commit.expects {
            return Ok(CommitOutcome::Moved);
        }
        for closing in &commit.closed {
            if keys::wrapped_key(self.connection, closing.namespace)? != closing.key {
                return Ok(CommitOutcome::KeyMoved);
            }
        }
        self.next_revision()?;
        let mut put = self.connection.prepare_cached(
            "INSERT INTO record (key, sealed) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET sealed = excluded.sealed",
        )?;
        for (key, sealed) in &commit.puts {
            put.execute(params![encode(*key), sealed.as_bytes()])?;
        }
        let mut remove = self.connection.prepare_cached("DELETE FROM record WHERE key = ?1")?;
        for key in &commit.removals {
            remove.execute([encode(*key)])?;
        }
        let mut note = self.connection.prepare_cached("INSERT INTO audit (at, sealed) VALUES (?1, ?2)")?;
        for entry in &commit.audit {
            note.execute(params![commit.now.as_unix(), entry.as_bytes()])?;
        }
        self.queue_deliveries(&commit.deliveries, commit.now)?;
        for &Closing { namespace, erasure, .. } in &commit.closed {
            if let Some(owner) = self.destroy_key(namespace)? {
                self.begin_erasure(erasure, owner)?;
            }
            self.close(namespace.as_bytes())?;
        }
        for user in &commit.offboarded {
            self.close(user.as_bytes())?;
        }
        Ok(CommitOutcome::Done)
    }

    fn next_revision(&self) -> rusqlite::Result<()> {
        self.connection.prepare_cached("UPDATE directory_state SET revision = revision + 1")?.execute([])?;
        Ok(())
    }

    /// Erases the directory and its audit log. The revision grows, so that whoever holds the old directory notices.
    pub(super) fn erase_directory(&self) -> rusqlite::Result<()> {
        self.next_revision()?;
        self.connection.execute("DELETE FROM record", [])?;
        self.connection.execute("DELETE FROM audit", [])?;
        Ok(())
    }
}

impl Operation for DirectoryCommit {
    type Outcome = CommitOutcome;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<CommitOutcome> {
        transaction.commit_directory(self)
    }
}

/// Calls `take` with each record between two rows.
fn read_stretch(
    connection: &Connection,
    (first, last): (i64, i64),
    take: impl Fn(RecordKey, &[u8]),
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("SELECT key, sealed FROM record WHERE row BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query([first, last])?;
    while let Some(row) = rows.next()? {
        let key = row.get_ref(0)?.as_blob().ok().and_then(decode).ok_or_else(|| defect(0))?;
        take(key, row.get_ref(1)?.as_blob().map_err(|_| defect(1))?);
    }
    Ok(())
}

/// The first and the last row. Asked for one by one: `SQLite` finds either end at once, but looks at every row for both together.
fn bounds(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    connection.query_row(
        "SELECT ifnull((SELECT min(row) FROM record), 1), ifnull((SELECT max(row) FROM record), 0)",
        [],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// As many connections as wanted, up to what the rows are worth, that see one state of the directory.
fn snapshots(open: impl Fn() -> rusqlite::Result<Connection>, threads: usize) -> rusqlite::Result<Vec<Connection>> {
    let begin = || {
        let connection = open()?;
        connection.execute_batch("BEGIN")?;
        let revision = revision(&connection)?;
        Ok::<_, rusqlite::Error>((connection, revision))
    };
    for _ in 0..SNAPSHOT_ATTEMPTS {
        let (first, state) = begin()?;
        let (from, to) = bounds(&first)?;
        let stretches = usize::try_from((to - from) / STRETCH_ROWS + 1).unwrap_or(1);
        let mut all = vec![first];
        while all.len() < threads.min(stretches) {
            let (next, revision) = begin()?;
            if revision != state {
                break;
            }
            all.push(next);
        }
        if all.len() >= threads.min(stretches) {
            return Ok(all);
        }
    }
    // Changed again and again: one connection agrees with itself.
    Ok(vec![begin()?.0])
}

/// Reads all records through `connections`, a thread each.
fn load(connections: Vec<Connection>, take: &(dyn Fn(usize, RecordKey, &[u8]) + Sync)) -> rusqlite::Result<Revision> {
    let first = connections.first().expect("there is at least one snapshot");
    let (state, (from, to)) = (revision(first)?, bounds(first)?);
    let next = AtomicI64::new(from);
    let next = &next;
    let read = move |thread: usize, connection: &Connection| loop {
        let first = next.fetch_add(STRETCH_ROWS, Ordering::Relaxed);
        if first > to {
            return Ok(());
        }
        read_stretch(connection, (first, to.min(first + STRETCH_ROWS - 1)), |key, sealed| take(thread, key, sealed))?;
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = connections
            .into_iter()
            .enumerate()
            .map(|(thread, connection)| scope.spawn(move || read(thread, &connection)))
            .collect();
        let outcomes =
            threads.into_iter().map(|thread| thread.join().expect("what a record is given to does not panic"));
        outcomes.collect::<rusqlite::Result<Vec<()>>>()
    })?;
    Ok(state)
}

fn audit(connection: &Connection, before: Option<u64>, max: usize) -> rusqlite::Result<Vec<(u64, Timestamp, Sealed)>> {
    let mut statement = connection
        .prepare_cached("SELECT number, at, sealed FROM audit WHERE number < ?1 ORDER BY number DESC LIMIT ?2")?;
    let entries = statement.query_map([row::before(before), row::most(max)], |columns| {
        Ok((row::number(columns, 0)?, Timestamp::from_unix(columns.get(1)?), Sealed::assertion(columns.get(2)?)))
    })?;
    entries.collect()
}

#[async_trait]
impl DirectoryStore for Store {
    fn load(&self, threads: usize, take: &(dyn Fn(usize, RecordKey, &[u8]) + Sync)) -> Result<Revision, StoreError> {
        let loaded = match &self.readers {
            Readers::File { path, .. } => snapshots(|| connection::reader(path, LOAD_CACHE_BYTES), threads.max(1))
                .and_then(|connections| load(connections, take)),
            Readers::Memory(connection) => {
                let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
                let read = |bounds| read_stretch(&connection, bounds, |key, sealed| take(0, key, sealed));
                bounds(&connection).and_then(read).and_then(|()| revision(&connection))
            }
        };
        loaded.map_err(store_error)
    }

    async fn commit(&self, commit: DirectoryCommit) -> Result<CommitOutcome, StoreError> {
        self.write(commit).await
    }

    async fn audit(&self, before: Option<u64>, max: usize) -> Result<Vec<(u64, Timestamp, Sealed)>, StoreError> {
        self.readers.with(|connection| audit(connection, before, max)).map_err(store_error)
    }
}
