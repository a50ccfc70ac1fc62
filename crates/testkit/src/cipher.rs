//! A cipher that hides nothing: for tests of what stands above and beside sealing.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use cholla_domain::error::SealError;
use cholla_domain::id::{AccountId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::name::SecretName;
use cholla_domain::payload::{Plaintext, Sealed};
use cholla_domain::place::{Namespace, Scope, SealedPlace, push_field};
use cholla_domain::policy::{Action, authorize};
use cholla_domain::ports::{NamespaceCipher, NamespaceKeys, Revision};
use cholla_domain::principal::{Permissions, Principal, Reach};
use cholla_domain::record::{OpenedSecret, RecordHeader, StoredSecret};
use cholla_domain::tag::{Fingerprint, IdempotencyTag, NameTag, NamespaceTag, ScopeTag};
use sha2::{Digest, Sha256};

/// The "keys" of namespaces: which ones have been asked to have one.
#[derive(Debug, Default)]
pub struct TransparentKeys {
    created: Mutex<HashSet<Namespace>>,
}

#[async_trait]
impl NamespaceKeys for TransparentKeys {
    async fn find(&self, namespace: &Namespace) -> Result<Option<Arc<dyn NamespaceCipher>>, SealError> {
        let created = self.created.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(created.get(namespace).map(|namespace| TransparentCipher::shared(namespace)))
    }

    async fn find_or_create(
        &self,
        namespace: &Namespace,
        _judged: Revision,
    ) -> Result<Option<Arc<dyn NamespaceCipher>>, SealError> {
        self.created.lock().unwrap_or_else(PoisonError::into_inner).insert(namespace.clone());
        Ok(Some(TransparentCipher::shared(namespace)))
    }
}

/// Tags are plain hashes, sealed records are plain encodings. Opening is as strict as the real thing: a record opens only under the
/// place, name and header it was sealed for.
#[derive(Debug)]
pub struct TransparentCipher {
    namespace: NamespaceTag,
    generation: u32,
}

impl TransparentCipher {
    /// The cipher of `namespace`.
    pub fn new(namespace: &Namespace) -> Self {
        Self::of_generation(namespace, 0)
    }

    /// The cipher of `namespace` after its key was destroyed and made anew `generation` times: every tag below it is another.
    pub fn of_generation(namespace: &Namespace, generation: u32) -> Self {
        Self { namespace: NamespaceTag::from_bytes(hash("namespace", &[&namespace.canonical()])), generation }
    }

    fn shared(namespace: &Namespace) -> Arc<dyn NamespaceCipher> {
        Arc::new(Self::new(namespace))
    }

    fn keyed(&self, label: &str, fields: &[&[u8]]) -> [u8; 16] {
        let generation = self.generation.to_be_bytes();
        let mut all: Vec<&[u8]> = vec![self.namespace.as_bytes(), &generation];
        all.extend_from_slice(fields);
        hash(label, &all)
    }

    /// Everything that a record is bound to.
    fn binding(scope: ScopeTag, name: NameTag, header: &RecordHeader) -> Vec<u8> {
        let mut bytes = Vec::new();
        push_field(&mut bytes, scope.as_bytes());
        push_field(&mut bytes, name.as_bytes());
        push_field(&mut bytes, header.id.suffix().as_bytes());
        push_field(&mut bytes, header.version.as_bytes());
        push_field(&mut bytes, &header.created_at.as_unix().to_be_bytes());
        let expires_at = header.expires_at.map(|at| at.as_unix().to_be_bytes());
        push_field(&mut bytes, expires_at.as_ref().map_or(&[], |bytes| bytes.as_slice()));
        bytes
    }
}

impl NamespaceCipher for TransparentCipher {
    fn namespace_tag(&self) -> NamespaceTag {
        self.namespace
    }

    fn scope_tag(&self, scope: &Scope) -> ScopeTag {
        ScopeTag::from_bytes(self.keyed("scope", &[&scope.canonical()]))
    }

    fn name_tag(&self, scope: ScopeTag, name: &SecretName) -> NameTag {
        NameTag::from_bytes(self.keyed("name", &[scope.as_bytes(), name.as_str().as_bytes()]))
    }

    fn idempotency_tag(&self, reach: &Reach, key: &str) -> IdempotencyTag {
        let tag = match reach {
            Reach::Backend => self.keyed("idempotency of the backend", &[key.as_bytes()]),
            Reach::Extension(user) => self.keyed("idempotency of a user", &[user.as_str().as_bytes(), key.as_bytes()]),
        };
        IdempotencyTag::from_bytes(tag)
    }

    fn fingerprint(&self, fields: &[&[u8]]) -> Fingerprint {
        Fingerprint::from_bytes(self.keyed("fingerprint", fields))
    }

    fn seal(
        &self,
        scope: &Scope,
        name: &SecretName,
        payload: &Plaintext,
        header: &RecordHeader,
    ) -> Result<Sealed, SealError> {
        let scope_tag = self.scope_tag(scope);
        let mut bytes = Vec::new();
        push_field(&mut bytes, &Self::binding(scope_tag, self.name_tag(scope_tag, name), header));
        let user = match scope {
            Scope::Account => "",
            Scope::User(user) => user.as_str(),
        };
        push_field(&mut bytes, user.as_bytes());
        push_field(&mut bytes, name.as_str().as_bytes());
        push_field(&mut bytes, payload.expose_secret().as_bytes());
        Ok(Sealed::assertion(bytes))
    }

    fn open(&self, stored: &StoredSecret) -> Result<OpenedSecret, SealError> {
        let mut rest = stored.sealed.as_bytes();
        let binding = take_field(&mut rest).ok_or(SealError::Tampered)?;
        if binding != Self::binding(stored.scope, stored.name, &stored.header) {
            return Err(SealError::Tampered);
        }
        let mut text = || String::from_utf8(take_field(&mut rest)?.to_vec()).ok();
        let (user, name, payload) = (text(), text(), text());
        let scope = match user.ok_or(SealError::Tampered)? {
            user if user.is_empty() => Scope::Account,
            user => Scope::User(UserId::new(user)),
        };
        Ok(OpenedSecret {
            scope,
            name: name.and_then(SecretName::new).ok_or(SealError::Tampered)?,
            payload: payload.and_then(Plaintext::new).ok_or(SealError::Tampered)?,
        })
    }
}

/// Splits off a field that [`push_field`] wrote.
fn take_field<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, tail) = rest.split_first_chunk::<4>()?;
    let (field, tail) = tail.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    *rest = tail;
    Some(field)
}

