//! Where keys come from: the system's randomness for those that are wrapped, HKDF-SHA-256 for all others.

use aws_lc_rs::{hkdf, rand};
use thiserror::Error;

use crate::format::KDF_SALT;
use crate::key::KeyMaterial;

/// The system gave no random bytes.
#[derive(Clone, Copy, Debug, Error)]
#[error("the system gives no random bytes")]
pub struct NoRandomness;

/// Draws a new key.
pub(crate) fn draw() -> Result<KeyMaterial, NoRandomness> {
    KeyMaterial::filled(|bytes| rand::fill(bytes).map_err(|_| NoRandomness))
}

/// Derives the key that `label` and `context` name from `key`.
pub(crate) fn derive(key: &KeyMaterial, label: &str, context: &[u8]) -> KeyMaterial {
    let Ok(derived) = KeyMaterial::filled(|bytes| {
        expand(key, label, context, bytes);
        Ok::<_, std::convert::Infallible>(())
    });
    derived
}

/// Fills `out` with what `label` and `context` name: HKDF-SHA-256 with `info` = label ‖ 0x00 ‖ context. No label holds a zero byte, so no
/// two pairs share an `info`.
pub(crate) fn expand(key: &KeyMaterial, label: &str, context: &[u8], out: &mut [u8]) {
    let length = OutputLength(out.len());
    hkdf::Salt::new(hkdf::HKDF_SHA256, KDF_SALT)
        .extract(key.expose_bytes())
        .expand(&[label.as_bytes(), &[0], context], length)
        .and_then(|output| output.fill(out))
        .expect("no caller asks for more than the 8,160 bytes that HKDF-SHA-256 gives");
}

/// How many bytes HKDF is asked for.
struct OutputLength(usize);

impl hkdf::KeyType for OutputLength {
    fn len(&self) -> usize {
        self.0
    }
}
