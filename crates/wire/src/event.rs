//! Events as webhook endpoints get them (contract 17.1 and 17.2).

use cholla_domain::directory::event::{Event, Subject};
use cholla_domain::id::{ClientId, EventId};
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Namespace;
use cholla_domain::ports::{Notice, NoticeKind};

use crate::headers::NEWEST_VERSION;
use crate::installs;
use crate::json::{self, Object};

/// An event as the body of a delivery. `endpoints` is how many get it.
pub fn render(event: &Event, endpoints: usize) -> Vec<u8> {
    let mut out = Vec::new();
    json::push_body(&mut out, |object| {
        object.string("id", &event.id.to_string());
        object.string("object", "event");
        if let Some(account) = &event.of {
            object.string("account", account.as_str());
        }
        object.string("api_version", NEWEST_VERSION);
        object.integer("created", Some(event.created_at.as_unix()));
        object.object("data", |data| write_subject(data, &event.subject));
        object.boolean("livemode", event.livemode.is_live());
        object.integer("pending_webhooks", i64::try_from(endpoints).ok());
        object.object("request", |request| {
            let asked = event.request.as_ref();
            request.nullable("id", asked.map(|asked| asked.id.to_string()).as_deref());
            request.nullable("idempotency_key", asked.and_then(|asked| asked.idempotency_key.as_deref()));
        });
        object.string("type", event.subject.kind());
    });
    out
}

fn write_subject(data: &mut Object<'_>, subject: &Subject) {
    match subject {
        Subject::InstallCreated(view) | Subject::InstallDeleted(view) => {
            data.object("object", |object| installs::write(object, view, None));
        }
        Subject::InstallUpdated { now, before } => {
            data.object("object", |object| installs::write(object, now, None));
            data.object("previous_attributes", |object| installs::write_previous(object, before, now));
        }
        Subject::Authorized { app, name } | Subject::Deauthorized { app, name } => {
            data.object("object", |object| write_application(object, *app, name));
        }
    }
}

fn write_application(object: &mut Object<'_>, app: ClientId, name: &str) {
    object.string("id", &app.to_string());
    object.string("object", "application");
    object.string("name", name);
}

/// The type of an operator's event about a secret.
pub fn notice_type(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Set => "cholla.secret.set",
        NoticeKind::Deleted => "cholla.secret.deleted",
        NoticeKind::Expiring => "cholla.secret.expiring",
        NoticeKind::Expired => "cholla.secret.expired",
    }
}

/// What happened to a secret, as an operator's endpoint gets it: which one and whose, but neither its name nor its payload nor its user.
pub fn render_notice(id: EventId, notice: &Notice, namespace: &Namespace, endpoints: usize) -> Vec<u8> {
    let mut out = Vec::new();
    json::push_body(&mut out, |object| {
        object.string("id", &id.to_string());
        object.string("object", "event");
        object.string("api_version", NEWEST_VERSION);
        object.integer("created", Some(notice.at.as_unix()));
        object.object("data", |data| {
            data.object("object", |secret| {
                secret.string("id", &notice.secret.to_string());
                secret.string("object", "cholla.secret");
                secret.string("account", namespace.account.as_str());
                secret.string("developer", namespace.developer.as_str());
                let expires_at = notice.expires_at.map(cholla_domain::time::Timestamp::as_unix);
                secret.integer("expires_at", expires_at);
                secret.boolean("livemode", namespace.livemode == Livemode::Live);
            });
        });
        object.boolean("livemode", namespace.livemode == Livemode::Live);
        object.integer("pending_webhooks", i64::try_from(endpoints).ok());
        object.object("request", |request| {
            request.nullable("id", None);
            request.nullable("idempotency_key", None);
        });
        object.string("type", notice_type(notice.kind));
    });
    out
}

#[cfg(test)]
mod tests;
