//! Turns for large bodies: so many at a time as there is memory for, and so few for one developer that the others get theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cholla_domain::id::AccountId;
use cholla_domain::limits::{LARGE_BODIES_MAX, LARGE_BODIES_PER_DEVELOPER_MAX, LARGE_BODY_WAIT_SECONDS_MAX};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// The turns of a server.
#[derive(Debug)]
pub(crate) struct LargeBodies {
    all: Semaphore,
    /// The turns of each developer whose requests have one or wait for one.
    shares: Mutex<HashMap<AccountId, Arc<Semaphore>>>,
}

/// The right to have one large body in memory, until it is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a> {
    _one_of_all: SemaphorePermit<'a>,
    _own: OwnedSemaphorePermit,
    /// Dropped last: it looks whether anybody else uses the share.
    _share: Share<'a>,
}

impl Default for LargeBodies {
    fn default() -> Self {
        Self { all: Semaphore::new(LARGE_BODIES_MAX), shares: Mutex::default() }
    }
}

impl LargeBodies {
    /// Waits for a turn, for at most [`LARGE_BODY_WAIT_SECONDS_MAX`]. `None` when none came.
    pub(crate) async fn turn(&self, developer: &AccountId) -> Option<Turn<'_>> {
        let share = Share::of(self, developer);
        let turns = async {
            // The own share first: whoever waits there keeps nobody else waiting.
            let own = Arc::clone(&share.turns).acquire_owned().await.ok()?;
            Some((own, self.all.acquire().await.ok()?))
        };
        let (own, one_of_all) = timeout(Duration::from_secs(LARGE_BODY_WAIT_SECONDS_MAX), turns).await.ok()??;
        Some(Turn { _one_of_all: one_of_all, _own: own, _share: share })
    }

    fn shares(&self) -> MutexGuard<'_, HashMap<AccountId, Arc<Semaphore>>> {
        // Nothing panics while the lock is held, and each operation on the map is whole.
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One user of a developer's turns; the last one takes them off the map.
#[derive(Debug)]
struct Share<'a> {
    bodies: &'a LargeBodies,
    developer: AccountId,
    turns: Arc<Semaphore>,
}

impl<'a> Share<'a> {
    fn of(bodies: &'a LargeBodies, developer: &AccountId) -> Self {
        let mut shares = bodies.shares();
        let new = || Arc::new(Semaphore::new(LARGE_BODIES_PER_DEVELOPER_MAX));
        let turns = Arc::clone(shares.entry(developer.clone()).or_insert_with(new));
        Self { bodies, developer: developer.clone(), turns }
    }
}

impl Drop for Share<'_> {
    fn drop(&mut self) {
        let mut shares = self.bodies.shares();
        // This one's and the map's. Others are made under the lock that is held here.
        if Arc::strong_count(&self.turns) == 2 {
            shares.remove(&self.developer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn developer(number: usize) -> AccountId {
        AccountId::new(format!("acct_{number}"))
    }

    /// Takes `taken` turns for each of `developers`, then says whether developer 0 gets another one.
    async fn check(developers: usize, taken: usize, expected: bool) {
        let bodies = LargeBodies::default();
        let mut turns = Vec::new();
        for number in (0..developers).rev() {
            for _ in 0..taken {
                turns.push(bodies.turn(&developer(number)).await.unwrap());
            }
        }
        assert_eq!(bodies.turn(&developer(0)).await.is_some(), expected, "{developers} × {taken}");
        turns.pop();
        assert!(bodies.turn(&developer(0)).await.is_some(), "{developers} × {taken}: one is free again");
        turns.clear();
        assert!(bodies.shares().is_empty(), "{developers} × {taken}: nothing is kept");
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_gets_more_than_a_share_and_all_together_what_there_is() {
        check(1, LARGE_BODIES_PER_DEVELOPER_MAX - 1, true).await;
        check(1, LARGE_BODIES_PER_DEVELOPER_MAX, false).await;
        check(2, LARGE_BODIES_PER_DEVELOPER_MAX - 1, true).await;
        check(8, LARGE_BODIES_MAX / 8, false).await;
    }

    #[tokio::test(start_paused = true)]
    async fn another_developer_does_not_wait() {
        let bodies = LargeBodies::default();
        let mut turns = Vec::new();
        for _ in 0..LARGE_BODIES_PER_DEVELOPER_MAX {
            turns.push(bodies.turn(&developer(1)).await.unwrap());
        }
        let (waiting, another) = (developer(1), developer(2));
        tokio::select! {
            biased;
            turn = bodies.turn(&waiting) => panic!("{turn:?}"),
            turn = bodies.turn(&another) => assert!(turn.is_some()),
        }
    }
}
