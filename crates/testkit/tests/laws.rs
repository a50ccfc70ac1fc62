//! The ten laws of `cholla-domain`'s crate documentation, each held by a test of its name, and the tidiness of the sources.
//!
//! Where a law has exceptions they stand here as a list with a reason on each line. A list only shrinks: an entry that is not needed
//! fails as well.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};
use cholla_domain::directory::access::Refused;
use cholla_domain::directory::credential::{Credential, CredentialKind};
use cholla_domain::id::{AccountId, AppId, UserId};
use cholla_domain::livemode::Livemode;
use cholla_testkit::directory_world::DirectoryWorld;
use cholla_testkit::vector::{What, read_directory};

/// Crates that ship. What only measures or tests is free of most laws.
const SHIPPED: [&str; 6] = ["domain", "wire", "seal", "store", "server", "cli"];
/// Lines of a source file, its tests apart.
const FILE_LINES_MAX: usize = 600;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every file under `directory` that keeps `wanted`, by its path from the root; build output and version control apart.
fn files(directory: &str, wanted: fn(&Path) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![root().join(directory)];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                let is_output =
                    matches!(name.as_str(), "target" | ".git" | ".clients" | "node_modules" | "cholla-data");
                if !is_output {
                    waiting.push(path);
                }
            } else if wanted(&path) {
                found.push(path.strip_prefix(root()).unwrap().display().to_string());
            }
        }
    }
    found.sort_unstable();
    found
}

fn is_rust(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

/// A source without its tests and comments.
fn code(text: &str) -> String {
    let production = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    production
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |all, line| all + line + "\n")
}

/// The production sources of the crates that ship: path and code.
fn shipped() -> Vec<(String, String)> {
    let sources = SHIPPED.iter().flat_map(|name| files(&format!("crates/{name}/src"), is_rust));
    let production = sources.filter(|path| !path.ends_with("/tests.rs") && !path.contains("/tests/"));
    production.map(|path| (path.clone(), code(&read(&path)))).collect()
}

/// Fails unless exactly the files of `allowed` hold one of `words`.
fn only_in(words: &[&str], allowed: &[(&str, &str)]) {
    let mut using = BTreeSet::new();
    for (path, code) in shipped() {
        if words.iter().any(|word| code.contains(word)) {
            using.insert(path);
        }
    }
    let listed: BTreeSet<_> = allowed.iter().map(|(path, _)| (*path).to_owned()).collect();
    let unlisted: Vec<_> = using.difference(&listed).collect();
    let idle: Vec<_> = listed.difference(&using).collect();
    assert!(unlisted.is_empty(), "{words:?} in files that may not: {unlisted:?}");
    assert!(idle.is_empty(), "listed for {words:?} without need: {idle:?}");
}

fn metadata() -> Metadata {
    let mut command = MetadataCommand::new();
    command.manifest_path(root().join("Cargo.toml")).no_deps().other_options(["--offline".to_owned()]).exec().unwrap()
}

/// Names of a package's dependencies of one kind.
fn dependencies(metadata: &Metadata, package: &str, kind: DependencyKind) -> BTreeSet<String> {
    let package = metadata.packages.iter().find(|own| own.name.as_str() == package);
    let package = package.unwrap_or_else(|| panic!("no such package"));
    package.dependencies.iter().filter(|own| own.kind == kind).map(|own| own.name.clone()).collect()
}

#[test]
fn arrows_point_down() {
    let metadata = metadata();
    let arrows: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("cholla-domain", [].as_slice()),
        ("cholla-wire", &["cholla-domain"]),
        ("cholla-seal", &["cholla-domain"]),
        ("cholla-store", &["cholla-domain"]),
        ("cholla-server", &["cholla-domain", "cholla-seal", "cholla-store", "cholla-wire"]),
        ("cholla", &["cholla-domain", "cholla-server", "cholla-wire"]),
        ("cholla-testkit", &["cholla-domain"]),
        ("cholla-bench", &[]),
        ("xtask", &[]),
    ]);
    let members: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    assert_eq!(
        members,
        arrows.keys().map(|name| (*name).to_owned()).collect(),
        "a package without a place in the plan"
    );
    for package in &metadata.packages {
        for dependency in package.dependencies.iter().filter(|dependency| dependency.path.is_some()) {
            let (from, to) = (package.name.as_str(), dependency.name.as_str());
            let tests_only = dependency.kind == DependencyKind::Development && to == "cholla-testkit";
            assert!(tests_only || arrows[from].contains(&to), "{from} → {to}");
        }
    }
}

