//! What is to be told of secrets takes bounded room: whoever sets secrets cannot fill the disk through an operator's endpoint.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use cholla_domain::payload::Sealed;
use cholla_domain::ports::{
    CommitOutcome, DeliveryKey, DeliveryState, DirectoryCommit, DirectoryStore, EVENT_ID_LENGTH, NewDelivery, Notices,
    Outbox, Settled,
};
use cholla_domain::tag::RecordTag;
use cholla_domain::time::Timestamp;
use cholla_store::sqlite::{Options, Store};
use cholla_testkit::store_directory::change;

const ENDPOINT: u8 = 1;
const OTHER: u8 = 2;

fn key(event: u8, endpoint: u8) -> DeliveryKey {
    DeliveryKey { event: [b'a' + event; EVENT_ID_LENGTH], endpoint: RecordTag::from_bytes([endpoint; 16]) }
}

fn deliveries(events: std::ops::Range<u8>, endpoint: u8) -> Vec<NewDelivery> {
    let new = |event| NewDelivery { key: key(event, endpoint), due_at: at(0), sealed: Sealed::assertion(vec![event]) };
    events.map(new).collect()
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(seconds)
}

/// A store that keeps three deliveries of an endpoint that wait, and two of those that are settled one way.
fn store() -> Store {
    let options = Options { notices_queued_max: 3, notices_settled_max: 2, ..Options::default() };
    Store::in_memory(&options).unwrap()
}

async fn tell(store: &Store, events: std::ops::Range<u8>, endpoint: u8) {
    store.told(0, deliveries(events, endpoint), at(0)).await.unwrap();
}

/// The events of an endpoint that are there in a state, the oldest first.
async fn there(store: &Store, endpoint: u8, state: DeliveryState) -> Vec<u8> {
    let all = store.recent(None, 100).await.unwrap();
    let of = all.iter().map(|(_, own)| own).filter(|own| own.key.endpoint == key(0, endpoint).endpoint);
    of.rev().filter(|own| own.state == state).map(|own| own.key.event[0] - b'a').collect()
}

#[tokio::test]
async fn what_waits_for_one_endpoint_is_bounded() {
    let store = store();
    tell(&store, 0..5, ENDPOINT).await;
    tell(&store, 5..7, OTHER).await;
    assert_eq!(there(&store, ENDPOINT, DeliveryState::Pending).await, [0, 1, 2]);
    assert_eq!(there(&store, OTHER, DeliveryState::Pending).await, [5, 6], "each endpoint has a queue of its own");
    assert_eq!(store.statistics().notices_dropped, 2);
    // Whatever leaves the queue makes room, and what returns to it takes some.
    store.settle(key(0, ENDPOINT), 0, Settled::Delivered, at(1)).await.unwrap();
    store.settle(key(1, ENDPOINT), 0, Settled::Retry(at(9)), at(1)).await.unwrap();
    tell(&store, 7..9, ENDPOINT).await;
    assert_eq!(there(&store, ENDPOINT, DeliveryState::Pending).await, [1, 2, 7]);
    store.settle(key(2, ENDPOINT), 0, Settled::Failed, at(1)).await.unwrap();
    store.resend(key(0, ENDPOINT), at(2)).await.unwrap();
    tell(&store, 9..10, ENDPOINT).await;
    assert_eq!(there(&store, ENDPOINT, DeliveryState::Pending).await, [0, 1, 7]);
    store.prune(at(1), &[key(0, ENDPOINT).endpoint], 100).await.unwrap();
    tell(&store, 10..14, ENDPOINT).await;
    assert_eq!(there(&store, ENDPOINT, DeliveryState::Pending).await, [10, 11, 12]);
    assert_eq!(store.statistics().notices_dropped, 5);
}

/// Contract 17.6: no event of an install is lost, however many wait.
#[tokio::test]
async fn rule_17_6_events_of_installs_are_never_dropped() {
    let store = store();
    let commit = DirectoryCommit { deliveries: deliveries(0..6, ENDPOINT), ..change(0) };
    assert_eq!(store.commit(commit).await.unwrap(), CommitOutcome::Done);
    assert_eq!(there(&store, ENDPOINT, DeliveryState::Pending).await.len(), 6);
    for event in 0..6 {
        store.settle(key(event, ENDPOINT), 0, Settled::Delivered, at(1)).await.unwrap();
    }
    assert_eq!(there(&store, ENDPOINT, DeliveryState::Delivered).await.len(), 6, "they can be sent again");
}

#[tokio::test]
async fn of_what_is_settled_the_newest_stays() {
    let store = store();
    for event in 0..6 {
        tell(&store, event..event + 1, ENDPOINT).await;
        let outcome = if event % 2 == 0 { Settled::Delivered } else { Settled::Failed };
        store.settle(key(event, ENDPOINT), 0, outcome, at(i64::from(event))).await.unwrap();
    }
    assert_eq!(there(&store, ENDPOINT, DeliveryState::Delivered).await, [2, 4]);
    assert_eq!(there(&store, ENDPOINT, DeliveryState::Failed).await, [3, 5]);
    assert_eq!(store.statistics().notices_dropped, 0);
}
