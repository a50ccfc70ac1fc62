//! Random histories: what always holds, whatever happens, and that a directory is what its records say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use cholla_domain::directory::access::InstallCaller;
use cholla_domain::directory::change::RecordChange;
use cholla_domain::directory::erasure::{Erasure, ErasureTarget};
use cholla_domain::directory::install::{Channel, Install};
use cholla_domain::directory::record::{Record, SharedIds};
use cholla_domain::directory::state::{Credentials, Directory, KeptTotal, Loaded};
use cholla_domain::id::{AccountId, AppId, InstallId, UserId};
use cholla_domain::installs::{self, InstallRequest, ListRequest, Memory, carry, list, tidy};
use cholla_domain::limits::ENDED_PER_PLACE_MAX;
use cholla_domain::list::PageLimit;
use cholla_domain::livemode::Livemode;
use cholla_domain::operator::{due_endings, finish_erasure, offboard_user};
use cholla_domain::time::Timestamp;
use cholla_testkit::directory_world::DirectoryWorld;
use cholla_testkit::entropy::SeededEntropy;
use proptest::prelude::*;

use super::{create, done, key, on, own, reauthorize, uninstall, world};

const ACCOUNTS: [&str; 4] = ["dev", "rival", "shop", "stranger"];
const APPS: [&str; 6] = ["app", "oauth.app", "rak.app", "draft", "foreign", "foreign.draft"];
const PERMISSIONS: [&str; 4] = ["secret_read", "secret_write", "event_read", "app_install_write"];

fn pick<'a>(random: &SeededEntropy, of: &[&'a str]) -> &'a str {
    of[usize::try_from(random.below(of.len() as u64)).expect("a small number")]
}

/// One step of a history: any operation by anybody, right or wrong.
fn step(world: &mut DirectoryWorld, random: &SeededEntropy) {
    let livemode = Livemode::ALL[usize::from(random.one_in(2))];
    let (app, account, developer) = (pick(random, &APPS), pick(random, &ACCOUNTS), pick(random, &ACCOUNTS[..2]));
    let caller = if random.one_in(2) || developer == account {
        own(account, livemode)
    } else {
        on(account, developer, livemode)
    };
    let installs: Vec<_> = world.directory.installs().map(|install| install.id.to_string()).collect();
    let installs: BTreeSet<_> = installs.iter().map(String::as_str).collect();
    let install = pick(random, &installs.into_iter().chain(["appinst_test_x"]).collect::<Vec<_>>()).to_owned();
    match random.below(15) {
        0 | 1 => drop(create(world, &on("shop", "dev", livemode), app, None)),
        2 => drop(create(world, &caller, app, Some(Channel::private(livemode)))),
        3 if world.installed(app, account, livemode).is_none() => drop(world.install(app, account, livemode)),
        4 => drop(reauthorize(world, &caller, &install)),
        11 => {
            let key = key(pick(random, &["a", "b", "c"]));
            let request = InstallRequest { id: &install, parameters: &[] };
            let decided = if random.one_in(2) {
                installs::uninstall(&world.context_with(Some(&key)), &caller, &request)
            } else {
                installs::reauthorize(&world.context_with(Some(&key)), &caller, &request)
            };
            drop(done(world, decided));
        }
        12 => {
            let user = UserId::new(pick(random, &["usr_1", "usr_2"]));
            let decided = offboard_user(&world.context(), "test", &AccountId::new(account), &user);
            world.take(decided.expect("the account is there"));
        }
        13 => {
            let due = due_endings(&world.context(), 1);
            world.take(due);
            let unfinished = world.directory.unfinished_erasures().next().map(|erasure| erasure.id);
            if let Some(id) = unfinished {
                let finished = finish_erasure(&world.context(), &id, "receipt");
                world.take(finished.expect("it is there"));
            }
        }
        5 | 6 => drop(uninstall(world, &caller, &install)),
        7 => {
            let asks: Vec<_> = PERMISSIONS.into_iter().filter(|_| random.one_in(2)).collect();
            world.upload(app, &asks);
        }
        8 => world.release(app),
        9 => {
            let decision = carry(&world.context(), &AppId::new(app), 2);
            world.take(decision);
        }
        10 => {
            world.pass(i64::try_from(random.below(20 * 24 * 60 * 60)).expect("a small number"));
            let memory = Memory { grace_seconds: world.grace_seconds, forgets_credentials: random.one_in(2) };
            let change = tidy(&world.directory, world.now, memory, 10);
            world.commit(change);
        }
        _ if account == developer => {}
        _ => world.connect(account, developer),
    }
}

