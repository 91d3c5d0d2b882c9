//! The API token, as it stands in a secret of Secrets Manager.

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;

use crate::api_url::{ApiUrl, ApiUrlError};

/// What a secret holds: the token, and perhaps the address it is for.
///
/// Whoever holds the token decides where it is sent, so an address that stands
/// in the secret itself may be any https host. `Debug` shows no token.
#[derive(Clone, Debug)]
pub struct Token {
    /// The bare token.
    pub secret: SecretString,
    /// The API's address, if the secret names one.
    pub url: Option<ApiUrl>,
}

/// Why a secret's text is no token. No variant holds a piece of it.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum TokenError {
    /// Nothing, or white space.
    #[error("it is empty")]
    Empty,
    /// It starts like JSON and is none.
    #[error("it looks like JSON and is none")]
    NotJson,
    /// JSON without a usable `token`.
    #[error("it is JSON without a text member `token`")]
    NoTokenMember,
    /// Characters that cannot stand in a header: several lines, for example.
    #[error("it has characters that no token has, such as a line break or a space")]
    Unprintable,
    /// The member `url` is no address of an API.
    #[error("its member `url` is {0}")]
    Url(ApiUrlError),
}

impl Token {
    /// Reads a secret's text: the bare token, or `{"token": …, "url": …}`.
    /// White space around the token is dropped.
    ///
    /// # Errors
    /// Says which of the accepted forms it fails.
    pub fn read(text: &SecretString, local: bool) -> Result<Self, TokenError> {
        let text = text.expose_secret().trim();
        if !text.starts_with('{') {
            return Self::bare(text, None);
        }
        let value: Value = serde_json::from_str(text).map_err(|_| TokenError::NotJson)?;
        let token = value["token"].as_str().ok_or(TokenError::NoTokenMember)?;
        let url = match &value["url"] {
            Value::Null => None,
            Value::String(url) => {
                let parse = if local {
                    ApiUrl::parse_local
                } else {
                    ApiUrl::parse
                };
                Some(parse(url.trim()).map_err(TokenError::Url)?)
            }
            _ => return Err(TokenError::Url(ApiUrlError::NotAUrl)),
        };
        Self::bare(token.trim(), url)
    }

    fn bare(token: &str, url: Option<ApiUrl>) -> Result<Self, TokenError> {
        if token.is_empty() {
            return Err(TokenError::Empty);
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(TokenError::Unprintable);
        }
        Ok(Self {
            secret: token.into(),
            url,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(String, Option<String>), TokenError> {
        let token = Token::read(&text.into(), false)?;
        let url = token.url.map(|url| url.to_string());
        Ok((token.secret.expose_secret().to_owned(), url))
    }

    #[test]
    fn reads_a_bare_token_and_json() {
        assert_eq!(read(" abc \n"), Ok(("abc".to_owned(), None)));
        assert_eq!(read(r#"{"token": "abc "}"#), Ok(("abc".to_owned(), None)));
        assert_eq!(
            read(r#"{"token": "abc", "url": "https://api.example.org"}"#),
            Ok(("abc".to_owned(), Some("https://api.example.org".to_owned())))
        );
    }

    #[test]
    fn says_what_is_wrong_without_showing_it() {
        for (text, error) in [
            ("", TokenError::Empty),
            (" \n", TokenError::Empty),
            (r#"{"token": ""}"#, TokenError::Empty),
            ("{", TokenError::NotJson),
            ("{}", TokenError::NoTokenMember),
            (r#"{"token": 7}"#, TokenError::NoTokenMember),
            ("two words", TokenError::Unprintable),
            ("tökén", TokenError::Unprintable),
            (
                r#"{"token": "a", "url": "http://x"}"#,
                TokenError::Url(ApiUrlError::NotHttps),
            ),
        ] {
            assert_eq!(read(text), Err(error), "{text}");
        }
    }

    /// Case E42.
    #[test]
    fn debug_shows_no_token() {
        let token = Token::read(&"abcdef".into(), false).unwrap();
        assert!(!format!("{token:?}").contains("abcdef"));
    }
}
