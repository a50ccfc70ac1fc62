//! Credentials: created, rolled, expired and revoked. Shown once, kept as a keyed hash.

use zeroize::Zeroizing;

use super::{OperatorError, account_of, app_named, entry_about, overlap_end};
use crate::directory::CredentialHash;
use crate::directory::app::ApiAccess;
use crate::directory::change::{AuditEntry, Change, RecordChange};
use crate::directory::credential::{Credential, CredentialKey, CredentialKind, InstallRights, Role, Tail};
use crate::directory::decision::{Context, Decision, Drawn};
use crate::directory::install::Install;
use crate::directory::record::Record;
use crate::directory::state::{Directory, effective};
use crate::id::{AccountId, AppId, InstallId, UserId};
use crate::limits::{
    ACCESS_TOKEN_SECONDS, ADMIN_TOKEN_CHARS, EMBEDDED_KEY_SECONDS_DEFAULT, EMBEDDED_KEY_SECONDS_MAX, KEY_CHARS,
};
use crate::livemode::Livemode;
use crate::name::is_legal;
use crate::time::{Expiry, Timestamp};

/// Permissions that an app's credential may list.
const SECRET_PERMISSIONS: &[&str] = &["secret_read", "secret_write"];
/// Permissions that an account's own restricted key may list (contract 12.9).
const INSTALL_PERMISSIONS: &[&str] = &["app_install_read", "app_install_write"];
/// Characters that a value needs for its last four to be shown.
const TAIL_SHOWN_CHARS: usize = 20;

/// What a credential is to be.
#[derive(Clone, Copy, Debug)]
pub enum NewKind<'a> {
    /// An account's secret key.
    Secret,
    /// An account's own restricted key, for the Install API only.
    AccountRestricted,
    /// A restricted key of an app, in any of its names.
    Restricted(&'a str),
    /// An OAuth access token of an app.
    OAuth(&'a str),
    /// An app embedded key of a user.
    Embedded(&'a str, &'a UserId),
    /// A publishable key.
    Publishable,
    /// A token of the admin API.
    Admin(Role),
}

/// A credential, as the operator asks for it.
#[derive(Clone, Debug)]
pub struct NewCredential<'a> {
    /// What it is.
    pub kind: NewKind<'a>,
    /// The account that it belongs to; for an app's the installing account. An admin token has none: the empty id.
    pub account: &'a AccountId,
    /// Its mode. An admin token has none; it counts as test.
    pub livemode: Livemode,
    /// What it may do at most. Needed by an account's own restricted key; of an app's credential the install's grants count beside it.
    pub permissions: Option<&'a [String]>,
    /// From then on it is refused as expired; absent: never.
    pub expires_at: Option<Timestamp>,
    /// Its value, where it is given; otherwise it is drawn.
    pub value: Option<Zeroizing<String>>,
}

/// A credential with its value, which is shown this once.
#[derive(Debug)]
pub struct Shown {
    /// The credential.
    pub credential: Credential,
    /// The value.
    pub drawn: Drawn,
}

/// What the values of a kind begin with; the mode follows. One that is drawn has the first of them.
fn prefixes(kind: &CredentialKind) -> &'static [&'static str] {
    match kind {
        CredentialKind::Secret => &["sk_"],
        CredentialKind::AccountRestricted(_) | CredentialKind::Restricted { .. } => &["rk_"],
        CredentialKind::OAuth { .. } => &["rk_", "sk_"],
        CredentialKind::Embedded { .. } => &["ek_"],
        CredentialKind::Publishable { .. } => &["pk_"],
        CredentialKind::Admin(_) => &["admin_"],
    }
}

/// Whether a value that names no mode at all is one of the kind: OAuth tokens, publishable keys and admin tokens need not.
fn needs_mode(kind: &CredentialKind) -> bool {
    !matches!(kind, CredentialKind::OAuth { .. } | CredentialKind::Publishable { .. } | CredentialKind::Admin(_))
}

/// A credential that is drawn: it begins now and belongs to no install.
pub(super) fn draw_credential(
    ctx: &Context<'_>,
    kind: CredentialKind,
    account: &AccountId,
    livemode: Livemode,
) -> (Drawn, Credential) {
    let prefix = prefixes(&kind)[0];
    let drawn = match kind {
        CredentialKind::Admin(_) => Drawn::draw(ctx.mint, prefix, ADMIN_TOKEN_CHARS),
        _ => Drawn::draw(ctx.mint, &format!("{prefix}{}_", livemode.as_str()), KEY_CHARS),
    };
    let credential = credential_of(ctx, &drawn, kind, (account, livemode));
    (drawn, credential)
}

