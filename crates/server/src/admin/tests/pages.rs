use super::*;

use call::cut;

/// The numbers of a page of those below `of` that `starting_after` names, in the order of what is left when they are turned round.
fn page(of: u32, after: Option<u32>, limit: &str) -> (Vec<u32>, bool) {
    const TAKES: &[Member] = &[route::member("limit", Kind::Integer, "")];
    let given = Given::of_query(TAKES, vec![("limit".to_owned(), limit.to_owned())]).ok().unwrap();
    // In no order.
    let items = (0..of).map(|number| (number * 7_919) % of.max(1));
    cut(items, std::cmp::Reverse, after, &given)
}

#[test]
fn a_page_is_what_comes_next() {
    for (of, after, limit, expected, has_more) in [
        (0, None, "5", vec![], false),
        (3, None, "5", vec![2, 1, 0], false),
        (5, None, "5", vec![4, 3, 2, 1, 0], false),
        (6, None, "5", vec![5, 4, 3, 2, 1], true),
        (1_000, None, "2", vec![999, 998], true),
        (1_000, Some(500), "2", vec![499, 498], true),
        (1_000, Some(2), "2", vec![1, 0], false),
        (1_000, Some(0), "2", vec![], false),
    ] {
        assert_eq!(page(of, after, limit), (expected, has_more), "{of} {after:?} {limit}");
    }
}

/// Every list, page by page, has each of its objects once.
#[tokio::test]
async fn lists_are_read_to_their_end() {
    let server = Server::peopled().await;
    for number in 0..9 {
        let (name, url) = (format!("acct_{number}"), format!("https://example.com/{number}"));
        server.ok("POST /v1/accounts", json!({"id": name})).await;
        server.ok("POST /v1/accounts/acct_dev/users", json!({"id": name})).await;
        server.ok("POST /v1/keys", json!({"kind": "secret", "account": "acct_dev"})).await;
        server.ok("POST /v1/tokens", json!({"role": "auditor"})).await;
        server.ok("POST /v1/installs", json!({"app": "com.example.a", "account": name})).await;
        server.ok("POST /v1/webhooks", json!({"account": "acct_dev", "url": url})).await;
        server.ok("POST /v1/accounts/acct_dev/users/offboard", json!({"user": format!("usr_{number}")})).await;
    }
    for (list, count) in [
        ("/v1/accounts?", 11),
        ("/v1/accounts/acct_dev/users?", 9),
        ("/v1/apps?", 1),
        ("/v1/keys?", 9),
        ("/v1/keys?account=acct_dev&live=true&", 9),
        ("/v1/keys?account=acct_cactus&", 0),
        ("/v1/tokens?", 9),
        ("/v1/installs?", 9),
        ("/v1/installs?app=com.example.a&mode=test&", 9),
        ("/v1/installs?account=acct_3&", 1),
        ("/v1/webhooks?", 9),
        ("/v1/webhooks?account=acct_dev&", 9),
        ("/v1/erasures?", 9),
    ] {
        let mut ids = Vec::new();
        let mut after = String::new();
        loop {
            let page = server.ok(&format!("GET {list}limit=4{after}"), Value::Null).await;
            let data = page["data"].as_array().unwrap();
            ids.extend(data.iter().map(|own| own["id"].as_str().unwrap().to_owned()));
            if page["has_more"] == false {
                break;
            }
            assert_eq!(data.len(), 4, "{list}");
            after = format!("&starting_after={}", ids.last().unwrap());
        }
        assert_eq!(ids.len(), count, "{list}");
        let whole = server.ok(&format!("GET {list}limit=100"), Value::Null).await;
        let whole: Vec<_> = whole["data"].as_array().unwrap().iter().map(|own| own["id"].as_str().unwrap()).collect();
        assert_eq!(ids, whole, "{list}");
        let (status, param, _) = server.refused(&format!("GET {list}starting_after=nothing"), Value::Null).await;
        assert_eq!((status, param.as_str()), (400, "starting_after"), "{list}");
    }
}

#[tokio::test]
async fn a_page_begins_behind_what_is_of_its_list() {
    let server = Server::peopled().await;
    let key = server.ok("POST /v1/keys", json!({"kind": "secret", "account": "acct_dev"})).await;
    let token = server.ok("POST /v1/tokens", json!({"role": "auditor"})).await;
    let (key, token) = (key["id"].as_str().unwrap(), token["id"].as_str().unwrap());
    server.ok(&format!("POST /v1/keys/{key}/revoke"), Value::Null).await;
    for (list, after, expected) in [
        ("/v1/keys?", key, 200),
        ("/v1/keys?live=true&", key, 200),
        ("/v1/keys?account=acct_cactus&", key, 400),
        ("/v1/keys?", token, 400),
        ("/v1/tokens?", token, 200),
        ("/v1/tokens?", key, 400),
        ("/v1/accounts?", "acct_dev", 200),
        ("/v1/apps?owner=acct_cactus&", "com.example.a", 400),
    ] {
        let answered = server.ask(&format!("GET {list}starting_after={after}"), &Value::Null).await;
        assert_eq!(answered.status, expected, "{list} {after}: {}", answered.body);
    }
}
