//! `release.toml`: where a release goes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::Deserialize;
use thiserror::Error;

use crate::region::{Region, UnknownRegion};

/// Where a release goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// What every key begins with.
    pub prefix: KeyPrefix,
    /// The account that every bucket must belong to.
    pub owner: AccountId,
    /// The bucket of each region, at least one, all in one partition.
    pub buckets: BTreeMap<Region, BucketName>,
}

/// What the keys of a product begin with, for example `authomize-trust-role`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPrefix(String);

/// A bucket's name that can stand in a host name as it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BucketName(String);

/// The number of an AWS account, twelve digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountId(String);

/// What of the configuration is not accepted, and what would be.
#[derive(Debug, Error)]
pub enum ConfigurationError {
    /// It is no TOML, or a member is missing or unknown.
    #[error("it cannot be read as TOML: {0}")]
    Toml(#[source] Box<toml::de::Error>),
    /// It could not be told from other objects' keys.
    #[error(
        "prefix is `{0}`; accepted are words of lower-case letters, digits and -, with / between them"
    )]
    Prefix(String),
    /// No account has this number.
    #[error("expected_bucket_owner is `{0}`; accepted is an account's number, 12 digits")]
    Owner(String),
    /// A key of `buckets` is no region.
    #[error("buckets: {0}")]
    Region(#[source] UnknownRegion),
    /// No bucket has this name, or none that can stand in a host name.
    #[error(
        "the bucket of {region} is `{name}`; accepted are 3 to 63 lower-case letters, digits and -, with a letter or a digit at both ends"
    )]
    Bucket {
        /// Whose bucket it is.
        region: Region,
        /// What was given.
        name: String,
    },
    /// A bucket lies in one region.
    #[error("`{bucket}` is given for {one} and {other}; a bucket lies in one region")]
    Twice {
        /// The name that was given twice.
        bucket: BucketName,
        /// A region that has it.
        one: Region,
        /// Another one.
        other: Region,
    },
    /// Nothing would be published.
    #[error("buckets is empty; accepted is at least one region with its bucket")]
    NoRegion,
    /// The credentials of one partition are of no use in another.
    #[error(
        "{one} and {other} are in two partitions; accepted are the regions of one, and a file of its own for each other"
    )]
    Partitions {
        /// A region of one partition.
        one: Region,
        /// A region of another one.
        other: Region,
    },
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    prefix: String,
    expected_bucket_owner: String,
    buckets: BTreeMap<String, String>,
}

impl FromStr for Configuration {
    type Err = ConfigurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let written: Written =
            toml::from_str(text).map_err(|error| ConfigurationError::Toml(Box::new(error)))?;
        let prefix = KeyPrefix::parse(written.prefix)?;
        let owner = AccountId::parse(written.expected_bucket_owner)?;
        let mut buckets: BTreeMap<Region, BucketName> = BTreeMap::new();
        for (region, name) in written.buckets {
            let region: Region = region.parse().map_err(ConfigurationError::Region)?;
            let bucket = BucketName::parse(&region, name)?;
            if let Some((one, _)) = buckets.iter().find(|(_, taken)| **taken == bucket) {
                return Err(ConfigurationError::Twice {
                    bucket,
                    one: one.clone(),
                    other: region,
                });
            }
            buckets.insert(region, bucket);
        }
        let Some(one) = buckets.keys().next() else {
            return Err(ConfigurationError::NoRegion);
        };
        let elsewhere = |region: &&Region| region.partition() != one.partition();
        if let Some(other) = buckets.keys().find(elsewhere) {
            return Err(ConfigurationError::Partitions {
                one: one.clone(),
                other: other.clone(),
            });
        }
        Ok(Self {
            prefix,
            owner,
            buckets,
        })
    }
}

impl KeyPrefix {
    pub(crate) fn parse(text: String) -> Result<Self, ConfigurationError> {
        let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_lower);
        if text.split('/').all(is_word) {
            Ok(Self(text))
        } else {
            Err(ConfigurationError::Prefix(text))
        }
    }
}

