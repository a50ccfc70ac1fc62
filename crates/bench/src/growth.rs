//! What a large directory costs: starts, memory, and the same requests on a small one, measured in turns.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, ensure};

use crate::data::Workshop;
use crate::directory::{Ask, Keys, Size};
use crate::load::Load;
use crate::machine;
use crate::measurement::{Measurement, measure};
use crate::process::{Process, wait};
use crate::progress;
use crate::refresh::{Refreshes, measure_refreshes};
use crate::spread::Spread;
use crate::start::measure_starts;
use crate::table::{cell, grouped, of_quantities, push_row, ratio};

/// Accounts of the small directory.
const SMALL: Size = Size { accounts: 1_000 };
/// Accounts of the large one.
const LARGE: Size = Size { accounts: 100_000 };
/// Accounts of the large one of a short run.
const QUICK: Size = Size { accounts: 2_000 };
/// The length of a measurement of a short run.
const QUICK_SECONDS: f64 = 0.4;
/// Connections of the finds.
const CONNECTIONS: usize = 64;
/// Starts of each kind.
const STARTS: usize = 3;
/// How long a server that sweeps every second is left alone.
const IDLE: Duration = Duration::from_secs(4);

/// How it is measured.
#[derive(clap::Args)]
pub(crate) struct GrowthArgs {
    /// Seconds of one measurement, its warm-up apart
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    seconds: f64,
    /// Rounds: each measures everything once on both directories
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Everything once, briefly and on little data
    #[arg(long)]
    quick: bool,
    /// The server's program [default: built now, beside this one]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Where the data lies: a directory on the disk to measure [default: target/bench-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Finds on both directories.
struct Finds {
    name: &'static str,
    keys: Keys,
    target: &'static str,
    small: Vec<Measurement>,
    large: Vec<Measurement>,
}

impl Finds {
    fn of(name: &'static str, keys: Keys, target: &'static str) -> Self {
        Self { name, keys, target, small: Vec::new(), large: Vec::new() }
    }

    fn cells(&self) -> [String; 7] {
        let spread = |of: &[Measurement], figure: fn(&Measurement) -> f64, digits: usize| {
            cell(Spread::of(of.iter().map(figure)), digits)
        };
        let median = |of: &[Measurement], figure: fn(&Measurement) -> f64| {
            Spread::of(of.iter().map(figure)).map_or(f64::NAN, |spread| spread.median)
        };
        let both = |figure: fn(&Measurement) -> f64, digits: usize| {
            format!("{:.digits$} / {:.digits$}", median(&self.small, figure), median(&self.large, figure))
        };
        let errors: u64 = self.small.iter().chain(&self.large).map(|measured| measured.errors).sum();
        [
            self.name.to_owned(),
            spread(&self.small, |measured| measured.per_second, 0),
            spread(&self.large, |measured| measured.per_second, 0),
            format!("**{}** {}", cell(ratio(&self.large, &self.small, |measured| measured.per_second), 2), self.target),
            both(|measured| measured.p99_us, 0),
            both(|measured| measured.cpu_us, 1),
            errors.to_string(),
        ]
    }
}

/// Measures both directories, and returns the Markdown.
///
/// # Errors
/// When a server does not start, or does not answer as it should.
pub(crate) fn run(args: GrowthArgs) -> Result<String> {
    let seconds = if args.quick { QUICK_SECONDS } else { args.seconds };
    ensure!(seconds > 0.0 && seconds < 3_600.0, "--seconds is more than 0 and less than 3,600");
    let (rounds, large) = if args.quick { (1, QUICK) } else { (args.rounds, LARGE) };
    ensure!(rounds > 0, "--rounds is at least 1");
    let length = Duration::from_secs_f64(seconds);
    let workshop = Workshop::new(args.server, args.data, true)?;
    let small_home = workshop.copy(&SMALL.home(&workshop)?, "directory-small")?;
    let large_home = workshop.copy(&large.home(&workshop)?, "directory-large")?;
    let start = || Size::start(&workshop, &large_home);
    let sets = large.ask(Ask::Set, Keys::Installs);
    let starts = measure_starts(&start, sets, if args.quick { 1 } else { STARTS })?;
    progress(&format!("ready after {:.0} ms, {:.0} ms", starts.after_end_ms, starts.after_kill_ms));
    let small_sweeping = idle_percent(&workshop, &small_home)?;
    let large_sweeping = idle_percent(&workshop, &large_home)?;
    let (on_small, on_large) = (Size::start(&workshop, &small_home)?, start()?);
    let mut finds = [
        Finds::of("find, one credential", Keys::One, "≥ 0.90"),
        Finds::of("find, a thousand sessions", Keys::FewSessions, "≥ 0.90"),
        Finds::of("find, any session", Keys::Sessions, "≥ 0.90"),
        Finds::of("find, any install's key, a secret each", Keys::Installs, ""),
    ];
    let (mut small_changes, mut large_changes) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        for line in &mut finds {
            let seed = round as u64;
            line.small.push(find(&on_small, SMALL, line.keys, seed, length)?);
            line.large.push(find(&on_large, large, line.keys, seed, length)?);
            if let (Some(small), Some(large)) = (line.small.last(), line.large.last()) {
                let (small, large) = (small.per_second, large.per_second);
                progress(&format!("{round}: {}: {small:.0}/s, {large:.0}/s, {:.2}", line.name, large / small));
            }
        }
        small_changes.push(measure_refreshes(&on_small, length)?);
        large_changes.push(measure_refreshes(&on_large, length)?);
    }
    on_small.end()?;
    on_large.end()?;

