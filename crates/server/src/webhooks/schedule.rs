//! When a delivery that failed is tried again (contract 17.6).

use cholla_domain::livemode::Livemode;
use cholla_domain::ports::Settled;
use cholla_domain::time::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;

/// Seconds between two tries in live mode: 16 tries within 72 hours, each gap about half as long again as the one before, or more.
const LIVE_GAPS: [i64; 15] = [
    MINUTE,
    2 * MINUTE,
    4 * MINUTE,
    8 * MINUTE,
    15 * MINUTE,
    25 * MINUTE,
    45 * MINUTE,
    75 * MINUTE,
    2 * HOUR,
    3 * HOUR,
    4 * HOUR + 30 * MINUTE,
    7 * HOUR,
    11 * HOUR,
    16 * HOUR + 40 * MINUTE,
    24 * HOUR + 55 * MINUTE,
];

/// Seconds between two tries in test mode: three retries within a few hours.
const TEST_GAPS: [i64; 3] = [MINUTE, 15 * MINUTE, 2 * HOUR];

/// What becomes of a delivery after `failures` tries in a row, the last of which ended at `now`.
///
/// `jitter`, any byte, moves the next try by up to a tenth of its gap, earlier or later: what failed together is not tried together again.
pub(crate) fn after_failure(livemode: Livemode, failures: u32, now: Timestamp, jitter: u8) -> Settled {
    let gaps: &[i64] = match livemode {
        Livemode::Live => &LIVE_GAPS,
        Livemode::Test => &TEST_GAPS,
    };
    let number = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    gaps.get(number).map_or(Settled::Failed, |gap| {
        let earliest = gap - gap / 10;
        let spread = gap / 5 * i64::from(jitter) / i64::from(u8::MAX);
        Settled::Retry(now.plus(earliest + spread))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gaps of a delivery that always fails.
    fn gaps(livemode: Livemode, jitter: impl Fn(u32) -> u8) -> Vec<i64> {
        let now = Timestamp::from_unix(1_956_528_000);
        let gap = |failures| match after_failure(livemode, failures, now, jitter(failures)) {
            Settled::Retry(at) => Some(at.as_unix() - now.as_unix()),
            _ => None,
        };
        (1..).map_while(gap).collect()
    }

    #[test]
    fn rule_17_6_retries_with_growing_gaps() {
        for (livemode, tries, shortest, longest) in
            [(Livemode::Live, 16, 64 * HOUR, 80 * HOUR), (Livemode::Test, 4, 2 * HOUR, 3 * HOUR)]
        {
            // The jitter that works most against growth comes last.
            let jitters: [fn(u32) -> u8; 4] =
                [|_| 0, |_| 128, |_| 255, |failures| if failures % 2 == 0 { 0 } else { 255 }];
            for jitter in jitters {
                let gaps = gaps(livemode, jitter);
                assert_eq!(gaps.len() + 1, tries, "{livemode:?}");
                assert!(gaps.is_sorted_by(|one, next| one < next), "{gaps:?}");
                let all: i64 = gaps.iter().sum();
                assert!((shortest..=longest).contains(&all), "{livemode:?}: {all} seconds");
            }
        }
        assert_eq!(LIVE_GAPS.iter().sum::<i64>(), 72 * HOUR);
    }

    #[test]
    fn jitter_moves_a_try_by_a_tenth() {
        let now = Timestamp::from_unix(0);
        for (failures, jitter, expected) in [
            (1, 0, Settled::Retry(Timestamp::from_unix(54))),
            (1, 255, Settled::Retry(Timestamp::from_unix(66))),
            (3, 0, Settled::Retry(Timestamp::from_unix(6_480))),
            (3, 255, Settled::Retry(Timestamp::from_unix(7_920))),
            (4, 0, Settled::Failed),
            (u32::MAX, 255, Settled::Failed),
        ] {
            assert_eq!(after_failure(Livemode::Test, failures, now, jitter), expected, "{failures} failures");
        }
    }
}