#[test]
fn law_1_domain_touches_nothing() {
    let metadata = metadata();
    let expected = ["async-trait", "thiserror", "zeroize"].map(str::to_owned).into();
    assert_eq!(dependencies(&metadata, "cholla-domain", DependencyKind::Normal), expected);
    assert!(dependencies(&metadata, "cholla-domain", DependencyKind::Build).is_empty());
    let allowed =
        ["array", "collections", "error", "fmt", "hash", "marker", "mem", "str", "sync", "iter", "ops", "cmp"];
    for (path, code) in shipped().iter().filter(|(path, _)| path.starts_with("crates/domain/")) {
        for root in ["std::", "core::", "alloc::"] {
            for (at, _) in code.match_indices(root) {
                let module: String = code[at + root.len()..]
                    .chars()
                    .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
                    .collect();
                assert!(allowed.contains(&module.as_str()), "{path} uses {root}{module}");
            }
        }
        for word in ["SystemTime", "Instant", "println!", "rand::", "serde", "http::", "rusqlite", "tokio", "include_"]
        {
            assert!(!code.contains(word), "{path} names {word}");
        }
    }
}

#[test]
fn law_2_only_wire_knows_the_wire() {
    let metadata = metadata();
    for package in ["cholla-domain", "cholla-seal", "cholla-store"] {
        for dependency in dependencies(&metadata, package, DependencyKind::Normal) {
            let knows = ["serde", "form_urlencoded", "http", "hyper"].iter().any(|word| dependency.starts_with(word));
            assert!(!knows, "{package} depends on {dependency}");
        }
    }
    for package in ["cholla-server", "cholla"] {
        let direct = dependencies(&metadata, package, DependencyKind::Normal);
        assert!(!direct.contains("form_urlencoded"), "{package} decodes forms by itself");
    }
    for (path, code) in shipped().iter().filter(|(path, _)| path.starts_with("crates/domain/")) {
        assert!(!code.contains("Serialize"), "{path} serializes");
    }
    let names =
        ["expires_at", "starting_after", "ending_before", "has_more", "scope[type]", "scope[user]", "apps.secret"];
    let names = names.map(|name| format!("\"{name}\""));
    let mut using = BTreeSet::new();
    // The operator's API is ours, and words its members alike where they mean the same.
    let is_ours = |path: &str| path.starts_with("crates/wire/") || path.starts_with("crates/server/src/admin/");
    for (path, code) in shipped().iter().filter(|(path, _)| !is_ours(path)) {
        if names.iter().any(|name| code.contains(name.as_str())) {
            using.insert(path.clone());
        }
    }
    let allowed = BTreeSet::from([
        // The command line is a client: it writes forms, as any SDK does, and explains answers by their `param`.
        "crates/cli/src/secrets/answer.rs".to_owned(),
        "crates/cli/src/secrets/create.rs".to_owned(),
        "crates/cli/src/secrets/form.rs".to_owned(),
        "crates/cli/src/secrets/list.rs".to_owned(),
        "crates/cli/src/words.rs".to_owned(),
    ]);
    assert_eq!(using, allowed, "field names of the contract outside `wire`");
}

#[test]
fn law_3_only_seal_names_an_aead() {
    let metadata = metadata();
    for package in ["cholla-domain", "cholla-wire", "cholla-store", "cholla-server", "cholla"] {
        for dependency in dependencies(&metadata, package, DependencyKind::Normal) {
            let is_crypto =
                ["aws-lc-rs", "ring", "aes-", "chacha20", "openssl"].iter().any(|word| dependency.starts_with(word));
            assert!(!is_crypto, "{package} depends on {dependency}");
        }
    }
    for kind in [DependencyKind::Normal, DependencyKind::Development, DependencyKind::Build] {
        assert!(
            !dependencies(&metadata, "cholla-store", kind).contains("cholla-seal"),
            "the storage layer can decrypt"
        );
    }
    only_in(
        &["aws_lc_rs::aead", "AES_256", "AES_128", "CHACHA20"],
        &[("crates/seal/src/aead.rs", "the one file that names the cipher")],
    );
}

