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
    parameters: Vec<Parameter>,
    request: Option<Validator>,
    responses: BTreeMap<String, Validator>,
}

struct Parameter {
    name: String,
    place: String,
    is_required: bool,
    is_number: bool,
    schema: Validator,
}

impl Contract {
    /// Reads `docs/authomize-api.yaml`.
    ///
    /// # Panics
    /// The document is no YAML, or a schema in it is none.
    pub fn load() -> Self {
        let document = document();
        let paths = document["paths"].as_object().into_iter().flatten();
        let operations = paths.flat_map(|(path, item)| {
            let methods = item.as_object().into_iter().flatten();
            methods
                .filter(|(method, _)| *method != "parameters")
                .map(|(method, _)| Operation::read(&document, path, item, method))
                .collect::<Vec<_>>()
        });
        Self {
            operations: operations.collect(),
        }
    }

    /// What in a request and its answer is not as the document has it, in words.
    pub fn check(&self, request: &ApiRequest, response: &ApiResponse) -> Vec<String> {
        let mut violations = self.check_request(request);
        violations.extend(self.check_response(request, response));
        violations
    }

    /// What in a request is not as the document has it, in words.
    pub fn check_request(&self, request: &ApiRequest) -> Vec<String> {
        let Some(operation) = self.operation(request) else {
            return vec![told(request, "request", "there is no such operation")];
        };
        let parameters = operation.parameter_problems(request);
        let body = operation.request.iter().flat_map(|schema| {
            let body = request.body.as_ref().unwrap_or(&Value::Null);
            problems(schema, body)
        });
        parameters
            .into_iter()
            .chain(body)
            .map(|problem| told(request, "request", &problem))
            .collect()
    }

    /// What in the answer to a request is not as the document has it, in words.
    pub fn check_response(&self, request: &ApiRequest, response: &ApiResponse) -> Vec<String> {
        let Some(operation) = self.operation(request) else {
            return Vec::new();
        };
        let problems = match operation.response(response.status) {
            Some(schema) => problems(schema, &response.body),
            None => vec![format!("status {} is not described", response.status)],
        };
        problems
            .iter()
            .map(|problem| told(request, "answer", problem))
            .collect()
    }

    fn operation(&self, request: &ApiRequest) -> Option<&Operation> {
        self.operations
            .iter()
            .find(|operation| operation.method == request.method && operation.is_at(&request.path))
    }
}

impl Operation {
    fn read(document: &Value, path: &str, item: &Value, method: &str) -> Self {
        let operation = &item[method];
        let parameters = [&item["parameters"], &operation["parameters"]];
        let responses = operation["responses"].as_object().into_iter().flatten();
        Self {
            method: method.to_uppercase(),
            path: path.to_owned(),
            parameters: parameters
                .into_iter()
                .flat_map(|list| list.as_array().into_iter().flatten())
                .map(|parameter| Parameter::read(document, parameter))
                .collect(),
            request: body(document, &operation["requestBody"]),
            responses: responses
                .filter_map(|(status, response)| Some((status.clone(), body(document, response)?)))
                .collect(),
        }
    }

    fn is_at(&self, path: &str) -> bool {
        let segments: Vec<&str> = path.split('/').collect();
        let described: Vec<&str> = self.path.split('/').collect();
        segments.len() == described.len()
            && described
                .iter()
                .zip(&segments)
                .all(|(described, segment)| described.starts_with('{') || described == segment)
    }

    /// The schema of the answer with this status, by itself or by its class.
    fn response(&self, status: u16) -> Option<&Validator> {
        self.responses
            .get(&status.to_string())
            .or_else(|| self.responses.get(&format!("{}XX", status / 100)))
    }

    fn parameter_problems(&self, request: &ApiRequest) -> Vec<String> {
        let is_described = |name: &String| {
            let mut in_query = self
                .parameters
                .iter()
                .filter(|known| known.place == "query");
            in_query.any(|known| known.name == *name)
        };
        let unknown = request.query.keys().filter(|name| !is_described(name));
        let unknown = unknown.map(|name| format!("`{name}` in the query is not described"));
        let known = self
            .parameters
            .iter()
            .flat_map(|parameter| parameter.problems(self.given(parameter, request)));
        unknown.chain(known).collect()
    }

    fn given<'a>(&self, parameter: &Parameter, request: &'a ApiRequest) -> Option<&'a str> {
        match parameter.place.as_str() {
            "query" => request.query.get(&parameter.name).map(String::as_str),
            "header" => request.idempotency_key.as_deref(),
            _ => {
                let named = format!("{{{}}}", parameter.name);
                let mut segments = self.path.split('/').zip(request.path.split('/'));
                segments
                    .find(|(described, _)| *described == named)
                    .map(|(_, segment)| segment)
            }
        }
    }
}

