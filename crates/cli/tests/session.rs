//! Whole sessions: `cholla dev` with its demo world, and a production server from `init` to a restart.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod command;
    pub(crate) mod golden;
    pub(crate) mod server;
}

use std::fs;

use serde_json::Value;
use support::command::cholla;
use support::golden::parse;
use support::server::Server;

/// Words that differ from run to run, by their beginning and their length.
const DRAWN: [(&str, usize, &str); 2] = [("appsecret_", 40, "[id]"), ("req_", 18, "[request]")];

#[test]
fn commands_against_the_development_server() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let env = [("CHOLLA_API_BASE", server.http()), ("CHOLLA_API_KEY", "sk_test_123")];
    for case in parse(include_str!("golden/session.txt")) {
        let outcome = cholla(&case.args(server.http()), &env, case.stdin.as_bytes());
        case.check(&outcome, server.http(), mask);
    }
    assert!(server.stop().success());
}

#[test]
fn servers_that_cannot_start_say_why() {
    for case in parse(include_str!("golden/start.txt")) {
        case.check(&cholla(&case.args(""), &[], b""), "nothing to replace", ToOwned::to_owned);
    }
}

#[test]
fn one_data_directory_has_one_server() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let data = data.to_str().unwrap();
    let first = Server::start(home.path(), &["--data", data]);
    let any = "127.0.0.1:0";
    let args = ["dev", "--data", data, "--listen", any, "--listen-https", any, "--admin", any];
    let second = cholla(&args, &[], b"");
    assert_eq!((second.exit, second.stdout.as_str()), (1, ""));
    assert!(second.stderr.starts_with("error: "), "{}", second.stderr);
    assert!(first.stop().success());
}

#[test]
fn a_production_server_from_init_to_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().to_str().unwrap();
    assert_eq!(cholla(&["init", directory], &[], b"").exit, 0);
    let (config, platform) = (home.path().join("cholla.toml"), home.path().join("platform.toml"));
    let template = fs::read_to_string(&config).unwrap();
    fs::write(&config, template.replace("127.0.0.1:12112", "127.0.0.1:0").replace("127.0.0.1:12113", "127.0.0.1:0"))
        .unwrap();
    let key = "sk_live_ProductionKeyOfTheDeveloper1";
    let account =
        "[[accounts]]\nid = \"acct_dev\"\n[[keys]]\nkind = \"secret\"\naccount = \"acct_dev\"\nmode = \"live\"\n";
    fs::write(&platform, format!("{account}value = \"{key}\"\n")).unwrap();

    let ca_file = home.path().join("tls/ca.pem");
    let secrets = |command: &str, server: &Server, more: &[&str]| {
        let base = server.ready["api"]["https"].as_str().unwrap();
        let args = ["apps", "secrets", command, "--name=a", "--scope=account", "--ca-file", ca_file.to_str().unwrap()];
        cholla(&[&args[..], more].concat(), &[("CHOLLA_API_BASE", base), ("CHOLLA_API_KEY", key)], b"kept\n")
    };
    let serve = ["serve", "--config", config.to_str().unwrap()];
    let server = Server::launch(home.path(), &serve);
    let admin = [("CHOLLA_ADMIN_BASE", server.ready["admin"]["url"].as_str().unwrap())];
    let token = home.path().join("admin.token");
    let apply = ["apply", "-f", platform.to_str().unwrap(), "--admin-token-file", token.to_str().unwrap(), "--yes"];
    let refused = cholla(&apply, &admin, b"");
    assert_eq!((refused.exit, refused.stdout.as_str()), (1, ""), "{}", refused.stderr);
    assert!(refused.stderr.contains("--allow-values") && !refused.stderr.contains(key), "{}", refused.stderr);
    let apply = [&apply[..], &["--allow-values"]].concat();
    let applied = cholla(&apply, &admin, b"");
    assert!(applied.exit == 0 && applied.stdout.ends_with("Applied 2 changes.\n"), "{applied:?}");
    assert_eq!(cholla(&apply, &admin, b"").stdout, "Nothing to do: the server is as the file says.\n");
    let set = secrets("create", &server, &["--payload=-"]);
    assert_eq!(set.exit, 0, "{}", set.stderr);
    assert!(server.stop().success());

    let server = Server::launch(home.path(), &serve);
    let found = secrets("find", &server, &["--expand=payload", "--json"]);
    let found: Value = serde_json::from_str(&found.stdout).unwrap();
    assert_eq!((&found["payload"], &found["livemode"]), (&Value::from("kept"), &Value::from(true)));
    assert!(server.stop().success());
    let log = fs::read_to_string(home.path().join("stderr.txt")).unwrap();
    assert!(!log.is_empty(), "it has said that it stops");
    for line in log.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok_and(|line| line["level"].is_string()), "{line}");
    }
}

/// `text` with what differs from run to run as placeholders: ids, times, versions.
fn mask(text: &str) -> String {
    let is_word = |character: char| character.is_ascii_alphanumeric() || "_:-".contains(character);
    let (mut masked, mut word) = (String::new(), String::new());
    for character in text.chars().chain(['\n']) {
        if is_word(character) {
            word.push(character);
            continue;
        }
        masked.push_str(placeholder(&word).unwrap_or(&word));
        word.clear();
        masked.push(character);
    }
    masked.pop();
    masked
}

fn placeholder(word: &str) -> Option<&'static str> {
    if let Some((_, _, name)) = DRAWN.iter().find(|(start, length, _)| word.starts_with(start) && word.len() == *length)
    {
        return Some(name);
    }
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    let version = word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let date = word.len() == 20 && word.ends_with('Z') && word.contains('T');
    match () {
        () if digits && word.len() == 10 => Some("[unix]"),
        () if date => Some("[time]"),
        () if version => Some("[version]"),
        () => None,
    }
}
