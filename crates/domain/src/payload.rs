//! The payload in clear, and the sealed record that hides it.

use std::fmt;

use zeroize::Zeroizing;

use crate::card_number;
use crate::name::is_legal;

/// A payload in clear. Wiped when dropped; cannot be cloned, compared, printed or serialized.
///
/// [`expose_secret`](Self::expose_secret) is called only to hand the payload to the namespace's cipher and to render a response (law 6).
pub struct Plaintext(Zeroizing<String>);

impl Plaintext {
    /// Takes `text` as a payload. `None` when it is empty, too long or holds NUL; the text is wiped then, too.
    pub fn new(text: String) -> Option<Self> {
        let text = Zeroizing::new(text);
        is_legal(&text).then_some(Self(text))
    }

    /// Whether a card number stands in it, as a server with a payload guard asks before it stores anything.
    pub fn holds_card_number(&self) -> bool {
        card_number::stands_in(&self.0)
    }

    /// How many bytes it has, for whoever takes stock.
    pub fn byte_length(&self) -> usize {
        self.0.len()
    }

    /// The payload itself. Every caller is on the list in `testkit/tests/laws.rs`.
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Plaintext(****)")
    }
}

/// A sealed record: name, user and payload under the namespace's key. The only form in which a payload is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// Asserts that `bytes` are a sealed record. Only `seal` (which made them) and the rows of a store (which kept them) may say so.
    pub fn assertion(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes, as they are stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
