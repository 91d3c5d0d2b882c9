//! Stacks on a real CloudFormation engine: the real template, the real binary in
//! AWS mode, IAM enforced, a fresh engine per test.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod admin;
mod adopt;
mod boundary;
mod company;
#[path = "../template/document.rs"]
#[expect(dead_code, reason = "the tests of the template use more of it")]
mod document;
mod lifecycle;
mod mistakes;
mod organization;
mod page;
mod permission;
mod permissions;
mod probe;
mod rotate;
mod stage;
mod tracker;
mod trust;
mod unenforced;
mod upgrade;
