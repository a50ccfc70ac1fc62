//! Secrets of the installation's own world that sign: an app's signing secret, a webhook endpoint's secret.

use std::fmt;

use zeroize::Zeroizing;

use super::codec::{Decoder, Encoder, Layout, layout};
use crate::time::Timestamp;

/// A secret that keys signatures (contract 8.2, 15.13, 17.5): `absec_…` or `whsec_…`, used whole. Wiped when dropped.
#[derive(Clone)]
pub struct SigningSecret(Zeroizing<String>);

impl SigningSecret {
    /// Takes the whole secret, prefix included.
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// The key of the signature.
    pub fn as_key(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// The text, for whoever may see it: the person who declared or drew it, this once.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(****)")
    }
}

/// Whether a record changed; never to judge what somebody presented.
impl PartialEq for SigningSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl Eq for SigningSecret {}

impl Layout for SigningSecret {
    fn encode(&self, out: &mut Encoder) {
        out.field(self.as_key());
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        input.text().map(|text| Self::new(text.to_owned()))
    }
}

/// A secret with the one before it, which still counts for a while after a roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RollableSecret {
    /// The secret.
    pub current: SigningSecret,
    /// The one before it, and the moment from which it counts no more.
    pub previous: Option<(SigningSecret, Timestamp)>,
}
layout!(RollableSecret { current, previous });

impl RollableSecret {
    /// A secret that was never rolled.
    pub fn new(current: SigningSecret) -> Self {
        Self { current, previous: None }
    }

    /// Replaces the secret; the old one counts until `until`.
    #[must_use]
    pub fn rolled(&self, current: SigningSecret, until: Timestamp) -> Self {
        Self { current, previous: Some((self.current.clone(), until)) }
    }

    /// The secrets that count at `now`, the current one first.
    pub fn valid(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        let previous = self.previous.as_ref().filter(|(_, until)| now < *until);
        std::iter::once(&self.current).chain(previous.map(|(secret, _)| secret))
    }
}

impl<A: Layout, B: Layout> Layout for (A, B) {
    fn encode(&self, out: &mut Encoder) {
        self.0.encode(out);
        self.1.encode(out);
    }

    fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        Some((A::decode(input)?, B::decode(input)?))
    }
}
