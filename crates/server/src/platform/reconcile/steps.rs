//! The steps of a plan, done one by one, each with its entry in the audit log.

use std::collections::{BTreeMap, BTreeSet};

use cholla_domain::directory::account::{Account as StoredAccount, User};
use cholla_domain::directory::app::{App as StoredApp, Upload};
use cholla_domain::directory::change::{AuditEntry, Change, RecordChange};
use cholla_domain::directory::credential::{Credential, CredentialKey};
use cholla_domain::directory::decision::{Context, Decision};
use cholla_domain::directory::endpoint::Endpoint;
use cholla_domain::directory::install::Install as StoredInstall;
use cholla_domain::directory::record::{Record, RecordName};
use cholla_domain::directory::secret::{RollableSecret, SigningSecret};
use cholla_domain::id::{AccountId, AppPublicId, ClientId, EndpointId};
use cholla_domain::installs::{Actor, NewInstall, begin_install, end_install, grant_exactly, install_entry};
use cholla_domain::operator::{credential_entry, endpoint_entry, lifetime, shown_tail};
use zeroize::Zeroizing;

use super::super::index::{Index, find_webhook};
use super::super::{Account, App, Distribution, Install, Key, KeyKind, Webhook};
use super::{DrawnSecret, Manner, SecretOf, Step, credential_kind, granted, key_permissions};
use crate::world::Naming;

/// What a step drew.
pub(super) enum Drawn {
    /// The value of the key at that place of the file.
    Key(usize, Zeroizing<String>),
    /// Another secret.
    Secret(DrawnSecret),
}

/// How steps are done, and for whom.
pub(super) struct Doing<'a> {
    pub(super) index: &'a Index<'a>,
    pub(super) manner: Manner,
    /// Who asked, as the audit log names them.
    pub(super) by: &'a str,
}

