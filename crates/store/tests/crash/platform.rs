//! The directory's part: namespaces come and go, each with one change of the directory. A kill leaves each change whole or undone, and
//! what an erasure has counted is what it has erased.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use cholla_domain::id::UserId;
use cholla_domain::place::Scope;
use cholla_domain::policy::Write;
use cholla_domain::ports::{
    Closing, CommitOutcome, DirectoryCommit, DirectoryStore, ErasedCounts, ErasureStore, Inventory, NamespaceCounts,
    NewSecret, Outbox, RecordKey, Revision, SecretStore, SetOutcome, WrappedKey, WrappedKeyStore,
};
use cholla_domain::tag::{ErasureId, NameTag};
use cholla_store::sqlite::Store;
use cholla_testkit::cipher::place;
use cholla_testkit::store_directory::{change, record_key, sealed_text};
use cholla_testkit::store_notices::namespace_tag;
use cholla_testkit::store_outbox::{delivery, event};
use cholla_testkit::store_suite::{at, new_secret};

use crate::{NOW, say};

const SCOPES: u64 = 6;
const SECRETS: u64 = 4;
const ALL: ErasedCounts = ErasedCounts { scopes: SCOPES, secrets: SCOPES * SECRETS };

fn account(revision: u64) -> String {
    format!("acct_{revision}")
}

fn erasure(revision: u64) -> ErasureId {
    ErasureId::from_bytes(u128::from(revision).to_be_bytes())
}

/// The revision that a line says was acknowledged.
pub(crate) fn parse(line: &str) -> Option<u64> {
    line.strip_prefix("r ")?.parse().ok()
}

fn load(store: &Store) -> (BTreeMap<RecordKey, String>, u64) {
    let records = Mutex::new(BTreeMap::new());
    let take = |_, key, sealed: &[u8]| {
        records.lock().unwrap().insert(key, String::from_utf8(sealed.to_vec()).unwrap());
    };
    let Revision(revision) = store.load(2, &take).unwrap();
    (records.into_inner().unwrap(), revision)
}

/// Fills a namespace, destroys it with the next change, erases it, and so on with the next one.
pub(crate) async fn change_until_killed(store: Arc<Store>) {
    let (_, start) = load(&store);
    for revision in start.. {
        if revision > 0 {
            while !store.erase_step(erasure(revision - 1), 5).await.unwrap().1 {}
        }
        fill(&store, revision).await;
        let next = revision + 1;
        let commit = DirectoryCommit {
            puts: vec![
                (record_key(1, 0), sealed_text(&next.to_string())),
                (record_key(2, next), sealed_text(&"long ".repeat(usize::try_from(next % 400).unwrap()))),
            ],
            removals: vec![record_key(2, revision)],
            deliveries: vec![delivery(next, 1, NOW)],
            audit: vec![sealed_text(&next.to_string())],
            closed: vec![Closing {
                namespace: namespace_tag(&account(revision)),
                key: Some(key(revision)),
                erasure: erasure(revision),
            }],
            ..change(revision)
        };
        assert_eq!(store.commit(commit).await.unwrap(), CommitOutcome::Done);
        say(&format!("r {next}\n"));
    }
}

fn key(revision: u64) -> WrappedKey {
    WrappedKey(revision.to_be_bytes().repeat(10))
}

async fn fill(store: &Store, revision: u64) {
    let kept = store.keep_wrapped_key(namespace_tag(&account(revision)), key(revision), Revision(revision)).await;
    assert_eq!(kept.unwrap(), Some(key(revision)));
    for user in 0..SCOPES {
        let place = place::<Write>(&account(revision), Scope::User(UserId::new(format!("usr_{user}"))));
        for number in 0..SECRETS {
            let name = NameTag::from_bytes(u128::from(number).to_be_bytes());
            let replaces = store.header(&place, name, at(NOW)).await.unwrap();
            let secret = NewSecret { name, ..new_secret("", "any", number, replaces, NOW) };
            assert_eq!(store.set(&place, secret, at(NOW)).await.unwrap(), SetOutcome::Done);
        }
    }
}

/// Looks whether everything is at one revision, which no acknowledged one is after; answers it. Every second time the interrupted erasure
/// is left to the next child.
pub(crate) async fn look(store: &Store, round: u64, acknowledged: u64) -> u64 {
    let (records, revision) = load(store);
    assert!((acknowledged..=acknowledged + 1).contains(&revision), "round {round}: {revision} after {acknowledged}");
    let audit = store.audit(None, usize::MAX).await.unwrap();
    assert_eq!(audit.len() as u64, revision, "round {round}");
    assert_eq!(store.deliveries(event(revision + 1)).await.unwrap(), [], "round {round}");
    if revision == 0 {
        assert!(records.is_empty(), "round {round}");
        return revision;
    }
    assert_eq!(audit[0].2, sealed_text(&revision.to_string()), "round {round}");
    assert_eq!(store.deliveries(event(revision)).await.unwrap().len(), 1, "round {round}");
    let keys: Vec<_> = records.keys().copied().collect();
    assert_eq!(keys, [record_key(1, 0), record_key(2, revision)], "round {round}");
    assert_eq!(records[&record_key(1, 0)], revision.to_string(), "round {round}");
    let destroyed = namespace_tag(&account(revision - 1));
    assert_eq!(store.wrapped_key(destroyed).await.unwrap(), None, "round {round}");
    assert_eq!(store.count(destroyed).await.unwrap(), NamespaceCounts::default(), "round {round}");
    for earlier in 1..revision {
        assert_eq!(store.erase_step(erasure(earlier - 1), 1).await.unwrap(), (ALL, true), "round {round}");
    }
    if round.is_multiple_of(2) {
        assert_eq!(store.erase_step(erasure(revision - 1), 1_000).await.unwrap(), (ALL, true), "round {round}");
    }
    revision
}
