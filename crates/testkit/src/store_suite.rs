//! One suite for every store: each rule that the storage ports promise, as a function over a fresh store.
//!
//! [`store_suite!`](macro@crate::store_suite) stamps the functions as tests on a factory of stores.

use std::any::Any;
use std::fmt::Debug;
use std::sync::Arc;

use cholla_domain::id::{RequestId, SecretId, UserId};
use cholla_domain::idempotency::{IdempotentRequest, KeptRecord, KeptResult};
use cholla_domain::limits::{IDEMPOTENCY_KEPT_SECONDS, SECRETS_PER_SCOPE_MAX};
use cholla_domain::name::SecretName;
use cholla_domain::payload::Sealed;
use cholla_domain::place::{Scope, SealedPlace};
use cholla_domain::policy::{Action, Read, Write};
use cholla_domain::ports::{
    DeleteOutcome, Deletion, Maintenance, NamespaceCipher, NewSecret, SecretStore, SetOutcome, Swept, WrappedKey,
    WrappedKeyStore,
};
use cholla_domain::precondition::{IfMatch, Precondition};
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{Fingerprint, IdempotencyTag, NameTag, NamespaceTag, RecordVersion};
use cholla_domain::time::Timestamp;

use crate::cipher::{TransparentCipher, backend, place};
use crate::entropy::SeededEntropy;

/// Stamps every function of the suite as a test on `$factory`, a function that gives fresh [`Stores`].
#[macro_export]
macro_rules! store_suite {
    ($factory:path) => {
        $crate::store_suite!($factory:
            rule_4_1_a_replacement_keeps_its_place,
            rule_4_2_the_eleventh_is_refused,
            rule_4_2_concurrent_sets_leave_exactly_ten,
            rule_4_2_expired_secrets_leave_room,
            rule_4_4_gone_from_the_very_second,
            rule_4_4_a_set_on_an_expired_name_creates,
            rule_4_5_lists_are_newest_first,
            rule_4_5_delete_answers_what_it_deleted,
            rule_5_1_namespaces_do_not_meet,
            rule_7_4_each_finished_result_is_kept,
            rule_7_4_the_first_fingerprint_stays,
            rule_7_4_kept_for_a_day,
            rule_7_4_concurrent_retries_have_one_effect,
            rule_9_1_preconditions_are_decided_on_what_is_live,
            checks_come_in_their_order,
            a_moved_set_keeps_nothing,
            the_first_wrapped_key_stays,
            sweeping_erases_what_is_gone_and_no_more,
            erasing_all_leaves_the_instance_key,
            a_probe_changes_nothing,
            readers_never_go_back,
            any_sequence_is_answered_as_by_the_oracle,
        );
    };
    ($factory:path: $($rule:ident,)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $rule() {
                $crate::store_suite::$rule($factory()).await;
            }
        )*
    };
}

pub use crate::store_model::any_sequence_is_answered_as_by_the_oracle;
pub use crate::store_readers::readers_never_go_back;

/// One store behind each of its ports, and whatever has to live as long as it does (such as its directory).
pub struct Stores {
    /// Sealed records.
    pub secrets: Arc<dyn SecretStore>,
    /// Wrapped keys.
    pub keys: Arc<dyn WrappedKeyStore>,
    /// The sweeper's port.
    pub maintenance: Arc<dyn Maintenance>,
    _companion: Box<dyn Any + Send + Sync>,
}

impl Debug for Stores {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stores")
    }
}

impl Stores {
    /// `store` behind each of its ports; `companion` is dropped after it.
    pub fn new<S>(store: S, companion: impl Any + Send + Sync) -> Self
    where
        S: SecretStore + WrappedKeyStore + Maintenance + 'static,
    {
        let store = Arc::new(store);
        Self { secrets: store.clone(), keys: store.clone(), maintenance: store, _companion: Box::new(companion) }
    }

    /// Sets, and expects an answer.
    pub async fn set(&self, user: &str, secret: NewSecret, now: i64) -> SetOutcome {
        self.secrets.set(&user_place(user), secret, at(now)).await.expect("the store answers")
    }

