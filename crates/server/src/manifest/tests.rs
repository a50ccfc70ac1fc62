//! Manifests row by row: the file, then what was read of it, or every line of the answer.

use std::fmt::Write as _;

use super::*;

/// Real manifests have more fields than Cholla reads, in both notations.
const V1: &str = r#"{
  "$schema": "https://stripe.com/stripe-app.schema.json",
  "id": "com.example.app",
  "version": "1.2.3",
  "name": "App 🌵",
  "icon": "",
  "sandbox_install_compatible": true,
  "distribution_type": "public",
  "stripe_api_access_type": "oauth",
  "allowed_redirect_uris": ["https://example.com/callback?a=1", "http://localhost:3000"],
  "permissions": [
    {"permission": "secret_write", "purpose": "Stores \"keys\" {of ours}"},
    {"permission": "event_read", "purpose": "", "more": [1, 2.5e3, null]}
  ],
  "app_backend": {"webhooks": null},
  "ui_extension": {
    "views": [{"viewport": "stripe.dashboard.home.overview", "component": "App", "permissions": 7}],
    "content_security_policy": {"connect-src": ["https://api.example.com/"], "image-src": null, "purpose": ""}
  },
  "post_install_action": {"type": "external", "url": "https://example.com"},
  "constants": {"id": "other"}
}
"#;
const V2: &str = "\
$schema: https://stripe.com/stripe-app/v2.0.0/schema
id: com.example.app
version: 1.2.3
name: 'App 🌵'
icon: \"\"
declarations:
    distribution_type: public
    sandbox_install_compatible: true
    stripe_api_access_type: oauth
    allowed_redirect_uris: [https://example.com/callback?a=1, 'http://localhost:3000']
    stripe_api_access:
        permissions:
            # The secrets.
            - permission: secret_write
              purpose: Stores \"keys\" {of ours}
            - {permission: event_read, purpose: , more: *more}
ui_extension:
    views: &views
        - viewport: stripe.dashboard.home.overview
    content_security_policy:
        connect-src:
        - https://api.example.com/
        image-src: ~
        purpose: \"\"
extensions:
    - id: a
      permissions: []
      more: *views
";
const READ: &str = "com.example.app 1.2.3 App 🌵
secret_write: Stores \"keys\" {of ours}
event_read
oauth https://example.com/callback?a=1 http://localhost:3000
connect https://api.example.com/
public";

/// Everything that was read, or every fault.
fn read(text: &str, file: &str) -> String {
    let manifest = match Manifest::parse(text, file) {
        Ok(manifest) => manifest,
        Err(faults) => return faults.to_string(),
    };
    let mut shown = [manifest.id, manifest.version, manifest.name].into_iter().flatten().collect::<Vec<_>>().join(" ");
    for asked in manifest.permissions.unwrap_or_default() {
        let purpose = asked.purpose.map(|purpose| format!(": {purpose}")).unwrap_or_default();
        let _ = write!(shown, "\n{}{purpose}", asked.permission);
    }
    if let Some(access) = manifest.api_access {
        let _ = write!(shown, "\n{} {}", access.as_str(), manifest.redirect_uris.join(" "));
    }
    for (name, sources) in [
        ("connect", manifest.content_security_policy.connect_src),
        ("image", manifest.content_security_policy.image_src),
    ] {
        if !sources.is_empty() {
            let _ = write!(shown, "\n{name} {}", sources.join(" "));
        }
    }
    if let Some(distribution) = manifest.distribution {
        let _ = write!(shown, "\n{}", distribution.as_str());
    }
    shown
}

/// The JSON `text` has exactly these faults, each without the file's name.
fn check(text: &str, expected: &[&str]) {
    check_file("m.json", text, expected);
}

fn check_file(file: &str, text: &str, expected: &[&str]) {
    let actual = Manifest::parse(text, file).err().map(|faults| faults.to_string()).unwrap_or_default();
    let expected: Vec<_> = expected.iter().map(|line| format!("{file}:{line}")).collect();
    assert_eq!(actual, expected.join("\n"), "\n{text}");
}

#[test]
fn rule_11_5_and_15_1_both_formats_are_read() {
    let v2 = V2.replace("*more", "1");
    for (text, file) in [
        (V1.to_owned(), "stripe-app.json"),
        (V1.replace('\n', "\r\n"), "manifest"),
        (format!("\u{feff}{V1}"), "a/b.JSON"),
        (v2.clone(), "stripe-app.yaml"),
        (v2.replace('\n', "\r\n"), "x.yml"),
        (format!("\u{feff}{v2}"), "x.YAML"),
        (format!("---\n{v2}...\n"), "stripe-app.yaml"),
    ] {
        assert_eq!(read(&text, file), READ, "{file}");
    }
}

#[test]
fn what_is_left_out_is_not_made_up() {
    for (text, file) in [
        ("{}", "m.json"),
        ("{\"permissions\": null, \"allowed_redirect_uris\": null, \"ui_extension\": null, \"id\": null}", "m.json"),
        ("{\"ui_extension\": {\"content_security_policy\": null}}", "m.json"),
        ("{}", "m.yaml"),
        ("declarations:\nui_extension: ~\n", "m.yaml"),
        ("declarations: {stripe_api_access: null}\n", "m.yaml"),
    ] {
        let manifest = Manifest::parse(text, file).unwrap();
        let Manifest { permissions, redirect_uris, content_security_policy, id, .. } = manifest;
        assert_eq!((permissions, id), (None, None), "{text}");
        assert_eq!((redirect_uris, content_security_policy), (vec![], ContentSecurityPolicy::default()), "{text}");
    }
    assert_eq!(Manifest::parse("{\"permissions\": []}", "m.json").unwrap().permissions, Some(vec![]));
}

#[test]
fn the_notation() {
    check("", &["1: is not JSON (EOF while parsing a value); correct it there"]);
    check("{\"id\": \"sk_live_x\",\n", &["2: is not JSON (EOF while parsing an object); correct it there"]);
    check("{\n  \"id\": \"a\", // mine\n}", &["2: is not JSON (key must be a string); correct it there"]);
    check("{} {}", &["1: is not JSON (trailing characters); correct it there"]);
    check("[]", &["1: is no object; begin it with the app's `id`"]);
    check("\n\n{\"a\":\n \"\\ud800\"}", &["4: holds a string with a broken escape; correct it there"]);
    check(&"[".repeat(100_000), &["1: is not JSON (EOF while parsing a list); correct it there"]);
    let deep = |levels| format!("{{\"a\":\n{}{}}}", "[".repeat(levels), "]".repeat(levels));
    check(&deep(64), &[]);
    check(&deep(65), &["2: is nested more than 64 levels deep; flatten it"]);
    check(&deep(100_000), &["2: is nested more than 64 levels deep; flatten it"]);
    let long = format!("{{\"a\": \"{}\"}}", "a".repeat(MANIFEST_BYTES_MAX));
    assert_eq!(read(&long, "m.json"), "m.json: is longer than 1048576 bytes; shorten it");
    let yaml = |text: &str, expected: &[&str]| check_file("m.yaml", text, expected);
    yaml("", &["1: is no object; begin it with the app's `id`"]);
    yaml("# nothing\n", &["1: is no object; begin it with the app's `id`"]);
    yaml("id: a\n---\nid: b\n", &["3: holds a second document; keep the first one"]);
    yaml("id: a\n[b]: c\n", &["2: has a list or an object as a key; write a plain one"]);
    let deep = |levels| format!("a: {}{}\n", "[".repeat(levels), "]".repeat(levels));
    yaml(&deep(64), &[]);
    for (text, line) in [(deep(65), 1), (deep(100_000), 1), ("id: 'a\n".to_owned(), 2), ("a: *b\n".to_owned(), 1)] {
        let faults = Manifest::parse(&text, "m.yaml").unwrap_err().to_string();
        let begin = format!("m.yaml:{line}: is not YAML that can be read (");
        assert!(faults.starts_with(&begin) && faults.ends_with("); correct it there"), "{faults}");
    }
}

#[test]
fn aliases_are_never_expanded() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..100 {
        let before = format!("*a{}, ", level - 1).repeat(9);
        let _ = writeln!(text, "a{level}: &a{level} [{before}]");
    }
    check_file("m.yaml", &text, &[]);
    let text = "id: &id a\nname: *id\ndeclarations:\n  <<: {a: 1}\n  stripe_api_access: {permissions: [*id]}\n";
    let expected = [
        "2: `name` holds an alias; write it out",
        "4: `declarations` merges another object; write out what it holds",
        "5: entry 1 of `declarations.stripe_api_access.permissions` holds an alias; write it out",
    ];
    check_file("m.yaml", text, &expected);
}

