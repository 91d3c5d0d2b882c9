//! Single, hub and member: one template, by parameters alone.

use std::collections::BTreeMap;

use authomize_trust_role::hub;
use authomize_trust_role::properties::PROPERTY_NAMES;
use serde_json::{Value, json};

use crate::document::{function, members, reaches, template};
use crate::parameters::holds;

const MEMBER: [(&str, &str); 1] = [(
    "RegistrarFunctionArn",
    "arn:aws:lambda:us-east-1:123456789012:function:hub-registrar",
)];

/// The resources of a stack with these parameters.
pub(crate) fn resources(template: &Value, given: &[(&str, &str)]) -> Vec<String> {
    let given: BTreeMap<&str, &str> = given.iter().copied().collect();
    let resources = members(template, "Resources").iter();
    let made = resources.filter(|(_, resource)| match resource["Condition"].as_str() {
        Some(condition) => holds(&written_out(template, condition), &given),
        None => true,
    });
    made.map(|(name, _)| name.clone()).collect()
}

/// A condition without references to other conditions.
fn written_out(template: &Value, condition: &str) -> Value {
    fn of(template: &Value, value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(|item| of(template, item)).collect(),
            Value::Object(object) => match object.get("Condition") {
                Some(name) => written_out(template, name.as_str().expect("a condition has a name")),
                None => object
                    .iter()
                    .map(|(name, value)| (name.clone(), of(template, value)))
                    .collect(),
            },
            other => other.clone(),
        }
    }
    of(template, &template["Conditions"][condition])
}

const SINGLE: [&str; 7] = [
    "ApiTokenSecret",
    "AuthomizeIntegration",
    "RegistrarFunction",
    "RegistrarInvocations",
    "RegistrarLogGroup",
    "RegistrarRole",
    "TrustRole",
];

const ORGANIZATION: (&str, &str) = ("OrganizationId", "o-a1b2c3d4e5");

const ADMIN: [&str; 3] = ["AdminFunction", "AdminLogGroup", "AdminRole"];

const SCHEDULE: [&str; 2] = ["DailyAdmin", "DailyAdminPermission"];

const ALARMS: [&str; 4] = [
    "DroppedEventsAlarm",
    "FailedMembersAlarm",
    "FailedRunsAlarm",
    "ThrottlesAlarm",
];

#[test]
fn makes_a_single_stack_by_default() {
    assert_eq!(resources(&template(), &[]), SINGLE);
}

#[test]
fn makes_a_hub_of_a_single_stack_with_an_organization() {
    let of_a_hub = ["OrganizationPermission", "UnfinishedRequests"];
    let given = [ORGANIZATION];
    let expected = with(&[&of_a_hub, &ADMIN, &SCHEDULE]);
    assert_eq!(resources(&template(), &given), expected);
    let on_demand = [ORGANIZATION, ("AdminMode", "HubOnDemand")];
    let expected = with(&[&of_a_hub, &ADMIN]);
    assert_eq!(resources(&template(), &on_demand), expected);
    let alarmed = [ORGANIZATION, ("AlarmTopicArn", "arn")];
    let expected = with(&[&of_a_hub, &ADMIN, &SCHEDULE, &ALARMS]);
    assert_eq!(resources(&template(), &alarmed), expected);
}

/// A single stack has its token checked every day only if it is told to.
#[test]
fn gives_a_single_stack_an_admin_function_by_parameter() {
    let daily = [("AdminMode", "Daily")];
    assert_eq!(resources(&template(), &daily), with(&[&ADMIN, &SCHEDULE]));
    let on_demand = [("AdminMode", "HubOnDemand")];
    assert_eq!(resources(&template(), &on_demand), SINGLE);
}

