//! The rows of traces, and the end of everything in a trace that was deleted.

use std::collections::BTreeSet;

use brokle_model::id::{ProjectId, SpanId, TraceId};

use super::{AssembleError, Assembler, steps};
use crate::changes::change::{Entity, Recorded, Verb};
use crate::changes::fold::{Folded, Place, fold};
use crate::changes::identity::root_of;
use crate::changes::render;
use crate::changes::rows::{ObservationRow, Rows};
use crate::changes::stored::{KEYS_PER_QUERY, ROWS_PER_QUERY, Stored, StoredRow, TracePlace};

impl Assembler {
    /// Writes the rows of those of the traces that something was said of.
    pub(super) async fn assemble_traces(
        &self,
        stored: Stored<'_>,
        keys: &[String],
    ) -> Result<(), AssembleError> {
        for chunk in keys.chunks(KEYS_PER_QUERY) {
            for step in steps(stored, Entity::Trace, chunk).await? {
                let ids: Vec<TraceId> = step.iter().filter_map(|key| key.parse().ok()).collect();
                let changes = stored.changes(Entity::Trace, &step).await?;
                let places = stored.places(&ids).await?;
                let mut rows = Rows::default();
                let mut ended = Vec::new();
                for (key, own) in &changes {
                    let (Ok(trace), Some(state)) = (key.parse::<TraceId>(), fold(own, [])) else {
                        continue;
                    };
                    let place = places.get(&trace).copied();
                    push_trace(&mut rows, stored.project, trace, place, &state);
                    if state.is_deleted {
                        ended.push((trace, place, deleted_ns(own)));
                    }
                }
                self.write(stored, rows).await?;
                for (trace, place, deleted_ns) in ended {
                    self.end_trace(stored, trace, place, deleted_ns).await?;
                }
            }
        }
        Ok(())
    }

    /// Ends what was created in a trace, and what was stored of it before it was deleted.
    async fn end_trace(
        &self,
        stored: Stored<'_>,
        trace: TraceId,
        place: Option<TracePlace>,
        deleted_ns: i64,
    ) -> Result<(), AssembleError> {
        for entity in [Entity::Observation, Entity::Score] {
            let mut after = String::new();
            loop {
                let keys = stored.created_in(entity, trace, &after).await?;
                self.assemble_entities(stored, entity, &keys).await?;
                match keys.last() {
                    Some(last) if keys.len() == KEYS_PER_QUERY => after.clone_from(last),
                    _ => break,
                }
            }
        }
        let Some(place) = place else { return Ok(()) };
        let version = u64::try_from(deleted_ns).unwrap_or(0);
        let mut after = (i64::MIN, SpanId::from_bytes([0; 8]));
        loop {
            let found = stored.rows_of(trace, place, version, after).await?;
            let mut rows = Rows::default();
            for row in &found {
                let place = Place {
                    start_ns: row.start_ns,
                    trace: Some(trace),
                };
                rows.end(row.span, place, version + 1, row.is_entry);
            }
            self.write(stored, rows).await?;
            match found.last() {
                Some(StoredRow { start_ns, span, .. }) if found.len() == ROWS_PER_QUERY => {
                    after = (*start_ns, *span);
                }
                _ => return Ok(()),
            }
        }
    }
}

/// The row of a trace, at the trace's earliest entry, or where it was created, or when it was first heard of.
fn push_trace(
    rows: &mut Rows,
    project: ProjectId,
    trace: TraceId,
    found: Option<TracePlace>,
    state: &Folded,
) {
    let span = root_of(project, trace);
    let own = state.place.map(|place| place.start_ns);
    let start_ns = found
        .and_then(|found| found.entry)
        .or(own)
        .unwrap_or(state.created_ns);
    let place = Place {
        start_ns,
        trace: Some(trace),
    };
    if state.is_deleted {
        let elsewhere = state.place.iter().chain(&state.left_places).copied();
        let places: BTreeSet<Place> = elsewhere.chain([place]).collect();
        for place in places {
            rows.end(span, place, state.version, false);
        }
        return;
    }
    // Between two rows over the same changes, the one that knows an entry stands.
    let knows_entry = found.is_some_and(|found| found.entry.is_some());
    rows.traces.push(ObservationRow {
        span,
        place,
        version: state.version + u64::from(knows_entry),
        is_entry: state.place.is_some(),
        received_ns: state.updated_ns,
        body: render::trace(span, place, state),
    });
}

/// When a trace was first deleted.
fn deleted_ns(records: &[Recorded]) -> i64 {
    let deletes = records.iter().filter(|record| record.change.verb == Verb::Delete);
    deletes.map(|record| record.received_ns).min().unwrap_or(0)
}
