//! Updating the stack amends the registration under the same id.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use rehearsal::aws_desk::{Secret, Stack};
use rehearsal::sandbox::{ContractLevel, Fault, NeverEnding, RecordedRequest, Waver};
use serde_json::{Value, json};

use crate::world::{
    ANOTHER_STACK, LOGICAL, NAME, Outcome, STACK, Setting, TOKEN, World, faulty, of_the_same_name,
    properties, with, with_meanwhile,
};

/// Long enough for a request, short enough that a failure comes soon.
const SHORT: Duration = Duration::from_secs(8);

const LEVELS: [ContractLevel; 2] = [ContractLevel::Full, ContractLevel::PublishedOnly];

/// A world whose vendor keeps this much of the contract.
async fn at(contract: ContractLevel) -> World {
    World::with(Setting {
        contract,
        ..Setting::default()
    })
    .await
}

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
/// swapped, which restores the registration, and writes it once if nobody else does.
#[tokio::test]
async fn is_rolled_back_by_an_update_back() {
    for contract in LEVELS {
        let world = at(contract).await;
        let id = world.created(properties()).await;
        let changed = with("IntegrationName", "Renamed");
        world.desk.stacks([Stack::updating(&id)]);
        world
            .send(&world.update_event(&id, changed.clone(), properties()))
            .await;
        world.sandbox.clear_requests();
        let outcome = world.send(&back(&world, &id, changed)).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(outcome.id(), id);
        assert_eq!(outcome.answer()["Data"]["IntegrationName"], NAME);
        let calls = world.vendor_calls();
        let amended = calls.iter().filter(|call| call.starts_with("PATCH"));
        assert_eq!(amended.count(), 1, "{calls:?}");
        world.end().await;
    }
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

/// Case E27: the way back registers again what is gone, also when Lambda runs
/// it a minute late: a stack that rolls back still waits for its Updates.
#[tokio::test]
async fn registers_again_on_the_way_back() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    world.desk.stacks([Stack::is(
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        &id,
    )]);
    let changed = with("OwnerEmail", "owner@example.com");
    let mut event = world.update_event(&id, properties(), changed);
    let minute = time::Duration::MINUTE;
    let url = world
        .bucket
        .presign_before(minute, STACK, LOGICAL, "update-1");
    event["ResponseURL"] = json!(url);
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Case E24: a failed update keeps the incoming id, whatever made it fail.
#[tokio::test]
async fn keeps_its_id_when_it_fails() {
    let good = || with("OwnerEmail", "owner@example.com");
    let token = || Secret::Text(TOKEN.to_owned());
    let revoked = Secret::Text("revoked".to_owned());
    let slow = Fault::hang().times(20);
    for (wanted, secret, fault) in [
        (with("OwnerEmail", "nobody"), token(), None),
        (Value::Null, token(), None),
        (good(), Secret::Denied, None),
        (good(), revoked, None),
        (good(), token(), Some(Fault::status(422).only("PATCH"))),
        (good(), token(), Some(slow)),
    ] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        world.desk.stacks([Stack::updating(&id)]);
        world.desk.secrets([secret]);
        if let Some(fault) = fault {
            world.sandbox.script(fault);
        }
        let event = world.update_event(&id, wanted, properties());
        let outcome = world.send_within(&event, SHORT).await;
        assert_eq!(outcome.status(), "FAILED");
        assert_eq!(outcome.id(), id);
        assert_eq!(world.sandbox.apps().len(), 1);
        world.end().await;
    }
}

/// Case E24: also when it had registered again already, which it takes back.
#[tokio::test]
async fn keeps_its_id_when_it_fails_after_registering_again() {
    let (role, world) = World::wavering().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    role.set(Waver::FailAlways);
    world.desk.stacks([Stack::updating(&id)]);
    let changed = with("OwnerEmail", "owner@example.com");
    let event = world.update_event(&id, changed, properties());
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(outcome.id(), id);
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Case E34: properties of an older template are read as well as can be.
#[tokio::test]
async fn understands_old_properties_of_another_shape() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    for (number, old) in [
        json!({"Token": ["gone"], "Regions": 7}),
        json!({}),
        json!("nonsense"),
        Value::Null,
    ]
    .into_iter()
    .enumerate()
    {
        world.desk.stacks([Stack::updating(&id)]);
        let mut event = world.event("Update", &format!("update-{number}"), properties());
        event["PhysicalResourceId"] = json!(id);
        event["OldResourceProperties"] = old;
        let outcome = world.send(&event).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(outcome.id(), id);
    }
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
    let (role, world) = World::wavering().await;
    let id = world.created(properties()).await;
    role.set(Waver::FailAlways);
    world.desk.stacks([Stack::updating(&id)]);
    let refresh = with("Refresh", "1");
    let forward = world.update_event(&id, refresh.clone(), properties());
    let failed = world.send_within(&forward, SHORT).await;
    assert_eq!(failed.status(), "FAILED");
    let outcome = world.send_within(&back(&world, &id, refresh), SHORT).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_ne!(outcome.answer()["Data"]["Status"], "enabled");
    world.end().await;
}

