//! What each permission of the function's role is for: it is taken away, and
//! something fails that an admin is told of.
//!
//! What the engine does not enforce is in `unenforced`.

use rehearsal::rehearse::world::World;
use serde_json::json;

use crate::document::template;
use crate::permission::without;
use crate::stage::{
    FUNCTION, LOG_GROUP, assert_created, assert_rolled_back, create_from, delete, physical_id,
    world,
};

/// Hands the function a Delete of its resource that CloudFormation did not send,
/// as a replayed or hand-fired one.
async fn replay_a_delete(world: &World, stack_id: &str) {
    let logical_id = "AuthomizeIntegration";
    let event = json!({
        "RequestType": "Delete",
        "RequestId": "replayed",
        "StackId": stack_id,
        "ResponseURL": world.bucket.presign(stack_id, logical_id, "replayed"),
        "ResourceType": "Custom::AuthomizeIntegration",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical_id(&world.account, logical_id).await,
        "ResourceProperties": {"ApiUrl": "https://api.authomize.com"},
    });
    let invoked = world.engine.invoke(&world.account, FUNCTION, &event).await;
    invoked.unwrap();
}

/// The last answer of the function that the bucket took.
fn last_answer(world: &World) -> (String, String) {
    let answers = world.bucket.answers();
    let last = answers.last().unwrap();
    (
        last.text("Status").to_owned(),
        last.text("Reason").to_owned(),
    )
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

/// With all its permissions the function knows that nobody waits for it.
#[tokio::test]
async fn knows_a_replayed_delete_by_the_stack_at_rest() {
    let world = world().await;
    let created = create_from(&world, &template(), &[]).await;
    assert_created(&created);
    replay_a_delete(&world, &created.stack_id).await;
    let (status, reason) = last_answer(&world);
    assert_eq!(status, "FAILED");
    assert!(
        reason.contains("not waiting for this request, so nothing was changed"),
        "{reason}"
    );
    assert_eq!(world.sandbox.apps().len(), 1);
}

/// The stack lives without it, warned in the log; but a replayed Delete takes
/// the record away from a stack at rest.
async fn takes_a_replayed_delete_for_a_real_one_without(place: &str, name: &str) {
    let world = world().await;
    let template = without(place, name);
    let created = create_from(&world, &template, &[]).await;
    assert_created(&created);
    let log = world.account.log_lines_of(LOG_GROUP, 1).await.unwrap();
    let warning = "CloudFormation could not be asked about the stack";
    assert!(log.iter().any(|line| line.contains(warning)), "{log:#?}");
    replay_a_delete(&world, &created.stack_id).await;
    assert_eq!(last_answer(&world).0, "SUCCESS");
    assert!(world.sandbox.apps().is_empty());
    assert_eq!(delete(&world).await.status, "DELETE_COMPLETE");
}

#[tokio::test]
async fn needs_to_see_what_the_stack_is_doing() {
    takes_a_replayed_delete_for_a_real_one_without(
        "RegistrarRole.SeeThisStack",
        "cloudformation:DescribeStacks",
    )
    .await;
}

#[tokio::test]
async fn needs_to_see_what_its_resource_is_doing() {
    takes_a_replayed_delete_for_a_real_one_without(
        "RegistrarRole.SeeThisStack",
        "cloudformation:DescribeStackResource",
    )
    .await;
}
