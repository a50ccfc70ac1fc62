//! The oracle's queue of deliveries.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::ports::{Delivery, DeliveryKey, DeliveryState, EVENT_ID_LENGTH, NewDelivery, Outbox, Settled};
use cholla_domain::tag::RecordTag;
use cholla_domain::time::Timestamp;

use super::MemoryStore;

/// Deliveries with their positions, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    deliveries: Vec<(u64, Delivery)>,
    ever: u64,
}

impl Queue {
    pub(super) fn queue(&mut self, deliveries: Vec<NewDelivery>, now: Timestamp) {
        for NewDelivery { key, due_at, sealed } in deliveries {
            if self.find(key).is_none() {
                self.ever += 1;
                let state = DeliveryState::Pending;
                let delivery = Delivery { key, state, queued_at: now, due_at, attempts: 0, sealed };
                self.deliveries.push((self.ever, delivery));
            }
        }
    }

    fn find(&mut self, key: DeliveryKey) -> Option<&mut Delivery> {
        self.deliveries.iter_mut().map(|(_, delivery)| delivery).find(|delivery| delivery.key == key)
    }

    fn pending(&self) -> impl Iterator<Item = &(u64, Delivery)> {
        self.deliveries.iter().filter(|(_, delivery)| delivery.state == DeliveryState::Pending)
    }
}

#[async_trait]
impl Outbox for MemoryStore {
    async fn due(
        &self,
        now: Timestamp,
        busy: &[RecordTag],
        per_endpoint: usize,
        max: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let state = self.state();
        let mut due: Vec<_> = state.outbox.pending().filter(|(_, delivery)| delivery.due_at <= now).collect();
        due.sort_by_key(|(position, delivery)| (delivery.due_at, *position));
        let mut taken: BTreeMap<RecordTag, usize> = BTreeMap::new();
        due.retain(|(_, delivery)| {
            let taken = taken.entry(delivery.key.endpoint).or_default();
            *taken += 1;
            *taken <= per_endpoint && !busy.contains(&delivery.key.endpoint)
        });
        Ok(due.into_iter().take(max).map(|(_, delivery)| delivery.clone()).collect())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.state().outbox.pending().map(|(_, delivery)| delivery.due_at).min())
    }

    async fn settle(
        &self,
        key: DeliveryKey,
        attempts: u32,
        outcome: Settled,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let found = state.outbox.find(key);
        let as_it_was =
            |delivery: &&mut Delivery| delivery.state == DeliveryState::Pending && delivery.attempts == attempts;
        let Some(delivery) = found.filter(as_it_was) else { return Ok(false) };
        (delivery.state, delivery.due_at) = match outcome {
            Settled::Delivered => (DeliveryState::Delivered, now),
            Settled::Retry(due_at) => (DeliveryState::Pending, due_at),
            Settled::Failed => (DeliveryState::Failed, now),
        };
        delivery.attempts += 1;
        Ok(true)
    }

    async fn deliveries(&self, event: [u8; EVENT_ID_LENGTH]) -> Result<Vec<Delivery>, StoreError> {
        let state = self.state();
        let of_event = state.outbox.deliveries.iter().filter(|(_, delivery)| delivery.key.event == event);
        let mut deliveries: Vec<_> = of_event.map(|(_, delivery)| delivery.clone()).collect();
        deliveries.sort_by_key(|delivery| delivery.key);
        Ok(deliveries)
    }

    async fn recent(&self, before: Option<u64>, max: usize) -> Result<Vec<(u64, Delivery)>, StoreError> {
        let state = self.state();
        let older = |(position, _): &&(u64, Delivery)| before.is_none_or(|before| *position < before);
        Ok(state.outbox.deliveries.iter().rev().filter(older).take(max).cloned().collect())
    }

    async fn resend(&self, key: DeliveryKey, now: Timestamp) -> Result<bool, StoreError> {
        let mut state = self.state();
        let found = state.outbox.find(key);
        let is_there = found.is_some();
        if let Some(delivery) = found {
            (delivery.state, delivery.queued_at, delivery.due_at) = (DeliveryState::Pending, now, now);
            delivery.attempts = 0;
        }
        Ok(is_there)
    }

    async fn prune(&self, before: Timestamp, gone: &[RecordTag], max: u32) -> Result<u32, StoreError> {
        let mut erased = 0;
        self.state().outbox.deliveries.retain(|(_, delivery)| {
            let is_old = delivery.state != DeliveryState::Pending && delivery.queued_at < before;
            let goes = erased < max && (is_old || gone.contains(&delivery.key.endpoint));
            erased += u32::from(goes);
            !goes
        });
        Ok(erased)
    }
}
