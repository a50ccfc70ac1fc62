//! Uninstall (contract 10.5, 13.5, 14.3).

use cholla_domain::directory::access::Refused;
use cholla_domain::directory::credential::{Credential, CredentialKind};
use cholla_domain::id::{AccountId, AppId};
use cholla_domain::installs::retrieve;

use super::{PRIVATE, TEST, create, id_of, on, own, uninstall, world};

#[test]
fn rule_14_3_and_11_6_it_is_gone_with_the_answer() {
    let mut world = world();
    let dev = on("shop", "dev", TEST);
    create(&mut world, &dev, "oauth.app", None);
    let id = id_of(&world, "oauth.app", "shop", TEST);
    let code = world.directory.grant(&id).and_then(|grant| grant.code.as_ref()).expect("an unused code").key;
    let text = id.to_string();
    let events = "deleted>dev(shop) deauthorized>dev(shop) deleted>shop";
    assert_eq!(uninstall(&mut world, &dev, &text), format!("public secret_write going | {events}"));
    assert_eq!(uninstall(&mut world, &dev, &text), "NotFound");
    assert_eq!(retrieve(&world.directory, &dev, &text), Err(cholla_domain::installs::InstallError::NotFound));
    assert!(world.directory.grant(&id).is_none() && world.directory.grant_of_token(&code).is_none());
    assert_eq!(world.directory.reach(&AccountId::new("dev"), &AccountId::new("shop"), TEST), None);
}

#[test]
fn rule_14_3_and_14_4_its_credentials_die_and_a_reinstall_does_not_revive_them() {
    let mut world = world();
    let app = || AppId::new("oauth.app");
    world.install("oauth.app", "shop", TEST);
    let user = cholla_domain::id::UserId::new("usr_1");
    let keys = [
        ("oauth", CredentialKind::OAuth { app: app() }),
        ("rk", CredentialKind::Restricted { app: app() }),
        ("embedded", CredentialKind::Embedded { app: app(), user }),
    ]
    .map(|(text, kind)| world.credential(text, kind, "shop", TEST));
    let secret = world.secret_key("dev", TEST);
    let shop = AccountId::new("shop");
    let mut check = |ends: bool, expected: Option<Refused>| {
        if ends {
            let id = id_of(&world, "oauth.app", "shop", TEST).to_string();
            uninstall(&mut world, &own("shop", TEST), &id);
        }
        let refused = |own: &Credential, named| world.directory.principal(own, named, world.now).err();
        for own in &keys {
            assert_eq!(refused(own, None), expected, "{:?}", own.kind);
        }
        let reached = refused(&secret, Some(&shop));
        assert_eq!(reached, expected, "the developer's secret key");
        if ends {
            world.install("oauth.app", "shop", TEST);
            for own in &keys {
                let refused = world.directory.principal(own, None, world.now).err();
                assert_eq!(refused, expected, "{:?} after a reinstall", own.kind);
            }
            assert!(world.directory.principal(&secret, Some(&shop), world.now).is_ok());
        }
    };
    check(false, None);
    check(true, Some(Refused::AccountNotReachable));
}

#[test]
fn rule_13_5_only_the_developer_leaves_the_connection() {
    use cholla_domain::installs::{Actor, end_install};
    for (by, stays) in [(Actor::Developer, true), (Actor::Account, false), (Actor::Operator("key_1"), false)] {
        let mut world = world();
        world.connect("shop", "rival");
        let id = world.install("app", "shop", TEST);
        let install = world.directory.install(&id).expect("it is installed").clone();
        let change = end_install(&world.context(), by, &install);
        let actor = change.audit[0].actor.clone();
        world.commit(change);
        let (dev, rival, shop) = (AccountId::new("dev"), AccountId::new("rival"), AccountId::new("shop"));
        assert_eq!(world.directory.is_connected(&dev, &shop), stays, "{by:?}");
        assert!(world.directory.is_connected(&rival, &shop), "{by:?}: another developer's is not touched");
        let expected = match by {
            Actor::Account => "shop",
            Actor::Developer => "dev",
            Actor::Operator(name) => name,
        };
        assert_eq!(actor, expected);
    }
}

#[test]
fn rule_12_2_and_18_13_a_developer_names_the_account() {
    let mut world = world();
    let id = world.install("app", "shop", TEST).to_string();
    assert_eq!(uninstall(&mut world, &own("dev", TEST), &id), "AccountNotNamed(shop)");
    assert_eq!(uninstall(&mut world, &own("rival", TEST), &id), "NotFound");
    assert_eq!(uninstall(&mut world, &on("shop", "rival", TEST), &id), "NotFound");
    assert!(uninstall(&mut world, &on("shop", "dev", TEST), &id).starts_with("public"));
}

#[test]
fn an_own_app_ends_without_a_word_to_others() {
    let mut world = world();
    create(&mut world, &own("dev", TEST), "draft", PRIVATE);
    let id = id_of(&world, "draft", "dev", TEST).to_string();
    let ended = uninstall(&mut world, &own("dev", TEST), &id);
    assert_eq!(ended, "private_test secret_read going | deleted>dev deauthorized>dev");
}
