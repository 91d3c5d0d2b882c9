//! Property values as CloudFormation writes them.
//!
//! Scalars arrive as strings, whatever the template says, and a list parameter
//! that was left empty arrives as a list of one empty string. An empty string
//! is as good as absent.

use serde_json::{Map, Value};

use super::{PropertyError, refused, wrong_type};

/// The properties of one request.
pub(super) struct Fields<'a>(&'a Map<String, Value>);

/// What a value is, and what it should have been.
pub(super) struct WrongType(pub(super) &'static str, pub(super) &'static str);

impl<'a> Fields<'a> {
    pub(super) fn new(properties: &'a Value) -> Result<Self, PropertyError> {
        properties.as_object().map(Self).ok_or_else(|| {
            wrong_type(
                "ResourceProperties",
                WrongType(kind(properties), "accepted is an object"),
            )
        })
    }

    /// A text, trimmed; none if absent or empty.
    pub(super) fn text(
        &self,
        name: &str,
        parameter: &'static str,
    ) -> Result<Option<String>, PropertyError> {
        let text = match self.0.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Bool(boolean)) => boolean.to_string(),
            Some(other) => {
                return Err(wrong_type(
                    parameter,
                    WrongType(kind(other), "accepted is a text"),
                ));
            }
        };
        Ok((!text.is_empty()).then_some(text))
    }

    /// `true` or `false` in any spelling of the letters; false if absent.
    pub(super) fn boolean(
        &self,
        name: &str,
        parameter: &'static str,
    ) -> Result<bool, PropertyError> {
        match self.text(name, parameter)? {
            None => Ok(false),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            Some(text) => Err(refused(parameter, &text, "accepted are true and false")),
        }
    }

    /// One of a few words; absent is fine.
    pub(super) fn choice(
        &self,
        name: &str,
        parameter: &'static str,
        words: &[&str],
        accepted: &'static str,
    ) -> Result<(), PropertyError> {
        match self.text(name, parameter)? {
            Some(text) if !words.contains(&text.as_str()) => {
                Err(refused(parameter, &text, accepted))
            }
            _ => Ok(()),
        }
    }

    /// A list of texts, trimmed, without empty ones. A single text is a list
    /// with commas.
    pub(super) fn list(
        &self,
        name: &str,
        parameter: &'static str,
    ) -> Result<Vec<String>, PropertyError> {
        let items: Vec<&str> = match self.0.get(name) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::String(text)) => text.split(',').collect(),
            Some(Value::Array(items)) => items
                .iter()
                .map(|item| {
                    item.as_str().ok_or_else(|| {
                        wrong_type(
                            parameter,
                            WrongType(kind(item), "accepted is a list of texts"),
                        )
                    })
                })
                .collect::<Result<_, _>>()?,
            Some(other) => {
                let accepted = "accepted is a list of texts";
                return Err(wrong_type(parameter, WrongType(kind(other), accepted)));
            }
        };
        Ok(items
            .into_iter()
            .map(|item| item.trim().to_owned())
            .filter(|item| !item.is_empty())
            .collect())
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
