//! Writes on their way while an uninstall or an offboarding is committed, step by step.

use std::sync::Arc;

use cholla_domain::directory::decision::Decision;
use cholla_domain::id::{AccountId, RequestId, UserId};
use cholla_domain::installs::{Actor, NewInstall, begin_install, end_install};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::offboard_user;
use cholla_domain::ports::NamespaceKeys;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use zeroize::Zeroizing;

use super::*;
use crate::api::{Input, delete, set};
use crate::entropy::SystemEntropy;
use crate::erasing::Erasing;
use crate::respond::Reply;
use crate::testing::Server;

const FILE: &str = r#"
    accounts = [{ id = "acct_m" }, { id = "acct_dev" }]
    apps = [{ id = "com.example.a", owner = "acct_dev", permissions = [{ permission = "secret_write" }] }]
    installs = [{ app = "com.example.a", account = "acct_m" }]
    keys = [{ kind = "secret", account = "acct_dev", value = "sk_test_dev" },
        { kind = "embedded", account = "acct_m", app = "com.example.a", user = "usr_1", value = "ek_test_1", expires_in = "1h" }]
"#;
const DEVELOPER: &str = "sk_test_dev";
const SESSION: &str = "ek_test_1";
const SHARED: &str = "scope[type]=account";
const OWN: &str = "scope[type]=user&scope[user]=usr_1";

/// A server without a grace period.
struct World {
    server: Server,
    erasing: Erasing,
}

impl World {
    async fn new() -> Self {
        let (server, foundation) = Server::over_its_store(FILE).await;
        let erasing = Erasing {
            keeper: Arc::clone(&server.api.keeper),
            store: foundation.store.clone(),
            instance: Arc::clone(&foundation.instance),
            keyring: Arc::clone(&foundation.keyring),
        };
        Self { server, erasing }
    }

    async fn uninstall(&self) {
        let keeper = &self.server.api.keeper;
        let ended = keeper.decide(keeper.unasked(), |ctx| {
            let install = ctx.directory.installs().next().unwrap();
            Decision { change: end_install(ctx, Actor::Operator("test"), install), outcome: () }
        });
        ended.await.unwrap();
    }

    async fn install(&self) {
        let keeper = &self.server.api.keeper;
        let begun = keeper.decide(keeper.unasked(), |ctx| {
            let app = ctx.directory.app_named("com.example.a").unwrap();
            let account = AccountId::new("acct_m");
            let new = NewInstall::offered(app, &account, Livemode::Test);
            Decision { change: begin_install(ctx, Actor::Operator("test"), new).1, outcome: () }
        });
        begun.await.unwrap();
    }

    async fn offboard(&self) {
        let keeper = &self.server.api.keeper;
        let offboarded = keeper.decide(keeper.unasked(), |ctx| {
            let decided = offboard_user(ctx, "test", &AccountId::new("acct_m"), &UserId::new("usr_1")).unwrap();
            Decision { change: decided.change, outcome: () }
        });
        offboarded.await.unwrap();
    }

    /// A caller who was judged now.
    fn judged(&self, key: &str) -> (HeaderMap, Caller) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::try_from(format!("Bearer {key}")).unwrap());
        headers.insert("stripe-account", HeaderValue::from_static("acct_m"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let caller = authenticate(&self.server.api, &headers, self.server.api.now()).unwrap();
        (headers, caller)
    }

    /// What a write comes to that goes on with that judgement.
    async fn go_on(&self, (headers, caller): &(HeaderMap, Caller), deletes: bool, scope: &str) -> u16 {
        let api = &*self.server.api;
        let call = Call { id: RequestId::draw(&SystemEntropy), now: api.now(), caller, headers };
        let body = if deletes { format!("name=n&{scope}") } else { format!("name=n&payload=p&{scope}") };
        let input = Input {
            method: cholla_wire::form::Method::Post,
            query: "",
            content_type: Some(b"application/x-www-form-urlencoded"),
            body: Zeroizing::new(body.into_bytes()),
        };
        let reply: Reply = if deletes { delete(api, &call, input).await } else { set(api, &call, input).await };
        reply.result.map_or_else(|error| error.status(), |_| 200)
    }

    /// What set, find, list and delete answer to whoever comes now; of a list how many there are.
    async fn answers(&self, key: &str, scope: &str) -> [u16; 4] {
        let ask = async |line: &str, body: &str| {
            let key = format!("Authorization: Bearer {key}");
            self.server.ask(line, &[&key, "Stripe-Account: acct_m"], body).await
        };
        let set = ask("POST /v1/apps/secrets", &format!("name=now&payload=p&{scope}")).await.status;
        let find = ask(&format!("GET /v1/apps/secrets/find?name=n&{scope}"), "").await.status;
        let list = ask(&format!("GET /v1/apps/secrets?{scope}"), "").await;
        let listed = if list.status == 200 { list.json()["data"].as_array().unwrap().len() } else { 999 };
        let delete = ask("POST /v1/apps/secrets/delete", &format!("name=now&{scope}")).await.status;
        [set, find, u16::try_from(listed).unwrap(), delete]
    }

    async fn has_key(&self) -> bool {
        self.erasing.keyring.find(&self.judged(DEVELOPER).1.principal.namespace).await.unwrap().is_some()
    }
}

