//! The bytes of the directory's records: what was written is read, and nothing else is.

use cholla_domain::directory::account::{Account, User};
use cholla_domain::directory::app::{ApiAccess, App, Asks, Manifest, Upload};
use cholla_domain::directory::change::AuditEntry;
use cholla_domain::directory::credential::{Credential, CredentialKey, CredentialKind, InstallRights, Role};
use cholla_domain::directory::endpoint::Endpoint;
use cholla_domain::directory::erasure::{Ending, Erasure, ErasureTarget};
use cholla_domain::directory::grant::{Code, Grant, Pair, Rotated, UsedCode};
use cholla_domain::directory::install::{Channel, EndedInstall, Install, InstallView};
use cholla_domain::directory::kept::{KeptInstall, KeptInstallResult, KeptOperation, StateRefusal};
use cholla_domain::directory::record::Record;
use cholla_domain::directory::secret::{RollableSecret, SigningSecret};
use cholla_domain::id::{AccountId, AppId, AppPublicId, ClientId, EndpointId, Entropy, InstallId, RequestId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::place::Namespace;
use cholla_domain::principal::Permissions;
use cholla_domain::tag::ErasureId;
use cholla_domain::time::Timestamp;
use cholla_testkit::entropy::SeededEntropy;
use proptest::prelude::*;

/// Draws whatever a record is made of.
struct Draw(SeededEntropy);

impl Draw {
    fn chance(&self) -> bool {
        self.0.one_in(2)
    }

    fn maybe<T>(&self, draw: impl FnOnce(&Self) -> T) -> Option<T> {
        self.chance().then(|| draw(self))
    }

    fn one_of<T: Clone>(&self, of: &[T]) -> T {
        of[usize::try_from(self.0.below(of.len() as u64)).expect("a small number")].clone()
    }

    fn many<T, C: FromIterator<T>>(&self, mut draw: impl FnMut(&Self) -> T) -> C {
        (0..self.0.below(4)).map(|_| draw(self)).collect()
    }

    fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.0.fill(&mut bytes);
        bytes
    }

    fn number(&self) -> u32 {
        u32::from_be_bytes(self.bytes())
    }

    /// Also the empty one and such as are no ASCII.
    fn text(&self) -> String {
        self.many(|draw| draw.one_of(&['a', '.', '\0', 'ü', '🔑', ' ']))
    }

    fn at(&self) -> Timestamp {
        Timestamp::from_unix(i64::from_be_bytes(self.bytes()))
    }

    fn livemode(&self) -> Livemode {
        self.one_of(&Livemode::ALL)
    }

    fn account(&self) -> AccountId {
        AccountId::new(self.text())
    }

    fn app(&self) -> AppId {
        AppId::new(self.text())
    }

    fn user(&self) -> UserId {
        UserId::new(self.text())
    }

    fn install_id(&self) -> InstallId {
        InstallId::draw(self.livemode(), &self.0)
    }

    fn key(&self) -> CredentialKey {
        CredentialKey::from_bytes(self.bytes())
    }

    fn secret(&self) -> RollableSecret {
        let secret = RollableSecret::new(SigningSecret::new(self.text()));
        if self.chance() { secret.rolled(SigningSecret::new(self.text()), self.at()) } else { secret }
    }

    fn namespace(&self) -> Namespace {
        Namespace { developer: self.account(), account: self.account(), livemode: self.livemode() }
    }

    fn asks(&self) -> Asks {
        Asks {
            permissions: self.many(Self::text),
            connect_src: self.many(Self::text),
            image_src: self.many(Self::text),
            endpoints: self.many(Self::text),
        }
    }

    fn upload(&self) -> (u32, Upload) {
        let manifest = Manifest {
            version: self.text(),
            name: self.text(),
            asks: self.asks(),
            purposes: self.many(|draw| (draw.text(), draw.text())),
            api_access: self.one_of(&ApiAccess::ALL),
            redirect_uris: self.many(Self::text),
        };
        let number = self.number();
        (number, Upload { number, manifest, uploaded_at: self.at() })
    }

    fn install(&self) -> Install {
        Install {
            id: self.install_id(),
            app: self.app(),
            account: self.account(),
            channel: self.one_of(&Channel::ALL),
            version: self.number(),
            release: self.number(),
            granted: self.asks(),
            created_at: self.at(),
            sequence: self.0.number(),
            restricted_key: self.maybe(Self::key),
        }
    }

    fn kind(&self) -> CredentialKind {
        let rights = InstallRights { read: self.chance(), write: self.chance() };
        self.one_of(&[
            CredentialKind::Secret,
            CredentialKind::AccountRestricted(rights),
            CredentialKind::Restricted { app: self.app() },
            CredentialKind::OAuth { app: self.app() },
            CredentialKind::Embedded { app: self.app(), user: self.user() },
            CredentialKind::Publishable { value: self.text() },
            CredentialKind::Admin(Role::Operator),
            CredentialKind::Admin(Role::Auditor),
        ])
    }

    fn grant(&self) -> Grant {
        Grant {
            code: self.maybe(|draw| Code {
                key: draw.key(),
                challenge: draw.maybe(Self::text),
                redirect_uri: draw.maybe(Self::text),
                expires_at: draw.at(),
            }),
            used_codes: self.many(|draw| UsedCode { key: draw.key(), expires_at: draw.at() }),
            family: self.maybe(Self::key),
            pair: self.maybe(|draw| Pair {
                access: draw.key(),
                refresh: draw.key(),
                refresh_expires_at: draw.at(),
                issued_under: draw.maybe(Self::bytes),
                original: RequestId::draw(&draw.0),
                presented: draw.chance(),
            }),
            issued_under: self.many(Self::bytes),
            rotated: self.many(|draw| Rotated { refresh: draw.key(), access: draw.key(), rotated_at: draw.at() }),
            install: self.install_id(),
        }
    }

    fn kept(&self) -> KeptInstall {
        let view = InstallView {
            id: self.install_id(),
            account: self.account(),
            app: AppPublicId::draw(&self.0),
            channel: self.one_of(&Channel::ALL),
            created_at: self.at(),
            granted: self.asks(),
            pending: self.asks(),
            uninstalling: self.chance(),
        };
        let refusal = self.one_of(&[
            StateRefusal::OtherChannel(Channel::Testing),
            StateRefusal::NothingToInstall(Channel::Public),
            StateRefusal::NotConnected,
            StateRefusal::WouldGrant,
        ]);
        KeptInstall {
            key: self.bytes(),
            account: self.account(),
            fingerprint: self.bytes(),
            original: RequestId::draw(&self.0),
            operation: self.one_of(&[KeptOperation::Create, KeptOperation::Reauthorize, KeptOperation::Uninstall]),
            install: self.maybe(Self::install_id),
            result: if self.chance() {
                KeptInstallResult::Done(Box::new(view))
            } else {
                KeptInstallResult::Refused(refusal)
            },
            code: self.maybe(Self::key),
            kept_at: self.at(),
        }
    }

    /// A record of each kind.
    fn records(&self) -> Vec<Record> {
        let erasure = |target| {
            let id = ErasureId::from_bytes(self.bytes());
            let (key_id, receipt) = (self.maybe(Self::text), self.maybe(Self::text));
            Record::Erasure(Box::new(Erasure { id, target, key_id, started_at: self.at(), receipt }))
        };
        vec![
            Record::Account(Account {
                id: self.account(),
                name: self.maybe(Self::text),
                connected_to: self.many(Self::account),
                made_up: self.chance(),
                created_at: self.at(),
            }),
            Record::User(User { account: self.account(), id: self.user(), added_at: self.at() }),
            Record::App(Box::new(App {
                id: self.app(),
                public_id: AppPublicId::draw(&self.0),
                client_id: ClientId::draw(&self.0),
                owner: self.account(),
                uploads: self.many(Self::upload),
                releases: self.many(|draw| (draw.number(), draw.number())),
                signing_secret: self.secret(),
                made_up: self.chance(),
                created_at: self.at(),
            })),
            Record::Install(Box::new(self.install())),
            Record::Ended(Box::new(EndedInstall { install: self.install(), ended_at: self.at() })),
            Record::Credential(Box::new(Credential {
                key: self.key(),
                kind: self.kind(),
                account: self.account(),
                livemode: self.livemode(),
                permissions: self.maybe(|draw| Permissions { write: draw.chance(), read: draw.chance() }),
                install: self.maybe(Self::install_id),
                tail: self.maybe(Self::bytes),
                created_at: self.at(),
                expires_at: self.maybe(Self::at),
                revoked_at: self.maybe(Self::at),
            })),
            Record::Grant(Box::new(self.grant())),
            Record::Endpoint(Box::new(Endpoint {
                id: EndpointId::draw(&self.0),
                account: self.maybe(Self::account),
                livemode: self.livemode(),
                url: self.text(),
                connect: self.chance(),
                events: self.many(Self::text),
                secret: self.secret(),
                created_at: self.at(),
            })),
            Record::Ending(Ending { namespace: self.namespace(), ended_at: self.at(), erase_at: self.at() }),
            erasure(ErasureTarget::Namespace(self.namespace())),
            erasure(ErasureTarget::User { account: self.account(), user: self.user() }),
            Record::Kept(Box::new(self.kept())),
        ]
    }
}

