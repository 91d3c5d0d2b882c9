//! What the roles may do, and where: read from the template to the letter.

use serde_json::{Value, json};

use crate::document::{members, strings, template};

/// Every statement of a role's policies.
pub(crate) fn statements<'a>(template: &'a Value, role: &str) -> impl Iterator<Item = &'a Value> {
    let role = &template["Resources"][role]["Properties"];
    let policies = role["Policies"].as_array().expect("there are policies");
    policies
        .iter()
        .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array())
        .flatten()
        .map(|statement| statement["Fn::If"].get(1).unwrap_or(statement))
}

#[test]
fn gives_the_function_rights_on_its_own_things_only() {
    let template = template();
    let scopes: Vec<_> = statements(&template, "RegistrarRole")
        .map(|statement| {
            (
                statement["Sid"].as_str().expect("every statement is named"),
                statement["Resource"].clone(),
                statement["Condition"].clone(),
            )
        })
        .collect();
    let no_condition = Value::Null;
    assert_eq!(
        scopes,
        [
            (
                "WriteLog",
                log_group("RegistrarLogGroup"),
                no_condition.clone()
            ),
            (
                "ReadToken",
                json!({"Fn::If": [
                    "HasOwnSecret",
                    {"Fn::GetAtt": ["ApiTokenSecret", "Id"]},
                    {"Ref": "AuthomizeApiTokenSecretArn"},
                ]}),
                no_condition.clone()
            ),
            ("DecryptToken", token_key(), token_context()),
            (
                "SeeThisStack",
                json!({"Ref": "AWS::StackId"}),
                no_condition.clone()
            ),
            (
                "KeepUnfinished",
                json!({"Fn::GetAtt": ["UnfinishedRequests", "Arn"]}),
                no_condition.clone()
            ),
            ("JoinVpc", json!("*"), no_condition),
            ("LeaveVpcToLambda", json!("*"), only_as("registrar")),
        ]
    );
}

/// What Lambda does with the role of a function in a VPC.
pub(crate) const IN_A_VPC: [&str; 6] = [
    "ec2:CreateNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:DeleteNetworkInterface",
    "ec2:AssignPrivateIpAddresses",
    "ec2:UnassignPrivateIpAddresses",
];

/// The stack's own log group, or the one that is there already.
pub(crate) fn log_group(own: &str) -> Value {
    json!({"Fn::If": [
        "HasLogGroup",
        {"Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${LogGroupName}:*"},
        {"Fn::GetAtt": [own, "Arn"]},
    ]})
}

/// The key of the secret that is there already, or of the one that the stack makes.
pub(crate) fn token_key() -> Value {
    let none = json!({"Ref": "AWS::NoValue"});
    json!([
        {"Fn::If": ["HasGivenTokenKey", {"Ref": "AuthomizeApiTokenKmsKeyArn"}, none]},
        {"Fn::If": ["HasKmsKey", {"Ref": "KmsKeyArn"}, none]},
    ])
}

pub(crate) fn token_context() -> Value {
    json!({"StringEquals": {"kms:EncryptionContext:SecretARN": {"Fn::If": [
        "HasOwnSecret",
        {"Fn::GetAtt": ["ApiTokenSecret", "Id"]},
        {"Ref": "AuthomizeApiTokenSecretArn"},
    ]}}})
}

/// The statement is for requests that the code of this function makes.
pub(crate) fn only_as(name: &str) -> Value {
    let arn = format!(
        "arn:${{AWS::Partition}}:lambda:${{AWS::Region}}:${{AWS::AccountId}}:function:${{AWS::StackName}}-{name}"
    );
    json!({"ArnEquals": {"lambda:SourceFunctionArn": {"Fn::Sub": arn}}})
}

/// With the rights of Lambda, which makes the network interfaces in the role's name, the
/// function's own code could reach into the VPC.
#[test]
fn denies_its_own_code_what_lambda_needs_in_a_vpc() {
    let template = template();
    for role in ["RegistrarRole", "AdminRole"] {
        let denied: Vec<&Value> = statements(&template, role)
            .filter(|statement| statement["Effect"] != "Allow")
            .collect();
        assert_eq!(denied.len(), 1, "{role}");
        assert_eq!(denied[0]["Sid"], "LeaveVpcToLambda");
        assert_eq!(denied[0]["Effect"], "Deny");
        assert_eq!(denied[0]["Action"], "ec2:*");
    }
}

