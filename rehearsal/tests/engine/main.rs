//! The engine with its gaps closed: each closed gap has a test here, against
//! the real engine and a small function.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod code;
mod delivery;
mod organization;
mod roles;
mod stage;
mod trust;

use std::net::SocketAddr;

use serde_json::{Value, json};
use tokio::net::TcpStream;

use stage::{STACK, Stage, story};

#[tokio::test]
async fn deploys_code_of_another_account_and_takes_the_answer_at_awss_own_url() {
    let stage = Stage::set().await;
    let created = stage.create(&json!({"Id": "made"})).await;
    assert_eq!(
        created.status,
        "CREATE_COMPLETE",
        "{:?}",
        created.first_failure()
    );
    assert_eq!(stage.answered(), [("Create".into(), "made".into())]);
    let lines = stage.account.log_lines_of("/stage", 1).await.unwrap();
    let event = logged(&lines, "event");
    let url = event["ResponseURL"].as_str().unwrap();
    let host = "cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com";
    assert!(
        url.starts_with(&format!("https://{host}/arn%3Aaws%3A")),
        "{url}"
    );
    let names = format!("%7CThing%7C{}?X-Amz-", event["RequestId"].as_str().unwrap());
    assert!(url.contains(&names), "{url}");
}

#[tokio::test]
async fn creates_no_function_without_its_code() {
    let stage = Stage::set().await;
    let mut spec = stage.spec(&json!({}));
    spec.template = spec.template.replace("function.zip", "absent.zip");
    let failed = stage.account.create_stack(&spec).await.unwrap();
    let failed = failed.finish().await.unwrap();
    let first = failed.first_failure().unwrap();
    assert_eq!(first.logical_id, "Function");
    assert!(
        first.reason.contains("no absent.zip in bucket published"),
        "{first:?}"
    );
}

#[tokio::test]
async fn tells_what_it_changes_and_listens_on_loopback_alone() {
    let stage = Stage::set().await;
    assert!(!stage.engine.closed_gaps().is_empty());
    let port = stage.engine.address().port();
    let elsewhere = SocketAddr::from(([127, 0, 0, 2], port));
    assert!(TcpStream::connect(elsewhere).await.is_err());
}

#[tokio::test]
async fn runs_a_request_again_that_killed_its_function() {
    let stage = Stage::set().await;
    let created = stage
        .create(&json!({"Id": "made", "OnCreate": ["die"]}))
        .await;
    assert_eq!(
        created.status,
        "CREATE_COMPLETE",
        "{:?}",
        created.first_failure()
    );
    assert_eq!(stage.answered(), [("Create".into(), "made".into())]);
}

#[tokio::test]
async fn rolls_a_failed_create_back_with_the_id_that_it_answered() {
    let stage = Stage::set().await;
    let failed = stage
        .create(&json!({"Id": "half", "OnCreate": ["fail"]}))
        .await;
    assert_eq!(
        story(&failed.events),
        [
            "stage CREATE_IN_PROGRESS",
            "Thing CREATE_IN_PROGRESS",
            "Thing CREATE_FAILED",
            "stage ROLLBACK_IN_PROGRESS",
            "Thing DELETE_IN_PROGRESS",
            "Thing DELETE_COMPLETE",
            "stage ROLLBACK_COMPLETE",
        ]
    );
    assert_eq!(
        stage.answered(),
        [
            ("Create".into(), "half".into()),
            ("Delete".into(), "half".into())
        ]
    );
}

#[tokio::test]
async fn rolls_a_silent_create_back_with_an_invented_id() {
    let stage = Stage::set().await;
    let silent = json!({"Id": "never told", "OnCreate": ["silent"], "ServiceTimeout": "1"});
    let failed = stage.create(&silent).await;
    assert_eq!(failed.status, "ROLLBACK_COMPLETE");
    let answered = stage.answered();
    let [(kind, id)] = answered.as_slice() else {
        panic!("{answered:?}");
    };
    assert_eq!(kind, "Delete");
    assert!(id.starts_with("stage_Thing_"), "{id}");
}

#[tokio::test]
async fn leaves_a_failed_create_alone_without_rollback_until_the_stack_is_deleted() {
    let stage = Stage::set().await;
    let mut spec = stage.spec(&json!({"Id": "half", "OnCreate": ["fail"]}));
    spec.disable_rollback = true;
    let failed = stage.account.create_stack(&spec).await.unwrap();
    assert_eq!(failed.finish().await.unwrap().status, "CREATE_FAILED");
    assert_eq!(stage.shown().await, ("CREATE_FAILED".into(), "half".into()));
    assert_eq!(stage.answered().len(), 1);
    assert_eq!(stage.delete().await.status, "DELETE_COMPLETE");
    assert_eq!(stage.answered()[1], ("Delete".into(), "half".into()));
}

