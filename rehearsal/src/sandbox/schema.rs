//! JSON Schema, as far as the contract speaks it.
//!
//! A whole implementation takes as long to compile as half of what is here. A schema
//! with a keyword that is not judged here is refused when it is read, so that none
//! holds only because nobody looks.

use regex_lite::Regex;
use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Where the schemas are that others refer to.
const SHARED: &str = "#/components/schemas/";

/// What says nothing about a value.
const ANNOTATIONS: [&str; 3] = ["default", "description", "x-status"];

/// A schema, ready to judge by.
pub(super) struct Schema {
    rules: Vec<Rule>,
}

enum Rule {
    All(Schema),
    Type(String),
    Const(Value),
    Enum(Vec<Value>),
    AtLeast(u64, Counted),
    AtMost(u64, Counted),
    Number {
        least: i64,
    },
    NumberAtMost {
        most: i64,
    },
    Pattern(Regex),
    DateTime,
    Items(Schema),
    Required(Vec<String>),
    Members {
        known: Vec<(String, Schema)>,
        others: bool,
    },
}

/// What a length is of.
#[derive(Clone, Copy)]
enum Counted {
    Characters,
    Items,
    Members,
}

impl Schema {
    /// Reads a schema of `document`.
    ///
    /// # Panics
    /// It is none, or has a keyword that is not judged here.
    pub(super) fn read(document: &Value, schema: &Value) -> Self {
        let Value::Object(schema) = schema else {
            panic!("`{schema}` is no schema");
        };
        let mut rules: Vec<_> = schema
            .iter()
            .filter(|(keyword, _)| !ANNOTATIONS.contains(&keyword.as_str()))
            .filter_map(|(keyword, value)| Rule::read(document, keyword, value))
            .collect();
        rules.extend(Rule::members(document, schema));
        Self { rules }
    }

    /// What is wrong with a value, in words.
    pub(super) fn problems(&self, value: &Value) -> Vec<String> {
        let mut problems = Vec::new();
        self.judge(value, "", &mut problems);
        problems
    }

    fn judge(&self, value: &Value, place: &str, problems: &mut Vec<String>) {
        for rule in &self.rules {
            rule.judge(value, place, problems);
        }
    }
}

impl Rule {
    /// `None` for keywords that are read together.
    fn read(document: &Value, keyword: &str, value: &Value) -> Option<Self> {
        let text = || value.as_str().expect("a text").to_owned();
        let count = || value.as_u64().expect("a number that is not negative");
        let number = || value.as_i64().expect("a whole number");
        let list = || value.as_array().expect("a list").clone();
        Some(match keyword {
            "$ref" => {
                let name = text();
                let name = name.strip_prefix(SHARED).expect("a shared schema");
                let shared = document.pointer(&format!("/components/schemas/{name}"));
                Self::All(Schema::read(
                    document,
                    shared.expect("a schema of this name"),
                ))
            }
            "type" => Self::Type(text()),
            "const" => Self::Const(value.clone()),
            "enum" => Self::Enum(list()),
            "minLength" => Self::AtLeast(count(), Counted::Characters),
            "maxLength" => Self::AtMost(count(), Counted::Characters),
            "minItems" => Self::AtLeast(count(), Counted::Items),
            "minProperties" => Self::AtLeast(count(), Counted::Members),
            "minimum" => Self::Number { least: number() },
            "maximum" => Self::NumberAtMost { most: number() },
            "pattern" => Self::Pattern(Regex::new(&text()).expect("a pattern")),
            "format" if value == "date-time" => Self::DateTime,
            "items" => Self::Items(Schema::read(document, value)),
            "required" => Self::Required(list().iter().map(name).collect()),
            "properties" | "additionalProperties" => return None,
            _ => panic!("`{keyword}: {value}` is not judged here"),
        })
    }

