//! A hub, and what CloudFormation sends it for the members.

use rehearsal::registrar::{MEMBER_LOGICAL_ID, hub_environment, member_properties, member_stack};
use serde_json::{Value, json};

use crate::world::{Outcome, Setting, World};

/// An account of the organization.
pub(crate) const ACCOUNT: &str = "210987654321";

/// Another one.
pub(crate) const ANOTHER: &str = "222222222222";

/// A world whose function is a hub.
pub(crate) async fn hub(setting: Setting) -> World {
    let environment = [hub_environment(), setting.environment].concat();
    World::with(Setting {
        environment,
        ..setting
    })
    .await
}

/// A member's request as CloudFormation sends it.
pub(crate) fn event(world: &World, kind: &str, request_id: &str, account: &str) -> Value {
    let stack = member_stack(account);
    let url = world.bucket.presign(&stack, MEMBER_LOGICAL_ID, request_id);
    json!({
        "RequestType": kind,
        "RequestId": request_id,
        "StackId": stack,
        "ResponseURL": url,
        "ResourceType": "Custom::AuthomizeIntegration",
        "LogicalResourceId": MEMBER_LOGICAL_ID,
        "ResourceProperties": member_properties(account),
    })
}

/// An Update or a Delete of the resource with this id.
pub(crate) fn event_of(
    world: &World,
    kind: &str,
    request_id: &str,
    account: &str,
    id: &str,
) -> Value {
    let mut event = event(world, kind, request_id, account);
    event["PhysicalResourceId"] = json!(id);
    if kind == "Update" {
        event["OldResourceProperties"] = event["ResourceProperties"].clone();
    }
    event
}

/// Registers a member and returns its physical id.
pub(crate) async fn join(world: &World, account: &str) -> String {
    let request_id = format!("join-{account}");
    let joined: Outcome = world
        .send(&event(world, "Create", &request_id, account))
        .await;
    assert_eq!(joined.status(), "SUCCESS", "{}", joined.reason());
    joined.id().to_owned()
}