/// Everything that can be asked of a directory, as a text.
fn told_by(directory: &Directory) -> String {
    let mut text = String::new();
    let accounts: Vec<_> = ACCOUNTS.map(AccountId::new).into();
    for developer in &accounts {
        let apps: Vec<_> = directory.apps_of(developer).map(|app| app.id.clone()).collect();
        let endpoints: Vec<_> = directory.endpoints_of(developer).map(|own| own.id).collect();
        let users: Vec<_> = directory.users(developer).cloned().collect();
        let endings: BTreeSet<_> = directory.endings_on(developer).map(|own| format!("{own:?}")).collect();
        let credentials: Vec<_> = directory.credentials_of(developer).map(|own| own.key.to_string()).collect();
        let _ = writeln!(text, "{endings:?} {credentials:?}");
        let _ = writeln!(text, "{:?} {apps:?} {endpoints:?} {users:?}", directory.account(developer));
        let _ = writeln!(text, "{:?}", directory.installs_on(developer).collect::<Vec<_>>());
        let (kept, erased) = (directory.kept_total(developer), directory.being_erased(developer));
        let _ = writeln!(
            text,
            "{kept:?} {:?}",
            erased.map(|users| users.iter().map(|own| own.as_str().to_owned()).collect::<Vec<_>>())
        );
        for (account, livemode) in accounts.iter().flat_map(|own| Livemode::ALL.map(|mode| (own, mode))) {
            let between: Vec<_> = directory.installs_between(developer, account, livemode).collect();
            let reach = directory.reach(developer, account, livemode);
            let publishable = directory.publishable(account, livemode).map(|own| own.key.to_string());
            let _ = writeln!(text, "{between:?} {reach:?} {publishable:?}");
        }
    }
    for app in APPS.map(AppId::new) {
        let found = directory.app(&app);
        let by_ids = found.map(|app| {
            let by_client = directory.app_of_client(&app.client_id).map(|app| app.id.clone());
            (directory.app_named(&app.public_id.to_string()).map(|app| app.id.clone()), by_client)
        });
        let behind: Vec<_> = directory.installs_behind(&app).map(|install| install.id).collect();
        let listed: Vec<_> = directory.installs_of_app(&app).collect();
        let _ = writeln!(text, "{found:?} {by_ids:?} {behind:?} {listed:?}");
        for (account, livemode) in accounts.iter().flat_map(|own| Livemode::ALL.map(|mode| (own, mode))) {
            let install = directory.install_of(&app, account, livemode);
            let view = install.and_then(|install| directory.view(install));
            let allows = install.and_then(|install| directory.install_permissions(&install.id));
            let grant = install.and_then(|install| directory.grant(&install.id));
            let ended: Vec<_> = directory.ended_at(&app, account, livemode).collect();
            let unbound: Vec<_> = directory.unbound(&app, account, livemode).map(|own| own.key.to_string()).collect();
            let _ = writeln!(text, "{view:?} {allows:?} {grant:?} {ended:?} {unbound:?}");
        }
    }
    let sorted = |mut lines: Vec<String>| {
        lines.sort_unstable();
        lines.join("\n")
    };
    let credential = |own: &cholla_domain::directory::credential::Credential| format!("{} {own:?}", own.key);
    text.push_str(&sorted(directory.credentials().map(credential).collect()));
    let dead: Vec<_> = directory.dead_before(Timestamp::from_unix(i64::MAX)).map(|key| key.to_string()).collect();
    let _ = writeln!(text, "{dead:?} {:?}", directory.operator_endpoints().collect::<Vec<_>>());
    let end = Timestamp::from_unix(i64::MAX);
    let (ended, kept) = (directory.ended_until(end).collect::<Vec<_>>(), directory.kept_until(end).collect::<Vec<_>>());
    let _ = writeln!(text, "{ended:?} {kept:?} {:?}", directory.unfinished_erasures().collect::<Vec<_>>());
    text.push_str(&sorted(directory.endings().map(|own| format!("{own:?}")).collect()));
    text.push_str(&sorted(directory.erasures().map(|own| format!("{own:?}")).collect()));
    text.push_str(&sorted(directory.all_kept().map(|own| format!("{own:?}")).collect()));
    text.push_str(&sorted(directory.all_ended().map(|own| format!("{own:?}")).collect()));
    text
}

