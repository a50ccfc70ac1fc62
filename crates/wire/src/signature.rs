//! `GET /v1/apps/app_embedded_backend_signature` (contract 1.5 and 8.2).

use std::collections::HashSet;
use std::fmt;

use cholla_domain::id::{AccountId, UserId};
use zeroize::Zeroizing;

use crate::error::ApiError;
use crate::field::{self, Field};
use crate::json;
use crate::json_scan::object_members;
use crate::params::{Parameters, Value};

const KNOWN: [&str; 2] = ["payload", "include_only"];
const PAYLOAD: Field = Field::masked("payload");
/// Who is signed for. An extra field of such a name would forge it.
const IDENTITY: [&str; 2] = ["user_id", "account_id"];

/// The parameters of a signature: extra fields to be signed beside the identity.
pub struct SignatureParams {
    /// The text between the braces of `payload`, exactly as it was sent. Empty where it has no member.
    extra: Zeroizing<String>,
}

impl SignatureParams {
    /// Reads the parameters of a signature. `payload` must be there: the published SDK always sends `{}`.
    ///
    /// # Errors
    /// The first rule of contract section 6 and 8.2 that does not hold.
    pub fn decode(mut parameters: Parameters<'_>) -> Result<Self, ApiError> {
        parameters.refuse_unknown(&KNOWN)?;
        let payload = PAYLOAD.required(parameters.take("payload"))?;
        let extra = extra_fields(&payload).ok_or_else(ApiError::not_signable)?;
        let extra = Zeroizing::new(extra.to_owned());
        check_include_only(parameters.take("include_only").as_ref())?;
        Ok(Self { extra })
    }

    /// What is signed behind the timestamp: the identity, then the extra fields as they were sent.
    pub fn signed_text(&self, user: &UserId, account: &AccountId) -> String {
        let ids = json::string_len(user.as_str()) + json::string_len(account.as_str());
        let mut out = Vec::with_capacity(ids + self.extra.len() + r#"{"user_id":,"account_id":,}"#.len());
        out.extend_from_slice(br#"{"user_id":"#);
        json::push_string(&mut out, user.as_str());
        out.extend_from_slice(br#","account_id":"#);
        json::push_string(&mut out, account.as_str());
        if !self.extra.is_empty() {
            out.push(b',');
            out.extend_from_slice(self.extra.as_bytes());
        }
        out.push(b'}');
        String::from_utf8(out).expect("every part of it is text")
    }
}

impl fmt::Debug for SignatureParams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SignatureParams(****)")
    }
}

/// The text between the braces of `payload`, or `None` when it cannot be signed.
fn extra_fields(payload: &str) -> Option<&str> {
    let (names, inner) = object_members(payload)?;
    let mut seen = HashSet::with_capacity(names.len());
    let legal = names.iter().all(|name| seen.insert(name) && !IDENTITY.contains(&folded(name).as_str()));
    legal.then_some(if names.is_empty() { "" } else { inner })
}

/// `name` with its letter case folded as Go's JSON decoder folds it: ASCII, and the two letters beyond ASCII that fold into it.
fn folded(name: &str) -> String {
    let fold = |character: char| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    };
    name.chars().map(fold).collect()
}

fn check_include_only(value: Option<&Value<'_>>) -> Result<(), ApiError> {
    if field::strings("include_only", value)?.iter().all(|item| *item == "signature") {
        Ok(())
    } else {
        Err(ApiError::not_one_of("include_only", "signature"))
    }
}

/// The answer: `{"signature": "t=…,v1=…"}`. `hex` is the authentication code in hexadecimal digits.
pub fn render_signature(timestamp: i64, hex: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(64 + hex.len());
    json::push_body(&mut out, |object| {
        object.string("signature", &format!("t={timestamp},v1={hex}"));
    });
    out
}

#[cfg(test)]
mod tests {
    use form_urlencoded::byte_serialize;
    use proptest::prelude::*;

    use super::*;
    use crate::error::testing::summary;
    use crate::form::{self, Method};

    fn signed(query: &str, user: &str) -> String {
        let parameters = form::read(Method::Get, query, None, b"").unwrap();
        match SignatureParams::decode(parameters) {
            Ok(params) => params.signed_text(&UserId::new(user), &AccountId::new("acct_x")),
            Err(error) => {
                assert_eq!(error.status(), 400);
                summary(&error)
            }
        }
    }

    fn signed_payload(payload: &str) -> String {
        signed(&format!("payload={}", byte_serialize(payload.as_bytes()).collect::<String>()), "usr_1")
    }

