//! What the operations need from outside. Every port is a trait object, so that tests pass an oracle and the clock they like.

use std::sync::Arc;

use async_trait::async_trait;

use crate::error::{SealError, StoreError};
use crate::id::Entropy;
use crate::idempotency::{IdempotentRequest, InFlight, KeptRecord};
use crate::name::SecretName;
use crate::payload::{Plaintext, Sealed};
use crate::place::{Namespace, Scope, SealedPlace};
use crate::policy::{Read, Write};
use crate::precondition::Precondition;
use crate::principal::Reach;
use crate::record::{OpenedSecret, RecordHeader, StoredSecret};
use crate::tag::{Fingerprint, IdempotencyTag, NameTag, NamespaceTag, ScopeTag};
use crate::time::Timestamp;

mod directory;
mod erasure;
mod outbox;

pub use directory::{
    Closing, CommitOutcome, DirectoryCipher, DirectoryCommit, DirectoryStore, Judgement, RecordKey, Revision,
};
pub use erasure::{ErasedCounts, ErasureStore, Inventory, NamespaceCounts, SecretRead};
pub use outbox::{
    Delivery, DeliveryKey, DeliveryState, EVENT_ID_LENGTH, NewDelivery, Notice, NoticeKind, Notices, Outbox, Settled,
};

/// Everything an operation may touch. `now` is passed beside it: one request has one `now`.
#[derive(Clone)]
pub struct Ports {
    /// Sealed records.
    pub store: Arc<dyn SecretStore>,
    /// Keys of namespaces.
    pub keys: Arc<dyn NamespaceKeys>,
    /// Idempotency keys that are being used right now.
    pub in_flight: Arc<dyn InFlightKeys>,
    /// Where it is noted whose payload was read.
    pub reads: Arc<dyn ReadLog>,
    /// Ids and versions.
    pub entropy: Arc<dyn Entropy>,
}

/// Who hears of every payload that is part of an answer.
pub trait ReadLog: Send + Sync {
    /// Notes that the payload of `secret` was read at `now`. It waits for nothing.
    fn note(&self, secret: &StoredSecret, now: Timestamp);
}

/// A set, as the store sees it.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// The name's keyed hash.
    pub name: NameTag,
    /// Id, version and times. Id and `created_at` are those of `replaces` where that is set.
    pub header: RecordHeader,
    /// The header that was live under this name when the record was sealed; the store refuses with [`SetOutcome::Moved`] when another
    /// id is there by now. The record's associated data holds the id, so the guess cannot be mended after sealing.
    pub replaces: Option<RecordHeader>,
    /// Name, user and payload, sealed.
    pub sealed: Sealed,
    /// Conditions, checked inside the transaction.
    pub precondition: Precondition,
    /// The idempotency key; its record commits with the effect.
    pub idempotency: Option<IdempotentRequest>,
    /// On what its caller was judged.
    pub judged: Judgement,
}

/// What a set came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOutcome {
    /// Created or replaced, durably.
    Done,
    /// The namespace was closed, or the user offboarded, since the caller was judged; or the namespace's key is destroyed. Nothing was
    /// written or kept: judge again.
    Overtaken,
    /// What is live under the name is not what `replaces` said. Nothing was written or kept: look again.
    Moved,
    /// Nothing was written but the idempotency record.
    PreconditionFailed,
    /// The scope holds [`SECRETS_PER_SCOPE_MAX`](crate::limits::SECRETS_PER_SCOPE_MAX) live secrets. Nothing was written but the idempotency record.
    ScopeFull,
    /// The idempotency key has a record, which may be of another fingerprint. Nothing was written.
    Kept(KeptRecord),
}

/// A delete, as the store sees it.
#[derive(Clone, Debug)]
pub struct Deletion {
    /// The name's keyed hash.
    pub name: NameTag,
    /// Conditions, checked inside the transaction.
    pub precondition: Precondition,
    /// The idempotency key; its record commits with the effect.
    pub idempotency: Option<IdempotentRequest>,
    /// On what its caller was judged.
    pub judged: Judgement,
}

/// What a delete came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeleteOutcome {
    /// The namespace was closed, or the user offboarded, since the caller was judged. Nothing was written or kept: judge again.
    Overtaken,
    /// This was deleted, durably.
    Deleted(StoredSecret),
    /// There was nothing. Nothing was written but the idempotency record.
    NotFound,
    /// Nothing was written but the idempotency record.
    PreconditionFailed,
    /// The idempotency key has a record, which may be of another fingerprint. Nothing was written.
    Kept(KeptRecord),
}

