//! The routes of `/v1`, and one file per operation.

use cholla_domain::id::RequestId;
use cholla_domain::idempotency::IdempotencyKey;
use cholla_domain::record::SecretView;
use cholla_domain::time::Timestamp;
use cholla_wire::error::{ApiError, ErrorContext};
use cholla_wire::form::{self, Parameters};
use cholla_wire::{headers, object};
use http::{HeaderMap, HeaderName};
use zeroize::Zeroizing;

use crate::authenticate::Caller;
use crate::header_names::IDEMPOTENCY_KEY;
use crate::metrics::Operation;
use crate::respond::{Reply, log_failure};

pub(crate) mod consent;
mod delete;
mod find;
pub(crate) mod installs;
mod judging;
pub(crate) mod links;
mod list;
pub(crate) mod oauth;
mod set;
mod sign;

pub(crate) use consent::consent;
pub(crate) use delete::delete;
pub(crate) use find::find;
pub(crate) use installs::InstallRoute;
pub(crate) use links::Link;
pub(crate) use list::list;
pub(crate) use set::set;
pub(crate) use sign::sign;

/// The secrets: set and list.
const SECRETS: &str = "/v1/apps/secrets";
/// One secret.
const FIND: &str = "/v1/apps/secrets/find";
/// Its deletion.
const DELETE: &str = "/v1/apps/secrets/delete";
/// Where dev mode's page of consent is sent to.
pub(crate) const CONSENT: &str = "/dev/consent";
/// What a UI extension has signed for its backend.
const SIGNATURE: &str = "/v1/apps/app_embedded_backend_signature";

/// What a request asks for, by who may ask.
pub(crate) enum Route {
    /// The secrets and the signature, by whoever an app is.
    Secrets(Operation),
    /// Installs, by accounts and developers.
    Installs(InstallRoute),
    /// Tokens, by developers.
    OAuth(Operation),
    /// Install links, by browsers.
    Link(Link),
    /// Dev mode's own page of consent, sent back.
    Consent,
}

impl Route {
    /// What the metrics call it.
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::Secrets(operation) | Self::OAuth(operation) => *operation,
            Self::Installs(route) => route.operation(),
            Self::Link(_) | Self::Consent => Operation::Link,
        }
    }
}

/// What a method and a path ask for (contract 1.1 to 1.6, section 10). `None` for an unknown URL or a wrong method: both are 404.
pub(crate) fn route(method: &http::Method, path: &str) -> Option<Route> {
    let path = single_slashes(path);
    match (method.as_str(), &*path) {
        ("GET" | "HEAD", FIND) => Some(Route::Secrets(Operation::Find)),
        ("GET" | "HEAD", SECRETS) => Some(Route::Secrets(Operation::List)),
        ("GET" | "HEAD", SIGNATURE) => Some(Route::Secrets(Operation::Sign)),
        ("POST", SECRETS) => Some(Route::Secrets(Operation::Set)),
        ("POST", DELETE) => Some(Route::Secrets(Operation::Delete)),
        ("POST", "/v1/oauth/token" | "/oauth/token") => Some(Route::OAuth(Operation::Token)),
        ("POST", "/v1/oauth/deauthorize" | "/oauth/deauthorize") => Some(Route::OAuth(Operation::Deauthorize)),
        ("POST", CONSENT) => Some(Route::Consent),
        (method, path) => {
            InstallRoute::of(method, path).map(Route::Installs).or_else(|| Link::of(method, path).map(Route::Link))
        }
    }
}

/// Doubled slashes in a path are tolerated (contract 1.8).
fn single_slashes(path: &str) -> std::borrow::Cow<'_, str> {
    if !path.contains("//") {
        return path.into();
    }
    let mut single = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !single.ends_with('/') {
            single.push(character);
        }
    }
    single.into()
}

/// The parameters of a request, not yet read. Its body is wiped when this is dropped: before an operation waits for the disk.
pub(crate) struct Input<'a> {
    /// How the body counts.
    pub(crate) method: form::Method,
    /// The query, empty when absent.
    pub(crate) query: &'a str,
    /// The type that the body is said to have.
    pub(crate) content_type: Option<&'a [u8]>,
    /// The body.
    pub(crate) body: Zeroizing<Vec<u8>>,
}

impl Input<'_> {
    pub(crate) fn parameters(&self) -> Result<Parameters<'_>, ApiError> {
        form::read(self.method, self.query, self.content_type, &self.body)
    }
}

