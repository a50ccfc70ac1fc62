//! Parameters in the order in which the rules fire, and objects byte by byte.

use cholla_domain::directory::install::Channel;
use cholla_domain::id::{AccountId, AppPublicId, InstallId};
use cholla_domain::installs::ListRequest;
use cholla_domain::list::{Cursor, PageLimit};
use cholla_domain::livemode::Livemode;
use cholla_domain::time::Timestamp;

use super::*;
use crate::auth::MaskedKey;
use crate::error::InstallRight;
use crate::error::testing::{check, summary};
use crate::form::{self, Method};

/// A challenge of the least length, and one character more.
const CHALLENGE: &str = "0123456789-._~0123456789-._~0123456789-._~a";

fn parameters(form: &str) -> Parameters<'_> {
    form::read(Method::Post, "", None, form.as_bytes()).unwrap()
}

fn check_create(form: &str, expected: &str) {
    let actual = match CreateParams::decode(parameters(form)) {
        Err(error) => {
            assert_eq!(error.status(), 400, "{form}");
            summary(&error)
        }
        Ok(CreateParams { app, channel, challenge, expansion }) => {
            let challenge = challenge.map_or(String::new(), |Challenge(text)| format!(" challenge {text}"));
            let expansion = match expansion.canonical() {
                [0, 0] => String::new(),
                flags => format!(" expand {flags:?}"),
            };
            format!("ok {app} {}{challenge}{expansion}", channel.map_or("-", Channel::as_str))
        }
    };
    assert_eq!(actual, expected, "{form}");
}

/// The parameters that are there, each as it was read.
fn shown(request: ListRequest) -> String {
    let ListRequest {
        account,
        app,
        approval_required,
        channel,
        created,
        created_by,
        status,
        limit,
        starting_after,
        ending_before,
    } = request;
    let bound = |at: i64, open: i64| if at == open { String::new() } else { at.to_string() };
    let created = format!("{}..{}", bound(created.first, i64::MIN), bound(created.last, i64::MAX));
    let limit = (1..=100).find(|number| limit == PageLimit::clamp(*number)).unwrap();
    let fields = [
        account.map(|text| format!("account {text}")),
        app.map(|text| format!("app {text}")),
        approval_required.map(|flag| format!("approval {flag}")),
        channel.map(|channel| channel.as_str().to_owned()),
        (created != "..").then(|| format!("created {created}")),
        created_by.map(|text| format!("by {text}")),
        status.map(|status| status.as_str().to_owned()),
        (limit != 10).then(|| format!("limit {limit}")),
        starting_after.map(|text| format!("after {text}")),
        ending_before.map(|text| format!("before {text}")),
    ];
    let fields: Vec<_> = fields.into_iter().flatten().collect();
    format!("ok {}", fields.join(", ")).trim_end().to_owned()
}

fn check_list(form: &str, expected: &str) {
    let actual = match decode_list(parameters(form)) {
        Err(error) => {
            assert_eq!(error.status(), 400, "{form}");
            summary(&error)
        }
        Ok(request) => shown(request),
    };
    assert_eq!(actual, expected, "{form}");
}

fn empty(param: &str) -> String {
    format!(
        "parameter_invalid_empty {param} You passed an empty string for '{param}'. We assume empty values are an attempt to unset a \
         parameter; however '{param}' cannot be unset. You should remove '{param}' from your request or supply a non-empty value."
    )
}

const BAD_CHANNEL: &str = "- channel Invalid channel: must be one of private_live, private_test, public, or testing";
const BAD_STATUS: &str =
    "- status Invalid status: must be one of install_failed, installed, installing, uninstall_failed, or uninstalling";
const BAD_CHALLENGE: &str =
    "- code_challenge Invalid code_challenge: must be 43 to 128 of A-Z, a-z, 0-9, '-', '.', '_' and '~'";

#[test]
fn rule_10_2_and_13_1_legal_creates() {
    check_create("app=app_x", "ok app_x -");
    check_create("app=com.example.a&channel=", "ok com.example.a -");
    for channel in ["private_live", "private_test", "public", "testing"] {
        check_create(&format!("channel={channel}&app=a"), &format!("ok a {channel}"));
    }
    let challenge = format!("code_challenge={CHALLENGE}&code_challenge_method=S256");
    check_create(&format!("app=a&{challenge}"), &format!("ok a - challenge {CHALLENGE}"));
    check_create("app=a&code_challenge=&code_challenge_method=", "ok a -");
    check_create(
        "app=a&expand[]=content_security_policy_granted&expand[]=content_security_policy_pending",
        "ok a - expand [1, 1]",
    );
}

