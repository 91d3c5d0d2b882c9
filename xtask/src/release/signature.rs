//! A minisign signature of the sums, by which a customer knows the publisher.
//!
//! The format is <https://jedisct1.github.io/minisign/>'s. The sums name every file, so
//! one signature covers them all.

use std::fmt;
use std::io::Cursor;

use minisign::{PError, SecretKey, SecretKeyBox};
use thiserror::Error;

use super::asset::Asset;

/// A publisher's secret key.
#[derive(Clone)]
pub struct SigningKey(SecretKey);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(..)")
    }
}

/// Why nothing is signed.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// The file is no key of minisign's.
    #[error("the key cannot be read as a secret key of minisign: {0}")]
    Key(#[source] PError),
    /// The key is encrypted, and the password is wrong or missing.
    #[error("the key needs its password: set MINISIGN_PASSWORD to it ({0})")]
    Password(#[source] PError),
    /// It cannot sign.
    #[error("nothing was signed: {0}")]
    Sign(#[source] PError),
}

impl SigningKey {
    /// Reads a key as `minisign -G` writes it, with a password or, by `-W`, without.
    ///
    /// # Errors
    /// It is no key, or the password is not its.
    pub fn read(text: &str, password: Option<String>) -> Result<Self, SignatureError> {
        let secret = SecretKeyBox::from_string(text).map_err(SignatureError::Key)?;
        // Without a password the crate would ask for it on the terminal.
        let key = match password {
            Some(password) => secret
                .into_secret_key(Some(password))
                .map_err(SignatureError::Password)?,
            None => secret
                .into_unencrypted_secret_key()
                .map_err(SignatureError::Password)?,
        };
        Ok(Self(key))
    }

    /// The signature of a file, named after it as minisign does. `comment` is signed too.
    ///
    /// # Errors
    /// The key cannot sign.
    pub fn sign(&self, asset: &Asset, comment: &str) -> Result<Asset, SignatureError> {
        let data = Cursor::new(&asset.bytes);
        let signature = minisign::sign(None, &self.0, data, Some(comment), None)
            .map_err(SignatureError::Sign)?;
        let name = format!("{}.minisig", asset.name);
        Ok(Asset::new(&name, "text/plain", signature.into_string()))
    }
}

#[cfg(test)]
mod tests {
    use minisign::KeyPair;
    use minisign_verify::{PublicKey, Signature};

    use super::*;

    fn sums() -> Asset {
        Asset::new("SHA256SUMS", "text/plain", "abc  x86_64.zip\n")
    }

    /// Whether another implementation takes the signature for the text.
    fn is_verified(public: &str, signature: &Asset, text: &[u8]) -> bool {
        let key = PublicKey::decode(public).unwrap();
        let signature = std::str::from_utf8(&signature.bytes).unwrap();
        let signature = Signature::decode(signature).unwrap();
        assert_eq!(signature.trusted_comment(), "product 1.2.3");
        key.verify(text, &signature, false).is_ok()
    }

    #[test]
    fn is_verified_by_another_implementation_and_for_no_other_text() {
        let KeyPair { pk, sk } = KeyPair::generate_unencrypted_keypair().unwrap();
        let public = pk.to_box().unwrap().to_string();
        let key = SigningKey::read(&sk.to_box(None).unwrap().to_string(), None).unwrap();
        let signature = key.sign(&sums(), "product 1.2.3").unwrap();
        assert_eq!(signature.name, "SHA256SUMS.minisig");
        assert!(is_verified(&public, &signature, &sums().bytes));
        assert!(!is_verified(&public, &signature, b"abd  x86_64.zip\n"));
    }

    #[test]
    fn an_encrypted_key_needs_its_password_and_never_asks() {
        let pair = KeyPair::generate_encrypted_keypair(Some("word".to_owned())).unwrap();
        let text = pair.sk.to_box(None).unwrap().to_string();
        for password in [None, Some("another".to_owned())] {
            let told = SigningKey::read(&text, password).unwrap_err().to_string();
            assert!(told.contains("MINISIGN_PASSWORD"), "{told}");
        }
        assert!(SigningKey::read(&text, Some("word".to_owned())).is_ok());
        assert!(SigningKey::read("no key", None).is_err());
    }
}
