//! The steps of an install's life, whoever takes them: beginning, moving on, ending (contract sections 13 and 14).
//!
//! Each step is one change, to be committed before the next is decided: what ends an install looks at what else is installed.

use super::events::{News, announce};
use super::{app_of, rollout, standing, view};
use crate::directory::app::{ApiAccess, App, Asks, Upload};
use crate::directory::change::{AuditEntry, Change};
use crate::directory::credential::{Credential, CredentialKey, CredentialKind};
use crate::directory::decision::Context;
use crate::directory::erasure::{Ending, Erasure, ErasureTarget};
use crate::directory::install::{Channel, EndedInstall, Install, InstallView};
use crate::directory::record::{Record, RecordName};
use crate::directory::state::Directory;
use crate::id::{AccountId, InstallId};
use crate::limits::ENDED_PER_PLACE_MAX;
use crate::livemode::Livemode;
use crate::place::Namespace;
use crate::tag::ErasureId;
use crate::time::is_expired;

/// In whose name something happens to an install.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor<'a> {
    /// The installing account, by its key.
    Account,
    /// The app's developer, by its key.
    Developer,
    /// The operator, as the audit log names it: an admin token's id, or `cholla`. Consent comes this way too.
    Operator(&'a str),
}

impl<'a> Actor<'a> {
    /// The account whose key it is.
    fn key_account(self, app: &'a App, account: &'a AccountId) -> Option<&'a AccountId> {
        match self {
            Self::Account => Some(account),
            Self::Developer => Some(&app.owner),
            Self::Operator(_) => None,
        }
    }

    /// As the audit log names it.
    fn as_str(self, app: &'a App, account: &'a AccountId) -> &'a str {
        match self {
            Self::Account => account.as_str(),
            Self::Developer => app.owner.as_str(),
            Self::Operator(name) => name,
        }
    }
}

/// An install to begin. There is none of that app on that account in that mode (contract 10.14).
#[derive(Clone, Debug)]
pub struct NewInstall<'a> {
    /// The app.
    pub app: &'a App,
    /// The installing account.
    pub account: &'a AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// How it comes.
    pub channel: Channel,
    /// Which version: for `public` the published one.
    pub upload: &'a Upload,
    /// What is granted; of that, what the version asks for.
    pub granted: Asks,
    /// Its id where it was declared, of the same mode; otherwise one is drawn.
    pub id: Option<InstallId>,
}

impl<'a> NewInstall<'a> {
    /// What the operator, the platform file or consent installs, with all that it asks for (contract 13.2, 15.12): a published app is
    /// `public`; an unpublished one is private on its owner's account, and `testing` elsewhere.
    pub fn offered(app: &'a App, account: &'a AccountId, livemode: Livemode) -> Self {
        let channel = if app.published().is_some() {
            Channel::Public
        } else if app.owner == *account {
            Channel::private(livemode)
        } else {
            Channel::Testing
        };
        let upload = app.offered();
        Self { app, account, livemode, channel, upload, granted: upload.manifest.asks.clone(), id: None }
    }
}

/// Begins an install: it takes over the credentials of its app there that belong to no install yet, and finds the secrets of the namespace
/// as they were within the grace period (contract 14.5), or an empty namespace under a new key (contract 14.6).
pub fn begin_install(ctx: &Context<'_>, by: Actor<'_>, new: NewInstall<'_>) -> (Install, Change) {
    let NewInstall { app, account, livemode, channel, upload, granted, id } = new;
    let id = id.unwrap_or_else(|| InstallId::draw(livemode, ctx.mint.entropy()));
    let mut change = reopen_namespace(ctx, &Directory::namespace(&app.owner, account, livemode));
    let restricted_key = bind_credentials(ctx, app, account, id, &mut change);
    let install = Install {
        id,
        app: app.id.clone(),
        account: account.clone(),
        channel,
        version: upload.number,
        release: release(app, channel),
        granted: granted.intersection(&upload.manifest.asks),
        created_at: ctx.now,
        sequence: ctx.directory.next_sequence(),
        restricted_key: restricted_key.filter(|_| upload.manifest.api_access == ApiAccess::RestrictedApiKey),
    };
    let now = view(ctx.directory, &install);
    change.events = announce(ctx, by.key_account(app, account), app, News::Created(&now));
    change.put(Record::Install(Box::new(install.clone())));
    (install, change)
}

