//! What a company's own rules demand, and what was there before: off by default, last in the
//! console, and for both functions where it applies.

use serde_json::{Value, json};

use crate::document::{function, members, strings, template};

/// The parameters, in the console's order.
const PARAMETERS: [&str; 10] = [
    "VpcSubnetIds",
    "VpcSecurityGroupIds",
    "HttpsProxy",
    "NoProxy",
    "KmsKeyArn",
    "LogGroupName",
    "ArtifactBucket",
    "CodeSigningConfigArn",
    "AdoptIntegrationId",
    "ExistingRoleArn",
];

/// Registrar and admin function.
fn functions(template: &Value) -> [&Value; 2] {
    let admin = &template["Resources"]["AdminFunction"]["Properties"];
    [function(template), admin]
}

/// What is there only if a condition holds.
fn only_if(condition: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    json!({"Fn::If": [condition, value, {"Ref": "AWS::NoValue"}]})
}

fn parameter(name: &str) -> Value {
    json!({"Ref": name})
}

#[test]
fn is_off_by_default_and_last_in_the_console() {
    let template = template();
    let groups = &template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"];
    let groups = groups.as_array().expect("there are groups").iter();
    let grouped: Vec<&str> = groups
        .flat_map(|group| strings(&group["Parameters"]))
        .collect();
    assert!(grouped.ends_with(&PARAMETERS), "{grouped:?}");
    for name in PARAMETERS {
        assert_eq!(template["Parameters"][name]["Default"], "", "{name}");
    }
}

#[test]
fn puts_both_functions_into_the_vpc() {
    let template = template();
    let vpc = json!({
        "SubnetIds": {"Fn::Split": [",", parameter("VpcSubnetIds")]},
        "SecurityGroupIds": {"Fn::Split": [",", parameter("VpcSecurityGroupIds")]},
    });
    for function in functions(&template) {
        assert_eq!(function["VpcConfig"], only_if("HasVpc", vpc.clone()));
    }
}

/// By the names that every HTTP client knows.
#[test]
fn tells_both_functions_of_the_proxy() {
    let template = template();
    for function in functions(&template) {
        let variables = &function["Environment"]["Variables"];
        assert_eq!(variables["HTTPS_PROXY"], parameter("HttpsProxy"));
        assert_eq!(variables["NO_PROXY"], parameter("NoProxy"));
    }
}

#[test]
fn encrypts_secret_logs_and_environments_with_the_key() {
    let template = template();
    let key = only_if("HasKmsKey", parameter("KmsKeyArn"));
    for resource in ["ApiTokenSecret", "RegistrarLogGroup", "AdminLogGroup"] {
        let properties = &template["Resources"][resource]["Properties"];
        assert_eq!(properties["KmsKeyId"], key, "{resource}");
    }
    for function in functions(&template) {
        assert_eq!(function["KmsKeyArn"], key);
    }
}

#[test]
fn writes_the_logs_of_both_functions_into_the_group_that_is_there() {
    let template = template();
    let names = ["RegistrarLogGroup", "AdminLogGroup"];
    for (function, own) in functions(&template).into_iter().zip(names) {
        assert_eq!(
            function["LoggingConfig"]["LogGroup"],
            json!({"Fn::If": ["HasLogGroup", parameter("LogGroupName"), parameter(own)]})
        );
    }
}

#[test]
fn lets_the_signing_configuration_judge_the_code_of_both_functions() {
    let template = template();
    let signing = only_if("HasCodeSigning", parameter("CodeSigningConfigArn"));
    for function in functions(&template) {
        assert_eq!(function["CodeSigningConfigArn"], signing);
    }
}

/// CloudFormation passes a stack's tags on to every resource that takes tags. One with
/// tags of its own could clash with them.
#[test]
fn leaves_all_tags_to_the_stack() {
    let template = template();
    for (name, resource) in members(&template, "Resources") {
        let tags = resource["Properties"]
            .as_object()
            .and_then(|properties| properties.keys().find(|name| name.contains("Tags")));
        assert_eq!(tags, None, "{name}");
    }
}
