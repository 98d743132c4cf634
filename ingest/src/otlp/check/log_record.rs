//! Log records. Nothing about their ids is a fault: OTLP has receivers take a record whose ids are none for one
//! without them.

use super::super::fault::Fault;
use super::super::validate::Limits;
use super::super::wire::Fields;
use super::{Checked, LATEST_UNIX_NANO, any_value, assign, key_value, text};

/// Checks a `LogRecord` message.
pub(in crate::otlp) fn log_record(message: &[u8], limits: Limits) -> Checked {
    let (mut time, mut observed) = (0, 0);
    let mut fault = None;
    for field in Fields::new(message) {
        let field = field?;
        let found = match field.number {
            1 => assign(&mut time, field.fixed64()?),
            2 | 7 => field.varint().map(|_| None)?,
            3 | 12 => text(field.bytes()?),
            5 => any_value(field.bytes()?, 0)?,
            6 => key_value(field.bytes()?, 0)?,
            8 => field.fixed32().map(|_| None)?,
            9 | 10 => field.bytes().map(|_| None)?,
            11 => assign(&mut observed, field.fixed64()?),
            _ => None,
        };
        fault = fault.or(found);
    }
    // A record that knows neither of its times belongs to the moment in which it arrives.
    let time = if time == 0 { observed } else { time };
    Ok(moment(time, limits).or(fault))
}

/// Whether an item's time can be stored; zero stands for an unknown one.
pub(super) fn moment(time: u64, limits: Limits) -> Option<Fault> {
    if time == 0 {
        return None;
    }
    if time > LATEST_UNIX_NANO {
        return Some(Fault::TimeOutOfRange);
    }
    if time < limits.earliest_unix_nano {
        return Some(Fault::TimeExpired);
    }
    (time > limits.latest_unix_nano).then_some(Fault::TimeInFuture)
}
