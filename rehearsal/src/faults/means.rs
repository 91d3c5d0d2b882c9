//! How a fault is brought about on a stage, and taken away again.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::timeout;

use super::fault::{Means, Request};
use super::stage::{RENAMED, RESOURCE, Stage, in_function};
use crate::answer_bucket::ReceivedAnswer;
use crate::engine::AccountId12;
use crate::rehearse::world::{STACK, VENDOR_HOST};
use crate::sandbox::{Fault as VendorFault, Waver};

/// How long a run is waited for that nobody else waits for.
const PATIENCE: Duration = Duration::from_secs(40);

/// The function in the template.
const FUNCTION: &str = "RegistrarFunction";

/// The function's role in the template.
const FUNCTION_ROLE: &str = "RegistrarRole";

/// The trust role in the template.
const TRUST_ROLE: &str = "TrustRole";

/// The secret in the template.
const SECRET: &str = "ApiTokenSecret";

/// The policy that denies something to the function's role.
const FORBIDDEN: &str = "Forbidden";

/// A policy of the account that bounds the stack's roles.
const BOUNDARY: &str = "Boundary";

impl Stage {
    /// Brings the fault about, as far as it is there before the request.
    pub(super) async fn arm(&self) {
        if in_function(self.fault).is_some() {
            self.mark().expect("the stage's own folder can be written");
        }
        let world = &self.world;
        match &self.fault.means {
            Means::Vendor(script) => {
                for fault in script(self.request.method()) {
                    world.sandbox.script(fault);
                }
            }
            Means::VendorDown => world.take_the_vendor_down(true),
            Means::VendorImpersonated => {
                let other = "api.example.com";
                world.internet.present_certificate_of(VENDOR_HOST, other);
            }
            Means::VendorForbidden => world.internet.forbid(VENDOR_HOST),
            Means::Validation(waver) => world.validations.set(waver.clone()),
            Means::GivenUp { .. } | Means::AskingDeniedMeanwhile => {
                world.validations.set(Waver::NeverEnd);
            }
            Means::NameTaken => {
                world.sandbox.insert_stranger(&self.name());
            }
            Means::RecordGone => world.sandbox.remove_marked(),
            Means::RecordOfAnotherStack => world.sandbox.give_all_to(&another_stack()),
            Means::Bucket(script) => {
                for fault in script() {
                    world.bucket.script(fault);
                }
            }
            Means::DeliveredTwice => {
                let done = world.engine.deliver_twice(true);
                done.expect("the engine's folder can be written");
            }
            Means::RoleChanged => self.change_the_trust_role().await,
            _ if self.request == Request::Create => {}
            Means::SecretDeleted => self.delete_the_secret().await,
            Means::SecretDenied => self.forbid("secretsmanager:GetSecretValue").await,
            Means::SecretWrong => self.change_the_secret("rotated-to-nonsense").await,
            Means::AskingDenied => self.forbid("cloudformation:*").await,
            Means::PublishedOnly
            | Means::OwnConflict
            | Means::Function(_)
            | Means::DeliveredAgain
            | Means::ReplayedDelete
            | Means::PastStack
            | Means::LaterSiblingFails
            | Means::SecondStack => {}
        }
    }

    /// Takes the fault away, as far as it does not belong to the stack itself.
    pub(super) fn disarm(&self) {
        self.unmark();
        let world = &self.world;
        world.sandbox.clear_faults();
        world.bucket.clear_faults();
        world.validations.set(Waver::Steady);
        world.take_the_vendor_down(false);
        world.internet.present_own_certificate(VENDOR_HOST);
        world.internet.allow(VENDOR_HOST);
        // It is not set in most runs.
        world.engine.deliver_twice(false).ok();
    }

    /// Takes away what was done to the stack's own resources.
    pub(super) async fn restore(&self) {
        match (&self.fault.means, self.request) {
            (_, Request::Create) => {}
            (Means::SecretDeleted, _) => self.restore_the_secret().await,
            (Means::SecretWrong, _) => self.change_the_secret(self.world.token()).await,
            (Means::SecretDenied | Means::AskingDenied | Means::AskingDeniedMeanwhile, _) => {
                self.permit().await;
            }
            _ => {}
        }
    }

