//! The configuration of `cholla serve`: one TOML file, every setting of which `docs/configuration.md` explains.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use cholla_domain::limits::{CONNECTIONS_MAX, GRACE_SECONDS_DEFAULT, RATE_MAX};
use thiserror::Error;

use crate::platform::document::{At, Document, Table};
use crate::platform::duration_seconds;
use crate::platform::fault::{Faults, quoted};
pub use crate::webhooks::address::Network;

/// Where the API listens unless said otherwise: TLS on the loopback address, the port of dev mode's HTTPS.
const API_LISTEN_DEFAULT: &str = "127.0.0.1:12112";
/// Where the admin listener is unless said otherwise.
const ADMIN_LISTEN_DEFAULT: &str = "127.0.0.1:12113";
/// Bytes of the cache of sealed records unless said otherwise: 64 MiB.
const CACHE_BYTES_DEFAULT: u64 = 64 * 1024 * 1024;
/// The largest cache: 1 TiB.
const CACHE_BYTES_MAX: u64 = 1024 * 1024 * 1024 * 1024;
/// How long open requests may take to finish when the server stops, unless said otherwise.
const DRAIN_SECONDS_DEFAULT: u64 = 30;
/// The longest drain: an hour.
const DRAIN_SECONDS_MAX: u64 = 60 * 60;
/// How often what has expired is erased, unless said otherwise.
const SWEEP_SECONDS_DEFAULT: u64 = 60;
/// The longest time between two rounds of the sweeper: a day.
const SWEEP_SECONDS_MAX: u64 = 24 * 60 * 60;
/// The most connections that can be asked for. Each is a file descriptor.
const CONNECTIONS_CONFIGURED_MAX: u64 = 1_000_000;

/// The rate limit of a credential unless said otherwise. It is shared by all accounts that a developer's secret key reaches.
const CREDENTIAL_RATE_DEFAULT: Rate = Rate { per_second: 1_000, burst: 2_000 };
/// The rate limit of an app or developer on one account unless said otherwise.
const ACCOUNT_RATE_DEFAULT: Rate = Rate { per_second: 500, burst: 1_000 };

/// What is wrong with a configuration file, one line a fault: `FILE:LINE: what is wrong; what to do`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(transparent)]
pub struct ConfigError(pub Faults);

/// The configuration of a production server. Paths are resolved against the folder of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The data directory.
    pub data_dir: PathBuf,
    /// The file of the root key.
    pub root_key_file: PathBuf,
    /// The platform file.
    pub platform_file: Option<PathBuf>,
    /// Seconds for which the secrets of a namespace outlive its last install; 0: not at all (contract 14.5).
    pub grace_seconds: i64,
    /// The platform's own page of consent (contract 15.11).
    pub consent_url: Option<String>,
    /// Embedded keys that the platform signs by itself.
    pub embedded_keys: Option<EmbeddedKeysConfig>,
    /// Bytes of the cache of sealed records; 0: no cache.
    pub cache_bytes: usize,
    /// Seconds in which open requests may finish when the server stops.
    pub drain_seconds: u64,
    /// Seconds between two rounds of the sweeper.
    pub sweep_seconds: u64,
    /// Whether payloads with card numbers are refused.
    pub payload_guard: bool,
    /// The API's listener.
    pub api: ApiConfig,
    /// The admin listener.
    pub admin: AdminConfig,
    /// Requests to webhook endpoints.
    pub webhooks: WebhooksConfig,
    /// The rate limits.
    pub limits: LimitsConfig,
    /// The log.
    pub log: LogConfig,
}

/// The API's listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Its address.
    pub listen: SocketAddr,
    /// Whether it speaks TLS.
    pub tls: TlsConfig,
    /// Connections that it keeps open at a time.
    pub connections_max: usize,
    /// The browser origins that may read answers (contract 7.3); `None`: all.
    pub cors_allowed_origins: Option<Vec<String>>,
}

/// Whether the API's listener speaks TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TlsConfig {
    /// Plain HTTP, behind a proxy that ends TLS.
    Off,
    /// TLS, with two PEM files.
    Files {
        /// The certificate, then those that lead to its authority.
        certificate: PathBuf,
        /// The certificate's private key.
        key: PathBuf,
    },
}

