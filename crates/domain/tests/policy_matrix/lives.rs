//! The second table: what becomes of a credential's reach to secrets in the life of an install.

use std::fmt::Write as _;

use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::credential::{Credential, CredentialKind, InstallRights};
use cholla_domain::directory::install::Channel;
use cholla_domain::id::{AccountId, InstallId, UserId};
use cholla_domain::installs::{Actor, end_install};
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Scope;
use cholla_domain::policy::{Read, Write, authorize};
use cholla_testkit::directory_world::DirectoryWorld;

use super::{APP, app, install, refusal, world};

/// What happens to the install before the credential is used.
type Happens = fn(&mut DirectoryWorld, InstallId);

fn end(world: &mut DirectoryWorld, id: InstallId) {
    let install = world.directory.install(&id).expect("it is installed").clone();
    let change = end_install(&world.context(), Actor::Account, &install);
    world.commit(change);
}

fn release(world: &mut DirectoryWorld, permissions: &[&str]) {
    world.upload(APP, permissions);
    world.release(APP);
}

const BOTH: [&str; 2] = ["secret_read", "secret_write"];

/// A state: its name, the install's channel, what is granted, what happens then.
const STATES: [(&str, Channel, &[&str], Happens); 9] = [
    ("public", Channel::Public, &BOTH, |_, _| {}),
    ("testing", Channel::Testing, &BOTH, |_, _| {}),
    ("secret_write is pending", Channel::Public, &["secret_read"], |_, _| {}),
    ("a release asks for more", Channel::Public, &BOTH, |world, _| {
        release(world, &["secret_read", "secret_write", "event_read"]);
    }),
    ("a release asks for less", Channel::Public, &BOTH, |world, _| release(world, &["secret_read"])),
    ("the same, testing", Channel::Testing, &BOTH, |world, _| release(world, &["secret_read"])),
    ("asked for again", Channel::Public, &BOTH, |world, _| {
        release(world, &["secret_read"]);
        release(world, &BOTH);
    }),
    ("ended", Channel::Public, &BOTH, end),
    ("ended and installed again", Channel::Public, &BOTH, |world, id| {
        end(world, id);
        install(world, ("acct_shop", id.livemode(), Channel::Public), &BOTH);
    }),
];

/// A caller: its name, the account of its key, what the key is, and the account that it names.
fn callers() -> Vec<(&'static str, &'static str, CredentialKind, Option<&'static str>)> {
    let embedded = CredentialKind::Embedded { app: app(), user: UserId::new("usr_own") };
    vec![
        ("the developer's secret key, naming the shop", "acct_dev", CredentialKind::Secret, Some("acct_shop")),
        ("the app's restricted key", "acct_shop", CredentialKind::Restricted { app: app() }, None),
        ("the app's OAuth access token", "acct_shop", CredentialKind::OAuth { app: app() }, None),
        ("a user's UI extension", "acct_shop", embedded, None),
        (
            "the shop's own restricted key with app_install_write",
            "acct_shop",
            CredentialKind::AccountRestricted(InstallRights::ALL),
            None,
        ),
        ("an admin token", "", CredentialKind::Admin(cholla_domain::directory::credential::Role::Operator), None),
    ]
}

fn cell(world: &DirectoryWorld, credential: &Credential, named: Option<&str>) -> String {
    let named = named.map(AccountId::new);
    match world.directory.principal(credential, named.as_ref(), world.now) {
        Ok(principal) => {
            let reads = authorize::<Read>(&principal, Scope::Account).is_ok();
            let writes = authorize::<Write>(&principal, Scope::Account).is_ok();
            let place = &principal.namespace;
            let may = match (reads, writes) {
                (_, true) => "reads and writes",
                (true, false) => "reads",
                (false, false) => "may nothing",
            };
            format!("{may} {}/{}/{}", place.developer, place.account, place.livemode.as_str())
        }
        Err(refused) => refusal(refused).to_owned(),
    }
}

/// A session that the platform has signed (a JWT), as it is judged when it is presented.
fn signed(world: &DirectoryWorld, livemode: Livemode, expires_in: i64) -> Credential {
    let whom = (AccountId::new("acct_shop"), livemode);
    world.directory.signed_session((app(), UserId::new("usr_own")), whom, (world.now, world.now.plus(expires_in)))
}

/// Without state, it follows the install: it ends with it and is good again with the next one.
fn signed_sessions(text: &mut String, access: ApiAccess) {
    let _ = writeln!(text, "## a user's session signed by the platform (JWT), access {}", access.as_str());
    for (state, channel, granted, happens) in STATES {
        let mut world = world(access);
        let id = install(&mut world, ("acct_shop", Livemode::Test, channel), granted);
        happens(&mut world, id);
        let _ = writeln!(text, "{state:<30}{}", cell(&world, &signed(&world, Livemode::Test, 60), None));
    }
    let mut world = world(access);
    install(&mut world, ("acct_shop", Livemode::Test, Channel::Public), &BOTH);
    for (state, livemode, expires_in, names) in [
        ("of the other mode", Livemode::Live, 60, None),
        ("expired", Livemode::Test, 0, None),
        ("naming its own account", Livemode::Test, 60, Some("acct_shop")),
        ("naming the developer", Livemode::Test, 60, Some("acct_dev")),
    ] {
        let _ = writeln!(text, "{state:<30}{}", cell(&world, &signed(&world, livemode, expires_in), names));
    }
    text.push('\n');
}

pub(crate) fn table() -> String {
    let mut text = String::from(
        "# What a credential made for the install reaches afterwards, in the account scope\n\n\
         An app that asks for secret_read and secret_write; what is in each row happens after the credential was made.\n\n",
    );
    for access in ApiAccess::ALL {
        for (is, account, kind, names) in callers() {
            let _ = writeln!(text, "## {is}, access {}", access.as_str());
            for (state, channel, granted, happens) in STATES {
                let mut world = world(access);
                let id = install(&mut world, ("acct_shop", Livemode::Test, channel), granted);
                let credential = world.credential("key", kind.clone(), account, Livemode::Test);
                happens(&mut world, id);
                let _ = writeln!(text, "{state:<30}{}", cell(&world, &credential, names));
            }
            let mut world = world(access);
            install(&mut world, ("acct_shop", Livemode::Test, Channel::Public), &BOTH);
            let credential = world.credential("key", kind.clone(), account, Livemode::Test);
            let (now, later) = (world.now, world.now.plus(1));
            for (state, revoked_at, expires_at) in [
                ("revoked", Some(now), None),
                ("to be revoked a second later", Some(later), None),
                ("revoked and expired", Some(now), Some(now)),
            ] {
                let credential = Credential { revoked_at, expires_at, ..credential.clone() };
                let _ = writeln!(text, "{state:<30}{}", cell(&world, &credential, names));
            }
            text.push('\n');
        }
        signed_sessions(&mut text, access);
    }
    text.pop();
    text
}
