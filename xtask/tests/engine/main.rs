//! A release on the engine's S3 in three regions at once, through the same hosts, the same
//! TLS and the same signatures as in AWS; and the published template as a stack.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod middleman;
mod mirror;
mod publish;
mod released_template;
mod stage;
mod whole;
