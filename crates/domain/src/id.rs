//! Identifiers: prefixed, opaque, typed so that one kind is never passed for another.

use std::fmt;
use std::sync::Arc;

use crate::limits::APP_ID_CHARS_MAX;
use crate::livemode::Livemode;

/// The 62 ASCII letters and digits, the alphabet of every random id.
const ALPHANUMERICS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Takes the text as it is; what is legal is decided where it comes in.
            pub fn new(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
    };
}

text_id! {
    /// An account, `acct_…`: an app developer, an installing merchant, or both.
    AccountId
}
text_id! {
    /// An app by its manifest id, such as `com.example.app-a`; see [`is_legal`](AppId::is_legal).
    AppId
}
text_id! {
    /// A dashboard user of an account. Any non-empty string of at most [`STRING_CHARS_MAX`](crate::limits::STRING_CHARS_MAX)
    /// characters is legal (contract 4.6).
    UserId
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What drawn ids, keys, tokens and secrets begin with. An app of such a name could be taken for another one, or its name be a key.
const NO_APP_ID_PREFIXES: [&str; 14] = [
    "acct_",
    "app_",
    "appinst_",
    "appsecret_",
    "ca_", // ids
    "sk_",
    "rk_",
    "pk_",
    "ek_",
    "rt_",
    "ac_",
    "key_", // credentials
    "absec_",
    "whsec_", // signing secrets
];

impl AppId {
    /// Whether `text` may name an app in a manifest (contract 11.3): 1 to [`APP_ID_CHARS_MAX`] letters, digits, `.`, `-` and `_`, the first
    /// of them a letter or digit, and not beginning as what is drawn does.
    pub fn is_legal(text: &str) -> bool {
        text.len() <= APP_ID_CHARS_MAX
            && text.starts_with(|first: char| first.is_ascii_alphanumeric())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte))
            && !NO_APP_ID_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
    }
}

/// A user id never reaches a log: its `Debug` says only that there is one.
impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserId(****)")
    }
}

/// A letter or digit for every two bytes of `random`, such as of a random id or a token.
///
/// Two bytes a character: the bias of a 16-bit number modulo 62 is below one in a thousand of a bit over 30 characters.
pub fn alphanumerics(random: &[u8]) -> impl Iterator<Item = char> {
    random.as_chunks().0.iter().map(|pair| char::from(alphanumeric(*pair)))
}

fn alphanumeric(pair: [u8; 2]) -> u8 {
    ALPHANUMERICS[usize::from(u16::from_be_bytes(pair)) % ALPHANUMERICS.len()]
}

/// `N` letters and digits from `entropy`.
fn draw<const N: usize>(entropy: &dyn Entropy) -> [u8; N] {
    let mut random = [[0; 2]; N];
    entropy.fill(random.as_flattened_mut());
    random.map(alphanumeric)
}

/// Where ids and versions get their randomness. Keys and nonces do not come from here: they stay inside the crypto provider.
pub trait Entropy: Send + Sync {
    /// Fills `buffer` with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $length:literal, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; Self::LENGTH]);

        impl $name {
            /// Characters after the prefix.
            pub const LENGTH: usize = $length;
            /// What every one begins with on the wire.
            pub const PREFIX: &'static str = $prefix;

            /// Draws a new id.
            pub fn draw(entropy: &dyn Entropy) -> Self {
                Self(draw(entropy))
            }

            /// Reads the characters after the prefix, as [`suffix`](Self::suffix) gave them.
            pub fn from_suffix(suffix: &[u8]) -> Option<Self> {
                let suffix: [u8; Self::LENGTH] = suffix.try_into().ok()?;
                suffix.iter().all(u8::is_ascii_alphanumeric).then_some(Self(suffix))
            }

            /// Reads an id as it stands on the wire. `None` for anything that cannot be one.
            pub fn parse(text: &str) -> Option<Self> {
                Self::from_suffix(text.strip_prefix(Self::PREFIX)?.as_bytes())
            }

            /// The characters after the prefix.
            pub fn suffix(&self) -> &str {
                std::str::from_utf8(&self.0).expect("an id is made of ASCII letters and digits only")
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(Self::PREFIX)?;
                f.write_str(self.suffix())
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    };
}

random_id! {
    /// A secret's id: `appsecret_` and 30 random alphanumerics; says nothing about account, app or user (contract 2.2).
    SecretId, 30, "appsecret_"
}
random_id! {
    /// A request's id: `req_` and 14 alphanumerics (contract 7.2).
    RequestId, 14, "req_"
}
random_id! {
    /// An app's id in the Install API: `app_` and 32 alphanumerics (contract 11.3).
    AppPublicId, 32, "app_"
}
random_id! {
    /// An app's OAuth client id: `ca_` and 32 alphanumerics (contract 11.3).
    ClientId, 32, "ca_"
}
random_id! {
    /// An event's id: `evt_` and 24 alphanumerics (contract 17.1).
    EventId, 24, "evt_"
}
random_id! {
    /// A webhook endpoint's id: `we_` and 24 alphanumerics.
    EndpointId, 24, "we_"
}

/// An install's id: `appinst_test_` (live: `appinst_`) and 32 random alphanumerics (contract 11.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InstallId {
    livemode: Livemode,
    suffix: [u8; Self::LENGTH],
}

impl InstallId {
    /// Characters after the prefix.
    pub const LENGTH: usize = 32;
    /// What every live one begins with on the wire.
    pub const PREFIX: &'static str = "appinst_";
    /// What stands behind it in test mode.
    pub const TEST: &'static str = "test_";
    /// Before all others.
    pub(crate) const FIRST: Self = Self { livemode: Livemode::Test, suffix: [b'0'; Self::LENGTH] };

    /// Draws a new id of that mode.
    pub fn draw(livemode: Livemode, entropy: &dyn Entropy) -> Self {
        Self { livemode, suffix: draw(entropy) }
    }

    /// Takes the characters after the prefix.
    pub fn from_suffix(livemode: Livemode, suffix: &[u8]) -> Option<Self> {
        let suffix: [u8; Self::LENGTH] = suffix.try_into().ok()?;
        suffix.iter().all(u8::is_ascii_alphanumeric).then_some(Self { livemode, suffix })
    }

    /// Reads an id as it stands on the wire. `None` for anything that cannot be one.
    pub fn parse(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(Self::PREFIX)?;
        match rest.strip_prefix(Self::TEST) {
            Some(suffix) => Self::from_suffix(Livemode::Test, suffix.as_bytes()),
            None => Self::from_suffix(Livemode::Live, rest.as_bytes()),
        }
    }

    /// The mode of the install.
    pub fn livemode(&self) -> Livemode {
        self.livemode
    }

    /// The characters after the prefix.
    pub fn suffix(&self) -> &str {
        std::str::from_utf8(&self.suffix).expect("an id is made of ASCII letters and digits only")
    }
}

impl fmt::Display for InstallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        f.write_str(if self.livemode.is_live() { "" } else { Self::TEST })?;
        f.write_str(self.suffix())
    }
}

impl fmt::Debug for InstallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
