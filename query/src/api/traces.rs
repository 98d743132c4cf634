//! Traces: the list, its chart and facets, one by its id.

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Pagination, Path, ProjectMember, Query, permission};
use brokle_model::id::{ProjectId, TraceId};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::range::RangeParameters;
use super::refused;
use crate::filter::Filter;
use crate::plan::{self, Cursor, PlanError, TraceList};
use crate::shape::charts::{Facets, Histogram};
use crate::shape::trace::Trace;

/// What a list of traces may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParameters {
    /// Traces on the page: 1 to 200, 50 by default.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// A filter such as `status:error model:gpt-4o* duration:>1.5s refund`.
    filter: Option<String>,
}

/// What a chart of traces may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ChartParameters {
    /// A filter such as `status:error model:gpt-4o* duration:>1.5s refund`.
    filter: Option<String>,
}

/// Lists a project's traces, newest first.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces", tag = "traces", operation_id = "listTraces",
    params(RangeParameters, ListParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<Trace>>), Failures),
)]
pub(super) async fn list_traces(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<ListParameters>,
) -> ApiResult<Envelope<Vec<Trace>>> {
    let list = list_plan(member.project, &range, &parameters, query.reads.now()).map_err(refused)?;
    let page = query.reads.list_traces(&list).await.map_err(refused)?;
    Ok(Envelope::page(
        page.items,
        Pagination::new(page.next.map(Cursor::encode)),
    ))
}

fn list_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: &ListParameters,
    now: DateTime<Utc>,
) -> Result<TraceList, PlanError> {
    Ok(TraceList {
        project,
        range: range.reaching_ahead(now)?,
        filter: filter(parameters.filter.as_deref())?,
        cursor: parameters.cursor.as_deref().map(Cursor::decode).transpose()?,
        limit: plan::limit(parameters.limit, plan::TRACES_DEFAULT, plan::TRACES_MAX)?,
    })
}

fn filter(text: Option<&str>) -> Result<Filter, PlanError> {
    Ok(Filter::parse(text.unwrap_or_default())?)
}

/// Counts a project's traces over time.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces/histogram", tag = "traces", operation_id = "traceHistogram",
    params(RangeParameters, ChartParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Histogram>), Failures),
)]
pub(super) async fn trace_histogram(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<ChartParameters>,
) -> ApiResult<Envelope<Histogram>> {
    let range = range.resolve(query.reads.now()).map_err(refused)?;
    let filter = filter(parameters.filter.as_deref()).map_err(refused)?;
    let plan = plan::Histogram::new(member.project, range, filter);
    Ok(Envelope::new(
        query.reads.histogram(&plan).await.map_err(refused)?,
    ))
}

/// Lists the values worth filtering by.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces/facets", tag = "traces", operation_id = "traceFacets",
    params(RangeParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Facets>), Failures),
)]
pub(super) async fn trace_facets(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
) -> ApiResult<Envelope<Facets>> {
    let range = range.resolve(query.reads.now()).map_err(refused)?;
    Ok(Envelope::new(
        query.reads.facets(member.project, range).await.map_err(refused)?,
    ))
}

/// Gets one trace.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces/{trace_id}", tag = "traces", operation_id = "getTrace",
    params(
        ("trace_id" = String, Path, description = "32 hex digits."),
        ("project_id" = String, Query, description = "Whose trace."),
    ),
    security(("session" = [])),
    responses((status = 200, body = Envelope<Trace>), Failures),
)]
pub(super) async fn get_trace(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Path(trace): Path<TraceId>,
) -> ApiResult<Envelope<Trace>> {
    Ok(Envelope::new(
        query
            .reads
            .get_trace(member.project, trace)
            .await
            .map_err(refused)?,
    ))
}
