//! The `Authorization` header (contract 7.1), and keys as messages may show them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT as BASE64;
use zeroize::Zeroizing;

use crate::error::ApiError;
use crate::text::MASK;

/// Kind and mode, as keys begin with them.
const PREFIXES: [&str; 8] =
    ["sk_test_", "sk_live_", "rk_test_", "rk_live_", "ek_test_", "ek_live_", "pk_test_", "pk_live_"];
/// Characters that a key has at least when the last ones of it may be shown.
const TAIL_SHOWN_FROM_CHARS: usize = 20;
/// How many are shown.
const TAIL_CHARS: usize = 4;

/// A key as a client presented it. Wiped when dropped; `Debug` shows nothing.
pub struct PresentedKey(Zeroizing<Vec<u8>>);

impl PresentedKey {
    /// A key that stands elsewhere than in the header: the `client_secret` of OAuth (contract 15.3).
    pub fn of(key: &[u8]) -> Self {
        Self(Zeroizing::new(key.to_vec()))
    }

    /// The key.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key as text. `None` when it is not UTF-8: then no credential has it.
    pub fn as_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    /// The key as messages and logs may show it.
    pub fn masked(&self) -> MaskedKey {
        MaskedKey::of(&self.0)
    }

    /// Whether it begins with `pk_`: such a key is refused, known or not (contract 5.9).
    pub fn is_publishable(&self) -> bool {
        self.0.starts_with(b"pk_")
    }
}

impl fmt::Debug for PresentedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PresentedKey({MASK})")
    }
}

/// A key as messages and logs may show it, such as `sk_test_****1234` (contract section 6): the prefix of its kind and mode, `****`, and
/// its last four characters if it has at least 20; without a known prefix just `****`.
///
/// The last characters are left out as well where one of them is not visible ASCII, so that it is safe in a header and in a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaskedKey {
    prefix: &'static str,
    tail: Option<[u8; TAIL_CHARS]>,
}

impl MaskedKey {
    /// Masks `key`.
    pub fn of(key: &[u8]) -> Self {
        let Some(prefix) = PREFIXES.iter().find(|prefix| key.starts_with(prefix.as_bytes())) else {
            return Self { prefix: "", tail: None };
        };
        // Bytes that continue a character do not count.
        let chars = key.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        let tail = key.last_chunk().copied().filter(|tail| tail.iter().all(u8::is_ascii_graphic));
        Self { prefix, tail: tail.filter(|_| chars >= TAIL_SHOWN_FROM_CHARS) }
    }
}

impl fmt::Display for MaskedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.prefix)?;
        f.write_str(MASK)?;
        self.tail.iter().flatten().try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

/// Reads the key out of `Authorization`: `Bearer KEY`, `Basic base64(KEY:)` or `Basic KEY`. The scheme's letter case is ignored.
///
/// # Errors
/// Contract 6.1 when there is no key, or no scheme that carries one.
pub fn presented_key(authorization: Option<&[u8]>) -> Result<PresentedKey, ApiError> {
    let value = authorization.unwrap_or_default().trim_ascii();
    let end = value.iter().position(u8::is_ascii_whitespace).unwrap_or(value.len());
    let (scheme, rest) = value.split_at(end);
    let rest = rest.trim_ascii();
    let key = if scheme.eq_ignore_ascii_case(b"bearer") {
        Zeroizing::new(rest.to_vec())
    } else if scheme.eq_ignore_ascii_case(b"basic") {
        basic(rest)
    } else {
        return Err(ApiError::no_key());
    };
    if key.is_empty() { Err(ApiError::no_key()) } else { Ok(PresentedKey(key)) }
}

