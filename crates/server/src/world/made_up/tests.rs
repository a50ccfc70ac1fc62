use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

use super::*;
use crate::world::tests::test_hash;

/// A directory in which `acct_declared` and one made-up id are declared.
fn declared() -> Directory {
    let mut directory = Directory::default();
    directory.add_account(AccountId::new("acct_declared"));
    directory.add_account(own_account_id(&test_hash(b"sk_test_clash")));
    directory
}

/// `own`: the key's own account in its own namespace; `reached`: another one in a namespace of the two.
fn resolve(made_up: &MadeUp, key: &str, named: Option<&str>) -> String {
    let hash = test_hash(key.as_bytes());
    let own = own_account_id(&hash);
    let resolved = made_up.resolve(key, &hash, named.map(AccountId::new).as_ref(), &declared());
    let Some(resolved) = resolved else { return "unknown".to_owned() };
    match resolved {
        Err(refused) => format!("{refused:?}"),
        Ok(principal) => {
            let place = principal.namespace;
            assert_eq!((place.developer, place.livemode), (own.clone(), Livemode::Test));
            assert_eq!((principal.reach, principal.app, principal.permissions.write), (Reach::Backend, None, true));
            if place.account == own { "own".to_owned() } else { "reached".to_owned() }
        }
    }
}

#[test]
fn only_well_formed_test_keys() {
    for (key, expected) in [
        ("sk_test_123", "own"),
        ("rk_test_123", "own"),
        ("sk_test_1", "own"),
        ("sk_test_a_B_9", "own"),
        ("sk_test_", "unknown"),
        ("sk_test_a-b", "unknown"),
        ("sk_test_a b", "unknown"),
        ("sk_test_é", "unknown"),
        ("sk_live_123", "unknown"),
        ("rk_live_123", "unknown"),
        ("ek_test_123", "unknown"),
        ("pk_test_123", "unknown"),
        ("sk_123", "unknown"),
        ("", "unknown"),
    ] {
        assert_eq!(resolve(&MadeUp::new(), key, None), expected, "{key}");
        assert_eq!(MadeUp::is_well_formed(key), expected == "own", "{key}");
    }
}

#[test]
fn rule_6_24_accounts_are_made_up_but_never_taken() {
    let made_up = MadeUp::new();
    let own = own_account_id(&test_hash(b"sk_test_1"));
    let other = own_account_id(&test_hash(b"sk_test_2"));
    let long = format!("acct_{}", "a".repeat(251));
    for (key, named, expected) in [
        ("sk_test_1", Some("acct_new"), "reached"),
        ("sk_test_1", Some("acct_new"), "reached"),
        ("sk_test_2", Some("acct_new"), "reached"),
        ("sk_test_1", Some(own.as_str()), "own"),
        ("sk_test_1", Some(other.as_str()), "reached"),
        ("sk_test_1", Some("acct_declared"), "AccountNotReachable"),
        ("sk_test_1", Some("acct_"), "AccountNotReachable"),
        ("sk_test_1", Some("acct_a-b"), "AccountNotReachable"),
        ("sk_test_1", Some("cus_1"), "AccountNotReachable"),
        ("sk_test_1", Some(""), "AccountNotReachable"),
        ("sk_test_1", Some(&long), "AccountNotReachable"),
        ("sk_test_1", Some(&long[..255]), "reached"),
        ("sk_test_clash", None, "AccountNotReachable"),
        ("sk_test_clash", Some("acct_new"), "reached"),
    ] {
        assert_eq!(resolve(&made_up, key, named), expected, "{key} on {named:?}");
    }
}

/// The namespace of a made-up key is the same after a restart, so with a persistent data directory its secrets are there again.
#[test]
fn the_account_of_a_key_depends_on_nothing_else() {
    let hash = test_hash(b"sk_test_1");
    let account = |made_up: &MadeUp| {
        let principal = made_up.resolve("sk_test_1", &hash, None, &declared()).unwrap().unwrap();
        principal.namespace.account
    };
    let (first, second) = (MadeUp::new(), MadeUp::new());
    resolve(&second, "sk_test_2", Some("acct_x"));
    assert_eq!(account(&first), account(&second));
    assert_eq!(account(&first), account(&first));
    let id = own_account_id(&hash);
    assert!(is_account_id(id.as_str()) && id.as_str().len() == 5 + OWN_CHARS, "{id}");
    first.clear();
    assert_eq!(account(&first), id);
}

#[test]
fn there_is_a_limit() {
    let made_up = MadeUp::new();
    assert_eq!(resolve(&made_up, "sk_test_first", Some("acct_first")), "reached");
    {
        let mut known = made_up.known.write().unwrap();
        for number in known.accounts.len()..MADE_UP_ACCOUNTS_MAX {
            assert!(known.make_up(&AccountId::new(format!("acct_filler_{number}"))));
        }
    }
    for (key, named, expected) in [
        ("sk_test_new", None, "unknown"),
        ("sk_test_first", None, "own"),
        ("sk_test_first", Some("acct_first"), "reached"),
        ("sk_test_first", Some("acct_filler_7"), "reached"),
        ("sk_test_first", Some("acct_new"), "AccountNotReachable"),
    ] {
        assert_eq!(resolve(&made_up, key, named), expected, "{key} on {named:?}");
    }
    made_up.known.write().unwrap().installs = MADE_UP_ACCOUNTS_MAX;
    assert_eq!(resolve(&made_up, "sk_test_first", Some("acct_filler_8")), "AccountNotReachable");
    made_up.clear();
    assert_eq!(resolve(&made_up, "sk_test_new", Some("acct_new")), "reached");
}

/// Keeps the fields of every event.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        use std::fmt::Write as _;
        write!(self.0, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Events {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }
    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut line = format!("{} ", event.metadata().level());
        event.record(&mut Fields(&mut line));
        self.0.lock().unwrap().push(line.trim_end().to_owned());
    }
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[test]
fn each_first_sight_is_one_line_with_the_masked_key() {
    let events = Events::default();
    let made_up = MadeUp::new();
    let (key, other) = ("sk_test_0123456789abcdef", "rk_test_123");
    tracing::subscriber::with_default(events.clone(), || {
        for _ in 0..2 {
            resolve(&made_up, key, None);
            resolve(&made_up, key, Some("acct_new"));
            resolve(&made_up, other, Some("acct_new"));
            resolve(&made_up, other, Some("acct_declared"));
        }
    });
    let account = |key: &str| own_account_id(&test_hash(key.as_bytes()));
    let expected = [
        format!("INFO message=made up an account for an unseen key key=sk_test_****cdef account=\"{}\"", account(key)),
        "INFO message=installed a made-up app on an unseen account key=sk_test_****cdef account=\"acct_new\""
            .to_owned(),
        format!("INFO message=made up an account for an unseen key key=rk_test_**** account=\"{}\"", account(other)),
        "INFO message=installed a made-up app on an unseen account key=rk_test_**** account=\"acct_new\"".to_owned(),
    ];
    assert_eq!(*events.0.lock().unwrap(), expected);
}
