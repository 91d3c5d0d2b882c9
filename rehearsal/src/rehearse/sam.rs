//! `cargo rehearse sam`: every event of `events/`, run on this machine by the
//! tools that a developer has, and judged by what came of it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::Serialize;
use serde_json::{Value, json};

use crate::answer_bucket::Verdict;
use crate::installation::{self, Installation, Tools};
use crate::laptop::{Architecture, ContainerHost, Laptop, Running, Way, Ways, problems_of, read};
use crate::sandbox::App;

use super::build::{self, Product};
use super::report::TemplateReport;
use super::screen::Screen;
use super::setup_error::SetupError;
use super::template::Template;
use super::world::World;

/// What must be at the vendor after an event.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// One record of this name, enabled, with these apps.
    Record(&'static str, &'static str),
    /// None.
    Nothing,
}

/// The events in the order of a stack's life, and what must come of each.
const LIFE: [(&str, Expected); 6] = [
    ("create", Expected::Record("AWS 123456789012", "AWS")),
    (
        "update-unchanged",
        Expected::Record("AWS 123456789012", "AWS"),
    ),
    ("update", Expected::Record("Production", "AWS")),
    ("delete", Expected::Nothing),
    (
        "create-identity-center",
        Expected::Record("AWS 123456789012", "AWS, AWS SSO"),
    ),
    ("delete-invented-id", Expected::Nothing),
];

/// How the command is to run.
#[derive(Debug)]
pub(super) struct SamOptions {
    pub(super) ways: Vec<Way>,
    pub(super) architecture: Architecture,
}

/// What one event came to in one way.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    way: &'static str,
    event: String,
    /// Where the answer went: `mailbox` or `result`.
    answer: &'static str,
    status: String,
    /// What the vendor had then.
    vendor: String,
    seconds: f64,
    /// Why it is not as it must be; empty when it is.
    problems: Vec<String>,
}

/// What the whole run came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SamReport {
    pub(super) held: bool,
    /// The template that every way had, which nothing changed.
    template: TemplateReport,
    rows: Vec<Row>,
}

/// Runs every event in every way that was asked for.
pub(super) async fn run(options: &SamOptions, screen: &Screen) -> Result<SamReport, SetupError> {
    let template = Template::read()?;
    screen.line("Everything happens on this machine; no AWS account can be reached.");
    screen.line(&format!(
        "template.yaml, unchanged, sha256 {}\n",
        template.sha256
    ));
    let needs_docker = options.ways.iter().any(|way| way.is_sams());
    let host = match needs_docker {
        true => Some(ContainerHost::find().await?),
        false => None,
    };
    target_is_there(options.architecture)?;

    let events = template.root().join("events");
    complete(&events)?;
    let steps = 2 + options.ways.len();
    let began = Instant::now();
    let expect = if Installation::is_present(Tools::Sam) {
        "about 10 seconds"
    } else {
        "about 1 minute the first time, when SAM is fetched"
    };
    screen.step_begins(1, steps, "starting the cloud", expect);
    let tools = installation::ensure(Tools::Sam).await?;
    let world = World::start().await?;
    let laptop = Laptop::open(&world, &template, host.as_ref()).await?;
    laptop.write_environment(&events)?;
    screen.step_ends(began.elapsed().as_secs_f64());

    let began = Instant::now();
    screen.step_begins(
        2,
        steps,
        "building the function",
        "about 4 minutes the first time",
    );
    let needs_release = options.ways.contains(&Way::Emulator);
    let binary = match needs_release {
        true => build::release(template.root(), Product::Function).await?,
        false => PathBuf::new(),
    };
    let ways = Ways {
        tools: &tools,
        root: template.root(),
        binary: &binary,
        events: &events,
        laptop: &laptop,
    };
    if needs_docker {
        screen.note(&format!(
            "sam build --parameter-overrides Architecture={}",
            options.architecture.name()
        ));
        ways.build(options.architecture).await?;
    }
    screen.step_ends(began.elapsed().as_secs_f64());

    if options.architecture != Architecture::HERE {
        screen.line(&format!(
            "built for {}; this machine runs {}, so nothing is invoked",
            options.architecture.name(),
            Architecture::HERE.name()
        ));
        return Ok(SamReport {
            held: true,
            template: template.report(),
            rows: Vec::new(),
        });
    }
    let mut rows = Vec::new();
    for (number, way) in options.ways.iter().enumerate() {
        let began = Instant::now();
        let title = format!("every event, by {}", way.name());
        screen.step_begins(number + 3, steps, &title, "about a minute");
        let running = ways.start(*way).await?;
        for to_mailbox in [true, false] {
            let walk = Walk {
                world: &world,
                laptop: &laptop,
                running: &running,
                way: *way,
                to_mailbox,
                screen,
            };
            walk.the_life(&events, &mut rows).await?;
        }
        drop(running);
        screen.step_ends(began.elapsed().as_secs_f64());
    }
    show_table(&rows, screen);
    let unchanged = Template::read()?.sha256 == template.sha256;
    let held = unchanged && rows.iter().all(|row| row.problems.is_empty());
    let verdict = if held { "all held" } else { "not all held" };
    screen.line(&format!("\n{verdict}: {} invocations", rows.len()));
    Ok(SamReport {
        held,
        template: template.report(),
        rows,
    })
}