/// The text between the braces behind `opening`.
fn block<'a>(text: &'a str, opening: &str) -> &'a str {
    let (_, behind) = text.split_once(opening).unwrap_or_else(|| panic!("no `{opening}`"));
    let mut depth = 1_usize;
    for (at, letter) in behind.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return &behind[..at];
        }
    }
    panic!("`{opening}` does not end")
}

#[test]
fn law_4_a_store_call_needs_an_authorization() {
    let ports = code(&read("crates/domain/src/ports.rs"));
    let port = block(&ports, "pub trait SecretStore: Send + Sync {");
    let methods: Vec<_> = port.split("fn ").skip(1).collect();
    assert!(methods.len() >= 6, "{} methods", methods.len());
    for method in methods {
        let signature = method.split(';').next().unwrap_or_default();
        assert!(signature.contains("at: &SealedPlace<"), "a method of the store without a place: {signature}");
    }
    let place = code(&read("crates/domain/src/place.rs"));
    assert!(!block(&place, "pub struct SealedPlace<A> {").contains("pub"), "a place has public fields");
    let made = block(&place, "impl<A> SealedPlace<A> {");
    let makers: Vec<_> = made.split("fn ").skip(1).filter(|method| method.contains("-> Self")).collect();
    assert_eq!(makers.len(), 1, "one way to make a place");
    assert!(makers[0].starts_with("new(authorized: &Authorized<'_, A>,"), "{}", makers[0]);
    let policy = code(&read("crates/domain/src/policy.rs"));
    assert!(!block(&policy, "pub struct Authorized<'p, A> {").contains("pub"), "an authorization has public fields");
    assert_eq!(policy.matches("Ok(Authorized {").count(), 1, "authorizations are made in one place");
    only_in(&["Ok(Authorized {"], &[("crates/domain/src/policy.rs", "authorize, after its checks")]);
    for case in [
        "authorized_is_made_by_authorize_only",
        "sealed_place_needs_an_authorization",
        "reading_does_not_allow_writing",
    ] {
        assert!(!read(&format!("crates/domain/tests/forbidden/{case}.stderr")).is_empty());
    }
}

#[test]
fn law_5_a_place_comes_from_the_principal() {
    only_in(
        &["Namespace {\n", "Namespace { "],
        &[
            (
                "crates/domain/src/directory/access.rs",
                "the credential's principal, and the one maker for records and operators",
            ),
            ("crates/domain/src/directory/erasure.rs", "its layout in a record, made by the one maker"),
            ("crates/domain/src/place.rs", "the type itself"),
            ("crates/domain/src/policy.rs", "the type of an accessor"),
            ("crates/server/src/dev.rs", "the demo secrets, before any request"),
        ],
    );
    let (app, own) = (AppId::new("com.example.app"), AccountId::new("acct_own"));
    let mut world = DirectoryWorld::new(1);
    for account in ["acct_own", "acct_dev", "acct_elsewhere"] {
        world.account(account);
    }
    world.app("com.example.app", "acct_dev", &["secret_write"]);
    world.install("com.example.app", "acct_own", Livemode::Test);
    let kinds = [
        CredentialKind::Restricted { app: app.clone() },
        CredentialKind::OAuth { app: app.clone() },
        CredentialKind::Embedded { app, user: UserId::new("usr_1") },
        CredentialKind::Secret,
    ];
    for kind in kinds {
        let credential: Credential = world.credential(kind.as_str(), kind, "acct_own", Livemode::Test);
        for named in [None, Some("acct_own"), Some("acct_dev"), Some("acct_elsewhere")] {
            let named = named.map(AccountId::new);
            match world.directory.principal(&credential, named.as_ref(), world.now) {
                Ok(principal) => {
                    assert_eq!(principal.namespace.account, own, "{:?} naming {named:?}", credential.kind);
                    assert_eq!(principal.namespace.livemode, Livemode::Test);
                }
                Err(refused) => {
                    assert_eq!(refused, Refused::AccountNotReachable);
                    let is_other = named.is_some_and(|named| named != own);
                    assert!(is_other, "{:?} cannot reach its own account", credential.kind);
                }
            }
        }
    }
}

