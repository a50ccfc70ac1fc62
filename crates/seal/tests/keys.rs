//! Where keys are kept, created, cached and forgotten.

mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use async_trait::async_trait;
use cholla_domain::error::{SealError, StoreError};
use cholla_domain::place::Namespace;
use cholla_domain::ports::{NamespaceCipher, NamespaceKeys, Revision, WrappedKey, WrappedKeyStore};
use cholla_domain::tag::NamespaceTag;
use cholla_seal::{Instance, KeyFileError, KeyMaterial, KeyProvider, Keyring, ProviderError, RootKey};
use tokio::sync::Semaphore;

use crate::support::{Memory, keyring, namespace};

/// Counts calls, lets them wait, and can be unavailable: a store and a provider in one.
struct Watched {
    rows: Arc<Memory>,
    root: RootKey,
    reads: AtomicUsize,
    wraps: AtomicUsize,
    unwraps: AtomicUsize,
    gate: Semaphore,
    unavailable: AtomicBool,
    /// The revision that has closed every namespace.
    closed: AtomicU64,
}

impl Watched {
    fn new(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            rows: Arc::default(),
            root: RootKey::generate().expect("the system gives randomness"),
            reads: AtomicUsize::new(0),
            wraps: AtomicUsize::new(0),
            unwraps: AtomicUsize::new(0),
            gate: Semaphore::new(permits),
            unavailable: AtomicBool::new(false),
            closed: AtomicU64::new(0),
        })
    }

    async fn keyring(self: &Arc<Self>) -> Arc<Keyring> {
        Arc::new(keyring(self.clone(), self.clone()).await)
    }

    /// Store reads, wraps and unwraps since the last call.
    fn calls(&self) -> [usize; 3] {
        [&self.reads, &self.wraps, &self.unwraps].map(|count| count.swap(0, Ordering::SeqCst))
    }
}

#[async_trait]
impl WrappedKeyStore for Watched {
    async fn wrapped_key(&self, tag: NamespaceTag) -> Result<Option<WrappedKey>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.unavailable.load(Ordering::SeqCst) {
            return Err(StoreError::Unavailable("switched off".into()));
        }
        let read = self.rows.wrapped_key(tag).await;
        self.gate.acquire().await.expect("nobody closes the gate").forget();
        read
    }

    async fn keep_wrapped_key(
        &self,
        tag: NamespaceTag,
        key: WrappedKey,
        judged: Revision,
    ) -> Result<Option<WrappedKey>, StoreError> {
        if judged.0 < self.closed.load(Ordering::SeqCst) {
            return Ok(None);
        }
        self.rows.keep_wrapped_key(tag, key, judged).await
    }
}

#[async_trait]
impl KeyProvider for Watched {
    async fn wrap(&self, key: &KeyMaterial, associated_data: &[u8]) -> Result<WrappedKey, ProviderError> {
        self.wraps.fetch_add(1, Ordering::SeqCst);
        self.root.wrap(key, associated_data).await
    }

    async fn unwrap(&self, wrapped: &WrappedKey, associated_data: &[u8]) -> Result<KeyMaterial, ProviderError> {
        self.unwraps.fetch_add(1, Ordering::SeqCst);
        self.root.unwrap(wrapped, associated_data).await
    }
}

/// The revision at which everybody is judged.
const NOW: Revision = Revision(7);

/// The cipher of a namespace, under a new key where it has none.
async fn made(keyring: &Keyring, namespace: &Namespace) -> Arc<dyn NamespaceCipher> {
    let made = keyring.find_or_create(namespace, NOW).await.expect("the store is in memory");
    made.expect("nothing closes it")
}

#[tokio::test]
async fn the_instance_key_is_created_once_and_found_again() {
    let watched = Watched::new(Semaphore::MAX_PERMITS);
    let mut derived = Vec::new();
    for calls in [[1, 1, 1], [1, 0, 1]] {
        let instance = Instance::open(watched.clone(), watched.clone()).await.unwrap();
        assert_eq!(watched.calls(), calls);
        derived.push((*instance.credential_hash(b"sk_test_1").as_bytes(), instance.derive_alphanumerics("app", 24)));
    }
    assert_eq!(derived[0], derived[1]);
    assert!(derived[0].1.len() == 24 && derived[0].1.bytes().all(|byte| byte.is_ascii_alphanumeric()));
}

#[tokio::test]
async fn finding_creates_no_key() {
    let watched = Watched::new(Semaphore::MAX_PERMITS);
    let keyring = watched.keyring().await;
    watched.calls();
    let (one, two) = (namespace("a", "b", false), namespace("a", "b", true));
    assert!(keyring.find(&one).await.unwrap().is_none());
    assert_eq!(watched.calls(), [1, 0, 0]);
    let created = made(&keyring, &one).await;
    assert_eq!(watched.calls(), [1, 1, 1]);
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&keyring.find(&one).await.unwrap().unwrap(), &created));
        assert!(Arc::ptr_eq(&made(&keyring, &one).await, &created));
    }
    assert_eq!(watched.calls(), [0, 0, 0], "a hit asks nobody");
    assert!(keyring.find(&two).await.unwrap().is_none());
}

