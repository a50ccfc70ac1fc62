//! Create (contract 10.2, 13.1 to 13.6).

use cholla_domain::directory::access::InstallCaller;
use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::install::Channel;
use cholla_domain::id::AccountId;

use super::{LIVE, PRIVATE, PRIVATE_LIVE, TEST, create, id_of, on, own, reauthorize, uninstall, world};

const TESTING: Option<Channel> = Some(Channel::Testing);
const PUBLIC: Option<Channel> = Some(Channel::Public);

/// One create in the world of [`world`].
fn check(caller: &InstallCaller, app: &str, channel: Option<Channel>, expected: &str) {
    let actual = create(&mut world(), caller, app, channel);
    let behind = actual.split(" | ").next().unwrap_or_default();
    assert_eq!(behind, expected, "{caller:?} {app} {channel:?}");
}

#[test]
fn rule_12_1_and_13_1_and_13_3_an_account_installs_its_own_app_privately() {
    check(&own("dev", TEST), "draft", PRIVATE, "private_test secret_read");
    check(&own("dev", LIVE), "draft", PRIVATE_LIVE, "private_live secret_read");
    check(&own("dev", TEST), "app", PRIVATE, "private_test secret_write");
    check(&own("dev", TEST), "oauth.app", PRIVATE, "private_test secret_write");
}

#[test]
fn rule_12_3_and_13_1_and_13_4_a_developer_installs_its_app_on_a_connected_account() {
    check(&on("shop", "dev", TEST), "app", None, "public secret_write");
    check(&on("shop", "dev", LIVE), "app", PUBLIC, "public secret_write");
    check(&on("shop", "dev", TEST), "draft", TESTING, "testing secret_read");
    check(&on("shop", "dev", TEST), "app", TESTING, "testing secret_write");
    check(&on("shop", "dev", TEST), "rak.app", None, "public secret_write");
}

#[test]
fn rule_18_6_an_own_key_names_a_private_channel() {
    for channel in [None, PUBLIC, TESTING] {
        check(&own("dev", TEST), "app", channel, "PrivateChannelNeeded");
        check(&own("shop", TEST), "no.such.app", channel, "PrivateChannelNeeded");
    }
}

#[test]
fn rule_18_7_a_private_channel_is_the_keys_own() {
    check(&own("dev", TEST), "app", PRIVATE_LIVE, "PrivateChannelRefused { own: Some(PrivateTest) }");
    check(&own("dev", LIVE), "app", PRIVATE, "PrivateChannelRefused { own: Some(PrivateLive) }");
    check(&on("shop", "dev", TEST), "app", PRIVATE, "PrivateChannelRefused { own: None }");
    check(&on("shop", "dev", TEST), "no.such.app", PRIVATE_LIVE, "PrivateChannelRefused { own: None }");
}

#[test]
fn rule_18_3_and_18_10_and_12_8_the_app_is_the_callers() {
    check(&own("shop", TEST), "app", PRIVATE, "UnknownApp");
    check(&own("dev", TEST), "no.such.app", PRIVATE, "UnknownApp");
    check(&on("shop", "dev", TEST), "foreign", TESTING, "UnknownApp");
    check(&on("shop", "dev", TEST), "no.such.app", None, "UnknownApp");
    check(&on("shop", "dev", TEST), "foreign", None, "Embedding");
    check(&on("shop", "dev", TEST), "foreign.draft", PUBLIC, "Embedding");
}

#[test]
fn rule_11_3_both_names_of_an_app_are_taken() {
    let mut world = world();
    let public_id = world.app_of("app").public_id.to_string();
    let by_public_id = create(&mut world, &own("dev", TEST), &public_id, PRIVATE);
    let by_manifest_id = create(&mut world, &own("dev", TEST), "app", PRIVATE);
    assert_eq!(by_public_id, "private_test secret_write | created>dev authorized>dev");
    assert_eq!(by_manifest_id, "private_test secret_write");
}

#[test]
fn rule_18_9_and_13_6_a_private_app_is_not_there_publicly() {
    check(&on("shop", "dev", TEST), "draft", None, "NothingToInstall(Public)");
    // What is there comes before who asks for it.
    check(&on("stranger", "dev", TEST), "draft", None, "NothingToInstall(Public)");
}

