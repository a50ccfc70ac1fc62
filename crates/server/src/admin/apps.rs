//! Apps: uploaded, published, shown, and their signing secrets.

use cholla_domain::directory::app::{App, Asks, Manifest, Upload};
use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::id::{AccountId, AppId, AppPublicId, ClientId};
use cholla_domain::installs::carry;
use cholla_domain::limits::{ROLLOUT_STEP_INSTALLS, UPLOADS_KEPT_MAX};
use cholla_domain::operator::{Declared, NewUpload, app_named, publish, roll_signing_secret, upload};
use http::Method;
use serde_json::{Value, json};

use super::call::{Answer, Call, cursor, page};
use super::failure::Failure;
use super::route::{AFTER, Gives, Kind, LIMIT, OVERLAP, Outcome, Route, Shape, member};
use crate::manifest::Manifest as ManifestFile;

/// The version of an app whose manifest gives none.
const VERSION_DEFAULT: &str = "0.0.1";
/// The file that a manifest is taken for where nothing else is said.
const FILE_DEFAULT: &str = "stripe-app.json";

const UPLOAD: Shape = Shape {
    name: "app_upload",
    about: "One upload of an app.",
    extends: None,
    members: &[
        member("number", Kind::Integer, "Counts the app's uploads from 1."),
        member("version", Kind::Text, "The version that its manifest gives."),
        member("uploaded", Kind::Time, "When."),
    ],
};

const PERMISSION: Shape = Shape {
    name: "app_permission",
    about: "A permission that an app asks for.",
    extends: None,
    members: &[
        member("permission", Kind::Text, "Its name."),
        member("purpose", Kind::Text, "Why, for people.").nullable(),
    ],
};

const APP: Shape = Shape {
    name: "app",
    about: "An app, as its newest upload says; what is published may be an earlier one.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["app"]), "Always `app`."),
        member("id", Kind::Text, "Its manifest id."),
        member("app_id", Kind::Text, "Its id in the Install API."),
        member("client_id", Kind::Text, "Its OAuth client id."),
        member("owner", Kind::Text, "The developer's account."),
        member("name", Kind::Text, "Its name."),
        member("version", Kind::Text, "The version of the newest upload."),
        member("distribution", Kind::Word(&["private", "public"]), "Published, or not."),
        member("published", Kind::Object(&UPLOAD), "What is published.").nullable(),
        member(
            "api_access",
            Kind::Word(&["oauth", "platform", "restricted_api_key"]),
            "How its backend gets credentials (contract 15.1).",
        ),
        member("permissions", Kind::Objects(&PERMISSION), "What it asks for."),
        member("redirect_uris", Kind::Texts, "Where browsers may be sent after an install."),
        member("uploads", Kind::Objects(&UPLOAD), "Its uploads, the newest first."),
        member("made_up", Kind::Flag, "Whether dev mode made it up."),
        member("created", Kind::Time, "When it was created."),
    ],
};

const UPLOADED: Shape = Shape {
    name: "app_uploaded",
    about: "An app after an upload.",
    extends: Some(&APP),
    members: &[member("signing_secret", Kind::Text, "Of a new app its signing secret, this once.").nullable()],
};

const ROLLED: Shape = Shape {
    name: "signing_secret",
    about: "A signing secret, shown this once.",
    extends: None,
    members: &[
        member("object", Kind::Word(&["signing_secret"]), "Always `signing_secret`."),
        member("app", Kind::Text, "The app."),
        member("signing_secret", Kind::Text, "The new one."),
        member("previous_counts_until", Kind::Time, "From then on the old one does not count."),
    ],
};