#[test]
fn law_6_plaintext_is_exposed_at_three_places() {
    only_in(
        &["expose_secret"],
        &[
            ("crates/domain/src/payload.rs", "the accessor itself"),
            (
                "crates/domain/src/set.rs",
                "the keyed hash that compares a retried set; the hash is made by the cipher that seals",
            ),
            ("crates/seal/src/cipher.rs", "sealing"),
            ("crates/wire/src/object.rs", "rendering a response"),
            ("crates/cli/src/sensitive.rs", "the command line's own type: a client, on the user's side of the wire"),
            ("crates/cli/src/http.rs", "the same: the key in a request's header"),
            ("crates/cli/src/secrets/create.rs", "the same: the payload in a request's body"),
            ("crates/cli/src/secrets/form.rs", "the same: names and users in a request"),
            ("crates/cli/src/secrets/mod.rs", "the same: where the key comes from"),
            ("crates/cli/src/shown.rs", "printing in the CLI: keys that were just made"),
            ("crates/cli/src/secrets/rows.rs", "printing in the CLI"),
        ],
    );
}

#[test]
fn law_7_limits_are_named_in_one_place() {
    let limits = read("crates/domain/src/limits.rs");
    let names = limits.lines().filter_map(|line| line.strip_prefix("pub const ")?.split(':').next());
    let elsewhere: String =
        shipped().into_iter().filter(|(path, _)| !path.ends_with("/limits.rs")).map(|(_, code)| code).collect();
    let idle: Vec<_> = names.filter(|name| !elsewhere.contains(name)).collect();
    assert!(idle.is_empty(), "limits that limit nothing: {idle:?}");
    // What limits one file's own affairs and no client's may stand in that file.
    let local = BTreeSet::from([
        ("crates/cli/src/admin.rs", "PAGES_MAX"),
        ("crates/cli/src/admin.rs", "TOKEN_BYTES_MAX"),
        ("crates/cli/src/apply.rs", "FILE_BYTES_MAX"),
        ("crates/cli/src/http.rs", "ANSWER_BYTES_MAX"),
        ("crates/cli/src/http.rs", "CONNECT_SECONDS_MAX"),
        ("crates/cli/src/http.rs", "REQUEST_SECONDS_MAX"),
        ("crates/cli/src/input.rs", "ANSWER_BYTES_MAX"),
        ("crates/cli/src/input.rs", "INPUT_BYTES_MAX"),
        ("crates/cli/src/receipts.rs", "RECEIPT_BYTES_MAX"),
        ("crates/cli/src/secrets/list.rs", "PAGES_MAX"),
        ("crates/seal/src/instance.rs", "TEXT_CHARS_MAX"),
        ("crates/seal/src/root.rs", "FILE_BYTES_MAX"),
        ("crates/server/src/admin.rs", "ADMIN_BODY_BYTES_MAX"),
        ("crates/server/src/config.rs", "CACHE_BYTES_MAX"),
        ("crates/server/src/config.rs", "CONNECTIONS_CONFIGURED_MAX"),
        ("crates/server/src/config.rs", "DRAIN_SECONDS_MAX"),
        ("crates/server/src/config.rs", "SWEEP_SECONDS_MAX"),
        ("crates/server/src/manifest.rs", "MANIFEST_BYTES_MAX"),
        ("crates/server/src/manifest/fields.rs", "ENTRIES_MAX"),
        ("crates/server/src/manifest/fields.rs", "REPORTED_MAX"),
        ("crates/server/src/manifest/tree.rs", "NESTING_MAX"),
        ("crates/server/src/platform/fault.rs", "SHOWN_CHARS_MAX"),
        ("crates/store/src/sqlite/checkpoint.rs", "WAL_PAGES_MAX"),
        ("crates/store/src/sqlite/idempotency.rs", "RECORD_BYTES_MAX"),
        ("crates/wire/src/object.rs", "LIST_BYTES_MAX"),
        ("crates/wire/src/object.rs", "SECRET_BYTES_MAX"),
        ("crates/wire/src/params.rs", "JSON_BYTES_MAX"),
    ]);
    let sources = shipped();
    let mut found = BTreeSet::new();
    for (path, code) in sources.iter().filter(|(path, _)| !path.ends_with("/limits.rs")) {
        for line in code.lines() {
            let declared = line.split_once("const ").and_then(|(_, rest)| rest.split_once(':')).map(|(name, _)| name);
            if let Some(name) = declared.filter(|name| name.ends_with("_MAX")) {
                found.insert((path.as_str(), name));
            }
        }
    }
    let unlisted: Vec<_> = found.difference(&local).collect();
    let gone: Vec<_> = local.difference(&found).collect();
    assert!(unlisted.is_empty(), "limits outside limits.rs: {unlisted:?}");
    assert!(gone.is_empty(), "listed but not there: {gone:?}");
}