fn hash(label: &str, fields: &[&[u8]]) -> [u8; 16] {
    let mut bytes = Vec::new();
    push_field(&mut bytes, label.as_bytes());
    for field in fields {
        push_field(&mut bytes, field);
    }
    let digest = Sha256::digest(&bytes);
    std::array::from_fn(|i| digest[i])
}

/// The namespace of a developer's own account.
pub fn namespace(account: &str, livemode: Livemode) -> Namespace {
    Namespace { developer: AccountId::new(account), account: AccountId::new(account), livemode }
}

/// An app backend with every permission in the test namespace of `account`.
pub fn backend(account: &str) -> Principal {
    Principal {
        namespace: namespace(account, Livemode::Test),
        reach: Reach::Backend,
        permissions: Permissions::ALL,
        app: None,
        being_erased: None,
    }
}

/// The place of `scope` in the test namespace of `account`, as an app backend gets it.
pub fn place<A: Action>(account: &str, scope: Scope) -> SealedPlace<A> {
    place_of_generation(account, scope, 0)
}

/// The same under the key that the namespace has had since its key was destroyed `generation` times.
pub fn place_of_generation<A: Action>(account: &str, scope: Scope, generation: u32) -> SealedPlace<A> {
    let principal = backend(account);
    let authorized = authorize::<A>(&principal, scope).expect("a backend with every permission may do everything");
    SealedPlace::new(&authorized, &TransparentCipher::of_generation(&principal.namespace, generation))
}
