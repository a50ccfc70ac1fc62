//! Expected text with holes: `[id]`, `[int]`, … in bodies and header values, and what they caught.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What a case has learnt so far: the variables of `let:` and of named holes such as `[id:first]`.
pub type Captures = BTreeMap<String, Vec<u8>>;

/// The kinds of holes.
const KINDS: [&str; 14] = [
    "id",
    "request",
    "int",
    "now",
    "text",
    "etag",
    "hex",
    "install",
    "install live",
    "app",
    "code",
    "access",
    "access live",
    "refresh",
];

/// Where a pattern and a text part ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Offset in the pattern.
    pub expected_at: usize,
    /// Offset in the text.
    pub actual_at: usize,
}

/// Fits `actual` to `pattern`, byte by byte, and keeps what named holes caught. `now` is when the answer may have been made.
///
/// # Errors
/// Where they part ways.
pub fn fit(pattern: &[u8], actual: &[u8], now: &RangeInclusive<i64>, captures: &mut Captures) -> Result<(), Mismatch> {
    let actual_at = fit_beginning(pattern, actual, now, captures)?;
    if actual_at == actual.len() { Ok(()) } else { Err(Mismatch { expected_at: pattern.len(), actual_at }) }
}

/// Whether `pattern` fits somewhere in `actual`; the first place counts, and what its named holes caught.
pub fn fit_within(pattern: &[u8], actual: &[u8], now: &RangeInclusive<i64>, captures: &mut Captures) -> bool {
    (0..actual.len()).any(|at| {
        let mut caught = Captures::new();
        let fits = fit_beginning(pattern, &actual[at..], now, &mut caught).is_ok();
        if fits {
            captures.append(&mut caught);
        }
        fits
    })
}

/// Fits the beginning of `actual` to the whole of `pattern`; how long that beginning is.
fn fit_beginning(
    pattern: &[u8],
    actual: &[u8],
    now: &RangeInclusive<i64>,
    captures: &mut Captures,
) -> Result<usize, Mismatch> {
    let (mut expected_at, mut actual_at) = (0, 0);
    while expected_at < pattern.len() {
        let mismatch = Mismatch { expected_at, actual_at };
        if let Some((kind, name, length)) = hole(&pattern[expected_at..]) {
            let caught = catch(kind, &actual[actual_at..], now).ok_or(mismatch)?;
            if let Some(name) = name {
                captures.insert(name.to_owned(), actual[actual_at..actual_at + caught].to_vec());
            }
            expected_at += length;
            actual_at += caught;
        } else if actual.get(actual_at) == Some(&pattern[expected_at]) {
            expected_at += 1;
            actual_at += 1;
        } else {
            return Err(mismatch);
        }
    }
    Ok(actual_at)
}

/// The hole at the beginning of `pattern`: its kind, its name and its length.
fn hole(pattern: &[u8]) -> Option<(&str, Option<&str>, usize)> {
    let inner = pattern.strip_prefix(b"[")?;
    let length = inner.iter().position(|byte| *byte == b']')?;
    let inner = std::str::from_utf8(&inner[..length]).ok()?;
    let (kind, name) = inner.split_once(':').map_or((inner, None), |(kind, name)| (kind, Some(name)));
    KINDS.contains(&kind).then_some((kind, name, length + 2))
}

/// How many bytes of `actual` a hole takes.
fn catch(kind: &str, actual: &[u8], now: &RangeInclusive<i64>) -> Option<usize> {
    let run = |is_part: fn(&u8) -> bool| actual.iter().take_while(|byte| is_part(byte)).count();
    let prefixed = |prefix: &str, length: usize| {
        let rest = actual.strip_prefix(prefix.as_bytes())?.get(..length)?;
        rest.iter().all(u8::is_ascii_alphanumeric).then_some(prefix.len() + length)
    };
    match kind {
        "id" => prefixed("appsecret_", 30),
        "request" => prefixed("req_", 14),
        "install" => prefixed("appinst_test_", 32),
        "install live" => prefixed("appinst_", 32),
        "app" => prefixed("app_", 32),
        "code" => prefixed("ac_", 32),
        "access" => prefixed("rk_test_", 64),
        "access live" => prefixed("rk_live_", 64),
        "refresh" => prefixed("rt_", 64),
        "int" => Some(run(u8::is_ascii_digit)).filter(|length| *length > 0),
        "now" => {
            let length = run(u8::is_ascii_digit);
            let seconds: i64 = std::str::from_utf8(&actual[..length]).ok()?.parse().ok()?;
            now.contains(&seconds).then_some(length)
        }
        "hex" => Some(run(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))).filter(|length| *length > 0),
        "etag" => {
            let inner = actual.strip_prefix(b"\"")?.iter().position(|byte| *byte == b'"')?;
            (inner > 0).then_some(inner + 2)
        }
        "text" => text_length(actual),
        _ => None,
    }
}

