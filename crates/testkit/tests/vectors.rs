//! Every case names callers, variables and steps that exist, so that a slip in a case is found before a server is asked.

use std::collections::BTreeSet;
use std::path::Path;

use cholla_testkit::vector::{Case, Exchange, ExpectedBody, ExpectedHeader, RequestHeader, What, read_directory};
use cholla_testkit::world::World;

/// The names between `opening` and `closing`.
fn between<'a>(text: &'a str, opening: &str, closing: &str) -> Vec<&'a str> {
    text.split(opening).skip(1).filter_map(|rest| Some(rest.split_once(closing)?.0)).collect()
}

/// Whether `{{name}}` stands for something where `caught` is known.
fn stands_for_something(world: World, caught: &BTreeSet<String>, name: &str) -> bool {
    let inner = ["encode:", "basic:", "mask:"].iter().find_map(|prefix| name.strip_prefix(prefix));
    if let Some(inner) = inner {
        return stands_for_something(world, caught, inner);
    }
    let base = name.split(['+', '-']).next().unwrap_or_default();
    name == "i"
        || base == "now"
        || name.starts_with("repeat:")
        || name.starts_with("byte:")
        || caught.contains(name)
        || caught.contains(base)
        || world.variable(name).is_some()
}

/// What an exchange sends, and what it expects.
fn texts(exchange: &Exchange) -> (Vec<&str>, Vec<&str>) {
    let mut sent = vec![exchange.target.as_str(), exchange.body.as_str()];
    sent.extend(exchange.headers.iter().filter_map(|header| match header {
        RequestHeader::Send(_, value) => Some(value.as_str()),
        RequestHeader::Omit(_) => None,
    }));
    let expected = &exchange.expected;
    let mut texts: Vec<&str> = expected.headers.iter().filter_map(value).collect();
    texts.extend(expected.members.iter().chain(&expected.with).chain(&expected.without).map(String::as_str));
    match &expected.body {
        ExpectedBody::Unchecked => {}
        ExpectedBody::Exact(text) | ExpectedBody::Json(text) | ExpectedBody::Signature(text) => texts.push(text),
        ExpectedBody::Error(error) => {
            texts.push(&error.message);
            texts.extend(error.param.as_deref());
        }
    }
    (sent, texts)
}

fn value(header: &ExpectedHeader) -> Option<&str> {
    match header {
        ExpectedHeader::Value(_, value) => Some(value),
        ExpectedHeader::Present(_) | ExpectedHeader::Absent(_) => None,
    }
}

/// What is wrong with the names in a case.
fn slips(case: &Case) -> Vec<String> {
    let world = World::of(case.cast, 7);
    let (mut caught, mut steps, mut slips) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for step in &case.steps {
        let mut slip = |what: String| slips.push(format!("{}:{}: {what}", case.file, step.line));
        let (used, holes) = match &step.what {
            What::Exchange(exchange) => {
                if !exchange.admin && world.caller(&exchange.caller).is_none() {
                    slip(format!("no caller `{}`", exchange.caller));
                }
                steps.extend(exchange.name.clone());
                let (sent, expected) = texts(exchange);
                ([sent, expected.clone()].concat(), expected)
            }
            What::Let(name, text) => {
                caught.insert(name.clone());
                (vec![text.as_str()], vec![])
            }
            What::Same(left, right) => {
                for name in [left, right].into_iter().filter(|name| !steps.contains(*name)) {
                    slip(format!("no step `{name}`"));
                }
                (vec![], vec![])
            }
            What::Different(left, right) => {
                for name in [left, right].into_iter().filter(|name| !caught.contains(*name)) {
                    slip(format!("nothing caught as `{name}`"));
                }
                (vec![], vec![])
            }
            What::Signed(signed) => {
                for name in [&signed.secret, &signed.time, &signed.signature] {
                    if !stands_for_something(world, &caught, name) {
                        slip(format!("nothing called `{name}`"));
                    }
                }
                (vec![signed.text.as_str()], vec![])
            }
            What::Clock(text) => (vec![text.as_str()], vec![]),
            What::Reset => (vec![], vec![]),
        };
        // A hole may be caught and used within one answer.
        for inner in holes.iter().flat_map(|text| between(text, "[", "]")) {
            caught.extend(inner.split_once(':').map(|(_, name)| name.to_owned()));
        }
        for name in used.iter().flat_map(|text| between(text, "{{", "}}")) {
            if !stands_for_something(world, &caught, name) {
                slip(format!("nothing called `{name}`"));
            }
        }
    }
    slips
}

#[test]
fn every_name_in_a_case_stands_for_something() {
    let cases = read_directory(&Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/wire")).unwrap().cases;
    let slips: Vec<_> = cases.iter().flat_map(slips).collect();
    assert!(slips.is_empty(), "{}", slips.join("\n"));
    assert!(cases.len() >= 370, "{} cases", cases.len());
}

#[test]
fn slips_are_seen() {
    for (lines, expected) in [
        ("> GET /x?a={{nothing}}\n< 200", "nothing called `nothing`"),
        ("as: somebody\n> GET /x\n< 200", "no caller `somebody`"),
        ("> GET /x\n< 200\nsame: one other", "no step `one`"),
        ("different: one other", "nothing caught as `one`"),
        ("> GET /{{encode:account}}/{{i}}?{{now+5}}\n< 200 {\"a\":[int:n]}\n> GET /{{n+1}}\n< 200", ""),
    ] {
        let file = cholla_testkit::vector::parse("x", &format!("case: a\nrules: 1.1\n{lines}\n")).unwrap();
        let found = slips(&file.cases[0]).into_iter().next().unwrap_or_default();
        assert_eq!(found.split_once(": ").map_or("", |(_, what)| what), expected, "{lines}");
    }
}
