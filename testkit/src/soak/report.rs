//! What a soak saw, as tables, and the verdict.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use super::Plan;
use super::happenings::{Happening, What};
use super::mix::KINDS;
use super::quiet::cancelled_table;
use super::reconcile::{Exports, Found, Reconciled};
use super::sample::Sample;
use super::trend::{self, Trend};

/// Tasks and descriptors that may be there more than before the load: those of connections to the engine, and log files.
const TASKS_MORE: f64 = 8.0;
const FILES_MORE: usize = 12;
/// How much a line through the last two thirds may rise: a part of the mean, or this.
const GROWTH_PART: f64 = 0.1;
const SERVER_GROWTH_MIB: f64 = 24.0;
const ENGINE_GROWTH_MIB: f64 = 128.0;
/// How much more than before the load the server may keep when it is at rest again: a part of that, or this. A line
/// that falls from the peak of an overload says nothing of what stays.
const KEPT_PART: f64 = 0.25;
const SERVER_KEPT_MIB: f64 = 64.0;
/// In less time than this, memory only says how a server warms up.
const LOAD_TO_JUDGE_MEMORY: Duration = Duration::from_mins(10);

/// How the calls of a kind went, as their callers saw it.
#[derive(Debug, Default, Clone)]
pub(super) struct Tally {
    pub(super) calls: usize,
    pub(super) statuses: BTreeMap<u16, usize>,
    pub(super) amiss: BTreeMap<String, usize>,
}

/// All that was seen.
pub(super) struct Seen<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tallies: &'a [Tally],
    pub(super) held_back: usize,
    pub(super) resent: u64,
    pub(super) given_up: u64,
    pub(super) happened: &'a [Happening],
    pub(super) samples: &'a [Sample],
    pub(super) before: Sample,
    pub(super) after: Sample,
    pub(super) reconciled: &'a Reconciled,
    /// Streams that were under way when the server was asked to stop.
    pub(super) stopped_amid: usize,
    pub(super) hang_ups: String,
    pub(super) unnoticed: usize,
}

/// Reads a figure off a sample.
type Value<'a> = &'a dyn Fn(&Sample) -> f64;

/// One line of the verdict.
struct Judgement {
    what: String,
    is_good: bool,
}

/// The text, and whether nothing was lost, there twice or leaked.
pub(super) fn write(seen: &Seen<'_>) -> (String, bool) {
    let mut text = String::new();
    calls(&mut text, seen);
    happenings(&mut text, seen.happened);
    counts(&mut text, seen.reconciled);
    let _ = writeln!(text, "\n{}", seen.hang_ups);
    text.push_str(&cancelled_table(&seen.reconciled.cancelled));
    at_rest(&mut text, &seen.before, &seen.after);
    let (server, engine) = memory(seen);
    for (name, trend) in [("server", server), ("engine", engine)] {
        let _ = writeln!(
            text,
            "memory of the {name}, last two thirds: mean {:.0} MiB, {:+.2} MiB a minute by a straight line ({:+.1} MiB); \
             last third less first: {:+.1} MiB",
            trend.mean, trend.per_minute, trend.gain, trend.last_less_first
        );
    }
    text.push('\n');
    let mut is_good = true;
    for judgement in judge(seen, server, engine) {
        is_good &= judgement.is_good;
        let word = if judgement.is_good { "ok  " } else { "BAD " };
        let _ = writeln!(text, "{word} {}", judgement.what);
    }
    (text, is_good)
}

fn calls(text: &mut String, seen: &Seen<'_>) {
    text.push_str("\n| calls | made | answered, by status | not as it should be |\n|---|--:|---|---|\n");
    for (kind, tally) in KINDS.iter().zip(seen.tallies) {
        let statuses: Vec<String> = tally
            .statuses
            .iter()
            .map(|(status, count)| format!("{status}: {count}"))
            .collect();
        let amiss: Vec<String> = tally
            .amiss
            .iter()
            .map(|(what, count)| format!("{what}: {count}"))
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            kind.name,
            tally.calls,
            statuses.join(", "),
            amiss.join(", ")
        );
    }
    let made: usize = seen.tallies.iter().map(|tally| tally.calls).sum();
    let seconds = seen.plan.load.as_secs_f64();
    let _ = writeln!(
        text,
        "\n{made} calls, {:.0} a second for {:.1} minutes, seed {}; {} held back because too many were under way; \
         exporters sent {} requests again and gave {} up",
        made as f64 / seconds,
        seconds / 60.0,
        seen.plan.seed,
        seen.held_back,
        seen.resent,
        seen.given_up
    );
}

