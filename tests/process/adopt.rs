//! Taking over a record that a person made, by its id, and giving it back: no Delete
//! and no rollback removes what no stack made.

use std::sync::Arc;
use std::time::Duration;

use rehearsal::aws_desk::Stack;
use rehearsal::registrar::hub_environment;
use rehearsal::sandbox::{App, ContractLevel, Failing, Fault, Waver};
use serde_json::{Value, json};

use crate::world::{
    ANOTHER_STACK, EXTERNAL_ID, LOGICAL, NAME, Outcome, STACK, Setting, World, properties, with,
    with_meanwhile,
};

/// The name that a person gave.
const BY_HAND: &str = "Production";

/// Long enough for a request, short enough that a failure comes soon.
const SHORT: Duration = Duration::from_secs(8);

const ACCOUNT: &str = "123456789012";

/// What the dialog makes: another role of the account, and no marker.
fn config_of(accounts: &[&str]) -> Value {
    json!({
        "accountIds": accounts,
        "regions": [],
        "roleArn": format!("arn:aws:iam::{}:role/MadeByHand", accounts[0]),
        "externalId": EXTERNAL_ID,
        "includeIdentityCenter": false,
    })
}

/// The record of a person, and the properties that name it.
fn made_by_hand(world: &World) -> (App, Value) {
    let id = world.sandbox.insert_by_hand(BY_HAND, config_of(&[ACCOUNT]));
    (
        world.sandbox.apps()[0].clone(),
        with("AdoptIntegrationId", id),
    )
}

/// A stack that has taken a person's record over: the record before, the properties and
/// the physical id.
async fn adopted(world: &World) -> (App, Value, String) {
    let (before, wanted) = made_by_hand(world);
    let id = world.created(wanted.clone()).await;
    (before, wanted, id)
}

/// What came of the deletion of its stack, which succeeds.
async fn deleted(world: &World, id: &str, properties: Value) -> Outcome {
    world.desk.stacks([Stack::deleting(id)]);
    let outcome = world.send(&world.delete_event(id, properties)).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    outcome
}

/// The one record that there is.
fn only_app(world: &World) -> App {
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    apps[0].clone()
}

/// It has its name again, nobody has it, and nothing asked for its removal.
fn assert_given_back(world: &World, before: &App) {
    let now = only_app(world);
    assert_eq!(now.id, before.id);
    assert_eq!(now.integration_name, before.integration_name);
    let released = |source: &Value| source["released"] == true;
    assert!(now.source().is_none_or(released), "{:?}", now.config);
    let removals = world.vendor_calls();
    assert!(
        !removals.iter().any(|call| call.starts_with("DELETE")),
        "{removals:?}"
    );
}

/// The same to the letter, as far as the vendor lets it be written.
fn assert_as_it_was(world: &World, before: &App) {
    let now = only_app(world);
    assert_eq!(now.id, before.id);
    assert_eq!(now.integration_name, before.integration_name);
    assert_eq!(now.config, before.config);
}

#[tokio::test]
async fn takes_over_the_record_that_is_named() {
    let world = World::new().await;
    let (before, wanted) = made_by_hand(&world);
    let outcome = world.send(&world.create_event(wanted)).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let path = format!("/v2/apps/{}", before.id);
    assert_eq!(
        world.vendor_calls(),
        [
            format!("GET {path}"),
            format!("PATCH {path}"),
            format!("GET {path}")
        ]
    );
    let form = format!("adopted/{}/", before.id);
    assert!(outcome.id().starts_with(&form), "{}", outcome.id());
    assert_eq!(
        outcome.answer()["Data"]["IntegrationId"],
        before.id.as_str()
    );
    assert_eq!(outcome.answer()["Data"]["IntegrationName"], NAME);
    let now = only_app(&world);
    let config = now.config.as_ref().unwrap();
    assert_eq!(config["roleArn"], properties()["RoleArn"]);
    assert_eq!(now.source().unwrap()["stackId"], STACK);
    assert_eq!(now.source().unwrap()["adoptedName"], BY_HAND);
    world.end().await;
}

