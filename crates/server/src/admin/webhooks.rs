//! Webhook endpoints, and the deliveries to them (contract 17.4 to 17.6).

use std::collections::HashMap;
use std::net::IpAddr;

use cholla_domain::directory::endpoint::Endpoint;
use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::id::{AccountId, EndpointId, EventId};
use cholla_domain::operator::{NewEndpoint, OperatorError, create_endpoint, delete_endpoint, roll_endpoint_secret};
use cholla_domain::ports::{Delivery, DeliveryState, Outbox};
use cholla_domain::tag::RecordTag;
use http::Method;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};

use super::call::{Answer, Call, cursor, page};
use super::failure::Failure;
use super::route::{AFTER, Gives, Kind, LIMIT, MODE, MODES, OVERLAP, Outcome, Route, Shape, member};
use crate::webhooks::target::Target;

const WEBHOOK: Shape = Shape {
    name: "webhook",
    about: "A webhook endpoint of an account, or of the operator.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["webhook"]), "Always `webhook`."),
        member("id", Kind::Text, "Its id."),
        member("account", Kind::Text, "Whose; null for the operator's own, which hears of secrets.").nullable(),
        member("mode", MODES, "Its mode."),
        member("url", Kind::Text, "Where to POST."),
        member("connect", Kind::Flag, "Whether it gets the events of other accounts, or the account's own."),
        member("events", Kind::Texts, "The types that it wants; `*` is all."),
        member("created", Kind::Time, "When it was created."),
    ],
};

const WEBHOOK_SHOWN: Shape = Shape {
    name: "webhook_shown",
    about: "An endpoint with its secret, shown this once.",
    extends: Some(&WEBHOOK),
    members: &[member("secret", Kind::Text, "Signs the deliveries.")],
};

const ROLLED: Shape = Shape {
    name: "webhook_secret",
    about: "The secret of an endpoint, shown this once.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["webhook_secret"]), "Always `webhook_secret`."),
        member("webhook", Kind::Text, "The endpoint."),
        member("secret", Kind::Text, "The new one."),
        member("previous_counts_until", Kind::Time, "Until then deliveries are signed with the old one, too."),
    ],
};

const DELETED: Shape = Shape {
    name: "webhook_deleted",
    about: "An endpoint that was deleted.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["webhook"]), "Always `webhook`."),
        member("id", Kind::Text, "Its id."),
        member("deleted", Kind::Flag, "Always true."),
    ],
};

const DELIVERY: Shape = Shape {
    name: "delivery",
    about: "One event to one endpoint.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["delivery"]), "Always `delivery`."),
        member("event", Kind::Text, "The event's id."),
        member("webhook", Kind::Text, "The endpoint; null once it is deleted.").nullable(),
        member("status", Kind::Word(&["delivered", "failed", "pending"]), "How it stands."),
        member("attempts", Kind::Integer, "Tries made."),
        member("queued", Kind::Time, "When it was queued."),
        member("due", Kind::Time, "When it is to be tried next; when it was settled, once it is."),
    ],
};

