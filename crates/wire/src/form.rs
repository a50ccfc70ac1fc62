//! The form: pairs of a query and a body become one tree of parameters (contract 3.1 to 3.4, 3.8 and 6.33).

use cholla_domain::limits::{PARAMETER_NESTING_MAX, PARAMETERS_MAX};
use memchr::{memchr, memchr_iter, memchr2};
use zeroize::{Zeroize as _, Zeroizing};

use crate::error::{ApiError, Malformed};
pub use crate::params::Parameters;
use crate::params::{MixedShapes, Text, split};

/// The only content type of a body.
const FORM: &[u8] = b"application/x-www-form-urlencoded";
/// Names as every SDK sends them, which need no decoding.
const ENCODED: [(&[u8], &str); 4] = [
    (b"scope%5Btype%5D", "scope[type]"),
    (b"scope%5Buser%5D", "scope[user]"),
    (b"expand%5B0%5D", "expand[0]"),
    (b"expand%5B%5D", "expand[]"),
];
/// Bytes that the names of almost all parameters fit in.
const NAME_BYTES_EXPECTED: usize = 64;

/// How a request's body counts. HEAD counts as [`Get`](Self::Get).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Its body's parameters are unknown ones.
    Get,
    /// Its body's parameters are merged over the query's.
    Post,
}

/// Reads the parameters of a request: its query (without `?`, empty when absent) and its body.
///
/// # Errors
/// Contract 3.3 for a body that is no form, 6.33 for a query or body that cannot be read.
pub fn read<'a>(
    method: Method,
    query: &'a str,
    content_type: Option<&[u8]>,
    body: &'a [u8],
) -> Result<Parameters<'a>, ApiError> {
    check_content_type(method, content_type, body)?;
    let mut pairs = Pairs::default();
    let mut parameters = pairs.read(query.as_bytes())?;
    if !body.is_empty() {
        let body = pairs.read(body)?;
        match method {
            Method::Get => parameters.set_aside_body(body),
            Method::Post => parameters.merge_body(body),
        }
    }
    Ok(parameters)
}

/// Contract 3.3: no content type is a form; a GET without a body may have any.
fn check_content_type(method: Method, content_type: Option<&[u8]>, body: &[u8]) -> Result<(), ApiError> {
    let value = content_type.unwrap_or_default().trim_ascii();
    let media_type = value.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is_form = value.is_empty() || media_type.eq_ignore_ascii_case(FORM);
    let counts = method == Method::Post || !body.is_empty();
    let is_json = matches!(body.first(), Some(b'{' | b'['));
    if (counts && !is_form) || is_json { Err(ApiError::body_form()) } else { Ok(()) }
}

/// Reads pairs, counting those of query and body together.
#[derive(Default)]
struct Pairs {
    count: usize,
    /// The name being read, where it is encoded. One buffer for all names; wiped, since a name may be a misplaced secret.
    name: Zeroizing<Vec<u8>>,
}

impl Pairs {
    fn read<'a>(&mut self, encoded: &'a [u8]) -> Result<Parameters<'a>, ApiError> {
        let mut parameters = Parameters::default();
        let mut rest = encoded;
        while !rest.is_empty() {
            let end = memchr(b'&', rest).unwrap_or(rest.len());
            let pair = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            if pair.is_empty() {
                continue;
            }
            self.count += 1;
            if self.count > PARAMETERS_MAX {
                return Err(ApiError::malformed(Malformed::TooMany, None));
            }
            self.add(pair, &mut parameters)?;
        }
        Ok(parameters)
    }

    fn add<'a>(&mut self, pair: &'a [u8], parameters: &mut Parameters<'a>) -> Result<(), ApiError> {
        let end = memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = (&pair[..end], pair.get(end + 1..).unwrap_or_default());
        let name = self.name(name).map_err(|what| ApiError::malformed(what, None))?;
        let refuse = |what| ApiError::malformed(what, Some(meant(name)));
        if name.len() > PARAMETER_NESTING_MAX && memchr_iter(b'[', name.as_bytes()).count() > PARAMETER_NESTING_MAX {
            return Err(refuse(Malformed::TooDeep));
        }
        let text = text(value).map_err(refuse)?;
        parameters.add(name, text).map_err(|MixedShapes { behind }| {
            ApiError::malformed(Malformed::MixedShapes, Some(meant(&name[..name.len() - behind])))
        })
    }

    fn name<'b>(&'b mut self, encoded: &'b [u8]) -> Result<&'b str, Malformed> {
        if let Some((_, name)) = ENCODED.iter().find(|(known, _)| *known == encoded) {
            return Ok(name);
        }
        if is_literal(encoded) {
            return legal(encoded);
        }
        self.name.zeroize();
        if self.name.capacity() < encoded.len() {
            // Not grown: growing leaves a copy behind.
            self.name = Zeroizing::new(Vec::with_capacity(encoded.len().max(NAME_BYTES_EXPECTED)));
        }
        decode(encoded, &mut self.name)?;
        legal(&self.name)
    }
}

