//! Sessions with the binary as data. Every line begins with what it is:
//!
//! | Begin | Line |
//! | --- | --- |
//! | `#` | a remark |
//! | `$` | the arguments of a command, quoted as in a shell; `{base}` is the server's address |
//! | `%` | `NAME=VALUE` of its environment |
//! | `<` | its standard input, with `\n` for a newline |
//! | `@` | an answer of the fake server: `STATUS \| Header: value \| body` |
//! | `>` | a request that the fake server must get |
//! | `?` | its exit code, 0 when absent |
//! | `\|` | a line of its standard output |
//! | `!` | a line of its standard error |

use super::command::Outcome;

/// One command and everything that is expected of it.
#[derive(Default)]
pub(crate) struct Case {
    pub(crate) command: String,
    pub(crate) env: Vec<String>,
    pub(crate) stdin: String,
    pub(crate) answers: Vec<String>,
    pub(crate) requests: Vec<String>,
    exit: i32,
    stdout: String,
    stderr: String,
}

/// Reads the cases of a file.
pub(crate) fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        let (begin, rest) = line.split_at(line.len().min(1));
        let rest = rest.strip_prefix(' ').unwrap_or(rest);
        if begin == "$" {
            cases.push(Case { command: rest.to_owned(), ..Case::default() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match begin {
            "%" => case.env.push(rest.to_owned()),
            "<" => case.stdin.push_str(&rest.replace("\\n", "\n")),
            "@" => case.answers.push(rest.to_owned()),
            ">" => case.requests.push(rest.to_owned()),
            "?" => case.exit = rest.parse().unwrap(),
            "|" => case.stdout.extend([rest, "\n"]),
            "!" => case.stderr.extend([rest, "\n"]),
            "" | "#" => {}
            _ => panic!("a line of no kind: {line}"),
        }
    }
    cases
}

impl Case {
    /// The arguments, with `base` in its place.
    pub(crate) fn args(&self, base: &str) -> Vec<String> {
        split(&self.command.replace("{base}", base))
    }

    /// Compares what happened with what was expected; `base` and whatever `mask` knows read as placeholders.
    pub(crate) fn check(&self, outcome: &Outcome, base: &str, mask: impl Fn(&str) -> String) {
        // A file of lines cannot say that the last one has no newline.
        let line_end = |text: &str| if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let shown = |text: &str| mask(&text.replace(base, "{base}")) + line_end(text);
        let happened = (outcome.exit, shown(&outcome.stdout), shown(&outcome.stderr));
        let expected = (self.exit, self.stdout.clone(), self.stderr.clone());
        assert!(
            happened == expected,
            "$ {}\nexit {}\n{}{}",
            self.command,
            happened.0,
            prefixed("| ", &happened.1),
            prefixed("! ", &happened.2)
        );
    }
}

fn prefixed(prefix: &str, text: &str) -> String {
    text.lines().flat_map(|line| [prefix, line, "\n"]).collect()
}

/// Splits at spaces outside of quotes.
fn split(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for character in command.chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    words
}
