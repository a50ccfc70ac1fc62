use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::limits::WEBHOOK_SECONDS_MAX;
use cholla_domain::payload::Sealed;
use cholla_domain::ports::{DeliveryState, EVENT_ID_LENGTH};
use http::HeaderValue;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::webhooks::client::Failure;

use super::*;

const START: i64 = 1_956_528_000;

/// A clock that goes with tokio's, which tests have paused, and can be moved.
struct TestClock {
    began: Instant,
    offset: AtomicI64,
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let elapsed = i64::try_from(self.began.elapsed().as_secs()).unwrap();
        Timestamp::from_unix(START + elapsed + self.offset.load(Ordering::Relaxed))
    }
}

/// Jitter that makes each gap a tenth shorter.
struct NoEntropy;

impl Entropy for NoEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(0);
    }
}

#[derive(Default)]
struct TestOutbox {
    deliveries: Mutex<BTreeMap<DeliveryKey, Delivery>>,
    settled: Notify,
    /// Whether the next write fails.
    fails: AtomicBool,
}

impl TestOutbox {
    fn find(&self, key: DeliveryKey) -> (DeliveryState, u32, i64) {
        let delivery = self.deliveries.lock().unwrap()[&key].clone();
        (delivery.state, delivery.attempts, delivery.due_at.as_unix() - START)
    }

    fn count(&self, state: DeliveryState, endpoint: u8) -> usize {
        let deliveries = self.deliveries.lock().unwrap();
        let of_endpoint = deliveries.values().filter(|delivery| delivery.key.endpoint == tag(endpoint));
        of_endpoint.filter(|delivery| delivery.state == state).count()
    }

    /// Waits until `holds`, looking after each delivery that is settled.
    async fn until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) {
            self.settled.notified().await;
        }
    }
}

#[async_trait]
impl Outbox for TestOutbox {
    async fn due(
        &self,
        now: Timestamp,
        busy: &[RecordTag],
        per_endpoint: usize,
        max: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        let deliveries = self.deliveries.lock().unwrap();
        let is_due = |delivery: &&Delivery| {
            let pending = delivery.state == DeliveryState::Pending && delivery.due_at <= now;
            pending && !busy.contains(&delivery.key.endpoint)
        };
        let mut due: Vec<_> = deliveries.values().filter(is_due).cloned().collect();
        due.sort_by_key(|delivery| delivery.due_at);
        let mut taken: HashMap<RecordTag, usize> = HashMap::new();
        due.retain(|delivery| {
            let taken = taken.entry(delivery.key.endpoint).or_default();
            *taken += 1;
            *taken <= per_endpoint
        });
        due.truncate(max);
        Ok(due)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let deliveries = self.deliveries.lock().unwrap();
        let pending = deliveries.values().filter(|delivery| delivery.state == DeliveryState::Pending);
        Ok(pending.map(|delivery| delivery.due_at).min())
    }

    async fn settle(
        &self,
        key: DeliveryKey,
        attempts: u32,
        outcome: Settled,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        if self.fails.swap(false, Ordering::Relaxed) {
            return Err(StoreError::Unavailable("full".into()));
        }
        let mut deliveries = self.deliveries.lock().unwrap();
        let found = deliveries.get_mut(&key).filter(|delivery| delivery.attempts == attempts);
        let as_it_was = found.is_some();
        if let Some(delivery) = found {
            delivery.attempts += 1;
            (delivery.state, delivery.due_at) = match outcome {
                Settled::Delivered => (DeliveryState::Delivered, now),
                Settled::Retry(at) => (DeliveryState::Pending, at),
                Settled::Failed => (DeliveryState::Failed, now),
            };
        }
        self.settled.notify_one();
        Ok(as_it_was)
    }

    async fn deliveries(&self, _: [u8; EVENT_ID_LENGTH]) -> Result<Vec<Delivery>, StoreError> {
        unreachable!("the dispatcher does not ask")
    }

    async fn recent(&self, _: Option<u64>, _: usize) -> Result<Vec<(u64, Delivery)>, StoreError> {
        unreachable!("the dispatcher does not ask")
    }

