//! Tokens are signed here by the library that verifies them in earnest; the published examples come from the standards.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair, Ed25519KeyPair, KeyPair,
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents, UnparsedPublicKey,
};
use cholla_domain::id::{AccountId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::time::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A platform with a key of each kind.
struct Platform {
    es256: EcdsaKeyPair,
    ed25519: Ed25519KeyPair,
    rs256: RsaKeyPair,
}

static PLATFORM: LazyLock<Platform> = LazyLock::new(|| Platform {
    es256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("there is randomness"),
    ed25519: Ed25519KeyPair::generate().expect("there is randomness"),
    rs256: RsaKeyPair::generate(KeySize::Rsa2048).expect("there is randomness"),
});

impl Platform {
    fn sign(&self, alg: &str, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match alg {
            "ES256" => self.es256.sign(&random, message).expect("there is randomness").as_ref().to_vec(),
            "EdDSA" => self.ed25519.sign(message).as_ref().to_vec(),
            "RS256" => {
                let mut signature = vec![0; self.rs256.public_modulus_len()];
                self.rs256.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("there is randomness");
                signature
            }
            _ => panic!("no key of {alg}"),
        }
    }

    fn jwk(&self, alg: &str) -> Value {
        let jwk = match alg {
            "ES256" => {
                let (x, y) = self.es256.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encoded(x), "y": encoded(y) })
            }
            "EdDSA" => json!({ "kty": "OKP", "crv": "Ed25519", "x": encoded(self.ed25519.public_key().as_ref()) }),
            _ => {
                // RFC 8017: a sequence of two integers; the exponent is 65537, the modulus has a byte for its sign.
                let der = self.rs256.public_key().as_ref();
                let (n, e) = (&der[der.len() - 5 - 256..der.len() - 5], &der[der.len() - 3..]);
                json!({ "kty": "RSA", "n": encoded(n), "e": encoded(e) })
            }
        };
        with(jwk, &json!({ "kid": alg }))
    }

    /// A token of this header and payload, signed with the key of `alg`, whatever the header says.
    fn token(&self, alg: &str, header: &str, payload: &[u8]) -> String {
        let message = format!("{}.{}", encoded(header.as_bytes()), encoded(payload));
        format!("{message}.{}", encoded(&self.sign(alg, message.as_bytes())))
    }
}

/// `object` with the members of `more`, in the place of its own; null removes.
fn with(mut object: Value, more: &Value) -> Value {
    let members = object.as_object_mut().expect("an object");
    for (name, value) in more.as_object().expect("an object") {
        if value.is_null() {
            members.remove(name)
        } else {
            members.insert(name.clone(), value.clone())
        };
    }
    object
}

fn set(keys: &[Value]) -> JwkSet<PublicKey> {
    match JwkSet::parse(&json!({ "keys": keys }).to_string(), Some) {
        Ok(set) => set,
        Err(error) => panic!("{error}"),
    }
}

fn all_keys() -> JwkSet<PublicKey> {
    set(&["ES256", "EdDSA", "RS256"].map(|alg| PLATFORM.jwk(alg)))
}

fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    let verified = match key {
        PublicKey::Es256 { x, y } => {
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, [&[4], &x[..], y].concat()).verify(message, signature)
        }
        PublicKey::Ed25519 { x } => UnparsedPublicKey::new(&ED25519, x).verify(message, signature),
        PublicKey::Rs256 { n, e } => {
            RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
        }
    };
    verified.is_ok()
}

fn verified(set: &JwkSet<PublicKey>, token: &str) -> Result<Vec<u8>, JwtError> {
    set.verify(token, TokenType::Jwt, verify)
}

fn check(set: &JwkSet<PublicKey>, token: &str, expected: Result<&[u8], JwtError>) {
    assert_eq!(verified(set, token), expected.map(<[u8]>::to_vec), "{token}");
}

