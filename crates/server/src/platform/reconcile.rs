//! Brings a directory to what a platform file declares: first a plan, then, step by step, what it says. Running it again changes nothing;
//! what the file does not name stays, unless it is told otherwise.

mod steps;

use std::collections::HashSet;

use cholla_domain::directory::app::{ApiAccess, Asks};
use cholla_domain::directory::credential::{Credential, CredentialKey, CredentialKind};
use cholla_domain::directory::decision::Decision;
use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::directory::state::{Directory, effective};
use cholla_domain::id::{EndpointId, InstallId};
use cholla_domain::operator::lifetime;
use cholla_domain::time::Timestamp;
use serde::Serialize;
use zeroize::Zeroizing;

use steps::{Doing, Drawn};

use super::index::{Index, find_webhook, place_of_endpoint};
use super::{App, Distribution, Install, Key, KeyKind, Platform, Webhook};
use crate::keeper::Batch;
use crate::world::Naming;

/// Who brings a directory to a file at a start, as the audit log names it.
pub(crate) const AT_START: &str = "platform file";

/// How a file is applied.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manner {
    /// Keys and their expiry begin anew: dev mode's start and reset.
    pub(crate) anew: bool,
    /// What the file does not name of the accounts that it declares goes: installs, keys and endpoints.
    pub(crate) prune: bool,
    /// Sessions and OAuth tokens live for as long as the file says, forever where it says nothing: dev mode, where tests declare them.
    pub(crate) dev: bool,
}

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// Something new.
    Create,
    /// Something that is there is changed.
    Update,
    /// Something goes.
    Remove,
}

/// One line of a plan, for people and machines. It shows no key and no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PlanLine {
    /// What is done.
    pub(crate) action: Action,
    /// To what kind of thing.
    pub(crate) kind: &'static str,
    /// To which.
    pub(crate) name: String,
    /// What of it.
    pub(crate) detail: String,
    /// The install that goes, for whoever looks what its end erases.
    #[serde(skip)]
    pub(crate) ends: Option<InstallId>,
}

/// What is to be done, as positions in the file, or ids of what goes.
#[derive(Clone, Debug)]
enum Step {
    Account(usize),
    User(usize, usize),
    App(usize),
    Install(usize),
    /// With the credential that the key stands for, where it is there.
    Key(usize, Option<CredentialKey>),
    Webhook(usize),
    RemoveInstall(InstallId),
    RemoveKey(CredentialKey),
    RemoveWebhook(EndpointId),
}

impl Step {
    fn removed_key(&self) -> Option<CredentialKey> {
        if let Self::RemoveKey(key) = self { Some(*key) } else { None }
    }
}

/// What was done.
#[derive(Default)]
pub(crate) struct Reconciled {
    /// The plan that was carried out.
    pub(crate) plan: Vec<PlanLine>,
    /// The values of the file's keys, in its order: those that it gives, and those that were made now or are always the same.
    pub(crate) keys: Vec<Option<Zeroizing<String>>>,
    /// The other secrets that were drawn now.
    pub(crate) secrets: Vec<DrawnSecret>,
}

/// A secret that the file leaves out and that was drawn now.
pub(crate) struct DrawnSecret {
    /// What it signs for.
    pub(crate) of: SecretOf,
    /// The secret.
    pub(crate) secret: SigningSecret,
}

/// What a secret signs for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretOf {
    /// For the app at that place of the file.
    App(usize),
    /// For the webhook endpoint at that place of the file, which has that id.
    Webhook(usize, EndpointId),
}

impl Reconciled {
    /// Takes note of what a step drew.
    fn note(&mut self, drawn: Option<Drawn>) {
        match drawn {
            Some(Drawn::Key(at, value)) => self.keys[at] = Some(value),
            Some(Drawn::Secret(secret)) => self.secrets.push(secret),
            None => {}
        }
    }
}

/// Why a file does not fit what is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Misfit(pub(crate) String);

/// What would be done.
///
/// # Errors
/// What of the file contradicts what is there and never changes.
pub(crate) fn plan(
    directory: &Directory,
    platform: &Platform,
    naming: &Naming<'_>,
    manner: Manner,
    now: Timestamp,
) -> Result<Vec<PlanLine>, Misfit> {
    let planner = Planner { directory, index: &Index::new(platform, naming), manner, now };
    Ok(planner.steps()?.into_iter().map(|(_, line)| line).collect())
}

