//! A small directory in few words, for tests of what is decided on it: accounts, apps, installs and credentials, with a clock that the test
//! moves and a mint that replays.

use std::collections::HashMap;

use cholla_domain::directory::CredentialHash;
use cholla_domain::directory::account::Account;
use cholla_domain::directory::app::{ApiAccess, App, Asks, Manifest, Upload};
use cholla_domain::directory::change::{Change, RecordChange};
use cholla_domain::directory::credential::{Credential, CredentialKey, CredentialKind, InstallRights};
use cholla_domain::directory::decision::{Context, Decision, Mint};
use cholla_domain::directory::endpoint::Endpoint;
use cholla_domain::directory::event::Event;
use cholla_domain::directory::install::Install;
use cholla_domain::directory::record::{Record, RecordName};
use cholla_domain::directory::secret::{RollableSecret, SigningSecret};
use cholla_domain::directory::state::Directory;
use cholla_domain::id::{AccountId, AppId, AppPublicId, ClientId, EndpointId, Entropy, InstallId, RequestId};
use cholla_domain::idempotency::IdempotencyKey;
use cholla_domain::installs::{Actor, NewInstall, begin_install};
use cholla_domain::livemode::Livemode;
use cholla_domain::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::entropy::SeededEntropy;

/// When a world begins.
pub const BEGINNING: Timestamp = Timestamp::from_unix(1_956_528_000);
/// The grace period of a world that does not say another: 30 days.
pub const GRACE_SECONDS: i64 = 30 * 24 * 60 * 60;

/// A mint that replays. Its hashes have no key: whoever sees one can try values.
#[derive(Debug)]
pub struct ReplayingMint(SeededEntropy);

impl ReplayingMint {
    /// A mint that always gives the same for `seed`.
    pub fn new(seed: u64) -> Self {
        Self(SeededEntropy::new(seed))
    }
}

impl Mint for ReplayingMint {
    fn entropy(&self) -> &dyn Entropy {
        &self.0
    }

    fn hash(&self, value: &[u8]) -> CredentialHash {
        CredentialHash::from_bytes(Sha256::digest(value).into())
    }
}

/// A directory with all that decisions on it need. Accounts and apps are named by their ids.
pub struct DirectoryWorld {
    /// The directory.
    pub directory: Directory,
    /// The second.
    pub now: Timestamp,
    /// See [`Context::grace_seconds`].
    pub grace_seconds: i64,
    /// Draws and hashes.
    pub mint: ReplayingMint,
    /// The id of the next request; drawn anew with every commit.
    pub request: RequestId,
    /// What a store would hold.
    records: HashMap<RecordName, Record>,
}

impl DirectoryWorld {
    /// An empty world, at its beginning.
    pub fn new(seed: u64) -> Self {
        let mint = ReplayingMint::new(seed);
        let request = RequestId::draw(mint.entropy());
        Self {
            directory: Directory::default(),
            now: BEGINNING,
            grace_seconds: GRACE_SECONDS,
            mint,
            request,
            records: HashMap::new(),
        }
    }

