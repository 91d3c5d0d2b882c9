//! A region, the partition that it lies in, and the hosts of that partition.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A region by its name, such as `eu-central-1`, of a partition that is known here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region(String);

/// A group of regions with accounts, hosts and ARNs of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Partition {
    /// `aws`
    Commercial,
    /// `aws-cn`
    China,
    /// `aws-us-gov`
    GovCloud,
}

/// A text that names no region of a partition that is known here.
#[derive(Debug, Error, PartialEq, Eq)]
#[error(
    "`{0}` is no region of the partitions aws, aws-cn and aws-us-gov; one is named like eu-central-1"
)]
pub struct UnknownRegion(String);

impl Region {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The partition, which the name's beginning tells.
    #[must_use]
    pub fn partition(&self) -> Partition {
        if self.0.starts_with("cn-") {
            Partition::China
        } else if self.0.starts_with("us-gov-") {
            Partition::GovCloud
        } else {
            Partition::Commercial
        }
    }

    /// The host of the console that opens in this region.
    #[must_use]
    pub fn console_host(&self) -> String {
        let domain = match self.partition() {
            Partition::Commercial => "console.aws.amazon.com",
            Partition::China => "console.amazonaws.cn",
            Partition::GovCloud => "console.amazonaws-us-gov.com",
        };
        format!("{self}.{domain}")
    }

    /// The host under which a bucket of this region is found.
    #[must_use]
    pub fn bucket_host(&self, bucket: &str) -> String {
        let suffix = match self.partition() {
            Partition::Commercial | Partition::GovCloud => "amazonaws.com",
            Partition::China => "amazonaws.com.cn",
        };
        format!("{bucket}.s3.{self}.{suffix}")
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<&str> = text.split('-').collect();
        let words = parts.len().saturating_sub(1);
        let is_word =
            |part: &&str| part.len() >= 2 && part.bytes().all(|byte| byte.is_ascii_lowercase());
        // us-iso-east-1, us-isob-east-1, eu-isoe-west-1: other partitions, other hosts.
        let elsewhere = parts.iter().any(|part| part.starts_with("iso")) || parts[0] == "eusc";
        let known = matches!(words, 2 | 3)
            && parts[..words].iter().all(is_word)
            && parts[words].len() == 1
            && parts[words].bytes().all(|byte| byte.is_ascii_digit())
            && !elsewhere;
        if known {
            Ok(Self(text.to_owned()))
        } else {
            Err(UnknownRegion(text.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_regions_of_three_partitions_and_nothing_else() {
        for (text, partition) in [
            ("us-east-1", Some(Partition::Commercial)),
            ("ap-southeast-5", Some(Partition::Commercial)),
            ("cn-northwest-1", Some(Partition::China)),
            ("us-gov-west-1", Some(Partition::GovCloud)),
            ("us-iso-east-1", None),
            ("eu-isoe-west-1", None),
            ("eusc-de-east-1", None),
            ("us-east", None),
            ("us-east-", None),
            ("us-east-12", None),
            ("US-EAST-1", None),
            ("us-east-1.example.com/", None),
            ("", None),
        ] {
            let region = text.parse::<Region>();
            assert_eq!(
                region.ok().map(|region| region.partition()),
                partition,
                "{text}"
            );
        }
    }

    #[test]
    fn each_partition_has_hosts_of_its_own() {
        let hosts = |text: &str| {
            let region: Region = text.parse().unwrap();
            (region.console_host(), region.bucket_host("bucket"))
        };
        let expected = |console: &str, bucket: &str| (console.to_owned(), bucket.to_owned());
        assert_eq!(
            hosts("eu-west-1"),
            expected(
                "eu-west-1.console.aws.amazon.com",
                "bucket.s3.eu-west-1.amazonaws.com"
            )
        );
        assert_eq!(
            hosts("cn-north-1"),
            expected(
                "cn-north-1.console.amazonaws.cn",
                "bucket.s3.cn-north-1.amazonaws.com.cn"
            )
        );
        assert_eq!(
            hosts("us-gov-west-1"),
            expected(
                "us-gov-west-1.console.amazonaws-us-gov.com",
                "bucket.s3.us-gov-west-1.amazonaws.com"
            )
        );
    }
}
