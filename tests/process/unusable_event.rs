//! Events that cannot be answered: one log line, no work, a quick end.

use rehearsal::function::Invoked;
use serde_json::{Value, json};

use crate::world::{LOGICAL, STACK, Setting, World, properties};

/// Sends an event that has nowhere to be answered and returns the log.
async fn unanswered(event: Vec<u8>) -> Vec<String> {
    let world = World::new().await;
    assert_eq!(world.send_raw(event).await, Invoked::Returned(Value::Null));
    assert!(world.bucket.answers().is_empty());
    assert!(world.vendor_calls().is_empty());
    assert_eq!(world.desk.secret_requests(), 0);
    let log = world.end().await;
    let told: Vec<String> = log
        .into_iter()
        .filter(|line| line.contains("cannot be answered"))
        .collect();
    assert_eq!(told.len(), 1, "{told:?}");
    told
}

fn event_to(url: &str) -> Vec<u8> {
    json!({
        "RequestType": "Create",
        "RequestId": "create-1",
        "StackId": STACK,
        "ResponseURL": url,
        "LogicalResourceId": LOGICAL,
        "ResourceProperties": properties(),
    })
    .to_string()
    .into_bytes()
}

/// Case E1: an event without an address cannot be answered, and says so.
#[tokio::test]
async fn is_no_object() {
    for event in ["[]", "7", "\"text\"", "null"] {
        let log = unanswered(event.into()).await;
        assert!(log[0].contains("not a JSON object"), "{log:?}");
    }
}

/// Case E1: what is no JSON, however long or deep, ends nothing.
#[tokio::test]
async fn is_noise() {
    let noise: Vec<u8> = (0..6_000_000_u32).map(|i| (i % 251) as u8).collect();
    let log = unanswered(noise).await;
    assert!(log[0].contains("not JSON"), "{log:?}");
    let nested = "[".repeat(100_000);
    unanswered(nested.into()).await;
}

/// Case E38: without a usable response URL there is no work in AWS.
#[tokio::test]
async fn has_a_response_url_elsewhere_or_none() {
    for url in [
        "",
        "https://example.com/answer",
        "http://127.0.0.1:9/answer",
        "https://cloudformation-custom-resource-response-euwest1.s3.amazonaws.com/x",
        "https://user@cloudformation-custom-resource-response-useast1.s3.amazonaws.com/x",
        "https://s3.amazonaws.com/cloudformation-custom-resource-response-useast1/x",
    ] {
        let log = unanswered(event_to(url)).await;
        assert!(log[0].contains("`ResponseURL`"), "{log:?}");
    }
}

/// Case E37: an event wrapped by SNS is no request, and what is inside is not
/// unwrapped.
#[tokio::test]
async fn is_wrapped_by_sns() {
    let url =
        "https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/x";
    let inside = String::from_utf8(event_to(url)).unwrap();
    let record = json!({"EventSource": "aws:sns", "Sns": {"Message": inside}});
    for records in [json!([record]), json!([record, record]), json!([])] {
        let wrapped = json!({ "Records": records });
        unanswered(wrapped.to_string().into_bytes()).await;
    }
}

/// Case E38: in local mode the refusal is the function's result, and so is an answer.
#[tokio::test]
async fn is_answered_by_the_functions_result_in_local_mode() {
    let world = World::with(Setting {
        environment: vec![("AWS_SAM_LOCAL", "true".to_owned())],
        ..Setting::default()
    })
    .await;
    let Invoked::Returned(refusal) = world.send_raw(b"[]".to_vec()).await else {
        panic!("the function returns");
    };
    assert_eq!(refusal["Status"], "FAILED");
    let Invoked::Returned(answer) = world.send_raw(event_to("")).await else {
        panic!("the function returns");
    };
    assert_eq!(answer["Status"], "SUCCESS", "{answer}");
    assert_eq!(world.sandbox.apps().len(), 1);
    world.end().await;
}
