//! Metrics and their data points. The item that is counted, and refused alone, is the point; what hangs on a
//! metric that cannot be stored goes with it.

use super::super::fault::Fault;
use super::super::metric::MetricKind;
use super::super::validate::Limits;
use super::super::wire::{Field, Fields, PackedVarints, Value, WireError};
use super::log_record::moment;
use super::{Checked, assign, key_value, text};

/// Checks a `Metric` message, except for its points.
pub(in crate::otlp) fn metric_envelope(message: &[u8]) -> Checked {
    let mut name: &[u8] = &[];
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => {
                name = field.bytes()?;
                text(name)
            }
            2 | 3 => text(field.bytes()?),
            12 => key_value(field.bytes()?, 0)?,
            number => match MetricKind::of_field(number) {
                Some(kind) => data(kind, field.bytes()?)?,
                None => None,
            },
        };
        fault = fault.or(found);
    }
    Ok(if name.is_empty() {
        Some(Fault::MetricName)
    } else {
        fault
    })
}

/// What a metric's data say of all points together.
fn data(kind: MetricKind, message: &[u8]) -> Checked {
    for field in Fields::new(message) {
        let field = field?;
        let is_number = match kind {
            MetricKind::Sum => matches!(field.number, 2 | 3),
            MetricKind::Histogram | MetricKind::ExponentialHistogram => field.number == 2,
            MetricKind::Gauge | MetricKind::Summary => false,
        };
        if is_number {
            field.varint()?;
        }
    }
    Ok(None)
}

/// Checks one data point of a metric of `kind`.
pub(in crate::otlp) fn point(kind: MetricKind, message: &[u8], limits: Limits) -> Checked {
    let mut time = 0;
    let mut buckets = Buckets::default();
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            2 => field.fixed64().map(|_| None)?,
            3 => assign(&mut time, field.fixed64()?),
            _ => match kind {
                MetricKind::Gauge | MetricKind::Sum => number_field(field)?,
                MetricKind::Histogram => histogram_field(field, &mut buckets)?,
                MetricKind::ExponentialHistogram => exponential_field(field)?,
                MetricKind::Summary => summary_field(field)?,
            },
        };
        fault = fault.or(found);
    }
    if time == 0 {
        return Ok(Some(Fault::TimeMissing));
    }
    Ok(moment(time, limits).or(fault).or_else(|| buckets.fault()))
}

/// How many of each a histogram has.
#[derive(Default)]
struct Buckets {
    counts: usize,
    bounds: usize,
}

impl Buckets {
    fn fault(&self) -> Option<Fault> {
        let fits = match self.counts {
            0 => self.bounds == 0,
            counts => counts == self.bounds + 1,
        };
        (!fits).then_some(Fault::Buckets)
    }
}

fn number_field(field: Field<'_>) -> Checked {
    match field.number {
        4 | 6 => field.fixed64().map(|_| None),
        5 => exemplar(field.bytes()?),
        7 => key_value(field.bytes()?, 0),
        8 => field.varint().map(|_| None),
        _ => Ok(None),
    }
}

fn histogram_field(field: Field<'_>, buckets: &mut Buckets) -> Checked {
    match field.number {
        4 | 5 | 11 | 12 => field.fixed64().map(|_| None),
        6 => fixed64s(field, &mut buckets.counts),
        7 => fixed64s(field, &mut buckets.bounds),
        8 => exemplar(field.bytes()?),
        9 => key_value(field.bytes()?, 0),
        10 => field.varint().map(|_| None),
        _ => Ok(None),
    }
}

fn exponential_field(field: Field<'_>) -> Checked {
    match field.number {
        1 => key_value(field.bytes()?, 0),
        4 | 5 | 7 | 12..=14 => field.fixed64().map(|_| None),
        6 | 10 => field.varint().map(|_| None),
        8 | 9 => exponential_buckets(field.bytes()?),
        11 => exemplar(field.bytes()?),
        _ => Ok(None),
    }
}

fn summary_field(field: Field<'_>) -> Checked {
    match field.number {
        4 | 5 => field.fixed64().map(|_| None),
        6 => quantile(field.bytes()?),
        7 => key_value(field.bytes()?, 0),
        8 => field.varint().map(|_| None),
        _ => Ok(None),
    }
}

fn quantile(message: &[u8]) -> Checked {
    for field in Fields::new(message) {
        let field = field?;
        if matches!(field.number, 1 | 2) {
            field.fixed64()?;
        }
    }
    Ok(None)
}

fn exponential_buckets(message: &[u8]) -> Checked {
    for field in Fields::new(message) {
        let field = field?;
        match (field.number, field.value) {
            (2, Value::Bytes(packed)) => {
                for value in PackedVarints::new(packed) {
                    value?;
                }
            }
            (1 | 2, _) => drop(field.varint()?),
            _ => {}
        }
    }
    Ok(None)
}

/// Counts the elements of a repeated `fixed64` or `double`, packed or not.
fn fixed64s(field: Field<'_>, count: &mut usize) -> Checked {
    match field.value {
        Value::Fixed64(_) => *count += 1,
        Value::Bytes(packed) if packed.len().is_multiple_of(8) => *count += packed.len() / 8,
        Value::Bytes(_) => return Err(WireError::Truncated),
        _ => return Err(WireError::Mismatch),
    }
    Ok(None)
}

fn exemplar(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            2 | 3 | 6 => field.fixed64().map(|_| None)?,
            4 | 5 => field.bytes().map(|_| None)?,
            7 => key_value(field.bytes()?, 0)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}
