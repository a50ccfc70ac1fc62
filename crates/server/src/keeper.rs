//! The keeper of the directory: every change is decided on the newest state, committed as one transaction with all that it has to tell,
//! and only then seen by anybody.
//!
//! Changes come one after the other. Each is decided by a pure function of `domain`; the store refuses it should the directory have moved
//! on meanwhile (law 8). Whoever asked may go away at any moment: a change that began is brought to its end all the same.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::thread::available_parallelism;

use cholla_domain::directory::CredentialHash;
use cholla_domain::directory::change::{Change, RecordChange};
use cholla_domain::directory::decision::{Context, Decision, Mint};
use cholla_domain::directory::record::{Record, RecordName, SharedIds};
use cholla_domain::directory::state::{Credentials, Directory, Loaded};
use cholla_domain::error::{Cause, StoreError};
use cholla_domain::id::{EndpointId, Entropy, EventId, RequestId};
use cholla_domain::idempotency::IdempotencyKey;
use cholla_domain::ports::{
    CommitOutcome, DeliveryKey, DirectoryCipher, DirectoryCommit, DirectoryStore, NewDelivery, Notices, RecordKey,
    Revision, WrappedKeyStore,
};
use cholla_domain::tag::RecordTag;
use cholla_domain::time::{Clock, Timestamp};
use cholla_seal::{Instance, Keyring};
use thiserror::Error;
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::clock::ServerClock;
use crate::entropy::SystemEntropy;
use crate::webhooks::dispatcher::EndpointView;

mod closing;

use closing::Closings;

/// What kind of entry a delivery is to the cipher; its context is the event's id and the endpoint's tag.
pub(crate) const DELIVERY_ENTRY: u8 = 100;
/// What kind of entry one of the audit log is; it has no context.
pub(crate) const AUDIT_ENTRY: u8 = 101;
/// In the place of a revision while a batch shows what is not committed.
const UNSETTLED: u64 = u64::MAX;
/// Threads that load the directory.
const LOADERS: usize = 4;

/// Why a change did not happen.
#[derive(Debug, Error)]
pub enum KeepError {
    /// The store or the keys do not answer. Whether the change was written is not known; it is looked up before the next one.
    #[error("the directory is unavailable")]
    Unavailable(#[source] Cause),
    /// A record does not open or cannot be read.
    #[error("a record of the directory is not what was written")]
    Corrupt,
}

impl KeepError {
    /// The error with its causes, for the log. They are our own texts and those of the storage engine: they name no secret, no user and no
    /// key.
    pub(crate) fn chain(&self) -> String {
        let mut chain = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(next) = cause {
            let _ = write!(chain, ": {next}");
            cause = next.source();
        }
        chain
    }
}

impl From<StoreError> for KeepError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

/// Randomness and hashes of decisions.
pub(crate) struct ServerMint {
    instance: Arc<Instance>,
    entropy: SystemEntropy,
}

impl Mint for ServerMint {
    fn entropy(&self) -> &dyn Entropy {
        &self.entropy
    }

    fn hash(&self, value: &[u8]) -> CredentialHash {
        self.instance.credential_hash(value)
    }
}

/// Who asks for a change, for events and kept results.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// The request.
    pub(crate) request: RequestId,
    /// Its idempotency key.
    pub(crate) idempotency_key: Option<IdempotencyKey>,
    /// Its second.
    pub(crate) now: Timestamp,
}

/// The directory, and the only way to change it.
pub(crate) struct Keeper {
    /// The revision that the directory shows, or [`UNSETTLED`]. Written while the directory is locked for writing.
    revision: AtomicU64,
    directory: RwLock<Directory>,
    /// What the store knows each endpoint by.
    endpoints: RwLock<HashMap<RecordTag, EndpointId>>,
    turn: tokio::sync::Mutex<Turn>,
    store: Arc<dyn DirectoryStore>,
    wrapped_keys: Arc<dyn WrappedKeyStore>,
    instance: Arc<Instance>,
    keyring: Arc<Keyring>,
    mint: ServerMint,
    clock: Arc<ServerClock>,
    grace_seconds: i64,
    /// Whether anybody wants to hear of secrets is for the keeper to say.
    notices: Arc<dyn Notices>,
    /// Told when deliveries were queued.
    pub(crate) queued: Arc<Notify>,
    /// Told when something is left to the sweeper: an erasure, a release.
    pub(crate) work: Arc<Notify>,
}