    /// What a stack that is to be created with the fault has as parameters.
    pub(super) async fn different_parameters(&self) -> Vec<(&'static str, String)> {
        let account = self.world.account.id();
        let region = self.world.account.region();
        match &self.fault.means {
            Means::SecretWrong => vec![("AuthomizeApiToken", "mistyped".to_owned())],
            Means::SecretDeleted => vec![
                ("AuthomizeApiToken", String::new()),
                (
                    "AuthomizeApiTokenSecretArn",
                    format!("arn:aws:secretsmanager:{region}:{account}:secret:gone-a1B2c3"),
                ),
            ],
            Means::SecretDenied => self.bounded("secretsmanager:GetSecretValue").await,
            Means::AskingDenied => self.bounded("cloudformation:*").await,
            _ => Vec::new(),
        }
    }

    /// What happens while the request runs.
    pub(super) async fn meddle(&self) {
        let method = self.request.method();
        let asked = self.world.sandbox.wait_for(|call| call.method == method);
        match &self.fault.means {
            Means::GivenUp { refusals } => {
                asked.await;
                let refusal = VendorFault::status(403).only("DELETE").times(*refusals);
                if *refusals > 0 {
                    self.world.sandbox.script(refusal);
                }
                let requests = self.world.engine.requests();
                let last = requests
                    .last()
                    .and_then(|event| event["RequestId"].as_str());
                let reason = match self.request {
                    Request::Create => "Resource creation cancelled",
                    Request::Update | Request::Delete => "Resource update cancelled",
                };
                self.world
                    .engine
                    .give_up_on(last.unwrap_or_default(), reason)
                    .await;
            }
            Means::AskingDeniedMeanwhile => {
                asked.await;
                self.forbid("cloudformation:*").await;
            }
            _ => {}
        }
    }

    /// What happens when the request is over.
    pub(super) async fn meddle_afterwards(&self) {
        let requests = self.world.engine.requests();
        let last = requests.last().cloned().unwrap_or_default();
        match &self.fault.means {
            Means::DeliveredAgain => self.invoke(&last).await,
            Means::GivenUp { .. } => {
                // The run goes on although nobody waits for its answer.
                let kind = self.request.word();
                let given_up = requests.iter().find(|event| event["RequestType"] == kind);
                let id = given_up.and_then(|event| event["RequestId"].as_str());
                let answer = self.world.bucket.next_answer(id.unwrap_or_default());
                timeout(PATIENCE, answer).await.ok();
            }
            // The twin goes on although the stack is done. Were the stack deleted meanwhile
            // it would find itself cancelled.
            Means::DeliveredTwice if self.request != Request::Delete => {
                timeout(PATIENCE, self.both_answers(&last)).await.ok();
            }
            Means::ReplayedDelete => self.invoke(&self.as_a_delete(last).await).await,
            Means::PastStack => {
                let mut past = last;
                let name = past["StackId"].as_str().and_then(|id| id.rsplit_once('/'));
                let earlier = format!("{}/0a1b2c3d", name.unwrap_or_default().0);
                past["StackId"] = json!(earlier);
                self.invoke(&self.as_a_delete(past).await).await;
            }
            _ => {}
        }
    }

    /// The Delete that anybody could make of a request that was sent before.
    async fn as_a_delete(&self, mut event: Value) -> Value {
        event["RequestType"] = json!("Delete");
        event["RequestId"] = json!("replayed");
        event["PhysicalResourceId"] = json!(self.physical_id(RESOURCE).await);
        let stack = event["StackId"].as_str().unwrap_or_default();
        event["ResponseURL"] = json!(self.world.bucket.presign(stack, RESOURCE, "replayed"));
        event
    }

    /// Both runs for a request that was delivered twice have answered.
    async fn both_answers(&self, event: &Value) {
        let mut seen = 0;
        loop {
            let answers = self.world.bucket.more_than(seen).await;
            let of_it = |answer: &&ReceivedAnswer| event["RequestId"] == *answer.request_id;
            if answers.iter().filter(of_it).count() > 1 {
                return;
            }
            seen = answers.len();
        }
    }

    async fn invoke(&self, event: &Value) {
        let function = self.physical_id(FUNCTION).await;
        let (engine, account) = (&self.world.engine, &self.world.account);
        let invoked = engine.invoke(account, &function, event).await;
        invoked.expect("the function of the stack can be invoked");
    }

