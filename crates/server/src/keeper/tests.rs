//! Changes of the directory over a store in memory, over one that fails, and over one on disk.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::Poll;

use async_trait::async_trait;
use cholla_domain::directory::account::Account;
use cholla_domain::id::AccountId;
use cholla_domain::installs::destroy_namespace;
use cholla_domain::livemode::Livemode;
use cholla_domain::payload::Sealed;
use cholla_domain::place::Namespace;
use cholla_domain::ports::{Judgement, WrappedKey};
use cholla_domain::tag::NamespaceTag;
use cholla_seal::RootKey;
use cholla_store::sqlite::{Options, Store};

use super::*;
use crate::assembly::Foundation;
use crate::platform::Platform;
use crate::platform::reconcile::Manner;
use crate::testing;

/// Adds an account; answers how many there were.
fn add(ctx: &Context<'_>, id: &str) -> Decision<usize> {
    let mut change = Change::default();
    change.put(Record::Account(Account {
        id: AccountId::new(id),
        name: Some(format!("Account {id}")),
        connected_to: BTreeSet::new(),
        made_up: false,
        created_at: ctx.now,
    }));
    Decision { change, outcome: ctx.directory.accounts().count() }
}

async fn added(keeper: &Arc<Keeper>, id: &'static str) -> Result<usize, KeepError> {
    keeper.decide(keeper.unasked(), move |ctx| add(ctx, id)).await
}

