//! The queue of notices: what happened to secrets and is still to be told.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::id::SecretId;
use cholla_domain::ports::{NewDelivery, Notice, NoticeKind, Notices};
use cholla_domain::record::RecordHeader;
use cholla_domain::tag::NamespaceTag;
use cholla_domain::time::Timestamp;
use rusqlite::{Connection, Row, params};

use super::error::store_error;
use super::job::Operation;
use super::row::{self, bytes, defect};
use super::store::Store;
use super::transaction::Transaction;

const SET: i64 = 1;
const DELETED: i64 = 2;
const EXPIRING: i64 = 3;
const EXPIRED: i64 = 4;

/// A row that reads `number, kind, namespace, secret, at, expires_at`.
fn notice(columns: &Row<'_>) -> rusqlite::Result<Notice> {
    let kind = match columns.get(1)? {
        SET => NoticeKind::Set,
        DELETED => NoticeKind::Deleted,
        EXPIRING => NoticeKind::Expiring,
        EXPIRED => NoticeKind::Expired,
        _ => return Err(defect(1)),
    };
    Ok(Notice {
        number: row::number(columns, 0)?,
        kind,
        namespace: NamespaceTag::from_bytes(bytes(columns, 2)?),
        secret: columns.get_ref(3)?.as_blob().ok().and_then(SecretId::from_suffix).ok_or_else(|| defect(3))?,
        at: Timestamp::from_unix(columns.get(4)?),
        expires_at: columns.get::<_, Option<i64>>(5)?.map(Timestamp::from_unix),
    })
}

fn oldest(connection: &Connection, max: usize) -> rusqlite::Result<Vec<Notice>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, kind, namespace, secret, at, expires_at FROM notice ORDER BY number LIMIT ?1",
    )?;
    statement.query_map([row::most(max)], notice)?.collect()
}