    /// Deletes, and expects an answer.
    pub async fn delete(&self, user: &str, deletion: Deletion, now: i64) -> DeleteOutcome {
        self.secrets.delete(&user_place(user), deletion, at(now)).await.expect("the store answers")
    }

    /// Finds, and expects an answer.
    pub async fn find(&self, user: &str, name: &str, now: i64) -> Option<StoredSecret> {
        let found = self.secrets.find(&user_place(user), name_tag(user, name), at(now)).await;
        found.expect("the store answers").map(Arc::unwrap_or_clone)
    }

    /// The header under a name; an answer is expected.
    pub async fn header(&self, user: &str, name: &str, now: i64) -> Option<RecordHeader> {
        let header = self.secrets.header(&user_place(user), name_tag(user, name), at(now)).await;
        header.expect("the store answers")
    }

    /// Lists, and expects an answer.
    pub async fn list(&self, user: &str, now: i64) -> Vec<StoredSecret> {
        self.secrets.list(&user_place(user), at(now)).await.expect("the store answers")
    }

    /// Sets `name` as [`domain::set`](cholla_domain::set::set) does: on top of what is live.
    pub async fn put(&self, user: &str, name: &str, mark: u64, now: i64) -> SetOutcome {
        let replaces = self.header(user, name, now).await;
        self.set(user, new_secret(user, name, mark, replaces, now), now).await
    }
}

/// The moment `seconds` after the epoch.
pub fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

fn scope(user: &str) -> Scope {
    if user.is_empty() { Scope::Account } else { Scope::User(UserId::new(user)) }
}

/// The scope of `user`, or of the account when it is empty, in one namespace of the suite's own.
pub fn user_place<A: Action>(user: &str) -> SealedPlace<A> {
    place("acct_suite", scope(user))
}

/// The keyed hash of `name` there.
pub fn name_tag(user: &str, name: &str) -> NameTag {
    let cipher = TransparentCipher::new(&backend("acct_suite").namespace);
    let name = SecretName::new(name.to_owned()).expect("names of the suite are legal");
    cipher.name_tag(cipher.scope_tag(&scope(user)), &name)
}

/// A version that says `mark`.
pub fn version(mark: u64) -> RecordVersion {
    RecordVersion::from_bytes(u128::from(mark).to_be_bytes())
}

/// A record whose version and sealed bytes say `mark`; its id is that of what it replaces, or drawn from `mark`.
pub fn new_secret(user: &str, name: &str, mark: u64, replaces: Option<RecordHeader>, now: i64) -> NewSecret {
    let (id, created_at) = replaces
        .map_or_else(|| (SecretId::draw(&SeededEntropy::new(mark)), at(now)), |header| (header.id, header.created_at));
    NewSecret {
        name: name_tag(user, name),
        header: RecordHeader { id, version: version(mark), created_at, expires_at: None },
        replaces,
        sealed: sealed(mark),
        precondition: Precondition::default(),
        idempotency: None,
    }
}

/// Sealed bytes that say `mark`; one in eight is too long for one page of a database.
fn sealed(mark: u64) -> Sealed {
    let length = if mark.is_multiple_of(8) { 9_000 } else { 100 };
    let mut bytes = mark.to_be_bytes().to_vec();
    bytes.resize(length, u8::try_from(mark % 251).expect("a remainder of 251 fits a byte"));
    Sealed::assertion(bytes)
}

/// A delete without conditions.
pub fn deletion(user: &str, name: &str) -> Deletion {
    Deletion { name: name_tag(user, name), precondition: Precondition::default(), idempotency: None }
}

/// A request under the idempotency key number `key`, with the parameters number `parameters`.
pub fn idempotent(key: u64, parameters: u64, request: u64) -> IdempotentRequest {
    IdempotentRequest {
        tag: IdempotencyTag::from_bytes(u128::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c).to_be_bytes()),
        fingerprint: Fingerprint::from_bytes(u128::from(parameters).to_be_bytes()),
        request: RequestId::draw(&SeededEntropy::new(request)),
    }
}

