//! The routes: extract, plan, read, answer. Who may ask is in each handler's signature.

mod analytics;
mod calls;
mod completion;
mod events;
mod export;
mod log_records;
mod metrics;
mod observations;
mod range;
mod scores;
#[cfg(test)]
mod tests;
mod traces;

use std::sync::Arc;

use axum::extract::FromRef;
use brokle_http::ApiError;
use brokle_model::clock::SharedClock;
use brokle_model::port::SessionResolver;
use brokle_storage::telemetry::TelemetryReader;
use serde_json::json;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::plan::PlanError;
use crate::read::{ReadError, Reads};

/// The query plane.
#[derive(Clone)]
pub struct Query {
    reads: Reads,
    sessions: Arc<dyn SessionResolver>,
}

impl Query {
    /// Builds the plane over its ports.
    pub fn new(
        reader: Arc<dyn TelemetryReader>,
        sessions: Arc<dyn SessionResolver>,
        clock: SharedClock,
    ) -> Self {
        Self {
            reads: Reads::new(reader, clock),
            sessions,
        }
    }

    /// The routes under `/api/v1/analytics` and `/api/v1/logs`, and their descriptions.
    pub fn router(self) -> OpenApiRouter {
        OpenApiRouter::new()
            .routes(routes!(traces::list_traces))
            .routes(routes!(traces::trace_histogram))
            .routes(routes!(traces::trace_facets))
            .routes(routes!(completion::trace_facet))
            .routes(routes!(completion::list_attributes))
            .routes(routes!(traces::get_trace))
            .routes(routes!(observations::list_observations))
            .routes(routes!(export::export_trace))
            .routes(routes!(scores::list_scores))
            .routes(routes!(events::list_events))
            .routes(routes!(log_records::list_log_records))
            .routes(routes!(log_records::list_trace_log_records))
            .routes(routes!(log_records::export_log_records))
            .routes(routes!(metrics::list_metrics))
            .routes(routes!(metrics::metric_series))
            .routes(routes!(metrics::export_metric))
            .routes(routes!(analytics::overview))
            .routes(routes!(analytics::requests))
            .routes(routes!(analytics::costs))
            .routes(routes!(analytics::latency))
            .routes(routes!(analytics::models))
            .routes(routes!(analytics::providers))
            .routes(routes!(analytics::users))
            .routes(routes!(analytics::sessions))
            .routes(routes!(calls::routing))
            .routes(routes!(calls::list_requests))
            .routes(routes!(calls::export_requests))
            .routes(routes!(calls::get_request))
            .with_state(self)
    }
}

impl FromRef<Query> for Arc<dyn SessionResolver> {
    fn from_ref(query: &Query) -> Self {
        Self::clone(&query.sessions)
    }
}

/// A failure on its way out. What is wrong with a request names the parameter, and in a filter the place.
fn refused(error: impl Into<ReadError>) -> ApiError {
    let error = error.into();
    let details = match &error {
        ReadError::Plan(PlanError::Filter(filter)) => {
            Some(json!({"field": "filter", "start": filter.span.start, "end": filter.span.end}))
        }
        ReadError::Plan(plan) => Some(json!({"field": plan.field()})),
        _ => None,
    };
    let api = ApiError::from(error);
    match details {
        Some(details) => api.details(details),
        None => api,
    }
}
