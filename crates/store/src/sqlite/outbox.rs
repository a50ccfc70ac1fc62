//! The queue of deliveries to webhook endpoints.

use std::collections::BTreeSet;

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::payload::Sealed;
use cholla_domain::ports::{Delivery, DeliveryKey, DeliveryState, EVENT_ID_LENGTH, NewDelivery, Outbox, Settled};
use cholla_domain::tag::RecordTag;
use cholla_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::store_error;
use super::job::Operation;
use super::row::{self, bytes, defect};
use super::store::Store;
use super::transaction::Transaction;

const PENDING: i64 = 0;
const DELIVERED: i64 = 1;
const FAILED: i64 = 2;

/// A row that reads `row, event, endpoint, state, queued_at, due_at, attempts, sealed`.
fn delivery(columns: &Row<'_>) -> rusqlite::Result<(u64, Delivery)> {
    let state = match columns.get(3)? {
        PENDING => DeliveryState::Pending,
        DELIVERED => DeliveryState::Delivered,
        FAILED => DeliveryState::Failed,
        _ => return Err(defect(3)),
    };
    let delivery = Delivery {
        key: DeliveryKey { event: bytes(columns, 1)?, endpoint: RecordTag::from_bytes(bytes(columns, 2)?) },
        state,
        queued_at: Timestamp::from_unix(columns.get(4)?),
        due_at: Timestamp::from_unix(columns.get(5)?),
        attempts: columns.get(6)?,
        sealed: Sealed::assertion(columns.get(7)?),
    };
    Ok((row::number(columns, 0)?, delivery))
}

/// Pending deliveries: when each is due, and its row. The endpoints are visited one by one, so that none is looked at for another's sake.
fn due_rows(
    connection: &Connection,
    now: Timestamp,
    busy: &[RecordTag],
    per_endpoint: usize,
) -> rusqlite::Result<Vec<(i64, i64)>> {
    let busy: BTreeSet<_> = busy.iter().collect();
    let mut next_endpoint = connection
        .prepare_cached("SELECT endpoint FROM delivery WHERE state = 0 AND endpoint > ?1 ORDER BY endpoint LIMIT 1")?;
    let mut of_endpoint = connection.prepare_cached(
        "SELECT due_at, row FROM delivery WHERE state = 0 AND endpoint = ?1 AND due_at <= ?2 ORDER BY due_at, row LIMIT ?3",
    )?;
    let mut found = Vec::new();
    let mut after = Vec::new();
    while let Some(endpoint) =
        next_endpoint.query_row([&after], |columns| Ok(RecordTag::from_bytes(bytes(columns, 0)?))).optional()?
    {
        if !busy.contains(&endpoint) {
            let rows = of_endpoint
                .query_map(params![endpoint.as_bytes(), now.as_unix(), row::most(per_endpoint)], |columns| {
                    Ok((columns.get(0)?, columns.get(1)?))
                })?;
            for row in rows {
                found.push(row?);
            }
        }
        after = endpoint.as_bytes().to_vec();
    }
    found.sort_unstable();
    Ok(found)
}

fn due(
    connection: &Connection,
    now: Timestamp,
    busy: &[RecordTag],
    per_endpoint: usize,
    max: usize,
) -> rusqlite::Result<Vec<Delivery>> {
    let mut statement = connection.prepare_cached(
        "SELECT row, event, endpoint, state, queued_at, due_at, attempts, sealed FROM delivery WHERE row = ?1",
    )?;
    let mut deliveries = Vec::new();
    for (_, row) in due_rows(connection, now, busy, per_endpoint)?.into_iter().take(max) {
        // It may have been settled or erased since its row was found, and is then not due any more.
        if let Some((_, delivery)) = statement.query_row([row], delivery).optional()?
            && delivery.state == DeliveryState::Pending
        {
            deliveries.push(delivery);
        }
    }
    Ok(deliveries)
}

