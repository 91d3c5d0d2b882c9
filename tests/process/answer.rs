//! Every request gets exactly one answer, in time, whatever happens.

use std::time::{Duration, UNIX_EPOCH};

use authomize_trust_role::configuration::{ENV_SECRET_ARN, ENV_STACK_ID};
use rehearsal::answer_bucket::BucketFault;
use rehearsal::function::Invoked;
use rehearsal::internet::HostPattern;
use rehearsal::sandbox::Fault;
use serde_json::Value;

use crate::world::{LOGICAL, STACK, Setting, TIMEOUT, World, faulty, properties};

/// Short enough to see a deadline, long enough for the reserve of 5 s.
const SHORT: Duration = Duration::from_secs(8);

/// Case E11: delivered is Ok, for FAILED as well.
#[tokio::test]
async fn returns_ok_once_the_answer_is_delivered() {
    let world = World::new().await;
    let good = world.send(&world.create_event(properties())).await;
    assert_eq!(good.invoked, Invoked::Returned(Value::Null));
    let mut event = world.create_event(Value::from("nonsense"));
    event["RequestId"] = "create-2".into();
    event["ResponseURL"] = world.bucket.presign(STACK, LOGICAL, "create-2").into();
    let bad = world.send(&event).await;
    assert_eq!(bad.status(), "FAILED");
    assert_eq!(bad.invoked, Invoked::Returned(Value::Null));
    world.end().await;
}

/// Cases E7, E9 and E10: a plain PUT of the same bytes, without a Content-Type
/// and with a length, to the URL as it was signed: the bucket verifies that.
#[tokio::test]
async fn is_a_plain_put_of_the_same_bytes_to_the_signed_url() {
    let world = World::new().await;
    world.bucket.script(BucketFault::Unavailable { times: 2 });
    let event = world.create_event(properties());
    let outcome = world.send(&event).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let answers = world.bucket.answers();
    assert_eq!(answers.len(), 3);
    for answer in &answers {
        assert_eq!(answer.body, answers[0].body);
        assert!(!answer.headers.contains_key("content-type"));
        assert!(!answer.headers.contains_key("transfer-encoding"));
        assert_eq!(
            answer.headers["content-length"],
            answer.body.len().to_string().as_str()
        );
    }
    world.end().await;
}

/// Lambda hands out no event after its deadline: one of the year 1970, as
/// cargo-lambda tells it, is no reason to give up at once.
#[tokio::test]
async fn is_given_when_the_deadline_is_told_as_long_past() {
    let world = World::new().await;
    let event = world.create_event(properties());
    let outcome = world.send_told(&event, TIMEOUT, UNIX_EPOCH).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    world.end().await;
}

/// Cases E5, E6 and E11: a refusal is not tried for ever, a redirect is not
/// followed; Lambda is told to run the event again.
#[tokio::test]
async fn that_is_refused_makes_lambda_run_the_event_again() {
    for fault in [
        BucketFault::Refuse,
        BucketFault::Status { status: 400 },
        BucketFault::Status { status: 404 },
        BucketFault::Redirect {
            to: "https://example.com/elsewhere".to_owned(),
        },
    ] {
        let world = World::new().await;
        world.bucket.script(fault);
        let event = world.create_event(properties());
        let lost = world.send(&event).await;
        assert!(matches!(lost.invoked, Invoked::Failed(_)), "{lost:?}");
        assert_eq!(world.bucket.answers().len(), 1);
        assert!(lost.answer.is_none());

        let again = world.send(&event).await;
        assert_eq!(again.status(), "SUCCESS", "{}", again.reason());
        assert_eq!(world.sandbox.apps().len(), 1);
        world.end().await;
    }
}

/// Case E4: a connection that is reset costs one more try.
#[tokio::test]
async fn survives_lost_connections() {
    for fault in [BucketFault::Reset, BucketFault::LoseAcknowledgement] {
        let world = World::new().await;
        world.bucket.script(fault);
        let outcome = world.send(&world.create_event(properties())).await;
        assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
        assert_eq!(outcome.invoked, Invoked::Returned(Value::Null));
        world.end().await;
    }
}

/// Case E4: what may pass is tried again, and a try that hangs ends by itself.
#[tokio::test]
async fn is_tried_again_while_the_bucket_is_not_well() {
    let world = World::new().await;
    for status in [408, 429, 500, 503] {
        world.bucket.script(BucketFault::Status { status });
    }
    world.bucket.script(BucketFault::Hang);
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    assert_eq!(world.bucket.answers().len(), 6);
    world.end().await;
}

/// Cases E4 and E11: a bucket that stays down is given up before Lambda kills
/// the function, which can say so and is run again.
#[tokio::test]
async fn is_given_up_before_lambda_kills_the_function() {
    let world = World::new().await;
    world
        .bucket
        .script(BucketFault::Unavailable { times: 1000 });
    let outcome = world
        .send_within(&world.create_event(properties()), SHORT)
        .await;
    assert!(matches!(outcome.invoked, Invoked::Failed(_)), "{outcome:?}");
    assert!(world.bucket.answers().len() > 3);
    world.end().await;
}

