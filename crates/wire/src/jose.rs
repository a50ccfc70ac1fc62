//! What is signed with public keys, as JOSE writes it: JWK sets (RFC 7517) and compact JWS (RFC 7515).
//!
//! Cryptography is elsewhere: whoever reads a [`JwkSet`] says what becomes of a [`PublicKey`], and whoever verifies with it says how. What
//! is decided here is everything that has gone wrong in JWT libraries: the key and nothing else chooses the algorithm, no payload comes
//! out before its signature is verified, a token of one purpose is none of another, and every part is bounded and strictly encoded.
//!
//! ```text
//! platform's keys ── JwkSet::parse ──┐
//! embedded key ──────────────── JwkSet::verify ── EmbeddedClaims::read
//!
//! our public key ── ReceiptKey::new ──┬── jwk ── JwkSet::parse ──┐
//! a receipt's JSON ────────────────── sign ──────────────── JwkSet::verify
//! ```

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cholla_domain::limits::{
    RECEIPT_PAYLOAD_CHARS_MAX, TOKEN_HEADER_CHARS_MAX, TOKEN_PAYLOAD_CHARS_MAX, TOKEN_SIGNATURE_CHARS_MAX,
};
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny};
use thiserror::Error;

mod claims;
mod jwk;
mod receipt;

pub use claims::{ClaimsError, EmbeddedClaims};
pub use jwk::{JwkError, JwkSet, PublicKey};
pub use receipt::ReceiptKey;

/// What a token is for, by its `typ`: a token of one purpose is never taken for one of another, even under one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// A JWT: `typ` is `JWT` in any letter case, or absent.
    Jwt,
    /// An erasure receipt of ours: `typ` is `cholla-receipt+jws`.
    Receipt,
}

/// The `typ` of receipts.
const RECEIPT_TYPE: &str = "cholla-receipt+jws";

impl TokenType {
    /// Strangers send us JWTs. A receipt is longer: it holds a user id of any length, and every character of that may be escaped.
    fn payload_chars_max(self) -> usize {
        match self {
            Self::Jwt => TOKEN_PAYLOAD_CHARS_MAX,
            Self::Receipt => RECEIPT_PAYLOAD_CHARS_MAX,
        }
    }

    fn accepts(self, typ: Option<&str>) -> bool {
        match self {
            Self::Jwt => typ.is_none_or(|typ| typ.eq_ignore_ascii_case("JWT")),
            Self::Receipt => typ == Some(RECEIPT_TYPE),
        }
    }
}

/// Why a token was refused. Says nothing of what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwtError {
    /// It is not a token of the type asked for: three parts of base64url without padding, within their limits, the first a JSON object
    /// without `crit`.
    #[error("not a signed token of this type")]
    Malformed,
    /// Its `alg` is none of `ES256`, `EdDSA` and `RS256`, or not that of the key.
    #[error("signed with an algorithm that is not accepted")]
    UnsupportedAlgorithm,
    /// No key of the set has its `kid`, or it has none where the set has more than one key.
    #[error("signed with an unknown key")]
    UnknownKey,
    /// The signature is not the key's.
    #[error("the signature does not verify")]
    BadSignature,
}

/// A signature algorithm of RFC 7518 and RFC 8037. Those with shared secrets, and none at all, are not among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Algorithm {
    Es256,
    EdDsa,
    Rs256,
}

impl Algorithm {
    fn parse(alg: &str) -> Option<Self> {
        match alg {
            "ES256" => Some(Self::Es256),
            "EdDSA" => Some(Self::EdDsa),
            "RS256" => Some(Self::Rs256),
            _ => None,
        }
    }
}

/// The header of a token, as far as it is read. What it may bring along (`jwk`, `jku`, `x5c`) is no key of ours and is never looked at.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    #[serde(default, deserialize_with = "is_there")]
    crit: bool,
}

impl<K> JwkSet<K> {
    /// Verifies `token`, a compact JWS of type `kind`, with `verify(key, message, signature)`, and answers its payload.
    ///
    /// The key is the set's only one, or the one whose `kid` the token has; it must be of the algorithm that the token names. `verify` is
    /// called once at most, and only with a key of the token's algorithm.
    ///
    /// # Errors
    /// When it is not such a token, or not signed by a key of this set.
    pub fn verify(
        &self,
        token: &str,
        kind: TokenType,
        verify: impl FnOnce(&K, &[u8], &[u8]) -> bool,
    ) -> Result<Vec<u8>, JwtError> {
        let (message, signature) = token.rsplit_once('.').ok_or(JwtError::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(JwtError::Malformed)?;
        let payload = decoded(payload, kind.payload_chars_max()).ok_or(JwtError::Malformed)?;
        let signature = decoded(signature, TOKEN_SIGNATURE_CHARS_MAX).ok_or(JwtError::Malformed)?;
        let header = decoded(header, TOKEN_HEADER_CHARS_MAX).ok_or(JwtError::Malformed)?;
        let header: Header = object(&header).ok_or(JwtError::Malformed)?;
        if header.crit || !kind.accepts(header.typ.as_deref()) {
            return Err(JwtError::Malformed);
        }
        let algorithm = Algorithm::parse(&header.alg).ok_or(JwtError::UnsupportedAlgorithm)?;
        let key = self.key(header.kid.as_deref()).ok_or(JwtError::UnknownKey)?;
        if key.algorithm != algorithm {
            return Err(JwtError::UnsupportedAlgorithm);
        }
        if verify(&key.key, message.as_bytes(), &signature) { Ok(payload) } else { Err(JwtError::BadSignature) }
    }
}

/// Reads base64url without padding, at most `max` characters. Each sequence of bytes has one encoding: set bits behind the last are refused.
fn decoded(text: &str, max: usize) -> Option<Vec<u8>> {
    if text.len() > max { None } else { URL_SAFE_NO_PAD.decode(text).ok() }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads a JSON object. A member that is read and occurs twice is refused; the reader of structures would take an array, too.
fn object<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    json.trim_ascii_start().strip_prefix(b"{")?;
    serde_json::from_slice(json).ok()
}

/// Whether a member is there, whatever its value, `null` included.
fn is_there<'de, D: Deserializer<'de>>(value: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(value).map(|_| true)
}

#[cfg(test)]
mod tests;
