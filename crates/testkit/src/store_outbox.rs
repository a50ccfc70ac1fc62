//! What every store promises of the queue of deliveries.

use cholla_domain::ports::{
    CommitOutcome, Delivery, DeliveryKey, DeliveryState, DirectoryCommit, EVENT_ID_LENGTH, NewDelivery, Settled,
};
use cholla_domain::tag::RecordTag;
use cholla_domain::time::Timestamp;

use crate::store_directory::{change, sealed_text};
use crate::store_suite::{Stores, at};

/// The id of event number `number`.
pub fn event(number: u64) -> [u8; EVENT_ID_LENGTH] {
    let digits = format!("{number:024}");
    *digits.as_bytes().first_chunk().expect("it has twenty-four digits")
}

fn endpoint(number: u8) -> RecordTag {
    RecordTag::from_bytes([number; 16])
}

/// Event number `number` to endpoint number `to`, due at `due_at`.
pub fn delivery(number: u64, to: u8, due_at: i64) -> NewDelivery {
    NewDelivery {
        key: DeliveryKey { event: event(number), endpoint: endpoint(to) },
        due_at: at(due_at),
        sealed: sealed_text(&format!("{number} to {to}")),
    }
}

fn texts<'a>(deliveries: impl IntoIterator<Item = &'a Delivery>) -> Vec<String> {
    let text = |delivery: &Delivery| String::from_utf8_lossy(delivery.sealed.as_bytes()).into_owned();
    deliveries.into_iter().map(text).collect()
}

impl Stores {
    /// Queues deliveries at `now` with the change of revision `expects`.
    async fn queue(&self, expects: u64, deliveries: Vec<NewDelivery>, now: i64) {
        let commit = DirectoryCommit { deliveries, now: at(now), ..change(expects) };
        assert_eq!(self.commit(commit).await, CommitOutcome::Done);
    }

    async fn due(&self, now: i64, busy: &[u8], per_endpoint: usize, max: usize) -> Vec<String> {
        let busy: Vec<_> = busy.iter().copied().map(endpoint).collect();
        texts(&self.outbox.due(at(now), &busy, per_endpoint, max).await.expect("the store answers"))
    }

    async fn next_due(&self) -> Option<i64> {
        self.outbox.next_due().await.expect("the store answers").map(Timestamp::as_unix)
    }

    /// Settles a try that began after `attempts` tries.
    async fn settle(&self, (key, attempts): (DeliveryKey, u32), outcome: Settled, now: i64) -> bool {
        self.outbox.settle(key, attempts, outcome, at(now)).await.expect("the store answers")
    }
}

/// Contract 17.6: a change that is not done tells nobody, one that is told twice tells once.
pub async fn rule_17_6_deliveries_commit_with_their_change(stores: Stores) {
    assert_eq!(stores.next_due().await, None);
    let refused = DirectoryCommit { deliveries: vec![delivery(9, 1, 100)], ..change(7) };
    assert_eq!(stores.commit(refused).await, CommitOutcome::Moved);
    stores.queue(0, vec![delivery(1, 1, 150), delivery(1, 2, 130), delivery(2, 1, 130)], 100).await;
    stores.queue(1, vec![delivery(1, 1, 500)], 200).await;
    let all = stores.outbox.recent(None, 10).await.expect("the store answers");
    assert_eq!(texts(all.iter().map(|(_, delivery)| delivery)), ["2 to 1", "1 to 2", "1 to 1"]);
    let of_event = stores.outbox.deliveries(event(1)).await.expect("the store answers");
    let expected = Delivery {
        key: delivery(1, 1, 0).key,
        state: DeliveryState::Pending,
        queued_at: at(100),
        due_at: at(150),
        attempts: 0,
        sealed: sealed_text("1 to 1"),
    };
    assert_eq!((texts(&of_event), &of_event[0]), (vec!["1 to 1".to_owned(), "1 to 2".to_owned()], &expected));
    assert_eq!(stores.outbox.deliveries(event(9)).await.expect("the store answers"), []);
    assert_eq!(stores.next_due().await, Some(130));
}

/// Contract 17.6: however much waits for one endpoint.
pub async fn rule_17_6_a_hanging_endpoint_delays_no_other(stores: Stores) {
    let mut deliveries: Vec<_> = (0..50).map(|number| delivery(number, 1, 100)).collect();
    deliveries.extend([delivery(60, 2, 120), delivery(61, 2, 110), delivery(62, 2, 200), delivery(63, 3, 90)]);
    stores.queue(0, deliveries, 50).await;
    assert_eq!(stores.due(89, &[], 9, 9).await, Vec::<String>::new());
    assert_eq!(stores.due(199, &[], 2, 9).await, ["63 to 3", "0 to 1", "1 to 1", "61 to 2", "60 to 2"]);
    assert_eq!(stores.due(199, &[], 2, 3).await, ["63 to 3", "0 to 1", "1 to 1"]);
    assert_eq!(stores.due(199, &[1], 9, 9).await, ["63 to 3", "61 to 2", "60 to 2"]);
    assert_eq!(stores.due(200, &[1, 3, 7], 9, 9).await, ["61 to 2", "60 to 2", "62 to 2"]);
    assert_eq!(stores.due(200, &[1, 2, 3], 9, 9).await, Vec::<String>::new());
}

