//! `cholla apps revoke permission`

use cholla_server::manifest::Manifest;

use super::{edit, faulty, file::ManifestFile, refused};
use crate::args::apps::RevokePermissionArgs;
use crate::output::{self, Exit, Failure, printable};

/// Takes the permission out of the manifest.
///
/// # Errors
/// When there is no manifest, it is faulty, does not ask for the permission, or cannot be written.
pub(crate) fn run(args: &RevokePermissionArgs) -> Result<(), Failure> {
    let file = ManifestFile::find(args.manifest.manifest.as_deref())?;
    let (name, permission) = (file.name(), &args.permission);
    let by_hand = format!("Remove `{permission}` from the list of permissions by hand.");
    let edited = edit::revoke(file.text(), name, permission).map_err(|error| refused(&error, name, &by_hand))?;
    let Some(text) = edited else { return Err(not_asked_for(&file, permission)?) };
    file.replace(&text)?;
    let said = format!("{name} does not ask for {permission} any more");
    output::bytes(format!("{}\n", printable(&said)).as_bytes())
}

fn not_asked_for(file: &ManifestFile, permission: &str) -> Result<Failure, Failure> {
    let manifest = Manifest::parse(file.text(), file.name()).map_err(|faults| faulty(&faults))?;
    let asked: Vec<_> = manifest.permissions.unwrap_or_default().into_iter().map(|asked| asked.permission).collect();
    let help = if asked.is_empty() {
        "It asks for nothing.".to_owned()
    } else {
        format!("It asks for {}.", printable(&asked.join(", ")))
    };
    Ok(Failure::new(Exit::Refused, format!("{} does not ask for {permission}", file.name()), help))
}
