//! `/v1/apps/installs` (contract 10.1 to 10.5): who calls is judged otherwise than for secrets, everything else in the same order.

use std::sync::Arc;
use std::time::Instant;

use cholla_domain::directory::decision::{Context, Decision};
use cholla_domain::directory::install::Channel;
use cholla_domain::directory::kept::{KeptOperation, StateRefusal};
use cholla_domain::id::RequestId;
use cholla_domain::idempotency::IdempotencyKey;
use cholla_domain::installs::{self, Answered, CreateRequest, InstallError, InstallRequest, Right, replay_unreachable};
use cholla_domain::list::Cursor;
use cholla_domain::time::Timestamp;
use cholla_wire::error::{ApiError, InstallRight};
use cholla_wire::headers;
use cholla_wire::installs as wire;
use http::HeaderMap;
use http::request::Parts;
use hyper::body::Incoming;

use super::{Input, plain};
use crate::authenticate::{InstallKey, authenticate_installs};
use crate::header_names::IDEMPOTENCY_KEY;
use crate::keeper::{Asked, KeepError};
use crate::metrics::Operation;
use crate::receive::receive;
use crate::respond::Reply;
use crate::service::{self, Head};
use crate::state::Api;

/// Where the installs are.
const INSTALLS: &str = "/v1/apps/installs";

/// An operation on installs, with the id that its path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum InstallRoute {
    /// 10.1
    List,
    /// 10.2
    Create,
    /// 10.3
    Retrieve(String),
    /// 10.4
    Reauthorize(String),
    /// 10.5
    Uninstall(String),
}

impl InstallRoute {
    /// The operation of a method and a path with single slashes.
    pub(crate) fn of(method: &str, path: &str) -> Option<Self> {
        let rest = path.strip_prefix(INSTALLS)?;
        let mut segments = rest.split('/').skip(1);
        let (id, action) = (segments.next().unwrap_or_default(), segments.next());
        if segments.next().is_some() || (!rest.is_empty() && !rest.starts_with('/')) {
            return None;
        }
        let id = decoded(id);
        match (method, id.is_empty(), action) {
            ("GET" | "HEAD", true, None) if rest.is_empty() => Some(Self::List),
            ("POST", true, None) if rest.is_empty() => Some(Self::Create),
            ("GET" | "HEAD", false, None) => Some(Self::Retrieve(id)),
            ("POST", false, None) => Some(Self::Reauthorize(id)),
            ("POST", false, Some("uninstall")) => Some(Self::Uninstall(id)),
            _ => None,
        }
    }

    /// What the metrics call it.
    pub(crate) fn operation(&self) -> Operation {
        match self {
            Self::List => Operation::InstallList,
            Self::Create => Operation::InstallCreate,
            Self::Retrieve(_) => Operation::InstallRetrieve,
            Self::Reauthorize(_) => Operation::InstallReauthorize,
            Self::Uninstall(_) => Operation::InstallUninstall,
        }
    }
}

/// A segment of a path, percent-decoded; what does not decode to text stays as it is, and names nothing.
pub(super) fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8().map_or_else(|_| segment.to_owned(), Into::into)
}

/// Answers one request of the Install API. What is left of the body of a request that is refused for its head goes to `unread`.
pub(crate) async fn serve(
    api: &Api,
    parts: &Parts,
    body: Incoming,
    (id, started): (RequestId, Instant),
    (route, unread): (InstallRoute, &mut Option<Incoming>),
) -> Reply {
    let mut now = api.now();
    let judged_at = api.keeper.shown();
    let checked = service::check_head(parts).and_then(|()| {
        let key = authenticate_installs(api, &parts.headers, now)?;
        // An account that is not reached is refused at once, unless a kept result may still be asked for.
        key.refused_without_replay(&parts.headers, &route)?;
        service::within_rate(
            api,
            &key.credential,
            (None, key.caller.credential_account(), key.caller.account(), key.caller.livemode()),
            started,
        )?;
        service::check_version(parts)?;
        Ok(key)
    });
    let mut key = match checked {
        Ok(key) => key,
        Err(error) => return service::refuse_head(parts, body, error, unread),
    };
    let body = match Box::pin(receive(&api.large_bodies, key.caller.credential_account(), parts, body)).await {
        Ok(body) => body,
        Err(error) => return error.into(),
    };
    let arrived = api.now();
    if arrived != now || !api.keeper.still_shows(judged_at) {
        now = arrived;
        key = match authenticate_installs(api, &parts.headers, now) {
            Ok(key) => key,
            Err(error) => return error.into(),
        };
    }
    let input = Head::of(parts).input(body);
    let _reset_waits = api.without_reset().await;
    let call = InstallCall { id, now, key: &key, headers: &parts.headers };
    match route {
        InstallRoute::List => list(api, &call, &input),
        InstallRoute::Create => create(api, &call, &input).await,
        InstallRoute::Retrieve(install) => retrieve(api, &call, &input, &install),
        InstallRoute::Reauthorize(install) => write(api, &call, &input, (install, KeptOperation::Reauthorize)).await,
        InstallRoute::Uninstall(install) => write(api, &call, &input, (install, KeptOperation::Uninstall)).await,
    }
}

