//! OTLP's protobuf, from the wire to Arrow, with the generated types as the second opinion: both read the same
//! spans, or both refuse.

use std::sync::{Arc, OnceLock};

use arrow_array::{Array, FixedSizeBinaryArray};
use brokle_ingest::arrow::{EncodeContext, encode_range};
use brokle_ingest::normalize::AttributeMap;
use brokle_ingest::otlp::validate::{Limits, validate};
use brokle_ingest::pipeline::batch::{RangeRecord, TableBatch};
use brokle_model::id::ProjectId;
use brokle_model::price::PriceBook;
use brokle_model::telemetry::Signal;
use bytes::Bytes;
use chrono::DateTime;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;

use crate::rebuild;

const LIMITS: Limits = Limits {
    earliest_unix_nano: 0,
    latest_unix_nano: u64::MAX,
};

/// Takes any bytes.
pub fn run(bytes: &[u8]) {
    let body = Bytes::copy_from_slice(bytes);
    one_row_per_item(Signal::Logs, &body);
    one_row_per_item(Signal::Metrics, &body);
    let generated = ExportTraceServiceRequest::decode(bytes);
    let Ok(validated) = validate(Signal::Traces, &body, LIMITS) else {
        assert!(
            generated.is_err() || has_deep_group(bytes),
            "refused although the generated types read it"
        );
        return;
    };
    if validated.accepted == 0 {
        assert!(validated.body.is_empty());
        return;
    }
    if validated.body == body {
        let generated = generated.expect("accepted although the generated types refuse it");
        // Not a number is not equal to itself, but its text is.
        let expected = format!("{:?}", rebuild::without_distinctions(generated));
        assert_eq!(format!("{:?}", rebuild::request(&body)), expected);
    }
    let kept = ExportTraceServiceRequest::decode(&*validated.body).expect("what is kept can be read");
    let mut spans = ids(&kept);
    assert_eq!(spans.len(), validated.accepted as usize);
    assert_eq!(
        validate(Signal::Traces, &validated.body, LIMITS).map(|again| again.rejections.total()),
        Ok(0)
    );
    let mut rows = encoded_ids(&validated.body);
    spans.sort_unstable();
    rows.sort_unstable();
    assert_eq!(rows, spans, "the rows are not the spans");
}

/// Whatever is accepted of the other signals becomes as many rows.
fn one_row_per_item(signal: Signal, body: &Bytes) {
    let Ok(validated) = validate(signal, body, LIMITS) else {
        return;
    };
    let batches = encoded(signal, &validated.body);
    let rows: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
    assert_eq!(rows, validated.accepted as usize, "{signal:?}");
}

type Ids = (Vec<u8>, Vec<u8>);

fn ids(request: &ExportTraceServiceRequest) -> Vec<Ids> {
    let scopes = request
        .resource_spans
        .iter()
        .flat_map(|resource| &resource.scope_spans);
    let spans = scopes.flat_map(|scope| &scope.spans);
    spans
        .map(|span| (span.trace_id.clone(), span.span_id.clone()))
        .collect()
}

fn encoded(signal: Signal, body: &[u8]) -> Vec<TableBatch> {
    static CONTEXT: OnceLock<EncodeContext> = OnceLock::new();
    let context = CONTEXT.get_or_init(|| EncodeContext {
        attributes: Arc::new(AttributeMap::embedded().unwrap()),
        prices: Arc::new(PriceBook::embedded().unwrap()),
    });
    let record = RangeRecord {
        project: ProjectId::from_u128(7),
        environment: "",
        signal,
        received_at: DateTime::UNIX_EPOCH,
        retention_days: 30,
        calls: None,
        body,
    };
    encode_range(&[record], context).expect("what is kept can be encoded")
}

fn encoded_ids(body: &[u8]) -> Vec<Ids> {
    let batches = encoded(Signal::Traces, body);
    let mut found = Vec::new();
    for batch in &batches {
        let column = |name: &str| {
            let column = batch.rows.column_by_name(name).unwrap();
            column
                .as_any()
                .downcast_ref::<FixedSizeBinaryArray>()
                .unwrap()
                .clone()
        };
        let (traces, spans) = (column("trace_id"), column("span_id"));
        found.extend(
            (0..batch.rows.num_rows()).map(|row| (traces.value(row).to_vec(), spans.value(row).to_vec())),
        );
    }
    found
}

/// The generated types skip groups to a depth of a hundred, we to 32: nothing has written groups for years.
fn has_deep_group(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| *byte & 7 == 3).count() > 32
}