/// What whoever changes the directory must know. Held through a whole change.
struct Turn {
    revision: Revision,
    /// A commit failed: whether it was written is not known.
    is_stale: bool,
}

impl Keeper {
    /// Loads the directory.
    ///
    /// # Errors
    /// When the store does not answer, or a record does not open.
    pub(crate) fn load(
        store: Arc<dyn DirectoryStore>,
        (wrapped_keys, notices): (Arc<dyn WrappedKeyStore>, Arc<dyn Notices>),
        (instance, keyring): (Arc<Instance>, Arc<Keyring>),
        clock: Arc<ServerClock>,
        grace_seconds: i64,
    ) -> Result<Self, KeepError> {
        let (directory, revision) = load(&*store, &instance)?;
        keep_notices(&*notices, &directory);
        let endpoints = endpoint_tags(&instance, &directory);
        Ok(Self {
            directory: RwLock::new(directory),
            revision: AtomicU64::new(revision.0),
            endpoints: RwLock::new(endpoints),
            turn: tokio::sync::Mutex::new(Turn { revision, is_stale: false }),
            store,
            wrapped_keys,
            mint: ServerMint { instance: Arc::clone(&instance), entropy: SystemEntropy },
            instance,
            keyring,
            clock,
            grace_seconds,
            notices,
            queued: Arc::new(Notify::new()),
            work: Arc::new(Notify::new()),
        })
    }

    /// The directory as it is. Never held across an `await`.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        // A change is applied step by step and no step panics; should one, the steps before it are no worse than a crash in between.
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The revision that the directory shows; `None` while it shows what is not committed.
    pub(crate) fn shown(&self) -> Option<Revision> {
        match self.revision.load(Ordering::Acquire) {
            UNSETTLED => None,
            revision => Some(Revision(revision)),
        }
    }

    /// Whether what was judged on what was [`shown`](Self::shown) then still holds.
    pub(crate) fn still_shows(&self, judged_at: Option<Revision>) -> bool {
        judged_at.is_some() && self.shown() == judged_at
    }

    /// The revision of the directory that is held, for whoever judges by it and writes later. `None` while it shows what is not committed:
    /// [`settle`](Self::settle), and judge again.
    pub(crate) fn revision(&self, _held: &RwLockReadGuard<'_, Directory>) -> Option<Revision> {
        self.shown()
    }

