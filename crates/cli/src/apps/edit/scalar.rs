//! Writing one string.

use cholla_server::manifest::Format;

/// Words that YAML, or a reader of its older version, takes for something else than a string.
const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// `value` as it is written in a manifest, in quotes like those of `like` where that is possible.
pub(super) fn written(value: &str, like: &str, format: Format, is_flow: bool) -> String {
    let quoted = || serde_json::to_string(value).expect("a string is JSON");
    if format == Format::V1Json || like.starts_with('"') {
        return quoted();
    }
    let is_printable = !value.chars().any(char::is_control);
    if like.starts_with('\'') && is_printable {
        return format!("'{}'", value.replace('\'', "''"));
    }
    if is_printable && is_plain(value, is_flow) { value.to_owned() } else { quoted() }
}

/// Whether YAML reads `value` without quotes as the string that it is. Careful: quotes never hurt.
fn is_plain(value: &str, is_flow: bool) -> bool {
    let begins = value.starts_with(|first: char| first.is_alphabetic());
    let legal = |character: char| {
        character.is_alphanumeric() || " _-.;()/'!?+%".contains(character) || (!is_flow && character == ',')
    };
    let is_word = WORDS.iter().any(|word| value.eq_ignore_ascii_case(word));
    begins && value.chars().all(legal) && !value.ends_with(' ') && !is_word
}
