//! The bytes of `docs/spec/sealed-v1.md`: every label, every layout. Pure; knows no cryptography.
//!
//! Changing anything here makes what is stored unreadable. A new layout is a new version byte beside this one.

use cholla_domain::id::UserId;
use cholla_domain::name::SecretName;
use cholla_domain::payload::Plaintext;
use cholla_domain::place::{Scope, push_field};
use cholla_domain::record::{OpenedSecret, RecordHeader};
use cholla_domain::tag::{NameTag, NamespaceTag, ScopeTag};
use zeroize::Zeroizing;

use crate::aead::{NONCE_LENGTH, TAG_LENGTH};
use crate::key::KeyMaterial;

/// The first byte of everything sealed.
pub(crate) const VERSION: u8 = 1;

/// The salt of every key derivation.
pub(crate) const KDF_SALT: &[u8] = b"cholla sealed-v1";

/// Labels of keys and values derived from the root key.
pub(crate) const ROOT_ID: &str = "root key id";
pub(crate) const ROOT_WRAPPING: &str = "root wrapping";
/// Labels of keys derived from the instance key.
pub(crate) const INSTANCE_NAMESPACE_TAGS: &str = "instance namespace tags";
pub(crate) const INSTANCE_CREDENTIALS: &str = "instance credentials";
pub(crate) const INSTANCE_TEXTS: &str = "instance texts";
pub(crate) const INSTANCE_RECORD_TAGS: &str = "instance record tags";
pub(crate) const INSTANCE_ENTRIES: &str = "instance entries";
pub(crate) const INSTANCE_RECEIPTS: &str = "instance receipts";
/// The label of a text derived from the key of `INSTANCE_TEXTS`.
pub(crate) const TEXT: &str = "text";
/// Labels of keys derived from a namespace key; the context is the namespace's canonical encoding.
pub(crate) const NAMESPACE_RECORDS: &str = "namespace records";
pub(crate) const NAMESPACE_TAGS: &str = "namespace tags";

/// The first byte of what is hashed under the namespace's tag key: one per kind of tag.
pub(crate) const SCOPE_DOMAIN: u8 = 1;
pub(crate) const NAME_DOMAIN: u8 = 2;
pub(crate) const IDEMPOTENCY_DOMAIN: u8 = 3;
pub(crate) const FINGERPRINT_DOMAIN: u8 = 4;

/// What associated data begins with.
const WRAPPED_KEY_LABEL: &[u8] = b"cholla sealed-v1 wrapped key\0";
const RECORD_LABEL: &[u8] = b"cholla sealed-v1 record\0";
const ENTRY_LABEL: &[u8] = b"cholla sealed-v1 entry\0";

/// Bytes of a root key's id.
pub(crate) const ROOT_ID_LENGTH: usize = 4;
/// Bytes in front of a wrapped key's nonce: version and root key id.
pub(crate) const WRAPPED_KEY_HEADER: usize = 1 + ROOT_ID_LENGTH;
/// Bytes in front of the nonce of a record or an entry: the version.
pub(crate) const RECORD_HEADER: usize = 1;
/// Bytes of an entry's associated data for which no memory is needed: label, kind and the longest context there is, a delivery's key.
const SHORT_ENTRY_DATA: usize = 64;

/// Binds a wrapped key to the row that keeps it.
pub(crate) fn wrapped_key_associated_data(tag: NamespaceTag) -> Vec<u8> {
    [WRAPPED_KEY_LABEL, tag.as_bytes()].concat()
}

/// A wrapped key before sealing, with room for its nonce; `root` is the id of the wrapping key.
///
/// ```text
/// version 1 │ root key id 4 │ nonce 12 │ key 32 │ tag 16
/// ```
pub(crate) fn wrapped_key(root: [u8; ROOT_ID_LENGTH], key: &KeyMaterial) -> Zeroizing<Vec<u8>> {
    let length = WRAPPED_KEY_HEADER + NONCE_LENGTH + KeyMaterial::LENGTH + TAG_LENGTH;
    let mut buffer = Zeroizing::new(Vec::with_capacity(length));
    buffer.push(VERSION);
    buffer.extend_from_slice(&root);
    buffer.extend_from_slice(&[0; NONCE_LENGTH]);
    buffer.extend_from_slice(key.expose_bytes());
    buffer
}

/// The root key id of a wrapped key, and its sealed part. `None` when it has another layout.
pub(crate) fn split_wrapped_key(wrapped: &[u8]) -> Option<([u8; ROOT_ID_LENGTH], &[u8])> {
    let rest = wrapped.strip_prefix(&[VERSION])?;
    let (root, sealed) = rest.split_first_chunk()?;
    Some((*root, sealed))
}

