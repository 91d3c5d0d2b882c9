//! How the creation went at the vendor, and two charts of it as SVG.

use std::fmt::Write as _;

use serde::Serialize;
use time::OffsetDateTime;

use crate::sandbox::RecordedRequest;

/// A chart's width and height.
const SIZE: [f64; 2] = [720.0, 240.0];

/// What is left of a chart's edges: left, top, right, bottom.
const MARGINS: [f64; 4] = [48.0, 14.0, 12.0, 34.0];

/// Lines that cross a chart at most.
const LINES: f64 = 5.0;

/// The requests while members were created.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Creation {
    /// When each account was registered, in seconds since the first request.
    pub(super) registered_at: Vec<f64>,
    /// When each request was accepted.
    pub(super) accepted_at: Vec<f64>,
    /// When each request was answered with 429.
    pub(super) turned_away_at: Vec<f64>,
}

impl Creation {
    /// Of the requests that came at `since` or later.
    pub(super) fn of(requests: &[RecordedRequest], since: OffsetDateTime) -> Self {
        let requests = || requests.iter().filter(|request| request.at >= since);
        let first = requests().map(|request| request.at).min().unwrap_or(since);
        let moments = |wanted: &dyn Fn(&RecordedRequest) -> bool| -> Vec<f64> {
            let wanted = requests().filter(|request| wanted(request));
            wanted
                .map(|request| (request.at - first).as_seconds_f64())
                .collect()
        };
        let is_turned_away = |request: &RecordedRequest| request.status == Some(429);
        Self {
            registered_at: moments(&|request| {
                request.method == "POST" && request.status == Some(200)
            }),
            accepted_at: moments(&|request| !is_turned_away(request)),
            turned_away_at: moments(&is_turned_away),
        }
    }

    fn seconds(&self) -> f64 {
        let all = self.accepted_at.iter().chain(&self.turned_away_at);
        all.copied().fold(1.0, f64::max).ceil()
    }

