//! Traces: the list, its chart and facets, one by its id.

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Pagination, Path, ProjectMember, Query, permission};
use brokle_model::id::{ProjectId, TraceId};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::refused;
use crate::filter::Filter;
use crate::plan::{self, Cursor, PlanError, TimeRange, TraceList};
use crate::shape::charts::{Facets, Histogram};
use crate::shape::trace::Trace;

/// What a list of traces may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ListParameters {
    /// Whose traces.
    #[param(value_type = String)]
    #[expect(dead_code, reason = "read by the extractor that checks the membership")]
    project_id: ProjectId,
    /// The first instant of the range; a day before `to` by default.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<String>,
    /// The first instant after the range; now by default.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<String>,
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
    /// Whose traces.
    #[param(value_type = String)]
    #[expect(dead_code, reason = "read by the extractor that checks the membership")]
    project_id: ProjectId,
    /// The first instant of the range; a day before `to` by default.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<String>,
    /// The first instant after the range; now by default.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<String>,
    /// A filter such as `status:error model:gpt-4o* duration:>1.5s refund`.
    filter: Option<String>,
}

/// Whose facets, and of which time.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RangeParameters {
    /// Whose traces.
    #[param(value_type = String)]
    #[expect(dead_code, reason = "read by the extractor that checks the membership")]
    project_id: ProjectId,
    /// The first instant of the range; a day before `to` by default.
    #[param(value_type = Option<DateTime<Utc>>)]
    from: Option<String>,
    /// The first instant after the range; now by default.
    #[param(value_type = Option<DateTime<Utc>>)]
    to: Option<String>,
}

/// Lists a project's traces, newest first.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces", tag = "traces", operation_id = "listTraces",
    params(ListParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<Trace>>), Failures),
)]
pub(super) async fn list_traces(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(parameters): Query<ListParameters>,
) -> ApiResult<Envelope<Vec<Trace>>> {
    let list = list_plan(member.project, &parameters, query.reads.now()).map_err(refused)?;
    let page = query.reads.list_traces(&list).await.map_err(refused)?;
    Ok(Envelope::page(
        page.items,
        Pagination::new(page.next.map(Cursor::encode)),
    ))
}

fn list_plan(
    project: ProjectId,
    parameters: &ListParameters,
    now: DateTime<Utc>,
) -> Result<TraceList, PlanError> {
    let range = TimeRange::resolve(parameters.from.as_deref(), parameters.to.as_deref(), now)?;
    Ok(TraceList {
        project,
        range: if parameters.to.is_none() {
            range.reaching_ahead()
        } else {
            range
        },
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
    params(ChartParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Histogram>), Failures),
)]
pub(super) async fn trace_histogram(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(parameters): Query<ChartParameters>,
) -> ApiResult<Envelope<Histogram>> {
    let now = query.reads.now();
    let range =
        TimeRange::resolve(parameters.from.as_deref(), parameters.to.as_deref(), now).map_err(refused)?;
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
    Query(parameters): Query<RangeParameters>,
) -> ApiResult<Envelope<Facets>> {
    let now = query.reads.now();
    let range =
        TimeRange::resolve(parameters.from.as_deref(), parameters.to.as_deref(), now).map_err(refused)?;
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
