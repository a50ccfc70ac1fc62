//! The text format of a case file: the contract as data, so that any server can be measured with it.
//!
//! A file holds several cases. `vectors/wire/README.md` explains the format to somebody who writes cases; this module only reads it.
//! An unknown line is an error with its number: a case that is half understood would pass for the wrong reason.

mod reader;

use std::fmt;
use std::path::Path;

use reader::Reader;

use crate::world::Cast;

/// What one file holds.
#[derive(Clone, Debug, Default)]
pub struct CaseFile {
    /// What every answer must carry, whatever the case.
    pub every: Vec<Every>,
    /// The cases, in file order.
    pub cases: Vec<Case>,
}

/// Headers that every answer must carry, or every answer to one method.
#[derive(Clone, Debug)]
pub struct Every {
    /// Only answers to this method; `None` for all.
    pub method: Option<String>,
    /// What must be there, or must not.
    pub headers: Vec<ExpectedHeader>,
}

/// One case: a small story in a world of its own.
#[derive(Clone, Debug, Default)]
pub struct Case {
    /// The file it stands in.
    pub file: String,
    /// The line of its title.
    pub line: usize,
    /// Who plays in it; its file says so.
    pub cast: Cast,
    /// What it shows.
    pub title: String,
    /// The contract's rules that it pins, such as `4.7`.
    pub rules: Vec<String>,
    /// Why it matters, where that is not plain.
    pub why: String,
    /// What happens.
    pub steps: Vec<Step>,
}

impl Case {
    /// Whether the case moves the server's clock or resets it, so that no other case may run beside it.
    pub fn moves_clock(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.what, What::Clock(_) | What::Reset))
    }
}

/// One step of a case.
#[derive(Clone, Debug)]
pub struct Step {
    /// Its line.
    pub line: usize,
    /// What happens.
    pub what: What,
}

/// What happens in a step.
#[derive(Clone, Debug)]
pub enum What {
    /// A request and the answer it must get.
    Exchange(Box<Exchange>),
    /// The server's clock is moved: `advance 2h` or `set 1956528000`.
    Clock(String),
    /// The server goes back to where it started.
    Reset,
    /// A variable gets a value.
    Let(String, String),
    /// The answers of two named steps must be alike, request ids and dates apart.
    Same(String, String),
    /// Two variables must differ.
    Different(String, String),
    /// A signature that was caught must verify.
    Signed(Signed),
}

/// A signature of the form `t=…,v1=…` in two variables, and what it must be of (contract 8.2, 15.13).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The macro that stands for the secret.
    pub secret: String,
    /// The variable that caught the time.
    pub time: String,
    /// The variable that caught the signature, in hexadecimal digits.
    pub signature: String,
    /// The text behind `<t>.`.
    pub text: String,
}

/// A request and the answer it must get.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// A name for a later `same:`.
    pub name: Option<String>,
    /// Whether it goes to the admin listener, with the admin token.
    pub admin: bool,
    /// Who asks: an alias of the case's world.
    pub caller: String,
    /// How often; `{{i}}` counts from 1.
    pub times: usize,
    /// Whether all of them run at once.
    pub concurrent: bool,
    /// The method.
    pub method: String,
    /// The request target.
    pub target: String,
    /// Headers beside those of the caller.
    pub headers: Vec<RequestHeader>,
    /// The body.
    pub body: String,
    /// What the answer must be.
    pub expected: Expected,
}

/// A header of a request.
#[derive(Clone, Debug)]
pub enum RequestHeader {
    /// Sends it, instead of the default of that name.
    Send(String, String),
    /// Leaves out the default of that name.
    Omit(String),
}

/// What an answer must be.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// Whether `100 Continue` must come first.
    pub interim: bool,
    /// Which statuses must come how often, taken together; one status, once, unless the requests run at once.
    pub statuses: Vec<(Vec<u16>, usize)>,
    /// Headers.
    pub headers: Vec<ExpectedHeader>,
    /// The body.
    pub body: ExpectedBody,
    /// JSON tokens that must stand somewhere in the body, holes filled.
    pub members: Vec<String>,
    /// Whether the answers to requests that run at once must have one body.
    pub alike: bool,
    /// Text that must stand somewhere in the body.
    pub with: Vec<String>,
    /// Text that must stand nowhere in the answer.
    pub without: Vec<String>,
}

/// A header of an answer.
#[derive(Clone, Debug)]
pub enum ExpectedHeader {
    /// Exactly one of that name, and its value fits the pattern.
    Value(String, String),
    /// At least one of that name.
    Present(String),
    /// None of that name.
    Absent(String),
}

/// A body of an answer.
#[derive(Clone, Debug, Default)]
pub enum ExpectedBody {
    /// Anything.
    #[default]
    Unchecked,
    /// These bytes, holes apart.
    Exact(String),
    /// These JSON tokens in this order; white space between tokens is free.
    Json(String),
    /// The contract's error object, to the byte.
    Error(ErrorBody),
    /// `{"signature": "t=…,v1=…"}`, and the signature verifies over this text.
    Signature(String),
}

/// An error object in short form.
#[derive(Clone, Debug, Default)]
pub struct ErrorBody {
    /// `type`, where it is not the default of the status.
    pub kind: Option<String>,
    /// `code`, and with it `doc_url`.
    pub code: Option<String>,
    /// `param`.
    pub param: Option<String>,
    /// `message`, as text: escapes of JSON are added.
    pub message: String,
}

/// Why a file could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misread {
    /// The line.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

impl fmt::Display for Misread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.why)
    }
}

/// Reads a case file.
///
/// # Errors
/// The first line that is not understood.
pub fn parse(file: &str, text: &str) -> Result<CaseFile, Misread> {
    Reader::new(file).read_all(text)
}

