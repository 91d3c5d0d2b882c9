//! Requests to custom resources: what was sent, and how it is delivered.

use std::fs;
use std::io;
use std::path::PathBuf;

use bytes::Bytes;
use serde_json::{Value, json};

use super::Engine;
use crate::answer_bucket::forward;

/// The launcher keeps every request in this file of its folder.
const REQUESTS: &str = "requests.jsonl";

/// While there is this file, the launcher delivers every request twice.
const TWICE: &str = "twice";

impl Engine {
    /// Every request that was sent to a custom resource, oldest first, with
    /// its response URL.
    #[must_use]
    pub fn requests(&self) -> Vec<Value> {
        let kept = fs::read_to_string(self.file(REQUESTS)).unwrap_or_default();
        kept.lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// From now on Lambda delivers each event twice at once, which it may do
    /// at any time, or no more.
    ///
    /// # Errors
    /// The engine's folder cannot be written.
    pub fn deliver_twice(&self, twice: bool) -> io::Result<()> {
        if twice {
            fs::write(self.file(TWICE), "")
        } else {
            fs::remove_file(self.file(TWICE))
        }
    }

    /// Lets CloudFormation give up on a request for `reason`, as it does with
    /// every resource under way when another one fails. Whatever the function
    /// answers afterwards comes too late.
    pub async fn give_up_on(&self, request_id: &str, reason: &str) {
        let answer = json!({"Status": "FAILED", "Reason": reason}).to_string();
        // A request that is answered already cannot be given up.
        forward::hand_on(self.address(), request_id, Bytes::from(answer))
            .await
            .ok();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }
}
