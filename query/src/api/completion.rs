//! What to choose from while a filter is typed: values of a field, keys and values of attributes.

use axum::extract::State;
use brokle_http::{ApiResult, Envelope, Failures, Path, ProjectMember, Query, permission};
use brokle_model::id::ProjectId;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use super::range::RangeParameters;
use super::refused;
use crate::plan::{
    self, ATTRIBUTES_DEFAULT, ATTRIBUTES_MAX, AttributeScope, Attributes, PlanError, QUARTER_MS, Usage,
};
use crate::shape::charts::{Attribute, FacetField};
use crate::sql::FacetName;

/// Which values.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FacetParameters {
    /// Only values that contain this text, in upper or lower case.
    query: Option<String>,
    /// Values: 1 to 500, 50 by default.
    limit: Option<usize>,
}

/// Which attributes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct AttributeParameters {
    /// Only what observations, their resources, or their metadata carry.
    #[param(inline)]
    scope: Option<AttributeScope>,
    /// Values of this key; keys, if absent.
    key: Option<String>,
    /// Only what contains this text, in upper or lower case.
    query: Option<String>,
    /// Keys or values: 1 to 500, 50 by default.
    limit: Option<usize>,
}

/// Lists the values of one field worth filtering by, those of the most traces first.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces/facets/{field}", tag = "traces", operation_id = "traceFacet",
    params(("field" = inline(FacetName), Path, description = "A field of the filter language."), RangeParameters, FacetParameters),
    security(("session" = [])),
    responses((status = 200, body = Envelope<FacetField>), Failures),
)]
pub(super) async fn trace_facet(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Path(field): Path<FacetName>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<FacetParameters>,
) -> ApiResult<Envelope<FacetField>> {
    let range = range.resolve(query.reads.now()).map_err(refused)?;
    let plan = Usage::in_quarters(member.project, range, Vec::new());
    let limit = plan::limit(parameters.limit, ATTRIBUTES_DEFAULT, ATTRIBUTES_MAX).map_err(refused)?;
    let text = parameters.query.as_deref().filter(|text| !text.is_empty());
    let facet = query.reads.facet(&plan, field, text, limit).await;
    Ok(Envelope::new(facet.map_err(refused)?))
}

/// Lists the keys of attributes, or the values of one, those of the most observations first.
#[utoipa::path(
    get, path = "/api/v1/analytics/attributes", tag = "traces", operation_id = "listAttributes",
    params(RangeParameters, AttributeParameters), security(("session" = [])),
    responses((status = 200, body = Envelope<Vec<Attribute>>), Failures),
)]
pub(super) async fn list_attributes(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Query(range): Query<RangeParameters>,
    Query(parameters): Query<AttributeParameters>,
) -> ApiResult<Envelope<Vec<Attribute>>> {
    let plan = attribute_plan(member.project, &range, parameters, query.reads.now()).map_err(refused)?;
    let attributes = query.reads.attributes(&plan).await;
    Ok(Envelope::new(attributes.map_err(refused)?))
}

fn attribute_plan(
    project: ProjectId,
    range: &RangeParameters,
    parameters: AttributeParameters,
    now: DateTime<Utc>,
) -> Result<Attributes, PlanError> {
    Ok(Attributes {
        project,
        range: range.resolve(now)?.widened_to(QUARTER_MS),
        scope: parameters.scope,
        key: parameters.key,
        text: parameters.query.filter(|text| !text.is_empty()),
        limit: plan::limit(parameters.limit, ATTRIBUTES_DEFAULT, ATTRIBUTES_MAX)?,
    })
}
