//! The Authomize sandbox: a small server that keeps the vendor's contract.
//!
//! [`Tenant`] is the state machine: no sockets, no clock, no chance. [`Sandbox`]
//! puts a server around it, records what it is asked, and can be told to
//! misbehave; it has a page for people, at `/`. Both sides of the contract are checked against
//! `docs/authomize-api.yaml` while they talk, see [`contract`].

#[cfg(feature = "servers")]
mod answer_body;
#[cfg(feature = "servers")]
pub mod contract;
#[cfg(feature = "servers")]
mod fault;
mod model;
#[cfg(feature = "servers")]
mod page;
#[cfg(feature = "servers")]
mod server;
#[cfg(feature = "servers")]
mod service;
mod tenant;
mod validator;

#[cfg(feature = "servers")]
pub use fault::Fault;
pub use model::{App, AppConfig, Validation};
#[cfg(feature = "servers")]
pub use server::{RecordedRequest, Sandbox, SandboxOptions};
pub use tenant::{
    ApiRequest, ApiResponse, ContractLevel, PendingValidation, Tenant, TenantOptions,
};
pub use validator::{
    AlwaysEnabled, Failing, NeverEnding, Validating, Validator, Waver, Wavering, connected_apps,
};
