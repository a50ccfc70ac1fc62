//! Running the binary as a user would, with nothing of this process's environment.

use std::io::Write;
use std::process::{Command, Stdio};

/// What a command left behind.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `cholla` with `args`, `env` and `stdin` to its end.
pub(crate) fn cholla<S: AsRef<str>>(args: &[S], env: &[(&str, &str)], stdin: &[u8]) -> Outcome {
    let mut child = Command::new(env!("CARGO_BIN_EXE_cholla"))
        .args(args.iter().map(AsRef::as_ref))
        .env_clear()
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its standard input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    let output = child.wait_with_output().unwrap();
    Outcome {
        exit: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}
