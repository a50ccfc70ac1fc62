//! What every store promises of erasure and of its inventory.

use cholla_domain::id::{SecretId, UserId};
use cholla_domain::place::{Scope, SealedPlace};
use cholla_domain::policy::{Action, Read, Write};
use cholla_domain::ports::{
    Closing, CommitOutcome, DeleteOutcome, Deletion, DirectoryCommit, ErasedCounts, Judgement, NamespaceCounts,
    NewSecret, Revision, SecretRead, SetOutcome, WrappedKey,
};
use cholla_domain::tag::{ErasureId, NameTag, RecordTag, ScopeTag};

use crate::cipher::place_of_generation;
use crate::entropy::SeededEntropy;
use crate::store_directory::{change, record_key, sealed_text};
use crate::store_notices::namespace_tag;
use crate::store_outbox::delivery;
use crate::store_suite::{Stores, at, deletion, expiring, idempotent, name_tag, new_secret, user_place, with_key};

fn erasure(number: u8) -> ErasureId {
    ErasureId::from_bytes([number; 16])
}

/// The scope of `user` in the test namespace of `account`, under its key number `generation`.
fn scope_of<A: Action>(account: &str, user: u64, generation: u32) -> SealedPlace<A> {
    place_of_generation(account, Scope::User(UserId::new(format!("usr_{user}"))), generation)
}

fn name(number: u64) -> NameTag {
    NameTag::from_bytes((u128::from(number) << 64).to_be_bytes())
}

fn erased(scopes: u64, secrets: u64) -> ErasedCounts {
    ErasedCounts { scopes, secrets }
}

impl Stores {
    async fn set_at(&self, at_place: &SealedPlace<Write>, number: u64) -> SetOutcome {
        let secret = NewSecret { name: name(number), ..new_secret("", "any", number, None, 100) };
        self.secrets.set(at_place, secret, at(100)).await.expect("the store answers")
    }

    /// Whether secret number `number` is found; read twice, so that the second time it may come from memory.
    async fn is_at(&self, at_place: &SealedPlace<Read>, number: u64) -> bool {
        let mut found = [false; 2];
        for found in &mut found {
            let secret = self.secrets.find(at_place, name(number), at(100)).await.expect("the store answers");
            *found = secret.is_some();
        }
        assert_eq!(found[0], found[1]);
        found[0]
    }

    /// Sets `secrets` in each of `scopes` scopes of a namespace's generation.
    async fn fill(&self, account: &str, generation: u32, scopes: u64, secrets: u64) {
        for user in 0..scopes {
            for number in 0..secrets {
                let place = scope_of(account, user, generation);
                assert_eq!(self.set_at(&place, number).await, SetOutcome::Done, "{account} {user} {number}");
                assert!(self.is_at(&scope_of(account, user, generation), number).await);
            }
        }
    }

    /// Closes a namespace with the change of revision `expects`.
    async fn destroy(&self, account: &str, under: ErasureId, expects: u64) {
        let commit = DirectoryCommit { closed: vec![self.closing(account, under).await], ..change(expects) };
        assert_eq!(self.commit(commit).await, CommitOutcome::Done);
    }

    /// The end of a namespace with the key that it has.
    pub async fn closing(&self, account: &str, erasure: ErasureId) -> Closing {
        let namespace = namespace_tag(account);
        Closing { namespace, key: self.keys.wrapped_key(namespace).await.expect("the store answers"), erasure }
    }

    async fn has_key(&self, account: &str) -> bool {
        self.keys.wrapped_key(namespace_tag(account)).await.expect("the store answers").is_some()
    }

    async fn count(&self, account: &str) -> (u64, u64) {
        let NamespaceCounts { scopes, secrets } =
            self.inventory.count(namespace_tag(account)).await.expect("the store answers");
        (scopes, secrets)
    }

    async fn scopes(&self, account: &str) -> Vec<ScopeTag> {
        self.inventory.scopes(namespace_tag(account), None, usize::MAX).await.expect("the store answers")
    }

    async fn erase_step(&self, under: ErasureId, max: u32) -> (ErasedCounts, bool) {
        self.erasures.erase_step(under, max).await.expect("the store answers")
    }
}