#[test]
fn rule_18_4_to_18_5_and_18_19_to_18_21_faults_of_a_create() {
    check_create("", "parameter_missing app Missing required param: app.");
    check_create("app=", &empty("app"));
    check_create("app[id]=a", "- app Invalid string: {\"id\":\"a\"}");
    for channel in ["review", "Public", "private", &"x".repeat(5_001)] {
        check_create(&format!("app=a&channel={channel}"), BAD_CHANNEL);
    }
    check_create("app=a&channel[]=public", "- channel Invalid string: [\"public\"]");
    let long = "a".repeat(128);
    for (challenge, legal) in [
        (&CHALLENGE[1..], false),
        (CHALLENGE, true),
        (&long, true),
        (&format!("{long}a"), false),
        (&"a".repeat(5_001), false),
        (&format!("{CHALLENGE}%3D"), false),
        (&format!("{CHALLENGE}%2F"), false),
        (&format!("{CHALLENGE}%C3%A9"), false),
    ] {
        let expected = if legal { format!("ok a - challenge {challenge}") } else { BAD_CHALLENGE.to_owned() };
        check_create(&format!("app=a&code_challenge={challenge}&code_challenge_method=S256"), &expected);
    }
    check_create("app=a&code_challenge[]=hunter2", "- code_challenge Invalid string: ****");
    let missing = |param: &str| format!("parameter_missing {param} Missing required param: {param}.");
    check_create(&format!("app=a&code_challenge={CHALLENGE}"), &missing("code_challenge_method"));
    check_create("app=a&code_challenge_method=S256", &missing("code_challenge"));
    check_create("app=a&code_challenge_method=plain", &missing("code_challenge"));
    let method = "- code_challenge_method Invalid code_challenge_method: must be S256";
    for wrong in ["plain", "s256", &"S".repeat(5_001)] {
        check_create(&format!("app=a&code_challenge={CHALLENGE}&code_challenge_method={wrong}"), method);
    }
}

#[test]
fn rule_10_2_a_create_is_checked_in_the_order_of_its_parameters() {
    let unknown = "parameter_unknown scope Received unknown parameters: scope, x";
    let rest = "code_challenge=short&code_challenge_method=plain&expand=x";
    check_create(
        &format!("scope[type]=a&x=1&channel=x&{rest}&expand[]=app").replace("expand=x&", ""),
        "- - This property cannot be expanded (app).",
    );
    check_create(&format!("scope[type]=a&x=1&channel=x&{rest}"), unknown);
    check_create(&format!("channel=x&{rest}"), "parameter_missing app Missing required param: app.");
    check_create(&format!("app=a&channel=x&{rest}"), BAD_CHANNEL);
    check_create(&format!("app=a&{rest}"), BAD_CHALLENGE);
    check_create(
        &format!("app=a&code_challenge={CHALLENGE}&code_challenge_method=plain&expand=x"),
        "- code_challenge_method Invalid code_challenge_method: must be S256",
    );
    check_create("app=a&expand=x", "- expand Invalid array");
}

#[test]
fn rule_10_1_and_10_12_legal_lists() {
    check_list("", "ok");
    check_list(
        "account=acct_m&app=app_x&approval_required=true&channel=public&created=5&created_by=x&status=installed&limit=3&\
         starting_after=a&ending_before=b&expand[]=data",
        "ok account acct_m, app app_x, approval true, public, created 5..5, by x, installed, limit 3, after a, before b",
    );
    check_list(
        "account=&app=&approval_required=&channel=&created=&created_by=&status=&limit=&starting_after=&ending_before=",
        "ok",
    );
    for (text, expected) in [("True", "true"), ("TRUE", "true"), ("fAlSe", "false"), ("False", "false")] {
        check_list(&format!("approval_required={text}"), &format!("ok approval {expected}"));
    }
    for status in ["install_failed", "installed", "installing", "uninstall_failed", "uninstalling"] {
        check_list(&format!("status={status}"), &format!("ok {status}"));
    }
    for (form, expected) in [
        ("created=-1", "created -1..-1"),
        ("created[gte]=5", "created 5.."),
        ("created[gt]=5", "created 6.."),
        ("created[lte]=5", "created ..5"),
        ("created[lt]=5", "created ..4"),
        ("created[gt]=1&created[gte]=5&created[lt]=8&created[lte]=9", "created 5..7"),
        ("created[gte]=&created[lt]=8", "created ..7"),
        ("limit=0", "limit 1"),
        ("limit=1000", "limit 100"),
    ] {
        check_list(form, &format!("ok {expected}"));
    }
}

