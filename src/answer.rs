//! What CloudFormation gets: one JSON object of at most 4096 bytes.
//!
//! Rules: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-responses.html>.
//! A longer one is refused as "Response object is too long", and a member that
//! is `null` makes CloudFormation throw the whole answer away, so absent
//! members are left out.

use bytes::Bytes;
use serde::Serialize;

use crate::envelope::Address;
use crate::physical_id::PhysicalId;

/// The largest body that CloudFormation reads, in bytes.
pub const BODY_LIMIT: usize = 4096;

/// What a request came to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Answer {
    /// The id that CloudFormation shall remember.
    pub physical_id: PhysicalId,
    /// What happened.
    pub outcome: Outcome,
}

/// What happened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// `SUCCESS`, with the attributes that the template reads.
    Success(Attributes),
    /// `FAILED`, with a sentence for the admin who reads it in the console.
    Failed(String),
}

impl Outcome {
    /// CloudFormation's word for it.
    pub fn status(&self) -> &'static str {
        match self {
            Self::Success(_) => "SUCCESS",
            Self::Failed(_) => "FAILED",
        }
    }
}

/// What `Fn::GetAtt` can read: always the same set, so that no update of a
/// template meets a missing one.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attributes {
    /// The record's id at Authomize.
    pub integration_id: String,
    /// The record's name at Authomize.
    pub integration_name: String,
    /// What the vendor says of it.
    pub status: String,
    /// The apps that the vendor connected, separated by commas.
    pub connected_apps: String,
}

/// What stands for an attribute that the vendor does not tell.
pub const NOT_REPORTED: &str = "not reported";

