//! Plans to SQL, by pure functions whose text is snapshot-tested. This is the one home of analytic SELECTs.
//!
//! The rules, which the tables were laid out for:
//! - the project is always a bound parameter and the first condition;
//! - no value is ever formatted into the text, only bound; what is formatted are our own words and counts;
//! - lists repeat the sort key's prefix in ORDER BY, so that reading stops when the page is full, and go on
//!   by keyset, never by OFFSET;
//! - FINAL is never used on them (only on the small table of roll-ups): a resent row is told apart by `LIMIT 1 BY` among the few rows of a page;
//! - lists and charts of traces read the narrow `observations_core`; only what one trace shows, and full text, reads
//!   `observations`.

mod calls;
mod charts;
mod condition;
mod events;
mod log_records;
mod metrics;
mod observations;
mod quality;
mod scores;
mod statement;
mod summaries;
#[cfg(test)]
mod tests;
mod traces;
pub(crate) mod usage;
mod windows;

pub(crate) use calls::{attempts, request, requests, routing};
pub(crate) use charts::{FACET_VALUES_MAX, FACETS, FacetName, histogram};
pub(crate) use condition::is_about_names;
pub(crate) use events::events;
pub(crate) use log_records::{log_record_keys, log_record_rows, log_trace_window, message_records};
pub(crate) use metrics::{LOOKBACK_MS, STATES_MAX, Stream, metric_names, metric_points, metric_states};
pub(crate) use observations::{observation_keys, observation_rows};
pub(crate) use quality::qualities;
pub(crate) use scores::scores;
pub(crate) use summaries::{summaries, trace_metadata};
pub(crate) use traces::{Candidates, Found, candidates, leading_traces, trace_ranges};
pub(crate) use windows::{Window, merge};
