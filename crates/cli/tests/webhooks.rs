//! `cholla webhooks listen` against a server: what it receives it forwards as it came, and it leaves no endpoint behind.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod command;
    pub(crate) mod fake;
    pub(crate) mod server;
}

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::command::cholla;
use support::fake::Fake;
use support::server::Server;

/// The address and the token of a server's admin listener, as commands take them.
fn admin(server: &Server) -> [(&'static str, String); 2] {
    let said = |name: &str| server.ready["admin"][name].as_str().unwrap().to_owned();
    [("CHOLLA_ADMIN_BASE", said("url")), ("CHOLLA_ADMIN_TOKEN", said("token"))]
}

/// What a command on the server prints.
fn operate(server: &Server, args: &[&str]) -> String {
    let [base, token] = admin(server);
    let api = [("CHOLLA_API_BASE", server.http()), ("CHOLLA_API_KEY", "sk_test_123")];
    let env = [api[0], api[1], (base.0, base.1.as_str()), (token.0, token.1.as_str())];
    let outcome = cholla(args, &env, b"");
    assert_eq!(outcome.exit, 0, "{args:?}: {}", outcome.stderr);
    outcome.stdout
}

#[test]
fn rule_17_5_events_are_forwarded_as_they_came() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let fake = Fake::start(vec!["200 | {}".to_owned(), "500 | {}".to_owned()]);
    let to = format!("http://{}/hook", fake.address);
    let mut listening = Command::new(env!("CARGO_BIN_EXE_cholla"))
        .args(["webhooks", "listen", "--account", "acct_devA", "--connect", "--forward-to", &to])
        .args(["--events", "apps.install.created,apps.install.deleted"])
        .env_clear()
        .envs(admin(&server))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listening.stdout.take().unwrap()).lines().map(Result::unwrap);
    let secret = lines.next().unwrap();
    assert!(secret.starts_with("whsec_"), "{secret}");

    operate(&server, &["accounts", "create", "acct_new"]);
    let app = ["com.example.app-a", "--account", "acct_new"];
    operate(&server, &[&["apps", "install"][..], &app].concat());
    let created = lines.next().unwrap();
    operate(&server, &[&["apps", "uninstall"][..], &app].concat());
    let deleted = lines.next().unwrap();
    for (line, kind, status) in [(&created, "apps.install.created", "200"), (&deleted, "apps.install.deleted", "500")] {
        let words: Vec<_> = line.split("  ").collect();
        assert!(words.len() == 3 && words[0] == kind && words[1].starts_with("evt_") && words[2] == status, "{line}");
    }
    for (request, line) in fake.asked(true).iter().zip([&created, &deleted]) {
        let parts: Vec<_> = request.splitn(4, " | ").collect();
        assert_eq!(parts[0], "POST /hook");
        assert_eq!(parts[1], "content-type: application/json; charset=utf-8");
        assert!(parts[2].starts_with("stripe-signature: t=") && parts[2].contains(",v1="), "{request}");
        let event: Value = serde_json::from_str(parts[3]).unwrap();
        assert!(line.contains(event["id"].as_str().unwrap()), "{line}");
        assert_eq!(event["account"], "acct_new");
    }

    let listed = operate(&server, &["webhooks", "list"]);
    assert!(listed.contains("acct_devA"), "{listed}");
    let asked = Command::new("kill").args(["-TERM", &listening.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let mut said = String::new();
    listening.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(listening.wait().unwrap().code(), Some(0), "{said}");
    assert!(said.ends_with(" is deleted.\n"), "{said}");
    assert_eq!(operate(&server, &["webhooks", "list"]), "No endpoints.\n");
    assert!(server.stop().success());
}

#[test]
fn what_nobody_takes_and_what_is_left_behind_is_named() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let mut listening = Command::new(env!("CARGO_BIN_EXE_cholla"))
        .args(["webhooks", "listen", "--json", "--forward-to", "http://127.0.0.1:1/hook"])
        .env_clear()
        .envs(admin(&server))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(listening.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.next().unwrap().starts_with("whsec_"));
    // The operator's own endpoint hears of secrets.
    operate(&server, &["apps", "secrets", "create", "--name", "a", "--payload", "b", "--scope", "account"]);
    let event: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    assert_eq!((&event["type"], &event["status"]), (&Value::from("cholla.secret.set"), &Value::Null));
    assert!(server.stop().success());
    let asked = Command::new("kill").args(["-INT", &listening.id().to_string()]).status().unwrap();
    assert!(asked.success());
    let mut said = String::new();
    listening.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(listening.wait().unwrap().code(), Some(3), "{said}");
    assert!(said.contains(" could not be deleted: ") && said.contains("cholla webhooks delete we_"), "{said}");
}
