//! A directory and files that it is brought to, one after the other.

use std::sync::Arc;

use cholla_domain::id::{AccountId, AppId};
use cholla_domain::livemode::Livemode;
use cholla_domain::time::Clock;

use super::*;
use crate::assembly::Foundation;
use crate::clock::ServerClock;
use crate::keeper::Keeper;
use crate::testing::{self, NamedBy, platform};

/// Accounts, two apps, installs in both modes, a key of each kind and two endpoints.
const FILE: &str = r#"
    accounts = [
        { id = "acct_m", name = "M", users = ["usr_1"], connected_to = ["acct_dev"] },
        { id = "acct_dev" },
    ]
    apps = [
        { id = "a", owner = "acct_dev", distribution = "public", permissions = [{ permission = "secret_write" }, { permission = "charge_read" }] },
        { id = "b", owner = "acct_dev", api_access = "oauth", permissions = [{ permission = "secret_read" }] },
    ]
    installs = [
        { app = "a", account = "acct_m", modes = ["test", "live"], permissions = ["secret_write"] },
        { app = "b", account = "acct_m" },
    ]
    keys = [
        { kind = "secret", account = "acct_dev" },
        { kind = "secret", account = "acct_dev" },
        { kind = "secret", account = "acct_dev", value = "sk_test_declared", expires_in = "1h" },
        { kind = "restricted", account = "acct_m", permissions = ["app_install_read"] },
        { kind = "restricted", app = "a", account = "acct_m", permissions = ["secret_read"] },
        { kind = "oauth", app = "b", account = "acct_m" },
        { kind = "embedded", app = "a", account = "acct_m", user = "usr_1" },
        { kind = "publishable", account = "acct_m" },
    ]
    webhooks = [
        { account = "acct_m", url = "https://m.example/hook" },
        { account = "acct_dev", url = "https://d.example/hook", connect = true, events = ["apps.install.created"], secret = "whsec_declared" },
    ]
"#;

/// A server's store and directory under a clock that tests move.
struct World {
    foundation: Arc<Foundation>,
    clock: Arc<ServerClock>,
    keeper: Arc<Keeper>,
    named_by: NamedBy,
}

impl World {
    async fn new(named_by: NamedBy) -> Self {
        let foundation = testing::foundation().await;
        let clock = Arc::new(ServerClock::default());
        let keeper = foundation.keeper(&clock, 0).unwrap();
        Self { foundation, clock, keeper, named_by }
    }

    /// Brings the directory to `text` and answers what was done, a line each.
    async fn apply(&self, text: &str, manner: Manner) -> Result<Vec<String>, String> {
        let file = platform(text);
        let foreseen = {
            let naming = (self.named_by)(&self.foundation.instance);
            plan(&self.keeper.read(), &file, &naming, manner, self.clock.now())
        };
        let done = testing::settle(&self.keeper, &self.foundation, (&file, self.named_by, manner)).await;
        let done = done.map(|reconciled| reconciled.plan);
        assert_eq!(done, foreseen, "what was done is what was said before");
        done.map(|lines| lines.iter().map(shown).collect()).map_err(|misfit| misfit.0)
    }

    async fn check(&self, text: &str, manner: Manner, expected: &[&str]) {
        assert_eq!(self.apply(text, manner).await.unwrap(), expected);
        let again = Manner { anew: false, ..manner };
        assert!(self.apply(text, again).await.unwrap().is_empty(), "a second run has nothing to do");
    }

    /// The file with one text in the place of another.
    async fn check_edit(&self, (old, new): (&str, &str), expected: &[&str]) {
        assert!(FILE.contains(old), "{old}");
        self.check(&FILE.replace(old, new), Manner::default(), expected).await;
        self.apply(FILE, Manner::default()).await.unwrap();
    }
}

fn shown(line: &PlanLine) -> String {
    let PlanLine { action, kind, name, detail, .. } = line;
    format!("{action:?} {kind} {name} {detail}").trim_end().to_owned()
}

