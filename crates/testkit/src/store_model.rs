//! Random sequences of operations, answered by a store and by the oracle: every answer has to be the same.

use cholla_domain::limits::IDEMPOTENCY_KEPT_SECONDS;
use cholla_domain::policy::Read;
use cholla_domain::ports::{Deletion, NamespaceCounts, NewSecret, SecretRead};
use cholla_domain::precondition::{IfMatch, Precondition};
use cholla_domain::record::RecordHeader;
use cholla_domain::tag::ScopeTag;

use crate::entropy::SeededEntropy;
use crate::memory::MemoryStore;
use crate::store_notices::namespace_tag;
use crate::store_suite::{Stores, at, deletion, idempotent, name_tag, new_secret, user_place, version};

/// Operations of one run.
const OPERATIONS: u64 = 10_000;
/// Small enough that scopes fill up, names collide and keys come back.
const USERS: [&str; 3] = ["", "usr_1", "usr_2"];
const NAMES: u64 = 14;
const KEYS: u64 = 40;

/// Ten thousand operations with a clock that jumps both ways.
pub async fn any_sequence_is_answered_as_by_the_oracle(stores: Stores) {
    let mut run = Run {
        seed: SeededEntropy::new(0x00c4_011a),
        stores: stores.with_key().await,
        oracle: Stores::new(MemoryStore::default(), ()).with_key().await,
        now: 1_000_000,
        last_seen: None,
    };
    run.stores.notices.keep_notices(true);
    run.oracle.notices.keep_notices(true);
    for step in 0..OPERATIONS {
        run.step(step).await;
    }
}

/// What is listed and counted, and the notices that were left, in some order; all of them are told.
async fn platform(stores: &Stores, now: i64) -> (Vec<ScopeTag>, NamespaceCounts, usize, Vec<String>) {
    let namespace = namespace_tag("acct_suite");
    stores.notices.notice_expiring(at(now + 30), at(now), u32::MAX).await.expect("the store answers");
    let scopes = stores.inventory.scopes(namespace, None, usize::MAX).await.expect("the store answers");
    let counts = stores.inventory.count(namespace).await.expect("the store answers");
    let mut read_days = 0;
    for user in USERS {
        let days = stores.inventory.read_days(user_place::<Read>(user).scope()).await.expect("the store answers");
        read_days += days.len();
    }
    let notices = stores.notices.notices(usize::MAX).await.expect("the store answers");
    if let Some(last) = notices.last() {
        stores.notices.told(last.number, Vec::new(), at(now)).await.expect("the store answers");
    }
    // Secrets that expire at once may be erased in any order.
    let mut notices: Vec<_> = notices
        .iter()
        .map(|notice| format!("{:?} {:?} {} {:?}", notice.at, notice.kind, notice.secret, notice.expires_at))
        .collect();
    notices.sort_unstable();
    (scopes, counts, read_days, notices)
}

struct Run {
    seed: SeededEntropy,
    stores: Stores,
    oracle: Stores,
    now: i64,
    /// A header that was live once: what a set expects that was overtaken.
    last_seen: Option<RecordHeader>,
}