fn expiring(mut secret: NewSecret, expires_at: i64) -> NewSecret {
    secret.header.expires_at = Some(at(expires_at));
    secret
}

fn with_key(mut secret: NewSecret, key: u64, parameters: u64) -> NewSecret {
    secret.idempotency = Some(idempotent(key, parameters, parameters));
    secret
}

fn marks(rows: &[StoredSecret]) -> Vec<u64> {
    rows.iter().map(mark).collect()
}

fn mark(row: &StoredSecret) -> u64 {
    let (first, _) = row.sealed.as_bytes().split_first_chunk().expect("every record of the suite begins with its mark");
    u64::from_be_bytes(*first)
}

/// Contract 4.1.
pub async fn rule_4_1_a_replacement_keeps_its_place(stores: Stores) {
    for (mark, name) in (1..).zip(["a", "b", "c"]) {
        assert_eq!(stores.put("", name, mark, 100).await, SetOutcome::Done);
    }
    let first = stores.find("", "a", 100).await.expect("it was set");
    let secret = expiring(new_secret("", "a", 16, Some(first.header), 200), 1_000);
    assert_eq!(stores.set("", secret.clone(), 200).await, SetOutcome::Done);
    let found = stores.find("", "a", 200).await.expect("it was replaced");
    assert_eq!((found.header, &found.sealed), (secret.header, &secret.sealed));
    assert_eq!((found.header.id, found.header.created_at), (first.header.id, first.header.created_at));
    assert_eq!(stores.header("", "a", 200).await, Some(secret.header));
    assert_eq!(marks(&stores.list("", 200).await), [3, 2, 16]);
    // Without an expiry the next one clears it.
    assert_eq!(stores.put("", "a", 17, 300).await, SetOutcome::Done);
    assert_eq!(stores.find("", "a", 5_000).await.map(|row| mark(&row)), Some(17));
}

/// Contract 4.2.
pub async fn rule_4_2_the_eleventh_is_refused(stores: Stores) {
    for mark in 1..=10 {
        assert_eq!(stores.put("", &mark.to_string(), mark, 100).await, SetOutcome::Done);
    }
    assert_eq!(stores.put("", "11", 11, 100).await, SetOutcome::ScopeFull);
    assert_eq!(stores.find("", "11", 100).await, None);
    assert_eq!(stores.put("", "5", 12, 100).await, SetOutcome::Done, "replacing works at ten of ten");
    assert_eq!(stores.put("usr_1", "11", 13, 100).await, SetOutcome::Done, "another scope has its own ten");
    assert!(matches!(stores.delete("", deletion("", "1"), 100).await, DeleteOutcome::Deleted(_)));
    assert_eq!(stores.put("", "11", 14, 100).await, SetOutcome::Done);
    assert_eq!(marks(&stores.list("", 100).await), [14, 10, 9, 8, 7, 6, 12, 4, 3, 2]);
}

/// Contract 4.2.
pub async fn rule_4_2_concurrent_sets_leave_exactly_ten(stores: Stores) {
    let stores = Arc::new(stores);
    let mut tasks = tokio::task::JoinSet::new();
    for mark in 0..64_u64 {
        let stores = Arc::clone(&stores);
        tasks.spawn(async move { stores.set("", new_secret("", &mark.to_string(), mark, None, 100), 100).await });
    }
    let outcomes = tasks.join_all().await;
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    assert_eq!((count(SetOutcome::Done), count(SetOutcome::ScopeFull)), (10, 54));
    assert_eq!(stores.list("", 100).await.len(), 10);
}

/// Contract 4.2 with 4.4.
pub async fn rule_4_2_expired_secrets_leave_room(stores: Stores) {
    for round in 0..5 {
        let now = 100 * i64::try_from(round).expect("small");
        for slot in 0..10 {
            let mark = 10 * round + slot;
            let secret = expiring(new_secret("", &mark.to_string(), mark, None, now), now + 50);
            assert_eq!(stores.set("", secret, now).await, SetOutcome::Done, "{mark}");
        }
        assert_eq!(stores.put("", "more", 1_000 + round, now + 49).await, SetOutcome::ScopeFull);
        assert_eq!(stores.list("", now + 49).await.len(), SECRETS_PER_SCOPE_MAX);
        assert_eq!(stores.list("", now + 50).await, []);
    }
}