impl Doing<'_> {
    /// Does one step. What it drew is answered, this once.
    pub(super) fn execute(&self, ctx: &Context<'_>, step: &Step) -> Decision<Option<Drawn>> {
        let (platform, naming) = (self.index.platform, self.index.naming);
        let mut drawn = None;
        let mut change = Change::default();
        match step {
            Step::Account(at) => put_account(ctx, &platform.accounts[*at], &mut change),
            Step::User(of, at) => {
                let account = &platform.accounts[*of];
                let user = User { account: account.id.clone(), id: account.users[*at].clone(), added_at: ctx.now };
                change.put(Record::User(user));
            }
            Step::App(at) => {
                let secret = put_app(ctx, &platform.apps[*at], naming, &mut change);
                drawn = secret.map(|secret| Drawn::Secret(DrawnSecret { of: SecretOf::App(*at), secret }));
            }
            Step::Install(at) => change = self.put_install(ctx, &platform.installs[*at]),
            Step::Key(at, found) => {
                let key = &platform.keys[*at];
                match (self.index.value(*at), found.and_then(|found| ctx.directory.credential(&found))) {
                    // Its value was drawn at an earlier start, and nobody here knows it any more: it stays.
                    (None, Some(found)) => put_key(ctx, key, self.manner, found.clone(), &mut change),
                    (known, _) => {
                        let value = make_key(ctx, key, self.manner, (naming, known), &mut change);
                        drawn = value.map(|value| Drawn::Key(*at, value));
                    }
                }
            }
            Step::Webhook(at) => {
                let secret = put_webhook(ctx, &platform.webhooks[*at], naming, &mut change);
                drawn =
                    secret.map(|(id, secret)| Drawn::Secret(DrawnSecret { of: SecretOf::Webhook(*at, id), secret }));
            }
            Step::RemoveInstall(id) => {
                if let Some(install) = ctx.directory.install(id) {
                    change = end_install(ctx, Actor::Operator(self.by), install);
                }
            }
            Step::RemoveKey(key) => {
                if let Some(credential) = ctx.directory.credential(key) {
                    let revoked = Credential { revoked_at: Some(ctx.now), ..credential.clone() };
                    change.put(Record::Credential(Box::new(revoked)));
                }
            }
            Step::RemoveWebhook(id) => change.remove(RecordName::Endpoint(*id)),
        }
        let told = self.entry(ctx, step, &change);
        change.audit.extend(told);
        Decision { change, outcome: drawn }
    }

    /// What the audit log is told of a step, beside what the end of an install tells by itself. A start of dev mode is no news: it writes
    /// every key anew.
    fn entry(&self, ctx: &Context<'_>, step: &Step, change: &Change) -> Option<AuditEntry> {
        if self.manner.anew {
            return None;
        }
        let platform = self.index.platform;
        match step {
            Step::RemoveInstall(_) => None,
            Step::Account(at) => {
                let Account { id, connected_to, .. } = &platform.accounts[*at];
                let found = ctx.directory.account(id);
                let action = named(found.is_some(), "account.changed", "account.created");
                let before = found.map(|found| found.connected_to.clone()).unwrap_or_default();
                let now = connected_to.iter().cloned().collect();
                let ids = |these: &BTreeSet<AccountId>, those| {
                    these.difference(those).map(AccountId::as_str).collect::<Vec<_>>().join(" ")
                };
                let (connected, disconnected) = (ids(&now, &before), ids(&before, &now));
                let mut told = self.told(
                    ctx,
                    action,
                    [("account", id.as_str()), ("connected", &*connected), ("disconnected", &*disconnected)],
                );
                told.subject.retain(|(_, ids)| !ids.is_empty());
                Some(told)
            }
            Step::User(of, _) => Some(self.told(ctx, "user.added", [("account", platform.accounts[*of].id.as_str())])),
            Step::App(at) => {
                let App { id, owner, .. } = &platform.apps[*at];
                let action = named(ctx.directory.app(id).is_some(), "app.changed", "app.created");
                Some(self.told(ctx, action, [("app", id.as_str()), ("account", owner.as_str())]))
            }
            Step::Install(_) | Step::Key(..) | Step::RemoveKey(_) | Step::Webhook(_) => {
                puts(change).find_map(|record| self.entry_of(ctx, step, record))
            }
            Step::RemoveWebhook(id) => {
                let endpoint = ctx.directory.endpoint(id)?;
                Some(endpoint_entry(ctx, self.by, "webhook.deleted", endpoint))
            }
        }
    }

    /// The same of a step by the record that it is about; others may change beside that one.
    fn entry_of(&self, ctx: &Context<'_>, step: &Step, record: &Record) -> Option<AuditEntry> {
        match (step, record) {
            (Step::Install(_), Record::Install(install)) => {
                let is_there = ctx.directory.install(&install.id).is_some();
                let action = named(is_there, "install.permissions_changed", "install.created");
                Some(install_entry(ctx, self.by, action, install))
            }
            (Step::RemoveKey(_), Record::Credential(own)) => Some(credential_entry(ctx, self.by, "key.revoked", own)),
            (Step::Key(..), Record::Credential(own)) => {
                let action = named(ctx.directory.credential(&own.key).is_some(), "key.changed", "key.created");
                Some(credential_entry(ctx, self.by, action, own))
            }
            (Step::Webhook(_), Record::Endpoint(own)) => {
                let action = named(ctx.directory.endpoint(&own.id).is_some(), "webhook.changed", "webhook.created");
                Some(endpoint_entry(ctx, self.by, action, own))
            }
            _ => None,
        }
    }

    fn told<const N: usize>(&self, ctx: &Context<'_>, action: &str, subject: [(&str, &str); N]) -> AuditEntry {
        AuditEntry {
            at: ctx.now,
            action: action.to_owned(),
            actor: self.by.to_owned(),
            subject: subject.map(|(word, id)| (word.to_owned(), id.to_owned())).to_vec(),
        }
    }

    fn put_install(&self, ctx: &Context<'_>, install: &Install) -> Change {
        let (index, actor) = (self.index, Actor::Operator(self.by));
        let Some(app) = ctx.directory.app(&install.app) else { return Change::default() };
        let found: Option<&StoredInstall> = ctx.directory.install_of(&install.app, &install.account, install.livemode);
        let wanted = index.asks(&install.app).map(|asks| granted(asks, &install.granted)).unwrap_or_default();
        if let Some(found) = found {
            return grant_exactly(ctx, actor, found, &wanted);
        }
        let id = index
            .naming
            .install(install)
            .filter(|id| ctx.directory.install(id).is_none() && ctx.directory.ended(id).is_none());
        let new = NewInstall { granted: wanted, id, ..NewInstall::offered(app, &install.account, install.livemode) };
        begin_install(ctx, actor, new).1
    }
}

/// What is done to something, by whether it is there.
fn named(is_there: bool, changed: &'static str, created: &'static str) -> &'static str {
    if is_there { changed } else { created }
}

/// The records that a change puts.
fn puts(change: &Change) -> impl Iterator<Item = &Record> {
    change.records.iter().filter_map(|record| match record {
        RecordChange::Put(record) => Some(record),
        RecordChange::Remove(_) => None,
    })
}

fn put_account(ctx: &Context<'_>, account: &Account, change: &mut Change) {
    let created_at = ctx.directory.account(&account.id).map_or(ctx.now, |found| found.created_at);
    change.put(Record::Account(StoredAccount {
        id: account.id.clone(),
        name: account.name.clone(),
        connected_to: account.connected_to.iter().cloned().collect(),
        made_up: false,
        created_at,
    }));
}

