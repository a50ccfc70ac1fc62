//! Idempotency keys (contract 10.13).

use cholla_domain::directory::access::InstallCaller;
use cholla_domain::directory::grant::{Code, UsedCode};
use cholla_domain::directory::install::Channel;
use cholla_domain::directory::kept::KeptOperation;
use cholla_domain::directory::record::Record;
use cholla_domain::idempotency::IdempotencyKey;
use cholla_domain::installs::{self, Answered, CreateRequest, InstallRequest, replay_unreachable};
use cholla_domain::limits::IDEMPOTENCY_KEPT_SECONDS;
use cholla_testkit::directory_world::DirectoryWorld;

use super::{LIVE, PRIVATE, TEST, done, id_of, key, on, own, world};

fn create(world: &mut DirectoryWorld, caller: &InstallCaller, app: &str, channel: Option<Channel>) -> String {
    let key = key("k");
    let parameters: [&[u8]; 2] = [app.as_bytes(), channel.map_or("", Channel::as_str).as_bytes()];
    let request = CreateRequest { app, channel, challenge: None, parameters: &parameters };
    let decided = installs::create(&world.context_with(Some(&key)), caller, &request);
    done(world, decided)
}

fn uninstall(world: &mut DirectoryWorld, caller: &InstallCaller, id: &str, key: &IdempotencyKey) -> String {
    let request = InstallRequest { id, parameters: &[] };
    let decided = installs::uninstall(&world.context_with(Some(key)), caller, &request);
    done(world, decided)
}

fn reauthorize(world: &mut DirectoryWorld, caller: &InstallCaller, id: &str, key: &IdempotencyKey) -> String {
    let request = InstallRequest { id, parameters: &[] };
    let decided = installs::reauthorize(&world.context_with(Some(key)), caller, &request);
    done(world, decided)
}

#[test]
fn rule_10_13_the_first_result_is_replayed_for_a_day() {
    let mut world = world();
    let dev = on("shop", "dev", TEST);
    let first = "public secret_write | created>dev(shop) authorized>dev(shop) created>shop";
    assert_eq!(create(&mut world, &dev, "app", None), first);
    world.upload("app", &["secret_write", "event_read"]);
    world.release("app");
    world.pass(IDEMPOTENCY_KEPT_SECONDS - 1);
    assert_eq!(create(&mut world, &dev, "app", None), "public secret_write replay", "as it was");
    assert!(create(&mut world, &dev, "rak.app", None).starts_with("IdempotencyMismatch"));
    world.pass(1);
    assert_eq!(create(&mut world, &dev, "app", None), "public secret_write ?event_read", "as it is");
    assert_eq!(create(&mut world, &dev, "app", None), "public secret_write ?event_read replay");
}

#[test]
fn rule_10_13_a_key_belongs_to_the_account_the_mode_and_the_account_acted_on() {
    let mut world = world();
    world.connect("stranger", "dev");
    assert!(create(&mut world, &on("shop", "dev", TEST), "app", None).contains("created>"));
    for caller in [on("shop", "dev", LIVE), on("stranger", "dev", TEST)] {
        assert!(create(&mut world, &caller, "app", None).contains("created>"), "{caller:?}");
    }
    assert!(create(&mut world, &own("dev", TEST), "app", PRIVATE).contains("created>"));
    let foreign = create(&mut world, &on("shop", "rival", TEST), "foreign", None);
    assert_eq!(foreign, "NotConnected");
}

#[test]
fn rule_10_13_and_7_4_what_the_state_refused_is_kept() {
    let mut world = world();
    let dev = on("stranger", "dev", TEST);
    assert_eq!(create(&mut world, &dev, "app", None), "NotConnected");
    world.connect("stranger", "dev");
    assert_eq!(create(&mut world, &dev, "app", None), "NotConnected replay");
    let id = world.install("draft", "shop", TEST).to_string();
    world.upload("draft", &["secret_write"]);
    let (dev, key) = (on("shop", "dev", TEST), key("k"));
    assert_eq!(reauthorize(&mut world, &dev, &id, &key), "WouldGrant");
    world.upload("draft", &["secret_read"]);
    assert_eq!(reauthorize(&mut world, &dev, &id, &key), "WouldGrant replay");
    // What comes before the state is not: the app, the channel.
    assert_eq!(create(&mut world, &own("shop", TEST), "app", PRIVATE), "UnknownApp");
    assert_eq!(world.directory.all_kept().count(), 2);
}

