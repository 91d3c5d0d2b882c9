//! What one run knows and can reach.

use secrecy::SecretString;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use backon::{BackoffBuilder, ExponentialBuilder};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::failure::{Cause, Failure, UnusableToken};
use super::undo::Undo;
use crate::api_url::ApiUrl;
use crate::authomize::{Authomize, Credentials, Marker, Record};
use crate::aws::{Aws, AwsError, SecretValue};
use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::customer::Customer;
use crate::deadline::Waits;
use crate::envelope::Address;
use crate::hub::Hub;
use crate::metrics::Tally;
use crate::physical_id::{PhysicalId, ResourceHash};
use crate::progress::Progress;
use crate::properties::{Desired, Farewell, PropertyError};
use crate::stack::OwnStack;
use crate::stack_id::StackId;
use crate::text::printable;
use crate::token::Token;
use crate::wire::Wire;

/// How long CloudFormation waits for an answer, as the template says.
pub const SERVICE_TIMEOUT: Duration = Duration::from_secs(1200);

/// How old a request must be for its stack to be gone, for creating and deleting one takes
/// longer; and for what CloudFormation tells to be of it, for that is a few seconds late at
/// most. The date in the response URL has whole seconds.
pub(super) const LATE: Duration = Duration::from_secs(4);

/// One run of one request.
pub struct Session {
    /// The function's environment.
    pub configuration: Arc<Configuration>,
    /// The wire to the vendor and to AWS.
    pub wire: Arc<dyn Wire>,
    /// Whom to answer.
    pub address: Address,
    /// The stack that the request names.
    pub stack_id: StackId,
    /// Whom the request is for.
    pub customer: Customer,
    /// How long everything may take.
    pub waits: Waits,
    /// The time of day.
    pub clock: Clock,
    /// How long ago CloudFormation sent the request when this run began, as far as
    /// that can be told.
    pub age: Option<Duration>,
    /// When this run began.
    pub began: SystemTime,
    /// Shared with the courier.
    pub progress: Progress,
    /// For jitter.
    pub seed: u64,
    /// What this run made or took over, for the case that its answer is not believed.
    pub made: Mutex<Option<Undo>>,
    /// CloudFormation did not deny a Create to ask about its stack when the run began: who
    /// is denied that later may have lost a right.
    pub may_see_its_stack: AtomicBool,
    /// What a hub counts.
    pub tally: Tally,
}

/// How long a secret's "access denied" is taken for a role that is still new.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NewRole {
    /// The role may have been made a moment ago: ask again for a while.
    Possible,
    /// The role has worked before.
    RuledOut,
}

impl Session {
    /// The marker of this resource.
    pub fn marker(&self) -> Marker {
        Marker {
            stack_id: self.stack_id.to_string(),
            logical_resource_id: self.address.logical_id.clone(),
            hub: self.customer.hub().map(Hub::function_arn),
            released: false,
            taken_over: false,
            adopted_name: None,
        }
    }

    /// The marker that `record` bears when this resource has taken it over.
    pub fn marker_of_a_taken(&self, record: &Record) -> Marker {
        Marker {
            taken_over: true,
            adopted_name: record.adopted_name().map(ToOwned::to_owned),
            ..self.marker()
        }
    }

    /// The id of a Create that came to nothing.
    pub fn none_id(&self) -> PhysicalId {
        PhysicalId::None(self.hash())
    }

    /// The id of a Create whose outcome is unknown.
    pub fn pending_id(&self) -> PhysicalId {
        PhysicalId::Pending(self.hash())
    }

    fn hash(&self) -> ResourceHash {
        ResourceHash::of(&self.stack_id, &self.address.logical_id)
    }

    /// The id that came with the request, parsed.
    pub fn incoming_id(&self) -> PhysicalId {
        match &self.address.physical_id {
            Some(text) => PhysicalId::parse(text),
            None => self.pending_id(),
        }
    }

    /// Makes sure that the function serves the request's stack. A member's stack
    /// may be gone when its request is old, and nobody can be asked.
    ///
    /// # Errors
    /// [`Cause::AnotherStack`], [`Cause::FarFromTheHub`] or [`Cause::TooOld`].
    pub fn is_served(&self) -> Result<(), Cause> {
        match &self.customer {
            Customer::OwnStack => Ok(()),
            Customer::Member(_) if self.age.is_some_and(|age| age > SERVICE_TIMEOUT) => {
                Err(Cause::TooOld)
            }
            Customer::Member(_) => Ok(()),
            Customer::FarMember => Err(Cause::FarFromTheHub),
            Customer::Stranger => Err(Cause::AnotherStack),
        }
    }

