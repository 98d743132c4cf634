//! Span events named `gen_ai.evaluation.result`, OpenTelemetry's word for a score, as rows of `scores`. A pure
//! function of the records: the score's id follows from its span, its time and its name, so a resent span repeats it.
//!
//! Bodies without the name are passed over at the speed of a text search.

use std::collections::BTreeMap;

use brokle_model::id::{SpanId, TraceId};
use brokle_model::telemetry::Signal;
use memchr::memmem;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fold::{Folded, Place};
use super::score_rows::{self, SCORES, ScoreRow};
use super::table::TableError;
use crate::otlp::span::{EventView, SpanView};
use crate::otlp::value::AnyValueView;
use crate::otlp::view::{ExportView, ResourceGroupView, ScopeGroupView};
use crate::pipeline::batch::{RangeRecord, TableBatch};

const EVENT: &str = "gen_ai.evaluation.result";

/// The scores in the records that hold spans, by month.
pub(crate) fn batches(records: &[RangeRecord<'_>]) -> Result<Vec<TableBatch>, TableError> {
    let finder = memmem::Finder::new(EVENT);
    let mut rows = Vec::new();
    for record in records.iter().filter(|record| record.signal == Signal::Traces) {
        if finder.find(record.body).is_some() {
            read(record, &mut rows);
        }
    }
    let batches = score_rows::batches(rows)?.into_iter();
    Ok(batches
        .map(|(month, rows)| TableBatch {
            table: SCORES,
            partition: month.to_string(),
            rows,
        })
        .collect())
}

fn read(record: &RangeRecord<'_>, rows: &mut Vec<ScoreRow>) {
    let received_ns = record.received_at.timestamp_nanos_opt().unwrap_or(0);
    let scopes = ExportView::new(record.body)
        .resources()
        .flat_map(ResourceGroupView::scopes);
    for span in scopes.flat_map(ScopeGroupView::spans) {
        for event in span.events().filter(|event| event.name.as_str() == EVENT) {
            rows.extend(score(record, received_ns, &span, &event));
        }
    }
}

fn score(
    record: &RangeRecord<'_>,
    received_ns: i64,
    span: &SpanView<'_>,
    event: &EventView<'_>,
) -> Option<ScoreRow> {
    let text = |key| {
        let value = event.attributes().find(key)?.as_text()?;
        Some(value.as_str().to_owned()).filter(|text| !text.is_empty())
    };
    let name = text("gen_ai.evaluation.name")?;
    let label = text("gen_ai.evaluation.score.label");
    let value = match event.attributes().find("gen_ai.evaluation.score.value") {
        Some(AnyValueView::Double(value)) => serde_json::Number::from_f64(value),
        Some(AnyValueView::Int(value)) => Some(value.into()),
        _ => None,
    };
    let data_type = match (&value, &label) {
        (Some(_), _) => "NUMERIC",
        (None, Some(_)) => "CATEGORICAL",
        (None, None) => return None,
    };
    let trace = TraceId::from_bytes(span.trace_id.try_into().ok()?);
    let observation = SpanId::from_bytes(span.span_id.try_into().ok()?);
    let named = i64::try_from(event.time_unix_nano).ok().filter(|time| *time > 0);
    let start_ns = named.unwrap_or(received_ns);
    let fields: [(&str, Option<Value>); 8] = [
        ("name", Some(name.as_str().into())),
        ("data_type", Some(data_type.into())),
        ("value", value.map(Value::Number)),
        ("string_value", label.map(Value::from)),
        ("comment", text("gen_ai.evaluation.explanation").map(Value::from)),
        ("source", Some("code".into())),
        ("observation_id", Some(observation.to_string().into())),
        (
            "environment",
            Some(record.environment)
                .filter(|word| !word.is_empty())
                .map(Value::from),
        ),
    ];
    let fields: BTreeMap<String, Value> = fields
        .into_iter()
        .filter_map(|(field, value)| Some((field.to_owned(), value?)))
        .collect();
    let place = Place {
        start_ns,
        trace: Some(trace),
    };
    let version = u64::try_from(received_ns).unwrap_or(0);
    let digest = Sha256::digest(format!("{trace}{observation}{}\0{name}", event.time_unix_nano));
    Some(ScoreRow {
        project: record.project,
        retention_days: record.retention_days,
        key: hex::encode(&digest[..16]),
        place,
        version,
        state: Some(Folded {
            place: Some(place),
            left_places: Vec::new(),
            is_deleted: false,
            fields,
            created_ns: received_ns,
            updated_ns: received_ns,
            version,
        }),
    })
}
