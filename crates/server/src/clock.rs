//! The clock of a server: the system's, which never goes back here, plus an offset that only dev mode moves, and only forward.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use cholla_domain::time::{Clock, Timestamp};

/// The system's clock and an offset in seconds.
#[derive(Debug, Default)]
pub(crate) struct ServerClock {
    offset_seconds: AtomicI64,
    /// The latest second that the system's clock has shown to this process. When that clock is set back, this one stands until it has
    /// caught up: what has expired stays expired.
    latest_seconds: AtomicI64,
}

/// The clock cannot go back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Backward;

impl ServerClock {
    /// A clock that is `offset_seconds` ahead of the system's.
    pub(crate) fn with_offset(offset_seconds: i64) -> Self {
        Self { offset_seconds: AtomicI64::new(offset_seconds), latest_seconds: AtomicI64::default() }
    }

    /// Seconds by which this clock is ahead of the system's.
    pub(crate) fn offset_seconds(&self) -> i64 {
        self.offset_seconds.load(Ordering::Acquire)
    }

    /// The offset at which it would be `at` now.
    ///
    /// # Errors
    /// When `at` lies before the current second.
    pub(crate) fn offset_for(&self, at: Timestamp) -> Result<i64, Backward> {
        let ahead = at.as_unix().checked_sub(self.now().as_unix()).ok_or(Backward)?;
        if ahead < 0 { Err(Backward) } else { Ok(self.offset_seconds().saturating_add(ahead)) }
    }

    /// Moves the clock to an offset.
    pub(crate) fn set_offset(&self, offset_seconds: i64) {
        self.offset_seconds.store(offset_seconds, Ordering::Release);
    }

    /// The latest second known when the system's clock shows `seconds`.
    fn latest(&self, seconds: i64) -> i64 {
        // Nothing else is published with it, so no order is needed; and it is written once a second, not at every look.
        let latest = self.latest_seconds.load(Ordering::Relaxed);
        if seconds > latest { self.latest_seconds.fetch_max(seconds, Ordering::Relaxed).max(seconds) } else { latest }
    }
}

impl Clock for ServerClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        // A clock before 1970 reads as 1970: nothing has expired then, and nothing can be set to expire in its past.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_unix(self.latest(seconds).saturating_add(self.offset_seconds()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_forward_only() {
        let clock = ServerClock::with_offset(100);
        let now = clock.now();
        assert_eq!(clock.offset_for(now.plus(-1_000)), Err(Backward));
        let offset = clock.offset_for(now.plus(7_200)).unwrap();
        assert!((7_300 - 5..=7_300).contains(&offset), "{offset}");
        clock.set_offset(offset);
        assert!(clock.now() >= now.plus(7_200));
        assert_eq!(clock.offset_for(Timestamp::from_unix(i64::MIN)), Err(Backward));
    }

    /// An expired secret stays gone (contract 4.4), whatever is done to the clock of the machine.
    #[test]
    fn rule_4_4_does_not_follow_the_system_back() {
        let clock = ServerClock::default();
        for (shown, expected) in [(100, 100), (101, 101), (40, 101), (101, 101), (0, 101), (102, 102)] {
            assert_eq!(clock.latest(shown), expected, "{shown}");
        }
    }

    /// Dev mode's reset: the offset goes, and the real time is there at once.
    #[test]
    fn without_its_offset_it_shows_the_real_time() {
        let clock = ServerClock::with_offset(0);
        let before = clock.now();
        clock.set_offset(1_000_000);
        assert!(clock.now() >= before.plus(1_000_000));
        clock.set_offset(0);
        assert!((before..before.plus(1_000_000)).contains(&clock.now()));
    }
}
