//! Envelope encryption and keyed hashes: everything between a payload in clear and what a store may see.
//!
//! The byte format is `docs/spec/sealed-v1.md`; `vectors/` holds examples of it that a second implementation opens in
//! `tests/second_opinion.rs`. This crate stores nothing, reads no clock and knows no HTTP.
//!
//! ```text
//! root key, in a file or behind a provider            root, provider
//! ├─ wraps the instance key, one per installation     instance
//! │    namespace tags, credential hashes, derived texts
//! └─ wraps a namespace key per namespace              keyring
//!      record key, tag key                            cipher
//! ```
//!
//! Read it in this order: `format` (bytes only), `key`, `kdf`, `mac`, `aead` (the three files that name the crypto library), `provider`,
//! `root`, `instance`, `cipher`, `keyring`.

mod aead;
mod cipher;
mod format;
mod hex;
mod instance;
mod kdf;
mod key;
mod keyring;
mod mac;
mod provider;
mod root;
mod signature;

pub use instance::Instance;
pub use kdf::NoRandomness;
pub use key::KeyMaterial;
pub use keyring::Keyring;
pub use provider::{KeyProvider, OpenError, ProviderError};
pub use root::{KeyFileError, RootKey, RootKeyId};
pub use signature::sign_payload;
