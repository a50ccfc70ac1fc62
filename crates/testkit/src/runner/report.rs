//! What a person reads when a case fails.

use std::fmt::Write as _;

use crate::exchange::{Answer, Request};
use crate::pattern::Mismatch;

/// Bytes as a person reads them, long ones cut.
pub(super) fn show(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let shown: String = text.chars().take(1_500).collect();
    if shown.len() == text.len() { shown } else { format!("{shown}… ({} bytes)", bytes.len()) }
}

pub(super) fn show_request(request: &Request) -> String {
    format!("  sent:\n{}{}", indent(&show(&request.head)), indent(&show(&request.body)))
}

pub(super) fn show_answer(answer: &Answer) -> String {
    let mut text = format!("{}\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = writeln!(text, "{name}: {value}");
    }
    let _ = write!(text, "\n{}", show(&answer.body));
    format!("  got:\n{}", indent(&text))
}

fn indent(text: &str) -> String {
    text.lines().fold(String::new(), |all, line| all + "    | " + line + "\n")
}

/// Both texts from a little before the place where they part ways.
pub(super) fn show_mismatch(pattern: &[u8], actual: &[u8], at: Mismatch) -> String {
    let around = |text: &[u8], at: usize| {
        let window = &text[at.saturating_sub(60)..text.len().min(at + 200)];
        format!("{}  (parts at byte {at})", String::from_utf8_lossy(window).escape_debug())
    };
    format!("    expected …{}\n    got      …{}", around(pattern, at.expected_at), around(actual, at.actual_at))
}