/// The length of a JSON string's inside, or of the rest where no quote ends it. Never nothing.
fn text_length(actual: &[u8]) -> Option<usize> {
    let mut length = 0;
    while length < actual.len() && actual[length] != b'"' {
        length += if actual[length] == b'\\' { 2 } else { 1 };
    }
    (length > 0 && length <= actual.len()).then_some(length)
}

/// `json` without the white space between its tokens.
pub fn squeeze(json: &[u8]) -> Vec<u8> {
    let mut squeezed = Vec::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    for byte in json {
        if inside {
            inside = escaped || *byte != b'"';
            escaped = !escaped && *byte == b'\\';
        } else if byte.is_ascii_whitespace() {
            continue;
        } else {
            inside = *byte == b'"';
        }
        squeezed.push(*byte);
    }
    squeezed
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, actual: &str, expected: Result<&str, usize>) {
        let mut captures = Captures::new();
        let fitted = fit(pattern.as_bytes(), actual.as_bytes(), &(100..=101), &mut captures);
        let caught = captures.values().map(|value| String::from_utf8_lossy(value).into_owned()).collect::<Vec<_>>();
        assert_eq!(
            fitted.map(|()| caught.join(" ")).map_err(|mismatch| mismatch.actual_at),
            expected.map(str::to_owned),
            "{pattern} on {actual}"
        );
    }

    #[test]
    fn holes_catch_exactly_what_they_say() {
        check("abc", "abc", Ok(""));
        check("abc", "abd", Err(2));
        check("abc", "abcd", Err(3));
        check("abc", "ab", Err(2));
        check("[id:x]", "appsecret_aaaaaaaaaabbbbbbbbbbcccccccccc", Ok("appsecret_aaaaaaaaaabbbbbbbbbbcccccccccc"));
        check("[id]", "appsecret_aaaaaaaaaabbbbbbbbbbccccccccc", Err(0));
        check("[id]", "appsecret_aaaaaaaaaabbbbbbbbbbccccccccc_", Err(0));
        check("[request]", "req_12345678901234", Ok(""));
        check("{\"a\":[int:n]}", "{\"a\":12}", Ok("12"));
        check("[int]", "-", Err(0));
        check("[now]", "101", Ok(""));
        check("[now]", "102", Err(0));
        check("t=[int],v1=[hex]", "t=5,v1=0af", Ok(""));
        check("\"[text:m]\"", "\"a\\\"b\"", Ok("a\\\"b"));
        check("\"[text]\"", "\"\"", Err(1));
        check("[etag]", "\"abc\"", Ok(""));
        check("[etag]", "W/\"abc\"", Err(0));
        check("scope[type] [x]", "scope[type] [x]", Ok(""));
        let test = "appinst_test_abcdefghijklmnopqrstuvwxyz012345";
        check("[install:i]", test, Ok(test));
        check("[install live]", test, Err(0));
        check("[install live]", "appinst_abcdefghijklmnopqrstuvwxyz012345", Ok(""));
        check("[install]", "appinst_abcdefghijklmnopqrstuvwxyz012345", Err(0));
        check("[code]", "ac_abcdefghijklmnopqrstuvwxyz012345", Ok(""));
    }

    #[test]
    fn a_pattern_is_found_at_its_first_place() {
        let mut captures = Captures::new();
        let text = br#"{"a":"x","n":12,"m":13}"#;
        assert!(fit_within(br#""[text:name]":[int:n]"#, text, &(0..=0), &mut captures));
        assert_eq!((captures["name"].as_slice(), captures["n"].as_slice()), (b"n".as_slice(), b"12".as_slice()));
        assert!(!fit_within(br#""m":12"#, text, &(0..=0), &mut captures));
    }

    #[test]
    fn only_white_space_between_tokens_is_free() {
        let squeezed = squeeze(b"{\n  \"a b\": [1, \"c \\\" d\"]\n}\n");
        assert_eq!(squeezed, b"{\"a b\":[1,\"c \\\" d\"]}");
    }
}
