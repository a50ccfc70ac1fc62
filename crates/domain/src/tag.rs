//! What the storage layer sees instead of names: fixed-size keyed hashes, and versions.

use std::fmt;

use crate::id::Entropy;

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
    /// The version of a secret's record: new with every set, the `ETag` of contract 9.1.
    RecordVersion
}

impl RecordVersion {
    /// Draws a new version.
    pub fn draw(entropy: &dyn Entropy) -> Self {
        let mut bytes = [0; Self::LENGTH];
        entropy.fill(&mut bytes);
        Self(bytes)
    }
}
