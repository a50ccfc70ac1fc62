//! What the figures were measured on: they mean nothing without it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};

use crate::histogram::Histogram;

/// Writes of the disk probe, and their size.
const DISK_WRITES: usize = 2_000;
const DISK_WRITE: [u8; 4_096] = [b'x'; 4_096];
/// The versions of our dependencies.
const LOCK_FILE: &str = include_str!("../../../Cargo.lock");
/// Those that decide the figures.
const VERSIONS_SHOWN: [&str; 5] = ["hyper", "tokio", "rusqlite", "aws-lc-rs", "mio"];

/// One line: processor, memory, kernel, disk.
pub(crate) fn machine_line(directory: &Path) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let model = model_in(&read("/proc/cpuinfo")).unwrap_or_else(|| "unknown processor".to_owned());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = gib_in(&read("/proc/meminfo")).unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let disk = disk_of(directory, &read("/proc/self/mountinfo")).unwrap_or_else(|| "unknown disk".to_owned());
    format!("{model}, {cores} cores, {memory} GiB, Linux {}, {disk}", kernel.trim())
}

/// One line: the server, the compiler, the libraries.
pub(crate) fn version_line(server: &Path) -> String {
    let said = |program: &Path| {
        let output = Command::new(program).arg("--version").output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let mut versions = vec![said(server).unwrap_or_else(|| "cholla (unknown version)".to_owned())];
    versions.extend(said(Path::new("rustc")));
    versions.extend(VERSIONS_SHOWN.iter().filter_map(|name| Some(format!("{name} {}", version_in(LOCK_FILE, name)?))));
    versions.join(", ")
}

/// Today in UTC.
///
/// # Errors
/// When the clock is off by thousands of years.
#[expect(clippy::disallowed_methods, reason = "the date of a measurement is the machine's")]
pub(crate) fn today() -> Result<String> {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let now = time::OffsetDateTime::from_unix_timestamp(i64::try_from(seconds)?)?;
    Ok(now.date().to_string())
}

/// How long the disk needs to make 4 KiB durable: append and `fdatasync`, one after the other.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn disk_latency(directory: &Path) -> Result<Histogram> {
    let path = directory.join("disk-probe");
    let mut file = File::create(&path).context("creating the file of the disk probe")?;
    let mut latencies = Histogram::new();
    for _ in 0..DISK_WRITES {
        let started = Instant::now();
        file.write_all(&DISK_WRITE)?;
        file.sync_data()?;
        latencies.record(u64::try_from(started.elapsed().as_nanos())?);
    }
    fs::remove_file(path)?;
    Ok(latencies)
}

/// The first `model name` of `/proc/cpuinfo`.
fn model_in(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// `MemTotal` of `/proc/meminfo`, rounded.
fn gib_in(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some((kib + (1 << 19)) >> 20)
}

/// The file system below a directory, and the write cache of its device, from `/proc/self/mountinfo`.
fn disk_of(directory: &Path, mountinfo: &str) -> Option<String> {
    let directory = directory.canonicalize().ok()?;
    let (_, kind, source) = mountinfo
        .lines()
        .filter_map(|line| {
            let (before, after) = line.split_once(" - ")?;
            let mut after = after.split(' ');
            Some((Path::new(before.split(' ').nth(4)?), after.next()?, after.next()?))
        })
        .filter(|(mounted, ..)| directory.starts_with(mounted))
        .max_by_key(|(mounted, ..)| mounted.components().count())?;
    let device = Path::new(source).file_name()?.to_str()?;
    let cache = fs::read_to_string(format!("/sys/class/block/{device}/queue/write_cache")).ok();
    Some(match cache {
        Some(cache) => format!("{kind} on {device} (write cache: {})", cache.trim()),
        None => format!("{kind} on {device}"),
    })
}

/// The version of a package in a lock file.
fn version_in<'a>(lock_file: &'a str, name: &str) -> Option<&'a str> {
    let (_, package) = lock_file.split_once(&format!("\nname = \"{name}\"\nversion = \""))?;
    package.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_found() {
        for (cpuinfo, expected) in [
            ("processor\t: 0\nmodel name\t: A: fast one\n\nmodel name\t: B\n", Some("A: fast one")),
            ("processor\t: 0\n", None),
        ] {
            assert_eq!(model_in(cpuinfo).as_deref(), expected, "{cpuinfo}");
        }
    }

    #[test]
    fn memory_is_rounded() {
        for (meminfo, expected) in [("MemTotal:       24683520 kB\n", Some(24)), ("MemTotal: 1\n", None), ("", None)] {
            assert_eq!(gib_in(meminfo), expected, "{meminfo}");
        }
    }

    #[test]
    fn the_disk_is_that_of_the_deepest_mount() {
        let mountinfo = "1 0 8:1 / / rw shared:1 - ext4 /dev/disk-that-is-not rw\n2 1 0:9 / /tmp rw - tmpfs none rw\n";
        for (directory, expected) in [("/", "ext4 on disk-that-is-not"), ("/tmp", "tmpfs on none")] {
            assert_eq!(disk_of(Path::new(directory), mountinfo).as_deref(), Some(expected), "{directory}");
        }
    }

    #[test]
    fn versions_are_those_of_the_lock_file() {
        for name in VERSIONS_SHOWN {
            assert!(version_in(LOCK_FILE, name).is_some(), "{name}");
        }
        let lock_file = "[[package]]\nname = \"a-b\"\nversion = \"2\"\n[[package]]\nname = \"a\"\nversion = \"1.0\"\n";
        for (name, expected) in [("a", Some("1.0")), ("a-b", Some("2")), ("b", None)] {
            assert_eq!(version_in(lock_file, name), expected, "{name}");
        }
    }
}
