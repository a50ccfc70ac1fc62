//! Kills a process amid its writes, again and again: nothing acknowledged is lost, nothing deleted comes back, and an idempotency
//! record is there exactly when its effect is. Changes of the directory are there as a whole or not at all.
//!
//! The program is its own child: `crash child DIRECTORY SEED` writes until it is killed, and says on its output what it begins
//! (`b`), what was acknowledged (`a`) and which revision of the directory was (`r`).

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]
#![expect(clippy::print_stdout, reason = "the program is its own harness")]

#[path = "crash/platform.rs"]
mod platform;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use cholla_domain::idempotency::KeptResult;
use cholla_domain::ports::{DeleteOutcome, SecretStore, SetOutcome};
use cholla_store::sqlite::{Options, Store};
use cholla_testkit::entropy::SeededEntropy;
use cholla_testkit::store_suite::{at, deletion, idempotent, name_tag, new_secret, user_place, version};

const ROUNDS: u64 = 30;
const TASKS: u64 = 8;
const NAMES: u64 = 10;
const NOW: i64 = 100;

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["child", directory, seed] => {
            runtime().block_on(write_until_killed(Path::new(directory), seed.parse().unwrap()));
        }
        _ if arguments.iter().any(|argument| argument == "--list") => println!("crash: test"),
        _ => kill_and_look(),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap()
}

fn open(directory: &Path) -> Arc<Store> {
    // A short run, so that kills fall into its merging.
    Arc::new(Store::open(directory, &Options { recent_records: 512, ..Options::default() }).unwrap())
}

/// One operation of a task: its idempotency key is its `mark`, which no other operation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Operation {
    task: u64,
    name: u64,
    mark: u64,
    deletes: bool,
}

impl Operation {
    fn text(self, event: char) -> String {
        format!("{event} {} {} {} {}\n", self.task, self.name, self.mark, u8::from(self.deletes))
    }

    fn parse(line: &str) -> Option<(char, Self)> {
        let mut fields = line.split(' ');
        let event = fields.next()?.chars().next()?;
        let mut number = || fields.next()?.parse().ok();
        let (task, name, mark, deletes) = (number()?, number()?, number()?, number()? == 1);
        Some((event, Self { task, name, mark, deletes }))
    }
}

fn say(text: &str) {
    // One system call a line, so that a line is whole or not there.
    std::io::stdout().lock().write_all(text.as_bytes()).unwrap();
    std::io::stdout().lock().flush().unwrap();
}

async fn write_until_killed(directory: &Path, seed: u64) {
    let store = open(directory);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(platform::change_until_killed(Arc::clone(&store)));
    for task in 0..TASKS {
        let store = Arc::clone(&store);
        tasks.spawn(async move {
            let entropy = SeededEntropy::new(seed.wrapping_mul(1_000).wrapping_add(task));
            for step in 0.. {
                let mark = (seed * TASKS + task) * 1_000_000 + step;
                let operation = Operation { task, name: entropy.below(NAMES), mark, deletes: entropy.one_in(4) };
                say(&operation.text('b'));
                execute(&store, operation).await;
                say(&operation.text('a'));
            }
        });
    }
    tasks.join_all().await;
}

async fn execute(store: &Store, Operation { task, name, mark, deletes }: Operation) {
    let (user, name) = (task.to_string(), name.to_string());
    let key = Some(idempotent(mark, mark, mark));
    let place = user_place(&user);
    if deletes {
        let deletion = cholla_domain::ports::Deletion { idempotency: key, ..deletion(&user, &name) };
        let outcome = store.delete(&place, deletion, at(NOW)).await.unwrap();
        assert!(matches!(outcome, DeleteOutcome::Deleted(_) | DeleteOutcome::NotFound), "{outcome:?}");
    } else {
        let replaces = store.header(&place, name_tag(&user, &name), at(NOW)).await.unwrap();
        let mut secret = new_secret(&user, &name, mark, replaces, NOW);
        secret.idempotency = key;
        assert_eq!(store.set(&place, secret, at(NOW)).await.unwrap(), SetOutcome::Done);
    }
}

