//! The order of a run: floor, server, floor, server … so that what the machine does to one it does to the other.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::RunArgs;
use crate::case::{Asked, COLD_CACHE_BYTES, CONNECTIONS, Case, Floor, TARGET_CONNECTIONS, cases};
use crate::data::{Workshop, bytes_in};
use crate::load::Load;
use crate::machine;
use crate::measurement::{Measurement, as_f64, measure};
use crate::process::Process;
use crate::progress;
use crate::request::{Operation, Source};
use crate::start::measure_starts;
use crate::table::{self, Line, cell, grouped, ratio};
use crate::world::World;

/// The short run: length of a measurement, and secrets of the large world.
const QUICK_SECONDS: f64 = 0.4;
const QUICK_SECRETS: u32 = 20_000;
/// Secrets of the large world.
const LARGE_SECRETS: u32 = 1_000_000;
/// Starts of each kind.
const STARTS: usize = 5;

/// How a run is measured.
struct Plan {
    length: Duration,
    rounds: usize,
    only: Option<String>,
    /// The floors take the server's place.
    floors_alone: bool,
    workshop: Workshop,
    /// Loads so far: each has its own seed, so that no two have an idempotency key in common.
    loads: u64,
}

/// Measures everything, and returns the Markdown.
///
/// # Errors
/// When a process does not start or end, or a load gets no answers.
pub(crate) fn run(args: RunArgs) -> Result<String> {
    let seconds = if args.quick { QUICK_SECONDS } else { args.seconds };
    ensure!(seconds > 0.0 && seconds < 3_600.0, "--seconds is more than 0 and less than 3,600");
    let rounds = if args.quick { 1 } else { args.rounds };
    ensure!(rounds > 0, "--rounds is at least 1");
    let workshop = Workshop::new(args.server, args.data, !args.floors)?;
    let large = World::of(if args.quick { QUICK_SECRETS } else { LARGE_SECRETS })?;
    let (length, only, floors_alone) = (Duration::from_secs_f64(seconds), args.only, args.floors);
    let mut plan = Plan { length, rounds, only, floors_alone, workshop, loads: 0 };

    let date = args.date.map_or_else(machine::today, Ok)?;
    let disk = machine::disk_latency(&plan.workshop.directory)?;
    let microseconds = |per_mille| as_f64(disk.quantile(per_mille)) / 1e3;
    let mut report = format!(
        "Date: {date}. Machine: {}. Append of 4 KiB + fdatasync: p50 {:.0} µs, p99 {:.0} µs.\n",
        machine::machine_line(&plan.workshop.directory),
        microseconds(500),
        microseconds(990),
    );
    if !plan.floors_alone {
        writeln!(report, "Versions: {}.", machine::version_line(&plan.workshop.server))?;
    }
    let mut lines = plan.compare(World::Small, None)?;
    lines.extend(plan.compare(large, None)?);
    lines.extend(plan.compare(large, Some(COLD_CACHE_BYTES))?);
    let others = cell(table::disturbance(&lines), 1);
    writeln!(
        report,
        "{rounds} rounds of {seconds} s; cells are `median [min..max]`; others took {others} % of the CPU.\n"
    )?;
    report.push_str(&table::of_lines(&lines));
    if !plan.floors_alone && plan.only.is_none() {
        report.push('\n');
        report.push_str(&table::of_quantities(&plan.quantities(large)?));
    }
    Ok(report)
}

/// The processes that are compared on one world.
struct Rivals {
    http: Process,
    log: Process,
    /// None when the floors are compared with themselves.
    server: Option<Process>,
}

impl Plan {
    /// The lines of one world that want a cache of this size.
    fn compare(&mut self, world: World, cache_bytes: Option<u64>) -> Result<Vec<Line>> {
        let secrets = world.secrets();
        let all = cases(world != World::Small).into_iter().filter(|case| case.asked.cache_bytes() == cache_bytes);
        let mut lines: Vec<Line> = all
            .flat_map(|case| CONNECTIONS.map(|connections| (case, connections)))
            .filter(|(case, connections)| self.is_asked_for(&Line::name(case, secrets, *connections)))
            .map(|(case, connections)| Line { case, secrets, connections, floor: Vec::new(), server: Vec::new() })
            .collect();
        if lines.is_empty() {
            return Ok(lines);
        }
        let server = if self.floors_alone {
            None
        } else {
            let home = self.workshop.copy_of(world, &secrets.to_string())?;
            Some(self.workshop.start_server(&home, cache_bytes)?)
        };
        let (http, log) = (self.workshop.start_floor_http()?, self.workshop.start_floor_log(world)?);
        let rivals = Rivals { http, log, server };
        for round in 1..=self.rounds {
            for line in &mut lines {
                let (floor, server) = self.measure_pair(&rivals, world, line)?;
                progress(&format!(
                    "{round}: {}: floor {:.0}/s, server {:.0}/s, {:.2}; others {:.0} %",
                    Line::name(&line.case, secrets, line.connections),
                    floor.per_second,
                    server.per_second,
                    server.per_second / floor.per_second,
                    floor.others_percent.max(server.others_percent),
                ));
                line.floor.push(floor);
                line.server.push(server);
            }
        }
        rivals.server.map_or(Ok(()), Process::end)?;
        rivals.http.kill()?;
        rivals.log.kill()?;
        Ok(lines)
    }

