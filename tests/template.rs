//! The template keeps its promises: read as CloudFormation reads it, and judged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use authomize_trust_role::properties::PROPERTY_NAMES;
use regex::Regex;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The template as JSON, with the short forms of functions written out.
fn template() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml");
    let text = std::fs::read_to_string(path).expect("there is a template");
    written_out(serde_yaml_ng::from_str(&text).expect("the template is YAML"))
}

fn written_out(yaml: Yaml) -> Value {
    match yaml {
        Yaml::Tagged(tagged) => {
            let name = tagged.tag.to_string();
            let value = written_out(tagged.value);
            match name.trim_start_matches('!') {
                "Ref" => json!({"Ref": value}),
                "GetAtt" => {
                    let (resource, attribute) = value
                        .as_str()
                        .and_then(|text| text.split_once('.'))
                        .expect("GetAtt names a resource and an attribute");
                    json!({"Fn::GetAtt": [resource, attribute]})
                }
                function => json!({ format!("Fn::{function}"): value }),
            }
        }
        Yaml::Sequence(items) => items.into_iter().map(written_out).collect(),
        Yaml::Mapping(members) => members
            .into_iter()
            .map(|(name, value)| {
                let name = name.as_str().expect("names are texts").to_owned();
                (name, written_out(value))
            })
            .collect::<Map<_, _>>()
            .into(),
        scalar => serde_json::to_value(scalar).expect("a scalar is JSON"),
    }
}

fn members<'a>(template: &'a Value, section: &str) -> &'a Map<String, Value> {
    template[section].as_object().expect("the section is there")
}

/// Every name that a value refers to by `Ref`, `GetAtt`, `Sub` or a condition,
/// followed through resources and conditions.
fn reaches(template: &Value, value: &Value) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = direct(value);
    while let Some(name) = open.pop() {
        if reached.insert(name.clone()) {
            open.extend(direct(&template["Conditions"][&name]));
            open.extend(direct(&template["Resources"][&name]));
        }
    }
    reached
}

fn direct(value: &Value) -> Vec<String> {
    let variable = Regex::new(r"\$\{([A-Za-z0-9:]+)").expect("the pattern is right");
    match value {
        Value::Array(items) => items.iter().flat_map(direct).collect(),
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| {
                let mut names = direct(value);
                match (name.as_str(), value) {
                    ("Ref" | "DependsOn" | "Condition", Value::String(name)) => {
                        names.push(name.clone());
                    }
                    ("Fn::GetAtt" | "Fn::If", Value::Array(items)) => {
                        names.extend(items[0].as_str().map(ToOwned::to_owned));
                    }
                    ("Fn::Sub", value) => {
                        let text = value.as_str().or(value[0].as_str()).unwrap_or_default();
                        names.extend(
                            variable
                                .captures_iter(text)
                                .map(|found| found[1].to_owned()),
                        );
                    }
                    _ => {}
                }
                names
            })
            .collect(),
        _ => Vec::new(),
    }
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(object) => object.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

fn function(template: &Value) -> &Value {
    &template["Resources"]["RegistrarFunction"]["Properties"]
}

fn registration(template: &Value) -> &Value {
    &template["Resources"]["AuthomizeIntegration"]
}

#[test]
fn needs_no_transform() {
    let template = template();
    assert!(template.get("Transform").is_none());
    assert!(
        !strings(&template)
            .iter()
            .any(|text| text.contains("AWS::Include"))
    );
}

/// `ServiceToken` can never be changed on a resource, so the function's name
/// follows from the stack's and from nothing else.
#[test]
fn lets_no_parameter_change_the_service_token() {
    let template = template();
    assert_eq!(
        function(&template)["FunctionName"],
        json!({"Fn::Sub": "${AWS::StackName}-registrar"})
    );
    assert_eq!(
        registration(&template)["Properties"]["ServiceToken"],
        json!({"Fn::GetAtt": ["RegistrarFunction", "Arn"]})
    );
    for resource in ["RegistrarFunction", "AuthomizeIntegration"] {
        assert!(template["Resources"][resource].get("Condition").is_none());
    }
    let log_group = &template["Resources"]["RegistrarLogGroup"]["Properties"]["LogGroupName"];
    assert_eq!(direct(log_group), ["AWS::StackName"]);
}

#[test]
fn explains_every_parameter() {
    let template = template();
    let interface = &template["Metadata"]["AWS::CloudFormation::Interface"];
    let grouped: Vec<&str> = interface["ParameterGroups"]
        .as_array()
        .expect("there are groups")
        .iter()
        .flat_map(|group| strings(&group["Parameters"]))
        .collect();
    let parameters = members(&template, "Parameters");
    assert_eq!(grouped.len(), parameters.len());
    for (name, parameter) in parameters {
        assert!(grouped.contains(&name.as_str()), "{name} has no group");
        assert!(
            interface["ParameterLabels"][name]["default"].is_string(),
            "{name} has no label"
        );
        assert!(
            parameter["Description"].is_string(),
            "{name} has no description"
        );
        assert!(
            parameter["ConstraintDescription"].is_string(),
            "{name} has no sentence"
        );
        let constrained = parameter
            .get("AllowedPattern")
            .or(parameter.get("AllowedValues"));
        assert!(constrained.is_some(), "{name} takes anything");
    }
}

