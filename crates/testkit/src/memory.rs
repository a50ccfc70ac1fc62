//! The oracle: the storage ports in the plainest way, under one lock. What it answers is what any other store has to answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::idempotency::{IdempotentRequest, KeptRecord, KeptResult};
use cholla_domain::limits::{IDEMPOTENCY_KEPT_SECONDS, SECRETS_PER_SCOPE_MAX};
use cholla_domain::place::SealedPlace;
use cholla_domain::policy::{Read, Write};
use cholla_domain::ports::{
    DeleteOutcome, Deletion, Maintenance, NewSecret, SecretStore, SetOutcome, Swept, WrappedKey, WrappedKeyStore,
};
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{IdempotencyTag, NameTag, NamespaceTag, ScopeTag};
use cholla_domain::time::{Timestamp, is_expired};

/// Every storage port, in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// In the order of their insertion.
    secrets: Vec<StoredSecret>,
    idempotency: BTreeMap<IdempotencyTag, Kept>,
    keys: BTreeMap<NamespaceTag, WrappedKey>,
}

#[derive(Debug)]
struct Kept {
    at: Timestamp,
    record: KeptRecord,
}

impl Kept {
    fn is_gone(&self, now: Timestamp) -> bool {
        now >= self.at.plus(IDEMPOTENCY_KEPT_SECONDS)
    }
}

impl MemoryStore {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic in a test has already failed that test.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn live(&self, scope: ScopeTag, name: NameTag, now: Timestamp) -> Option<&StoredSecret> {
        self.secrets
            .iter()
            .find(|row| row.scope == scope && row.name == name && !is_expired(row.header.expires_at, now))
    }

    fn kept(&self, tag: IdempotencyTag, now: Timestamp) -> Option<KeptRecord> {
        self.idempotency.get(&tag).filter(|kept| !kept.is_gone(now)).map(|kept| kept.record)
    }

    fn keep(&mut self, request: Option<IdempotentRequest>, result: KeptResult, now: Timestamp) {
        if let Some(IdempotentRequest { tag, fingerprint, request: original }) = request {
            let record = KeptRecord { original, fingerprint, result };
            self.idempotency.insert(tag, Kept { at: now, record });
        }
    }

    fn set(&mut self, scope: ScopeTag, secret: NewSecret, now: Timestamp) -> SetOutcome {
        let own = secret.idempotency;
        if let Some(record) = own.and_then(|own| self.kept(own.tag, now)) {
            return SetOutcome::Kept(record);
        }
        let current = self.live(scope, secret.name, now).map(|row| row.header);
        if !secret.precondition.holds(current.map(|header| header.version)) {
            self.keep(own, KeptResult::PreconditionFailed, now);
            return SetOutcome::PreconditionFailed;
        }
        if secret.replaces.map(|header| header.id) != current.map(|header| header.id) {
            return SetOutcome::Moved;
        }
        let row = StoredSecret { scope, name: secret.name, header: secret.header, sealed: secret.sealed };
        if current.is_some() {
            for old in self.secrets.iter_mut().filter(|old| old.scope == scope && old.name == row.name) {
                old.clone_from(&row);
            }
        } else {
            let in_scope = |other: &&StoredSecret| other.scope == scope;
            let live = |other: &&StoredSecret| !is_expired(other.header.expires_at, now);
            if self.secrets.iter().filter(in_scope).filter(live).count() >= SECRETS_PER_SCOPE_MAX {
                self.keep(own, KeptResult::ScopeFull, now);
                return SetOutcome::ScopeFull;
            }
            // A new secret takes the expired ones of its scope away, so that a scope never holds more rows than its limit.
            self.secrets.retain(|other| other.scope != scope || !is_expired(other.header.expires_at, now));
            self.secrets.push(row);
        }
        self.keep(own, KeptResult::Set(secret.header), now);
        SetOutcome::Done
    }

