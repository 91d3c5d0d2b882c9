//! Creating the stack registers its account: once, and only then.

use std::sync::Arc;
use std::time::Duration;

use rehearsal::answer_bucket::BucketFault;
use rehearsal::aws_desk::{Secret, Stack};
use rehearsal::sandbox::{ContractLevel, Failing, Fault, NeverEnding, Waver};
use serde_json::{Value, json};

use crate::world::{
    ANOTHER_STACK, LOGICAL, NAME, Outcome, STACK, Setting, TIMEOUT, TOKEN, World, faulty,
    of_the_same_name, properties, with, with_meanwhile,
};

/// Long enough for every request, short enough that a failure comes soon.
const SHORT: Duration = Duration::from_secs(12);

#[tokio::test]
async fn registers_the_account_and_answers_its_attributes() {
    let world = World::new().await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    let answer = outcome.answer();
    assert_eq!(answer["Data"]["IntegrationId"], apps[0].id.as_str());
    assert_eq!(answer["Data"]["IntegrationName"], NAME);
    assert_eq!(answer["Data"]["Status"], "enabled");
    assert_eq!(answer["Data"]["ConnectedApps"], "AWS");
    assert!(
        outcome
            .id()
            .starts_with(&format!("integration/{}/", apps[0].id))
    );
    assert_eq!(
        world.vendor_calls(),
        [
            "POST /v2/apps".to_owned(),
            format!("GET /v2/apps/{}", apps[0].id)
        ]
    );
    world.end().await;
}

#[tokio::test]
async fn tells_the_vendor_everything_that_the_dialog_asked() {
    let world = World::new().await;
    let mut wanted = properties();
    wanted["IntegrationName"] = json!("Production (AWS)");
    wanted["OwnerEmail"] = json!("owner@example.com");
    wanted["Regions"] = json!(["us-east-1", "eu-west-1"]);
    wanted["AdditionalAccountIds"] = json!(["210987654321"]);
    wanted["IncludeIdentityCenter"] = json!("true");
    world.send(&world.create_event(wanted)).await;
    let body = world.sandbox.requests()[0].body.clone().unwrap();
    assert_eq!(body["integrationName"], "Production (AWS)");
    assert_eq!(body["serviceType"], "aws");
    let config = &body["config"];
    assert_eq!(
        config["accountIds"],
        json!(["123456789012", "210987654321"])
    );
    assert_eq!(config["managementAccountId"], "123456789012");
    assert_eq!(config["regions"], json!(["eu-west-1", "us-east-1"]));
    assert_eq!(config["ownerEmail"], "owner@example.com");
    assert_eq!(config["includeIdentityCenter"], true);
    assert_eq!(
        config["source"],
        json!({"stackId": STACK, "logicalResourceId": LOGICAL})
    );
    world.end().await;
}

/// Case E18: the same Create delivered twice makes one record and one id.
#[tokio::test]
async fn registers_once_when_delivered_twice() {
    let world = World::new().await;
    let event = world.create_event(properties());
    let first = world.send(&event).await;
    let mut again = event.clone();
    again["RequestId"] = json!("create-2");
    again["ResponseURL"] = json!(world.bucket.presign(STACK, LOGICAL, "create-2"));
    let second = world.send(&again).await;
    assert_eq!(second.status(), "SUCCESS", "{}", second.reason());
    assert_eq!(first.id(), second.id());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// A request whose answer was lost is looked for by its marker, not sent again.
#[tokio::test]
async fn finds_what_a_lost_request_made() {
    let world = World::new().await;
    world.sandbox.script(Fault::lose_after().only("POST"));
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    let posts = world
        .vendor_calls()
        .iter()
        .filter(|call| call.starts_with("POST"))
        .count();
    assert_eq!(posts, 1);
    world.end().await;
}

/// Where the server keeps no marker, the record made since the request began is
/// ours, however long this run has been looking for it.
#[tokio::test]
async fn finds_after_a_while_what_a_lost_request_made_without_a_marker() {
    let world = World::with(Setting {
        contract: ContractLevel::PublishedOnly,
        ..Setting::default()
    })
    .await;
    world.sandbox.script(Fault::lose_after().only("POST"));
    world.sandbox.script(Fault::hang().only("GET"));
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Case E19: Lambda runs a lost Create again. If that run cannot even read the
/// token, the first one may have registered all the same: the id leads the
/// rollback to it.
#[tokio::test]
async fn remembers_an_earlier_run_whatever_fails_in_this_one() {
    let world = World::with(Setting {
        secret: Secret::Missing,
        ..Setting::default()
    })
    .await;
    let outcome = world.send(&delivered_late(&world, "create-1")).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.id().starts_with("pending/"), "{}", outcome.id());
    world.end().await;
}

/// Case E19: the name is taken, and nobody can say by whom: perhaps by a run of
/// this very Create that was delivered twice.
#[tokio::test]
async fn remembers_that_a_taken_name_may_be_its_own() {
    let world = World::new().await;
    let first = world.send(&world.create_event(properties())).await;
    assert_eq!(first.status(), "SUCCESS", "{}", first.reason());
    world.sandbox.script(Fault::status(403).only("GET"));
    let twice = world.event("Create", "create-2", properties());
    let second = world.send(&twice).await;
    assert_eq!(second.status(), "FAILED");
    assert!(second.id().starts_with("pending/"), "{}", second.id());
    world.end().await;
}

/// The same at a server that keeps no marker: there it is the one record of the
/// name that was made since the request began.
#[tokio::test]
async fn finds_what_a_lost_request_made_where_no_marker_is_kept() {
    let world = World::with(Setting {
        contract: ContractLevel::PublishedOnly,
        ..Setting::default()
    })
    .await;
    world.sandbox.insert_stranger(NAME);
    world.sandbox.script(Fault::lose_after().only("POST"));
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 2);
    world.end().await;
}

