//! All that we know of Authomize's API.
//!
//! What is published and what is assumed stands in `docs/authomize-api.yaml`.
//! A server that knows only the published part is served too: it keeps no
//! [`Marking`], reports no [`Status`] and filters no list.

mod client;
mod error;
mod patience;
mod record;
pub mod response;

pub use client::{Authomize, Credentials, TRIES};
pub use error::ApiError;
pub use patience::Patience;
pub use record::{Marker, Marking, Record, Status};
