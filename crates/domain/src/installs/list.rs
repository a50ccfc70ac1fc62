//! List: installs, newest first, in pages (contract 10.1, 10.11, 10.12).

use super::{InstallError, Party, Right, Status, app_of, view};
use crate::directory::access::InstallCaller;
use crate::directory::app::App;
use crate::directory::install::{Channel, Install, InstallView};
use crate::directory::state::{Directory, InstallOrder, Wanted};
use crate::id::{AccountId, InstallId};
use crate::limits::ENDED_CURSOR_SECONDS;
use crate::list::{Cursor, PageLimit};
use crate::livemode::Livemode;
use crate::time::{Timestamp, is_expired};

/// The seconds in which an install was created, both ends inclusive. Bounds combine by narrowing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreatedRange {
    /// Not before.
    pub first: i64,
    /// Not after.
    pub last: i64,
}

impl Default for CreatedRange {
    fn default() -> Self {
        Self { first: i64::MIN, last: i64::MAX }
    }
}

impl CreatedRange {
    /// What both have in common.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { first: self.first.max(other.first), last: self.last.min(other.last) }
    }

    /// `created` itself.
    pub fn at(second: i64) -> Self {
        Self { first: second, last: second }
    }

    /// `created[gt]`
    pub fn after(second: i64) -> Self {
        // After the last second there is nothing.
        second.checked_add(1).map_or(Self { first: i64::MAX, last: i64::MIN }, Self::from)
    }

    /// `created[gte]`
    pub fn from(second: i64) -> Self {
        Self { first: second, ..Self::default() }
    }

    /// `created[lt]`
    pub fn before(second: i64) -> Self {
        second.checked_sub(1).map_or(Self { first: i64::MAX, last: i64::MIN }, Self::until)
    }

    /// `created[lte]`
    pub fn until(second: i64) -> Self {
        Self { last: second, ..Self::default() }
    }
}

/// A list as a client asked for it. Ids are whatever the client sent: what is none is unknown like any other.
#[derive(Clone, Debug, Default)]
pub struct ListRequest {
    /// Installs on this account.
    pub account: Option<String>,
    /// Installs of this app, by either form of its name.
    pub app: Option<String>,
    /// Whether something is pending.
    pub approval_required: Option<bool>,
    /// How they came.
    pub channel: Option<Channel>,
    /// When they came.
    pub created: CreatedRange,
    /// Who made them: nobody that could be named (contract 12.8).
    pub created_by: Option<String>,
    /// Where they stand.
    pub status: Option<Status>,
    /// At most so many.
    pub limit: PageLimit,
    /// Older than this id.
    pub starting_after: Option<String>,
    /// Immediately newer than this id.
    pub ending_before: Option<String>,
}

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallPage {
    /// Newest first.
    pub installs: Vec<InstallView>,
    /// Whether there are more in the direction asked.
    pub has_more: bool,
}

/// Which installs a caller's list shows when it has no filters.
#[derive(Clone, Copy)]
enum Shown<'a> {
    /// 12.1: those on an account.
    On(&'a AccountId),
    /// 12.2: those of an app, on every account.
    Of(&'a App),
    /// 12.3: those of a developer's apps on an account.
    Between(&'a AccountId, &'a AccountId),
}

impl Shown<'_> {
    fn includes(&self, directory: &Directory, install: &Install) -> bool {
        match self {
            Self::On(account) => install.account == **account,
            Self::Of(app) => install.app == app.id,
            Self::Between(developer, account) => {
                install.account == **account && app_of(directory, install).owner == **developer
            }
        }
    }
}

/// Lists installs.
///
/// # Errors
/// 18.12, 18.16, 18.2, 6.20, in that order.
pub fn list(
    directory: &Directory,
    caller: &InstallCaller,
    request: &ListRequest,
    now: Timestamp,
) -> Result<InstallPage, InstallError> {
    let party = Party::of(caller, Right::Read)?;
    let app = request.app.as_deref().map(|name| directory.app_named(name));
    let shown = match (party, app.flatten()) {
        (Party::Developer { developer, account, .. }, _) => Shown::Between(developer, account),
        (Party::Own { account, .. }, Some(app)) if app.owner == *account => Shown::Of(app),
        (Party::Own { account, .. }, _) => Shown::On(account),
    };
    let account = request.account.as_deref().map(AccountId::new);
    if !matches!(shown, Shown::Of(_)) && account.as_ref().is_some_and(|named| named != party.account()) {
        return Err(InstallError::AccountNotActedOn);
    }
    let scope = Scope { directory, shown, livemode: party.livemode() };
    let (after, before) = scope.cursors(request, now)?;
    let empty = request.created_by.is_some()
        || request.status.is_some_and(|status| status != Status::Installed)
        || matches!(app, Some(None));
    if empty {
        return Ok(InstallPage { installs: Vec::new(), has_more: false });
    }
    let filter = Filter { app: app.flatten(), account, request };
    Ok(scope.page(&filter, after, before))
}

