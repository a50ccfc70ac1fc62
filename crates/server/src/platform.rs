//! The platform file: accounts, apps, installs and keys, declared in one TOML file and checked as a whole.
//!
//! Read the tables in their order: `accounts`, `apps` (with `manifest`), `installs`, `keys`. `reconcile` brings a server's
//! directory to a [`Platform`]. `docs/platform-file.md` explains the file to people.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use cholla_domain::directory::app::{ApiAccess, Asks, Manifest};
use cholla_domain::directory::credential::InstallRights;
use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::id::{AccountId, AppId, AppPublicId, ClientId, UserId};
use cholla_domain::limits::GIVEN_SECRET_CHARS_MIN;
use cholla_domain::livemode::Livemode;
use thiserror::Error;
use zeroize::Zeroizing;

mod accounts;
mod apps;
mod demo;
pub(crate) mod document;
mod duration;
pub(crate) mod fault;
mod index;
mod installs;
mod keys;
mod manifest;
pub(crate) mod reconcile;
mod webhooks;

pub(crate) use accounts::is_account_id;
pub use demo::DemoSecret;
pub use duration::duration_seconds;
pub use fault::{Fault, Faults};
pub(crate) use fault::{listed, quoted};

use crate::files;
use document::{Document, Table};

/// A checked platform: every reference in it leads somewhere, and no id, install or key value stands there twice.
#[derive(Clone, Debug)]
pub struct Platform {
    /// The accounts, in the order of the file, as everything here.
    pub accounts: Vec<Account>,
    /// The apps.
    pub apps: Vec<App>,
    /// The installs, one per mode.
    pub installs: Vec<Install>,
    /// The keys.
    pub keys: Vec<Key>,
    /// The webhook endpoints.
    pub webhooks: Vec<Webhook>,
}

/// An account: an app developer, an installing merchant, or both.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name, for people.
    pub name: Option<String>,
    /// Its users as far as they are declared; others may be used on the wire all the same.
    pub users: Vec<UserId>,
    /// Developers who may install their own apps here through `Stripe-Account` (contract 12.6).
    pub connected_to: Vec<AccountId>,
}

/// How an app is given to accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// Published: one per owner.
    Public,
    /// Uploaded.
    Private,
}

impl Distribution {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Public, Self::Private];

    /// `public` or `private`, as in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Private => "private",
        }
    }
}

/// An app.
#[derive(Clone, Debug)]
pub struct App {
    /// Its id, as in its manifest.
    pub id: AppId,
    /// The account of its developer.
    pub owner: AccountId,
    /// Published or uploaded.
    pub distribution: Distribution,
    /// Its name, for people; the id where none is given.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The permissions it asks for.
    pub permissions: Vec<AskedPermission>,
    /// Its signing secret, where the file gives one.
    pub signing_secret: Option<SigningSecret>,
    /// Its id in the Install API, where the file gives one (contract 11.3).
    pub app_id: Option<AppPublicId>,
    /// Its OAuth client id, where the file gives one.
    pub client_id: Option<ClientId>,
    /// How its backend gets its credentials (contract 15.1).
    pub api_access: ApiAccess,
    /// Where a browser may be sent after an install, the first by default.
    pub redirect_uris: Vec<String>,
    /// Hosts that its UI extension may send requests to.
    pub connect_src: Vec<String>,
    /// Hosts that its UI extension may load images from.
    pub image_src: Vec<String>,
    /// Its endpoints.
    pub endpoints: Vec<String>,
}

impl App {
    /// What an upload of it says.
    pub fn manifest(&self) -> Manifest {
        let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
        let purpose = |asked: &AskedPermission| Some((asked.permission.clone(), asked.purpose.clone()?));
        Manifest {
            version: self.version.clone(),
            name: self.name.clone(),
            asks: Asks {
                permissions: self.permissions.iter().map(|asked| asked.permission.clone()).collect(),
                connect_src: set(&self.connect_src),
                image_src: set(&self.image_src),
                endpoints: set(&self.endpoints),
            },
            purposes: self.permissions.iter().filter_map(purpose).collect::<BTreeMap<_, _>>(),
            api_access: self.api_access,
            redirect_uris: self.redirect_uris.clone(),
        }
    }
}

