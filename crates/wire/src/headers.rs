//! Request headers that mean something (contract 5.10, 6.27, 6.33, 7.2, 7.4 and 9.1).

use cholla_domain::id::AccountId;
use cholla_domain::idempotency::IdempotencyKey;
use cholla_domain::precondition::{IfMatch, Precondition};
use cholla_domain::tag::RecordVersion;

use crate::error::{ApiError, Malformed};

/// The newest API version that the server knows: what `Stripe-Version` says when the request names none.
pub const NEWEST_VERSION: &str = "2026-09-30.endive";

/// Reads `Stripe-Version`: what is to be echoed, `None` when the request names no version.
///
/// # Errors
/// Contract 6.27 unless it is `YYYY-MM-DD[.name]` with any `; name=value` behind it.
pub fn stripe_version(value: Option<&[u8]>) -> Result<Option<&str>, ApiError> {
    let value = value.unwrap_or_default().trim_ascii();
    if value.is_empty() {
        return Ok(None);
    }
    match std::str::from_utf8(value) {
        Ok(version) if is_version(version) => Ok(Some(version)),
        _ => Err(ApiError::invalid_version(&String::from_utf8_lossy(value))),
    }
}

fn is_version(text: &str) -> bool {
    let mut parts = text.split(';').map(str::trim_ascii);
    let dated = parts.next().is_some_and(|dated| match dated.split_once('.') {
        Some((date, name)) => is_date(date) && is_token(name),
        None => is_date(dated),
    });
    let is_suffix = |suffix: &str| {
        let visible = |value: &str| !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_graphic());
        suffix.split_once('=').is_some_and(|(name, value)| is_token(name) && visible(value))
    };
    dated && parts.all(is_suffix)
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

/// Whether `text` is `YYYY-MM-DD` with a month and a day that there are.
fn is_date(text: &str) -> bool {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return false };
    let two = |tens: u8, ones: u8| (tens - b'0') * 10 + (ones - b'0');
    [y1, y2, y3, y4, m1, m2, d1, d2].iter().all(u8::is_ascii_digit)
        && (1..=12).contains(&two(m1, m2))
        && (1..=31).contains(&two(d1, d2))
}

/// Reads which account a request is for, from `Stripe-Account` and `Stripe-Context`. An empty one counts as absent.
///
/// An account that cannot exist is not refused here: it is an account that the key does not reach.
///
/// # Errors
/// Contract 5.10 when the two disagree, or the context has several segments.
pub fn account(stripe_account: Option<&[u8]>, stripe_context: Option<&[u8]>) -> Result<Option<AccountId>, ApiError> {
    let account = stripe_account.unwrap_or_default().trim_ascii();
    let context = stripe_context.unwrap_or_default().trim_ascii();
    if context.contains(&b'/') {
        return Err(ApiError::nested_context());
    }
    let named = match (account, context) {
        ([], named) | (named, []) => named,
        (account, context) if account == context => account,
        _ => return Err(ApiError::disagreeing_account_headers()),
    };
    Ok((!named.is_empty()).then(|| AccountId::new(String::from_utf8_lossy(named))))
}

/// Reads `Idempotency-Key`. An empty one counts as absent.
///
/// # Errors
/// Contract 6.33 when it has more than 255 characters, or is not UTF-8.
pub fn idempotency_key(value: Option<&[u8]>) -> Result<Option<IdempotencyKey>, ApiError> {
    let value = value.unwrap_or_default().trim_ascii();
    if value.is_empty() {
        return Ok(None);
    }
    let text =
        std::str::from_utf8(value).map_err(|_| ApiError::malformed(Malformed::UnreadableIdempotencyKey, None))?;
    match IdempotencyKey::new(text.to_owned()) {
        Some(key) => Ok(Some(key)),
        None => Err(ApiError::malformed(Malformed::LongIdempotencyKey, None)),
    }
}

/// Reads the conditions of a set: `If-Match`, and `If-None-Match` where it is `*` (one with a tag is ignored). Each iterator yields the
/// values of all header lines of that name.
///
/// # Errors
/// Contract 6.33 for a malformed `If-Match`.
pub fn set_precondition<'a>(
    if_match: impl Iterator<Item = &'a [u8]>,
    if_none_match: impl Iterator<Item = &'a [u8]>,
) -> Result<Precondition, ApiError> {
    let any = |value: &[u8]| value.split(|byte| *byte == b',').any(|element| element.trim_ascii() == b"*");
    Ok(Precondition { if_match: read_if_match(if_match)?, if_none_match: if_none_match.into_iter().any(any) })
}

/// Reads the condition of a delete: `If-Match`. `If-None-Match` means nothing there.
///
/// # Errors
/// Contract 6.33 for a malformed `If-Match`.
pub fn delete_precondition<'a>(if_match: impl Iterator<Item = &'a [u8]>) -> Result<Precondition, ApiError> {
    Ok(Precondition { if_match: read_if_match(if_match)?, if_none_match: false })
}

