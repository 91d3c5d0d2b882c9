//! The stack as CloudFormation sees it, and what that means for a request.
//!
//! The function serves its own stack only. An event can be old, replayed or
//! fired by hand; CloudFormation knows whether it is waiting for anything.
//! Statuses: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>.

use tokio::time::sleep;
use tracing::warn;

use crate::aws::{Aws, AwsError, SeenResource};
use crate::deadline::Waits;
use crate::physical_id::PhysicalId;
use crate::stack_id::StackId;

/// How often CloudFormation is asked again when it says that nothing is going on,
/// for what it tells may be a moment old, or when it does not answer.
const SECOND_LOOKS: usize = 3;

/// What CloudFormation said about the stack and the resource.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum View {
    /// It said this.
    Seen {
        /// What the stack is doing.
        stack: StackPhase,
        /// What the resource is doing; unknown if it is not listed yet.
        resource: ResourcePhase,
        /// The id that is recorded for the resource.
        recorded: Option<PhysicalId>,
    },
    /// The function may not ask.
    Denied,
    /// It could not be asked.
    Unknown,
}

/// What a stack is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum StackPhase {
    /// Creating, importing or updating: resources come and change.
    Forward,
    /// Rolling a creation back, or deleting: resources go.
    Going,
    /// Rolling an update back: resources change back.
    RollingBack,
    /// Cleaning up after an update: replaced resources go.
    CleaningUp,
    /// Nothing.
    AtRest,
}

/// What a resource is doing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResourcePhase {
    /// Being created or updated.
    InProgress,
    /// Created or updated.
    Complete,
    /// Failed or cancelled.
    Failed,
    /// Being deleted.
    Going,
    /// Deleted.
    Gone,
    /// Not listed, or in a status that we do not know.
    Unknown,
}

/// What that means for a request.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// CloudFormation waits for it, or it could not be asked.
    Wanted,
    /// CloudFormation gave up on it: what was made has to go again.
    Cancelled,
    /// CloudFormation is not waiting for anything: nothing is to be done.
    AtRest,
}

impl StackPhase {
    fn of(status: &str) -> Self {
        match status {
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "REVIEW_IN_PROGRESS"
            | "IMPORT_IN_PROGRESS" => Self::Forward,
            "ROLLBACK_IN_PROGRESS" | "DELETE_IN_PROGRESS" => Self::Going,
            "UPDATE_ROLLBACK_IN_PROGRESS" | "IMPORT_ROLLBACK_IN_PROGRESS" => Self::RollingBack,
            "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
            | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => Self::CleaningUp,
            _ => Self::AtRest,
        }
    }
}

impl ResourcePhase {
    fn of(status: &str) -> Self {
        match status {
            "CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS" => {
                Self::InProgress
            }
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" => Self::Complete,
            "CREATE_FAILED" | "UPDATE_FAILED" | "DELETE_FAILED" => Self::Failed,
            "DELETE_IN_PROGRESS" => Self::Going,
            "DELETE_COMPLETE" => Self::Gone,
            _ => Self::Unknown,
        }
    }
}

impl View {
    /// What the view means for a Create.
    pub fn for_create(&self) -> Standing {
        let Self::Seen {
            stack, resource, ..
        } = self
        else {
            return Standing::Wanted;
        };
        match (stack, resource) {
            (StackPhase::AtRest, _) | (_, ResourcePhase::Complete) => Standing::AtRest,
            (StackPhase::Forward, ResourcePhase::InProgress | ResourcePhase::Unknown) => {
                Standing::Wanted
            }
            _ => Standing::Cancelled,
        }
    }

    /// What the view means for an Update.
    pub fn for_update(&self) -> Standing {
        let Self::Seen {
            stack, resource, ..
        } = self
        else {
            return Standing::Wanted;
        };
        match (stack, resource) {
            (
                StackPhase::Forward | StackPhase::RollingBack,
                ResourcePhase::InProgress | ResourcePhase::Unknown,
            ) => Standing::Wanted,
            _ => Standing::AtRest,
        }
    }

    /// Whether an update of the stack is being rolled back.
    pub fn rolls_back(&self) -> bool {
        matches!(
            self,
            Self::Seen {
                stack: StackPhase::RollingBack,
                ..
            }
        )
    }

