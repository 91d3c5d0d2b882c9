//! The id of a CloudFormation stack.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::account_id::AccountId;
use crate::region::Region;

/// A stack's id, `arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<guid>`.
///
/// It names one stack for ever: a stack made anew under the same name has
/// another one. So it is the half of the ownership marker that cannot repeat.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct StackId {
    text: String,
    partition: String,
    region: Region,
    account: AccountId,
}

/// The text is not the id of a stack.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "not a stack's id (`arn:<partition>:cloudformation:<region>:<account>:stack/<name>/<guid>`)"
)]
pub struct NotAStackId;

impl StackId {
    /// The whole id, as CloudFormation wrote it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The account that the stack is in.
    pub fn account(&self) -> &AccountId {
        &self.account
    }

    /// The region that the stack is in.
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The partition that the stack is in, for example `aws-us-gov`.
    pub fn partition(&self) -> &str {
        &self.partition
    }
}

impl FromStr for StackId {
    type Err = NotAStackId;

    fn from_str(text: &str) -> Result<Self, NotAStackId> {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [
            "arn",
            partition,
            "cloudformation",
            region,
            account,
            resource,
        ] = parts[..]
        else {
            return Err(NotAStackId);
        };
        let mut path = resource.split('/');
        let (Some("stack"), Some(name), Some(guid), None) =
            (path.next(), path.next(), path.next(), path.next())
        else {
            return Err(NotAStackId);
        };
        let plain = |part: &str| {
            !part.is_empty()
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if text.len() > 512 || !(plain(partition) && plain(name) && plain(guid)) {
            return Err(NotAStackId);
        }
        Ok(Self {
            text: text.to_owned(),
            partition: partition.to_owned(),
            region: region.parse().map_err(|_| NotAStackId)?,
            account: account.parse().map_err(|_| NotAStackId)?,
        })
    }
}

impl fmt::Display for StackId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case E40: a stack's id tells its partition.
    #[test]
    fn reads_account_region_and_partition() {
        let id: StackId = "arn:aws-cn:cloudformation:cn-north-1:123456789012:stack/Authomize-Trust-Role/51af3dc0-da77-11e4-872e-1234567db123"
            .parse()
            .unwrap();
        assert_eq!(id.account().as_str(), "123456789012");
        assert_eq!(id.region().as_str(), "cn-north-1");
        assert_eq!(id.partition(), "aws-cn");
    }

    #[test]
    fn refuses_what_is_no_stack() {
        for bad in [
            "",
            "arn:aws:s3:::bucket",
            "arn:aws:cloudformation:us-east-1:12345:stack/a/b",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/a",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/a/b/c",
            "arn:aws:cloudformation:us-east-1:123456789012:stackset/a/b",
            "arn:aws:cloudformation:us-east-1:123456789012:stack/a%2F/b",
        ] {
            assert!(bad.parse::<StackId>().is_err(), "{bad}");
        }
    }
}
