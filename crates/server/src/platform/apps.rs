//! `[[apps]]`

use std::collections::HashMap;
use std::io;

use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::id::{AppId, AppPublicId, ClientId};

use super::accounts::Declared;
use super::document::{At, Table};
use super::fault::quoted;
use super::manifest::{self, FromManifest};
use super::{App, AskedPermission, Distribution};
use crate::manifest::{NO_APP_ID, is_redirect_uri};

/// The version of an app that gives none.
const VERSION_DEFAULT: &str = "0.0.1";

/// The keys of a table.
const KEYS: [&str; 14] = [
    "id",
    "owner",
    "distribution",
    "manifest",
    "permissions",
    "signing_secret",
    "app_id",
    "client_id",
    "name",
    "version",
    "api_access",
    "redirect_uris",
    "content_security_policy",
    "endpoints",
];

/// What the other tables need to know of an app.
struct Asked {
    line: usize,
    /// The permissions it asks for; `None` where they are at fault.
    permissions: Option<Vec<String>>,
}

/// The apps that the file declares, by id.
pub(super) struct AskedByApp<'a>(HashMap<&'a str, Asked>);

impl AskedByApp<'_> {
    /// The app that `named` is, which the file must declare.
    pub(super) fn app(&self, table: &Table<'_>, named: At<&str>) -> Option<AppId> {
        if self.0.contains_key(named.value) {
            return Some(AppId::new(named.value));
        }
        let name = quoted(named.value);
        table.fault(named.line, format!("`app` names the app {name}, which no [[apps]] declares; declare it"));
        None
    }

    /// The permissions that the app asks for; `None` where there is no such app, or it is at fault.
    pub(super) fn permissions(&self, app: &str) -> Option<&[String]> {
        self.0.get(app)?.permissions.as_deref()
    }
}

/// Reads a manifest by its path in the file.
pub(super) type ReadManifest<'m> = &'m dyn Fn(&str) -> io::Result<String>;

/// Reads the apps; `None` where one is at fault.
pub(super) fn read<'a>(
    tables: &[Table<'a>],
    declared: &Declared<'_>,
    manifest: ReadManifest<'_>,
) -> (Option<Vec<App>>, AskedByApp<'a>) {
    let mut asked = AskedByApp(HashMap::new());
    let mut published = HashMap::new();
    let mut known = KnownIds::default();
    let mut apps = Some(Vec::new());
    for table in tables {
        let app = app(table, declared, &mut asked, manifest);
        if let Some(app) = &app {
            check_published(table, app, &mut published);
            known.check(table, app);
        }
        apps = apps.zip(app).map(|(mut apps, app)| {
            apps.push(app);
            apps
        });
    }
    (apps, asked)
}

fn app<'a>(
    table: &Table<'a>,
    declared: &Declared<'_>,
    asked: &mut AskedByApp<'a>,
    read_manifest: ReadManifest<'_>,
) -> Option<App> {
    table.allow(&KEYS);
    let id = table.required("id");
    let manifest = match (table.text("manifest"), id) {
        (Some(path), Some(id)) => manifest::read(table, path, id.value, read_manifest),
        (Some(_), None) => None,
        (None, _) => Some(FromManifest::default()),
    };
    let permissions = permissions(table, manifest.as_ref());
    if let Some(At { line, value }) = id {
        if !AppId::is_legal(value) {
            table.fault(line, format!("`id` {NO_APP_ID}"));
        }
        let names = permissions.as_ref().map(|list| list.iter().map(|asked| asked.permission.clone()).collect());
        if let Some(first) = asked.0.insert(value, Asked { line, permissions: names }) {
            let first = first.line;
            table.fault(line, format!("the app {} is declared on line {first} already; remove one", quoted(value)));
        }
    }
    let owner = declared.account(table, "owner");
    let distribution = distribution(table);
    let name = table.text("name").map(|name| name.value.to_owned());
    let version = table.text("version").map(|version| version.value.to_owned());
    let signing_secret = signing_secret(table);
    let app_id = table.text("app_id").and_then(|text| public_id(table, text));
    let client_id = table.text("client_id").and_then(|text| client(table, text));
    let api_access = api_access(table);
    let redirect_uris = redirect_uris(table);
    let policy = content_security_policy(table);
    let endpoints = table.texts("endpoints").unwrap_or_default();
    let (id, manifest) = (id?.value, manifest?);
    let from_manifest = manifest.content_security_policy;
    let (connect_src, image_src) = policy.unwrap_or((from_manifest.connect_src, from_manifest.image_src));
    Some(App {
        id: AppId::new(id),
        owner: owner?,
        distribution: distribution?,
        name: name.or(manifest.name).unwrap_or_else(|| id.to_owned()),
        version: version.or(manifest.version).unwrap_or_else(|| VERSION_DEFAULT.to_owned()),
        permissions: permissions?,
        signing_secret,
        app_id,
        client_id,
        api_access: api_access.or(manifest.api_access).unwrap_or_default(),
        redirect_uris: redirect_uris.unwrap_or(manifest.redirect_uris),
        connect_src,
        image_src,
        endpoints: endpoints.into_iter().map(|endpoint| endpoint.value.to_owned()).collect(),
    })
}

fn public_id(table: &Table<'_>, At { line, value }: At<&str>) -> Option<AppPublicId> {
    let id = AppPublicId::parse(value);
    if id.is_none() {
        table.fault(line, "`app_id` is not `app_` and 32 letters or digits; correct it, or remove it to have one made");
    }
    id
}

