//! Idempotency keys that are being used right now (contract 6.26).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cholla_domain::idempotency::{IdempotentRequest, InFlight};
use cholla_domain::ports::{InFlightGuard, InFlightKeys};
use cholla_domain::tag::IdempotencyTag;

/// One entry per write with a key between its permission check and its answer; bounded by the open connections times the streams of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct InFlightTable {
    keys: Arc<Mutex<HashMap<IdempotencyTag, InFlight>>>,
}

impl InFlightTable {
    fn keys(&self) -> MutexGuard<'_, HashMap<IdempotencyTag, InFlight>> {
        // Nothing panics while the lock is held, and each operation on the map is whole.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlightKeys for InFlightTable {
    fn enter(&self, request: &IdempotentRequest) -> Result<Box<dyn InFlightGuard>, InFlight> {
        match self.keys().entry(request.tag) {
            Entry::Occupied(other) => Err(*other.get()),
            Entry::Vacant(free) => {
                free.insert(InFlight { original: request.request, fingerprint: request.fingerprint });
                Ok(Box::new(Guard { table: self.clone(), tag: request.tag }))
            }
        }
    }
}

struct Guard {
    table: InFlightTable,
    tag: IdempotencyTag,
}

impl InFlightGuard for Guard {}

impl Drop for Guard {
    fn drop(&mut self) {
        self.table.keys().remove(&self.tag);
    }
}

#[cfg(test)]
mod tests {
    use cholla_domain::id::RequestId;
    use cholla_domain::tag::Fingerprint;

    use super::*;

    fn request(tag: u8, fingerprint: u8, id: u8) -> IdempotentRequest {
        IdempotentRequest {
            tag: IdempotencyTag::from_bytes([tag; 16]),
            fingerprint: Fingerprint::from_bytes([fingerprint; 16]),
            request: RequestId::from_suffix(&[b'0' + id; 14]).unwrap(),
        }
    }

    #[test]
    fn rule_6_26_a_key_is_taken_until_its_guard_goes() {
        let table = InFlightTable::default();
        let first = table.enter(&request(1, 1, 1)).ok().unwrap();
        let other = table.enter(&request(1, 2, 2)).err().unwrap();
        assert_eq!(other.original, request(1, 1, 1).request);
        assert_eq!(other.fingerprint, request(1, 1, 1).fingerprint);
        let second = table.enter(&request(2, 1, 3)).ok();
        assert!(second.is_some(), "another key is free");
        drop(first);
        assert!(table.enter(&request(1, 2, 4)).is_ok(), "the first key is free again");
    }
}
