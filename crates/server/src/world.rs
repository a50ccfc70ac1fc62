//! What a server runs with, made from a platform: the directory of its credentials, and what the ready file and the terminal show.

use std::collections::HashMap;
use std::path::PathBuf;

use cholla_domain::directory::{App, Credential, CredentialHash, CredentialKind, Directory, SigningSecret};
use cholla_domain::id::{AccountId, AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::principal::{Permission, Permissions};
use cholla_domain::time::Timestamp;
use zeroize::Zeroizing;

use crate::platform::{Distribution, Install, Key, KeyValue, Platform};

mod made_up;
mod ready_file;
mod summary;

pub use made_up::MadeUp;
pub use ready_file::ReadyFile;
pub use summary::summary;

/// Letters and digits after the prefix of a generated value.
const GENERATED_CHARS: usize = 32;

/// The two functions of an installation's keys that a world is made with.
pub struct Derivation<'a> {
    /// The keyed hash under which the directory knows a key.
    pub credential_hash: &'a dyn Fn(&[u8]) -> CredentialHash,
    /// So many letters and digits that the installation always has under a label.
    pub alphanumerics: &'a dyn Fn(&str, usize) -> Zeroizing<String>,
}

impl Derivation<'_> {
    /// A value that this installation always generates for what `fields` name. No field holds NUL, so no two lists share a label.
    fn generate(&self, prefix: &str, fields: &[&str]) -> Zeroizing<String> {
        let random = (self.alphanumerics)(&fields.join("\0"), GENERATED_CHARS);
        let mut value = Zeroizing::new(String::with_capacity(prefix.len() + GENERATED_CHARS));
        value.push_str(prefix);
        value.push_str(&random);
        value
    }
}

/// Where a server listens, and what a client needs beside a key.
pub struct Endpoints {
    /// The API over plain HTTP, as a URL.
    pub http: Option<String>,
    /// The API over HTTPS, as a URL.
    pub https: Option<String>,
    /// The authority that signed the certificate of HTTPS.
    pub ca_file: Option<PathBuf>,
    /// The admin listener, as a URL.
    pub admin: String,
    /// The admin token; `None` where it is not to be shown.
    pub admin_token: Option<Zeroizing<String>>,
}

/// What a server runs with.
pub struct World {
    /// For every request.
    pub directory: Directory,
    /// For the ready file and the terminal.
    pub declared: Declared,
}

/// The declared apps, keys and installs with the values that were generated for them, in the order of the file.
pub struct Declared {
    /// The apps.
    pub apps: Vec<DeclaredApp>,
    /// The keys.
    pub keys: Vec<DeclaredKey>,
    /// The installs, one per mode.
    pub installs: Vec<DeclaredInstall>,
}

/// An app.
pub struct DeclaredApp {
    /// Its id.
    pub id: AppId,
    /// The account of its developer.
    pub owner: AccountId,
    /// Its name, for people.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Published or uploaded.
    pub distribution: Distribution,
    /// Its signing secret.
    pub signing_secret: SigningSecret,
    /// Whether the signing secret was generated.
    pub is_generated: bool,
}

/// A key.
pub struct DeclaredKey {
    /// What it is, with its app and user.
    pub kind: CredentialKind,
    /// The account it belongs to.
    pub account: AccountId,
    /// Its mode.
    pub livemode: Livemode,
    /// The key itself.
    pub value: KeyValue,
    /// Whether it was generated.
    pub is_generated: bool,
}

/// An install, in one mode.
pub struct DeclaredInstall {
    /// Its id, which nothing refers to yet.
    pub id: String,
    /// The app.
    pub app: AppId,
    /// The installing account.
    pub account: AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// What was granted.
    pub granted: Vec<String>,
}

impl World {
    /// Makes the world of a platform, as seen from `started_at`: from then `expires_in` counts. With the same derivation the same
    /// platform always gets the same values.
    pub fn build(platform: &Platform, derivation: &Derivation<'_>, started_at: Timestamp) -> Self {
        let mut directory = Directory::default();
        for account in &platform.accounts {
            directory.add_account(account.id.clone());
        }
        let apps: Vec<_> = platform.apps.iter().map(|app| declare_app(app, derivation)).collect();
        for app in &apps {
            let (owner, signing_secret) = (app.owner.clone(), app.signing_secret.clone());
            directory.add_app(app.id.clone(), App { owner, signing_secret });
        }
        let installs = platform.installs.iter().map(|install| declare_install(install, derivation)).collect();
        for install in &platform.installs {
            directory.add_install(&install.app, &install.account, install.livemode, permissions(&install.granted));
        }
        let mut ordinals = HashMap::new();
        let mut keys = Vec::with_capacity(platform.keys.len());
        for key in &platform.keys {
            let declared = declare_key(key, derivation, &mut ordinals);
            let credential = Credential {
                kind: key.kind.clone(),
                account: key.account.clone(),
                livemode: key.livemode,
                permissions: key.permissions.as_deref().map(permissions),
                expires_at: key.expires_in_seconds.map(|seconds| started_at.plus(seconds)),
            };
            directory.add_credential((derivation.credential_hash)(declared.value.as_str().as_bytes()), credential);
            keys.push(declared);
        }
        Self { directory, declared: Declared { apps, keys, installs } }
    }
}