/// Does what the plan says, for `by`, as the audit log names whoever asked.
///
/// # Errors
/// As [`plan`]; nothing is changed then.
pub(crate) fn reconcile(
    batch: &mut Batch<'_>,
    platform: &Platform,
    naming: &Naming<'_>,
    manner: Manner,
    by: &str,
) -> Result<Reconciled, Misfit> {
    let index = Index::new(platform, naming);
    let steps = batch.decide(|ctx| {
        let planner = Planner { directory: ctx.directory, index: &index, manner, now: ctx.now };
        Decision::unchanged(planner.steps())
    })?;
    let keys = (0..platform.keys.len()).map(|at| index.value(at)).collect();
    let mut reconciled = Reconciled { plan: Vec::with_capacity(steps.len()), keys, secrets: Vec::new() };
    let doing = Doing { index: &index, manner, by };
    for (step, line) in steps {
        reconciled.note(batch.decide(|ctx| doing.execute(ctx, &step)));
        reconciled.plan.push(line);
    }
    if manner.anew {
        // A start is no news: whoever declares an endpoint hears of what happens from then on.
        batch.forget_events();
    }
    Ok(reconciled)
}

struct Planner<'a> {
    directory: &'a Directory,
    index: &'a Index<'a>,
    manner: Manner,
    now: Timestamp,
}

type Planned = (Step, PlanLine);

fn line(action: Action, kind: &'static str, name: impl Into<String>, detail: impl Into<String>) -> PlanLine {
    PlanLine { action, kind, name: name.into(), detail: detail.into(), ends: None }
}

