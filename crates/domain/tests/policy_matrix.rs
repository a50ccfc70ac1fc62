//! Who may do what, as one table that anybody can read: `policy_matrix.txt` (contract section 5).
//!
//! The test prints the table anew on every run and compares. After a deliberate change, the ignored test writes it:
//! `cargo test -p cholla-domain --test policy_matrix -- --ignored`. Read the difference before you commit it.

use std::fmt::Write as _;
use std::path::Path;

use cholla_domain::directory::{App, Credential, CredentialKind, Directory, Refused, SigningSecret};
use cholla_domain::id::{AccountId, AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Scope;
use cholla_domain::policy::{Action, Denied, Read, Write, authorize};
use cholla_domain::principal::{Permissions, Principal};
use cholla_domain::time::Timestamp;

const COMMITTED: &str = "tests/policy_matrix.txt";
const NOW: Timestamp = Timestamp::from_unix(1_956_528_000);
const NONE: Permissions = Permissions { write: false, read: false };
const READ: Permissions = Permissions { write: false, read: true };
const WRITE: Permissions = Permissions { write: true, read: false };

/// A caller: a credential and the account that the request names.
struct Caller {
    is: &'static str,
    credential: Credential,
    names: Option<&'static str>,
}

fn app() -> AppId {
    AppId::new("com.example.app")
}

fn callers(livemode: Livemode) -> Vec<Caller> {
    let of = |account: &str, kind: CredentialKind| Credential {
        kind,
        account: AccountId::new(account),
        livemode,
        permissions: None,
        expires_at: None,
    };
    let restricted = || of("acct_shop", CredentialKind::Restricted { app: app() });
    let embedded = || of("acct_shop", CredentialKind::Embedded { app: app(), user: UserId::new("usr_own") });
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
        caller("the app's restricted key", restricted(), None),
        caller("the app's restricted key, naming its own account", restricted(), Some("acct_shop")),
        caller("the app's restricted key, naming another account", restricted(), Some("acct_other")),
        caller(
            "the app's restricted key for reading only",
            Credential { permissions: Some(READ), ..restricted() },
            None,
        ),
        caller("the app's restricted key, expired", Credential { expires_at: Some(NOW), ..restricted() }, None),
        caller("the app's OAuth access token", of("acct_shop", CredentialKind::OAuth { app: app() }), None),
        caller("a user's UI extension", embedded(), None),
        caller("a user's UI extension, naming another account", embedded(), Some("acct_other")),
        caller("a user's UI extension, expired", Credential { expires_at: Some(NOW), ..embedded() }, None),
        caller("a publishable key", of("acct_shop", CredentialKind::Publishable), None),
    ]
}

/// What the shop has installed and granted.
fn installs(livemode: Livemode) -> Vec<(&'static str, Directory)> {
    let other = if livemode.is_live() { Livemode::Test } else { Livemode::Live };
    let directory = |installed: Option<(Livemode, Permissions)>| {
        let mut directory = Directory::default();
        for account in ["acct_dev", "acct_other", "acct_shop"] {
            directory.add_account(AccountId::new(account));
        }
        let signing_secret = SigningSecret::new("absec_x".to_owned());
        directory.add_app(app(), App { owner: AccountId::new("acct_dev"), signing_secret });
        if let Some((livemode, permissions)) = installed {
            directory.add_install(&app(), &AccountId::new("acct_shop"), livemode, permissions);
        }
        directory
    };
    vec![
        ("not installed", directory(None)),
        ("in the other mode only", directory(Some((other, WRITE)))),
        ("nothing granted", directory(Some((livemode, NONE)))),
        ("secret_read granted", directory(Some((livemode, READ)))),
        ("secret_write granted", directory(Some((livemode, WRITE)))),
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
        Err(Denied::ForeignUser) => foreign(operation),
    }
}

fn refusal(refused: Refused) -> &'static str {
    match refused {
        Refused::Expired => "refused: the key has expired",
        Refused::Publishable => "refused: a publishable key",
        Refused::AccountNotReachable => "refused: no access to that account",
    }
}

fn matrix() -> String {
    let mut text = String::from(
        "Who may do what. acct_dev has an app, acct_shop may have installed it; usr_own is the user of the UI extension.\n\
         \"Whose data\" is developer/account/mode: where an allowed operation reads and writes.\n\n",
    );
    let scopes = [Scope::Account, Scope::User(UserId::new("usr_own")), Scope::User(UserId::new("usr_other"))];
    for livemode in Livemode::ALL {
        for (number, caller) in callers(livemode).iter().enumerate() {
            let _ = writeln!(text, "## {}, {} mode", caller.is, livemode.as_str());
            for (installed, directory) in installs(livemode) {
                let named = caller.names.map(AccountId::new);
                let principal = match directory.principal(&caller.credential, named.as_ref(), NOW) {
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
            let last = number + 1 == callers(livemode).len() && livemode == Livemode::Live;
            text.push_str(if last { "" } else { "\n" });
        }
    }
    text
}

#[test]
fn rule_5_1_to_5_9_and_4_9_the_matrix_is_the_committed_one() {
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
#[ignore = "writes the committed table"]
fn write_the_matrix() {
    std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(COMMITTED), matrix()).unwrap();
}
