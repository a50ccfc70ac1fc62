//! `If-Match` and `If-None-Match` (contract 9.1): ours, so that two processes cannot overwrite each other's refreshed token.

use crate::tag::RecordVersion;

/// What `If-Match` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: any version, as long as there is one.
    Any,
    /// One of these. Tags that no version of ours can have are left out, so the list may be empty and then matches nothing.
    OneOf(Vec<RecordVersion>),
}

/// Conditions under which a write happens. The default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Precondition {
    /// The version that must be there.
    pub if_match: Option<IfMatch>,
    /// Nothing may be there (`If-None-Match: *`, on set only).
    pub if_none_match: bool,
}

impl Precondition {
    /// Whether the write may happen on `current`, the live version if there is one.
    pub fn holds(&self, current: Option<RecordVersion>) -> bool {
        let matches = match (&self.if_match, current) {
            (None, _) | (Some(IfMatch::Any), Some(_)) => true,
            (Some(IfMatch::Any), None) => false,
            (Some(IfMatch::OneOf(versions)), current) => current.is_some_and(|current| versions.contains(&current)),
        };
        matches && !(self.if_none_match && current.is_some())
    }

    /// Both conditions as bytes, for the fingerprint of an idempotent request.
    pub(crate) fn canonical(&self) -> (Vec<u8>, [u8; 1]) {
        let if_match = match &self.if_match {
            None => Vec::new(),
            Some(IfMatch::Any) => vec![1],
            Some(IfMatch::OneOf(versions)) => {
                let mut bytes = vec![2];
                for version in versions {
                    bytes.extend_from_slice(version.as_bytes());
                }
                bytes
            }
        };
        (if_match, [u8::from(self.if_none_match)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_9_1_preconditions() {
        let (one, two) = (RecordVersion::from_bytes([1; 16]), RecordVersion::from_bytes([2; 16]));
        let tags = |versions: &[RecordVersion]| Some(IfMatch::OneOf(versions.to_vec()));
        for (if_match, if_none_match, current, holds) in [
            (None, false, None, true),
            (None, false, Some(one), true),
            (None, true, None, true),
            (None, true, Some(one), false),
            (Some(IfMatch::Any), false, None, false),
            (Some(IfMatch::Any), false, Some(one), true),
            (Some(IfMatch::Any), true, Some(one), false),
            (tags(&[one]), false, Some(one), true),
            (tags(&[one]), false, Some(two), false),
            (tags(&[one]), false, None, false),
            (tags(&[one, two]), false, Some(two), true),
            (tags(&[]), false, Some(one), false),
        ] {
            let precondition = Precondition { if_match, if_none_match };
            assert_eq!(precondition.holds(current), holds, "{precondition:?} on {current:?}");
        }
    }
}