#[test]
fn a_token_of_each_algorithm_verifies_under_its_key() {
    for alg in ["ES256", "EdDSA", "RS256"] {
        let alone = set(&[PLATFORM.jwk(alg)]);
        let nameless = set(&[with(PLATFORM.jwk(alg), &json!({ "kid": null, "alg": alg, "use": "sig" }))]);
        for (header, of_all, of_one, of_nameless) in [
            (json!({ "alg": alg, "kid": alg }), Ok(()), Ok(()), Ok(())),
            (json!({ "typ": "JWT", "alg": alg, "kid": alg }), Ok(()), Ok(()), Ok(())),
            (json!({ "typ": "jwt", "alg": alg, "kid": alg, "jku": "https://elsewhere" }), Ok(()), Ok(()), Ok(())),
            (json!({ "alg": alg }), Err(JwtError::UnknownKey), Ok(()), Ok(())),
            (json!({ "alg": alg, "kid": "other" }), Err(JwtError::UnknownKey), Err(JwtError::UnknownKey), Ok(())),
            (json!({ "alg": alg, "kid": "" }), Err(JwtError::UnknownKey), Err(JwtError::UnknownKey), Ok(())),
        ] {
            let token = PLATFORM.token(alg, &header.to_string(), b"{\"a\":1}");
            for (set, expected) in [(&all_keys(), of_all), (&alone, of_one), (&nameless, of_nameless)] {
                check(set, &token, expected.map(|()| &b"{\"a\":1}"[..]));
            }
        }
    }
}