impl Transaction<'_> {
    fn leave(&self, kind: i64, namespace: NamespaceTag, secret: &RecordHeader, now: Timestamp) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO notice (kind, namespace, secret, at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        let (id, expires_at) = (secret.id.suffix(), secret.expires_at.map(Timestamp::as_unix));
        statement.execute(params![kind, namespace.as_bytes(), id.as_bytes(), now.as_unix(), expires_at])?;
        Ok(())
    }

    /// Leaves the notices of a set in `row`: if its expiry lies behind the mark, the one that it is expiring too.
    pub(super) fn notice_set(
        &self,
        namespace: NamespaceTag,
        row: i64,
        secret: &RecordHeader,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        if !self.keeps_notices {
            return Ok(());
        }
        self.leave(SET, namespace, secret, now)?;
        if let Some(expires_at) = secret.expires_at
            && (expires_at.as_unix(), row) <= self.expiring_mark()?
        {
            self.leave(EXPIRING, namespace, secret, now)?;
        }
        Ok(())
    }

    /// Leaves the notice of a delete.
    pub(super) fn notice_deleted(
        &self,
        namespace: NamespaceTag,
        secret: &RecordHeader,
        now: Timestamp,
    ) -> rusqlite::Result<()> {
        if self.keeps_notices { self.leave(DELETED, namespace, secret, now) } else { Ok(()) }
    }

    /// Leaves the notice of an expired secret that is about to be erased. Nobody is told of secrets whose namespace is not known, or
    /// has lost its key.
    pub(super) fn notice_expired(&self, row: i64, now: Timestamp) -> rusqlite::Result<()> {
        if !self.keeps_notices {
            return Ok(());
        }
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO notice (kind, namespace, secret, at, expires_at)
             SELECT ?1, wrapped_key.namespace, secret.id, ?2, secret.expires_at FROM secret
             JOIN scope ON scope.scope = secret.scope JOIN wrapped_key ON wrapped_key.row = scope.owner
             WHERE secret.row = ?3 AND wrapped_key.is_alive = 1",
        )?;
        statement.execute(params![EXPIRED, now.as_unix(), row])?;
        Ok(())
    }

    /// Expiry and row of the last secret that has had its notice that it is expiring.
    fn expiring_mark(&self) -> rusqlite::Result<(i64, i64)> {
        let mut statement = self.connection.prepare_cached("SELECT expires_at, row FROM notice_state")?;
        statement.query_row([], |columns| Ok((columns.get(0)?, columns.get(1)?)))
    }

    fn move_expiring_mark(&self, (expires_at, row): (i64, i64)) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached("UPDATE notice_state SET expires_at = ?1, row = ?2")?;
        statement.execute([expires_at, row])?;
        Ok(())
    }

    /// Leaves notices for the next `max` secrets behind the mark; true where there are more.
    fn notice_expiring(&self, up_to: Timestamp, now: Timestamp, max: u32) -> rusqlite::Result<bool> {
        let mark = self.expiring_mark()?;
        let end = (up_to.as_unix(), i64::MAX);
        if mark >= end {
            return Ok(false);
        }
        let mut statement = self.connection.prepare_cached(
            "SELECT expires_at, row FROM secret WHERE expires_at >= ?1 AND expires_at <= ?2 AND (expires_at > ?1 OR row > ?3)
             ORDER BY expires_at, row LIMIT ?4",
        )?;
        let more = i64::from(max) + 1;
        let found = statement
            .query_map([mark.0, end.0, mark.1, more], |columns| Ok((columns.get(0)?, columns.get(1)?)))?
            .collect::<rusqlite::Result<Vec<(i64, i64)>>>()?;
        let mut leave = self.connection.prepare_cached(
            "INSERT INTO notice (kind, namespace, secret, at, expires_at)
             SELECT ?1, wrapped_key.namespace, secret.id, ?2, secret.expires_at FROM secret
             JOIN scope ON scope.scope = secret.scope JOIN wrapped_key ON wrapped_key.row = scope.owner
             WHERE secret.row = ?3 AND wrapped_key.is_alive = 1",
        )?;
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let due = &found[..found.len().min(max)];
        for (_, row) in due {
            leave.execute(params![EXPIRING, now.as_unix(), row])?;
        }
        let has_more = found.len() > max;
        match due.last() {
            Some(&last) if has_more => self.move_expiring_mark(last)?,
            // Nothing may be left for this call when it was asked for none.
            None if has_more => {}
            _ => self.move_expiring_mark(end)?,
        }
        Ok(has_more)
    }

    /// Forgets every notice and the mark.
    pub(super) fn erase_notices(&self) -> rusqlite::Result<()> {
        self.connection.execute("DELETE FROM notice", [])?;
        self.move_expiring_mark((0, 0))
    }
}

struct Expiring {
    up_to: Timestamp,
    now: Timestamp,
    max: u32,
}

impl Operation for Expiring {
    type Outcome = bool;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<bool> {
        transaction.notice_expiring(self.up_to, self.now, self.max)
    }
}

struct Told {
    through: u64,
    deliveries: Vec<NewDelivery>,
    now: Timestamp,
    queued_max: usize,
}

impl Operation for Told {
    /// Deliveries that found no room.
    type Outcome = u64;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<u64> {
        let left_out = transaction.queue_notices(&self.deliveries, self.now, self.queued_max)?;
        let through = i64::try_from(self.through).unwrap_or(i64::MAX);
        transaction.connection.prepare_cached("DELETE FROM notice WHERE number <= ?1")?.execute([through])?;
        Ok(left_out)
    }
}

#[async_trait]
impl Notices for Store {
    fn keep_notices(&self, on: bool) {
        self.keeps_notices.store(on, Ordering::SeqCst);
    }

    async fn notice_expiring(&self, up_to: Timestamp, now: Timestamp, max: u32) -> Result<bool, StoreError> {
        self.write(Expiring { up_to, now, max }).await
    }

    async fn notices(&self, max: usize) -> Result<Vec<Notice>, StoreError> {
        self.readers.with(|connection| oldest(connection, max)).map_err(store_error)
    }

    async fn told(&self, through: u64, deliveries: Vec<NewDelivery>, now: Timestamp) -> Result<(), StoreError> {
        let left_out = self.write(Told { through, deliveries, now, queued_max: self.notices_queued_max }).await?;
        self.counters.notices_dropped.fetch_add(left_out, Ordering::Relaxed);
        Ok(())
    }
}
