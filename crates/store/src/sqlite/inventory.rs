//! What there is: scopes, secrets, and the day on which a secret was last read.

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::ports::{Inventory, NamespaceCounts, SecretRead};
use cholla_domain::record::StoredSecret;
use cholla_domain::tag::{NameTag, NamespaceTag, ScopeTag};
use cholla_domain::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::cache::Place;
use super::error::store_error;
use super::job::Operation;
use super::reader;
use super::row::{self, bytes};
use super::store::Store;
use super::transaction::Transaction;

fn count(connection: &Connection, namespace: NamespaceTag) -> rusqlite::Result<NamespaceCounts> {
    let mut statement = connection.prepare_cached(
        "SELECT count(DISTINCT scope.scope), count(*) FROM wrapped_key
         JOIN scope ON scope.owner = wrapped_key.row JOIN secret ON secret.scope = scope.scope
         WHERE wrapped_key.namespace = ?1 AND wrapped_key.is_alive = 1",
    )?;
    statement.query_row([namespace.as_bytes()], |columns| {
        Ok(NamespaceCounts { scopes: row::number(columns, 0)?, secrets: row::number(columns, 1)? })
    })
}

fn scopes(
    connection: &Connection,
    namespace: NamespaceTag,
    after: Option<ScopeTag>,
    max: usize,
) -> rusqlite::Result<Vec<ScopeTag>> {
    let mut statement = connection.prepare_cached(
        "SELECT scope.scope FROM wrapped_key JOIN scope ON scope.owner = wrapped_key.row
         WHERE wrapped_key.namespace = ?1 AND wrapped_key.is_alive = 1 AND scope.scope > ?2
         ORDER BY scope.scope LIMIT ?3",
    )?;
    // Every tag comes after the empty one.
    let after = after.map_or_else(Vec::new, |scope| scope.as_bytes().to_vec());
    let scopes = statement.query_map(params![namespace.as_bytes(), after, row::most(max)], |columns| {
        Ok(ScopeTag::from_bytes(bytes(columns, 0)?))
    })?;
    scopes.collect()
}

/// The day on which a secret was last read.
fn read_day(connection: &Connection, place: Place) -> rusqlite::Result<Option<u32>> {
    let mut statement = connection.prepare_cached("SELECT day FROM read_day WHERE scope = ?1 AND name = ?2")?;
    let place = params![place.scope.as_bytes(), place.name.as_bytes()];
    statement.query_row(place, |columns| columns.get(0)).optional()
}

fn read_days(connection: &Connection, scope: ScopeTag) -> rusqlite::Result<Vec<(NameTag, u32)>> {
    let mut statement = connection.prepare_cached("SELECT name, day FROM read_day WHERE scope = ?1 ORDER BY name")?;
    let days = statement
        .query_map([scope.as_bytes()], |columns| Ok((NameTag::from_bytes(bytes(columns, 0)?), columns.get(1)?)))?;
    days.collect()
}

impl Transaction<'_> {
    /// The owner of a scope, if the scope is listed.
    pub(super) fn owner_of(&self, scope: ScopeTag) -> rusqlite::Result<Option<i64>> {
        let mut statement = self.connection.prepare_cached("SELECT owner FROM scope WHERE scope = ?1")?;
        statement.query_row([scope.as_bytes()], |columns| columns.get(0)).optional()
    }

    /// Forgets when a secret was last read.
    pub(super) fn forget_read_day(&self, place: Place) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached("DELETE FROM read_day WHERE scope = ?1 AND name = ?2")?;
        statement.execute(params![place.scope.as_bytes(), place.name.as_bytes()])?;
        Ok(())
    }
}

struct NoteReads(Vec<SecretRead>);

impl Operation for NoteReads {
    type Outcome = ();

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
        // The secret may be gone since it was read, and another one have its name.
        let mut statement = transaction.connection.prepare_cached(
            "INSERT INTO read_day (scope, name, day)
             SELECT scope, name, ?4 FROM secret WHERE scope = ?1 AND name = ?2 AND id = ?3
             ON CONFLICT (scope, name) DO UPDATE SET day = excluded.day WHERE excluded.day > day",
        )?;
        for read in &self.0 {
            let id = read.id.suffix().as_bytes();
            statement.execute(params![read.scope.as_bytes(), read.name.as_bytes(), id, read.day])?;
        }
        Ok(())
    }
}

#[async_trait]
impl Inventory for Store {
    async fn count(&self, namespace: NamespaceTag) -> Result<NamespaceCounts, StoreError> {
        self.readers.with(|connection| count(connection, namespace)).map_err(store_error)
    }

    async fn scopes(
        &self,
        namespace: NamespaceTag,
        after: Option<ScopeTag>,
        max: usize,
    ) -> Result<Vec<ScopeTag>, StoreError> {
        self.readers.with(|connection| scopes(connection, namespace, after, max)).map_err(store_error)
    }

    async fn secrets(&self, scope: ScopeTag, now: Timestamp) -> Result<Vec<StoredSecret>, StoreError> {
        self.readers.with(|connection| reader::list(connection, scope, now)).map_err(store_error)
    }

    async fn note_reads(&self, reads: &[SecretRead]) -> Result<(), StoreError> {
        // Most were noted earlier on that day, and cost no transaction.
        let is_new = |connection: &Connection, read: &SecretRead| {
            let place = Place { scope: read.scope, name: read.name };
            rusqlite::Result::Ok(read_day(connection, place)?.is_none_or(|noted| noted < read.day).then_some(*read))
        };
        let new = self.readers.with(|connection| {
            reads.iter().filter_map(|read| is_new(connection, read).transpose()).collect::<rusqlite::Result<Vec<_>>>()
        });
        let new = new.map_err(store_error)?;
        if new.is_empty() { Ok(()) } else { self.write(NoteReads(new)).await }
    }

    async fn read_days(&self, scope: ScopeTag) -> Result<Vec<(NameTag, u32)>, StoreError> {
        self.readers.with(|connection| read_days(connection, scope)).map_err(store_error)
    }
}
