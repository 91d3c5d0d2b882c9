//! What each permission of the function's role is for: it is taken away, and
//! something fails that an admin is told of.
//!
//! What the engine does not enforce is in `unenforced`.

use rehearsal::answer_bucket::ReceivedAnswer;
use rehearsal::rehearse::world::World;
use serde_json::json;

use crate::document::template;
use crate::permission::without;
use crate::stage::{
    FUNCTION, LOG_GROUP, Watched, assert_created, assert_rolled_back, create_from, delete,
    physical_id, world,
};

const LOGICAL_ID: &str = "AuthomizeIntegration";

/// Hands the function a request for its resource that CloudFormation did not send,
/// as a replayed or hand-fired one.
async fn replay(world: &World, stack_id: &str, request_type: &str) {
    let account = world.account.id();
    let request_id = format!("replayed-{request_type}");
    let mut event = json!({
        "RequestType": request_type,
        "RequestId": request_id,
        "StackId": stack_id,
        "ResponseURL": world.bucket.presign(stack_id, LOGICAL_ID, &request_id),
        "ResourceType": "Custom::AuthomizeIntegration",
        "LogicalResourceId": LOGICAL_ID,
        "ResourceProperties": {
            "ApiUrl": "https://api.authomize.com",
            "ExternalId": world.external_id(),
            "RoleArn": format!("arn:aws:iam::{account}:role/AuthomizeCrossAccountTrustRole"),
        },
    });
    if request_type == "Delete" {
        event["PhysicalResourceId"] = json!(physical_id(&world.account, LOGICAL_ID).await);
    }
    let invoked = world.engine.invoke(&world.account, FUNCTION, &event).await;
    invoked.unwrap();
}

/// The last answer of the function that the bucket took.
fn last_answer(world: &World) -> ReceivedAnswer {
    world.bucket.answers().pop().unwrap()
}

#[tokio::test]
async fn needs_a_role_that_lambda_can_assume() {
    let world = world().await;
    let template = without("RegistrarRole.Trust", "sts:AssumeRole");
    let outcome = create_from(&world, &template, &[]).await;
    assert_rolled_back(&world.account, &outcome, &[]).await;
    assert!(world.sandbox.requests().is_empty());
    let first = outcome.first_failure().unwrap();
    assert_eq!(first.logical_id, "RegistrarFunction");
    assert!(
        first.reason.contains("cannot be assumed by Lambda"),
        "{first:?}"
    );
}

#[tokio::test]
async fn needs_to_read_the_token() {
    let world = world().await;
    let template = without("RegistrarRole.ReadToken", "secretsmanager:GetSecretValue");
    let outcome = create_from(&world, &template, &[]).await;
    let why = [
        "cannot be read: access is denied",
        "Allow this function's role secretsmanager:GetSecretValue",
    ];
    assert_rolled_back(&world.account, &outcome, &why).await;
    assert!(world.sandbox.requests().is_empty());
}

/// With all its permissions the function knows that nobody waits for it, and
/// repeats the id that CloudFormation has recorded.
#[tokio::test]
async fn knows_a_replayed_request_by_the_stack_at_rest() {
    let world = world().await;
    let created = create_from(&world, &template(), &[]).await;
    assert_created(&created);
    let recorded = physical_id(&world.account, LOGICAL_ID).await;
    for request_type in ["Create", "Delete"] {
        replay(&world, &created.stack_id, request_type).await;
        assert_refused(&world);
        assert_eq!(last_answer(&world).text("PhysicalResourceId"), recorded);
    }
}

fn assert_refused(world: &World) {
    let answer = last_answer(world);
    assert_eq!(answer.text("Status"), "FAILED");
    let reason = answer.text("Reason");
    let why = "not waiting for this request, so nothing was changed";
    assert!(reason.contains(why), "{reason}");
    assert_eq!(world.sandbox.apps().len(), 1);
}

/// The stack lives without a permission to see it, warned in the log.
async fn created_without(place: &str, name: &str) -> (Watched, String) {
    let world = world().await;
    let template = without(place, name);
    let created = create_from(&world, &template, &[]).await;
    assert_created(&created);
    let log = world.account.log_lines_of(LOG_GROUP, 1).await.unwrap();
    let warning = "CloudFormation could not be asked about the stack";
    assert!(log.iter().any(|line| line.contains(warning)), "{log:#?}");
    (world, created.stack_id)
}

/// Without it a replayed Delete takes the record away from a stack at rest.
#[tokio::test]
async fn needs_to_see_what_the_stack_is_doing() {
    let (world, stack_id) = created_without(
        "RegistrarRole.SeeThisStack",
        "cloudformation:DescribeStacks",
    )
    .await;
    replay(&world, &stack_id, "Delete").await;
    assert_eq!(last_answer(&world).text("Status"), "SUCCESS");
    assert!(world.sandbox.apps().is_empty());
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
}

/// Without it the stack at rest is still seen to be at rest; but a Create that is
/// replayed cannot be answered with the id that CloudFormation has recorded.
#[tokio::test]
async fn needs_to_see_what_its_resource_is_doing() {
    let (world, stack_id) = created_without(
        "RegistrarRole.SeeThisStack",
        "cloudformation:DescribeStackResource",
    )
    .await;
    let recorded = physical_id(&world.account, LOGICAL_ID).await;
    replay(&world, &stack_id, "Create").await;
    assert_refused(&world);
    assert_ne!(last_answer(&world).text("PhysicalResourceId"), recorded);
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
}
