//! `[[apps]]`

use std::collections::HashMap;
use std::io;

use cholla_domain::directory::SigningSecret;
use cholla_domain::id::AppId;

use super::accounts::Declared;
use super::document::{At, Table};
use super::fault::quoted;
use super::manifest::Manifest;
use super::{App, AskedPermission, Distribution};

/// The version of an app that gives none.
const VERSION_DEFAULT: &str = "0.0.1";

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
    let mut apps = Some(Vec::new());
    for table in tables {
        let app = app(table, declared, &mut asked, manifest);
        if let Some(app) = &app {
            check_published(table, app, &mut published);
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
    table.allow(&["id", "owner", "distribution", "manifest", "permissions", "signing_secret", "name", "version"]);
    let id = table.required("id");
    let manifest = match (table.text("manifest"), id) {
        (Some(path), Some(id)) => Manifest::read(table, path, id.value, read_manifest),
        (Some(_), None) => None,
        (None, _) => Some(Manifest::default()),
    };
    let permissions = permissions(table, manifest.as_ref());
    if let Some(At { line, value }) = id {
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
    let (id, manifest) = (id?.value, manifest?);
    Some(App {
        id: AppId::new(id),
        owner: owner?,
        distribution: distribution?,
        name: name.or(manifest.name).unwrap_or_else(|| id.to_owned()),
        version: version.or(manifest.version).unwrap_or_else(|| VERSION_DEFAULT.to_owned()),
        permissions: permissions?,
        signing_secret,
    })
}

fn distribution(table: &Table<'_>) -> Option<Distribution> {
    let Some(At { line, value }) = table.text("distribution") else { return Some(Distribution::Private) };
    let found = [Distribution::Public, Distribution::Private].into_iter().find(|known| known.as_str() == value);
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
fn permissions(table: &Table<'_>, manifest: Option<&Manifest>) -> Option<Vec<AskedPermission>> {
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
