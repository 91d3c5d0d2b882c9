//! Every permission that the template gives to its roles, one by one, and the
//! template without it.
//!
//! A place is a role with `Trust` for its trust policy, `Policies` for the
//! managed policies, or the name of a statement.

use serde_json::{Value, json};

use crate::document::{members, strings, template};
use crate::stage::hasty_template;

/// One action, condition or managed policy.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Permission {
    /// For example `RegistrarRole.ReadToken`.
    pub(crate) place: String,
    /// For example `secretsmanager:GetSecretValue`.
    pub(crate) name: String,
}

/// Where a permission stands.
enum Kind {
    Action,
    Condition(String),
    ManagedPolicy,
}

struct Found {
    permission: Permission,
    kind: Kind,
    /// The JSON pointer of the statement, or of the managed policy.
    pointer: String,
}

/// Every permission of the template, in its order.
pub(crate) fn permissions() -> Vec<Permission> {
    let found = found(&template()).into_iter();
    found.map(|found| found.permission).collect()
}

/// The template without one of its permissions, and with a hasty function.
pub(crate) fn without(place: &str, name: &str) -> Value {
    without_also(hasty_template(), place, name)
}

/// This template without one more of its permissions.
pub(crate) fn without_also(mut template: Value, place: &str, name: &str) -> Value {
    let all = found(&template);
    let it = all
        .iter()
        .find(|found| found.permission.place == place && found.permission.name == name)
        .unwrap_or_else(|| panic!("the template has no `{name}` in {place}"));
    let target = template.pointer_mut(&it.pointer).unwrap();
    match &it.kind {
        Kind::Action => {
            let actions = strings(&target["Action"]).into_iter();
            let mut others: Vec<&str> = actions.filter(|action| *action != name).collect();
            // A statement has to have an action: this one gives nothing here.
            if others.is_empty() {
                others.push("sts:TagSession");
            }
            target["Action"] = json!(others);
        }
        Kind::Condition(operator) => {
            let condition = target["Condition"].as_object_mut().unwrap();
            condition[operator].as_object_mut().unwrap().remove(name);
            condition.retain(|_, keys| keys != &json!({}));
            if condition.is_empty() {
                target.as_object_mut().unwrap().remove("Condition");
            }
        }
        Kind::ManagedPolicy => *target = json!({"Ref": "AWS::NoValue"}),
    }
    template
}

fn found(template: &Value) -> Vec<Found> {
    let mut all = Vec::new();
    for (role, resource) in members(template, "Resources") {
        if resource["Type"] != "AWS::IAM::Role" {
            continue;
        }
        let at = format!("/Resources/{role}/Properties");
        let properties = &resource["Properties"];
        in_document(
            &mut all,
            role,
            &properties["AssumeRolePolicyDocument"],
            &format!("{at}/AssumeRolePolicyDocument"),
        );
        for (index, policy) in items(&properties["ManagedPolicyArns"]).enumerate() {
            let arn = strings(policy).into_iter().find(|text| text.contains('/'));
            let name = arn.and_then(|arn| arn.rsplit('/').next()).unwrap();
            all.push(Found {
                permission: Permission::new(role, "Policies", name),
                kind: Kind::ManagedPolicy,
                pointer: format!("{at}/ManagedPolicyArns/{index}"),
            });
        }
        for (index, policy) in items(&properties["Policies"]).enumerate() {
            let pointer = format!("{at}/Policies/{index}/PolicyDocument");
            in_document(&mut all, role, &policy["PolicyDocument"], &pointer);
        }
    }
    all
}

fn in_document(all: &mut Vec<Found>, role: &str, document: &Value, at: &str) {
    for (index, statement) in items(&document["Statement"]).enumerate() {
        let mut pointer = format!("{at}/Statement/{index}");
        let mut statement = statement;
        if let Some(then) = statement["Fn::If"].get(1) {
            statement = then;
            pointer += "/Fn::If/1";
        }
        let place = statement["Sid"].as_str().unwrap_or("Trust");
        // The one denial: taken away like a permission, it lets something happen.
        let denies = place == "LeaveVpcToLambda";
        let effect = if denies { "Deny" } else { "Allow" };
        assert_eq!(statement["Effect"], effect, "{pointer}");
        let mut push = |name: &str, kind| {
            all.push(Found {
                permission: Permission::new(role, place, name),
                kind,
                pointer: pointer.clone(),
            });
        };
        for action in strings(&statement["Action"]) {
            push(action, Kind::Action);
        }
        for (operator, keys) in statement["Condition"].as_object().into_iter().flatten() {
            for key in keys.as_object().unwrap().keys() {
                push(key, Kind::Condition(operator.clone()));
            }
        }
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

impl Permission {
    fn new(role: &str, place: &str, name: &str) -> Self {
        Self {
            place: format!("{role}.{place}"),
            name: name.to_owned(),
        }
    }
}
