//! The process: polls Lambda for events, one after another.

use std::sync::Arc;
use std::time::SystemTime;

use lambda_runtime::{Diagnostic, LambdaEvent, service_fn};

use crate::admin;
use crate::configuration::Configuration;
use crate::courier::Lane;
use crate::event::Event;
use crate::https::{Https, Trust};
use crate::invocation::{Circumstances, World, handle};
use crate::telemetry::Log;
use crate::wire::Wire;

/// What makes a wire out of a process's trust: the real one, or one with faults
/// in a test.
pub type MakeWire = fn(Arc<Trust>) -> Arc<dyn Wire>;

/// The real wire.
pub fn https(trust: Arc<Trust>) -> Arc<dyn Wire> {
    Arc::new(Https::new(trust))
}

/// Runs until Lambda ends the process. Nothing before the first poll can fail
/// or takes time: clients and the log are made when they are first used.
///
/// # Errors
/// The Runtime API cannot be reached.
pub fn run(make_wire: MakeWire) -> Result<(), lambda_runtime::Error> {
    // By name: a copy of the whole environment would be a twentieth of the start.
    let variable = |name: &str| std::env::var(name).ok();
    let log = Log::new(variable);
    let configuration = Arc::new(Configuration::read(variable));
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
        .block_on(poll(&world, &log))
}

async fn poll(world: &World, log: &Log) -> Result<(), lambda_runtime::Error> {
    lambda_runtime::run(service_fn(|event: LambdaEvent<Event>| async {
        log.start();
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
        // In boxes, for the start moves what is polled here several times.
        match &world.configuration.admin {
            Some(settings) => Box::pin(admin::handle(
                world,
                settings,
                &event.payload,
                &circumstances,
            ))
            .await
            .map_err(Diagnostic::from),
            None => Box::pin(handle(world, event.payload, circumstances))
                .await
                .map_err(Diagnostic::from),
        }
    }))
    .await
}
