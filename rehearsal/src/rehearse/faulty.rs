//! `cargo rehearse faults` and `cargo rehearse --fault`: the stack with things
//! going wrong around it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::build::{self, Product};
use super::screen::Screen;
use super::setup_error::SetupError;
use super::template::Template;
use crate::engine::Artifact;
use crate::faults::catalogue::{self, CATALOGUE};
use crate::faults::{
    Cell, CellReport, Code, FUNCTION_TIMEOUT, Fault, Request, SERVICE_TIMEOUT, markdown, run,
};
use crate::installation::{self, Tools};

/// What stands for every fault in place of a name.
pub(super) const ALL: &str = "all";

/// How many stacks meet their faults at the same time: most of them wait.
const AT_ONCE: usize = 4;

/// What a run of faults came to: the object that `--json` prints.
#[derive(Debug, Serialize)]
pub(super) struct FaultReport {
    /// Whether everything came as it must.
    pub(super) held: bool,
    /// Every cell that was asked for.
    pub(super) cells: Vec<CellReport>,
}

/// A fault and what must come of it, as `faults --json` lists it.
#[derive(Debug, Serialize)]
pub(super) struct Listed {
    name: &'static str,
    group: &'static str,
    what: &'static str,
    /// By the kind of the request.
    expected: BTreeMap<&'static str, String>,
}

/// The catalogue, for a machine.
pub(super) fn listed() -> Vec<Listed> {
    let listed = |fault: &'static Fault| Listed {
        name: fault.name,
        group: fault.group.word(),
        what: fault.what,
        expected: Request::ALL
            .into_iter()
            .map(|request| (request.word(), expected(fault.cell(request))))
            .collect(),
    };
    CATALOGUE.iter().map(listed).collect()
}

/// Prints the catalogue, for a terminal or as a page.
pub(super) fn list(screen: &Screen, as_a_page: bool) {
    if as_a_page {
        screen.line(markdown().trim_end());
        return;
    }
    let mut group = None;
    for fault in CATALOGUE.iter() {
        if group != Some(fault.group) {
            screen.line(&format!("\n{}", fault.group.word()));
            group = Some(fault.group);
        }
        screen.note(&format!("{:<28} {}", fault.name, fault.what));
        for request in Request::ALL {
            screen.note(&format!(
                "{:28} {:<6}  {}",
                "",
                request.word(),
                expected(fault.cell(request))
            ));
        }
    }
    screen.line(&format!(
        "\n{} faults; `cargo rehearse --fault NAME` brings one about, `--fault all` every one",
        CATALOGUE.len()
    ));
}

/// What must come of a cell, in a few words.
fn expected(cell: &Cell) -> String {
    match cell {
        Cell::Ends(ending) if ending.reason.is_empty() => ending.status.to_owned(),
        Cell::Ends(ending) => format!("{}, \"…{}…\"", ending.status, ending.reason),
        Cell::Never(why) => format!("cannot occur: {why}"),
    }
}

/// The faults that a name stands for.
///
/// # Errors
/// There is no such fault.
pub(super) fn named(name: &str) -> Result<Vec<&'static Fault>, SetupError> {
    if name == ALL {
        return Ok(CATALOGUE.iter().collect());
    }
    let found = catalogue::find(name).ok_or_else(|| SetupError::NoSuchFault(name.to_owned()))?;
    Ok(vec![found])
}

