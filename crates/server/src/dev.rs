//! `cholla dev`: the production server with a world of its own, a clock that can be moved, and a way back to the beginning.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cholla_domain::limits::{CLOCK_SECONDS_MAX, CONNECTIONS_MAX, GRACE_SECONDS_DEFAULT};
use cholla_domain::name::SecretName;
use cholla_domain::payload::Plaintext;
use cholla_domain::place::Namespace;
use cholla_domain::ports::{Judgement, Maintenance, NamespaceKeys, Ports, WrappedKeyStore};
use cholla_domain::precondition::Precondition;
use cholla_domain::principal::{Permissions, Principal, Reach};
use cholla_domain::set::{Expansion, SetRequest, set};
use cholla_domain::tag::NamespaceTag;
use cholla_domain::time::{Clock, Timestamp};
use cholla_seal::{Keyring, RootKey};
use cholla_store::sqlite::{Options, Store};
use http::{Method, StatusCode};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::{Mutex, Notify, RwLock};

use crate::admin::json::Unread;
use crate::admin::{Admin, AdminAnswer};
use crate::assembly::{Foundation, Settings, Tasks, Work, file_error, listen};
use crate::clock::ServerClock;
use crate::cors::Cors;
use crate::files;
use crate::keeper::Keeper;
use crate::platform::reconcile::{AT_START, Manner, Reconciled, reconcile};
use crate::platform::{DemoSecret, Platform, Purpose};
use crate::running::{Running, StartError};
use crate::scripted_faults::ScriptedFaults;
use crate::state::Consent;
use crate::tls;
use crate::webhooks::address;
use crate::webhooks::client::Client;
use crate::world::{Declared, MadeUp, Naming};

/// How often dev mode erases what has expired; moving the clock does so at once.
const SWEEP_INTERVAL: Duration = Duration::from_secs(5);
/// How long open requests may take to finish when dev mode stops.
const DRAIN: Duration = Duration::from_secs(5);

/// How dev mode starts.
#[derive(Clone, Debug)]
pub struct DevOptions {
    /// The platform file; the Cactus Practice when absent.
    pub platform: Option<PathBuf>,
    /// The data directory; data lives in memory when absent.
    pub data: Option<PathBuf>,
    /// Whether keys that nobody declared are refused.
    pub strict: bool,
    /// Where plain HTTP is served.
    pub listen: SocketAddr,
    /// Where HTTPS is served.
    pub listen_https: SocketAddr,
    /// Where the admin listener is.
    pub admin: SocketAddr,
    /// Where to write what scripts need to know, once connections are accepted.
    pub ready_file: Option<PathBuf>,
    /// Whether payloads with card numbers are refused.
    pub payload_guard: bool,
    /// Bytes of the cache of sealed records.
    pub cache_bytes: Option<usize>,
}

