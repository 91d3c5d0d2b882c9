//! AWS, as far as the function asks it: one secret, its own stack, and an admin's
//! StackSet.
//!
//! The SDK's clients are made at first use and send their requests over our own
//! wire. Retries, timeouts and the cache of identities are off in them: how long
//! something may take is decided in one place, [`crate::deadline`].

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sdk_cloudformation::config::{
    BehaviorVersion, IdentityCache, StalledStreamProtectionConfig,
};
use aws_sdk_secretsmanager::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::retry::RetryConfig;
use aws_smithy_types::timeout::TimeoutConfig;
use bytes::Bytes;
use thiserror::Error;

use crate::account_id::AccountId;
use crate::admin::settings::StackSetName;
use crate::admin::stack_set::{Instance, InstancePage};
use crate::clock::Clock;
use crate::configuration::Configuration;
use crate::text::{printable, shown};
use crate::wire::{self, Wire, WireError};

/// How AWS is reached, for one invocation.
#[derive(Clone, Debug)]
pub struct Aws {
    /// The wire under the SDK.
    pub wire: Arc<dyn Wire>,
    /// The function role's credentials. Their `Debug` hides the secret parts.
    pub credentials: Credentials,
    /// Another address of AWS, in local mode.
    pub endpoint: Option<String>,
    /// The time that requests are signed with.
    pub clock: Clock,
    /// For one request.
    pub patience: Duration,
}

/// Why AWS did not say what it was asked, by what can be done about it.
#[derive(Clone, Debug, Error)]
pub enum AwsError {
    /// The function's role lacks the right, or is too new to be believed.
    #[error("access is denied ({code})")]
    Denied {
        /// AWS's word for it.
        code: String,
    },
    /// It does not exist.
    #[error("it does not exist ({code})")]
    NotFound {
        /// AWS's word for it.
        code: String,
    },
    /// Any other refusal.
    #[error("AWS refused ({code})")]
    Refused {
        /// AWS's word for it.
        code: String,
    },
    /// Throttled, failing, or not reached.
    #[error("AWS cannot be asked at the moment ({0})")]
    Unavailable(String),
}

impl AwsError {
    fn of<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> Self {
        let code = || error.code().unwrap_or("no code").to_owned();
        match error {
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let message = error.message().unwrap_or_default();
                match error.code().unwrap_or_default() {
                    _ if status < 300 => Self::Unavailable("the answer cannot be read".to_owned()),
                    _ if status >= 500 || status == 429 => Self::Unavailable(code()),
                    "Throttling" | "ThrottlingException" | "RequestLimitExceeded" => {
                        Self::Unavailable(code())
                    }
                    name if name.contains("AccessDenied") || status == 403 => {
                        Self::Denied { code: code() }
                    }
                    name if name.contains("NotFound") => Self::NotFound { code: code() },
                    "ValidationError" if message.contains("does not exist") => {
                        Self::NotFound { code: code() }
                    }
                    _ => Self::Refused { code: code() },
                }
            }
            SdkError::DispatchFailure(failure) => Self::Unavailable(
                failure
                    .as_connector_error()
                    .and_then(std::error::Error::source)
                    .map_or_else(|| "no connection".to_owned(), ToString::to_string),
            ),
            SdkError::ConstructionFailure(_) => Self::Refused {
                code: "the request could not be made: is the ARN complete?".to_owned(),
            },
            _ => Self::Unavailable("the answer cannot be read".to_owned()),
        }
    }
}

/// The configuration that every client of the SDK shares.
macro_rules! client {
    ($sdk:ident, $aws:expr, $region:expr) => {{
        let mut config = $sdk::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region($sdk::config::Region::new($region.to_owned()))
            .credentials_provider($aws.credentials.clone())
            .http_client($aws.http_client())
            .time_source($aws.clock)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .identity_cache(IdentityCache::no_cache())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(endpoint) = &$aws.endpoint {
            config = config.endpoint_url(endpoint);
        }
        $sdk::Client::from_conf(config.build())
    }};
}

/// What a secret holds.
#[derive(Debug)]
pub enum SecretValue {
    /// A text.
    Text(secrecy::SecretString),
    /// Bytes, which a token never is.
    Binary,
}

/// One resource as CloudFormation sees it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SeenResource {
    /// For example `CREATE_IN_PROGRESS`.
    pub status: String,
    /// The id that CloudFormation has recorded.
    pub physical_id: Option<String>,
    /// When the status changed last.
    pub changed: Option<SystemTime>,
}

impl Aws {
    /// AWS as a function with this environment reaches it.
    pub fn of(
        configuration: &Configuration,
        wire: &Arc<dyn Wire>,
        clock: Clock,
        patience: Duration,
    ) -> Self {
        let local = configuration.local.as_ref();
        Self {
            wire: Arc::clone(wire),
            credentials: configuration.credentials.clone(),
            endpoint: local.and_then(|local| local.aws_endpoint.clone()),
            clock,
            patience,
        }
    }