    async fn resend(&self, _: DeliveryKey, _: Timestamp) -> Result<bool, StoreError> {
        unreachable!("the dispatcher does not ask")
    }

    async fn prune(&self, _: Timestamp, _: &[RecordTag], _: u32) -> Result<u32, StoreError> {
        unreachable!("the dispatcher does not ask")
    }
}

/// What an endpoint does; its URL says it.
const WORKS: &str = "works";
const REFUSES: &str = "refuses";
const HANGS: &str = "hangs";
/// It takes a second.
const SLOW: &str = "slow";

/// One request: seconds after the start, signature, body.
type Posted = (i64, String, Vec<u8>);

/// Endpoints. What stands behind a colon in their URL tells apart those that do the same.
struct TestTransport {
    clock: Arc<TestClock>,
    posted: Mutex<BTreeMap<String, Vec<Posted>>>,
    /// Requests that are open, and the most that ever were: of each URL, and in all under an empty one.
    open: Mutex<BTreeMap<String, (usize, usize)>>,
}

impl TestTransport {
    fn posted(&self, url: &str) -> Vec<Posted> {
        self.posted.lock().unwrap().get(url).cloned().unwrap_or_default()
    }

    fn times(&self, url: &str) -> Vec<i64> {
        self.posted(url).iter().map(|posted| posted.0).collect()
    }

    fn most_open(&self, url: &str) -> usize {
        self.open.lock().unwrap()[url].1
    }
}

#[async_trait]
impl Transport for TestTransport {
    async fn post(&self, url: &str, signature: HeaderValue, body: Bytes) -> Result<(), Failure> {
        let at = self.clock.now().as_unix() - START;
        let posted = (at, signature.to_str().unwrap().to_owned(), body.to_vec());
        self.posted.lock().unwrap().entry(url.to_owned()).or_default().push(posted);
        for url in [url, ""] {
            let mut open = self.open.lock().unwrap();
            let (now, most) = open.entry(url.to_owned()).or_default();
            *now += 1;
            *most = (*most).max(*now);
        }
        let result = match url.split(':').next().unwrap() {
            WORKS => Ok(()),
            REFUSES => Err(Failure::Status(500)),
            SLOW => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                Ok(())
            }
            _ => {
                tokio::time::sleep(Duration::from_secs(WEBHOOK_SECONDS_MAX)).await;
                Err(Failure::TooSlow)
            }
        };
        // Others get their turn, so that requests that could be open at the same time are.
        tokio::task::yield_now().await;
        for url in [url, ""] {
            self.open.lock().unwrap().get_mut(url).unwrap().0 -= 1;
        }
        result
    }
}

fn tag(endpoint: u8) -> RecordTag {
    RecordTag::from_bytes([endpoint; RecordTag::LENGTH])
}

fn key(event: u16, endpoint: u8) -> DeliveryKey {
    let event = format!("{event:024}").into_bytes().try_into().unwrap();
    DeliveryKey { event, endpoint: tag(endpoint) }
}

/// A world of endpoints, numbered as their URLs are listed.
struct World {
    urls: Vec<String>,
    livemode: Livemode,
    clock: Arc<TestClock>,
    outbox: Arc<TestOutbox>,
    transport: Arc<TestTransport>,
    metrics: Arc<Metrics>,
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
}

impl World {
    fn new(urls: &[&str], livemode: Livemode) -> Self {
        let clock = Arc::new(TestClock { began: Instant::now(), offset: AtomicI64::default() });
        Self {
            urls: urls.iter().map(|url| (*url).to_owned()).collect(),
            livemode,
            outbox: Arc::default(),
            transport: Arc::new(TestTransport {
                clock: Arc::clone(&clock),
                posted: Mutex::default(),
                open: Mutex::default(),
            }),
            clock,
            metrics: Arc::new(Metrics::new()),
            wake: Arc::default(),
            stop: watch::Sender::new(false),
        }
    }

