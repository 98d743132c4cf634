//! A page of traces.
//!
//! A trace stands in the list where its earliest entry does. Entry rows come from storage newest first; some
//! of them are resent copies, or later entries of a trace that stands further down. The summaries of their
//! traces tell which, and the search goes on until the page is full. Each round moves the cursor on, so when
//! the rounds are used up a short page with a cursor is as good an answer.
//!
//! A search goes through slices of time, newest first: rows that are read in order come from every part of the range,
//! and a page is mostly found in the last day. A filter that cannot be answered so has shorter slices. What is
//! frequent is found in the first one by reading its entries. What is not is asked by one term of the
//! filter in each further slice: that says which traces there are, and only where those lie are entries read.

use std::collections::{HashMap, HashSet};

use brokle_model::id::{ProjectId, SpanId, TraceId};
use chrono::{DateTime, Duration, Utc};

use super::{Page, ReadError, Reads};
use crate::filter::Filter;
use crate::plan::{Cursor, FIRST_SLICE, FIRST_SLICE_IN_ORDER, TimeRange, TraceList, to_nanos};
use crate::shape::keys;
use crate::shape::trace::{Summary, Trace, summaries};
use crate::sql::{self, Candidates, Found};

/// Searches for one page.
const ROUNDS_MAX: usize = 16;
/// Up to this many traces in a slice are rare enough to be looked for one by one.
const FOUND_MAX: usize = 256;
/// After this long no further round is begun.
const SEARCH_SECONDS_MAX: i64 = 10;

/// A page in the making.
struct Search<'a> {
    list: &'a TraceList,
    found: Vec<Summary>,
    seen: HashSet<TraceId>,
    elsewhere: HashMap<TraceId, Summary>,
    cursor: Option<Cursor>,
    rounds: usize,
    deadline: DateTime<Utc>,
}

/// How the search of a stretch of time ended.
enum Outcome {
    /// There is nothing more in it.
    Exhausted,
    /// The page is full, or the rounds are used up.
    Stopped,
}

impl Reads {
    /// One page of a project's traces.
    pub(crate) async fn list_traces(&self, list: &TraceList) -> Result<Page<Trace>, ReadError> {
        let mut search = Search {
            list,
            found: Vec::new(),
            seen: HashSet::new(),
            elsewhere: HashMap::new(),
            cursor: list.cursor,
            rounds: 0,
            deadline: self.now() + Duration::seconds(SEARCH_SECONDS_MAX),
        };
        let outcome = if Candidates::is_about_entries(&list.filter) {
            self.search_slices(&mut search, FIRST_SLICE_IN_ORDER).await
        } else {
            Err(ReadError::TooExpensive)
        };
        let outcome = match outcome {
            // What is too much to read at once is read piece by piece.
            Err(ReadError::TooExpensive) => self.search_slices(&mut search, FIRST_SLICE).await?,
            other => other?,
        };
        Ok(search.into_page(&outcome))
    }

    async fn search_slices(&self, search: &mut Search<'_>, first: Duration) -> Result<Outcome, ReadError> {
        // The cursor's own instant may hold further traces, so it stays inside the first slice.
        let end = search
            .cursor
            .map(|cursor| DateTime::from_timestamp_nanos(cursor.start_ns.saturating_add(1)));
        for (index, slice) in search.list.range.slices(end, first).into_iter().enumerate() {
            if index > 0 && search.is_spent(self.now()) {
                return Ok(Outcome::Stopped);
            }
            let found = if index == 0 {
                None
            } else {
                self.find(search.list, slice).await?
            };
            let is_empty = found.as_ref().is_some_and(|found| found.traces.is_empty());
            if !is_empty && let Outcome::Stopped = self.search(search, slice, found.as_ref()).await? {
                return Ok(Outcome::Stopped);
            }
            search.cursor = Some(Cursor::before(to_nanos(slice.from)));
        }
        Ok(Outcome::Exhausted)
    }

