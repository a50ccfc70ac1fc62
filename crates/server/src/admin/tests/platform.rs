use super::inventory::put;
use super::*;

const FILE: &str = r#"
    accounts = [{ id = "acct_dev", users = ["usr_1"] }, { id = "acct_cactus" }]
    apps = [{ id = "com.example.a", owner = "acct_dev", api_access = "restricted_api_key", permissions = [{ permission = "secret_write" }] }]
    installs = [{ app = "com.example.a", account = "acct_cactus" }]
    keys = [{ kind = "secret", account = "acct_dev" }]
    webhooks = [{ account = "acct_dev", url = "https://example.com/hook" }]
"#;

/// What an entry of the audit log says, in one line.
fn told(entry: &Value) -> String {
    let subject = entry["subject"].as_object().unwrap();
    let words =
        ["kind", "account", "connected", "disconnected", "install", "channel", "granted", "withdrawn", "url", "prune"];
    let said = words.iter().filter_map(|word| Some(format!(" {word}={}", subject.get(*word)?.as_str()?)));
    entry["action"].as_str().unwrap().to_owned() + &said.collect::<String>()
}

#[tokio::test]
async fn each_step_is_in_the_audit_log_with_the_token_that_asked() {
    let server = Server::start().await;
    let token = server.ok("POST /v1/tokens", json!({"role": "operator"})).await;
    let ask = |text: String, prune: bool| {
        let body = json!({"text": text, "prune": prune}).to_string();
        let (server, value) = (&server, token["value"].as_str().unwrap());
        async move { server.send(Some(value), "POST /v1/platform", &body).await }
    };
    assert_eq!(ask(FILE.to_owned(), false).await.status, 200);
    let log = || server.ok("GET /v1/audit?limit=100", Value::Null);
    let first = log().await;
    let first = first["data"].as_array().unwrap();
    let install = server.ok("GET /v1/installs", Value::Null).await["data"][0]["id"].as_str().unwrap().to_owned();
    let entries: Vec<_> = first.iter().rev().map(told).collect();
    assert_eq!(
        entries,
        [
            "key.created kind=admin".to_owned(),
            "account.created account=acct_dev".to_owned(),
            "user.added account=acct_dev".to_owned(),
            "account.created account=acct_cactus".to_owned(),
            "app.created account=acct_dev".to_owned(),
            format!("install.created account=acct_cactus install={install} channel=testing granted=secret_write"),
            "key.created kind=secret account=acct_dev".to_owned(),
            "webhook.created account=acct_dev url=https://example.com".to_owned(),
            "platform.applied prune=false".to_owned(),
        ]
    );
    assert!(first[..8].iter().all(|entry| entry["actor"] == token["id"]), "{first:?}");

    // Connections and grants are named, as they come and go.
    let connected = FILE.replace(r#"{ id = "acct_cactus" }"#, r#"{ id = "acct_cactus", connected_to = ["acct_dev"] }"#);
    let withdrawn =
        connected.replace(r#"account = "acct_cactus" }]"#, r#"account = "acct_cactus", permissions = [] }]"#);
    for (text, expected) in [
        (&*connected, "account.changed account=acct_cactus connected=acct_dev".to_owned()),
        (
            &*withdrawn,
            format!(
                "install.permissions_changed account=acct_cactus install={install} channel=testing withdrawn=secret_write"
            ),
        ),
    ] {
        assert_eq!(ask(text.to_owned(), false).await.status, 200, "{text}");
        let log = log().await;
        assert_eq!(told(&log["data"][1]), expected);
    }

    // A file of less, pruned: what goes is named, key by key.
    let accounts = r#"accounts = [{ id = "acct_dev" }, { id = "acct_cactus" }]"#;
    assert_eq!(ask(accounts.to_owned(), true).await.status, 200);
    let second = log().await;
    let news = &second["data"].as_array().unwrap()[..4];
    let entries: Vec<_> = news.iter().rev().map(told).collect();
    assert_eq!(
        entries,
        [
            format!("install.uninstalled account=acct_cactus install={install}"),
            "key.revoked kind=secret account=acct_dev".to_owned(),
            "webhook.deleted account=acct_dev url=https://example.com".to_owned(),
            "platform.applied prune=true".to_owned(),
        ]
    );
    assert!(news.iter().all(|entry| entry["actor"] == token["id"]), "{news:?}");
}

#[tokio::test]
async fn what_was_drawn_is_shown_once() {
    let server = Server::start().await;
    let applied = server.ok("POST /v1/platform", json!({"text": FILE})).await;
    assert!(applied["keys"][0]["value"].as_str().unwrap().starts_with("sk_test_"));
    let secrets = applied["secrets"].as_array().unwrap();
    let shown: Vec<_> = secrets.iter().map(|own| (own["kind"].as_str().unwrap(), &own["app"], &own["url"])).collect();
    let (app, url) = (json!("com.example.a"), json!("https://example.com/hook"));
    assert_eq!(shown, [("signing_secret", &app, &Value::Null), ("webhook_secret", &Value::Null, &url)]);
    let webhooks = server.ok("GET /v1/webhooks", Value::Null).await;
    assert_eq!(secrets[1]["webhook"], webhooks["data"][0]["id"]);
    for (secret, prefix) in secrets.iter().zip(["absec_", "whsec_"]) {
        assert!(secret["value"].as_str().unwrap().starts_with(prefix));
    }
    for body in [json!({"text": FILE}), json!({"text": FILE, "dry_run": true})] {
        let again = server.ok("POST /v1/platform", body).await;
        assert_eq!((&again["keys"], &again["secrets"]), (&json!([]), &json!([])), "nothing is drawn anew");
    }
}

/// Contract 16.1: the key is the app's, and no file can be expected to name it.
#[tokio::test]
async fn rule_16_1_pruning_leaves_issued_keys_alone() {
    let server = Server::start().await;
    server.ok("POST /v1/platform", json!({"text": FILE})).await;
    let install = server.ok("GET /v1/installs", Value::Null).await["data"][0]["id"].as_str().unwrap().to_owned();
    for overlap in [json!({}), json!({"overlap": "24h"})] {
        server.ok(&format!("POST /v1/installs/{install}/keys"), overlap).await;
    }
    for kind in ["secret", "restricted"] {
        let app = if kind == "restricted" { json!("com.example.a") } else { Value::Null };
        server.ok("POST /v1/keys", json!({"kind": kind, "account": "acct_cactus", "app": app})).await;
    }
    let live = || async {
        let keys = server.ok("GET /v1/keys?account=acct_cactus&live=true", Value::Null).await;
        let keys = keys["data"].as_array().unwrap();
        let mut kinds: Vec<_> = keys.iter().map(|own| own["kind"].as_str().unwrap().to_owned()).collect();
        kinds.sort_unstable();
        kinds
    };
    assert_eq!(live().await, ["restricted", "restricted", "restricted", "secret"]);
    server.ok("POST /v1/platform", json!({"text": FILE, "prune": true})).await;
    assert_eq!(live().await, ["restricted", "restricted"], "the one that was issued, and the one before it");
}

/// Contract 16.2: an install has one restricted key, whoever makes it.
#[tokio::test]
async fn rule_16_2_a_declared_restricted_key_ends_the_issued_one() {
    let server = Server::start().await;
    server.ok("POST /v1/platform", json!({"text": FILE})).await;
    let install = server.ok("GET /v1/installs", Value::Null).await["data"][0]["id"].as_str().unwrap().to_owned();
    server.ok(&format!("POST /v1/installs/{install}/keys"), json!({})).await;
    let list = || server.ok("GET /v1/keys?account=acct_cactus&live=true", Value::Null);
    let issued = list().await["data"][0]["id"].as_str().unwrap().to_owned();
    let declared = r#"keys = [{ kind = "restricted", account = "acct_cactus", app = "com.example.a", value = "rk_test_declared" },"#;
    let text = FILE.replace("keys = [", declared);
    let body = |prune| json!({"text": text, "allow_values": true, "prune": prune});
    let applied = server.ok("POST /v1/platform", body(false)).await;
    let plan: Vec<_> =
        applied["plan"].as_array().unwrap().iter().map(|line| (&line["action"], &line["name"])).collect();
    let (create, remove, name) =
        (json!("create"), json!("remove"), json!("restricted key of acct_cactus for com.example.a (test)"));
    assert_eq!(plan, [(&create, &name), (&remove, &json!(issued))]);
    let live = list().await;
    assert_eq!(live["data"].as_array().unwrap().len(), 1);
    assert_ne!(live["data"][0]["id"], json!(issued));
    for prune in [false, true] {
        assert_eq!(server.ok("POST /v1/platform", body(prune)).await["plan"], json!([]), "{prune}");
    }
}

#[tokio::test]
async fn secrets_that_can_be_guessed_are_refused() {
    let server = Server::peopled().await;
    for (secret, status) in
        [("whsec_a", 400), ("whsec_abcdefghijklmnopqrstuvw", 400), ("whsec_abcdefghijklmnopqrstuvwx", 200)]
    {
        let new = json!({"account": "acct_dev", "url": "https://example.com/", "secret": secret});
        assert_eq!(server.ask("POST /v1/webhooks", &new).await.status, status, "{secret}");
        let text = format!(
            "accounts = [{{ id = \"acct_dev\" }}]\nwebhooks = [{{ account = \"acct_dev\", url = \"https://example.com/2\", secret = \"{secret}\" }}]"
        );
        let own = secret.replace("whsec_", "absec_");
        let app = format!(
            "accounts = [{{ id = \"acct_dev\" }}]\napps = [{{ id = \"com.example.b\", owner = \"acct_dev\", signing_secret = \"{own}\" }}]"
        );
        for text in [text, app] {
            let answered =
                server.ask("POST /v1/platform", &json!({"text": text, "dry_run": true, "allow_values": true})).await;
            assert_eq!(answered.status, status, "{secret}: {}", answered.body);
            assert!([secret, &own].iter().all(|given| !answered.body.to_string().contains(given)));
        }
        let new =
            json!({"owner": "acct_dev", "manifest": {"id": "com.example.c", "version": "1"}, "signing_secret": own});
        assert_eq!(server.ask("POST /v1/apps", &new).await.status, status, "{own}");
    }
}

#[tokio::test]
async fn values_in_the_file_are_refused_unless_they_are_allowed() {
    let server = Server::peopled().await;
    let (account, app) = (r#"accounts = [{ id = "acct_dev" }]"#, r#"{ id = "com.example.a", owner = "acct_dev""#);
    for (given, value) in [
        (r#"keys = [{ kind = "secret", account = "acct_dev", value = "sk_test_given" }]"#.to_owned(), "sk_test_given"),
        (format!(r#"apps = [{app}, signing_secret = "absec_givenABCDEFGHIJKLMNOPQRS" }}]"#), "absec_givenABCDEFGHIJKLMNOPQRS"),
        (
            r#"webhooks = [{ account = "acct_dev", url = "https://example.com/", secret = "whsec_abcdefghijklmnopqrstuvwx" }]"#
                .to_owned(),
            "whsec_abcdefghijklmnopqrstuvwx",
        ),
    ] {
        for dry_run in [true, false] {
            for (allow_values, status) in [(None, 400), (Some(false), 400), (Some(true), 200)] {
                let body = json!({"text": format!("{account}\n{given}"), "dry_run": dry_run, "allow_values": allow_values});
                let answered = server.ask("POST /v1/platform", &body).await;
                assert_eq!(answered.status, status, "{given}: {}", answered.body);
                assert!(!answered.body.to_string().contains(value), "{}", answered.body);
                let param = &answered.body["error"]["param"];
                assert_eq!(*param, if status == 400 { json!("allow_values") } else { Value::Null });
            }
        }
    }
}

/// Contract 14.5: what the last install of a developer's apps leaves behind goes, and nothing before that.
#[tokio::test]
async fn rule_14_5_a_plan_says_what_the_end_of_an_install_erases() {
    let server = Server::start().await;
    let app = |id: &str| {
        format!(
            r#"{{ id = "com.example.{id}", owner = "acct_dev", permissions = [{{ permission = "secret_write" }}] }}"#
        )
    };
    let file = |installs: &[&str]| {
        let of = |id: &&str| format!(r#"{{ app = "com.example.{id}", account = "acct_cactus" }}"#);
        let installs: Vec<_> = installs.iter().map(of).collect();
        let apps = ["a", "b", "c"].map(app).join(", ");
        let accounts = r#"[{ id = "acct_dev" }, { id = "acct_cactus" }]"#;
        format!("accounts = {accounts}\napps = [{apps}]\ninstalls = [{}]", installs.join(", "))
    };
    server.ok("POST /v1/platform", json!({"text": file(&["a", "b"])})).await;
    let erases = |installs: &'static [&'static str]| {
        let (server, body) = (&server, json!({"text": file(installs), "prune": true, "dry_run": true}));
        async move {
            let planned = server.ok("POST /v1/platform", body).await;
            let lines = planned["plan"].as_array().unwrap().iter();
            let removed = lines.filter(|line| line["action"] == "remove");
            removed.map(|line| line["detail"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        }
    };
    assert_eq!(erases(&[]).await, ["erases nothing", "erases nothing"], "there is nothing yet");
    for (user, name) in [(None, "one"), (None, "two"), (Some("usr_1"), "three")] {
        put(&server, user, name, None).await;
    }
    let everything = "erases, after the grace period if there is one: secrets 3, scopes 2";
    for (installs, expected) in [
        (&["a", "b"][..], &[][..]),
        (&["a"], &["erases nothing"]),
        (&[], &["erases nothing", everything]),
        (&["c"], &["erases nothing", "erases nothing"]),
    ] {
        assert_eq!(erases(installs).await, expected, "{installs:?}");
    }
    let done = server.ok("POST /v1/platform", json!({"text": file(&[]), "prune": true})).await;
    let details: Vec<_> =
        done["plan"].as_array().unwrap().iter().map(|line| line["detail"].as_str().unwrap()).collect();
    assert_eq!(details, ["erases nothing", everything], "what was done says what the dry run said");
}
