//! Success bodies (contract section 2).

use cholla_domain::list::Page;
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Scope;
use cholla_domain::record::SecretView;

use crate::json::{self, Object};

/// Where the secrets are, which is where auto-pagers ask for the next page.
const LIST_URL: &str = "/v1/apps/secrets";
/// Bytes that one secret takes at most beside its strings, as an element of a list.
const SECRET_BYTES_MAX: usize = 512;
/// Bytes that a list takes at most beside its secrets.
const LIST_BYTES_MAX: usize = 128;

/// An `apps.secret` (contract 2.1). `deleted` says that it has just been deleted.
///
/// The buffer never grows: growing would leave a copy of the payload behind.
pub fn secret(view: &SecretView, livemode: Livemode, deleted: bool) -> Vec<u8> {
    let room = bytes_max(view);
    let mut out = Vec::with_capacity(room);
    json::push_body(&mut out, |object| write_secret(object, view, livemode, deleted));
    debug_assert!(out.len() <= room, "{} bytes in room for {room}", out.len());
    out
}

/// A list object (contract 2.3). Its buffer never grows either.
pub fn list(page: &Page, livemode: Livemode) -> Vec<u8> {
    let room = LIST_BYTES_MAX + page.secrets.iter().map(bytes_max).sum::<usize>();
    let mut out = Vec::with_capacity(room);
    json::push_body(&mut out, |object| {
        object.string("object", "list");
        object.string("url", LIST_URL);
        object.boolean("has_more", page.has_more);
        object.objects("data", &page.secrets, |object, view| write_secret(object, view, livemode, false));
    });
    debug_assert!(out.len() <= room, "{} bytes in room for {room}", out.len());
    out
}

/// Bytes that a secret takes at most.
fn bytes_max(view: &SecretView) -> usize {
    let payload = view.payload.as_ref().map_or(0, |payload| json::string_len(payload.expose_secret()));
    let user = match &view.scope {
        Scope::Account => 0,
        Scope::User(user) => json::string_len(user.as_str()),
    };
    SECRET_BYTES_MAX + json::string_len(view.name.as_str()) + payload + user
}

fn write_secret(object: &mut Object<'_>, view: &SecretView, livemode: Livemode, deleted: bool) {
    object.plain("id", cholla_domain::id::SecretId::PREFIX, view.header.id.suffix());
    object.plain("object", "", "apps.secret");
    object.integer("created", Some(view.header.created_at.as_unix()));
    if deleted {
        object.boolean("deleted", true);
    }
    object.integer("expires_at", view.header.expires_at.map(cholla_domain::time::Timestamp::as_unix));
    object.boolean("livemode", livemode.is_live());
    object.string("name", view.name.as_str());
    if let Some(payload) = &view.payload {
        object.string("payload", payload.expose_secret());
    }
    object.object("scope", |object| {
        object.string("type", view.scope.kind());
        if let Scope::User(user) = &view.scope {
            object.string("user", user.as_str());
        }
    });
}

#[cfg(test)]
mod tests {
    use cholla_domain::id::{SecretId, UserId};
    use cholla_domain::name::SecretName;
    use cholla_domain::payload::Plaintext;
    use cholla_domain::record::RecordHeader;
    use cholla_domain::tag::RecordVersion;
    use cholla_domain::time::Timestamp;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ID: &str = "abcdefghijklmnopqrstuvwxyz0123";

    fn view(name: &str, user: Option<&str>, payload: Option<&str>, expires_at: Option<i64>) -> SecretView {
        SecretView {
            header: RecordHeader {
                id: SecretId::from_suffix(ID.as_bytes()).unwrap(),
                version: RecordVersion::from_bytes([7; 16]),
                created_at: Timestamp::from_unix(1_900_000_000),
                expires_at: expires_at.map(Timestamp::from_unix),
            },
            name: SecretName::new(name.to_owned()).unwrap(),
            scope: user.map_or(Scope::Account, |user| Scope::User(UserId::new(user))),
            payload: payload.map(|payload| Plaintext::new(payload.to_owned()).unwrap()),
        }
    }

    #[test]
    fn rule_2_1_and_2_4_secrets() {
        let body = secret(&view("appConfig", None, None, None), Livemode::Test, false);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{
  "id": "appsecret_abcdefghijklmnopqrstuvwxyz0123",
  "object": "apps.secret",
  "created": 1900000000,
  "expires_at": null,
  "livemode": false,
  "name": "appConfig",
  "scope": {
    "type": "account"
  }
}
"#
        );
        let body = secret(&view("a\"b", Some("usr_5"), Some("p\n🌵"), Some(2_000_000_000)), Livemode::Live, true);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{
  "id": "appsecret_abcdefghijklmnopqrstuvwxyz0123",
  "object": "apps.secret",
  "created": 1900000000,
  "deleted": true,
  "expires_at": 2000000000,
  "livemode": true,
  "name": "a\"b",
  "payload": "p\n🌵",
  "scope": {
    "type": "user",
    "user": "usr_5"
  }
}
"#
        );
    }

    #[test]
    fn rule_2_3_lists() {
        let body = list(&Page { secrets: Vec::new(), has_more: false }, Livemode::Test);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{
  "object": "list",
  "url": "/v1/apps/secrets",
  "has_more": false,
  "data": []
}
"#
        );
        let secrets = vec![view("a", None, None, None), view("b", Some("u"), Some("p"), None)];
        let body = list(&Page { secrets, has_more: true }, Livemode::Test);
        assert_eq!(
            String::from_utf8(body).unwrap(),
            r#"{
  "object": "list",
  "url": "/v1/apps/secrets",
  "has_more": true,
  "data": [
    {
      "id": "appsecret_abcdefghijklmnopqrstuvwxyz0123",
      "object": "apps.secret",
      "created": 1900000000,
      "expires_at": null,
      "livemode": false,
      "name": "a",
      "scope": {
        "type": "account"
      }
    },
    {
      "id": "appsecret_abcdefghijklmnopqrstuvwxyz0123",
      "object": "apps.secret",
      "created": 1900000000,
      "expires_at": null,
      "livemode": false,
      "name": "b",
      "payload": "p",
      "scope": {
        "type": "user",
        "user": "u"
      }
    }
  ]
}
"#
        );
    }

    proptest! {
        /// In a test build, a body that outgrew its buffer would have panicked.
        #[test]
        fn rule_2_1_and_2_3_and_3_7_any_text_parses_back(
            name in "[^\0]{1,60}", user in proptest::option::of("[^\0]{1,60}"), payload in "[^\0]{1,60}",
            expires_at in proptest::option::of(any::<i64>()), deleted in any::<bool>(),
        ) {
            let mut expected = json!({
                "id": format!("appsecret_{ID}"), "object": "apps.secret", "created": 1_900_000_000, "expires_at": expires_at,
                "livemode": false, "name": name, "payload": payload,
                "scope": match &user { Some(user) => json!({"type": "user", "user": user}), None => json!({"type": "account"}) },
            });
            let make = || view(&name, user.as_deref(), Some(&payload), expires_at);
            let page = Page { secrets: vec![make(), make()], has_more: false };
            let listed = serde_json::from_slice::<serde_json::Value>(&list(&page, Livemode::Test)).unwrap();
            prop_assert_eq!(&listed["data"], &json!([expected, expected]));
            if deleted {
                expected["deleted"] = json!(true);
            }
            let body = secret(&make(), Livemode::Test, deleted);
            prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&body).unwrap(), expected);
        }
    }
}
