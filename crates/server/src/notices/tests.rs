//! Who hears of what, and what nobody hears of.

use cholla_domain::directory::decision::Decision;
use cholla_domain::operator::{NewEndpoint, create_endpoint, delete_endpoint};
use cholla_domain::ports::Outbox;
use cholla_store::sqlite::Store;

use super::*;
use crate::testing::Server;

const FILE: &str = r#"
    accounts = [{ id = "acct_m" }]
    keys = [{ kind = "secret", account = "acct_m", value = "sk_test_m" }]
"#;

struct World {
    server: Server,
    store: Arc<Store>,
    telling: Telling,
}

impl World {
    async fn new() -> Self {
        let (server, foundation) = Server::over_its_store(FILE).await;
        let telling = Telling {
            keeper: Arc::clone(&server.api.keeper),
            store: foundation.store.clone(),
            instance: Arc::clone(&foundation.instance),
            clock: Arc::clone(&server.api.clock),
            names: Mutex::default(),
        };
        Self { server, store: Arc::clone(&foundation.store), telling }
    }

    /// Adds an endpoint of the operator's, `seconds` from now.
    async fn add(&self, seconds: i64) -> EndpointId {
        let keeper = &self.server.api.keeper;
        let mut asked = keeper.unasked();
        asked.now = asked.now.plus(seconds);
        let created = keeper.decide(asked, |ctx| {
            let new = NewEndpoint {
                account: None,
                livemode: Livemode::Test,
                url: "https://ops.example/".to_owned(),
                connect: false,
                events: std::collections::BTreeSet::new(),
                secret: None,
            };
            let decided = create_endpoint(ctx, "test", new).unwrap();
            Decision { change: decided.change, outcome: decided.outcome.id }
        });
        created.await.unwrap()
    }

    async fn remove(&self, id: EndpointId) {
        let keeper = &self.server.api.keeper;
        let removed = keeper.decide(keeper.unasked(), move |ctx| delete_endpoint(ctx, "test", &id).unwrap());
        removed.await.unwrap();
    }

    async fn put(&self) {
        let set =
            self.server.ask_as("sk_test_m", "POST /v1/apps/secrets", "name=n&payload=p&scope[type]=account").await;
        assert_eq!(set.status, 200, "{set:?}");
    }

    /// Notices that wait, and deliveries, after a round.
    async fn left(&self) -> (usize, usize) {
        self.telling.round().await.unwrap();
        (self.store.notices(99).await.unwrap().len(), self.store.recent(None, 99).await.unwrap().len())
    }
}

#[tokio::test]
async fn what_was_left_when_the_last_endpoint_went_is_told_to_nobody() {
    let world = World::new().await;
    let first = world.add(-1).await;
    world.put().await;
    assert_eq!(world.left().await, (0, 1));
    world.put().await;
    world.remove(first).await;
    assert_eq!(world.store.notices(99).await.unwrap().len(), 1);
    // Another one comes before the next round, and hears of what happens from then on.
    world.add(1_000).await;
    assert_eq!(world.left().await, (0, 1));
    world.put().await;
    assert_eq!(world.left().await, (0, 1), "and of nothing before it was there");
}

#[tokio::test]
async fn without_an_endpoint_notices_are_dropped() {
    let world = World::new().await;
    let only = world.add(-1).await;
    world.put().await;
    world.put().await;
    world.remove(only).await;
    assert_eq!(world.store.notices(99).await.unwrap().len(), 2);
    assert_eq!(world.left().await, (0, 0));
}