/// Contract 4.4.
pub async fn rule_4_4_gone_from_the_very_second(stores: Stores) {
    let secret = expiring(new_secret("", "a", 1, None, 100), 200);
    assert_eq!(stores.set("", secret.clone(), 100).await, SetOutcome::Done);
    for (now, there) in [(100, true), (199, true), (200, false), (201, false), (199, true)] {
        assert_eq!(stores.find("", "a", now).await.is_some(), there, "find at {now}");
        assert_eq!(stores.header("", "a", now).await.is_some(), there, "header at {now}");
        assert_eq!(stores.list("", now).await.len(), usize::from(there), "list at {now}");
    }
    assert_eq!(stores.delete("", deletion("", "a"), 200).await, DeleteOutcome::NotFound);
    assert!(matches!(stores.delete("", deletion("", "a"), 199).await, DeleteOutcome::Deleted(_)));
}

/// Contract 4.4.
pub async fn rule_4_4_a_set_on_an_expired_name_creates(stores: Stores) {
    let secret = expiring(new_secret("", "a", 1, None, 100), 200);
    let old = secret.header;
    assert_eq!(stores.set("", secret, 100).await, SetOutcome::Done);
    assert_eq!(stores.put("", "b", 2, 100).await, SetOutcome::Done);
    assert_eq!(stores.set("", new_secret("", "a", 3, Some(old), 200), 200).await, SetOutcome::Moved);
    assert_eq!(stores.set("", new_secret("", "a", 4, None, 200), 200).await, SetOutcome::Done);
    let found = stores.find("", "a", 200).await.expect("it was set");
    assert_ne!(found.header.id, old.id);
    assert_eq!(marks(&stores.list("", 200).await), [4, 2], "a new secret is the newest");
    assert_eq!(marks(&stores.list("", 150).await), [4, 2], "the old one is erased");
}

/// Contract 4.5.
pub async fn rule_4_5_lists_are_newest_first(stores: Stores) {
    for (mark, now) in (1..).zip([300, 100, 200, 200, 400, 100]) {
        assert_eq!(stores.put("usr_1", &mark.to_string(), mark, now).await, SetOutcome::Done);
    }
    assert_eq!(marks(&stores.list("usr_1", 400).await), [5, 1, 4, 3, 6, 2]);
    assert_eq!(stores.list("usr_2", 400).await, []);
}

/// Contract 4.5.
pub async fn rule_4_5_delete_answers_what_it_deleted(stores: Stores) {
    assert_eq!(stores.put("", "a", 8, 100).await, SetOutcome::Done);
    let found = stores.find("", "a", 100).await.expect("it was set");
    assert_eq!(stores.delete("", deletion("", "b"), 100).await, DeleteOutcome::NotFound);
    assert_eq!(stores.delete("usr_1", deletion("", "a"), 100).await, DeleteOutcome::NotFound, "not its scope");
    assert_eq!(stores.delete("", deletion("", "a"), 100).await, DeleteOutcome::Deleted(found));
    assert_eq!(stores.find("", "a", 100).await, None);
    assert_eq!(stores.header("", "a", 100).await, None);
    assert_eq!(stores.list("", 100).await, []);
    assert_eq!(stores.delete("", deletion("", "a"), 100).await, DeleteOutcome::NotFound);
}

