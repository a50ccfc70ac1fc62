//! Tables in the order in which the rules fire.

use cholla_domain::list::PageLimit;
use cholla_domain::place::Scope;
use cholla_domain::set::Expansion;
use form_urlencoded::byte_serialize;
use proptest::prelude::*;

use super::*;
use crate::client::{Form, ScopeFields};
use crate::error::testing::summary;
use crate::form::{self, Method};

/// An account scope, as most rows need one.
const ACCOUNT: &str = "scope[type]=account";

fn parameters(form: &str) -> Parameters<'_> {
    form::read(Method::Post, "", None, form.as_bytes()).unwrap()
}

fn scope_text(scope: &Scope) -> String {
    match scope {
        Scope::Account => "account".to_owned(),
        Scope::User(user) => format!("user {}", user.as_str()),
    }
}

fn set_outcome(form: &str) -> String {
    match SetParams::decode(parameters(form)) {
        Err(error) => {
            assert_eq!(error.status(), 400);
            summary(&error)
        }
        Ok(set) => {
            let expires_at = set.expires_at.map(|at| format!(" until {}", at.as_unix())).unwrap_or_default();
            let Expansion { payload, scope } = set.expansion;
            let expansion = format!("{}{}", if payload { " +payload" } else { "" }, if scope { " +scope" } else { "" });
            let (name, payload) = (set.name.as_str(), set.payload.expose_secret());
            format!("ok {name} {payload} {}{expires_at}{expansion}", scope_text(&set.scope))
        }
    }
}

fn list_outcome(form: &str) -> String {
    match ListParams::decode(parameters(form)) {
        Err(error) => summary(&error),
        Ok(ListParams { scope, page }) => {
            let (after, before) = (page.starting_after.unwrap_or_default(), page.ending_before.unwrap_or_default());
            let limit = (0..=100).find(|limit| page.limit == PageLimit::clamp(*limit) && *limit > 0).unwrap();
            let expansion = if page.expand_payload { " +payload" } else { "" };
            format!("ok {} {limit} after {after} before {before}{expansion}", scope_text(&scope))
        }
    }
}

/// Find and delete take the same parameters and refuse the same.
fn check_named(form: &str, expected: &str) {
    let found = FindParams::decode(parameters(form)).map(|find| (find.name, find.scope, find.expand_payload));
    let deleted = DeleteParams::decode(parameters(form)).map(|del| (del.name, del.scope, del.expansion.payload));
    for outcome in [found, deleted] {
        let actual = match outcome {
            Err(error) => summary(&error),
            Ok((name, scope, payload)) => {
                format!("ok {} {}{}", name.as_str(), scope_text(&scope), if payload { " +payload" } else { "" })
            }
        };
        assert_eq!(actual, expected, "{form}");
    }
}

fn check_set(form: &str, expected: &str) {
    assert_eq!(set_outcome(form), expected, "{form}");
}

fn check_list(form: &str, expected: &str) {
    assert_eq!(list_outcome(form), expected, "{form}");
}

fn missing(param: &str) -> String {
    format!("parameter_missing {param} Missing required param: {param}.")
}

fn empty(param: &str) -> String {
    format!(
        "parameter_invalid_empty {param} You passed an empty string for '{param}'. We assume empty values are an attempt to unset a \
         parameter; however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
    )
}

#[test]
fn rule_1_1_and_1_2_and_1_3_and_1_4_legal_parameters() {
    check_set("name=n&payload=p&scope[type]=account", "ok n p account");
    check_set("name=n&payload=p&scope[type]=user&scope[user]=usr_5", "ok n p user usr_5");
    check_set(
        "expand[]=scope&expand[]=payload&expires_at=1956528000&scope[user]=u&scope[type]=user&payload=p&name=n",
        "ok n p user u until 1956528000 +payload +scope",
    );
    check_named("name=n&scope[type]=account", "ok n account");
    check_named("name=n&scope[type]=user&scope[user]=u&expand[0]=payload", "ok n user u +payload");
    check_list("scope[type]=account", "ok account 10 after  before ");
    check_list(
        "scope[type]=user&scope[user]=u&limit=3&starting_after=a&ending_before=b&expand[]=data.payload",
        "ok user u 3 after a before b +payload",
    );
}

