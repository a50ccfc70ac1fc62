//! Create: an account installs its own app, or a developer installs its app on another account (contract 10.2, 13.3 to 13.6).

use super::code::issue_code;
use super::kept::{Claim, finished, refused, replayed};
use super::{Answered, InstallError, NewInstall, Party, Right, lifecycle, view};
use crate::directory::access::InstallCaller;
use crate::directory::app::{ApiAccess, App, Asks};
use crate::directory::change::Change;
use crate::directory::decision::{Context, Decision, Drawn};
use crate::directory::erasure::ErasureTarget;
use crate::directory::install::{Channel, Install};
use crate::directory::kept::{KeptInstall, KeptOperation, StateRefusal};
use crate::directory::record::Record;
use crate::directory::state::Directory;
use crate::id::AccountId;
use crate::livemode::Livemode;
use crate::time::is_expired;

/// A create as a client asked for it.
#[derive(Clone, Copy, Debug)]
pub struct CreateRequest<'a> {
    /// The app's `app_` id or manifest id, whatever the client sent.
    pub app: &'a str,
    /// The channel; absent it is `public`.
    pub channel: Option<Channel>,
    /// The challenge of the code, which a create on the own account has no use for.
    pub challenge: Option<&'a str>,
    /// The parameters in a canonical form, to tell a retry from another request.
    pub parameters: &'a [&'a [u8]],
}

/// What there is to do: the install as it will be, the change that makes it so, and whether its answer has a code.
type Created = (Install, Change, bool);

/// Installs an app.
///
/// # Errors
/// 18.12, 18.6 or 18.7, 18.3 or 18.10, 6.25, 6.28, in that order. 18.8, 18.9 and 18.14 are answers, because they are kept.
pub fn create(
    ctx: &Context<'_>,
    caller: &InstallCaller,
    request: &CreateRequest<'_>,
) -> Result<Decision<Answered>, InstallError> {
    let party = Party::of(caller, Right::Write)?;
    let channel = channel(party, request.channel)?;
    let app = app(ctx.directory, party, channel, request.app)?;
    let claim = Claim::of(ctx, caller, KeptOperation::Create, "", request.parameters);
    if let Some(kept) = claim.as_ref().map(|claim| claim.kept(ctx)).transpose()?.flatten() {
        return Ok(replay(ctx, kept, request.challenge));
    }
    let created = match party {
        Party::Own { account, livemode, .. } => on_own_account(ctx, app, account, livemode),
        Party::Developer { account, livemode, .. } => through_header(ctx, app, account, livemode, channel),
    };
    let (install, mut change, wants_code) = match created {
        Ok(created) => created,
        Err(refusal) => return refused(ctx, claim, None, refusal),
    };
    if !change.is_empty() {
        let is_new = ctx.directory.install(&install.id).is_none();
        change.audit.push(party.entry(ctx, if is_new { "install.created" } else { "install.authorized" }, &install));
    }
    let code = wants_code.then(|| put_code(ctx, &install, request.challenge, &mut change));
    finished(ctx, claim, (view(ctx.directory, &install), change), code)
}

/// The channel, if the caller installs on it (18.6, 18.7).
fn channel(party: Party<'_>, asked: Option<Channel>) -> Result<Channel, InstallError> {
    let channel = asked.unwrap_or(Channel::Public);
    let is_private = matches!(channel, Channel::PrivateLive | Channel::PrivateTest);
    match party {
        Party::Own { .. } if !is_private => Err(InstallError::PrivateChannelNeeded),
        Party::Own { livemode, .. } if channel != Channel::private(livemode) => {
            Err(InstallError::PrivateChannelRefused { own: Some(Channel::private(livemode)) })
        }
        Party::Developer { .. } if is_private => Err(InstallError::PrivateChannelRefused { own: None }),
        Party::Own { .. } | Party::Developer { .. } => Ok(channel),
    }
}

/// The app, if the caller may install it on that channel (18.3, 18.10).
fn app<'d>(directory: &'d Directory, party: Party<'_>, channel: Channel, name: &str) -> Result<&'d App, InstallError> {
    let app = directory.app_named(name).ok_or(InstallError::UnknownApp)?;
    if app.owner == *party.key_account() {
        Ok(app)
    } else if channel == Channel::Public {
        Err(InstallError::Embedding)
    } else {
        Err(InstallError::UnknownApp)
    }
}

