//! The samples as a picture: four panels over time, with marks for what happened. Plain SVG, readable on light and on
//! dark ground.

use std::fmt::Write as _;

use super::happenings::{Happening, What};
use super::sample::Sample;

const WIDTH: f64 = 900.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 172.0;
const PANEL: f64 = 150.0;
const GAP: f64 = 46.0;
const TOP: f64 = 82.0;
const LINES: usize = 4;

const STYLE: &str = "svg{--ink:#1f2328;--faint:#d0d7de;--ground:#fff;--a:#0969da;--b:#bc4c00;--c:#1a7f37;--d:#8250df}\
@media(prefers-color-scheme:dark){svg{--ink:#e6edf3;--faint:#3d444d;--ground:#0d1117;--a:#4493f8;--b:#f0883e;\
--c:#3fb950;--d:#ab7df8}}\
text{font:12px system-ui,sans-serif;fill:var(--ink)}.title{font-weight:600;font-size:13px}\
.grid{stroke:var(--faint);stroke-width:1}.line{fill:none;stroke-width:1.6}.mark{stroke-width:1;stroke-dasharray:2 3}";

/// One line of a panel.
struct Series {
    name: &'static str,
    colour: &'static str,
    points: Vec<(f64, f64)>,
}

/// The picture. Times are seconds since the load began; it lasted `load_s`.
pub(super) fn svg(samples: &[Sample], happened: &[Happening], load_s: f64, title: &str) -> String {
    let end = samples.last().map_or(1.0, |last| last.at_s.max(load_s));
    let panels = panels(samples);
    let height = TOP + panels.len() as f64 * (PANEL + GAP) + 4.0;
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{title}\">\
         <style>{STYLE}</style><rect width=\"{WIDTH}\" height=\"{height}\" fill=\"var(--ground)\"/>\
         <text class=\"title\" x=\"{LEFT}\" y=\"20\">{title}</text>{}\n",
        legend()
    );
    for (number, (name, series)) in panels.iter().enumerate() {
        let top = TOP + number as f64 * (PANEL + GAP);
        panel(&mut text, (name, series), top, end);
        marks(&mut text, happened, (top, end, load_s));
    }
    let _ = writeln!(
        text,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">minutes since the load began</text></svg>",
        LEFT + (WIDTH - LEFT - RIGHT) / 2.0,
        height - 6.0
    );
    text
}

fn panels(samples: &[Sample]) -> Vec<(&'static str, Vec<Series>)> {
    let series = |name, colour, value: &dyn Fn(&Sample) -> Option<f64>| Series {
        name,
        colour,
        points: samples
            .iter()
            .filter_map(|sample| Some((sample.at_s, value(sample)?)))
            .collect(),
    };
    let sockets = |sample: &Sample| {
        let sockets = &sample.server.sockets;
        (sockets.callers + sockets.providers) as f64
    };
    let engine =
        |value: fn(&super::sample::Process) -> f64| move |sample: &Sample| sample.engine.as_ref().map(value);
    let rates = samples.windows(2).map(|pair| {
        let seconds = (pair[1].at_s - pair[0].at_s).max(0.1);
        let calls = pair[1].calls.saturating_sub(pair[0].calls);
        (pair[1].at_s, calls as f64 / seconds)
    });
    vec![
        (
            "resident memory, MiB",
            vec![
                series("server", "a", &|sample| Some(sample.server.resident_mib)),
                series("engine", "b", &engine(|engine| engine.resident_mib)),
            ],
        ),
        (
            "open descriptors",
            vec![
                series("server", "a", &|sample| Some(sample.server.descriptors as f64)),
                series("engine", "b", &engine(|engine| engine.descriptors as f64)),
                series("of callers and providers", "c", &|sample| Some(sockets(sample))),
            ],
        ),
        (
            "tasks, and calls in progress",
            vec![
                series("tasks", "a", &|sample| Some(sample.told?.tasks)),
                series("calls", "d", &|sample| Some(sample.told?.calls_in_flight)),
            ],
        ),
        (
            "calls a second",
            vec![Series {
                name: "calls",
                colour: "a",
                points: rates.collect(),
            }],
        ),
    ]
}

