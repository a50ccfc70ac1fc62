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
    DeleteOutcome, Deletion, DirectoryStore, ErasureStore, Inventory, Judgement, Maintenance, NamespaceCipher,
    NewSecret, Notices, Outbox, SecretRead, SecretStore, SetOutcome, WrappedKeyStore,
};
use cholla_domain::precondition::{IfMatch, Precondition};
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{Fingerprint, IdempotencyTag, NameTag, RecordVersion};
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
            rule_10_14_of_concurrent_commits_on_one_revision_one_is_done,
            a_directory_commit_is_done_as_a_whole_or_not_at_all,
            every_record_is_loaded_once,
            the_audit_log_is_read_backwards,
            rule_17_6_deliveries_commit_with_their_change,
            rule_17_6_a_hanging_endpoint_delays_no_other,
            rule_17_6_a_delivery_is_tried_until_it_is_settled,
            pruning_erases_what_is_settled_or_has_no_endpoint,
            notices_are_left_by_whatever_happens_to_a_secret,
            notices_are_told_once,
            every_secret_gets_one_notice_that_it_expires,
            rule_14_6_a_destroyed_namespace_begins_anew,
            rule_14_6_an_erasure_erases_its_generation_only,
            rule_14_6_and_14_8_what_is_closed_takes_nothing_that_was_judged_before,
            one_scope_is_erased_and_counted,
            a_scope_is_listed_as_long_as_it_has_a_secret,
            a_read_day_is_erased_with_its_secret,
            erasing_all_empties_the_platform_too,
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

pub use crate::store_directory::{
    a_directory_commit_is_done_as_a_whole_or_not_at_all, every_record_is_loaded_once,
    rule_10_14_of_concurrent_commits_on_one_revision_one_is_done, the_audit_log_is_read_backwards,
};
pub use crate::store_erasure::{
    a_read_day_is_erased_with_its_secret, a_scope_is_listed_as_long_as_it_has_a_secret,
    erasing_all_empties_the_platform_too, one_scope_is_erased_and_counted, rule_14_6_a_destroyed_namespace_begins_anew,
    rule_14_6_an_erasure_erases_its_generation_only,
    rule_14_6_and_14_8_what_is_closed_takes_nothing_that_was_judged_before,
};
pub use crate::store_maintenance::{
    a_probe_changes_nothing, erasing_all_leaves_the_instance_key, sweeping_erases_what_is_gone_and_no_more,
    the_first_wrapped_key_stays,
};
pub use crate::store_model::any_sequence_is_answered_as_by_the_oracle;
pub use crate::store_notices::{
    every_secret_gets_one_notice_that_it_expires, notices_are_left_by_whatever_happens_to_a_secret,
    notices_are_told_once,
};
pub use crate::store_outbox::{
    pruning_erases_what_is_settled_or_has_no_endpoint, rule_17_6_a_delivery_is_tried_until_it_is_settled,
    rule_17_6_a_hanging_endpoint_delays_no_other, rule_17_6_deliveries_commit_with_their_change,
};
pub use crate::store_readers::readers_never_go_back;

/// One store behind each of its ports, and whatever has to live as long as it does (such as its directory).
pub struct Stores {
    /// Sealed records.
    pub secrets: Arc<dyn SecretStore>,
    /// Wrapped keys.
    pub keys: Arc<dyn WrappedKeyStore>,
    /// The sweeper's port.
    pub maintenance: Arc<dyn Maintenance>,
    /// The directory.
    pub directory: Arc<dyn DirectoryStore>,
    /// Deliveries to webhook endpoints.
    pub outbox: Arc<dyn Outbox>,
    /// Notices of what happened to secrets.
    pub notices: Arc<dyn Notices>,
    /// Erasure.
    pub erasures: Arc<dyn ErasureStore>,
    /// What there is.
    pub inventory: Arc<dyn Inventory>,
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
        S: SecretStore
            + WrappedKeyStore
            + Maintenance
            + DirectoryStore
            + Outbox
            + Notices
            + ErasureStore
            + Inventory
            + 'static,
    {
        let store = Arc::new(store);
        Self {
            secrets: store.clone(),
            keys: store.clone(),
            maintenance: store.clone(),
            directory: store.clone(),
            outbox: store.clone(),
            notices: store.clone(),
            erasures: store.clone(),
            inventory: store,
            _companion: Box::new(companion),
        }
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

    /// Notes that the account's secret of that name was read on `day`.
    pub async fn note_read(&self, name: &str, day: u32) {
        let id =
            self.header("", name, 0).await.map_or_else(|| SecretId::draw(&SeededEntropy::new(0)), |header| header.id);
        let read = SecretRead { scope: user_place::<Read>("").scope(), name: name_tag("", name), id, day };
        self.inventory.note_reads(&[read]).await.expect("the store answers");
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
        judged: Judgement::ALONE,
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
    let name = name_tag(user, name);
    Deletion { name, precondition: Precondition::default(), idempotency: None, judged: Judgement::ALONE }
}

/// A request under the idempotency key number `key`, with the parameters number `parameters`.
pub fn idempotent(key: u64, parameters: u64, request: u64) -> IdempotentRequest {
    IdempotentRequest {
        tag: IdempotencyTag::from_bytes(u128::from(key).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c).to_be_bytes()),
        fingerprint: Fingerprint::from_bytes(u128::from(parameters).to_be_bytes()),
        request: RequestId::draw(&SeededEntropy::new(request)),
    }
}

pub(crate) fn expiring(mut secret: NewSecret, expires_at: i64) -> NewSecret {
    secret.header.expires_at = Some(at(expires_at));
    secret
}

pub(crate) fn with_key(mut secret: NewSecret, key: u64, parameters: u64) -> NewSecret {
    secret.idempotency = Some(idempotent(key, parameters, parameters));
    secret
}

pub(crate) fn marks(rows: &[StoredSecret]) -> Vec<u64> {
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
