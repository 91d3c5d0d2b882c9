//! What a peer works with: one vendor, one AWS, one bucket for the answers.

use rehearsal::answer_bucket::{AnswerBucket, AnswerKey};
use rehearsal::aws_desk::{AwsDesk, Secret, Stack};
use rehearsal::registrar::{self, LOGICAL_ID, STACK, TOKEN};
use rehearsal::sandbox::{Sandbox, SandboxOptions};
use serde::{Deserialize, Serialize};
use serde_json::json;
use time::Duration;

use crate::error::BenchError;

pub(crate) const REGION: &str = "us-east-1";

/// What CloudFormation asks for.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
pub(crate) enum Kind {
    /// A registration.
    Create,
    /// Another name.
    Update,
    /// The same name.
    UnchangedUpdate,
    /// The end.
    Delete,
}

impl Kind {
    /// All, as a stack's life has them.
    pub(crate) const LIFE: [Self; 4] = [
        Self::Create,
        Self::Update,
        Self::UnchangedUpdate,
        Self::Delete,
    ];

    fn request_type(self) -> &'static str {
        match self {
            Self::Create => "Create",
            Self::Update | Self::UnchangedUpdate => "Update",
            Self::Delete => "Delete",
        }
    }
}

/// One request that is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Its id, by which the answer is found.
    pub(crate) id: String,
    /// The event.
    pub(crate) event: String,
}

/// How many requests were answered, by whom.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Exchanges {
    /// The vendor.
    pub(crate) vendor: usize,
    /// Secrets Manager and CloudFormation.
    pub(crate) aws: usize,
    /// The bucket.
    pub(crate) bucket: usize,
}

/// Servers without a past.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) desk: AwsDesk,
    pub(crate) bucket: AnswerBucket,
}

impl World {
    /// Starts servers that answer at once.
    ///
    /// # Errors
    /// One cannot listen.
    pub(crate) async fn start() -> Result<Self, BenchError> {
        let servers = || BenchError::io("the servers on loopback");
        let sandbox = Sandbox::start(SandboxOptions {
            token: TOKEN.to_owned(),
            deletion_takes: Duration::ZERO,
            ..SandboxOptions::default()
        });
        let desk = AwsDesk::start(Secret::Text(TOKEN.to_owned()), Stack::creating());
        let bucket = AnswerBucket::start(AnswerKey::random(), REGION, None);
        Ok(Self {
            sandbox: sandbox.await.map_err(servers())?,
            desk: desk.await.map_err(servers())?,
            bucket: bucket.await.map_err(servers())?,
        })
    }

    /// A request of the stack for the integration `number`, whose physical id is
    /// `id`, while the stack is doing just that.
    pub(crate) fn request(&self, kind: Kind, number: usize, id: &str) -> Request {
        self.desk.secrets([Secret::Text(TOKEN.to_owned())]);
        self.desk.stacks([match kind {
            Kind::Create => Stack::creating(),
            Kind::Update | Kind::UnchangedUpdate => Stack::updating(id),
            Kind::Delete => Stack::deleting(id),
        }]);
        let request_id = format!("{kind:?}-{number}");
        let name = format!("AWS {number}");
        let changed = format!("AWS {number}, changed");
        let (old, new) = match kind {
            Kind::Create => (None, &name),
            Kind::Update => (Some(&name), &changed),
            Kind::UnchangedUpdate => (Some(&changed), &changed),
            Kind::Delete => (None, &changed),
        };
        let mut event = json!({
            "RequestType": kind.request_type(),
            "RequestId": request_id,
            "StackId": STACK,
            "ResponseURL": self.bucket.presign(STACK, LOGICAL_ID, &request_id),
            "ResourceType": "Custom::AuthomizeIntegration",
            "LogicalResourceId": LOGICAL_ID,
            "ResourceProperties": registrar::with("IntegrationName", new.as_str()),
        });
        if kind != Kind::Create {
            event["PhysicalResourceId"] = id.into();
        }
        if let Some(old) = old {
            event["OldResourceProperties"] = registrar::with("IntegrationName", old.as_str());
        }
        Request {
            id: request_id,
            event: event.to_string(),
        }
    }

    /// What was asked since the last request was made.
    pub(crate) fn take_exchanges(&self, answered: usize) -> Exchanges {
        let vendor = self.sandbox.requests().len();
        self.sandbox.clear_requests();
        Exchanges {
            vendor,
            aws: self.desk.secret_requests()
                + self.desk.stack_requests()
                + self.desk.resource_requests(),
            bucket: self.bucket.answers().len() - answered,
        }
    }
}
