//! What a template lets whom do, and how that differs from another template: what a
//! security reviewer wants to see of an upgrade.
//!
//! Told are the trust policies, the managed policies and the statements of every role, and
//! who else may invoke a function. A statement is known by its name, so that one that has
//! only moved is no difference.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_yaml_ng::Value;
use thiserror::Error;

/// A template that cannot be read.
#[derive(Debug, Error)]
#[error("the {which} template is no YAML: {source}")]
pub struct NotYaml {
    which: &'static str,
    #[source]
    source: serde_yaml_ng::Error,
}

/// Where each policy stands, and its text.
type Policies = BTreeMap<String, String>;

/// The policies of a template, or how they differ from those of an earlier one: what went
/// after `-`, what came after `+`. Ends in a line that counts.
///
/// # Errors
/// A template is no YAML.
pub fn told(before: Option<&str>, now: &str) -> Result<String, NotYaml> {
    let now = policies(now, "new")?;
    let Some(before) = before else {
        let mut text = String::new();
        for (place, policy) in &now {
            write_policy(&mut text, ' ', place, policy);
        }
        let count = now.len();
        writeln!(text, "{count} policies and statements").expect("a text takes everything");
        return Ok(text);
    };
    let before = policies(before, "earlier")?;
    let mut text = String::new();
    let mut same = 0;
    let places: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    for place in places {
        let (old, new) = (before.get(place), now.get(place));
        if old == new {
            same += 1;
            continue;
        }
        for (sign, policy) in [('-', old), ('+', new)] {
            if let Some(policy) = policy {
                write_policy(&mut text, sign, place, policy);
            }
        }
    }
    let differences = if text.is_empty() {
        "no difference"
    } else {
        "the rest"
    };
    writeln!(
        text,
        "{differences}: {same} policies and statements are as before"
    )
    .expect("a text takes everything");
    Ok(text)
}

fn write_policy(text: &mut String, sign: char, place: &str, policy: &str) {
    writeln!(text, "{sign} {place}").expect("a text takes everything");
    for line in policy.lines() {
        writeln!(text, "{sign}     {line}").expect("a text takes everything");
    }
}

fn policies(template: &str, which: &'static str) -> Result<Policies, NotYaml> {
    let template: Value =
        serde_yaml_ng::from_str(template).map_err(|source| NotYaml { which, source })?;
    let mut found = Policies::new();
    let resources = template["Resources"].as_mapping().into_iter().flatten();
    for (name, resource) in resources {
        let name = name.as_str().unwrap_or_default();
        let properties = &resource["Properties"];
        match resource["Type"].as_str() {
            Some("AWS::IAM::Role") => in_role(&mut found, name, properties),
            Some("AWS::Lambda::Permission") => {
                found.insert(format!("{name}, who may invoke"), text_of(properties));
            }
            _ => {}
        }
    }
    Ok(found)
}

fn in_role(found: &mut Policies, role: &str, properties: &Value) {
    for (member, title) in [
        ("AssumeRolePolicyDocument", "who may assume it"),
        ("ManagedPolicyArns", "managed policies"),
        ("PermissionsBoundary", "boundary"),
    ] {
        let policy = &properties[member];
        if !policy.is_null() {
            found.insert(format!("{role}, {title}"), text_of(policy));
        }
    }
    let policies = properties["Policies"].as_sequence().into_iter().flatten();
    let statements = policies
        .filter_map(|policy| policy["PolicyDocument"]["Statement"].as_sequence())
        .flatten();
    for (index, statement) in statements.enumerate() {
        let name = sid(statement).unwrap_or_else(|| format!("number {}", index + 1));
        found.insert(format!("{role}, statement {name}"), text_of(statement));
    }
}

/// The name of a statement, which may stand in an `!If`.
fn sid(statement: &Value) -> Option<String> {
    let statement = match statement {
        Value::Tagged(conditional) => &conditional.value[1],
        plain => plain,
    };
    statement["Sid"].as_str().map(str::to_owned)
}

fn text_of(value: &Value) -> String {
    serde_yaml_ng::to_string(value).expect("what was read can be written again")
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = include_str!("../../template.yaml");

    #[test]
    fn tells_all_policies_of_one_template() {
        let text = told(None, SOURCE).unwrap();
        for place in [
            "TrustRole, who may assume it",
            "TrustRole, managed policies",
            "RegistrarRole, statement ReadToken",
            "RegistrarRole, statement LeaveVpcToLambda",
            "AdminRole, statement ListInstances",
            "OrganizationPermission, who may invoke",
        ] {
            assert!(text.contains(&format!("  {place}\n")), "{place}");
        }
        assert!(text.contains("sts:ExternalId: !Ref ExternalID"), "{text}");
    }

    #[test]
    fn tells_of_no_difference_where_only_something_else_changed() {
        let other = SOURCE.replace("MemorySize: 128", "MemorySize: 256");
        assert_ne!(other, SOURCE);
        let text = told(Some(SOURCE), &other).unwrap();
        assert!(text.starts_with("no difference: "), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn tells_what_went_and_what_came() {
        let wider = SOURCE.replacen(
            "Action: secretsmanager:GetSecretValue",
            "Action: secretsmanager:*",
            1,
        );
        let text = told(Some(SOURCE), &wider).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert!(
            lines.contains(&"- RegistrarRole, statement ReadToken"),
            "{text}"
        );
        assert!(lines.contains(&"-     Action: secretsmanager:GetSecretValue"));
        assert!(lines.contains(&"+     Action: secretsmanager:*"));
        assert!(!text.contains("AdminRole"), "{text}");
        assert!(text.contains("the rest: "));
    }

    #[test]
    fn tells_of_a_role_that_is_new() {
        let without = SOURCE.replace("\n  AdminRole:\n", "\n  AnotherRole:\n");
        let text = told(Some(&without), SOURCE).unwrap();
        assert!(text.contains("+ AdminRole, who may assume it\n"), "{text}");
        assert!(
            text.contains("- AnotherRole, who may assume it\n"),
            "{text}"
        );
    }

    #[test]
    fn names_the_template_that_cannot_be_read() {
        let told = told(Some("a: [b"), SOURCE).unwrap_err().to_string();
        assert!(
            told.starts_with("the earlier template is no YAML"),
            "{told}"
        );
    }
}