/// A permission that an app asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedPermission {
    /// Its name. Only `secret_write` and `secret_read` have an effect; every other is carried.
    pub permission: String,
    /// Why the app wants it, for people.
    pub purpose: Option<String>,
}

/// An install of an app on an account, in one mode.
#[derive(Clone, Debug)]
pub struct Install {
    /// The app.
    pub app: AppId,
    /// The account that installed it.
    pub account: AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// The permissions that the account granted, all of them asked for by the app.
    pub granted: Vec<String>,
}

/// What a key of the file is, with its app and user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// An account's secret key.
    Secret,
    /// An account's own restricted key, for the Install API only.
    AccountRestricted(InstallRights),
    /// A restricted key of an app.
    Restricted {
        /// The app.
        app: AppId,
    },
    /// An OAuth access token of an app.
    OAuth {
        /// The app.
        app: AppId,
    },
    /// A UI extension's session.
    Embedded {
        /// The app.
        app: AppId,
        /// The user.
        user: UserId,
    },
    /// A publishable key.
    Publishable,
}

impl KeyKind {
    /// The word of the file.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::AccountRestricted(_) | Self::Restricted { .. } => "restricted",
            Self::OAuth { .. } => "oauth",
            Self::Embedded { .. } => "embedded",
            Self::Publishable => "publishable",
        }
    }

    /// How a value that is made for it begins, before its mode.
    pub fn prefix(&self) -> &'static str {
        match self {
            Self::Secret => "sk",
            Self::AccountRestricted(_) | Self::Restricted { .. } | Self::OAuth { .. } => "rk",
            Self::Embedded { .. } => "ek",
            Self::Publishable => "pk",
        }
    }

    /// Its app.
    pub fn app(&self) -> Option<&AppId> {
        match self {
            Self::Restricted { app } | Self::OAuth { app } | Self::Embedded { app, .. } => Some(app),
            Self::Secret | Self::AccountRestricted(_) | Self::Publishable => None,
        }
    }

    /// Its user.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::Embedded { user, .. } => Some(user),
            _ => None,
        }
    }
}

/// A webhook endpoint (contract 17.4).
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Whose.
    pub account: AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// Where to deliver.
    pub url: String,
    /// `true`: events of other accounts that installed this account's apps; `false`: the account's own.
    pub connect: bool,
    /// The types that it wants; `*` is all.
    pub events: BTreeSet<String>,
    /// Its secret, where the file gives one.
    pub secret: Option<SigningSecret>,
}

/// A key.
#[derive(Clone, Debug)]
pub struct Key {
    /// What it is, with its app and user.
    pub kind: KeyKind,
    /// The account it belongs to; for an app's key the installing account, whether or not the app is installed there.
    pub account: AccountId,
    /// Its mode.
    pub livemode: Livemode,
    /// What it may do at most, where the file says so; `None`: all that its install is granted.
    pub permissions: Option<Vec<String>>,
    /// The key itself, where the file gives it; `None`: to be generated.
    pub value: Option<KeyValue>,
    /// Seconds until it expires, in dev mode from the start of the server, in production from when it was made; `None`: never.
    pub expires_in_seconds: Option<i64>,
}

/// The text of an API key. Wiped when dropped; `Debug` shows nothing of it.
#[derive(Clone)]
pub struct KeyValue(Zeroizing<String>);

impl KeyValue {
    /// Takes the whole key, prefix included.
    pub fn new(value: Zeroizing<String>) -> Self {
        Self(value)
    }

