use cholla_domain::directory::change::RecordChange;
use cholla_domain::principal::Reach;
use http::HeaderValue;

use super::*;
use crate::authenticate::authenticate;
use crate::testing::{Events, Server};

/// A server that makes up accounts, on which `acct_declared` is declared.
async fn server() -> Server {
    Server::start("accounts = [{ id = \"acct_declared\" }]", |settings| settings.made_up = Some(MadeUp::new())).await
}

fn own_of(server: &Server, key: &str) -> AccountId {
    own_account_id(&CredentialKey::of(&server.api.instance.credential_hash(key.as_bytes())))
}

/// `own`: the key's own account in its own namespace; `reached`: another one in a namespace of the two; else the refusal.
async fn resolve(server: &Server, key: &str, named: Option<&str>) -> String {
    let api = &server.api;
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_bytes(format!("Bearer {key}").as_bytes()).unwrap());
    if let Some(named) = named {
        headers.insert(STRIPE_ACCOUNT, HeaderValue::from_str(named).unwrap());
    }
    api.made_up.as_ref().unwrap().provide(api, &headers).await;
    match authenticate(api, &headers, api.now()) {
        Err(error) => match error.code() {
            Some("account_invalid") => "unreachable".to_owned(),
            _ => format!("{}", error.status()),
        },
        Ok(caller) => {
            let principal = caller.principal;
            let (own, place) = (own_of(server, key), principal.namespace);
            assert_eq!((place.developer, place.livemode), (own.clone(), Livemode::Test));
            assert_eq!((principal.reach, principal.app, principal.permissions.write), (Reach::Backend, None, true));
            if place.account == own { "own".to_owned() } else { "reached".to_owned() }
        }
    }
}

#[tokio::test]
async fn only_well_formed_test_keys() {
    let server = server().await;
    for (key, expected) in [
        ("sk_test_123", "own"),
        ("rk_test_123", "own"),
        ("sk_test_1", "own"),
        ("sk_test_a_B_9", "own"),
        ("sk_test_", "401"),
        ("sk_test_a-b", "401"),
        ("sk_test_a b", "401"),
        ("sk_test_é", "401"),
        ("sk_live_123", "401"),
        ("rk_live_123", "401"),
        ("ek_test_123", "401"),
        ("pk_test_123", "401"),
        ("sk_123", "401"),
        ("", "401"),
    ] {
        assert_eq!(resolve(&server, key, None).await, expected, "{key}");
        assert_eq!(MadeUp::is_well_formed(key), expected == "own", "{key}");
    }
}

#[tokio::test]
async fn rule_6_24_accounts_are_made_up_but_never_taken() {
    let server = server().await;
    let (own, other) = (own_of(&server, "sk_test_1"), own_of(&server, "sk_test_2"));
    let long = format!("acct_{}", "a".repeat(251));
    for (key, named, expected) in [
        ("sk_test_1", Some("acct_new"), "reached"),
        ("sk_test_1", Some("acct_new"), "reached"),
        ("sk_test_2", Some("acct_new"), "reached"),
        ("sk_test_1", Some(own.as_str()), "own"),
        ("sk_test_1", Some(other.as_str()), "reached"),
        ("sk_test_1", Some("acct_declared"), "unreachable"),
        ("sk_test_1", Some("acct_"), "unreachable"),
        ("sk_test_1", Some("acct_a-b"), "unreachable"),
        ("sk_test_1", Some("cus_1"), "unreachable"),
        ("sk_test_1", Some(""), "own"),
        ("sk_test_1", Some(&long), "unreachable"),
        ("sk_test_1", Some(&long[..255]), "reached"),
    ] {
        assert_eq!(resolve(&server, key, named).await, expected, "{key} on {named:?}");
    }
}

