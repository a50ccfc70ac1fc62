//! What is remembered for a while only, how long, and how much of it (contract 10.11, 10.13, 15.6).

use std::ops::Range;

use cholla_domain::directory::access::{InstallCaller, Refused};
use cholla_domain::directory::app::Asks;
use cholla_domain::directory::change::RecordChange;
use cholla_domain::directory::credential::{Credential, CredentialKind};
use cholla_domain::directory::decision::Mint;
use cholla_domain::directory::install::{Channel, InstallView};
use cholla_domain::directory::kept::{KeptInstall, KeptInstallResult, KeptOperation, StateRefusal};
use cholla_domain::directory::record::{Record, RecordName};
use cholla_domain::id::{AccountId, AppId, InstallId, UserId};
use cholla_domain::installs::{self, CreateRequest, InstallRequest, ListRequest, Memory, issue_code, list, tidy};
use cholla_domain::limits::{
    ENDED_PER_PLACE_MAX, IDEMPOTENCY_KEPT_SECONDS, KEPT_INSTALL_BYTES_PER_ACCOUNT_MAX, KEPT_INSTALLS_PER_ACCOUNT_MAX,
};
use cholla_domain::oauth::{Developer, ExchangeRequest, RefreshRequest, exchange, refresh};
use cholla_domain::time::Timestamp;
use cholla_testkit::directory_world::{DirectoryWorld, GRACE_SECONDS};
use zeroize::Zeroizing;

use super::{TEST, create, done, id_of, key, on, own, reauthorize, uninstall, world};

const HOUR: i64 = 60 * 60;
const DAY: i64 = 24 * HOUR;

/// What a server remembers that makes nothing up.
fn memory(grace_seconds: i64) -> Memory {
    Memory { grace_seconds, forgets_credentials: true }
}

fn sweep(world: &mut DirectoryWorld) {
    loop {
        let change = tidy(&world.directory, world.now, memory(GRACE_SECONDS), 100);
        if change.is_empty() {
            return;
        }
        world.commit(change);
    }
}

#[test]
fn what_is_remembered_for_a_while_is_forgotten() {
    let mut world = world();
    world.install("app", "shop", TEST);
    let app = || AppId::new("app");
    let session = || CredentialKind::Embedded { app: app(), user: UserId::new("usr_1") };
    let token = || CredentialKind::OAuth { app: app() };
    let kinds = [
        ("oauth rotated", token(), Some(10), Some(10)),
        ("oauth revoked", token(), Some(HOUR), Some(10)),
        ("oauth expired", token(), Some(10), None),
        ("oauth that was declared", token(), None, Some(10)),
        ("embedded", session(), Some(10), None),
        ("embedded revoked", session(), Some(DAY), Some(10)),
        ("embedded that was declared", session(), None, Some(10)),
        ("rk", CredentialKind::Restricted { app: app() }, Some(10), Some(10)),
        ("sk", CredentialKind::Secret, Some(10), Some(10)),
    ];
    let beginning = world.now;
    let at = |seconds: Option<i64>| seconds.map(|seconds| beginning.plus(seconds));
    for (text, kind, expires, revoked) in kinds {
        let credential = world.credential(text, kind, "shop", TEST);
        let credential = Credential { expires_at: at(expires), revoked_at: at(revoked), ..credential };
        world.put(Record::Credential(Box::new(credential)));
    }
    let id = id_of(&world, "app", "shop", TEST).to_string();
    let key = key("k");
    let request = InstallRequest { id: &id, parameters: &[] };
    let decided = installs::uninstall(&world.context_with(Some(&key)), &own("shop", TEST), &request);
    world.take(decided.expect("it may"));
    let count = |world: &DirectoryWorld, now: Timestamp, grace: i64| {
        tidy(&world.directory, now, memory(grace), 100).records.len()
    };
    let making_up = Memory { grace_seconds: GRACE_SECONDS, forgets_credentials: false };
    let left = tidy(&world.directory, beginning.plus(GRACE_SECONDS), making_up, 100).records;
    assert!(!left.iter().any(|step| matches!(step, RecordChange::Remove(RecordName::Credential(_)))), "made up again");
    assert_eq!(left.len(), 2, "the others are forgotten");
    for (seconds, grace, expected) in [
        (9, 0, 0),
        (10, 0, 1),
        (DAY - 1, 0, 1),
        (DAY, 0, 3),
        (DAY, GRACE_SECONDS, 2),
        (DAY + 9, GRACE_SECONDS, 2),
        (DAY + 10, GRACE_SECONDS, 3),
        // Whoever was revoked before that does not come back under the same value.
        (2 * DAY - 1, GRACE_SECONDS, 3),
        (2 * DAY, GRACE_SECONDS, 4),
        (7 * DAY + 9, GRACE_SECONDS, 4),
        (7 * DAY + 10, GRACE_SECONDS, 5),
        (7 * DAY + HOUR - 1, GRACE_SECONDS, 5),
        (7 * DAY + HOUR, GRACE_SECONDS, 6),
        (GRACE_SECONDS - 1, GRACE_SECONDS, 6),
        (GRACE_SECONDS, GRACE_SECONDS, 7),
    ] {
        assert_eq!(count(&world, beginning.plus(seconds), grace), expected, "after {seconds} s of grace {grace}");
    }
    world.pass(GRACE_SECONDS);
    for left in [5, 3, 1, 0] {
        let change = tidy(&world.directory, world.now, memory(GRACE_SECONDS), 2);
        world.commit(change);
        assert_eq!(count(&world, world.now, GRACE_SECONDS), left, "bit by bit");
    }
}

