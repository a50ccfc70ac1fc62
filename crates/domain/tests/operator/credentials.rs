use cholla_domain::directory::app::ApiAccess;
use cholla_domain::directory::change::Change;
use cholla_domain::directory::credential::{Credential, CredentialKey, CredentialKind, Role};
use cholla_domain::directory::decision::{Decision, Mint};
use cholla_domain::directory::record::Record;
use cholla_domain::id::{AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{
    CredentialFilter, NewCredential, NewKind, OperatorError, admin_role, create_credential, expire_credential,
    revoke_credential, roll_credential,
};
use cholla_domain::principal::Permissions;
use cholla_domain::time::ExpiryError;
use cholla_testkit::directory_world::DirectoryWorld;
use zeroize::Zeroizing;

use super::{BY, account, actions, subject, take, world};

const APP: &str = "com.example.a";

/// What a key is asked to be: kind, mode, permissions, value.
type Row<'a> = (NewKind<'a>, Livemode, Option<&'a [&'a str]>, Option<&'a str>);

fn create(
    world: &DirectoryWorld,
    (kind, livemode, permissions, value): Row<'_>,
) -> Result<cholla_domain::directory::decision::Decision<cholla_domain::operator::Shown>, OperatorError> {
    let permissions: Option<Vec<String>> =
        permissions.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    let on = account(if matches!(kind, NewKind::Admin(_)) { "" } else { "acct_cactus" });
    let new = NewCredential {
        kind,
        account: &on,
        livemode,
        permissions: permissions.as_deref(),
        expires_at: None,
        value: value.map(|value| Zeroizing::new(value.to_owned())),
    };
    create_credential(&world.context(), BY, new)
}

#[test]
fn values_are_drawn_for_their_kind_and_mode() {
    let user = UserId::new("usr_1");
    let none: Option<&[&str]> = None;
    for (kind, permissions, prefix, length) in [
        (NewKind::Secret, none, "sk_live_", 64),
        (NewKind::AccountRestricted, Some(&["app_install_read"][..]), "rk_live_", 64),
        (NewKind::Restricted(APP), none, "rk_live_", 64),
        (NewKind::OAuth(APP), none, "rk_live_", 64),
        (NewKind::Embedded(APP, &user), none, "ek_live_", 64),
        (NewKind::Publishable, none, "pk_live_", 64),
        (NewKind::Admin(Role::Auditor), none, "admin_", 43),
    ] {
        let mut world = world();
        let decided = create(&world, (kind, Livemode::Live, permissions, None));
        assert_eq!(actions(&decided), Ok(vec!["key.created"]), "{kind:?}");
        let shown = take(&mut world, decided);
        let value = &*shown.drawn.value;
        assert!(value.starts_with(prefix) && value.len() == prefix.len() + length, "{kind:?}");
        assert_eq!(shown.credential.tail.as_ref().map(|tail| &tail[..]), Some(&value.as_bytes()[value.len() - 4..]));
        assert_eq!(CredentialKey::of(&world.mint.hash(value.as_bytes())), shown.credential.key);
        assert_eq!(world.directory.credential(&shown.credential.key), Some(&shown.credential));
    }
}

