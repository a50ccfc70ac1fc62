//! Signatures, verified the way a backend verifies them.

use std::fmt::Write as _;
use std::ops::RangeInclusive;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Session;
use super::report::{show, show_mismatch};
use crate::exchange::Answer;
use crate::pattern::{Captures, fit, squeeze};
use crate::vector::Signed;

impl Session<'_> {
    /// Verifies the signature that an answer is (contract 8.2), of `text`.
    pub(super) fn signature(&self, text: &[u8], answer: &Answer, now: &RangeInclusive<i64>) -> Result<(), String> {
        let pattern = br#"{"signature":"t=[now:t],v1=[hex:v1]"}"#;
        let (actual, mut caught) = (squeeze(&answer.body), Captures::new());
        fit(pattern, &actual, now, &mut caught)
            .map_err(|at| format!("body:\n{}", show_mismatch(pattern, &actual, at)))?;
        let secret = self.world.variable("signing_secret").ok_or("the world has no signing secret")?;
        verify(secret.as_bytes(), &caught["t"], text, &caught["v1"])
    }

    /// Verifies a signature that earlier answers held (contract 15.13).
    pub(super) fn signed(&self, signed: &Signed) -> Result<(), String> {
        let value = |name: &str| self.expand(&format!("{{{{{name}}}}}"), 1);
        let (secret, time) = (value(&signed.secret)?, value(&signed.time)?);
        verify(&secret, &time, &self.expand(&signed.text, 1)?, &value(&signed.signature)?)
    }
}

/// HMAC-SHA-256 of `<time>.<text>`, in hexadecimal digits.
fn verify(secret: &[u8], time: &[u8], text: &[u8], signature: &[u8]) -> Result<(), String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).map_err(|error| error.to_string())?;
    mac.update(time);
    mac.update(b".");
    mac.update(text);
    let mut expected = String::new();
    for byte in mac.finalize().into_bytes() {
        let _ = write!(expected, "{byte:02x}");
    }
    if expected.as_bytes() == signature {
        return Ok(());
    }
    Err(format!("the signature does not verify over {}", show(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with OpenSSL: `printf '7.{}' | openssl dgst -sha256 -hmac absec_x`.
    const REFERENCE: &[u8; 64] = b"872e11db150e360d8665bb304041ee57587ef0def88b051d7cf47dea223a8371";

    #[test]
    fn signatures_are_of_time_and_text() {
        for (secret, time, text, fits) in [
            (b"absec_x", b"7", b"{}", true),
            (b"absec_y", b"7", b"{}", false),
            (b"absec_x", b"8", b"{}", false),
            (b"absec_x", b"7", b"[]", false),
        ] {
            assert_eq!(verify(secret, time, text, REFERENCE).is_ok(), fits);
        }
    }
}