#[test]
fn rule_18_14_and_13_4_a_first_install_needs_a_connection() {
    check(&on("stranger", "dev", TEST), "app", None, "NotConnected");
    check(&on("shop", "rival", TEST), "foreign", TESTING, "NotConnected");
}

#[test]
fn rule_18_8_and_13_6_another_channel_refuses() {
    let mut world = world();
    world.install("app", "shop", TEST);
    world.install("app", "dev", TEST);
    let mut check = |caller: InstallCaller, channel, expected: &str| {
        assert_eq!(create(&mut world, &caller, "app", channel), expected, "{caller:?}");
    };
    check(on("shop", "dev", TEST), TESTING, "OtherChannel(Public)");
    check(own("dev", TEST), PRIVATE, "OtherChannel(Public)");
    // In the other mode there is nothing in the way.
    check(own("dev", LIVE), PRIVATE_LIVE, "private_live secret_write | created>dev authorized>dev");
}

#[test]
fn rule_13_3_and_11_7_a_second_create_moves_to_the_newest_upload() {
    let mut world = world();
    let mut check = |expected: &str| {
        assert_eq!(create(&mut world, &own("dev", TEST), "oauth.app", PRIVATE), expected);
    };
    check("private_test secret_write | created>dev authorized>dev");
    check("private_test secret_write");
    let id = id_of(&world, "oauth.app", "dev", TEST);
    world.upload("oauth.app", &["secret_read", "event_read"]);
    let moved = create(&mut world, &own("dev", TEST), "oauth.app", PRIVATE);
    assert_eq!(moved, "private_test event_read,secret_read | updated>dev");
    assert_eq!(id_of(&world, "oauth.app", "dev", TEST), id, "it is the same install");
    assert!(world.directory.grant(&id).is_none(), "an own create has no code");
}

#[test]
fn rule_13_4_and_15_1_what_is_there_stays_and_an_oauth_app_gets_a_code() {
    let mut world = world();
    let caller = on("shop", "dev", TEST);
    let created = create(&mut world, &caller, "oauth.app", None);
    let events = "created>dev(shop) authorized>dev(shop) created>shop";
    assert_eq!(created, format!("public secret_write code | {events}"));
    let id = id_of(&world, "oauth.app", "shop", TEST);
    let first = world.directory.grant(&id).and_then(|grant| grant.code.clone()).expect("an unused code");
    world.upload("oauth.app", &["secret_write", "event_read"]);
    world.release("oauth.app");
    assert_eq!(create(&mut world, &caller, "oauth.app", None), "public secret_write ?event_read code");
    let second = world.directory.grant(&id).and_then(|grant| grant.code.clone()).expect("an unused code");
    assert_ne!(first.key, second.key);
    assert!(world.directory.grant_of_token(&first.key).is_none(), "a new code voids the unused one (15.2)");
    assert_eq!(second.expires_at, world.now.plus(300));
    // An app without OAuth has no use for a code.
    assert_eq!(create(&mut world, &caller, "app", None), format!("public secret_write | {events}"));
    assert_eq!(create(&mut world, &caller, "app", None), "public secret_write");
}

#[test]
fn rule_13_4_a_developers_reinstall_grants_what_was_granted_before() {
    let check = |pass: i64, erased: bool, by_account: bool, expected: &str| {
        let mut world = world();
        let (dev, shop) = (on("shop", "dev", TEST), own("shop", TEST));
        create(&mut world, &dev, "app", None);
        world.upload("app", &["secret_write", "event_read"]);
        world.release("app");
        let id = id_of(&world, "app", "shop", TEST).to_string();
        uninstall(&mut world, if by_account { &shop } else { &dev }, &id);
        world.connect("shop", "dev");
        if erased {
            let ending = world.directory.endings().next().expect("a grace period").namespace.clone();
            let change = cholla_domain::installs::destroy_namespace(&world.context(), &ending);
            world.commit(change);
        }
        world.pass(pass);
        let actual = create(&mut world, &dev, "app", None);
        assert!(actual.starts_with(expected), "{actual}, {pass} s later, erased: {erased}");
    };
    let (limited, all) = ("public secret_write ?event_read |", "public event_read,secret_write |");
    let grace = cholla_testkit::directory_world::GRACE_SECONDS;
    check(0, false, false, limited);
    check(grace - 1, false, false, limited);
    check(grace - 1, false, true, limited);
    check(grace, false, false, all);
    check(0, true, false, all);
}