/// One authenticated request of the Install API.
struct InstallCall<'a> {
    id: RequestId,
    now: Timestamp,
    key: &'a InstallKey,
    headers: &'a HeaderMap,
}

impl InstallCall<'_> {
    fn idempotency_key(&self) -> Result<Option<IdempotencyKey>, ApiError> {
        headers::idempotency_key(self.headers.get(IDEMPOTENCY_KEY).map(http::HeaderValue::as_bytes))
    }

    fn asked(&self, idempotency_key: Option<IdempotencyKey>) -> Asked {
        Asked { request: self.id, idempotency_key, now: self.now }
    }

    /// What an error is on the wire.
    fn refuse(&self, error: &InstallError, named: &Named<'_>) -> ApiError {
        let account = self.key.caller.account().as_str();
        match error {
            InstallError::NotFound => ApiError::no_such_install(named.install),
            InstallError::UnknownCursor(which) => {
                let cursor = match which {
                    Cursor::StartingAfter => named.starting_after,
                    Cursor::EndingBefore => named.ending_before,
                };
                ApiError::unknown_install_cursor(*which, cursor)
            }
            InstallError::BothCursors => ApiError::both_cursors(),
            InstallError::UnknownApp => ApiError::no_such_app(named.app),
            InstallError::PrivateChannelNeeded => ApiError::own_key_needs_private_channel(),
            InstallError::PrivateChannelRefused { own: None } => ApiError::private_channel_elsewhere(),
            InstallError::PrivateChannelRefused { own: Some(own) } => {
                ApiError::channel_of_other_mode(if *own == Channel::PrivateLive { "live" } else { "test" })
            }
            InstallError::State(refusal) => self.refuse_state(*refusal),
            InstallError::Embedding => ApiError::no_embedding(),
            InstallError::RightMissing(right) => {
                let right = match right {
                    Right::Read => InstallRight::Read,
                    Right::Write => InstallRight::Write,
                };
                ApiError::install_right_missing(&self.key.key.masked(), account, right)
            }
            InstallError::AccountNotNamed(account) => ApiError::developer_must_name_account(account.as_str()),
            InstallError::AccountNotActedOn => ApiError::list_of_other_account(),
            InstallError::IdempotencyMismatch { original } => {
                ApiError::idempotency_mismatch(named.idempotency_key, *original)
            }
            InstallError::TooMuchKept => ApiError::too_many_requests("endpoint-rate"),
        }
    }

    fn refuse_state(&self, refusal: StateRefusal) -> ApiError {
        match refusal {
            StateRefusal::OtherChannel(channel) => ApiError::installed_on_other_channel(channel),
            StateRefusal::NothingToInstall(channel) => ApiError::nothing_to_install(channel),
            StateRefusal::NotConnected => ApiError::account_not_connected(self.key.caller.account().as_str()),
            StateRefusal::WouldGrant => ApiError::account_must_reauthorize(),
        }
    }

    /// The reply to a write.
    fn answer(&self, decided: Result<Result<Answered, InstallError>, KeepError>, named: &Named<'_>) -> Reply {
        let answered = match decided {
            Ok(Ok(answered)) => answered,
            Ok(Err(error)) => return self.refuse(&error, named).into(),
            Err(error) => return service::keep_failed(&error, self.id).into(),
        };
        let replay_of = answered.replay_of;
        match answered.result {
            Ok(view) => {
                let code = answered.code.as_ref().map(|code| code.value.as_str());
                Reply { replay_of, ..plain(wire::install(&view, code)) }
            }
            Err(refusal) => Reply { replay_of, ..self.refuse_state(refusal).into() },
        }
    }
}

/// What a message may repeat of the request.
#[derive(Default)]
struct Named<'a> {
    install: &'a str,
    app: &'a str,
    starting_after: &'a str,
    ending_before: &'a str,
    idempotency_key: &'a str,
}

fn list(api: &Api, call: &InstallCall<'_>, input: &Input<'_>) -> Reply {
    let request = match input.parameters().and_then(wire::decode_list) {
        Ok(request) => request,
        Err(error) => return error.into(),
    };
    let page = installs::list(&api.keeper.read(), &call.key.caller, &request, call.now);
    match page {
        Ok(page) => plain(wire::list(&page.installs, page.has_more)),
        Err(error) => {
            let starting_after = request.starting_after.as_deref().unwrap_or_default();
            let ending_before = request.ending_before.as_deref().unwrap_or_default();
            call.refuse(&error, &Named { starting_after, ending_before, ..Named::default() }).into()
        }
    }
}

