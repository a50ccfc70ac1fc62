//! Installs: an app on an account, in one mode, with what the account has granted.

use super::app::{App, Asks};
use super::codec::{Decoder, Encoder, Layout, layout, variants};
use super::credential::CredentialKey;
use crate::id::{AccountId, AppId, AppPublicId, InstallId};
use crate::livemode::Livemode;
use crate::time::Timestamp;

/// How an app came to an account (contract 13.1). `review` never occurs here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// The newest upload on its owner's own account, in live mode.
    PrivateLive,
    /// The newest upload on its owner's own account, in test mode.
    PrivateTest,
    /// The published version.
    Public,
    /// The newest upload on an account other than the owner's.
    Testing,
}
variants!(Channel { PrivateLive = 0, PrivateTest = 1, Public = 2, Testing = 3 });

impl Channel {
    /// All of them, in alphabetical order.
    pub const ALL: [Self; 4] = [Self::PrivateLive, Self::PrivateTest, Self::Public, Self::Testing];

    /// The word of the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PrivateLive => "private_live",
            Self::PrivateTest => "private_test",
            Self::Public => "public",
            Self::Testing => "testing",
        }
    }

    /// The channel of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == text)
    }

    /// The private channel of a mode.
    pub fn private(livemode: Livemode) -> Self {
        if livemode.is_live() { Self::PrivateLive } else { Self::PrivateTest }
    }
}

/// An install. At most one exists per app, account and mode (contract 10.14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Install {
    /// Its id; it ends with it.
    pub id: InstallId,
    /// The app.
    pub app: AppId,
    /// The installing account.
    pub account: AccountId,
    /// How it came.
    pub channel: Channel,
    /// The upload that is installed. A `public` install follows the releases of its app: what it stands at is
    /// [`Directory::standing`](super::state::Directory::standing), this is how far its grants have been carried.
    pub version: u32,
    /// The number of the release that a `public` install has been carried to; 0 on other channels.
    pub release: u32,
    /// What the account has granted of what that version asks for.
    pub granted: Asks,
    /// When it was installed.
    pub created_at: Timestamp,
    /// Counts installs: of two made in one second the later has the larger one.
    pub sequence: u64,
    /// The live restricted key of an app with that access (contract 16.2).
    pub restricted_key: Option<CredentialKey>,
}
layout!(Install { id, app, account, channel, version, release, granted, created_at, sequence, restricted_key });

impl Install {
    /// The mode.
    pub fn livemode(&self) -> Livemode {
        self.id.livemode()
    }

    /// Whether its app has been released since the release that it was carried to (contract 13.7).
    pub fn is_behind(&self, app: &App) -> bool {
        self.release > 0 && self.release < app.release()
    }
}

/// An install as clients see it (contract 11.1), at one moment. It holds no code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallView {
    /// Its id.
    pub id: InstallId,
    /// The installing account.
    pub account: AccountId,
    /// The app's id in the Install API.
    pub app: AppPublicId,
    /// How it came.
    pub channel: Channel,
    /// When.
    pub created_at: Timestamp,
    /// What is granted.
    pub granted: Asks,
    /// What the version asks for and is not granted.
    pub pending: Asks,
    /// Whether it is just being uninstalled (contract 11.6).
    pub uninstalling: bool,
}
layout!(InstallView { id, account, app, channel, created_at, granted, pending, uninstalling });

impl InstallView {
    /// Whether the account has something to approve (contract 13.7).
    pub fn approval_required(&self) -> bool {
        !self.pending.is_empty()
    }
}

/// An install that ended: its id still marks a place in lists for a while (contract 10.11), its grants bound a developer's reinstall
/// (contract 13.4), and its id is never used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedInstall {
    /// The install as it was.
    pub install: Install,
    /// When it ended.
    pub ended_at: Timestamp,
}
layout!(EndedInstall { install, ended_at });

impl Layout for InstallId {
    fn encode(&self, out: &mut Encoder) {
        self.livemode().encode(out);
        out.fixed(self.suffix().as_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        let livemode = Livemode::decode(input)?;
        Self::from_suffix(livemode, &input.fixed::<{ Self::LENGTH }>()?)
    }
}
