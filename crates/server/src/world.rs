//! What a server shows of the world it started with: for the ready file and the terminal.

use std::path::PathBuf;

use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::directory::state::Directory;
use cholla_domain::id::{AccountId, AppId, AppPublicId, ClientId, InstallId};
use cholla_domain::livemode::Livemode;
use zeroize::Zeroizing;

use crate::platform::reconcile::webhook_secret;
use crate::platform::{Distribution, KeyKind, KeyValue, Platform};

mod made_up;
mod naming;
mod ready_file;
mod summary;

pub(crate) use made_up::MadeUp;
pub(crate) use naming::Naming;
pub use ready_file::ReadyFile;
pub use summary::summary;

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

/// The declared apps, keys, installs and webhook endpoints with the values that they have, in the order of the file.
#[derive(Default)]
pub struct Declared {
    /// The apps.
    pub apps: Vec<DeclaredApp>,
    /// The keys whose values are known.
    pub keys: Vec<DeclaredKey>,
    /// The installs, one per mode.
    pub installs: Vec<DeclaredInstall>,
    /// The webhook endpoints.
    pub webhooks: Vec<DeclaredWebhook>,
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
    /// Its id in the Install API.
    pub app_id: AppPublicId,
    /// Its OAuth client id.
    pub client_id: ClientId,
}

/// A key.
pub struct DeclaredKey {
    /// What it is, with its app and user.
    pub kind: KeyKind,
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
    /// Its id.
    pub id: InstallId,
    /// The app.
    pub app: AppId,
    /// The installing account.
    pub account: AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// What was granted.
    pub granted: Vec<String>,
}

/// A webhook endpoint.
pub struct DeclaredWebhook {
    /// Whose.
    pub account: AccountId,
    /// The mode.
    pub livemode: Livemode,
    /// Where it is.
    pub url: String,
    /// Its secret.
    pub secret: SigningSecret,
    /// Whether the secret was generated.
    pub is_generated: bool,
}

impl Declared {
    /// What `platform` declares, as far as the directory has it, with the values of its keys, in its order, where they are known.
    pub(crate) fn of(platform: &Platform, directory: &Directory, keys: &[Option<Zeroizing<String>>]) -> Self {
        let apps = platform.apps.iter().filter_map(|app| {
            let found = directory.app(&app.id)?;
            Some(DeclaredApp {
                id: app.id.clone(),
                owner: app.owner.clone(),
                name: app.name.clone(),
                version: app.version.clone(),
                distribution: app.distribution,
                signing_secret: found.signing_secret.current.clone(),
                is_generated: app.signing_secret.is_none(),
                app_id: found.public_id,
                client_id: found.client_id,
            })
        });
        let keys = platform.keys.iter().zip(keys).filter_map(|(key, value)| {
            Some(DeclaredKey {
                kind: key.kind.clone(),
                account: key.account.clone(),
                livemode: key.livemode,
                value: KeyValue::new(value.clone()?),
                is_generated: key.value.is_none(),
            })
        });
        let installs = platform.installs.iter().filter_map(|install| {
            let found = directory.install_of(&install.app, &install.account, install.livemode)?;
            Some(DeclaredInstall {
                id: found.id,
                app: install.app.clone(),
                account: install.account.clone(),
                livemode: install.livemode,
                granted: install.granted.clone(),
            })
        });
        let webhooks = platform.webhooks.iter().filter_map(|webhook| {
            Some(DeclaredWebhook {
                account: webhook.account.clone(),
                livemode: webhook.livemode,
                url: webhook.url.clone(),
                secret: webhook_secret(directory, webhook)?,
                is_generated: webhook.secret.is_none(),
            })
        });
        Self { apps: apps.collect(), keys: keys.collect(), installs: installs.collect(), webhooks: webhooks.collect() }
    }
}

#[cfg(test)]
mod tests;