/// A key whose account would be one that somebody declared stays unknown.
#[tokio::test]
async fn rule_6_2_a_declared_account_is_nobodys_own() {
    let server = server().await;
    let own = own_of(&server, "sk_test_clash");
    let declared = server.api.keeper.decide(server.api.keeper.unasked(), move |ctx| {
        let mut change = Change::default();
        account(ctx, &own, &mut change);
        change.records.iter_mut().for_each(|step| {
            if let RecordChange::Put(Record::Account(account)) = step {
                account.made_up = false;
            }
        });
        Decision { change, outcome: () }
    });
    declared.await.unwrap();
    for named in [None, Some("acct_new")] {
        assert_eq!(resolve(&server, "sk_test_clash", named).await, "401");
    }
}

/// What is made up is an ordinary part of the directory.
#[tokio::test]
async fn what_is_made_up_can_be_listed_and_uninstalled() {
    let server = server().await;
    assert_eq!(resolve(&server, "sk_test_1", Some("acct_new")).await, "reached");
    let listed =
        server.ask("GET /v1/apps/installs", &["Authorization: Bearer sk_test_1", "Stripe-Account: acct_new"], "").await;
    let install = &listed.json()["data"][0];
    assert_eq!(
        (install["account"].as_str(), install["permissions_granted"][0].as_str()),
        (Some("acct_new"), Some("secret_write"))
    );
    let line = format!("POST /v1/apps/installs/{}/uninstall", install["id"].as_str().unwrap());
    let headers = ["Authorization: Bearer sk_test_1", "Stripe-Account: acct_new"];
    assert_eq!(server.ask(&line, &headers, "").await.json()["status"], "uninstalling");
}

/// The namespace of a made-up key is the same after a restart, so with a persistent data directory its secrets are there again.
#[tokio::test]
async fn the_account_of_a_key_depends_on_nothing_else() {
    let server = server().await;
    let id = own_of(&server, "sk_test_1");
    assert!(is_account_id(id.as_str()) && id.as_str().len() == 5 + OWN_CHARS, "{id}");
    assert_eq!(resolve(&server, "sk_test_2", Some("acct_x")).await, "reached");
    assert_eq!(resolve(&server, "sk_test_1", None).await, "own");
    assert_eq!(own_of(&server, "sk_test_1"), id);
    assert!(server.api.keeper.read().account(&id).is_some_and(|account| account.made_up));
}

#[tokio::test]
async fn there_is_a_limit() {
    let server = server().await;
    let made_up = server.api.made_up.as_ref().unwrap();
    assert_eq!(resolve(&server, "sk_test_first", Some("acct_first")).await, "reached");
    assert_eq!(made_up.made.load(Ordering::Relaxed), 2);
    made_up.made.store(MADE_UP_ACCOUNTS_MAX, Ordering::Relaxed);
    for (key, named, expected) in [
        ("sk_test_new", None, "401"),
        ("sk_test_first", None, "own"),
        ("sk_test_first", Some("acct_first"), "reached"),
        ("sk_test_first", Some("acct_new"), "unreachable"),
    ] {
        assert_eq!(resolve(&server, key, named).await, expected, "{key} on {named:?}");
    }
    made_up.clear();
    assert_eq!(resolve(&server, "sk_test_new", Some("acct_new")).await, "reached");
}

#[tokio::test]
async fn each_first_sight_is_one_line_with_the_masked_key() {
    let server = server().await;
    let events = Events::default();
    let (key, other) = ("sk_test_0123456789abcdef", "rk_test_123");
    {
        let _seen = tracing::subscriber::set_default(events.clone());
        for _ in 0..2 {
            resolve(&server, key, None).await;
            resolve(&server, key, Some("acct_new")).await;
            resolve(&server, other, Some("acct_new")).await;
            resolve(&server, other, Some("acct_declared")).await;
        }
    }
    let account = |key: &str| own_of(&server, key);
    let expected = [
        format!("INFO message=made up an account for an unseen key key=sk_test_****cdef account=\"{}\"", account(key)),
        "INFO message=installed a made-up app on an unseen account key=sk_test_****cdef account=\"acct_new\""
            .to_owned(),
        format!("INFO message=made up an account for an unseen key key=rk_test_**** account=\"{}\"", account(other)),
        "INFO message=installed a made-up app on an unseen account key=rk_test_**** account=\"acct_new\"".to_owned(),
    ];
    assert_eq!(events.lines(), expected);
}
