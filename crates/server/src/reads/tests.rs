use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cholla_domain::payload::Sealed;
use cholla_domain::ports::NamespaceCounts;
use cholla_domain::record::RecordHeader;
use cholla_domain::tag::{NamespaceTag, RecordVersion};

use super::*;
use crate::entropy::SystemEntropy;

/// Takes what is written down, unless it fails.
#[derive(Default)]
struct Book {
    written: Mutex<Vec<SecretRead>>,
    fails: AtomicBool,
}

#[async_trait]
impl Inventory for Book {
    async fn count(&self, _: NamespaceTag) -> Result<NamespaceCounts, StoreError> {
        unreachable!("nobody counts")
    }

    async fn scopes(&self, _: NamespaceTag, _: Option<ScopeTag>, _: usize) -> Result<Vec<ScopeTag>, StoreError> {
        unreachable!("nobody lists")
    }

    async fn secrets(&self, _: ScopeTag, _: Timestamp) -> Result<Vec<StoredSecret>, StoreError> {
        unreachable!("nobody lists")
    }

    async fn note_reads(&self, reads: &[SecretRead]) -> Result<(), StoreError> {
        if self.fails.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("the disk is full".into()));
        }
        self.written.lock().unwrap().extend_from_slice(reads);
        Ok(())
    }

    async fn read_days(&self, _: ScopeTag) -> Result<Vec<(NameTag, u32)>, StoreError> {
        unreachable!("nobody looks")
    }
}

fn secret(number: u128) -> StoredSecret {
    StoredSecret {
        scope: ScopeTag::from_bytes([0; 16]),
        name: NameTag::from_bytes(number.to_be_bytes()),
        header: RecordHeader {
            id: SecretId::draw(&SystemEntropy),
            version: RecordVersion::from_bytes([0; 16]),
            created_at: Timestamp::from_unix(0),
            expires_at: None,
        },
        sealed: Sealed::assertion(Vec::new()),
    }
}

fn day(number: i64) -> Timestamp {
    Timestamp::from_unix(number * DAY_SECONDS + 5)
}

#[tokio::test]
async fn the_last_day_is_known_at_once_and_written_down_later() {
    let (reads, book) = (Reads::default(), Book::default());
    let (one, two) = (secret(1), secret(1));
    assert_eq!(reads.day(&one), None);
    for noted in [7, 7, 9] {
        reads.note(&one, day(noted));
        assert_eq!(reads.day(&one), u32::try_from(noted).ok());
    }
    assert_eq!(reads.day(&two), None, "another secret of that name");
    book.fails.store(true, Ordering::Relaxed);
    assert!(reads.write_down(&book).await.is_err());
    assert_eq!(reads.day(&one), Some(9), "it stays for the next time");
    book.fails.store(false, Ordering::Relaxed);
    reads.write_down(&book).await.unwrap();
    reads.write_down(&book).await.unwrap();
    let written = SecretRead { scope: one.scope, name: one.name, id: one.header.id, day: 9 };
    assert_eq!(*book.written.lock().unwrap(), [written], "once");
    assert_eq!(reads.day(&one), None);
    reads.note(&one, day(9));
    assert_eq!(reads.pending().len(), 0, "that day is written down");
    reads.note(&two, day(10));
    reads.clear();
    assert_eq!(reads.day(&two), None);
    reads.note(&two, day(10));
    assert_eq!(reads.day(&two), Some(10), "what was cleared counts again");
}

#[tokio::test]
async fn memory_is_bounded() {
    let (reads, book) = (Reads::default(), Book::default());
    let room = READS_PENDING_MAX as u128;
    let all: Vec<_> = (0..room + 2).map(secret).collect();
    for each in &all {
        reads.note(each, day(1));
    }
    assert_eq!(reads.pending().len(), READS_PENDING_MAX);
    reads.note(&all[0], day(2));
    assert_eq!(reads.day(&all[0]), Some(2), "those that are there go on");
    reads.crowded.notified().await;
    reads.write_down(&book).await.unwrap();
    assert_eq!((reads.pending().len(), book.written.lock().unwrap().len()), (0, READS_PENDING_MAX));
}
