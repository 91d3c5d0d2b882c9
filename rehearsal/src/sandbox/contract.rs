//! The contract as a document, and whether what was said keeps to it.

use std::collections::BTreeMap;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::tenant::{ApiRequest, ApiResponse};

/// The document, as it stands in `docs/`.
pub const DOCUMENT: &str = include_str!("../../../docs/authomize-api.yaml");

/// The document, ready to judge by.
pub struct Contract {
    operations: Vec<Operation>,
}

struct Operation {
    method: String,
    path: String,
    request: Option<Validator>,
    responses: BTreeMap<String, Validator>,
}

impl Contract {
    /// Reads `docs/authomize-api.yaml`.
    pub fn load() -> Self {
        let document = document();
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let item = item.as_object().into_iter().flatten();
            item.filter(|(method, _)| *method != "parameters")
                .map(|(method, operation)| Operation::read(&document, path, method, operation))
                .collect::<Vec<_>>()
        });
        Self {
            operations: operations.collect(),
        }
    }

    /// What in a request and its answer is not as the document has it, in words.
    pub fn check(&self, request: &ApiRequest, response: &ApiResponse) -> Vec<String> {
        let name = format!("{} {}", request.method, request.path);
        let Some(operation) = self
            .operations
            .iter()
            .find(|operation| operation.is(request))
        else {
            return vec![format!("{name}: no such operation")];
        };
        let asked = operation.request.as_ref().map_or_else(Vec::new, |schema| {
            violations(schema, request.body.as_ref().unwrap_or(&Value::Null))
        });
        let answered = operation
            .responses
            .get(&response.status.to_string())
            .or_else(|| operation.responses.get("default"))
            .map_or_else(
                || vec![format!("status {} is not described", response.status)],
                |schema| violations(schema, &response.body),
            );
        let asked = asked
            .iter()
            .map(|problem| format!("{name}: request: {problem}"));
        let answered = answered
            .iter()
            .map(|problem| format!("{name}: answer: {problem}"));
        asked.chain(answered).collect()
    }
}

impl Operation {
    fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Self {
        let responses = operation["responses"].as_object().into_iter().flatten();
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            request: schema(document, &operation["requestBody"]),
            responses: responses
                .filter_map(|(status, response)| {
                    Some((status.clone(), schema(document, response)?))
                })
                .collect(),
        }
    }

    fn is(&self, request: &ApiRequest) -> bool {
        let theirs = self.path.split('/');
        let same = theirs.clone().count() == request.path.split('/').count()
            && theirs
                .zip(request.path.split('/'))
                .all(|(ours, asked)| ours.starts_with('{') || ours == asked);
        same && self.method == request.method
    }
}

/// The document as JSON.
///
/// # Panics
/// The document is not YAML.
pub fn document() -> Value {
    serde_yaml_ng::from_str(DOCUMENT).expect("docs/authomize-api.yaml is YAML")
}

/// The schema of a request's or an answer's JSON, if it has one.
fn schema(document: &Value, described: &Value) -> Option<Validator> {
    let described = match described["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#'))?,
        None => described,
    };
    let mut schema = described
        .pointer("/content/application~1json/schema")?
        .clone();
    schema["components"] = json!({"schemas": document["components"]["schemas"]});
    let validator = jsonschema::validator_for(&schema);
    Some(validator.expect("the schemas of docs/authomize-api.yaml are valid"))
}

fn violations(schema: &Validator, value: &Value) -> Vec<String> {
    schema
        .iter_errors(value)
        .map(|error| format!("{error} (at `{}`)", error.instance_path()))
        .collect()
}