/// The same when its record is gone, and it has to register anew.
#[tokio::test]
async fn rolls_back_to_a_new_record_while_the_role_cannot_be_validated() {
    let (role, world) = World::wavering().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    role.set(Waver::FailAlways);
    let refresh = with("Refresh", "1");
    let outcome = world.send_within(&back(&world, &id, refresh), SHORT).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_ne!(outcome.answer()["Data"]["Status"], "enabled");
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert!(outcome.id().contains(&apps[0].id), "{}", outcome.id());
    let log = world.end().await;
    let warned = |line: &String| line.contains("cannot validate") && line.contains(&apps[0].id);
    assert!(log.iter().any(warned), "{log:?}");
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

/// What CloudFormation tells can be a moment old: an update that is sent right after a
/// rollback looks like the one that takes an update back, and is as strict as any other.
#[tokio::test]
async fn is_not_lenient_because_a_look_was_of_the_rollback_before_it() {
    const LONG_ENOUGH_TO_LOOK_AGAIN: Duration = Duration::from_secs(24);
    for broken in ["record", "role", "token"] {
        let (role, world) = World::wavering().await;
        let id = world.created(properties()).await;
        let mut new = with("Refresh", "1");
        match broken {
            "record" => world.sandbox.give_all_to(ANOTHER_STACK),
            "role" => role.set(Waver::FailAlways),
            _ => {
                world.desk.secrets([Secret::Denied]);
                // It changes nothing for Authomize.
                new = with("OnDeregistrationFailure", "Ignore");
            }
        }
        let stack = "UPDATE_ROLLBACK_IN_PROGRESS";
        let late = Stack::is(stack, "UPDATE_IN_PROGRESS", &id);
        world.desk.stacks([late, Stack::updating(&id)]);
        let event = world.update_event(&id, new, properties());
        let outcome = world.send_within(&event, LONG_ENOUGH_TO_LOOK_AGAIN).await;
        assert_eq!(outcome.status(), "FAILED", "{broken}");
        world.end().await;
    }
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

/// An Update that CloudFormation sent a minute ago.
fn renaming(world: &World, id: &str) -> Value {
    let renamed = with("IntegrationName", "Renamed");
    let mut event = world.update_event(id, renamed, properties());
    let minute = time::Duration::MINUTE;
    let signed = world
        .bucket
        .presign_before(minute, STACK, LOGICAL, "update-1");
    event["ResponseURL"] = json!(signed);
    event
}

/// The stack as it is since CloudFormation went on to another request, half a minute
/// ago.
fn overtaken(stack: &'static str, id: &str) -> Stack {
    Stack::ChangedSince {
        stack,
        resource: "UPDATE_IN_PROGRESS",
        recorded: id.to_owned(),
        since: -30 * time::Duration::SECOND,
    }
}

/// Whoever can invoke the function can name any record in an event. While the
/// stack updates, too, only the recorded one is amended.
#[tokio::test]
async fn leaves_a_record_alone_that_a_forged_event_names() {
    for contract in LEVELS {
        let world = at(contract).await;
        let id = world.created(properties()).await;
        let stranger = world.sandbox.insert_stranger("Made by hand");
        let before = world.sandbox.apps();
        let forged = naming(&stranger, &id);
        world.desk.stacks([Stack::updating(&id)]);
        let renamed = with("IntegrationName", "Taken");
        let outcome = world
            .send(&world.update_event(&forged, renamed, properties()))
            .await;
        assert_eq!(outcome.status(), "FAILED");
        assert!(outcome.reason().contains(&stranger), "{}", outcome.reason());
        assert_eq!(world.sandbox.apps(), before);
        world.end().await;
    }
}

/// An id as the one that was given, for another record.
fn naming(record: &str, id: &str) -> String {
    let given = id.split('/').nth(1).unwrap();
    id.replace(given, record)
}

/// A record whose marker somebody took away is this stack's as long as CloudFormation
/// says so, and gets it again; what no stack made stays such.
#[tokio::test]
async fn marks_a_record_again_that_lost_its_marker() {
    for (form, adopted_name) in [("integration", None), ("adopted", Some("By hand"))] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        world.sandbox.remove_all();
        let record = world.sandbox.insert_stranger("By hand");
        let id = naming(&record, &id).replace("integration", form);
        world.desk.stacks([Stack::updating(&id)]);
        let changed = with("OwnerEmail", "owner@example.com");
        let outcome = world
            .send(&world.update_event(&id, changed, properties()))
            .await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(outcome.id(), id);
        let app = world.sandbox.apps().remove(0);
        let source = app.source().unwrap();
        assert_eq!(source["stackId"], STACK);
        assert_eq!(source["adoptedName"].as_str(), adopted_name);
        assert_eq!(source["takenOver"] == true, adopted_name.is_some());
        world.end().await;
    }
}

/// An id of another host means nothing at this one, where somebody else's record may
/// have it.
#[tokio::test]
async fn leaves_a_record_alone_that_has_the_id_at_another_host() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let stranger = world.sandbox.insert_stranger("Made by hand");
    let before = world.sandbox.apps();
    let host_hash = id.rsplit('/').next().unwrap();
    let elsewhere = naming(&stranger, &id).replace(host_hash, "01234567");
    world.desk.stacks([Stack::updating(&elsewhere)]);
    let renamed = with("IntegrationName", "Taken");
    let outcome = world
        .send(&world.update_event(&elsewhere, renamed, properties()))
        .await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(
        outcome.reason().contains("Set AuthomizeApiUrl"),
        "{}",
        outcome.reason()
    );
    assert_eq!(world.sandbox.apps(), before);
    world.end().await;
}

