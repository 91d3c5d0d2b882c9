//! What a peer works with: one vendor, one AWS, one bucket for the answers.

use rehearsal::answer_bucket::{AnswerBucket, AnswerKey};
use rehearsal::aws_desk::{AwsDesk, Secret, Stack};
use rehearsal::sandbox::{Sandbox, SandboxOptions};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::Duration;

use crate::error::BenchError;

pub(crate) const REGION: &str = "us-east-1";
const STACK: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/Authomize-Trust-Role/51af3dc0-da77-11e4-872e-1234567db123";
const LOGICAL: &str = "AuthomizeIntegration";
const SECRET_ARN: &str =
    "arn:aws:secretsmanager:us-east-1:123456789012:secret:ApiTokenSecret-AbCdEf";
const TOKEN: &str = "example-token";

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

    /// The function's configuration, as the template gives it.
    pub(crate) fn environment() -> Vec<(String, String)> {
        [
            ("AWS_REGION", REGION),
            ("AWS_DEFAULT_REGION", REGION),
            ("AWS_ACCESS_KEY_ID", "ASIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "example"),
            ("AWS_SESSION_TOKEN", "example"),
            ("STACK_ID", STACK),
            ("URL_SUFFIX", "amazonaws.com"),
            ("API_TOKEN_SECRET_ARN", SECRET_ARN),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
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
            "ResponseURL": self.bucket.presign(STACK, LOGICAL, &request_id),
            "ResourceType": "Custom::AuthomizeIntegration",
            "LogicalResourceId": LOGICAL,
            "ResourceProperties": properties(new),
        });
        if kind != Kind::Create {
            event["PhysicalResourceId"] = id.into();
        }
        if let Some(old) = old {
            event["OldResourceProperties"] = properties(old);
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

fn properties(name: &str) -> Value {
    json!({
        "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:Authomize-Trust-Role-registrar",
        "ServiceTimeout": "1200",
        "TemplateVersion": "0.1.0",
        "ApiUrl": "https://api.authomize.com",
        "ExternalId": "example-external-id",
        "RoleArn": "arn:aws:iam::123456789012:role/AuthomizeCrossAccountTrustRole",
        "IncludeIdentityCenter": "false",
        "IntegrationName": name,
        "OwnerEmail": "",
        "Regions": [""],
        "AdditionalAccountIds": [""],
        "OnDelete": "Remove",
        "OnDeregistrationFailure": "Fail",
        "Refresh": "",
    })
}
