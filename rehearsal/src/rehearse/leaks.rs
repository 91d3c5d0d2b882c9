//! Whether a secret slipped out of a world, wherever people or machines read.

use std::fs;

use super::world::World;
use crate::leak::{Secret, search};

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
        let log: Vec<String> = log.lines().map(str::to_owned).collect();
        let (answers, requests) = (self.bucket.answers(), self.sandbox.requests());
        search(&self.secrets(), &log, &answers, &requests)
    }

    /// Where the token is in these texts, which are of `place`.
    #[must_use]
    pub fn tokens_in(&self, place: &str, texts: &[String]) -> Vec<String> {
        let token = Secret::new("token", self.token());
        token.found_in(place, texts.iter().map(String::as_str))
    }

    /// Where a secret is in these texts, which are of `place`.
    #[must_use]
    pub fn leaks_in(&self, place: &str, texts: &[String]) -> Vec<String> {
        let found = |secret: &Secret| secret.found_in(place, texts.iter().map(String::as_str));
        self.secrets().iter().flat_map(found).collect()
    }
}
