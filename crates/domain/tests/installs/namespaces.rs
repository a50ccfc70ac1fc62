//! What becomes of the secrets when installs end and come back (contract 14.5 to 14.7).

use cholla_domain::directory::change::{Change, RecordChange};
use cholla_domain::directory::erasure::ErasureTarget;
use cholla_domain::directory::record::Record;
use cholla_domain::id::AccountId;
use cholla_domain::installs::{Actor, NewInstall, begin_install, end_install};
use cholla_domain::livemode::Livemode;
use cholla_testkit::directory_world::{DirectoryWorld, GRACE_SECONDS};

use super::{LIVE, TEST, world};

/// What a change does to namespaces.
fn fate(change: &Change) -> String {
    let erasures = change.records.iter().filter_map(|step| match step {
        RecordChange::Put(Record::Erasure(erasure)) => Some((erasure.id, erasure.target.clone())),
        _ => None,
    });
    let destroyed: Vec<_> =
        change.destroyed.iter().map(|(space, id)| (*id, ErasureTarget::Namespace(space.clone()))).collect();
    assert_eq!(erasures.collect::<Vec<_>>(), destroyed, "each destroyed key has its erasure");
    let names = change
        .destroyed
        .iter()
        .map(|(space, _)| format!("destroyed {}/{}/{}", space.developer, space.account, space.livemode.as_str()));
    names.collect::<Vec<_>>().join(" ")
}

fn end(world: &mut DirectoryWorld, app: &str, account: &str, livemode: Livemode) -> String {
    let install = world.installed(app, account, livemode).expect("it is installed").clone();
    let change = end_install(&world.context(), Actor::Developer, &install);
    let fate = fate(&change);
    world.commit(change);
    fate
}

fn begin(world: &mut DirectoryWorld, app: &str, account: &str, livemode: Livemode) -> String {
    let account = AccountId::new(account);
    let new = NewInstall::offered(world.app_of(app), &account, livemode);
    let (_, change) = begin_install(&world.context(), Actor::Operator("cholla"), new);
    let fate = fate(&change);
    world.commit(change);
    fate
}

/// The namespaces in their grace period, and how many seconds are left of it.
fn endings(world: &DirectoryWorld) -> Vec<String> {
    let one = |ending: &cholla_domain::directory::erasure::Ending| {
        let space = &ending.namespace;
        let left = ending.erase_at.as_unix() - world.now.as_unix();
        format!("{}/{}/{} {left}", space.developer, space.account, space.livemode.as_str())
    };
    world.directory.endings().map(one).collect()
}

#[test]
fn rule_14_5_and_14_6_the_last_install_begins_the_grace_period() {
    let mut world = world();
    world.install("app", "shop", TEST);
    world.install("rak.app", "shop", TEST);
    world.install("app", "shop", LIVE);
    world.install("foreign", "shop", TEST);
    assert_eq!(end(&mut world, "app", "shop", TEST), "");
    assert!(endings(&world).is_empty(), "another app of the developer is there still");
    world.pass(10);
    assert_eq!(end(&mut world, "rak.app", "shop", TEST), "");
    assert_eq!(endings(&world), [format!("dev/shop/test {GRACE_SECONDS}")]);
    world.pass(GRACE_SECONDS - 1);
    assert_eq!(begin(&mut world, "draft", "shop", TEST), "", "any of its apps finds them");
    assert!(endings(&world).is_empty());
}

#[test]
fn rule_14_6_from_the_very_second_on_the_namespace_is_empty() {
    let mut world = world();
    world.install("app", "shop", TEST);
    assert_eq!(end(&mut world, "app", "shop", TEST), "");
    world.pass(GRACE_SECONDS);
    assert_eq!(begin(&mut world, "app", "shop", TEST), "destroyed dev/shop/test", "nobody swept it yet");
    assert!(endings(&world).is_empty());
    assert_eq!(world.directory.erasures().count(), 1);
    assert_eq!(end(&mut world, "app", "shop", TEST), "");
    assert_eq!(begin(&mut world, "app", "shop", TEST), "", "and once only");
}

#[test]
fn rule_14_5_no_grace_is_at_once() {
    let mut world = world();
    world.grace_seconds = 0;
    world.install("app", "shop", TEST);
    assert_eq!(end(&mut world, "app", "shop", TEST), "destroyed dev/shop/test");
    assert!(endings(&world).is_empty());
    assert_eq!(begin(&mut world, "app", "shop", TEST), "");
}

#[test]
fn rule_14_7_an_own_namespace_never_ends() {
    let mut world = world();
    for grace in [0, GRACE_SECONDS] {
        world.grace_seconds = grace;
        world.install("draft", "dev", TEST);
        assert_eq!(end(&mut world, "draft", "dev", TEST), "");
        assert!(endings(&world).is_empty());
    }
}
