//! The physical id: the same for every try, repeated for ever, and changed only
//! by a new record.

use std::sync::Arc;
use std::time::Duration;

use rehearsal::aws_desk::{Secret, Stack};
use rehearsal::sandbox::{ContractLevel, Fault, Waver, Wavering};

use serde_json::{Value, json};

use crate::world::{NAME, Setting, World, properties, with};

/// Long enough for the work, short enough for a second look to come soon.
const SHORT: Duration = Duration::from_secs(12);

const INVENTED: &str = "Authomize-Trust-Role-AuthomizeIntegration-1ABCDEF23GHIJ";

/// A request of its own, beside those that the world makes.
fn delete(world: &World, request_id: &str, id: &str) -> Value {
    let mut event = world.event("Delete", request_id, properties());
    event["PhysicalResourceId"] = json!(id);
    event
}

/// Case E17: stack and resource make the id, no run, no log and no chance.
#[tokio::test]
async fn is_the_same_for_every_try() {
    let mut ids = Vec::new();
    for request_id in ["create-1", "create-2"] {
        let world = World::new().await;
        let wanted = with("OwnerEmail", "nobody");
        let nothing = world.send(&world.event("Create", request_id, wanted)).await;
        world.sandbox.script(Fault::hang().times(20));
        let event = world.event("Create", &format!("{request_id}-again"), properties());
        let unknown = world.send_within(&event, Duration::from_secs(8)).await;
        for outcome in [&nothing, &unknown] {
            assert_eq!(outcome.status(), "FAILED");
            assert!((1..=1024).contains(&outcome.id().len()));
        }
        ids.push((nothing.id().to_owned(), unknown.id().to_owned()));
        world.end().await;
    }
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0].0, ids[0].1);
}

