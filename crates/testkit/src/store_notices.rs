//! What every store promises of the notices.

use cholla_domain::id::SecretId;
use cholla_domain::ports::{Judgement, NamespaceCipher, Notice, NoticeKind, SetOutcome, WrappedKey};
use cholla_domain::tag::NamespaceTag;

use crate::cipher::{TransparentCipher, backend};
use crate::store_outbox::delivery;
use crate::store_suite::{Stores, at, deletion, expiring, new_secret};

/// The tag of the test namespace of `account`.
pub fn namespace_tag(account: &str) -> NamespaceTag {
    TransparentCipher::new(&backend(account).namespace).namespace_tag()
}

impl Stores {
    /// Gives the suite's namespace a key, so that its scopes are listed.
    pub async fn with_key(self) -> Self {
        self.keep_key("acct_suite", b"the first key").await;
        self
    }

    /// Keeps a wrapped key for the test namespace of `account`, and answers the one it has now.
    pub async fn keep_key(&self, account: &str, key: &[u8]) -> Vec<u8> {
        let key = WrappedKey(key.to_vec());
        let kept = self.keys.keep_wrapped_key(namespace_tag(account), key, Judgement::ALONE.at).await;
        kept.expect("the store answers").expect("nothing overtakes it").0
    }

    async fn notices(&self) -> Vec<Notice> {
        self.notices.notices(usize::MAX).await.expect("the store answers")
    }

