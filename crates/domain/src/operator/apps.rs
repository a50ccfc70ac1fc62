//! Apps: uploaded, published, and their signing secrets.

use super::endpoints::checked_secret;
use super::{OperatorError, account_of, app_named, entry, overlap_end};
use crate::directory::app::{App, Manifest, Upload};
use crate::directory::change::Change;
use crate::directory::decision::{Context, Decision, Drawn};
use crate::directory::record::Record;
use crate::directory::secret::{RollableSecret, SigningSecret};
use crate::id::{AccountId, AppId, AppPublicId, ClientId};
use crate::limits::SIGNING_SECRET_CHARS;
use crate::time::Timestamp;

/// What an app's signing secret begins with.
const SIGNING_PREFIX: &str = "absec_";

/// What of an app may be declared; drawn where it is not (contract 11.3).
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// Its id in the Install API.
    pub public_id: Option<AppPublicId>,
    /// Its OAuth client id.
    pub client_id: Option<ClientId>,
    /// Its signing secret.
    pub signing_secret: Option<SigningSecret>,
}

/// An upload, as it was asked for.
#[derive(Clone, Debug)]
pub struct NewUpload {
    /// The app's manifest id.
    pub id: AppId,
    /// The developer's account.
    pub owner: AccountId,
    /// What is uploaded.
    pub manifest: Manifest,
    /// What is declared beside it. Of an app that is there already nothing can be declared otherwise.
    pub declared: Declared,
}

/// What an upload came to.
#[derive(Clone, Debug)]
pub struct Uploaded {
    /// The app as it is now.
    pub app: App,
    /// Whether it is new: then its signing secret is to be shown, this once.
    pub is_new: bool,
}

/// Uploads a manifest: a new version of the app, and the app itself the first time. A manifest that is the newest upload already is no new
/// one. No install moves (contract 13.8). Uploads that nothing needs are dropped by [`carry`](crate::installs::carry).
///
/// # Errors
/// When there is no such owner, the app is another account's, or an id is illegal, another app's, or declared otherwise than it is.
pub fn upload(ctx: &Context<'_>, by: &str, new: NewUpload) -> Result<Decision<Uploaded>, OperatorError> {
    account_of(ctx.directory, &new.owner)?;
    if !AppId::is_legal(new.id.as_str()) {
        return Err(OperatorError::AppIdIllegal);
    }
    let Some(found) = ctx.directory.app(&new.id) else {
        let app = first_upload(ctx, new)?;
        return Ok(put(ctx, by, "app.created", app, true));
    };
    if found.owner != new.owner {
        return Err(OperatorError::OwnedByOther(found.owner.clone()));
    }
    check_declared(found, &new.declared)?;
    if found.newest().manifest == new.manifest && !found.made_up {
        return Ok(Decision::unchanged(Uploaded { app: found.clone(), is_new: false }));
    }
    let mut app = App { made_up: false, ..found.clone() };
    let number = app.newest().number + 1;
    app.uploads.insert(number, Upload { number, manifest: new.manifest, uploaded_at: ctx.now });
    Ok(put(ctx, by, "app.uploaded", app, false))
}

fn check_declared(app: &App, declared: &Declared) -> Result<(), OperatorError> {
    let differs = [
        ("app_id", declared.public_id.is_some_and(|id| id != app.public_id)),
        ("client_id", declared.client_id.is_some_and(|id| id != app.client_id)),
        ("signing_secret", declared.signing_secret.as_ref().is_some_and(|own| *own != app.signing_secret.current)),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        Some((what, _)) => Err(OperatorError::DeclaredOtherwise(what)),
        None => Ok(()),
    }
}

