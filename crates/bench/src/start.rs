//! How long a start takes, and how much memory a server needs before anybody asks for anything.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::load::{Load, Window};
use crate::measurement::as_f64;
use crate::process::{Process, wait};
use crate::request::Source;
use crate::spread::Spread;

/// How long a server is left alone before its memory is read and it is asked to end.
const SETTLING: Duration = Duration::from_millis(500);
/// How long sets run before the kill.
const BEFORE_KILL: Duration = Duration::from_millis(500);
/// Connections that set meanwhile.
const CONNECTIONS: usize = 64;

/// Starts of the server on one home.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Starts {
    /// Milliseconds until it accepted connections, after a clean end.
    pub(crate) after_end_ms: Spread,
    /// The same after `kill -9` amid sets.
    pub(crate) after_kill_ms: Spread,
    /// Memory of a server that nobody has asked for anything, in MiB.
    pub(crate) resident_mib: Spread,
}

/// Starts the server again and again, and kills it amid `sets`. The starts after a kill follow the clean ones.
///
/// # Errors
/// When it does not start, or does not end.
pub(crate) fn measure_starts(
    start_server: &dyn Fn() -> Result<Process>,
    sets: Source,
    rounds: usize,
) -> Result<Starts> {
    let (mut after_end, mut after_kill, mut resident) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let process = start_server()?;
        after_end.push(process.ready_after.as_secs_f64() * 1e3);
        wait(SETTLING);
        resident.push(as_f64(process.resident_kib()?) / 1024.0);
        process.end()?;
    }
    for seed in 0..rounds {
        let process = start_server()?;
        let (address, connections) = (process.address, CONNECTIONS);
        let load = Load { address, connections, source: sets, seed: seed as u64 }.prepare()?;
        let start = Instant::now();
        let window = Window { start, end: start + 2 * BEFORE_KILL };
        let generator = std::thread::spawn(move || load.run(window));
        wait(BEFORE_KILL);
        process.kill()?;
        // Its connections broke: what it returns says nothing.
        drop(generator.join());
        let process = start_server()?;
        after_kill.push(process.ready_after.as_secs_f64() * 1e3);
        wait(SETTLING);
        process.end()?;
    }
    match (Spread::of(after_end), Spread::of(after_kill), Spread::of(resident)) {
        (Some(after_end_ms), Some(after_kill_ms), Some(resident_mib)) => {
            Ok(Starts { after_end_ms, after_kill_ms, resident_mib })
        }
        _ => bail!("at least one round is needed"),
    }
}
