//! Figures: the overview, charts, and lists of models, providers, users and sessions.

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Pagination, ProjectMember, Query, permission};
use brokle_model::id::ProjectId;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::range::RangeParameters;
use super::refused;
use crate::plan::{self, Dimension, GroupBy, PlanError, TOP_DEFAULT, TOP_MAX, TopCursor, TopSort, Usage};
use crate::shape::analytics::{
    Chart, CostsPoint, LatencyPoint, Overview, Point, RequestsPoint, TopEntry, TopList,
};

/// What a chart may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct UsageParameters {
    /// The width of a step: whole seconds that divide 15 minutes, or a multiple of 15 minutes, at most 1500
    /// steps. Chosen by the range when absent. Steps under 15 minutes are read from the observations, and so
    /// are filters and groups that only together tell a model from a user or a name.
    interval_ms: Option<i64>,
    /// Only what was produced in this environment.
    environment: Option<String>,
    /// Only what this provider answered.
    provider: Option<String>,
    /// Only calls of this model.
    model: Option<String>,
    /// Only observations of this type.
    r#type: Option<String>,
    /// Only traces of this name.
    name: Option<String>,
    /// Only traces of this user.
    user: Option<String>,
}

/// By what a chart's lines are told apart.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct GroupParameters {
    /// One line for each of the twenty most frequent values, and one for all others; one line if absent.
    #[param(inline)]
    group_by: Option<GroupBy>,
}

/// What a list may be asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct TopParameters {
    /// Only what was produced in this environment.
    environment: Option<String>,
    /// What the list is ordered by, highest first: cost by default, of sessions the latest.
    #[param(inline)]
    sort: Option<TopSort>,
    /// Entries on the page: 1 to 200, 50 by default.
    limit: Option<usize>,
    /// The `next_cursor` of the page before, with the same `sort`.
    cursor: Option<String>,
}

fn usage_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: &UsageParameters,
    now: DateTime<Utc>,
) -> Result<Usage, PlanError> {
    let range = range.resolve(now)?;
    let given = [
        (Dimension::Environment, &parameters.environment),
        (Dimension::Provider, &parameters.provider),
        (Dimension::Model, &parameters.model),
        (Dimension::Type, &parameters.r#type),
        (Dimension::Name, &parameters.name),
        (Dimension::User, &parameters.user),
    ];
    let only = given.into_iter().filter_map(|(dimension, value)| {
        let value = value.as_deref().filter(|value| !value.is_empty())?;
        Some((dimension, value.to_owned()))
    });
    Usage::new(project, range, parameters.interval_ms, only.collect())
}

/// The state of a project at a glance, beside the period before.
#[utoipa::path(
    get, path = "/api/v1/analytics/overview", tag = "analytics", operation_id = "analyticsOverview",
    params(RangeParameters, UsageParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Overview>), Failures),
)]
pub(super) async fn overview(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<UsageParameters>,
) -> ApiResult<Envelope<Overview>> {
    let plan = usage_plan(member.project, &range, &parameters, query.reads.now()).map_err(refused)?;
    Ok(Envelope::new(query.reads.overview(&plan).await.map_err(refused)?))
}

/// Model calls, traces and observations over time.
#[utoipa::path(
    get, path = "/api/v1/analytics/requests", tag = "analytics", operation_id = "analyticsRequests",
    params(RangeParameters, UsageParameters, GroupParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Chart<RequestsPoint>>), Failures),
)]
pub(super) async fn requests(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<UsageParameters>,
    Query(group): Query<GroupParameters>,
) -> ApiResult<Envelope<Chart<RequestsPoint>>> {
    let sort = match group.group_by {
        Some(GroupBy::Name | GroupBy::User | GroupBy::Environment) => TopSort::Traces,
        _ => TopSort::Requests,
    };
    chart(&query, member.project, &range, &parameters, &group, sort).await
}

/// Money and tokens over time.
#[utoipa::path(
    get, path = "/api/v1/analytics/costs", tag = "analytics", operation_id = "analyticsCosts",
    params(RangeParameters, UsageParameters, GroupParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Chart<CostsPoint>>), Failures),
)]
pub(super) async fn costs(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<UsageParameters>,
    Query(group): Query<GroupParameters>,
) -> ApiResult<Envelope<Chart<CostsPoint>>> {
    chart(&query, member.project, &range, &parameters, &group, TopSort::Cost).await
}