/// Contract 14.6: without its key a namespace is empty, and takes nothing that was sealed under it; with a new one it begins anew.
pub async fn rule_14_6_a_destroyed_namespace_begins_anew(stores: Stores) {
    assert_eq!(stores.keep_key("acct_a", b"one").await, b"one");
    assert_eq!(stores.keep_key("acct_b", b"two").await, b"two");
    stores.fill("acct_a", 0, 2, 3).await;
    stores.fill("acct_b", 0, 2, 2).await;
    let refused = DirectoryCommit { closed: vec![stores.closing("acct_a", erasure(1)).await], ..change(9) };
    assert_eq!(stores.commit(refused).await, CommitOutcome::Moved);
    assert!(stores.has_key("acct_a").await);
    stores.destroy("acct_a", erasure(1), 0).await;
    assert_eq!((stores.has_key("acct_a").await, stores.has_key("acct_b").await), (false, true));
    assert_eq!((stores.count("acct_a").await, stores.count("acct_b").await), ((0, 0), (2, 4)));
    assert_eq!(stores.scopes("acct_a").await, []);
    let late = scope_of("acct_a", 77, 0);
    assert_eq!(stores.set_at(&late, 1).await, SetOutcome::Overtaken, "nobody would erase it");
    assert_eq!(stores.keep_key("acct_a", b"three").await, b"three");
    assert_eq!(stores.keep_key("acct_a", b"four").await, b"three");
    assert_eq!(stores.count("acct_a").await, (0, 0));
    stores.fill("acct_a", 1, 1, 1).await;
    assert_eq!(stores.count("acct_a").await, (1, 1));
    assert_eq!(stores.scopes("acct_a").await, [scope_of::<Read>("acct_a", 0, 1).scope()]);
    stores.destroy("acct_none", erasure(2), 1).await;
    assert_eq!(stores.erase_step(erasure(2), 9).await, (erased(0, 0), true), "it had no key");
}

/// Contract 14.6 and 14.8: what was judged before a namespace was closed, with a key or without, gives it none and writes nothing; what was
/// judged before a user was offboarded writes nothing to that user's scopes.
pub async fn rule_14_6_and_14_8_what_is_closed_takes_nothing_that_was_judged_before(stores: Stores) {
    let judged = |revision, user: Option<u8>| Judgement {
        at: Revision(revision),
        user: user.map(|user| RecordTag::from_bytes([user; 16])),
    };
    let keep = async |account: &str, key: &[u8], revision| {
        let kept = stores.keys.keep_wrapped_key(namespace_tag(account), WrappedKey(key.to_vec()), Revision(revision));
        kept.await.expect("the store answers").map(|key| key.0)
    };
    let set = async |account: &str, number, judged| {
        let secret = NewSecret { name: name(number), judged, ..new_secret("", "any", number, None, 100) };
        stores.secrets.set(&scope_of(account, 1, 0), secret, at(100)).await.expect("the store answers")
    };
    let delete = async |number, judged| {
        let deletion = Deletion { name: name(number), judged, ..deletion("", "any") };
        stores.secrets.delete(&scope_of("acct_b", 1, 0), deletion, at(100)).await.expect("the store answers")
    };
    assert_eq!(keep("acct_b", b"two", 0).await, Some(b"two".to_vec()));
    // Closed without a key by revision 1, and again by revision 2.
    stores.destroy("acct_a", erasure(1), 0).await;
    assert_eq!(keep("acct_a", b"one", 0).await, None);
    stores.destroy("acct_a", erasure(1), 1).await;
    assert_eq!((keep("acct_a", b"one", 1).await, stores.has_key("acct_a").await), (None, false));
    assert_eq!(keep("acct_a", b"one", 2).await, Some(b"one".to_vec()));
    assert_eq!(keep("acct_a", b"other", 1).await, None, "even though there is one");
    for (revision, expected) in
        [(0, SetOutcome::Overtaken), (1, SetOutcome::Overtaken), (2, SetOutcome::Done), (9, SetOutcome::Done)]
    {
        assert_eq!(set("acct_a", revision, judged(revision, None)).await, expected, "judged at {revision}");
        assert_eq!(stores.is_at(&scope_of("acct_a", 1, 0), revision).await, expected == SetOutcome::Done);
        assert_eq!(set("acct_b", revision, judged(revision, Some(7))).await, SetOutcome::Done, "another namespace");
    }
    // Whoever found another key than there is now, or none, has to look again: nothing is written.
    for key in [None, Some(WrappedKey(b"other".to_vec()))] {
        let closed = vec![Closing { key, ..stores.closing("acct_a", erasure(2)).await }];
        let commit = DirectoryCommit { closed, puts: vec![(record_key(1, 1), sealed_text("a"))], ..change(2) };
        assert_eq!(stores.commit(commit).await, CommitOutcome::KeyMoved);
        assert_eq!((stores.records(1).0.len(), stores.records(1).1, stores.has_key("acct_a").await), (0, 2, true));
    }
    // User 7 of some account is offboarded by revision 3.
    let offboarded = vec![RecordTag::from_bytes([7; 16])];
    assert_eq!(stores.commit(DirectoryCommit { offboarded, ..change(2) }).await, CommitOutcome::Done);
    assert_eq!(set("acct_b", 20, judged(2, Some(7))).await, SetOutcome::Overtaken);
    assert_eq!(delete(9, judged(2, Some(7))).await, DeleteOutcome::Overtaken);
    assert_eq!(set("acct_b", 21, judged(2, Some(8))).await, SetOutcome::Done, "another user");
    assert_eq!(set("acct_b", 22, judged(2, None)).await, SetOutcome::Done, "the account's scope");
    assert!(matches!(delete(9, judged(3, Some(7))).await, DeleteOutcome::Deleted(_)));
    assert_eq!(set("acct_b", 23, judged(3, Some(7))).await, SetOutcome::Done, "what comes after is the user's again");
    // Nothing is kept of what was overtaken.
    stores.destroy("acct_b", erasure(3), 3).await;
    let late = NewSecret { judged: judged(3, None), ..with_key(new_secret("", "any", 30, None, 100), 1, 1) };
    let outcome = stores.secrets.set(&scope_of("acct_b", 1, 0), late, at(100)).await.expect("the store answers");
    let kept = stores.secrets.kept(&scope_of("acct_b", 1, 0), idempotent(1, 1, 1).tag, at(100)).await;
    assert_eq!((outcome, kept.expect("the store answers")), (SetOutcome::Overtaken, None));
}

