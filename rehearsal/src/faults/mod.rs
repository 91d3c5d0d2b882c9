//! Faults: everything that can go wrong around the function, brought about on
//! the engine, and what must come of it.
//!
//! The [catalogue] is a matrix of faults and kinds of request: every cell either
//! tells how a stack ends that meets the fault there, or why it cannot. [`run`]
//! brings one cell about, in a world of its own, and judges it by the cell and by
//! `invariants` that hold whatever happens. None of this is the Lambda's code.

pub mod catalogue;
mod fault;
mod invariants;
mod matrix;
mod means;
mod report;
mod stage;
mod witnessed;

pub use fault::{Cell, Ending, Fault, Group, Request};
pub use matrix::markdown;
pub use report::CellReport;
pub use stage::{Code, FUNCTION_TIMEOUT, SERVICE_TIMEOUT, run};
