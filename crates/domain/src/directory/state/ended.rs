//! The installs of a directory that ended: by id, by where they were, and by when they ended.

use std::collections::{BTreeSet, HashMap};

use super::{InstallOrder, Place};
use crate::directory::install::{EndedInstall, Install};
use crate::id::InstallId;
use crate::time::Timestamp;

/// All installs that ended and are still remembered.
#[derive(Default)]
pub(super) struct EndedInstalls {
    installs: HashMap<InstallId, EndedInstall>,
    /// Per app, account and mode: when installs ended there.
    by_place: HashMap<Place, BTreeSet<InstallOrder>>,
    /// What is over is found without looking at all of them.
    by_end: BTreeSet<(Timestamp, InstallId)>,
}

fn place(install: &Install) -> Place {
    (install.app.clone(), install.account.clone(), install.livemode())
}

impl EndedInstalls {
    /// Puts one, in the place of the one with its id.
    pub(super) fn put(&mut self, ended: EndedInstall) {
        let (id, sequence) = (ended.install.id, ended.install.sequence);
        self.remove(&id);
        self.by_place.entry(place(&ended.install)).or_default().insert((ended.ended_at, sequence, id));
        self.by_end.insert((ended.ended_at, id));
        self.installs.insert(id, ended);
    }

    /// Removes one. Nothing is left of what it was found by.
    pub(super) fn remove(&mut self, id: &InstallId) {
        let Some(EndedInstall { install, ended_at }) = self.installs.remove(id) else { return };
        self.by_end.remove(&(ended_at, *id));
        let place = place(&install);
        if let Some(ended) = self.by_place.get_mut(&place) {
            ended.remove(&(ended_at, install.sequence, *id));
            if ended.is_empty() {
                self.by_place.remove(&place);
            }
        }
    }

    /// The one with this id.
    pub(super) fn get(&self, id: &InstallId) -> Option<&EndedInstall> {
        self.installs.get(id)
    }

    /// All of them, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &EndedInstall> {
        self.installs.values()
    }

    /// Those of an app on an account in a mode, in the order in which they ended.
    pub(super) fn at<'a>(&'a self, place: &Place) -> impl DoubleEndedIterator<Item = &'a EndedInstall> + use<'a> {
        self.by_place.get(place).into_iter().flatten().filter_map(|(_, _, id)| self.get(id))
    }

    /// The ids of those that ended at `moment` or before, the first first.
    pub(super) fn until(&self, moment: Timestamp) -> impl Iterator<Item = &InstallId> {
        self.by_end.iter().take_while(move |(ended_at, _)| *ended_at <= moment).map(|(_, id)| id)
    }
}