    /// Waits until the directory shows what is committed, and all of that. It may have gone on when this returns.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn settle(&self) -> Result<(), KeepError> {
        let mut turn = self.turn.lock().await;
        self.catch_up(&mut turn).await
    }

    /// Decides a change, commits it and applies it. The answer is given when it is durable and visible.
    ///
    /// # Errors
    /// When it could not be committed.
    pub(crate) async fn decide<T: Send + 'static>(
        self: &Arc<Self>,
        asked: Asked,
        decide: impl FnOnce(&Context<'_>) -> Decision<T> + Send + 'static,
    ) -> Result<T, KeepError> {
        let keeper = Arc::clone(self);
        let decided = tokio::spawn(async move {
            let mut turn = keeper.turn.lock().await;
            keeper.catch_up(&mut turn).await?;
            let Decision { change, outcome } = {
                let directory = keeper.read();
                decide(&keeper.context(&directory, &asked))
            };
            keeper
                .commit(&mut turn, change, asked.now, |directory, change| {
                    for step in change {
                        directory.apply(step);
                    }
                })
                .await?;
            Ok(outcome)
        });
        decided.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Decides several changes, each on what the ones before it have made, and commits them as one. While that goes on, others see what was
    /// decided already; should it not be committed, they see it go again.
    ///
    /// # Errors
    /// When it could not be committed.
    pub(crate) async fn batch<T: Send + 'static, E: Send + 'static>(
        self: &Arc<Self>,
        asked: Asked,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<T, E>, KeepError> {
        let keeper = Arc::clone(self);
        let done = tokio::spawn(async move {
            let mut turn = keeper.turn.lock().await;
            keeper.catch_up(&mut turn).await?;
            let mut batch = Batch { keeper: &keeper, asked: &asked, whole: Change::default() };
            // Until it is known what has become of the steps: should this panic, the next change reads the directory anew.
            turn.is_stale = true;
            let outcome = work(&mut batch);
            let whole = batch.whole;
            turn.is_stale = !whole.is_empty();
            if outcome.is_err() {
                keeper.catch_up(&mut turn).await?;
                return Ok(outcome);
            }
            // All of it is shown already, but for what the commit itself has found out.
            let is_found_out = |step: &RecordChange| {
                matches!(step, RecordChange::Put(Record::Erasure(_)) | RecordChange::Remove(RecordName::Erasure(_)))
            };
            keeper
                .commit(&mut turn, whole, asked.now, |directory, steps| {
                    steps.into_iter().filter(is_found_out).for_each(|step| directory.apply(step));
                })
                .await?;
            Ok(outcome)
        });
        done.await.unwrap_or_else(|_| Err(panicked()))
    }

    /// Reads the directory anew where a commit failed before. Others go on meanwhile: of a large directory that takes seconds.
    async fn catch_up(&self, turn: &mut Turn) -> Result<(), KeepError> {
        if turn.is_stale {
            let (store, instance) = (Arc::clone(&self.store), Arc::clone(&self.instance));
            let loaded = tokio::task::spawn_blocking(move || load(&*store, &instance)).await;
            let (directory, revision) = loaded.unwrap_or_else(|_| Err(panicked()))?;
            keep_notices(&*self.notices, &directory);
            let endpoints = endpoint_tags(&self.instance, &directory);
            *self.endpoints.write().unwrap_or_else(PoisonError::into_inner) = endpoints;
            // The commit may have destroyed keys: nobody who is judged by what it has made uses them.
            self.keyring.forget_all();
            let mut shown = self.directory.write().unwrap_or_else(PoisonError::into_inner);
            *shown = directory;
            self.revision.store(revision.0, Ordering::Release);
            drop(shown);
            *turn = Turn { revision, is_stale: false };
        }
        Ok(())
    }

    /// Forgets everything, as the store has been told to (dev mode's reset). What was going on is waited for.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn start_over(&self) -> Result<(), KeepError> {
        let mut turn = self.turn.lock().await;
        turn.is_stale = true;
        self.catch_up(&mut turn).await
    }

    fn context<'a>(&'a self, directory: &'a Directory, asked: &'a Asked) -> Context<'a> {
        Context {
            directory,
            now: asked.now,
            mint: &self.mint,
            grace_seconds: self.grace_seconds,
            request: asked.request,
            idempotency_key: asked.idempotency_key.as_ref(),
        }
    }

    /// A change that nobody's request asks for.
    pub(crate) fn unasked(&self) -> Asked {
        Asked { request: RequestId::draw(&SystemEntropy), idempotency_key: None, now: self.clock.now() }
    }

    /// Seals and commits a change, then applies it.
    async fn commit(
        &self,
        turn: &mut Turn,
        mut change: Change,
        now: Timestamp,
        apply: impl FnOnce(&mut Directory, Vec<RecordChange>),
    ) -> Result<(), KeepError> {
        if change.is_empty() {
            return Ok(());
        }
        let (queued, closings) = loop {
            let closings = self.closings(&change).await?;
            let commit = self.sealed(&change, &closings, turn.revision, now)?;
            let queued = !commit.deliveries.is_empty();
            turn.is_stale = true;
            match self.store.commit(commit).await? {
                CommitOutcome::Done => break (queued, closings),
                // A set has made the first key of a namespace since it was looked at: no key is made twice, so this comes to an end.
                CommitOutcome::KeyMoved => {}
                CommitOutcome::Moved => {
                    return Err(KeepError::Unavailable("another process changed the directory".into()));
                }
            }
        };
        // Before anybody is judged by what was committed: who is, seals nothing under a key that was destroyed.
        for (namespace, _) in &change.destroyed {
            self.keyring.forget(namespace);
        }
        let endpoints = self.changed_endpoints(&change);
        change.records = closings.committed(change.records);
        let has_work = closings.destroy() || has_work(&change);
        let revision = Revision(turn.revision.0 + 1);
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        apply(&mut directory, change.records);
        self.revision.store(revision.0, Ordering::Release);
        drop(directory);
        if !endpoints.is_empty() {
            self.keep_endpoints(endpoints);
            keep_notices(&*self.notices, &self.read());
        }
        *turn = Turn { revision, is_stale: false };
        if queued {
            self.queued.notify_one();
        }
        if has_work {
            self.work.notify_one();
        }
        Ok(())
    }

    /// The change as the store may see it.
    fn sealed(
        &self,
        change: &Change,
        closings: &Closings,
        expects: Revision,
        now: Timestamp,
    ) -> Result<DirectoryCommit, KeepError> {
        let sealing = |error: cholla_domain::error::SealError| KeepError::Unavailable(Box::new(error));
        let cipher: &dyn DirectoryCipher = &*self.instance;
        let (mut puts, mut removals) = (Vec::new(), Vec::new());
        // The last step on a record decides: puts and removals of one commit are in no order between them.
        let mut last: HashMap<RecordKey, &RecordChange> = HashMap::with_capacity(change.records.len());
        let mut order = Vec::with_capacity(change.records.len());
        for step in &change.records {
            let key = match step {
                RecordChange::Put(record) => record.name().key(cipher),
                RecordChange::Remove(name) => name.key(cipher),
            };
            if last.insert(key, step).is_none() {
                order.push(key);
            }
        }
        for key in order {
            match last.get(&key) {
                Some(RecordChange::Put(record)) => {
                    let Some(record) = closings.named(record) else { continue };
                    let sealed = cipher.seal_entry(key.kind, key.tag.as_bytes(), &record.encode()).map_err(sealing)?;
                    puts.push((key, sealed));
                }
                _ => removals.push(key),
            }
        }
        let audit = change.audit.iter().map(|entry| cipher.seal_entry(AUDIT_ENTRY, &[], &entry.encode()));
        let audit = audit.collect::<Result<_, _>>().map_err(sealing)?;
        let deliveries = self.deliveries(change, now).map_err(sealing)?;
        let (closed, offboarded) = (closings.closed.clone(), self.offboarded(change));
        Ok(DirectoryCommit { expects, puts, removals, deliveries, audit, closed, offboarded, now })
    }

    /// The deliveries of a change's events: one for each endpoint that wants the event.
    fn deliveries(&self, change: &Change, now: Timestamp) -> Result<Vec<NewDelivery>, cholla_domain::error::SealError> {
        let directory = self.read();
        let mut deliveries = Vec::new();
        for event in &change.events {
            let endpoints: Vec<_> = cholla_domain::installs::endpoints_for(&directory, event).collect();
            let body = cholla_wire::event::render(event, endpoints.len());
            for endpoint in endpoints {
                deliveries.push(self.delivery(event.id, endpoint.id, &body, now)?);
            }
        }
        Ok(deliveries)
    }

    /// One event to one endpoint.
    pub(crate) fn delivery(
        &self,
        event: EventId,
        endpoint: EndpointId,
        body: &[u8],
        now: Timestamp,
    ) -> Result<NewDelivery, cholla_domain::error::SealError> {
        let key = self.delivery_key(event, endpoint);
        let sealed = self.instance.seal_entry(DELIVERY_ENTRY, &delivery_context(&key), body)?;
        Ok(NewDelivery { key, due_at: now, sealed })
    }

    /// The endpoint that the store knows by `tag`, as deliveries see it now.
    pub(crate) fn endpoint_view(&self, tag: RecordTag) -> Option<EndpointView> {
        let id = *self.endpoints.read().unwrap_or_else(PoisonError::into_inner).get(&tag)?;
        let directory = self.read();
        let endpoint = directory.endpoint(&id)?;
        let secrets = endpoint.secret.valid(self.clock.now());
        Some(EndpointView {
            id: endpoint.id.to_string(),
            url: endpoint.url.clone(),
            secrets: secrets.map(|secret| Zeroizing::new(secret.reveal().to_owned())).collect(),
            livemode: endpoint.livemode,
        })
    }

    /// The endpoints that a change puts, or removes.
    fn changed_endpoints(&self, change: &Change) -> Vec<(RecordTag, EndpointId, bool)> {
        let changed = change.records.iter().filter_map(|step| match step {
            RecordChange::Put(Record::Endpoint(endpoint)) => Some((endpoint.id, true)),
            RecordChange::Remove(RecordName::Endpoint(id)) => Some((*id, false)),
            _ => None,
        });
        changed.map(|(id, is_there)| (self.endpoint_tag(id), id, is_there)).collect()
    }

    fn keep_endpoints(&self, changed: Vec<(RecordTag, EndpointId, bool)>) {
        let mut endpoints = self.endpoints.write().unwrap_or_else(PoisonError::into_inner);
        for (tag, id, is_there) in changed {
            if is_there {
                endpoints.insert(tag, id);
            } else {
                endpoints.remove(&tag);
            }
        }
    }

    /// What the store knows an endpoint by.
    pub(crate) fn endpoint_tag(&self, endpoint: EndpointId) -> RecordTag {
        RecordName::Endpoint(endpoint).key(&*self.instance).tag
    }

    /// Where the store keeps a delivery.
    pub(crate) fn delivery_key(&self, event: EventId, endpoint: EndpointId) -> DeliveryKey {
        let mut id = [0; cholla_domain::ports::EVENT_ID_LENGTH];
        id.copy_from_slice(event.suffix().as_bytes());
        DeliveryKey { event: id, endpoint: self.endpoint_tag(endpoint) }
    }
}

