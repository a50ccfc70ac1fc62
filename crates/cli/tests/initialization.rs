//! `cholla init`: the files it makes, who may read them, and that it makes them once.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod command;
}

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use support::command::cholla;

/// Every file and folder below `folder`, with its mode.
fn modes(folder: &Path, prefix: &str, into: &mut BTreeMap<String, u32>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_str().unwrap());
        if metadata.is_dir() {
            modes(&entry.path(), &format!("{name}/"), into);
        }
        into.insert(name, metadata.permissions().mode() & 0o777);
    }
}

#[test]
fn init_makes_private_files_once() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("cholla");
    let args = ["init", directory.to_str().unwrap(), "--hostname", "secrets.example.com", "--hostname", "127.0.0.1"];
    let first = cholla(&args, &[], b"");
    assert_eq!((first.exit, first.stderr.as_str()), (0, ""), "{}", first.stdout);
    let mut made = BTreeMap::new();
    modes(&directory, "", &mut made);
    for name in ["cholla.toml", "root.key", "admin.token", "tls/ca.pem", "tls/server.pem", "tls/server.key"] {
        assert_eq!(made.get(name), Some(&0o600), "{name} in {made:?}");
        assert!(first.stdout.contains(name), "{name} is not announced: {}", first.stdout);
    }
    assert_eq!(made.get("tls"), Some(&0o700));
    assert_eq!(fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
    let token = fs::read_to_string(directory.join("admin.token")).unwrap();
    assert!(first.stdout.contains(token.trim()), "the token is shown once");
    for word in ["cholla serve --config", "cholla accounts create", "cholla apply -f", "--admin-token-file"] {
        assert!(first.stdout.contains(word), "{word} is no next step: {}", first.stdout);
    }
    let root_key = fs::read(directory.join("root.key")).unwrap();
    assert!(!first.stdout.contains(String::from_utf8_lossy(&root_key).trim()), "the root key is not shown");

    let second = cholla(&args, &[], b"");
    assert_eq!((second.exit, second.stdout.as_str()), (1, ""));
    assert!(second.stderr.contains("is there already"), "{}", second.stderr);
    assert_eq!(fs::read(directory.join("root.key")).unwrap(), root_key);
}

#[test]
fn a_server_without_its_secrets_says_which_and_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join("cholla");
    assert_eq!(cholla(&["init", directory.to_str().unwrap()], &[], b"").exit, 0);
    let config = directory.join("cholla.toml");
    for (file, contents, says) in [
        ("admin.token", None, &["admin.token cannot be read", "`token_file` under [admin]", "`cholla init` made"][..]),
        (
            "admin.token",
            Some("\n"),
            &["admin.token holds no token", "`token_file` under [admin]", "`cholla init` made"],
        ),
        ("root.key", None, &["no root key file", "from its backup", "in another directory"]),
    ] {
        let path = directory.join(file);
        let before = fs::read(&path).unwrap();
        match contents {
            Some(contents) => fs::write(&path, contents).unwrap(),
            None => fs::remove_file(&path).unwrap(),
        }
        let outcome = cholla(&["serve", "--config", config.to_str().unwrap()], &[], b"");
        assert_eq!((outcome.exit, outcome.stdout.as_str()), (1, ""), "{file}");
        assert!(says.iter().all(|words| outcome.stderr.contains(words)), "{file}: {}", outcome.stderr);
        assert!(!outcome.stderr.contains("may write there"), "{file}: {}", outcome.stderr);
        fs::write(&path, before).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}
