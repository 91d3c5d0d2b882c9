//! CloudFormation: one life of a stack after another.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::bucket::response_url;
use crate::lambda;
use crate::process::VENDOR;
use crate::schedule::{Properties, StackPlan, Turn, UpdatePlan};
use crate::violation::Promise;
use crate::world::{ACCOUNTS, Answer, Asked, EXTERNAL_ID, End, LOGICAL_ID, REGION, World};

/// How long CloudFormation waits for an answer, as in the template.
pub(crate) const SERVICE_TIMEOUT: Duration = Duration::from_secs(1200);

/// A pause in which everything comes to rest, in seconds.
pub const REST: u32 = 1800;

/// The trust role of a stack in this account.
pub fn role_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:role/AuthomizeCrossAccountTrustRole")
}

/// How a request ended for CloudFormation.
enum Ended {
    Answered(Answer),
    TimedOut,
    GivenUp,
}

/// One life of a stack.
struct Life<'a> {
    world: &'a World,
    stack: usize,
    plan: StackPlan,
    /// The id that CloudFormation has recorded.
    recorded: String,
    /// The properties that it believes the resource to have.
    current: Properties,
    /// Ids that were replaced, and the properties that they had.
    replaced: Vec<(String, Properties)>,
}

/// Lives through a stack, and through those of the same name after it.
pub async fn live(world: World, stack: usize) {
    let mut next = Some(stack);
    while let Some(stack) = next {
        let plan = world.lock().history.stacks[stack].clone();
        sleep(Duration::from_secs(plan.starts.into())).await;
        let life = Life {
            world: &world,
            stack,
            recorded: String::new(),
            current: plan.properties.clone(),
            replaced: Vec::new(),
            plan,
        };
        life.run().await;
        let state = world.lock();
        next = state
            .history
            .stacks
            .iter()
            .position(|plan| plan.after == Some(stack));
    }
}

