//! Dev mode without `--strict`: accounts for keys that nobody declared, so that any SDK's test suite finds a server. What is made up is an
//! ordinary part of the directory: installs of it can be listed, uninstalled and told of.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use cholla_domain::directory::account::Account;
use cholla_domain::directory::app::{App, Asks, Manifest, Upload};
use cholla_domain::directory::change::Change;
use cholla_domain::directory::credential::{Credential, CredentialKey, CredentialKind};
use cholla_domain::directory::decision::{Context, Decision, Drawn};
use cholla_domain::directory::record::Record;
use cholla_domain::directory::secret::{RollableSecret, SigningSecret};
use cholla_domain::id::{AccountId, AppId, AppPublicId, ClientId, alphanumerics};
use cholla_domain::installs::{Actor, NewInstall, begin_install};
use cholla_domain::limits::{MADE_UP_ACCOUNT_ID_BYTES_MAX, MADE_UP_ACCOUNTS_MAX};
use cholla_domain::livemode::Livemode;
use cholla_wire::auth::{MaskedKey, PresentedKey, presented_key};
use cholla_wire::headers;
use http::HeaderMap;
use http::header::AUTHORIZATION;

use crate::header_names::{STRIPE_ACCOUNT, STRIPE_CONTEXT};
use crate::platform::is_account_id;
use crate::state::Api;

/// Letters and digits of an account id that is made up for a key: two bytes of the key's hash each.
const OWN_CHARS: usize = 16;

/// How many accounts and installs have been made up so far: there is room for so many.
#[derive(Debug, Default)]
pub(crate) struct MadeUp {
    made: AtomicUsize,
}

/// What a request lacks.
struct Lacking {
    /// The key's account, its app and itself.
    key: bool,
    /// The account that it names, and the app there.
    named: Option<AccountId>,
}

impl MadeUp {
    /// Nothing made up yet.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Whether an account is made up for `key`: a test key of `A-Za-z0-9_`, secret or restricted. Never a live one.
    pub(crate) fn is_well_formed(key: &str) -> bool {
        let rest = ["sk_test_", "rk_test_"].iter().find_map(|prefix| key.strip_prefix(prefix));
        let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(legal))
    }

    /// Forgets what was made up (dev mode's reset, which erases it too).
    pub(crate) fn clear(&self) {
        self.made.store(0, Ordering::Relaxed);
    }

    fn has_room(&self) -> bool {
        self.made
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |made| {
                (made < MADE_UP_ACCOUNTS_MAX).then_some(made + 1)
            })
            .is_ok()
    }

    /// Makes up what a request of an unseen key lacks, before the request is judged like any other: the key's account with an app of its
    /// own; and on an account that nobody declared, named by such a key, that app. What is made up is logged, with the masked key.
    pub(crate) async fn provide(&self, api: &Api, request: &HeaderMap) {
        let Ok(key) = presented_key(request.get(AUTHORIZATION).map(http::HeaderValue::as_bytes)) else { return };
        let Some(text) = key.as_str().filter(|text| Self::is_well_formed(text)) else { return };
        let header = |name| request.get::<http::HeaderName>(name).map(http::HeaderValue::as_bytes);
        let named = headers::account(header(STRIPE_ACCOUNT), header(STRIPE_CONTEXT)).ok().flatten();
        let found = CredentialKey::of(&api.instance.credential_hash(text.as_bytes()));
        let own = own_account_id(&found);
        let lacking = lacking(api, &found, &own, named.as_ref());
        if !lacking.key && lacking.named.is_none() {
            return;
        }
        let needs = usize::from(lacking.key) + usize::from(lacking.named.is_some());
        if (0..needs).any(|_| !self.has_room()) {
            return;
        }
        announce(&key, &own, &lacking);
        let tail = (text.len() >= 20).then(|| text.as_bytes().last_chunk().copied()).flatten();
        let asked = api.keeper.unasked();
        let made = api
            .keeper
            .batch(asked, move |batch| {
                if lacking.key {
                    batch.decide(|ctx| developer(ctx, found, &own, tail));
                }
                if let Some(named) = &lacking.named {
                    batch.decide(|ctx| install(ctx, &own, named));
                }
                Ok::<_, std::convert::Infallible>(())
            })
            .await;
        if let Err(error) = made {
            tracing::warn!(%error, "nothing could be made up for an unseen key");
        }
    }
}