    fn is_asked_for(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| name.contains(only.as_str()))
    }

    /// One round of one line: the floor, then the server.
    fn measure_pair(&mut self, rivals: &Rivals, world: World, line: &Line) -> Result<(Measurement, Measurement)> {
        let case = line.case;
        let floor = match case.floor {
            Floor::Http => &rivals.http,
            Floor::Log => &rivals.log,
        };
        let (server, operation) = match &rivals.server {
            Some(server) => (server, case.operation),
            None => (floor, case.floor_operation()),
        };
        let on_floor = self.measure(floor, case.floor_operation(), asked(case, world), line.connections)?;
        let on_server = self.measure(server, operation, asked(case, world), line.connections)?;
        Ok((on_floor, on_server))
    }

    fn measure(&mut self, on: &Process, operation: Operation, world: World, connections: usize) -> Result<Measurement> {
        self.loads += 1;
        let load =
            Load { address: on.address, connections, source: Source::Secrets(operation, world), seed: self.loads };
        measure(on, load, self.length).with_context(|| format!("{operation:?} from {connections} connections"))
    }

    /// What has no floor: starts, idle memory, and what more data costs.
    fn quantities(&mut self, large: World) -> Result<Vec<(String, String, &'static str)>> {
        let secrets = grouped(large.secrets());
        let home = self.workshop.copy_of(large, "starts")?;
        let bytes = bytes_in(&home)?;
        let start = || self.workshop.start_server(&home, None);
        let starts = measure_starts(&start, Source::Secrets(Operation::Set, large), STARTS)?;
        let floor = self.workshop.start_floor_http()?;
        let floor_mib = as_f64(floor.resident_kib()?) / 1024.0;
        floor.kill()?;
        let mut quantities = vec![
            (format!("ready after a clean end, {secrets} secrets, ms"), format!("{:.0}", starts.after_end_ms), "≤ 100"),
            (
                format!("ready after kill -9 amid sets, {secrets} secrets, ms"),
                format!("{:.0}", starts.after_kill_ms),
                "≤ 100",
            ),
            (format!("RSS idle, {secrets} secrets, MiB"), format!("{:.1}", starts.resident_mib), "≤ 15"),
            ("RSS idle of F1h, MiB".to_owned(), format!("{floor_mib:.1}"), ""),
            (
                format!("data directory, {secrets} secrets, bytes per secret"),
                (bytes / u64::from(large.secrets())).to_string(),
                "",
            ),
        ];
        quantities.extend(self.scaling(&home, large)?);
        Ok(quantities)
    }

    /// The same requests on the large and on the small world, in turns.
    fn scaling(&mut self, home: &Path, large: World) -> Result<Vec<(String, String, &'static str)>> {
        let small_home = self.workshop.copy_of(World::Small, "scaling")?;
        let small_server = self.workshop.start_server(&small_home, None)?;
        let large_server = self.workshop.start_server(home, None)?;
        let mut scaling = Vec::new();
        for (name, operation) in [
            ("find", Operation::Find),
            ("list", Operation::List),
            ("set", Operation::Set),
            ("set, fresh key", Operation::SetWithKey),
        ] {
            let (mut on_small, mut on_large) = (Vec::new(), Vec::new());
            for _ in 0..self.rounds {
                on_small.push(self.measure(&small_server, operation, World::Small, TARGET_CONNECTIONS)?);
                on_large.push(self.measure(&large_server, operation, World::Small, TARGET_CONNECTIONS)?);
            }
            let secrets = grouped(large.secrets());
            let name = format!("{name}: req/s with {secrets} secrets by req/s with 1,000, the same 1,000 asked for");
            progress(&name);
            scaling.push((name, cell(ratio(&on_large, &on_small, |measured| measured.per_second), 2), "≥ 0.90"));
        }
        small_server.end()?;
        large_server.end()?;
        Ok(scaling)
    }
}

/// The secrets that a case asks for.
fn asked(case: Case, world: World) -> World {
    match case.asked {
        Asked::Hot => World::Small,
        Asked::Sample => world.sample(),
        Asked::All | Asked::Cold => world,
    }
}
