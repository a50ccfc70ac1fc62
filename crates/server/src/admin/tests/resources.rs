use super::*;

#[tokio::test]
async fn accounts_and_their_users() {
    let server = Server::start().await;
    for id in ["acct_c", "acct_a", "acct_b"] {
        let created = server.ok("POST /v1/accounts", json!({"id": id, "name": "Name"})).await;
        assert_eq!(server.ok("POST /v1/accounts", json!({"id": id, "name": "Name"})).await, created, "once");
    }
    let ids = |page: &Value| {
        let ids = page["data"].as_array().unwrap().iter().map(|own| own["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>().join(" "), page["has_more"].as_bool().unwrap())
    };
    for (query, expected, has_more) in [
        ("", "acct_a acct_b acct_c", false),
        ("?limit=2", "acct_a acct_b", true),
        ("?limit=2&starting_after=acct_b", "acct_c", false),
        ("?starting_after=acct_c", "", false),
    ] {
        let page = server.ok(&format!("GET /v1/accounts{query}"), Value::Null).await;
        assert_eq!(ids(&page), (expected.to_owned(), has_more), "{query}");
    }
    let renamed = server.ok("POST /v1/accounts/acct_a", json!({"name": null})).await;
    assert_eq!(renamed["name"], Value::Null);
    let connected = server.ok("POST /v1/accounts/acct_a/connect", json!({"developer": "acct_b"})).await;
    assert_eq!(connected["connected_to"], json!(["acct_b"]));
    let disconnected = server.ok("POST /v1/accounts/acct_a/disconnect", json!({"developer": "acct_b"})).await;
    assert_eq!(disconnected, server.ok("GET /v1/accounts/acct_a", Value::Null).await);
    for user in ["usr_2", "usr/1 ü", "usr_2"] {
        server.ok("POST /v1/accounts/acct_a/users", json!({"id": user})).await;
    }
    let users = server.ok("GET /v1/accounts/acct_a/users", Value::Null).await;
    assert_eq!(ids(&users), ("usr/1 ü usr_2".to_owned(), false));
}

#[tokio::test]
async fn apps_are_uploaded_and_published() {
    let server = Server::peopled().await;
    let shown = server.ok("GET /v1/apps/com.example.a", Value::Null).await;
    for name in ["app_id", "client_id"] {
        let same = server.ok(&format!("GET /v1/apps/{}", shown[name].as_str().unwrap()), Value::Null).await;
        assert_eq!(same, shown, "by its {name}");
    }
    assert_eq!((&shown["distribution"], &shown["published"]), (&json!("private"), &Value::Null));
    let yaml = "id: com.example.a\nversion: 2.0.0\ndeclarations:\n  stripe_api_access:\n    permissions:\n    - permission: secret_write\n";
    let body = json!({"owner": "acct_dev", "manifest": yaml, "file": "stripe-app.yaml", "endpoints": ["https://b", "https://a"]});
    let uploaded = server.ok("POST /v1/apps", body).await;
    assert_eq!((&uploaded["version"], &uploaded["signing_secret"]), (&json!("2.0.0"), &Value::Null));
    let published = server.ok("POST /v1/apps/com.example.a/publish", Value::Null).await;
    assert_eq!((&published["distribution"], &published["published"]["number"]), (&json!("public"), &json!(2)));
    for (query, found) in [("", 1), ("?owner=acct_dev", 1), ("?owner=acct_cactus", 0)] {
        let page = server.ok(&format!("GET /v1/apps{query}"), Value::Null).await;
        assert_eq!(page["data"].as_array().unwrap().len(), found, "{query}");
    }
    for version in 0..25 {
        let body = json!({"owner": "acct_dev", "manifest": manifest(&version.to_string(), &[])});
        server.ok("POST /v1/apps", body).await;
    }
    let kept = server.ok("GET /v1/apps/com.example.a", Value::Null).await;
    assert_eq!(kept["uploads"].as_array().unwrap().len(), 21, "the newest, and what is published");
}

#[tokio::test]
async fn manifests_that_are_at_fault_say_where() {
    let server = Server::peopled().await;
    for (manifest, param, words) in [
        (json!({"version": "1"}), "manifest", "has no `id`"),
        (json!("{\n  \"id\": 5\n}"), "manifest", "line 2"),
        (json!("{"), "manifest", "at fault"),
        (json!({"id": format!("ca_{}", "a".repeat(32))}), "manifest", "no app id"),
        (json!({"id": "a\nb"}), "manifest", "no app id"),
        (json!({"id": "-a"}), "manifest", "begin it with a letter or digit"),
        (json!({"id": "com.example.z", "permissions": [{"purpose": "x"}]}), "manifest", "permission"),
    ] {
        let (status, found, message) =
            server.refused("POST /v1/apps", json!({"owner": "acct_dev", "manifest": manifest})).await;
        assert_eq!((status, found.as_str()), (400, param), "{message}");
        assert!(message.contains(words), "{message}");
    }
    for (more, status, param) in [
        (json!({"app_id": "app_x"}), 400, "app_id"),
        (json!({"client_id": "ca_x"}), 400, "client_id"),
        (json!({"app_id": format!("app_{}", "a".repeat(32))}), 409, "app_id"),
        (json!({"owner": "acct_cactus"}), 409, "owner"),
        (json!({"owner": "acct_none"}), 404, "account"),
    ] {
        let mut body = json!({"owner": "acct_dev", "manifest": manifest("9", &[])});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (found, wanted, message) = server.refused("POST /v1/apps", body).await;
        assert_eq!((found, wanted.as_str()), (status, param), "{more}: {message}");
    }
}

#[tokio::test]
async fn installs_by_the_operator() {
    let server = Server::peopled().await;
    let body = json!({"app": "com.example.a", "account": "acct_cactus", "permissions": []});
    let installed = server.ok("POST /v1/installs", body).await;
    let id = installed["id"].as_str().unwrap();
    assert_eq!((&installed["channel"], &installed["permissions_granted"]), (&json!("testing"), &json!([])));
    let line = format!("POST /v1/installs/{id}/permissions");
    let granted = server.ok(&line, json!({"grant": ["secret_write"]})).await;
    assert_eq!(granted["permissions_granted"], json!(["secret_write"]));
    let both = json!({"grant": ["event_read", "secret_write"], "withdraw": ["secret_write"]});
    let (status, param, message) = server.refused(&line, both).await;
    assert_eq!((status, param.as_str()), (400, "withdraw"), "{message}");
    let (status, param, message) = server.refused(&line, json!({"grant": ["event_read"]})).await;
    assert_eq!((status, param.as_str()), (400, "grant"), "{message}");
    let withdrawn = server.ok(&line, json!({"withdraw": ["secret_write"]})).await;
    assert_eq!(withdrawn["permissions_pending"], json!(["secret_write"]));
    for (query, found) in [
        ("", 1),
        ("?account=acct_cactus", 1),
        ("?account=acct_dev", 0),
        ("?app=com.example.a&mode=test", 1),
        ("?app=com.example.a&mode=live", 0),
    ] {
        let page = server.ok(&format!("GET /v1/installs{query}"), Value::Null).await;
        assert_eq!(page["data"].as_array().unwrap().len(), found, "{query}");
    }
    let ended = server.ok(&format!("POST /v1/installs/{id}/uninstall"), Value::Null).await;
    assert_eq!(ended["status"], "uninstalling");
    for line in [format!("GET /v1/installs/{id}"), format!("POST /v1/installs/{id}/uninstall"), line] {
        let (status, param, _) = server.refused(&line, Value::Null).await;
        assert_eq!((status, param.as_str()), (404, "install"), "{line}");
    }
}

#[tokio::test]
async fn rule_16_1_and_16_2_restricted_keys_of_installs() {
    let server = Server::peopled().await;
    let mut of_keys = manifest("2", &["secret_write"]);
    of_keys["id"] = json!("com.example.keys");
    of_keys["stripe_api_access_type"] = json!("restricted_api_key");
    server.ok("POST /v1/apps", json!({"owner": "acct_dev", "manifest": of_keys})).await;
    let install = |app: &str| json!({"app": app, "account": "acct_cactus", "mode": "live"});
    let other = server.ok("POST /v1/installs", install("com.example.a")).await;
    let own = server.ok("POST /v1/installs", install("com.example.keys")).await;
    let line = format!("POST /v1/installs/{}/keys", own["id"].as_str().unwrap());
    for body in [Value::Null, json!({}), json!({"overlap": "24h"})] {
        let issued = server.ok(&line, body).await;
        assert_eq!(issued["install"], own["id"]);
        assert!(issued["key"].as_str().unwrap().starts_with("rk_live_"));
    }
    let counting = server.ok("GET /v1/keys?account=acct_cactus&kind=restricted&live=true", Value::Null).await;
    assert_eq!(counting["data"].as_array().unwrap().len(), 2);
    let other_line = format!("POST /v1/installs/{}/keys", other["id"].as_str().unwrap());
    for (line, body, status, param) in [
        (&line, json!({"overlap": "8d"}), 400, "overlap"),
        (&line, json!({"overlap": 5}), 400, "overlap"),
        (&other_line, json!({}), 400, "install"),
    ] {
        let (found, wanted, _) = server.refused(line, body).await;
        assert_eq!((found, wanted.as_str()), (status, param));
    }
}

#[tokio::test]
async fn keys_of_every_kind() {
    let server = Server::peopled().await;
    let install = server.ok("POST /v1/installs", json!({"app": "com.example.a", "account": "acct_cactus"})).await;
    let at = server.admin.api.now().plus(60).as_unix();
    for (more, masked, app) in [
        (json!({"kind": "secret", "mode": "live"}), "sk_live_****", false),
        (json!({"kind": "publishable"}), "pk_test_****", false),
        (json!({"kind": "restricted", "permissions": ["app_install_read"]}), "rk_test_****", false),
        (json!({"kind": "restricted", "app": "com.example.a", "permissions": ["secret_read"]}), "rk_test_****", true),
        (json!({"kind": "oauth", "app": "com.example.a", "expires_in": "1h"}), "rk_test_****", true),
        (json!({"kind": "oauth", "app": "com.example.a", "value": "sk_test_0123456789abcdef"}), "****", true),
        (json!({"kind": "embedded", "app": "com.example.a", "user": "usr_1", "expires_at": at}), "ek_test_****", true),
        (json!({"kind": "secret", "value": "sk_test_mine"}), "sk_test_****", false),
    ] {
        let mut body = json!({"account": "acct_cactus"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let created = server.ok("POST /v1/keys", body).await;
        let id = created["id"].as_str().unwrap();
        assert!(created["masked"].as_str().unwrap().starts_with(masked), "{created}");
        assert_eq!(created["install"], if app { install["id"].clone() } else { Value::Null });
        let mut shown = created.clone();
        shown.as_object_mut().unwrap().remove("value");
        assert_eq!(server.ok(&format!("GET /v1/keys/{id}"), Value::Null).await, shown);
    }
    let page = server.ok("GET /v1/keys?app=com.example.a&kind=oauth", Value::Null).await;
    assert_eq!(page["data"].as_array().unwrap().len(), 2);
    let key = page["data"][0]["id"].as_str().unwrap();
    let (status, param, _) = server.refused(&format!("POST /v1/keys/{key}/roll"), Value::Null).await;
    assert_eq!((status, param.as_str()), (400, "key"));
}

#[tokio::test]
async fn keys_are_rolled_expired_and_revoked() {
    let server = Server::peopled().await;
    let created = server.ok("POST /v1/keys", json!({"kind": "secret", "account": "acct_dev"})).await;
    let id = created["id"].as_str().unwrap();
    let rolled = server.ok(&format!("POST /v1/keys/{id}/roll"), json!({"overlap": "1h"})).await;
    assert_ne!(rolled["value"], created["value"]);
    let fresh = rolled["id"].as_str().unwrap();
    let expired = server.ok(&format!("POST /v1/keys/{fresh}/expire"), json!({"expires_in": "1h"})).await;
    assert!(expired["expires_at"].is_i64());
    let revoked = server.ok(&format!("POST /v1/keys/{fresh}/revoke"), Value::Null).await;
    assert_eq!(revoked["status"], "revoked");
    let token = server.ok("POST /v1/tokens", json!({"role": "operator"})).await;
    let token = token["id"].as_str().unwrap();
    for (line, body, status, param) in [
        (format!("POST /v1/keys/{fresh}/roll"), json!({}), 409, "key"),
        (format!("POST /v1/keys/{fresh}/expire"), json!({"expires_in": "1h"}), 409, "key"),
        (format!("POST /v1/keys/{id}/expire"), json!({}), 400, "expires_at"),
        (format!("POST /v1/keys/{id}/expire"), json!({"expires_at": 5}), 400, "expires_at"),
        (format!("POST /v1/keys/{id}/expire"), json!({"expires_in": "1h", "expires_at": 5}), 400, "expires_at"),
        ("POST /v1/keys/key_x/revoke".to_owned(), json!({}), 404, "key"),
        (format!("POST /v1/keys/{token}/revoke"), json!({}), 404, "key"),
        (format!("POST /v1/tokens/{id}/revoke"), json!({}), 404, "token"),
    ] {
        let (found, wanted, _) = server.refused(&line, body).await;
        assert_eq!((found, wanted.as_str()), (status, param), "{line}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be() {
    let server = Server::peopled().await;
    for (more, status, param) in [
        (json!({"kind": "other"}), 400, "kind"),
        (json!({"kind": "secret", "app": "com.example.a"}), 400, "app"),
        (json!({"kind": "secret", "user": "usr_1"}), 400, "user"),
        (json!({"kind": "oauth"}), 400, "app"),
        (json!({"kind": "embedded", "app": "com.example.a"}), 400, "user"),
        (json!({"kind": "embedded", "user": "usr_1"}), 400, "app"),
        (json!({"kind": "oauth", "app": "com.x"}), 404, "app"),
        (json!({"kind": "restricted"}), 400, "permissions"),
        (json!({"kind": "secret", "permissions": []}), 400, "permissions"),
        (json!({"kind": "secret", "value": "rk_test_x"}), 400, "value"),
        (json!({"kind": "secret", "value": "sk_live_x"}), 400, "value"),
        (json!({"kind": "secret", "expires_at": 1}), 400, "expires_at"),
        (json!({"kind": "secret", "expires_in": "0s"}), 400, "expires_in"),
        (json!({"kind": "embedded", "app": "com.example.a", "user": "u", "expires_in": "2h"}), 400, "expires_in"),
        (
            json!({"kind": "embedded", "app": "com.example.a", "user": "u", "expires_at": 3_976_214_400_i64}),
            400,
            "expires_at",
        ),
        (json!({"kind": "secret", "account": "acct_none"}), 404, "account"),
        (json!({"kind": "secret", "mode": "both"}), 400, "mode"),
    ] {
        let mut body = json!({"account": "acct_dev"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let (found, wanted, message) = server.refused("POST /v1/keys", body).await;
        assert_eq!((found, wanted.as_str()), (status, param), "{more}: {message}");
        assert!(!message.contains("sk_live_x") && !message.contains("rk_test_x"), "{message}");
    }
}

#[tokio::test]
async fn sessions_need_an_install() {
    let server = Server::peopled().await;
    let session = |more: Value| {
        let mut body = json!({"app": "com.example.a", "account": "acct_cactus", "user": "usr_1"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(server.refused("POST /v1/sessions", session(json!({}))).await.0, 409);
    server.ok("POST /v1/installs", json!({"app": "com.example.a", "account": "acct_cactus"})).await;
    let opened = server.ok("POST /v1/sessions", session(json!({"expires_in": "1h"}))).await;
    assert!(opened["key"].as_str().unwrap().starts_with("ek_test_"));
    for (more, status, param) in [
        (json!({"expires_in": "2h"}), 400, "expires_in"),
        (json!({"mode": "live"}), 409, "app"),
        (json!({"account": "acct_none"}), 404, "account"),
    ] {
        let (found, wanted, _) = server.refused("POST /v1/sessions", session(more)).await;
        assert_eq!((found, wanted.as_str()), (status, param));
    }
}

/// The body of a decision.
fn decision(app: &str, more: &Value) -> Value {
    let mut body = json!({"app": app, "account": "acct_cactus", "user": "usr 1"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn rule_15_12_and_15_13_consent() {
    let server = Server::peopled().await;
    let mut oauth = manifest("1", &["secret_write"]);
    oauth["id"] = json!("com.example.oauth");
    oauth["stripe_api_access_type"] = json!("oauth");
    server.ok("POST /v1/apps", json!({"owner": "acct_dev", "manifest": oauth})).await;
    let line = "POST /v1/authorizations";
    let preview = server.ok(line, decision("com.example.a", &json!({"decision": "preview"}))).await;
    assert_eq!(
        preview["permissions"],
        json!([{"permission": "secret_write", "purpose": "Keeps the key", "granted": false}])
    );
    let denied = server.ok(line, decision("com.example.a", &json!({"decision": "deny", "state": "a b"}))).await;
    let expected = "https://example.com/callback?error=access_denied&error_description=The%20user%20denied%20your%20request&state=a%20b";
    assert_eq!(denied["redirect_to"], expected);
    let denied = server.ok(line, decision("com.example.a", &json!({"decision": "deny", "state": ""}))).await;
    assert_eq!(denied["redirect_to"], expected.trim_end_matches("&state=a%20b"), "an empty state is none");
    assert_eq!(server.ok("GET /v1/installs", Value::Null).await["data"], json!([]), "nothing was written");
    let allow = |more: Value| {
        let mut more = more;
        more["decision"] = json!("allow");
        more
    };
    let signed = server.ok(line, decision("com.example.a", &allow(json!({"state": "s"})))).await;
    let to = signed["redirect_to"].as_str().unwrap();
    let begins = "https://example.com/callback?user_id=usr%201&account_id=acct_cactus&state=s&install_signature=t%3D";
    assert!(to.starts_with(begins) && to.ends_with("&livemode=false"), "{to}");
    assert_eq!(signed["install"]["permissions_granted"], json!(["secret_write"]));
    let challenge = json!({"code_challenge": "a".repeat(43), "code_challenge_method": "S256", "mode": "live"});
    let coded = server.ok(line, decision("com.example.oauth", &allow(challenge))).await;
    let to = coded["redirect_to"].as_str().unwrap();
    assert!(to.starts_with("https://example.com/callback?code=ac_") && !to.contains("state"), "{to}");
    assert_eq!((&coded["install"]["livemode"], &coded["install"]["auth_code"]), (&json!(true), &Value::Null));
}

#[tokio::test]
async fn rule_15_12_refusals_have_the_envelope_of_section_6() {
    let server = Server::peopled().await;
    for (app, more, status, param) in [
        ("com.x", json!({"decision": "preview"}), 404, "app"),
        ("com.example.a", json!({"decision": "maybe"}), 400, "decision"),
        ("com.example.a", json!({}), 400, "decision"),
        ("com.example.a", json!({"decision": "allow", "account": "acct_none"}), 404, "account"),
        ("com.example.a", json!({"decision": "allow", "redirect_uri": "https://evil.example/"}), 400, "redirect_uri"),
        (
            "com.example.a",
            json!({"decision": "allow", "code_challenge": "short", "code_challenge_method": "S256"}),
            400,
            "code_challenge",
        ),
        ("com.example.a", json!({"decision": "allow", "code_challenge": "a".repeat(43)}), 400, "code_challenge_method"),
        ("com.example.a", json!({"decision": "allow", "code_challenge_method": "S256"}), 400, "code_challenge"),
        (
            "com.example.a",
            json!({"decision": "allow", "code_challenge": "a".repeat(43), "code_challenge_method": "plain"}),
            400,
            "code_challenge_method",
        ),
        ("com.example.a", json!({"decision": "allow", "scope": "x"}), 400, "scope"),
        ("com.example.a", json!({"decision": "allow", "livemode": "false"}), 400, "livemode"),
    ] {
        let answered = server.ask("POST /v1/authorizations", &decision(app, &more)).await;
        let error = &answered.body["error"];
        assert_eq!((answered.status, error["param"].as_str()), (status, Some(param)), "{more}: {error}");
        assert_eq!(error["type"], "invalid_request_error");
        assert_eq!(error["code"].is_string(), error["doc_url"].is_string(), "{error}");
    }
}