/// Sets and deletes leave notices while some endpoint of the operator's wants to hear of them.
fn keep_notices(notices: &dyn Notices, directory: &Directory) {
    notices.keep_notices(directory.operator_endpoints().next().is_some());
}

fn endpoint_tags(instance: &Instance, directory: &Directory) -> HashMap<RecordTag, EndpointId> {
    directory.endpoints().map(|endpoint| (RecordName::Endpoint(endpoint.id).key(instance).tag, endpoint.id)).collect()
}

/// Whether a change leaves something to the sweeper.
fn has_work(change: &Change) -> bool {
    let is_work = |step: &RecordChange| match step {
        RecordChange::Put(Record::Erasure(erasure)) => erasure.receipt.is_none(),
        RecordChange::Put(Record::App(app)) => app.releases.len() > 1,
        _ => false,
    };
    change.records.iter().any(is_work)
}

/// What a delivery is sealed for.
pub(crate) fn delivery_context(key: &DeliveryKey) -> Vec<u8> {
    [&key.event[..], key.endpoint.as_bytes()].concat()
}

/// Several changes on their way to become one.
pub(crate) struct Batch<'k> {
    keeper: &'k Keeper,
    asked: &'k Asked,
    whole: Change,
}

impl Batch<'_> {
    /// Tells nobody of what was decided so far.
    pub(crate) fn forget_events(&mut self) {
        self.whole.events.clear();
    }

    /// Decides one more change and lets the next ones see it.
    pub(crate) fn decide<T>(&mut self, decide: impl FnOnce(&Context<'_>) -> Decision<T>) -> T {
        let Decision { change, outcome } = {
            let directory = self.keeper.read();
            decide(&self.keeper.context(&directory, self.asked))
        };
        if !change.records.is_empty() {
            let mut directory = self.keeper.directory.write().unwrap_or_else(PoisonError::into_inner);
            self.keeper.revision.store(UNSETTLED, Ordering::Release);
            for step in &change.records {
                directory.apply(step.clone());
            }
        }
        self.whole.append(change);
        outcome
    }
}

