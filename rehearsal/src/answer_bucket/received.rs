//! What the bucket keeps of each request.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;

/// One PUT that reached the bucket.
#[derive(Debug, Clone)]
pub struct ReceivedAnswer {
    /// The request that it answers, read from the path; empty when the path
    /// names none.
    pub request_id: String,
    /// The stack that it answers for, read from the path; empty when the
    /// path names none.
    pub stack_id: String,
    /// The body byte for byte.
    pub body: Bytes,
    /// The body as JSON; `null` when it is none.
    pub json: Value,
    /// All headers of the request.
    pub headers: HeaderMap,
    /// What the bucket did with it.
    pub verdict: Verdict,
}

impl ReceivedAnswer {
    /// A text field of the answer, such as `Status`; empty when absent.
    #[must_use]
    pub fn text(&self, field: &str) -> &str {
        self.json[field].as_str().unwrap_or_default()
    }
}

/// What the bucket did with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Verified, kept and, where there is an engine, handed on.
    Accepted,
    /// Refused with 403 and this S3 error code.
    Refused {
        /// Such as `SignatureDoesNotMatch`.
        code: &'static str,
        /// What S3 would say about it.
        message: String,
    },
    /// Verified, but the engine did not take it; answered 500.
    NotHandedOn {
        /// What the engine said.
        message: String,
    },
    /// A scripted fault met it and nothing was handed on.
    Faulted,
}
