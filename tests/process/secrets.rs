//! No token, external id or response URL in the log or in an answer; every test
//! of this target looks for them at its end.

use std::sync::Arc;

use rehearsal::answer_bucket::BucketFault;
use rehearsal::function::Invoked;
use rehearsal::sandbox::Fault;
use serde_json::json;

use crate::world::{Connecting, EXTERNAL_ID, Setting, TOKEN, World, faulty, properties};

/// Case E41: at the highest log level, at which every test of this target runs,
/// nothing secret is written.
#[tokio::test]
async fn are_in_no_log_at_any_level() {
    let world = World::new().await;
    world.sandbox.script(Fault::lose_before());
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let log = world.end().await;
    assert!(log.iter().any(|line| line.contains("asked Authomize")));
}

/// Cases E41 and E42: a vendor that sends back what it was sent, and a bucket
/// that refuses, bring no secret into the log or into the answer.
#[tokio::test]
async fn are_nowhere_when_everything_goes_wrong() {
    let world = World::new().await;
    let echo = format!("bad token {TOKEN} for {EXTERNAL_ID}, see https://example.com/{TOKEN}");
    world
        .sandbox
        .script(Fault::status(422).body(json!({ "detail": echo })));
    for fault in [BucketFault::Reset, BucketFault::Hang, BucketFault::Refuse] {
        world.bucket.script(fault);
    }
    let event = world.create_event(properties());
    let lost = world.send(&event).await;
    assert!(matches!(lost.invoked, Invoked::Failed(_)), "{lost:?}");
    let told = &world.bucket.answers()[0].json["Reason"];
    assert!(
        told.to_string().contains("bad token [secret] for [secret]"),
        "{told}"
    );
    world.end().await;
}

/// The search would find one: this function writes its token to the log.
#[tokio::test]
async fn are_found_when_they_leak() {
    let world = World::with(Setting {
        binary: faulty(),
        environment: vec![("FAULT", "leak POST".to_owned())],
        ..Setting::default()
    })
    .await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let (_, leaks) = world.log_and_leaks().await;
    assert_eq!(leaks.len(), 1);
    assert!(
        leaks[0].starts_with("the token is in log line"),
        "{leaks:?}"
    );
}

/// Case E42: neither do the attributes hold a secret that the vendor sends back.
#[tokio::test]
async fn are_in_no_attribute() {
    let world = World::with(Setting {
        validator: Arc::new(Connecting(vec![TOKEN.to_owned(), EXTERNAL_ID.to_owned()])),
        ..Setting::default()
    })
    .await;
    let outcome = world.send(&world.create_event(properties())).await;
    assert_eq!(outcome.status(), "SUCCESS", "{}", outcome.reason());
    let data = &outcome.answer()["Data"];
    assert_eq!(data["ConnectedApps"], "[secret], [secret]");
    assert!(outcome.answer().get("NoEcho").is_none());
    world.end().await;
}