/// An Update that registered under another name and was rolled back left a record
/// there: the Update back finds it by its marker.
#[tokio::test]
async fn finds_its_record_under_its_former_name() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::updating(&id)]);
    world.sandbox.script(Fault::status(404).only("GET"));
    let renamed = with("IntegrationName", "Renamed");
    let outcome = world
        .send(&world.update_event(&id, renamed, properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].integration_name, "Renamed");
    world.end().await;
}

/// The same where the list was late when it looked first, and the name that it wants
/// is still held by what was deleted.
#[tokio::test]
async fn back_looks_again_under_its_former_name_when_the_list_was_late() {
    let world = World::new().await;
    let id = world.created(with("IntegrationName", "Renamed")).await;
    let event = back(&world, &id, with("IntegrationName", "Renamed"));
    let nothing = json!({"pagination": {"limit": 100, "skip": 0, "hasMore": false}, "data": []});
    world.sandbox.script(Fault::status(404).only("GET"));
    world
        .sandbox
        .script(Fault::status(200).body(nothing).only("GET"));
    world.sandbox.script(Fault::status(409).only("POST"));
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].integration_name, NAME);
    world.end().await;
}

/// What it finds under its former name cannot be renamed while the name that it wants
/// is held by what was deleted, so it waits.
#[tokio::test]
async fn back_waits_for_its_name_when_it_finds_its_record_under_the_former_one() {
    let world = World::new().await;
    let id = world.created(with("IntegrationName", "Renamed")).await;
    let event = back(&world, &id, with("IntegrationName", "Renamed"));
    world.sandbox.script(Fault::status(404).only("GET"));
    world.sandbox.script(Fault::status(409).only("PATCH"));
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].integration_name, NAME);
    world.end().await;
}

/// The update that is taken back may have registered a moment ago, so that no list shows
/// it yet.
#[tokio::test]
async fn back_registers_nothing_before_it_has_looked_again() {
    let world = World::new().await;
    let id = world.created(with("IntegrationName", "Renamed")).await;
    let event = back(&world, &id, with("IntegrationName", "Renamed"));
    let nothing = json!({"pagination": {"limit": 100, "skip": 0, "hasMore": false}, "data": []});
    world.sandbox.script(Fault::status(404).only("GET"));
    let late = Fault::status(200).body(nothing);
    world.sandbox.script(late.only("GET"));
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].integration_name, NAME);
    world.end().await;
}

