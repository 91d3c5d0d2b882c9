//! The Lambda behind `Custom::AuthomizeIntegration`.
//!
//! Creating the stack registers its AWS account at Authomize, updating it
//! amends the registration, deleting it removes it. The rooms, in the order in
//! which a request walks through them: [`invocation`] takes the event,
//! [`envelope`] and [`response_url`] find out whom to answer, [`customer`] whom the
//! request is for, [`courier`] waits with the answer's deadline, [`lifecycle`]
//! decides and acts, and [`answer`] is what CloudFormation gets. A [`hub`] serves
//! the accounts of an organization, [`admin`] is what its admin does beside, and
//! [`rollout`] says how fast they may come.

pub mod account_id;
pub mod admin;
pub mod answer;
pub mod api_url;
pub mod authomize;
pub mod aws;
pub mod clock;
pub mod configuration;
pub mod courier;
pub mod customer;
pub mod deadline;
pub mod envelope;
pub mod event;
pub mod https;
pub mod hub;
pub mod invocation;
pub mod lifecycle;
pub mod metrics;
pub mod physical_id;
pub mod progress;
pub mod properties;
pub mod record_id;
pub mod region;
pub mod response_url;
pub mod rollout;
pub mod runtime;
pub mod stack;
pub mod stack_id;
pub mod telemetry;
pub mod text;
pub mod token;
pub mod wire;
