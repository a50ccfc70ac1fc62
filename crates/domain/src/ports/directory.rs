//! Where the directory is kept: sealed records under keyed hashes, changed only by whoever knows the newest revision.

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::directory::CredentialHash;
use crate::error::{SealError, StoreError};
use crate::payload::Sealed;
use crate::tag::{ErasureId, NamespaceTag, RecordTag};
use crate::time::Timestamp;

use super::{NewDelivery, WrappedKey};

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

/// On what a write was judged. An erasure that was decided since overtakes it: what it would write, nobody would erase again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Judgement {
    /// The revision of the directory on which its caller was judged.
    pub at: Revision,
    /// The user whose scope it writes to, as the directory's records know that user of the account; `None` for the account's own scope.
    pub user: Option<RecordTag>,
}

impl Judgement {
    /// What nothing overtakes: for whoever is alone with the store.
    pub const ALONE: Self = Self { at: Revision(u64::MAX), user: None };
}

/// A namespace that a change of the directory closes: its key is destroyed, and whatever was sealed under that is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Which.
    pub namespace: NamespaceTag,
    /// The key that the change was told it has. The store refuses the change where it has another by now, or one at all
    /// ([`CommitOutcome::KeyMoved`]): the record of the erasure names the key.
    pub key: Option<WrappedKey>,
    /// What is sealed under that key is erased under this id ([`ErasureStore`](super::ErasureStore)). Without a key there is nothing to do.
    pub erasure: ErasureId,
}

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
    /// Namespaces that this change closes, each once. From then on they have no key, and no write that was judged on an older revision gives
    /// them one or lands in them ([`Judgement`]), whether they had a key or not.
    pub closed: Vec<Closing>,
    /// Users whose scopes in an account this change has erased, in all its namespaces: no write that was judged on an older revision lands
    /// there. The namespaces keep their keys.
    pub offboarded: Vec<RecordTag>,
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
    /// A namespace to be closed has another key than expected. Nothing was written: look at its key again.
    KeyMoved,
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