    /// The accounts that are registered by then, and the line that the vendor's limit
    /// draws: no more can be registered by then.
    pub(super) fn registrations(&self, rate: u32) -> String {
        let each = count(self.accepted_at.len()) / count(self.registered_at.len()).max(1.0);
        let highest = count(self.registered_at.len()).max(1.0);
        let plot = Plot {
            widest: self.seconds(),
            highest,
        };
        let mut path = plot.point("M", 0.0, 0.0);
        for (number, at) in self.registered_at.iter().enumerate() {
            path += &plot.point("L", *at, count(number));
            path += &plot.point("L", *at, count(number + 1));
        }
        path += &plot.point("L", plot.widest, highest);
        // A window of the limit is free at the beginning.
        let (rate, each) = (f64::from(rate), each.max(1.0));
        let at_once = (rate / each).min(highest);
        let reached = ((highest - at_once) * each / rate).clamp(0.0, plot.widest);
        let then = (at_once + reached * rate / each).min(highest);
        let limit = plot.point("M", 0.0, at_once) + &plot.point("L", reached, then);
        plot.svg(
            "Accounts registered over time",
            "accounts",
            &format!(r#"<path class="limit" d="{limit}"/><path class="registered" d="{path}"/>"#),
        )
    }

    /// The requests of each second: accepted, and turned away on top; and the limit.
    pub(super) fn requests(&self, rate: u32) -> String {
        let seconds = self.seconds();
        let accepted = by_the_second(&self.accepted_at, seconds);
        let turned_away = by_the_second(&self.turned_away_at, seconds);
        let both = accepted.iter().zip(&turned_away);
        let rate = f64::from(rate);
        let plot = Plot {
            widest: seconds,
            highest: both
                .map(|(accepted, turned_away)| accepted + turned_away)
                .fold(rate, f64::max),
        };
        let mut bars = String::new();
        for (second, (accepted, turned_away)) in accepted.iter().zip(&turned_away).enumerate() {
            let at = count(second);
            bars += &plot.bar("accepted", at, 0.0, *accepted);
            bars += &plot.bar("turned-away", at, *accepted, *turned_away);
        }
        let limit = plot.point("M", 0.0, rate) + &plot.point("L", seconds, rate);
        plot.svg(
            "Requests to Authomize in each second",
            "requests",
            &format!(r#"{bars}<path class="limit" d="{limit}"/>"#),
        )
    }
}

fn by_the_second(moments: &[f64], seconds: f64) -> Vec<f64> {
    let mut counts = Vec::new();
    let mut second = 0.0;
    while second < seconds {
        let within = moments
            .iter()
            .filter(|at| (second..second + 1.0).contains(*at));
        counts.push(count(within.count()));
        second += 1.0;
    }
    counts
}

#[expect(clippy::cast_precision_loss, reason = "a chart has far fewer pixels")]
fn count(length: usize) -> f64 {
    length as f64
}

/// Where things are in a chart.
struct Plot {
    widest: f64,
    highest: f64,
}

impl Plot {
    fn x(&self, seconds: f64) -> f64 {
        let [left, _, right, _] = MARGINS;
        left + seconds / self.widest * (SIZE[0] - left - right)
    }

    fn y(&self, value: f64) -> f64 {
        let [_, top, _, bottom] = MARGINS;
        SIZE[1] - bottom - value / self.highest * (SIZE[1] - top - bottom)
    }

    fn point(&self, letter: &str, seconds: f64, value: f64) -> String {
        format!("{letter}{:.1} {:.1}", self.x(seconds), self.y(value))
    }

    fn bar(&self, class: &str, second: f64, from: f64, height: f64) -> String {
        if height == 0.0 {
            return String::new();
        }
        let (x, width) = (self.x(second), self.x(second + 1.0) - self.x(second));
        let (top, bottom) = (self.y(from + height), self.y(from));
        format!(
            r#"<rect class="{class}" x="{x:.1}" y="{top:.1}" width="{:.1}" height="{:.1}"/>"#,
            (width - 1.0).max(0.5),
            bottom - top
        )
    }

    fn svg(&self, title: &str, unit: &str, inside: &str) -> String {
        let [width, height] = SIZE;
        let [left, _, right, bottom] = MARGINS;
        let mut grid = String::new();
        for value in steps(self.highest) {
            let y = self.y(value);
            let _ = write!(
                grid,
                r#"<line x1="{left}" x2="{}" y1="{y:.1}" y2="{y:.1}"/><text x="{}" y="{:.1}" text-anchor="end">{value}</text>"#,
                width - right,
                left - 6.0,
                y + 4.0
            );
        }
        for second in steps(self.widest) {
            let _ = write!(
                grid,
                r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">{second} s</text>"#,
                self.x(second),
                height - bottom + 18.0
            );
        }
        format!(
            r#"<svg viewBox="0 0 {width} {height}" role="img" aria-label="{title}, in {unit}"><title>{title}</title><g class="grid">{grid}</g>{inside}</svg>"#
        )
    }
}

/// Round values from nought to the highest, a few of them.
fn steps(highest: f64) -> impl Iterator<Item = f64> {
    let mut step = 1.0;
    let mut factors = [2.0, 2.5, 2.0].into_iter().cycle();
    while highest / step > LINES {
        step *= factors.next().unwrap_or(2.0);
    }
    let mut value = -step;
    std::iter::from_fn(move || {
        value += step;
        (value <= highest).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creation() -> Creation {
        Creation {
            registered_at: vec![0.0, 0.1, 1.2],
            accepted_at: vec![0.0, 0.1, 1.2, 1.3],
            turned_away_at: vec![0.2, 0.3],
        }
    }

    #[test]
    fn draws_every_registration_and_the_limit() {
        let chart = creation().registrations(2);
        let lines = |class: &str| {
            let (_, path) = chart
                .split_once(&format!(r#"class="{class}" d=""#))
                .unwrap();
            path.split_once('"').unwrap().0.matches('L').count()
        };
        assert_eq!(lines("limit"), 1, "{chart}");
        assert_eq!(lines("registered"), 3 * 2 + 1, "{chart}");
        assert!(!chart.contains("NaN") && !chart.contains("inf"), "{chart}");
    }

    #[test]
    fn draws_what_was_turned_away_on_top() {
        let chart = creation().requests(2);
        assert_eq!(chart.matches(r#"class="accepted""#).count(), 2);
        assert_eq!(chart.matches(r#"class="turned-away""#).count(), 1);
    }

    #[test]
    fn draws_nothing_of_nothing() {
        let nothing = Creation::default();
        for chart in [nothing.registrations(10), nothing.requests(10)] {
            assert!(!chart.contains("NaN") && !chart.contains("inf"), "{chart}");
        }
    }

    #[test]
    fn counts_in_round_steps() {
        let values: Vec<f64> = steps(50.0).collect();
        assert_eq!(values, [0.0, 10.0, 20.0, 30.0, 40.0, 50.0]);
        assert_eq!(steps(1.0).collect::<Vec<_>>(), [0.0, 1.0]);
    }
}