/// Starts dev mode.
///
/// # Errors
/// What is wrong, with a recommendation. Nothing is half started then.
pub async fn start(options: DevOptions) -> Result<Running, StartError> {
    crate::panics::log_places_only();
    let demo = options.platform.is_none();
    let platform = match &options.platform {
        Some(path) => Platform::read(path, Purpose::Development)?,
        None => Platform::demo(),
    };
    let (plain_socket, plain_address) = listen(options.listen)?;
    let (tls_socket, tls_address) = listen(options.listen_https)?;
    let (admin_socket, admin_address) = listen(options.admin)?;
    let home = Home::open(&options).await?;
    let foundation = Arc::new(Foundation::lay(home.store, home.root).await?);
    let clock = Arc::new(ServerClock::with_offset(home.clock_offset_seconds));
    let keeper = foundation.keeper(&clock, GRACE_SECONDS_DEFAULT)?;
    let reconciled = settle(&keeper, &foundation, &platform).await?;
    let declared = Declared::of(&platform, &keeper.read(), &reconciled.keys);
    let token = foundation.instance.derive_alphanumerics("dev admin token", 40);
    let faults = Arc::<ScriptedFaults>::default();
    let api = Arc::new(foundation.api(keeper, settings(&options, &clock, &faults)));
    let demo_secrets = if demo { Platform::demo_secrets() } else { Vec::new() };
    seed(&api.ports, &foundation.keyring, &demo_secrets, clock.now()).await?;

    let moved = Arc::new(Notify::new());
    let mut tasks = Tasks::new()?;
    let endpoints = crate::world::Endpoints {
        http: Some(format!("http://{plain_address}")),
        https: Some(format!("https://{tls_address}")),
        ca_file: Some(home.ca_file),
        admin: format!("http://{admin_address}"),
        admin_token: Some(token.clone()),
    };
    let summary = crate::world::summary(&declared, &endpoints, demo);
    let admin = Admin {
        api: Arc::clone(&api),
        store: Arc::clone(&foundation.store),
        token: foundation.instance.credential_hash(token.as_bytes()),
        webhook_reach: address::Reach::Everywhere,
        dev: Some(DevWorld {
            platform,
            demo_secrets,
            foundation: Arc::clone(&foundation),
            clock_file: options.data.as_ref().map(|data| data.join("clock")),
            moved: Arc::clone(&moved),
            faults,
            changing: Mutex::new(()),
        }),
    };
    tasks.serve_api(&api, plain_socket, None, CONNECTIONS_MAX);
    tasks.serve_api(&api, tls_socket, Some(home.identity.acceptor()?), CONNECTIONS_MAX);
    tasks.serve_admin(admin, admin_socket);
    let transport = Arc::new(Client::new(address::Reach::Everywhere, None)?);
    let grace_seconds = GRACE_SECONDS_DEFAULT;
    let work = Work { moved: Arc::clone(&moved), sweep_interval: SWEEP_INTERVAL, grace_seconds, transport };
    tasks.work(&foundation, &api, work);
    if let Some(path) = &options.ready_file {
        crate::world::ReadyFile::new(&declared, &endpoints).write(path).map_err(file_error(path))?;
    }
    Ok(Running {
        summary,
        store: Arc::clone(&foundation.store),
        stop: tasks.stop,
        tasks: tasks.set,
        drain: DRAIN,
        temporary: home.temporary,
    })
}

fn settings(options: &DevOptions, clock: &Arc<ServerClock>, faults: &Arc<ScriptedFaults>) -> Settings {
    Settings {
        clock: Arc::clone(clock),
        made_up: (!options.strict).then(MadeUp::new),
        cors: Cors { allowed_origins: None, private_network: true },
        strict_transport_security: false,
        reset: Some(RwLock::new(())),
        rate_limits: None,
        platform_tokens: None,
        consent: Some(Consent::Own),
        payload_guard: options.payload_guard,
        faults: Some(Arc::clone(faults)),
    }
}

/// Brings the directory to the platform file: `expires_in` counts anew.
async fn settle(
    keeper: &Arc<Keeper>,
    foundation: &Arc<Foundation>,
    platform: &Platform,
) -> Result<Reconciled, StartError> {
    let (platform, instance) = (platform.clone(), Arc::clone(&foundation.instance));
    let asked = keeper.unasked();
    let settled = keeper
        .batch(asked, move |batch| {
            let manner = Manner { anew: true, dev: true, ..Manner::default() };
            reconcile(batch, &platform, &Naming::derived(&instance), manner, AT_START)
        })
        .await?;
    settled.map_err(|misfit| StartError::Misfit(misfit.0))
}

/// What dev mode keeps on disk, or would.
struct Home {
    store: Store,
    root: RootKey,
    identity: tls::Identity,
    ca_file: PathBuf,
    clock_offset_seconds: i64,
    temporary: Option<PathBuf>,
}

impl Home {
    async fn open(options: &DevOptions) -> Result<Self, StartError> {
        let defaults = Options::default();
        let store_options = Options { cache_bytes: options.cache_bytes.unwrap_or(defaults.cache_bytes), ..defaults };
        match &options.data {
            Some(data) => Self::persistent(data, &store_options).await,
            None => Self::in_memory(&store_options),
        }
    }

    fn in_memory(store_options: &Options) -> Result<Self, StartError> {
        let identity = tls::generate(tls::local_names(), ServerClock::default().now())?;
        let temporary = files::temporary_directory().map_err(file_error(&std::env::temp_dir()))?;
        let ca_file = temporary.join("ca.pem");
        files::replace_private(&ca_file, identity.authority.as_bytes()).map_err(file_error(&ca_file))?;
        Ok(Self {
            store: Store::in_memory(store_options)?,
            root: RootKey::generate()?,
            identity,
            ca_file,
            clock_offset_seconds: 0,
            temporary: Some(temporary),
        })
    }

