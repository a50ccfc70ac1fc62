//! Who is told what (contract 17.1 to 17.4, 17.7).

use std::collections::BTreeSet;

use cholla_domain::directory::event::{Event, Subject};
use cholla_domain::id::AccountId;
use cholla_domain::installs::{self, Actor, CreateRequest, InstallRequest, begin_install, end_install, endpoints_for};

use super::{LIVE, PRIVATE, TEST, create, id_of, key, on, own, uninstall, world};

#[test]
fn rule_17_1_and_17_3_each_recipient_has_an_event_of_its_own() {
    let mut world = world();
    let (dev, shop) = (on("shop", "dev", TEST), own("shop", TEST));
    let key = key("k");
    let request = CreateRequest { app: "app", channel: None, challenge: None, parameters: &[] };
    let created = installs::create(&world.context_with(Some(&key)), &dev, &request).expect("it may");
    let asked = world.request;
    let (_, created) = world.take(created);
    let id = id_of(&world, "app", "shop", TEST).to_string();
    let ended = installs::uninstall(&world.context(), &shop, &InstallRequest { id: &id, parameters: &[] });
    let ended_by = world.request;
    let (_, ended) = world.take(ended.expect("it may"));
    let row = |event: &Event| {
        let request = event.request.as_ref().map(|own| (own.id, own.idempotency_key.clone()));
        (event.subject.kind(), event.recipient.to_string(), event.of.as_ref().map(ToString::to_string), request)
    };
    let (of_shop, by_key) = (Some("shop".to_owned()), Some((asked, Some("k".to_owned()))));
    assert_eq!(
        created.iter().map(row).collect::<Vec<_>>(),
        [
            ("apps.install.created", "dev".to_owned(), of_shop.clone(), by_key.clone()),
            ("account.application.authorized", "dev".to_owned(), of_shop.clone(), by_key),
            ("apps.install.created", "shop".to_owned(), None, None),
        ]
    );
    assert_eq!(
        ended.iter().map(row).collect::<Vec<_>>(),
        [
            ("apps.install.deleted", "dev".to_owned(), of_shop.clone(), None),
            ("account.application.deauthorized", "dev".to_owned(), of_shop, None),
            ("apps.install.deleted", "shop".to_owned(), None, Some((ended_by, None))),
        ]
    );
    let ids: BTreeSet<_> = created.iter().chain(&ended).map(|event| event.id).collect();
    assert_eq!(ids.len(), 6);
    assert!(created.iter().all(|event| !event.livemode.is_live() && event.created_at == world.now));
}

#[test]
fn rule_17_2_the_subjects_are_the_install_and_the_application() {
    let mut world = world();
    let client = world.app_of("app").client_id;
    let account = AccountId::new("shop");
    let new = installs::NewInstall::offered(world.app_of("app"), &account, TEST);
    let (install, change) = begin_install(&world.context(), Actor::Operator("cholla"), new);
    let events = world.commit(change);
    let view = world.directory.view(&install).expect("it is loaded");
    assert_eq!(events[0].subject, Subject::InstallCreated(Box::new(view.clone())));
    assert_eq!(events[1].subject, Subject::Authorized { app: client, name: "app".to_owned() });
    assert!(events.iter().all(|event| event.request.is_none()), "no key of an account made it");
    let change = end_install(&world.context(), Actor::Operator("cholla"), &install);
    let last = installs_view_going(view);
    assert_eq!(change.events[0].subject, Subject::InstallDeleted(Box::new(last)));
    assert_eq!(change.events[1].subject, Subject::Deauthorized { app: client, name: "app".to_owned() });
}

fn installs_view_going(
    view: cholla_domain::directory::install::InstallView,
) -> cholla_domain::directory::install::InstallView {
    cholla_domain::directory::install::InstallView { uninstalling: true, ..view }
}

#[test]
fn rule_17_2_an_update_says_what_was_before() {
    let mut world = world();
    let id = world.install("app", "shop", TEST);
    world.upload("app", &["event_read"]);
    world.release("app");
    let before = |event: &Event| match &event.subject {
        Subject::InstallUpdated { now, before } => format!("{} -> {}", super::shown(before), super::shown(now)),
        other => other.kind().to_owned(),
    };
    let request = InstallRequest { id: &id.to_string(), parameters: &[] };
    let decided = installs::reauthorize(&world.context(), &own("shop", TEST), &request).expect("it may");
    let (_, events) = world.take(decided);
    let updates: Vec<_> = events.iter().filter(|event| event.of.is_none()).map(before).collect();
    assert_eq!(updates, ["public secret_write -> public  ?event_read", "public  ?event_read -> public event_read"]);
}

