//! Lowercase hexadecimal.

/// Appends two digits per byte.
pub(crate) fn push(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from_digit(nibble.into(), 16).expect("four bits are one hexadecimal digit"));
        }
    }
}

/// Fills `out` from exactly two lowercase digits per byte. On `None` its contents mean nothing.
pub(crate) fn read(digits: &[u8], out: &mut [u8]) -> Option<()> {
    if digits.len() != 2 * out.len() {
        return None;
    }
    for (pair, byte) in digits.chunks_exact(2).zip(out) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(())
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_nothing_else() {
        let bytes: Vec<u8> = (0..=255).collect();
        let mut text = String::new();
        push(&mut text, &bytes);
        let mut back = vec![0; bytes.len()];
        assert_eq!(read(text.as_bytes(), &mut back), Some(()));
        assert_eq!(back, bytes);
        for wrong in ["", "0", "000", "0g", "AB", "+1", " 1", "é"] {
            assert_eq!(read(wrong.as_bytes(), &mut [0]), None, "{wrong}");
        }
    }
}
