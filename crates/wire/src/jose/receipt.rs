//! Erasure receipts: what was erased, signed so that anybody can verify it later without this server.

use super::{RECEIPT_TYPE, encoded};

/// The public half of the key that signs receipts, as it is published, and the form of what it signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptKey {
    /// The public key in base64url.
    public: String,
    id: String,
}

impl ReceiptKey {
    /// The Ed25519 key whose public half is `public`. `sha256` hashes what names it.
    pub fn new(public: &[u8; 32], sha256: impl FnOnce(&[u8]) -> [u8; 32]) -> Self {
        let public = encoded(public);
        // RFC 7638: the required members in the order of their names, without white space.
        let named = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{public}"}}"#);
        Self { id: encoded(&sha256(named.as_bytes())), public }
    }

    /// The key's `kid`: its thumbprint (RFC 7638), so that it can be found again from the key alone.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public key as a JWK (RFC 8037): what a verifier keeps. In `{"keys":[…]}` it is a set.
    pub fn jwk(&self) -> String {
        let Self { public, id } = self;
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{public}","kid":"{id}","use":"sig","alg":"EdDSA"}}"#)
    }

    /// `payload`, the JSON of a receipt, as a compact JWS. `sign` signs with the private half. Read it with
    /// [`JwkSet::verify`](super::JwkSet::verify), which takes payloads of at most
    /// [`RECEIPT_PAYLOAD_CHARS_MAX`](cholla_domain::limits::RECEIPT_PAYLOAD_CHARS_MAX) characters in base64url.
    pub fn sign(&self, payload: &[u8], sign: impl FnOnce(&[u8]) -> [u8; 64]) -> String {
        let header = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"{RECEIPT_TYPE}"}}"#, self.id);
        let mut jws = format!("{}.{}", encoded(header.as_bytes()), encoded(payload));
        let signature = sign(jws.as_bytes());
        jws.push('.');
        jws.push_str(&encoded(&signature));
        jws
    }
}