#[test]
fn given_values_fit_kind_and_mode() {
    let user = UserId::new("usr_1");
    let other = |prefixes| Err(OperatorError::ValueOfOtherKind(prefixes));
    let created = Ok(vec!["key.created"]);
    for (kind, value, expected) in [
        (NewKind::Secret, "sk_test_a", created.clone()),
        (NewKind::Secret, "sk_live_a", other(&["sk_"])),
        (NewKind::Secret, "rk_test_a", other(&["sk_"])),
        (NewKind::Secret, "sk_test_", other(&["sk_"])),
        (NewKind::Secret, "sk_a", other(&["sk_"])),
        (NewKind::Secret, "", Err(OperatorError::ValueIllegal)),
        (NewKind::Secret, "sk_test_a:b", Err(OperatorError::ValueIllegal)),
        (NewKind::Secret, "sk_test_a b", Err(OperatorError::ValueIllegal)),
        (NewKind::Secret, "sk_test_ä", Err(OperatorError::ValueIllegal)),
        (NewKind::Restricted(APP), "rk_test_a", created.clone()),
        (NewKind::OAuth(APP), "sk_test_a", created.clone()),
        (NewKind::OAuth(APP), "rk_test_a", created.clone()),
        (NewKind::OAuth(APP), "sk_unmarked", created.clone()),
        (NewKind::OAuth(APP), "sk_live_a", other(&["rk_", "sk_"])),
        (NewKind::Embedded(APP, &user), "ek_test_a", created.clone()),
        (NewKind::Embedded(APP, &user), "ek_a", other(&["ek_"])),
        (NewKind::Publishable, "pk_a", created.clone()),
        (NewKind::Admin(Role::Operator), "admin_a", created),
        (NewKind::Admin(Role::Operator), "sk_test_a", other(&["admin_"])),
    ] {
        let world = world();
        assert_eq!(actions(&create(&world, (kind, Livemode::Test, None, Some(value)))), expected, "{kind:?}");
    }
    let mut world = world();
    let first = create(&world, (NewKind::Secret, Livemode::Test, None, Some("sk_test_a")));
    take(&mut world, first);
    let second = create(&world, (NewKind::OAuth(APP), Livemode::Test, None, Some("sk_test_a")));
    assert_eq!(actions(&second), Err(OperatorError::ValueTaken));
}

#[test]
fn rule_12_9_and_14_1_permissions_are_those_of_the_kind() {
    let secrets: &[&str] = &["secret_read", "secret_write"];
    let installs: &[&str] = &["app_install_read", "app_install_write"];
    let unknown = |known| Err(OperatorError::PermissionUnknown(known));
    let created = Ok(vec!["key.created"]);
    for (kind, permissions, expected) in [
        (NewKind::Secret, Some(&["secret_write"][..]), Err(OperatorError::PermissionsRefused("secret"))),
        (NewKind::Publishable, Some(&[]), Err(OperatorError::PermissionsRefused("publishable"))),
        (NewKind::Admin(Role::Operator), Some(&[]), Err(OperatorError::PermissionsRefused("admin"))),
        (NewKind::AccountRestricted, None, Err(OperatorError::PermissionsMissing)),
        (NewKind::AccountRestricted, Some(&[]), Err(OperatorError::PermissionsMissing)),
        (NewKind::AccountRestricted, Some(&["secret_write"]), unknown(installs)),
        (NewKind::AccountRestricted, Some(installs), created.clone()),
        (NewKind::Restricted(APP), Some(&["app_install_read"]), unknown(secrets)),
        (NewKind::Restricted(APP), Some(&[]), created.clone()),
        (NewKind::OAuth(APP), Some(secrets), created),
        (NewKind::Restricted("com.x"), None, Err(OperatorError::NoApp("com.x".to_owned()))),
    ] {
        assert_eq!(actions(&create(&world(), (kind, Livemode::Test, permissions, None))), expected, "{kind:?}");
    }
    let mut world = world();
    world.install(APP, "acct_cactus", Livemode::Test);
    let decided = create(&world, (NewKind::Restricted(APP), Livemode::Test, Some(&["secret_read"]), None));
    let credential = take(&mut world, decided).credential;
    let principal = world.directory.principal(&credential, None, world.now).unwrap();
    assert_eq!(principal.permissions, Permissions { write: false, read: true });
}