/// The end of a key that is shown behind the prefix of its kind and mode (contract section 6): of a long one, and of an OAuth token only
/// where it has the usual prefix, because nobody knows later which one it had.
pub fn shown_tail(kind: &CredentialKind, livemode: Livemode, value: &str) -> Tail {
    let is_usual = match kind {
        CredentialKind::OAuth { .. } => value.starts_with(&format!("rk_{}_", livemode.as_str())),
        _ => true,
    };
    let tail = value.as_bytes().last_chunk().copied();
    tail.filter(|_| is_usual && value.len() >= TAIL_SHOWN_CHARS)
}

fn credential_of(
    ctx: &Context<'_>,
    drawn: &Drawn,
    kind: CredentialKind,
    (account, livemode): (&AccountId, Livemode),
) -> Credential {
    let kind = match kind {
        CredentialKind::Publishable { .. } => CredentialKind::Publishable { value: drawn.value.to_string() },
        other => other,
    };
    let tail = shown_tail(&kind, livemode, &drawn.value);
    Credential {
        key: drawn.key,
        kind,
        account: account.clone(),
        livemode,
        permissions: None,
        install: None,
        tail,
        created_at: ctx.now,
        expires_at: None,
        revoked_at: None,
    }
}

/// Creates a credential. An app's belongs to the install of the app there, or to the first one to come. An embedded key lives for at most
/// [`EMBEDDED_KEY_SECONDS_MAX`], [`EMBEDDED_KEY_SECONDS_DEFAULT`] where nothing is said (contract 5.5), an OAuth token for at most
/// [`ACCESS_TOKEN_SECONDS`], and so long where nothing is said (contract 15.6).
///
/// # Errors
/// When there is no such account or app, or something about it is illegal or taken.
pub fn create_credential(
    ctx: &Context<'_>,
    by: &str,
    new: NewCredential<'_>,
) -> Result<Decision<Shown>, OperatorError> {
    let NewCredential { kind, account, livemode, permissions, expires_at, value } = new;
    if !matches!(kind, NewKind::Admin(_)) {
        account_of(ctx.directory, account)?;
    }
    let kind = checked_kind(ctx.directory, kind, permissions)?;
    if let Some(at) = expires_at {
        Expiry::parse(at, ctx.now)?;
        if longest_life(&kind).is_some_and(|seconds| at > ctx.now.plus(seconds)) {
            return Err(too_long(&kind));
        }
    }
    let expires_at = expires_at.or_else(|| lifetime(&kind, None).map(|seconds| ctx.now.plus(seconds)));
    let (drawn, mut credential) = match value {
        None => draw_credential(ctx, kind, account, livemode),
        Some(value) => {
            check_value(&value, &kind, livemode)?;
            let key = CredentialKey::of(&ctx.mint.hash(value.as_bytes()));
            let drawn = Drawn { value, key };
            let credential = credential_of(ctx, &drawn, kind, (account, livemode));
            (drawn, credential)
        }
    };
    if ctx.directory.credential(&drawn.key).is_some() {
        return Err(OperatorError::ValueTaken);
    }
    credential.expires_at = expires_at;
    if credential.kind.app().is_some() {
        credential.permissions = permissions.map(|names| effective(&names.iter().cloned().collect()));
    }
    let mut change = Change::default();
    if let Some(app) = credential.kind.app()
        && let Some(install) = ctx.directory.install_of(app, account, livemode)
    {
        credential.install = Some(install.id);
        change.records.extend(as_restricted_key(ctx, install, &credential).map(RecordChange::Put));
    }
    change.put(Record::Credential(Box::new(credential.clone())));
    change.audit.push(credential_entry(ctx, by, "key.created", &credential));
    Ok(Decision { change, outcome: Shown { credential, drawn } })
}

/// The restricted key of an install is known to it, so that issuing another rolls it (contract 16.2).
fn as_restricted_key(ctx: &Context<'_>, install: &Install, credential: &Credential) -> Option<Record> {
    let has_one = install.restricted_key.and_then(|key| ctx.directory.credential(&key));
    let counts = matches!(credential.kind, CredentialKind::Restricted { .. })
        && ctx.directory.access_of(install) == Some(ApiAccess::RestrictedApiKey)
        && has_one.is_none_or(|own| !own.is_live(ctx.now));
    counts.then(|| Record::Install(Box::new(Install { restricted_key: Some(credential.key), ..install.clone() })))
}

