//! Lists of business and system events.

use brokle_model::id::{ProjectId, TraceId};

use super::calls::Wanted;
use super::{IdCursor, TimeRange};

/// Events on a page when the caller does not say.
pub const EVENTS_DEFAULT: usize = 100;
/// The most events on a page.
pub const EVENTS_MAX: usize = 1_000;

/// One page of a project's events, newest first.
#[derive(Debug, Clone)]
pub struct EventList {
    /// Whose.
    pub project: ProjectId,
    /// When they happened.
    pub range: TimeRange,
    /// Only those of this name, or, with `*` at its end, of names that begin so.
    pub name: Option<String>,
    /// Columns that must hold a word.
    pub words: Vec<Wanted>,
    /// Only those of this trace.
    pub trace: Option<TraceId>,
    /// Where the page before ended.
    pub cursor: Option<IdCursor>,
    /// Events on the page.
    pub limit: usize,
}
