//! The audit log.

use cholla_domain::directory::change::AuditEntry;
use cholla_domain::error::SealError;
use cholla_domain::ports::{DirectoryCipher, DirectoryStore};
use http::Method;
use serde_json::{Map, Value, json};

use super::call::{Answer, Call};
use super::failure::Failure;
use super::route::{AFTER, Gives, Kind, LIMIT, Outcome, Route, Shape, member};
use crate::keeper::AUDIT_ENTRY;

const ENTRY: Shape = Shape {
    name: "audit_entry",
    about: "An entry of the audit log. It holds no secret, no key and no user.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["audit_entry"]), "Always `audit_entry`."),
        member("id", Kind::Text, "Its number."),
        member("at", Kind::Time, "When."),
        member("action", Kind::Text, "What happened."),
        member("actor", Kind::Text, "Who did it: an account, the id of an admin token, or `cholla`."),
        member("subject", Kind::Map, "To what: words and ids."),
    ],
};

pub(super) const ROUTES: &[Route] = &[Route {
    name: "audit.list",
    method: Method::GET,
    path: "/v1/audit",
    about: "The audit log, the newest first.",
    takes: &[LIMIT, AFTER],
    gives: Gives::Page(&ENTRY),
    answer: |call| Box::pin(list(call)),
}];

async fn list(call: &Call) -> Outcome {
    let after = call.given.text("starting_after").map(|text| text.parse().map_err(|_| Failure::unknown_cursor()));
    let limit = call.given.limit();
    let mut entries = call.admin.store.audit(after.transpose()?, limit + 1).await?;
    let has_more = entries.len() > limit;
    entries.truncate(limit);
    let cipher: &dyn DirectoryCipher = &*call.admin.api.instance;
    let mut data = Vec::with_capacity(entries.len());
    for (number, _, sealed) in entries {
        let opened = cipher.open_entry(AUDIT_ENTRY, &[], sealed.as_bytes())?;
        data.push(shown(number, AuditEntry::decode(&opened).ok_or(SealError::Tampered)?));
    }
    Ok(Answer::Page(data, has_more, None))
}

fn shown(number: u64, entry: AuditEntry) -> Value {
    let subject: Map<_, _> = entry.subject.into_iter().map(|(word, id)| (word, Value::String(id))).collect();
    json!({
        "object": "audit_entry",
        "id": number.to_string(),
        "at": entry.at.as_unix(),
        "action": entry.action,
        "actor": entry.actor,
        "subject": subject,
    })
}
