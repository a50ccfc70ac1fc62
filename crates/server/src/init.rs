//! `cholla init`: the files of a production server, made once and never overwritten.

use std::path::{Path, PathBuf};

use cholla_seal::RootKey;
use rand::Rng;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::config::Config;
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
    /// The admin token. It is in its file too; it is shown this once.
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
    /// There is something already.
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
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
            Self::File { .. } | Self::RootKey(_) => {
                "Check that the directory exists and that this user may write there."
            }
            Self::Tls(_) => "Check the host names: each is a DNS name or an IP address.",
        }
    }
}

/// An empty platform file, with an example of everything in comments.
const PLATFORM_TEMPLATE: &str = include_str!("init/platform.toml");

/// Makes configuration, root key, admin token, certificate and an empty platform file.
///
/// # Errors
/// When any of them is there already (nothing is made then), or the file system refuses.
pub fn init(options: &InitOptions) -> Result<Initialized, InitError> {
    let directory = &options.directory;
    let at = |name: &str| directory.join(name);
    let paths = ["cholla.toml", "root.key", "admin.token", "platform.toml", "tls"].map(at);
    if let Some(taken) = paths.iter().find(|path| path.exists()) {
        return Err(InitError::Exists(taken.clone()));
    }
    let names = if options.hostnames.is_empty() {
        ["localhost", "127.0.0.1", "::1"].map(String::from).to_vec()
    } else {
        options.hostnames.clone()
    };
    let identity = tls::generate(names)?;
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| InitError::File { path, source }
    };
    for made in [directory, &at("tls")] {
        files::private_directory(made).map_err(failed(made))?;
    }
    let admin_token = draw_token();
    RootKey::generate()?.write_new(&at("root.key"))?;
    let mut made = vec![at("root.key")];
    let contents: [(&str, &[u8]); 6] = [
        ("admin.token", admin_token.as_bytes()),
        ("tls/ca.pem", identity.authority.as_bytes()),
        ("tls/server.pem", identity.certificate.as_bytes()),
        ("tls/server.key", identity.key.as_bytes()),
        ("platform.toml", PLATFORM_TEMPLATE.as_bytes()),
        // The configuration last: where it is, everything that it names is.
        ("cholla.toml", &Config::template().into_bytes()),
    ];
    for (name, contents) in contents {
        let path = at(name);
        files::write_new_private(&path, contents).map_err(failed(&path))?;
        made.push(path);
    }
    Ok(Initialized { files: made, admin_token })
}

fn draw_token() -> Zeroizing<String> {
    let alphabet = cholla_domain::id::ALPHANUMERICS;
    let mut random = Zeroizing::new([0; 2 * ADMIN_TOKEN_CHARS]);
    rand::rng().fill_bytes(&mut *random);
    let number = |pair: &[u8]| usize::from(u16::from_be_bytes([pair[0], pair[1]]));
    Zeroizing::new(random.chunks_exact(2).map(|pair| char::from(alphabet[number(pair) % alphabet.len()])).collect())
}