/// `*` alone, or entity tags separated by commas on any number of lines. A condition that cannot be read is never dropped.
fn read_if_match<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Result<Option<IfMatch>, ApiError> {
    let malformed = || ApiError::malformed(Malformed::IfMatch, None);
    let (mut present, mut any, mut tags) = (false, false, 0_usize);
    let mut versions = Vec::new();
    for line in lines {
        present = true;
        let mut rest = line.trim_ascii();
        if rest == b"*" {
            any = true;
            continue;
        }
        while !rest.is_empty() {
            if let Some(behind) = rest.strip_prefix(b",") {
                rest = behind.trim_ascii();
                continue;
            }
            let (version, behind) = read_entity_tag(rest).ok_or_else(malformed)?;
            tags += 1;
            versions.extend(version);
            rest = behind.trim_ascii();
            if !rest.is_empty() && rest[0] != b',' {
                return Err(malformed());
            }
        }
    }
    match (present, any, tags) {
        (false, ..) => Ok(None),
        (true, true, 0) => Ok(Some(IfMatch::Any)),
        (true, false, 1..) => Ok(Some(IfMatch::OneOf(versions))),
        (true, true, 1..) | (true, false, 0) => Err(malformed()),
    }
}

/// Reads one entity tag off the front of `text`, and what is behind it. A weak tag, or one that no version of ours has, is no version.
fn read_entity_tag(text: &[u8]) -> Option<(Option<RecordVersion>, &[u8])> {
    let strong = text.strip_prefix(b"W/");
    let quoted = strong.unwrap_or(text).strip_prefix(b"\"")?;
    let end = quoted.iter().position(|byte| *byte == b'"')?;
    let opaque = &quoted[..end];
    if opaque.iter().any(|byte| *byte <= b' ' || *byte == 0x7f) {
        return None;
    }
    let version = if strong.is_none() { read_version(opaque) } else { None };
    Some((version, &quoted[end + 1..]))
}

fn read_version(opaque: &[u8]) -> Option<RecordVersion> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits: &[u8; 2 * RecordVersion::LENGTH] = opaque.try_into().ok()?;
    let mut bytes = [0; RecordVersion::LENGTH];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(RecordVersion::from_bytes(bytes))
}

