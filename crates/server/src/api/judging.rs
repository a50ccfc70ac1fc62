//! On what a write is judged. An uninstall or an offboarding that is committed while the write is on its way overtakes it: the store refuses
//! it inside its transaction, and its caller is judged again, like any that comes after.

use cholla_domain::limits::JUDGEMENTS_MAX;
use cholla_domain::place::Scope;
use cholla_domain::ports::Judgement;
use cholla_domain::principal::Principal;
use cholla_wire::error::ApiError;

use super::Call;
use crate::authenticate::{Caller, authenticate};
use crate::service::keep_failed;
use crate::state::Api;

/// The judgements of one write, one after the other.
pub(super) struct Judging<'a> {
    call: &'a Call<'a>,
    /// The last one after the first.
    again: Option<Caller>,
    /// How many there were.
    judged: usize,
}

impl<'a> Judging<'a> {
    /// That of a request, which has been judged once.
    pub(super) fn of(call: &'a Call<'a>) -> Self {
        Self { call, again: None, judged: 0 }
    }

    /// The caller of a write to `scope`, and what it was judged on: the first time as it was, afterwards judged again.
    ///
    /// # Errors
    /// When the caller may not any more, or the directory does not come to rest.
    pub(super) async fn next(&mut self, api: &Api, scope: &Scope) -> Result<(&Principal, Judgement), ApiError> {
        let mut judged = if self.judged == 0 { self.call.caller.judged } else { None };
        self.judged += 1;
        let at = loop {
            if let Some(at) = judged {
                break at;
            }
            if self.judged > JUDGEMENTS_MAX {
                return Err(ApiError::unavailable());
            }
            self.judged += 1;
            api.keeper.settle().await.map_err(|error| keep_failed(&error, self.call.id))?;
            judged = self.again.insert(authenticate(api, self.call.headers, self.call.now)?).judged;
        };
        let principal = &self.again.as_ref().unwrap_or(self.call.caller).principal;
        let user = match scope {
            Scope::Account => None,
            Scope::User(user) => Some(api.keeper.user_tag(&principal.namespace.account, user)),
        };
        Ok((principal, Judgement { at, user }))
    }
}

#[cfg(test)]
mod tests;
