//! The address of Authomize's API.

use std::fmt;

use sha2::{Digest, Sha256};
use thiserror::Error;
use url::{Host, Url};

/// The vendor's domain: the token goes to its hosts without further word.
const VENDOR_DOMAIN: &str = "authomize.com";

/// The host that serves tenants by default, as in the template's parameter.
const DEFAULT_HOST: &str = "api.authomize.com";

/// Where the API is: a scheme, a host, and in local mode perhaps a port.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ApiUrl {
    origin: String,
    host: String,
}

/// Why a text cannot be the address of the API.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum ApiUrlError {
    /// Not a URL at all, or without a host.
    #[error("not a URL")]
    NotAUrl,
    /// The token would travel in the clear.
    #[error("not https")]
    NotHttps,
    /// A host with a character that no host's name has.
    #[error("not the address of a host")]
    NotAHost,
    /// User info, port, path, query or fragment beside the host.
    #[error("more than `https://` and a host")]
    MoreThanAHost,
}

impl ApiUrl {
    /// Parses an address that may be used in AWS: `https://` and a host.
    ///
    /// # Errors
    /// Says what is there beside `https://` and a host.
    pub fn parse(text: &str) -> Result<Self, ApiUrlError> {
        let url = Self::bare(text)?;
        if url.scheme() != "https" {
            return Err(ApiUrlError::NotHttps);
        }
        if url.port().is_some() {
            return Err(ApiUrlError::MoreThanAHost);
        }
        Self::of(&url)
    }

    /// Parses an address that may be used in local mode: plain http and a
    /// port are allowed there.
    ///
    /// # Errors
    /// Says what is there beside scheme, host and port.
    pub fn parse_local(text: &str) -> Result<Self, ApiUrlError> {
        let url = Self::bare(text)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(ApiUrlError::NotHttps);
        }
        Self::of(&url)
    }

    fn bare(text: &str) -> Result<Url, ApiUrlError> {
        let url = Url::parse(text).map_err(|_| ApiUrlError::NotAUrl)?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && !text.contains('@');
        bare.then_some(url).ok_or(ApiUrlError::MoreThanAHost)
    }

    fn of(url: &Url) -> Result<Self, ApiUrlError> {
        let host = url.host_str().ok_or(ApiUrlError::NotAUrl)?.to_owned();
        // `Url` lets characters pass that no request can be sent to.
        let plain = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        if matches!(url.host(), Some(Host::Domain(_))) && !host.chars().all(plain) {
            return Err(ApiUrlError::NotAHost);
        }
        Ok(Self {
            origin: url.origin().ascii_serialization(),
            host,
        })
    }

    /// Whether the host is the vendor's domain or lies under it.
    pub fn is_the_vendors(&self) -> bool {
        self.host == VENDOR_DOMAIN
            || self
                .host
                .strip_suffix(VENDOR_DOMAIN)
                .is_some_and(|rest| rest.ends_with('.'))
    }

    /// Whether it is plain http: then it is on a laptop, for nowhere else is that
    /// accepted.
    pub fn is_plain(&self) -> bool {
        self.origin.starts_with("http://")
    }

    /// Scheme, host and port, without a slash at the end.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The host alone.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// A short name of the host for physical ids: a record's id means nothing
    /// at another host, and the host itself has no place in an id.
    pub fn host_hash(&self) -> String {
        let digest = Sha256::digest(self.host.as_bytes());
        digest[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

/// The template's default.
impl Default for ApiUrl {
    fn default() -> Self {
        Self {
            origin: format!("https://{DEFAULT_HOST}"),
            host: DEFAULT_HOST.to_owned(),
        }
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_https_and_a_host_only() {
        for (text, outcome) in [
            ("https://api.authomize.com", Ok(())),
            ("https://api.authomize.com/", Ok(())),
            ("http://api.authomize.com", Err(ApiUrlError::NotHttps)),
            (
                "https://api.authomize.com/v2",
                Err(ApiUrlError::MoreThanAHost),
            ),
            (
                "https://api.authomize.com?a=b",
                Err(ApiUrlError::MoreThanAHost),
            ),
            (
                "https://api.authomize.com:8443",
                Err(ApiUrlError::MoreThanAHost),
            ),
            (
                "https://me@api.authomize.com",
                Err(ApiUrlError::MoreThanAHost),
            ),
            (
                "https://@api.authomize.com",
                Err(ApiUrlError::MoreThanAHost),
            ),
            ("https://api.{authomize}.com", Err(ApiUrlError::NotAHost)),
            ("api.authomize.com", Err(ApiUrlError::NotAUrl)),
            ("", Err(ApiUrlError::NotAUrl)),
        ] {
            assert_eq!(ApiUrl::parse(text).map(|_| ()), outcome, "{text}");
        }
    }

    #[test]
    fn tells_the_vendors_hosts_from_look_alikes() {
        for (text, vendors) in [
            ("https://authomize.com", true),
            ("https://api.eu.authomize.com", true),
            ("https://notauthomize.com", false),
            ("https://authomize.com.example.org", false),
        ] {
            assert_eq!(
                ApiUrl::parse(text).unwrap().is_the_vendors(),
                vendors,
                "{text}"
            );
        }
    }
}
