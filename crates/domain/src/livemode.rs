//! Test data and live data never meet (contract 4.9).

/// The mode of a credential, and so of everything it reaches. It comes from the credential, never from a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Livemode {
    /// `livemode: false`
    Test,
    /// `livemode: true`
    Live,
}

impl Livemode {
    /// Both modes, in the order in which tables print them.
    pub const ALL: [Self; 2] = [Self::Test, Self::Live];

    /// Whether this is live mode.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Live)
    }

    /// `test` or `live`, as in key prefixes and the platform file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Live => "live",
        }
    }
}
