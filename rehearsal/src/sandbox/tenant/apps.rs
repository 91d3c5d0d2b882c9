//! The operations on apps.

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::exchange::{ApiRequest, ApiResponse};
use super::{Kept, PendingValidation, Tenant, body};
use crate::sandbox::model::{App, text};

/// Page size where none is asked for; published.
const DEFAULT_LIMIT: usize = 20;

impl Tenant {
    pub(super) fn list(&self, request: &ApiRequest) -> ApiResponse {
        let filter = request
            .query
            .get("integrationName")
            .filter(|_| self.is_full());
        let is_asked_for =
            |kept: &&Kept| filter.is_none_or(|name| kept.app.integration_name == *name);
        let matching: Vec<&Kept> = self.records.iter().filter(is_asked_for).collect();
        self.page(request, &matching, |kept| self.on_the_wire(kept))
    }

    /// The apps as connectors of version 1, which the vendor's own client lists.
    pub(super) fn list_connectors(&self, request: &ApiRequest) -> ApiResponse {
        let all: Vec<&Kept> = self.records.iter().collect();
        self.page(request, &all, |kept| kept.app.connector())
    }

    /// The page that was asked for of these records.
    fn page(
        &self,
        request: &ApiRequest,
        matching: &[&Kept],
        shown: impl Fn(&Kept) -> Value,
    ) -> ApiResponse {
        let number = |name: &'static str, default: usize| match request.query.get(name) {
            None => Ok(default),
            Some(text) => text.parse::<usize>().map_err(|_| name),
        };
        let (limit, skip) = match (number("limit", DEFAULT_LIMIT), number("skip", 0)) {
            (Ok(limit), Ok(skip)) => (limit.min(self.options.page_limit), skip),
            (Err(name), _) | (_, Err(name)) => {
                let message = "value is not a valid integer";
                return ApiResponse::invalid(&["query", name], message);
            }
        };
        let total = matching.len();
        let page: Vec<Value> = matching
            .iter()
            .skip(skip)
            .take(limit)
            .map(|kept| shown(kept))
            .collect();
        ApiResponse::ok(json!({
            "pagination": {
                "limit": limit,
                "skip": skip,
                "total": total,
                "hasMore": skip + page.len() < total,
            },
            "data": page,
        }))
    }

    pub(super) fn create(&mut self, now: OffsetDateTime, request: &ApiRequest) -> ApiResponse {
        self.try_to_create(now, request)
            .unwrap_or_else(|refusal| refusal)
    }

    fn try_to_create(
        &mut self,
        now: OffsetDateTime,
        request: &ApiRequest,
    ) -> Result<ApiResponse, ApiResponse> {
        let sent = request.body.clone().unwrap_or_default();
        let Some(name) = body::name(&sent, "integrationName")? else {
            let location = ["body", "integrationName"];
            return Err(ApiResponse::invalid(&location, "field required"));
        };
        let config = self.config_of(&sent)?;
        if let Some(earlier) = self.earlier_answer(request, &sent) {
            return earlier;
        }
        self.refuse_a_taken_name(&name, None)?;
        let app = self.new_app(now, &name, config);
        let id = app.id.clone();
        self.records.push(Kept {
            app,
            generation: 0,
            gone_at: None,
        });
        self.validate_again(&id);
        if let Some(key) = request
            .idempotency_key
            .clone()
            .filter(|_| self.knows_keys())
        {
            self.idempotency.insert(key, (sent, id.clone()));
        }
        Ok(self.read(&id))
    }

    fn knows_keys(&self) -> bool {
        self.is_full() && self.options.knows_keys
    }

    /// The answer to a request with a key that was used before.
    fn earlier_answer(
        &self,
        request: &ApiRequest,
        sent: &Value,
    ) -> Option<Result<ApiResponse, ApiResponse>> {
        let key = request.idempotency_key.as_ref()?;
        let (earlier, id) = self.idempotency.get(key)?;
        if earlier != sent {
            let location = ["header", "Idempotency-Key"];
            let message = "this key was used with another body";
            return Some(Err(ApiResponse::invalid(&location, message)));
        }
        let kept = self.records.iter().find(|kept| kept.app.id == *id)?;
        Some(Ok(ApiResponse::ok(self.on_the_wire(kept))))
    }

    pub(super) fn read(&self, id: &str) -> ApiResponse {
        match self.records.iter().find(|kept| kept.app.id == id) {
            Some(kept) => ApiResponse::ok(self.on_the_wire(kept)),
            None => no_such_app(),
        }
    }

    pub(super) fn amend(
        &mut self,
        now: OffsetDateTime,
        id: &str,
        request: &ApiRequest,
    ) -> ApiResponse {
        self.try_to_amend(now, id, request)
            .unwrap_or_else(|refusal| refusal)
    }

    fn try_to_amend(
        &mut self,
        now: OffsetDateTime,
        id: &str,
        request: &ApiRequest,
    ) -> Result<ApiResponse, ApiResponse> {
        let sent = request.body.clone().unwrap_or_default();
        let name = body::name(&sent, "name")?;
        let config = self.config_of(&sent)?;
        if let Some(name) = &name {
            self.refuse_a_taken_name(name, Some(id))?;
        }
        let kept = self.live(id).ok_or_else(no_such_app)?;
        kept.app.modified_at = now;
        if let Some(name) = name {
            kept.app.integration_name = name;
        }
        if let Some(config) = config {
            kept.app.config = Some(config);
            kept.app.service_type = Some("aws".to_owned());
            self.validate_again(id);
        }
        Ok(self.read(id))
    }

    /// The configuration that was sent, where the server knows of it.
    fn config_of(&self, sent: &Value) -> Result<Option<Value>, ApiResponse> {
        if self.is_full() {
            body::config(sent)
        } else {
            Ok(None)
        }
    }

    /// A record that is being deleted holds its name, too.
    fn refuse_a_taken_name(&self, name: &str, own: Option<&str>) -> Result<(), ApiResponse> {
        let taken =
            |kept: &Kept| kept.app.integration_name == name && own != Some(kept.app.id.as_str());
        if self.is_full() && self.records.iter().any(taken) {
            let detail = "an integration of this name exists already";
            return Err(ApiResponse::error(409, detail));
        }
        Ok(())
    }

    pub(super) fn new_app(
        &mut self,
        now: OffsetDateTime,
        name: &str,
        config: Option<Value>,
    ) -> App {
        self.made += 1;
        App {
            id: format!("app_{:012}", self.made),
            created_at: now,
            modified_at: now,
            integration_name: name.to_owned(),
            service_type: config.is_some().then(|| "aws".to_owned()),
            config,
            status: "initializing".to_owned(),
            last_error: None,
            connected_apps: Vec::new(),
        }
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

    pub(super) fn delete(&mut self, now: OffsetDateTime, id: &str) -> ApiResponse {
        let gone_at = now + self.options.deletion_takes;
        let Some(kept) = self.live(id) else {
            return no_such_app();
        };
        kept.app.status = "deleted".to_owned();
        kept.app.modified_at = now;
        kept.gone_at = Some(gone_at);
        accepted(now, &format!("delete-{id}"))
    }

    /// Deletes what an app brought, and not the app. An AWS app brings nothing
    /// here, so there is nothing to do.
    pub(super) fn delete_data(&mut self, now: OffsetDateTime, id: &str) -> ApiResponse {
        match self.live(id) {
            Some(_) => accepted(now, &format!("delete-data-{id}")),
            None => no_such_app(),
        }
    }
}

fn accepted(now: OffsetDateTime, request: &str) -> ApiResponse {
    ApiResponse::ok(json!({"requestId": request, "acceptedTimestamp": text(now)}))
}

fn no_such_app() -> ApiResponse {
    ApiResponse::error(404, "there is no such app")
}