/// Two directories that were loaded from records in a random order, each from its bytes: one record after another, and as a whole.
fn loaded(world: &DirectoryWorld, random: &SeededEntropy) -> [Directory; 2] {
    let mut records: Vec<_> = world.records().map(|record| (random.number(), record)).collect();
    records.sort_unstable_by_key(|(number, _)| *number);
    let mut directory = Directory::default();
    let mut parts = [Loaded::default(), Loaded::default()];
    let mut shared = SharedIds::default();
    for (number, record) in records {
        let (kind, bytes) = (record.name().kind(), record.encode());
        let decoded = Record::decode(kind, &bytes).expect("it was written so");
        assert_eq!(&decoded, record);
        let sharing = Record::decode_sharing(kind, &bytes, &mut shared).expect("it was written so");
        assert_eq!(&sharing, record);
        directory.apply(RecordChange::Put(decoded));
        parts[usize::from(number % 2 == 0)].push(sharing);
    }
    let (credentials, others) = parts.into_iter().map(|part| (part.credentials, part.others)).unzip();
    [directory, Directory::of(others, || Credentials::of(credentials))]
}

/// What holds at any time.
fn check(world: &DirectoryWorld) {
    let directory = &world.directory;
    let mut places = BTreeMap::new();
    for install in directory.installs() {
        let place = (install.app.clone(), install.account.clone(), install.livemode());
        assert_eq!(places.insert(place, install.id), None, "10.14: one per app, account and mode");
        let standing = directory.standing(install).expect("it is loaded");
        let (granted, pending) = (&standing.granted, &standing.pending);
        assert!(granted.intersection(pending).is_empty(), "11.4: nothing is both");
        assert_eq!(granted.union(pending), standing.upload.manifest.asks, "11.4: what the version asks for");
        let namespace_ends = directory.endings().any(|ending| {
            let space = &ending.namespace;
            let owner = &directory.app(&install.app).expect("it is loaded").owner;
            space.developer == *owner && space.account == install.account && space.livemode == install.livemode()
        });
        assert!(!namespace_ends, "14.5: a namespace with an install is not ending");
        assert!(directory.ended(&install.id).is_none(), "11.2: an id ends with its install");
    }
    for ending in directory.endings() {
        assert_ne!(ending.namespace.developer, ending.namespace.account, "14.7");
    }
    check_indexes(directory);
    check_lists(world);
    for developer in ["dev", "rival"] {
        for app in APPS {
            let mut paged = Vec::new();
            let mut request = ListRequest { app: Some(app.to_owned()), ..ListRequest::default() };
            request.limit = PageLimit::clamp(2);
            loop {
                let page = list(directory, &own(developer, Livemode::Test), &request, world.now);
                let page = page.expect("the cursor is on the list");
                paged.extend(page.installs.iter().map(|view| view.id));
                if !page.has_more {
                    break;
                }
                request.starting_after = paged.last().map(ToString::to_string);
            }
            request = ListRequest { limit: PageLimit::clamp(100), app: Some(app.to_owned()), ..ListRequest::default() };
            let whole = list(directory, &own(developer, Livemode::Test), &request, world.now).expect("a page");
            assert_eq!(paged, whole.installs.iter().map(|view| view.id).collect::<Vec<_>>(), "10.11: pages join");
        }
    }
}

