//! One tenant of Authomize: a state machine of requests, moments and
//! validations, and nothing else.
//!
//! It is shared with the simulation, so it draws no random number, reads no
//! clock and lets no order of a hash map out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use time::{Duration, OffsetDateTime};

use super::model::{App, AppConfig, Validation, text};

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
    /// The token that may do everything.
    pub token: String,
    /// Tokens that are known and may do nothing.
    pub powerless_tokens: BTreeSet<String>,
    /// How much of the contract is known.
    pub contract: ContractLevel,
    /// How long a deleted record holds its name.
    pub deletion_takes: Duration,
    /// Requests accepted within one second; more are answered 429.
    pub rate: Option<u32>,
}

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
}

/// Page size where none is asked for; published.
const DEFAULT_LIMIT: usize = 20;

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
        }
    }

    /// Answers one request.
    pub fn handle(&mut self, now: OffsetDateTime, request: &ApiRequest) -> ApiResponse {
        self.finish_deletions(now);
        if request.path == "/is_alive" {
            return ok(json!({"isAlive": true}));
        }
        match request.authorization.as_deref() {
            Some(token) if token == self.options.token => {}
            Some(token) if self.options.powerless_tokens.contains(token) => {
                return error(403, "this token is not permitted to do that");
            }
            _ => return error(401, "the token is not valid"),
        }
        if let Some(retry_after) = self.over_the_rate(now) {
            return ApiResponse {
                retry_after: Some(retry_after),
                ..error(429, "too many requests")
            };
        }
        let segments: Vec<&str> = request.path.split('/').skip(1).collect();
        match (request.method.as_str(), &segments[..]) {
            ("GET", ["me"]) => {
                ok(json!({"version": "4.6.8", "id": "sandbox", "tenant": "sandbox"}))
            }
            ("GET", ["v2", "apps"]) => self.list(request),
            ("POST", ["v2", "apps"]) => self.create(now, request),
            ("GET", ["v2", "apps", id]) => self.read(id),
            ("PATCH", ["v2", "apps", id]) => self.amend(now, id, request),
            ("DELETE", ["v2", "apps", id]) => self.delete(now, id),
            _ => error(404, "there is nothing here"),
        }
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
        self.records
            .retain(|kept| kept.gone_at.is_none_or(|gone_at| gone_at > now));
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

    fn list(&self, request: &ApiRequest) -> ApiResponse {
        let number = |name: &str, default: usize| match request.query.get(name) {
            None => Ok(default),
            Some(text) => text.parse::<usize>().map_err(|_| name.to_owned()),
        };
        let (limit, skip) = match (number("limit", DEFAULT_LIMIT), number("skip", 0)) {
            (Ok(limit), Ok(skip)) => (limit.min(100), skip),
            (Err(name), _) | (_, Err(name)) => {
                return invalid("query", &name, "value is not a valid integer");
            }
        };
        let filter = request
            .query
            .get("integrationName")
            .filter(|_| self.is_full());
        let matching: Vec<&Kept> = self
            .records
            .iter()
            .filter(|kept| filter.is_none_or(|name| kept.app.integration_name == *name))
            .collect();
        let page: Vec<Value> = matching
            .iter()
            .skip(skip)
            .take(limit)
            .map(|kept| self.on_the_wire(kept))
            .collect();
        let total = matching.len();
        ok(json!({
            "pagination": {
                "limit": limit,
                "skip": skip,
                "total": total,
                "hasMore": skip + page.len() < total,
            },
            "data": page,
        }))
    }

    fn create(&mut self, now: OffsetDateTime, request: &ApiRequest) -> ApiResponse {
        let body = request.body.clone().unwrap_or_default();
        let name = match name_of(&body, "integrationName") {
            Ok(Some(name)) => name,
            Ok(None) => return invalid("body", "integrationName", "field required"),
            Err(response) => return response,
        };
        if let Some(problem) = self
            .is_full()
            .then(|| config_problem(&body["config"]))
            .flatten()
        {
            return problem;
        }
        if let Some(earlier) = self.earlier_answer(request, &body) {
            return earlier;
        }
        let taken = self
            .records
            .iter()
            .any(|kept| kept.app.integration_name == name);
        if self.is_full() && taken {
            return error(409, "an integration of this name exists already");
        }
        let config = body.get("config").cloned().filter(|_| self.is_full());
        let app = self.new_app(now, &name, config);
        let id = app.id.clone();
        self.records.push(Kept {
            app,
            generation: 0,
            gone_at: None,
        });
        self.validate_again(&id);
        if let Some(key) = request.idempotency_key.clone().filter(|_| self.is_full()) {
            self.idempotency.insert(key, (body, id.clone()));
        }
        self.read(&id)
    }

    /// The answer to a request with a key that was used before.
    fn earlier_answer(&self, request: &ApiRequest, body: &Value) -> Option<ApiResponse> {
        let key = request.idempotency_key.as_ref()?;
        let (earlier, id) = self.idempotency.get(key)?;
        if earlier != body {
            let message = "this key was used with another body";
            return Some(invalid("header", "Idempotency-Key", message));
        }
        let kept = self.records.iter().find(|kept| kept.app.id == *id)?;
        Some(ok(self.on_the_wire(kept)))
    }

    fn new_app(&mut self, now: OffsetDateTime, name: &str, config: Option<Value>) -> App {
        self.made += 1;
        App {
            id: format!("app_{:012}", self.made),
            created_at: now,
            modified_at: now,
            integration_name: name.to_owned(),
            service_type: config.is_some().then(|| "aws".to_owned()),
            config,
            status: "validating".to_owned(),
            last_error: None,
            connected_apps: Vec::new(),
        }
    }

    fn read(&self, id: &str) -> ApiResponse {
        match self.records.iter().find(|kept| kept.app.id == id) {
            Some(kept) => ok(self.on_the_wire(kept)),
            None => error(404, "there is no such app"),
        }
    }

    fn amend(&mut self, now: OffsetDateTime, id: &str, request: &ApiRequest) -> ApiResponse {
        let body = request.body.clone().unwrap_or_default();
        let name = match name_of(&body, "name") {
            Ok(name) => name,
            Err(response) => return response,
        };
        let full = self.is_full();
        let config = body.get("config").cloned().filter(|_| full);
        if let Some(problem) = config.as_ref().and_then(config_problem) {
            return problem;
        }
        let taken = name.as_ref().is_some_and(|name| {
            self.records
                .iter()
                .any(|kept| kept.app.integration_name == *name && kept.app.id != id)
        });
        if full && taken {
            return error(409, "an integration of this name exists already");
        }
        let Some(kept) = self.live(id) else {
            return error(404, "there is no such app");
        };
        kept.app.modified_at = now;
        if let Some(name) = name {
            kept.app.integration_name = name;
        }
        if let Some(config) = config {
            kept.app.config = Some(config);
            kept.app.service_type = Some("aws".to_owned());
            self.validate_again(id);
        }
        self.read(id)
    }

    /// Every change of a configuration, and a repetition of it, is validated.
    fn validate_again(&mut self, id: &str) {
        let Some(kept) = self.live(id) else { return };
        let Some(config) = kept.app.validated() else {
            return;
        };
        kept.generation += 1;
        kept.app.status = "validating".to_owned();
        let pending = PendingValidation {
            record: id.to_owned(),
            generation: kept.generation,
            config,
        };
        self.validations.push(pending);
    }

    fn delete(&mut self, now: OffsetDateTime, id: &str) -> ApiResponse {
        let gone_at = now + self.options.deletion_takes;
        let Some(kept) = self.live(id) else {
            return error(404, "there is no such app");
        };
        kept.app.status = "deleted".to_owned();
        kept.app.modified_at = now;
        kept.gone_at = Some(gone_at);
        ok(json!({"requestId": format!("delete-{id}"), "acceptedTimestamp": text(now)}))
    }
}

