//! Rounds in which something cannot be erased, and receipts of the longest names there are.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::id::AccountId;
use cholla_domain::installs::{Actor, end_install};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::offboard_user;
use cholla_domain::tag::{NamespaceTag, ScopeTag};
use cholla_store::sqlite::Store;
use serde_json::Value;

use super::*;
use crate::receipts::verify_receipt;
use crate::testing::Server;

const FILE: &str = r#"
    accounts = [{ id = "acct_m" }, { id = "acct_n" }, { id = "acct_a" }, { id = "acct_b" }]
    apps = [{ id = "com.example.a", owner = "acct_a", permissions = [{ permission = "secret_write" }] },
        { id = "com.example.b", owner = "acct_b", permissions = [{ permission = "secret_write" }] }]
    installs = [{ app = "com.example.a", account = "acct_m" }, { app = "com.example.b", account = "acct_m" },
        { app = "com.example.b", account = "acct_n" }]
    keys = [{ kind = "secret", account = "acct_a", value = "sk_test_a" },
        { kind = "secret", account = "acct_b", value = "sk_test_b" }]
"#;

/// A store in which one namespace, or the log, cannot be erased.
struct Failing {
    store: Arc<Store>,
    namespace: Mutex<Option<NamespaceTag>>,
    log: AtomicBool,
    /// What happens before the next steps.
    meanwhile: Mutex<VecDeque<Pin<Box<dyn Future<Output = ()> + Send>>>>,
}

#[async_trait]
impl ErasureStore for Failing {
    async fn erase_step(&self, erasure: ErasureId, max: u32) -> Result<(ErasedCounts, bool), StoreError> {
        let meanwhile = self.meanwhile.lock().unwrap().pop_front();
        if let Some(meanwhile) = meanwhile {
            meanwhile.await;
        }
        self.store.erase_step(erasure, max).await
    }

    async fn erase_scope(
        &self,
        erasure: ErasureId,
        namespace: NamespaceTag,
        scope: ScopeTag,
    ) -> Result<ErasedCounts, StoreError> {
        if *self.namespace.lock().unwrap() == Some(namespace) {
            return Err(StoreError::Unavailable("broken".into()));
        }
        self.store.erase_scope(erasure, namespace, scope).await
    }

    async fn forget_erasure(&self, erasure: ErasureId) -> Result<(), StoreError> {
        self.store.forget_erasure(erasure).await
    }

    async fn shred_log(&self) -> Result<(), StoreError> {
        if self.log.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("in use".into()));
        }
        self.store.shred_log().await
    }
}

struct World {
    server: Server,
    store: Arc<Failing>,
    erasing: Erasing,
}

impl World {
    async fn new() -> Self {
        let (server, foundation) = Server::over_its_store(FILE).await;
        let store = Arc::clone(&foundation.store);
        let store = Arc::new(Failing {
            store,
            namespace: Mutex::default(),
            log: AtomicBool::new(false),
            meanwhile: Mutex::default(),
        });
        let erasing = Erasing {
            keeper: Arc::clone(&server.api.keeper),
            store: store.clone(),
            instance: Arc::clone(&foundation.instance),
            keyring: Arc::clone(&foundation.keyring),
        };
        Self { server, store, erasing }
    }

    /// Sets a secret of a user, as one of the developers.
    async fn put(&self, key: &str, account: &str, user: &str) {
        let headers = [format!("Authorization: Bearer {key}"), format!("Stripe-Account: {account}")];
        let body = format!("name=n&payload=p&scope[type]=user&scope[user]={user}");
        let set = self.server.ask("POST /v1/apps/secrets", &headers.each_ref().map(String::as_str), &body).await;
        assert_eq!(set.status, 200, "{set:?}");
    }

    async fn offboard(&self, account: &str, user: &str) -> ErasureId {
        let (account, user) = (AccountId::new(account), UserId::new(user));
        let decided = self.erasing.keeper.decide(self.erasing.keeper.unasked(), move |ctx| {
            let decided = offboard_user(ctx, "test", &account, &user).unwrap();
            Decision { change: decided.change, outcome: decided.outcome.erasure }
        });
        decided.await.unwrap()
    }

    /// What the receipt of an erasure says, once there is one.
    fn receipt(&self, id: ErasureId) -> Option<Value> {
        let receipt = self.erasing.keeper.read().erasure(&id).unwrap().receipt.clone()?;
        let key = ReceiptKey::new(&self.erasing.instance.receipts().public_key(), cholla_seal::sha256);
        let said = verify_receipt(&receipt, &format!("{{\"keys\": [{}]}}", key.jwk())).unwrap();
        Some(serde_json::from_str(&said).unwrap())
    }

