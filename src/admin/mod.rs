//! What the admin of an organization does beside its rollout: looks before it,
//! compares after it, and removes what is left over.
//!
//! The admin function is the same code as the registrar in another mode, which its
//! environment names, with a role and a log of its own. It takes an [`Action`] and
//! returns its [`Answer`] as the function's result; whoever may invoke it in its own
//! account is believed, and nobody else may. What can be decided without a socket is
//! in [`comparison`], [`removal`], [`inspection`] and [`pace`]; `office` acts.

pub mod action;
pub mod answer;
pub mod comparison;
mod error;
pub mod inspection;
mod office;
pub mod pace;
pub mod removal;
pub mod settings;
pub mod stack_set;
mod table;

use std::sync::Arc;

use serde_json::Value;
use tokio::time::Instant;
use tracing::{error, info, warn};

pub use action::{Action, ActionError};
pub use answer::Answer;
pub use error::AdminError;
pub use settings::Settings;

use crate::clock::Clock;
use crate::deadline::{self, Waits};
use crate::event::Event;
use crate::invocation::{Circumstances, World};
use crate::metrics;
use office::Office;

/// Carries an action out. What it finds is in its answer, in the log, a line for each
/// thing, and in the metrics.
///
/// # Errors
/// The event is no action, or the action came to nothing. No action does harm when
/// it is repeated.
pub async fn handle(
    world: &World,
    settings: &Settings,
    event: &Event,
    circumstances: &Circumstances,
) -> Result<Value, AdminError> {
    let clock = Clock::set(circumstances.now);
    let told = clock.instant_at(circumstances.deadline) - Instant::now();
    let office = Office {
        configuration: Arc::clone(&world.configuration),
        settings,
        wire: Arc::clone(&world.wire),
        waits: Waits::new(Instant::now(), deadline::left(told)),
        clock,
        seed: circumstances.seed,
    };
    let answer = match Action::read(event) {
        Ok(action) => {
            info!(action = action.name(), "started");
            office.carry_out(action).await
        }
        Err(refusal) => Err(refusal.into()),
    };
    let answer = answer.inspect_err(|failure| error!(error = %failure, "the action failed"))?;
    for row in answer.rows() {
        warn!(row, "found");
    }
    info!(summary = answer.summary, "ended");
    metrics::write(&metrics::counts(
        clock.now(),
        &settings.function_name,
        answer.counts(),
    ));
    Ok(answer.into_json())
}
