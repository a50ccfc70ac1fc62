//! 32 secret bytes.

use zeroize::Zeroizing;

/// A 256-bit key as bytes: what a provider wraps, and what other keys are derived from.
///
/// It lives on the heap, so that moving it copies a pointer, and is wiped when dropped. It cannot be printed, cloned or compared:
///
/// ```compile_fail,E0277
/// fn print<T: std::fmt::Debug>() {}
/// print::<cholla_seal::KeyMaterial>();
/// ```
pub struct KeyMaterial(Box<Zeroizing<[u8; Self::LENGTH]>>);

impl KeyMaterial {
    /// Bytes of a key.
    pub const LENGTH: usize = 32;

    /// Copies a key out of `bytes`, which stay the caller's to wipe. `None` unless there are exactly [`LENGTH`](Self::LENGTH).
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::zero();
        (bytes.len() == Self::LENGTH).then(|| {
            key.0.copy_from_slice(bytes);
            key
        })
    }

    /// The key itself.
    pub fn expose_bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }

    /// A key that `fill` writes where it will stay.
    pub(crate) fn filled<E>(fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = Self::zero();
        fill(key.0.as_mut_slice())?;
        Ok(key)
    }

    fn zero() -> Self {
        Self(Box::new(Zeroizing::new([0; Self::LENGTH])))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_32_bytes() {
        for (length, legal) in [(0, false), (31, false), (32, true), (33, false)] {
            let key = KeyMaterial::from_bytes(&vec![7; length]);
            assert_eq!(key.map(|key| *key.expose_bytes()), legal.then_some([7; 32]), "{length}");
        }
    }
}