const PRUNE: Manner = Manner { anew: false, prune: true, dev: false };

#[tokio::test]
async fn everything_is_made_once() {
    let expected = [
        "Create account acct_m",
        "Create user usr_1 of acct_m",
        "Create account acct_dev",
        "Create app a version 0.0.1, public",
        "Create app b version 0.0.1, private",
        "Create install a on acct_m (test)",
        "Create install a on acct_m (live)",
        "Create install b on acct_m (test)",
        "Create key secret key of acct_dev (test)",
        "Create key secret key of acct_dev (test)",
        "Create key secret key of acct_dev (test)",
        "Create key restricted key of acct_m (test)",
        "Create key restricted key of acct_m for a (test)",
        "Create key oauth key of acct_m for b (test)",
        "Create key embedded key of acct_m for a (test)",
        "Create key publishable key of acct_m (test)",
        "Create webhook https://m.example/hook of acct_m (test)",
        "Create webhook https://d.example/hook of acct_dev (test)",
    ];
    for named_by in [testing::derived as NamedBy, testing::drawn] {
        let world = World::new(named_by).await;
        world.check(FILE, Manner::default(), &expected).await;
        assert!(world.apply(FILE, PRUNE).await.unwrap().is_empty(), "what the file names is not pruned");
        let directory = world.keeper.read();
        assert_eq!(directory.credentials().count(), 8);
        let account = directory.account(&AccountId::new("acct_m")).unwrap();
        assert!(account.connected_to.contains(&AccountId::new("acct_dev")) && !account.made_up);
    }
}

