//! The grammar of JSON, checked without building values: enough to sign an object exactly as it was sent (contract 8.2).

/// The names of the members of the JSON object that `text` is, unescaped, and the text between its braces. White space around it is
/// ignored. `None` when `text` is not one JSON object.
///
/// Numbers are checked, not read, so that none is too large. A lone surrogate in a name is read as U+FFFD, as Go reads it.
pub(crate) fn object_members(text: &str) -> Option<(Vec<String>, &str)> {
    let inner = text.trim_matches(is_space).strip_prefix('{')?.strip_suffix('}')?;
    let mut scan = Scan { rest: inner };
    let mut names = Vec::new();
    scan.skip_space();
    while !scan.rest.is_empty() {
        if !names.is_empty() {
            scan.token(b',')?;
            scan.skip_space();
        }
        names.push(unescaped(scan.string()?)?);
        scan.skip_space();
        scan.token(b':')?;
        scan.value()?;
        scan.skip_space();
    }
    Some((names, inner))
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

/// What is left of a text.
struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start_matches(is_space);
    }

    fn peek(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    fn token(&mut self, byte: u8) -> Option<()> {
        self.rest = self.rest.strip_prefix(char::from(byte))?;
        Some(())
    }

    /// One value of any kind, with the space before it. Open brackets are on a stack of our own: the nesting is the sender's.
    fn value(&mut self) -> Option<()> {
        let mut open = Vec::new();
        loop {
            self.skip_space();
            match self.peek()? {
                bracket @ (b'{' | b'[') => {
                    self.token(bracket)?;
                    self.skip_space();
                    let close = if bracket == b'{' { b'}' } else { b']' };
                    if self.peek()? != close {
                        open.push(close);
                        self.name_of_member(close)?;
                        continue;
                    }
                    self.token(close)?;
                }
                b'"' => drop(self.string()?),
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number()?,
            }
            if !self.ends(&mut open)? {
                return Some(());
            }
        }
    }

    /// Behind a value: closes what it ends. Whether another value follows inside an open bracket.
    fn ends(&mut self, open: &mut Vec<u8>) -> Option<bool> {
        while let Some(&close) = open.last() {
            self.skip_space();
            if self.peek()? == b',' {
                self.token(b',')?;
                self.name_of_member(close)?;
                return Some(true);
            }
            self.token(close)?;
            open.pop();
        }
        Some(false)
    }

    /// In an object (one that `}` closes), the name before a value and its colon.
    fn name_of_member(&mut self, close: u8) -> Option<()> {
        if close == b'}' {
            self.skip_space();
            self.string()?;
            self.skip_space();
            self.token(b':')?;
        }
        Some(())
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(())
    }

    /// A string; what is between its quotation marks, still escaped.
    fn string(&mut self) -> Option<&'a str> {
        self.token(b'"')?;
        let bytes = self.rest.as_bytes();
        let mut at = 0;
        loop {
            match bytes.get(at)? {
                b'"' => break,
                b'\\' => match bytes.get(at + 1)? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                    b'u' if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => at += 6,
                    _ => return None,
                },
                0..0x20 => return None,
                _ => at += 1,
            }
        }
        let escaped = &self.rest[..at];
        self.rest = &self.rest[at + 1..];
        Some(escaped)
    }

    fn number(&mut self) -> Option<()> {
        self.rest = self.rest.strip_prefix('-').unwrap_or(self.rest);
        let zero_first = self.peek()? == b'0';
        if self.digits()? > 1 && zero_first {
            return None;
        }
        if let Some(fraction) = self.rest.strip_prefix('.') {
            self.rest = fraction;
            self.digits()?;
        }
        if let Some(exponent) = self.rest.strip_prefix(['e', 'E']) {
            self.rest = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            self.digits()?;
        }
        Some(())
    }

    /// One digit at least; how many.
    fn digits(&mut self) -> Option<usize> {
        let behind = self.rest.trim_start_matches(|character: char| character.is_ascii_digit());
        let count = self.rest.len() - behind.len();
        self.rest = behind;
        (count > 0).then_some(count)
    }
}

