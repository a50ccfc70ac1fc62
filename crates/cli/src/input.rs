//! Payloads and keys from standard input, so that they need not stand on the command line.

use std::io::{self, BufRead, IsTerminal, Read};

use zeroize::Zeroizing;

use crate::output::{self, Failure};
use crate::sensitive::Sensitive;

/// Stands for standard input where a payload, a key or a file is expected.
pub(crate) const STANDARD_INPUT: &str = "-";
/// Bytes of standard input that are read: more than the longest payload there is.
const INPUT_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of an answer at the terminal that are read.
const ANSWER_BYTES_MAX: u64 = 64;

/// Reads standard input to its end; at a terminal asks for `what` and reads one line that is not shown.
///
/// # Errors
/// When standard input cannot be read, is too long, or is not UTF-8.
pub(crate) fn read(what: &str) -> Result<Sensitive, Failure> {
    let wrong = |why: &str| {
        Failure::usage(format!("the {what} on standard input {why}"), "Give it as UTF-8 text of at most 1 MiB.")
    };
    if io::stdin().is_terminal() {
        let line = rpassword::prompt_password(format!("{what}: ")).map_err(|_| wrong("cannot be read"))?;
        return Ok(line.into());
    }
    // Never grows, so that no copy of it is left behind unwiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(INPUT_BYTES_MAX + 1));
    let mut input = io::stdin().lock().take(INPUT_BYTES_MAX as u64 + 1);
    input.read_to_end(&mut bytes).map_err(|_| wrong("cannot be read"))?;
    if bytes.len() > INPUT_BYTES_MAX {
        return Err(wrong("is too long"));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| wrong("is not UTF-8"))?;
    Ok(without_final_newline(text).into())
}

/// Asks a person at the terminal; only `y` and `yes` mean yes.
///
/// # Errors
/// When standard input is no terminal: then nobody can be asked, and `instead` is what to do.
pub(crate) fn confirm(question: &str, instead: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::usage("nobody can be asked: standard input is no terminal", instead));
    }
    output::question(question);
    let mut answer = String::new();
    let mut input = io::stdin().lock().take(ANSWER_BYTES_MAX);
    input.read_line(&mut answer).map_err(|_| Failure::usage("the answer cannot be read", instead))?;
    Ok(is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

/// `text` without the one newline that `echo` and editors put at its end.
fn without_final_newline(text: &str) -> &str {
    text.strip_suffix('\n').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        for (answer, expected) in
            [("y\n", true), ("YES\n", true), ("", false), ("\n", false), ("n\n", false), ("yep\n", false)]
        {
            assert_eq!(is_yes(answer), expected, "{answer:?}");
        }
    }

    #[test]
    fn exactly_one_newline_is_taken_off() {
        for (text, expected) in [("", ""), ("a", "a"), ("a\n", "a"), ("a\n\n", "a\n"), ("\na", "\na"), ("a\r\n", "a\r")]
        {
            assert_eq!(without_final_newline(text), expected);
        }
    }
}
