//! A hub registers the accounts of its organization, each by its own stack's
//! requests, and asks nobody but the vendor about them.

use rehearsal::answer_bucket::BucketFault;
use rehearsal::aws_desk::{Secret, Stack};
use rehearsal::function::Invoked;
use rehearsal::registrar::{
    HUB_ARN, MANAGEMENT_ACCOUNT, MEMBER_LOGICAL_ID, hub_environment, member_stack,
};
use rehearsal::sandbox::{App, ContractLevel, Fault};
use serde_json::{Value, json};

use crate::organization::{ACCOUNT, ANOTHER, event, event_of, hub, join};
use crate::world::{
    ANOTHER_STACK, EXTERNAL_ID, LOGICAL, STACK, Setting, TIMEOUT, TOKEN, World, properties, with,
};

fn config(world: &World, account: &str) -> Value {
    let name = format!("AWS {account}");
    let mut apps = world.sandbox.apps().into_iter();
    let app = apps.find(|app| app.integration_name == name).unwrap();
    app.config.unwrap()
}

/// A member is created with two requests to the vendor, as everybody is, and its
/// marker names stack, resource and hub.
#[tokio::test]
async fn registers_a_member_with_two_requests() {
    let world = hub(Setting::default()).await;
    join(&world, ACCOUNT).await;
    assert_eq!(world.vendor_calls().len(), 2, "{:?}", world.vendor_calls());
    assert_eq!(
        config(&world, ACCOUNT),
        json!({
            "accountIds": [ACCOUNT],
            "regions": ["eu-west-1", "us-east-1"],
            "roleArn": format!("arn:aws:iam::{ACCOUNT}:role/AuthomizeCrossAccountTrustRole"),
            "externalId": EXTERNAL_ID,
            "includeIdentityCenter": false,
            "ownerEmail": "owner@example.com",
            "source": {
                "stackId": member_stack(ACCOUNT),
                "logicalResourceId": MEMBER_LOGICAL_ID,
                "hub": HUB_ARN,
            },
        })
    );
    assert_eq!(world.desk.stack_requests(), 0);
    assert_eq!(world.desk.resource_requests(), 0);
    world.end().await;
}

#[tokio::test]
async fn registers_identity_center_for_the_management_account() {
    let world = hub(Setting::default()).await;
    join(&world, MANAGEMENT_ACCOUNT).await;
    let config = config(&world, MANAGEMENT_ACCOUNT);
    assert_eq!(config["includeIdentityCenter"], true);
    assert_eq!(config["managementAccountId"], MANAGEMENT_ACCOUNT);
    world.end().await;
}

/// It is a single stack as well, and its own registration is as before.
#[tokio::test]
async fn serves_its_own_stack_as_before() {
    let world = hub(Setting::default()).await;
    let id = world.created(with("IntegrationName", "The hub")).await;
    assert!(world.desk.stack_requests() > 0);
    let app = world.sandbox.apps().remove(0);
    assert_eq!(app.integration_name, "The hub");
    assert!(app.source().unwrap().get("hub").is_none());
    world.desk.stacks([Stack::deleting(&id)]);
    let deleted = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

#[tokio::test]
async fn writes_nothing_for_an_update_that_changes_nothing() {
    let world = hub(Setting::default()).await;
    let id = join(&world, ACCOUNT).await;
    world.sandbox.clear_requests();
    let updated = world
        .send(&event_of(&world, "Update", "update-1", ACCOUNT, &id))
        .await;
    assert_eq!(updated.status(), "SUCCESS", "{}", updated.reason());
    assert_eq!(updated.id(), id);
    assert_eq!(world.vendor_calls().len(), 1);
    world.end().await;
}

/// One that may change something writes it under the same marker.
#[tokio::test]
async fn keeps_the_marker_when_it_amends() {
    let world = hub(Setting::default()).await;
    let id = join(&world, ACCOUNT).await;
    let before = config(&world, ACCOUNT);
    world.sandbox.clear_requests();
    let updated = world.send(&amending(&world, &id)).await;
    assert_eq!(updated.status(), "SUCCESS", "{}", updated.reason());
    let calls = world.vendor_calls();
    assert!(
        calls.iter().any(|call| call.starts_with("PATCH")),
        "{calls:?}"
    );
    assert_eq!(config(&world, ACCOUNT), before);
    world.end().await;
}

/// A member's Update from nobody knows what.
fn amending(world: &World, id: &str) -> Value {
    let mut event = event_of(world, "Update", "update-1", ACCOUNT, id);
    event["OldResourceProperties"] = json!({});
    event
}

/// Nothing but the marker proves that a record is a member's: where it says that the
/// record was let go, or says nothing, the record is left alone.
#[tokio::test]
async fn amends_nothing_without_a_marker_that_proves_it() {
    for contract in [ContractLevel::Full, ContractLevel::PublishedOnly] {
        let setting = Setting {
            contract,
            ..Setting::default()
        };
        let world = hub(setting).await;
        let id = join(&world, ACCOUNT).await;
        if contract == ContractLevel::Full {
            let mut deletion = event_of(&world, "Delete", "delete-1", ACCOUNT, &id);
            deletion["ResourceProperties"]["OnDelete"] = json!("Keep");
            world.send(&deletion).await;
        }
        let before = world.sandbox.apps();
        let updated = world.send(&amending(&world, &id)).await;
        assert_eq!(updated.status(), "FAILED");
        let owner = "somebody else";
        assert!(updated.reason().contains(owner), "{}", updated.reason());
        assert_eq!(world.sandbox.apps(), before);
        world.end().await;
    }
}

/// The record goes after the answer, and only that one.
#[tokio::test]
async fn removes_a_members_record_after_the_answer() {
    let world = hub(Setting::default()).await;
    let id = join(&world, ACCOUNT).await;
    join(&world, ANOTHER).await;
    let deletion = event_of(&world, "Delete", "delete-1", ACCOUNT, &id);
    let deleted = world.send(&deletion).await;
    assert_eq!(deleted.invoked, Invoked::Returned(Value::Null));
    assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
    let left = world.sandbox.apps();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].integration_name, format!("AWS {ANOTHER}"));
    world.end().await;
}

