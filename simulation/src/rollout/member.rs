//! One account: the instance of the StackSet, and its stack at CloudFormation.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::hub;
use super::organization::{Asked, HUBS_FUNCTION, Organization, TRUST_ROLE};
use crate::bucket::response_url;
use crate::cloudformation::SERVICE_TIMEOUT;
use crate::world::{EXTERNAL_ID, REGION};

/// The resource's name in a member's template.
const LOGICAL_ID: &str = "AuthomizeIntegrationAtHub";

/// How long CloudFormation works at a stack before it sends its request: most of it is
/// the trust role. It is always the same, so that what is measured is how long the
/// vendor takes.
const MAKES_THE_ROLE: Duration = Duration::from_secs(15);

/// How long it works at the rest.
const FINISHES: Duration = Duration::from_secs(1);

/// What CloudFormation says where nobody answers.
const NO_ANSWER: &str = "CloudFormation did not receive a response from your Custom Resource.";

/// An instance of the StackSet.
#[derive(Clone, Debug, Default)]
pub struct Instance {
    /// `CURRENT`; otherwise `OUTDATED`, or not there yet.
    pub is_current: bool,
    /// The stacks that were made for it so far.
    pub stacks: u32,
}

/// An answer that CloudFormation believed.
#[derive(Clone, Debug)]
pub struct Answer {
    /// `SUCCESS` and not `FAILED`.
    pub is_success: bool,
    /// `PhysicalResourceId`.
    pub id: String,
    /// `Reason`.
    pub reason: String,
}

/// The number of an account.
pub fn account_id(account: u32) -> String {
    format!("{:012}", 200_000_000_000_u64 + u64::from(account))
}

/// The id of an account's stack, by which of its stacks it is.
pub fn stack_id(account: u32, stack: u32) -> String {
    let id = account_id(account);
    format!(
        "arn:aws:cloudformation:{REGION}:{id}:stack/StackSet-Authomize-51af3dc0/7d1f2f0e-{stack:04}-11e4-872e-{account:012}"
    )
}

/// Creates the stack of an account; whether it stands. One that failed is deleted.
pub async fn create(organization: &Organization, account: u32) -> bool {
    let stack = {
        let mut state = organization.lock();
        let instance = &mut state.instances[account as usize];
        instance.stacks += 1;
        stack_id(account, instance.stacks)
    };
    sleep(MAKES_THE_ROLE).await;
    let answer = request(organization, account, &stack, "Create", None).await;
    let is_current = answer.is_success;
    if !is_current {
        let id = Some(answer.id);
        request(organization, account, &stack, "Delete", id).await;
    }
    sleep(FINISHES).await;
    let mut state = organization.lock();
    state.instances[account as usize].is_current = is_current;
    if !is_current {
        *state.reasons.entry(alike(&answer.reason)).or_default() += 1;
    }
    is_current
}

/// A reason without what differs from account to account, and without where the log is.
fn alike(reason: &str) -> String {
    let reason = reason.split(" Log: ").next().unwrap_or_default();
    let is_a_number = |word: &str| word.chars().filter(char::is_ascii_digit).count() > 6;
    let words = reason.split(' ');
    let alike = words.map(|word| if is_a_number(word) { "…" } else { word });
    alike.collect::<Vec<_>>().join(" ")
}

/// Sends one request to the hub and waits for the answer.
async fn request(
    organization: &Organization,
    account: u32,
    stack: &str,
    kind: &str,
    id: Option<String>,
) -> Answer {
    let (waiter, answer) = oneshot::channel();
    let (number, event) = {
        let mut state = organization.lock();
        let number = state.requests.len();
        let request_id = format!("51af3dc0-da77-4222-8333-{number:012}");
        let url = response_url(state.wall(), stack, LOGICAL_ID, &request_id);
        let mut event = json!({
            "RequestType": kind,
            "RequestId": request_id,
            "StackId": stack,
            "ResponseURL": url,
            "ResourceType": "Custom::AuthomizeIntegration",
            "LogicalResourceId": LOGICAL_ID,
            "ResourceProperties": properties(account),
        });
        if let Some(id) = id {
            event["PhysicalResourceId"] = json!(id);
        }
        let waiter = Some(waiter);
        state.requests.push(Asked { url, waiter });
        (number, event)
    };
    tokio::spawn(hub::deliver(organization.clone(), number, event));
    match timeout(SERVICE_TIMEOUT, answer).await {
        Ok(Ok(answer)) => answer,
        _ => {
            organization.lock().counts.silent += 1;
            Answer {
                is_success: false,
                id: format!("StackSet-Authomize-{LOGICAL_ID}-1ABCDEF23GHIJ"),
                reason: NO_ANSWER.to_owned(),
            }
        }
    }
}

fn properties(account: u32) -> Value {
    let account = account_id(account);
    json!({
        "ServiceToken": HUBS_FUNCTION,
        "ServiceTimeout": "1200",
        "TemplateVersion": "0.1.0",
        "ApiUrl": "https://api.authomize.com",
        "ExternalId": EXTERNAL_ID,
        "RoleArn": format!("arn:aws:iam::{account}:role{TRUST_ROLE}"),
        "IncludeIdentityCenter": "false",
        "IntegrationName": "",
        "OwnerEmail": "",
        "Regions": [""],
        "AdditionalAccountIds": [""],
        "OnDelete": "Remove",
        "Refresh": "",
    })
}