#[test]
fn rule_4_8_and_6_21_and_6_22_expand_paths_come_before_everything_else() {
    let not_expandable = |path: &str| format!("- - This property cannot be expanded ({path}).");
    let try_data =
        |path: &str| format!("{} You may want to try expanding 'data.{path}' instead.", not_expandable(path));
    let too_deep = |path: &str| {
        format!("property_expansion_max_depth - You cannot expand more than 4 levels of a property. Property: {path}")
    };
    for (path, of_secret, of_list) in [
        ("foo", not_expandable("foo"), try_data("foo")),
        ("foo.bar", not_expandable("foo.bar"), try_data("foo.bar")),
        ("payload.foo", not_expandable("payload.foo"), try_data("payload.foo")),
        ("Payload", not_expandable("Payload"), try_data("Payload")),
        ("scope.type", not_expandable("scope.type"), try_data("scope.type")),
        ("data.foo", not_expandable("data.foo"), not_expandable("data.foo")),
        ("data.", not_expandable("data."), not_expandable("data.")),
        ("database", not_expandable("database"), try_data("database")),
        ("a.b.c.d", not_expandable("a.b.c.d"), try_data("a.b.c.d")),
        ("a.b.c.d.e", too_deep("a.b.c.d.e"), too_deep("a.b.c.d.e")),
        ("data.a.b.c.d", too_deep("data.a.b.c.d"), too_deep("data.a.b.c.d")),
    ] {
        // Neither an unknown nor a missing parameter is seen first.
        let form = format!("foo=1&expand[]={path}");
        check_set(&form, &of_secret);
        check_named(&form, &of_secret);
        check_list(&form, &of_list);
    }
    check_set("expand[]=data.payload", &not_expandable("data.payload"));
    check_list("expand[]=payload", &try_data("payload"));
    check_list("expand[]=scope", &try_data("scope"));
    check_set("expand[0]=payload&expand[1]=first&expand[2]=second", &not_expandable("first"));
    check_set(&format!("expand[0]={}&expand[1]=second", "x".repeat(5_001)), &not_expandable("second"));
    check_set("expand[0][a]=b&expand[1]=second", &not_expandable("second"));
    check_named(&format!("name=n&{ACCOUNT}&expand[]=scope"), "ok n account");
    check_list(&format!("{ACCOUNT}&expand[]=data&expand[]=data.scope"), "ok account 10 after  before ");
}

#[test]
fn rule_6_5_unknown_parameters_come_next() {
    let unknown = |rest: &str| format!("parameter_unknown {rest}");
    check_set("foo=1", &unknown("foo Received unknown parameter: foo"));
    check_set("foo=1&name=n&bar[x]=2&foo=3", &unknown("foo Received unknown parameters: foo, bar"));
    check_set("scope[foo]=1", &unknown("scope[foo] Received unknown parameter: scope[foo]"));
    check_set(
        "scope[type]=nonsense&scope[0]=1&scope[foo][bar]=2&limit=1",
        &unknown("scope[0] Received unknown parameters: scope[0], scope[foo], limit"),
    );
    check_set("hunter+2=1&scope[hunter+2]=1", &unknown("**** Received unknown parameters: ****, ****"));
    check_set("=hunter2", &unknown("**** Received unknown parameter: ****"));
    check_set("name=&Name=n", &unknown("Name Received unknown parameter: Name"));
    check_set("expand=x&foo=1", &unknown("foo Received unknown parameter: foo"));
    check_named("payload=p", &unknown("payload Received unknown parameter: payload"));
    check_named("expires_at=1&limit=", &unknown("expires_at Received unknown parameters: expires_at, limit"));
    check_list("name=n", &unknown("name Received unknown parameter: name"));
    let many = (1..=12).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    check_list(&many, &unknown("p1 Received unknown parameters: p1, p2, p3, p4, p5, p6, p7, p8, p9, p10, …"));
}

#[test]
fn rule_3_4_parameters_in_the_body_of_a_get_are_unknown() {
    for (query, body, expected) in [
        ("name=n&scope[type]=account", "name=n", "parameter_unknown name Received unknown parameter: name"),
        ("", "scope[type]=account&a=1", "parameter_unknown scope Received unknown parameters: scope, a"),
        ("a=1", "a=1&b=2", "parameter_unknown a Received unknown parameters: a, b"),
    ] {
        let parameters = form::read(Method::Get, query, None, body.as_bytes()).unwrap();
        assert_eq!(summary(&FindParams::decode(parameters).unwrap_err()), expected, "{query} {body}");
    }
}

