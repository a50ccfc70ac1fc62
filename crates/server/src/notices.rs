//! What happens to secrets, told to the operator's own endpoints: set, deleted, expiring soon, expired (`docs/extensions.md`). The store
//! leaves a notice with each change while there is such an endpoint; here notices become deliveries.

use std::collections::HashMap;
use std::sync::Arc;

use cholla_domain::directory::endpoint::Endpoint;
use cholla_domain::directory::state::Directory;
use cholla_domain::id::{EndpointId, EventId};
use cholla_domain::limits::{EXPIRY_NOTICE_SECONDS, NOTICES_PER_ROUND_MAX};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::all_namespaces;
use cholla_domain::place::Namespace;
use cholla_domain::ports::{NewDelivery, Notice, Notices};
use cholla_domain::tag::NamespaceTag;
use cholla_domain::time::Clock;
use cholla_seal::Instance;
use cholla_wire::event::{notice_type, render_notice};
use tokio::sync::{Mutex, watch};

use crate::clock::ServerClock;
use crate::entropy::SystemEntropy;
use crate::keeper::{KeepError, Keeper};

/// What telling needs.
pub(crate) struct Telling {
    pub(crate) keeper: Arc<Keeper>,
    pub(crate) store: Arc<dyn Notices>,
    pub(crate) instance: Arc<Instance>,
    pub(crate) clock: Arc<ServerClock>,
    /// Which namespace each tag stands for; the store knows the tags only. Filled when a tag is met that is not there.
    pub(crate) names: Mutex<HashMap<NamespaceTag, Namespace>>,
}

/// How often notices become deliveries.
const INTERVAL: std::time::Duration = std::time::Duration::from_millis(500);

impl Telling {
    /// Tells until `stopping` turns true.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        loop {
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "notices of secrets wait");
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                _ = stopping.wait_for(|stopping| *stopping) => return,
            }
        }
    }

    fn is_asked_for(&self) -> bool {
        self.keeper.read().operator_endpoints().next().is_some()
    }

    /// Everything that is to be told by now. What was left when the last endpoint went is dropped: nobody who comes later hears of it.
    async fn round(&self) -> Result<(), KeepError> {
        let now = self.clock.now();
        if self.is_asked_for() {
            while self.store.notice_expiring(now.plus(EXPIRY_NOTICE_SECONDS), now, NOTICES_PER_ROUND_MAX).await? {}
        }
        loop {
            let notices = self.store.notices(NOTICES_PER_ROUND_MAX as usize).await?;
            let Some(last) = notices.last() else { return Ok(()) };
            let mut deliveries = Vec::new();
            let heard = if self.is_asked_for() { &notices[..] } else { &[] };
            for notice in heard {
                deliveries.extend(self.deliveries(notice).await?);
            }
            let is_told = !deliveries.is_empty();
            self.store.told(last.number, deliveries, now).await?;
            if is_told {
                self.keeper.queued.notify_one();
            }
        }
    }

    /// The deliveries of one notice. A namespace that nobody knows any more is not told of.
    async fn deliveries(&self, notice: &Notice) -> Result<Vec<NewDelivery>, KeepError> {
        let Some(namespace) = self.namespace(notice.namespace).await else { return Ok(Vec::new()) };
        let endpoints = self.endpoints(namespace.livemode, notice);
        let id = EventId::draw(&SystemEntropy);
        let body = render_notice(id, notice, &namespace, endpoints.len());
        let now = self.clock.now();
        let deliveries = endpoints.into_iter().map(|endpoint| self.keeper.delivery(id, endpoint, &body, now));
        deliveries.collect::<Result<_, _>>().map_err(|error| KeepError::Unavailable(Box::new(error)))
    }

    /// Who is told of a notice: whoever wants such ones and was there when it happened.
    fn endpoints(&self, livemode: Livemode, notice: &Notice) -> Vec<EndpointId> {
        let kind = notice_type(notice.kind);
        let wants = |endpoint: &&Endpoint| {
            endpoint.livemode == livemode && endpoint.created_at <= notice.at && endpoint.wants(kind)
        };
        self.keeper.read().operator_endpoints().filter(wants).map(|endpoint| endpoint.id).collect()
    }

    async fn namespace(&self, tag: NamespaceTag) -> Option<Namespace> {
        let mut names = self.names.lock().await;
        if !names.contains_key(&tag) {
            *names = self.all_names(&self.keeper.read());
        }
        names.get(&tag).cloned()
    }

    /// Every namespace that there may be, by its tag.
    fn all_names(&self, directory: &Directory) -> HashMap<NamespaceTag, Namespace> {
        all_namespaces(directory)
            .into_iter()
            .map(|namespace| (self.instance.namespace_tag(&namespace), namespace))
            .collect()
    }
}

#[cfg(test)]
mod tests;