#[test]
fn rule_10_13_and_14_3_a_replay_comes_before_the_end() {
    let mut world = world();
    let (shop, once, other) = (own("shop", TEST), key("once"), key("other"));
    let id = world.install("app", "shop", TEST).to_string();
    assert_eq!(reauthorize(&mut world, &shop, &id, &other), "public secret_write");
    let events = "deleted>dev(shop) deauthorized>dev(shop) deleted>shop";
    assert_eq!(uninstall(&mut world, &shop, &id, &once), format!("public secret_write going | {events}"));
    for _ in 0..2 {
        assert_eq!(uninstall(&mut world, &shop, &id, &once), "public secret_write going replay");
        assert_eq!(reauthorize(&mut world, &shop, &id, &other), "public secret_write replay");
    }
    // Another request under the key is no replay, and the install is gone.
    assert_eq!(uninstall(&mut world, &shop, &id, &other), "NotFound");
    assert_eq!(uninstall(&mut world, &shop, "appinst_test_x", &once), "NotFound");
    assert_eq!(uninstall(&mut world, &own("shop", LIVE), &id, &once), "NotFound");
    // A new one replaced it: with the same key and the new id it is another request.
    let again = world.install("app", "shop", TEST).to_string();
    assert!(uninstall(&mut world, &shop, &again, &once).starts_with("IdempotencyMismatch"));
    world.pass(IDEMPOTENCY_KEPT_SECONDS);
    assert_eq!(uninstall(&mut world, &shop, &id, &once), "NotFound");
}

#[test]
fn rule_14_3_a_developer_that_reaches_the_account_no_more_gets_its_replay() {
    let mut world = world();
    let id = world.install("app", "stranger", TEST).to_string();
    let (dev, key) = (on("stranger", "dev", TEST), key("k"));
    uninstall(&mut world, &dev, &id, &key);
    let request = InstallRequest { id: &id, parameters: &[] };
    let replay = |key: Option<&IdempotencyKey>, caller: &InstallCaller, operation| {
        replay_unreachable(&world.context_with(key), caller, operation, &request)
    };
    let replayed: Option<Answered> = replay(Some(&key), &dev, KeptOperation::Uninstall);
    assert!(replayed.is_some_and(|own| own.replay_of.is_some() && own.result.is_ok_and(|view| view.uninstalling)));
    assert!(replay(None, &dev, KeptOperation::Uninstall).is_none());
    assert!(replay(Some(&key), &dev, KeptOperation::Reauthorize).is_none());
    assert!(replay(Some(&key), &on("stranger", "rival", TEST), KeptOperation::Uninstall).is_none());
}

#[test]
fn rule_10_13_a_replayed_create_brings_no_code_back() {
    let mut world = world();
    let dev = on("shop", "dev", TEST);
    assert!(create(&mut world, &dev, "oauth.app", None).starts_with("public secret_write code |"));
    let id = id_of(&world, "oauth.app", "shop", TEST);
    let code = |world: &DirectoryWorld| world.directory.grant(&id).and_then(|grant| Some(grant.code.as_ref()?.key));
    let first = code(&world);
    assert_eq!(create(&mut world, &dev, "oauth.app", None), "public secret_write code replay", "a fresh one");
    let second = code(&world);
    assert!(first.is_some() && second.is_some() && first != second, "the first dies");
    assert_eq!(create(&mut world, &dev, "oauth.app", None), "public secret_write code replay");
    let mut grant = world.directory.grant(&id).expect("a grant").clone();
    grant.used_codes.extend(grant.code.take().map(|Code { key, expires_at, .. }| UsedCode { key, expires_at }));
    world.put(Record::Grant(Box::new(grant.clone())));
    assert_eq!(create(&mut world, &dev, "oauth.app", None), "public secret_write replay", "it was used");
    // A code that came otherwise meanwhile is not the replay's to void.
    let (grant, _) = installs::issue_code(&world.context(), Some(&grant), id, None, None);
    world.put(Record::Grant(Box::new(grant)));
    let other = code(&world);
    assert_eq!(create(&mut world, &dev, "oauth.app", None), "public secret_write replay");
    assert_eq!(code(&world), other);
    let text = id.to_string();
    super::uninstall(&mut world, &dev, &text);
    assert_eq!(create(&mut world, &dev, "oauth.app", None), "public secret_write replay", "and it may have ended");
}