pub(super) const ROUTES: &[Route] = &[
    Route {
        name: "apps.list",
        method: Method::GET,
        path: "/v1/apps",
        about: "All apps, or those of an account, in the order of their ids.",
        takes: &[member("owner", Kind::Text, "Only those of this account."), LIMIT, AFTER],
        gives: Gives::Page(&APP),
        answer: |call| Box::pin(async { list(call) }),
    },
    Route {
        name: "apps.upload",
        method: Method::POST,
        path: "/v1/apps",
        about: "Uploads a manifest: a new version of the app, and the app itself the first time. Private and testing installs stay on their \
                version until they are reauthorized. The manifest that was uploaded last is no new version.",
        takes: &[
            member("owner", Kind::Text, "The developer's account.").required(),
            member("manifest", Kind::Document, "The manifest: the object itself, or the text of its file.").required(),
            member(
                "file",
                Kind::Text,
                "The file's name, whose ending tells the format; `stripe-app.json` where absent.",
            ),
            member("endpoints", Kind::Texts, "The app's endpoints (contract 11.5)."),
            member("app_id", Kind::Text, "Of a new app its `app_` id; drawn where absent."),
            member("client_id", Kind::Text, "Of a new app its `ca_` id; drawn where absent."),
            member("signing_secret", Kind::Text, "Of a new app its `absec_` secret; drawn where absent."),
        ],
        gives: Gives::One(&UPLOADED),
        answer: |call| Box::pin(create(call)),
    },
    Route {
        name: "apps.show",
        method: Method::GET,
        path: "/v1/apps/{app}",
        about: "One app, in any of its three names.",
        takes: &[],
        gives: Gives::One(&APP),
        answer: |call| Box::pin(async { show(call) }),
    },
    Route {
        name: "apps.publish",
        method: Method::POST,
        path: "/v1/apps/{app}/publish",
        about: "Publishes the newest upload. It reaches every public install at once; what it asks for anew is pending there (contract 13.7). \
                An account can publish one app.",
        takes: &[],
        gives: Gives::One(&APP),
        answer: |call| Box::pin(release(call)),
    },
    Route {
        name: "apps.roll_signing_secret",
        method: Method::POST,
        path: "/v1/apps/{app}/signing_secret/roll",
        about: "Gives the app another signing secret, shown this once. If the answer is lost, roll again.",
        takes: &[OVERLAP],
        gives: Gives::One(&ROLLED),
        answer: |call| Box::pin(roll(call)),
    },
];

fn shown_upload(upload: &Upload) -> Value {
    json!({"number": upload.number, "version": upload.manifest.version, "uploaded": upload.uploaded_at.as_unix()})
}

fn app(app: &App) -> Value {
    let manifest = &app.newest().manifest;
    let permission = |name: &String| json!({"permission": name, "purpose": manifest.purposes.get(name)});
    json!({
        "object": "app",
        "id": app.id.as_str(),
        "app_id": app.public_id.to_string(),
        "client_id": app.client_id.to_string(),
        "owner": app.owner.as_str(),
        "name": manifest.name,
        "version": manifest.version,
        "distribution": if app.published().is_some() { "public" } else { "private" },
        "published": app.published().map(shown_upload),
        "api_access": manifest.api_access.as_str(),
        "permissions": manifest.asks.permissions.iter().map(permission).collect::<Vec<_>>(),
        "redirect_uris": manifest.redirect_uris,
        "uploads": app.uploads.values().rev().map(shown_upload).collect::<Vec<_>>(),
        "made_up": app.made_up,
        "created": app.created_at.as_unix(),
    })
}

fn list(call: &Call) -> Outcome {
    let owner = call.given.text("owner").map(AccountId::new);
    call.read(|directory| {
        let is_meant = |own: &&App| owner.as_ref().is_none_or(|owner| *owner == own.owner);
        let after = cursor(&call.given, |id| directory.app(&AppId::new(id)).filter(is_meant))?;
        Ok(page(directory.apps().filter(is_meant), |own| &own.id, after, &call.given, app))
    })
}

fn show(call: &Call) -> Outcome {
    call.read(|directory| Ok(Answer::One(app(app_named(directory, call.named(0))?))))
}

