//! The oracle's queue of notices.

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::ports::{NewDelivery, Notice, NoticeKind, Notices};
use cholla_domain::record::RecordHeader;
use cholla_domain::tag::NamespaceTag;
use cholla_domain::time::Timestamp;

use super::{MemoryStore, State};

/// Notices, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Queue {
    is_on: bool,
    notices: Vec<Notice>,
    ever: u64,
    /// Expiry and row of the last secret that has had its notice that it is expiring.
    mark: Option<(Timestamp, u64)>,
}

impl Queue {
    /// Leaves a notice, if they are wanted.
    pub(super) fn leave(&mut self, kind: NoticeKind, namespace: NamespaceTag, secret: &RecordHeader, at: Timestamp) {
        if self.is_on {
            self.push(kind, namespace, secret, at);
        }
    }

    fn push(&mut self, kind: NoticeKind, namespace: NamespaceTag, secret: &RecordHeader, at: Timestamp) {
        self.ever += 1;
        let (secret, expires_at) = (secret.id, secret.expires_at);
        self.notices.push(Notice { number: self.ever, kind, namespace, secret, at, expires_at });
    }

    pub(super) fn secret_was_set(&mut self, namespace: NamespaceTag, row: u64, secret: &RecordHeader, at: Timestamp) {
        self.leave(NoticeKind::Set, namespace, secret, at);
        if secret.expires_at.is_some_and(|expires_at| Some((expires_at, row)) <= self.mark) {
            self.leave(NoticeKind::Expiring, namespace, secret, at);
        }
    }

    /// Forgets everything but whether notices are wanted, and the numbers that were used.
    pub(super) fn erase(&mut self) {
        *self = Self { is_on: self.is_on, ever: self.ever, ..Self::default() };
    }
}

impl State {
    fn notice_expiring(&mut self, up_to: Timestamp, now: Timestamp, max: u32) -> bool {
        let (mark, end) = (self.notices.mark, Some((up_to, u64::MAX)));
        if mark >= end {
            return false;
        }
        let mut due: Vec<_> = self
            .secrets
            .iter()
            .filter_map(|row| Some(((row.secret.header.expires_at?, row.number), row)))
            .filter(|(key, _)| Some(*key) > mark && Some(*key) <= end)
            .map(|(key, row)| (key, row.secret.scope, row.secret.header))
            .collect();
        due.sort_by_key(|(key, ..)| *key);
        let has_more = due.len() > max as usize;
        for (key, scope, header) in due.into_iter().take(max as usize) {
            if let Some(namespace) = self.namespace_of(scope) {
                self.notices.push(NoticeKind::Expiring, namespace, &header, now);
            }
            self.notices.mark = Some(key);
        }
        if !has_more {
            self.notices.mark = end;
        }
        has_more
    }
}

#[async_trait]
impl Notices for MemoryStore {
    fn keep_notices(&self, on: bool) {
        self.state().notices.is_on = on;
    }

    async fn notice_expiring(&self, up_to: Timestamp, now: Timestamp, max: u32) -> Result<bool, StoreError> {
        Ok(self.state().notice_expiring(up_to, now, max))
    }

    async fn notices(&self, max: usize) -> Result<Vec<Notice>, StoreError> {
        Ok(self.state().notices.notices.iter().take(max).copied().collect())
    }

    async fn told(&self, through: u64, deliveries: Vec<NewDelivery>, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        state.outbox.queue(deliveries, now);
        state.notices.notices.retain(|notice| notice.number > through);
        Ok(())
    }
}
