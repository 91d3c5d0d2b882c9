//! Deleting the stack removes what is ours, and nothing else.

use std::time::Duration;

use rehearsal::aws_desk::{Secret, Stack};
use rehearsal::sandbox::{ContractLevel, Fault};
use serde_json::{Value, json};

use crate::world::{
    ANOTHER_STACK, LOGICAL, NAME, STACK, Setting, World, faulty, properties, with, with_meanwhile,
};

/// Long enough for every request, short enough that a failure comes soon.
const SHORT: Duration = Duration::from_secs(12);

const INVENTED: &str = "Authomize-Trust-Role-AuthomizeIntegration-1ABCDEF23GHIJ";

#[tokio::test]
async fn removes_the_record_with_two_requests() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    let outcome = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert!(world.sandbox.apps().is_empty());
    let calls = world.vendor_calls();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[1].starts_with("DELETE"));
    world.end().await;
}

/// Cases E22 and E23: what is gone is deleted, as often as it is asked.
#[tokio::test]
async fn succeeds_twice() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    for request_id in ["delete-1", "delete-2"] {
        let mut event = world.delete_event(&id, properties());
        event["RequestId"] = json!(request_id);
        event["ResponseURL"] = json!(world.bucket.presign(STACK, LOGICAL, request_id));
        let outcome = world.send(&event).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    }
    world.end().await;
}

/// Case E20: what was never made needs no vendor and no secret.
#[tokio::test]
async fn of_what_was_never_made_asks_nobody() {
    let world = World::with(Setting {
        secret: Secret::Missing,
        ..Setting::default()
    })
    .await;
    let event = world.delete_event("none/0123456789abcdef", properties());
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), "none/0123456789abcdef");
    assert_eq!(world.desk.secret_requests(), 0);
    assert!(world.vendor_calls().is_empty());
    world.end().await;
}

/// Case E21: an invented id leads to the marker.
#[tokio::test]
async fn finds_by_the_marker_what_an_unanswered_create_left() {
    let world = World::new().await;
    world.created(properties()).await;
    world.desk.stacks([Stack::is(
        "ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        INVENTED,
    )]);
    let outcome = world
        .send(&world.delete_event(INVENTED, properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), INVENTED);
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// The answer to an update that registered anew never arrived, so CloudFormation has
/// the id of the record that is gone.
#[tokio::test]
async fn finds_by_the_marker_what_replaced_a_record_that_is_gone() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    world.desk.stacks([Stack::updating(&id)]);
    let update = world.update_event(&id, properties(), with("OwnerEmail", "a@example.com"));
    let anew = world.send(&update).await;
    assert_eq!(anew.status(), "SUCCESS", "{}", anew.reason());
    assert_ne!(anew.id(), id);

    world.desk.stacks([Stack::deleting(&id)]);
    let outcome = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Nobody being able to say whether there is such a record fails no Delete.
#[tokio::test]
async fn of_a_record_that_is_gone_succeeds_when_nothing_more_can_be_asked() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.sandbox.remove_all();
    world.desk.stacks([Stack::deleting(&id)]);
    world.sandbox.script(Fault::status(404).only("GET"));
    world.sandbox.script(Fault::status(403).only("GET"));
    let outcome = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let log = world.end().await;
    assert!(log.iter().any(|line| line.contains(NAME)), "{log:?}");
}