/// The admin listener: plain HTTP, for health, readiness and metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminConfig {
    /// Its address.
    pub listen: SocketAddr,
    /// The file of the admin token, which nothing of a production server asks for yet.
    pub token_file: PathBuf,
}

/// Embedded keys that the platform signs by itself: JWTs of ES256, `EdDSA` or RS256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedKeysConfig {
    /// The `iss` that they must have.
    pub issuer: String,
    /// The `aud` that they must have, or have among others.
    pub audience: String,
    /// The JWK set with the platform's public keys; read again by the sweeper.
    pub jwks_file: PathBuf,
}

/// Requests to webhook endpoints, whose URLs come from developers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WebhooksConfig {
    /// Networks that are not globally reachable, and may be reached all the same.
    pub allowed_private_networks: Vec<Network>,
    /// Whether URLs may begin with `http:`.
    pub allow_plain_http: bool,
    /// Certificate authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
}

/// The rate limits (contract 6.28). `None`: there is none of that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitsConfig {
    /// Of each credential.
    pub per_credential: Option<Rate>,
    /// Of each app, and each developer's own keys, on each account and in each mode.
    pub per_account: Option<Rate>,
}

/// A rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests a second in the long run, 1 to [`RATE_MAX`].
    pub per_second: u64,
    /// Requests at once after a pause, 1 to [`RATE_MAX`].
    pub burst: u64,
}

/// The log, on standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// The least severe level that is written: `error`, `warn`, `info`, `debug` or `trace`.
    pub level: &'static str,
    /// How a line is written.
    pub format: LogFormat,
}

/// How a line of the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For collectors: a JSON object a line.
    Json,
    /// For people.
    Text,
}

impl Config {
    /// Reads and checks the configuration file at `path`.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its lines.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path);
        let text = text.map_err(|error| ConfigError(Faults::unreadable(&file, &error)))?;
        Self::parse(&file, &text, path.parent().unwrap_or(Path::new("")))
    }

    /// Checks the configuration in `text`. `file` names it in errors; its paths are relative to `folder`.
    ///
    /// # Errors
    /// Everything that is wrong with it, with its lines.
    pub fn parse(file: &str, text: &str, folder: &Path) -> Result<Self, ConfigError> {
        Document::read(file, text, |root| config(&root, folder)).map_err(ConfigError)
    }

    /// The file that `cholla init` writes: every setting with its meaning, and the paths of the files that `init` makes beside it.
    pub fn template() -> String {
        include_str!("config/template.toml").to_owned()
    }
}

fn config(root: &Table<'_>, folder: &Path) -> Option<Config> {
    root.allow(&[
        "data_dir",
        "root_key_file",
        "platform_file",
        "grace",
        "consent_url",
        "embedded_keys",
        "cache_bytes",
        "drain_seconds",
        "sweep_seconds",
        "payload_guard",
        "api",
        "admin",
        "webhooks",
        "limits",
        "log",
    ]);
    let api = api(&root.table("api", "[api]"), folder);
    let admin = admin(&root.table("admin", "[admin]"), folder);
    let webhooks = webhooks(&root.table("webhooks", "[webhooks]"), folder);
    let limits = limits(&root.table("limits", "[limits]"));
    let log = log(&root.table("log", "[log]"));
    let cache_bytes = root.number("cache_bytes", 0..=CACHE_BYTES_MAX, CACHE_BYTES_DEFAULT);
    let drain_seconds = root.number("drain_seconds", 0..=DRAIN_SECONDS_MAX, DRAIN_SECONDS_DEFAULT);
    let sweep_seconds = root.number("sweep_seconds", 1..=SWEEP_SECONDS_MAX, SWEEP_SECONDS_DEFAULT);
    let payload_guard = root.flag("payload_guard");
    let (grace, consent_url) = (grace(root), consent_url(root));
    let embedded_keys = embedded_keys(root, folder);
    let config = Config {
        data_dir: path(root, "data_dir", folder, "data"),
        root_key_file: path(root, "root_key_file", folder, "root.key"),
        platform_file: root.text("platform_file").map(|path| folder.join(path.value)),
        grace_seconds: grace?,
        consent_url,
        embedded_keys,
        cache_bytes: usize::try_from(cache_bytes?).unwrap_or(usize::MAX),
        drain_seconds: drain_seconds?,
        sweep_seconds: sweep_seconds?,
        payload_guard: payload_guard?,
        api: api?,
        admin: admin?,
        webhooks: webhooks?,
        limits: limits?,
        log: log?,
    };
    if config.api.listen == config.admin.listen && config.api.listen.port() != 0 {
        root.fault(
            root.line_of("admin").unwrap_or(root.line()),
            "[api] and [admin] listen on one address; give one another port",
        );
    }
    Some(config)
}