/// Whatever `OnDelete` says.
#[tokio::test]
async fn gives_it_back_when_the_stack_is_deleted() {
    for wish in ["Remove", "Keep"] {
        let world = World::new().await;
        let (before, mut wanted, id) = adopted(&world).await;
        wanted["OnDelete"] = json!(wish);
        let outcome = deleted(&world, &id, wanted).await;
        assert_eq!(outcome.id(), id);
        assert_given_back(&world, &before);
        world.end().await;
    }
}

/// Its name may be another record's by then.
#[tokio::test]
async fn gives_it_back_without_its_name_where_that_is_taken() {
    let world = World::new().await;
    let (before, wanted, id) = adopted(&world).await;
    world.sandbox.insert_stranger(BY_HAND);
    deleted(&world, &id, wanted).await;
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 2);
    assert_eq!(apps[0].id, before.id);
    assert_eq!(apps[0].integration_name, NAME);
    assert_eq!(apps[0].source().unwrap()["released"], true);
    world.end().await;
}

/// A record that nobody can show to be this account's is left alone, with a reason.
#[tokio::test]
async fn refuses_what_is_not_this_stacks_to_take() {
    const OTHER: &str = "210987654321";
    let marked = |marker: Value| {
        let mut config = config_of(&[ACCOUNT]);
        config["source"] = marker;
        Some(config)
    };
    let mut of_its_role_alone = config_of(&[OTHER]);
    of_its_role_alone["accountIds"] = Value::Null;
    let two_minds =
        json!({"accountIds": [ACCOUNT], "roleArn": format!("arn:aws:iam::{OTHER}:role/R")});
    for (config, expected) in [
        (Some(config_of(&[OTHER])), "it is of account 210987654321"),
        (
            Some(config_of(&[ACCOUNT, OTHER])),
            "it is of account 210987654321",
        ),
        (Some(of_its_role_alone), "it is of account 210987654321"),
        (Some(two_minds), "it is of account 210987654321"),
        (Some(json!({})), "does not say which accounts"),
        (
            Some(json!({"accountIds": [7]})),
            "does not say which accounts",
        ),
        (None, "does not say which accounts"),
        (
            marked(json!({"stackId": ANOTHER_STACK, "logicalResourceId": LOGICAL})),
            ANOTHER_STACK,
        ),
        (
            marked(json!({"stackId": STACK, "logicalResourceId": LOGICAL, "hub": "arn"})),
            "it belongs to stack",
        ),
    ] {
        let world = World::new().await;
        let id = match config {
            Some(config) => world.sandbox.insert_by_hand(BY_HAND, config),
            None => world.sandbox.insert_other_kind(BY_HAND),
        };
        let before = world.sandbox.apps();
        let event = world.create_event(with("AdoptIntegrationId", id.clone()));
        let outcome = world.send(&event).await;
        assert_eq!(outcome.status(), "FAILED", "{expected}");
        for words in [id.as_str(), expected] {
            assert!(outcome.reason().contains(words), "{}", outcome.reason());
        }
        assert!(outcome.id().starts_with("none/"), "{}", outcome.id());
        assert_eq!(world.sandbox.apps(), before);
        assert_eq!(world.vendor_calls().len(), 1);
        world.end().await;
    }
}

#[tokio::test]
async fn refuses_what_is_not_there() {
    let world = World::new().await;
    let event = world.create_event(with("AdoptIntegrationId", "app_000000000404"));
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "FAILED");
    for words in ["app_000000000404", "Authomize does not have it"] {
        assert!(outcome.reason().contains(words), "{}", outcome.reason());
    }
    assert!(outcome.id().starts_with("none/"), "{}", outcome.id());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// A server that knows what is published, and no more, does not tell whose a record is.
#[tokio::test]
async fn refuses_where_the_vendor_does_not_tell_the_accounts() {
    let world = World::with(Setting {
        contract: ContractLevel::PublishedOnly,
        ..Setting::default()
    })
    .await;
    let (before, wanted) = made_by_hand(&world);
    let outcome = world.send(&world.create_event(wanted)).await;
    assert_eq!(outcome.status(), "FAILED");
    let expected = "does not say which accounts";
    assert!(outcome.reason().contains(expected), "{}", outcome.reason());
    assert!(outcome.id().starts_with("none/"), "{}", outcome.id());
    assert_as_it_was(&world, &before);
    world.end().await;
}

