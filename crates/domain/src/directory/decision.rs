//! How a change is decided: a pure function of the directory, the second, and what is drawn at random.

use super::change::Change;
use super::state::Directory;
use super::{CredentialHash, credential::CredentialKey};
use crate::id::{Entropy, RequestId, alphanumerics};
use crate::idempotency::IdempotencyKey;
use crate::time::Timestamp;
use zeroize::Zeroizing;

/// What a decision draws and hashes with.
pub trait Mint: Send + Sync {
    /// Ids, keys and tokens.
    fn entropy(&self) -> &dyn Entropy;

    /// The keyed hash of a key, a token or a code; also of whatever else is compared and never kept.
    fn hash(&self, value: &[u8]) -> CredentialHash;
}

/// A key, token or code that was just drawn. Shown once; wiped when dropped.
pub struct Drawn {
    /// The value.
    pub value: Zeroizing<String>,
    /// What it is found by.
    pub key: CredentialKey,
}

impl Drawn {
    /// Draws `prefix` and `length` letters and digits.
    pub fn draw(mint: &dyn Mint, prefix: &str, length: usize) -> Self {
        let mut random = Zeroizing::new(vec![0; 2 * length]);
        mint.entropy().fill(&mut random);
        let mut value = Zeroizing::new(String::with_capacity(prefix.len() + length));
        value.push_str(prefix);
        value.extend(alphanumerics(&random));
        let key = CredentialKey::of(&mint.hash(value.as_bytes()));
        Self { value, key }
    }

    /// The end of it that may be shown.
    pub fn tail(&self) -> super::credential::Tail {
        self.value.as_bytes().last_chunk().copied()
    }
}

impl std::fmt::Debug for Drawn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Drawn(****)")
    }
}

/// What every decision sees.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The directory as it is now.
    pub directory: &'a Directory,
    /// The second.
    pub now: Timestamp,
    /// Randomness and hashes.
    pub mint: &'a dyn Mint,
    /// Seconds for which the secrets of a namespace outlive its last install; 0: not at all (contract 14.5).
    pub grace_seconds: i64,
    /// The request, for events and kept results.
    pub request: RequestId,
    /// Its idempotency key.
    pub idempotency_key: Option<&'a IdempotencyKey>,
}

/// What was decided: the change to commit, and what is answered once it is.
#[derive(Debug)]
pub struct Decision<T> {
    /// The change; an empty one is not committed.
    pub change: Change,
    /// The answer.
    pub outcome: T,
}

impl<T> Decision<T> {
    /// Nothing changes.
    pub fn unchanged(outcome: T) -> Self {
        Self { change: Change::default(), outcome }
    }
}
