//! Every parameter is explained, and bad values and combinations are refused.

use std::collections::BTreeMap;

use authomize_trust_role::api_url::ApiUrl;
use regex::Regex;
use serde_json::{Value, json};

use crate::document::{members, strings, template};

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

/// A Delete whose properties name no address asks at the parameter's default.
#[test]
fn defaults_to_the_address_that_the_function_knows() {
    let template = template();
    let default = &template["Parameters"]["AuthomizeApiUrl"]["Default"];
    assert_eq!(default, ApiUrl::default().origin());
}

const HUB: (&str, &str) = (
    "RegistrarFunctionArn",
    "arn:aws:lambda:us-east-1:123456789012:function:hub-registrar",
);

/// What a person may type wrong is refused before anything is made.
#[test]
fn refuses_bad_values_by_pattern() {
    let template = template();
    let name_of_300 = "n".repeat(300);
    let table = [
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
            vec![
                "a/b",
                "arn:aws:secretsmanager:eu-west-1:1234:secret:a-AbCdEf",
                "arn:aws:secretsmanager:eu-west-1:123456789012:secret:a/b",
            ],
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
        ("LogRetentionDays", vec!["30", "3653"], vec!["0", "31", ""]),
        ("Refresh", vec!["", "2026-11-24, again"], vec!["a\nb"]),
        (
            "PermissionsBoundaryName",
            vec!["", "boundary", "vendors/boundary"],
            vec!["/boundary", "arn:aws:iam::123456789012:policy/boundary"],
        ),
        (
            "AuthomizePrincipalArn",
            vec!["", "arn:aws-cn:iam::123456789012:user/Reader"],
            vec!["*", "123456789012", "arn:aws:iam::123456789012:root"],
        ),
        (
            "RegistrarFunctionArn",
            vec![
                "",
                HUB.1,
                "arn:aws-cn:lambda:cn-north-1:123456789012:function:a_b-1",
            ],
            vec![
                "hub-registrar",
                "arn:aws:lambda:us-east-1:123456789012:function:hub-registrar:live",
                "arn:aws:lambda:us-east-1:123456789012:function:hub-registrar:1",
                "arn:aws:lambda:us-east-1:1234:function:hub-registrar",
                "arn:aws:sns:us-east-1:123456789012:topic",
            ],
        ),
        (
            "OrganizationId",
            vec!["", "o-a1b2c3d4e5"],
            vec![
                "o-a1b2",
                "a1b2c3d4e5",
                "o-A1B2C3D4E5",
                "ou-a1b2-c3d4e5f6",
                "*",
            ],
        ),
        (
            "ManagementAccountId",
            vec!["", "123456789012"],
            vec![
                "12345678901",
                "1234567890123",
                "12345678901a",
                "١٢٣٤٥٦٧٨٩٠١٢",
            ],
        ),
        (
            "StackSetName",
            vec!["", "Authomize", "a-1"],
            vec!["1a", "-a", "a b", "a_b", "Authomize:1f2e3d4c"],
        ),
        (
            "StackSetCallAs",
            vec!["SELF", "DELEGATED_ADMIN"],
            vec!["", "self", "ADMIN"],
        ),
        (
            "AlarmTopicArn",
            vec!["", "arn:aws-cn:sns:cn-north-1:123456789012:alarms"],
            vec!["alarms", "arn:aws:sqs:us-east-1:123456789012:alarms"],
        ),
        (
            "AdminMode",
            vec!["HubDaily", "HubOnDemand", "Daily"],
            vec!["", "true", "daily"],
        ),
        (
            "ReservedConcurrency",
            vec!["", "1", "1000"],
            vec!["0", "-1", "01", "10000", "1.5"],
        ),
        (
            "VpcSubnetIds",
            vec![
                "",
                "subnet-0a1b2c3d",
                "subnet-0a1b2c3d4e5f6a7b8,subnet-1a2b3c4d",
            ],
            vec![
                "vpc-0a1b2c3d",
                "subnet-0a1b2c3d, subnet-1a2b3c4d",
                "subnet-0a1b2c3d,",
            ],
        ),
        (
            "VpcSecurityGroupIds",
            vec!["", "sg-0a1b2c3d", "sg-0a1b2c3d4e5f6a7b8,sg-1a2b3c4d"],
            vec!["default", "sg-0a1b2c3d sg-1a2b3c4d", "sg-XYZ"],
        ),
        (
            "HttpsProxy",
            vec!["", "http://proxy.example.com:3128", "http://10.0.0.1:8080"],
            vec![
                "proxy.example.com:3128",
                "http://proxy.example.com",
                "http://proxy.example.com:3128/",
                "http://user:password@proxy.example.com:3128",
                "https://proxy.example.com:3128",
            ],
        ),
        (
            "NoProxy",
            vec!["", "amazonaws.com", ".amazonaws.com,10.0.0.1"],
            vec!["*", "amazonaws.com, example.com", "amazonaws.com,"],
        ),
        (
            "KmsKeyArn",
            vec!["", "arn:aws-cn:kms:cn-north-1:123456789012:key/0a-1b"],
            vec![
                "0a-1b",
                "alias/key",
                "arn:aws:kms:eu-west-1:123456789012:alias/a",
            ],
        ),
        (
            "LogGroupName",
            vec!["", "/company/authomize", "a.b-c_d#e"],
            vec!["a b", "arn:aws:logs:us-east-1:123456789012:log-group:a"],
        ),
        (
            "ArtifactBucket",
            vec!["", "company-artifacts"],
            vec![
                "a",
                "Company",
                "a.b.c",
                "-ab",
                "s3://company",
                "company/folder",
            ],
        ),
        (
            "CodeSigningConfigArn",
            vec![
                "",
                "arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0a1b2c3d4e5f6a7b8",
            ],
            vec!["csc-0a1b2c3d4e5f6a7b8", HUB.1],
        ),
        (
            "AdoptIntegrationId",
            vec!["", "app_000000000001-Z"],
            vec!["a/b", "..", "a b", "a?b", &name_of_300],
        ),
        (
            "ExistingRoleArn",
            vec!["", "arn:aws-cn:iam::123456789012:role/vendors/Trust"],
            vec![
                "Trust",
                "arn:aws:iam::1234:role/r",
                "arn:aws:iam::123456789012:user/u",
            ],
        ),
    ];
    assert_eq!(table.len(), members(&template, "Parameters").len());
    for (parameter, good, bad) in table {
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
        let number = value.parse::<u64>().ok();
        let same = |allowed: &Value| allowed == value || number.is_some_and(|n| allowed == n);
        return values.iter().any(same);
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

/// What single patterns cannot see is refused by a rule, before anything is
/// made.
#[test]
fn refuses_bad_combinations_by_rule() {
    const TOKEN: (&str, &str) = ("AuthomizeApiToken", "token");
    const SECRET: (&str, &str) = ("AuthomizeApiTokenSecretArn", "arn");
    const KEY: (&str, &str) = ("AuthomizeApiTokenKmsKeyArn", "arn");
    const PRINCIPAL: (&str, &str) = ("AuthomizePrincipalArn", "arn");
    const NAME: (&str, &str) = ("IntegrationName", "Production");
    const ORGANIZATION: (&str, &str) = ("OrganizationId", "o-a1b2c3d4e5");
    const MANAGEMENT: (&str, &str) = ("ManagementAccountId", "123456789012");
    const RESERVED: (&str, &str) = ("ReservedConcurrency", "10");
    const STACK_SET: (&str, &str) = ("StackSetName", "Members");
    const DELEGATED: (&str, &str) = ("StackSetCallAs", "DELEGATED_ADMIN");
    const ALARMS: (&str, &str) = ("AlarmTopicArn", "arn");
    const DAILY: (&str, &str) = ("AdminMode", "Daily");
    const CHINA: (&str, &str) = ("AWS::Region", "cn-north-1");
    const SUBNETS: (&str, &str) = ("VpcSubnetIds", "subnet-0a1b2c3d");
    const GROUPS: (&str, &str) = ("VpcSecurityGroupIds", "sg-0a1b2c3d");
    const PROXY: (&str, &str) = ("HttpsProxy", "http://proxy.example.com:3128");
    const NO_PROXY: (&str, &str) = ("NoProxy", "amazonaws.com");
    const KMS_KEY: (&str, &str) = ("KmsKeyArn", "arn");
    const LOG_GROUP: (&str, &str) = ("LogGroupName", "/company/authomize");
    const MIRROR: (&str, &str) = ("ArtifactBucket", "company-artifacts");
    const SIGNING: (&str, &str) = ("CodeSigningConfigArn", "arn");
    const ADOPTED: (&str, &str) = ("AdoptIntegrationId", "app_1");
    const ROLE: (&str, &str) = ("ExistingRoleArn", "arn");
    const ROLE_NAME: (&str, &str) = ("TrustRoleName", "Trust");
    let template = template();
    let defaults = defaults(&template);
    for (given, broken) in [
        (vec![TOKEN], None),
        (vec![SECRET], None),
        (vec![SECRET, KEY], None),
        (vec![TOKEN, CHINA, PRINCIPAL], None),
        (vec![], Some("ExactlyOneToken")),
        (vec![TOKEN, SECRET], Some("ExactlyOneToken")),
        (vec![TOKEN, KEY], Some("KeyOfAnExistingSecret")),
        (vec![TOKEN, CHINA], Some("PrincipalOfThePartition")),
        (vec![HUB], None),
        (vec![HUB, ("OwnerEmail", "o@example.com")], None),
        (vec![HUB, TOKEN], Some("MemberHoldsNoToken")),
        (vec![HUB, SECRET], Some("MemberHoldsNoToken")),
        (vec![HUB, NAME], Some("MemberRegistersItsAccountAlone")),
        (
            vec![HUB, ("AdditionalAccountIds", "123456789012")],
            Some("MemberRegistersItsAccountAlone"),
        ),
        (vec![HUB, ORGANIZATION], Some("HubOrMember")),
        (vec![TOKEN, ORGANIZATION], None),
        (vec![TOKEN, ORGANIZATION, NAME, MANAGEMENT, RESERVED], None),
        (vec![TOKEN, MANAGEMENT], Some("ManagementAccountOfAHub")),
        (vec![HUB, MANAGEMENT], Some("ManagementAccountOfAHub")),
        (vec![TOKEN, RESERVED], Some("ReservedConcurrencyOfAHub")),
        (
            vec![TOKEN, ORGANIZATION, STACK_SET, DELEGATED, ALARMS],
            None,
        ),
        (vec![TOKEN, STACK_SET], Some("StackSetOfAHub")),
        (
            vec![TOKEN, ORGANIZATION, DELEGATED],
            Some("CallAsOfAStackSet"),
        ),
        (vec![TOKEN, ALARMS], Some("AlarmsOfAHub")),
        (vec![TOKEN, DAILY], None),
        (vec![TOKEN, ORGANIZATION, DAILY], None),
        (vec![HUB, DAILY], Some("NoAdminFunctionInAMember")),
        (
            vec![
                TOKEN, SUBNETS, GROUPS, PROXY, NO_PROXY, KMS_KEY, LOG_GROUP, MIRROR, SIGNING,
            ],
            None,
        ),
        (vec![SECRET, KEY, KMS_KEY], None),
        (vec![TOKEN, SUBNETS], Some("SubnetsWithSecurityGroups")),
        (vec![TOKEN, GROUPS], Some("SubnetsWithSecurityGroups")),
        (vec![TOKEN, NO_PROXY], Some("NoProxyBesideAProxy")),
        (
            vec![TOKEN, LOG_GROUP, ("LogRetentionDays", "90")],
            Some("RetentionOfTheStacksOwnLog"),
        ),
        (vec![TOKEN, ("LogRetentionDays", "90")], None),
        (vec![TOKEN, SIGNING], Some("SignedCodeInAMirror")),
        (vec![HUB, SUBNETS, GROUPS], Some("MemberHasNoFunction")),
        (vec![HUB, PROXY, NO_PROXY], Some("MemberHasNoFunction")),
        (vec![HUB, KMS_KEY], Some("MemberHasNoFunction")),
        (vec![HUB, LOG_GROUP], Some("MemberHasNoFunction")),
        (vec![HUB, MIRROR], Some("MemberHasNoFunction")),
        (vec![HUB, MIRROR, SIGNING], Some("MemberHasNoFunction")),
        (vec![TOKEN, ADOPTED, ROLE], None),
        (vec![HUB, ADOPTED], Some("AdoptedByASingleStack")),
        (
            vec![TOKEN, ORGANIZATION, ADOPTED],
            Some("AdoptedByASingleStack"),
        ),
        (vec![HUB, ROLE], None),
        (vec![TOKEN, ROLE, ROLE_NAME], Some("ExistingRoleHasItsName")),
        (vec![TOKEN, ORGANIZATION, ROLE, ROLE_NAME], None),
    ] {
        let by_default = defaults.iter().map(|(name, value)| (*name, value.as_str()));
        let given: BTreeMap<&str, &str> = by_default.chain(given).collect();
        let breaks = |rule: &Value| {
            let applies = rule.get("RuleCondition").is_none_or(|c| holds(c, &given));
            let assertions = rule["Assertions"].as_array().expect("there are assertions");
            applies && !assertions.iter().all(|a| holds(&a["Assert"], &given))
        };
        let found = members(&template, "Rules")
            .iter()
            .filter(|(_, rule)| breaks(rule))
            .map(|(name, _)| name.as_str());
        assert_eq!(
            found.collect::<Vec<_>>(),
            Vec::from_iter(broken),
            "{given:?}"
        );
    }
}

/// What each parameter is that is not given, as text.
pub(crate) fn defaults(template: &Value) -> Vec<(&str, String)> {
    let mut defaults = Vec::new();
    for (name, parameter) in members(template, "Parameters") {
        match &parameter["Default"] {
            Value::Null => {}
            Value::String(text) => defaults.push((name.as_str(), text.clone())),
            other => defaults.push((name.as_str(), other.to_string())),
        }
    }
    defaults
}

/// Whether a rule's expression is true; what is not given is empty.
pub(crate) fn holds(expression: &Value, given: &BTreeMap<&str, &str>) -> bool {
    let (function, of) = expression
        .as_object()
        .and_then(|object| object.iter().next())
        .expect("an expression is a function");
    let value = |value: &Value| match value["Ref"].as_str() {
        Some(name) => json!(given.get(name).copied().unwrap_or_default()),
        None => value.clone(),
    };
    let each = || of.as_array().expect("a function has operands").iter();
    match function.as_str() {
        "Fn::Not" => !holds(&of[0], given),
        "Fn::And" => each().all(|operand| holds(operand, given)),
        "Fn::Or" => each().any(|operand| holds(operand, given)),
        "Fn::Equals" => value(&of[0]) == value(&of[1]),
        "Fn::Contains" => of[0].as_array().is_some_and(|l| l.contains(&value(&of[1]))),
        other => panic!("rules know no {other}"),
    }
}
