//! What charts count, and where it is read: quarters of an hour that have been rolled up and not changed
//! since, and the observations themselves for all others. Both are the same figures, because the roll-up is
//! computed by the text that reads the observations ([`observed`]); which quarter is read from where is asked
//! first ([`stale`]), so that a chart is right at any moment, before, during and after a computation.
//!
//! An observation counts for the user, the session and the name of its trace, as long as the trace's other
//! observations lie within [`REACH_S`] of its quarter: what root spans and siblings say reaches all of them.
//! A trace counts where its earliest entry is, and a copy or an older version of an observation not at all.

mod attributes;
mod compute;
mod facets;
mod families;
mod measures;
mod observed;
mod read;
mod stale;

pub(crate) use attributes::{attribute_query, attributes, compute_attributes};
pub(crate) use compute::{compute, marked_projects, pending};
pub(crate) use facets::usage_facet;
pub(crate) use families::Family;
pub(crate) use measures::Measure;
pub(crate) use read::{UsageQuery, people, series, top};
pub(crate) use stale::{Stale, stale};

/// The width of what is rolled up.
pub(crate) const BUCKET_S: i64 = 900;
/// How far around its quarter an observation's trace is consulted.
pub(crate) const REACH_S: i64 = 3_600;

const NANOS: i64 = 1_000_000_000;
