//! Why the admin API refuses, in the envelope of contract section 6. Messages say what to do; none shows a key, a payload or a user.

use cholla_domain::directory::app::ApiAccess;
use cholla_domain::error::{Error, SealError, StoreError};
use cholla_domain::operator::OperatorError;
use cholla_domain::time::ExpiryError;
use cholla_wire::error::ApiError;
use http::StatusCode;
use serde_json::{Map, json};

use crate::keeper::KeepError;
use crate::manifest::NO_APP_ID;
use crate::platform::quoted;

/// The code of everything that is not there.
const MISSING: &str = "resource_missing";

/// A refusal.
pub(super) enum Failure {
    /// One that the contract words.
    Contract(ApiError),
    /// One of the admin API's own.
    Own {
        /// The status.
        status: StatusCode,
        /// The `code`, where the case has one.
        code: Option<&'static str>,
        /// The member of the request that is meant, where one is.
        param: Option<&'static str>,
        /// What is wrong, and what to do.
        message: String,
    },
    /// The store or the keys do not answer, or what they answer cannot be right.
    Broken(Error),
}

impl Failure {
    /// A refusal of what the request says.
    pub(super) fn refused(param: &'static str, message: impl Into<String>) -> Self {
        Self::Own { status: StatusCode::BAD_REQUEST, code: None, param: Some(param), message: message.into() }
    }

    /// The same, about the member that the request has in the place of the one that is meant.
    pub(super) fn about(self, meant: &'static str, given: &'static str) -> Self {
        match self {
            Self::Own { status, code, param, message } if param == Some(meant) => {
                Self::Own { status, code, param: Some(given), message }
            }
            other => other,
        }
    }

    /// A refusal for what is there.
    fn conflict(param: Option<&'static str>, message: impl Into<String>) -> Self {
        Self::Own { status: StatusCode::CONFLICT, code: None, param, message: message.into() }
    }

    /// There is no such thing.
    pub(super) fn missing(param: &'static str, message: impl Into<String>) -> Self {
        Self::Own { status: StatusCode::NOT_FOUND, code: Some(MISSING), param: Some(param), message: message.into() }
    }

    /// A page that begins behind something that is not there.
    pub(super) fn unknown_cursor() -> Self {
        let message = "`starting_after` names nothing in this list; begin again without it.";
        Self::Own {
            status: StatusCode::BAD_REQUEST,
            code: Some(MISSING),
            param: Some("starting_after"),
            message: message.to_owned(),
        }
    }

    /// A refusal without a member.
    pub(super) fn plain(status: StatusCode, message: impl Into<String>) -> Self {
        Self::Own { status, code: None, param: None, message: message.into() }
    }

    /// Status and body.
    pub(super) fn answer(self) -> (StatusCode, Vec<u8>) {
        match self {
            Self::Contract(error) => {
                let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
                (status, error.body())
            }
            Self::Own { status, code, param, message } => {
                let kind = if status.is_server_error() { "api_error" } else { "invalid_request_error" };
                // In alphabetical order, and without what has no value (contract section 6).
                let mut error = Map::new();
                if let Some(code) = code {
                    let page = format!("https://stripe.com/docs/error-codes/{}", code.replace('_', "-"));
                    error.insert("code".to_owned(), code.into());
                    error.insert("doc_url".to_owned(), page.into());
                }
                error.insert("message".to_owned(), message.into());
                if let Some(param) = param {
                    error.insert("param".to_owned(), param.into());
                }
                error.insert("type".to_owned(), kind.into());
                (status, format!("{:#}\n", json!({"error": error})).into_bytes())
            }
            Self::Broken(error) => {
                let answer = match &error {
                    Error::Unavailable(_) => ApiError::unavailable(),
                    _ => ApiError::internal(),
                };
                tracing::error!(error = chain(&error), "the admin API could not do what it was asked");
                Self::Contract(answer).answer()
            }
        }
    }
}