    /// Queues a delivery that is due so many seconds after the start; its body opens to `open`.
    fn queue(&self, key: DeliveryKey, due: i64) {
        let at = Timestamp::from_unix(START + due);
        let sealed = Sealed::assertion(format!("body {}", String::from_utf8_lossy(&key.event)).into_bytes());
        let state = DeliveryState::Pending;
        let delivery = Delivery { key, state, queued_at: at, due_at: at, attempts: 0, sealed };
        self.outbox.deliveries.lock().unwrap().insert(key, delivery);
    }

    fn start_opening(&self, open: OpenBody) -> JoinHandle<()> {
        let (urls, livemode) = (self.urls.clone(), self.livemode);
        let secrets = || ["whsec_new", "whsec_old"].map(|secret| Zeroizing::new(secret.to_owned())).to_vec();
        let dispatcher = Dispatcher {
            outbox: self.outbox.clone(),
            endpoint: Box::new(move |tag| {
                let number = tag.as_bytes()[0];
                let url = urls.get(usize::from(number))?.clone();
                Some(EndpointView { id: format!("we_{number}"), url, secrets: secrets(), livemode })
            }),
            open,
            transport: self.transport.clone(),
            clock: self.clock.clone(),
            entropy: Arc::new(NoEntropy),
            metrics: Arc::clone(&self.metrics),
            wake: Arc::clone(&self.wake),
        };
        tokio::spawn(dispatcher.run(self.stop.subscribe()))
    }

    fn start(&self) -> JoinHandle<()> {
        self.start_opening(Box::new(|delivery| Ok(Zeroizing::new(delivery.sealed.as_bytes().to_vec()))))
    }
}

#[tokio::test(start_paused = true)]
async fn rule_17_6_a_hanging_receiver_delays_no_other() {
    let hanging: Vec<_> = (0..100).map(|number| format!("{HANGS}:{number}")).collect();
    let urls: Vec<_> = hanging.iter().map(String::as_str).chain([WORKS]).collect();
    let world = World::new(&urls, Livemode::Live);
    for event in 0..20 {
        for endpoint in 0..100 {
            world.queue(key(event, endpoint), -1_000);
        }
        world.queue(key(event, 100), 0);
    }
    // What is queued later finds them hanging, and some of them due again.
    for event in 20..40 {
        world.queue(key(event, 100), i64::from(event));
    }
    let running = world.start();
    world.outbox.until(|outbox| outbox.count(DeliveryState::Delivered, 100) == 40).await;
    let expected: Vec<_> = [0; 20].into_iter().chain(20..40).collect();
    assert_eq!(world.transport.times(WORKS), expected);
    for url in &hanging {
        assert_eq!(world.transport.most_open(url), WEBHOOKS_PER_ENDPOINT_MAX, "{url}");
        // Its share at first; then, as it fails, one at a time.
        assert_eq!(world.transport.times(url), [0, 0, 0, 0, 10, 20, 30], "{url}");
    }
    let of_all = world.transport.most_open("");
    let most = 100 * WEBHOOKS_PER_ENDPOINT_MAX + WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX;
    assert!((101 * WEBHOOKS_PER_ENDPOINT_MAX..=most).contains(&of_all), "{of_all}");
    running.abort();
}