#[tokio::test]
async fn outlasts_a_vendor_that_is_not_well() {
    let world = World::new().await;
    world.sandbox.script(Fault::status(500).times(3));
    world
        .sandbox
        .script(Fault::status(429).header("retry-after", "1"));
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Lambda may deliver one request twice at once. Who is throttled away looks what the
/// other, which may have died since, has registered.
#[tokio::test]
async fn finds_what_its_twin_registered_when_it_is_throttled_away() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::creating()]);
    let away = Fault::status(429).header("retry-after", "3600");
    world.sandbox.script(away.only("POST").times(100));
    let twin = world.event("Create", "create-2", properties());
    let outcome = world.send(&twin).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// The same where Authomize refuses the second one: not nothing was made.
#[tokio::test]
async fn finds_what_its_twin_registered_when_it_is_refused() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::creating()]);
    world.sandbox.script(Fault::status(422).only("POST"));
    let twin = world.event("Create", "create-2", properties());
    let outcome = world.send(&twin).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), id);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// Case E18: the refused twin may have looked a moment too early, and have been answered
/// first: the stack goes, and asks for nothing to be removed. Whoever registered sees to that.
#[tokio::test]
async fn takes_back_what_the_stack_goes_without() {
    for gone in [
        GOES_WITHOUT,
        ["CREATE_FAILED", "CREATE_FAILED"],
        ["ROLLBACK_COMPLETE", "DELETE_COMPLETE"],
    ] {
        let world = World::new().await;
        let outcome = created_while_it_becomes(&world, &[without(gone)]).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert!(world.sandbox.apps().is_empty(), "{gone:?}");
        world.end().await;
    }
}