    /// The key, to be hashed, or to be shown to the person who declared or generated it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyValue(****)")
    }
}

/// Which server a platform file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `cholla dev`.
    Development,
    /// `cholla serve`: a file that holds keys or secrets and that others than its owner can read is refused.
    Production,
}

/// What is wrong with a platform file, one line a fault: `FILE:LINE: what is wrong; what to do`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct PlatformError(pub Faults);

impl Platform {
    /// Reads and checks the platform file at `path`, and the manifests that it names.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its lines.
    pub fn read(path: &Path, purpose: Purpose) -> Result<Self, PlatformError> {
        let file = path.display().to_string();
        let (text, mode) =
            files::read_secret(path).map_err(|error| PlatformError(Faults::unreadable(&file, &error)))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let manifest = |manifest: &str| std::fs::read_to_string(folder.join(manifest));
        let platform = Self::parse(&file, &text, &manifest)?;
        match mode.exposed() {
            Some(mode) if purpose == Purpose::Production && platform.declares_values() => {
                Err(PlatformError(Faults::exposed(&file, mode)))
            }
            _ if purpose == Purpose::Production && platform.has_weak_secrets() => {
                Err(PlatformError(Faults::weak(&file)))
            }
            _ => Ok(platform),
        }
    }

    /// Whether a signing secret of the file, an app's or an endpoint's, is shorter than one may be that the admin API is given. In dev mode it may.
    pub(crate) fn has_weak_secrets(&self) -> bool {
        let is_weak = |secret: &SigningSecret| {
            secret.reveal().split_once('_').is_none_or(|(_, rest)| rest.len() < GIVEN_SECRET_CHARS_MIN)
        };
        let of_apps = self.apps.iter().filter_map(|app| app.signing_secret.as_ref());
        of_apps.chain(self.webhooks.iter().filter_map(|webhook| webhook.secret.as_ref())).any(is_weak)
    }

    /// Whether the file holds what nobody else may know: keys, or signing secrets of apps or webhook endpoints.
    pub(crate) fn declares_values(&self) -> bool {
        self.keys.iter().any(|key| key.value.is_some())
            || self.apps.iter().any(|app| app.signing_secret.is_some())
            || self.webhooks.iter().any(|webhook| webhook.secret.is_some())
    }

    /// Checks the platform that `text` declares. `file` names it in errors; `manifest` reads a manifest by the path in the file.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its lines.
    pub fn parse(
        file: &str,
        text: &str,
        manifest: &dyn Fn(&str) -> std::io::Result<String>,
    ) -> Result<Self, PlatformError> {
        let platform = Document::read(file, text, |root| {
            root.allow(&["accounts", "apps", "installs", "keys", "webhooks"]);
            let tables = |key, heading| -> Vec<Table<'_>> { root.tables(key, heading).unwrap_or_default() };
            let (accounts, declared) = accounts::read(&tables("accounts", "[[accounts]]"));
            let (apps, asked) = apps::read(&tables("apps", "[[apps]]"), &declared, manifest);
            let installs = installs::read(&tables("installs", "[[installs]]"), &declared, &asked);
            let keys = keys::read(&tables("keys", "[[keys]]"), &declared, &asked);
            let webhooks = webhooks::read(&tables("webhooks", "[[webhooks]]"), &declared);
            let webhooks = webhooks?;
            Some(Self { accounts: accounts?, apps: apps?, installs: installs?, keys: keys?, webhooks })
        });
        platform.map_err(PlatformError)
    }
}

/// Reads a mode, `test` or `live`.
fn livemode(table: &Table<'_>, line: usize, text: &str) -> Option<Livemode> {
    let mode = Livemode::ALL.into_iter().find(|mode| mode.as_str() == text);
    if mode.is_none() {
        table.fault(line, format!("unknown mode {}; use `test` or `live`", fault::quoted(text)));
    }
    mode
}

#[cfg(test)]
mod tests;