/// Where it can do nothing with what it finds there, or not in time, it says which record
/// that is: no later request may find it.
#[tokio::test]
async fn back_names_the_record_that_it_cannot_bring_up_to_date() {
    let world = World::new().await;
    let renamed = || with("IntegrationName", "Renamed");
    let id = world.created(renamed()).await;
    world.sandbox.remove_all();
    world.desk.stacks([Stack::updating(&id)]);
    let anew = world.update_event(&id, renamed(), properties());
    assert_eq!(world.send(&anew).await.status(), "SUCCESS");
    let record = world.sandbox.apps()[0].id.clone();

    world
        .sandbox
        .script(Fault::status(409).only("PATCH").times(100));
    let outcome = world
        .send_within(&back(&world, &id, renamed()), SHORT)
        .await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.reason().contains(&record), "{}", outcome.reason());
    world.end().await;
}

/// An update that ends before it can answer with the id of what it registered anew says
/// which record that is.
#[tokio::test]
async fn names_what_it_registered_anew_when_it_fails_unexpectedly() {
    let dir = tempfile::tempdir().unwrap();
    let registered = dir.path().join("registered");
    let world = World::with(Setting {
        binary: faulty(),
        validator: Arc::new(NeverEnding),
        environment: vec![
            ("FAULT", "panic GET".to_owned()),
            ("FAULT_WHILE", registered.display().to_string()),
        ],
        ..Setting::default()
    })
    .await;
    let id = "integration/app_000000000099/ddf2a106";
    world.desk.stacks([Stack::updating(id)]);
    let event = world.update_event(id, properties(), properties());
    let panics_then = async {
        world
            .sandbox
            .wait_for(|request| request.method == "POST")
            .await;
        std::fs::write(&registered, "").unwrap();
    };
    let outcome = with_meanwhile(world.send(&event), panics_then).await;
    assert_eq!(outcome.status(), "FAILED");
    let record = world.sandbox.apps()[0].id.clone();
    assert!(outcome.reason().contains(&record), "{}", outcome.reason());
    world.end().await;
}

/// A late run of a stack that is gone finds its record with the stack of its name that
/// came after it.
#[tokio::test]
async fn leaves_alone_what_the_next_stack_of_its_name_took_over() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.give_all_to(&of_the_same_name());
    let before = world.sandbox.apps();
    world.desk.stacks([Stack::updating(&id)]);
    let renamed = with("IntegrationName", "Renamed");
    let event = world.update_event(&id, renamed, properties());
    assert_eq!(world.send(&event).await.status(), "FAILED");
    assert_eq!(world.sandbox.apps(), before);
    world.end().await;
}

/// A record that is found by its name may have an owner of before, which an update
/// took away.
#[tokio::test]
async fn takes_the_owner_away_from_a_record_that_it_finds_by_its_name() {
    let world = World::new().await;
    let owned = with("OwnerEmail", "owner@example.com");
    let id = world.created(owned.clone()).await;
    world.desk.stacks([Stack::updating(&id)]);
    world.sandbox.script(Fault::status(404).only("GET"));
    let outcome = world
        .send(&world.update_event(&id, properties(), owned))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    let apps = world.sandbox.apps();
    assert!(apps[0].config.as_ref().unwrap()["ownerEmail"].is_null());
    world.end().await;
}

/// An Update that is rolled back while it runs may write after the Update back
/// did, so it takes back itself what it changed.
#[tokio::test]
async fn takes_its_change_back_when_it_is_rolled_back_meanwhile() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([
        Stack::updating(&id),
        overtaken("UPDATE_ROLLBACK_IN_PROGRESS", &id),
    ]);
    let outcome = world.send(&renaming(&world, &id)).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(outcome.id(), id);
    assert!(
        outcome.reason().contains("cancelled"),
        "{}",
        outcome.reason()
    );
    assert_eq!(world.sandbox.apps()[0].integration_name, NAME);
    world.end().await;
}

