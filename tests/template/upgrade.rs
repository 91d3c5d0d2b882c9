//! What an upgrade does to stacks of earlier templates, read from both: it replaces
//! nothing and takes nothing away. How it goes on the engine: `tests/stack/upgrade.rs`.

use std::collections::BTreeSet;

use authomize_trust_role::answer::Attributes;
use authomize_trust_role::properties::PROPERTY_NAMES;
use serde_json::{Value, json};

use crate::document::{attributes, earlier_templates, members, template};
use crate::parameters::defaults;
use crate::topologies::resources;

/// The properties of each type that CloudFormation creates only, so that another value
/// replaces the resource, and what would come of that. They are `createOnlyProperties`
/// of the type's schema
/// (<https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html>),
/// but for those that this template has no use for.
const CREATE_ONLY: [(&str, &[(&str, &str)]); 10] = [
    (
        "AWS::IAM::Role",
        &[
            (
                "RoleName",
                "Authomize knows the trust role by its ARN and could not assume the new one",
            ),
            (
                "Path",
                "the path is part of the ARN that Authomize assumes, and a new role of the same name is refused",
            ),
        ],
    ),
    (
        "AWS::Lambda::Function",
        &[
            (
                "FunctionName",
                "ServiceToken follows from it, and members name the hub's function by it",
            ),
            ("PackageType", "a new function of the same name is refused"),
        ],
    ),
    (
        "AWS::Lambda::EventInvokeConfig",
        &[
            (
                "FunctionName",
                "a function has one configuration, and a second one is refused",
            ),
            (
                "Qualifier",
                "retries would end for a while, and an answer could be lost",
            ),
        ],
    ),
    (
        "AWS::Lambda::Permission",
        &[
            ("FunctionName", "members would be denied for a while"),
            ("Action", "members would be denied for a while"),
            ("Principal", "members would be denied for a while"),
            ("PrincipalOrgID", "members would be denied for a while"),
            ("SourceArn", "the daily look would be denied for a while"),
        ],
    ),
    (
        "AWS::Logs::LogGroup",
        &[(
            "LogGroupName",
            "the log goes with the group that is replaced",
        )],
    ),
    (
        "AWS::SecretsManager::Secret",
        &[("Name", "its ARN is in policies of accounts that read it")],
    ),
    (
        "AWS::SQS::Queue",
        &[
            (
                "QueueName",
                "requests that could not be finished are lost with the queue",
            ),
            (
                "FifoQueue",
                "requests that could not be finished are lost with the queue",
            ),
        ],
    ),
    (
        "AWS::Events::Rule",
        &[
            (
                "Name",
                "the permission that names the rule would let nobody in",
            ),
            (
                "EventBusName",
                "the permission that names the rule would let nobody in",
            ),
        ],
    ),
    (
        "AWS::CloudWatch::Alarm",
        &[(
            "AlarmName",
            "what stands upon the alarm's name would watch nothing",
        )],
    ),
    (
        "Custom::AuthomizeIntegration",
        &[(
            "ServiceToken",
            "CloudFormation refuses the update: \"Modifying service token is not allowed\"",
        )],
    ),
];

/// Parameters that take other values than in an earlier template, and why no stack is left
/// with one that is refused now.
const JUDGED_OTHERWISE: [(&str, &str); 4] = [
    (
        "AuthomizeApiTokenSecretArn",
        "without the six characters of AWS the function may not read the secret",
    ),
    ("Regions", "no region has a name of more or longer parts"),
    ("RolePath", "IAM takes 512 characters"),
    (
        "PermissionsBoundaryName",
        "IAM has no policy of such a name and path",
    ),
];

/// What a stack may be, by its parameters.
const SITUATIONS: [(&str, &[(&str, &str)]); 6] = [
    ("a single stack", &[]),
    (
        "a single stack with a secret of one's own",
        &[("AuthomizeApiTokenSecretArn", "arn")],
    ),
    (
        "a single stack with a daily look",
        &[("AdminMode", "Daily")],
    ),
    ("a hub", &[("OrganizationId", "o-a1b2c3d4e5")]),
    (
        "a hub with alarms",
        &[("OrganizationId", "o-a1b2c3d4e5"), ("AlarmTopicArn", "arn")],
    ),
    ("a member", &[("RegistrarFunctionArn", "arn")]),
];

