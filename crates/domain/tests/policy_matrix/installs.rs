//! The third table: every caller, operation and state of the Install API (contract section 12).

use std::fmt::Write as _;

use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::credential::{Credential, CredentialKind, InstallRights};
use cholla_domain::directory::install::Channel;
use cholla_domain::directory::kept::StateRefusal;
use cholla_domain::id::{AccountId, InstallId, UserId};
use cholla_domain::installs::{self, Answered, CreateRequest, InstallError, InstallRequest, ListRequest};
use cholla_domain::livemode::Livemode;
use cholla_testkit::directory_world::DirectoryWorld;

use super::{APP, app, install, refusal, world};

/// Another app of the developer, which opens the shop to it.
const OTHER_APP: &str = "com.example.other";
const BOTH: [&str; 2] = ["secret_read", "secret_write"];

/// Where the app is: the name of the row, the account, the channel, and whether it is in the other mode.
const STATES: [(&str, Option<(&str, bool)>); 5] = [
    ("not installed", None),
    ("private", Some(("acct_dev", false))),
    ("public", Some(("acct_shop", false))),
    ("testing", Some(("acct_shop", false))),
    ("other mode", Some(("acct_shop", true))),
];

fn other(livemode: Livemode) -> Livemode {
    if livemode.is_live() { Livemode::Test } else { Livemode::Live }
}

/// A world in a state, and the id of the install in question, or of none.
fn in_state(number: usize, livemode: Livemode, relation: &str) -> (DirectoryWorld, String) {
    let (name, place) = STATES[number];
    let mut world = world(ApiAccess::OAuth);
    world.upload(APP, &["secret_read", "secret_write", "event_read"]);
    if relation == "connected" {
        world.connect("acct_shop", "acct_dev");
    }
    if relation == "through another app" {
        world.published(OTHER_APP, "acct_dev", &[]);
        world.install(OTHER_APP, "acct_shop", livemode);
    }
    let id = place.map(|(account, in_other)| {
        let livemode = if in_other { other(livemode) } else { livemode };
        let channel = match name {
            "private" => Channel::private(livemode),
            "testing" => Channel::Testing,
            _ => Channel::Public,
        };
        install(&mut world, (account, livemode, channel), &BOTH)
    });
    let missing = || InstallId::from_suffix(livemode, &[b'x'; InstallId::LENGTH]).expect("letters");
    (world, id.unwrap_or_else(missing).to_string())
}

/// A caller: its name, the account of its key, what the key is, the account that it names, and how the shop is related to the developer.
struct Caller {
    is: &'static str,
    account: &'static str,
    kind: CredentialKind,
    names: Option<&'static str>,
    relation: &'static str,
}

fn callers() -> Vec<Caller> {
    let caller = |is, account, kind, names, relation| Caller { is, account, kind, names, relation };
    let restricted = |read, write| CredentialKind::AccountRestricted(InstallRights { read, write });
    let shop = Some("acct_shop");
    let embedded = CredentialKind::Embedded { app: app(), user: UserId::new("usr_own") };
    vec![
        caller("12.1 the shop's secret key", "acct_shop", CredentialKind::Secret, None, ""),
        caller("12.1 and 12.2 the developer's secret key", "acct_dev", CredentialKind::Secret, None, "connected"),
        caller("12.3 naming the shop, connected", "acct_dev", CredentialKind::Secret, shop, "connected"),
        caller("12.3 naming the shop, not connected", "acct_dev", CredentialKind::Secret, shop, ""),
        caller(
            "12.3 naming the shop, reached through another app",
            "acct_dev",
            CredentialKind::Secret,
            shop,
            "through another app",
        ),
        caller("12.3 naming itself", "acct_dev", CredentialKind::Secret, Some("acct_dev"), "connected"),
        caller("12.3 naming nobody there is", "acct_dev", CredentialKind::Secret, Some("acct_none"), "connected"),
        caller("another developer's secret key", "acct_other", CredentialKind::Secret, None, ""),
        caller("another developer's, naming the shop", "acct_other", CredentialKind::Secret, shop, ""),
        caller("12.4 the shop's restricted key with nothing", "acct_shop", restricted(false, false), None, ""),
        caller("12.4 with app_install_read", "acct_shop", restricted(true, false), None, ""),
        caller("12.4 with app_install_write", "acct_shop", restricted(false, true), None, ""),
        caller("12.4 the developer's with app_install_write", "acct_dev", restricted(false, true), None, ""),
        caller("12.4 the same, naming the shop", "acct_dev", restricted(false, true), shop, "connected"),
        caller("12.5 an OAuth access token", "acct_shop", CredentialKind::OAuth { app: app() }, None, ""),
        caller("12.5 the app's restricted key", "acct_shop", CredentialKind::Restricted { app: app() }, None, ""),
        caller("12.5 a UI extension", "acct_shop", embedded, None, ""),
        caller("a publishable key", "acct_shop", CredentialKind::Publishable { value: "pk_x".to_owned() }, None, ""),
    ]
}

