//! Public keys of others: the published examples verify, whatever differs from them does not, and what is no key is refused.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding, RsaKeyPair,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cholla_seal::VerificationKey;

/// The header and payload of RFC 7515, appendices A.2 and A.3, differ in the header only.
const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn decoded(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).expect("the examples are base64url")
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    decoded(text).try_into().expect("the examples have so many bytes here")
}

/// The signature verifies, and nothing that differs from it or from the message.
fn check(key: &VerificationKey, message: &[u8], signature: &[u8]) {
    assert!(key.verify(message, signature));
    for at in 0..8 * signature.len() {
        let mut flipped = signature.to_vec();
        flipped[at / 8] ^= 1 << (at % 8);
        assert!(!key.verify(message, &flipped), "bit {at}");
    }
    let mut other = message.to_vec();
    other[0] ^= 1;
    assert!(!key.verify(&other, signature));
    assert!(!key.verify(b"", signature));
    for length in [0, 1, signature.len() - 1] {
        assert!(!key.verify(message, &signature[..length]), "{length} bytes");
    }
    assert!(!key.verify(message, &[signature, &[0]].concat()));
    assert!(!key.verify(message, &[&[0], signature].concat()));
}

#[test]
fn the_examples_of_the_standards_verify() {
    // RFC 7515, appendix A.3.
    let es256 = VerificationKey::es256(
        &array("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        &array("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    );
    check(
        &es256.unwrap(),
        format!("eyJhbGciOiJFUzI1NiJ9.{PAYLOAD}").as_bytes(),
        &decoded("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"),
    );
    // RFC 8037, appendix A.4.
    check(
        &VerificationKey::ed25519(&array("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")).unwrap(),
        b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        &decoded("hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"),
    );
    // RFC 7515, appendix A.2.
    let n = decoded(concat!(
        "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-",
        "yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-",
        "KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_",
        "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ"
    ));
    let signature = decoded(concat!(
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9",
        "uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_",
        "eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5A",
        "XLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"
    ));
    let key = VerificationKey::rs256(&n, &decoded("AQAB")).unwrap();
    check(&key, format!("eyJhbGciOiJSUzI1NiJ9.{PAYLOAD}").as_bytes(), &signature);
}

#[test]
fn what_is_no_key_is_refused() {
    let (x, y) = (
        array::<32>("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"),
        array::<32>("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"),
    );
    for (x, y, legal) in [(x, y, true), (y, x, false), (x, x, false), ([0; 32], [0; 32], false), ([255; 32], y, false)]
    {
        assert_eq!(VerificationKey::es256(&x, &y).is_some(), legal, "{x:?} {y:?}");
    }
    // 2 is the y of no point of the other curve, whose numbers have their least significant byte first.
    let mut no_point = [0; 32];
    no_point[0] = 2;
    assert!(!VerificationKey::ed25519(&no_point).unwrap().verify(b"", &[0; 64]));
    let modulus = |bits: usize| {
        let mut n = vec![255; bits.div_ceil(8)];
        n[0] >>= (8 - bits % 8) % 8;
        n
    };
    let e = [1, 0, 1];
    for (n, e, legal) in [
        (modulus(2_048), &e[..], true),
        (modulus(2_049), &e, true),
        (modulus(3_072), &e, true),
        (modulus(8_192), &e, true),
        (modulus(2_047), &e, false),
        (modulus(1_024), &e, false),
        (modulus(8_193), &e, false),
        (vec![], &e, false),
        ([vec![0], modulus(2_048)].concat(), &e, false),
        ([modulus(2_040), vec![254]].concat(), &e, false),
        (modulus(2_048), &[3], true),
        (modulus(2_048), &[1], false),
        (modulus(2_048), &[0], false),
        (modulus(2_048), &[2], false),
        (modulus(2_048), &[], false),
        (modulus(2_048), &[0, 1, 0, 1], false),
        (modulus(2_048), &[1, 0, 0, 0, 1], false),
    ] {
        assert_eq!(VerificationKey::rs256(&n, e).is_some(), legal, "{} bytes, {e:?}", n.len());
    }
}

fn ecdsa(algorithm: &'static EcdsaSigningAlgorithm, pkcs8: &[u8], message: &[u8]) -> Vec<u8> {
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8).expect("a key that was just made");
    pair.sign(&SystemRandom::new(), message).expect("there is randomness").as_ref().to_vec()
}

fn rsa(pair: &RsaKeyPair, encoding: &'static dyn RsaEncoding, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(encoding, &SystemRandom::new(), message, &mut signature).expect("there is randomness");
    signature
}

/// Takes an integer of DER off the front, without the byte for its sign.
fn der_integer<'a>(der: &mut &'a [u8]) -> &'a [u8] {
    assert_eq!(der[0], 0x02, "an integer");
    let (length, start) = match der[1] {
        0x82 => (usize::from(der[2]) << 8 | usize::from(der[3]), 4),
        short => (usize::from(short), 2),
    };
    let (number, rest) = der[start..].split_at(length);
    *der = rest;
    number.strip_prefix(&[0]).unwrap_or(number)
}

/// A signature of the same key holder in another algorithm or encoding is none.
#[test]
fn a_key_verifies_its_own_algorithm_only() {
    let message = b"header.payload";
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref()).unwrap();
    let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
    let es256 = VerificationKey::es256(x.try_into().unwrap(), y.try_into().unwrap()).unwrap();
    let raw = ecdsa(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), message);
    let asn1 = ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8.as_ref(), message);

    let pair = Ed25519KeyPair::generate().unwrap();
    let ed25519 = VerificationKey::ed25519(pair.public_key().as_ref().try_into().unwrap()).unwrap();
    let edwards = pair.sign(message).as_ref().to_vec();

    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let mut numbers = &pair.public_key().as_ref()[4..];
    let (n, e) = (der_integer(&mut numbers), der_integer(&mut numbers));
    let rs256 = VerificationKey::rs256(n, e).unwrap();
    let pkcs1 = rsa(&pair, &RSA_PKCS1_SHA256, message);
    let (pss, longer) = (rsa(&pair, &RSA_PSS_SHA256, message), rsa(&pair, &RSA_PKCS1_SHA512, message));

    for (what, signature, expected) in [
        ("ES256", &raw, [true, false, false]),
        ("ES256 in DER", &asn1, [false, false, false]),
        ("EdDSA", &edwards, [false, true, false]),
        ("RS256", &pkcs1, [false, false, true]),
        ("PS256", &pss, [false, false, false]),
        ("RS512", &longer, [false, false, false]),
        ("zeros of ES256", &vec![0; 64], [false, false, false]),
        ("zeros of RS256", &vec![0; 256], [false, false, false]),
    ] {
        assert_eq!([&es256, &ed25519, &rs256].map(|key| key.verify(message, signature)), expected, "{what}");
    }
}
