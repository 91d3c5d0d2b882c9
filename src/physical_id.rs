//! The physical id of the resource: what CloudFormation remembers for us.
//!
//! CloudFormation hands the id of the last answer back with every later
//! request, for as long as the stack lives, and takes another id for a
//! replacement of the resource. So an id is echoed ever after, its form says
//! what a Delete may do, and forms that were once issued are understood for ever.
//! Rules: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::api_url::ApiUrl;
use crate::record_id::RecordId;
use crate::stack_id::StackId;

/// An id of ours, or one that CloudFormation invented.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PhysicalId {
    /// Registered by this stack: a Delete removes the record, if it is ours.
    Issued(Registered),
    /// Made by hand and taken over, or taken over by a Create that has not succeeded: a
    /// Delete releases the record, for no stack removes what it did not make.
    Adopted(Registered),
    /// A Create ended with its outcome unknown: a Delete looks for our marker.
    Pending(ResourceHash),
    /// A Create ended before anything was accepted: a Delete has nothing to do.
    None(ResourceHash),
    /// Not of our making; CloudFormation invents an id where no answer came.
    Invented(String),
}

/// A record, and the API host at which its id means something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Registered {
    /// The record's id at the vendor.
    pub record: RecordId,
    /// [`ApiUrl::host_hash`] of the host that issued it.
    pub host_hash: String,
}

/// A hash of stack id and logical id: the same for every try of one Create.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ResourceHash(String);

const ISSUED: &str = "integration";
const ADOPTED: &str = "adopted";
const PENDING: &str = "pending";
const NONE: &str = "none";

impl ResourceHash {
    /// The hash of one resource of one stack.
    pub fn of(stack: &StackId, logical_id: &str) -> Self {
        Self::of_text(stack.as_str(), logical_id)
    }

    /// The same for a request whose stack id could not be read.
    pub fn of_text(stack: &str, logical_id: &str) -> Self {
        let digest = Sha256::digest(format!("{stack}|{logical_id}").as_bytes());
        Self(
            digest[..8]
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect(),
        )
    }
}

impl PhysicalId {
    /// The id of a record that this stack registered at this API.
    pub fn issued(record: RecordId, api: &ApiUrl) -> Self {
        Self::Issued(Registered {
            record,
            host_hash: api.host_hash(),
        })
    }

    /// The id of a record that this stack took over and did not make.
    pub fn adopted(record: RecordId, api: &ApiUrl) -> Self {
        Self::Adopted(Registered {
            record,
            host_hash: api.host_hash(),
        })
    }

    /// Reads an id. Every text is an id: what is not ours was invented.
    pub fn parse(text: &str) -> Self {
        Self::ours(text).unwrap_or_else(|| Self::Invented(text.to_owned()))
    }

    fn ours(text: &str) -> Option<Self> {
        let hex = |part: &str, length: usize| {
            part.len() == length
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
        };
        let parts: Vec<&str> = text.split('/').collect();
        match parts[..] {
            [form @ (ISSUED | ADOPTED), record, host_hash] if hex(host_hash, 8) => {
                let registered = Registered {
                    record: record.parse().ok()?,
                    host_hash: host_hash.to_owned(),
                };
                Some(if form == ISSUED {
                    Self::Issued(registered)
                } else {
                    Self::Adopted(registered)
                })
            }
            [PENDING, hash] if hex(hash, 16) => Some(Self::Pending(ResourceHash(hash.to_owned()))),
            [NONE, hash] if hex(hash, 16) => Some(Self::None(ResourceHash(hash.to_owned()))),
            _ => None,
        }
    }

    /// The record that the id names, and the host that has it, if it names one.
    pub fn registered(&self) -> Option<&Registered> {
        match self {
            Self::Issued(registered) | Self::Adopted(registered) => Some(registered),
            Self::Pending(_) | Self::None(_) | Self::Invented(_) => None,
        }
    }

    /// The record that it names, if it names one.
    pub fn record(&self) -> Option<&RecordId> {
        self.registered().map(|registered| &registered.record)
    }
}

impl fmt::Display for PhysicalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issued(id) => write!(f, "{ISSUED}/{}/{}", id.record, id.host_hash),
            Self::Adopted(id) => write!(f, "{ADOPTED}/{}/{}", id.record, id.host_hash),
            Self::Pending(hash) => write!(f, "{PENDING}/{}", hash.0),
            Self::None(hash) => write!(f, "{NONE}/{}", hash.0),
            Self::Invented(text) => f.write_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Case E17: the id of a Create that made nothing, or perhaps something, is
    /// made of stack and resource, and of nothing else.
    #[test]
    fn is_made_of_stack_and_resource() {
        let stack: StackId = "arn:aws:cloudformation:us-east-1:123456789012:stack/a/b"
            .parse()
            .unwrap();
        let another: StackId = "arn:aws:cloudformation:us-east-1:123456789012:stack/a/c"
            .parse()
            .unwrap();
        let id = ResourceHash::of(&stack, "r");
        assert_eq!(id, ResourceHash::of_text(stack.as_str(), "r"));
        assert_ne!(id, ResourceHash::of(&stack, "s"));
        assert_ne!(id, ResourceHash::of(&another, "r"));
    }

    /// Case E25: every form that was ever issued is read, and printed as it was.
    #[test]
    fn prints_what_it_reads() {
        for (text, ours) in [
            ("integration/app_000000000001/1a2b3c4d", true),
            ("adopted/app_000000000001/1a2b3c4d", true),
            ("pending/0123456789abcdef", true),
            ("none/0123456789abcdef", true),
            ("integration/app_1/1A2B3C4D", false),
            ("integration/../1a2b3c4d", false),
            ("integration/app_1", false),
            ("pending/0123", false),
            ("none/0123", false),
            (
                "Authomize-Trust-Role-AuthomizeIntegration-1ABCDEF23GHIJ",
                false,
            ),
            ("", false),
        ] {
            let id = PhysicalId::parse(text);
            assert_eq!(id.to_string(), text);
            assert_eq!(!matches!(id, PhysicalId::Invented(_)), ours, "{text}");
        }
    }

    /// Only an id that was given for a record leads to one.
    #[test]
    fn names_a_record_if_it_was_given_for_one() {
        for (text, record) in [
            ("integration/app_1/1a2b3c4d", Some("app_1")),
            ("adopted/app_2/1a2b3c4d", Some("app_2")),
            ("pending/0123456789abcdef", None),
            ("none/0123456789abcdef", None),
            ("app_1", None),
        ] {
            let id = PhysicalId::parse(text);
            let registered = id.registered();
            assert_eq!(registered.map(|id| id.record.as_str()), record, "{text}");
        }
    }

    /// Case E17: CloudFormation takes up to 1 KB.
    #[test]
    fn stays_far_below_the_limit_of_1024_bytes() {
        let record: RecordId = "x".repeat(64).parse().unwrap();
        let api = ApiUrl::parse("https://api.authomize.com").unwrap();
        assert!(PhysicalId::issued(record, &api).to_string().len() < 100);
    }
}
