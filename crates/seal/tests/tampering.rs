//! Whatever is changed in a row, it does not open; whatever differs between two places, their tags do.

mod support;

use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use cholla_domain::error::SealError;
use cholla_domain::id::{SecretId, UserId};
use cholla_domain::name::SecretName;
use cholla_domain::payload::{Plaintext, Sealed};
use cholla_domain::place::{Namespace, Scope};
use cholla_domain::ports::{DirectoryCipher, NamespaceCipher, NamespaceKeys, Revision};
use cholla_domain::principal::Reach;
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{NameTag, RecordVersion, ScopeTag};
use cholla_domain::time::Timestamp;
use cholla_seal::{Instance, Keyring, RootKey};
use proptest::prelude::*;
use tokio::runtime::Runtime;

use crate::support::{Memory, keyring, namespace};

struct World {
    runtime: Runtime,
    keyring: Keyring,
    instance: Instance,
}

/// One keyring for all cases: what it creates stays distinct.
static WORLD: LazyLock<World> = LazyLock::new(|| {
    let runtime = Runtime::new().expect("a runtime starts");
    let root = Arc::new(RootKey::generate().expect("the system gives randomness"));
    let store = Arc::new(Memory::default());
    let keyring = runtime.block_on(keyring(root.clone(), store.clone()));
    let instance = runtime.block_on(Instance::open(root, store)).expect("the instance key opens");
    World { runtime, keyring, instance }
});

fn cipher(namespace: &Namespace) -> Arc<dyn NamespaceCipher> {
    WORLD
        .runtime
        .block_on(WORLD.keyring.find_or_create(namespace, Revision(0)))
        .expect("the store is in memory")
        .expect("nothing closes it")
}

fn namespaces() -> impl Strategy<Value = Namespace> {
    ("[ab]{0,2}", "[ab]{0,2}", any::<bool>())
        .prop_map(|(developer, account, live)| namespace(&developer, &account, live))
}

fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![Just(Scope::Account), "[ab\0]{0,3}".prop_map(|user| Scope::User(UserId::new(user)))]
}

fn names() -> impl Strategy<Value = SecretName> {
    "[ab]{1,3}|[^\0]{1,20}".prop_map(|name| SecretName::new(name).expect("names without NUL are legal"))
}

fn headers() -> impl Strategy<Value = RecordHeader> {
    let id = "[A-Za-z0-9]{30}".prop_map(|suffix| SecretId::from_suffix(suffix.as_bytes()).expect("30 alphanumerics"));
    let expiry = proptest::option::of(prop_oneof![0..3i64, any::<i64>()]);
    (id, any::<[u8; 16]>(), prop_oneof![0..3i64, any::<i64>()], expiry).prop_map(|(id, version, created, expires)| {
        RecordHeader {
            id,
            version: RecordVersion::from_bytes(version),
            created_at: Timestamp::from_unix(created),
            expires_at: expires.map(Timestamp::from_unix),
        }
    })
}

/// Kind, context and plaintext of an entry.
fn entries() -> impl Strategy<Value = (u8, Vec<u8>, Vec<u8>)> {
    (0..3u8, prop::collection::vec(0..2u8, 0..45), prop::collection::vec(any::<u8>(), 0..60))
}

fn sealed_entry((kind, context, plaintext): &(u8, Vec<u8>, Vec<u8>)) -> Vec<u8> {
    let sealed = WORLD.instance.seal_entry(*kind, context, plaintext).expect("the system gives randomness");
    sealed.as_bytes().to_vec()
}

fn is_refused_entry(kind: u8, context: &[u8], sealed: &[u8]) -> bool {
    matches!(WORLD.instance.open_entry(kind, context, sealed), Err(SealError::Tampered))
}

/// A row as a set would write it.
fn rows() -> impl Strategy<Value = (Namespace, StoredSecret)> {
    (namespaces(), scopes(), names(), "[^\0]{1,40}", headers()).prop_map(|(namespace, scope, name, payload, header)| {
        let cipher = cipher(&namespace);
        let payload = Plaintext::new(payload).expect("payloads without NUL are legal");
        let sealed = cipher.seal(&scope, &name, &payload, &header).expect("the system gives randomness");
        let scope = cipher.scope_tag(&scope);
        (namespace, StoredSecret { scope, name: cipher.name_tag(scope, &name), header, sealed })
    })
}

fn is_refused(namespace: &Namespace, row: &StoredSecret) -> bool {
    matches!(cipher(namespace).open(row), Err(SealError::Tampered))
}

