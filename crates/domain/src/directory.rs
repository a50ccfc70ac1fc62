//! Accounts, apps, installs and credentials, as far as a request needs them: which principal a credential is.

use std::collections::{HashMap, HashSet};
use std::fmt;

use zeroize::Zeroizing;

use crate::id::{AccountId, AppId, UserId};
use crate::livemode::Livemode;
use crate::place::Namespace;
use crate::principal::{Permissions, Principal, Reach};
use crate::time::{Timestamp, is_expired};

/// A keyed hash of an API key (HMAC-SHA-256). API keys themselves are never kept; there is no way back.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct CredentialHash([u8; 32]);

impl CredentialHash {
    /// Takes the bytes of a keyed hash.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CredentialHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialHash(****)")
    }
}

/// What a credential is and belongs to (contract 5.2 to 5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// An account's secret key.
    Secret,
    /// A restricted key generated at install.
    Restricted {
        /// The app it was generated for.
        app: AppId,
    },
    /// An OAuth access token, used as the key itself.
    OAuth {
        /// The app it was issued for.
        app: AppId,
    },
    /// An app embedded key: a UI extension's session of one user.
    Embedded {
        /// The app whose extension it is.
        app: AppId,
        /// The user who looks at it.
        user: UserId,
    },
    /// A publishable key: refused (contract 6.4).
    Publishable,
}

/// A credential as the directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// What it is.
    pub kind: CredentialKind,
    /// The account it belongs to; for an app's credential the installing account.
    pub account: AccountId,
    /// Its mode.
    pub livemode: Livemode,
    /// What it may do at most; `None` where only the install's grants count.
    pub permissions: Option<Permissions>,
    /// From then on it is refused as expired (contract 6.3).
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    /// Whether the credential itself can be used at `now`, whatever account it names.
    ///
    /// # Errors
    /// When it is publishable or expired.
    pub fn check(&self, now: Timestamp) -> Result<(), Refused> {
        if self.kind == CredentialKind::Publishable {
            Err(Refused::Publishable)
        } else if is_expired(self.expires_at, now) {
            Err(Refused::Expired)
        } else {
            Ok(())
        }
    }
}

/// An app's signing secret, `absec_…`: keys the signatures of contract 8.2.
#[derive(Clone)]
pub struct SigningSecret(Zeroizing<String>);

impl SigningSecret {
    /// Takes the whole secret, prefix included.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The key of the signature.
    pub fn as_key(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(****)")
    }
}

/// An app, as far as a request needs it.
#[derive(Clone, Debug)]
pub struct App {
    /// The account that owns it: the developer.
    pub owner: AccountId,
    /// Signs what its UI extensions ask to have signed.
    pub signing_secret: SigningSecret,
}

/// Why a credential cannot be used as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Contract 6.3.
    Expired,
    /// Contract 6.4.
    Publishable,
    /// Contract 6.24: the account named is not the credential's, has not installed the app, or does not exist.
    AccountNotReachable,
}

/// The whole world a server knows, as one value that is replaced as a whole.
#[derive(Clone, Debug, Default)]
pub struct Directory {
    accounts: HashSet<AccountId>,
    apps: HashMap<AppId, App>,
    credentials: HashMap<CredentialHash, Credential>,
    /// Per app and account: what is granted, in test and in live mode; `None` where it is not installed.
    installs: HashMap<AppId, HashMap<AccountId, PerMode>>,
    /// Per developer and account: the union of what is granted to the developer's apps.
    relations: HashMap<AccountId, HashMap<AccountId, PerMode>>,
}

/// Something per mode, the test mode first.
type PerMode = [Option<Permissions>; 2];

impl Directory {
    /// Adds an account; one that is there already stays.
    pub fn add_account(&mut self, account: AccountId) {
        self.accounts.insert(account);
    }

    /// Whether there is such an account.
    pub fn has_account(&self, account: &AccountId) -> bool {
        self.accounts.contains(account)
    }

    /// Adds or replaces an app.
    pub fn add_app(&mut self, id: AppId, app: App) {
        self.apps.insert(id, app);
    }

    /// The app of that id.
    pub fn app(&self, id: &AppId) -> Option<&App> {
        self.apps.get(id)
    }

    /// Records that `account` has installed `app` and granted `permissions`. Without effect when there is no such app.
    pub fn add_install(&mut self, app: &AppId, account: &AccountId, livemode: Livemode, permissions: Permissions) {
        let Some(owner) = self.apps.get(app).map(|app| app.owner.clone()) else { return };
        let mode = usize::from(livemode.is_live());
        let granted = &mut self.installs.entry(app.clone()).or_default().entry(account.clone()).or_default()[mode];
        *granted = Some(permissions);
        let union = &mut self.relations.entry(owner).or_default().entry(account.clone()).or_default()[mode];
        *union = Some(union.unwrap_or_default().union(permissions));
    }

    /// Adds a credential under the keyed hash of its value.
    pub fn add_credential(&mut self, hash: CredentialHash, credential: Credential) {
        self.credentials.insert(hash, credential);
    }

    /// The credential of that hash.
    pub fn credential(&self, hash: &CredentialHash) -> Option<&Credential> {
        self.credentials.get(hash)
    }

    /// The principal that `credential` is at `now`, acting on `named` where the request names an account (`Stripe-Account`).
    ///
    /// The namespace comes from the credential; the name only chooses among the accounts it reaches (law 5).
    ///
    /// # Errors
    /// When the credential cannot be used so.
    pub fn principal(
        &self,
        credential: &Credential,
        named: Option<&AccountId>,
        now: Timestamp,
    ) -> Result<Principal, Refused> {
        credential.check(now)?;
        let (app, reach) = match &credential.kind {
            CredentialKind::Secret => return self.developer(credential, named),
            CredentialKind::Restricted { app } | CredentialKind::OAuth { app } => (app, Reach::Backend),
            CredentialKind::Embedded { app, user } => (app, Reach::Extension(user.clone())),
            CredentialKind::Publishable => return Err(Refused::Publishable),
        };
        let own = &credential.account;
        let installed = self.installs.get(app).and_then(|accounts| accounts.get(own));
        let granted = installed.and_then(|modes| modes[usize::from(credential.livemode.is_live())]);
        let (Some(granted), Some(found), true) = (granted, self.apps.get(app), named.is_none_or(|named| named == own))
        else {
            return Err(Refused::AccountNotReachable);
        };
        Ok(Principal {
            namespace: Namespace {
                developer: found.owner.clone(),
                account: own.clone(),
                livemode: credential.livemode,
            },
            reach,
            permissions: credential.permissions.map_or(granted, |own| own.intersection(granted)),
            app: Some(app.clone()),
        })
    }

    /// A developer's own secret key (contract 5.2).
    fn developer(&self, credential: &Credential, named: Option<&AccountId>) -> Result<Principal, Refused> {
        let developer = &credential.account;
        let account = named.unwrap_or(developer);
        let permissions = if account == developer {
            Permissions::ALL
        } else {
            let modes = self.relations.get(developer).and_then(|accounts| accounts.get(account));
            modes
                .and_then(|modes| modes[usize::from(credential.livemode.is_live())])
                .ok_or(Refused::AccountNotReachable)?
        };
        Ok(Principal {
            namespace: Namespace {
                developer: developer.clone(),
                account: account.clone(),
                livemode: credential.livemode,
            },
            reach: Reach::Backend,
            permissions,
            app: None,
        })
    }
}
