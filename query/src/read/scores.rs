//! Quality scores: pages of them, and those of one trace.

use brokle_model::id::{ProjectId, TraceId};

use super::{ReadError, Reads};
use crate::plan::{IdCursor, ScoreList};
use crate::shape::score::{PlacedScore, Score, scores};
use crate::sql;

/// Scores that are shown with a trace; all others are in the list.
const SCORES_OF_TRACE_MAX: usize = 1_000;

/// One page of scores.
pub(crate) struct ScorePage {
    pub(crate) items: Vec<Score>,
    pub(crate) next: Option<IdCursor>,
}

impl Reads {
    /// One page of a project's scores.
    pub(crate) async fn list_scores(&self, list: &ScoreList) -> Result<ScorePage, ReadError> {
        let mut found = scores(&self.run(sql::scores(list, list.limit + 1)).await?)?;
        let is_overfull = found.len() > list.limit;
        found.truncate(list.limit);
        let next = found.last().filter(|_| is_overfull).map(|last| IdCursor {
            start_ns: last.start_ns,
            id: last.score.score_id.clone(),
        });
        Ok(ScorePage {
            items: found.into_iter().map(|found| found.score).collect(),
            next,
        })
    }

    /// The scores of a trace and of its observations, newest first.
    pub(crate) async fn scores_of(
        &self,
        project: ProjectId,
        trace: TraceId,
    ) -> Result<Vec<Score>, ReadError> {
        let list = ScoreList {
            project,
            range: None,
            trace: Some(trace),
            observation: None,
            session: None,
            name: None,
            source: None,
            data_type: None,
            cursor: None,
            limit: SCORES_OF_TRACE_MAX,
        };
        let found = scores(&self.run(sql::scores(&list, list.limit)).await?)?;
        Ok(found.into_iter().map(|PlacedScore { score, .. }| score).collect())
    }
}