/// Contract 5.1.
pub async fn rule_5_1_namespaces_do_not_meet(stores: Stores) {
    assert_eq!(stores.put("", "a", 1, 100).await, SetOutcome::Done);
    let elsewhere: SealedPlace<Read> = place("acct_other", Scope::Account);
    let found = stores.secrets.find(&elsewhere, name_tag("", "a"), at(100)).await.expect("the store answers");
    assert_eq!(found, None);
    assert_eq!(stores.secrets.list(&elsewhere, at(100)).await.expect("the store answers"), []);
    let elsewhere: SealedPlace<Write> = place("acct_other", Scope::Account);
    let outcome = stores.secrets.delete(&elsewhere, deletion("", "a"), at(100)).await.expect("the store answers");
    assert_eq!(outcome, DeleteOutcome::NotFound);
    assert_eq!(stores.find("", "a", 100).await.map(|row| mark(&row)), Some(1));
}

fn record(request: &IdempotentRequest, result: KeptResult) -> KeptRecord {
    KeptRecord { original: request.request, fingerprint: request.fingerprint, result }
}

/// Contract 7.4: each result is kept and comes back as it was, whatever the retry says.
pub async fn rule_7_4_each_finished_result_is_kept(stores: Stores) {
    let absent = Precondition { if_match: Some(IfMatch::Any), if_none_match: false };
    let other = Precondition { if_match: Some(IfMatch::OneOf(vec![version(99)])), if_none_match: false };

    let set = with_key(expiring(new_secret("", "a", 1, None, 100), 900), 1, 1);
    assert_eq!(stores.set("", set.clone(), 100).await, SetOutcome::Done);
    let refused = NewSecret { precondition: absent, ..with_key(new_secret("", "b", 2, None, 100), 2, 2) };
    assert_eq!(stores.set("", refused, 100).await, SetOutcome::PreconditionFailed);
    let missing = Deletion { idempotency: Some(idempotent(3, 3, 3)), ..deletion("", "b") };
    assert_eq!(stores.delete("", missing, 100).await, DeleteOutcome::NotFound);
    let unmatched = Deletion { idempotency: Some(idempotent(4, 4, 4)), precondition: other, ..deletion("", "a") };
    assert_eq!(stores.delete("", unmatched, 100).await, DeleteOutcome::PreconditionFailed);
    let delete = Deletion { idempotency: Some(idempotent(5, 5, 5)), ..deletion("", "a") };
    assert!(matches!(stores.delete("", delete, 100).await, DeleteOutcome::Deleted(_)));
    for mark in 10..20 {
        assert_eq!(stores.put("usr_1", &mark.to_string(), mark, 100).await, SetOutcome::Done);
    }
    let full = with_key(new_secret("usr_1", "more", 20, None, 100), 6, 6);
    assert_eq!(stores.set("usr_1", full, 100).await, SetOutcome::ScopeFull);

    for (key, result) in [
        (1, KeptResult::Set(set.header)),
        (2, KeptResult::PreconditionFailed),
        (3, KeptResult::NotFound),
        (4, KeptResult::PreconditionFailed),
        (5, KeptResult::Deleted(set.header)),
        (6, KeptResult::ScopeFull),
    ] {
        let kept = record(&idempotent(key, key, key), result);
        let retry = with_key(new_secret("", "retried", 30, None, 200), key, key);
        assert_eq!(stores.set("", retry, 200).await, SetOutcome::Kept(kept), "key {key}");
        let retry = Deletion { idempotency: Some(idempotent(key, 77, 77)), ..deletion("usr_1", "15") };
        assert_eq!(stores.delete("usr_1", retry, 200).await, DeleteOutcome::Kept(kept), "key {key}");
        let alone = stores.secrets.kept(&user_place(""), idempotent(key, 0, 0).tag, at(200)).await;
        assert_eq!(alone.expect("the store answers"), Some(kept), "key {key}");
    }
    assert_eq!(stores.find("", "retried", 200).await, None);
    assert!(stores.find("usr_1", "15", 200).await.is_some());
}

/// Contract 7.4 and 6.25: a request with other parameters changes nothing of the record.
pub async fn rule_7_4_the_first_fingerprint_stays(stores: Stores) {
    let first = with_key(new_secret("", "a", 1, None, 100), 1, 1);
    let kept = record(&idempotent(1, 1, 1), KeptResult::Set(first.header));
    assert_eq!(stores.set("", first, 100).await, SetOutcome::Done);
    for parameters in [2, 3] {
        let other = with_key(new_secret("", "b", 2, None, 100), 1, parameters);
        assert_eq!(stores.set("", other, 100).await, SetOutcome::Kept(kept));
    }
    assert_eq!(stores.find("", "b", 100).await, None);
}

