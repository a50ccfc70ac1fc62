//! The four operations over the oracle store and a cipher that hides nothing.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cholla_domain::delete::{DeleteRequest, delete};
use cholla_domain::error::{Error, StoreError};
use cholla_domain::find::{FindRequest, find};
use cholla_domain::id::{RequestId, SecretId, UserId};
use cholla_domain::idempotency::{Answer, IdempotencyKey, IdempotentRequest, InFlight, KeptRecord};
use cholla_domain::limits::SET_ATTEMPTS_MAX;
use cholla_domain::list::{PageRequest, list};
use cholla_domain::livemode::Livemode;
use cholla_domain::name::SecretName;
use cholla_domain::payload::Plaintext;
use cholla_domain::place::{Scope, SealedPlace};
use cholla_domain::policy::{Read, Write};
use cholla_domain::ports::{
    Closing, CommitOutcome, DeleteOutcome, Deletion, DirectoryCommit, DirectoryStore, InFlightGuard, InFlightKeys,
    Judgement, NamespaceCipher, NamespaceKeys, NewSecret, Ports, ReadLog, Revision, SecretStore, SetOutcome,
};
use cholla_domain::precondition::{IfMatch, Precondition};
use cholla_domain::principal::{Permissions, Principal, Reach};
use cholla_domain::record::{RecordHeader, SecretView, StoredSecret};
use cholla_domain::set::{Expansion, Overtaken, SetRequest, set};
use cholla_domain::tag::{ErasureId, Fingerprint, IdempotencyTag, NameTag, RecordVersion};
use cholla_domain::time::Timestamp;
use cholla_testkit::cipher::{TransparentCipher, TransparentKeys, backend, namespace};
use cholla_testkit::entropy::SeededEntropy;
use cholla_testkit::memory::MemoryStore;
use cholla_testkit::store_directory::change;

const ACCOUNT: &str = "acct_1";
const NOW: i64 = 1_000;

#[derive(Default, Clone)]
struct Table(Arc<Mutex<HashMap<IdempotencyTag, InFlight>>>);

struct Guard(Table, IdempotencyTag);

impl InFlightGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.0.lock().unwrap().remove(&self.1);
    }
}

impl InFlightKeys for Table {
    fn enter(&self, request: &IdempotentRequest) -> Result<Box<dyn InFlightGuard>, InFlight> {
        let mut keys = self.0.lock().unwrap();
        if let Some(other) = keys.get(&request.tag) {
            return Err(*other);
        }
        keys.insert(request.tag, InFlight { original: request.request, fingerprint: request.fingerprint });
        Ok(Box::new(Guard(self.clone(), request.tag)))
    }
}

/// The days on which secrets were read, by their ids.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<(SecretId, Timestamp)>>>);

impl ReadLog for Seen {
    fn note(&self, secret: &StoredSecret, now: Timestamp) {
        self.0.lock().unwrap().push((secret.header.id, now));
    }
}

struct World {
    ports: Ports,
    in_flight: Table,
    seen: Seen,
    keys: Arc<TransparentKeys>,
}

impl World {
    fn new() -> Self {
        Self::over(Arc::new(MemoryStore::default()))
    }