/// 13.3: the newest upload, with all that it asks for.
fn on_own_account(
    ctx: &Context<'_>,
    app: &App,
    account: &AccountId,
    livemode: Livemode,
) -> Result<Created, StateRefusal> {
    let (channel, upload) = (Channel::private(livemode), app.newest());
    let by = lifecycle::Actor::Account;
    let (install, change) = match ctx.directory.install_of(&app.id, account, livemode) {
        Some(install) if install.channel != channel => return Err(StateRefusal::OtherChannel(install.channel)),
        Some(install) => lifecycle::authorize_all(ctx, by, install),
        None => {
            let granted = upload.manifest.asks.clone();
            let new = NewInstall { app, account, livemode, channel, upload, granted, id: None };
            lifecycle::begin_install(ctx, by, new)
        }
    };
    Ok((install, change, false))
}

/// 13.4: what is there already stays as it is; a new install needs a connection.
fn through_header(
    ctx: &Context<'_>,
    app: &App,
    account: &AccountId,
    livemode: Livemode,
    channel: Channel,
) -> Result<Created, StateRefusal> {
    let is_oauth = |access: ApiAccess| access == ApiAccess::OAuth;
    match ctx.directory.install_of(&app.id, account, livemode) {
        Some(install) if install.channel != channel => return Err(StateRefusal::OtherChannel(install.channel)),
        Some(install) => {
            let wants_code = ctx.directory.access_of(install).is_some_and(is_oauth);
            return Ok((install.clone(), Change::default(), wants_code));
        }
        None => {}
    }
    let offered = if channel == Channel::Public { app.published() } else { Some(app.newest()) };
    let upload = offered.ok_or(StateRefusal::NothingToInstall(channel))?;
    if !ctx.directory.is_connected(&app.owner, account) {
        return Err(StateRefusal::NotConnected);
    }
    let asks = &upload.manifest.asks;
    let granted = granted_before(ctx, app, account, livemode).map_or(asks.clone(), |before| asks.intersection(before));
    let new = NewInstall { app, account, livemode, channel, upload, granted, id: None };
    let (install, change) = lifecycle::begin_install(ctx, lifecycle::Actor::Developer, new);
    Ok((install, change, is_oauth(upload.manifest.api_access)))
}

/// What the account had granted the app when it ended there within the grace period, unless the secrets of that time are gone.
fn granted_before<'d>(ctx: &Context<'d>, app: &App, account: &AccountId, livemode: Livemode) -> Option<&'d Asks> {
    let ended = ctx.directory.ended_at(&app.id, account, livemode).next_back()?;
    let namespace = Directory::namespace(&app.owner, account, livemode);
    let is_over = ctx.directory.ending(&namespace).is_some_and(|ending| is_expired(Some(ending.erase_at), ctx.now));
    if is_over || is_expired(Some(ended.ended_at.plus(ctx.grace_seconds)), ctx.now) {
        return None;
    }
    let last = ctx.directory.last_erasure(&ErasureTarget::Namespace(namespace));
    let is_erased = last.is_some_and(|erasure| erasure.started_at >= ended.ended_at);
    (!is_erased).then_some(&ended.install.granted)
}

/// Draws a code of an install and adds its grant to the change.
fn put_code(ctx: &Context<'_>, install: &Install, challenge: Option<&str>, change: &mut Change) -> Drawn {
    let grant = ctx.directory.grant(&install.id);
    let (grant, code) = issue_code(ctx, grant, install.id, challenge.map(str::to_owned), None);
    change.put(Record::Grant(Box::new(grant)));
    code
}

/// The result that is kept, with a fresh code while the one that it brought last is unused (contract 10.13).
fn replay(ctx: &Context<'_>, kept: &KeptInstall, challenge: Option<&str>) -> Decision<Answered> {
    let mut decision = Decision::unchanged(replayed(kept));
    let install = kept.install.and_then(|id| ctx.directory.install(&id));
    let unused = kept.install.and_then(|id| ctx.directory.grant(&id)?.code.as_ref().map(|code| code.key));
    if let Some(install) = install
        && unused.is_some()
        && unused == kept.code
    {
        let code = put_code(ctx, install, challenge, &mut decision.change);
        let kept = KeptInstall { code: Some(code.key), ..kept.clone() };
        decision.change.put(Record::Kept(Box::new(kept)));
        decision.outcome.code = Some(code);
    }
    decision
}
