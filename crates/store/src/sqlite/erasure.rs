//! Erasing namespaces whose key was destroyed, and single scopes. What was erased is counted in the same transaction.

use std::time::Duration;

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::ports::{ErasedCounts, ErasureStore};
use cholla_domain::tag::{ErasureId, NameTag, NamespaceTag, ScopeTag};
use rusqlite::{OptionalExtension, params};
use thiserror::Error;

use super::cache::Place;
use super::job::Operation;
use super::keys;
use super::row::{self, bytes};
use super::store::Store;
use super::transaction::Transaction;

/// Secrets after which an erasure lets other writes go first.
const STEP_SECRETS: u64 = 64;
/// The owner under which single scopes are counted: no row of `wrapped_key`.
const NO_OWNER: i64 = 0;
/// How often emptying the log is tried, and how long the writer is left alone in between: some three seconds.
const SHRED_ATTEMPTS: u32 = 300;
const SHRED_PAUSE: Duration = Duration::from_millis(10);

/// Somebody has been reading an old state for as long as the log was to be emptied.
#[derive(Debug, Error)]
#[error("the log could not be emptied because of a reader")]
struct LogInUse;

impl Transaction<'_> {
    /// Begins to count what is erased of a destroyed key's namespace.
    pub(super) fn begin_erasure(&self, erasure: ErasureId, owner: i64) -> rusqlite::Result<()> {
        self.count_erased(erasure, owner, ErasedCounts::default())
    }

    fn count_erased(&self, erasure: ErasureId, owner: i64, erased: ErasedCounts) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO erasure (erasure, owner, scopes, secrets) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (erasure, owner)
             DO UPDATE SET scopes = scopes + excluded.scopes, secrets = secrets + excluded.secrets",
        )?;
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        statement.execute(params![erasure.as_bytes(), owner, count(erased.scopes), count(erased.secrets)])?;
        Ok(())
    }

    fn erased(&self, erasure: ErasureId) -> rusqlite::Result<ErasedCounts> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT ifnull(sum(scopes), 0), ifnull(sum(secrets), 0) FROM erasure WHERE erasure = ?1")?;
        statement.query_row([erasure.as_bytes()], |columns| {
            Ok(ErasedCounts { scopes: row::number(columns, 0)?, secrets: row::number(columns, 1)? })
        })
    }

    /// A scope that an erasure has still to erase, and its owner.
    fn next_scope(&self, erasure: ErasureId) -> rusqlite::Result<Option<(i64, ScopeTag)>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT scope.owner, scope.scope FROM erasure JOIN scope ON scope.owner = erasure.owner
             WHERE erasure.erasure = ?1 LIMIT 1",
        )?;
        let next = statement
            .query_row([erasure.as_bytes()], |columns| Ok((columns.get(0)?, ScopeTag::from_bytes(bytes(columns, 1)?))));
        next.optional()
    }

    /// Erases a scope with all that is kept of its secrets, and counts it.
    fn erase_scope(&mut self, erasure: ErasureId, owner: i64, scope: ScopeTag) -> rusqlite::Result<u64> {
        let mut statement = self.connection.prepare_cached("DELETE FROM secret WHERE scope = ?1 RETURNING name")?;
        let names = statement
            .query_map([scope.as_bytes()], |columns| Ok(NameTag::from_bytes(bytes(columns, 0)?)))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        self.connection.prepare_cached("DELETE FROM read_day WHERE scope = ?1")?.execute([scope.as_bytes()])?;
        self.connection.prepare_cached("DELETE FROM scope WHERE scope = ?1")?.execute([scope.as_bytes()])?;
        for &name in &names {
            self.changes.remove(Place { scope, name });
        }
        let secrets = names.len() as u64;
        self.count_erased(erasure, owner, ErasedCounts { scopes: u64::from(secrets > 0), secrets })?;
        Ok(secrets)
    }

    /// Forgets every scope, counter and last-read day.
    pub(super) fn erase_inventory(&self) -> rusqlite::Result<()> {
        self.connection.execute_batch("DELETE FROM scope; DELETE FROM erasure; DELETE FROM read_day")
    }
}

struct Step {
    erasure: ErasureId,
    /// The scope in which this many secrets are reached is the last one.
    secrets: u64,
}

impl Operation for Step {
    /// All that was erased so far, how many secrets of it now, and whether nothing is left.
    type Outcome = (ErasedCounts, u64, bool);

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<Self::Outcome> {
        let mut now = 0;
        while now < self.secrets {
            let Some((owner, scope)) = transaction.next_scope(self.erasure)? else { break };
            now += transaction.erase_scope(self.erasure, owner, scope)?;
        }
        let is_done = transaction.next_scope(self.erasure)?.is_none();
        Ok((transaction.erased(self.erasure)?, now, is_done))
    }
}

struct EraseScope {
    erasure: ErasureId,
    namespace: NamespaceTag,
    scope: ScopeTag,
}

impl Operation for EraseScope {
    type Outcome = ErasedCounts;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<ErasedCounts> {
        let owner = keys::owner(transaction.connection, self.namespace)?;
        // A scope that is not listed is older than the list; its tag alone says whose it is.
        if transaction.owner_of(self.scope)?.is_none_or(|own| owner == Some(own)) {
            transaction.erase_scope(self.erasure, NO_OWNER, self.scope)?;
        }
        transaction.erased(self.erasure)
    }
}

struct Forget(ErasureId);

impl Operation for Forget {
    type Outcome = ();

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        let mut statement = transaction.connection.prepare_cached("DELETE FROM erasure WHERE erasure = ?1")?;
        statement.execute([self.0.as_bytes()])?;
        Ok(())
    }
}

#[async_trait]
impl ErasureStore for Store {
    async fn erase_step(&self, erasure: ErasureId, max: u32) -> Result<(ErasedCounts, bool), StoreError> {
        let mut left = u64::from(max);
        loop {
            let (all, now, is_done) = self.write(Step { erasure, secrets: left.min(STEP_SECRETS) }).await?;
            left = left.saturating_sub(now);
            if is_done || left == 0 {
                return Ok((all, is_done));
            }
        }
    }

    async fn erase_scope(
        &self,
        erasure: ErasureId,
        namespace: NamespaceTag,
        scope: ScopeTag,
    ) -> Result<ErasedCounts, StoreError> {
        self.write(EraseScope { erasure, namespace, scope }).await
    }

    async fn forget_erasure(&self, erasure: ErasureId) -> Result<(), StoreError> {
        self.write(Forget(erasure)).await
    }

    async fn shred_log(&self) -> Result<(), StoreError> {
        for attempt in 0..SHRED_ATTEMPTS {
            if self.empty_log(attempt).await? {
                return Ok(());
            }
            tokio::time::sleep(SHRED_PAUSE).await;
        }
        Err(StoreError::Unavailable(Box::new(LogInUse)))
    }
}
