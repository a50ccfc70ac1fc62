//! The manifest's file: found, read, and replaced as a whole.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use crate::output::{Exit, Failure};

/// Where a manifest is looked for, in this order.
const NAMES: [&str; 2] = ["stripe-app.json", "stripe-app.yaml"];

/// A manifest that was read.
pub(super) struct ManifestFile {
    /// As it was named.
    name: String,
    /// The file itself, behind every link.
    path: PathBuf,
    permissions: Permissions,
    text: String,
}

impl ManifestFile {
    /// The manifest that `named` is, or that of the current directory.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(super) fn find(named: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = named.or_else(|| NAMES.map(Path::new).into_iter().find(|path| path.exists())) else {
            let message = "there is neither stripe-app.json nor stripe-app.yaml in this directory";
            return Err(Failure::usage(
                message,
                "Run it in the app's directory, or name the manifest with --manifest.",
            ));
        };
        Self::read(path).map_err(|error| {
            let message = format!("the manifest {} cannot be read: {error}", path.display());
            Failure::usage(message, "Name a UTF-8 file that exists and that you may read.")
        })
    }

    fn read(named: &Path) -> io::Result<Self> {
        let path = fs::canonicalize(named)?;
        let permissions = fs::metadata(&path)?.permissions();
        Ok(Self { name: named.display().to_string(), text: fs::read_to_string(&path)?, path, permissions })
    }

    /// As it was named, for people.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What was read.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Replaces the file as a whole: a reader sees the old text or the new, also after a crash. Its mode stays, and a link to it still leads
    /// to it.
    ///
    /// # Errors
    /// When the file system refuses; the old file stays.
    pub(super) fn replace(&self, text: &str) -> Result<(), Failure> {
        self.replaced(text).map_err(|error| {
            let message = format!("the manifest {} cannot be written: {error}", self.name);
            Failure::new(Exit::Refused, message, "Check that you may write to its directory; nothing was changed.")
        })
    }

    fn replaced(&self, text: &str) -> io::Result<()> {
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let new = directory.join(format!(".{name}.{}.new", process::id()));
        // Never a file that is there already, and readable by others only once it has the mode of the old one.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.set_permissions(self.permissions.clone()))
            .and_then(|()| file.sync_all())
            .and_then(|()| fs::rename(&new, &self.path));
        if written.is_err() {
            // Should this fail too, the first error still is the one to tell.
            let _ = fs::remove_file(&new);
        }
        written?;
        File::open(directory)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn the_file_behind_a_link_is_replaced_and_keeps_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let (folder, link) = (home.path().join("folder"), home.path().join("link.json"));
        fs::create_dir(&folder).unwrap();
        let target = folder.join("stripe-app.json");
        fs::write(&target, "old").unwrap();
        symlink("folder/stripe-app.json", &link).unwrap();
        for mode in [0o640, 0o600, 0o664] {
            fs::set_permissions(&target, PermissionsExt::from_mode(mode)).unwrap();
            let file = ManifestFile::find(Some(&link)).unwrap();
            file.replace(&format!("new {mode:o}")).unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), format!("new {mode:o}"));
            assert_eq!(fs::metadata(&target).unwrap().permissions().mode() & 0o7777, mode);
            assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left behind");
        }
    }

    #[test]
    fn what_cannot_be_written_stays() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("stripe-app.json");
        fs::write(&path, "old").unwrap();
        let file = ManifestFile::find(Some(&path)).unwrap();
        // As if a second process of this id had died half way.
        fs::write(home.path().join(format!(".stripe-app.json.{}.new", process::id())), "theirs").unwrap();
        assert_eq!(file.replace("new").unwrap_err().exit, Exit::Refused);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        fs::write(&path, [0xff]).unwrap();
        for path in [path, home.path().to_owned(), home.path().join("none")] {
            assert_eq!(ManifestFile::find(Some(&path)).err().map(|failure| failure.exit), Some(Exit::Usage));
        }
    }
}