impl Planner<'_> {
    fn steps(&self) -> Result<Vec<Planned>, Misfit> {
        let mut steps = Vec::new();
        let platform = self.index.platform;
        for (index, account) in platform.accounts.iter().enumerate() {
            self.account(index, account, &mut steps);
        }
        for (index, app) in platform.apps.iter().enumerate() {
            steps.extend(self.app(app)?.map(|line| (Step::App(index), line)));
        }
        for (index, install) in platform.installs.iter().enumerate() {
            steps.extend(self.install(install).map(|line| (Step::Install(index), line)));
        }
        let likes = self.index.likes(self.directory, self.now);
        let keys = platform.keys.iter().zip(self.index.hashes().iter().zip(&likes)).enumerate();
        for (index, (key, (hash, like))) in keys {
            let found = hash.map_or(*like, |hash| self.directory.credential(&hash));
            let there = found.map(|found| found.key);
            steps.extend(self.key(key, found).map(|line| (Step::Key(index, there), line)));
        }
        self.succeed(&likes, &mut steps);
        for (index, webhook) in platform.webhooks.iter().enumerate() {
            steps.extend(self.webhook(webhook).map(|line| (Step::Webhook(index), line)));
        }
        if self.manner.prune {
            self.prune(&likes, &mut steps);
        }
        Ok(steps)
    }

    fn account(&self, index: usize, account: &super::Account, steps: &mut Vec<Planned>) {
        let name = account.id.as_str();
        match self.directory.account(&account.id) {
            None => steps.push((Step::Account(index), line(Action::Create, "account", name, ""))),
            Some(found) => {
                let connected = account.connected_to.iter().cloned().collect();
                if found.name != account.name || found.connected_to != connected || found.made_up {
                    steps.push((Step::Account(index), line(Action::Update, "account", name, "name or connections")));
                }
            }
        }
        for (at, user) in account.users.iter().enumerate() {
            if self.directory.user(&account.id, user).is_none() {
                let detail = format!("of {name}");
                steps.push((Step::User(index, at), line(Action::Create, "user", user.as_str(), detail)));
            }
        }
    }

    fn app(&self, app: &App) -> Result<Option<PlanLine>, Misfit> {
        let name = app.id.as_str();
        let published =
            self.directory.apps_of(&app.owner).find(|other| other.published().is_some() && other.id != app.id);
        if let (Distribution::Public, Some(published)) = (app.distribution, published) {
            let (owner, published) = (&app.owner, published.id.as_str());
            return Err(Misfit(format!("`{owner}` publishes `{published}` already; make `{name}` private")));
        }
        let Some(found) = self.directory.app(&app.id) else {
            self.check_ids(app)?;
            let detail = format!("version {}, {}", app.version, app.distribution.as_str());
            return Ok(Some(line(Action::Create, "app", name, detail)));
        };
        if found.owner != app.owner {
            let owner = &found.owner;
            return Err(Misfit(format!("`{name}` belongs to `{owner}`, which never changes; name that owner")));
        }
        let differs =
            app.app_id.is_some_and(|id| id != found.public_id) || app.client_id.is_some_and(|id| id != found.client_id);
        if differs {
            return Err(Misfit(format!(
                "the `app_id` and `client_id` of `{name}` never change; remove them from the file"
            )));
        }
        if app.distribution == Distribution::Private && found.published().is_some() {
            return Err(Misfit(format!("`{name}` is published, which cannot be taken back; make it `public`")));
        }
        let mut details = Vec::new();
        if self.index.manifest(&app.id) != Some(&found.newest().manifest) {
            details.push(format!("upload version {}", app.version));
        }
        let released = found.published().is_some_and(|upload| upload.number == found.newest().number);
        if app.distribution == Distribution::Public && (!released || !details.is_empty()) {
            details.push("publish".to_owned());
        }
        let secret = self.index.naming.signing_secret(app);
        if secret.is_some_and(|secret| secret != found.signing_secret.current) {
            details.push("signing secret".to_owned());
        }
        Ok((!details.is_empty()).then(|| line(Action::Update, "app", name, details.join(", "))))
    }

    /// The ids of a new app are nobody's yet: each would be taken for the other (contract 11.3).
    fn check_ids(&self, app: &App) -> Result<(), Misfit> {
        let directory = self.directory;
        let by_app_id = app.app_id.and_then(|id| directory.app_of_public_id(&id));
        let by_client_id = app.client_id.and_then(|id| directory.app_of_client(&id));
        match [("app_id", by_app_id), ("client_id", by_client_id)]
            .into_iter()
            .find_map(|(key, taken)| Some((key, taken?)))
        {
            Some((key, other)) => {
                let (name, other) = (app.id.as_str(), other.id.as_str());
                Err(Misfit(format!("the `{key}` of `{name}` is one of `{other}`; give it another")))
            }
            None => Ok(()),
        }
    }

    fn install(&self, install: &Install) -> Option<PlanLine> {
        let (app, account, mode) = (install.app.as_str(), install.account.as_str(), install.livemode.as_str());
        let name = format!("{app} on {account} ({mode})");
        let declared = self.index.manifest(&install.app)?;
        let Some(found) = self.directory.install_of(&install.app, &install.account, install.livemode) else {
            return Some(line(Action::Create, "install", name, ""));
        };
        let standing = self.directory.standing(found)?;
        let is_current = standing.upload.manifest == *declared;
        let wanted = granted(&declared.asks, &install.granted);
        let differs = !is_current || standing.granted != wanted;
        differs.then(|| line(Action::Update, "install", name, "version or grants"))
    }

    fn key(&self, key: &Key, found: Option<&Credential>) -> Option<PlanLine> {
        let name = key_name(key);
        match found {
            None => Some(line(Action::Create, "key", name, "")),
            // What was revoked stays so: a file that still names it brings it back at a start of dev mode only.
            Some(found) if found.revoked_at.is_some() && !self.manner.anew => None,
            Some(found) => {
                let same = found.kind == credential_kind(key, "")
                    || matches!(found.kind, CredentialKind::Publishable { .. }) && key.kind == KeyKind::Publishable;
                let is_same = same
                    && found.account == key.account
                    && found.livemode == key.livemode
                    && found.permissions == key_permissions(key)
                    && (self.manner.dev || found.expires_at.is_some() || lifetime(&found.kind, None).is_none());
                let renews = self.manner.anew;
                (renews || !is_same).then(|| line(Action::Update, "key", name, ""))
            }
        }
    }

    fn webhook(&self, webhook: &Webhook) -> Option<PlanLine> {
        let name = format!("{} of {} ({})", webhook.url, webhook.account, webhook.livemode.as_str());
        match find_webhook(self.directory, webhook) {
            None => Some(line(Action::Create, "webhook", name, "")),
            Some(found) => {
                let secret = self.index.naming.webhook_secret(webhook);
                let differs =
                    found.events != webhook.events || secret.is_some_and(|secret| secret != found.secret.current);
                differs.then(|| line(Action::Update, "webhook", name, "events or secret"))
            }
        }
    }

    /// What the file does not name of the accounts that it declares.
    fn prune(&self, likes: &[Option<&Credential>], steps: &mut Vec<Planned>) {
        let platform = self.index.platform;
        let accounts: HashSet<_> = platform.accounts.iter().map(|account| &account.id).collect();
        let installs = self.index.installs();
        for account in &platform.accounts {
            for (_, _, id) in self.directory.installs_on(&account.id) {
                let Some(install) = self.directory.install(id) else { continue };
                if !installs.contains(&(&install.app, &install.account, id.livemode())) {
                    let name = format!("{} on {} ({})", install.app.as_str(), account.id, id.livemode().as_str());
                    let removal = PlanLine { ends: Some(*id), ..line(Action::Remove, "install", name, "") };
                    steps.push((Step::RemoveInstall(*id), removal));
                }
            }
        }
        let named = self.named(likes);
        let removed: HashSet<_> = steps.iter().filter_map(|(step, _)| step.removed_key()).collect();
        for credential in platform.accounts.iter().flat_map(|account| self.directory.credentials_of(&account.id)) {
            let is_made_by_others = self.is_made_by_others(credential);
            let stays = named.contains(&credential.key) || removed.contains(&credential.key);
            if !stays && credential.is_live(self.now) && !is_made_by_others {
                let detail = format!("{} key of {}", credential.kind.as_str(), credential.account);
                let name = credential.key.to_string();
                steps.push((Step::RemoveKey(credential.key), line(Action::Remove, "key", name, detail)));
            }
        }
        let webhooks = self.index.webhooks();
        for endpoint in self.directory.endpoints() {
            let is_named = webhooks.contains(&place_of_endpoint(endpoint));
            if endpoint.account.as_ref().is_some_and(|account| accounts.contains(account)) && !is_named {
                let name = endpoint.url.clone();
                steps.push((Step::RemoveWebhook(endpoint.id), line(Action::Remove, "webhook", name, "")));
            }
        }
    }
}