/// Reads every `.txt` file of `directory`, in the order of their names, as one.
///
/// # Errors
/// What could not be read, with file and line.
pub fn read_directory(directory: &Path) -> Result<CaseFile, String> {
    let entries = std::fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort_unstable();
    let mut all = CaseFile::default();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        let file = parse(&name, &text).map_err(|misread| format!("{name}, {misread}"))?;
        all.every.extend(file.every);
        all.cases.extend(file.cases);
    }
    Ok(all)
}

impl ErrorBody {
    /// The error object as the contract prints it: keys alphabetical, two spaces, a final newline (contract 2.5 and section 6).
    pub fn render(&self, status: u16) -> String {
        let default = if status >= 500 { "api_error" } else { "invalid_request_error" };
        let mut members = Vec::new();
        if let Some(code) = &self.code {
            members.push(("code", code.clone()));
            members.push(("doc_url", format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"))));
        }
        members.push(("message", self.message.clone()));
        if let Some(param) = &self.param {
            members.push(("param", param.clone()));
        }
        members.push(("type", self.kind.clone().unwrap_or_else(|| default.to_owned())));
        let lines: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("    \"{name}\": \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        format!("{{\n  \"error\": {{\n{}\n  }}\n}}\n", lines.join(",\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "\
# A comment.
cast: installs
every: POST
< Stripe-Should-Retry: [any]

case: set and find
rules: 1.1 1.3
why: the smallest story
  on two lines

as: extension usr_1
step: first
> POST /v1/apps/secrets name=a b&payload=c
> Idempotency-Key: k
> !Content-Type
< 200 {\"id\": \"[id:first]\"}
< ETag: [etag]
< !Location
< with appsecret_
< without c

clock: advance 2h
concurrent: 3
> POST /x
>
> one
> two
< 200/409*1 400*2
> GET /y
< 404 code=resource_missing param=name | No such \"secret\"
same: first first
to: admin
> POST /z {\"a\": \"b c\"}
< 200
< member \"id\": [int:n]
concurrent: 2
> GET /y
< 200*2
< alike
signed: signing_secret t v1 {\"a\": 1}
";

    #[test]
    fn reads_every_kind_of_line() {
        let file = parse("x.txt", EXAMPLE).unwrap();
        assert_eq!(file.every.len(), 1);
        let case = &file.cases[0];
        assert_eq!((case.title.as_str(), case.line), ("set and find", 6));
        assert_eq!(case.why, "the smallest story on two lines");
        assert_eq!(case.rules, ["1.1", "1.3"]);
        assert!(case.moves_clock());
        assert_eq!((case.steps.len(), case.cast), (8, Cast::Installs));
        let exchanges: Vec<_> = case
            .steps
            .iter()
            .filter_map(|step| match &step.what {
                What::Exchange(exchange) => Some(exchange),
                _ => None,
            })
            .collect();
        assert_eq!(exchanges[0].body, "name=a b&payload=c");
        assert_eq!(exchanges[0].name.as_deref(), Some("first"));
        assert_eq!(exchanges[0].headers.len(), 2);
        assert_eq!(exchanges[0].expected.headers.len(), 2);
        assert_eq!((exchanges[1].times, exchanges[1].concurrent), (3, true));
        assert_eq!(exchanges[1].body, "onetwo");
        assert_eq!(exchanges[1].expected.statuses, [(vec![200, 409], 1), (vec![400], 2)]);
        assert_eq!((exchanges[2].times, exchanges[2].concurrent), (1, false));
        assert!(matches!(&exchanges[2].expected.body, ExpectedBody::Error(body) if body.param.is_some()));
        assert!(!exchanges[2].admin && exchanges[3].admin && !exchanges[4].admin);
        assert_eq!((exchanges[3].target.as_str(), exchanges[3].body.as_str()), ("/z", "{\"a\": \"b c\"}"));
        assert_eq!(exchanges[3].expected.members, ["\"id\": [int:n]"]);
        assert!(exchanges[4].expected.alike && !exchanges[3].expected.alike);
        let What::Signed(signed) = &case.steps[7].what else { panic!("a signature") };
        assert_eq!((signed.time.as_str(), signed.text.as_str()), ("t", "{\"a\": 1}"));
    }

    #[test]
    fn misread_lines_are_errors() {
        for (text, line) in [
            ("nonsense", 1),
            ("rules: 1.1", 1),
            ("case: a\nrules: 1.1", 2),
            ("case: a\n> GET /x\n< 200", 3),
            ("case: a\nrules: 1.1\nfoo: bar", 3),
            ("case: a\nrules: 1.1\n> GET /x\ncase: b", 4),
            ("case: a\nrules: 1.1\n> GET /x\n< 400 nonsense", 4),
            ("case: a\nrules: 1.1\n> GET /x\n< 400 colour=red | x", 4),
            ("cast: nobody", 1),
            ("case: a\nrules: 1.1\nto: mars", 3),
            ("case: a\nrules: 1.1\nsigned: secret t v1", 3),
        ] {
            assert_eq!(parse("x.txt", text).map_err(|misread| misread.line).unwrap_err(), line, "{text}");
        }
    }

    #[test]
    fn errors_render_as_the_contract_prints_them() {
        let body = ErrorBody {
            code: Some("resource_missing".to_owned()),
            param: Some("name".to_owned()),
            message: "No \"x\"".to_owned(),
            kind: None,
        };
        let expected = r#"{
  "error": {
    "code": "resource_missing",
    "doc_url": "https://stripe.com/docs/error-codes/resource-missing",
    "message": "No \"x\"",
    "param": "name",
    "type": "invalid_request_error"
  }
}
"#;
        assert_eq!(body.render(404), expected);
    }
}