/// What a person may type wrong is refused before anything is made.
#[test]
fn refuses_bad_values_by_pattern() {
    let template = template();
    let name_of_300 = "n".repeat(300);
    for (parameter, good, bad) in [
        ("ExternalID", vec!["ab", "a1-b2_c3"], vec!["", "a", "a b"]),
        (
            "IncludeAWSIdentityCenter",
            vec!["true", "false"],
            vec!["yes", "True", ""],
        ),
        (
            "AuthomizeApiToken",
            vec!["", "atmz-x.y/z=="],
            vec!["a b", "a\nb"],
        ),
        (
            "AuthomizeApiTokenSecretArn",
            vec![
                "",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b-AbCdEf",
            ],
            vec!["a/b", "arn:aws:secretsmanager:eu-west-1:1234:secret:a"],
        ),
        (
            "AuthomizeApiTokenKmsKeyArn",
            vec!["", "arn:aws-cn:kms:cn-north-1:123456789012:key/0a-1b"],
            vec!["alias/key", "arn:aws:kms:eu-west-1:123456789012:alias/a"],
        ),
        (
            "AuthomizeApiUrl",
            vec!["https://api.authomize.com", "https://api.eu.authomize.com"],
            vec![
                "http://api.authomize.com",
                "https://api.authomize.com/v2",
                "https://me@api.authomize.com",
                "https://api.example.com",
                "https://notauthomize.com",
            ],
        ),
        (
            "AdditionalAccountIds",
            vec![
                "",
                "123456789012",
                "123456789012,210987654321",
                "123456789012, 210987654321",
            ],
            vec![
                "12345678901",
                "12345678901a",
                "123456789012 210987654321",
                "123456789012,",
            ],
        ),
        (
            "Regions",
            vec!["", "us-east-1", "us-gov-west-1,xx-newland-9"],
            vec!["nowhere", "us-east-1 eu-west-1", "US-EAST-1"],
        ),
        (
            "OwnerEmail",
            vec!["", "o@example.com"],
            vec!["o", "o@", "@x.y", "a@b@c.d", "a b@c.d"],
        ),
        (
            "IntegrationName",
            vec!["", "Production (AWS), 1&2"],
            vec![name_of_300.as_str(), "a\nb", "cloud ☁️"],
        ),
        (
            "TrustRoleName",
            vec!["AuthomizeCrossAccountTrustRole"],
            vec!["", "a b"],
        ),
        ("RolePath", vec!["/", "/a/b/"], vec!["", "a", "/a"]),
        ("OnDelete", vec!["Remove", "Keep"], vec!["Burn", ""]),
        (
            "OnDeregistrationFailure",
            vec!["Fail", "Ignore"],
            vec!["", "fail"],
        ),
        ("Architecture", vec!["x86_64", "arm64"], vec!["arm"]),
    ] {
        let definition = &template["Parameters"][parameter];
        for value in good {
            assert!(accepts(definition, value), "{parameter} refuses {value}");
        }
        for value in bad {
            assert!(!accepts(definition, value), "{parameter} takes {value}");
        }
    }
}

/// As CloudFormation does it: a pattern has to match the whole value.
fn accepts(parameter: &Value, value: &str) -> bool {
    if let Some(values) = parameter["AllowedValues"].as_array() {
        return values.iter().any(|allowed| allowed == value);
    }
    let longest = parameter["MaxLength"].as_u64().unwrap_or(u64::MAX);
    let shortest = parameter["MinLength"].as_u64().unwrap_or(0);
    let length = value.chars().count() as u64;
    let pattern = parameter["AllowedPattern"]
        .as_str()
        .expect("there is a pattern");
    let pattern = Regex::new(&format!("^(?:{pattern})$")).expect("the pattern is one");
    (shortest..=longest).contains(&length) && pattern.is_match(value)
}

#[test]
fn gives_the_resource_the_properties_that_the_function_knows() {
    let template = template();
    let given: BTreeSet<&str> = members(registration(&template), "Properties")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(given, PROPERTY_NAMES.iter().copied().collect());
}

