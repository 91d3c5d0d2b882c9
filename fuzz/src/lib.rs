//! What the targets share: the stack that they play, two secrets that must be
//! seen nowhere, and what makes an answer well-formed.

use authomize_trust_role::answer::{Answer, BODY_LIMIT, Outcome};
use authomize_trust_role::envelope::Address;
use authomize_trust_role::physical_id::PhysicalId;
use authomize_trust_role::stack_id::StackId;
use secrecy::SecretString;
use serde_json::Value;

/// The stack's id.
pub const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/a/b";

/// With characters that no record's id has.
pub const TOKEN: &str = "atmz/7f3a9c51+token";

/// The same.
pub const EXTERNAL_ID: &str = "ext/5b1c7e90+id";

/// The stack's id, read.
pub fn stack() -> StackId {
    STACK.parse().expect("it is one")
}

/// The two secrets.
pub fn secrets() -> (SecretString, SecretString) {
    (TOKEN.into(), EXTERNAL_ID.into())
}

/// Whom to answer in a request of the stack.
pub fn address() -> Address {
    Address {
        stack_id: STACK.to_owned(),
        request_id: "request".to_owned(),
        logical_id: "AuthomizeIntegration".to_owned(),
        physical_id: None,
        response_url: None,
    }
}

/// The answer that says FAILED.
pub fn failed(reason: String) -> Answer {
    Answer {
        physical_id: PhysicalId::parse("none/0123456789abcdef"),
        outcome: Outcome::Failed(reason),
    }
}

/// Fails unless the answer is one that CloudFormation takes: JSON without null,
/// with all ids, in at most 4096 bytes unless the ids alone are longer.
pub fn assert_well_formed(answer: &Answer, address: &Address) -> Value {
    let body = answer.body(address);
    let json: Value = serde_json::from_slice(&body).expect("an answer is JSON");
    let members = json.as_object().expect("an answer is an object");
    assert!(members.values().all(|member| !member.is_null()));
    assert_eq!(json["StackId"], address.stack_id.as_str());
    assert_eq!(json["RequestId"], address.request_id.as_str());
    assert_eq!(json["LogicalResourceId"], address.logical_id.as_str());
    assert_eq!(
        json["PhysicalResourceId"],
        answer.physical_id.to_string().as_str()
    );
    match &answer.outcome {
        Outcome::Success(_) => assert!(json["Data"].is_object() && json["Reason"].is_null()),
        Outcome::Failed(_) => assert!(json["Reason"].is_string() && json["Data"].is_null()),
    }
    assert!(body.len() <= BODY_LIMIT || is_as_short_as_can_be(&json));
    json
}

/// Whether the ids, which are never cut, leave no room for anything else.
fn is_as_short_as_can_be(answer: &Value) -> bool {
    let mut shortest = answer.clone();
    if shortest["Reason"].is_string() {
        shortest["Reason"] = "".into();
    }
    for name in ["IntegrationName", "Status", "ConnectedApps"] {
        if shortest["Data"].is_object() {
            shortest["Data"][name] = "".into();
        }
    }
    shortest.to_string().len() > BODY_LIMIT
}

/// Fails if a secret can be read in what is shown.
pub fn assert_no_secret(shown: &str) {
    assert!(!shown.contains(TOKEN), "the token is in {shown}");
    assert!(
        !shown.contains(EXTERNAL_ID),
        "the external id is in {shown}"
    );
}
