//! What keeps published code from being another one: conditions of S3 and of Lambda.

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rehearsal::engine::{Artifact, StackOutcome};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::stage::{FUNCTION, Stage};

#[tokio::test]
async fn writes_into_a_bucket_of_the_expected_owner_only_and_nothing_twice() {
    let stage = Stage::set().await;
    let config = aws_sdk_s3::config::Builder::from(stage.account.config());
    let s3 = aws_sdk_s3::Client::from_conf(config.force_path_style(true).build());
    s3.create_bucket().bucket("ours").send().await.unwrap();
    let put = || s3.put_object().bucket("ours").key("a");
    put().if_none_match("*").send().await.unwrap();
    let second = put().if_none_match("*").send().await.unwrap_err();
    assert_eq!(second.code(), Some("PreconditionFailed"));
    let owner = stage.account.id().as_str();
    put().expected_bucket_owner(owner).send().await.unwrap();
    let strangers = put().expected_bucket_owner("123456789012").send().await;
    assert_eq!(strangers.unwrap_err().code(), Some("AccessDenied"));
}

/// Creates the stack with a version of the function that names this code.
async fn create_with_version(stage: &Stage, hash: &str) -> StackOutcome {
    let mut spec = stage.spec(&json!({"Id": "made"}));
    let mut template: Value = serde_json::from_str(&spec.template).unwrap();
    template["Resources"]["Version"] = json!({
        "Type": "AWS::Lambda::Version",
        "Properties": {"FunctionName": {"Ref": "Function"}, "CodeSha256": hash},
    });
    spec.template = template.to_string();
    let created = stage.account.create_stack(&spec).await.unwrap();
    created.finish().await.unwrap()
}

#[tokio::test]
async fn makes_a_version_of_the_code_that_it_names() {
    let stage = Stage::set().await;
    let code = Artifact::from_bytes(FUNCTION).unwrap();
    let hash = STANDARD.encode(Sha256::digest(code.zip()));
    let created = create_with_version(&stage, &hash).await;
    assert_eq!(
        created.status,
        "CREATE_COMPLETE",
        "{:?}",
        created.first_failure()
    );
}

#[tokio::test]
async fn makes_no_version_of_other_code() {
    let stage = Stage::set().await;
    let other = STANDARD.encode(Sha256::digest(b"other code"));
    let failed = create_with_version(&stage, &other).await;
    let first = failed.first_failure().unwrap();
    assert_eq!(first.logical_id, "Version");
    let words = "is different from current CodeSHA256 in $LATEST";
    assert!(first.reason.contains(words), "{first:?}");
}
