//! What every store promises of what belongs to no tenant: keys, the sweeper, the probe, dev mode's reset.

use cholla_domain::limits::IDEMPOTENCY_KEPT_SECONDS;
use cholla_domain::ports::{Judgement, SetOutcome, Swept, WrappedKey};
use cholla_domain::tag::NamespaceTag;

use crate::store_suite::{Stores, at, expiring, idempotent, marks, new_secret, user_place, with_key};

/// Two nodes that make a namespace's key at once both go on with the same one.
pub async fn the_first_wrapped_key_stays(stores: Stores) {
    let namespace = |n: u8| NamespaceTag::from_bytes([n; 16]);
    let keep = async |tag, key: &[u8]| {
        let kept = stores.keys.keep_wrapped_key(namespace(tag), WrappedKey(key.to_vec()), Judgement::ALONE.at).await;
        kept.expect("the store answers").expect("nothing overtakes it").0
    };
    let look = async |tag| stores.keys.wrapped_key(namespace(tag)).await.expect("the store answers").map(|key| key.0);
    assert_eq!(look(1).await, None);
    assert_eq!(keep(1, b"first").await, b"first");
    assert_eq!(keep(1, b"second").await, b"first");
    assert_eq!(keep(2, b"other").await, b"other");
    assert_eq!((look(1).await, look(2).await, look(3).await), (Some(b"first".to_vec()), Some(b"other".to_vec()), None));
}

/// At most `max` of each kind, never what is live.
pub async fn sweeping_erases_what_is_gone_and_no_more(stores: Stores) {
    let sweep = async |now, max| stores.maintenance.sweep(at(now), max).await.expect("the store answers");
    let day = IDEMPOTENCY_KEPT_SECONDS;
    for user in ["usr_1", "usr_2", "usr_3"] {
        for mark in 0..10_u64 {
            let expires_at = 200 + 10 * i64::try_from(mark).expect("small");
            let secret = expiring(new_secret(user, &mark.to_string(), mark, None, 100), expires_at);
            let key = 100 * u64::from(user.as_bytes()[4]) + mark;
            assert_eq!(stores.set(user, with_key(secret, key, key), 100).await, SetOutcome::Done);
        }
    }
    assert_eq!(stores.put("", "stays", 1_000, 100).await, SetOutcome::Done);
    assert_eq!(sweep(199, 1_000).await, Swept::default());
    assert_eq!(sweep(245, 7).await, Swept { secrets: 7, idempotency_records: 0 });
    assert_eq!(sweep(245, 1_000).await, Swept { secrets: 8, idempotency_records: 0 });
    assert_eq!(stores.list("usr_1", 245).await.len(), 5);
    assert_eq!(sweep(100 + day, 20).await, Swept { secrets: 15, idempotency_records: 20 });
    assert_eq!(sweep(100 + day, 20).await, Swept { secrets: 0, idempotency_records: 10 });
    assert_eq!(sweep(i64::MAX, 20).await, Swept::default());
    assert_eq!(marks(&stores.list("", i64::MAX).await), [1_000]);
}

/// However often it is asked whether it is ready.
pub async fn a_probe_changes_nothing(stores: Stores) {
    assert_eq!(stores.put("", "a", 1, 100).await, SetOutcome::Done);
    let before = stores.find("", "a", 100).await;
    for _ in 0..3 {
        stores.maintenance.probe().await.expect("the store answers");
    }
    assert_eq!(stores.find("", "a", 100).await, before);
    stores.maintenance.erase_all().await.expect("the store answers");
    stores.maintenance.probe().await.expect("an empty store answers as well");
    assert_eq!(stores.find("", "a", 100).await, None);
}

/// Dev mode's reset.
pub async fn erasing_all_leaves_the_instance_key(stores: Stores) {
    let namespace = NamespaceTag::from_bytes([7; 16]);
    for tag in [NamespaceTag::INSTANCE, namespace] {
        stores.keys.keep_wrapped_key(tag, WrappedKey(vec![7]), Judgement::ALONE.at).await.expect("the store answers");
    }
    let secret = with_key(new_secret("", "a", 1, None, 100), 1, 1);
    assert_eq!(stores.set("", secret, 100).await, SetOutcome::Done);
    assert!(stores.find("", "a", 100).await.is_some());
    stores.maintenance.erase_all().await.expect("the store answers");
    assert_eq!(stores.find("", "a", 100).await, None);
    assert_eq!(stores.header("", "a", 100).await, None);
    assert_eq!(stores.list("", 100).await, []);
    let kept = stores.secrets.kept(&user_place(""), idempotent(1, 0, 0).tag, at(100)).await;
    assert_eq!(kept.expect("the store answers"), None);
    assert_eq!(stores.keys.wrapped_key(namespace).await.expect("the store answers"), None);
    let instance = stores.keys.wrapped_key(NamespaceTag::INSTANCE).await.expect("the store answers");
    assert_eq!(instance, Some(WrappedKey(vec![7])));
    let again = with_key(new_secret("", "a", 2, None, 100), 1, 2);
    assert_eq!(stores.set("", again, 100).await, SetOutcome::Done);
}