#[tokio::test]
async fn concurrent_misses_create_and_unwrap_once() {
    let watched = Watched::new(1);
    let keyring = watched.keyring().await;
    watched.calls();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let keyring = keyring.clone();
            tokio::spawn(async move { made(&keyring, &namespace("a", "b", false)).await })
        })
        .collect();
    tokio::task::yield_now().await;
    watched.gate.add_permits(1);
    let mut ciphers = Vec::new();
    for task in tasks {
        ciphers.push(task.await.unwrap());
    }
    assert!(ciphers.iter().all(|cipher| Arc::ptr_eq(cipher, &ciphers[0])));
    assert_eq!(watched.calls(), [1, 1, 1]);
}

#[tokio::test]
async fn two_nodes_that_create_the_same_key_both_use_the_winner() {
    let watched = Watched::new(1);
    let one = watched.keyring().await;
    watched.gate.add_permits(1);
    let two = watched.keyring().await;
    watched.calls();
    let create = |keyring: &Arc<Keyring>| {
        let keyring = keyring.clone();
        tokio::spawn(async move { made(&keyring, &namespace("a", "b", false)).await })
    };
    let tasks = [create(&one), create(&two)];
    while watched.reads.load(Ordering::SeqCst) < 2 {
        tokio::task::yield_now().await;
    }
    watched.gate.add_permits(2);
    let [one, two] = tasks;
    let (one, two) = (one.await.unwrap(), two.await.unwrap());
    assert_eq!(watched.calls(), [2, 2, 2], "both saw no key and made one");
    assert_eq!(one.fingerprint(&[]), two.fingerprint(&[]), "and both use the same");
}

#[tokio::test]
async fn a_failure_is_not_cached() {
    let watched = Watched::new(Semaphore::MAX_PERMITS);
    let keyring = watched.keyring().await;
    let one = namespace("a", "b", false);
    watched.unavailable.store(true, Ordering::SeqCst);
    assert!(matches!(keyring.find(&one).await, Err(SealError::Unavailable(_))));
    assert!(matches!(keyring.find_or_create(&one, NOW).await, Err(SealError::Unavailable(_))));
    watched.unavailable.store(false, Ordering::SeqCst);
    assert!(keyring.find_or_create(&one, NOW).await.is_ok());
}

/// Contract 14.6: whoever was judged before the namespace was closed makes no key there, and leaves those alone who were judged after.
#[tokio::test]
async fn rule_14_6_a_closed_namespace_gets_no_key_from_whoever_was_judged_before() {
    let watched = Watched::new(Semaphore::MAX_PERMITS);
    let (keyring, one) = (watched.keyring().await, namespace("a", "b", false));
    watched.closed.store(8, Ordering::SeqCst);
    assert!(keyring.find_or_create(&one, Revision(7)).await.unwrap().is_none());
    assert!(keyring.find(&one).await.unwrap().is_none());
    let made = keyring.find_or_create(&one, Revision(8)).await.unwrap().unwrap();
    // It is there by now; what is written with it is refused where it is written.
    assert!(Arc::ptr_eq(&keyring.find_or_create(&one, Revision(7)).await.unwrap().unwrap(), &made));
}

/// A key that was read before it was erased, and arrives after, is used for the calls that began before and for no other.
#[tokio::test]
async fn nothing_read_before_forgetting_is_used_after() {
    let forget_one = |keyring: &Keyring, one: &Namespace| keyring.forget(one);
    let forget_all = |keyring: &Keyring, _: &Namespace| keyring.forget_all();
    for (creates, forget) in
        [(false, forget_one as fn(&Keyring, &Namespace)), (true, forget_one), (false, forget_all), (true, forget_all)]
    {
        let watched = Watched::new(2);
        let keyring = watched.keyring().await;
        let one = namespace("a", "b", false);
        let old = made(&keyring, &one).await;
        forget(&keyring, &one);
        watched.calls();
        let late = tokio::spawn({
            let (keyring, one) = (keyring.clone(), one.clone());
            async move {
                if creates {
                    keyring.find_or_create(&one, NOW).await.map(Option::unwrap)
                } else {
                    keyring.find(&one).await.map(Option::unwrap)
                }
            }
        });
        while watched.reads.load(Ordering::SeqCst) < 1 {
            tokio::task::yield_now().await;
        }
        watched.rows.put(old.namespace_tag(), None);
        forget(&keyring, &one);
        watched.gate.add_permits(3);
        let late = late.await.unwrap().unwrap();
        assert_eq!(late.fingerprint(&[]), old.fingerprint(&[]));
        assert_eq!(Arc::strong_count(&late), 1, "what was forgotten stays in no memory");
        assert!(keyring.find(&one).await.unwrap().is_none());
        let new = made(&keyring, &one).await;
        assert_eq!(new.namespace_tag(), old.namespace_tag());
        assert_ne!(new.fingerprint(&[]), old.fingerprint(&[]));
    }
}

