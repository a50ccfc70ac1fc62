use super::*;

#[tokio::test]
async fn urls_of_endpoints_are_checked() {
    let reach = Reach::Public {
        allowed_private_networks: vec![crate::config::Network::parse("10.1.0.0/16").unwrap()],
        allow_plain_http: false,
    };
    let server = Server::start_with(reach).await;
    for (url, expected) in [
        ("https://example.com/hook", None),
        ("https://10.1.2.3/hook", None),
        ("https://8.8.8.8/hook", None),
        ("http://example.com/hook", Some("not https")),
        ("https://127.0.0.1/hook", Some("not globally reachable")),
        ("https://169.254.169.254/latest", Some("not globally reachable")),
        ("https://[::1]/hook", Some("not globally reachable")),
        ("https://user:canary@example.com/", Some("no legal host")),
        ("ftp://example.com/", Some("neither")),
        ("hook", Some("neither")),
    ] {
        let answered = server.ask("POST /v1/webhooks", &json!({"url": url})).await;
        let error = &answered.body["error"];
        match expected {
            None => assert_eq!(answered.status, 200, "{url}: {error}"),
            Some(words) => {
                assert_eq!((answered.status, &error["param"]), (400, &json!("url")), "{url}");
                let message = error["message"].as_str().unwrap();
                assert!(message.contains(words) && !message.contains("canary"), "{url}: {message}");
            }
        }
    }
    assert_eq!(server.ok("GET /v1/webhooks", Value::Null).await["data"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn endpoints_are_rolled_and_deleted() {
    let server = Server::peopled().await;
    let body = json!({"account": "acct_dev", "url": "http://127.0.0.1:1/", "connect": true, "mode": "live"});
    let created = server.ok("POST /v1/webhooks", body).await;
    let id = created["id"].as_str().unwrap();
    let shown = server.ok(&format!("GET /v1/webhooks/{id}"), Value::Null).await;
    assert_eq!((&shown["connect"], &shown["mode"], &shown["events"]), (&json!(true), &json!("live"), &json!(["*"])));
    let rolled = server.ok(&format!("POST /v1/webhooks/{id}/roll"), json!({"overlap": "1h"})).await;
    assert_ne!(rolled["secret"], created["secret"]);
    for (line, found) in [
        ("GET /v1/webhooks?account=acct_dev", 1),
        ("GET /v1/webhooks?account=acct_cactus", 0),
        ("GET /v1/webhooks?mode=test", 0),
    ] {
        assert_eq!(server.ok(line, Value::Null).await["data"].as_array().unwrap().len(), found, "{line}");
    }
    server.ok(&format!("DELETE /v1/webhooks/{id}"), Value::Null).await;
    for line in [format!("GET /v1/webhooks/{id}"), format!("DELETE /v1/webhooks/{id}"), "GET /v1/webhooks/x".to_owned()]
    {
        let (status, param, _) = server.refused(&line, Value::Null).await;
        assert_eq!((status, param.as_str()), (404, "webhook"), "{line}");
    }
}

#[tokio::test]
async fn deliveries_are_listed_and_made_again() {
    let server = Server::peopled().await;
    let body = json!({"account": "acct_dev", "url": "http://127.0.0.1:1/", "connect": true});
    let hook = server.ok("POST /v1/webhooks", body).await;
    server.ok("POST /v1/installs", json!({"app": "com.example.a", "account": "acct_cactus"})).await;
    let all = server.ok("GET /v1/deliveries", Value::Null).await;
    assert_eq!(all["data"].as_array().unwrap().len(), 2, "created, and authorized");
    let first = server.ok("GET /v1/deliveries?limit=1", Value::Null).await;
    assert_eq!(first["has_more"], true);
    let next = first["next"].as_str().unwrap();
    let second = server.ok(&format!("GET /v1/deliveries?limit=1&starting_after={next}"), Value::Null).await;
    assert_eq!((&second["data"][0], &second["has_more"]), (&all["data"][1], &json!(false)));
    let event = all["data"][0]["event"].as_str().unwrap();
    let of_event = server.ok(&format!("GET /v1/deliveries?event={event}"), Value::Null).await;
    assert_eq!(of_event["data"], json!([all["data"][0]]));
    assert_eq!((&all["data"][0]["webhook"], &all["data"][0]["status"]), (&hook["id"], &json!("pending")));
    server.ok("POST /v1/deliveries/resend", json!({"event": event, "webhook": hook["id"]})).await;
    assert_eq!(server.actions().await[0], "delivery.resent");
    let unknown = format!("evt_{}", "a".repeat(24));
    for (body, param) in [
        (json!({"event": unknown, "webhook": hook["id"]}), "event"),
        (json!({"event": "evt_x", "webhook": hook["id"]}), "event"),
        (json!({"event": event, "webhook": "we_x"}), "webhook"),
        (json!({"event": event, "webhook": format!("we_{}", "a".repeat(24))}), "webhook"),
    ] {
        let (status, found, _) = server.refused("POST /v1/deliveries/resend", body).await;
        assert_eq!((status, found.as_str()), (404, param));
    }
}