    async fn persistent(data: &Path, store_options: &Options) -> Result<Self, StartError> {
        // The store first: it holds the lock on the directory, so that two servers never make keys in it together.
        let store = Store::open(data, store_options)?;
        let root = kept_root_key(&data.join("root.key"), &store).await?;
        let tls = data.join("tls");
        let identity = kept_identity(&tls)?;
        let clock_file = data.join("clock");
        let clock_offset_seconds = match std::fs::read_to_string(&clock_file) {
            Ok(text) => text.trim().parse().map_err(|_| {
                let source = std::io::Error::other("not a whole number of seconds");
                StartError::File { path: clock_file.clone(), source }
            })?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => 0,
            Err(error) => return Err(file_error(&clock_file)(error)),
        };
        Ok(Self { store, root, identity, ca_file: tls.join("ca.pem"), clock_offset_seconds, temporary: None })
    }
}

/// The root key in `file`, made at the first start. A lost one is not replaced: the new one would open nothing, and stand where the
/// old one is to be restored.
async fn kept_root_key(file: &Path, store: &Store) -> Result<RootKey, StartError> {
    let sealed = store.wrapped_key(NamespaceTag::INSTANCE).await.map_err(cholla_seal::OpenError::from)?.is_some();
    if sealed || file.exists() {
        return Ok(RootKey::read(file)?);
    }
    let root = RootKey::generate()?;
    root.write_new(file)?;
    Ok(root)
}

/// The certificate kept in `directory`, made at the first start, so that a client that trusts it once trusts it after a restart.
fn kept_identity(directory: &Path) -> Result<tls::Identity, StartError> {
    let path = |name: &str| directory.join(name);
    let read = |name: &str| std::fs::read_to_string(path(name)).map_err(file_error(&path(name)));
    if path("server.key").exists() {
        let (key, _) = files::read_secret(&path("server.key")).map_err(file_error(&path("server.key")))?;
        return Ok(tls::Identity { authority: read("ca.pem")?, certificate: read("server.pem")?, key });
    }
    files::private_directory(directory).map_err(file_error(directory))?;
    let identity = tls::generate(tls::local_names(), ServerClock::default().now())?;
    // The key last: it is what says that the other two are there.
    for (name, contents) in
        [("ca.pem", &identity.authority), ("server.pem", &identity.certificate), ("server.key", &*identity.key)]
    {
        files::replace_private(&path(name), contents.as_bytes()).map_err(file_error(&path(name)))?;
    }
    Ok(identity)
}

/// Stores the demo secrets in namespaces that have none yet, through the ordinary operation.
async fn seed(ports: &Ports, keyring: &Keyring, secrets: &[DemoSecret], now: Timestamp) -> Result<(), StartError> {
    let mut fresh = Vec::new();
    for secret in secrets {
        let namespace = Namespace {
            developer: secret.developer.clone(),
            account: secret.account.clone(),
            livemode: secret.livemode,
        };
        let found = keyring.find(&namespace).await.map_err(|error| StartError::Demo(error.to_string()))?;
        if found.is_none() {
            fresh.push((namespace, secret));
        }
    }
    for (namespace, secret) in fresh {
        let owner = Principal {
            namespace,
            reach: Reach::Backend,
            permissions: Permissions::ALL,
            app: None,
            being_erased: None,
        };
        let (Some(name), Some(payload)) =
            (SecretName::new(secret.name.clone()), Plaintext::new(secret.payload.clone()))
        else {
            return Err(StartError::Demo("a demo secret has an illegal name or payload".into()));
        };
        let request = SetRequest {
            name,
            payload,
            scope: secret.scope.clone(),
            expires_at: None,
            expansion: Expansion::default(),
            precondition: Precondition::default(),
            idempotency: None,
            request: cholla_domain::id::RequestId::draw(&*ports.entropy),
            judged: Judgement::ALONE,
        };
        let answer = set(ports, &owner, request, now).await;
        let answer = answer.map_err(|_| StartError::Demo("its namespace has been closed".into()))?;
        answer.result.map_err(|error| StartError::Demo(error.to_string()))?;
    }
    Ok(())
}

/// What the clock, the scripted faults and the reset of dev mode need.
pub(crate) struct DevWorld {
    platform: Platform,
    demo_secrets: Vec<DemoSecret>,
    foundation: Arc<Foundation>,
    clock_file: Option<PathBuf>,
    moved: Arc<Notify>,
    faults: Arc<ScriptedFaults>,
    /// Held while the clock is moved or the world is reset: one at a time.
    changing: Mutex<()>,
}

