//! Pounds on a store of a million secrets and prints rates beside a floor: an append-only log with one flush per batch.
//!
//! `cargo run --release -p cholla-store --example pound [DIRECTORY [SECONDS [ROUNDS]]]`; a directory that is named is kept and used again.

#![expect(clippy::print_stdout, reason = "its table is its output")]
#![expect(clippy::cast_precision_loss, reason = "counts of a few seconds")]

use std::collections::HashMap;
use std::fs::File;
use std::future::Future;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::{Duration, Instant};

use cholla_domain::id::{RequestId, SecretId, UserId};
use cholla_domain::idempotency::IdempotentRequest;
use cholla_domain::limits::{SECRETS_PER_SCOPE_MAX, WRITE_BATCH_MAX, WRITE_QUEUE_MAX};
use cholla_domain::payload::Sealed;
use cholla_domain::place::{Scope, SealedPlace};
use cholla_domain::policy::{Read, Write};
use cholla_domain::ports::{Judgement, NewSecret, SecretStore, SetOutcome};
use cholla_domain::precondition::Precondition;
use cholla_domain::record::RecordHeader;
use cholla_domain::tag::{Fingerprint, IdempotencyTag, NameTag, RecordVersion};
use cholla_domain::time::Timestamp;
use cholla_store::sqlite::{Options, Store};
use cholla_testkit::cipher::place;
use cholla_testkit::entropy::SeededEntropy;
use tokio::sync::{mpsc, oneshot};

const SECRETS: usize = 1_000_000;
/// Places that are asked for, spread evenly over all of them.
const TARGETS: usize = 20_000;
const TASKS: usize = 64;
const SEALED_BYTES: usize = 400;
const NOW: Timestamp = Timestamp::from_unix(1_000);

struct Target {
    read: SealedPlace<Read>,
    write: SealedPlace<Write>,
    name: NameTag,
}

impl Target {
    fn new(number: usize) -> Self {
        let scope = Scope::User(UserId::new(format!("usr_{}", number / SECRETS_PER_SCOPE_MAX)));
        let mut name = [0; 16];
        let spread = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        name[..8].copy_from_slice(&spread.to_be_bytes());
        name[8..].copy_from_slice(&(number as u64).to_be_bytes());
        Self {
            read: place("acct_pound", scope.clone()),
            write: place("acct_pound", scope),
            name: NameTag::from_bytes(name),
        }
    }
}

fn new_secret(name: NameTag, replaces: Option<RecordHeader>, entropy: &SeededEntropy) -> NewSecret {
    let id = replaces.map_or_else(|| SecretId::draw(entropy), |header| header.id);
    let mut sealed = vec![0; SEALED_BYTES];
    cholla_domain::id::Entropy::fill(entropy, &mut sealed);
    NewSecret {
        name,
        header: RecordHeader { id, version: RecordVersion::draw(entropy), created_at: NOW, expires_at: None },
        replaces,
        sealed: Sealed::assertion(sealed),
        precondition: Precondition::default(),
        idempotency: None,
        judged: Judgement::default(),
    }
}

fn fresh_key(entropy: &SeededEntropy) -> IdempotentRequest {
    let mut tag = [0; 16];
    cholla_domain::id::Entropy::fill(entropy, &mut tag);
    IdempotentRequest {
        tag: IdempotencyTag::from_bytes(tag),
        fingerprint: Fingerprint::from_bytes(tag),
        request: RequestId::draw(entropy),
    }
}

async fn load(store: &Arc<Store>) {
    let probe = Target::new(SECRETS - 1);
    if store.find(&probe.read, probe.name, NOW).await.expect("the store answers").is_some() {
        return;
    }
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..WRITE_BATCH_MAX {
        let store = Arc::clone(store);
        tasks.spawn(async move {
            let entropy = SeededEntropy::new(task as u64);
            for number in (task..SECRETS).step_by(WRITE_BATCH_MAX) {
                let target = Target::new(number);
                let secret = new_secret(target.name, None, &entropy);
                assert_eq!(store.set(&target.write, secret, NOW).await.expect("it answers"), SetOutcome::Done);
            }
        });
    }
    tasks.join_all().await;
    println!("loaded {SECRETS} secrets in {:.1} s", start.elapsed().as_secs_f64());
}

