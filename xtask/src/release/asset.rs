//! One file of a release, and the key that it has for ever.

use std::fmt;

use bytes::Bytes;
use semver::Version;

use super::configuration::KeyPrefix;
use super::digest::Sha256;

/// The template's name in a release.
pub(crate) const TEMPLATE: &str = "template.yaml";

/// One file of a release.
#[derive(Clone, Debug)]
pub struct Asset {
    /// Its name in the folder, in the sums and at the end of its key.
    pub name: String,
    /// What S3 says that it is.
    pub content_type: &'static str,
    /// The bytes.
    pub bytes: Bytes,
    /// Their digest.
    pub sha256: Sha256,
}

/// An object's key: version and content are in it, so that another content has
/// another key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectKey(String);

impl Asset {
    /// A file of this content.
    #[must_use]
    pub fn new(name: &str, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            name: name.to_owned(),
            content_type,
            sha256: Sha256::of(&bytes),
            bytes,
        }
    }

    /// The template of a release, which a mirror of it has under the same key.
    #[must_use]
    pub fn template(text: impl Into<Bytes>) -> Self {
        Self::new(TEMPLATE, "application/yaml", text)
    }

    /// Its key in every bucket: `PREFIX/VERSION/SHA256/NAME`.
    #[must_use]
    pub fn key(&self, prefix: &KeyPrefix, version: &Version) -> ObjectKey {
        ObjectKey(format!("{prefix}/{version}/{}/{}", self.sha256, self.name))
    }
}

impl ObjectKey {
    /// The key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
