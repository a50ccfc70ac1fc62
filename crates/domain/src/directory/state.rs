//! The directory in memory: every record, and the ways to find one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::account::{Account, User};
use super::app::{ApiAccess, App, Asks, Upload};
use super::change::RecordChange;
use super::credential::{Credential, CredentialKey};
use super::endpoint::Endpoint;
use super::grant::Grant;
use super::install::{Install, InstallView};
use super::record::{Record, RecordName};
use crate::id::{AccountId, AppId, AppPublicId, ClientId, EndpointId, InstallId, UserId};
use crate::livemode::Livemode;
use crate::principal::{Permission, Permissions};
use crate::time::Timestamp;
use ended::EndedInstalls;
use endings::Endings;
use erasures::Erasures;
use kept::KeptResults;
use listed::{InstallLists, Kind};

mod credentials;
mod ended;
mod endings;
mod erasures;
mod kept;
mod keyed_already;
mod listed;
mod loaded;
mod lookup;

pub use credentials::Credentials;
pub use kept::KeptTotal;
pub use listed::Wanted;
pub use loaded::{Loaded, LoadedOthers};

/// The place of an install in lists: when it was created, then which was later.
pub type InstallOrder = (Timestamp, u64, InstallId);

/// Where an app is, or could be, installed.
type Place = (AppId, AccountId, Livemode);

/// Everything a server knows beside the secrets. Changed in place, by committed changes only.
#[derive(Default)]
pub struct Directory {
    accounts: HashMap<AccountId, Account>,
    users: HashMap<AccountId, BTreeMap<UserId, User>>,
    apps: HashMap<AppId, App>,
    apps_by_public_id: HashMap<AppPublicId, AppId>,
    apps_by_client_id: HashMap<ClientId, AppId>,
    apps_by_owner: HashMap<AccountId, BTreeSet<AppId>>,
    installs: HashMap<InstallId, InstallEntry>,
    listed: InstallLists,
    /// Per app: the public installs that a release has reached and that have not been carried to it.
    behind: HashMap<AppId, BTreeSet<InstallOrder>>,
    /// Per developer and account, the test mode first: the installs of the developer's apps there.
    relations: HashMap<AccountId, HashMap<AccountId, [Relation; 2]>>,
    ended: EndedInstalls,
    credentials: Credentials,
    grants: HashMap<InstallId, Grant>,
    /// Unused and used codes, and the beginnings of refresh tokens.
    tokens: HashMap<CredentialKey, InstallId>,
    endpoints: BTreeMap<EndpointId, Endpoint>,
    /// Per account: its endpoints in both modes.
    endpoints_by_account: HashMap<AccountId, BTreeSet<EndpointId>>,
    operator_endpoints: BTreeSet<EndpointId>,
    endings: Endings,
    erasures: Erasures,
    kept: KeptResults,
    sequence: u64,
}

/// An install with what each request needs of it at hand.
#[derive(Debug)]
struct InstallEntry {
    permissions: Permissions,
    /// The owner of its app; `None` while that is not there.
    owner: Option<AccountId>,
    /// Whether the account has something to approve (contract 13.7).
    is_pending: bool,
    /// Apart, so that what requests look at lies close together.
    install: Box<Install>,
}

/// The installs of one developer's apps on one account in one mode.
#[derive(Debug, Default)]
struct Relation {
    installs: Vec<InstallId>,
    /// What those count for that open the account to the developer's secret key (contract 14.2): the union of their permissions.
    reach: Option<Permissions>,
}

/// Where an install stands now (contract 13.7): a public one follows the releases of its app.
#[derive(Debug)]
pub struct Standing<'a> {
    /// The app.
    pub app: &'a App,
    /// The version.
    pub upload: &'a Upload,
    /// What is granted of what that version asks for.
    pub granted: Asks,
    /// What it asks for and is not granted.
    pub pending: Asks,
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Directory")
    }
}

fn mode(livemode: Livemode) -> usize {
    usize::from(livemode.is_live())
}

fn order(install: &Install) -> InstallOrder {
    (install.created_at, install.sequence, install.id)
}

