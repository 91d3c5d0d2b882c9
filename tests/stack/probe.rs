//! The probe that shows what AWS does: what it would find here.

use rehearsal::engine::StackSpec;
use serde_json::Value;

use crate::stage::{create_in, read, world};

/// It tells where the answer goes, that the bucket refuses what was not signed so, and that
/// it takes the answer; then its stack stands.
#[tokio::test]
async fn shows_what_the_answer_bucket_does() {
    let world = world().await;
    // A function in Python finds the way to the bucket in its own variables alone.
    let variables: Value = world.internet.environment().into_iter().collect();
    let timeout = "      Timeout: 30\n";
    let with_a_way = format!("{timeout}      Environment: {{Variables: {variables}}}\n");
    let probe = StackSpec {
        name: "probe".to_owned(),
        template: read("examples/probe.yaml").replace(timeout, &with_a_way),
        ..StackSpec::default()
    };
    let created = create_in(&world.account, &probe).await;
    assert_eq!(
        created.status,
        "CREATE_COMPLETE",
        "{:?}",
        created.first_failure()
    );
    let group = "/aws/lambda/probe-function";
    let log = world.account.log_lines_of(group, 1).await.unwrap();
    for said in [
        "[\"response URL\", \"https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/",
        "[\"wrong signature\", 403, ",
        "[\"other request\", 403, ",
        "[\"no signature\", 403, ",
        "[\"as it came\", 200, ",
    ] {
        let found = log.iter().any(|line| line.starts_with(said));
        assert!(found, "{said}: {log:#?}");
    }
}
