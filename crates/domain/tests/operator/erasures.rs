use cholla_domain::directory::erasure::ErasureTarget;
use cholla_domain::id::{AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{
    OperatorError, due_endings, finish_erasure, namespaces_of_app, namespaces_on, plan_offboarding, plan_uninstall,
    uninstall,
};
use cholla_domain::place::Namespace;
use cholla_domain::tag::ErasureId;
use cholla_domain::time::Timestamp;
use cholla_testkit::directory_world::{DirectoryWorld, GRACE_SECONDS};

use super::{BY, account, take, world};

fn end(world: &mut DirectoryWorld, app: &str, on: &str) {
    let id = world.installed(app, on, Livemode::Test).expect("the app is installed there").id;
    let decided = uninstall(&world.context(), BY, &id);
    take(world, decided);
}

fn named(namespaces: &[Namespace]) -> Vec<String> {
    namespaces.iter().map(|own| format!("{} {} {}", own.developer, own.account, own.livemode.as_str())).collect()
}

#[test]
fn rule_14_6_what_is_due_is_destroyed_to_the_second() {
    let mut world = world();
    for on in ["acct_cactus", "acct_other"] {
        world.install("com.example.a", on, Livemode::Test);
    }
    end(&mut world, "com.example.a", "acct_cactus");
    world.pass(10);
    end(&mut world, "com.example.a", "acct_other");
    // The seconds that pass, and what is due then, at most one at a time.
    for (seconds, expected) in
        [(GRACE_SECONDS - 11, vec![]), (1, vec!["acct_cactus"]), (0, vec![]), (10, vec!["acct_other"]), (0, vec![])]
    {
        world.pass(seconds);
        let decided = due_endings(&world.context(), 1);
        let destroyed: Vec<_> =
            decided.change.destroyed.iter().map(|(own, _)| own.account.as_str().to_owned()).collect();
        assert_eq!(destroyed, expected, "after {seconds} more");
        let (erasures, _) = world.take(decided);
        assert_eq!(erasures.len(), expected.len());
        for id in erasures {
            let erasure = world.directory.erasure(&id).unwrap();
            assert!(matches!(erasure.target, ErasureTarget::Namespace(_)) && erasure.receipt.is_none());
        }
    }
    assert_eq!(world.directory.endings().count(), 0);
}

#[test]
fn many_that_are_due_go_by_and_by_the_longest_due_first() {
    let mut world = world();
    for (count, on) in ["acct_cactus", "acct_other"].into_iter().enumerate() {
        world.install("com.example.a", on, Livemode::Test);
        world.pass(i64::try_from(count).unwrap());
        end(&mut world, "com.example.a", on);
    }
    world.pass(GRACE_SECONDS);
    let first = due_endings(&world.context(), 1);
    assert_eq!(first.change.destroyed[0].0.account, account("acct_cactus"));
    let due = due_endings(&world.context(), 10).outcome;
    assert_eq!(due.len(), 2);
    assert!(due.is_sorted_by(|before, after| before < after), "those of one change stand in their order, too");
}

#[test]
fn an_erasure_has_one_receipt() {
    let mut world = world();
    world.install("com.example.a", "acct_cactus", Livemode::Test);
    end(&mut world, "com.example.a", "acct_cactus");
    world.pass(GRACE_SECONDS);
    let due = due_endings(&world.context(), 1);
    let id = world.take(due).0[0];
    for (receipt, changes) in [("first", true), ("second", false)] {
        let decision = finish_erasure(&world.context(), &id, receipt).unwrap();
        assert_eq!(!decision.change.is_empty(), changes);
        world.take(decision);
        assert_eq!(world.directory.erasure(&id).unwrap().receipt.as_deref(), Some("first"));
    }
    let nobody = ErasureId::from_bytes([9; 16]);
    assert_eq!(finish_erasure(&world.context(), &nobody, "x").map(|_| ()), Err(OperatorError::NoErasure));
}

#[test]
fn erasure_ids_are_read_as_they_are_written() {
    let id = ErasureId::from_bytes([0xab; 16]);
    let text = format!("erasure_{}", "ab".repeat(16));
    assert_eq!(id.to_string(), text);
    let legal = &text[8..];
    for (text, expected) in [
        (text.clone(), Some(id)),
        (legal.to_owned(), None),
        (format!("erasure_{}", &legal[1..]), None),
        (format!("erasure_{}", legal.to_uppercase()), None),
        (format!("erasure_+{}", &legal[1..]), None),
        ("erasure_".to_owned(), None),
    ] {
        assert_eq!(ErasureId::parse(&text), expected, "{text}");
    }
}

#[test]
fn erasure_ids_stand_in_the_order_of_their_erasures() {
    let random = super::entropy(7);
    let (mut newest, mut all) = (None, Vec::new());
    // Two thousand in one second, then a clock that goes on, stands, and was set back.
    for second in [[1_000; 2_000].as_slice(), &[1_001, 1_001, 5_000_000_000, 3, 5_000_000_001]].concat() {
        let id = ErasureId::draw(Timestamp::from_unix(second), newest, &random);
        assert_eq!(ErasureId::parse(&id.to_string()), Some(id));
        newest = Some(id);
        all.push(id);
    }
    assert!(all.is_sorted_by(|before, after| before < after));
    let alone = [1, 2].map(|_| ErasureId::draw(Timestamp::from_unix(1_000), None, &random));
    assert_ne!(alone[0], alone[1], "two that know nothing of each other");
}

#[test]
fn rule_14_7_where_secrets_may_be() {
    let mut world = world();
    world.app("com.example.b", "acct_other", &[]);
    world.install("com.example.a", "acct_cactus", Livemode::Test);
    world.install("com.example.a", "acct_cactus", Livemode::Live);
    world.install("com.example.b", "acct_cactus", Livemode::Test);
    let all = [
        "acct_cactus acct_cactus test",
        "acct_dev acct_cactus test",
        "acct_other acct_cactus test",
        "acct_cactus acct_cactus live",
        "acct_dev acct_cactus live",
    ];
    assert_eq!(named(&namespaces_on(&world.directory, &account("acct_cactus"))), all);
    end(&mut world, "com.example.b", "acct_cactus");
    assert_eq!(named(&namespaces_on(&world.directory, &account("acct_cactus"))), all, "also in the grace period");
    let of_app =
        ["acct_dev acct_cactus test", "acct_dev acct_dev test", "acct_dev acct_cactus live", "acct_dev acct_dev live"];
    assert_eq!(named(&namespaces_of_app(&world.directory, &AppId::new("com.example.a"))), of_app);
    assert!(namespaces_of_app(&world.directory, &AppId::new("com.x")).is_empty());
}

#[test]
fn rule_14_5_plans_say_what_would_go_and_when() {
    let mut world = world();
    world.app("com.example.a2", "acct_dev", &[]);
    let first = world.install("com.example.a", "acct_cactus", Livemode::Test);
    let own = world.install("com.example.a", "acct_dev", Livemode::Test);
    let plan = |world: &DirectoryWorld, id| plan_uninstall(&world.context(), id).map(|plan| named(&plan.namespaces));
    assert_eq!(plan(&world, &first), Ok(vec!["acct_dev acct_cactus test".to_owned()]));
    assert_eq!(plan(&world, &own), Ok(vec![]), "a developer's own namespace needs no install");
    assert_eq!(plan_uninstall(&world.context(), &first).unwrap().erase_at, world.now.plus(GRACE_SECONDS));
    let second = world.install("com.example.a2", "acct_cactus", Livemode::Test);
    assert_eq!(plan(&world, &first), Ok(vec![]), "the other app keeps it");
    end(&mut world, "com.example.a2", "acct_cactus");
    assert_eq!(plan(&world, &second), Err(OperatorError::NoInstall));
    let (cactus, user) = (account("acct_cactus"), UserId::new("usr_1"));
    let offboarding = plan_offboarding(&world.context(), &cactus, &user).unwrap();
    assert_eq!((offboarding.erase_at, offboarding.user.as_ref()), (world.now, Some(&user)));
    assert_eq!(offboarding.namespaces, namespaces_on(&world.directory, &cactus));
    let nowhere = plan_offboarding(&world.context(), &account("acct_none"), &user);
    assert_eq!(nowhere, Err(OperatorError::NoAccount(account("acct_none"))));
}
