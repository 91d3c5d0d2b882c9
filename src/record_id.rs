//! The id of a record at Authomize.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The id that Authomize gave to an app: 1 to 64 letters, digits, `_` or `-`.
///
/// It stands in request paths and in physical ids, so nothing else passes the
/// door, whoever sent it.
#[derive(Clone, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordId(String);

/// The text cannot be a record's id.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not a record id of 1 to 64 letters, digits, `_` or `-`")]
pub struct NotARecordId;

impl RecordId {
    /// The id as Authomize wrote it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RecordId {
    type Err = NotARecordId;

    fn from_str(text: &str) -> Result<Self, NotARecordId> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for RecordId {
    type Error = NotARecordId;

    fn try_from(text: String) -> Result<Self, NotARecordId> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if (1..=64).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text))
        } else {
            Err(NotARecordId)
        }
    }
}

impl From<RecordId> for String {
    fn from(id: RecordId) -> Self {
        id.0
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_could_change_a_path() {
        for bad in ["", "a/b", "..", "a?b", "a b", &"x".repeat(65)] {
            assert!(bad.parse::<RecordId>().is_err(), "{bad}");
        }
        assert!("app_000000000001-Z".parse::<RecordId>().is_ok());
    }
}
