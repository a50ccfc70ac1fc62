//! Releases reach public installs (contract 13.7).

use std::collections::BTreeSet;

use cholla_domain::id::{AccountId, AppId};
use cholla_domain::installs::carry;
use cholla_domain::limits::UPLOADS_KEPT_MAX;
use cholla_domain::principal::Permissions;

use super::{TEST, shown, told, world};

fn app() -> AppId {
    AppId::new("app")
}

#[test]
fn rule_13_7_and_14_1_a_release_counts_at_once() {
    let mut world = world();
    let id = world.install("app", "shop", TEST);
    let (dev, shop) = (AccountId::new("dev"), AccountId::new("shop"));
    let write = Permissions { write: true, read: false };
    for (asks, expected, allows, approval) in [
        (["secret_write", "event_read"].as_slice(), "public secret_write ?event_read", write, true),
        (&["event_read"], "public  ?event_read", Permissions::default(), true),
        // What was no longer asked for was granted no longer: asking again is not enough.
        (&["secret_write"], "public  ?secret_write", Permissions::default(), true),
        (&[], "public ", Permissions::default(), false),
    ] {
        world.upload("app", asks);
        world.release("app");
        let view = world.directory.view(world.directory.install(&id).expect("it is installed")).expect("it is loaded");
        assert_eq!(shown(&view), expected);
        assert_eq!(view.approval_required(), approval, "{asks:?}");
        assert_eq!(world.directory.install_permissions(&id), Some(allows), "{asks:?}");
        assert_eq!(world.directory.reach(&dev, &shop, TEST), Some(allows), "{asks:?}");
    }
}

#[test]
fn rule_13_7_and_17_2_each_install_is_carried_and_told_of_once() {
    let mut world = world();
    for account in ["shop", "stranger", "rival"] {
        world.install("app", account, TEST);
    }
    world.install("draft", "shop", TEST);
    for asks in [["secret_write", "event_read"].as_slice(), &["secret_write", "more_read"]] {
        world.upload("app", asks);
        world.release("app");
    }
    let mut rounds = Vec::new();
    loop {
        let decision = carry(&world.context(), &app(), 2);
        if decision.change.is_empty() {
            break;
        }
        let (carried, events) = world.take(decision);
        rounds.push(format!("{carried} {}", told(&events)));
    }
    let of = |account: &str| format!("updated>dev({account}) updated>{account}");
    assert_eq!(rounds, [format!("2 {} {}", of("shop"), of("stranger")), format!("1 {}", of("rival"))]);
    let kept = world.app_of("app");
    assert_eq!(kept.releases, [(3, 3)].into(), "what every install is beyond is dropped");
    for account in ["shop", "stranger", "rival"] {
        let install = world.installed("app", account, TEST).expect("it is installed");
        assert_eq!((install.version, install.release), (3, 3));
        let view = world.directory.view(install).expect("it is loaded");
        assert_eq!(shown(&view), "public secret_write ?more_read");
    }
}

#[test]
fn a_release_of_what_was_released_is_not_told() {
    let mut world = world();
    world.install("app", "shop", TEST);
    world.release("app");
    let decision = carry(&world.context(), &app(), 10);
    let (carried, events) = world.take(decision);
    assert_eq!((carried, events.len()), (1, 0));
}

#[test]
fn rule_13_8_uploads_that_an_install_refers_to_are_kept() {
    let mut world = world();
    // The installs refer to uploads 1 (private), 2 (testing) and 3 (public).
    world.install("draft", "dev", TEST);
    world.upload("draft", &["secret_read"]);
    world.install("draft", "shop", TEST);
    world.upload("draft", &["secret_write"]);
    world.release("draft");
    world.install("draft", "stranger", TEST);
    for _ in 0..2 * UPLOADS_KEPT_MAX {
        world.upload("draft", &["secret_write"]);
    }
    let draft = AppId::new("draft");
    let decision = carry(&world.context(), &draft, 10);
    world.take(decision);
    let kept: BTreeSet<u32> = world.app_of("draft").uploads.keys().copied().collect();
    let newest = u32::try_from(2 * UPLOADS_KEPT_MAX + 3).expect("a small number");
    let least = u32::try_from(UPLOADS_KEPT_MAX).expect("a small number");
    assert_eq!(kept, [1, 2, 3].into_iter().chain(newest + 1 - least..=newest).collect());
    assert!(carry(&world.context(), &draft, 10).change.is_empty());
    for install in world.directory.installs() {
        assert!(world.directory.view(install).is_some());
    }
}
