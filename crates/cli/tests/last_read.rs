//! The day of the last read, as the inventory of a running server shows it: at once, and after a restart.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

mod support {
    pub(crate) mod server;
    pub(crate) mod world;
}

use std::fs;

use serde_json::{Value, json};
use support::server::Server;
use support::world::{Client, DEVELOPER, OAUTH_APP, platform, text};

/// Seconds of a day.
const DAY: i64 = 24 * 60 * 60;
/// Who asks.
const WHO: (&str, &str) = (DEVELOPER, "acct_0");

/// The days on which `a`, `b` and `c` were last read.
fn days(client: &Client) -> [Option<String>; 3] {
    let page = client.admin("/v1/inventory?account=acct_0", None).unwrap().ok();
    let secrets = page["data"][0]["secrets"].as_array().unwrap();
    ["a", "b", "c"].map(|name| {
        let own = secrets.iter().find(|own| own["name"] == name).unwrap();
        own["last_read"].as_str().map(str::to_owned)
    })
}

/// Moves the clock to noon of a day, so that no case runs over midnight.
fn noon_of(client: &Client, day: i64) {
    client.admin("/dev/clock", Some(&json!({"set": day * DAY + DAY / 2}))).unwrap().ok();
}

#[test]
fn a_read_is_on_the_inventory_at_once_and_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let (file, data) = (home.path().join("platform.toml"), home.path().join("data"));
    fs::write(&file, platform(1)).unwrap();
    let flags = ["--strict", "--platform", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let server = Server::start(home.path(), &flags);
    let client = Client::of_dev(&server);
    let install = text(&client.install(WHO, OAUTH_APP), "id");
    for name in ["a", "b", "c"] {
        let form = format!("name={name}&payload=p&scope[type]=account");
        client.call(WHO, "/v1/apps/secrets", Some(&form)).ok();
    }
    let find = |client: &Client, name: &str, expand: &str| {
        let path = format!("/v1/apps/secrets/find?name={name}&scope[type]=account{expand}");
        let found: Value = client.call(WHO, &path, None).ok();
        assert_eq!(found["payload"].is_string(), !expand.is_empty());
    };
    // 2100-01-01 and the days behind it.
    let first = 47_482;
    noon_of(&client, first);
    find(&client, "a", "");
    assert_eq!(days(&client), [None, None, None], "no payload was shown");
    find(&client, "a", "&expand[]=payload");
    let day = |text: &str| Some(text.to_owned());
    assert_eq!(days(&client), [day("2100-01-01"), None, None]);
    noon_of(&client, first + 1);
    assert_eq!(days(&client), [day("2100-01-01"), None, None], "time alone reads nothing");
    find(&client, "a", "&expand[]=payload");
    client.call(WHO, "/v1/apps/secrets?scope[type]=account&limit=1&expand[]=data.payload", None).ok();
    let expected = [day("2100-01-02"), None, day("2100-01-02")];
    assert_eq!(days(&client), expected, "a list shows payloads, too");
    assert!(server.stop().success());
    let server = Server::start(home.path(), &flags);
    let client = Client::of_dev(&server);
    assert_eq!(days(&client), expected);
    client.uninstall(WHO, &install).ok();
    assert_eq!(days(&client), expected, "within the grace period");
}
