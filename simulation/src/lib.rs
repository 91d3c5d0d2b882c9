//! Lifecycles of stacks in a world that is a model, driven by one seed.
//!
//! The very same handler as on `main` runs on a paused clock and one thread,
//! over the [wire](authomize_trust_role::wire); everything around it is here.
//! [`schedule`] makes a history out of a seed, [`cloudformation`], [`lambda`],
//! [`process`], [`bucket`], [`aws`] and [`stranger`] play the world, whose state
//! is [`world`], and [`violation`] names what must hold. The [`vendor`] is the
//! sandbox's own state machine; [`rest`] is what must hold when all is over.

pub mod aws;
pub mod bucket;
pub mod bugs;
pub mod cli;
pub mod cloudformation;
pub mod coverage;
pub mod fault;
pub mod lambda;
pub mod ledger;
pub mod log;
pub mod many;
pub mod process;
pub mod rest;
pub mod rollout;
pub mod run;
pub mod schedule;
pub mod shrink;
pub mod stranger;
pub mod trace;
pub mod vendor;
pub mod violation;
pub mod world;