    /// Reads a secret by its ARN, in the region that the ARN names.
    ///
    /// # Errors
    /// See [`AwsError`].
    pub async fn secret(&self, arn: &str) -> Result<SecretValue, AwsError> {
        let region = arn.split(':').nth(3).unwrap_or_default();
        let client = client!(aws_sdk_secretsmanager, self, region);
        let secret = client
            .get_secret_value()
            .secret_id(arn)
            .send()
            .await
            .map_err(|error| AwsError::of(&error))?;
        Ok(match secret.secret_string {
            Some(text) => SecretValue::Text(text.into()),
            None => SecretValue::Binary,
        })
    }

    /// CloudFormation in a region, for several questions.
    pub fn cloudformation(&self, region: &str) -> CloudFormation {
        CloudFormation {
            client: client!(aws_sdk_cloudformation, self, region),
        }
    }

    fn http_client(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(Connector {
            wire: Arc::clone(&self.wire),
            patience: self.patience,
        });
        http_client_fn(move |_, _| connector.clone())
    }
}

/// CloudFormation in one region.
#[derive(Clone, Debug)]
pub struct CloudFormation {
    client: aws_sdk_cloudformation::Client,
}

impl CloudFormation {
    /// Asks for a stack's status.
    ///
    /// # Errors
    /// See [`AwsError`].
    pub async fn stack_status(&self, stack: &str) -> Result<String, AwsError> {
        let answer = self.client.describe_stacks().stack_name(stack).send().await;
        let answer = answer.map_err(|error| AwsError::of(&error))?;
        let status = answer
            .stacks()
            .first()
            .and_then(|stack| stack.stack_status());
        status
            .map(|status| status.as_str().to_owned())
            .ok_or_else(|| AwsError::Unavailable("no stack in the answer".to_owned()))
    }

    /// Asks for one resource of a stack.
    ///
    /// # Errors
    /// See [`AwsError`].
    pub async fn resource(&self, stack: &str, logical_id: &str) -> Result<SeenResource, AwsError> {
        let answer = self
            .client
            .describe_stack_resource()
            .stack_name(stack)
            .logical_resource_id(logical_id)
            .send()
            .await
            .map_err(|error| AwsError::of(&error))?;
        let detail = answer
            .stack_resource_detail()
            .ok_or_else(|| AwsError::Unavailable("no resource in the answer".to_owned()))?;
        Ok(SeenResource {
            status: detail
                .resource_status()
                .map(|status| status.as_str().to_owned())
                .unwrap_or_default(),
            physical_id: detail
                .physical_resource_id()
                .filter(|id| !id.is_empty())
                .map(ToOwned::to_owned),
            changed: detail
                .last_updated_timestamp()
                .and_then(|changed| SystemTime::try_from(*changed).ok()),
        })
    }

    /// Lists instances of a StackSet: a page of all, or of one account's.
    ///
    /// # Errors
    /// See [`AwsError`].
    pub async fn stack_instances(
        &self,
        stack_set: &StackSetName,
        account: Option<&AccountId>,
        next: Option<&str>,
    ) -> Result<InstancePage, AwsError> {
        let answer = self
            .client
            .list_stack_instances()
            .stack_set_name(&stack_set.name)
            .call_as(stack_set.call_as.as_str().into())
            .set_stack_instance_account(account.map(ToString::to_string))
            .set_next_token(next.map(ToOwned::to_owned))
            .send()
            .await
            .map_err(|error| AwsError::of(&error))?;
        let instances = answer.summaries().iter().map(|summary| {
            let account = summary.account().and_then(|id| id.parse().ok());
            let account = account.ok_or_else(|| {
                AwsError::Unavailable("an instance without account in the answer".to_owned())
            })?;
            let detail = summary
                .stack_instance_status()
                .and_then(|status| status.detailed_status());
            Ok(Instance {
                account,
                region: summary.region().map(printable).unwrap_or_default(),
                stack_id: summary.stack_id().map(ToOwned::to_owned),
                status: summary
                    .status()
                    .map(|status| printable(status.as_str()))
                    .unwrap_or_default(),
                detail: detail
                    .map(|detail| printable(detail.as_str()))
                    .unwrap_or_default(),
                reason: summary
                    .status_reason()
                    .map(|reason| shown(reason, &[]))
                    .unwrap_or_default(),
            })
        });
        Ok(InstancePage {
            instances: instances.collect::<Result<_, AwsError>>()?,
            next: answer.next_token().map(ToOwned::to_owned),
        })
    }
}

/// The SDK's seam, laid over ours.
#[derive(Debug)]
struct Connector {
    wire: Arc<dyn Wire>,
    patience: Duration,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let wire = Arc::clone(&self.wire);
        let patience = self.patience;
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|error| ConnectorError::user(error.into()))?
                .map(|body| Bytes::copy_from_slice(body.bytes().unwrap_or_default()));
            let response =
                wire::send(&wire, request, patience)
                    .await
                    .map_err(|error| match error {
                        WireError::TimedOut(_) => ConnectorError::timeout(error.into()),
                        error => ConnectorError::io(error.into()),
                    })?;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}
