//! What a hub counts, in the form in which CloudWatch reads it out of the log.

use rehearsal::answer_bucket::BucketFault;
use rehearsal::sandbox::Fault;
use serde_json::{Value, json};

use crate::organization::{ACCOUNT, ANOTHER, event, hub, join};
use crate::world::{Setting, World, properties};

/// The metrics of every request, in their order.
fn counted(log: &[String]) -> Vec<Value> {
    let lines = log.iter();
    lines
        .filter_map(|line| serde_json::from_str(line).ok())
        .filter(|line: &Value| line.get("_aws").is_some())
        .collect()
}

fn ends(line: &Value) -> [&Value; 4] {
    ["Answered", "Failed", "Refused", "Lost"].map(|name| &line[name])
}

/// One line for each request, at a log level at which nothing else is said.
#[tokio::test]
async fn tell_how_every_request_ended() {
    let world = hub(Setting {
        environment: vec![("AWS_LAMBDA_LOG_LEVEL", "ERROR".to_owned())],
        ..Setting::default()
    })
    .await;
    join(&world, ACCOUNT).await;
    world
        .sandbox
        .script(Fault::status(422).body(json!({"detail": "no"})));
    world
        .send(&event(&world, "Create", "create-2", ANOTHER))
        .await;
    world.bucket.script(BucketFault::Refuse);
    world
        .send(&event(&world, "Create", "create-3", ANOTHER))
        .await;
    world.send_raw(b"{}".to_vec()).await;
    let counted = counted(&world.end().await);
    let all: Vec<_> = counted.iter().map(ends).collect();
    let (no, yes) = (&json!(0), &json!(1));
    assert_eq!(
        all,
        [
            [yes, no, no, no],
            [yes, yes, no, no],
            [no, no, yes, no],
            [no, no, yes, no],
        ]
    );
    assert_eq!(counted[1]["Reason"], "Rejected");
    assert_eq!(counted[0]["FunctionName"], "registrar");
}

#[tokio::test]
async fn tell_how_long_the_vendor_was_waited_for() {
    let world = hub(Setting::default()).await;
    world
        .sandbox
        .script(Fault::status(429).header("retry-after", "1"));
    join(&world, ACCOUNT).await;
    let counted = counted(&world.end().await);
    let waited = counted[0]["WaitedForAuthomize"].as_u64().unwrap();
    assert!((1_000..5_000).contains(&waited), "{waited}");
}

#[tokio::test]
async fn are_a_hubs_alone() {
    let world = World::new().await;
    world.created(properties()).await;
    assert_eq!(counted(&world.end().await), Vec::<Value>::new());
}