    /// The name that the request asks for.
    fn name(&self) -> String {
        match self.request {
            Request::Create => self.first_name(),
            Request::Update | Request::Delete => RENAMED.to_owned(),
        }
    }

    fn first_name(&self) -> String {
        format!("AWS {}", self.world.account.id())
    }

    /// The name that the stack's one record must have while the stack is at rest
    /// in this status: that of the properties that succeeded last. None where
    /// the stack has no record.
    pub(super) fn name_at_rest(&self, status: &str) -> Option<String> {
        match (status, &self.fault.means) {
            (_, Means::RecordOfAnotherStack) => None,
            ("UPDATE_COMPLETE", _) => Some(RENAMED.to_owned()),
            ("CREATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE", _) => Some(self.first_name()),
            _ => None,
        }
    }

    async fn change_the_trust_role(&self) {
        let policy = json!({"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::291883359082:user/AuthomizeGlobalUser"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "changed-by-hand"}},
        }]});
        let role = self.physical_id(TRUST_ROLE).await;
        let policy = policy.to_string();
        let change = [("RoleName", role.as_str()), ("PolicyDocument", &policy)];
        let iam = self.world.account.iam();
        let updated = iam.ask("UpdateAssumeRolePolicy", &change).await;
        updated.expect("the role can be changed");
    }

    async fn delete_the_secret(&self) {
        let delete = self.world.account.secretsmanager().delete_secret();
        let delete = delete.secret_id(self.physical_id(SECRET).await);
        delete.send().await.expect("the secret can be deleted");
    }

    async fn restore_the_secret(&self) {
        let restore = self.world.account.secretsmanager().restore_secret();
        let restore = restore.secret_id(self.physical_id(SECRET).await);
        restore.send().await.expect("the secret can be restored");
    }

    async fn change_the_secret(&self, text: &str) {
        let put = self.world.account.secretsmanager().put_secret_value();
        let put = put.secret_id(self.physical_id(SECRET).await);
        let put = put.secret_string(text).send().await;
        put.expect("the secret can be changed");
    }

    /// Denies an action to the function's role.
    async fn forbid(&self, action: &str) {
        let role = self.physical_id(FUNCTION_ROLE).await;
        let policy = policy(&[denied(action)]);
        let forbidden = [
            ("RoleName", role.as_str()),
            ("PolicyName", FORBIDDEN),
            ("PolicyDocument", &policy),
        ];
        let put = self.world.account.iam().ask("PutRolePolicy", &forbidden);
        put.await.expect("the role can be bounded");
    }

    /// Takes that back.
    async fn permit(&self) {
        let role = self.physical_id(FUNCTION_ROLE).await;
        let forbidden = [("RoleName", role.as_str()), ("PolicyName", FORBIDDEN)];
        let iam = self.world.account.iam();
        let deleted = iam.ask("DeleteRolePolicy", &forbidden).await;
        deleted.expect("the role can be freed");
    }

    /// The parameters of a stack whose roles may not do this.
    async fn bounded(&self, action: &str) -> Vec<(&'static str, String)> {
        let allowed = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
        let policy = policy(&[allowed, denied(action)]);
        let boundary = [
            ("PolicyName", BOUNDARY),
            ("PolicyDocument", policy.as_str()),
        ];
        let create = self.world.account.iam().ask("CreatePolicy", &boundary);
        create.await.expect("a policy can be made");
        vec![("PermissionsBoundaryName", BOUNDARY.to_owned())]
    }

    /// The name that a resource of the stack has in its own service.
    async fn physical_id(&self, logical_id: &str) -> String {
        let resources = self.world.account.left_resources(STACK).await;
        let resources = resources.expect("the stack can be looked at");
        let found = resources
            .into_iter()
            .find(|resource| resource.logical_id == logical_id);
        found.expect("the stack has the resource").physical_id
    }
}

fn policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

fn denied(action: &str) -> Value {
    json!({"Effect": "Deny", "Action": action, "Resource": "*"})
}

fn another_stack() -> String {
    let account = AccountId12::random();
    format!("arn:aws:cloudformation:us-east-1:{account}:stack/another/0a1b2c3d")
}
