//! What is told to developers and accounts (contract section 17). No event holds a secret, a name of one, a code, a token or a key.

use super::install::InstallView;
use crate::id::{AccountId, ClientId, EventId, RequestId};
use crate::livemode::Livemode;
use crate::time::Timestamp;

/// One event for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// Who gets it.
    pub recipient: AccountId,
    /// The other account that it is of; `None` on the recipient's own.
    pub of: Option<AccountId>,
    /// The mode.
    pub livemode: Livemode,
    /// When it happened.
    pub created_at: Timestamp,
    /// The request that did it, for the account whose key made it.
    pub request: Option<EventRequest>,
    /// What happened.
    pub subject: Subject,
}

/// The request behind an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRequest {
    /// Its id.
    pub id: RequestId,
    /// Its idempotency key.
    pub idempotency_key: Option<String>,
}

/// What an event tells (contract 17.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// `apps.install.created`
    InstallCreated(Box<InstallView>),
    /// `apps.install.updated`, with the install as it was.
    InstallUpdated {
        /// As it is now.
        now: Box<InstallView>,
        /// As it was.
        before: Box<InstallView>,
    },
    /// `apps.install.deleted`
    InstallDeleted(Box<InstallView>),
    /// `account.application.authorized`
    Authorized {
        /// The app.
        app: ClientId,
        /// Its name.
        name: String,
    },
    /// `account.application.deauthorized`
    Deauthorized {
        /// The app.
        app: ClientId,
        /// Its name.
        name: String,
    },
}

impl Subject {
    /// The type of the event.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::InstallCreated(_) => "apps.install.created",
            Self::InstallUpdated { .. } => "apps.install.updated",
            Self::InstallDeleted(_) => "apps.install.deleted",
            Self::Authorized { .. } => "account.application.authorized",
            Self::Deauthorized { .. } => "account.application.deauthorized",
        }
    }
}
