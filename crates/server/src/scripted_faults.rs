//! Scripted faults of dev mode (`/dev/faults` on the admin listener): the next requests that match are refused, held back or cut off,
//! so that a developer sees what an app does about it.
//!
//! A fault meets a request before anything else is looked at, so that it works whatever the key and the parameters are, and preflights
//! never, because browsers send them on their own. Every request meets one fault at most, the first that matches.

use std::cell::LazyCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cholla_domain::id::AccountId;
use cholla_domain::limits::{FAULT_DELAY_MILLISECONDS_MAX, FAULT_REQUESTS_MAX, FAULTS_MAX};
use cholla_wire::error::ApiError;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::admin::AdminAnswer;
use crate::admin::json::{Unread, read as read_json};
use crate::authenticate::authenticate;
use crate::cut::Cut;
use crate::metrics::Operation;
use crate::rate_limits::Exceeded;
use crate::respond::AnswerBody;
use crate::state::Api;
use crate::{api, service};

/// What a body that is none is answered.
const USAGE: &str = "Send {\"faults\": [FAULT, …]}. A FAULT is {\"match\": {…}, \"next\": N} with exactly one of \"answer\": 429, 500 or \
                     503, \"delay_ms\": N, \"cut\": true and \"cut_body\": true; `match` takes `method`, `path`, `account` and \
                     `operation`.";

/// The faults that are left, in the order in which they were scripted.
#[derive(Debug, Default)]
pub(crate) struct ScriptedFaults {
    /// Whether there are any: what a request looks at.
    set: AtomicBool,
    faults: Mutex<Vec<Fault>>,
}

/// One fault.
#[derive(Debug)]
struct Fault {
    script: Script,
    effect: Effect,
}

/// The body of `POST /dev/faults`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptBody {
    faults: Vec<Script>,
}

/// A fault as it was sent, with `next` counting down.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(rename = "match", default)]
    wanted: Wanted,
    #[serde(default = "once")]
    next: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cut_body: Option<bool>,
}

fn once() -> u32 {
    1
}

/// Which requests a fault is for: those that have everything that is named.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<String>,
    /// What the path begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// The account that the request acts on. Only a request with a good key acts on one.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// As the metrics call it.
    #[serde(skip_serializing_if = "Option::is_none")]
    operation: Option<String>,
}

/// What a fault does to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    /// It is refused as it is where a rate limit is exceeded (contract 6.28), and not carried out.
    RateLimited,
    /// It is refused as it is by a defect (contract 6.31), and not carried out.
    Internal,
    /// It is refused as it is while the store is down (contract 6.30), and not carried out.
    Unavailable,
    /// It waits, and is then carried out.
    Delay(Duration),
    /// It is not carried out, and its connection is cut.
    Cut,
    /// It is carried out, and its connection is cut after half of the answer's body.
    CutBody,
}

/// A request as faults see it.
struct Seen<'a, A> {
    method: &'a Method,
    path: &'a str,
    operation: Operation,
    account: &'a LazyCell<Option<AccountId>, A>,
}

impl ScriptedFaults {
    /// Whether there are any.
    pub(crate) fn are_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    /// Forgets all of them. What has begun, such as a delay, goes on.
    pub(crate) fn clear(&self) {
        self.change(Vec::clear);
    }

    /// Answers `/dev/faults`: the faults that are left after what `method` does to them.
    pub(crate) fn answer(&self, method: &Method, body: &[u8]) -> AdminAnswer {
        match *method {
            Method::GET => {}
            Method::POST => self.add(read(body)?)?,
            Method::DELETE => self.clear(),
            _ => {
                return Err((StatusCode::METHOD_NOT_ALLOWED, "/dev/faults takes GET, POST and DELETE.".into()));
            }
        }
        let faults = self.lock();
        Ok(json!({ "faults": faults.iter().map(|fault| &fault.script).collect::<Vec<_>>() }))
    }

    /// Adds all of `more`, or none of them.
    fn add(&self, more: Vec<Fault>) -> Result<(), (StatusCode, String)> {
        self.change(|faults| {
            if faults.len() + more.len() > FAULTS_MAX {
                let message = format!("There can be {FAULTS_MAX} faults at a time. DELETE /dev/faults forgets them.");
                return Err((StatusCode::BAD_REQUEST, message));
            }
            faults.extend(more);
            Ok(())
        })
    }