fn next_due(connection: &Connection) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement = connection.prepare_cached(
        "WITH RECURSIVE waiting (endpoint) AS (
             SELECT min(endpoint) FROM delivery WHERE state = 0
             UNION ALL
             SELECT (SELECT min(endpoint) FROM delivery WHERE state = 0 AND endpoint > waiting.endpoint)
             FROM waiting WHERE waiting.endpoint IS NOT NULL
         )
         SELECT min((SELECT min(due_at) FROM delivery WHERE state = 0 AND endpoint = waiting.endpoint)) FROM waiting",
    )?;
    Ok(statement.query_row([], |columns| columns.get::<_, Option<i64>>(0))?.map(Timestamp::from_unix))
}

fn of_event(connection: &Connection, event: &[u8; EVENT_ID_LENGTH]) -> rusqlite::Result<Vec<Delivery>> {
    let mut statement = connection.prepare_cached(
        "SELECT row, event, endpoint, state, queued_at, due_at, attempts, sealed FROM delivery WHERE event = ?1
         ORDER BY endpoint",
    )?;
    let deliveries = statement.query_map([event], delivery)?;
    deliveries.map(|delivery| delivery.map(|(_, delivery)| delivery)).collect()
}

fn recent(connection: &Connection, before: Option<u64>, max: usize) -> rusqlite::Result<Vec<(u64, Delivery)>> {
    let mut statement = connection.prepare_cached(
        "SELECT row, event, endpoint, state, queued_at, due_at, attempts, sealed FROM delivery WHERE row < ?1
         ORDER BY row DESC LIMIT ?2",
    )?;
    statement.query_map([row::before(before), row::most(max)], delivery)?.collect()
}

impl Transaction<'_> {
    /// Queues deliveries; one that was queued before stays as it is.
    pub(super) fn queue_deliveries(&self, deliveries: &[NewDelivery], now: Timestamp) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO delivery (event, endpoint, state, queued_at, due_at, attempts, sealed)
             VALUES (?1, ?2, 0, ?3, ?4, 0, ?5) ON CONFLICT (event, endpoint) DO NOTHING",
        )?;
        for NewDelivery { key, due_at, sealed } in deliveries {
            let endpoint = key.endpoint.as_bytes();
            statement.execute(params![key.event, endpoint, now.as_unix(), due_at.as_unix(), sealed.as_bytes()])?;
        }
        Ok(())
    }

    /// Queues deliveries that tell of secrets, as far as their endpoints have fewer than `max` of them to be made. Answers how many were
    /// left out.
    pub(super) fn queue_notices(
        &self,
        deliveries: &[NewDelivery],
        now: Timestamp,
        max: usize,
    ) -> rusqlite::Result<u64> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO delivery (event, endpoint, state, queued_at, due_at, attempts, sealed, is_notice)
             SELECT ?1, ?2, 0, ?3, ?4, 0, ?5, 1
             WHERE coalesce((SELECT deliveries FROM notice_count WHERE endpoint = ?2 AND state = 0), 0) < ?6
             ON CONFLICT (event, endpoint) DO NOTHING",
        )?;
        let mut left_out = 0;
        for NewDelivery { key, due_at, sealed } in deliveries {
            let (endpoint, queued_at) = (key.endpoint.as_bytes(), now.as_unix());
            let values = params![key.event, endpoint, queued_at, due_at.as_unix(), sealed.as_bytes(), row::most(max)];
            left_out += u64::from(statement.execute(values)? == 0);
        }
        Ok(left_out)
    }

    /// Forgets the delivery of an endpoint that was settled first, if it tells of secrets and there are more than `max` in that state.
    fn forget_settled_notice(&self, endpoint: RecordTag, state: i64, max: usize) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM delivery WHERE row =
                 (SELECT row FROM delivery WHERE state = ?2 AND endpoint = ?1 ORDER BY due_at, row LIMIT 1)
             AND is_notice = 1 AND (SELECT deliveries FROM notice_count WHERE endpoint = ?1 AND state = ?2) > ?3",
        )?;
        statement.execute(params![endpoint.as_bytes(), state, row::most(max)])?;
        Ok(())
    }

    /// Erases every delivery.
    pub(super) fn erase_outbox(&self) -> rusqlite::Result<()> {
        self.connection.execute("DELETE FROM delivery", [])?;
        Ok(())
    }
}

