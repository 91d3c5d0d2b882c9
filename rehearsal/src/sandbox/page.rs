//! The page of a tenant for people, as the vendor's product shows one: a plain
//! function from the tenant's state to HTML.
//!
//! Every text of the state passes [`Page::text`], which takes the secrets out
//! and escapes the rest. The page loads nothing but itself, and its policy
//! lets no other style or script in.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::model::{App, text};
use super::server::RecordedRequest;

/// How many requests are shown at most.
const REQUESTS_SHOWN: usize = 50;

/// What stands in a secret's place.
const TAKEN_OUT: &str = "[secret]";

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page's icon, an SVG.
pub(super) const ICON: &str = include_str!("page.svg");

const DAY_AND_TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[hour]:[minute]:[second].[subsecond digits:3]");

/// What the page shows of a tenant.
pub(super) struct TenantState<'a> {
    /// The records, oldest first.
    pub(super) apps: &'a [App],
    /// The requests, oldest first.
    pub(super) requests: &'a [RecordedRequest],
    /// The API token, which is never shown.
    pub(super) token: &'a str,
}

/// The page as HTML.
pub(super) fn render(state: &TenantState<'_>) -> String {
    let page = Page::of(state);
    let main = format!(
        "{}{}",
        page.integrations(state.apps),
        page.requests(state.requests)
    );
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Authomize sandbox</title>
<link rel="icon" type="image/svg+xml" href="/favicon.ico">
<noscript><meta http-equiv="refresh" content="3"></noscript>
<style>{STYLE}</style>
</head>
<body>
<header>
<h1>Authomize <span>sandbox</span></h1>
<p>Plays the vendor on this machine. Token and external ids are not shown.</p>
<p id="state" role="status"></p>
</header>
<main>
{main}</main>
<script>{SCRIPT}</script>
</body>
</html>
"#
    )
}

/// The page's `Content-Security-Policy`.
pub(super) fn policy() -> String {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
         connect-src 'self'; img-src 'self'; style-src 'sha256-{}'; script-src 'sha256-{}'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

struct Page<'a> {
    secrets: Vec<&'a str>,
}

impl<'a> Page<'a> {
    fn of(state: &TenantState<'a>) -> Self {
        let external_ids = state
            .apps
            .iter()
            .filter_map(|app| app.config.as_ref()?["externalId"].as_str());
        let secrets = external_ids.chain([state.token]);
        Self {
            secrets: secrets.filter(|secret| !secret.is_empty()).collect(),
        }
    }

    /// Text as it may stand in an element or a quoted attribute.
    fn text(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        for secret in &self.secrets {
            shown = shown.replace(secret, TAKEN_OUT);
        }
        shown.chars().fold(String::new(), |mut html, letter| {
            match letter {
                '&' => html.push_str("&amp;"),
                '<' => html.push_str("&lt;"),
                '>' => html.push_str("&gt;"),
                '"' => html.push_str("&quot;"),
                '\'' => html.push_str("&#39;"),
                letter => html.push(letter),
            }
            html
        })
    }

    fn integrations(&self, apps: &[App]) -> String {
        let count = apps.len();
        let mut html = format!(
            "<section aria-labelledby=\"apps\">\n\
             <h2 id=\"apps\">Connected apps <span class=\"count\">{count}</span></h2>\n"
        );
        if apps.is_empty() {
            html += "<p class=\"empty\">Nothing is registered. Create the stack, \
                     and its account appears here.</p>\n";
        } else {
            let columns = [
                "Integration",
                "Status",
                "Accounts",
                "Regions",
                "Owner",
                "Registered by",
                "Created, changed (UTC)",
            ];
            html += &table("integrations", &columns);
            for app in apps {
                html += &self.integration(app);
            }
            html += "</table>\n";
        }
        html + "</section>\n"
    }

    fn integration(&self, app: &App) -> String {
        let config = app.config.as_ref();
        let status = self.text(&app.status);
        let cells = [
            ("Integration", self.name(app)),
            (
                "Status",
                format!("<span class=\"pill {}\">{status}</span>", tone(&app.status)),
            ),
            ("Accounts", self.accounts(config)),
            ("Regions", self.regions(config)),
            ("Owner", self.owner(config)),
            ("Registered by", self.registrant(config)),
            (
                "Created, changed (UTC)",
                format!(
                    "{}{}",
                    moment(app.created_at, DAY_AND_TIME),
                    moment(app.modified_at, DAY_AND_TIME)
                ),
            ),
        ];
        let mut html = format!("<tbody role=\"rowgroup\">\n{}", row(&cells));
        if let Some(error) = &app.last_error {
            let error = self.text(error);
            html += &format!(
                "<tr role=\"row\" class=\"error\"><td role=\"cell\" colspan=\"{}\">\
                 <strong>Last error</strong> {error}</td></tr>\n",
                cells.len()
            );
        }
        html + "</tbody>\n"
    }

    fn name(&self, app: &App) -> String {
        let mut html = format!(
            "<strong>{}</strong><code>{}</code><span class=\"apps\">",
            self.text(&app.integration_name),
            self.text(&app.id)
        );
        for connected in &app.connected_apps {
            html += &format!("<span class=\"app\">{}</span>", self.text(connected));
        }
        if app.connected_apps.is_empty() {
            html += "<span class=\"aside\">no app connected</span>";
        }
        html + "</span>"
    }