/// A path relative to the file's folder. One that is at fault is reported, and its default stands in for it.
fn path(table: &Table<'_>, key: &str, folder: &Path, default: &str) -> PathBuf {
    folder.join(table.text(key).map_or(default, |path| path.value))
}

fn api(table: &Table<'_>, folder: &Path) -> Option<ApiConfig> {
    table.allow(&["listen", "tls", "connections_max", "cors_allowed_origins"]);
    let listen = address(table, API_LISTEN_DEFAULT);
    let tls = tls(table, folder);
    let default = u64::try_from(CONNECTIONS_MAX).unwrap_or(CONNECTIONS_CONFIGURED_MAX);
    let connections_max = table.number("connections_max", 1..=CONNECTIONS_CONFIGURED_MAX, default);
    let cors_allowed_origins = origins(table);
    Some(ApiConfig {
        listen: listen?,
        tls: tls?,
        connections_max: usize::try_from(connections_max?).unwrap_or(CONNECTIONS_MAX),
        cors_allowed_origins,
    })
}

/// Either the two files, or `"off"` spelled out: nobody serves secrets in clear by forgetting a line.
fn tls(table: &Table<'_>, folder: &Path) -> Option<TlsConfig> {
    let wanted = "give `{ certificate = \"…\", key = \"…\" }`, or `\"off\"` behind a proxy that ends TLS";
    if table.is_table("tls") {
        let files = table.table("tls", "`tls`");
        files.allow(&["certificate", "key"]);
        let (certificate, key) = (files.required("certificate"), files.required("key"));
        return Some(TlsConfig::Files { certificate: folder.join(certificate?.value), key: folder.join(key?.value) });
    }
    if table.line_of("tls").is_none() {
        table.fault(table.line(), format!("`tls` is missing in [api]; {wanted}"));
    }
    let At { line, value } = table.text("tls")?;
    if value == "off" {
        return Some(TlsConfig::Off);
    }
    table.fault(line, format!("unknown `tls` {}; {wanted}", quoted(value)));
    None
}

fn address(table: &Table<'_>, default: &str) -> Option<SocketAddr> {
    let At { line, value } = match (table.text("listen"), table.line_of("listen")) {
        (Some(text), _) => text,
        (None, Some(_)) => return None,
        (None, None) => At { line: table.line(), value: default },
    };
    let address = value.parse().ok();
    if address.is_none() {
        let wanted = "write an IP address and a port, such as `127.0.0.1:12112`, or `0.0.0.0:443` for all interfaces";
        table.fault(line, format!("`listen` is not an address: {}; {wanted}", quoted(value)));
    }
    address
}

/// `None` where any origin may read answers.
fn origins(table: &Table<'_>) -> Option<Vec<String>> {
    let origins = table.texts("cors_allowed_origins")?;
    if let [any] = origins.as_slice()
        && any.value == "*"
    {
        return None;
    }
    for At { line, value } in &origins {
        if !is_origin(value) {
            let wanted = "write `https://HOST` or `https://HOST:PORT` in lower case, `null`, or `*` alone for all";
            table.fault(*line, format!("not an origin: {}; {wanted}", quoted(value)));
        }
    }
    Some(origins.into_iter().map(|origin| origin.value.to_owned()).collect())
}

/// Whether a browser could send `text` as `Origin`: they are compared byte by byte.
fn is_origin(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_graphic() && byte != b'/' && byte != b'*' && !byte.is_ascii_uppercase();
    let is_tuple = |(scheme, host): (&str, &str)| {
        !scheme.is_empty() && !host.is_empty() && scheme.bytes().all(legal) && host.bytes().all(legal)
    };
    text == "null" || text.split_once("://").is_some_and(is_tuple)
}

fn admin(table: &Table<'_>, folder: &Path) -> Option<AdminConfig> {
    table.allow(&["listen", "token_file"]);
    let token_file = path(table, "token_file", folder, "admin.token");
    Some(AdminConfig { listen: address(table, ADMIN_LISTEN_DEFAULT)?, token_file })
}

