//! Durations as people write them: `90s`, `15m`, `2h`, `30d`.

use cholla_domain::limits::EXPIRY_AHEAD_SECONDS_MAX;

/// Reads a whole number and one of `s`, `m`, `h`, `d` as seconds. `None` for anything else, and beyond
/// [`EXPIRY_AHEAD_SECONDS_MAX`] (100 years).
pub fn duration_seconds(text: &str) -> Option<i64> {
    let unit = match text.as_bytes().last()? {
        b's' => 1,
        b'm' => 60,
        b'h' => 60 * 60,
        b'd' => 24 * 60 * 60,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds = digits.parse::<i64>().ok()?.checked_mul(unit)?;
    (seconds <= EXPIRY_AHEAD_SECONDS_MAX).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        for (text, expected) in [
            ("0s", Some(0)),
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("2h", Some(7_200)),
            ("30d", Some(2_592_000)),
            ("36525d", Some(3_155_760_000)),
            ("36526d", None),
            ("99999999999999999999s", None),
            ("9223372036854775807d", None),
            ("", None),
            ("s", None),
            ("15", None),
            ("15M", None),
            ("-1s", None),
            ("+1s", None),
            ("1.5h", None),
            ("1h30m", None),
            ("15 m", None),
            ("15µ", None),
        ] {
            assert_eq!(duration_seconds(text), expected, "{text}");
        }
    }
}
