//! Whether one message of a trace request can be stored. Strict where the views are forgiving: a field of
//! the wrong wire type makes the request malformed (`Err`), while content that cannot be stored is a
//! [`Fault`] of the span, scope or resource that holds it (`Ok(Some(_))`).

use super::validate::{Limits, VALUE_DEPTH_MAX};
use super::wire::{Fields, WireError};

/// The last instant that telemetry storage can hold, in the year 2262.
const LATEST_UNIX_NANO: u64 = i64::MAX as u64;

/// Why a span was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Trace id of the wrong length, or all zero.
    TraceId,
    /// Span id of the wrong length, or all zero.
    SpanId,
    /// A parent id that is neither absent nor eight bytes.
    ParentSpanId,
    /// No start time.
    StartMissing,
    /// A start beyond the receiver's tolerance for clocks that are ahead.
    StartInFuture,
    /// A start beyond the time that traces are kept.
    StartExpired,
    /// A time that storage cannot hold.
    TimeOutOfRange,
    /// Text that is not UTF-8.
    NotUtf8,
    /// Attribute values nested too deeply.
    TooDeep,
}

impl Fault {
    /// Every fault, in the order of its number.
    pub const ALL: [Self; 9] = [
        Self::TraceId,
        Self::SpanId,
        Self::ParentSpanId,
        Self::StartMissing,
        Self::StartInFuture,
        Self::StartExpired,
        Self::TimeOutOfRange,
        Self::NotUtf8,
        Self::TooDeep,
    ];

    /// A stable word, for metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TraceId => "trace_id",
            Self::SpanId => "span_id",
            Self::ParentSpanId => "parent_span_id",
            Self::StartMissing => "start_missing",
            Self::StartInFuture => "start_in_future",
            Self::StartExpired => "start_expired",
            Self::TimeOutOfRange => "time_out_of_range",
            Self::NotUtf8 => "not_utf8",
            Self::TooDeep => "too_deep",
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::TraceId => "trace_id is not 16 bytes or is all zero",
            Self::SpanId => "span_id is not 8 bytes or is all zero",
            Self::ParentSpanId => "parent_span_id is neither empty nor 8 bytes",
            Self::StartMissing => "start_time_unix_nano is missing",
            Self::StartInFuture => "start_time_unix_nano is too far in the future",
            Self::StartExpired => "start_time_unix_nano is older than traces are kept",
            Self::TimeOutOfRange => "a time is after the year 2262",
            Self::NotUtf8 => "a text is not UTF-8",
            Self::TooDeep => "an attribute value is nested too deeply",
        })
    }
}

type Checked = Result<Option<Fault>, WireError>;

/// Checks a `ResourceSpans` message, except for the spans.
pub(super) fn resource_envelope(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => resource(field.bytes()?)?,
            3 => text(field.bytes()?),
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}

fn resource(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => key_value(field.bytes()?, 0)?,
            2 => field.varint().map(|_| None)?,
            3 => entity_ref(field.bytes()?)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}

fn entity_ref(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        if matches!(field.number, 1..=4) {
            fault = fault.or(text(field.bytes()?));
        }
    }
    Ok(fault)
}

/// Checks a `ScopeSpans` message, except for the spans.
pub(super) fn scope_envelope(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => scope(field.bytes()?)?,
            3 => text(field.bytes()?),
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}

fn scope(message: &[u8]) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 | 2 => text(field.bytes()?),
            3 => key_value(field.bytes()?, 0)?,
            4 => field.varint().map(|_| None)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}

/// Checks a `Span` message.
pub(super) fn span(message: &[u8], limits: Limits) -> Checked {
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

#[inline]
fn assign<T>(place: &mut T, value: T) -> Option<Fault> {
    *place = value;
    None
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
    if start < limits.earliest_start_unix_nano {
        return Some(Fault::StartExpired);
    }
    (start > limits.latest_start_unix_nano).then_some(Fault::StartInFuture)
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

fn key_value(message: &[u8], depth: usize) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => text(field.bytes()?),
            2 => any_value(field.bytes()?, depth)?,
            // An index into the dictionary of the profiles signal, without a meaning here.
            3 => field.varint().map(|_| None)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}

fn any_value(message: &[u8], depth: usize) -> Checked {
    if depth > VALUE_DEPTH_MAX {
        // What lies below is not looked at: the span goes as a whole.
        return Ok(Some(Fault::TooDeep));
    }
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => text(field.bytes()?),
            2 | 3 => field.varint().map(|_| None)?,
            4 => field.fixed64().map(|_| None)?,
            5 => elements(field.bytes()?, depth + 1, any_value)?,
            6 => elements(field.bytes()?, depth + 1, key_value)?,
            7 => field.bytes().map(|_| None)?,
            // Another such index.
            8 => field.varint().map(|_| None)?,
            _ => None,
        };
        fault = fault.or(found);
    }
    Ok(fault)
}

/// Field 1 of an `ArrayValue` or a `KeyValueList`.
fn elements(message: &[u8], depth: usize, check: fn(&[u8], usize) -> Checked) -> Checked {
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        if field.number == 1 {
            fault = fault.or(check(field.bytes()?, depth)?);
        }
    }
    Ok(fault)
}

/// Most text is short and ASCII, which is quicker to tell than UTF-8 in general.
#[inline]
fn text(bytes: &[u8]) -> Option<Fault> {
    let is_text = is_short_ascii(bytes) || std::str::from_utf8(bytes).is_ok();
    (!is_text).then_some(Fault::NotUtf8)
}

#[inline]
fn is_short_ascii(bytes: &[u8]) -> bool {
    bytes.len() <= 32 && bytes.iter().fold(0, |seen, byte| seen | byte) < 0x80
}
