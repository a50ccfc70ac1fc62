//! `cholla init`: the files of a production server, made once and never overwritten.

use std::path::{Path, PathBuf};

use cholla_domain::time::Clock;
use cholla_seal::RootKey;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::clock::ServerClock;
use crate::config::Config;
use crate::entropy::draw_alphanumerics;
use crate::{files, tls};

/// Characters of a new admin token, 5.95 bits each.
const ADMIN_TOKEN_CHARS: usize = 43;

/// What `init` makes, and where.
#[derive(Clone, Debug)]
pub struct InitOptions {
    /// Where `cholla.toml` and what it names go.
    pub directory: PathBuf,
    /// The names and addresses under which clients reach the API; `localhost` and the loopback addresses when empty.
    pub hostnames: Vec<String>,
}

/// What `init` made.
pub struct Initialized {
    /// Every file, in the order in which they were made.
    pub files: Vec<PathBuf>,
    /// The admin token. It is in its file too; it is shown this once. Nothing of a production server asks for it yet.
    pub admin_token: Zeroizing<String>,
}

impl std::fmt::Debug for Initialized {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Initialized({:?})", self.files)
    }
}

/// Why `init` did not finish.
#[derive(Debug, Error)]
pub enum InitError {
    /// There is an installation already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    /// There is a part of one, without the configuration that is made last.
    #[error("{} is there already, but no cholla.toml: an `init` that was interrupted may have left it behind", .0.display())]
    Unfinished(PathBuf),
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    File {
        /// What could not be made.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// No root key could be made.
    #[error("{0}")]
    RootKey(#[from] cholla_seal::KeyFileError),
    /// No certificate could be made.
    #[error("{0}")]
    Tls(#[from] tls::TlsError),
}

impl InitError {
    /// What to do about it.
    pub fn recommendation(&self) -> &'static str {
        match self {
            Self::Exists(_) => "Choose another directory; `init` overwrites nothing, least of all a root key.",
            Self::Unfinished(_) => {
                "If nothing was ever sealed under that root.key, remove what is left and run `init` again; otherwise choose another directory."
            }
            Self::File { .. } | Self::RootKey(_) => {
                "Check that the directory exists and that this user may write there."
            }
            Self::Tls(_) => "Check the host names: each is a DNS name or an IP address.",
        }
    }
}

/// Makes configuration, root key, admin token and certificate.
///
/// # Errors
/// When any of them is there already (nothing is made then), or the file system refuses (what was made is removed again).
pub fn init(options: &InitOptions) -> Result<Initialized, InitError> {
    let directory = &options.directory;
    let at = |name: &str| directory.join(name);
    let paths = ["root.key", "admin.token", "tls"].map(at);
    if at("cholla.toml").exists() {
        return Err(InitError::Exists(at("cholla.toml")));
    }
    if let Some(left) = paths.iter().find(|path| path.exists()) {
        return Err(InitError::Unfinished(left.clone()));
    }
    let names = if options.hostnames.is_empty() { tls::local_names() } else { options.hostnames.clone() };
    let identity = tls::generate(names, ServerClock::default().now())?;
    let admin_token = draw_alphanumerics(ADMIN_TOKEN_CHARS);
    let mut files = Vec::new();
    match make(directory, &identity, &admin_token, &mut files) {
        Ok(()) => Ok(Initialized { files, admin_token }),
        Err(error) => {
            remove(directory, &files);
            Err(error)
        }
    }
}

/// Makes the files, and appends each to `made` once it is there.
fn make(
    directory: &Path,
    identity: &tls::Identity,
    admin_token: &str,
    made: &mut Vec<PathBuf>,
) -> Result<(), InitError> {
    let at = |name: &str| directory.join(name);
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| InitError::File { path, source }
    };
    for folder in [directory, &at("tls")] {
        files::private_directory(folder).map_err(failed(folder))?;
    }
    RootKey::generate()?.write_new(&at("root.key"))?;
    made.push(at("root.key"));
    let contents: [(&str, &[u8]); 5] = [
        ("admin.token", admin_token.as_bytes()),
        ("tls/ca.pem", identity.authority.as_bytes()),
        ("tls/server.pem", identity.certificate.as_bytes()),
        ("tls/server.key", identity.key.as_bytes()),
        // The configuration last: where it is, everything that it names is.
        ("cholla.toml", &Config::template().into_bytes()),
    ];
    for (name, contents) in contents {
        let path = at(name);
        files::write_new_private(&path, contents).map_err(failed(&path))?;
        made.push(path);
    }
    Ok(())
}

/// Takes back what an attempt has made. Nothing is sealed under its root key yet, and nobody has seen its token.
fn remove(directory: &Path, made: &[PathBuf]) {
    // What cannot be removed is what the next attempt names.
    for file in made {
        let _ = std::fs::remove_file(file);
    }
    for folder in [&directory.join("tls"), directory] {
        // Only an empty one goes: what somebody else has in there stays.
        let _ = std::fs::remove_dir(folder);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn an_attempt_that_fails_leaves_nothing_behind() {
        let home = tempfile::tempdir().unwrap();
        let options = InitOptions { directory: home.path().to_owned(), hostnames: Vec::new() };
        // In the way of the last file, and seen only when that is made: a link that leads nowhere.
        symlink("nowhere", home.path().join("cholla.toml")).unwrap();
        let error = init(&options).unwrap_err();
        assert!(matches!(&error, InitError::File { path, .. } if path.ends_with("cholla.toml")), "{error}");
        assert_eq!(names(home.path()), ["cholla.toml"], "what was there before");
        fs::remove_file(home.path().join("cholla.toml")).unwrap();
        assert_eq!(init(&options).unwrap().files.len(), 6);
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let home = tempfile::tempdir().unwrap();
        let options = InitOptions { directory: home.path().join("a"), hostnames: Vec::new() };
        let refused = |expected: &str| {
            let error = init(&options).unwrap_err().to_string();
            assert!(error.ends_with(expected), "{error}");
        };
        init(&options).unwrap();
        refused("a/cholla.toml is there already");
        fs::remove_file(options.directory.join("cholla.toml")).unwrap();
        let left = names(&options.directory);
        refused(
            "a/root.key is there already, but no cholla.toml: an `init` that was interrupted may have left it behind",
        );
        assert_eq!(names(&options.directory), left, "nothing is removed that another attempt has made");
    }
}
