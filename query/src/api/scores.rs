//! Quality scores.

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Pagination, ProjectMember, Query, permission};
use brokle_model::id::{ProjectId, SpanId, TraceId};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::range::RangeParameters;
use super::refused;
use crate::plan::{self, IdCursor, PlanError, ScoreList};
use crate::shape::score::Score;

/// What a list of scores may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ScoreParameters {
    /// Only those of this trace: 32 hex digits. Without `from` and `to`, of any time.
    #[param(value_type = Option<String>)]
    trace_id: Option<TraceId>,
    /// Only those of this observation: 16 hex digits.
    #[param(value_type = Option<String>)]
    observation_id: Option<SpanId>,
    /// Only those of this session.
    session_id: Option<String>,
    /// Only those of this name.
    name: Option<String>,
    /// Only those from there: `api`, `code`, `llm` or `human`.
    source: Option<String>,
    /// Only those of this type: `NUMERIC`, `BOOLEAN`, `CATEGORICAL` or `TEXT`.
    data_type: Option<String>,
    /// Scores on the page: 1 to 1000, 100 by default.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists a project's quality scores, newest first.
#[utoipa::path(
    get, path = "/api/v1/analytics/quality-scores", tag = "scores", operation_id = "listQualityScores",
    params(RangeParameters, ScoreParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<Score>>), Failures),
)]
pub(super) async fn list_scores(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<ScoreParameters>,
) -> ApiResult<Envelope<Vec<Score>>> {
    let list = list_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?;
    let page = query.reads.list_scores(&list).await.map_err(refused)?;
    let next = page.next.as_ref().map(IdCursor::encode);
    Ok(Envelope::page(page.items, Pagination::new(next)))
}

fn list_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: ScoreParameters,
    now: DateTime<Utc>,
) -> Result<ScoreList, PlanError> {
    let is_of_any_time = parameters.trace_id.is_some() && !range.is_given();
    let range = (!is_of_any_time).then(|| range.reaching_ahead(now)).transpose()?;
    Ok(ScoreList {
        project,
        range,
        trace: parameters.trace_id,
        observation: parameters.observation_id,
        session: parameters.session_id,
        name: parameters.name,
        source: parameters.source,
        data_type: parameters.data_type,
        cursor: parameters.cursor.as_deref().map(IdCursor::decode).transpose()?,
        limit: plan::limit(parameters.limit, plan::SCORES_DEFAULT, plan::SCORES_MAX)?,
    })
}
