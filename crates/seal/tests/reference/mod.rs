//! The sealed format once more, written from `docs/spec/sealed-v1.md` with the `RustCrypto` libraries (and an Ed25519 of its own) and without any code of this crate or the domain.
//!
//! Plain bytes in, plain bytes out; a nonce is a parameter, so that the same input gives the same output.

use aes_gcm_siv::Aes256GcmSiv;
use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use ed25519_compact::{KeyPair, Seed};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

pub(crate) type Key = [u8; 32];
pub(crate) type Nonce = [u8; 12];
pub(crate) type Tag = [u8; 16];

/// The columns of a row that its record is bound to.
#[derive(Clone, Debug)]
pub(crate) struct Columns {
    pub(crate) scope_tag: Tag,
    pub(crate) name_tag: Tag,
    /// The 30 characters behind `appsecret_`.
    pub(crate) id: String,
    pub(crate) version: Tag,
    pub(crate) created_at: i64,
    pub(crate) expires_at: Option<i64>,
}

pub(crate) fn field(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).expect("vectors are short");
    [&length.to_be_bytes(), bytes].concat()
}

pub(crate) fn namespace(developer: &str, account: &str, live: bool) -> Vec<u8> {
    [field(developer.as_bytes()), field(account.as_bytes()), vec![u8::from(live)]].concat()
}

pub(crate) fn owner(user: Option<&str>) -> Vec<u8> {
    user.map_or(vec![0], |user| [vec![1], field(user.as_bytes())].concat())
}

pub(crate) fn derive<const N: usize>(key: &Key, label: &str, context: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    expand(key, label, context, &mut out);
    out
}

fn expand(key: &Key, label: &str, context: &[u8], out: &mut [u8]) {
    let info = [label.as_bytes(), &[0], context].concat();
    Hkdf::<Sha256>::new(Some(b"cholla sealed-v1"), key).expand(&info, out).expect("vectors are short");
}

pub(crate) fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn truncated(hash: [u8; 32]) -> Tag {
    let (head, _) = hash.split_first_chunk().expect("16 is less than 32");
    *head
}

fn seal(key: &Key, nonce: Nonce, associated_data: &[u8], plaintext: &[u8]) -> Vec<u8> {
    let payload = Payload { msg: plaintext, aad: associated_data };
    let ciphertext = Aes256GcmSiv::new(key.into()).encrypt(&nonce.into(), payload).expect("vectors are short");
    [&nonce[..], &ciphertext].concat()
}

fn open(key: &Key, associated_data: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, ciphertext) = sealed.split_first_chunk::<12>()?;
    let payload = Payload { msg: ciphertext, aad: associated_data };
    Aes256GcmSiv::new(key.into()).decrypt(&(*nonce).into(), payload).ok()
}

pub(crate) fn root_key_id(root: &Key) -> [u8; 4] {
    derive(root, "root key id", &[])
}

fn wrapped_key_associated_data(tag: Tag) -> Vec<u8> {
    [b"cholla sealed-v1 wrapped key\0".as_slice(), &tag].concat()
}

pub(crate) fn wrap(root: &Key, nonce: Nonce, tag: Tag, key: &Key) -> Vec<u8> {
    let sealed = seal(&derive(root, "root wrapping", &[]), nonce, &wrapped_key_associated_data(tag), key);
    [vec![1], root_key_id(root).to_vec(), sealed].concat()
}

pub(crate) fn unwrap(root: &Key, tag: Tag, wrapped: &[u8]) -> Option<Key> {
    let sealed = wrapped.strip_prefix(&[1])?.strip_prefix(&root_key_id(root))?;
    open(&derive(root, "root wrapping", &[]), &wrapped_key_associated_data(tag), sealed)?.try_into().ok()
}

pub(crate) fn namespace_tag(instance: &Key, namespace: &[u8]) -> Tag {
    truncated(hmac(&derive::<32>(instance, "instance namespace tags", &[]), namespace))
}

pub(crate) fn credential_hash(instance: &Key, credential: &[u8]) -> [u8; 32] {
    hmac(&derive::<32>(instance, "instance credentials", &[]), credential)
}

pub(crate) fn text(instance: &Key, label: &str, length: u32) -> String {
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let context = [&length.to_be_bytes()[..], &field(label.as_bytes())].concat();
    let mut random = vec![0; 2 * length as usize];
    expand(&derive(instance, "instance texts", &[]), "text", &context, &mut random);
    let number = |pair: &[u8]| 256 * usize::from(pair[0]) + usize::from(pair[1]);
    random.chunks(2).map(|pair| char::from(alphabet[number(pair) % 62])).collect()
}

