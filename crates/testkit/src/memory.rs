//! The oracle: the storage ports in the plainest way, under one lock. What it answers is what any other store has to answer.

mod directory;
mod erasure;
mod notices;
mod outbox;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::idempotency::{IdempotentRequest, KeptRecord, KeptResult};
use cholla_domain::limits::{IDEMPOTENCY_KEPT_SECONDS, SECRETS_PER_SCOPE_MAX};
use cholla_domain::place::SealedPlace;
use cholla_domain::policy::{Read, Write};
use cholla_domain::ports::{
    DeleteOutcome, Deletion, Judgement, Maintenance, NewSecret, NoticeKind, Revision, SecretStore, SetOutcome, Swept,
    WrappedKey, WrappedKeyStore,
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
    secrets: Vec<Row>,
    rows_ever: u64,
    idempotency: BTreeMap<IdempotencyTag, Kept>,
    /// Every key there ever was; its place in here owns scopes.
    keys: Vec<Key>,
    /// The owners of the scopes that have a secret.
    scopes: BTreeMap<ScopeTag, usize>,
    read_days: BTreeMap<(ScopeTag, NameTag), u32>,
    erasures: erasure::Erasures,
    directory: directory::Records,
    /// The last revision that closed a namespace or offboarded a user, by the bytes of their tags.
    closed: BTreeMap<[u8; 16], Revision>,
    outbox: outbox::Queue,
    notices: notices::Queue,
}

#[derive(Debug)]
struct Row {
    number: u64,
    secret: StoredSecret,
}

impl Row {
    fn is(&self, scope: ScopeTag, name: NameTag) -> bool {
        self.secret.scope == scope && self.secret.name == name
    }

    fn is_expired(&self, now: Timestamp) -> bool {
        is_expired(self.secret.header.expires_at, now)
    }
}