#[test]
fn rule_15_6_an_expired_token_is_told_as_one_for_seven_days() {
    let mut world = world();
    world.install("oauth.app", "shop", TEST);
    let token = world.credential("t", CredentialKind::OAuth { app: AppId::new("oauth.app") }, "shop", TEST);
    let token = Credential { expires_at: Some(world.now.plus(HOUR)), ..token };
    world.put(Record::Credential(Box::new(token.clone())));
    let beginning = world.now;
    for (seconds, is_kept, expected) in [
        (HOUR - 1, true, None),
        (HOUR, true, Some(Refused::Expired)),
        (HOUR + 7 * DAY - 1, true, Some(Refused::Expired)),
        (HOUR + 7 * DAY, false, Some(Refused::Unknown)),
    ] {
        world.now = beginning.plus(seconds);
        let answered = world.directory.principal(&token, None, world.now).err();
        assert_eq!(answered, expected, "after {seconds} s, whether it is forgotten already or not");
        sweep(&mut world);
        assert_eq!(world.directory.credential(&token.key).is_some(), is_kept, "after {seconds} s");
    }
}

#[test]
fn rule_15_6_and_15_7_tokens_do_not_pile_up() {
    // Whatever a backend does, refresh in time or too late, what it does not use any more is forgotten.
    for (gap, most) in [(2 * HOUR, 7 * 12 + 2), (20, 2)] {
        let mut world = world();
        world.install("oauth.app", "shop", TEST);
        let install = id_of(&world, "oauth.app", "shop", TEST);
        let developer = Developer { account: AccountId::new("dev"), livemode: TEST };
        let (grant, code) = issue_code(&world.context(), None, install, None, None);
        world.put(Record::Grant(Box::new(grant)));
        let request = ExchangeRequest {
            code: code.value,
            challenge: None,
            redirect_uri: None,
            client_id: None,
            issued_under: None,
        };
        let decision = exchange(&world.context(), &developer, &request, &|_| false);
        let mut tokens = world.take(decision).0.expect("a pair");
        for _ in 0..200 {
            world.pass(gap);
            let refresh_token = Zeroizing::new(tokens.refresh.value.to_string());
            let request = RefreshRequest { refresh_token, client_id: None, issued_under: None };
            let decision = refresh(&world.context(), &developer, &request, &|_| false);
            tokens = world.take(decision).0.expect("a pair");
            sweep(&mut world);
            assert!(world.directory.credentials().count() <= most, "a refresh every {gap} s");
        }
        let text = install.to_string();
        uninstall(&mut world, &own("shop", TEST), &text);
        world.pass(HOUR + 7 * DAY);
        sweep(&mut world);
        assert_eq!(world.directory.credentials().count(), 0, "14.4: the last one neither");
    }
}

#[test]
fn rule_10_11_and_13_4_of_installs_that_ended_at_one_place_the_newest_are_remembered() {
    let mut world = world();
    let (dev, shop) = (on("shop", "dev", TEST), own("shop", TEST));
    create(&mut world, &dev, "app", None);
    world.upload("app", &["secret_write", "event_read"]);
    world.release("app");
    let mut ids = Vec::new();
    for _ in 0..3 * ENDED_PER_PLACE_MAX {
        let id = id_of(&world, "app", "shop", TEST);
        ids.push(id);
        uninstall(&mut world, &dev, &id.to_string());
        let ended: Vec<_> = world.directory.all_ended().collect();
        assert!(ended.len() <= ENDED_PER_PLACE_MAX);
        let granted = ended.iter().filter(|own| own.install.granted != Asks::default()).count();
        assert_eq!(granted, 1, "13.4: nobody asks for the grants of the time before the last");
        let again = create(&mut world, &dev, "app", None);
        assert!(again.starts_with("public secret_write ?event_read |"), "{again}");
    }
    assert_eq!(world.directory.all_ended().count(), ENDED_PER_PLACE_MAX);
    for (age, id) in ids.iter().rev().enumerate() {
        let request = ListRequest { ending_before: Some(id.to_string()), ..ListRequest::default() };
        let page = list(&world.directory, &shop, &request, world.now);
        assert_eq!(page.is_ok(), age < ENDED_PER_PLACE_MAX, "the end number {age} before the last");
    }
    // Elsewhere nothing is forgotten for it.
    world.install("app", "stranger", TEST);
    let other = id_of(&world, "app", "stranger", TEST).to_string();
    uninstall(&mut world, &own("stranger", TEST), &other);
    assert_eq!(world.directory.all_ended().count(), ENDED_PER_PLACE_MAX + 1);
}

