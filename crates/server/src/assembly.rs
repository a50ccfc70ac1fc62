//! Putting a server together: the parts that `dev` and `serve` share.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use cholla_domain::directory::Directory;
use cholla_domain::limits::CONNECTIONS_MAX;
use cholla_domain::ports::{Maintenance, Ports};
use cholla_domain::time::Timestamp;
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
use crate::in_flight::InFlightTable;
use crate::large_bodies::LargeBodies;
use crate::listener::{Listener, bind};
use crate::metrics::Metrics;
use crate::platform::Platform;
use crate::running::StartError;
use crate::state::Api;
use crate::workers::Workers;
use crate::world::{Derivation, MadeUp, World};
use crate::{service, sweep};

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

    /// The world that `platform` declares, seen from `started_at`.
    pub(crate) fn world(&self, platform: &Platform, started_at: Timestamp) -> World {
        let derivation = Derivation {
            credential_hash: &|value| self.instance.credential_hash(value),
            alphanumerics: &|label, length| self.instance.derive_alphanumerics(label, length),
        };
        World::build(platform, &derivation, started_at)
    }

    /// The API over this store.
    pub(crate) fn api(&self, directory: Directory, settings: Settings) -> Api {
        Api {
            ports: Ports {
                store: self.store.clone(),
                keys: self.keyring.clone(),
                in_flight: Arc::new(InFlightTable::default()),
                entropy: Arc::new(SystemEntropy),
            },
            clock: settings.clock,
            instance: Arc::clone(&self.instance),
            directory: ArcSwap::from_pointee(directory),
            made_up: settings.made_up,
            cors: settings.cors,
            strict_transport_security: settings.strict_transport_security,
            reset: settings.reset,
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
            async move { service::serve(&api, request).await }
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

    /// Runs the sweeper.
    pub(crate) fn sweep(&mut self, api: &Arc<Api>, store: &Arc<Store>, interval: Duration, moved: &Arc<Notify>) {
        let store: Arc<dyn Maintenance> = store.clone();
        self.set.spawn(sweep::run(Arc::clone(api), store, interval, Arc::clone(moved), self.stop.subscribe()));
    }
}

/// A failure of the file system at `path`.
pub(crate) fn file_error(path: &Path) -> impl FnOnce(std::io::Error) -> StartError {
    let path = path.to_owned();
    move |source| StartError::File { path, source }
}