/// The body of `POST /dev/clock`: an object with exactly one of these members.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum ClockBody {
    Advance(String),
    Set(i64),
}

impl DevWorld {
    /// Answers `/dev/clock`, `/dev/faults` and `/dev/reset` to whoever has the admin token.
    pub(crate) async fn serve(&self, admin: &Admin, method: &Method, path: &str, body: &[u8]) -> AdminAnswer {
        let _one_at_a_time = self.changing.lock().await;
        match (method, path) {
            (&Method::GET, "/dev/clock") => {}
            (&Method::POST, "/dev/clock") => self.move_clock(&admin.api.clock, &admin.api.keeper.queued, body)?,
            (&Method::POST, "/dev/reset") => self.reset(admin).await?,
            (_, "/dev/faults") => return self.faults.answer(method, body),
            _ => return Err((StatusCode::METHOD_NOT_ALLOWED, format!("{path} takes POST, and /dev/clock also GET."))),
        }
        Ok(json!({"now": admin.api.now().as_unix()}))
    }

    fn move_clock(&self, clock: &ServerClock, queued: &Notify, body: &[u8]) -> Result<(), (StatusCode, String)> {
        let refuse = |message: &str| (StatusCode::BAD_REQUEST, message.to_owned());
        let usage = "Send a JSON object with exactly one member: {\"advance\": \"2h\"} (s, m, h or d) or {\"set\": UNIX_SECONDS}.";
        if let Err(repeated @ Unread::Repeated(_)) = crate::admin::json::read(body) {
            return Err(refuse(&repeated.to_string()));
        }
        let wanted = match serde_json::from_slice(body).map_err(|_| refuse(usage))? {
            ClockBody::Advance(text) => {
                let seconds = crate::platform::duration_seconds(&text);
                clock.now().plus(seconds.ok_or_else(|| {
                    refuse("`advance` is a whole number and one of s, m, h, d, such as \"90s\" or \"2h\".")
                })?)
            }
            ClockBody::Set(at) => Timestamp::from_unix(at),
        };
        if wanted.as_unix() > CLOCK_SECONDS_MAX {
            return Err(refuse("The clock goes no further than the year 9999."));
        }
        let offset = clock
            .offset_for(wanted)
            .map_err(|_| refuse("The clock only moves forward. POST /dev/reset returns to the real time."))?;
        self.keep_offset(offset)?;
        clock.set_offset(offset);
        self.moved.notify_one();
        queued.notify_one();
        Ok(())
    }

    /// Written before the clock moves: otherwise a restart could bring expired secrets back.
    fn keep_offset(&self, offset_seconds: i64) -> Result<(), (StatusCode, String)> {
        let Some(path) = &self.clock_file else { return Ok(()) };
        files::replace_private(path, format!("{offset_seconds}\n").as_bytes()).map_err(|error| {
            tracing::error!(%error, "the clock's offset could not be written");
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "The data directory does not take the clock's offset; see the log.".to_owned(),
            )
        })
    }

    /// Back to the platform file, between two requests: no secrets, no idempotency records, no made-up accounts, the real time.
    async fn reset(&self, admin: &Admin) -> Result<(), (StatusCode, String)> {
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!(%error, "the reset did not finish");
            (StatusCode::SERVICE_UNAVAILABLE, "The reset did not finish; see the log, then try again.".to_owned())
        };
        let api = &admin.api;
        // Waits for the operations that have begun, and holds back the next ones: a set under an erased key would be lost.
        let _alone = match &api.reset {
            Some(reset) => Some(reset.write().await),
            None => None,
        };
        admin.store.erase_all().await.map_err(|error| failed(&error))?;
        api.reads.clear();
        self.foundation.keyring.forget_all();
        if let Some(made_up) = &api.made_up {
            made_up.clear();
        }
        self.faults.clear();
        self.keep_offset(0)?;
        api.clock.set_offset(0);
        api.keeper.start_over().await.map_err(|error| failed(&error))?;
        settle(&api.keeper, &self.foundation, &self.platform).await.map_err(|error| failed(&error))?;
        seed(&api.ports, &self.foundation.keyring, &self.demo_secrets, api.now()).await.map_err(|error| failed(&error))
    }
}

#[cfg(test)]
mod tests;
