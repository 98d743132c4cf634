//! The log of the gateway's calls: the list, one call, the whole as a file; and how providers did.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use brokle_http::{ApiResult, Envelope, Failures, Pagination, Path, ProjectMember, Query, permission};
use brokle_model::id::{ProjectId, SpanId, TraceId};
use chrono::{DateTime, Utc};
use futures_util::stream;
use http::header;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::range::RangeParameters;
use super::refused;
use crate::plan::{
    self, Cursor, PlanError, RequestFilter, RequestList, RoutingBreakdown, RoutingKey, Wanted,
};
use crate::read::ReadError;
use crate::shape::calls::{CSV_HEADER, RequestDetail, RequestLog, RoutingLine};

/// Calls read at a time for an export.
const REQUESTS_PER_PAGE: usize = 1_000;

/// Which calls.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RequestParameters {
    /// Calls on the page: 1 to 1000, 100 by default. Exports have no pages.
    limit: Option<usize>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
    /// The provider that answered, or was asked last.
    provider: Option<String>,
    /// The model that answered, or was asked last.
    model: Option<String>,
    /// What the caller named as `model`.
    model_requested: Option<String>,
    /// The route.
    route: Option<String>,
    /// The arm of the route's split.
    arm: Option<String>,
    /// `answered`, `failed` or `cancelled`.
    outcome: Option<String>,
    /// What went wrong, in a word.
    error_type: Option<String>,
    /// `true`: only calls that failed; `false`: only those that did not.
    failed: Option<bool>,
    /// The HTTP status that the caller got.
    status: Option<u16>,
    /// Calls that took at least so many milliseconds.
    duration_ms_min: Option<u64>,
    /// `hit`, `miss` or `bypass`.
    cache: Option<String>,
    /// The environment.
    environment: Option<String>,
    /// The user on whose behalf.
    user_id: Option<String>,
    /// The session.
    session_id: Option<String>,
    /// The API key that made the call.
    api_key_id: Option<String>,
    /// The caller's `X-Request-Id`. Without `from` and `to`, of any time.
    request_id: Option<String>,
    /// The trace, 32 hex digits. Without `from` and `to`, of any time.
    #[param(value_type = Option<String>)]
    trace_id: Option<TraceId>,
    /// Whether to show also the copies of calls whose answers nobody got.
    #[serde(default)]
    shadows: bool,
}

/// What a file of calls looks like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// One JSON object on each line, as lists have it.
    #[default]
    Ndjson,
    /// A table with a heading, by RFC 4180.
    Csv,
}

/// How a file is wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ExportParameters {
    /// `ndjson` by default.
    #[param(inline)]
    #[serde(default)]
    format: Format,
}

/// Which attempts, and by what they are told apart.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct RoutingParameters {
    /// Words divided by commas, of `provider`, `model`, `route`, `strategy`, `rule`, `arm`, `provider_key` and
    /// `environment`; `provider,model` by default.
    group_by: Option<String>,
    /// Only this provider.
    provider: Option<String>,
    /// Only this model.
    model: Option<String>,
    /// Only this route.
    route: Option<String>,
    /// Only this environment.
    environment: Option<String>,
    /// Lines: 1 to 200, 50 by default.
    limit: Option<usize>,
}

/// Lists the gateway's calls, newest first.
#[utoipa::path(
    get, path = "/api/v1/logs/requests", tag = "request logs", operation_id = "listRequests",
    params(RangeParameters, RequestParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<RequestLog>>), Failures),
)]
pub(super) async fn list_requests(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<RequestParameters>,
) -> ApiResult<Envelope<Vec<RequestLog>>> {
    let list = list_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?;
    let page = query.reads.list_requests(&list).await.map_err(refused)?;
    Ok(Envelope::page(
        page.items,
        Pagination::new(page.next.map(Cursor::encode)),
    ))
}

/// One call with its attempts.
#[utoipa::path(
    get, path = "/api/v1/logs/requests/{request}", tag = "request logs", operation_id = "getRequest",
    params(
        ("request" = String, Path, description = "The call's `id`, 16 hex digits."),
        ("project_id" = String, Query, description = "Whose call."),
    ),
    security(("session" = [])),
    responses((status = 200, body = Envelope<RequestDetail>), Failures),
)]
pub(super) async fn get_request(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Path(call): Path<SpanId>,
) -> ApiResult<Envelope<RequestDetail>> {
    let found = query.reads.get_request(member.project, call).await;
    Ok(Envelope::new(found.map_err(refused)?))
}

