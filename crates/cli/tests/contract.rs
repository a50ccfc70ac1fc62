//! The contract over plain HTTP: every case of `testkit/vectors/wire` against the binary in dev mode.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use cholla_testkit::runner::{Target, run_all};
use cholla_testkit::vector::read_directory;
use cholla_testkit::world::{Cast, World};

use crate::support::server::Server;

mod support {
    pub(crate) mod server;
}

/// Cases that run side by side.
const THREADS: usize = 6;

/// The address in `http://ADDRESS`.
fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().trim_end_matches('/').parse().unwrap()
}

/// Runs every case of `cast`, each in a world of its own, on one server.
fn run_cast(cast: Cast) {
    let vectors = concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/vectors/wire");
    let mut file = read_directory(Path::new(vectors)).unwrap();
    file.cases.retain(|case| case.cast == cast);
    let home = tempfile::tempdir().unwrap();
    let platform = home.path().join("platform.toml");
    let worlds: String = (0..file.cases.len()).map(|number| World::of(cast, number).platform()).collect();
    fs::write(&platform, worlds).unwrap();
    let server = Server::start(home.path(), &["--strict", "--platform", platform.to_str().unwrap()]);
    let admin = &server.ready["admin"];
    let target = Target {
        api: address(server.http()),
        admin: address(admin["url"].as_str().unwrap()),
        admin_token: admin["token"].as_str().unwrap().to_owned(),
    };
    let failures = run_all(&target, &file.every, &file.cases, THREADS);
    let text = failures.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{text}\n{} of {} cases failed", failures.len(), file.cases.len());
    assert!(server.stop().success());
}

#[test]
fn every_case_of_secrets() {
    run_cast(Cast::Secrets);
}

#[test]
fn every_case_of_installs() {
    run_cast(Cast::Installs);
}
