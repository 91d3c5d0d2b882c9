//! Everything around a function that is killed: the vendor, AWS and the answer
//! bucket as servers, and CloudFormation as far as the function can see it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use super::point::Point;
use super::tracer::{Trace, Tracer};
use crate::answer_bucket::{AnswerBucket, AnswerKey, ReceivedAnswer, Verdict};
use crate::aws_desk::{self, AwsDesk, Stack};
use crate::function::{Function, Invoked};
use crate::internet::{HostPattern, Internet};
use crate::leak::search;
use crate::registrar::{self, LOGICAL_ID, STACK, TOKEN};
use crate::rehearse::SetupError;
use crate::rehearse::world::{REGION, VENDOR_HOST};
use crate::sandbox::{App, Sandbox, SandboxOptions};

/// The function's timeout: all its waits are fractions of it.
pub(super) const TIMEOUT: Duration = Duration::from_secs(24);

/// One request of CloudFormation's. It is the same request when it is delivered
/// again.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// `Create`, `Update` or `Delete`.
    pub(super) kind: &'static str,
    pub(super) id: &'static str,
    /// The id that comes with it; none with a Create.
    pub(super) physical_id: Option<String>,
    /// The integration's name in the properties, and in the old ones.
    pub(super) name: &'static str,
    pub(super) old_name: &'static str,
}

/// One stack in a world of its own.
pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) desk: AwsDesk,
    pub(super) bucket: AnswerBucket,
    stranger: App,
    internet: Internet,
    binary: PathBuf,
    log: Vec<String>,
    _folder: TempDir,
}

impl Stage {
    pub(super) async fn set(binary: &Path) -> Result<Self, SetupError> {
        let server = |source| SetupError::loopback("a server", source);
        let folder = TempDir::with_prefix("cargo-rehearse-kills-")
            .map_err(|source| SetupError::loopback("a temporary folder", source))?;
        let sandbox = Sandbox::start(SandboxOptions {
            token: TOKEN.to_owned(),
            // A record that is asked for twice is made twice, if its name allows it.
            knows_keys: false,
            ..SandboxOptions::default()
        })
        .await
        .map_err(server)?;
        let secret = aws_desk::Secret::Text(TOKEN.to_owned());
        let desk = AwsDesk::start(secret, Stack::creating())
            .await
            .map_err(server)?;
        let bucket = AnswerBucket::start(AnswerKey::random(), REGION, None)
            .await
            .map_err(server)?;
        let internet = Internet::start(folder.path()).await.map_err(server)?;
        for (host, to) in [
            (
                HostPattern::Exact(VENDOR_HOST.to_owned()),
                sandbox.address(),
            ),
            (HostPattern::Exact(bucket.host()), bucket.address()),
            (
                HostPattern::Suffix(".amazonaws.com".to_owned()),
                desk.address(),
            ),
        ] {
            internet.lead(host, to);
        }
        sandbox.insert_stranger("Somebody else's");
        let stranger = sandbox.apps().remove(0);
        Ok(Self {
            sandbox,
            desk,
            bucket,
            stranger,
            internet,
            binary: binary.to_owned(),
            log: Vec::new(),
            _folder: folder,
        })
    }

    /// A request as CloudFormation sent it so long ago.
    pub(super) fn event(&self, request: &Sent, ago: time::Duration) -> Value {
        let url = self
            .bucket
            .presign_before(ago, STACK, LOGICAL_ID, request.id);
        let mut event = json!({
            "RequestType": request.kind,
            "RequestId": request.id,
            "StackId": STACK,
            "ResponseURL": url,
            "ResourceType": "Custom::AuthomizeIntegration",
            "LogicalResourceId": LOGICAL_ID,
            "ResourceProperties": registrar::with("IntegrationName", request.name),
        });
        if let Some(id) = &request.physical_id {
            event["PhysicalResourceId"] = json!(id);
        }
        if request.kind == "Update" {
            event["OldResourceProperties"] = registrar::with("IntegrationName", request.old_name);
        }
        event
    }

    /// Lets a new process handle an event to its end.
    pub(super) async fn run(&mut self, event: &Value) -> Result<Invoked, SetupError> {
        let function = self.start().await?;
        let invoked = function.invoke(event.to_string(), TIMEOUT).await;
        self.log.extend(function.into_log().await);
        Ok(invoked)
    }

    /// Lets a new process handle an event until it is idle again, or is killed at
    /// a point of it.
    pub(super) async fn run_followed(
        &mut self,
        event: &Value,
        target: Option<&Point>,
    ) -> Result<Trace, SetupError> {
        let function = self.start().await?;
        timeout(TIMEOUT, function.has_polled(1))
            .await
            .map_err(|_| SetupError::NotFollowed(io::ErrorKind::TimedOut.into()))?;
        let process = function.id().unwrap_or_default();
        let tracer = Tracer::attach(process, target.cloned())
            .await
            .map_err(SetupError::NotFollowed)?;
        let to_the_end = async {
            function.invoke(event.to_string(), TIMEOUT).await;
            function.has_polled(2).await;
            function.kill();
            std::future::pending::<()>().await;
        };
        let trace = tokio::select! {
            biased;
            trace = tracer.end() => trace.map_err(SetupError::NotFollowed)?,
            () = to_the_end => unreachable!("it waits to be seen dead"),
        };
        self.log.extend(function.into_log().await);
        Ok(trace)
    }

    async fn start(&self) -> Result<Function, SetupError> {
        let environment = registrar::environment()
            .into_iter()
            .chain(self.internet.environment());
        Function::start(&self.binary, environment)
            .await
            .map_err(|source| SetupError::loopback("the function's process", source))
    }

    /// Every answer to a request that the bucket took, oldest first. CloudFormation
    /// believes the first.
    pub(super) fn answers(&self, request_id: &str) -> Vec<ReceivedAnswer> {
        let mut answers = self.bucket.answers();
        answers.retain(|answer| {
            answer.request_id == request_id && answer.verdict == Verdict::Accepted
        });
        answers
    }

    /// The records that are not the stranger's.
    pub(super) fn records(&self) -> Vec<App> {
        let mut records = self.sandbox.apps();
        records.retain(|record| record.id != self.stranger.id);
        records
    }

    /// What must never happen, whatever else does.
    pub(super) fn never(&self) -> Vec<String> {
        let mut broken = Vec::new();
        if !self.sandbox.apps().contains(&self.stranger) {
            broken.push("a stranger's record was touched".to_owned());
        }
        broken.extend(self.sandbox.contract_violations());
        let elsewhere = self.internet.refused().into_iter();
        broken.extend(elsewhere.map(|host| format!("the function asked for {host}")));
        let (answers, requests) = (self.bucket.answers(), self.sandbox.requests());
        broken.extend(search(
            &registrar::secrets(),
            &self.log,
            &answers,
            &requests,
        ));
        broken
    }
}
