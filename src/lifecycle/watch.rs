//! Whether the stack still waits for a request that is being carried out.

use tokio::time::sleep;

use super::session::Session;
use crate::aws::Aws;
use crate::stack::{Standing, View};

/// What the stack looked like when a run began, and what its looks mean for the
/// run's request: a stack that rolls back waits for its Updates, not for Creates.
#[derive(Clone, Copy)]
pub(super) struct Watch<'a> {
    pub(super) session: &'a Session,
    pub(super) aws: &'a Aws,
    pub(super) before: &'a View,
    pub(super) meaning: fn(&View) -> Standing,
}

impl Watch<'_> {
    /// Asks CloudFormation whether it has given the request up meanwhile.
    pub(super) async fn is_lost(&self) -> bool {
        self.seems_lost().await && {
            // The stack and the resource are asked about apart, so one answer can be
            // older than the other.
            sleep(self.session.waits.backoff).await;
            self.seems_lost().await
        }
    }

    async fn seems_lost(&self) -> bool {
        let now = self.session.own_stack(self.aws).look().await;
        now.lost_since(self.before, self.meaning)
    }

    /// Asks CloudFormation whether it no longer waits for the request.
    pub(super) async fn is_over(&self) -> bool {
        let now = self.session.own_stack(self.aws).look().await;
        (self.meaning)(&now) != Standing::Wanted
    }

    /// Asks CloudFormation whether it takes the update back meanwhile.
    pub(super) async fn goes_back(&self) -> bool {
        self.session.own_stack(self.aws).look().await.takes_back()
    }
}
