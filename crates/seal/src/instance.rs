//! The instance key at work: one per installation, for what belongs to no namespace.

use std::sync::Arc;

use cholla_domain::directory::CredentialHash;
use cholla_domain::error::{SealError, StoreError};
use cholla_domain::id::alphanumerics;
use cholla_domain::payload::Sealed;
use cholla_domain::place::{Namespace, push_field};
use cholla_domain::ports::{DirectoryCipher, Revision, WrappedKeyStore};
use cholla_domain::tag::{NamespaceTag, RecordTag};
use zeroize::Zeroizing;

use crate::aead::AeadKey;
use crate::key::KeyMaterial;
use crate::mac::MacKey;
use crate::provider::{self, KeyProvider, OpenError};
use crate::receipt::ReceiptSigner;
use crate::{format, kdf};

/// Characters of a derived text: two bytes each of the 8,160 that HKDF-SHA-256 gives.
const TEXT_CHARS_MAX: usize = 4_080;

/// The instance key at work. Wiped when dropped; cannot be printed or cloned.
pub struct Instance {
    namespace_tags: MacKey,
    credentials: MacKey,
    texts: KeyMaterial,
    record_tags: MacKey,
    entries: AeadKey,
    receipts: ReceiptSigner,
}

impl Instance {
    /// Reads the instance key from the store, or creates and keeps it when there is none.
    ///
    /// # Errors
    /// When the store or the provider does not answer, holds the key of another root key, or holds something else.
    pub async fn open(provider: Arc<dyn KeyProvider>, store: Arc<dyn WrappedKeyStore>) -> Result<Self, OpenError> {
        let key = provider::find_or_create(&*provider, &*store, NamespaceTag::INSTANCE, Revision::default()).await?;
        let key =
            key.ok_or_else(|| StoreError::Corrupt("the installation itself was closed like a namespace".into()))?;
        let derived = |label| kdf::derive(&key, label, &[]);
        let mac_key = |label| MacKey::new(derived(label).expose_bytes());
        Ok(Self {
            namespace_tags: mac_key(format::INSTANCE_NAMESPACE_TAGS),
            credentials: mac_key(format::INSTANCE_CREDENTIALS),
            texts: derived(format::INSTANCE_TEXTS),
            record_tags: mac_key(format::INSTANCE_RECORD_TAGS),
            entries: AeadKey::new(&derived(format::INSTANCE_ENTRIES)),
            receipts: ReceiptSigner::new(&derived(format::INSTANCE_RECEIPTS)),
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

    /// Signs this installation's erasure receipts.
    pub fn receipts(&self) -> &ReceiptSigner {
        &self.receipts
    }

    /// The keyed hash of a namespace, from its canonical encoding.
    pub fn namespace_tag(&self, namespace: &Namespace) -> NamespaceTag {
        NamespaceTag::from_bytes(self.namespace_tags.hash(|mac| mac.fixed(&namespace.canonical())))
    }
}

impl DirectoryCipher for Instance {
    fn credential_hash(&self, value: &[u8]) -> CredentialHash {
        self.credential_hash(value)
    }

    fn record_tag(&self, kind: u8, fields: &[&[u8]]) -> RecordTag {
        RecordTag::from_bytes(self.record_tags.hash(|mac| {
            mac.fixed(&[kind]);
            for field in fields {
                mac.field(field);
            }
        }))
    }

    fn seal_entry(&self, kind: u8, context: &[u8], plaintext: &[u8]) -> Result<Sealed, SealError> {
        let mut buffer = format::entry(plaintext);
        format::with_entry_associated_data(kind, context, |associated_data| {
            self.entries.seal_in_place(associated_data, format::RECORD_HEADER, &mut buffer)
        })
        .map_err(|error| SealError::Unavailable(Box::new(error)))?;
        Ok(Sealed::assertion(std::mem::take(&mut *buffer)))
    }

    fn open_entry(&self, kind: u8, context: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let sealed = format::sealed_part(sealed).ok_or(SealError::Tampered)?;
        format::with_entry_associated_data(kind, context, |associated_data| self.entries.open(associated_data, sealed))
            .ok_or(SealError::Tampered)
    }
}