/// Contract 14.6: a step at a time, counted as it goes; what has been set since stays.
pub async fn rule_14_6_an_erasure_erases_its_generation_only(stores: Stores) {
    stores.keep_key("acct_a", b"one").await;
    stores.keep_key("acct_b", b"two").await;
    stores.fill("acct_a", 0, 20, 7).await;
    stores.fill("acct_b", 0, 1, 1).await;
    assert_eq!(stores.erase_step(erasure(1), 9).await, (erased(0, 0), true), "nothing was destroyed yet");
    stores.destroy("acct_a", erasure(1), 0).await;
    stores.keep_key("acct_a", b"three").await;
    stores.fill("acct_a", 1, 3, 2).await;
    assert_eq!(stores.erase_step(erasure(1), 10).await, (erased(2, 14), false));
    assert_eq!(stores.erase_step(erasure(1), 1).await, (erased(3, 21), false));
    assert_eq!(stores.erase_step(erasure(1), 110).await, (erased(19, 133), false));
    assert_eq!(stores.erase_step(erasure(1), 1_000).await, (erased(20, 140), true));
    assert_eq!(stores.erase_step(erasure(1), 1_000).await, (erased(20, 140), true));
    for user in 0..20 {
        for number in 0..7 {
            assert!(!stores.is_at(&scope_of("acct_a", user, 0), number).await, "user {user}, secret {number}");
        }
    }
    assert!(stores.is_at(&scope_of("acct_a", 2, 1), 1).await);
    assert!(stores.is_at(&scope_of("acct_b", 0, 0), 0).await);
    stores.erasures.forget_erasure(erasure(1)).await.expect("the store answers");
    assert_eq!(stores.erase_step(erasure(1), 1_000).await, (erased(0, 0), true));
    stores.destroy("acct_a", erasure(2), 1).await;
    stores.destroy("acct_b", erasure(2), 2).await;
    assert_eq!(stores.erase_step(erasure(2), 1_000).await, (erased(4, 7), true), "one erasure of two namespaces");
    stores.erasures.shred_log().await.expect("nobody reads");
}