/// The user name of encoded credentials; what does not decode to any is a key as it stands (no key's prefix is base64: `_` is not in it).
fn basic(credentials: &[u8]) -> Zeroizing<Vec<u8>> {
    let decoded = BASE64.decode(credentials).map(Zeroizing::new).unwrap_or_default();
    match decoded.iter().position(|byte| *byte == b':') {
        Some(end) => Zeroizing::new(decoded[..end].to_vec()),
        None => Zeroizing::new(credentials.to_vec()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rule_6_1_and_7_1_keys_of_every_form() {
        let encoded = |text: &str| format!("Basic {}", BASE64.encode(text));
        for (header, expected) in [
            ("Bearer sk_test_123", Some("sk_test_123")),
            ("bearer sk_test_123", Some("sk_test_123")),
            ("BEARER   sk_test_123 ", Some("sk_test_123")),
            ("Bearer\tsk_test_123", Some("sk_test_123")),
            (&encoded("sk_test_123:"), Some("sk_test_123")),
            (&encoded("sk_test_123:ignored"), Some("sk_test_123")),
            (encoded("sk_test_1:").trim_end_matches('='), Some("sk_test_1")),
            (&encoded("sk_test_123:").replace("Basic", "bAsIc"), Some("sk_test_123")),
            ("Basic sk_test_123", Some("sk_test_123")),
            ("Basic !!!", Some("!!!")),
            ("", None),
            ("   ", None),
            ("Bearer", None),
            ("Bearer ", None),
            ("Basic", None),
            (&encoded(":"), None),
            (&encoded(":password"), None),
            ("sk_test_123", None),
            ("Token sk_test_123", None),
            ("Bearersk_test_123", None),
        ] {
            let key = presented_key(Some(header.as_bytes()));
            match expected {
                Some(expected) => assert_eq!(key.unwrap().as_str(), Some(expected), "{header}"),
                None => assert_eq!(key.unwrap_err().status(), 401, "{header}"),
            }
        }
        assert_eq!(presented_key(None).unwrap_err().status(), 401);
    }

    #[test]
    fn section_6_masked_keys_have_one_form() {
        for (key, expected) in [
            ("sk_test_abcdefgh1234", "sk_test_****1234"),
            ("sk_test_abcdefg1234", "sk_test_****"),
            ("rk_live_abcdefgh1234", "rk_live_****1234"),
            ("ek_test_abcdefgh1234", "ek_test_****1234"),
            ("pk_live_abcdefgh1234", "pk_live_****1234"),
            ("sk_test_", "sk_test_****"),
            ("sk_prod_abcdefgh1234", "****"),
            ("whatever-this-is-it-is-long", "****"),
            ("", "****"),
            ("sk_test_abcdefgh12\n34", "sk_test_****"),
            ("sk_test_abcdefghijkl🌵", "sk_test_****"),
            ("sk_test_🌵🌵🌵1234", "sk_test_****"),
        ] {
            assert_eq!(MaskedKey::of(key.as_bytes()).to_string(), expected, "{key}");
        }
        assert_eq!(MaskedKey::of(b"sk_test_abcdefgh\xff\xfe\xfd\xfc").to_string(), "sk_test_****");
    }

    #[test]
    fn rule_5_9_publishable_keys() {
        for (header, expected) in [("Bearer pk_test_1", true), ("Bearer pk_", true), ("Bearer sk_test_pk_", false)] {
            assert_eq!(presented_key(Some(header.as_bytes())).unwrap().is_publishable(), expected, "{header}");
        }
    }

    #[test]
    fn debug_shows_nothing_of_a_key() {
        let key = presented_key(Some(b"Bearer sk_test_123")).unwrap();
        assert_eq!(format!("{key:?}"), "PresentedKey(****)");
    }

    proptest! {
        #[test]
        fn no_header_makes_the_key_or_its_mask_unprintable(header in any::<Vec<u8>>()) {
            let header = [b"Bearer sk_test_".as_slice(), &header].concat();
            let masked = presented_key(Some(&header)).unwrap().masked().to_string();
            prop_assert!(masked.bytes().all(|byte| byte.is_ascii_graphic()));
        }

        #[test]
        fn any_basic_credentials_are_read_or_refused(credentials in any::<Vec<u8>>()) {
            let header = [b"Basic ".as_slice(), &credentials].concat();
            match presented_key(Some(&header)) {
                Ok(key) => prop_assert!(!key.as_bytes().is_empty()),
                Err(error) => prop_assert_eq!(error.status(), 401),
            }
        }
    }
}