#[test]
fn types_and_strings() {
    check("{\"id\": 1}", &["1: `id` holds a number; put it in quotes"]);
    let no_id = "2: `id` is no app id; begin it with a letter or digit, and make it 1 to 255 letters, digits, `.`, `-` and `_`, such as `com.example.app`, and not what keys and drawn ids begin with, such as `ca_`";
    for id in ["..", "a\\nb", "sk_live_x", "ca_x", &"a".repeat(256)] {
        check(&format!("{{\n\"id\": \"{id}\"}}"), &[no_id]);
    }
    check(
        "{\"name\": true,\n\"version\": 1.0}",
        &["1: `name` holds a boolean; put it in quotes", "2: `version` holds a number; put it in quotes"],
    );
    check("{\"name\": []}", &["1: `name` holds a list; make it a string"]);
    check("{\"name\": \"\"}", &["1: `name` holds an empty string; give it a value or remove it"]);
    let why = "1: `name` holds NUL or more than 5000 characters; shorten it";
    check("{\"name\": \"a\\u0000b\"}", &[why]);
    check(&format!("{{\"name\": \"{}\"}}", "é".repeat(5001)), &[why]);
    check(&format!("{{\"name\": \"{}\"}}", "é".repeat(5000)), &[]);
    check("{\"permissions\": \"sk_live_x\"}", &["1: `permissions` holds a string; make it a list"]);
    check("{\"ui_extension\": []}", &["1: `ui_extension` holds a list; make it an object"]);
    check(
        "{\"ui_extension\": {\"content_security_policy\": {\"connect-src\": \"a\", \"image-src\": [1, \"\"]}}}",
        &[
            "1: `ui_extension.content_security_policy.connect-src` holds a string; make it a list",
            "1: entry 1 of `ui_extension.content_security_policy.image-src` holds a number; put it in quotes",
            "1: entry 2 of `ui_extension.content_security_policy.image-src` holds an empty string; give it a value or remove it",
        ],
    );
    for (version, expected) in [
        ("1.0.0", ""),
        ("1.0", "a number"),
        ("1_0", ""),
        ("-7", "a number"),
        (".5", "a number"),
        ("1e3", "a number"),
        ("0x1f", "a number"),
        ("0o17", "a number"),
        (".inf", "a number"),
        (".nan", "a number"),
        ("inf", ""),
        ("nan", ""),
        ("e1", ""),
        ("TRUE", "a boolean"),
        ("yes", ""),
        ("'1.0'", ""),
        ("\"1.0\"", ""),
        ("!!str 1.0", ""),
        ("!!float 1.0", "a value with a tag"),
        ("|-\n  1.0", ""),
    ] {
        let expected: Vec<_> = Some(expected)
            .filter(|what| !what.is_empty())
            .map(|what| format!("2: `version` holds {what}; put it in quotes"))
            .into_iter()
            .collect();
        let expected: Vec<_> = expected.iter().map(String::as_str).collect();
        check_file("m.yaml", &format!("id: a\nversion: {version}\n"), &expected);
    }
}

