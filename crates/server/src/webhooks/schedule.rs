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

/// Seconds after which a delivery of live mode is tried no more, however few tries there were: a server that is slow, or was down, tries late.
const LIVE_SECONDS: i64 = 72 * HOUR;

/// Seconds between two tries in test mode: three retries within a few hours.
const TEST_GAPS: [i64; 3] = [MINUTE, 15 * MINUTE, 2 * HOUR];

/// What becomes of a delivery that was queued at `queued_at`, after `failures` tries in a row, the last of which ended at `now`. Its last try is
/// the last of the gaps, or due at the end of its time, whichever comes first.
///
/// `jitter`, any byte, moves the next try by up to a tenth of its gap, earlier or later: what failed together is not tried together again.
pub(crate) fn after_failure(
    livemode: Livemode,
    failures: u32,
    (queued_at, now): (Timestamp, Timestamp),
    jitter: u8,
) -> Settled {
    let (gaps, end): (&[i64], _) = match livemode {
        Livemode::Live => (&LIVE_GAPS, Some(queued_at.plus(LIVE_SECONDS))),
        Livemode::Test => (&TEST_GAPS, None),
    };
    let number = usize::try_from(failures.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(gap) = gaps.get(number).filter(|_| end.is_none_or(|end| now < end)) else { return Settled::Failed };
    let earliest = gap - gap / 10;
    let spread = gap / 5 * i64::from(jitter) / i64::from(u8::MAX);
    let next = now.plus(earliest + spread);
    Settled::Retry(end.map_or(next, |end| next.min(end)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The gaps of a delivery that always fails, each try `late` seconds after it was due.
    fn gaps(livemode: Livemode, late: i64, jitter: impl Fn(u32) -> u8) -> Vec<i64> {
        let queued_at = Timestamp::from_unix(1_956_528_000);
        let (mut now, mut gaps) = (queued_at, Vec::new());
        for failures in 1.. {
            let Settled::Retry(due_at) = after_failure(livemode, failures, (queued_at, now), jitter(failures)) else {
                break;
            };
            gaps.push(due_at.as_unix() - now.as_unix());
            now = due_at.plus(late);
        }
        gaps
    }

    #[test]
    fn rule_17_6_retries_with_growing_gaps() {
        for (livemode, tries, shortest, longest) in
            [(Livemode::Live, 16, 64 * HOUR, 72 * HOUR), (Livemode::Test, 4, 2 * HOUR, 3 * HOUR)]
        {
            // The jitter that works most against growth comes last.
            let jitters: [fn(u32) -> u8; 4] =
                [|_| 0, |_| 128, |_| 255, |failures| if failures % 2 == 0 { 0 } else { 255 }];
            for jitter in jitters {
                let gaps = gaps(livemode, 0, jitter);
                assert_eq!(gaps.len() + 1, tries, "{livemode:?}");
                assert!(gaps.is_sorted_by(|one, next| one < next), "{gaps:?}");
                let all: i64 = gaps.iter().sum();
                assert!((shortest..=longest).contains(&all), "{livemode:?}: {all} seconds");
            }
        }
        assert_eq!(LIVE_GAPS.iter().sum::<i64>(), LIVE_SECONDS);
    }

    #[test]
    fn rule_17_6_the_last_try_of_live_mode_is_due_within_72_hours() {
        for (late, tries) in [(0, 16), (HOUR, 16), (2 * HOUR, 15), (24 * HOUR, 4), (100 * HOUR, 2)] {
            let gaps = gaps(Livemode::Live, late, |_| 128);
            assert_eq!(gaps.len() + 1, tries, "each try {late} seconds late: {gaps:?}");
            let before_the_last = gaps.iter().sum::<i64>() + late * i64::try_from(gaps.len() - 1).unwrap();
            assert!(before_the_last <= LIVE_SECONDS, "{late}: the last try is due after {before_the_last} seconds");
        }
        let queued_at = Timestamp::from_unix(0);
        let late = queued_at.plus(LIVE_SECONDS);
        assert_eq!(after_failure(Livemode::Live, 1, (queued_at, late), 0), Settled::Failed);
        assert_eq!(after_failure(Livemode::Live, 2, (queued_at, late.plus(-1)), 0), Settled::Retry(late));
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
            assert_eq!(after_failure(Livemode::Test, failures, (now, now), jitter), expected, "{failures} failures");
        }
    }
}
