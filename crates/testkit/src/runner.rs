//! Runs cases against a server: macros out, requests in, answers compared.

mod expansion;
mod report;
mod signature;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::exchange::{self, Answer, Request};
use crate::pattern::{Captures, fit, fit_within, squeeze};
use crate::vector::{Case, Every, Exchange, Expected, ExpectedBody, ExpectedHeader, RequestHeader, What};
use crate::world::World;

use report::{show, show_answer, show_mismatch, show_request};

/// The server under test.
#[derive(Clone)]
pub struct Target {
    /// Where it speaks the contract, in clear.
    pub api: SocketAddr,
    /// Where its clock is read and moved.
    pub admin: SocketAddr,
    /// The bearer token of the admin listener.
    pub admin_token: String,
}

/// A case that did not end as it says.
#[derive(Debug)]
pub struct Failure {
    /// `file:line` of the step.
    pub place: String,
    /// The case's title.
    pub title: String,
    /// The rules it pins.
    pub rules: Vec<String>,
    /// What was sent, expected and got.
    pub what: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} (rules {})\n{}", self.place, self.title, self.rules.join(" "), self.what)
    }
}

/// Runs every case, case `n` in world `n` of its cast: side by side first, then, one after the other, those that move the clock, each after a
/// reset of the server.
pub fn run_all(target: &Target, every: &[Every], cases: &[Case], threads: usize) -> Vec<Failure> {
    let failures = Mutex::new(Vec::new());
    let keep = |failed: Option<Failure>| failures.lock().expect("no case panics while it holds this").extend(failed);
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { break };
                    if !case.moves_clock() {
                        keep(run(target, World::of(case.cast, number), every, case).err());
                    }
                }
            });
        }
    });
    for (number, case) in cases.iter().enumerate().filter(|(_, case)| case.moves_clock()) {
        let reset = administer(target, "POST", "/dev/reset", "").map_err(|why| failure(case, case.line, why)).err();
        keep(reset.or_else(|| run(target, World::of(case.cast, number), every, case).err()));
    }
    failures.into_inner().expect("no case panicked")
}

/// Runs one case in `world`.
///
/// # Errors
/// The first step that does not end as the case says.
pub fn run(target: &Target, world: World, every: &[Every], case: &Case) -> Result<(), Failure> {
    let mut session = Session { target, world, every, captures: Captures::new(), answers: Vec::new() };
    for step in &case.steps {
        session.step(&step.what).map_err(|why| failure(case, step.line, why))?;
    }
    Ok(())
}

fn failure(case: &Case, line: usize, what: String) -> Failure {
    let (title, rules) = (case.title.clone(), case.rules.clone());
    Failure { place: format!("{}:{line}", case.file), title, rules, what }
}

/// A request to the admin listener; the answer's body.
fn administer(target: &Target, method: &str, path: &str, body: &str) -> Result<String, String> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        target.admin,
        target.admin_token,
        body.len()
    );
    let request = Request { method: method.to_owned(), head: head.into(), body: body.into(), waits: false };
    let answer = exchange::send(target.admin, &request).map_err(|error| format!("admin {method} {path}: {error}"))?;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    if answer.status < 300 { Ok(text) } else { Err(format!("admin {method} {path}: {} {text}", answer.status)) }
}

struct Session<'a> {
    target: &'a Target,
    world: World,
    every: &'a [Every],
    captures: Captures,
    answers: Vec<(String, Answer)>,
}

