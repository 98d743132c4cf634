//! Conversations that came as log records, for observations whose own attributes hold none.

use std::collections::HashMap;

use arrow_array::RecordBatch;
use brokle_model::conversation::{Content, Said, from_log};
use brokle_model::id::SpanId;

use super::ShapeError;
use super::columns::Columns;
use super::log_record::Body;
use super::observation::{Observation, attributes};
use super::span_row::Attributes;

/// What each span's log records say, added up in their order.
pub(crate) fn said_by_span(batches: &[RecordBatch]) -> Result<HashMap<SpanId, Said>, ShapeError> {
    let mut spans: HashMap<SpanId, Said> = HashMap::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            let name = columns.text("event")?.value(row);
            let fields = attributes(Attributes::read(&columns, row)?);
            let said = from_log(name, &fields, &Body::read(&columns, row)?.plain());
            let sum = spans.entry(columns.spans("span_id")?.span(row)).or_default();
            sum.input.extend(said.input);
            sum.output.extend(said.output);
        }
    }
    Ok(spans)
}

/// Gives an observation what its log records say, where it says nothing itself.
pub(crate) fn complete(observation: &mut Observation, said: Said) {
    let sides = [
        (&mut observation.input, said.input),
        (&mut observation.output, said.output),
    ];
    for (own, messages) in sides {
        if own.is_none() && !messages.is_empty() {
            *own = Some(Content::Messages(messages));
        }
    }
}
