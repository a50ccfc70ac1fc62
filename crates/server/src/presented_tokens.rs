//! Access tokens that have been presented, from the very moment on. The directory knows it a little later, durably (contract 15.9).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cholla_domain::directory::change::Change;
use cholla_domain::directory::credential::CredentialKey;
use cholla_domain::directory::decision::Decision;
use cholla_domain::id::InstallId;
use cholla_domain::limits::{PRESENTED_PER_CHANGE_MAX, PRESENTED_TOKENS_MAX};
use cholla_domain::oauth::presented;

use crate::keeper::Keeper;

/// How long to wait after a failure. A commit that failed has the whole directory read anew: that is not for each request to do.
const RETRY: Duration = Duration::from_secs(5);

/// Tokens that the directory does not know as presented yet. They are few: each leaves when that was written down. Where that fails all of
/// them stay, until it is written down after all; further ones find no room then, and are noted when they are presented again.
#[derive(Default)]
pub(crate) struct PresentedTokens {
    tokens: Mutex<Tokens>,
}

#[derive(Default)]
struct Tokens {
    /// With each, whose it is.
    waiting: HashMap<CredentialKey, InstallId>,
    /// Somebody writes down what waits, all of it.
    is_writing: bool,
}

impl PresentedTokens {
    /// Whether the token is one of these.
    pub(crate) fn contains(&self, access: &CredentialKey) -> bool {
        self.tokens().waiting.contains_key(access)
    }

    /// Adds a token of an install. Answers whether it is for the caller to have what waits [written down](Self::write_down): nobody else is
    /// at it.
    pub(crate) fn add(&self, access: CredentialKey, install: InstallId) -> bool {
        let mut tokens = self.tokens();
        if tokens.waiting.len() >= PRESENTED_TOKENS_MAX {
            return false;
        }
        tokens.waiting.insert(access, install);
        !std::mem::replace(&mut tokens.is_writing, true)
    }

    /// Writes down what waits until nothing does.
    pub(crate) async fn write_down(self: Arc<Self>, keeper: Arc<Keeper>) {
        while let Some(waiting) = self.waiting() {
            let noted = keeper.decide(keeper.unasked(), move |ctx| {
                let mut change = Change::default();
                for (access, install) in &waiting {
                    change.append(presented(ctx, install, access));
                }
                Decision { change, outcome: waiting.into_iter().map(|(access, _)| access).collect::<Vec<_>>() }
            });
            match noted.await {
                Ok(written) => self.written(&written),
                Err(error) => {
                    tracing::warn!(cause = error.chain(), "that tokens were presented waits to be written down");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// What is to be written down next; `None`: nothing, and whoever adds one is to see to it.
    fn waiting(&self) -> Option<Vec<(CredentialKey, InstallId)>> {
        let mut tokens = self.tokens();
        tokens.is_writing = !tokens.waiting.is_empty();
        let next = tokens.waiting.iter().take(PRESENTED_PER_CHANGE_MAX).map(|(access, install)| (*access, *install));
        tokens.is_writing.then(|| next.collect())
    }

    /// Takes tokens out that the directory knows as presented now.
    fn written(&self, written: &[CredentialKey]) {
        let mut tokens = self.tokens();
        for access in written {
            tokens.waiting.remove(access);
        }
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        // No step leaves a half-changed map behind.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cholla_domain::livemode::Livemode;

    use crate::entropy::SystemEntropy;

    fn key(number: usize) -> CredentialKey {
        CredentialKey::from_bytes((number as u128).to_be_bytes())
    }

    fn add(tokens: &PresentedTokens, number: usize) -> bool {
        tokens.add(key(number), InstallId::draw(Livemode::Test, &SystemEntropy))
    }

    /// The tokens that are to be written down.
    fn waiting(tokens: &PresentedTokens) -> Option<Vec<CredentialKey>> {
        let mut keys: Vec<_> = tokens.waiting()?.into_iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        Some(keys)
    }

    #[test]
    fn rule_15_9_a_token_is_presented_at_once_and_written_down_once() {
        let tokens = PresentedTokens::default();
        assert!(!tokens.contains(&key(1)));
        assert_eq!([add(&tokens, 1), add(&tokens, 1), add(&tokens, 2)], [true, false, false], "one writes for all");
        for _ in 0..2 {
            assert_eq!(waiting(&tokens), Some(vec![key(1), key(2)]), "a failure forgets nothing");
            assert!(tokens.contains(&key(1)));
            assert!(!add(&tokens, 1), "and whoever comes then does not try again at once");
        }
        assert!(!add(&tokens, 3));
        tokens.written(&[key(1), key(2)]);
        assert_eq!((tokens.contains(&key(1)), tokens.contains(&key(3))), (false, true));
        assert_eq!(waiting(&tokens), Some(vec![key(3)]), "what came meanwhile comes next");
        tokens.written(&[key(3)]);
        assert_eq!(waiting(&tokens), None);
        assert!(add(&tokens, 4), "nobody writes any more");
    }

    #[test]
    fn rule_15_9_what_is_remembered_is_bounded() {
        let tokens = PresentedTokens::default();
        for number in 0..PRESENTED_TOKENS_MAX {
            assert_eq!(add(&tokens, number), number == 0);
        }
        assert!(!add(&tokens, PRESENTED_TOKENS_MAX));
        assert!(!tokens.contains(&key(PRESENTED_TOKENS_MAX)), "there is no room");
        assert_eq!(waiting(&tokens).map(|keys| keys.len()), Some(PRESENTED_PER_CHANGE_MAX));
        tokens.written(&[key(0)]);
        assert!(!add(&tokens, PRESENTED_TOKENS_MAX));
        assert_eq!((tokens.contains(&key(0)), tokens.contains(&key(PRESENTED_TOKENS_MAX))), (false, true));
    }
}
