//! Every rule of the contract has a test that names it, and no test names a rule that does not exist.
//!
//! A rule is a line of `docs/spec/wire.md` or `docs/spec/installs.md` that begins with its number: `- **4.7** …` or `| 6.18 | …`. It is
//! named by the `rules:` line of a case in `vectors/wire`, by the name of a test function (`rule_3_5_…`, `rule_3_5_and_4_6_…`, `rule_6_14_to_6_20_…`), or by a
//! comment `// rules: 3.5 4.6` directly above a test's attribute; what only SDKs show, by a method `test_rule_10_9_…` in `interop`. There is no list of exceptions.

#![expect(clippy::unwrap_used, reason = "a test fails where it breaks")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use cholla_testkit::vector::read_directory;

/// Section and number.
type Rule = (u32, u32);

/// The pages of the contract, and how many rules each has at least.
const PAGES: [(&str, usize); 2] = [("docs/spec/wire.md", 85), ("docs/spec/installs.md", 94)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn rule(text: &str) -> Option<Rule> {
    let (section, number) = text.split_once('.')?;
    Some((section.parse().ok()?, number.parse().ok()?))
}

/// The rules that a page of the contract numbers, each once.
fn numbered(text: &str) -> Vec<Rule> {
    let number = |line: &str| {
        let behind = line.strip_prefix("- **").or_else(|| line.strip_prefix("| "))?;
        rule(behind.split(['*', ' ']).next()?)
    };
    text.lines().filter_map(number).collect()
}

/// The rules in the name of a test function, whose text begins with it: `rule_3_5_and_4_6_to_4_8_some_words(…`.
fn named(function: &str) -> Vec<Rule> {
    let name = function.split('(').next().unwrap_or_default();
    let Some(name) = name.strip_prefix("rule_").or_else(|| name.strip_prefix("rules_")) else { return Vec::new() };
    let mut words = name.split('_').peekable();
    let mut rules = Vec::new();
    let mut range = false;
    while let Some(section) = words.peek().and_then(|word| word.parse::<u32>().ok()) {
        words.next();
        let Some(number) = words.peek().and_then(|word| word.parse::<u32>().ok()) else { break };
        words.next();
        match rules.last() {
            Some(&(first, from)) if range && first == section => {
                rules.extend((from + 1..=number).map(|n| (section, n)));
            }
            _ => rules.push((section, number)),
        }
        range = words.peek() == Some(&"to");
        if !range && words.peek() != Some(&"and") {
            break;
        }
        words.next();
    }
    rules
}

/// The rules that the tests in a Rust source name.
fn in_source(text: &str) -> Vec<Rule> {
    let lines: Vec<_> = text.lines().map(str::trim).collect();
    let mut rules = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let function = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "));
        // A test of a macro such as proptest's stands behind its attribute like any other.
        let is_test = lines[..at].iter().rev().take_while(|before| before.starts_with('#') || before.starts_with("//"));
        if let Some(function) = function
            && is_test.clone().any(|before| before.starts_with("#[test]") || before.starts_with("#[tokio::test"))
        {
            rules.extend(named(function));
        }
        let attribute = lines.get(at + 1).copied().unwrap_or_default();
        if let Some(list) = line.strip_prefix("// rules: ")
            && (attribute.starts_with("#[test]") || attribute.starts_with("#[tokio::test"))
        {
            rules.extend(list.split_whitespace().filter_map(rule));
        }
    }
    rules
}

/// The rules that the methods of an official client's suite in Python name: `def test_rule_10_9_…`. What SDKs do is shown there only.
fn in_suite(text: &str) -> Vec<Rule> {
    let method = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("async ").unwrap_or(line);
        line.strip_prefix("def test_").map(named)
    };
    text.lines().filter_map(method).flatten().collect()
}

