//! The text of a secret: the token, and perhaps the address that it is for.

#![no_main]

use authomize_trust_role::api_url::ApiUrl;
use authomize_trust_role::token::Token;
use http::HeaderValue;
use libfuzzer_sys::fuzz_target;
use secrecy::{ExposeSecret, SecretString};

fuzz_target!(|text: &str| {
    for local in [false, true] {
        match Token::read(&SecretString::from(text), local) {
            Ok(token) => check(&token, text, local),
            // It says which form is not met, in the same words for every secret.
            Err(error) => assert!(error.to_string().len() < 120),
        }
    }
});

fn check(token: &Token, text: &str, local: bool) {
    let secret = token.secret.expose_secret();
    HeaderValue::from_str(secret).expect("it can stand in a header");
    assert!(!secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()));
    let shown = format!("{token:?}");
    let address = token.url.as_ref().map(|url| format!("{url:?}"));
    let without_address = shown.replace(&address.unwrap_or_default(), "");
    // A short one can be a part of the words of `Debug`.
    assert!(secret.len() < 24 || !without_address.contains(secret));
    match &token.url {
        None => {}
        Some(url) => {
            assert!(text.trim().starts_with('{'), "only JSON names an address");
            let parse = if local {
                ApiUrl::parse_local
            } else {
                ApiUrl::parse
            };
            assert_eq!(parse(url.origin()).as_ref(), Ok(url));
            assert!(local || url.origin() == format!("https://{}", url.host()));
            let looks = url.host() == "authomize.com" || url.host().ends_with(".authomize.com");
            assert_eq!(url.is_the_vendors(), looks);
        }
    }
}