/// One of several accounts is taken over where the parameters name the others, for what
/// they do not name would be read no longer.
#[tokio::test]
async fn takes_over_a_record_of_several_accounts_that_are_named() {
    let world = World::new().await;
    let config = config_of(&[ACCOUNT, "210987654321"]);
    let id = world.sandbox.insert_by_hand(BY_HAND, config);
    let mut wanted = with("AdoptIntegrationId", id);
    wanted["AdditionalAccountIds"] = json!(["210987654321", "310987654321"]);
    let outcome = world.send(&world.create_event(wanted)).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    world.end().await;
}

/// Whoever belongs to the organization can invoke a hub's function with any event, so no
/// event names it a record.
#[tokio::test]
async fn refuses_in_a_hub() {
    let world = World::with(Setting {
        environment: hub_environment(),
        ..Setting::default()
    })
    .await;
    let (before, wanted) = made_by_hand(&world);
    let outcome = world.send(&world.create_event(wanted)).await;
    assert_eq!(outcome.status(), "FAILED");
    let expected = "a hub and its members take no record over";
    assert!(outcome.reason().contains(expected), "{}", outcome.reason());
    assert!(world.vendor_calls().is_empty());
    assert_as_it_was(&world, &before);
    world.end().await;
}

/// A role that cannot be assumed fails the creation, and the record is as it was.
#[tokio::test]
async fn gives_it_back_as_it_was_when_the_creation_fails() {
    let world = World::with(Setting {
        validator: Arc::new(Failing::always("the role cannot be assumed")),
        ..Setting::default()
    })
    .await;
    let (before, wanted) = made_by_hand(&world);
    let event = world.create_event(wanted);
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.id().starts_with("none/"), "{}", outcome.id());
    assert_as_it_was(&world, &before);
    world.end().await;
}

/// Nor is it kept where the vendor refuses the change, or another record has the name.
#[tokio::test]
async fn gives_it_back_as_it_was_when_the_vendor_refuses() {
    for status in [409, 422] {
        let world = World::new().await;
        let (before, wanted) = made_by_hand(&world);
        world.sandbox.script(Fault::status(status).only("PATCH"));
        let outcome = world.send(&world.create_event(wanted)).await;
        assert_eq!(outcome.status(), "FAILED");
        let expected = "the record that AdoptIntegrationId names could not be taken over";
        assert!(
            outcome
                .reason()
                .to_lowercase()
                .contains(&expected.to_lowercase()),
            "{}",
            outcome.reason()
        );
        assert!(outcome.id().starts_with("none/"), "{}", outcome.id());
        assert_as_it_was(&world, &before);
        world.end().await;
    }
}

#[tokio::test]
async fn gives_it_back_as_it_was_when_the_stack_is_cancelled_meanwhile() {
    let world = World::new().await;
    let (before, wanted) = made_by_hand(&world);
    world.desk.stacks([
        Stack::creating(),
        Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", ""),
    ]);
    let outcome = world.send(&world.create_event(wanted)).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.id().starts_with("none/"), "{}", outcome.id());
    assert_as_it_was(&world, &before);
    world.end().await;
}

/// What could not be given back in time is given back by the rollback's Delete: the id
/// that the creation failed with leads there.
#[tokio::test]
async fn is_given_back_by_the_rollback_where_the_creation_could_not() {
    let (role, world) = World::wavering().await;
    role.set(Waver::FailAlways);
    let (before, wanted) = made_by_hand(&world);
    let event = world.create_event(wanted.clone());
    let refusing = async {
        let patched = |request: &rehearsal::sandbox::RecordedRequest| request.method == "PATCH";
        world.sandbox.wait_for(patched).await;
        world
            .sandbox
            .script(Fault::status(403).only("PATCH").times(100));
    };
    let failed = with_meanwhile(world.send_within(&event, SHORT), refusing).await;
    assert_eq!(failed.status(), "FAILED");
    let form = format!("adopted/{}/", before.id);
    assert!(failed.id().starts_with(&form), "{}", failed.id());

    world.sandbox.clear_faults();
    world.desk.stacks([Stack::is(
        "ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        failed.id(),
    )]);
    let rollback = world.send(&world.delete_event(failed.id(), wanted)).await;
    assert_eq!(rollback.status(), "SUCCESS", "{}", rollback.reason());
    assert_given_back(&world, &before);
    world.end().await;
}

