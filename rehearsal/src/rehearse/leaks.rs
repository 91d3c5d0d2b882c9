//! Whether a secret slipped out of a world, wherever people or machines read.

use std::fs;

use super::world::World;
use crate::leak::Secret;

impl World {
    /// The secrets of this world: the token, the external id, and the signature
    /// of every response URL.
    #[must_use]
    pub fn secrets(&self) -> Vec<Secret> {
        let signatures = self.engine.requests().into_iter().filter_map(|request| {
            let url = request["ResponseURL"].as_str()?;
            let (_, signature) = url.rsplit_once('=')?;
            Some(Secret::new("response URL", signature))
        });
        let named = [
            Secret::new("token", self.token()),
            Secret::new("external id", self.external_id()),
        ];
        named.into_iter().chain(signatures).collect()
    }

    /// Where a secret is in what the functions wrote, in the answers, and in the
    /// request lines that the vendor keeps.
    #[must_use]
    pub fn leaks(&self) -> Vec<String> {
        let log = fs::read_to_string(self.engine.log()).unwrap_or_default();
        let answers = self.bucket.answers();
        let bodies: Vec<_> = answers
            .iter()
            .map(|answer| String::from_utf8_lossy(&answer.body))
            .collect();
        let told: Vec<String> = self
            .sandbox
            .requests()
            .iter()
            .map(|call| format!("{} {:?} {:?}", call.path, call.query, call.idempotency_key))
            .collect();
        let mut found = Vec::new();
        for secret in self.secrets() {
            found.extend(secret.found_in("log line", log.lines()));
            found.extend(secret.found_in("answer", bodies.iter().map(AsRef::as_ref)));
            found.extend(secret.found_in("request line", told.iter().map(String::as_str)));
        }
        found
    }
}
