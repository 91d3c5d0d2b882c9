//! Faults of the vendor's validation of the role.

use super::{ALWAYS, CREATED, UPDATED, fault, not_created, not_updated};
use crate::faults::fault::{Cell, Fault, Group, Means};
use crate::sandbox::Waver;

/// The vendor's validation of the role. A Delete waits for none.
pub(super) fn faults() -> Vec<Fault> {
    const NONE: Cell = Cell::Never("a Delete waits for no validation");
    vec![
        fault(
            Group::Vendor,
            "validation-never-ends",
            "Authomize never comes to an end with validating the role",
            Means::Validation(Waver::NeverEnd),
            [CREATED, UPDATED, NONE],
        ),
        fault(
            Group::Vendor,
            "validation-fails",
            "Authomize cannot assume the role",
            Means::Validation(Waver::Fail(ALWAYS)),
            [
                not_created("could not validate the role"),
                not_updated("could not validate the role"),
                NONE,
            ],
        ),
        fault(
            Group::Vendor,
            "validation-fails-twice",
            "Authomize can assume the role at the third try",
            Means::Validation(Waver::Fail(2)),
            [CREATED, UPDATED, NONE],
        ),
    ]
}
