//! The commands on the apps of a server: `upload`, `publish`, `list`, `show`, `roll-signing-secret`.

use cholla_wire::client::Form;
use serde::{Deserialize, Serialize};

use super::file::ManifestFile;
use super::installs::{self, Install};
use crate::admin::{Admin, Nothing, path};
use crate::args::apps::{AppArgs, AppListArgs, RollSigningSecretArgs, UploadArgs};
use crate::output::{self, Failure, date, printable};
use crate::rows::{self, Row, listed, or_dash};
use crate::sensitive::Sensitive;
use crate::shown;

/// An app, as a table shows it.
#[derive(Deserialize)]
struct Application {
    id: String,
    app_id: String,
    client_id: String,
    owner: String,
    name: String,
    version: String,
    published: Option<Upload>,
    api_access: String,
    permissions: Vec<Asked>,
    redirect_uris: Vec<String>,
    uploads: Vec<Upload>,
    created: i64,
}

/// An upload of an app.
#[derive(Deserialize)]
struct Upload {
    number: u64,
    version: String,
    uploaded: i64,
}

/// An upload, as a table shows it beside what is published.
struct Listed<'a> {
    upload: &'a Upload,
    is_published: bool,
}

impl Row for Listed<'_> {
    const HEAD: &'static [&'static str] = &["UPLOAD", "VERSION", "UPLOADED", "PUBLISHED"];
    const NONE: &'static str = "No uploads.";

    fn cells(&self) -> Vec<String> {
        let Upload { number, version, uploaded } = self.upload;
        let published = if self.is_published { "yes" } else { "-" };
        vec![number.to_string(), version.clone(), date(*uploaded), published.to_owned()]
    }
}

#[derive(Deserialize)]
struct Asked {
    permission: String,
}

impl Row for Application {
    const HEAD: &'static [&'static str] = &["ID", "OWNER", "NAME", "NEWEST", "PUBLISHED", "PERMISSIONS", "CREATED"];
    const NONE: &'static str = "No apps.";

    fn cells(&self) -> Vec<String> {
        let permissions: Vec<_> = self.permissions.iter().map(|asked| asked.permission.clone()).collect();
        vec![
            self.id.clone(),
            self.owner.clone(),
            self.name.clone(),
            self.version.clone(),
            or_dash(self.published.as_ref().map(|upload| upload.version.as_str())),
            listed(&permissions),
            date(self.created),
        ]
    }
}

/// Uploads the manifest. Of a new app the signing secret is shown.
pub(super) fn upload(args: &UploadArgs) -> Result<(), Failure> {
    #[derive(Serialize)]
    struct NewUpload<'a> {
        owner: &'a str,
        manifest: &'a str,
        file: &'a str,
    }
    #[derive(Deserialize)]
    struct Uploaded {
        id: String,
        signing_secret: Option<Sensitive>,
    }
    let file = ManifestFile::find(args.manifest.manifest.as_deref())?;
    let admin = Admin::open(&args.admin)?;
    let new = NewUpload { owner: &args.owner, manifest: file.text(), file: file.name() };
    let uploaded = admin.post(&path(&["apps"]), &new)?;
    rows::print_one::<Application>(&admin, &uploaded)?;
    match uploaded.decode::<Uploaded>()? {
        Uploaded { id, signing_secret: Some(secret) } if !admin.json => {
            shown::print(&secret, &format!("The signing secret of {}:", printable(&id)))
        }
        _ => Ok(()),
    }
}

/// Publishes the newest upload.
pub(super) fn publish(args: &AppArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_one::<Application>(&admin, &admin.post(&path(&["apps", &args.app, "publish"]), &Nothing {})?)
}

/// Lists apps.
pub(super) fn list(args: &AppListArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    rows::print_list::<Application>(&admin, &path(&["apps"]), |form| form.with("owner", args.owner.as_deref()))
}

/// Shows an app: its ids, where browsers may be sent, its uploads, and where it is installed.
pub(super) fn show(args: &AppArgs) -> Result<(), Failure> {
    let admin = Admin::open(&args.admin)?;
    let found = admin.get(&path(&["apps", &args.app]), &Form::default())?;
    if admin.json {
        return output::bytes(found.bytes());
    }
    let app = found.decode::<Application>()?;
    let redirect_uris = listed(&app.redirect_uris);
    let fields = [
        ("app id", &app.app_id),
        ("client id", &app.client_id),
        ("API access", &app.api_access),
        ("redirect URIs", &redirect_uris),
    ];
    rows::print_all(std::slice::from_ref(&app))?;
    output::bytes(b"\n")?;
    for (name, value) in fields {
        output::bytes(format!("{name}: {}\n", printable(value)).as_bytes())?;
    }
    output::bytes(b"\n")?;
    let published = app.published.as_ref().map(|upload| upload.number);
    let listed = |upload| Listed { upload, is_published: published == Some(upload.number) };
    rows::print_all(&app.uploads.iter().map(listed).collect::<Vec<_>>())?;
    output::bytes(b"\n")?;
    rows::print_all(
        &admin
            .list::<Install>(&path(&["installs"]), usize::MAX, |form| installs::of(form, Some(&app.id), None, None))?,
    )
}

/// Rolls the signing secret, which is shown.
pub(super) fn roll_signing_secret(args: &RollSigningSecretArgs) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Rolled {
        app: String,
        signing_secret: Sensitive,
    }
    let admin = Admin::open(&args.admin)?;
    let rolled = admin.roll(&["apps", &args.app, "signing_secret", "roll"], &args.roll)?;
    if admin.json {
        return output::bytes(rolled.bytes());
    }
    let Rolled { app, signing_secret } = rolled.decode()?;
    shown::print(&signing_secret, &format!("The new signing secret of {}:", printable(&app)))
}