    let mut report = report_head(&workshop)?;
    let measured = finds.iter().flat_map(|line| line.small.iter().chain(&line.large));
    let others = cell(Spread::of(measured.map(|measured| measured.others_percent)), 1);
    writeln!(
        report,
        "{rounds} rounds of {seconds} s; cells are `median [min..max]`; others took {others} % of the CPU.\n"
    )?;
    let size = |size: Size| format!("{} credentials, req/s", grouped(size.credentials()));
    let head =
        ["operation", &size(SMALL), &size(large), "ratio, target", "p99 µs small / large", "CPU µs/req", "errors"];
    push_row(&mut report, &head.map(str::to_owned));
    push_row(&mut report, &head.map(|_| "---".to_owned()));
    for line in &finds {
        push_row(&mut report, &line.cells());
    }
    push_row(&mut report, &changes(&small_changes, &large_changes));
    report.push('\n');
    let directory = extent(large);
    report.push_str(&of_quantities(&[
        (format!("ready after a clean end, {directory}, ms"), format!("{:.0}", starts.after_end_ms), "≤ 2,000"),
        ("ready after kill -9 amid sets, ms".to_owned(), format!("{:.0}", starts.after_kill_ms), "≤ 2,000"),
        ("RSS idle after the start, MiB".to_owned(), format!("{:.0}", starts.resident_mib), ""),
        (
            "CPU of an idle server that sweeps every second, % of a core, small / large".to_owned(),
            format!("{small_sweeping:.1} / {large_sweeping:.1}"),
            "",
        ),
    ]));
    Ok(report)
}

/// How much a directory holds.
fn extent(size: Size) -> String {
    let (accounts, apps, credentials) = (size.accounts, size.apps(), size.credentials());
    format!("{} accounts, {} apps, {} credentials", grouped(accounts), grouped(apps), grouped(credentials))
}

/// When, where and with what it was measured.
fn report_head(workshop: &Workshop) -> Result<String> {
    Ok(format!(
        "Date: {}. Machine: {}.\nVersions: {}.\n",
        machine::today()?,
        machine::machine_line(&workshop.directory),
        machine::version_line(&workshop.server)
    ))
}

fn find(on: &Process, size: Size, keys: Keys, seed: u64, length: Duration) -> Result<Measurement> {
    let load = Load { address: on.address, connections: CONNECTIONS, source: size.ask(Ask::Find, keys), seed };
    measure(on, load, length)
}

/// What sweeping takes while nobody asks for anything.
fn idle_percent(workshop: &Workshop, home: &std::path::Path) -> Result<f64> {
    let process = workshop.serve(home, "sweep_seconds = 1\n", None)?;
    wait(Duration::from_millis(500));
    let before = process.cpu_time()?;
    wait(IDLE);
    let percent = process.cpu_time()?.saturating_sub(before).as_secs_f64() * 100.0 / IDLE.as_secs_f64();
    process.end()?;
    Ok(percent)
}

fn changes(small: &[Refreshes], large: &[Refreshes]) -> [String; 7] {
    let rates = |of: &[Refreshes]| of.iter().map(|one| one.per_second).collect::<Vec<_>>();
    let cpu = |of: &[Refreshes]| Spread::of(of.iter().map(|one| one.cpu_us)).map_or(f64::NAN, |spread| spread.median);
    [
        "OAuth refresh, one after another".to_owned(),
        cell(Spread::of(rates(small)), 0),
        cell(Spread::of(rates(large)), 0),
        format!("**{}** ≥ 0.90", cell(Spread::of_ratios(&rates(large), &rates(small)), 2)),
        String::new(),
        format!("{:.0} / {:.0}", cpu(small), cpu(large)),
        "0".to_owned(),
    ]
}
