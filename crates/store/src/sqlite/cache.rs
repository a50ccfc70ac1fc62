//! A bounded cache of sealed records that never answers with a state that is over.
//!
//! A record is in here only while it is what the database holds. A write takes its records out before COMMIT and puts the new ones in
//! after it; in between their stripes are held, and readers go to the database. A reader that fills the cache holds a [`Ticket`] from
//! before it read: the record goes in only if no write has begun or ended on its stripe since.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cholla_domain::record::StoredSecret;
use cholla_domain::tag::{NameTag, ScopeTag};
use quick_cache::Weighter;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) scope: ScopeTag,
    pub(super) name: NameTag,
}

/// Stripes; the first byte of a name's tag chooses one.
const STRIPES: usize = 256;
/// What an entry takes beside its sealed bytes: key, header, and the bookkeeping of map and allocator.
const ENTRY_BYTES: u64 = 256;
/// What a record is taken to weigh when the cache plans its tables.
const TYPICAL_BYTES: usize = 640;

#[derive(Clone)]
struct Bytes;

impl Weighter<Place, Arc<StoredSecret>> for Bytes {
    fn weight(&self, _: &Place, secret: &Arc<StoredSecret>) -> u64 {
        ENTRY_BYTES + secret.sealed.as_bytes().len() as u64
    }
}

#[derive(Debug, Default)]
struct Stripe {
    /// Counts the writes that have ended here.
    generation: u64,
    /// Writes between their hold and their release.
    held: u32,
}

/// Permission to fill a place, good until a write touches its stripe.
#[derive(Debug)]
pub(super) struct Ticket {
    place: Place,
    generation: u64,
}

/// What the cache knows of a place.
#[derive(Debug)]
pub(super) enum Lookup {
    /// The record that is in the database.
    Hit(Arc<StoredSecret>),
    /// Nothing; the ticket is there unless a write is going on.
    Miss(Option<Ticket>),
}

