//! The command line against a server that answers what the case says: flags, standard input, requests, output, exit codes.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod command;
    pub(crate) mod fake;
    pub(crate) mod golden;
}

use support::command::cholla;
use support::fake::Fake;
use support::golden::parse;

fn check(file: &str) {
    for case in parse(file) {
        let answers = case.answers.len();
        let fake = Fake::start(case.answers.clone());
        let base = format!("http://{}", fake.address);
        let mut env = vec![("CHOLLA_API_BASE", base.as_str()), ("CHOLLA_API_KEY", "sk_test_123")];
        env.extend([("CHOLLA_ADMIN_BASE", base.as_str()), ("CHOLLA_ADMIN_TOKEN", "admin_123")]);
        for (name, value) in case.env.iter().filter_map(|pair| pair.split_once('=')) {
            env.push((name, value));
        }
        let outcome = cholla(&case.args(&base), &env, case.stdin.as_bytes());
        case.check(&outcome, &base, ToOwned::to_owned);
        assert_eq!(fake.asked(case.requests.len() == answers), case.requests, "$ {}", case.command);
    }
}

#[test]
fn the_four_operations() {
    check(include_str!("golden/operations.txt"));
}

#[test]
fn errors_say_what_to_do_and_set_the_exit_code() {
    check(include_str!("golden/errors.txt"));
}

#[test]
fn the_admin_api() {
    check(include_str!("golden/admin.txt"));
}

#[test]
fn help_names_everything() {
    check(include_str!("golden/help.txt"));
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let outcome = cholla(&["completions", shell], &[], b"");
        assert_eq!((outcome.exit, outcome.stderr.as_str()), (0, ""), "{shell}");
        for word in [
            "dev",
            "init",
            "serve",
            "apps",
            "secrets",
            "create",
            "find",
            "list",
            "delete",
            "completions",
            "grant",
            "revoke",
            "permission",
            "validate",
            "upload",
            "publish",
            "install",
            "uninstall",
            "roll-signing-secret",
            "apply",
            "accounts",
            "rename",
            "connect",
            "disconnect",
            "users",
            "offboard",
            "installs",
            "permissions",
            "issue-key",
            "authorizations",
            "preview",
            "allow",
            "deny",
            "keys",
            "roll",
            "expire",
            "sessions",
            "webhooks",
            "deliveries",
            "resend",
            "listen",
            "inventory",
            "erasures",
            "plan",
            "receipts",
            "verify",
            "tokens",
            "audit",
        ] {
            assert!(outcome.stdout.contains(word), "{shell} does not know {word}");
        }
        assert!(!outcome.stdout.contains("stripe-api-key"), "{shell} offers a flag that is only a variable");
    }
}

#[test]
fn nothing_listens_there() {
    let closed = Fake::start(Vec::new());
    let base = format!("http://{}", closed.address);
    assert_eq!(closed.asked(true), Vec::<String>::new());
    let outcome = cholla(&["apps", "secrets", "list", "--api-base", &base], &[("CHOLLA_API_KEY", "sk_test_123")], b"");
    assert_eq!((outcome.exit, outcome.stdout.as_str()), (3, ""));
    assert!(outcome.stderr.starts_with(&format!("error: {base} cannot be reached: ")), "{}", outcome.stderr);
    assert!(outcome.stderr.ends_with(
        "help: Check that it runs (`cholla dev` starts one), and that --api-base or CHOLLA_API_BASE is its address.\n"
    ));
}