/// The release that an install of a channel is carried to when it moves to the newest version of that channel.
fn release(app: &App, channel: Channel) -> u32 {
    if channel == Channel::Public { app.release() } else { 0 }
}

/// A namespace whose last install had ended has one again.
fn reopen_namespace(ctx: &Context<'_>, namespace: &Namespace) -> Change {
    let mut change = Change::default();
    match ctx.directory.ending(namespace) {
        Some(ending) if is_expired(Some(ending.erase_at), ctx.now) => return destroy_namespace(ctx, namespace),
        Some(_) => change.remove(RecordName::Ending(namespace.clone())),
        None => {}
    }
    change
}

/// Gives an install the credentials that were declared before it, and answers its newest live restricted key.
fn bind_credentials(
    ctx: &Context<'_>,
    app: &App,
    account: &AccountId,
    install: InstallId,
    change: &mut Change,
) -> Option<CredentialKey> {
    let mut newest: Option<&Credential> = None;
    for credential in ctx.directory.unbound(&app.id, account, install.livemode()) {
        let bound = Credential { install: Some(install), ..credential.clone() };
        change.put(Record::Credential(Box::new(bound)));
        let is_restricted = matches!(credential.kind, CredentialKind::Restricted { .. });
        if is_restricted
            && credential.is_live(ctx.now)
            && newest.is_none_or(|newest| newest.created_at <= credential.created_at)
        {
            newest = Some(credential);
        }
    }
    newest.map(|credential| credential.key)
}

/// Moves an install to the newest version of its channel and grants all that it asks for (contract 13.3, 13.9, 15.12). Nothing to do: the
/// install as it is, and an empty change.
pub fn authorize_all(ctx: &Context<'_>, by: Actor<'_>, install: &Install) -> (Install, Change) {
    let app = app_of(ctx.directory, install);
    let upload = match install.channel {
        Channel::Public => app.offered(),
        Channel::PrivateLive | Channel::PrivateTest | Channel::Testing => app.newest(),
    };
    move_to(ctx, by, install, upload, upload.manifest.asks.clone())
}

/// Moves an install to the newest version of its channel, `upload`, and grants nothing new (contract 13.9).
pub(super) fn move_install(ctx: &Context<'_>, by: Actor<'_>, install: &Install, upload: &Upload) -> (Install, Change) {
    let granted = standing(ctx.directory, install).granted.intersection(&upload.manifest.asks);
    move_to(ctx, by, install, upload, granted)
}

/// Moves an install to the newest version of its channel and grants exactly `granted` of what that asks for: what the operator decides for
/// the account. Nothing to do: an empty change.
pub fn grant_exactly(ctx: &Context<'_>, by: Actor<'_>, install: &Install, granted: &Asks) -> Change {
    let app = app_of(ctx.directory, install);
    let upload = match install.channel {
        Channel::Public => app.offered(),
        Channel::PrivateLive | Channel::PrivateTest | Channel::Testing => app.newest(),
    };
    move_to(ctx, by, install, upload, granted.intersection(&upload.manifest.asks)).1
}

fn move_to(ctx: &Context<'_>, by: Actor<'_>, install: &Install, upload: &Upload, granted: Asks) -> (Install, Change) {
    let standing = standing(ctx.directory, install);
    if standing.upload.number == upload.number && standing.granted == granted {
        return (install.clone(), Change::default());
    }
    let (carried, mut change) = rollout::carry_install(ctx, install);
    let moved =
        Install { version: upload.number, release: release(standing.app, install.channel), granted, ..carried.clone() };
    let (before, now) = (view(ctx.directory, &carried), view(ctx.directory, &moved));
    let news = News::Updated { before: &before, now: &now };
    change.events.extend(announce(ctx, by.key_account(standing.app, &install.account), standing.app, news));
    change.records.clear();
    change.put(Record::Install(Box::new(moved.clone())));
    (moved, change)
}