fn shown(keeper: &Keeper) -> Vec<String> {
    let mut ids: Vec<_> = keeper.read().accounts().map(|account| account.id.as_str().to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// What a restart would find.
fn stored(foundation: &Foundation) -> Vec<String> {
    shown(&testing::keeper(foundation))
}

#[tokio::test]
async fn a_change_is_durable_and_visible_when_it_is_answered() {
    let foundation = testing::foundation().await;
    let keeper = testing::keeper(&foundation);
    for (number, id) in ["acct_a", "acct_b", "acct_c"].into_iter().enumerate() {
        assert_eq!(added(&keeper, id).await.unwrap(), number, "each is decided on what the one before has made");
        assert_eq!(shown(&keeper).len(), number + 1);
        assert_eq!(stored(&foundation), shown(&keeper));
    }
    let name = keeper.read().account(&AccountId::new("acct_b")).unwrap().name.clone();
    assert_eq!(name.as_deref(), Some("Account acct_b"));
}

#[tokio::test]
async fn nothing_to_change_is_not_committed() {
    let foundation = testing::foundation().await;
    let (keeper, other) = (testing::keeper(&foundation), testing::keeper(&foundation));
    keeper.decide(keeper.unasked(), |_| Decision::unchanged(())).await.unwrap();
    assert_eq!(added(&other, "acct_a").await.unwrap(), 0, "the revision is still the one that it loaded");
}

/// Sixteen callers at once: one after the other, none lost.
#[tokio::test]
async fn changes_come_one_after_the_other() {
    let foundation = testing::foundation().await;
    let keeper = testing::keeper(&foundation);
    let tasks = (0..16).map(|number| {
        let keeper = Arc::clone(&keeper);
        tokio::spawn(
            async move { keeper.decide(keeper.unasked(), move |ctx| add(ctx, &format!("acct_{number}"))).await },
        )
    });
    let mut before = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        before.push(task.await.unwrap().unwrap());
    }
    before.sort_unstable();
    assert_eq!(before, (0..16).collect::<Vec<_>>());
    assert_eq!(stored(&foundation).len(), 16);
}

#[tokio::test]
async fn a_dropped_callers_change_still_completes() {
    let foundation = testing::foundation().await;
    let keeper = testing::keeper(&foundation);
    {
        let mut change = Box::pin(added(&keeper, "acct_dropped"));
        let first = std::future::poll_fn(|cx| Poll::Ready(change.as_mut().poll(cx).is_pending())).await;
        assert!(first, "it has only begun");
    }
    assert_eq!(added(&keeper, "acct_next").await.unwrap(), 1, "the next change comes behind it");
    assert_eq!(stored(&foundation), ["acct_dropped", "acct_next"]);
}

#[tokio::test]
async fn a_batch_sees_its_own_steps_and_is_one_change() {
    let foundation = testing::foundation().await;
    let (keeper, other) = (testing::keeper(&foundation), testing::keeper(&foundation));
    let seen = keeper.batch(keeper.unasked(), |batch| {
        Ok::<_, String>(["acct_a", "acct_b"].map(|id| batch.decide(|ctx| add(ctx, id))))
    });
    assert_eq!(seen.await.unwrap(), Ok([0, 1]));
    assert_eq!(stored(&foundation), ["acct_a", "acct_b"]);
    assert_eq!(keeper.turn.lock().await.revision, Revision(other.turn.lock().await.revision.0 + 1));
}

#[tokio::test]
async fn a_batch_that_fails_leaves_nothing() {
    let foundation = testing::foundation().await;
    let keeper = testing::keeper(&foundation);
    added(&keeper, "acct_before").await.unwrap();
    let failed = keeper.batch(keeper.unasked(), |batch| {
        batch.decide(|ctx| add(ctx, "acct_a"));
        batch.decide(|ctx| add(ctx, "acct_before"));
        Err::<(), _>("no")
    });
    assert_eq!(failed.await.unwrap(), Err("no"));
    assert_eq!(shown(&keeper), ["acct_before"]);
    assert_eq!(stored(&foundation), ["acct_before"]);
    assert_eq!(added(&keeper, "acct_after").await.unwrap(), 1);
}

#[tokio::test]
async fn a_decision_that_panics_leaves_nothing_and_the_next_one_works() {
    let foundation = testing::foundation().await;
    let keeper = testing::keeper(&foundation);
    // What a panic says may hold a value.
    let failed = |error: &KeepError| {
        assert!(matches!(error, KeepError::Unavailable(_)));
        assert_eq!(
            error.chain(),
            "the directory is unavailable: the change panicked, or was stopped with the server",
            "{error:?}"
        );
        assert!(!format!("{error:?}").contains("canary"));
    };
    let panicked = keeper.decide(keeper.unasked(), |_| -> Decision<()> { panic!("canary") });
    failed(&panicked.await.unwrap_err());
    let panicked = keeper.batch(keeper.unasked(), |batch| -> Result<(), String> {
        batch.decide(|ctx| add(ctx, "acct_half"));
        panic!("canary")
    });
    failed(&panicked.await.unwrap_err());
    assert_eq!(added(&keeper, "acct_a").await.unwrap(), 0, "nobody is left with half of a batch");
    assert_eq!((shown(&keeper), stored(&foundation)), (vec!["acct_a".to_owned()], vec!["acct_a".to_owned()]));
}

/// A store whose next commit comes to nothing, or whose answer to it is lost.
struct Flaky {
    store: Arc<Store>,
    next: AtomicU8,
}

const WORKS: u8 = 0;
const FAILS: u8 = 1;
const LOSES_THE_ANSWER: u8 = 2;

#[async_trait]
impl DirectoryStore for Flaky {
    fn load(&self, threads: usize, take: &(dyn Fn(usize, RecordKey, &[u8]) + Sync)) -> Result<Revision, StoreError> {
        self.store.load(threads, take)
    }

    async fn commit(&self, commit: DirectoryCommit) -> Result<CommitOutcome, StoreError> {
        match self.next.swap(WORKS, Ordering::Relaxed) {
            WORKS => self.store.commit(commit).await,
            FAILS => Err(StoreError::Unavailable("full disk".into())),
            _ => {
                self.store.commit(commit).await?;
                Err(StoreError::Unavailable("lost".into()))
            }
        }
    }

    async fn audit(&self, before: Option<u64>, max: usize) -> Result<Vec<(u64, Timestamp, Sealed)>, StoreError> {
        self.store.audit(before, max).await
    }
}

#[tokio::test]
async fn after_a_commit_that_failed_the_directory_is_what_the_store_has() {
    let foundation = testing::foundation().await;
    let flaky = Arc::new(Flaky { store: Arc::clone(&foundation.store), next: AtomicU8::new(WORKS) });
    let ports = (foundation.store.clone() as Arc<dyn WrappedKeyStore>, foundation.store.clone() as Arc<dyn Notices>);
    let keys = (Arc::clone(&foundation.instance), Arc::clone(&foundation.keyring));
    let keeper = Arc::new(Keeper::load(flaky.clone(), ports, keys, Arc::default(), 0).unwrap());
    added(&keeper, "acct_a").await.unwrap();

    flaky.next.store(FAILS, Ordering::Relaxed);
    assert!(matches!(added(&keeper, "acct_b").await, Err(KeepError::Unavailable(_))));
    assert_eq!(shown(&keeper), ["acct_a"], "what was not written is seen by nobody");
    assert_eq!(added(&keeper, "acct_c").await.unwrap(), 1);

    flaky.next.store(LOSES_THE_ANSWER, Ordering::Relaxed);
    assert!(matches!(added(&keeper, "acct_d").await, Err(KeepError::Unavailable(_))));
    assert_eq!(added(&keeper, "acct_e").await.unwrap(), 3, "what was written all the same is looked up");
    assert_eq!(shown(&keeper), ["acct_a", "acct_c", "acct_d", "acct_e"]);

    flaky.next.store(FAILS, Ordering::Relaxed);
    let batch = keeper.batch(keeper.unasked(), |batch| Ok::<_, String>(batch.decide(|ctx| add(ctx, "acct_f"))));
    assert!(matches!(batch.await, Err(KeepError::Unavailable(_))));
    assert_eq!(added(&keeper, "acct_g").await.unwrap(), 4, "the steps of a batch that was not committed are gone");
    assert_eq!(shown(&keeper), stored(&foundation));
}

#[tokio::test]
async fn law_8_a_stale_keeper_is_refused_and_writes_nothing() {
    let foundation = testing::foundation().await;
    let (first, second) = (testing::keeper(&foundation), testing::keeper(&foundation));
    added(&first, "acct_first").await.unwrap();
    let refused = added(&second, "acct_second").await;
    assert!(matches!(refused, Err(KeepError::Unavailable(_))));
    assert_eq!(stored(&foundation), ["acct_first"]);
    assert!(shown(&second).is_empty(), "it has not seen the other's change yet, nor its own");
    assert_eq!(added(&second, "acct_second").await.unwrap(), 1, "it has looked again");
    assert_eq!(stored(&foundation), ["acct_first", "acct_second"]);
    assert_eq!(shown(&second), stored(&foundation));
}

#[tokio::test]
async fn the_directory_is_there_after_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let key = home.path().join("root.key");
    RootKey::generate().unwrap().write_new(&key).unwrap();
    let open = async || {
        let store = Store::open(&home.path().join("data"), &Options::default()).unwrap();
        Foundation::lay(store, RootKey::read(&key).unwrap()).await.unwrap()
    };
    let demo = Platform::demo();
    let directory = |keeper: &Keeper| {
        let directory = keeper.read();
        let mut lines: Vec<_> = directory.accounts().map(|account| format!("{account:?}")).collect();
        lines.extend(directory.apps().map(|app| format!("{app:?}")));
        lines.extend(directory.installs().map(|install| format!("{install:?}")));
        lines
            .extend(directory.credentials().map(|found| format!("{} {:?} {:?}", found.key, found.kind, found.install)));
        lines.sort_unstable();
        lines
    };
    let before = {
        let foundation = open().await;
        let keeper = testing::keeper(&foundation);
        testing::settle(&keeper, &foundation, (&demo, testing::drawn, Manner::default())).await.unwrap();
        foundation.store.shutdown().unwrap();
        directory(&keeper)
    };
    assert!(before.len() > 20, "{before:?}");
    let foundation = open().await;
    assert_eq!(directory(&testing::keeper(&foundation)), before);
}

