//! The erasures of a directory: by id, by what they erase, and those that are not finished.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::directory::erasure::{Erasure, ErasureTarget};
use crate::id::{AccountId, UserId};
use crate::tag::ErasureId;
use crate::time::Timestamp;

/// All erasures there ever were.
#[derive(Default)]
pub(super) struct Erasures {
    by_id: BTreeMap<ErasureId, Erasure>,
    by_target: HashMap<ErasureTarget, BTreeSet<(Timestamp, ErasureId)>>,
    unfinished: BTreeSet<(Timestamp, ErasureId)>,
    /// Per account: users whose scopes are being erased. Shared, since each request that reaches the account takes it along.
    being_erased: HashMap<AccountId, Arc<BTreeSet<UserId>>>,
}

impl Erasures {
    /// Puts one, in the place of the one with its id.
    pub(super) fn put(&mut self, erasure: Erasure) {
        self.remove(&erasure.id);
        let place = (erasure.started_at, erasure.id);
        self.by_target.entry(erasure.target.clone()).or_default().insert(place);
        if erasure.receipt.is_none() {
            self.unfinished.insert(place);
        }
        self.refresh_users(&erasure.target, Some(&erasure));
        self.by_id.insert(erasure.id, erasure);
    }

    /// Removes one. Nothing is left of what it was found by.
    pub(super) fn remove(&mut self, id: &ErasureId) {
        let Some(erasure) = self.by_id.remove(id) else { return };
        let place = (erasure.started_at, *id);
        self.unfinished.remove(&place);
        if let Some(own) = self.by_target.get_mut(&erasure.target) {
            own.remove(&place);
            if own.is_empty() {
                self.by_target.remove(&erasure.target);
            }
        }
        self.refresh_users(&erasure.target, None);
    }

    /// Looks anew whether a user's scopes are being erased; `put` is about to be there.
    fn refresh_users(&mut self, target: &ErasureTarget, put: Option<&Erasure>) {
        let ErasureTarget::User { account, user } = target else { return };
        let others = self.by_target.get(target).into_iter().flatten().filter_map(|(_, id)| self.by_id.get(id));
        if others.chain(put).any(|erasure| erasure.receipt.is_none()) {
            Arc::make_mut(self.being_erased.entry(account.clone()).or_default()).insert(user.clone());
        } else if let Some(users) = self.being_erased.get_mut(account) {
            Arc::make_mut(users).remove(user);
            if users.is_empty() {
                self.being_erased.remove(account);
            }
        }
    }

    /// The users of an account whose scopes are being erased; `None` where there is nobody.
    pub(super) fn being_erased(&self, account: &AccountId) -> Option<Arc<BTreeSet<UserId>>> {
        // Almost always there is nobody anywhere.
        if self.being_erased.is_empty() { None } else { self.being_erased.get(account).cloned() }
    }

    /// The one with this id.
    pub(super) fn get(&self, id: &ErasureId) -> Option<&Erasure> {
        self.by_id.get(id)
    }

    /// The newest id.
    pub(super) fn newest(&self) -> Option<ErasureId> {
        self.by_id.last_key_value().map(|(id, _)| *id)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Erasure> {
        self.by_id.values()
    }

    /// Those whose receipt is not written, the oldest first.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = &Erasure> {
        self.unfinished.iter().filter_map(|(_, id)| self.by_id.get(id))
    }

    /// The last one of that target.
    pub(super) fn last_of(&self, target: &ErasureTarget) -> Option<&Erasure> {
        self.by_id.get(&self.by_target.get(target)?.last()?.1)
    }
}