/// Durable home of sealed secrets. Untrusted: it never sees plaintext, names, users or keys.
///
/// Every method is one transaction. `now` decides expiry (`now >= expires_at` is gone, erased or not); the store reads no clock.
/// A write is acknowledged only when it will survive the death of process and machine. Reads see every acknowledged write.
/// Each write checks in this order: what its caller was judged on, the idempotency record (kept for
/// [`IDEMPOTENCY_KEPT_SECONDS`](crate::limits::IDEMPOTENCY_KEPT_SECONDS) from its `now`, then as if it had never been), absence (delete),
/// the precondition, `replaces`, the limit; and keeps the idempotency record of every outcome but `Overtaken`, `Moved` and `Kept`.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// The live secret under `name`, shared with whoever else has it in memory.
    async fn find(
        &self,
        at: &SealedPlace<Read>,
        name: NameTag,
        now: Timestamp,
    ) -> Result<Option<Arc<StoredSecret>>, StoreError>;

    /// The live secrets of the scope, newest first (`created_at` descending, then newest insertion first): at most
    /// [`SECRETS_PER_SCOPE_MAX`](crate::limits::SECRETS_PER_SCOPE_MAX).
    async fn list(&self, at: &SealedPlace<Read>, now: Timestamp) -> Result<Vec<StoredSecret>, StoreError>;

    /// The header of the live secret under `name`: what a set would replace.
    async fn header(
        &self,
        at: &SealedPlace<Write>,
        name: NameTag,
        now: Timestamp,
    ) -> Result<Option<RecordHeader>, StoreError>;

    /// Creates or replaces.
    async fn set(&self, at: &SealedPlace<Write>, secret: NewSecret, now: Timestamp) -> Result<SetOutcome, StoreError>;

    /// Deletes; the row's bytes are overwritten.
    async fn delete(
        &self,
        at: &SealedPlace<Write>,
        deletion: Deletion,
        now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError>;

    /// The idempotency record of `tag`, if one is kept at `now`.
    async fn kept(
        &self,
        at: &SealedPlace<Write>,
        tag: IdempotencyTag,
        now: Timestamp,
    ) -> Result<Option<KeptRecord>, StoreError>;
}

/// A namespace key, wrapped by the root key: bytes that only `seal` understands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedKey(pub Vec<u8>);

/// Durable home of wrapped namespace keys.
#[async_trait]
pub trait WrappedKeyStore: Send + Sync {
    /// The wrapped key of a namespace.
    async fn wrapped_key(&self, namespace: NamespaceTag) -> Result<Option<WrappedKey>, StoreError>;

    /// Keeps `key` unless the namespace has one, and answers the one it has now, durably. `None`, and nothing is kept, where the namespace
    /// was closed after the revision `judged`.
    async fn keep_wrapped_key(
        &self,
        namespace: NamespaceTag,
        key: WrappedKey,
        judged: Revision,
    ) -> Result<Option<WrappedKey>, StoreError>;
}

/// What one round of the sweeper erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Expired secrets.
    pub secrets: u32,
    /// Idempotency records past their time.
    pub idempotency_records: u32,
}

/// Jobs that belong to no tenant. No request handler holds this trait.
#[async_trait]
pub trait Maintenance: Send + Sync {
    /// Erases, for good, at most `max` rows of each kind that are gone at `now`.
    async fn sweep(&self, now: Timestamp, max: u32) -> Result<Swept, StoreError>;

    /// Writes something of no meaning, as durably as any other write: the store is ready when this is done.
    async fn probe(&self) -> Result<(), StoreError>;

    /// Erases every secret and idempotency record (dev mode's reset). Namespace keys go too, so what was sealed stays sealed;
    /// the installation's own, under [`NamespaceTag::INSTANCE`], stays.
    async fn erase_all(&self) -> Result<(), StoreError>;
}

/// The keys of namespaces.
#[async_trait]
pub trait NamespaceKeys: Send + Sync {
    /// The namespace's cipher; `None` when the namespace has no key, and so no secret.
    async fn find(&self, namespace: &Namespace) -> Result<Option<Arc<dyn NamespaceCipher>>, SealError>;

    /// The namespace's cipher, under a new key where it has none. `None` where it has none and was closed after the revision `judged`.
    async fn find_or_create(
        &self,
        namespace: &Namespace,
        judged: Revision,
    ) -> Result<Option<Arc<dyn NamespaceCipher>>, SealError>;
}

/// One namespace's keys at work: keyed hashes and sealed records.
pub trait NamespaceCipher: Send + Sync {
    /// The namespace's keyed hash.
    fn namespace_tag(&self) -> NamespaceTag;

    /// The scope's keyed hash.
    fn scope_tag(&self, scope: &Scope) -> ScopeTag;

    /// The keyed hash of `name` in the scope of that hash.
    fn name_tag(&self, scope: ScopeTag, name: &SecretName) -> NameTag;

    /// The keyed hash of an idempotency key with its reach.
    fn idempotency_tag(&self, reach: &Reach, key: &str) -> IdempotencyTag;

    /// The keyed hash of a sequence of fields; no two sequences are fed alike.
    fn fingerprint(&self, fields: &[&[u8]]) -> Fingerprint;

    /// Seals name, user and payload, bound to the address, the id, the version and the times.
    ///
    /// # Errors
    /// When the system gives no randomness.
    fn seal(
        &self,
        scope: &Scope,
        name: &SecretName,
        payload: &Plaintext,
        header: &RecordHeader,
    ) -> Result<Sealed, SealError>;

    /// Opens what [`seal`](Self::seal) sealed for this very row.
    ///
    /// # Errors
    /// [`SealError::Tampered`] when it was sealed for any other.
    fn open(&self, stored: &StoredSecret) -> Result<OpenedSecret, SealError>;
}

/// Marks an idempotency key as free again when dropped.
pub trait InFlightGuard: Send {}

/// Which idempotency keys are being used right now (contract 6.26).
pub trait InFlightKeys: Send + Sync {
    /// Marks the key as used by this request until the guard is dropped.
    ///
    /// # Errors
    /// The request that is using it.
    fn enter(&self, request: &IdempotentRequest) -> Result<Box<dyn InFlightGuard>, InFlight>;
}

impl std::fmt::Debug for Ports {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ports")
    }
}