fn happenings(text: &mut String, happened: &[Happening]) {
    text.push_str("\n| what happened | times | longest s | went wrong |\n|---|--:|--:|---|\n");
    for what in What::ALL {
        let of_kind: Vec<&Happening> = happened.iter().filter(|of| of.what == what).collect();
        let longest = of_kind.iter().map(|of| of.took.as_secs_f64()).fold(0.0, f64::max);
        let wrong: Vec<&str> = of_kind.iter().filter_map(|of| of.failure.as_deref()).collect();
        let _ = writeln!(
            text,
            "| {} | {} | {longest:.1} | {} |",
            what.name(),
            of_kind.len(),
            wrong.join("; ")
        );
    }
}

fn counts(text: &mut String, found: &Reconciled) {
    let (calls, attempts) = (&found.calls, &found.attempts);
    let _ = writeln!(
        text,
        "\n| | promised | stored | lost | twice |\n|---|--:|--:|--:|--:|\n\
         | calls, a server span each | {} | {} | {} | {} |\n\
         | attempts, a client span each | {} | {} | {} | {} |\n\
         | spans by OTLP | {} | {} | {} | {} |\n\
         | log records by OTLP | {} | {} | {} | {} |",
        calls.promised,
        calls.stored,
        calls.lost.count,
        calls.twice.count,
        attempts.seen,
        attempts.stored,
        attempts.lost.count,
        attempts.twice.count,
        found.spans.acknowledged,
        found.spans.stored,
        found.spans.lost.count,
        found.spans.twice.count,
        found.logs.acknowledged,
        found.logs.stored,
        found.logs.lost.count,
        found.logs.twice.count,
    );
    let _ = writeln!(
        text,
        "{} calls were refused before they were anybody's; of {} nobody can say. {} were answered from the cache, {} passed \
         an open circuit over.",
        calls.refused, calls.unknown, calls.hits, calls.passed_over
    );
    if !attempts.unseen.is_empty() {
        let _ = writeln!(
            text,
            "attempts that no provider saw, by error: {:?}",
            attempts.unseen
        );
    }
    for (name, found) in [
        ("lost", &calls.lost),
        ("twice", &calls.twice),
        ("not called for", &calls.uncalled),
        ("another status", &calls.other_status),
        ("attempts lost", &attempts.lost),
        ("attempts twice", &attempts.twice),
        ("attempts miscounted", &attempts.miscounted),
        ("spans lost", &found.spans.lost),
        ("spans twice", &found.spans.twice),
        ("log records lost", &found.logs.lost),
        ("log records twice", &found.logs.twice),
    ] {
        if found.count > 0 {
            let _ = writeln!(
                text,
                "{name}: {}, such as {}",
                found.count,
                found.examples.join("; ")
            );
        }
    }
}