/// What a place may hold: the last acknowledged operation, and one that was begun after it.
#[derive(Clone, Copy, Default)]
struct Known {
    acknowledged: Option<Operation>,
    begun: Option<Operation>,
}

fn kill_and_look() {
    let directory = tempfile::tempdir().unwrap();
    let mut known: HashMap<(u64, u64), Known> = HashMap::new();
    let entropy = SeededEntropy::new(0x0dea_d11e);
    let (mut acknowledged, mut in_flight, mut slowest_open) = (0, 0, 0.0_f64);
    let mut revision = 0;
    for round in 0..ROUNDS {
        let lines = 1 + entropy.below(8_000);
        acknowledged += run_child(directory.path(), round, lines, &mut known, &mut revision);
        in_flight += known.values().filter(|known| known.begun.is_some()).count();
        let start = Instant::now();
        let store = open(directory.path());
        slowest_open = slowest_open.max(start.elapsed().as_secs_f64());
        runtime().block_on(look(&store, round, &mut known));
        revision = runtime().block_on(platform::look(&store, round, revision));
        drop(store);
        let connection = rusqlite::Connection::open(directory.path().join("cholla.db")).unwrap();
        let verdict: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(verdict, "ok", "round {round}");
    }
    assert!(acknowledged > ROUNDS * 100, "only {acknowledged} writes were acknowledged");
    assert!(revision > ROUNDS, "only {revision} changes of the directory");
    println!(
        "crash: {ROUNDS} kills, {revision} changes of the directory, {acknowledged} acknowledged writes, {in_flight} in flight, none lost; slowest open {:.1} ms",
        slowest_open * 1_000.0
    );
}

/// Runs a child until it has said so many lines, kills it, and takes in what it said. Returns how many writes it acknowledged.
fn run_child(
    directory: &Path,
    round: u64,
    lines: u64,
    known: &mut HashMap<(u64, u64), Known>,
    revision: &mut u64,
) -> u64 {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["child", directory.to_str().unwrap(), &round.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = 0;
    let output = BufReader::new(child.stdout.take().unwrap());
    for (line, count) in output.lines().zip(1..) {
        // A line that the kill cut in two was not said.
        let Ok(line) = line else { break };
        if let Some(acknowledged) = platform::parse(&line) {
            *revision = acknowledged;
        } else if let Some((event, operation)) = Operation::parse(&line) {
            let known = known.entry((operation.task, operation.name)).or_default();
            if event == 'b' {
                known.begun = Some(operation);
            } else {
                acknowledged += 1;
                *known = Known { acknowledged: Some(operation), begun: None };
            }
        }
        if count == lines {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    acknowledged
}

async fn look(store: &Store, round: u64, known: &mut HashMap<(u64, u64), Known>) {
    for (&(task, name), known) in known {
        let (user, name) = (task.to_string(), name.to_string());
        let found = store.find(&user_place(&user), name_tag(&user, &name), at(NOW)).await.unwrap();
        let found = found.map(|secret| secret.header.version);
        let state = |operation: Option<Operation>| {
            operation.filter(|operation| !operation.deletes).map(|operation| version(operation.mark))
        };
        for operation in [known.acknowledged, known.begun].into_iter().flatten() {
            let tag = idempotent(operation.mark, 0, 0).tag;
            let kept = store.kept(&user_place(&user), tag, at(NOW)).await.unwrap().map(|kept| kept.result);
            let is_begun = known.begun == Some(operation);
            match kept {
                Some(KeptResult::Set(header)) => assert_eq!(header.version, version(operation.mark), "round {round}"),
                Some(KeptResult::Deleted(_) | KeptResult::NotFound) => assert!(operation.deletes, "round {round}"),
                None => assert!(is_begun, "round {round}: the record of {operation:?} is lost"),
                Some(other) => panic!("round {round}: {operation:?} came to {other:?}"),
            }
            if is_begun && kept.is_some() {
                // It was committed and the kill came before its acknowledgement.
                known.acknowledged = Some(operation);
            }
        }
        assert_eq!(found, state(known.acknowledged), "round {round}: task {task}, name {name}");
        known.begun = None;
    }
}
