//! From the outbox to the endpoints: takes what is due, runs the tries side by side, settles each. A delivery is settled only after its
//! try, so one that is interrupted is made again: at least once (contract 17.6).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cholla_domain::error::SealError;
use cholla_domain::id::Entropy;
use cholla_domain::limits::{
    WEBHOOK_EXTRA_PLACES_MAX, WEBHOOK_LOOK_SECONDS_MAX, WEBHOOKS_IN_FLIGHT_MAX, WEBHOOKS_PER_ENDPOINT_MAX,
    WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX,
};
use cholla_domain::livemode::Livemode;
use cholla_domain::ports::{Delivery, DeliveryKey, Outbox, Settled};
use cholla_domain::tag::RecordTag;
use cholla_domain::time::{Clock, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinError, JoinSet};
use zeroize::Zeroizing;

use crate::metrics::Metrics;

use super::client::Transport;
use super::schedule;
use super::signature;

/// What the dispatcher has to know of an endpoint.
pub(crate) struct EndpointView {
    /// Its id, for the log.
    pub(crate) id: String,
    /// Where it is.
    pub(crate) url: String,
    /// Its secrets (`whsec_…`), the newest first; two while one is being rolled.
    pub(crate) secrets: Vec<Zeroizing<String>>,
    /// Its mode, which says how often a delivery is tried.
    pub(crate) livemode: Livemode,
}

/// Finds an endpoint as it is now. `None`: it is gone.
pub(crate) type FindEndpoint = Box<dyn Fn(RecordTag) -> Option<EndpointView> + Send + Sync>;
/// Opens the body of a delivery, which is sealed for exactly that delivery.
pub(crate) type OpenBody = Box<dyn Fn(&Delivery) -> Result<Zeroizing<Vec<u8>>, SealError> + Send + Sync>;

/// Everything that delivering needs.
pub(crate) struct Dispatcher {
    /// The queue.
    pub(crate) outbox: Arc<dyn Outbox>,
    /// The endpoints.
    pub(crate) endpoint: FindEndpoint,
    /// The bodies.
    pub(crate) open: OpenBody,
    /// The way there.
    pub(crate) transport: Arc<dyn Transport>,
    /// The server's clock, which dev mode moves: it says what is due, and stands in signatures.
    pub(crate) clock: Arc<dyn Clock>,
    /// Jitter.
    pub(crate) entropy: Arc<dyn Entropy>,
    /// Counters.
    pub(crate) metrics: Arc<Metrics>,
    /// Notified when something was queued, and when the clock was moved.
    pub(crate) wake: Arc<Notify>,
}

/// Endpoints whose latest try is remembered, at the most.
const ENDPOINTS_REMEMBERED: usize = 4_096;

/// What a try showed of its endpoint.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Landed {
    /// It works.
    Well,
    /// It does not.
    Badly,
}

/// Tries under way, and what they showed so far.
#[derive(Default)]
struct Flights {
    tasks: JoinSet<Landed>,
    /// The delivery of each task, and which try of it this is.
    keys: HashMap<Id, (DeliveryKey, u32)>,
    /// What the latest try of an endpoint showed. One that fails gets one try at a time until one succeeds, so that those that hang hold
    /// few places; one that works gets more, as far as there are any.
    shown: HashMap<RecordTag, Landed>,
}

impl Flights {
    /// Tries under way, by endpoint.
    fn load(&self) -> Load {
        let mut load = Load::default();
        for (key, _) in self.keys.values() {
            load.add(key.endpoint);
        }
        load
    }

    /// Whether an endpoint may have another try under way beside its `load`.
    fn has_place(&self, endpoint: RecordTag, load: &Load) -> bool {
        let own = load.of(endpoint);
        match self.shown.get(&endpoint) {
            Some(Landed::Badly) => own < 1,
            Some(Landed::Well) if own >= WEBHOOKS_PER_ENDPOINT_MAX => {
                own < WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX && load.extra < WEBHOOK_EXTRA_PLACES_MAX
            }
            _ => own < WEBHOOKS_PER_ENDPOINT_MAX,
        }
    }
}

