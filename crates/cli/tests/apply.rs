//! `cholla apply`: the plan first, then what it says; manifests are read beside the file.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod command;
    pub(crate) mod fake;
}

use std::fs;

use serde_json::{Value, json};
use support::command::cholla;
use support::fake::Fake;

const FILE: &str =
    "[[apps]]\nid = \"com.example.app\"\nmanifest = \"app/stripe-app.json\"\n[[apps]]\nid = \"com.example.other\"\n";
const MANIFEST: &str = "{\"id\": \"com.example.app\"}\n";
const PLAN: &str = r#"[{"action":"create","kind":"app","name":"com.example.app","detail":"of acct_d"},{"action":"create","kind":"key","name":"secret acct_d","detail":"test"}]"#;
const KEYS: &str = r#"[{"kind":"secret","account":"acct_d","app":null,"mode":"test","value":"sk_test_1"}]"#;

/// What a run left behind: exit code, standard output, standard error, and the bodies of its requests.
type Run = (i32, String, String, Vec<Value>);

/// Runs `cholla apply` with `flags` on `text`, against a server that gives `answers`.
fn apply(text: &str, flags: &[&str], answers: &[String]) -> Run {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("platform.toml");
    fs::create_dir(home.path().join("app")).unwrap();
    fs::write(home.path().join("app/stripe-app.json"), MANIFEST).unwrap();
    fs::write(&file, text).unwrap();
    let fake = Fake::start(answers.to_vec());
    let base = format!("http://{}", fake.address);
    let env = [("CHOLLA_ADMIN_BASE", base.as_str()), ("CHOLLA_ADMIN_TOKEN", "admin_123")];
    let path = file.to_str().unwrap();
    let outcome = cholla(&[&["apply", "-f", path], flags].concat(), &env, b"");
    let asked = fake.asked(!answers.is_empty());
    let bodies = asked.iter().map(|request| {
        let (head, body) = request.split_once(" | {").unwrap();
        assert_eq!(head, "POST /v1/platform | authorization: Bearer admin_123 | content-type: application/json");
        let mut body: Value = serde_json::from_str(&format!("{{{body}")).unwrap();
        assert_eq!(body.as_object_mut().unwrap().remove("file"), Some(path.into()));
        body
    });
    let bodies = bodies.collect();
    let shown = |text: &str| text.replace(home.path().to_str().unwrap(), "{home}");
    (outcome.exit, shown(&outcome.stdout), shown(&outcome.stderr), bodies)
}

/// The body of a request.
fn body(dry_run: bool, prune: bool, allow_values: bool) -> Value {
    let manifests = json!({"app/stripe-app.json": MANIFEST});
    json!({"text": FILE, "manifests": manifests, "dry_run": dry_run, "prune": prune, "allow_values": allow_values})
}

fn answer(plan: &str, keys: &str) -> String {
    format!("200 | {{\"plan\":{plan},\"keys\":{keys}}}")
}

const SECRETS: &str = r#"[{"kind":"signing_secret","account":"acct_d","app":"com.example.app","webhook":null,"url":null,"mode":null,"value":"absec_1"},{"kind":"webhook_secret","account":"acct_d","app":null,"webhook":"we_1","url":"https://example.com/hook","mode":"test","value":"whsec_1"}]"#;

const TABLE: &str = "ACTION  KIND  NAME             DETAIL\ncreate  app   com.example.app  of acct_d\ncreate  key   secret acct_d    test\n";

#[test]
fn the_plan_comes_first() {
    let (planned, applied) = (answer(PLAN, "[]"), answer(PLAN, KEYS));
    let once = "The secret key on acct_d, in test mode:\nThis is the only time that it is shown: keep it where secrets are kept.\n";
    let nobody = "error: nobody can be asked: standard input is no terminal\nhelp: Look at the plan with --dry-run, then apply it with --yes.\n";
    let nothing = "Nothing to do: the server is as the file says.\n";
    for (flags, answers, expected) in [
        (
            &["--dry-run"][..],
            vec![planned.clone()],
            (0, TABLE.to_owned(), String::new(), vec![body(true, false, false)]),
        ),
        (&[], vec![], (2, String::new(), nobody.to_owned(), vec![])),
        (
            &["--yes", "--prune", "--allow-values"],
            vec![planned.clone(), applied.clone()],
            (
                0,
                format!("{TABLE}Applied 2 changes.\nsk_test_1\n"),
                once.to_owned(),
                vec![body(true, true, true), body(false, true, true)],
            ),
        ),
        (&["--yes"], vec![answer("[]", "[]")], (0, nothing.to_owned(), String::new(), vec![body(true, false, false)])),
        (
            &["--yes", "--json"],
            vec![planned.clone(), applied.clone()],
            (
                0,
                applied.replace("200 | ", ""),
                String::new(),
                vec![body(true, false, false), body(false, false, false)],
            ),
        ),
        (
            &["--dry-run", "--json"],
            vec![planned.clone()],
            (0, planned.replace("200 | ", ""), String::new(), vec![body(true, false, false)]),
        ),
    ] {
        assert_eq!(apply(FILE, flags, &answers), expected, "{flags:?}");
    }
}

#[test]
fn every_secret_that_was_drawn_is_shown_once() {
    let applied = format!("200 | {{\"plan\":{PLAN},\"keys\":{KEYS},\"secrets\":{SECRETS}}}");
    let (exit, stdout, stderr, _) = apply(FILE, &["--yes"], &[answer(PLAN, "[]"), applied]);
    assert_eq!((exit, stdout), (0, format!("{TABLE}Applied 2 changes.\nsk_test_1\nabsec_1\nwhsec_1\n")));
    let what: Vec<_> = stderr.lines().filter(|line| line.ends_with(':')).collect();
    let expected = [
        "The secret key on acct_d, in test mode:",
        "The signing secret of com.example.app, of acct_d:",
        "The signing secret of we_1, which delivers to https://example.com/hook, of acct_d:",
    ];
    assert_eq!(what, expected);
}

#[test]
fn faults_of_the_file_have_a_line_each() {
    let refused = r#"400 | {"error":{"message":"platform.toml:1: one\nplatform.toml:2: another"}}"#.to_owned();
    let (exit, stdout, stderr, _) = apply(FILE, &["--yes"], &[refused]);
    assert_eq!((exit, stdout.as_str()), (1, ""));
    let expected = "error: platform.toml:1: one\nplatform.toml:2: another\n  status 400\nhelp: Correct it and try again; nothing was changed.\n";
    assert_eq!(stderr, expected);
}

#[test]
fn manifests_are_read_beside_the_file() {
    let missing = "[[apps]]\nmanifest = \"none.json\"\n";
    let (exit, _, stderr, _) = apply(missing, &["--dry-run"], &[]);
    assert_eq!(exit, 2);
    assert!(stderr.starts_with("error: {home}/none.json cannot be read: "), "{stderr}");
    // What is no TOML names nothing; the server says what is wrong with it.
    let (exit, _, _, bodies) = apply("= torn", &["--dry-run"], &[answer("[]", "[]")]);
    assert_eq!((exit, &bodies[0]["manifests"]), (0, &json!({})));
}
