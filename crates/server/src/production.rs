//! `cholla serve`: the server an operator runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use cholla_domain::time::Clock;
use cholla_seal::RootKey;
use cholla_store::sqlite::{Options, Store};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::admin::Admin;
use crate::assembly::{Foundation, Settings, Tasks, file_error, listen};
use crate::clock::ServerClock;
use crate::config::{Config, TlsConfig};
use crate::cors::Cors;
use crate::platform::Platform;
use crate::running::{Running, StartError};
use crate::tls;
use crate::world::{Endpoints, ReadyFile, World};

/// Starts a production server.
///
/// # Errors
/// What is wrong, with a recommendation. Nothing is half started then.
pub async fn start(config: Config, ready_file: Option<PathBuf>) -> Result<Running, StartError> {
    crate::panics::log_places_only();
    let platform = Platform::read(&config.platform_file)?;
    let acceptor = match &config.api.tls {
        TlsConfig::Off => None,
        TlsConfig::Files { certificate, key } => Some(tls::acceptor_from_files(certificate, key)?),
    };
    let root = RootKey::read(&config.root_key_file)?;
    let token_file = &config.admin.token_file;
    let token = Zeroizing::new(std::fs::read_to_string(token_file).map_err(file_error(token_file))?);
    let token = Zeroizing::new(token.trim().to_owned());
    if token.is_empty() {
        return Err(file_error(token_file)(std::io::Error::other("holds no token")));
    }
    let (api_socket, api_address) = listen(config.api.listen)?;
    let (admin_socket, admin_address) = listen(config.admin.listen)?;
    let options = Options { cache_bytes: config.cache_bytes, ..Options::default() };
    let foundation = Foundation::lay(Store::open(&config.data_dir, &options)?, root).await?;
    let clock = Arc::new(ServerClock::default());
    let World { directory, declared } = foundation.world(&platform, clock.now());
    let settings = Settings {
        clock,
        made_up: None,
        cors: Cors { allowed_origins: config.api.cors_allowed_origins.clone(), private_network: false },
        strict_transport_security: acceptor.is_some(),
    };
    let api = Arc::new(foundation.api(directory, settings));
    let address = |scheme| Some(format!("{scheme}://{api_address}"));
    let endpoints = Endpoints {
        http: if acceptor.is_none() { address("http") } else { None },
        https: if acceptor.is_some() { address("https") } else { None },
        ca_file: None,
        admin: format!("http://{admin_address}"),
        admin_token: None,
    };
    let mut tasks = Tasks::new();
    let admin = Admin {
        api: Arc::clone(&api),
        store: Arc::clone(&foundation.store),
        token: foundation.instance.credential_hash(token.as_bytes()),
        dev: None,
        stopping: tasks.stop.subscribe(),
    };
    tasks.serve_api(&api, api_socket, acceptor, config.api.connections_max);
    tasks.serve_admin(admin, admin_socket);
    let sweep_interval = Duration::from_secs(config.sweep_seconds);
    tasks.sweep(&api, &foundation.store, sweep_interval, &Arc::new(Notify::new()));
    if let Some(path) = &ready_file {
        ReadyFile::new(&declared, &endpoints).write(path).map_err(file_error(path))?;
    }
    let counts =
        format!("{} apps, {} installs, {} keys", declared.apps.len(), declared.installs.len(), declared.keys.len());
    Ok(Running {
        summary: format!(
            "Cholla serves {api_address}{}, the admin listener is {admin_address}.\nThe platform file declares {counts}.\n",
            if endpoints.https.is_some() { " (TLS)" } else { " (plain HTTP)" }
        ),
        store: foundation.store,
        stop: tasks.stop,
        tasks: tasks.set,
        drain: Duration::from_secs(config.drain_seconds),
        temporary: None,
    })
}