const RESENT: Shape = Shape {
    name: "delivery_resent",
    about: "A delivery that is to be made again.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["delivery"]), "Always `delivery`."),
        member("event", Kind::Text, "The event's id."),
        member("webhook", Kind::Text, "The endpoint."),
        member("status", Kind::Word(&["pending"]), "Always `pending`."),
    ],
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        name: "webhooks.list",
        method: Method::GET,
        path: "/v1/webhooks",
        about: "Webhook endpoints, in the order of their ids.",
        takes: &[
            member("account", Kind::Text, "Only those of this account."),
            member("mode", MODES, "Only those of this mode."),
            LIMIT,
            AFTER,
        ],
        gives: Gives::Page(&WEBHOOK),
        answer: |call| Box::pin(async { list(call) }),
    },
    Route {
        name: "webhooks.create",
        method: Method::POST,
        path: "/v1/webhooks",
        about: "Creates an endpoint. Its secret is shown this once; if the answer is lost, delete the endpoint and create another.",
        takes: &[
            member(
                "account",
                Kind::Text,
                "Whose: it hears of installs. The operator's own, which hears of secrets, where absent.",
            ),
            MODE,
            member("url", Kind::Text, "Where to POST.").required(),
            member("connect", Kind::Flag, "Events of accounts that installed the account's apps (true), or its own."),
            member("events", Kind::Texts, "The types that it wants; all where absent."),
            member("secret", Kind::Text, "Its secret, `whsec_…`; drawn where absent."),
        ],
        gives: Gives::One(&WEBHOOK_SHOWN),
        answer: |call| Box::pin(create(call)),
    },
    Route {
        name: "webhooks.show",
        method: Method::GET,
        path: "/v1/webhooks/{webhook}",
        about: "One endpoint.",
        takes: &[],
        gives: Gives::One(&WEBHOOK),
        answer: |call| Box::pin(async { show(call) }),
    },
    Route {
        name: "webhooks.roll_secret",
        method: Method::POST,
        path: "/v1/webhooks/{webhook}/roll",
        about: "Gives an endpoint another secret, shown this once. During the overlap deliveries are signed with both (contract 17.5).",
        takes: &[OVERLAP],
        gives: Gives::One(&ROLLED),
        answer: |call| Box::pin(roll(call)),
    },
    Route {
        name: "webhooks.delete",
        method: Method::DELETE,
        path: "/v1/webhooks/{webhook}",
        about: "Deletes an endpoint. What is queued for it is not delivered any more.",
        takes: &[],
        gives: Gives::One(&DELETED),
        answer: |call| Box::pin(delete(call)),
    },
    Route {
        name: "deliveries.list",
        method: Method::GET,
        path: "/v1/deliveries",
        about: "Deliveries in any state, the newest first; or all those of one event.",
        takes: &[member("event", Kind::Text, "Only those of this event."), LIMIT, AFTER],
        gives: Gives::Page(&DELIVERY),
        answer: |call| Box::pin(deliveries(call)),
    },
    Route {
        name: "deliveries.resend",
        method: Method::POST,
        path: "/v1/deliveries/resend",
        about: "Makes a delivery again, as often as a new one, until the endpoint takes it.",
        takes: &[
            member("event", Kind::Text, "The event's id.").required(),
            member("webhook", Kind::Text, "The endpoint.").required(),
        ],
        gives: Gives::One(&RESENT),
        answer: |call| Box::pin(resend(call)),
    },
];

fn webhook(endpoint: &Endpoint) -> Value {
    json!({
        "object": "webhook",
        "id": endpoint.id.to_string(),
        "account": endpoint.account.as_ref().map(AccountId::as_str),
        "mode": endpoint.livemode.as_str(),
        "url": endpoint.url,
        "connect": endpoint.connect,
        "events": endpoint.events,
        "created": endpoint.created_at.as_unix(),
    })
}

fn endpoint_id(text: &str) -> Result<EndpointId, Failure> {
    EndpointId::parse(text).ok_or_else(|| OperatorError::NoEndpoint.into())
}

fn list(call: &Call) -> Outcome {
    let (account, mode) = (call.given.text("account").map(AccountId::new), call.given.mode_asked());
    call.read(|directory| {
        let is_meant = |own: &&Endpoint| {
            (account.is_none() || own.account == account) && mode.is_none_or(|mode| mode == own.livemode)
        };
        let after = cursor(&call.given, |id| directory.endpoint(&EndpointId::parse(id)?).filter(is_meant))?;
        let all: Box<dyn Iterator<Item = &Endpoint>> = match &account {
            Some(account) => Box::new(directory.endpoints_of(account)),
            None => Box::new(directory.endpoints()),
        };
        Ok(page(all.filter(is_meant), |own| own.id, after, &call.given, webhook))
    })
}

fn show(call: &Call) -> Outcome {
    let id = endpoint_id(call.named(0))?;
    call.read(|directory| Ok(Answer::One(webhook(directory.endpoint(&id).ok_or(OperatorError::NoEndpoint)?))))
}

/// What can be told of a URL without going there. Whether its addresses may be reached is judged at each delivery.
fn check_url(call: &Call, url: &str) -> Result<(), Failure> {
    let target = Target::parse(url).map_err(|error| Failure::refused("url", format!("{error}.")))?;
    let reach = &call.admin.webhook_reach;
    if !target.tls && !reach.allows_plain_http() {
        let text =
            "The URL is not https; take one that is, or set `allow_plain_http` in [webhooks] of the configuration.";
        return Err(Failure::refused("url", text));
    }
    let address = match target.host {
        ServerName::IpAddress(address) => Some(IpAddr::from(address)),
        _ => None,
    };
    if address.is_some_and(|address| !reach.allows(address)) {
        let text = "The URL names an address that is not globally reachable; add its network to `allowed_private_networks` in [webhooks].";
        return Err(Failure::refused("url", text));
    }
    Ok(())
}

