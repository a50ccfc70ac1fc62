use cholla_domain::find::{FindRequest, find};
use cholla_domain::id::{AccountId, RequestId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::name::SecretName;
use cholla_domain::payload::Plaintext;
use cholla_domain::place::{Namespace, Scope};
use cholla_domain::ports::Judgement;
use cholla_domain::precondition::Precondition;
use cholla_domain::principal::{Permissions, Principal, Reach as Far};
use cholla_domain::set::{Expansion, SetRequest, set};
use cholla_domain::time::Timestamp;

use super::*;
use crate::entropy::SystemEntropy;

/// The developer, on the Cactus account.
fn owner() -> Principal {
    let namespace = Namespace {
        developer: AccountId::new("acct_dev"),
        account: AccountId::new("acct_cactus"),
        livemode: Livemode::Test,
    };
    Principal { namespace, reach: Far::Backend, permissions: Permissions::ALL, app: None, being_erased: None }
}

/// Sets a secret of App A on the Cactus account.
pub(super) async fn put(server: &Server, user: Option<&str>, name: &str, expires_in: Option<i64>) {
    let now = server.admin.api.now();
    let request = SetRequest {
        name: SecretName::new(name.to_owned()).unwrap(),
        payload: Plaintext::new("payload-canary".to_owned()).unwrap(),
        scope: user.map_or(Scope::Account, |user| Scope::User(UserId::new(user))),
        expires_at: expires_in.map(|seconds| now.plus(seconds)),
        expansion: Expansion::default(),
        precondition: Precondition::default(),
        idempotency: None,
        request: RequestId::draw(&SystemEntropy),
        judged: Judgement::ALONE,
    };
    assert!(set(&server.admin.api.ports, &owner(), request, now).await.unwrap().result.is_ok());
}

async fn stocked() -> (Server, String) {
    let server = Server::peopled().await;
    let install = server.ok("POST /v1/installs", json!({"app": "com.example.a", "account": "acct_cactus"})).await;
    put(&server, None, "foo", None).await;
    put(&server, None, "bar", Some(86_400)).await;
    for user in ["usr_1", "usr_2", "usr_3"] {
        put(&server, Some(user), "token", Some(30 * 86_400)).await;
    }
    (server, install["id"].as_str().unwrap().to_owned())
}

/// Every scope as `user: names`, whatever the pages; nothing of a payload.
async fn read(server: &Server, query: &str) -> Vec<String> {
    let (mut lines, mut after) = (Vec::new(), String::new());
    loop {
        let page = server.ok(&format!("GET /v1/inventory?{query}{after}"), Value::Null).await;
        assert!(!page.to_string().contains("canary"));
        for scope in page["data"].as_array().unwrap() {
            let names: Vec<_> = scope["secrets"].as_array().unwrap().iter().map(|own| own["name"].as_str()).collect();
            let names: Vec<_> = names.into_iter().flatten().collect();
            lines.push(format!("{}: {}", scope["user"].as_str().unwrap_or("-"), names.join(" ")));
        }
        if page["has_more"] == false {
            lines.sort();
            return lines;
        }
        after = format!("&starting_after={}", page["next"].as_str().unwrap());
    }
}

#[tokio::test]
async fn there_is_what_was_set() {
    let (server, install) = stocked().await;
    let all = ["-: bar foo", "usr_1: token", "usr_2: token", "usr_3: token"];
    let none: [&str; 0] = [];
    for (query, expected) in [
        ("account=acct_cactus", &all[..]),
        ("account=acct_cactus&limit=1", &all),
        ("account=acct_cactus&limit=3", &all),
        ("app=com.example.a", &all),
        ("app=com.example.a&limit=2", &all),
        ("account=acct_cactus&expiring_within=7d", &["-: bar"]),
        ("account=acct_cactus&expiring_within=1h", &none),
        ("app=com.example.a&expiring_within=30d&limit=1", &["-: bar", "usr_1: token", "usr_2: token", "usr_3: token"]),
        ("account=acct_dev", &none),
    ] {
        assert_eq!(read(&server, query).await, expected, "{query}");
    }
    let page = server.ok("GET /v1/inventory?account=acct_cactus", Value::Null).await;
    let scopes = page["data"].as_array().unwrap();
    assert!(scopes.iter().all(|scope| scope["installs"] == json!([install])));
    let own = scopes.iter().find(|scope| scope["type"] == "account").unwrap();
    let foo = own["secrets"].as_array().unwrap().iter().find(|secret| secret["name"] == "foo").unwrap();
    assert_eq!((&foo["payload_bytes"], &foo["age_days"], &foo["expires_at"]), (&json!(14), &json!(0), &Value::Null));
    assert_eq!(server.actions().await[0], "inventory.read");
}

#[tokio::test]
async fn what_cannot_be_listed() {
    let (server, _) = stocked().await;
    for (query, status, param) in [
        ("", 400, "account"),
        ("account=acct_cactus&app=com.example.a", 400, "app"),
        ("account=acct_none", 404, "account"),
        ("app=com.x", 404, "app"),
        ("account=acct_cactus&expiring_within=soon", 400, "expiring_within"),
        ("account=acct_cactus&starting_after=scope_x", 400, "starting_after"),
    ] {
        let (found, wanted, _) = server.refused(&format!("GET /v1/inventory?{query}"), Value::Null).await;
        assert_eq!((found, wanted.as_str()), (status, param), "{query}");
    }
}

#[tokio::test]
async fn plans_count_and_write_nothing() {
    let (server, install) = stocked().await;
    let before = server.actions().await;
    for (query, expected) in [
        (format!("install={install}"), json!([4, 5])),
        ("account=acct_cactus&user=usr_1".to_owned(), json!([1, 1])),
        ("account=acct_cactus&user=usr_9".to_owned(), Value::Null),
    ] {
        let plan = server.ok(&format!("GET /v1/erasures/plan?{query}"), Value::Null).await;
        let found = plan["namespaces"].as_array().unwrap().first().map(|own| json!([own["scopes"], own["secrets"]]));
        assert_eq!(found.unwrap_or_default(), expected, "{query}");
    }
    assert_eq!(server.actions().await, before);
    for query in ["account=acct_cactus", "install=appinst_x&user=usr_1"] {
        let (status, ..) = server.refused(&format!("GET /v1/erasures/plan?{query}"), Value::Null).await;
        assert_eq!(status, 400, "{query}");
    }
}

#[tokio::test]
async fn offboarding_begins_an_erasure_that_is_listed() {
    let (server, _) = stocked().await;
    let session = json!({"app": "com.example.a", "account": "acct_cactus", "user": "usr_1"});
    server.ok("POST /v1/sessions", session).await;
    let line = "POST /v1/accounts/acct_cactus/users/offboard";
    let offboarded = server.ok(line, json!({"user": "usr_1"})).await;
    assert_eq!(offboarded["keys_revoked"], 1);
    let id = offboarded["erasure"].as_str().unwrap();
    let erasure = server.ok(&format!("GET /v1/erasures/{id}"), Value::Null).await;
    assert_eq!((&erasure["status"], &erasure["target"]["user"]), (&json!("running"), &json!("usr_1")));
    assert_eq!(server.ok("GET /v1/erasures", Value::Null).await["data"], json!([erasure]));
    let erasing = crate::erasing::Erasing {
        keeper: Arc::clone(&server.admin.api.keeper),
        store: server.foundation.store.clone(),
        instance: Arc::clone(&server.foundation.instance),
        keyring: Arc::clone(&server.foundation.keyring),
    };
    erasing.round().await.unwrap();
    let erasure = server.ok(&format!("GET /v1/erasures/{id}"), Value::Null).await;
    assert!(erasure["status"] == "finished" && erasure["receipt"].is_string());
    assert_eq!(read(&server, "account=acct_cactus").await.len(), 3);
    let keys = server.ok("GET /v1/receipts/jwks", Value::Null).await;
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
}

/// The name and the day of each secret that was read.
async fn days(server: &Server) -> Vec<(String, String)> {
    let page = server.ok("GET /v1/inventory?account=acct_cactus", Value::Null).await;
    let scopes = page["data"].as_array().unwrap().iter();
    let secrets = scopes.flat_map(|scope| scope["secrets"].as_array().unwrap());
    let read =
        secrets.filter_map(|own| Some((own["name"].as_str()?.to_owned(), own["last_read"].as_str()?.to_owned())));
    read.collect()
}

#[tokio::test]
async fn the_day_of_the_last_read_is_shown_at_once_and_kept() {
    let (server, _) = stocked().await;
    let api = &server.admin.api;
    assert_eq!(days(&server).await, []);
    // The first second of 2096, of its second day, and of its third.
    for (moment, expected) in
        [(3_976_214_400, "2096-01-01"), (3_976_300_800, "2096-01-02"), (3_976_387_200, "2096-01-03")]
    {
        let request = FindRequest {
            name: SecretName::new("foo".to_owned()).unwrap(),
            scope: Scope::Account,
            expand_payload: true,
        };
        find(&api.ports, &owner(), &request, Timestamp::from_unix(moment)).await.unwrap();
        let shown = [("foo".to_owned(), expected.to_owned())];
        assert_eq!(days(&server).await, shown);
        api.reads.write_down(&*server.admin.store).await.unwrap();
        assert_eq!(days(&server).await, shown, "written down");
    }
}