/// Puts kept results of the keys of `dev` into the world.
fn keep(world: &mut DirectoryWorld, numbers: Range<usize>, result: &KeptInstallResult) {
    for number in numbers {
        let mut key = [1; 32];
        key[..8].copy_from_slice(&number.to_be_bytes());
        world.put(Record::Kept(Box::new(KeptInstall {
            key,
            account: AccountId::new("dev"),
            fingerprint: [0; 32],
            original: world.request,
            operation: KeptOperation::Reauthorize,
            install: None,
            result: result.clone(),
            code: None,
            kept_at: world.now,
        })));
    }
}

/// A create under an idempotency key.
fn create_keyed(world: &mut DirectoryWorld, caller: &InstallCaller, text: &str) -> String {
    let key = key(text);
    let request = CreateRequest { app: "app", channel: None, challenge: None, parameters: &[] };
    let decided = installs::create(&world.context_with(Some(&key)), caller, &request);
    done(world, decided)
}

/// A reauthorization, or an uninstall, under an idempotency key.
fn write_keyed(world: &mut DirectoryWorld, caller: &InstallCaller, text: &str, ends: bool) -> String {
    let (id, key) = (id_of(world, "app", "shop", TEST).to_string(), key(text));
    let request = InstallRequest { id: &id, parameters: &[] };
    let write = if ends { installs::uninstall } else { installs::reauthorize };
    let decided = write(&world.context_with(Some(&key)), caller, &request);
    done(world, decided)
}

#[test]
fn rule_10_13_and_6_28_what_is_kept_for_one_account_is_limited() {
    let check = |result: &KeptInstallResult, fill: Range<usize>, more: Range<usize>| {
        let mut world = world();
        world.connect("stranger", "dev");
        world.install("app", "shop", TEST);
        let (dev, shop) = (on("shop", "dev", TEST), own("shop", TEST));
        keep(&mut world, fill, result);
        assert_eq!(create_keyed(&mut world, &dev, "first"), "public secret_write");
        keep(&mut world, more, result);
        let count = |world: &DirectoryWorld| (world.directory.all_kept().count(), world.directory.installs().count());
        let before = count(&world);
        for caller in [&dev, &on("stranger", "dev", TEST)] {
            assert_eq!(create_keyed(&mut world, caller, "further"), "TooMuchKept", "{caller:?}");
        }
        for ends in [false, true] {
            assert_eq!(write_keyed(&mut world, &dev, "further", ends), "TooMuchKept", "ends: {ends}");
        }
        assert_eq!(count(&world), before, "nothing changes");
        // What is kept is replayed, another account has a limit of its own, and without a key nothing is kept.
        assert_eq!(create_keyed(&mut world, &dev, "first"), "public secret_write replay");
        assert_eq!(write_keyed(&mut world, &shop, "further", false), "public secret_write");
        let id = id_of(&world, "app", "shop", TEST).to_string();
        assert_eq!(reauthorize(&mut world, &dev, &id), "public secret_write");
        world.pass(IDEMPOTENCY_KEPT_SECONDS - 1);
        assert_eq!(create_keyed(&mut world, &dev, "further"), "TooMuchKept");
        world.pass(1);
        assert_eq!(create_keyed(&mut world, &dev, "further"), "public secret_write", "forgotten already or not");
        sweep(&mut world);
        assert_eq!(world.directory.kept_total(&AccountId::new("dev")).results, 1);
    };
    check(&KeptInstallResult::Refused(StateRefusal::WouldGrant), 1..KEPT_INSTALLS_PER_ACCOUNT_MAX, 0..0);
    let world = world();
    let app = world.directory.app_named("app").expect("the world has it");
    let mebibyte = 1024 * 1024;
    let large = InstallView {
        id: InstallId::draw(TEST, world.mint.entropy()),
        account: AccountId::new("shop"),
        app: app.public_id,
        channel: Channel::Public,
        created_at: world.now,
        granted: Asks { permissions: ["x".repeat(mebibyte)].into(), ..Asks::default() },
        pending: Asks::default(),
        uninstalling: false,
    };
    let most = KEPT_INSTALL_BYTES_PER_ACCOUNT_MAX / mebibyte;
    check(&KeptInstallResult::Done(Box::new(large)), 1..most, most..most + 1);
}