/// Case E21: where the vendor cannot be asked, most likely nothing is there.
#[tokio::test]
async fn of_an_invented_id_succeeds_even_if_the_vendor_refuses() {
    let world = World::with(Setting {
        secret: Secret::Denied,
        stack: Stack::deleting(INVENTED),
        ..Setting::default()
    })
    .await;
    let outcome = world
        .send(&world.delete_event(INVENTED, properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let log = world.end().await;
    assert!(
        log.iter()
            .any(|line| line.contains("answered SUCCESS all the same"))
    );
}

/// Case E21: and what is there without the marker is somebody else's.
#[tokio::test]
async fn leaves_strangers_alone() {
    let world = World::new().await;
    let stranger = world.sandbox.insert_stranger(NAME);
    world.desk.stacks([Stack::deleting(INVENTED)]);
    let outcome = world
        .send(&world.delete_event(INVENTED, properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].id.as_str(), stranger);
    world.end().await;
}

/// An issued id removes what is still ours: not a record that another stack has
/// taken over, and not one that somebody named in a forged event.
#[tokio::test]
async fn removes_by_its_id_only_what_bears_its_marker() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let stranger = world.sandbox.insert_stranger("Made by hand");
    world.desk.stacks([Stack::deleting(&id)]);
    let record = id.split('/').nth(1).unwrap();
    let forged = id.replace(record, &stranger);
    let outcome = world.send(&world.delete_event(&forged, properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    world.sandbox.give_all_to(ANOTHER_STACK);
    let mut event = world.event("Delete", "delete-2", properties());
    event["PhysicalResourceId"] = json!(id);
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn releases_the_record_when_it_shall_be_kept() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    let outcome = world
        .send(&world.delete_event(&id, with("OnDelete", "Keep")))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    assert!(
        !world
            .vendor_calls()
            .iter()
            .any(|call| call.starts_with("DELETE"))
    );
    world.end().await;
}

#[tokio::test]
async fn never_removes_an_adopted_record() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let adopted = id.replace("integration/", "adopted/");
    world.desk.stacks([Stack::deleting(&adopted)]);
    let outcome = world
        .send(&world.delete_event(&adopted, properties()))
        .await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), adopted);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn says_which_record_is_left_when_the_token_is_revoked() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    let record = world.sandbox.apps()[0].id.to_string();
    world.desk.secrets([Secret::Text("revoked".to_owned())]);
    for (wish, status) in [("Fail", "FAILED"), ("Ignore", "SUCCESS")] {
        world.desk.stacks([Stack::deleting(&id)]);
        let mut event = world.delete_event(&id, with("OnDeregistrationFailure", wish));
        event["RequestId"] = json!(wish);
        event["ResponseURL"] = json!(world.bucket.presign(STACK, LOGICAL, wish));
        let outcome = world.send(&event).await;
        assert_eq!(outcome.status(), status);
        assert_eq!(outcome.id(), id);
        if status == "FAILED" {
            assert!(outcome.reason().contains(&record), "{}", outcome.reason());
        }
    }
    world.end().await;
}

/// The same when there is no time left to be refused in.
#[tokio::test]
async fn lets_the_stack_go_when_time_runs_out_if_that_is_wished() {
    for (wish, status) in [("Fail", "FAILED"), ("Ignore", "SUCCESS")] {
        let world = World::with(Setting {
            binary: faulty(),
            environment: vec![("FAULT", "block DELETE".to_owned())],
            ..Setting::default()
        })
        .await;
        let id = world.created(properties()).await;
        let record = world.sandbox.apps()[0].id.to_string();
        world.desk.stacks([Stack::deleting(&id)]);
        let event = world.delete_event(&id, with("OnDeregistrationFailure", wish));
        let outcome = world.send_within(&event, SHORT).await;
        assert_eq!(outcome.status(), status, "{}", outcome.reason());
        assert_eq!(outcome.id(), id);
        let log = world.end().await;
        let names_it = |line: &String| line.contains("Time ran out") && line.contains(&record);
        assert!(log.iter().any(names_it), "{log:?}");
    }
}

/// For an id that CloudFormation invented it is no failure either: most likely there is
/// nothing.
#[tokio::test]
async fn of_an_invented_id_succeeds_even_if_time_runs_out() {
    let world = World::with(Setting {
        binary: faulty(),
        environment: vec![("FAULT", "block GET".to_owned())],
        stack: Stack::deleting(INVENTED),
        ..Setting::default()
    })
    .await;
    let event = world.delete_event(INVENTED, properties());
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let log = world.end().await;
    let names_it = |line: &String| line.contains("Time ran out") && line.contains(NAME);
    assert!(log.iter().any(names_it), "{log:?}");
}

