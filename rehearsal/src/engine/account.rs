//! One account of the engine, with the clients that act in it.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_cloudformation::config::{
    BehaviorVersion, Region, SharedCredentialsProvider, SharedHttpClient,
};
use aws_smithy_http_client::Builder;
use serde_json::json;
use thiserror::Error;
use tokio::time::{Instant, interval};

use super::api::{ApiError, Logs, Query, Storage};
use super::exchange::Caller;

/// How the last line of each invocation begins.
const LAST_LINE: &str = "REPORT RequestId: ";

/// How long a function's lines are waited for.
const LOG_LIMIT: Duration = Duration::from_secs(10);

/// How often they are looked for.
const LOG_POLL: Duration = Duration::from_millis(100);

/// The number of an account: twelve digits, the first of them not zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId12(String);

impl AccountId12 {
    /// A number that, by chance, no other test of the run uses.
    #[must_use]
    pub fn random() -> Self {
        Self(fastrand::u64(100_000_000_000..1_000_000_000_000).to_string())
    }

    /// The twelve digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccountId12 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId12 {
    type Err = MalformedAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        if text.len() == 12 && digits && !text.starts_with('0') {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedAccountId(text.to_owned()))
        }
    }
}

/// A text that is no account's number.
#[derive(Debug, Error)]
#[error("`{0}` is not twelve digits that start with another one than 0")]
pub struct MalformedAccountId(String);

/// An account of the engine, with the rights of its root user.
///
/// An account exists as soon as it is used: the engine takes a twelve-digit
/// access key id for the account of that number.
#[derive(Clone, Debug)]
pub struct Account {
    id: AccountId12,
    region: String,
    config: aws_types::SdkConfig,
    cloudformation: aws_sdk_cloudformation::Client,
    secretsmanager: aws_sdk_secretsmanager::Client,
    iam: Query,
    sts: Query,
    logs: Logs,
    storage: Storage,
    lambda: Caller,
}

/// What every client of the engine is made from.
#[derive(Clone, Debug)]
pub(super) struct Gateway {
    address: SocketAddr,
    region: String,
    http: SharedHttpClient,
}

impl Gateway {
    pub(super) fn new(address: SocketAddr, region: &str) -> Self {
        Self {
            address,
            region: region.to_owned(),
            http: Builder::new().build_http(),
        }
    }

    /// The same engine, asked in another region.
    pub(super) fn in_region(&self, region: &str) -> Self {
        Self {
            region: region.to_owned(),
            ..self.clone()
        }
    }

    /// The configuration of a client that acts with `credentials`.
    pub(super) fn config(&self, credentials: Credentials) -> aws_types::SdkConfig {
        aws_types::SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(format!("http://{}", self.address))
            .region(Region::new(self.region.clone()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.http.clone())
            .build()
    }

    /// Somebody who asks `service` with `credentials`.
    pub(super) fn caller(&self, service: &'static str, credentials: &Credentials) -> Caller {
        Caller {
            address: self.address,
            region: self.region.clone(),
            credentials: credentials.clone(),
            service,
        }
    }
}

impl Account {
    pub(super) fn new(gateway: &Gateway, id: AccountId12) -> Self {
        let credentials = Credentials::from_keys(id.as_str(), "root-of-the-rehearsal", None);
        let config = gateway.config(credentials.clone());
        let caller = |service| gateway.caller(service, &credentials);
        Self {
            id,
            region: gateway.region.clone(),
            cloudformation: aws_sdk_cloudformation::Client::new(&config),
            secretsmanager: aws_sdk_secretsmanager::Client::new(&config),
            iam: Query::iam(caller("iam")),
            sts: Query::sts(caller("sts")),
            logs: Logs(caller("logs")),
            storage: Storage(caller("s3")),
            lambda: caller("lambda"),
            config,
        }
    }

    /// The account's number.
    #[must_use]
    pub fn id(&self) -> &AccountId12 {
        &self.id
    }