fn client(table: &Table<'_>, At { line, value }: At<&str>) -> Option<ClientId> {
    let id = ClientId::parse(value);
    if id.is_none() {
        table.fault(
            line,
            "`client_id` is not `ca_` and 32 letters or digits; correct it, or remove it to have one made",
        );
    }
    id
}

fn api_access(table: &Table<'_>) -> Option<ApiAccess> {
    let At { line, value } = table.text("api_access")?;
    let access = ApiAccess::parse(value);
    if access.is_none() {
        let text = "use `platform`, `oauth` or `restricted_api_key`";
        table.fault(line, format!("unknown access {}; {text}", quoted(value)));
    }
    access
}

fn redirect_uris(table: &Table<'_>) -> Option<Vec<String>> {
    let uris = table.texts("redirect_uris")?;
    for uri in &uris {
        if !is_redirect_uri(uri.value) {
            let text = "write an absolute `http` or `https` URI without a fragment";
            table.fault(uri.line, format!("{} is no redirect URI; {text}", quoted(uri.value)));
        }
    }
    Some(uris.into_iter().map(|uri| uri.value.to_owned()).collect())
}

/// The sources of connections and of images.
fn content_security_policy(table: &Table<'_>) -> Option<(Vec<String>, Vec<String>)> {
    table.line_of("content_security_policy")?;
    let policy = table.table("content_security_policy", "`content_security_policy`");
    policy.allow(&["connect_src", "image_src"]);
    let list = |key| {
        let texts = policy.texts(key).unwrap_or_default();
        texts.into_iter().map(|text| text.value.to_owned()).collect::<Vec<_>>()
    };
    Some((list("connect_src"), list("image_src")))
}

/// The declared ids of the apps so far, each with the manifest id of its app.
#[derive(Default)]
struct KnownIds {
    public: HashMap<AppPublicId, AppId>,
    client: HashMap<ClientId, AppId>,
}

impl KnownIds {
    /// No two apps of the file share an id (contract 11.3).
    fn check(&mut self, table: &Table<'_>, app: &App) {
        let at = |key: &str| table.line_of(key).unwrap_or(table.line());
        let name = |id: &AppId| quoted(id.as_str());
        if let Some(other) = app.app_id.and_then(|id| self.public.get(&id)) {
            let others = name(other);
            table.fault(at("app_id"), format!("`app_id` is that of {others}, too; give each app its own"));
        }
        if let Some(other) = app.client_id.and_then(|id| self.client.get(&id)) {
            let others = name(other);
            table.fault(at("client_id"), format!("`client_id` is that of {others}, too; give each app its own"));
        }
        if let Some(id) = app.app_id {
            self.public.entry(id).or_insert_with(|| app.id.clone());
        }
        if let Some(id) = app.client_id {
            self.client.entry(id).or_insert_with(|| app.id.clone());
        }
    }
}

fn distribution(table: &Table<'_>) -> Option<Distribution> {
    let Some(At { line, value }) = table.text("distribution") else { return Some(Distribution::Private) };
    let found = Distribution::ALL.into_iter().find(|known| known.as_str() == value);
    if found.is_none() {
        table.fault(line, format!("unknown distribution {}; use `public` or `private`", quoted(value)));
    }
    found
}

/// A developer can publish one app only, so that two published apps never share secrets (contract 5.1).
fn check_published(table: &Table<'_>, app: &App, published: &mut HashMap<String, AppId>) {
    if app.distribution != Distribution::Public {
        return;
    }
    let owner = app.owner.as_str();
    if let Some(first) = published.insert(owner.to_owned(), app.id.clone()) {
        let line = table.line_of("distribution").unwrap_or(table.line());
        let (owner, first) = (quoted(owner), quoted(first.as_str()));
        table.fault(line, format!("{owner} publishes {first} already; make one of its apps `private`"));
    }
}

/// The permissions asked for: inline, or the manifest's. Where both give some, they must be the same.
fn permissions(table: &Table<'_>, manifest: Option<&FromManifest>) -> Option<Vec<AskedPermission>> {
    let listed = manifest.map(|manifest| manifest.permissions.clone());
    let Some(tables) = table.tables("permissions", "`permissions`") else {
        return listed.map(Option::unwrap_or_default);
    };
    let mut inline: Vec<AskedPermission> = Vec::new();
    for entry in &tables {
        entry.allow(&["permission", "purpose"]);
        let purpose = entry.text("purpose").map(|purpose| purpose.value.to_owned());
        let At { line, value } = entry.required("permission")?;
        if inline.iter().any(|other| other.permission == value) {
            entry.fault(line, format!("the app asks for {} twice; remove one of them", quoted(value)));
        }
        inline.push(AskedPermission { permission: value.to_owned(), purpose });
    }
    if let Some(Some(listed)) = listed {
        let contains =
            |all: &[AskedPermission], one: &AskedPermission| all.iter().any(|a| a.permission == one.permission);
        if !inline.iter().all(|one| contains(&listed, one)) || !listed.iter().all(|one| contains(&inline, one)) {
            let line = table.line_of("permissions").unwrap_or(table.line());
            table.fault(line, "`permissions` differ from those of the manifest; remove them here");
        }
    }
    Some(inline)
}

fn signing_secret(table: &Table<'_>) -> Option<SigningSecret> {
    let At { line, value } = table.text("signing_secret")?;
    if value.strip_prefix("absec_").is_none_or(str::is_empty) {
        table.fault(
            line,
            "`signing_secret` does not begin with `absec_`; correct it, or remove it to have one generated",
        );
    }
    Some(SigningSecret::new(value.to_owned()))
}