    /// What the view means for a Delete of `id`. While an update is cleaned up
    /// or rolled back only what was replaced goes, never the id that is recorded.
    pub fn for_delete(&self, id: &PhysicalId) -> Standing {
        let Self::Seen {
            stack,
            resource,
            recorded,
        } = self
        else {
            return Standing::Wanted;
        };
        match stack {
            StackPhase::Going => Standing::Wanted,
            StackPhase::CleaningUp | StackPhase::RollingBack => {
                if *resource == ResourcePhase::Complete && recorded.as_ref() == Some(id) {
                    Standing::AtRest
                } else {
                    Standing::Wanted
                }
            }
            StackPhase::Forward | StackPhase::AtRest => Standing::AtRest,
        }
    }

    /// Whether a request that is about to answer SUCCESS has lost its stack, by
    /// what the view means for it. Where the function could ask before and is
    /// denied now, its role is being torn down.
    pub fn lost_since(&self, before: &Self, meaning: fn(&Self) -> Standing) -> bool {
        match self {
            Self::Seen {
                resource: ResourcePhase::Complete,
                ..
            } => false,
            Self::Seen { .. } => meaning(self) != Standing::Wanted,
            Self::Denied => matches!(before, Self::Seen { .. }),
            Self::Unknown => false,
        }
    }

    /// The id that CloudFormation has recorded, if it said so.
    pub fn recorded(&self) -> Option<&PhysicalId> {
        match self {
            Self::Seen { recorded, .. } => recorded.as_ref(),
            Self::Denied | Self::Unknown => None,
        }
    }
}

/// The one resource that this run is about.
#[derive(Clone, Debug)]
pub struct OwnStack<'a> {
    /// How to ask.
    pub aws: &'a Aws,
    /// The stack.
    pub id: &'a StackId,
    /// The resource's name in the template.
    pub logical_id: &'a str,
    /// The waits of this run.
    pub waits: Waits,
    /// A laptop's CloudFormation does not know the stack.
    pub local: bool,
}