    fn members(document: &Value, schema: &Map<String, Value>) -> Option<Self> {
        let others = match schema.get("additionalProperties") {
            None => true,
            Some(others) => others
                .as_bool()
                .expect("additional members are, or are not"),
        };
        let known = schema.get("properties");
        if known.is_none() && others {
            return None;
        }
        let known = known.and_then(Value::as_object).into_iter().flatten();
        let known = known.map(|(name, schema)| (name.clone(), Schema::read(document, schema)));
        Some(Self::Members {
            known: known.collect(),
            others,
        })
    }

    fn judge(&self, value: &Value, place: &str, problems: &mut Vec<String>) {
        if let Some(problem) = self.problem(value) {
            problems.push(format!("{problem} (at `{place}`)"));
        }
        match self {
            Self::All(schema) => schema.judge(value, place, problems),
            Self::Items(schema) => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    schema.judge(item, &format!("{place}/{index}"), problems);
                }
            }
            Self::Members { known, .. } => {
                for (name, schema) in known {
                    if let Some(member) = value.get(name) {
                        schema.judge(member, &format!("{place}/{name}"), problems);
                    }
                }
            }
            _ => {}
        }
    }

    /// What this rule by itself has against the value. What is said of texts says nothing
    /// of a number.
    fn problem(&self, value: &Value) -> Option<String> {
        let wrong = match self {
            Self::All(_) | Self::Items(_) => None,
            Self::Type(kind) => (!is_of(value, kind)).then(|| format!("is not of type `{kind}`")),
            Self::Const(only) => (value != only).then(|| format!("is not {only}")),
            Self::Enum(these) => {
                (!these.contains(value)).then(|| format!("is none of {}", Value::from(&these[..])))
            }
            Self::AtLeast(least, counted) => counted
                .of(value)
                .filter(|count| count < least)
                .map(|_| format!("is shorter than {least}")),
            Self::AtMost(most, counted) => counted
                .of(value)
                .filter(|count| count > most)
                .map(|_| format!("is longer than {most}")),
            Self::Number { least } => value
                .as_f64()
                .filter(|_| value.as_i64().is_none_or(|number| number < *least))
                .map(|_| format!("is less than {least}")),
            Self::NumberAtMost { most } => value
                .as_f64()
                .filter(|_| value.as_i64().is_none_or(|number| number > *most))
                .map(|_| format!("is more than {most}")),
            Self::Pattern(pattern) => value
                .as_str()
                .filter(|text| !pattern.is_match(text))
                .map(|_| format!("does not match `{pattern}`")),
            Self::DateTime => value
                .as_str()
                .filter(|text| OffsetDateTime::parse(text, &Rfc3339).is_err())
                .map(|_| "is no date-time".to_owned()),
            Self::Required(names) => value.as_object().and_then(|object| {
                let missing = names.iter().find(|name| !object.contains_key(*name));
                missing.map(|name| format!("has no member `{name}`"))
            }),
            Self::Members { known, others } => {
                value.as_object().filter(|_| !others).and_then(|object| {
                    let is_unknown =
                        |name: &&String| !known.iter().any(|(known, _)| known == *name);
                    let unknown = object.keys().find(is_unknown);
                    unknown.map(|name| format!("has a member `{name}`, which is not described"))
                })
            }
        };
        wrong.map(|wrong| format!("{value} {wrong}"))
    }
}

impl Counted {
    fn of(self, value: &Value) -> Option<u64> {
        let count = match self {
            Self::Characters => value.as_str()?.chars().count(),
            Self::Items => value.as_array()?.len(),
            Self::Members => value.as_object()?.len(),
        };
        u64::try_from(count).ok()
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => panic!("the type `{kind}` is not judged here"),
    }
}

