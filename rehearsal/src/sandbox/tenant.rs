//! One tenant of Authomize: a state machine of requests, moments and
//! validations, and nothing else.
//!
//! It is shared with the simulation, so it draws no random number, reads no
//! clock and lets no order of a hash map out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::model::{App, AppConfig, Validation};

mod apps;
mod body;
mod exchange;

pub use exchange::{ApiRequest, ApiResponse};

/// How much of the contract the server knows.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ContractLevel {
    /// All of it.
    #[default]
    Full,
    /// What the vendor publishes: no `config`, no `status`, no filter, no unique
    /// names, no idempotency. Unknown members are ignored.
    PublishedOnly,
}

/// How a tenant is set up.
#[derive(Clone, Debug)]
pub struct TenantOptions {
    /// The token that may do everything with apps.
    pub token: String,
    /// Tokens that are known and may do nothing.
    pub powerless_tokens: BTreeSet<String>,
    /// The vendor's other kind of token, sent as `Bearer <token>`. It may ask
    /// who it is, and nothing else that is kept here.
    pub platform_token: Option<String>,
    /// How much of the contract is known.
    pub contract: ContractLevel,
    /// How long a deleted record holds its name.
    pub deletion_takes: Duration,
    /// Requests accepted within one second; more are answered 429.
    pub rate: Option<u32>,
    /// The most records on a page, whatever is asked for.
    pub page_limit: usize,
    /// Whether a repeated `Idempotency-Key` is known again.
    pub knows_keys: bool,
}

impl Default for TenantOptions {
    fn default() -> Self {
        Self {
            token: "sandbox-token".to_owned(),
            powerless_tokens: BTreeSet::new(),
            platform_token: None,
            contract: ContractLevel::Full,
            deletion_takes: Duration::ZERO,
            rate: None,
            page_limit: 100,
            knows_keys: true,
        }
    }
}

/// A validation that somebody has to carry out.
#[derive(Clone, Debug)]
pub struct PendingValidation {
    /// Of which record.
    pub record: String,
    /// Which one of that record: an older one no longer counts.
    pub generation: u64,
    /// What to validate.
    pub config: AppConfig,
}

struct Kept {
    app: App,
    generation: u64,
    gone_at: Option<OffsetDateTime>,
}

/// The state of a tenant.
pub struct Tenant {
    options: TenantOptions,
    records: Vec<Kept>,
    made: u64,
    idempotency: BTreeMap<String, (Value, String)>,
    validations: Vec<PendingValidation>,
    accepted_at: Vec<OffsetDateTime>,
    finishes_deletes: bool,
}

impl Tenant {
    /// A tenant without apps.
    pub fn new(options: TenantOptions) -> Self {
        Self {
            options,
            records: Vec::new(),
            made: 0,
            idempotency: BTreeMap::new(),
            validations: Vec::new(),
            accepted_at: Vec::new(),
            finishes_deletes: true,
        }
    }

    /// Answers one request.
    pub fn handle(&mut self, now: OffsetDateTime, request: &ApiRequest) -> ApiResponse {
        self.finish_deletions(now);
        if request.path == "/is_alive" {
            return ApiResponse::ok(json!({"isAlive": true}));
        }
        if let Some(refusal) = self.refuse_the_token(request) {
            return refusal;
        }
        if let Some(seconds) = self.over_the_rate(now) {
            return ApiResponse::too_many(seconds);
        }
        let segments: Vec<&str> = request.path.split('/').skip(1).collect();
        match (request.method.as_str(), &segments[..]) {
            ("GET", ["me"]) => {
                ApiResponse::ok(json!({"version": "4.6.8", "id": "sandbox", "tenant": "sandbox"}))
            }
            ("GET", ["v2", "apps"]) => self.list(request),
            ("POST", ["v2", "apps"]) => self.create(now, request),
            ("GET", ["v2", "apps", id]) => self.read(id),
            ("PATCH", ["v2", "apps", id]) => self.amend(now, id, request),
            ("DELETE", ["v2", "apps", id]) => self.delete(now, id),
            ("DELETE", ["v2", "apps", id, "data"]) => self.delete_data(now, id),
            ("GET", ["v1", "connectors"]) => self.list_connectors(request),
            _ => ApiResponse::error(404, "there is nothing here"),
        }
    }

    /// The token that may do everything with apps.
    #[cfg(feature = "servers")]
    pub(super) fn token(&self) -> &str {
        &self.options.token
    }

    /// Every record that is not deleted, oldest first.
    pub fn apps(&self) -> Vec<App> {
        self.records
            .iter()
            .filter(|kept| kept.gone_at.is_none())
            .map(|kept| kept.app.clone())
            .collect()
    }

