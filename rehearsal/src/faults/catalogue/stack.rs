//! Faults of the stack around the resource.

use super::{CREATED, DELETED, UPDATED, fault, not_created, not_updated};
use crate::faults::fault::{Cell, Fault, Group, InFunction, Means, silent, well};

/// The stack around the resource.
pub(super) fn faults() -> Vec<Fault> {
    let stack = |name, what, means, cells| fault(Group::Stack, name, what, means, cells);
    vec![
        stack(
            "sibling-fails",
            "another resource fails while ours is under way, so CloudFormation gives it up",
            Means::GivenUp { refusals: 0 },
            [
                not_created("cancelled"),
                not_updated("cancelled"),
                Cell::Never("CloudFormation gives no Delete up"),
            ],
        ),
        stack(
            "sibling-fails-undo-refused",
            "the same, and Authomize refuses once to undo what was done",
            Means::GivenUp { refusals: 1 },
            [
                not_created("cancelled"),
                Cell::Never("an Update that is given up is not undone, but updated back"),
                Cell::Never("CloudFormation gives no Delete up"),
            ],
        ),
        stack(
            "later-sibling-fails",
            "a resource behind ours fails after ours succeeded",
            Means::LaterSiblingFails,
            [
                well("ROLLBACK_COMPLETE"),
                well("UPDATE_ROLLBACK_COMPLETE"),
                Cell::Never("what is behind ours is deleted before ours"),
            ],
        ),
        fault(
            Group::Stack,
            "silent-create",
            "the function never answers, whatever it did",
            Means::Function(InFunction {
                deed: "die",
                at_the_answer: true,
                once: false,
            }),
            [
                silent("ROLLBACK_COMPLETE"),
                silent("UPDATE_ROLLBACK_COMPLETE"),
                silent("DELETE_FAILED"),
            ],
        ),
        stack(
            "replayed-delete",
            "somebody fires a Delete at the resource of a stack that is not going",
            Means::ReplayedDelete,
            [
                CREATED,
                UPDATED,
                Cell::Never("the function is gone with its stack, so nobody can ask it"),
            ],
        ),
        stack(
            "request-of-a-past-stack",
            "a request comes from an earlier stack of the same name, long gone",
            Means::PastStack,
            [
                CREATED,
                UPDATED,
                Cell::Never("the function is gone with its stack, so nobody can ask it"),
            ],
        ),
        stack(
            "second-stack",
            "the account has a stack that registered it already",
            Means::SecondStack,
            [
                not_created("belongs to stack"),
                Cell::Never("the second stack was never created"),
                Cell::Never("the second stack was never created"),
            ],
        ),
        stack(
            "role-changed-by-hand",
            "somebody changed the trust role's policy, and the stack is refreshed",
            Means::RoleChanged,
            [
                Cell::Never("the role is made with the stack"),
                not_updated("could not validate the role"),
                DELETED,
            ],
        ),
    ]
}
