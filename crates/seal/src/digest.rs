//! What is hashed without a key, and compared without telling where it differs.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cholla_domain::ports::WrappedKey;

use crate::hex;

/// Bytes of a wrapped key's hash that name it.
const KEY_ID_LENGTH: usize = 16;

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

/// The code challenge of a verifier (contract 15.10): BASE64URL(SHA256(`verifier`)) without padding, 43 characters. Compare it with
/// [`is_same_text`].
pub fn code_challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256(verifier.as_bytes()))
}

/// Whether two texts are the same, in a time that depends on their lengths only.
pub fn is_same_text(left: &str, right: &str) -> bool {
    verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}

/// Names a wrapped key without telling anything of it: the first 16 bytes of its SHA-256 in lowercase hexadecimal. By this a receipt says
/// which key was destroyed; whoever has an old copy of the store can find the row that it means.
pub fn key_id(wrapped: &WrappedKey) -> String {
    let mut id = String::with_capacity(2 * KEY_ID_LENGTH);
    hex::push(&mut id, &sha256(&wrapped.0)[..KEY_ID_LENGTH]);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_15_10_code_challenges() {
        for (verifier, expected) in [
            // RFC 7636, appendix B.
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
            ("", "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"),
        ] {
            assert_eq!(code_challenge(verifier), expected, "{verifier}");
        }
    }

    #[test]
    fn rule_15_10_texts_are_compared_whole() {
        for (left, right, expected) in [
            ("", "", true),
            ("abc", "abc", true),
            ("abc", "abd", false),
            ("abc", "xbc", false),
            ("abc", "ab", false),
            ("abc", "ABC", false),
            ("", "a", false),
        ] {
            assert_eq!(is_same_text(left, right), expected, "{left} {right}");
        }
    }

    #[test]
    fn a_wrapped_key_is_named_by_the_head_of_its_hash() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(key_id(&WrappedKey(b"abc".to_vec())), "ba7816bf8f01cfea414140de5dae2223");
    }
}
