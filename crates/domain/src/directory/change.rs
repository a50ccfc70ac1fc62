//! A change of the directory: decided as one, committed as one, applied as one.

use super::codec::{Decoder, Encoder, Layout, layout};
use super::event::Event;
use super::record::{Record, RecordName};
use crate::place::Namespace;
use crate::tag::ErasureId;
use crate::time::Timestamp;

/// One step of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordChange {
    /// Creates or replaces.
    Put(Record),
    /// Removes.
    Remove(RecordName),
}

/// An entry of the audit log. It is sealed like everything else; it holds no secret and no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When.
    pub at: Timestamp,
    /// What happened, such as `oauth.refresh_token_reused`.
    pub action: String,
    /// Who did it: an account, an admin token's id, or `cholla`.
    pub actor: String,
    /// To what: pairs of a word and an id.
    pub subject: Vec<(String, String)>,
}
layout!(AuditEntry { at, action, actor, subject });

impl AuditEntry {
    /// Its bytes, before they are sealed.
    pub fn encode(&self) -> zeroize::Zeroizing<Vec<u8>> {
        let mut out = Encoder::default();
        out.fixed(&[1]);
        Layout::encode(self, &mut out);
        out.finish()
    }

    /// Reads an entry.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Decoder::new(bytes);
        let entry = if input.fixed()? == [1] { Layout::decode(&mut input) } else { None };
        entry.filter(|_| input.is_at_end())
    }
}

/// Everything that one operation changes. Later steps see what earlier steps of the same change did only once it is applied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// The records, in the order in which they are applied.
    pub records: Vec<RecordChange>,
    /// What is told to whom.
    pub events: Vec<Event>,
    /// What is written into the audit log.
    pub audit: Vec<AuditEntry>,
    /// Namespaces whose key is destroyed.
    pub destroyed: Vec<(Namespace, ErasureId)>,
}

impl Change {
    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.events.is_empty() && self.audit.is_empty() && self.destroyed.is_empty()
    }

    /// Adds a record to create or replace.
    pub fn put(&mut self, record: Record) {
        self.records.push(RecordChange::Put(record));
    }

    /// Adds a record to remove.
    pub fn remove(&mut self, name: RecordName) {
        self.records.push(RecordChange::Remove(name));
    }

    /// Adds all that another change does, behind what this one does.
    pub fn append(&mut self, mut other: Self) {
        self.records.append(&mut other.records);
        self.events.append(&mut other.events);
        self.audit.append(&mut other.audit);
        self.destroyed.append(&mut other.destroyed);
    }
}
