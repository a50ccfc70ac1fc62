//! One load on one process: rate, latencies, CPU time, memory.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::load::{Load, Window};
use crate::process::{Process, wait};

/// How long a load runs before it counts: every page touched, every connection open.
const WARM_UP: Duration = Duration::from_millis(500);
/// The share of a short measurement that its warm-up may take at most.
const WARM_UP_SHARE: u32 = 3;

/// What one load has shown.
#[derive(Clone, Debug)]
pub(crate) struct Measurement {
    /// Answers with status 200 per second.
    pub(crate) per_second: f64,
    /// CPU time of the server per such answer, in microseconds, user and system.
    pub(crate) cpu_us: f64,
    /// Latency that half of the requests did not exceed, in microseconds.
    pub(crate) p50_us: f64,
    /// Latency that 99 % of the requests did not exceed, in microseconds.
    pub(crate) p99_us: f64,
    /// Memory of the server at the end of the load, all connections open, in MiB.
    pub(crate) resident_mib: f64,
    /// The share of the machine's CPU time, in percent, that neither the server nor the generator took: when it is not small,
    /// the measurement is not worth much.
    pub(crate) others_percent: f64,
    /// Other answers, and broken connections.
    pub(crate) errors: u64,
}

/// Puts a load on a process.
///
/// # Errors
/// When connections cannot be opened, the process ends, or every answer is an error.
pub(crate) fn measure(process: &Process, load: Load, length: Duration) -> Result<Measurement> {
    let load = load.prepare()?;
    let start = Instant::now() + WARM_UP.min(length / WARM_UP_SHARE);
    let window = Window { start, end: start + length };
    let generator = std::thread::spawn(move || load.run(window));
    wait_until(window.start);
    let (cpu_before, others_before, started) = (process.cpu_time()?, process.others_cpu_time()?, Instant::now());
    wait_until(window.end);
    let (cpu_after, others_after, ended) = (process.cpu_time()?, process.others_cpu_time()?, Instant::now());
    let resident_kib = process.resident_kib()?;
    let Ok(answers) = generator.join() else { bail!("the load generator panicked") };
    let answers = answers?;
    let count = as_f64(answers.latencies.count());
    // A disk that stalls for longer than a short measurement leaves no answer at all: that is a figure too.
    if answers.successes == 0 && answers.errors > 0 {
        bail!("no answer was 200; the first: {}", answers.unexpected.unwrap_or_default());
    }
    if let Some(unexpected) = &answers.unexpected {
        crate::progress(&format!("  {} errors; the first: {unexpected}", answers.errors));
    }
    // CPU time was read a little off the window: its own length corrects it.
    let watched = ended.duration_since(started).as_secs_f64();
    let cpu = cpu_after.saturating_sub(cpu_before).as_secs_f64() * length.as_secs_f64() / watched;
    let others = others_after.saturating_sub(others_before).as_secs_f64() / watched;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Measurement {
        per_second: count / length.as_secs_f64(),
        cpu_us: cpu * 1e6 / count.max(1.0),
        p50_us: as_f64(answers.latencies.quantile(500)) / 1e3,
        p99_us: as_f64(answers.latencies.quantile(990)) / 1e3,
        resident_mib: as_f64(resident_kib) / 1024.0,
        others_percent: others * 100.0 / as_f64(cores as u64),
        errors: answers.errors,
    })
}

fn wait_until(instant: Instant) {
    wait(instant.saturating_duration_since(Instant::now()));
}

/// A count for a division.
#[expect(clippy::cast_precision_loss, reason = "counts and nanoseconds of a measurement stay far below 2^53")]
pub(crate) fn as_f64(count: u64) -> f64 {
    count as f64
}
