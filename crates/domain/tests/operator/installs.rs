use std::collections::BTreeSet;

use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::event::Subject;
use cholla_domain::directory::install::Channel;
use cholla_domain::id::UserId;
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{
    InstallOrder, NewSession, OperatorError, install, issue_restricted_key, open_session, set_permissions, uninstall,
};

use super::{BY, account, actions, names, subject, take, world};

#[test]
fn rule_13_2_the_channel_follows() {
    for (is_published, owner_itself, livemode, expected) in [
        (false, false, Livemode::Test, Channel::Testing),
        (false, false, Livemode::Live, Channel::Testing),
        (false, true, Livemode::Test, Channel::PrivateTest),
        (false, true, Livemode::Live, Channel::PrivateLive),
        (true, false, Livemode::Live, Channel::Public),
        (true, true, Livemode::Test, Channel::Public),
    ] {
        let mut world = world();
        if is_published {
            world.release("com.example.a");
        }
        let id = account(if owner_itself { "acct_dev" } else { "acct_cactus" });
        let order = InstallOrder { app: "com.example.a", account: &id, livemode, permissions: None, id: None };
        let decided = install(&world.context(), BY, &order);
        assert_eq!(actions(&decided), Ok(vec!["install.created"]));
        let view = take(&mut world, decided);
        assert_eq!((view.channel, view.pending.is_empty()), (expected, true));
    }
}

#[test]
fn installing_again_brings_the_install_there() {
    let mut world = world();
    let cactus = account("acct_cactus");
    let all = names(["secret_write", "event_read"]);
    let (some, none) = (names(["secret_write"]), BTreeSet::new());
    for (permissions, expected, granted) in [
        (Some(&some), Ok(vec!["install.created"]), &some),
        (Some(&some), Ok(vec![]), &some),
        (None, Ok(vec!["install.authorized"]), &all),
        (None, Ok(vec![]), &all),
        (Some(&none), Ok(vec!["install.permissions_changed"]), &none),
        (Some(&some), Ok(vec!["install.permissions_changed"]), &some),
        (Some(&names(["secret_read"])), Err(OperatorError::NotAskedFor("secret_read".to_owned())), &some),
    ] {
        let order =
            InstallOrder { app: "com.example.a", account: &cactus, livemode: Livemode::Test, permissions, id: None };
        let decided = install(&world.context(), BY, &order);
        assert_eq!(actions(&decided), expected, "{permissions:?}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
        let install = world.installed("com.example.a", "acct_cactus", Livemode::Test).unwrap();
        assert_eq!(install.granted.permissions, *granted);
    }
    assert_eq!(world.directory.installs().count(), 1);
}

#[test]
fn rule_13_6_what_cannot_be_installed() {
    let mut world = world();
    world.install("com.example.a", "acct_cactus", Livemode::Test);
    world.release("com.example.a");
    for (app, id, permissions, expected) in [
        ("com.example.a", "acct_cactus", None, OperatorError::OtherChannel(Channel::Testing)),
        ("com.example.none", "acct_cactus", None, OperatorError::NoApp("com.example.none".to_owned())),
        ("com.example.a", "acct_none", None, OperatorError::NoAccount(account("acct_none"))),
        (
            "com.example.a",
            "acct_other",
            Some(names(["secret_read"])),
            OperatorError::NotAskedFor("secret_read".to_owned()),
        ),
    ] {
        let id = account(id);
        let permissions = permissions.as_ref();
        let order = InstallOrder { app, account: &id, livemode: Livemode::Test, permissions, id: None };
        assert_eq!(actions(&install(&world.context(), BY, &order)), Err(expected));
    }
}

#[test]
fn rule_14_1_single_permissions_are_granted_and_withdrawn() {
    let mut world = world();
    let id = world.install("com.example.a", "acct_cactus", Livemode::Test);
    let secret_write = names(["secret_write"]);
    for (grant, withdraw, expected, may_write) in [
        (names([]), secret_write.clone(), Ok(vec!["install.permissions_changed"]), false),
        (names([]), secret_write.clone(), Ok(vec![]), false),
        (secret_write.clone(), names([]), Ok(vec!["install.permissions_changed"]), true),
        (secret_write.clone(), names([]), Ok(vec![]), true),
        (names([]), names(["never_granted"]), Ok(vec![]), true),
        (names(["other"]), names([]), Err(OperatorError::NotAskedFor("other".to_owned())), true),
    ] {
        let decided = set_permissions(&world.context(), BY, &id, &grant, &withdraw);
        assert_eq!(actions(&decided), expected);
        if let Ok(decision) = decided {
            let is_changed = !decision.change.is_empty();
            if is_changed {
                let done = if grant.is_empty() { "withdrawn" } else { "granted" };
                let told = [("channel", "testing"), (done, "secret_write")];
                assert_eq!(subject(&decision.change)[3..], told.map(|(word, what)| (word.to_owned(), what.to_owned())));
            }
            let (_, events) = world.take(decision);
            let kinds: Vec<_> = events.iter().map(|event| (event.subject.kind(), event.recipient.as_str())).collect();
            let told = [("apps.install.updated", "acct_dev"), ("apps.install.updated", "acct_cactus")];
            assert_eq!(kinds, if is_changed { told.to_vec() } else { vec![] });
        }
        assert_eq!(world.directory.install_permissions(&id).unwrap().write, may_write);
    }
}

#[test]
fn rule_13_7_an_install_that_is_behind_is_carried_before_it_is_changed() {
    let mut world = world();
    world.release("com.example.a");
    let id = world.install("com.example.a", "acct_cactus", Livemode::Test);
    world.upload("com.example.a", &["secret_write", "secret_read"]);
    world.release("com.example.a");
    let decided = set_permissions(&world.context(), BY, &id, &names(["secret_read"]), &names([]));
    let (view, events) = world.take(decided.unwrap());
    assert_eq!(view.granted.permissions, names(["secret_read", "secret_write"]));
    let pending: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.subject {
            Subject::InstallUpdated { now, .. } if event.of.is_none() => Some(now.pending.permissions.len()),
            _ => None,
        })
        .collect();
    assert_eq!(pending, [1, 0], "the release is told first, then the grant");
    let install = world.directory.install(&id).unwrap();
    assert_eq!((install.version, install.release), (2, 2));
}

