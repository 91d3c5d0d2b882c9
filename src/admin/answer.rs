//! What an action returns: JSON for programs, and in it a table for people.

use serde::Serialize;
use serde_json::{Value, json};

use super::comparison::{Compared, Finding, Kind};
use super::inspection::{Level, Verdict};
use super::pace::Measured;
use super::table::aligned;
use crate::record_id::RecordId;

/// What an action came to.
#[derive(Clone, Debug)]
pub struct Answer {
    /// One line that says it all, the last one of the table.
    pub summary: String,
    ok: bool,
    rows: Vec<String>,
    counts: Vec<(&'static str, usize)>,
    more: Value,
}

/// What became of one record that was to be removed.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Removal {
    /// Its id.
    pub id: RecordId,
    /// What became of it.
    pub outcome: Outcome,
    /// Why, where it was not removed.
    pub detail: String,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// It is removed.
    Removed,
    /// It was gone before.
    Gone,
    /// It is no record that may be removed.
    LeftAlone,
    /// It may be, and was not.
    Failed,
}

impl Outcome {
    fn label(self) -> &'static str {
        match self {
            Self::Removed => "removed",
            Self::Gone => "gone already",
            Self::LeftAlone => "left alone",
            Self::Failed => "not removed",
        }
    }
}

impl Answer {
    /// The answer to `check`. It ends as a linter does: not well if anything is an
    /// error.
    pub fn checked(verdicts: &[Verdict], measured: Option<&Measured>) -> Self {
        let count = |level| verdicts.iter().filter(|v| v.level == level).count();
        let (errors, warnings) = (count(Level::Error), count(Level::Warning));
        let row = |v: &Verdict| {
            [
                v.level.as_str().to_owned(),
                v.subject.to_owned(),
                v.text.clone(),
            ]
        };
        let all: Vec<[String; 3]> = verdicts.iter().map(row).collect();
        let amiss = verdicts.iter().zip(lines(&all));
        let amiss = amiss.filter(|(verdict, _)| verdict.level != Level::Ok);
        Self {
            summary: format!(
                "{}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            ),
            ok: errors == 0,
            rows: amiss.map(|(_, line)| line).collect(),
            counts: vec![("CheckErrors", errors), ("CheckWarnings", warnings)],
            more: json!({
                "action": "check",
                "verdicts": verdicts,
                "requestsPerSecond": measured.map(Measured::rate),
                "maxConcurrentCount": measured.map(Measured::concurrency),
                "table": aligned(&all),
            }),
        }
    }

    /// The answer to `reconcile`. It is well if nothing was found and nothing is left to
    /// read.
    pub fn compared(compared: &Compared) -> Self {
        let count = |kind| compared.findings.iter().filter(|f| f.kind == kind).count();
        let tallies: Vec<(Kind, usize)> = Kind::ALL
            .into_iter()
            .map(|kind| (kind, count(kind)))
            .collect();
        let row = |finding: &Finding| {
            let account = finding.account.as_ref().map(ToString::to_string);
            [
                finding.kind.label().to_owned(),
                account.unwrap_or_else(|| "-".to_owned()),
                finding.record.clone().unwrap_or_else(|| "-".to_owned()),
                finding.detail.clone(),
            ]
        };
        let rows: Vec<[String; 4]> = compared.findings.iter().map(row).collect();
        let mut summary = format!("{} registered", compared.registered);
        for (kind, count) in tallies.iter().filter(|(_, count)| *count > 0) {
            summary += &format!(", {count} {}", kind.label());
        }
        if compared.kept > 0 {
            summary += &format!(", {} kept", compared.kept);
        }
        let next = compared.next.as_ref().map(ToString::to_string);
        // What was found in a part is no measure of the whole.
        let counts = if next.is_some() {
            summary += "; go on with nextPage";
            vec![("ReconciliationsUnfinished", 1)]
        } else {
            let registered = ("RegisteredAccounts", compared.registered);
            let tallies = tallies.iter().map(|(kind, count)| (kind.metric(), *count));
            std::iter::once(registered).chain(tallies).collect()
        };
        Self {
            summary,
            ok: compared.findings.is_empty() && next.is_none(),
            rows: lines(&rows),
            counts,
            more: json!({
                "action": "reconcile",
                "registered": compared.registered,
                "kept": compared.kept,
                "findings": compared.findings,
                "nextPage": next,
                "table": aligned(&rows),
            }),
        }
    }

    /// The answer to `remove`. It is well if none of the records is left.
    pub fn removed(removals: &[Removal]) -> Self {
        let count = |outcome| removals.iter().filter(|r| r.outcome == outcome).count();
        let row = |removal: &Removal| {
            [
                removal.id.to_string(),
                removal.outcome.label().to_owned(),
                removal.detail.clone(),
            ]
        };
        let rows: Vec<[String; 3]> = removals.iter().map(row).collect();
        let all = [
            Outcome::Removed,
            Outcome::Gone,
            Outcome::LeftAlone,
            Outcome::Failed,
        ];
        let told = all.map(|outcome| format!("{} {}", count(outcome), outcome.label()));
        let left = count(Outcome::LeftAlone) + count(Outcome::Failed);
        Self {
            summary: told.join(", "),
            ok: left == 0,
            rows: lines(&rows),
            counts: vec![
                ("RecordsRemoved", count(Outcome::Removed)),
                ("RecordsNotRemoved", left),
            ],
            more: json!({
                "action": "remove",
                "records": removals,
                "table": aligned(&rows),
            }),
        }
    }

    /// What stands in the log, a line for each thing.
    pub fn rows(&self) -> &[String] {
        &self.rows
    }

    /// The metrics.
    pub fn counts(&self) -> &[(&'static str, usize)] {
        &self.counts
    }

    /// The function's result.
    pub fn into_json(self) -> Value {
        let mut json = self.more;
        let table = json["table"].as_str().unwrap_or_default();
        json["table"] = json!(format!("{table}{}\n", self.summary));
        json["ok"] = json!(self.ok);
        json["summary"] = json!(self.summary);
        json
    }
}

fn counted(count: usize, word: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {word}{ending}")
}

fn lines<const N: usize>(rows: &[[String; N]]) -> Vec<String> {
    aligned(rows).lines().map(ToOwned::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::action::Bookmark;

    fn compared(next: Option<Bookmark>) -> Compared {
        Compared {
            findings: vec![
                Finding {
                    kind: Kind::RecordWithoutAccount,
                    account: "210987654321".parse().ok(),
                    record: Some("app_1".to_owned()),
                    detail: "the account has no instance of the StackSet".to_owned(),
                },
                Finding {
                    kind: Kind::AccountWithoutRecord,
                    account: "222222222222".parse().ok(),
                    record: None,
                    detail: "us-east-1, OUTDATED".to_owned(),
                },
            ],
            registered: 48,
            kept: 1,
            next,
        }
    }

    #[test]
    fn has_a_table_that_ends_with_the_summary() {
        let answer = Answer::compared(&compared(None));
        assert_eq!(answer.counts().len(), 6);
        let json = answer.into_json();
        assert_eq!(
            json["table"],
            "record without account  210987654321  app_1  the account has no instance of the StackSet\n\
             account without record  222222222222  -      us-east-1, OUTDATED\n\
             48 registered, 1 record without account, 1 account without record, 1 kept\n"
        );
        assert_eq!(json["ok"], false);
        assert_eq!(json["findings"][0]["kind"], "recordWithoutAccount");
        assert_eq!(json["nextPage"], Value::Null);
    }

    /// Half a comparison would look like many accounts gone.
    #[test]
    fn counts_nothing_of_a_part() {
        let answer = Answer::compared(&compared(Some(Bookmark::default())));
        assert_eq!(answer.counts(), [("ReconciliationsUnfinished", 1)]);
        let json = answer.into_json();
        assert_eq!(json["nextPage"], "0.");
        assert!(json["summary"].as_str().unwrap().ends_with("nextPage"));
    }

    #[test]
    fn ends_as_a_linter_does() {
        let verdicts = [
            Verdict::ok("token", "Authomize accepts it"),
            Verdict::warning("stack set", "none"),
        ];
        let answer = Answer::checked(&verdicts, None);
        assert_eq!(answer.rows(), ["warning  stack set  none"]);
        let json = answer.into_json();
        assert_eq!(
            json["table"],
            "ok       token      Authomize accepts it\n\
             warning  stack set  none\n\
             0 errors, 1 warning\n"
        );
        assert_eq!(json["ok"], true);
        let failed = Answer::checked(&[Verdict::error("token", "refused")], None);
        assert_eq!(failed.into_json()["ok"], false);
    }

    #[test]
    fn is_not_well_while_a_record_is_left() {
        let removal = |outcome| Removal {
            id: "app_1".parse().unwrap(),
            outcome,
            detail: String::new(),
        };
        for (outcome, ok) in [
            (Outcome::Removed, true),
            (Outcome::Gone, true),
            (Outcome::LeftAlone, false),
            (Outcome::Failed, false),
        ] {
            let json = Answer::removed(&[removal(outcome)]).into_json();
            assert_eq!(json["ok"], ok, "{outcome:?}");
        }
    }
}