/// Binds a record to its address and to the row's columns in clear. Injective: all that varies in length says so itself.
///
/// ```text
/// label 24 │ namespace │ scope tag 16 │ name tag 16 │ id 30 │ version 16 │ created_at 8 │ 0x00, or 0x01 ‖ expires_at 8
/// ```
pub(crate) fn record_associated_data(
    namespace: &[u8],
    scope: ScopeTag,
    name: NameTag,
    header: &RecordHeader,
) -> Vec<u8> {
    let fixed = ScopeTag::LENGTH + NameTag::LENGTH + header.id.suffix().len() + header.version.as_bytes().len() + 17;
    let mut data = Vec::with_capacity(RECORD_LABEL.len() + namespace.len() + fixed);
    data.extend_from_slice(RECORD_LABEL);
    data.extend_from_slice(namespace);
    data.extend_from_slice(scope.as_bytes());
    data.extend_from_slice(name.as_bytes());
    data.extend_from_slice(header.id.suffix().as_bytes());
    data.extend_from_slice(header.version.as_bytes());
    data.extend_from_slice(&header.created_at.as_unix().to_be_bytes());
    match header.expires_at {
        None => data.push(0),
        Some(at) => {
            data.push(1);
            data.extend_from_slice(&at.as_unix().to_be_bytes());
        }
    }
    data
}

/// A record before sealing, with room for its nonce and, beyond the end, for its tag: the payload is copied once.
///
/// ```text
/// version 1 │ nonce 12 │ name, a field │ scope │ payload │ tag 16
/// ```
pub(crate) fn record(scope: &Scope, name: &SecretName, payload: &str) -> Zeroizing<Vec<u8>> {
    let (name, scope) = (name.as_str().as_bytes(), scope.canonical());
    let length = RECORD_HEADER + NONCE_LENGTH + 4 + name.len() + scope.len() + payload.len() + TAG_LENGTH;
    let mut buffer = Zeroizing::new(Vec::with_capacity(length));
    buffer.push(VERSION);
    buffer.extend_from_slice(&[0; NONCE_LENGTH]);
    push_field(&mut buffer, name);
    buffer.extend_from_slice(&scope);
    buffer.extend_from_slice(payload.as_bytes());
    buffer
}

/// Hands over what binds an entry to its kind and its context. Injective: only the last part varies in length. Called a million times at a
/// start, so the usual lengths allocate nothing.
///
/// ```text
/// label 23 │ kind 1 │ context
/// ```
pub(crate) fn with_entry_associated_data<T>(kind: u8, context: &[u8], take: impl FnOnce(&[u8]) -> T) -> T {
    let fixed = ENTRY_LABEL.len() + 1;
    let mut short = [0; SHORT_ENTRY_DATA];
    let Some(data) = short.get_mut(..fixed + context.len()) else {
        return take(&[ENTRY_LABEL, &[kind], context].concat());
    };
    data[..ENTRY_LABEL.len()].copy_from_slice(ENTRY_LABEL);
    data[ENTRY_LABEL.len()] = kind;
    data[fixed..].copy_from_slice(context);
    take(data)
}

/// An entry before sealing, with room for its nonce and, beyond the end, for its tag.
///
/// ```text
/// version 1 │ nonce 12 │ plaintext │ tag 16
/// ```
pub(crate) fn entry(plaintext: &[u8]) -> Zeroizing<Vec<u8>> {
    let length = RECORD_HEADER + NONCE_LENGTH + plaintext.len() + TAG_LENGTH;
    let mut buffer = Zeroizing::new(Vec::with_capacity(length));
    buffer.push(VERSION);
    buffer.extend_from_slice(&[0; NONCE_LENGTH]);
    buffer.extend_from_slice(plaintext);
    buffer
}

/// The sealed part of a record or an entry. `None` when it has another layout.
pub(crate) fn sealed_part(record: &[u8]) -> Option<&[u8]> {
    record.strip_prefix(&[VERSION])
}

/// Reads what a record holds. `None` when it has another layout.
///
/// The payload stays in the buffer in which it was decrypted: what stood in front of it is cut off, and all of the buffer is wiped with it.
pub(crate) fn read_record(mut plaintext: Zeroizing<Vec<u8>>) -> Option<OpenedSecret> {
    let mut rest = plaintext.as_slice();
    let name = SecretName::new(take_text(&mut rest)?.to_owned())?;
    let scope = match rest.split_off_first()? {
        0 => Scope::Account,
        1 => Scope::User(UserId::new(take_text(&mut rest)?)),
        _ => return None,
    };
    let start = plaintext.len() - rest.len();
    plaintext.drain(..start);
    let payload = match String::from_utf8(std::mem::take(&mut *plaintext)) {
        Ok(payload) => Plaintext::new(payload)?,
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            return None;
        }
    };
    Some(OpenedSecret { scope, name, payload })
}