#[test]
fn rule_13_5_and_14_3_the_operators_uninstall_ends_the_connection() {
    let mut world = world();
    world.connect("acct_cactus", "acct_dev");
    let id = world.install("com.example.a", "acct_cactus", Livemode::Test);
    let decided = uninstall(&world.context(), BY, &id);
    assert_eq!(actions(&decided), Ok(vec!["install.uninstalled"]));
    assert!(take(&mut world, decided).uninstalling);
    assert!(!world.directory.is_connected(&account("acct_dev"), &account("acct_cactus")));
    assert_eq!(actions(&uninstall(&world.context(), BY, &id)), Err(OperatorError::NoInstall));
    let nothing = set_permissions(&world.context(), BY, &id, &names([]), &names([]));
    assert_eq!(actions(&nothing), Err(OperatorError::NoInstall));
}

#[test]
fn rule_16_1_and_16_2_one_restricted_key_of_an_install() {
    let mut world = world();
    world.access("com.example.a", ApiAccess::RestrictedApiKey);
    world.app("com.example.other", "acct_dev", &[]);
    for livemode in Livemode::ALL {
        let id = world.install("com.example.a", "acct_cactus", livemode);
        let mut keys = Vec::new();
        // The overlap of each roll, and how many keys count then and in an hour: no roll leaves an older one longer than it says.
        for (overlap, count_now, count_in_an_hour) in [(0, 1, 1), (86_400, 2, 2), (3_600, 3, 1), (0, 1, 1)] {
            let decided = issue_restricted_key(&world.context(), BY, &id, overlap);
            assert_eq!(actions(&decided), Ok(vec!["install.key_issued"]));
            let drawn = take(&mut world, decided);
            assert!(drawn.value.starts_with(&format!("rk_{}_", livemode.as_str())));
            keys.push(drawn.key);
            let live_at = |at| keys.iter().filter(|key| world.directory.credential(key).unwrap().is_live(at)).count();
            assert_eq!(
                (live_at(world.now), live_at(world.now.plus(3_600))),
                (count_now, count_in_an_hour),
                "{overlap}"
            );
            let newest = world.directory.install(&id).unwrap().restricted_key;
            assert_eq!(newest, keys.last().copied());
        }
        let credential = world.directory.credential(&keys[3]).unwrap();
        assert_eq!(credential.install, Some(id));
        let principal = world.directory.principal(credential, None, world.now).unwrap();
        assert!(principal.permissions.write, "it has what the install is granted");
    }
    let install = world.installed("com.example.a", "acct_cactus", Livemode::Test).unwrap().id;
    let other = world.install("com.example.other", "acct_cactus", Livemode::Test);
    for (id, overlap, expected) in [
        (other, 0, OperatorError::OtherAccess(ApiAccess::Platform)),
        (install, 7 * 86_400 + 1, OperatorError::OverlapTooLong),
        (install, -1, OperatorError::OverlapTooLong),
    ] {
        assert_eq!(actions(&issue_restricted_key(&world.context(), BY, &id, overlap)), Err(expected));
    }
    let ended = uninstall(&world.context(), BY, &install);
    take(&mut world, ended);
    let dead = issue_restricted_key(&world.context(), BY, &install, 0);
    assert_eq!(actions(&dead), Err(OperatorError::NoInstall));
}

