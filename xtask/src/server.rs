//! The server that a client meets: `cholla dev` with the world of the suites.

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
/// How credentials begin; a whole one may not reach the log either.
const CREDENTIALS: [&str; 8] = ["sk_", "rk_", "ek_", "pk_", "ac_", "rt_", "whsec_", "absec_"];
/// The shortest word that is taken for a credential, in bytes.
const CREDENTIAL_BYTES_MIN: usize = 16;

/// A running server; it ends when this is dropped.
pub(crate) struct Server {
    child: Child,
    binary: PathBuf,
    ready_file: PathBuf,
    ready: Value,
    log: PathBuf,
}

/// Builds it; answers where it is.
pub(crate) fn build(root: &Path) -> Result<PathBuf> {
    succeed(cargo(root).args(["build", "--package", "cholla"]))?;
    // Both binaries are built into the same folder.
    Ok(std::env::current_exe()?.with_file_name("cholla"))
}

impl Server {
    /// Starts one for the suite called `name`; returns once it accepts connections.
    pub(crate) fn start(root: &Path, binary: &Path, name: &str) -> Result<Self> {
        let folder = root.join("interop/.clients/server");
        fs::create_dir_all(&folder)?;
        let (ready_file, log) = (folder.join(format!("{name}.json")), folder.join(format!("{name}.log")));
        if ready_file.exists() {
            fs::remove_file(&ready_file)?;
        }
        let child = Command::new(binary)
            .current_dir(root)
            .args(["dev", "--platform", "interop/platform.toml", "--log", "debug", "--ready-file"])
            .arg(&ready_file)
            .args(["--listen", "127.0.0.1:0", "--listen-https", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .with_context(|| format!("{} does not start", binary.display()))?;
        let mut server = Self { child, binary: binary.to_owned(), ready_file, ready: Value::Null, log };
        server.ready = server.wait()?;
        Ok(server)
    }

    #[expect(clippy::disallowed_methods, reason = "another process writes the ready file and gives no other sign")]
    fn wait(&mut self) -> Result<Value> {
        let started = Instant::now();
        while !self.ready_file.exists() {
            if let Some(status) = self.child.try_wait()? {
                bail!("`cholla dev` ended with {status}:\n{}", fs::read_to_string(&self.log)?);
            }
            if started.elapsed() > READY_WITHIN {
                bail!("`cholla dev` was not ready within {READY_WITHIN:?}; see {}", self.log.display());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Ok(serde_json::from_slice(&fs::read(&self.ready_file)?)?)
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
        let ready_file = ("CHOLLA_READY_FILE", self.ready_file.display().to_string());
        // For suites that make their world by the command line.
        let binary = ("CHOLLA_BINARY", self.binary.display().to_string());
        variables.into_iter().map(variable).chain([Ok(ready_file), Ok(binary)]).collect()
    }

    /// Fails where the log shows any of what the suites stored.
    pub(crate) fn check_log(&self) -> Result<()> {
        let log = fs::read_to_string(&self.log)?;
        if CANARIES.iter().any(|canary| log.contains(canary)) {
            bail!("{} shows payloads, names or users of the suites", self.log.display());
        }
        if shows_credential(&log) {
            bail!("{} shows credentials", self.log.display());
        }
        Ok(())
    }
}

/// Whether any word of `log` is a credential, or long enough to be one.
fn shows_credential(log: &str) -> bool {
    log.split(|character: char| !character.is_ascii_alphanumeric() && character != '_')
        .any(|word| word.len() >= CREDENTIAL_BYTES_MIN && CREDENTIALS.iter().any(|begin| word.starts_with(begin)))
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing else to do about either error.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_a_log() {
        for (log, expected) in [
            ("key=sk_test_interop_maker", true),
            ("code \"ac_EbuD9L8MpiYwNOCLQIMFJSJBSc8rBYsm\"", true),
            ("secret=whsec_interop_depot\n", true),
            ("key=sk_test_****aker install=appinst_test_Nz7Tc3Yz1YOWQGsJRfhs8U9Idc7W2tmj", false),
            ("the rt_ and the hmac_sha256_of_it", false),
            ("", false),
        ] {
            assert_eq!(shows_credential(log), expected, "{log}");
        }
    }
}