#[test]
fn permissions_are_complete_and_named_once() {
    check(
        "{\"permissions\": [\n\"a\",\n{},\n{\"permission\": \"\"},\n{\"permission\": \"a\"},\n{\"permission\": \"a\", \"purpose\": 1}]}",
        &[
            "2: entry 1 of `permissions` holds a string; make it an object",
            "3: entry 2 of `permissions` has no `permission`; add it, or remove the entry",
            "4: `permission` of entry 3 of `permissions` holds an empty string; give it a value or remove it",
            "6: `purpose` of entry 5 of `permissions` holds a number; put it in quotes",
            "6: entry 5 of `permissions` asks for `a` twice; remove one of them",
        ],
    );
}

#[test]
fn much_of_the_same() {
    let list = |entry: &str, times: usize| format!("{{\"permissions\": [{}]}}", vec![entry; times].join(","));
    let reported = |text: String| Manifest::parse(&text, "m.json").unwrap_err().as_slice().len();
    assert_eq!(reported(list("{\"permission\": \"a\"}", 1_000)), 100);
    check(&list("1", 1_001), &["1: `permissions` holds more than 1000 entries; remove some"]);
    check(&list("1", 500_000), &["1: `permissions` holds more than 1000 entries; remove some"]);
}

#[test]
fn a_key_that_is_read_stands_there_once() {
    check(
        "{\"id\": \"a\",\n\"id\": \"a\", \"more\": 1, \"more\": 2}",
        &["2: `id` stands there twice; remove one of them"],
    );
    check(
        "{\"permissions\": [{\"permission\": \"a\", \"permission\": \"b\"}]}",
        &["1: `permission` of entry 1 of `permissions` stands there twice; remove one of them"],
    );
    check(
        "{\"ui_extension\": {},\n\"ui_extension\": {}}",
        &["2: `ui_extension` stands there twice; remove one of them"],
    );
    check_file(
        "m.yaml",
        "declarations: {}\ndeclarations: {}\n",
        &["2: `declarations` stands there twice; remove one of them"],
    );
}

