//! The credentials of a directory, and all that they are found by.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::Place;
use super::keyed_already::BuildKeyedAlready;
use crate::directory::credential::{Credential, CredentialKey, CredentialKind};
use crate::id::{AccountId, AppId};
use crate::livemode::Livemode;
use crate::time::Timestamp;

/// All credentials.
#[derive(Default)]
pub struct Credentials {
    by_key: HashMap<CredentialKey, Box<Credential>, BuildKeyedAlready>,
    by_account: HashMap<AccountId, BTreeSet<CredentialKey>>,
    /// Those that are drawn again and again, by when each dies: what is over is found without looking at all of them.
    mortal: BTreeSet<(Timestamp, CredentialKey)>,
    /// Those of apps that belong to no install yet.
    unbound: BTreeMap<Place, BTreeSet<CredentialKey>>,
    /// Publishable keys by account and mode: OAuth answers name one (contract 15.5).
    publishable: BTreeMap<(AccountId, Livemode), BTreeSet<CredentialKey>>,
}

impl Credentials {
    /// All that were loaded, each once. The same as putting them one by one, but what is sorted is sorted once for all.
    pub fn of(parts: Vec<Vec<Box<Credential>>>) -> Self {
        let mut all = Self::default();
        all.by_key.reserve(parts.iter().map(Vec::len).sum());
        let mut mortal = Vec::new();
        let mut by_account: HashMap<AccountId, Vec<CredentialKey>> = HashMap::new();
        for credential in parts.into_iter().flatten() {
            mortal.extend(credential.dies_at().map(|at| (at, credential.key)));
            match by_account.get_mut(&credential.account) {
                Some(own) => own.push(credential.key),
                None => drop(by_account.insert(credential.account.clone(), vec![credential.key])),
            }
            all.index_rare(&credential);
            all.by_key.insert(credential.key, credential);
        }
        all.mortal = mortal.into_iter().collect();
        all.by_account = by_account.into_iter().map(|(account, own)| (account, own.into_iter().collect())).collect();
        all
    }

    /// Puts one, in the place of the one with its key.
    pub(super) fn put(&mut self, credential: Box<Credential>) {
        self.remove(&credential.key);
        self.mortal.extend(credential.dies_at().map(|at| (at, credential.key)));
        self.by_account.entry(credential.account.clone()).or_default().insert(credential.key);
        self.index_rare(&credential);
        self.by_key.insert(credential.key, credential);
    }

    /// Enters it where few credentials are.
    fn index_rare(&mut self, credential: &Credential) {
        if let (Some(app), None) = (credential.kind.app(), credential.install) {
            let place = (app.clone(), credential.account.clone(), credential.livemode);
            self.unbound.entry(place).or_default().insert(credential.key);
        }
        if let CredentialKind::Publishable { .. } = credential.kind {
            let place = (credential.account.clone(), credential.livemode);
            self.publishable.entry(place).or_default().insert(credential.key);
        }
    }

    /// Removes one. Nothing is left of what it was found by.
    pub(super) fn remove(&mut self, key: &CredentialKey) {
        let Some(credential) = self.by_key.remove(key) else { return };
        if let Some(at) = credential.dies_at() {
            self.mortal.remove(&(at, *key));
        }
        if let Some(own) = self.by_account.get_mut(&credential.account) {
            own.remove(key);
            if own.is_empty() {
                self.by_account.remove(&credential.account);
            }
        }
        if let (Some(app), None) = (credential.kind.app(), credential.install) {
            let place = (app.clone(), credential.account.clone(), credential.livemode);
            remove_from(&mut self.unbound, &place, key);
        }
        if let CredentialKind::Publishable { .. } = credential.kind {
            remove_from(&mut self.publishable, &(credential.account, credential.livemode), key);
        }
    }

    /// The one with this key.
    pub(super) fn get(&self, key: &CredentialKey) -> Option<&Credential> {
        self.by_key.get(key).map(|credential| &**credential)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Credential> {
        self.by_key.values().map(|credential| &**credential)
    }

    /// Those of an account, its own and those of apps that it installed, by key.
    pub(super) fn of_account(&self, account: &AccountId) -> impl Iterator<Item = &Credential> {
        self.by_account.get(account).into_iter().flatten().filter_map(|key| self.get(key))
    }

    /// Those that died before `moment` and that are drawn again and again, those that died first before the others.
    pub(super) fn dead_before(&self, moment: Timestamp) -> impl Iterator<Item = CredentialKey> {
        self.mortal.iter().take_while(move |(died_at, _)| *died_at < moment).map(|(_, key)| *key)
    }

    /// Those of an app on an account that belong to no install yet.
    pub(super) fn unbound(
        &self,
        app: &AppId,
        account: &AccountId,
        livemode: Livemode,
    ) -> impl Iterator<Item = &Credential> {
        let keys = self.unbound.get(&(app.clone(), account.clone(), livemode));
        keys.into_iter().flatten().filter_map(|key| self.get(key))
    }

    /// A publishable key of an account, the same one each time.
    pub(super) fn publishable(&self, account: &AccountId, livemode: Livemode) -> Option<&Credential> {
        let keys = self.publishable.get(&(account.clone(), livemode));
        keys.into_iter().flatten().find_map(|key| self.get(key))
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials")
    }
}

fn remove_from<K: Ord>(index: &mut BTreeMap<K, BTreeSet<CredentialKey>>, place: &K, key: &CredentialKey) {
    if let Some(keys) = index.get_mut(place) {
        keys.remove(key);
        if keys.is_empty() {
            index.remove(place);
        }
    }
}
