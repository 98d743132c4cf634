//! Views of `Span`, its events, links and status. The rules of [`super::view`] apply.

use super::value::KeyValues;
use super::view::{Text, low_i32, low_u32};
use super::wire::{Field, Fields, Repeated, Value};

/// Message `Span`: its scalars read once, its repeated fields walked on demand, over the part of the message
/// where they stand.
#[derive(Debug, Clone, Copy)]
pub struct SpanView<'a> {
    message: &'a [u8],
    attributes: Region,
    events: Region,
    links: Region,
    /// The trace that the span belongs to; 16 bytes in a validated body.
    pub trace_id: &'a [u8],
    /// The span's own id; 8 bytes in a validated body.
    pub span_id: &'a [u8],
    /// The W3C `tracestate` header.
    pub trace_state: Text<'a>,
    /// The span above it; 8 bytes in a validated body, or none for a root.
    pub parent_span_id: &'a [u8],
    /// The operation.
    pub name: Text<'a>,
    /// `SpanKind` by number, 0 when not given.
    pub kind: i32,
    /// When it began, nanoseconds since 1970.
    pub start_time_unix_nano: u64,
    /// When it ended, nanoseconds since 1970.
    pub end_time_unix_nano: u64,
    /// How many attributes the sender discarded.
    pub dropped_attributes_count: u32,
    /// How many events the sender discarded.
    pub dropped_events_count: u32,
    /// How many links the sender discarded.
    pub dropped_links_count: u32,
    /// How it ended.
    pub status: StatusView<'a>,
    /// W3C trace flags, and OTLP's bits above them.
    pub flags: u32,
}

/// Message `Status`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StatusView<'a> {
    /// `StatusCode` by number: 0 unset, 1 ok, 2 error.
    pub code: i32,
    /// What went wrong.
    pub message: Text<'a>,
}

impl<'a> SpanView<'a> {
    /// Reads one `Span` message.
    pub fn new(message: &'a [u8]) -> Self {
        let mut view = Self::empty(message);
        let mut fields = Fields::new(message);
        loop {
            let start = message.len() - fields.remaining();
            let Some(Ok(field)) = fields.next() else {
                return view;
            };
            let end = message.len() - fields.remaining();
            match field.number {
                9 => view.attributes.include(start, end),
                11 => view.events.include(start, end),
                13 => view.links.include(start, end),
                _ => view.take(field),
            }
        }
    }

    const fn empty(message: &'a [u8]) -> Self {
        Self {
            message,
            attributes: Region::NONE,
            events: Region::NONE,
            links: Region::NONE,
            trace_id: &[],
            span_id: &[],
            trace_state: Text(&[]),
            parent_span_id: &[],
            name: Text(&[]),
            kind: 0,
            start_time_unix_nano: 0,
            end_time_unix_nano: 0,
            dropped_attributes_count: 0,
            dropped_events_count: 0,
            dropped_links_count: 0,
            status: StatusView {
                code: 0,
                message: Text(&[]),
            },
            flags: 0,
        }
    }

    #[inline]
    fn take(&mut self, field: Field<'a>) {
        match (field.number, field.value) {
            (1, Value::Bytes(id)) => self.trace_id = id,
            (2, Value::Bytes(id)) => self.span_id = id,
            (3, Value::Bytes(text)) => self.trace_state = Text(text),
            (4, Value::Bytes(id)) => self.parent_span_id = id,
            (5, Value::Bytes(text)) => self.name = Text(text),
            (6, Value::Varint(value)) => self.kind = low_i32(value),
            (7, Value::Fixed64(time)) => self.start_time_unix_nano = time,
            (8, Value::Fixed64(time)) => self.end_time_unix_nano = time,
            (10, Value::Varint(count)) => self.dropped_attributes_count = low_u32(count),
            (12, Value::Varint(count)) => self.dropped_events_count = low_u32(count),
            (14, Value::Varint(count)) => self.dropped_links_count = low_u32(count),
            (15, Value::Bytes(status)) => self.status.merge(status),
            (16, Value::Fixed32(flags)) => self.flags = flags,
            _ => {}
        }
    }

