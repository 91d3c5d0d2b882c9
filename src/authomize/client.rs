//! The client: one method for each thing that we ask the vendor.
//!
//! Requests that may be repeated are, with backoff, until work has to end. The
//! one that may not, the creation of a record, is tried once: what to do when
//! its outcome is unknown is the lifecycle's decision.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use backon::BackoffBuilder;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout_at};
use tracing::info;

use super::error::ApiError;
use super::patience::{Patience, backoff};
use super::record::{Marker, Marking, Record, Status, config};
use super::response;
use crate::api_url::ApiUrl;
use crate::clock::Clock;
use crate::deadline::Waits;
use crate::metrics::Tally;
use crate::progress::Progress;
use crate::properties::Registration;
use crate::record_id::RecordId;
use crate::wire::{self, Wire, WireError};

/// Records of a list are asked for in pages of this size.
const PAGE: usize = 100;

/// Pages that are read at most: a tenant of 20,000 records that a server
/// without the name's filter makes us page through.
const PAGES: usize = 200;

/// How often a request that fails is tried at most.
pub const TRIES: usize = 6;

/// What the vendor knows us by. Their `Debug` shows nothing.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The API token, a bare header value.
    pub token: SecretString,
    /// The external id of the trust role, never to be shown either.
    pub external_id: SecretString,
}

/// The vendor's API, for one invocation.
#[derive(Clone, Debug)]
pub struct Authomize {
    wire: Arc<dyn Wire>,
    api: ApiUrl,
    credentials: Credentials,
    waits: Waits,
    clock: Clock,
    seed: u64,
    clock_of_the_vendor: Arc<Mutex<Option<(OffsetDateTime, SystemTime)>>>,
    tally: Tally,
    progress: Option<Progress>,
}

impl Authomize {
    /// A client that has sent nothing yet; `seed` is for the jitter.
    pub fn new(
        wire: Arc<dyn Wire>,
        api: ApiUrl,
        credentials: Credentials,
        waits: Waits,
        clock: Clock,
        seed: u64,
    ) -> Self {
        Self {
            wire,
            api,
            credentials,
            waits,
            clock,
            seed,
            clock_of_the_vendor: Arc::default(),
            tally: Tally::default(),
            progress: None,
        }
    }

    /// The same client, noting how long it waits, and what it meets on the way.
    pub fn noting(self, tally: &Tally, progress: &Progress) -> Self {
        Self {
            tally: tally.clone(),
            progress: Some(progress.clone()),
            ..self
        }
    }

    /// The address that this client talks to.
    pub fn api(&self) -> &ApiUrl {
        &self.api
    }

    /// The same client with another end of work.
    pub fn until(&self, end: Instant) -> Self {
        let mut client = self.clone();
        client.waits.work_until = end;
        client
    }

    /// Does something with this client until it is done or work has to end, in
    /// the middle of a request if need be.
    ///
    /// # Errors
    /// What came of it, or that there was no answer in time.
    pub async fn in_time<T>(
        &self,
        something: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        timeout_at(self.waits.work_until, something)
            .await
            .unwrap_or_else(|_| Err(self.unreachable(WireError::TimedOut(self.waits.vendor_call))))
    }

    /// Makes a record; tried once. A server that knows the idempotency key
    /// makes no second one when it is sent again.
    ///
    /// # Errors
    /// See [`ApiError::leaves_the_outcome_open`].
    pub async fn create(
        &self,
        registration: &Registration,
        marker: &Marker,
        idempotency_key: &str,
    ) -> Result<Record, ApiError> {
        let body = json!({
            "integrationName": registration.name,
            "serviceType": "aws",
            "config": config(registration, marker),
        });
        let key = HeaderValue::from_str(idempotency_key).ok();
        let answer = self
            .call(Method::POST, "/v2/apps", Some(&body), key)
            .await?;
        self.record(answer)
    }