/// Brings faults about, each in every kind of request, and says what came of it.
///
/// # Errors
/// There is nothing to bring them about with.
pub(super) async fn rehearse(
    faults: Vec<&'static Fault>,
    screen: &Screen,
) -> Result<FaultReport, SetupError> {
    let began = Instant::now();
    let template = Template::read()?;
    screen.line("Everything happens on this machine; no AWS account can be reached.");
    screen.line("template.yaml with two lines changed, so that waits are short:");
    screen.note(&format!("Timeout: {FUNCTION_TIMEOUT}"));
    screen.note(&format!("ServiceTimeout: {SERVICE_TIMEOUT}"));
    screen.line(
        "the function at the log level TRACE, and with a fault of its own where one is told\n",
    );
    let expect = "about 4 minutes the first time";
    screen.step_begins(
        1,
        2,
        "building the function, and one with faults inside",
        expect,
    );
    let building = Instant::now();
    let code = Arc::new(Code {
        shipped: build(&template, Product::Function).await?,
        faulty: build(&template, Product::FaultyFunction).await?,
    });
    installation::ensure(Tools::Engine).await?;
    screen.step_ends(building.elapsed().as_secs_f64());

    let title = match *faults {
        [fault] => fault.what.to_owned(),
        _ => format!("{} faults, {AT_ONCE} stacks at a time", faults.len()),
    };
    let expect = match faults.len() {
        1 => "up to a minute",
        _ => "up to 10 minutes",
    };
    screen.step_begins(2, 2, &title, expect);
    let cells = bring_about(&faults, &code, screen).await?;
    screen.clear();
    let held = cells.iter().all(CellReport::held);
    if faults.len() > 1 {
        table(&faults, &cells, screen);
    }
    let count = cells.iter().filter(|cell| cell.never.is_none()).count();
    let bad = cells.iter().filter(|cell| !cell.held()).count();
    let seconds = began.elapsed().as_secs();
    screen.line(&if held {
        format!("\nall {count} stacks ended as they must, in {seconds} s")
    } else {
        format!("\n{bad} of {count} stacks did not end as they must, in {seconds} s")
    });
    Ok(FaultReport { held, cells })
}

async fn build(template: &Template, product: Product) -> Result<Artifact, SetupError> {
    let binary = build::release(template.root(), product).await?;
    Ok(Artifact::from_binary(&binary)?)
}

/// Runs every cell of these faults, a few at a time, and returns them in order.
async fn bring_about(
    faults: &[&'static Fault],
    code: &Arc<Code>,
    screen: &Screen,
) -> Result<Vec<CellReport>, SetupError> {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let cells = faults
        .iter()
        .flat_map(|fault| Request::ALL.map(|request| (*fault, request)));
    for (place, (fault, request)) in cells.enumerate() {
        let (places, code) = (Arc::clone(&places), Arc::clone(code));
        running.spawn(async move {
            let _place = places.acquire_owned().await;
            (place, run(fault, request, &code).await)
        });
    }
    let mut reports = BTreeMap::new();
    while let Some(ended) = running.join_next().await {
        let (place, report) = ended.expect("a stage reports what goes wrong, and does not panic");
        let report = report?;
        show(&report, screen);
        reports.insert(place, report);
    }
    Ok(reports.into_values().collect())
}

/// One cell, as soon as it is over.
fn show(cell: &CellReport, screen: &Screen) {
    let name = format!("{} {}", cell.fault, cell.request.word());
    if let Some(why) = cell.never {
        screen.note(&format!("        -  {name}: cannot occur, for {why}"));
        return;
    }
    screen.note(&format!(
        "{:>7.1} s  {name}: {}; the vendor saw {}",
        cell.seconds,
        cell.status,
        shortened(&cell.vendor_calls)
    ));
    if !cell.reason.is_empty() {
        screen.note(&format!("           {}", cell.reason));
    }
    for problem in &cell.problems {
        screen.bad(&format!("           {problem}"));
    }
}

/// Requests in their order, the repeated ones counted.
fn shortened(calls: &[String]) -> String {
    if calls.is_empty() {
        return "nothing".to_owned();
    }
    calls
        .chunk_by(|one, other| one == other)
        .map(|same| match same {
            [one] => one.clone(),
            [one, ..] => format!("{} x {one}", same.len()),
            [] => String::new(),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn table(faults: &[&Fault], cells: &[CellReport], screen: &Screen) {
    screen.line(&format!(
        "\n    {:<28} {:<28} {:<28} {:<28} {:>6}",
        "fault", "Create", "Update", "Delete", "s"
    ));
    for (fault, cells) in faults.iter().zip(cells.chunks(Request::ALL.len())) {
        let seconds: f64 = cells.iter().map(|cell| cell.seconds).sum();
        let columns: String = cells
            .iter()
            .map(|cell| format!(" {:<28}", word(cell)))
            .collect();
        screen.note(&format!("{:<28}{columns} {seconds:>6.1}", fault.name));
    }
}

fn word(cell: &CellReport) -> String {
    match (cell.never, cell.held()) {
        (Some(_), _) => "cannot occur".to_owned(),
        (None, true) => cell.status.clone(),
        (None, false) => format!("FAILED {}", cell.status),
    }
}
