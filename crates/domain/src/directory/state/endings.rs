//! The namespaces in their grace period: each, those of an account, and by when they are erased.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::directory::erasure::Ending;
use crate::id::AccountId;
use crate::livemode::Livemode;
use crate::place::Namespace;
use crate::time::Timestamp;

/// The place of a namespace among those that are erased: when, then in any fixed order.
type Due = (Timestamp, AccountId, AccountId, Livemode);

fn due(ending: &Ending) -> Due {
    let namespace = &ending.namespace;
    (ending.erase_at, namespace.developer.clone(), namespace.account.clone(), namespace.livemode)
}

/// All namespaces in their grace period, or past it and not yet erased.
#[derive(Default)]
pub(super) struct Endings {
    all: HashMap<Namespace, Ending>,
    by_account: HashMap<AccountId, HashSet<Namespace>>,
    /// What is due is found without looking at all of them.
    in_order: BTreeMap<Due, Namespace>,
}

impl Endings {
    /// Puts one, in the place of the one of its namespace.
    pub(super) fn put(&mut self, ending: Ending) {
        self.remove(&ending.namespace);
        let namespace = ending.namespace.clone();
        self.in_order.insert(due(&ending), ending.namespace.clone());
        self.by_account.entry(namespace.account.clone()).or_default().insert(namespace.clone());
        self.all.insert(namespace, ending);
    }

    /// Removes one. Nothing is left of what it was found by.
    pub(super) fn remove(&mut self, namespace: &Namespace) {
        let Some(ending) = self.all.remove(namespace) else { return };
        self.in_order.remove(&due(&ending));
        if let Some(own) = self.by_account.get_mut(&namespace.account) {
            own.remove(namespace);
            if own.is_empty() {
                self.by_account.remove(&namespace.account);
            }
        }
    }

    /// That of a namespace.
    pub(super) fn get(&self, namespace: &Namespace) -> Option<&Ending> {
        self.all.get(namespace)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Ending> {
        self.all.values()
    }

    /// Those of an account, in no order.
    pub(super) fn of_account(&self, account: &AccountId) -> impl Iterator<Item = &Ending> {
        self.by_account.get(account).into_iter().flatten().filter_map(|namespace| self.get(namespace))
    }

    /// Those that are to be erased at `moment` or before, the longest due first.
    pub(super) fn until(&self, moment: Timestamp) -> impl Iterator<Item = &Ending> {
        let due = self.in_order.iter().take_while(move |((erase_at, ..), _)| *erase_at <= moment);
        due.filter_map(|(_, namespace)| self.get(namespace))
    }
}
