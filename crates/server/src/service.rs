//! One request of the API, from its head to its answer, in the order of checks of contract section 6.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;
use std::time::Instant;

use cholla_domain::id::RequestId;
use cholla_domain::limits::{HEADER_BYTES_MAX, HEADER_LINES_MAX, TARGET_BYTES_MAX};
use cholla_wire::error::ApiError;
use cholla_wire::{form, headers};
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Request, Response};
use hyper::body::{Body, Incoming};
use zeroize::Zeroizing;

use crate::api::{self, Call, Input};
use crate::authenticate::authenticate;
use crate::header_names::STRIPE_VERSION;
use crate::metrics::Operation;
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
        let mut answered = pin!(answer(api, &parts, body, id, (&mut operation, &mut unread)));
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

/// What is left of the body of a request that is refused for its head goes to `unread`.
async fn answer(
    api: &Api,
    parts: &Parts,
    body: Incoming,
    id: RequestId,
    (operation, unread): (&mut Operation, &mut Option<Incoming>),
) -> Reply {
    let mut now = api.now();
    let checked = check_head(parts).and_then(|()| authenticate(api, &parts.headers, now)).and_then(|caller| {
        headers::stripe_version(parts.headers.get(STRIPE_VERSION).map(http::HeaderValue::as_bytes))?;
        let known = api::route(&parts.method, parts.uri.path());
        let known = known.ok_or_else(|| ApiError::unknown_url(parts.method.as_str(), parts.uri.path()))?;
        Ok((caller, known))
    });
    let (mut caller, known) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            if awaits(parts, &body) {
                *unread = Some(body);
            }
            return error.into();
        }
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
        if arrived != now {
            // What expires is judged when the whole request is there: credential and secret may have expired on its way.
            now = arrived;
            caller = match authenticate(api, &parts.headers, now) {
                Ok(caller) => caller,
                Err(error) => return error.into(),
            };
        }
        body
    };
    let method = if parts.method == Method::POST { form::Method::Post } else { form::Method::Get };
    let content_type = parts.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
    let query = parts.uri.query().unwrap_or_default();
    let input = Input { method, query, content_type, body };
    let _reset_waits = api.without_reset().await;
    let call = Call { id, now, caller: &caller, headers: &parts.headers };
    match known {
        Operation::Find => api::find(api, &call, input).await,
        // Boxed, like the body above: the future of a request is copied more than once, and a find need not carry their room.
        Operation::Set => Box::pin(api::set(api, &call, input)).await,
        Operation::List => Box::pin(api::list(api, &call, input)).await,
        Operation::Delete => Box::pin(api::delete(api, &call, input)).await,
        Operation::Sign => api::sign(api, &call, input),
        Operation::Preflight | Operation::None => ApiError::internal().into(),
    }
}

/// The limits of the head (contract 3.5). Far longer ones are refused by the HTTP stack before they come here.
fn check_head(parts: &Parts) -> Result<(), ApiError> {
    if parts.uri.path_and_query().map_or(0, |target| target.as_str().len()) > TARGET_BYTES_MAX {
        return Err(ApiError::target_too_long());
    }
    let bytes: usize = parts.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
    let too_long = bytes > HEADER_BYTES_MAX || parts.headers.len() > HEADER_LINES_MAX;
    if too_long { Err(ApiError::headers_too_long()) } else { Ok(()) }
}
