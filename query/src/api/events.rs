//! Business and system events.

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Pagination, ProjectMember, Query, permission};
use brokle_model::id::{ProjectId, TraceId};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::calls::wanted;
use super::range::RangeParameters;
use super::refused;
use crate::plan::{self, EventList, IdCursor, PlanError};
use crate::shape::event::Event;

/// What a list of events may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct EventParameters {
    /// Only those of this name; `budget.*` for all names that begin so.
    name: Option<String>,
    /// Only those of this level: `DEBUG`, `DEFAULT`, `INFO`, `WARNING` or `ERROR`.
    level: Option<String>,
    /// Only those of this trace: 32 hex digits.
    #[param(value_type = Option<String>)]
    trace_id: Option<TraceId>,
    /// Only those of this session.
    session_id: Option<String>,
    /// Only those of this user.
    user_id: Option<String>,
    /// Only those of this environment.
    environment: Option<String>,
    /// Events on the page: 1 to 1000, 100 by default.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Lists a project's events, newest first: those that applications have sent, and what Brokle has to tell, such as
/// that a share of a budget is used.
#[utoipa::path(
    get, path = "/api/v1/analytics/events", tag = "events", operation_id = "listEvents",
    params(RangeParameters, EventParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<Event>>), Failures),
)]
pub(super) async fn list_events(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<EventParameters>,
) -> ApiResult<Envelope<Vec<Event>>> {
    let list = list_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?;
    let (events, next) = query.reads.list_events(&list).await.map_err(refused)?;
    let next = next.as_ref().map(IdCursor::encode);
    Ok(Envelope::page(events, Pagination::new(next)))
}

fn list_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: EventParameters,
    now: DateTime<Utc>,
) -> Result<EventList, PlanError> {
    Ok(EventList {
        project,
        range: range.reaching_ahead(now)?,
        name: parameters.name.filter(|name| !name.is_empty()),
        words: wanted([
            ("level", parameters.level.map(|level| level.to_ascii_uppercase())),
            ("session_id", parameters.session_id),
            ("user_id", parameters.user_id),
            ("environment", parameters.environment),
        ]),
        trace: parameters.trace_id,
        cursor: parameters.cursor.as_deref().map(IdCursor::decode).transpose()?,
        limit: plan::limit(parameters.limit, plan::EVENTS_DEFAULT, plan::EVENTS_MAX)?,
    })
}
