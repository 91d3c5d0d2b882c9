//! The process: polls Lambda for events, one after another.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::SystemTime;

use lambda_runtime::{LambdaEvent, service_fn};

use crate::configuration::Configuration;
use crate::courier::Lane;
use crate::event::Event;
use crate::https::{Https, Trust};
use crate::invocation::{Circumstances, World, handle};
use crate::telemetry;
use crate::wire::Wire;

/// What makes a wire out of a process's trust: the real one, or one with faults
/// in a test.
pub type MakeWire = fn(Arc<Trust>) -> Arc<dyn Wire>;

/// The real wire.
pub fn https(trust: Arc<Trust>) -> Arc<dyn Wire> {
    Arc::new(Https::new(trust))
}

/// Runs until Lambda ends the process. Nothing before the first poll can fail
/// or takes time: clients are made when they are first used.
///
/// # Errors
/// The Runtime API cannot be reached.
pub fn run(make_wire: MakeWire) -> Result<(), lambda_runtime::Error> {
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    telemetry::start(&environment);
    let configuration = Arc::new(Configuration::read(&environment));
    let ca_file = configuration
        .local
        .as_ref()
        .and_then(|local| local.ca_file.clone());
    let trust = Arc::new(Trust::new(ca_file));
    let world = World {
        configuration,
        wire: make_wire(Arc::clone(&trust)),
        lane: Lane::OwnThread(Arc::new(move || make_wire(Arc::clone(&trust)))),
    };
    // The main thread polls Lambda; the work has threads beside it.
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?
        .block_on(poll(&world))
}

async fn poll(world: &World) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| async {
        let context = event.context;
        let circumstances = Circumstances {
            now: SystemTime::now(),
            deadline: context.deadline(),
            log: format!(
                "{} in {}",
                context.env_config.log_stream, context.env_config.log_group
            ),
            seed: fastrand::u64(..),
        };
        handle(world, event.payload, circumstances).await
    }))
    .await
}
