//! Kept results of the Install API's writes (contract 10.13). No kept result holds a code.

use super::codec::{Decoder, Encoder, Layout, layout, variants};
use super::credential::CredentialKey;
use super::install::{Channel, InstallView};
use crate::id::{AccountId, InstallId, RequestId};
use crate::time::Timestamp;

/// Which operation was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptOperation {
    /// 10.2
    Create,
    /// 10.4
    Reauthorize,
    /// 10.5
    Uninstall,
}
variants!(KeptOperation { Create = 0, Reauthorize = 1, Uninstall = 2 });

/// What an operation came to, refusals of its state included (contract 7.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptInstallResult {
    /// The install, without a code.
    Done(Box<InstallView>),
    /// It was refused for what was there.
    Refused(StateRefusal),
}

/// Why an operation of the Install API is refused for what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateRefusal {
    /// 18.8: the app is installed there on that channel.
    OtherChannel(Channel),
    /// 18.9: there is nothing to install on the channel.
    NothingToInstall(Channel),
    /// 18.14: the account is not connected to the caller.
    NotConnected,
    /// 18.15: something would be newly granted.
    WouldGrant,
}

impl Layout for KeptInstallResult {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Done(view) => {
                out.fixed(&[0]);
                view.encode(out);
            }
            Self::Refused(refusal) => {
                out.fixed(&[1]);
                refusal.encode(out);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        Some(match input.fixed()? {
            [0] => Self::Done(Layout::decode(input)?),
            [1] => Self::Refused(Layout::decode(input)?),
            _ => return None,
        })
    }
}

impl Layout for StateRefusal {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::OtherChannel(channel) => {
                out.fixed(&[0]);
                channel.encode(out);
            }
            Self::NothingToInstall(channel) => {
                out.fixed(&[1]);
                channel.encode(out);
            }
            Self::NotConnected => out.fixed(&[2]),
            Self::WouldGrant => out.fixed(&[3]),
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        Some(match input.fixed()? {
            [0] => Self::OtherChannel(Layout::decode(input)?),
            [1] => Self::NothingToInstall(Layout::decode(input)?),
            [2] => Self::NotConnected,
            [3] => Self::WouldGrant,
            _ => return None,
        })
    }
}

/// The first finished result under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptInstall {
    /// The keyed hash of the credential's account, the mode, the account acted on and the key.
    pub key: [u8; 32],
    /// The credential's account: what is kept for it is limited (contract 10.13).
    pub account: AccountId,
    /// The keyed hash of the operation and its parameters.
    pub fingerprint: [u8; 32],
    /// The request that came first.
    pub original: RequestId,
    /// Which operation.
    pub operation: KeptOperation,
    /// The install that was meant; of a create that was refused there is none.
    pub install: Option<InstallId>,
    /// What was answered.
    pub result: KeptInstallResult,
    /// The keyed hash of the code that was answered last; a replay brings a fresh one as long as nobody used it.
    pub code: Option<CredentialKey>,
    /// When.
    pub kept_at: Timestamp,
}
layout!(KeptInstall { key, account, fingerprint, original, operation, install, result, code, kept_at });

impl KeptInstall {
    /// Bytes of its record.
    pub fn bytes(&self) -> usize {
        let mut out = Encoder::default();
        self.encode(&mut out);
        out.finish().len()
    }
}
