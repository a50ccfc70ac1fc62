//! What is still to be told: deliveries to webhook endpoints, and notices of what happened to secrets.

use async_trait::async_trait;

use crate::error::StoreError;
use crate::id::SecretId;
use crate::payload::Sealed;
use crate::tag::{NamespaceTag, RecordTag};
use crate::time::Timestamp;

/// Characters of an event's id behind its prefix.
pub const EVENT_ID_LENGTH: usize = 24;

/// Which delivery: one event to one endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeliveryKey {
    /// The characters of the event's id behind its prefix.
    pub event: [u8; EVENT_ID_LENGTH],
    /// The keyed hash of the endpoint's id.
    pub endpoint: RecordTag,
}

/// A delivery to be made; it commits with the change that it tells of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDelivery {
    /// Which.
    pub key: DeliveryKey,
    /// Not to be tried before.
    pub due_at: Timestamp,
    /// The body of the request, sealed.
    pub sealed: Sealed,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// To be tried, for the first time or again.
    Pending,
    /// The endpoint took it.
    Delivered,
    /// Every try failed.
    Failed,
}

/// A delivery as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which.
    pub key: DeliveryKey,
    /// How it stands.
    pub state: DeliveryState,
    /// When it was queued; once it was sent again, when that was asked for.
    pub queued_at: Timestamp,
    /// When it is to be tried next; when it was settled, once it is.
    pub due_at: Timestamp,
    /// Tries made.
    pub attempts: u32,
    /// The body of the request, sealed.
    pub sealed: Sealed,
}

/// What a try came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The endpoint took it.
    Delivered,
    /// Try again at that time.
    Retry(Timestamp),
    /// That was the last try.
    Failed,
}

/// The durable queue of deliveries. Every method that writes is one transaction.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// Pending deliveries that are due at `now`, the longest due first, at most `per_endpoint` of each endpoint and `max` in all. None to an
    /// endpoint in `busy`: one that hangs holds up no other.
    async fn due(
        &self,
        now: Timestamp,
        busy: &[RecordTag],
        per_endpoint: usize,
        max: usize,
    ) -> Result<Vec<Delivery>, StoreError>;

    /// When the next pending delivery is due, if there is one.
    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Records what a try came to that began after `attempts` tries, and counts it. False where the delivery is not what it was then: it was
    /// made pending anew meanwhile and stays so, was settled, or is gone.
    async fn settle(
        &self,
        key: DeliveryKey,
        attempts: u32,
        outcome: Settled,
        now: Timestamp,
    ) -> Result<bool, StoreError>;

    /// The deliveries of an event, to whatever endpoint.
    async fn deliveries(&self, event: [u8; EVENT_ID_LENGTH]) -> Result<Vec<Delivery>, StoreError>;

    /// Deliveries in any state, newest first, those queued before `before` (an opaque position; all, where absent), at most `max`; each with
    /// its position.
    async fn recent(&self, before: Option<u64>, max: usize) -> Result<Vec<(u64, Delivery)>, StoreError>;

    /// Makes a delivery pending again, queued and due at `now`, with no tries counted. False where there is none.
    async fn resend(&self, key: DeliveryKey, now: Timestamp) -> Result<bool, StoreError>;

    /// Erases settled deliveries that were queued before `before`, and every delivery to an endpoint in `gone`; at most `max`.
    async fn prune(&self, before: Timestamp, gone: &[RecordTag], max: u32) -> Result<u32, StoreError>;
}

/// What happened to a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// Created or replaced.
    Set,
    /// Deleted by a request.
    Deleted,
    /// Its expiry has come into sight.
    Expiring,
    /// It has expired; said once it is erased.
    Expired,
}

/// Something that happened to a secret and is still to be told. It commits with what it tells of, and names nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its number: notices are told in this order.
    pub number: u64,
    /// What happened.
    pub kind: NoticeKind,
    /// In which namespace.
    pub namespace: NamespaceTag,
    /// To which secret.
    pub secret: SecretId,
    /// When.
    pub at: Timestamp,
    /// When the secret expires, or expired.
    pub expires_at: Option<Timestamp>,
}

/// The durable queue of notices. Off until it is turned on: nobody pays for what nobody asked for.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Whether sets, deletes and erasures of expired secrets leave notices from now on.
    fn keep_notices(&self, on: bool);

    /// Leaves a notice for each secret that expires after the last call's `up_to` and until `up_to` (durably remembered), at most `max`;
    /// true where there are more. A secret that is set to expire before that mark gets its notice when it is set.
    async fn notice_expiring(&self, up_to: Timestamp, now: Timestamp, max: u32) -> Result<bool, StoreError>;

    /// The oldest notices, at most `max`.
    async fn notices(&self, max: usize) -> Result<Vec<Notice>, StoreError>;

    /// Queues the deliveries that were made from the notices up to number `through`, and forgets those notices: one transaction.
    async fn told(&self, through: u64, deliveries: Vec<NewDelivery>, now: Timestamp) -> Result<(), StoreError>;
}
