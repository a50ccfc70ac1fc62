//! Measures the server against the floors: the same requests, the same two cores, the same minute. Only ratios count.
//!
//! Reading order: `world` (what is stored), `request` (what is asked), `load` (who asks), `floor` (what the server is held
//! against), `case` (which pairs, which targets), `run` (in which order), `table` (what is printed). `directory` and `growth` do the same
//! for what the server knows beside secrets.

use std::io::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod case;
mod connection;
mod data;
mod directory;
mod floor;
mod growth;
mod histogram;
mod load;
mod machine;
mod measurement;
mod process;
mod random;
mod refresh;
mod request;
mod response;
mod run;
mod spread;
mod start;
mod table;
mod template;
mod world;

/// Measures the server against floors that are built and run beside it, and prints the table of docs/benchmarks.md.
#[derive(Parser)]
#[command(name = "cholla-bench", args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

/// What else there is: another table, and the floors, each in a process of its own so that its CPU time and memory are its own.
#[derive(Subcommand)]
enum Command {
    /// A large directory against a small one
    Directory(growth::GrowthArgs),
    /// F1h: hyper with one fixed answer
    FloorHttp {
        /// Where to write the address
        #[arg(long, value_name = "PATH")]
        ready_file: PathBuf,
    },
    /// F2: an append-only log with group commit, and a map
    FloorLog {
        /// Where to write the address
        #[arg(long, value_name = "PATH")]
        ready_file: PathBuf,
        /// The log
        #[arg(long, value_name = "PATH")]
        log: PathBuf,
        /// Secrets in the map
        #[arg(long, value_name = "N")]
        secrets: u32,
    },
}

#[derive(clap::Args)]
struct RunArgs {
    /// Seconds of one measurement, its warm-up apart
    #[arg(long, value_name = "SECONDS", default_value_t = 3.0)]
    seconds: f64,
    /// Rounds: each measures every floor and every case once
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: usize,
    /// Everything once, briefly and on little data: whether it works, not how fast it is
    #[arg(long)]
    quick: bool,
    /// Only the cases whose line in the table contains this text
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The floors alone, each against itself: how much two equal servers seem to differ on this machine
    #[arg(long)]
    floors: bool,
    /// The server's program [default: built now, beside this one]
    #[arg(long, value_name = "PATH")]
    server: Option<PathBuf>,
    /// Where the data lies: a directory on the disk to measure [default: target/bench-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The date in the table [default: today]
    #[arg(long, value_name = "DATE")]
    date: Option<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    match args.command {
        Some(Command::FloorHttp { ready_file }) => floor::http_only::run(&ready_file),
        Some(Command::FloorLog { ready_file, log, secrets }) => {
            floor::log::run(&log, world::World::of(secrets)?, &ready_file)
        }
        Some(Command::Directory(args)) => show(&growth::run(args)?),
        None => show(&run::run(args.run)?),
    }
}

fn show(table: &str) -> Result<()> {
    Ok(std::io::stdout().write_all(table.as_bytes())?)
}

/// Says on standard error what goes on; the table alone goes to standard output.
fn progress(text: &str) {
    // Nobody listening is no reason to stop.
    drop(writeln!(std::io::stderr(), "{text}"));
}