#[test]
fn words_are_known_ones() {
    for (access, legal) in [("platform", true), ("oauth", true), ("restricted_api_key", true), ("OAuth", false)] {
        let expected = format!(
            "1: `stripe_api_access_type` is `{access}`; make it one of `platform`, `oauth`, `restricted_api_key`"
        );
        let expected: &[&str] = if legal { &[] } else { &[&expected] };
        check(&format!("{{\"stripe_api_access_type\": \"{access}\"}}"), expected);
    }
    check(
        "{\"distribution_type\": \"sk_live_123456789012345\"}",
        &["1: `distribution_type` is `sk_live_****2345`; make it one of `public`, `private`"],
    );
}

#[test]
fn rule_15_11_redirect_uris_are_absolute() {
    for (uri, legal) in [
        ("https://example.com", true),
        ("https://example.com/a?b=c", true),
        ("http://localhost:3000/", true),
        ("http://127.0.0.1:1/x", true),
        ("HTTPS://example.com/", true),
        ("https://user@example.com/", true),
        ("https://example.com/#here", false),
        ("https://example.com/#", false),
        ("/callback", false),
        ("//example.com/", false),
        ("example.com", false),
        ("ftp://example.com/", false),
        ("javascript:alert(1)", false),
        ("https:///a", false),
        ("https://", false),
        ("https://exa mple.com", false),
        ("https://example.com/a b", false),
        ("https://example.com/\\n", false),
        ("*", false),
    ] {
        let text = uri.replace("\\n", "\n");
        assert_eq!(is_redirect_uri(&text), legal, "{uri}");
    }
    check(
        "{\"allowed_redirect_uris\": [\"https://a.b\",\n\"/x\", \"https://a.b\"]}",
        &[
            "2: entry 2 of `allowed_redirect_uris` is no absolute http or https URI without a fragment; write it out, such as `https://example.com/callback`",
            "2: entry 3 of `allowed_redirect_uris` repeats an earlier one; remove it",
        ],
    );
}

#[test]
fn a_field_of_the_other_format_is_not_overlooked() {
    let yaml = "permissions: []\nstripe_api_access_type: oauth\nallowed_redirect_uris: []\ndistribution_type: public\n";
    let why = |key, place| format!("`{key}` stands where a stripe-app.json has it; put what it holds into {place}");
    let expected = [
        format!("1: {}", why("permissions", "`declarations.stripe_api_access`")),
        format!("2: {}", why("stripe_api_access_type", "`declarations`")),
        format!("3: {}", why("allowed_redirect_uris", "`declarations`")),
        format!("4: {}", why("distribution_type", "`declarations`")),
    ];
    check_file("m.yaml", yaml, &expected.each_ref().map(String::as_str));
    check(
        "{\"declarations\": {}}",
        &["1: `declarations` stands where a stripe-app.yaml has it; put what it holds into the outermost object"],
    );
    check(
        "{\"extends\": \"stripe-app.json\"}",
        &["1: `extends` another manifest, which Cholla does not follow; name that one, or write out what it says"],
    );
}