/// What an upgrade from one template to another would replace or take away, each with
/// what would come of it.
fn losses(earlier: &Value, later: &Value) -> Vec<String> {
    let mut losses = Vec::new();
    for (id, resource) in members(earlier, "Resources") {
        losses.extend(loss(id, resource, &later["Resources"][id]));
    }
    losses.extend(resources_that_go(earlier, later));
    losses.extend(parameters_that_change(earlier, later));
    for output in members(earlier, "Outputs").keys() {
        if later["Outputs"][output].is_null() {
            losses.push(format!(
                "the output {output} is gone: scripts and stacks that read it fail"
            ));
        }
    }
    losses
}

fn loss(id: &str, earlier: &Value, later: &Value) -> Vec<String> {
    let kind = earlier["Type"].as_str().expect("a resource has a type");
    if later.is_null() {
        let what = if kind.starts_with("Custom::") {
            "CloudFormation deletes it, and the function removes the record at Authomize with its data"
        } else {
            "CloudFormation deletes it, and what has its place is another one"
        };
        return vec![format!("the logical id {id} is gone: {what}")];
    }
    if later["Type"] != kind {
        return vec![format!(
            "{id} is a {} now: CloudFormation refuses the update: \"Update of resource type is not permitted\"",
            later["Type"]
        )];
    }
    let replacing = create_only(kind)
        .iter()
        .filter(|(property, _)| earlier["Properties"][*property] != later["Properties"][*property]);
    replacing
        .map(|(property, why)| format!("{id} has another {property}, which replaces it: {why}"))
        .collect()
}

fn create_only(kind: &str) -> &'static [(&'static str, &'static str)] {
    let known = CREATE_ONLY.iter().find(|(known, _)| *known == kind);
    known
        .unwrap_or_else(|| panic!("say in CREATE_ONLY what replaces an {kind}"))
        .1
}

/// Parameters that are not given have their defaults, in the later template too.
fn resources_that_go(earlier: &Value, later: &Value) -> Vec<String> {
    let made = |template: &Value, given: &[(&str, &str)]| -> BTreeSet<String> {
        let defaults = defaults(template);
        let by_default = defaults.iter().map(|(name, value)| (*name, value.as_str()));
        let given: Vec<(&str, &str)> = by_default
            .filter(|(name, _)| given.iter().all(|(given, _)| given != name))
            .chain(given.iter().copied())
            .collect();
        resources(template, &given).into_iter().collect()
    };
    let mut losses = Vec::new();
    for (situation, given) in SITUATIONS {
        let has = |(name, _): &(&str, &str)| earlier["Parameters"].get(name).is_some();
        if !given.iter().all(has) {
            continue;
        }
        for id in made(earlier, given).difference(&made(later, given)) {
            losses.push(format!(
                "{situation} has no {id} any more: with the same parameters CloudFormation deletes it"
            ));
        }
    }
    losses
}

fn parameters_that_change(earlier: &Value, later: &Value) -> Vec<String> {
    let mut losses = Vec::new();
    for (name, was) in members(earlier, "Parameters") {
        let is = &later["Parameters"][name];
        if is.is_null() {
            losses.push(format!(
                "the parameter {name} is gone: an update with its previous value is refused"
            ));
            continue;
        }
        for (member, why) in [
            ("Type", "its previous value may not be one of that type"),
            (
                "NoEcho",
                "its value would be shown, or could be seen no more",
            ),
            (
                "Default",
                "an update that does not name it would change the stack",
            ),
        ] {
            if was[member] != is[member] {
                losses.push(format!("the parameter {name} has another {member}: {why}"));
            }
        }
        let is_judged_otherwise = JUDGED_OTHERWISE.iter().any(|(known, _)| known == name);
        for limit in ["AllowedPattern", "MinLength", "MaxLength"] {
            if was[limit] != is[limit] && !is_judged_otherwise {
                losses.push(format!(
                    "the parameter {name} has another {limit}: say in JUDGED_OTHERWISE why no stack is left with a value that is refused, for it could not be updated"
                ));
            }
        }
        let values = |parameter: &Value| {
            let values = parameter["AllowedValues"].as_array();
            values.cloned().unwrap_or_default()
        };
        let now = values(is);
        for value in values(was) {
            if !now.is_empty() && !now.contains(&value) {
                losses.push(format!(
                    "the parameter {name} refuses {value}: a stack that has it cannot be updated"
                ));
            }
        }
    }
    for (name, parameter) in members(later, "Parameters") {
        if earlier["Parameters"][name].is_null() && parameter["Default"].is_null() {
            losses.push(format!(
                "the parameter {name} is new and has no default: an upgrade fails until it is given"
            ));
        }
    }
    losses
}