/// An entry of the audit log about a credential: what it is, for whom, what it may do, and until when.
pub fn credential_entry(ctx: &Context<'_>, by: &str, action: &str, credential: &Credential) -> AuditEntry {
    let id = credential.key.to_string();
    let install = credential.install.map(|install| install.to_string());
    let expires_at = credential.expires_at.map(|at| at.as_unix().to_string());
    let permissions = permission_names(credential).map(|names| names.join(" "));
    let mut subject = vec![("key", &*id), ("kind", credential.kind.as_str())];
    match &credential.kind {
        CredentialKind::Admin(role) => subject.push(("role", role.as_str())),
        kind => {
            subject.extend([("account", credential.account.as_str()), ("mode", credential.livemode.as_str())]);
            subject.extend(kind.app().map(|app| ("app", app.as_str())));
        }
    }
    subject.extend(install.as_deref().map(|install| ("install", install)));
    subject.extend(permissions.as_deref().map(|names| ("permissions", names)));
    subject.extend(expires_at.as_deref().map(|at| ("until", at)));
    entry_about(ctx, by, action, &subject)
}

/// What a credential may do at most, in the names that it was asked for with; `None` where it has no permissions of its own.
pub fn permission_names(credential: &Credential) -> Option<Vec<&'static str>> {
    let chosen =
        |all: [(&'static str, bool); 2]| all.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect();
    match &credential.kind {
        CredentialKind::AccountRestricted(rights) => {
            Some(chosen([("app_install_read", rights.read), ("app_install_write", rights.write)]))
        }
        _ => credential.permissions.map(|own| chosen([("secret_read", own.read), ("secret_write", own.write)])),
    }
}

/// Seconds for which a credential lives, however it is made, that is to live for `asked` seconds; `None`: forever. A session and an OAuth
/// token are short-lived (contract 5.5, 15.6): they live for no longer than their kind does, also where nothing is said.
pub fn lifetime(kind: &CredentialKind, asked: Option<i64>) -> Option<i64> {
    let Some(longest) = longest_life(kind) else { return asked };
    let usual = if matches!(kind, CredentialKind::Embedded { .. }) { EMBEDDED_KEY_SECONDS_DEFAULT } else { longest };
    Some(asked.unwrap_or(usual).min(longest))
}

fn too_long(kind: &CredentialKind) -> OperatorError {
    match kind {
        CredentialKind::Embedded { .. } => OperatorError::Lifetime,
        kind => OperatorError::BeyondLifetime(kind.as_str()),
    }
}

/// Seconds for which credentials of a kind live at most.
fn longest_life(kind: &CredentialKind) -> Option<i64> {
    match kind {
        CredentialKind::Embedded { .. } => Some(EMBEDDED_KEY_SECONDS_MAX),
        CredentialKind::OAuth { .. } => Some(ACCESS_TOKEN_SECONDS),
        _ => None,
    }
}

/// The kind, with its app looked up and its permissions judged.
fn checked_kind(
    directory: &Directory,
    kind: NewKind<'_>,
    permissions: Option<&[String]>,
) -> Result<CredentialKind, OperatorError> {
    let app_id = |name: &str| app_named(directory, name).map(|app| app.id.clone());
    let among = |known: &'static [&'static str]| {
        let unknown = permissions.unwrap_or_default().iter().any(|name| !known.contains(&name.as_str()));
        if unknown { Err(OperatorError::PermissionUnknown(known)) } else { Ok(()) }
    };
    let none = |kind| if permissions.is_some() { Err(OperatorError::PermissionsRefused(kind)) } else { Ok(()) };
    match kind {
        NewKind::Secret => none("secret").map(|()| CredentialKind::Secret),
        NewKind::Publishable => none("publishable").map(|()| CredentialKind::Publishable { value: String::new() }),
        NewKind::Admin(role) => none("admin").map(|()| CredentialKind::Admin(role)),
        NewKind::AccountRestricted => {
            among(INSTALL_PERMISSIONS)?;
            let has = |name: &str| permissions.unwrap_or_default().iter().any(|own| own == name);
            let (read, write) = (has("app_install_read"), has("app_install_write"));
            let rights = InstallRights { read: read || write, write };
            if read || write {
                Ok(CredentialKind::AccountRestricted(rights))
            } else {
                Err(OperatorError::PermissionsMissing)
            }
        }
        NewKind::Restricted(app) => {
            let app = app_id(app)?;
            among(SECRET_PERMISSIONS).map(|()| CredentialKind::Restricted { app })
        }
        NewKind::OAuth(app) => {
            let app = app_id(app)?;
            among(SECRET_PERMISSIONS).map(|()| CredentialKind::OAuth { app })
        }
        NewKind::Embedded(app, user) => {
            let app = app_id(app)?;
            if !is_legal(user.as_str()) {
                return Err(OperatorError::TextIllegal("user"));
            }
            among(SECRET_PERMISSIONS).map(|()| CredentialKind::Embedded { app, user: user.clone() })
        }
    }
}

