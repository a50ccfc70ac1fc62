//! Two implementations, one format: what either seals, the other opens, and both agree on every tag.
//!
//! The second one is `reference`, written from the specification with other cryptography. The published vectors are its work; here this
//! crate must accept each of them, refuse each that is to be refused, and seal what the second one would have sealed.

mod reference;
mod support;
mod vectors;

use std::sync::Arc;

use cholla_domain::error::SealError;
use cholla_domain::id::{SecretId, UserId};
use cholla_domain::name::SecretName;
use cholla_domain::payload::{Plaintext, Sealed};
use cholla_domain::place::{Namespace, Scope};
use cholla_domain::ports::{DirectoryCipher, NamespaceCipher, NamespaceKeys, Revision, WrappedKey};
use cholla_domain::principal::Reach;
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{NameTag, NamespaceTag, RecordVersion, ScopeTag};
use cholla_domain::time::Timestamp;
use cholla_seal::{Instance, KeyProvider, RootKey, VerificationKey, key_id, sign_payload};
use serde_json::Value;

use crate::reference::Columns;
use crate::support::{Memory, keyring};
use crate::vectors::hex;

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("the vectors hold hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn published() -> Value {
    let text = std::fs::read_to_string(vectors::PATH).expect("the vectors are part of the repository");
    serde_json::from_str(&text).expect("the vectors are JSON")
}

fn items<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    let items = value[name].as_array().expect("the vectors have this list");
    assert!(!items.is_empty(), "{name}");
    items
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().expect("the vectors have this text")
}

fn bytes(value: &Value, name: &str) -> Vec<u8> {
    unhex(text(value, name))
}

fn array<const N: usize>(value: &Value, name: &str) -> [u8; N] {
    bytes(value, name).try_into().expect("the vectors have so many bytes here")
}

fn root(vectors: &Value) -> RootKey {
    let directory = tempfile::tempdir().expect("there is room for a file");
    let path = directory.path().join("root.key");
    std::fs::write(&path, text(vectors, "root_key_file")).expect("there is room for a file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("the file is ours");
    }
    RootKey::read(&path).expect("the vectors have a root key file")
}

fn fields(value: &Value) -> Vec<Vec<u8>> {
    let fields = value["fields"].as_array().expect("the vectors have fields");
    fields.iter().map(|field| unhex(field.as_str().expect("fields are text"))).collect()
}

fn kind(value: &Value) -> u8 {
    value["kind"].as_u64().and_then(|kind| kind.try_into().ok()).expect("the vectors have kinds of one byte")
}

/// The store that the vectors describe.
fn store(vectors: &Value) -> Arc<Memory> {
    let store = Arc::new(Memory::default());
    for row in std::iter::once(&vectors["instance"]).chain(items(vectors, "namespaces")) {
        store.put(NamespaceTag::from_bytes(array(row, "tag")), Some(bytes(row, "wrapped")));
    }
    store
}

fn namespace(value: &Value) -> Namespace {
    let live = value["livemode"].as_bool().expect("the vectors have a mode");
    support::namespace(text(value, "developer"), text(value, "account"), live)
}

async fn ciphers(vectors: &Value) -> Vec<(&Value, Arc<dyn NamespaceCipher>)> {
    let keyring = keyring(Arc::new(root(vectors)), store(vectors)).await;
    let mut ciphers = Vec::new();
    for value in items(vectors, "namespaces") {
        let cipher = keyring.find(&namespace(value)).await.expect("the key unwraps").expect("there is a key");
        ciphers.push((value, cipher));
    }
    ciphers
}

fn scope(value: &Value) -> Scope {
    value["user"].as_str().map_or(Scope::Account, |user| Scope::User(UserId::new(user)))
}

fn row(value: &Value) -> StoredSecret {
    StoredSecret {
        scope: ScopeTag::from_bytes(array(value, "scope_tag")),
        name: NameTag::from_bytes(array(value, "name_tag")),
        header: RecordHeader {
            id: SecretId::parse(text(value, "id")).expect("the vectors have ids"),
            version: RecordVersion::from_bytes(array(value, "version")),
            created_at: Timestamp::from_unix(value["created_at"].as_i64().expect("the vectors have times")),
            expires_at: value["expires_at"].as_i64().map(Timestamp::from_unix),
        },
        sealed: Sealed::assertion(bytes(value, "sealed")),
    }
}