impl BucketName {
    /// Names with dots are refused: no certificate of S3 covers their host.
    ///
    /// # Errors
    /// No bucket has this name, or none that can stand in a host name.
    pub fn parse(region: &Region, name: String) -> Result<Self, ConfigurationError> {
        let ends = !name.starts_with('-') && !name.ends_with('-');
        if (3..=63).contains(&name.len()) && ends && name.bytes().all(is_lower) {
            Ok(Self(name))
        } else {
            let region = region.clone();
            Err(ConfigurationError::Bucket { region, name })
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AccountId {
    /// Reads the number of an account.
    ///
    /// # Errors
    /// No account has this number.
    pub fn parse(text: String) -> Result<Self, ConfigurationError> {
        if text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(text))
        } else {
            Err(ConfigurationError::Owner(text))
        }
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_lower(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

impl fmt::Display for KeyPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for BucketName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(prefix: &str, owner: &str, buckets: &str) -> Result<Configuration, String> {
        let text = format!(
            "prefix = \"{prefix}\"\nexpected_bucket_owner = \"{owner}\"\n[buckets]\n{buckets}"
        );
        text.parse()
            .map_err(|error: ConfigurationError| error.to_string())
    }

    fn refused(prefix: &str, owner: &str, buckets: &str) -> String {
        parsed(prefix, owner, buckets).unwrap_err()
    }

    #[test]
    fn reads_the_projects_own_file() {
        let ours: Configuration = include_str!("../../../release.toml").parse().unwrap();
        assert_eq!(ours.prefix.to_string(), "authomize-trust-role");
        assert!(ours.buckets.len() >= 3);
    }

    /// A stack of a template that is not released yet looks in the same buckets.
    #[test]
    fn names_the_buckets_that_the_template_has() {
        let ours: Configuration = include_str!("../../../release.toml").parse().unwrap();
        let template: serde_yaml_ng::Value =
            serde_yaml_ng::from_str(include_str!("../../../template.yaml")).unwrap();
        let mapped = template["Mappings"]["Artifacts"].as_mapping().unwrap();
        let mapped: BTreeMap<&str, &str> = mapped
            .iter()
            .map(|(region, bucket)| (region.as_str().unwrap(), bucket["Bucket"].as_str().unwrap()))
            .collect();
        let written = ours.buckets.iter();
        let written = written.map(|(region, bucket)| (region.as_str(), bucket.as_str()));
        assert_eq!(mapped, written.collect());
    }

    #[test]
    fn a_refusal_names_the_member_and_what_is_accepted() {
        let bucket = "us-east-1 = \"bucket\"";
        for (prefix, owner, buckets, sentence) in [
            ("", "123456789012", bucket, "prefix is ``"),
            ("/a", "123456789012", bucket, "prefix is `/a`"),
            ("a b", "123456789012", bucket, "prefix is `a b`"),
            ("a", "12345678901", bucket, "expected_bucket_owner is"),
            ("a", "123456789012", "", "buckets is empty"),
            (
                "a",
                "123456789012",
                "mars-1 = \"bucket\"",
                "buckets: `mars-1`",
            ),
            (
                "a",
                "123456789012",
                "us-east-1 = \"a.b.c\"",
                "the bucket of us-east-1 is `a.b.c`",
            ),
            (
                "a",
                "123456789012",
                "us-east-1 = \"Bucket\"",
                "lower-case letters",
            ),
            (
                "a",
                "123456789012",
                "eu-west-1 = \"bucket\"\nus-east-1 = \"bucket\"",
                "`bucket` is given for eu-west-1 and us-east-1",
            ),
            (
                "a",
                "123456789012",
                "cn-north-1 = \"one\"\nus-east-1 = \"two\"",
                "cn-north-1 and us-east-1 are in two partitions",
            ),
        ] {
            let told = refused(prefix, owner, buckets);
            assert!(told.contains(sentence), "{told}");
        }
    }

    #[test]
    fn refuses_a_member_that_it_does_not_know() {
        let told = refused("a", "123456789012", "us-east-1 = \"bucket\"\n[bukets]\n");
        assert!(told.contains("unknown field `bukets`"), "{told}");
    }
}
