//! The reviewer's page leaves nothing out.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_yaml_ng::Value;

use crate::markdown::{page, table};

/// The names in the first column of a table.
fn listed(heading: &str) -> BTreeSet<String> {
    let rows = table(&page("review.md"), heading);
    rows.iter()
        .map(|row| row.cells[0].trim_matches('`').to_owned())
        .collect()
}

fn document(path: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = fs::read_to_string(path).expect("the document is there");
    serde_yaml_ng::from_str(&text).expect("the document is YAML")
}

fn names(mapping: &Value) -> impl Iterator<Item = &str> {
    let mapping = mapping.as_mapping().expect("it is a mapping");
    mapping.keys().filter_map(Value::as_str)
}

#[test]
fn names_every_resource_of_the_template() {
    let template = document("template.yaml");
    let made: BTreeSet<String> = names(&template["Resources"]).map(str::to_owned).collect();
    assert_eq!(listed("## What is created"), made);
}

/// Every request is held against this document, which allows no other fields.
#[test]
fn names_every_field_that_is_sent() {
    let schemas = &document("docs/authomize-api.yaml")["components"]["schemas"];
    let mut sent = BTreeSet::new();
    for (schema, place) in [
        ("NewApp", ""),
        ("AppChange", ""),
        ("Config", "config."),
        ("Source", "config.source."),
    ] {
        let schema = &schemas[schema];
        assert_eq!(schema["additionalProperties"], false);
        let fields = names(&schema["properties"]);
        sent.extend(fields.map(|field| format!("{place}{field}")));
    }
    // These two hold the fields that follow.
    sent.remove("config");
    sent.remove("config.source");
    assert_eq!(listed("## What is sent to Authomize"), sent);
}

/// Whoever copies a policy from the pages copies JSON.
#[test]
fn gives_policies_that_can_be_read() {
    for (name, least) in [("deploy.md", 5), ("permissions.md", 1), ("release.md", 1)] {
        let text = page(name);
        let policies: Vec<&str> = text.split("```json").skip(1).collect();
        assert!(policies.len() >= least, "{name} has {}", policies.len());
        for policy in policies {
            let policy = policy.split("```").next().unwrap_or_default();
            let read = serde_json::from_str::<serde_json::Value>(policy);
            assert!(read.is_ok(), "{name}: {policy}");
        }
    }
}
