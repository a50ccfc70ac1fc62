//! The keys of namespaces: unwrapped when they are needed, and kept while there is room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use cholla_domain::error::SealError;
use cholla_domain::limits::NAMESPACE_KEYS_CACHED_MAX;
use cholla_domain::place::Namespace;
use cholla_domain::ports::{NamespaceCipher, NamespaceKeys, WrappedKeyStore};
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

use crate::cipher::Cipher;
use crate::instance::Instance;
use crate::provider::{self, KeyProvider, OpenError};

/// Finds, creates and caches the keys of namespaces, at most [`NAMESPACE_KEYS_CACHED_MAX`] of them.
///
/// A hit costs one look-up by the namespace itself: no hash under a key, no copy, no lock that excludes other readers. Of concurrent misses
/// on one namespace only one creates and unwraps.
pub struct Keyring {
    provider: Arc<dyn KeyProvider>,
    instance: Arc<Instance>,
    store: Arc<dyn WrappedKeyStore>,
    ciphers: Cache<CacheKey, Arc<dyn NamespaceCipher>>,
    generation: AtomicU64,
}

/// What a cipher is cached under. The generation keeps out a key that was read before [`Keyring::forget_all`] and arrives after it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct CacheKey {
    generation: u64,
    namespace: Namespace,
}

/// A [`CacheKey`] for looking up, hashed alike.
#[derive(Hash)]
struct CacheKeyRef<'a> {
    generation: u64,
    namespace: &'a Namespace,
}

impl Equivalent<CacheKey> for CacheKeyRef<'_> {
    fn equivalent(&self, key: &CacheKey) -> bool {
        self.generation == key.generation && *self.namespace == key.namespace
    }
}

impl Keyring {
    /// A keyring that has nothing cached yet. `instance` is that of the same store.
    pub fn new(provider: Arc<dyn KeyProvider>, instance: Arc<Instance>, store: Arc<dyn WrappedKeyStore>) -> Self {
        Self {
            provider,
            instance,
            store,
            ciphers: Cache::new(NAMESPACE_KEYS_CACHED_MAX),
            generation: AtomicU64::new(0),
        }
    }

    /// Forgets every cached key; called after all keys were erased from the store. Later calls use none that was read before.
    pub fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.ciphers.clear();
    }

    /// The generation of a call that begins now.
    fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl NamespaceKeys for Keyring {
    async fn find(&self, namespace: &Namespace) -> Result<Option<Arc<dyn NamespaceCipher>>, SealError> {
        let generation = self.generation();
        if let Some(cipher) = self.ciphers.get(&CacheKeyRef { generation, namespace }) {
            return Ok(Some(cipher));
        }
        let tag = self.instance.namespace_tag(namespace);
        // Absence is looked up outside the cache's guard: those who find nothing do not wait for one another.
        let Some(wrapped) = self.store.wrapped_key(tag).await.map_err(OpenError::from)? else { return Ok(None) };
        let key = CacheKey { generation, namespace: namespace.clone() };
        let unwrapped = self.ciphers.get_or_insert_async(&key, async {
            let key = provider::unwrap(&*self.provider, tag, &wrapped).await?;
            Ok::<Arc<dyn NamespaceCipher>, OpenError>(Arc::new(Cipher::new(namespace, tag, &key)))
        });
        Ok(Some(unwrapped.await?))
    }

    async fn find_or_create(&self, namespace: &Namespace) -> Result<Arc<dyn NamespaceCipher>, SealError> {
        let generation = self.generation();
        if let Some(cipher) = self.ciphers.get(&CacheKeyRef { generation, namespace }) {
            return Ok(cipher);
        }
        let tag = self.instance.namespace_tag(namespace);
        let key = CacheKey { generation, namespace: namespace.clone() };
        let created = self.ciphers.get_or_insert_async(&key, async {
            let key = provider::find_or_create(&*self.provider, &*self.store, tag).await?;
            Ok::<Arc<dyn NamespaceCipher>, OpenError>(Arc::new(Cipher::new(namespace, tag, &key)))
        });
        Ok(created.await?)
    }
}
