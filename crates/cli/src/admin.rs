//! The client of the admin API: one server, one operator, answers as JSON.

use std::fs;

use cholla_domain::limits::PAGE_LIMIT_MAX;
use cholla_wire::client::{Form, ScopeFields};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::args::admin::{AdminArgs, RollArgs};
use crate::http::{self, Answer, Client, Target};
use crate::input::{self, STANDARD_INPUT};
use crate::output::{self, Exit, Failure};
use crate::sensitive::Sensitive;
use crate::words;

/// Pages of a list that are read at most, so that a broken server cannot keep it going for ever.
const PAGES_MAX: usize = 10_000;
/// Bytes of an admin token's file that are sensible.
const TOKEN_BYTES_MAX: u64 = 64 * 1024;
/// What stands in a path as itself (RFC 3986, unreserved characters).
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A server, as one operator.
pub(crate) struct Admin {
    client: Client,
    /// Whether answers are printed as they came.
    pub(crate) json: bool,
}

/// An answer that is a success.
pub(crate) struct Success(Answer);

impl Success {
    /// The bytes of the JSON.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0.body
    }

    /// Reads the JSON.
    ///
    /// # Errors
    /// When it is not what this command knows: another server answers there, or one of another version.
    pub(crate) fn decode<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        serde_json::from_slice(&self.0.body).map_err(|_| foreign(&self.0))
    }
}

/// A request without anything in it.
#[derive(Serialize)]
pub(crate) struct Nothing {}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    data: Vec<Value>,
    has_more: bool,
    next: Option<String>,
}

impl Page {
    /// Where the next page begins.
    fn next(&self) -> Option<String> {
        let last = || self.data.last()?.get("id")?.as_str().map(str::to_owned);
        if self.has_more { self.next.clone().or_else(last) } else { None }
    }
}

impl Admin {
    /// The server and the operator that the flags name. Nothing is sent yet.
    ///
    /// # Errors
    /// When a flag is wrong, or there is no token.
    pub(crate) fn open(args: &AdminArgs) -> Result<Self, Failure> {
        let token = token(args)?;
        let target = Target {
            words: &http::ADMIN,
            base: &args.admin_base,
            key: &token,
            account: None,
            ca_file: args.ca_file.as_deref(),
        };
        Ok(Self { client: Client::new(&target)?, json: args.json })
    }

    /// `GET`
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses.
    pub(crate) fn get(&self, path: &str, query: &Form) -> Result<Success, Failure> {
        self.checked(path, self.client.get(path, query.as_str())?)
    }

    /// `POST` with `body` as JSON.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses.
    pub(crate) fn post(&self, path: &str, body: &impl Serialize) -> Result<Success, Failure> {
        let json = serde_json::to_vec(body).expect("what flags hold can be written as JSON");
        self.checked(path, self.client.post_json(path, &json)?)
    }

    /// `DELETE`
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses.
    pub(crate) fn delete(&self, path: &str) -> Result<Success, Failure> {
        self.checked(path, self.client.delete(path)?)
    }

    /// Reads a list to its end, or until it has `limit` rows, and prints the pages as they come where JSON is asked for.
    ///
    /// # Errors
    /// When the server cannot be reached, refuses, or answers something else than pages.
    pub(crate) fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        limit: usize,
        filter: impl Fn(Form) -> Form,
    ) -> Result<Vec<T>, Failure> {
        let mut rows = Vec::new();
        let mut after = None::<String>;
        for _ in 0..PAGES_MAX {
            let length = PAGE_LIMIT_MAX.min(limit - rows.len()).max(1).to_string();
            let query = filter(Form::list(ScopeFields::default(), Some(&length), after.as_deref(), None));
            let answer = self.get(path, &query)?;
            if self.json {
                output::bytes(answer.bytes())?;
            }
            let page = answer.decode::<Page>()?;
            after = page.next();
            let known: Result<Vec<T>, _> = page.data.into_iter().map(serde_json::from_value).collect();
            rows.extend(known.map_err(|_| foreign(&answer.0))?);
            if after.is_none() || rows.len() >= limit {
                rows.truncate(limit);
                return Ok(rows);
            }
        }
        Err(Failure::new(Exit::Unavailable, format!("there are more than {PAGES_MAX} pages"), "Ask for less."))
    }

    /// Rolls what the path names.
    ///
    /// # Errors
    /// When the server cannot be reached, or refuses.
    pub(crate) fn roll(&self, segments: &[&str], args: &RollArgs) -> Result<Success, Failure> {
        #[derive(Serialize)]
        struct Rolling<'a> {
            overlap: Option<&'a str>,
        }
        self.post(&path(segments), &Rolling { overlap: args.overlap.as_deref() })
    }

    fn checked(&self, path: &str, answer: Answer) -> Result<Success, Failure> {
        if (200..300).contains(&answer.status) { Ok(Success(answer)) } else { Err(refusal(path, &answer, self.json)) }
    }
}

