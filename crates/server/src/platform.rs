//! The platform file: accounts, apps, installs and keys, declared in one TOML file and checked as a whole.
//!
//! Read the tables in their order: `accounts`, `apps` (with `manifest`), `installs`, `keys`. What a server runs with is made from a
//! [`Platform`] by [`World::build`](crate::world::World::build). `docs/platform-file.md` explains the file to people.

use std::fmt;
use std::path::Path;

use cholla_domain::directory::{CredentialKind, SigningSecret};
use cholla_domain::id::{AccountId, AppId, UserId};
use cholla_domain::livemode::Livemode;
use thiserror::Error;
use zeroize::Zeroizing;

mod accounts;
mod apps;
mod demo;
pub(crate) mod document;
mod duration;
pub(crate) mod fault;
mod installs;
mod keys;
mod manifest;

pub(crate) use accounts::is_account_id;
pub use demo::DemoSecret;
pub use duration::duration_seconds;
pub use fault::{Fault, Faults};

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

/// A key.
#[derive(Clone, Debug)]
pub struct Key {
    /// What it is, with its app and user.
    pub kind: CredentialKind,
    /// The account it belongs to; for an app's key the installing account, whether or not the app is installed there.
    pub account: AccountId,
    /// Its mode.
    pub livemode: Livemode,
    /// What it may do at most, where the file says so; `None`: all that its install is granted.
    pub permissions: Option<Vec<String>>,
    /// The key itself, where the file gives it; `None`: to be generated.
    pub value: Option<KeyValue>,
    /// Seconds from the start of the server until it expires; `None`: never. Always `None` in production.
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
    /// `cholla serve`. `expires_in` is refused: it is counted from the start of the server, so a restart would bring an expired key back.
    /// So is a file that holds keys or signing secrets and that others than its owner can read.
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
        let platform = Self::parse(&file, &text, &manifest, purpose)?;
        match mode.exposed() {
            Some(mode) if purpose == Purpose::Production && platform.declares_values() => {
                Err(PlatformError(Faults::exposed(&file, mode)))
            }
            _ => Ok(platform),
        }
    }

    /// Whether the file holds what nobody else may know.
    fn declares_values(&self) -> bool {
        self.keys.iter().any(|key| key.value.is_some()) || self.apps.iter().any(|app| app.signing_secret.is_some())
    }

    /// Checks the platform that `text` declares. `file` names it in errors; `manifest` reads a manifest by the path in the file.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its lines.
    pub fn parse(
        file: &str,
        text: &str,
        manifest: &dyn Fn(&str) -> std::io::Result<String>,
        purpose: Purpose,
    ) -> Result<Self, PlatformError> {
        let platform = Document::read(file, text, |root| {
            root.allow(&["accounts", "apps", "installs", "keys"]);
            let tables = |key, heading| -> Vec<Table<'_>> { root.tables(key, heading).unwrap_or_default() };
            let (accounts, declared) = accounts::read(&tables("accounts", "[[accounts]]"));
            let (apps, asked) = apps::read(&tables("apps", "[[apps]]"), &declared, manifest);
            let installs = installs::read(&tables("installs", "[[installs]]"), &declared, &asked);
            let keys = keys::read(&tables("keys", "[[keys]]"), &declared, &asked, purpose);
            Some(Self { accounts: accounts?, apps: apps?, installs: installs?, keys: keys? })
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
