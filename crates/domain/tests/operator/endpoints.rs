use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::limits::WEBHOOK_ENDPOINTS_MAX;
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{NewEndpoint, OperatorError, create_endpoint, delete_endpoint, roll_endpoint_secret};

use super::{BY, account, actions, names, subject, take, world};

fn new(of: Option<&str>, connect: bool, events: &[&str], secret: Option<&str>) -> NewEndpoint {
    NewEndpoint {
        account: of.map(account),
        livemode: Livemode::Test,
        url: "https://example.com/hook".to_owned(),
        connect,
        events: events.iter().map(|kind| (*kind).to_owned()).collect(),
        secret: secret.map(|secret| SigningSecret::new(secret.to_owned())),
    }
}

#[test]
fn rule_17_4_endpoints_belong_to_an_account_or_to_the_operator() {
    let created = Ok(vec!["webhook.created"]);
    for (of, connect, events, secret, expected) in [
        (Some("acct_dev"), true, &["*"][..], None, created.clone()),
        (Some("acct_dev"), false, &["apps.install.created"], Some("whsec_abcdefghijklmnopqrstuvwx"), created.clone()),
        (None, false, &["cholla.secret.expiring"], None, created.clone()),
        (None, false, &[], None, created),
        (None, true, &[], None, Err(OperatorError::ConnectNeedsAccount)),
        (None, false, &["apps.install.created"], None, Err(OperatorError::EventUnknown)),
        (Some("acct_dev"), false, &["cholla.secret.set"], None, Err(OperatorError::EventUnknown)),
        (Some("acct_dev"), false, &["charge.succeeded"], None, Err(OperatorError::EventUnknown)),
        (Some("acct_dev"), false, &[], Some("absec_x"), Err(OperatorError::SigningSecretMalformed("whsec_"))),
        (Some("acct_dev"), false, &[], Some("whsec_"), Err(OperatorError::SigningSecretMalformed("whsec_"))),
        (Some("acct_dev"), false, &[], Some("whsec_a b"), Err(OperatorError::SigningSecretMalformed("whsec_"))),
        (Some("acct_dev"), false, &[], Some("whsec_a"), Err(OperatorError::SecretTooShort("whsec_", 24))),
        (
            Some("acct_dev"),
            false,
            &[],
            Some("whsec_abcdefghijklmnopqrstuvw"),
            Err(OperatorError::SecretTooShort("whsec_", 24)),
        ),
        (Some("acct_none"), false, &[], None, Err(OperatorError::NoAccount(account("acct_none")))),
    ] {
        let decided = create_endpoint(&world().context(), BY, new(of, connect, events, secret));
        assert_eq!(actions(&decided), expected, "{of:?} {connect} {events:?}");
        if let Ok(decision) = decided {
            let endpoint = decision.outcome;
            assert!(endpoint.secret.current.reveal().starts_with("whsec_"));
            let wanted = if events.is_empty() { &["*"] } else { events };
            assert!(wanted.iter().all(|kind| endpoint.events.contains(*kind)));
        }
    }
}

#[test]
fn the_audit_log_says_where_an_endpoint_leads_and_what_it_hears() {
    let new = new(Some("acct_dev"), true, &["apps.install.created", "apps.install.deleted"], None);
    for (url, shown) in [
        ("https://example.com", Some("https://example.com")),
        ("https://example.com:8443/h?token=abc", Some("https://example.com:8443")),
        ("http://[::1]?token=abc", Some("http://[::1]")),
        ("https://name:abc@example.com/h", None),
        ("abc", None),
    ] {
        let new = NewEndpoint { url: url.to_owned(), ..new.clone() };
        let told = subject(&create_endpoint(&world().context(), BY, new).unwrap().change);
        let told = told.iter().find_map(|(word, what)| (word == "url").then_some(what.as_str()));
        assert_eq!(told, shown, "{url}");
    }
    let decided = create_endpoint(&world().context(), BY, new).unwrap();
    let id = decided.outcome.id.to_string();
    let expected = [
        ("webhook", &*id),
        ("account", "acct_dev"),
        ("mode", "test"),
        ("url", "https://example.com"),
        ("events", "apps.install.created apps.install.deleted"),
    ];
    assert_eq!(subject(&decided.change), expected.map(|(word, id)| (word.to_owned(), id.to_owned())));
}

#[test]
fn an_account_has_so_many_endpoints() {
    let mut world = world();
    for _ in 0..WEBHOOK_ENDPOINTS_MAX {
        let decided = create_endpoint(&world.context(), BY, new(Some("acct_dev"), false, &[], None));
        take(&mut world, decided);
    }
    let one_more = create_endpoint(&world.context(), BY, new(Some("acct_dev"), true, &[], None));
    assert_eq!(actions(&one_more), Err(OperatorError::TooManyEndpoints));
    let live = NewEndpoint { livemode: Livemode::Live, ..new(Some("acct_dev"), true, &[], None) };
    assert!(create_endpoint(&world.context(), BY, live).is_ok());
    assert!(create_endpoint(&world.context(), BY, new(Some("acct_cactus"), true, &[], None)).is_ok());
}

#[test]
fn rule_17_5_secrets_of_endpoints_are_rolled() {
    let mut world = world();
    let id = world.endpoint("acct_dev", Livemode::Test, true);
    let decided = roll_endpoint_secret(&world.context(), BY, &id, 60);
    assert_eq!(actions(&decided), Ok(vec!["webhook.secret_rolled"]));
    let (_, until) = take(&mut world, decided);
    let endpoint = world.directory.endpoint(&id).unwrap();
    assert_eq!((endpoint.secret.valid(world.now).count(), endpoint.secret.valid(until).count()), (2, 1));
    assert_eq!(endpoint.events, names(["*"]));
    let long = roll_endpoint_secret(&world.context(), BY, &id, 7 * 86_400 + 1);
    assert_eq!(actions(&long), Err(OperatorError::OverlapTooLong));
    let deleted = delete_endpoint(&world.context(), BY, &id);
    assert_eq!(actions(&deleted), Ok(vec!["webhook.deleted"]));
    take(&mut world, deleted);
    assert_eq!(actions(&delete_endpoint(&world.context(), BY, &id)), Err(OperatorError::NoEndpoint));
    assert_eq!(actions(&roll_endpoint_secret(&world.context(), BY, &id, 0)), Err(OperatorError::NoEndpoint));
}
