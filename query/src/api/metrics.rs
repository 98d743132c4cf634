//! Metrics: their names, a chart of one, and its points as OTLP.

use axum::extract::State;
use axum::response::Response;
use brokle_http::{ApiResult, Envelope, Failures, Pagination, Path, ProjectMember, Query, permission};
use brokle_model::id::ProjectId;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::range::RangeParameters;
use super::{export, refused};
use crate::plan::{
    self, Aggregation, MetricFilter, MetricNames, MetricPoints, MetricSeries, NameCursor, PlanError,
};
use crate::shape::metric::MetricName;
use crate::shape::series::MetricChart;

/// Points read at a time for an export.
const POINTS_PER_PAGE: usize = 1_000;

/// Which metrics.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct NameParameters {
    /// Names on the page: 1 to 1000, 100 by default.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// The service's name.
    service: Option<String>,
    /// What the name has in it.
    text: Option<String>,
}

/// What of a metric.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PointParameters {
    /// The service's name.
    service: Option<String>,
    /// The environment.
    environment: Option<String>,
    /// A JSON object of attributes that points, or else their resources, have.
    #[param(example = "{\"http.route\":\"/a\"}")]
    attributes: Option<String>,
    /// The width of a step: whole seconds that give at most 1500 steps; by default what gives about a hundred.
    interval_ms: Option<i64>,
    /// The attributes that tell lines apart: at most four names, separated by commas.
    group_by: Option<String>,
    /// What a step shows: `avg`, `min`, `max`, `sum`, `increase`, `rate`, `count`, `p50`, `p75`, `p90`, `p95` or
    /// `p99`; by default what suits the metric.
    aggregation: Option<String>,
}

/// Lists a project's metrics by name.
#[utoipa::path(
    get, path = "/api/v1/analytics/metrics", tag = "metrics", operation_id = "listMetrics",
    params(RangeParameters, NameParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<MetricName>>), Failures),
)]
pub(super) async fn list_metrics(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<NameParameters>,
) -> ApiResult<Envelope<Vec<MetricName>>> {
    let list = name_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?;
    let page = query.reads.list_metrics(&list).await.map_err(refused)?;
    let next = page.next.map(|cursor| cursor.encode());
    Ok(Envelope::page(page.items, Pagination::new(next)))
}

/// Shows a metric over time, in steps.
#[utoipa::path(
    get, path = "/api/v1/analytics/metrics/{name}/series", tag = "metrics", operation_id = "metricSeries",
    params(("name" = String, Path, description = "The metric's name."), RangeParameters, PointParameters),
    security(("session" = [])),
    responses((status = 200, body = Envelope<MetricChart>), Failures),
)]
pub(super) async fn metric_series(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Path(name): Path<String>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<PointParameters>,
) -> ApiResult<Envelope<MetricChart>> {
    let plan = series_plan(member.project, name, &range, &parameters, query.reads.now()).map_err(refused)?;
    Ok(Envelope::new(
        query.reads.chart_metric(&plan).await.map_err(refused)?,
    ))
}

/// Exports a metric's points as a bare OTLP/JSON `ExportMetricsServiceRequest`.
#[utoipa::path(
    get, path = "/api/v1/analytics/metrics/{name}/otlp", tag = "metrics", operation_id = "exportMetric",
    params(("name" = String, Path, description = "The metric's name."), RangeParameters, PointParameters),
    security(("session" = [])),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json",
            description = "An `ExportMetricsServiceRequest`, without an envelope."),
        Failures,
    ),
)]
pub(super) async fn export_metric(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Path(name): Path<String>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<PointParameters>,
) -> ApiResult<Response> {
    let series =
        series_plan(member.project, name, &range, &parameters, query.reads.now()).map_err(refused)?;
    let list = MetricPoints {
        project: series.project,
        name: series.name,
        range: series.range,
        filter: series.filter,
        cursor: None,
        limit: POINTS_PER_PAGE,
    };
    let first = query.reads.list_points(&list).await.map_err(refused)?;
    let reads = query.reads;
    Ok(export::answer(
        "resourceMetrics",
        first.items,
        first.next,
        move |cursor| {
            let reads = reads.clone();
            let list = MetricPoints {
                cursor: Some(cursor),
                ..list.clone()
            };
            async move {
                let page = reads.list_points(&list).await?;
                Ok((page.items, page.next))
            }
        },
    ))
}

fn name_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: NameParameters,
    now: DateTime<Utc>,
) -> Result<MetricNames, PlanError> {
    Ok(MetricNames {
        project,
        range: range.reaching_ahead(now)?,
        service: parameters.service,
        text: parameters.text,
        cursor: parameters.cursor.as_deref().map(NameCursor::decode).transpose()?,
        limit: plan::limit(
            parameters.limit,
            plan::METRIC_NAMES_DEFAULT,
            plan::METRIC_NAMES_MAX,
        )?,
    })
}

fn series_plan(
    project: ProjectId,
    name: String,
    range: &RangeParameters,
    parameters: &PointParameters,
    now: DateTime<Utc>,
) -> Result<MetricSeries, PlanError> {
    let range = range.reaching_ahead(now)?;
    let aggregation = parameters.aggregation.as_deref();
    Ok(MetricSeries {
        project,
        name,
        range,
        filter: MetricFilter {
            service: parameters.service.clone(),
            environment: parameters.environment.clone(),
            attributes: plan::attributes(parameters.attributes.as_deref())?,
        },
        interval_ms: plan::step_ms(parameters.interval_ms, range)?,
        group_by: plan::group_by(parameters.group_by.as_deref())?,
        aggregation: aggregation.map(Aggregation::parse).transpose()?,
    })
}