/// The manifest as the domain has it, and its id.
fn manifest(call: &Call) -> Result<(AppId, Manifest), Failure> {
    let text = match call.given.document("manifest") {
        Some(Value::String(text)) => text.clone(),
        Some(object) => object.to_string(),
        None => String::new(),
    };
    let file = call.given.text("file").unwrap_or(FILE_DEFAULT);
    let read = ManifestFile::parse(&text, file).map_err(|faults| {
        let line = |fault: &crate::platform::Fault| match fault.line {
            Some(line) => format!("line {line}: {}", fault.text),
            None => fault.text.clone(),
        };
        let lines: Vec<_> = faults.as_slice().iter().map(line).collect();
        Failure::refused("manifest", format!("The manifest is at fault: {}", lines.join("; ")))
    })?;
    let id = read.id.ok_or_else(|| Failure::refused("manifest", "The manifest has no `id`; add it."))?;
    let permissions = read.permissions.unwrap_or_default();
    let purpose = |asked: &crate::platform::AskedPermission| Some((asked.permission.clone(), asked.purpose.clone()?));
    let manifest = Manifest {
        version: read.version.unwrap_or_else(|| VERSION_DEFAULT.to_owned()),
        name: read.name.unwrap_or_else(|| id.clone()),
        purposes: permissions.iter().filter_map(purpose).collect(),
        asks: Asks {
            permissions: permissions.into_iter().map(|asked| asked.permission).collect(),
            connect_src: read.content_security_policy.connect_src.into_iter().collect(),
            image_src: read.content_security_policy.image_src.into_iter().collect(),
            endpoints: call.given.set("endpoints"),
        },
        api_access: read.api_access.unwrap_or_default(),
        redirect_uris: read.redirect_uris,
    };
    Ok((AppId::new(id), manifest))
}

fn declared(call: &Call) -> Result<Declared, Failure> {
    let read = |name, wanted: &str| Failure::refused(name, format!("Write {wanted} and 32 letters or digits."));
    let public_id =
        call.given.text("app_id").map(|text| AppPublicId::parse(text).ok_or_else(|| read("app_id", "`app_`")));
    let client_id =
        call.given.text("client_id").map(|text| ClientId::parse(text).ok_or_else(|| read("client_id", "`ca_`")));
    let signing_secret = call.given.text("signing_secret").map(|text| SigningSecret::new(text.to_owned()));
    Ok(Declared { public_id: public_id.transpose()?, client_id: client_id.transpose()?, signing_secret })
}

async fn create(call: &Call) -> Outcome {
    let ((id, manifest), declared) = (manifest(call)?, declared(call)?);
    let new = NewUpload { id: id.clone(), owner: AccountId::new(call.given.required("owner")), manifest, declared };
    let uploaded = call.change(move |ctx, by| upload(ctx, by, new)).await?;
    if uploaded.app.uploads.len() > UPLOADS_KEPT_MAX {
        call.change(move |ctx, _| Ok(carry(ctx, &id, ROLLOUT_STEP_INSTALLS))).await?;
    }
    let mut answer = app(&uploaded.app);
    let secret = uploaded.is_new.then(|| uploaded.app.signing_secret.current.reveal());
    answer["signing_secret"] = json!(secret);
    Ok(Answer::One(answer))
}

async fn release(call: &Call) -> Outcome {
    let name = call.named(0).to_owned();
    let released = call.change(move |ctx, by| publish(ctx, by, &name)).await?;
    Ok(Answer::One(app(&released)))
}

async fn roll(call: &Call) -> Outcome {
    let (name, overlap) = (call.named(0).to_owned(), call.given.number("overlap").unwrap_or_default());
    let (secret, until) = call.change(move |ctx, by| roll_signing_secret(ctx, by, &name, overlap, None)).await?;
    Ok(Answer::One(json!({
        "object": "signing_secret",
        "app": call.named(0),
        "signing_secret": secret.reveal(),
        "previous_counts_until": until.as_unix(),
    })))
}