/// How long model calls, their first tokens and traces took, over time.
#[utoipa::path(
    get, path = "/api/v1/analytics/latency", tag = "analytics", operation_id = "analyticsLatency",
    params(RangeParameters, UsageParameters, GroupParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Chart<LatencyPoint>>), Failures),
)]
pub(super) async fn latency(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<UsageParameters>,
    Query(group): Query<GroupParameters>,
) -> ApiResult<Envelope<Chart<LatencyPoint>>> {
    chart(
        &query,
        member.project,
        &range,
        &parameters,
        &group,
        TopSort::Requests,
    )
    .await
}

async fn chart<P: Point>(
    query: &super::Query,
    project: ProjectId,
    range: &RangeParameters,
    parameters: &UsageParameters,
    group: &GroupParameters,
    sort: TopSort,
) -> ApiResult<Envelope<Chart<P>>> {
    let plan = usage_plan(project, range, parameters, query.reads.now()).map_err(refused)?;
    let chart = query.reads.chart(&plan, group.group_by, sort).await;
    Ok(Envelope::new(chart.map_err(refused)?))
}

/// Models by what they cost or did.
#[utoipa::path(
    get, path = "/api/v1/analytics/models", tag = "analytics", operation_id = "analyticsModels",
    params(RangeParameters, TopParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<TopEntry>>), Failures),
)]
pub(super) async fn models(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<TopParameters>,
) -> ApiResult<Envelope<Vec<TopEntry>>> {
    top(&query, member.project, &range, &parameters, TopList::Models).await
}

/// Providers by what they cost or did.
#[utoipa::path(
    get, path = "/api/v1/analytics/providers", tag = "analytics", operation_id = "analyticsProviders",
    params(RangeParameters, TopParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<TopEntry>>), Failures),
)]
pub(super) async fn providers(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<TopParameters>,
) -> ApiResult<Envelope<Vec<TopEntry>>> {
    top(&query, member.project, &range, &parameters, TopList::Providers).await
}

/// Users by what their traces cost or did: a trace counts for its user as a whole.
#[utoipa::path(
    get, path = "/api/v1/analytics/users", tag = "analytics", operation_id = "analyticsUsers",
    params(RangeParameters, TopParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<TopEntry>>), Failures),
)]
pub(super) async fn users(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<TopParameters>,
) -> ApiResult<Envelope<Vec<TopEntry>>> {
    top(&query, member.project, &range, &parameters, TopList::Users).await
}

/// Sessions, the latest first, or by what their traces cost or did.
#[utoipa::path(
    get, path = "/api/v1/analytics/sessions", tag = "analytics", operation_id = "analyticsSessions",
    params(RangeParameters, TopParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<TopEntry>>), Failures),
)]
pub(super) async fn sessions(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<TopParameters>,
) -> ApiResult<Envelope<Vec<TopEntry>>> {
    top(&query, member.project, &range, &parameters, TopList::Sessions).await
}

async fn top(
    query: &super::Query,
    project: ProjectId,
    range: &RangeParameters,
    parameters: &TopParameters,
    list: TopList,
) -> ApiResult<Envelope<Vec<TopEntry>>> {
    let plan = top_plan(project, range, parameters, query.reads.now()).map_err(refused)?;
    let sort = parameters.sort.unwrap_or(match list {
        TopList::Sessions => TopSort::LastSeen,
        _ => TopSort::Cost,
    });
    let limit = plan::limit(parameters.limit, TOP_DEFAULT, TOP_MAX).map_err(refused)?;
    let keys = list.dimensions().len();
    let cursor = parameters
        .cursor
        .as_deref()
        .map(|text| TopCursor::decode(text, keys));
    let cursor = cursor
        .transpose()
        .map_err(|error| refused(PlanError::from(error)))?;
    let page = query.reads.top(&plan, list, sort, cursor.as_ref(), limit).await;
    let page = page.map_err(refused)?;
    let next = page.next.map(|place| place.encode());
    Ok(Envelope::page(page.items, Pagination::new(next)))
}

fn top_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: &TopParameters,
    now: DateTime<Utc>,
) -> Result<Usage, PlanError> {
    let range = range.resolve(now)?;
    let environment = parameters
        .environment
        .as_deref()
        .filter(|value| !value.is_empty());
    let only = environment.map(|value| (Dimension::Environment, value.to_owned()));
    Ok(Usage::in_quarters(project, range, only.into_iter().collect()))
}
