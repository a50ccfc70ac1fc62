//! A Stripe App manifest, `stripe-app.json`, as far as the platform needs it. Every other field is left alone.

use std::collections::HashSet;

use serde::Deserialize;

use super::AskedPermission;
use super::apps::ReadManifest;
use super::document::{At, Table};
use super::fault::quoted;

/// What a manifest says of an app; nothing at all where there is no manifest.
#[derive(Default)]
pub(super) struct Manifest {
    /// The app's name.
    pub(super) name: Option<String>,
    /// The app's version.
    pub(super) version: Option<String>,
    /// What the app asks for; `None` where there is no manifest.
    pub(super) permissions: Option<Vec<AskedPermission>>,
}

#[derive(Deserialize)]
struct ManifestFile {
    id: Option<String>,
    name: Option<String>,
    version: Option<String>,
    permissions: Option<Vec<ManifestPermission>>,
}

#[derive(Deserialize)]
struct ManifestPermission {
    permission: String,
    purpose: Option<String>,
}

impl Manifest {
    /// Reads the manifest that `path` names, of the app `id`.
    pub(super) fn read(table: &Table<'_>, path: At<&str>, id: &str, read: ReadManifest<'_>) -> Option<Self> {
        let name = quoted(path.value);
        let fault = |text: String| table.fault(path.line, format!("the manifest {name} {text}"));
        let text = match read(path.value) {
            Ok(text) => text,
            Err(error) => {
                fault(format!("cannot be read ({error}); give its path relative to this file"));
                return None;
            }
        };
        let file: ManifestFile = match serde_json::from_str(&text) {
            Ok(file) => file,
            Err(error) => {
                // The reader's own message would show values.
                let line = error.line();
                fault(format!("is not a Stripe App manifest; correct its line {line}"));
                return None;
            }
        };
        if let Some(other) = file.id.filter(|other| other != id) {
            fault(format!("is that of {}; give the app this id, or name its own manifest", quoted(&other)));
        }
        let permissions: Vec<_> = file.permissions.unwrap_or_default().into_iter().map(AskedPermission::from).collect();
        let mut seen = HashSet::new();
        for asked in &permissions {
            if asked.permission.is_empty() {
                fault("asks for a permission without a name; name it there".to_owned());
            } else if !seen.insert(&asked.permission) {
                fault(format!("asks for {} twice; remove one of them there", quoted(&asked.permission)));
            }
        }
        Some(Self { name: file.name, version: file.version, permissions: Some(permissions) })
    }
}

impl From<ManifestPermission> for AskedPermission {
    fn from(asked: ManifestPermission) -> Self {
        Self { permission: asked.permission, purpose: asked.purpose }
    }
}
