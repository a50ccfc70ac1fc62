//! The signature that a UI extension hands to its backend (contract 8.2).

use cholla_domain::directory::SigningSecret;

use crate::hex;
use crate::mac::{Mac, MacKey};

/// Signs `<timestamp>.<text>` with the app's whole signing secret: HMAC-SHA-256 in lowercase hexadecimal, what stands behind `v1=`.
pub fn sign_payload(secret: &SigningSecret, timestamp: i64, text: &str) -> String {
    let hash: [u8; Mac::LENGTH] = MacKey::new(secret.as_key()).hash(|mac| {
        mac.fixed(timestamp.to_string().as_bytes());
        mac.fixed(b".");
        mac.fixed(text.as_bytes());
    });
    let mut signature = String::with_capacity(2 * Mac::LENGTH);
    hex::push(&mut signature, &hash);
    signature
}