/// Takes a field off the front.
fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let (length, behind) = rest.split_first_chunk()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (field, behind) = behind.split_at_checked(length)?;
    *rest = behind;
    std::str::from_utf8(field).ok()
}

#[cfg(test)]
mod tests {
    use cholla_domain::id::{Entropy, SecretId};
    use cholla_domain::tag::RecordVersion;
    use cholla_domain::time::Timestamp;
    use proptest::prelude::*;

    use super::*;

    /// The plaintext of a record, as its opener gets it.
    fn plaintext(scope: &Scope, name: &SecretName, payload: &str) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(record(scope, name, payload)[RECORD_HEADER + NONCE_LENGTH..].to_vec())
    }

    fn scope(user: Option<&str>) -> Scope {
        user.map_or(Scope::Account, |user| Scope::User(UserId::new(user)))
    }

    proptest! {
        #[test]
        fn rule_3_7_a_record_reads_back_byte_for_byte(
            user in proptest::option::of("[^\0]{1,20}"), name in "[^\0]{1,20}", payload in "[^\0]{1,60}",
        ) {
            let (scope, name) = (scope(user.as_deref()), SecretName::new(name).unwrap());
            let opened = read_record(plaintext(&scope, &name, &payload)).unwrap();
            prop_assert_eq!(opened.scope, scope);
            prop_assert_eq!(opened.name, name);
            prop_assert_eq!(opened.payload.expose_secret(), payload);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            if let Some(opened) = read_record(Zeroizing::new(bytes.clone())) {
                let again = plaintext(&opened.scope, &opened.name, opened.payload.expose_secret());
                prop_assert_eq!(&*again, &bytes);
            }
        }
    }

    #[test]
    fn a_record_of_another_layout_is_refused() {
        for bytes in [
            &b""[..],
            b"\0\0\0",                     // no whole length
            b"\0\0\0\x02a",                // a name shorter than its length
            b"\0\0\0\0\0p",                // no name
            b"\0\0\0\x01a",                // no scope
            b"\0\0\0\x01a\x02p",           // no scope of ours
            b"\0\0\0\x01a\x01\0\0\0\x09u", // a user shorter than its length
            b"\0\0\0\x01a\0",              // no payload
            b"\0\0\0\x01\xff\0p",          // a name that is no text
            b"\0\0\0\x01a\0\xff",          // a payload that is no text
            b"\xff\xff\xff\xffa\0p",       // a length that no buffer has
        ] {
            assert!(read_record(Zeroizing::new(bytes.to_vec())).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn buffers_have_the_capacity_that_sealing_needs() {
        let name = SecretName::new("name".to_owned()).unwrap();
        for scope in [scope(None), scope(Some("usr_1"))] {
            let record = record(&scope, &name, "payload");
            assert_eq!(record.capacity(), record.len() + TAG_LENGTH);
        }
        let entry = entry(b"entry");
        assert_eq!(entry.capacity(), entry.len() + TAG_LENGTH);
        let key = KeyMaterial::from_bytes(&[0; 32]).unwrap();
        let wrapped = wrapped_key([0; ROOT_ID_LENGTH], &key);
        assert_eq!(wrapped.capacity(), wrapped.len() + TAG_LENGTH);
    }

    #[test]
    fn an_entrys_associated_data_is_label_kind_and_context_at_any_length() {
        for length in [0, 1, 16, 39, 40, 41, 200] {
            let context = vec![7; length];
            let expected = [b"cholla sealed-v1 entry\0".as_slice(), &[3], &context].concat();
            with_entry_associated_data(3, &context, |data| assert_eq!(data, expected, "{length} bytes of context"));
        }
    }

    #[test]
    fn associated_data_is_written_without_growing() {
        struct Zeros;
        impl Entropy for Zeros {
            fn fill(&self, buffer: &mut [u8]) {
                buffer.fill(0);
            }
        }
        let header = RecordHeader {
            id: SecretId::draw(&Zeros),
            version: RecordVersion::draw(&Zeros),
            created_at: Timestamp::from_unix(0),
            expires_at: Some(Timestamp::from_unix(1)),
        };
        let data = record_associated_data(b"ns", ScopeTag::from_bytes([0; 16]), NameTag::from_bytes([0; 16]), &header);
        assert_eq!((data.len(), data.capacity()), (24 + 2 + 16 + 16 + 30 + 16 + 8 + 9, data.len()));
    }
}
