//! Several rounds in one cell: median, smallest, largest.

use std::fmt;

/// The figures of all rounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The middle one, or the mean of the two middle ones.
    pub(crate) median: f64,
    /// The smallest.
    pub(crate) min: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of `values`; `None` when there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (first, last) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median =
            if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) };
        Some(Self { median, min: first, max: last })
    }

    /// The spread of the ratios of neighbours: each value of ours by the floor's of the same round.
    pub(crate) fn of_ratios(ours: &[f64], floors: &[f64]) -> Option<Self> {
        Self::of(ours.iter().zip(floors).map(|(ours, floor)| ours / floor))
    }
}

impl fmt::Display for Spread {
    /// `median [min..max]` with the precision of the format, or two digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(2);
        write!(f, "{:.digits$} [{:.digits$}..{:.digits$}]", self.median, self.min, self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], expected: Option<&str>) {
        assert_eq!(
            Spread::of(values.iter().copied()).map(|spread| spread.to_string()).as_deref(),
            expected,
            "{values:?}"
        );
    }

    #[test]
    fn spreads() {
        check(&[], None);
        check(&[2.0], Some("2.00 [2.00..2.00]"));
        check(&[3.0, 1.0], Some("2.00 [1.00..3.00]"));
        check(&[3.0, 1.0, 2.5], Some("2.50 [1.00..3.00]"));
        check(&[10.0, 9.0, 2.0, 1.0], Some("5.50 [1.00..10.00]"));
    }

    fn check_ratios(ours: &[f64], floors: &[f64], expected: Option<&str>) {
        assert_eq!(
            Spread::of_ratios(ours, floors).map(|spread| spread.to_string()).as_deref(),
            expected,
            "{ours:?} {floors:?}"
        );
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // The ratio of the medians would be 1.00.
        check_ratios(&[50.0, 100.0, 300.0], &[100.0, 400.0, 100.0], Some("0.50 [0.25..3.00]"));
        check_ratios(&[1.0], &[2.0], Some("0.50 [0.50..0.50]"));
        check_ratios(&[], &[], None);
    }

    #[test]
    fn the_format_chooses_the_digits() {
        assert_eq!(format!("{:.0}", Spread { median: 1.6, min: 1.0, max: 20.4 }), "2 [1..20]");
    }
}