/// Nothing opens under another key: a start with the wrong one stops instead of showing an empty directory.
#[tokio::test]
async fn records_that_do_not_open_are_no_empty_directory() {
    let foundation = testing::foundation().await;
    added(&testing::keeper(&foundation), "acct_a").await.unwrap();
    let other = testing::foundation().await;
    assert!(matches!(load(&*foundation.store, &other.instance), Err(KeepError::Corrupt)));
}

#[tokio::test]
async fn it_starts_over_from_what_the_store_has() {
    let foundation = testing::foundation().await;
    let keeper = testing::keeper(&foundation);
    added(&keeper, "acct_a").await.unwrap();
    cholla_domain::ports::Maintenance::erase_all(&*foundation.store).await.unwrap();
    foundation.keyring.forget_all();
    keeper.start_over().await.unwrap();
    assert!(shown(&keeper).is_empty());
    assert_eq!(added(&keeper, "acct_b").await.unwrap(), 0);
}

/// Wrapped keys of which one is made just when its namespace is about to be closed.
struct Raced {
    store: Arc<Store>,
    namespace: NamespaceTag,
    races: AtomicU8,
}

#[async_trait]
impl WrappedKeyStore for Raced {
    async fn wrapped_key(&self, namespace: NamespaceTag) -> Result<Option<WrappedKey>, StoreError> {
        let found = self.store.wrapped_key(namespace).await?;
        if namespace == self.namespace && self.races.swap(0, Ordering::Relaxed) > 0 {
            let made = self.store.keep_wrapped_key(namespace, WrappedKey(vec![7; 60]), Judgement::ALONE.at).await?;
            assert!(found.is_none() && made.is_some());
        }
        Ok(found)
    }

