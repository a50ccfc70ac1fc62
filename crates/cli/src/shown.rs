//! What is shown once: keys, tokens and signing secrets that a server has just made.

use crate::output::{self, Failure};
use crate::sensitive::Sensitive;

/// Prints `value` alone on its line, so that a script can take it as it is; and on standard error what it is.
///
/// # Errors
/// When standard output cannot be written.
pub(crate) fn print(value: &Sensitive, what: &str) -> Result<(), Failure> {
    output::remark(&format!("{what}\nThis is the only time that it is shown: keep it where secrets are kept."));
    let line = output::printable(value.expose_secret());
    output::bytes(line.as_bytes())?;
    output::bytes(b"\n")
}