/// The text that an escaped string stands for.
fn unescaped(escaped: &str) -> Option<String> {
    let mut units = Vec::with_capacity(escaped.len());
    let mut characters = escaped.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            units.extend_from_slice(character.encode_utf16(&mut [0; 2]));
            continue;
        }
        units.push(match characters.next()? {
            'b' => 0x08,
            'f' => 0x0c,
            'n' => 0x0a,
            'r' => 0x0d,
            't' => 0x09,
            'u' => {
                let (digits, behind) = characters.as_str().split_at_checked(4)?;
                characters = behind.chars();
                u16::from_str_radix(digits, 16).ok()?
            }
            other => u16::try_from(u32::from(other)).ok()?,
        });
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Option<String> {
        object_members(text).map(|(names, _)| names.join("|"))
    }

    #[test]
    fn rule_8_2_only_json_objects_have_members() {
        for (text, expected) in [
            ("{}", Some("")),
            (" \t\r\n{ \n } ", Some("")),
            (r#"{"a":1}"#, Some("a")),
            (r#" { "a" : [1, {"b": [], "c": {}}] , "d" : "}" } "#, Some("a|d")),
            (r#"{"a":-0.5e+21,"b":1e999,"c":true,"d":null,"e":false}"#, Some("a|b|c|d|e")),
            (r#"{"\u0061\n\"\\\/":"\ud800"}"#, Some("a\n\"\\/")),
            (r#"{"\ud83c\udf35":1,"\ud83c":2}"#, Some("🌵|\u{fffd}")),
            (r#"{"ä":"🌵"}"#, Some("ä")),
            ("", None),
            ("[]", None),
            ("null", None),
            ("\"{}\"", None),
            ("{", None),
            ("}", None),
            ("{}{}", None),
            ("{},{}", None),
            (r#"{"a":1}}"#, None),
            (r#"{"a":1},{"b":2}"#, None),
            (r#"{"a":1,}"#, None),
            (r#"{,"a":1}"#, None),
            (r#"{"a" 1}"#, None),
            (r#"{"a":1 "b":2}"#, None),
            (r#"{"a"}"#, None),
            (r#"{"a":}"#, None),
            (r"{a:1}", None),
            (r"{'a':1}", None),
            (r#"{"a":01}"#, None),
            (r#"{"a":1.}"#, None),
            (r#"{"a":.5}"#, None),
            (r#"{"a":+1}"#, None),
            (r#"{"a":1e}"#, None),
            (r#"{"a":-}"#, None),
            (r#"{"a":NaN}"#, None),
            (r#"{"a":truer}"#, None),
            (r#"{"a":"\x"}"#, None),
            (r#"{"a":"\u12g4"}"#, None),
            ("{\"a\":\"\n\"}", None),
            (r#"{"a":"open}"#, None),
            (r#"{"a":[1,]}"#, None),
            (r#"{"a":[1}"#, None),
            (r#"{"a":{"b":1]}"#, None),
            (r#"{"a":{"b"}}"#, None),
            (r#"{"a":{1:2}}"#, None),
            ("\u{feff}{}", None),
            ("\u{a0}{}", None),
            ("{}//", None),
        ] {
            assert_eq!(names(text).as_deref(), expected, "{text}");
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(4_000), "]".repeat(4_000));
        assert_eq!(names(&deep).as_deref(), Some("a"));
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::hash_map(any::<String>(), inner, 0..6)
                    .prop_map(|members| serde_json::Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn rule_8_2_what_a_json_library_prints_has_the_members_it_has(value in json(), pretty in any::<bool>()) {
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let expected = value.as_object().map(|members| members.keys().cloned().collect::<Vec<_>>());
            prop_assert_eq!(object_members(&text).map(|(names, _)| names), expected);
        }

        #[test]
        fn rule_8_2_damaged_json_is_read_or_refused_as_a_json_library_does(
            value in json(), at in any::<proptest::sample::Index>(), replacement in "[ {}\\[\\]\",:\\\\/a0-9.eEun+-]{0,2}",
        ) {
            let mut characters = serde_json::to_string(&value).unwrap().chars().map(String::from).collect::<Vec<_>>();
            let at = at.index(characters.len());
            characters[at] = replacement;
            let text = characters.concat();
            let is_object = match serde_json::from_str::<serde_json::Value>(&text) {
                Ok(value) => value.is_object(),
                // Both are JSON by its grammar; the library refuses them because it reads the values.
                Err(error) if ["out of range", "surrogate", "hex escape"].iter().any(|why| error.to_string().contains(why)) => return Ok(()),
                Err(_) => false,
            };
            prop_assert_eq!(object_members(&text).is_some(), is_object, "{}", text);
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            prop_assert!(object_members(&text).is_none_or(|(names, inner)| names.is_empty() == inner.trim_matches(is_space).is_empty()));
        }
    }
}