/// Where the vendor refuses, the answer has gone out already: the invocation fails, so
/// that Lambda runs it again, and that run needs no stack.
#[tokio::test]
async fn is_run_again_for_a_record_that_the_vendor_did_not_remove() {
    let world = hub(Setting::default()).await;
    let id = join(&world, ACCOUNT).await;
    world.desk.secrets([Secret::Missing]);
    let deletion = event_of(&world, "Delete", "delete-1", ACCOUNT, &id);
    let first = world.send(&deletion).await;
    assert_eq!(first.status(), "SUCCESS");
    let Invoked::Failed(why) = &first.invoked else {
        panic!("the invocation succeeds: {:?}", first.invoked);
    };
    assert_eq!(
        why["errorMessage"],
        "the record of a member that was deleted is not removed yet"
    );
    assert_eq!(world.sandbox.apps().len(), 1);
    world.desk.secrets([Secret::Text(TOKEN.to_owned())]);
    world.desk.stacks([Stack::Missing]);
    let second = world.send(&deletion).await;
    assert_eq!(second.invoked, Invoked::Returned(Value::Null));
    assert!(world.sandbox.apps().is_empty());
    let log = world.end().await;
    let told = "a member's record is not removed yet";
    assert!(log.iter().any(|line| line.contains(told)), "{log:#?}");
}

/// A member's wish to keep the record is heard, and another of its stacks takes the
/// record over.
#[tokio::test]
async fn releases_the_record_of_a_member_that_wants_it_kept() {
    let world = hub(Setting::default()).await;
    let id = join(&world, ACCOUNT).await;
    let mut deletion = event_of(&world, "Delete", "delete-1", ACCOUNT, &id);
    deletion["ResourceProperties"]["OnDelete"] = json!("Keep");
    let deleted = world.send(&deletion).await;
    assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
    let kept = world.sandbox.apps().remove(0);
    assert_eq!(kept.source().unwrap()["released"], true);
    let anew = member_stack(ACCOUNT).replace("7c9e6679", "8d0f7780");
    let mut creation = event(&world, "Create", "create-2", ACCOUNT);
    creation["StackId"] = json!(anew);
    creation["ResponseURL"] = json!(world.bucket.presign(&anew, MEMBER_LOGICAL_ID, "create-2"));
    let created = world.send(&creation).await;
    assert_eq!(created.status(), "SUCCESS", "{}", created.reason());
    assert_eq!(created.id(), id);
    world.end().await;
}

