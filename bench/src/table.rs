//! The figures as tables in Markdown: the median, how far the rounds went, and the
//! ratio to this Lambda.

use std::fmt::Write as _;

use crate::figures::{Figures, Results, Work};
use crate::peer::{EMPTY, THIS};
use crate::spread::Spread;

/// All tables of a run.
pub(crate) fn of(results: &Results) -> String {
    let mut text = String::new();
    for (name, rows) in tables() {
        writeln!(text, "\n{}", table(name, &rows, results)).ok();
    }
    text.push_str(&goals(results));
    text
}

/// By how much the ratios of a run to this Lambda differ from those of an earlier one.
pub(crate) fn beside(results: &Results, earlier: &Results) -> String {
    let mut text = format!("\nthe ratios beside those of {}\n", earlier.date);
    for (name, rows) in tables() {
        let peers = results.peers.iter().filter(|peer| peer.name != THIS);
        let cell = |row: &Row, peer: &Figures| {
            let here = ratio(row, peer, results)?;
            let there = ratio(row, earlier.peer(&peer.name)?, earlier)?;
            Some(format!("{:+.1} %", (here / there - 1.0) * 100.0))
        };
        writeln!(text, "\n{}", grid(name, &rows, peers, cell)).ok();
    }
    text
}

fn tables() -> [(&'static str, Vec<Row>); 3] {
    [
        ("until the first poll", starts()),
        ("from process start to a first Create's answer", creates()),
        ("afterwards, in the same process", afterwards()),
    ]
}

/// One row of a table: what it is, and a peer's figure.
struct Row {
    name: &'static str,
    cell: fn(&Figures) -> Option<(f64, String)>,
}

fn starts() -> Vec<Row> {
    vec![
        Row {
            name: "wall, ms",
            cell: |peer| spread(peer.start.wall_ms),
        },
        Row {
            name: "CPU, ms",
            cell: |peer| spread(peer.start.cpu_ms),
        },
        Row {
            name: "instructions",
            cell: |peer| count(peer.start.instructions),
        },
        Row {
            name: "system calls",
            cell: |peer| count(peer.start.system_calls),
        },
        Row {
            name: "bytes read",
            cell: |peer| count(peer.start.bytes_read),
        },
        Row {
            name: "bytes of the zip",
            cell: |peer| count(peer.zip_bytes),
        },
    ]
}

fn creates() -> Vec<Row> {
    vec![
        Row {
            name: "with 7 % of a core, ms",
            cell: |peer| spread(work(peer)?.first_create_at_7_percent_ms),
        },
        Row {
            name: "with a whole core, ms",
            cell: |peer| spread(work(peer)?.first_create_ms),
        },
        Row {
            name: "instructions",
            cell: |peer| count(work(peer)?.first_create_instructions),
        },
        Row {
            name: "peak memory, KiB",
            cell: |peer| count(work(peer)?.peak_memory_kib),
        },
        Row {
            name: "TLS handshakes",
            cell: |peer| count(work(peer)?.handshakes.values().sum::<usize>() as u64),
        },
        Row {
            name: "round trips",
            cell: |peer| count(work(peer)?.round_trips("Create") as u64),
        },
        Row {
            name: "$ for 1,000",
            cell: |peer| dollars(work(peer)?.dollars_per_1000),
        },
    ]
}

fn afterwards() -> Vec<Row> {
    vec![
        Row {
            name: "Create, ms",
            cell: |peer| warm(peer, "Create"),
        },
        Row {
            name: "Update, ms",
            cell: |peer| warm(peer, "Update"),
        },
        Row {
            name: "unchanged Update, ms",
            cell: |peer| warm(peer, "UnchangedUpdate"),
        },
        Row {
            name: "Delete, ms",
            cell: |peer| warm(peer, "Delete"),
        },
        Row {
            name: "round trips of an Update",
            cell: |peer| count(work(peer)?.round_trips("Update") as u64),
        },
        Row {
            name: "round trips of a Delete",
            cell: |peer| count(work(peer)?.round_trips("Delete") as u64),
        },
        Row {
            name: "first Create of 1,000 requests, ms",
            cell: |peer| time(work(peer)?.thousand.first_ms),
        },
        Row {
            name: "last Creates of them, ms",
            cell: |peer| time(work(peer)?.thousand.last_ms),
        },
        Row {
            name: "KiB grown from the 500th to the 1,000th",
            cell: |peer| grown(work(peer)?),
        },
    ]
}

fn work(peer: &Figures) -> Option<&Work> {
    peer.work.as_ref()
}

fn warm(peer: &Figures, kind: &str) -> Option<(f64, String)> {
    spread(*work(peer)?.warm_ms.get(kind)?)
}

fn spread(figure: Spread) -> Option<(f64, String)> {
    let Spread {
        minimum,
        median,
        maximum,
    } = figure;
    let text = format!(
        "{} ({} to {})",
        short(median),
        short(minimum),
        short(maximum)
    );
    Some((median, text))
}

fn time(figure: f64) -> Option<(f64, String)> {
    Some((figure, short(figure)))
}

fn count(figure: u64) -> Option<(f64, String)> {
    Some((figure as f64, thousands(figure)))
}

fn dollars(figure: f64) -> Option<(f64, String)> {
    Some((figure, format!("{figure:.5}")))
}

/// Without a ratio: memory that does not grow has none.
fn grown(work: &Work) -> Option<(f64, String)> {
    Some((f64::NAN, work.thousand.growth_kib().to_string()))
}

/// Three digits that mean something.
fn short(figure: f64) -> String {
    match figure {
        _ if figure >= 100.0 => format!("{figure:.0}"),
        _ if figure >= 10.0 => format!("{figure:.1}"),
        _ => format!("{figure:.2}"),
    }
}

fn thousands(figure: u64) -> String {
    let digits = figure.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn table(name: &str, rows: &[Row], results: &Results) -> String {
    grid(name, rows, results.peers.iter(), |row, peer| {
        let (_, shown) = (row.cell)(peer)?;
        let ratio = ratio(row, peer, results).filter(|_| peer.name != THIS);
        Some(ratio.map_or_else(
            || shown.clone(),
            |ratio| format!("{shown}, {} x", short(ratio)),
        ))
    })
}

/// A peer's figure as a multiple of this Lambda's.
fn ratio(row: &Row, peer: &Figures, results: &Results) -> Option<f64> {
    let (ours, _) = (row.cell)(results.peer(THIS)?)?;
    let (theirs, _) = (row.cell)(peer)?;
    Some(theirs / ours).filter(|ratio| ratio.is_finite())
}

/// A table of those peers that have anything in it.
fn grid<'a>(
    name: &str,
    rows: &[Row],
    peers: impl Iterator<Item = &'a Figures>,
    cell: impl Fn(&Row, &Figures) -> Option<String>,
) -> String {
    let peers: Vec<&Figures> = peers
        .filter(|peer| rows.iter().any(|row| (row.cell)(peer).is_some()))
        .collect();
    let mut text = format!("| {name} |");
    for peer in &peers {
        write!(text, " {} |", peer.name).ok();
    }
    write!(text, "\n|---|{}", "---|".repeat(peers.len())).ok();
    for row in rows {
        write!(text, "\n| {} |", row.name).ok();
        for peer in &peers {
            match cell(row, peer) {
                Some(shown) => write!(text, " {shown} |").ok(),
                None => write!(text, " |").ok(),
            };
        }
    }
    text
}

/// The goals that this project has set itself, and whether they are reached.
fn goals(results: &Results) -> String {
    let mut text = String::from("\n| goal | is | |\n|---|---|---|\n");
    for (goal, is, reached) in judged(results) {
        let word = if reached { "reached" } else { "NOT reached" };
        writeln!(text, "| {goal} | {is} | {word} |").ok();
    }
    text
}

fn judged(results: &Results) -> Vec<(String, String, bool)> {
    let mut judged = Vec::new();
    let Some(this) = results.peer(THIS) else {
        return judged;
    };
    let mut at_least = |goal: &str, least: f64, is: f64| {
        judged.push((
            format!("{goal} at least {least} x"),
            format!("{is:.1} x"),
            is >= least,
        ));
    };
    let ours = this.start.instructions as f64;
    if let Some(bare) = results.bare_python_instructions {
        at_least(
            "instructions until the first poll, bare Python",
            40.0,
            bare as f64 / ours,
        );
    }
    for (name, least) in [("crhelper", 500.0), ("cdk", 100.0)] {
        if let Some(peer) = results.peer(name) {
            let is = peer.start.instructions as f64 / ours;
            at_least(
                &format!("instructions until the first poll, {name}"),
                least,
                is,
            );
        }
    }
    if let Some(peer) = results.peer("crhelper") {
        let is = peer.start.wall_ms.median / this.start.wall_ms.median;
        at_least("wall time until the first poll, crhelper", 25.0, is);
    }
    for name in ["cfn-response", "crhelper", "cdk"] {
        let (Some(theirs), Some(own)) = (results.peer(name).and_then(work), work(this)) else {
            continue;
        };
        let is =
            theirs.first_create_at_7_percent_ms.median / own.first_create_at_7_percent_ms.median;
        at_least(&format!("first Create at 7 %, {name}"), 10.0, is);
        let is = theirs.peak_memory_kib as f64 / own.peak_memory_kib as f64;
        at_least(&format!("peak memory, {name}"), 4.0, is);
    }
    if let Some(floor) = results.peer(EMPTY) {
        let is = ours / floor.start.instructions as f64;
        let goal = "instructions until the first poll, at most 1.3 x empty".to_owned();
        judged.push((goal, format!("{is:.2} x"), is <= 1.3));
    }
    let zip = this.zip_bytes;
    judged.push((
        "zip under 2.5 MB".to_owned(),
        thousands(zip),
        zip < 2_500_000,
    ));
    if let Some(own) = work(this) {
        let peak = own.peak_memory_kib;
        let goal = "peak memory under 15 MB".to_owned();
        judged.push((
            goal,
            format!("{} KiB", thousands(peak)),
            peak * 1024 < 15_000_000,
        ));
        let most = own.handshakes.values().max().copied().unwrap_or_default();
        judged.push((
            "one handshake per host".to_owned(),
            most.to_string(),
            most == 1,
        ));
        let asked: Vec<usize> = ["Create", "UnchangedUpdate", "Update", "Delete"]
            .iter()
            .filter_map(|kind| Some(own.exchanges_by_kind.get(*kind)?.vendor))
            .collect();
        let goal = "vendor requests of Create, unchanged and changed Update, Delete: 2, 1, 2, 2";
        judged.push((goal.to_owned(), format!("{asked:?}"), asked == [2, 1, 2, 2]));
        let grown = own.thousand.growth_kib();
        let goal = "flat memory from the 500th to the 1,000th request".to_owned();
        judged.push((goal, format!("{grown} KiB"), grown < 256));
    }
    judged
}