/// The parameter that an error means by `name`. Keys inside a payload are part of the payload: no message shows them.
fn meant(name: &str) -> &str {
    if split(name).0 == "payload" { "payload" } else { name }
}

/// Whether the bytes stand for themselves.
fn is_literal(encoded: &[u8]) -> bool {
    memchr2(b'%', b'+', encoded).is_none()
}

/// Text without NUL.
fn legal(bytes: &[u8]) -> Result<&str, Malformed> {
    let text = std::str::from_utf8(bytes).map_err(|_| Malformed::Utf8)?;
    if memchr(0, bytes).is_some() { Err(Malformed::Nul) } else { Ok(text) }
}

/// The text of a value: as it stands, or decoded into a buffer of its own, which never grows and is wiped.
fn text(encoded: &[u8]) -> Result<Text<'_>, Malformed> {
    if is_literal(encoded) {
        return legal(encoded).map(Text::Literal);
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len()));
    decode(encoded, &mut bytes)?;
    legal(&bytes)?;
    let text = String::from_utf8(std::mem::take(&mut *bytes)).map_err(|_| Malformed::Utf8)?;
    Ok(Text::Decoded(Zeroizing::new(text)))
}

/// Appends the bytes that `encoded` stands for: `+` is a space, `%` and two hexadecimal digits a byte.
fn decode(encoded: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let mut rest = encoded;
    while let Some(at) = memchr2(b'%', b'+', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = match &rest[at..] {
            [b'%', high, low, behind @ ..] => {
                out.push(digit(*high)? << 4 | digit(*low)?);
                behind
            }
            [b'+', behind @ ..] => {
                out.push(b' ');
                behind
            }
            _ => return Err(Malformed::PercentEncoding),
        };
    }
    out.extend_from_slice(rest);
    Ok(())
}

