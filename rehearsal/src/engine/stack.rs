//! Stacks: an operation is started, followed event by event, and looked at
//! when it is over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use aws_sdk_cloudformation::Error as SdkError;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata as _};
use aws_sdk_cloudformation::types::{self, Capability, Parameter, Stack};
use thiserror::Error;
use time::OffsetDateTime;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::Account;

/// How often the engine is asked for new events.
const POLL: Duration = Duration::from_millis(150);

/// How long an operation may take if [`StackOperation::within`] says nothing.
const LIMIT: Duration = Duration::from_secs(300);

/// What a stack is made from.
#[derive(Clone, Debug, Default)]
pub struct StackSpec {
    /// The stack's name.
    pub name: String,
    /// The template's text.
    pub template: String,
    /// The parameters' names and values.
    pub parameters: Vec<(String, String)>,
    /// Whether a failure leaves everything as it is.
    pub disable_rollback: bool,
}

/// One event of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StackEvent {
    /// When, in UTC.
    pub timestamp: OffsetDateTime,
    /// The resource's name in the template; the stack's name for the stack.
    pub logical_id: String,
    /// For example `AWS::IAM::Role`.
    pub resource_type: String,
    /// For example `CREATE_COMPLETE`.
    pub status: String,
    /// Why; empty if not told.
    pub reason: String,
    /// The resource's physical id; empty while there is none.
    pub physical_id: String,
}

/// How an operation on a stack ended.
#[derive(Clone, Debug)]
pub struct StackOutcome {
    /// The stack's ARN.
    pub stack_id: String,
    /// For example `ROLLBACK_COMPLETE`.
    pub status: String,
    /// The outputs by name.
    pub outputs: BTreeMap<String, String>,
    /// Every event of this operation, oldest first.
    pub events: Vec<StackEvent>,
}

impl StackOutcome {
    /// What failed first, from which all else follows.
    #[must_use]
    pub fn first_failure(&self) -> Option<&StackEvent> {
        let failed = |event: &&StackEvent| event.status.ends_with("_FAILED");
        self.events.iter().find(failed)
    }
}

/// A resource that a stack still has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftResource {
    /// Its name in the template.
    pub logical_id: String,
    /// For example `AWS::IAM::Role`.
    pub resource_type: String,
    /// For example `CREATE_COMPLETE`.
    pub status: String,
    /// Its physical id; empty while there is none.
    pub physical_id: String,
}

/// Why a stack could not be worked on.
#[derive(Debug, Error)]
pub enum StackError {
    /// CloudFormation refused.
    #[error("CloudFormation refused: {0}")]
    Refused(String),
    /// CloudFormation could not be asked.
    #[error("CloudFormation could not be asked: {0}")]
    Unreachable(String),
    /// It takes too long.
    #[error("the stack `{stack}` takes longer than {} s; the last event was {last}", limit.as_secs())]
    TooLong {
        /// The stack's ARN.
        stack: String,
        /// How long was waited.
        limit: Duration,
        /// Status and logical id of the last event.
        last: String,
    },
}

impl From<SdkError> for StackError {
    fn from(error: SdkError) -> Self {
        match error.message() {
            Some(message) => Self::Refused(message.to_owned()),
            None => Self::Unreachable(DisplayErrorContext(&error).to_string()),
        }
    }
}

impl Account {
    /// Starts to create a stack, with the right to make named IAM resources.
    ///
    /// # Errors
    /// CloudFormation refuses, for example because of a parameter's pattern.
    pub async fn create_stack(&self, spec: &StackSpec) -> Result<StackOperation, StackError> {
        let create = self.cloudformation().create_stack();
        let created = create
            .stack_name(&spec.name)
            .template_body(&spec.template)
            .set_parameters(Some(parameters(spec)))
            .disable_rollback(spec.disable_rollback)
            .capabilities(Capability::CapabilityNamedIam)
            .send()
            .await
            .map_err(SdkError::from)?;
        let stack_id = created.stack_id.unwrap_or_default();
        Ok(StackOperation::new(self, stack_id, BTreeSet::new()))
    }

