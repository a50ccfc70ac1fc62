//! The keys of namespaces: unwrapped when they are needed, and kept while there is room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use cholla_domain::error::SealError;
use cholla_domain::limits::NAMESPACE_KEYS_CACHED_MAX;
use cholla_domain::place::Namespace;
use cholla_domain::ports::{NamespaceCipher, NamespaceKeys, Revision, WrappedKeyStore};
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
    /// One per stripe of namespaces: it counts how often something of the stripe was forgotten.
    generations: [AtomicU64; STRIPES],
}

/// Namespaces are told apart by their stripe only when one is forgotten: the others in it are unwrapped once more. Beyond that, the number
/// has no meaning; it is fixed so that what was forgotten needs no memory that grows.
const STRIPES: usize = 256;

/// What a cipher is cached under. The generation, of its stripe when the call began, keeps out a key that was read before
/// [`Keyring::forget`] or [`Keyring::forget_all`] and arrives after it.
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
            generations: [const { AtomicU64::new(0) }; STRIPES],
        }
    }

    /// Forgets every cached key; called after all keys were erased from the store. Later calls use none that was read before.
    pub fn forget_all(&self) {
        for generation in &self.generations {
            generation.fetch_add(1, Ordering::SeqCst);
        }
        self.ciphers.clear();
    }

    /// Forgets the key of one namespace; called after it was erased from the store. Calls that begin when this has returned use no key that
    /// was read before, whatever other calls have under way, and when those have ended the key is in no memory of ours.
    ///
    /// A call that began earlier may still use the key that it read: what it seals, nobody will open.
    pub fn forget(&self, namespace: &Namespace) {
        let forgotten = stripe(namespace);
        self.generations[forgotten].fetch_add(1, Ordering::SeqCst);
        // All of the stripe, since all of it is out of date: nothing of an earlier generation may stay in memory.
        self.ciphers.retain(|key, _| stripe(&key.namespace) != forgotten);
    }

    /// The generation of a call that begins now.
    fn generation(&self, namespace: &Namespace) -> u64 {
        self.generations[stripe(namespace)].load(Ordering::SeqCst)
    }

    /// The cipher cached under `key`, or the one that `read` makes, cached from now on unless it was forgotten meanwhile.
    async fn get_or_read<E>(
        &self,
        key: &CacheKey,
        read: impl Future<Output = Result<Arc<dyn NamespaceCipher>, E>>,
    ) -> Result<Arc<dyn NamespaceCipher>, E> {
        let cipher = self.ciphers.get_or_insert_async(key, read).await?;
        // Either this sees that the key was forgotten, or whoever forgets sees what was just inserted.
        if self.generation(&key.namespace) != key.generation {
            self.ciphers.remove_if(key, |_| true);
        }
        Ok(cipher)
    }
}

/// Which stripe a namespace belongs to. Almost all differ in the installing account.
fn stripe(namespace: &Namespace) -> usize {
    let mixed =
        namespace.account.as_str().bytes().fold(0, |sum: usize, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    mixed % STRIPES
}

#[async_trait]
impl NamespaceKeys for Keyring {
    async fn find(&self, namespace: &Namespace) -> Result<Option<Arc<dyn NamespaceCipher>>, SealError> {
        let generation = self.generation(namespace);
        if let Some(cipher) = self.ciphers.get(&CacheKeyRef { generation, namespace }) {
            return Ok(Some(cipher));
        }
        let tag = self.instance.namespace_tag(namespace);
        // Absence is looked up outside the cache's guard: those who find nothing do not wait for one another.
        let Some(wrapped) = self.store.wrapped_key(tag).await.map_err(OpenError::from)? else { return Ok(None) };
        let key = CacheKey { generation, namespace: namespace.clone() };
        let unwrapped = self.get_or_read(&key, async {
            let key = provider::unwrap(&*self.provider, tag, &wrapped).await?;
            Ok::<_, OpenError>(Arc::new(Cipher::new(namespace, tag, &key)) as Arc<dyn NamespaceCipher>)
        });
        Ok(Some(unwrapped.await?))
    }

    async fn find_or_create(
        &self,
        namespace: &Namespace,
        judged: Revision,
    ) -> Result<Option<Arc<dyn NamespaceCipher>>, SealError> {
        let generation = self.generation(namespace);
        if let Some(cipher) = self.ciphers.get(&CacheKeyRef { generation, namespace }) {
            return Ok(Some(cipher));
        }
        let tag = self.instance.namespace_tag(namespace);
        let key = CacheKey { generation, namespace: namespace.clone() };
        let created = self.get_or_read(&key, async {
            let key = provider::find_or_create(&*self.provider, &*self.store, tag, judged).await.map_err(Some)?;
            let key = key.ok_or(None)?;
            Ok::<_, Option<OpenError>>(Arc::new(Cipher::new(namespace, tag, &key)) as Arc<dyn NamespaceCipher>)
        });
        match created.await {
            Ok(cipher) => Ok(Some(cipher)),
            // Not cached: whoever was judged later may make one.
            Err(None) => Ok(None),
            Err(Some(error)) => Err(error.into()),
        }
    }
}
