//! Which scopes a namespace has: a row for each scope that has a secret, kept up to date where a scope gets its first secret or loses
//! its last.

use cholla_domain::place::SealedPlace;
use cholla_domain::tag::{NamespaceTag, ScopeTag};
use rusqlite::params;

use super::transaction::Transaction;

/// A scope, and whose it is.
#[derive(Clone, Copy)]
pub(super) struct Home {
    pub(super) namespace: NamespaceTag,
    pub(super) scope: ScopeTag,
}

impl<A> From<&SealedPlace<A>> for Home {
    fn from(at: &SealedPlace<A>) -> Self {
        Self { namespace: at.namespace(), scope: at.scope() }
    }
}

impl Transaction<'_> {
    /// Lists a scope that is about to get its first secret. False when the namespace's key was destroyed: what was sealed under it would
    /// be left behind by the erasure. A namespace that never had a key lists no scopes.
    pub(super) fn open_scope(&self, home: Home) -> rusqlite::Result<bool> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO scope (scope, owner) SELECT ?1, row FROM wrapped_key WHERE namespace = ?2 AND is_alive = 1",
        )?;
        if statement.execute(params![home.scope.as_bytes(), home.namespace.as_bytes()])? > 0 {
            return Ok(true);
        }
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM wrapped_key WHERE namespace = ?1")?;
        Ok(!statement.exists([home.namespace.as_bytes()])?)
    }

    /// Takes a scope out of the list if its last secret is gone.
    pub(super) fn close_scope(&self, scope: ScopeTag) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "DELETE FROM scope WHERE scope = ?1 AND NOT EXISTS (SELECT 1 FROM secret WHERE secret.scope = ?1)",
        )?;
        statement.execute([scope.as_bytes()])?;
        Ok(())
    }
}