/// What of the list is asked for.
struct Filter<'a> {
    app: Option<&'a App>,
    account: Option<AccountId>,
    request: &'a ListRequest,
}

impl Filter<'_> {
    /// The installs that pass, apart from the app and the account, between the places of both cursors.
    fn wanted(&self, livemode: Livemode, after: Option<InstallOrder>, before: Option<InstallOrder>) -> Wanted {
        let created = self.request.created;
        // The place before every install of a second. Installs are counted from 1.
        let start = |second: i64| (Timestamp::from_unix(second), 0, InstallId::FIRST);
        Wanted {
            livemode,
            channel: self.request.channel,
            is_pending: self.request.approval_required,
            behind: before.into_iter().chain((created.first != i64::MIN).then(|| start(created.first))).max(),
            before: after.into_iter().chain(created.last.checked_add(1).map(start)).min(),
            newest_first: before.is_none(),
        }
    }
}

/// A caller's list without its filters.
struct Scope<'a> {
    directory: &'a Directory,
    shown: Shown<'a>,
    livemode: Livemode,
}

impl Scope<'_> {
    /// The places of both cursors: an unknown one is reported before that there are two.
    fn cursors(
        &self,
        request: &ListRequest,
        now: Timestamp,
    ) -> Result<(Option<InstallOrder>, Option<InstallOrder>), InstallError> {
        let place = |cursor: &Option<String>, which| match cursor {
            None => Ok(None),
            Some(text) => self.place(text, now).map(Some).ok_or(InstallError::UnknownCursor(which)),
        };
        let after = place(&request.starting_after, Cursor::StartingAfter)?;
        let before = place(&request.ending_before, Cursor::EndingBefore)?;
        if after.is_some() && before.is_some() { Err(InstallError::BothCursors) } else { Ok((after, before)) }
    }

    /// Where an install stands, or for a day where it stood, in the list without filters.
    fn place(&self, id: &str, now: Timestamp) -> Option<InstallOrder> {
        let id = InstallId::parse(id).filter(|id| id.livemode() == self.livemode)?;
        let install = self.directory.install(&id).or_else(|| {
            let ended = self.directory.ended(&id)?;
            let marks = !is_expired(Some(ended.ended_at.plus(ENDED_CURSOR_SECONDS)), now);
            marks.then_some(&ended.install)
        })?;
        self.shown.includes(self.directory, install).then_some((install.created_at, install.sequence, install.id))
    }

    /// The page after or before a place, or the first one.
    fn page(&self, filter: &Filter<'_>, after: Option<InstallOrder>, before: Option<InstallOrder>) -> InstallPage {
        let limit = filter.request.limit.get();
        let mut places = self.places(filter, &filter.wanted(self.livemode, after, before), limit + 1);
        let has_more = places.len() > limit;
        places.truncate(limit);
        if before.is_some() {
            places.reverse();
        }
        let installs = places.iter().filter_map(|(_, _, id)| self.directory.install(id));
        InstallPage { installs: installs.map(|install| view(self.directory, install)).collect(), has_more }
    }

    /// The first `max` that pass.
    fn places(&self, filter: &Filter<'_>, wanted: &Wanted, max: usize) -> Vec<InstallOrder> {
        let directory = self.directory;
        match (self.shown, filter.app, &filter.account) {
            // An app is on an account at most once: there is nothing to walk through.
            (Shown::Of(app), _, Some(account)) | (Shown::On(account), Some(app), _) => {
                directory.page_of(directory.install_of(&app.id, account, self.livemode), wanted, max)
            }
            (Shown::Of(app), _, None) => directory.page_of_app(&app.id, wanted, max),
            (Shown::On(account), None, _) => directory.page_on_account(account, wanted, max),
            (Shown::Between(developer, account), app, _) => {
                let installs = directory.installs_between(developer, account, self.livemode);
                let passing = installs.filter(|install| app.is_none_or(|app| app.id == install.app));
                directory.page_of(passing, wanted, max)
            }
        }
    }
}
