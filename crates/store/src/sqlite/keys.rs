//! The table of wrapped namespace keys: rows are appended and overwritten in place, nothing else (`migrations/0002_platform.sql`).

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::ports::{Judgement, Revision, WrappedKey, WrappedKeyStore};
use cholla_domain::tag::NamespaceTag;
use rusqlite::{Connection, OptionalExtension, params};

use super::error::store_error;
use super::job::Operation;
use super::store::Store;
use super::transaction::Transaction;

/// The living wrapped key of a namespace.
pub(super) fn wrapped_key(connection: &Connection, namespace: NamespaceTag) -> rusqlite::Result<Option<WrappedKey>> {
    let mut statement =
        connection.prepare_cached("SELECT wrapped FROM wrapped_key WHERE namespace = ?1 AND is_alive = 1")?;
    statement.query_row([namespace.as_bytes()], |columns| Ok(WrappedKey(columns.get(0)?))).optional()
}

/// The row of a namespace's living key: what its scopes refer to.
pub(super) fn owner(connection: &Connection, namespace: NamespaceTag) -> rusqlite::Result<Option<i64>> {
    let mut statement =
        connection.prepare_cached("SELECT row FROM wrapped_key WHERE namespace = ?1 AND is_alive = 1")?;
    statement.query_row([namespace.as_bytes()], |columns| columns.get(0)).optional()
}

struct KeepWrappedKey {
    namespace: NamespaceTag,
    key: WrappedKey,
    judged: Revision,
}

impl Operation for KeepWrappedKey {
    type Outcome = Option<WrappedKey>;

    fn execute(&self, transaction: &mut Transaction<'_>) -> rusqlite::Result<Option<WrappedKey>> {
        if transaction.is_overtaken(self.namespace, Judgement { at: self.judged, user: None })? {
            return Ok(None);
        }
        transaction.keep_wrapped_key(self.namespace, &self.key).map(Some)
    }
}

impl Transaction<'_> {
    /// Keeps a namespace's wrapped key unless there is one, and answers the one there is.
    fn keep_wrapped_key(&self, namespace: NamespaceTag, key: &WrappedKey) -> rusqlite::Result<WrappedKey> {
        if let Some(first) = wrapped_key(self.connection, namespace)? {
            return Ok(first);
        }
        let mut statement = self
            .connection
            .prepare_cached("INSERT INTO wrapped_key (namespace, is_alive, wrapped) VALUES (?1, 1, ?2)")?;
        statement.execute(params![namespace.as_bytes(), key.0])?;
        Ok(key.clone())
    }

    /// Overwrites a namespace's wrapped key, and answers its row; none where it has no key.
    pub(super) fn destroy_key(&self, namespace: NamespaceTag) -> rusqlite::Result<Option<i64>> {
        let Some(owner) = owner(self.connection, namespace)? else { return Ok(None) };
        // Not a byte longer or shorter, so that the row stays where it is and its old bytes are what is overwritten.
        let mut statement = self.connection.prepare_cached(
            "UPDATE wrapped_key SET is_alive = 0, wrapped = zeroblob(length(wrapped)) WHERE row = ?1",
        )?;
        statement.execute([owner])?;
        Ok(Some(owner))
    }

    /// Overwrites every key but the installation's own.
    pub(super) fn destroy_keys(&self) -> rusqlite::Result<()> {
        self.connection.execute(
            "UPDATE wrapped_key SET is_alive = 0, wrapped = zeroblob(length(wrapped)) WHERE is_alive = 1 AND namespace <> ?1",
            [NamespaceTag::INSTANCE.as_bytes()],
        )?;
        Ok(())
    }
}

#[async_trait]
impl WrappedKeyStore for Store {
    async fn wrapped_key(&self, namespace: NamespaceTag) -> Result<Option<WrappedKey>, StoreError> {
        self.readers.with(|connection| wrapped_key(connection, namespace)).map_err(store_error)
    }

    async fn keep_wrapped_key(
        &self,
        namespace: NamespaceTag,
        key: WrappedKey,
        judged: Revision,
    ) -> Result<Option<WrappedKey>, StoreError> {
        self.write(KeepWrappedKey { namespace, key, judged }).await
    }
}
