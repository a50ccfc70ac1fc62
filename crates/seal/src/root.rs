//! The root key in a file: the first provider.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use cholla_domain::ports::WrappedKey;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::aead::AeadKey;
use crate::key::KeyMaterial;
use crate::provider::{KeyProvider, ProviderError};
use crate::{format, hex, kdf};

/// What the one line of a key file begins with; 64 lowercase hexadecimal digits follow.
const FILE_PREFIX: &str = "cholla-root-key-v1 ";
/// Bytes of a key file that are read: more than it has, so that a longer one is seen to be longer.
const FILE_BYTES_MAX: usize = 256;

/// The key above all keys. It wraps one key per namespace and one for the installation, and does nothing else, so that a change of the root
/// key is a rewrapping of those.
///
/// Wiped when dropped; cannot be printed or cloned:
///
/// ```compile_fail,E0277
/// fn print<T: std::fmt::Debug>() {}
/// print::<cholla_seal::RootKey>();
/// ```
pub struct RootKey {
    key: KeyMaterial,
    wrapping: AeadKey,
    id: RootKeyId,
}

/// Names a root key without telling anything of it: four bytes derived from it. Shown as eight hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RootKeyId([u8; format::ROOT_ID_LENGTH]);

/// What is wrong with a key file, and what to do.
#[derive(Debug, Error)]
pub enum KeyFileError {
    /// There is none.
    #[error(
        "there is no root key file {}: restore it from where you keep it; what was sealed under a lost root key is lost",
        .0.display()
    )]
    Missing(PathBuf),
    /// There is one already, and it is never overwritten.
    #[error("{} exists and is left as it is: a root key is never overwritten", .0.display())]
    Exists(PathBuf),
    /// It is something else.
    #[error(
        "{} is not a root key file: it holds one line, `cholla-root-key-v1` and 64 lowercase hexadecimal digits; restore it from where you keep it",
        .0.display()
    )]
    Format(PathBuf),
    /// Others can read it.
    #[error("{} can be read by others (mode {mode:04o}): run `chmod 600` on it, and ask yourself who may have read it", .path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The system refused.
    #[error("the root key file {} cannot be used", .path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No key could be drawn.
    #[error(transparent)]
    NoRandomness(#[from] kdf::NoRandomness),
}

impl RootKey {
    /// Draws a new root key.
    ///
    /// # Errors
    /// [`KeyFileError::NoRandomness`].
    pub fn generate() -> Result<Self, KeyFileError> {
        Ok(Self::new(kdf::draw()?))
    }

    /// Reads a root key from its file.
    ///
    /// # Errors
    /// When there is none, when others than its owner can read it, or when it is something else.
    pub fn read(path: &Path) -> Result<Self, KeyFileError> {
        let mut file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => KeyFileError::Missing(path.to_owned()),
            _ => unusable(path, error),
        })?;
        refuse_exposed(&file, path)?;
        let mut text = Zeroizing::new([0; FILE_BYTES_MAX]);
        let mut length = 0;
        loop {
            match file.read(&mut text[length..]) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unusable(path, error)),
            }
        }
        parse(&text[..length]).map(Self::new).ok_or_else(|| KeyFileError::Format(path.to_owned()))
    }

    /// Writes the key to a new file that only its owner can read. When this returns, the file survives the death of the machine.
    ///
    /// # Errors
    /// When there is one already or it cannot be written; then nothing is left behind.
    pub fn write_new(&self, path: &Path) -> Result<(), KeyFileError> {
        let mut file = create_private(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => KeyFileError::Exists(path.to_owned()),
            _ => unusable(path, error),
        })?;
        let mut text = Zeroizing::new(String::with_capacity(FILE_PREFIX.len() + 2 * KeyMaterial::LENGTH + 1));
        text.push_str(FILE_PREFIX);
        hex::push(&mut text, self.key.expose_bytes());
        text.push('\n');
        let written =
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).and_then(|()| sync_directory(path));
        written.map_err(|error| {
            // Half a key would stand in the way of the next attempt. Should this fail too, the next attempt says so.
            let _ = fs::remove_file(path);
            unusable(path, error)
        })
    }

    /// The id that wrapped keys carry.
    pub fn id(&self) -> RootKeyId {
        self.id
    }

    fn new(key: KeyMaterial) -> Self {
        let mut id = [0; format::ROOT_ID_LENGTH];
        kdf::expand(&key, format::ROOT_ID, &[], &mut id);
        let wrapping = AeadKey::new(&kdf::derive(&key, format::ROOT_WRAPPING, &[]));
        Self { key, wrapping, id: RootKeyId(id) }
    }
}

