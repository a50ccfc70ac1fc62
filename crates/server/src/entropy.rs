//! Randomness for ids and versions, for tokens, and for the names of files.

use cholla_domain::id::{Entropy, alphanumerics};
use rand::Rng;
use zeroize::Zeroizing;

/// The thread-local CSPRNG, seeded by the operating system. Keys and nonces do not come from here.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        rand::rng().fill_bytes(buffer);
    }
}

/// A new text of `length` letters and digits, 5.95 bits each.
pub(crate) fn draw_alphanumerics(length: usize) -> Zeroizing<String> {
    let mut random = Zeroizing::new(vec![0; 2 * length]);
    SystemEntropy.fill(&mut random);
    let mut text = Zeroizing::new(String::with_capacity(length));
    text.extend(alphanumerics(&random));
    text
}