/// Reads, opens and applies every record.
fn load(store: &dyn DirectoryStore, cipher: &Instance) -> Result<(Directory, Revision), KeepError> {
    let threads = available_parallelism().map_or(1, std::num::NonZero::get).min(LOADERS);
    let loaded: Vec<Mutex<(Loaded, SharedIds)>> = (0..threads).map(|_| Mutex::default()).collect();
    let broken = std::sync::atomic::AtomicBool::new(false);
    let revision = store.load(threads, &|thread, key, sealed| {
        // Each thread has its own: nobody waits.
        let mut part = loaded[thread].lock().unwrap_or_else(PoisonError::into_inner);
        let (records, ids) = &mut *part;
        let opened = cipher.open_entry(key.kind, key.tag.as_bytes(), sealed).ok();
        match opened.and_then(|bytes| Record::decode_sharing(key.kind, &bytes, ids)) {
            Some(record) => records.push(record),
            None => broken.store(true, std::sync::atomic::Ordering::Relaxed),
        }
    })?;
    if broken.into_inner() {
        return Err(KeepError::Corrupt);
    }
    let parts = loaded.into_iter().map(|part| part.into_inner().unwrap_or_else(PoisonError::into_inner).0);
    let (credentials, others) = parts.map(|part| (part.credentials, part.others)).unzip();
    let directory = std::thread::scope(|scope| {
        let credentials = scope.spawn(|| Credentials::of(credentials));
        Directory::of(others, || credentials.join().expect("sorting in does not panic"))
    });
    Ok((directory, revision))
}

/// A change that panicked. What it says could hold a value, so it is not repeated.
fn panicked() -> KeepError {
    KeepError::Unavailable("the change panicked, or was stopped with the server".into())
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keeper")
    }
}

#[cfg(test)]
mod tests;