    /// Takes what there is to tell: kind, moment, and the names of `ids` by their secrets.
    async fn tell(&self, ids: &[(&'static str, SecretId)]) -> Vec<(&'static str, NoticeKind, i64)> {
        let notices = self.notices().await;
        if let Some(last) = notices.last() {
            self.notices.told(last.number, Vec::new(), at(0)).await.expect("the store answers");
        }
        let name = |secret| ids.iter().find(|(_, id)| *id == secret).map_or("?", |(name, _)| *name);
        notices.iter().map(|notice| (name(notice.secret), notice.kind, notice.at.as_unix())).collect()
    }

    async fn id(&self, name: &str, now: i64) -> SecretId {
        self.header("", name, now).await.expect("it was set").id
    }

    async fn set_expiring(&self, name: &str, mark: u64, expires_at: i64) -> SecretId {
        let replaces = self.header("", name, 100).await;
        let secret = expiring(new_secret("", name, mark, replaces, 100), expires_at);
        let id = secret.header.id;
        assert_eq!(self.set("", secret, 100).await, SetOutcome::Done);
        id
    }

    async fn notice_expiring(&self, up_to: i64, max: u32) -> bool {
        self.notices.notice_expiring(at(up_to), at(50), max).await.expect("the store answers")
    }
}

/// Sets, replacements, deletes, and expired secrets when they are erased: by the sweeper, or to make room. Not before they are wanted.
pub async fn notices_are_left_by_whatever_happens_to_a_secret(stores: Stores) {
    use NoticeKind::{Deleted, Expired, Set};
    let stores = stores.with_key().await;
    assert_eq!(stores.put("", "early", 1, 100).await, SetOutcome::Done);
    stores.delete("", deletion("", "early"), 100).await;
    assert_eq!(stores.notices().await, []);
    stores.notices.keep_notices(true);
    assert_eq!(stores.put("", "a", 2, 101).await, SetOutcome::Done);
    let a = ("a", stores.id("a", 101).await);
    assert_eq!(stores.put("", "a", 3, 102).await, SetOutcome::Done);
    stores.delete("", deletion("", "none"), 103).await;
    stores.delete("", deletion("", "a"), 104).await;
    let notice = stores.notices().await[0];
    assert_eq!((notice.namespace, notice.expires_at), (namespace_tag("acct_suite"), None));
    assert_eq!(stores.tell(&[a]).await, [("a", Set, 101), ("a", Set, 102), ("a", Deleted, 104)]);
    let (b, c) = (("b", stores.set_expiring("b", 4, 200).await), ("c", stores.set_expiring("c", 5, 210).await));
    assert_eq!(stores.notices().await[1].expires_at, Some(at(210)));
    assert_eq!(stores.tell(&[b, c]).await, [("b", Set, 100), ("c", Set, 100)]);
    stores.delete("", deletion("", "b"), 205).await;
    assert_eq!(stores.tell(&[]).await, [], "it has expired, and is still there");
    assert_eq!(stores.put("", "d", 6, 205).await, SetOutcome::Done);
    let d = ("d", stores.id("d", 205).await);
    assert_eq!(stores.tell(&[b, c, d]).await, [("b", Expired, 205), ("d", Set, 205)]);
    stores.maintenance.sweep(at(300), 10).await.expect("the store answers");
    assert_eq!(stores.notices().await[0].expires_at, Some(at(210)));
    assert_eq!(stores.tell(&[b, c, d]).await, [("c", Expired, 300)]);
    stores.notices.keep_notices(false);
    stores.delete("", deletion("", "d"), 301).await;
    assert_eq!(stores.notices().await, []);
}

/// Deliveries are queued as the notices that they were made from are forgotten. Numbers only grow, so that telling twice loses nothing.
pub async fn notices_are_told_once(stores: Stores) {
    let stores = stores.with_key().await;
    stores.notices.keep_notices(true);
    for (mark, name) in (1..).zip(["a", "b", "c"]) {
        assert_eq!(stores.put("", name, mark, 100).await, SetOutcome::Done);
    }
    let first: Vec<_> = stores.notices.notices(2).await.expect("the store answers");
    assert_eq!(first.len(), 2);
    let told = async |through: u64, number| {
        stores.notices.told(through, vec![delivery(number, 1, 100)], at(100)).await.expect("the store answers");
    };
    told(first[1].number, 1).await;
    told(first[1].number, 1).await;
    let rest = stores.notices().await;
    assert_eq!(rest.len(), 1);
    assert!(rest[0].number > first[1].number);
    told(rest[0].number, 2).await;
    assert_eq!(stores.put("", "d", 4, 100).await, SetOutcome::Done);
    assert!(stores.notices().await[0].number > rest[0].number, "a number is never used again");
    assert_eq!(stores.outbox.recent(None, 9).await.expect("the store answers").len(), 2);
}

/// When its expiry comes into sight, or when it is set if it is in sight already.
pub async fn every_secret_gets_one_notice_that_it_expires(stores: Stores) {
    use NoticeKind::{Expiring, Set};
    let stores = stores.with_key().await;
    stores.notices.keep_notices(true);
    let mut ids = Vec::new();
    for (mark, (name, expires_at)) in (1..).zip([("a", 500), ("b", 300), ("c", 300), ("d", 300), ("e", 400)]) {
        ids.push((name, stores.set_expiring(name, mark, expires_at).await));
    }
    assert_eq!(stores.put("", "f", 6, 100).await, SetOutcome::Done);
    stores.tell(&ids).await;
    assert!(!stores.notice_expiring(299, 9).await);
    assert_eq!(stores.tell(&ids).await, []);
    assert!(stores.notice_expiring(450, 0).await, "asked for none, there are some");
    assert!(stores.notice_expiring(450, 2).await);
    assert_eq!(stores.tell(&ids).await, [("b", Expiring, 50), ("c", Expiring, 50)]);
    stores.set_expiring("b", 7, 300).await;
    stores.set_expiring("d", 8, 301).await;
    assert_eq!(stores.tell(&ids).await, [("b", Set, 100), ("b", Expiring, 100), ("d", Set, 100)]);
    assert!(!stores.notice_expiring(450, 2).await);
    assert_eq!(stores.tell(&ids).await, [("d", Expiring, 50), ("e", Expiring, 50)]);
    assert!(!stores.notice_expiring(450, 9).await);
    assert!(!stores.notice_expiring(200, 9).await, "it does not go back");
    stores.set_expiring("e", 9, 450).await;
    stores.set_expiring("d", 10, 451).await;
    assert_eq!(stores.tell(&ids).await, [("e", Set, 100), ("e", Expiring, 100), ("d", Set, 100)]);
    assert!(!stores.notice_expiring(500, 9).await);
    assert_eq!(stores.tell(&ids).await, [("d", Expiring, 50), ("a", Expiring, 50)]);
}
