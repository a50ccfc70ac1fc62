//! Install links (contract 15.11): a browser comes from an app's page and is sent on to the platform's own page, where people are signed
//! in. Nothing is decided here. Dev mode has a bare page of its own.

use cholla_domain::directory::app::App;
use cholla_domain::directory::state::Directory;
use cholla_domain::id::{AppId, ClientId};
use cholla_domain::operator::{OperatorError, redirect_uri};
use cholla_wire::error::ApiError;
use cholla_wire::oauth::LinkParams;
use http::request::Parts;
use zeroize::Zeroizing;

use crate::respond::{Page, Reply};
use crate::service::{self, Head};
use crate::state::{Api, Consent};

/// Where links by manifest id begin.
const INSTALL_LINK: &str = "/apps/install/link/";
/// Where links by client id are.
const AUTHORIZE: [&str; 2] = ["/oauth/v2/authorize", "/oauth/authorize"];

/// A link, with the manifest id that its path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    /// By `client_id`.
    Authorize,
    /// By manifest id.
    Install(String),
}

impl Link {
    /// The link of a method and a path with single slashes.
    pub(crate) fn of(method: &str, path: &str) -> Option<Self> {
        if !matches!(method, "GET" | "HEAD") {
            return None;
        }
        if AUTHORIZE.contains(&path) {
            return Some(Self::Authorize);
        }
        let app = path.strip_prefix(INSTALL_LINK).filter(|app| !app.is_empty() && !app.contains('/'))?;
        Some(Self::Install(super::installs::decoded(app)))
    }
}

/// Answers a browser.
pub(crate) fn serve(api: &Api, parts: &Parts, link: &Link) -> Reply {
    match answer(api, parts, link) {
        Ok(page) => Reply { page: Some(page), ..Reply::empty() },
        Err(error) => error.into(),
    }
}

fn answer(api: &Api, parts: &Parts, link: &Link) -> Result<Page, ApiError> {
    service::check_head(parts)?;
    let unserved = || ApiError::unknown_url(parts.method.as_str(), parts.uri.path());
    let consent = api.consent.as_ref().ok_or_else(unserved)?;
    let input = Head::of(parts).input(Zeroizing::default());
    let params = LinkParams::decode(input.parameters().map_err(ApiError::into_oauth)?)?;
    let directory = api.keeper.read();
    let app = app(&directory, link, &params)?;
    // Checked here as consent does it, so that a browser is never sent on with a request that consent would refuse.
    let manifest = &app.offered().manifest;
    redirect_uri(manifest, params.livemode, params.redirect_uri.as_deref())
        .map_err(|error| bad_redirect_uri(&error))?;
    Ok(match consent {
        Consent::Page(url) => Page::Redirect(params.consent_url(url, &app.id, parts.uri.query().unwrap_or_default())),
        Consent::Own => Page::Html(super::consent::page(&directory, app, &params)),
    })
}

/// The app that a link names.
fn app<'d>(directory: &'d Directory, link: &Link, params: &LinkParams) -> Result<&'d App, ApiError> {
    let (found, none) = match (link, params.client_id.as_deref()) {
        (Link::Install(id), _) => (
            directory.app(&AppId::new(id.as_str())),
            "No app has the manifest id that the link ends in. Correct the link, or upload the app.",
        ),
        (Link::Authorize, Some(id)) => (
            ClientId::parse(id).and_then(|id| directory.app_of_client(&id)),
            "No app has the `client_id` of the link. Correct it: it is `ca_` and 32 letters or digits.",
        ),
        (Link::Authorize, None) => (None, "The link has no `client_id`. Add that of the app, which begins with `ca_`."),
    };
    found.ok_or_else(|| ApiError::oauth_invalid_request(none))
}

/// What is wrong with the redirect URI, for whoever made the link. The value is not repeated.
fn bad_redirect_uri(error: &OperatorError) -> ApiError {
    ApiError::oauth_invalid_redirect_uri(match error {
        OperatorError::RedirectUriMissing => {
            "The app has no redirect URI. Upload a manifest with `allowed_redirect_uris`."
        }
        OperatorError::RedirectUriPlain => {
            "In live mode the redirect URI must be https. Name one that is, or add `livemode=false` to the link."
        }
        _ => {
            "The `redirect_uri` of the link is not exactly one of the app's. Correct it, or leave it out for the app's first."
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_10_8_links() {
        for (method, path, expected) in [
            ("GET", "/oauth/v2/authorize", Some(Link::Authorize)),
            ("HEAD", "/oauth/authorize", Some(Link::Authorize)),
            ("GET", "/apps/install/link/com.example.a", Some(Link::Install("com.example.a".to_owned()))),
            ("GET", "/apps/install/link/", None),
            ("GET", "/apps/install/link/a/b", None),
            ("POST", "/oauth/authorize", None),
            ("GET", "/oauth/v3/authorize", None),
        ] {
            assert_eq!(Link::of(method, path), expected, "{method} {path}");
        }
    }
}
