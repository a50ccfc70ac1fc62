//! What there is: scopes with their secrets, by account or by app. Never a payload.
//!
//! Names and users are sealed with the payloads, so each record is opened through its namespace's key; the payload is wiped unseen.

use std::collections::HashMap;
use std::sync::Arc;

use cholla_domain::id::AccountId;
use cholla_domain::limits::INVENTORY_SCOPES_SEEN_MAX;
use cholla_domain::operator::{OperatorError, app_named, namespaces_of_app, namespaces_on};
use cholla_domain::place::{Namespace, Scope};
use cholla_domain::ports::{Inventory, NamespaceCipher};
use cholla_domain::tag::{NamespaceTag, ScopeTag};
use cholla_domain::time::Timestamp;
use cholla_wire::error::ApiError;
use http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call};
use super::failure::Failure;
use super::route::{AFTER, Gives, Kind, LIMIT, MODES, Outcome, Route, Shape, member};

/// What the ids of scopes begin with.
const PREFIX: &str = "scope_";

const SECRET: Shape = Shape {
    name: "inventory_secret",
    about: "A secret, without its payload.",
    extends: None,
    members: &[
        member("id", Kind::Text, "Its id."),
        member("name", Kind::Text, "Its name."),
        member("created", Kind::Time, "When it was created."),
        member("age_days", Kind::Integer, "Days since then."),
        member("expires_at", Kind::Time, "When it expires.").nullable(),
        member("last_read", Kind::Text, "The day on which its payload was last found or listed, such as `2026-09-30`.")
            .nullable(),
        member("payload_bytes", Kind::Integer, "How long its payload is."),
    ],
};

const SCOPE: Shape = Shape {
    name: "inventory_scope",
    about: "A scope with its live secrets.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["inventory_scope"]), "Always `inventory_scope`."),
        member("id", Kind::Text, "Marks its place in the list."),
        member("developer", Kind::Text, "The developer whose apps share it."),
        member("account", Kind::Text, "The account."),
        member("mode", MODES, "The mode."),
        member(
            "installs",
            Kind::Texts,
            "The installs that reach it; none within the grace period, and none on the developer's own account.",
        ),
        member("type", Kind::Word(&["account", "user"]), "Whose: the whole account's, or a user's."),
        member("user", Kind::Text, "The user.").nullable(),
        member("secrets", Kind::Objects(&SECRET), "Its secrets, the newest first."),
    ],
};

pub(super) const ROUTES: &[Route] = &[Route {
    name: "inventory.list",
    method: Method::GET,
    path: "/v1/inventory",
    about: "The scopes of an account, or of an app, with their secrets: names, ages, expiries, sizes, never payloads. Every call is in the \
            audit log. Where a page looked into many scopes without finding what was asked for it may be short, or empty: go on at `next`.",
    takes: &[
        member("account", Kind::Text, "What every developer's apps keep on this account."),
        member("app", Kind::Text, "What the apps of this app's developer keep, wherever it is installed."),
        member("expiring_within", Kind::Span, "Only secrets that expire within this time, such as `7d`."),
        LIMIT,
        AFTER,
    ],
    gives: Gives::Page(&SCOPE),
    answer: |call| Box::pin(list(call)),
}];

/// Where a page goes on.
#[derive(Clone, Copy)]
struct Place {
    namespace: NamespaceTag,
    scope: ScopeTag,
}

impl Place {
    fn id(self) -> String {
        let number = |tag: &[u8; 16]| u128::from_be_bytes(*tag);
        format!("{PREFIX}{:032x}{:032x}", number(self.namespace.as_bytes()), number(self.scope.as_bytes()))
    }

    fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 64 && digits.is_ascii())?;
        let (namespace, scope) = digits.split_at(32);
        let tag = |digits| u128::from_str_radix(digits, 16).ok().map(u128::to_be_bytes);
        Some(Self { namespace: NamespaceTag::from_bytes(tag(namespace)?), scope: ScopeTag::from_bytes(tag(scope)?) })
    }
}

/// What is listed, and what the audit log says of it.
fn asked(call: &Call) -> Result<(Vec<Namespace>, (String, String)), Failure> {
    call.read(|directory| match (call.given.text("account"), call.given.text("app")) {
        (Some(account), None) => {
            let id = AccountId::new(account);
            if directory.account(&id).is_none() {
                return Err(OperatorError::NoAccount(id).into());
            }
            Ok((namespaces_on(directory, &id), ("account".to_owned(), id.as_str().to_owned())))
        }
        (None, Some(app)) => {
            let app = app_named(directory, app)?;
            Ok((namespaces_of_app(directory, &app.id), ("app".to_owned(), app.id.as_str().to_owned())))
        }
        (None, None) => Err(ApiError::parameter_missing("account").into()),
        (Some(_), Some(_)) => Err(Failure::refused("app", "Give `account` or `app`, not both.")),
    })
}

