//! What is timed, peers in turn, so that a machine that slows down slows all.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::cgroup::Cgroup;
use crate::error::BenchError;
use crate::figures::{Start, Thousand};
use crate::network::Network;
use crate::peer::Peer;
use crate::run::{Instrument, Run};
use crate::spread::Spread;
use crate::world::{Exchanges, Kind, World};

/// One peer's times of all rounds, in milliseconds.
#[derive(Debug, Default)]
pub(crate) struct Times {
    wall: Vec<f64>,
    cpu: Vec<f64>,
    bytes_read: u64,
    with_a_core: Vec<f64>,
    with_7_percent: Vec<f64>,
    warm: BTreeMap<String, Vec<f64>>,
    /// The most of all rounds, in KiB.
    pub(crate) peak_memory: u64,
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

impl Times {
    /// Adds one start.
    ///
    /// # Errors
    /// The peer did not start.
    pub(crate) async fn start(
        &mut self,
        peer: &Peer,
        network: &Network,
        core: &Cgroup,
    ) -> Result<(), BenchError> {
        let mut run = Run::prepare(peer, network, &Instrument::None, Some(core)).await?;
        let (cpu, read) = (run.process.cpu(), run.process.bytes_read());
        let start = run.go().await?;
        let polled = run.first_poll().await?;
        self.cpu
            .push(milliseconds(run.process.cpu().saturating_sub(cpu)));
        self.bytes_read = run.process.bytes_read().saturating_sub(read);
        self.wall.push(milliseconds(polled - start));
        run.end().await;
        Ok(())
    }

    /// Adds one first Create with 7 % of a core.
    ///
    /// # Errors
    /// The peer did not do it.
    pub(crate) async fn create_with_7_percent(
        &mut self,
        peer: &Peer,
        network: &Network,
        share: &Cgroup,
    ) -> Result<(), BenchError> {
        let world = World::start().await?;
        network.lead_to(&world);
        let mut run = Run::prepare(peer, network, &Instrument::None, Some(share)).await?;
        let request = world.request(Kind::Create, 1, "");
        let start = run.go().await?;
        let (answered, _) = run.answer(&world, &request).await?;
        self.with_7_percent.push(milliseconds(answered - start));
        self.peak_memory = self.peak_memory.max(run.process.peak_memory());
        run.end().await;
        Ok(())
    }

    /// Adds one first Create with a whole core, and one warm life after it.
    ///
    /// # Errors
    /// The peer did not do it.
    pub(crate) async fn life(
        &mut self,
        peer: &Peer,
        network: &Network,
        core: &Cgroup,
    ) -> Result<(), BenchError> {
        let world = World::start().await?;
        network.lead_to(&world);
        let mut run = Run::prepare(peer, network, &Instrument::None, Some(core)).await?;
        let request = world.request(Kind::Create, 1, "");
        let start = run.go().await?;
        let (answered, mut id) = run.answer(&world, &request).await?;
        self.with_a_core.push(milliseconds(answered - start));
        for kind in &Kind::LIFE[1..] {
            let request = world.request(*kind, 1, &id);
            (_, id) = run.answer(&world, &request).await?;
        }
        for kind in Kind::LIFE {
            let request = world.request(kind, 2, &id);
            let sent = Instant::now();
            let answered;
            (answered, id) = run.answer(&world, &request).await?;
            let times = self.warm.entry(format!("{kind:?}")).or_default();
            times.push(milliseconds(answered - sent));
        }
        run.end().await;
        Ok(())
    }

    /// The starts.
    pub(crate) fn started(&self) -> Start {
        Start {
            wall_ms: Spread::of(&self.wall),
            cpu_ms: Spread::of(&self.cpu),
            bytes_read: self.bytes_read,
            ..Start::default()
        }
    }

    /// The first Creates with 7 % of a core, and with a whole one.
    pub(crate) fn first_creates(&self) -> (Spread, Spread) {
        (
            Spread::of(&self.with_7_percent),
            Spread::of(&self.with_a_core),
        )
    }

    /// The warm requests by kind.
    pub(crate) fn warm(&self) -> BTreeMap<String, Spread> {
        let spread = |(kind, times): (&String, &Vec<f64>)| (kind.clone(), Spread::of(times));
        self.warm.iter().map(spread).collect()
    }
}

/// What one life in one process asked for, by kind.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    /// Handshakes of the first Create by host.
    pub(crate) first: BTreeMap<String, usize>,
    /// Handshakes by kind.
    pub(crate) handshakes: BTreeMap<String, usize>,
    /// Requests by kind.
    pub(crate) exchanges: BTreeMap<String, Exchanges>,
}

/// Lets a new process live one life, and counts what it asks for.
///
/// # Errors
/// The peer did not do its work.
pub(crate) async fn traffic(peer: &Peer, network: &Network) -> Result<Traffic, BenchError> {
    let world = World::start().await?;
    network.lead_to(&world);
    let mut run = Run::prepare(peer, network, &Instrument::None, None).await?;
    run.go().await?;
    let mut traffic = Traffic::default();
    let mut id = String::new();
    network.take_handshakes();
    for kind in Kind::LIFE {
        let before = world.bucket.answers().len();
        let request = world.request(kind, 1, &id);
        (_, id) = run.answer(&world, &request).await?;
        let handshakes = network.take_handshakes();
        let name = format!("{kind:?}");
        traffic
            .handshakes
            .insert(name.clone(), handshakes.values().sum());
        traffic.exchanges.insert(name, world.take_exchanges(before));
        if kind == Kind::Create {
            traffic.first = handshakes;
        }
    }
    run.end().await;
    Ok(traffic)
}

/// Sends many requests through one process, Create and Delete in turn.
///
/// # Errors
/// The peer did not do its work.
pub(crate) async fn thousand(
    peer: &Peer,
    network: &Network,
    requests: usize,
) -> Result<Thousand, BenchError> {
    let world = World::start().await?;
    network.lead_to(&world);
    let mut run = Run::prepare(peer, network, &Instrument::None, None).await?;
    run.go().await?;
    run.first_poll().await?;
    let mut times = Vec::new();
    let mut thousand = Thousand {
        requests,
        ..Thousand::default()
    };
    for number in 0..requests / 2 {
        let mut id = String::new();
        for kind in [Kind::Create, Kind::Delete] {
            let request = world.request(kind, number, &id);
            let sent = Instant::now();
            let answered;
            (answered, id) = run.answer(&world, &request).await?;
            times.push(milliseconds(answered - sent));
            if times.len() % 100 == 0 {
                thousand.memory_kib.push(run.process.memory());
            }
        }
    }
    thousand.first_ms = times.first().copied().unwrap_or_default();
    let creates: Vec<f64> = times.iter().step_by(2).copied().collect();
    thousand.last_ms = Spread::of(&creates[creates.len().saturating_sub(10)..]).median;
    run.end().await;
    Ok(thousand)
}