/// CloudFormation never heard of it, and comes with an id of its own: the record is
/// found by the parameter, even if somebody renamed it since.
#[tokio::test]
async fn is_given_back_where_no_answer_came() {
    let world = World::new().await;
    let (before, wanted, _) = adopted(&world).await;
    world.sandbox.rename_all("Renamed since");
    let invented = "Authomize-Trust-Role-AuthomizeIntegration-1ABCDEF23GHIJ";
    world
        .desk
        .stacks([Stack::is("ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS", "")]);
    let outcome = world.send(&world.delete_event(invented, wanted)).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_given_back(&world, &before);
    world.end().await;
}

/// An answer that was lost on the way, and Lambda's second run.
#[tokio::test]
async fn is_taken_over_once_whatever_is_lost() {
    let world = World::new().await;
    let (before, wanted) = made_by_hand(&world);
    world.sandbox.script(Fault::lose_after().only("PATCH"));
    let first = world.send(&world.create_event(wanted.clone())).await;
    assert_eq!(first.status(), "SUCCESS", "{}", first.reason());
    let mut event = world.event("Create", "create-2", wanted);
    let minute = time::Duration::MINUTE;
    let signed = world
        .bucket
        .presign_before(minute, STACK, LOGICAL, "create-2");
    event["ResponseURL"] = json!(signed);
    let second = world.send(&event).await;
    assert_eq!(second.status(), "SUCCESS", "{}", second.reason());
    assert_eq!(second.id(), first.id());
    assert_eq!(only_app(&world).id, before.id);
    assert_eq!(only_app(&world).source().unwrap()["adoptedName"], BY_HAND);
    world.end().await;
}

/// A second run that finds its stack cancelled gives back what the first one took.
#[tokio::test]
async fn is_given_back_by_a_second_run_of_a_cancelled_stack() {
    let world = World::new().await;
    let (before, wanted, _) = adopted(&world).await;
    world
        .desk
        .stacks([Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", "")]);
    let mut event = world.event("Create", "create-2", wanted);
    let minute = time::Duration::MINUTE;
    let signed = world
        .bucket
        .presign_before(minute, STACK, LOGICAL, "create-2");
    event["ResponseURL"] = json!(signed);
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_given_back(&world, &before);
    world.end().await;
}

/// An update goes on with the same record, and forgets neither that no stack made it
/// nor its name.
#[tokio::test]
async fn goes_on_when_the_stack_is_updated() {
    let world = World::new().await;
    let (before, wanted, id) = adopted(&world).await;
    world.desk.stacks([Stack::updating(&id)]);
    let mut changed = wanted.clone();
    changed["OwnerEmail"] = json!("owner@example.com");
    let event = world.update_event(&id, changed.clone(), wanted);
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_eq!(only_app(&world).source().unwrap()["adoptedName"], BY_HAND);

    deleted(&world, &id, changed).await;
    assert_given_back(&world, &before);
    world.end().await;
}

/// The parameter has done its work when the stack is created: without it the record
/// stays, and stays one that no stack removes.
#[tokio::test]
async fn goes_on_without_the_parameter() {
    let world = World::new().await;
    let (before, wanted, id) = adopted(&world).await;
    world.desk.stacks([Stack::updating(&id)]);
    let event = world.update_event(&id, properties(), wanted);
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_eq!(world.vendor_calls().len(), 1);

    deleted(&world, &id, properties()).await;
    assert_given_back(&world, &before);
    world.end().await;
}

/// A stack that has a record takes no other one over in its place, and may name its own.
#[tokio::test]
async fn is_no_way_to_change_the_record_of_a_stack() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let own = only_app(&world).id;
    let other = world.sandbox.insert_by_hand(BY_HAND, config_of(&[ACCOUNT]));
    let before = world.sandbox.apps();
    world.desk.stacks([Stack::updating(&id)]);
    let wanted = with("AdoptIntegrationId", other.clone());
    let event = world.update_event(&id, wanted.clone(), properties());
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(outcome.id(), id);
    for words in [own.as_str(), &other, "create it anew"] {
        assert!(outcome.reason().contains(words), "{}", outcome.reason());
    }
    assert_eq!(world.sandbox.apps(), before);

    world.desk.stacks([Stack::is(
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_IN_PROGRESS",
        &id,
    )]);
    let mut back = world.event("Update", "update-2", properties());
    back["PhysicalResourceId"] = json!(id);
    back["OldResourceProperties"] = wanted;
    let outcome = world.send(&back).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());

    world.desk.stacks([Stack::updating(&id)]);
    let mut named = world.event("Update", "update-3", with("AdoptIntegrationId", own));
    named["PhysicalResourceId"] = json!(id);
    named["OldResourceProperties"] = properties();
    let outcome = world.send(&named).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_eq!(world.sandbox.apps(), before);
    world.end().await;
}