/// A path of the admin API, with what stands in it encoded.
pub(crate) fn path(segments: &[&str]) -> String {
    let mut path = "/v1".to_owned();
    for segment in segments {
        path.push('/');
        path.extend(utf8_percent_encode(segment, ESCAPED));
    }
    path
}

fn token(args: &AdminArgs) -> Result<Sensitive, Failure> {
    if let Some(file) = &args.admin_token_file {
        let wrong = |why: &str| {
            let message = format!("the admin token's file {} {why}", file.display());
            Failure::usage(message, "Name a file that holds the token and nothing else, such as admin.token.")
        };
        let length = fs::metadata(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?.len();
        if length > TOKEN_BYTES_MAX {
            return Err(wrong("is too long"));
        }
        let text = fs::read_to_string(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
        return Ok(Sensitive::from(text).trimmed());
    }
    match args.admin_token.clone().filter(|token| !token.is("")) {
        Some(token) if token.is(STANDARD_INPUT) => input::read("admin token"),
        Some(token) => Ok(token),
        None => {
            let help = "Set CHOLLA_ADMIN_TOKEN, or pass --admin-token-file: `cholla dev` prints its token, and `cholla init` wrote admin.token.";
            Err(Failure::usage("there is no admin token", help))
        }
    }
}

#[derive(Deserialize)]
struct Envelope {
    error: AdminError,
}

#[derive(Deserialize)]
struct AdminError {
    code: Option<String>,
    message: Option<String>,
    param: Option<String>,
}

/// Why the server refused a request to `path`. Its messages say what to do; a file with several faults has a line for each.
fn refusal(path: &str, answer: &Answer, json: bool) -> Failure {
    let Ok(Envelope { error }) = serde_json::from_slice(&answer.body) else { return foreign(answer) };
    let param = error.param.as_deref();
    let quoted = [
        Some(format!("status {}", answer.status)),
        error.code.as_ref().map(|code| format!("code {code}")),
        param.map(|param| {
            words::flag(path, param).map_or_else(|| format!("param {param}"), |flag| format!("flag {flag}"))
        }),
        answer.request_id.as_ref().map(|id| format!("request {id}")),
    ];
    let exit = if (400..500).contains(&answer.status) { Exit::Refused } else { Exit::Unavailable };
    Failure {
        exit,
        message: error.message.as_deref().map_or_else(
            || "the server gave no reason".to_owned(),
            |said| words::message(path, answer.status, param, said),
        ),
        details: Some(quoted.into_iter().flatten().collect::<Vec<_>>().join(", ")),
        help: Some(recommendation(answer.status, param)),
        verbatim: json.then(|| answer.body.to_vec()),
    }
}

/// What to do about a refusal that is about `param`, beside what its message says.
fn recommendation(status: u16, param: Option<&str>) -> String {
    let known = match (status, param.and_then(words::list)) {
        (404, Some(list)) => return format!("See what there is with `{list}`."),
        (401, _) => {
            "Give an admin token of this server in CHOLLA_ADMIN_TOKEN or --admin-token-file; a key of the API is none."
        }
        (403, _) => "Use the token of an operator: an auditor's looks and changes nothing.",
        (404, None) => "Check what is named, and that the server is of this version.",
        (409, _) => "Look at what is there, then correct the flags.",
        (413, _) => "Make the file smaller.",
        (429, _) => "Wait a moment, then try again.",
        (500.., _) => "Try again; the server's log tells the cause.",
        _ => "Correct it and try again; nothing was changed.",
    };
    known.to_owned()
}

/// An answer that the admin API does not know.
fn foreign(answer: &Answer) -> Failure {
    let message = format!("the server answered {} with something that is not the admin API's JSON", answer.status);
    let help = "Check that --admin-base is the address of the admin listener of a Cholla server of this version, without a path.";
    Failure::new(Exit::Unavailable, message, help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_a_path_is_encoded() {
        for (segments, expected) in [
            (&["accounts"][..], "/v1/accounts"),
            (&["accounts", "acct_1", "users", "a b/ü?#%"], "/v1/accounts/acct_1/users/a%20b%2F%C3%BC%3F%23%25"),
            (&["apps", "com.example.app-a"], "/v1/apps/com.example.app-a"),
        ] {
            assert_eq!(path(segments), expected);
        }
    }

    #[test]
    fn every_refusal_says_what_to_do() {
        for (status, param, expected) in [
            (400, None, "Correct"),
            (401, None, "CHOLLA_ADMIN_TOKEN"),
            (403, None, "operator"),
            (404, Some("account"), "`cholla accounts list`"),
            (404, Some("app"), "`cholla apps list`"),
            (404, Some("event"), "`cholla webhooks deliveries`"),
            (404, None, "of this version"),
            (409, Some("app"), "what is there"),
            (413, None, "smaller"),
            (429, None, "Wait"),
            (500, None, "log"),
            (503, None, "log"),
        ] {
            assert!(recommendation(status, param).contains(expected), "{status}");
        }
    }
}
