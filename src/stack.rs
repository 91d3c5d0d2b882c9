//! The stack as CloudFormation sees it, and what that means for a request.
//!
//! The function serves its own stack only. An event can be old, replayed or
//! fired by hand; CloudFormation knows whether it is waiting for anything.
//! Statuses: <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html>.

use std::time::{Duration, SystemTime};

use tokio::time::sleep;
use tracing::warn;

use crate::aws::{Aws, AwsError, SeenResource};
use crate::deadline::Waits;
use crate::physical_id::PhysicalId;
use crate::record_id::RecordId;
use crate::stack_id::StackId;

/// How often CloudFormation is asked again when it says that nothing is going on,
/// for what it tells may be a moment old, or when it does not answer.
const SECOND_LOOKS: usize = 3;

/// By how much the clocks of CloudFormation and of the function differ at most.
const CLOCKS_DIFFER: Duration = Duration::from_secs(2);

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
        /// The stack goes back, or went back, to what it was before an update.
        goes_back: bool,
        /// The resource's status changed after the request was sent, so
        /// CloudFormation waits for another one.
        overtaken: bool,
        /// When the resource's status changed last.
        changed: Option<SystemTime>,
    },
    /// The function may not ask, or runs on a laptop, where nobody knows the stack.
    Denied,
    /// It could not be asked.
    Unknown,
    /// The function may not ask any more: its role is being torn down.
    TornDown,
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
    /// Being created.
    Creating,
    /// Being updated, so it was created before.
    Updating,
    /// Created or updated.
    Complete,
    /// Failed or cancelled, or retained while its stack goes.
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
            "CREATE_IN_PROGRESS" => Self::Creating,
            "UPDATE_IN_PROGRESS" | "UPDATE_ROLLBACK_IN_PROGRESS" => Self::Updating,
            "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE" => Self::Complete,
            "CREATE_FAILED" | "UPDATE_FAILED" | "DELETE_FAILED" | "DELETE_SKIPPED" => Self::Failed,
            "DELETE_IN_PROGRESS" => Self::Going,
            "DELETE_COMPLETE" => Self::Gone,
            _ => Self::Unknown,
        }
    }
}

impl View {
    /// What the view means for a Create.
    pub fn for_create(&self) -> Standing {
        let (stack, resource) = match self {
            Self::Seen {
                stack, resource, ..
            } => (stack, resource),
            Self::TornDown => return Standing::Cancelled,
            Self::Denied | Self::Unknown => return Standing::Wanted,
        };
        match (stack, resource) {
            (StackPhase::AtRest, _) | (_, ResourcePhase::Complete | ResourcePhase::Updating) => {
                Standing::AtRest
            }
            (StackPhase::Forward, ResourcePhase::Creating | ResourcePhase::Unknown) => {
                Standing::Wanted
            }
            _ => Standing::Cancelled,
        }
    }

