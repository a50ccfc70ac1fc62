//! What the metrics page counts. Labels are operations and outcomes, never a tenant, a name or a key.

use std::time::Duration;

use cholla_store::sqlite::Statistics;
use prometheus::core::Collector;
use prometheus::{Encoder, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use crate::rate_limits::Exceeded;

/// The operations that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Contract 1.1.
    Set,
    /// Contract 1.2.
    List,
    /// Contract 1.3.
    Find,
    /// Contract 1.4.
    Delete,
    /// Contract 1.5.
    Sign,
    /// Contract 10.1.
    InstallList,
    /// Contract 10.2.
    InstallCreate,
    /// Contract 10.3.
    InstallRetrieve,
    /// Contract 10.4.
    InstallReauthorize,
    /// Contract 10.5.
    InstallUninstall,
    /// Contract 10.6.
    Token,
    /// Contract 10.7.
    Deauthorize,
    /// Contract 10.8.
    Link,
    /// A preflight (contract 7.3).
    Preflight,
    /// A request that was answered before its operation was known.
    None,
}

impl Operation {
    const ALL: [Self; 15] = [
        Self::Set,
        Self::List,
        Self::Find,
        Self::Delete,
        Self::Sign,
        Self::InstallList,
        Self::InstallCreate,
        Self::InstallRetrieve,
        Self::InstallReauthorize,
        Self::InstallUninstall,
        Self::Token,
        Self::Deauthorize,
        Self::Link,
        Self::Preflight,
        Self::None,
    ];

    /// The operation that the metrics call `label`.
    pub(crate) fn labelled(label: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.label() == label)
    }

    /// What the metrics call it.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::List => "list",
            Self::Find => "find",
            Self::Delete => "delete",
            Self::Sign => "sign",
            Self::InstallList => "install_list",
            Self::InstallCreate => "install_create",
            Self::InstallRetrieve => "install_retrieve",
            Self::InstallReauthorize => "install_reauthorize",
            Self::InstallUninstall => "install_uninstall",
            Self::Token => "token",
            Self::Deauthorize => "deauthorize",
            Self::Link => "link",
            Self::Preflight => "preflight",
            Self::None => "none",
        }
    }
}

/// Upper bounds of the latency histogram, in seconds.
const LATENCY_BUCKETS: [f64; 12] =
    [0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5];

/// The counters of one operation, resolved once so that a request looks nothing up by name.
#[derive(Debug)]
struct PerOperation {
    succeeded: IntCounter,
    refused: IntCounter,
    failed: IntCounter,
    latency: Histogram,
}

