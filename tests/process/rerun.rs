//! Lambda runs a request again when its answer was lost, and may deliver one
//! twice: it comes to the same.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rehearsal::answer_bucket::BucketFault;
use rehearsal::aws_desk::Stack;
use rehearsal::function::Invoked;
use rehearsal::sandbox::{Failing, Fault};
use serde_json::{Value, json};

use crate::world::{LOGICAL, STACK, Setting, World, properties, with, with_meanwhile};

/// Long enough for every request, short enough that a failure comes soon.
const SHORT: Duration = Duration::from_secs(12);

/// The event as Lambda has it a minute after CloudFormation sent it.
fn a_minute_old(world: &World, mut event: Value) -> Value {
    let request_id = event["RequestId"].as_str().unwrap().to_owned();
    let minute = time::Duration::MINUTE;
    let url = world
        .bucket
        .presign_before(minute, STACK, LOGICAL, &request_id);
    event["ResponseURL"] = json!(url);
    event
}

/// The bodies of all answers to a request, taken or not.
fn bodies(world: &World, request_id: &str) -> Vec<Bytes> {
    world
        .bucket
        .answers()
        .into_iter()
        .filter(|answer| answer.request_id == request_id)
        .map(|answer| answer.body)
        .collect()
}

/// Sends an event whose answer is lost, then the same event again, and makes
/// sure that both answers are the same, byte for byte.
async fn answers_the_same(world: &World, event: &Value, status: &str) {
    world.bucket.script(BucketFault::Refuse);
    let lost = world.send_within(event, SHORT).await;
    assert!(matches!(lost.invoked, Invoked::Failed(_)), "{lost:?}");
    let again = world.send_within(event, SHORT).await;
    assert_eq!(again.status(), status, "{}", again.reason());
    let bodies = bodies(world, event["RequestId"].as_str().unwrap());
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
}

/// Cases E16 and E18: a Create, at once or after a minute: one record.
#[tokio::test]
async fn of_a_create_gives_the_same_answer() {
    for old in [false, true] {
        let world = World::new().await;
        let event = world.create_event(properties());
        let event = if old {
            a_minute_old(&world, event)
        } else {
            event
        };
        answers_the_same(&world, &event, "SUCCESS").await;
        assert_eq!(world.sandbox.apps().len(), 1);
        world.end().await;
    }
}

/// Case E16: a Create that can only fail.
#[tokio::test]
async fn of_a_failed_create_gives_the_same_answer() {
    let world = World::new().await;
    let event = world.create_event(with("OwnerEmail", "nobody"));
    answers_the_same(&world, &event, "FAILED").await;
    world.end().await;
}

/// Case E16: a Create whose role the vendor cannot assume does not turn into a
/// success by being looked at in the middle of one more validation.
#[tokio::test]
async fn of_a_create_that_cannot_be_validated_gives_the_same_answer() {
    let world = World::with(Setting {
        validator: Arc::new(Failing::always("the role cannot be assumed")),
        ..Setting::default()
    })
    .await;
    let event = a_minute_old(&world, world.create_event(properties()));
    answers_the_same(&world, &event, "FAILED").await;
    world.end().await;
}

/// Case E16: an Update that amends, and one that had to register again.
#[tokio::test]
async fn of_an_update_gives_the_same_answer() {
    for gone in [false, true] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        if gone {
            world.sandbox.remove_all();
        }
        world.desk.stacks([Stack::updating(&id)]);
        let changed = with("OwnerEmail", "owner@example.com");
        let event = world.update_event(&id, changed, properties());
        answers_the_same(&world, &event, "SUCCESS").await;
        assert_eq!(world.sandbox.apps().len(), 1);
        world.end().await;
    }
}

