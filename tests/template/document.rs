//! The template as a document: read, and asked what refers to what.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value, json};
use serde_yaml_ng::Value as Yaml;

/// The template as JSON, with the short forms of functions written out.
pub(crate) fn template() -> Value {
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("template.yaml"))
}

/// The templates that stacks may be of, each with the name of its folder in
/// `tests/upgrade/`.
pub(crate) fn earlier_templates() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrade");
    let entries = std::fs::read_dir(folder).expect("there are earlier templates");
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.is_dir())
        .collect();
    paths.sort();
    let named = paths.into_iter().map(|path| {
        let name = path.file_name().expect("a folder has a name");
        let template = read(&path.join("template.yaml"));
        (name.to_string_lossy().into_owned(), template)
    });
    named.collect()
}

fn read(path: &Path) -> Value {
    let text =
        std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    written_out(serde_yaml_ng::from_str(&text).expect("a template is YAML"))
}

/// The attributes of the registration that a template reads.
pub(crate) fn attributes(template: &Value) -> BTreeSet<String> {
    match template {
        Value::Array(items) => items.iter().flat_map(attributes).collect(),
        Value::Object(object) => object
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("Fn::GetAtt", Value::Array(path)) => {
                    let of_ours = path[0]
                        .as_str()
                        .is_some_and(|id| id.starts_with("AuthomizeIntegration"));
                    let attribute = path[1].as_str().filter(|_| of_ours);
                    attribute.map(ToOwned::to_owned).into_iter().collect()
                }
                _ => attributes(value),
            })
            .collect(),
        _ => BTreeSet::new(),
    }
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
