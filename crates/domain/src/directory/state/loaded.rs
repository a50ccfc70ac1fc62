//! Records on their way into a directory at a start.

use crate::directory::credential::Credential;
use crate::directory::record::Record;

/// Records that were loaded, in no order: a part of a directory, or all of it.
#[derive(Default)]
pub struct Loaded {
    /// Credentials, of which there are most: they are sorted in beside the others.
    pub credentials: Vec<Box<Credential>>,
    /// All others.
    pub others: LoadedOthers,
}

/// What was loaded beside credentials.
#[derive(Default)]
pub struct LoadedOthers {
    /// Accounts and apps: most others name one.
    pub(super) named: Vec<Record>,
    pub(super) naming: Vec<Record>,
    pub(super) installs: usize,
}

impl Loaded {
    /// Takes one more.
    pub fn push(&mut self, record: Record) {
        match record {
            Record::Account(_) | Record::App(_) => self.others.named.push(record),
            Record::Credential(credential) => self.credentials.push(credential),
            _ => {
                self.others.installs += usize::from(matches!(record, Record::Install(_)));
                self.others.naming.push(record);
            }
        }
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Loaded")
    }
}

impl std::fmt::Debug for LoadedOthers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LoadedOthers")
    }
}
