//! Who a credential is: to the secrets (contract section 5), to the Install API (section 12), to OAuth (15.3).

use super::app::ApiAccess;
use super::credential::{Credential, CredentialKey, CredentialKind, InstallRights};
use super::state::Directory;
use crate::id::{AccountId, AppId, UserId};
use crate::limits::CLOCK_SKEW_SECONDS_MAX;
use crate::livemode::Livemode;
use crate::place::Namespace;
use crate::principal::{Permissions, Principal, Reach};
use crate::time::Timestamp;

/// Why a credential cannot be used as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Contract 6.2: nobody has it, or nobody has it any more.
    Unknown,
    /// Contract 6.3.
    Expired,
    /// Contract 6.4.
    Publishable,
    /// Contract 6.24: the account named is not the credential's, has not installed the app, or does not exist.
    AccountNotReachable,
}

/// Who calls the Install API (contract section 12).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InstallCaller {
    /// 12.1, 12.2 and 12.4: an account by its own key, as itself and as the developer of its apps.
    Own {
        /// The account.
        account: AccountId,
        /// The mode.
        livemode: Livemode,
        /// What the key may do.
        rights: InstallRights,
        /// The key, for the audit log.
        key: CredentialKey,
    },
    /// 12.3: a developer by its own secret key, on another account.
    Developer {
        /// The developer.
        developer: AccountId,
        /// The account acted on.
        account: AccountId,
        /// The mode.
        livemode: Livemode,
        /// The key, for the audit log.
        key: CredentialKey,
    },
    /// 12.5: a credential of an app.
    App {
        /// The account that it belongs to.
        account: AccountId,
        /// The mode.
        livemode: Livemode,
    },
}

impl InstallCaller {
    /// The account of the credential: whose idempotency keys count, and whose key made the request (contract 10.13, 17.1).
    pub fn credential_account(&self) -> &AccountId {
        match self {
            Self::Own { account, .. } | Self::App { account, .. } => account,
            Self::Developer { developer, .. } => developer,
        }
    }

    /// The account acted on.
    pub fn account(&self) -> &AccountId {
        match self {
            Self::Own { account, .. } | Self::Developer { account, .. } | Self::App { account, .. } => account,
        }
    }

    /// The mode.
    pub fn livemode(&self) -> Livemode {
        match self {
            Self::Own { livemode, .. } | Self::Developer { livemode, .. } | Self::App { livemode, .. } => *livemode,
        }
    }
}