/// A value says nothing else than the kind and the mode.
fn check_value(value: &str, kind: &CredentialKind, livemode: Livemode) -> Result<(), OperatorError> {
    // A client could not present anything else: the key travels in a header, and ends at a colon in Basic authentication.
    if !value.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':') || !is_legal(value) {
        return Err(OperatorError::ValueIllegal);
    }
    let other = OperatorError::ValueOfOtherKind(prefixes(kind));
    let Some(rest) = prefixes(kind).iter().find_map(|prefix| value.strip_prefix(prefix)) else { return Err(other) };
    let of_mode = |mode: Livemode| rest.strip_prefix(mode.as_str()).and_then(|rest| rest.strip_prefix('_'));
    let fits = match Livemode::ALL.into_iter().find_map(|mode| Some((mode, of_mode(mode)?))) {
        Some((mode, rest)) => mode == livemode && !rest.is_empty(),
        None => !needs_mode(kind) && !rest.is_empty(),
    };
    if fits { Ok(()) } else { Err(other) }
}

/// A credential that ends at `until` at the latest.
pub(super) fn revoked_by(credential: &Credential, until: Timestamp) -> Record {
    let until = credential.revoked_at.map_or(until, |earlier| earlier.min(until));
    Record::Credential(Box::new(Credential { revoked_at: Some(until), ..credential.clone() }))
}

/// The restricted keys of an install, except one, each ending at `until` at the latest: those from earlier rolls, too, whose overlap was
/// longer (contract 16.2).
pub(super) fn cut_restricted_keys(
    ctx: &Context<'_>,
    install: &Install,
    until: Timestamp,
    except: Option<&CredentialKey>,
) -> Vec<RecordChange> {
    let is_meant = |own: &&Credential| {
        own.install == Some(install.id)
            && matches!(own.kind, CredentialKind::Restricted { .. })
            && own.is_live(ctx.now)
            && Some(&own.key) != except
    };
    let of_account = ctx.directory.credentials_of(&install.account);
    of_account.filter(is_meant).map(|own| RecordChange::Put(revoked_by(own, until))).collect()
}

fn live<'d>(ctx: &Context<'d>, key: &CredentialKey) -> Result<&'d Credential, OperatorError> {
    let credential = ctx.directory.credential(key).ok_or(OperatorError::NoCredential)?;
    if credential.is_live(ctx.now) { Ok(credential) } else { Err(OperatorError::CredentialDead) }
}

/// Draws another credential in the place of one, which lives on for `overlap_seconds`. It is what the old one is, and expires when that does.
/// A restricted key of an install becomes the install's own, and no other outlives the overlap (contract 16.2).
///
/// # Errors
/// When there is no such credential, it lives no more, is an OAuth token or an embedded key, or the overlap is too long.
pub fn roll_credential(
    ctx: &Context<'_>,
    by: &str,
    key: &CredentialKey,
    overlap_seconds: i64,
) -> Result<Decision<Shown>, OperatorError> {
    let old = live(ctx, key)?;
    let until = overlap_end(ctx, overlap_seconds)?;
    if matches!(old.kind, CredentialKind::OAuth { .. } | CredentialKind::Embedded { .. }) {
        return Err(OperatorError::NotRolled(old.kind.as_str()));
    }
    let (drawn, fresh) = draw_credential(ctx, old.kind.clone(), &old.account, old.livemode);
    let credential =
        Credential { permissions: old.permissions, install: old.install, expires_at: old.expires_at, ..fresh };
    let mut change = Change::default();
    change.put(revoked_by(old, until));
    let install = old.install.and_then(|id| ctx.directory.install(&id));
    // An install has one restricted key. Where another than that one is rolled, such as the one before it, the successor takes its place:
    // otherwise there would be two that live on, and one that nobody looks after.
    let counts = |install: &&Install| {
        let is_restricted = matches!(old.kind, CredentialKind::Restricted { .. });
        install.restricted_key == Some(*key)
            || is_restricted && ctx.directory.access_of(install) == Some(ApiAccess::RestrictedApiKey)
    };
    if let Some(install) = install.filter(counts) {
        change.records.extend(cut_restricted_keys(ctx, install, until, Some(key)));
        change.put(Record::Install(Box::new(Install { restricted_key: Some(drawn.key), ..install.clone() })));
    }
    change.put(Record::Credential(Box::new(credential.clone())));
    let mut told = credential_entry(ctx, by, "key.rolled", &credential);
    told.subject.push(("previous".to_owned(), key.to_string()));
    told.subject.push(("previous_counts_until".to_owned(), until.as_unix().to_string()));
    change.audit.push(told);
    Ok(Decision { change, outcome: Shown { credential, drawn } })
}

