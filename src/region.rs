//! AWS regions and the partition that each belongs to.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;
use thiserror::Error;

/// A well-formed name of an AWS region, known to us or not.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Region(String);

/// The text does not have the form of a region's name.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("not the name of a region such as `eu-west-1`")]
pub struct NotARegion;

/// The regions that existed when this was written. Others pass with a warning,
/// because AWS adds regions faster than templates are updated.
const KNOWN: &[&str] = &[
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-6",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "cn-north-1",
    "cn-northwest-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-gov-east-1",
    "us-gov-west-1",
    "us-west-1",
    "us-west-2",
];

impl Region {
    /// The name, for example `eu-west-1`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the region existed when this was written.
    pub fn is_known(&self) -> bool {
        KNOWN.contains(&self.as_str())
    }

    /// The partition that the name's first parts stand for.
    ///
    /// Partitions: <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>.
    pub fn partition(&self) -> &'static str {
        const PREFIXES: &[(&str, &str)] = &[
            ("cn-", "aws-cn"),
            ("us-gov-", "aws-us-gov"),
            ("us-isob-", "aws-iso-b"),
            ("us-isof-", "aws-iso-f"),
            ("eu-isoe-", "aws-iso-e"),
            ("us-iso-", "aws-iso"),
            ("eusc-", "aws-eusc"),
        ];
        PREFIXES
            .iter()
            .find(|(prefix, _)| self.0.starts_with(prefix))
            .map_or("aws", |(_, partition)| partition)
    }
}

impl FromStr for Region {
    type Err = NotARegion;

    fn from_str(text: &str) -> Result<Self, NotARegion> {
        let parts: Vec<&str> = text.split('-').collect();
        let word = |part: &&str| {
            (2..=12).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_lowercase())
        };
        let number = |part: &str| part.len() == 1 && part.bytes().all(|byte| byte.is_ascii_digit());
        match parts.split_last() {
            Some((last, words))
                if number(last) && (2..=3).contains(&words.len()) && words.iter().all(word) =>
            {
                Ok(Self(text.to_owned()))
            }
            _ => Err(NotARegion),
        }
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case E40: a region's name tells its partition.
    #[test]
    fn knows_every_partition_by_the_name() {
        for (name, partition) in [
            ("eu-west-1", "aws"),
            ("us-gov-west-1", "aws-us-gov"),
            ("cn-northwest-1", "aws-cn"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(name.parse::<Region>().unwrap().partition(), partition);
        }
    }

    #[test]
    fn lets_a_new_region_pass_as_unknown() {
        assert!(!"xx-newland-9".parse::<Region>().unwrap().is_known());
        assert!("us-east-1".parse::<Region>().unwrap().is_known());
    }

    #[test]
    fn refuses_what_is_no_region() {
        for bad in [
            "",
            "eu-west",
            "EU-WEST-1",
            "eu_west_1",
            "eu-west-1a",
            "eu-west-11",
            "eu--1",
        ] {
            assert!(bad.parse::<Region>().is_err(), "{bad}");
        }
    }
}
