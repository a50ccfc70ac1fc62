//! The ways to find what is in the directory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::{Directory, InstallEntry, InstallOrder, KeptTotal, Wanted, mode};
use crate::directory::account::{Account, User};
use crate::directory::app::App;
use crate::directory::credential::{Credential, CredentialKey};
use crate::directory::endpoint::Endpoint;
use crate::directory::erasure::{Ending, Erasure, ErasureTarget};
use crate::directory::grant::Grant;
use crate::directory::install::{EndedInstall, Install};
use crate::directory::kept::KeptInstall;
use crate::id::{AccountId, AppId, AppPublicId, ClientId, EndpointId, InstallId, UserId};
use crate::livemode::Livemode;
use crate::place::Namespace;
use crate::principal::Permissions;
use crate::tag::ErasureId;
use crate::time::Timestamp;

impl Directory {
    /// The number after that of the newest install there ever was.
    pub fn next_sequence(&self) -> u64 {
        self.sequence + 1
    }

    /// An account.
    pub fn account(&self, id: &AccountId) -> Option<&Account> {
        self.accounts.get(id)
    }

    /// All accounts, in no order.
    pub fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.values()
    }

    /// The listed users of an account, in the order of their ids.
    pub fn users(&self, account: &AccountId) -> impl Iterator<Item = &User> {
        self.users.get(account).into_iter().flat_map(BTreeMap::values)
    }

    /// A listed user.
    pub fn user(&self, account: &AccountId, id: &UserId) -> Option<&User> {
        self.users.get(account)?.get(id)
    }

    /// The app of a manifest id.
    pub fn app(&self, id: &AppId) -> Option<&App> {
        self.apps.get(id)
    }

    /// All apps, in no order.
    pub fn apps(&self) -> impl Iterator<Item = &App> {
        self.apps.values()
    }

    /// The app of an `app_` id or of a manifest id, an `app_` id first (contract 11.3).
    pub fn app_named(&self, name: &str) -> Option<&App> {
        let by_public_id = AppPublicId::parse(name).and_then(|id| self.app_of_public_id(&id));
        by_public_id.or_else(|| self.apps.get(&AppId::new(name)))
    }

    /// The app of any of its three names (contract 11.3, 15.12). The two that are drawn go before the manifest id, which its developer chose.
    pub fn app_of_any_name(&self, name: &str) -> Option<&App> {
        ClientId::parse(name).and_then(|id| self.app_of_client(&id)).or_else(|| self.app_named(name))
    }

    /// The app of an `app_` id.
    pub fn app_of_public_id(&self, id: &AppPublicId) -> Option<&App> {
        self.apps.get(self.apps_by_public_id.get(id)?)
    }

    /// The app of an OAuth client id.
    pub fn app_of_client(&self, id: &ClientId) -> Option<&App> {
        self.apps.get(self.apps_by_client_id.get(id)?)
    }

    /// The apps of a developer, in the order of their manifest ids.
    pub fn apps_of(&self, owner: &AccountId) -> impl Iterator<Item = &App> {
        self.apps_by_owner.get(owner).into_iter().flatten().filter_map(|id| self.apps.get(id))
    }

    /// An install.
    pub fn install(&self, id: &InstallId) -> Option<&Install> {
        self.installs.get(id).map(|entry| &*entry.install)
    }

    /// What an install's grants allow with secrets now.
    pub fn install_permissions(&self, id: &InstallId) -> Option<Permissions> {
        self.installs.get(id).map(|entry| entry.permissions)
    }

    /// The same, with the owner of its app. `None` while that is not there.
    pub(crate) fn install_access(&self, id: &InstallId) -> Option<(Permissions, &AccountId)> {
        let entry = self.installs.get(id)?;
        Some((entry.permissions, entry.owner.as_ref()?))
    }

    /// An install that ended.
    pub fn ended(&self, id: &InstallId) -> Option<&EndedInstall> {
        self.ended.get(id)
    }

    /// The installs of an app on an account in a mode that ended and are still remembered, in the order in which they ended.
    pub fn ended_at<'a>(
        &'a self,
        app: &AppId,
        account: &AccountId,
        livemode: Livemode,
    ) -> impl DoubleEndedIterator<Item = &'a EndedInstall> + use<'a> {
        self.ended.at(&(app.clone(), account.clone(), livemode))
    }

    /// All installs that ended and are still remembered, in no order.
    pub fn all_ended(&self) -> impl Iterator<Item = &EndedInstall> {
        self.ended.iter()
    }

    /// The ids of the installs that ended at `moment` or before, in the order in which they ended.
    pub fn ended_until(&self, moment: Timestamp) -> impl Iterator<Item = &InstallId> {
        self.ended.until(moment)
    }

    /// The install of an app on an account in a mode.
    pub fn install_of(&self, app: &AppId, account: &AccountId, livemode: Livemode) -> Option<&Install> {
        let owner = &self.apps.get(app)?.owner;
        let relation = &self.relations.get(owner)?.get(account)?[mode(livemode)];
        relation.installs.iter().filter_map(|id| self.install(id)).find(|install| install.app == *app)
    }

    /// The installs of a developer's apps on an account in a mode.
    pub fn installs_between(
        &self,
        developer: &AccountId,
        account: &AccountId,
        livemode: Livemode,
    ) -> impl Iterator<Item = &Install> {
        let relation = self.relations.get(developer).and_then(|accounts| accounts.get(account));
        let installs = relation.map(|modes| modes[mode(livemode)].installs.as_slice()).unwrap_or_default();
        installs.iter().filter_map(|id| self.install(id))
    }

    /// What the installs of a developer's apps open to its secret key on an account: the union of their permissions (contract 5.2, 14.2).
    pub fn reach(&self, developer: &AccountId, account: &AccountId, livemode: Livemode) -> Option<Permissions> {
        self.relations.get(developer)?.get(account)?[mode(livemode)].reach
    }

    /// The places of an app's installs on every account and in both modes, in no order.
    pub fn installs_of_app(&self, app: &AppId) -> impl Iterator<Item = &InstallOrder> {
        self.listed.of_app(app)
    }

    /// The places of the installs on an account in both modes, in no order.
    pub fn installs_on(&self, account: &AccountId) -> impl Iterator<Item = &InstallOrder> {
        self.listed.on_account(account)
    }

    /// The first `max` of an app's installs that a list is to have. Nothing else is looked at.
    pub fn page_of_app(&self, app: &AppId, wanted: &Wanted, max: usize) -> Vec<InstallOrder> {
        self.listed.page_of_app(app, wanted, max)
    }

    /// The first `max` of the installs on an account that a list is to have. Nothing else is looked at.
    pub fn page_on_account(&self, account: &AccountId, wanted: &Wanted, max: usize) -> Vec<InstallOrder> {
        self.listed.page_on_account(account, wanted, max)
    }

    /// The first `max` of these installs that a list is to have.
    pub fn page_of<'a>(
        &self,
        installs: impl IntoIterator<Item = &'a Install>,
        wanted: &Wanted,
        max: usize,
    ) -> Vec<InstallOrder> {
        let entries = installs.into_iter().filter_map(|install| self.installs.get(&install.id));
        let listed = entries.map(InstallEntry::listed).filter(|(kind, place)| wanted.has(*kind, place));
        let mut places: Vec<_> = listed.map(|(_, place)| place).collect();
        wanted.sort(&mut places);
        places.truncate(max);
        places
    }

    /// The public installs of an app that have not been carried to its last release, oldest first (contract 13.7).
    pub fn installs_behind(&self, app: &AppId) -> impl Iterator<Item = &Install> {
        self.behind.get(app).into_iter().flatten().filter_map(|order| self.install(&order.2))
    }

    /// All installs, in no order.
    pub fn installs(&self) -> impl Iterator<Item = &Install> {
        self.installs.values().map(|entry| &*entry.install)
    }

    /// A credential.
    pub fn credential(&self, key: &CredentialKey) -> Option<&Credential> {
        self.credentials.get(key)
    }

    /// All credentials, in no order.
    pub fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.iter()
    }

    /// The credentials of an account, its own and those of apps that it installed, by key.
    pub fn credentials_of(&self, account: &AccountId) -> impl Iterator<Item = &Credential> {
        self.credentials.of_account(account)
    }

    /// The credentials that died before `moment` and that are drawn again and again, those that died first before the others.
    pub fn dead_before(&self, moment: Timestamp) -> impl Iterator<Item = CredentialKey> {
        self.credentials.dead_before(moment)
    }

    /// The credentials of an app on an account that belong to no install yet.
    pub fn unbound(&self, app: &AppId, account: &AccountId, livemode: Livemode) -> impl Iterator<Item = &Credential> {
        self.credentials.unbound(app, account, livemode)
    }

    /// A publishable key of an account, the same one each time.
    pub fn publishable(&self, account: &AccountId, livemode: Livemode) -> Option<&Credential> {
        self.credentials.publishable(account, livemode)
    }

    /// What OAuth knows of an install.
    pub fn grant(&self, install: &InstallId) -> Option<&Grant> {
        self.grants.get(install)
    }

    /// The grant that knows a code, or the beginning of a refresh token, by its hash.
    pub fn grant_of_token(&self, key: &CredentialKey) -> Option<&Grant> {
        self.grants.get(self.tokens.get(key)?)
    }

    /// A webhook endpoint.
    pub fn endpoint(&self, id: &EndpointId) -> Option<&Endpoint> {
        self.endpoints.get(id)
    }

    /// All webhook endpoints, in the order of their ids.
    pub fn endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.endpoints.values()
    }

    /// The operator's own webhook endpoints, in the order of their ids.
    pub fn operator_endpoints(&self) -> impl Iterator<Item = &Endpoint> {
        self.operator_endpoints.iter().filter_map(|id| self.endpoints.get(id))
    }

    /// The webhook endpoints of an account in both modes, in the order of their ids.
    pub fn endpoints_of(&self, account: &AccountId) -> impl Iterator<Item = &Endpoint> {
        self.endpoints_by_account.get(account).into_iter().flatten().filter_map(|id| self.endpoints.get(id))
    }

    /// A namespace in its grace period, or past it and not yet erased.
    pub fn ending(&self, namespace: &Namespace) -> Option<&Ending> {
        self.endings.get(namespace)
    }

    /// Those of an account, in no order.
    pub fn endings_on(&self, account: &AccountId) -> impl Iterator<Item = &Ending> {
        self.endings.of_account(account)
    }

    /// All of them, in no order.
    pub fn endings(&self) -> impl Iterator<Item = &Ending> {
        self.endings.iter()
    }

    /// Those whose grace period is over at `moment`, the longest due first.
    pub fn endings_until(&self, moment: Timestamp) -> impl Iterator<Item = &Ending> {
        self.endings.until(moment)
    }

    /// An erasure.
    pub fn erasure(&self, id: &ErasureId) -> Option<&Erasure> {
        self.erasures.get(id)
    }

    /// The id of the newest erasure.
    pub fn newest_erasure(&self) -> Option<ErasureId> {
        self.erasures.newest()
    }

    /// All erasures, in no order.
    pub fn erasures(&self) -> impl Iterator<Item = &Erasure> {
        self.erasures.iter()
    }

    /// The erasures whose receipt is not written, the oldest first.
    pub fn unfinished_erasures(&self) -> impl Iterator<Item = &Erasure> {
        self.erasures.unfinished()
    }

    /// The last erasure of a target.
    pub fn last_erasure(&self, target: &ErasureTarget) -> Option<&Erasure> {
        self.erasures.last_of(target)
    }

    /// The users of an account whose scopes are being erased; `None` where there is nobody (contract 14.8).
    pub fn being_erased(&self, account: &AccountId) -> Option<Arc<BTreeSet<UserId>>> {
        self.erasures.being_erased(account)
    }

    /// When a user of an account was offboarded last.
    pub fn offboarded_at(&self, account: &AccountId, user: &UserId) -> Option<Timestamp> {
        let target = ErasureTarget::User { account: account.clone(), user: user.clone() };
        self.last_erasure(&target).map(|erasure| erasure.started_at)
    }

    /// A kept result of the Install API.
    pub fn kept(&self, key: &[u8; 32]) -> Option<&KeptInstall> {
        self.kept.get(key)
    }

    /// All kept results, in no order.
    pub fn all_kept(&self) -> impl Iterator<Item = &KeptInstall> {
        self.kept.iter()
    }

    /// The keys of the results that were kept at `moment` or before, the oldest first.
    pub fn kept_until(&self, moment: Timestamp) -> impl Iterator<Item = &[u8; 32]> {
        self.kept.until(moment)
    }

    /// How much is kept for the keys of an account.
    pub fn kept_total(&self, account: &AccountId) -> KeptTotal {
        self.kept.total(account)
    }
}
