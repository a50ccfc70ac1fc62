//! Receipts of erasures, verified by anybody who has the public keys of the server that signed them.

use cholla_seal::VerificationKey;
use cholla_wire::jose::{JwkError, JwkSet, JwtError, PublicKey, TokenType};
use thiserror::Error;

/// Why a receipt is not believed. It shows nothing of the receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    /// The keys are none.
    #[error(transparent)]
    Keys(#[from] JwkError),
    /// It is not a receipt, or none that one of the keys has signed.
    #[error("the receipt is not to be believed: {0}")]
    Receipt(#[from] JwtError),
    /// What was signed is no text.
    #[error("the receipt is signed, and what it says is not UTF-8")]
    Text,
}

/// Verifies `receipt`, a compact JWS, with the keys of `jwks`, a JWK set, and answers what it says: JSON.
///
/// # Errors
/// When the keys are none, or the receipt is not one that they have signed.
pub fn verify_receipt(receipt: &str, jwks: &str) -> Result<String, ReceiptError> {
    let prepare = |key| match key {
        PublicKey::Es256 { x, y } => VerificationKey::es256(&x, &y),
        PublicKey::Ed25519 { x } => VerificationKey::ed25519(&x),
        PublicKey::Rs256 { n, e } => VerificationKey::rs256(&n, &e),
    };
    let keys = JwkSet::parse(jwks, prepare)?;
    let said = keys.verify(receipt.trim(), TokenType::Receipt, VerificationKey::verify)?;
    String::from_utf8(said).map_err(|_| ReceiptError::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of RFC 8037, appendix A.2.
    const KEYS: &str =
        r#"{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    /// Another one: that of a platform's ES256.
    const OTHERS: &str = r#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU","y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}"#;
    /// `{"erasure":"er_1","secrets":3}`, signed as a receipt.
    const RECEIPT: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIiwidHlwIjoiY2hvbGxhLXJlY2VpcHQrandzIn0.eyJlcmFzdXJlIjoiZXJfMSIsInNlY3JldHMiOjN9.oD0koELqN8J87GB5FpKh8FbpxG_wjAWGeni5xtQ2g7TvX4t2O8r-hHElSF8Of1mjsIDQcCb434lSHvc-LMdfAw";
    /// The same, signed by the same key as a JWT.
    const TOKEN: &str = "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIiwidHlwIjoiSldUIn0.eyJlcmFzdXJlIjoiZXJfMSIsInNlY3JldHMiOjN9.9MfNPReIqcuRHclm26yPyPYP9Fdgv_zg9xgSMZfDzraqt-x2bUMVss3Y2hhqPj9XLcH3UtRD7v_yf3t2gAVRCw";

    #[test]
    fn only_what_the_keys_have_signed_as_a_receipt_is_believed() {
        let newline = format!("{RECEIPT}\n");
        let said = r#"{"erasure":"er_1","secrets":3}"#.to_owned();
        // Another number of secrets, under the same signature.
        let changed = RECEIPT.replace("OjN9.", "OjR9.");
        for (receipt, keys, expected) in [
            (RECEIPT, KEYS, Ok(said.clone())),
            (&newline, KEYS, Ok(said)),
            (&changed, KEYS, Err(ReceiptError::Receipt(JwtError::BadSignature))),
            (TOKEN, KEYS, Err(ReceiptError::Receipt(JwtError::Malformed))),
            ("no receipt", KEYS, Err(ReceiptError::Receipt(JwtError::Malformed))),
            (RECEIPT, OTHERS, Err(ReceiptError::Receipt(JwtError::UnsupportedAlgorithm))),
            (RECEIPT, &KEYS.replace("k1", "k2"), Err(ReceiptError::Receipt(JwtError::UnknownKey))),
            (RECEIPT, "{}", Err(ReceiptError::Keys(JwkError::Format))),
        ] {
            assert_eq!(verify_receipt(receipt, keys), expected);
        }
    }
}
