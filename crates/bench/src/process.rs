//! A process under measurement: started, timed, weighed, ended.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// Linux counts CPU time for user space in hundredths of a second, on every architecture.
const TICK: Duration = Duration::from_millis(10);
/// How long a start or an end may take: the longest is that of a server that is declared a million keys.
const PATIENCE: Duration = Duration::from_mins(10);
/// How often a start is looked at.
const LOOK: Duration = Duration::from_micros(200);
/// How often one is looked at that has taken long already.
const LATER_LOOK: Duration = Duration::from_millis(10);
/// When that is.
const LATER: Duration = Duration::from_secs(5);

/// A running server with its own process.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    /// Where it answers HTTP/1.1.
    pub(crate) address: SocketAddr,
    /// From its creation until it said that it accepts connections.
    pub(crate) ready_after: Duration,
}

impl Process {
    /// Starts `program` and waits until it has written `ready_file`. What it logs goes to `log`.
    ///
    /// # Errors
    /// When it ends before it is ready, or takes longer than ten minutes.
    pub(crate) fn start(program: &Path, arguments: &[String], ready_file: &Path, log: &Path) -> Result<Self> {
        if ready_file.exists() {
            fs::remove_file(ready_file)?;
        }
        let started = Instant::now();
        let mut child = Command::new(program)
            .args(arguments)
            .arg("--ready-file")
            .arg(ready_file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(log)?)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        loop {
            if ready_file.exists() {
                break;
            }
            if let Some(status) = child.try_wait()? {
                let said = fs::read_to_string(log).unwrap_or_default();
                bail!("{} ended before it was ready: {status}\n{said}", program.display());
            }
            if started.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                bail!("{} was not ready after {PATIENCE:?}", program.display());
            }
            wait(if started.elapsed() < LATER { LOOK } else { LATER_LOOK });
        }
        let ready_after = started.elapsed();
        let address = address_in(&fs::read_to_string(ready_file)?)?;
        Ok(Self { child, address, ready_after })
    }

    /// User and system CPU time so far.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) fn cpu_time(&self) -> Result<Duration> {
        cpu_time_in(&self.proc_file("stat")?).context("/proc/PID/stat without CPU times")
    }

    /// CPU time so far of everything on this machine but this process and the load generator: other programs, the kernel's
    /// own threads, and what the host took away.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) fn others_cpu_time(&self) -> Result<Duration> {
        let machine = busy_time_in(&fs::read_to_string("/proc/stat")?).context("/proc/stat without CPU times")?;
        let generator =
            cpu_time_in(&fs::read_to_string("/proc/self/stat")?).context("/proc/self/stat without CPU times")?;
        Ok(machine.saturating_sub(generator).saturating_sub(self.cpu_time()?))
    }

    /// Resident memory in KiB.
    ///
    /// # Errors
    /// When the process has ended.
    pub(crate) fn resident_kib(&self) -> Result<u64> {
        resident_kib_in(&self.proc_file("status")?).context("/proc/PID/status without VmRSS")
    }

    fn proc_file(&self, name: &str) -> Result<String> {
        Ok(fs::read_to_string(PathBuf::from(format!("/proc/{}/{name}", self.child.id())))?)
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// When it does not end within ten minutes, or not with success.
    pub(crate) fn end(mut self) -> Result<()> {
        let pid = self.child.id().to_string();
        Command::new("sh").args(["-c", "kill -TERM \"$0\"", &pid]).status()?;
        let asked = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return if status.success() { Ok(()) } else { bail!("a server under measurement ended with {status}") };
            }
            if asked.elapsed() > PATIENCE {
                bail!("a server under measurement did not end when asked to");
            }
            wait(LOOK);
        }
    }

    /// Kills it as `kill -9` does.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has usually ended: both calls are then without effect.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Lets time pass in the thread that only watches.
#[expect(clippy::disallowed_methods, reason = "measuring is waiting while another process works")]
pub(crate) fn wait(duration: Duration) {
    std::thread::sleep(duration);
}

/// The HTTP address in a ready file.
fn address_in(ready: &str) -> Result<SocketAddr> {
    let ready: serde_json::Value = serde_json::from_str(ready)?;
    let url = ready["api"]["http"].as_str().context("a ready file without api.http")?;
    let address = url.strip_prefix("http://").context("api.http is not an http URL")?;
    Ok(address.trim_end_matches('/').parse()?)
}

/// Fields 14 and 15 of `/proc/PID/stat`, counted behind the command in parentheses, which may hold anything.
fn cpu_time_in(stat: &str) -> Option<Duration> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ').skip(11);
    let (user, system): (u32, u32) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(TICK * user.checked_add(system)?)
}

/// The first line of `/proc/stat` without idle time and waiting: `cpu  user nice system idle iowait irq softirq steal …`.
fn busy_time_in(stat: &str) -> Option<Duration> {
    let fields: Vec<u32> =
        stat.strip_prefix("cpu ")?.lines().next()?.split_whitespace().map_while(|field| field.parse().ok()).collect();
    let [user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen, ..] = fields[..] else {
        return None;
    };
    Some(TICK * [user, nice, system, interrupts, soft_interrupts, stolen].iter().sum())
}

/// `VmRSS:     1234 kB` of `/proc/PID/status`.
fn resident_kib_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_times_are_found_behind_any_command() {
        for (stat, expected) in [
            ("7 (cholla) S 1 7 7 0 -1 4194304 1 2 3 4 250 31 0 0 20 0 3 0 5", Some(2_810)),
            ("7 (a ) b) S 1 7 7 0 -1 4194304 1 2 3 4 1 0 0 0 20 0 3 0 5", Some(10)),
            ("7 (cholla) S 1 7", None),
            ("", None),
        ] {
            assert_eq!(cpu_time_in(stat).map(|time| time.as_millis()), expected, "{stat}");
        }
    }

    #[test]
    fn busy_time_leaves_out_idle_time_and_waiting() {
        for (stat, expected) in [
            ("cpu  1 2 3 1000 2000 4 5 6 7 8\ncpu0 1 2 3 4 5 6 7 8 9 10\n", Some(210)),
            ("cpu  1 2 3\n", None),
            ("intr 1\n", None),
        ] {
            assert_eq!(busy_time_in(stat).map(|time| time.as_millis()), expected, "{stat}");
        }
    }

    #[test]
    fn resident_memory_is_found() {
        for (status, expected) in [
            ("Name:\tcholla\nVmRSS:\t   10240 kB\nRssAnon:\t 1 kB\n", Some(10_240)),
            ("Name:\tcholla\n", None),
            ("VmRSS:\t many kB\n", None),
        ] {
            assert_eq!(resident_kib_in(status), expected, "{status}");
        }
    }

    #[test]
    fn addresses_are_found() {
        for (ready, expected) in [
            (r#"{"version":1,"api":{"http":"http://127.0.0.1:12111","https":"x"}}"#, Some("127.0.0.1:12111")),
            (r#"{"api":{"http":"http://[::1]:1/"}}"#, Some("[::1]:1")),
            (r#"{"api":{"http":"https://127.0.0.1:1"}}"#, None),
            (r#"{"api":{}}"#, None),
            ("", None),
        ] {
            assert_eq!(address_in(ready).ok().map(|address| address.to_string()).as_deref(), expected, "{ready}");
        }
    }
}