#[async_trait]
impl KeyProvider for RootKey {
    async fn wrap(&self, key: &KeyMaterial, associated_data: &[u8]) -> Result<WrappedKey, ProviderError> {
        let mut buffer = format::wrapped_key(self.id.0, key);
        self.wrapping
            .seal_in_place(associated_data, format::WRAPPED_KEY_HEADER, &mut buffer)
            .map_err(|error| ProviderError::Unavailable(Box::new(error)))?;
        Ok(WrappedKey(std::mem::take(&mut *buffer)))
    }

    async fn unwrap(&self, wrapped: &WrappedKey, associated_data: &[u8]) -> Result<KeyMaterial, ProviderError> {
        let (root, sealed) = format::split_wrapped_key(&wrapped.0).ok_or(ProviderError::Tampered)?;
        if root != self.id.0 {
            return Err(ProviderError::WrongRootKey { needs: RootKeyId(root), has: self.id });
        }
        let key = self.wrapping.open(associated_data, sealed).ok_or(ProviderError::Tampered)?;
        KeyMaterial::from_bytes(&key).ok_or(ProviderError::Tampered)
    }
}

impl fmt::Display for RootKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for RootKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootKeyId({self})")
    }
}

fn unusable(path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io { path: path.to_owned(), source }
}

/// Reads the one line of a key file; white space behind it is ignored.
fn parse(text: &[u8]) -> Option<KeyMaterial> {
    let digits = text.trim_ascii_end().strip_prefix(FILE_PREFIX.as_bytes())?;
    KeyMaterial::filled(|key| hex::read(digits, key).ok_or(())).ok()
}

/// Looks at the open file, not at its path: what was checked is what is read.
fn refuse_exposed(file: &File, path: &Path) -> Result<(), KeyFileError> {
    let mode = file.metadata().map_err(|error| unusable(path, error))?.mode() & 0o7777;
    let others = mode & 0o077;
    if others == 0 { Ok(()) } else { Err(KeyFileError::Exposed { path: path.to_owned(), mode }) }
}

fn create_private(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Makes the file's name as durable as its contents.
fn sync_directory(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<[u8; 32]>) {
        assert_eq!(parse(text.as_bytes()).map(|key| *key.expose_bytes()), expected, "{text:?}");
    }

    #[test]
    fn a_key_file_is_one_line() {
        let digits = "ab".repeat(32);
        let line = format!("cholla-root-key-v1 {digits}");
        check(&line, Some([0xab; 32]));
        check(&format!("{line}\n"), Some([0xab; 32]));
        check(&format!("{line} \r\n\n"), Some([0xab; 32]));
        check("", None);
        check("cholla-root-key-v1", None);
        check(&digits, None);
        check(&format!(" {line}"), None);
        check(&format!("{line}00"), None);
        check(&line[..line.len() - 1], None);
        check(&format!("cholla-root-key-v2 {digits}"), None);
        check(&format!("cholla-root-key-v1  {digits}"), None);
        check(&format!("cholla-root-key-v1 {}", digits.to_uppercase()), None);
        check(&format!("{line}\n{line}\n"), None);
    }
}
