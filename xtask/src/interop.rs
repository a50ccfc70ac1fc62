//! Fetches the official clients and runs their suites, one after another, each against a server of its own: a suite that moves the clock by
//! months ages no other.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::clients::{ALL, Client, Folders, Tool};
use crate::report::{Outcome, Report, succeed};
use crate::server::{self, Server};

/// Runs the clients called `names`, or all.
///
/// # Errors
/// Where a name is none of a client's.
pub(crate) fn run(root: &Path, names: &[String], report: &mut Report) -> Result<()> {
    if let Some(unknown) = names.iter().find(|name| ALL.iter().all(|client| client.name != name.as_str())) {
        bail!("no client is called {unknown}; there are {}", ALL.map(|client| client.name).join(", "));
    }
    let mut binary = None;
    report.step("server", || match server::build(root) {
        Ok(built) => {
            binary = Some(built);
            Outcome::Passed
        }
        Err(error) => Outcome::Failed(format!("{error:#}")),
    });
    let Some(binary) = binary else { return Ok(()) };
    for client in ALL.iter().filter(|client| names.is_empty() || names.iter().any(|name| name == client.name)) {
        report.step(client.name, || {
            let missing: Vec<_> = client.tools.iter().filter(|tool| !is_there(tool)).map(|tool| tool.install).collect();
            if missing.is_empty() { suite(root, client, &binary).into() } else { install(&missing) }
        });
    }
    Ok(())
}

fn install(missing: &[&str]) -> Outcome {
    Outcome::missing(format!("install {}", missing.join(", ")))
}

/// Whether the tool is installed and new enough.
fn is_there(tool: &Tool) -> bool {
    let Some((program, arguments)) = tool.probe.split_first() else { return false };
    let Ok(output) = Command::new(program).args(arguments).stdin(Stdio::null()).output() else { return false };
    let printed = String::from_utf8_lossy(&output.stdout);
    output.status.success()
        && (tool.version_min == (0, 0) || version(&printed).is_some_and(|found| found >= tool.version_min))
}

/// The first `major.minor` in `text`; a version without a minor number has 0.
fn version(text: &str) -> Option<(u32, u32)> {
    let is_part = |character: char| character.is_ascii_digit() || character == '.';
    text.split(|character| !is_part(character)).find_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next().and_then(Result::ok).unwrap_or(0)))
    })
}

fn suite(root: &Path, client: &Client, binary: &Path) -> Result<()> {
    let interop = root.join("interop");
    let clients = interop.join(".clients");
    let folders = Folders { suite: interop.join(client.name), fetched: clients.join(client.name) };
    fetch(client, &folders).context("fetching")?;
    let server = Server::start(root, binary, client.name).context("starting the server")?;
    for mut command in (client.run)(&folders) {
        command.envs(server.environment()?);
        command.env("CHOLLA_CLIENTS", &clients).env("PYTHONPATH", &interop).env("PYTHONDONTWRITEBYTECODE", "1");
        // The server is on this machine, whatever proxy its user has.
        command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
        succeed(command.stdin(Stdio::null()))?;
    }
    server.check_log()
}

/// Fetches the client unless what was fetched last is what its locks still say.
fn fetch(client: &Client, folders: &Folders) -> Result<()> {
    let wanted = client.locks.iter().map(|lock| fs::read(folders.suite.join(lock))).collect::<Result<Vec<_>, _>>()?;
    let stamp = folders.fetched.join("fetched.stamp");
    let sign = wanted.join(&b"\n"[..]);
    if client.locks.is_empty() || fs::read(&stamp).is_ok_and(|found| found == sign) {
        return Ok(());
    }
    if folders.fetched.exists() {
        fs::remove_dir_all(&folders.fetched)?;
    }
    fs::create_dir_all(&folders.fetched)?;
    for (lock, content) in client.locks.iter().zip(&wanted) {
        fs::write(folders.fetched.join(lock), content)?;
    }
    for mut command in (client.fetch)(folders) {
        succeed(command.stdin(Stdio::null()))?;
    }
    Ok(fs::write(stamp, sign)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_tools_print_them() {
        for (text, expected) in [
            ("v20.20.2\n", Some((20, 20))),
            ("go version go1.26.8 linux/amd64\n", Some((1, 26))),
            ("javac 17.0.15\n", Some((17, 0))),
            ("Python 3.11.7\n", Some((3, 11))),
            ("curl 7.88.1 (x86_64-pc-linux-gnu) libcurl/7.88.1\n", Some((7, 88))),
            ("javac 21\n", Some((21, 0))),
            ("", None),
        ] {
            assert_eq!(version(text), expected, "{text}");
        }
    }
}
