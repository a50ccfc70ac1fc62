//! One request of the admin API, and its answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use cholla_domain::directory::change::AuditEntry;
use cholla_domain::directory::decision::{Context, Decision};
use cholla_domain::directory::install::InstallView;
use cholla_domain::directory::state::Directory;
use cholla_domain::id::{AccountId, InstallId};
use cholla_domain::operator::OperatorError;
use cholla_domain::time::Timestamp;
use cholla_wire::installs;
use serde_json::{Value, json};

use super::failure::Failure;
use super::given::Given;
use super::{Admin, Token};
use crate::keeper::{Asked, Batch};

/// A request that was let in and read.
pub(super) struct Call {
    /// The server.
    pub(super) admin: Arc<Admin>,
    /// What it is judged by.
    pub(super) token: Token,
    /// Who asks, as the audit log names them.
    pub(super) by: String,
    /// What stands in the path, in its order.
    pub(super) path: Vec<String>,
    /// What it gives.
    pub(super) given: Given,
    /// Its second.
    pub(super) now: Timestamp,
}

/// An answer with 200.
pub(super) enum Answer {
    /// An object.
    One(Value),
    /// A page of objects, whether there are more, and where they begin where the last object does not say so.
    Page(Vec<Value>, bool, Option<String>),
    /// JSON as another crate wrote it.
    Written(Vec<u8>),
}

impl Answer {
    /// Its bytes.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self {
            Self::One(object) => format!("{object:#}\n").into_bytes(),
            Self::Page(data, has_more, next) => {
                let mut page = json!({"object": "list", "data": data, "has_more": has_more});
                if let Some(next) = next {
                    page["next"] = next.into();
                }
                format!("{page:#}\n").into_bytes()
            }
            Self::Written(bytes) => bytes,
        }
    }

    /// An `apps.install`.
    pub(super) fn install(view: &InstallView) -> Self {
        Self::Written(installs::install(view, None))
    }

    /// A page of them.
    pub(super) fn installs(views: &[InstallView], has_more: bool) -> Self {
        let mut bytes = b"{\"object\": \"list\", \"data\": [".to_vec();
        for (number, view) in views.iter().enumerate() {
            bytes.extend_from_slice(if number > 0 { b", " } else { b"" });
            bytes.extend_from_slice(installs::install(view, None).trim_ascii_end());
        }
        bytes.extend_from_slice(format!("], \"has_more\": {has_more}}}\n").as_bytes());
        Self::Written(bytes)
    }
}

impl Call {
    /// What stands at a place of the path.
    pub(super) fn named(&self, place: usize) -> &str {
        self.path.get(place).map_or("", String::as_str)
    }

    /// The account that the path names first.
    pub(super) fn account(&self) -> AccountId {
        AccountId::new(self.named(0))
    }

    /// The install that the path names first.
    pub(super) fn install(&self) -> Result<InstallId, Failure> {
        InstallId::parse(self.named(0)).ok_or_else(|| OperatorError::NoInstall.into())
    }

    /// Decides a change and commits it. The token is judged once more in the same turn, so that nothing is changed with one that another
    /// change has revoked meanwhile; and the second is that of the decision, so that nothing is dated before what it has waited for.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        decide: impl FnOnce(&Context<'_>, &str) -> Result<Decision<T>, OperatorError> + Send + 'static,
    ) -> Result<T, Failure> {
        let (by, admin, token) = (self.by.clone(), Arc::clone(&self.admin), self.token);
        let decided = self.admin.api.keeper.decide(self.asked(), move |ctx| {
            let ctx = Context { now: admin.api.now(), ..*ctx };
            let judged = token.judge(&admin, ctx.directory);
            match judged.and_then(|_| Ok(decide(&ctx, &by)?)) {
                Ok(Decision { change, outcome }) => Decision { change, outcome: Ok(outcome) },
                Err(failure) => Decision::unchanged(Err(failure)),
            }
        });
        decided.await?
    }

    /// Decides several changes, and commits them as one. The token is judged once more in the same turn.
    pub(super) async fn batch<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Batch<'_>) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (admin, token) = (Arc::clone(&self.admin), self.token);
        let done = self.admin.api.keeper.batch(self.asked(), move |batch| {
            batch.decide(|ctx| Decision::unchanged(token.judge(&admin, ctx.directory)))?;
            work(batch)
        });
        done.await?
    }

    /// Writes an entry of the audit log about what was looked at.
    pub(super) async fn audit(&self, action: &str, subject: Vec<(String, String)>) -> Result<(), Failure> {
        let entry = AuditEntry { at: self.now, action: action.to_owned(), actor: self.by.clone(), subject };
        let decided = self.admin.api.keeper.decide(self.asked(), move |_| {
            let mut decision = Decision::unchanged(());
            decision.change.audit.push(entry);
            decision
        });
        Ok(decided.await?)
    }

    pub(super) fn asked(&self) -> Asked {
        Asked { now: self.now, ..self.admin.api.keeper.unasked() }
    }

    /// What is read of the directory, at once.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Directory) -> T) -> T {
        read(&self.admin.api.keeper.read())
    }

    /// What a decision would come to, without making it.
    pub(super) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Context<'_>) -> Result<T, OperatorError> + Send + 'static,
    ) -> Result<T, Failure> {
        self.change(move |ctx, _| look(ctx).map(Decision::unchanged)).await
    }
}

/// The item that `starting_after` names, if the request names one: `found` looks it up.
pub(super) fn cursor<T>(given: &Given, found: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Failure> {
    given.text("starting_after").map(|id| found(id).ok_or_else(Failure::unknown_cursor)).transpose()
}

/// The page of `items` that begins behind the item `after`, in the order of `place`, which is another for each; and whether there are more.
/// No more than the page is kept and sorted, however long the list is: whoever authenticates waits meanwhile.
pub(super) fn cut<T: Copy, P: Ord>(
    items: impl Iterator<Item = T>,
    place: impl Fn(T) -> P,
    after: Option<T>,
    given: &Given,
) -> (Vec<T>, bool) {
    let (after, limit) = (after.map(&place), given.limit());
    let mut page = BTreeMap::new();
    for item in items {
        let own = place(item);
        let is_behind = after.as_ref().is_none_or(|after| own > *after);
        let is_full = page.len() > limit;
        if is_behind && !(is_full && page.last_key_value().is_some_and(|(last, _)| own > *last)) {
            page.insert(own, item);
            if is_full {
                page.pop_last();
            }
        }
    }
    let has_more = page.len() > limit;
    (page.into_values().take(limit).collect(), has_more)
}

/// The answer with that page.
pub(super) fn page<T: Copy, P: Ord>(
    items: impl Iterator<Item = T>,
    place: impl Fn(T) -> P,
    after: Option<T>,
    given: &Given,
    show: impl FnMut(T) -> Value,
) -> Answer {
    let (page, has_more) = cut(items, place, after, given);
    Answer::Page(page.into_iter().map(show).collect(), has_more, None)
}
