//! Files that hold keys or must never be half written.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::entropy::draw_alphanumerics;

/// Random characters in a name that others must not be able to guess: about 95 bits.
const RANDOM_NAME_CHARS: usize = 16;
/// Room for a file that does not tell its length, such as a pipe.
const READ_BYTES_MIN: usize = 4 * 1024;

/// Makes a directory that only its owner can enter, with its parents, each of them durable. One that is there already stays as it is.
///
/// # Errors
/// When the file system refuses.
pub(crate) fn private_directory(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty() && !parent.exists()) {
        private_directory(parent)?;
    }
    match new_private_directory(path) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Makes a directory of an unpredictable name in the system's temporary directory, which others can write to as well.
///
/// # Errors
/// When the file system refuses; never one that was there already.
pub(crate) fn temporary_directory() -> io::Result<PathBuf> {
    let path = std::env::temp_dir().join(format!("cholla-dev-{}", *draw_alphanumerics(RANDOM_NAME_CHARS)));
    new_private_directory(&path)?;
    Ok(path)
}

fn new_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)?;
    sync_parent(path)
}

/// Writes a new file that only its owner can read. Nothing is left behind when that fails.
///
/// # Errors
/// When there is one already (also a link that leads nowhere), or the file system refuses.
pub(crate) fn write_new_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    write_new(path, contents, |_| sync_parent(path))
}

/// Replaces a file as a whole: a reader sees the old contents or the new, also after a crash.
///
/// # Errors
/// When the file system refuses; the old file stays.
pub(crate) fn replace_private(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", *draw_alphanumerics(RANDOM_NAME_CHARS)));
    write_new(&path.with_file_name(name), contents, |new| std::fs::rename(new, path))?;
    sync_parent(path)
}

/// Writes a file that was not there, then does what makes it count; removes it when one of the two fails.
fn write_new(path: &Path, contents: &[u8], finish: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    // `create_new` follows no link: whoever else writes to the directory cannot choose what is written to.
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    let written = file.write_all(contents).and_then(|()| file.sync_all()).and_then(|()| finish(path));
    written.inspect_err(|_| {
        // Should this fail too, the first error still is the one to tell.
        let _ = std::fs::remove_file(path);
    })
}

/// Reads a text as a whole. It is wiped when dropped, and the mode of the very file that was read comes with it.
///
/// # Errors
/// When the file system refuses, or it is not UTF-8.
pub(crate) fn read_secret(path: &Path) -> io::Result<(Zeroizing<String>, Mode)> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    // Room for all of it at once: growing would leave a copy behind that nobody wipes.
    let length = usize::try_from(metadata.len()).unwrap_or_default();
    let mut text = Zeroizing::new(String::with_capacity(length.max(READ_BYTES_MIN)));
    file.read_to_string(&mut text)?;
    Ok((text, Mode(metadata.mode() & 0o7777)))
}

/// The permission bits of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mode(u32);

impl Mode {
    /// The bits, where others than the file's owner may do anything with it.
    pub(crate) fn exposed(self) -> Option<u32> {
        (self.0 & 0o077 != 0).then_some(self.0)
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .map_or_else(|| PathBuf::from("."), Path::to_owned);
    File::open(parent)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn directories_are_made_with_their_parents() {
        let home = tempfile::tempdir().unwrap();
        let inner = home.path().join("a/b/c");
        for _ in 0..2 {
            private_directory(&inner).unwrap();
        }
        for made in ["a", "a/b", "a/b/c"] {
            assert_eq!(fs::metadata(home.path().join(made)).unwrap().permissions().mode() & 0o777, 0o700, "{made}");
        }
        fs::write(home.path().join("file"), "").unwrap();
        assert!(private_directory(&home.path().join("file/a")).is_err());
        assert_eq!(private_directory(&home.path().join("file")).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(new_private_directory(&inner).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn a_temporary_directory_is_new_and_private() {
        let (first, second) = (temporary_directory().unwrap(), temporary_directory().unwrap());
        assert_ne!(first, second);
        for made in [first, second] {
            assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
            fs::remove_dir(made).unwrap();
        }
    }

    #[test]
    fn no_link_is_followed_and_nothing_left_behind() {
        let home = tempfile::tempdir().unwrap();
        let (link, victim, file) = (home.path().join("link"), home.path().join("victim"), home.path().join("file"));
        symlink(&victim, &link).unwrap();
        assert_eq!(write_new_private(&link, b"x").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(!victim.exists(), "what the link names was not made");
        replace_private(&link, b"new").unwrap();
        assert!(!victim.exists() && fs::read(&link).unwrap() == b"new", "the link itself was replaced");
        replace_private(&file, b"old").unwrap();
        replace_private(&file, b"new").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let folder = home.path().join("folder");
        fs::create_dir_all(folder.join("full")).unwrap();
        assert!(replace_private(&folder, b"x").is_err(), "a file does not replace a directory");
        assert_eq!(names(home.path()), ["file", "folder", "link"]);
    }

    #[test]
    fn a_secret_comes_with_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("file");
        fs::write(&file, "secret").unwrap();
        for (mode, exposed) in [
            (0o600, None),
            (0o400, None),
            (0o700, None),
            (0o640, Some(0o640)),
            (0o604, Some(0o604)),
            (0o620, Some(0o620)),
        ] {
            fs::set_permissions(&file, PermissionsExt::from_mode(mode)).unwrap();
            let (text, read) = read_secret(&file).unwrap();
            assert_eq!((text.as_str(), read.exposed()), ("secret", exposed), "{mode:o}");
        }
        fs::write(&file, [0xff]).unwrap();
        assert_eq!(read_secret(&file).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
