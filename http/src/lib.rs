//! The axum kit that every HTTP surface of Brokle shares. It knows envelopes, statuses, headers and who is
//! calling; it knows nothing of users, traces or models, and holds no state of its own.
//!
//! A handler of the dashboard API reads like its signature:
//!
//! ```text
//! async fn list_traces(
//!     State(traces): State<Traces>,
//!     member: ProjectMember<TracesRead>,
//!     Query(page): Query<PageRequest>,
//! ) -> ApiResult<Envelope<Vec<Trace>>> {
//!     let (rows, pagination) = traces.list(member.project, page).await?;
//!     Ok(Envelope::page(rows, pagination))
//! }
//! ```
//!
//! - [`error`]: any `Classify` becomes an [`ApiError`]; the one table from kind to status.
//! - [`envelope`]: the bodies of success and failure, with their schemas.
//! - [`extract`]: axum's extractors with our rejections, and who is calling.
//! - [`request_id`] and [`request_log`]: one id and one structured event per request.
//! - [`limits`], [`headers`], [`fallback`]: timeouts, body limits, panics, CORS, unknown routes.
//! - [`openapi`]: the base document and the security schemes.
//!
//! Deliberately absent: the error dialects of the gateway and of OTLP, which live with those planes.

pub mod envelope;
pub mod error;
pub mod extract;
pub mod fallback;
pub mod headers;
pub mod limits;
pub mod openapi;
pub mod peer;
pub mod request_id;
pub mod request_log;

pub use envelope::{Envelope, ErrorEnvelope, Failures, Pagination};
pub use error::{ApiError, ApiResult};
pub use extract::{
    InPath, InQuery, Json, OrganizationMember, Path, PermissionMarker, ProjectMember, Query, SignedIn,
    X_API_KEY, permission, presented_key,
};
pub use peer::Peer;
pub use request_id::RequestId;
