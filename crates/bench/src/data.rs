//! The directories of a run: loaded once through the API, kept, and copied before each run, which may do with the copy what it
//! likes.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::load::{Load, Window};
use crate::process::Process;
use crate::progress;
use crate::request::{Operation, Source};
use crate::world::{World, platform_file};

/// Connections that load the secrets.
const LOAD_CONNECTIONS: usize = 256;
/// How long loading may take.
const LOAD_PATIENCE: Duration = Duration::from_hours(1);
/// The part of the configuration that is the same in every run: free ports on the loopback address, HTTP without TLS,
/// and no rate limits, which one key could not but exceed.
const SETTINGS: &str = "[api]\nlisten = \"127.0.0.1:0\"\ntls = \"off\"\n\n[admin]\nlisten = \"127.0.0.1:0\"\n\n\
                        [limits]\nper_credential_per_second = 0\nper_account_per_second = 0\n";
/// A mark beside a directory whose secrets are all there. Its text changes with the world.
const COMPLETE: &str = "world 2\n";

/// The programs and directories of a run.
#[derive(Debug)]
pub(crate) struct Workshop {
    /// The server's program.
    pub(crate) server: PathBuf,
    /// This program, which has the floors.
    bench: PathBuf,
    /// Everything lies in here.
    pub(crate) directory: PathBuf,
}

impl Workshop {
    /// Builds the server if none is given, and makes the directory.
    ///
    /// # Errors
    /// When either fails.
    pub(crate) fn new(server: Option<PathBuf>, directory: Option<PathBuf>, builds: bool) -> Result<Self> {
        let bench = std::env::current_exe()?;
        let beside = bench.parent().context("a program lies in a directory")?;
        if builds && server.is_none() {
            build_server()?;
        }
        let server = server.unwrap_or_else(|| beside.join("cholla"));
        let target = beside.parent().context("a program that cargo built lies two directories deep")?;
        let directory = directory.unwrap_or_else(|| target.join("bench-data"));
        fs::create_dir_all(&directory)?;
        Ok(Self { server, bench, directory })
    }

    /// Starts the server of a home of secrets, durable as in production, with a cache of so many bytes; `None`: its default.
    ///
    /// # Errors
    /// When it does not become ready.
    pub(crate) fn start_server(&self, home: &Path, cache_bytes: Option<u64>) -> Result<Process> {
        let cache = cache_bytes.map_or(String::new(), |bytes| format!("cache_bytes = {bytes}\n"));
        self.serve(home, &cache, Some(&platform_file()))
    }

    /// Starts the server of a home with more settings, and with a platform file if one is given.
    ///
    /// # Errors
    /// When it does not become ready.
    pub(crate) fn serve(&self, home: &Path, settings: &str, platform: Option<&str>) -> Result<Process> {
        let config = home.join("cholla.toml");
        let names_file = if platform.is_some() { "platform_file = \"platform.toml\"\n" } else { "" };
        fs::write(&config, format!("{settings}{names_file}{SETTINGS}"))?;
        if let Some(platform) = platform {
            let path = home.join("platform.toml");
            let mut file = fs::OpenOptions::new().create(true).write(true).truncate(true).mode(0o600).open(&path)?;
            file.write_all(platform.as_bytes())?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        }
        let name = home.file_name().context("a home has a name")?.display().to_string();
        self.start(&self.server, &["serve".to_owned(), "--config".to_owned(), config.display().to_string()], &name)
    }

    /// Starts floor F1h.
    ///
    /// # Errors
    /// When it does not become ready.
    pub(crate) fn start_floor_http(&self) -> Result<Process> {
        self.start(&self.bench, &["floor-http".to_owned()], "floor-http")
    }

    /// Starts floor F2 with a full map and an empty log.
    ///
    /// # Errors
    /// When it does not become ready.
    pub(crate) fn start_floor_log(&self, world: World) -> Result<Process> {
        let log = self.directory.join("floor.log");
        remove(&log)?;
        let arguments = ["floor-log", "--log", &log.display().to_string(), "--secrets", &world.secrets().to_string()];
        self.start(&self.bench, &arguments.map(str::to_owned), "floor-log")
    }

    fn start(&self, program: &Path, arguments: &[String], name: &str) -> Result<Process> {
        let file = |ending: &str| self.directory.join(format!("{name}.{ending}"));
        Process::start(program, arguments, &file("ready.json"), &file("log.txt"))
    }

