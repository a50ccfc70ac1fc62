//! What every request of the API shares.

use std::sync::Arc;

use arc_swap::ArcSwap;
use cholla_domain::directory::Directory;
use cholla_domain::ports::Ports;
use cholla_domain::time::Clock;
use cholla_seal::Instance;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::clock::ServerClock;
use crate::cors::Cors;
use crate::large_bodies::LargeBodies;
use crate::metrics::Metrics;
use crate::world::MadeUp;

/// The running API: ports, clock, directory and settings. One per process, shared by all connections.
pub(crate) struct Api {
    /// What operations need.
    pub ports: Ports,
    /// The only clock.
    pub clock: Arc<ServerClock>,
    /// Keyed hashes of credentials.
    pub instance: Arc<Instance>,
    /// Accounts, apps, installs and credentials, replaced as a whole.
    pub directory: ArcSwap<Directory>,
    /// Accounts made up for keys that nobody declared (dev mode without `--strict`).
    pub made_up: Option<MadeUp>,
    /// Which browser origins may read answers.
    pub cors: Cors,
    /// Whether answers carry `Strict-Transport-Security` (production over TLS only, contract 7.2).
    pub strict_transport_security: bool,
    /// Held for reading by everything that works on the store, for writing by dev mode's reset; `None` in production, which has none.
    pub reset: Option<RwLock<()>>,
    /// Turns for large bodies.
    pub large_bodies: LargeBodies,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

impl Api {
    /// The current second.
    pub(crate) fn now(&self) -> cholla_domain::time::Timestamp {
        self.clock.now()
    }

    /// Keeps dev mode's reset out until the guard is dropped. Take it before reading the clock; production waits for nothing.
    pub(crate) async fn without_reset(&self) -> Option<RwLockReadGuard<'_, ()>> {
        match &self.reset {
            // Boxed: production, which never comes here, need not carry its room in each request.
            Some(reset) => Some(Box::pin(reset.read()).await),
            None => None,
        }
    }
}

impl std::fmt::Debug for Api {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Api")
    }
}
