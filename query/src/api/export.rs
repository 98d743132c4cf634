//! A trace as OTLP, for other tools and as proof that nothing was lost.
//!
//! The body is made while it is sent, a page of spans at a time, so a trace of any size takes little memory.
//! The first page is read before the answer begins: what fails there still has a proper status.

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use brokle_http::{ApiResult, Failures, Path, ProjectMember, permission};
use brokle_model::id::TraceId;
use futures_util::stream::{self, Stream};
use http::header;
use serde_json::Value;

use super::refused;
use crate::plan::ObservationList;
use crate::read::{ObservationPage, ReadError, Reads};
use crate::shape::otlp::resource_spans;
use crate::sql::Window;

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
    let body = Body::from_stream(pieces(query.reads, list, first));
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Where the body stands.
enum Stage {
    /// This page comes next.
    Page(Box<ObservationPage>, &'static str),
    /// This page is to be read.
    Read(ObservationList, Window),
    /// Everything has been said.
    Done,
}

fn pieces(
    reads: Reads,
    list: ObservationList,
    first: ObservationPage,
) -> impl Stream<Item = Result<Bytes, ReadError>> + Send + 'static {
    let start = Stage::Page(Box::new(first), "{\"resourceSpans\":[");
    stream::try_unfold((reads, start), move |(reads, stage)| async move {
        let (page, lead) = match stage {
            Stage::Done => return Ok(None),
            Stage::Page(page, lead) => (*page, lead),
            Stage::Read(list, window) => (reads.list_observations(&list, Some(window)).await?, ","),
        };
        let ObservationPage { page, window } = page;
        let mut text = lead.to_owned();
        let groups: Vec<String> = resource_spans(page.items).iter().map(Value::to_string).collect();
        text.push_str(&groups.join(","));
        let next = if let Some(cursor) = page.next {
            Stage::Read(
                ObservationList {
                    cursor: Some(cursor),
                    ..list
                },
                window,
            )
        } else {
            text.push_str("]}");
            Stage::Done
        };
        Ok(Some((Bytes::from(text), (reads, next))))
    })
}
