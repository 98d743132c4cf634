//! Pages of a trace's observations, limited in number and in size.

use super::{Page, ReadError, Reads};
use crate::plan::ObservationList;
use crate::shape::SpanRow;
use crate::shape::keys::{self, SizedKey};
use crate::sql::{self, Window};

/// The text on a page, after which it ends even if more observations were asked for.
const PAGE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// A page of rows, and what finding it has taught about where the trace lies.
pub(crate) struct ObservationPage {
    pub(crate) page: Page<SpanRow>,
    pub(crate) window: Window,
}

impl Reads {
    /// One page of a trace's observations, oldest first. `window` is what an earlier page has learnt.
    pub(crate) async fn list_observations(
        &self,
        list: &ObservationList,
        window: Option<Window>,
    ) -> Result<ObservationPage, ReadError> {
        let window = match window {
            Some(window) => window,
            None => self.locate_trace(list.project, list.trace).await?,
        };
        let batches = self
            .run(sql::observation_keys(list, window, list.limit + 1))
            .await?;
        let keys = keys::sized_keys(list.trace, &batches)?;
        if keys.is_empty() && list.cursor.is_none() {
            // A trace may have been created before its first observation.
            self.get_trace(list.project, list.trace).await?;
        }
        let on_page = &keys[..fitting(&keys, list.limit)];
        let next = if on_page.len() < keys.len() {
            on_page.last().map(|key| key.place)
        } else {
            None
        };
        let items = self.observations_at(list, on_page).await?;
        Ok(ObservationPage {
            page: Page { items, next },
            window,
        })
    }

    async fn observations_at(
        &self,
        list: &ObservationList,
        keys: &[SizedKey],
    ) -> Result<Vec<SpanRow>, ReadError> {
        let (Some(oldest), Some(newest)) = (keys.first(), keys.last()) else {
            return Ok(Vec::new());
        };
        let window = Window {
            first_ns: oldest.place.start_ns,
            last_ns: newest.place.start_ns,
        };
        let mut rows = Vec::with_capacity(keys.len());
        // Ids travel in the request's address, which has its limits.
        for chunk in keys.chunks(IDS_PER_QUERY) {
            let spans: Vec<_> = chunk.iter().map(|key| key.place.span).collect();
            rows.extend(SpanRow::read_all(
                &self.run(sql::observation_rows(list, window, &spans)).await?,
            )?);
        }
        Ok(rows)
    }
}

const IDS_PER_QUERY: usize = 1_000;

/// How many of the keys go on one page: at least one, whatever its size.
fn fitting(keys: &[SizedKey], limit: usize) -> usize {
    let mut bytes = 0_u64;
    let fits = |key: &&SizedKey| {
        bytes = bytes.saturating_add(key.bytes);
        bytes <= PAGE_BYTES_MAX
    };
    let count = keys.iter().take(limit).take_while(fits).count();
    count.max(1).min(keys.len())
}

#[cfg(test)]
mod tests {
    use brokle_model::id::{SpanId, TraceId};

    use super::*;
    use crate::plan::Cursor;

    fn keys(sizes: &[u64]) -> Vec<SizedKey> {
        let place = Cursor {
            start_ns: 0,
            trace: TraceId::from_bytes([0; 16]),
            span: SpanId::from_bytes([0; 8]),
        };
        sizes
            .iter()
            .map(|bytes| SizedKey { place, bytes: *bytes })
            .collect()
    }

    #[test]
    fn a_page_ends_at_its_number_or_its_size_but_is_never_empty() {
        assert_eq!(fitting(&keys(&[1, 1, 1]), 2), 2);
        assert_eq!(fitting(&keys(&[1, 1, 1]), 9), 3);
        assert_eq!(fitting(&keys(&[PAGE_BYTES_MAX, 1]), 9), 1);
        assert_eq!(fitting(&keys(&[PAGE_BYTES_MAX + 1, 1]), 9), 1);
        assert_eq!(fitting(&keys(&[]), 9), 0);
    }
}
