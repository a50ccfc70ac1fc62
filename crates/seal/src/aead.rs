//! AES-256-GCM-SIV, and the only file that names it (law 3).
//!
//! Why this algorithm: `docs/adr/0002-aes-256-gcm-siv.md`.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::kdf::NoRandomness;
use crate::key::KeyMaterial;

/// Bytes of a nonce.
pub(crate) const NONCE_LENGTH: usize = 12;
/// Bytes of an authentication tag.
pub(crate) const TAG_LENGTH: usize = 16;

/// A prepared key. It draws its nonces itself: there is no way to give it one. The provider wipes it when it is dropped.
pub(crate) struct AeadKey(RandomizedNonceKey);

impl AeadKey {
    /// Prepares `key`.
    pub(crate) fn new(key: &KeyMaterial) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, key.expose_bytes());
        Self(key.expect("AES-256-GCM-SIV takes a random nonce and a key of 32 bytes"))
    }

    /// Seals in place.
    ///
    /// ```text
    /// before   header │ NONCE_LENGTH bytes of room │ plaintext
    /// after    header │ nonce                      │ ciphertext │ tag
    /// ```
    ///
    /// `header` counts the bytes in front of the room. A caller that reserved [`TAG_LENGTH`] more bytes causes no reallocation.
    pub(crate) fn seal_in_place(
        &self,
        associated_data: &[u8],
        header: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<(), NoRandomness> {
        let start = header + NONCE_LENGTH;
        let sealed = self.0.seal_in_place_separate_tag(Aad::from(associated_data), &mut buffer[start..]);
        let (nonce, tag) = sealed.map_err(|_| NoRandomness)?;
        buffer[header..start].copy_from_slice(nonce.as_ref());
        buffer.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens nonce ‖ ciphertext ‖ tag: the plaintext in a buffer of its own, in which it was decrypted. `None` when anything is not as it
    /// was sealed.
    pub(crate) fn open(&self, associated_data: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LENGTH>()?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let opened = self.0.open_in_place(Nonce::from(nonce), Aad::from(associated_data), &mut buffer);
        let length = opened.ok()?.len();
        buffer.truncate(length);
        Some(buffer)
    }
}
