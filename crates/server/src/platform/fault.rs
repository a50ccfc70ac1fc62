//! What is wrong with a file that somebody wrote, one line a fault.

use std::fmt;

use cholla_domain::limits::GIVEN_SECRET_CHARS_MIN;
use cholla_wire::auth::MaskedKey;

/// Characters of a text from the file that a fault shows.
const SHOWN_CHARS_MAX: usize = 100;
/// How texts begin that are never shown: keys and signing secrets, wherever they were put by mistake.
const SECRET_PREFIXES: [&str; 5] = ["sk_", "rk_", "ek_", "pk_", "absec_"];

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, as it was named.
    pub file: String,
    /// The line in it, from 1; `None` where the whole file is meant.
    pub line: Option<usize>,
    /// What is wrong; what to do. One line, and never a key's value or a signing secret.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.text),
            None => write!(f, "{}: {}", self.file, self.text),
        }
    }
}

/// Everything found wrong with a file, by line. Printed as one line each: `FILE:LINE: what is wrong; what to do`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Sorts the faults by line.
    pub(crate) fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.line);
        Self(faults)
    }

    /// Each of them.
    pub fn as_slice(&self) -> &[Fault] {
        &self.0
    }

    /// The file itself cannot be read.
    pub(crate) fn unreadable(file: &str, error: &std::io::Error) -> Self {
        let text = format!("cannot be read ({error}); name a file that exists and that this user may read");
        Self(vec![Fault { file: file.to_owned(), line: None, text }])
    }

    /// The file holds keys or signing secrets, and its permission bits let others read it.
    pub(crate) fn exposed(file: &str, mode: u32) -> Self {
        let text = format!(
            "holds keys or signing secrets and can be read by others (mode {mode:04o}); run `chmod 600` on it, and ask yourself who may have read it"
        );
        Self(vec![Fault { file: file.to_owned(), line: None, text }])
    }

    /// A signing secret in the file, an app's or an endpoint's, is one that could be guessed.
    pub(crate) fn weak(file: &str) -> Self {
        let text = format!(
            "holds a signing secret of fewer than {GIVEN_SECRET_CHARS_MIN} characters behind `absec_` or `whsec_`; draw a longer one, or remove it to have one generated"
        );
        Self(vec![Fault { file: file.to_owned(), line: None, text }])
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

/// `text` as a fault shows it: in backticks, on one line, cut where it is long, masked where it looks like a credential.
pub(crate) fn quoted(text: &str) -> String {
    if SECRET_PREFIXES.iter().any(|prefix| text.starts_with(prefix)) {
        return format!("`{}`", MaskedKey::of(text.as_bytes()));
    }
    let cut = if text.chars().nth(SHOWN_CHARS_MAX).is_some() { "…" } else { "" };
    let shown: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    format!("`{}{cut}`", shown.escape_debug())
}

/// The texts as a list for people: `` `a`, `b` ``.
pub(crate) fn listed<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}
