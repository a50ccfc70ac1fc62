//! The name of a secret.

use std::fmt;

use crate::limits::STRING_CHARS_MAX;

/// A secret's name: 1 to [`STRING_CHARS_MAX`] characters, any Unicode but NUL, compared byte by byte (contract 3.7).
///
/// Names are kept out of logs like payloads are: `Debug` shows nothing of them.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretName(String);

impl SecretName {
    /// Takes `text` as a name. `None` when it is empty, too long or holds NUL.
    pub fn new(text: String) -> Option<Self> {
        is_legal(&text).then_some(Self(text))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretName(****)")
    }
}

/// Whether `text` may be a name, a payload or a user id: not empty, no NUL, within [`STRING_CHARS_MAX`] characters.
pub fn is_legal(text: &str) -> bool {
    let within = text.len() <= STRING_CHARS_MAX || text.chars().count() <= STRING_CHARS_MAX;
    !text.is_empty() && within && !text.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_3_5_lengths_count_characters_not_bytes() {
        for (text, legal) in [
            (String::new(), false),
            ("a".to_owned(), true),
            ("null".to_owned(), true),
            ("a\0b".to_owned(), false),
            ("a".repeat(5_000), true),
            ("a".repeat(5_001), false),
            ("🌵".repeat(5_000), true),
            ("🌵".repeat(5_001), false),
        ] {
            assert_eq!(SecretName::new(text.clone()).is_some(), legal, "{} bytes", text.len());
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_name() {
        let name = SecretName::new("stripe-key-of-foo".to_owned()).unwrap();
        assert_eq!(format!("{name:?}"), "SecretName(****)");
    }
}
