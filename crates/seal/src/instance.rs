//! The instance key at work: one per installation, for what belongs to no namespace.

use std::sync::Arc;

use cholla_domain::directory::CredentialHash;
use cholla_domain::id::alphanumerics;
use cholla_domain::place::{Namespace, push_field};
use cholla_domain::ports::WrappedKeyStore;
use cholla_domain::tag::NamespaceTag;
use zeroize::Zeroizing;

use crate::key::KeyMaterial;
use crate::mac::MacKey;
use crate::provider::{self, KeyProvider, OpenError};
use crate::{format, kdf};

/// Characters of a derived text: two bytes each of the 8,160 that HKDF-SHA-256 gives.
const TEXT_CHARS_MAX: usize = 4_080;

/// The instance key at work. Wiped when dropped; cannot be printed or cloned.
pub struct Instance {
    namespace_tags: MacKey,
    credentials: MacKey,
    texts: KeyMaterial,
}

impl Instance {
    /// Reads the instance key from the store, or creates and keeps it when there is none.
    ///
    /// # Errors
    /// When the store or the provider does not answer, holds the key of another root key, or holds something else.
    pub async fn open(provider: Arc<dyn KeyProvider>, store: Arc<dyn WrappedKeyStore>) -> Result<Self, OpenError> {
        let key = provider::find_or_create(&*provider, &*store, NamespaceTag::INSTANCE).await?;
        let mac_key = |label| MacKey::new(kdf::derive(&key, label, &[]).expose_bytes());
        Ok(Self {
            namespace_tags: mac_key(format::INSTANCE_NAMESPACE_TAGS),
            credentials: mac_key(format::INSTANCE_CREDENTIALS),
            texts: kdf::derive(&key, format::INSTANCE_TEXTS, &[]),
        })
    }

    /// The keyed hash under which the directory knows an API key.
    pub fn credential_hash(&self, key: &[u8]) -> CredentialHash {
        CredentialHash::from_bytes(self.credentials.hash(|mac| mac.fixed(key)))
    }

    /// A text of `length` letters and digits that this installation always has under `label`: what dev mode makes up survives restarts
    /// without being stored. Texts of another label or another length tell nothing of it.
    ///
    /// # Panics
    /// When `length` is more than 4,080.
    pub fn derive_alphanumerics(&self, label: &str, length: usize) -> Zeroizing<String> {
        assert!(length <= TEXT_CHARS_MAX, "a derived text has at most {TEXT_CHARS_MAX} characters");
        let length = u32::try_from(length).expect("4,080 fits 32 bits");
        let mut context = length.to_be_bytes().to_vec();
        push_field(&mut context, label.as_bytes());
        let mut random = Zeroizing::new(vec![0; 2 * length as usize]);
        kdf::expand(&self.texts, format::TEXT, &context, &mut random);
        let mut text = Zeroizing::new(String::with_capacity(length as usize));
        text.extend(alphanumerics(&random));
        text
    }

    /// The keyed hash of a namespace, from its canonical encoding.
    pub(crate) fn namespace_tag(&self, namespace: &Namespace) -> NamespaceTag {
        NamespaceTag::from_bytes(self.namespace_tags.hash(|mac| mac.fixed(&namespace.canonical())))
    }
}
