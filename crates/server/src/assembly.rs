//! Putting a server together: the parts that `dev` and `serve` share.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cholla_domain::limits::CONNECTIONS_MAX;
use cholla_domain::ports::{DirectoryCipher, Ports};
use cholla_seal::{Instance, Keyring, RootKey};
use cholla_store::sqlite::Store;
use tokio::net::TcpListener;
use tokio::sync::{Notify, RwLock, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::admin::{self, Admin};
use crate::clock::ServerClock;
use crate::cors::Cors;
use crate::entropy::SystemEntropy;
use crate::erasing::Erasing;
use crate::in_flight::InFlightTable;
use crate::keeper::{DELIVERY_ENTRY, Keeper, delivery_context};
use crate::large_bodies::LargeBodies;
use crate::listener::{Listener, bind};
use crate::metrics::Metrics;
use crate::notices::Telling;
use crate::platform_tokens::{self, PlatformTokens};
use crate::rate_limits::RateLimits;
use crate::reads::Reads;
use crate::running::StartError;
use crate::scripted_faults::{self, ScriptedFaults};
use crate::service;
use crate::state::{Api, Consent};
use crate::sweep::Sweeper;
use crate::webhooks::client::Transport;
use crate::webhooks::dispatcher::Dispatcher;
use crate::workers::Workers;
use crate::world::MadeUp;

/// The store with its keys.
pub(crate) struct Foundation {
    pub(crate) store: Arc<Store>,
    pub(crate) instance: Arc<Instance>,
    pub(crate) keyring: Arc<Keyring>,
}

impl Foundation {
    /// Opens what `store` holds under `root`.
    pub(crate) async fn lay(store: Store, root: RootKey) -> Result<Self, StartError> {
        let store = Arc::new(store);
        let provider: Arc<dyn cholla_seal::KeyProvider> = Arc::new(root);
        let instance = Arc::new(Instance::open(Arc::clone(&provider), store.clone()).await?);
        let keyring = Arc::new(Keyring::new(provider, Arc::clone(&instance), store.clone()));
        Ok(Self { store, instance, keyring })
    }

    /// The directory in this store.
    pub(crate) fn keeper(&self, clock: &Arc<ServerClock>, grace_seconds: i64) -> Result<Arc<Keeper>, StartError> {
        let keys = (Arc::clone(&self.instance), Arc::clone(&self.keyring));
        Ok(Arc::new(Keeper::load(
            self.store.clone(),
            (self.store.clone(), self.store.clone()),
            keys,
            Arc::clone(clock),
            grace_seconds,
        )?))
    }

    /// The API over this store.
    pub(crate) fn api(&self, keeper: Arc<Keeper>, settings: Settings) -> Api {
        let reads = Arc::new(Reads::default());
        Api {
            ports: Ports {
                store: self.store.clone(),
                keys: self.keyring.clone(),
                in_flight: Arc::new(InFlightTable::default()),
                reads: reads.clone(),
                entropy: Arc::new(SystemEntropy),
            },
            clock: settings.clock,
            instance: Arc::clone(&self.instance),
            keeper,
            platform_tokens: settings.platform_tokens,
            presented_tokens: Arc::default(),
            consent: settings.consent,
            made_up: settings.made_up,
            cors: settings.cors,
            strict_transport_security: settings.strict_transport_security,
            reset: settings.reset,
            rate_limits: settings.rate_limits,
            payload_guard: settings.payload_guard,
            faults: settings.faults,
            reads,
            large_bodies: LargeBodies::default(),
            metrics: Arc::new(Metrics::new()),
        }
    }
}

/// What differs between `dev` and `serve`.
pub(crate) struct Settings {
    pub(crate) clock: Arc<ServerClock>,
    pub(crate) made_up: Option<MadeUp>,
    pub(crate) cors: Cors,
    pub(crate) strict_transport_security: bool,
    /// Where there is a reset to keep out.
    pub(crate) reset: Option<RwLock<()>>,
    pub(crate) rate_limits: Option<RateLimits>,
    pub(crate) platform_tokens: Option<PlatformTokens>,
    pub(crate) consent: Option<Consent>,
    pub(crate) payload_guard: bool,
    pub(crate) faults: Option<Arc<ScriptedFaults>>,
}

/// Binds an address, and says which one it is.
pub(crate) fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Listen { address, source };
    let socket = bind(address).map_err(failed)?;
    let bound = socket.local_addr().map_err(failed)?;
    Ok((socket, bound))
}

/// The tasks of a server.
pub(crate) struct Tasks {
    pub(crate) set: JoinSet<()>,
    pub(crate) stop: watch::Sender<bool>,
    workers: Arc<Workers>,
}

