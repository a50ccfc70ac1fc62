//! The kept results of a directory: by key, by the account whose keys asked, and by age.

use std::collections::{BTreeSet, HashMap};

use crate::directory::kept::KeptInstall;
use crate::id::AccountId;
use crate::time::Timestamp;

/// How much is kept for the keys of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptTotal {
    /// Results.
    pub results: usize,
    /// What they take as records, in bytes.
    pub bytes: usize,
}

/// All kept results.
#[derive(Default)]
pub(super) struct KeptResults {
    by_key: HashMap<[u8; 32], KeptInstall>,
    /// What is over is found without looking at all of them.
    by_age: BTreeSet<(Timestamp, [u8; 32])>,
    totals: HashMap<AccountId, KeptTotal>,
}

impl KeptResults {
    /// Puts one, in the place of the one with its key.
    pub(super) fn put(&mut self, kept: KeptInstall) {
        self.remove(&kept.key);
        self.by_age.insert((kept.kept_at, kept.key));
        let total = self.totals.entry(kept.account.clone()).or_default();
        total.results += 1;
        total.bytes += kept.bytes();
        self.by_key.insert(kept.key, kept);
    }

    /// Removes one. Nothing is left of what it was found by.
    pub(super) fn remove(&mut self, key: &[u8; 32]) {
        let Some(kept) = self.by_key.remove(key) else { return };
        self.by_age.remove(&(kept.kept_at, *key));
        if let Some(total) = self.totals.get_mut(&kept.account) {
            total.results -= 1;
            total.bytes -= kept.bytes();
            if total.results == 0 {
                self.totals.remove(&kept.account);
            }
        }
    }

    /// The one with this key.
    pub(super) fn get(&self, key: &[u8; 32]) -> Option<&KeptInstall> {
        self.by_key.get(key)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &KeptInstall> {
        self.by_key.values()
    }

    /// The keys of those that were kept at `moment` or before, the oldest first.
    pub(super) fn until(&self, moment: Timestamp) -> impl Iterator<Item = &[u8; 32]> {
        self.by_age.iter().take_while(move |(kept_at, _)| *kept_at <= moment).map(|(_, key)| key)
    }

    /// How much is kept for the keys of an account.
    pub(super) fn total(&self, account: &AccountId) -> KeptTotal {
        self.totals.get(account).copied().unwrap_or_default()
    }
}
