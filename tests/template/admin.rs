//! The admin function: the registrar's code in another mode, with rights of its own.

use std::collections::BTreeSet;

use authomize_trust_role::{admin, hub, metrics};
use serde_json::{Value, json};

use crate::document::{function, members, strings, template};
use crate::permissions::{IN_A_VPC, log_group, only_as, statements, token_context, token_key};

fn admin_function(template: &Value) -> &Value {
    &template["Resources"]["AdminFunction"]["Properties"]
}

#[test]
fn runs_the_same_code_as_the_registrar() {
    let template = template();
    let (admin, registrar) = (admin_function(&template), function(&template));
    for property in ["Code", "Runtime", "Handler", "Architectures", "MemorySize"] {
        assert_eq!(admin[property], registrar[property], "{property}");
    }
    assert_eq!(
        admin["FunctionName"],
        json!({"Fn::Sub": "${AWS::StackName}-admin"})
    );
    let group = &template["Resources"]["AdminLogGroup"]["Properties"]["LogGroupName"];
    assert_eq!(
        group,
        &json!({"Fn::Sub": "/aws/lambda/${AWS::StackName}-admin"})
    );
}

/// The mode is the admin function's alone, so no parameter makes a registrar of it or
/// the other way round.
#[test]
fn is_told_its_mode_and_what_it_looks_after() {
    let template = template();
    let variables = &admin_function(&template)["Environment"]["Variables"];
    let parameter = |name: &str| json!({"Ref": name});
    for (variable, value) in [
        (admin::settings::ENV_MODE, json!("admin")),
        (
            admin::settings::ENV_REGISTRAR_FUNCTION_ARN,
            json!({"Fn::GetAtt": ["RegistrarFunction", "Arn"]}),
        ),
        (admin::settings::ENV_API_URL, parameter("AuthomizeApiUrl")),
        (admin::settings::ENV_EXTERNAL_ID, parameter("ExternalID")),
        (
            admin::settings::ENV_STACK_SET_NAME,
            parameter("StackSetName"),
        ),
        (
            admin::settings::ENV_STACK_SET_CALL_AS,
            parameter("StackSetCallAs"),
        ),
        (hub::ENV_ORGANIZATION_ID, parameter("OrganizationId")),
        (
            hub::ENV_MANAGEMENT_ACCOUNT_ID,
            parameter("ManagementAccountId"),
        ),
    ] {
        assert_eq!(variables[variable], value, "{variable}");
    }
    let of_the_registrar = members(&function(&template)["Environment"], "Variables");
    assert!(!of_the_registrar.contains_key(admin::settings::ENV_MODE));
    assert!(!template.to_string().contains("AWS_SAM_LOCAL"));
}

/// It writes its log, reads the one secret, lists the one StackSet, and lets
/// CloudFormation see whether it may: nothing else, and nothing in another account.
#[test]
fn may_list_instances_and_read_the_token_and_nothing_else() {
    let template = template();
    let no_condition = Value::Null;
    let rights: Vec<_> = statements(&template, "AdminRole")
        .map(|statement| {
            (
                strings(&statement["Action"]),
                statement["Resource"].clone(),
                statement["Condition"].clone(),
            )
        })
        .collect();
    assert_eq!(
        rights,
        [
            (
                vec!["logs:CreateLogStream", "logs:PutLogEvents"],
                log_group("AdminLogGroup"),
                no_condition.clone()
            ),
            (
                vec!["secretsmanager:GetSecretValue"],
                json!({"Fn::If": [
                    "HasOwnSecret",
                    {"Fn::GetAtt": ["ApiTokenSecret", "Id"]},
                    {"Ref": "AuthomizeApiTokenSecretArn"},
                ]}),
                no_condition.clone()
            ),
            (vec!["kms:Decrypt"], token_key(), token_context()),
            (
                vec!["cloudformation:ListStackInstances"],
                json!({"Fn::Sub":
                    "arn:${AWS::Partition}:cloudformation:${AWS::Region}:*:stackset/${StackSetName}:*"
                }),
                no_condition.clone()
            ),
            (
                vec!["organizations:ListDelegatedAdministrators"],
                json!("*"),
                no_condition.clone()
            ),
            (IN_A_VPC.to_vec(), json!("*"), no_condition),
            (vec!["ec2:*"], json!("*"), only_as("admin")),
        ]
    );
    let role = &template["Resources"]["AdminRole"]["Properties"];
    let conditional: Vec<&str> = role["Policies"][0]["PolicyDocument"]["Statement"]
        .as_array()
        .expect("there are statements")
        .iter()
        .filter_map(|statement| statement["Fn::If"][0].as_str())
        .collect();
    assert_eq!(
        conditional,
        [
            "HasTokenKey",
            "HasStackSet",
            "HasDelegatedAdmin",
            "HasVpc",
            "HasVpc"
        ]
    );
    assert!(role.get("ManagedPolicyArns").is_none());
}

#[test]
fn is_invoked_by_its_own_schedule_alone() {
    let template = template();
    let rule = &template["Resources"]["DailyAdmin"]["Properties"];
    assert_eq!(rule["ScheduleExpression"], "rate(1 day)");
    let inputs = &rule["Targets"][0]["Input"]["Fn::If"];
    assert_eq!(inputs[0], "HasStackSet");
    for (input, name) in [(&inputs[1], "reconcile"), (&inputs[2], "check")] {
        let input = input.as_str().expect("an input is a text");
        let event: Value = serde_json::from_str(input).expect("an input is JSON");
        let action = admin::Action::read(&event.into()).expect("the input is an action");
        assert_eq!(action.name(), name);
    }
    assert_eq!(
        template["Resources"]["DailyAdminPermission"]["Properties"],
        json!({
            "FunctionName": {"Ref": "AdminFunction"},
            "Action": "lambda:InvokeFunction",
            "Principal": "events.amazonaws.com",
            "SourceArn": {"Fn::GetAtt": ["DailyAdmin", "Arn"]},
        })
    );
}

/// A hub's alarms look at metrics that there are, of the registrar.
#[test]
fn raises_alarms_on_metrics_that_there_are() {
    let template = template();
    let alarms: Vec<&Value> = members(&template, "Resources")
        .values()
        .filter(|resource| resource["Type"] == "AWS::CloudWatch::Alarm")
        .collect();
    let watched: BTreeSet<(&str, &str)> = alarms
        .iter()
        .map(|alarm| {
            assert_eq!(alarm["Condition"], "HasAlarms");
            let properties = &alarm["Properties"];
            assert_eq!(
                properties["Dimensions"],
                json!([{"Name": "FunctionName", "Value": {"Ref": "RegistrarFunction"}}])
            );
            assert_eq!(properties["TreatMissingData"], "notBreaching");
            assert_eq!(
                properties["AlarmActions"],
                json!([{"Ref": "AlarmTopicArn"}])
            );
            let text = |name: &str| properties[name].as_str().expect("it is a text");
            (text("Namespace"), text("MetricName"))
        })
        .collect();
    assert_eq!(
        watched,
        BTreeSet::from([
            ("AWS/Lambda", "AsyncEventsDropped"),
            ("AWS/Lambda", "Errors"),
            ("AWS/Lambda", "Throttles"),
            (metrics::NAMESPACE, "Failed"),
        ])
    );
}
