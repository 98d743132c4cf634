//! Whether one message of a request can be stored. Strict where the views are forgiving: a field of the wrong
//! wire type makes the request malformed (`Err`), while content that cannot be stored is a [`Fault`] of the item,
//! scope or resource that holds it (`Ok(Some(_))`).
//!
//! What all signals share is here, each signal's items are in a module of their own.

pub(super) mod log_record;
pub(super) mod metric;
pub(super) mod span;

use super::fault::Fault;
use super::validate::VALUE_DEPTH_MAX;
use super::wire::{Fields, WireError};

/// The last instant that telemetry storage can hold, in the year 2262.
const LATEST_UNIX_NANO: u64 = i64::MAX as u64;

type Checked = Result<Option<Fault>, WireError>;

/// Checks a `ResourceSpans` message or another signal's, except for the items.
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

/// Checks a `ScopeSpans` message or another signal's, except for the items.
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

#[inline]
fn assign<T>(place: &mut T, value: T) -> Option<Fault> {
    *place = value;
    None
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
        // What lies below is not looked at: the item goes as a whole.
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