/// Contract 7.4.
pub async fn rule_7_4_kept_for_a_day(stores: Stores) {
    let first = with_key(new_secret("", "a", 1, None, 100), 1, 1);
    let kept = record(&idempotent(1, 1, 1), KeptResult::Set(first.header));
    assert_eq!(stores.set("", first, 100).await, SetOutcome::Done);
    let end = 100 + IDEMPOTENCY_KEPT_SECONDS;
    let look = async |now| {
        let kept = stores.secrets.kept(&user_place(""), idempotent(1, 0, 0).tag, at(now)).await;
        kept.expect("the store answers")
    };
    assert_eq!(look(end - 1).await, Some(kept));
    assert_eq!(look(end).await, None);
    let again = with_key(new_secret("", "b", 2, None, end), 1, 2);
    let kept = record(&idempotent(1, 2, 2), KeptResult::Set(again.header));
    assert_eq!(stores.set("", again, end).await, SetOutcome::Done, "as if the key had never been used");
    assert_eq!(look(end).await, Some(kept));
    assert_eq!(look(end + IDEMPOTENCY_KEPT_SECONDS - 1).await, Some(kept));
    assert_eq!(stores.find("", "b", end).await.map(|row| mark(&row)), Some(2));
}

/// Contract 7.4.
pub async fn rule_7_4_concurrent_retries_have_one_effect(stores: Stores) {
    let stores = Arc::new(stores);
    for key in 0..8 {
        let mut tasks = tokio::task::JoinSet::new();
        for attempt in 0..16 {
            let stores = Arc::clone(&stores);
            let secret = new_secret("", &format!("{key}"), 100 * key + attempt, None, 100);
            tasks.spawn(async move { stores.set("", with_key(secret, key, key), 100).await });
        }
        let outcomes = tasks.join_all().await;
        let winner = stores.find("", &format!("{key}"), 100).await.expect("one of them was set").header;
        let kept = SetOutcome::Kept(record(&idempotent(key, key, key), KeptResult::Set(winner)));
        let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
        assert_eq!((count(SetOutcome::Done), count(kept)), (1, 15), "key {key}");
    }
}

/// Contract 9.1.
pub async fn rule_9_1_preconditions_are_decided_on_what_is_live(stores: Stores) {
    let one_of = |marks: &[u64]| Some(IfMatch::OneOf(marks.iter().copied().map(version).collect()));
    let expired = expiring(new_secret("", "gone", 1, None, 100), 150);
    assert_eq!(stores.set("", expired, 100).await, SetOutcome::Done);
    assert_eq!(stores.put("", "live", 2, 100).await, SetOutcome::Done);
    for (name, if_match, if_none_match, expected) in [
        ("live", one_of(&[1]), false, false),
        ("live", one_of(&[]), false, false),
        ("live", None, true, false),
        ("live", one_of(&[1, 2]), false, true),
        ("gone", Some(IfMatch::Any), false, false),
        ("gone", one_of(&[1]), false, false),
        ("none", Some(IfMatch::Any), false, false),
        ("gone", None, true, true),
        ("none", None, true, true),
    ] {
        let replaces = stores.header("", name, 200).await;
        let precondition = Precondition { if_match, if_none_match };
        let secret = NewSecret { precondition: precondition.clone(), ..new_secret("", name, 3, replaces, 200) };
        let before = stores.find("", name, 200).await;
        let outcome = stores.set("", secret, 200).await;
        let wanted = if expected { SetOutcome::Done } else { SetOutcome::PreconditionFailed };
        assert_eq!(outcome, wanted, "{name} {precondition:?}");
        if !expected {
            assert_eq!(stores.find("", name, 200).await, before, "{name} {precondition:?}");
        }
    }
    for (if_match, deleted) in [(one_of(&[2]), false), (one_of(&[3]), true)] {
        let precondition = Precondition { if_match, if_none_match: false };
        let outcome = stores.delete("", Deletion { precondition, ..deletion("", "live") }, 200).await;
        assert_eq!(matches!(outcome, DeleteOutcome::Deleted(_)), deleted, "{outcome:?}");
    }
}