    fn over(store: Arc<dyn SecretStore>) -> Self {
        let (in_flight, seen, keys) = (Table::default(), Seen::default(), Arc::new(TransparentKeys::default()));
        let ports = Ports {
            store,
            keys: keys.clone(),
            in_flight: Arc::new(in_flight.clone()),
            reads: Arc::new(seen.clone()),
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        Self { ports, in_flight, seen, keys }
    }

    async fn set(&self, caller: &Principal, request: SetRequest, now: i64) -> Answer<SecretView> {
        set(&self.ports, caller, request, Timestamp::from_unix(now)).await.unwrap()
    }

    async fn delete(&self, caller: &Principal, request: DeleteRequest, now: i64) -> Answer<SecretView> {
        delete(&self.ports, caller, request, Timestamp::from_unix(now)).await.unwrap()
    }

    async fn find(&self, caller: &Principal, at: &str, now: i64) -> Result<SecretView, Error> {
        let (scope, name) = place(at);
        find(&self.ports, caller, &FindRequest { name, scope, expand_payload: true }, Timestamp::from_unix(now)).await
    }

    /// The payloads of a scope, newest first.
    async fn payloads(&self, caller: &Principal, scope: Scope) -> Result<String, Error> {
        let page = PageRequest { expand_payload: true, ..PageRequest::default() };
        let page = list(&self.ports, caller, scope, page, Timestamp::from_unix(NOW)).await?;
        Ok(page.secrets.iter().map(payload).collect::<Vec<_>>().join(","))
    }

    /// Sets as the backend and expects it to be done.
    async fn put(&self, at: &str, payload: &str) -> RecordHeader {
        self.set(&backend(ACCOUNT), set_of(at, payload), NOW).await.result.unwrap().header
    }
}

/// `account/NAME` or `usr_X/NAME`.
fn place(at: &str) -> (Scope, SecretName) {
    let (scope, name) = at.split_once('/').unwrap();
    (scope_of(scope), SecretName::new(name.to_owned()).unwrap())
}

fn scope_of(text: &str) -> Scope {
    if text == "account" { Scope::Account } else { Scope::User(UserId::new(text)) }
}

fn set_of(at: &str, payload: &str) -> SetRequest {
    let (scope, name) = place(at);
    SetRequest {
        name,
        payload: Plaintext::new(payload.to_owned()).unwrap(),
        scope,
        expires_at: None,
        expansion: Expansion { payload: true, scope: false },
        precondition: Precondition::default(),
        idempotency: None,
        request: request(0),
        judged: Judgement::default(),
    }
}

fn delete_of(at: &str) -> DeleteRequest {
    let (scope, name) = place(at);
    DeleteRequest {
        name,
        scope,
        expansion: Expansion { payload: true, scope: false },
        precondition: Precondition::default(),
        idempotency: None,
        request: request(0),
        judged: Judgement::default(),
    }
}

fn request(number: u64) -> RequestId {
    RequestId::draw(&SeededEntropy::new(number))
}

fn key(text: &str) -> Option<IdempotencyKey> {
    IdempotencyKey::new(text.to_owned())
}

fn extension(user: &str) -> Principal {
    Principal { reach: Reach::Extension(UserId::new(user)), ..backend(ACCOUNT) }
}

/// What may be read of a view's payload in these tests: its text, or `-`.
fn payload(view: &SecretView) -> String {
    view.payload.as_ref().map_or("-".to_owned(), |payload| payload.expose_secret().to_owned())
}

/// A result as one word: the payload, or the cause of the error.
fn word(result: &Result<SecretView, Error>) -> String {
    match result {
        Ok(view) => payload(view),
        Err(error) => cause(error),
    }
}

fn cause(error: &impl Debug) -> String {
    let text = format!("{error:?}");
    text.split([' ', '{']).next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn rule_4_1_and_4_8_set_answers_what_it_made() {
    let world = World::new();
    let first = world.set(&backend(ACCOUNT), set_of("account/a", "one"), NOW).await;
    assert_eq!(first.replay_of, None);
    let first = first.result.unwrap();
    assert_eq!((payload(&first).as_str(), first.name.as_str(), &first.scope), ("one", "a", &Scope::Account));
    assert_eq!(first.header.created_at.as_unix(), NOW);
    let quiet = SetRequest { expansion: Expansion::default(), ..set_of("account/a", "two") };
    let second = world.set(&backend(ACCOUNT), quiet, NOW + 5).await.result.unwrap();
    assert_eq!(payload(&second), "-");
    assert_eq!((second.header.id, second.header.created_at), (first.header.id, first.header.created_at));
    assert_ne!(second.header.version, first.header.version);
    assert_eq!(word(&world.find(&backend(ACCOUNT), "account/a", NOW).await), "two");
}

#[tokio::test]
async fn rule_4_9_and_5_1_namespaces_do_not_meet() {
    let world = World::new();
    world.put("account/a", "one").await;
    let mut live = backend(ACCOUNT);
    live.namespace = namespace(ACCOUNT, Livemode::Live);
    for caller in [live, backend("acct_2")] {
        assert_eq!(word(&world.find(&caller, "account/a", NOW).await), "NotFound");
        assert_eq!(word(&world.delete(&caller, delete_of("account/a"), NOW).await.result), "NotFound");
        assert_eq!(world.payloads(&caller, Scope::Account).await.unwrap(), "");
    }
}

#[tokio::test]
async fn rule_5_5_and_5_7_an_extension_reaches_the_account_and_its_own_user() {
    for (scope, sets, finds, lists, deletes) in [
        ("account", "new", "old", "old", "old"),
        ("usr_1", "new", "old", "old", "old"),
        ("usr_2", "Denied(ForeignUser)", "NotFound", "", "NotFound"),
    ] {
        let world = World::new();
        let caller = extension("usr_1");
        let (old, new) = (format!("{scope}/old"), format!("{scope}/new"));
        world.put(&old, "old").await;
        assert_eq!(word(&world.find(&caller, &old, NOW).await), finds, "find in {scope}");
        assert_eq!(world.payloads(&caller, scope_of(scope)).await.unwrap(), lists, "list {scope}");
        assert_eq!(word(&world.set(&caller, set_of(&new, "new"), NOW).await.result), sets, "set in {scope}");
        assert_eq!(word(&world.delete(&caller, delete_of(&old), NOW).await.result), deletes, "delete in {scope}");
        // A find of what is not there says the same as one of what is another's.
        assert_eq!(word(&world.find(&caller, &format!("{scope}/none"), NOW).await), "NotFound");
    }
}

/// Contract 14.8: until they are gone, the scopes of an offboarded user are as if empty, and take nothing.
#[tokio::test]
async fn rule_14_8_scopes_that_are_being_erased() {
    let none = Permissions { write: false, read: false };
    let erased = |users: &[&str]| Some(Arc::new(users.iter().map(|user| UserId::new(*user)).collect()));
    let (closed, missing) = ("Denied(BeingErased)", "NotFound");
    let refused = "Denied(PermissionMissing)";
    for (caller, scope, sets, finds, lists) in [
        (backend(ACCOUNT), "usr_1", closed, missing, ""),
        (backend(ACCOUNT), "usr_2", "new", "old", "old"),
        (backend(ACCOUNT), "account", "new", "old", "old"),
        (extension("usr_1"), "usr_1", closed, missing, ""),
        (extension("usr_1"), "account", "new", "old", "old"),
        (extension("usr_2"), "usr_1", "Denied(ForeignUser)", missing, ""),
        (Principal { permissions: none, ..backend(ACCOUNT) }, "usr_1", refused, refused, refused),
    ] {
        let world = World::new();
        let case = format!("{:?} in {scope}", caller.reach);
        let caller = Principal { being_erased: erased(&["usr_0", "usr_1"]), ..caller };
        world.put(&format!("{scope}/old"), "old").await;
        assert_eq!(word(&world.find(&caller, &format!("{scope}/old"), NOW).await), finds, "{case}");
        let listed = world.payloads(&caller, scope_of(scope)).await.unwrap_or_else(|error| cause(&error));
        assert_eq!(listed, lists, "{case}");
        assert_eq!(word(&world.set(&caller, set_of(&format!("{scope}/new"), "new"), NOW).await.result), sets, "{case}");
        let deleted = world.delete(&caller, delete_of(&format!("{scope}/old")), NOW).await.result;
        assert_eq!(word(&deleted), finds, "{case}");
    }
}

/// Contract 14.6: what an uninstall has overtaken is given back as it was asked for, and its idempotency key is free.
#[tokio::test]
async fn rule_14_6_a_write_that_was_overtaken_can_begin_again() {
    let store = Arc::new(MemoryStore::default());
    let world = World::over(store.clone());
    world.put("account/a", "old").await;
    let namespace = TransparentCipher::new(&backend(ACCOUNT).namespace).namespace_tag();
    let closing = Closing { namespace, key: None, erasure: ErasureId::from_bytes([1; 16]) };
    let commit = DirectoryCommit { closed: vec![closing], ..change(0) };
    assert_eq!(store.commit(commit).await.unwrap(), CommitOutcome::Done);
    let at = |revision| Judgement { at: Revision(revision), user: None };
    let now = Timestamp::from_unix(NOW);
    let caller = backend(ACCOUNT);
    let request = SetRequest { idempotency: key("k"), ..set_of("account/b", "new") };
    let Err(Overtaken(request)) = set(&world.ports, &caller, request, now).await else { panic!("it was closed since") };
    assert!(world.in_flight.0.lock().unwrap().is_empty());
    assert_eq!(word(&world.find(&caller, "account/b", NOW).await), "NotFound");
    let again = SetRequest { judged: at(1), ..request };
    assert_eq!(word(&set(&world.ports, &caller, again, now).await.unwrap().result), "new");
    let request = DeleteRequest { idempotency: key("l"), ..delete_of("account/b") };
    let Err(Overtaken(request)) = delete(&world.ports, &caller, request, now).await else { panic!("and a delete") };
    assert_eq!(word(&world.find(&caller, "account/b", NOW).await), "new");
    let again = DeleteRequest { judged: at(1), ..request };
    assert_eq!(word(&delete(&world.ports, &caller, again, now).await.unwrap().result), "new");
}

#[tokio::test]
async fn rule_5_6_permissions() {
    let none = Permissions { write: false, read: false };
    for (permissions, finds, sets) in [
        (Permissions::ALL, "old", "new"),
        (Permissions { write: true, ..none }, "old", "new"),
        (Permissions { read: true, ..none }, "old", "Denied(PermissionMissing)"),
        (none, "Denied(PermissionMissing)", "Denied(PermissionMissing)"),
    ] {
        let world = World::new();
        world.put("account/a", "old").await;
        let caller = Principal { permissions, ..backend(ACCOUNT) };
        assert_eq!(word(&world.find(&caller, "account/a", NOW).await), finds, "{permissions:?}");
        let lists = world.payloads(&caller, Scope::Account).await.unwrap_or_else(|error| cause(&error));
        assert_eq!(lists, finds, "{permissions:?}");
        assert_eq!(word(&world.set(&caller, set_of("account/a", "new"), NOW).await.result), sets, "{permissions:?}");
        let deletes = word(&world.delete(&caller, delete_of("account/a"), NOW).await.result);
        assert_eq!(deletes, sets, "{permissions:?}");
    }
}

#[tokio::test]
async fn rule_7_4_a_replayed_set_renders_the_retried_payload() {
    let world = World::new();
    let attempt = |number| SetRequest { idempotency: key("k"), request: request(number), ..set_of("account/a", "one") };
    let first = world.set(&backend(ACCOUNT), attempt(1), NOW).await;
    let header = first.result.unwrap().header;
    world.delete(&backend(ACCOUNT), delete_of("account/a"), NOW).await.result.unwrap();
    let replay = world.set(&backend(ACCOUNT), attempt(2), NOW + 60).await;
    assert_eq!(replay.replay_of, Some(request(1)));
    let view = replay.result.unwrap();
    assert_eq!((view.header, payload(&view).as_str()), (header, "one"));
    assert_eq!(word(&world.find(&backend(ACCOUNT), "account/a", NOW).await), "NotFound", "the replay set nothing");
}

#[tokio::test]
async fn rule_7_4_a_replayed_delete_has_no_payload() {
    let world = World::new();
    let header = world.put("account/a", "one").await;
    let attempt = |number| DeleteRequest { idempotency: key("k"), request: request(number), ..delete_of("account/a") };
    let first = world.delete(&backend(ACCOUNT), attempt(1), NOW).await;
    assert_eq!((first.replay_of, word(&first.result).as_str()), (None, "one"));
    world.put("account/a", "two").await;
    let replay = world.delete(&backend(ACCOUNT), attempt(2), NOW).await;
    assert_eq!((replay.replay_of, word(&replay.result).as_str()), (Some(request(1)), "-"));
    assert_eq!(replay.result.unwrap().header, header);
    assert_eq!(word(&world.find(&backend(ACCOUNT), "account/a", NOW).await), "two", "the replay deleted nothing");
}

#[tokio::test]
async fn rule_7_4_finished_failures_are_replayed() {
    let world = World::new();
    let caller = backend(ACCOUNT);
    let missing = || DeleteRequest { idempotency: key("missing"), request: request(1), ..delete_of("account/a") };
    assert_eq!(word(&world.delete(&caller, missing(), NOW).await.result), "NotFound");
    let unmet = Precondition { if_match: Some(IfMatch::Any), if_none_match: false };
    let refused = || SetRequest {
        idempotency: key("refused"),
        request: request(1),
        precondition: unmet.clone(),
        ..set_of("account/a", "one")
    };
    assert_eq!(word(&world.set(&caller, refused(), NOW).await.result), "PreconditionFailed");
    for n in 0..10 {
        world.put(&format!("usr_1/{n}"), "one").await;
    }
    let full = || SetRequest { idempotency: key("full"), request: request(1), ..set_of("usr_1/more", "one") };
    assert_eq!(word(&world.set(&caller, full(), NOW).await.result), "ScopeFull");
    // Now each of them would succeed.
    world.put("account/a", "two").await;
    world.delete(&caller, delete_of("usr_1/0"), NOW).await.result.unwrap();
    for (answer, expected) in [
        (world.delete(&caller, missing(), NOW).await, "NotFound"),
        (world.set(&caller, refused(), NOW).await, "PreconditionFailed"),
        (world.set(&caller, full(), NOW).await, "ScopeFull"),
    ] {
        assert_eq!((word(&answer.result).as_str(), answer.replay_of), (expected, Some(request(1))));
    }
}

#[tokio::test]
async fn rule_7_4_and_4_3_a_retry_after_its_expiry_gets_its_first_answer() {
    let world = World::new();
    let expiring = |name| SetRequest {
        idempotency: key(name),
        expires_at: Some(Timestamp::from_unix(NOW + 10)),
        request: request(1),
        ..set_of("account/a", "one")
    };
    let header = world.set(&backend(ACCOUNT), expiring("k"), NOW).await.result.unwrap().header;
    let replay = world.set(&backend(ACCOUNT), expiring("k"), NOW + 10).await;
    assert_eq!(replay.replay_of, Some(request(1)));
    assert_eq!(replay.result.unwrap().header, header);
    let late = world.set(&backend(ACCOUNT), expiring("other"), NOW + 10).await;
    assert_eq!((word(&late.result).as_str(), late.replay_of), ("Expiry(NotInFuture)", None));
    let other = SetRequest { payload: Plaintext::new("two".to_owned()).unwrap(), ..expiring("k") };
    assert_eq!(word(&world.set(&backend(ACCOUNT), other, NOW + 10).await.result), "IdempotencyMismatch");
}

#[tokio::test]
async fn rule_6_25_every_parameter_counts() {
    let world = World::new();
    let caller = backend(ACCOUNT);
    let first = || SetRequest { idempotency: key("k"), request: request(1), ..set_of("account/a", "one") };
    world.set(&caller, first(), NOW).await.result.unwrap();
    let later = Some(Timestamp::from_unix(NOW + 10));
    let unmet = Precondition { if_match: Some(IfMatch::OneOf(Vec::new())), if_none_match: false };
    let absent = Precondition { if_match: None, if_none_match: true };
    let other = |at, payload| SetRequest { idempotency: key("k"), ..set_of(at, payload) };
    for (what, changed) in [
        ("name", other("account/b", "one")),
        ("payload", other("account/a", "two")),
        ("scope", other("usr_1/a", "one")),
        ("expiry", SetRequest { expires_at: later, ..first() }),
        ("payload expansion", SetRequest { expansion: Expansion::default(), ..first() }),
        ("scope expansion", SetRequest { expansion: Expansion { payload: true, scope: true }, ..first() }),
        ("If-Match", SetRequest { precondition: unmet, ..first() }),
        ("If-None-Match", SetRequest { precondition: absent, ..first() }),
    ] {
        match world.set(&caller, changed, NOW).await.result {
            Err(Error::IdempotencyMismatch { original }) => assert_eq!(original, request(1), "{what}"),
            result => panic!("{what}: {}", word(&result)),
        }
    }
    let method = DeleteRequest { idempotency: key("k"), ..delete_of("account/a") };
    assert_eq!(word(&world.delete(&caller, method, NOW).await.result), "IdempotencyMismatch");
    assert_eq!(world.set(&caller, first(), NOW).await.replay_of, Some(request(1)), "the record stands");
}

#[tokio::test]
async fn rule_7_4_a_key_counts_within_its_reach() {
    let world = World::new();
    let attempt = |payload| SetRequest { idempotency: key("k"), ..set_of("account/a", payload) };
    let callers = [backend(ACCOUNT), extension("usr_1"), extension("usr_2"), backend("acct_2")];
    for (caller, payload) in callers.iter().zip(["one", "two", "three", "four"]) {
        let answer = world.set(caller, attempt(payload), NOW).await;
        assert_eq!((word(&answer.result).as_str(), answer.replay_of), (payload, None));
    }
}

#[tokio::test]
async fn rule_6_26_a_key_in_flight_is_refused() {
    let world = World::new();
    let caller = backend(ACCOUNT);
    let attempt = |payload| SetRequest { idempotency: key("k"), request: request(2), ..set_of("account/a", payload) };
    // The fingerprint that the first request has, taken from a request that has come through.
    world.set(&caller, attempt("one"), NOW).await.result.unwrap();
    let cipher = world.keys.find(&caller.namespace).await.unwrap().unwrap();
    let tag = cipher.idempotency_tag(&Reach::Backend, "k");
    let at = cholla_testkit::cipher::place::<Write>(ACCOUNT, Scope::Account);
    let kept = world.ports.store.kept(&at, tag, Timestamp::from_unix(NOW)).await.unwrap().unwrap();
    let running = IdempotentRequest { tag, fingerprint: kept.fingerprint, request: request(1) };
    let guard = world.in_flight.enter(&running).map_err(|_| "it is in use").unwrap();
    // By then nothing is kept any more.
    let late = NOW + cholla_domain::limits::IDEMPOTENCY_KEPT_SECONDS;
    match world.set(&caller, attempt("one"), late).await.result {
        Err(Error::IdempotencyInFlight { original }) => assert_eq!(original, request(1)),
        result => panic!("{}", word(&result)),
    }
    match world.set(&caller, attempt("two"), late).await.result {
        Err(Error::IdempotencyMismatch { original }) => assert_eq!(original, request(1)),
        result => panic!("{}", word(&result)),
    }
    drop(guard);
    assert_eq!(world.set(&caller, attempt("one"), NOW).await.replay_of, Some(request(2)));
    assert!(world.in_flight.0.lock().unwrap().is_empty(), "every request gives its key back");
}

#[tokio::test]
async fn rule_7_4_a_finished_key_is_replayed_whoever_else_is_using_it() {
    let world = World::new();
    let caller = backend(ACCOUNT);
    let attempt = |payload| SetRequest { idempotency: key("k"), request: request(2), ..set_of("account/a", payload) };
    world.set(&caller, attempt("one"), NOW).await.result.unwrap();
    let cipher = world.keys.find(&caller.namespace).await.unwrap().unwrap();
    let tag = cipher.idempotency_tag(&Reach::Backend, "k");
    for fingerprint in [1, 2] {
        let other =
            IdempotentRequest { tag, fingerprint: Fingerprint::from_bytes([fingerprint; 16]), request: request(1) };
        let _guard = world.in_flight.enter(&other).map_err(|_| "it is in use").unwrap();
        assert_eq!(world.set(&caller, attempt("one"), NOW).await.replay_of, Some(request(2)));
        match world.set(&caller, attempt("two"), NOW).await.result {
            Err(Error::IdempotencyMismatch { original }) => assert_eq!(original, request(2)),
            result => panic!("{}", word(&result)),
        }
        let deletion = DeleteRequest { idempotency: key("k"), request: request(3), ..delete_of("account/a") };
        match world.delete(&caller, deletion, NOW).await.result {
            Err(Error::IdempotencyMismatch { original }) => assert_eq!(original, request(2)),
            result => panic!("{}", word(&result)),
        }
    }
}

#[tokio::test]
async fn rule_9_1_preconditions() {
    let world = World::new();
    let caller = backend(ACCOUNT);
    let with = |at, payload, version: Option<RecordVersion>| SetRequest {
        precondition: Precondition {
            if_match: version.map(|version| IfMatch::OneOf(vec![version])),
            if_none_match: version.is_none(),
        },
        ..set_of(at, payload)
    };
    let first = world.set(&caller, with("account/a", "one", None), NOW).await.result.unwrap().header.version;
    assert_eq!(word(&world.set(&caller, with("account/a", "two", None), NOW).await.result), "PreconditionFailed");
    assert_eq!(word(&world.set(&caller, with("account/a", "two", Some(first)), NOW).await.result), "two");
    assert_eq!(
        word(&world.set(&caller, with("account/a", "three", Some(first)), NOW).await.result),
        "PreconditionFailed"
    );
    assert_eq!(
        word(&world.set(&caller, with("account/b", "one", Some(first)), NOW).await.result),
        "PreconditionFailed"
    );
    let precondition = Precondition { if_match: Some(IfMatch::OneOf(vec![first])), if_none_match: false };
    let delete = |at| DeleteRequest { precondition: precondition.clone(), ..delete_of(at) };
    assert_eq!(word(&world.delete(&caller, delete("account/a"), NOW).await.result), "PreconditionFailed");
    assert_eq!(word(&world.delete(&caller, delete("account/b"), NOW).await.result), "NotFound");
    assert_eq!(word(&world.find(&caller, "account/a", NOW).await), "two");
}

#[tokio::test]
async fn a_namespace_gets_its_key_with_its_first_write() {
    let world = World::new();
    let caller = backend(ACCOUNT);
    assert_eq!(word(&world.find(&caller, "account/a", NOW).await), "NotFound");
    assert_eq!(world.payloads(&caller, Scope::Account).await.unwrap(), "");
    assert_eq!(word(&world.delete(&caller, delete_of("account/a"), NOW).await.result), "NotFound");
    assert!(world.keys.find(&caller.namespace).await.unwrap().is_none());
    let kept = DeleteRequest { idempotency: key("k"), ..delete_of("account/a") };
    assert_eq!(word(&world.delete(&caller, kept, NOW).await.result), "NotFound");
    assert!(world.keys.find(&caller.namespace).await.unwrap().is_some(), "its result is kept under a keyed hash");
}

/// A store in which somebody else writes right after a set has looked, so many times.
struct Meddling {
    store: MemoryStore,
    times: AtomicU64,
}

impl Meddling {
    /// Deletes what is there, or sets something where there is nothing.
    async fn meddle(&self, at: &SealedPlace<Write>, name: NameTag, found: Option<RecordHeader>, now: Timestamp) {
        if self.times.load(Ordering::SeqCst) == 0 {
            return;
        }
        let left = self.times.fetch_sub(1, Ordering::SeqCst);
        if found.is_some() {
            let deletion =
                Deletion { name, precondition: Precondition::default(), idempotency: None, judged: Judgement::ALONE };
            self.store.delete(at, deletion, now).await.unwrap();
        } else {
            let entropy = SeededEntropy::new(1_000 + left);
            let header = RecordHeader {
                id: SecretId::draw(&entropy),
                version: RecordVersion::draw(&entropy),
                created_at: Timestamp::from_unix(NOW - 500),
                expires_at: None,
            };
            let sealed = cholla_domain::payload::Sealed::assertion(Vec::new());
            let precondition = Precondition::default();
            let judged = Judgement::ALONE;
            let secret = NewSecret { name, header, replaces: None, sealed, precondition, idempotency: None, judged };
            self.store.set(at, secret, now).await.unwrap();
        }
    }
}

#[async_trait]
impl SecretStore for Meddling {
    async fn find(
        &self,
        at: &SealedPlace<Read>,
        name: NameTag,
        now: Timestamp,
    ) -> Result<Option<Arc<StoredSecret>>, StoreError> {
        self.store.find(at, name, now).await
    }

    async fn list(&self, at: &SealedPlace<Read>, now: Timestamp) -> Result<Vec<StoredSecret>, StoreError> {
        self.store.list(at, now).await
    }

    async fn header(
        &self,
        at: &SealedPlace<Write>,
        name: NameTag,
        now: Timestamp,
    ) -> Result<Option<RecordHeader>, StoreError> {
        let found = self.store.header(at, name, now).await?;
        self.meddle(at, name, found, now).await;
        Ok(found)
    }

    async fn set(&self, at: &SealedPlace<Write>, secret: NewSecret, now: Timestamp) -> Result<SetOutcome, StoreError> {
        self.store.set(at, secret, now).await
    }

    async fn delete(
        &self,
        at: &SealedPlace<Write>,
        deletion: Deletion,
        now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError> {
        self.store.delete(at, deletion, now).await
    }

    async fn kept(
        &self,
        at: &SealedPlace<Write>,
        tag: IdempotencyTag,
        now: Timestamp,
    ) -> Result<Option<KeptRecord>, StoreError> {
        self.store.kept(at, tag, now).await
    }
}

#[tokio::test]
async fn rule_4_1_a_set_that_was_overtaken_looks_again() {
    for (times, created_at) in [(0, NOW), (1, NOW - 500), (2, NOW), (3, NOW - 500), (15, NOW - 500)] {
        let world = World::over(Arc::new(Meddling { store: MemoryStore::default(), times: AtomicU64::new(times) }));
        let secret = SetRequest { idempotency: key("k"), ..set_of("account/a", "one") };
        let view = world.set(&backend(ACCOUNT), secret, NOW).await.result.unwrap();
        assert_eq!(view.header.created_at.as_unix(), created_at, "{times} times");
        let found = world.find(&backend(ACCOUNT), "account/a", NOW).await.unwrap();
        assert_eq!((found.header, payload(&found).as_str()), (view.header, "one"), "{times} times");
    }
    let times = AtomicU64::new(SET_ATTEMPTS_MAX as u64);
    let world = World::over(Arc::new(Meddling { store: MemoryStore::default(), times }));
    let answer = world.set(&backend(ACCOUNT), set_of("account/a", "one"), NOW).await;
    assert!(matches!(answer.result, Err(Error::Unavailable(_))), "it does not try for ever");
}

#[tokio::test]
async fn a_payload_that_is_answered_is_noted_as_read() {
    let world = World::new();
    let caller = backend(ACCOUNT);
    let (one, two) = (world.put("account/a", "one").await.id, world.put("account/b", "two").await.id);
    let seen = || std::mem::take(&mut *world.seen.0.lock().unwrap());
    let at = Timestamp::from_unix;
    assert_eq!(seen(), [], "a set is no read");
    let header_only = || FindRequest { expand_payload: false, name: place("account/a").1, scope: Scope::Account };
    find(&world.ports, &caller, &header_only(), at(NOW)).await.unwrap();
    list(&world.ports, &caller, Scope::Account, PageRequest::default(), at(NOW)).await.unwrap();
    assert_eq!(word(&world.find(&caller, "account/none", NOW).await), "NotFound");
    assert_eq!(seen(), [], "no payload was shown");
    world.find(&caller, "account/a", NOW + 5).await.unwrap();
    assert_eq!(seen(), [(one, at(NOW + 5))]);
    world.payloads(&caller, Scope::Account).await.unwrap();
    assert_eq!(seen(), [(two, at(NOW)), (one, at(NOW))]);
}

#[tokio::test]
async fn a_record_that_was_moved_does_not_open() {
    let world = World::new();
    let caller = backend(ACCOUNT);
    world.put("account/a", "one").await;
    let cipher = TransparentCipher::new(&caller.namespace);
    let (read, write) = (
        cholla_testkit::cipher::place::<Read>(ACCOUNT, Scope::Account),
        cholla_testkit::cipher::place::<Write>(ACCOUNT, Scope::Account),
    );
    let tag = |name: &str| {
        cholla_domain::ports::NamespaceCipher::name_tag(
            &cipher,
            read.scope(),
            &SecretName::new(name.to_owned()).unwrap(),
        )
    };
    let now = Timestamp::from_unix(NOW);
    let found = world.ports.store.find(&read, tag("a"), now).await.unwrap().unwrap();
    let StoredSecret { header, sealed, .. } = Arc::unwrap_or_clone(found);
    let precondition = Precondition::default();
    let judged = Judgement::ALONE;
    let moved = NewSecret { name: tag("b"), header, replaces: None, sealed, precondition, idempotency: None, judged };
    world.ports.store.set(&write, moved, now).await.unwrap();
    assert_eq!(cause(&world.find(&caller, "account/b", NOW).await.unwrap_err()), "Internal(Tampered)");
    assert_eq!(word(&world.find(&caller, "account/a", NOW).await), "one");
}