/// Sealed records by their place.
pub(super) struct Cache {
    records: quick_cache::sync::Cache<Place, Arc<StoredSecret>, Bytes>,
    stripes: Vec<Mutex<Stripe>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl Cache {
    /// A cache of at most `bytes`.
    pub(super) fn new(bytes: usize) -> Self {
        Self {
            records: quick_cache::sync::Cache::with_weighter(bytes / TYPICAL_BYTES, bytes as u64, Bytes),
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    fn stripe(&self, place: Place) -> MutexGuard<'_, Stripe> {
        // Nothing panics while a stripe is locked, and its two numbers are valid in any combination.
        self.stripes[usize::from(place.name.as_bytes()[0])].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks `place` up, before the database is read.
    pub(super) fn look_up(&self, place: Place) -> Lookup {
        if let Some(secret) = self.records.get(&place) {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Lookup::Hit(secret);
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let stripe = self.stripe(place);
        Lookup::Miss((stripe.held == 0).then_some(Ticket { place, generation: stripe.generation }))
    }

    /// Puts in what the database held after the ticket was given, unless a write has touched the stripe since.
    pub(super) fn fill(&self, ticket: &Ticket, secret: Arc<StoredSecret>) {
        let stripe = self.stripe(ticket.place);
        if stripe.held == 0 && stripe.generation == ticket.generation {
            self.records.insert(ticket.place, secret);
        }
    }

    /// Takes out what `changes` touch and keeps readers from filling it, until [`release`](Self::release). Comes before COMMIT.
    pub(super) fn hold(&self, changes: &Changes) {
        for &place in changes.places.keys() {
            let mut stripe = self.stripe(place);
            stripe.held += 1;
            self.records.remove(&place);
        }
        if changes.everything {
            for stripe in &self.stripes {
                stripe.lock().unwrap_or_else(PoisonError::into_inner).held += 1;
            }
            self.records.clear();
        }
    }

    /// Ends a hold. Comes after COMMIT and before any acknowledgement; puts the new records in when it was `committed`.
    pub(super) fn release(&self, changes: Changes, committed: bool) {
        for (place, secret) in changes.places {
            let mut stripe = self.stripe(place);
            if let Some(secret) = secret.filter(|_| committed) {
                self.records.insert(place, secret);
            }
            stripe.generation += 1;
            stripe.held -= 1;
        }
        if changes.everything {
            for stripe in &self.stripes {
                let mut stripe = stripe.lock().unwrap_or_else(PoisonError::into_inner);
                stripe.generation += 1;
                stripe.held -= 1;
            }
        }
    }

    /// Lookups that were answered from here.
    pub(super) fn hits(&self) -> u64 {
        self.hits.load(Ordering::Relaxed)
    }

    /// Lookups that were not.
    pub(super) fn misses(&self) -> u64 {
        self.misses.load(Ordering::Relaxed)
    }

    /// What the records weigh.
    pub(super) fn bytes(&self) -> u64 {
        self.records.weight()
    }
}

/// What a transaction does to the cache, the last word on each place.
#[derive(Default)]
pub(super) struct Changes {
    /// The new record of a place that was in the cache; `None` takes the place out.
    places: HashMap<Place, Option<Arc<StoredSecret>>>,
    everything: bool,
}

impl Changes {
    /// A new record. Only what is being read is worth keeping, so it goes in only where there is one already.
    pub(super) fn put(&mut self, cache: &Cache, place: Place, secret: impl FnOnce() -> StoredSecret) {
        let secret = cache.records.contains_key(&place).then(|| Arc::new(secret()));
        self.places.insert(place, secret);
    }

    /// No record any more.
    pub(super) fn remove(&mut self, place: Place) {
        self.places.insert(place, None);
    }

    /// No record anywhere.
    pub(super) fn remove_all(&mut self) {
        self.places.clear();
        self.everything = true;
    }
}

#[cfg(test)]
mod tests {
    use cholla_testkit::store_suite::{at, new_secret};

    use super::*;

    fn record(mark: u64) -> StoredSecret {
        let secret = new_secret("", "a", mark, None, 100);
        StoredSecret {
            scope: ScopeTag::from_bytes([1; 16]),
            name: secret.name,
            header: secret.header,
            sealed: secret.sealed,
        }
    }

    fn place() -> Place {
        let record = record(0);
        Place { scope: record.scope, name: record.name }
    }

    fn replacement(cache: &Cache, mark: u64) -> Changes {
        let mut changes = Changes::default();
        changes.put(cache, place(), || record(mark));
        changes
    }

    /// Runs the steps of a reader (`t`icket, `f`ill with record 1) and of a writer of record 2 (`p`repare, `h`old, `c`ommit,
    /// `r`oll back), and says what the cache holds after each.
    fn check(steps: &str, expected: &str) {
        let cache = Cache::new(1 << 20);
        let (mut ticket, mut changes) = (None, None);
        let mut held = String::new();
        for step in steps.chars() {
            match step {
                't' => {
                    ticket = match cache.look_up(place()) {
                        Lookup::Hit(_) => None,
                        Lookup::Miss(ticket) => ticket,
                    }
                }
                'f' => {
                    if let Some(ticket) = &ticket {
                        cache.fill(ticket, Arc::new(record(1)));
                    }
                }
                'p' => changes = Some(replacement(&cache, 2)),
                'h' => cache.hold(changes.as_ref().unwrap()),
                'c' => cache.release(changes.take().unwrap(), true),
                'r' => cache.release(changes.take().unwrap(), false),
                _ => unreachable!(),
            }
            held.push(match cache.records.peek(&place()) {
                None => '-',
                Some(secret) if *secret == record(1) => '1',
                Some(_) => '2',
            });
        }
        assert_eq!(held, expected, "{steps}");
    }

    #[test]
    fn no_interleaving_leaves_a_state_that_is_over() {
        check("tf", "-1");
        check("tfphc", "-11-2");
        check("tfphr", "-11--");
        check("tphcf", "-----");
        check("tphfc", "-----");
        check("tphrf", "-----");
        check("phtcf", "-----");
        check("phtfc", "-----");
        check("tpfhc", "--1--");
        check("tpfhctf", "--1---1");
    }

    #[test]
    fn the_last_change_of_a_transaction_counts() {
        let cache = Cache::new(1 << 20);
        let Lookup::Miss(Some(ticket)) = cache.look_up(place()) else { panic!("the cache is empty") };
        cache.fill(&ticket, Arc::new(record(1)));
        let mut changes = replacement(&cache, 2);
        changes.put(&cache, place(), || record(3));
        cache.hold(&changes);
        cache.release(changes, true);
        let Lookup::Hit(found) = cache.look_up(place()) else { panic!("it was in the cache before") };
        assert_eq!((&*found, found.header.created_at), (&record(3), at(100)));
        let mut changes = replacement(&cache, 4);
        changes.remove(place());
        cache.hold(&changes);
        cache.release(changes, true);
        assert!(matches!(cache.look_up(place()), Lookup::Miss(Some(_))));
    }

    #[test]
    fn the_cache_stays_within_its_bytes() {
        let cache = Cache::new(100_000);
        for first in 0..=255 {
            for second in 0..10 {
                let mut tag = [second; 16];
                tag[0] = first;
                let place = Place { scope: ScopeTag::from_bytes([1; 16]), name: NameTag::from_bytes(tag) };
                let Lookup::Miss(Some(ticket)) = cache.look_up(place) else { panic!("it was never filled") };
                cache.fill(&ticket, Arc::new(record(1)));
            }
        }
        assert!((50_000..=100_000).contains(&cache.bytes()), "{} bytes", cache.bytes());
    }
}
