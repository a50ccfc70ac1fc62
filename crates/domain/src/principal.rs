//! Who is calling, as far as the rules care.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::id::{AppId, UserId};
use crate::place::Namespace;

/// A permission that an app asks for and an installing account grants (contract 5.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Permission {
    /// `secret_write`: all four operations.
    SecretWrite,
    /// `secret_read`, ours: find and list.
    SecretRead,
}

/// The permissions that count here, as a set. Other permissions of an app are carried elsewhere and ignored here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Holds `secret_write`, which includes `secret_read`.
    pub write: bool,
    /// Holds `secret_read`.
    pub read: bool,
}

impl Permissions {
    /// Everything: what an account may do in its own namespace.
    pub const ALL: Self = Self { write: true, read: true };

    /// What both sets hold; `secret_write` includes `secret_read`.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self { write: self.write && other.write, read: (self.read || self.write) && (other.read || other.write) }
    }

    /// What either set holds.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self { write: self.write || other.write, read: self.read || other.read }
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::default(), |set, permission| match permission {
            Permission::SecretWrite => Self { write: true, ..set },
            Permission::SecretRead => Self { read: true, ..set },
        })
    }
}

/// How far a credential reaches inside its namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Reach {
    /// An app backend: every scope.
    Backend,
    /// A UI extension: the account scope and the scope of this user (contract 5.5).
    Extension(UserId),
}

/// The authenticated caller of one request. Its place is computed from the credential and the account it may act on (law 5).
#[derive(Clone, Debug)]
pub struct Principal {
    /// Where the caller's secrets live.
    pub namespace: Namespace,
    /// How far the credential reaches there.
    pub reach: Reach,
    /// What it may do there.
    pub permissions: Permissions,
    /// The app a credential was issued for; `None` for a developer's own secret key.
    pub app: Option<AppId>,
    /// Users of the account whose scopes are being erased; `None` where there is nobody (contract 14.8).
    pub being_erased: Option<Arc<BTreeSet<UserId>>>,
}
