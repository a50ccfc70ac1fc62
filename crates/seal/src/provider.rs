//! Who holds the root key, and the keys that it wraps.

use async_trait::async_trait;
use cholla_domain::error::{Cause, SealError, StoreError};
use cholla_domain::ports::{Revision, WrappedKey, WrappedKeyStore};
use cholla_domain::tag::NamespaceTag;
use thiserror::Error;

use crate::format;
use crate::kdf::{self, NoRandomness};
use crate::key::KeyMaterial;
use crate::root::RootKeyId;

/// Wraps keys under a root key that this process may never see. [`RootKey`](crate::RootKey) is the provider of a key in a file.
///
/// What `wrap` answers is stored as it is. Its first byte is the format: `1` is that of `docs/spec/sealed-v1.md`.
#[async_trait]
pub trait KeyProvider: Send + Sync {
    /// Wraps `key`, bound to `associated_data`.
    ///
    /// # Errors
    /// [`ProviderError::Unavailable`].
    async fn wrap(&self, key: &KeyMaterial, associated_data: &[u8]) -> Result<WrappedKey, ProviderError>;

    /// Unwraps what [`wrap`](Self::wrap) wrapped with the same `associated_data`.
    ///
    /// # Errors
    /// [`ProviderError::WrongRootKey`] for the work of another root key, [`ProviderError::Tampered`] for anything else that was not wrapped so.
    async fn unwrap(&self, wrapped: &WrappedKey, associated_data: &[u8]) -> Result<KeyMaterial, ProviderError>;
}

/// Why a key was not wrapped or unwrapped.
#[derive(Debug, Error)]
pub enum ProviderError {
    /// The provider does not answer; a retry may help.
    #[error("the key provider is unavailable")]
    Unavailable(#[source] Cause),
    /// The key was wrapped by another root key.
    #[error(
        "this data was sealed under root key {needs}, the root key given is {has}: give the one that belongs to this data"
    )]
    WrongRootKey {
        /// The root key that wrapped it.
        needs: RootKeyId,
        /// The root key at hand.
        has: RootKeyId,
    },
    /// The wrapped key is not as it was wrapped, or was wrapped for another row.
    #[error("a wrapped key was tampered with")]
    Tampered,
}

/// Why a key was not loaded from its row.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The provider did not do it.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// No new key could be drawn.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

/// A wrong root key becomes "unavailable": giving the right one helps, and its message is kept for the log.
impl From<OpenError> for SealError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Provider(ProviderError::Tampered) => Self::Tampered,
            error => Self::Unavailable(Box::new(error)),
        }
    }
}

/// Unwraps the key kept under `tag`.
pub(crate) async fn unwrap(
    provider: &dyn KeyProvider,
    tag: NamespaceTag,
    wrapped: &WrappedKey,
) -> Result<KeyMaterial, OpenError> {
    Ok(provider.unwrap(wrapped, &format::wrapped_key_associated_data(tag)).await?)
}

/// The key kept under `tag`, or a new one, kept now.
///
/// Whoever keeps first wins, on this node or another. Even an own new key is used only as it comes back from the store and the provider:
/// nothing is ever sealed under a key that could not be unwrapped again. `None`: there is none, and who was judged at that revision may not
/// make one.
pub(crate) async fn find_or_create(
    provider: &dyn KeyProvider,
    store: &dyn WrappedKeyStore,
    tag: NamespaceTag,
    judged: Revision,
) -> Result<Option<KeyMaterial>, OpenError> {
    let wrapped = match store.wrapped_key(tag).await? {
        Some(wrapped) => Some(wrapped),
        None => store.keep_wrapped_key(tag, create(provider, tag).await?, judged).await?,
    };
    match wrapped {
        Some(wrapped) => unwrap(provider, tag, &wrapped).await.map(Some),
        None => Ok(None),
    }
}

/// A new key, wrapped for the row of `tag`.
async fn create(provider: &dyn KeyProvider, tag: NamespaceTag) -> Result<WrappedKey, OpenError> {
    Ok(provider.wrap(&kdf::draw()?, &format::wrapped_key_associated_data(tag)).await?)
}