fn name(value: &Value) -> String {
    value.as_str().expect("a name").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Each keyword with a value that keeps to it and one that does not.
    #[test]
    fn judges_every_keyword() {
        let document = json!({"components": {"schemas": {"Id": {"pattern": "^a+$"}}}});
        let inner = json!({"properties": {"n": {"type": "string"}}});
        for (schema, good, bad, problem) in [
            (
                json!({"$ref": "#/components/schemas/Id"}),
                json!("aa"),
                json!("b"),
                "does not match `^a+$`",
            ),
            (
                json!({"type": "object"}),
                json!({}),
                json!([]),
                "not of type `object`",
            ),
            (
                json!({"type": "array"}),
                json!([]),
                json!({}),
                "not of type `array`",
            ),
            (
                json!({"type": "string"}),
                json!(""),
                json!(null),
                "null is not of type `string`",
            ),
            (
                json!({"type": "boolean"}),
                json!(true),
                json!("true"),
                "not of type `boolean`",
            ),
            (
                json!({"type": "integer"}),
                json!(1),
                json!(1.5),
                "not of type `integer`",
            ),
            (
                json!({"const": "aws"}),
                json!("aws"),
                json!("gcp"),
                "\"gcp\" is not \"aws\"",
            ),
            (
                json!({"enum": ["a", "b"]}),
                json!("b"),
                json!("c"),
                "none of [\"a\",\"b\"]",
            ),
            (
                json!({"minLength": 2}),
                json!("äö"),
                json!("ä"),
                "shorter than 2",
            ),
            (
                json!({"maxLength": 2}),
                json!("äö"),
                json!("äöü"),
                "longer than 2",
            ),
            (
                json!({"minItems": 1}),
                json!([1]),
                json!([]),
                "shorter than 1",
            ),
            (
                json!({"minProperties": 1}),
                json!({"a": 1}),
                json!({}),
                "shorter than 1",
            ),
            (json!({"minimum": 0}), json!(0), json!(-1), "less than 0"),
            (json!({"maximum": 9}), json!(9), json!(10), "more than 9"),
            (
                json!({"pattern": "^[0-9]{2}$"}),
                json!("12"),
                json!("123"),
                "does not match",
            ),
            (
                json!({"format": "date-time"}),
                json!("2026-01-01T00:00:00.5+01:00"),
                json!("yesterday"),
                "no date-time",
            ),
            (
                json!({"items": {"type": "string"}}),
                json!(["a"]),
                json!(["a", 1]),
                "(at `/1`)",
            ),
            (
                json!({"required": ["a"]}),
                json!({"a": null}),
                json!({"b": 1}),
                "no member `a`",
            ),
            (
                json!({"additionalProperties": false}),
                json!({}),
                json!({"b": 1}),
                "`b`, which is not described",
            ),
            (
                json!({"properties": {"m": inner}}),
                json!({"m": {"o": 1}}),
                json!({"m": {"n": 1}}),
                "(at `/m/n`)",
            ),
        ] {
            let read = Schema::read(&document, &schema);
            assert_eq!(read.problems(&good), Vec::<String>::new(), "{schema}");
            let problems = read.problems(&bad);
            assert_eq!(problems.len(), 1, "{schema}: {problems:?}");
            assert!(problems[0].contains(problem), "{schema}: {problems:?}");
        }
    }

    /// What a keyword does not speak of keeps to it.
    #[test]
    fn leaves_other_kinds_of_values_alone() {
        let schema = json!({
            "minLength": 2, "minItems": 1, "minProperties": 1, "minimum": 0, "maximum": 9,
            "pattern": "a", "format": "date-time", "required": ["a"], "additionalProperties": false,
        });
        let schema = Schema::read(&Value::Null, &schema);
        assert_eq!(schema.problems(&json!(true)), Vec::<String>::new());
        assert_eq!(schema.problems(&json!(null)), Vec::<String>::new());
    }

    #[test]
    #[should_panic(expected = "`oneOf: []` is not judged here")]
    fn refuses_what_it_does_not_judge() {
        Schema::read(&Value::Null, &json!({"oneOf": []}));
    }
}