    /// What a decision sees.
    pub fn context(&self) -> Context<'_> {
        Context {
            directory: &self.directory,
            now: self.now,
            mint: &self.mint,
            grace_seconds: self.grace_seconds,
            request: self.request,
            idempotency_key: None,
        }
    }

    /// What a decision of a request with an idempotency key sees.
    pub fn context_with<'a>(&'a self, key: Option<&'a IdempotencyKey>) -> Context<'a> {
        Context { idempotency_key: key, ..self.context() }
    }

    /// Applies a change, as if it were committed, and answers its events.
    pub fn commit(&mut self, change: Change) -> Vec<Event> {
        for step in change.records {
            match &step {
                RecordChange::Put(record) => self.records.insert(record.name(), record.clone()),
                RecordChange::Remove(name) => self.records.remove(name),
            };
            self.directory.apply(step);
        }
        self.request = RequestId::draw(self.mint.entropy());
        change.events
    }

    /// Applies what was decided, and answers its outcome and its events.
    pub fn take<T>(&mut self, decision: Decision<T>) -> (T, Vec<Event>) {
        (decision.outcome, self.commit(decision.change))
    }

    /// Puts a record.
    pub fn put(&mut self, record: Record) {
        let mut change = Change::default();
        change.put(record);
        self.commit(change);
    }

    /// Every record that a store would hold, in no order.
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.records.values()
    }

    /// Lets time pass.
    pub fn pass(&mut self, seconds: i64) {
        self.now = self.now.plus(seconds);
    }

    /// Adds an account.
    pub fn account(&mut self, id: &str) {
        self.put(Record::Account(Account {
            id: AccountId::new(id),
            name: None,
            connected_to: [].into(),
            made_up: false,
            created_at: self.now,
        }));
    }

    /// Connects an account to a developer.
    pub fn connect(&mut self, account: &str, developer: &str) {
        let mut account = self.directory.account(&AccountId::new(account)).expect("the test names an account").clone();
        account.connected_to.insert(AccountId::new(developer));
        self.put(Record::Account(account));
    }

    /// Adds a private app with one upload that asks for `permissions`, with access `platform`.
    pub fn app(&mut self, id: &str, owner: &str, permissions: &[&str]) {
        let entropy = self.mint.entropy();
        let (public_id, client_id) = (AppPublicId::draw(entropy), ClientId::draw(entropy));
        let upload = Upload { number: 1, manifest: manifest(id, "1", permissions), uploaded_at: self.now };
        self.put(Record::App(Box::new(App {
            id: AppId::new(id),
            public_id,
            client_id,
            owner: AccountId::new(owner),
            uploads: [(1, upload)].into(),
            releases: [].into(),
            signing_secret: RollableSecret::new(SigningSecret::new(format!("absec_{id}"))),
            made_up: false,
            created_at: self.now,
        })));
    }

    /// The app of a manifest id.
    pub fn app_of(&self, id: &str) -> &App {
        self.directory.app(&AppId::new(id)).expect("the test names an app")
    }

    /// Changes an app.
    pub fn edit(&mut self, app: &str, edit: impl FnOnce(&mut App)) {
        let mut app = self.app_of(app).clone();
        edit(&mut app);
        self.put(Record::App(Box::new(app)));
    }

    /// Gives the newest upload of an app an access type.
    pub fn access(&mut self, app: &str, access: ApiAccess) {
        self.edit(app, |app| {
            let mut newest = app.uploads.last_entry().expect("an app has an upload");
            newest.get_mut().manifest.api_access = access;
        });
    }

    /// Uploads another version of an app, with the access type of the one before.
    pub fn upload(&mut self, app: &str, permissions: &[&str]) {
        let now = self.now;
        self.edit(app, |app| {
            let (number, api_access) = (app.newest().number + 1, app.newest().manifest.api_access);
            let manifest = Manifest { api_access, ..manifest(app.id.as_str(), &number.to_string(), permissions) };
            app.uploads.insert(number, Upload { number, manifest, uploaded_at: now });
        });
    }

    /// Releases the newest upload of an app.
    pub fn release(&mut self, app: &str) {
        self.edit(app, |app| {
            let number = app.newest().number;
            app.releases.insert(app.release() + 1, number);
        });
    }

    /// Adds an app that is published.
    pub fn published(&mut self, id: &str, owner: &str, permissions: &[&str]) {
        self.app(id, owner, permissions);
        self.release(id);
    }

    /// Installs an app as the operator does, with all that it asks for.
    pub fn install(&mut self, app: &str, account: &str, livemode: Livemode) -> InstallId {
        let account = AccountId::new(account);
        let new = NewInstall::offered(self.app_of(app), &account, livemode);
        let (install, change) = begin_install(&self.context(), Actor::Operator("cholla"), new);
        self.commit(change);
        install.id
    }

    /// The install of an app on an account, where there is one.
    pub fn installed(&self, app: &str, account: &str, livemode: Livemode) -> Option<&Install> {
        self.directory.install_of(&AppId::new(app), &AccountId::new(account), livemode)
    }

    /// Adds a credential whose key is `key`, and answers it as it stands now.
    pub fn credential(&mut self, key: &str, kind: CredentialKind, account: &str, livemode: Livemode) -> Credential {
        let account = AccountId::new(account);
        let install =
            kind.app().and_then(|app| self.directory.install_of(app, &account, livemode)).map(|install| install.id);
        let credential = Credential {
            key: CredentialKey::of(&self.mint.hash(key.as_bytes())),
            kind,
            account,
            livemode,
            permissions: None,
            install,
            tail: None,
            created_at: self.now,
            expires_at: None,
            revoked_at: None,
        };
        self.put(Record::Credential(Box::new(credential.clone())));
        credential
    }

    /// Adds an account's secret key.
    pub fn secret_key(&mut self, account: &str, livemode: Livemode) -> Credential {
        self.credential(&format!("sk_{}_{account}", livemode.as_str()), CredentialKind::Secret, account, livemode)
    }

    /// Adds an account's own restricted key.
    pub fn restricted_key(&mut self, account: &str, livemode: Livemode, rights: InstallRights) -> Credential {
        let key = format!("rk_{}_{account}_{}_{}", livemode.as_str(), rights.read, rights.write);
        self.credential(&key, CredentialKind::AccountRestricted(rights), account, livemode)
    }

    /// Adds a webhook endpoint that wants every event.
    pub fn endpoint(&mut self, account: &str, livemode: Livemode, connect: bool) -> EndpointId {
        let id = EndpointId::draw(self.mint.entropy());
        self.put(Record::Endpoint(Box::new(Endpoint {
            id,
            account: Some(AccountId::new(account)),
            livemode,
            url: "https://example.com/hook".to_owned(),
            connect,
            events: ["*".to_owned()].into(),
            secret: RollableSecret::new(SigningSecret::new("whsec_x".to_owned())),
            created_at: self.now,
        })));
        id
    }
}

fn manifest(name: &str, version: &str, permissions: &[&str]) -> Manifest {
    let permissions = permissions.iter().map(|permission| (*permission).to_owned()).collect();
    Manifest {
        version: version.to_owned(),
        name: name.to_owned(),
        asks: Asks { permissions, ..Asks::default() },
        ..Manifest::default()
    }
}
