//! OTLP's requests as views on their bytes. A view is a few slices and numbers; nothing of the body is copied.
//!
//! The three signals wrap their items in the same way, under the same field numbers: a request holds groups by
//! resource, which hold groups by scope. So one set of views serves all of them, and only the items differ.
//!
//! The views expect a body that [`super::validate`] has passed, which is why they do not return errors: a
//! malformed message ends an iteration early, a field of the wrong wire type counts as absent, and text that
//! is not UTF-8 reads as empty. The rules are proto3's: unknown fields are skipped, the last occurrence of a
//! scalar wins, repeated fields may stand anywhere, and the parts of an embedded message that was written
//! in pieces are merged. (One corner is left out: an `AnyValue` whose *array or map* comes in several pieces
//! keeps the last. No encoder writes that.)

use super::value::KeyValues;
use super::wire::{Field, Fields, Repeated, Value};

/// Text of the body. Comparing and copying work on the bytes; [`Text::as_str`] checks UTF-8 once more.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Text<'a>(pub &'a [u8]);

impl<'a> Text<'a> {
    /// The bytes, UTF-8 in a validated body.
    #[inline]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text; empty if it is not UTF-8, which a validated body rules out.
    #[inline]
    pub fn as_str(self) -> &'a str {
        std::str::from_utf8(self.0).unwrap_or_default()
    }

    /// Whether there is none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Text<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&String::from_utf8_lossy(self.0), formatter)
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

/// Message `ExportTraceServiceRequest`, `ExportLogsServiceRequest` or `ExportMetricsServiceRequest`, or several of
/// them in a row: concatenated bodies are one valid body.
#[derive(Debug, Clone, Copy)]
pub struct ExportView<'a> {
    bytes: &'a [u8],
}

impl<'a> ExportView<'a> {
    /// Looks at `body`.
    #[inline]
    pub const fn new(body: &'a [u8]) -> Self {
        Self { bytes: body }
    }

    /// The items by resource.
    #[inline]
    pub fn resources(self) -> impl Iterator<Item = ResourceGroupView<'a>> + Clone {
        Repeated::new(self.bytes, 1).map(ResourceGroupView::new)
    }
}

/// Message `ResourceSpans`, `ResourceLogs` or `ResourceMetrics`.
#[derive(Debug, Clone, Copy)]
pub struct ResourceGroupView<'a> {
    bytes: &'a [u8],
}

impl<'a> ResourceGroupView<'a> {
    /// Looks at one message.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// What sent the items.
    #[inline]
    pub const fn resource(self) -> ResourceView<'a> {
        ResourceView {
            container: self.bytes,
        }
    }

    /// The items by instrumentation scope.
    #[inline]
    pub fn scopes(self) -> impl Iterator<Item = ScopeGroupView<'a>> + Clone {
        Repeated::new(self.bytes, 2).map(ScopeGroupView::new)
    }

    /// The schema of the resource's attributes.
    pub fn schema_url(self) -> Text<'a> {
        last_text(self.bytes, 3)
    }
}

/// Message `Resource`, which may come in pieces: the view is on the message that contains it.
#[derive(Debug, Clone, Copy)]
pub struct ResourceView<'a> {
    container: &'a [u8],
}

impl<'a> ResourceView<'a> {
    fn pieces(self) -> Repeated<'a> {
        Repeated::new(self.container, 1)
    }

    /// The attributes.
    #[inline]
    pub fn attributes(self) -> impl Iterator<Item = super::value::KeyValueView<'a>> + Clone {
        self.pieces().flat_map(|piece| KeyValues::new(piece, 1))
    }

    /// How many attributes the sender discarded.
    pub fn dropped_attributes_count(self) -> u32 {
        self.pieces()
            .filter_map(|piece| last_varint(piece, 2))
            .last()
            .map_or(0, low_u32)
    }

    /// Messages `EntityRef`, encoded as they came.
    pub fn entity_refs(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        self.pieces().flat_map(|piece| Repeated::new(piece, 3))
    }
}

/// Message `ScopeSpans`, `ScopeLogs` or `ScopeMetrics`.
#[derive(Debug, Clone, Copy)]
pub struct ScopeGroupView<'a> {
    bytes: &'a [u8],
}

impl<'a> ScopeGroupView<'a> {
    /// Looks at one message.
    #[inline]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// The library that made the items.
    #[inline]
    pub const fn scope(self) -> ScopeView<'a> {
        ScopeView {
            container: self.bytes,
        }
    }

    /// The items of a trace request.
    #[inline]
    pub fn spans(self) -> impl Iterator<Item = super::span::SpanView<'a>> + Clone {
        Repeated::new(self.bytes, 2).map(super::span::SpanView::new)
    }

    /// The items of a request of logs.
    #[inline]
    pub fn log_records(self) -> impl Iterator<Item = super::log_record::LogRecordView<'a>> + Clone {
        Repeated::new(self.bytes, 2).map(super::log_record::LogRecordView::new)
    }

    /// The items of a request of metrics.
    #[inline]
    pub fn metrics(self) -> impl Iterator<Item = super::metric::MetricView<'a>> + Clone {
        Repeated::new(self.bytes, 2).map(super::metric::MetricView::new)
    }

    /// The schema of the items.
    pub fn schema_url(self) -> Text<'a> {
        last_text(self.bytes, 3)
    }
}

/// Message `InstrumentationScope`, which may come in pieces: the view is on the message that contains it.
#[derive(Debug, Clone, Copy)]
pub struct ScopeView<'a> {
    container: &'a [u8],
}

impl<'a> ScopeView<'a> {
    fn pieces(self) -> Repeated<'a> {
        Repeated::new(self.container, 1)
    }

    /// The library's name.
    pub fn name(self) -> Text<'a> {
        self.pieces()
            .filter_map(|piece| last_bytes(piece, 1))
            .last()
            .map(Text)
            .unwrap_or_default()
    }

    /// The library's version.
    pub fn version(self) -> Text<'a> {
        self.pieces()
            .filter_map(|piece| last_bytes(piece, 2))
            .last()
            .map(Text)
            .unwrap_or_default()
    }

    /// The attributes.
    #[inline]
    pub fn attributes(self) -> impl Iterator<Item = super::value::KeyValueView<'a>> + Clone {
        self.pieces().flat_map(|piece| KeyValues::new(piece, 3))
    }

    /// How many attributes the sender discarded.
    pub fn dropped_attributes_count(self) -> u32 {
        self.pieces()
            .filter_map(|piece| last_varint(piece, 4))
            .last()
            .map_or(0, low_u32)
    }
}

/// A `uint32`, or an enum's bits: protobuf drops what does not fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "protobuf's rule for 32-bit fields"
)]
#[inline]
pub(super) const fn low_u32(value: u64) -> u32 {
    value as u32
}

/// An `int32` or an enum.
#[inline]
pub(super) const fn low_i32(value: u64) -> i32 {
    low_u32(value).cast_signed()
}

fn last_bytes(message: &[u8], number: u32) -> Option<&[u8]> {
    Repeated::new(message, number).last()
}

fn last_text(message: &[u8], number: u32) -> Text<'_> {
    last_bytes(message, number).map(Text).unwrap_or_default()
}

fn last_varint(message: &[u8], number: u32) -> Option<u64> {
    Fields::new(message)
        .map_while(Result::ok)
        .filter_map(|field| match field {
            Field {
                number: found,
                value: Value::Varint(value),
            } if found == number => Some(value),
            _ => None,
        })
        .last()
}