async fn list(call: &Call) -> Outcome {
    let (namespaces, subject) = asked(call)?;
    let instance = &call.admin.api.instance;
    let after = call.given.text("starting_after").map(|text| Place::parse(text).ok_or_else(Failure::unknown_cursor));
    let mut after = after.transpose()?;
    call.audit("inventory.read", vec![subject]).await?;
    let tagged = namespaces.into_iter().map(|namespace| (instance.namespace_tag(&namespace), namespace));
    let mut tagged: Vec<_> = tagged.collect();
    if let Some(place) = after {
        let start = tagged.iter().position(|(tag, _)| *tag == place.namespace).ok_or_else(Failure::unknown_cursor)?;
        tagged.drain(..start);
    }
    let (mut data, mut seen, mut last) = (Vec::new(), 0, None);
    for (tag, namespace) in &tagged {
        let Some(cipher) = call.admin.api.ports.keys.find(namespace).await? else { continue };
        let installs = installs(call, namespace);
        let mut from = after.take().filter(|place| place.namespace == *tag).map(|place| place.scope);
        loop {
            let scopes = call.admin.store.scopes(*tag, from, call.given.limit()).await?;
            if scopes.is_empty() {
                break;
            }
            for scope in scopes {
                if data.len() == call.given.limit() || seen == INVENTORY_SCOPES_SEEN_MAX {
                    return Ok(Answer::Page(data, true, last.map(Place::id)));
                }
                let place = Place { namespace: *tag, scope };
                (seen, last, from) = (seen + 1, Some(place), Some(scope));
                data.extend(one(call, &cipher, namespace, place, &installs).await?);
            }
        }
    }
    Ok(Answer::Page(data, false, None))
}

/// The installs that reach a namespace.
fn installs(call: &Call, namespace: &Namespace) -> Vec<String> {
    let (developer, account) = (&namespace.developer, &namespace.account);
    call.read(|directory| {
        directory
            .installs_between(developer, account, namespace.livemode)
            .map(|install| install.id.to_string())
            .collect()
    })
}

/// One scope; nothing where it has no secret that is asked for.
async fn one(
    call: &Call,
    cipher: &Arc<dyn NamespaceCipher>,
    namespace: &Namespace,
    place: Place,
    installs: &[String],
) -> Result<Option<Value>, Failure> {
    let reads = &call.admin.api.reads;
    let stored = call.admin.store.secrets(place.scope, call.now).await?;
    // Asked for in this order: what is written down meanwhile is in both.
    let just: Vec<Option<u32>> = stored.iter().map(|own| reads.day(own)).collect();
    let days: HashMap<_, _> = call.admin.store.read_days(place.scope).await?.into_iter().collect();
    let horizon = call.given.number("expiring_within").map(|seconds| call.now.plus(seconds));
    let (mut user, mut secrets) = (None, Vec::new());
    for (own, just) in stored.into_iter().zip(just) {
        let expires_at = own.header.expires_at;
        if horizon.is_some_and(|horizon| expires_at.is_none_or(|at| at > horizon)) {
            continue;
        }
        let opened = cipher.open(&own)?;
        if let Scope::User(id) = &opened.scope {
            user = Some(id.as_str().to_owned());
        }
        secrets.push(json!({
            "id": own.header.id.to_string(),
            "name": opened.name.as_str(),
            "created": own.header.created_at.as_unix(),
            "age_days": (call.now.as_unix() - own.header.created_at.as_unix()).max(0) / 86_400,
            "expires_at": expires_at.map(Timestamp::as_unix),
            "last_read": just.max(days.get(&own.name).copied()).and_then(date),
            "payload_bytes": opened.payload.byte_length(),
        }));
    }
    Ok((!secrets.is_empty()).then(|| {
        json!({
            "object": "inventory_scope",
            "id": place.id(),
            "developer": namespace.developer.as_str(),
            "account": namespace.account.as_str(),
            "mode": namespace.livemode.as_str(),
            "installs": installs,
            "type": if user.is_some() { "user" } else { "account" },
            "user": user,
            "secrets": secrets,
        })
    }))
}

/// A day since 1970 as people write it.
fn date(day: u32) -> Option<String> {
    let moment = time::OffsetDateTime::from_unix_timestamp(i64::from(day) * 86_400).ok()?;
    Some(moment.date().to_string())
}