#[test]
fn rule_14_4_and_16_2_keys_of_apps_belong_to_the_install_there() {
    let mut world = world();
    world.access(APP, ApiAccess::RestrictedApiKey);
    let early = create(&world, (NewKind::Restricted(APP), Livemode::Test, None, None));
    let early = take(&mut world, early).credential;
    assert_eq!(early.install, None);
    let id = world.install(APP, "acct_cactus", Livemode::Test);
    let install = |world: &DirectoryWorld| world.directory.install(&id).unwrap().restricted_key;
    assert_eq!(install(&world), Some(early.key), "the first install takes it over");
    let second = create(&world, (NewKind::Restricted(APP), Livemode::Test, None, None));
    assert_eq!(take(&mut world, second).credential.install, Some(id));
    assert_eq!(install(&world), Some(early.key));
    let revoked = revoke_credential(&world.context(), BY, &early.key);
    take(&mut world, revoked);
    let third = create(&world, (NewKind::Restricted(APP), Livemode::Test, None, None));
    let third = take(&mut world, third).credential.key;
    assert_eq!(install(&world), Some(third));
    let rolled = roll_credential(&world.context(), BY, &third, 0);
    let fourth = take(&mut world, rolled).credential.key;
    assert_eq!(install(&world), Some(fourth));
    let with_overlap = roll_credential(&world.context(), BY, &fourth, 86_400);
    let fifth = take(&mut world, with_overlap).credential.key;
    let at_once = roll_credential(&world.context(), BY, &fifth, 0);
    let last = take(&mut world, at_once).credential.key;
    let of_install = |own: &&cholla_domain::directory::credential::Credential| own.install == Some(id);
    let live: Vec<_> = world.directory.credentials().filter(of_install).filter(|own| own.is_live(world.now)).collect();
    assert_eq!(live.iter().map(|own| own.key).collect::<Vec<_>>(), [last], "no earlier overlap outlives the last roll");
    // Rolling the one before the install's own makes the successor that, too.
    let tracked = roll_credential(&world.context(), BY, &last, 3_600);
    let tracked = take(&mut world, tracked).credential.key;
    let older = roll_credential(&world.context(), BY, &last, 60);
    let newest = take(&mut world, older).credential.key;
    assert_eq!(world.directory.install(&id).unwrap().restricted_key, Some(newest));
    let lives = |key: &CredentialKey| world.directory.credential(key).unwrap().is_live(world.now.plus(60));
    assert_eq!([last, tracked, newest].map(|key| lives(&key)), [false, false, true]);
}

#[test]
fn credentials_are_rolled_with_a_grace() {
    let mut world = world();
    let created = create(&world, (NewKind::Secret, Livemode::Test, None, None));
    let old = take(&mut world, created).credential;
    let decided = roll_credential(&world.context(), BY, &old.key, 3_600);
    assert_eq!(actions(&decided), Ok(vec!["key.rolled"]));
    let fresh = take(&mut world, decided).credential;
    assert_eq!((&fresh.kind, &fresh.account, fresh.livemode), (&old.kind, &old.account, old.livemode));
    let lives =
        |key: &CredentialKey, seconds| world.directory.credential(key).unwrap().is_live(world.now.plus(seconds));
    assert!(lives(&old.key, 3_599) && !lives(&old.key, 3_600) && lives(&fresh.key, 3_600));
    let oauth = CredentialKind::OAuth { app: AppId::new(APP) };
    let token = world.credential("rk_test_o", oauth, "acct_cactus", Livemode::Test).key;
    let nobody = CredentialKey::from_bytes([1; 16]);
    for (key, overlap, expected) in [
        (fresh.key, 7 * 86_400 + 1, OperatorError::OverlapTooLong),
        (token, 0, OperatorError::NotRolled("oauth")),
        (nobody, 0, OperatorError::NoCredential),
    ] {
        assert_eq!(actions(&roll_credential(&world.context(), BY, &key, overlap)), Err(expected));
    }
    world.pass(3_600);
    let dead = roll_credential(&world.context(), BY, &old.key, 0);
    assert_eq!(actions(&dead), Err(OperatorError::CredentialDead));
}

#[test]
fn credentials_expire_and_are_revoked() {
    let mut world = world();
    let created = create(&world, (NewKind::Secret, Livemode::Test, None, None));
    let key = take(&mut world, created).credential.key;
    let now = world.now;
    let hundred_years = 3_155_760_000;
    for (at, expected) in [
        (now, Err(OperatorError::Expiry(ExpiryError::NotInFuture))),
        (now.plus(hundred_years + 1), Err(OperatorError::Expiry(ExpiryError::TooFar))),
        (now.plus(hundred_years), Ok(vec!["key.expiry_changed"])),
        (now.plus(60), Ok(vec!["key.expiry_changed"])),
        (now.plus(60), Ok(vec![])),
    ] {
        let decided = expire_credential(&world.context(), BY, &key, at);
        assert_eq!(actions(&decided), expected);
        if decided.is_ok() {
            take(&mut world, decided);
        }
    }
    world.pass(60);
    let revived = expire_credential(&world.context(), BY, &key, now.plus(600));
    assert_eq!(actions(&revived), Err(OperatorError::CredentialDead), "what has expired stays so");
    for expected in [Ok(vec!["key.revoked"]), Ok(vec![])] {
        let decided = revoke_credential(&world.context(), BY, &key);
        assert_eq!(actions(&decided), expected);
        take(&mut world, decided);
    }
    let nobody = revoke_credential(&world.context(), BY, &CredentialKey::from_bytes([1; 16]));
    assert_eq!(actions(&nobody), Err(OperatorError::NoCredential));
}

