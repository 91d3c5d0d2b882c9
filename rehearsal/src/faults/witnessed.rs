//! What was seen of a stack that met a fault, by those around the function.

use crate::engine::{StackError, StackEvent, StackOperation};
use crate::rehearse::world::World;
use crate::sandbox::{App, RecordedRequest};

use super::stage::RESOURCE;

/// Everything that was seen, in order.
#[derive(Debug, Default)]
pub(super) struct Witnessed {
    /// The strangers' records as they were at first.
    pub(super) strangers: Vec<App>,
    /// The records of ours at each look.
    pub(super) records: Vec<Vec<App>>,
    /// Every event of every stack.
    pub(super) events: Vec<StackEvent>,
    /// The stacks' outputs.
    pub(super) outputs: Vec<String>,
    /// The stack's status when the request with the fault was over.
    pub(super) status: String,
    /// Why the resource failed, as the admin reads it; empty if it did not.
    pub(super) reason: String,
    /// The status when all was taken down; empty if nothing was left to do.
    pub(super) last_status: String,
    /// What the vendor was asked by the request with the fault.
    pub(super) calls: Vec<String>,
    calls_before: usize,
    apps_before: Vec<App>,
}

impl Witnessed {
    /// Before there is any stack: what is at the vendor is a stranger's.
    pub(super) fn at_the_beginning(world: &World) -> Self {
        Self {
            strangers: world.sandbox.apps(),
            ..Self::default()
        }
    }

    /// The request with the fault begins: only the strangers stay as they are.
    pub(super) fn forget_the_beginning(&mut self, world: &World) {
        self.calls_before = world.sandbox.requests().len();
        self.apps_before = world.sandbox.apps();
    }

    /// The fault is there: what came with it, or became another stack's by it,
    /// is a stranger's, too.
    pub(super) fn know_the_strangers_of_the_fault(&mut self, world: &World) {
        let apps = world.sandbox.apps().into_iter();
        let of_the_fault = apps.filter(|app| !self.apps_before.contains(app));
        self.strangers.extend(of_the_fault);
    }

    /// Follows an operation to its end, and lets `react` see each event.
    pub(super) async fn follow(
        &mut self,
        mut operation: StackOperation,
        react: impl Fn(&StackEvent),
    ) -> Result<String, StackError> {
        while let Some(event) = operation.next_event().await? {
            react(&event);
            self.events.push(event);
        }
        let outcome = operation.finish().await?;
        self.outputs.extend(outcome.outputs.into_values());
        Ok(outcome.status)
    }

    /// The request with the fault is over.
    pub(super) fn end_with(&mut self, status: String, world: &World) {
        self.status = status;
        let failed =
            |event: &&StackEvent| event.logical_id == RESOURCE && event.status.ends_with("_FAILED");
        let reason = self.events.iter().find(failed);
        self.reason = reason.map_or_else(String::new, |event| event.reason.clone());
        let requests = world.sandbox.requests();
        self.calls = requests.iter().skip(self.calls_before).map(told).collect();
    }

    /// Looks at what the vendor has of ours.
    pub(super) fn take_records(&mut self, world: &World) {
        let is_ours = |app: &App| !self.strangers.iter().any(|stranger| stranger.id == app.id);
        let apps = world.sandbox.apps();
        self.records
            .push(apps.into_iter().filter(is_ours).collect());
    }
}

/// A request to the vendor in a few words.
fn told(call: &RecordedRequest) -> String {
    match call.status {
        Some(status) => format!("{} {status}", call.method),
        None => format!("{} lost", call.method),
    }
}