    /// What a client of another service is made from.
    #[must_use]
    pub fn config(&self) -> &aws_types::SdkConfig {
        &self.config
    }

    /// The region that every client asks.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }

    /// CloudFormation in this account.
    #[must_use]
    pub fn cloudformation(&self) -> &aws_sdk_cloudformation::Client {
        &self.cloudformation
    }

    /// IAM in this account.
    #[must_use]
    pub fn iam(&self) -> &Query {
        &self.iam
    }

    /// STS in this account.
    #[must_use]
    pub fn sts(&self) -> &Query {
        &self.sts
    }

    /// S3 in this account.
    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Lambda in this account.
    pub(super) fn lambda(&self) -> &Caller {
        &self.lambda
    }

    /// Secrets Manager in this account.
    #[must_use]
    pub fn secretsmanager(&self) -> &aws_sdk_secretsmanager::Client {
        &self.secretsmanager
    }

    /// CloudWatch Logs in this account.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.logs
    }

    /// The lines of a log group as soon as this many invocations wrote all
    /// of theirs, or after ten seconds.
    ///
    /// A function's lines come after its answer, so a stack may be complete
    /// before they are here.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn log_lines_of(
        &self,
        log_group: &str,
        invocations: usize,
    ) -> Result<Vec<String>, ApiError> {
        let deadline = Instant::now() + LOG_LIMIT;
        let mut poll = interval(LOG_POLL);
        loop {
            poll.tick().await;
            let lines = self.log_lines(log_group).await?;
            let ends = lines.iter().filter(|line| line.starts_with(LAST_LINE));
            if ends.count() >= invocations || Instant::now() >= deadline {
                return Ok(lines);
            }
        }
    }

    /// The secrets and log groups of the account, by name.
    ///
    /// # Errors
    /// What could not be asked, in words.
    pub async fn secrets_and_logs(&self) -> Result<Vec<String>, String> {
        let secrets = self.secretsmanager.list_secrets().send().await;
        let secrets = secrets.map_err(|_| "secrets that cannot be listed".to_owned())?;
        let groups = self.logs.groups("").await;
        let groups = groups.map_err(|_| "log groups that cannot be listed".to_owned())?;
        let secrets = secrets.secret_list.unwrap_or_default().into_iter();
        let names = secrets.filter_map(|secret| secret.name);
        Ok(names
            .chain(groups.into_iter().map(|group| group.name))
            .collect())
    }

    /// Every line of a log group, in the order of its streams; none if there
    /// is no such group.
    ///
    /// # Errors
    /// The engine cannot be asked.
    pub async fn log_lines(&self, log_group: &str) -> Result<Vec<String>, ApiError> {
        let mut lines = Vec::new();
        let mut question = json!({"logGroupName": log_group});
        loop {
            let page = match self.logs.ask("FilterLogEvents", &question).await {
                Ok(page) => page,
                Err(error) if error.code() == Some("ResourceNotFoundException") => {
                    return Ok(lines);
                }
                Err(error) => return Err(error),
            };
            for event in page["events"].as_array().into_iter().flatten() {
                let message = event["message"].as_str().unwrap_or_default();
                lines.extend(message.lines().map(str::to_owned));
            }
            if page["nextToken"].is_null() {
                return Ok(lines);
            }
            question["nextToken"] = page["nextToken"].clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AccountId12;

    #[test]
    fn accepts_twelve_digits_and_nothing_else() {
        for (text, good) in [
            ("123456789012", true),
            ("012345678901", false),
            ("12345678901", false),
            ("1234567890123", false),
            ("12345678901a", false),
            ("", false),
        ] {
            assert_eq!(text.parse::<AccountId12>().is_ok(), good, "{text:?}");
        }
    }

    #[test]
    fn makes_up_numbers_that_it_accepts() {
        let id = AccountId12::random();
        assert_eq!(id.as_str().parse::<AccountId12>().unwrap(), id);
    }
}
