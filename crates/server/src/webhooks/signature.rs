//! The header that proves where a webhook comes from (contract 17.5).

use cholla_domain::time::Timestamp;
use http::HeaderValue;
use zeroize::Zeroizing;

/// `Stripe-Signature` for `body` sent at `at`: `t=<unix>,v1=<hex>`, and one `v1` more for each further secret. While a secret is being
/// rolled there are two, and a receiver that knows either is satisfied.
pub(crate) fn header(secrets: &[Zeroizing<String>], at: Timestamp, body: &[u8]) -> HeaderValue {
    let mut text = format!("t={}", at.as_unix());
    for secret in secrets {
        text.push_str(",v1=");
        text.push_str(&cholla_seal::sign_payload(secret.as_bytes(), at.as_unix(), body));
    }
    HeaderValue::from_str(&text).expect("digits, hexadecimal digits and punctuation are legal in a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected hashes are those of `openssl dgst -sha256 -hmac SECRET` over `1956528000.{"id":"evt_1"}`.
    #[test]
    fn rule_17_5_a_signature_for_each_secret() {
        const NEW: &str = "ef262afdbcefd76c6b957d0f74231e716e173acdcf2372a100ed420ec23a106a";
        const OLD: &str = "671f2ac6e0f2c75a6384467127ca6af8e93e3341641547740d1cbc14c0a6d4c9";
        for (secrets, expected) in [
            (&["whsec_new"][..], format!("t=1956528000,v1={NEW}")),
            (&["whsec_new", "whsec_old"], format!("t=1956528000,v1={NEW},v1={OLD}")),
        ] {
            let secrets: Vec<_> = secrets.iter().map(|secret| Zeroizing::new((*secret).to_owned())).collect();
            let header = header(&secrets, Timestamp::from_unix(1_956_528_000), br#"{"id":"evt_1"}"#);
            assert_eq!(header.to_str().unwrap(), expected);
        }
    }
}
