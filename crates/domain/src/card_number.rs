//! Card numbers in a text: what the payload guard looks for.
//!
//! A guard against accidents, not against somebody who hides a number. It is narrow, so that ids, timestamps, tokens and measurements
//! pass: a number has the digits in which a card network's numbers begin, a length in which that network issues them, a right check
//! digit, and nothing beside it that would make it a part of something longer.

use std::ops::RangeInclusive;

/// Digits of a card number (ISO/IEC 7812).
const DIGITS: RangeInclusive<usize> = 13..=19;
/// Digits in a row that one part of a grouped number has at least: lists of small numbers, dates and times are no card numbers.
const GROUP_DIGITS_MIN: usize = 3;

/// Whether a card number stands in `text`: 13 to 19 ASCII digits, which single spaces or dashes may divide into groups. In linear time.
pub(crate) fn stands_in(text: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let digits = digits_at(bytes, at);
        if digits > 0 && may_begin(bytes, at) && begins(bytes, at) {
            return true;
        }
        at += digits.max(1);
    }
    false
}

/// How many digits stand in a row from `at` on.
fn digits_at(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// Whether a card number begins at `from`, the first digit of a row. Looks at the groups of one number and no further.
fn begins(bytes: &[u8], from: usize) -> bool {
    let mut number = Digits::default();
    let mut at = from;
    loop {
        let group = digits_at(bytes, at);
        if group < GROUP_DIGITS_MIN || number.count + group > *DIGITS.end() {
            return false;
        }
        for digit in &bytes[at..at + group] {
            number.push(digit - b'0');
        }
        at += group;
        if number.is_card_number() && may_end(bytes, at) {
            return true;
        }
        match bytes[at..] {
            [b' ' | b'-', b'0'..=b'9', ..] => at += 1,
            _ => return false,
        }
    }
}

/// Whether what stands before `at` lets a number begin there: no letter (a token), no decimal point, no `+` (a telephone number).
fn may_begin(bytes: &[u8], at: usize) -> bool {
    match bytes[..at] {
        // Nothing, or the letter of an escape such as JSON's `\n`.
        [] | [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => true,
        [.., b'0'..=b'9', b'.'] | [.., b'+'] => false,
        [.., before] => !before.is_ascii_alphanumeric(),
    }
}

/// Whether what stands from `at` on lets a number end before it.
fn may_end(bytes: &[u8], at: usize) -> bool {
    match bytes[at..] {
        [b'.', b'0'..=b'9', ..] => false,
        [after, ..] => !after.is_ascii_alphanumeric(),
        [] => true,
    }
}

/// The digits read so far, as what is asked of them. The digits themselves are part of a payload: no copy of them is made.
#[derive(Default)]
struct Digits {
    count: usize,
    /// The first four.
    leading: u16,
    /// Sums by Luhn's formula, once with every digit of an even index doubled, once with every digit of an odd one: which of them
    /// counts is known at the end.
    sums: [u16; 2],
}

impl Digits {
    fn push(&mut self, digit: u8) {
        let digit = u16::from(digit);
        let doubled = if digit < 5 { 2 * digit } else { 2 * digit - 9 };
        self.sums[self.count % 2] += doubled;
        self.sums[(self.count + 1) % 2] += digit;
        if self.count < 4 {
            self.leading = 10 * self.leading + digit;
        }
        self.count += 1;
    }

    /// Counted from the last digit, every second one is doubled, and the sum is divisible by ten.
    fn is_card_number(&self) -> bool {
        DIGITS.contains(&self.count) && self.is_issued() && self.sums[self.count % 2].is_multiple_of(10)
    }

    /// Whether a network issues numbers of this length that begin like this.
    fn is_issued(&self) -> bool {
        match self.leading {
            // Visa.
            4000..=4999 => matches!(self.count, 13 | 16 | 19),
            // Mastercard.
            2221..=2720 | 5100..=5599 => self.count == 16,
            // American Express.
            3400..=3499 | 3700..=3799 => self.count == 15,
            // Diners Club.
            3000..=3059 | 3600..=3699 | 3800..=3899 => self.count >= 14,
            // JCB, UnionPay and Discover.
            3500..=3599 | 6011 | 6200..=6299 | 6440..=6599 => self.count >= 16,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(stands_in(text), expected, "{text:?}");
    }

    #[test]
    fn numbers_of_every_network() {
        for number in [
            "4242424242424242",
            "4000056655665556",
            "4222222222222",
            "4000000000000000006",
            "5555555555554444",
            "5105105105105100",
            "2223003122003222",
            "2720990000000007",
            "378282246310005",
            "341111111111111",
            "30569309025904",
            "36227206271667",
            "38520000023237",
            "3566002020360505",
            "6011111111111117",
            "6011000990139424",
            "6200000000000005",
            "6205500000000000004",
            "6445644564456445",
            "6500000000000002",
        ] {
            check(number, true);
        }
    }

    #[test]
    fn near_misses() {
        for text in [
            // A wrong check digit.
            "4242424242424241",
            "378282246310006",
            // A right one, and no network's beginning.
            "1111111111111117",
            "2220990000000009",
            "2721000000000004",
            "9999999999999995",
            "0000000000000000",
            "6010000000000005",
            // A right one, and a length that the network does not have.
            "42424242424242",
            "424242424242424",
            "55555555555553",
            // Too short, too long.
            "424242424242",
            "42424242424242424242",
            "4242424242424242424242424242424242424242",
            "",
            "-",
        ] {
            check(text, false);
        }
    }

    #[test]
    fn groups() {
        for (text, expected) in [
            ("4242 4242 4242 4242", true),
            ("4242-4242-4242-4242", true),
            ("4242 4242-4242 4242", true),
            ("3782 822463 10005", true),
            ("424242 4242424242", true),
            ("4000 0000 0000 0000 006", true),
            ("4242 4242 4242 4242 123", true),
            ("17 4242 4242 4242 4242", true),
            ("2024-01-15 4242-4242-4242-4242", true),
            ("4242 4242 4242 4242 4242", true),
            ("4242  4242 4242 4242", false),
            ("4242 - 4242 4242 4242", false),
            ("4242--4242-4242-4242", false),
            ("4242,4242,4242,4242", false),
            ("4242.4242.4242.4242", false),
            ("4242\t4242\t4242\t4242", false),
            ("4242\n4242 4242 4242", false),
            ("4242\u{a0}4242\u{a0}4242\u{a0}4242", false),
            ("42 42 42 42 42 42 42 42", false),
            ("4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2", false),
            ("4242 4242 4242 4241", false),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn borders() {
        for (text, expected) in [
            ("card 4242424242424242.", true),
            (r#"{"card":"4242424242424242"}"#, true),
            (r#"{"card":4242424242424242,"cvc":123}"#, true),
            (r#"{"note":"card\n4242 4242 4242 4242\nthanks"}"#, true),
            ("number=4242424242424242&cvc=123", true),
            ("card_4242424242424242_", true),
            ("é4242424242424242é", true),
            ("４4242424242424242", true),
            ("No.4242424242424242", true),
            ("-4242424242424242-", true),
            ("x4242424242424242", false),
            ("4242424242424242x", false),
            ("14242424242424242", false),
            ("42424242424242421", false),
            ("deadbeef4242424242424242deadbeef", false),
            ("0.4242424242424242", false),
            ("4242424242424242.5", false),
            ("+4222222222222", false),
        ] {
            check(text, expected);
        }
    }

    #[test]
    fn what_is_no_card_number() {
        for text in [
            // Digits of other scripts.
            "４２４２４２４２４２４２４２４２",
            "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
            // Times: Unix in milliseconds, microseconds and nanoseconds, and dates.
            "1704067200000",
            "1704067200000000",
            "1704067200000000000",
            "2024-01-15 10:30:00 2024-01-16 11:45:30",
            // Ids, tokens, keys.
            "550e8400-e29b-41d4-a716-446655440000",
            "acct_1032D82eZvKYlo2C",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
            "192.168.100.200 10.0.0.1",
        ] {
            check(text, false);
        }
    }

    /// The digits of a number of some network, with its check digit.
    fn numbers() -> impl Strategy<Value = Vec<u8>> {
        let beginnings = vec![
            ("4", 13),
            ("4", 16),
            ("4", 19),
            ("51", 16),
            ("55", 16),
            ("2221", 16),
            ("2720", 16),
            ("34", 15),
            ("37", 15),
            ("300", 14),
            ("305", 14),
            ("36", 14),
            ("38", 14),
            ("35", 16),
            ("6011", 16),
            ("62", 19),
            ("644", 16),
            ("65", 16),
        ];
        (select(beginnings), vec(0_u8..10, 19)).prop_map(|((beginning, length), rest)| {
            let mut number: Vec<u8> = beginning.bytes().map(|byte| byte - b'0').chain(rest).take(length - 1).collect();
            let sum: u8 = number
                .iter()
                .rev()
                .enumerate()
                .map(|(index, digit)| if index % 2 == 0 { (2 * digit) / 10 + (2 * digit) % 10 } else { *digit })
                .sum();
            number.push((10 - sum % 10) % 10);
            number
        })
    }

    /// `number` as text, in groups of these lengths with these separators between them; what is left is the last group.
    fn written(number: &[u8], groups: &[(usize, char)]) -> String {
        let mut text = String::new();
        let mut rest = number;
        for (length, separator) in groups {
            if rest.len() < length + GROUP_DIGITS_MIN {
                break;
            }
            text.extend(rest[..*length].iter().map(|digit| char::from(b'0' + digit)));
            text.push(*separator);
            rest = &rest[*length..];
        }
        text.extend(rest.iter().map(|digit| char::from(b'0' + digit)));
        text
    }

    proptest! {
        #[test]
        fn a_number_is_found_in_any_text(
            number in numbers(),
            groups in vec((GROUP_DIGITS_MIN..=6, select(vec![' ', '-'])), 0..6),
            before in ".{0,40}",
            borders in (select(vec![" ", "\n", "\"", ":", "_", "é", "４"]), select(vec![" ", "\n", "\"", ",", ". ", "é"])),
            after in ".{0,40}",
        ) {
            let number = written(&number, &groups);
            let (open, close) = borders;
            let text = [before.as_str(), open, number.as_str(), close, after.as_str()].concat();
            prop_assert!(stands_in(&number) && stands_in(&text), "{}", text);
        }

        #[test]
        fn a_number_with_one_other_digit_is_not_found(number in numbers(), index in 0_usize..13, change in 1_u8..10) {
            let mut number = number;
            number[index] = (number[index] + change) % 10;
            prop_assert!(!stands_in(&written(&number, &[])));
        }

        #[test]
        fn no_text_is_too_odd(text in "[0-9 -]{0,200}", other in ".{0,100}") {
            let without_digits: String = other.chars().filter(|character| !character.is_ascii_digit()).collect();
            prop_assert!(!stands_in(&without_digits));
            prop_assert_eq!(stands_in(&text), stands_in(&[" ", text.as_str(), " "].concat()));
        }
    }
}