impl Attributes {
    /// Those of a record that was not looked at.
    pub fn unseen() -> Self {
        Self {
            status: NOT_REPORTED.to_owned(),
            connected_apps: NOT_REPORTED.to_owned(),
            ..Self::default()
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    physical_resource_id: &'a str,
    stack_id: &'a str,
    request_id: &'a str,
    logical_resource_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Attributes>,
}

impl Answer {
    /// The answer's bytes, which are the same at every try.
    ///
    /// Ids are never cut. A reason is cut on a character's boundary until the
    /// whole fits, and the attributes' texts are cut alike.
    pub fn body(&self, address: &Address) -> Bytes {
        let mut answer = self.clone();
        loop {
            let body = answer.serialize(address);
            let excess = body.len().saturating_sub(BODY_LIMIT);
            if excess == 0 || !answer.shorten(excess) {
                return Bytes::from(body);
            }
        }
    }

    fn serialize(&self, address: &Address) -> Vec<u8> {
        let physical_id = self.physical_id.to_string();
        let (reason, data) = match &self.outcome {
            Outcome::Success(attributes) => (None, Some(attributes)),
            Outcome::Failed(reason) => (Some(reason.as_str()), None),
        };
        serde_json::to_vec(&Body {
            status: self.outcome.status(),
            reason,
            physical_resource_id: &physical_id,
            stack_id: &address.stack_id,
            request_id: &address.request_id,
            logical_resource_id: &address.logical_id,
            data,
        })
        .expect("strings alone always serialize")
    }

    /// Cuts the longest text; false when there is nothing left to cut.
    fn shorten(&mut self, excess: usize) -> bool {
        let text = match &mut self.outcome {
            Outcome::Failed(reason) => reason,
            Outcome::Success(attributes) => {
                let texts = [
                    &mut attributes.integration_name,
                    &mut attributes.status,
                    &mut attributes.connected_apps,
                ];
                let Some(longest) = texts.into_iter().max_by_key(|text| text.len()) else {
                    return false;
                };
                longest
            }
        };
        if text.is_empty() {
            return false;
        }
        // JSON writes at most six bytes for one, so this never cuts too much
        // by more than a sixth and comes to an end.
        let keep = text
            .len()
            .saturating_sub(excess.div_ceil(6) + '…'.len_utf8());
        text.truncate(text.floor_char_boundary(keep));
        if !text.is_empty() {
            text.push('…');
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn address() -> Address {
        Address {
            stack_id: "arn:aws:cloudformation:us-east-1:123456789012:stack/a/b".to_owned(),
            request_id: "request".to_owned(),
            logical_id: "AuthomizeIntegration".to_owned(),
            physical_id: None,
            response_url: Some("https://secret".to_owned()),
        }
    }

    fn failed(reason: &str) -> Answer {
        Answer {
            physical_id: PhysicalId::parse("none/0123456789abcdef"),
            outcome: Outcome::Failed(reason.to_owned()),
        }
    }

    /// Cases E12 and E13: at most 4096 bytes after escaping, cut between characters.
    #[test]
    fn fits_into_4096_bytes_whatever_the_reason() {
        for piece in ["a", "é", "😀", "\u{1}", "\"\\"] {
            for length in [0, 100, 4000, 4096, 10_000, 100_000] {
                let body = failed(&piece.repeat(length)).body(&address());
                assert!(body.len() <= BODY_LIMIT, "{piece} {length}");
                if length >= 10_000 {
                    assert!(
                        body.len() > BODY_LIMIT / 2,
                        "{piece} {length}: {}",
                        body.len()
                    );
                }
                let value: Value = serde_json::from_slice(&body).unwrap();
                assert_eq!(value["PhysicalResourceId"], "none/0123456789abcdef");
            }
        }
    }

    /// Case E12: where long ids leave little room, a short reason goes altogether.
    #[test]
    fn fits_into_4096_bytes_whatever_room_the_ids_leave() {
        let empty = failed("").body(&address()).len() - "none/0123456789abcdef".len();
        for room in 0..20 {
            let mut answer = failed("why not");
            answer.physical_id = PhysicalId::parse(&"i".repeat(BODY_LIMIT - empty - room));
            assert!(answer.body(&address()).len() <= BODY_LIMIT, "{room}");
        }
    }

    /// Case E12: attributes are cut as a reason is, the id among them never.
    #[test]
    fn fits_into_4096_bytes_whatever_the_attributes() {
        for piece in ["a", "😀", "\"\\"] {
            let long = piece.repeat(3000);
            let answer = Answer {
                physical_id: PhysicalId::parse("integration/app_1/01234567"),
                outcome: Outcome::Success(Attributes {
                    integration_id: "app_1".to_owned(),
                    integration_name: long.clone(),
                    status: long.clone(),
                    connected_apps: long,
                }),
            };
            let body = answer.body(&address());
            assert!(body.len() <= BODY_LIMIT, "{piece}: {}", body.len());
            let value: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(value["PhysicalResourceId"], "integration/app_1/01234567");
            assert_eq!(value["Status"], "SUCCESS");
            assert_eq!(value["Data"]["IntegrationId"], "app_1");
            for name in ["IntegrationName", "Status", "ConnectedApps"] {
                assert!(value["Data"][name].as_str().unwrap().ends_with('…'));
            }
        }
    }

    /// Case E8: members that are absent are not there, rather than null.
    #[test]
    fn has_no_null_members() {
        let success = Answer {
            physical_id: PhysicalId::parse("integration/app_1/01234567"),
            outcome: Outcome::Success(Attributes::default()),
        };
        for answer in [success, failed("why")] {
            let value: Value = serde_json::from_slice(&answer.body(&address())).unwrap();
            assert!(
                value
                    .as_object()
                    .unwrap()
                    .values()
                    .all(|member| !member.is_null())
            );
        }
    }

    /// `Fn::GetAtt` finds every attribute, whether the record was looked at or not.
    #[test]
    fn says_that_nothing_was_reported_of_a_record_that_was_not_looked_at() {
        let answer = Answer {
            physical_id: PhysicalId::parse("integration/app_1/01234567"),
            outcome: Outcome::Success(Attributes::unseen()),
        };
        let value: Value = serde_json::from_slice(&answer.body(&address())).unwrap();
        assert_eq!(value["Data"]["Status"], NOT_REPORTED);
        assert_eq!(value["Data"]["ConnectedApps"], NOT_REPORTED);
        assert_eq!(value["Data"].as_object().unwrap().len(), 4);
    }

    /// Case E15: what must be repeated is repeated verbatim, and nothing else.
    #[test]
    fn repeats_the_ids_and_not_the_url() {
        let value: Value = serde_json::from_slice(&failed("why").body(&address())).unwrap();
        assert_eq!(value["Status"], "FAILED");
        assert_eq!(value["StackId"], address().stack_id);
        assert_eq!(value["RequestId"], "request");
        assert_eq!(value["LogicalResourceId"], "AuthomizeIntegration");
        assert_eq!(value.as_object().unwrap().len(), 6);
    }
}
