//! The report for people: one page that loads nothing but itself.

use std::fmt::Write as _;

use super::report::{AccountReport, OrganizationReport};

const STYLE: &str = include_str!("page.css");

/// The page as HTML. Every text that comes from outside is escaped.
pub(super) fn render(report: &OrganizationReport) -> String {
    let accounts = report.accounts.len();
    let fault = report
        .fault
        .map_or_else(String::new, |fault| format!(", with the fault {fault}"));
    let (class, verdict) = if report.held {
        ("held", "every check held".to_owned())
    } else {
        let bad = report.checks.iter().filter(|check| !check.held).count();
        ("failed", format!("{bad} checks did not hold"))
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{accounts} accounts and a hub</title>
<style>
{STYLE}</style>
</head>
<body>
<h1>{accounts} accounts and a hub: <span class="{class}">{verdict}</span></h1>
<p>On a CloudFormation engine of this machine{fault}. Authomize's sandbox accepts {rate} requests a second.</p>
{tiles}{charts}{operations}{members}{alone}{contents}{checks}</body>
</html>
"#,
        rate = report.rate,
        tiles = tiles(report),
        charts = charts(report),
        operations = operations(report),
        members = members(&report.accounts),
        alone = alone(&report.without_account),
        contents = contents(report),
        checks = checks(report),
    )
}

