//! Every request gets exactly one answer, in time, whatever happens.

use std::time::Duration;

use rehearsal::answer_bucket::BucketFault;
use rehearsal::function::Invoked;
use rehearsal::sandbox::Fault;
use serde_json::Value;

use crate::world::{LOGICAL, STACK, Setting, World, faulty, properties};

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

/// Cases E5 and E6: a refusal is not tried for ever, a redirect is not
/// followed; Lambda is told to run the event again.
#[tokio::test]
async fn that_is_refused_makes_lambda_run_the_event_again() {
    for fault in [
        BucketFault::Refuse,
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

/// Case E2: a vendor that never answers costs the work's time, not the answer's.
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
    world.end().await;
}

/// A bug panics: the stack gets its answer, with an id that leads to whatever
/// was made, and the next request is served. Nothing of the panic's text leaks.
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

/// Case E3: every thread of the work is blocked, and the answer comes all the same.
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
    world.end().await;
}

/// Case E41: at the highest log level, too, nothing secret is written.
#[tokio::test]
async fn leaves_no_secret_in_the_log_at_any_level() {
    let world = World::with(Setting {
        environment: vec![
            ("AWS_LAMBDA_LOG_LEVEL", "TRACE".to_owned()),
            ("RUST_LOG", "trace".to_owned()),
        ],
        ..Setting::default()
    })
    .await;
    world.sandbox.script(Fault::lose_before());
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let log = world.end().await;
    assert!(log.iter().any(|line| line.contains("asked Authomize")));
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
