//! Fills a directory with a million records and prints how long it takes to read them all.
//!
//! `cargo run --release -p cholla-store --example directory [DIRECTORY]`; a directory that is named is kept and used again.

#![expect(clippy::print_stdout, reason = "its table is its output")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use cholla_domain::id::Entropy;
use cholla_domain::payload::Sealed;
use cholla_domain::ports::{CommitOutcome, DirectoryCommit, DirectoryStore, Revision};
use cholla_store::sqlite::{Options, Store};
use cholla_testkit::entropy::SeededEntropy;
use cholla_testkit::store_directory::{change, record_key, sealed_text};

const RECORDS: u64 = 1_000_000;
const RECORD_BYTES: usize = 120;
const PUTS_PER_COMMIT: u64 = 10_000;
const ROUNDS: usize = 5;

/// Counts records and bytes; answers the counts with the revision.
fn load(store: &Store, threads: usize) -> (u64, u64, u64) {
    // A line of the processor's cache for each thread, or they would wait for one another.
    let counts: Vec<[AtomicU64; 16]> = (0..threads).map(|_| Default::default()).collect();
    let Revision(revision) = store
        .load(threads, &|thread, _, sealed| {
            counts[thread][0].fetch_add(1, Ordering::Relaxed);
            counts[thread][1].fetch_add(sealed.len() as u64, Ordering::Relaxed);
        })
        .expect("the store answers");
    let sum = |which: usize| counts.iter().map(|count| count[which].load(Ordering::Relaxed)).sum();
    (sum(0), sum(1), revision)
}

async fn fill(store: &Store, from: u64) {
    let entropy = SeededEntropy::new(from);
    let start = Instant::now();
    for revision in from..RECORDS / PUTS_PER_COMMIT {
        let numbers = revision * PUTS_PER_COMMIT..(revision + 1) * PUTS_PER_COMMIT;
        let puts = numbers.map(|number| {
            let mut sealed = vec![0; RECORD_BYTES];
            entropy.fill(&mut sealed);
            (record_key(1, number), Sealed::assertion(sealed))
        });
        let commit = DirectoryCommit { puts: puts.collect(), ..change(revision) };
        assert_eq!(store.commit(commit).await.expect("the store answers"), CommitOutcome::Done);
    }
    println!("filled in {:.1} s", start.elapsed().as_secs_f64());
}

async fn small_commits(store: &Store, mut revision: u64) {
    const COMMITS: u32 = 200;
    let start = Instant::now();
    for _ in 0..COMMITS {
        let puts =
            (0..3).map(|number| (record_key(1, revision * 7919 % RECORDS + number), sealed_text("a small record")));
        let commit = DirectoryCommit { puts: puts.collect(), audit: vec![sealed_text("said")], ..change(revision) };
        assert_eq!(store.commit(commit).await.expect("the store answers"), CommitOutcome::Done);
        revision += 1;
    }
    println!(
        "a commit of three records, one after the other: {:.2} ms",
        start.elapsed().as_secs_f64() * 1_000.0 / f64::from(COMMITS)
    );
}

fn main() {
    let temporary = tempfile::tempdir().expect("there is a temporary directory");
    let directory = std::env::args().nth(1).map_or(temporary.path().to_owned(), PathBuf::from);
    std::fs::create_dir_all(&directory).expect("the directory can be made");
    let open = |directory: &Path| Store::open(directory, &Options::default()).expect("it opens");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("there are threads");
    let store = open(&directory);
    let (records, _, revision) = load(&store, 1);
    if records < RECORDS {
        runtime.block_on(fill(&store, revision));
    }
    store.close().expect("the log is brought into the file");
    let store = open(&directory);
    for threads in [1, 2, 4] {
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let (records, bytes, _) = load(&store, threads);
            let milliseconds = start.elapsed().as_secs_f64() * 1_000.0;
            println!("{threads} threads: {records} records, {bytes} bytes in {milliseconds:.0} ms");
        }
    }
    let (_, _, revision) = load(&store, 2);
    runtime.block_on(small_commits(&store, revision));
}
