//! The directory: accounts, users, apps, installs, credentials, OAuth grants, webhook endpoints and erasures, as one typed value.
//!
//! `state` holds it and finds things in it, `access` says who a credential is, `record` what it is made of, `change` and `decision` how it
//! changes: a pure function decides, the whole change is committed, then it is applied. The other modules are the records themselves.

pub mod access;
pub mod account;
pub mod app;
pub mod change;
mod codec;
pub mod credential;
pub mod decision;
pub mod endpoint;
pub mod erasure;
pub mod event;
pub mod grant;
pub mod install;
pub mod kept;
pub mod record;
pub mod secret;
pub mod state;

use std::fmt;

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