#[tokio::test]
async fn a_change_of_the_file_is_a_change_of_what_it_names() {
    let world = World::new(testing::drawn).await;
    world.apply(FILE, Manner::default()).await.unwrap();
    for (edit, expected) in [
        ((r#"name = "M""#, r#"name = "N""#), vec!["Update account acct_m name or connections"]),
        ((r#", connected_to = ["acct_dev"]"#, ""), vec!["Update account acct_m name or connections"]),
        ((r#"users = ["usr_1"]"#, r#"users = ["usr_1", "usr_2"]"#), vec!["Create user usr_2 of acct_m"]),
        (
            (
                r#"{ kind = "oauth", app = "b", account = "acct_m" }"#,
                r#"{ kind = "oauth", app = "b", account = "acct_m", permissions = [] }"#,
            ),
            // A value that was drawn stands for the first of its kind.
            vec!["Update key oauth key of acct_m for b (test)"],
        ),
        (
            (r#"value = "sk_test_declared""#, r#"value = "sk_test_another""#),
            vec!["Create key secret key of acct_dev (test)"],
        ),
        (
            (
                r#"url = "https://m.example/hook" }"#,
                r#"url = "https://m.example/hook", events = ["apps.install.deleted"] }"#,
            ),
            vec!["Update webhook https://m.example/hook of acct_m (test) events or secret"],
        ),
        (
            ("whsec_declared", "whsec_another"),
            vec!["Update webhook https://d.example/hook of acct_dev (test) events or secret"],
        ),
        (
            ("https://d.example/hook", "https://d.example/other"),
            vec!["Create webhook https://d.example/other of acct_dev (test)"],
        ),
        (
            (r#"permissions = ["secret_write"] }"#, "permissions = [] }"),
            vec![
                "Update install a on acct_m (test) version or grants",
                "Update install a on acct_m (live) version or grants",
            ],
        ),
    ] {
        world.check_edit(edit, &expected).await;
    }
}

#[tokio::test]
async fn rule_13_7_and_13_8_an_app_that_changed_is_uploaded_and_published() {
    let world = World::new(testing::drawn).await;
    world.apply(FILE, Manner::default()).await.unwrap();
    let public = FILE.replace(r#"distribution = "public","#, r#"distribution = "public", version = "2","#);
    world
        .check(
            &public,
            Manner::default(),
            &[
                "Update app a upload version 2, publish",
                "Update install a on acct_m (test) version or grants",
                "Update install a on acct_m (live) version or grants",
            ],
        )
        .await;
    {
        let directory = world.keeper.read();
        let app = directory.app(&AppId::new("a")).unwrap();
        assert_eq!((app.newest().number, app.published().unwrap().manifest.version.as_str()), (2, "2"));
        for install in directory.installs().filter(|install| install.app.as_str() == "a") {
            let standing = directory.standing(install).unwrap();
            assert_eq!(standing.upload.number, 2);
            assert_eq!(standing.granted.permissions.iter().map(String::as_str).collect::<Vec<_>>(), ["secret_write"]);
        }
    }
    let private = public.replace(r#"api_access = "oauth""#, r#"api_access = "platform""#);
    world
        .check(
            &private,
            Manner::default(),
            &["Update app b upload version 0.0.1", "Update install b on acct_m (test) version or grants"],
        )
        .await;
    let secret = private.replace(r#"{ id = "b","#, r#"{ id = "b", signing_secret = "absec_new","#);
    world.check(&secret, Manner::default(), &["Update app b signing secret"]).await;
}

#[tokio::test]
async fn what_the_file_does_not_name_stays_unless_it_is_pruned() {
    let world = World::new(testing::drawn).await;
    world.apply(FILE, Manner::default()).await.unwrap();
    let less = r#"
        accounts = [{ id = "acct_m", name = "M", users = ["usr_1"] }]
        keys = [{ kind = "publishable", account = "acct_m" }]
    "#;
    world.check(less, Manner::default(), &["Update account acct_m name or connections"]).await;
    let mut done = world.apply(less, PRUNE).await.unwrap();
    // Keys are named by their hash, and come in no order.
    for line in &mut done {
        if let Some((_, detail)) = line.strip_prefix("Remove key ").and_then(|rest| rest.split_once(' ')) {
            *line = format!("Remove key {detail}");
        }
    }
    done.sort_unstable();
    assert_eq!(
        done,
        [
            "Remove install a on acct_m (live)",
            "Remove install a on acct_m (test)",
            "Remove install b on acct_m (test)",
            "Remove key restricted key of acct_m",
            "Remove key restricted key of acct_m",
            "Remove webhook https://m.example/hook",
        ]
    );
    assert_eq!(world.keeper.read().installs().count(), 0);
    let now = world.clock.now();
    let live: Vec<_> = {
        let directory = world.keeper.read();
        directory
            .credentials()
            .filter(|found| found.is_live(now) && found.account.as_str() == "acct_dev")
            .map(|found| found.key)
            .collect()
    };
    assert_eq!(live.len(), 3, "accounts that the file does not declare are left alone");
    assert_eq!(world.keeper.read().endpoints().count(), 1);
}

#[tokio::test]
async fn a_file_that_contradicts_what_never_changes_changes_nothing() {
    let (a, c) = ("a".repeat(32), "c".repeat(32));
    let world = World::new(testing::drawn).await;
    let first = format!(
        "accounts = [{{ id = \"acct_dev\" }}, {{ id = \"acct_x\" }}]\n\
         apps = [{{ id = \"a\", owner = \"acct_dev\", distribution = \"public\", app_id = \"app_{a}\", client_id = \"ca_{c}\" }}]"
    );
    world.apply(&first, Manner::default()).await.unwrap();
    let accounts = "accounts = [{ id = \"acct_dev\" }, { id = \"acct_x\" }, { id = \"acct_new\" }]\n";
    for (apps, expected) in [
        (
            r#"{ id = "a", owner = "acct_x", distribution = "public" }"#.to_owned(),
            "`a` belongs to `acct_dev`, which never changes; name that owner",
        ),
        (
            r#"{ id = "a", owner = "acct_dev" }"#.to_owned(),
            "`a` is published, which cannot be taken back; make it `public`",
        ),
        (
            r#"{ id = "b", owner = "acct_dev", distribution = "public" }"#.to_owned(),
            "`acct_dev` publishes `a` already; make `b` private",
        ),
        (
            format!(r#"{{ id = "a", owner = "acct_dev", distribution = "public", app_id = "app_{c}" }}"#),
            "the `app_id` and `client_id` of `a` never change; remove them from the file",
        ),
        (
            format!(r#"{{ id = "a", owner = "acct_dev", distribution = "public", client_id = "ca_{a}" }}"#),
            "the `app_id` and `client_id` of `a` never change; remove them from the file",
        ),
        (
            format!(r#"{{ id = "b", owner = "acct_x", app_id = "app_{a}" }}"#),
            "the `app_id` of `b` is one of `a`; give it another",
        ),
        (
            format!(r#"{{ id = "b", owner = "acct_x", client_id = "ca_{c}" }}"#),
            "the `client_id` of `b` is one of `a`; give it another",
        ),
    ] {
        let misfit = world.apply(&format!("{accounts}apps = [{apps}]"), Manner::default()).await;
        assert_eq!(misfit, Err(expected.to_owned()));
        assert!(world.keeper.read().account(&AccountId::new("acct_new")).is_none());
    }
    world.check(&first, Manner::default(), &[]).await;
}

/// The ids of apps and installs, and of nothing that is secret.
fn ids(world: &World) -> Vec<String> {
    let directory = world.keeper.read();
    let mut ids: Vec<_> =
        directory.apps().map(|app| format!("{} {} {}", app.id.as_str(), app.public_id, app.client_id)).collect();
    ids.extend(directory.installs().map(|install| format!("{} {}", install.app.as_str(), install.id)));
    ids.sort_unstable();
    ids
}

#[tokio::test]
async fn rule_11_3_dev_mode_derives_the_same_ids_at_every_start() {
    let (one, other) = (World::new(testing::derived).await, World::new(testing::derived).await);
    let dev = Manner { anew: true, dev: true, ..Manner::default() };
    for world in [&one, &other] {
        world.apply(FILE, dev).await.unwrap();
    }
    assert_eq!(ids(&one).len(), 5);
    assert_eq!(ids(&one), ids(&other), "on another machine too");
    let before = ids(&one);
    one.apply(FILE, dev).await.unwrap();
    assert_eq!(ids(&one), before);
    let keys = |world: &World| {
        let directory = world.keeper.read();
        let mut keys: Vec<_> = directory.credentials().map(|found| found.key).collect();
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys(&one).len(), 8);
    assert_ne!(keys(&one), keys(&other), "keys are each installation's own");
}

#[tokio::test]
async fn rule_11_3_production_draws_values_once() {
    let file = platform(FILE);
    let mut seen = Vec::new();
    for _ in 0..2 {
        let world = World::new(testing::drawn).await;
        let reconcile = async || {
            testing::settle(&world.keeper, &world.foundation, (&file, testing::drawn, Manner::default())).await.unwrap()
        };
        let drawn: Vec<_> = reconcile().await.keys.iter().map(|value| value.clone().unwrap().to_string()).collect();
        assert_eq!(drawn[2], "sk_test_declared");
        for (value, prefix) in drawn
            .iter()
            .zip(["sk_test_", "sk_test_", "sk_test_", "rk_test_", "rk_test_", "rk_test_", "ek_test_", "pk_test_"])
        {
            assert!(value.starts_with(prefix), "{prefix}");
        }
        let before = ids(&world);
        let again = reconcile().await;
        let known: Vec<_> = again.keys.iter().map(Option::is_some).collect();
        assert_eq!(known, [false, false, true, false, false, false, false, false], "nobody knows them a second time");
        assert_eq!(ids(&world), before);
        seen.push((drawn, before));
    }
    assert!(seen[0].0.iter().zip(&seen[1].0).filter(|(one, other)| one == other).count() == 1);
    assert_ne!(seen[0].1, seen[1].1);
}

#[tokio::test]
async fn rule_6_3_an_expired_key_stays_expired_in_production() {
    let dev = Manner { anew: true, dev: true, ..Manner::default() };
    for (named_by, manner, lives) in
        [(testing::drawn as NamedBy, Manner::default(), false), (testing::derived, dev, true)]
    {
        let world = World::new(named_by).await;
        world.apply(FILE, manner).await.unwrap();
        world.clock.set_offset(2 * 3_600);
        world.apply(FILE, manner).await.unwrap();
        // Another change of the key does not make it younger.
        let changed = FILE.replace(
            r#"value = "sk_test_declared", expires_in = "1h""#,
            r#"value = "sk_test_declared", expires_in = "90m""#,
        );
        world.apply(&changed, manner).await.unwrap();
        let key = CredentialKey::of(&world.foundation.instance.credential_hash(b"sk_test_declared"));
        let is_live = world.keeper.read().credential(&key).unwrap().is_live(world.clock.now());
        assert_eq!(is_live, lives);
    }
}

#[tokio::test]
async fn rule_5_5_and_15_6_what_a_file_declares_is_as_short_lived_outside_dev_mode() {
    let (production, dev) = (Manner::default(), Manner { anew: true, dev: true, ..Manner::default() });
    let hour = Some(3_600);
    // What the file says, and how long sessions and tokens live then.
    for (manner, says, expected) in [
        (production, "", [Some(900), hour]),
        (production, r#", expires_in = "10m""#, [Some(600); 2]),
        (production, r#", expires_in = "1h""#, [hour; 2]),
        (production, r#", expires_in = "30d""#, [hour; 2]),
        (dev, "", [None; 2]),
        (dev, r#", expires_in = "30d""#, [Some(30 * 86_400); 2]),
    ] {
        let world = World::new(testing::drawn).await;
        let text = FILE
            .replace(r#"user = "usr_1" }"#, &format!(r#"user = "usr_1"{says} }}"#))
            .replace(r#"kind = "oauth""#, &format!(r#"kind = "oauth"{says}"#));
        world.apply(&text, manner).await.unwrap();
        let directory = world.keeper.read();
        let mut lives: Vec<_> = directory
            .credentials()
            .filter(|found| matches!(found.kind, CredentialKind::Embedded { .. } | CredentialKind::OAuth { .. }))
            .map(|found| (found.kind.as_str(), found.expires_at.map(|at| at.as_unix() - found.created_at.as_unix())))
            .collect();
        lives.sort_unstable();
        assert_eq!(lives, [("embedded", expected[0]), ("oauth", expected[1])], "{manner:?} {says}");
    }
}

#[tokio::test]
async fn rule_14_4_keys_of_an_app_belong_to_its_install() {
    let world = World::new(testing::drawn).await;
    let early = FILE.replace(r#"{ app = "b", account = "acct_m" },"#, "");
    world.apply(&early, Manner::default()).await.unwrap();
    let installs = |world: &World| {
        let directory = world.keeper.read();
        let mut bound: Vec<_> = directory
            .credentials()
            .filter_map(|found| {
                let app = found.kind.app()?;
                let own = directory.install_of(app, &found.account, Livemode::Test).map(|install| install.id);
                Some((found.kind.as_str(), found.install.is_some(), found.install == own))
            })
            .collect();
        bound.sort_unstable();
        bound
    };
    assert_eq!(installs(&world), [("embedded", true, true), ("oauth", false, true), ("restricted", true, true)]);
    world.check(FILE, Manner::default(), &["Create install b on acct_m (test)"]).await;
    assert_eq!(installs(&world), [("embedded", true, true), ("oauth", true, true), ("restricted", true, true)]);
}