fn columns(row: &StoredSecret) -> Columns {
    Columns {
        scope_tag: *row.scope.as_bytes(),
        name_tag: *row.name.as_bytes(),
        id: row.header.id.suffix().to_owned(),
        version: *row.header.version.as_bytes(),
        created_at: row.header.created_at.as_unix(),
        expires_at: row.header.expires_at.map(Timestamp::as_unix),
    }
}

#[test]
fn the_published_vectors_are_what_the_second_implementation_writes() {
    assert_eq!(published(), vectors::generate());
}

#[test]
#[ignore = "writes the vectors anew; to be run when vectors are added: those that are there must come out as they were"]
fn write_the_vectors() {
    let text = serde_json::to_string_pretty(&vectors::generate()).unwrap();
    std::fs::write(vectors::PATH, text + "\n").unwrap();
    assert_eq!(published(), vectors::generate());
}

#[tokio::test]
async fn we_find_the_keys_and_tags_of_the_vectors() {
    let vectors = published();
    assert_eq!(root(&vectors).id().to_string(), text(&vectors, "root_key_id"));
    for (value, cipher) in ciphers(&vectors).await {
        assert_eq!(hex(&namespace(value).canonical()), text(value, "canonical"));
        assert_eq!(hex(cipher.namespace_tag().as_bytes()), text(value, "tag"));
        for case in items(value, "scopes") {
            assert_eq!(hex(cipher.scope_tag(&scope(case)).as_bytes()), text(case, "tag"), "{case}");
        }
        for case in items(value, "idempotency") {
            let reach = case["user"].as_str().map_or(Reach::Backend, |user| Reach::Extension(UserId::new(user)));
            let tag = cipher.idempotency_tag(&reach, text(case, "key"));
            assert_eq!(hex(tag.as_bytes()), text(case, "tag"), "{case}");
        }
        for case in items(value, "fingerprints") {
            let fields = fields(case);
            let fields: Vec<_> = fields.iter().map(Vec::as_slice).collect();
            assert_eq!(hex(cipher.fingerprint(&fields).as_bytes()), text(case, "fingerprint"), "{case}");
        }
    }
}

#[tokio::test]
async fn we_derive_what_the_instance_key_of_the_vectors_gives() {
    let vectors = published();
    let instance = Instance::open(Arc::new(root(&vectors)), store(&vectors)).await.unwrap();
    for case in items(&vectors["instance"], "credentials") {
        let hash = instance.credential_hash(text(case, "credential").as_bytes());
        assert_eq!(hex(hash.as_bytes()), text(case, "hash"), "{case}");
    }
    for case in items(&vectors["instance"], "texts") {
        let length = usize::try_from(case["length"].as_u64().unwrap()).unwrap();
        assert_eq!(*instance.derive_alphanumerics(text(case, "label"), length), text(case, "text"), "{case}");
    }
    for case in items(&vectors["instance"], "record_tags") {
        let fields = fields(case);
        let fields: Vec<_> = fields.iter().map(Vec::as_slice).collect();
        assert_eq!(hex(instance.record_tag(kind(case), &fields).as_bytes()), text(case, "tag"), "{case}");
    }
}

