//! A word on standard error, for people, when something takes longer than a second.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::output;

/// How long one waits without being told for what.
const SILENCE: Duration = Duration::from_secs(1);

/// Does `work`, and says `what` if it has not come to its end after a second. A script, whose standard error is no terminal, is told nothing.
pub(crate) fn announced<T>(what: &str, work: impl FnOnce() -> T) -> T {
    if io::stderr().is_terminal() { after(SILENCE, || output::remark(what), work) } else { work() }
}

fn after<T>(silence: Duration, say: impl FnOnce() + Send, work: impl FnOnce() -> T) -> T {
    let (done, waits) = mpsc::channel::<()>();
    thread::scope(|scope| {
        scope.spawn(move || {
            if waits.recv_timeout(silence) == Err(RecvTimeoutError::Timeout) {
                say();
            }
        });
        let result = work();
        drop(done);
        result
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_takes_long_is_announced() {
        let (say, said) = mpsc::channel();
        let heard = after(Duration::ZERO, move || say.send("slow").unwrap(), || said.recv());
        assert_eq!(heard, Ok("slow"));
        let (say, said) = mpsc::channel();
        assert_eq!(after(Duration::MAX, move || say.send("quick").unwrap(), || 7), 7);
        assert!(said.recv().is_err(), "nothing was said");
    }
}