/// An Update of a record that is gone registers nothing while CloudFormation shows
/// these one after the other.
async fn registers_nothing_while(world: World, id: &str, shown: impl IntoIterator<Item = Stack>) {
    world.sandbox.remove_all();
    world.desk.stacks(shown);
    let renamed = with("IntegrationName", "Renamed");
    let outcome = world
        .send(&world.update_event(id, renamed, properties()))
        .await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// A cancelled Update may run when its stack is gone: what was seen before the role
/// was torn down is true.
#[tokio::test]
async fn registers_nothing_when_its_role_is_torn_down_while_it_asks() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let shown = [
        Stack::is("DELETE_IN_PROGRESS", "DELETE_COMPLETE", &id),
        Stack::Denied,
    ];
    registers_nothing_while(world, &id, shown).await;
}

/// The same when CloudFormation does not answer any more.
#[tokio::test]
async fn registers_nothing_when_cloudformation_falls_silent_while_it_asks() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let shown = [
        Stack::is("DELETE_IN_PROGRESS", "DELETE_COMPLETE", &id),
        Stack::Down,
    ];
    registers_nothing_while(world, &id, shown).await;
}

/// An Update that could not ask anything at first sees its stack go, and then its role.
#[tokio::test]
async fn registers_nothing_when_its_role_is_torn_down_after_it_saw_the_stack_go() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let silence = std::iter::repeat_n(Stack::Down, 4);
    let end = [
        Stack::is("DELETE_IN_PROGRESS", "DELETE_COMPLETE", &id),
        Stack::Denied,
    ];
    world.sandbox.script(Fault::hang().only("GET"));
    registers_nothing_while(world, &id, silence.chain(end)).await;
}

/// The same when it cannot know whether its change came: every answer was lost.
#[tokio::test]
async fn takes_back_what_it_perhaps_changed_when_it_is_rolled_back_meanwhile() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([
        Stack::updating(&id),
        overtaken("UPDATE_ROLLBACK_IN_PROGRESS", &id),
    ]);
    world
        .sandbox
        .script(Fault::lose_after().only("PATCH").times(6));
    let outcome = world.send(&renaming(&world, &id)).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(world.sandbox.apps()[0].integration_name, NAME);
    world.end().await;
}

/// An Update that registered anew is taken back with its record.
#[tokio::test]
async fn removes_what_it_registered_when_it_is_rolled_back_meanwhile() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    world.desk.stacks([
        Stack::updating(&id),
        overtaken("UPDATE_ROLLBACK_IN_PROGRESS", &id),
    ]);
    let outcome = world.send(&renaming(&world, &id)).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(outcome.id(), id);
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Renames what is gone; as soon as that has registered anew, CloudFormation tells what
/// `look` makes of the new id, for a twin was answered with it.
async fn renamed_while_its_twin_is_answered(
    world: &World,
    id: &str,
    look: impl Fn(String) -> Stack,
) -> Outcome {
    // The function hears of the record a request later.
    let its_look = Fault::hang().only("GET").at("/v2/apps/app_000000000002");
    world.sandbox.script(its_look);
    let meanwhile = async {
        let request = |it: &RecordedRequest| it.method == "POST";
        world.sandbox.wait_for(request).await;
        let record = world.sandbox.apps().pop().expect("it has registered").id;
        let new = format!("integration/{record}/01234567");
        world.desk.stacks([look(new)]);
    };
    let event = renaming(world, id);
    with_meanwhile(world.send_within(&event, SHORT), meanwhile).await
}

/// An update back that was slow finds that its twin has registered and succeeded: that is
/// not what takes it back itself.
#[tokio::test]
async fn back_keeps_what_its_twin_was_answered_with() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    let back = Stack::is("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", &id);
    world.desk.stacks([back]);
    let outcome = renamed_while_its_twin_is_answered(&world, &id, |new| Stack::ChangedSince {
        stack: "UPDATE_ROLLBACK_COMPLETE",
        resource: "UPDATE_COMPLETE",
        recorded: new,
        since: -time::Duration::SECOND,
    })
    .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// But what its twin succeeded with is the stack's: another request decides about it.
#[tokio::test]
async fn does_not_remove_what_its_twin_registered_and_was_answered_with() {
    for (stack, resource) in [
        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_FAILED"),
        ("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS"),
    ] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        world.sandbox.remove_all();
        world.desk.stacks([Stack::updating(&id)]);
        let look = |new: String| Stack::is(stack, resource, &new);
        let outcome = renamed_while_its_twin_is_answered(&world, &id, look).await;
        assert_eq!(outcome.status(), "FAILED");
        assert_eq!(world.sandbox.apps().len(), 1, "{stack}");
        world.end().await;
    }
}

