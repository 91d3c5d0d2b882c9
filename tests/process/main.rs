//! The protocol on the real binary: a process under a Runtime API, with the
//! vendor, AWS and CloudFormation's bucket as servers on loopback behind a proxy
//! and TLS, as the function meets them in AWS.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod abuse;
mod admin;
mod adopt;
mod answer;
mod bad_input;
mod create;
mod delete;
mod events;
mod forged;
mod hub;
mod metrics;
mod organization;
mod partition;
mod physical_id;
mod proxy;
mod raw_server;
mod rerun;
mod rotate;
mod secrets;
mod tracker;
mod unusable_event;
mod update;
mod world;
