//! Manifests before and after a command, byte by byte.

use super::*;

/// What a row does.
#[derive(Clone, Copy, Debug)]
enum Do {
    Grant(&'static str, &'static str),
    Revoke(&'static str),
}
use Do::{Grant, Revoke};

const NEW: Do = Grant("secret_write", "Stores keys");

/// The text after the command; `None` where nothing is to be changed.
fn done(file: &str, before: &str, command: Do) -> Result<Option<String>, Refused> {
    match command {
        Grant(permission, purpose) => grant(before, file, permission, purpose).map(|granted| match granted {
            Granted::Unchanged => None,
            Granted::Repurposed(text) | Granted::Added(text) => Some(text),
        }),
        Revoke(permission) => revoke(before, file, permission),
    }
}

/// Every row with newlines of both kinds, and behind a byte order mark.
fn check(file: &str, before: &str, command: Do, after: &str) {
    let forms: [fn(&str) -> String; 3] =
        [str::to_owned, |text| text.replace('\n', "\r\n"), |text| format!("\u{feff}{text}")];
    for form in forms {
        let text = match done(file, &form(before), command) {
            Ok(text) => text.unwrap_or_else(|| form(before)),
            Err(refused) => panic!("{command:?}: {refused:?}\n{before}"),
        };
        assert_eq!(text, form(after), "{command:?}\n{before}");
    }
}

fn json(before: &str, command: Do, after: &str) {
    check("stripe-app.json", before, command, after);
}

fn yaml(before: &str, command: Do, after: &str) {
    check("stripe-app.yaml", before, command, after);
}

/// A YAML manifest whose permissions are `list`, which begins behind the colon.
fn declared(list: &str) -> String {
    format!(
        "id: a # the app\ndeclarations:\n  stripe_api_access:\n    permissions:{list}\n    more: 1\nextensions:\n- permissions: []\n"
    )
}

#[test]
fn json_in_lines() {
    for unit in ["  ", "    ", "\t"] {
        let indented = |text: &str| text.replace('\t', unit);
        let json = |before: &str, command, after: &str| json(&indented(before), command, &indented(after));
        let none =
            "{\n\t\"id\": \"a\",\n\t\"permissions\": [],\n\t\"ui_extension\": {\n\t\t\"permissions\": []\n\t}\n}\n";
        let one = "{\n\t\"id\": \"a\",\n\t\"permissions\": [\n\t\t{\n\t\t\t\"permission\": \"secret_write\",\n\t\t\t\"purpose\": \"Stores keys\"\n\t\t}\n\t],\n\t\"ui_extension\": {\n\t\t\"permissions\": []\n\t}\n}\n";
        let two = "{\n\t\"id\": \"a\",\n\t\"permissions\": [\n\t\t{\n\t\t\t\"permission\": \"secret_write\",\n\t\t\t\"purpose\": \"Stores keys\"\n\t\t},\n\t\t{\n\t\t\t\"permission\": \"event_read\",\n\t\t\t\"purpose\": \"Hears\"\n\t\t}\n\t],\n\t\"ui_extension\": {\n\t\t\"permissions\": []\n\t}\n}\n";
        json(none, NEW, one);
        json(one, Grant("event_read", "Hears"), two);
        json(two, NEW, two);
        json(two, Revoke("event_read"), one);
        json(one, Revoke("secret_write"), none);
        json(two, Revoke("secret_write"), &one.replace("secret_write", "event_read").replace("Stores keys", "Hears"));
        json(two, Grant("event_read", "Listens"), &two.replace("Hears", "Listens"));
        json(&one.replace("[\n", "null, \"x\": [\n"), NEW, &one.replace("],\n\t\"ui", "],\n\t\"x\": [],\n\t\"ui").replace("\"x\": [],\n\t", "").replace("],\n\t\"ui", "], \"x\": [\n\t\t{\n\t\t\t\"permission\": \"secret_write\",\n\t\t\t\"purpose\": \"Stores keys\"\n\t\t}\n\t],\n\t\"ui"));
        json(&none.replace("\t\"permissions\": [],\n\t\"ui", "\t\"ui"), NEW, one);
    }
}

#[test]
fn json_on_one_line() {
    let tight = r#"{"id":"a","permissions":[{"permission":"secret_write","purpose":"Stores keys"}],"more":1}"#;
    json(r#"{"id":"a","permissions":[],"more":1}"#, NEW, tight);
    json(r#"{"id":"a","permissions":null,"more":1}"#, NEW, tight);
    json(r#"{"id":"a","more":1}"#, NEW, tight);
    json(tight, Revoke("secret_write"), r#"{"id":"a","permissions":[],"more":1}"#);
    json(
        tight,
        Grant("b", "B"),
        r#"{"id":"a","permissions":[{"permission":"secret_write","purpose":"Stores keys"},{"permission":"b","purpose":"B"}],"more":1}"#,
    );
    let loose = r#"{"id": "a", "permissions": [{"permission": "secret_write", "purpose": "Stores keys"}]}"#;
    json(r#"{"id": "a", "permissions": [ ]}"#, NEW, loose);
    json(r#"{"id": "a"}"#, NEW, loose);
    json(
        loose,
        Grant("b", "B"),
        r#"{"id": "a", "permissions": [{"permission": "secret_write", "purpose": "Stores keys"}, {"permission": "b", "purpose": "B"}]}"#,
    );
    json("{}", NEW, r#"{"permissions": [{"permission": "secret_write", "purpose": "Stores keys"}]}"#);
    json(
        "{}\n",
        NEW,
        "{\n  \"permissions\": [\n    {\n      \"permission\": \"secret_write\",\n      \"purpose\": \"Stores keys\"\n    }\n  ]\n}\n",
    );
}

#[test]
fn json_as_people_write_it() {
    // Each on its line; the purpose first; braces and quotes in strings; more fields; a blank line between groups.
    let before = "{ \"name\": \"a]}\\\"\",\n\n  \"permissions\" : [\n    { \"purpose\" : \"{[\\\"\\u00e9,\", \"permission\" : \"a\" },\n    { \"purpose\" : \"B\", \"permission\" : \"b\", \"more\" : [1] } ],\n\n  \"id\": \"x\" }";
    json(
        before,
        NEW,
        &before
            .replace("[1] } ]", "[1] },\n    { \"permission\" : \"secret_write\", \"purpose\" : \"Stores keys\" } ]"),
    );
    json(
        before,
        Revoke("a"),
        &before.replace("{ \"purpose\" : \"{[\\\"\\u00e9,\", \"permission\" : \"a\" },\n    ", ""),
    );
    json(
        before,
        Revoke("b"),
        &before.replace(",\n    { \"purpose\" : \"B\", \"permission\" : \"b\", \"more\" : [1] }", ""),
    );
    json(before, Grant("a", "a\"\\\n🌵"), &before.replace("{[\\\"\\u00e9,", "a\\\"\\\\\\n🌵"));
    json(before, Grant("a", "{[\"é,"), before);
    // Brackets of list and object on one line.
    let before = "{\n  \"permissions\": [{\n    \"permission\": \"a\",\n    \"purpose\": \"A\"\n  }]\n}";
    let added = "}, {\n    \"permission\": \"secret_write\",\n    \"purpose\": \"Stores keys\"\n  }]";
    json(before, NEW, &before.replace("}]", added));
    // No purpose yet, or none in words.
    json(
        "{\"permissions\": [{\"permission\": \"secret_write\"}]}",
        NEW,
        "{\"permissions\": [{\"permission\": \"secret_write\", \"purpose\": \"Stores keys\"}]}",
    );
    json(
        "{\"permissions\":[{\"purpose\":null,\"permission\":\"secret_write\"}]}",
        NEW,
        "{\"permissions\":[{\"purpose\":\"Stores keys\",\"permission\":\"secret_write\"}]}",
    );
    json(
        "{\n \"permissions\": [\n  {\n   \"permission\": \"secret_write\"\n  }\n ]\n}",
        NEW,
        "{\n \"permissions\": [\n  {\n   \"permission\": \"secret_write\",\n   \"purpose\": \"Stores keys\"\n  }\n ]\n}",
    );
    // A list that is not there goes where Stripe's own manifests have it.
    let before = "{\n  \"constants\": {},\n  \"name\": \"x\",\n  \"ui_extension\": {\"permissions\": [{\"permission\": \"secret_write\"}]}\n}\n";
    let list = "[\n    {\n      \"permission\": \"secret_write\",\n      \"purpose\": \"Stores keys\"\n    }\n  ]";
    json(before, NEW, &before.replace("\"x\",", &format!("\"x\",\n  \"permissions\": {list},")));
}

#[test]
fn yaml_in_lines() {
    for lead in ["\n      ", "\n    ", "\n        "] {
        let list = |entries: &str| declared(&entries.replace('^', lead));
        let one = "^- permission: a^  purpose: 'It''s A' # why";
        let two = "^- permission: a^  purpose: 'It''s A' # why^- permission: secret_write^  purpose: 'Stores keys'";
        yaml(&list(one), NEW, &list(two));
        yaml(&list(two), NEW, &list(two));
        yaml(&list(two), Revoke("secret_write"), &list(one));
        yaml(&list(two), Revoke("a"), &list("^- permission: secret_write^  purpose: 'Stores keys'"));
        yaml(&list(one), Revoke("a"), &list(" []"));
        yaml(&list(one), Grant("a", "A: b"), &list("^- permission: a^  purpose: 'A: b' # why"));
    }
    // Comments between the entries and behind the last one stay where they are.
    let before = declared(
        "\n      # first\n      - permission: a # A\n        purpose: A\n\n      # second\n      -   purpose: >-\n            folded\n            text\n          permission: b\n      # last",
    );
    yaml(&before, Revoke("a"), &before.replace("      - permission: a # A\n        purpose: A\n", ""));
    yaml(
        &before,
        Revoke("b"),
        &before.replace("      -   purpose: >-\n            folded\n            text\n          permission: b\n", ""),
    );
    yaml(
        &before,
        NEW,
        &before.replace(
            "permission: b\n",
            "permission: b\n      -   permission: secret_write\n          purpose: Stores keys\n",
        ),
    );
    yaml(&before, Grant("b", "B"), &before.replace(">-\n            folded\n            text\n", "B\n"));
    yaml(&before, Grant("b", "folded text"), &before);
}

#[test]
fn yaml_as_people_write_it() {
    let one = |purpose: &str| declared(&format!("\n    - permission: secret_write\n      purpose:{purpose}"));
    for purpose in [
        " Stores keys",
        " \"Stores keys\"",
        " |-\n        Stores keys",
        " >-\n        Stores\n        keys",
        "\n        Stores\n        keys",
    ] {
        yaml(&one(purpose), NEW, &one(purpose));
        yaml(&one(purpose), Revoke("secret_write"), &declared(" []"));
    }
    yaml(&one(""), NEW, &one(" Stores keys"));
    yaml(&one(" ~"), NEW, &one(" Stores keys"));
    yaml(&one(" '' # none"), NEW, &one(" 'Stores keys' # none"));
    yaml(&one(" |\n        x\n\n        y\n\n"), NEW, &one(" Stores keys\n\n"));
    yaml(
        &declared("\n    - permission: secret_write # S\n      more: 1"),
        NEW,
        &declared("\n    - permission: secret_write # S\n      purpose: Stores keys\n      more: 1"),
    );
    // What has to be in quotes gets them.
    for (purpose, written) in [
        ("Reads: all", "\"Reads: all\""),
        ("a #b", "\"a #b\""),
        ("yes", "\"yes\""),
        ("Null", "\"Null\""),
        ("1.0", "\"1.0\""),
        ("- a", "\"- a\""),
        (" a", "\" a\""),
        ("a ", "\"a \""),
        ("*a", "\"*a\""),
        ("{a}", "\"{a}\""),
        ("a\nb\t\"\\", "\"a\\nb\\t\\\"\\\\\""),
        ("Grüße, it's (ours)", "Grüße, it's (ours)"),
        ("🌵", "\"🌵\""),
    ] {
        yaml(&one(" x"), Grant("secret_write", purpose), &one(&format!(" {written}")));
    }
    // The dash on a line of its own; an anchor; keys in quotes; a flow entry in a block list.
    let before = declared(
        "\n    -\n      \"permission\": \"a\"\n      \"purpose\": \"A\"\n    - &b\n      permission: b\n    - {permission: c, purpose: 'C, c'}",
    );
    yaml(&before, NEW, &before.replace("'C, c'}", "'C, c'}\n    - {permission: secret_write, purpose: 'Stores keys'}"));
    yaml(&before, Revoke("a"), &before.replace("    -\n      \"permission\": \"a\"\n      \"purpose\": \"A\"\n", ""));
    yaml(&before, Revoke("b"), &before.replace("    - &b\n      permission: b\n", ""));
    yaml(&before, Grant("b", "B"), &before.replace("permission: b\n", "permission: b\n      purpose: B\n"));
    let before = declared("\n    -\n      \"permission\": \"a\"\n      \"purpose\": \"A\"");
    yaml(
        &before,
        Grant("b", "B"),
        &before.replace("\"A\"", "\"A\"\n    - \"permission\": \"b\"\n      \"purpose\": \"B\""),
    );
    // No newline at the end of the file.
    let before = "declarations: # D\n stripe_api_access:\n  permissions:\n  - permission: a\n    purpose: A";
    let after = format!("{before}\n  - permission: secret_write\n    purpose: Stores keys");
    yaml(before, NEW, &after);
    yaml(&after, Revoke("secret_write"), before);
    yaml(before, Revoke("a"), "declarations: # D\n stripe_api_access:\n  permissions: []");
}

#[test]
fn yaml_in_brackets() {
    let list = |entries: &str| declared(&format!(" [{entries}] # list"));
    let a = "{permission: a, purpose: A}";
    let b = "{permission: b, purpose: \"B\"}";
    yaml(&list(a), Grant("b", "B, b"), &list(&format!("{a}, {{permission: b, purpose: \"B, b\"}}")));
    yaml(&list(&format!("{a}, {b},")), Revoke("a"), &list(&format!("{b},")));
    yaml(&list(&format!("{a}, {b}")), Revoke("b"), &list(a));
    yaml(&list(&format!("{a},")), Revoke("a"), &list(""));
    yaml(&list(&format!("{a}, {b}")), Grant("b", "C"), &list(&format!("{a}, {{permission: b, purpose: \"C\"}}")));
    yaml(&list("{permission: b}"), Grant("b", "C"), &list("{permission: b, purpose: C}"));
    let lines = list(
        "\n      # all\n      {\"permission\": \"a\", \"purpose\": \"A\"}, # A\n      {\"permission\": \"b\", \"purpose\": \"B\"} # B, b\n    ",
    );
    yaml(&lines, NEW, &lines.replace(" # B", ", {\"permission\": \"secret_write\", \"purpose\": \"Stores keys\"} # B"));
    yaml(&lines, Revoke("a"), &lines.replace("{\"permission\": \"a\", \"purpose\": \"A\"},", ""));
    yaml(
        &lines,
        Revoke("b"),
        &lines.replace("}, # A", "} # A").replace("{\"permission\": \"b\", \"purpose\": \"B\"}", ""),
    );
    yaml(
        "{declarations: {stripe_api_access: {permissions: []}}}\n",
        NEW,
        "{declarations: {stripe_api_access: {permissions: [{permission: secret_write, purpose: Stores keys}]}}}\n",
    );
    yaml(
        "{id: a}\n",
        NEW,
        "{id: a, declarations: {stripe_api_access: {permissions: [{permission: secret_write, purpose: Stores keys}]}}}\n",
    );
    yaml(
        "{declarations: {}}\n",
        NEW,
        "{declarations: {stripe_api_access: {permissions: [{permission: secret_write, purpose: Stores keys}]}}}\n",
    );
}

#[test]
fn a_first_permission_in_yaml() {
    let full = "id: a # the app\ndeclarations:\n  stripe_api_access:\n    permissions:\n      - permission: secret_write\n        purpose: Stores keys\n    more: 1\nextensions:\n- permissions: []\n";
    yaml(&declared(" []"), NEW, full);
    yaml(&declared(" null"), NEW, full);
    yaml(&declared(""), NEW, full);
    yaml(&declared(" # none"), NEW, &full.replace("permissions:\n      -", "permissions: # none\n      -"));
    yaml(&declared(" [] # none"), NEW, &full.replace("permissions:\n      -", "permissions: # none\n      -"));
    yaml(&declared(" [\n    ]"), NEW, &declared(" [{permission: secret_write, purpose: Stores keys}]"));
    let permissions = "permissions:\n            - permission: secret_write\n              purpose: Stores keys\n";
    let access = format!("    stripe_api_access:\n        {permissions}");
    let head = "$schema: x\nid: a\nname: x\nicon: \"\"\n";
    let tail = "ui_extension:\n    views: []\n\n# end\nextensions: []\n";
    for (before, after) in [
        ("", format!("declarations:\n{access}")),
        ("declarations:\n", format!("declarations:\n{access}")),
        ("declarations: {} # D\n", format!("declarations: # D\n{access}")),
        (
            "declarations:\n    distribution_type: public # P\n",
            format!("declarations:\n    distribution_type: public # P\n{access}"),
        ),
        ("declarations:\n    stripe_api_access: ~\n", format!("declarations:\n{access}")),
        (
            "declarations:\n    stripe_api_access:\n        other: 1\n",
            format!("declarations:\n    stripe_api_access:\n        other: 1\n        {permissions}"),
        ),
    ] {
        yaml(&format!("{head}{before}{tail}"), NEW, &format!("{head}{after}{tail}"));
    }
    yaml(
        "\nid: a",
        NEW,
        "\nid: a\ndeclarations:\n  stripe_api_access:\n    permissions:\n      - permission: secret_write\n        purpose: Stores keys",
    );
    yaml(
        "---\nid: a\n...\n",
        NEW,
        "---\nid: a\ndeclarations:\n  stripe_api_access:\n    permissions:\n      - permission: secret_write\n        purpose: Stores keys\n...\n",
    );
}

#[test]
fn what_is_not_understood_is_refused() {
    let layout = |before: &str, command| {
        let answer = done("stripe-app.yaml", before, command);
        assert!(matches!(answer, Err(Refused::Layout | Refused::Spoiled(_))), "{command:?} {answer:?}\n{before}");
    };
    // Somebody else uses what would go; explicit keys.
    layout(&format!("{}x: *a\n", declared("\n    - &a\n      permission: a\n    - permission: b")), Revoke("a"));
    layout("? declarations\n: ? stripe_api_access\n  : ? permissions\n    : - permission: a\n", Revoke("a"));
    let purpose: &'static str = "é".repeat(5001).leak();
    for file in ["stripe-app.json", "stripe-app.yaml"] {
        assert!(matches!(done(file, "{}", Grant("a", purpose)), Err(Refused::Spoiled(_))));
        assert!(matches!(done(file, "{", NEW), Err(Refused::Faulty(_))));
        assert!(matches!(done(file, "{}", Revoke("a")), Ok(None)));
    }
}
