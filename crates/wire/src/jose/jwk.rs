//! JWK sets (RFC 7517): which public keys a platform signs with.

use cholla_domain::limits::{JWK_NUMBER_CHARS_MAX, JWK_SET_KEYS_MAX};
use serde::Deserialize;
use thiserror::Error;

use super::{Algorithm, decoded, is_there, object};

/// A public key as a JWK holds it, numbers decoded. Its kind fixes the algorithm of its signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// `EC` on `P-256`: signs ES256.
    Es256 {
        /// The point's first coordinate.
        x: [u8; 32],
        /// Its second.
        y: [u8; 32],
    },
    /// `OKP` on `Ed25519`: signs `EdDSA`.
    Ed25519 {
        /// The point, compressed.
        x: [u8; 32],
    },
    /// `RSA`: signs RS256.
    Rs256 {
        /// The modulus, most significant byte first.
        n: Vec<u8>,
        /// The exponent, likewise.
        e: Vec<u8>,
    },
}

/// The keys of a JWK set that can sign, each as a `K`, which whoever reads the set makes of a [`PublicKey`].
pub struct JwkSet<K> {
    /// At least one. Where there are more, each has an id of its own.
    keys: Vec<SetKey<K>>,
}

/// One of them.
pub(super) struct SetKey<K> {
    id: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: K,
}

/// Why a JWK set was refused. Keys are counted from 1; nothing of a key is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum JwkError {
    /// Something else than a JWK set.
    #[error(
        "this is no JWK set: it is a JSON object whose `keys` is a list of at most {JWK_SET_KEYS_MAX} keys, each with a `kty`, and no member twice"
    )]
    Format,
    /// A private key, or a shared secret.
    #[error(
        "key {0} of the JWK set is private: list public keys only, without `d`, and replace this one if others may have seen it"
    )]
    Private(usize),
    /// A key whose `alg` is not that of its kind.
    #[error(
        "key {0} of the JWK set has another `alg` than its kind signs with here: ES256 for EC on P-256, EdDSA for OKP on Ed25519, RS256 for RSA"
    )]
    Algorithm(usize),
    /// A key whose numbers make no key.
    #[error(
        "key {0} of the JWK set is no valid key: its numbers are base64url without padding and without leading zeros, a point is on its curve, RSA has 2,048 to 8,192 bits"
    )]
    Invalid(usize),
    /// Several keys, and one without a `kid` of its own.
    #[error("key {0} of the JWK set has no `kid`, or one that another key has: with several keys each needs its own")]
    KeyId(usize),
    /// No key that can sign.
    #[error("no key of the JWK set can sign: it needs one of EC on P-256, OKP on Ed25519 or RSA")]
    Empty,
}

/// A JWK set as it is written.
#[derive(Deserialize)]
struct Written {
    keys: Vec<Jwk>,
}

/// A JWK as it is written, as far as it is read.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    kid: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    /// What only a private key has.
    #[serde(default, deserialize_with = "is_there")]
    d: bool,
    /// What only a shared secret has.
    #[serde(default, deserialize_with = "is_there")]
    k: bool,
}

impl<K> JwkSet<K> {
    /// Reads a set. `prepare` makes of a public key what will verify with it; `None` when its numbers make no key.
    ///
    /// Left out are keys of other kinds or curves, and keys that are not for signatures by their `use` or `key_ops`.
    ///
    /// # Errors
    /// When it is no such set; when any key in it, left out or not, is private; when a key is not valid or has an `alg` that is not that of
    /// its kind; when there are several and one has no `kid` of its own; when none is left.
    pub fn parse(text: &str, mut prepare: impl FnMut(PublicKey) -> Option<K>) -> Result<Self, JwkError> {
        let written: Written = object(text.as_bytes()).ok_or(JwkError::Format)?;
        if written.keys.len() > JWK_SET_KEYS_MAX {
            return Err(JwkError::Format);
        }
        let numbered = || written.keys.iter().zip(1..);
        if let Some((_, number)) = numbered().find(|(jwk, _)| jwk.d || jwk.k) {
            return Err(JwkError::Private(number));
        }
        let mut keys: Vec<SetKey<K>> = Vec::new();
        let mut numbers = Vec::new();
        for (jwk, number) in numbered() {
            let Some(algorithm) = jwk.algorithm().filter(|_| jwk.is_for_signatures()) else { continue };
            if jwk.alg.as_deref().is_some_and(|alg| Algorithm::parse(alg) != Some(algorithm)) {
                return Err(JwkError::Algorithm(number));
            }
            let key = jwk.public_key(algorithm).and_then(&mut prepare).ok_or(JwkError::Invalid(number))?;
            keys.push(SetKey { id: jwk.kid.clone(), algorithm, key });
            numbers.push(number);
        }
        if keys.is_empty() {
            return Err(JwkError::Empty);
        }
        let is_named = |at: usize| keys[at].id.is_some() && keys[..at].iter().all(|other| other.id != keys[at].id);
        match (0..keys.len()).find(|at| keys.len() > 1 && !is_named(*at)) {
            Some(at) => Err(JwkError::KeyId(numbers[at])),
            None => Ok(Self { keys }),
        }
    }

    /// The key that a token with this `kid` is signed with: the one that has it, or the only one, if the token or the key names none.
    pub(super) fn key(&self, id: Option<&str>) -> Option<&SetKey<K>> {
        match (self.keys.as_slice(), id) {
            ([only], id) => Some(only).filter(|key| id.is_none() || key.id.is_none() || key.id.as_deref() == id),
            (several, Some(id)) => several.iter().find(|key| key.id.as_deref() == Some(id)),
            (_, None) => None,
        }
    }
}

impl Jwk {
    /// The algorithm that keys of this kind sign with, where there is one.
    fn algorithm(&self) -> Option<Algorithm> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("EC", Some("P-256")) => Some(Algorithm::Es256),
            ("OKP", Some("Ed25519")) => Some(Algorithm::EdDsa),
            ("RSA", _) => Some(Algorithm::Rs256),
            _ => None,
        }
    }

    fn is_for_signatures(&self) -> bool {
        let operations = self.key_ops.as_ref();
        self.usage.as_deref().is_none_or(|usage| usage == "sig")
            && operations.is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
    }

    fn public_key(&self, algorithm: Algorithm) -> Option<PublicKey> {
        match algorithm {
            Algorithm::Es256 => {
                Some(PublicKey::Es256 { x: coordinate(self.x.as_ref())?, y: coordinate(self.y.as_ref())? })
            }
            Algorithm::EdDsa => Some(PublicKey::Ed25519 { x: coordinate(self.x.as_ref())? }),
            Algorithm::Rs256 => Some(PublicKey::Rs256 { n: number(self.n.as_ref())?, e: number(self.e.as_ref())? }),
        }
    }
}

fn number(text: Option<&String>) -> Option<Vec<u8>> {
    decoded(text?, JWK_NUMBER_CHARS_MAX)
}

fn coordinate(text: Option<&String>) -> Option<[u8; 32]> {
    number(text)?.try_into().ok()
}