#[test]
fn rule_13_4_a_reinstall_knows_the_last_time_and_not_the_one_before() {
    let mut world = world();
    let (dev, shop) = (on("shop", "dev", TEST), own("shop", TEST));
    create(&mut world, &dev, "app", None);
    world.upload("app", &["secret_write", "event_read"]);
    world.release("app");
    for (approves, expected) in
        [(false, "public secret_write ?event_read |"), (true, "public event_read,secret_write |")]
    {
        if approves {
            let id = id_of(&world, "app", "shop", TEST).to_string();
            reauthorize(&mut world, &shop, &id);
        }
        let id = id_of(&world, "app", "shop", TEST).to_string();
        uninstall(&mut world, &dev, &id);
        world.pass(1);
        let actual = create(&mut world, &dev, "app", None);
        assert!(actual.starts_with(expected), "{actual}");
    }
}

#[test]
fn rule_13_2_what_the_operator_installs_has_the_channel_that_follows() {
    let mut world = world();
    for (app, account, mode, expected) in [
        ("app", "shop", TEST, Channel::Public),
        ("app", "dev", LIVE, Channel::Public),
        ("draft", "dev", TEST, Channel::PrivateTest),
        ("draft", "dev", LIVE, Channel::PrivateLive),
        ("draft", "shop", TEST, Channel::Testing),
    ] {
        world.install(app, account, mode);
        let install = world.installed(app, account, mode).expect("it is installed");
        assert_eq!(install.channel, expected, "{app} on {account}");
    }
}

#[test]
fn rule_10_14_and_11_2_of_sixteen_creates_one_makes_the_install() {
    let mut world = world();
    let caller = on("shop", "dev", TEST);
    let mut made = 0;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..16 {
        made += usize::from(create(&mut world, &caller, "app", None).contains("created>"));
        ids.insert(id_of(&world, "app", "shop", TEST));
    }
    assert_eq!((made, ids.len()), (1, 1));
    let first = ids.first().expect("one").to_string();
    uninstall(&mut world, &caller, &first);
    create(&mut world, &caller, "app", None);
    assert_ne!(id_of(&world, "app", "shop", TEST).to_string(), first, "a reinstall is a new object");
}

#[test]
fn an_install_takes_the_credentials_that_were_declared_before_it() {
    use cholla_domain::directory::credential::CredentialKind;
    let mut world = world();
    let app = || cholla_domain::id::AppId::new("rak.app");
    let keys: Vec<_> = ["rk_1", "rk_2"]
        .into_iter()
        .map(|text| {
            world.pass(1);
            world.credential(text, CredentialKind::Restricted { app: app() }, "shop", TEST)
        })
        .collect();
    let elsewhere = world.credential("rk_3", CredentialKind::Restricted { app: app() }, "stranger", TEST);
    let mut installs = Vec::new();
    for _ in 0..2 {
        let id = world.install("rak.app", "shop", TEST);
        installs.push((id, world.directory.install(&id).expect("it is installed").restricted_key));
        let bound: Vec<_> =
            keys.iter().map(|own| world.directory.credential(&own.key).and_then(|own| own.install)).collect();
        assert_eq!(bound, [Some(installs[0].0); 2], "they belong to the first install that comes there");
        uninstall(&mut world, &own("shop", TEST), &id.to_string());
    }
    assert_eq!(installs[0].1, Some(keys[1].key), "the newest one is the one that a roll replaces");
    assert_eq!(installs[1].1, None);
    assert_eq!(world.directory.credential(&elsewhere.key).and_then(|own| own.install), None);
    world.access("rak.app", ApiAccess::Platform);
    let id = world.install("rak.app", "stranger", TEST);
    assert_eq!(world.directory.install(&id).and_then(|own| own.restricted_key), None, "another access has no such key");
    assert_eq!(world.directory.unbound(&app(), &AccountId::new("stranger"), TEST).count(), 0);
}
