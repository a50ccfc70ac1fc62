use super::*;

#[tokio::test]
async fn a_token_is_needed_and_its_role_counts() {
    let server = Server::peopled().await;
    let token = |role| server.ok("POST /v1/tokens", json!({"role": role, "expires_in": "1h"}));
    let (auditor, operator) = (token("auditor").await, token("operator").await);
    let value = |shown: &Value| shown["value"].as_str().unwrap().to_owned();
    let (auditor_value, operator_value) = (value(&auditor), value(&operator));
    let revoked = token("operator").await;
    server.ok(&format!("POST /v1/tokens/{}/revoke", revoked["id"].as_str().unwrap()), Value::Null).await;
    let secret_key = server.ok("POST /v1/keys", json!({"kind": "secret", "account": "acct_dev"})).await;
    let (read, write, body) = ("GET /v1/accounts", "POST /v1/accounts", r#"{"id": "acct_new"}"#);
    for (token, line, expected) in [
        (None, read, 401),
        (Some("wrong"), read, 401),
        (Some(""), read, 401),
        (Some(&*value(&revoked)), read, 401),
        (Some(&*value(&secret_key)), read, 401),
        (None, "GET /v1/nothing", 401),
        (Some(TOKEN), read, 200),
        (Some(&*operator_value), read, 200),
        (Some(&*operator_value), write, 200),
        (Some(&*auditor_value), read, 200),
        (Some(&*auditor_value), write, 403),
        (Some(&*auditor_value), "DELETE /v1/webhooks/we_x", 403),
        (Some(&*auditor_value), "POST /v1/tokens", 403),
    ] {
        let answered = server.send(token, line, if line == write { body } else { "" }).await;
        assert_eq!(answered.status, expected, "{line}: {}", answered.body);
    }
    assert_eq!(server.ok("GET /v1/tokens", Value::Null).await["data"].as_array().unwrap().len(), 3);
    assert!(server.actions().await.contains(&"account.created".to_owned()));
}

/// Otherwise whoever has a stolen token could hold a request open until it is revoked, and make another one then.
#[tokio::test]
async fn a_token_is_judged_when_the_whole_request_is_there() {
    let server = Server::start().await;
    for (revoked, expected) in [(false, 200), (true, 401)] {
        let token = server.ok("POST /v1/tokens", json!({"role": "operator"})).await;
        let (answer, body) = server.begin(token["value"].as_str().unwrap(), "POST /v1/tokens");
        // The other task has come as far as its body.
        tokio::task::yield_now().await;
        if revoked {
            server.ok(&format!("POST /v1/tokens/{}/revoke", token["id"].as_str().unwrap()), Value::Null).await;
        }
        body.send(r#"{"role": "operator"}"#.to_owned()).unwrap();
        assert_eq!(answer.await.unwrap(), expected, "revoked: {revoked}");
    }
    assert_eq!(server.ok("GET /v1/tokens", Value::Null).await["data"].as_array().unwrap().len(), 3);
}

/// A change that waits for another which revokes its token comes to nothing, and is not dated before what it has waited for.
#[tokio::test]
async fn a_token_is_judged_when_its_change_is_decided() {
    let server = Server::peopled().await;
    let file = json!({"text": r#"accounts = [{ id = "acct_late" }]"#}).to_string();
    for (line, body) in [("POST /v1/accounts", r#"{"id": "acct_late"}"#), ("POST /v1/platform", &*file)] {
        let token = server.ok("POST /v1/tokens", json!({"role": "operator"})).await;
        let revoke = format!("POST /v1/tokens/{}/revoke", token["id"].as_str().unwrap());
        // Both are let in before either is decided.
        let (revoked, late) =
            tokio::join!(server.ask(&revoke, &Value::Null), server.send(token["value"].as_str(), line, body));
        assert_eq!((revoked.status, late.status), (200, 401), "{line}");
        assert_eq!(server.ask("GET /v1/accounts/acct_late", &Value::Null).await.status, 404, "{line}");
    }
}

/// Otherwise a session that a platform signed before the offboarding is done, and long after it was asked for, would outlive it.
#[tokio::test]
async fn rule_14_8_an_offboarding_begins_when_it_is_decided() {
    let server = Server::peopled().await;
    let api = Arc::clone(&server.admin.api);
    let asked_at = api.now();
    let moved = Arc::clone(&api);
    let another = api.keeper.decide(api.keeper.unasked(), move |_| {
        moved.clock.set_offset(100);
        cholla_domain::directory::decision::Decision::unchanged(())
    });
    let offboard = json!({"user": "usr_1"});
    let (another, offboarded) =
        tokio::join!(another, server.ask("POST /v1/accounts/acct_cactus/users/offboard", &offboard));
    assert_eq!((another.is_ok(), offboarded.status), (true, 200));
    let started_at = api.keeper.read().unfinished_erasures().next().unwrap().started_at;
    assert!(started_at >= asked_at.plus(100), "it has waited for the other change");
}

/// An auditor sees everything that GET shows, and none of it is secret.
#[tokio::test]
async fn what_is_shown_once_is_never_shown_again() {
    let server = Server::peopled().await;
    let hook = server.ok("POST /v1/webhooks", json!({"account": "acct_dev", "url": "https://example.com/"})).await;
    let install = server.ok("POST /v1/installs", json!({"app": "com.example.a", "account": "acct_cactus"})).await;
    let key = server.ok("POST /v1/keys", json!({"kind": "secret", "account": "acct_dev"})).await;
    let session = json!({"app": "com.example.a", "account": "acct_cactus", "user": "usr_1"});
    let session = server.ok("POST /v1/sessions", session).await;
    let token = server.ok("POST /v1/tokens", json!({"role": "auditor"})).await;
    let rolled = server.ok("POST /v1/apps/com.example.a/signing_secret/roll", Value::Null).await;
    let shown = [&hook["secret"], &key["value"], &session["key"], &token["value"], &rolled["signing_secret"]];
    let auditor = token["value"].as_str().unwrap();
    for route in routes().filter(|route| route.method == Method::GET) {
        let path = route.path.replace("{account}", "acct_cactus").replace("{app}", "com.example.a");
        let path = path.replace("{install}", install["id"].as_str().unwrap());
        let path = path.replace("{key}", key["id"].as_str().unwrap());
        let path = path.replace("{webhook}", hook["id"].as_str().unwrap());
        let path = if route.name == "inventory.list" { format!("{path}?account=acct_cactus") } else { path };
        let answered = server.send(Some(auditor), &format!("GET {path}"), "").await;
        let expected = if path.contains('{') || path.ends_with("/plan") { [400, 404] } else { [200, 200] };
        assert!(expected.contains(&answered.status), "{path}: {}", answered.body);
        let text = answered.body.to_string();
        for secret in shown {
            assert!(!text.contains(secret.as_str().unwrap()), "{path} shows what was shown once");
        }
    }
}

#[tokio::test]
async fn who_did_it_is_in_the_audit_log() {
    let server = Server::start().await;
    let token = server.ok("POST /v1/tokens", json!({"role": "operator"})).await;
    let value = token["value"].as_str().unwrap();
    let created = server.send(Some(value), "POST /v1/accounts", r#"{"id": "acct_a"}"#).await;
    assert_eq!(created.status, 200);
    let log = server.ok("GET /v1/audit?limit=1", Value::Null).await;
    let entry = &log["data"][0];
    assert_eq!((&entry["action"], &entry["actor"]), (&json!("account.created"), &token["id"]));
    assert_eq!(entry["subject"], json!({"account": "acct_a"}));
    assert_eq!(log["has_more"], true);
    let before = entry["id"].as_str().unwrap();
    let older = server.ok(&format!("GET /v1/audit?starting_after={before}"), Value::Null).await;
    assert_eq!(older["data"][0]["action"], "key.created");
    assert_eq!((older["data"].as_array().unwrap().len(), &older["has_more"]), (1, &json!(false)));
    let (status, param, _) = server.refused("GET /v1/audit?starting_after=x", Value::Null).await;
    assert_eq!((status, param.as_str()), (400, "starting_after"));
}