    /// A copy of the world's home (configuration, keys, data) for this run, under `name`.
    ///
    /// # Errors
    /// When loading or copying fails.
    pub(crate) fn copy_of(&self, world: World, name: &str) -> Result<PathBuf> {
        let made = self.made(&format!("secrets-{}", world.secrets()), |home| {
            self.make_home(home)?;
            let process = self.start_server(home, None)?;
            load_once(&process, Source::Secrets(Operation::Set, world), world.secrets())?;
            process.end()
        })?;
        self.copy(&made, name)
    }

    /// A copy of a home for this run, under `name`.
    ///
    /// # Errors
    /// When copying fails.
    pub(crate) fn copy(&self, made: &Path, name: &str) -> Result<PathBuf> {
        let copy = self.directory.join(format!("run-{name}"));
        remove(&copy)?;
        copy_directory(made, &copy)?;
        Ok(copy)
    }

    /// The home called `name`, made with `make` if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn made(&self, name: &str, make: impl FnOnce(&Path) -> Result<()>) -> Result<PathBuf> {
        let home = self.directory.join(name);
        let mark = home.with_extension("complete");
        if fs::read_to_string(&mark).is_ok_and(|text| text == COMPLETE) {
            return Ok(home);
        }
        remove(&mark)?;
        remove(&home)?;
        make(&home)?;
        fs::write(&mark, COMPLETE)?;
        Ok(home)
    }

    /// Keys and token of a new server, as an operator makes them.
    ///
    /// # Errors
    /// When the program refuses.
    pub(crate) fn make_home(&self, home: &Path) -> Result<()> {
        let made =
            Command::new(&self.server).arg("init").arg(home).output().context("starting the server's program")?;
        if made.status.success() {
            return Ok(());
        }
        bail!("`cholla init` failed: {}", String::from_utf8_lossy(&made.stderr))
    }
}

/// Sends each of `count` requests once.
///
/// # Errors
/// When one is refused.
pub(crate) fn load_once(process: &Process, source: Source, count: u32) -> Result<()> {
    let (address, connections) = (process.address, LOAD_CONNECTIONS);
    let load = Load { address, connections, source, seed: 0 }.prepare_once()?;
    let started = Instant::now();
    let answers = load.run(Window { start: started, end: started + LOAD_PATIENCE })?;
    if answers.errors > 0 || answers.successes != u64::from(count) {
        let unexpected = answers.unexpected.unwrap_or_default();
        bail!("{} of {count} sets were refused: {unexpected}", answers.errors);
    }
    progress(&format!("loaded {count} secrets in {:.1} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// Builds the server as it is released.
fn build_server() -> Result<()> {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    let arguments = ["build", "--release", "--package", "cholla", "--manifest-path", manifest];
    let status = Command::new("cargo").args(arguments).status().context("starting cargo")?;
    if status.success() { Ok(()) } else { bail!("the server does not build") }
}

/// Removes a file or a directory, if there is one.
pub(crate) fn remove(path: &Path) -> Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(found) if found.is_dir() => fs::remove_dir_all(path).with_context(|| format!("removing {}", path.display())),
        _ => fs::remove_file(path).with_context(|| format!("removing {}", path.display())),
    }
}

/// Copies a directory with all files in it; sockets and links are left behind.
fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    fs::set_permissions(to, fs::metadata(from)?.permissions())?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_directory(&entry.path(), &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

/// Bytes of all files in a directory.
///
/// # Errors
/// When it cannot be read.
pub(crate) fn bytes_in(directory: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        bytes += if entry.file_type()?.is_dir() { bytes_in(&entry.path())? } else { entry.metadata()?.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_same_files() {
        let directory = tempfile::tempdir().unwrap();
        let (from, to) = (directory.path().join("from"), directory.path().join("to"));
        fs::create_dir_all(from.join("inner")).unwrap();
        fs::write(from.join("a"), "12").unwrap();
        fs::write(from.join("inner/b"), "345").unwrap();
        copy_directory(&from, &to).unwrap();
        assert_eq!(fs::read(to.join("inner/b")).unwrap(), b"345");
        assert_eq!((bytes_in(&from).unwrap(), bytes_in(&to).unwrap()), (5, 5));
        remove(&to).unwrap();
        remove(&to).unwrap();
        assert!(!to.exists());
    }
}
