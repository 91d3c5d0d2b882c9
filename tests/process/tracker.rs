//! What users of comparable products met and reported, and that it does not
//! happen here. Where a test elsewhere proves it already, `docs/protocol.md`
//! names that one.

use std::sync::Arc;
use std::time::Duration;

use authomize_trust_role::configuration::ENV_SECRET_ARN;
use rehearsal::aws_desk::{AwsDesk, Secret, Stack};
use rehearsal::internet::HostPattern;
use serde_json::{Value, json};

use crate::world::{Connecting, Setting, TOKEN, World, properties, with};

/// Long enough for a request, short enough that a failure comes soon.
const SHORT: Duration = Duration::from_secs(12);

/// A secret that another account keeps in another region.
const FAR_SECRET: &str =
    "arn:aws:secretsmanager:eu-central-1:210987654321:secret:shared/token-AbCdEf";

fn names(attributes: &Value) -> Vec<&str> {
    let attributes = attributes.as_object().unwrap();
    attributes.keys().map(String::as_str).collect()
}

/// Outputs broke with "attribute not found" after an update, for a provider
/// answered its attributes on a Create only: aws-solutions-library-samples/
/// live-streaming-on-aws #8, aws/aws-cdk pull request 7830. Here every SUCCESS
/// but a Delete's has the same set.
#[tokio::test]
async fn attributes_are_never_missing_after_an_update() {
    let world = World::new().await;
    let created = world.send(&world.create_event(properties())).await;
    let expected = names(&created.answer()["Data"]);
    assert_eq!(expected.len(), 4);
    let changed = with("OwnerEmail", "owner@example.com");
    for (number, (new, old)) in [
        (changed.clone(), properties()),
        (changed.clone(), changed.clone()),
        (with("Refresh", "now"), changed.clone()),
        (properties(), with("Refresh", "now")),
    ]
    .into_iter()
    .enumerate()
    {
        world.desk.stacks([Stack::updating(created.id())]);
        let mut event = world.event("Update", &format!("update-{number}"), new);
        event["PhysicalResourceId"] = json!(created.id());
        event["OldResourceProperties"] = old;
        let updated = world.send(&event).await;
        assert_eq!(updated.status(), "SUCCESS", "{}", updated.reason());
        assert_eq!(names(&updated.answer()["Data"]), expected);
    }
    world.end().await;
}

/// Cases E12 and E13: an answer of more than 4096 bytes was thrown away, and the
/// stack hung: binxio/cfn-postgresql-user-provider #2, awslabs/
/// cloudformation-accustom #3, the limit itself in awsdocs pull request 262.
#[tokio::test]
async fn an_answer_is_never_too_long() {
    let world = World::with(Setting {
        validator: Arc::new(Connecting(vec!["Ünïcode ☁ \"app\"".repeat(10); 200])),
        ..Setting::default()
    })
    .await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let answer = &world.bucket.answers()[0];
    assert!(answer.body.len() <= 4096, "{}", answer.body.len());
    assert!(answer.body.len() > 3000, "{}", answer.body.len());
    let record = &world.sandbox.apps()[0].id;
    assert_eq!(answer.json["Data"]["IntegrationId"], record.as_str());
    world.end().await;
}

/// One secret for many accounts was wished for, and its key stood in the way:
/// DataDog/cloudformation-template #68 and pull request 37. Here the ARN says
/// where the secret is, and it is asked for there.
#[tokio::test]
async fn a_secret_in_another_account_is_read_in_its_own_region() {
    let world = World::with(Setting {
        secret: Secret::Missing,
        environment: vec![(ENV_SECRET_ARN, FAR_SECRET.to_owned())],
        ..Setting::default()
    })
    .await;
    let far = AwsDesk::start(Secret::Text(TOKEN.to_owned()), Stack::Missing)
        .await
        .unwrap();
    let host = "secretsmanager.eu-central-1.amazonaws.com".to_owned();
    world.internet.lead(HostPattern::Exact(host), far.address());
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(far.secret_requests(), 1);
    assert_eq!(world.desk.secret_requests(), 0);
    world.end().await;
}

