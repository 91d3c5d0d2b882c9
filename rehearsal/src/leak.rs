//! Looks for a secret in texts, in the forms in which it could slip out.

use std::fmt::{self, Write as _};

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

#[cfg(feature = "servers")]
use crate::answer_bucket::ReceivedAnswer;
#[cfg(feature = "servers")]
use crate::sandbox::RecordedRequest;

/// One secret and all the texts that would give it away.
#[derive(Clone)]
pub struct Secret {
    name: &'static str,
    forms: Vec<String>,
}

/// Shows the name alone.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secret").field(&self.name).finish()
    }
}

impl Secret {
    /// A secret in all its forms: as it is, in a URL, in JSON with any of its
    /// escapes, and in base64 with anything around it.
    #[must_use]
    pub fn new(name: &'static str, secret: &str) -> Self {
        let mut forms = vec![
            secret.to_owned(),
            url_encoded(secret),
            json_escaped(secret),
            secret.replace('/', "\\/"),
        ];
        for offset in 0..3 {
            forms.push(base64_core(&STANDARD_NO_PAD, secret, offset));
            forms.push(base64_core(&URL_SAFE_NO_PAD, secret, offset));
        }
        forms.sort();
        forms.dedup();
        Self { name, forms }
    }

    /// Where the secret is in `texts`, which are of `place`. The finding
    /// does not quote the text: it would leak once more.
    #[must_use]
    pub fn found_in<'a>(
        &self,
        place: &str,
        texts: impl IntoIterator<Item = &'a str>,
    ) -> Vec<String> {
        let gives_away = |text: &str| self.forms.iter().any(|form| text.contains(form));
        texts
            .into_iter()
            .enumerate()
            .filter(|(_, text)| gives_away(text))
            .map(|(index, _)| format!("the {} is in {place} {}", self.name, index + 1))
            .collect()
    }
}

/// Where one of the secrets is in a function's log, in the answers, or in the
/// request lines that the vendor keeps.
#[cfg(feature = "servers")]
#[must_use]
pub fn search(
    secrets: &[Secret],
    log: &[String],
    answers: &[ReceivedAnswer],
    requests: &[RecordedRequest],
) -> Vec<String> {
    let bodies: Vec<_> = answers
        .iter()
        .map(|answer| String::from_utf8_lossy(&answer.body))
        .collect();
    let lines: Vec<String> = requests
        .iter()
        .map(|call| format!("{} {:?} {:?}", call.path, call.query, call.idempotency_key))
        .collect();
    let mut found = Vec::new();
    for secret in secrets {
        found.extend(secret.found_in("log line", log.iter().map(String::as_str)));
        found.extend(secret.found_in("answer", bodies.iter().map(AsRef::as_ref)));
        found.extend(secret.found_in("request line", lines.iter().map(String::as_str)));
    }
    found
}

/// The characters that the base64 form of any text has where the secret
/// stands `offset` bytes (modulo 3) from its start.
fn base64_core(alphabet: &impl base64::Engine, secret: &str, offset: usize) -> String {
    let mut bytes = vec![0; offset];
    bytes.extend(secret.as_bytes());
    let encoded = alphabet.encode(&bytes);
    // The first and the last characters also depend on the neighbours.
    let start = (offset * 8).div_ceil(6);
    let end = bytes.len() * 8 / 6;
    encoded[start..end].to_owned()
}

/// With every character escaped that JSON may escape in any text.
fn json_escaped(secret: &str) -> String {
    secret.chars().fold(String::new(), |mut text, c| {
        if c.is_ascii_alphanumeric() {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                write!(text, "\\u{unit:04x}").expect("writing to a string does not fail");
            }
        }
        text
    })
}

fn url_encoded(secret: &str) -> String {
    secret.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a string does not fail");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    const SECRET: &str = "to+ken/1234567890";

    fn leaks(text: &str) -> bool {
        let secret = Secret::new("token", SECRET);
        !secret.found_in("log line", [text]).is_empty()
    }

    #[test]
    fn finds_a_secret_in_each_form() {
        assert!(leaks("token=to+ken/1234567890;"));
        assert!(leaks("token=to%2Bken%2F1234567890;"));
        assert!(leaks(r#"{"token": "to\u002bken\u002f1234567890"}"#));
        assert!(leaks(r#"{"token": "to+ken\/1234567890"}"#));
        for before in ["", "a", "ab", "abc"] {
            let text = format!("{before}{SECRET}c");
            assert!(leaks(&STANDARD_NO_PAD.encode(&text)), "{before}");
            assert!(leaks(&URL_SAFE_NO_PAD.encode(&text)), "{before}");
        }
    }

    #[test]
    fn passes_other_texts_and_never_quotes() {
        assert!(!leaks("to+ken/"));
        let found = Secret::new("token", SECRET).found_in("log line", ["fine", SECRET]);
        assert_eq!(found, ["the token is in log line 2"]);
    }
}
