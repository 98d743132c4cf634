//! The two bodies of the dashboard and SDK routes: `{"success":true,"data","meta"}` and
//! `{"success":false,"error"}`, with the schemas from which the web app's types are generated.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoResponses, ToSchema};

use crate::request_id::RequestId;

/// A successful answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Envelope<T> {
    /// Always `true`.
    pub success: bool,
    /// What was asked for.
    pub data: T,
    /// About the answer.
    pub meta: Meta,
}

/// About a successful answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Meta {
    /// The id to quote when reporting a problem.
    pub request_id: String,
    /// Present on lists that come in pages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pagination: Option<Pagination>,
}

/// Where a list continues.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pagination {
    /// The `cursor` of the next page; `null` on the last.
    #[schema(required)]
    pub next_cursor: Option<String>,
    /// Whether there is a next page.
    pub has_next: bool,
}

impl Pagination {
    /// The page that `next_cursor` leads on from.
    pub fn new(next_cursor: Option<String>) -> Self {
        Self {
            has_next: next_cursor.is_some(),
            next_cursor,
        }
    }
}

impl<T> Envelope<T> {
    /// Wraps the answer to the present request.
    pub fn new(data: T) -> Self {
        let meta = Meta {
            request_id: RequestId::current().to_string(),
            pagination: None,
        };
        Self {
            success: true,
            data,
            meta,
        }
    }

    /// Wraps one page of a list.
    pub fn page(data: T, pagination: Pagination) -> Self {
        let mut envelope = Self::new(data);
        envelope.meta.pagination = Some(pagination);
        envelope
    }

    /// The same with status 201.
    pub fn created(data: T) -> (StatusCode, Self) {
        (StatusCode::CREATED, Self::new(data))
    }
}

impl<T: Serialize> IntoResponse for Envelope<T> {
    fn into_response(self) -> Response {
        Json(self).into_response()
    }
}

/// A failed answer.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorEnvelope {
    /// Always `false`.
    pub success: bool,
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// A stable, lower-case word for programs.
    pub code: String,
    /// A sentence for people.
    pub message: String,
    /// More, where the code calls for it: `{"field": "email"}` names the part of the request at fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub details: Option<serde_json::Value>,
    /// The id to quote when reporting a problem.
    pub request_id: String,
}

/// The failures that any route of the dashboard may answer, for the `responses(...)` of its description.
#[derive(IntoResponses)]
pub enum Failures {
    /// The request, its credential or its rate was refused.
    #[response(status = "4XX")]
    Client(ErrorEnvelope),
    /// Brokle, or a part behind it, failed.
    #[response(status = "5XX")]
    Server(ErrorEnvelope),
}