/// Whether the namespace had a key, whether it is installed again by then, and whether somebody has set there since.
#[tokio::test]
async fn rule_14_6_what_was_judged_before_the_uninstall_makes_no_key_and_leaves_no_secret() {
    for (had_key, reinstalled, set_since) in
        [(false, false, false), (true, false, false), (false, true, false), (true, true, false), (true, true, true)]
    {
        let case = format!("had a key: {had_key}, reinstalled: {reinstalled}, set since: {set_since}");
        let world = World::new().await;
        if had_key {
            assert_eq!(world.answers(DEVELOPER, SHARED).await, [200, 404, 1, 200], "{case}");
        }
        let early = world.judged(DEVELOPER);
        let namespace = early.1.principal.namespace.clone();
        let at = early.1.judged.unwrap();
        world.uninstall().await;
        if reinstalled {
            world.install().await;
        }
        if set_since {
            assert_eq!(world.go_on(&world.judged(DEVELOPER), false, OWN).await, 200, "{case}");
        } else {
            let key = world.erasing.keyring.find_or_create(&namespace, at).await.unwrap();
            assert!(key.is_none(), "{case}: nobody makes a key who was judged before");
        }
        // Judged again, it is refused, or a set like any that comes after the reinstall. A delete finds nothing, or what that has set.
        for (deletes, refused) in [(false, 403), (true, 404)] {
            let status = world.go_on(&early, deletes, SHARED).await;
            assert_eq!(status, if reinstalled { 200 } else { refused }, "{case}, deletes: {deletes}");
        }
        if !reinstalled {
            world.install().await;
            assert!(!world.has_key().await, "{case}: nothing was left behind");
        }
        assert_eq!(world.answers(DEVELOPER, SHARED).await, [200, 404, 1, 200], "{case}");
    }
}

/// A session that belongs to the install that ended does not come back with the next one.
#[tokio::test]
async fn rule_14_4_and_14_6_a_session_on_its_way_is_judged_again() {
    let world = World::new().await;
    let early = world.judged(SESSION);
    world.uninstall().await;
    world.install().await;
    assert_eq!(world.go_on(&early, false, SHARED).await, 403);
    assert!(!world.has_key().await);
}

/// From the answer to the offboarding until everything of the user is gone, and afterwards.
#[tokio::test]
async fn rule_14_8_the_scopes_of_an_offboarded_user_are_closed_at_once() {
    let world = World::new().await;
    let (backend, session) = (world.judged(DEVELOPER), world.judged(SESSION));
    for scope in [SHARED, OWN, "scope[type]=user&scope[user]=usr_2"] {
        assert_eq!(world.go_on(&backend, false, scope).await, 200);
    }
    world.offboard().await;
    // What was on its way, and what comes now.
    assert_eq!(world.go_on(&backend, false, OWN).await, 503);
    assert_eq!(world.go_on(&backend, true, OWN).await, 404);
    assert_eq!(world.go_on(&session, false, OWN).await, 401);
    assert_eq!(world.answers(DEVELOPER, OWN).await, [503, 404, 0, 404]);
    assert_eq!(world.answers(SESSION, OWN).await, [401, 401, 999, 401]);
    for scope in [SHARED, "scope[type]=user&scope[user]=usr_2"] {
        assert_eq!(world.answers(DEVELOPER, scope).await, [200, 200, 2, 200], "{scope}");
    }
    assert_eq!(world.erasing.round().await.unwrap(), 0);
    assert_eq!(world.answers(DEVELOPER, OWN).await, [200, 404, 1, 200], "what comes after is another's");
    assert_eq!(world.go_on(&session, false, OWN).await, 401);
    assert_eq!(world.answers(DEVELOPER, SHARED).await, [200, 200, 2, 200]);
}
