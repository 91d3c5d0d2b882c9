//! Text from elsewhere, made fit to be shown.
//!
//! What the vendor sends is data. A person reads it in the console and in the
//! log, so it is quoted, printable and short, holds no link to click, and never
//! one of our own secrets sent back to us.

use secrecy::{ExposeSecret, SecretString};

/// The longest piece of foreign text in a reason or a log line, in characters.
pub const FOREIGN_TEXT_LIMIT: usize = 200;

/// Foreign text as it may be shown: without the given secrets, links and
/// anything unprintable, cut after [`FOREIGN_TEXT_LIMIT`] characters.
pub fn shown(text: &str, secrets: &[&SecretString]) -> String {
    // Visible first: what is left out could stand in the middle of a secret.
    let without_secrets = secrets.iter().fold(visible(text), |text, secret| {
        let secret = visible(secret.expose_secret());
        if secret.is_empty() {
            text
        } else {
            text.replace(&secret, "[secret]")
        }
    });
    let without_links: Vec<&str> = without_secrets
        .split(' ')
        .map(|word| if word.contains("://") { "[link]" } else { word })
        .collect();
    short(without_links.join(" "))
}

/// What the admin typed, as it may be shown back: printable, and cut after
/// [`FOREIGN_TEXT_LIMIT`] characters.
pub fn printable(text: &str) -> String {
    short(visible(text))
}

/// What happened, as a sentence, and what to do about it.
pub fn sentences(what: &str, remedy: &str) -> String {
    let mut letters = what.chars();
    let capitalized: String = letters
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
        .collect();
    format!("{capitalized}. {remedy}")
}

/// The text on one line, without what cannot be seen.
fn visible(text: &str) -> String {
    let words: Vec<&str> = text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    line.chars().filter(|c| !is_invisible(*c)).collect()
}

fn short(text: String) -> String {
    match text.char_indices().nth(FOREIGN_TEXT_LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Characters that turn, hide or join what stands around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '"' | '`')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cases E13 and E42: foreign text is cut between characters, and our own
    /// secrets are taken out of it.
    #[test]
    fn shows_foreign_text_short_printable_and_harmless() {
        let secret = SecretString::from("s3cret");
        for (text, expected) in [
            ("role not found", "role not found"),
            ("line\none\u{7}\ttwo", "line one two"),
            ("see https://evil.example/x now", "see [link] now"),
            ("your token s3cret is bad", "your token [secret] is bad"),
            ("a\u{202e}b \"c\"", "ab c"),
            // Nothing that is left out puts together what must not be shown.
            (
                "your token s3`cr\u{200b}et is bad",
                "your token [secret] is bad",
            ),
            ("see https:\"//evil.example/x now", "see [link] now"),
        ] {
            assert_eq!(shown(text, &[&secret]), expected);
        }
        let quoted = SecretString::from("s3\"cr`et");
        assert_eq!(shown("no s3\"cr`et", &[&quoted]), "no [secret]");
        assert_eq!(shown(&"é".repeat(300), &[]).chars().count(), 201);
    }
}
