//! The oracle's directory.

use std::collections::BTreeMap;

use async_trait::async_trait;
use cholla_domain::error::StoreError;
use cholla_domain::payload::Sealed;
use cholla_domain::ports::{Closing, CommitOutcome, DirectoryCommit, DirectoryStore, RecordKey, Revision};
use cholla_domain::time::Timestamp;

use super::{MemoryStore, State};

/// Records, their revision and the audit log.
#[derive(Debug, Default)]
pub(super) struct Records {
    sealed: BTreeMap<RecordKey, Sealed>,
    revision: Revision,
    audit: Vec<(u64, Timestamp, Sealed)>,
}

impl Records {
    pub(super) fn erase(&mut self) {
        *self = Self { revision: Revision(self.revision.0 + 1), ..Self::default() };
    }
}

impl State {
    fn commit(&mut self, commit: DirectoryCommit) -> CommitOutcome {
        if self.directory.revision != commit.expects {
            return CommitOutcome::Moved;
        }
        if commit.closed.iter().any(|closing| self.key(closing.namespace) != closing.key) {
            return CommitOutcome::KeyMoved;
        }
        let directory = &mut self.directory;
        directory.revision.0 += 1;
        directory.sealed.extend(commit.puts);
        for key in &commit.removals {
            directory.sealed.remove(key);
        }
        for entry in commit.audit {
            let number = directory.audit.len() as u64 + 1;
            directory.audit.push((number, commit.now, entry));
        }
        self.outbox.queue(commit.deliveries, commit.now);
        let revision = self.directory.revision;
        for Closing { namespace, erasure, .. } in commit.closed {
            if let Some(owner) = self.owner(namespace) {
                self.keys[owner].wrapped = None;
                self.erasures.begin(erasure, owner);
            }
            self.closed.insert(*namespace.as_bytes(), revision);
        }
        self.closed.extend(commit.offboarded.iter().map(|user| (*user.as_bytes(), revision)));
        CommitOutcome::Done
    }
}

#[async_trait]
impl DirectoryStore for MemoryStore {
    fn load(&self, _threads: usize, take: &(dyn Fn(usize, RecordKey, &[u8]) + Sync)) -> Result<Revision, StoreError> {
        let state = self.state();
        for (key, sealed) in &state.directory.sealed {
            take(0, *key, sealed.as_bytes());
        }
        Ok(state.directory.revision)
    }

    async fn commit(&self, commit: DirectoryCommit) -> Result<CommitOutcome, StoreError> {
        Ok(self.state().commit(commit))
    }

    async fn audit(&self, before: Option<u64>, max: usize) -> Result<Vec<(u64, Timestamp, Sealed)>, StoreError> {
        let state = self.state();
        let older = |entry: &&(u64, Timestamp, Sealed)| before.is_none_or(|before| entry.0 < before);
        Ok(state.directory.audit.iter().rev().filter(older).take(max).cloned().collect())
    }
}
