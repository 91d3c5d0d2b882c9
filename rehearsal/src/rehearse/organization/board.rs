//! Where each account is: kept while many are worked on at the same time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::cli::with_causes;
use super::report::AccountReport;
use crate::engine::{Account, StackError, StackOperation};
use crate::sandbox::App;

/// A status for what CloudFormation did not even begin.
const REFUSED: &str = "REFUSED";

/// All accounts.
#[derive(Debug)]
pub(super) struct Board(Mutex<Vec<Row>>);

#[derive(Debug)]
struct Row {
    account: AccountReport,
    began: Instant,
    events: Vec<String>,
}

impl Board {
    pub(super) fn of(members: &[Account]) -> Self {
        let row = |member: &Account| Row {
            account: AccountReport {
                account: member.id().to_string(),
                status: "waiting".to_owned(),
                ..AccountReport::default()
            },
            began: Instant::now(),
            events: Vec::new(),
        };
        Self(Mutex::new(members.iter().map(row).collect()))
    }

    fn rows(&self) -> MutexGuard<'_, Vec<Row>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Work on an account begins.
    pub(super) fn begins(&self, place: usize) {
        let row = &mut self.rows()[place];
        row.began = Instant::now();
        "waiting".clone_into(&mut row.account.status);
    }

    /// Follows the work on an account to its end.
    pub(super) async fn follows(
        &self,
        place: usize,
        started: Result<StackOperation, StackError>,
        limit: Duration,
    ) {
        if let Err(error) = self.to_the_end(place, started, limit).await {
            let row = &mut self.rows()[place];
            REFUSED.clone_into(&mut row.account.status);
            row.account.reason = with_causes(&error);
        }
    }

    async fn to_the_end(
        &self,
        place: usize,
        started: Result<StackOperation, StackError>,
        limit: Duration,
    ) -> Result<(), StackError> {
        let mut operation = started?.within(limit);
        while let Some(event) = operation.next_event().await? {
            let row = &mut self.rows()[place];
            row.events.push(format!("{event:?}"));
            if event.resource_type == "AWS::CloudFormation::Stack" {
                row.account.status = event.status;
            } else if event.status.ends_with("_FAILED") && row.account.reason.is_empty() {
                row.account.reason = format!("{}: {}", event.logical_id, event.reason);
            }
        }
        let outcome = operation.finish().await?;
        let row = &mut self.rows()[place];
        row.events.push(format!("{outcome:?}"));
        row.account.stack = outcome.stack_id;
        row.account.status = outcome.status;
        row.account.seconds.push(row.began.elapsed().as_secs_f64());
        Ok(())
    }

    /// Notes which record each account has.
    pub(super) fn registered(&self, apps: &[App]) {
        for row in &mut *self.rows() {
            let name = format!("AWS {}", row.account.account);
            let record = apps.iter().find(|app| app.integration_name == name);
            row.account.record = record.map_or_else(String::new, |app| app.id.clone());
        }
    }

    /// An account is closed: nothing of it is heard of again.
    pub(super) fn closes(&self, place: usize) {
        "closed".clone_into(&mut self.rows()[place].account.status);
    }

    /// The accounts whose stack has this status.
    pub(super) fn with_status(&self, status: &str) -> Vec<usize> {
        let rows = self.rows();
        let of_the_status = |place: &usize| rows[*place].account.status == status;
        (0..rows.len()).filter(of_the_status).collect()
    }

    /// How many of these accounts are in each state.
    pub(super) fn states(&self, places: &[usize]) -> String {
        let rows = self.rows();
        let mut states: BTreeMap<&str, usize> = BTreeMap::new();
        for place in places {
            *states.entry(&rows[*place].account.status).or_default() += 1;
        }
        let states = states
            .iter()
            .map(|(state, count)| format!("{count} {state}"));
        states.collect::<Vec<_>>().join(", ")
    }

    /// What CloudFormation told of an account's stack.
    pub(super) fn events_of(&self, place: usize) -> Vec<String> {
        self.rows()[place].events.clone()
    }

    /// All accounts as they are.
    pub(super) fn accounts(&self) -> Vec<AccountReport> {
        self.rows().iter().map(|row| row.account.clone()).collect()
    }
}