/// Ends an install at once (contract 14.3): its grant and codes go, its credentials are worth nothing without it, the developer's
/// connection goes unless the developer itself ends it (contract 13.5), and with the last install of the developer's apps there begins the
/// grace period (contract 14.5) or, without one, the erasure.
pub fn end_install(ctx: &Context<'_>, by: Actor<'_>, install: &Install) -> Change {
    let directory = ctx.directory;
    let (app, account) = (app_of(directory, install), &install.account);
    let (carried, _) = rollout::carry_install(ctx, install);
    let mut change = Change::default();
    change.remove(RecordName::Install(install.id));
    change.append(remember_end(ctx, carried));
    if directory.grant(&install.id).is_some() {
        change.remove(RecordName::Grant(install.id));
    }
    if by != Actor::Developer
        && let Some(connected) = directory.account(account).filter(|found| found.connected_to.contains(&app.owner))
    {
        let mut connected = connected.clone();
        connected.connected_to.remove(&app.owner);
        change.put(Record::Account(connected));
    }
    let mut others = directory.installs_between(&app.owner, account, install.livemode());
    if app.owner != *account && others.all(|other| other.id == install.id) {
        change.append(close_namespace(ctx, Directory::namespace(&app.owner, account, install.livemode())));
    }
    let last = InstallView { uninstalling: true, ..view(directory, install) };
    change.events.extend(announce(ctx, by.key_account(app, account), app, News::Deleted(&last)));
    change.audit.push(AuditEntry {
        at: ctx.now,
        action: "install.uninstalled".to_owned(),
        actor: by.as_str(app, account).to_owned(),
        subject: vec![
            ("install".to_owned(), install.id.to_string()),
            ("app".to_owned(), app.id.as_str().to_owned()),
            ("account".to_owned(), account.as_str().to_owned()),
        ],
    });
    change
}

/// Remembers an install that ends. Of those that ended there before, nobody asks for the grants any more, and the oldest are forgotten.
fn remember_end(ctx: &Context<'_>, install: Install) -> Change {
    let mut change = Change::default();
    let mut before = ctx.directory.ended_at(&install.app, &install.account, install.livemode()).rev();
    if let Some(last) = before.next().filter(|last| last.install.granted != Asks::default()) {
        let without_grants = Install { granted: Asks::default(), ..last.install.clone() };
        change.put(Record::Ended(Box::new(EndedInstall { install: without_grants, ..last.clone() })));
    }
    for surplus in before.skip(ENDED_PER_PLACE_MAX - 2) {
        change.remove(RecordName::Ended(surplus.install.id));
    }
    change.put(Record::Ended(Box::new(EndedInstall { install, ended_at: ctx.now })));
    change
}

/// A namespace has no install any more.
fn close_namespace(ctx: &Context<'_>, namespace: Namespace) -> Change {
    if ctx.grace_seconds <= 0 {
        return destroy_namespace(ctx, &namespace);
    }
    let mut change = Change::default();
    change.put(Record::Ending(Ending { namespace, ended_at: ctx.now, erase_at: ctx.now.plus(ctx.grace_seconds) }));
    change
}

/// Destroys the key of a namespace, with which its secrets are gone (contract 14.6), and ends its grace period. The erasure's `key_id` is
/// for whoever commits the change: only keys know their names.
pub fn destroy_namespace(ctx: &Context<'_>, namespace: &Namespace) -> Change {
    destroy_namespace_after(ctx, ctx.directory.newest_erasure(), namespace).0
}

/// The same behind the erasure `newest`, which the same change may begin; with the id of this one.
pub fn destroy_namespace_after(
    ctx: &Context<'_>,
    newest: Option<ErasureId>,
    namespace: &Namespace,
) -> (Change, ErasureId) {
    let mut change = Change::default();
    let id = ErasureId::draw(ctx.now, newest, ctx.mint.entropy());
    if ctx.directory.ending(namespace).is_some() {
        change.remove(RecordName::Ending(namespace.clone()));
    }
    change.destroyed.push((namespace.clone(), id));
    change.put(Record::Erasure(Box::new(Erasure {
        id,
        target: ErasureTarget::Namespace(namespace.clone()),
        key_id: None,
        started_at: ctx.now,
        receipt: None,
    })));
    (change, id)
}
