use cholla_domain::directory::app::{Asks, Manifest};
use cholla_domain::directory::secret::SigningSecret;
use cholla_domain::id::{AppId, AppPublicId, ClientId};
use cholla_domain::installs::carry;
use cholla_domain::limits::{APP_ID_CHARS_MAX, UPLOADS_KEPT_MAX};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{Declared, NewUpload, OperatorError, app_named, publish, roll_signing_secret, upload};

use super::{BY, account, actions, names, take, world};

fn manifest(version: &str) -> Manifest {
    let asks = Asks { permissions: names(["secret_write"]), ..Asks::default() };
    Manifest { version: version.to_owned(), name: "New".to_owned(), asks, ..Manifest::default() }
}

fn new(id: &str, owner: &str, version: &str) -> NewUpload {
    let declared = Declared::default();
    NewUpload { id: AppId::new(id), owner: account(owner), manifest: manifest(version), declared }
}

#[test]
fn uploads_make_the_app_and_its_versions() {
    let mut world = world();
    for (id, owner, version, expected) in [
        ("com.example.new", "acct_dev", "1", Ok(vec!["app.created"])),
        ("com.example.new", "acct_dev", "1", Ok(vec![])),
        ("com.example.new", "acct_dev", "2", Ok(vec!["app.uploaded"])),
        ("com.example.new", "acct_dev", "1", Ok(vec!["app.uploaded"])),
        ("com.example.new", "acct_other", "3", Err(OperatorError::OwnedByOther(account("acct_dev")))),
        ("com.example.new", "acct_none", "3", Err(OperatorError::NoAccount(account("acct_none")))),
        ("", "acct_dev", "1", Err(OperatorError::AppIdIllegal)),
    ] {
        let decided = upload(&world.context(), BY, new(id, owner, version));
        assert_eq!(actions(&decided), expected, "{id} {owner} {version}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
    }
    let app = world.app_of("com.example.new");
    assert_eq!((app.uploads.len(), app.release(), app.newest().number), (3, 0, 3));
    let secret = app.signing_secret.current.reveal();
    assert!(secret.len() == "absec_".len() + 32 && secret.starts_with("absec_"));
}

#[test]
fn rule_11_3_names_of_apps_are_told_apart() {
    let mut world = world();
    let taken = world.app_of("com.example.a").clone();
    let (other, client) = (AppPublicId::draw(&super::entropy(1)), ClientId::draw(&super::entropy(2)));
    let secret = |text: &str| Some(SigningSecret::new(text.to_owned()));
    for (id, declared, expected) in [
        (taken.public_id.to_string(), Declared::default(), Err(OperatorError::AppIdIllegal)),
        (taken.client_id.to_string(), Declared::default(), Err(OperatorError::AppIdIllegal)),
        (
            "com.example.b".to_owned(),
            Declared { public_id: Some(taken.public_id), ..Declared::default() },
            Err(OperatorError::AppIdTaken),
        ),
        (
            "com.example.b".to_owned(),
            Declared { client_id: Some(taken.client_id), ..Declared::default() },
            Err(OperatorError::ClientIdTaken),
        ),
        (
            "com.example.b".to_owned(),
            Declared { signing_secret: secret("whsec_x"), ..Declared::default() },
            Err(OperatorError::SigningSecretMalformed("absec_")),
        ),
        (
            "com.example.b".to_owned(),
            Declared { signing_secret: secret("absec_abcdefghijklmnopqrstuvw"), ..Declared::default() },
            Err(OperatorError::SecretTooShort("absec_", 24)),
        ),
        (
            "com.example.b".to_owned(),
            Declared {
                public_id: Some(other),
                client_id: Some(client),
                signing_secret: secret("absec_abcdefghijklmnopqrstuvwx"),
            },
            Ok(vec!["app.created"]),
        ),
        ("com.example.b".to_owned(), Declared { public_id: Some(other), ..Declared::default() }, Ok(vec![])),
        (
            "com.example.b".to_owned(),
            Declared { public_id: Some(taken.public_id), ..Declared::default() },
            Err(OperatorError::DeclaredOtherwise("app_id")),
        ),
        (
            "com.example.b".to_owned(),
            Declared { client_id: Some(taken.client_id), ..Declared::default() },
            Err(OperatorError::DeclaredOtherwise("client_id")),
        ),
        (
            "com.example.b".to_owned(),
            Declared { signing_secret: secret("absec_y"), ..Declared::default() },
            Err(OperatorError::DeclaredOtherwise("signing_secret")),
        ),
    ] {
        let decided = upload(&world.context(), BY, NewUpload { declared, ..new(&id, "acct_dev", "1") });
        assert_eq!(actions(&decided), expected, "{id}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
    }
}

#[test]
fn rule_11_3_manifest_ids() {
    let long = format!("a{}", "b".repeat(APP_ID_CHARS_MAX - 1));
    for (id, legal) in [
        ("com.example.app-a", true),
        ("com.invoicing.My_App2", true),
        ("a", true),
        ("7.app", true),
        ("app", true),
        ("cafe.example", true),
        (&long, true),
        (&format!("{long}b"), false),
        ("", false),
        (".", false),
        ("..", false),
        (".com", false),
        ("-a", false),
        ("_a", false),
        ("a b", false),
        ("a/b", false),
        ("a\nb", false),
        ("é.com", false),
        ("com.é", false),
        ("acct_a", false),
        ("app_a", false),
        ("appinst_a", false),
        ("ca_a", false),
        ("ac_a", false),
        ("rt_a", false),
        ("key_a", false),
        ("sk_test_a", false),
        ("rk_live_a", false),
        ("pk_test_a", false),
        ("ek_test_a", false),
        ("absec_a", false),
        ("whsec_a", false),
    ] {
        assert_eq!(AppId::is_legal(id), legal, "{id}");
    }
}

#[test]
fn rule_11_3_and_15_12_ids_that_are_drawn_go_before_a_manifest_id() {
    let mut world = world();
    let victim = world.app_of("com.example.a").clone();
    for name in [victim.public_id.to_string(), victim.client_id.to_string()] {
        // No upload makes it; a directory of an earlier version may hold it.
        world.app(&name, "acct_other", &[]);
        assert_eq!(app_named(&world.directory, &name).unwrap().id, victim.id, "{name}");
    }
    assert_eq!(app_named(&world.directory, "com.example.a").unwrap().id, victim.id);
}

#[test]
fn rule_13_8_uploads_move_no_install_and_those_in_use_stay() {
    let mut world = world();
    let install = world.install("com.example.a", "acct_cactus", Livemode::Test);
    for version in 0..2 * UPLOADS_KEPT_MAX {
        let decided = upload(&world.context(), BY, new("com.example.a", "acct_dev", &version.to_string()));
        take(&mut world, decided);
        let carried = carry(&world.context(), &AppId::new("com.example.a"), 10);
        world.take(carried);
    }
    let app = world.app_of("com.example.a");
    assert_eq!(app.uploads.len(), UPLOADS_KEPT_MAX + 1, "the newest, and the one that is installed");
    assert_eq!(world.directory.install(&install).unwrap().version, 1);
}

#[test]
fn rule_5_1_and_13_7_one_app_of_an_owner_is_published() {
    let mut world = world();
    world.app("com.example.b", "acct_dev", &[]);
    for (app, expected) in [
        ("com.example.a", Ok(vec!["app.published"])),
        ("com.example.a", Ok(vec![])),
        ("com.example.b", Err(OperatorError::OtherPublished(AppId::new("com.example.a")))),
        ("com.example.none", Err(OperatorError::NoApp("com.example.none".to_owned()))),
    ] {
        let decided = publish(&world.context(), BY, app);
        assert_eq!(actions(&decided), expected, "{app}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
    }
    world.install("com.example.a", "acct_cactus", Livemode::Test);
    world.upload("com.example.a", &["secret_write", "secret_read"]);
    let public_id = world.app_of("com.example.a").public_id.to_string();
    let decided = publish(&world.context(), BY, &public_id);
    assert_eq!(take(&mut world, decided).release(), 2);
    let install = world.installed("com.example.a", "acct_cactus", Livemode::Test).unwrap();
    let standing = world.directory.standing(install).unwrap();
    assert_eq!((standing.upload.number, standing.pending.permissions), (2, names(["secret_read"])));
}

#[test]
fn signing_secrets_are_rolled_with_an_overlap() {
    let mut world = world();
    let week = 7 * 86_400;
    let given = |text: &str| Some(SigningSecret::new(text.to_owned()));
    for (overlap, secret, expected) in [
        (0, None, Ok(vec!["app.signing_secret_rolled"])),
        (week, given("absec_givenABCDEFGHIJKLMNOPQRS"), Ok(vec!["app.signing_secret_rolled"])),
        (week + 1, None, Err(OperatorError::OverlapTooLong)),
        (-1, None, Err(OperatorError::OverlapTooLong)),
        (0, given("absec_a"), Err(OperatorError::SecretTooShort("absec_", 24))),
        (0, given("sk_test_1"), Err(OperatorError::SigningSecretMalformed("absec_"))),
    ] {
        let decided = roll_signing_secret(&world.context(), BY, "com.example.a", overlap, secret);
        assert_eq!(actions(&decided), expected, "{overlap}");
        if decided.is_ok() {
            take(&mut world, decided);
        }
    }
    let valid = |at| world.app_of("com.example.a").signing_secret.valid(at).count();
    assert_eq!((valid(world.now), valid(world.now.plus(week))), (2, 1));
    assert_eq!(world.app_of("com.example.a").signing_secret.current.reveal(), "absec_givenABCDEFGHIJKLMNOPQRS");
}