impl Directory {
    /// The principal that `credential` is to the secrets at `now`, acting on `named` where the request names an account.
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
        let own = &credential.account;
        let is_own = named.is_none_or(|named| named == own);
        let (app, reach) = match &credential.kind {
            CredentialKind::Secret => return self.developer(credential, named),
            CredentialKind::AccountRestricted(_) if is_own => return Ok(without_permissions(credential)),
            CredentialKind::AccountRestricted(_) => return Err(Refused::AccountNotReachable),
            CredentialKind::Restricted { app } | CredentialKind::OAuth { app } => (app, Reach::Backend),
            CredentialKind::Embedded { app, user } => (app, Reach::Extension(user.clone())),
            CredentialKind::Publishable { .. } => return Err(Refused::Publishable),
            CredentialKind::Admin(_) => return Err(Refused::Unknown),
        };
        let access = credential.install.and_then(|install| self.install_access(&install));
        let (Some((granted, developer)), true) = (access, is_own) else {
            return Err(Refused::AccountNotReachable);
        };
        Ok(Principal {
            namespace: Namespace { developer: developer.clone(), account: own.clone(), livemode: credential.livemode },
            reach,
            permissions: credential.permissions.map_or(granted, |own| own.intersection(granted)),
            app: Some(app.clone()),
            being_erased: self.being_erased(own),
        })
    }

    /// A developer's own secret key (contract 5.2).
    fn developer(&self, credential: &Credential, named: Option<&AccountId>) -> Result<Principal, Refused> {
        let developer = &credential.account;
        let account = named.unwrap_or(developer);
        let permissions = if account == developer {
            Permissions::ALL
        } else {
            self.reach(developer, account, credential.livemode).ok_or(Refused::AccountNotReachable)?
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
            being_erased: self.being_erased(account),
        })
    }

    /// Who `credential` is to the Install API at `now`, acting on `named` (contract 12.6).
    ///
    /// # Errors
    /// When the credential cannot be used so.
    pub fn install_caller(
        &self,
        credential: &Credential,
        named: Option<&AccountId>,
        now: Timestamp,
    ) -> Result<InstallCaller, Refused> {
        credential.check(now)?;
        let (own, livemode, key) = (&credential.account, credential.livemode, credential.key);
        let other = named.filter(|named| *named != own);
        match (&credential.kind, other) {
            (CredentialKind::Secret, None) => {
                Ok(InstallCaller::Own { account: own.clone(), livemode, rights: InstallRights::ALL, key })
            }
            (CredentialKind::Secret, Some(account)) if self.is_reachable(own, account, livemode) => {
                Ok(InstallCaller::Developer { developer: own.clone(), account: account.clone(), livemode, key })
            }
            (CredentialKind::AccountRestricted(rights), None) => {
                Ok(InstallCaller::Own { account: own.clone(), livemode, rights: *rights, key })
            }
            (CredentialKind::Secret | CredentialKind::AccountRestricted(_), _) => Err(Refused::AccountNotReachable),
            _ => {
                self.principal(credential, named, now)?;
                Ok(InstallCaller::App { account: own.clone(), livemode })
            }
        }
    }

    /// A UI extension's session that the platform has signed by itself: a credential without state, so it belongs to whatever install of the
    /// app is there now (contract 14.4).
    pub fn signed_session(
        &self,
        (app, user): (AppId, UserId),
        (account, livemode): (AccountId, Livemode),
        (now, expires_at): (Timestamp, Timestamp),
    ) -> Credential {
        let install = self.install_of(&app, &account, livemode).map(|install| install.id);
        Credential {
            // Nobody finds it by this: it is not kept.
            key: CredentialKey::from_bytes([0; 16]),
            kind: CredentialKind::Embedded { app, user },
            account,
            livemode,
            permissions: None,
            install,
            tail: None,
            created_at: now,
            expires_at: Some(expires_at),
            revoked_at: None,
        }
    }

    /// Whether a session that the platform signed at `issued_at` is one of those that the offboarding of its user has revoked (contract
    /// 14.8). The platform's clock may be ahead, and a token that does not say when it was signed may be of any age.
    pub fn is_signed_before_offboarding(
        &self,
        (account, user): (&AccountId, &UserId),
        issued_at: Option<Timestamp>,
    ) -> bool {
        let Some(offboarded_at) = self.offboarded_at(account, user) else { return false };
        issued_at.is_none_or(|issued_at| issued_at <= offboarded_at.plus(CLOCK_SKEW_SECONDS_MAX))
    }

    /// Whether a developer reaches an account of others on the Install API: through an install, or because the account is connected.
    pub fn is_reachable(&self, developer: &AccountId, account: &AccountId, livemode: Livemode) -> bool {
        self.is_connected(developer, account) || self.reach(developer, account, livemode).is_some()
    }

    /// Whether an account is connected to a developer (`connected_to`).
    pub fn is_connected(&self, developer: &AccountId, account: &AccountId) -> bool {
        self.account(account).is_some_and(|account| account.connected_to.contains(developer))
    }

    /// Where the apps of `developer` keep secrets on an account: for what ends or erases a namespace, never for what reads one (law 5).
    pub(crate) fn namespace(developer: &AccountId, account: &AccountId, livemode: Livemode) -> Namespace {
        Namespace { developer: developer.clone(), account: account.clone(), livemode }
    }

    /// The access of the version that an install stands at.
    pub fn access_of(&self, install: &super::install::Install) -> Option<ApiAccess> {
        self.standing(install).map(|standing| standing.upload.manifest.api_access)
    }
}

/// An account's own restricted key may do nothing with secrets (contract 12.9).
fn without_permissions(credential: &Credential) -> Principal {
    let (own, livemode) = (credential.account.clone(), credential.livemode);
    Principal {
        namespace: Namespace { developer: own.clone(), account: own, livemode },
        reach: Reach::Backend,
        permissions: Permissions::default(),
        app: None,
        being_erased: None,
    }
}
