//! `cholla serve`: the server an operator runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cholla_domain::time::{Clock, Timestamp};
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
use crate::platform::reconcile::{AT_START, Manner, Misfit, plan, reconcile};
use crate::platform::{KeyValue, Platform, Purpose};
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
    let declared = match platform {
        Some(platform) => begin(&keeper, &foundation, platform, clock.now()).await?,
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

/// Begins with a platform file at the first start. Later ones would bring back what was revoked or uninstalled meanwhile.
async fn begin(
    keeper: &Arc<Keeper>,
    foundation: &Foundation,
    platform: Platform,
    now: Timestamp,
) -> Result<Declared, StartError> {
    let is_first = keeper.read().accounts().next().is_none();
    if is_first { settle(keeper, foundation, platform).await } else { Ok(remains(keeper, foundation, &platform, now)) }
}

/// Brings the directory to the platform file that the configuration names. Values that it leaves out are drawn once, and named in the ready
/// file of the start that drew them only.
async fn settle(keeper: &Arc<Keeper>, foundation: &Foundation, platform: Platform) -> Result<Declared, StartError> {
    let (instance, file) = (Arc::clone(&foundation.instance), platform.clone());
    let asked = keeper.unasked();
    let settled = keeper
        .batch(asked, move |batch| reconcile(batch, &file, &Naming::drawn(&instance), Manner::default(), AT_START));
    let reconciled = settled.await?.map_err(|misfit| StartError::Misfit(misfit.0))?;
    Ok(Declared::of(&platform, &keeper.read(), &reconciled.keys))
}

/// What of a platform file is still there that an earlier start began with: values that it does not hold itself are not known any more. The
/// log says where file and directory differ.
fn remains(keeper: &Keeper, foundation: &Foundation, platform: &Platform, now: Timestamp) -> Declared {
    let (directory, naming) = (keeper.read(), Naming::drawn(&foundation.instance));
    let advice = "the platform file is applied at the first start only, and differs from what is there; `cholla apply` brings its changes";
    match plan(&directory, platform, &naming, Manner::default(), now) {
        Ok(plan) if plan.is_empty() => {}
        Ok(plan) => tracing::info!(differences = plan.len(), "{advice}"),
        Err(Misfit(contradiction)) => tracing::warn!(contradiction, "{advice}"),
    }
    let lives = |value: &str| directory.credential(&naming.hash(value)).is_some_and(|key| key.is_live(now));
    let given = platform.keys.iter().map(|key| key.value.as_ref().map(KeyValue::as_str).filter(|value| lives(value)));
    let keys: Vec<_> = given.map(|value| value.map(|value| Zeroizing::new(value.to_owned()))).collect();
    Declared::of(platform, &directory, &keys)
}

/// The admin token, which nobody but the file's owner may have seen.
fn read_token(file: &Path) -> Result<Zeroizing<String>, StartError> {
    let wrong = |why: String| StartError::AdminToken { path: file.to_owned(), why };
    let (text, mode) = files::read_secret(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    if let Some(mode) = mode.exposed() {
        return Err(StartError::Exposed { path: file.to_owned(), mode });
    }
    let token = text.trim();
    if token.is_empty() {
        return Err(wrong("holds no token".to_owned()));
    }
    Ok(Zeroizing::new(token.to_owned()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::testing::{self, Events};

    const FILE: &str = r#"
        accounts = [{ id = "acct_dev" }, { id = "acct_m" }]
        apps = [{ id = "com.example.a", owner = "acct_dev", permissions = [{ permission = "secret_write" }] }]
        installs = [{ app = "com.example.a", account = "acct_m" }]
        webhooks = [{ account = "acct_dev", url = "https://example.com/hook", connect = true }]
        keys = [
            { kind = "secret", account = "acct_dev" },
            { kind = "secret", account = "acct_m", value = "sk_test_given" },
        ]
    "#;

    /// What a later start says of the file, and writes into its ready file: how many of each.
    fn later(keeper: &Keeper, foundation: &Foundation, text: &str) -> (Vec<String>, [usize; 4], Declared) {
        let events = Events::default();
        let seen = tracing::subscriber::set_default(events.clone());
        let declared = remains(keeper, foundation, &testing::platform(text), ServerClock::default().now());
        drop(seen);
        let Declared { apps, keys, installs, webhooks } = &declared;
        (events.lines(), [apps.len(), keys.len(), installs.len(), webhooks.len()], declared)
    }

    #[tokio::test]
    async fn a_later_start_leaves_the_directory_and_says_where_the_file_differs() {
        let foundation = testing::foundation().await;
        let keeper = testing::keeper(&foundation);
        let first = settle(&keeper, &foundation, testing::platform(FILE)).await.unwrap();
        assert_eq!((first.apps.len(), first.keys.len(), first.installs.len(), first.webhooks.len()), (1, 2, 1, 1));
        let (lines, counts, same) = later(&keeper, &foundation, FILE);
        assert_eq!((lines, counts), (vec![], [1, 1, 1, 1]), "the key that was drawn is not known any more");
        assert_eq!(same.keys[0].value.as_str(), "sk_test_given");
        assert_eq!(same.installs[0].id, first.installs[0].id);
        assert_eq!(same.apps[0].signing_secret.reveal(), first.apps[0].signing_secret.reveal());
        let says = "INFO message=the platform file is applied at the first start only, and differs from what is there; `cholla apply` brings its changes differences=1";
        for changed in [
            FILE.replace("{ id = \"acct_m\" }", "{ id = \"acct_m\", name = \"M\" }"),
            FILE.replace("sk_test_given", "sk_test_other"),
            FILE.replace("account = \"acct_m\" }]", "account = \"acct_m\", modes = [\"test\", \"live\"] }]"),
        ] {
            let (lines, ..) = later(&keeper, &foundation, &changed);
            assert_eq!(lines, [says], "{changed}");
        }
        let moved = FILE.replace("owner = \"acct_dev\"", "owner = \"acct_m\"");
        let (lines, ..) = later(&keeper, &foundation, &moved);
        assert!(lines[0].starts_with("WARN ") && lines.len() == 1, "{lines:?}");
    }

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
        let missing = read_token(&file).unwrap_err();
        let told = format!("{missing} {}", missing.recommendation());
        assert!(told.contains("cannot be read") && told.contains("`token_file` under [admin]"), "{told}");
        assert!(!told.contains("may write there"), "{told}");
    }
}
