//! What is looked up in a platform file again and again while a directory is brought to it: looking through the file for each would take
//! hours for a file of a million keys.

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};

use cholla_domain::directory::app::{Asks, Manifest};
use cholla_domain::directory::credential::{Credential, CredentialKey, CredentialKind, InstallRights};
use cholla_domain::directory::endpoint::Endpoint;
use cholla_domain::directory::state::Directory;
use cholla_domain::id::{AccountId, AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::time::Timestamp;
use zeroize::Zeroizing;

use super::{Install, Key, KeyKind, Platform, Webhook};
use crate::world::Naming;

/// A platform file and where its values come from.
pub(crate) struct Index<'a> {
    pub(crate) platform: &'a Platform,
    pub(crate) naming: &'a Naming<'a>,
    /// What the newest upload of each app is to say.
    manifests: HashMap<&'a AppId, Manifest>,
    /// How many keys of the file differ in nothing that names them from each one, and come before it.
    ordinals: Vec<usize>,
    hashes: OnceCell<Vec<Option<CredentialKey>>>,
}

impl<'a> Index<'a> {
    pub(crate) fn new(platform: &'a Platform, naming: &'a Naming<'a>) -> Self {
        let manifests = platform.apps.iter().map(|app| (&app.id, app.manifest())).collect();
        Self { platform, naming, manifests, ordinals: ordinals(&platform.keys), hashes: OnceCell::new() }
    }

    /// What an app of the file says.
    pub(crate) fn manifest(&self, app: &AppId) -> Option<&Manifest> {
        self.manifests.get(app)
    }

    /// What an app of the file asks for.
    pub(crate) fn asks(&self, app: &AppId) -> Option<&Asks> {
        self.manifest(app).map(|manifest| &manifest.asks)
    }

    /// The value of the key at `index`: the file's, or the one that the installation always has for it. `None`: to be drawn.
    pub(crate) fn value(&self, index: usize) -> Option<Zeroizing<String>> {
        let key = &self.platform.keys[index];
        let given = key.value.as_ref().map(|value| Zeroizing::new(value.as_str().to_owned()));
        given.or_else(|| self.naming.key(key, self.ordinals[index]))
    }

    /// What each key is found by, where its value is known before it is made.
    pub(crate) fn hashes(&self) -> &[Option<CredentialKey>] {
        let hash = |index| self.value(index).map(|value| self.naming.hash(&value));
        self.hashes.get_or_init(|| (0..self.platform.keys.len()).map(hash).collect())
    }

    /// The credentials that the keys without a value stand for: the n-th of its like, where n of its like come before it in the file.
    pub(crate) fn likes<'d>(&self, directory: &'d Directory, now: Timestamp) -> Vec<Option<&'d Credential>> {
        let hashes = self.hashes();
        let mut found: HashMap<Like, Vec<&Credential>> = HashMap::new();
        for key in self.platform.keys.iter().zip(hashes).filter_map(|(key, hash)| hash.is_none().then_some(key)) {
            found.entry(Like::of_key(key)).or_default();
        }
        if !found.is_empty() {
            let declared: HashSet<CredentialKey> = hashes.iter().flatten().copied().collect();
            for credential in directory.credentials() {
                if credential.is_live(now)
                    && !declared.contains(&credential.key)
                    && let Some(alike) = found.get_mut(&Like::of_credential(credential))
                {
                    alike.push(credential);
                }
            }
        }
        let mut turns: HashMap<Like, _> = HashMap::with_capacity(found.len());
        for (like, mut alike) in found {
            alike.sort_by_key(|found| (found.created_at, found.key));
            turns.insert(like, alike.into_iter());
        }
        let keys = self.platform.keys.iter().zip(hashes);
        keys.map(|(key, hash)| if hash.is_none() { turns.get_mut(&Like::of_key(key))?.next() } else { None }).collect()
    }

    /// The installs that the file names.
    pub(crate) fn installs(&self) -> HashSet<(&'a AppId, &'a AccountId, Livemode)> {
        let place = |install: &'a Install| (&install.app, &install.account, install.livemode);
        self.platform.installs.iter().map(place).collect()
    }

    /// The endpoints that the file names.
    pub(crate) fn webhooks(&self) -> HashSet<EndpointPlace<'a>> {
        self.platform.webhooks.iter().map(place_of_webhook).collect()
    }
}

/// What tells endpoints apart: account, mode, URL, and whose events.
pub(crate) type EndpointPlace<'a> = (Option<&'a AccountId>, Livemode, &'a str, bool);

pub(crate) fn place_of_webhook(webhook: &Webhook) -> EndpointPlace<'_> {
    (Some(&webhook.account), webhook.livemode, &webhook.url, webhook.connect)
}

pub(crate) fn place_of_endpoint(endpoint: &Endpoint) -> EndpointPlace<'_> {
    (endpoint.account.as_ref(), endpoint.livemode, &endpoint.url, endpoint.connect)
}

/// The endpoint that the file means.
pub(crate) fn find_webhook<'d>(directory: &'d Directory, webhook: &Webhook) -> Option<&'d Endpoint> {
    directory.endpoints_of(&webhook.account).find(|endpoint| place_of_endpoint(endpoint) == place_of_webhook(webhook))
}

/// How many keys come before each that do not differ from it in kind, account, app, user and mode.
fn ordinals(keys: &[Key]) -> Vec<usize> {
    let mut counts: HashMap<_, usize> = HashMap::new();
    let place = |key| {
        let identity = Like { rights: None, ..Like::of_key(key) };
        let count = counts.entry(identity).or_default();
        std::mem::replace(count, *count + 1)
    };
    keys.iter().map(place).collect()
}

/// What a key without a value is told apart by.
#[derive(PartialEq, Eq, Hash)]
struct Like {
    kind: &'static str,
    account: AccountId,
    app: Option<AppId>,
    user: Option<UserId>,
    rights: Option<InstallRights>,
    livemode: Livemode,
}

impl Like {
    fn of_key(key: &Key) -> Self {
        let rights = if let KeyKind::AccountRestricted(rights) = &key.kind { Some(*rights) } else { None };
        Self {
            kind: key.kind.as_str(),
            account: key.account.clone(),
            app: key.kind.app().cloned(),
            user: key.kind.user().cloned(),
            rights,
            livemode: key.livemode,
        }
    }

    fn of_credential(found: &Credential) -> Self {
        let rights = if let CredentialKind::AccountRestricted(rights) = &found.kind { Some(*rights) } else { None };
        Self {
            kind: found.kind.as_str(),
            account: found.account.clone(),
            app: found.kind.app().cloned(),
            user: found.kind.user().cloned(),
            rights,
            livemode: found.livemode,
        }
    }
}
