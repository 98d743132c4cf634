//! Pages of log records, limited in number and in size, and the messages that log records hold.

use std::collections::HashMap;

use brokle_model::conversation::Said;
use brokle_model::id::{ProjectId, SpanId, TraceId};
use chrono::{DateTime, Duration};

use super::{ReadError, Reads};
use crate::plan::{LogCursor, LogList, TimeRange, to_nanos};
use crate::shape::keys::trace_windows;
use crate::shape::log_record::{LogRow, SizedPlace, sized_places};
use crate::shape::messages::said_by_span;
use crate::shape::observation::Observation;
use crate::sql::{self, Window};

/// The text on a page, after which it ends even if more records were asked for.
const PAGE_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Places travel in the request's address, which has its limits.
const PLACES_PER_QUERY: usize = 500;

/// A page of log records, and where the next one begins.
pub(crate) struct LogPage {
    pub(crate) items: Vec<LogRow>,
    pub(crate) next: Option<LogCursor>,
}

impl Reads {
    /// One page of log records. Those of a trace are looked for only where the trace has any.
    pub(crate) async fn list_log_records(&self, list: &LogList) -> Result<LogPage, ReadError> {
        let nothing = LogPage {
            items: Vec::new(),
            next: None,
        };
        let mut list = list.clone();
        if let Some(trace) = list.filter.trace {
            let Some(range) = self.narrowed(list.project, trace, list.range).await? else {
                return Ok(nothing);
            };
            list.range = range;
        }
        let asked = list.limit + 1;
        let batches = self.run(sql::log_record_keys(&list, asked)).await?;
        let rows: usize = batches.iter().map(arrow_array::RecordBatch::num_rows).sum();
        let places = sized_places(&batches)?;
        let on_page = &places[..fitting(&places, list.limit)];
        let is_last = on_page.len() == places.len() && rows < asked;
        let next = if is_last {
            None
        } else {
            on_page.last().map(|sized| sized.place)
        };
        let mut items = Vec::with_capacity(on_page.len());
        for chunk in on_page.chunks(PLACES_PER_QUERY) {
            let places: Vec<LogCursor> = chunk.iter().map(|sized| sized.place).collect();
            items.extend(LogRow::read_all(
                &self.run(sql::log_record_rows(&list, &places)).await?,
            )?);
        }
        Ok(LogPage { items, next })
    }

    /// The part of `range` in which the trace has log records.
    async fn narrowed(
        &self,
        project: ProjectId,
        trace: TraceId,
        range: TimeRange,
    ) -> Result<Option<TimeRange>, ReadError> {
        let Some(window) = self.log_window(project, trace).await? else {
            return Ok(None);
        };
        let from = range.from.max(DateTime::from_timestamp_nanos(window.first_ns));
        let to = range
            .to
            .min(DateTime::from_timestamp_nanos(window.last_ns) + Duration::nanoseconds(1));
        Ok((to_nanos(from) < to_nanos(to)).then_some(TimeRange { from, to }))
    }

    async fn log_window(&self, project: ProjectId, trace: TraceId) -> Result<Option<Window>, ReadError> {
        let found = self.run(sql::log_trace_window(project, trace)).await?;
        Ok(trace_windows(&found)?.pop())
    }

    /// Gives observations the messages that their log records hold, where they hold none themselves.
    pub(crate) async fn complete_messages(
        &self,
        project: ProjectId,
        trace: TraceId,
        observations: &mut [Observation],
    ) -> Result<(), ReadError> {
        let spans: Vec<SpanId> = observations
            .iter()
            .filter(|observation| observation.input.is_none() || observation.output.is_none())
            .map(|observation| observation.observation_id)
            .collect();
        if spans.is_empty() {
            return Ok(());
        }
        let Some(window) = self.log_window(project, trace).await? else {
            return Ok(());
        };
        let mut said: HashMap<SpanId, Said> = HashMap::new();
        for chunk in spans.chunks(PLACES_PER_QUERY) {
            let found = self
                .run(sql::message_records(project, trace, window, chunk))
                .await?;
            said.extend(said_by_span(&found)?);
        }
        for observation in observations {
            if let Some(said) = said.remove(&observation.observation_id) {
                crate::shape::messages::complete(observation, said);
            }
        }
        Ok(())
    }
}

/// How many of the places go on one page: at least one, whatever its size.
fn fitting(places: &[SizedPlace], limit: usize) -> usize {
    let mut bytes = 0_u64;
    let fits = |sized: &&SizedPlace| {
        bytes = bytes.saturating_add(sized.bytes);
        bytes <= PAGE_BYTES_MAX
    };
    let count = places.iter().take(limit).take_while(fits).count();
    count.max(1).min(places.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_its_number_or_its_size_but_is_never_empty() {
        let places = |sizes: &[u64]| -> Vec<SizedPlace> {
            let place = LogCursor {
                time_ns: 0,
                request: 0,
                row: 0,
            };
            let sized = sizes.iter().map(|bytes| SizedPlace { place, bytes: *bytes });
            sized.collect()
        };
        assert_eq!(fitting(&places(&[1, 1, 1]), 2), 2);
        assert_eq!(fitting(&places(&[1, 1, 1]), 9), 3);
        assert_eq!(fitting(&places(&[PAGE_BYTES_MAX + 1, 1]), 9), 1);
        assert_eq!(fitting(&places(&[]), 9), 0);
    }
}
