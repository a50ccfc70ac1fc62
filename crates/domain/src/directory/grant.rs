//! OAuth grants: the code, the pair of tokens and their lineage, one per install (contract section 15).

use super::codec::layout;
use super::credential::CredentialKey;
use crate::id::{InstallId, RequestId};
use crate::time::Timestamp;

/// A code that was not used yet. It is voided by a newer one (contract 15.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    /// The keyed hash of the code.
    pub key: CredentialKey,
    /// The challenge that its verifier must meet (contract 15.10).
    pub challenge: Option<String>,
    /// Where the browser was sent with it; `None` for one that a create answered.
    pub redirect_uri: Option<String>,
    /// From then on it is of no use.
    pub expires_at: Timestamp,
}
layout!(Code { key, challenge, redirect_uri, expires_at });

/// A code that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsedCode {
    /// The keyed hash of the code.
    pub key: CredentialKey,
    /// From then on it would have been of no use anyway.
    pub expires_at: Timestamp,
}
layout!(UsedCode { key, expires_at });

/// The living pair of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The access token, which is a credential of its own.
    pub access: CredentialKey,
    /// The keyed hash of the refresh token.
    pub refresh: CredentialKey,
    /// From then on the refresh token is of no use: 365 days from its own issue (contract 15.6).
    pub refresh_expires_at: Timestamp,
    /// The keyed hash of the idempotency key and the parameters that it was issued under (contract 15.9).
    pub issued_under: Option<[u8; 32]>,
    /// The request that came first under it: a pair that takes the place of one whose answer was lost keeps it (contract 7.4).
    pub original: RequestId,
    /// Whether either token has been presented since.
    pub presented: bool,
}
layout!(Pair { access, refresh, refresh_expires_at, issued_under, original, presented });

/// A refresh token that was rotated a short while ago.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotated {
    /// Its keyed hash.
    pub refresh: CredentialKey,
    /// The access token beside it, which counts for a moment longer.
    pub access: CredentialKey,
    /// When another took its place.
    pub rotated_at: Timestamp,
}
layout!(Rotated { refresh, access, rotated_at });

/// Everything that OAuth knows of one install.
///
/// The refresh tokens of one grant are a family: they begin alike, so that one that was rotated long ago is known for what it is without a
/// list of all that ever were.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The install.
    pub install: InstallId,
    /// The unused code.
    pub code: Option<Code>,
    /// The codes that were used, the newest last: the living or revoked pair descends from that one. Those before it are remembered until
    /// they would have expired, and never more than [`USED_CODES_MAX`](crate::limits::USED_CODES_MAX) in all (contract 15.8).
    pub used_codes: Vec<UsedCode>,
    /// The keyed hash of what the refresh tokens of the pair's family begin with.
    pub family: Option<CredentialKey>,
    /// The living pair; `None` before the first exchange and after a revocation.
    pub pair: Option<Pair>,
    /// What was rotated within the last [`ROTATION_RACE_SECONDS`](crate::limits::ROTATION_RACE_SECONDS).
    pub rotated: Vec<Rotated>,
    /// What the pairs before the living one were issued under, the newest last: a late retry of theirs is no theft (contract 15.9).
    pub issued_under: Vec<[u8; 32]>,
}
layout!(Grant { install, code, used_codes, family, pair, rotated, issued_under });

impl Grant {
    /// A grant that knows nothing yet.
    pub fn new(install: InstallId) -> Self {
        Self {
            install,
            code: None,
            used_codes: Vec::new(),
            family: None,
            pair: None,
            rotated: Vec::new(),
            issued_under: Vec::new(),
        }
    }

    /// Whether the living or revoked pair descends from that code.
    pub fn descends_from(&self, code: &CredentialKey) -> bool {
        self.used_codes.last().is_some_and(|used| used.key == *code)
    }

    /// What it is found by: its codes, unused and used, and what its refresh tokens begin with.
    pub(super) fn tokens(&self) -> impl Iterator<Item = CredentialKey> {
        let used = self.used_codes.iter().map(|used| used.key);
        self.code.iter().map(|code| code.key).chain(used).chain(self.family)
    }
}