/// One life of a stack in one way, with the answers in one place.
struct Walk<'a> {
    world: &'a World,
    laptop: &'a Laptop,
    running: &'a Running<'a>,
    way: Way,
    to_mailbox: bool,
    screen: &'a Screen,
}

impl Walk<'_> {
    async fn the_life(&self, events: &Path, rows: &mut Vec<Row>) -> Result<(), SetupError> {
        let mut id = None;
        for (name, expected) in LIFE {
            let mut event = self.laptop.fill(
                read(events, Path::new(name))?,
                self.to_mailbox,
                id.as_deref(),
            );
            let (row, answer) = self.row(name, &mut event, expected).await;
            if answer["Status"] == "SUCCESS" && event["RequestType"] == "Create" {
                id = answer["PhysicalResourceId"].as_str().map(str::to_owned);
            }
            self.show(&event, &answer, &row);
            rows.push(row);
        }
        let mut event = self
            .laptop
            .fill(read(events, Path::new("create"))?, self.to_mailbox, None);
        // Nothing listens on the port of discard, which needs root.
        let nobody = "http://127.0.0.1:9";
        event["ResourceProperties"]["ApiUrl"] = json!(nobody);
        let name = "create, sandbox gone";
        let (mut row, answer) = self.row(name, &mut event, Expected::Nothing).await;
        let reason = answer["Reason"].as_str().unwrap_or_default();
        if answer["Status"] == "FAILED" && reason.contains(nobody) {
            row.problems
                .retain(|problem| !problem.starts_with("it is FAILED:"));
        } else {
            let problem = format!("the reason does not name {nobody}: {reason}");
            row.problems.push(problem);
        }
        self.show(&event, &answer, &row);
        rows.push(row);
        Ok(())
    }

    async fn row(&self, name: &str, event: &mut Value, expected: Expected) -> (Row, Value) {
        let began = Instant::now();
        let before = self.laptop.mailbox.answers().len();
        // Each client of the server has its turn.
        let result = self.running.invoke(event, !self.to_mailbox).await;
        let seconds = began.elapsed().as_secs_f64();
        let mut problems = Vec::new();
        let mut arrived = self.laptop.mailbox.answers().split_off(before);
        let answer = match (result, self.to_mailbox) {
            (Err(error), _) => {
                problems.push(error.to_string());
                Value::Null
            }
            (Ok(result), false) => {
                if !arrived.is_empty() {
                    problems.push("an answer arrived that was not asked for".to_owned());
                }
                result
            }
            (Ok(result), true) => {
                if !result.is_null() {
                    problems.push(format!("the function's result is {result}"));
                }
                let accepted = |verdict: &Verdict| *verdict == Verdict::Accepted;
                match arrived.pop() {
                    Some(answer) if arrived.is_empty() && accepted(&answer.verdict) => answer.json,
                    other => {
                        let count = arrived.len() + usize::from(other.is_some());
                        problems.push(format!("{count} answers arrived, or one was refused"));
                        Value::Null
                    }
                }
            }
        };
        problems.extend(problems_of(&answer, event));
        if answer["Status"] == "FAILED" {
            let reason = answer["Reason"].as_str().unwrap_or_default();
            problems.push(format!("it is FAILED: {reason}"));
        }
        let apps = self.world.sandbox.apps();
        problems.extend(differs(&apps, expected));
        let row = Row {
            way: self.way.name(),
            event: name.to_owned(),
            answer: if self.to_mailbox { "mailbox" } else { "result" },
            status: answer["Status"].as_str().unwrap_or("none").to_owned(),
            vendor: told(&apps),
            seconds,
            problems,
        };
        (row, answer)
    }

    /// Request and answer side by side.
    fn show(&self, event: &Value, answer: &Value, row: &Row) {
        let request = json!({
            "RequestType": event["RequestType"],
            "PhysicalResourceId": event["PhysicalResourceId"],
            "IntegrationName": event["ResourceProperties"]["IntegrationName"],
            "IncludeIdentityCenter": event["ResourceProperties"]["IncludeIdentityCenter"],
            "ApiUrl": event["ResourceProperties"]["ApiUrl"],
        });
        let answer = json!({
            "Status": answer["Status"],
            "PhysicalResourceId": answer["PhysicalResourceId"],
            "Reason": answer["Reason"],
            "Data": answer["Data"],
        });
        self.screen.heading(&format!(
            "    {} by {}, the answer as {}, {:.1} s",
            row.event, row.way, row.answer, row.seconds
        ));
        for line in side_by_side(&members(&request), &members(&answer)) {
            self.screen.note(&line);
        }
        for problem in &row.problems {
            self.screen.bad(problem);
        }
    }
}

