//! The Install API (contract sections 10 to 14 and 17): who installs which app where, what is granted, and how it ends.
//!
//! Everything here is decided on the directory as it is now, by functions that change nothing: an operation answers a
//! [`Decision`](crate::directory::decision::Decision), which is committed as one. So of sixteen creates one makes the install and the others
//! find it (contract 10.14). Consent, deauthorization, the operator and the platform file begin and end installs through [`lifecycle`].

pub mod code;
pub mod create;
pub mod events;
mod kept;
pub mod lifecycle;
pub mod list;
pub mod reauthorize;
pub mod retrieve;
pub mod rollout;
pub mod tidy;
pub mod uninstall;

use std::collections::BTreeSet;

use thiserror::Error;

use crate::directory::access::InstallCaller;
use crate::directory::app::App;
use crate::directory::change::AuditEntry;
use crate::directory::credential::CredentialKey;
use crate::directory::decision::{Context, Drawn};
use crate::directory::install::{Channel, Install, InstallView};
use crate::directory::kept::StateRefusal;
use crate::directory::state::{Directory, Standing};
use crate::id::{AccountId, InstallId, RequestId};
use crate::list::Cursor;
use crate::livemode::Livemode;

pub use code::issue_code;
pub use create::{CreateRequest, create};
pub use events::endpoints_for;
pub use kept::replay_unreachable;
pub use lifecycle::{
    Actor, NewInstall, authorize_all, begin_install, destroy_namespace, destroy_namespace_after, end_install,
    grant_exactly,
};
pub use list::{CreatedRange, InstallPage, ListRequest, list};
pub use reauthorize::reauthorize;
pub use retrieve::retrieve;
pub use rollout::carry;
pub use tidy::{Memory, tidy};
pub use uninstall::uninstall;

/// Where an install stands between its beginning and its end (contract 11.6). Here only the first and the last ever occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Something went wrong at the beginning.
    InstallFailed,
    /// It is there.
    Installed,
    /// It is about to be there.
    Installing,
    /// Something went wrong at the end.
    UninstallFailed,
    /// It is just going.
    Uninstalling,
}

impl Status {
    /// All of them, in alphabetical order.
    pub const ALL: [Self; 5] =
        [Self::InstallFailed, Self::Installed, Self::Installing, Self::UninstallFailed, Self::Uninstalling];

    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InstallFailed => "install_failed",
            Self::Installed => "installed",
            Self::Installing => "installing",
            Self::UninstallFailed => "uninstall_failed",
            Self::Uninstalling => "uninstalling",
        }
    }

    /// The status of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// What an account's restricted key needs on the Install API (contract 12.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// `app_install_read`, included in the other.
    Read,
    /// `app_install_write`.
    Write,
}

/// Why the Install API did not do what it was asked (contract section 18), by cause.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum InstallError {
    /// 18.1: the install is missing, not visible, or has ended.
    #[error("no such install")]
    NotFound,
    /// 18.2: the cursor names nothing in this list.
    #[error("unknown cursor")]
    UnknownCursor(Cursor),
    /// 6.20.
    #[error("both cursors")]
    BothCursors,
    /// 18.3: there is no such app, or none of the caller's where it has to be one.
    #[error("no such app")]
    UnknownApp,
    /// 18.6: an own key installs on the private channels only.
    #[error("an own key installs privately")]
    PrivateChannelNeeded,
    /// 18.7: a private channel of the other mode, or through `Stripe-Account`.
    #[error("not a channel for this caller")]
    PrivateChannelRefused {
        /// The private channel that the key's mode has; `None` through `Stripe-Account`.
        own: Option<Channel>,
    },
    /// 18.8, 18.9, 18.14 and 18.15: what is there refuses it. Kept under an idempotency key, as results are.
    #[error("refused for what is there")]
    State(StateRefusal),
    /// 18.10: another developer's app, publicly: embedding.
    #[error("an app of another developer")]
    Embedding,
    /// 18.12: the credential has not the right.
    #[error("the right is missing")]
    RightMissing(Right),
    /// 18.13: a developer acts on another account's install and does not name the account.
    #[error("the account is not named")]
    AccountNotNamed(AccountId),
    /// 18.16: a list of an account other than the one acted on.
    #[error("another account than the one acted on")]
    AccountNotActedOn,
    /// 6.25: the idempotency key was used with other parameters.
    #[error("idempotency key used with other parameters")]
    IdempotencyMismatch {
        /// The request that came first.
        original: RequestId,
    },
    /// 6.28: as many results are kept for the account as may be (contract 10.13).
    #[error("too much is kept for the account")]
    TooMuchKept,
}

impl From<StateRefusal> for InstallError {
    fn from(refusal: StateRefusal) -> Self {
        Self::State(refusal)
    }
}

/// What a write is answered, once its change is committed.
#[derive(Debug)]
pub struct Answered {
    /// The install; or why the state refuses, which is kept under an idempotency key like any other result (contract 7.4).
    pub result: Result<InstallView, StateRefusal>,
    /// The `auth_code` of a developer's create (contract 11.7).
    pub code: Option<Drawn>,
    /// The request that came first, when this is a replay.
    pub replay_of: Option<RequestId>,
}

impl Answered {
    /// An answer of the first time.
    pub(crate) fn first(result: Result<InstallView, StateRefusal>) -> Self {
        Self { result, code: None, replay_of: None }
    }
}

/// A write on one install, as a client asked for it.
#[derive(Clone, Copy, Debug)]
pub struct InstallRequest<'a> {
    /// The install's id, whatever the client sent.
    pub id: &'a str,
    /// The parameters in a canonical form, to tell a retry from another request.
    pub parameters: &'a [&'a [u8]],
}

