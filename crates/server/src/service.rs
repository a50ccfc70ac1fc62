//! One request of the API, from its head to its answer, in the order of checks of contract section 6.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use cholla_domain::directory::CredentialHash;
use cholla_domain::id::RequestId;
use cholla_domain::limits::{HEADER_BYTES_MAX, HEADER_LINES_MAX, TARGET_BYTES_MAX};
use cholla_wire::error::ApiError;
use cholla_wire::{form, headers};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::{Body, Incoming};
use zeroize::Zeroizing;

use crate::api::{self, Call, Input, Route};
use crate::authenticate::authenticate;
use crate::header_names::STRIPE_VERSION;
use crate::keeper::KeepError;
use crate::metrics::Operation;
use crate::rate_limits::Whose;
use crate::receive::{awaits, drain, receive};
use crate::respond::{AnswerBody, Reply, preflight, respond};
use crate::state::Api;

/// Answers one request. Never fails: whatever happens becomes an answer.
pub(crate) async fn serve(api: &Api, request: Request<Incoming>) -> Response<AnswerBody> {
    let started = Instant::now();
    let id = RequestId::draw(&*api.ports.entropy);
    let (parts, body) = request.into_parts();
    if parts.method == Method::OPTIONS {
        let answer = preflight(api, parts, id);
        api.metrics.answered(Operation::Preflight, answer.status().as_u16(), started.elapsed());
        return answer;
    }
    let mut operation = Operation::None;
    let mut unread = None;
    let reply = {
        let mut answered = pin!(answer(api, &parts, body, (id, started), (&mut operation, &mut unread)));
        // A panic ends this request, not the connection's other streams: it is answered as 500 and counted.
        std::future::poll_fn(|context| {
            catch_unwind(AssertUnwindSafe(|| answered.as_mut().poll(context))).unwrap_or_else(|_| {
                api.metrics.panics.inc();
                tracing::error!(request.id = %id, "the handling of a request panicked");
                Poll::Ready(ApiError::internal().into())
            })
        })
        .await
    };
    let answer = respond(api, parts, id, reply);
    if let Some(body) = unread {
        // Only now, with the head gone: whoever has no key holds no memory for it.
        Box::pin(drain(body)).await;
    }
    tracing::debug!(request.id = %id, operation = ?operation, status = answer.status().as_u16(), "answered");
    api.metrics.answered(operation, answer.status().as_u16(), started.elapsed());
    answer
}

/// Refuses a request with `error`, whatever it asks for, as if it were refused for its head: dev mode's scripted faults.
pub(crate) async fn refuse(api: &Api, request: Request<Incoming>, error: ApiError) -> Response<AnswerBody> {
    let started = Instant::now();
    let id = RequestId::draw(&*api.ports.entropy);
    let (parts, body) = request.into_parts();
    let unread = awaits(&parts, &body).then_some(body);
    let answer = respond(api, parts, id, error.into());
    if let Some(body) = unread {
        drain(body).await;
    }
    api.metrics.answered(Operation::None, answer.status().as_u16(), started.elapsed());
    answer
}

/// What of a head its parameters need.
pub(crate) struct Head<'a> {
    method: form::Method,
    query: &'a str,
    content_type: Option<&'a [u8]>,
}

impl<'a> Head<'a> {
    /// That of a request.
    pub(crate) fn of(parts: &'a Parts) -> Self {
        Self {
            method: if parts.method == Method::POST { form::Method::Post } else { form::Method::Get },
            query: parts.uri.query().unwrap_or_default(),
            content_type: parts.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes),
        }
    }

    /// The parameters of head and body.
    pub(crate) fn input(&self, body: Zeroizing<Vec<u8>>) -> Input<'a> {
        Input { method: self.method, query: self.query, content_type: self.content_type, body }
    }
}

/// What is left of the body of a request that is refused for its head goes to `unread`.
async fn answer(
    api: &Api,
    parts: &Parts,
    body: Incoming,
    (id, started): (RequestId, Instant),
    (operation, unread): (&mut Operation, &mut Option<Incoming>),
) -> Reply {
    let route = api::route(&parts.method, parts.uri.path());
    if let Some(made_up) = &api.made_up {
        Box::pin(made_up.provide(api, &parts.headers)).await;
    }
    match route {
        Some(Route::Secrets(known)) => {
            answer_secrets(api, parts, body, (id, started), (Some(known), operation, unread)).await
        }
        None => answer_secrets(api, parts, body, (id, started), (None, operation, unread)).await,
        Some(Route::Installs(route)) => {
            *operation = route.operation();
            Box::pin(api::installs::serve(api, parts, body, (id, started), (route, unread))).await
        }
        Some(Route::OAuth(known)) => {
            *operation = known;
            Box::pin(api::oauth::serve(api, parts, body, (id, started), (known, unread))).await
        }
        Some(Route::Link(link)) => {
            *operation = Operation::Link;
            api::links::serve(api, parts, &link)
        }
        Some(Route::Consent) => {
            *operation = Operation::Link;
            Box::pin(api::consent(api, parts, body, id)).await
        }
    }
}

