//! What a change closes: namespaces whose key it destroys, users whose scopes it erases. The store decides in its own transaction what is
//! there to be destroyed; what the change says of it is looked up before, and looked up again where it was not so.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use cholla_domain::directory::change::{Change, RecordChange};
use cholla_domain::directory::erasure::{Erasure, ErasureTarget};
use cholla_domain::directory::record::{Record, RecordName};
use cholla_domain::id::{AccountId, UserId};
use cholla_domain::ports::Closing;
use cholla_domain::tag::{ErasureId, RecordTag};

use super::{KeepError, Keeper};

/// The namespaces that a change closes, with the keys that they have now.
pub(super) struct Closings {
    /// Each once.
    pub(super) closed: Vec<Closing>,
    /// Which key each erasure destroys; `None`: there is none, and so nothing to erase.
    keys: HashMap<ErasureId, Option<String>>,
}

impl Closings {
    /// A record as it is kept: that of an erasure says which key was destroyed. `None` for one that has nothing to erase.
    pub(super) fn named<'a>(&self, record: &'a Record) -> Option<Cow<'a, Record>> {
        let Record::Erasure(erasure) = record else { return Some(Cow::Borrowed(record)) };
        match self.keys.get(&erasure.id) {
            None => Some(Cow::Borrowed(record)),
            Some(key_id) => {
                let key_id = Some(key_id.clone()?);
                Some(Cow::Owned(Record::Erasure(Box::new(Erasure { key_id, ..(**erasure).clone() }))))
            }
        }
    }

    /// The steps of a change as they were committed. An erasure that has nothing to erase goes where it is shown already.
    pub(super) fn committed(&self, steps: Vec<RecordChange>) -> Vec<RecordChange> {
        if self.keys.is_empty() {
            return steps;
        }
        let committed = steps.into_iter().map(|step| match step {
            RecordChange::Put(Record::Erasure(erasure)) => {
                let id = erasure.id;
                match self.named(&Record::Erasure(erasure)) {
                    Some(record) => RecordChange::Put(record.into_owned()),
                    None => RecordChange::Remove(RecordName::Erasure(id)),
                }
            }
            step => step,
        });
        committed.collect()
    }

    /// Whether a key is destroyed.
    pub(super) fn destroy(&self) -> bool {
        self.closed.iter().any(|closing| closing.key.is_some())
    }
}

impl Keeper {
    /// Looks up the keys of the namespaces that a change closes.
    pub(super) async fn closings(&self, change: &Change) -> Result<Closings, KeepError> {
        let mut closings = Closings { closed: Vec::with_capacity(change.destroyed.len()), keys: HashMap::new() };
        let mut seen = HashSet::new();
        for (namespace, erasure) in &change.destroyed {
            let tag = self.instance.namespace_tag(namespace);
            // A change that closes a namespace twice destroys its key once.
            if !seen.insert(tag) {
                closings.keys.insert(*erasure, None);
                continue;
            }
            let key = self.wrapped_keys.wrapped_key(tag).await?;
            closings.keys.insert(*erasure, key.as_ref().map(cholla_seal::key_id));
            closings.closed.push(Closing { namespace: tag, key, erasure: *erasure });
        }
        Ok(closings)
    }

    /// The users whose scopes a change begins to erase.
    pub(super) fn offboarded(&self, change: &Change) -> Vec<RecordTag> {
        let begun = change.records.iter().filter_map(|step| match step {
            RecordChange::Put(Record::Erasure(erasure)) if erasure.receipt.is_none() => Some(&erasure.target),
            _ => None,
        });
        let users = begun.filter_map(|target| match target {
            ErasureTarget::User { account, user } => Some(self.user_tag(account, user)),
            ErasureTarget::Namespace(_) => None,
        });
        users.collect()
    }

    /// What the store knows a user of an account by.
    pub(crate) fn user_tag(&self, account: &AccountId, user: &UserId) -> RecordTag {
        RecordName::User(account.clone(), user.clone()).key(&*self.instance).tag
    }
}