fn first_upload(ctx: &Context<'_>, new: NewUpload) -> Result<App, OperatorError> {
    let entropy = ctx.mint.entropy();
    let public_id = new.declared.public_id.unwrap_or_else(|| AppPublicId::draw(entropy));
    let client_id = new.declared.client_id.unwrap_or_else(|| ClientId::draw(entropy));
    if ctx.directory.app_of_public_id(&public_id).is_some() {
        return Err(OperatorError::AppIdTaken);
    }
    if ctx.directory.app_of_client(&client_id).is_some() {
        return Err(OperatorError::ClientIdTaken);
    }
    let secret = match new.declared.signing_secret {
        Some(declared) => checked_secret(declared, SIGNING_PREFIX)?,
        None => drawn_signing_secret(ctx),
    };
    let first = Upload { number: 1, manifest: new.manifest, uploaded_at: ctx.now };
    Ok(App {
        id: new.id,
        public_id,
        client_id,
        owner: new.owner,
        uploads: [(1, first)].into(),
        releases: [].into(),
        signing_secret: RollableSecret::new(secret),
        made_up: false,
        created_at: ctx.now,
    })
}

fn drawn_signing_secret(ctx: &Context<'_>) -> SigningSecret {
    SigningSecret::new(Drawn::draw(ctx.mint, SIGNING_PREFIX, SIGNING_SECRET_CHARS).value.to_string())
}

fn put(ctx: &Context<'_>, by: &str, action: &str, app: App, is_new: bool) -> Decision<Uploaded> {
    let mut change = Change::default();
    let version = app.newest().number.to_string();
    let subject = [("app", app.id.as_str()), ("account", app.owner.as_str()), ("upload", &version)];
    change.audit.push(entry(ctx, by, action, subject));
    change.put(Record::App(Box::new(app.clone())));
    Decision { change, outcome: Uploaded { app, is_new } }
}

/// Publishes the newest upload: it reaches every `public` install at once (contract 13.7). Nothing where it is published already.
///
/// # Errors
/// When there is no such app, or its owner has published another one (contract 5.1).
pub fn publish(ctx: &Context<'_>, by: &str, name: &str) -> Result<Decision<App>, OperatorError> {
    let app = app_named(ctx.directory, name)?;
    let mut others = ctx.directory.apps_of(&app.owner).filter(|other| other.id != app.id);
    if let Some(other) = others.find(|other| other.published().is_some()) {
        return Err(OperatorError::OtherPublished(other.id.clone()));
    }
    let newest = app.newest().number;
    if app.published().is_some_and(|upload| upload.number == newest) {
        return Ok(Decision::unchanged(app.clone()));
    }
    let mut app = app.clone();
    let number = app.release() + 1;
    app.releases.insert(number, newest);
    let mut change = Change::default();
    let (upload, release) = (newest.to_string(), number.to_string());
    let subject = [("app", app.id.as_str()), ("upload", &upload), ("release", &release)];
    change.audit.push(entry(ctx, by, "app.published", subject));
    change.put(Record::App(Box::new(app.clone())));
    Ok(Decision { change, outcome: app })
}

/// Gives an app another signing secret, drawn or `given`; the old one counts for `overlap_seconds` more. Answers the new one, which is
/// shown this once, and until when the old one counts.
///
/// # Errors
/// When there is no such app, the overlap is too long, or the given secret is malformed.
pub fn roll_signing_secret(
    ctx: &Context<'_>,
    by: &str,
    name: &str,
    overlap_seconds: i64,
    given: Option<SigningSecret>,
) -> Result<Decision<(SigningSecret, Timestamp)>, OperatorError> {
    let mut app = app_named(ctx.directory, name)?.clone();
    let until = overlap_end(ctx, overlap_seconds)?;
    let secret = match given {
        Some(given) => checked_secret(given, SIGNING_PREFIX)?,
        None => drawn_signing_secret(ctx),
    };
    app.signing_secret = app.signing_secret.rolled(secret.clone(), until);
    let mut change = Change::default();
    change.audit.push(entry(ctx, by, "app.signing_secret_rolled", [("app", app.id.as_str())]));
    change.put(Record::App(Box::new(app)));
    Ok(Decision { change, outcome: (secret, until) })
}
