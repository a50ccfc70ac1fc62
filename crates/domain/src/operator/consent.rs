//! Consent on the platform's own pages (contract 15.11 to 15.13): what to show, and what a person's answer does.

use super::{OperatorError, account_of, app_named, installs};
use crate::directory::app::{ApiAccess, App, Manifest};
use crate::directory::decision::{Context, Decision, Drawn};
use crate::directory::install::{Channel, Install, InstallView};
use crate::directory::record::Record;
use crate::directory::secret::SigningSecret;
use crate::id::{AccountId, AppPublicId, UserId};
use crate::installs::{NewInstall, issue_code};
use crate::livemode::Livemode;
use crate::name::is_legal;

/// What a person is asked.
#[derive(Clone, Debug)]
pub struct ConsentRequest<'a> {
    /// The app, in any of its names.
    pub app: &'a str,
    /// The account that it is to be installed on.
    pub account: &'a AccountId,
    /// The person, listed or not.
    pub user: &'a UserId,
    /// The mode.
    pub livemode: Livemode,
    /// Where the browser is to be sent; absent: the app's first.
    pub redirect_uri: Option<&'a str>,
    /// The challenge of the code, already checked for its form.
    pub challenge: Option<&'a str>,
}

/// A request that may be shown, and answered.
struct Checked<'d> {
    app: &'d App,
    /// The install, where there is one.
    install: Option<&'d Install>,
    /// The version that an allow leads to.
    manifest: &'d Manifest,
    redirect_uri: String,
}

/// What to show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// The app.
    pub app: AppPublicId,
    /// Its name.
    pub name: String,
    /// The version that would be installed.
    pub version: String,
    /// Whether the app is installed there in that mode.
    pub installed: bool,
    /// What it asks for.
    pub permissions: Vec<PermissionPreview>,
    /// Where the browser would be sent.
    pub redirect_uri: String,
}

/// A permission that an app asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionPreview {
    /// Its name.
    pub permission: String,
    /// Why, for people.
    pub purpose: Option<String>,
    /// Whether the account has granted it already.
    pub granted: bool,
}

/// What the browser takes along to the app (contract 15.13).
#[derive(Debug)]
pub enum Redirect {
    /// The code of an `oauth` app, shown this once.
    Code(Drawn),
    /// For the others a signature with the app's secrets that count now, the current one first.
    Signed(Vec<SigningSecret>),
}

/// What an allow came to.
#[derive(Debug)]
pub struct Allowed {
    /// The install.
    pub install: InstallView,
    /// Where to send the browser.
    pub redirect_uri: String,
    /// With what.
    pub redirect: Redirect,
}

/// The answer to a request that was denied: where to send the browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// The redirect URI.
    pub redirect_uri: String,
}

/// The redirect URI of a request: exactly one of the offered version's, the first where none is given; in live mode it must be https (contract 15.11).
///
/// # Errors
/// When the app has none, not that one, or it may not be used in live mode.
pub fn redirect_uri(manifest: &Manifest, livemode: Livemode, given: Option<&str>) -> Result<String, OperatorError> {
    let uri = match given {
        None => manifest.redirect_uris.first().ok_or(OperatorError::RedirectUriMissing)?,
        Some(given) => {
            manifest.redirect_uris.iter().find(|own| *own == given).ok_or(OperatorError::RedirectUriUnknown)?
        }
    };
    let is_https = uri.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    if livemode.is_live() && !is_https { Err(OperatorError::RedirectUriPlain) } else { Ok(uri.clone()) }
}

fn check<'d>(ctx: &Context<'d>, request: &ConsentRequest<'_>) -> Result<Checked<'d>, OperatorError> {
    let app = app_named(ctx.directory, request.app)?;
    account_of(ctx.directory, request.account)?;
    if !is_legal(request.user.as_str()) {
        return Err(OperatorError::TextIllegal("user"));
    }
    let install = ctx.directory.install_of(&app.id, request.account, request.livemode);
    let upload = match install.map(|install| install.channel) {
        None | Some(Channel::Public) => app.offered(),
        Some(Channel::PrivateLive | Channel::PrivateTest | Channel::Testing) => app.newest(),
    };
    // As links have checked it, which know no account: by the version offered, whatever the install stands at (contract 15.11).
    let redirect_uri = redirect_uri(&app.offered().manifest, request.livemode, request.redirect_uri)?;
    Ok(Checked { app, install, manifest: &upload.manifest, redirect_uri })
}

/// What to show to the person. Changes nothing.
///
/// # Errors
/// When there is no such app or account, or the browser could not be sent anywhere.
pub fn preview(ctx: &Context<'_>, request: &ConsentRequest<'_>) -> Result<Preview, OperatorError> {
    let Checked { app, install, manifest, redirect_uri } = check(ctx, request)?;
    let granted = install.and_then(|install| ctx.directory.standing(install)).map(|standing| standing.granted);
    let permissions = manifest.asks.permissions.iter().map(|permission| PermissionPreview {
        permission: permission.clone(),
        purpose: manifest.purposes.get(permission).cloned(),
        granted: granted.as_ref().is_some_and(|granted| granted.permissions.contains(permission)),
    });
    Ok(Preview {
        app: app.public_id,
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        installed: install.is_some(),
        permissions: permissions.collect(),
        redirect_uri,
    })
}

/// The person allows it: the app is installed, or reauthorized on the channel that it has, with all that it asks for. An `oauth` app gets a
/// code, bound to the redirect URI and the challenge, which voids the unused one.
///
/// # Errors
/// As for [`preview`].
pub fn allow(ctx: &Context<'_>, by: &str, request: &ConsentRequest<'_>) -> Result<Decision<Allowed>, OperatorError> {
    let Checked { app, install, manifest, redirect_uri } = check(ctx, request)?;
    let Decision { mut change, outcome } = match install {
        Some(install) => installs::authorize(ctx, by, install),
        None => installs::begin(ctx, by, NewInstall::offered(app, request.account, request.livemode)),
    };
    let redirect = if manifest.api_access == ApiAccess::OAuth {
        let (challenge, uri) = (request.challenge.map(str::to_owned), Some(redirect_uri.clone()));
        let (grant, code) = issue_code(ctx, ctx.directory.grant(&outcome.id), outcome.id, challenge, uri);
        change.put(Record::Grant(Box::new(grant)));
        Redirect::Code(code)
    } else {
        Redirect::Signed(app.signing_secret.valid(ctx.now).cloned().collect())
    };
    Ok(Decision { change, outcome: Allowed { install: outcome, redirect_uri, redirect } })
}

/// The person denies it. Changes nothing.
///
/// # Errors
/// As for [`preview`].
pub fn deny(ctx: &Context<'_>, request: &ConsentRequest<'_>) -> Result<Consent, OperatorError> {
    check(ctx, request).map(|checked| Consent { redirect_uri: checked.redirect_uri })
}