#[tokio::test]
async fn shows_a_resource_while_it_is_in_progress() {
    let stage = Stage::set().await;
    let gated = json!({
        "Id": "made", "OnCreate": ["gate"], "OnUpdate": ["gate"], "OnDelete": ["gate"],
    });
    let spec = stage.spec(&gated);
    let create = stage.account.create_stack(&spec).await.unwrap();
    let waiting = stage.gate.function().await;
    assert_eq!(
        stage.shown().await,
        ("CREATE_IN_PROGRESS".into(), String::new())
    );
    drop(waiting);
    create.finish().await.unwrap();
    assert_eq!(
        stage.shown().await,
        ("CREATE_COMPLETE".into(), "made".into())
    );

    let mut changed = gated;
    changed["Changed"] = json!("yes");
    let spec = stage.spec(&changed);
    let update = stage.account.update_stack(&spec).await.unwrap();
    let waiting = stage.gate.function().await;
    assert_eq!(
        stage.shown().await,
        ("UPDATE_IN_PROGRESS".into(), "made".into())
    );
    drop(waiting);
    update.finish().await.unwrap();
    assert_eq!(
        stage.shown().await,
        ("UPDATE_COMPLETE".into(), "made".into())
    );

    let delete = stage.account.delete_stack(STACK).await.unwrap();
    let waiting = stage.gate.function().await;
    assert_eq!(
        stage.shown().await,
        ("DELETE_IN_PROGRESS".into(), "made".into())
    );
    drop(waiting);
    assert_eq!(delete.finish().await.unwrap().status, "DELETE_COMPLETE");
}

#[tokio::test]
async fn rolls_a_failed_update_back_to_what_was() {
    let stage = Stage::set().await;
    stage.create(&json!({"Id": "made"})).await;
    let failed = stage
        .update(&json!({"Id": "made", "OnUpdate": ["fail"]}))
        .await;
    assert_eq!(failed.status, "UPDATE_ROLLBACK_COMPLETE");
    assert_eq!(
        stage.shown().await,
        ("UPDATE_COMPLETE".into(), "made".into())
    );
    assert_eq!(stage.answered().len(), 3);
}

#[tokio::test]
async fn deletes_the_one_before_a_replacement_as_a_cleanup() {
    let stage = Stage::set().await;
    stage.create(&json!({"Id": "first"})).await;
    let update = stage.update(&json!({"Id": "second"})).await;
    assert_eq!(
        story(&update.events),
        [
            "stage UPDATE_IN_PROGRESS",
            "Thing UPDATE_IN_PROGRESS",
            "Thing UPDATE_COMPLETE",
            "stage UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
            "Thing DELETE_IN_PROGRESS",
            "Thing DELETE_COMPLETE",
            "stage UPDATE_COMPLETE",
        ]
    );
    assert_eq!(stage.answered()[2], ("Delete".into(), "first".into()));
    assert_eq!(
        stage.shown().await,
        ("UPDATE_COMPLETE".into(), "second".into())
    );
}

#[tokio::test]
async fn gives_a_function_what_lambda_does_and_what_is_injected() {
    let stage = Stage::set().await;
    stage.create(&json!({"Id": "made"})).await;
    let lines = stage.account.log_lines_of("/stage", 1).await.unwrap();
    let environment = logged(&lines, "environment");
    let names = environment.as_object().unwrap().keys();
    let names: Vec<_> = names.map(String::as_str).collect();
    let of_lambda = names.iter().filter(|name| name.starts_with("AWS_"));
    assert_eq!(
        of_lambda.copied().collect::<Vec<_>>(),
        [
            "AWS_ACCESS_KEY_ID",
            "AWS_DEFAULT_REGION",
            "AWS_ENDPOINT_URL",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
            "AWS_LAMBDA_FUNCTION_NAME",
            "AWS_LAMBDA_FUNCTION_VERSION",
            "AWS_LAMBDA_LOG_GROUP_NAME",
            "AWS_LAMBDA_LOG_STREAM_NAME",
            "AWS_LAMBDA_RUNTIME_API",
            "AWS_REGION",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
        ]
    );
    for injected in ["HTTPS_PROXY", "SSL_CERT_FILE", "DECLARED"] {
        assert!(names.contains(&injected), "{injected}");
    }
    let of_the_engine = ["AUTH", "GATEWAY_PORT", "HOME", "STATE_DIR", "TMPDIR"];
    let foreign = |name: &&&str| of_the_engine.contains(*name) || name.contains("REHEARSAL");
    assert_eq!(names.iter().find(foreign), None);
    assert_eq!(environment["AWS_ENDPOINT_URL"], "");
    assert_eq!(environment["AWS_LAMBDA_FUNCTION_NAME"], "stage-function");
    let left = logged(&lines, "seconds left").as_u64().unwrap();
    assert!((25..=30).contains(&left), "{left}");
}

#[tokio::test]
async fn ends_with_the_rehearsal_and_takes_its_functions_along() {
    let stage = Stage::set().await;
    let spec = stage.spec(&json!({"Id": "made", "OnCreate": ["gate"]}));
    stage.account.create_stack(&spec).await.unwrap();
    let waiting = stage.gate.function().await;
    let address = stage.engine.address();
    drop(stage.engine);
    waiting.gone().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn leaves_nothing_after_a_deletion() {
    let stage = Stage::set().await;
    stage.create(&json!({"Id": "made"})).await;
    assert_eq!(stage.delete().await.status, "DELETE_COMPLETE");
    assert_eq!(stage.account.logs().groups("").await.unwrap(), []);
    let roles = stage.account.iam().ask("ListRoles", &[]).await.unwrap();
    assert_eq!(roles.text("RoleName"), None);
}

/// What the function wrote after `label`, the first time.
fn logged(lines: &[String], label: &str) -> Value {
    let text = lines.iter().find_map(|line| line.strip_prefix(label));
    let text = text.unwrap_or_else(|| panic!("`{label}` is in none of {lines:?}"));
    serde_json::from_str(text.trim()).unwrap()
}