/// An Update that was slow finds that a later one has begun, and leaves the record
/// to that.
#[tokio::test]
async fn changes_nothing_once_a_later_update_has_begun() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world
        .desk
        .stacks([Stack::updating(&id), overtaken("UPDATE_IN_PROGRESS", &id)]);
    world.sandbox.script(Fault::hang().only("GET"));
    let outcome = world.send(&renaming(&world, &id)).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(world.sandbox.apps()[0].integration_name, NAME);
    world.end().await;
}

/// An Update that CloudFormation told nothing when it began, and that may not ask then,
/// never had that right, or goes with its role: then it loses the secret, too.
#[tokio::test]
async fn changes_nothing_when_it_loses_the_secret_before_it_heard_of_its_stack() {
    let kept = Secret::Text(TOKEN.to_owned());
    for (then, status, name) in [
        (Secret::Denied, "FAILED", NAME),
        (kept.clone(), "SUCCESS", "Renamed"),
    ] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        let silence = std::iter::repeat_n(Stack::Down, 4);
        world.desk.stacks(silence.chain([Stack::Denied]));
        world.desk.secrets([kept.clone(), then]);
        world.sandbox.script(Fault::hang().only("GET"));
        let outcome = world.send(&renaming(&world, &id)).await;
        assert_eq!(outcome.status(), status, "{}", outcome.reason());
        assert_eq!(world.sandbox.apps()[0].integration_name, name);
        world.end().await;
    }
}

/// An Update back outlasts the request that the failed update may still have under
/// way, and writes over what it did.
#[tokio::test]
async fn back_writes_over_what_the_failed_update_wrote_late() {
    for contract in LEVELS {
        let world = at(contract).await;
        let id = world.created(with("IntegrationName", "Renamed")).await;
        let event = back(&world, &id, with("IntegrationName", "Renamed"));
        let meanwhile = async {
            world
                .sandbox
                .wait_for(|request| request.method == "PATCH")
                .await;
            world.sandbox.rename_all("Renamed");
        };
        let outcome = with_meanwhile(world.send(&event), meanwhile).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(world.sandbox.apps()[0].integration_name, NAME);
        world.end().await;
    }
}

/// An Update back that has waited writes over nothing that became another stack's.
#[tokio::test]
async fn back_leaves_alone_what_became_another_stacks_while_it_waited() {
    let world = World::new().await;
    let id = world.created(with("IntegrationName", "Renamed")).await;
    let event = back(&world, &id, with("IntegrationName", "Renamed"));
    let amended = Cell::new(None);
    let validated = |request: &RecordedRequest| {
        if request.method == "PATCH" {
            amended.set(Some(request.at));
        }
        request.method == "GET" && amended.get().is_some_and(|at| at < request.at)
    };
    let meanwhile = async {
        world.sandbox.wait_for(validated).await;
        world.sandbox.give_all_to(ANOTHER_STACK);
    };
    let _ = with_meanwhile(world.send(&event), meanwhile).await;
    let apps = world.sandbox.apps();
    assert_eq!(apps[0].source().unwrap()["stackId"], ANOTHER_STACK);
    world.end().await;
}

/// Nor does one that is rolled back take its change back from another stack.
#[tokio::test]
async fn does_not_take_its_change_back_from_another_stack() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([
        Stack::updating(&id),
        overtaken("UPDATE_ROLLBACK_IN_PROGRESS", &id),
    ]);
    world.sandbox.script(Fault::lose_after().only("PATCH"));
    let event = renaming(&world, &id);
    let meanwhile = world.becomes_anothers_after(|request| request.method == "PATCH");
    let outcome = with_meanwhile(world.send(&event), meanwhile).await;
    assert_eq!(outcome.status(), "FAILED");
    let apps = world.sandbox.apps();
    assert_eq!(apps[0].source().unwrap()["stackId"], ANOTHER_STACK);
    world.end().await;
}

/// What a later Update is about to write is not written over: not by another try.
#[tokio::test]
async fn does_not_try_again_once_a_later_update_has_begun() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let later = overtaken("UPDATE_IN_PROGRESS", &id);
    world.desk.stacks([Stack::updating(&id), later]);
    world.sandbox.script(Fault::hang().only("PATCH"));
    let event = renaming(&world, &id);
    assert_eq!(world.send(&event).await.status(), "FAILED");
    assert_eq!(world.sandbox.apps()[0].integration_name, NAME);
    world.end().await;
}

