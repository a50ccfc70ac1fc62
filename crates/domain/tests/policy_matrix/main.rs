//! Who may do what, as tables that anybody can read: `policy_matrix.txt` (contract sections 5, 12 and 14).
//!
//! The test prints the tables anew on every run and compares. After a deliberate change, the ignored test writes them:
//! `cargo test -p cholla-domain --test policy_matrix -- --ignored`. Read the difference before you commit it.

mod installs;
mod lives;
mod secrets;

use std::path::Path;

use cholla_domain::directory::access::Refused;
use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::install::Channel;
use cholla_domain::id::{AccountId, AppId, InstallId};
use cholla_domain::installs::{Actor, NewInstall, begin_install};
use cholla_domain::livemode::Livemode;
use cholla_testkit::directory_world::DirectoryWorld;

const COMMITTED: &str = "tests/policy_matrix.txt";
const APP: &str = "com.example.app";

fn app() -> AppId {
    AppId::new(APP)
}

/// `acct_dev` with its app, which asks for both permissions of secrets, `acct_other` and `acct_shop`.
fn world(access: ApiAccess) -> DirectoryWorld {
    let mut world = DirectoryWorld::new(1);
    for account in ["acct_dev", "acct_other", "acct_shop"] {
        world.account(account);
    }
    world.published(APP, "acct_dev", &["secret_read", "secret_write"]);
    world.access(APP, access);
    world
}

/// Installs the app and grants `granted`.
fn install(
    world: &mut DirectoryWorld,
    (account, livemode, channel): (&str, Livemode, Channel),
    granted: &[&str],
) -> InstallId {
    let (account, app) = (AccountId::new(account), world.app_of(APP));
    let mut new = NewInstall { channel, ..NewInstall::offered(app, &account, livemode) };
    if channel != Channel::Public {
        new.upload = app.newest();
    }
    new.granted.permissions = granted.iter().map(|permission| (*permission).to_owned()).collect();
    let (install, change) = begin_install(&world.context(), Actor::Operator("cholla"), new);
    world.commit(change);
    install.id
}

fn refusal(refused: Refused) -> &'static str {
    match refused {
        Refused::Unknown => "refused: an unknown key",
        Refused::Expired => "refused: the key has expired",
        Refused::Publishable => "refused: a publishable key",
        Refused::AccountNotReachable => "refused: no access to that account",
    }
}

fn matrix() -> String {
    [secrets::table(), lives::table(), installs::table()].join("\n")
}

#[test]
fn rule_5_1_to_5_9_and_4_9_and_12_1_to_12_7_and_14_1_to_14_4_the_matrix_is_the_committed_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED);
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let printed = matrix();
    let differing = printed.lines().zip(committed.lines()).position(|(new, old)| new != old);
    if let Some(line) = differing {
        let shown = |text: &str| text.lines().nth(line).unwrap_or_default().to_owned();
        panic!("line {}:\n  now       {}\n  committed {}", line + 1, shown(&printed), shown(&committed));
    }
    assert_eq!(printed.lines().count(), committed.lines().count(), "the tables differ in length");
}

#[test]
#[ignore = "writes the committed tables"]
fn write_the_matrix() {
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED), matrix()).unwrap();
}
