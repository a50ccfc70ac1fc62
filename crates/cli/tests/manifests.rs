//! The commands on manifests: what they print, and what is in the files afterwards.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod command;
    pub(crate) mod golden;
}

use std::fs;
use std::path::Path;
use std::process::Command;

use support::command::cholla;
use support::golden::parse;

/// The files that the session finds, and what is in them after it.
const FILES: [(&str, &str, &str); 5] = [
    (
        "app.json",
        "{\r\n    \"id\": \"com.example.app\",\r\n    \"version\": \"1.2.3\",\r\n    \"permissions\": []\r\n}\r\n",
        "{\r\n    \"id\": \"com.example.app\",\r\n    \"version\": \"1.2.3\",\r\n    \"permissions\": [\r\n        {\r\n            \"permission\": \"secret_write\",\r\n            \"purpose\": \"Keeps keys\"\r\n        }\r\n    ]\r\n}\r\n",
    ),
    ("app.yaml", APP_YAML, APP_YAML_AFTER),
    ("faulty.json", FAULTY, FAULTY),
    ("torn.yaml", "id: 'a\n", "id: 'a\n"),
    ("explicit.yaml", EXPLICIT, EXPLICIT),
];
const APP_YAML: &str = r#"$schema: https://stripe.com/stripe-app/v2.0.0/schema
id: com.example.app
version: 0.1.0
name: Ann's "App"
declarations:
  distribution_type: public
  stripe_api_access_type: oauth
  allowed_redirect_uris: [https://example.com/callback, http://localhost:3000/callback]
  stripe_api_access:
    permissions:
      # For the list.
      - permission: customer_read
        purpose: Shows customers
      - permission: event_read
ui_extension:
  content_security_policy:
    connect-src:
      - https://api.example.com/
"#;
const APP_YAML_AFTER: &str = r#"$schema: https://stripe.com/stripe-app/v2.0.0/schema
id: com.example.app
version: 0.1.0
name: Ann's "App"
declarations:
  distribution_type: public
  stripe_api_access_type: oauth
  allowed_redirect_uris: [https://example.com/callback, http://localhost:3000/callback]
  stripe_api_access:
    permissions:
      # For the list.
      - permission: event_read
      - permission: secret_write
        purpose: Allows storing secrets between page reloads
ui_extension:
  content_security_policy:
    connect-src:
      - https://api.example.com/
"#;
const FAULTY: &str = r#"{
  "id": "",
  "version": 1.0,
  "stripe_api_access_type": "none",
  "permissions": [{"purpose": "None"}]
}
"#;
const EXPLICIT: &str = "? declarations\n: ? stripe_api_access\n  : ? permissions\n    : - permission: a\n";

#[test]
fn a_session_on_manifests() {
    let home = tempfile::tempdir().unwrap();
    for (name, before, _) in FILES {
        fs::write(home.path().join(name), before).unwrap();
    }
    let base = home.path().display().to_string();
    for case in parse(include_str!("golden/manifests.txt")) {
        assert!(case.env.is_empty() && case.answers.is_empty() && case.requests.is_empty(), "$ {}", case.command);
        let outcome = cholla(&case.args(&base), &[], case.stdin.as_bytes());
        case.check(&outcome, &base, ToOwned::to_owned);
    }
    for (name, _, after) in FILES {
        assert_eq!(fs::read_to_string(home.path().join(name)).unwrap(), after, "{name}");
    }
    assert_eq!(fs::read_dir(home.path()).unwrap().count(), FILES.len(), "nothing is left behind");
}

/// What a command prints on both outputs, in `directory`.
fn said(directory: &Path, args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_cholla")).args(args).current_dir(directory).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    format!("{:?} {}{}", output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_manifest_of_the_directory_is_the_json_one_first() {
    let home = tempfile::tempdir().unwrap();
    let grant = ["apps", "grant", "permission", "secret_write", "Allows storing secrets between page reloads"];
    let none = "Some(2) error: there is neither stripe-app.json nor stripe-app.yaml in this directory\nhelp: Run it in the app's directory, or name the manifest with --manifest.\n";
    assert_eq!(said(home.path(), &grant), none);
    for name in ["stripe-app.yaml", "stripe-app.json"] {
        fs::write(home.path().join(name), "{}").unwrap();
        assert_eq!(said(home.path(), &grant), format!("Some(0) {name} asks for secret_write\n"));
        assert!(fs::read_to_string(home.path().join(name)).unwrap().contains("secret_write"));
    }
}