#[test]
fn the_examples_of_the_standards_verify() {
    // RFC 8037, appendix A.4; its payload is no JSON, which is the claims' affair.
    let ed25519 = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    check(
        &set(&[ed25519]),
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        Ok(b"Example of Ed25519 signing"),
    );
    // RFC 7515, appendix A.3.
    let es256 = json!({
        "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    });
    check(
        &set(&[es256]),
        "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        Ok(b"{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"),
    );
}

/// The key fixes the algorithm: what the header says can only be refused.
#[test]
fn the_header_never_chooses_the_algorithm() {
    let set = all_keys();
    let unsupported = Err(JwtError::UnsupportedAlgorithm);
    for alg in ["ES256", "EdDSA", "RS256"] {
        for named in ["ES256", "EdDSA", "RS256"].into_iter().filter(|named| *named != alg) {
            check(&set, &PLATFORM.token(alg, &json!({ "alg": named, "kid": alg }).to_string(), b"{}"), unsupported);
            let other_key = PLATFORM.token(alg, &json!({ "alg": named, "kid": named }).to_string(), b"{}");
            check(&set, &other_key, Err(JwtError::BadSignature));
        }
        for named in ["none", "None", "HS256", "HS512", "RS512", "PS256", "ES384", "ES256K", "es256", "Ed25519", ""] {
            let header = json!({ "alg": named, "kid": alg }).to_string();
            check(&set, &PLATFORM.token(alg, &header, b"{}"), unsupported);
            let unsigned = format!("{}.{}.", encoded(header.as_bytes()), encoded(b"{}"));
            check(&set, &unsigned, unsupported);
        }
    }
}

/// Whoever knows the public key signs with it as if it were a shared secret, in every form in which libraries were fooled.
#[test]
fn a_public_key_is_no_shared_secret() {
    let set = all_keys();
    let jwk = PLATFORM.jwk("RS256");
    let modulus = decoded(jwk["n"].as_str().unwrap(), 1_000).unwrap();
    let der = PLATFORM.rs256.public_key().as_ref();
    for secret in [der, &modulus, jwk.to_string().as_bytes(), jwk["n"].as_str().unwrap().as_bytes()] {
        for (alg, expected) in [("HS256", JwtError::UnsupportedAlgorithm), ("RS256", JwtError::BadSignature)] {
            let header = json!({ "alg": alg, "kid": "RS256" }).to_string();
            let message = format!("{}.{}", encoded(header.as_bytes()), encoded(b"{}"));
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
            check(&set, &format!("{message}.{}", encoded(tag.as_ref())), Err(expected));
        }
    }
}

#[test]
fn what_is_no_token_is_malformed() {
    let set = all_keys();
    let good = PLATFORM.token("EdDSA", r#"{"alg":"EdDSA","kid":"EdDSA"}"#, b"{}");
    let parts: Vec<_> = good.split('.').collect();
    let (header, payload, signature) = (parts[0], parts[1], parts[2]);
    let signed = |header: &str| PLATFORM.token("EdDSA", header, b"{}");
    let long_header = |length: usize| {
        let rest = "x".repeat(length);
        signed(&format!(r#"{{"alg":"EdDSA","kid":"EdDSA","x":"{rest}"}}"#))
    };
    check(&set, &good, Ok(b"{}"));
    check(&set, &long_header(1_400), Ok(b"{}"));
    for token in [
        "",
        ".",
        "..",
        "...",
        "sk_test_123",
        header,
        &format!("{header}.{payload}"),
        &format!("{header}..{signature}."),
        &format!("{good}."),
        &format!(".{good}"),
        &format!("{good}.{signature}"),
        &format!("{good} "),
        &format!(" {good}"),
        &format!("{good}\n"),
        &format!("{good}="),
        &format!("{header}=.{payload}.{signature}"),
        &format!("{header}.{payload}=.{signature}"),
        &format!("{header}.{payload}.{signature}=="),
        &format!("{header}.e+/9.{signature}"),
        // "{}" is `e30`: the two bits behind it are zero in one encoding only.
        &format!("{header}.e31.{signature}"),
        &format!("{header}.e.{signature}"),
        &signed(""),
        &signed("null"),
        &signed("{}"),
        &signed(r#"["EdDSA","EdDSA"]"#),
        &signed(r#"{"kid":"EdDSA"}"#),
        &signed(r#"{"alg":null,"kid":"EdDSA"}"#),
        &signed(r#"{"alg":["EdDSA"],"kid":"EdDSA"}"#),
        &signed(r#"{"alg":"EdDSA","kid":1}"#),
        &signed(r#"{"alg":"none","kid":"EdDSA","alg":"EdDSA"}"#),
        &signed(r#"{"alg":"EdDSA","kid":"x","kid":"EdDSA"}"#),
        &signed(r#"{"alg":"EdDSA","kid":"EdDSA"}}"#),
        &signed(r#"{"alg":"EdDSA","kid":"EdDSA","crit":["b64"],"b64":false}"#),
        &signed(r#"{"alg":"EdDSA","kid":"EdDSA","crit":[]}"#),
        &signed(r#"{"alg":"EdDSA","kid":"EdDSA","crit":null}"#),
        &signed(r#"{"alg":"EdDSA","kid":"EdDSA","typ":"at+jwt"}"#),
        &signed(r#"{"alg":"EdDSA","kid":"EdDSA","typ":"cholla-receipt+jws"}"#),
        &long_header(1_600),
        &PLATFORM.token("EdDSA", r#"{"alg":"EdDSA","kid":"EdDSA"}"#, &[b'x'; 12_289]),
        &format!("{header}.{payload}.{}", "A".repeat(1_367)),
    ] {
        check(&set, token, Err(JwtError::Malformed));
    }
    let largest = [b'x'; 12_288];
    check(&set, &PLATFORM.token("EdDSA", r#"{"alg":"EdDSA","kid":"EdDSA"}"#, &largest), Ok(&largest));
    check(&set, &format!("{header}.{payload}."), Err(JwtError::BadSignature));
}

proptest! {
    #[test]
    fn any_changed_character_is_refused(alg in prop::sample::select(&["ES256", "EdDSA", "RS256"]), at: prop::sample::Index, other in "[A-Za-z0-9_.-]") {
        let token = PLATFORM.token(alg, &json!({ "alg": alg, "kid": alg }).to_string(), br#"{"sub":"usr_1"}"#);
        let at = at.index(token.len());
        let changed = format!("{}{other}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(verified(&all_keys(), &changed).is_ok(), changed == token);
    }

    #[test]
    fn any_text_is_read_or_refused(text: String, header in r#"\{("(alg|kid|typ|crit)":("[A-Za-z0-9]{0,6}"|null|1),?){0,4}\}"#) {
        let _ = JwkSet::parse(&text, Some);
        prop_assert!(verified(&all_keys(), &text).is_err());
        let token = format!("{}.{}.{}", encoded(header.as_bytes()), encoded(text.as_bytes()), encoded(b"x"));
        prop_assert!(verified(&all_keys(), &token).is_err());
    }
}

fn check_set(text: &str, expected: Result<usize, JwkError>) {
    let parsed = JwkSet::parse(text, |key| match &key {
        // As its maker judges: 2,048 bits at least.
        PublicKey::Rs256 { n, .. } if n.len() < 256 => None,
        _ => Some(key),
    });
    let mut ids = Vec::new();
    let found = parsed.map(|set| {
        ids.extend(["ES256", "EdDSA", "RS256"].into_iter().filter(|id| set.key(Some(id)).is_some()));
        ids.len()
    });
    assert_eq!(found, expected, "{text}");
}

#[test]
fn jwk_sets_are_read_or_refused_with_the_number_of_the_key() {
    let [es256, ed25519, rs256] = ["ES256", "EdDSA", "RS256"].map(|alg| PLATFORM.jwk(alg));
    let p384 = json!({ "kty": "EC", "crv": "P-384", "x": "AA", "y": "AA" });
    let x25519 = json!({ "kty": "OKP", "crv": "X25519", "x": "AA" });
    let unknown = json!({ "kty": "AKP", "alg": "ML-DSA-44", "pub": "AA" });
    let changed = |jwk: &Value, more: Value| with(jwk.clone(), &more);
    let many = |count: usize| vec![unknown.clone(); count - 1].into_iter().chain([es256.clone()]).collect::<Vec<_>>();
    for (keys, expected) in [
        (vec![es256.clone()], Ok(1)),
        (vec![es256.clone(), ed25519.clone(), rs256.clone()], Ok(3)),
        (vec![unknown.clone(), p384.clone(), es256.clone(), x25519.clone(), ed25519.clone()], Ok(2)),
        (vec![changed(&es256, json!({ "use": "enc" })), ed25519.clone()], Ok(1)),
        (vec![changed(&es256, json!({ "key_ops": ["deriveKey"] })), ed25519.clone()], Ok(1)),
        (vec![changed(&es256, json!({ "key_ops": ["verify"], "use": "sig", "alg": "ES256" }))], Ok(1)),
        // What is left out may have any `alg`, no `kid`, and numbers of any size.
        (
            vec![changed(&rs256, json!({ "use": "enc", "alg": "RSA-OAEP", "kid": null, "n": "AQ" })), es256.clone()],
            Ok(1),
        ),
        (many(64), Ok(1)),
        (many(65), Err(JwkError::Format)),
        (vec![], Err(JwkError::Empty)),
        (vec![unknown.clone(), p384.clone(), x25519.clone()], Err(JwkError::Empty)),
        (vec![es256.clone(), changed(&ed25519, json!({ "d": "AA" }))], Err(JwkError::Private(2))),
        (vec![es256.clone(), changed(&ed25519, json!({ "use": "enc", "d": "AA" }))], Err(JwkError::Private(2))),
        (vec![json!({ "kty": "oct", "k": "AA" }), es256.clone()], Err(JwkError::Private(1))),
        (vec![json!({ "kty": "AKP", "d": 7 })], Err(JwkError::Private(1))),
        (vec![changed(&es256, json!({ "alg": "ES384" }))], Err(JwkError::Algorithm(1))),
        (vec![es256.clone(), changed(&rs256, json!({ "alg": "HS256" }))], Err(JwkError::Algorithm(2))),
        (vec![changed(&ed25519, json!({ "alg": "ES256" }))], Err(JwkError::Algorithm(1))),
        (vec![changed(&es256, json!({ "y": null }))], Err(JwkError::Invalid(1))),
        (vec![changed(&es256, json!({ "x": "AAAA" }))], Err(JwkError::Invalid(1))),
        (
            vec![changed(&ed25519, json!({ "x": format!("{}=", ed25519["x"].as_str().unwrap()) }))],
            Err(JwkError::Invalid(1)),
        ),
        (vec![es256.clone(), changed(&rs256, json!({ "n": encoded(&[255; 128]) }))], Err(JwkError::Invalid(2))),
        (vec![changed(&rs256, json!({ "n": "A".repeat(2_049) }))], Err(JwkError::Invalid(1))),
        (vec![changed(&rs256, json!({ "e": null }))], Err(JwkError::Invalid(1))),
        (vec![es256.clone(), p384, changed(&ed25519, json!({ "kid": null }))], Err(JwkError::KeyId(3))),
        (vec![changed(&es256, json!({ "kid": null })), ed25519.clone()], Err(JwkError::KeyId(1))),
        (vec![es256.clone(), changed(&ed25519, json!({ "kid": "ES256" }))], Err(JwkError::KeyId(2))),
    ] {
        check_set(&json!({ "keys": keys, "other": 1 }).to_string(), expected);
    }
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"keys":{}}"#,
        r#"{"keys":[1]}"#,
        r#"{"keys":[{}]}"#,
        r#"{"keys":[{"kty":1}]}"#,
        r#"{"keys":[{"kty":"EC","kty":"EC"}]}"#,
        r#"{"keys":[],"keys":[]}"#,
        &es256.to_string(),
        &json!([[es256]]).to_string(),
        &format!("{} x", json!({ "keys": [es256] })),
    ] {
        check_set(text, Err(JwkError::Format));
    }
}

#[test]
fn messages_show_nothing_of_keys_and_tokens() {
    let private = with(PLATFORM.jwk("EdDSA"), &json!({ "d": "c2VjcmV0" }));
    let error = JwkSet::parse(&json!({ "keys": [private] }).to_string(), Some).err().unwrap();
    assert!(error.to_string().contains("key 1 of the JWK set is private"), "{error}");
    for text in [format!("{error} {error:?}"), format!("{0} {0:?}", JwtError::BadSignature)] {
        assert!(!text.contains("c2VjcmV0") && !text.contains("Ed25519"), "{text}");
    }
}

const NOW: i64 = 1_790_000_000;

fn claims(more: &Value) -> Value {
    let claims = json!({
        "iss": "https://platform.example", "aud": "cholla", "sub": "usr_1", "app": "com.example.app-a",
        "account": "acct_x", "mode": "test", "iat": NOW, "exp": NOW + 600, "jti": "1",
    });
    with(claims, more)
}

fn check_claims(text: &str, expected: Result<(&str, Livemode, i64), ClaimsError>) {
    let now = Timestamp::from_unix(NOW);
    let read = EmbeddedClaims::read(text.as_bytes(), "https://platform.example", "cholla", now);
    let expected = expected.map(|(user, livemode, expires_at)| EmbeddedClaims {
        app: "com.example.app-a".to_owned(),
        account: AccountId::new("acct_x"),
        user: UserId::new(user),
        livemode,
        issued_at: serde_json::from_str::<Value>(text)
            .ok()
            .and_then(|claims| claims["iat"].as_i64())
            .map(Timestamp::from_unix),
        expires_at: Timestamp::from_unix(expires_at),
    });
    assert_eq!(read, expected, "{text}");
}

#[test]
fn rule_5_5_claims_name_app_account_user_and_mode_for_a_short_time() {
    let test = |expires_at| Ok(("usr_1", Livemode::Test, expires_at));
    let long = "🌵".repeat(5_000);
    for (more, expected) in [
        (json!({}), test(NOW + 600)),
        (json!({ "mode": "live" }), Ok(("usr_1", Livemode::Live, NOW + 600))),
        (json!({ "aud": ["elsewhere", "cholla"] }), test(NOW + 600)),
        (json!({ "sub": long }), Ok((&long[..], Livemode::Test, NOW + 600))),
        (json!({ "exp": NOW + 1 }), test(NOW + 1)),
        (json!({ "exp": NOW + 3_600 }), test(NOW + 3_600)),
        (json!({ "exp": NOW + 3_601 }), Err(ClaimsError::Lifetime)),
        (json!({ "iat": NOW - 3_000 }), test(NOW + 600)),
        (json!({ "iat": NOW - 3_001 }), Err(ClaimsError::Lifetime)),
        (json!({ "iat": NOW + 60, "exp": NOW + 3_660 }), test(NOW + 3_660)),
        (json!({ "iat": NOW + 60, "exp": NOW + 3_661 }), Err(ClaimsError::Lifetime)),
        (json!({ "iat": NOW + 61 }), Err(ClaimsError::NotYetValid)),
        (json!({ "iat": null, "exp": NOW + 3_660 }), test(NOW + 3_660)),
        (json!({ "iat": null, "exp": NOW + 3_661 }), Err(ClaimsError::Lifetime)),
        (json!({ "iat": i64::MIN }), Err(ClaimsError::Lifetime)),
        (json!({ "exp": i64::MAX }), Err(ClaimsError::Lifetime)),
        (json!({ "nbf": NOW + 60 }), test(NOW + 600)),
        (json!({ "nbf": NOW + 61 }), Err(ClaimsError::NotYetValid)),
        (json!({ "exp": NOW }), Err(ClaimsError::Expired)),
        (json!({ "exp": i64::MIN }), Err(ClaimsError::Expired)),
        (json!({ "exp": NOW - 10_000, "iat": NOW - 10_600 }), Err(ClaimsError::Expired)),
        (json!({ "iss": "https://platform.example/" }), Err(ClaimsError::Issuer)),
        (json!({ "iss": "" }), Err(ClaimsError::Issuer)),
        (json!({ "aud": "elsewhere" }), Err(ClaimsError::Audience)),
        (json!({ "aud": [] }), Err(ClaimsError::Audience)),
        (json!({ "aud": ["choll", "a"] }), Err(ClaimsError::Audience)),
    ] {
        check_claims(&claims(&more).to_string(), expected);
    }
}

#[test]
fn rule_5_5_claims_that_are_not_whole_are_malformed() {
    for name in ["iss", "aud", "sub", "app", "account", "mode", "exp"] {
        check_claims(&claims(&json!({ name: null })).to_string(), Err(ClaimsError::Malformed));
    }
    for more in [
        json!({ "exp": NOW.to_string() }),
        json!({ "exp": 1_790_000_600.5 }),
        json!({ "exp": 9_223_372_036_854_775_808_u64 }),
        json!({ "iat": "now" }),
        json!({ "nbf": [] }),
        json!({ "aud": 1 }),
        json!({ "aud": { "cholla": 1 } }),
        json!({ "aud": ["cholla", 1] }),
        json!({ "iss": ["https://platform.example"] }),
        json!({ "mode": "Test" }),
        json!({ "mode": "" }),
        json!({ "mode": true }),
        json!({ "sub": "" }),
        json!({ "sub": 1 }),
        json!({ "sub": "usr\u{0}" }),
        json!({ "sub": "x".repeat(5_001) }),
        json!({ "app": "" }),
        json!({ "account": "" }),
    ] {
        check_claims(&claims(&more).to_string(), Err(ClaimsError::Malformed));
    }
    let text = claims(&json!({})).to_string();
    for text in [
        "",
        "null",
        "[]",
        "{}",
        &format!("[{text}]"),
        &format!("{text}{text}"),
        &text.replacen('{', r#"{"sub":"usr_2","#, 1),
        &text.replacen('{', r#"{"\u0073ub":"usr_2","#, 1),
        &text[..text.len() - 1],
    ] {
        check_claims(text, Err(ClaimsError::Malformed));
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    digest::digest(&digest::SHA256, bytes).as_ref().try_into().expect("SHA-256 gives 32 bytes")
}

#[test]
fn a_key_is_named_by_its_thumbprint() {
    // RFC 8037, appendix A.3.
    let public = decoded("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", 43).unwrap();
    let key = ReceiptKey::new(&public.try_into().unwrap(), sha256);
    assert_eq!(key.id(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    assert_eq!(
        key.jwk(),
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k","use":"sig","alg":"EdDSA"}"#
    );
}

/// A receipt verifies with nothing but its published key, and is no JWT; a JWT under the same key is no receipt.
#[test]
fn receipts_verify_under_the_published_key_and_are_nothing_else() {
    let pair = &PLATFORM.ed25519;
    let key = ReceiptKey::new(&pair.public_key().as_ref().try_into().unwrap(), sha256);
    let published = set(&[PLATFORM.jwk("RS256"), serde_json::from_str(&key.jwk()).unwrap()]);
    let payload = br#"{"erased":{"secrets":3}}"#;
    let receipt = key.sign(payload, |message| pair.sign(message).as_ref().try_into().unwrap());
    let header = decoded(receipt.split('.').next().unwrap(), 1_000).unwrap();
    let expected = format!(r#"{{"alg":"EdDSA","kid":"{}","typ":"cholla-receipt+jws"}}"#, key.id());
    assert_eq!(String::from_utf8(header).unwrap(), expected);
    let jwt = PLATFORM.token("EdDSA", &json!({ "alg": "EdDSA", "kid": key.id() }).to_string(), payload);
    let other = PLATFORM.token("EdDSA", &expected.replace("jws", "JWS"), payload);
    for (token, kind, expected) in [
        (&receipt, TokenType::Receipt, Ok(payload.to_vec())),
        (&receipt, TokenType::Jwt, Err(JwtError::Malformed)),
        (&jwt, TokenType::Jwt, Ok(payload.to_vec())),
        (&jwt, TokenType::Receipt, Err(JwtError::Malformed)),
        (&other, TokenType::Receipt, Err(JwtError::Malformed)),
    ] {
        assert_eq!(published.verify(token, kind, verify), expected, "{token}");
    }
    // A receipt may be longer than any token: it holds a user id, and each character of that may be escaped.
    for (length, receipts, jwts) in [
        (12_288, Ok(()), Ok(())),
        (12_289, Ok(()), Err(JwtError::Malformed)),
        (49_152, Ok(()), Err(JwtError::Malformed)),
        (49_153, Err(JwtError::Malformed), Err(JwtError::Malformed)),
    ] {
        let long = vec![b'x'; length];
        let receipt = key.sign(&long, |message| pair.sign(message).as_ref().try_into().unwrap());
        assert_eq!(published.verify(&receipt, TokenType::Receipt, verify).map(|_| ()), receipts, "{length}");
        let jwt = PLATFORM.token("EdDSA", &json!({ "alg": "EdDSA", "kid": key.id() }).to_string(), &long);
        assert_eq!(published.verify(&jwt, TokenType::Jwt, verify).map(|_| ()), jwts, "{length}");
    }
    let others = set(&[PLATFORM.jwk("ES256"), PLATFORM.jwk("RS256")]);
    assert_eq!(others.verify(&receipt, TokenType::Receipt, verify), Err(JwtError::UnknownKey));
}
