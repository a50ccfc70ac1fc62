//! Idempotency keys (contract 7.4): the first finished result is kept and replayed; no kept record holds a payload.

use std::fmt;

use crate::error::Error;
use crate::id::RequestId;
use crate::place::SealedPlace;
use crate::policy::{Authorized, Write};
use crate::ports::{InFlightGuard, NamespaceCipher, Ports};
use crate::record::RecordHeader;
use crate::tag::{Fingerprint, IdempotencyTag};
use crate::time::Timestamp;

/// An `Idempotency-Key` as a client sent it: at most 255 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Takes `text` as a key. `None` when it is longer than 255 characters. An empty one counts as absent and is the caller's to drop.
    pub fn new(text: String) -> Option<Self> {
        (text.chars().count() <= crate::limits::IDEMPOTENCY_KEY_CHARS_MAX).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(****)")
    }
}

/// An idempotency key as the storage layer sees it, with the request it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotentRequest {
    /// Keyed hash of namespace, reach and key.
    pub tag: IdempotencyTag,
    /// Keyed hash of method, path, parameters and preconditions.
    pub fingerprint: Fingerprint,
    /// The request that carries them now; kept as the original when it is the first.
    pub request: RequestId,
}

/// The finished result of a write, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptResult {
    /// The secret was set.
    Set(RecordHeader),
    /// The secret was deleted.
    Deleted(RecordHeader),
    /// There was nothing to delete.
    NotFound,
    /// A precondition did not hold.
    PreconditionFailed,
    /// The scope was full.
    ScopeFull,
}

/// What the store kept under an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptRecord {
    /// The request that came first.
    pub original: RequestId,
    /// The fingerprint of that request.
    pub fingerprint: Fingerprint,
    /// Its result.
    pub result: KeptResult,
}

/// A key that a concurrent request is using right now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InFlight {
    /// The request that came first.
    pub original: RequestId,
    /// The fingerprint of that request.
    pub fingerprint: Fingerprint,
}

impl KeptRecord {
    /// The kept result, for a request of `fingerprint`.
    ///
    /// # Errors
    /// [`Error::IdempotencyMismatch`] when the first request had other parameters.
    pub fn result_for(&self, fingerprint: Fingerprint) -> Result<KeptResult, Error> {
        if self.fingerprint == fingerprint {
            Ok(self.result)
        } else {
            Err(Error::IdempotencyMismatch { original: self.original })
        }
    }
}

/// The answer of a write: its result, and the request whose kept result it replays, if it does.
#[derive(Debug)]
pub struct Answer<T> {
    /// What the client is told.
    pub result: Result<T, Error>,
    /// The request that came first, when this is a replay.
    pub replay_of: Option<RequestId>,
}

impl<T> From<Result<T, Error>> for Answer<T> {
    fn from(result: Result<T, Error>) -> Self {
        Self { result, replay_of: None }
    }
}

/// The idempotency key of a write, marked as in flight while this lives.
pub(crate) struct Claim {
    pub(crate) request: IdempotentRequest,
    _guard: Box<dyn InFlightGuard>,
}

/// What there is to do under an idempotency key.
pub(crate) enum Entry {
    /// To execute: nobody else uses the key now. Whether it was used before is decided in the transaction.
    Execute(Claim),
    /// Nothing: it was finished before. Several requests may replay one result at a time.
    Kept(KeptRecord, IdempotentRequest),
}

impl Entry {
    /// Hashes the key and the `fields` of the request, and marks the key as in flight.
    ///
    /// # Errors
    /// When another request is using it and nothing is kept yet: with other parameters first, then in flight (contract section 6,
    /// order of checks).
    pub(crate) async fn of(
        ports: &Ports,
        (authorized, at): (&Authorized<'_, Write>, &SealedPlace<Write>),
        cipher: &dyn NamespaceCipher,
        key: &IdempotencyKey,
        fields: &[&[u8]],
        request: RequestId,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let tag = cipher.idempotency_tag(authorized.reach(), key.as_str());
        let request = IdempotentRequest { tag, fingerprint: cipher.fingerprint(fields), request };
        let other = match ports.in_flight.enter(&request) {
            Ok(guard) => return Ok(Self::Execute(Claim { request, _guard: guard })),
            Err(other) => other,
        };
        match ports.store.kept(at, tag, now).await? {
            Some(kept) => Ok(Self::Kept(kept, request)),
            None if other.fingerprint == request.fingerprint => {
                Err(Error::IdempotencyInFlight { original: other.original })
            }
            None => Err(Error::IdempotencyMismatch { original: other.original }),
        }
    }
}
