//! The first table: every credential, operation and scope of the secret store.

use std::fmt::Write as _;

use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::credential::{Credential, CredentialKind};
use cholla_domain::directory::install::Channel;
use cholla_domain::id::{AccountId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Scope;
use cholla_domain::policy::{Action, Denied, Read, Write, authorize};
use cholla_domain::principal::{Permissions, Principal};
use cholla_testkit::directory_world::DirectoryWorld;

use super::{app, install, refusal, world};

const READ: Permissions = Permissions { write: false, read: true };

/// A caller: a credential and the account that the request names.
struct Caller {
    is: &'static str,
    credential: Credential,
    names: Option<&'static str>,
}

fn callers(world: &mut DirectoryWorld, livemode: Livemode) -> Vec<Caller> {
    let now = world.now;
    let mut of = |account: &str, kind: CredentialKind| world.credential("key", kind, account, livemode);
    let restricted = of("acct_shop", CredentialKind::Restricted { app: app() });
    let embedded = of("acct_shop", CredentialKind::Embedded { app: app(), user: UserId::new("usr_own") });
    let reading = Credential { permissions: Some(READ), ..restricted.clone() };
    let expired = |own: &Credential| Credential { expires_at: Some(now), ..own.clone() };
    let publishable = CredentialKind::Publishable { value: "pk_x".to_owned() };
    let caller = |is, credential, names| Caller { is, credential, names };
    vec![
        caller(
            "the developer's secret key, naming the shop",
            of("acct_dev", CredentialKind::Secret),
            Some("acct_shop"),
        ),
        caller("the developer's secret key, naming nobody", of("acct_dev", CredentialKind::Secret), None),
        caller(
            "another developer's secret key, naming the shop",
            of("acct_other", CredentialKind::Secret),
            Some("acct_shop"),
        ),
        caller("the shop's own secret key, naming nobody", of("acct_shop", CredentialKind::Secret), None),
        caller("the app's restricted key", restricted.clone(), None),
        caller("the app's restricted key, naming its own account", restricted.clone(), Some("acct_shop")),
        caller("the app's restricted key, naming another account", restricted.clone(), Some("acct_other")),
        caller("the app's restricted key for reading only", reading, None),
        caller("the app's restricted key, expired", expired(&restricted), None),
        caller("the app's OAuth access token", of("acct_shop", CredentialKind::OAuth { app: app() }), None),
        caller("a user's UI extension", embedded.clone(), None),
        caller("a user's UI extension, naming another account", embedded.clone(), Some("acct_other")),
        caller("a user's UI extension, expired", expired(&embedded), None),
        caller("a publishable key", of("acct_shop", publishable), None),
    ]
}

/// What the shop has installed and granted.
fn installs(livemode: Livemode) -> Vec<(&'static str, DirectoryWorld)> {
    let other = if livemode.is_live() { Livemode::Test } else { Livemode::Live };
    let installed = |livemode, granted: &[&str]| {
        let mut world = world(ApiAccess::Platform);
        install(&mut world, ("acct_shop", livemode, Channel::Public), granted);
        world
    };
    vec![
        ("not installed", world(ApiAccess::Platform)),
        ("in the other mode only", installed(other, &["secret_write"])),
        ("nothing granted", installed(livemode, &[])),
        ("secret_read granted", installed(livemode, &["secret_read"])),
        ("secret_write granted", installed(livemode, &["secret_write"])),
    ]
}

/// What an operation answers in a scope of another user that the caller does not reach (contract 5.7).
fn foreign(operation: &str) -> &'static str {
    match operation {
        "set" => "no (403)",
        "list" => "as if empty",
        _ => "as if missing",
    }
}

fn outcome<A: Action>(principal: &Principal, operation: &str, scope: &Scope) -> &'static str {
    match authorize::<A>(principal, scope.clone()) {
        Ok(_) => "yes",
        Err(Denied::PermissionMissing) => "no permission",
        Err(Denied::BeingErased) if operation == "set" => "not now (503)",
        Err(Denied::ForeignUser | Denied::BeingErased) => foreign(operation),
    }
}

pub(crate) fn table() -> String {
    let mut text = String::from(
        "Who may do what. acct_dev has an app, acct_shop may have installed it; usr_own is the user of the UI extension.\n\
         \"Whose data\" is developer/account/mode: where an allowed operation reads and writes.\n\n",
    );
    let scopes = [Scope::Account, Scope::User(UserId::new("usr_own")), Scope::User(UserId::new("usr_other"))];
    for livemode in Livemode::ALL {
        let count = callers(&mut world(ApiAccess::Platform), livemode).len();
        for number in 0..count {
            let mut heading = None;
            for (installed, mut world) in installs(livemode) {
                let caller = callers(&mut world, livemode).swap_remove(number);
                if heading.replace(caller.is).is_none() {
                    let _ = writeln!(text, "## {}, {} mode", caller.is, livemode.as_str());
                }
                let named = caller.names.map(AccountId::new);
                let principal = match world.directory.principal(&caller.credential, named.as_ref(), world.now) {
                    Ok(principal) => principal,
                    Err(refused) => {
                        let _ = writeln!(text, "{installed:<24}{}", refusal(refused));
                        continue;
                    }
                };
                let place = &principal.namespace;
                let mode = place.livemode.as_str();
                let _ = writeln!(text, "{installed:<24}whose data: {}/{}/{mode}", place.developer, place.account);
                for operation in ["set", "find", "list", "delete"] {
                    let cells = scopes.each_ref().map(|scope| match operation {
                        "set" | "delete" => outcome::<Write>(&principal, operation, scope),
                        _ => outcome::<Read>(&principal, operation, scope),
                    });
                    let [account, own, other] = cells;
                    let _ =
                        writeln!(text, "    {operation:<8}account: {account:<16}usr_own: {own:<16}usr_other: {other}");
                }
            }
            let last = number + 1 == count && livemode == Livemode::Live;
            text.push_str(if last { "" } else { "\n" });
        }
    }
    text
}
