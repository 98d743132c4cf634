//! The table, a line for each collector in each cell: medians of the rounds, and how many of them counted.

use super::cell::{Cell, Measured, median};
use super::collector::Kind;

/// The line above the lines.
pub fn head() -> String {
    format!(
        "{:<46}{:>11}{:>9}{:>9}{:>9}{:>6}{:>8}{:>9}{:>9}{:>12}{:>9}{:>8}",
        "cell / collector",
        "spans/s",
        "us/span",
        "engine",
        "s/M",
        "cpu",
        "RSS MiB",
        "p50 ms",
        "p99 ms",
        "arrived",
        "B/span",
        "rounds"
    )
}

/// A cell's own line.
pub fn cell(cell: &Cell) -> String {
    format!("{} ({} B a span)", cell.name, cell.template.bytes_per_span())
}

/// One collector's line. `failures` are the rounds that do not count, with their reasons.
pub fn line(kind: Kind, rounds: Vec<Measured>, failures: &[String]) -> String {
    let (counted, all) = (rounds.len(), rounds.len() + failures.len());
    let rounds_of = format!("{counted}/{all}");
    let Some(measured) = median(rounds) else {
        let why = failures.first().map_or("", String::as_str);
        return format!("  {:<44}does not count: {why}", kind.name());
    };
    let both = measured.collector_us + measured.engine_us;
    let engine = if measured.engine_us > 0.0 {
        format!("{:.2}", measured.engine_us)
    } else {
        "-".to_owned()
    };
    let arrived = match measured.arrived {
        Some(arrived) if arrived == measured.acknowledged => "all".to_owned(),
        Some(arrived) => format!("{arrived}/{}", measured.acknowledged),
        None => "not told".to_owned(),
    };
    format!(
        "  {:<44}{:>11.0}{:>9.2}{:>9}{:>9.2}{:>6.2}{:>8}{:>9.2}{:>9.2}{:>12}{:>9.0}{:>8}",
        kind.name(),
        measured.spans_per_second,
        measured.collector_us,
        engine,
        both,
        measured.collector_share,
        measured.resident_mib,
        measured.p50_ms,
        measured.p99_ms,
        arrived,
        measured.insert_bytes,
        rounds_of
    )
}

/// What the columns mean.
pub const LEGEND: &str = "\
spans/s: acknowledged, until the last of them had arrived. us/span: processor time of the collector, engine: of the
engine, merges included; s/M: seconds of both for a million spans. cpu: processors that the collector kept busy.
RSS: the most. p50, p99: acknowledgement; at a fixed rate counted from when the request was due. arrived: rows that
storage has, against spans acknowledged; of a format that does not say how many rows it has, the sink cannot tell.
B/span: bytes of the inserts. A round with a failed request, or with a span that did not arrive, does not count.";