impl Run {
    async fn step(&mut self, step: u64) {
        self.move_the_clock();
        let (user, name) = self.target();
        let (user, name, now) = (user, name.as_str(), self.now);
        let (stores, oracle) = (&self.stores, &self.oracle);
        match self.seed.below(100) {
            0..40 => {
                let secret = self.new_secret(user, name, step).await;
                let expected = oracle.set(user, secret.clone(), now).await;
                assert_eq!(stores.set(user, secret, now).await, expected, "step {step}: set");
            }
            40..55 => {
                let deletion = self.deletion(user, name).await;
                let expected = oracle.delete(user, deletion.clone(), now).await;
                assert_eq!(stores.delete(user, deletion, now).await, expected, "step {step}: delete");
            }
            55..70 => {
                let expected = oracle.find(user, name, now).await;
                assert_eq!(stores.find(user, name, now).await, expected, "step {step}: find");
            }
            70..80 => {
                let expected = oracle.header(user, name, now).await;
                assert_eq!(stores.header(user, name, now).await, expected, "step {step}: header");
                self.last_seen = expected.or(self.last_seen);
            }
            80..92 => {
                let expected = oracle.list(user, now).await;
                assert_eq!(stores.list(user, now).await, expected, "step {step}: list");
            }
            92..97 => {
                let tag = idempotent(self.seed.below(KEYS), 0, 0).tag;
                let expected = oracle.secrets.kept(&user_place(user), tag, at(now)).await;
                let actual = stores.secrets.kept(&user_place(user), tag, at(now)).await;
                let (expected, actual) = (expected.expect("it answers"), actual.expect("the store answers"));
                assert_eq!(actual, expected, "step {step}: kept");
            }
            97 => {
                let expected = oracle.maintenance.sweep(at(now), u32::MAX).await.expect("it answers");
                let actual = stores.maintenance.sweep(at(now), u32::MAX).await.expect("the store answers");
                assert_eq!(actual, expected, "step {step}: sweep");
            }
            98 => {
                let (expected, actual) = (platform(oracle, now).await, platform(stores, now).await);
                assert_eq!(actual, expected, "step {step}: what stands around the secrets");
            }
            _ if self.seed.one_in(10) => {
                oracle.maintenance.erase_all().await.expect("it answers");
                stores.maintenance.erase_all().await.expect("the store answers");
                for stores in [oracle, stores] {
                    stores.keep_key("acct_suite", b"another key").await;
                }
            }
            _ => {
                let Some(header) = oracle.header(user, name, self.now).await else { return };
                let scope = user_place::<Read>(user).scope();
                let read = SecretRead { scope, name: name_tag(user, name), id: header.id, day: 7 };
                for stores in [oracle, stores] {
                    stores.inventory.note_reads(&[read]).await.expect("the store answers");
                }
            }
        }
    }

    fn move_the_clock(&mut self) {
        self.now += match self.seed.below(200) {
            0 => IDEMPOTENCY_KEPT_SECONDS,
            1 => -IDEMPOTENCY_KEPT_SECONDS / 2,
            2..5 => -30,
            5..25 => 20,
            25..100 => 1,
            _ => 0,
        };
    }

    fn target(&self) -> (&'static str, String) {
        let user = usize::try_from(self.seed.below(3)).expect("an index of three");
        (USERS[user], format!("name {}", self.seed.below(NAMES)))
    }

    async fn new_secret(&self, user: &str, name: &str, step: u64) -> NewSecret {
        let live = self.oracle.header(user, name, self.now).await;
        let replaces = if self.seed.one_in(10) { self.last_seen } else { live };
        let mut secret = new_secret(user, name, step, replaces, self.now);
        if self.seed.one_in(3) {
            let ahead = i64::try_from(self.seed.below(60)).expect("below 60");
            secret.header.expires_at = Some(at(self.now + 1 + ahead));
        }
        secret.precondition = self.precondition(live);
        if self.seed.one_in(3) {
            secret.idempotency = Some(idempotent(self.seed.below(KEYS), self.seed.below(2), step));
        }
        secret
    }

    async fn deletion(&self, user: &str, name: &str) -> Deletion {
        let mut deletion = deletion(user, name);
        deletion.precondition = self.precondition(self.oracle.header(user, name, self.now).await);
        if self.seed.one_in(3) {
            deletion.idempotency = Some(idempotent(self.seed.below(KEYS), self.seed.below(2), self.seed.number()));
        }
        deletion
    }

    fn precondition(&self, live: Option<RecordHeader>) -> Precondition {
        let if_match = match self.seed.below(12) {
            0 => Some(IfMatch::Any),
            1 => Some(IfMatch::OneOf(vec![version(1)])),
            2 => Some(IfMatch::OneOf(live.map(|header| header.version).into_iter().collect())),
            _ => None,
        };
        Precondition { if_match, if_none_match: self.seed.one_in(12) }
    }
}