#[test]
fn rule_18_5_and_18_17_and_18_18_faults_of_a_list() {
    check_list("channel=review", BAD_CHANNEL);
    check_list("status=active", BAD_STATUS);
    check_list(&format!("status={}", "x".repeat(5_001)), BAD_STATUS);
    for text in ["maybe", "1", "yes", "tru"] {
        check_list(&format!("approval_required={text}"), &format!("- approval_required Invalid boolean: {text}"));
    }
    check_list("approval_required[]=true", "- approval_required Invalid boolean: [\"true\"]");
    check_list("approval_required[x]=true", "- approval_required Invalid boolean: {\"x\":\"true\"}");
    let integer = |param: &str, value: &str| format!("parameter_invalid_integer {param} Invalid integer: {value}");
    check_list("created=abc", &integer("created", "abc"));
    check_list("created[]=5", &integer("created", "[\"5\"]"));
    for bound in ["gt", "gte", "lt", "lte"] {
        let param = format!("created[{bound}]");
        check_list(&format!("{param}=5.0"), &integer(&param, "5.0"));
    }
    check_list("created[gt][x]=1", &integer("created[gt]", "{\"x\":\"1\"}"));
    check_list("limit=all", &integer("limit", "all"));
    let unknown = |name: &str| format!("parameter_unknown {name} Received unknown parameter: {name}");
    check_list("created[eq]=5", &unknown("created[eq]"));
    check_list("apps=x", &unknown("apps"));
    check_list("account[]=x", "- account Invalid string: [\"x\"]");
}

#[test]
fn rule_10_1_a_list_is_checked_in_the_order_of_its_parameters() {
    let wrong = [
        ("account[]=x", "- account Invalid string: [\"x\"]"),
        ("app[]=x", "- app Invalid string: [\"x\"]"),
        ("approval_required=x", "- approval_required Invalid boolean: x"),
        ("channel=x", BAD_CHANNEL),
        ("created=x", "parameter_invalid_integer created Invalid integer: x"),
        ("created_by[]=x", "- created_by Invalid string: [\"x\"]"),
        ("status=x", BAD_STATUS),
        ("limit=x", "parameter_invalid_integer limit Invalid integer: x"),
        ("starting_after[]=x", "- starting_after Invalid string: [\"x\"]"),
        ("ending_before[]=x", "- ending_before Invalid string: [\"x\"]"),
        ("expand=x", "- expand Invalid array"),
    ];
    for (at, (_, expected)) in wrong.iter().enumerate() {
        let form: Vec<_> = wrong[at..].iter().rev().map(|(form, _)| *form).collect();
        check_list(&form.join("&"), expected);
    }
}

#[test]
fn rule_10_3_and_10_4_and_10_5_and_11_8_what_takes_expand_alone() {
    for (form, expected) in [
        ("", ""),
        ("expand[]=content_security_policy_granted&expand[]=content_security_policy_pending", ""),
        ("expand[]=account", "- - This property cannot be expanded (account)."),
        ("expand[]=permissions_granted", "- - This property cannot be expanded (permissions_granted)."),
        ("expand[]=data", "- - This property cannot be expanded (data)."),
        (
            "expand[]=content_security_policy_granted.image_src",
            "- - This property cannot be expanded (content_security_policy_granted.image_src).",
        ),
        (
            "expand[]=a.b.c.d.e",
            "property_expansion_max_depth - You cannot expand more than 4 levels of a property. Property: a.b.c.d.e",
        ),
        ("app=x", "parameter_unknown app Received unknown parameter: app"),
        ("expand=x", "- expand Invalid array"),
    ] {
        let actual = decode_expand_only(&parameters(form)).err().map(|error| summary(&error)).unwrap_or_default();
        assert_eq!(actual, expected, "{form}");
    }
    check_list("expand[]=data.content_security_policy_granted&expand[]=data.content_security_policy_pending", "ok");
    check_list(
        "expand[]=content_security_policy_granted",
        "- - This property cannot be expanded (content_security_policy_granted). You may want to try expanding \
         'data.content_security_policy_granted' instead.",
    );
    check_list("expand[]=data.account", "- - This property cannot be expanded (data.account).");
}