/// The idempotency record, absence (delete), the precondition, `replaces`, the limit.
pub async fn checks_come_in_their_order(stores: Stores) {
    for mark in 1..=10 {
        assert_eq!(stores.put("", &mark.to_string(), mark, 100).await, SetOutcome::Done);
    }
    let stale = stores.header("", "1", 100).await;
    let unmet = Precondition { if_match: Some(IfMatch::Any), if_none_match: false };
    // Everything is wrong with this one: a used key later, the precondition, what it replaces, the limit.
    let wrong = |key, precondition, replaces| NewSecret {
        precondition,
        replaces,
        ..with_key(new_secret("", "11", 11, None, 100), key, key)
    };
    let set = |secret| stores.set("", secret, 100);
    assert_eq!(set(wrong(1, unmet.clone(), stale)).await, SetOutcome::PreconditionFailed);
    assert_eq!(set(wrong(2, Precondition::default(), stale)).await, SetOutcome::Moved);
    assert_eq!(set(wrong(2, Precondition::default(), None)).await, SetOutcome::ScopeFull);
    assert!(matches!(set(wrong(1, Precondition::default(), stale)).await, SetOutcome::Kept(_)));
    let absent = Deletion { precondition: unmet, idempotency: Some(idempotent(3, 3, 3)), ..deletion("", "11") };
    assert_eq!(stores.delete("", absent.clone(), 100).await, DeleteOutcome::NotFound, "not a failed precondition");
    assert!(matches!(stores.delete("", absent, 100).await, DeleteOutcome::Kept(_)));
}

/// A set that has to look again leaves no trace, so that its next attempt is judged afresh.
pub async fn a_moved_set_keeps_nothing(stores: Stores) {
    assert_eq!(stores.put("", "a", 1, 100).await, SetOutcome::Done);
    let first = stores.find("", "a", 100).await.expect("it was set");
    let blind = with_key(new_secret("", "a", 2, None, 100), 1, 1);
    assert_eq!(stores.set("", blind, 100).await, SetOutcome::Moved, "nothing was expected, something is there");
    assert_eq!(stores.find("", "a", 100).await, Some(first.clone()));
    let again = with_key(new_secret("", "a", 3, Some(first.header), 100), 1, 1);
    assert_eq!(stores.set("", again, 100).await, SetOutcome::Done);
    // Another version of the same secret is no move: the last set wins.
    assert_eq!(stores.set("", new_secret("", "a", 4, Some(first.header), 100), 100).await, SetOutcome::Done);
    assert!(matches!(stores.delete("", deletion("", "a"), 100).await, DeleteOutcome::Deleted(_)));
    let late = new_secret("", "a", 5, Some(first.header), 100);
    assert_eq!(stores.set("", late, 100).await, SetOutcome::Moved, "something was expected, nothing is there");
    assert_eq!(stores.put("", "a", 6, 100).await, SetOutcome::Done);
    let late = new_secret("", "a", 7, Some(first.header), 100);
    assert_eq!(stores.set("", late, 100).await, SetOutcome::Moved, "another secret is there");
}

/// Two nodes that make a namespace's key at once both go on with the same one.
pub async fn the_first_wrapped_key_stays(stores: Stores) {
    let namespace = |n: u8| NamespaceTag::from_bytes([n; 16]);
    let keep = async |tag, key: &[u8]| {
        let kept = stores.keys.keep_wrapped_key(namespace(tag), WrappedKey(key.to_vec())).await;
        kept.expect("the store answers").0
    };
    let look = async |tag| stores.keys.wrapped_key(namespace(tag)).await.expect("the store answers").map(|key| key.0);
    assert_eq!(look(1).await, None);
    assert_eq!(keep(1, b"first").await, b"first");
    assert_eq!(keep(1, b"second").await, b"first");
    assert_eq!(keep(2, b"other").await, b"other");
    assert_eq!((look(1).await, look(2).await, look(3).await), (Some(b"first".to_vec()), Some(b"other".to_vec()), None));
}