impl Life<'_> {
    async fn run(mut self) {
        if self.create().await {
            self.stand().await;
            self.delete().await;
        }
        self.gone().await;
    }

    /// What happens to the stack until it is deleted.
    async fn stand(&mut self) {
        for update in self.plan.updates.clone() {
            self.pause(update.after).await;
            self.update(&update).await;
            if let Turn::Deleted(_) = update.turn {
                // As soon as an update that was rolled back allows it.
                let mut state = self.world.lock();
                state.coverage.branch("turns", "deleted behind an update");
                return;
            }
        }
        self.pause(self.plan.end.after).await;
    }

    /// CloudFormation does something else, or nothing, for a moment.
    async fn moment(&self) {
        let wait = {
            let state = self.world.lock();
            let views = state.stacks[self.stack].views.len();
            state.rng(self.stack, views, 2).u64(0..6_000)
        };
        sleep(Duration::from_millis(wait.saturating_sub(3_000))).await;
    }

    /// Waits; after a long time the world is at rest, and is looked at.
    async fn pause(&self, seconds: u32) {
        sleep(Duration::from_secs(seconds.into())).await;
        if seconds >= REST {
            self.world.lock().check_at_rest(self.stack);
        }
    }

    fn show(&self, stack: &'static str, resource: &'static str) {
        let mut state = self.world.lock();
        state.show(self.stack, stack, resource, &self.recorded);
    }

    /// An id for a resource that never told its own.
    fn invented(&self) -> String {
        format!("Trust-{}-{LOGICAL_ID}-1ABCDEF23GHIJ", self.stack)
    }

    /// Whether the stack stands.
    async fn create(&mut self) -> bool {
        {
            let mut state = self.world.lock();
            let now = state.now();
            state.stacks[self.stack].began = Some(now);
        }
        self.show("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS");
        let properties = self.current.clone();
        let turn = self.plan.creation;
        let began = self.world.lock().now();
        let ended = self.request("Create", None, &properties, None, turn).await;
        let (rolling_back, resource) = match ended {
            Ended::Answered(answer) if answer.is_success => {
                self.recorded = answer.id;
                self.believes(&properties);
                self.show("CREATE_IN_PROGRESS", "CREATE_COMPLETE");
                let Some(at) = turn.at() else {
                    self.moment().await;
                    self.show("CREATE_COMPLETE", "CREATE_COMPLETE");
                    return true;
                };
                self.until(began + at).await;
                (turn.status_of_a_creation(), "CREATE_COMPLETE")
            }
            Ended::Answered(answer) => {
                self.recorded = answer.id;
                ("ROLLBACK_IN_PROGRESS", "CREATE_FAILED")
            }
            Ended::TimedOut => ("ROLLBACK_IN_PROGRESS", "CREATE_FAILED"),
            Ended::GivenUp => (turn.status_of_a_creation(), "CREATE_FAILED"),
        };
        self.show(rolling_back, resource);
        if self.recorded.is_empty() {
            self.recorded = self.invented();
        }
        let wait = self.world.lock().rng(self.stack, 0, 1).u64(0..3_000);
        sleep(Duration::from_millis(wait)).await;
        if !self.remove(rolling_back).await {
            let failed = if rolling_back == "DELETE_IN_PROGRESS" {
                "DELETE_FAILED"
            } else {
                "ROLLBACK_FAILED"
            };
            self.show(failed, "DELETE_FAILED");
            self.pause(self.plan.end.between).await;
            self.delete().await;
        }
        false
    }

    async fn until(&self, at: u64) {
        let left = at.saturating_sub(self.world.lock().now());
        sleep(Duration::from_millis(left)).await;
    }

    async fn update(&mut self, plan: &UpdatePlan) {
        let (old, new) = (self.current.clone(), plan.properties.clone());
        let before = self.recorded.clone();
        self.show("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS");
        self.world.lock().stacks[self.stack].wanted = None;
        let began = self.world.lock().now();
        let id = Some(before.clone());
        let ended = self
            .request("Update", id, &new, Some(&old), plan.turn)
            .await;
        let replacement = match ended {
            Ended::Answered(answer) if answer.is_success => {
                let replacement = (answer.id != before).then(|| answer.id.clone());
                self.recorded = answer.id;
                self.current = new.clone();
                self.believes(&new);
                self.show("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE");
                if replacement.is_some() {
                    self.replaced.push((before.clone(), old.clone()));
                }
                match plan.turn.at() {
                    None => {
                        self.moment().await;
                        self.clean_up("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS").await;
                        self.show("UPDATE_COMPLETE", "UPDATE_COMPLETE");
                        return;
                    }
                    Some(at) => self.until(began + at).await,
                }
                self.show("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE");
                replacement
            }
            _ => {
                self.show("UPDATE_IN_PROGRESS", "UPDATE_FAILED");
                self.moment().await;
                self.show("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_FAILED");
                None
            }
        };
        self.moment().await;
        self.roll_back(plan, &old, &new, replacement, before).await;
    }

    async fn roll_back(
        &mut self,
        plan: &UpdatePlan,
        old: &Properties,
        new: &Properties,
        replacement: Option<String>,
        before: String,
    ) {
        if let Some(replacement) = replacement {
            self.recorded = before;
            self.replaced.clear();
            self.replaced.push((replacement, new.clone()));
            let published_only = self.world.lock().history.vendor.published_only;
            if !plan.updates_back || published_only {
                self.current = old.clone();
                self.world.lock().stacks[self.stack].wanted = None;
                self.clean_up("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
                    .await;
                self.show("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE");
                return;
            }
        }
        for last in [false, true] {
            self.show("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS");
            self.world.lock().stacks[self.stack].wanted = None;
            let id = self.recorded.clone();
            let ended = self
                .request("Update", Some(id.clone()), old, Some(new), Turn::Well)
                .await;
            if let Ended::Answered(answer) = ended
                && answer.is_success
            {
                if answer.id != id {
                    self.replaced.retain(|(replaced, _)| *replaced != answer.id);
                    self.replaced.push((id, old.clone()));
                    self.recorded = answer.id;
                }
                self.current = old.clone();
                self.believes(old);
                self.show("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_COMPLETE");
                self.moment().await;
                self.clean_up("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
                    .await;
                self.show("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE");
                return;
            }
            self.show("UPDATE_ROLLBACK_FAILED", "UPDATE_FAILED");
            if last {
                let mut state = self.world.lock();
                let stack = &mut state.stacks[self.stack];
                stack.told_when_skipped.clone_from(&stack.told);
            }
            if !last {
                sleep(Duration::from_secs(self.plan.end.between.into())).await;
            }
        }
        // The admin has the rollback skip the resource.
        self.current = old.clone();
        self.clean_up("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
            .await;
        self.show("UPDATE_ROLLBACK_COMPLETE", "UPDATE_COMPLETE");
    }

    /// Deletes what was replaced; what cannot be deleted is left after three tries.
    async fn clean_up(&mut self, status: &'static str) {
        if self.replaced.is_empty() {
            return;
        }
        self.show(status, "UPDATE_COMPLETE");
        for (id, properties) in std::mem::take(&mut self.replaced) {
            if id == self.recorded {
                continue;
            }
            for _ in 0..3 {
                let ended = self
                    .request("Delete", Some(id.clone()), &properties, None, Turn::Well)
                    .await;
                if matches!(ended, Ended::Answered(answer) if answer.is_success) {
                    break;
                }
            }
        }
    }

    /// One Delete; whether it succeeded.
    async fn remove(&mut self, status: &'static str) -> bool {
        self.show(status, "DELETE_IN_PROGRESS");
        self.world.lock().stacks[self.stack].wanted = None;
        let (id, properties) = (self.recorded.clone(), self.current.clone());
        let ended = self
            .request("Delete", Some(id), &properties, None, Turn::Well)
            .await;
        match ended {
            Ended::Answered(answer) if answer.is_success => {
                self.show(status, "DELETE_COMPLETE");
                let mut state = self.world.lock();
                state.stacks[self.stack].keeps = properties.keep;
                state.was_deleted(self.stack);
                true
            }
            Ended::Answered(_) => false,
            Ended::TimedOut | Ended::GivenUp => {
                // CloudFormation says itself that nobody answered for this resource.
                let mut state = self.world.lock();
                state.stacks[self.stack].deletion_unanswered = true;
                false
            }
        }
    }

    /// Deletes the stack; what fails is tried again, and retained in the end.
    async fn delete(&mut self) {
        if self.plan.end.retained {
            self.show("DELETE_IN_PROGRESS", "DELETE_SKIPPED");
            self.world.lock().stacks[self.stack].retained = true;
            return;
        }
        for _ in 0..=self.plan.end.retries {
            if self.remove("DELETE_IN_PROGRESS").await {
                return;
            }
            self.show("DELETE_FAILED", "DELETE_FAILED");
            self.pause(self.plan.end.between).await;
        }
        self.show("DELETE_IN_PROGRESS", "DELETE_SKIPPED");
    }

    async fn gone(&self) {
        sleep(Duration::from_secs(self.plan.end.function_goes_in.into())).await;
        self.show("DELETE_COMPLETE", "DELETE_COMPLETE");
        let mut state = self.world.lock();
        let stack = &mut state.stacks[self.stack];
        stack.function_gone = true;
        stack.gone = true;
        stack.idle.clear();
    }

    /// CloudFormation believes that the resource is so.
    fn believes(&self, properties: &Properties) {
        let mut state = self.world.lock();
        state.ledger.settle(self.stack);
        let record = self.recorded.split('/').nth(1).unwrap_or_default();
        let is_gone = state.ledger.get(record).is_some_and(|entry| !entry.live);
        let stack = &mut state.stacks[self.stack];
        stack.wanted = Some(properties.clone());
        stack.written_over_late = false;
        let sent = stack.requests.last().map_or(0, |request| request.sent);
        let is_back = properties_are_rolled_back(stack.views.last());
        stack.taken_back_at_once &= is_back;
        if is_back {
            // Back to a record that somebody had deleted, without a look at it.
            if stack.was_meddled && is_gone {
                stack.meddled_at = Some(sent);
            }
        } else if stack.meddled_at.is_some_and(|at| at < sent) {
            stack.meddled_at = None;
        }
    }

    /// Sends one request and waits for what becomes of it.
    async fn request(
        &mut self,
        kind: &'static str,
        id: Option<String>,
        properties: &Properties,
        old: Option<&Properties>,
        turn: Turn,
    ) -> Ended {
        let (waiter, answer) = oneshot::channel();
        let (number, event) = {
            let mut state = self.world.lock();
            let number = state.stacks[self.stack].requests.len();
            let stack_id = state.stacks[self.stack].id.clone();
            let request_id = format!("7d1f2f0e-{number:04}-4222-8333-{:012}", self.stack);
            let url = response_url(state.wall(), &stack_id, LOGICAL_ID, &request_id);
            let mut event = json!({
                "RequestType": kind,
                "RequestId": request_id,
                "StackId": stack_id,
                "ResponseURL": url,
                "ResourceType": "Custom::AuthomizeIntegration",
                "LogicalResourceId": LOGICAL_ID,
                "ResourceProperties": self.properties(properties),
            });
            if let Some(id) = &id {
                event["PhysicalResourceId"] = json!(id);
            }
            if let Some(old) = old {
                event["OldResourceProperties"] = self.properties(old);
            }
            state.note(format_args!(
                "cloudformation: stack {} request {number}: {kind} {} {properties:?}",
                self.stack,
                id.as_deref().unwrap_or_default()
            ));
            let sent = state.now();
            state.stacks[self.stack].requests.push(Asked {
                id: request_id,
                kind,
                incoming: id,
                url,
                sent,
                waiter: Some(waiter),
                first: None,
                runs: Vec::new(),
                answered: None,
                given_up: None,
                keep: properties.keep,
                held_up: false,
                amended: 0,
                registered: 0,
                removed: 0,
            });
            (number, event)
        };
        lambda::deliver(self.world, self.stack, number, event);
        let given_up = async {
            match turn.at() {
                Some(at) => sleep(Duration::from_millis(at)).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            biased;
            answer = answer => answer.map_or(Ended::TimedOut, Ended::Answered),
            () = given_up => Ended::GivenUp,
            () = sleep(SERVICE_TIMEOUT) => Ended::TimedOut,
        };
        let mut state = self.world.lock();
        let name = match &ended {
            Ended::Answered(answer) if answer.is_success => "answered SUCCESS",
            Ended::Answered(_) => "answered FAILED",
            Ended::TimedOut => "timed out",
            Ended::GivenUp => "given up",
        };
        state.coverage.branch("requests", format!("{kind} {name}"));
        if !matches!(ended, Ended::Answered(_)) {
            state.note(format_args!(
                "cloudformation: stack {} request {number} {name}",
                self.stack
            ));
        }
        if matches!(ended, Ended::GivenUp) {
            let now = state.now();
            state.stacks[self.stack].requests[number].given_up = Some(now);
        }
        let sent = state.stacks[self.stack].requests[number].sent;
        let is_given_up = matches!(ended, Ended::GivenUp);
        if is_given_up && kind == "Update" && sent / 1000 == state.now() / 1000 {
            state.stacks[self.stack].taken_back_at_once = true;
        }
        if matches!(ended, Ended::TimedOut) {
            state.check_unanswered(self.stack, number);
        }
        ended
    }

    fn properties(&self, properties: &Properties) -> Value {
        let account = ACCOUNTS[self.plan.account];
        let yes = |yes| if yes { "true" } else { "false" };
        json!({
            "ServiceToken": format!("arn:aws:lambda:{REGION}:{account}:function:registrar"),
            "ServiceTimeout": "1200",
            "TemplateVersion": "0.1.0",
            "ApiUrl": format!("https://{VENDOR}"),
            "ExternalId": EXTERNAL_ID,
            "RoleArn": role_arn(account),
            "IncludeIdentityCenter": yes(properties.identity_center),
            "IntegrationName": properties.name,
            "OwnerEmail": if properties.invalid { "nobody" } else { OWNERS[usize::from(properties.owner)] },
            "Regions": REGIONS[usize::from(properties.regions)],
            "AdditionalAccountIds": [""],
            "OnDelete": if properties.keep { "Keep" } else { "Remove" },
            "OnDeregistrationFailure": if properties.ignore { "Ignore" } else { "Fail" },
            "Refresh": properties.refresh.to_string(),
        })
    }
}

/// The owners' addresses.
pub const OWNERS: [&str; 3] = ["", "owner@example.com", "ops@example.com"];

/// The sets of regions.
pub const REGIONS: [&[&str]; 3] = [&[""], &["us-east-1"], &["eu-west-1", "us-east-1"]];

fn properties_are_rolled_back(seen: Option<&crate::world::Seen>) -> bool {
    seen.is_some_and(|seen| seen.stack == "UPDATE_ROLLBACK_IN_PROGRESS")
}

impl Turn {
    /// When it comes, in milliseconds after our request was sent.
    fn at(self) -> Option<u64> {
        match self {
            Self::Well => None,
            Self::SiblingFails(at) | Self::Deleted(at) => Some(at.into()),
        }
    }

    fn status_of_a_creation(self) -> &'static str {
        match self {
            Self::Deleted(_) => "DELETE_IN_PROGRESS",
            Self::Well | Self::SiblingFails(_) => "ROLLBACK_IN_PROGRESS",
        }
    }
}

impl crate::world::State {
    /// [`Promise::EveryRequestIsAnswered`].
    fn check_unanswered(&mut self, stack: usize, number: usize) {
        let request = &self.stacks[stack].requests[number];
        let is_excused = |ran: &crate::world::Ran| match ran.end {
            Some(End::Killed) => true,
            Some(End::Again) => ran.bucket_failed,
            Some(End::Done | End::OutOfTime | End::Panicked) => false,
            None => request.held_up,
        };
        if !request.runs.iter().all(is_excused) {
            let how = format!(
                "stack {stack} request {number}, a {}, was left to its timeout",
                request.kind
            );
            self.violated(Promise::EveryRequestIsAnswered, how);
        } else {
            self.coverage.branch(
                "requests",
                "left to its timeout: the function could not run to its end",
            );
        }
    }
}