#[test]
fn rule_5_5_sessions_are_short_and_of_an_install() {
    let mut world = world();
    let id = world.install("com.example.a", "acct_cactus", Livemode::Test);
    let client = world.app_of("com.example.a").client_id.to_string();
    let created = Ok(vec!["session.opened"]);
    for (app, on, user, livemode, seconds, expected) in [
        ("com.example.a", "acct_cactus", "usr_1", Livemode::Test, None, created.clone()),
        (&*client, "acct_cactus", "usr_1", Livemode::Test, Some(3_600), created.clone()),
        ("com.example.a", "acct_cactus", "usr_1", Livemode::Test, Some(1), created),
        ("com.example.a", "acct_cactus", "usr_1", Livemode::Test, Some(3_601), Err(OperatorError::Lifetime)),
        ("com.example.a", "acct_cactus", "usr_1", Livemode::Test, Some(0), Err(OperatorError::Lifetime)),
        ("com.example.a", "acct_cactus", "usr_1", Livemode::Live, None, Err(OperatorError::NotInstalled)),
        ("com.example.a", "acct_other", "usr_1", Livemode::Test, None, Err(OperatorError::NotInstalled)),
        ("com.example.a", "acct_cactus", "", Livemode::Test, None, Err(OperatorError::TextIllegal("user"))),
        ("com.x", "acct_cactus", "usr_1", Livemode::Test, None, Err(OperatorError::NoApp("com.x".to_owned()))),
    ] {
        let (on, user) = (account(on), UserId::new(user));
        let new = NewSession { app, account: &on, user: &user, livemode, seconds };
        let decided = open_session(&world.context(), BY, &new);
        assert_eq!(actions(&decided), expected, "{app} {on} {livemode:?} {seconds:?}");
        if decided.is_ok() {
            let session = take(&mut world, decided);
            assert_eq!(session.expires_at, world.now.plus(seconds.unwrap_or(900)));
            assert_eq!(session.install, id);
            let credential = world.directory.credential(&session.key.key).unwrap();
            let principal = world.directory.principal(credential, None, world.now).unwrap();
            assert_eq!(principal.reach, cholla_domain::principal::Reach::Extension(user));
        }
    }
}