/// What a Create of an unknown outcome left is found by its marker.
#[tokio::test]
async fn removes_what_an_unanswered_creation_of_a_member_left() {
    let world = hub(Setting::default()).await;
    join(&world, ACCOUNT).await;
    let deletion = event_of(
        &world,
        "Delete",
        "delete-1",
        ACCOUNT,
        "invented-by-cloudformation",
    );
    let deleted = world.send(&deletion).await;
    assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Lambda may deliver a creation twice, also after its first answer was lost.
#[tokio::test]
async fn registers_a_member_once_when_delivered_twice() {
    let world = hub(Setting::default()).await;
    world.bucket.script(BucketFault::Reset);
    let id = join(&world, ACCOUNT).await;
    let again = world
        .send(&event(
            &world,
            "Create",
            &format!("join-{ACCOUNT}"),
            ACCOUNT,
        ))
        .await;
    assert_eq!(again.status(), "SUCCESS", "{}", again.reason());
    assert_eq!(again.id(), id);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// A single stack that becomes a member in place meets its own record: it is told the
/// way, and the record stays as it is.
#[tokio::test]
async fn refuses_a_single_stack_that_becomes_a_member_in_place() {
    let world = World::new().await;
    world.created(properties()).await;
    let before = world.sandbox.apps();
    let environment = [
        hub_environment(),
        vec![("STACK_ID", ANOTHER_STACK.to_owned())],
    ]
    .concat();
    let hub = world.beside(&environment).await;
    let mut creation = event(&world, "Create", "create-2", "123456789012");
    creation["StackId"] = json!(STACK);
    creation["ResponseURL"] = json!(world.bucket.presign(STACK, MEMBER_LOGICAL_ID, "create-2"));
    hub.invoke(creation.to_string(), TIMEOUT).await;
    assert_switch_refused(&world, &before);
    world.end().await;
}

/// And so does a member that becomes a single stack.
#[tokio::test]
async fn refuses_a_member_that_becomes_a_single_stack_in_place() {
    let world = hub(Setting::default()).await;
    join(&world, ACCOUNT).await;
    let before = world.sandbox.apps();
    let stack = member_stack(ACCOUNT);
    let single = [
        ("STACK_ID", stack.clone()),
        ("ORGANIZATION_ID", String::new()),
    ];
    let single = world.beside(&single).await;
    world
        .desk
        .stacks([Stack::is("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "")]);
    let mut creation = event(&world, "Create", "create-2", ACCOUNT);
    creation["LogicalResourceId"] = json!(LOGICAL);
    creation["ResponseURL"] = json!(world.bucket.presign(&stack, LOGICAL, "create-2"));
    single.invoke(creation.to_string(), TIMEOUT).await;
    assert_switch_refused(&world, &before);
    world.end().await;
}

fn assert_switch_refused(world: &World, before: &[App]) {
    let answer = world.accepted("create-2").unwrap();
    assert_eq!(answer["Status"], "FAILED");
    let reason = answer["Reason"].as_str().unwrap();
    assert!(
        reason.contains("Set OnDelete to Keep, delete the stack"),
        "{reason}"
    );
    let id = answer["PhysicalResourceId"].as_str().unwrap();
    assert!(id.starts_with("none/"), "{id}");
    assert_eq!(world.sandbox.apps(), before);
}

/// A server that keeps no markers cannot prove that a record is a member's, so
/// nothing but what a run has made itself is touched.
#[tokio::test]
async fn touches_nothing_where_the_vendor_keeps_no_markers() {
    let world = hub(Setting {
        contract: ContractLevel::PublishedOnly,
        ..Setting::default()
    })
    .await;
    let id = join(&world, ACCOUNT).await;
    let deletion = event_of(&world, "Delete", "delete-1", ACCOUNT, &id);
    let deleted = world.send(&deletion).await;
    assert_eq!(deleted.status(), "SUCCESS");
    assert_eq!(world.sandbox.apps().len(), 1);
    let log = world.end().await;
    let told = "left a record alone that bears no marker";
    assert!(log.iter().any(|line| line.contains(told)), "{log:#?}");
}

/// 429 is waited for, and what does not fit is said.
#[tokio::test]
async fn waits_for_the_vendor_and_says_what_did_not_fit() {
    let world = hub(Setting::default()).await;
    world
        .sandbox
        .script(Fault::status(429).header("retry-after", "1"));
    join(&world, ACCOUNT).await;
    world
        .sandbox
        .script(Fault::status(429).header("retry-after", "3600").times(20));
    let failed = world
        .send(&event(&world, "Create", "create-2", ANOTHER))
        .await;
    assert_eq!(failed.status(), "FAILED");
    assert!(
        failed.reason().contains("asks for fewer requests (429)"),
        "{}",
        failed.reason()
    );
    world.sandbox.clear_faults();
    world.end().await;
}