    /// Starts to update a stack.
    ///
    /// # Errors
    /// CloudFormation refuses, also when nothing would change.
    pub async fn update_stack(&self, spec: &StackSpec) -> Result<StackOperation, StackError> {
        let operation = self.operation_on(&spec.name).await?;
        let update = self.cloudformation().update_stack();
        update
            .stack_name(&spec.name)
            .template_body(&spec.template)
            .set_parameters(Some(parameters(spec)))
            .disable_rollback(spec.disable_rollback)
            .capabilities(Capability::CapabilityNamedIam)
            .send()
            .await
            .map_err(SdkError::from)?;
        Ok(operation)
    }

    /// Starts to delete a stack.
    ///
    /// # Errors
    /// CloudFormation refuses, or there is no such stack.
    pub async fn delete_stack(&self, name: &str) -> Result<StackOperation, StackError> {
        let operation = self.operation_on(name).await?;
        let delete = self.cloudformation().delete_stack().stack_name(name);
        delete.send().await.map_err(SdkError::from)?;
        Ok(operation)
    }

    /// The resources that a stack still has, given by its name or ARN.
    ///
    /// # Errors
    /// CloudFormation refuses or cannot be asked.
    pub async fn left_resources(&self, stack: &str) -> Result<Vec<LeftResource>, StackError> {
        let describe = self.cloudformation().describe_stack_resources();
        let described = describe.stack_name(stack).send().await;
        let described = described.map_err(SdkError::from)?;
        let resource = |resource: types::StackResource| LeftResource {
            logical_id: resource.logical_resource_id.unwrap_or_default(),
            resource_type: resource.resource_type.unwrap_or_default(),
            status: status(resource.resource_status),
            physical_id: resource.physical_resource_id.unwrap_or_default(),
        };
        let resources = described.stack_resources.unwrap_or_default();
        Ok(resources.into_iter().map(resource).collect())
    }

    /// An operation that begins after everything that happened so far.
    async fn operation_on(&self, name: &str) -> Result<StackOperation, StackError> {
        let stack_id = self.stack(name).await?.stack_id.unwrap_or_default();
        let events = self.stack_events(&stack_id).await?;
        let known = events.into_iter().filter_map(|event| event.event_id);
        Ok(StackOperation::new(self, stack_id, known.collect()))
    }

    async fn stack(&self, stack: &str) -> Result<Stack, StackError> {
        let describe = self.cloudformation().describe_stacks().stack_name(stack);
        let described = describe.send().await.map_err(SdkError::from)?;
        let stack = described.stacks.unwrap_or_default().into_iter().next();
        stack.ok_or_else(|| StackError::Refused("it shows no stack".to_owned()))
    }

    /// Every event of a stack, newest first.
    async fn stack_events(&self, stack_id: &str) -> Result<Vec<types::StackEvent>, StackError> {
        let describe = self.cloudformation().describe_stack_events();
        let mut pages = describe.stack_name(stack_id).into_paginator().send();
        let mut events = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(SdkError::from)?;
            events.extend(page.stack_events.unwrap_or_default());
        }
        Ok(events)
    }
}

/// An operation under way on a stack.
#[derive(Debug)]
pub struct StackOperation {
    account: Account,
    stack_id: String,
    known: BTreeSet<String>,
    waiting: VecDeque<StackEvent>,
    told: Vec<StackEvent>,
    end: Option<Stack>,
    started: Instant,
    limit: Duration,
}

impl StackOperation {
    fn new(account: &Account, stack_id: String, known: BTreeSet<String>) -> Self {
        Self {
            account: account.clone(),
            stack_id,
            known,
            waiting: VecDeque::new(),
            told: Vec::new(),
            end: None,
            started: Instant::now(),
            limit: LIMIT,
        }
    }