/// An error with its causes. They are our own texts and those of the storage engine: they name no secret, no user and no key.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self::Contract(error)
    }
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        Self::Broken(match error {
            KeepError::Unavailable(cause) => Error::Unavailable(cause),
            KeepError::Corrupt => Error::Internal(Box::new(error)),
        })
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<SealError> for Failure {
    fn from(error: SealError) -> Self {
        Self::Broken(error.into())
    }
}

impl From<OperatorError> for Failure {
    fn from(error: OperatorError) -> Self {
        missing(&error).or_else(|| state(&error)).unwrap_or_else(|| illegal(&error))
    }
}

/// What is not there.
fn missing(error: &OperatorError) -> Option<Failure> {
    Some(match error {
        OperatorError::NoAccount(id) => {
            Failure::missing("account", format!("There is no account {}; create it first.", quoted(id.as_str())))
        }
        OperatorError::NoApp(name) => Failure::missing(
            "app",
            format!(
                "No such app: {}; upload it first, or name it by manifest id, `app_` id or client id.",
                quoted(name)
            ),
        ),
        OperatorError::NoInstall => Failure::missing("install", "There is no such install, or it has ended."),
        OperatorError::NoCredential => Failure::missing("key", "There is no such key; `GET /v1/keys` lists them."),
        OperatorError::NoEndpoint => {
            Failure::missing("webhook", "There is no such webhook endpoint; `GET /v1/webhooks` lists them.")
        }
        OperatorError::NoErasure => {
            Failure::missing("erasure", "There is no such erasure; `GET /v1/erasures` lists them.")
        }
        _ => return None,
    })
}

/// What is refused for what is there.
fn state(error: &OperatorError) -> Option<Failure> {
    Some(match error {
        OperatorError::AccountNamedOtherwise => Failure::conflict(
            Some("name"),
            "The account is there under another name; rename it with `POST /v1/accounts/ID`.",
        ),
        OperatorError::AppIdTaken => {
            Failure::conflict(Some("app_id"), "The `app_` id is another app's; leave it out to have one drawn.")
        }
        OperatorError::ClientIdTaken => {
            Failure::conflict(Some("client_id"), "The client id is another app's; leave it out to have one drawn.")
        }
        OperatorError::DeclaredOtherwise(what) => Failure::conflict(
            Some(what),
            "The app has another already and keeps it; leave this out. A signing secret can be rolled.",
        ),
        OperatorError::OwnedByOther(owner) => {
            let owner = quoted(owner.as_str());
            Failure::conflict(Some("owner"), format!("The app belongs to {owner}; upload it in that account's name."))
        }
        OperatorError::OtherPublished(other) => {
            let other = quoted(other.as_str());
            Failure::conflict(
                Some("app"),
                format!("The owner has published {other} already; an account can publish one app."),
            )
        }
        OperatorError::OtherChannel(channel) => {
            let channel = channel.as_str();
            let text = format!("The app is installed there on the channel `{channel}`; uninstall it first.");
            Failure::conflict(Some("app"), text)
        }
        OperatorError::NotInstalled => {
            Failure::conflict(Some("app"), "The app is not installed on that account in that mode; install it first.")
        }
        OperatorError::CredentialDead => {
            Failure::conflict(Some("key"), "The key was revoked or has expired; create another.")
        }
        OperatorError::ValueTaken => Failure::conflict(Some("value"), "Another key has this value; give each its own."),
        OperatorError::TooManyEndpoints => Failure::conflict(
            Some("account"),
            "There are 16 endpoints of that account in that mode already; delete one.",
        ),
        _ => return None,
    })
}

