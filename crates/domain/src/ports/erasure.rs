//! Erasing what nobody may read any more, and saying what there is. No handler of a tenant's request holds these.

use async_trait::async_trait;

use crate::error::StoreError;
use crate::id::SecretId;
use crate::record::StoredSecret;
use crate::tag::{ErasureId, NameTag, NamespaceTag, ScopeTag};
use crate::time::Timestamp;

/// What an erasure has erased so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ErasedCounts {
    /// Scopes.
    pub scopes: u64,
    /// Secrets, expired ones that were still there included.
    pub secrets: u64,
}

/// What a namespace holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamespaceCounts {
    /// Scopes with at least one secret, expired ones that are still there included.
    pub scopes: u64,
    /// Secrets, likewise.
    pub secrets: u64,
}

/// A secret whose payload was part of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecretRead {
    /// Its scope.
    pub scope: ScopeTag,
    /// Its name.
    pub name: NameTag,
    /// Its id: another secret of that name was not read.
    pub id: SecretId,
    /// The last day on which it was, in days since 1970.
    pub day: u32,
}

/// Physical erasure. It survives kill -9: what was counted is counted with the rows it counts.
#[async_trait]
pub trait ErasureStore: Send + Sync {
    /// Erases at most about `max` secrets of the namespace whose key was destroyed under `erasure`, in small transactions, and answers all
    /// that this erasure has erased so far; `true` when nothing is left. Secrets set since under a new key of the namespace stay.
    async fn erase_step(&self, erasure: ErasureId, max: u32) -> Result<(ErasedCounts, bool), StoreError>;

    /// Erases one scope of a namespace that keeps its key, counting under `erasure`; answers all that it has erased so far.
    async fn erase_scope(
        &self,
        erasure: ErasureId,
        namespace: NamespaceTag,
        scope: ScopeTag,
    ) -> Result<ErasedCounts, StoreError>;

    /// Forgets the counters of an erasure whose receipt is written.
    async fn forget_erasure(&self, erasure: ErasureId) -> Result<(), StoreError>;

    /// Brings the log into the database and empties it, so that no file holds a copy of what was erased. Tries for a while when readers are
    /// in the way.
    ///
    /// # Errors
    /// When it could not be emptied; to be tried again.
    async fn shred_log(&self) -> Result<(), StoreError>;
}

/// What there is, for operators. Only sealed records and keyed hashes.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// How much a namespace holds.
    async fn count(&self, namespace: NamespaceTag) -> Result<NamespaceCounts, StoreError>;

    /// The scopes of a namespace after `after` in the order of their tags, at most `max`.
    async fn scopes(
        &self,
        namespace: NamespaceTag,
        after: Option<ScopeTag>,
        max: usize,
    ) -> Result<Vec<ScopeTag>, StoreError>;

    /// The live secrets of a scope, newest first.
    async fn secrets(&self, scope: ScopeTag, now: Timestamp) -> Result<Vec<StoredSecret>, StoreError>;

    /// Writes down the days of secrets that were read, in one transaction; each is kept until its secret is erased.
    async fn note_reads(&self, reads: &[SecretRead]) -> Result<(), StoreError>;

    /// The day on which each secret of the scope was last read, by name, where it was.
    async fn read_days(&self, scope: ScopeTag) -> Result<Vec<(NameTag, u32)>, StoreError>;
}