/// A caller that has the right: the rows 12.1 to 12.4.
#[derive(Clone, Copy)]
pub(crate) enum Party<'a> {
    /// An account, as itself and as the developer of its apps.
    Own { account: &'a AccountId, livemode: Livemode, key: CredentialKey },
    /// A developer on another account.
    Developer { developer: &'a AccountId, account: &'a AccountId, livemode: Livemode, key: CredentialKey },
}

impl<'a> Party<'a> {
    /// The caller, if it has `right` (18.12).
    pub(crate) fn of(caller: &'a InstallCaller, right: Right) -> Result<Self, InstallError> {
        match caller {
            InstallCaller::Own { account, livemode, rights, key } => {
                let has = rights.write || (right == Right::Read && rights.read);
                if has {
                    Ok(Self::Own { account, livemode: *livemode, key: *key })
                } else {
                    Err(InstallError::RightMissing(right))
                }
            }
            InstallCaller::Developer { developer, account, livemode, key } => {
                Ok(Self::Developer { developer, account, livemode: *livemode, key: *key })
            }
            InstallCaller::App { .. } => Err(InstallError::RightMissing(right)),
        }
    }

    /// Whose key it is: the developer, where it asks for apps of its own.
    pub(crate) fn key_account(self) -> &'a AccountId {
        match self {
            Self::Own { account, .. } => account,
            Self::Developer { developer, .. } => developer,
        }
    }

    /// The account acted on.
    pub(crate) fn account(self) -> &'a AccountId {
        match self {
            Self::Own { account, .. } | Self::Developer { account, .. } => account,
        }
    }

    /// The mode of the key, and of all that it sees (12.7).
    pub(crate) fn livemode(self) -> Livemode {
        match self {
            Self::Own { livemode, .. } | Self::Developer { livemode, .. } => livemode,
        }
    }

    /// In whose name it acts.
    pub(crate) fn actor(self) -> Actor<'static> {
        match self {
            Self::Own { .. } => Actor::Account,
            Self::Developer { .. } => Actor::Developer,
        }
    }

    /// The entry of the audit log about what the caller does to an install: the account whose key it is, and which of its keys.
    pub(crate) fn entry(self, ctx: &Context<'_>, action: &str, install: &Install) -> AuditEntry {
        let (Self::Own { key, .. } | Self::Developer { key, .. }) = self;
        let mut entry = install_entry(ctx, self.key_account().as_str(), action, install);
        entry.subject.push(("key".to_owned(), key.to_string()));
        entry
    }

    /// The install of that id, if the caller sees it (12.1 to 12.3, 12.7).
    pub(crate) fn visible<'d>(self, directory: &'d Directory, id: &str) -> Result<&'d Install, InstallError> {
        let install = InstallId::parse(id).and_then(|id| directory.install(&id)).ok_or(InstallError::NotFound)?;
        let is_of_own_app = app_of(directory, install).owner == *self.key_account();
        let sees = match self {
            Self::Own { account, .. } => install.account == *account || is_of_own_app,
            Self::Developer { account, .. } => install.account == *account && is_of_own_app,
        };
        if sees && install.livemode() == self.livemode() { Ok(install) } else { Err(InstallError::NotFound) }
    }

    /// The install of that id, if the caller may also change it (18.1, then 18.13).
    pub(crate) fn changeable<'d>(self, directory: &'d Directory, id: &str) -> Result<&'d Install, InstallError> {
        let install = self.visible(directory, id)?;
        if install.account == *self.account() {
            Ok(install)
        } else {
            Err(InstallError::AccountNotNamed(install.account.clone()))
        }
    }
}

/// An entry of the audit log about an install that is about to be put: which it is, how it came, and which permissions are granted or
/// withdrawn by that, as far as there are some.
pub fn install_entry(ctx: &Context<'_>, by: &str, action: &str, install: &Install) -> AuditEntry {
    let granted = |install| ctx.directory.standing(install).map(|standing| standing.granted.permissions);
    let before = ctx.directory.install(&install.id).and_then(granted).unwrap_or_default();
    let now = granted(install).unwrap_or_default();
    let names = |these: &BTreeSet<String>, those| these.difference(those).cloned().collect::<Vec<_>>().join(" ");
    let subject = [
        ("install", install.id.to_string()),
        ("app", install.app.as_str().to_owned()),
        ("account", install.account.as_str().to_owned()),
        ("channel", install.channel.as_str().to_owned()),
        ("granted", names(&now, &before)),
        ("withdrawn", names(&before, &now)),
    ];
    let subject = subject.into_iter().filter(|(_, what)| !what.is_empty());
    AuditEntry {
        at: ctx.now,
        action: action.to_owned(),
        actor: by.to_owned(),
        subject: subject.map(|(word, what)| (word.to_owned(), what)).collect(),
    }
}

const LOADED: &str = "an install's app and its uploads are there once the directory is loaded";

/// The app of an install.
pub(crate) fn app_of<'d>(directory: &'d Directory, install: &Install) -> &'d App {
    directory.app(&install.app).expect(LOADED)
}

/// Where an install stands.
pub(crate) fn standing<'d>(directory: &'d Directory, install: &Install) -> Standing<'d> {
    directory.standing(install).expect(LOADED)
}

/// An install as clients see it, also one that is only about to be put.
pub(crate) fn view(directory: &Directory, install: &Install) -> InstallView {
    directory.view(install).expect(LOADED)
}
