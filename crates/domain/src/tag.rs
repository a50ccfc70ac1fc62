//! What the storage layer sees instead of names: fixed-size keyed hashes, and versions.

use std::fmt;

use crate::id::Entropy;
use crate::time::Timestamp;

macro_rules! tag {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $name::LENGTH]);

        impl $name {
            /// Bytes of a tag.
            pub const LENGTH: usize = 16;

            /// Takes the bytes of a keyed hash, or of a row that keeps one.
            pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; Self::LENGTH] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:02x}{:02x}…)", stringify!($name), self.0[0], self.0[1])
            }
        }
    };
}

tag! {
    /// A namespace, hashed under a key of this installation.
    NamespaceTag
}

impl NamespaceTag {
    /// Where the wrapped key of the installation itself is kept, among those of the namespaces: no namespace has this tag.
    pub const INSTANCE: Self = Self([0; Self::LENGTH]);
}

tag! {
    /// A scope, hashed under its namespace's key.
    ScopeTag
}
tag! {
    /// A name in its scope, hashed under the namespace's key.
    NameTag
}
tag! {
    /// An idempotency key with its reach, hashed under the namespace's key.
    IdempotencyTag
}
tag! {
    /// Method, path, parameters and preconditions of a request, hashed under the namespace's key.
    Fingerprint
}
tag! {
    /// What identifies a record of the directory, hashed under a key of this installation.
    RecordTag
}
tag! {
    /// A durable erasure: names its counters in the store until its receipt is written.
    ErasureId
}
tag! {
    /// The version of a secret's record: new with every set, the `ETag` of contract 9.1.
    RecordVersion
}

impl ErasureId {
    /// What every one begins with where operators see it.
    pub const PREFIX: &'static str = "erasure_";

    /// Draws the id of an erasure that is decided at `now`, when `newest` is the last one there is. Ids stand in the order of their erasures:
    /// they begin with the second and the number within it.
    pub fn draw(now: Timestamp, newest: Option<Self>, entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; Self::LENGTH];
        entropy.fill(&mut bytes);
        let (head, _) = bytes.split_first_chunk_mut().expect("an id is longer than its head");
        let place = |id: Self| id.0.first_chunk().map_or(0, |head| u64::from_be_bytes(*head));
        let second = u64::try_from(now.as_unix()).unwrap_or_default() << 24;
        *head = second.max(newest.map_or(0, |newest| place(newest).saturating_add(1))).to_be_bytes();
        Self(bytes)
    }

    /// Reads an id as operators see it. `None` for anything that cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix(Self::PREFIX)?;
        let legal =
            digits.len() == 2 * Self::LENGTH && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        let number = legal.then(|| u128::from_str_radix(digits, 16).ok())??;
        Some(Self(number.to_be_bytes()))
    }
}

/// `erasure_` and 32 hexadecimal digits.
impl fmt::Display for ErasureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{:032x}", Self::PREFIX, u128::from_be_bytes(self.0))
    }
}

impl RecordVersion {
    /// Draws a new version.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; Self::LENGTH];
        entropy.fill(&mut bytes);
        Self(bytes)
    }
}
