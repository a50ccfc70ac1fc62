//! Rate limits (contract 6.28): a token bucket for every credential, and one for every account that an app or a developer acts on.
//!
//! A bucket is one moment: when it will be full again. A request puts it off by what one token takes to drip in, and is refused where
//! that moment would be further away than an empty bucket's. So a bucket that is full is as good as none, and is forgotten when room is
//! needed. Time is a parameter.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use cholla_domain::directory::CredentialHash;
use cholla_domain::id::{AccountId, AppId};
use cholla_domain::limits::RATE_BUCKETS_MAX;
use cholla_domain::livemode::Livemode;
use cholla_wire::error::ApiError;

use crate::config::{LimitsConfig, Rate};

/// Parts of the table, each under a lock of its own.
const SHARDS: usize = 16;
/// Buckets of one part.
const SHARD_BUCKETS: usize = RATE_BUCKETS_MAX / SHARDS;

/// Buckets of one part that are left when room was made.
const SHARD_BUCKETS_LEFT: usize = SHARD_BUCKETS / 4 * 3;

const _: () = assert!(RATE_BUCKETS_MAX.is_multiple_of(SHARDS));

/// The rate limits of a server.
pub(crate) struct RateLimits {
    per_credential: Option<Limit>,
    per_account: Option<Limit>,
    buckets: Buckets,
}

/// Which limit a request has exceeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exceeded {
    /// The credential's own.
    Credential,
    /// That of the app or developer on the account.
    Account,
}

impl From<Exceeded> for ApiError {
    /// Stripe's global limit is one of an account, and the wider one of the two here; the narrower one has the name of Stripe's narrower.
    fn from(exceeded: Exceeded) -> Self {
        Self::too_many_requests(match exceeded {
            Exceeded::Credential => "endpoint-rate",
            Exceeded::Account => "global-rate",
        })
    }
}

/// Whose requests share a limit: those of an app, or of a developer's own keys, on one account and in one mode.
pub(crate) type Whose<'a> = (Option<&'a AppId>, &'a AccountId, &'a AccountId, Livemode);

impl RateLimits {
    /// The limits of a configuration; `None` where it sets none.
    pub(crate) fn new(config: &LimitsConfig) -> Option<Self> {
        if config.per_credential.is_none() && config.per_account.is_none() {
            return None;
        }
        let limit = |rate: Option<Rate>| rate.map(Limit::new);
        let (per_credential, per_account) = (limit(config.per_credential), limit(config.per_account));
        Some(Self { per_credential, per_account, buckets: Buckets::default() })
    }

    /// Takes a token for a request of `credential` at `now`. A request that the account's limit refuses has taken
    /// one of its credential's.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn admit(
        &self,
        credential: &CredentialHash,
        (app, developer, account, livemode): Whose<'_>,
        now: Instant,
    ) -> Result<(), Exceeded> {
        if let Some(limit) = &self.per_credential
            && !self.buckets.take(("credential", credential), limit, now)
        {
            return Err(Exceeded::Credential);
        }
        let caller = (app.map(AppId::as_str), developer.as_str());
        let account = ("account", caller, account.as_str(), livemode.as_str());
        if let Some(limit) = &self.per_account
            && !self.buckets.take(account, limit, now)
        {
            return Err(Exceeded::Account);
        }
        Ok(())
    }
}

/// A rate as what it means for a bucket.
#[derive(Clone, Copy, Debug)]
struct Limit {
    /// How long one token takes to drip in.
    token: Duration,
    /// How long an empty bucket takes to fill.
    bucket: Duration,
}

impl Limit {
    fn new(rate: Rate) -> Self {
        let nanoseconds = 1_000_000_000 / rate.per_second.max(1);
        let fill = nanoseconds.saturating_mul(rate.burst);
        Self { token: Duration::from_nanos(nanoseconds), bucket: Duration::from_nanos(fill) }
    }
}

/// The buckets that are not full, by the hash of what they belong to: no key, no hash of a key and no id is kept.
#[derive(Default)]
struct Buckets {
    hasher: RandomState,
    /// When each bucket will be full.
    shards: [Mutex<HashMap<u64, Instant>>; SHARDS],
}