#[test]
fn rule_10_13_and_7_4_expansions_are_compared_as_a_set() {
    let (granted, pending) = ("expand[]=content_security_policy_granted", "expand[]=content_security_policy_pending");
    for (form, expected) in [
        (String::new(), [0, 0]),
        ("expand[]=".to_owned(), [0, 0]),
        (granted.to_owned(), [1, 0]),
        (pending.to_owned(), [0, 1]),
        (format!("{pending}&{granted}&{pending}"), [1, 1]),
        ("expand[1]=content_security_policy_granted".to_owned(), [1, 0]),
    ] {
        assert_eq!(decode_expand_only(&parameters(&form)).unwrap().canonical(), expected, "{form}");
        let create = CreateParams::decode(parameters(&format!("app=x&{form}"))).unwrap();
        assert_eq!(create.expansion.canonical(), expected, "{form}");
    }
}

fn set(texts: &[&str]) -> BTreeSet<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// An install with everything.
pub(crate) fn full() -> InstallView {
    InstallView {
        id: InstallId::from_suffix(Livemode::Test, &[b'i'; 32]).unwrap(),
        account: AccountId::new("acct_m"),
        app: AppPublicId::from_suffix(&[b'a'; 32]).unwrap(),
        channel: Channel::Public,
        created_at: Timestamp::from_unix(1_700_000_000),
        granted: Asks {
            permissions: set(&["secret_write", "event_read"]),
            connect_src: set(&["https://b.example", "https://a.example"]),
            image_src: set(&["https://i.example"]),
            endpoints: set(&["https://e.example"]),
        },
        pending: Asks {
            permissions: set(&["charge_read"]),
            connect_src: set(&["https://c.example"]),
            image_src: set(&["https://j.example"]),
            endpoints: set(&["https://f.example"]),
        },
        uninstalling: true,
    }
}

/// An install with nothing.
pub(crate) fn bare() -> InstallView {
    InstallView {
        id: InstallId::from_suffix(Livemode::Live, &[b'l'; 32]).unwrap(),
        channel: Channel::PrivateLive,
        granted: Asks::default(),
        pending: Asks::default(),
        uninstalling: false,
        ..full()
    }
}

const FULL: &str = r#"{
  "id": "appinst_test_iiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii",
  "object": "apps.install",
  "account": "acct_m",
  "app": "app_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "approval_required": true,
  "auth_code": "ac_code",
  "channel": "public",
  "content_security_policy_granted": {
    "connect_src": [
      "https://a.example",
      "https://b.example"
    ],
    "image_src": [
      "https://i.example"
    ]
  },
  "content_security_policy_pending": {
    "connect_src": [
      "https://c.example"
    ],
    "image_src": [
      "https://j.example"
    ]
  },
  "created": 1700000000,
  "created_by": null,
  "endpoints_granted": [
    "https://e.example"
  ],
  "endpoints_pending": [
    "https://f.example"
  ],
  "livemode": false,
  "permissions_granted": [
    "event_read",
    "secret_write"
  ],
  "permissions_pending": [
    "charge_read"
  ],
  "status": "uninstalling"
}
"#;

const BARE: &str = r#"{
  "id": "appinst_llllllllllllllllllllllllllllllll",
  "object": "apps.install",
  "account": "acct_m",
  "app": "app_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
  "approval_required": false,
  "auth_code": null,
  "channel": "private_live",
  "content_security_policy_granted": {
    "connect_src": [],
    "image_src": []
  },
  "content_security_policy_pending": {
    "connect_src": [],
    "image_src": []
  },
  "created": 1700000000,
  "created_by": null,
  "endpoints_granted": [],
  "endpoints_pending": [],
  "livemode": true,
  "permissions_granted": [],
  "permissions_pending": [],
  "status": "installed"
}
"#;