/// An app as the file says. A signing secret that was drawn now is answered.
fn put_app(ctx: &Context<'_>, app: &App, naming: &Naming<'_>, change: &mut Change) -> Option<SigningSecret> {
    let manifest = app.manifest();
    let mut drawn = None;
    let mut stored = ctx.directory.app(&app.id).cloned().unwrap_or_else(|| {
        let secret =
            naming.signing_secret(app).unwrap_or_else(|| drawn.insert(naming.draw_secret(ctx, "absec_")).clone());
        StoredApp {
            id: app.id.clone(),
            public_id: app
                .app_id
                .or_else(|| naming.app_public_id(&app.id))
                .unwrap_or_else(|| AppPublicId::draw(ctx.mint.entropy())),
            client_id: app
                .client_id
                .or_else(|| naming.client_id(&app.id))
                .unwrap_or_else(|| ClientId::draw(ctx.mint.entropy())),
            owner: app.owner.clone(),
            uploads: BTreeMap::new(),
            releases: BTreeMap::new(),
            signing_secret: RollableSecret::new(secret),
            made_up: false,
            created_at: ctx.now,
        }
    });
    let newest = stored.uploads.values().next_back();
    if newest.is_none_or(|newest| newest.manifest != manifest) {
        let number = newest.map_or(1, |newest| newest.number + 1);
        stored.uploads.insert(number, Upload { number, manifest, uploaded_at: ctx.now });
    }
    let newest = stored.newest().number;
    if app.distribution == Distribution::Public && stored.published().is_none_or(|upload| upload.number != newest) {
        stored.releases.insert(stored.release() + 1, newest);
    }
    if let Some(secret) = naming.signing_secret(app).filter(|secret| *secret != stored.signing_secret.current) {
        stored.signing_secret = RollableSecret::new(secret);
    }
    change.put(Record::App(Box::new(stored)));
    drawn
}

/// A key whose value is known, or drawn and answered now.
fn make_key(
    ctx: &Context<'_>,
    key: &Key,
    manner: Manner,
    (naming, known): (&Naming<'_>, Option<Zeroizing<String>>),
    change: &mut Change,
) -> Option<Zeroizing<String>> {
    let prefix = format!("{}_{}_", key.kind.prefix(), key.livemode.as_str());
    let (value, drawn) = if let Some(value) = known {
        (value, None)
    } else {
        let drawn = naming.draw(ctx, &prefix);
        (drawn.clone(), Some(drawn))
    };
    let found = CredentialKey::of(&ctx.mint.hash(value.as_bytes()));
    let kind = credential_kind(key, &value);
    let made = Credential {
        key: found,
        tail: shown_tail(&kind, key.livemode, &value),
        kind,
        account: key.account.clone(),
        livemode: key.livemode,
        permissions: None,
        install: None,
        created_at: ctx.directory.credential(&found).map_or(ctx.now, |found| found.created_at),
        expires_at: None,
        revoked_at: None,
    };
    put_key(ctx, key, manner, made, change);
    drawn
}

/// A credential as its key in the file says.
fn put_key(ctx: &Context<'_>, key: &Key, manner: Manner, credential: Credential, change: &mut Change) {
    let found = credential.key;
    let install = key.kind.app().and_then(|app| ctx.directory.install_of(app, &key.account, key.livemode));
    let counted_from = if manner.anew { ctx.now } else { credential.created_at };
    let asked = key.expires_in_seconds;
    let lives_for = if manner.dev { asked } else { lifetime(&credential.kind, asked) };
    change.put(Record::Credential(Box::new(Credential {
        permissions: key_permissions(key),
        install: install.map(|install| install.id),
        expires_at: lives_for.map(|seconds| counted_from.plus(seconds)),
        revoked_at: None,
        ..credential
    })));
    if let (KeyKind::Restricted { .. }, Some(install)) = (&key.kind, install) {
        let install = StoredInstall { restricted_key: Some(found), ..install.clone() };
        change.put(Record::Install(Box::new(install)));
    }
}

/// An endpoint as the file says. A secret that was drawn now is answered, with the endpoint's id.
fn put_webhook(
    ctx: &Context<'_>,
    webhook: &Webhook,
    naming: &Naming<'_>,
    change: &mut Change,
) -> Option<(EndpointId, SigningSecret)> {
    let found = find_webhook(ctx.directory, webhook);
    let id = found.map_or_else(|| EndpointId::draw(ctx.mint.entropy()), |found| found.id);
    let (named, kept) = (naming.webhook_secret(webhook), found.map(|found| found.secret.clone()));
    let mut drawn = None;
    let secret = match (named, kept) {
        (Some(secret), Some(kept)) if kept.current == secret => kept,
        (Some(secret), _) => RollableSecret::new(secret),
        (None, Some(kept)) => kept,
        (None, None) => RollableSecret::new(drawn.insert(naming.draw_secret(ctx, "whsec_")).clone()),
    };
    change.put(Record::Endpoint(Box::new(Endpoint {
        id,
        account: Some(webhook.account.clone()),
        livemode: webhook.livemode,
        url: webhook.url.clone(),
        connect: webhook.connect,
        events: webhook.events.clone(),
        secret,
        created_at: found.map_or(ctx.now, |found| found.created_at),
    })));
    drawn.map(|secret| (id, secret))
}