/// And where the other account does not allow it, or its key does not, the reason
/// names the secret and both permissions.
#[tokio::test]
async fn a_secret_in_another_account_that_is_denied_is_named() {
    let world = World::with(Setting {
        secret: Secret::Denied,
        environment: vec![(ENV_SECRET_ARN, FAR_SECRET.to_owned())],
        ..Setting::default()
    })
    .await;
    let event = world.create_event(properties());
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "FAILED");
    for part in [FAR_SECRET, "secretsmanager:GetSecretValue", "kms:Decrypt"] {
        assert!(outcome.reason().contains(part), "{}", outcome.reason());
    }
    world.end().await;
}

/// A policy of the organization denied the function everything, no answer came,
/// and the stack hung for an hour, then another: awslabs/
/// landing-zone-accelerator-on-aws #540. Here the denial is the answer, whatever
/// is asked for, and the rollback goes through.
#[tokio::test]
async fn an_organization_that_denies_everything_hangs_no_stack() {
    let denied = || Setting {
        secret: Secret::Denied,
        stack: Stack::Denied,
        ..Setting::default()
    };
    let world = World::with(denied()).await;
    let event = world.create_event(properties());
    let created = world.send_within(&event, SHORT).await;
    assert_eq!(created.status(), "FAILED");
    assert!(created.reason().contains("access is denied"));
    let rollback = world.delete_event(created.id(), properties());
    let rolled_back = world.send_within(&rollback, SHORT).await;
    assert_eq!(rolled_back.status(), "SUCCESS", "{}", rolled_back.reason());
    world.end().await;

    // A policy that came later: the record is there, and is named.
    let world = World::new().await;
    let id = world.created(properties()).await;
    let record = world.sandbox.apps()[0].id.clone();
    world.desk.secrets([Secret::Denied]);
    world.desk.stacks([Stack::Denied]);
    let update = world.update_event(&id, with("Refresh", "now"), properties());
    let updated = world.send_within(&update, SHORT).await;
    assert_eq!(updated.status(), "FAILED");
    assert_eq!(updated.id(), id);
    let deleted = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(deleted.status(), "FAILED");
    assert!(deleted.reason().contains(&record), "{}", deleted.reason());
    world.end().await;
}

/// And where only the questions about the stack are denied, everything works.
#[tokio::test]
async fn an_organization_that_denies_describing_stacks_costs_nothing() {
    let world = World::with(Setting {
        stack: Stack::Denied,
        ..Setting::default()
    })
    .await;
    let created = world.send(&world.create_event(properties())).await;
    assert_eq!(created.status(), "SUCCESS", "{}", created.reason());
    let id = created.id().to_owned();
    let changed = with("OwnerEmail", "owner@example.com");
    let updated = world
        .send(&world.update_event(&id, changed, properties()))
        .await;
    assert_eq!(updated.status(), "SUCCESS", "{}", updated.reason());
    let deleted = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// A new version made its physical ids in another way. CloudFormation took each
/// update for a replacement and had the old id deleted, and with it the
/// registration that had just been updated: DataDog/cloudformation-template pull
/// requests 178, 196 and 217. Here the update keeps the id; and were another one
/// recorded all the same, the Delete of the old one leaves the record alone.
#[tokio::test]
async fn an_id_that_changes_between_versions_deregisters_nothing() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let old = "authomize-app-of-another-version";
    world.desk.stacks([Stack::updating(old)]);
    let changed = with("OwnerEmail", "owner@example.com");
    let updated = world
        .send(&world.update_event(old, changed.clone(), properties()))
        .await;
    assert_eq!(updated.status(), "SUCCESS", "{}", updated.reason());
    assert_eq!(updated.id(), old);

    world.desk.stacks([Stack::is(
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
        &id,
    )]);
    let event = world.delete_event(old, changed);
    let cleanup = world.send_within(&event, SHORT).await;
    assert_eq!(cleanup.status(), "SUCCESS", "{}", cleanup.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}
