//! Latencies, counted in log-linear buckets of less than 1 % width.

/// Bits of a value that tell the buckets of one power of two apart: 128 buckets, each at most 1/128 wide.
const PRECISION_BITS: u32 = 7;
/// Values below this have a bucket of their own.
const EXACT: u64 = 1 << PRECISION_BITS;
/// The largest value that is told apart, in nanoseconds (about 18 minutes); a larger one counts as this.
const VALUE_MAX: u64 = (1 << 40) - 1;
const BUCKETS: usize = bucket_of(VALUE_MAX) + 1;

/// How often each latency occurred.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
}

impl Histogram {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { buckets: vec![0; BUCKETS], count: 0 }
    }

    /// Counts one latency.
    pub(crate) fn record(&mut self, nanoseconds: u64) {
        self.buckets[bucket_of(nanoseconds.min(VALUE_MAX))] += 1;
        self.count += 1;
    }

    /// Adds what another thread has counted.
    pub(crate) fn merge(&mut self, other: &Self) {
        for (bucket, more) in self.buckets.iter_mut().zip(&other.buckets) {
            *bucket += more;
        }
        self.count += other.count;
    }

    /// How many latencies were counted.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The latency in nanoseconds that `per_mille` of 1,000 requests did not exceed: the upper edge of its bucket. 0 when
    /// nothing was counted.
    pub(crate) fn quantile(&self, per_mille: u64) -> u64 {
        let rank = (self.count * per_mille).div_ceil(1_000).max(1);
        let mut seen = 0;
        for (bucket, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_edge(bucket);
            }
        }
        0
    }
}

/// The bucket of a value: its leading bits, after as many buckets as the smaller powers of two have.
#[expect(clippy::cast_possible_truncation, reason = "at most 34 × 128: it fits")]
const fn bucket_of(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION_BITS + 1);
    (shift as u64 * EXACT + (value >> shift)) as usize
}

/// The largest value of a bucket.
fn upper_edge(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < 2 * EXACT {
        return bucket;
    }
    let shift = bucket / EXACT - 1;
    let leading = bucket - shift * EXACT;
    ((leading + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The upper edge of the bucket of `value` is `edge`.
    fn check(value: u64, edge: u64) {
        assert_eq!(upper_edge(bucket_of(value)), edge, "{value}");
    }

    #[test]
    fn a_bucket_ends_at_its_upper_edge() {
        check(0, 0);
        check(1, 1);
        check(127, 127);
        check(128, 128);
        check(255, 255);
        check(256, 257);
        check(257, 257);
        check(258, 259);
        check(511, 511);
        check(512, 515);
        check(1_000_000, 1_003_519);
        check(VALUE_MAX, VALUE_MAX);
    }

    #[test]
    fn buckets_are_in_order_without_a_gap_and_narrower_than_one_percent() {
        let mut next = 0;
        for bucket in 0..BUCKETS {
            let edge = upper_edge(bucket);
            assert_eq!((bucket_of(next), bucket_of(edge)), (bucket, bucket));
            assert!((edge - next) * 100 < next.max(1), "bucket {bucket}: {next}..={edge}");
            next = edge + 1;
        }
        assert_eq!(next, VALUE_MAX + 1);
    }

    /// The quantiles 500 and 990 of what was counted.
    fn check_quantiles(values: &[u64], expected: [u64; 2]) {
        let mut histogram = Histogram::new();
        for value in values {
            histogram.record(*value);
        }
        assert_eq!([histogram.quantile(500), histogram.quantile(990)], expected, "{values:?}");
    }

    #[test]
    fn quantiles() {
        check_quantiles(&[], [0, 0]);
        check_quantiles(&[7], [7, 7]);
        check_quantiles(&[1, 2], [1, 2]);
        check_quantiles(&[3, 1, 2], [2, 3]);
        check_quantiles(&(1..=100).collect::<Vec<_>>(), [50, 99]);
        check_quantiles(&[5, u64::MAX], [5, VALUE_MAX]);
    }

    #[test]
    fn merging_counts_both() {
        let (mut one, mut other) = (Histogram::new(), Histogram::new());
        one.record(1);
        other.record(2);
        other.record(3);
        one.merge(&other);
        assert_eq!((one.count(), one.quantile(500)), (3, 2));
    }
}