fn tiles(report: &OrganizationReport) -> String {
    let registered = report
        .accounts
        .iter()
        .filter(|one| !one.record.is_empty())
        .count();
    let failed = report.failed().count();
    let seconds: f64 = report
        .operations
        .iter()
        .map(|operation| operation.seconds)
        .sum();
    let turned_away: usize = report
        .operations
        .iter()
        .map(|operation| operation.turned_away)
        .sum();
    let megabytes = |bytes: Option<u64>| {
        bytes.map_or_else(
            || "not told".to_owned(),
            |bytes| format!("{} MB", bytes / 1_000_000),
        )
    };
    let tiles = [
        (
            format!("{registered} of {}", report.accounts.len()),
            "accounts registered",
        ),
        (failed.to_string(), "stacks that failed"),
        (format!("{seconds:.0} s"), "for all members"),
        (turned_away.to_string(), "times 429"),
        (
            megabytes(report.memory.function),
            "largest process of the hub",
        ),
        (megabytes(report.memory.engine), "the engine at most"),
    ];
    let mut html = String::from(r#"<div class="tiles">"#);
    for (value, what) in tiles {
        let _ = write!(
            html,
            "<div><b>{}</b><span>{what}</span></div>",
            escaped(&value)
        );
    }
    html + "</div>\n"
}

fn charts(report: &OrganizationReport) -> String {
    let registrations = report.creation.registrations(report.rate);
    let requests = report.creation.requests(report.rate);
    format!(
        r#"<div class="charts">
<section><h2>Accounts registered over time</h2>{registrations}
<p class="key"><i class="of-accounts"></i>registered<i class="of-the-limit"></i>what Authomize's limit allows</p></section>
<section><h2>Requests to Authomize in each second</h2>{requests}
<p class="key"><i class="of-accounts"></i>accepted<i class="of-429"></i>answered with 429<i class="of-the-limit"></i>the limit</p></section>
</div>
"#
    )
}

fn operations(report: &OrganizationReport) -> String {
    let rows = report.operations.iter().map(|operation| {
        [
            (false, escaped(&operation.title)),
            (
                true,
                format!("{} of {}", operation.succeeded, operation.accounts),
            ),
            (true, format!("{:.1}", operation.seconds)),
            (true, operation.requests.to_string()),
            (true, operation.turned_away.to_string()),
        ]
    });
    let head = [
        (false, "what was done"),
        (true, "accounts"),
        (true, "seconds"),
        (true, "requests accepted"),
        (true, "429"),
    ];
    section("All members at once", &table(&head, rows))
}

fn members(accounts: &[AccountReport]) -> String {
    let mut accounts: Vec<&AccountReport> = accounts.iter().collect();
    // Those that failed are what one looks for.
    accounts.sort_by_key(|account| account.reason.is_empty());
    let rows = accounts.into_iter().map(|account| {
        let took = account.seconds.first();
        [
            (false, escaped(&account.account)),
            (false, escaped(&account.status)),
            (false, escaped(&account.record)),
            (
                true,
                took.map_or_else(String::new, |seconds| format!("{seconds:.1}")),
            ),
            (false, escaped(&account.reason)),
        ]
    });
    let head = [
        (false, "account"),
        (false, "stack in the end"),
        (false, "record"),
        (true, "seconds to create"),
        (false, "why it failed"),
    ];
    section("Accounts", &table(&head, rows))
}

fn alone(records: &[String]) -> String {
    if records.is_empty() {
        return String::new();
    }
    let rows = records.iter().map(|record| [(false, escaped(record))]);
    let list = table(&[(false, "record")], rows);
    let what = "<p>Their accounts left without a word. The hub's reconcile found them, and its remove removed them.</p>";
    section("Records without account", &format!("{what}{list}"))
}

fn contents(report: &OrganizationReport) -> String {
    let lines = report.contents.lines();
    let rows = lines.iter().map(|line| [(false, escaped(line))]);
    section("What a member's stack has", &table(&[(false, "")], rows))
}

fn checks(report: &OrganizationReport) -> String {
    let rows = report.checks.iter().map(|check| {
        let (class, word) = if check.held {
            ("held", "held")
        } else {
            ("failed", "FAILED")
        };
        let detail = if check.held { "" } else { &check.detail };
        [
            (false, format!(r#"<span class="{class}">{word}</span>"#)),
            (false, escaped(&check.name)),
            (false, escaped(detail)),
        ]
    });
    let head = [
        (false, ""),
        (false, "what must be so"),
        (false, "what was seen"),
    ];
    section("Checks", &table(&head, rows))
}

fn section(title: &str, inside: &str) -> String {
    format!("<section><h2>{title}</h2>{inside}</section>\n")
}

/// Columns and rows; a cell is a number or not, and HTML.
fn table<const N: usize>(
    head: &[(bool, &str); N],
    rows: impl Iterator<Item = [(bool, String); N]>,
) -> String {
    let class = |is_number: bool| if is_number { r#" class="number""# } else { "" };
    let mut html = String::from("<table><thead><tr>");
    for (is_number, name) in head {
        let _ = write!(html, "<th{}>{name}</th>", class(*is_number));
    }
    html += "</tr></thead><tbody>\n";
    for row in rows {
        html += "<tr>";
        for (is_number, cell) in row {
            let _ = write!(html, "<td{}>{cell}</td>", class(is_number));
        }
        html += "</tr>\n";
    }
    html + "</tbody></table>"
}

fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut html, letter| {
        match letter {
            '&' => html += "&amp;",
            '<' => html += "&lt;",
            '>' => html += "&gt;",
            '"' => html += "&quot;",
            _ => html.push(letter),
        }
        html
    })
}

#[cfg(test)]
mod tests {
    use super::super::report::Operation;
    use super::*;

    fn report() -> OrganizationReport {
        OrganizationReport {
            rate: 10,
            accounts: vec![
                AccountReport {
                    account: "123456789012".to_owned(),
                    status: "DELETE_COMPLETE".to_owned(),
                    ..AccountReport::default()
                },
                AccountReport {
                    account: "210987654321".to_owned(),
                    status: "ROLLBACK_COMPLETE".to_owned(),
                    reason: "Role: <script>alert(1)</script> & more".to_owned(),
                    ..AccountReport::default()
                },
            ],
            operations: vec![Operation::default()],
            ..OrganizationReport::default()
        }
    }

    #[test]
    fn loads_nothing_and_runs_nothing() {
        let html = render(&report());
        for forbidden in [
            "http:", "https:", "<script", "src=", "url(", "@import", "<link",
        ] {
            assert!(!html.contains(forbidden), "{forbidden}");
        }
    }

    #[test]
    fn shows_who_failed_first_and_why() {
        let html = render(&report());
        let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("{text}: {html}"));
        assert!(place("210987654321") < place("123456789012"));
        place("Role: &lt;script&gt;alert(1)&lt;/script&gt; &amp; more");
    }
}