impl Tasks {
    pub(crate) fn new() -> Result<Self, StartError> {
        let workers = Arc::new(Workers::start().map_err(StartError::Threads)?);
        Ok(Self { set: JoinSet::new(), stop: watch::Sender::new(false), workers })
    }

    /// Serves the API on a bound socket.
    pub(crate) fn serve_api(
        &mut self,
        api: &Arc<Api>,
        socket: TcpListener,
        tls: Option<TlsAcceptor>,
        connections_max: usize,
    ) {
        let listener = Listener {
            socket,
            tls,
            connections: Arc::new(Semaphore::new(connections_max)),
            open: api.metrics.connections_open.clone(),
            accepted: api.metrics.connections_accepted.clone(),
            workers: Arc::clone(&self.workers),
        };
        let api = Arc::clone(api);
        let serve = move |request| {
            let api = Arc::clone(&api);
            async move {
                match api.faults.as_ref().filter(|faults| faults.are_set()) {
                    None => service::serve(&api, request).await,
                    Some(faults) => Box::pin(scripted_faults::serve(&api, faults, request)).await,
                }
            }
        };
        self.set.spawn(listener.run(serve, self.stop.subscribe()));
    }

    /// Serves the admin listener on a bound socket. Its connections are not counted among the API's.
    pub(crate) fn serve_admin(&mut self, admin: Admin, socket: TcpListener) {
        let listener = Listener {
            socket,
            tls: None,
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            open: prometheus::IntGauge::new("unlisted", "unlisted").expect("the name is legal"),
            accepted: prometheus::IntCounter::new("unlisted", "unlisted").expect("the name is legal"),
            workers: Arc::clone(&self.workers),
        };
        let admin = Arc::new(admin);
        let serve = move |request| {
            let admin = Arc::clone(&admin);
            async move { admin::serve(&admin, request).await }
        };
        self.set.spawn(listener.run(serve, self.stop.subscribe()));
    }

    /// Runs what goes on beside the requests: the sweeper, the notices of secrets, the deliveries of webhooks, and the look at the keys that
    /// the platform signs with.
    pub(crate) fn work(&mut self, foundation: &Foundation, api: &Arc<Api>, work: Work) {
        let keeper = &api.keeper;
        let store = &foundation.store;
        let erasing = Erasing {
            keeper: Arc::clone(keeper),
            store: store.clone(),
            instance: Arc::clone(&foundation.instance),
            keyring: Arc::clone(&foundation.keyring),
        };
        let sweeper = Sweeper {
            api: Arc::clone(api),
            store: store.clone(),
            outbox: store.clone(),
            erasing,
            moved: work.moved,
            interval: work.sweep_interval,
            grace_seconds: work.grace_seconds,
        };
        let telling = Telling {
            keeper: Arc::clone(keeper),
            store: store.clone(),
            instance: Arc::clone(&foundation.instance),
            clock: Arc::clone(&api.clock),
            names: tokio::sync::Mutex::default(),
        };
        let (endpoints, instance) = (Arc::clone(keeper), Arc::clone(&foundation.instance));
        let dispatcher = Dispatcher {
            outbox: store.clone(),
            endpoint: Box::new(move |tag| endpoints.endpoint_view(tag)),
            open: Box::new(move |delivery| {
                instance.open_entry(DELIVERY_ENTRY, &delivery_context(&delivery.key), delivery.sealed.as_bytes())
            }),
            transport: work.transport,
            clock: api.clock.clone(),
            entropy: Arc::new(SystemEntropy),
            metrics: Arc::clone(&api.metrics),
            wake: Arc::clone(&keeper.queued),
        };
        let reads = Reads::run(Arc::clone(api), store.clone(), work.sweep_interval, self.stop.subscribe());
        self.set.spawn(reads);
        self.set.spawn(sweeper.run(self.stop.subscribe()));
        self.set.spawn(telling.run(self.stop.subscribe()));
        self.set.spawn(dispatcher.run(self.stop.subscribe()));
        if api.platform_tokens.is_some() {
            self.set.spawn(platform_tokens::watch(Arc::clone(api), self.stop.subscribe()));
        }
    }
}

/// How the work beside the requests is done.
pub(crate) struct Work {
    /// Told when the clock was moved.
    pub(crate) moved: Arc<Notify>,
    /// Between two rounds of the sweeper.
    pub(crate) sweep_interval: Duration,
    /// How long secrets outlive the last install.
    pub(crate) grace_seconds: i64,
    /// The way to webhook endpoints.
    pub(crate) transport: Arc<dyn Transport>,
}

/// A failure of the file system at `path`.
pub(crate) fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::File { path, source }
}
