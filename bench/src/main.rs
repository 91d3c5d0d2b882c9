//! Measures the Lambda beside what people would use instead.
//!
//! [`bench/run`](../../run) builds everybody and starts this in a network
//! namespace of its own.

mod cgroup;
mod chart;
mod cost;
mod counted;
mod error;
mod figures;
mod guard;
mod measure;
mod network;
mod peer;
mod procfs;
mod run;
mod spread;
mod table;
mod timed;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use serde::de::DeserializeOwned;

use crate::error::BenchError;
use crate::figures::Results;
use crate::measure::{Scale, measure};
use crate::network::Network;
use crate::peer::{Peer, THIS};

/// Measures the Lambda beside what people would use instead.
#[derive(Debug, Parser)]
#[command(name = "bench/run")]
struct Options {
    /// Count what the guard compares, of this Lambda alone, and compare it with
    /// bench/guard.json.
    #[arg(long)]
    quick: bool,
    /// With --quick: write bench/guard.json anew instead of comparing.
    #[arg(long, requires = "quick")]
    accept: bool,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// Leave a peer out that cannot be built here.
    #[arg(long, value_name = "NAME")]
    without: Vec<String>,
    /// How often each timed figure is taken.
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Keep the results as bench/results.json, with the chart beside it.
    #[arg(long, conflicts_with = "quick")]
    keep: bool,
    /// Say by how much the ratios differ from those of an earlier run, for example
    /// bench/results.json.
    #[arg(long, value_name = "PATH", conflicts_with_all = ["quick", "json"])]
    beside: Option<PathBuf>,
    /// Where `bench/run` put the peers.
    #[arg(long, hide = true)]
    peers: PathBuf,
    /// The folder `bench` of the project.
    #[arg(long, hide = true)]
    folder: PathBuf,
    /// A version or a trait of the machine, as NAME=VALUE.
    #[arg(long, hide = true)]
    machine: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match carry_out(&Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn carry_out(options: &Options) -> Result<(), BenchError> {
    let mut peers = Peer::all(&options.peers);
    let earlier: Option<Results> = options.beside.as_deref().map(read).transpose()?;
    let network = Network::open().await?;
    if options.quick {
        return guard(options, &peers, &network).await;
    }
    peers.retain(|peer| peer.name == THIS || !options.without.iter().any(|name| name == peer.name));
    let scale = Scale {
        rounds: options.rounds,
        counts: 3,
        requests: 1000,
    };
    let results = measure(&peers, &network, scale, machine(&options.machine)).await?;
    if options.keep {
        keep(&results, &options.folder)?;
    }
    if options.json {
        println!("{}", json(&results));
    } else {
        print!("{}", table::of(&results));
    }
    if let Some(earlier) = earlier {
        print!("{}", table::beside(&results, &earlier));
    }
    Ok(())
}

async fn guard(options: &Options, peers: &[Peer], network: &Network) -> Result<(), BenchError> {
    let this = peers.iter().find(|peer| peer.name == THIS);
    let this = this.expect("the product is among its peers");
    let counts = guard::count(this, network).await?;
    println!("{}", json(&counts));
    let committed = options.folder.join("guard.json");
    if options.accept {
        return write(&committed, &(json(&counts) + "\n"));
    }
    guard::compare(&counts, &read(&committed)?)
}

/// Writes the results, and the chart for light and dark pages.
fn keep(results: &Results, folder: &Path) -> Result<(), BenchError> {
    write(&folder.join("results.json"), &(json(results) + "\n"))?;
    write(&folder.join("chart.svg"), &chart::of(results))
}

fn write(path: &Path, text: &str) -> Result<(), BenchError> {
    fs::write(path, text).map_err(BenchError::file(path))
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<T, BenchError> {
    let text = fs::read(path).map_err(BenchError::file(path))?;
    serde_json::from_slice(&text).map_err(|source| BenchError::Json {
        what: path.display().to_string(),
        source,
    })
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("figures and names are JSON")
}

fn machine(pairs: &[String]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