proptest! {
    #[test]
    fn records_of_every_kind_are_read_as_they_were_written(seed in any::<u64>()) {
        let records = Draw(SeededEntropy::new(seed)).records();
        let kinds: std::collections::BTreeSet<_> = records.iter().map(|record| record.name().kind()).collect();
        prop_assert_eq!(kinds, (1..=11).collect());
        for record in records {
            let (kind, bytes) = (record.name().kind(), record.encode());
            prop_assert_eq!(Record::decode(kind, &bytes), Some(record));
            for length in 0..bytes.len() {
                prop_assert_eq!(Record::decode(kind, &bytes[..length]), None, "kind {} cut at {}", kind, length);
            }
            prop_assert_eq!(Record::decode(kind, &[&bytes, [0].as_slice()].concat()), None, "kind {} with more", kind);
            prop_assert_eq!(Record::decode(0, &bytes), None);
            let mut later = bytes.to_vec();
            later[0] += 1;
            prop_assert_eq!(Record::decode(kind, &later), None, "a later layout");
        }
    }

    #[test]
    fn hostile_bytes_are_refused_or_read_and_never_panic(kind in 0_u8..14, bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        for bytes in [bytes.clone(), [&[1], bytes.as_slice()].concat()] {
            if let Some(record) = Record::decode(kind, &bytes) {
                prop_assert_eq!(record.name().kind(), kind);
            }
        }
    }

    #[test]
    fn audit_entries_are_read_as_they_were_written(seed in any::<u64>()) {
        let draw = Draw(SeededEntropy::new(seed));
        let entry = AuditEntry {
            at: draw.at(),
            action: draw.text(),
            actor: draw.text(),
            subject: draw.many(|draw| (draw.text(), draw.text())),
        };
        let bytes = entry.encode();
        prop_assert_eq!(AuditEntry::decode(&bytes), Some(entry));
        for length in 0..bytes.len() {
            prop_assert_eq!(AuditEntry::decode(&bytes[..length]), None);
        }
    }
}