/// Case E45: a lost request has been run for the last time long before
/// CloudFormation stops waiting.
#[test]
fn waits_longer_than_three_runs_can_take() {
    let template = template();
    let timeout = function(&template)["Timeout"]
        .as_u64()
        .expect("there is a timeout");
    let waits = registration(&template)["Properties"]["ServiceTimeout"]
        .as_u64()
        .expect("there is a service timeout");
    assert!(waits > 3 * timeout + 180);
    let invocations = &template["Resources"]["RegistrarInvocations"]["Properties"];
    assert_eq!(invocations["MaximumRetryAttempts"], 2);
    let age = invocations["MaximumEventAgeInSeconds"]
        .as_u64()
        .expect("there is an age");
    assert!(2 * timeout + 180 < age);
    assert!(age + timeout < waits);
}

/// What the custom resource depends on is made before it and goes after it: the
/// role to validate, the function's rights, its log and its retries.
#[test]
fn keeps_everything_that_a_deletion_needs_until_the_resource_is_gone() {
    let template = template();
    let reached = reaches(&template, registration(&template));
    for needed in [
        "TrustRole",
        "RegistrarFunction",
        "RegistrarRole",
        "RegistrarLogGroup",
        "RegistrarInvocations",
        "ApiTokenSecret",
    ] {
        assert!(reached.contains(needed), "{needed} may go too early");
    }
}

/// The trust role as the vendor publishes it.
#[test]
fn trusts_the_vendor_alone_and_only_with_the_external_id() {
    let template = template();
    let role = &template["Resources"]["TrustRole"]["Properties"];
    let statements = role["AssumeRolePolicyDocument"]["Statement"].as_array();
    let statements = statements.expect("there are statements");
    assert_eq!(statements.len(), 1);
    assert_eq!(statements[0]["Action"], "sts:AssumeRole");
    assert_eq!(
        statements[0]["Condition"],
        json!({"StringEquals": {"sts:ExternalId": {"Ref": "ExternalID"}}})
    );
    assert_eq!(
        statements[0]["Principal"]["AWS"]["Fn::If"],
        json!([
            "IsPartitionAws",
            {"Fn::Sub": "arn:${AWS::Partition}:iam::291883359082:user/AuthomizeGlobalUser"},
            {"Ref": "AuthomizePrincipalArn"},
        ])
    );
    let policies: Vec<&str> = strings(&role["ManagedPolicyArns"])
        .into_iter()
        .filter_map(|text| text.rsplit_once('/').map(|(_, name)| name))
        .collect();
    assert_eq!(
        policies,
        ["SecurityAudit", "AWSSSOReadOnly", "AWSSSODirectoryReadOnly"]
    );
}

#[test]
fn gives_the_function_no_right_too_many() {
    let template = template();
    let policies = &template["Resources"]["RegistrarRole"]["Properties"]["Policies"];
    let mut rights = BTreeMap::new();
    for statement in policies[0]["PolicyDocument"]["Statement"]
        .as_array()
        .expect("statements")
    {
        let statement = statement["Fn::If"].get(1).unwrap_or(statement);
        let sid = statement["Sid"]
            .as_str()
            .expect("every statement has a name");
        assert!(!strings(&statement["Resource"]).contains(&"*"), "{sid}");
        rights.insert(sid, strings(&statement["Action"]));
    }
    assert_eq!(
        rights,
        BTreeMap::from([
            (
                "WriteLog",
                vec!["logs:CreateLogStream", "logs:PutLogEvents"]
            ),
            ("ReadToken", vec!["secretsmanager:GetSecretValue"]),
            ("DecryptToken", vec!["kms:Decrypt"]),
            (
                "SeeThisStack",
                vec![
                    "cloudformation:DescribeStacks",
                    "cloudformation:DescribeStackResource"
                ]
            ),
        ])
    );
}

#[test]
fn opens_no_local_mode_and_declares_what_local_use_needs() {
    let template = template();
    assert!(!template.to_string().contains("AWS_SAM_LOCAL"));
    let variables = &function(&template)["Environment"]["Variables"];
    assert_eq!(variables["AWS_ENDPOINT_URL"], "");
    assert_eq!(variables["LOCAL_CA_FILE"], "");
    assert_eq!(variables["STACK_ID"], json!({"Ref": "AWS::StackId"}));
}

#[test]
fn works_in_every_partition() {
    let template = template();
    let resources = &template["Resources"];
    for text in strings(resources) {
        assert!(!text.starts_with("arn:aws"), "{text}");
    }
}

/// What a release wrote into the template cannot be overridden by a parameter.
#[test]
fn takes_version_and_code_from_literals() {
    let template = template();
    let version = &template["Mappings"]["Release"]["Artifact"]["Version"];
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    let code = &function(&template)["Code"];
    let reached = reaches(&template, code);
    let parameters: Vec<&String> = members(&template, "Parameters")
        .keys()
        .filter(|name| reached.contains(*name))
        .collect();
    assert_eq!(parameters, ["Architecture"]);
    for bucket in members(&template["Mappings"], "Artifacts").values() {
        assert!(bucket["Bucket"].is_string());
    }
}