fn retrieve(api: &Api, call: &InstallCall<'_>, input: &Input<'_>, id: &str) -> Reply {
    if let Err(error) = input.parameters().and_then(|parameters| wire::decode_expand_only(&parameters)) {
        return error.into();
    }
    match installs::retrieve(&api.keeper.read(), &call.key.caller, id) {
        Ok(view) => plain(wire::install(&view, None)),
        Err(error) => call.refuse(&error, &Named { install: id, ..Named::default() }).into(),
    }
}

async fn create(api: &Api, call: &InstallCall<'_>, input: &Input<'_>) -> Reply {
    let params = match input.parameters().and_then(wire::CreateParams::decode) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    let key = match call.idempotency_key() {
        Ok(key) => key,
        Err(error) => return error.into(),
    };
    let (app, shown_key) = (params.app.clone(), key.clone());
    let idempotency_key = shown_key.as_ref().map_or("", IdempotencyKey::as_str);
    let named = Named { app: &app, idempotency_key, ..Named::default() };
    let caller = call.key.caller.clone();
    let decided = decide(api, call.asked(key), move |ctx| {
        let challenge = params.challenge.as_ref().map(|challenge| challenge.0.as_str());
        let channel = params.channel.map_or("", Channel::as_str);
        let expansion = params.expansion.canonical();
        let parameters: [&[u8]; 4] =
            [params.app.as_bytes(), channel.as_bytes(), challenge.unwrap_or_default().as_bytes(), &expansion];
        let request = CreateRequest { app: &params.app, channel: params.channel, challenge, parameters: &parameters };
        installs::create(ctx, &caller, &request)
    });
    call.answer(decided.await, &named)
}

/// Reauthorizes or uninstalls.
async fn write(
    api: &Api,
    call: &InstallCall<'_>,
    input: &Input<'_>,
    (install, operation): (String, KeptOperation),
) -> Reply {
    let expansion = match input.parameters().and_then(|parameters| wire::decode_expand_only(&parameters)) {
        Ok(expansion) => expansion.canonical(),
        Err(error) => return error.into(),
    };
    let key = match call.idempotency_key() {
        Ok(key) => key,
        Err(error) => return error.into(),
    };
    let (shown_id, shown_key) = (install.clone(), key.clone());
    let idempotency_key = shown_key.as_ref().map_or("", IdempotencyKey::as_str);
    let named = Named { install: &shown_id, idempotency_key, ..Named::default() };
    let (caller, unreachable) = (call.key.caller.clone(), call.key.unreachable.is_some());
    let decided = decide(api, call.asked(key), move |ctx| {
        let request = InstallRequest { id: &install, parameters: &[&expansion] };
        match operation {
            _ if unreachable => {
                let kept = replay_unreachable(ctx, &caller, operation, &request);
                kept.map(Decision::unchanged).ok_or(InstallError::NotFound)
            }
            KeptOperation::Reauthorize => installs::reauthorize(ctx, &caller, &request),
            KeptOperation::Uninstall | KeptOperation::Create => installs::uninstall(ctx, &caller, &request),
        }
    })
    .await;
    match (&decided, &call.key.unreachable) {
        (Ok(Err(InstallError::NotFound)), Some(refused)) => refused.error(&call.key.key).into(),
        _ => call.answer(decided, &named),
    }
}

/// Lets the keeper decide a write; a refusal changes nothing.
async fn decide(
    api: &Api,
    asked: Asked,
    decide: impl FnOnce(&Context<'_>) -> Result<Decision<Answered>, InstallError> + Send + 'static,
) -> Result<Result<Answered, InstallError>, KeepError> {
    Arc::clone(&api.keeper)
        .decide(asked, move |ctx| match decide(ctx) {
            Ok(Decision { change, outcome }) => Decision { change, outcome: Ok(outcome) },
            Err(error) => Decision::unchanged(Err(error)),
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_10_1_to_10_5_routes() {
        let id = || "appinst_test_x".to_owned();
        for (method, path, expected) in [
            ("GET", "/v1/apps/installs", Some(InstallRoute::List)),
            ("HEAD", "/v1/apps/installs", Some(InstallRoute::List)),
            ("POST", "/v1/apps/installs", Some(InstallRoute::Create)),
            ("GET", "/v1/apps/installs/appinst_test_x", Some(InstallRoute::Retrieve(id()))),
            ("POST", "/v1/apps/installs/appinst_test_x", Some(InstallRoute::Reauthorize(id()))),
            ("POST", "/v1/apps/installs/appinst_test_x/uninstall", Some(InstallRoute::Uninstall(id()))),
            ("POST", "/v1/apps/installs/a%2Fb", Some(InstallRoute::Reauthorize("a/b".to_owned()))),
            ("GET", "/v1/apps/installs/appinst_test_x/uninstall", None),
            ("POST", "/v1/apps/installs/appinst_test_x/other", None),
            ("POST", "/v1/apps/installs/x/uninstall/y", None),
            ("DELETE", "/v1/apps/installs/x", None),
            ("GET", "/v1/apps/installs/", None),
            ("GET", "/v1/apps/installsx", None),
        ] {
            assert_eq!(InstallRoute::of(method, path), expected, "{method} {path}");
        }
    }
}