#[test]
fn rule_5_5_and_15_6_short_lived_kinds_stay_short_lived() {
    let (user, app) = (UserId::new("usr_1"), AppId::new(APP));
    let hour = 3_600;
    let (session, token) = (NewKind::Embedded(APP, &user), NewKind::OAuth(APP));
    for (kind, seconds, expected) in [
        (session, None, Ok(900)),
        (session, Some(1), Ok(1)),
        (session, Some(hour), Ok(hour)),
        (session, Some(hour + 1), Err(OperatorError::Lifetime)),
        (token, None, Ok(hour)),
        (token, Some(1), Ok(1)),
        (token, Some(hour), Ok(hour)),
        (token, Some(hour + 1), Err(OperatorError::BeyondLifetime("oauth"))),
    ] {
        let world = world();
        let on = account("acct_cactus");
        let new = NewCredential {
            kind,
            account: &on,
            livemode: Livemode::Test,
            permissions: None,
            expires_at: seconds.map(|seconds| world.now.plus(seconds)),
            value: None,
        };
        let created = create_credential(&world.context(), BY, new).map(|made| made.outcome.credential.expires_at);
        assert_eq!(created, expected.map(|seconds| Some(world.now.plus(seconds))), "{kind:?} {seconds:?}");
    }
    let embedded = CredentialKind::Embedded { app: app.clone(), user };
    let oauth = CredentialKind::OAuth { app };
    // How long one counts that was made ten minutes ago, and how long from now on it is to count.
    for (kind, counts, wanted, expected) in [
        (&embedded, Some(900), 60, Ok(vec!["key.expiry_changed"])),
        (&embedded, Some(900), 3_000, Ok(vec!["key.expiry_changed"])),
        (&embedded, Some(900), 3_001, Err(OperatorError::BeyondLifetime("embedded"))),
        (&embedded, None, 3_000, Ok(vec!["key.expiry_changed"])),
        (&embedded, None, 3_001, Err(OperatorError::BeyondLifetime("embedded"))),
        (&oauth, Some(hour), 60, Ok(vec!["key.expiry_changed"])),
        (&oauth, Some(hour), 3_001, Err(OperatorError::BeyondLifetime("oauth"))),
        (&oauth, None, 3_000, Ok(vec!["key.expiry_changed"])),
        (&oauth, None, 3_001, Err(OperatorError::BeyondLifetime("oauth"))),
        (&oauth, Some(86_400), 85_799, Ok(vec!["key.expiry_changed"])),
        (&oauth, Some(86_400), 85_801, Err(OperatorError::BeyondLifetime("oauth"))),
        (&CredentialKind::Secret, Some(hour), 86_400, Ok(vec!["key.expiry_changed"])),
    ] {
        let mut world = world();
        let made = world.credential("rk_test_x", kind.clone(), "acct_cactus", Livemode::Test);
        let made = Credential { expires_at: counts.map(|seconds| world.now.plus(seconds)), ..made };
        let mut change = Change::default();
        change.put(Record::Credential(Box::new(made.clone())));
        world.take(Decision { change, outcome: () });
        world.pass(600);
        let decided = expire_credential(&world.context(), BY, &made.key, world.now.plus(wanted));
        assert_eq!(actions(&decided), expected, "{kind:?} {counts:?} {wanted}");
    }
}

