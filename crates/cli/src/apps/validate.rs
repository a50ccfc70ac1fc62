//! `cholla apps validate`

use cholla_server::manifest::{Format, Manifest};
use serde_json::{Value, json};

use super::{faulty, file::ManifestFile};
use crate::args::apps::ValidateArgs;
use crate::output::{self, Failure, printable};

/// Prints what Cholla reads of the manifest.
///
/// # Errors
/// When there is no manifest, or it is faulty.
pub(crate) fn run(args: &ValidateArgs) -> Result<(), Failure> {
    let file = ManifestFile::find(args.manifest.manifest.as_deref())?;
    let manifest = Manifest::parse(file.text(), file.name()).map_err(|faults| faulty(&faults))?;
    let text = if args.json { format!("{:#}\n", object(&manifest)) } else { table(&manifest) };
    output::bytes(text.as_bytes())
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::V1Json => "v1",
        Format::V2Yaml => "v2",
    }
}

fn object(manifest: &Manifest) -> Value {
    let permissions = manifest.permissions.as_ref().map(|permissions| {
        permissions
            .iter()
            .map(|asked| json!({"permission": asked.permission, "purpose": asked.purpose}))
            .collect::<Vec<_>>()
    });
    json!({
        "format": format_name(manifest.format),
        "id": manifest.id,
        "version": manifest.version,
        "name": manifest.name,
        "distribution_type": manifest.distribution.map(cholla_server::platform::Distribution::as_str),
        "stripe_api_access_type": manifest.api_access.map(cholla_server::manifest::ApiAccess::as_str),
        "allowed_redirect_uris": manifest.redirect_uris,
        "permissions": permissions,
        "content_security_policy": {
            "connect-src": manifest.content_security_policy.connect_src,
            "image-src": manifest.content_security_policy.image_src,
        },
    })
}

/// A line for each field, further values below the first; a dash for what the manifest does not say.
fn table(manifest: &Manifest) -> String {
    let one = |value: Option<&str>| value.map(|value| vec![value.to_owned()]).unwrap_or_default();
    let permissions = manifest.permissions.iter().flatten().map(|asked| match &asked.purpose {
        Some(purpose) => format!("{}: {purpose}", asked.permission),
        None => asked.permission.clone(),
    });
    let policy = &manifest.content_security_policy;
    let fields = [
        ("format", one(Some(format_name(manifest.format)))),
        ("id", one(manifest.id.as_deref())),
        ("version", one(manifest.version.as_deref())),
        ("name", one(manifest.name.as_deref())),
        ("distribution type", one(manifest.distribution.map(cholla_server::platform::Distribution::as_str))),
        ("API access type", one(manifest.api_access.map(cholla_server::manifest::ApiAccess::as_str))),
        ("redirect URIs", manifest.redirect_uris.clone()),
        ("permissions", permissions.collect()),
        ("connect-src", policy.connect_src.clone()),
        ("image-src", policy.image_src.clone()),
    ];
    let mut rows = Vec::new();
    for (name, values) in fields {
        let first = values.first().map_or_else(|| "-".to_owned(), |value| printable(value));
        rows.push(vec![name.to_owned(), first]);
        rows.extend(values.iter().skip(1).map(|value| vec![String::new(), printable(value)]));
    }
    output::table(&["FIELD", "VALUE"], &rows)
}
