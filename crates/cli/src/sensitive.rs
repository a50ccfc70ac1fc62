//! Text that is not shown: payloads and keys between the command line and the connection.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A payload or a key. Wiped when dropped; `Debug` shows nothing of it, and it cannot be printed by accident.
#[derive(Clone)]
pub(crate) struct Sensitive(Zeroizing<String>);

impl Sensitive {
    /// The text itself, for the request or for the terminal of whoever asked for it.
    pub(crate) fn expose_secret(&self) -> &str {
        &self.0
    }

    /// Whether it is `text`, which is no secret.
    pub(crate) fn is(&self, text: &str) -> bool {
        *self.0 == text
    }

    /// Without white space around it.
    pub(crate) fn trimmed(&self) -> Self {
        self.0.trim().into()
    }
}

impl From<String> for Sensitive {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Sensitive {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(****)")
    }
}

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing_of_it() {
        assert_eq!(format!("{:?}", Sensitive::from("sk_test_123")), "Sensitive(****)");
    }
}