/// How long secrets outlive the last install: a duration, or `0`.
fn grace(root: &Table<'_>) -> Option<i64> {
    let Some(At { line, value }) = root.text("grace") else { return Some(GRACE_SECONDS_DEFAULT) };
    let seconds = if value == "0" { Some(0) } else { duration_seconds(value) };
    if seconds.is_none() {
        root.fault(line, "`grace` is not a duration; write a whole number and s, m, h or d, such as `30d`, or `0`");
    }
    seconds
}

fn consent_url(root: &Table<'_>) -> Option<String> {
    let At { line, value } = root.text("consent_url")?;
    if !crate::manifest::is_redirect_uri(value) {
        root.fault(line, "`consent_url` is no absolute http or https URL without a fragment; correct it");
    }
    Some(value.to_owned())
}

fn embedded_keys(root: &Table<'_>, folder: &Path) -> Option<EmbeddedKeysConfig> {
    root.line_of("embedded_keys")?;
    let table = root.table("embedded_keys", "[embedded_keys]");
    table.allow(&["issuer", "audience", "jwks_file"]);
    let (issuer, audience) = (table.required("issuer"), table.required("audience"));
    let jwks_file = table.required("jwks_file");
    Some(EmbeddedKeysConfig {
        issuer: issuer?.value.to_owned(),
        audience: audience?.value.to_owned(),
        jwks_file: folder.join(jwks_file?.value),
    })
}

fn webhooks(table: &Table<'_>, folder: &Path) -> Option<WebhooksConfig> {
    table.allow(&["allowed_private_networks", "allow_plain_http", "ca_file"]);
    let mut allowed_private_networks = Vec::new();
    for At { line, value } in table.texts("allowed_private_networks").unwrap_or_default() {
        let network = Network::parse(value);
        if network.is_none() {
            let wanted = "write its first address and the length of its prefix, such as `10.0.0.0/8`";
            table.fault(line, format!("not a network: {}; {wanted}", quoted(value)));
        }
        allowed_private_networks.extend(network);
    }
    let ca_file = table.text("ca_file").map(|path| folder.join(path.value));
    Some(WebhooksConfig { allowed_private_networks, allow_plain_http: table.flag("allow_plain_http")?, ca_file })
}

fn limits(table: &Table<'_>) -> Option<LimitsConfig> {
    let keys = ["per_credential_per_second", "per_credential_burst", "per_account_per_second", "per_account_burst"];
    table.allow(&keys);
    let [credential_per_second, credential_burst, account_per_second, account_burst] = keys;
    let per_credential = rate(table, (credential_per_second, credential_burst), CREDENTIAL_RATE_DEFAULT);
    let per_account = rate(table, (account_per_second, account_burst), ACCOUNT_RATE_DEFAULT);
    let limit = |rate: Rate| (rate.per_second > 0).then_some(rate);
    Some(LimitsConfig { per_credential: limit(per_credential?), per_account: limit(per_account?) })
}

/// A rate; one of 0 requests a second means that there is no limit.
fn rate(table: &Table<'_>, (per_second, burst): (&str, &str), default: Rate) -> Option<Rate> {
    let per_second = table.number(per_second, 0..=RATE_MAX, default.per_second);
    let burst = table.number(burst, 1..=RATE_MAX, default.burst);
    Some(Rate { per_second: per_second?, burst: burst? })
}

fn log(table: &Table<'_>) -> Option<LogConfig> {
    table.allow(&["level", "format"]);
    let levels = ["error", "warn", "info", "debug", "trace"].map(|level| (level, level));
    let level = one_of(table, "level", &levels, "info");
    let format = one_of(table, "format", &[("json", LogFormat::Json), ("text", LogFormat::Text)], LogFormat::Json);
    Some(LogConfig { level: level?, format: format? })
}

fn one_of<T: Copy>(table: &Table<'_>, key: &str, known: &[(&str, T)], default: T) -> Option<T> {
    let Some(At { line, value }) = table.text(key) else { return Some(default) };
    let found = known.iter().find(|(name, _)| *name == value).map(|(_, found)| *found);
    if found.is_none() {
        let names: Vec<_> = known.iter().map(|(name, _)| quoted(name)).collect();
        table.fault(line, format!("unknown `{key}` {}; use one of {}", quoted(value), names.join(", ")));
    }
    found
}

#[cfg(test)]
mod tests;
