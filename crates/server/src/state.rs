//! What every request of the API shares.

use std::sync::Arc;

use cholla_domain::ports::Ports;
use cholla_domain::time::Clock;
use cholla_seal::Instance;
use tokio::sync::{RwLock, RwLockReadGuard};

use crate::clock::ServerClock;
use crate::cors::Cors;
use crate::keeper::Keeper;
use crate::large_bodies::LargeBodies;
use crate::metrics::Metrics;
use crate::platform_tokens::PlatformTokens;
use crate::presented_tokens::PresentedTokens;
use crate::rate_limits::RateLimits;
use crate::reads::Reads;
use crate::scripted_faults::ScriptedFaults;
use crate::world::MadeUp;

/// The running API: ports, clock, directory and settings. One per process, shared by all connections.
pub(crate) struct Api {
    /// What operations need.
    pub ports: Ports,
    /// The only clock.
    pub clock: Arc<ServerClock>,
    /// Keyed hashes of credentials.
    pub instance: Arc<Instance>,
    /// Accounts, apps, installs and credentials, and the only way to change them.
    pub keeper: Arc<Keeper>,
    /// Embedded keys that the platform signs by itself, where it does.
    pub platform_tokens: Option<PlatformTokens>,
    /// OAuth tokens of which the directory does not know yet that they were presented.
    pub presented_tokens: Arc<PresentedTokens>,
    /// Where install links lead; `None`: nowhere (contract 15.11).
    pub consent: Option<Consent>,
    /// Accounts made up for keys that nobody declared (dev mode without `--strict`).
    pub made_up: Option<MadeUp>,
    /// Which browser origins may read answers.
    pub cors: Cors,
    /// Whether answers carry `Strict-Transport-Security` (production over TLS only, contract 7.2).
    pub strict_transport_security: bool,
    /// Held for reading by everything that works on the store, for writing by dev mode's reset; `None` in production, which has none.
    pub reset: Option<RwLock<()>>,
    /// Rate limits, where there are any; dev mode has none.
    pub rate_limits: Option<RateLimits>,
    /// Whether payloads with card numbers are refused.
    pub payload_guard: bool,
    /// Scripted faults; `None` in production, which has none.
    pub faults: Option<Arc<ScriptedFaults>>,
    /// The days on which secrets were read.
    pub reads: Arc<Reads>,
    /// Turns for large bodies.
    pub large_bodies: LargeBodies,
    /// Counters.
    pub metrics: Arc<Metrics>,
}

/// Where people say yes or no to an app.
#[derive(Clone, Debug)]
pub(crate) enum Consent {
    /// The platform's own page, where people are signed in.
    Page(String),
    /// Dev mode's bare page.
    Own,
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