#[test]
fn the_audit_log_says_what_was_granted() {
    let mut world = world();
    let install = world.install(APP, "acct_cactus", Livemode::Test).to_string();
    let until = world.now.plus(60).as_unix().to_string();
    let restricted = (NewKind::Restricted(APP), Some(&["secret_read"][..]));
    let rights = (NewKind::AccountRestricted, Some(&["app_install_write"][..]));
    for ((kind, permissions), expected) in [
        ((NewKind::Admin(Role::Operator), None), vec![("kind", "admin"), ("role", "operator")]),
        ((NewKind::Admin(Role::Auditor), None), vec![("kind", "admin"), ("role", "auditor")]),
        ((NewKind::Secret, None), vec![("kind", "secret"), ("account", "acct_cactus"), ("mode", "test")]),
        (
            rights,
            vec![
                ("kind", "restricted"),
                ("account", "acct_cactus"),
                ("mode", "test"),
                ("permissions", "app_install_read app_install_write"),
            ],
        ),
        (
            restricted,
            vec![
                ("kind", "restricted"),
                ("account", "acct_cactus"),
                ("mode", "test"),
                ("app", APP),
                ("install", &*install),
                ("permissions", "secret_read"),
            ],
        ),
    ] {
        let created = create(&world, (kind, Livemode::Test, permissions, None)).unwrap();
        let key = created.outcome.credential.key;
        let id = key.to_string();
        let mut told = vec![("key".to_owned(), id)];
        told.extend(expected.into_iter().map(|(word, what)| (word.to_owned(), what.to_owned())));
        assert_eq!(subject(&created.change), told);
        world.take(created);
        let rolled = roll_credential(&world.context(), BY, &key, 60).unwrap();
        let mut of_roll = told.clone();
        of_roll[0].1 = rolled.outcome.credential.key.to_string();
        of_roll.push(("previous".to_owned(), key.to_string()));
        of_roll.push(("previous_counts_until".to_owned(), until.clone()));
        assert_eq!(subject(&rolled.change), of_roll);
        let expiring = expire_credential(&world.context(), BY, &key, world.now.plus(60)).unwrap();
        told.push(("until".to_owned(), until.clone()));
        assert_eq!(subject(&expiring.change), told);
    }
}

#[test]
fn admin_tokens_have_a_role_while_they_live() {
    let mut world = world();
    for role in [Role::Operator, Role::Auditor] {
        let decided = create(&world, (NewKind::Admin(role), Livemode::Test, None, None));
        let shown = take(&mut world, decided);
        let hash = world.mint.hash(shown.drawn.value.as_bytes());
        assert_eq!(admin_role(&world.directory, &hash, world.now), Some((shown.credential.key, role)));
        assert!(world.directory.principal(&shown.credential, None, world.now).is_err(), "the API does not know it");
        let revoked = revoke_credential(&world.context(), BY, &shown.credential.key);
        take(&mut world, revoked);
        assert_eq!(admin_role(&world.directory, &hash, world.now), None);
    }
    world.secret_key("acct_dev", Livemode::Test);
    let hash = world.mint.hash(b"sk_test_acct_dev");
    assert_eq!(admin_role(&world.directory, &hash, world.now), None);
}

#[test]
fn lists_are_filtered() {
    let mut world = world();
    let id = world.install(APP, "acct_cactus", Livemode::Test);
    let restricted = CredentialKind::Restricted { app: AppId::new(APP) };
    world.credential("rk_test_1", restricted, "acct_cactus", Livemode::Test);
    world.secret_key("acct_cactus", Livemode::Live);
    let gone = world.secret_key("acct_dev", Livemode::Test).key;
    let revoked = revoke_credential(&world.context(), BY, &gone);
    take(&mut world, revoked);
    let all = CredentialFilter::default();
    for (filter, expected) in [
        (all.clone(), 3),
        (CredentialFilter { account: Some(account("acct_cactus")), ..all.clone() }, 2),
        (CredentialFilter { app: Some(AppId::new(APP)), ..all.clone() }, 1),
        (CredentialFilter { install: Some(id), ..all.clone() }, 1),
        (CredentialFilter { kind: Some("secret".to_owned()), ..all.clone() }, 2),
        (CredentialFilter { livemode: Some(Livemode::Live), ..all.clone() }, 1),
        (CredentialFilter { live_at: Some(world.now), ..all.clone() }, 2),
        (CredentialFilter { kind: Some("secret".to_owned()), livemode: Some(Livemode::Test), ..all }, 1),
    ] {
        let passing = world.directory.credentials().filter(|credential| filter.passes(credential)).count();
        assert_eq!(passing, expected, "{filter:?}");
    }
}