/// An operation a second and its latencies in microseconds.
struct Figures {
    rate: f64,
    p50: f64,
    p99: f64,
    max: f64,
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rate, p50, p99, max } = self;
        write!(f, "{rate:>9.0}/s  p50 {p50:>6.0}  p99 {p99:>6.0}  max {max:>7.0} µs")
    }
}

async fn measure<F: Future<Output = ()> + Send>(
    length: Duration,
    operation: impl Fn(Arc<SeededEntropy>) -> F + Send + Sync + Clone + 'static,
) -> Figures {
    static SEED: AtomicU64 = AtomicU64::new(1);
    let start = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..TASKS {
        let operation = operation.clone();
        tasks.spawn(async move {
            let entropy = Arc::new(SeededEntropy::new(
                SEED.fetch_add(1, Ordering::Relaxed) << 32 | u64::from(start.elapsed().subsec_nanos()),
            ));
            let mut latencies = Vec::new();
            while start.elapsed() < length {
                let begin = Instant::now();
                operation(Arc::clone(&entropy)).await;
                latencies.push(begin.elapsed().as_nanos() as f64 / 1_000.0);
                if latencies.len() % 64 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            latencies
        });
    }
    let mut latencies = tasks.join_all().await.concat();
    let rate = latencies.len() as f64 / start.elapsed().as_secs_f64();
    latencies.sort_by(f64::total_cmp);
    let at = |hundredths: usize| latencies[(latencies.len() - 1) * hundredths / 100];
    Figures { rate, p50: at(50), p99: at(99), max: at(100) }
}

/// The floor: what a store with one flush per batch could do if it did nothing else.
#[derive(Clone)]
struct Log {
    queue: mpsc::Sender<(Vec<u8>, oneshot::Sender<()>)>,
}

impl Log {
    fn open(path: PathBuf) -> Self {
        let (queue, mut waiting) = mpsc::channel::<(Vec<u8>, oneshot::Sender<()>)>(WRITE_QUEUE_MAX);
        std::thread::spawn(move || {
            let mut file = File::create(&path).expect("the directory is writable");
            let map = RwLock::new(HashMap::new());
            let (mut batch, mut bytes) = (Vec::new(), Vec::new());
            while waiting.blocking_recv_many(&mut batch, WRITE_BATCH_MAX) > 0 {
                bytes.clear();
                for (record, _) in &batch {
                    bytes.extend_from_slice(&u32::try_from(record.len()).expect("small").to_be_bytes());
                    bytes.extend_from_slice(record);
                }
                file.write_all(&bytes).and_then(|()| file.sync_data()).expect("there is space");
                for (record, caller) in batch.drain(..) {
                    map.write().expect("nobody panics").insert(record[..32].to_vec(), record);
                    let _ = caller.send(());
                }
            }
        });
        Self { queue }
    }

    async fn append(&self, record: Vec<u8>) {
        let (caller, reply) = oneshot::channel();
        self.queue.send((record, caller)).await.expect("the log lives");
        reply.await.expect("the log lives");
    }
}

fn target_of(targets: &[Target], entropy: &SeededEntropy) -> usize {
    usize::try_from(entropy.below(targets.len() as u64)).expect("an index")
}

async fn set(store: &Store, target: &Target, entropy: &SeededEntropy, with_key: bool) {
    let replaces = store.header(&target.write, target.name, NOW).await.expect("the store answers");
    let mut secret = new_secret(target.name, replaces, entropy);
    secret.idempotency = with_key.then(|| fresh_key(entropy));
    let outcome = store.set(&target.write, secret, NOW).await.expect("the store answers");
    // Another task may have replaced it meanwhile, which keeps its id, so this is never moved.
    assert_eq!(outcome, SetOutcome::Done);
}

async fn floor(log: &Log, length: Duration) -> Figures {
    let own = log.clone();
    measure(length, move |entropy| {
        let log = own.clone();
        async move {
            let mut record = vec![0; 32 + SEALED_BYTES];
            cholla_domain::id::Entropy::fill(&*entropy, &mut record);
            log.append(record).await;
        }
    })
    .await
}

async fn sets(store: &Arc<Store>, targets: &Arc<Vec<Target>>, length: Duration, with_key: bool, floor: f64) {
    let (own, all) = (Arc::clone(store), Arc::clone(targets));
    let before = store.statistics();
    let figures = measure(length, move |entropy| {
        let (store, targets) = (Arc::clone(&own), Arc::clone(&all));
        async move { set(&store, &targets[target_of(&targets, &entropy)], &entropy, with_key).await }
    })
    .await;
    let after = store.statistics();
    let batch = (after.writes - before.writes) as f64 / (after.commits - before.commits) as f64;
    let label = if with_key { "set with fresh key" } else { "set" };
    println!(
        "  {label:<19} {figures}  {:.2} of the floor; batch {batch:.1}, log {} pages, {} checkpoints",
        figures.rate / floor,
        after.wal_pages,
        after.checkpoints - before.checkpoints,
    );
}

async fn finds(store: &Arc<Store>, targets: &Arc<Vec<Target>>, length: Duration, everywhere: bool) {
    let (own, all) = (Arc::clone(store), Arc::clone(targets));
    let before = store.statistics();
    let figures = measure(length, move |entropy| {
        let (store, targets) = (Arc::clone(&own), Arc::clone(&all));
        async move {
            let any =
                everywhere.then(|| Target::new(usize::try_from(entropy.below(SECRETS as u64)).expect("an index")));
            let target = any.as_ref().unwrap_or_else(|| &targets[target_of(&targets, &entropy)]);
            assert!(store.find(&target.read, target.name, NOW).await.expect("it answers").is_some());
        }
    })
    .await;
    let after = store.statistics();
    let (hits, misses) = (after.cache_hits - before.cache_hits, after.cache_misses - before.cache_misses);
    let label = if everywhere { "find, everywhere" } else { "find, hot" };
    println!("  {label:<19} {figures}  {:.2} hits", hits as f64 / (hits + misses) as f64);
}

async fn rounds(directory: &Path, seconds: f64, rounds: usize) {
    let length = Duration::from_secs_f64(seconds);
    let targets: Arc<Vec<_>> = Arc::new((0..TARGETS).map(|target| Target::new(target * (SECRETS / TARGETS))).collect());
    let log = Log::open(directory.join("floor.log"));
    let start = Instant::now();
    let store = Arc::new(Store::open(directory, &Options::default()).expect("it opens"));
    println!("opened in {:.1} ms", start.elapsed().as_secs_f64() * 1_000.0);
    load(&store).await;
    for round in 1..=rounds {
        println!("round {round}");
        let floor = floor(&log, length).await;
        println!("  log floor           {floor}");
        for with_key in [false, true] {
            sets(&store, &targets, length, with_key, floor.rate).await;
        }
        for everywhere in [false, true] {
            finds(&store, &targets, length, everywhere).await;
        }
    }
    println!("{:?}", store.statistics());
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let temporary = tempfile::tempdir().expect("there is a temporary directory");
    let directory = arguments.next().map_or(temporary.path().to_owned(), PathBuf::from);
    let seconds = arguments.next().map_or(3.0, |text| text.parse().expect("seconds"));
    let number = arguments.next().map_or(3, |text| text.parse().expect("rounds"));
    std::fs::create_dir_all(&directory).expect("the directory can be made");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().expect("there are threads");
    runtime.block_on(rounds(&directory, seconds, number));
}