/// Cases E16 and E23: a Delete, which finds nothing the second time.
#[tokio::test]
async fn of_a_delete_gives_the_same_answer() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    answers_the_same(&world, &world.delete_event(&id, properties()), "SUCCESS").await;
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Case E18: the very same event twice, both times answered.
#[tokio::test]
async fn of_an_answered_create_registers_nothing_more() {
    let world = World::new().await;
    let event = world.create_event(properties());
    world.send(&event).await;
    world.send(&event).await;
    let bodies = bodies(&world, "create-1");
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Case E18: two deliveries at the same time, each to a process of its own.
#[tokio::test]
async fn of_a_create_beside_itself_registers_once() {
    let world = World::new().await;
    let twin = world.twin().await;
    let event = world.create_event(properties());
    let (_, beside) = tokio::join!(world.send(&event), twin.invoke(event.to_string(), SHORT));
    assert_eq!(beside, Invoked::Returned(Value::Null));
    let bodies = bodies(&world, "create-1");
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Case E30: a cancelled Create that could not undo itself is run again, and
/// that run undoes what the first one made.
#[tokio::test]
async fn of_a_cancelled_create_undoes_what_the_first_run_made() {
    let world = World::new().await;
    let rolling_back = Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", "");
    world.desk.stacks([Stack::creating(), rolling_back]);
    world
        .sandbox
        .script(Fault::status(403).only("DELETE").times(2));
    let event = world.create_event(properties());
    let first = world.send(&event).await;
    assert!(matches!(first.invoked, Invoked::Failed(_)), "{first:?}");
    assert!(first.id().starts_with("integration/"), "{}", first.id());
    assert_eq!(world.sandbox.apps().len(), 1);

    // CloudFormation had given the request up before the first answer came.
    let again = world.send(&a_minute_old(&world, event)).await;
    assert_eq!(again.invoked, Invoked::Returned(Value::Null));
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Case E30: a record whose id CloudFormation has recorded is left to the Delete of that
/// id, which knows whether it is to be kept. When that one is done, what is there goes.
#[tokio::test]
async fn of_a_cancelled_create_leaves_a_recorded_record_to_its_delete() {
    for (stack, resource, is_left) in [
        ("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", true),
        ("UPDATE_IN_PROGRESS", "UPDATE_FAILED", true),
        ("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", true),
        ("DELETE_IN_PROGRESS", "DELETE_COMPLETE", false),
        // Nobody knows whether the resource stays.
        ("UPDATE_ROLLBACK_IN_PROGRESS", "", true),
    ] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        let before = world.sandbox.apps();
        world.desk.stacks([Stack::is(stack, resource, &id)]);
        let event = world.event("Create", "create-2", properties());
        let again = world.send(&a_minute_old(&world, event)).await;
        assert_eq!(again.status(), "FAILED");
        let expected = if is_left { before } else { Vec::new() };
        assert_eq!(world.sandbox.apps(), expected, "{stack} {resource}");
        world.end().await;
    }
}

/// Case E30: a role that may not ask about its stack, and of which one question met an
/// outage, is not being torn down, or it would lose the token as well.
#[tokio::test]
async fn of_a_create_undoes_nothing_where_it_may_never_ask_about_its_stack() {
    let world = World::new().await;
    world.created(properties()).await;
    world.desk.stacks([Stack::Down, Stack::Denied]);
    let event = world.event("Create", "create-2", properties());
    let again = world.send(&a_minute_old(&world, event)).await;
    assert_eq!(again.status(), "FAILED");
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Case E30: what cannot be undone at once is gone on with after the answer, so
/// that the answer is not late.
#[tokio::test]
async fn is_not_needed_where_undoing_goes_on_after_the_answer() {
    for fault in [Fault::status(503).times(7), Fault::hang().times(6)] {
        let world = World::new().await;
        world.sandbox.script(fault.only("DELETE"));
        // The stack goes once the record is there, and not before, however slow the
        // machine is: the function hears of the record a request later.
        world.sandbox.script(Fault::hang().only("GET"));
        let meanwhile = async {
            world
                .sandbox
                .wait_for(|request| request.method == "POST")
                .await;
            let rolling_back = Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", "");
            world.desk.stacks([rolling_back]);
        };
        let event = world.create_event(properties());
        let answered = world.send_within(&event, Duration::from_secs(11));
        let outcome = with_meanwhile(answered, meanwhile).await;
        assert_eq!(outcome.status(), "FAILED");
        assert!(outcome.id().starts_with("integration/"), "{}", outcome.id());
        assert_eq!(outcome.invoked, Invoked::Returned(Value::Null));
        assert!(world.sandbox.apps().is_empty());
        world.end().await;
    }
}
