//! The server that the clients meet: `cholla dev` with their own world.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::checks::cargo;
use crate::report::succeed;

/// The longest that it may take to accept connections.
const READY_WITHIN: Duration = Duration::from_mins(1);
/// How often the ready file is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// What the suites store, name and identify users by: none of it may reach the log.
const CANARIES: [&str; 5] = ["payload of", "🔐", "päylöad", "ключ", "usr_"];

/// A running server; it ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    ready: Value,
    log: PathBuf,
}

impl Server {
    /// Builds and starts it; returns once it accepts connections.
    pub(crate) fn start(root: &Path) -> Result<Self> {
        succeed(cargo(root).args(["build", "--package", "cholla"]))?;
        let folder = root.join("interop/.clients/server");
        fs::create_dir_all(&folder)?;
        let (ready_file, log) = (folder.join("ready.json"), folder.join("server.log"));
        if ready_file.exists() {
            fs::remove_file(&ready_file)?;
        }
        // Both binaries are built into the same folder.
        let binary = std::env::current_exe()?.with_file_name("cholla");
        let child = Command::new(&binary)
            .current_dir(root)
            .args(["dev", "--platform", "interop/platform.toml", "--log", "debug", "--ready-file"])
            .arg(&ready_file)
            .args(["--listen", "127.0.0.1:0", "--listen-https", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("{} does not start", binary.display()))?;
        let mut server = Self { child, ready: Value::Null, log };
        server.ready = server.wait(&ready_file)?;
        Ok(server)
    }

    #[expect(clippy::disallowed_methods, reason = "another process writes the ready file and gives no other sign")]
    fn wait(&mut self, ready_file: &Path) -> Result<Value> {
        let started = Instant::now();
        while !ready_file.exists() {
            if let Some(status) = self.child.try_wait()? {
                bail!("`cholla dev` ended with {status}:\n{}", fs::read_to_string(&self.log)?);
            }
            if started.elapsed() > READY_WITHIN {
                bail!("`cholla dev` was not ready within {READY_WITHIN:?}; see {}", self.log.display());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(serde_json::from_slice(&fs::read(ready_file)?)?)
    }

    /// What the suites need to know, as environment variables.
    pub(crate) fn environment(&self) -> Result<Vec<(&'static str, String)>> {
        let variables = [
            ("CHOLLA_URL", "/api/http"),
            ("CHOLLA_HTTPS_URL", "/api/https"),
            ("CHOLLA_CA_FILE", "/api/ca_file"),
            ("CHOLLA_ADMIN_URL", "/admin/url"),
            ("CHOLLA_ADMIN_TOKEN", "/admin/token"),
        ];
        let variable = |(name, pointer): (&'static str, &str)| {
            let value = self.ready.pointer(pointer).and_then(Value::as_str);
            let value = value.with_context(|| format!("the ready file has no {pointer}"))?;
            Ok((name, value.to_owned()))
        };
        variables.into_iter().map(variable).collect()
    }

    /// Fails where the log shows any of what the suites stored.
    pub(crate) fn check_log(&self) -> Result<()> {
        let log = fs::read_to_string(&self.log)?;
        let leaked = CANARIES.iter().filter(|canary| log.contains(**canary)).count();
        if leaked > 0 {
            bail!("{} shows payloads, names or users of the suites", self.log.display());
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about either error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