#[test]
fn law_8_concurrent_rules_are_decided_in_the_store() {
    let suite = read("crates/testkit/src/store_suite.rs");
    let stamped = block(&suite, "($factory:path) => {");
    let tests = [
        "rule_4_2_concurrent_sets_leave_exactly_ten",
        "rule_7_4_concurrent_retries_have_one_effect",
        "rule_9_1_preconditions_are_decided_on_what_is_live",
    ];
    for test in tests {
        assert!(stamped.contains(&format!("{test},")), "{test} is not stamped");
        assert!(suite.contains(&format!("pub async fn {test}(")), "{test} is not there");
    }
    for stores in ["crates/store/tests/suite.rs", "crates/testkit/tests/memory.rs"] {
        assert!(read(stores).contains("cholla_testkit::store_suite!("), "{stores} does not run the suite");
    }
    let cases = read_directory(&root().join("crates/testkit/vectors/wire")).unwrap().cases;
    let races = |rule: &str| {
        let named = cases.iter().filter(|case| case.rules.iter().any(|own| own == rule));
        let exchanges = named.flat_map(|case| &case.steps).filter_map(|step| match &step.what {
            What::Exchange(exchange) if exchange.concurrent => Some(exchange.times),
            _ => None,
        });
        exchanges.max().unwrap_or_default()
    };
    assert!(races("4.2") >= 64, "64 concurrent sets over HTTP");
    assert!(races("9.1") >= 16, "16 concurrent preconditions over HTTP");
}

#[test]
fn law_9_neighbour_and_nothing_answer_alike() {
    let cases = read_directory(&root().join("crates/testkit/vectors/wire")).unwrap().cases;
    let compared = |rule: &str| {
        let named = cases.iter().filter(|case| case.rules.iter().any(|own| own == rule));
        named.flat_map(|case| &case.steps).filter(|step| matches!(step.what, What::Same(..))).count()
    };
    // Another developer's secret: find, delete and list. Another user's: the same and the caller's own. An expired one: find.
    for (rule, at_least) in [("5.1", 3), ("5.7", 4), ("4.4", 1)] {
        assert!(compared(rule) >= at_least, "{} answers are compared for {rule}", compared(rule));
    }
    assert!(read("crates/cli/tests/contract.rs").contains("run_all("), "nobody runs the cases");
}

#[test]
fn law_10_time_randomness_and_settings_are_parameters() {
    let bans = read("clippy.toml");
    for path in ["std::time::SystemTime::now", "std::thread::sleep", "std::env::var"] {
        assert!(bans.contains(&format!("path = \"{path}\"")), "clippy does not ban {path}");
    }
    only_in(&["SystemTime"], &[("crates/server/src/clock.rs", "the one clock")]);
    only_in(
        &["rand::rng", "rand::random", "rand::fill", "SystemRandom"],
        &[
            ("crates/server/src/entropy.rs", "ids, versions, tokens and names of files"),
            ("crates/seal/src/kdf.rs", "keys stay inside the crypto provider"),
        ],
    );
    only_in(
        &["Instant::now"],
        &[("crates/server/src/service.rs", "how long an answer took, for the metrics; no rule sees it")],
    );
}