    /// Lets the operation take this long from its start, not five minutes.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The stack's ARN.
    #[must_use]
    pub fn stack_id(&self) -> &str {
        &self.stack_id
    }

    /// Waits for the next event; `None` after the operation's last one.
    ///
    /// # Errors
    /// CloudFormation cannot be asked, or the operation takes too long.
    pub async fn next_event(&mut self) -> Result<Option<StackEvent>, StackError> {
        let mut poll = interval(POLL);
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while self.waiting.is_empty() && self.end.is_none() {
            let deadline = self.started + self.limit;
            if timeout_at(deadline, poll.tick()).await.is_err() {
                return Err(self.too_long());
            }
            self.look().await?;
        }
        let event = self.waiting.pop_front();
        self.told.extend(event.clone());
        Ok(event)
    }

    /// Waits for the end of the operation.
    ///
    /// # Errors
    /// CloudFormation cannot be asked, or the operation takes too long.
    pub async fn finish(mut self) -> Result<StackOutcome, StackError> {
        while self.next_event().await?.is_some() {}
        let end = self.end.expect("events end only with the operation");
        let outputs = end.outputs.unwrap_or_default().into_iter();
        Ok(StackOutcome {
            stack_id: self.stack_id,
            status: status(end.stack_status),
            outputs: outputs
                .filter_map(|output| Some((output.output_key?, output.output_value?)))
                .collect(),
            events: self.told,
        })
    }

    /// Takes in what is new. The operation is over when the newest event is
    /// the stack's own, is no progress, and is what the stack says as well:
    /// some of a stack's failures are events only, and a rollback follows.
    async fn look(&mut self) -> Result<(), StackError> {
        let events = self.account.stack_events(&self.stack_id).await?;
        let newest = events.first().map(|event| {
            let of_the_stack = event.physical_resource_id.as_deref() == Some(&*self.stack_id);
            (of_the_stack, status(event.resource_status.clone()))
        });
        let mut is_new = false;
        for event in events.into_iter().rev() {
            let id = event.event_id.clone().unwrap_or_default();
            if self.known.insert(id) {
                is_new = true;
                self.waiting.push_back(stack_event(event));
            }
        }
        let begun = is_new || !self.told.is_empty();
        if let Some((true, newest)) = newest
            && begun
            && !newest.ends_with("_IN_PROGRESS")
        {
            let stack = self.account.stack(&self.stack_id).await?;
            if status(stack.stack_status.clone()) == newest {
                self.end = Some(stack);
            }
        }
        Ok(())
    }

    fn too_long(&self) -> StackError {
        let last = self.told.last();
        StackError::TooLong {
            stack: self.stack_id.clone(),
            limit: self.limit,
            last: last.map_or_else(
                || "none".to_owned(),
                |event| format!("{} of {}", event.status, event.logical_id),
            ),
        }
    }
}

fn parameters(spec: &StackSpec) -> Vec<Parameter> {
    let parameter = |(name, value): &(String, String)| {
        let parameter = Parameter::builder().parameter_key(name);
        parameter.parameter_value(value).build()
    };
    spec.parameters.iter().map(parameter).collect()
}

fn stack_event(event: types::StackEvent) -> StackEvent {
    let nanos = event.timestamp.map_or(0, |timestamp| timestamp.as_nanos());
    StackEvent {
        timestamp: OffsetDateTime::from_unix_timestamp_nanos(nanos)
            .unwrap_or(OffsetDateTime::UNIX_EPOCH),
        logical_id: event.logical_resource_id.unwrap_or_default(),
        resource_type: event.resource_type.unwrap_or_default(),
        status: status(event.resource_status),
        reason: event.resource_status_reason.unwrap_or_default(),
        physical_id: event.physical_resource_id.unwrap_or_default(),
    }
}

fn status(status: Option<impl ToString>) -> String {
    status.map_or_else(String::new, |status| status.to_string())
}