/// Every metric of a server.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    operations: Vec<PerOperation>,
    /// Connections that are open.
    pub connections_open: IntGauge,
    /// Connections accepted since the start.
    pub connections_accepted: IntCounter,
    /// Requests that a credential's rate limit refused (contract 6.28).
    rate_limited_credentials: IntCounter,
    /// Requests that the rate limit of an app or developer on an account refused.
    rate_limited_accounts: IntCounter,
    /// Requests whose handling panicked and was answered 500.
    pub panics: IntCounter,
    /// Expired secrets that the sweeper erased.
    pub secrets_erased: IntCounter,
    /// Idempotency records past their time that the sweeper erased.
    pub idempotency_records_erased: IntCounter,
    /// Erasures that the sweeper could not carry out when it tried last.
    pub erasures_failed: IntGauge,
    /// When the sweeper last found nothing left to erase, in Unix seconds: what expired before is erased.
    pub erased_up_to: IntGauge,
    /// Webhooks that an endpoint took.
    pub webhook_tries_succeeded: IntCounter,
    /// Webhooks that an endpoint did not take, this time.
    pub webhook_tries_failed: IntCounter,
    /// Deliveries that are not tried any more.
    pub webhooks_given_up: IntCounter,
    /// Seconds for which the delivery that is due the longest has been due.
    pub webhook_queue_age: IntGauge,
    /// Keys whose embedded keys count, of the platform that signs them itself.
    pub platform_keys: IntGauge,
    /// 1 while the file with these keys cannot be read, and nobody is trusted for it.
    pub platform_keys_unreadable: IntGauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Registers every metric, at zero.
    pub(crate) fn new() -> Self {
        let registry = Registry::new();
        let operations = per_operation(&registry);
        let rate_limited = register(
            &registry,
            IntCounterVec::new(
                Opts::new("cholla_rate_limited_total", "Requests refused with 429 by the limit they exceeded."),
                &["limit"],
            ),
        );
        let tries = register(
            &registry,
            IntCounterVec::new(Opts::new("cholla_webhook_tries_total", "Webhooks sent, by outcome."), &["outcome"]),
        );
        let counter = |name, help| register(&registry, IntCounter::new(name, help));
        let gauge = |name, help| register(&registry, IntGauge::new(name, help));
        Self {
            connections_open: gauge("cholla_connections_open", "Open connections of the API."),
            connections_accepted: counter("cholla_connections_accepted_total", "Connections accepted since the start."),
            rate_limited_credentials: rate_limited.with_label_values(&["credential"]),
            rate_limited_accounts: rate_limited.with_label_values(&["account"]),
            panics: counter("cholla_panics_total", "Requests whose handling panicked."),
            secrets_erased: counter("cholla_secrets_erased_total", "Expired secrets that were physically erased."),
            idempotency_records_erased: counter(
                "cholla_idempotency_records_erased_total",
                "Idempotency records past their time that were erased.",
            ),
            erasures_failed: gauge(
                "cholla_erasures_failed",
                "Erasures that could not be carried out when they were tried last.",
            ),
            erased_up_to: gauge(
                "cholla_erased_up_to_seconds",
                "Unix time up to which everything expired is physically erased.",
            ),
            webhook_tries_succeeded: tries.with_label_values(&["succeeded"]),
            webhook_tries_failed: tries.with_label_values(&["failed"]),
            webhooks_given_up: counter("cholla_webhooks_given_up_total", "Deliveries that are not tried any more."),
            webhook_queue_age: gauge(
                "cholla_webhook_queue_age_seconds",
                "For how long the delivery that is due the longest has been due.",
            ),
            platform_keys: gauge("cholla_platform_keys", "Keys of the platform whose signatures count."),
            platform_keys_unreadable: gauge(
                "cholla_platform_keys_unreadable",
                "1 while the platform's keys cannot be read: none counts.",
            ),
            operations,
            registry,
        }
    }

    /// Counts one request that exceeded a rate limit.
    pub(crate) fn rate_limited(&self, exceeded: Exceeded) {
        match exceeded {
            Exceeded::Credential => self.rate_limited_credentials.inc(),
            Exceeded::Account => self.rate_limited_accounts.inc(),
        }
    }

    /// Counts one answered request.
    pub(crate) fn answered(&self, operation: Operation, status: u16, took: Duration) {
        let counters = &self.operations[operation as usize];
        match status {
            500.. => counters.failed.inc(),
            400.. => counters.refused.inc(),
            _ => counters.succeeded.inc(),
        }
        counters.latency.observe(took.as_secs_f64());
    }

    /// The page in Prometheus' text format, followed by `readings` (name, help, value) that others count.
    pub(crate) fn page(&self, readings: &[(&str, &str, u64)]) -> Vec<u8> {
        let mut page = Vec::with_capacity(8 * 1024);
        // Encoding into memory fails only for a metric without a name, and every one above has its own.
        let encoded = TextEncoder::new().encode(&self.registry.gather(), &mut page);
        encoded.expect("every metric has a name");
        for (name, help, value) in readings {
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            page.extend_from_slice(format!("# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n").as_bytes());
        }
        page
    }
}

/// The counters of every operation, at zero.
fn per_operation(registry: &Registry) -> Vec<PerOperation> {
    let requests = register(
        registry,
        IntCounterVec::new(
            Opts::new("cholla_requests_total", "Answered requests by operation and outcome (2xx, 4xx, 5xx)."),
            &["operation", "outcome"],
        ),
    );
    let latency = register(
        registry,
        prometheus::HistogramVec::new(
            HistogramOpts::new("cholla_request_seconds", "Time from the request's head to its answer.")
                .buckets(LATENCY_BUCKETS.to_vec()),
            &["operation"],
        ),
    );
    Operation::ALL
        .iter()
        .map(|operation| PerOperation {
            succeeded: requests.with_label_values(&[operation.label(), "succeeded"]),
            refused: requests.with_label_values(&[operation.label(), "refused"]),
            failed: requests.with_label_values(&[operation.label(), "failed"]),
            latency: latency.with_label_values(&[operation.label()]),
        })
        .collect()
}