    /// The key by which the vendor knows a request to register that it has had
    /// before. Of a member's each run has its own, so that what a run is told of is
    /// what it made itself, and may be undone if its answer is refused.
    pub fn idempotency_key(&self) -> String {
        let request = &self.address.request_id;
        if self.customer.is_a_member() {
            format!("{request}.{:016x}", self.seed)
        } else {
            request.clone()
        }
    }

    /// Notes how to undo what this run does, in case that CloudFormation does not
    /// believe its answer.
    pub(super) fn makes(&self, undo: &Undo) {
        *self.made() = Some(undo.clone());
    }

    /// From here on it is for another to undo what this run has done.
    pub(super) fn hands_on_undoing(&self) {
        *self.made() = None;
    }

    /// What this run has done and has to undo itself, if anything.
    pub(super) fn has_made(&self) -> Option<Undo> {
        self.made().clone()
    }

    fn made(&self) -> MutexGuard<'_, Option<Undo>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this may be a second run, or a first one after a long time: then
    /// an earlier one may have registered already. Lambda runs a lost request
    /// again after a minute at the earliest.
    pub fn may_be_a_second_run(&self) -> bool {
        self.age.is_none_or(|age| age > Duration::from_secs(45))
    }

    /// Whether the stack may be gone when this run begins: a request comes within a
    /// second as a rule. A member's stack is not this function's, nor is a laptop's.
    pub fn comes_late(&self) -> bool {
        let is_its_own = !self.customer.is_a_member() && !self.is_local();
        is_its_own && self.age.is_some_and(|age| age > LATE)
    }

    /// Waits until every request to the vendor has ended that another run may have under
    /// way, unless there is no time for that and what comes `after` it; whether it did.
    pub(super) async fn outlasts_requests(&self, after: Duration) -> bool {
        self.outlasts(self.waits.vendor_call, after).await
    }

    async fn outlasts(&self, wait: Duration, after: Duration) -> bool {
        let is_time = self.waits.allow(wait + after);
        if is_time {
            sleep(wait).await;
        }
        is_time
    }

    /// Waits until what CloudFormation tells is of the request, and not of what was before
    /// it, unless there is no time for that and for asking; whether it did.
    pub(super) async fn outlasts_late_looks(&self) -> bool {
        let age = self.clock.now().duration_since(self.asked_at());
        let wait = LATE.saturating_sub(age.unwrap_or_default());
        self.outlasts(wait, self.waits.aws_call).await
    }

    /// Waits until what CloudFormation tells is newer than anything that it told before,
    /// unless there is no time for that and for asking; whether it did.
    pub(super) async fn outlasts_looks(&self) -> bool {
        self.outlasts(LATE, self.waits.aws_call).await
    }

    /// When CloudFormation sent the request, or this run began if that cannot be
    /// told.
    pub fn asked_at(&self) -> SystemTime {
        self.began - self.age.unwrap_or_default()
    }

    /// Whether something in this run was slower than it is as a rule.
    pub fn has_taken_long(&self) -> bool {
        let waited = self.clock.now().duration_since(self.began);
        waited.is_ok_and(|waited| waited > self.waits.vendor_call / 8)
    }

    /// AWS, for this run.
    pub fn aws(&self) -> Aws {
        Aws::of(
            &self.configuration,
            &self.wire,
            self.clock,
            self.waits.aws_call,
        )
    }

    /// The stack, to ask CloudFormation about it.
    pub fn own_stack<'a>(&'a self, aws: &'a Aws) -> OwnStack<'a> {
        OwnStack {
            aws,
            id: &self.stack_id,
            logical_id: &self.address.logical_id,
            sent: self.age.map(|_| self.asked_at()),
            waits: self.waits,
            local: self.configuration.local.is_some(),
            foreign: self.customer.is_a_member(),
        }
    }

    /// Reads the token. Where the role may be new, "denied" is asked again until
    /// a role must have become known everywhere; where AWS is not working, a few
    /// times.
    ///
    /// # Errors
    /// [`Cause::NoSecret`], [`Cause::Secret`] or [`Cause::Token`].
    pub async fn token(&self, aws: &Aws, new_role: NewRole) -> Result<Token, Cause> {
        let arn = self.secret_arn()?;
        let give_up = Instant::now() + self.waits.role_propagation;
        let mut backoff = ExponentialBuilder::default()
            .with_min_delay(self.waits.backoff)
            .with_max_delay(self.waits.longest_backoff)
            .without_max_times()
            .with_jitter()
            .with_jitter_seed(self.seed)
            .build();
        loop {
            let cause = match read_token(aws, arn, self.is_local()).await {
                Ok(token) => return Ok(token),
                Err(cause) => cause,
            };
            let worth_it = match &cause {
                Cause::Secret { source, .. } => match source {
                    AwsError::Denied { .. } => new_role == NewRole::Possible,
                    AwsError::Unavailable(_) => true,
                    AwsError::NotFound { .. } | AwsError::Refused { .. } => false,
                },
                _ => false,
            };
            let wait = backoff.next().unwrap_or(self.waits.longest_backoff);
            let in_time = Instant::now() + wait < give_up && self.waits.allow(wait);
            if !(worth_it && in_time) {
                return Err(cause);
            }
            sleep(wait).await;
        }
    }

