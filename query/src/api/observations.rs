//! The observations of a trace.

use std::collections::HashMap;

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Pagination, Path, ProjectMember, Query, permission};
use brokle_model::id::{ProjectId, SpanId, TraceId};
use serde::Deserialize;
use utoipa::IntoParams;

use super::refused;
use crate::plan::{self, Cursor, ObservationList, PlanError};
use crate::shape::observation::Observation;

/// What a list of observations may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ObservationParameters {
    /// Whose trace.
    #[param(value_type = String)]
    #[expect(dead_code, reason = "read by the extractor that checks the membership")]
    project_id: ProjectId,
    /// Observations on the page: 1 to 10000, 1000 by default. A page of very large ones may be shorter.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists a trace's observations, oldest first.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces/{trace_id}/observations", tag = "traces",
    operation_id = "listObservations",
    params(("trace_id" = String, Path, description = "32 hex digits."), ObservationParameters),
    security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<Observation>>), Failures),
)]
pub(super) async fn list_observations(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Path(trace): Path<TraceId>,
    Query(parameters): Query<ObservationParameters>,
) -> ApiResult<Envelope<Vec<Observation>>> {
    let list = list_plan(member.project, trace, &parameters).map_err(refused)?;
    let page = query
        .reads
        .list_observations(&list, None)
        .await
        .map_err(refused)?
        .page;
    let mut observations: Vec<Observation> = page.items.into_iter().map(Observation::from).collect();
    query
        .reads
        .complete_messages(member.project, trace, &mut observations)
        .await
        .map_err(refused)?;
    let scores = query
        .reads
        .scores_of(member.project, trace)
        .await
        .map_err(refused)?;
    let mut by_id: HashMap<SpanId, &mut Observation> = observations
        .iter_mut()
        .map(|observation| (observation.observation_id, observation))
        .collect();
    for score in scores {
        if let Some(scored) = score.observation_id.and_then(|id| by_id.get_mut(&id)) {
            scored.scores.push(score);
        }
    }
    Ok(Envelope::page(
        observations,
        Pagination::new(page.next.map(Cursor::encode)),
    ))
}

fn list_plan(
    project: ProjectId,
    trace: TraceId,
    parameters: &ObservationParameters,
) -> Result<ObservationList, PlanError> {
    Ok(ObservationList {
        project,
        trace,
        cursor: parameters.cursor.as_deref().map(Cursor::decode).transpose()?,
        limit: plan::limit(
            parameters.limit,
            plan::OBSERVATIONS_DEFAULT,
            plan::OBSERVATIONS_MAX,
        )?,
    })
}