/// The namespace keeps its key, and its other scopes their secrets.
pub async fn one_scope_is_erased_and_counted(stores: Stores) {
    stores.keep_key("acct_a", b"one").await;
    stores.fill("acct_a", 0, 3, 4).await;
    let namespace = namespace_tag("acct_a");
    let erase = async |namespace, user| {
        let scope = scope_of::<Read>("acct_a", user, 0).scope();
        stores.erasures.erase_scope(erasure(1), namespace, scope).await.expect("the store answers")
    };
    assert_eq!(erase(namespace_tag("acct_b"), 1).await, erased(0, 0), "it is not that namespace's");
    assert_eq!(erase(namespace, 1).await, erased(1, 4));
    assert_eq!(erase(namespace, 1).await, erased(1, 4));
    assert_eq!(erase(namespace, 2).await, erased(2, 8));
    assert_eq!(stores.count("acct_a").await, (1, 4));
    assert!(stores.is_at(&scope_of("acct_a", 0, 0), 3).await);
    assert!(!stores.is_at(&scope_of("acct_a", 1, 0), 3).await);
    assert_eq!(stores.set_at(&scope_of("acct_a", 1, 0), 1).await, SetOutcome::Done);
    assert_eq!(stores.count("acct_a").await, (2, 5));
}

/// Wherever its first secret comes from and its last one goes to.
pub async fn a_scope_is_listed_as_long_as_it_has_a_secret(stores: Stores) {
    assert_eq!(stores.put("usr_0", "unlisted", 1, 100).await, SetOutcome::Done);
    let stores = stores.with_key().await;
    let listed = async || {
        let scopes = stores.scopes("acct_suite").await;
        let users = ["", "usr_1", "usr_2"].into_iter();
        let count = stores.count("acct_suite").await;
        let found: Vec<_> = users.filter(|user| scopes.contains(&user_place::<Read>(user).scope())).collect();
        assert_eq!((count.0, scopes.len()), (found.len() as u64, found.len()));
        (found, count.1)
    };
    assert_eq!(listed().await, (vec![], 0));
    assert_eq!(stores.put("", "a", 1, 100).await, SetOutcome::Done);
    assert_eq!(stores.put("", "b", 2, 100).await, SetOutcome::Done);
    assert_eq!(stores.put("", "b", 3, 100).await, SetOutcome::Done);
    let secret = expiring(new_secret("usr_1", "a", 4, None, 100), 200);
    assert_eq!(stores.set("usr_1", secret, 100).await, SetOutcome::Done);
    let secret = expiring(new_secret("usr_2", "a", 5, None, 100), 200);
    assert_eq!(stores.set("usr_2", secret, 100).await, SetOutcome::Done);
    assert_eq!(listed().await, (vec!["", "usr_1", "usr_2"], 4));
    stores.delete("", deletion("", "a"), 100).await;
    assert_eq!(listed().await, (vec!["", "usr_1", "usr_2"], 3));
    stores.delete("", deletion("", "b"), 100).await;
    assert_eq!(listed().await, (vec!["usr_1", "usr_2"], 2));
    assert_eq!(stores.put("usr_1", "a", 6, 250).await, SetOutcome::Done);
    assert_eq!(listed().await, (vec!["usr_1", "usr_2"], 2));
    stores.maintenance.sweep(at(250), 10).await.expect("the store answers");
    assert_eq!(listed().await, (vec!["usr_1"], 1));
    assert_eq!(stores.put("", "a", 7, 250).await, SetOutcome::Done);
    assert_eq!(listed().await, (vec!["", "usr_1"], 2));
    let all = stores.scopes("acct_suite").await;
    assert!(all.is_sorted());
    let page = stores.inventory.scopes(namespace_tag("acct_suite"), None, 1).await.expect("the store answers");
    let rest = stores.inventory.scopes(namespace_tag("acct_suite"), Some(page[0]), 9).await.expect("the store answers");
    assert_eq!([page, rest].concat(), all);
    let secrets = stores.inventory.secrets(user_place::<Read>("").scope(), at(250)).await.expect("the store answers");
    assert_eq!(secrets, stores.list("", 250).await);
}