    #[test]
    fn rule_8_2_extra_fields_are_signed_as_they_were_sent() {
        for (payload, extra) in [
            ("{}", ""),
            (" { \n} ", ""),
            (r#"{"a":1}"#, r#","a":1"#),
            (r#" { "a" : 1e+21 , "b":1E3 } "#, r#", "a" : 1e+21 , "b":1E3 "#),
            (r#"{"a":{"user_id":"nested"}}"#, r#","a":{"user_id":"nested"}"#),
            (r#"{"a":"user_id"}"#, r#","a":"user_id""#),
            (r#"{"userid":1,"user-id":2,"user_id ":3}"#, r#","userid":1,"user-id":2,"user_id ":3"#),
            (r#"{"a":1,"A":2}"#, r#","a":1,"A":2"#),
            (r#"{"a":"\ud800","ä":"\u2028"}"#, r#","a":"\ud800","ä":"\u2028""#),
        ] {
            let expected = format!(r#"{{"user_id":"usr_1","account_id":"acct_x"{extra}}}"#);
            assert_eq!(signed_payload(payload), expected, "{payload}");
        }
        assert_eq!(
            signed("payload={}", "u\"\\\u{1f}\u{2028}🌵"),
            "{\"user_id\":\"u\\\"\\\\\\u001f\u{2028}🌵\",\"account_id\":\"acct_x\"}"
        );
    }

    #[test]
    fn rule_8_2_payloads_that_could_forge_an_identity_are_refused() {
        for payload in [
            "x",
            "null",
            "[]",
            "\"{}\"",
            "{}{}",
            "{a:1}",
            r#"{"a":1},{"b":2}"#,
            r#"{"a":1}}"#,
            r#"{"user_id":"usr_2"}"#,
            r#"{"a":1,"account_id":"acct_y"}"#,
            r#"{"USER_ID":1}"#,
            r#"{"User_Id":1}"#,
            r#"{"\u0075ser_id":1}"#,
            r#"{"user\u005fid":1}"#,
            r#"{"u\u017fer_id":1}"#,
            r#"{"uſer_id":1}"#,
            r#"{"ACCOUNT\u005FID":1}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"/":1,"\/":2}"#,
            r#"{"\ud800":1,"\udfff":2}"#,
        ] {
            let expected = "- payload Invalid payload: it must be a JSON object that repeats no key and names neither user_id nor account_id";
            assert_eq!(signed_payload(payload), expected, "{payload}");
        }
    }

    #[test]
    fn rule_1_5_and_8_2_parameters_in_order() {
        const SIGNED: &str = r#"{"user_id":"usr_1","account_id":"acct_x"}"#;
        let unknown = "parameter_unknown name Received unknown parameters: name, expand";
        for (query, expected) in [
            ("payload=%7B%7D&include_only%5B%5D=signature", SIGNED),
            ("payload={}&include_only[0]=signature&include_only[1]=signature", SIGNED),
            ("payload={}&include_only[]=", SIGNED),
            ("payload={}&include_only=", SIGNED),
            ("name=n&expand[]=x", unknown),
            ("", "parameter_missing payload Missing required param: payload."),
            ("include_only=x", "parameter_missing payload Missing required param: payload."),
            (
                "payload=",
                "parameter_invalid_empty payload You passed an empty string for 'payload'. We assume empty values are an attempt to \
                 unset a parameter; however 'payload' cannot be unset. You should remove 'payload' from your request or supply a \
                 non-empty value.",
            ),
            ("payload[]=x&include_only=x", "- payload Invalid string: ****"),
            (
                &format!("payload={}", "x".repeat(5_001)),
                "- payload Invalid string: ****...****; must be at most 5000 characters",
            ),
            ("payload={}&include_only=signature", "- include_only Invalid array"),
            ("payload={}&include_only[]=user_id", "- include_only Invalid include_only: must be one of signature"),
            (
                "payload={}&include_only[]=signature&include_only[]=x",
                "- include_only Invalid include_only: must be one of signature",
            ),
        ] {
            assert_eq!(signed(query, "usr_1"), expected, "{query}");
        }
    }

    #[test]
    fn rule_8_2_the_answer() {
        assert_eq!(render_signature(1_900_000_000, "00ff"), b"{\n  \"signature\": \"t=1900000000,v1=00ff\"\n}\n");
    }

    proptest! {
        #[test]
        fn rule_8_2_what_is_signed_says_who_signed(user in any::<String>(), extra in r#"(, ?"[a-zA-Z_\\"]{0,8}" ?: ?(1|"[\\"a-z]{0,3}"|\{\}))"#) {
            let payload = format!("{{{}}}", &extra[1..]);
            let query = format!("payload={}", byte_serialize(payload.as_bytes()).collect::<String>());
            let signed = signed(&query, &user);
            if signed.starts_with('{') {
                let value = serde_json::from_str::<serde_json::Value>(&signed).unwrap();
                prop_assert_eq!(value["user_id"].as_str(), Some(user.as_str()));
                prop_assert_eq!(value["account_id"].as_str(), Some("acct_x"));
                prop_assert_eq!(value.as_object().unwrap().len(), 3);
            }
        }
    }
}
