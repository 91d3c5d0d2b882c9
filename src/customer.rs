//! Whom a request is for: decided once, before anything is done.

use std::sync::Arc;

use crate::configuration::Configuration;
use crate::hub::Hub;
use crate::stack_id::StackId;

/// Whom a request is for.
#[derive(Clone, Debug)]
pub enum Customer {
    /// The stack that made the function; on a laptop any stack.
    OwnStack,
    /// A stack of an account of the hub's organization, as far as the event can be
    /// believed: the answer is the proof.
    Member(Arc<Hub>),
    /// A stack of another region or partition than the hub's.
    FarMember,
    /// Another stack than the one that a function without members serves.
    Stranger,
}

impl Customer {
    /// Whom the function serves when a request names `stack`.
    pub fn of(configuration: &Configuration, stack: &StackId) -> Self {
        match (&configuration.stack_id, &configuration.hub) {
            (Some(own), _) if own == stack => Self::OwnStack,
            (None, _) if configuration.local.is_some() => Self::OwnStack,
            (_, Some(hub)) if hub.is_near(stack) => Self::Member(Arc::clone(hub)),
            (_, Some(_)) => Self::FarMember,
            (_, None) => Self::Stranger,
        }
    }

    /// The hub, if the request is a member's.
    pub fn hub(&self) -> Option<&Hub> {
        match self {
            Self::Member(hub) => Some(hub),
            Self::OwnStack | Self::FarMember | Self::Stranger => None,
        }
    }

    /// Whether the request is a member's, so that CloudFormation cannot be asked
    /// about its stack and the event is not believed.
    pub fn is_a_member(&self) -> bool {
        self.hub().is_some()
    }
}
