//! Measures and excerpts of text. Lengths are counted in characters (contract 3.5).

use std::borrow::Cow;

use cholla_domain::limits::{STRING_CHARS_MAX, TEXT_SHOWN_CHARS_MAX, UNKNOWN_PARAMETER_CHARS_MAX};

/// What stands for text that may not be shown.
pub(crate) const MASK: &str = "****";

/// Whether `text` has more than [`STRING_CHARS_MAX`] characters.
pub(crate) fn is_too_long(text: &str) -> bool {
    text.len() > STRING_CHARS_MAX && text.chars().count() > STRING_CHARS_MAX
}

/// `text`, or its first `max` characters and an ellipsis.
pub(crate) fn shortened(text: &str, max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(max) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// `text` as a message may show it where no rule gives a limit of its own.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    shortened(text, TEXT_SHOWN_CHARS_MAX)
}

/// The first four and the last four characters of `text` (contract 6.9), which is longer than eight.
pub(crate) fn ends(text: &str) -> String {
    let head = text.char_indices().nth(4).map_or(text, |(end, _)| &text[..end]);
    let tail = text.char_indices().rev().nth(3).map_or(text, |(start, _)| &text[start..]);
    format!("{head}...{tail}")
}

/// A parameter's name as a message may show it: 1 to 64 of `A-Za-z0-9_.-[]`, else the mask (contract 6.5): it may be a misplaced secret.
pub(crate) fn shown_name(name: &str) -> &str {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-[]".contains(&byte);
    if (1..=UNKNOWN_PARAMETER_CHARS_MAX).contains(&name.len()) && name.bytes().all(plain) { name } else { MASK }
}

/// Bytes of `text` when percent-encoded: three for all but `A-Za-z0-9-._~` (contract 3.9).
pub(crate) fn percent_encoded_len(text: &str) -> usize {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { 1 } else { 3 }).sum()
}

/// `text` as an integer: an optional `-` and decimal digits, nothing else. One beyond 64 bits is the nearest that fits.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let nearest = if digits.len() == text.len() { i64::MAX } else { i64::MIN };
    Some(text.parse().unwrap_or(nearest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_6_13_integers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("007", Some(7)),
            ("-15", Some(-15)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", Some(i64::MAX)),
            ("-9223372036854775809", Some(i64::MIN)),
            ("99999999999999999999999999999999", Some(i64::MAX)),
            ("", None),
            ("-", None),
            ("--1", None),
            ("+5", None),
            (" 5", None),
            ("5 ", None),
            ("1.0", None),
            ("1e3", None),
            ("0x10", None),
            ("1_000", None),
            ("٣", None),
            ("null", None),
        ] {
            assert_eq!(integer(text), expected, "{text:?}");
        }
    }

    #[test]
    fn rule_6_5_names_that_may_be_shown() {
        for (name, shown) in [
            ("foo", "foo"),
            ("scope[foo]", "scope[foo]"),
            ("a.b-c_D9", "a.b-c_D9"),
            ("", "****"),
            ("a b", "****"),
            ("naïve", "****"),
            ("{\"key\":1}", "****"),
        ] {
            assert_eq!(shown_name(name), shown, "{name:?}");
        }
        assert_eq!(shown_name(&"a".repeat(64)), "a".repeat(64));
        assert_eq!(shown_name(&"a".repeat(65)), "****");
    }

    #[test]
    fn rule_6_9_ends_are_characters() {
        assert_eq!(ends("abcdefghijkl"), "abcd...ijkl");
        assert_eq!(ends("🌵äöüabcß🌵🌵🌵"), "🌵äöü...ß🌵🌵🌵");
    }

    #[test]
    fn rule_3_9_percent_encoded_lengths() {
        for (text, expected) in [("aZ09-._~", 8), (" ", 3), ("*", 3), ("ä", 6), ("🌵", 12), ("a/b", 5)] {
            assert_eq!(percent_encoded_len(text), expected, "{text:?}");
        }
    }

    #[test]
    fn shortened_text_ends_with_an_ellipsis() {
        for (text, expected) in [("", ""), ("abc", "abc"), ("abcd", "abc..."), ("äöü", "äöü"), ("äöüß", "äöü...")]
        {
            assert_eq!(shortened(text, 3), expected);
        }
    }
}
