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
    parse_for(Purpose::Development, text)
}

fn parse_for(purpose: Purpose, text: &str) -> Result<Platform, PlatformError> {
    let manifest = |path: &str| {
        match path {
        "good.json" => Ok(r#"{"id": "app", "version": "1.2.3", "name": "Good", "icon": "./i.png", "extends": "x",
            "permissions": [{"permission": "secret_write", "purpose": "P", "more": 1}, {"permission": "event_read", "purpose": ""}]}"#
            .to_owned()),
        "bare.json" => Ok("{}".to_owned()),
        "other.json" => Ok(r#"{"id": "com.example.other"}"#.to_owned()),
        "torn.json" => Ok("{\"id\": \"app\",\n".to_owned()),
        "shape.json" => Ok("{\"id\": \"app\",\n\"permissions\": [\"sk_live_123456789012345\"]}".to_owned()),
        "twice.json" => Ok(r#"{"permissions": [{"permission": "a"}, {"permission": "a"}, {"permission": ""}]}"#.to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
    };
    Platform::parse("p.toml", text, &manifest, purpose)
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
        "[[webhooks]]\n",
        &["1: unknown key `webhooks` in the file; remove it or use one of `accounts`, `apps`, `installs`, `keys`"],
    );
    check(
        "[[accounts]]\nid = \"acct_a\"\nconnected_to = []\n",
        &["3: unknown key `connected_to` in [[accounts]]; remove it or use one of `id`, `name`, `users`"],
    );
    let legal = "`id`, `owner`, `distribution`, `manifest`, `permissions`, `signing_secret`, `name`, `version`";
    for later in ["app_id", "client_id", "api_access", "redirect_uris", "content_security_policy", "endpoints"] {
        check(
            &format!("[[accounts]]\nid = \"acct_a\"\n[[apps]]\nid = \"app\"\nowner = \"acct_a\"\n{later} = \"\"\n"),
            &[&format!("6: unknown key `{later}` in [[apps]]; remove it or use one of {legal}")],
        );
    }
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
        `apps`, `installs`, `keys`"],
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
fn manifests() {
    let check = |app: &str, expected: &[&str]| {
        check(
            &format!("accounts = [{{ id = \"acct_a\" }}]\n[[apps]]\nid = \"app\"\nowner = \"acct_a\"\n{app}"),
            expected,
        );
    };
    check("manifest = \"good.json\"\n", &[]);
    check("manifest = \"bare.json\"\n", &[]);
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
        &["5: the manifest `torn.json` is not a Stripe App manifest; correct its line 2"],
    );
    check(
        "manifest = \"shape.json\"\n",
        &["5: the manifest `shape.json` is not a Stripe App manifest; correct its line 2"],
    );
    check(
        "manifest = \"twice.json\"\n",
        &[
            "5: the manifest `twice.json` asks for `a` twice; remove one of them there",
            "5: the manifest `twice.json` asks for a permission without a name; name it there",
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
    check(
        "kind = \"restricted\"\naccount = \"acct_b\"\n",
        &["6: a restricted key needs `app`; name the app it is for"],
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
            "7: unknown key `x` in [[accounts]]; remove it or use one of `id`, `name`, `users`",
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
        [[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\nvalue = \"sk_test_hidden\"\n";
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

/// Contract 6.3: an expired key stays expired, also after a restart.
#[test]
fn a_production_server_takes_no_expiry_that_a_restart_takes_back() {
    let key = "[[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\n";
    let text = format!("{BASE}{key}{key}expires_in = \"1h\"\n{key}expires_in = \"x\"\n");
    let found = parse_for(Purpose::Production, &text).unwrap_err().to_string();
    let lines: Vec<_> = found.lines().map(|line| line.split(" is ").next().unwrap()).collect();
    assert_eq!(lines, ["p.toml:12: `expires_in`", "p.toml:16: `expires_in`", "p.toml:16: `expires_in`"], "{found}");
    assert!(found.contains("remove it here, and the key when it is to end"), "{found}");
    assert!(parse_for(Purpose::Production, &format!("{BASE}{key}")).is_ok());
    assert!(parse_for(Purpose::Development, &format!("{BASE}{key}expires_in = \"1h\"\n")).is_ok());
}

#[test]
fn a_file_with_keys_is_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("p.toml");
    let key = "[[keys]]\nkind = \"secret\"\naccount = \"acct_a\"\n";
    let app = "[[apps]]\nid = \"a\"\nowner = \"acct_a\"\n";
    for (declared, mode, purpose, legal) in [
        (format!("{key}value = \"sk_test_a\"\n"), 0o644, Purpose::Production, false),
        (format!("{key}value = \"sk_test_a\"\n"), 0o640, Purpose::Production, false),
        (format!("{key}value = \"sk_test_a\"\n"), 0o600, Purpose::Production, true),
        (format!("{key}value = \"sk_test_a\"\n"), 0o644, Purpose::Development, true),
        (format!("{app}signing_secret = \"absec_a\"\n"), 0o644, Purpose::Production, false),
        (format!("{app}signing_secret = \"absec_a\"\n"), 0o600, Purpose::Production, true),
        (format!("{app}{key}"), 0o644, Purpose::Production, true),
    ] {
        std::fs::write(&path, format!("accounts = [{{ id = \"acct_a\" }}]\n{declared}")).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        let found = Platform::read(&path, purpose).err().map(|error| error.to_string());
        let expected =
            format!("holds keys or signing secrets and can be read by others (mode {mode:04o}); run `chmod 600`");
        assert_eq!(found.is_none(), legal, "{declared} {mode:o} {purpose:?} {found:?}");
        assert!(found.is_none_or(|found| found.contains(&expected)), "{declared}");
    }
}