/// A request to the secrets, or to an URL that nobody knows.
async fn answer_secrets(
    api: &Api,
    parts: &Parts,
    body: Incoming,
    (id, started): (RequestId, Instant),
    (route, operation, unread): (Option<Operation>, &mut Operation, &mut Option<Incoming>),
) -> Reply {
    let mut now = api.now();
    let judged_at = api.keeper.shown();
    let checked = check_head(parts).and_then(|()| authenticate(api, &parts.headers, now)).and_then(|caller| {
        let namespace = &caller.principal.namespace;
        let app = caller.principal.app.as_ref();
        let whose = (app, &namespace.developer, &namespace.account, namespace.livemode);
        within_rate(api, &caller.credential, whose, started)?;
        check_version(parts)?;
        let known = route.ok_or_else(|| ApiError::unknown_url(parts.method.as_str(), parts.uri.path()))?;
        Ok((caller, known))
    });
    let (mut caller, known) = match checked {
        Ok(checked) => checked,
        Err(error) => return refuse_head(parts, body, error, unread),
    };
    *operation = known;
    let body = if body.is_end_stream() {
        Zeroizing::default()
    } else {
        let developer = &caller.principal.namespace.developer;
        let body = match Box::pin(receive(&api.large_bodies, developer, parts, body)).await {
            Ok(body) => body,
            Err(error) => return error.into(),
        };
        let arrived = api.now();
        if arrived != now || !api.keeper.still_shows(judged_at) {
            // What expires or ends is judged when the whole request is there: credential, secret and install may have on its way.
            now = arrived;
            caller = match authenticate(api, &parts.headers, now) {
                Ok(caller) => caller,
                Err(error) => return error.into(),
            };
        }
        body
    };
    let input = Head::of(parts).input(body);
    let _reset_waits = api.without_reset().await;
    let call = Call { id, now, caller: &caller, headers: &parts.headers };
    match known {
        Operation::Find => api::find(api, &call, input).await,
        // Boxed, like the body above: the future of a request is copied more than once, and a find need not carry their room.
        Operation::Set => Box::pin(api::set(api, &call, input)).await,
        Operation::List => Box::pin(api::list(api, &call, input)).await,
        Operation::Delete => Box::pin(api::delete(api, &call, input)).await,
        Operation::Sign => api::sign(api, &call, input),
        _ => ApiError::internal().into(),
    }
}

/// Refuses a request for its head; what is left of its body goes to `unread`.
pub(crate) fn refuse_head(parts: &Parts, body: Incoming, error: ApiError, unread: &mut Option<Incoming>) -> Reply {
    if awaits(parts, &body) {
        *unread = Some(body);
    }
    error.into()
}

/// Contract 6.27.
pub(crate) fn check_version(parts: &Parts) -> Result<(), ApiError> {
    headers::stripe_version(parts.headers.get(STRIPE_VERSION).map(http::HeaderValue::as_bytes)).map(|_| ())
}

/// What a client is told of a change that could not be committed, which is logged.
pub(crate) fn keep_failed(error: &KeepError, request: RequestId) -> ApiError {
    tracing::error!(request.id = %request, "{}", error.chain());
    match error {
        KeepError::Unavailable(_) => ApiError::unavailable(),
        KeepError::Corrupt => ApiError::internal(),
    }
}

/// The rate limits (contract 6.28), directly after authentication: they need to know who asks, and nothing else of the request.
pub(crate) fn within_rate(
    api: &Api,
    credential: &CredentialHash,
    whose: Whose<'_>,
    started: Instant,
) -> Result<(), ApiError> {
    let Some(limits) = &api.rate_limits else { return Ok(()) };
    limits.admit(credential, whose, started).map_err(|exceeded| {
        api.metrics.rate_limited(exceeded);
        exceeded.into()
    })
}

/// The limits of the head (contract 3.5). Far longer ones are refused by the HTTP stack before they come here.
pub(crate) fn check_head(parts: &Parts) -> Result<(), ApiError> {
    if parts.uri.path_and_query().map_or(0, |target| target.as_str().len()) > TARGET_BYTES_MAX {
        return Err(ApiError::target_too_long());
    }
    let bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let too_long = bytes > HEADER_BYTES_MAX || parts.headers.len() > HEADER_LINES_MAX;
    if too_long { Err(ApiError::headers_too_long()) } else { Ok(()) }
}
