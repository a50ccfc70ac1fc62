//! What an erasure has closed: which namespaces and users, at which revision of the directory. A write that was judged before that is refused
//! inside its own transaction, so that nothing comes to be where nobody would erase it (contract 14.6, 14.8).

use cholla_domain::ports::Judgement;
use cholla_domain::tag::NamespaceTag;
use rusqlite::params;

use super::transaction::Transaction;

impl Transaction<'_> {
    /// Closes a namespace, or a user's scopes, to what was judged before the revision that this transaction makes.
    pub(super) fn close(&self, tag: &[u8]) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO closed (tag, revision) SELECT ?1, revision FROM directory_state WHERE true
             ON CONFLICT (tag) DO UPDATE SET revision = excluded.revision",
        )?;
        statement.execute([tag])?;
        Ok(())
    }

    /// Whether a namespace, or the user of a judgement, was closed since.
    pub(super) fn is_overtaken(&self, namespace: NamespaceTag, judged: Judgement) -> rusqlite::Result<bool> {
        let at = i64::try_from(judged.at.0).unwrap_or(i64::MAX);
        let user = judged.user.as_ref().map(|user| user.as_bytes().as_slice());
        let mut statement =
            self.connection.prepare_cached("SELECT 1 FROM closed WHERE tag IN (?1, ?2) AND revision > ?3")?;
        statement.exists(params![namespace.as_bytes(), user, at])
    }
}
