//! Credentials: shown once, kept as a keyed hash.

use std::fmt;

use super::codec::{Decoder, Encoder, Layout, layout, variants};
use crate::id::{AccountId, AppId, InstallId, UserId};
use crate::limits::{EXPIRED_SESSION_SECONDS, EXPIRED_TOKEN_SECONDS};
use crate::livemode::Livemode;
use crate::principal::Permissions;
use crate::time::{Timestamp, is_expired};

use super::CredentialHash;
use super::access::Refused;

/// What a credential is found by: the first half of its keyed hash. Two credentials share one with a probability of 2⁻¹²⁸.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CredentialKey([u8; 16]);

impl CredentialKey {
    /// The key of a hash.
    pub fn of(hash: &CredentialHash) -> Self {
        let (key, _) = hash.as_bytes().split_first_chunk().expect("a hash has 32 bytes");
        Self(*key)
    }

    /// Takes the bytes, as a record or an id holds them.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads the id under which operators know a credential.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("key_")?.as_bytes();
        let mut key = [0; 16];
        if digits.len() != 2 * key.len() {
            return None;
        }
        let value = |digit: u8| match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            _ => None,
        };
        for (byte, pair) in key.iter_mut().zip(digits.as_chunks::<2>().0) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Some(Self(key))
    }
}

/// The id under which operators know the credential: `key_` and 32 hexadecimal digits.
impl fmt::Display for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("key_")?;
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for CredentialKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialKey(****)")
    }
}

impl Layout for CredentialKey {
    fn encode(&self, out: &mut Encoder) {
        out.fixed(&self.0);
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        input.fixed().map(Self)
    }
}

/// What an admin token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Operator,
    /// Look at everything that is no secret, and change nothing.
    Auditor,
}
variants!(Role { Operator = 0, Auditor = 1 });

impl Role {
    /// `operator` or `auditor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Auditor => "auditor",
        }
    }
}

/// What an account's restricted key may do on the Install API (contract 12.4, 12.9).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct InstallRights {
    /// `app_install_read`, or included in the other.
    pub read: bool,
    /// `app_install_write`.
    pub write: bool,
}
layout!(InstallRights { read, write });

impl InstallRights {
    /// What an account may do with its own installs.
    pub const ALL: Self = Self { read: true, write: true };
}

/// What a credential is and belongs to (contract 5.2 to 5.5, 12.4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// An account's secret key.
    Secret,
    /// An account's own restricted key, for the Install API only.
    AccountRestricted(InstallRights),
    /// A restricted key of one install of an app.
    Restricted {
        /// The app.
        app: AppId,
    },
    /// An OAuth access token of one install of an app, used as the key itself.
    OAuth {
        /// The app.
        app: AppId,
    },
    /// An app embedded key: a UI extension's session of one user.
    Embedded {
        /// The app whose extension it is.
        app: AppId,
        /// The user who looks at it.
        user: UserId,
    },
    /// A publishable key: refused (contract 6.4), and named in OAuth answers (contract 15.5).
    Publishable {
        /// The key itself, which is no secret.
        value: String,
    },
    /// A token of the admin API. The API knows it as little as any unknown key.
    Admin(Role),
}

impl CredentialKind {
    /// The app whose credential it is.
    pub fn app(&self) -> Option<&AppId> {
        match self {
            Self::Restricted { app } | Self::OAuth { app } | Self::Embedded { app, .. } => Some(app),
            Self::Secret | Self::AccountRestricted(_) | Self::Publishable { .. } | Self::Admin(_) => None,
        }
    }

    /// The same, to be replaced.
    pub(super) fn app_mut(&mut self) -> Option<&mut AppId> {
        match self {
            Self::Restricted { app } | Self::OAuth { app } | Self::Embedded { app, .. } => Some(app),
            Self::Secret | Self::AccountRestricted(_) | Self::Publishable { .. } | Self::Admin(_) => None,
        }
    }

    /// The user whose session it is.
    pub fn user(&self) -> Option<&UserId> {
        match self {
            Self::Embedded { user, .. } => Some(user),
            _ => None,
        }
    }

    /// The word of platform files and of the admin API.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::AccountRestricted(_) | Self::Restricted { .. } => "restricted",
            Self::OAuth { .. } => "oauth",
            Self::Embedded { .. } => "embedded",
            Self::Publishable { .. } => "publishable",
            Self::Admin(_) => "admin",
        }
    }
}

