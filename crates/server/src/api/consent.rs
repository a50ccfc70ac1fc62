//! Dev mode's bare page of consent: it knows no sessions of people, so whoever looks at it chooses an account and a user and says yes or no
//! for them. A platform has its own page, and ends it in the admin API's `POST /v1/authorizations`.

use std::fmt::Write as _;
use std::sync::Arc;

use cholla_domain::directory::app::App;
use cholla_domain::directory::decision::{Context, Decision};
use cholla_domain::directory::state::Directory;
use cholla_domain::id::{AccountId, RequestId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{self, Allowed, ConsentRequest, OperatorError, Redirect};
use cholla_domain::time::Timestamp;
use cholla_wire::error::ApiError;
use cholla_wire::oauth::{
    ConsentParams, LinkParams, redirect_denied, redirect_with_code, redirect_with_signature, signed_install_text,
};
use http::request::Parts;
use hyper::body::Incoming;

use super::CONSENT;
use crate::keeper::Asked;
use crate::receive::receive_small;
use crate::respond::{Page, Reply};
use crate::service::{self, Head};
use crate::state::{Api, Consent};

/// Accounts that the page offers.
const ACCOUNTS_SHOWN: usize = 100;

/// The page of an app.
pub(crate) fn page(directory: &Directory, app: &App, params: &LinkParams) -> String {
    let manifest = &app.offered().manifest;
    let mut html = String::from("<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Install</title>");
    let _ = write!(
        html,
        "<h1>Install {}?</h1><p>Version {}. It asks for:</p><ul>",
        escaped(&manifest.name),
        escaped(&manifest.version)
    );
    for permission in &manifest.asks.permissions {
        let purpose = manifest.purposes.get(permission).map_or("", String::as_str);
        let _ = write!(html, "<li><code>{}</code> {}</li>", escaped(permission), escaped(purpose));
    }
    let _ = write!(html, "</ul><form method=\"post\" action=\"{CONSENT}\">");
    let challenge = params.challenge.as_ref().map(|challenge| challenge.0.as_str());
    for (name, value) in [
        ("app", Some(app.id.as_str())),
        ("redirect_uri", params.redirect_uri.as_deref()),
        ("state", params.state.as_deref()),
        ("mode", Some(params.livemode.as_str())),
        ("code_challenge", challenge),
        ("code_challenge_method", challenge.map(|_| "S256")),
    ] {
        if let Some(value) = value {
            let _ = write!(html, "<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value));
        }
    }
    html.push_str("<p><label>Account <select name=\"account\">");
    let mut accounts: Vec<_> = directory.accounts().map(|account| &account.id).collect();
    accounts.sort_unstable();
    for account in accounts.into_iter().take(ACCOUNTS_SHOWN) {
        let _ = write!(html, "<option>{}</option>", escaped(account.as_str()));
    }
    html.push_str("</select></label> <label>User <input name=\"user\" value=\"usr_1\"></label></p>");
    html.push_str("<p><button name=\"decision\" value=\"allow\">Allow</button> ");
    html.push_str("<button name=\"decision\" value=\"deny\">Deny</button></p></form>");
    html
}

/// Text as it may stand in an attribute or between tags.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The page, sent back.
pub(crate) async fn consent(api: &Api, parts: &Parts, body: Incoming, id: RequestId) -> Reply {
    if !matches!(api.consent, Some(Consent::Own)) {
        return ApiError::unknown_url(parts.method.as_str(), parts.uri.path()).into();
    }
    let body = match service::check_head(parts) {
        Ok(()) => receive_small(parts, body).await,
        Err(error) => Err(error),
    };
    let input = match body {
        Ok(body) => Head::of(parts).input(body),
        Err(error) => return error.into(),
    };
    let params = match input.parameters().and_then(ConsentParams::decode) {
        Ok(params) => params,
        Err(error) => return error.into(),
    };
    let _reset_waits = api.without_reset().await;
    let asked = Asked { request: id, ..api.keeper.unasked() };
    let now = asked.now;
    let decided = Arc::clone(&api.keeper).decide(asked, move |ctx| answered(ctx, params, now)).await;
    match decided {
        Ok(Ok(url)) => Reply { page: Some(Page::Redirect(url)), ..Reply::empty() },
        Ok(Err(error)) => ApiError::oauth_invalid_request(error.to_string()).into(),
        Err(error) => service::keep_failed(&error, id).into(),
    }
}

/// Does what the person chose, and says where the browser goes.
fn answered(ctx: &Context<'_>, params: ConsentParams, now: Timestamp) -> Decision<Result<String, OperatorError>> {
    let (account, user) = (AccountId::new(params.account), UserId::new(params.user));
    let request = ConsentRequest {
        app: &params.app,
        account: &account,
        user: &user,
        livemode: params.livemode,
        redirect_uri: params.redirect_uri.as_deref(),
        challenge: params.challenge.as_ref().map(|challenge| challenge.0.as_str()),
    };
    let state = params.state.as_deref();
    if !params.allow {
        let denied = operator::deny(ctx, &request);
        return Decision::unchanged(denied.map(|denied| redirect_denied(&denied.redirect_uri, state)));
    }
    match operator::allow(ctx, "cholla", &request) {
        Ok(Decision { change, outcome }) => {
            let url = redirect_allowed(&outcome, state, (&user, &account), (params.livemode, now));
            Decision { change, outcome: Ok(url) }
        }
        Err(error) => Decision::unchanged(Err(error)),
    }
}

/// Where the browser goes after an allow, and what it takes along (contract 15.13).
pub(crate) fn redirect_allowed(
    allowed: &Allowed,
    state: Option<&str>,
    (user, account): (&UserId, &AccountId),
    (livemode, now): (Livemode, Timestamp),
) -> String {
    match &allowed.redirect {
        Redirect::Code(code) => redirect_with_code(&allowed.redirect_uri, &code.value, state),
        Redirect::Signed(secrets) => {
            let text = signed_install_text(state, user, account);
            let mut signature = format!("t={}", now.as_unix());
            for secret in secrets {
                let hash = cholla_seal::sign_payload(secret.as_key(), now.as_unix(), text.as_bytes());
                let _ = write!(signature, ",v1={hash}");
            }
            redirect_with_signature(&allowed.redirect_uri, user, account, state, (&signature, livemode))
        }
    }
}

#[cfg(test)]
mod tests;
