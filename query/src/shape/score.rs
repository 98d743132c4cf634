//! A quality score as lists, traces and observations show it.

use arrow_array::RecordBatch;
use brokle_model::id::{SpanId, TraceId};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::columns::Columns;
use super::{ShapeError, instant, present};

/// A quality score.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names are those of the API")]
pub(crate) struct Score {
    /// The caller's id of it, or ours.
    pub score_id: String,
    /// The trace that it is about, if it is about one.
    #[schema(value_type = Option<String>)]
    pub trace_id: Option<TraceId>,
    /// The observation that it is about, if it is about one.
    #[schema(value_type = Option<String>)]
    pub observation_id: Option<SpanId>,
    /// The session that it is about, if it is about one.
    pub session_id: Option<String>,
    /// What was judged.
    #[schema(example = "helpfulness")]
    pub name: String,
    /// `NUMERIC`, `BOOLEAN`, `CATEGORICAL` or `TEXT`.
    pub data_type: String,
    /// The number; 1 or 0 of a boolean.
    pub value: Option<f64>,
    /// The category or text.
    pub string_value: Option<String>,
    /// Who judged: `api`, `code`, `llm` or `human`.
    pub source: String,
    /// What judged.
    pub evaluator_name: Option<String>,
    /// Which release of it.
    pub evaluator_version: Option<String>,
    /// The person who judged.
    pub author_user_id: Option<String>,
    /// Why.
    pub comment: Option<String>,
    /// What else was attached to it.
    #[schema(value_type = Option<std::collections::HashMap<String, Value>>)]
    pub metadata: Option<Value>,
    /// Such as `production`.
    pub environment: Option<String>,
    /// When it was given.
    pub timestamp: DateTime<Utc>,
    /// When Brokle heard of it.
    pub created_at: DateTime<Utc>,
    /// When it last changed.
    pub updated_at: DateTime<Utc>,
}

/// A score and its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlacedScore {
    pub(crate) start_ns: i64,
    pub(crate) score: Score,
}

/// Reads the rows of a list of scores.
pub(crate) fn scores(batches: &[RecordBatch]) -> Result<Vec<PlacedScore>, ShapeError> {
    let mut scores = Vec::new();
    for batch in batches {
        let columns = Columns::of(batch);
        for row in 0..batch.num_rows() {
            scores.push(placed(&columns, row)?);
        }
    }
    Ok(scores)
}

fn placed(columns: &Columns<'_>, row: usize) -> Result<PlacedScore, ShapeError> {
    let text = |name| Ok(columns.text(name)?.value(row));
    let start_ns = columns.nanos("start_time")?[row];
    let score = Score {
        score_id: text("score_id")?.to_owned(),
        trace_id: Some(columns.traces("trace_id")?.trace(row)).filter(|trace| !trace.is_zero()),
        observation_id: Some(columns.spans("span_id")?.span(row)).filter(|span| !span.is_zero()),
        session_id: present(text("session_id")?),
        name: text("score_name")?.to_owned(),
        data_type: text("score_type")?.to_owned(),
        value: columns.double("value", row)?,
        string_value: present(text("string_value")?),
        source: text("score_source")?.to_owned(),
        evaluator_name: present(text("evaluator")?),
        evaluator_version: present(text("evaluator_release")?),
        author_user_id: present(text("author_user_id")?),
        comment: present(text("comment")?),
        metadata: serde_json::from_str(text("metadata")?).ok(),
        environment: present(text("score_environment")?),
        timestamp: instant(start_ns),
        created_at: instant(columns.nanos("created")?[row]),
        updated_at: instant(columns.nanos("updated")?[row]),
    };
    Ok(PlacedScore { start_ns, score })
}