    /// What the view means for an Update.
    pub fn for_update(&self) -> Standing {
        let (stack, resource) = match self {
            Self::Seen {
                overtaken: true, ..
            }
            | Self::TornDown => return Standing::AtRest,
            Self::Seen {
                stack, resource, ..
            } => (stack, resource),
            Self::Denied | Self::Unknown => return Standing::Wanted,
        };
        match (stack, resource) {
            (
                StackPhase::Forward | StackPhase::RollingBack,
                ResourcePhase::Creating | ResourcePhase::Updating | ResourcePhase::Unknown,
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

    /// Whether the stack is created or updated, and nothing is taken back.
    pub fn goes_forward(&self) -> bool {
        matches!(
            self,
            Self::Seen {
                stack: StackPhase::Forward,
                ..
            }
        )
    }

    /// Whether the whole stack goes, and everything of it.
    pub fn goes(&self) -> bool {
        matches!(
            self,
            Self::Seen {
                stack: StackPhase::Going,
                ..
            }
        )
    }

    /// Whether the stack goes back, or went back, to what it was before the update
    /// that the request is about, and began to before that one `wrote` last: what has
    /// begun since writes over it. What takes an update back is no such request.
    pub fn takes_back(&self, wrote: SystemTime) -> bool {
        match self {
            Self::Seen {
                goes_back: true,
                overtaken: true,
                changed,
                ..
            } => changed.is_none_or(|changed| changed <= wrote + CLOCKS_DIFFER),
            _ => false,
        }
    }

    /// What the view means for a Delete of `id`. While an update is cleaned up
    /// or rolled back only what was replaced goes, never the id that is recorded.
    pub fn for_delete(&self, id: &PhysicalId) -> Standing {
        let Self::Seen {
            stack,
            resource,
            recorded,
            ..
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
                resource: ResourcePhase::Complete | ResourcePhase::Updating,
                ..
            } => false,
            Self::Seen { .. } => meaning(self) != Standing::Wanted,
            Self::Denied => matches!(before, Self::Seen { .. }),
            Self::TornDown => true,
            Self::Unknown => false,
        }
    }

    /// Whether CloudFormation does not wait for the creation of `record` any more, and has
    /// recorded an id that does not name it.
    pub fn goes_without(&self, record: &RecordId) -> bool {
        match self {
            Self::Seen {
                resource: ResourcePhase::Complete | ResourcePhase::Updating,
                ..
            } => false,
            Self::Seen { recorded, .. } => {
                self.for_create() != Standing::Wanted
                    && recorded
                        .as_ref()
                        .is_some_and(|id| id.record() != Some(record))
            }
            Self::Denied | Self::Unknown | Self::TornDown => false,
        }
    }

    /// The other record that the stack has in place of `record`, which was created for it.
    pub fn has_another_than(&self, record: &RecordId) -> Option<&RecordId> {
        match self {
            Self::Seen {
                resource: ResourcePhase::Complete | ResourcePhase::Updating,
                recorded: Some(recorded),
                ..
            } => recorded.record().filter(|named| *named != record),
            _ => None,
        }
    }

    /// The record of the recorded id, where another request than the one that was answered
    /// with it decides what becomes of it. A Delete of what no stack made hands it back: who
    /// does that once more does no harm, and who took it over since has to.
    pub fn record_of_another_request(&self) -> Option<&RecordId> {
        match self {
            Self::Seen {
                resource: ResourcePhase::Going,
                recorded: Some(PhysicalId::Adopted(_)),
                ..
            } => None,
            Self::Seen {
                resource: ResourcePhase::Failed | ResourcePhase::Going,
                recorded: Some(recorded),
                ..
            } => recorded.record(),
            _ => None,
        }
    }

    /// Whether the stack may stand with the resource, as far as can be told: it goes back
    /// or cleans up, and CloudFormation does not tell of the resource, or the role never
    /// might ask and is not torn down after all.
    pub fn may_keep_the_resource(&self) -> bool {
        matches!(
            self,
            Self::TornDown
                | Self::Seen {
                    stack: StackPhase::RollingBack | StackPhase::CleaningUp,
                    resource: ResourcePhase::Unknown,
                    ..
                }
        )
    }

    /// Whether CloudFormation told what the resource is doing.
    pub fn tells_of_the_resource(&self) -> bool {
        matches!(self, Self::Seen { resource, .. } if *resource != ResourcePhase::Unknown)
    }

    /// The id that CloudFormation has recorded, if it said so.
    pub fn recorded(&self) -> Option<&PhysicalId> {
        match self {
            Self::Seen { recorded, .. } => recorded.as_ref(),
            Self::Denied | Self::Unknown | Self::TornDown => None,
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
    /// When CloudFormation sent the request, if that can be told.
    pub sent: Option<SystemTime>,
    /// The waits of this run.
    pub waits: Waits,
    /// A laptop's CloudFormation does not know the stack.
    pub local: bool,
    /// The stack is another account's: there is no right to ask about it.
    pub foreign: bool,
}

impl OwnStack<'_> {
    /// Asks CloudFormation once. Both questions go out together, so that what they
    /// tell is of one moment as nearly as can be.
    pub async fn look(&self) -> View {
        if self.foreign {
            return View::Denied;
        }
        let cloudformation = self.aws.cloudformation(self.id.region().as_str());
        let id = self.id.as_str();
        let (stack, resource) = tokio::join!(
            biased;
            cloudformation.stack_status(id),
            cloudformation.resource(id, self.logical_id),
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
            view = match (view, self.look().await) {
                // What was seen before the role was torn down, or before CloudFormation
                // fell silent, is true.
                (seen @ View::Seen { .. }, View::Denied | View::Unknown) => seen,
                (View::Unknown | View::TornDown, View::Denied) => View::TornDown,
                (_, now) => now,
            };
        }
        view
    }

    fn view(
        &self,
        stack: Result<String, AwsError>,
        resource: Result<SeenResource, AwsError>,
    ) -> View {
        let (stack, goes_back, stands) = match stack {
            Ok(status) => (
                StackPhase::of(&status),
                status.starts_with("UPDATE_ROLLBACK"),
                matches!(
                    &*status,
                    "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "UPDATE_ROLLBACK_COMPLETE"
                ),
            ),
            Err(AwsError::NotFound { .. }) if self.local => return View::Denied,
            Err(AwsError::NotFound { .. }) => (StackPhase::AtRest, false, false),
            // A resource that no longer waits for the request tells enough of its stack.
            Err(AwsError::Unavailable(_) | AwsError::Denied { .. })
                if self.is_given_up(&resource) =>
            {
                (StackPhase::Going, false, false)
            }
            Err(error) => {
                let unseen = self.unseen(&error);
                // A role that may ask about the resource is not being torn down.
                return if resource.is_ok() {
                    View::Unknown
                } else {
                    unseen
                };
            }
        };
        match resource {
            Ok(seen) => View::Seen {
                stack,
                resource: match ResourcePhase::of(&seen.status) {
                    // The two were asked apart, and this is the older answer.
                    ResourcePhase::Creating if stands => ResourcePhase::Complete,
                    phase => phase,
                },
                recorded: seen.physical_id.as_deref().map(PhysicalId::parse),
                goes_back,
                overtaken: self.is_overtaken(seen.changed),
                changed: seen.changed,
            },
            // So does a stack that stands or goes, or any where the function may not ask
            // about the resource, or not any more.
            Err(error) if stands || is_enough(stack, &error) => {
                if matches!(error, AwsError::Denied { .. }) {
                    warn_of(&error);
                }
                View::Seen {
                    stack,
                    resource: if stands {
                        ResourcePhase::Complete
                    } else {
                        ResourcePhase::Unknown
                    },
                    recorded: None,
                    goes_back,
                    overtaken: false,
                    changed: None,
                }
            }
            Err(error) => self.unseen(&error),
        }
    }

    /// CloudFormation changes a resource's status first and sends its request then,
    /// in the same second or later; the request's date has whole seconds.
    fn is_overtaken(&self, changed: Option<SystemTime>) -> bool {
        match (changed, self.sent) {
            (Some(changed), Some(sent)) => changed >= sent + Duration::from_secs(1),
            _ => false,
        }
    }

    /// Whether the resource is done, has failed, goes, or is updated anew by now.
    fn is_given_up(&self, resource: &Result<SeenResource, AwsError>) -> bool {
        resource
            .as_ref()
            .is_ok_and(|seen| match ResourcePhase::of(&seen.status) {
                ResourcePhase::Complete
                | ResourcePhase::Failed
                | ResourcePhase::Going
                | ResourcePhase::Gone => true,
                ResourcePhase::Updating => self.is_overtaken(seen.changed),
                ResourcePhase::Creating | ResourcePhase::Unknown => false,
            })
    }

    fn unseen(&self, error: &AwsError) -> View {
        warn_of(error);
        match error {
            AwsError::Denied { .. } => View::Denied,
            _ => View::Unknown,
        }
    }
}

fn warn_of(error: &AwsError) {
    warn!(error = %error, "CloudFormation could not be asked about the stack");
}

fn is_enough(stack: StackPhase, error: &AwsError) -> bool {
    match error {
        AwsError::Unavailable(_) => stack == StackPhase::Going,
        AwsError::Denied { .. } | AwsError::NotFound { .. } | AwsError::Refused { .. } => true,
    }
}

#[cfg(test)]
mod tests;
