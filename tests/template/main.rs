//! The template keeps its promises: read as CloudFormation reads it, and judged.

mod admin;
mod company;
mod document;
mod parameters;
mod permissions;
mod topologies;
mod upgrade;

use std::collections::{BTreeMap, BTreeSet};

use authomize_trust_role::lifecycle::SERVICE_TIMEOUT;
use authomize_trust_role::properties::PROPERTY_NAMES;
use document::{function, members, reaches, registration, strings, template};
use permissions::IN_A_VPC;
use serde_json::json;

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
    let by_the_hub = &template["Resources"]["AuthomizeIntegrationAtHub"];
    assert_eq!(
        by_the_hub["Properties"]["ServiceToken"],
        json!({"Ref": "RegistrarFunctionArn"})
    );
    for (resource, condition) in [
        ("RegistrarFunction", "HasFunction"),
        ("AuthomizeIntegration", "HasFunction"),
        ("AuthomizeIntegrationAtHub", "IsMember"),
    ] {
        let resource = &template["Resources"][resource];
        assert_eq!(resource["Condition"], condition);
        let reached = reaches(&template, &json!({"Condition": condition}));
        assert_eq!(
            reached,
            BTreeSet::from([condition.to_owned(), "RegistrarFunctionArn".to_owned()])
        );
    }
}

/// A new name means a new resource, which only the trust role may become.
#[test]
fn lets_no_parameter_name_anything_but_the_trust_role() {
    let template = template();
    let parameters: BTreeSet<String> = members(&template, "Parameters").keys().cloned().collect();
    let mut named = BTreeMap::new();
    for (resource, definition) in members(&template, "Resources") {
        for property in ["FunctionName", "LogGroupName", "Name", "RoleName"] {
            let name = &definition["Properties"][property];
            let of_a_function = ["RegistrarFunction", "AdminFunction"]
                .map(|function| json!({"Ref": function}))
                .contains(name);
            if !name.is_null() && !of_a_function {
                let reached = reaches(&template, name);
                let reached: Vec<String> = reached.intersection(&parameters).cloned().collect();
                named.insert(resource.as_str(), reached);
            }
        }
    }
    assert_eq!(
        named,
        BTreeMap::from([
            ("AdminFunction", vec![]),
            ("AdminLogGroup", vec![]),
            ("RegistrarFunction", vec![]),
            ("RegistrarLogGroup", vec![]),
            ("TrustRole", vec!["TrustRoleName".to_owned()]),
        ])
    );
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
    assert_eq!(waits, SERVICE_TIMEOUT.as_secs());
    let invocations = &template["Resources"]["RegistrarInvocations"]["Properties"];
    assert_eq!(invocations["MaximumRetryAttempts"], 2);
    let age = invocations["MaximumEventAgeInSeconds"]
        .as_u64()
        .expect("there is an age");
    assert!(2 * timeout + 180 < age);
    assert!(age + timeout < waits);
}

/// Case E45: what the custom resource depends on is made before it and goes
/// after it: the role to validate, the function's rights, its log and its retries.
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
            "HasPublishedPrincipal",
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
        // EC2 knows no other resource for what a function in a VPC takes.
        let everywhere = strings(&statement["Resource"]).contains(&"*");
        assert_eq!(everywhere, sid.contains("Vpc"), "{sid}");
        if statement["Effect"] == "Allow" {
            rights.insert(sid, strings(&statement["Action"]));
        }
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
            ("JoinVpc", IN_A_VPC.to_vec()),
            (
                "SeeThisStack",
                vec![
                    "cloudformation:DescribeStacks",
                    "cloudformation:DescribeStackResource"
                ]
            ),
            ("KeepUnfinished", vec!["sqs:SendMessage"]),
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

/// Case E40: no name of a partition is written down.
#[test]
fn works_in_every_partition() {
    let template = template();
    let resources = &template["Resources"];
    for text in strings(resources) {
        let arns = text.matches("arn:").count();
        assert_eq!(
            arns,
            text.matches("arn:${AWS::Partition}:").count(),
            "{text}"
        );
    }
}

/// What a release wrote into the template cannot be overridden by a parameter, but for
/// the bucket: whatever is in a company's mirror is there under the release's key.
#[test]
fn takes_version_and_code_from_literals() {
    let template = template();
    let version = &template["Mappings"]["Release"]["Artifact"]["Version"];
    assert_eq!(version, env!("CARGO_PKG_VERSION"));
    for (architecture, name) in [("X8664", "x86_64"), ("Arm64", "arm64")] {
        let key = &template["Mappings"]["Release"][architecture]["Key"];
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!("authomize-trust-role/{version}/{name}/bootstrap.zip");
        assert_eq!(*key, expected);
    }
    assert_eq!(
        template["Outputs"]["TemplateVersion"]["Value"],
        registration(&template)["Properties"]["TemplateVersion"]
    );
    let code = &function(&template)["Code"];
    let reached = reaches(&template, code);
    let parameters: Vec<&String> = members(&template, "Parameters")
        .keys()
        .filter(|name| reached.contains(*name))
        .collect();
    assert_eq!(parameters, ["Architecture", "ArtifactBucket"]);
    let key = reaches(&template, &code["S3Key"]);
    assert!(!key.contains("ArtifactBucket"));
    for bucket in members(&template["Mappings"], "Artifacts").values() {
        assert!(bucket["Bucket"].is_string());
    }
}

/// CloudFormation takes 51,200 bytes in a request, and more only from S3. What a release
/// writes into the template comes on top.
#[test]
fn fits_into_one_request() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml");
    let size = std::fs::metadata(path).expect("there is a template").len();
    assert!(size < 50_000, "it has {size} bytes");
}
