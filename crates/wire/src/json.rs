//! JSON as this API prints it: two spaces a level, members in the order in which they are written.

/// What stands for each byte in a JSON string: 0 for the byte itself, `u` for `\u00xx`, else the letter behind a backslash.
///
/// These are the rules of `JSON.stringify`: nothing above the control characters is escaped but the quotation mark and the backslash.
const ESCAPES: [u8; 256] = {
    let mut escapes = [0; 256];
    let mut control = 0;
    while control < 0x20 {
        escapes[control] = b'u';
        control += 1;
    }
    escapes[0x08] = b'b';
    escapes[0x09] = b't';
    escapes[0x0a] = b'n';
    escapes[0x0c] = b'f';
    escapes[0x0d] = b'r';
    escapes[b'"' as usize] = b'"';
    escapes[b'\\' as usize] = b'\\';
    escapes
};

/// Whether every byte of `text` stands for itself, as in almost all names and keys. Looks at all of them, many at a time.
fn is_plain(text: &str) -> bool {
    let escaped = |byte| u8::from(byte < 0x20) | u8::from(byte == b'"') | u8::from(byte == b'\\');
    text.bytes().fold(0, |seen, byte| seen | escaped(byte)) == 0
}

/// Appends `text` as a JSON string, quotation marks included.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
    } else {
        push_escaped(out, text.as_bytes());
    }
    out.push(b'"');
}

/// Appends the inside of a JSON string. Runs of bytes that stand for themselves are copied whole.
fn push_escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        let escape = ESCAPES[usize::from(byte)];
        if escape == 0 {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        out.extend_from_slice(&[b'\\', escape]);
        if escape == b'u' {
            out.extend_from_slice(&[b'0', b'0', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 0xf)]]);
        }
    }
    out.extend_from_slice(&bytes[copied..]);
}

/// The number of bytes that [`push_string`] appends for `text`.
pub(crate) fn string_len(text: &str) -> usize {
    if is_plain(text) {
        return 2 + text.len();
    }
    let escaped = |byte: u8| match ESCAPES[usize::from(byte)] {
        0 => 1,
        b'u' => 6,
        _ => 2,
    };
    2 + text.bytes().map(escaped).sum::<usize>()
}

/// Appends a line break and the indentation of `level`; no body of ours is nested deeper than these spaces.
fn push_line(out: &mut Vec<u8>, level: usize) {
    const SPACES: &[u8; 17] = b"\n                ";
    out.extend_from_slice(&SPACES[..=2 * level]);
}

/// An object that is being written. [`close`](Self::close) ends it. Keys are ours and need no escaping.
pub(crate) struct Object<'a> {
    out: &'a mut Vec<u8>,
    level: usize,
    empty: bool,
}

impl<'a> Object<'a> {
    /// Begins an object whose closing brace is indented by `level`.
    pub(crate) fn open(out: &'a mut Vec<u8>, level: usize) -> Self {
        out.push(b'{');
        Self { out, level, empty: true }
    }

    /// Begins a member and returns where its value goes.
    fn key(&mut self, key: &str) -> &mut Vec<u8> {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
        push_line(self.out, self.level + 1);
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\": ");
        self.out
    }

    /// A string.
    pub(crate) fn string(&mut self, key: &str, value: &str) {
        push_string(self.key(key), value);
    }

    /// A string made of two parts that need no escaping.
    pub(crate) fn plain(&mut self, key: &str, prefix: &str, rest: &str) {
        let out = self.key(key);
        out.push(b'"');
        out.extend_from_slice(prefix.as_bytes());
        out.extend_from_slice(rest.as_bytes());
        out.push(b'"');
    }

    /// A string, or `null`.
    pub(crate) fn nullable(&mut self, key: &str, value: Option<&str>) {
        match value {
            Some(value) => self.string(key, value),
            None => self.key(key).extend_from_slice(b"null"),
        }
    }

    /// An array of strings.
    pub(crate) fn strings<'s>(&mut self, key: &str, items: impl Iterator<Item = &'s str>) {
        let level = self.level + 1;
        let out = self.key(key);
        out.push(b'[');
        let mut empty = true;
        for item in items {
            if !empty {
                out.push(b',');
            }
            empty = false;
            push_line(out, level + 1);
            push_string(out, item);
        }
        if !empty {
            push_line(out, level);
        }
        out.push(b']');
    }

    /// An integer, or `null`.
    pub(crate) fn integer(&mut self, key: &str, value: Option<i64>) {
        let out = self.key(key);
        match value {
            Some(value) => out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes()),
            None => out.extend_from_slice(b"null"),
        }
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, key: &str, value: bool) {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// An object that `write` fills.
    pub(crate) fn object(&mut self, key: &str, write: impl FnOnce(&mut Object<'_>)) {
        let level = self.level + 1;
        let mut inner = Object::open(self.key(key), level);
        write(&mut inner);
        inner.close();
    }

    /// An array of objects, each filled by `write`.
    pub(crate) fn objects<T>(&mut self, key: &str, items: &[T], write: impl Fn(&mut Object<'_>, &T)) {
        let level = self.level + 1;
        let out = self.key(key);
        out.push(b'[');
        for (at, item) in items.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            push_line(out, level + 1);
            let mut inner = Object::open(out, level + 1);
            write(&mut inner, item);
            inner.close();
        }
        if !items.is_empty() {
            push_line(out, level);
        }
        out.push(b']');
    }

    /// Ends the object.
    pub(crate) fn close(self) {
        if !self.empty {
            push_line(self.out, self.level);
        }
        self.out.push(b'}');
    }
}

/// Appends a whole body: an object that `write` fills, and a final newline.
pub(crate) fn push_body(out: &mut Vec<u8>, write: impl FnOnce(&mut Object<'_>)) {
    let mut object = Object::open(out, 0);
    write(&mut object);
    object.close();
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn printed(text: &str) -> String {
        let mut out = Vec::new();
        push_string(&mut out, text);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rule_8_2_strings_are_escaped_as_json_stringify_escapes_them() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            ("\"\\/", r#""\"\\/""#),
            ("\u{8}\u{c}\n\r\t", r#""\b\f\n\r\t""#),
            ("\u{0}\u{1f}\u{7f}", "\"\\u0000\\u001f\u{7f}\""),
            ("\u{2028}\u{2029}<>&'", "\"\u{2028}\u{2029}<>&'\""),
            ("naïve 🌵", "\"naïve 🌵\""),
        ] {
            assert_eq!(printed(text), expected);
        }
    }

    proptest! {
        #[test]
        fn any_string_parses_back_and_has_the_length_foreseen(text in any::<String>()) {
            let printed = printed(&text);
            prop_assert_eq!(printed.len(), string_len(&text));
            prop_assert_eq!(serde_json::from_str::<String>(&printed).unwrap(), text);
        }
    }
}