/// A call that began before the key was erased, and reads only after, makes or finds a new one: that, too, is not handed to later calls in
/// the place of what they would find.
#[tokio::test]
async fn a_call_that_reads_after_forgetting_shares_nothing_with_later_calls() {
    let watched = Watched::new(2);
    let keyring = watched.keyring().await;
    let one = namespace("a", "b", false);
    let old = made(&keyring, &one).await;
    keyring.forget(&one);
    watched.calls();
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let (keyring, one) = (keyring.clone(), one.clone());
            tokio::spawn(async move { made(&keyring, &one).await })
        })
        .collect();
    while watched.reads.load(Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    watched.rows.put(old.namespace_tag(), None);
    keyring.forget(&one);
    watched.gate.add_permits(1);
    for task in tasks {
        assert_eq!(task.await.unwrap().fingerprint(&[]), old.fingerprint(&[]), "they share the one read");
    }
    watched.gate.add_permits(1);
    let new = made(&keyring, &one).await;
    assert_ne!(new.fingerprint(&[]), old.fingerprint(&[]));
    assert_eq!(watched.calls(), [2, 1, 2]);
    assert!(Arc::ptr_eq(&keyring.find(&one).await.unwrap().unwrap(), &new), "the new one is cached");
}

/// Reads, tasks and forgetting in any order: once `forget` has returned after the erasure, nobody who begins then sees the erased key.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_call_that_begins_after_forgetting_sees_the_erased_key() {
    let watched = Watched::new(Semaphore::MAX_PERMITS);
    let keyring = watched.keyring().await;
    let one = namespace("a", "b", false);
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..3)
        .map(|_| {
            let (keyring, one, stop) = (keyring.clone(), one.clone(), stop.clone());
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    keyring.find(&one).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let mut last = made(&keyring, &one).await;
    for _ in 0..200 {
        watched.rows.put(last.namespace_tag(), None);
        keyring.forget(&one);
        assert!(keyring.find(&one).await.unwrap().is_none());
        let new = made(&keyring, &one).await;
        assert_ne!(new.fingerprint(&[]), last.fingerprint(&[]));
        last = new;
    }
    stop.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
}

#[tokio::test]
async fn forgetting_one_key_leaves_the_others_cached() {
    let watched = Watched::new(Semaphore::MAX_PERMITS);
    let keyring = watched.keyring().await;
    let accounts: Vec<_> = (0..64).map(|n| namespace("dev", &format!("acct_{n}"), false)).collect();
    for account in &accounts {
        made(&keyring, account).await;
    }
    keyring.forget(&accounts[0]);
    watched.calls();
    for account in &accounts[1..] {
        keyring.find(account).await.unwrap();
    }
    assert_eq!(watched.calls(), [0, 0, 0]);
    keyring.find(&accounts[0]).await.unwrap();
    assert_eq!(watched.calls(), [1, 0, 1]);
}

fn with_mode(path: &Path, text: &str, mode: u32) {
    std::fs::write(path, text).expect("there is room for a file");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("the file is ours");
    }
}

#[tokio::test]
async fn a_root_key_survives_its_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("root.key");
    let root = RootKey::generate().unwrap();
    root.write_new(&path).unwrap();
    let read = RootKey::read(&path).unwrap();
    assert_eq!(read.id(), root.id());
    let key = KeyMaterial::from_bytes(&[7; 32]).unwrap();
    let wrapped = root.wrap(&key, b"place").await.unwrap();
    assert_eq!(read.unwrap(&wrapped, b"place").await.unwrap().expose_bytes(), &[7; 32]);
    assert!(matches!(read.unwrap(&wrapped, b"other").await, Err(ProviderError::Tampered)));
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(matches!(RootKey::generate().unwrap().write_new(&path), Err(KeyFileError::Exists(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text, "what was there stays");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    }
}

#[test]
fn a_key_file_that_cannot_be_trusted_is_refused_and_says_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("root.key");
    let line = format!("cholla-root-key-v1 {}\n", "0f".repeat(32));
    let advice = |path: &Path| RootKey::read(path).err().map(|error| error.to_string());
    assert!(advice(&path).unwrap().contains("restore it from where you keep it"));
    assert!(advice(directory.path()).is_some(), "a directory is no key file");
    for (text, mode, expected) in [
        (&line[..], 0o600, None),
        (&line, 0o400, None),
        (&line, 0o640, cfg!(unix).then_some("mode 0640): run `chmod 600`")),
        (&line, 0o604, cfg!(unix).then_some("mode 0604): run `chmod 600`")),
        (&line, 0o620, cfg!(unix).then_some("mode 0620): run `chmod 600`")),
        (&line[1..], 0o600, Some("is not a root key file")),
        (&line.repeat(100), 0o600, Some("is not a root key file")),
        ("", 0o600, Some("is not a root key file")),
    ] {
        let _ = std::fs::remove_file(&path);
        with_mode(&path, text, mode);
        let message = advice(&path);
        match expected {
            None => assert_eq!(message, None),
            Some(expected) => {
                let message = message.unwrap();
                assert!(message.contains(expected), "{message}");
                assert!(!message.contains("0f0f"), "no key in a message");
            }
        }
    }
}
