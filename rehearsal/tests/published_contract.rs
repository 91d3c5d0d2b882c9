//! Our document beside the vendor's: what is marked published stands there in
//! the same form, and what is not there is marked assumed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;

use rehearsal::sandbox::contract::document;
use serde_json::{Map, Value};

const METHODS: [&str; 4] = ["get", "post", "patch", "delete"];

fn vendors() -> Value {
    serde_json::from_str(include_str!("data/authomize-openapi-4.6.8-apps.json")).unwrap()
}

fn is_published(described: &Value) -> bool {
    described["x-status"] == "published"
}

/// What a reference leads to, with the mark that stands beside the reference.
fn resolved(document: &Value, described: &Value) -> Value {
    let single = described["allOf"]
        .as_array()
        .filter(|parts| parts.len() == 1);
    let described = single.map_or(described, |parts| &parts[0]);
    let Some(reference) = described["$ref"].as_str() else {
        return described.clone();
    };
    let target = document
        .pointer(reference.trim_start_matches('#'))
        .unwrap_or_else(|| panic!("{reference} leads nowhere"));
    let mut target = target.clone();
    if let Some(status) = described.get("x-status") {
        target["x-status"] = status.clone();
    }
    target
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn required(schema: &Value) -> BTreeSet<String> {
    let names = schema["required"].as_array().cloned().unwrap_or_default();
    names
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

/// The type, and that of text where the vendor gives the accepted texts alone.
fn kind(schema: &Value) -> Value {
    match &schema["enum"] {
        Value::Array(texts) if texts.iter().all(Value::is_string) => "string".into(),
        _ => schema["type"].clone(),
    }
}

/// Each operation: path, method, ours, theirs.
fn operations() -> Vec<(String, &'static str, Value, Value)> {
    let (ours, theirs) = (document(), vendors());
    let paths = object(&ours["paths"]);
    let of_path = |(path, item): (&String, &Value)| {
        METHODS
            .into_iter()
            .filter(|method| item.get(method).is_some())
            .map(|method| {
                let operation = item[method].clone();
                let other = theirs["paths"][path][method].clone();
                (path.clone(), method, operation, other)
            })
            .collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

fn json_schema(document: &Value, described: &Value) -> Option<Value> {
    let schema = resolved(document, described)
        .pointer("/content/application~1json/schema")?
        .clone();
    Some(resolved(document, &schema))
}

/// Whether bodies of this schema are sent by us or by the vendor.
#[derive(Clone, Copy, PartialEq)]
enum Sender {
    Us,
    Vendor,
}

/// Where two schemas of the same thing differ, in words.
fn differences(at: &str, sender: Sender, ours: &Value, theirs: &Value) -> Vec<String> {
    let mut found = Vec::new();
    if kind(ours) != kind(theirs) || ours["format"] != theirs["format"] {
        found.push(format!("{at}: {} there", kind(theirs)));
    }
    let (here, there) = (document(), vendors());
    let items = |document: &Value, schema: &Value| {
        let items = schema.get("items")?;
        Some(resolved(document, items))
    };
    if let (Some(ours), Some(theirs)) = (items(&here, ours), items(&there, theirs)) {
        found.extend(differences(&format!("{at}[]"), sender, &ours, &theirs));
    }
    let known = object(&theirs["properties"]);
    for (name, property) in object(&ours["properties"]) {
        let at = format!("{at}.{name}");
        match (is_published(&property), known.get(&name)) {
            (true, None) => found.push(format!("{at}: published, but not there")),
            (false, Some(_)) => found.push(format!("{at}: assumed, but there")),
            (false, None) => {}
            (true, Some(theirs)) => {
                let ours = resolved(&here, &property);
                let theirs = resolved(&there, theirs);
                found.extend(differences(&at, sender, &ours, &theirs));
            }
        }
    }
    // What one side must send, the other may rely on.
    let (stricter, laxer) = match sender {
        Sender::Us => (required(ours), required(theirs)),
        Sender::Vendor => (required(theirs), required(ours)),
    };
    for name in laxer.difference(&stricter) {
        found.push(format!("{at}.{name}: not required on the side that sends"));
    }
    for name in required(theirs) {
        if ours["properties"].get(&name).is_none() {
            found.push(format!("{at}.{name}: required there, but not here"));
        }
    }
    found
}

#[test]
fn has_every_published_operation_and_no_assumed_one_as_the_vendor_has_it() {
    for (path, method, ours, theirs) in operations() {
        assert_eq!(is_published(&ours), theirs.is_object(), "{method} {path}");
    }
}

#[test]
fn authorizes_as_published() {
    let (ours, theirs) = (document(), vendors());
    let (ours, theirs) = (
        &ours["components"]["securitySchemes"]["token"],
        &theirs["components"]["securitySchemes"]["APIKeyHeader"],
    );
    for member in ["type", "in", "name"] {
        assert_eq!(ours[member], theirs[member], "{member}");
    }
    for (path, method, ours, theirs) in operations() {
        let is_open = ours["security"].as_array().is_some_and(Vec::is_empty);
        assert_eq!(is_open, theirs["security"].is_null(), "{method} {path}");
    }
}

#[test]
fn has_every_published_parameter_as_the_vendor_has_it() {
    let (here, there) = (document(), vendors());
    for (path, method, ours, theirs) in operations() {
        let of_path = here["paths"][&path]["parameters"].clone();
        let parameters = [of_path, ours["parameters"].clone()];
        let theirs = theirs["parameters"].as_array().cloned().unwrap_or_default();
        let mut described = BTreeSet::new();
        for parameter in parameters.iter().filter_map(Value::as_array).flatten() {
            let name = parameter["name"].as_str().unwrap();
            let at = format!("{method} {path} {name}");
            described.insert(name);
            let same = theirs
                .iter()
                .find(|other| other["name"] == name && other["in"] == parameter["in"]);
            assert_eq!(is_published(parameter), same.is_some(), "{at}");
            let Some(same) = same else { continue };
            let is_required = |parameter: &Value| parameter["required"] == true;
            assert_eq!(is_required(parameter), is_required(same), "{at}");
            let ours = resolved(&here, &parameter["schema"]);
            let theirs = resolved(&there, &same["schema"]);
            assert_eq!(kind(&ours), kind(&theirs), "{at}");
            assert_eq!(ours["default"], theirs["default"], "{at}");
        }
        for parameter in theirs.iter().filter(|theirs| theirs["required"] == true) {
            let name = parameter["name"].as_str().unwrap();
            assert!(described.contains(name), "{method} {path} {name}");
        }
    }
}

#[test]
fn has_every_published_field_as_the_vendor_has_it() {
    let (here, there) = (document(), vendors());
    let mut found = Vec::new();
    for (path, method, ours, theirs) in operations() {
        let at = format!("{method} {path} request");
        let sent = json_schema(&here, &ours["requestBody"]);
        let accepted = json_schema(&there, &theirs["requestBody"]);
        assert_eq!(sent.is_some(), accepted.is_some(), "{at}");
        if let (Some(sent), Some(accepted)) = (sent, accepted) {
            found.extend(differences(&at, Sender::Us, &sent, &accepted));
        }
        for (status, response) in object(&ours["responses"]) {
            let at = format!("{method} {path} {status}");
            let published = &theirs["responses"][&status];
            let is_marked = is_published(&resolved(&here, &response));
            assert_eq!(is_marked, published.is_object(), "{at}");
            if is_marked {
                let ours = json_schema(&here, &response).unwrap();
                let theirs = json_schema(&there, published).unwrap();
                found.extend(differences(&at, Sender::Vendor, &ours, &theirs));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

/// Every place in `value` that must be marked, and is not.
fn unmarked(at: &str, value: &Value, found: &mut Vec<String>) {
    let mut check = |name: &str, described: &Value| {
        let status = &described["x-status"];
        if status != "published" && status != "assumed" {
            found.push(format!("{at}/{name}"));
        }
    };
    for (name, property) in object(&value["properties"]) {
        check(&name, &property);
    }
    for (name, header) in object(&value["headers"]) {
        check(&name, &header);
    }
    for parameter in value["parameters"].as_array().into_iter().flatten() {
        check(parameter["name"].as_str().unwrap(), parameter);
    }
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                unmarked(&format!("{at}/{name}"), member, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                unmarked(at, item, found);
            }
        }
        _ => {}
    }
}

#[test]
fn marks_every_operation_parameter_answer_and_field() {
    let document = document();
    let mut found = Vec::new();
    unmarked("", &document, &mut found);
    for (path, method, operation, _) in operations() {
        let responses = object(&operation["responses"]);
        let responses = responses.values().map(|it| resolved(&document, it));
        for described in std::iter::once(operation.clone()).chain(responses) {
            if described["x-status"].is_null() {
                found.push(format!("{method} {path}"));
            }
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