/// An event of each kind in `livemode` of an install of `app` on `shop`, and who gets them in the order of recipients and kinds.
#[test]
fn rule_17_4_endpoints_get_what_is_for_them() {
    let mut world = world();
    let names = [
        ("dev test connect", "dev", TEST, true),
        ("dev test", "dev", TEST, false),
        ("dev live connect", "dev", LIVE, true),
        ("dev live", "dev", LIVE, false),
        ("shop test", "shop", TEST, false),
        ("shop test connect", "shop", TEST, true),
        ("shop live", "shop", LIVE, false),
        ("rival test connect", "rival", TEST, true),
    ];
    let ids = names.map(|(name, account, livemode, connect)| (world.endpoint(account, livemode, connect), name));
    let name = |id| ids.iter().find(|(own, _)| *own == id).map(|(_, name)| *name).expect("it is one of them");
    let mut check = |other_mode: bool, expected: &[&str]| {
        if other_mode {
            world.install("app", "shop", LIVE);
        }
        let account = AccountId::new("shop");
        let new = installs::NewInstall::offered(world.app_of("app"), &account, TEST);
        let (install, begun) = begin_install(&world.context(), Actor::Operator("cholla"), new);
        // Before it is applied and after it.
        for applied in [false, true] {
            if applied {
                world.commit(begun.clone());
            }
            let ended = end_install(&world.context(), Actor::Operator("cholla"), &install);
            for event in begun.events.iter().chain(&ended.events) {
                let reached: Vec<_> = endpoints_for(&world.directory, event).map(|own| name(own.id)).collect();
                let expected: Vec<_> =
                    expected.iter().copied().filter(|own| own.starts_with(event.recipient.as_str())).collect();
                let (reached, expected): (BTreeSet<_>, BTreeSet<_>) =
                    (reached.into_iter().collect(), expected.into_iter().collect());
                assert_eq!(reached, expected, "{} to {}", event.subject.kind(), event.recipient);
            }
        }
        let ended = end_install(&world.context(), Actor::Operator("cholla"), &install);
        let events = world.commit(ended);
        let last: Vec<_> = events.iter().flat_map(|event| endpoints_for(&world.directory, event)).collect();
        assert_eq!(last.len(), 2 * expected.iter().filter(|own| own.starts_with("dev")).count() + 1);
    };
    check(false, &["dev test connect", "shop test"]);
    check(true, &["dev test connect", "dev live connect", "shop test"]);
}

#[test]
fn rule_17_3_and_17_4_a_developer_that_installs_its_own_app_hears_of_it_once() {
    let mut world = world();
    let (account, connect) = (world.endpoint("dev", TEST, false), world.endpoint("dev", TEST, true));
    let live = world.endpoint("dev", LIVE, false);
    let request = CreateRequest { app: "draft", channel: PRIVATE, challenge: None, parameters: &[] };
    let decided = installs::create(&world.context(), &own("dev", TEST), &request).expect("it may");
    let (_, events) = world.take(decided);
    assert_eq!(super::told(&events), "created>dev authorized>dev");
    for event in &events {
        let reached: Vec<_> = endpoints_for(&world.directory, event).map(|own| own.id).collect();
        assert_eq!(reached, [account], "not {connect} and not {live}");
    }
}

#[test]
fn rule_17_4_an_endpoint_gets_the_types_it_lists() {
    use cholla_domain::directory::record::Record;
    let mut world = world();
    let id = world.endpoint("dev", TEST, true);
    let mut endpoint = world.directory.endpoint(&id).expect("it is there").clone();
    endpoint.events = ["apps.install.deleted".to_owned()].into();
    world.put(Record::Endpoint(Box::new(endpoint)));
    create(&mut world, &on("shop", "dev", TEST), "app", None);
    let install = world.installed("app", "shop", TEST).expect("it is installed").clone();
    let change = end_install(&world.context(), Actor::Account, &install);
    let kinds: Vec<_> = change
        .events
        .iter()
        .filter(|event| endpoints_for(&world.directory, event).next().is_some())
        .map(|event| event.subject.kind())
        .collect();
    assert_eq!(kinds, ["apps.install.deleted"]);
    let text = install.id.to_string();
    assert!(uninstall(&mut world, &own("shop", TEST), &text).contains("deleted>dev(shop)"));
}