/// A body as it stands inside another one, `level` steps deeper.
pub(crate) fn indented(body: &str, level: usize) -> String {
    let lines: Vec<_> = body.trim_end().lines().collect();
    lines.join(&format!("\n{}", "  ".repeat(level)))
}

#[test]
fn rule_11_1_and_11_4_and_11_6_and_11_7_the_object_with_everything_and_with_nothing() {
    assert_eq!(String::from_utf8(install(&full(), Some("ac_code"))).unwrap(), FULL);
    assert_eq!(String::from_utf8(install(&bare(), None)).unwrap(), BARE);
}

#[test]
fn rule_10_1_and_11_7_the_list_object_has_no_code() {
    let page = |views: &[InstallView], has_more| String::from_utf8(list(views, has_more)).unwrap();
    let head = |has_more| {
        format!(
            "{{\n  \"object\": \"list\",\n  \"url\": \"/v1/apps/installs\",\n  \"has_more\": {has_more},\n  \"data\": ["
        )
    };
    assert_eq!(page(&[], false), format!("{}]\n}}\n", head(false)));
    let first = indented(&FULL.replace("\"ac_code\"", "null"), 2);
    let expected = format!("{}\n    {first},\n    {}\n  ]\n}}\n", head(true), indented(BARE, 2));
    assert_eq!(page(&[full(), bare()], true), expected);
}

#[test]
fn rule_18_1_to_18_3_and_18_6_to_18_16_errors_of_the_domain() {
    let key = MaskedKey::of(b"sk_test_12345678901234567890");
    let rights = |right: &str| {
        format!(
            "more_permissions_required - The provided key 'sk_test_****7890' does not have the required permissions for this endpoint \
             on account 'acct_m'. Having {right} permissions would allow this request to continue."
        )
    };
    check(&ApiError::no_such_install("x"), 404, "resource_missing id No such install: 'x'");
    check(
        &ApiError::unknown_install_cursor(Cursor::EndingBefore, "x"),
        400,
        "resource_missing ending_before No such install: 'x'",
    );
    check(&ApiError::no_such_app("app_x"), 404, "resource_missing app No such app: 'app_x'");
    let right = |right| ApiError::install_right_missing(&key, "acct_m", right);
    check(&right(InstallRight::Read), 403, &rights("\"App Installs Read\" ('app_install_read')"));
    check(&right(InstallRight::Write), 403, &rights("\"App Installs Write\" ('app_install_write')"));
    check(
        &ApiError::developer_key_needed(&key, "acct_m"),
        403,
        "more_permissions_required - The provided key 'sk_test_****7890' does not have the required permissions for this endpoint on \
         account 'acct_m'. The secret key of the app's developer would allow this request to continue.",
    );
    // Our wording: what each must say, with its status and parameter.
    for (error, status, param, says) in [
        (ApiError::own_key_needs_private_channel(), 400, Some("channel"), "`private_test` or `private_live`"),
        (ApiError::channel_of_other_mode("live"), 400, Some("channel"), "`private_live`"),
        (ApiError::private_channel_elsewhere(), 400, Some("channel"), "`public` or `testing`"),
        (ApiError::installed_on_other_channel(Channel::Testing), 400, Some("channel"), "`testing`"),
        (ApiError::nothing_to_install(Channel::Public), 400, Some("channel"), "nothing"),
        (ApiError::no_embedding(), 403, None, "Only the app's developer can install it for an account"),
        (ApiError::developer_must_name_account("acct_m"), 403, None, "`Stripe-Account: acct_m`"),
        (ApiError::account_not_connected("acct_m"), 403, None, "'acct_m' is not connected"),
        (ApiError::account_must_reauthorize(), 403, None, "it must reauthorize"),
        (ApiError::list_of_other_account(), 400, Some("account"), "the installs of one account only"),
    ] {
        let text = summary(&error);
        assert_eq!((error.status(), error.code(), error.param()), (status, None, param), "{text}");
        assert!(text.to_lowercase().contains(&says.to_lowercase()), "{text}");
    }
}