impl Layout for CredentialKind {
    fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Secret => out.fixed(&[0]),
            Self::AccountRestricted(rights) => {
                out.fixed(&[1]);
                rights.encode(out);
            }
            Self::Restricted { app } => {
                out.fixed(&[2]);
                app.encode(out);
            }
            Self::OAuth { app } => {
                out.fixed(&[3]);
                app.encode(out);
            }
            Self::Embedded { app, user } => {
                out.fixed(&[4]);
                app.encode(out);
                user.encode(out);
            }
            Self::Publishable { value } => {
                out.fixed(&[5]);
                value.encode(out);
            }
            Self::Admin(role) => {
                out.fixed(&[6]);
                role.encode(out);
            }
        }
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        Some(match input.fixed()? {
            [0] => Self::Secret,
            [1] => Self::AccountRestricted(Layout::decode(input)?),
            [2] => Self::Restricted { app: Layout::decode(input)? },
            [3] => Self::OAuth { app: Layout::decode(input)? },
            [4] => Self::Embedded { app: Layout::decode(input)?, user: Layout::decode(input)? },
            [5] => Self::Publishable { value: Layout::decode(input)? },
            [6] => Self::Admin(Layout::decode(input)?),
            _ => return None,
        })
    }
}

/// The end of a key that may be shown: its last four characters, where it is long enough.
pub type Tail = Option<[u8; 4]>;

/// A credential as the directory knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// What it is found by.
    pub key: CredentialKey,
    /// What it is.
    pub kind: CredentialKind,
    /// The account it belongs to; for an app's credential the installing account. An admin token has none: the empty id.
    pub account: AccountId,
    /// Its mode.
    pub livemode: Livemode,
    /// What it may do with secrets at most; `None` where only the install's grants count.
    pub permissions: Option<Permissions>,
    /// The one install that an app's credential belongs to (contract 14.4). `None` before its app is installed for the first time.
    pub install: Option<InstallId>,
    /// What of the key may be shown.
    pub tail: Tail,
    /// When it was made.
    pub created_at: Timestamp,
    /// From then on it is refused as expired (contract 6.3).
    pub expires_at: Option<Timestamp>,
    /// From then on it is refused as unknown (contract 6.2): it was revoked, or rolled.
    pub revoked_at: Option<Timestamp>,
}
layout!(Credential { key, kind, account, livemode, permissions, install, tail, created_at, expires_at, revoked_at });

impl Credential {
    /// Whether the credential itself can be used at `now`, whatever account it names.
    ///
    /// # Errors
    /// When it was revoked or expired too long ago, is publishable or expired, in that order.
    pub fn check(&self, now: Timestamp) -> Result<(), Refused> {
        let is_unknown = is_expired(self.revoked_at, now) || is_expired(self.dies_at(), now);
        if is_unknown || matches!(self.kind, CredentialKind::Admin(_)) {
            Err(Refused::Unknown)
        } else if matches!(self.kind, CredentialKind::Publishable { .. }) {
            Err(Refused::Publishable)
        } else if is_expired(self.expires_at, now) {
            Err(Refused::Expired)
        } else {
            Ok(())
        }
    }

    /// From when on a credential that is drawn again and again is as good as one that never was (contract 6.2), and may be forgotten: it
    /// expired a while ago (contract 15.6), or it was rotated by OAuth. One that a person revoked is remembered as if it were not
    /// revoked, so that whoever declares its value anew does not bring it back. One that never expires was made by a person, and stays what
    /// it was.
    pub fn dies_at(&self) -> Option<Timestamp> {
        let told_seconds = match self.kind {
            CredentialKind::Embedded { .. } => EXPIRED_SESSION_SECONDS,
            CredentialKind::OAuth { .. } => EXPIRED_TOKEN_SECONDS,
            _ => return None,
        };
        let expires_at = self.expires_at?;
        Some(if self.is_rotated() { expires_at } else { expires_at.plus(told_seconds) })
    }

    /// Whether OAuth itself ended it: it expires in the second in which it is revoked (see [`rotated`](Self::rotated)).
    fn is_rotated(&self) -> bool {
        matches!(self.kind, CredentialKind::OAuth { .. })
            && self.revoked_at.is_some()
            && self.revoked_at == self.expires_at
    }

    /// An access token that OAuth drew, as it ends at `until` at the latest: another has taken its place, or its grant was revoked. It was
    /// drawn, so nobody declares it anew, and nothing of it is remembered then.
    pub(crate) fn rotated(&self, until: Timestamp) -> Self {
        let ends = [self.revoked_at, self.expires_at].into_iter().flatten().fold(until, Timestamp::min);
        Self { revoked_at: Some(ends), expires_at: Some(ends), ..self.clone() }
    }

    /// Whether it counts at `now`.
    pub fn is_live(&self, now: Timestamp) -> bool {
        !is_expired(self.revoked_at, now) && !is_expired(self.expires_at, now)
    }
}

impl Layout for Permissions {
    fn encode(&self, out: &mut Encoder) {
        self.write.encode(out);
        self.read.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        Some(Self { write: bool::decode(input)?, read: bool::decode(input)? })
    }
}
