//! A hasher for what is a keyed hash already.

use std::hash::{BuildHasherDefault, Hasher};

/// Hashes a keyed hash to eight of its bytes. Nobody without the key chooses what is kept under it, so nobody makes entries collide.
#[derive(Clone, Copy, Default)]
pub(super) struct KeyedAlready(u64);

/// What a map with such keys takes.
pub(super) type BuildKeyedAlready = BuildHasherDefault<KeyedAlready>;

impl Hasher for KeyedAlready {
    fn write(&mut self, bytes: &[u8]) {
        if let Some((first, _)) = bytes.split_first_chunk() {
            self.0 ^= u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {
        // The length that an array is hashed with says nothing: it is always the same.
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