/// What is found by an index is what looking at everything would find.
fn check_indexes(directory: &Directory) {
    let unfinished: BTreeSet<_> = directory.unfinished_erasures().map(|own| own.id).collect();
    for erasure in directory.erasures() {
        assert_eq!(unfinished.contains(&erasure.id), erasure.receipt.is_none());
        let place = |own: &Erasure| (own.started_at, own.id);
        let last = directory.erasures().filter(|own| own.target == erasure.target).map(place).max();
        assert_eq!(directory.last_erasure(&erasure.target).map(place), last);
        if let ErasureTarget::User { account, user } = &erasure.target {
            let mut same = directory.erasures().filter(|own| own.target == erasure.target);
            let going_on = same.any(|own| own.receipt.is_none());
            assert_eq!(directory.being_erased(account).is_some_and(|users| users.contains(user)), going_on);
        }
    }
    let mut totals: BTreeMap<_, (usize, usize)> = BTreeMap::new();
    for kept in directory.all_kept() {
        let total = totals.entry(kept.account.clone()).or_default();
        *total = (total.0 + 1, total.1 + kept.bytes());
        let until = |moment| directory.kept_until(moment).any(|key| *key == kept.key);
        assert!(until(kept.kept_at) && !until(kept.kept_at.plus(-1)));
    }
    for account in ACCOUNTS.map(AccountId::new) {
        let KeptTotal { results, bytes } = directory.kept_total(&account);
        assert_eq!((results, bytes), totals.get(&account).copied().unwrap_or_default());
    }
    for ending in directory.endings() {
        let until = |moment| directory.endings_until(moment).any(|own| own == ending);
        assert!(until(ending.erase_at) && !until(ending.erase_at.plus(-1)));
    }
    let due: Vec<_> = directory.endings_until(Timestamp::from_unix(i64::MAX)).map(|own| own.erase_at).collect();
    assert!(due.is_sorted() && due.len() == directory.endings().count());
    for ended in directory.all_ended() {
        let install = &ended.install;
        let until = |moment| directory.ended_until(moment).any(|id| *id == install.id);
        assert!(until(ended.ended_at) && !until(ended.ended_at.plus(-1)));
        let there = || directory.ended_at(&install.app, &install.account, install.livemode());
        assert!(there().count() <= ENDED_PER_PLACE_MAX && there().any(|own| own == ended));
    }
}

/// Every list is what looking at every install would show.
fn check_lists(world: &DirectoryWorld) {
    let directory = &world.directory;
    let callers = ["dev", "shop"].into_iter().flat_map(|account| Livemode::ALL.map(|mode| own(account, mode)));
    for caller in callers.chain(Livemode::ALL.map(|mode| on("shop", "dev", mode))) {
        for app in [None, Some("app"), Some("draft"), Some("foreign")] {
            for (channel, approval_required) in
                [None, Some(Channel::Public), Some(Channel::Testing), Some(Channel::PrivateTest)]
                    .into_iter()
                    .flat_map(|channel| [None, Some(false), Some(true)].map(|wanted| (channel, wanted)))
            {
                let request = ListRequest {
                    app: app.map(str::to_owned),
                    channel,
                    approval_required,
                    limit: PageLimit::clamp(100),
                    ..ListRequest::default()
                };
                let listed = list(directory, &caller, &request, world.now).expect("a page");
                let expected = shown_to(directory, &caller, &request);
                let shown: Vec<_> = listed.installs.iter().map(|view| view.id).collect();
                assert_eq!(shown, expected, "10.12: {caller:?} {request:?}");
            }
        }
    }
}

/// The installs of a list on one page, newest first.
fn shown_to(directory: &Directory, caller: &InstallCaller, request: &ListRequest) -> Vec<InstallId> {
    let owner = |install: &Install| directory.app(&install.app).expect("it is loaded").owner.clone();
    let app = request.app.as_deref().map(AppId::new);
    let of_own = app.as_ref().and_then(|app| directory.app(app)).is_some_and(|app| app.owner == *caller.account());
    let mut shown: Vec<_> = directory
        .installs()
        .filter(|install| match caller {
            InstallCaller::Developer { developer, account, .. } => {
                owner(install) == *developer && install.account == *account
            }
            _ => of_own || install.account == *caller.account(),
        })
        .filter(|install| install.livemode() == caller.livemode())
        .filter(|install| app.as_ref().is_none_or(|app| *app == install.app))
        .filter(|install| request.channel.is_none_or(|channel| channel == install.channel))
        .filter(|install| {
            let view = directory.view(install).expect("it is loaded");
            request.approval_required.is_none_or(|wanted| wanted == view.approval_required())
        })
        .map(|install| (install.created_at, install.sequence, install.id))
        .collect();
    shown.sort_unstable();
    shown.into_iter().rev().map(|(_, _, id)| id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rule_10_14_and_11_4_and_14_5_and_14_7_hold_in_any_history(seed in any::<u64>(), steps in 1_usize..60) {
        let random = SeededEntropy::new(seed);
        let mut world = world();
        for _ in 0..steps {
            step(&mut world, &random);
            check(&world);
        }
        for loaded in [loaded(&world, &random), loaded(&world, &random)].into_iter().flatten() {
            let (told, expected) = (told_by(&loaded), told_by(&world.directory));
            let differing = told.lines().zip(expected.lines()).find(|(told, expected)| told != expected);
            prop_assert_eq!(differing, None);
            prop_assert_eq!(told.lines().count(), expected.lines().count());
            prop_assert!(loaded.installs().all(|install| install.sequence < loaded.next_sequence()));
        }
    }
}
