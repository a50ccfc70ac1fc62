//! Envelope encryption and keyed hashes: everything between a payload in clear and what a store may see.
//!
//! The byte format is `docs/spec/sealed-v1.md`; `vectors/` holds examples of it that a second implementation opens in
//! `tests/second_opinion.rs`. This crate stores nothing, reads no clock and knows no HTTP.
//!
//! ```text
//! root key, in a file or behind a provider            root, provider
//! ├─ wraps the instance key, one per installation     instance
//! │    namespace tags, credential hashes, derived texts; entries of the directory, the outbox and the audit log
//! │    seeds the key that signs receipts              receipt
//! └─ wraps a namespace key per namespace              keyring
//!      record key, tag key                            cipher
//! ```
//!
//! Read it in this order: `format` (bytes only), `key`, `kdf`, `mac`, `aead`, `provider`, `root`, `receipt`, `instance`, `cipher`, `keyring`.
//! What needs no key of ours stands apart: `digest`, `signature` (with the secrets of apps and endpoints), `verification` (with the public
//! keys of others). Only `kdf`, `mac`, `aead`, `receipt`, `digest` and `verification` name the crypto library.

mod aead;
mod cipher;
mod digest;
mod format;
mod hex;
mod instance;
mod kdf;
mod key;
mod keyring;
mod mac;
mod provider;
mod receipt;
mod root;
mod signature;
mod verification;

pub use digest::{code_challenge, is_same_text, key_id, sha256};
pub use instance::Instance;
pub use kdf::NoRandomness;
pub use key::KeyMaterial;
pub use keyring::Keyring;
pub use provider::{KeyProvider, OpenError, ProviderError};
pub use receipt::ReceiptSigner;
pub use root::{KeyFileError, RootKey, RootKeyId};
pub use signature::sign_payload;
pub use verification::VerificationKey;
