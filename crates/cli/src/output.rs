//! The only place that prints. Standard output is what was asked for, standard error is what went wrong.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Why a command failed, which decides its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 1: the server refused, a manifest is faulty, or a server could not be started.
    Refused = 1,
    /// 2: the command line is wrong.
    Usage = 2,
    /// 3: the server cannot be reached, or failed.
    Unavailable = 3,
}

/// What a command that did not succeed says. It holds no payload and no key.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// What happened.
    pub(crate) message: String,
    /// What a report of it should quote.
    pub(crate) details: Option<String>,
    /// What to do about it.
    pub(crate) help: Option<String>,
    /// Printed as it is, instead of all that: the server's JSON, where JSON was asked for.
    pub(crate) verbatim: Option<Vec<u8>>,
}

impl Failure {
    /// A failure with a recommendation.
    pub(crate) fn new(exit: Exit, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: None, help: Some(help.into()), verbatim: None }
    }

    /// The flags contradict each other or the input.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message, help)
    }
}

/// Prints `bytes` on standard output.
///
/// # Errors
/// When standard output cannot be written; a reader that has gone away (`| head`) is no failure.
pub(crate) fn bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let message = format!("standard output cannot be written: {error}");
            Err(Failure::new(Exit::Unavailable, message, "Check where it is redirected to."))
        }
        _ => Ok(()),
    }
}

/// Prints a remark for people on standard error, where it disturbs no script.
pub(crate) fn remark(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Asks something on standard error, where the answer is typed behind it.
pub(crate) fn question(text: &str) {
    let mut stderr = io::stderr().lock();
    // Nobody is there to answer when standard error is closed.
    let _ = write!(stderr, "{text} [y/N] ").and_then(|()| stderr.flush());
}

/// Prints why a command failed, and gives its exit code.
pub(crate) fn failure(failure: &Failure) -> ExitCode {
    let text = if let Some(verbatim) = &failure.verbatim { verbatim.clone() } else { render(failure).into_bytes() };
    // Nobody is left to tell when standard error is closed.
    let _ = io::stderr().lock().write_all(&text);
    ExitCode::from(failure.exit as u8)
}

fn render(failure: &Failure) -> String {
    // A file with several faults has a line for each.
    let lines: Vec<_> = failure.message.lines().map(printable).collect();
    let mut text = format!("error: {}\n", lines.join("\n"));
    if let Some(details) = &failure.details {
        let _ = writeln!(text, "  {}", printable(details));
    }
    if let Some(help) = &failure.help {
        let _ = writeln!(text, "help: {help}");
    }
    text
}

/// Prints what clap has to say: help and version on standard output, a wrong command line on standard error.
pub(crate) fn usage(mut error: clap::Error) -> ExitCode {
    let is_flag = |value: &ContextValue| matches!(value, ContextValue::String(text) if text.starts_with('-'));
    if error.kind() == ErrorKind::UnknownArgument && !error.get(ContextKind::InvalidArg).is_none_or(is_flag) {
        // A word that belongs to no flag may be the second word of an unquoted payload.
        error.insert(ContextKind::InvalidArg, ContextValue::String("****".to_owned()));
        error.remove(ContextKind::Suggested);
    }
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

/// `text` with everything a terminal would obey written as an escape: control characters and direction marks.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        let obeyed = character.is_control()
            || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if obeyed {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Unix seconds as a date people read; the number itself where it is none.
pub(crate) fn date(unix: i64) -> String {
    let date = OffsetDateTime::from_unix_timestamp(unix).ok().and_then(|date| date.format(&Rfc3339).ok());
    date.unwrap_or_else(|| unix.to_string())
}

/// Rows below `head`, columns two spaces apart, no space at the end of a line.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = head.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let mut line = |cells: &mut dyn Iterator<Item = &str>| {
        let start = text.len();
        for (cell, width) in cells.zip(&widths) {
            let _ = write!(text, "{cell:<width$}  ");
        }
        let end = start + text[start..].trim_end_matches(' ').len();
        text.truncate(end);
        text.push('\n');
    };
    line(&mut head.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_obeys_nothing_that_is_printed() {
        for (text, expected) in [
            ("plain", "plain"),
            ("Grüße 🌵 नमस्ते", "Grüße 🌵 नमस्ते"),
            ("a\nb\tc\r", "a\\nb\\tc\\r"),
            ("\u{1b}[31mred\u{7}", "\\u{1b}[31mred\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("abc\u{202e}def", "abc\\u{202e}def"),
            ("it's \"quoted\" \\ so", "it's \"quoted\" \\ so"),
        ] {
            assert_eq!(printable(text), expected);
        }
    }

    #[test]
    fn times_are_dates_in_utc() {
        for (unix, expected) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_956_528_000, "2032-01-01T00:00:00Z"),
            (1_956_527_999, "2031-12-31T23:59:59Z"),
            (i64::MAX, "9223372036854775807"),
        ] {
            assert_eq!(date(unix), expected);
        }
    }

    #[test]
    fn columns_are_aligned() {
        let rows = [vec!["a".to_owned(), "🌵🌵🌵".to_owned()], vec!["longer".to_owned(), String::new()]];
        let lines = ["NAME    X", "a       🌵🌵🌵", "longer", ""];
        assert_eq!(table(&["NAME", "X"], &rows), lines.join("\n"));
    }

    #[test]
    fn a_failure_is_one_thing_after_the_other() {
        let mut shown = Failure::new(Exit::Refused, "no\u{1b}", "ask again");
        assert_eq!(render(&shown), "error: no\\u{1b}\nhelp: ask again\n");
        shown.details = Some("status 404".to_owned());
        shown.help = None;
        assert_eq!(render(&shown), "error: no\\u{1b}\n  status 404\n");
    }
}
