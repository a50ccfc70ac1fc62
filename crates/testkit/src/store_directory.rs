//! What every store promises of the directory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use cholla_domain::payload::Sealed;
use cholla_domain::ports::{CommitOutcome, DirectoryCommit, RecordKey, Revision};
use cholla_domain::tag::RecordTag;

use crate::store_outbox::delivery;
use crate::store_suite::{Stores, at};

/// Record number `number` of `kind`.
pub fn record_key(kind: u8, number: u64) -> RecordKey {
    let tag = u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c3a_5d1b_7f4b).to_be_bytes();
    RecordKey { kind, tag: RecordTag::from_bytes(tag) }
}

/// Sealed bytes that say `text`.
pub fn sealed_text(text: &str) -> Sealed {
    Sealed::assertion(text.as_bytes().to_vec())
}

/// A change of nothing but the revision.
pub fn change(expects: u64) -> DirectoryCommit {
    DirectoryCommit {
        expects: Revision(expects),
        puts: Vec::new(),
        removals: Vec::new(),
        deliveries: Vec::new(),
        audit: Vec::new(),
        closed: Vec::new(),
        offboarded: Vec::new(),
        now: at(100),
    }
}

impl Stores {
    /// Commits a change of the directory, and expects an answer.
    pub async fn commit(&self, commit: DirectoryCommit) -> CommitOutcome {
        self.directory.commit(commit).await.expect("the store answers")
    }

    /// Every record, as text, and the revision. Each is expected once.
    pub fn records(&self, threads: usize) -> (BTreeMap<RecordKey, String>, u64) {
        let records = Mutex::new(BTreeMap::new());
        let take = |thread: usize, key: RecordKey, sealed: &[u8]| {
            assert!(thread < threads, "thread {thread} of {threads}");
            let text = String::from_utf8(sealed.to_vec()).expect("records of the suite are text");
            let mut records = records.lock().unwrap_or_else(PoisonError::into_inner);
            assert_eq!(records.insert(key, text), None, "{key:?} came twice");
        };
        let Revision(revision) = self.directory.load(threads, &take).expect("the store answers");
        (records.into_inner().unwrap_or_else(PoisonError::into_inner), revision)
    }
}

/// Contract 10.14, and law 8: whoever decided on an old state has to look again.
pub async fn rule_10_14_of_concurrent_commits_on_one_revision_one_is_done(stores: Stores) {
    let stores = Arc::new(stores);
    for revision in 0..8 {
        let mut tasks = tokio::task::JoinSet::new();
        for attempt in 0..16 {
            let stores = Arc::clone(&stores);
            let commit = DirectoryCommit {
                puts: vec![(record_key(1, revision), sealed_text(&attempt.to_string()))],
                deliveries: vec![delivery(100 * revision + attempt, 1, 100)],
                audit: vec![sealed_text(&attempt.to_string())],
                ..change(revision)
            };
            tasks.spawn(async move { (attempt, stores.commit(commit).await) });
        }
        let outcomes = tasks.join_all().await;
        let done: Vec<_> = outcomes
            .iter()
            .filter(|(_, outcome)| *outcome == CommitOutcome::Done)
            .map(|(attempt, _)| *attempt)
            .collect();
        assert_eq!(done.len(), 1, "revision {revision}: {done:?}");
        let (records, after) = stores.records(1);
        assert_eq!((records[&record_key(1, revision)].as_str(), after), (done[0].to_string().as_str(), revision + 1));
        let audit = stores.directory.audit(None, 100).await.expect("the store answers");
        assert_eq!((audit.len() as u64, &audit[0].2), (revision + 1, &sealed_text(&done[0].to_string())));
        let deliveries = stores.outbox.recent(None, 100).await.expect("the store answers");
        assert_eq!(deliveries.len() as u64, revision + 1);
        assert_eq!(deliveries[0].1.key, delivery(100 * revision + done[0], 1, 100).key);
    }
}

/// Records are created, replaced and removed together; a commit on another revision leaves no trace.
pub async fn a_directory_commit_is_done_as_a_whole_or_not_at_all(stores: Stores) {
    assert_eq!(stores.records(1), (BTreeMap::new(), 0));
    let put = |kind, number, text: &str| (record_key(kind, number), sealed_text(text));
    let first = DirectoryCommit { puts: vec![put(1, 1, "a"), put(1, 2, "b"), put(2, 1, "c")], ..change(0) };
    assert_eq!(stores.commit(first.clone()).await, CommitOutcome::Done);
    assert_eq!(stores.commit(first).await, CommitOutcome::Moved);
    let second = DirectoryCommit {
        puts: vec![put(1, 2, "a longer text than before"), put(3, 1, "")],
        removals: vec![record_key(2, 1), record_key(2, 9)],
        ..change(1)
    };
    for expects in [0, 2, u64::MAX >> 1] {
        let other = DirectoryCommit { expects: Revision(expects), ..second.clone() };
        assert_eq!(stores.commit(other).await, CommitOutcome::Moved, "revision {expects}");
    }
    assert_eq!(stores.records(2).1, 1);
    assert_eq!(stores.commit(second).await, CommitOutcome::Done);
    let expected = [(1, 1, "a"), (1, 2, "a longer text than before"), (3, 1, "")];
    let expected = expected.map(|(kind, number, text)| (record_key(kind, number), text.to_owned()));
    assert_eq!(stores.records(2), (BTreeMap::from(expected), 2));
}

/// By however many threads, holes or not.
pub async fn every_record_is_loaded_once(stores: Stores) {
    const RECORDS: u64 = 40_000;
    let puts = (0..RECORDS).map(|number| (record_key(1, number), sealed_text(&number.to_string()))).collect();
    assert_eq!(stores.commit(DirectoryCommit { puts, ..change(0) }).await, CommitOutcome::Done);
    let removals =
        (0..RECORDS).filter(|number| number.is_multiple_of(3) || *number < 20_000).map(|number| record_key(1, number));
    let removal = DirectoryCommit { removals: removals.collect(), ..change(1) };
    let expected: BTreeMap<_, _> = (20_000..RECORDS)
        .filter(|number| !number.is_multiple_of(3))
        .map(|number| (record_key(1, number), number.to_string()))
        .collect();
    assert_eq!(stores.commit(removal).await, CommitOutcome::Done);
    for threads in [1, 2, 5, 16] {
        let (records, revision) = stores.records(threads);
        assert!(records == expected && revision == 2, "{} records by {threads} threads", records.len());
    }
}

/// A page at a time.
pub async fn the_audit_log_is_read_backwards(stores: Stores) {
    for revision in 0..5 {
        let audit = vec![sealed_text(&format!("{revision}a")), sealed_text(&format!("{revision}b"))];
        let now = at(100 + i64::try_from(revision).expect("small"));
        assert_eq!(stores.commit(DirectoryCommit { audit, now, ..change(revision) }).await, CommitOutcome::Done);
    }
    let (mut before, mut read) = (None, Vec::new());
    loop {
        let page = stores.directory.audit(before, 3).await.expect("the store answers");
        assert!(page.len() <= 3);
        let Some((number, ..)) = page.last() else { break };
        before = Some(*number);
        let texts = page.into_iter().map(|(_, at, text)| {
            (at.as_unix(), String::from_utf8(text.as_bytes().to_vec()).expect("entries of the suite are text"))
        });
        read.extend(texts);
    }
    let expected: Vec<_> = (0..5)
        .rev()
        .flat_map(|revision| ["b", "a"].map(|half| (100 + revision, format!("{revision}{half}"))))
        .collect();
    assert_eq!(read, expected);
}