/// Case E19: a Create that failed half way answers with an id that leads the
/// rollback's Delete to what was made.
#[tokio::test]
async fn of_a_half_made_registration_leads_the_rollback_to_it() {
    let world = World::new().await;
    world.sandbox.script(Fault::lose_after().only("POST"));
    world.sandbox.script(Fault::status(403).only("GET"));
    let failed = world.send(&world.create_event(properties())).await;
    assert_eq!(failed.status(), "FAILED");
    assert!(failed.id().starts_with("pending/"), "{}", failed.id());
    assert_eq!(world.sandbox.apps().len(), 1);

    world.desk.stacks([Stack::is(
        "ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        failed.id(),
    )]);
    let event = delete(&world, "delete-1", failed.id());
    let rollback = world.send(&event).await;
    assert_eq!(rollback.status(), "SUCCESS", "{}", rollback.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Case E19: where the vendor cannot be asked, it is not claimed that nothing
/// was made.
#[tokio::test]
async fn of_a_half_made_registration_does_not_vanish_unseen() {
    let world = World::new().await;
    let id = "pending/0123456789abcdef";
    world.desk.secrets([Secret::Text("revoked".to_owned())]);
    world.desk.stacks([Stack::deleting(id)]);
    let outcome = world.send(&delete(&world, "delete-1", id)).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.reason().contains(NAME), "{}", outcome.reason());
    world.end().await;
}

/// Case E21: the Create may still be at work when its Delete comes, so what is
/// not there yet is looked for a second time.
#[tokio::test]
async fn that_leads_nowhere_yet_is_followed_once_more() {
    let world = World::new().await;
    world.created(properties()).await;
    world.desk.stacks([Stack::deleting(INVENTED)]);
    let nothing = json!({"pagination": {"limit": 100, "skip": 0, "hasMore": false}, "data": []});
    world
        .sandbox
        .script(Fault::status(200).body(nothing).only("GET"));
    let event = delete(&world, "delete-1", INVENTED);
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Case E29: a Delete repeats the id that it came with, whatever it looks like.
#[tokio::test]
async fn is_repeated_by_every_delete() {
    let world = World::new().await;
    let long = "x".repeat(1024);
    for (number, id) in [
        "integration/app_000000000009/1a2b3c4d",
        "adopted/app_000000000009/1a2b3c4d",
        "pending/0123456789abcdef",
        "none/0123456789abcdef",
        INVENTED,
        "ünvented \"id\" ☁",
        &long,
    ]
    .into_iter()
    .enumerate()
    {
        world.desk.stacks([Stack::deleting("another")]);
        let event = delete(&world, &format!("delete-{number}"), id);
        let outcome = world.send_within(&event, SHORT).await;
        assert_eq!(outcome.id(), id);
    }
    world.end().await;
}

/// Case E25: an id of another form, or of another host's name for the same
/// record, is kept by an Update, which writes nothing that is not new.
#[tokio::test]
async fn is_kept_by_an_update_in_whatever_form_it_comes() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let record = world.sandbox.apps()[0].id.clone();
    for (number, old) in [
        id.replace("integration/", "adopted/"),
        format!("integration/{record}/01234567"),
        format!("authomize-app-{record}"),
    ]
    .into_iter()
    .enumerate()
    {
        world.sandbox.clear_requests();
        world.desk.stacks([Stack::updating(&old)]);
        let mut event = world.event("Update", &format!("update-{number}"), properties());
        event["PhysicalResourceId"] = json!(old);
        event["OldResourceProperties"] = properties();
        let outcome = world.send(&event).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(outcome.id(), old);
        let calls = world.vendor_calls();
        assert!(
            calls.iter().all(|call| call.starts_with("GET")),
            "{calls:?}"
        );
    }
    assert_eq!(world.sandbox.apps()[0].id, record);
    world.end().await;
}

/// Cases E24 and E25: nor does an Update that fails change the id, or take back
/// a record that was there all along.
#[tokio::test]
async fn of_another_version_survives_an_update_that_fails() {
    let validator = Arc::new(Wavering::default());
    let world = World::with(Setting {
        validator: validator.clone(),
        ..Setting::default()
    })
    .await;
    world.created(properties()).await;
    validator.set(Waver::FailAlways);
    let old = "authomize-app-of-another-version";
    world.desk.stacks([Stack::updating(old)]);
    let changed = with("OwnerEmail", "owner@example.com");
    let event = world.update_event(old, changed, properties());
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(outcome.id(), old);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Cases E26 and E28: an Update that did not see the record made a second one.
/// Whichever way the stack goes on, the Delete of the other id leaves the
/// recorded one alone.
#[tokio::test]
async fn of_a_replacement_and_of_the_original_are_told_apart() {
    for (stack, resource, forward) in [
        (
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_COMPLETE",
            true,
        ),
        (
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
            false,
        ),
    ] {
        let world = World::new().await;
        let original = world.created(properties()).await;
        world.desk.stacks([Stack::updating(&original)]);
        world.sandbox.script(Fault::status(404).only("GET"));
        let renamed = with("IntegrationName", "Renamed");
        // Old properties that cannot be read do not tell the former name.
        let event = world.update_event(&original, renamed.clone(), with("OwnerEmail", "nobody"));
        let updated = world.send(&event).await;
        assert_eq!(updated.status(), "SUCCESS", "{}", updated.reason());
        let replacement = updated.id().to_owned();
        assert_ne!(replacement, original);
        assert_eq!(world.sandbox.apps().len(), 2);

        let (kept, gone) = if forward {
            (&replacement, &original)
        } else {
            (&original, &replacement)
        };
        world.desk.stacks([Stack::is(stack, resource, kept)]);
        let outcome = world.send(&delete(&world, "delete-1", gone)).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        let left = world.sandbox.apps();
        assert_eq!(left.len(), 1);
        assert!(kept.contains(&left[0].id), "{kept} {}", left[0].id);
        world.end().await;
    }
}

/// Case E28: an id that never named a record does not lead to the recorded one.
#[tokio::test]
async fn that_was_invented_does_not_lead_to_the_recorded_record() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    for (number, gone) in [INVENTED, "pending/0123456789abcdef"].iter().enumerate() {
        world.desk.stacks([Stack::is(
            "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
            "UPDATE_ROLLBACK_COMPLETE",
            &id,
        )]);
        let event = delete(&world, &format!("delete-{number}"), gone);
        let outcome = world.send(&event).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(world.sandbox.apps().len(), 1);
    }
    world.end().await;
}

/// Case E36: a Create that brings an id registers as any other, and a Delete
/// that brings none finds the record by its marker.
#[tokio::test]
async fn may_come_with_a_create_and_lack_in_a_delete() {
    for absent in [None, Some(Value::Null), Some(json!(""))] {
        let world = World::new().await;
        let mut create = world.create_event(properties());
        create["PhysicalResourceId"] = json!("from-elsewhere");
        let created = world.send(&create).await;
        assert_eq!(created.status(), "SUCCESS", "{}", created.reason());
        assert!(created.id().starts_with("integration/"));

        world.desk.stacks([Stack::deleting("")]);
        let mut event = world.event("Delete", "delete-1", properties());
        if let Some(absent) = absent {
            event["PhysicalResourceId"] = absent;
            event["ResourceType"] = Value::Null;
        }
        let deleted = world.send(&event).await;
        assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
        assert!(!deleted.id().is_empty());
        assert!(world.sandbox.apps().is_empty());
        world.end().await;
    }
}

/// Case E22: what the vendor calls gone for ever is gone, too.
#[tokio::test]
async fn of_a_record_that_is_gone_can_be_deleted() {
    for (contract, status, method) in [
        (ContractLevel::Full, 404, "GET"),
        (ContractLevel::Full, 410, "GET"),
        (ContractLevel::Full, 404, "DELETE"),
        (ContractLevel::PublishedOnly, 410, "DELETE"),
    ] {
        let world = World::with(Setting {
            contract,
            ..Setting::default()
        })
        .await;
        let id = world.created(properties()).await;
        world.desk.stacks([Stack::deleting(&id)]);
        world.sandbox.script(Fault::status(status).only(method));
        let outcome = world.send(&world.delete_event(&id, properties())).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        world.end().await;
    }
}