    /// What happens to a request. The fault that it meets is for one request less then.
    fn strike<A: FnOnce() -> Option<AccountId>>(&self, seen: &Seen<'_, A>) -> Option<Effect> {
        self.change(|faults| {
            let index = faults.iter().position(|fault| fault.script.wanted.has(seen))?;
            let fault = &mut faults[index];
            let effect = fault.effect;
            fault.script.next = fault.script.next.saturating_sub(1);
            if fault.script.next == 0 {
                faults.remove(index);
            }
            Some(effect)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Fault>) -> T) -> T {
        let mut faults = self.lock();
        let changed = change(&mut faults);
        self.set.store(!faults.is_empty(), Ordering::Relaxed);
        changed
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Fault>> {
        // Whatever panicked while the lock was held has left whole faults behind.
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wanted {
    fn has<A: FnOnce() -> Option<AccountId>>(&self, seen: &Seen<'_, A>) -> bool {
        let is = |wanted: &Option<String>, holds: &dyn Fn(&str) -> bool| wanted.as_deref().is_none_or(holds);
        is(&self.method, &|method| method == seen.method.as_str())
            && is(&self.path, &|path| seen.path.starts_with(path))
            && is(&self.operation, &|operation| operation == seen.operation.label())
            && is(&self.account, &|account| seen.account.as_ref().is_some_and(|seen| seen.as_str() == account))
    }
}

/// Reads the body of `POST /dev/faults`. What is wrong is said without repeating any of it.
fn read(body: &[u8]) -> Result<Vec<Fault>, (StatusCode, String)> {
    let refuse = |message: String| (StatusCode::BAD_REQUEST, message);
    if let Err(repeated @ Unread::Repeated(_)) = read_json(body) {
        return Err(refuse(repeated.to_string()));
    }
    let read: ScriptBody = serde_json::from_slice(body)
        .map_err(|error| refuse(format!("Line {}, column {}: {USAGE}", error.line(), error.column())))?;
    let faults = read.faults.into_iter().enumerate().map(|(index, script)| {
        let effect = effect(&script).map_err(|message| refuse(format!("faults[{index}]: {message}")))?;
        Ok(Fault { script, effect })
    });
    faults.collect()
}

/// Checks a fault, and says what it does.
fn effect(script: &Script) -> Result<Effect, String> {
    if !(1..=FAULT_REQUESTS_MAX).contains(&script.next) {
        return Err(format!("`next` is a number of requests from 1 to {FAULT_REQUESTS_MAX}."));
    }
    if script.wanted.operation.as_deref().is_some_and(|label| Operation::labelled(label).is_none()) {
        return Err("`operation` is one that the metrics know, such as set, list, find or delete.".into());
    }
    match (script.answer, script.delay_ms, script.cut, script.cut_body) {
        (Some(429), None, None, None) => Ok(Effect::RateLimited),
        (Some(500), None, None, None) => Ok(Effect::Internal),
        (Some(503), None, None, None) => Ok(Effect::Unavailable),
        (None, Some(milliseconds @ 1..=FAULT_DELAY_MILLISECONDS_MAX), None, None) => {
            Ok(Effect::Delay(Duration::from_millis(milliseconds)))
        }
        (None, None, Some(true), None) => Ok(Effect::Cut),
        (None, None, None, Some(true)) => Ok(Effect::CutBody),
        (Some(_), None, None, None) => Err("`answer` is 429, 500 or 503.".into()),
        (None, Some(_), None, None) => {
            Err(format!("`delay_ms` is a number of milliseconds from 1 to {FAULT_DELAY_MILLISECONDS_MAX}."))
        }
        _ => Err("it takes exactly one of `answer`, `delay_ms`, `cut`: true and `cut_body`: true.".into()),
    }
}

/// Answers one request while faults are set.
pub(crate) async fn serve(api: &Api, faults: &ScriptedFaults, request: Request<Incoming>) -> Response<AnswerBody> {
    let Some(effect) = met(api, faults, &request) else { return service::serve(api, request).await };
    tracing::info!(?effect, "a scripted fault met a request");
    match effect {
        Effect::RateLimited => service::refuse(api, request, Exceeded::Account.into()).await,
        Effect::Internal => service::refuse(api, request, ApiError::internal()).await,
        Effect::Unavailable => service::refuse(api, request, ApiError::unavailable()).await,
        Effect::Delay(delay) => {
            tokio::time::sleep(delay).await;
            service::serve(api, request).await
        }
        Effect::Cut => cut(Response::default(), Cut::BeforeHead),
        Effect::CutBody => cut(service::serve(api, request).await, Cut::AfterHalf),
    }
}

/// What the faults do to `request`.
fn met(api: &Api, faults: &ScriptedFaults, request: &Request<Incoming>) -> Option<Effect> {
    if request.method() == Method::OPTIONS {
        return None;
    }
    let account = || {
        let caller = authenticate(api, request.headers(), api.now()).ok()?;
        Some(caller.principal.namespace.account)
    };
    let (method, path) = (request.method(), request.uri().path());
    let operation = api::route(method, path).map_or(Operation::None, |route| route.operation());
    faults.strike(&Seen { method, path, operation, account: &LazyCell::new(account) })
}

fn cut(mut answer: Response<AnswerBody>, cut: Cut) -> Response<AnswerBody> {
    answer.extensions_mut().insert(cut);
    answer
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// What each request meets: `METHOD PATH` and the account that it acts on.
    fn check(faults: &str, requests: &[(&str, &str, Option<Effect>)]) {
        let scripted = ScriptedFaults::default();
        scripted.answer(&Method::POST, faults.as_bytes()).unwrap();
        for (index, (request, account, expected)) in requests.iter().enumerate() {
            assert_eq!(strike(&scripted, request, account), *expected, "request {index}: {request} on {account:?}");
        }
        assert!(!scripted.are_set(), "all have met their requests");
    }

    fn strike(scripted: &ScriptedFaults, request: &str, account: &str) -> Option<Effect> {
        let (method, path) = request.split_once(' ').unwrap();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let operation = api::route(&method, path).map_or(Operation::None, |route| route.operation());
        let account = LazyCell::new(|| (!account.is_empty()).then(|| AccountId::new(account)));
        scripted.strike(&Seen { method: &method, path, operation, account: &account })
    }

    #[test]
    fn a_fault_is_for_as_many_requests_as_it_says() {
        const SET: &str = "POST /v1/apps/secrets";
        let limited = Some(Effect::RateLimited);
        check(r#"{"faults": [{"answer": 429}]}"#, &[(SET, "", limited), (SET, "", None)]);
        let twice = r#"{"faults": [{"match": {"path": "/v1/"}, "next": 2, "answer": 429}]}"#;
        check(twice, &[(SET, "", limited), ("GET /", "", None), (SET, "", limited), (SET, "", None)]);
        let in_turn = r#"{"faults": [{"answer": 429}, {"cut": true}, {"answer": 503}]}"#;
        let met = [(SET, "", limited), (SET, "", Some(Effect::Cut)), (SET, "", Some(Effect::Unavailable))];
        check(in_turn, &met);
    }

    #[test]
    fn a_fault_is_for_the_requests_that_have_all_it_names() {
        const SET: &str = "POST /v1/apps/secrets";
        const FIND: &str = "GET /v1/apps/secrets/find";
        let hit = Some(Effect::Internal);
        for (wanted, requests) in [
            (r#""method": "POST""#, [(FIND, "", None), (SET, "", hit)]),
            (r#""path": "/v1/apps/secrets/""#, [(SET, "", None), (FIND, "", hit)]),
            (r#""operation": "find""#, [(SET, "", None), (FIND, "", hit)]),
            (r#""operation": "none""#, [(SET, "", None), ("GET /v1/unknown", "", hit)]),
            (r#""account": "acct_a""#, [(SET, "acct_b", None), (SET, "acct_a", hit)]),
            (r#""account": "acct_a""#, [(SET, "", None), (FIND, "acct_a", hit)]),
            (r#""account": "acct_a", "method": "POST""#, [(FIND, "acct_a", None), (SET, "acct_a", hit)]),
            ("", [(FIND, "", hit), (SET, "", None)]),
        ] {
            check(&format!(r#"{{"faults": [{{"match": {{{wanted}}}, "answer": 500}}]}}"#), &requests);
        }
    }

    #[test]
    fn what_a_fault_can_be() {
        let effect = |fault: &str| {
            let read = read(format!(r#"{{"faults": [{fault}]}}"#).as_bytes()).map_err(|(_, message)| message)?;
            Ok::<_, String>(read[0].effect)
        };
        for (fault, expected) in [
            (r#"{"answer": 429}"#, Effect::RateLimited),
            (r#"{"answer": 500}"#, Effect::Internal),
            (r#"{"answer": 503, "next": 1000000}"#, Effect::Unavailable),
            (r#"{"delay_ms": 1}"#, Effect::Delay(Duration::from_millis(1))),
            (r#"{"delay_ms": 60000}"#, Effect::Delay(Duration::from_mins(1))),
            (r#"{"cut": true}"#, Effect::Cut),
            (r#"{"cut_body": true}"#, Effect::CutBody),
        ] {
            assert_eq!(effect(fault), Ok(expected), "{fault}");
        }
        for (fault, expected) in [
            ("{}", "faults[0]: it takes exactly one"),
            (r#"{"cut": false}"#, "faults[0]: it takes exactly one"),
            (r#"{"cut": true, "cut_body": true}"#, "faults[0]: it takes exactly one"),
            (r#"{"answer": 429, "delay_ms": 5}"#, "faults[0]: it takes exactly one"),
            (r#"{"answer": 404}"#, "faults[0]: `answer` is 429, 500 or 503."),
            (r#"{"delay_ms": 0}"#, "faults[0]: `delay_ms` is a number of milliseconds from 1 to 60000."),
            (r#"{"delay_ms": 60001}"#, "faults[0]: `delay_ms` is a number of milliseconds from 1 to 60000."),
            (r#"{"answer": 429, "next": 0}"#, "faults[0]: `next` is a number of requests from 1 to 1000000."),
            (r#"{"answer": 429, "next": 1000001}"#, "faults[0]: `next` is a number of requests from 1 to 1000000."),
            (r#"{"answer": 429, "match": {"operation": "hunter2"}}"#, "faults[0]: `operation` is one that"),
            (r#"{"answer": 429}, {"answer": 1}"#, "faults[1]: `answer` is 429, 500 or 503."),
            (r#"{"answer": 429, "times": 2}"#, "Line 1, column"),
            (r#"{"answer": 429, "match": {"host": "hunter2"}}"#, "Line 1, column"),
            (r#"{"answer": "429"}"#, "Line 1, column"),
            ("]", "Line 1, column"),
        ] {
            let message = effect(fault).unwrap_err();
            assert!(message.starts_with(expected) && !message.contains("hunter2"), "{fault}: {message}");
        }
    }

    #[test]
    fn faults_are_listed_with_what_is_left_and_cleared() {
        let scripted = ScriptedFaults::default();
        let listed = |method: Method, body: &str| scripted.answer(&method, body.as_bytes()).map_err(|error| error.0);
        let two = json!({"faults": [
            {"match": {"method": "POST", "account": "acct_a"}, "next": 2, "delay_ms": 5},
            {"match": {}, "next": 1, "cut_body": true},
        ]});
        assert_eq!(listed(Method::POST, &two.to_string()), Ok(two.clone()));
        assert_eq!(strike(&scripted, "POST /", "acct_a"), Some(Effect::Delay(Duration::from_millis(5))));
        let mut left = two;
        left["faults"][0]["next"] = json!(1);
        assert_eq!(listed(Method::GET, ""), Ok(left));
        assert_eq!(listed(Method::PUT, ""), Err(StatusCode::METHOD_NOT_ALLOWED));
        assert_eq!(listed(Method::DELETE, ""), Ok(json!({"faults": []})));
        assert!(!scripted.are_set());
    }

    #[test]
    fn there_are_so_many_at_a_time() {
        let scripted = ScriptedFaults::default();
        let add = |count| {
            let body = json!({"faults": vec![json!({"answer": 429}); count]}).to_string();
            scripted.answer(&Method::POST, body.as_bytes()).is_ok()
        };
        assert!(!add(FAULTS_MAX + 1) && !scripted.are_set());
        assert!(add(FAULTS_MAX - 1) && !add(2) && add(1) && !add(1));
    }

    /// Eight threads ask at once, until all has been met.
    #[test]
    fn concurrent_requests_are_counted_one_by_one() {
        let scripted = Arc::new(ScriptedFaults::default());
        scripted.answer(&Method::POST, br#"{"faults": [{"next": 1000, "answer": 500}]}"#).unwrap();
        let ask = || {
            let scripted = Arc::clone(&scripted);
            std::thread::spawn(move || (0..250).filter(|_| strike(&scripted, "GET /", "").is_some()).count())
        };
        let threads: Vec<_> = (0..8).map(|_| ask()).collect();
        let met: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        assert_eq!(met, 1_000);
    }
}
