//! Events byte by byte.

use std::collections::BTreeSet;

use cholla_domain::directory::app::Asks;
use cholla_domain::directory::event::EventRequest;
use cholla_domain::directory::install::InstallView;
use cholla_domain::id::{AccountId, RequestId, SecretId};
use cholla_domain::tag::NamespaceTag;
use cholla_domain::time::Timestamp;

use super::*;
use crate::installs::tests::{bare, full, indented};

const ID: &str = "evt_eeeeeeeeeeeeeeeeeeeeeeee";

fn event(subject: Subject) -> Event {
    Event {
        id: EventId::from_suffix(&[b'e'; 24]).unwrap(),
        recipient: AccountId::new("acct_dev"),
        of: None,
        livemode: Livemode::Test,
        created_at: Timestamp::from_unix(1_700_000_000),
        request: None,
        subject,
    }
}

/// What `data` holds, where every other member is as in [`event`].
fn check_data(subject: Subject, kind: &str, data: &str) {
    let expected = format!(
        "{{\n  \"id\": \"{ID}\",\n  \"object\": \"event\",\n  \"api_version\": \"2026-09-30.endive\",\n  \"created\": 1700000000,\n  \
         \"data\": {{\n    \"object\": {data}\n  }},\n  \"livemode\": false,\n  \"pending_webhooks\": 2,\n  \"request\": {{\n    \
         \"id\": null,\n    \"idempotency_key\": null\n  }},\n  \"type\": \"{kind}\"\n}}\n"
    );
    assert_eq!(String::from_utf8(render(&event(subject), 2)).unwrap(), expected);
}

fn object(view: &InstallView) -> String {
    indented(&String::from_utf8(installs::install(view, None)).unwrap(), 2)
}

#[test]
fn rule_17_2_installs_that_come_and_go() {
    check_data(Subject::InstallCreated(Box::new(bare())), "apps.install.created", &object(&bare()));
    check_data(Subject::InstallDeleted(Box::new(full())), "apps.install.deleted", &object(&full()));
}

#[test]
fn rule_17_2_applications() {
    let app = ClientId::from_suffix(&[b'c'; 32]).unwrap();
    let data = "{\n      \"id\": \"ca_cccccccccccccccccccccccccccccccc\",\n      \"object\": \"application\",\n      \"name\": \"App \\\"A\\\"\"\n    }";
    let name = || "App \"A\"".to_owned();
    check_data(Subject::Authorized { app, name: name() }, "account.application.authorized", data);
    check_data(Subject::Deauthorized { app, name: name() }, "account.application.deauthorized", data);
}

fn check_previous(before: InstallView, now: InstallView, expected: &str) {
    let data = format!("{},\n    \"previous_attributes\": {expected}", object(&now));
    check_data(Subject::InstallUpdated { now: Box::new(now), before: Box::new(before) }, "apps.install.updated", &data);
}

#[test]
fn rule_17_1_previous_attributes_are_the_former_values_of_what_changed() {
    // Only the version changed: nothing of the object did.
    check_previous(full(), full(), "{}");
    let permissions = |names: &[&str]| Asks {
        permissions: names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
        ..Asks::default()
    };
    let waiting = InstallView { granted: permissions(&["a"]), pending: permissions(&["b"]), ..bare() };
    let approved = InstallView { granted: permissions(&["a", "b"]), ..bare() };
    check_previous(
        waiting,
        approved,
        "{\n      \"approval_required\": true,\n      \"permissions_granted\": [\n        \"a\"\n      ],\n      \
         \"permissions_pending\": [\n        \"b\"\n      ]\n    }",
    );
    let emptied = InstallView { granted: Asks::default(), pending: Asks::default(), ..full() };
    check_previous(
        emptied,
        full(),
        "{\n      \"approval_required\": false,\n      \"content_security_policy_granted\": {\n        \"connect_src\": [],\n        \
         \"image_src\": []\n      },\n      \"content_security_policy_pending\": {\n        \"connect_src\": [],\n        \"image_src\": []\n      \
         },\n      \"endpoints_granted\": [],\n      \"endpoints_pending\": [],\n      \"permissions_granted\": [],\n      \
         \"permissions_pending\": []\n    }",
    );
}

#[test]
fn rule_17_1_and_17_3_the_envelope_of_another_account_and_a_request() {
    let app = ClientId::from_suffix(&[b'c'; 32]).unwrap();
    let request = |idempotency_key: Option<&str>| EventRequest {
        id: RequestId::from_suffix(&[b'r'; 14]).unwrap(),
        idempotency_key: idempotency_key.map(str::to_owned),
    };
    let of_another = |idempotency_key| Event {
        of: Some(AccountId::new("acct_m")),
        livemode: Livemode::Live,
        request: Some(request(idempotency_key)),
        ..event(Subject::Authorized { app, name: "A".to_owned() })
    };
    for (idempotency_key, shown) in [(None, "null"), (Some("once"), "\"once\"")] {
        let expected = format!(
            r#"{{
  "id": "{ID}",
  "object": "event",
  "account": "acct_m",
  "api_version": "2026-09-30.endive",
  "created": 1700000000,
  "data": {{
    "object": {{
      "id": "ca_cccccccccccccccccccccccccccccccc",
      "object": "application",
      "name": "A"
    }}
  }},
  "livemode": true,
  "pending_webhooks": 0,
  "request": {{
    "id": "req_rrrrrrrrrrrrrr",
    "idempotency_key": {shown}
  }},
  "type": "account.application.authorized"
}}
"#
        );
        assert_eq!(String::from_utf8(render(&of_another(idempotency_key), 0)).unwrap(), expected);
    }
}

#[test]
fn rule_17_7_a_notice_names_neither_the_secret_nor_its_user() {
    let namespace = Namespace {
        developer: AccountId::new("acct_dev"),
        account: AccountId::new("acct_m"),
        livemode: Livemode::Test,
    };
    for (kind, expires_at, word, shown) in [
        (NoticeKind::Set, None, "set", "null"),
        (NoticeKind::Deleted, None, "deleted", "null"),
        (NoticeKind::Expiring, Some(1_700_086_400), "expiring", "1700086400"),
        (NoticeKind::Expired, Some(1_700_000_000), "expired", "1700000000"),
    ] {
        let notice = Notice {
            number: 7,
            kind,
            namespace: NamespaceTag::from_bytes([1; 16]),
            secret: SecretId::from_suffix(&[b's'; 30]).unwrap(),
            at: Timestamp::from_unix(1_700_000_000),
            expires_at: expires_at.map(Timestamp::from_unix),
        };
        let expected = format!(
            r#"{{
  "id": "{ID}",
  "object": "event",
  "api_version": "2026-09-30.endive",
  "created": 1700000000,
  "data": {{
    "object": {{
      "id": "appsecret_ssssssssssssssssssssssssssssss",
      "object": "cholla.secret",
      "account": "acct_m",
      "developer": "acct_dev",
      "expires_at": {shown},
      "livemode": false
    }}
  }},
  "livemode": false,
  "pending_webhooks": 1,
  "request": {{
    "id": null,
    "idempotency_key": null
  }},
  "type": "cholla.secret.{word}"
}}
"#
        );
        let id = EventId::from_suffix(&[b'e'; 24]).unwrap();
        assert_eq!(String::from_utf8(render_notice(id, &notice, &namespace, 1)).unwrap(), expected);
    }
}