/// One that works gets more places, and all that do only so many together: should they hang from now on, the others have theirs.
#[tokio::test(start_paused = true)]
async fn rule_17_6_endpoints_that_work_get_more_places() {
    for (endpoints, of_all) in [
        (1, WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX),
        (8, 8 * WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX),
        (20, 20 * WEBHOOKS_PER_ENDPOINT_MAX + WEBHOOK_EXTRA_PLACES_MAX),
    ] {
        let slow: Vec<_> = (0..endpoints).map(|number| format!("{SLOW}:{number}")).collect();
        let world = World::new(&slow.iter().map(String::as_str).collect::<Vec<_>>(), Livemode::Live);
        for event in 0..60 {
            for endpoint in 0..endpoints {
                world.queue(key(event, endpoint), 0);
            }
        }
        let running = world.start();
        let is_done = |outbox: &TestOutbox, endpoint| outbox.count(DeliveryState::Delivered, endpoint) == 60;
        world.outbox.until(|outbox| (0..endpoints).all(|endpoint| is_done(outbox, endpoint))).await;
        assert_eq!(world.transport.most_open(""), of_all, "{endpoints}");
        assert!(slow.iter().all(|url| world.transport.most_open(url) <= WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX));
        running.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn places_are_bounded() {
    let hanging: Vec<_> = (0..200).map(|number| format!("{HANGS}:{number}")).collect();
    let urls: Vec<_> = hanging.iter().map(String::as_str).collect();
    let world = World::new(&urls, Livemode::Test);
    for event in 0..4 {
        for endpoint in 0..200 {
            world.queue(key(event, endpoint), 0);
        }
    }
    let running = world.start();
    world.outbox.until(|outbox| (0..200).all(|endpoint| outbox.count(DeliveryState::Failed, endpoint) == 4)).await;
    assert_eq!(world.transport.most_open(""), WEBHOOKS_IN_FLIGHT_MAX);
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn rule_17_6_a_delivery_is_tried_again_until_it_is_given_up() {
    let live =
        [0, 54, 162, 378, 810, 1_620, 2_970, 5_400, 9_450, 15_930, 25_650, 40_230, 62_910, 98_550, 152_550, 233_280];
    for (livemode, expected) in [(Livemode::Test, &[0, 54, 864, 7_344][..]), (Livemode::Live, &live)] {
        let world = World::new(&[REFUSES], livemode);
        world.queue(key(1, 0), 0);
        let running = world.start();
        world.outbox.until(|outbox| outbox.count(DeliveryState::Failed, 0) == 1).await;
        assert_eq!(world.transport.times(REFUSES), expected, "{livemode:?}");
        let tries = u32::try_from(expected.len()).unwrap();
        assert_eq!(world.outbox.find(key(1, 0)), (DeliveryState::Failed, tries, *expected.last().unwrap()));
        assert_eq!(world.metrics.webhook_tries_failed.get(), u64::from(tries));
        world.outbox.settled.notify_one();
        running.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn rule_17_5_each_try_is_signed_anew_over_the_same_bytes() {
    let world = World::new(&[REFUSES], Livemode::Test);
    world.queue(key(7, 0), 0);
    let running = world.start();
    world.outbox.until(|outbox| outbox.count(DeliveryState::Failed, 0) == 1).await;
    let posted = world.transport.posted(REFUSES);
    assert_eq!(posted.len(), 4);
    for (at, signature, body) in posted {
        let secrets = ["whsec_new", "whsec_old"].map(|secret| Zeroizing::new(secret.to_owned()));
        let expected = signature::header(&secrets, Timestamp::from_unix(START + at), &body);
        assert_eq!(signature, expected.to_str().unwrap());
        assert_eq!(signature.matches(",v1=").count(), 2);
        assert_eq!(body, b"body 000000000000000000000007");
    }
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn rule_17_6_an_interrupted_try_is_made_again() {
    let world = World::new(&[HANGS], Livemode::Live);
    world.queue(key(1, 0), 0);
    let running = world.start();
    while world.transport.times(HANGS).is_empty() {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    assert_eq!(world.outbox.find(key(1, 0)), (DeliveryState::Pending, 0, 0), "nothing was settled");
    let works = World { urls: vec![WORKS.to_owned()], ..world };
    let running = works.start();
    works.outbox.until(|outbox| outbox.count(DeliveryState::Delivered, 0) == 1).await;
    assert_eq!((works.transport.times(HANGS).len(), works.transport.times(WORKS).len()), (1, 1));
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn rule_17_6_the_clock_of_dev_mode_drives_the_tries() {
    let world = World::new(&[REFUSES], Livemode::Test);
    world.queue(key(1, 0), 0);
    let running = world.start();
    for (attempts, ahead) in [(1, 54), (2, 810), (3, 6_480), (4, 0)] {
        world.outbox.until(|outbox| outbox.find(key(1, 0)).1 == attempts).await;
        world.clock.offset.fetch_add(ahead, Ordering::Relaxed);
        world.wake.notify_one();
    }
    assert_eq!(world.outbox.find(key(1, 0)), (DeliveryState::Failed, 4, 7_344));
    assert_eq!(world.clock.began.elapsed(), Duration::ZERO, "nobody waited");
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_while_it_waits_is_sent_at_once() {
    let world = World::new(&[WORKS], Livemode::Test);
    let running = world.start();
    for event in 0..3 {
        tokio::task::yield_now().await;
        world.queue(key(event, 0), 0);
        world.wake.notify_one();
        world.outbox.until(|outbox| outbox.find(key(event, 0)).0 == DeliveryState::Delivered).await;
    }
    assert_eq!(world.transport.times(WORKS), [0, 0, 0]);
    assert_eq!(world.metrics.webhook_tries_succeeded.get(), 3);
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_is_gone_gets_nothing() {
    let world = World::new(&[WORKS], Livemode::Live);
    world.queue(key(1, 9), 0);
    let running = world.start();
    world.outbox.until(|outbox| outbox.count(DeliveryState::Failed, 9) == 1).await;
    assert!(world.transport.posted.lock().unwrap().is_empty());
    assert_eq!(world.metrics.webhook_tries_failed.get(), 0, "nothing was tried");
    assert_eq!(world.metrics.webhooks_given_up.get(), 1);
    running.abort();
}

/// A body that does not open, and a defect of ours that panics, cost neither the others nor the processor.
#[tokio::test(start_paused = true)]
async fn a_delivery_that_cannot_be_made_waits_as_one_that_failed() {
    for (open, due) in [
        (Box::new(|_: &Delivery| Err(SealError::Tampered)) as OpenBody, 54),
        (Box::new(|delivery: &Delivery| panic!("{delivery:?}")), 54),
    ] {
        let world = World::new(&[WORKS], Livemode::Live);
        world.queue(key(1, 0), 0);
        let running = world.start_opening(open);
        world.outbox.until(|outbox| outbox.find(key(1, 0)).1 == 1).await;
        assert_eq!(world.outbox.find(key(1, 0)), (DeliveryState::Pending, 1, due));
        world.outbox.until(|outbox| outbox.count(DeliveryState::Failed, 0) == 1).await;
        assert_eq!(world.outbox.find(key(1, 0)).1, 16);
        assert!(world.transport.posted.lock().unwrap().is_empty());
        running.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn rule_17_6_what_could_not_be_settled_is_sent_again_but_not_at_once() {
    let world = World::new(&[WORKS], Livemode::Live);
    world.queue(key(1, 0), 0);
    world.outbox.fails.store(true, Ordering::Relaxed);
    let running = world.start();
    world.outbox.until(|outbox| outbox.count(DeliveryState::Delivered, 0) == 1).await;
    assert_eq!(world.transport.times(WORKS), [0, 5]);
    running.abort();
}

#[tokio::test(start_paused = true)]
async fn stopping_lets_tries_end() {
    let world = World::new(&[HANGS, WORKS], Livemode::Live);
    world.queue(key(1, 0), 0);
    world.queue(key(2, 1), 5);
    let running = world.start();
    while world.transport.times(HANGS).is_empty() {
        tokio::task::yield_now().await;
    }
    world.stop.send_replace(true);
    running.await.unwrap();
    assert_eq!(world.outbox.find(key(1, 0)), (DeliveryState::Pending, 1, 64), "it ended, and was settled");
    assert_eq!(world.outbox.find(key(2, 1)), (DeliveryState::Pending, 0, 5), "nothing was begun any more");
}

#[tokio::test(start_paused = true)]
async fn the_age_of_the_queue_is_measured() {
    let world = World::new(&[HANGS], Livemode::Live);
    world.queue(key(1, 0), -100);
    let running = world.start();
    while world.metrics.webhook_queue_age.get() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.metrics.webhook_queue_age.get(), 100);
    world.outbox.until(|outbox| outbox.find(key(1, 0)).1 == 1).await;
    while world.metrics.webhook_queue_age.get() != 0 {
        tokio::task::yield_now().await;
    }
    running.abort();
}
