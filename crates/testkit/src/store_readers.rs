//! Readers beside a writer: what one of them sees never runs backwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cholla_domain::ports::SetOutcome;

use crate::store_suite::Stores;

/// One secret is set again and again while others read it by find, header and list in turn: no reader sees an older state after a
/// newer one, none misses what was acknowledged before it asked.
pub async fn readers_never_go_back(stores: Stores) {
    const ROUNDS: u64 = 300;
    let stores = Arc::new(stores);
    assert_eq!(stores.put("", "a", 1, 100).await, SetOutcome::Done);
    let acknowledged = Arc::new(AtomicU64::new(1));
    let mut readers = tokio::task::JoinSet::new();
    for offset in 0..3 {
        let (stores, acknowledged) = (Arc::clone(&stores), Arc::clone(&acknowledged));
        readers.spawn(async move {
            let mut seen = 0;
            for turn in offset.. {
                let floor = acknowledged.load(Ordering::SeqCst);
                let found = match turn % 3 {
                    0 => stores.find("", "a", 100).await.map(|row| row.header.version),
                    1 => stores.header("", "a", 100).await.map(|header| header.version),
                    _ => stores.list("", 100).await.first().map(|row| row.header.version),
                };
                let bytes = *found.expect("it is never deleted").as_bytes();
                let mark = u64::try_from(u128::from_be_bytes(bytes)).expect("a mark of the suite");
                assert!(mark >= floor, "turn {turn} saw {mark} after {floor} was acknowledged");
                assert!(mark >= seen, "turn {turn} saw {mark} after {seen}");
                seen = mark;
                if mark == ROUNDS {
                    return;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    for mark in 2..=ROUNDS {
        assert_eq!(stores.put("", "a", mark, 100).await, SetOutcome::Done);
        acknowledged.store(mark, Ordering::SeqCst);
    }
    readers.join_all().await;
}
