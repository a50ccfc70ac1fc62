//! A secret as it is stored, and as it is answered.

use crate::id::SecretId;
use crate::name::SecretName;
use crate::payload::{Plaintext, Sealed};
use crate::place::Scope;
use crate::tag::{NameTag, RecordVersion, ScopeTag};
use crate::time::Timestamp;

/// The part of a record that is stored in clear, and bound to the sealed part as associated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordHeader {
    /// Kept when the secret is replaced.
    pub id: SecretId,
    /// New with every set.
    pub version: RecordVersion,
    /// Kept when the secret is replaced.
    pub created_at: Timestamp,
    /// From then on the secret is gone.
    pub expires_at: Option<Timestamp>,
}

/// A row of the store: keyed hashes, the header and the sealed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// The scope's keyed hash.
    pub scope: ScopeTag,
    /// The name's keyed hash.
    pub name: NameTag,
    /// What is known without a key.
    pub header: RecordHeader,
    /// What is not.
    pub sealed: Sealed,
}

/// What a sealed record holds, once opened.
#[derive(Debug)]
pub struct OpenedSecret {
    /// The secret's scope.
    pub scope: Scope,
    /// The secret's name.
    pub name: SecretName,
    /// The payload.
    pub payload: Plaintext,
}

/// A secret as an operation answers it. `payload` is there only when the request asked for it.
#[derive(Debug)]
pub struct SecretView {
    /// Id, version and times.
    pub header: RecordHeader,
    /// The name.
    pub name: SecretName,
    /// The scope.
    pub scope: Scope,
    /// The payload, when expanded.
    pub payload: Option<Plaintext>,
}