#[test]
fn rule_6_6_to_6_10_name_then_payload() {
    check_set("", &missing("name"));
    check_set("payload=p&scope=x", &missing("name"));
    check_set("name=", &empty("name"));
    check_set("name&payload=", &empty("name"));
    check_set("name[]=&payload=", r#"- name Invalid string: [""]"#);
    check_set("name[0]=a&name[1]=b", r#"- name Invalid string: {"0":"a","1":"b"}"#);
    check_set("name[a][b]=%22", r#"- name Invalid string: {"a":{"b":"\""}}"#);
    check_set(
        &format!("name={}", "äbcdefghij".repeat(501)),
        "- name Invalid string: äbcd...ghij; must be at most 5000 characters",
    );
    check_set("name=n", &missing("payload"));
    check_set("name=n&payload=&scope=x", &empty("payload"));
    check_set("name=n&payload[hunter]=2", "- payload Invalid string: ****");
    check_set("name=n&payload[]=hunter2", "- payload Invalid string: ****");
    check_set(
        &format!("name=n&payload={}", "x".repeat(5_001)),
        "- payload Invalid string: ****...****; must be at most 5000 characters",
    );
    check_set("name=n&payload=p", &missing("scope"));
    check_named("", &missing("name"));
    check_named("name=", &empty("name"));
    check_named("name=n", &missing("scope"));
    check_list("limit=x", &missing("scope"));
}

#[test]
fn rule_3_6_and_4_6_and_6_6_to_6_11_and_6_16_scope() {
    let long = "äbcdefghij".repeat(501);
    let too_long = "- scope[user] Invalid string: äbcd...ghij; must be at most 5000 characters".to_owned();
    let refused = "- scope[user] Invalid scope[user]: it can only be given when scope[type] is user".to_owned();
    let bad_type = "- scope[type] Invalid scope[type]: must be one of account or user".to_owned();
    for (scope, expected) in [
        ("scope=", missing("scope")),
        ("scope", missing("scope")),
        ("scope=account", "- scope Invalid object".to_owned()),
        ("scope[]=account", "- scope Invalid object".to_owned()),
        ("scope[]=", "- scope Invalid object".to_owned()),
        ("scope[user]=u", missing("scope[type]")),
        ("scope[type]=", empty("scope[type]")),
        ("scope[type]=&scope[user]=", empty("scope[type]")),
        ("scope[type][a]=b", r#"- scope[type] Invalid string: {"a":"b"}"#.to_owned()),
        ("scope[type]=team", bad_type.clone()),
        ("scope[type]=Account", bad_type.clone()),
        (&format!("scope[type]={long}"), bad_type),
        ("scope[type]=user", missing("scope[user]")),
        ("scope[type]=user&scope[user]=", empty("scope[user]")),
        ("scope[type]=account&scope[user]=", empty("scope[user]")),
        ("scope[type]=user&scope[user][]=u", r#"- scope[user] Invalid string: ["u"]"#.to_owned()),
        ("scope[type]=account&scope[user][]=u", r#"- scope[user] Invalid string: ["u"]"#.to_owned()),
        (&format!("scope[type]=user&scope[user]={long}"), too_long.clone()),
        (&format!("scope[type]=account&scope[user]={long}"), too_long),
        ("scope[type]=account&scope[user]=u", refused),
    ] {
        // A later parameter at fault is not seen first.
        check_set(&format!("name=n&payload=p&expires_at=x&expand=x&{scope}"), &expected);
        check_named(&format!("name=n&expand=x&{scope}"), &expected);
        check_list(&format!("limit=x&{scope}"), &expected);
    }
}

#[test]
fn rule_3_9_what_is_set_can_be_found() {
    let not_findable = "- name Invalid name: percent-encoded, name and scope[user] together must be at most 60000 bytes, or the \
                        secret could not be found again";
    let form = |name: &str, user: &str, rest: &str| {
        let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        format!("name={}&payload=p&scope[type]=user&scope[user]={}{rest}", encode(name), encode(user))
    };
    let four_bytes = |count: usize| "🌵".repeat(count);
    for (name, user, legal) in [
        (four_bytes(4_999), "u".repeat(12), true),
        (four_bytes(4_999), "u".repeat(13), false),
        (four_bytes(4_999), " ".repeat(4), true),
        (four_bytes(4_999), " ".repeat(5), false),
        (four_bytes(2_500), four_bytes(2_500), true),
        (four_bytes(2_501), four_bytes(2_500), false),
    ] {
        let outcome = set_outcome(&form(&name, &user, ""));
        assert_eq!(outcome.starts_with("ok"), legal);
        assert_eq!(outcome == not_findable, !legal);
    }
    let both = form(&four_bytes(2_501), &four_bytes(2_500), "&expires_at=x");
    assert_eq!(set_outcome(&both), not_findable, "before expires_at");
    let name = byte_serialize(four_bytes(5_000).as_bytes()).collect::<String>();
    assert!(set_outcome(&format!("name={name}&payload=p&{ACCOUNT}")).starts_with("ok"));
}

#[test]
fn rule_3_5_a_payload_of_5000_four_byte_characters() {
    let payload = "🌵".repeat(5_000);
    let encoded = byte_serialize(payload.as_bytes()).collect::<String>();
    check_set(&format!("name=n&payload={encoded}&{ACCOUNT}"), &format!("ok n {payload} account"));
    check_set(
        &format!("name=n&payload={encoded}a&{ACCOUNT}"),
        "- payload Invalid string: ****...****; must be at most 5000 characters",
    );
}

#[test]
fn rule_3_6_and_6_13_expires_at() {
    let invalid = |shown: &str| format!("parameter_invalid_integer expires_at Invalid integer: {shown}");
    for (value, expected) in [
        ("=1956528000", "ok n p account until 1956528000".to_owned()),
        ("=0", "ok n p account until 0".to_owned()),
        ("=-5", "ok n p account until -5".to_owned()),
        ("=99999999999999999999", format!("ok n p account until {}", i64::MAX)),
        ("=-99999999999999999999", format!("ok n p account until {}", i64::MIN)),
        ("=", empty("expires_at")),
        ("", empty("expires_at")),
        ("=abc", invalid("abc")),
        ("=1.0", invalid("1.0")),
        ("=1e3", invalid("1e3")),
        ("=%2B5", invalid("+5")),
        ("=+5", invalid(" 5")),
        ("=null", invalid("null")),
        ("[]=1", invalid("[\"1\"]")),
        ("[a]=1", invalid("{\"a\":\"1\"}")),
        (&format!("={}", "x".repeat(300)), invalid(&format!("{}...", "x".repeat(200)))),
    ] {
        check_set(
            &format!("expand=x&name=n&payload=p&{ACCOUNT}&expires_at{value}").replace("expand=x&", ""),
            &expected,
        );
    }
    check_set(&format!("expand=x&name=n&payload=p&{ACCOUNT}&expires_at=abc"), &invalid("abc"));
}

#[test]
fn rule_3_6_and_4_7_and_6_13_limit_and_cursors() {
    let invalid = |shown: &str| format!("parameter_invalid_integer limit Invalid integer: {shown}");
    for (rest, expected) in [
        ("limit=", "ok account 10 after  before ".to_owned()),
        ("limit=1", "ok account 1 after  before ".to_owned()),
        ("limit=0", "ok account 1 after  before ".to_owned()),
        ("limit=-7", "ok account 1 after  before ".to_owned()),
        ("limit=100", "ok account 100 after  before ".to_owned()),
        ("limit=1000", "ok account 100 after  before ".to_owned()),
        ("limit=99999999999999999999", "ok account 100 after  before ".to_owned()),
        ("limit=-99999999999999999999", "ok account 1 after  before ".to_owned()),
        ("limit=ten&starting_after[]=x", invalid("ten")),
        ("limit=1.5", invalid("1.5")),
        ("limit[]=1", invalid("[\"1\"]")),
        ("limit[]=", invalid("[\"\"]")),
        ("starting_after=&ending_before=", "ok account 10 after  before ".to_owned()),
        ("starting_after=whatever&ending_before=x", "ok account 10 after whatever before x".to_owned()),
        ("starting_after[]=x&ending_before[]=y", r#"- starting_after Invalid string: ["x"]"#.to_owned()),
        ("ending_before[a]=y&expand=x", r#"- ending_before Invalid string: {"a":"y"}"#.to_owned()),
        (
            &format!("starting_after={}", "ab".repeat(2_501)),
            "- starting_after Invalid string: abab...abab; must be at most 5000 characters".to_owned(),
        ),
        (
            &format!("ending_before={}&expand=x", "ab".repeat(2_501)),
            "- ending_before Invalid string: abab...abab; must be at most 5000 characters".to_owned(),
        ),
        ("expand=x", "- expand Invalid array".to_owned()),
    ] {
        check_list(&format!("{ACCOUNT}&{rest}"), &expected);
    }
}

#[test]
fn rule_3_6_and_4_8_and_6_12_the_shape_of_expand_comes_last() {
    let long = "ab".repeat(2_501);
    for (expand, expected) in [
        ("expand=", "ok n p account".to_owned()),
        ("expand", "ok n p account".to_owned()),
        ("expand[]=", "ok n p account".to_owned()),
        ("expand[0]=", "ok n p account".to_owned()),
        ("expand[]=&expand[]=payload", "ok n p account +payload".to_owned()),
        ("expand[7]=payload", "ok n p account +payload".to_owned()),
        ("expand[]=payload&expand[]=payload", "ok n p account +payload".to_owned()),
        ("expand=payload", "- expand Invalid array".to_owned()),
        ("expand=nonsense", "- expand Invalid array".to_owned()),
        ("expand[a]=payload", "- expand Invalid array".to_owned()),
        ("expand[a]=nonsense", "- expand Invalid array".to_owned()),
        ("expand[-1]=payload", "- expand Invalid array".to_owned()),
        ("expand[][a]=payload", r#"- expand[0] Invalid string: {"a":"payload"}"#.to_owned()),
        ("expand[7][]=payload", r#"- expand[7] Invalid string: ["payload"]"#.to_owned()),
        (
            &format!("expand[]=payload&expand[]={long}"),
            "- expand[1] Invalid string: abab...abab; must be at most 5000 characters".to_owned(),
        ),
    ] {
        check_set(&format!("{expand}&name=n&payload=p&{ACCOUNT}"), &expected);
        if !expected.starts_with("ok") {
            check_set(&format!("{expand}&name=&payload=p&{ACCOUNT}"), &empty("name"));
        }
    }
}

#[test]
fn rule_3_7_and_3_8_values_are_taken_as_they_are() {
    check_set(&format!("name=null&payload=null&{ACCOUNT}"), "ok null null account");
    check_set(&format!("name=+a+&payload=%0A%09+&{ACCOUNT}"), "ok  a  \n\t  account");
    check_set(&format!("name=a&name=b&payload=c&payload=d&{ACCOUNT}"), "ok b d account");
    check_set(&format!("name=&name=b&payload=p&{ACCOUNT}"), "ok b p account");
    check_set(&format!("name=a&name=&payload=p&{ACCOUNT}"), &empty("name"));
    check_set("name=n&payload=p&scope[type]=user&scope[user]=%20", "ok n p user  ");
}

/// Text that is neither empty nor holds NUL.
const TEXT: &str = "[^\0]{1,60}";

proptest! {
    #[test]
    fn rule_3_1_and_3_7_what_a_client_encodes_is_what_is_decoded(
        name in TEXT, payload in TEXT, user in proptest::option::of(TEXT), expires_at in proptest::option::of(any::<i64>()), expand in any::<bool>(),
    ) {
        let scope = ScopeFields { kind: Some(if user.is_some() { "user" } else { "account" }), user: user.as_deref() };
        let expires_at = expires_at.map(|at| at.to_string());
        let form = Form::set(&name, &payload, scope, expires_at.as_deref());
        let form = if expand { form.with_expand("payload") } else { form };
        let set = SetParams::decode(parameters(form.as_str())).unwrap();
        prop_assert_eq!(set.name.as_str(), &name);
        prop_assert_eq!(set.payload.expose_secret(), &payload);
        prop_assert_eq!(&set.scope, &user.as_deref().map_or(Scope::Account, |user| Scope::User(cholla_domain::id::UserId::new(user))));
        prop_assert_eq!(set.expires_at.map(|at| at.as_unix().to_string()), expires_at);
        prop_assert_eq!(set.expansion, Expansion { payload: expand, scope: false });
        let query = Form::named(&name, scope);
        let find = FindParams::decode(form::read(Method::Get, query.as_str(), None, b"").unwrap()).unwrap();
        prop_assert_eq!((find.name, find.scope), (set.name, set.scope));
    }

    #[test]
    fn any_form_is_decoded_or_refused(form in r"((name|payload|scope|expand|limit|expires_at|x)(\[(type|user|0|)\]){0,3}(=.{0,6})?&){0,6}") {
        for outcome in [
            form::read(Method::Post, "", None, form.as_bytes()).and_then(SetParams::decode).map(drop),
            form::read(Method::Get, &form, None, b"").and_then(FindParams::decode).map(drop),
            form::read(Method::Get, &form, None, b"").and_then(ListParams::decode).map(drop),
            form::read(Method::Post, &form, None, b"").and_then(DeleteParams::decode).map(drop),
        ] {
            if let Err(error) = outcome {
                prop_assert_eq!(error.status(), 400);
                prop_assert!(serde_json::from_slice::<serde_json::Value>(&error.body()).is_ok());
            }
        }
    }
}
