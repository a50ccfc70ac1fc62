//! `cholla apps grant permission`

use super::edit::{self, Granted};
use super::{file::ManifestFile, refused};
use crate::args::apps::GrantPermissionArgs;
use crate::output::{self, Failure, printable};

/// Puts the permission into the manifest, or changes its purpose there.
///
/// # Errors
/// When there is no manifest, it is faulty, or it cannot be written.
pub(crate) fn run(args: &GrantPermissionArgs) -> Result<(), Failure> {
    for (name, value) in [("permission", &args.permission), ("purpose", &args.purpose)] {
        if value.is_empty() {
            return Err(Failure::usage(format!("the {name} is empty"), "Write what the app asks for, and why."));
        }
    }
    let file = ManifestFile::find(args.manifest.manifest.as_deref())?;
    let (name, permission) = (file.name(), &args.permission);
    let by_hand = format!("Add `{permission}` to the list of permissions by hand.");
    let granted =
        edit::grant(file.text(), name, permission, &args.purpose).map_err(|error| refused(&error, name, &by_hand))?;
    let said = match granted {
        Granted::Unchanged => format!("{name} asks for {permission} already, with this purpose; nothing was changed"),
        Granted::Repurposed(text) => {
            file.replace(&text)?;
            format!("{name} asks for {permission} with the new purpose")
        }
        Granted::Added(text) => {
            file.replace(&text)?;
            format!("{name} asks for {permission}")
        }
    };
    output::bytes(format!("{}\n", printable(&said)).as_bytes())
}
