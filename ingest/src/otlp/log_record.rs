//! A view of `LogRecord`. The rules of [`super::view`] apply.

use super::value::{AnyValueView, KeyValues};
use super::view::{Text, low_i32, low_u32};
use super::wire::{Fields, Value};

/// Message `LogRecord`: its scalars read once, its attributes walked on demand.
#[derive(Debug, Clone, Copy)]
pub struct LogRecordView<'a> {
    message: &'a [u8],
    /// When it happened, nanoseconds since 1970; zero when the sender does not know.
    pub time_unix_nano: u64,
    /// When it was seen by the collection system.
    pub observed_time_unix_nano: u64,
    /// `SeverityNumber`, 0 when not given.
    pub severity_number: i32,
    /// The severity in the source's own words.
    pub severity_text: Text<'a>,
    /// What was said; none when the field is absent, which is not the same as an empty value.
    pub body: Option<AnyValueView<'a>>,
    /// How many attributes the sender discarded.
    pub dropped_attributes_count: u32,
    /// W3C trace flags in the low eight bits.
    pub flags: u32,
    /// The trace it belongs to: 16 bytes that are not all zero, or empty.
    pub trace_id: &'a [u8],
    /// The span it belongs to: 8 bytes that are not all zero, or empty.
    pub span_id: &'a [u8],
    /// The kind of event, when it is one.
    pub event_name: Text<'a>,
}

impl<'a> LogRecordView<'a> {
    /// Reads one `LogRecord` message.
    pub fn new(message: &'a [u8]) -> Self {
        let mut view = Self {
            message,
            time_unix_nano: 0,
            observed_time_unix_nano: 0,
            severity_number: 0,
            severity_text: Text::default(),
            body: None,
            dropped_attributes_count: 0,
            flags: 0,
            trace_id: &[],
            span_id: &[],
            event_name: Text::default(),
        };
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (1, Value::Fixed64(time)) => view.time_unix_nano = time,
                (2, Value::Varint(number)) => view.severity_number = low_i32(number),
                (3, Value::Bytes(text)) => view.severity_text = Text(text),
                (5, Value::Bytes(value)) => view.merge_body(AnyValueView::new(value)),
                (7, Value::Varint(count)) => view.dropped_attributes_count = low_u32(count),
                (8, Value::Fixed32(flags)) => view.flags = flags,
                (9, Value::Bytes(id)) => view.trace_id = id,
                (10, Value::Bytes(id)) => view.span_id = id,
                (11, Value::Fixed64(time)) => view.observed_time_unix_nano = time,
                (12, Value::Bytes(name)) => view.event_name = Text(name),
                _ => {}
            }
        }
        view.trace_id = valid_id::<16>(view.trace_id);
        view.span_id = valid_id::<8>(view.span_id);
        view
    }

    /// An empty piece adds nothing to what an earlier piece said.
    fn merge_body(&mut self, value: AnyValueView<'a>) {
        if self.body.is_none() || value != AnyValueView::Empty {
            self.body = Some(value);
        }
    }

    /// The message as it came.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.message
    }

    /// The attributes.
    #[inline]
    pub fn attributes(&self) -> KeyValues<'a> {
        KeyValues::new(self.message, 6)
    }

    /// When it happened, as far as anybody knows: the event's own time, else when it was seen.
    pub const fn time_or_observed(&self) -> u64 {
        if self.time_unix_nano == 0 {
            self.observed_time_unix_nano
        } else {
            self.time_unix_nano
        }
    }
}

/// OTLP has receivers take a log record whose id is not one for a record without the id.
pub(super) fn valid_id<const N: usize>(id: &[u8]) -> &[u8] {
    if id.len() == N && id != [0; N] { id } else { &[] }
}
