//! The chart: what a first Create takes with 7 % of a core, and the memory that it
//! needs. It follows the reader's light or dark page.

use std::fmt::Write as _;

use crate::figures::{Figures, Results};
use crate::peer::THIS;

const WIDTH: usize = 760;
const ROW: usize = 30;
/// Where bars begin and how long the longest is.
const LEFT: usize = 110;
const LONGEST: f64 = 400.0;

const STYLE: &str = "<style>
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.quiet { fill: #59636e; }
.bar { fill: #8c959f; }
.ours { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .quiet { fill: #9198a1; }
  .bar { fill: #656c76; }
  .ours { fill: #4493f8; }
}
</style>";

/// One panel: its title, its unit, and a peer's figure.
struct Panel {
    title: &'static str,
    figure: fn(&Figures) -> Option<f64>,
    label: fn(f64) -> String,
}

const PANELS: [Panel; 2] = [
    Panel {
        title: "first Create with 7 % of a core (a 128 MB Lambda), from process start to answer",
        figure: |peer| Some(peer.work.as_ref()?.first_create_at_7_percent_ms.median),
        label: |milliseconds| format!("{:.2} s", milliseconds / 1000.0),
    },
    Panel {
        title: "the most memory that it needs",
        figure: |peer| Some(peer.work.as_ref()?.peak_memory_kib as f64),
        label: |kib| format!("{:.1} MB", kib * 1024.0 / 1e6),
    },
];

/// The chart of a run as SVG.
pub(crate) fn of(results: &Results) -> String {
    let mut body = String::new();
    let mut y = 24;
    for panel in &PANELS {
        y = draw(&mut body, panel, results, y) + 22;
    }
    let footer = format!(
        "medians of {} rounds, {}; `bench/run` repeats it",
        results.rounds, results.date
    );
    writeln!(
        body,
        "<text class=\"quiet\" x=\"0\" y=\"{y}\">{footer}</text>"
    )
    .ok();
    let height = y + 10;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" role=\"img\" \
         aria-label=\"Time and memory of a first Create, side by side\">\n{STYLE}\n{body}</svg>\n"
    )
}

/// Draws a panel from `y` on, and returns where it ends.
fn draw(body: &mut String, panel: &Panel, results: &Results, y: usize) -> usize {
    let figures: Vec<(&str, f64)> = results
        .peers
        .iter()
        .filter_map(|peer| Some((peer.name.as_str(), (panel.figure)(peer)?)))
        .collect();
    let most = figures
        .iter()
        .map(|(_, figure)| *figure)
        .fold(0.0, f64::max);
    let ours = figures.iter().find(|(name, _)| *name == THIS);
    let ours = ours.map_or(f64::NAN, |(_, figure)| *figure);
    writeln!(
        body,
        "<text class=\"title\" x=\"0\" y=\"{y}\">{}</text>",
        panel.title
    )
    .ok();
    let mut y = y + 12;
    for (name, figure) in figures {
        let class = if name == THIS { "ours" } else { "bar" };
        let length = (figure / most * LONGEST).max(2.0);
        let mut label = (panel.label)(figure);
        if name != THIS && ours.is_finite() {
            write!(label, ", {:.1} x", figure / ours).ok();
        }
        let (bar, text) = (y + 4, y + 19);
        let end = LEFT as f64 + length + 8.0;
        writeln!(
            body,
            "<text x=\"0\" y=\"{text}\">{name}</text>\
             <rect class=\"{class}\" x=\"{LEFT}\" y=\"{bar}\" width=\"{length:.1}\" height=\"20\" rx=\"3\"/>\
             <text x=\"{end:.1}\" y=\"{text}\">{label}</text>"
        )
        .ok();
        y += ROW;
    }
    y + 8
}