#[derive(Debug)]
struct Key {
    namespace: NamespaceTag,
    /// None once it is destroyed.
    wrapped: Option<WrappedKey>,
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
        self.secrets.iter().find(|row| row.is(scope, name) && !row.is_expired(now)).map(|row| &row.secret)
    }

    /// The live secrets of a scope, newest first.
    fn list(&self, scope: ScopeTag, now: Timestamp) -> Vec<StoredSecret> {
        let live = |row: &&Row| row.secret.scope == scope && !row.is_expired(now);
        let mut secrets: Vec<_> = self.secrets.iter().rev().filter(live).map(|row| row.secret.clone()).collect();
        // The sort is stable, so the newest insertion stays first within a second.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.header.created_at));
        secrets
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

    /// The place in `keys` of a namespace's living key.
    fn owner(&self, namespace: NamespaceTag) -> Option<usize> {
        self.keys.iter().position(|key| key.namespace == namespace && key.wrapped.is_some())
    }

    /// A namespace's living key.
    fn key(&self, namespace: NamespaceTag) -> Option<WrappedKey> {
        self.owner(namespace).and_then(|owner| self.keys[owner].wrapped.clone())
    }

    /// The namespace of a listed scope whose key is alive.
    fn namespace_of(&self, scope: ScopeTag) -> Option<NamespaceTag> {
        let key = &self.keys[*self.scopes.get(&scope)?];
        key.wrapped.as_ref().map(|_| key.namespace)
    }

    /// Takes rows out, with all that is kept of their secrets.
    fn erase(&mut self, goes: impl Fn(&Row) -> bool) -> Vec<Row> {
        let (gone, stays) = std::mem::take(&mut self.secrets).into_iter().partition(goes);
        self.secrets = stays;
        for Row { secret, .. } in &gone {
            self.read_days.remove(&(secret.scope, secret.name));
        }
        gone
    }

    fn erase_expired(&mut self, goes: impl Fn(&Row) -> bool, now: Timestamp) {
        for Row { secret, .. } in self.erase(goes) {
            if let Some(namespace) = self.namespace_of(secret.scope) {
                self.notices.leave(NoticeKind::Expired, namespace, &secret.header, now);
            }
        }
    }

    /// Takes out of the list what has no secret any more.
    fn close_scopes(&mut self) {
        let secrets = &self.secrets;
        self.scopes.retain(|scope, _| secrets.iter().any(|row| row.secret.scope == *scope));
    }

    fn is_overtaken(&self, namespace: NamespaceTag, judged: Judgement) -> bool {
        let tags = [Some(*namespace.as_bytes()), judged.user.map(|user| *user.as_bytes())];
        tags.into_iter().flatten().filter_map(|tag| self.closed.get(&tag)).any(|closed| *closed > judged.at)
    }

    fn set(&mut self, namespace: NamespaceTag, scope: ScopeTag, secret: NewSecret, now: Timestamp) -> SetOutcome {
        if self.is_overtaken(namespace, secret.judged) {
            return SetOutcome::Overtaken;
        }
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
        let new = StoredSecret { scope, name: secret.name, header: secret.header, sealed: secret.sealed };
        let replaced = self.secrets.iter_mut().find(|row| row.is(scope, secret.name) && current.is_some());
        let number = if let Some(row) = replaced {
            row.secret = new;
            row.number
        } else {
            if let Some(refused) = self.make_room(namespace, scope, now) {
                if refused == SetOutcome::ScopeFull {
                    self.keep(own, KeptResult::ScopeFull, now);
                }
                return refused;
            }
            self.rows_ever += 1;
            self.secrets.push(Row { number: self.rows_ever, secret: new });
            self.rows_ever
        };
        self.notices.secret_was_set(namespace, number, &secret.header, now);
        self.keep(own, KeptResult::Set(secret.header), now);
        SetOutcome::Done
    }

    /// Makes room for one more secret, or says why there is none.
    fn make_room(&mut self, namespace: NamespaceTag, scope: ScopeTag, now: Timestamp) -> Option<SetOutcome> {
        let in_scope = |row: &&Row| row.secret.scope == scope;
        if !self.secrets.iter().any(|row| in_scope(&row)) {
            let owner = self.owner(namespace);
            if owner.is_none() && self.keys.iter().any(|key| key.namespace == namespace) {
                return Some(SetOutcome::Overtaken);
            }
            self.scopes.extend(owner.map(|owner| (scope, owner)));
            return None;
        }
        if self.secrets.iter().filter(in_scope).filter(|row| !row.is_expired(now)).count() >= SECRETS_PER_SCOPE_MAX {
            return Some(SetOutcome::ScopeFull);
        }
        // A new secret takes the expired ones of its scope away, so that a scope never holds more rows than its limit.
        self.erase_expired(|row| row.secret.scope == scope && row.is_expired(now), now);
        None
    }

    fn delete(
        &mut self,
        namespace: NamespaceTag,
        scope: ScopeTag,
        deletion: &Deletion,
        now: Timestamp,
    ) -> DeleteOutcome {
        if self.is_overtaken(namespace, deletion.judged) {
            return DeleteOutcome::Overtaken;
        }
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
        self.erase(|row| row.is(scope, deletion.name));
        self.close_scopes();
        self.notices.leave(NoticeKind::Deleted, namespace, &current.header, now);
        self.keep(own, KeptResult::Deleted(current.header), now);
        DeleteOutcome::Deleted(current)
    }

    fn sweep(&mut self, now: Timestamp, max: u32) -> Swept {
        let mut expired: Vec<_> = self.secrets.iter().filter(|row| row.is_expired(now)).collect();
        expired.sort_by_key(|row| (row.secret.header.expires_at, row.number));
        let gone: Vec<_> = expired.iter().map(|row| row.number).take(max as usize).collect();
        for number in &gone {
            self.erase_expired(|row| row.number == *number, now);
        }
        self.close_scopes();
        let mut swept = Swept { secrets: u32::try_from(gone.len()).unwrap_or(max), idempotency_records: 0 };
        self.idempotency.retain(|_, kept| {
            let goes = swept.idempotency_records < max && kept.is_gone(now);
            swept.idempotency_records += u32::from(goes);
            !goes
        });
        swept
    }

    fn erase_all(&mut self) {
        self.secrets.clear();
        self.idempotency.clear();
        self.scopes.clear();
        self.read_days.clear();
        self.erasures = erasure::Erasures::default();
        self.directory.erase();
        self.outbox = outbox::Queue::default();
        self.notices.erase();
        for key in self.keys.iter_mut().filter(|key| key.namespace != NamespaceTag::INSTANCE) {
            key.wrapped = None;
        }
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
        Ok(self.state().list(at.scope(), now))
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
        Ok(self.state().set(at.namespace(), at.scope(), secret, now))
    }

    async fn delete(
        &self,
        at: &SealedPlace<Write>,
        deletion: Deletion,
        now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError> {
        Ok(self.state().delete(at.namespace(), at.scope(), &deletion, now))
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
        Ok(self.state().key(namespace))
    }

    async fn keep_wrapped_key(
        &self,
        namespace: NamespaceTag,
        key: WrappedKey,
        judged: Revision,
    ) -> Result<Option<WrappedKey>, StoreError> {
        let mut state = self.state();
        if state.is_overtaken(namespace, Judgement { at: judged, user: None }) {
            return Ok(None);
        }
        if let Some(first) = state.key(namespace) {
            return Ok(Some(first));
        }
        state.keys.push(Key { namespace, wrapped: Some(key.clone()) });
        Ok(Some(key))
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
        self.state().erase_all();
        Ok(())
    }
}