#[test]
fn replaces_nothing_and_takes_nothing_away() {
    let today = template();
    for (name, earlier) in earlier_templates() {
        assert_eq!(
            losses(&earlier, &today),
            Vec::<String>::new(),
            "from {name}"
        );
    }
}

/// A type that comes new to the template is looked up, too.
#[test]
fn knows_what_replaces_each_type() {
    for resource in members(&template(), "Resources").values() {
        create_only(resource["Type"].as_str().expect("a resource has a type"));
    }
}

/// Whoever makes one of these changes is told why not.
#[test]
fn tells_what_a_change_that_replaces_would_do() {
    type Change = fn(&mut Value);
    let today = template();
    let changes: [(Change, &str); 15] = [
        (
            |t| rename(t, "Resources", "AuthomizeIntegration"),
            "the logical id AuthomizeIntegration is gone: CloudFormation deletes it, and the function removes the record",
        ),
        (
            |t| rename(t, "Resources", "RegistrarRole"),
            "the logical id RegistrarRole is gone",
        ),
        (
            |t| t["Resources"]["AuthomizeIntegration"]["Type"] = json!("Custom::Integration"),
            "Update of resource type is not permitted",
        ),
        (
            |t| properties(t, "AuthomizeIntegration")["ServiceToken"] = json!("arn"),
            "AuthomizeIntegration has another ServiceToken, which replaces it: CloudFormation refuses",
        ),
        (
            |t| properties(t, "RegistrarFunction")["FunctionName"] = json!("registrar"),
            "RegistrarFunction has another FunctionName, which replaces it: ServiceToken follows from it",
        ),
        (
            |t| properties(t, "TrustRole")["RoleName"] = json!("Another"),
            "TrustRole has another RoleName, which replaces it: Authomize knows the trust role",
        ),
        (
            |t| properties(t, "ApiTokenSecret")["Name"] = json!("token"),
            "ApiTokenSecret has another Name",
        ),
        (
            |t| properties(t, "RegistrarLogGroup")["LogGroupName"] = json!("log"),
            "RegistrarLogGroup has another LogGroupName",
        ),
        (
            |t| t["Resources"]["ApiTokenSecret"]["Condition"] = json!("IsHub"),
            "a single stack has no ApiTokenSecret any more",
        ),
        (
            |t| rename(t, "Parameters", "Refresh"),
            "the parameter Refresh is gone",
        ),
        (
            |t| t["Parameters"]["TrustRoleName"]["Default"] = json!("Another"),
            "the parameter TrustRoleName has another Default",
        ),
        (
            |t| t["Parameters"]["ExternalID"]["AllowedPattern"] = json!("[a-z]+"),
            "the parameter ExternalID has another AllowedPattern",
        ),
        (
            |t| t["Parameters"]["OnDelete"]["AllowedValues"] = json!(["Remove"]),
            "the parameter OnDelete refuses \"Keep\"",
        ),
        (
            |t| t["Parameters"]["Tenant"] = json!({"Type": "String"}),
            "the parameter Tenant is new and has no default",
        ),
        (
            |t| rename(t, "Outputs", "IntegrationId"),
            "the output IntegrationId is gone",
        ),
    ];
    for (change, told) in changes {
        let mut changed = today.clone();
        change(&mut changed);
        let losses = losses(&today, &changed);
        assert!(
            losses.iter().any(|loss| loss.contains(told)),
            "{told}: {losses:?}"
        );
    }
}

fn rename(template: &mut Value, section: &str, name: &str) {
    let section = template[section]
        .as_object_mut()
        .expect("a section is there");
    let moved = section.remove(name).expect("it is in the template");
    section.insert(format!("{name}2"), moved);
}

fn properties<'a>(template: &'a mut Value, id: &str) -> &'a mut Value {
    &mut template["Resources"][id]["Properties"]
}

/// An update that is rolled back, and a member that is behind its hub, send what the
/// earlier template says, and the earlier template reads what is answered.
#[test]
fn understands_what_earlier_templates_send_and_answers_what_they_read() {
    let answered = serde_json::to_value(Attributes::default()).expect("attributes are JSON");
    for (name, earlier) in earlier_templates() {
        for id in ["AuthomizeIntegration", "AuthomizeIntegrationAtHub"] {
            let Some(sent) = earlier["Resources"][id]["Properties"].as_object() else {
                continue;
            };
            for property in sent.keys().map(String::as_str) {
                assert!(
                    PROPERTY_NAMES.contains(&property),
                    "{name} sends {property}"
                );
            }
        }
        for attribute in attributes(&earlier) {
            assert!(
                answered.get(&attribute).is_some(),
                "{name} reads {attribute}"
            );
        }
    }
}
