//! What the audit log says of the Install API.

use cholla_domain::directory::access::InstallCaller;
use cholla_domain::directory::decision::Decision;
use cholla_domain::installs::{self, Answered, CreateRequest, InstallError, InstallRequest};
use cholla_testkit::directory_world::DirectoryWorld;

use super::{KEY, PRIVATE, TEST, id_of, key, on, own, world};

/// Commits what was decided, and answers the entries that it writes: what was done, by whom, and to which install.
fn noted(world: &mut DirectoryWorld, decided: Result<Decision<Answered>, InstallError>) -> Vec<String> {
    let decision = decided.expect("it is granted");
    let entries = decision.change.audit.iter().map(|entry| {
        let words: Vec<_> = entry.subject.iter().map(|(word, _)| word.as_str()).collect();
        assert_eq!((&words[..4], words.last()), (&["install", "app", "account", "channel"][..], Some(&"key")));
        assert_eq!(entry.subject.last().map(|(_, key)| key), Some(&KEY.to_string()));
        let changes = &entry.subject[4..words.len() - 1];
        let changes = changes.iter().flat_map(|(word, what)| [", ", word.as_str(), " ", what.as_str()]);
        let changes: String = changes.collect();
        let [_, app, account, channel] = [0, 1, 2, 3].map(|at| &entry.subject[at].1);
        format!("{} by {}: {app} on {account} ({channel}){changes}", entry.action, entry.actor)
    });
    let entries = entries.collect();
    world.take(decision);
    entries
}

#[test]
fn who_installs_and_who_grants_is_in_the_audit_log() {
    let mut world = world();
    let create = |world: &mut DirectoryWorld, caller: &InstallCaller, app, channel| {
        let request = CreateRequest { app, channel, challenge: None, parameters: &[] };
        let decided = installs::create(&world.context(), caller, &request);
        noted(world, decided)
    };
    let reauthorize = |world: &mut DirectoryWorld, caller: &InstallCaller, id: &str| {
        let decided = installs::reauthorize(&world.context(), caller, &InstallRequest { id, parameters: &[] });
        noted(world, decided)
    };
    let (dev, shop, through) = (own("dev", TEST), own("shop", TEST), on("shop", "dev", TEST));
    assert_eq!(
        create(&mut world, &dev, "draft", PRIVATE),
        ["install.created by dev: draft on dev (private_test), granted secret_read"]
    );
    assert_eq!(create(&mut world, &dev, "draft", PRIVATE), [""; 0], "nothing changes");
    world.upload("draft", &["secret_read", "secret_write"]);
    assert_eq!(
        create(&mut world, &dev, "draft", PRIVATE),
        ["install.authorized by dev: draft on dev (private_test), granted secret_write"]
    );
    assert_eq!(
        create(&mut world, &through, "app", None),
        ["install.created by dev: app on shop (public), granted secret_write"]
    );
    let id = id_of(&world, "app", "shop", TEST).to_string();
    assert_eq!(reauthorize(&mut world, &shop, &id), [""; 0], "everything is granted");
    world.upload("app", &["secret_write", "secret_read"]);
    world.release("app");
    assert_eq!(
        reauthorize(&mut world, &shop, &id),
        ["install.authorized by shop: app on shop (public), granted secret_read"]
    );
    let testing = Some(cholla_domain::directory::install::Channel::Testing);
    create(&mut world, &through, "draft", testing);
    world.upload("draft", &["secret_read"]);
    let id = id_of(&world, "draft", "shop", TEST).to_string();
    assert_eq!(
        reauthorize(&mut world, &through, &id),
        ["install.moved by dev: draft on shop (testing), withdrawn secret_write"]
    );
    let decided = installs::uninstall(&world.context(), &shop, &InstallRequest { id: &id, parameters: &[] });
    assert_eq!(noted(&mut world, decided), ["install.uninstalled by shop: draft on shop (testing)"]);
}

#[test]
fn a_kept_result_writes_no_second_entry() {
    let mut world = world();
    let (once, caller) = (key("once"), own("dev", TEST));
    for expected in [1, 0] {
        let request = CreateRequest { app: "draft", channel: PRIVATE, challenge: None, parameters: &[] };
        let ctx = cholla_domain::directory::decision::Context { idempotency_key: Some(&once), ..world.context() };
        let decision = installs::create(&ctx, &caller, &request).expect("it is granted");
        assert_eq!(decision.change.audit.len(), expected);
        world.take(decision);
    }
}
