//! Randomness for ids and versions.

use cholla_domain::id::Entropy;
use rand::Rng;

/// The thread-local CSPRNG, seeded by the operating system. Keys and nonces do not come from here.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}
