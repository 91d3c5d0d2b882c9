//! A request and its answer, without their transport.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// A request, without its transport.
#[derive(Clone, Debug, Default)]
pub struct ApiRequest {
    /// For example `PATCH`.
    pub method: String,
    /// Without the query.
    pub path: String,
    /// The query's members, decoded.
    pub query: BTreeMap<String, String>,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `Idempotency-Key` header.
    pub idempotency_key: Option<String>,
    /// The body, if it is JSON.
    pub body: Option<Value>,
}

/// An answer, without its transport.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiResponse {
    /// The status.
    pub status: u16,
    /// `Retry-After` in seconds.
    pub retry_after: Option<u32>,
    /// The body.
    pub body: Value,
}

impl ApiResponse {
    /// 200 with this body.
    pub(super) fn ok(body: Value) -> Self {
        Self {
            status: 200,
            retry_after: None,
            body,
        }
    }

    /// An error with a sentence.
    pub(super) fn error(status: u16, detail: &str) -> Self {
        Self {
            status,
            retry_after: None,
            body: json!({"detail": detail}),
        }
    }

    /// 429.
    pub(super) fn too_many(seconds: u32) -> Self {
        Self {
            retry_after: Some(seconds),
            ..Self::error(429, "too many requests")
        }
    }

    /// 422 in the published shape, for the member at `location`.
    pub(super) fn invalid(location: &[&str], message: &str) -> Self {
        let detail = json!([{"loc": location, "msg": message, "type": "value_error"}]);
        Self {
            status: 422,
            retry_after: None,
            body: json!({"detail": detail}),
        }
    }
}
