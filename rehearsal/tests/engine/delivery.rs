//! How requests are delivered, and what becomes of those nobody waits for.

use rehearsal::answer_bucket::Verdict;
use serde_json::json;

use crate::stage::Stage;

/// Lambda lets a run end whose function is deleted meanwhile.
#[tokio::test]
async fn lets_a_run_end_whose_function_is_deleted() {
    let stage = Stage::set().await;
    let slow = json!({"Id": "made", "OnCreate": ["gate"], "ServiceTimeout": "1"});
    let spec = stage.spec(&slow);
    let created = stage.account.create_stack(&spec).await.unwrap();
    let waiting = stage.gate.function().await;
    let outcome = created.finish().await.unwrap();
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    let requests = stage.engine.requests();
    let create = requests[0]["RequestId"].as_str().unwrap();
    drop(waiting);
    let late = stage.bucket.next_answer(create).await;
    assert_eq!(late.text("PhysicalResourceId"), "made");
}

#[tokio::test]
async fn delivers_a_request_twice_when_told_to() {
    let stage = Stage::set().await;
    stage.engine.deliver_twice(true).unwrap();
    let gated = json!({"Id": "made", "OnCreate": ["gate"]});
    let created = stage.create(&gated);
    let gate = async {
        // Both runs are there at the same time, and then both go on.
        let both = (stage.gate.function().await, stage.gate.function().await);
        drop(both);
    };
    let (created, ()) = tokio::join!(created, gate);
    assert_eq!(created.status, "CREATE_COMPLETE");
    assert_eq!(stage.engine.requests().len(), 1);
    let answers = stage.bucket.answers();
    assert!(
        answers
            .iter()
            .all(|answer| answer.verdict == Verdict::Accepted)
    );
}

/// What CloudFormation has given up is over, whatever is answered later.
#[tokio::test]
async fn gives_a_request_up_when_told_to() {
    let stage = Stage::set().await;
    let spec = stage.spec(&json!({"Id": "made", "OnCreate": ["gate"]}));
    let created = stage.account.create_stack(&spec).await.unwrap();
    let waiting = stage.gate.function().await;
    let requests = stage.engine.requests();
    let create = requests[0]["RequestId"].as_str().unwrap();
    stage
        .engine
        .give_up_on(create, "Resource creation cancelled")
        .await;
    let outcome = created.finish().await.unwrap();
    drop(waiting);
    assert_eq!(outcome.status, "ROLLBACK_COMPLETE");
    let failed = outcome.first_failure().unwrap();
    assert_eq!(failed.reason, "Resource creation cancelled");
    let deleted = &stage.engine.requests()[1];
    assert_eq!(deleted["RequestType"], "Delete");
    let id = deleted["PhysicalResourceId"].as_str().unwrap();
    assert!(id.starts_with("stage_Thing_"), "{id}");
}