fn at_rest(text: &mut String, before: &Sample, after: &Sample) {
    text.push_str("\n| at rest | before | after |\n|---|--:|--:|\n");
    let told = |sample: &Sample| sample.told.unwrap_or_default();
    let engine = |sample: &Sample| sample.engine.unwrap_or_default();
    let rows: [(&str, Value<'_>); 12] = [
        ("tasks", &|sample| told(sample).tasks),
        ("calls in progress", &|sample| told(sample).calls_in_flight),
        ("connections of callers", &|sample| {
            sample.server.sockets.callers as f64
        }),
        ("connections to providers", &|sample| {
            sample.server.sockets.providers as f64
        }),
        ("connections to the engine", &|sample| {
            sample.server.sockets.engine as f64
        }),
        ("closed by the other end only", &|sample| {
            sample.server.sockets.close_wait as f64
        }),
        ("other descriptors of the server", &|sample| {
            sample.server.files() as f64
        }),
        ("threads of the server", &|sample| sample.server.threads as f64),
        ("memory of the server, MiB", &|sample| sample.server.resident_mib),
        ("descriptors of the engine", &|sample| {
            engine(sample).descriptors as f64
        }),
        ("threads of the engine", &|sample| engine(sample).threads as f64),
        ("memory of the engine, MiB", &|sample| engine(sample).resident_mib),
    ];
    for (name, value) in rows {
        let _ = writeln!(text, "| {name} | {:.0} | {:.0} |", value(before), value(after));
    }
    text.push('\n');
}

fn memory(seen: &Seen<'_>) -> (Trend, Trend) {
    let load_s = seen.plan.load.as_secs_f64();
    let during = || seen.samples.iter().filter(|sample| sample.at_s <= load_s);
    let server: Vec<(f64, f64)> = during()
        .map(|sample| (sample.at_s, sample.server.resident_mib))
        .collect();
    let engine: Vec<(f64, f64)> = during()
        .filter_map(|sample| Some((sample.at_s, sample.engine?.resident_mib)))
        .collect();
    (trend::of(&server), trend::of(&engine))
}

/// Whether the server gave back what the load had made it take.
fn kept(before_mib: f64, after_mib: f64) -> Judgement {
    Judgement {
        what: format!("memory of the server at rest: {after_mib:.0} MiB, {before_mib:.0} before"),
        is_good: after_mib <= before_mib + SERVER_KEPT_MIB.max(before_mib * KEPT_PART),
    }
}

fn judge(seen: &Seen<'_>, server: Trend, engine: Trend) -> Vec<Judgement> {
    let (before, after) = (&seen.before, &seen.after);
    let told = |sample: &Sample| sample.told.unwrap_or_default();
    let (calls, attempts) = (&seen.reconciled.calls, &seen.reconciled.attempts);
    let none = |name: &str, founds: &[&Found]| {
        let count: usize = founds.iter().map(|found| found.count).sum();
        Judgement {
            what: format!("{name}: {count}"),
            is_good: count == 0,
        }
    };
    let exports = |exports: &Exports| exports.acknowledged > 0 && exports.stored >= exports.acknowledged;
    let sockets = &after.server.sockets;
    let is_long = seen.plan.load >= LOAD_TO_JUDGE_MEMORY;
    let flat = |name: &str, trend: Trend, allowed: f64| Judgement {
        what: if is_long {
            format!(
                "memory of the {name} is flat: {:+.1} MiB over the last two thirds",
                trend.gain
            )
        } else {
            format!("memory of the {name}: too short to say")
        },
        is_good: !is_long || trend.gain <= allowed.max(trend.mean * GROWTH_PART),
    };
    let wrong = seen.happened.iter().filter(|of| of.failure.is_some()).count();
    vec![
        none("calls without their span", &[&calls.lost]),
        none(
            "calls with more than one span, or one that nobody asked for",
            &[&calls.twice, &calls.uncalled],
        ),
        none(
            "attempts lost, there twice or miscounted",
            &[&attempts.lost, &attempts.twice, &attempts.miscounted],
        ),
        none(
            "requests by OTLP with rows lost or there twice",
            &[
                &seen.reconciled.spans.lost,
                &seen.reconciled.spans.twice,
                &seen.reconciled.logs.lost,
                &seen.reconciled.logs.twice,
            ],
        ),
        Judgement {
            what: format!(
                "every acknowledged span and log record is stored, and {} streams under way at the stop are among the calls",
                seen.stopped_amid
            ),
            is_good: exports(&seen.reconciled.spans)
                && exports(&seen.reconciled.logs)
                && calls.promised > 0
                && seen.stopped_amid > 0
                && seen.given_up == 0,
        },
        Judgement {
            what: format!("spans given up, by /metrics: {}", told(after).spans_lost),
            is_good: told(after).spans_lost < 0.5,
        },
        Judgement {
            what: format!("hang-ups that no provider noticed: {}", seen.unnoticed),
            is_good: seen.unnoticed == 0,
        },
        Judgement {
            what: format!("configuration changes, kills and absences that went wrong: {wrong}"),
            is_good: wrong == 0 && !seen.happened.is_empty(),
        },
        Judgement {
            what: format!(
                "connections left: {} of callers, {} to providers, {} half closed",
                sockets.callers, sockets.providers, sockets.close_wait
            ),
            is_good: sockets.callers <= before.server.sockets.callers
                && sockets.providers <= before.server.sockets.providers
                && sockets.close_wait == 0,
        },
        Judgement {
            what: format!("tasks left: {} of {}", told(after).tasks, told(before).tasks),
            is_good: after.told.is_some() && told(after).tasks <= told(before).tasks + TASKS_MORE,
        },
        Judgement {
            what: format!("calls in progress left: {}", told(after).calls_in_flight),
            is_good: told(after).calls_in_flight < 0.5,
        },
        Judgement {
            what: format!(
                "other descriptors left: {} of {}",
                after.server.files(),
                before.server.files()
            ),
            is_good: after.server.files() <= before.server.files() + FILES_MORE,
        },
        kept(before.server.resident_mib, after.server.resident_mib),
        flat("server", server, SERVER_GROWTH_MIB),
        flat("engine", engine, ENGINE_GROWTH_MIB),
    ]
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn a_server_that_keeps_what_an_overload_took_does_not_pass() {
        assert!(!kept(260.0, 603.0).is_good);
        assert!(!kept(68.0, 133.0).is_good);
        assert!(kept(203.0, 229.0).is_good);
        assert!(kept(400.0, 500.0).is_good);
    }
}
