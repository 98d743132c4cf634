//! One row of `observations` in full: what both the dashboard's observation and the OTLP export are made of.

use arrow_array::RecordBatch;
use brokle_model::id::{SpanId, TraceId};

use super::columns::Columns;
use super::origin::Origin;
use super::trace::usage;
use super::{ShapeError, Usage};

/// A span as stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct SpanRow {
    pub(crate) trace: TraceId,
    pub(crate) span: SpanId,
    pub(crate) parent: SpanId,
    pub(crate) start_ns: i64,
    pub(crate) end_ns: i64,
    pub(crate) name: String,
    pub(crate) kind: u8,
    pub(crate) status_code: u8,
    pub(crate) status_message: String,
    pub(crate) attributes: Attributes,
    pub(crate) origin: Origin,
    pub(crate) events: String,
    pub(crate) links: String,
    pub(crate) flags: u32,
    pub(crate) trace_state: String,
    pub(crate) dropped_attributes: u32,
    pub(crate) dropped_events: u32,
    pub(crate) dropped_links: u32,
    pub(crate) input: Moved,
    pub(crate) output: Moved,
    pub(crate) derived: Derived,
}

/// An item's attributes by type. `other` holds OTLP/JSON.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Attributes {
    pub(crate) string: Vec<(String, String)>,
    pub(crate) int: Vec<(String, i64)>,
    pub(crate) double: Vec<(String, f64)>,
    pub(crate) bool: Vec<(String, bool)>,
    pub(crate) other: Vec<(String, String)>,
}

/// An input or output, and the attribute that it was moved from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) text: String,
    pub(crate) source: String,
}

impl Moved {
    /// The attribute to give the text back to; a composed one (`+`) still has its attributes.
    pub(crate) fn attribute(&self) -> Option<&str> {
        (!self.source.is_empty() && !self.source.starts_with('+')).then_some(self.source.as_str())
    }
}

/// What normalisation made of the span.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Derived {
    pub(crate) kind: String,
    pub(crate) level: String,
    pub(crate) environment: String,
    pub(crate) service_name: String,
    pub(crate) provider: String,
    pub(crate) model_requested: String,
    pub(crate) model: String,
    pub(crate) usage: Usage,
    /// What the counts of `usage` hold besides; each is part of one of them.
    pub(crate) usage_details: Vec<(String, i64)>,
    pub(crate) cost_details: Vec<(String, String)>,
    pub(crate) total_cost: String,
    pub(crate) cost_source: String,
    pub(crate) time_to_first_token_us: u64,
    pub(crate) metadata: Vec<(String, String)>,
}

impl SpanRow {
    /// Reads all rows, in their order.
    pub(crate) fn read_all(batches: &[RecordBatch]) -> Result<Vec<Self>, ShapeError> {
        let mut rows = Vec::new();
        for batch in batches {
            let columns = Columns::of(batch);
            for row in 0..batch.num_rows() {
                rows.push(Self::read(&columns, row)?);
            }
        }
        Ok(rows)
    }

    fn read(columns: &Columns<'_>, row: usize) -> Result<Self, ShapeError> {
        let text = |name| Ok(columns.text(name)?.value(row).to_owned());
        let number = |name| columns.number(name)?.get_u32(row);
        let code = |name| columns.number(name)?.get_u8(row);
        Ok(Self {
            trace: columns.traces("trace_id")?.trace(row),
            span: columns.spans("span_id")?.span(row),
            parent: columns.spans("parent_span_id")?.span(row),
            start_ns: columns.nanos("start_time")?[row],
            end_ns: columns.nanos("end_time")?[row],
            name: text("name")?,
            kind: code("kind")?,
            status_code: code("status_code")?,
            status_message: text("status_message")?,
            attributes: Attributes::read(columns, row)?,
            origin: Origin::read(columns, row)?,
            events: text("events")?,
            links: text("links")?,
            flags: number("flags")?,
            trace_state: text("trace_state")?,
            dropped_attributes: number("dropped_attributes_count")?,
            dropped_events: number("dropped_events_count")?,
            dropped_links: number("dropped_links_count")?,
            input: Moved {
                text: text("input")?,
                source: text("input_source")?,
            },
            output: Moved {
                text: text("output")?,
                source: text("output_source")?,
            },
            derived: Derived::read(columns, row)?,
        })
    }
}

impl Attributes {
    pub(super) fn read(columns: &Columns<'_>, row: usize) -> Result<Self, ShapeError> {
        Ok(Self {
            string: columns.map("attributes_string")?.texts(row)?,
            int: columns.map("attributes_int")?.integers(row)?,
            double: columns.map("attributes_double")?.doubles(row)?,
            bool: columns.map("attributes_bool")?.flags(row)?,
            other: columns.map("attributes_other")?.texts(row)?,
        })
    }

    /// The text attribute `key`.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.string
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }
}

impl Derived {
    fn read(columns: &Columns<'_>, row: usize) -> Result<Self, ShapeError> {
        let text = |name| Ok(columns.text(name)?.value(row).to_owned());
        Ok(Self {
            kind: text("type")?,
            level: text("level")?,
            environment: text("environment")?,
            service_name: text("service_name")?,
            provider: text("provider")?,
            model_requested: text("model_requested")?,
            model: text("model")?,
            usage: usage(columns, row)?,
            usage_details: columns.map("usage_details")?.integers(row)?,
            cost_details: columns.map("cost_details")?.texts(row)?,
            total_cost: text("total_cost")?,
            cost_source: text("cost_source")?,
            time_to_first_token_us: columns.number("time_to_first_token_us")?.get(row)?,
            metadata: columns.map("metadata")?.texts(row)?,
        })
    }
}