    fn secrets(&self, id: ErasureId) -> Option<u64> {
        self.receipt(id).map(|receipt| receipt["secrets"].as_u64().unwrap())
    }

    fn namespace(&self, developer: &str, account: &str) -> NamespaceTag {
        self.erasing.instance.namespace_tag(&Namespace {
            developer: AccountId::new(developer),
            account: AccountId::new(account),
            livemode: Livemode::Test,
        })
    }
}

#[tokio::test]
async fn an_erasure_that_fails_holds_up_neither_others_nor_itself() {
    let world = World::new().await;
    for (key, account, user) in
        [("sk_test_a", "acct_m", "usr_1"), ("sk_test_b", "acct_m", "usr_1"), ("sk_test_b", "acct_n", "usr_2")]
    {
        world.put(key, account, user).await;
    }
    let broken = world.namespace("acct_a", "acct_m");
    *world.store.namespace.lock().unwrap() = Some(broken);
    let (stuck, other) = (world.offboard("acct_m", "usr_1").await, world.offboard("acct_n", "usr_2").await);
    for _ in 0..2 {
        assert_eq!(world.erasing.round().await.unwrap(), 1);
        assert_eq!((world.secrets(stuck), world.secrets(other)), (None, Some(1)));
        let left = [("acct_a", 1), ("acct_b", 0)].map(|(developer, left)| (world.namespace(developer, "acct_m"), left));
        for (namespace, left) in left {
            use cholla_domain::ports::Inventory;
            assert_eq!(world.store.store.count(namespace).await.unwrap().secrets, left, "of its namespaces, too");
        }
    }
    *world.store.namespace.lock().unwrap() = None;
    assert_eq!(world.erasing.round().await.unwrap(), 0);
    assert_eq!(world.secrets(stuck), Some(2), "what earlier rounds have erased is counted");
    // Nothing is signed for while the log may hold it.
    world.put("sk_test_b", "acct_n", "usr_3").await;
    let third = world.offboard("acct_n", "usr_3").await;
    world.store.log.store(true, Ordering::Relaxed);
    assert_eq!((world.erasing.round().await.unwrap(), world.secrets(third)), (1, None));
    world.store.log.store(false, Ordering::Relaxed);
    assert_eq!((world.erasing.round().await.unwrap(), world.secrets(third)), (0, Some(1)));
}

/// Four bytes each, or six in JSON.
#[tokio::test]
async fn the_receipt_of_the_longest_user_id_can_be_verified() {
    let world = World::new().await;
    for user in ["🌵".repeat(5_000), "\u{1}".repeat(5_000), "\"".repeat(5_000)] {
        let id = world.offboard("acct_m", &user).await;
        assert_eq!(world.erasing.round().await.unwrap(), 0);
        assert_eq!(world.receipt(id).unwrap()["target"]["user"], Value::from(user));
    }
}

/// An uninstall that a batch shows and does not commit takes no namespace from an erasure that is signed for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rule_14_8_a_user_is_erased_from_every_namespace_that_is_committed() {
    let world = World::new().await;
    world.put("sk_test_a", "acct_m", "usr_2").await;
    let (_, second) = (world.offboard("acct_m", "usr_1").await, world.offboard("acct_m", "usr_2").await);
    let (shown, is_shown) = tokio::sync::oneshot::channel();
    let (refuse, is_refused) = std::sync::mpsc::channel::<()>();
    let keeper = Arc::clone(&world.erasing.keeper);
    let batch = async move {
        let failed = keeper.batch(keeper.unasked(), move |batch| {
            batch.decide(|ctx| {
                let is_meant =
                    |install: &&cholla_domain::directory::install::Install| install.app.as_str() == "com.example.a";
                let install = ctx.directory.installs().find(is_meant).unwrap();
                Decision { change: end_install(ctx, Actor::Operator("test"), install), outcome: () }
            });
            shown.send(()).unwrap();
            is_refused.recv().unwrap();
            Err::<(), ()>(())
        });
        assert_eq!(failed.await.unwrap(), Err(()));
    };
    // While the first erasure makes its step the batch comes, and goes while the second makes its own.
    let first: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move {
        tokio::spawn(batch);
        is_shown.await.unwrap();
    });
    world.store.meanwhile.lock().unwrap().extend([first, Box::pin(async move { refuse.send(()).unwrap() })]);
    assert_eq!(world.erasing.round().await.unwrap(), 0);
    assert_eq!(world.secrets(second), Some(1));
}
