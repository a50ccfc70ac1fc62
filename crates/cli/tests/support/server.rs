//! A server as a child process, in a directory of the test's own.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use serde_json::Value;

/// A server that accepts connections; killed when dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    /// What its ready file says.
    pub(crate) ready: Value,
    copying: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts `cholla dev` on free ports with `flags`.
    pub(crate) fn start(home: &Path, flags: &[&str]) -> Self {
        let any = "127.0.0.1:0";
        Self::launch(home, &[&["dev", "--listen", any, "--listen-https", any, "--admin", any], flags].concat())
    }

    /// Starts `cholla` with `args`, a command that serves. What it prints is appended to `stdout.txt` and `stderr.txt` in `home`.
    pub(crate) fn launch(home: &Path, args: &[&str]) -> Self {
        let append = |name: &str| OpenOptions::new().create(true).append(true).open(home.join(name)).unwrap();
        let ready_file = home.join("ready.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_cholla"))
            .args(args)
            .arg("--ready-file")
            .arg(&ready_file)
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(append("stderr.txt"))
            .spawn()
            .unwrap();
        let (printed, prints) = mpsc::channel();
        let (mut from, mut to) = (child.stdout.take().unwrap(), append("stdout.txt"));
        let copying = thread::spawn(move || copy(&mut from, &mut to, &printed).unwrap());
        // It prints once it accepts connections, after it has written the ready file.
        let ready = prints.recv().ok().and_then(|()| serde_json::from_slice(&fs::read(&ready_file).unwrap()).ok());
        let Some(ready) = ready else {
            panic!("it did not start: {}", fs::read_to_string(home.join("stderr.txt")).unwrap());
        };
        Self { child, ready, copying: Some(copying) }
    }

    /// The address of its plain HTTP listener.
    pub(crate) fn http(&self) -> &str {
        self.ready["api"]["http"].as_str().unwrap()
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(mut self) -> ExitStatus {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(asked.success());
        let status = self.child.wait().unwrap();
        self.copying.take().unwrap().join().unwrap();
        status
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies to the end, and tells when the first bytes have come.
fn copy(from: &mut impl Read, to: &mut File, printed: &mpsc::Sender<()>) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let length = from.read(&mut buffer)?;
        if length == 0 {
            return Ok(());
        }
        to.write_all(&buffer[..length])?;
        // Only the first one is waited for.
        let _ = printed.send(());
    }
}