/// Lets a credential expire at another time than before. An embedded key and an OAuth token can be given less time, and never more than
/// their kind has from when they were made (contract 5.5, 15.6), whether they had an expiry or none.
///
/// # Errors
/// When there is no such credential, it lives no more, or the time is not in the future or too far ahead.
pub fn expire_credential(
    ctx: &Context<'_>,
    by: &str,
    key: &CredentialKey,
    at: Timestamp,
) -> Result<Decision<Credential>, OperatorError> {
    let found = live(ctx, key)?;
    Expiry::parse(at, ctx.now)?;
    if found.expires_at == Some(at) {
        return Ok(Decision::unchanged(found.clone()));
    }
    if let Some(seconds) = longest_life(&found.kind) {
        let longest = found.created_at.plus(seconds);
        if at > found.expires_at.map_or(longest, |before| before.max(longest)) {
            return Err(OperatorError::BeyondLifetime(found.kind.as_str()));
        }
    }
    let credential = Credential { expires_at: Some(at), ..found.clone() };
    let mut change = Change::default();
    change.put(Record::Credential(Box::new(credential.clone())));
    change.audit.push(credential_entry(ctx, by, "key.expiry_changed", &credential));
    Ok(Decision { change, outcome: credential })
}

/// Revokes a credential: from now on nobody knows it (contract 6.2). One that was revoked stays as it is.
///
/// # Errors
/// When there is no such credential.
pub fn revoke_credential(
    ctx: &Context<'_>,
    by: &str,
    key: &CredentialKey,
) -> Result<Decision<Credential>, OperatorError> {
    let found = ctx.directory.credential(key).ok_or(OperatorError::NoCredential)?;
    if found.revoked_at.is_some_and(|at| at <= ctx.now) {
        return Ok(Decision::unchanged(found.clone()));
    }
    let credential = Credential { revoked_at: Some(ctx.now), ..found.clone() };
    let mut change = Change::default();
    change.put(Record::Credential(Box::new(credential.clone())));
    change.audit.push(credential_entry(ctx, by, "key.revoked", &credential));
    Ok(Decision { change, outcome: credential })
}

/// What an admin token that hashes to `hash` may do at `now`; `None` where it is none that counts.
pub fn admin_role(directory: &Directory, hash: &CredentialHash, now: Timestamp) -> Option<(CredentialKey, Role)> {
    let key = CredentialKey::of(hash);
    let credential = directory.credential(&key).filter(|credential| credential.is_live(now))?;
    match credential.kind {
        CredentialKind::Admin(role) => Some((key, role)),
        _ => None,
    }
}

/// Which credentials are meant. What is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct CredentialFilter {
    /// Of that account.
    pub account: Option<AccountId>,
    /// Of that app.
    pub app: Option<AppId>,
    /// Of that install.
    pub install: Option<InstallId>,
    /// Of the kind of that word.
    pub kind: Option<String>,
    /// Of that mode.
    pub livemode: Option<Livemode>,
    /// Only those that count then.
    pub live_at: Option<Timestamp>,
}

impl CredentialFilter {
    /// Whether `credential` is meant.
    pub fn passes(&self, credential: &Credential) -> bool {
        self.account.as_ref().is_none_or(|account| *account == credential.account)
            && self.app.as_ref().is_none_or(|app| credential.kind.app() == Some(app))
            && self.install.is_none_or(|install| credential.install == Some(install))
            && self.kind.as_ref().is_none_or(|kind| credential.kind.as_str() == kind)
            && self.livemode.is_none_or(|livemode| credential.livemode == livemode)
            && self.live_at.is_none_or(|at| credential.is_live(at))
    }
}
