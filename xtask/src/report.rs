//! What passed, failed and was skipped.

use std::fmt;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How one step ended.
pub(crate) enum Outcome {
    Passed,
    Failed(String),
    /// With what to install.
    Skipped(String),
}

impl Outcome {
    /// The outcome of a step that needs `missing` first: a failure where everything is required, otherwise skipped.
    pub(crate) fn missing(missing: String) -> Self {
        if crate::requires_all() { Self::Failed(missing) } else { Self::Skipped(missing) }
    }
}

impl From<Result<()>> for Outcome {
    fn from(result: Result<()>) -> Self {
        result.map_or_else(|error| Self::Failed(format!("{error:#}")), |()| Self::Passed)
    }
}

struct Step {
    name: String,
    outcome: Outcome,
    took: Duration,
}

/// The steps so far, in the order in which they ran.
#[derive(Default)]
pub(crate) struct Report(Vec<Step>);

impl Report {
    /// Runs one step under its name.
    pub(crate) fn step(&mut self, name: &str, run: impl FnOnce() -> Outcome) {
        println!("\n=== {name}");
        let started = Instant::now();
        let outcome = run();
        self.0.push(Step { name: name.to_owned(), outcome, took: started.elapsed() });
    }

    /// Success where nothing failed.
    pub(crate) fn exit_code(&self) -> ExitCode {
        if self.count(|outcome| matches!(outcome, Outcome::Failed(_))) == 0 {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        }
    }

    fn count(&self, which: impl Fn(&Outcome) -> bool) -> usize {
        self.0.iter().filter(|step| which(&step.outcome)).count()
    }
}

impl fmt::Display for Report {
    /// A line for every step, and the totals as the very last line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for Step { name, outcome, took } in &self.0 {
            let (verdict, why) = match outcome {
                Outcome::Passed => ("passed", ""),
                Outcome::Failed(why) => ("FAILED", why.as_str()),
                Outcome::Skipped(why) => ("skipped", why.as_str()),
            };
            let line = format!("{verdict:8} {name:22} {:6.1} s  {why}", took.as_secs_f64());
            writeln!(f, "{}", line.trim_end())?;
        }
        let passed = self.count(|outcome| matches!(outcome, Outcome::Passed));
        let failed = self.count(|outcome| matches!(outcome, Outcome::Failed(_)));
        let skipped = self.count(|outcome| matches!(outcome, Outcome::Skipped(_)));
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

/// Runs `command` with its output on ours; an error where it does not succeed.
pub(crate) fn succeed(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("`{name}` does not start"))?;
    if !status.success() {
        bail!("`{name}` ended with {status}");
    }
    Ok(())
}