/// Contract 17.6.
pub async fn rule_17_6_a_delivery_is_tried_until_it_is_settled(stores: Stores) {
    stores.queue(0, vec![delivery(1, 1, 100), delivery(2, 1, 100), delivery(3, 2, 100)], 100).await;
    let key = |number, to| delivery(number, to, 0).key;
    assert!(stores.settle((key(1, 1), 0), Settled::Retry(at(160)), 101).await);
    assert!(stores.settle((key(2, 1), 0), Settled::Delivered, 102).await);
    assert!(!stores.settle((key(9, 9), 0), Settled::Delivered, 102).await);
    let look = async |number| {
        let found = stores.outbox.deliveries(event(number)).await.expect("the store answers").remove(0);
        (found.state, found.due_at.as_unix(), found.attempts)
    };
    assert_eq!(look(1).await, (DeliveryState::Pending, 160, 1));
    assert_eq!(look(2).await, (DeliveryState::Delivered, 102, 1));
    assert_eq!(stores.due(159, &[], 9, 9).await, ["3 to 2"]);
    assert!(stores.settle((key(3, 2), 0), Settled::Failed, 103).await);
    assert_eq!(look(3).await, (DeliveryState::Failed, 103, 1));
    assert_eq!(stores.next_due().await, Some(160));
    assert!(stores.settle((key(1, 1), 1), Settled::Delivered, 161).await);
    assert_eq!((look(1).await, stores.next_due().await), ((DeliveryState::Delivered, 161, 2), None));
    let resend = async |key| stores.outbox.resend(key, at(300)).await.expect("the store answers");
    assert!(resend(key(3, 2)).await);
    assert!(!resend(key(9, 9)).await);
    assert_eq!((look(3).await, stores.next_due().await), ((DeliveryState::Pending, 300, 0), Some(300)));
    assert_eq!(stores.due(300, &[], 9, 9).await, ["3 to 2"]);
    // What a try came to that began before it was sent again, or after it was settled, is no news of it.
    assert!(stores.settle((key(3, 2), 0), Settled::Retry(at(310)), 301).await);
    assert!(resend(key(3, 2)).await);
    for outcome in [Settled::Failed, Settled::Delivered, Settled::Retry(at(900))] {
        assert!(!stores.settle((key(3, 2), 1), outcome, 302).await);
        assert_eq!(look(3).await, (DeliveryState::Pending, 300, 0), "{outcome:?}");
    }
    assert!(!stores.settle((key(2, 1), 1), Settled::Failed, 303).await);
    assert_eq!(look(2).await, (DeliveryState::Delivered, 102, 1));
}

/// At most so many at a time; what is still to be tried stays.
pub async fn pruning_erases_what_is_settled_or_has_no_endpoint(stores: Stores) {
    stores.queue(0, (0..6).map(|number| delivery(number, 1, 100)).collect(), 100).await;
    stores.queue(1, (6..9).map(|number| delivery(number, 2, 100)).collect(), 200).await;
    for number in [0, 1, 2, 3] {
        assert!(stores.settle((delivery(number, 1, 0).key, 0), Settled::Delivered, 300).await);
    }
    assert!(stores.settle((delivery(6, 2, 0).key, 0), Settled::Failed, 300).await);
    let prune = async |before, gone: &[u8], max| {
        let gone: Vec<_> = gone.iter().copied().map(endpoint).collect();
        stores.outbox.prune(at(before), &gone, max).await.expect("the store answers")
    };
    let left = async || {
        let left = stores.outbox.recent(None, 99).await.expect("the store answers");
        texts(left.iter().map(|(_, delivery)| delivery))
    };
    assert_eq!(prune(100, &[], 9).await, 0);
    assert_eq!(prune(101, &[], 3).await, 3);
    assert_eq!(prune(101, &[], 3).await, 1);
    assert_eq!(left().await, ["8 to 2", "7 to 2", "6 to 2", "5 to 1", "4 to 1"]);
    assert_eq!(prune(100, &[2, 3], 2).await, 2);
    assert_eq!(prune(100, &[2, 3], 9).await, 1);
    assert_eq!(left().await, ["5 to 1", "4 to 1"]);
    let (position, _) = stores.outbox.recent(None, 1).await.expect("the store answers").remove(0);
    let older = stores.outbox.recent(Some(position), 9).await.expect("the store answers");
    assert_eq!(texts(older.iter().map(|(_, delivery)| delivery)), ["4 to 1"]);
}