async fn create(call: &Call) -> Outcome {
    let given = &call.given;
    let url = given.required("url").to_owned();
    check_url(call, &url)?;
    let new = NewEndpoint {
        account: given.text("account").map(AccountId::new),
        livemode: given.mode(),
        url,
        connect: given.flag("connect"),
        events: given.set("events"),
        secret: given.text("secret").map(|text| SigningSecret::new(text.to_owned())),
    };
    let created = call.change(move |ctx, by| create_endpoint(ctx, by, new)).await?;
    let mut answer = webhook(&created);
    answer["secret"] = created.secret.current.reveal().into();
    Ok(Answer::One(answer))
}

async fn roll(call: &Call) -> Outcome {
    let (id, overlap) = (endpoint_id(call.named(0))?, call.given.number("overlap").unwrap_or_default());
    let (secret, until) = call.change(move |ctx, by| roll_endpoint_secret(ctx, by, &id, overlap)).await?;
    Ok(Answer::One(json!({
        "object": "webhook_secret",
        "webhook": id.to_string(),
        "secret": secret.reveal(),
        "previous_counts_until": until.as_unix(),
    })))
}

async fn delete(call: &Call) -> Outcome {
    let id = endpoint_id(call.named(0))?;
    call.change(move |ctx, by| delete_endpoint(ctx, by, &id)).await?;
    Ok(Answer::One(json!({"object": "webhook", "id": id.to_string(), "deleted": true})))
}

/// The characters of an event's id.
fn event_id(text: &str) -> Result<EventId, Failure> {
    EventId::parse(text).ok_or_else(|| Failure::missing("event", "There is no such event; its id is `evt_…`."))
}

fn characters(event: EventId) -> [u8; cholla_domain::ports::EVENT_ID_LENGTH] {
    let mut id = [0; cholla_domain::ports::EVENT_ID_LENGTH];
    id.copy_from_slice(event.suffix().as_bytes());
    id
}

fn delivery(delivery: &Delivery, endpoints: &HashMap<RecordTag, String>) -> Value {
    let status = match delivery.state {
        DeliveryState::Pending => "pending",
        DeliveryState::Delivered => "delivered",
        DeliveryState::Failed => "failed",
    };
    let event = EventId::from_suffix(&delivery.key.event).map(|event| event.to_string());
    json!({
        "object": "delivery",
        "event": event.unwrap_or_default(),
        "webhook": endpoints.get(&delivery.key.endpoint),
        "status": status,
        "attempts": delivery.attempts,
        "queued": delivery.queued_at.as_unix(),
        "due": delivery.due_at.as_unix(),
    })
}

async fn deliveries(call: &Call) -> Outcome {
    let (store, given) = (&call.admin.store, &call.given);
    let keeper = &call.admin.api.keeper;
    let endpoints: HashMap<_, _> = call
        .read(|directory| directory.endpoints().map(|own| (keeper.endpoint_tag(own.id), own.id.to_string())).collect());
    let before = given.text("starting_after").map(|text| text.parse().map_err(|_| Failure::unknown_cursor()));
    let (before, limit) = (before.transpose()?, given.limit());
    let mut found = match given.text("event") {
        // An event has few of them. They are numbered downwards like all, so that a page begins behind a number.
        Some(event) => {
            let all = store.deliveries(characters(event_id(event)?)).await?;
            let numbered = (0_u64..).zip(all).collect::<Vec<_>>().into_iter().rev();
            numbered.filter(|(number, _)| before.is_none_or(|before| *number < before)).take(limit + 1).collect()
        }
        None => store.recent(before, limit + 1).await?,
    };
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|(number, _)| number.to_string());
    let data = found.iter().map(|(_, own)| delivery(own, &endpoints)).collect();
    Ok(Answer::Page(data, has_more, next))
}

async fn resend(call: &Call) -> Outcome {
    let (event, webhook) = (event_id(call.given.required("event"))?, endpoint_id(call.given.required("webhook"))?);
    let keeper = &call.admin.api.keeper;
    let is_there = call.read(|directory| directory.endpoint(&webhook).is_some());
    if !is_there {
        return Err(OperatorError::NoEndpoint.into());
    }
    if !call.admin.store.resend(keeper.delivery_key(event, webhook), call.now).await? {
        return Err(Failure::missing(
            "event",
            "The endpoint has no delivery of that event; deliveries are forgotten after a while.",
        ));
    }
    keeper.queued.notify_one();
    let subject = vec![("event".to_owned(), event.to_string()), ("webhook".to_owned(), webhook.to_string())];
    call.audit("delivery.resent", subject).await?;
    Ok(Answer::One(json!({
        "object": "delivery",
        "event": event.to_string(),
        "webhook": webhook.to_string(),
        "status": "pending",
    })))
}
