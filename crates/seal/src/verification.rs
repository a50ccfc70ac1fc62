//! Public keys of others, for signatures of theirs. Each is of one algorithm, fixed when it is read: a signature cannot choose another.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
};

/// Bits of an RSA modulus, least and most.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2_048..=8_192;
/// Bytes of an RSA exponent. Larger ones only make verifying slow.
const RSA_EXPONENT_BYTES: usize = 4;

/// A public key that verifies signatures of one algorithm.
pub struct VerificationKey(ParsedPublicKey);

impl VerificationKey {
    /// A key of ES256: the point (`x`, `y`) of P-256, ECDSA over SHA-256, signatures of 64 bytes (RFC 7518, section 3.4). `None` when the
    /// point is not on the curve.
    pub fn es256(x: &[u8; 32], y: &[u8; 32]) -> Option<Self> {
        let point = [&[0x04], x.as_slice(), y].concat();
        ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).ok().map(Self)
    }

    /// A key of `EdDSA` with Ed25519 (RFC 8037). An `x` that encodes no point is taken, and verifies nothing.
    pub fn ed25519(x: &[u8; 32]) -> Option<Self> {
        ParsedPublicKey::new(&ED25519, x).ok().map(Self)
    }

    /// A key of RS256: RSASSA-PKCS1-v1_5 over SHA-256 (RFC 7518, section 3.3), numbers with the most significant byte first. `None` unless
    /// `n` has 2,048 to 8,192 bits, `e` is odd, at least 3 and at most four bytes long, and neither begins with a zero byte.
    pub fn rs256(n: &[u8], e: &[u8]) -> Option<Self> {
        let bits = 8 * n.len() - usize::try_from(n.first()?.leading_zeros()).ok()?;
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        let legal_exponent = e.len() <= RSA_EXPONENT_BYTES && is_odd(e) && e != [1];
        if n.starts_with(&[0]) || !RSA_BITS.contains(&bits) || !is_odd(n) || !legal_exponent {
            return None;
        }
        RsaPublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256).ok().map(Self)
    }

    /// Whether `signature` is this key's over `message`.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verify_sig(message, signature).is_ok()
    }
}