fn panel(text: &mut String, (name, series): (&str, &[Series]), top: f64, end: f64) {
    let most = series
        .iter()
        .flat_map(|series| &series.points)
        .fold(1.0_f64, |most, point| most.max(point.1));
    let step = round_step(most / LINES as f64);
    let most = (most / step).ceil() * step;
    let x = |at: f64| LEFT + at.clamp(0.0, end) / end * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| top + PANEL - value / most * PANEL;
    let _ = writeln!(
        text,
        "<text class=\"title\" x=\"{LEFT}\" y=\"{}\">{name}</text>",
        top - 8.0
    );
    let mut value = 0.0;
    while value <= most + step / 2.0 {
        let _ = writeln!(
            text,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{:.1}\" y2=\"{:.1}\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            WIDTH - RIGHT,
            y(value),
            y(value),
            LEFT - 6.0,
            y(value) + 4.0
        );
        value += step;
    }
    let minutes = round_step(end / 60.0 / 8.0).max(0.5);
    let mut minute = 0.0;
    while minute * 60.0 <= end {
        let _ = writeln!(
            text,
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{minute}</text>",
            x(minute * 60.0),
            top + PANEL + 16.0
        );
        minute += minutes;
    }
    for (place, series) in series.iter().enumerate() {
        let points: Vec<String> = series
            .points
            .iter()
            .map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value)))
            .collect();
        let _ = writeln!(
            text,
            "<polyline class=\"line\" stroke=\"var(--{0})\" points=\"{1}\"/>\
             <text x=\"{2}\" y=\"{3}\" style=\"fill:var(--{0})\">{4}</text>",
            series.colour,
            points.join(" "),
            WIDTH - RIGHT + 8.0,
            top + 14.0 + place as f64 * 17.0,
            series.name
        );
    }
}

/// Upright lines where something happened, and where the load ended.
fn marks(text: &mut String, happened: &[Happening], (top, end, load_s): (f64, f64, f64)) {
    let x = |at: f64| LEFT + at.clamp(0.0, end) / end * (WIDTH - LEFT - RIGHT);
    let mut mark = |at: f64, colour: &str| {
        let _ = writeln!(
            text,
            "<line class=\"mark\" stroke=\"{colour}\" x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{top}\" y2=\"{1}\"/>",
            x(at),
            top + PANEL
        );
    };
    for happening in happened {
        match happening.what {
            What::EngineKilled => mark(happening.at_s, "var(--b)"),
            What::ProviderAway => mark(happening.at_s, "var(--c)"),
            _ => {}
        }
    }
    mark(load_s, "var(--ink)");
}

fn legend() -> String {
    let mut text = String::new();
    for (place, (colour, name)) in [
        ("--b", "engine killed with -9"),
        ("--c", "provider away"),
        ("--ink", "end of the load"),
    ]
    .into_iter()
    .enumerate()
    {
        let x = LEFT + place as f64 * 190.0;
        let _ = write!(
            text,
            "<line class=\"mark\" stroke=\"var({colour})\" x1=\"{x}\" x2=\"{x}\" y1=\"28\" y2=\"42\"/>\
             <text x=\"{}\" y=\"39\">{name}</text>",
            x + 6.0
        );
    }
    text
}

/// The next of 1, 2, 5, 10, 20, ... that is no smaller.
fn round_step(step: f64) -> f64 {
    let power = 10_f64.powf(step.max(1e-9).log10().floor());
    let round = [1.0, 2.0, 5.0, 10.0].map(|times| times * power);
    round
        .into_iter()
        .find(|round| *round >= step * (1.0 - 1e-9))
        .unwrap_or(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_a_picture_has_its_lines() {
        let steps = [0.3, 1.0, 7.0, 12.0, 240.0].map(|step| format!("{:.1}", round_step(step)));
        assert_eq!(steps, ["0.5", "1.0", "10.0", "20.0", "500.0"]);
        let samples: Vec<Sample> = (0..5)
            .map(|number| Sample {
                at_s: f64::from(number) * 5.0,
                ..Sample::default()
            })
            .collect();
        let picture = svg(&samples, &[], 20.0, "a soak");
        assert!(picture.starts_with("<svg") && picture.ends_with("</svg>\n"));
        assert_eq!(picture.matches("<polyline").count(), 8);
    }
}