/// However the secret goes.
pub async fn a_read_day_is_erased_with_its_secret(stores: Stores) {
    let stores = stores.with_key().await;
    let scope = user_place::<Read>("").scope();
    let note = async |name: &str, day| {
        stores.note_read(name, day).await;
    };
    let days = async || {
        let days = stores.inventory.read_days(scope).await.expect("the store answers");
        let day = |name| days.iter().find(|(tag, _)| *tag == name_tag("", name)).map(|(_, day)| *day);
        (["a", "b", "c", "d"].map(day), days.len())
    };
    for (mark, name) in (1..).zip(["a", "b"]) {
        assert_eq!(stores.put("", name, mark, 100).await, SetOutcome::Done);
    }
    for (mark, name) in (3..).zip(["c", "d"]) {
        let secret = expiring(new_secret("", name, mark, None, 100), 200);
        assert_eq!(stores.set("", secret, 100).await, SetOutcome::Done);
    }
    note("none", 1).await;
    assert_eq!(days().await.1, 0);
    for (name, day) in [("a", 7), ("a", 7), ("a", 9), ("a", 8), ("b", 3), ("c", 4), ("d", 5)] {
        note(name, day).await;
    }
    assert_eq!(days().await, ([Some(9), Some(3), Some(4), Some(5)], 4));
    let other = SecretRead { scope, name: name_tag("", "a"), id: SecretId::draw(&SeededEntropy::new(9)), day: 11 };
    stores.inventory.note_reads(&[other]).await.expect("the store answers");
    assert_eq!(stores.put("", "a", 5, 100).await, SetOutcome::Done);
    stores.delete("", deletion("", "b"), 100).await;
    assert_eq!(days().await, ([Some(9), None, Some(4), Some(5)], 3));
    assert_eq!(stores.put("", "c", 6, 200).await, SetOutcome::Done);
    assert_eq!(days().await, ([Some(9), None, None, None], 1), "a new secret under an old name was never read");
    let erased = stores.erasures.erase_scope(erasure(1), namespace_tag("acct_suite"), scope).await;
    assert_eq!(erased.expect("the store answers").secrets, 2);
    assert_eq!(days().await.1, 0);
}

/// Dev mode's reset: whoever holds the directory of before notices.
pub async fn erasing_all_empties_the_platform_too(stores: Stores) {
    let stores = stores.with_key().await;
    stores.notices.keep_notices(true);
    let secret = expiring(new_secret("", "a", 1, None, 100), 200);
    assert_eq!(stores.set("", secret.clone(), 100).await, SetOutcome::Done);
    stores.notices.notice_expiring(at(1_000), at(100), 9).await.expect("the store answers");
    let scope = user_place::<Read>("").scope();
    stores.note_read("a", 7).await;
    stores.keep_key("acct_b", b"two").await;
    stores.fill("acct_b", 0, 2, 2).await;
    let commit = DirectoryCommit {
        puts: vec![(record_key(1, 1), sealed_text("a"))],
        deliveries: vec![delivery(1, 1, 100)],
        audit: vec![sealed_text("b")],
        closed: vec![stores.closing("acct_b", erasure(1)).await],
        ..change(0)
    };
    assert_eq!(stores.commit(commit.clone()).await, CommitOutcome::Done);
    stores.maintenance.erase_all().await.expect("the store answers");
    let (records, revision) = stores.records(2);
    assert_eq!((records.len(), revision), (0, 2));
    assert_eq!(stores.directory.audit(None, 9).await.expect("the store answers"), []);
    assert_eq!(stores.outbox.recent(None, 9).await.expect("the store answers"), []);
    assert_eq!(stores.notices.notices(9).await.expect("the store answers"), []);
    assert_eq!(stores.erase_step(erasure(1), 9).await, (erased(0, 0), true));
    assert_eq!(stores.inventory.read_days(scope).await.expect("the store answers"), []);
    assert!(!stores.has_key("acct_suite").await);
    assert_eq!((stores.count("acct_suite").await, stores.count("acct_b").await), ((0, 0), (0, 0)));
    assert_eq!(stores.set("", secret.clone(), 100).await, SetOutcome::Overtaken, "its key is destroyed");
    assert_eq!(stores.keep_key("acct_suite", b"another").await, b"another");
    assert_eq!(stores.set("", secret, 100).await, SetOutcome::Done);
    let notices = stores.notices.notices(9).await.expect("the store answers");
    assert_eq!(notices.len(), 1, "no expiry is in sight any more");
    assert_eq!(stores.commit(DirectoryCommit { closed: Vec::new(), ..commit }).await, CommitOutcome::Moved);
    let again = DirectoryCommit { puts: vec![(record_key(1, 1), sealed_text("c"))], ..change(2) };
    assert_eq!(stores.commit(again).await, CommitOutcome::Done);
    assert_eq!(stores.count("acct_suite").await, (1, 1));
}