#[tokio::test]
async fn both_open_and_seal_the_entries_of_the_vectors_and_refuse_the_others() {
    let vectors = published();
    let instance = Instance::open(Arc::new(root(&vectors)), store(&vectors)).await.unwrap();
    let key = array(&vectors["instance"], "key");
    for case in items(&vectors["instance"], "entries") {
        let (kind, context, plaintext) = (kind(case), bytes(case, "context"), bytes(case, "plaintext"));
        assert_eq!(*instance.open_entry(kind, &context, &bytes(case, "sealed")).unwrap(), plaintext, "{case}");
        let sealed = instance.seal_entry(kind, &context, &plaintext).unwrap();
        let sealed = sealed.as_bytes();
        assert_eq!(reference::open_entry(&key, kind, &context, sealed).unwrap(), plaintext, "{case}");
        let nonce = *sealed[1..].first_chunk().unwrap();
        assert_eq!(reference::seal_entry(&key, kind, &context, nonce, &plaintext), sealed, "{case}");
    }
    for case in items(&vectors, "refused_entries") {
        let (kind, context, sealed) = (kind(case), bytes(case, "context"), bytes(case, "sealed"));
        assert!(matches!(instance.open_entry(kind, &context, &sealed), Err(SealError::Tampered)), "{case}");
        assert_eq!(reference::open_entry(&key, kind, &context, &sealed), None, "{case}");
    }
}

#[tokio::test]
async fn receipts_are_signed_as_the_second_implementation_signs_them() {
    let vectors = published();
    let instance = Instance::open(Arc::new(root(&vectors)), store(&vectors)).await.unwrap();
    let public = instance.receipts().public_key();
    assert_eq!(hex(&public), text(&vectors["instance"], "receipt_public_key"));
    let verification = VerificationKey::ed25519(&public).unwrap();
    for case in items(&vectors["instance"], "receipts") {
        let message = text(case, "message").as_bytes();
        let signature = instance.receipts().sign(message);
        assert_eq!(hex(&signature), text(case, "signature"), "{case}");
        assert!(verification.verify(message, &signature), "{case}");
    }
}

#[test]
fn wrapped_keys_have_the_ids_of_the_vectors() {
    let vectors = published();
    for row in std::iter::once(&vectors["instance"]).chain(items(&vectors, "namespaces")) {
        assert_eq!(key_id(&WrappedKey(bytes(row, "wrapped"))), text(row, "wrapped_id"));
    }
}

#[tokio::test]
async fn rule_3_7_we_open_every_record_of_the_vectors_byte_for_byte() {
    let vectors = published();
    for (value, cipher) in ciphers(&vectors).await {
        for case in items(value, "records") {
            let opened = cipher.open(&row(case)).unwrap();
            assert_eq!(opened.scope, scope(case), "{case}");
            assert_eq!(opened.name.as_str(), text(case, "name"), "{case}");
            assert_eq!(opened.payload.expose_secret(), text(case, "payload"), "{case}");
            assert_eq!(cipher.name_tag(cipher.scope_tag(&opened.scope), &opened.name), row(case).name, "{case}");
        }
    }
}

#[tokio::test]
async fn a_record_opens_in_no_other_namespace() {
    let vectors = published();
    let ciphers = ciphers(&vectors).await;
    for (value, own) in &ciphers {
        for case in items(value, "records") {
            for (_, other) in ciphers.iter().filter(|(_, other)| !Arc::ptr_eq(own, other)) {
                assert!(matches!(other.open(&row(case)), Err(SealError::Tampered)), "{case}");
            }
        }
    }
}

#[tokio::test]
async fn both_refuse_what_is_to_be_refused() {
    let vectors = published();
    let (value, cipher) = ciphers(&vectors).await.swap_remove(0);
    let (key, canonical) = (array(value, "key"), bytes(value, "canonical"));
    for case in items(&vectors, "refused_records") {
        let row = row(case);
        assert!(matches!(cipher.open(&row), Err(SealError::Tampered)), "{case}");
        let opened = reference::open_record(&key, &canonical, &columns(&row), row.sealed.as_bytes());
        assert_eq!(opened.is_some(), text(case, "why").starts_with("sealed well"), "{case}");
    }
    for case in items(&vectors, "refused_wrapped_keys") {
        let store = store(&vectors);
        store.put(NamespaceTag::from_bytes(array(value, "tag")), Some(bytes(case, "wrapped")));
        let keyring = keyring(Arc::new(root(&vectors)), store.clone()).await;
        match (keyring.find(&namespace(value)).await, case["needs"].as_str()) {
            (Err(SealError::Tampered), None) => {}
            (Err(SealError::Unavailable(cause)), Some(needs)) => {
                let message = cause.to_string();
                assert!(message.contains(needs) && message.contains(text(&vectors, "root_key_id")), "{message}");
            }
            _ => panic!("{case}"),
        }
    }
}

