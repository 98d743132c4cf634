//! Spans.

use super::super::fault::Fault;
use super::super::validate::Limits;
use super::super::wire::Fields;
use super::{Checked, LATEST_UNIX_NANO, assign, key_value, text};

/// Checks a `Span` message.
pub(in crate::otlp) fn span(message: &[u8], limits: Limits) -> Checked {
    let (mut trace_id, mut span_id, mut parent): (&[u8], &[u8], &[u8]) = (&[], &[], &[]);
    let (mut start, mut end) = (0, 0);
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => assign(&mut trace_id, field.bytes()?),
            2 => assign(&mut span_id, field.bytes()?),
            3 | 5 => text(field.bytes()?),
            4 => assign(&mut parent, field.bytes()?),
            6 | 10 | 12 | 14 => field.varint().map(|_| None)?,
            7 => assign(&mut start, field.fixed64()?),
            8 => assign(&mut end, field.fixed64()?),
            9 => key_value(field.bytes()?, 0)?,
            11 => event(field.bytes()?)?,
            13 => link(field.bytes()?)?,
            15 => status(field.bytes()?)?,
            16 => field.fixed32().map(|_| None)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(identity(trace_id, span_id, parent)
        .or_else(|| times(start, end, limits))
        .or(fault))
}

fn identity(trace_id: &[u8], span_id: &[u8], parent: &[u8]) -> Option<Fault> {
    if trace_id.len() != 16 || trace_id == [0; 16] {
        return Some(Fault::TraceId);
    }
    if span_id.len() != 8 || span_id == [0; 8] {
        return Some(Fault::SpanId);
    }
    (!parent.is_empty() && parent.len() != 8).then_some(Fault::ParentSpanId)
}

/// An end before the start, or none at all, is what clocks and crashes produce: that is kept.
fn times(start: u64, end: u64, limits: Limits) -> Option<Fault> {
    if start == 0 {
        return Some(Fault::StartMissing);
    }
    if start > LATEST_UNIX_NANO || end > LATEST_UNIX_NANO {
        return Some(Fault::TimeOutOfRange);
    }
    if start < limits.earliest_unix_nano {
        return Some(Fault::StartExpired);
    }
    (start > limits.latest_unix_nano).then_some(Fault::StartInFuture)
}

fn event(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => (field.fixed64()? > LATEST_UNIX_NANO).then_some(Fault::TimeOutOfRange),
            2 => text(field.bytes()?),
            3 => key_value(field.bytes()?, 0)?,
            4 => field.varint().map(|_| None)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}

fn link(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 | 2 => field.bytes().map(|_| None)?,
            3 => text(field.bytes()?),
            4 => key_value(field.bytes()?, 0)?,
            5 => field.varint().map(|_| None)?,
            6 => field.fixed32().map(|_| None)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}

fn status(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            2 => text(field.bytes()?),
            3 => field.varint().map(|_| None)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}
