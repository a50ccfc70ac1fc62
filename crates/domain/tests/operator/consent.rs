use cholla_domain::directory::app::{ApiAccess, App, Manifest};
use cholla_domain::directory::install::Channel;
use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::id::{AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{ConsentRequest, OperatorError, Redirect, allow, deny, preview, redirect_uri};
use cholla_testkit::directory_world::DirectoryWorld;

use super::{BY, account, actions, names, take, world};

const URI: &str = "https://example.com/callback";

fn consent_world(access: ApiAccess) -> DirectoryWorld {
    let mut world = world();
    world.access("com.example.a", access);
    world.edit("com.example.a", |app| {
        let manifest = &mut app.uploads.get_mut(&1).expect("the app has an upload").manifest;
        manifest.redirect_uris = vec![URI.to_owned(), "http://localhost/callback".to_owned()];
        manifest.purposes = [("secret_write".to_owned(), "Keeps the key".to_owned())].into();
    });
    world
}

#[test]
fn rule_15_11_a_redirect_uri_is_one_of_the_apps() {
    let uris = |uris: &[&str]| Manifest {
        redirect_uris: uris.iter().map(|uri| (*uri).to_owned()).collect(),
        ..Manifest::default()
    };
    let (https, plain) = ("https://example.com/a", "http://localhost/a");
    let unknown = Err(OperatorError::RedirectUriUnknown);
    for (manifest, livemode, given, expected) in [
        (uris(&[https, plain]), Livemode::Test, None, Ok(https)),
        (uris(&[https, plain]), Livemode::Test, Some(plain), Ok(plain)),
        (uris(&[https, plain]), Livemode::Live, Some(https), Ok(https)),
        (uris(&[https, plain]), Livemode::Live, Some(plain), Err(OperatorError::RedirectUriPlain)),
        (uris(&[plain]), Livemode::Live, None, Err(OperatorError::RedirectUriPlain)),
        (uris(&["HTTPS://example.com/a"]), Livemode::Live, None, Ok("HTTPS://example.com/a")),
        (uris(&[https]), Livemode::Test, Some("https://example.com/a/"), unknown.clone()),
        (uris(&[https]), Livemode::Test, Some("https://example.com/a?b"), unknown.clone()),
        (uris(&[https]), Livemode::Test, Some("https://EXAMPLE.com/a"), unknown.clone()),
        (uris(&[https]), Livemode::Test, Some(""), unknown.clone()),
        (uris(&[]), Livemode::Test, None, Err(OperatorError::RedirectUriMissing)),
        (uris(&[]), Livemode::Test, Some(https), unknown),
    ] {
        let found = redirect_uri(&manifest, livemode, given);
        assert_eq!(found, expected.map(str::to_owned), "{manifest:?} {livemode:?} {given:?}");
    }
}

#[test]
fn rule_15_12_preview_shows_what_is_asked_and_writes_nothing() {
    let mut world = consent_world(ApiAccess::OAuth);
    let (cactus, user) = (account("acct_cactus"), UserId::new("usr_1"));
    let (public_id, client_id) = {
        let app = world.app_of("com.example.a");
        (app.public_id, app.client_id.to_string())
    };
    for name in ["com.example.a", &public_id.to_string(), &client_id] {
        let request = ConsentRequest {
            app: name,
            account: &cactus,
            user: &user,
            livemode: Livemode::Test,
            redirect_uri: None,
            challenge: None,
        };
        let shown = preview(&world.context(), &request).unwrap();
        let permissions: Vec<_> =
            shown.permissions.iter().map(|own| (&*own.permission, own.purpose.as_deref(), own.granted)).collect();
        assert_eq!(permissions, [("event_read", None, false), ("secret_write", Some("Keeps the key"), false)]);
        assert_eq!((shown.app, shown.installed, &*shown.redirect_uri), (public_id, false, URI));
        assert_eq!((&*shown.name, &*shown.version), ("com.example.a", "1"));
    }
    world.install("com.example.a", "acct_cactus", Livemode::Test);
    let request = ConsentRequest {
        app: "com.example.a",
        account: &cactus,
        user: &user,
        livemode: Livemode::Test,
        redirect_uri: Some(URI),
        challenge: None,
    };
    let shown = preview(&world.context(), &request).unwrap();
    assert!(shown.installed && shown.permissions.iter().all(|permission| permission.granted));
}

#[test]
fn rule_15_12_allow_installs_or_reauthorizes() {
    let mut world = consent_world(ApiAccess::OAuth);
    let (cactus, user) = (account("acct_cactus"), UserId::new("usr_1"));
    let request = ConsentRequest {
        app: "com.example.a",
        account: &cactus,
        user: &user,
        livemode: Livemode::Test,
        redirect_uri: None,
        challenge: Some("challenge"),
    };
    let decided = allow(&world.context(), BY, &request);
    assert_eq!(actions(&decided), Ok(vec!["install.created"]));
    let first = take(&mut world, decided);
    assert_eq!((first.install.channel, &*first.redirect_uri), (Channel::Testing, URI));
    world.release("com.example.a");
    world.upload("com.example.a", &["secret_write", "secret_read"]);
    world.edit("com.example.a", |app| {
        app.uploads.get_mut(&2).unwrap().manifest.redirect_uris = vec![URI.to_owned()];
    });
    let decided = allow(&world.context(), BY, &request);
    assert_eq!(actions(&decided), Ok(vec!["install.authorized"]), "on the channel that it has");
    let second = take(&mut world, decided);
    assert_eq!(second.install.id, first.install.id);
    assert_eq!(second.install.granted.permissions, names(["secret_read", "secret_write"]));
    let grant = world.directory.grant(&first.install.id).unwrap();
    let code = grant.code.as_ref().unwrap();
    let Redirect::Code(drawn) = &second.redirect else { panic!("an oauth app gets a code") };
    assert_eq!((code.key, code.challenge.as_deref()), (drawn.key, Some("challenge")));
    assert_eq!(code.redirect_uri.as_deref(), Some(URI), "bound even where the request did not name it");
}

#[test]
fn rule_15_11_and_15_12_a_redirect_uri_is_the_offered_versions_whatever_is_installed() {
    let mut world = consent_world(ApiAccess::OAuth);
    let (cactus, user) = (account("acct_cactus"), UserId::new("usr_1"));
    let new = "https://example.com/new";
    let check = |world: &DirectoryWorld, redirect_uri, expected: Result<&str, OperatorError>| {
        let app = world.app_of("com.example.a");
        let by_link = redirect_uri_of_link(app, redirect_uri);
        assert_eq!(by_link, expected.clone().map(str::to_owned), "{redirect_uri:?}");
        let request = ConsentRequest {
            app: "com.example.a",
            account: &cactus,
            user: &user,
            livemode: Livemode::Test,
            redirect_uri,
            challenge: None,
        };
        let shown = preview(&world.context(), &request).map(|shown| shown.redirect_uri);
        assert_eq!(shown, by_link, "{redirect_uri:?}");
    };
    world.install("com.example.a", "acct_cactus", Livemode::Test);
    world.release("com.example.a");
    world.upload("com.example.a", &["secret_write"]);
    world.edit("com.example.a", |app| {
        app.uploads.get_mut(&2).expect("a second upload").manifest.redirect_uris = vec![new.to_owned()];
    });
    let channel =
        world.directory.install_of(&AppId::new("com.example.a"), &cactus, Livemode::Test).map(|own| own.channel);
    assert_eq!(channel, Some(Channel::Testing));
    check(&world, None, Ok(URI));
    check(&world, Some(URI), Ok(URI));
    check(&world, Some(new), Err(OperatorError::RedirectUriUnknown));
    world.release("com.example.a");
    check(&world, None, Ok(new));
    check(&world, Some(URI), Err(OperatorError::RedirectUriUnknown));
}

/// What a link decides, which names no account.
fn redirect_uri_of_link(app: &App, given: Option<&str>) -> Result<String, OperatorError> {
    redirect_uri(&app.offered().manifest, Livemode::Test, given)
}

#[test]
fn rule_15_13_other_apps_get_a_signature() {
    for access in [ApiAccess::Platform, ApiAccess::RestrictedApiKey] {
        let mut world = consent_world(access);
        let (cactus, user) = (account("acct_cactus"), UserId::new("usr_1"));
        let request = ConsentRequest {
            app: "com.example.a",
            account: &cactus,
            user: &user,
            livemode: Livemode::Live,
            redirect_uri: Some(URI),
            challenge: None,
        };
        let decided = allow(&world.context(), BY, &request);
        let allowed = take(&mut world, decided);
        let Redirect::Signed(secrets) = &allowed.redirect else { panic!("{access:?} gets no code") };
        let shown: Vec<_> = secrets.iter().map(SigningSecret::reveal).collect();
        assert_eq!(shown, ["absec_com.example.a"]);
        assert!(world.directory.grant(&allowed.install.id).is_none());
    }
}

#[test]
fn rule_15_12_what_cannot_be_asked() {
    let world = consent_world(ApiAccess::OAuth);
    for (app, on, user, redirect_uri, expected) in [
        ("com.x", "acct_cactus", "usr_1", None, OperatorError::NoApp("com.x".to_owned())),
        ("com.example.a", "acct_none", "usr_1", None, OperatorError::NoAccount(account("acct_none"))),
        ("com.example.a", "acct_cactus", "", None, OperatorError::TextIllegal("user")),
        ("com.example.a", "acct_cactus", "usr_1", Some("https://evil.example"), OperatorError::RedirectUriUnknown),
    ] {
        let (on, user) = (account(on), UserId::new(user));
        let request =
            ConsentRequest { app, account: &on, user: &user, livemode: Livemode::Test, redirect_uri, challenge: None };
        let ctx = world.context();
        assert_eq!(preview(&ctx, &request), Err(expected.clone()));
        assert_eq!(deny(&ctx, &request), Err(expected.clone()));
        assert_eq!(actions(&allow(&ctx, BY, &request)), Err(expected));
    }
}