impl OwnStack<'_> {
    /// Asks CloudFormation once.
    pub async fn look(&self) -> View {
        let region = self.id.region().as_str();
        let (stack, resource) = tokio::join!(
            biased;
            self.aws.stack_status(region, self.id.as_str()),
            self.aws.resource(region, self.id.as_str(), self.logical_id),
        );
        self.view(stack, resource)
    }

    /// Asks until CloudFormation answers and `meaning` is something else than
    /// [`Standing::AtRest`], a few times at most.
    pub async fn look_for(&self, meaning: impl Fn(&View) -> Standing) -> View {
        let mut view = self.look().await;
        let mut wait = self.waits.backoff;
        for _ in 0..SECOND_LOOKS {
            let is_clear = view != View::Unknown && meaning(&view) != Standing::AtRest;
            if is_clear || !self.waits.allow(wait) {
                break;
            }
            sleep(wait).await;
            wait *= 2;
            view = self.look().await;
        }
        view
    }

    fn view(
        &self,
        stack: Result<String, AwsError>,
        resource: Result<SeenResource, AwsError>,
    ) -> View {
        let stack = match stack {
            Ok(status) => StackPhase::of(&status),
            Err(AwsError::NotFound { .. }) if !self.local => StackPhase::AtRest,
            Err(error) => return self.unseen(&error),
        };
        match resource {
            Ok(seen) => View::Seen {
                stack,
                resource: ResourcePhase::of(&seen.status),
                recorded: seen.physical_id.as_deref().map(PhysicalId::parse),
            },
            Err(AwsError::NotFound { .. } | AwsError::Refused { .. }) => View::Seen {
                stack,
                resource: ResourcePhase::Unknown,
                recorded: None,
            },
            Err(error) => self.unseen(&error),
        }
    }

    fn unseen(&self, error: &AwsError) -> View {
        warn!(error = %error, "CloudFormation could not be asked about the stack");
        match error {
            AwsError::Denied { .. } => View::Denied,
            _ => View::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(stack: &str, resource: &str, recorded: &str) -> View {
        View::Seen {
            stack: StackPhase::of(stack),
            resource: ResourcePhase::of(resource),
            recorded: Some(PhysicalId::parse(recorded)),
        }
    }

    const ID: &str = "integration/app_1/01234567";

    #[test]
    fn creates_only_what_cloudformation_waits_for() {
        for (stack, resource, standing) in [
            ("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", Standing::Wanted),
            ("UPDATE_IN_PROGRESS", "CREATE_IN_PROGRESS", Standing::Wanted),
            ("CREATE_IN_PROGRESS", "", Standing::Wanted),
            (
                "ROLLBACK_IN_PROGRESS",
                "CREATE_IN_PROGRESS",
                Standing::Cancelled,
            ),
            ("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", Standing::Cancelled),
            (
                "UPDATE_ROLLBACK_IN_PROGRESS",
                "CREATE_FAILED",
                Standing::Cancelled,
            ),
            (
                "DELETE_IN_PROGRESS",
                "DELETE_IN_PROGRESS",
                Standing::Cancelled,
            ),
            ("CREATE_COMPLETE", "CREATE_COMPLETE", Standing::AtRest),
            ("ROLLBACK_IN_PROGRESS", "CREATE_COMPLETE", Standing::AtRest),
            ("ROLLBACK_COMPLETE", "DELETE_COMPLETE", Standing::AtRest),
        ] {
            let view = seen(stack, resource, ID);
            assert_eq!(view.for_create(), standing, "{stack} {resource}");
        }
    }

    #[test]
    fn updates_forward_and_back_and_never_at_rest() {
        for (stack, resource, standing) in [
            ("UPDATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", Standing::Wanted),
            (
                "UPDATE_ROLLBACK_IN_PROGRESS",
                "UPDATE_IN_PROGRESS",
                Standing::Wanted,
            ),
            ("UPDATE_COMPLETE", "UPDATE_COMPLETE", Standing::AtRest),
            ("UPDATE_IN_PROGRESS", "UPDATE_COMPLETE", Standing::AtRest),
            ("DELETE_IN_PROGRESS", "UPDATE_COMPLETE", Standing::AtRest),
        ] {
            let view = seen(stack, resource, ID);
            assert_eq!(view.for_update(), standing, "{stack} {resource}");
        }
    }

    #[test]
    fn deletes_only_while_the_stack_goes_or_cleans_up() {
        let other = "integration/app_2/01234567";
        for (stack, resource, recorded, standing) in [
            (
                "DELETE_IN_PROGRESS",
                "DELETE_IN_PROGRESS",
                ID,
                Standing::Wanted,
            ),
            (
                "ROLLBACK_IN_PROGRESS",
                "DELETE_IN_PROGRESS",
                ID,
                Standing::Wanted,
            ),
            (
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                "UPDATE_COMPLETE",
                other,
                Standing::Wanted,
            ),
            (
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                "DELETE_IN_PROGRESS",
                ID,
                Standing::Wanted,
            ),
            (
                "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
                "UPDATE_COMPLETE",
                ID,
                Standing::AtRest,
            ),
            ("UPDATE_COMPLETE", "UPDATE_COMPLETE", ID, Standing::AtRest),
            (
                "UPDATE_IN_PROGRESS",
                "UPDATE_COMPLETE",
                ID,
                Standing::AtRest,
            ),
            ("CREATE_COMPLETE", "CREATE_COMPLETE", ID, Standing::AtRest),
        ] {
            let view = seen(stack, resource, recorded);
            let id = PhysicalId::parse(ID);
            assert_eq!(
                view.for_delete(&id),
                standing,
                "{stack} {resource} {recorded}"
            );
        }
    }

    /// Case E30: when a Create has lost its stack.
    #[test]
    fn takes_a_permission_that_is_gone_for_a_role_that_is_torn_down() {
        let before = seen("CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", ID);
        let lost = |now: View, before: &View| now.lost_since(before, View::for_create);
        assert!(lost(View::Denied, &before));
        assert!(!lost(View::Denied, &View::Denied));
        assert!(!lost(View::Unknown, &before));
        assert!(!lost(
            seen("CREATE_COMPLETE", "CREATE_COMPLETE", ID),
            &before
        ));
        assert!(lost(
            seen("ROLLBACK_IN_PROGRESS", "CREATE_FAILED", ID),
            &before
        ));
    }

    /// Cases E27 and E30: a stack that rolls back waits for its Updates.
    #[test]
    fn is_lost_for_a_create_and_not_for_an_update_while_it_rolls_back() {
        let now = seen("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_IN_PROGRESS", ID);
        assert!(now.lost_since(&now, View::for_create));
        assert!(!now.lost_since(&now, View::for_update));
    }
}
