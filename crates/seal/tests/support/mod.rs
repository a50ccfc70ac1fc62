//! A store of wrapped keys in memory, and what its rows hold.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::id::AccountId;
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Namespace;
use cholla_domain::ports::{Revision, WrappedKey, WrappedKeyStore};
use cholla_domain::tag::NamespaceTag;
use cholla_seal::{Instance, KeyProvider, Keyring};

/// Wrapped keys in memory. No namespace is ever closed.
#[derive(Default)]
pub(crate) struct Memory(Mutex<HashMap<NamespaceTag, WrappedKey>>);

impl Memory {
    /// Puts a row in the place of what is there; `None` erases.
    pub(crate) fn put(&self, tag: NamespaceTag, wrapped: Option<Vec<u8>>) {
        let mut rows = self.0.lock().expect("no test panics while it holds the lock");
        match wrapped {
            Some(wrapped) => rows.insert(tag, WrappedKey(wrapped)),
            None => rows.remove(&tag),
        };
    }

    /// The bytes of a row.
    pub(crate) fn row(&self, tag: NamespaceTag) -> Option<Vec<u8>> {
        self.0.lock().expect("no test panics while it holds the lock").get(&tag).map(|wrapped| wrapped.0.clone())
    }
}

/// A keyring with the instance key of `store`.
pub(crate) async fn keyring(provider: Arc<dyn KeyProvider>, store: Arc<dyn WrappedKeyStore>) -> Keyring {
    let instance = Instance::open(provider.clone(), store.clone()).await.expect("the instance key opens");
    Keyring::new(provider, Arc::new(instance), store)
}

#[async_trait]
impl WrappedKeyStore for Memory {
    async fn wrapped_key(&self, tag: NamespaceTag) -> Result<Option<WrappedKey>, StoreError> {
        Ok(self.row(tag).map(WrappedKey))
    }

    async fn keep_wrapped_key(
        &self,
        tag: NamespaceTag,
        key: WrappedKey,
        _judged: Revision,
    ) -> Result<Option<WrappedKey>, StoreError> {
        let mut rows = self.0.lock().expect("no test panics while it holds the lock");
        Ok(Some(rows.entry(tag).or_insert(key).clone()))
    }
}

pub(crate) fn namespace(developer: &str, account: &str, live: bool) -> Namespace {
    Namespace {
        developer: AccountId::new(developer),
        account: AccountId::new(account),
        livemode: if live { Livemode::Live } else { Livemode::Test },
    }
}
