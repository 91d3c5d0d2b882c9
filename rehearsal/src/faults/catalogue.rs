//! Every fault, and what comes of it in each kind of request.

mod account;
mod answer;
mod function;
mod stack;
mod validation;
mod vendor;

use std::sync::LazyLock;

use super::fault::{Cell, Fault, Group, Means, told, well};

/// More often than any run asks.
const ALWAYS: u32 = 1000;

const CREATED: Cell = well("CREATE_COMPLETE");
const UPDATED: Cell = well("UPDATE_COMPLETE");
const DELETED: Cell = well("DELETE_COMPLETE");

const fn not_created(reason: &'static str) -> Cell {
    told("ROLLBACK_COMPLETE", reason)
}

const fn not_updated(reason: &'static str) -> Cell {
    told("UPDATE_ROLLBACK_COMPLETE", reason)
}

const fn not_deleted(reason: &'static str) -> Cell {
    told("DELETE_FAILED", reason)
}

/// The catalogue, in the order of its groups.
pub static CATALOGUE: LazyLock<Vec<Fault>> = LazyLock::new(|| {
    [
        vendor::faults(),
        validation::faults(),
        answer::faults(),
        function::faults(),
        stack::faults(),
        account::faults(),
    ]
    .into_iter()
    .flatten()
    .collect()
});

/// The fault of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Fault> {
    CATALOGUE.iter().find(|fault| fault.name == name)
}

fn fault(
    group: Group,
    name: &'static str,
    what: &'static str,
    means: Means,
    [create, update, delete]: [Cell; 3],
) -> Fault {
    Fault {
        name,
        group,
        what,
        means,
        create,
        update,
        delete,
    }
}