/// Notes whether a release has reached an install that has not been carried to it. Nothing empty is left.
fn set_behind(behind: &mut HashMap<AppId, BTreeSet<InstallOrder>>, install: &Install, is_behind: bool) {
    let place = order(install);
    if is_behind {
        behind.entry(install.app.clone()).or_default().insert(place);
    } else if let Some(installs) = behind.get_mut(&install.app) {
        installs.remove(&place);
        if installs.is_empty() {
            behind.remove(&install.app);
        }
    }
}

impl InstallEntry {
    /// Where lists have it.
    fn listed(&self) -> (Kind, InstallOrder) {
        let install = &self.install;
        let kind = Kind { livemode: install.livemode(), channel: install.channel, is_pending: self.is_pending };
        (kind, order(install))
    }
}

/// The permissions that have an effect on secrets, out of all that are granted (contract 12.9).
pub fn effective(granted: &BTreeSet<String>) -> Permissions {
    let known = |name: &String| match name.as_str() {
        "secret_write" => Some(Permission::SecretWrite),
        "secret_read" => Some(Permission::SecretRead),
        _ => None,
    };
    granted.iter().filter_map(known).collect()
}

impl Directory {
    /// The directory of all records that were loaded. The credentials are asked for at the end, so that they can be sorted in meanwhile.
    pub fn of(parts: Vec<LoadedOthers>, credentials: impl FnOnce() -> Credentials) -> Self {
        let mut directory = Self::default();
        directory.installs.reserve(parts.iter().map(|part| part.installs).sum());
        let (named, naming): (Vec<_>, Vec<_>) = parts.into_iter().map(|part| (part.named, part.naming)).unzip();
        // Whoever names an account or an app finds it there, and shares its id.
        for record in named.into_iter().chain(naming).flatten() {
            directory.put(record);
        }
        directory.credentials = credentials();
        directory
    }

    /// Applies one step of a committed change, or a record that was loaded. Of records that were loaded in no order the result is the same
    /// once all of them are there.
    pub fn apply(&mut self, change: RecordChange) {
        match change {
            RecordChange::Put(record) => self.put(record),
            RecordChange::Remove(name) => self.remove(&name),
        }
    }

    fn put(&mut self, record: Record) {
        match record {
            Record::Account(account) => {
                // The id under which it is known stays the one that others share.
                self.accounts.insert(account.id.clone(), account);
            }
            Record::User(user) => {
                self.users.entry(user.account.clone()).or_default().insert(user.id.clone(), user);
            }
            Record::App(app) => self.put_app(*app),
            Record::Install(install) => self.put_install(install),
            Record::Ended(mut ended) => {
                self.share_account(&mut ended.install.account);
                self.share_app(&mut ended.install.app);
                self.sequence = self.sequence.max(ended.install.sequence);
                self.ended.put(*ended);
            }
            Record::Credential(credential) => self.put_credential(credential),
            Record::Grant(grant) => self.put_grant(*grant),
            Record::Endpoint(endpoint) => self.put_endpoint(*endpoint),
            Record::Ending(ending) => self.endings.put(ending),
            Record::Erasure(erasure) => self.erasures.put(*erasure),
            Record::Kept(mut kept) => {
                self.share_account(&mut kept.account);
                self.kept.put(*kept);
            }
        }
    }

    fn remove(&mut self, name: &RecordName) {
        match name {
            RecordName::Account(id) => {
                self.accounts.remove(id);
            }
            RecordName::User(account, user) => {
                if let Some(users) = self.users.get_mut(account) {
                    users.remove(user);
                    if users.is_empty() {
                        self.users.remove(account);
                    }
                }
            }
            RecordName::App(id) => {
                self.remove_app(id);
                for (_, _, install) in self.listed.of_app(id) {
                    if let Some(entry) = self.installs.get_mut(install) {
                        entry.owner = None;
                    }
                }
            }
            RecordName::Install(id) => self.remove_install(id),
            RecordName::Ended(id) => self.ended.remove(id),
            RecordName::Credential(key) => self.credentials.remove(key),
            RecordName::Grant(install) => self.remove_grant(install),
            RecordName::Endpoint(id) => self.remove_endpoint(id),
            RecordName::Ending(namespace) => self.endings.remove(namespace),
            RecordName::Erasure(id) => self.erasures.remove(id),
            RecordName::Kept(key) => self.kept.remove(key),
        }
    }