fn ok(body: Value) -> ApiResponse {
    ApiResponse {
        status: 200,
        retry_after: None,
        body,
    }
}

fn error(status: u16, detail: &str) -> ApiResponse {
    ApiResponse {
        status,
        retry_after: None,
        body: json!({"detail": detail}),
    }
}

/// 422 in the published shape.
fn invalid(place: &str, member: &str, message: &str) -> ApiResponse {
    let detail = json!([{"loc": [place, member], "msg": message, "type": "value_error"}]);
    ApiResponse {
        status: 422,
        retry_after: None,
        body: json!({"detail": detail}),
    }
}

/// The name in a body, if there is one.
fn name_of(body: &Value, member: &str) -> Result<Option<String>, ApiResponse> {
    match body.get(member) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(name)) if (1..=255).contains(&name.chars().count()) => {
            Ok(Some(name.clone()))
        }
        Some(_) => Err(invalid("body", member, "1 to 255 characters are accepted")),
    }
}

/// What is wrong with a `config`, if anything is.
fn config_problem(config: &Value) -> Option<ApiResponse> {
    if config.is_null() {
        return None;
    }
    let is_account = |id: &Value| {
        id.as_str()
            .is_some_and(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let accounts = config["accountIds"].as_array();
    if !accounts.is_some_and(|ids| !ids.is_empty() && ids.iter().all(is_account)) {
        return Some(invalid(
            "body",
            "accountIds",
            "12-digit account numbers are accepted",
        ));
    }
    let arn = config["roleArn"].as_str().unwrap_or_default();
    if !arn.starts_with("arn:") || !arn.contains(":role/") {
        return Some(invalid("body", "roleArn", "the ARN of a role is accepted"));
    }
    if config["externalId"].as_str().unwrap_or_default().len() < 2 {
        return Some(invalid(
            "body",
            "externalId",
            "at least 2 characters are accepted",
        ));
    }
    None
}

#[cfg(test)]
mod tests;