/// And not by another validation.
#[tokio::test]
async fn does_not_validate_again_once_a_later_update_has_begun() {
    let (role, world) = World::wavering().await;
    let id = world.created(properties()).await;
    role.set(Waver::FailAlways);
    let updating = || Stack::updating(&id);
    let later = overtaken("UPDATE_IN_PROGRESS", &id);
    world.desk.stacks([updating(), updating(), later]);
    world.sandbox.script(Fault::hang().only("GET"));
    let event = renaming(&world, &id);
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "FAILED");
    let calls = world.vendor_calls();
    let amended = calls.iter().filter(|call| call.starts_with("PATCH"));
    assert_eq!(amended.count(), 1);
    world.end().await;
}

/// Nor once the record is let go while CloudFormation is asked.
#[tokio::test]
async fn does_not_validate_again_what_is_let_go_while_it_asks() {
    let (role, world) = World::wavering().await;
    let id = world.created(properties()).await;
    role.set(Waver::FailAlways);
    let updating = || Stack::updating(&id);
    world.desk.stacks([updating(), updating(), Stack::Down]);
    world.sandbox.script(Fault::hang().only("GET"));
    let event = renaming(&world, &id);
    let meanwhile = async {
        world.desk.has_been_asked(3).await;
        world.sandbox.give_all_to(ANOTHER_STACK);
    };
    let outcome = with_meanwhile(world.send_within(&event, SHORT), meanwhile).await;
    assert_eq!(outcome.status(), "FAILED");
    let calls = world.vendor_calls();
    let amended = calls.iter().filter(|call| call.starts_with("PATCH"));
    assert_eq!(amended.count(), 1);
    world.end().await;
}

/// Half of what CloudFormation tells is enough for that.
#[tokio::test]
async fn changes_nothing_when_its_resource_alone_says_that_a_later_update_has_begun() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([overtaken("", &id)]);
    let event = renaming(&world, &id);
    assert_eq!(world.send(&event).await.status(), "FAILED");
    assert_eq!(world.vendor_calls(), Vec::<String>::new());
    world.end().await;
}

/// An Update that runs for long, as a twin of one that is done, finds that a later one
/// was rolled back: what it wrote before that is not its own to take back.
#[tokio::test]
async fn takes_nothing_back_when_a_later_update_was_rolled_back() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let later = Stack::ChangedSince {
        stack: "UPDATE_ROLLBACK_COMPLETE",
        resource: "UPDATE_COMPLETE",
        recorded: id.clone(),
        since: time::Duration::MINUTE,
    };
    world.desk.stacks([Stack::updating(&id), later]);
    let outcome = world.send(&renaming(&world, &id)).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps()[0].integration_name, "Renamed");
    world.end().await;
}

/// An Update that was slow finds its record gone, and its stack: nobody would ever
/// remove what it registered now.
#[tokio::test]
async fn registers_nothing_once_its_stack_is_gone() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    let gone = Stack::is("DELETE_IN_PROGRESS", "DELETE_COMPLETE", &id);
    world.desk.stacks([Stack::updating(&id), gone]);
    world.sandbox.script(Fault::hang().only("GET"));
    let renamed = with("IntegrationName", "Renamed");
    let event = world.update_event(&id, renamed, properties());
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "FAILED");
    let registers = |call: &String| call.starts_with("POST");
    assert!(!world.vendor_calls().iter().any(registers));
    world.end().await;
}

/// The same when the function's role is torn down between the two questions.
#[tokio::test]
async fn registers_nothing_for_a_stack_that_goes_when_it_may_not_ask_about_the_resource() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    let goes = Stack::DeniedResource("DELETE_IN_PROGRESS");
    world.desk.stacks([goes]);
    let renamed = with("IntegrationName", "Renamed");
    let event = world.update_event(&id, renamed, properties());
    assert_eq!(world.send(&event).await.status(), "FAILED");
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// The same when the stack goes while it registers, and whatever it was before.
#[tokio::test]
async fn removes_what_it_registered_for_a_stack_that_goes() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    let gone = Stack::is("DELETE_IN_PROGRESS", "DELETE_COMPLETE", &id);
    world.desk.stacks([Stack::updating(&id), gone]);
    let refreshed = with("Refresh", "1");
    let event = world.update_event(&id, refreshed, properties());
    assert_eq!(world.send(&event).await.status(), "FAILED");
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}
