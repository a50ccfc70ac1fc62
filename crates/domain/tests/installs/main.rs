//! The Install API's rules over a small directory (contract sections 10 to 14 and 17).

mod audit;
mod create;
mod events;
mod histories;
mod idempotency;
mod list;
mod namespaces;
mod reauthorize;
mod remembered;
mod rollout;
mod uninstall;

use std::collections::BTreeSet;

use cholla_domain::directory::access::InstallCaller;
use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::credential::{CredentialKey, InstallRights};
use cholla_domain::directory::decision::Decision;
use cholla_domain::directory::event::{Event, Subject};
use cholla_domain::directory::install::{Channel, InstallView};
use cholla_domain::id::{AccountId, InstallId};
use cholla_domain::idempotency::IdempotencyKey;
use cholla_domain::installs::{self, Answered, CreateRequest, InstallError, InstallRequest};
use cholla_domain::livemode::Livemode;
use cholla_testkit::directory_world::DirectoryWorld;

pub(crate) const TEST: Livemode = Livemode::Test;
pub(crate) const LIVE: Livemode = Livemode::Live;

/// A world with a developer `dev`, another developer `rival`, and the shops `shop`, connected to `dev`, and `stranger`, to nobody. Of `dev`
/// are the published `app`, which asks for `secret_write`, the published `oauth.app`, the published `rak.app` of restricted keys, and the private `draft`; of `rival` the published
/// `foreign` and the private `foreign.draft`.
pub(crate) fn world() -> DirectoryWorld {
    let mut world = DirectoryWorld::new(1);
    for account in ["dev", "rival", "shop", "stranger"] {
        world.account(account);
    }
    world.connect("shop", "dev");
    world.published("app", "dev", &["secret_write"]);
    world.published("oauth.app", "dev", &["secret_write"]);
    world.access("oauth.app", ApiAccess::OAuth);
    world.published("rak.app", "dev", &["secret_write"]);
    world.access("rak.app", ApiAccess::RestrictedApiKey);
    world.app("draft", "dev", &["secret_read"]);
    world.published("foreign", "rival", &["secret_write"]);
    world.app("foreign.draft", "rival", &["secret_write"]);
    world
}

/// Whichever key the caller has.
pub(crate) const KEY: CredentialKey = CredentialKey::from_bytes([0xab; 16]);

/// An account by its own secret key.
pub(crate) fn own(account: &str, livemode: Livemode) -> InstallCaller {
    InstallCaller::Own { account: AccountId::new(account), livemode, rights: InstallRights::ALL, key: KEY }
}

/// A developer by its secret key, on another account.
pub(crate) fn on(account: &str, developer: &str, livemode: Livemode) -> InstallCaller {
    let (developer, account) = (AccountId::new(developer), AccountId::new(account));
    InstallCaller::Developer { developer, account, livemode, key: KEY }
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text.to_owned()).expect("a short key")
}

fn words(set: &BTreeSet<String>) -> String {
    set.iter().map(String::as_str).collect::<Vec<_>>().join(",")
}

/// An install in one line: its channel, what is granted and, behind a question mark, what is pending.
pub(crate) fn shown(view: &InstallView) -> String {
    let (granted, pending) = (words(&view.granted.permissions), words(&view.pending.permissions));
    let pending = if pending.is_empty() { pending } else { format!(" ?{pending}") };
    let going = if view.uninstalling { " going" } else { "" };
    format!("{} {granted}{pending}{going}", view.channel.as_str())
}

/// Events in one line: what is told to whom, of whom.
pub(crate) fn told(events: &[Event]) -> String {
    let one = |event: &Event| {
        let word = match &event.subject {
            Subject::InstallCreated(_) => "created",
            Subject::InstallUpdated { .. } => "updated",
            Subject::InstallDeleted(_) => "deleted",
            Subject::Authorized { .. } => "authorized",
            Subject::Deauthorized { .. } => "deauthorized",
        };
        let of = event.of.as_ref().map(|of| format!("({of})")).unwrap_or_default();
        format!("{word}>{}{of}", event.recipient)
    };
    events.iter().map(one).collect::<Vec<_>>().join(" ")
}

/// Commits what was decided, and answers it in one line: the install or the refusal, and behind a bar the events.
pub(crate) fn done(world: &mut DirectoryWorld, decided: Result<Decision<Answered>, InstallError>) -> String {
    let decision = match decided {
        Ok(decision) => decision,
        Err(error) => return format!("{error:?}"),
    };
    let (answered, events) = world.take(decision);
    let result = match &answered.result {
        Ok(view) => shown(view),
        Err(refusal) => format!("{refusal:?}"),
    };
    let code = if answered.code.is_some() { " code" } else { "" };
    let replay = if answered.replay_of.is_some() { " replay" } else { "" };
    let events = if events.is_empty() { String::new() } else { format!(" | {}", told(&events)) };
    format!("{result}{code}{replay}{events}")
}

pub(crate) fn create(
    world: &mut DirectoryWorld,
    caller: &InstallCaller,
    app: &str,
    channel: Option<Channel>,
) -> String {
    let request = CreateRequest { app, channel, challenge: None, parameters: &[] };
    let decided = installs::create(&world.context(), caller, &request);
    done(world, decided)
}

pub(crate) fn reauthorize(world: &mut DirectoryWorld, caller: &InstallCaller, id: &str) -> String {
    let decided = installs::reauthorize(&world.context(), caller, &InstallRequest { id, parameters: &[] });
    done(world, decided)
}

pub(crate) fn uninstall(world: &mut DirectoryWorld, caller: &InstallCaller, id: &str) -> String {
    let decided = installs::uninstall(&world.context(), caller, &InstallRequest { id, parameters: &[] });
    done(world, decided)
}

/// The id of an install that is there.
pub(crate) fn id_of(world: &DirectoryWorld, app: &str, account: &str, livemode: Livemode) -> InstallId {
    world.installed(app, account, livemode).expect("it is installed").id
}

/// The private channel of the test mode.
pub(crate) const PRIVATE: Option<Channel> = Some(Channel::PrivateTest);
/// That of the live mode.
pub(crate) const PRIVATE_LIVE: Option<Channel> = Some(Channel::PrivateLive);
