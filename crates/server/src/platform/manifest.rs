//! The manifest that an app of the platform file names.

use super::AskedPermission;
use super::apps::ReadManifest;
use super::document::{At, Table};
use super::fault::quoted;
use crate::manifest::{ApiAccess, ContentSecurityPolicy, Manifest};

/// What a manifest says of an app; nothing at all where there is no manifest.
#[derive(Default)]
pub(super) struct FromManifest {
    /// The app's name.
    pub(super) name: Option<String>,
    /// The app's version.
    pub(super) version: Option<String>,
    /// What the app asks for; `None` where there is no manifest.
    pub(super) permissions: Option<Vec<AskedPermission>>,
    /// How its backend gets its credentials.
    pub(super) api_access: Option<ApiAccess>,
    /// Where a browser may be sent after an install.
    pub(super) redirect_uris: Vec<String>,
    /// Where its UI extension may go.
    pub(super) content_security_policy: ContentSecurityPolicy,
}

/// Reads the manifest that `path` names, of the app `id`; `None` where it is at fault.
pub(super) fn read(table: &Table<'_>, path: At<&str>, id: &str, read: ReadManifest<'_>) -> Option<FromManifest> {
    let name = quoted(path.value);
    let text = match read(path.value) {
        Ok(text) => text,
        Err(error) => {
            let text = format!("the manifest {name} cannot be read ({error}); give its path relative to this file");
            table.fault(path.line, text);
            return None;
        }
    };
    let manifest = match Manifest::parse(&text, path.value) {
        Ok(manifest) => manifest,
        Err(faults) => {
            for fault in faults.as_slice() {
                let line = fault.line.map(|line| format!(", line {line}")).unwrap_or_default();
                table.fault(path.line, format!("the manifest {name}{line}: {}", fault.text));
            }
            return None;
        }
    };
    if let Some(other) = manifest.id.filter(|other| other != id) {
        let other = quoted(&other);
        let text = format!("the manifest {name} is that of {other}; give the app this id, or name its own manifest");
        table.fault(path.line, text);
    }
    Some(FromManifest {
        name: manifest.name,
        version: manifest.version,
        permissions: Some(manifest.permissions.unwrap_or_default()),
        api_access: manifest.api_access,
        redirect_uris: manifest.redirect_uris,
        content_security_policy: manifest.content_security_policy,
    })
}
