//! Roles of a stack, made with the checks that IAM has.

use rehearsal::engine::vendor::{StsValidator, Vendor};
use rehearsal::engine::{Account, StackOutcome, StackSpec};
use rehearsal::sandbox::{AppConfig, Validation, Validator as _};
use serde_json::{Value, json};

use crate::stage::{STACK, Stage};

/// A stack with this role alone.
async fn create_role(stage: &Stage, role: &Value) -> StackOutcome {
    create_role_in(&stage.account, role).await
}

async fn create_role_in(account: &Account, role: &Value) -> StackOutcome {
    let template = json!({"Resources": {"Role": {"Type": "AWS::IAM::Role", "Properties": role}}});
    let spec = StackSpec {
        name: STACK.to_owned(),
        template: template.to_string(),
        ..StackSpec::default()
    };
    let created = account.create_stack(&spec).await;
    created.unwrap().finish().await.unwrap()
}

/// A role that the vendor may assume, and that may read which policies it has
/// only if it is called by its own ARN.
fn role(stage: &Stage) -> Value {
    let account = stage.account.id();
    json!({
        "RoleName": "trust",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::291883359082:user/AuthomizeGlobalUser"},
            "Action": "sts:AssumeRole",
        }]},
        "Policies": [{"PolicyName": "read", "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Action": "iam:ListAttachedRolePolicies",
            "Resource": "*",
            "Condition": {"ArnEquals": {"aws:PrincipalArn": format!("arn:aws:iam::{account}:role/trust")}},
        }]}}],
    })
}

/// What the vendor finds wrong with the role.
async fn found_wrong(stage: &Stage) -> String {
    let validator = StsValidator::new(Vendor::of(&stage.engine).await.unwrap());
    let config = AppConfig {
        role_arn: format!("arn:aws:iam::{}:role/trust", stage.account.id()),
        external_id: "any".to_owned(),
        include_identity_center: false,
    };
    match validator.validate(&config).await {
        Validation::Failed { last_error } => last_error,
        Validation::Enabled { .. } => panic!("a role without policies was taken"),
    }
}

#[tokio::test]
async fn calls_a_session_by_its_role() {
    let stage = Stage::set().await;
    let created = create_role(&stage, &role(&stage)).await;
    assert_eq!(created.status, "CREATE_COMPLETE");
    let wrong = found_wrong(&stage).await;
    assert!(wrong.ends_with("has no policy SecurityAudit"), "{wrong}");
}

#[tokio::test]
async fn bounds_a_role_by_its_boundary() {
    let stage = Stage::set().await;
    let nothing = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"},
    ]});
    let nothing = nothing.to_string();
    let policy = [("PolicyName", "bound"), ("PolicyDocument", &nothing)];
    let iam = stage.account.iam();
    let policy = iam.ask("CreatePolicy", &policy).await.unwrap();
    let arn = policy.text("Arn").unwrap();
    let mut role = role(&stage);
    role["PermissionsBoundary"] = json!(arn);
    let created = create_role(&stage, &role).await;
    assert_eq!(created.status, "CREATE_COMPLETE");
    let got = iam.ask("GetRole", &[("RoleName", "trust")]).await.unwrap();
    assert_eq!(got.text("PermissionsBoundaryArn"), Some(arn));
    let wrong = found_wrong(&stage).await;
    assert!(wrong.contains("cannot read its own policies"), "{wrong}");
}

#[tokio::test]
async fn makes_no_role_under_a_boundary_that_is_not_there() {
    let stage = Stage::set().await;
    let mut role = role(&stage);
    let arn = format!("arn:aws:iam::{}:policy/absent", stage.account.id());
    role["PermissionsBoundary"] = json!(arn);
    let failed = create_role(&stage, &role).await;
    let first = failed.first_failure().unwrap();
    assert!(first.reason.contains("does not exist"), "{first:?}");
}

#[tokio::test]
async fn leaves_the_role_alone_that_has_the_name_already() {
    let stage = Stage::set().await;
    let nobody = r#"{"Version": "2012-10-17", "Statement": []}"#;
    let make = [("RoleName", "trust"), ("AssumeRolePolicyDocument", nobody)];
    let iam = stage.account.iam();
    let made = iam.ask("CreateRole", &make).await.unwrap();
    let failed = create_role(&stage, &role(&stage)).await;
    assert_eq!(failed.status, "ROLLBACK_COMPLETE");
    let first = failed.first_failure().unwrap();
    let reason = "Role with name trust already exists.";
    assert!(first.reason.contains(reason), "{first:?}");
    let got = iam.ask("GetRole", &[("RoleName", "trust")]).await.unwrap();
    assert_eq!(got.text("RoleId"), made.text("RoleId"));
}

#[tokio::test]
async fn names_a_role_apart_in_every_region() {
    let stage = Stage::set().await;
    let there = stage
        .engine
        .account_in(stage.account.id().clone(), "eu-west-1");
    let mut role = role(&stage);
    role.as_object_mut().unwrap().remove("RoleName");
    for account in [&stage.account, &there] {
        let created = create_role_in(account, &role).await;
        assert_eq!(created.status, "CREATE_COMPLETE");
    }
    let roles = stage.account.iam().ask("ListRoles", &[]).await.unwrap();
    assert_eq!(roles.texts("RoleName").count(), 2);
}

#[tokio::test]
async fn makes_no_function_whose_role_lambda_cannot_assume() {
    let stage = Stage::set().await;
    let mut spec = stage.spec(&json!({}));
    let another = "\"ec2.amazonaws.com\"";
    spec.template = spec.template.replace("\"lambda.amazonaws.com\"", another);
    let failed = stage.account.create_stack(&spec).await.unwrap();
    let failed = failed.finish().await.unwrap();
    let first = failed.first_failure().unwrap();
    assert_eq!(first.logical_id, "Function");
    let reason = "cannot be assumed by Lambda";
    assert!(first.reason.contains(reason), "{first:?}");
}
