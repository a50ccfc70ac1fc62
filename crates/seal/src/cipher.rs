//! One namespace's keys at work.

use cholla_domain::error::SealError;
use cholla_domain::id::UserId;
use cholla_domain::name::SecretName;
use cholla_domain::payload::{Plaintext, Sealed};
use cholla_domain::place::{Namespace, Scope};
use cholla_domain::ports::NamespaceCipher;
use cholla_domain::principal::Reach;
use cholla_domain::record::{OpenedSecret, RecordHeader, StoredSecret};
use cholla_domain::tag::{Fingerprint, IdempotencyTag, NameTag, NamespaceTag, ScopeTag};

use crate::aead::AeadKey;
use crate::key::KeyMaterial;
use crate::mac::{Mac, MacKey};
use crate::{format, kdf};

/// The prepared keys of one namespace.
pub(crate) struct Cipher {
    tag: NamespaceTag,
    /// The namespace's canonical encoding, part of every record's associated data.
    namespace: Vec<u8>,
    records: AeadKey,
    tags: MacKey,
}

impl Cipher {
    /// Derives and prepares the keys. They depend on the namespace itself, so that a namespace key is of no use to another.
    pub(crate) fn new(namespace: &Namespace, tag: NamespaceTag, key: &KeyMaterial) -> Self {
        let namespace = namespace.canonical();
        let records = AeadKey::new(&kdf::derive(key, format::NAMESPACE_RECORDS, &namespace));
        let tags = MacKey::new(kdf::derive(key, format::NAMESPACE_TAGS, &namespace).expose_bytes());
        Self { tag, namespace, records, tags }
    }

    /// A tag of the kind that `domain` stands for.
    fn tag<const N: usize>(&self, domain: u8, feed: impl FnOnce(&mut Mac)) -> [u8; N] {
        self.tags.hash(|mac| {
            mac.fixed(&[domain]);
            feed(mac);
        })
    }
}

/// Feeds whose scope or idempotency key it is, as `Scope::canonical` writes it: everybody's in the namespace, or one user's.
fn feed_owner(mac: &mut Mac, user: Option<&UserId>) {
    match user {
        None => mac.fixed(&[0]),
        Some(user) => {
            mac.fixed(&[1]);
            mac.field(user.as_str().as_bytes());
        }
    }
}

impl NamespaceCipher for Cipher {
    fn namespace_tag(&self) -> NamespaceTag {
        self.tag
    }

    fn scope_tag(&self, scope: &Scope) -> ScopeTag {
        let user = match scope {
            Scope::Account => None,
            Scope::User(user) => Some(user),
        };
        ScopeTag::from_bytes(self.tag(format::SCOPE_DOMAIN, |mac| feed_owner(mac, user)))
    }

    fn name_tag(&self, scope: ScopeTag, name: &SecretName) -> NameTag {
        NameTag::from_bytes(self.tag(format::NAME_DOMAIN, |mac| {
            mac.fixed(scope.as_bytes());
            mac.field(name.as_str().as_bytes());
        }))
    }

    fn idempotency_tag(&self, reach: &Reach, key: &str) -> IdempotencyTag {
        let user = match reach {
            Reach::Backend => None,
            Reach::Extension(user) => Some(user),
        };
        IdempotencyTag::from_bytes(self.tag(format::IDEMPOTENCY_DOMAIN, |mac| {
            feed_owner(mac, user);
            mac.field(key.as_bytes());
        }))
    }

    fn fingerprint(&self, fields: &[&[u8]]) -> Fingerprint {
        Fingerprint::from_bytes(self.tag(format::FINGERPRINT_DOMAIN, |mac| {
            for field in fields {
                mac.field(field);
            }
        }))
    }

    fn seal(
        &self,
        scope: &Scope,
        name: &SecretName,
        payload: &Plaintext,
        header: &RecordHeader,
    ) -> Result<Sealed, SealError> {
        let scope_tag = self.scope_tag(scope);
        let name_tag = self.name_tag(scope_tag, name);
        let associated_data = format::record_associated_data(&self.namespace, scope_tag, name_tag, header);
        let mut buffer = format::record(scope, name, payload.expose_secret());
        self.records
            .seal_in_place(&associated_data, format::RECORD_HEADER, &mut buffer)
            .map_err(|error| SealError::Unavailable(Box::new(error)))?;
        Ok(Sealed::assertion(std::mem::take(&mut *buffer)))
    }

    fn open(&self, stored: &StoredSecret) -> Result<OpenedSecret, SealError> {
        let associated_data =
            format::record_associated_data(&self.namespace, stored.scope, stored.name, &stored.header);
        format::sealed_part(stored.sealed.as_bytes())
            .and_then(|sealed| self.records.open(&associated_data, sealed))
            .and_then(format::read_record)
            .ok_or(SealError::Tampered)
    }
}
