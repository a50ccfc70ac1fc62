//! Time as the contract counts it: whole Unix seconds (contract 2.4). Nothing in this crate reads a clock.

use crate::limits::EXPIRY_AHEAD_SECONDS_MAX;

/// A moment in whole Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `seconds` after the Unix epoch.
    pub const fn from_unix(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds after the Unix epoch.
    pub const fn as_unix(self) -> i64 {
        self.0
    }

    /// The moment `seconds` later, at most the largest there is.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// Tells what time it is. The only source of `now`.
pub trait Clock: Send + Sync {
    /// The current second.
    fn now(&self) -> Timestamp;
}

/// Until when a secret lives: a moment that lay in the future, at most 100 years ahead, when it was set (contract 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expiry(Timestamp);

/// Why a moment cannot be an expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpiryError {
    /// Not after `now` (contract 6.14).
    NotInFuture,
    /// More than [`EXPIRY_AHEAD_SECONDS_MAX`] after `now` (contract 6.15).
    TooFar,
}

impl Expiry {
    /// Accepts `at` as an expiry set at `now`.
    ///
    /// # Errors
    /// When `at` is not in the future, or too far ahead.
    pub fn parse(at: Timestamp, now: Timestamp) -> Result<Self, ExpiryError> {
        if at <= now {
            Err(ExpiryError::NotInFuture)
        } else if at > now.plus(EXPIRY_AHEAD_SECONDS_MAX) {
            Err(ExpiryError::TooFar)
        } else {
            Ok(Self(at))
        }
    }

    /// The moment from which the secret is gone.
    pub fn at(self) -> Timestamp {
        self.0
    }
}

/// Whether something that expires at `expires_at` is gone at `now` (contract 4.4): from that very second on.
pub fn is_expired(expires_at: Option<Timestamp>, now: Timestamp) -> bool {
    expires_at.is_some_and(|at| now >= at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_4_3_expiry_lies_in_the_future_and_at_most_100_years_ahead() {
        let now = 1_956_528_000;
        for (at, expected) in [
            (i64::MIN, Err(ExpiryError::NotInFuture)),
            (0, Err(ExpiryError::NotInFuture)),
            (now, Err(ExpiryError::NotInFuture)),
            (now + 1, Ok(now + 1)),
            (now + 3_155_760_000, Ok(now + 3_155_760_000)),
            (now + 3_155_760_001, Err(ExpiryError::TooFar)),
            (i64::MAX, Err(ExpiryError::TooFar)),
        ] {
            let parsed = Expiry::parse(Timestamp::from_unix(at), Timestamp::from_unix(now));
            assert_eq!(parsed.map(|expiry| expiry.at().as_unix()), expected, "{at}");
        }
    }

    #[test]
    fn rule_4_4_gone_from_the_very_second() {
        for (expires_at, now, gone) in
            [(None, i64::MAX, false), (Some(10), 9, false), (Some(10), 10, true), (Some(10), 11, true)]
        {
            let expires_at = expires_at.map(Timestamp::from_unix);
            assert_eq!(is_expired(expires_at, Timestamp::from_unix(now)), gone, "{expires_at:?} at {now}");
        }
    }
}