proptest! {
    #[test]
    fn a_record_opens_in_its_own_row((namespace, row) in rows()) {
        prop_assert!(cipher(&namespace).open(&row).is_ok());
    }

    #[test]
    fn any_flipped_bit_fails_to_open((namespace, row) in rows(), bit: prop::sample::Index) {
        let mut bytes = row.sealed.as_bytes().to_vec();
        let bit = bit.index(8 * bytes.len());
        bytes[bit / 8] ^= 1 << (bit % 8);
        let changed = StoredSecret { sealed: Sealed::assertion(bytes), ..row };
        prop_assert!(is_refused(&namespace, &changed));
    }

    #[test]
    fn any_other_length_fails_to_open((namespace, row) in rows(), end: prop::sample::Index, more in prop::collection::vec(any::<u8>(), 1..20)) {
        let bytes = row.sealed.as_bytes();
        let cut = bytes[..end.index(bytes.len())].to_vec();
        let long = [bytes, &more].concat();
        for bytes in [cut, long] {
            let changed = StoredSecret { sealed: Sealed::assertion(bytes), ..row.clone() };
            prop_assert!(is_refused(&namespace, &changed));
        }
    }

    #[test]
    fn rule_5_1_a_row_moved_to_another_namespace_fails_to_open((own, row) in rows(), other in namespaces()) {
        prop_assert_eq!(is_refused(&other, &row), own != other);
    }

    #[test]
    fn a_changed_column_fails_to_open((namespace, row) in rows(), (_, other) in rows(), which in 1..64u8) {
        let pick = |bit: u8| which & 1 << bit != 0;
        let mut changed = row.clone();
        if pick(0) { changed.scope = other.scope; }
        if pick(1) { changed.name = other.name; }
        if pick(2) { changed.header.id = other.header.id; }
        if pick(3) { changed.header.version = other.header.version; }
        if pick(4) { changed.header.created_at = other.header.created_at; }
        if pick(5) { changed.header.expires_at = other.header.expires_at; }
        prop_assert_eq!(is_refused(&namespace, &changed), changed != row);
    }

    #[test]
    fn a_flipped_bit_in_a_tag_or_version_fails_to_open((namespace, row) in rows(), bit in 0..128usize) {
        let flip = |bytes: &[u8; 16]| {
            let mut bytes = *bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            bytes
        };
        let version = RecordVersion::from_bytes(flip(row.header.version.as_bytes()));
        for changed in [
            StoredSecret { scope: ScopeTag::from_bytes(flip(row.scope.as_bytes())), ..row.clone() },
            StoredSecret { name: NameTag::from_bytes(flip(row.name.as_bytes())), ..row.clone() },
            StoredSecret { header: RecordHeader { version, ..row.header }, ..row.clone() },
        ] {
            prop_assert!(is_refused(&namespace, &changed));
        }
    }

    #[test]
    fn tags_are_equal_where_places_are((left, right) in ((namespaces(), scopes(), names()), (namespaces(), scopes(), names()))) {
        let tags = |(namespace, scope, name): &(Namespace, Scope, SecretName)| {
            let cipher = cipher(namespace);
            let scope = cipher.scope_tag(scope);
            (cipher.namespace_tag(), scope, cipher.name_tag(scope, name))
        };
        let (a, b) = (tags(&left), tags(&right));
        prop_assert_eq!(a.0 == b.0, left.0 == right.0);
        prop_assert_eq!(a.1 == b.1, (&left.0, &left.1) == (&right.0, &right.1));
        prop_assert_eq!(a.2 == b.2, left == right);
    }

    #[test]
    fn rule_7_4_fingerprints_are_equal_where_sequences_are(
        left in prop::collection::vec(prop::collection::vec(0..2u8, 0..3), 0..4),
        right in prop::collection::vec(prop::collection::vec(0..2u8, 0..3), 0..4),
    ) {
        let cipher = cipher(&namespace("a", "b", false));
        let fingerprint = |fields: &[Vec<u8>]| {
            cipher.fingerprint(&fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        prop_assert_eq!(fingerprint(&left) == fingerprint(&right), left == right);
    }

    #[test]
    fn an_entry_opens_under_its_own_kind_and_context_only(entry in entries(), kind in 0..3u8, context in prop::collection::vec(0..2u8, 0..45)) {
        let sealed = sealed_entry(&entry);
        prop_assert_eq!(&*WORLD.instance.open_entry(entry.0, &entry.1, &sealed).unwrap(), &entry.2);
        for (kind, context) in [(kind, &entry.1), (entry.0, &context), (kind, &context)] {
            let own = (kind, context) == (entry.0, &entry.1);
            prop_assert_eq!(is_refused_entry(kind, context, &sealed), !own);
        }
    }

    #[test]
    fn any_flipped_bit_or_other_length_of_an_entry_fails_to_open(
        entry in entries(), bit: prop::sample::Index, end: prop::sample::Index, more in prop::collection::vec(any::<u8>(), 1..20),
    ) {
        let sealed = sealed_entry(&entry);
        let mut flipped = sealed.clone();
        let bit = bit.index(8 * sealed.len());
        flipped[bit / 8] ^= 1 << (bit % 8);
        let cut = sealed[..end.index(sealed.len())].to_vec();
        for bytes in [flipped, cut, [sealed, more].concat()] {
            prop_assert!(is_refused_entry(entry.0, &entry.1, &bytes));
        }
    }

    #[test]
    fn record_tags_are_equal_where_kinds_and_sequences_are(
        left in (0..2u8, prop::collection::vec(prop::collection::vec(0..2u8, 0..3), 0..4)),
        right in (0..2u8, prop::collection::vec(prop::collection::vec(0..2u8, 0..3), 0..4)),
    ) {
        let tag = |(kind, fields): &(u8, Vec<Vec<u8>>)| {
            WORLD.instance.record_tag(*kind, &fields.iter().map(Vec::as_slice).collect::<Vec<_>>())
        };
        prop_assert_eq!(tag(&left) == tag(&right), left == right);
    }

    #[test]
    fn rule_7_4_idempotency_tags_are_equal_where_reach_and_key_are(
        left in (proptest::option::of("[ab]{0,2}"), "[ab]{0,2}"), right in (proptest::option::of("[ab]{0,2}"), "[ab]{0,2}"),
    ) {
        let cipher = cipher(&namespace("a", "b", false));
        let tag = |(user, key): &(Option<String>, String)| {
            let reach = user.as_ref().map_or(Reach::Backend, |user| Reach::Extension(UserId::new(user.as_str())));
            cipher.idempotency_tag(&reach, key)
        };
        prop_assert_eq!(tag(&left) == tag(&right), left == right);
    }
}

#[test]
fn tags_of_different_kinds_never_meet() {
    let cipher = cipher(&namespace("a", "b", false));
    let scope = cipher.scope_tag(&Scope::Account);
    let (name, reach) = (SecretName::new("k".to_owned()).unwrap(), Reach::Extension(UserId::new("k")));
    let tags = [
        *scope.as_bytes(),
        *cipher.scope_tag(&Scope::User(UserId::new("k"))).as_bytes(),
        *cipher.name_tag(scope, &name).as_bytes(),
        *cipher.idempotency_tag(&Reach::Backend, "k").as_bytes(),
        *cipher.idempotency_tag(&reach, "k").as_bytes(),
        *cipher.fingerprint(&[]).as_bytes(),
        *cipher.fingerprint(&[b"k"]).as_bytes(),
        *cipher.namespace_tag().as_bytes(),
    ];
    assert_eq!(HashSet::from(tags).len(), tags.len());
}

#[test]
fn the_same_record_is_never_sealed_alike() {
    let cipher = cipher(&namespace("a", "b", false));
    let header = RecordHeader {
        id: SecretId::from_suffix(&[b'a'; 30]).unwrap(),
        version: RecordVersion::from_bytes([0; 16]),
        created_at: Timestamp::from_unix(0),
        expires_at: None,
    };
    let (name, payload) = (SecretName::new("n".to_owned()).unwrap(), Plaintext::new("p".to_owned()).unwrap());
    let seal = || cipher.seal(&Scope::Account, &name, &payload, &header).unwrap().as_bytes().to_vec();
    let sealed: HashSet<_> = (0..100).map(|_| seal()).collect();
    assert_eq!(sealed.len(), 100);
}

#[test]
fn installations_share_no_key() {
    let entry = (1, b"context".to_vec(), b"plaintext".to_vec());
    let sealed = sealed_entry(&entry);
    let root = Arc::new(RootKey::generate().unwrap());
    let other = WORLD.runtime.block_on(Instance::open(root, Arc::new(Memory::default()))).unwrap();
    assert!(matches!(other.open_entry(1, b"context", &sealed), Err(SealError::Tampered)));
    assert_ne!(other.record_tag(1, &[b"a"]), WORLD.instance.record_tag(1, &[b"a"]));
    assert_ne!(other.receipts().public_key(), WORLD.instance.receipts().public_key());
    let same: HashSet<_> = (0..100).map(|_| sealed_entry(&entry)).collect();
    assert_eq!(same.len(), 100, "the same entry is never sealed alike");
}

/// Somebody who can write to the store gives one namespace the wrapped key of another.
#[test]
fn a_wrapped_key_moved_to_another_namespace_fails_to_unwrap() {
    let store = Arc::new(Memory::default());
    let (one, two) = (namespace("a", "b", false), namespace("a", "b", true));
    let refused = WORLD.runtime.block_on(async {
        let keyring = &keyring(Arc::new(RootKey::generate().unwrap()), store.clone()).await;
        let tag = |namespace| async move {
            keyring.find_or_create(namespace, Revision(0)).await.unwrap().unwrap().namespace_tag()
        };
        let (one_tag, two_tag) = (tag(&one).await, tag(&two).await);
        store.put(two_tag, store.row(one_tag));
        keyring.forget_all();
        assert!(keyring.find(&one).await.is_ok());
        [keyring.find(&two).await.err(), keyring.find_or_create(&two, Revision(0)).await.err()]
    });
    assert!(matches!(refused, [Some(SealError::Tampered), Some(SealError::Tampered)]), "{refused:?}");
}
