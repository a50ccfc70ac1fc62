//! Dev mode without `--strict`: accounts for keys that nobody declared, so that any SDK's test suite finds a server.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock};

use cholla_domain::directory::{CredentialHash, Directory, Refused};
use cholla_domain::id::{AccountId, alphanumerics};
use cholla_domain::limits::{MADE_UP_ACCOUNT_ID_BYTES_MAX, MADE_UP_ACCOUNTS_MAX};
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Namespace;
use cholla_domain::principal::{Permissions, Principal, Reach};
use cholla_wire::auth::MaskedKey;

use crate::platform::is_account_id;

/// Letters and digits of an account id that is made up for a key: two bytes of the key's hash each.
const OWN_CHARS: usize = 16;
/// What a made-up app is granted where it is installed.
const GRANTED: Permissions = Permissions { write: true, read: false };

/// The accounts made up so far. It only decides what is new, and so what is logged and counted: ids come from keyed hashes and
/// from requests, so that after a restart the same key reaches the same secrets.
#[derive(Default)]
pub struct MadeUp {
    known: RwLock<Known>,
}

#[derive(Default)]
struct Known {
    /// Per key its own account, and the accounts on which its app is installed.
    keys: HashMap<CredentialHash, Developer>,
    /// Own accounts and accounts named, each once.
    accounts: HashSet<AccountId>,
    /// All installs of all keys.
    installs: usize,
}

struct Developer {
    account: AccountId,
    installed_on: HashSet<AccountId>,
}

impl MadeUp {
    /// Nothing made up yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether an account is made up for `key`: a test key of `A-Za-z0-9_`, secret or restricted. Never a live one.
    pub fn is_well_formed(key: &str) -> bool {
        let rest = ["sk_test_", "rk_test_"].iter().find_map(|prefix| key.strip_prefix(prefix));
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(legal))
    }

    /// The principal that an undeclared `key` with this `hash` is, acting on `named` where the request names an account. Like a
    /// secret key it has an account of its own; an account that nobody declared is made up, with the key's app installed.
    ///
    /// `None` where the key is not well-formed, or [`MADE_UP_ACCOUNTS_MAX`] is reached: it is then unknown (contract 6.2). What is
    /// seen for the first time is logged, with the masked key.
    pub fn resolve(
        &self,
        key: &str,
        hash: &CredentialHash,
        named: Option<&AccountId>,
        declared: &Directory,
    ) -> Option<Result<Principal, Refused>> {
        if !Self::is_well_formed(key) {
            return None;
        }
        let (own, is_installed) = match self.seen(hash, named) {
            Some(seen) => seen,
            None => (self.make_up_own(key, hash)?, false),
        };
        let named = named.filter(|named| **named != own);
        let reachable = match named {
            // Only where somebody declared the very id that was made up for this key.
            None => !declared.has_account(&own),
            Some(named) => !declared.has_account(named) && (is_installed || self.install(key, hash, named)),
        };
        if !reachable {
            return Some(Err(Refused::AccountNotReachable));
        }
        let (account, permissions) = named.map_or((&own, Permissions::ALL), |named| (named, GRANTED));
        let namespace = Namespace { account: account.clone(), developer: own.clone(), livemode: Livemode::Test };
        Some(Ok(Principal { namespace, reach: Reach::Backend, permissions, app: None }))
    }

    /// Forgets everything (dev mode's reset).
    pub fn clear(&self) {
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Known::default();
    }

    /// The account of a key seen before, and whether its app is installed on `named`.
    fn seen(&self, hash: &CredentialHash, named: Option<&AccountId>) -> Option<(AccountId, bool)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let developer = known.keys.get(hash)?;
        Some((developer.account.clone(), named.is_some_and(|named| developer.installed_on.contains(named))))
    }

    fn make_up_own(&self, key: &str, hash: &CredentialHash) -> Option<AccountId> {
        let account = own_account_id(hash);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.keys.contains_key(hash) {
            return Some(account);
        }
        if !known.make_up(&account) {
            return None;
        }
        known.keys.insert(*hash, Developer { account: account.clone(), installed_on: HashSet::new() });
        drop(known);
        tracing::info!(key = %MaskedKey::of(key.as_bytes()), account = account.as_str(), "made up an account for an unseen key");
        Some(account)
    }

    /// Installs the key's app on `named`; false where that cannot be an account, or there is no room.
    fn install(&self, key: &str, hash: &CredentialHash, named: &AccountId) -> bool {
        if named.as_str().len() > MADE_UP_ACCOUNT_ID_BYTES_MAX || !is_account_id(named.as_str()) {
            return false;
        }
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.keys.get(hash).is_some_and(|own| own.installed_on.contains(named)) {
            return true;
        }
        if known.installs >= MADE_UP_ACCOUNTS_MAX || !known.make_up(named) {
            return false;
        }
        if let Some(developer) = known.keys.get_mut(hash) {
            developer.installed_on.insert(named.clone());
            known.installs += 1;
        }
        drop(known);
        tracing::info!(key = %MaskedKey::of(key.as_bytes()), account = named.as_str(), "installed a made-up app on an unseen account");
        true
    }
}

impl Known {
    /// Counts `account` among those made up; false where there is no room for it.
    fn make_up(&mut self, account: &AccountId) -> bool {
        if self.accounts.contains(account) {
            return true;
        }
        if self.accounts.len() >= MADE_UP_ACCOUNTS_MAX {
            return false;
        }
        self.accounts.insert(account.clone())
    }
}

/// The account of a key that nobody declared. The hash is keyed, so the id tells nothing of the key.
fn own_account_id(hash: &CredentialHash) -> AccountId {
    let mut id = String::with_capacity("acct_".len() + OWN_CHARS);
    id.push_str("acct_");
    id.extend(alphanumerics(hash.as_bytes()).take(OWN_CHARS));
    AccountId::new(id)
}

#[cfg(test)]
mod tests;
