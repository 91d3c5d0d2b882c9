//! What the kills came to.

use std::collections::BTreeMap;

use serde::Serialize;

use super::conversation::VENDOR;
use super::fate::Fate;
use super::plan::Kill;
use super::point::{Moment, Point};
use super::story::Told;
use crate::faults::Request;

/// In one story of so many the function may not come to its point.
const MISSED: usize = 20;

/// The object that `--json` prints.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KillsReport {
    /// Whether nothing was lost and nothing was double.
    pub held: bool,
    /// How many points each life has, in the lives' order.
    pub points: Vec<(Request, usize)>,
    /// How often the function was killed, second kills of a story not counted.
    pub kills: usize,
    /// How often the run after a kill was killed at the same point.
    pub second_kills: usize,
    /// How many stories broke a promise.
    pub violations: usize,
    /// Every story.
    pub stories: Vec<KillReport>,
    #[serde(skip)]
    vendor_calls: BTreeMap<Request, Vec<String>>,
    #[serde(skip)]
    undisturbed: Vec<String>,
}

/// One kill and what came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KillReport {
    /// During which request.
    pub life: Request,
    /// At which call, for example `Authomize: POST /v2/apps`.
    pub place: String,
    /// When, around it.
    pub moment: Moment,
    /// What became of the request.
    pub fate: Fate,
    /// Whether the process came to that point and was killed there.
    pub killed: bool,
    /// Whether the run after it was killed at the same point, too.
    pub killed_again: bool,
    /// How many requests the vendor had seen from it until then.
    pub vendor_calls: usize,
    /// What CloudFormation made of the request.
    pub outcome: String,
    /// What does not hold.
    pub problems: Vec<String>,
}

/// A line of the table: one place of a life.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Row {
    /// The kills at each moment, in the order of [`Moment::ALL`].
    pub kills: [usize; 3],
    /// How often each outcome came.
    pub outcomes: BTreeMap<String, usize>,
    /// How many stories broke a promise.
    pub violations: usize,
}

impl KillsReport {
    /// Before the first kill: what the lives are like without one.
    pub(super) fn of(lives: &[(Request, Told)]) -> Self {
        let broken = |(life, told): &(Request, Told)| -> Vec<String> {
            let without = |problem| format!("{} without a kill: {problem}", life.word());
            told.broken.iter().map(without).collect()
        };
        Self {
            held: false,
            points: lives
                .iter()
                .map(|(life, told)| (*life, told.points.len()))
                .collect(),
            kills: 0,
            second_kills: 0,
            violations: 0,
            stories: Vec::new(),
            vendor_calls: lives
                .iter()
                .map(|(life, told)| (*life, told.vendor_calls.clone()))
                .collect(),
            undisturbed: lives.iter().flat_map(broken).collect(),
        }
    }

    pub(super) fn of_a_kill(&self, kill: &Kill, told: &Told) -> KillReport {
        KillReport {
            place: self.place(kill.life, &kill.point),
            life: kill.life,
            moment: kill.point.moment,
            fate: kill.fate,
            killed: told.killed,
            killed_again: told.killed_again,
            vendor_calls: told.vendor_calls.len(),
            outcome: told.outcome.clone(),
            problems: told.broken.clone(),
        }
    }

    pub(super) fn conclude(&mut self, stories: Vec<KillReport>) {
        self.kills = stories.iter().filter(|story| story.killed).count();
        self.second_kills = stories.iter().filter(|story| story.killed_again).count();
        let broken = stories.iter().filter(|story| !story.problems.is_empty());
        self.violations = broken.count();
        self.stories = stories;
        self.held = self.violations == 0 && self.undisturbed.is_empty() && self.says_something();
    }

    /// What does not hold in a life without a kill.
    #[must_use]
    pub fn undisturbed(&self) -> &[String] {
        &self.undisturbed
    }

    /// Whether the function was killed at all, and nearly wherever it was to be.
    fn says_something(&self) -> bool {
        self.kills > 0 && self.missed() * MISSED <= self.stories.len()
    }

    /// How many stories never came to their point, for the threads ran in another
    /// order.
    #[must_use]
    pub fn missed(&self) -> usize {
        self.stories.len() - self.kills
    }

    /// The table, in the order of the lives and of their calls.
    #[must_use]
    pub fn rows(&self) -> Vec<((Request, String), Row)> {
        let mut rows: Vec<((Request, String), Row)> = Vec::new();
        for story in self.stories.iter().filter(|story| story.killed) {
            let name = (story.life, story.place.clone());
            let place = rows.iter().position(|(known, _)| *known == name);
            let place = place.unwrap_or_else(|| {
                rows.push((name, Row::default()));
                rows.len() - 1
            });
            let row = &mut rows[place].1;
            let column = Moment::ALL.iter().position(|known| *known == story.moment);
            row.kills[column.unwrap_or_default()] += 1;
            *row.outcomes.entry(story.outcome.clone()).or_default() += 1;
            row.violations += usize::from(!story.problems.is_empty());
        }
        rows
    }

    /// A point by what its request was about, as the life without a kill tells.
    fn place(&self, life: Request, point: &Point) -> String {
        let Point { peer, what, .. } = point;
        let Some(number) = what.strip_prefix("request ") else {
            return format!("{peer}: {what}");
        };
        let asked = match peer.as_str() {
            VENDOR => {
                let calls = self.vendor_calls.get(&life);
                let call = calls.zip(number.parse::<usize>().ok());
                call.and_then(|(calls, number)| calls.get(number.checked_sub(1)?))
                    .map(|call| without_id(call))
            }
            "response bucket" => Some("PUT of the answer".to_owned()),
            "Secrets Manager" => Some("GetSecretValue".to_owned()),
            "CloudFormation" => Some("DescribeStacks or DescribeStackResource".to_owned()),
            _ => None,
        };
        format!("{peer}: {}", asked.unwrap_or_else(|| what.clone()))
    }
}

/// `GET /v2/apps/app_000000000002` without the record's id.
fn without_id(call: &str) -> String {
    match call.split_once("/app_") {
        Some((before, _)) => format!("{before}/{{id}}"),
        None => call.to_owned(),
    }
}
