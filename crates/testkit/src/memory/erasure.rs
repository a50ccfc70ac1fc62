//! The oracle's erasures and its inventory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::ports::{ErasedCounts, ErasureStore, Inventory, NamespaceCounts, SecretRead};
use cholla_domain::record::StoredSecret;
use cholla_domain::tag::{ErasureId, NameTag, NamespaceTag, ScopeTag};
use cholla_domain::time::Timestamp;

use super::{MemoryStore, State};

/// What each erasure has erased, and the owners whose scopes it is to erase.
#[derive(Debug, Default)]
pub(super) struct Erasures(BTreeMap<ErasureId, (ErasedCounts, Vec<usize>)>);

impl Erasures {
    pub(super) fn begin(&mut self, erasure: ErasureId, owner: usize) {
        self.0.entry(erasure).or_default().1.push(owner);
    }

    fn erased(&self, erasure: ErasureId) -> ErasedCounts {
        self.0.get(&erasure).map(|(erased, _)| *erased).unwrap_or_default()
    }
}

impl State {
    fn next_scope(&self, erasure: ErasureId) -> Option<ScopeTag> {
        let (_, owners) = self.erasures.0.get(&erasure)?;
        self.scopes.iter().find(|(_, owner)| owners.contains(owner)).map(|(scope, _)| *scope)
    }

    fn erase_scope(&mut self, erasure: ErasureId, scope: ScopeTag) -> usize {
        let secrets = self.erase(|row| row.secret.scope == scope).len();
        self.scopes.remove(&scope);
        let (erased, _) = self.erasures.0.entry(erasure).or_default();
        erased.scopes += u64::from(secrets > 0);
        erased.secrets += secrets as u64;
        secrets
    }
}

#[async_trait]
impl ErasureStore for MemoryStore {
    async fn erase_step(&self, erasure: ErasureId, max: u32) -> Result<(ErasedCounts, bool), StoreError> {
        let mut state = self.state();
        let mut erased = 0;
        while erased < max as usize
            && let Some(scope) = state.next_scope(erasure)
        {
            erased += state.erase_scope(erasure, scope);
        }
        Ok((state.erasures.erased(erasure), state.next_scope(erasure).is_none()))
    }

    async fn erase_scope(
        &self,
        erasure: ErasureId,
        namespace: NamespaceTag,
        scope: ScopeTag,
    ) -> Result<ErasedCounts, StoreError> {
        let mut state = self.state();
        let owner = state.owner(namespace);
        if state.scopes.get(&scope).is_none_or(|own| owner == Some(*own)) {
            state.erase_scope(erasure, scope);
        }
        Ok(state.erasures.erased(erasure))
    }

    async fn forget_erasure(&self, erasure: ErasureId) -> Result<(), StoreError> {
        self.state().erasures.0.remove(&erasure);
        Ok(())
    }

    async fn shred_log(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Inventory for MemoryStore {
    async fn count(&self, namespace: NamespaceTag) -> Result<NamespaceCounts, StoreError> {
        let state = self.state();
        let own = |scope| state.namespace_of(scope) == Some(namespace);
        Ok(NamespaceCounts {
            scopes: state.scopes.keys().filter(|scope| own(**scope)).count() as u64,
            secrets: state.secrets.iter().filter(|row| own(row.secret.scope)).count() as u64,
        })
    }

    async fn scopes(
        &self,
        namespace: NamespaceTag,
        after: Option<ScopeTag>,
        max: usize,
    ) -> Result<Vec<ScopeTag>, StoreError> {
        let state = self.state();
        let wanted = |scope: &ScopeTag| {
            state.namespace_of(*scope) == Some(namespace) && after.is_none_or(|after| *scope > after)
        };
        Ok(state.scopes.keys().copied().filter(wanted).take(max).collect())
    }

    async fn secrets(&self, scope: ScopeTag, now: Timestamp) -> Result<Vec<StoredSecret>, StoreError> {
        Ok(self.state().list(scope, now))
    }

    async fn note_reads(&self, reads: &[SecretRead]) -> Result<(), StoreError> {
        let mut state = self.state();
        for read in reads {
            if state.secrets.iter().any(|row| row.is(read.scope, read.name) && row.secret.header.id == read.id) {
                let last = state.read_days.entry((read.scope, read.name)).or_default();
                *last = read.day.max(*last);
            }
        }
        Ok(())
    }

    async fn read_days(&self, scope: ScopeTag) -> Result<Vec<(NameTag, u32)>, StoreError> {
        let state = self.state();
        let own = state.read_days.iter().filter(|((own, _), _)| *own == scope);
        Ok(own.map(|((_, name), day)| (*name, *day)).collect())
    }
}