impl Planner<'_> {
    /// The keys that the file stands for and that are known before it is applied.
    fn named(&self, likes: &[Option<&Credential>]) -> HashSet<CredentialKey> {
        let hashes = self.index.hashes().iter().flatten().copied();
        hashes.chain(likes.iter().flatten().map(|found| found.key)).collect()
    }

    /// An install has one restricted key (contract 16.2): where the file makes it, those that were issued before go.
    fn succeed(&self, likes: &[Option<&Credential>], steps: &mut Vec<Planned>) {
        let mut seen = HashSet::new();
        let made = steps.iter().filter_map(|(step, _)| match step {
            Step::Key(at, _) => Some(&self.index.platform.keys[*at]),
            _ => None,
        });
        let installs: Vec<_> = made
            .filter_map(|key| match &key.kind {
                KeyKind::Restricted { app } => self.directory.install_of(app, &key.account, key.livemode),
                _ => None,
            })
            .filter(|install| self.directory.access_of(install) == Some(ApiAccess::RestrictedApiKey))
            .filter(|install| seen.insert(install.id))
            .collect();
        if self.manner.anew || installs.is_empty() {
            return;
        }
        let named = self.named(likes);
        for install in installs {
            for old in self.directory.credentials_of(&install.account) {
                let is_own = old.install == Some(install.id) && matches!(old.kind, CredentialKind::Restricted { .. });
                if is_own && old.is_live(self.now) && !named.contains(&old.key) {
                    let detail = format!("restricted key of {}; the file declares the install's own", old.account);
                    let line = line(Action::Remove, "key", old.key.to_string(), detail);
                    steps.push((Step::RemoveKey(old.key), line));
                }
            }
        }
    }

    /// Whether a file cannot be expected to name it: OAuth and sessions make their own, and so does whoever issues an install's restricted
    /// key (contract 16.1), the old ones included that live on for an overlap.
    fn is_made_by_others(&self, credential: &Credential) -> bool {
        match credential.kind {
            CredentialKind::OAuth { .. } | CredentialKind::Embedded { .. } => true,
            CredentialKind::Restricted { .. } => {
                let install = credential.install.and_then(|id| self.directory.install(&id));
                install.is_some_and(|install| {
                    let is_issued = self.directory.access_of(install) == Some(ApiAccess::RestrictedApiKey);
                    is_issued && (install.restricted_key == Some(credential.key) || credential.revoked_at.is_some())
                })
            }
            _ => false,
        }
    }
}

/// What an account grants of what an app asks for: the permissions that are named, and all of the rest.
fn granted(asks: &Asks, permissions: &[String]) -> Asks {
    Asks { permissions: permissions.iter().cloned().collect(), ..asks.clone() }.intersection(asks)
}

fn key_name(key: &Key) -> String {
    let app = key.kind.app().map(|app| format!(" for {}", app.as_str())).unwrap_or_default();
    format!("{} key of {}{app} ({})", key.kind.as_str(), key.account, key.livemode.as_str())
}

fn credential_kind(key: &Key, value: &str) -> CredentialKind {
    match &key.kind {
        KeyKind::Secret => CredentialKind::Secret,
        KeyKind::AccountRestricted(rights) => CredentialKind::AccountRestricted(*rights),
        KeyKind::Restricted { app } => CredentialKind::Restricted { app: app.clone() },
        KeyKind::OAuth { app } => CredentialKind::OAuth { app: app.clone() },
        KeyKind::Embedded { app, user } => CredentialKind::Embedded { app: app.clone(), user: user.clone() },
        KeyKind::Publishable => CredentialKind::Publishable { value: value.to_owned() },
    }
}

fn key_permissions(key: &Key) -> Option<cholla_domain::principal::Permissions> {
    key.permissions.as_ref().map(|names| effective(&names.iter().cloned().collect()))
}

/// The secret that a webhook endpoint has now.
pub(crate) fn webhook_secret(directory: &Directory, webhook: &Webhook) -> Option<SigningSecret> {
    find_webhook(directory, webhook).map(|endpoint| endpoint.secret.current.clone())
}

#[cfg(test)]
mod tests;
