//! Access tokens that have been presented, from the very moment on. The directory knows it a little later, durably (contract 15.9).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cholla_domain::directory::credential::CredentialKey;
use cholla_domain::limits::PRESENTED_TOKENS_MAX;

/// Tokens that the directory does not know as presented yet. They are few: each leaves when that was written down. Where that failed it
/// stays, until it is written down after all or its room is needed.
#[derive(Default)]
pub(crate) struct PresentedTokens {
    /// With each, whether it is being written down.
    tokens: Mutex<HashMap<CredentialKey, bool>>,
}

impl PresentedTokens {
    /// Whether the token is one of these.
    pub(crate) fn contains(&self, access: &CredentialKey) -> bool {
        self.tokens().contains_key(access)
    }

    /// Adds a token. Answers whether it is for the caller to write that down, and to say then what came of it: nobody else is at it.
    pub(crate) fn begin(&self, access: CredentialKey) -> bool {
        let mut tokens = self.tokens();
        if tokens.len() >= PRESENTED_TOKENS_MAX && !tokens.contains_key(&access) {
            tokens.retain(|_, is_under_way| *is_under_way);
            if tokens.len() >= PRESENTED_TOKENS_MAX {
                // It will be presented again.
                return false;
            }
        }
        let was_under_way = tokens.insert(access, true);
        was_under_way != Some(true)
    }

    /// Takes a token out that the directory knows as presented now; one of which that could not be written down stays.
    pub(crate) fn end(&self, access: CredentialKey, is_written: bool) {
        let mut tokens = self.tokens();
        if is_written {
            tokens.remove(&access);
        } else {
            tokens.insert(access, false);
        }
    }

    fn tokens(&self) -> MutexGuard<'_, HashMap<CredentialKey, bool>> {
        // No step leaves a half-changed map behind.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> CredentialKey {
        CredentialKey::from_bytes((number as u128).to_be_bytes())
    }

    #[test]
    fn rule_15_9_a_token_is_presented_at_once_and_written_down_once() {
        let tokens = PresentedTokens::default();
        assert!(!tokens.contains(&key(1)));
        assert_eq!([tokens.begin(key(1)), tokens.begin(key(1)), tokens.begin(key(2))], [true, false, true]);
        tokens.end(key(1), false);
        assert!(tokens.contains(&key(1)), "a failure forgets nothing");
        assert!(tokens.begin(key(1)), "and is tried again");
        tokens.end(key(1), true);
        assert_eq!((tokens.contains(&key(1)), tokens.contains(&key(2))), (false, true));
    }

    #[test]
    fn rule_15_9_what_is_remembered_is_bounded() {
        let tokens = PresentedTokens::default();
        for number in 0..PRESENTED_TOKENS_MAX {
            assert!(tokens.begin(key(number)));
        }
        assert!(!tokens.begin(key(PRESENTED_TOKENS_MAX)), "there is no room");
        tokens.end(key(0), false);
        assert!(tokens.begin(key(PRESENTED_TOKENS_MAX)), "that of a failure is free");
        assert_eq!((tokens.contains(&key(0)), tokens.contains(&key(1))), (false, true));
        assert_eq!(tokens.tokens().len(), PRESENTED_TOKENS_MAX);
    }
}
