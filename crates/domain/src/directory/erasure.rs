//! The end of a namespace: the grace period, the erasure, and the receipt (contract 14.5 to 14.7).

use super::codec::{Decoder, Encoder, Layout, layout};
use super::state::Directory;
use crate::id::{AccountId, UserId};
use crate::livemode::Livemode;
use crate::place::Namespace;
use crate::tag::ErasureId;
use crate::time::Timestamp;

/// A namespace whose last install has gone. Its secrets are unreachable until one comes back, and gone for good from `erase_at` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Which.
    pub namespace: Namespace,
    /// When its last install ended.
    pub ended_at: Timestamp,
    /// From that very second on they are gone (contract 14.6).
    pub erase_at: Timestamp,
}
layout!(Ending { namespace, ended_at, erase_at });

/// What is erased.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ErasureTarget {
    /// Everything in a namespace; its key is destroyed.
    Namespace(Namespace),
    /// All scopes of a user in an account, over all apps and both modes. The namespaces keep their keys.
    User {
        /// The account.
        account: AccountId,
        /// The user.
        user: UserId,
    },
}

/// An erasure, from the moment in which it was decided. It is finished when its receipt is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erasure {
    /// Which.
    pub id: ErasureId,
    /// What is erased.
    pub target: ErasureTarget,
    /// Names the destroyed key, where one was destroyed.
    pub key_id: Option<String>,
    /// When it was decided: from then on nothing of it can be read.
    pub started_at: Timestamp,
    /// The signed receipt, once everything is physically gone.
    pub receipt: Option<String>,
}
layout!(Erasure { id, target, key_id, started_at, receipt });

impl Layout for Namespace {
    fn encode(&self, out: &mut Encoder) {
        self.developer.encode(out);
        self.account.encode(out);
        self.livemode.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        let (developer, account) = (AccountId::decode(input)?, AccountId::decode(input)?);
        Some(Directory::namespace(&developer, &account, Livemode::decode(input)?))
    }
}

impl Layout for ErasureId {
    fn encode(&self, out: &mut Encoder) {
        out.fixed(self.as_bytes());
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        input.fixed().map(Self::from_bytes)
    }
}

impl Layout for ErasureTarget {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Namespace(namespace) => {
                out.fixed(&[0]);
                namespace.encode(out);
            }
            Self::User { account, user } => {
                out.fixed(&[1]);
                account.encode(out);
                user.encode(out);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        Some(match input.fixed()? {
            [0] => Self::Namespace(Layout::decode(input)?),
            [1] => Self::User { account: Layout::decode(input)?, user: Layout::decode(input)? },
            _ => return None,
        })
    }
}
