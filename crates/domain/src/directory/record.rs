//! What the directory is made of, record by record, and what identifies each.

use zeroize::Zeroizing;

use super::account::{Account, User};
use super::app::App;
pub use super::codec::SharedIds;
use super::codec::{Decoder, Encoder, Layout};
use super::credential::{Credential, CredentialKey};
use super::endpoint::Endpoint;
use super::erasure::{Ending, Erasure};
use super::grant::Grant;
use super::install::{EndedInstall, Install};
use super::kept::KeptInstall;
use crate::id::{AccountId, AppId, EndpointId, InstallId, UserId};
use crate::place::Namespace;
use crate::ports::{DirectoryCipher, RecordKey};
use crate::tag::{ErasureId, RecordTag};

/// The version of every layout so far.
const LAYOUT: u8 = 1;

/// One record of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// An account.
    Account(Account),
    /// A user of an account.
    User(User),
    /// An app.
    App(Box<App>),
    /// An install.
    Install(Box<Install>),
    /// An install that ended.
    Ended(Box<EndedInstall>),
    /// A credential.
    Credential(Box<Credential>),
    /// What OAuth knows of an install.
    Grant(Box<Grant>),
    /// A webhook endpoint.
    Endpoint(Box<Endpoint>),
    /// A namespace in its grace period.
    Ending(Ending),
    /// An erasure.
    Erasure(Box<Erasure>),
    /// A kept result of the Install API.
    Kept(Box<KeptInstall>),
}

/// What identifies a record.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RecordName {
    /// By its id.
    Account(AccountId),
    /// By account and user.
    User(AccountId, UserId),
    /// By its manifest id.
    App(AppId),
    /// By its id.
    Install(InstallId),
    /// By its id.
    Ended(InstallId),
    /// By the half of its keyed hash.
    Credential(CredentialKey),
    /// By the install.
    Grant(InstallId),
    /// By its id.
    Endpoint(EndpointId),
    /// By the namespace.
    Ending(Namespace),
    /// By its id.
    Erasure(ErasureId),
    /// By the keyed hash.
    Kept([u8; 32]),
}

impl RecordName {
    /// The number of the kind. Changing one makes what is stored unreadable.
    pub fn kind(&self) -> u8 {
        match self {
            Self::Account(_) => 1,
            Self::User(..) => 2,
            Self::App(_) => 3,
            Self::Install(_) => 4,
            Self::Ended(_) => 5,
            Self::Credential(_) => 6,
            Self::Grant(_) => 7,
            Self::Endpoint(_) => 8,
            Self::Ending(_) => 9,
            Self::Erasure(_) => 10,
            Self::Kept(_) => 11,
        }
    }

    /// Where the store keeps the record. What is a keyed hash already is not hashed again.
    pub fn key(&self, cipher: &dyn DirectoryCipher) -> RecordKey {
        let kind = self.kind();
        let hash = |fields: &[&[u8]]| cipher.record_tag(kind, fields);
        let tag = match self {
            Self::Account(id) => hash(&[id.as_str().as_bytes()]),
            Self::User(account, user) => hash(&[account.as_str().as_bytes(), user.as_str().as_bytes()]),
            Self::App(id) => hash(&[id.as_str().as_bytes()]),
            Self::Install(id) | Self::Ended(id) | Self::Grant(id) => {
                hash(&[id.livemode().as_str().as_bytes(), id.suffix().as_bytes()])
            }
            Self::Credential(key) => RecordTag::from_bytes(*key.as_bytes()),
            Self::Endpoint(id) => hash(&[id.suffix().as_bytes()]),
            Self::Ending(namespace) => hash(&[&namespace.canonical()]),
            Self::Erasure(id) => RecordTag::from_bytes(*id.as_bytes()),
            Self::Kept(key) => hash(&[key]),
        };
        RecordKey { kind, tag }
    }
}

impl Record {
    /// What identifies it.
    pub fn name(&self) -> RecordName {
        match self {
            Self::Account(account) => RecordName::Account(account.id.clone()),
            Self::User(user) => RecordName::User(user.account.clone(), user.id.clone()),
            Self::App(app) => RecordName::App(app.id.clone()),
            Self::Install(install) => RecordName::Install(install.id),
            Self::Ended(ended) => RecordName::Ended(ended.install.id),
            Self::Credential(credential) => RecordName::Credential(credential.key),
            Self::Grant(grant) => RecordName::Grant(grant.install),
            Self::Endpoint(endpoint) => RecordName::Endpoint(endpoint.id),
            Self::Ending(ending) => RecordName::Ending(ending.namespace.clone()),
            Self::Erasure(erasure) => RecordName::Erasure(erasure.id),
            Self::Kept(kept) => RecordName::Kept(kept.key),
        }
    }

    /// Its bytes, before they are sealed.
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Encoder::default();
        out.fixed(&[LAYOUT]);
        match self {
            Self::Account(record) => record.encode(&mut out),
            Self::User(record) => record.encode(&mut out),
            Self::App(record) => record.encode(&mut out),
            Self::Install(record) => record.encode(&mut out),
            Self::Ended(record) => record.encode(&mut out),
            Self::Credential(record) => record.encode(&mut out),
            Self::Grant(record) => record.encode(&mut out),
            Self::Endpoint(record) => record.encode(&mut out),
            Self::Ending(record) => record.encode(&mut out),
            Self::Erasure(record) => record.encode(&mut out),
            Self::Kept(record) => record.encode(&mut out),
        }
        out.finish()
    }

    /// Reads a record of `kind`. `None` for bytes that were never written so, such as those of a later version.
    pub fn decode(kind: u8, bytes: &[u8]) -> Option<Self> {
        Self::read(kind, Decoder::new(bytes))
    }

    /// Reads one of many records. The ids of accounts and apps that are in `shared` already are not copied once more.
    pub fn decode_sharing(kind: u8, bytes: &[u8], shared: &mut SharedIds) -> Option<Self> {
        Self::read(kind, Decoder::sharing(bytes, shared))
    }

    fn read(kind: u8, mut input: Decoder<'_>) -> Option<Self> {
        if input.fixed()? != [LAYOUT] {
            return None;
        }
        let input = &mut input;
        let record = match kind {
            1 => Self::Account(Layout::decode(input)?),
            2 => Self::User(Layout::decode(input)?),
            3 => Self::App(Box::new(Layout::decode(input)?)),
            4 => Self::Install(Box::new(Layout::decode(input)?)),
            5 => Self::Ended(Box::new(Layout::decode(input)?)),
            6 => Self::Credential(Box::new(Layout::decode(input)?)),
            7 => Self::Grant(Box::new(Layout::decode(input)?)),
            8 => Self::Endpoint(Box::new(Layout::decode(input)?)),
            9 => Self::Ending(Layout::decode(input)?),
            10 => Self::Erasure(Box::new(Layout::decode(input)?)),
            11 => Self::Kept(Box::new(Layout::decode(input)?)),
            _ => return None,
        };
        input.is_at_end().then_some(record)
    }
}
