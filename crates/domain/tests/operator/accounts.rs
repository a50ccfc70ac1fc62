use cholla_domain::directory::credential::CredentialKind;
use cholla_domain::directory::erasure::ErasureTarget;
use cholla_domain::id::{AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{
    OperatorError, add_user, connect, create_account, disconnect, is_account_id, offboard_user, rename_account,
};

use super::{BY, account, actions, take, world};

#[test]
fn account_ids_are_short_words() {
    let long = format!("acct_{}", "a".repeat(251));
    for (id, legal) in [
        ("acct_1", true),
        ("acct_a_B_9", true),
        ("acct_", false),
        ("acct", false),
        ("usr_1", false),
        ("acct_a-b", false),
        ("acct_ä", false),
        (&long[..255], true),
        (&long, false),
        ("", false),
    ] {
        assert_eq!(is_account_id(id), legal, "{id}");
    }
}

#[test]
fn accounts_are_created_once() {
    let mut world = world();
    for (id, name, expected) in [
        ("acct_new", Some("New"), Ok(vec!["account.created"])),
        ("acct_new", Some("New"), Ok(vec![])),
        ("acct_new", None, Ok(vec![])),
        ("acct_new", Some("Other"), Err(OperatorError::AccountNamedOtherwise)),
        ("acct_bare", None, Ok(vec!["account.created"])),
        ("acct_bare", Some("Late"), Err(OperatorError::AccountNamedOtherwise)),
        ("acct-bad", None, Err(OperatorError::AccountIdMalformed)),
        ("acct_x", Some(""), Err(OperatorError::TextIllegal("name"))),
        ("acct_x", Some("a\0"), Err(OperatorError::TextIllegal("name"))),
    ] {
        let decided = create_account(&world.context(), BY, &account(id), name);
        assert_eq!(actions(&decided), expected, "{id} {name:?}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
    }
    assert_eq!(world.directory.account(&account("acct_new")).and_then(|found| found.name.as_deref()), Some("New"));
}

#[test]
fn an_account_that_was_made_up_becomes_the_operators() {
    let mut world = world();
    let mut made_up = world.directory.account(&account("acct_other")).unwrap().clone();
    made_up.made_up = true;
    world.put(cholla_domain::directory::record::Record::Account(made_up));
    let decided = create_account(&world.context(), BY, &account("acct_other"), Some("Known"));
    assert_eq!(actions(&decided), Ok(vec!["account.created"]));
    let taken = take(&mut world, decided);
    assert_eq!((taken.made_up, taken.name.as_deref()), (false, Some("Known")));
}

#[test]
fn accounts_are_renamed() {
    let mut world = world();
    for (id, name, expected) in [
        ("acct_cactus", Some("Cactus"), Ok(vec!["account.renamed"])),
        ("acct_cactus", Some("Cactus"), Ok(vec![])),
        ("acct_cactus", None, Ok(vec!["account.renamed"])),
        ("acct_none", None, Err(OperatorError::NoAccount(account("acct_none")))),
        ("acct_cactus", Some(""), Err(OperatorError::TextIllegal("name"))),
    ] {
        let decided = rename_account(&world.context(), BY, &account(id), name);
        assert_eq!(actions(&decided), expected, "{id} {name:?}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
    }
}

#[test]
fn rule_12_6_connections_are_the_operators_act() {
    let mut world = world();
    let missing = |id| Err(OperatorError::NoAccount(account(id)));
    for (id, developer, expected, reached) in [
        ("acct_cactus", "acct_dev", Ok(vec!["account.connected"]), true),
        ("acct_cactus", "acct_dev", Ok(vec![]), true),
        ("acct_cactus", "acct_cactus", Err(OperatorError::OwnConnection), true),
        ("acct_none", "acct_dev", missing("acct_none"), true),
        ("acct_cactus", "acct_none", missing("acct_none"), true),
    ] {
        let decided = connect(&world.context(), BY, &account(id), &account(developer));
        assert_eq!(actions(&decided), expected, "{id} {developer}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
        let reaches = world.directory.is_reachable(&account("acct_dev"), &account("acct_cactus"), Livemode::Test);
        assert_eq!(reaches, reached);
    }
    for expected in [Ok(vec!["account.disconnected"]), Ok(vec![])] {
        let decided = disconnect(&world.context(), BY, &account("acct_cactus"), &account("acct_dev"));
        assert_eq!(actions(&decided), expected);
        take(&mut world, decided);
    }
    assert!(!world.directory.is_reachable(&account("acct_dev"), &account("acct_cactus"), Livemode::Test));
}

#[test]
fn users_are_listed_once() {
    let mut world = world();
    for (id, user, expected) in [
        ("acct_cactus", "usr_1", Ok(vec!["user.added"])),
        ("acct_cactus", "usr_1", Ok(vec![])),
        ("acct_cactus", "", Err(OperatorError::TextIllegal("id"))),
        ("acct_none", "usr_1", Err(OperatorError::NoAccount(account("acct_none")))),
    ] {
        let decided = add_user(&world.context(), BY, &account(id), &UserId::new(user));
        assert_eq!(actions(&decided), expected, "{id} {user}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
    }
    assert_eq!(world.directory.users(&account("acct_cactus")).count(), 1);
}

#[test]
fn offboarding_revokes_the_users_keys_there_and_begins_an_erasure() {
    let mut world = world();
    let (cactus, user) = (account("acct_cactus"), UserId::new("usr_1"));
    let embedded = |user: &str| CredentialKind::Embedded { app: AppId::new("com.example.a"), user: UserId::new(user) };
    let theirs = world.credential("ek_test_1", embedded("usr_1"), "acct_cactus", Livemode::Test).key;
    let kept = [
        world.credential("ek_test_2", embedded("usr_2"), "acct_cactus", Livemode::Test).key,
        world.credential("ek_test_3", embedded("usr_1"), "acct_other", Livemode::Test).key,
    ];
    let added = add_user(&world.context(), BY, &cactus, &user);
    take(&mut world, added);
    let decided = offboard_user(&world.context(), BY, &cactus, &user);
    assert_eq!(actions(&decided), Ok(vec!["user.offboarded"]));
    let entries = format!("{:?}", decided.as_ref().unwrap().change.audit);
    assert!(!entries.contains("usr_1"), "the audit log outlives the user");
    let offboarded = take(&mut world, decided);
    assert_eq!(offboarded.keys_revoked, 1);
    let erasure = world.directory.erasure(&offboarded.erasure).unwrap();
    assert_eq!(erasure.target, ErasureTarget::User { account: cactus.clone(), user: user.clone() });
    let is_live = |key| world.directory.credential(key).unwrap().is_live(world.now);
    assert!(!is_live(&theirs) && kept.iter().all(is_live));
    assert!(world.directory.user(&cactus, &user).is_none());
    let again = offboard_user(&world.context(), BY, &cactus, &user);
    assert_ne!(take(&mut world, again).erasure, offboarded.erasure, "what has come since goes, too");
    for (id, user, expected) in [
        ("acct_none", "usr_1", OperatorError::NoAccount(account("acct_none"))),
        ("acct_cactus", "", OperatorError::TextIllegal("user")),
    ] {
        let decided = offboard_user(&world.context(), BY, &account(id), &UserId::new(user));
        assert_eq!(actions(&decided), Err(expected));
    }
}
