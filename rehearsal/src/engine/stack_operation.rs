//! An operation on a stack, followed event by event until it is over.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use aws_sdk_cloudformation::types::{self, Stack};
use time::OffsetDateTime;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::Account;
use super::stack::{StackError, status};

/// How long an operation may take if [`StackOperation::within`] says nothing.
const LIMIT: Duration = Duration::from_secs(300);

/// How often the engine is asked for new events.
const POLL: Duration = Duration::from_millis(150);

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
    pub(super) fn new(account: &Account, stack_id: String, known: BTreeSet<String>) -> Self {
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
