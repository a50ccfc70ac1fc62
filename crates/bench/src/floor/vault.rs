//! What the log floor does with a secret: hash the caller's key, seal, open, print.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::fill;
use bytes::Bytes;
use serde::Serialize;
use std::collections::HashMap;

use anyhow::{Result, anyhow};

use crate::world::SECRET_KEY;

/// Credentials that the lookup chooses from.
const CREDENTIALS: u32 = 10_000;
/// Everything the floor stores was created then.
const CREATED: u64 = 1_956_528_000;

/// Keys and credentials, drawn anew by each process: what the floor writes is never read again.
pub(crate) struct Vault {
    pepper: hmac::Key,
    credentials: HashMap<[u8; 32], &'static str>,
    key: LessSafeKey,
}

/// A record at rest.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    /// The secret's id.
    pub(crate) id: [u8; 40],
    /// Nonce, ciphertext, tag.
    pub(crate) sealed: Box<[u8]>,
}

impl Record {
    /// The record as one value of the log.
    pub(crate) fn append_to(&self, log: &mut Vec<u8>) {
        log.extend_from_slice(&self.id);
        log.extend_from_slice(&CREATED.to_le_bytes());
        log.extend_from_slice(&self.sealed);
    }

    /// Bytes that [`Record::append_to`] appends.
    pub(crate) fn len(&self) -> usize {
        self.id.len() + size_of_val(&CREATED) + self.sealed.len()
    }
}

/// The object of the answer.
#[derive(Serialize)]
struct Secret<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    expires_at: Option<u64>,
    livemode: bool,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a str>,
    scope: Scope<'a>,
}

#[derive(Serialize)]
struct Scope<'a> {
    r#type: &'static str,
    user: &'a str,
}

impl Vault {
    /// A vault with fresh keys.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(crate) fn new() -> Result<Self> {
        let mut secret = [0; 32];
        fill(&mut secret).map_err(|_| anyhow!("no randomness"))?;
        let pepper = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        fill(&mut secret).map_err(|_| anyhow!("no randomness"))?;
        let key = UnboundKey::new(&AES_256_GCM_SIV, &secret).map_err(|_| anyhow!("an AES-256 key has 32 bytes"))?;
        let mut vault = Self { pepper, credentials: HashMap::new(), key: LessSafeKey::new(key) };
        for other in 1..CREDENTIALS {
            vault.credentials.insert(vault.hash(format!("sk_test_other{other}").as_bytes()), "acct_other");
        }
        vault.credentials.insert(vault.hash(SECRET_KEY.as_bytes()), "acct_benchdev");
        Ok(vault)
    }

    fn hash(&self, presented: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.pepper, presented).as_ref());
        hash
    }

    /// The developer whose key this is.
    pub(crate) fn developer(&self, presented: &[u8]) -> Option<&'static str> {
        self.credentials.get(&self.hash(presented)).copied()
    }

    /// Seals a payload at a place.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub(crate) fn seal(&self, place: &[u8], payload: &[u8]) -> Result<Record> {
        let mut nonce = [0; NONCE_LEN];
        fill(&mut nonce).map_err(|_| anyhow!("no randomness"))?;
        let mut sealed = Vec::with_capacity(NONCE_LEN + payload.len() + AES_256_GCM_SIV.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(payload);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(place), &mut sealed[NONCE_LEN..]);
        sealed.extend_from_slice(tag.map_err(|_| anyhow!("sealing failed"))?.as_ref());
        let mut id = *b"appsecret_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        // The nonce is random anyway: its digits make the id.
        for (character, random) in id[10..].iter_mut().zip(&sealed) {
            *character = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdef"[usize::from(random % 32)];
        }
        Ok(Record { id, sealed: sealed.into_boxed_slice() })
    }

    /// Opens a record.
    ///
    /// # Errors
    /// When it was sealed elsewhere.
    pub(crate) fn open(&self, place: &[u8], record: &Record) -> Result<String> {
        let (nonce, ciphertext) = record.sealed.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| anyhow!("a nonce has 12 bytes"))?;
        let mut in_place = ciphertext.to_vec();
        let opened = self.key.open_in_place(nonce, Aad::from(place), &mut in_place);
        let length = opened.map_err(|_| anyhow!("opening failed"))?.len();
        in_place.truncate(length);
        Ok(String::from_utf8(in_place)?)
    }
}

/// The JSON of a secret.
///
/// # Errors
/// None in practice.
pub(crate) fn print(id: &[u8], name: &str, user: &str, payload: Option<&str>) -> Result<Bytes> {
    let scope = Scope { r#type: "user", user };
    let (created, expires_at, livemode) = (CREATED, None, false);
    let id = std::str::from_utf8(id)?;
    let secret = Secret { id, object: "apps.secret", created, expires_at, livemode, name, payload, scope };
    let mut body = serde_json::to_vec_pretty(&secret)?;
    body.push(b'\n');
    Ok(body.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_at_its_place_only() {
        let vault = Vault::new().unwrap();
        let record = vault.seal(b"here", b"payload").unwrap();
        assert_eq!(vault.open(b"here", &record).unwrap(), "payload");
        assert!(vault.open(b"there", &record).is_err());
        let mut log = Vec::new();
        record.append_to(&mut log);
        assert_eq!(log.len(), record.len());
    }

    #[test]
    fn the_developer_is_known_by_key() {
        let vault = Vault::new().unwrap();
        for (key, expected) in
            [(SECRET_KEY, Some("acct_benchdev")), ("sk_test_other1", Some("acct_other")), ("x", None)]
        {
            assert_eq!(vault.developer(key.as_bytes()), expected, "{key}");
        }
    }
}
