//! Macros: `{{name}}` in what a case sends and expects.

use super::Session;
use crate::world::masked;

impl Session<'_> {
    /// [`expand`](Self::expand), where only text makes sense.
    pub(super) fn text(&self, text: &str, i: usize) -> Result<String, String> {
        String::from_utf8(self.expand(text, i)?).map_err(|_| "not UTF-8".to_owned())
    }

    /// `text` with every `{{macro}}` replaced.
    pub(super) fn expand(&self, text: &str, i: usize) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("{{") {
            let (name, after) = behind.split_once("}}").ok_or("a macro without an end")?;
            bytes.extend_from_slice(before.as_bytes());
            bytes.extend(self.macro_value(name, i)?);
            rest = after;
        }
        bytes.extend_from_slice(rest.as_bytes());
        Ok(bytes)
    }

    fn macro_value(&self, name: &str, i: usize) -> Result<Vec<u8>, String> {
        if let Some(repeated) = name.strip_prefix("repeat:") {
            let (count, text) = repeated.split_once(':').ok_or("`repeat:COUNT:TEXT`")?;
            return Ok(text.repeat(count.parse().map_err(|_| "not a count")?).into_bytes());
        }
        if let Some(hex) = name.strip_prefix("byte:") {
            return Ok(vec![u8::from_str_radix(hex, 16).map_err(|_| "not a byte")?]);
        }
        if let Some(variable) = name.strip_prefix("encode:") {
            return Ok(percent_encoded(&self.macro_value(variable, i)?));
        }
        if let Some(alias) = name.strip_prefix("basic:") {
            return Ok(base64(self.text(&format!("{{{{{alias}}}}}:"), i)?.as_bytes()));
        }
        if let Some(variable) = name.strip_prefix("mask:") {
            let key = self.text(&format!("{{{{{variable}}}}}"), i)?;
            return Ok(masked(&key).into_bytes());
        }
        if name == "i" {
            return Ok(i.to_string().into_bytes());
        }
        if let Some(value) = self.captures.get(name) {
            return Ok(value.clone());
        }
        if let Some(value) = self.world.variable(name) {
            return Ok(value.into_bytes());
        }
        let at = name.find(['+', '-']).unwrap_or(name.len());
        let base = match (&name[..at], self.captures.get(&name[..at])) {
            ("now", _) => self.now()?,
            (_, Some(value)) => {
                String::from_utf8_lossy(value).parse().map_err(|_| format!("`{name}` needs a number"))?
            }
            _ => return Err(format!("unknown macro `{name}`")),
        };
        let shift: i64 = if at == name.len() { 0 } else { name[at..].parse().map_err(|_| format!("`{name}`"))? };
        Ok((base + shift).to_string().into_bytes())
    }
}

/// All but `A-Za-z0-9-._~` as `%XX`.
fn percent_encoded(bytes: &[u8]) -> Vec<u8> {
    let encode = |byte: &u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => vec![*byte],
        other => format!("%{other:02X}").into_bytes(),
    };
    bytes.iter().flat_map(encode).collect()
}

/// Standard base64 with padding.
fn base64(bytes: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = Vec::new();
    for chunk in bytes.chunks(3) {
        let group = chunk.iter().fold(0, |group, byte| group << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let index = group >> (18 - 6 * place) & 63;
            text.push(if place <= chunk.len() { ALPHABET[index as usize] } else { b'=' });
        }
    }
    text
}
