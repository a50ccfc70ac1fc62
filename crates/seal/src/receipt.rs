//! The key that signs erasure receipts: Ed25519 (RFC 8032), from a seed below the instance key.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};

use crate::key::KeyMaterial;

/// Signs erasure receipts. The same installation always has the same key; the provider wipes it when it is dropped.
///
/// It signs bytes. What the bytes of a receipt are, and how its public key is written for others, is `wire::jose`'s.
pub struct ReceiptSigner(Ed25519KeyPair);

impl ReceiptSigner {
    /// Bytes of the public key.
    pub const PUBLIC_KEY_LENGTH: usize = 32;
    /// Bytes of a signature.
    pub const SIGNATURE_LENGTH: usize = 64;

    /// The key whose seed is `seed`.
    pub(crate) fn new(seed: &KeyMaterial) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose_bytes());
        Self(pair.expect("any 32 bytes are a seed of Ed25519"))
    }

    /// The public key, by which anybody can verify a receipt.
    pub fn public_key(&self) -> [u8; Self::PUBLIC_KEY_LENGTH] {
        self.0.public_key().as_ref().try_into().expect("a public key of Ed25519 has 32 bytes")
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> [u8; Self::SIGNATURE_LENGTH] {
        self.0.sign(message).as_ref().try_into().expect("a signature of Ed25519 has 64 bytes")
    }
}
