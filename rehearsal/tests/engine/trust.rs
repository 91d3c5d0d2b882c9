//! The vendor's side: whom it can be, and what it finds wrong with a role.

use rehearsal::answer_bucket::AnswerKey;
use rehearsal::engine::vendor::{StsValidator, Vendor};
use rehearsal::engine::{Engine, EngineOptions};
use rehearsal::sandbox::{AppConfig, Validation, Validator as _};
use serde_json::json;

const EXTERNAL_ID: &str = "issued-by-the-vendor";

#[tokio::test]
async fn assumes_a_role_with_the_right_external_id_only_and_reads_its_policies() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(EngineOptions {
        state_dir: folder.path().to_owned(),
        answer_key: AnswerKey::random(),
        function_environment: Vec::new(),
        region: "us-east-1".to_owned(),
    })
    .await
    .unwrap();
    let account = engine.fresh_account();
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::291883359082:user/AuthomizeGlobalUser"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}},
    }]});
    let vendor = Vendor::of(&engine).await.unwrap();
    let trust = trust.to_string();
    let role = [("RoleName", "trust"), ("AssumeRolePolicyDocument", &trust)];
    let role = account.iam().ask("CreateRole", &role).await.unwrap();
    let role_arn = role.text("Arn").unwrap().to_owned();
    let attach = async |name: &str| {
        let arn = format!("arn:aws:iam::aws:policy/{name}");
        let policy = [("RoleName", "trust"), ("PolicyArn", &arn)];
        let attach = account.iam().ask("AttachRolePolicy", &policy);
        attach.await.unwrap();
    };

    vendor.assume(&role_arn, Some(EXTERNAL_ID)).await.unwrap();
    for external_id in [Some("another"), None] {
        let refused = vendor.assume(&role_arn, external_id).await.unwrap_err();
        assert!(refused.is_denied(), "{refused}");
    }

    let validator = StsValidator::new(vendor);
    let validate = async |external_id: &str, include_identity_center| {
        let config = AppConfig {
            role_arn: role_arn.clone(),
            external_id: external_id.to_owned(),
            include_identity_center,
        };
        validator.validate(&config).await
    };
    let Validation::Failed { last_error } = validate("a-wrong-one", false).await else {
        panic!("a wrong external id was taken");
    };
    assert!(
        last_error.contains("cannot be assumed: its trust policy"),
        "{last_error}"
    );
    assert!(!last_error.contains("a-wrong-one"), "{last_error}");
    // Without SecurityAudit the role may not even read its own policies.
    let Validation::Failed { last_error } = validate(EXTERNAL_ID, false).await else {
        panic!("a role without policies was taken");
    };
    assert!(
        last_error.contains("cannot read its own policies"),
        "{last_error}"
    );
    attach("SecurityAudit").await;
    let apps = |names: &[&str]| Validation::Enabled {
        connected_apps: names.iter().map(|&name| name.to_owned()).collect(),
    };
    assert_eq!(validate(EXTERNAL_ID, false).await, apps(&["AWS"]));
    let Validation::Failed { last_error } = validate(EXTERNAL_ID, true).await else {
        panic!("a role that cannot read Identity Center was taken");
    };
    assert!(
        last_error.ends_with("has no policy AWSSSOReadOnly and AWSSSODirectoryReadOnly"),
        "{last_error}"
    );
    attach("AWSSSOReadOnly").await;
    attach("AWSSSODirectoryReadOnly").await;
    assert_eq!(validate(EXTERNAL_ID, true).await, apps(&["AWS", "AWS SSO"]));
    assert_eq!(validator.assumed(), [role_arn.clone(), role_arn]);
}