/// Cases E1 and E2: a vendor that never answers costs the work's time, not the
/// answer's, and the admin reads who kept silent.
#[tokio::test]
async fn comes_in_time_when_the_vendor_never_answers() {
    let world = World::new().await;
    world.sandbox.script(Fault::hang().times(20));
    let outcome = world
        .send_within(&world.create_event(properties()), SHORT)
        .await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(outcome.id().starts_with("pending/"), "{}", outcome.id());
    assert_eq!(outcome.invoked, Invoked::Returned(Value::Null));
    assert_eq!(world.bucket.answers().len(), 1);
    let reason = outcome.reason();
    assert!(
        reason.contains("Authomize cannot be reached at "),
        "{reason}"
    );
    assert!(reason.contains("no answer within"), "{reason}");
    world.end().await;
}

/// Cases E1 and E44: a bug panics. The stack gets its answer, with an id that
/// leads to whatever was made, and the next request is served. Nothing of the
/// panic's text leaks.
#[tokio::test]
async fn comes_when_the_function_panics() {
    let world = World::with(Setting {
        binary: faulty(),
        environment: vec![("FAULT", "panic POST".to_owned())],
        ..Setting::default()
    })
    .await;
    for request_id in ["create-1", "create-2"] {
        let outcome = world
            .send(&world.event("Create", request_id, properties()))
            .await;
        assert_eq!(outcome.status(), "FAILED");
        assert!(outcome.id().starts_with("pending/"), "{}", outcome.id());
        assert!(
            outcome
                .reason()
                .starts_with("The function failed unexpectedly")
        );
        assert_eq!(outcome.invoked, Invoked::Returned(Value::Null));
    }
    let log = world.end().await;
    assert!(
        log.iter()
            .any(|line| line.contains("a bug: the function panicked"))
    );
}

/// Cases E1 and E3: every thread of the work is blocked, and the answer comes
/// all the same.
#[tokio::test]
async fn comes_when_every_thread_is_blocked() {
    let world = World::with(Setting {
        binary: faulty(),
        environment: vec![("FAULT", "block POST".to_owned())],
        ..Setting::default()
    })
    .await;
    let outcome = world
        .send_within(&world.create_event(properties()), SHORT)
        .await;
    assert_eq!(outcome.status(), "FAILED");
    assert!(
        outcome.reason().starts_with("Time ran out while"),
        "{}",
        outcome.reason()
    );
    assert!(outcome.id().starts_with("pending/"));
    assert_eq!(world.bucket.answers().len(), 1);
    world.end().await;
}

/// Case E1: whichever way a request goes, CloudFormation's bucket takes one
/// answer to it and no second one.
#[tokio::test]
async fn is_exactly_one_whichever_way_the_request_goes() {
    let panicking = Setting {
        binary: faulty(),
        environment: vec![("FAULT", "panic POST".to_owned())],
        ..Setting::default()
    };
    let nonsense = |name| Setting {
        environment: vec![(name, "nonsense".to_owned())],
        ..Setting::default()
    };
    let usual = Setting::default;
    for (way, status, setting, kind, given) in [
        ("good", "SUCCESS", usual(), "Create", properties()),
        ("bad property", "FAILED", usual(), "Create", Value::Null),
        ("unknown type", "FAILED", usual(), "Rename", properties()),
        (
            "bad secret",
            "FAILED",
            nonsense(ENV_SECRET_ARN),
            "Create",
            properties(),
        ),
        (
            "bad stack",
            "FAILED",
            nonsense(ENV_STACK_ID),
            "Create",
            properties(),
        ),
        ("panic", "FAILED", panicking, "Create", properties()),
    ] {
        let world = World::with(setting).await;
        let event = world.event(kind, "request-1", given);
        let outcome = world.send(&event).await;
        assert_eq!(outcome.invoked, Invoked::Returned(Value::Null), "{way}");
        assert_eq!(outcome.status(), status, "{way}: {}", outcome.reason());
        assert_eq!(world.bucket.answers().len(), 1, "{way}");
        world.end().await;
    }
}

/// Case E38: the right bucket in a form that this version does not know gets a
/// refusal, and nothing is done.
#[tokio::test]
async fn goes_to_a_bucket_of_unknown_form_without_any_work() {
    let world = World::new().await;
    let host = "cloudformation-custom-resource-response-useast1.s3express.us-east-1.amazonaws.com";
    let to = world.bucket.address();
    world.internet.lead(HostPattern::Exact(host.to_owned()), to);
    let mut event = world.create_event(properties());
    event["ResponseURL"] = format!("https://{host}/answer?X-Amz-Signature=secret").into();
    world.send(&event).await;
    let answers = world.bucket.answers();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].text("Status"), "FAILED");
    assert!(answers[0].text("Reason").contains("`ResponseURL`"));
    assert!(world.vendor_calls().is_empty());
    assert_eq!(world.desk.secret_requests(), 0);
    world.end().await;
}

/// One line for each request to the vendor, with the ids of request and stack.
#[tokio::test]
async fn is_told_in_a_log_of_json_lines() {
    let world = World::new().await;
    world.send(&world.create_event(properties())).await;
    let log = world.end().await;
    let lines: Vec<Value> = log
        .iter()
        .map(|line| serde_json::from_str(line).expect("a log line is JSON"))
        .collect();
    let asked: Vec<&Value> = lines
        .iter()
        .filter(|line| line["message"] == "asked Authomize")
        .collect();
    assert_eq!(asked.len(), 2);
    assert_eq!(asked[0]["http.method"], "POST");
    assert_eq!(asked[0]["http.path"], "/v2/apps");
    assert_eq!(asked[0]["http.status"], 200);
    assert_eq!(asked[0]["span"]["request.id"], "create-1");
    assert_eq!(asked[0]["span"]["stack.id"], STACK);
}