    fn put_app(&mut self, app: App) {
        let id = app.id.clone();
        let moves_installs = self.apps.get(&id).is_none_or(|before| app.moves_installs(before));
        self.remove_app(&id);
        self.apps_by_public_id.insert(app.public_id, id.clone());
        self.apps_by_client_id.insert(app.client_id, id.clone());
        self.apps_by_owner.entry(app.owner.clone()).or_default().insert(id.clone());
        self.apps.insert(id.clone(), app);
        if !moves_installs {
            return;
        }
        let installs: Vec<_> = self.listed.of_app(&id).map(|order| order.2).collect();
        for install in installs {
            self.refresh_install(&install);
        }
    }

    fn remove_app(&mut self, id: &AppId) {
        if let Some(app) = self.apps.remove(id) {
            self.apps_by_public_id.remove(&app.public_id);
            self.apps_by_client_id.remove(&app.client_id);
            if let Some(own) = self.apps_by_owner.get_mut(&app.owner) {
                own.remove(id);
                if own.is_empty() {
                    self.apps_by_owner.remove(&app.owner);
                }
            }
        }
    }

    fn put_install(&mut self, mut install: Box<Install>) {
        self.remove_install(&install.id);
        self.share_account(&mut install.account);
        self.share_app(&mut install.app);
        self.sequence = self.sequence.max(install.sequence);
        let id = install.id;
        let entry = InstallEntry { permissions: Permissions::default(), owner: None, is_pending: false, install };
        self.listed.insert(&entry.install.app, &entry.install.account, entry.listed());
        self.installs.insert(id, entry);
        self.refresh_install(&id);
    }

    fn remove_install(&mut self, id: &InstallId) {
        let Some(entry) = self.installs.remove(id) else { return };
        self.listed.remove(&entry.install.app, &entry.install.account, &entry.listed());
        let install = entry.install;
        set_behind(&mut self.behind, &install, false);
        if let Some(owner) = self.apps.get(&install.app).map(|app| app.owner.clone()) {
            self.refresh_relation(&owner, &install.account, install.livemode(), |installs| {
                installs.retain(|own| own != id);
            });
        }
    }

    /// Looks anew at what an install counts for: it or its app has changed.
    fn refresh_install(&mut self, id: &InstallId) {
        let Some(entry) = self.installs.get(id) else { return };
        let Some(standing) = self.standing(&entry.install) else { return };
        let (permissions, owner) = (effective(&standing.granted.permissions), standing.app.owner.clone());
        let (is_pending, is_behind) = (!standing.pending.is_empty(), entry.install.is_behind(standing.app));
        let Some(entry) = self.installs.get_mut(id) else { return };
        set_behind(&mut self.behind, &entry.install, is_behind);
        if entry.is_pending != is_pending {
            self.listed.remove(&entry.install.app, &entry.install.account, &entry.listed());
            entry.is_pending = is_pending;
            self.listed.insert(&entry.install.app, &entry.install.account, entry.listed());
        }
        entry.permissions = permissions;
        entry.owner = Some(owner.clone());
        let account = entry.install.account.clone();
        self.refresh_relation(&owner, &account, id.livemode(), |installs| {
            if let Err(place) = installs.binary_search(id) {
                installs.insert(place, *id);
            }
        });
    }