/// Every file of this ending under `directory`.
fn sources(directory: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with(".clients") {
                sources(&path, ending, found);
            }
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

/// The rules that are named, and where.
fn tested() -> BTreeMap<Rule, BTreeSet<String>> {
    let mut places: BTreeMap<Rule, BTreeSet<String>> = BTreeMap::new();
    let mut files = Vec::new();
    sources(&root().join("crates"), "rs", &mut files);
    for path in files {
        let place = path.strip_prefix(root()).unwrap().display().to_string();
        for rule in in_source(&fs::read_to_string(&path).unwrap()) {
            places.entry(rule).or_default().insert(place.clone());
        }
    }
    let mut suites = Vec::new();
    sources(&root().join("interop"), "py", &mut suites);
    for path in suites {
        let place = path.strip_prefix(root()).unwrap().display().to_string();
        for rule in in_suite(&fs::read_to_string(&path).unwrap()) {
            places.entry(rule).or_default().insert(place.clone());
        }
    }
    for case in read_directory(&root().join("crates/testkit/vectors/wire")).unwrap().cases {
        for text in &case.rules {
            let rule = rule(text).unwrap_or_else(|| panic!("{}:{}: `{text}` is no rule", case.file, case.line));
            places.entry(rule).or_default().insert(format!("{}:{}", case.file, case.line));
        }
    }
    places
}

#[test]
fn every_rule_has_a_test_and_every_test_names_rules_that_exist() {
    let mut unique = BTreeSet::new();
    for (page, at_least) in PAGES {
        let rules = numbered(&fs::read_to_string(root().join(page)).unwrap());
        assert!(rules.len() >= at_least, "{page} has {} rules only", rules.len());
        for rule in rules {
            assert!(unique.insert(rule), "{page}: rule {}.{} has its number twice", rule.0, rule.1);
        }
    }
    let tested = tested();
    let shown = |(section, number): &Rule| format!("{section}.{number}");
    let untested: Vec<_> = unique.iter().filter(|rule| !tested.contains_key(rule)).map(shown).collect();
    let unknown: Vec<_> = tested
        .iter()
        .filter(|(rule, _)| !unique.contains(rule))
        .map(|(rule, places)| format!("{} in {}", shown(rule), places.iter().cloned().collect::<Vec<_>>().join(", ")))
        .collect();
    assert!(untested.is_empty(), "rules without a test: {}", untested.join(" "));
    assert!(unknown.is_empty(), "tests name rules that do not exist:\n{}", unknown.join("\n"));
}

#[test]
fn rules_are_read_from_the_contract() {
    let text = "# 4.1 no\n- **4.7** Paging\n- 4.8 no\n| 6.18 | not found |\n| Rule | Case |\n| --- |\n  - **4.9** no\n";
    assert_eq!(numbered(text), [(4, 7), (6, 18)]);
    assert_eq!(numbered("- **15.14** rows\n| Row | `error` |\n| a | x |\n- **a** ours\n"), [(15, 14)]);
}

#[test]
fn rules_are_read_from_tests_only() {
    for (source, expected) in [
        ("#[test]\nfn rule_3_5_lengths() {", vec![(3, 5)]),
        ("#[test]\n#[ignore]\nfn rule_3_5_and_4_6_x() {", vec![(3, 5), (4, 6)]),
        ("#[tokio::test]\nasync fn rule_6_14_to_6_16_and_7_4_messages() {", vec![(6, 14), (6, 15), (6, 16), (7, 4)]),
        ("// rules: 3.4 9.1\n#[test]\nfn others() {", vec![(3, 4), (9, 1)]),
        ("// rules: 3.4\nfn others() {", vec![]),
        ("fn rule_3_5_helper() {", vec![]),
        ("#[test]\nfn rule_of_thumb() {", vec![]),
        ("#[test]\nfn rule_4_2_64_sets() {", vec![(4, 2)]),
    ] {
        assert_eq!(in_source(source), expected, "{source}");
    }
    let suite =
        "    async def test_rule_10_1_and_10_9_x(self):\n    def test_rule_15_17_y(self):\n    def rule_3_1_z(self):\n";
    assert_eq!(in_suite(suite), [(10, 1), (10, 9), (15, 17)]);
}