#[test]
fn every_file_is_short() {
    let long: Vec<_> = files("crates", is_rust)
        .into_iter()
        .chain(files("xtask", is_rust))
        .filter(|path| !path.contains("/tests/") && !path.ends_with("/tests.rs"))
        .filter_map(|path| {
            let text = read(&path);
            let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
            (lines > FILE_LINES_MAX).then_some((path, lines))
        })
        .collect();
    assert!(long.is_empty(), "longer than {FILE_LINES_MAX} lines: {long:?}");
}

#[test]
fn every_case_file_is_read() {
    let directory = root().join("crates/testkit/vectors/wire");
    let listed =
        files("crates/testkit/vectors/wire", |path| path.extension().is_some_and(|extension| extension == "txt"));
    let cases = read_directory(&directory).unwrap().cases;
    let used: BTreeSet<_> = cases.iter().map(|case| case.file.as_str()).collect();
    for path in listed {
        let name = path.rsplit('/').next().unwrap_or_default();
        assert!(used.contains(name) || name.starts_with("00-"), "{path} holds no case");
    }
    let titles: BTreeSet<_> = cases.iter().map(|case| case.title.as_str()).collect();
    assert_eq!(titles.len(), cases.len(), "two cases have one title");
}

#[test]
fn nothing_names_this_machine() {
    // In two halves, or this file would name them.
    let words =
        [("/ro", "ot/"), ("/ho", "me/"), ("/wo", "rk/"), ("../sha", "red"), ("hou", "se.md"), ("/tmp/br", "ief")];
    let words = words.map(|(one, other)| format!("{one}{other}"));
    let is_text = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        !name.ends_with(".pem") && !name.ends_with(".bin") && !name.ends_with(".png")
    };
    for path in files(".", is_text) {
        let Ok(text) = fs::read_to_string(root().join(&path)) else { continue };
        for word in &words {
            let place = text.lines().position(|line| line.contains(word.as_str()));
            assert!(place.is_none(), "{path}, line {}: {word}", place.unwrap_or_default() + 1);
        }
    }
    for line in read("Cargo.lock").lines().filter(|line| line.starts_with("source = ")) {
        assert_eq!(line, "source = \"registry+https://github.com/rust-lang/crates.io-index\"");
    }
}

#[test]
fn rule_9_2_every_extension_is_on_one_page() {
    let page = read("docs/extensions.md");
    let rows: Vec<_> = page.lines().filter(|line| line.starts_with("| ")).skip(2).collect();
    assert!(rows.len() >= 12, "{} extensions", rows.len());
    for row in &rows {
        let stripe = row.trim_end_matches([' ', '|']).rsplit('|').next().unwrap_or_default();
        assert!(stripe.contains("Stripe"), "a row does not say what Stripe has: {row}");
    }
    let extensions = [
        "`ETag`",
        "`If-Match`",
        "`If-None-Match: *`",
        "412",
        "`secret_read`",
        "Private-Network",
        "Made-up",
        "/dev/clock",
        "/dev/reset",
        "/dev/faults",
        "`payload_guard`",
        "admin listener",
    ];
    for extension in extensions {
        assert!(rows.iter().any(|row| row.contains(extension)), "{extension} is not on the page");
    }
}

#[test]
fn rule_8_3_developers_are_told_about_the_port() {
    let page = read("docs/ui-extensions.md");
    for words in ["`fetchStripeSignature()`", "port 443", "stripe.rawRequest(", "(8.3)"] {
        assert!(page.contains(words), "the page does not say {words}");
    }
}

#[test]
fn checks_see_what_they_look_for() {
    let text = "use std::fs;\n// rand::rng in a comment\nfn a() {}\n#[cfg(test)]\nmod tests {\n    use rand::rng;\n}\n";
    assert_eq!(code(text), "use std::fs;\nfn a() {}\n");
    assert_eq!(block("trait A { fn a() { x } } trait B {}", "trait A {"), " fn a() { x } ");
    assert!(shipped().len() > 40, "{} sources", shipped().len());
}
