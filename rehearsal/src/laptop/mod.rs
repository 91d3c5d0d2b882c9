//! The function on a laptop: what `sam local invoke` and its like need around
//! them.
//!
//! [`Laptop`] puts the engine, the sandbox and a mailbox for answers where a
//! container reaches them; [`Desk`] fills the addresses into an event, and
//! [`Way`] runs the function in one of four ways.

mod account;
mod answer;
mod architecture;
mod desk;
mod docker;
mod door;
mod environment;
mod event;
mod way;
mod world;

pub use answer::problems_of;
pub use architecture::Architecture;
pub use desk::{Desk, DeskError};
pub use docker::{ContainerHost, DockerError};
pub use event::{EventError, Filling, fill, read};
pub use way::{Running, Way, WayError, Ways};
pub use world::{Laptop, LaptopError};