/// The rule that an error is of.
fn rule(error: &InstallError) -> &'static str {
    match error {
        InstallError::NotFound => "18.1",
        InstallError::UnknownCursor(_) => "18.2",
        InstallError::BothCursors => "6.20",
        InstallError::UnknownApp => "18.3",
        InstallError::PrivateChannelNeeded => "18.6",
        InstallError::PrivateChannelRefused { .. } => "18.7",
        InstallError::State(StateRefusal::OtherChannel(_)) => "18.8",
        InstallError::State(StateRefusal::NothingToInstall(_)) => "18.9",
        InstallError::State(StateRefusal::NotConnected) => "18.14",
        InstallError::State(StateRefusal::WouldGrant) => "18.15",
        InstallError::Embedding => "18.10",
        InstallError::RightMissing(_) => "18.12",
        InstallError::AccountNotNamed(_) => "18.13",
        InstallError::AccountNotActedOn => "18.16",
        InstallError::IdempotencyMismatch { .. } => "6.25",
        InstallError::TooMuchKept => "6.28",
    }
}

/// One request of a caller in a state.
enum Request {
    List(Option<&'static str>),
    Create(Channel),
    Retrieve,
    Reauthorize,
    Uninstall,
}

fn answered(
    world: &DirectoryWorld,
    decided: Result<cholla_domain::directory::decision::Decision<Answered>, InstallError>,
) -> &'static str {
    let decision = match decided {
        Ok(decision) => decision,
        Err(error) => return rule(&error),
    };
    match decision.outcome.result {
        Err(refusal) => rule(&InstallError::State(refusal)),
        Ok(view) if world.directory.install(&view.id).is_none() => "new",
        Ok(view) if view.uninstalling => "yes",
        Ok(view) => {
            let before = world.directory.install(&view.id).and_then(|install| world.directory.view(install));
            if before.is_some_and(|before| before.granted == view.granted) { "same" } else { "grants" }
        }
    }
}

fn cell(world: &DirectoryWorld, id: &str, caller: &Caller, credential: &Credential, request: &Request) -> &'static str {
    let named = caller.names.map(AccountId::new);
    let who = match world.directory.install_caller(credential, named.as_ref(), world.now) {
        Ok(who) => who,
        Err(refused) => return refusal(refused),
    };
    let ctx = world.context();
    let on_install = InstallRequest { id, parameters: &[] };
    match request {
        Request::List(app) => {
            let request = ListRequest { app: app.map(str::to_owned), ..ListRequest::default() };
            match installs::list(&world.directory, &who, &request, world.now) {
                Ok(page) if page.installs.iter().any(|view| view.id.to_string() == id) => "there",
                Ok(_) => "not",
                Err(error) => rule(&error),
            }
        }
        Request::Create(channel) => {
            let request = CreateRequest { app: APP, channel: Some(*channel), challenge: None, parameters: &[] };
            answered(world, installs::create(&ctx, &who, &request))
        }
        Request::Retrieve => match installs::retrieve(&world.directory, &who, id) {
            Ok(_) => "yes",
            Err(error) => rule(&error),
        },
        Request::Reauthorize => answered(world, installs::reauthorize(&ctx, &who, &on_install)),
        Request::Uninstall => answered(world, installs::uninstall(&ctx, &who, &on_install)),
    }
}

/// Cells beside each other.
fn row(cells: [&str; 9]) -> String {
    cells.iter().fold(String::new(), |mut line, cell| {
        let _ = write!(line, "{cell:<12}");
        line
    })
}

pub(crate) fn table() -> String {
    let mut text = String::from(
        "# The Install API\n\n\
         acct_dev has an app, published, with a newer upload that asks for more, and installed where the row says: privately on\n\
         acct_dev, otherwise on acct_shop. \"own\" and \"cross\" are the private channels of the key's mode and of the other. \"there\":\n\
         the install is on the list; \"new\": installs; \"grants\": grants more; \"same\": answers it and grants nothing. A number is\n\
         the rule of the refusal.\n\n",
    );
    for livemode in Livemode::ALL {
        let columns = [
            ("list", Request::List(None)),
            ("of app", Request::List(Some(APP))),
            ("own", Request::Create(Channel::private(livemode))),
            ("cross", Request::Create(Channel::private(other(livemode)))),
            ("public", Request::Create(Channel::Public)),
            ("testing", Request::Create(Channel::Testing)),
            ("retrieve", Request::Retrieve),
            ("reauthorize", Request::Reauthorize),
            ("uninstall", Request::Uninstall),
        ];
        for caller in callers() {
            let _ = writeln!(text, "## {}, {} mode", caller.is, livemode.as_str());
            let names = row(columns.each_ref().map(|(name, _)| *name));
            let _ = writeln!(text, "{:<16}{}", "", names.trim_end());
            for (number, (state, _)) in STATES.iter().enumerate() {
                let (mut world, id) = in_state(number, livemode, caller.relation);
                let credential = world.credential("key", caller.kind.clone(), caller.account, livemode);
                let cells = columns.each_ref().map(|(_, request)| cell(&world, &id, &caller, &credential, request));
                let line =
                    if cells.iter().all(|cell| cell.starts_with("refused")) { cells[0].to_owned() } else { row(cells) };
                let _ = writeln!(text, "{state:<16}{}", line.trim_end());
            }
            text.push('\n');
        }
    }
    text.pop();
    text
}
