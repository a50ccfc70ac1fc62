//! Reauthorize (contract 10.4, 13.8, 13.9).

use super::{LIVE, PRIVATE, TEST, create, id_of, on, own, reauthorize, world};

#[test]
fn rule_13_9_and_12_1_the_account_grants_all_that_is_asked() {
    let mut world = world();
    for (app, account) in [("app", "shop"), ("draft", "shop"), ("draft", "dev")] {
        let id = world.install(app, account, TEST).to_string();
        assert!(!reauthorize(&mut world, &own(account, TEST), &id).contains('|'), "nothing to do: no event");
        world.upload(app, &["secret_write", "event_read"]);
        if app == "app" {
            world.release(app);
        }
        let reauthorized = reauthorize(&mut world, &own(account, TEST), &id);
        assert!(reauthorized.contains(" event_read,secret_write | "), "{reauthorized}");
        assert!(reauthorized.contains("updated>dev"), "{reauthorized}");
        assert!(!reauthorize(&mut world, &own(account, TEST), &id).contains('|'));
    }
}

#[test]
fn rule_13_9_and_13_7_an_approval_follows_the_release_it_approves() {
    let mut world = world();
    let id = world.install("app", "shop", TEST).to_string();
    world.upload("app", &["secret_write", "event_read"]);
    world.release("app");
    let once = "updated>dev(shop) updated>shop";
    let reauthorized = reauthorize(&mut world, &own("shop", TEST), &id);
    assert_eq!(
        reauthorized,
        format!("public event_read,secret_write | {once} {once}"),
        "the release, then the approval"
    );
    let carried = cholla_domain::installs::carry(&world.context(), &world.app_of("app").id, 10);
    assert_eq!(carried.outcome, 0, "and the release is not told of again");
}

#[test]
fn rule_13_9_and_18_15_and_12_3_the_developer_grants_nothing_new() {
    let mut world = world();
    let dev = on("shop", "dev", TEST);
    let testing = world.install("draft", "shop", TEST).to_string();
    let public = world.install("app", "shop", TEST).to_string();
    let mut check = |id: &str, app: &str, asks: Option<&[&str]>, expected: &str| {
        if let Some(asks) = asks {
            world.upload(app, asks);
            if app == "app" {
                world.release(app);
            }
        }
        assert_eq!(reauthorize(&mut world, &dev, id), expected, "{app} {asks:?}");
    };
    check(&testing, "draft", None, "testing secret_read");
    check(&testing, "draft", Some(&["secret_read", "event_read"]), "WouldGrant");
    check(&testing, "draft", Some(&["secret_read"]), "testing secret_read | updated>dev(shop) updated>shop");
    check(&testing, "draft", Some(&[]), "testing  | updated>dev(shop) updated>shop");
    check(&testing, "draft", Some(&["secret_read"]), "WouldGrant");
    check(&public, "app", None, "public secret_write");
    check(&public, "app", Some(&["secret_write", "event_read"]), "WouldGrant");
    check(&public, "app", Some(&["secret_write"]), "public secret_write");
}

#[test]
fn rule_13_8_a_new_upload_moves_nothing_by_itself() {
    let mut world = world();
    create(&mut world, &own("dev", TEST), "draft", PRIVATE);
    world.install("draft", "shop", LIVE);
    world.upload("draft", &["secret_write"]);
    for (account, mode, channel) in [("dev", TEST, "private_test"), ("shop", LIVE, "testing")] {
        let install = world.installed("draft", account, mode).expect("it is installed");
        let view = world.directory.view(install).expect("it is loaded");
        assert_eq!(super::shown(&view), format!("{channel} secret_read"));
        assert!(!view.approval_required());
    }
}

#[test]
fn rule_18_12_and_18_1_and_18_13_come_in_that_order() {
    let mut world = world();
    let elsewhere = world.install("app", "stranger", TEST).to_string();
    let foreign = world.install("foreign", "stranger", TEST).to_string();
    let account = cholla_domain::id::AccountId::new("dev");
    let app_credential = cholla_domain::directory::access::InstallCaller::App { account, livemode: TEST };
    for (caller, id, expected) in [
        (app_credential, "appinst_test_x", "RightMissing(Write)"),
        (own("dev", TEST), "appinst_test_x", "NotFound"),
        (own("dev", TEST), foreign.as_str(), "NotFound"),
        (own("dev", LIVE), elsewhere.as_str(), "NotFound"),
        (own("dev", TEST), elsewhere.as_str(), "AccountNotNamed(stranger)"),
        (on("shop", "dev", TEST), elsewhere.as_str(), "NotFound"),
        (on("stranger", "dev", TEST), foreign.as_str(), "NotFound"),
        (on("stranger", "dev", TEST), elsewhere.as_str(), "public secret_write"),
        (own("stranger", TEST), foreign.as_str(), "public secret_write"),
    ] {
        assert_eq!(reauthorize(&mut world, &caller, id), expected, "{caller:?} {id}");
    }
    let id = id_of(&world, "app", "stranger", TEST).to_string();
    assert_eq!(id, elsewhere);
}
