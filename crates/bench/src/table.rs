//! The Markdown of the results.

use std::fmt::Write as _;

use crate::case::{Case, P99, TARGET_CONNECTIONS};
use crate::measurement::Measurement;
use crate::spread::Spread;

/// One line of the main table: a case with one number of connections on one world, measured in pairs.
#[derive(Debug)]
pub(crate) struct Line {
    /// What was compared.
    pub(crate) case: Case,
    /// Secrets of the world.
    pub(crate) secrets: u32,
    /// Keep-alive connections.
    pub(crate) connections: usize,
    /// The floor, one per round.
    pub(crate) floor: Vec<Measurement>,
    /// The server, one per round, right after the floor's.
    pub(crate) server: Vec<Measurement>,
}

impl Line {
    /// What the line is called: `--only` chooses by it.
    pub(crate) fn name(case: &Case, secrets: u32, connections: usize) -> String {
        format!("{}, {} secrets, {connections} connections", case.name, grouped(secrets))
    }

    /// Its cells.
    fn cells(&self) -> [String; 11] {
        let targets = self.connections == TARGET_CONNECTIONS;
        let target = self.case.target.filter(|_| targets).map_or(String::new(), |target| format!("≥ {target:.2}"));
        let p99 = match self.case.p99 {
            _ if !targets => String::new(),
            P99::Any => String::new(),
            P99::TimesFloor(times) => format!(" (≤ {times:.0} × floor's)"),
            P99::Milliseconds(limit) => format!(" (≤ {:.0})", limit * 1e3),
        };
        let both = |figure: fn(&Measurement) -> f64, digits: usize| {
            format!("{:.digits$} / {:.digits$}", median(&self.floor, figure), median(&self.server, figure))
        };
        let errors: u64 = self.floor.iter().chain(&self.server).map(|measured| measured.errors).sum();
        [
            self.case.name.to_owned(),
            grouped(self.secrets),
            self.connections.to_string(),
            self.case.floor.name().to_owned(),
            cell(spread(&self.floor, |measured| measured.per_second), 0),
            cell(spread(&self.server, |measured| measured.per_second), 0),
            format!("**{}** {target}", cell(ratio(&self.server, &self.floor, |measured| measured.per_second), 2)),
            both(|measured| measured.p50_us, 0),
            format!("{}{p99}", both(|measured| measured.p99_us, 0)),
            both(|measured| measured.cpu_us, 1),
            format!("{:.0} / {errors}", median(&self.server, |measured| measured.resident_mib)),
        ]
    }
}

/// The main table.
pub(crate) fn of_lines(lines: &[Line]) -> String {
    let head = [
        "operation",
        "secrets",
        "conn.",
        "floor",
        "floor req/s",
        "server req/s",
        "ratio, target",
        "p50 µs floor / server",
        "p99 µs floor / server (target)",
        "CPU µs/req floor / server",
        "RSS MiB under load / errors",
    ];
    let mut table = String::new();
    push_row(&mut table, &head.map(str::to_owned));
    push_row(&mut table, &head.map(|_| "---".to_owned()));
    for line in lines {
        push_row(&mut table, &line.cells());
    }
    table
}

/// A table of quantities that have no floor: name, value, target.
pub(crate) fn of_quantities(quantities: &[(String, String, &str)]) -> String {
    let mut table = String::new();
    push_row(&mut table, &["quantity", "measured", "target"].map(str::to_owned));
    push_row(&mut table, &["---", "---", "---"].map(str::to_owned));
    for (name, value, target) in quantities {
        push_row(&mut table, &[name.clone(), value.clone(), (*target).to_owned()]);
    }
    table
}

/// How much of the machine other programs took while the lines were measured.
pub(crate) fn disturbance(lines: &[Line]) -> Option<Spread> {
    let measured = lines.iter().flat_map(|line| line.floor.iter().chain(&line.server));
    Spread::of(measured.map(|measured| measured.others_percent))
}

/// The ratios of one figure, round by round.
pub(crate) fn ratio(ours: &[Measurement], floors: &[Measurement], figure: fn(&Measurement) -> f64) -> Option<Spread> {
    let figures = |measured: &[Measurement]| measured.iter().map(figure).collect::<Vec<_>>();
    Spread::of_ratios(&figures(ours), &figures(floors))
}

/// One figure of all rounds.
fn spread(measured: &[Measurement], figure: fn(&Measurement) -> f64) -> Option<Spread> {
    Spread::of(measured.iter().map(figure))
}

fn median(measured: &[Measurement], figure: fn(&Measurement) -> f64) -> f64 {
    spread(measured, figure).map_or(f64::NAN, |spread| spread.median)
}

/// A spread, or a dash when nothing was measured.
pub(crate) fn cell(spread: Option<Spread>, digits: usize) -> String {
    spread.map_or_else(|| "–".to_owned(), |spread| format!("{spread:.digits$}"))
}

/// A number with a comma after every three digits.
pub(crate) fn grouped(number: u32) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Appends a row.
pub(crate) fn push_row(table: &mut String, cells: &[String]) {
    writeln!(table, "| {} |", cells.iter().map(|cell| cell.trim()).collect::<Vec<_>>().join(" | "))
        .expect("a string takes every text");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::cases;

    #[test]
    fn numbers_are_grouped() {
        for (number, expected) in
            [(1, "1"), (999, "999"), (1_000, "1,000"), (1_000_000, "1,000,000"), (20_000, "20,000")]
        {
            assert_eq!(grouped(number), expected);
        }
    }

    fn measured(per_second: f64, p99_us: f64) -> Measurement {
        Measurement {
            per_second,
            cpu_us: 6.25,
            p50_us: 100.0,
            p99_us,
            resident_mib: 12.4,
            others_percent: 1.0,
            errors: 1,
        }
    }

    fn check(connections: usize, expected: &str) {
        let floor = vec![measured(100_000.0, 900.0), measured(120_000.0, 1_000.0)];
        let server = vec![measured(80_000.0, 1_500.0), measured(90_000.0, 1_600.0)];
        let line = Line { case: cases(true)[0], secrets: 1_000, connections, floor, server };
        let mut row = String::new();
        push_row(&mut row, &line.cells());
        assert_eq!(row.trim_end(), expected);
    }

    #[test]
    fn a_line_has_medians_ratios_and_targets() {
        check(
            64,
            "| find, hot | 1,000 | 64 | F1h | 110000 [100000..120000] | 85000 [80000..90000] | **0.78 [0.75..0.80]** ≥ 0.75 \
             | 100 / 100 | 950 / 1550 (≤ 2 × floor's) | 6.2 / 6.2 | 12 / 4 |",
        );
        check(
            1,
            "| find, hot | 1,000 | 1 | F1h | 110000 [100000..120000] | 85000 [80000..90000] | **0.78 [0.75..0.80]** \
             | 100 / 100 | 950 / 1550 | 6.2 / 6.2 | 12 / 4 |",
        );
    }
}
