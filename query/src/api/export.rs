//! Telemetry as OTLP, for other tools and as proof that nothing was lost: a trace here, log records and metrics by
//! the same means.
//!
//! The body is made while it is sent, a page of items at a time, so an export of any size takes little memory.
//! The first page is read before the answer begins: what fails there still has a proper status.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use brokle_http::{ApiResult, Failures, Path, ProjectMember, permission};
use brokle_model::id::TraceId;
use futures_util::stream;
use http::header;
use serde_json::Value;

use super::refused;
use crate::plan::ObservationList;
use crate::read::{ObservationPage, ReadError};
use crate::shape::otlp::{Exported, groups};

/// Spans read at a time.
const SPANS_PER_PAGE: usize = 1_000;

/// Exports one trace as a bare OTLP/JSON `ExportTraceServiceRequest`.
#[utoipa::path(
    get, path = "/api/v1/analytics/traces/{trace_id}/otlp", tag = "traces", operation_id = "exportTrace",
    params(
        ("trace_id" = String, Path, description = "32 hex digits."),
        ("project_id" = String, Query, description = "Whose trace."),
    ),
    security(("session" = [])),
    responses(
        (status = 200, body = Value, content_type = "application/json",
            description = "An `ExportTraceServiceRequest`, without an envelope."),
        Failures,
    ),
)]
pub(super) async fn export_trace(
    State(query): State<super::Query>,
    member: ProjectMember<permission::TracesRead>,
    Path(trace): Path<TraceId>,
) -> ApiResult<Response> {
    let list = ObservationList {
        project: member.project,
        trace,
        cursor: None,
        limit: SPANS_PER_PAGE,
    };
    let first = query
        .reads
        .list_observations(&list, None)
        .await
        .map_err(refused)?;
    let ObservationPage { page, window } = first;
    let reads = query.reads;
    Ok(answer("resourceSpans", page.items, page.next, move |cursor| {
        let reads = reads.clone();
        let list = ObservationList {
            cursor: Some(cursor),
            ..list
        };
        async move {
            let page = reads.list_observations(&list, Some(window)).await?.page;
            Ok((page.items, page.next))
        }
    }))
}

/// The answer that an export is: pages of items as one request of OTLP/JSON, each made while it is sent.
pub(super) fn answer<T, C, F, R>(key: &str, items: Vec<T>, next: Option<C>, read: F) -> Response
where
    T: Exported + Send + 'static,
    C: Send + 'static,
    F: Fn(C) -> R + Send + 'static,
    R: Future<Output = Result<(Vec<T>, Option<C>), ReadError>> + Send + 'static,
{
    let start = Stage::Page(items, next, format!("{{\"{key}\":["));
    let pieces = stream::try_unfold((read, start, true), |(read, stage, is_empty)| async move {
        let (items, next, mut text) = match stage {
            Stage::Done => return Ok(None),
            Stage::Page(items, next, lead) => (items, next, lead),
            Stage::Read(cursor) => {
                let (items, next) = read(cursor).await?;
                (items, next, String::new())
            }
        };
        let groups: Vec<String> = groups(items).iter().map(Value::to_string).collect();
        let is_still_empty = is_empty && groups.is_empty();
        if !is_empty && !groups.is_empty() {
            text.push(',');
        }
        text.push_str(&groups.join(","));
        let stage = next.map_or(Stage::Done, Stage::Read);
        if matches!(stage, Stage::Done) {
            text.push_str("]}");
        }
        Ok::<_, ReadError>(Some((Bytes::from(text), (read, stage, is_still_empty))))
    });
    (
        [(header::CONTENT_TYPE, "application/json")],
        Body::from_stream(pieces),
    )
        .into_response()
}

/// Where the body stands.
enum Stage<T, C> {
    /// This page comes next, after this text.
    Page(Vec<T>, Option<C>, String),
    /// The page after this place is to be read.
    Read(C),
    /// Everything has been said.
    Done,
}