    fn refresh_relation(
        &mut self,
        developer: &AccountId,
        account: &AccountId,
        livemode: Livemode,
        edit: impl FnOnce(&mut Vec<InstallId>),
    ) {
        let accounts = self.relations.entry(developer.clone()).or_default();
        let mut relation = std::mem::take(&mut accounts.entry(account.clone()).or_default()[mode(livemode)]);
        edit(&mut relation.installs);
        relation.reach = self.reach_of(&relation.installs);
        let accounts = self.relations.entry(developer.clone()).or_default();
        let both = accounts.entry(account.clone()).or_default();
        both[mode(livemode)] = relation;
        if both.iter().all(|relation| relation.installs.is_empty()) {
            accounts.remove(account);
            if accounts.is_empty() {
                self.relations.remove(developer);
            }
        }
    }

    /// What installs allow the developer's own key: `None` if none of them opens the account to it (contract 14.2).
    fn reach_of(&self, installs: &[InstallId]) -> Option<Permissions> {
        let entries = installs.iter().filter_map(|id| self.installs.get(id));
        let counting = entries.filter(|entry| {
            self.standing(&entry.install)
                .is_some_and(|standing| standing.upload.manifest.api_access != ApiAccess::RestrictedApiKey)
        });
        counting.map(|entry| entry.permissions).reduce(Permissions::union)
    }

    /// One copy of an account's id for all that name it.
    fn share_account(&self, id: &mut AccountId) {
        if let Some((own, _)) = self.accounts.get_key_value(id) {
            *id = own.clone();
        }
    }

    /// One copy of an app's id for all that name it.
    fn share_app(&self, id: &mut AppId) {
        if let Some((own, _)) = self.apps.get_key_value(id) {
            *id = own.clone();
        }
    }

    fn put_credential(&mut self, mut credential: Box<Credential>) {
        self.share_account(&mut credential.account);
        if let Some(app) = credential.kind.app_mut() {
            self.share_app(app);
        }
        self.credentials.put(credential);
    }

    fn put_grant(&mut self, grant: Grant) {
        self.remove_grant(&grant.install);
        for key in grant.tokens() {
            self.tokens.insert(key, grant.install);
        }
        self.grants.insert(grant.install, grant);
    }

    fn remove_grant(&mut self, install: &InstallId) {
        let Some(grant) = self.grants.remove(install) else { return };
        for key in grant.tokens() {
            self.tokens.remove(&key);
        }
    }

    fn put_endpoint(&mut self, endpoint: Endpoint) {
        self.remove_endpoint(&endpoint.id);
        if let Some(account) = &endpoint.account {
            self.endpoints_by_account.entry(account.clone()).or_default().insert(endpoint.id);
        } else {
            self.operator_endpoints.insert(endpoint.id);
        }
        self.endpoints.insert(endpoint.id, endpoint);
    }

    fn remove_endpoint(&mut self, id: &EndpointId) {
        self.operator_endpoints.remove(id);
        let account = self.endpoints.remove(id).and_then(|endpoint| endpoint.account);
        if let Some((account, own)) =
            account.and_then(|account| self.endpoints_by_account.get_mut(&account).map(|own| (account, own)))
        {
            own.remove(id);
            if own.is_empty() {
                self.endpoints_by_account.remove(&account);
            }
        }
    }

    /// Where an install stands. `None` only while records are being loaded and its app is not there yet.
    pub fn standing(&self, install: &Install) -> Option<Standing<'_>> {
        let app = self.apps.get(&install.app)?;
        let mut upload = app.uploads.get(&install.version)?;
        let mut granted = install.granted.intersection(&upload.manifest.asks);
        for number in app.releases.range(install.release + 1..).map(|(_, number)| number) {
            // What a release no longer asks for is granted no longer, even if a later one asks again.
            if install.release > 0 {
                upload = app.uploads.get(number)?;
                granted = granted.intersection(&upload.manifest.asks);
            }
        }
        let pending = upload.manifest.asks.difference(&granted);
        Some(Standing { app, upload, granted, pending })
    }

    /// An install as clients see it now.
    pub fn view(&self, install: &Install) -> Option<InstallView> {
        let standing = self.standing(install)?;
        Some(InstallView {
            id: install.id,
            account: install.account.clone(),
            app: standing.app.public_id,
            channel: install.channel,
            created_at: install.created_at,
            granted: standing.granted,
            pending: standing.pending,
            uninstalling: false,
        })
    }
}