/// The entity tag of a version (contract 9.1): 32 hexadecimal digits in quotation marks.
pub fn etag(version: &RecordVersion) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut tag = String::with_capacity(2 * RecordVersion::LENGTH + 2);
    tag.push('"');
    for byte in version.as_bytes() {
        tag.push(char::from(HEX[usize::from(byte >> 4)]));
        tag.push(char::from(HEX[usize::from(byte & 0xf)]));
    }
    tag.push('"');
    tag
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::testing::summary;

    #[test]
    fn rule_6_27_versions() {
        for (value, legal) in [
            (NEWEST_VERSION, true),
            ("2024-06-20", true),
            ("2025-03-31.basil", true),
            ("2026-01-28.preview", true),
            ("2099-12-31.zinnia", true),
            ("2024-06-20; custom_checkout_beta=v1", true),
            ("2024-06-20.acacia; a_beta=v1;b_beta=v2", true),
            ("2024-06-20;", false),
            ("2024-06-20; a_beta", false),
            ("2024-06-20; =v1", false),
            ("2024-06-20; a=b c", false),
            ("2024-06-20.", false),
            ("2024-06-20.a b", false),
            ("2024-6-20", false),
            ("2024-13-20", false),
            ("2024-06-00", false),
            ("2024-06-32", false),
            ("20240620", false),
            ("latest", false),
            ("2024-06-2O", false),
        ] {
            match stripe_version(Some(value.as_bytes())) {
                Ok(echoed) => assert_eq!((echoed, legal), (Some(value), true)),
                Err(error) => {
                    let expected = format!("- - Invalid Stripe API version: {value}");
                    assert_eq!((summary(&error), legal), (expected, false));
                }
            }
        }
        for absent in [None, Some(b"".as_slice()), Some(b"  ")] {
            assert_eq!(stripe_version(absent).unwrap(), None);
        }
        assert_eq!(stripe_version(Some(b"\xff")).unwrap_err().status(), 400);
    }

    #[test]
    fn rule_5_10_account_and_context() {
        let bytes = |text: &'static str| (text != "-").then_some(text.as_bytes());
        for (stripe_account, stripe_context, expected) in [
            ("-", "-", ""),
            ("", "", ""),
            ("acct_a", "-", "acct_a"),
            ("-", "acct_a", "acct_a"),
            ("acct_a", "", "acct_a"),
            ("", "acct_a", "acct_a"),
            ("acct_a", "acct_a", "acct_a"),
            (" acct_a ", "-", "acct_a"),
            ("acct_a", "acct_b", "400"),
            ("-", "acct_a/acct_b", "400"),
            ("acct_a", "acct_a/acct_b", "400"),
            ("-", "acct_a/", "400"),
        ] {
            let actual = match account(bytes(stripe_account), bytes(stripe_context)) {
                Ok(account) => account.map(|account| account.as_str().to_owned()).unwrap_or_default(),
                Err(error) => error.status().to_string(),
            };
            assert_eq!(actual, expected, "{stripe_account:?} {stripe_context:?}");
        }
        assert_eq!(account(Some(b"acct_\xff"), None).unwrap().unwrap().as_str(), "acct_\u{fffd}");
    }

    #[test]
    fn rule_6_33_and_7_4_idempotency_keys() {
        let key = |value: &[u8]| match idempotency_key(Some(value)) {
            Ok(key) => key.map(|key| key.as_str().to_owned()).unwrap_or_default(),
            Err(error) => error.status().to_string(),
        };
        for (value, expected) in
            [(b"".as_slice(), ""), (b"  ", ""), (b"key-1", "key-1"), ("ключ".as_bytes(), "ключ"), (b"\xff", "400")]
        {
            assert_eq!(key(value), expected);
        }
        for (text, legal) in
            [("k".repeat(255), true), ("k".repeat(256), false), ("ы".repeat(255), true), ("ы".repeat(256), false)]
        {
            assert_eq!(key(text.as_bytes()) == text, legal);
        }
        assert_eq!(idempotency_key(None).unwrap(), None);
    }

    /// What the lines of `If-Match` ask for: `-` nothing, `any`, `400`, or the first byte of each version.
    fn check_if_match(lines: &[&str], expected: &str) {
        let condition = delete_precondition(lines.iter().map(|line| line.as_bytes()));
        let actual = match condition.map(|condition| condition.if_match) {
            Ok(None) => "-".to_owned(),
            Ok(Some(IfMatch::Any)) => "any".to_owned(),
            Ok(Some(IfMatch::OneOf(versions))) => {
                versions.iter().map(|version| etag(version)[1..3].to_owned()).collect()
            }
            Err(error) => error.status().to_string(),
        };
        assert_eq!(actual, expected, "{lines:?}");
    }

    #[test]
    fn rule_6_33_and_9_1_if_match() {
        let (a, b) = (etag(&RecordVersion::from_bytes([0xa1; 16])), etag(&RecordVersion::from_bytes([0xb2; 16])));
        check_if_match(&[], "-");
        check_if_match(&["*"], "any");
        check_if_match(&[" * "], "any");
        check_if_match(&["*", "*"], "any");
        check_if_match(&[&a], "a1");
        check_if_match(&[&format!("{a}, {b}")], "a1b2");
        check_if_match(&[&format!(",{a} ,,{b},")], "a1b2");
        check_if_match(&[&a, &b], "a1b2");
        check_if_match(&[&format!("W/{a}")], "");
        check_if_match(&[&format!("W/{a}, {b}")], "b2");
        check_if_match(&[&a.to_uppercase()], "");
        check_if_match(&["\"\""], "");
        check_if_match(&["\"other\""], "");
        check_if_match(&["\"a,b\""], "");
        check_if_match(&[""], "400");
        check_if_match(&[","], "400");
        check_if_match(&["other"], "400");
        check_if_match(&["\"open"], "400");
        check_if_match(&["\"a b\""], "400");
        check_if_match(&["w/\"a\""], "400");
        check_if_match(&[&format!("{a} {b}")], "400");
        check_if_match(&[&format!("*, {a}")], "400");
        check_if_match(&["*", &a], "400");
        check_if_match(&["**"], "400");
    }

    #[test]
    fn rule_9_1_if_none_match_counts_on_set_and_as_a_star_only() {
        for (lines, expected) in [
            (&[][..], false),
            (&["*"], true),
            (&[" *"], true),
            (&["\"a\""], false),
            (&["W/\"a\", \"b\""], false),
            (&["\"a\"", "*"], true),
            (&["garbage"], false),
            (&[""], false),
        ] {
            let condition =
                set_precondition(std::iter::empty(), lines.iter().map(|line: &&str| line.as_bytes())).unwrap();
            assert_eq!(condition, Precondition { if_match: None, if_none_match: expected }, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn rule_9_1_an_etag_is_read_back(bytes in any::<[u8; 16]>()) {
            let version = RecordVersion::from_bytes(bytes);
            let tag = etag(&version);
            prop_assert_eq!(tag.len(), 34);
            let condition = delete_precondition([tag.as_bytes()].into_iter()).unwrap();
            prop_assert_eq!(condition.if_match, Some(IfMatch::OneOf(vec![version])));
        }

        #[test]
        fn any_header_is_read_or_refused(value in any::<Vec<u8>>()) {
            let status = |error: ApiError| error.status();
            for result in [
                stripe_version(Some(&value)).map(drop).map_err(status),
                account(Some(&value), None).map(drop).map_err(status),
                account(None, Some(&value)).map(drop).map_err(status),
                idempotency_key(Some(&value)).map(drop).map_err(status),
                delete_precondition([value.as_slice()].into_iter()).map(drop).map_err(status),
            ] {
                prop_assert!(matches!(result, Ok(()) | Err(400)));
            }
        }
    }
}