impl Parameter {
    fn read(document: &Value, parameter: &Value) -> Self {
        let text = |member: &str| parameter[member].as_str().unwrap_or_default().to_owned();
        Self {
            name: text("name"),
            place: text("in"),
            is_required: parameter["required"] == true,
            is_number: parameter["schema"]["type"] == "integer",
            schema: validator(document, &parameter["schema"]),
        }
    }

    fn problems(&self, given: Option<&str>) -> Vec<String> {
        let Some(given) = given else {
            let missing = format!("`{}` in the {} is missing", self.name, self.place);
            return self.is_required.then_some(missing).into_iter().collect();
        };
        let number = given.parse::<i64>().ok().filter(|_| self.is_number);
        let value = number.map_or_else(|| json!(given), |number| json!(number));
        problems(&self.schema, &value)
            .iter()
            .map(|problem| format!("`{}` in the {}: {problem}", self.name, self.place))
            .collect()
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
fn body(document: &Value, described: &Value) -> Option<Validator> {
    let described = match described["$ref"].as_str() {
        Some(reference) => document.pointer(reference.trim_start_matches('#'))?,
        None => described,
    };
    let schema = described.pointer("/content/application~1json/schema")?;
    Some(validator(document, schema))
}

fn validator(document: &Value, schema: &Value) -> Validator {
    let mut schema = schema.clone();
    schema["components"] = json!({"schemas": document["components"]["schemas"]});
    jsonschema::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("the schemas of docs/authomize-api.yaml are valid")
}

fn problems(schema: &Validator, value: &Value) -> Vec<String> {
    schema
        .iter_errors(value)
        .map(|error| format!("{error} (at `{}`)", error.instance_path()))
        .collect()
}

fn told(request: &ApiRequest, side: &str, problem: &str) -> String {
    format!("{} {}: {side}: {problem}", request.method, request.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn create() -> ApiRequest {
        ApiRequest {
            method: "POST".to_owned(),
            path: "/v2/apps".to_owned(),
            body: Some(json!({
                "integrationName": "a",
                "serviceType": "aws",
                "config": {
                    "accountIds": ["123456789012"],
                    "regions": [],
                    "roleArn": "arn:aws:iam::123456789012:role/r",
                    "externalId": "external",
                    "includeIdentityCenter": false,
                    "source": {"stackId": "s", "logicalResourceId": "l"},
                },
            })),
            idempotency_key: Some("key".to_owned()),
            ..ApiRequest::default()
        }
    }

    fn problems_of(change: impl FnOnce(&mut ApiRequest)) -> Vec<String> {
        let mut request = create();
        change(&mut request);
        Contract::load().check_request(&request)
    }

    #[test]
    fn finds_nothing_wrong_with_what_is_right() {
        assert_eq!(problems_of(|_| {}), Vec::<String>::new());
    }

    #[test]
    fn names_what_is_wrong_with_a_request() {
        type Change = fn(&mut ApiRequest);
        let cases: [(Change, &str); 6] = [
            (|r| r.path = "/v3/apps".to_owned(), "no such operation"),
            (|r| r.body = None, "null is not of type"),
            (
                |r| r.body.as_mut().unwrap()["config"]["accountIds"] = json!(["12345678901"]),
                "/config/accountIds/0",
            ),
            (|r| r.body.as_mut().unwrap()["extra"] = json!(1), "extra"),
            (
                |r| r.query = BTreeMap::from([("dryRun".to_owned(), "1".to_owned())]),
                "`dryRun` in the query is not described",
            ),
            (
                |r| {
                    r.method = "GET".to_owned();
                    r.path = "/v2/apps/a.b".to_owned();
                },
                "`appId` in the path",
            ),
        ];
        for (change, named) in cases {
            let problems = problems_of(change);
            assert!(
                problems.iter().any(|problem| problem.contains(named)),
                "{named}: {problems:?}"
            );
        }
    }

    #[test]
    fn names_what_is_wrong_with_an_answer() {
        for (status, body, named) in [
            (200, json!({"id": "a"}), "createdAt"),
            (
                200,
                json!({"id": "a", "createdAt": "yesterday", "modifiedAt": "2026-01-01T00:00:00Z"}),
                "/createdAt",
            ),
            (201, json!({}), "status 201 is not described"),
            (422, json!({"detail": "a sentence"}), "/detail"),
        ] {
            let response = ApiResponse {
                status,
                retry_after: None,
                body,
            };
            let problems = Contract::load().check_response(&create(), &response);
            assert!(
                problems.iter().any(|problem| problem.contains(named)),
                "{named}: {problems:?}"
            );
        }
    }

    #[test]
    fn knows_a_class_of_answers() {
        let response = ApiResponse {
            status: 503,
            retry_after: None,
            body: json!({"detail": "later"}),
        };
        let problems = Contract::load().check_response(&create(), &response);
        assert_eq!(problems, Vec::<String>::new());
    }
}
