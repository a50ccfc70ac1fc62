//! What is wrong with a platform file, row by row: the file, then every line of the answer.

use std::io;

use super::*;

/// Two accounts, a published and a private app of the first one; what follows begins on line 6.
const BASE: &str = r#"accounts = [{ id = "acct_a" }, { id = "acct_b" }]
apps = [
    { id = "app", owner = "acct_a", distribution = "public", permissions = [{ permission = "secret_write" }] },
    { id = "mute", owner = "acct_a" },
]
"#;

fn parse(text: &str) -> Result<Platform, PlatformError> {
    let manifest = |path: &str| {
        match path {
        "good.json" => Ok(r#"{"id": "app", "version": "1.2.3", "name": "Good", "icon": "./i.png", "more": "x",
            "permissions": [{"permission": "secret_write", "purpose": "P", "more": 1}, {"permission": "event_read", "purpose": ""}]}"#
            .to_owned()),
        "more.json" => Ok(r#"{"id": "app", "version": "1.2.3", "name": "More", "icon": "./i.png", "permissions": [],
            "stripe_api_access_type": "oauth", "allowed_redirect_uris": ["https://m.example/cb"],
            "ui_extension": {"views": [], "content_security_policy": {"connect-src": ["https://c.example/"], "image-src": null, "purpose": "p"}}}"#
            .to_owned()),
        "bare.json" => Ok("{}".to_owned()),
        "other.json" => Ok(r#"{"id": "com.example.other"}"#.to_owned()),
        "good.yaml" => Ok("id: app\nversion: 1.2.3\nname: Good\ndeclarations:\n  stripe_api_access:\n    permissions:\n    - permission: secret_write\n    - permission: event_read\n".to_owned()),
        "torn.json" => Ok("{\"id\": \"app\",\n".to_owned()),
        "shape.json" => Ok("{\"id\": \"app\",\n\"permissions\": [\"sk_live_123456789012345\"]}".to_owned()),
        "twice.json" => Ok(r#"{"permissions": [{"permission": "a"}, {"permission": "a"}, {"permission": ""}]}"#.to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
    };
    Platform::parse("p.toml", text, &manifest)
}

/// `expected` are the lines of the error, without the file's name; none: the file is legal.
fn check(text: &str, expected: &[&str]) {
    let actual = parse(text).err().map(|error| error.to_string()).unwrap_or_default();
    let expected: Vec<_> = expected.iter().map(|line| format!("p.toml:{line}")).collect();
    assert_eq!(actual, expected.join("\n"), "\n{text}");
}

/// The same, with `text` below [`BASE`].
fn check_below_base(text: &str, expected: &[&str]) {
    check(&format!("{BASE}{text}"), expected);
}

#[test]
fn the_toml_itself() {
    check("", &[]);
    check("[[keys]\n", &["1: unclosed array table, expected `]`; correct the TOML there"]);
    check("accounts = []\naccounts = []\n", &["2: duplicate key; correct the TOML there"]);
    check(
        "[[keys]]\nkind = \"secret\"\nvalue = sk_test_123456789012345\n",
        &["3: string values must be quoted, expected literal string; correct the TOML there"],
    );
    check("accounts = 1\n", &["1: `accounts` holds an integer; make it an array of tables"]);
    check("accounts = [1]\n", &["1: `accounts` holds an integer; make it an array of tables"]);
    check("[accounts]\n", &["1: `accounts` holds a table; make it an array of tables"]);
}

#[test]
fn unknown_keys_name_the_legal_ones() {
    check(
        "[[endpoints]]\n",
        &[
            "1: unknown key `endpoints` in the file; remove it or use one of `accounts`, `apps`, `installs`, `keys`, `webhooks`",
        ],
    );
    check(
        "[[accounts]]\nid = \"acct_a\"\nconnected = []\n",
        &["3: unknown key `connected` in [[accounts]]; remove it or use one of `id`, `name`, `users`, `connected_to`"],
    );
    check(
        "[[accounts]]\nid = \"acct_a\"\n[[apps]]\nid = \"app\"\nowner = \"acct_a\"\nscopes = \"\"\n",
        &[
            "6: unknown key `scopes` in [[apps]]; remove it or use one of `id`, `owner`, `distribution`, `manifest`, `permissions`, \
           `signing_secret`, `app_id`, `client_id`, `name`, `version`, `api_access`, `redirect_uris`, `content_security_policy`, `endpoints`",
        ],
    );
    check_below_base(
        "[[webhooks]]\naccount = \"acct_a\"\nurl = \"https://a.example\"\nkind = \"v2\"\n",
        &[
            "9: unknown key `kind` in [[webhooks]]; remove it or use one of `account`, `mode`, `url`, `connect`, `events`, `secret`",
        ],
    );
    check_below_base(
        "[[installs]]\napp = \"app\"\naccount = \"acct_b\"\nmode = \"test\"\n",
        &["9: unknown key `mode` in [[installs]]; remove it or use one of `app`, `account`, `modes`, `permissions`"],
    );
    check_below_base(
        "[[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\nscope = \"x\"\n",
        &[
            "9: unknown key `scope` in [[keys]]; remove it or use one of `kind`, `account`, `app`, `user`, `mode`, `permissions`, \
           `value`, `expires_in`",
        ],
    );
    check(
        "[[accounts]]\nid = \"acct_a\"\n[[apps]]\nid = \"app\"\nowner = \"acct_a\"\npermissions = [{ permission = \"p\", why = \"\" }]\n",
        &["6: unknown key `why` in `permissions`; remove it or use one of `permission`, `purpose`"],
    );
    check(
        "sk_test_12345678901234567890 = 1\n",
        &["1: unknown key `sk_test_****7890` in the file; remove it or use one of `accounts`, \
        `apps`, `installs`, `keys`, `webhooks`"],
    );
}

#[test]
fn accounts() {
    check("[[accounts]]\nid = \"acct_aZ09_\"\nname = \"A\"\nusers = [\"usr_1\", \"🌵\"]\n", &[]);
    check("\n[[accounts]]\nname = \"A\"\n", &["2: `id` is missing in [[accounts]]; add it"]);
    check("[[accounts]]\nid = \"\"\n", &["2: `id` holds an empty string; give it a value or remove it"]);
    check("[[accounts]]\nid = 7\n", &["2: `id` holds an integer; make it a string"]);
    for id in ["acct_", "acct_a-b", "account", "usr_1", "acct_é", "ACCT_a"] {
        let expected = format!("2: malformed account id `{id}`; write `acct_` and letters, digits or `_`");
        check(&format!("[[accounts]]\nid = \"{id}\"\n"), &[&expected]);
    }
    check(
        "[[accounts]]\nid = \"acct_a\"\n[[accounts]]\nid = \"acct_a\"\n",
        &["4: the account `acct_a` is declared on line 2 already; remove one"],
    );
    check(
        "[[accounts]]\nid = \"acct_a\"\nname = \"\"\nusers = [\n  \"u\",\n  \"\",\n  \"u\",\n  1,\n]\n",
        &[
            "3: `name` holds an empty string; give it a value or remove it",
            "6: `users` holds an empty string; give it a value or remove it",
            "7: entry 3 of `users` repeats an earlier one; remove it",
            "8: `users` holds an integer; make it an array of strings",
        ],
    );
    check(
        "[[accounts]]\nid = \"acct_a\"\nusers = \"u\"\n",
        &["3: `users` holds a string; make it an array of strings"],
    );
    check("[[accounts]]\nid = \"acct_a\"\nconnected_to = [\"acct_b\"]\n[[accounts]]\nid = \"acct_b\"\n", &[]);
    check("[[accounts]]\nid = \"acct_a\"\nconnected_to = []\n", &[]);
    check(
        "[[accounts]]\nid = \"acct_a\"\nconnected_to = [\"acct_a\",\n\"acct_x\", \"acct_x\"]\n",
        &[
            "3: `connected_to` names the account `acct_a` itself; remove it",
            "4: entry 3 of `connected_to` repeats an earlier one; remove it",
            "4: `connected_to` names the account `acct_x`, which no [[accounts]] declares; declare it",
        ],
    );
    check(
        "[[accounts]]\nid = \"acct_a\"\nconnected_to = \"acct_a\"\n",
        &["3: `connected_to` holds a string; make it an array of strings"],
    );
    check(
        "[[accounts]]\nid = \"acct_a\"\nusers = [\"a\\u0000b\"]\n",
        &["3: `users` holds NUL or more than 5000 characters; shorten it"],
    );
}

#[test]
fn apps() {
    let check = |app: &str, expected: &[&str]| {
        check(&format!("accounts = [{{ id = \"acct_a\" }}, {{ id = \"acct_b\" }}]\n[[apps]]\n{app}"), expected);
    };
    check("id = \"app\"\nowner = \"acct_a\"\n", &[]);
    check("owner = \"acct_a\"\n", &["2: `id` is missing in [[apps]]; add it"]);
    check("id = \"app\"\n", &["2: `owner` is missing in [[apps]]; add it"]);
    check(
        "id = \"app\"\nowner = \"acct_x\"\n",
        &["4: `owner` names the account `acct_x`, which no [[accounts]] declares; declare it"],
    );
    check(
        "id = \"app\"\nowner = \"sk_test_123456789012345\"\n",
        &["4: `owner` names the account `sk_test_****2345`, which no [[accounts]] declares; declare it"],
    );
    check(
        "id = \"app\"\nowner = \"acct_a\"\ndistribution = \"open\"\n",
        &["5: unknown distribution `open`; use `public` or `private`"],
    );
    check(
        "id = \"app\"\nowner = \"acct_a\"\n[[apps]]\nid = \"app\"\nowner = \"acct_b\"\n",
        &["6: the app `app` is declared on line 3 already; remove one"],
    );
    check(
        "id = \"one\"\nowner = \"acct_a\"\ndistribution = \"public\"\n[[apps]]\nid = \"two\"\nowner = \"acct_a\"\ndistribution = \"public\"\n",
        &["9: `acct_a` publishes `one` already; make one of its apps `private`"],
    );
    check(
        "id = \"one\"\nowner = \"acct_a\"\ndistribution = \"public\"\n[[apps]]\nid = \"two\"\nowner = \"acct_b\"\ndistribution = \"public\"\n\
         [[apps]]\nid = \"three\"\nowner = \"acct_a\"\n",
        &[],
    );
    check(
        "id = \"app\"\nowner = \"acct_a\"\npermissions = [\n  { permission = \"p\", purpose = \"\" },\n  { permission = \"p\" },\n  { },\n]\n",
        &[
            "6: `purpose` holds an empty string; give it a value or remove it",
            "7: the app asks for `p` twice; remove one of them",
            "8: `permission` is missing in `permissions`; add it",
        ],
    );
    check(
        "id = \"app\"\nowner = \"acct_a\"\npermissions = [\"secret_write\"]\n",
        &["5: `permissions` holds a string; make it an array of tables"],
    );
    let signing = "`signing_secret` does not begin with `absec_`; correct it, or remove it to have one generated";
    for (secret, legal) in [("absec_1", true), ("absec_", false), ("whsec_hidden", false)] {
        let expected = format!("5: {signing}");
        let expected: &[&str] = if legal { &[] } else { &[&expected] };
        check(&format!("id = \"app\"\nowner = \"acct_a\"\nsigning_secret = \"{secret}\"\n"), expected);
    }
}

#[test]
fn rule_11_3_an_app_has_three_names() {
    let check = |apps: &str, expected: &[&str]| {
        check(&format!("accounts = [{{ id = \"acct_a\" }}]\n{apps}"), expected);
    };
    let app = |id: &str, more: &str| format!("[[apps]]\nid = \"{id}\"\nowner = \"acct_a\"\n{more}");
    let (a, b) = ("a".repeat(32), "b".repeat(32));
    check(&app("app", &format!("app_id = \"app_{a}\"\nclient_id = \"ca_{a}\"\n")), &[]);
    let app_id = "5: `app_id` is not `app_` and 32 letters or digits; correct it, or remove it to have one made";
    let short = &a[1..];
    for wrong in [format!("app_{short}"), format!("app_{a}a"), format!("ca_{a}"), format!("app_{short}-"), a.clone()] {
        check(&app("app", &format!("app_id = \"{wrong}\"\n")), &[app_id]);
    }
    let client_id = "5: `client_id` is not `ca_` and 32 letters or digits; correct it, or remove it to have one made";
    for wrong in [format!("ca_{short}"), format!("ca_{a}a"), format!("app_{a}"), format!("ca_{short}é")] {
        check(&app("app", &format!("client_id = \"{wrong}\"\n")), &[client_id]);
    }
    let two = |first: &str, second: &str| [app("one", first), app("two", second)].concat();
    check(&two(&format!("app_id = \"app_{a}\"\n"), &format!("app_id = \"app_{b}\"\n")), &[]);
    let own = format!("app_id = \"app_{a}\"\n");
    check(&two(&own, &own), &["9: `app_id` is that of `one`, too; give each app its own"]);
    let own = format!("client_id = \"ca_{a}\"\n");
    check(&two(&own, &own), &["9: `client_id` is that of `one`, too; give each app its own"]);
    let illegal = "3: `id` is no app id; begin it with a letter or digit, and make it 1 to 255 letters, digits, `.`, `-` and `_`, such as `com.example.app`, and not what keys and drawn ids begin with, such as `ca_`";
    for wrong in [format!("app_{a}"), format!("ca_{a}"), "sk_test_a".to_owned(), "..".to_owned(), "a b".to_owned()] {
        check(&app(&wrong, ""), &[illegal]);
    }
}

#[test]
fn rule_15_1_and_15_11_and_11_5_access_redirects_policy_and_endpoints() {
    let check = |more: &str, expected: &[&str]| {
        check(
            &format!("accounts = [{{ id = \"acct_a\" }}]\n[[apps]]\nid = \"app\"\nowner = \"acct_a\"\n{more}"),
            expected,
        );
    };
    for access in ["platform", "oauth", "restricted_api_key"] {
        check(&format!("api_access = \"{access}\"\n"), &[]);
    }
    check("api_access = \"OAuth\"\n", &["5: unknown access `OAuth`; use `platform`, `oauth` or `restricted_api_key`"]);
    check("redirect_uris = []\n", &[]);
    check("redirect_uris = [\"https://a.example/cb?x=1\", \"http://localhost:3000\"]\n", &[]);
    check(
        "redirect_uris = [\n\"a.example\",\n\"https://a.example/#x\",\n\"https://a.example\", \"https://a.example\",\n\"myapp://cb\"]\n",
        &[
            "6: `a.example` is no redirect URI; write an absolute `http` or `https` URI without a fragment",
            "7: `https://a.example/#x` is no redirect URI; write an absolute `http` or `https` URI without a fragment",
            "8: entry 4 of `redirect_uris` repeats an earlier one; remove it",
            "9: `myapp://cb` is no redirect URI; write an absolute `http` or `https` URI without a fragment",
        ],
    );
    check("content_security_policy = { connect_src = [\"https://a.example\"], image_src = [] }\n", &[]);
    check("[apps.content_security_policy]\nimage_src = [\"https://a.example\"]\n", &[]);
    check(
        "content_security_policy = { connect_src = \"x\", script_src = [] }\n",
        &[
            "5: unknown key `script_src` in `content_security_policy`; remove it or use one of `connect_src`, `image_src`",
            "5: `connect_src` holds a string; make it an array of strings",
        ],
    );
    check("content_security_policy = []\n", &["5: `content_security_policy` holds an array; make it a table"]);
    check("endpoints = [\"https://a.example/api\"]\n", &[]);
    check(
        "endpoints = [1, \"\"]\n",
        &[
            "5: `endpoints` holds an integer; make it an array of strings",
            "5: `endpoints` holds an empty string; give it a value or remove it",
        ],
    );
}

#[test]
fn rule_11_5_and_15_1_what_the_file_says_goes_before_the_manifest() {
    let app = |more: &str| {
        let text = format!("accounts = [{{ id = \"acct_a\" }}]\n[[apps]]\nid = \"app\"\nowner = \"acct_a\"\n{more}");
        let manifest = parse(&text).unwrap().apps.remove(0).manifest();
        let set = |set: &std::collections::BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join("+");
        let asks = &manifest.asks;
        let lists = [set(&asks.connect_src), set(&asks.image_src), set(&asks.endpoints)].join("|");
        format!("{} {} {lists}", manifest.api_access.as_str(), manifest.redirect_uris.join("+"))
    };
    assert_eq!(app(""), "platform  ||");
    let manifest = "manifest = \"more.json\"\n";
    assert_eq!(app(manifest), "oauth https://m.example/cb https://c.example/||");
    let own = "api_access = \"restricted_api_key\"\nredirect_uris = [\"https://b.example\", \"https://a.example\"]\n\
        content_security_policy = { image_src = [\"https://i.example\"] }\nendpoints = [\"https://z.example\", \"https://e.example\"]\n";
    assert_eq!(
        app(&format!("{manifest}{own}")),
        "restricted_api_key https://b.example+https://a.example |https://i.example|https://e.example+https://z.example"
    );
}

#[test]
fn rule_17_4_webhooks() {
    let check = |webhook: &str, expected: &[&str]| check_below_base(&format!("[[webhooks]]\n{webhook}"), expected);
    check("account = \"acct_a\"\nurl = \"http://127.0.0.1:9000/hook\"\n", &[]);
    check(
        "account = \"acct_a\"\nurl = \"https://a.example\"\nmode = \"live\"\nconnect = true\nevents = [\"apps.install.created\", \"*\"]\n\
         secret = \"whsec_1\"\n",
        &[],
    );
    check("", &["6: `account` is missing in [[webhooks]]; add it", "6: `url` is missing in [[webhooks]]; add it"]);
    check(
        "account = \"acct_x\"\nurl = \"https://a.example\"\nmode = \"prod\"\nconnect = 1\nevents = []\nsecret = \"absec_hidden\"\n",
        &[
            "7: `account` names the account `acct_x`, which no [[accounts]] declares; declare it",
            "9: unknown mode `prod`; use `test` or `live`",
            "10: `connect` holds an integer; make it `true` or `false`",
            "11: `events` is empty; list types of events, or leave it out for all of them",
            "12: `secret` does not begin with `whsec_`; correct it, or remove it to have one generated",
        ],
    );
    check(
        "account = \"acct_a\"\nurl = \"https://a.example\"\nevents = [\"*\", \"*\"]\nsecret = \"whsec_\"\n",
        &[
            "9: entry 2 of `events` repeats an earlier one; remove it",
            "10: `secret` does not begin with `whsec_`; correct it, or remove it to have one generated",
        ],
    );
    let url = "8: `url` is not one that can be delivered to; write an absolute URL that begins with `https://` or `http://` and has a host";
    for wrong in [
        "a.example",
        "ftp://a.example",
        "https://",
        "https:///x",
        "https://u:p@a.example",
        "https://a.example/#x",
        "https://a b",
    ] {
        check(&format!("account = \"acct_a\"\nurl = \"{wrong}\"\n"), &[url]);
    }
    let one = "account = \"acct_a\"\nurl = \"https://a.example\"\n";
    check(
        &format!("{one}[[webhooks]]\n{one}"),
        &["9: the endpoint `https://a.example` is declared on line 6 already; remove one"],
    );
    check(&format!("{one}[[webhooks]]\n{one}connect = true\n[[webhooks]]\n{one}mode = \"live\"\n"), &[]);
    let events = |more: &str| {
        let webhook = parse(&format!("{BASE}[[webhooks]]\n{one}{more}")).unwrap().webhooks.remove(0);
        format!("{} {}", webhook.connect, webhook.events.into_iter().collect::<Vec<_>>().join("+"))
    };
    assert_eq!(events(""), "false *");
    assert_eq!(events("connect = true\nevents = [\"b\", \"a\"]\n"), "true a+b");
}

#[test]
fn manifests() {
    let check = |app: &str, expected: &[&str]| {
        check(
            &format!("accounts = [{{ id = \"acct_a\" }}]\n[[apps]]\nid = \"app\"\nowner = \"acct_a\"\n{app}"),
            expected,
        );
    };
    check("manifest = \"good.json\"\n", &[]);
    check("manifest = \"bare.json\"\n", &[]);
    check("manifest = \"good.yaml\"\n", &[]);
    check(
        "manifest = \"none.json\"\n",
        &["5: the manifest `none.json` cannot be read (entity not found); give its path relative to this file"],
    );
    check(
        "manifest = \"other.json\"\n",
        &[
            "5: the manifest `other.json` is that of `com.example.other`; give the app this id, or name its own manifest",
        ],
    );
    check(
        "manifest = \"torn.json\"\n",
        &["5: the manifest `torn.json`, line 2: is not JSON (EOF while parsing an object); correct it there"],
    );
    check(
        "manifest = \"shape.json\"\n",
        &["5: the manifest `shape.json`, line 2: entry 1 of `permissions` holds a string; make it an object"],
    );
    check(
        "manifest = \"twice.json\"\n",
        &[
            "5: the manifest `twice.json`, line 1: entry 2 of `permissions` asks for `a` twice; remove one of them",
            "5: the manifest `twice.json`, line 1: `permission` of entry 3 of `permissions` holds an empty string; give it a value or remove it",
        ],
    );
    check(
        "manifest = \"good.json\"\npermissions = [{ permission = \"event_read\" }, { permission = \"secret_write\" }]\n",
        &[],
    );
    for permissions in ["{ permission = \"secret_write\" }", ""] {
        check(
            &format!("manifest = \"good.json\"\npermissions = [{permissions}]\n"),
            &["6: `permissions` differ from those of the manifest; remove them here"],
        );
    }
}

#[test]
fn a_manifest_gives_what_the_file_does_not() {
    let app = |more: &str| {
        let text = format!("accounts = [{{ id = \"acct_a\" }}]\n[[apps]]\nid = \"app\"\nowner = \"acct_a\"\n{more}");
        let app = parse(&text).unwrap().apps.remove(0);
        let asked: Vec<_> = app.permissions.iter().map(|asked| asked.permission.as_str()).collect();
        format!("{} {} {:?} {}", app.name, app.version, app.distribution, asked.join("+"))
    };
    assert_eq!(app(""), "app 0.0.1 Private ");
    assert_eq!(app("name = \"N\"\nversion = \"7\"\n"), "N 7 Private ");
    assert_eq!(app("manifest = \"good.json\"\n"), "Good 1.2.3 Private secret_write+event_read");
    assert_eq!(app("manifest = \"good.yaml\"\n"), "Good 1.2.3 Private secret_write+event_read");
    assert_eq!(app("manifest = \"good.json\"\nname = \"N\"\n"), "N 1.2.3 Private secret_write+event_read");
    assert_eq!(app("manifest = \"bare.json\"\ndistribution = \"public\"\n"), "app 0.0.1 Public ");
}

#[test]
fn installs() {
    let check = |install: &str, expected: &[&str]| check_below_base(&format!("[[installs]]\n{install}"), expected);
    check("app = \"app\"\naccount = \"acct_b\"\n", &[]);
    check("app = \"mute\"\naccount = \"acct_a\"\nmodes = [\"test\", \"live\"]\npermissions = []\n", &[]);
    check("", &["6: `app` is missing in [[installs]]; add it", "6: `account` is missing in [[installs]]; add it"]);
    check(
        "app = \"x\"\naccount = \"acct_x\"\n",
        &[
            "7: `app` names the app `x`, which no [[apps]] declares; declare it",
            "8: `account` names the account `acct_x`, which no [[accounts]] declares; declare it",
        ],
    );
    check("app = \"app\"\naccount = \"acct_b\"\nmodes = []\n", &["9: `modes` is empty; list `test`, `live` or both"]);
    check(
        "app = \"app\"\naccount = \"acct_b\"\nmodes = \"test\"\n",
        &["9: `modes` holds a string; make it an array of strings"],
    );
    check(
        "app = \"app\"\naccount = \"acct_b\"\nmodes = [\"prod\"]\n",
        &["9: unknown mode `prod`; use `test` or `live`"],
    );
    check(
        "app = \"app\"\naccount = \"acct_b\"\nmodes = [\"test\", \"test\"]\n",
        &["9: entry 2 of `modes` repeats an earlier one; remove it"],
    );
    check(
        "app = \"app\"\naccount = \"acct_b\"\npermissions = [\"secret_write\",\n\"secret_read\", \"secret_write\"]\n",
        &[
            "10: entry 3 of `permissions` repeats an earlier one; remove it",
            "10: `app` does not ask for `secret_read`, it asks for `secret_write`; add it to the app or remove it here",
        ],
    );
    check(
        "app = \"mute\"\naccount = \"acct_b\"\npermissions = [\"secret_write\"]\n",
        &["9: `mute` does not ask for `secret_write`, it asks for nothing; add it to the app or remove it here"],
    );
    let once = "app = \"app\"\naccount = \"acct_b\"\n";
    check(
        &format!("{once}[[installs]]\n{once}modes = [\"live\", \"test\"]\n"),
        &["9: `app` is installed on `acct_b` in test mode on line 6 already; remove one"],
    );
    check(&format!("{once}[[installs]]\n{once}modes = [\"live\"]\n"), &[]);
}

#[test]
fn keys() {
    let check = |key: &str, expected: &[&str]| check_below_base(&format!("[[keys]]\n{key}"), expected);
    check("kind = \"secret\"\naccount = \"acct_a\"\n", &[]);
    check("kind = \"publishable\"\naccount = \"acct_a\"\nmode = \"live\"\n", &[]);
    check("account = \"acct_a\"\n", &["6: `kind` is missing in [[keys]]; add it"]);
    check("kind = \"secret\"\n", &["6: `account` is missing in [[keys]]; add it"]);
    check(
        "kind = \"bearer\"\naccount = \"acct_x\"\nmode = \"prod\"\n",
        &[
            "7: unknown kind `bearer`; use `secret`, `restricted`, `oauth`, `embedded` or `publishable`",
            "8: `account` names the account `acct_x`, which no [[accounts]] declares; declare it",
            "9: unknown mode `prod`; use `test` or `live`",
        ],
    );
    check("kind = \"oauth\"\naccount = \"acct_b\"\n", &["6: an oauth key needs `app`; name the app it is for"]);
    check(
        "kind = \"embedded\"\naccount = \"acct_b\"\n",
        &[
            "6: an embedded key needs `app`; name the app it is for",
            "6: an embedded key needs `user`; name the user who looks at the app",
        ],
    );
    check(
        "kind = \"restricted\"\naccount = \"acct_b\"\napp = \"x\"\n",
        &["9: `app` names the app `x`, which no [[apps]] declares; declare it"],
    );
    check(
        "kind = \"secret\"\naccount = \"acct_a\"\napp = \"app\"\nuser = \"u\"\npermissions = []\n",
        &[
            "9: a secret key has no `app`; remove it",
            "10: a secret key has no `user`; remove it",
            "11: a secret key has no `permissions`; remove it",
        ],
    );
    check(
        "kind = \"restricted\"\naccount = \"acct_b\"\napp = \"app\"\nuser = \"u\"\n",
        &["10: a restricted key has no `user`; remove it"],
    );
    // Not installed there, more than is granted, and of no effect: accepted (contract 6.24, 6.23).
    check(
        "kind = \"embedded\"\naccount = \"acct_b\"\napp = \"mute\"\nuser = \"any\"\npermissions = [\"secret_write\", \"charge_read\"]\n",
        &[],
    );
    check(
        "kind = \"oauth\"\naccount = \"acct_b\"\napp = \"app\"\npermissions = [\"secret_read\", \"secret_read\"]\n",
        &["10: entry 2 of `permissions` repeats an earlier one; remove it"],
    );
    for (text, legal) in [("15m", true), ("0s", true), ("", false), ("15", false), ("1w", false), ("-1s", false)] {
        let expected = match (legal, text) {
            (true, _) => None,
            (false, "") => Some("9: `expires_in` holds an empty string; give it a value or remove it"),
            _ => Some(
                "9: `expires_in` is not a duration of at most 100 years; write a whole number and s, m, h or d, such as `15m`",
            ),
        };
        check(&format!("kind = \"secret\"\naccount = \"acct_a\"\nexpires_in = \"{text}\"\n"), expected.as_slice());
    }
    check(
        "kind = \"secret\"\naccount = \"acct_a\"\nexpires_in = 900\n",
        &["9: `expires_in` holds an integer; make it a string"],
    );
}

#[test]
fn rule_12_4_an_account_s_restricted_key() {
    let check = |key: &str, expected: &[&str]| check_below_base(&format!("[[keys]]\n{key}"), expected);
    let own = "a restricted key without `app` is an account's own, for the Install API only";
    check(
        "kind = \"restricted\"\naccount = \"acct_b\"\n",
        &[&format!("6: {own}; give it `permissions` of `app_install_read` or `app_install_write`, or name its `app`")],
    );
    for legal in ["\"app_install_read\"", "\"app_install_write\"", "\"app_install_write\", \"app_install_read\""] {
        check(&format!("kind = \"restricted\"\naccount = \"acct_b\"\npermissions = [{legal}]\n"), &[]);
    }
    check(
        "kind = \"restricted\"\naccount = \"acct_b\"\nuser = \"u\"\npermissions = [\"app_install_read\",\n\"secret_write\"]\n",
        &[
            "9: a restricted key has no `user`; remove it",
            &format!("11: {own}; replace `secret_write` by `app_install_read` or `app_install_write`"),
        ],
    );
}

#[test]
fn values_say_the_kind_and_mode_of_their_key() {
    let row = |kind: &str, mode: &str, value: &str, fault: Option<&str>| {
        let app = match kind {
            "embedded" => "app = \"app\"\nuser = \"u\"\n",
            "restricted" | "oauth" => "app = \"app\"\n",
            _ => "",
        };
        let text =
            format!("[[keys]]\nvalue = '{value}'\nkind = \"{kind}\"\nmode = \"{mode}\"\naccount = \"acct_a\"\n{app}");
        let expected = fault.map(|fault| format!("7: `value` {fault}"));
        check_below_base(&text, expected.as_deref().as_slice());
    };
    let begin =
        |prefixes: &str| format!("contradicts the key's kind or mode; begin it with {prefixes}, or change those");
    for (kind, prefix) in [("secret", "sk"), ("restricted", "rk"), ("embedded", "ek")] {
        row(kind, "test", &format!("{prefix}_test_1"), None);
        row(kind, "live", &format!("{prefix}_live_1"), None);
        let test = begin(&format!("`{prefix}_test_`"));
        for value in ["_live_1", "_test_", "_1", "", "_test1"] {
            row(kind, "test", &format!("{prefix}{value}"), Some(&test));
        }
        row(kind, "test", "pk_test_1", Some(&test));
        row(kind, "live", &format!("{prefix}_test_1"), Some(&begin(&format!("`{prefix}_live_`"))));
    }
    for value in ["sk_test_1", "rk_test_1", "sk_1", "rk_acct_1"] {
        row("oauth", "test", value, None);
    }
    for value in ["sk_live_1", "rk_live_1", "ek_test_1", "token", "sk_", "sk_test_"] {
        row("oauth", "test", value, Some(&begin("`sk_test_` or `rk_test_`")));
    }
    for (value, legal) in [("pk_test_1", true), ("pk_1", true), ("pk_live_1", false), ("sk_test_1", false)] {
        let fault = begin("`pk_test_`");
        row("publishable", "test", value, (!legal).then_some(fault.as_str()));
    }
    let unpresentable = "holds white space, a colon or what is not ASCII; use letters, digits and `_`";
    for value in ["sk_test_a b", "sk_test_a:b", "sk_test_é", "sk_test_a\tb"] {
        row("secret", "test", value, Some(unpresentable));
    }
    check_below_base(
        "[[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\nvalue = \"sk_test_1\"\n[[keys]]\nkind = \"oauth\"\napp = \"app\"\n\
         account = \"acct_a\"\nvalue = \"sk_test_1\"\n",
        &["14: `value` is that of the key on line 9, too; give each key its own"],
    );
}

#[test]
fn every_fault_of_a_file_is_reported_by_line() {
    check(
        "[[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\nvalue = \"rk_test_hidden\"\n[[accounts]]\nid = \"acct_a\"\nx = 1\n\
         [[installs]]\napp = \"y\"\naccount = \"acct_a\"\n",
        &[
            "4: `value` contradicts the key's kind or mode; begin it with `sk_test_`, or change those",
            "7: unknown key `x` in [[accounts]]; remove it or use one of `id`, `name`, `users`, `connected_to`",
            "9: `app` names the app `y`, which no [[apps]] declares; declare it",
        ],
    );
}

#[test]
fn a_grant_is_everything_asked_for_unless_it_is_named() {
    let granted = |permissions: &str| {
        let base = r#"accounts = [{ id = "acct_a" }]
            apps = [{ id = "app", owner = "acct_a", permissions = [{ permission = "secret_write" }, { permission = "event_read" }] }]
            [[installs]]
            app = "app"
            account = "acct_a""#;
        parse(&format!("{base}\n{permissions}")).unwrap().installs.remove(0).granted.join("+")
    };
    assert_eq!(granted(""), "secret_write+event_read");
    assert_eq!(granted("permissions = [\"event_read\"]"), "event_read");
    assert_eq!(granted("permissions = []"), "");
}

#[test]
fn debug_shows_no_value() {
    let text = "[[accounts]]\nid = \"acct_a\"\nusers = [\"usr_hidden\"]\n\
        [[apps]]\nid = \"app\"\nowner = \"acct_a\"\nsigning_secret = \"absec_hidden\"\n\
        [[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\nvalue = \"sk_test_hidden\"\n\
        [[webhooks]]\naccount = \"acct_a\"\nurl = \"https://a.example\"\nsecret = \"whsec_hidden\"\n";
    let platform = parse(text).unwrap();
    assert_eq!(platform.keys[0].value.as_ref().unwrap().as_str(), "sk_test_hidden");
    let debug = format!("{platform:?}");
    assert!(debug.contains("KeyValue(****)") && debug.contains("SigningSecret(****)"), "{debug}");
    assert!(!debug.contains("hidden"), "{debug}");
}

#[test]
fn a_file_that_cannot_be_read() {
    let error = Platform::read(Path::new("/nonexistent/platform.toml"), Purpose::Development).unwrap_err().to_string();
    let expected = "/nonexistent/platform.toml: cannot be read (No such file or directory (os error 2)); name a file that exists and \
                    that this user may read";
    assert_eq!(error, expected);
}

/// Whatever one wrong line is: there is an answer, and every part of it names the file and says what to do.
#[test]
fn no_edit_of_one_line_goes_unanswered() {
    let demo: Vec<&str> = include_str!("demo.toml").lines().collect();
    let mut refused = 0;
    for (index, line) in demo.iter().enumerate() {
        let key = line.split_once('=').map_or(*line, |(key, _)| key);
        for value in [
            "",
            "= 1",
            "= \"\"",
            "= \"x\"",
            "= []",
            "= [1]",
            "= [\"x\"]",
            "= [{}]",
            "= {}",
            "= true",
            "= 1.5",
            "= 1979-05-27",
        ] {
            let edited = if value.is_empty() { String::new() } else { format!("{key}{value}") };
            let mut lines = demo.clone();
            lines[index] = &edited;
            if let Err(error) = parse(&lines.join("\n")) {
                refused += 1;
                for fault in error.to_string().lines() {
                    assert!(fault.starts_with("p.toml:") && fault.contains("; "), "line {index}, {edited}: {fault}");
                }
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

#[test]
fn rule_12_4_and_12_9_rights_of_an_account_s_restricted_key() {
    let rights = |permissions: &str| {
        let key = format!("[[keys]]\nkind = \"restricted\"\naccount = \"acct_a\"\npermissions = [{permissions}]\n");
        let key = parse(&format!("{BASE}{key}")).unwrap().keys.remove(0);
        assert!(key.permissions.is_none(), "they are no permissions on secrets");
        key.kind
    };
    let read = InstallRights { read: true, write: false };
    assert_eq!(rights("\"app_install_read\""), KeyKind::AccountRestricted(read));
    assert_eq!(rights("\"app_install_write\""), KeyKind::AccountRestricted(InstallRights::ALL));
    assert_eq!(rights(""), KeyKind::AccountRestricted(InstallRights::default()));
}

#[test]
fn a_file_with_keys_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("p.toml");
    let key = "[[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\n";
    let app = "[[apps]]\nid = \"a\"\nowner = \"acct_a\"\n";
    let webhook = "[[webhooks]]\naccount = \"acct_a\"\nurl = \"https://a.example\"\n";
    let strong = "whsec_abcdefghijklmnopqrstuvwx";
    let of_app = |secret: &str| format!("{app}signing_secret = \"{secret}\"\n");
    for (declared, mode, purpose, legal) in [
        (format!("{key}value = \"sk_test_a\"\n"), 0o644, Purpose::Production, false),
        (format!("{key}value = \"sk_test_a\"\n"), 0o640, Purpose::Production, false),
        (format!("{key}value = \"sk_test_a\"\n"), 0o600, Purpose::Production, true),
        (format!("{key}value = \"sk_test_a\"\n"), 0o644, Purpose::Development, true),
        (format!("{app}signing_secret = \"absec_abcdefghijklmnopqrstuvwx\"\n"), 0o644, Purpose::Production, false),
        (format!("{app}signing_secret = \"absec_abcdefghijklmnopqrstuvwx\"\n"), 0o600, Purpose::Production, true),
        (format!("{webhook}secret = \"whsec_a\"\n"), 0o644, Purpose::Production, false),
        (format!("{webhook}secret = \"{strong}\"\n"), 0o600, Purpose::Production, true),
        (format!("{app}{key}{webhook}"), 0o644, Purpose::Production, true),
    ] {
        std::fs::write(&path, format!("accounts = [{{ id = \"acct_a\" }}]\n{declared}")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let found = Platform::read(&path, purpose).err().map(|error| error.to_string());
        let expected =
            format!("holds keys or signing secrets and can be read by others (mode {mode:04o}); run `chmod 600`");
        assert_eq!(found.is_none(), legal, "{declared} {mode:o} {purpose:?} {found:?}");
        assert!(found.is_none_or(|found| found.contains(&expected)), "{declared}");
    }
    // A short secret can be guessed from one delivery; in dev mode it is as good as another.
    for (secret, purpose, legal) in [
        ("whsec_abcdefghijklmnopqrstuvw", Purpose::Production, false),
        ("whsec_a", Purpose::Development, true),
        (strong, Purpose::Production, true),
        ("absec_abcdefghijklmnopqrstuvw", Purpose::Production, false),
        ("absec_a", Purpose::Development, true),
        ("absec_abcdefghijklmnopqrstuvwx", Purpose::Production, true),
    ] {
        let of_webhook = format!("{webhook}secret = \"{secret}\"\n");
        let declared = if secret.starts_with("absec_") { of_app(secret) } else { of_webhook };
        std::fs::write(&path, format!("accounts = [{{ id = \"acct_a\" }}]\n{declared}")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let found = Platform::read(&path, purpose).err().map(|error| error.to_string());
        assert_eq!(found.is_none(), legal, "{secret} {purpose:?}: {found:?}");
        assert!(
            found.is_none_or(
                |found| found.contains("24 characters behind `absec_` or `whsec_`") && !found.contains(secret)
            )
        );
    }
}