    fn delete(&mut self, scope: ScopeTag, deletion: &Deletion, now: Timestamp) -> DeleteOutcome {
        let own = deletion.idempotency;
        if let Some(record) = own.and_then(|own| self.kept(own.tag, now)) {
            return DeleteOutcome::Kept(record);
        }
        let Some(current) = self.live(scope, deletion.name, now).cloned() else {
            self.keep(own, KeptResult::NotFound, now);
            return DeleteOutcome::NotFound;
        };
        if !deletion.precondition.holds(Some(current.header.version)) {
            self.keep(own, KeptResult::PreconditionFailed, now);
            return DeleteOutcome::PreconditionFailed;
        }
        self.secrets.retain(|row| row.scope != scope || row.name != deletion.name);
        self.keep(own, KeptResult::Deleted(current.header), now);
        DeleteOutcome::Deleted(current)
    }

    fn sweep(&mut self, now: Timestamp, max: u32) -> Swept {
        let mut swept = Swept::default();
        self.secrets.retain(|row| {
            let goes = swept.secrets < max && is_expired(row.header.expires_at, now);
            swept.secrets += u32::from(goes);
            !goes
        });
        self.idempotency.retain(|_, kept| {
            let goes = swept.idempotency_records < max && kept.is_gone(now);
            swept.idempotency_records += u32::from(goes);
            !goes
        });
        swept
    }
}

#[async_trait]
impl SecretStore for MemoryStore {
    async fn find(
        &self,
        at: &SealedPlace<Read>,
        name: NameTag,
        now: Timestamp,
    ) -> Result<Option<Arc<StoredSecret>>, StoreError> {
        Ok(self.state().live(at.scope(), name, now).cloned().map(Arc::new))
    }

    async fn list(&self, at: &SealedPlace<Read>, now: Timestamp) -> Result<Vec<StoredSecret>, StoreError> {
        let state = self.state();
        let live = |row: &&StoredSecret| row.scope == at.scope() && !is_expired(row.header.expires_at, now);
        let mut rows: Vec<_> = state.secrets.iter().rev().filter(live).cloned().collect();
        // The sort is stable, so the newest insertion stays first within a second.
        rows.sort_by_key(|row| std::cmp::Reverse(row.header.created_at));
        Ok(rows)
    }

    async fn header(
        &self,
        at: &SealedPlace<Write>,
        name: NameTag,
        now: Timestamp,
    ) -> Result<Option<RecordHeader>, StoreError> {
        Ok(self.state().live(at.scope(), name, now).map(|row| row.header))
    }

    async fn set(&self, at: &SealedPlace<Write>, secret: NewSecret, now: Timestamp) -> Result<SetOutcome, StoreError> {
        Ok(self.state().set(at.scope(), secret, now))
    }

    async fn delete(
        &self,
        at: &SealedPlace<Write>,
        deletion: Deletion,
        now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError> {
        Ok(self.state().delete(at.scope(), &deletion, now))
    }

    async fn kept(
        &self,
        _at: &SealedPlace<Write>,
        tag: IdempotencyTag,
        now: Timestamp,
    ) -> Result<Option<KeptRecord>, StoreError> {
        Ok(self.state().kept(tag, now))
    }
}

#[async_trait]
impl WrappedKeyStore for MemoryStore {
    async fn wrapped_key(&self, namespace: NamespaceTag) -> Result<Option<WrappedKey>, StoreError> {
        Ok(self.state().keys.get(&namespace).cloned())
    }

    async fn keep_wrapped_key(&self, namespace: NamespaceTag, key: WrappedKey) -> Result<WrappedKey, StoreError> {
        Ok(self.state().keys.entry(namespace).or_insert(key).clone())
    }
}

#[async_trait]
impl Maintenance for MemoryStore {
    async fn sweep(&self, now: Timestamp, max: u32) -> Result<Swept, StoreError> {
        Ok(self.state().sweep(now, max))
    }

    async fn probe(&self) -> Result<(), StoreError> {
        Ok(())
    }

    async fn erase_all(&self) -> Result<(), StoreError> {
        let mut state = self.state();
        state.secrets.clear();
        state.idempotency.clear();
        state.keys.retain(|namespace, _| *namespace == NamespaceTag::INSTANCE);
        Ok(())
    }
}
