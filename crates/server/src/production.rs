//! `cholla serve`: the server an operator runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cholla_seal::RootKey;
use cholla_store::sqlite::{Options, Store};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::admin::Admin;
use crate::assembly::{Foundation, Settings, Tasks, Work, file_error, listen};
use crate::clock::ServerClock;
use crate::config::{Config, TlsConfig};
use crate::cors::Cors;
use crate::keeper::Keeper;
use crate::platform::reconcile::{Manner, reconcile};
use crate::platform::{Platform, Purpose};
use crate::platform_tokens::PlatformTokens;
use crate::rate_limits::RateLimits;
use crate::running::{Running, StartError};
use crate::state::Consent;
use crate::webhooks::address::Reach;
use crate::webhooks::client::Client;
use crate::world::{Declared, Endpoints, Naming, ReadyFile};
use crate::{files, tls};

/// Starts a production server.
///
/// # Errors
/// What is wrong, with a recommendation. Nothing is half started then.
pub async fn start(config: Config, ready_file: Option<PathBuf>) -> Result<Running, StartError> {
    crate::panics::log_places_only();
    let platform = config.platform_file.as_deref().map(|file| Platform::read(file, Purpose::Production)).transpose()?;
    let platform_tokens =
        config.embedded_keys.clone().map(|keys| PlatformTokens::open(keys.issuer, keys.audience, keys.jwks_file));
    let platform_tokens = platform_tokens.transpose()?;
    let acceptor = match &config.api.tls {
        TlsConfig::Off => None,
        TlsConfig::Files { certificate, key } => Some(tls::acceptor_from_files(certificate, key)?),
    };
    let root = RootKey::read(&config.root_key_file)?;
    let token = read_token(&config.admin.token_file)?;
    let reach = Reach::Public {
        allowed_private_networks: config.webhooks.allowed_private_networks.clone(),
        allow_plain_http: config.webhooks.allow_plain_http,
    };
    let transport = Client::new(reach.clone(), config.webhooks.ca_file.as_deref())?;
    let (api_socket, api_address) = listen(config.api.listen)?;
    let (admin_socket, admin_address) = listen(config.admin.listen)?;
    let options = Options { cache_bytes: config.cache_bytes, ..Options::default() };
    let foundation = Foundation::lay(Store::open(&config.data_dir, &options)?, root).await?;
    let clock = Arc::new(ServerClock::default());
    let keeper = foundation.keeper(&clock, config.grace_seconds)?;
    // At the first start only: later ones would bring back what was revoked or uninstalled meanwhile.
    let is_first = keeper.read().accounts().next().is_none();
    let declared = match platform.filter(|_| is_first) {
        Some(platform) => settle(&keeper, &foundation, platform).await?,
        None => Declared::default(),
    };
    let api = Arc::new(foundation.api(Arc::clone(&keeper), settings(&config, clock, platform_tokens)));
    let address = |scheme| Some(format!("{scheme}://{api_address}"));
    let endpoints = Endpoints {
        http: if acceptor.is_none() { address("http") } else { None },
        https: if acceptor.is_some() { address("https") } else { None },
        ca_file: None,
        admin: format!("http://{admin_address}"),
        admin_token: None,
    };
    let mut tasks = Tasks::new()?;
    let admin = Admin {
        api: Arc::clone(&api),
        store: Arc::clone(&foundation.store),
        token: foundation.instance.credential_hash(token.as_bytes()),
        webhook_reach: reach,
        dev: None,
    };
    tasks.serve_api(&api, api_socket, acceptor, config.api.connections_max);
    tasks.serve_admin(admin, admin_socket);
    let work = Work {
        moved: Arc::new(Notify::new()),
        sweep_interval: Duration::from_secs(config.sweep_seconds),
        grace_seconds: config.grace_seconds,
        transport: Arc::new(transport),
    };
    tasks.work(&foundation, &api, work);
    if let Some(path) = &ready_file {
        ReadyFile::new(&declared, &endpoints).write(path).map_err(file_error(path))?;
    }
    let counts = counts(&keeper);
    Ok(Running {
        summary: format!(
            "Cholla serves {api_address}{}, the admin listener is {admin_address}.\nThe directory holds {counts}.\n",
            if endpoints.https.is_some() { " (TLS)" } else { " (plain HTTP)" }
        ),
        store: foundation.store,
        stop: tasks.stop,
        tasks: tasks.set,
        drain: Duration::from_secs(config.drain_seconds),
        temporary: None,
    })
}

fn settings(config: &Config, clock: Arc<ServerClock>, platform_tokens: Option<PlatformTokens>) -> Settings {
    Settings {
        clock,
        made_up: None,
        cors: Cors { allowed_origins: config.api.cors_allowed_origins.clone(), private_network: false },
        strict_transport_security: config.api.tls != TlsConfig::Off,
        reset: None,
        rate_limits: RateLimits::new(&config.limits),
        platform_tokens,
        consent: config.consent_url.clone().map(Consent::Page),
        payload_guard: config.payload_guard,
        faults: None,
    }
}

/// How much there is, for the terminal.
fn counts(keeper: &Keeper) -> String {
    let directory = keeper.read();
    let (apps, installs) = (directory.apps().count(), directory.installs().count());
    format!("{} accounts, {apps} apps, {installs} installs", directory.accounts().count())
}

/// Brings the directory to the platform file that the configuration names. Values that it leaves out are drawn once, and named in the ready
/// file of the start that drew them only.
async fn settle(keeper: &Arc<Keeper>, foundation: &Foundation, platform: Platform) -> Result<Declared, StartError> {
    let (instance, file) = (Arc::clone(&foundation.instance), platform.clone());
    let asked = keeper.unasked();
    let settled =
        keeper.batch(asked, move |batch| reconcile(batch, &file, &Naming::drawn(&instance), Manner::default()));
    let reconciled = settled.await?.map_err(|misfit| StartError::Misfit(misfit.0))?;
    Ok(Declared::of(&platform, &keeper.read(), &reconciled))
}

/// The admin token, which nobody but the file's owner may have seen.
fn read_token(file: &Path) -> Result<Zeroizing<String>, StartError> {
    let (text, mode) = files::read_secret(file).map_err(file_error(file))?;
    if let Some(mode) = mode.exposed() {
        return Err(StartError::Exposed { path: file.to_owned(), mode });
    }
    let token = text.trim();
    if token.is_empty() {
        return Err(file_error(file)(std::io::Error::other("holds no token")));
    }
    Ok(Zeroizing::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_admin_token_is_for_its_owner_only() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("admin.token");
        for (contents, mode, expected) in [
            ("token\n", 0o600, Ok("token")),
            ("token", 0o400, Ok("token")),
            ("token\n", 0o644, Err("can be read by others (mode 0644)")),
            ("token\n", 0o640, Err("can be read by others (mode 0640)")),
            (" \n", 0o600, Err("holds no token")),
        ] {
            fs::write(&file, contents).unwrap();
            fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            let read = read_token(&file).map_err(|error| error.to_string());
            match expected {
                Ok(token) => assert_eq!(read.as_ref().map(|read| read.as_str()), Ok(token), "{mode:o}"),
                Err(text) => assert!(read.as_ref().is_err_and(|read| read.contains(text)), "{read:?}"),
            }
            fs::remove_file(&file).unwrap();
        }
        assert!(read_token(&file).is_err());
    }
}