pub(crate) fn record_tag(instance: &Key, kind: u8, fields: &[Vec<u8>]) -> Tag {
    let fields: Vec<_> = fields.iter().flat_map(|bytes| field(bytes)).collect();
    truncated(hmac(&derive::<32>(instance, "instance record tags", &[]), &[&[kind][..], &fields].concat()))
}

pub(crate) fn entry_associated_data(kind: u8, context: &[u8]) -> Vec<u8> {
    [b"cholla sealed-v1 entry\0".as_slice(), &[kind], context].concat()
}

pub(crate) fn seal_entry(instance: &Key, kind: u8, context: &[u8], nonce: Nonce, plaintext: &[u8]) -> Vec<u8> {
    let key = derive(instance, "instance entries", &[]);
    [vec![1], seal(&key, nonce, &entry_associated_data(kind, context), plaintext)].concat()
}

pub(crate) fn open_entry(instance: &Key, kind: u8, context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let key = derive(instance, "instance entries", &[]);
    open(&key, &entry_associated_data(kind, context), sealed.strip_prefix(&[1])?)
}

pub(crate) fn receipt_public_key(instance: &Key) -> [u8; 32] {
    *receipt_keys(instance).pk
}

pub(crate) fn sign_receipt(instance: &Key, message: &[u8]) -> [u8; 64] {
    *receipt_keys(instance).sk.sign(message, None)
}

fn receipt_keys(instance: &Key) -> KeyPair {
    KeyPair::from_seed(Seed::new(derive(instance, "instance receipts", &[])))
}

pub(crate) fn key_id(wrapped: &[u8]) -> Tag {
    truncated(Sha256::digest(wrapped).into())
}

/// A tag under the namespace's tag key.
fn tag(key: &Key, namespace: &[u8], domain: u8, rest: &[u8]) -> Tag {
    truncated(hmac(&derive::<32>(key, "namespace tags", namespace), &[&[domain], rest].concat()))
}

pub(crate) fn scope_tag(key: &Key, namespace: &[u8], user: Option<&str>) -> Tag {
    tag(key, namespace, 1, &owner(user))
}

pub(crate) fn name_tag(key: &Key, namespace: &[u8], scope: Tag, name: &str) -> Tag {
    tag(key, namespace, 2, &[scope.to_vec(), field(name.as_bytes())].concat())
}

pub(crate) fn idempotency_tag(key: &Key, namespace: &[u8], user: Option<&str>, idempotency_key: &str) -> Tag {
    tag(key, namespace, 3, &[owner(user), field(idempotency_key.as_bytes())].concat())
}

pub(crate) fn fingerprint(key: &Key, namespace: &[u8], fields: &[Vec<u8>]) -> Tag {
    tag(key, namespace, 4, &fields.iter().flat_map(|bytes| field(bytes)).collect::<Vec<_>>())
}

pub(crate) fn record_associated_data(namespace: &[u8], columns: &Columns) -> Vec<u8> {
    let expiry = columns.expires_at.map_or(vec![0], |at| [vec![1], at.to_be_bytes().to_vec()].concat());
    [
        b"cholla sealed-v1 record\0".as_slice(),
        namespace,
        &columns.scope_tag,
        &columns.name_tag,
        columns.id.as_bytes(),
        &columns.version,
        &columns.created_at.to_be_bytes(),
        &expiry,
    ]
    .concat()
}

pub(crate) fn record_plaintext(user: Option<&str>, name: &str, payload: &str) -> Vec<u8> {
    [field(name.as_bytes()), owner(user), payload.as_bytes().to_vec()].concat()
}

pub(crate) fn seal_record(key: &Key, namespace: &[u8], columns: &Columns, nonce: Nonce, plaintext: &[u8]) -> Vec<u8> {
    let key = derive(key, "namespace records", namespace);
    [vec![1], seal(&key, nonce, &record_associated_data(namespace, columns), plaintext)].concat()
}

pub(crate) fn open_record(key: &Key, namespace: &[u8], columns: &Columns, sealed: &[u8]) -> Option<Vec<u8>> {
    let key = derive(key, "namespace records", namespace);
    open(&key, &record_associated_data(namespace, columns), sealed.strip_prefix(&[1])?)
}
