//! One trace.

use brokle_model::id::{ProjectId, TraceId};

use super::{ReadError, Reads};
use crate::filter::Filter;
use crate::shape::keys;
use crate::shape::trace::{Trace, merged_metadata, summaries};
use crate::sql::{self, Window};

impl Reads {
    /// A trace by its id alone.
    pub(crate) async fn get_trace(&self, project: ProjectId, trace: TraceId) -> Result<Trace, ReadError> {
        let window = self.locate_trace(project, trace).await?;
        let filter = Filter::default();
        let (summary, metadata, mut scores) = futures_util::try_join!(
            self.run(sql::summaries(project, &[trace], &[window], &filter)),
            self.run(sql::trace_metadata(project, trace, window)),
            self.scores_of(project, trace),
        )?;
        scores.retain(|score| score.observation_id.is_none());
        let summary = summaries(&summary)?.pop().ok_or(ReadError::TraceNotFound)?;
        Ok(Trace {
            metadata: Some(merged_metadata(&metadata)?),
            scores: Some(scores),
            ..summary.trace
        })
    }

    /// When the trace's rows start: what turns a search of everything into a look at a few rows.
    pub(super) async fn locate_trace(&self, project: ProjectId, trace: TraceId) -> Result<Window, ReadError> {
        let ranges = self.run(sql::trace_ranges(project, &[trace])).await?;
        keys::trace_windows(&ranges)?
            .pop()
            .ok_or(ReadError::TraceNotFound)
    }
}