    /// Puts a record there that nobody asked for: a stranger's.
    pub fn insert(&mut self, now: OffsetDateTime, name: &str, config: Option<Value>) -> String {
        let app = self.new_app(now, name, config);
        let id = app.id.clone();
        self.records.push(Kept {
            app: App {
                status: "enabled".to_owned(),
                ..app
            },
            generation: 0,
            gone_at: None,
        });
        id
    }

    /// Takes every record away, as if somebody had deleted them by hand.
    pub fn remove_all(&mut self) {
        self.records.clear();
    }

    /// Takes every record away that bears a stack's marker.
    pub fn remove_marked(&mut self) {
        self.records.retain(|kept| kept.app.source().is_none());
    }

    /// Writes another stack into every marker.
    pub fn give_all_to(&mut self, stack_id: &str) {
        for kept in &mut self.records {
            if kept.app.source().is_some()
                && let Some(config) = &mut kept.app.config
            {
                config["source"]["stackId"] = json!(stack_id);
            }
        }
    }

    /// Gives every record this name.
    #[cfg(feature = "servers")]
    pub fn rename_all(&mut self, name: &str) {
        for kept in &mut self.records {
            name.clone_into(&mut kept.app.integration_name);
        }
    }

    /// Disables every record, as somebody may by hand.
    #[cfg(feature = "servers")]
    pub fn disable_all(&mut self) {
        for kept in &mut self.records {
            "disabled".clone_into(&mut kept.app.status);
        }
    }

    /// From now on this is the token, and the former one is revoked.
    #[cfg(feature = "servers")]
    pub fn set_token(&mut self, token: &str) {
        token.clone_into(&mut self.options.token);
    }

    /// Whether deletions come to their end when their time is over, as they do at
    /// first, or go on until this is called again.
    pub fn set_finish_deletes(&mut self, finish: bool) {
        self.finishes_deletes = finish;
    }

    /// The validations that somebody has to carry out now.
    pub fn take_validations(&mut self) -> Vec<PendingValidation> {
        std::mem::take(&mut self.validations)
    }

    /// Takes the outcome of a validation, unless a newer one has begun.
    pub fn finish_validation(&mut self, record: &str, generation: u64, outcome: Validation) {
        let Some(kept) = self
            .live(record)
            .filter(|kept| kept.generation == generation)
        else {
            return;
        };
        match outcome {
            Validation::Enabled { connected_apps } => {
                kept.app.status = "enabled".to_owned();
                kept.app.last_error = None;
                kept.app.connected_apps = connected_apps;
            }
            Validation::Failed { last_error } => {
                kept.app.status = "failure".to_owned();
                kept.app.last_error = Some(last_error);
                kept.app.connected_apps = Vec::new();
            }
        }
    }

    fn finish_deletions(&mut self, now: OffsetDateTime) {
        if self.finishes_deletes {
            self.records
                .retain(|kept| kept.gone_at.is_none_or(|gone_at| gone_at > now));
        }
    }

    fn refuse_the_token(&self, request: &ApiRequest) -> Option<ApiResponse> {
        let sent = request.authorization.as_deref();
        let bearer = sent.and_then(|sent| sent.strip_prefix("Bearer "));
        let is_platform = bearer.is_some() && bearer == self.options.platform_token.as_deref();
        match sent {
            Some(token) if token == self.options.token => None,
            Some(_) if is_platform && request.path == "/me" => None,
            Some(token) if is_platform || self.options.powerless_tokens.contains(token) => {
                let detail = "this token is not permitted to do that";
                Some(ApiResponse::error(403, detail))
            }
            _ => Some(ApiResponse::error(401, "the token is not valid")),
        }
    }

    fn over_the_rate(&mut self, now: OffsetDateTime) -> Option<u32> {
        let rate = self.options.rate?;
        self.accepted_at.retain(|at| now - *at < Duration::SECOND);
        if self.accepted_at.len() < rate as usize {
            self.accepted_at.push(now);
            return None;
        }
        Some(1)
    }

    fn is_full(&self) -> bool {
        self.options.contract == ContractLevel::Full
    }

    fn on_the_wire(&self, kept: &Kept) -> Value {
        if self.is_full() {
            kept.app.full()
        } else {
            kept.app.published()
        }
    }

    fn live(&mut self, id: &str) -> Option<&mut Kept> {
        self.records
            .iter_mut()
            .find(|kept| kept.app.id == id && kept.gone_at.is_none())
    }
}

#[cfg(test)]
mod tests;