struct Settle {
    key: DeliveryKey,
    attempts: u32,
    outcome: Settled,
    now: Timestamp,
    notices_settled_max: usize,
}

impl Operation for Settle {
    type Outcome = bool;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<bool> {
        let (state, due_at) = match self.outcome {
            Settled::Delivered => (DELIVERED, self.now),
            Settled::Retry(due_at) => (PENDING, due_at),
            Settled::Failed => (FAILED, self.now),
        };
        let mut statement = transaction.connection.prepare_cached(
            "UPDATE delivery SET state = ?3, due_at = ?4, attempts = attempts + 1
             WHERE event = ?1 AND endpoint = ?2 AND state = 0 AND attempts = ?5",
        )?;
        let endpoint = self.key.endpoint.as_bytes();
        let as_it_was =
            statement.execute(params![self.key.event, endpoint, state, due_at.as_unix(), self.attempts])? > 0;
        if as_it_was && state != PENDING {
            transaction.forget_settled_notice(self.key.endpoint, state, self.notices_settled_max)?;
        }
        Ok(as_it_was)
    }
}

struct Resend {
    key: DeliveryKey,
    now: Timestamp,
}

impl Operation for Resend {
    type Outcome = bool;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<bool> {
        let mut statement = transaction.connection.prepare_cached(
            "UPDATE delivery SET state = 0, queued_at = ?3, due_at = ?3, attempts = 0 WHERE event = ?1 AND endpoint = ?2",
        )?;
        let changed = statement.execute(params![self.key.event, self.key.endpoint.as_bytes(), self.now.as_unix()])?;
        Ok(changed > 0)
    }
}

struct Prune {
    before: Timestamp,
    gone: Vec<RecordTag>,
    max: u32,
}

impl Operation for Prune {
    type Outcome = u32;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<u32> {
        let mut to_gone = transaction.connection.prepare_cached(
            "DELETE FROM delivery WHERE row IN
                 (SELECT row FROM delivery WHERE state IN (0, 1, 2) AND endpoint = ?1 LIMIT ?2)",
        )?;
        let mut erased = 0;
        for endpoint in &self.gone {
            erased += count(to_gone.execute(params![endpoint.as_bytes(), self.max - erased])?, self.max);
        }
        let mut settled = transaction.connection.prepare_cached(
            "DELETE FROM delivery WHERE row IN
                 (SELECT row FROM delivery WHERE state <> 0 AND queued_at < ?1 ORDER BY queued_at LIMIT ?2)",
        )?;
        erased += count(settled.execute(params![self.before.as_unix(), self.max - erased])?, self.max);
        Ok(erased)
    }
}

/// Rows that a statement limited to `max` has changed.
fn count(rows: usize, max: u32) -> u32 {
    u32::try_from(rows).unwrap_or(max)
}

#[async_trait]
impl Outbox for Store {
    async fn due(
        &self,
        now: Timestamp,
        busy: &[RecordTag],
        per_endpoint: usize,
        max: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        self.readers.with(|connection| due(connection, now, busy, per_endpoint, max)).map_err(store_error)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers.with(next_due).map_err(store_error)
    }

    async fn settle(
        &self,
        key: DeliveryKey,
        attempts: u32,
        outcome: Settled,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let notices_settled_max = self.notices_settled_max;
        self.write(Settle { key, attempts, outcome, now, notices_settled_max }).await
    }

    async fn deliveries(&self, event: [u8; EVENT_ID_LENGTH]) -> Result<Vec<Delivery>, StoreError> {
        self.readers.with(|connection| of_event(connection, &event)).map_err(store_error)
    }

    async fn recent(&self, before: Option<u64>, max: usize) -> Result<Vec<(u64, Delivery)>, StoreError> {
        self.readers.with(|connection| recent(connection, before, max)).map_err(store_error)
    }

    async fn resend(&self, key: DeliveryKey, now: Timestamp) -> Result<bool, StoreError> {
        self.write(Resend { key, now }).await
    }

    async fn prune(&self, before: Timestamp, gone: &[RecordTag], max: u32) -> Result<u32, StoreError> {
        self.write(Prune { before, gone: gone.to_vec(), max }).await
    }
}
