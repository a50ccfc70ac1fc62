//! Where the directory is kept: sealed records under keyed hashes, changed only by whoever knows the newest revision.

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::directory::CredentialHash;
use crate::error::{SealError, StoreError};
use crate::payload::Sealed;
use crate::tag::{ErasureId, NamespaceTag, RecordTag};
use crate::time::Timestamp;

use super::NewDelivery;

/// Which record: its kind, and the keyed hash of what identifies it among its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RecordKey {
    /// The kind, a number of the record format.
    pub kind: u8,
    /// The keyed hash.
    pub tag: RecordTag,
}

/// How often the directory has been changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Revision(pub u64);

/// One change of the directory with all that belongs to it. It is written as a whole or not at all.
#[derive(Clone, Debug)]
pub struct DirectoryCommit {
    /// The revision that the change was decided on. The store refuses when it has another by now (law 8).
    pub expects: Revision,
    /// Records to create or replace.
    pub puts: Vec<(RecordKey, Sealed)>,
    /// Records to remove; one that is not there is no error. Their bytes are overwritten.
    pub removals: Vec<RecordKey>,
    /// What the change has to tell to webhook endpoints.
    pub deliveries: Vec<NewDelivery>,
    /// Entries for the audit log, in their order.
    pub audit: Vec<Sealed>,
    /// Namespaces whose key is destroyed by this change: from then on the namespace has no key, and whatever was sealed under it is to be
    /// erased under the id ([`ErasureStore`](super::ErasureStore)). A namespace without a key is no error: its erasure has nothing to do.
    pub destroyed: Vec<(NamespaceTag, ErasureId)>,
    /// When.
    pub now: Timestamp,
}

/// What a commit came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    /// Written, durably. The directory has the revision after the expected one.
    Done,
    /// The directory has another revision than expected. Nothing was written: look again.
    Moved,
}

/// Durable home of the directory. Untrusted: it sees keyed hashes and sealed bytes only.
#[async_trait]
pub trait DirectoryStore: Send + Sync {
    /// Reads every record, in no order, from at most `threads` threads at a time, and answers the revision. `take` is called with the
    /// number of the thread (below `threads`), the key and the sealed bytes. Blocks; called at start, and after a failed commit.
    ///
    /// # Errors
    /// When the store does not answer.
    fn load(&self, threads: usize, take: &(dyn Fn(usize, RecordKey, &[u8]) + Sync)) -> Result<Revision, StoreError>;

    /// Writes one change, durably, if the directory still has the revision that it expects.
    async fn commit(&self, commit: DirectoryCommit) -> Result<CommitOutcome, StoreError>;

    /// The audit log's entries before `before` (all, where absent), newest first, at most `max`: each with its number and time.
    async fn audit(&self, before: Option<u64>, max: usize) -> Result<Vec<(u64, Timestamp, Sealed)>, StoreError>;
}

/// The installation's own keys at work on the directory, the outbox and the audit log.
pub trait DirectoryCipher: Send + Sync {
    /// The keyed hash of an API key, a token or a code.
    fn credential_hash(&self, value: &[u8]) -> CredentialHash;

    /// The keyed hash of a sequence of fields that identify a record of `kind`. No two sequences are fed alike.
    fn record_tag(&self, kind: u8, fields: &[&[u8]]) -> RecordTag;

    /// Seals `plaintext`, bound to `kind` and `context`: a record's tag, a delivery's key, nothing for an audit entry.
    ///
    /// # Errors
    /// When the system gives no randomness.
    fn seal_entry(&self, kind: u8, context: &[u8], plaintext: &[u8]) -> Result<Sealed, SealError>;

    /// Opens what [`seal_entry`](Self::seal_entry) sealed with the same `kind` and `context`.
    ///
    /// # Errors
    /// [`SealError::Tampered`] for anything else.
    fn open_entry(&self, kind: u8, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError>;
}