    async fn keep_wrapped_key(
        &self,
        namespace: NamespaceTag,
        key: WrappedKey,
        judged: Revision,
    ) -> Result<Option<WrappedKey>, StoreError> {
        self.store.keep_wrapped_key(namespace, key, judged).await
    }
}

/// A keeper whose look at the keys is overtaken once by the first set of that namespace, where it `is_raced`.
fn raced(foundation: &Foundation, namespace: &Namespace, is_raced: bool) -> Arc<Keeper> {
    let store = Arc::clone(&foundation.store);
    let namespace = foundation.instance.namespace_tag(namespace);
    let keys = Arc::new(Raced { store, namespace, races: AtomicU8::new(is_raced.into()) });
    let (directory, notices) = (foundation.store.clone(), foundation.store.clone());
    let secrets = (Arc::clone(&foundation.instance), Arc::clone(&foundation.keyring));
    Arc::new(Keeper::load(directory, (keys, notices), secrets, Arc::default(), 0).unwrap())
}

/// Contract 14.6: what is destroyed is decided by the commit, in a batch as well; what had no key leaves no erasure.
#[tokio::test]
async fn rule_14_6_a_key_that_is_made_while_its_namespace_is_closed_is_destroyed() {
    let namespace = |account: &str| Namespace {
        developer: AccountId::new("acct_dev"),
        account: AccountId::new(account),
        livemode: Livemode::Test,
    };
    for (is_raced, is_batch) in [(true, false), (false, false), (true, true), (false, true)] {
        let foundation = testing::foundation().await;
        let one = namespace("acct_m");
        let keeper = raced(&foundation, &one, is_raced);
        let tag = foundation.instance.namespace_tag(&one);
        let destroy = {
            let one = one.clone();
            move |ctx: &Context<'_>| {
                let mut change = destroy_namespace(ctx, &one);
                // Closed twice, as by an uninstall, a reinstall and another uninstall: it is one end.
                change.append(destroy_namespace(ctx, &one));
                Decision { change, outcome: () }
            }
        };
        if is_batch {
            let done = keeper.batch(keeper.unasked(), move |batch| {
                batch.decide(destroy);
                Ok::<_, String>(())
            });
            done.await.unwrap().unwrap();
        } else {
            keeper.decide(keeper.unasked(), destroy).await.unwrap();
        }
        assert_eq!(foundation.store.wrapped_key(tag).await.unwrap(), None, "raced: {is_raced}");
        let late = foundation.store.keep_wrapped_key(tag, WrappedKey(vec![8; 60]), Revision(0)).await.unwrap();
        assert_eq!(late, None, "nobody who was judged before makes another");
        let names = |keeper: &Keeper| {
            let directory = keeper.read();
            directory.erasures().map(|erasure| erasure.key_id.clone()).collect::<Vec<_>>()
        };
        let key = is_raced.then(|| Some(cholla_seal::key_id(&WrappedKey(vec![7; 60]))));
        assert_eq!(names(&keeper), key.clone().into_iter().collect::<Vec<_>>(), "batch: {is_batch}");
        assert_eq!(names(&keeper), names(&testing::keeper(&foundation)), "what is shown is what is kept");
    }
}

/// Whoever judges by what a batch has made and not committed has to judge again.
#[tokio::test]
async fn nobody_is_judged_by_what_is_not_committed() {
    let foundation = testing::foundation().await;
    let keeper = testing::keeper(&foundation);
    let revision = |keeper: &Keeper| keeper.revision(&keeper.read());
    assert_eq!(revision(&keeper), Some(Revision(0)));
    for (commits, expected) in [(true, 1), (false, 1), (true, 2)] {
        let at_work = Arc::clone(&keeper);
        let done = keeper.batch(keeper.unasked(), move |batch| {
            let id = if commits { format!("acct_{expected}") } else { "acct_never".to_owned() };
            let before = at_work.revision(&at_work.read());
            batch.decide(|ctx| add(ctx, &id));
            let seen = (before.is_some(), at_work.revision(&at_work.read()));
            if commits { Ok(seen) } else { Err(seen) }
        });
        let (Ok(seen) | Err(seen)) = done.await.unwrap();
        assert_eq!(seen, (true, None));
        keeper.settle().await.unwrap();
        assert_eq!(revision(&keeper), Some(Revision(expected)));
    }
    let panicked = keeper.batch(keeper.unasked(), |batch| -> Result<(), String> {
        batch.decide(|ctx| add(ctx, "acct_half"));
        panic!()
    });
    assert!(panicked.await.is_err());
    assert_eq!(revision(&keeper), None);
    keeper.settle().await.unwrap();
    assert_eq!((revision(&keeper), shown(&keeper).len()), (Some(Revision(2)), 2));
}