    /// Whether the function may not read the secret any more.
    pub(super) async fn loses_the_secret(&self, aws: &Aws, new_role: NewRole) -> bool {
        matches!(
            self.token(aws, new_role).await,
            Err(Cause::Secret {
                source: AwsError::Denied { .. },
                ..
            })
        )
    }

    fn secret_arn(&self) -> Result<&str, Cause> {
        let arn = self.configuration.secret_arn.as_deref();
        arn.ok_or(Cause::NoSecret)
    }

    /// The vendor's client. The secret's own address goes before the parameter;
    /// the parameter's must be the vendor's.
    ///
    /// # Errors
    /// [`Cause::ForeignHost`].
    pub fn vendor(
        &self,
        token: Token,
        parameter: ApiUrl,
        external_id: SecretString,
    ) -> Result<Authomize, Cause> {
        let api = trusted(parameter, token.url, self.is_local())?;
        let credentials = Credentials {
            token: token.secret,
            external_id,
        };
        Ok(Authomize::new(
            Arc::clone(&self.wire),
            api,
            credentials,
            self.waits,
            self.clock,
            self.seed,
        )
        .noting(&self.tally, &self.progress))
    }

    /// A failure that answers with the id that stands in the progress.
    pub fn fails(&self, cause: impl Into<Cause>) -> Failure {
        Failure {
            cause: Box::new(cause.into()),
            id: self.progress.id(),
            unfinished: None,
        }
    }

    /// Reads the properties of a Create or an Update.
    ///
    /// # Errors
    /// The first property that cannot be used.
    pub fn desired(&self, properties: &Value) -> Result<Desired, PropertyError> {
        crate::properties::warn_of_unknown(properties);
        self.desired_before(properties)
    }

    /// Reads the properties that an Update comes from.
    ///
    /// # Errors
    /// The first property that cannot be used, or that a hub says otherwise by now.
    pub fn desired_before(&self, properties: &Value) -> Result<Desired, PropertyError> {
        match self.customer.hub() {
            Some(hub) => hub.desired(&self.stack_id, properties),
            None => crate::properties::read(properties, &self.stack_id, self.is_local()),
        }
    }

    /// Reads the properties of a Delete.
    pub fn farewell(&self, properties: &Value) -> Farewell {
        match self.customer.hub() {
            Some(hub) => hub.farewell(&self.stack_id, properties),
            None => Farewell::read(properties, &self.stack_id, self.is_local()),
        }
    }

    pub(super) fn is_local(&self) -> bool {
        self.configuration.local.is_some()
    }
}

/// Reads the token out of its secret: once.
///
/// # Errors
/// [`Cause::Secret`] or [`Cause::Token`].
pub async fn read_token(aws: &Aws, arn: &str, is_local: bool) -> Result<Token, Cause> {
    match aws.secret(arn).await {
        Ok(SecretValue::Text(text)) => {
            Token::read(&text, is_local).map_err(|problem| unusable(arn, problem.into()))
        }
        Ok(SecretValue::Binary) => Err(unusable(arn, UnusableToken::Binary)),
        Err(source) => Err(Cause::Secret {
            arn: arn.to_owned(),
            source,
        }),
    }
}

/// Where the API is that a parameter and a secret name.
///
/// # Errors
/// [`Cause::ForeignHost`]: neither may lead there.
pub fn api_address(
    parameter: &str,
    named: Option<ApiUrl>,
    is_local: bool,
) -> Result<ApiUrl, Cause> {
    let parsed = if is_local {
        ApiUrl::parse_local(parameter)
    } else {
        ApiUrl::parse(parameter)
    };
    match (parsed, named) {
        (Ok(parameter), named) => trusted(parameter, named, is_local),
        (Err(_), Some(named)) => Ok(named),
        (Err(_), None) => Err(Cause::ForeignHost {
            given: printable(parameter),
        }),
    }
}

/// The secret's own address goes before the parameter; the parameter's must be the
/// vendor's.
fn trusted(parameter: ApiUrl, named: Option<ApiUrl>, is_local: bool) -> Result<ApiUrl, Cause> {
    match named {
        Some(named) => Ok(named),
        None if parameter.is_the_vendors() || is_local => Ok(parameter),
        None => Err(Cause::ForeignHost {
            given: parameter.to_string(),
        }),
    }
}

fn unusable(arn: &str, problem: UnusableToken) -> Cause {
    Cause::Token {
        arn: arn.to_owned(),
        problem,
    }
}