    /// The traces that the filter leaves in a slice, unless they are many, or nothing can say so cheaply.
    async fn find(&self, list: &TraceList, slice: TimeRange) -> Result<Option<Found>, ReadError> {
        let query = sql::leading_traces(list.project, slice, &list.filter, FOUND_MAX + 1);
        let Some((term, query)) = query else {
            return Ok(None);
        };
        let traces = match self.run(query).await {
            Err(ReadError::TooExpensive) => return Ok(None),
            other => keys::traces(&other?)?,
        };
        if traces.len() > FOUND_MAX {
            return Ok(None);
        }
        let windows = if traces.is_empty() {
            Vec::new()
        } else {
            keys::trace_windows(&self.run(sql::trace_ranges(list.project, &traces)).await?)?
        };
        Ok(Some(Found {
            term,
            traces,
            windows: sql::merge(windows),
        }))
    }

    async fn search(
        &self,
        search: &mut Search<'_>,
        range: TimeRange,
        found: Option<&Found>,
    ) -> Result<Outcome, ReadError> {
        let list = search.list;
        let rows = list.limit + list.limit / 4 + 8;
        while search.found.len() <= list.limit {
            if search.rounds > 0 && search.is_spent(self.now()) {
                return Ok(Outcome::Stopped);
            }
            search.rounds += 1;
            let request = Candidates {
                project: list.project,
                range,
                filter: &list.filter,
                cursor: search.cursor,
                rows,
                found,
            };
            let places = keys::candidates(&self.run(sql::candidates(&request)).await?)?;
            let is_last = places.len() < rows;
            search.cursor = places.last().copied().or(search.cursor);
            let traces = search.unseen(&places);
            let summaries = self.summarize(list.project, &traces, &list.filter).await?;
            search.keep(&places, summaries);
            if is_last {
                return Ok(if search.found.len() > list.limit {
                    Outcome::Stopped
                } else {
                    Outcome::Exhausted
                });
            }
        }
        Ok(Outcome::Stopped)
    }

    /// What a list says about each of the traces, in no order.
    pub(super) async fn summarize(
        &self,
        project: ProjectId,
        traces: &[TraceId],
        filter: &Filter,
    ) -> Result<Vec<Summary>, ReadError> {
        if traces.is_empty() {
            return Ok(Vec::new());
        }
        let ranges = self.run(sql::trace_ranges(project, traces)).await?;
        let windows = sql::merge(keys::trace_windows(&ranges)?);
        if windows.is_empty() {
            return Ok(Vec::new());
        }
        Ok(summaries(
            &self
                .run(sql::summaries(project, traces, &windows, filter))
                .await?,
        )?)
    }
}

impl Search<'_> {
    /// Whether a short page has to do.
    fn is_spent(&self, now: DateTime<Utc>) -> bool {
        self.rounds >= ROUNDS_MAX || now >= self.deadline
    }

    /// The traces of the places that have not been looked at before, each once.
    fn unseen(&mut self, places: &[Cursor]) -> Vec<TraceId> {
        places
            .iter()
            .map(|place| place.trace)
            .filter(|trace| self.seen.insert(*trace))
            .collect()
    }

    /// Keeps the traces that stand at one of `places`, in the order of those. The others may stand further
    /// down, where a later round comes by. The row of a trace begins with the entry, and either leads to it.
    fn keep(&mut self, places: &[Cursor], summaries: Vec<Summary>) {
        self.elsewhere.extend(
            summaries
                .into_iter()
                .map(|summary| (summary.place.trace, summary)),
        );
        for place in places {
            if self
                .elsewhere
                .get(&place.trace)
                .is_some_and(|summary| summary.place.start_ns == place.start_ns)
            {
                let summary = self.elsewhere.remove(&place.trace);
                self.found.extend(summary.filter(|summary| summary.is_match));
            }
        }
    }

    fn into_page(mut self, outcome: &Outcome) -> Page<Trace> {
        let is_overfull = self.found.len() > self.list.limit;
        self.found.truncate(self.list.limit);
        let next = match outcome {
            _ if is_overfull => self.found.last().map(|summary| summary.place),
            Outcome::Stopped => self.cursor,
            Outcome::Exhausted => None,
        };
        // Behind all rows of that trace which begin together.
        let next = next.map(|place| Cursor {
            span: SpanId::from_bytes([0; 8]),
            ..place
        });
        Page {
            items: self.found.into_iter().map(|summary| summary.trace).collect(),
            next,
        }
    }
}
