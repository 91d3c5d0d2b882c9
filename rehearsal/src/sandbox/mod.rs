//! The Authomize sandbox: a small server that keeps the vendor's contract.
//!
//! [`Tenant`] is the state machine: no sockets, no clock, no chance. [`Sandbox`]
//! puts a server around it, records what it is asked, and can be told to
//! misbehave; it has a page for people, at `/`. Both sides of the contract are checked against
//! `docs/authomize-api.yaml` while they talk, see [`contract`].

mod answer_body;
pub mod contract;
mod fault;
mod model;
mod page;
mod server;
mod service;
mod tenant;
mod validator;

pub use fault::Fault;
pub use model::{App, AppConfig, Validation};
pub use server::{RecordedRequest, Sandbox, SandboxOptions};
pub use tenant::{
    ApiRequest, ApiResponse, ContractLevel, PendingValidation, Tenant, TenantOptions,
};
pub use validator::{
    AlwaysEnabled, Failing, NeverEnding, Validating, Validator, Waver, Wavering, connected_apps,
};