    fn accounts(&self, config: Option<&Value>) -> String {
        let management = config.and_then(|config| config["managementAccountId"].as_str());
        let accounts = texts(config, "accountIds");
        let lines = accounts.iter().map(|account| {
            let number = self.text(account);
            if Some(*account) == management {
                format!("<code>{number}</code><span class=\"aside\">management account</span>")
            } else {
                format!("<code>{number}</code>")
            }
        });
        or_none(lines.collect())
    }

    fn regions(&self, config: Option<&Value>) -> String {
        let regions = texts(config, "regions");
        match (config.is_some(), regions.is_empty()) {
            (false, _) => or_none(String::new()),
            (true, true) => "All".to_owned(),
            (true, false) => regions
                .iter()
                .map(|region| format!("<code>{}</code>", self.text(region)))
                .collect(),
        }
    }

    fn owner(&self, config: Option<&Value>) -> String {
        let owner = config.and_then(|config| config["ownerEmail"].as_str());
        or_none(self.text(owner.unwrap_or_default()))
    }

    /// Who registered it, by the marker on the record.
    fn registrant(&self, config: Option<&Value>) -> String {
        let Some(config) = config else {
            return "<span class=\"aside\">not kept by this server</span>".to_owned();
        };
        let source = &config["source"];
        let Some(stack) = source["stackId"].as_str() else {
            return "by hand".to_owned();
        };
        let mut html = match stack_of(stack) {
            Some((name, account, region)) => format!(
                "<strong>{}</strong><span class=\"aside\">{} in {}</span>",
                self.text(name),
                self.text(account),
                self.text(region)
            ),
            None => format!("<strong>{}</strong>", self.text(stack)),
        };
        for (label, member) in [("", "logicalResourceId"), ("through ", "hub")] {
            if let Some(name) = source[member].as_str() {
                html += &format!("<code>{label}{}</code>", self.text(name));
            }
        }
        if source["released"] == true {
            html += "<span class=\"pill settled\">released</span>";
        }
        html
    }

    fn requests(&self, requests: &[RecordedRequest]) -> String {
        let count = requests.len();
        let mut html = format!(
            "<section aria-labelledby=\"requests\">\n\
             <h2 id=\"requests\">Requests <span class=\"count\">{count}</span></h2>\n"
        );
        if requests.is_empty() {
            html += "<p class=\"empty\">Nobody has asked anything yet.</p>\n";
        } else {
            html += &table("requests", &["Time (UTC)", "Method", "Path", "Answer"]);
            html += "<tbody role=\"rowgroup\">\n";
            for request in requests.iter().rev().take(REQUESTS_SHOWN) {
                html += &self.request(request);
            }
            html += "</tbody>\n</table>\n";
        }
        if count > REQUESTS_SHOWN {
            html += &format!(
                "<p class=\"aside\">The newest {REQUESTS_SHOWN} of {count} are shown.</p>\n"
            );
        }
        html + "</section>\n"
    }

    fn request(&self, request: &RecordedRequest) -> String {
        let answer = match request.status {
            Some(status) => {
                let tone = match status {
                    200..300 => "good",
                    400..500 => "waiting",
                    _ => "bad",
                };
                format!("<span class=\"pill {tone}\">{status}</span>")
            }
            None => "<span class=\"pill bad\">none</span>".to_owned(),
        };
        row(&[
            ("Time (UTC)", moment(request.at, TIME)),
            (
                "Method",
                format!("<strong>{}</strong>", self.text(&request.method)),
            ),
            ("Path", format!("<code>{}</code>", self.text(&request.path))),
            ("Answer", answer),
        ])
    }
}

/// The beginning of a table. The roles say again what the elements mean, for a
/// table that a narrow screen shows as a list is no table to browsers.
fn table(name: &str, columns: &[&str]) -> String {
    let mut html = format!(
        "<table role=\"table\" class=\"{name}\">\n<thead role=\"rowgroup\"><tr role=\"row\">"
    );
    for column in columns {
        html += &format!("<th role=\"columnheader\" scope=\"col\">{column}</th>");
    }
    html + "</tr></thead>\n"
}

fn row(cells: &[(&str, String)]) -> String {
    let mut html = "<tr role=\"row\">".to_owned();
    for (label, cell) in cells {
        write!(
            html,
            "<td role=\"cell\" data-label=\"{label}\"><div>{cell}</div></td>"
        )
        .expect("writing to a string does not fail");
    }
    html + "</tr>\n"
}

fn tone(status: &str) -> &'static str {
    match status {
        "enabled" => "good",
        "failure" => "bad",
        "initializing" | "validating" => "waiting",
        _ => "settled",
    }
}

fn moment(moment: OffsetDateTime, format: &[BorrowedFormatItem<'_>]) -> String {
    let shown = moment
        .format(format)
        .expect("a moment of this age has a date");
    format!("<time datetime=\"{}\">{shown}</time>", text(moment))
}

fn texts<'a>(config: Option<&'a Value>, member: &str) -> Vec<&'a str> {
    let list = config.and_then(|config| config[member].as_array());
    let items = list.into_iter().flatten();
    items.filter_map(Value::as_str).collect()
}

fn or_none(html: String) -> String {
    if html.is_empty() {
        "<span class=\"aside\">none</span>".to_owned()
    } else {
        html
    }
}

/// Name, account and region of a stack, by its id.
fn stack_of(id: &str) -> Option<(&str, &str, &str)> {
    let mut parts = id.splitn(6, ':').skip(3);
    let (region, account) = (parts.next()?, parts.next()?);
    let name = parts.next()?.strip_prefix("stack/")?.split('/').next()?;
    Some((name, account, region))
}

#[cfg(test)]
mod tests;
