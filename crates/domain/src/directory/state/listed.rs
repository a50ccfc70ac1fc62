//! The order of installs in lists: per app and per account, told apart by what lists are filtered by.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::ops::Bound;

use super::InstallOrder;
use crate::directory::install::Channel;
use crate::id::{AccountId, AppId, InstallId};
use crate::livemode::Livemode;
use crate::time::Timestamp;

/// What lists tell installs apart by: the mode, the channel, and whether something is pending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Kind {
    pub(super) livemode: Livemode,
    pub(super) channel: Channel,
    pub(super) is_pending: bool,
}

/// Before all places, and behind them. Installs are counted from 1, and never so far.
const FIRST: InstallOrder = (Timestamp::from_unix(i64::MIN), 0, InstallId::FIRST);
const LAST: InstallOrder = (Timestamp::from_unix(i64::MAX), u64::MAX, InstallId::FIRST);

/// Which installs a list is to have (contract 10.12).
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Those of this mode.
    pub livemode: Livemode,
    /// Of this channel; absent: of any.
    pub channel: Option<Channel>,
    /// With something pending, or with nothing; absent: either.
    pub is_pending: Option<bool>,
    /// Those behind this place.
    pub behind: Option<InstallOrder>,
    /// Those before this place.
    pub before: Option<InstallOrder>,
    /// Whether the newest come first.
    pub newest_first: bool,
}

impl Wanted {
    /// Whether an install of that kind at that place is wanted.
    pub(super) fn has(&self, kind: Kind, place: &InstallOrder) -> bool {
        self.livemode == kind.livemode
            && self.channel.is_none_or(|channel| channel == kind.channel)
            && self.is_pending.is_none_or(|is_pending| is_pending == kind.is_pending)
            && self.behind.is_none_or(|behind| behind < *place)
            && self.before.is_none_or(|before| *place < before)
    }

    /// The kinds of what is wanted.
    fn kinds(&self) -> impl Iterator<Item = Kind> {
        let Self { livemode, channel, is_pending, .. } = *self;
        let channels = Channel::ALL.into_iter().filter(move |own| channel.is_none_or(|channel| channel == *own));
        channels.flat_map(move |channel| {
            let pending = [false, true].into_iter().filter(move |own| is_pending.is_none_or(|wanted| wanted == *own));
            pending.map(move |is_pending| Kind { livemode, channel, is_pending })
        })
    }

    /// In the order of the list.
    pub(super) fn sort(&self, places: &mut [InstallOrder]) {
        places.sort_unstable();
        if self.newest_first {
            places.reverse();
        }
    }
}

type Places = BTreeSet<(Kind, InstallOrder)>;

/// The places of all installs, each kind on its own: a list looks at nothing that it does not show.
#[derive(Default)]
pub(super) struct InstallLists {
    of_app: HashMap<AppId, Places>,
    on_account: HashMap<AccountId, Places>,
}

impl InstallLists {
    /// Enters an install.
    pub(super) fn insert(&mut self, app: &AppId, account: &AccountId, place: (Kind, InstallOrder)) {
        insert(&mut self.of_app, app, place);
        insert(&mut self.on_account, account, place);
    }

    /// Removes an install. Nothing empty is left.
    pub(super) fn remove(&mut self, app: &AppId, account: &AccountId, place: &(Kind, InstallOrder)) {
        remove(&mut self.of_app, app, place);
        remove(&mut self.on_account, account, place);
    }

    /// The places of an app's installs, in no order.
    pub(super) fn of_app(&self, app: &AppId) -> impl Iterator<Item = &InstallOrder> {
        self.of_app.get(app).into_iter().flatten().map(|(_, place)| place)
    }

    /// The places of the installs on an account, in no order.
    pub(super) fn on_account(&self, account: &AccountId) -> impl Iterator<Item = &InstallOrder> {
        self.on_account.get(account).into_iter().flatten().map(|(_, place)| place)
    }

    /// The first `max` of an app's installs that are wanted.
    pub(super) fn page_of_app(&self, app: &AppId, wanted: &Wanted, max: usize) -> Vec<InstallOrder> {
        self.of_app.get(app).map(|places| page(places, wanted, max)).unwrap_or_default()
    }

    /// The first `max` of the installs on an account that are wanted.
    pub(super) fn page_on_account(&self, account: &AccountId, wanted: &Wanted, max: usize) -> Vec<InstallOrder> {
        self.on_account.get(account).map(|places| page(places, wanted, max)).unwrap_or_default()
    }
}

fn insert<K: Clone + Eq + Hash>(index: &mut HashMap<K, Places>, owner: &K, place: (Kind, InstallOrder)) {
    match index.get_mut(owner) {
        Some(places) => drop(places.insert(place)),
        None => drop(index.insert(owner.clone(), [place].into())),
    }
}

fn remove<K: Eq + Hash>(index: &mut HashMap<K, Places>, owner: &K, place: &(Kind, InstallOrder)) {
    if let Some(places) = index.get_mut(owner) {
        places.remove(place);
        if places.is_empty() {
            index.remove(owner);
        }
    }
}

/// The first `max` of each kind that is wanted, and of those together the first `max`.
fn page(places: &Places, wanted: &Wanted, max: usize) -> Vec<InstallOrder> {
    let (first, last) = (wanted.behind.unwrap_or(FIRST), wanted.before.unwrap_or(LAST));
    if first >= last {
        return Vec::new();
    }
    let mut found = Vec::new();
    for kind in wanted.kinds() {
        let range =
            places.range((Bound::Excluded((kind, first)), Bound::Excluded((kind, last)))).map(|(_, place)| *place);
        if wanted.newest_first {
            found.extend(range.rev().take(max));
        } else {
            found.extend(range.take(max));
        }
    }
    wanted.sort(&mut found);
    found.truncate(max);
    found
}