/// Exports the gateway's calls, newest first. The file is made while it is sent.
#[utoipa::path(
    get, path = "/api/v1/logs/requests/export", tag = "request logs", operation_id = "exportRequests",
    params(RangeParameters, RequestParameters, ExportParameters), security(("session" = [])),
    responses(
        (status = 200, description = "The calls", content((String = "application/x-ndjson"), (String = "text/csv"))),
        Failures,
    ),
)]
pub(super) async fn export_requests(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<RequestParameters>,
    Query(export): Query<ExportParameters>,
) -> ApiResult<Response> {
    let list = RequestList {
        limit: REQUESTS_PER_PAGE,
        ..list_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?
    };
    let first = query.reads.list_requests(&list).await.map_err(refused)?;
    let text = export.format.begin(&first.items);
    let stage = (query.reads, list, Some((text, first.next)));
    let pieces = stream::try_unfold(stage, move |(reads, list, stage)| async move {
        let Some((text, next)) = stage else {
            return Ok(None);
        };
        let following = match next {
            None => None,
            Some(place) => {
                let list = RequestList {
                    cursor: Some(place),
                    ..list.clone()
                };
                let page = reads.list_requests(&list).await?;
                Some((export.format.lines(&page.items), page.next))
            }
        };
        Ok::<_, ReadError>(Some((Bytes::from(text), (reads, list, following))))
    });
    let headers = [
        (header::CONTENT_TYPE, export.format.content_type()),
        (header::CONTENT_DISPOSITION, export.format.disposition()),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// How attempts at providers went: errors, fallbacks, time to the first token.
#[utoipa::path(
    get, path = "/api/v1/analytics/routing", tag = "analytics", operation_id = "analyticsRouting",
    params(RangeParameters, RoutingParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<RoutingLine>>), Failures),
)]
pub(super) async fn routing(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<RoutingParameters>,
) -> ApiResult<Envelope<Vec<RoutingLine>>> {
    let plan = routing_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?;
    Ok(Envelope::new(query.reads.routing(&plan).await.map_err(refused)?))
}

impl Format {
    fn begin(self, calls: &[RequestLog]) -> String {
        let lines = self.lines(calls);
        match self {
            Self::Ndjson => lines,
            Self::Csv => format!("{CSV_HEADER}{lines}"),
        }
    }

    fn lines(self, calls: &[RequestLog]) -> String {
        let mut text = String::new();
        for call in calls {
            match self {
                Self::Csv => call.add_csv(&mut text),
                Self::Ndjson => {
                    // Text and numbers always serialise.
                    text.push_str(&serde_json::to_string(call).unwrap_or_default());
                    text.push('\n');
                }
            }
        }
        text
    }

    const fn content_type(self) -> &'static str {
        match self {
            Self::Ndjson => "application/x-ndjson",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }

    const fn disposition(self) -> &'static str {
        match self {
            Self::Ndjson => "attachment; filename=\"requests.ndjson\"",
            Self::Csv => "attachment; filename=\"requests.csv\"",
        }
    }
}

/// The columns that were given a word.
pub(super) fn wanted<const N: usize>(given: [(&'static str, Option<String>); N]) -> Vec<Wanted> {
    let given = given.into_iter();
    given
        .filter_map(|(column, word)| Some((column, word.filter(|word| !word.is_empty())?)))
        .collect()
}

fn list_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: RequestParameters,
    now: DateTime<Utc>,
) -> Result<RequestList, PlanError> {
    let is_named = parameters.trace_id.is_some() || parameters.request_id.is_some();
    let is_of_any_time = is_named && !range.is_given();
    let range = (!is_of_any_time).then(|| range.resolve(now)).transpose()?;
    Ok(RequestList {
        project,
        range,
        filter: RequestFilter {
            words: wanted([
                ("request_id", parameters.request_id),
                ("provider", parameters.provider),
                ("model", parameters.model),
                ("model_requested", parameters.model_requested),
                ("route", parameters.route),
                ("arm", parameters.arm),
                ("outcome", parameters.outcome),
                ("error_type", parameters.error_type),
                ("cache", parameters.cache),
                ("environment", parameters.environment),
                ("user_id", parameters.user_id),
                ("session_id", parameters.session_id),
                ("api_key_id", parameters.api_key_id),
            ]),
            status: parameters.status,
            failed: parameters.failed,
            duration_us_min: parameters.duration_ms_min.map(|ms| ms.saturating_mul(1000)),
            trace: parameters.trace_id,
            shadows: parameters.shadows,
        },
        cursor: parameters.cursor.as_deref().map(Cursor::decode).transpose()?,
        limit: plan::limit(parameters.limit, plan::REQUESTS_DEFAULT, plan::REQUESTS_MAX)?,
    })
}

fn routing_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: RoutingParameters,
    now: DateTime<Utc>,
) -> Result<RoutingBreakdown, PlanError> {
    Ok(RoutingBreakdown {
        project,
        range: range.resolve(now)?,
        keys: RoutingKey::read_all(parameters.group_by.as_deref())?,
        words: wanted([
            ("provider", parameters.provider),
            ("model", parameters.model),
            ("route", parameters.route),
            ("environment", parameters.environment),
        ]),
        limit: plan::limit(parameters.limit, 50, plan::ROUTING_LINES_MAX)?,
    })
}