/// How many tries each endpoint has under way.
#[derive(Default)]
struct Load {
    by_endpoint: HashMap<RecordTag, usize>,
    /// Those beyond what every endpoint may have.
    extra: usize,
}

impl Load {
    fn of(&self, endpoint: RecordTag) -> usize {
        self.by_endpoint.get(&endpoint).copied().unwrap_or_default()
    }

    fn add(&mut self, endpoint: RecordTag) {
        let own = self.by_endpoint.entry(endpoint).or_default();
        *own += 1;
        self.extra += usize::from(*own > WEBHOOKS_PER_ENDPOINT_MAX);
    }
}

impl Dispatcher {
    /// Delivers until `stopping` turns true, then lets the tries under way end, which takes them a bounded time. Dropped before, it
    /// leaves them unsettled: they are made again.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let dispatcher = Arc::new(self);
        let mut flights = Flights::default();
        loop {
            let pause = dispatcher.start_due(&mut flights).await;
            let mut landed = tokio::select! {
                _ = stopping.wait_for(|stopping| *stopping) => break,
                Some(landed) = flights.tasks.join_next_with_id() => Some(landed),
                () = dispatcher.wake.notified() => None,
                () = tokio::time::sleep(pause) => None,
            };
            while let Some(ended) = landed {
                dispatcher.land(&mut flights, ended).await;
                landed = flights.tasks.try_join_next_with_id();
            }
        }
        while flights.tasks.join_next().await.is_some() {}
    }

    /// Starts whatever is due and has a place, and says how long nothing else will be.
    async fn start_due(self: &Arc<Self>, flights: &mut Flights) -> Duration {
        loop {
            let now = self.clock.now();
            let taken = self.take_due(flights, now).await;
            let Some(taken) = taken else { return Duration::from_secs(WEBHOOK_LOOK_SECONDS_MAX) };
            if taken.is_empty() {
                return self.pause(now).await;
            }
            for delivery in taken {
                let (key, number) = (delivery.key, delivery.attempts.saturating_add(1));
                let dispatcher = Arc::clone(self);
                let task = flights.tasks.spawn(async move { dispatcher.deliver(delivery).await });
                flights.keys.insert(task.id(), (key, number));
            }
        }
    }

    /// Deliveries that are due and have a place; none when the store does not answer.
    async fn take_due(&self, flights: &Flights, now: Timestamp) -> Option<Vec<Delivery>> {
        let mut load = flights.load();
        let of_each = load.by_endpoint.keys().copied();
        let busy: Vec<_> = of_each.filter(|endpoint| !flights.has_place(*endpoint, &load)).collect();
        let free = WEBHOOKS_IN_FLIGHT_MAX - flights.keys.len();
        if free == 0 {
            return Some(Vec::new());
        }
        // The outbox does not know what is under way: as far as that is to endpoints that are not busy, it is answered again.
        let again: usize = load.by_endpoint.iter().filter(|(tag, _)| !busy.contains(tag)).map(|(_, load)| load).sum();
        let due = self.outbox.due(now, &busy, WEBHOOKS_PER_HEALTHY_ENDPOINT_MAX, free + again).await;
        let mut due = due.inspect_err(|error| tracing::warn!(%error, "webhooks wait for the store")).ok()?;
        let under_way: HashSet<_> = flights.keys.values().map(|(key, _)| *key).collect();
        due.retain(|delivery| {
            let endpoint = delivery.key.endpoint;
            let has_place = flights.has_place(endpoint, &load) && !under_way.contains(&delivery.key);
            if has_place {
                load.add(endpoint);
            }
            has_place
        });
        due.truncate(free);
        Some(due)
    }

    /// How long to wait when nothing can be started at `now`.
    async fn pause(&self, now: Timestamp) -> Duration {
        let longest = WEBHOOK_LOOK_SECONDS_MAX;
        let next = match self.outbox.next_due().await {
            Ok(next) => next.map(|next| next.as_unix().saturating_sub(now.as_unix())),
            Err(error) => {
                tracing::warn!(%error, "webhooks wait for the store");
                None
            }
        };
        self.metrics.webhook_queue_age.set(next.map_or(0, |next| next.saturating_neg().max(0)));
        // What is due already waits for a place, and the end of a try wakes it.
        let seconds = next.map_or(longest, |next| u64::try_from(next).unwrap_or_default());
        Duration::from_secs(seconds.clamp(1, longest))
    }

    /// One try, from the sealed body to the settled delivery.
    async fn deliver(&self, delivery: Delivery) -> Landed {
        let outcome = self.attempt(&delivery).await;
        self.settle((delivery.key, delivery.attempts), outcome).await;
        if outcome == Settled::Delivered { Landed::Well } else { Landed::Badly }
    }

    async fn attempt(&self, delivery: &Delivery) -> Settled {
        // An endpoint that is gone gets nothing any more.
        let Some(endpoint) = (self.endpoint)(delivery.key.endpoint) else { return Settled::Failed };
        let body = match (self.open)(delivery) {
            Ok(body) => Bytes::copy_from_slice(&body),
            Err(error) => {
                tracing::error!(endpoint = endpoint.id, %error, "the body of a webhook cannot be opened");
                return self.after_failure(endpoint.livemode, delivery.attempts.saturating_add(1), delivery.queued_at);
            }
        };
        let signature = signature::header(&endpoint.secrets, self.clock.now(), &body);
        let Err(failure) = self.transport.post(&endpoint.url, signature, body).await else {
            self.metrics.webhook_tries_succeeded.inc();
            return Settled::Delivered;
        };
        self.metrics.webhook_tries_failed.inc();
        let number = delivery.attempts.saturating_add(1);
        tracing::info!(endpoint = endpoint.id, %failure, number, "a webhook was not taken");
        self.after_failure(endpoint.livemode, number, delivery.queued_at)
    }

    fn after_failure(&self, livemode: Livemode, failures: u32, queued_at: Timestamp) -> Settled {
        let mut jitter = [0];
        self.entropy.fill(&mut jitter);
        schedule::after_failure(livemode, failures, (queued_at, self.clock.now()), jitter[0])
    }

    /// Settles a try that began after `attempts` tries.
    async fn settle(&self, (key, attempts): (DeliveryKey, u32), outcome: Settled) {
        match self.outbox.settle(key, attempts, outcome, self.clock.now()).await {
            Err(error) => {
                tracing::warn!(%error, "what a webhook came to could not be written: it is sent again");
                // Not at once: a store that is out of order is no reason to flood an endpoint.
                tokio::time::sleep(Duration::from_secs(WEBHOOK_LOOK_SECONDS_MAX)).await;
            }
            // An operator who has it sent again meanwhile gets what was promised.
            Ok(true) if outcome == Settled::Failed => self.metrics.webhooks_given_up.inc(),
            Ok(_) => {}
        }
    }

    /// Takes note of a try that has ended.
    async fn land(&self, flights: &mut Flights, landed: Result<(Id, Landed), JoinError>) {
        let (id, landed) = landed.map_or_else(|panicked| (panicked.id(), None), |(id, landed)| (id, Some(landed)));
        let Some((key, number)) = flights.keys.remove(&id) else { return };
        if landed.is_none() {
            // A defect of ours. It is still due: left alone it would be tried, and panic, again and again.
            tracing::error!("a try of a webhook panicked");
            let outcome = self.after_failure(Livemode::Live, number, self.clock.now());
            self.settle((key, number.saturating_sub(1)), outcome).await;
        }
        flights.shown.insert(key.endpoint, landed.unwrap_or(Landed::Badly));
        // Endpoints come and go. Forgetting them all costs a few places, once.
        if flights.shown.len() > ENDPOINTS_REMEMBERED {
            flights.shown.clear();
        }
    }
}

#[cfg(test)]
mod tests;