/// A single stack's resources and these, in order.
fn with(more: &[&[&'static str]]) -> Vec<&'static str> {
    let mut all = Vec::from(SINGLE);
    more.iter().for_each(|more| all.extend(*more));
    all.sort_unstable();
    all
}

/// No code, no token, no log: nothing to patch and nothing to steal in any member.
#[test]
fn gives_a_member_the_role_and_the_registration_and_nothing_else() {
    let template = template();
    let made = resources(&template, &MEMBER);
    assert_eq!(made, ["AuthomizeIntegrationAtHub", "TrustRole"]);
    for resource in made {
        let reached = reaches(&template, &template["Resources"][&resource]);
        for secret in [
            "AuthomizeApiToken",
            "AuthomizeApiTokenSecretArn",
            "ApiTokenSecret",
        ] {
            assert!(!reached.contains(secret), "{resource} reaches {secret}");
        }
    }
}

/// A role that is there already is registered and not made, by a single stack and by a
/// member, and no output names another one.
#[test]
fn makes_no_role_where_there_is_one() {
    let template = template();
    let existing = ("ExistingRoleArn", "arn:aws:iam::123456789012:role/Trust");
    let mut expected = Vec::from(SINGLE);
    expected.retain(|name| *name != "TrustRole");
    assert_eq!(resources(&template, &[existing]), expected);
    let member = resources(&template, &[MEMBER[0], existing]);
    assert_eq!(member, ["AuthomizeIntegrationAtHub"]);
    let role = json!({"Fn::If": [
        "MakesRole",
        {"Fn::GetAtt": ["TrustRole", "Arn"]},
        {"Ref": "ExistingRoleArn"},
    ]});
    for resource in ["AuthomizeIntegration", "AuthomizeIntegrationAtHub"] {
        let properties = &template["Resources"][resource]["Properties"];
        assert_eq!(properties["RoleArn"], role, "{resource}");
    }
    assert_eq!(template["Outputs"]["TrustRoleArn"]["Value"], role);
}

/// The template is taken as a text, without a bucket, and what a member makes of it is
/// little.
#[test]
fn fits_where_a_stack_set_takes_it() {
    let text = include_str!("../../template.yaml");
    assert!(text.len() <= 51_200, "{} bytes", text.len());
    let template = template();
    let of_a_member: usize = resources(&template, &MEMBER)
        .iter()
        .map(|name| template["Resources"][name].to_string().len())
        .sum();
    assert!(of_a_member <= 2_000, "{of_a_member} bytes");
}

/// A member's resource has what the function knows but for what becomes of a deletion
/// that Authomize refuses, for it was answered before, and the record to take over, for a
/// hub believes no event so far.
#[test]
fn gives_a_members_resource_the_properties_that_the_hub_knows() {
    let template = template();
    let resource = &template["Resources"]["AuthomizeIntegrationAtHub"];
    let given: Vec<&str> = members(resource, "Properties")
        .keys()
        .map(String::as_str)
        .collect();
    let mut known = PROPERTY_NAMES.to_vec();
    let not_a_members = ["OnDeregistrationFailure", "AdoptIntegrationId"];
    known.retain(|name| !not_a_members.contains(name));
    known.sort_unstable();
    assert_eq!(given, known);
    let own = &template["Resources"]["AuthomizeIntegration"]["Properties"];
    for (name, value) in members(resource, "Properties") {
        let differs = value != &own[name];
        assert_eq!(differs, name == "ServiceToken", "{name}");
    }
}

/// What the hub registers for members is what a member's stack says of itself.
#[test]
fn tells_a_hub_what_its_members_have() {
    let template = template();
    let variables = &function(&template)["Environment"]["Variables"];
    let parameter = |name: &str| json!({"Ref": name});
    assert_eq!(
        variables[hub::ENV_ORGANIZATION_ID],
        parameter("OrganizationId")
    );
    let management = &variables[hub::ENV_MANAGEMENT_ACCOUNT_ID];
    assert_eq!(management, &parameter("ManagementAccountId"));
    for (variable, value) in [
        (hub::ENV_API_URL, parameter("AuthomizeApiUrl")),
        (hub::ENV_EXTERNAL_ID, parameter("ExternalID")),
        (hub::ENV_REGIONS, parameter("Regions")),
        (hub::ENV_OWNER_EMAIL, parameter("OwnerEmail")),
        (
            hub::ENV_TRUST_ROLE,
            json!({"Fn::Sub": "${RolePath}${TrustRoleName}"}),
        ),
    ] {
        assert_eq!(
            variables[variable],
            json!({"Fn::If": ["IsHub", value, ""]}),
            "{variable}"
        );
    }
}

#[test]
fn keeps_what_a_hub_could_not_finish() {
    let template = template();
    let destination = &template["Resources"]["RegistrarInvocations"]["Properties"];
    assert_eq!(
        destination["DestinationConfig"],
        json!({"Fn::If": [
            "IsHub",
            {"OnFailure": {"Destination": {"Fn::GetAtt": ["UnfinishedRequests", "Arn"]}}},
            {"Ref": "AWS::NoValue"},
        ]})
    );
    let queue = &template["Resources"]["UnfinishedRequests"]["Properties"];
    assert_eq!(queue["SqsManagedSseEnabled"], true);
    assert_eq!(queue["MessageRetentionPeriod"], 14 * 24 * 60 * 60);
}

/// The stack makes no log group, so that it takes none away with it either.
#[test]
fn makes_no_log_group_where_there_is_one() {
    let given = [ORGANIZATION, ("LogGroupName", "/company/authomize")];
    let made = resources(&template(), &given);
    assert!(
        !made.iter().any(|name| name.ends_with("LogGroup")),
        "{made:?}"
    );
    assert!(made.iter().any(|name| name == "AdminFunction"));
}
