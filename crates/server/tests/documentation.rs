//! The examples of the documentation are legal, and say what the text around them says.

use std::fs;
use std::path::Path;

use cholla_server::config::{Config, TlsConfig};
use cholla_server::platform::{Distribution, Platform, Purpose};

/// The first block of `language` in a page of `docs/`.
fn block(page: &str, language: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(page);
    let text = fs::read_to_string(path).expect("the page is there");
    let (_, rest) = text.split_once(&format!("```{language}\n")).expect("the page has such a block");
    rest.split_once("```").expect("the block ends").0.to_owned()
}

#[test]
fn the_platform_file_of_the_documentation() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("platform.toml");
    fs::write(&file, block("platform-file.md", "toml")).unwrap();
    let missing = Platform::read(&file, Purpose::Development).unwrap_err().to_string();
    assert!(missing.ends_with("give its path relative to this file"), "{missing}");

    fs::create_dir(folder.path().join("app-a")).unwrap();
    fs::write(folder.path().join("app-a/stripe-app.json"), block("platform-file.md", "json")).unwrap();
    let platform = Platform::read(&file, Purpose::Development).unwrap();
    let apps: Vec<_> =
        platform.apps.iter().map(|app| (app.name.as_str(), app.version.as_str(), app.distribution)).collect();
    assert_eq!(apps, [("App A", "1.0.0", Distribution::Public), ("Tool", "1.2.0", Distribution::Private)]);
    let granted: Vec<_> =
        platform.installs.iter().map(|install| (install.livemode.as_str(), install.granted.len())).collect();
    assert_eq!(granted, [("test", 1), ("live", 1), ("test", 0)]);
    let expiries: Vec<_> = platform.keys.iter().map(|key| key.expires_in_seconds).collect();
    assert_eq!(expiries, [None, None, Some(900)]);
}

#[test]
fn the_platform_file_of_the_page_about_clients() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/clients.md")).unwrap();
    let (_, python) = page.rsplit_once("```toml\n").expect("the page has such a block");
    let (file, python) = python.split_once("```").expect("the block ends");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.toml");
    fs::write(&path, file).unwrap();
    let platform = Platform::read(&path, Purpose::Development).unwrap();
    let (account, app) = (&platform.accounts[1], &platform.apps[0]);
    let create =
        format!("create({{\"app\": \"{}\"}}, {{\"stripe_account\": \"{}\"}})", app.id.as_str(), account.id.as_str());
    assert!(python.contains(&create), "{create}");
    assert_eq!(account.connected_to, std::slice::from_ref(&app.owner));
}

#[test]
fn the_configuration_of_the_documentation() {
    let config = Config::parse("cholla.toml", &block("configuration.md", "toml"), Path::new("/etc/cholla")).unwrap();
    assert_eq!(config.platform_file.as_deref(), Some(Path::new("/etc/cholla/platform.toml")));
    assert!(matches!(config.api.tls, TlsConfig::Files { .. }));
}

/// Every setting of the file that `init` writes is explained.
#[test]
fn every_setting_is_documented() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/configuration.md")).unwrap();
    let template = Config::template();
    let settings = template.lines().filter_map(|line| line.trim_start_matches("# ").split_once(" = "));
    let keys: Vec<_> = settings.map(|(key, _)| key).filter(|key| !key.contains(' ')).collect();
    assert!(keys.len() >= 13, "{keys:?}");
    for key in keys {
        assert!(page.contains(&format!("| `{key}` |")), "{key}");
    }
}