impl Buckets {
    /// Takes a token out of the bucket of `owner`. False when it has none.
    fn take(&self, owner: impl Hash, limit: &Limit, now: Instant) -> bool {
        let key = self.hasher.hash_one(owner);
        let shard = usize::try_from(key % SHARDS as u64).expect("it is less than the number of shards");
        // Nothing panics while the lock is held, and each operation on the map is whole.
        let mut shard = self.shards[shard].lock().unwrap_or_else(PoisonError::into_inner);
        let known = shard.get(&key).copied();
        let full_at = known.map_or(now, |full_at| full_at.max(now)) + limit.token;
        if full_at > now + limit.bucket {
            return false;
        }
        if known.is_none() && shard.len() >= SHARD_BUCKETS {
            make_room(&mut shard, now);
        }
        shard.insert(key, full_at);
        true
    }
}

/// Forgets the buckets that are full, and of the others the fullest, until [`SHARD_BUCKETS_LEFT`] are left: room for many at once, because
/// all of them are looked at for it.
fn make_room(shard: &mut HashMap<u64, Instant>, now: Instant) {
    shard.retain(|_, full_at| *full_at > now);
    let mut surplus = shard.len().saturating_sub(SHARD_BUCKETS_LEFT);
    let mut moments: Vec<_> = shard.values().copied().collect();
    if surplus == 0 || surplus >= moments.len() {
        return;
    }
    let (_, last_to_go, _) = moments.select_nth_unstable(surplus - 1);
    shard.retain(|_, full_at| {
        let goes = surplus > 0 && *full_at <= *last_to_go;
        surplus -= usize::from(goes);
        !goes
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    fn limits(per_credential: Option<Rate>, per_account: Option<Rate>) -> RateLimits {
        RateLimits::new(&LimitsConfig { per_credential, per_account }).unwrap()
    }

    /// What `Whose` refers to.
    type Caller = (Option<AppId>, AccountId, AccountId, Livemode);

    /// A caller in words: `KEY of APP or DEVELOPER on ACCOUNT in MODE`.
    fn caller(text: &str) -> (CredentialHash, Caller) {
        let words: Vec<_> = text.split(' ').collect();
        let [key, "of", who, "on", account, "in", mode] = words[..] else { panic!("{text}") };
        let mut hash = [0; 32];
        hash[..key.len()].copy_from_slice(key.as_bytes());
        let app = who.contains('.').then(|| AppId::new(who));
        let developer = AccountId::new(if app.is_some() { "acct_dev" } else { who });
        let livemode = if mode == "live" { Livemode::Live } else { Livemode::Test };
        (CredentialHash::from_bytes(hash), (app, developer, AccountId::new(account), livemode))
    }

    /// Makes requests at milliseconds, and compares what becomes of each.
    fn check(limits: &RateLimits, requests: &[(u64, &str, Result<(), Exceeded>)]) {
        let start = Instant::now();
        for (index, (milliseconds, text, expected)) in requests.iter().enumerate() {
            let (credential, (app, developer, account, livemode)) = caller(text);
            let whose = (app.as_ref(), &developer, &account, livemode);
            let actual = limits.admit(&credential, whose, start + Duration::from_millis(*milliseconds));
            assert_eq!(actual, *expected, "request {index}: {text} at {milliseconds} ms");
        }
    }

    #[test]
    fn rule_6_28_a_burst_then_the_rate() {
        const ONE: &str = "sk_1 of acct_dev on acct_a in test";
        const OVER: Result<(), Exceeded> = Err(Exceeded::Credential);
        let requests = [
            (0, ONE, Ok(())),
            (0, ONE, Ok(())),
            (0, ONE, Ok(())),
            (0, ONE, OVER),
            (99, ONE, OVER),
            // What is refused takes no token: the first is back after a tenth of a second.
            (100, ONE, Ok(())),
            (100, ONE, OVER),
            (350, ONE, Ok(())),
            (350, ONE, Ok(())),
            (350, ONE, OVER),
            // However long it waits, it has no more than the burst.
            (60_000, ONE, Ok(())),
            (60_000, ONE, Ok(())),
            (60_000, ONE, Ok(())),
            (60_000, ONE, OVER),
            // A request whose time was taken a little earlier.
            (59_999, ONE, OVER),
        ];
        check(&limits(Some(RATE), None), &requests);
    }

    #[test]
    fn rule_6_28_every_credential_has_its_bucket() {
        let over = Err(Exceeded::Credential);
        let requests = [
            (0, "sk_1 of acct_dev on acct_a in test", Ok(())),
            (0, "sk_1 of acct_dev on acct_b in test", Ok(())),
            (0, "sk_1 of acct_dev on acct_c in test", Ok(())),
            (0, "sk_1 of acct_dev on acct_d in test", over),
            (0, "sk_2 of acct_dev on acct_a in test", Ok(())),
        ];
        check(&limits(Some(RATE), None), &requests);
    }

    #[test]
    fn rule_6_28_every_app_and_developer_has_its_bucket_on_every_account() {
        let over = Err(Exceeded::Account);
        let requests = [
            (0, "rk_1 of com.example.app on acct_a in test", Ok(())),
            (0, "rk_2 of com.example.app on acct_a in test", Ok(())),
            (0, "ek_3 of com.example.app on acct_a in test", Ok(())),
            (0, "rk_4 of com.example.app on acct_a in test", over),
            (0, "rk_1 of com.example.app on acct_a in live", Ok(())),
            (0, "rk_1 of com.example.app on acct_b in test", Ok(())),
            (0, "rk_1 of com.example.other on acct_a in test", Ok(())),
            (0, "sk_5 of acct_dev on acct_a in test", Ok(())),
            (0, "sk_6 of acct_elsewhere on acct_a in test", Ok(())),
            (100, "rk_4 of com.example.app on acct_a in test", Ok(())),
        ];
        check(&limits(None, Some(RATE)), &requests);
    }

    #[test]
    fn rule_6_28_both_limits_hold() {
        const ONE: &str = "sk_1 of acct_dev on acct_a in test";
        let requests = [
            (0, ONE, Ok(())),
            (0, ONE, Err(Exceeded::Account)),
            (0, ONE, Err(Exceeded::Account)),
            (0, ONE, Err(Exceeded::Credential)),
            (0, "sk_2 of acct_dev on acct_a in test", Err(Exceeded::Account)),
            (0, "sk_2 of acct_dev on acct_b in test", Ok(())),
        ];
        check(&limits(Some(RATE), Some(Rate { burst: 1, ..RATE })), &requests);
    }

    #[test]
    fn nothing_is_limited_where_nothing_is_set() {
        assert!(RateLimits::new(&LimitsConfig { per_credential: None, per_account: None }).is_none());
    }

    #[test]
    fn rule_6_28_the_error_names_the_limit() {
        for (exceeded, reason) in [(Exceeded::Credential, "endpoint-rate"), (Exceeded::Account, "global-rate")] {
            let error = ApiError::from(exceeded);
            let shown = (error.status(), error.code(), error.should_retry(), error.rate_limited_reason());
            assert_eq!(shown, (429, Some("rate_limit"), Some(false), Some(reason)));
        }
    }

    /// Lets so many owners take one token each, and then, `later`, one more. Gives the number of buckets.
    fn kept(owners: usize, later: Duration) -> usize {
        let (buckets, limit, start) = (Buckets::default(), Limit::new(RATE), Instant::now());
        for owner in 0..owners {
            assert!(buckets.take(owner, &limit, start), "a new bucket is full");
        }
        assert!(buckets.take("the last", &limit, start + later));
        buckets.shards.iter().map(|shard| shard.lock().unwrap().len()).sum()
    }

    #[test]
    fn the_table_is_bounded() {
        assert_eq!(kept(1_000, Duration::ZERO), 1_001);
        let full = kept(RATE_BUCKETS_MAX * 2, Duration::ZERO);
        assert!((SHARDS * SHARD_BUCKETS_LEFT..=RATE_BUCKETS_MAX).contains(&full), "{full}");
    }

    /// The moments at which a part's buckets are full, in milliseconds, after room was made 10 milliseconds after the start.
    fn after_making_room(moments: impl IntoIterator<Item = u64>) -> Vec<u128> {
        let now = Instant::now();
        let moments = moments.into_iter().map(|milliseconds| now + Duration::from_millis(milliseconds));
        let mut shard: HashMap<_, _> = (0_u64..).zip(moments).collect();
        make_room(&mut shard, now + Duration::from_millis(10));
        let mut left: Vec<_> = shard.values().map(|full_at| (*full_at - now).as_millis()).collect();
        left.sort_unstable();
        left
    }

    #[test]
    fn full_buckets_go_and_then_the_fullest() {
        let (all, left) = (SHARD_BUCKETS as u64, SHARD_BUCKETS_LEFT as u64);
        assert_eq!(after_making_room(0..12), [11]);
        assert_eq!(after_making_room(0..11), []);
        let range = |from: u64, to: u64| (from..to).map(u128::from).collect::<Vec<_>>();
        assert_eq!(after_making_room(0..all), range(all - left, all));
        assert_eq!(after_making_room(100..100 + all), range(100 + all - left, 100 + all));
        assert_eq!(after_making_room(vec![20; SHARD_BUCKETS]), vec![20; SHARD_BUCKETS_LEFT], "all alike");
    }
}
