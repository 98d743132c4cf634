//! The narrow results between the steps of a read: entry rows of a list, where traces lie, which
//! observations make a page.

use arrow_array::RecordBatch;
use brokle_model::id::TraceId;

use super::ShapeError;
use super::columns::Columns;
use crate::plan::Cursor;
use crate::sql::Window;

/// Places in the list, in its order.
pub(crate) fn candidates(batches: &[RecordBatch]) -> Result<Vec<Cursor>, ShapeError> {
    let mut places = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        let (traces, spans) = (columns.traces("trace_id")?, columns.spans("span_id")?);
        let starts = columns.nanos("start_time")?;
        places.extend(starts.iter().enumerate().map(|(row, start_ns)| Cursor {
            start_ns: *start_ns,
            trace: traces.trace(row),
            span: spans.span(row),
        }));
    }
    Ok(places)
}

/// Traces, in no order.
pub(crate) fn traces(batches: &[RecordBatch]) -> Result<Vec<TraceId>, ShapeError> {
    let mut found = Vec::new();
    for batch in batches {
        let traces = Columns::of(batch).traces("trace_id")?;
        found.extend((0..batch.num_rows()).map(|row| traces.trace(row)));
    }
    Ok(found)
}

/// When each trace's rows start.
pub(crate) fn trace_windows(batches: &[RecordBatch]) -> Result<Vec<Window>, ShapeError> {
    let mut windows = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        let pairs = columns
            .nanos("first_start")?
            .iter()
            .zip(columns.nanos("last_start")?);
        windows.extend(pairs.map(|(first, last)| Window {
            first_ns: *first,
            last_ns: *last,
        }));
    }
    Ok(windows)
}

/// An observation's place in its trace, and how much text it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SizedKey {
    pub(crate) place: Cursor,
    pub(crate) bytes: u64,
}

/// The observations of a trace, in order.
pub(crate) fn sized_keys(trace: TraceId, batches: &[RecordBatch]) -> Result<Vec<SizedKey>, ShapeError> {
    let mut keys = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        let (spans, sizes) = (columns.spans("span_id")?, columns.number("size")?);
        for (row, start_ns) in columns.nanos("start_time")?.iter().enumerate() {
            let place = Cursor {
                start_ns: *start_ns,
                trace,
                span: spans.span(row),
            };
            keys.push(SizedKey {
                place,
                bytes: sizes.get(row)?,
            });
        }
    }
    Ok(keys)
}