#[tokio::test]
async fn takes_back_what_the_stack_goes_without_when_its_role_is_torn_down() {
    let world = World::new().await;
    let outcome = created_while_it_becomes(&world, &[Stack::Denied]).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// A failed one answers with the id of its record, which only its own stack asks for.
#[tokio::test]
async fn takes_back_what_the_stack_goes_without_when_it_fails() {
    let (role, world) = World::wavering().await;
    role.set(Waver::FailAlways);
    let outcome = created_while_it_becomes(&world, &[without(GOES_WITHOUT)]).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.id().starts_with("integration/"), "{}", outcome.id());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// A registration can take so long to take effect that an update has freed its name
/// meanwhile: the stack has another record, and will not ask for this one.
#[tokio::test]
async fn takes_back_what_its_stack_has_another_record_besides() {
    let world = World::new().await;
    let first = world.created(properties()).await;
    world.desk.stacks([Stack::updating(&first)]);
    let renamed = with("IntegrationName", "Renamed");
    let updated = world.update_event(&first, renamed, properties());
    assert_eq!(world.send(&updated).await.status(), "SUCCESS");
    let before = world.sandbox.apps();

    world.desk.stacks([Stack::creating()]);
    let stands = Stack::is("UPDATE_COMPLETE", "UPDATE_COMPLETE", &first);
    let late = created_while_it_becomes(&world, &[stands]).await;
    assert_ne!(late.id(), first);
    assert_eq!(world.sandbox.apps(), before);
    world.end().await;
}

/// What the stack knows of it asks for itself, and what it is not surely without stays.
#[tokio::test]
async fn takes_nothing_back_that_the_stack_may_know_of() {
    let cleanup = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS";
    let gone = without(GOES_WITHOUT);
    for looks in [
        vec![Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", OWN)],
        vec![Stack::is("CREATE_FAILED", "CREATE_FAILED", OWN)],
        vec![Stack::is("CREATE_COMPLETE", "CREATE_COMPLETE", OWN)],
        vec![Stack::creating()],
        vec![Stack::Down],
        vec![Stack::DeniedResource("ROLLBACK_IN_PROGRESS")],
        // The resource is seen as it was before.
        vec![Stack::is("CREATE_FAILED", "CREATE_IN_PROGRESS", "")],
        vec![Stack::is(cleanup, "CREATE_IN_PROGRESS", "")],
        // The second look says something else.
        vec![gone.clone(), Stack::Down],
        vec![gone, Stack::is("CREATE_FAILED", "CREATE_FAILED", OWN)],
    ] {
        let world = World::new().await;
        let outcome = created_while_it_becomes(&world, &looks).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(world.sandbox.apps().len(), 1, "{looks:?}");
        world.end().await;
    }
}

/// Who could never ask about the stack learns nothing from being denied it.
#[tokio::test]
async fn takes_nothing_back_when_it_never_had_the_right_to_ask_about_its_stack() {
    let world = World::new().await;
    world.desk.stacks([Stack::Denied]);
    let outcome = created_while_it_becomes(&world, &[Stack::Denied]).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// A role whose right to ask about its stack is taken away is not torn down.
#[tokio::test]
async fn takes_nothing_back_while_its_role_may_read_the_secret() {
    let world = World::new().await;
    let outcome = created_while_it_becomes(&world, &[Stack::Denied, Stack::Denied]).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

const GOES_WITHOUT: [&str; 2] = ["ROLLBACK_IN_PROGRESS", "CREATE_FAILED"];

/// A stack and its resource, which another run has answered that there is nothing.
fn without([stack, resource]: [&'static str; 2]) -> Stack {
    Stack::is(stack, resource, "none/0123456789abcdef")
}

/// The id of the record, wherever a look shows one.
const OWN: &str = "its own";

/// A run looks at the stack again seconds later.
const LONG_ENOUGH_TO_LOOK_AGAIN: Duration = Duration::from_secs(24);

/// Creates a stack of which CloudFormation tells this, from the first try to answer on.
/// Where that is a denial and no more, its role is gone.
async fn created_while_it_becomes(world: &World, looks: &[Stack]) -> Outcome {
    world.bucket.script(BucketFault::Unavailable { times: 5 });
    let event = world.event("Create", "create-9", properties());
    let answers = world.bucket.answers().len();
    let meanwhile = async {
        world.bucket.more_than(answers).await;
        let record = world.sandbox.apps().pop().expect("it has registered").id;
        if matches!(looks, [Stack::Denied]) {
            world.desk.secrets([Secret::Denied]);
        }
        let named = |look: &Stack| match look {
            Stack::Is {
                stack,
                resource,
                recorded,
            } if recorded == OWN => {
                Stack::is(stack, resource, &format!("integration/{record}/01234567"))
            }
            look => look.clone(),
        };
        world.desk.stacks(looks.iter().map(named));
    };
    with_meanwhile(
        world.send_within(&event, LONG_ENOUGH_TO_LOOK_AGAIN),
        meanwhile,
    )
    .await
}

#[tokio::test]
async fn refuses_the_name_of_somebody_elses_integration() {
    let world = World::new().await;
    let stranger = world.sandbox.insert_stranger(NAME);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.id().starts_with("none/"), "{}", outcome.id());
    assert!(outcome.reason().contains(&stranger), "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn waits_for_a_new_role_to_spread() {
    let world = World::with(Setting {
        validator: Arc::new(Failing::times(2, "the role cannot be assumed")),
        ..Setting::default()
    })
    .await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.answer()["Data"]["Status"], "enabled");
    world.end().await;
}

/// Somebody deletes the record while it is validated; the server shows it for a while.
#[tokio::test]
async fn fails_when_its_record_is_being_deleted_while_it_waits() {
    let world = World::with(Setting {
        validator: Arc::new(NeverEnding),
        ..Setting::default()
    })
    .await;
    let deleted = json!({
        "id": "app_1",
        "createdAt": "2026-11-30T00:00:00Z",
        "modifiedAt": "2026-11-30T00:00:00Z",
        "integrationName": NAME,
        "status": "deleted",
    });
    let deleted = Fault::status(200).body(deleted);
    world.sandbox.script(deleted.only("GET"));
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(
        outcome.reason().contains("disappeared"),
        "{}",
        outcome.reason()
    );
    world.end().await;
}

/// A vendor that falls silent while it validates is no worse than one that goes on
/// validating.
#[tokio::test]
async fn waits_for_the_validation_no_longer_than_it_has_time() {
    let world = World::with(Setting {
        validator: Arc::new(NeverEnding),
        ..Setting::default()
    })
    .await;
    world.sandbox.script(Fault::hang().only("GET").times(100));
    // So that the fifth try of the first look is under way when the work has to end.
    let nine_seconds = Duration::from_secs(9);
    let event = world.create_event(properties());
    let outcome = world.send_within(&event, nine_seconds).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

#[tokio::test]
async fn fails_with_the_vendors_words_and_an_id_that_the_rollback_deletes() {
    let world = World::with(Setting {
        validator: Arc::new(Failing::always("AccessDenied: the role cannot be assumed")),
        ..Setting::default()
    })
    .await;
    let event = world.create_event(properties());
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(
        outcome.reason().contains("AccessDenied"),
        "{}",
        outcome.reason()
    );
    assert!(outcome.id().starts_with("integration/"));
    world.desk.stacks([Stack::is(
        "ROLLBACK_IN_PROGRESS",
        "DELETE_IN_PROGRESS",
        outcome.id(),
    )]);
    let deleted = world
        .send(&world.delete_event(outcome.id(), properties()))
        .await;
    assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Case E30: a Create whose stack rolls back meanwhile undoes itself.
#[tokio::test]
async fn undoes_itself_when_the_stack_was_cancelled_meanwhile() {
    let world = World::new().await;
    world.desk.stacks([
        Stack::creating(),
        Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", ""),
    ]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.id().starts_with("none/"));
    assert!(
        outcome.reason().contains("cancelled"),
        "{}",
        outcome.reason()
    );
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// A Create whose twin was answered with the same record leaves it to what CloudFormation
/// sends for that answer's id: the update back, or a Delete that perhaps keeps it.
#[tokio::test]
async fn does_not_undo_what_its_twin_was_answered_with() {
    for (stack, resource) in [
        ("UPDATE_IN_PROGRESS", "UPDATE_FAILED"),
        ("DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS"),
        ("DELETE_FAILED", "DELETE_FAILED"),
        // The admin retained it.
        ("DELETE_IN_PROGRESS", "DELETE_SKIPPED"),
    ] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        let before = world.sandbox.apps();
        let lost = Stack::is(stack, resource, &id);
        world.desk.stacks([Stack::creating(), lost]);
        let outcome = world.send(&delivered_late(&world, "create-2")).await;
        assert_eq!(outcome.status(), "FAILED");
        assert_eq!(world.sandbox.apps(), before, "{stack} {resource}");
        world.end().await;
    }
}

/// The same where both took over what another stack kept. But where the twin had no success
/// with it, the Delete hands it back, and who took it over since has to do that again.
#[tokio::test]
async fn hands_back_what_its_twin_failed_with_once_that_is_deleted() {
    const FAILED: [&str; 2] = ["UPDATE_IN_PROGRESS", "UPDATE_FAILED"];
    const GOING: [&str; 2] = ["DELETE_IN_PROGRESS", "DELETE_IN_PROGRESS"];
    for ([stack, resource], form, is_handed_back) in [
        (FAILED, "integration", false),
        (FAILED, "adopted", false),
        (GOING, "integration", false),
        (GOING, "adopted", true),
    ] {
        let world = World::new().await;
        let id = kept(&world).await.replace("integration", form);
        let lost = Stack::is(stack, resource, &id);
        world.desk.stacks([Stack::creating(), lost]);
        let outcome = world.send(&of_another_resource(&world)).await;
        assert_eq!(outcome.status(), "FAILED");
        let apps = world.sandbox.apps();
        let source = apps[0].source().unwrap();
        let is_released = !source["released"].is_null();
        assert_eq!(is_released, is_handed_back, "{stack} {id}");
        world.end().await;
    }
}

/// The same where the function may not ask about the resource, and the stack goes back to
/// what it was, or cleans up: it stands, perhaps with the record.
#[tokio::test]
async fn does_not_undo_what_its_stack_may_stand_with() {
    for stack in [
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
    ] {
        let world = World::new().await;
        world.created(properties()).await;
        let half = Stack::DeniedResource(stack);
        world.desk.stacks([Stack::creating(), half]);
        let outcome = world.send(&delivered_late(&world, "create-2")).await;
        assert_eq!(outcome.status(), "FAILED");
        assert_eq!(world.sandbox.apps().len(), 1, "{stack}");
        world.end().await;
    }
}

/// A look that does not tell of the resource does not hide what an earlier one told.
#[tokio::test]
async fn does_not_undo_what_its_twin_was_answered_with_by_half_a_look() {
    for half in [
        Stack::StackOnly("DELETE_IN_PROGRESS"),
        Stack::DeniedResource("DELETE_IN_PROGRESS"),
        Stack::Denied,
    ] {
        let world = World::new().await;
        let id = world.created(properties()).await;
        let lost = Stack::deleting(&id);
        world.desk.stacks([Stack::creating(), lost, half]);
        let outcome = world.send(&delivered_late(&world, "create-2")).await;
        assert_eq!(outcome.status(), "FAILED");
        assert_eq!(world.sandbox.apps().len(), 1);
        world.end().await;
    }
}

/// A Create that registered, and meets CloudFormation again when its role is gone, has
/// lost its stack, though CloudFormation had told it nothing before.
#[tokio::test]
async fn undoes_itself_when_it_loses_the_secret_before_it_heard_of_its_stack() {
    let world = World::new().await;
    let silence = std::iter::repeat_n(Stack::Down, 4);
    world.desk.stacks(silence.chain([Stack::Denied]));
    let token = Secret::Text(TOKEN.to_owned());
    world.desk.secrets([token, Secret::Denied]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Case E30: and so does one that is denied what it was allowed before.
#[tokio::test]
async fn undoes_itself_when_its_role_is_torn_down_meanwhile() {
    let world = World::new().await;
    world.desk.stacks([Stack::creating(), Stack::Denied]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

#[tokio::test]
async fn goes_on_when_cloudformation_cannot_be_asked() {
    for stack in [Stack::Denied, Stack::Down] {
        let world = World::with(Setting {
            stack,
            ..Setting::default()
        })
        .await;
        let outcome = world.send(&world.create_event(properties())).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        let log = world.end().await;
        assert!(log.iter().any(|line| line.contains("could not be asked")));
    }
}

#[tokio::test]
async fn does_nothing_for_a_stack_that_is_cancelled_or_at_rest() {
    for stack in [
        Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", ""),
        Stack::is(
            "CREATE_COMPLETE",
            "CREATE_COMPLETE",
            "integration/app_1/01234567",
        ),
        Stack::Missing,
    ] {
        let world = World::with(Setting {
            stack,
            ..Setting::default()
        })
        .await;
        let outcome = world.send(&world.create_event(properties())).await;
        assert_eq!(outcome.status(), "FAILED");
        assert!(world.vendor_calls().is_empty());
        world.end().await;
    }
}

#[tokio::test]
async fn serves_its_own_stack_only() {
    let world = World::new().await;
    let mut event = world.create_event(properties());
    event["StackId"] = json!(ANOTHER_STACK);
    event["ResponseURL"] = json!(world.bucket.presign(ANOTHER_STACK, LOGICAL, "create-1"));
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.reason().contains("serves its own stack only"));
    assert!(world.vendor_calls().is_empty());
    assert_eq!(world.desk.secret_requests(), 0);
    world.end().await;
}

#[tokio::test]
async fn asks_again_while_its_own_role_is_new() {
    let world = World::new().await;
    world.desk.secrets([
        Secret::Denied,
        Secret::Denied,
        Secret::Text(json!({"token": TOKEN}).to_string()),
    ]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    world.end().await;
}

/// The id of a record that its stack registered and let go when it was deleted.
async fn kept(world: &World) -> String {
    let id = world.created(with("OnDelete", "Keep")).await;
    world.desk.stacks([Stack::deleting(&id)]);
    let keep = world.delete_event(&id, with("OnDelete", "Keep"));
    let kept = world.send(&keep).await;
    assert_eq!(kept.status(), "SUCCESS", "{}", kept.reason());
    id
}

/// A Create of a resource with another marker than the one that [`kept`] is of.
fn of_another_resource(world: &World) -> Value {
    let mut event = world.event("Create", "create-9", properties());
    event["LogicalResourceId"] = json!("Another");
    event["ResponseURL"] = json!(world.bucket.presign(STACK, "Another", "create-9"));
    event
}

/// Takes over what a stack with `OnDelete=Keep` released, under the same record.
#[tokio::test]
async fn takes_over_a_record_that_was_released() {
    let world = World::new().await;
    let first = kept(&world).await;
    let released = world.sandbox.apps();
    assert_eq!(released.len(), 1);

    // Another stack of the same account: another marker.
    world.desk.stacks([Stack::creating()]);
    let event = of_another_resource(&world);
    let outcome = world.send_within(&event, TIMEOUT).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), first);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// A stack that went without letting its record go, because the resource was retained
/// or the token did not work any more, is followed by one of the same name. An account
/// has no two of one name at once, so what bears the former one's mark is nobody's else.
#[tokio::test]
async fn takes_over_what_a_stack_of_its_name_left_behind() {
    let world = World::new().await;
    let first = world.created(properties()).await;
    world.sandbox.give_all_to(&of_the_same_name());
    world.desk.stacks([Stack::creating()]);
    let mut wanted = properties();
    wanted["RoleArn"] = json!("arn:aws:iam::123456789012:role/AnotherName");
    let outcome = world.send(&world.event("Create", "create-9", wanted)).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(outcome.id(), first);
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].source().unwrap()["stackId"], STACK);

    world.desk.stacks([Stack::deleting(&first)]);
    let deleted = world.send(&world.delete_event(&first, properties())).await;
    assert_eq!(deleted.status(), "SUCCESS", "{}", deleted.reason());
    assert!(world.sandbox.apps().is_empty(), "it is its own by then");
    world.end().await;
}

/// It may be the other way round: this is a late run of the former stack, and the record
/// is its successor's.
#[tokio::test]
async fn leaves_alone_what_a_stack_of_its_name_registered_after_it() {
    let world = World::new().await;
    world.created(properties()).await;
    world.sandbox.give_all_to(&of_the_same_name());
    let before = world.sandbox.apps();
    world.desk.stacks([Stack::creating(), Stack::Denied]);
    let event = world.event("Create", "create-9", properties());
    assert_eq!(world.send(&event).await.status(), "FAILED");
    assert_eq!(world.sandbox.apps(), before);
    world.end().await;
}

/// A request of the former stack may be under way still, and remove it.
#[tokio::test]
async fn registers_when_what_a_stack_of_its_name_left_goes_after_all() {
    let world = World::new().await;
    let first = world.created(properties()).await;
    world.sandbox.give_all_to(&of_the_same_name());
    world.desk.stacks([Stack::creating()]);
    let event = world.event("Create", "create-9", properties());
    let arrives_late = async {
        world
            .sandbox
            .wait_for(|request| request.method == "GET")
            .await;
        world.sandbox.remove_all();
    };
    let outcome = with_meanwhile(world.send(&event), arrives_late).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_ne!(outcome.id(), first);
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// A Create whose stack is gone, with the role's right to ask about it, does not go on
/// having the role validated: the next stack of its name may have the record by then.
#[tokio::test]
async fn does_not_amend_again_when_its_role_is_torn_down() {
    let (role, world) = World::wavering().await;
    role.set(Waver::FailAlways);
    world.desk.stacks([Stack::creating(), Stack::Denied]);
    world.sandbox.script(Fault::hang().only("PATCH").times(100));
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    let calls = world.vendor_calls();
    let amendments = calls.iter().filter(|call| call.starts_with("PATCH"));
    assert!(amendments.count() < 2, "{calls:?}");
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// Two stacks may want one released record. Who could not have it at once looks whose it
/// is before trying again.
#[tokio::test]
async fn does_not_take_over_what_another_stack_took_over_first() {
    let world = World::new().await;
    kept(&world).await;

    world.desk.stacks([Stack::creating()]);
    world.sandbox.clear_requests();
    let throttled = Fault::status(429).header("retry-after", "1");
    world.sandbox.script(throttled.only("PATCH"));
    let event = of_another_resource(&world);
    let another_is_first = world.becomes_anothers_after(|request| request.method == "PATCH");
    let outcome = with_meanwhile(world.send(&event), another_is_first).await;
    assert_eq!(outcome.status(), "FAILED");
    let apps = world.sandbox.apps();
    assert_eq!(apps[0].source().unwrap()["stackId"], ANOTHER_STACK);
    world.end().await;
}

/// A name that only begins so, another account's, another region's and another
/// resource's is another stack's.
#[tokio::test]
async fn takes_over_from_no_stack_of_another_name() {
    for other in [
        STACK.replace("/Authomize-Trust-Role/", "/Authomize-Trust-Role-2/"),
        STACK.replace("123456789012", "210987654321"),
        STACK.replace("us-east-1", "eu-west-1"),
    ] {
        let world = World::new().await;
        world.created(properties()).await;
        world.sandbox.give_all_to(&other);
        let before = world.sandbox.apps();
        world.desk.stacks([Stack::creating()]);
        let event = world.event("Create", "create-9", properties());
        let outcome = world.send(&event).await;
        assert_eq!(outcome.status(), "FAILED");
        assert!(outcome.reason().contains(&other), "{}", outcome.reason());
        assert_eq!(world.sandbox.apps(), before);
        world.end().await;
    }
}

/// Somebody makes an integration of another kind under the same name a moment
/// before. Only a server that reports nothing but what is published leaves open
/// whose a record without a configuration is.
#[tokio::test]
async fn refuses_the_name_of_an_integration_of_another_kind() {
    let world = World::new().await;
    world.sandbox.insert_other_kind(NAME);
    let before = world.sandbox.apps();
    let outcome = world.send(&delivered_late(&world, "create-1")).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(world.sandbox.apps(), before);
    world.end().await;
}

/// A Create that Lambda runs again, or for the first time, after a minute.
fn delivered_late(world: &World, request_id: &str) -> Value {
    let minute = time::Duration::MINUTE;
    let mut event = world.event("Create", request_id, properties());
    event["ResponseURL"] = json!(
        world
            .bucket
            .presign_before(minute, STACK, LOGICAL, request_id)
    );
    event
}

/// A cancelled Create takes back what is still its own: its stack's Delete may have
/// let the record go, and another stack may have taken it over since.
#[tokio::test]
async fn does_not_undo_what_became_another_stacks_meanwhile() {
    let world = World::new().await;
    world.desk.stacks([
        Stack::creating(),
        Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", ""),
    ]);
    world.sandbox.script(Fault::hang().only("GET"));
    let event = world.create_event(properties());
    let meanwhile = world.becomes_anothers_after(|request| request.method == "GET");
    let outcome = with_meanwhile(world.send(&event), meanwhile).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// The same while the vendor validates: what is another stack's by now is not
/// validated again with this one's configuration.
#[tokio::test]
async fn does_not_validate_again_what_became_another_stacks_meanwhile() {
    let world = World::with(Setting {
        validator: Arc::new(Failing::always("the role cannot be assumed")),
        ..Setting::default()
    })
    .await;
    let first = world.send(&world.create_event(properties())).await;
    assert_eq!(first.status(), "FAILED");
    world.sandbox.clear_requests();
    let one = "/v2/apps/app_";
    world.sandbox.script(Fault::hang().only("GET").at(one));
    let again = delivered_late(&world, "create-2");
    let meanwhile = world.becomes_anothers_after(|request| request.path.starts_with(one));
    let outcome = with_meanwhile(world.send(&again), meanwhile).await;
    assert_eq!(outcome.status(), "FAILED");
    let amended = |call: &String| call.starts_with("PATCH");
    assert!(!world.vendor_calls().iter().any(amended));
    world.end().await;
}

/// A Create that waits for its name asks whether it is still wanted before it
/// asks for the name again.
#[tokio::test]
async fn does_not_register_once_the_stack_was_cancelled_while_it_waited_for_the_name() {
    let world = World::new().await;
    let first = world.created(properties()).await;
    world.sandbox.set_finish_deletes(false);
    world.desk.stacks([Stack::deleting(&first)]);
    world.send(&world.delete_event(&first, properties())).await;
    world.sandbox.clear_requests();
    world.desk.stacks([
        Stack::creating(),
        Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", ""),
    ]);
    let mut event = world.event("Create", "create-9", properties());
    event["ResponseURL"] = json!(world.bucket.presign(STACK, LOGICAL, "create-9"));
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(
        outcome.reason().contains("cancelled"),
        "{}",
        outcome.reason()
    );
    let posts = world.vendor_calls();
    let posts = posts.iter().filter(|call| call.starts_with("POST"));
    assert_eq!(posts.count(), 1);
    world.end().await;
}

/// The stack and the resource are asked about apart: an answer that is a moment
/// older than the other does not make a stack look lost.
#[tokio::test]
async fn does_not_take_a_torn_look_for_a_stack_that_is_lost() {
    let world = World::new().await;
    world.desk.stacks([
        Stack::creating(),
        Stack::is("CREATE_COMPLETE", "CREATE_IN_PROGRESS", ""),
        Stack::is(
            "CREATE_COMPLETE",
            "CREATE_COMPLETE",
            "integration/app_1/01234567",
        ),
    ]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// What CloudFormation told of the resource before it fell silent is true.
#[tokio::test]
async fn undoes_itself_when_cloudformation_falls_silent_after_it_told() {
    let world = World::new().await;
    let gone = Stack::is("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", "");
    world.desk.stacks([Stack::creating(), gone, Stack::Down]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// CloudFormation did not answer, and then the role was gone: so is the stack.
#[tokio::test]
async fn registers_nothing_when_its_role_is_torn_down_while_it_asks() {
    let world = World::with(Setting {
        stack: Stack::Down,
        ..Setting::default()
    })
    .await;
    world.desk.stacks([Stack::Down, Stack::Denied]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(world.sandbox.apps().is_empty());
    world.end().await;
}

/// That one of the two questions is denied for a while does not mean that the role is
/// being torn down, as long as the other one is answered.
#[tokio::test]
async fn stays_when_one_question_is_denied_and_the_other_says_that_it_is_wanted() {
    for half in [
        Stack::DeniedResource("CREATE_IN_PROGRESS"),
        Stack::DeniedBut("CREATE_IN_PROGRESS"),
    ] {
        let world = World::new().await;
        world.desk.stacks([Stack::creating(), half]);
        let outcome = world.send(&world.create_event(properties())).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(world.sandbox.apps().len(), 1);
        world.end().await;
    }
}

/// A bug can end the second of two runs before it does anything, when the first has
/// registered: it cannot say that nothing was made.
#[tokio::test]
async fn leaves_it_to_the_deletion_to_look_when_it_ends_by_a_bug() {
    let world = World::with(Setting {
        binary: faulty(),
        environment: vec![("FAULT", "panic AWS".to_owned())],
        ..Setting::default()
    })
    .await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.id().starts_with("pending/"), "{}", outcome.id());
    world.end().await;
}

/// A Create that comes late may find its role torn down already, but for the right to
/// the secret, which goes last.
#[tokio::test]
async fn comes_late_and_registers_nothing_when_it_loses_the_secret() {
    let world = World::with(Setting {
        stack: Stack::Denied,
        ..Setting::default()
    })
    .await;
    let token = Secret::Text(TOKEN.to_owned());
    world.desk.secrets([token.clone(), Secret::Denied]);
    let outcome = world.send(&delivered_late(&world, "create-1")).await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(world.sandbox.apps().is_empty());

    world.desk.secrets([token]);
    let outcome = world.send(&delivered_late(&world, "create-2")).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    world.end().await;
}

/// What another stack kept and this one took over is let go again, not removed,
/// when CloudFormation never heard that the creation succeeded.
#[tokio::test]
async fn lets_go_again_what_it_took_over_for_a_stack_that_never_came_to_be() {
    let world = World::new().await;
    kept(&world).await;

    world.desk.stacks([Stack::creating()]);
    let create = of_another_resource(&world);
    assert_eq!(world.send(&create).await.status(), "SUCCESS");

    world
        .desk
        .stacks([Stack::is("ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS", "")]);
    let mut delete = world.event("Delete", "delete-9", properties());
    delete["LogicalResourceId"] = json!("Another");
    delete["PhysicalResourceId"] = json!("Trust-Another-1ABCDEF23GHIJ");
    delete["ResponseURL"] = json!(world.bucket.presign(STACK, "Another", "delete-9"));
    assert_eq!(world.send(&delete).await.status(), "SUCCESS");
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert_eq!(apps[0].source().unwrap()["released"], true);
    world.end().await;
}

/// The same where CloudFormation answers one of the two questions only: a stack or a
/// resource that goes is enough.
#[tokio::test]
async fn undoes_itself_when_half_a_look_says_that_the_stack_goes() {
    for half in [
        Stack::ResourceOnly("CREATE_FAILED"),
        Stack::UnreadableBut("DELETE_IN_PROGRESS"),
        Stack::StackOnly("ROLLBACK_IN_PROGRESS"),
    ] {
        let world = World::new().await;
        world.desk.stacks([Stack::creating(), half]);
        let outcome = world.send(&world.create_event(properties())).await;
        assert_eq!(outcome.status(), "FAILED");
        assert!(world.sandbox.apps().is_empty());
        world.end().await;
    }
}

/// A Create that is delivered again while an update runs finds its record changed by
/// it, and leaves it so.
#[tokio::test]
async fn delivered_late_leaves_alone_what_an_update_changed() {
    let world = World::new().await;
    let id = world.created(with("OwnerEmail", "later@example.com")).await;
    let before = world.sandbox.apps();
    world.desk.stacks([Stack::creating(), Stack::updating(&id)]);
    let again = delivered_late(&world, "create-2");
    let outcome = world.send(&again).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(world.sandbox.apps(), before);
    world.end().await;
}

/// What this stack took over, perhaps, is handed back only as long as no other stack
/// has taken it over since.
#[tokio::test]
async fn does_not_hand_back_what_another_stack_took_over_meanwhile() {
    let world = World::new().await;
    kept(&world).await;

    world.sandbox.clear_requests();
    world.desk.stacks([Stack::creating()]);
    world.sandbox.script(Fault::lose_after().only("PATCH"));
    world
        .sandbox
        .script(Fault::status(503).only("PATCH").times(5));
    let event = of_another_resource(&world);
    let meanwhile = world.becomes_anothers_after(|request| request.method == "PATCH");
    let outcome = with_meanwhile(world.send(&event), meanwhile).await;
    assert_eq!(outcome.status(), "FAILED");
    let apps = world.sandbox.apps();
    assert_eq!(apps[0].source().unwrap()["stackId"], ANOTHER_STACK);
    assert!(apps[0].source().unwrap()["released"].is_null());
    world.end().await;
}

/// The same where the function may ask about the resource only: one that is created is
/// wanted, whoever created it.
#[tokio::test]
async fn stays_when_it_may_not_ask_about_the_stack_and_the_resource_is_created() {
    let world = World::new().await;
    let denied = Stack::DeniedBut("CREATE_COMPLETE");
    world.desk.stacks([Stack::creating(), denied]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// The same where what CloudFormation tells of the resource is older than what it tells
/// of the stack: one that is created has all its resources.
#[tokio::test]
async fn stays_when_its_stack_is_created_and_its_resource_seems_not_to_be() {
    let world = World::new().await;
    let torn = Stack::is("CREATE_COMPLETE", "CREATE_IN_PROGRESS", "");
    world.desk.stacks([Stack::creating(), torn]);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// A Create that tries for long does not register once its twin has been answered: that
/// one's record may have been removed by hand, and this one would be a second.
#[tokio::test]
async fn registers_nothing_once_its_twin_has_answered() {
    let world = World::new().await;
    let created = Stack::is(
        "CREATE_IN_PROGRESS",
        "CREATE_COMPLETE",
        "integration/app_9/01234567",
    );
    world.desk.stacks([Stack::creating(), created]);
    world.sandbox.script(Fault::hang().only("POST"));
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "FAILED");
    let calls = world.vendor_calls();
    let registered = calls.iter().filter(|call| call.starts_with("POST"));
    assert_eq!(registered.count(), 1);
    world.end().await;
}

/// A Create that comes late finds what a Delete let go, for the admin had said meanwhile
/// that it is to be kept.
#[tokio::test]
async fn delivered_late_leaves_alone_what_the_deletion_kept() {
    let world = World::new().await;
    let id = world.created(properties()).await;
    world.desk.stacks([Stack::deleting(&id)]);
    let delete = world.delete_event(&id, with("OnDelete", "Keep"));
    let kept = world.send(&delete).await;
    assert_eq!(kept.status(), "SUCCESS", "{}", kept.reason());

    let mut late = world.event("Create", "create-2", properties());
    let minute = time::Duration::MINUTE;
    let signed = world
        .bucket
        .presign_before(minute, STACK, LOGICAL, "create-2");
    late["ResponseURL"] = json!(signed);
    let outcome = world.send(&late).await;
    assert_eq!(outcome.status(), "FAILED");
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}

/// A Create that Authomize refuses does not hand back what its twin, which has succeeded,
/// took over.
#[tokio::test]
async fn does_not_hand_back_what_its_twin_took_over_when_it_is_refused() {
    let world = World::new().await;
    let first = kept(&world).await;

    let stacks = [Stack::creating(), Stack::updating(&first)];
    world.desk.stacks(stacks);
    world.sandbox.script(Fault::lose_after().only("PATCH"));
    world.sandbox.script(Fault::status(422).only("PATCH"));
    let outcome = world.send(&of_another_resource(&world)).await;
    assert_eq!(outcome.status(), "FAILED");
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert!(apps[0].source().unwrap()["released"].is_null());
    world.end().await;
}

/// A Create whose twin has succeeded does not hand back what both took over, though the
/// role cannot be assumed any more.
#[tokio::test]
async fn does_not_hand_back_what_its_twin_took_over_for_good() {
    let (role, world) = World::wavering().await;
    let first = kept(&world).await;

    role.set(Waver::FailAlways);
    world
        .desk
        .stacks([Stack::creating(), Stack::updating(&first)]);
    let event = of_another_resource(&world);
    let outcome = world.send_within(&event, SHORT).await;
    assert_eq!(outcome.status(), "FAILED");
    let apps = world.sandbox.apps();
    assert_eq!(apps.len(), 1);
    assert!(apps[0].source().unwrap()["released"].is_null());
    world.end().await;
}