/// A key is needed only where there is one, the queue only in a hub, network interfaces
/// only in a VPC.
#[test]
fn gives_no_key_queue_or_network_without_its_parameter() {
    let template = template();
    let role = &template["Resources"]["RegistrarRole"]["Properties"];
    let conditional: Vec<&Value> = role["Policies"][0]["PolicyDocument"]["Statement"]
        .as_array()
        .expect("there are statements")
        .iter()
        .filter(|statement| statement.get("Fn::If").is_some())
        .collect();
    let expected = [
        ("HasTokenKey", "DecryptToken"),
        ("IsHub", "KeepUnfinished"),
        ("HasVpc", "JoinVpc"),
        ("HasVpc", "LeaveVpcToLambda"),
    ];
    assert_eq!(conditional.len(), expected.len());
    for (statement, (condition, sid)) in conditional.into_iter().zip(expected) {
        assert_eq!(statement["Fn::If"][0], condition);
        assert_eq!(statement["Fn::If"][1]["Sid"], sid);
        assert_eq!(statement["Fn::If"][2], json!({"Ref": "AWS::NoValue"}));
    }
}

#[test]
fn names_every_action_and_resource_without_a_wildcard_but_for_a_vpc() {
    let template = template();
    for statement in statements(&template, "RegistrarRole") {
        let known = ["Sid", "Effect", "Action", "Resource", "Condition"];
        for (member, value) in statement.as_object().expect("a statement has members") {
            assert!(known.contains(&member.as_str()), "{member}");
            let sid = statement["Sid"].as_str().unwrap_or_default();
            let wild = |text: &&str| text.contains('*') && !text.ends_with("${LogGroupName}:*");
            assert!(
                sid.contains("Vpc") || !strings(value).iter().any(wild),
                "{sid}"
            );
        }
    }
}

/// A late line would make the log group anew after the stack is gone.
#[test]
fn lets_nobody_make_a_log_group() {
    assert!(!template().to_string().contains("logs:CreateLogGroup"));
}

/// Whoever may create the stack may have CloudFormation invoke its function, so
/// nobody else gets that right, but for the organization of a hub; the admin function
/// has its schedule; and no right stands anywhere else.
#[test]
fn gives_rights_to_its_roles_the_organization_of_a_hub_and_the_schedule_alone() {
    let template = template();
    let resources = members(&template, "Resources").iter();
    let given: Vec<(&str, &str)> = resources
        .filter_map(|(name, resource)| {
            let kind = resource["Type"].as_str().expect("a resource has a type");
            let gives = kind.starts_with("AWS::IAM::")
                || ["Permission", "Policy", "Url"]
                    .iter()
                    .any(|end| kind.ends_with(end));
            gives.then_some((name.as_str(), kind))
        })
        .collect();
    assert_eq!(
        given,
        [
            ("AdminRole", "AWS::IAM::Role"),
            ("DailyAdminPermission", "AWS::Lambda::Permission"),
            ("OrganizationPermission", "AWS::Lambda::Permission"),
            ("RegistrarRole", "AWS::IAM::Role"),
            ("TrustRole", "AWS::IAM::Role"),
        ]
    );
    let permission = &template["Resources"]["OrganizationPermission"];
    assert_eq!(permission["Condition"], "IsHub");
    assert_eq!(
        permission["Properties"],
        json!({
            "FunctionName": {"Ref": "RegistrarFunction"},
            "Action": "lambda:InvokeFunction",
            "Principal": "*",
            "PrincipalOrgID": {"Ref": "OrganizationId"},
        })
    );
}

#[test]
fn bounds_all_roles_by_the_same_policy() {
    let template = template();
    let boundary = json!({"Fn::If": [
        "HasPermissionsBoundary",
        {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:policy/${PermissionsBoundaryName}"},
        {"Ref": "AWS::NoValue"},
    ]});
    for role in ["AdminRole", "RegistrarRole", "TrustRole"] {
        let properties = &template["Resources"][role]["Properties"];
        assert_eq!(properties["PermissionsBoundary"], boundary, "{role}");
    }
}