/// One authenticated request, as its operation sees it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// Its id.
    pub id: RequestId,
    /// Its second: one request has one `now`.
    pub now: Timestamp,
    /// Who makes it.
    pub caller: &'a Caller,
    /// Its headers.
    pub headers: &'a HeaderMap,
}

impl Call<'_> {
    /// The wire's error for `error`, which is logged when it is a failure of ours.
    fn refuse(&self, error: &cholla_domain::error::Error, named: Named<'_>) -> ApiError {
        log_failure(error, self.id);
        let masked = self.caller.key.masked();
        ApiError::from_domain(
            error,
            &ErrorContext {
                name: named.name,
                scope_kind: named.scope_kind,
                starting_after: named.starting_after,
                ending_before: named.ending_before,
                idempotency_key: named.idempotency_key,
                masked_key: Some(&masked),
                account: self.caller.principal.namespace.account.as_str(),
            },
        )
    }

    /// The idempotency key, if there is one.
    fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, ApiError> {
        headers::idempotency_key(self.headers.get(IDEMPOTENCY_KEY).map(http::HeaderValue::as_bytes))
    }

    /// The reply that shows a secret; `deleted` says that it has just been deleted.
    fn secret(&self, view: &SecretView, deleted: bool, replay_of: Option<RequestId>) -> Reply {
        let body = object::secret(view, self.caller.principal.namespace.livemode, deleted);
        Reply { result: Ok(body), version: Some(view.header.version), replay_of, page: None }
    }

    /// The values of a header that may come several times.
    fn header_values(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> {
        self.headers.get_all(name).iter().map(http::HeaderValue::as_bytes)
    }
}

/// What the client named, for messages that repeat it.
#[derive(Clone, Copy, Debug, Default)]
struct Named<'a> {
    name: Option<&'a str>,
    scope_kind: &'a str,
    starting_after: Option<&'a str>,
    ending_before: Option<&'a str>,
    idempotency_key: Option<&'a str>,
}

/// A reply without a version or a replay.
fn plain(body: Vec<u8>) -> Reply {
    Reply { result: Ok(body), version: None, replay_of: None, page: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_1_1_to_1_6_and_1_8_and_10_1_to_10_8_routes() {
        for (method, path, expected) in [
            ("POST", "/v1/apps/secrets", Some(Operation::Set)),
            ("GET", "/v1/apps/secrets", Some(Operation::List)),
            ("HEAD", "/v1/apps/secrets", Some(Operation::List)),
            ("GET", "/v1/apps/secrets/find", Some(Operation::Find)),
            ("POST", "/v1/apps/secrets/delete", Some(Operation::Delete)),
            ("GET", "/v1/apps/app_embedded_backend_signature", Some(Operation::Sign)),
            ("GET", "//v1//apps///secrets/find", Some(Operation::Find)),
            ("POST", "/v1/apps/secrets/find", None),
            ("GET", "/v1/apps/secrets/delete", None),
            ("DELETE", "/v1/apps/secrets", None),
            ("PUT", "/v1/apps/secrets", None),
            ("GET", "/v1/apps/secrets/appsecret_x", None),
            ("GET", "/v1/apps/secrets/", None),
            ("GET", "/v2/apps/secrets", None),
            ("GET", "/", None),
            ("POST", "/v1/oauth/token", Some(Operation::Token)),
            ("POST", "/oauth/token", Some(Operation::Token)),
            ("GET", "/v1/oauth/token", None),
            ("POST", "/v1/oauth/deauthorize", Some(Operation::Deauthorize)),
            ("POST", "//oauth//deauthorize", Some(Operation::Deauthorize)),
            ("GET", "/oauth/authorize", Some(Operation::Link)),
            ("GET", "/oauth/v2/authorize", Some(Operation::Link)),
            ("GET", "/apps/install/link/com.example.a", Some(Operation::Link)),
            ("POST", "/dev/consent", Some(Operation::Link)),
            ("GET", "/dev/consent", None),
            ("GET", "/v1/apps/installs", Some(Operation::InstallList)),
            ("POST", "/v1/apps//installs", Some(Operation::InstallCreate)),
            ("GET", "/v1/apps/installs/x", Some(Operation::InstallRetrieve)),
            ("POST", "/v1/apps/installs/x", Some(Operation::InstallReauthorize)),
            ("POST", "/v1/apps/installs/x/uninstall", Some(Operation::InstallUninstall)),
            ("DELETE", "/v1/apps/installs/x", None),
        ] {
            let method = http::Method::from_bytes(method.as_bytes()).unwrap();
            assert_eq!(route(&method, path).map(|route| route.operation()), expected, "{method} {path}");
        }
    }
}
