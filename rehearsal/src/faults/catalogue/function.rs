//! Faults of the function, and of how Lambda runs it.

use super::{CREATED, DELETED, UPDATED, fault, not_created, not_deleted, not_updated};
use crate::faults::fault::{Cell, Fault, Group, InFunction, Means};

/// The function, and how Lambda runs it.
pub(super) fn faults() -> Vec<Fault> {
    let within = |name, what, deed, at_the_answer, once, cells| {
        let fault_within = InFunction {
            deed,
            at_the_answer,
            once,
        };
        fault(
            Group::Function,
            name,
            what,
            Means::Function(fault_within),
            cells,
        )
    };
    let all_well = [CREATED, UPDATED, DELETED];
    vec![
        within(
            "panic",
            "a bug in the function panics at the request to Authomize",
            "panic",
            false,
            false,
            [
                not_created("failed unexpectedly while"),
                not_updated("failed unexpectedly while"),
                not_deleted("failed unexpectedly while"),
            ],
        ),
        within(
            "blocked-threads",
            "every thread of the function is blocked",
            "block",
            false,
            false,
            [
                not_created("Time ran out while"),
                not_updated("Time ran out while"),
                not_deleted("Time ran out while"),
            ],
        ),
        within(
            "killed-at-the-vendor",
            "the function is killed before its request to Authomize leaves",
            "die",
            false,
            true,
            all_well,
        ),
        within(
            "killed-behind-the-vendor",
            "the function is killed when Authomize has done what it was asked",
            "die-after",
            false,
            true,
            all_well,
        ),
        within(
            "killed-at-the-answer",
            "the function is killed before its answer leaves",
            "die",
            true,
            true,
            all_well,
        ),
        within(
            "killed-after-the-answer",
            "the function is killed when CloudFormation has its answer",
            "die-after",
            true,
            true,
            all_well,
        ),
        within(
            "timed-out",
            "the function stands still until Lambda kills it",
            "stop",
            false,
            true,
            all_well,
        ),
        fault(
            Group::Function,
            "delivered-twice",
            "Lambda delivers the event twice at once",
            Means::DeliveredTwice,
            all_well,
        ),
        fault(
            Group::Function,
            "delivered-again",
            "Lambda delivers the event once more when all is over",
            Means::DeliveredAgain,
            [
                CREATED,
                UPDATED,
                Cell::Never("the function is gone with its stack, so nothing delivers to it"),
            ],
        ),
    ]
}