#[tokio::test]
async fn happens_only_when_the_stack_is_going() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world
        .desk
        .stacks([Stack::is("CREATE_COMPLETE", "CREATE_COMPLETE", &id)]);
    let outcome = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(world.sandbox.apps().len(), 1);
    assert!(world.vendor_calls().is_empty());
    world.end().await;
}

/// Case E33: no property can make a Delete fail, nor can properties that are no
/// object at all.
#[tokio::test]
async fn takes_any_properties() {
    let mut bad = with("Regions", json!({"a": [1]}));
    bad["OwnerEmail"] = json!(7);
    bad["ExternalId"] = json!("");
    bad["AdditionalAccountIds"] = json!("12");
    bad["OnDelete"] = json!(["Keep"]);
    for given in [
        bad,
        with("ApiUrl", json!({"a": 1})),
        with("ApiUrl", "nowhere"),
        json!({}),
        json!("nonsense"),
        json!([1, 2]),
        Value::Null,
    ] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        world.desk.stacks([Stack::deleting(&id)]);
        let outcome = world.send(&world.delete_event(&id, given)).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert!(world.sandbox.apps().is_empty());
        world.end().await;
    }
}

/// A server that knows only the published API keeps no marker: there the id that
/// CloudFormation has recorded is the proof.
#[tokio::test]
async fn removes_by_the_recorded_id_where_no_marker_is_kept() {
    let world = World::with(Setting {
        contract: ContractLevel::PublishedOnly,
        ..Setting::default()
    })
    .await;
    let id = world.created(properties()).await;
    let other = "integration/app_of_somebody/01234567";
    world
        .desk
        .stacks([Stack::is("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS", other)]);
    let outcome = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.desk.stacks([Stack::deleting(&id)]);
    let mut event = world.delete_event(&id, properties());
    event["RequestId"] = json!("delete-2");
    event["ResponseURL"] = json!(world.bucket.presign(STACK, LOGICAL, "delete-2"));
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// A page that stands before the vendor says 200 to everything: the record is
/// still there, and the admin is told.
#[tokio::test]
async fn believes_no_answer_that_makes_no_sense() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    let page = "<html><body>We are busy</body></html>";
    world
        .sandbox
        .script(Fault::status(200).bytes(page).times(100).only("DELETE"));
    let outcome = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    let record = &world.sandbox.apps()[0].id;
    assert!(outcome.reason().contains(record), "{}", outcome.reason());
    world.end().await;
}

/// A deletion that a bug cuts has no second try: the reason names what may be left.
#[tokio::test]
async fn names_what_may_be_left_when_it_is_cut() {
    let world = World::with(Setting {
        binary: faulty(),
        environment: vec![("FAULT", "panic DELETE".to_owned())],
        ..Setting::default()
    })
    .await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    let outcome = world.send(&world.delete_event(&id, properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    let record = &world.sandbox.apps()[0].id;
    assert!(outcome.reason().contains(record), "{}", outcome.reason());
    world.end().await;
}

/// A removal that was lost is not sent again once another stack has the record: a twin of
/// this run may have let it go meanwhile.
#[tokio::test]
async fn does_not_remove_again_what_another_stack_took_over() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    world.sandbox.script(Fault::lose_before().only("DELETE"));
    let event = world.delete_event(&id, properties());
    let meanwhile = world.becomes_anothers_after(|request| request.method == "DELETE");
    let outcome = with_meanwhile(world.send(&event), meanwhile).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// A release whose answer was lost is not sent again once another stack has taken the
/// record over.
#[tokio::test]
async fn does_not_release_again_what_another_stack_took_over() {
    let world = World::new().await;
    let keep = with("OnDelete", "Keep");
    let id = world.created(keep.clone()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    world.sandbox.script(Fault::lose_after().only("PATCH"));
    let event = world.delete_event(&id, keep);
    let meanwhile = world.becomes_anothers_after(|request| request.method == "PATCH");
    let outcome = with_meanwhile(world.send(&event), meanwhile).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let amended = |call: &String| call.starts_with("PATCH");
    let calls = world.vendor_calls();
    assert_eq!(calls.iter().filter(|call| amended(call)).count(), 1);
    world.end().await;
}