/// Every event has its expectation, or a new one would be left out in silence.
fn complete(events: &Path) -> Result<(), SetupError> {
    let files = std::fs::read_dir(events).into_iter().flatten().flatten();
    for file in files.map(|file| file.path()) {
        let Some(name) = file.file_stem().and_then(|name| name.to_str()) else {
            continue;
        };
        let is_event = file.extension().is_some_and(|kind| kind == "json") && name != "env";
        if is_event && !LIFE.iter().any(|(known, _)| *known == name) {
            return Err(SetupError::UnknownEvent(file));
        }
    }
    Ok(())
}

/// Whether Rust has what this architecture needs. SAM itself has rustup fetch
/// it, and says less when that fails.
fn target_is_there(architecture: Architecture) -> Result<(), SetupError> {
    let target = architecture.target();
    let told = std::process::Command::new("rustc")
        .args(["--print", "target-libdir", "--target", target])
        .output();
    let folder = told.map(|told| String::from_utf8_lossy(&told.stdout).trim().to_owned());
    if folder.is_ok_and(|folder| Path::new(&folder).is_dir()) {
        Ok(())
    } else {
        Err(SetupError::NoTarget(target))
    }
}

fn differs(apps: &[App], expected: Expected) -> Option<String> {
    let as_expected = match (expected, apps) {
        (Expected::Nothing, []) => true,
        (Expected::Record(name, connected), [app]) => {
            app.integration_name == name
                && app.status == "enabled"
                && app.connected_apps.join(", ") == connected
        }
        _ => false,
    };
    (!as_expected).then(|| format!("the vendor has {}, not {expected:?}", told(apps)))
}

fn told(apps: &[App]) -> String {
    let records: Vec<String> = apps
        .iter()
        .map(|app| {
            let connected = app.connected_apps.join(" + ");
            format!("`{}` {}, {connected}", app.integration_name, app.status)
        })
        .collect();
    if records.is_empty() {
        "no record".to_owned()
    } else {
        records.join("; ")
    }
}

/// The members that are there, a line each.
fn members(object: &Value) -> Vec<String> {
    let members = object.as_object().into_iter().flatten();
    members
        .filter(|(_, value)| !value.is_null() && *value != "")
        .flat_map(|(name, value)| match value {
            Value::String(text) => vec![format!("{name}: {text}")],
            Value::Object(inner) => {
                let inner = inner.iter().map(|(name, value)| match value {
                    Value::String(text) => format!("{name}: {text}"),
                    other => format!("{name}: {other}"),
                });
                inner.collect()
            }
            other => vec![format!("{name}: {other}")],
        })
        .collect()
}

fn side_by_side(left: &[String], right: &[String]) -> Vec<String> {
    const WIDTH: usize = 52;
    (0..left.len().max(right.len()))
        .map(|line| {
            let (left, right) = (left.get(line), right.get(line));
            let left = left.map_or("", String::as_str);
            let right = right.map_or("", String::as_str);
            format!("{left:<WIDTH$} | {right}")
        })
        .collect()
}

fn show_table(rows: &[Row], screen: &Screen) {
    screen.heading(&format!(
        "{:<13} {:<23} {:<8} {:<8} {:>7}  the vendor has",
        "way", "event", "answer", "status", "seconds"
    ));
    for row in rows {
        let line = format!(
            "{:<13} {:<23} {:<8} {:<8} {:>7.1}  {}",
            row.way, row.event, row.answer, row.status, row.seconds, row.vendor
        );
        if row.problems.is_empty() {
            screen.line(&line);
        } else {
            screen.line(&format!("{line}  NOT AS IT MUST BE"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_request_and_answer_side_by_side() {
        let request = json!({"RequestType": "Create", "ApiUrl": null});
        let answer = json!({"Status": "SUCCESS", "Data": {"Status": "enabled"}});
        let lines = side_by_side(&members(&request), &members(&answer));
        let lines: Vec<Vec<&str>> = lines
            .iter()
            .map(|line| line.split('|').map(str::trim).collect())
            .collect();
        assert_eq!(
            lines,
            [
                ["RequestType: Create", "Status: enabled"],
                ["", "Status: SUCCESS"]
            ]
        );
    }

    #[test]
    fn knows_what_must_come_of_every_event() {
        complete(&Template::read().unwrap().root().join("events")).unwrap();
    }
}
