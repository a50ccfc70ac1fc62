use super::*;

/// What the example endpoint takes.
const TAKES: &[Member] = &[
    route::member("name", Kind::Text, "").required(),
    route::member("mode", Kind::Word(&["live", "test"]), ""),
    route::member("overlap", Kind::Span, ""),
    route::member("list", Kind::Texts, ""),
    route::member("limit", Kind::Integer, ""),
    route::member("flag", Kind::Flag, ""),
    route::member("manifest", Kind::Document, ""),
];

/// Status, `param` and the words of a message that no example shows anything of.
fn refusal(given: Result<Given, Failure>) -> Result<(), (String, String)> {
    let Err(failure) = given else { return Ok(()) };
    let (status, body) = failure.answer();
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let body: Value = serde_json::from_slice(&body).unwrap();
    let text = |key: &str| body["error"][key].as_str().unwrap_or("-").to_owned();
    Err((text("param"), text("message")))
}

#[test]
fn bodies_are_checked_and_nothing_of_them_is_shown() {
    let secret = "sk_live_verysecret";
    for (body, expected) in [
        (json!({"name": secret}), None),
        (json!({"name": secret, "mode": null, "list": null}), None),
        (json!({"name": secret, "mode": "live", "overlap": "24h", "list": ["a"], "limit": 5, "flag": true}), None),
        (json!({"name": secret, "manifest": {"id": secret}}), None),
        (json!({"name": secret, "manifest": secret}), None),
        (json!({"nome": secret}), Some(("nome", "Received unknown parameter: nome"))),
        (json!({secret.repeat(4): 1}), Some(("****", "Received unknown parameter: ****"))),
        (json!({"a": 1, "b": 2}), Some(("a", "Received unknown parameters: a, b"))),
        (json!({}), Some(("name", "Missing required param: name."))),
        (json!({"name": null}), Some(("name", "Missing required param: name."))),
        (json!({"name": ""}), Some(("name", "You passed an empty string"))),
        (json!({"name": [secret]}), Some(("name", "Invalid string: ****"))),
        (json!({"name": "a\0"}), Some(("name", "NUL"))),
        (json!({"name": secret.repeat(500)}), Some(("name", "at most 5000 characters"))),
        (json!({"name": "a", "mode": secret}), Some(("mode", "Invalid mode: must be one of live or test"))),
        (json!({"name": "a", "overlap": secret}), Some(("overlap", "s, m, h, d"))),
        (json!({"name": "a", "overlap": 5}), Some(("overlap", "Invalid string"))),
        (json!({"name": "a", "list": secret}), Some(("list", "Invalid array"))),
        (json!({"name": "a", "list": [1]}), Some(("list", "Invalid string"))),
        (json!({"name": "a", "list": [""]}), Some(("list", "Invalid string"))),
        (json!({"name": "a", "limit": secret}), Some(("limit", "Invalid integer: ****"))),
        (json!({"name": "a", "limit": 1.5}), Some(("limit", "Invalid integer"))),
        (json!({"name": "a", "flag": secret}), Some(("flag", "must be true or false"))),
        (json!({"name": "a", "manifest": [secret]}), Some(("manifest", "Invalid object"))),
        (json!([secret]), Some(("-", "no object"))),
    ] {
        let found = refusal(Given::of_body(TAKES, body.to_string().as_bytes()));
        match (found, expected) {
            (Ok(()), None) => {}
            (Err((param, message)), Some((wanted, words))) => {
                assert_eq!(param, wanted, "{body}: {message}");
                assert!(message.contains(words) && !message.contains("verysecret"), "{body}: {message}");
            }
            (found, _) => panic!("{body}: {found:?}"),
        }
    }
    for text in [&format!("{{\"name\": {secret}}}"), "{", "{\"name\": \"a\"} x"] {
        let (_, message) = refusal(Given::of_body(TAKES, text.as_bytes())).unwrap_err();
        assert!(message.contains("not JSON (line 1, column") && !message.contains("verysecret"), "{message}");
    }
}

/// The last of two members is what `serde_json` would take: `{"role": "auditor", "role": "operator"}` would make an operator.
#[test]
fn a_member_stands_once() {
    for (body, expected) in [
        (r#"{"name": "a", "name": "b"}"#, ("name", "`name` twice")),
        (r#"{"name": "a", "name": "a"}"#, ("name", "`name` twice")),
        (r#"{"name": "a", "mode": null, "mode": "live"}"#, ("mode", "`mode` twice")),
        (r#"{"name": "a", "manifest": {"id": "a", "id": "b"}}"#, ("-", "`id` twice")),
        (r#"{"name": "a", "manifest": {"list": [{"x": 1, "x": 2}]}}"#, ("-", "`x` twice")),
        (r#"{"other": 1, "other": 2}"#, ("-", "`other` twice")),
    ] {
        let (param, message) = refusal(Given::of_body(TAKES, body.as_bytes())).unwrap_err();
        assert_eq!(param, expected.0, "{body}");
        assert!(message.contains(expected.1), "{body}: {message}");
    }
}

#[test]
fn queries_are_read_as_their_kinds() {
    let query = |text: &str| pairs(text).and_then(|pairs| Given::of_query(TAKES, pairs));
    for (text, expected) in [
        ("name=a%20b&limit=7&flag=true", None),
        ("name=a&flag=false&overlap=7d", None),
        ("name=a&name=b", Some("-")),
        ("", Some("name")),
        ("name=a&limit=x", Some("limit")),
        ("name=a&flag=1", Some("flag")),
        ("name=a&nome", Some("nome")),
        ("name=%ff", Some("-")),
    ] {
        let found = refusal(query(text)).err();
        assert_eq!(found.as_ref().map(|(param, _)| param.as_str()), expected, "{text}");
    }
    let given = query("name=a+b%2B&limit=7&flag=true&overlap=2h").ok().unwrap();
    assert_eq!((given.text("name"), given.number("limit"), given.flag("flag")), (Some("a b+"), Some(7), true));
    assert_eq!((given.number("overlap"), given.mode().as_str(), given.limit()), (Some(7_200), "test", 7));
}

#[test]
fn pages_are_of_one_to_a_hundred() {
    for (limit, expected) in [("0", 1), ("-5", 1), ("1", 1), ("100", 100), ("101", 100), ("9223372036854775807", 100)] {
        let given = pairs(&format!("name=a&limit={limit}")).and_then(|pairs| Given::of_query(TAKES, pairs));
        assert_eq!(given.ok().unwrap().limit(), expected, "{limit}");
    }
}
