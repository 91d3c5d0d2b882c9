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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::{ENV_LOCAL, ENV_STACK_ID};
    use crate::hub::ENV_ORGANIZATION_ID;

    const OWN: &str = "arn:aws:cloudformation:us-east-1:123456789012:stack/own/a";

    fn of(environment: &[(&str, &str)], stack: &str) -> String {
        let configuration = Configuration::read(|wanted| {
            let (_, value) = environment.iter().find(|(name, _)| *name == wanted)?;
            Some((*value).to_owned())
        });
        let customer = Customer::of(&configuration, &stack.parse().unwrap());
        let text = format!("{customer:?}");
        text.split('(').next().unwrap_or_default().to_owned()
    }

    #[test]
    fn is_decided_by_the_function_and_the_stack_alone() {
        let single = [(ENV_STACK_ID, OWN)];
        let hub = [(ENV_STACK_ID, OWN), (ENV_ORGANIZATION_ID, "o-a1b2c3d4e5")];
        let nobody = [(ENV_ORGANIZATION_ID, "o-a1b2c3d4e5")];
        let member = OWN.replace("123456789012", "210987654321");
        for (environment, stack, expected) in [
            (&single[..], OWN.to_owned(), "OwnStack"),
            (&single, member.clone(), "Stranger"),
            (&hub, OWN.to_owned(), "OwnStack"),
            (&hub, member.clone(), "Member"),
            // Another stack of the hub's own account is a member as any other.
            (&hub, OWN.replace("own/a", "own/b"), "Member"),
            (&hub, member.replace("us-east-1", "eu-west-1"), "FarMember"),
            (&hub, member.replace("arn:aws:", "arn:aws-cn:"), "FarMember"),
            (&nobody, member.clone(), "Stranger"),
            (&[(ENV_LOCAL, "true")], member.clone(), "OwnStack"),
        ] {
            assert_eq!(of(environment, &stack), expected, "{stack}");
        }
    }
}