/// What the store counts itself: name, help, value.
pub(crate) fn store_readings(store: &Statistics) -> [(&'static str, &'static str, u64); 11] {
    [
        ("cholla_record_cache_hits_total", "Finds and sets whose record was in the cache.", store.cache_hits),
        ("cholla_record_cache_misses_total", "Finds and sets whose record was not.", store.cache_misses),
        ("cholla_record_cache_bytes", "Bytes of sealed records in the cache.", store.cache_bytes),
        ("cholla_commits_total", "Transactions committed, each with one flush of the disk.", store.commits),
        ("cholla_commits_failed_total", "Transactions that were not committed.", store.commits_failed),
        ("cholla_writes_total", "Writes in committed transactions.", store.writes),
        ("cholla_write_queue_length", "Writes that wait for the writer.", store.queue_length),
        (
            "cholla_checkpoints_total",
            "Passes that copied the write-ahead log into the database file.",
            store.checkpoints,
        ),
        ("cholla_wal_pages", "Pages in the write-ahead log.", store.wal_pages),
        ("cholla_wal_pages_behind", "Pages of the log that are not in the database file yet.", store.wal_pages_behind),
        (
            "cholla_secret_events_dropped_total",
            "Events of secrets that were dropped for the length of their endpoint's queue.",
            store.notices_dropped,
        ),
    ]
}

fn register<C: Collector + Clone + 'static>(registry: &Registry, metric: prometheus::Result<C>) -> C {
    let metric = metric.expect("the names in this file are legal");
    registry.register(Box::new(metric.clone())).expect("the names in this file are distinct");
    metric
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_page_shows_what_was_counted() {
        let metrics = Metrics::new();
        metrics.answered(Operation::Find, 200, Duration::from_micros(80));
        metrics.answered(Operation::Find, 404, Duration::from_micros(80));
        metrics.answered(Operation::Set, 503, Duration::from_secs(3));
        let page = String::from_utf8(metrics.page(&[("cholla_cache_bytes", "Bytes.", 7)])).unwrap();
        for line in [
            r#"cholla_requests_total{operation="find",outcome="succeeded"} 1"#,
            r#"cholla_requests_total{operation="find",outcome="refused"} 1"#,
            r#"cholla_requests_total{operation="set",outcome="failed"} 1"#,
            r#"cholla_request_seconds_bucket{operation="find",le="0.0001"} 2"#,
            r#"cholla_request_seconds_count{operation="set"} 1"#,
            "cholla_cache_bytes 7",
        ] {
            assert!(page.lines().any(|found| found == line), "{line} is not in\n{page}");
        }
    }

    /// `docs/metrics.md` has a row for each metric, with its name, its type and its labels, and no other.
    #[test]
    fn the_documentation_lists_what_the_page_shows() {
        let page = Metrics::new().page(&store_readings(&Statistics::default()));
        let page = String::from_utf8(page).unwrap();
        let mut shown = BTreeSet::new();
        for (name, kind) in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' ')) {
            let of_name = |line: &&str| line.starts_with(name) && !line.starts_with('#');
            let labels = page.lines().find(of_name).unwrap().split(['{', '}']).nth(1).unwrap_or_default();
            let labels: Vec<_> =
                labels.split(',').filter_map(|label| label.split_once('=')).map(|(label, _)| label).collect();
            let labels: Vec<_> =
                labels.iter().filter(|label| **label != "le").map(|label| format!("`{label}`")).collect();
            shown.insert(format!("| `{name}` | {kind} | {} |", labels.join(", ")).replace("|  |", "| |"));
        }
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
        let documented = std::fs::read_to_string(path).unwrap();
        let row = |line: &str| {
            let cells: Vec<_> = line.split(" |").take(3).collect();
            format!("{} |", cells.join(" |"))
        };
        let documented: BTreeSet<_> =
            documented.lines().filter(|line| line.starts_with("| `cholla_")).map(row).collect();
        assert_eq!(documented, shown);
    }

    #[test]
    fn every_operation_has_its_own_counters() {
        for (index, operation) in Operation::ALL.iter().enumerate() {
            assert_eq!(*operation as usize, index, "{operation:?}");
        }
    }
}
