//! Apps, their uploads and releases, and what they ask for.

use std::collections::{BTreeMap, BTreeSet};

use super::codec::{Decoder, Encoder, Layout, layout, variants};
use super::secret::RollableSecret;
use crate::id::{AccountId, AppId, AppPublicId, ClientId};
use crate::time::Timestamp;

/// How the backend of an app gets its credentials (contract 15.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiAccess {
    /// The developer's own secret key with `Stripe-Account`.
    #[default]
    Platform,
    /// OAuth tokens of each install.
    OAuth,
    /// A restricted key of each install.
    RestrictedApiKey,
}
variants!(ApiAccess { Platform = 0, OAuth = 1, RestrictedApiKey = 2 });

impl ApiAccess {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Platform, Self::OAuth, Self::RestrictedApiKey];

    /// The word of manifests and platform files.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::OAuth => "oauth",
            Self::RestrictedApiKey => "restricted_api_key",
        }
    }

    /// The access of that word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|access| access.as_str() == text)
    }
}

/// What an app asks for, or what of it an account has granted: permissions, hosts that its UI extension may reach, endpoints. Sets, so that
/// every list on the wire is sorted and without duplicates (contract 11.4). Only permissions have an effect here (contract 11.5).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asks {
    /// Names of permissions.
    pub permissions: BTreeSet<String>,
    /// The content security policy's `connect-src`.
    pub connect_src: BTreeSet<String>,
    /// Its `image-src`.
    pub image_src: BTreeSet<String>,
    /// Declared endpoints.
    pub endpoints: BTreeSet<String>,
}
layout!(Asks { permissions, connect_src, image_src, endpoints });

impl Asks {
    /// What both hold.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.zip(other, |own, others| own.intersection(others).cloned().collect())
    }

    /// What either holds.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.zip(other, |own, others| own.union(others).cloned().collect())
    }

    /// What this holds and the other does not.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        self.zip(other, |own, others| own.difference(others).cloned().collect())
    }

    /// Whether this holds nothing.
    pub fn is_empty(&self) -> bool {
        self.permissions.is_empty()
            && self.connect_src.is_empty()
            && self.image_src.is_empty()
            && self.endpoints.is_empty()
    }

    fn zip(&self, other: &Self, join: fn(&BTreeSet<String>, &BTreeSet<String>) -> BTreeSet<String>) -> Self {
        Self {
            permissions: join(&self.permissions, &other.permissions),
            connect_src: join(&self.connect_src, &other.connect_src),
            image_src: join(&self.image_src, &other.image_src),
            endpoints: join(&self.endpoints, &other.endpoints),
        }
    }
}

/// What a manifest, or an app of the platform file, says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The version, for people.
    pub version: String,
    /// The app's name, for people.
    pub name: String,
    /// What it asks for.
    pub asks: Asks,
    /// Why it asks, by permission, for people.
    pub purposes: BTreeMap<String, String>,
    /// How its backend gets its credentials.
    pub api_access: ApiAccess,
    /// Where a browser may be sent after an install, the first by default (contract 15.11).
    pub redirect_uris: Vec<String>,
}
layout!(Manifest { version, name, asks, purposes, api_access, redirect_uris });

/// One upload of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// Counts the app's uploads from 1.
    pub number: u32,
    /// What was uploaded.
    pub manifest: Manifest,
    /// When.
    pub uploaded_at: Timestamp,
}
layout!(Upload { number, manifest, uploaded_at });

/// An app of a developer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct App {
    /// Its id in manifests and install links.
    pub id: AppId,
    /// Its id in the Install API.
    pub public_id: AppPublicId,
    /// Its OAuth client id.
    pub client_id: ClientId,
    /// The developer's account.
    pub owner: AccountId,
    /// Its uploads, by number; never empty. Old ones that nothing refers to are dropped.
    pub uploads: BTreeMap<u32, Upload>,
    /// The releases by number, from 1, each the number of an upload; the last one is the published version. Empty: private. Releases that
    /// every public install has been carried beyond are dropped, the last one never.
    pub releases: BTreeMap<u32, u32>,
    /// Signs what its UI extensions ask to have signed, and install links.
    pub signing_secret: RollableSecret,
    /// Whether dev mode made it up.
    pub made_up: bool,
    /// When it was created.
    pub created_at: Timestamp,
}
layout!(App { id, public_id, client_id, owner, uploads, releases, signing_secret, made_up, created_at });

impl App {
    /// Whether an install may stand elsewhere now than when the app was as `before`: it has been released again, or an upload is another.
    /// Releases are dropped only when every install is beyond them, and uploads when nothing refers to them.
    pub(super) fn moves_installs(&self, before: &Self) -> bool {
        let is_another = |(number, upload): (&u32, &Upload)| self.uploads.get(number).is_some_and(|now| now != upload);
        self.owner != before.owner
            || self.releases.iter().any(|(number, upload)| before.releases.get(number) != Some(upload))
            || (self.releases.is_empty() != before.releases.is_empty())
            || before.uploads.iter().any(is_another)
    }

    /// The newest upload.
    pub fn newest(&self) -> &Upload {
        self.uploads.values().next_back().expect("an app has an upload from its beginning")
    }

    /// The published version; `None` for a private app.
    pub fn published(&self) -> Option<&Upload> {
        self.uploads.get(self.releases.last_key_value()?.1)
    }

    /// The number of the last release; 0 for a private app.
    pub fn release(&self) -> u32 {
        self.releases.last_key_value().map_or(0, |(number, _)| *number)
    }

    /// What the platform's own pages install: the published version, or the newest upload of a private app (contract 15.12).
    pub fn offered(&self) -> &Upload {
        self.published().unwrap_or_else(|| self.newest())
    }
}

macro_rules! random_id_layout {
    ($($type:ty),*) => {
        $(impl Layout for $type {
            fn encode(&self, out: &mut Encoder) {
                out.fixed(self.suffix().as_bytes());
            }

            fn decode(input: &mut Decoder<'_>) -> Option<Self> {
                Self::from_suffix(&input.fixed::<{ <$type>::LENGTH }>()?)
            }
        })*
    };
}
random_id_layout!(AppPublicId, ClientId, crate::id::EndpointId, crate::id::RequestId);
