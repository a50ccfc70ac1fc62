//! Webhook endpoints (contract 17.4). Whether a URL can be reached is for whoever delivers to judge.

use std::collections::BTreeSet;

use super::{OperatorError, account_of, entry, overlap_end};
use crate::directory::change::{AuditEntry, Change};
use crate::directory::decision::{Context, Decision, Drawn};
use crate::directory::endpoint::Endpoint;
use crate::directory::record::{Record, RecordName};
use crate::directory::secret::{RollableSecret, SigningSecret};
use crate::id::{AccountId, EndpointId};
use crate::limits::{GIVEN_SECRET_CHARS_MIN, SIGNING_SECRET_CHARS, WEBHOOK_ENDPOINTS_MAX};
use crate::livemode::Livemode;
use crate::time::Timestamp;

/// The events of an account's endpoint (contract 17.2).
pub const INSTALL_EVENTS: [&str; 5] = [
    "account.application.authorized",
    "account.application.deauthorized",
    "apps.install.created",
    "apps.install.deleted",
    "apps.install.updated",
];
/// The events of the operator's own endpoints.
pub const SECRET_EVENTS: [&str; 4] =
    ["cholla.secret.deleted", "cholla.secret.expired", "cholla.secret.expiring", "cholla.secret.set"];
/// What stands for all of them.
const ALL: &str = "*";
/// What an endpoint's secret begins with.
const SECRET_PREFIX: &str = "whsec_";

/// An endpoint, as the operator asks for it.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// Whose; absent: the operator's own, which hears of secrets.
    pub account: Option<AccountId>,
    /// Its mode.
    pub livemode: Livemode,
    /// Where to POST.
    pub url: String,
    /// Whether it gets the events of other accounts, or the account's own.
    pub connect: bool,
    /// The types that it wants; empty: all.
    pub events: BTreeSet<String>,
    /// Its secret, where it is given; otherwise it is drawn.
    pub secret: Option<SigningSecret>,
}

/// Creates an endpoint. Its secret is shown this once.
///
/// # Errors
/// When there is no such account, it has as many as it can have, an event type or the secret is illegal, or the operator's own is to have
/// events of other accounts.
pub fn create_endpoint(ctx: &Context<'_>, by: &str, new: NewEndpoint) -> Result<Decision<Endpoint>, OperatorError> {
    let NewEndpoint { account, livemode, url, connect, mut events, secret } = new;
    let known: &[&str] = if let Some(account) = &account {
        account_of(ctx.directory, account)?;
        &INSTALL_EVENTS
    } else {
        &SECRET_EVENTS
    };
    if connect && account.is_none() {
        return Err(OperatorError::ConnectNeedsAccount);
    }
    if events.is_empty() {
        events.insert(ALL.to_owned());
    }
    if events.iter().any(|kind| kind != ALL && !known.contains(&kind.as_str())) {
        return Err(OperatorError::EventUnknown);
    }
    let in_mode = |other: &&Endpoint| other.livemode == livemode;
    let beside = match &account {
        Some(account) => ctx.directory.endpoints_of(account).filter(in_mode).count(),
        None => ctx.directory.operator_endpoints().filter(in_mode).count(),
    };
    if beside >= WEBHOOK_ENDPOINTS_MAX {
        return Err(OperatorError::TooManyEndpoints);
    }
    let secret = match secret {
        Some(given) => checked_secret(given, SECRET_PREFIX)?,
        None => drawn_secret(ctx),
    };
    let id = EndpointId::draw(ctx.mint.entropy());
    let secret = RollableSecret::new(secret);
    let endpoint = Endpoint { id, account, livemode, url, connect, events, secret, created_at: ctx.now };
    let mut change = Change::default();
    change.put(Record::Endpoint(Box::new(endpoint.clone())));
    change.audit.push(endpoint_entry(ctx, by, "webhook.created", &endpoint));
    Ok(Decision { change, outcome: endpoint })
}

/// A secret that somebody gives is one that nobody guesses: whoever knows it can forge what it signs.
pub(super) fn checked_secret(secret: SigningSecret, prefix: &'static str) -> Result<SigningSecret, OperatorError> {
    let malformed = OperatorError::SigningSecretMalformed(prefix);
    let rest = secret.reveal().strip_prefix(prefix).filter(|rest| !rest.is_empty());
    let rest = rest.filter(|rest| rest.bytes().all(|byte| byte.is_ascii_graphic())).ok_or(malformed)?;
    if rest.len() < GIVEN_SECRET_CHARS_MIN {
        return Err(OperatorError::SecretTooShort(prefix, GIVEN_SECRET_CHARS_MIN));
    }
    Ok(secret)
}

fn drawn_secret(ctx: &Context<'_>) -> SigningSecret {
    SigningSecret::new(Drawn::draw(ctx.mint, SECRET_PREFIX, SIGNING_SECRET_CHARS).value.to_string())
}

/// An entry of the audit log about an endpoint: whose it is, on which host it is, and what it hears. Path and query stay out of the log,
/// which outlives the endpoint: they may hold what only its owner is to know.
pub fn endpoint_entry(ctx: &Context<'_>, by: &str, action: &str, endpoint: &Endpoint) -> AuditEntry {
    let (id, account) = (endpoint.id.to_string(), endpoint.account.as_ref().map_or("", AccountId::as_str));
    let events = endpoint.events.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let mode = endpoint.livemode.as_str();
    let subject =
        [("webhook", &*id), ("account", account), ("mode", mode), ("url", origin(&endpoint.url)), ("events", &*events)];
    entry(ctx, by, action, subject)
}

/// Scheme and host of a URL; empty where it has none.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(url.len(), |at| at + 3);
    let end = url[start..].find(['/', '?', '#', '@']).map_or(url.len(), |at| start + at);
    // What comes before `@` is no host but a name and a password.
    if url[end..].starts_with('@') || start == end { "" } else { &url[..end] }
}

/// Gives an endpoint another secret; deliveries are signed with both for `overlap_seconds` (contract 17.5). Answers the new one, which is
/// shown this once, and until when the old one counts.
///
/// # Errors
/// When there is no such endpoint, or the overlap is too long.
pub fn roll_endpoint_secret(
    ctx: &Context<'_>,
    by: &str,
    id: &EndpointId,
    overlap_seconds: i64,
) -> Result<Decision<(SigningSecret, Timestamp)>, OperatorError> {
    let mut endpoint = ctx.directory.endpoint(id).ok_or(OperatorError::NoEndpoint)?.clone();
    let until = overlap_end(ctx, overlap_seconds)?;
    let secret = drawn_secret(ctx);
    endpoint.secret = endpoint.secret.rolled(secret.clone(), until);
    let mut change = Change::default();
    change.audit.push(endpoint_entry(ctx, by, "webhook.secret_rolled", &endpoint));
    change.put(Record::Endpoint(Box::new(endpoint)));
    Ok(Decision { change, outcome: (secret, until) })
}

/// Deletes an endpoint; what is queued for it is not delivered any more.
///
/// # Errors
/// When there is no such endpoint.
pub fn delete_endpoint(ctx: &Context<'_>, by: &str, id: &EndpointId) -> Result<Decision<()>, OperatorError> {
    let endpoint = ctx.directory.endpoint(id).ok_or(OperatorError::NoEndpoint)?;
    let mut change = Change::default();
    change.remove(RecordName::Endpoint(*id));
    change.audit.push(endpoint_entry(ctx, by, "webhook.deleted", endpoint));
    Ok(Decision { change, outcome: () })
}
