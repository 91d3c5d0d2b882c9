//! The template as a document: read, and asked what refers to what.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The template as JSON, with the short forms of functions written out.
pub(crate) fn template() -> Value {
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
                "Condition" => json!({"Condition": value}),
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

pub(crate) fn members<'a>(template: &'a Value, section: &str) -> &'a Map<String, Value> {
    template[section].as_object().expect("the section is there")
}

/// Every name that a value refers to by `Ref`, `GetAtt`, `Sub` or a condition,
/// followed through resources and conditions.
pub(crate) fn reaches(template: &Value, value: &Value) -> BTreeSet<String> {
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

pub(crate) fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(strings).collect(),
        Value::Object(object) => object.values().flat_map(strings).collect(),
        _ => Vec::new(),
    }
}

pub(crate) fn function(template: &Value) -> &Value {
    &template["Resources"]["RegistrarFunction"]["Properties"]
}

pub(crate) fn registration(template: &Value) -> &Value {
    &template["Resources"]["AuthomizeIntegration"]
}
