//! Log records: the list, those of a trace, and both as OTLP.

use axum::extract::State;
use axum::response::Response;
use brokle_http::{ApiResult, Envelope, Failures, Pagination, Path, ProjectMember, Query, permission};
use brokle_model::id::{ProjectId, SpanId, TraceId};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::range::RangeParameters;
use super::{export, refused};
use crate::plan::{self, LogCursor, LogFilter, LogList, PlanError, TimeOrder, TimeRange};
use crate::read::LogPage;
use crate::shape::log_record::LogRecord;

/// Records read at a time for an export.
const RECORDS_PER_PAGE: usize = 1_000;

/// Which log records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct LogParameters {
    /// Records on the page: 1 to 1000, 100 by default. A page of very large ones may be shorter. Exports have no pages.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// The least severity: `trace`, `debug`, `info`, `warn`, `error`, `fatal`, or OTLP's number.
    severity: Option<String>,
    /// The service's name.
    service: Option<String>,
    /// The environment.
    environment: Option<String>,
    /// The event's name.
    event_name: Option<String>,
    /// Words that the body has, all of them.
    text: Option<String>,
    /// The trace, 32 hex digits.
    #[param(value_type = Option<String>)]
    trace_id: Option<TraceId>,
    /// The observation, 16 hex digits.
    #[param(value_type = Option<String>)]
    observation_id: Option<SpanId>,
}

/// Which of a trace's log records.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TraceLogParameters {
    /// Whose trace.
    #[param(value_type = String)]
    #[expect(dead_code, reason = "read by the extractor that checks the membership")]
    project_id: ProjectId,
    /// Records on the page: 1 to 1000, 100 by default.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// One observation of the trace, 16 hex digits.
    #[param(value_type = Option<String>)]
    observation_id: Option<SpanId>,
}

/// Lists a project's log records, newest first.
#[utoipa::path(
    get, path = "/api/v1/analytics/log-records", tag = "logs", operation_id = "listLogRecords",
    params(RangeParameters, LogParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<LogRecord>>), Failures),
)]
pub(super) async fn list_log_records(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<LogParameters>,
) -> ApiResult<Envelope<Vec<LogRecord>>> {
    let list = list_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?;
    Ok(envelope(
        query.reads.list_log_records(&list).await.map_err(refused)?,
    ))
}

/// Lists a trace's log records, oldest first.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces/{trace_id}/log-records", tag = "logs", operation_id = "listTraceLogRecords",
    params(("trace_id" = String, Path, description = "32 hex digits."), TraceLogParameters),
    security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<LogRecord>>), Failures),
)]
pub(super) async fn list_trace_log_records(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Path(trace): Path<TraceId>,
    Query(parameters): Query<TraceLogParameters>,
) -> ApiResult<Envelope<Vec<LogRecord>>> {
    let list = trace_plan(member.project, trace, &parameters, query.reads.now()).map_err(refused)?;
    Ok(envelope(
        query.reads.list_log_records(&list).await.map_err(refused)?,
    ))
}

/// Exports log records, oldest first, as a bare OTLP/JSON `ExportLogsServiceRequest`.
#[utoipa::path(
    get, path = "/api/v1/analytics/log-records/otlp", tag = "logs", operation_id = "exportLogRecords",
    params(RangeParameters, LogParameters), security(("session" = [])),
    responses(
        (status = 200, body = serde_json::Value, content_type = "application/json",
            description = "An `ExportLogsServiceRequest`, without an envelope."),
        Failures,
    ),
)]
pub(super) async fn export_log_records(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<LogParameters>,
) -> ApiResult<Response> {
    let list = LogList {
        order: TimeOrder::OldestFirst,
        cursor: None,
        limit: RECORDS_PER_PAGE,
        ..list_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?
    };
    let first = query.reads.list_log_records(&list).await.map_err(refused)?;
    let reads = query.reads;
    Ok(export::answer(
        "resourceLogs",
        first.items,
        first.next,
        move |cursor| {
            let reads = reads.clone();
            let list = LogList {
                cursor: Some(cursor),
                ..list.clone()
            };
            async move {
                let page = reads.list_log_records(&list).await?;
                Ok((page.items, page.next))
            }
        },
    ))
}

fn envelope(page: LogPage) -> Envelope<Vec<LogRecord>> {
    let records = page.items.into_iter().map(LogRecord::from).collect();
    Envelope::page(records, Pagination::new(page.next.map(LogCursor::encode)))
}

fn list_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: LogParameters,
    now: DateTime<Utc>,
) -> Result<LogList, PlanError> {
    let text = parameters.text.filter(|text| !text.trim().is_empty());
    Ok(LogList {
        project,
        range: range.reaching_ahead(now)?,
        filter: LogFilter {
            severity_min: parameters.severity.as_deref().map(plan::severity).transpose()?,
            service: parameters.service,
            environment: parameters.environment,
            event_name: parameters.event_name,
            text,
            trace: parameters.trace_id,
            span: parameters.observation_id,
        },
        order: TimeOrder::NewestFirst,
        cursor: parameters.cursor.as_deref().map(LogCursor::decode).transpose()?,
        limit: plan::limit(parameters.limit, plan::LOG_RECORDS_DEFAULT, plan::LOG_RECORDS_MAX)?,
    })
}

fn trace_plan(
    project: ProjectId,
    trace: TraceId,
    parameters: &TraceLogParameters,
    now: DateTime<Utc>,
) -> Result<LogList, PlanError> {
    Ok(LogList {
        project,
        range: TimeRange::everything(now),
        filter: LogFilter {
            trace: Some(trace),
            span: parameters.observation_id,
            ..LogFilter::default()
        },
        order: TimeOrder::OldestFirst,
        cursor: parameters.cursor.as_deref().map(LogCursor::decode).transpose()?,
        limit: plan::limit(parameters.limit, plan::LOG_RECORDS_DEFAULT, plan::LOG_RECORDS_MAX)?,
    })
}