impl Session<'_> {
    fn step(&mut self, what: &What) -> Result<(), String> {
        match what {
            What::Exchange(exchange) if exchange.concurrent => self.race(exchange),
            What::Exchange(exchange) => (1..=exchange.times).try_for_each(|i| self.exchange(exchange, i)),
            What::Clock(change) => {
                let change = self.text(change, 1)?;
                let body = match change.split_once(' ') {
                    Some(("advance", by)) => format!("{{\"advance\": \"{by}\"}}"),
                    Some(("set", at)) => format!("{{\"set\": {at}}}"),
                    _ => return Err(format!("`{change}` is no change of a clock")),
                };
                administer(self.target, "POST", "/dev/clock", &body).map(|_| ())
            }
            What::Reset => administer(self.target, "POST", "/dev/reset", "").map(|_| ()),
            What::Let(name, value) => {
                let value = self.expand(value, 1)?;
                self.captures.insert(name.clone(), value);
                Ok(())
            }
            What::Same(left, right) => self.same(left, right),
            What::Signed(signed) => self.signed(signed),
            What::Different(left, right) => {
                let (one, other) =
                    (self.expand(&format!("{{{{{left}}}}}"), 1)?, self.expand(&format!("{{{{{right}}}}}"), 1)?);
                if one == other { Err(format!("`{left}` and `{right}` are both {}", show(&one))) } else { Ok(()) }
            }
        }
    }

    fn exchange(&mut self, exchange: &Exchange, i: usize) -> Result<(), String> {
        let request = self.request(exchange, i)?;
        // Asking the clock costs a request, so only those ask it that need it.
        let timed = needs_now(&exchange.expected);
        let earliest = if timed { self.now()? } else { 0 };
        let answer = self.send(exchange, &request)?;
        let now = earliest..=if timed { self.now()? } else { 0 };
        let checked = self.check(exchange, &answer, &now, i);
        if let Some(name) = &exchange.name {
            self.answers.push((name.clone(), answer.clone()));
        }
        checked.map_err(|why| format!("{}\n{why}\n{}", show_request(&request), show_answer(&answer)))
    }

    /// Sends the same request many times at once; the statuses count, and whether the answers are alike where the case says so.
    fn race(&self, exchange: &Exchange) -> Result<(), String> {
        let requests: Vec<_> = (1..=exchange.times).map(|i| self.request(exchange, i)).collect::<Result<_, _>>()?;
        let answers: Vec<_> = thread::scope(|scope| {
            let running: Vec<_> = requests.iter().map(|request| scope.spawn(|| self.send(exchange, request))).collect();
            running.into_iter().map(|one| one.join().map_err(|_| "a request panicked".to_owned())?).collect()
        });
        let answers = answers.into_iter().collect::<Result<Vec<Answer>, String>>()?;
        if exchange.expected.alike
            && let Some(other) = answers.iter().find(|answer| answer.body != answers[0].body)
        {
            return Err(format!("bodies differ:\n{}\n{}", show_answer(&answers[0]), show_answer(other)));
        }
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        let expected = &exchange.expected.statuses;
        let fits = expected
            .iter()
            .all(|(group, count)| statuses.iter().filter(|status| group.contains(status)).count() == *count);
        if fits && statuses.len() == expected.iter().map(|(_, count)| count).sum::<usize>() {
            return Ok(());
        }
        Err(format!("{}\nexpected statuses and counts {expected:?}, got {statuses:?}", show_request(&requests[0])))
    }

    fn send(&self, exchange: &Exchange, request: &Request) -> Result<Answer, String> {
        exchange::send(if exchange.admin { self.target.admin } else { self.target.api }, request)
            .map_err(|error: io::Error| format!("{}\nno answer: {error}", show_request(request)))
    }

    /// The server's own clock.
    fn now(&self) -> Result<i64, String> {
        let text = administer(self.target, "GET", "/dev/clock", "")?;
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        digits.parse().map_err(|_| format!("the server's clock says {text}"))
    }

    fn request(&self, exchange: &Exchange, i: usize) -> Result<Request, String> {
        let body = self.expand(&exchange.body, i)?;
        let posts = exchange.method == "POST";
        let mut headers = self.authentication(exchange)?;
        if posts {
            let kind = if exchange.admin { "application/json" } else { "application/x-www-form-urlencoded" };
            headers.push(("Content-Type".to_owned(), kind.into()));
        }
        if posts || !body.is_empty() {
            headers.push(("Content-Length".to_owned(), body.len().to_string().into()));
        }
        let defaults = headers.len();
        let mut waits = false;
        for header in &exchange.headers {
            let (RequestHeader::Send(name, _) | RequestHeader::Omit(name)) = header;
            if let Some(at) = headers.iter().take(defaults).position(|(own, _)| own.eq_ignore_ascii_case(name)) {
                headers[at].0.clear();
            }
            if let RequestHeader::Send(name, value) = header {
                waits |= name.eq_ignore_ascii_case("expect");
                headers.push((name.clone(), self.expand(value, i)?));
            }
        }
        let mut head = format!("{} ", exchange.method).into_bytes();
        head.extend(self.expand(&exchange.target, i)?);
        head.extend_from_slice(b" HTTP/1.1\r\n");
        for (name, value) in headers.iter().filter(|(name, _)| !name.is_empty()) {
            head.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        head.extend_from_slice(b"Connection: close\r\n\r\n");
        Ok(Request { method: exchange.method.clone(), head, body, waits })
    }

    /// The headers that say where a request goes and who asks.
    fn authentication(&self, exchange: &Exchange) -> Result<Vec<(String, Vec<u8>)>, String> {
        let (host, key, account) = if exchange.admin {
            (self.target.admin, Some(self.target.admin_token.clone()), None)
        } else {
            let caller = self.world.caller(&exchange.caller).ok_or_else(|| format!("no `{}` here", exchange.caller))?;
            (self.target.api, caller.key, caller.account)
        };
        let mut headers = vec![("Host".to_owned(), host.to_string().into())];
        headers.extend(key.map(|key| ("Authorization".to_owned(), format!("Bearer {key}").into_bytes())));
        headers.extend(account.map(|account| ("Stripe-Account".to_owned(), account.into_bytes())));
        Ok(headers)
    }

    fn check(
        &mut self,
        exchange: &Exchange,
        answer: &Answer,
        now: &RangeInclusive<i64>,
        i: usize,
    ) -> Result<(), String> {
        let expected = &exchange.expected;
        let status = expected.statuses[0].0[0];
        if answer.status != status {
            return Err(format!("expected status {status}, got {}", answer.status));
        }
        if expected.interim && !answer.interim {
            return Err("expected `100 Continue` first".to_owned());
        }
        let always = self.every.iter().filter(|every| every.method.as_ref().is_none_or(|own| *own == exchange.method));
        // What every answer of the contract carries, the admin listener's need not.
        for header in always.filter(|_| !exchange.admin).flat_map(|every| &every.headers) {
            if !overridden(expected, header) {
                self.header(header, answer, now, i)?;
            }
        }
        for header in &expected.headers {
            self.header(header, answer, now, i)?;
        }
        self.body(&expected.body, answer, now, i)?;
        for member in &expected.members {
            let pattern = squeeze(&self.expand(member, i)?);
            if !fit_within(&pattern, &squeeze(&answer.body), now, &mut self.captures) {
                return Err(format!("expected member {}", show(&pattern)));
            }
        }
        let whole = [show_answer(answer).into_bytes(), answer.body.clone()].concat();
        for (text, wanted) in
            expected.with.iter().map(|text| (text, true)).chain(expected.without.iter().map(|text| (text, false)))
        {
            let text = self.expand(text, i)?;
            if whole.windows(text.len()).any(|window| window == text) != wanted {
                return Err(format!("expected {} {}", if wanted { "with" } else { "without" }, show(&text)));
            }
        }
        Ok(())
    }

    fn header(
        &mut self,
        expected: &ExpectedHeader,
        answer: &Answer,
        now: &RangeInclusive<i64>,
        i: usize,
    ) -> Result<(), String> {
        match expected {
            ExpectedHeader::Present(name) if answer.values(name).next().is_none() => Err(format!("no header {name}")),
            ExpectedHeader::Absent(name) if answer.values(name).next().is_some() => Err(format!("a header {name}")),
            ExpectedHeader::Present(_) | ExpectedHeader::Absent(_) => Ok(()),
            ExpectedHeader::Value(name, value) => {
                let pattern = self.expand(value, i)?;
                let values: Vec<_> = answer.values(name).collect();
                let [own] = values.as_slice() else {
                    return Err(format!("expected one header {name}, got {values:?}"));
                };
                fit(&pattern, own.as_bytes(), now, &mut self.captures)
                    .map_err(|at| format!("header {name}:\n{}", show_mismatch(&pattern, own.as_bytes(), at)))
            }
        }
    }

    fn body(
        &mut self,
        expected: &ExpectedBody,
        answer: &Answer,
        now: &RangeInclusive<i64>,
        i: usize,
    ) -> Result<(), String> {
        let (pattern, actual) = match expected {
            ExpectedBody::Unchecked => return Ok(()),
            ExpectedBody::Exact(text) => (self.expand(text, i)?, answer.body.clone()),
            ExpectedBody::Json(text) => (squeeze(&self.expand(text, i)?), squeeze(&answer.body)),
            ExpectedBody::Error(error) => {
                let mut error = error.clone();
                error.message = self.text(&error.message, i)?;
                error.param = error.param.map(|param| self.text(&param, i)).transpose()?;
                (error.render(answer.status).into_bytes(), answer.body.clone())
            }
            ExpectedBody::Signature(text) => return self.signature(&self.expand(text, i)?, answer, now),
        };
        fit(&pattern, &actual, now, &mut self.captures)
            .map_err(|at| format!("body:\n{}", show_mismatch(&pattern, &actual, at)))
    }

    /// Whether two answers are alike in everything but what is new with every answer.
    fn same(&self, left: &str, right: &str) -> Result<(), String> {
        let answer = |name: &str| {
            let found = self.answers.iter().rev().find(|(own, _)| own == name).map(|(_, answer)| answer.clone());
            let mut answer = found.ok_or_else(|| format!("no step is named `{name}`"))?;
            let fresh = ["request-id", "date", "original-request", "idempotency-key"];
            answer.headers.retain(|(name, _)| !fresh.contains(&name.to_ascii_lowercase().as_str()));
            Ok::<_, String>(answer)
        };
        let (one, other) = (answer(left)?, answer(right)?);
        if one == other {
            return Ok(());
        }
        Err(format!("the answers of `{left}` and `{right}` differ:\n{}\n{}", show_answer(&one), show_answer(&other)))
    }
}