fn digit(byte: u8) -> Result<u8, Malformed> {
    match byte {
        b'0'..=b'9' => Ok(byte - b'0'),
        b'a'..=b'f' => Ok(byte - b'a' + 10),
        b'A'..=b'F' => Ok(byte - b'A' + 10),
        _ => Err(Malformed::PercentEncoding),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::error::testing::summary;
    use crate::params::Value;

    const HEX: &[u8; 16] = b"0123456789AbCdEf";
    const REFUSED: &str =
        "- - Invalid request (check that your POST content type is application/x-www-form-urlencoded).";

    /// The parameters as JSON, or the error.
    fn outcome(method: Method, query: &str, content_type: Option<&str>, body: &[u8]) -> String {
        match read(method, query, content_type.map(str::as_bytes), body) {
            Ok(mut parameters) => {
                let members = ["name", "payload", "scope", "expand", "x"].map(|name| {
                    let value = parameters.take(name).as_ref().map(Value::json);
                    value.map(|value| format!("{name}={}", value.as_str()))
                });
                members.into_iter().flatten().collect::<Vec<_>>().join(" ")
            }
            Err(error) => summary(&error),
        }
    }

    #[test]
    fn rule_3_1_encodings() {
        for (body, expected) in [
            ("scope[type]=user&scope[user]=u", r#"scope={"type":"user","user":"u"}"#),
            ("scope%5Btype%5D=user&scope%5buser%5d=u", r#"scope={"type":"user","user":"u"}"#),
            ("expand[]=payload", r#"expand=["payload"]"#),
            ("expand%5B0%5D=payload", r#"expand={"0":"payload"}"#),
            ("x=a+b%20c%2Bd", r#"x="a b c+d""#),
            ("n%61me=%C3%A4%f0%9f%8c%b5", r#"name="ä🌵""#),
            ("name=a=b%3D", r#"name="a=b=""#),
            ("name", r#"name="""#),
            ("name=", r#"name="""#),
            ("&&name=a&", r#"name="a""#),
            ("name=a;x=b", r#"name="a;x=b""#),
            ("", ""),
        ] {
            assert_eq!(outcome(Method::Post, "", None, body.as_bytes()), expected, "{body}");
            assert_eq!(outcome(Method::Get, body, None, b""), expected, "{body}");
        }
    }

    #[test]
    fn rule_3_2_the_body_replaces_the_querys_parameters_whole() {
        for (query, body, expected) in [
            ("scope[type]=account&name=n", "payload=p", r#"name="n" payload="p" scope={"type":"account"}"#),
            ("name=query&payload=p", "name=body", r#"name="body" payload="p""#),
            ("scope[type]=user&scope[user]=u", "scope[type]=account", r#"scope={"type":"account"}"#),
            ("scope=text", "scope[type]=account", r#"scope={"type":"account"}"#),
            ("expand[]=a", "expand[0]=b", r#"expand={"0":"b"}"#),
        ] {
            assert_eq!(outcome(Method::Post, query, None, body.as_bytes()), expected, "{query} {body}");
        }
    }

    #[test]
    fn rule_3_3_and_3_4_content_types() {
        const NAME: &str = r#"name="a""#;
        for (method, content_type, body, expected) in [
            (Method::Post, None, "name=a", NAME),
            (Method::Post, Some(""), "name=a", NAME),
            (Method::Post, Some("application/x-www-form-urlencoded"), "name=a", NAME),
            (Method::Post, Some("application/x-www-form-urlencoded; charset=utf-8"), "name=a", NAME),
            (Method::Post, Some("application/x-www-form-urlencoded;charset=UTF-8"), "name=a", NAME),
            (Method::Post, Some("Application/X-WWW-Form-URLEncoded ; a=b"), "name=a", NAME),
            (Method::Post, None, "", ""),
            (Method::Post, Some("application/x-www-form-urlencoded"), "", ""),
            (Method::Post, Some("application/json"), "name=a", REFUSED),
            (Method::Post, Some("application/json"), "", REFUSED),
            (Method::Post, Some("multipart/form-data; boundary=x"), "name=a", REFUSED),
            (Method::Post, Some("application/x-www-form-urlencoded-not"), "name=a", REFUSED),
            (Method::Post, Some(";"), "name=a", REFUSED),
            (Method::Post, None, "{\"name\":\"a\"}", REFUSED),
            (Method::Post, Some("application/x-www-form-urlencoded"), "{\"name\":\"a\"}", REFUSED),
            (Method::Post, Some("application/x-www-form-urlencoded"), "[1]", REFUSED),
            (Method::Post, Some("application/x-www-form-urlencoded"), "name={", r#"name="{""#),
            (Method::Get, None, "", ""),
            (Method::Get, Some("application/x-www-form-urlencoded"), "", ""),
            (Method::Get, Some("application/json"), "", ""),
            (Method::Get, Some("application/json"), "name=a", REFUSED),
            (Method::Get, Some("application/x-www-form-urlencoded"), "{}", REFUSED),
        ] {
            assert_eq!(
                outcome(method, "", content_type, body.as_bytes()),
                expected,
                "{method:?} {content_type:?} {body}"
            );
        }
    }

    #[test]
    fn rule_6_33_forms_that_cannot_be_read() {
        const NUL: &str = "Invalid request: a parameter contains a NUL character.";
        const UTF8: &str = "Invalid request: a parameter is not valid UTF-8.";
        const PERCENT: &str = "Invalid request: a parameter has a broken percent-encoding.";
        const DEEP: &str = "Invalid request: a parameter is nested deeper than 8 levels.";
        const MIXED: &str =
            "Invalid request: a parameter is given both as a scalar and as an object or array, or as both of these.";
        for (body, param, message) in [
            (b"payload=a%00b".as_slice(), "payload", NUL),
            (b"payload=a\0b", "payload", NUL),
            (b"payload[hunter2]=%00", "payload", NUL),
            (b"payload[1][2][3][4][5][6][7][8][9]=1", "payload", DEEP),
            (b"payload[hunter2]=a&payload[hunter2][x]=b", "payload", MIXED),
            (b"scope[user]=%00", "scope[user]", NUL),
            (b"a%00b=1", "-", NUL),
            (b"name=%ff", "name", UTF8),
            (b"name=\xff", "name", UTF8),
            (b"name=%ed%a0%80", "name", UTF8),
            (b"%ff=1", "-", UTF8),
            (b"name=100%", "name", PERCENT),
            (b"name=%4", "name", PERCENT),
            (b"name=%4g", "name", PERCENT),
            (b"name=%%20", "name", PERCENT),
            (b"%zz=1", "-", PERCENT),
            (b"hunter+2=%zz", "****", PERCENT),
            (b"a[1][2][3][4][5][6][7][8][9]=1", "a[1][2][3][4][5][6][7][8][9]", DEEP),
            (b"a[[[[[[[[[=1", "a[[[[[[[[[", DEEP),
            (b"scope=a&scope[type]=b", "scope", MIXED),
            (b"scope[type]=b&scope=a", "scope", MIXED),
            (b"expand=a&expand[]=b", "expand", MIXED),
            (b"expand[]=a&expand[0]=b", "expand", MIXED),
            (b"scope[type]=a&scope[type][x]=b", "scope[type]", MIXED),
        ] {
            let expected = format!("- {param} {message}");
            assert_eq!(outcome(Method::Post, "", None, body), expected, "{}", body.escape_ascii());
            assert_eq!(outcome(Method::Get, "", None, body), expected, "{}", body.escape_ascii());
            if let Ok(query) = std::str::from_utf8(body) {
                assert_eq!(outcome(Method::Get, query, None, b""), expected, "{query}");
            }
        }
    }

    #[test]
    fn rule_6_33_counts_and_depths_at_the_limit() {
        const MANY: &str = "- - Invalid request: there are more than 1000 parameters.";
        let pairs = |count: usize| vec!["x=1"; count].join("&");
        for (in_query, in_body, expected) in [
            (1_000, 0, r#"x="1""#),
            (0, 1_000, r#"x="1""#),
            (500, 500, r#"x="1""#),
            (1_001, 0, MANY),
            (0, 1_001, MANY),
            (501, 500, MANY),
        ] {
            let actual = outcome(Method::Post, &pairs(in_query), None, pairs(in_body).as_bytes());
            assert_eq!(actual, expected, "{in_query} + {in_body}");
        }
        let deepest = outcome(Method::Post, "", None, b"x[1][2][3][4][5][6][7][8]=1");
        assert_eq!(deepest, r#"x={"1":{"2":{"3":{"4":{"5":{"6":{"7":{"8":"1"}}}}}}}}"#);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            post in any::<bool>(), query in ".{0,80}", content_type in proptest::option::of(any::<Vec<u8>>()), body in any::<Vec<u8>>(),
        ) {
            let method = if post { Method::Post } else { Method::Get };
            for content_type in [content_type.as_deref(), None] {
                if let Err(error) = read(method, &query, content_type, &body) {
                    prop_assert_eq!(error.status(), 400);
                }
            }
        }

        #[test]
        fn rule_3_7_any_text_without_nul_is_read_as_it_was_written(name in "[^\0]{0,40}", text in "[^\0]{0,40}") {
            let encoded = |text: &str| {
                let escaped = text.bytes().flat_map(|byte| [b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
                escaped.map(char::from).collect::<String>()
            };
            let body = format!("scope[{}]={}", encoded(&name.replace(['[', ']'], "_")), encoded(&text));
            let expected = serde_json::json!({ name.replace(['[', ']'], "_"): text });
            let mut parameters = read(Method::Post, "", None, body.as_bytes()).unwrap();
            let actual = parameters.take("scope").unwrap().json();
            let actual = serde_json::from_str::<serde_json::Value>(&actual).unwrap();
            if name.is_empty() {
                prop_assert_eq!(actual, serde_json::json!([text]));
            } else {
                prop_assert_eq!(actual, expected);
            }
        }
    }
}