/// The permissions that have an effect here, out of all that were named.
fn permissions(names: &[String]) -> Permissions {
    let known = |name: &String| match name.as_str() {
        "secret_write" => Some(Permission::SecretWrite),
        "secret_read" => Some(Permission::SecretRead),
        _ => None,
    };
    names.iter().filter_map(known).collect()
}

fn declare_app(app: &crate::platform::App, derivation: &Derivation<'_>) -> DeclaredApp {
    let generate = || {
        let secret = derivation.generate("absec_", &["signing secret", app.id.as_str()]);
        SigningSecret::new(secret.to_string())
    };
    DeclaredApp {
        id: app.id.clone(),
        owner: app.owner.clone(),
        name: app.name.clone(),
        version: app.version.clone(),
        distribution: app.distribution,
        signing_secret: app.signing_secret.clone().unwrap_or_else(generate),
        is_generated: app.signing_secret.is_none(),
    }
}

fn declare_install(install: &Install, derivation: &Derivation<'_>) -> DeclaredInstall {
    let prefix = if install.livemode.is_live() { "appinst_" } else { "appinst_test_" };
    let fields = ["install", install.app.as_str(), install.account.as_str(), install.livemode.as_str()];
    DeclaredInstall {
        id: derivation.generate(prefix, &fields).to_string(),
        app: install.app.clone(),
        account: install.account.clone(),
        livemode: install.livemode,
        granted: install.granted.clone(),
    }
}

/// `ordinals` counts the keys that differ in nothing that names them, so that each gets a value of its own. One with a value counts,
/// too: giving the first its value does not change the second's.
fn declare_key<'a>(
    key: &'a Key,
    derivation: &Derivation<'_>,
    ordinals: &mut HashMap<[&'a str; 5], usize>,
) -> DeclaredKey {
    let (kind, prefix) = kind_and_prefix(&key.kind);
    let (app, user) = app_and_user(&key.kind);
    let (app, user) = (app.map_or("", AppId::as_str), user.map_or("", UserId::as_str));
    let mode = key.livemode.as_str();
    let identity = [kind, key.account.as_str(), app, user, mode];
    let ordinal = ordinals.entry(identity).or_default();
    let fields = ["key", kind, key.account.as_str(), app, user, mode, &ordinal.to_string()];
    *ordinal += 1;
    let generate = || KeyValue::new(derivation.generate(&format!("{prefix}_{mode}_"), &fields));
    DeclaredKey {
        kind: key.kind.clone(),
        account: key.account.clone(),
        livemode: key.livemode,
        value: key.value.clone().unwrap_or_else(generate),
        is_generated: key.value.is_none(),
    }
}

/// The kind as the platform file names it, and how a generated value begins.
fn kind_and_prefix(kind: &CredentialKind) -> (&'static str, &'static str) {
    match kind {
        CredentialKind::Secret => ("secret", "sk"),
        CredentialKind::Restricted { .. } => ("restricted", "rk"),
        CredentialKind::OAuth { .. } => ("oauth", "rk"),
        CredentialKind::Embedded { .. } => ("embedded", "ek"),
        CredentialKind::Publishable => ("publishable", "pk"),
    }
}

fn app_and_user(kind: &CredentialKind) -> (Option<&AppId>, Option<&UserId>) {
    match kind {
        CredentialKind::Secret | CredentialKind::Publishable => (None, None),
        CredentialKind::Restricted { app } | CredentialKind::OAuth { app } => (Some(app), None),
        CredentialKind::Embedded { app, user } => (Some(app), Some(user)),
    }
}

/// The text of a signing secret, to be shown to the person who declared or generated it.
fn signing_secret_text(secret: &SigningSecret) -> &str {
    std::str::from_utf8(secret.as_key()).expect("a signing secret is made from a string")
}

#[cfg(test)]
mod tests;