fn lacking(api: &Api, key: &CredentialKey, own: &AccountId, named: Option<&AccountId>) -> Lacking {
    let directory = api.keeper.read();
    let found = directory.credential(key);
    let is_made_up = |account: &AccountId| directory.account(account).is_none_or(|account| account.made_up);
    let owner = found.map_or(own, |found| &found.account);
    // A declared key makes up nothing, and an account that was declared is nobody's to take.
    let is_ours = owner == own && is_made_up(own);
    let named = named.filter(|named| {
        is_ours
            && *named != own
            && is_made_up(named)
            && named.as_str().len() <= MADE_UP_ACCOUNT_ID_BYTES_MAX
            && is_account_id(named.as_str())
            && directory.install_of(&own_app_id(own), named, Livemode::Test).is_none()
    });
    Lacking { key: found.is_none() && is_ours, named: named.cloned() }
}

fn announce(key: &PresentedKey, own: &AccountId, lacking: &Lacking) {
    let key = MaskedKey::of(key.as_bytes());
    if lacking.key {
        tracing::info!(%key, account = own.as_str(), "made up an account for an unseen key");
    }
    if let Some(named) = &lacking.named {
        tracing::info!(%key, account = named.as_str(), "installed a made-up app on an unseen account");
    }
}

fn account(ctx: &Context<'_>, id: &AccountId, change: &mut Change) {
    if ctx.directory.account(id).is_none() {
        change.put(Record::Account(Account {
            id: id.clone(),
            name: None,
            connected_to: std::collections::BTreeSet::new(),
            made_up: true,
            created_at: ctx.now,
        }));
    }
}

/// The key's account with a private app of its own, which asks for `secret_write`.
fn developer(ctx: &Context<'_>, key: CredentialKey, own: &AccountId, tail: Option<[u8; 4]>) -> Decision<()> {
    let mut change = Change::default();
    account(ctx, own, &mut change);
    let id = own_app_id(own);
    if ctx.directory.app(&id).is_none() {
        let asks = Asks { permissions: ["secret_write".to_owned()].into(), ..Asks::default() };
        let manifest =
            Manifest { version: "0.0.1".to_owned(), name: "Made up".to_owned(), asks, ..Manifest::default() };
        let secret = Drawn::draw(ctx.mint, "absec_", 32);
        change.put(Record::App(Box::new(App {
            id,
            public_id: AppPublicId::draw(ctx.mint.entropy()),
            client_id: ClientId::draw(ctx.mint.entropy()),
            owner: own.clone(),
            uploads: BTreeMap::from([(1, Upload { number: 1, manifest, uploaded_at: ctx.now })]),
            releases: BTreeMap::new(),
            signing_secret: RollableSecret::new(SigningSecret::new(secret.value.to_string())),
            made_up: true,
            created_at: ctx.now,
        })));
    }
    if ctx.directory.credential(&key).is_none() {
        change.put(Record::Credential(Box::new(Credential {
            key,
            kind: CredentialKind::Secret,
            account: own.clone(),
            livemode: Livemode::Test,
            permissions: None,
            install: None,
            tail,
            created_at: ctx.now,
            expires_at: None,
            revoked_at: None,
        })));
    }
    Decision { change, outcome: () }
}

/// The app of a made-up account, on an account that nobody declared.
fn install(ctx: &Context<'_>, own: &AccountId, named: &AccountId) -> Decision<()> {
    let mut change = Change::default();
    account(ctx, named, &mut change);
    let Some(app) = ctx.directory.app(&own_app_id(own)) else { return Decision { change, outcome: () } };
    if ctx.directory.install_of(&app.id, named, Livemode::Test).is_none() {
        let new = NewInstall::offered(app, named, Livemode::Test);
        change.append(begin_install(ctx, Actor::Operator("cholla"), new).1);
    }
    Decision { change, outcome: () }
}

/// The account of a key that nobody declared. The hash is keyed, so the id tells nothing of the key.
fn own_account_id(key: &CredentialKey) -> AccountId {
    let mut id = String::with_capacity("acct_".len() + OWN_CHARS);
    id.push_str("acct_");
    // Each byte twice: the alphabet takes pairs, and 16 bytes make 16 letters.
    let pairs: Vec<u8> = key.as_bytes().iter().flat_map(|byte| [*byte, byte.wrapping_mul(167)]).collect();
    id.extend(alphanumerics(&pairs).take(OWN_CHARS));
    AccountId::new(id)
}

/// The manifest id of its app.
fn own_app_id(own: &AccountId) -> AppId {
    AppId::new(format!("made.up.{}", own.as_str().trim_start_matches("acct_")))
}

#[cfg(test)]
mod tests;
