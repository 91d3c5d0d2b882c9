//! Updating the stack amends the registration under the same id.

use std::sync::Arc;
use std::time::Duration;

use rehearsal::aws_desk::Stack;
use rehearsal::sandbox::{AlwaysEnabled, Waver, Wavering};
use serde_json::{Value, json};

use crate::world::{ANOTHER_STACK, Setting, World, properties, with};

/// Short enough that a role which stays broken does not hold the test up.
const SHORT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn amends_the_same_record_under_the_same_id() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::updating(&id)]);
    let mut changed = properties();
    changed["IntegrationName"] = json!("Renamed");
    changed["OwnerEmail"] = json!("owner@example.com");
    let outcome = world
        .send(&world.update_event(&id, changed, properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_eq!(outcome.answer()["Data"]["IntegrationName"], "Renamed");
    let record = world.sandbox.apps()[0].id.clone();
    let path = format!("/v2/apps/{record}");
    assert_eq!(
        world.vendor_calls(),
        [
            format!("GET {path}"),
            format!("PATCH {path}"),
            format!("GET {path}")
        ]
    );
    world.end().await;
}

/// Case E35: an update that changes nothing for the vendor writes nothing, and
/// answers all attributes afresh.
#[tokio::test]
async fn writes_nothing_when_nothing_effective_changed() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::updating(&id)]);
    let mut changed = properties();
    changed["ServiceTimeout"] = json!("900");
    changed["TemplateVersion"] = json!("9.9.9");
    let outcome = world
        .send(&world.update_event(&id, changed, properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.answer()["Data"]["Status"], "enabled");
    assert_eq!(outcome.answer()["Data"].as_object().unwrap().len(), 4);
    assert_eq!(world.vendor_calls().len(), 1);
    world.end().await;
}

/// Case E27: a failed update is rolled back by an Update with the properties
/// swapped, which restores the registration.
#[tokio::test]
async fn is_rolled_back_by_an_update_back() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let changed = with("IntegrationName", "Renamed");
    world.desk.stacks([Stack::updating(&id)]);
    world
        .send(&world.update_event(&id, changed.clone(), properties()))
        .await;
    world.desk.stacks([Stack::is(
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        &id,
    )]);
    let mut back = world.update_event(&id, properties(), changed);
    back["RequestId"] = json!("update-2");
    back["ResponseURL"] = json!(world.bucket.presign(
        crate::world::STACK,
        crate::world::LOGICAL,
        "update-2"
    ));
    let outcome = world.send(&back).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_eq!(
        outcome.answer()["Data"]["IntegrationName"],
        crate::world::NAME
    );
    world.end().await;
}

#[tokio::test]
async fn checks_the_token_and_validates_again_on_refresh() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::updating(&id)]);
    let refreshed = with("Refresh", "2026-11-24");
    let outcome = world
        .send(&world.update_event(&id, refreshed, properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let calls = world.vendor_calls();
    assert_eq!(calls[0], "GET /me");
    assert!(
        calls.iter().any(|call| call.starts_with("PATCH")),
        "{calls:?}"
    );
    world.end().await;
}

/// Case E26: a record that is gone is registered again under a new id, and the
/// Delete of the old id leaves the new record alone.
#[tokio::test]
async fn registers_again_when_the_record_is_gone() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    world.desk.stacks([Stack::updating(&id)]);
    let changed = with("OwnerEmail", "owner@example.com");
    let outcome = world
        .send(&world.update_event(&id, changed.clone(), properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_ne!(outcome.id(), id);
    world.desk.stacks([Stack::is(
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
        outcome.id(),
    )]);
    let cleanup = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(cleanup.status(), "SUCCESS", "{}", cleanup.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Case E24: a failed update keeps the incoming id.
#[tokio::test]
async fn keeps_its_id_when_it_fails() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::updating(&id)]);
    let bad = with("OwnerEmail", "nobody");
    let outcome = world
        .send(&world.update_event(&id, bad, properties()))
        .await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(outcome.id(), id);
    assert!(world.vendor_calls().is_empty());
    world.end().await;
}

/// Case E34: properties of an older template are read as well as can be.
#[tokio::test]
async fn understands_old_properties_of_another_shape() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::updating(&id)]);
    let old = json!({"Token": ["gone"], "Regions": 7});
    let outcome = world
        .send(&world.update_event(&id, properties(), old))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    world.end().await;
}

#[tokio::test]
async fn changes_nothing_for_a_stack_at_rest() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world
        .desk
        .stacks([Stack::is("UPDATE_COMPLETE", "UPDATE_COMPLETE", &id)]);
    let changed = with("IntegrationName", "Renamed");
    let outcome = world
        .send(&world.update_event(&id, changed, properties()))
        .await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(outcome.id(), id);
    assert!(world.vendor_calls().is_empty());
    world.end().await;
}

/// A role that somebody broke fails the update that finds it out. Rolling back
/// mends no role, and failing once more would leave the stack stuck.
#[tokio::test]
async fn rolls_back_even_while_the_role_cannot_be_validated() {
    let role = Arc::new(Wavering::before(Arc::new(AlwaysEnabled)));
    let world = World::with(Setting {
        validator: role.clone(),
        ..Setting::default()
    })
    .await;
    let id = world.created(properties()).await;
    role.set(Waver::Fail(1000));
    world.desk.stacks([Stack::updating(&id)]);
    let refresh = with("Refresh", "1");
    let forward = world.update_event(&id, refresh.clone(), properties());
    let failed = world.send_within(&forward, SHORT).await;
    assert_eq!(failed.status(), "FAILED");
    let outcome = world.send_within(&back(&world, &id, refresh), SHORT).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_eq!(outcome.answer()["Data"]["Status"], "failure");
    world.end().await;
}

/// The same when another stack has the record by now: it is left alone.
#[tokio::test]
async fn rolls_back_without_touching_what_became_another_stacks() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.give_all_to(ANOTHER_STACK);
    let before = world.sandbox.apps();
    world.desk.stacks([Stack::updating(&id)]);
    let renamed = with("IntegrationName", "Renamed");
    let forward = world.update_event(&id, renamed.clone(), properties());
    let failed = world.send(&forward).await;
    assert_eq!(failed.status(), "FAILED");
    let outcome = world.send(&back(&world, &id, renamed)).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps(), before);
    world.end().await;
}

/// The Update with which CloudFormation rolls back from `failed`.
fn back(world: &World, id: &str, failed: Value) -> Value {
    let stack = "UPDATE_ROLLBACK_IN_PROGRESS";
    world
        .desk
        .stacks([Stack::is(stack, "UPDATE_IN_PROGRESS", id)]);
    let mut back = world.event("Update", "update-2", properties());
    back["PhysicalResourceId"] = json!(id);
    back["OldResourceProperties"] = failed;
    back
}