/// At most `max` of each kind, never what is live.
pub async fn sweeping_erases_what_is_gone_and_no_more(stores: Stores) {
    let sweep = async |now, max| stores.maintenance.sweep(at(now), max).await.expect("the store answers");
    let day = IDEMPOTENCY_KEPT_SECONDS;
    for user in ["usr_1", "usr_2", "usr_3"] {
        for mark in 0..10_u64 {
            let expires_at = 200 + 10 * i64::try_from(mark).expect("small");
            let secret = expiring(new_secret(user, &mark.to_string(), mark, None, 100), expires_at);
            let key = 100 * u64::from(user.as_bytes()[4]) + mark;
            assert_eq!(stores.set(user, with_key(secret, key, key), 100).await, SetOutcome::Done);
        }
    }
    assert_eq!(stores.put("", "stays", 1_000, 100).await, SetOutcome::Done);
    assert_eq!(sweep(199, 1_000).await, Swept::default());
    assert_eq!(sweep(245, 7).await, Swept { secrets: 7, idempotency_records: 0 });
    assert_eq!(sweep(245, 1_000).await, Swept { secrets: 8, idempotency_records: 0 });
    assert_eq!(stores.list("usr_1", 245).await.len(), 5);
    assert_eq!(sweep(100 + day, 20).await, Swept { secrets: 15, idempotency_records: 20 });
    assert_eq!(sweep(100 + day, 20).await, Swept { secrets: 0, idempotency_records: 10 });
    assert_eq!(sweep(i64::MAX, 20).await, Swept::default());
    assert_eq!(marks(&stores.list("", i64::MAX).await), [1_000]);
}

/// However often it is asked whether it is ready.
pub async fn a_probe_changes_nothing(stores: Stores) {
    assert_eq!(stores.put("", "a", 1, 100).await, SetOutcome::Done);
    let before = stores.find("", "a", 100).await;
    for _ in 0..3 {
        stores.maintenance.probe().await.expect("the store answers");
    }
    assert_eq!(stores.find("", "a", 100).await, before);
    stores.maintenance.erase_all().await.expect("the store answers");
    stores.maintenance.probe().await.expect("an empty store answers as well");
    assert_eq!(stores.find("", "a", 100).await, None);
}

/// Dev mode's reset.
pub async fn erasing_all_leaves_the_instance_key(stores: Stores) {
    let namespace = NamespaceTag::from_bytes([7; 16]);
    for tag in [NamespaceTag::INSTANCE, namespace] {
        stores.keys.keep_wrapped_key(tag, WrappedKey(vec![7])).await.expect("the store answers");
    }
    let secret = with_key(new_secret("", "a", 1, None, 100), 1, 1);
    assert_eq!(stores.set("", secret, 100).await, SetOutcome::Done);
    assert!(stores.find("", "a", 100).await.is_some());
    stores.maintenance.erase_all().await.expect("the store answers");
    assert_eq!(stores.find("", "a", 100).await, None);
    assert_eq!(stores.header("", "a", 100).await, None);
    assert_eq!(stores.list("", 100).await, []);
    let kept = stores.secrets.kept(&user_place(""), idempotent(1, 0, 0).tag, at(100)).await;
    assert_eq!(kept.expect("the store answers"), None);
    assert_eq!(stores.keys.wrapped_key(namespace).await.expect("the store answers"), None);
    let instance = stores.keys.wrapped_key(NamespaceTag::INSTANCE).await.expect("the store answers");
    assert_eq!(instance, Some(WrappedKey(vec![7])));
    let again = with_key(new_secret("", "a", 2, None, 100), 1, 2);
    assert_eq!(stores.set("", again, 100).await, SetOutcome::Done);
}