    /// The message as it came.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.message
    }

    /// The attributes.
    #[inline]
    pub fn attributes(&self) -> KeyValues<'a> {
        KeyValues::new(self.attributes.of(self.message), 9)
    }

    /// The events.
    #[inline]
    pub fn events(&self) -> impl Iterator<Item = EventView<'a>> + Clone + use<'a> {
        Repeated::new(self.events.of(self.message), 11).map(EventView::new)
    }

    /// The links.
    #[inline]
    pub fn links(&self) -> impl Iterator<Item = LinkView<'a>> + Clone + use<'a> {
        Repeated::new(self.links.of(self.message), 13).map(LinkView::new)
    }
}

impl<'a> StatusView<'a> {
    fn merge(&mut self, message: &'a [u8]) {
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (2, Value::Bytes(text)) => self.message = Text(text),
                (3, Value::Varint(code)) => self.code = low_i32(code),
                _ => {}
            }
        }
    }
}

/// Message `Span.Event`.
#[derive(Debug, Clone, Copy)]
pub struct EventView<'a> {
    message: &'a [u8],
    /// When it happened, nanoseconds since 1970.
    pub time_unix_nano: u64,
    /// What happened.
    pub name: Text<'a>,
    /// How many attributes the sender discarded.
    pub dropped_attributes_count: u32,
}

impl<'a> EventView<'a> {
    /// Reads one `Event` message.
    pub fn new(message: &'a [u8]) -> Self {
        let mut view = Self {
            message,
            time_unix_nano: 0,
            name: Text::default(),
            dropped_attributes_count: 0,
        };
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (1, Value::Fixed64(time)) => view.time_unix_nano = time,
                (2, Value::Bytes(name)) => view.name = Text(name),
                (4, Value::Varint(count)) => view.dropped_attributes_count = low_u32(count),
                _ => {}
            }
        }
        view
    }

    /// The attributes.
    #[inline]
    pub fn attributes(&self) -> KeyValues<'a> {
        KeyValues::new(self.message, 3)
    }
}

/// Message `Span.Link`.
#[derive(Debug, Clone, Copy)]
pub struct LinkView<'a> {
    message: &'a [u8],
    /// The linked span's trace, as it came: a link with an odd id costs its span nothing.
    pub trace_id: &'a [u8],
    /// The linked span, as it came.
    pub span_id: &'a [u8],
    /// The linked span's W3C `tracestate`.
    pub trace_state: Text<'a>,
    /// How many attributes the sender discarded.
    pub dropped_attributes_count: u32,
    /// The linked span's flags.
    pub flags: u32,
}

impl<'a> LinkView<'a> {
    /// Reads one `Link` message.
    pub fn new(message: &'a [u8]) -> Self {
        let mut view = Self {
            message,
            trace_id: &[],
            span_id: &[],
            trace_state: Text::default(),
            dropped_attributes_count: 0,
            flags: 0,
        };
        for field in Fields::new(message).map_while(Result::ok) {
            match (field.number, field.value) {
                (1, Value::Bytes(id)) => view.trace_id = id,
                (2, Value::Bytes(id)) => view.span_id = id,
                (3, Value::Bytes(text)) => view.trace_state = Text(text),
                (5, Value::Varint(count)) => view.dropped_attributes_count = low_u32(count),
                (6, Value::Fixed32(flags)) => view.flags = flags,
                _ => {}
            }
        }
        view
    }

    /// The attributes.
    #[inline]
    pub fn attributes(&self) -> KeyValues<'a> {
        KeyValues::new(self.message, 4)
    }
}

/// The part of a message from a field's first to its last occurrence.
#[derive(Debug, Clone, Copy)]
struct Region {
    start: usize,
    end: usize,
}

impl Region {
    const NONE: Self = Self { start: 0, end: 0 };

    #[inline]
    fn include(&mut self, start: usize, end: usize) {
        if self.end == 0 {
            self.start = start;
        }
        self.end = end;
    }

    #[inline]
    fn of(self, message: &[u8]) -> &[u8] {
        message.get(self.start..self.end).unwrap_or_default()
    }
}