/// Whether an answer is held against the server's clock.
fn needs_now(expected: &Expected) -> bool {
    let body = match &expected.body {
        ExpectedBody::Unchecked | ExpectedBody::Error(_) => false,
        ExpectedBody::Exact(text) | ExpectedBody::Json(text) => text.contains("[now"),
        ExpectedBody::Signature(_) => true,
    };
    let members = expected.members.iter().any(|text| text.contains("[now"));
    body || members
        || expected
            .headers
            .iter()
            .any(|header| matches!(header, ExpectedHeader::Value(_, text) if text.contains("[now")))
}

/// Whether a case says something of its own about a header that every answer has.
fn overridden(expected: &Expected, header: &ExpectedHeader) -> bool {
    let name = |header: &ExpectedHeader| match header {
        ExpectedHeader::Value(name, _) | ExpectedHeader::Present(name) | ExpectedHeader::Absent(name) => {
            name.to_ascii_lowercase()
        }
    };
    expected.headers.iter().any(|own| name(own) == name(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(target: &Target) -> Session<'_> {
        let captures =
            Captures::from([("soon".to_owned(), b"100".to_vec()), ("json".to_owned(), b"{\"a\":1}".to_vec())]);
        Session { target, world: World::new(3), every: &[], captures, answers: Vec::new() }
    }

    fn target() -> Target {
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 1));
        Target { api: nowhere, admin: nowhere, admin_token: String::new() }
    }

    #[test]
    fn macros_expand() {
        let target = target();
        let session = session(&target);
        for (text, expected) in [
            ("plain {\"a\":{}}", Ok("plain {\"a\":{}}")),
            ("{{repeat:3:%F0}}.", Ok("%F0%F0%F0.")),
            ("{{i}}-{{soon}}-{{soon+5}}-{{soon-1}}", Ok("2-100-105-99")),
            ("{{account}}", Ok("acct_account0003")),
            ("{{byte:41}}", Ok("A")),
            ("{{basic:soon}}", Ok("MTAwOg==")),
            ("{{encode:json}}", Ok("%7B%22a%22%3A1%7D")),
            ("{{nonsense}}", Err("unknown macro `nonsense`")),
            ("{{account", Err("a macro without an end")),
        ] {
            assert_eq!(session.text(text, 2), expected.map(str::to_owned).map_err(str::to_owned), "{text}");
        }
    }

    #[test]
    fn a_case_s_headers_replace_the_defaults() {
        let target = target();
        let file =
            "case: x\nrules: 1.1\nas: backend\n> POST /x a=1\n> stripe-account: acct_other\n> !Content-Type\n< 200\n";
        let case = &crate::vector::parse("x", file).unwrap().cases[0];
        let What::Exchange(exchange) = &case.steps[0].what else { panic!("an exchange") };
        let request = session(&target).request(exchange, 1).unwrap();
        let head = String::from_utf8(request.head).unwrap();
        let key = World::new(3).variable("key:backend").unwrap();
        assert_eq!(
            head,
            format!(
                "POST /x HTTP/1.1\r\nHost: 127.0.0.1:1\r\nAuthorization: Bearer {key}\r\nContent-Length: 3\r\n\
                 stripe-account: acct_other\r\nConnection: close\r\n\r\n"
            )
        );
        assert_eq!(request.body, b"a=1");
    }
}
