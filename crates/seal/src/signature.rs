//! Signatures with a secret that both sides know, as `Stripe-Signature` carries them (contract 8.2, 15.13 and 17.5).

use crate::hex;
use crate::mac::{Mac, MacKey};

/// Signs `<timestamp>.<text>`: HMAC-SHA-256 in lowercase hexadecimal, what stands behind `v1=`. `key` is the whole secret, prefix included:
/// an app's signing secret (`absec_…`) or a webhook endpoint's (`whsec_…`).
pub fn sign_payload(key: &[u8], timestamp: i64, text: &[u8]) -> String {
    let hash: [u8; Mac::LENGTH] = MacKey::new(key).hash(|mac| {
        mac.fixed(timestamp.to_string().as_bytes());
        mac.fixed(b".");
        mac.fixed(text);
    });
    let mut signature = String::with_capacity(2 * Mac::LENGTH);
    hex::push(&mut signature, &hash);
    signature
}