    /// Reads a record; none if the vendor does not have it, or has it no longer than
    /// its deletion takes.
    ///
    /// # Errors
    /// The vendor could not be asked.
    pub async fn read(&self, id: &RecordId) -> Result<Option<Record>, ApiError> {
        match self.ask(Method::GET, &path_of(id), None).await {
            Ok(answer) => {
                let record = self.record(answer)?;
                Ok((record.status != Status::Deleted).then_some(record))
            }
            Err(ApiError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All records of a name. A server that does not filter is paged through.
    ///
    /// # Errors
    /// The vendor could not be asked, or has more pages than are read.
    pub async fn find(&self, name: &str) -> Result<Vec<Record>, ApiError> {
        let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let filter = format!("&integrationName={encoded}");
        let mut found = Vec::new();
        let mut skip = 0;
        for _ in 0..PAGES {
            let page = self.page_of(&filter, skip).await?;
            let length = page.records.len();
            let of_the_name = |record: &Record| record.name.as_deref() == Some(name);
            found.extend(page.records.into_iter().filter(of_the_name));
            skip += length;
            if !page.has_more || length == 0 {
                return Ok(found);
            }
        }
        Err(ApiError::Unreadable(format!(
            "more than {PAGES} pages of records"
        )))
    }

    /// The records of the tenant from the `skip`th on, in pages of this server's size.
    ///
    /// # Errors
    /// The vendor could not be asked.
    pub async fn page(&self, skip: usize) -> Result<response::Page, ApiError> {
        self.page_of("", skip).await
    }

    async fn page_of(&self, filter: &str, skip: usize) -> Result<response::Page, ApiError> {
        let path = format!("/v2/apps?limit={PAGE}&skip={skip}{filter}");
        let answer = self.ask(Method::GET, &path, None).await?;
        response::page(answer, &self.secrets())
    }

    /// Brings a record up to date, and has the vendor validate it again. One try: before
    /// another one it has to be asked whether that is still wanted.
    ///
    /// # Errors
    /// [`ApiError::NotFound`] if the record is gone.
    pub async fn amend(
        &self,
        id: &RecordId,
        registration: &Registration,
        marker: &Marker,
    ) -> Result<Record, ApiError> {
        let body = json!({"name": registration.name, "config": config(registration, marker)});
        let path = path_of(id);
        let answer = self.call(Method::PATCH, &path, Some(&body), None).await?;
        self.record(answer)
    }

    /// Writes `record` back, marked as let go, over what `holder` marks. Where the
    /// server keeps no marker there is nothing to mark. Before another try the record
    /// is looked at: a try whose answer was lost may have let it go, and another stack
    /// may have taken it over since.
    ///
    /// # Errors
    /// The vendor refused or could not be asked.
    pub async fn release(&self, record: &Record, holder: &Marking) -> Result<(), ApiError> {
        self.write_back(&record.id, record.release(), holder).await
    }

    /// Writes `record` back as it was before it was taken over from nobody, or from a
    /// stack that had let it go, over what `holder` marks.
    ///
    /// # Errors
    /// The vendor refused or could not be asked.
    pub async fn give_back(&self, record: &Record, holder: &Marking) -> Result<(), ApiError> {
        self.write_back(&record.id, record.return_to_this(), holder)
            .await
    }

    /// Writes the change, if there is one. A name that another record has by now is not
    /// given back.
    async fn write_back(
        &self,
        id: &RecordId,
        change: Option<Value>,
        holder: &Marking,
    ) -> Result<(), ApiError> {
        let Some(mut change) = change else {
            return Ok(());
        };
        let path = path_of(id);
        let mut patience = self.patience(TRIES - 1);
        loop {
            let error = match self.call(Method::PATCH, &path, Some(&change), None).await {
                Ok(_) | Err(ApiError::NotFound) => return Ok(()),
                Err(ApiError::Conflict) if change["name"].is_string() => {
                    change = json!({"config": change["config"]});
                    continue;
                }
                Err(error) => error,
            };
            let Some(wait) = patience.before_another_try(&error) else {
                return Err(error);
            };
            sleep(wait).await;
            if !self.is_held(id, holder).await? {
                return Ok(());
            }
        }
    }

    /// Removes a record with its data. Accepted is enough: the vendor does it in the
    /// background. A record that is gone is removed. Before another try, and when an
    /// answer does not make sense and may be anybody's, the record is looked at: it may
    /// be gone, or have been let go meanwhile, and be another stack's.
    ///
    /// # Errors
    /// The vendor refused or could not be asked.
    pub async fn remove(&self, record: &Record) -> Result<(), ApiError> {
        let path = path_of(&record.id);
        let mut patience = self.patience(TRIES - 1);
        loop {
            let error = match self.call(Method::DELETE, &path, None, None).await {
                Ok(_) | Err(ApiError::NotFound) => return Ok(()),
                Err(error) => error,
            };
            let wait = patience.before_another_try(&error);
            if wait.is_none() && !matches!(error, ApiError::Unreadable(_)) {
                return Err(error);
            }
            sleep(wait.unwrap_or_default()).await;
            if !self.is_held(&record.id, &record.marking).await? {
                return Ok(());
            }
            if wait.is_none() {
                return Err(error);
            }
        }
    }

    /// Whether the record is there still, and marked as `holder` marks it.
    async fn is_held(&self, id: &RecordId, holder: &Marking) -> Result<bool, ApiError> {
        let now = self.read(id).await?;
        Ok(now.is_some_and(|now| now.marking == *holder))
    }

    /// Asks whose token it is: the cheapest proof that it is accepted.
    ///
    /// # Errors
    /// The token is refused, or the vendor could not be asked.
    pub async fn check_token(&self) -> Result<(), ApiError> {
        self.ask(Method::GET, "/me", None).await.map(drop)
    }

    /// The same, tried once: to see what the vendor says to many requests.
    ///
    /// # Errors
    /// The token is refused, or the vendor could not be asked.
    pub async fn try_token(&self) -> Result<(), ApiError> {
        self.call(Method::GET, "/me", None, None).await.map(drop)
    }

    /// What the vendor's clock showed at a moment of ours, once it answered.
    /// Its `Date` header has whole seconds.
    pub fn vendors_time_at(&self, ours: SystemTime) -> Option<OffsetDateTime> {
        let pair = *self
            .clock_of_the_vendor
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let (theirs, read_at) = pair?;
        Some(response::at(theirs, read_at, ours))
    }

    /// Sends a request that may be sent again, until it works, cannot work, or
    /// work has to end.
    async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value, ApiError> {
        let mut patience = self.patience(TRIES - 1);
        loop {
            let error = match self.call(method.clone(), path, body, None).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let Some(wait) = patience.before_another_try(&error) else {
                return Err(error);
            };
            sleep(wait).await;
        }
    }

    /// Waits that grow, with jitter.
    pub fn waits(&self, times: usize) -> impl Iterator<Item = Duration> + use<> {
        backoff(&self.waits, times, self.seed).build()
    }

    /// The waits between the tries of one thing that is tried again `times` times when
    /// it fails.
    pub fn patience(&self, times: usize) -> Patience {
        Patience::new(self.waits, times, self.seed)
    }

    /// One request, one try; what may end otherwise the next time is noted.
    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<HeaderValue>,
    ) -> Result<Value, ApiError> {
        let answer = self.send(method, path, body, idempotency_key).await;
        if let (Err(error), Some(progress)) = (&answer, &self.progress)
            && error.is_retryable()
        {
            progress.meets(error);
        }
        answer
    }

    /// One request, one log line.
    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<HeaderValue>,
    ) -> Result<Value, ApiError> {
        let request = self.request(&method, path, body, idempotency_key)?;
        let started = Instant::now();
        self.tally.asks_at(started);
        let outcome = wire::send(&self.wire, request, self.waits.vendor_call).await;
        let status = outcome
            .as_ref()
            .map_or(0, |response| response.status().as_u16());
        info!(
            http.method = method.as_str(),
            http.path = path.split('?').next(),
            http.status = status,
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "asked Authomize"
        );
        let response = outcome.map_err(|error| match error {
            WireError::TooLarge => ApiError::Unreadable(error.to_string()),
            error => self.unreachable(error),
        })?;
        self.note_the_vendors_clock(&response);
        let read = response::read(&response, &self.secrets());
        if let Err(ApiError::RateLimited { .. } | ApiError::Unavailable { .. }) = &read {
            self.tally.is_turned_away_at(Instant::now());
        }
        read
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: Option<&Value>,
        idempotency_key: Option<HeaderValue>,
    ) -> Result<Request<Bytes>, ApiError> {
        let mut token = HeaderValue::from_str(self.credentials.token.expose_secret())
            .map_err(|_| ApiError::Unauthorized)?;
        token.set_sensitive(true);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.api.origin()))
            .header(header::AUTHORIZATION, token)
            .header(header::ACCEPT, "application/json");
        if let Some(key) = idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        request
            .body(body)
            .map_err(|error| self.unreachable(WireError::NotSent(error.to_string())))
    }

    fn unreachable(&self, source: WireError) -> ApiError {
        ApiError::Unreachable {
            api: self.api.clone(),
            source,
        }
    }

    fn note_the_vendors_clock(&self, response: &Response<Bytes>) {
        if let Some(date) = response::date(response) {
            *self
                .clock_of_the_vendor
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some((date, self.clock.now()));
        }
    }

    fn record(&self, app: Value) -> Result<Record, ApiError> {
        response::record(app, &self.secrets())
    }

    fn secrets(&self) -> [&SecretString; 2] {
        [&self.credentials.token, &self.credentials.external_id]
    }
}

fn path_of(id: &RecordId) -> String {
    format!("/v2/apps/{id}")
}