/// A record that was taken over and then deleted by hand is made anew: that one is the
/// stack's own, and goes with it.
#[tokio::test]
async fn is_replaced_by_a_record_of_the_stacks_own_once_it_is_deleted_by_hand() {
    let world = World::new().await;
    let (before, wanted, id) = adopted(&world).await;
    world.sandbox.remove_all();
    world.desk.stacks([Stack::updating(&id)]);
    let mut refreshed = wanted.clone();
    refreshed["Refresh"] = json!("1");
    let event = world.update_event(&id, refreshed.clone(), wanted);
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert!(outcome.id().starts_with("integration/"), "{}", outcome.id());
    let made = only_app(&world);
    assert_ne!(made.id, before.id);

    let id = outcome.id().to_owned();
    world.desk.stacks([Stack::updating(&id)]);
    let mut again = refreshed.clone();
    again["OwnerEmail"] = json!("owner@example.com");
    let mut event = world.event("Update", "update-2", again.clone());
    event["PhysicalResourceId"] = json!(id);
    event["OldResourceProperties"] = refreshed;
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);

    deleted(&world, &id, again).await;
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Another stack has the record by now, or a person took the marker off: it is nobody's
/// to give back.
#[tokio::test]
async fn leaves_alone_what_became_somebody_elses() {
    for taken in [true, false] {
        let world = World::new().await;
        let (_, wanted, id) = adopted(&world).await;
        if taken {
            world.sandbox.give_all_to(ANOTHER_STACK);
        } else {
            world.sandbox.remove_all();
            world.sandbox.insert_by_hand(BY_HAND, config_of(&[ACCOUNT]));
        }
        let before = world.sandbox.apps();
        deleted(&world, &id, wanted).await;
        assert_eq!(world.sandbox.apps(), before);
        world.end().await;
    }
}

/// What a stack took over and let go again may be taken over by the next one, by its id
/// or, where it has the name, without; either way no stack made it.
#[tokio::test]
async fn is_taken_over_again_and_given_back_again() {
    for by_its_id in [true, false] {
        let world = World::new().await;
        let (before, wanted, id) = adopted(&world).await;
        deleted(&world, &id, wanted.clone()).await;

        let again = if by_its_id {
            wanted
        } else {
            let mut named = with("IntegrationName", BY_HAND);
            named["RoleArn"] = properties()["RoleArn"].clone();
            named
        };
        world.desk.stacks([Stack::creating()]);
        let mut create = world.event("Create", "create-9", again.clone());
        create["LogicalResourceId"] = json!("Another");
        create["ResponseURL"] = json!(world.bucket.presign(STACK, "Another", "create-9"));
        let created = world.send(&create).await;
        assert_eq!(created.status(), "SUCCESS", "{}", created.reason());
        assert_eq!(created.id(), id);

        world.desk.stacks([Stack::deleting(&id)]);
        let mut delete = world.event("Delete", "delete-9", again);
        delete["LogicalResourceId"] = json!("Another");
        delete["PhysicalResourceId"] = json!(id);
        delete["ResponseURL"] = json!(world.bucket.presign(STACK, "Another", "delete-9"));
        let deleted = world.send(&delete).await;
        assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
        assert_given_back(&world, &before);
        world.end().await;
    }
}
