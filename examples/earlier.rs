//! The function of an earlier version, as far as CloudFormation and the stack can tell:
//! it stands in for the code of the templates in `tests/upgrade/`, which is not kept.
//!
//! It is the shipped binary but for its answers to CloudFormation. What an earlier
//! version remembered of its work stands in these answers and nowhere else, so a stack
//! that was made with this one is as if the earlier one had made it.
//! - `EARLIER_ATTRIBUTES` names the attributes that it knew, separated by commas: the
//!   others are left out.
//! - `EARLIER_ID` of any value has the record's id alone for a physical id.

use std::sync::Arc;

use authomize_trust_role::https::Trust;
use authomize_trust_role::physical_id::PhysicalId;
use authomize_trust_role::runtime;
use authomize_trust_role::wire::{Exchange, Wire};
use bytes::Bytes;
use http::Request;
use serde_json::Value;

#[derive(Debug)]
struct Earlier(Arc<dyn Wire>);

impl Wire for Earlier {
    fn exchange(&self, request: Request<Bytes>) -> Exchange {
        let host = request.uri().host().unwrap_or_default();
        if host.starts_with("cloudformation-custom-resource-response-") {
            self.0.exchange(request.map(|body| earlier(&body)))
        } else {
            self.0.exchange(request)
        }
    }
}

/// The answer as the earlier version gave it.
fn earlier(body: &[u8]) -> Bytes {
    let mut answer: Value = serde_json::from_slice(body).expect("an answer is JSON");
    let variable = |name: &str| std::env::var(name).ok();
    if let Some(known) = variable("EARLIER_ATTRIBUTES")
        && let Some(attributes) = answer["Data"].as_object_mut()
    {
        attributes.retain(|name, _| known.split(',').any(|known| known == name));
    }
    let id = answer["PhysicalResourceId"].as_str().unwrap_or_default();
    if variable("EARLIER_ID").is_some()
        && let PhysicalId::Issued(issued) = PhysicalId::parse(id)
    {
        answer["PhysicalResourceId"] = issued.record.to_string().into();
    }
    answer.to_string().into()
}

fn main() -> Result<(), lambda_runtime::Error> {
    runtime::run(|trust: Arc<Trust>| Arc::new(Earlier(runtime::https(trust))))
}