/// What is wrong with the request itself.
fn illegal(error: &OperatorError) -> Failure {
    let (param, message): (&'static str, String) = match error {
        OperatorError::AccountIdMalformed => {
            ("id", "Write `acct_` and letters, digits or `_`, at most 255 characters in all.".into())
        }
        OperatorError::AppIdIllegal => ("manifest", format!("The manifest's `id` {NO_APP_ID}.")),
        OperatorError::TextIllegal(param) => (param, "Write 1 to 5,000 characters without NUL.".into()),
        OperatorError::OwnConnection => ("developer", "An account needs no connection to itself.".into()),
        OperatorError::SigningSecretMalformed(prefix) => {
            let param = if *prefix == "absec_" { "signing_secret" } else { "secret" };
            (param, format!("It begins with `{prefix}`, then graphic ASCII; leave it out to have one drawn."))
        }
        OperatorError::OverlapTooLong => ("overlap", "An overlap is at most `7d`.".into()),
        OperatorError::NotAskedFor(name) => {
            let name = quoted(name);
            ("permissions", format!("The app does not ask for {name}; upload a manifest that does, or leave it out."))
        }
        OperatorError::OtherAccess(access) => ("install", other_access(*access).into()),
        OperatorError::SecretTooShort(prefix, min) => (
            if *prefix == "absec_" { "signing_secret" } else { "secret" },
            format!(
                "Write {min} characters or more behind the prefix, drawn at random; leave it out to have one drawn."
            ),
        ),
        OperatorError::EventUnknown => {
            ("events", "An endpoint never gets such an event; see docs/admin-api.md.".into())
        }
        OperatorError::ConnectNeedsAccount => {
            ("connect", "Only an account's endpoint can `connect`; name an `account`.".into())
        }
        OperatorError::RedirectUriMissing => {
            ("redirect_uri", "The app has no redirect URI; upload a manifest with `allowed_redirect_uris`.".into())
        }
        OperatorError::RedirectUriUnknown => (
            "redirect_uri",
            "It is not exactly one of the app's redirect URIs; correct it, or leave it out for the first.".into(),
        ),
        OperatorError::RedirectUriPlain => ("redirect_uri", "In live mode a redirect URI must be https.".into()),
        other => return illegal_credential(other),
    };
    Failure::refused(param, message)
}

/// The same of a credential.
fn illegal_credential(error: &OperatorError) -> Failure {
    let (param, message): (&'static str, String) = match error {
        OperatorError::NotRolled(kind) => (
            "key",
            format!("A key of the kind `{kind}` is not rolled: OAuth refreshes its own, sessions are opened anew."),
        ),
        OperatorError::ValueIllegal => {
            ("value", "Use graphic ASCII without a colon, such as letters, digits and `_`.".into())
        }
        OperatorError::ValueOfOtherKind(prefixes) => {
            let prefixes = prefixes.iter().map(|prefix| format!("`{prefix}`")).collect::<Vec<_>>().join(" or ");
            (
                "value",
                format!(
                    "It contradicts the kind or the mode: begin it with {prefixes} and the mode, `test_` or `live_`."
                ),
            )
        }
        OperatorError::PermissionUnknown(known) => (
            "permissions",
            format!("A key of that kind can have {} only.", crate::platform::listed(known.iter().copied())),
        ),
        OperatorError::PermissionsMissing => {
            let text = "An account's own restricted key needs `app_install_read` or `app_install_write`; name an `app` for a key of that app.";
            ("permissions", text.into())
        }
        OperatorError::PermissionsRefused(kind) => {
            ("permissions", format!("A key of the kind `{kind}` has no permissions of its own; leave them out."))
        }
        OperatorError::Expiry(ExpiryError::NotInFuture) => ("expires_at", "It must lie in the future.".into()),
        OperatorError::Expiry(ExpiryError::TooFar) => ("expires_at", "It can be no more than 100 years ahead.".into()),
        OperatorError::Lifetime => {
            ("expires_in", "A session lives for `1s` to `1h`; `15m` where nothing is said.".into())
        }
        OperatorError::BeyondLifetime(kind) => (
            "expires_at",
            format!(
                "A key of the kind `{kind}` counts for `1h` from when it was made, at the longest; give an earlier time."
            ),
        ),
        other => return Failure::plain(StatusCode::BAD_REQUEST, other.to_string()),
    };
    Failure::refused(param, message)
}

fn other_access(access: ApiAccess) -> &'static str {
    match access {
        ApiAccess::Platform => {
            "The app uses its developer's secret key, not restricted keys (`stripe_api_access_type` in its manifest)."
        }
        ApiAccess::OAuth => {
            "The app uses OAuth tokens, not restricted keys (`stripe_api_access_type` in its manifest)."
        }
        ApiAccess::RestrictedApiKey => "The app uses restricted keys.",
    }
}
