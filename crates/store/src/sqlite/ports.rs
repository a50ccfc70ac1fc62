//! The domain's storage ports over `SQLite`: reads here and now, writes through the writer.

use std::sync::Arc;

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::idempotency::KeptRecord;
use cholla_domain::place::SealedPlace;
use cholla_domain::policy::{Read, Write};
use cholla_domain::ports::{DeleteOutcome, Deletion, Maintenance, NewSecret, SecretStore, SetOutcome, Swept};
use cholla_domain::record::{RecordHeader, StoredSecret};
use cholla_domain::tag::{IdempotencyTag, NameTag};
use cholla_domain::time::{Timestamp, is_expired};

use super::cache::{Lookup, Place};
use super::error::store_error;
use super::job;
use super::reader;
use super::store::Store;

/// Rows of each kind that a sweep erases in one transaction, so that no write waits long behind it.
const SWEEP_STEP_ROWS: u32 = 64;

#[async_trait]
impl SecretStore for Store {
    async fn find(
        &self,
        at: &SealedPlace<Read>,
        name: NameTag,
        now: Timestamp,
    ) -> Result<Option<Arc<StoredSecret>>, StoreError> {
        let place = Place { scope: at.scope(), name };
        let found = match self.cache.look_up(place) {
            Lookup::Hit(secret) => Some(secret),
            Lookup::Miss(ticket) => {
                let found = self.readers.with(|connection| reader::find(connection, place.scope, name));
                let found = found.map_err(store_error)?.map(Arc::new);
                if let (Some(ticket), Some(secret)) = (ticket, &found) {
                    self.cache.fill(&ticket, Arc::clone(secret));
                }
                found
            }
        };
        Ok(found.filter(|secret| !is_expired(secret.header.expires_at, now)))
    }

    async fn list(&self, at: &SealedPlace<Read>, now: Timestamp) -> Result<Vec<StoredSecret>, StoreError> {
        self.readers.with(|connection| reader::list(connection, at.scope(), now)).map_err(store_error)
    }

    async fn header(
        &self,
        at: &SealedPlace<Write>,
        name: NameTag,
        now: Timestamp,
    ) -> Result<Option<RecordHeader>, StoreError> {
        let header = match self.cache.look_up(Place { scope: at.scope(), name }) {
            Lookup::Hit(secret) => Some(secret.header),
            // What is about to be replaced is not worth a place in the cache.
            Lookup::Miss(_) => {
                self.readers.with(|connection| reader::header(connection, at.scope(), name)).map_err(store_error)?
            }
        };
        Ok(header.filter(|header| !is_expired(header.expires_at, now)))
    }

    async fn set(&self, at: &SealedPlace<Write>, secret: NewSecret, now: Timestamp) -> Result<SetOutcome, StoreError> {
        self.write(job::Set { home: at.into(), secret, now }).await
    }

    async fn delete(
        &self,
        at: &SealedPlace<Write>,
        deletion: Deletion,
        now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError> {
        self.write(job::Delete { home: at.into(), deletion, now }).await
    }

    async fn kept(
        &self,
        _at: &SealedPlace<Write>,
        tag: IdempotencyTag,
        now: Timestamp,
    ) -> Result<Option<KeptRecord>, StoreError> {
        self.write(job::Kept { tag, now }).await
    }
}

#[async_trait]
impl Maintenance for Store {
    async fn sweep(&self, now: Timestamp, max: u32) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        loop {
            let step = Swept {
                secrets: (max - swept.secrets).min(SWEEP_STEP_ROWS),
                idempotency_records: (max - swept.idempotency_records).min(SWEEP_STEP_ROWS),
            };
            let erased = self.write(job::Sweep { now, max: step }).await?;
            swept.secrets += erased.secrets;
            swept.idempotency_records += erased.idempotency_records;
            let more_secrets = erased.secrets == step.secrets && swept.secrets < max;
            let more_records =
                erased.idempotency_records == step.idempotency_records && swept.idempotency_records < max;
            if !more_secrets && !more_records {
                return Ok(swept);
            }
        }
    }

    async fn probe(&self) -> Result<(), StoreError> {
        self.write(job::Probe).await
    }

    async fn erase_all(&self) -> Result<(), StoreError> {
        self.write(job::EraseAll).await
    }
}