/// Everything we write ourselves, from new keys on: the second implementation unwraps, agrees on the tags, and seals the same bytes.
#[tokio::test]
async fn the_second_implementation_opens_and_reproduces_what_we_seal() {
    let vectors = published();
    let root_bytes = unhex(text(&vectors, "root_key_file").strip_prefix("cholla-root-key-v1 ").unwrap());
    let root_bytes = root_bytes.try_into().unwrap();
    let store = Arc::new(Memory::default());
    let keyring = keyring(Arc::new(root(&vectors)), store.clone()).await;
    let wrapped = store.row(NamespaceTag::INSTANCE).unwrap();
    let instance = reference::unwrap(&root_bytes, [0; 16], &wrapped).unwrap();
    for value in items(&vectors, "namespaces") {
        let cipher = keyring.find_or_create(&namespace(value), Revision(0)).await.unwrap().unwrap();
        let canonical = bytes(value, "canonical");
        let tag = reference::namespace_tag(&instance, &canonical);
        assert_eq!(cipher.namespace_tag().as_bytes(), &tag);
        let wrapped = store.row(cipher.namespace_tag()).unwrap();
        let key = reference::unwrap(&root_bytes, tag, &wrapped).unwrap();
        assert_eq!(reference::wrap(&root_bytes, *wrapped[5..].first_chunk().unwrap(), tag, &key), wrapped);
        for case in items(value, "records") {
            check_sealed(&*cipher, &key, &canonical, case);
        }
    }
}

/// Seals the content and the header of `case`, and has the second implementation open it and seal it again under the same nonce.
fn check_sealed(cipher: &dyn NamespaceCipher, key: &reference::Key, canonical: &[u8], case: &Value) {
    let name = SecretName::new(text(case, "name").to_owned()).expect("a legal name");
    let payload = Plaintext::new(text(case, "payload").to_owned()).expect("a legal payload");
    let mut row = row(case);
    row.scope = cipher.scope_tag(&scope(case));
    row.name = cipher.name_tag(row.scope, &name);
    let user = case["user"].as_str();
    assert_eq!(*row.scope.as_bytes(), reference::scope_tag(key, canonical, user), "{case}");
    let name_tag = reference::name_tag(key, canonical, *row.scope.as_bytes(), name.as_str());
    assert_eq!(*row.name.as_bytes(), name_tag, "{case}");
    let sealed = cipher.seal(&scope(case), &name, &payload, &row.header).expect("the system gives randomness");
    let sealed = sealed.as_bytes();
    let plaintext = reference::open_record(key, canonical, &columns(&row), sealed).expect("the record opens");
    assert_eq!(hex(&plaintext), text(case, "plaintext"));
    let nonce = *sealed[1..].first_chunk().expect("a record holds a nonce");
    assert_eq!(reference::seal_record(key, canonical, &columns(&row), nonce, &plaintext), sealed, "{case}");
}

#[test]
fn rule_8_2_and_17_5_signatures_are_hmac_over_time_and_text() {
    let vectors = published();
    for case in items(&vectors, "signatures") {
        let timestamp = case["timestamp"].as_i64().unwrap();
        let signature = sign_payload(text(case, "secret").as_bytes(), timestamp, text(case, "text").as_bytes());
        assert_eq!(signature, text(case, "signature"), "{case}");
    }
}

#[tokio::test]
async fn a_wrong_root_key_says_which_one_is_needed() {
    let vectors = published();
    let other = RootKey::generate().unwrap();
    let has = other.id().to_string();
    let provider: Arc<dyn KeyProvider> = Arc::new(other);
    let Err(error) = Instance::open(provider, store(&vectors)).await else { panic!("opened under another root key") };
    let needs = text(&vectors, "root_key_id");
    let expected = format!(
        "this data was sealed under root key {needs}, the root key given is {has}: give the one that belongs to this data"
    );
    assert_eq!(error.to_string(), expected);
}
