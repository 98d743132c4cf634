//! Logs and metrics from JSON and from the wire to rows: nothing is lost, nothing is counted twice.

use std::sync::LazyLock;

use brokle_ingest::arrow::{EncodeContext, encode_range, schema};
use brokle_ingest::otlp::json::{growth_max, to_protobuf};
use brokle_ingest::otlp::validate::{Limits, validate};
use brokle_ingest::pipeline::batch::{RangeRecord, TableBatch};
use brokle_model::telemetry::Signal;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Histogram, HistogramDataPoint,
    Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary, SummaryDataPoint, exemplar, metric,
    number_data_point,
};
use proptest::prelude::*;
use prost::Message;
use serde_json::{Value, json};

use crate::arrow_support::{START, attributes, context, pick, record, rows};

const LIMITS: Limits = Limits {
    earliest_unix_nano: 1,
    latest_unix_nano: i64::MAX as u64,
};

fn record_of(signal: Signal, body: &[u8]) -> RangeRecord<'_> {
    RangeRecord {
        signal,
        ..record(body)
    }
}

static CONTEXT: LazyLock<EncodeContext> = LazyLock::new(context);

fn encode(signal: Signal, body: &[u8]) -> Vec<TableBatch> {
    encode_range(&[record_of(signal, body)], &CONTEXT).unwrap()
}

fn protobuf(signal: Signal, request: &Value) -> Vec<u8> {
    to_protobuf(signal, request.to_string().as_bytes()).unwrap()
}

fn logs(records: &Value) -> Value {
    json!({"resourceLogs": [{"resource": {"attributes": [
        {"key": "service.name", "value": {"stringValue": "shop"}},
        {"key": "deployment.environment.name", "value": {"stringValue": "staging"}},
    ]}, "scopeLogs": [{"logRecords": records}]}]})
}

#[test]
fn a_log_record_in_json_is_the_same_in_protobuf_and_in_its_row() {
    let sent = logs(&json!([{
        "timeUnixNano": START.to_string(), "observedTimeUnixNano": START + 1, "severityNumber": 17,
        "severityText": "Error", "body": {"stringValue": "no"}, "flags": "257", "eventName": "e",
        "traceId": "0AF7651916CD43DD8448EB211C80319C", "spanId": "b7ad6b7169203331",
        "attributes": [{"key": "n", "value": {"intValue": 5}}], "droppedAttributesCount": 2, "later": {"a": []},
        "severity_text": "ignored",
    }]));
    let body = protobuf(Signal::Logs, &sent);
    let decoded = ExportLogsServiceRequest::decode(&*body).unwrap();
    let found = &decoded.resource_logs[0].scope_logs[0].log_records[0];
    assert_eq!(
        (found.time_unix_nano, found.observed_time_unix_nano, found.flags),
        (START, START + 1, 257)
    );
    assert_eq!(found.trace_id[0], 0x0a);
    assert_eq!(found.attributes, attributes(json!({"n": 5})));

    let batches = encode(Signal::Logs, &body);
    assert_eq!((batches[0].table, &*batches[0].partition), ("logs", "202611"));
    assert_eq!(batches[0].rows.schema(), schema::logs());
    let row = &rows(&batches)[0];
    assert_eq!(
        pick(
            row,
            &[
                "body",
                "body_kind",
                "severity_number",
                "severity_text",
                "event_name",
                "environment",
                "service_name",
                "trace_id",
                "span_id",
                "flags",
                "time_unix_nano",
                "timestamp",
                "attributes_int"
            ]
        ),
        json!({
            "body": "no", "body_kind": 1, "severity_number": 17, "severity_text": "Error", "event_name": "e",
            "environment": "staging", "service_name": "shop", "trace_id": "0af7651916cd43dd8448eb211c80319c",
            "span_id": "b7ad6b7169203331", "flags": 257, "time_unix_nano": START, "timestamp": START,
            "attributes_int": {"n": 5},
        })
    );
}

#[test]
fn a_log_record_without_times_or_with_odd_ids_is_kept() {
    let body = protobuf(
        Signal::Logs,
        &logs(&json!([
            {"body": {"stringValue": "when?"}, "traceId": "abcd", "spanId": "not hex"},
            {"observedTimeUnixNano": START - 7, "traceId": "00000000000000000000000000000000"},
        ])),
    );
    let validated = validate(Signal::Logs, &Bytes::from(body), LIMITS).unwrap();
    assert_eq!((validated.accepted, validated.rejections.total()), (2, 0));
    let rows = rows(&encode(Signal::Logs, &validated.body));
    let received = i64::try_from(START).unwrap() + 2_000_000_000;
    assert_eq!(
        (&rows[0]["timestamp"], &rows[0]["time_unix_nano"]),
        (&json!(received), &json!(0))
    );
    assert_eq!(rows[1]["timestamp"], json!(START - 7));
    for row in &rows {
        assert_eq!(
            (&row["trace_id"], &row["span_id"]),
            (&json!("0".repeat(32)), &json!("0".repeat(16)))
        );
    }
}

#[test]
fn equal_items_of_one_request_are_two_and_a_request_sent_again_is_the_same() {
    let same = json!({"timeUnixNano": START, "body": {"stringValue": "again"}});
    let body = protobuf(Signal::Logs, &logs(&json!([same, same])));
    let other = protobuf(Signal::Logs, &logs(&json!([same])));
    let places = |batches: &[TableBatch]| -> Vec<Value> {
        let each = rows(batches);
        each.iter()
            .map(|row| pick(row, &["request_hash", "request_row"]))
            .collect()
    };
    let once = places(&encode(Signal::Logs, &body));
    assert_ne!(once[0], once[1]);
    assert_eq!(once, places(&encode(Signal::Logs, &body)));
    let records = [record_of(Signal::Logs, &other), record_of(Signal::Logs, &body)];
    let together = places(&encode_range(&records, &CONTEXT).unwrap());
    assert_eq!(together[1..], once[..], "a place does not depend on the range");
    assert!(!once.contains(&together[0]));
    let mut tagged = record_of(Signal::Logs, &body);
    tagged.environment = "staging";
    assert_ne!(places(&encode_range(&[tagged], &CONTEXT).unwrap()), once);
}

#[test]
fn the_points_of_a_series_share_its_number_whatever_the_order_of_their_attributes() {
    let pair = |key: &str| json!({"key": key, "value": {"stringValue": key}});
    let point = |attributes: Value| json!({"timeUnixNano": START, "asInt": 1, "attributes": attributes});
    let metric =
        |unit: &str, points: Value| json!({"name": "m", "unit": unit, "gauge": {"dataPoints": points}});
    let body = protobuf(
        Signal::Metrics,
        &json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            metric("", json!([point(json!([pair("a"), pair("b")])), point(json!([pair("b"), pair("a")])),
                point(json!([pair("a")]))])),
            metric("s", json!([point(json!([pair("a")]))])),
        ]}]}]}),
    );
    let rows = rows(&encode(Signal::Metrics, &body));
    let series: Vec<_> = rows.iter().map(|row| row["series"].as_u64().unwrap()).collect();
    assert_eq!(series[0], series[1]);
    assert_ne!(series[1], series[2]);
    assert_ne!(series[2], series[3], "another unit is another metric");
}

#[test]
fn one_bad_point_costs_neither_its_metric_nor_its_batch() {
    let point = |time: u64| json!({"timeUnixNano": time, "asInt": "1"});
    let metric =
        |name: &str, points: Value| json!({"name": name, "sum": {"dataPoints": points, "isMonotonic": true}});
    let body = protobuf(
        Signal::Metrics,
        &json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [
            metric("", json!([point(START)])),
            metric("kept", json!([point(0), point(START), point(u64::MAX)])),
            {"name": "h", "histogram": {"dataPoints": [
                {"timeUnixNano": START, "bucketCounts": [1, 2], "explicitBounds": [1, 2]},
                {"timeUnixNano": START, "bucketCounts": [1, 2], "explicitBounds": [1]},
            ]}},
        ]}]}]}),
    );
    let validated = validate(Signal::Metrics, &Bytes::from(body), LIMITS).unwrap();
    assert_eq!((validated.accepted, validated.rejections.total()), (2, 4));
    assert_eq!(
        validated.rejections.message(),
        "4 data points rejected: 1 because a time is after the year 2262, 1 because time_unix_nano is missing, \
         1 because the metric has no name, 1 because bucket_counts must have one element more than explicit_bounds, \
         or both none; the first is data point 0 of the request"
    );
    let rows = rows(&encode(Signal::Metrics, &validated.body));
    let names: Vec<_> = rows.iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["kept", "h"]);
    assert_eq!(rows[0]["is_monotonic"], true);
}

#[test]
fn json_never_grows_beyond_what_is_reserved_for_it() {
    let many = json!({"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"histogram": {"dataPoints": [
        {"explicitBounds": vec![0; 5_000], "bucketCounts": vec![0; 5_000]},
    ]}}]}]}]});
    let text = many.to_string();
    let body = to_protobuf(Signal::Metrics, text.as_bytes()).unwrap();
    assert!(body.len() > text.len());
    assert!(body.len() as u64 <= text.len() as u64 * growth_max(Signal::Metrics));
}

fn exemplar() -> impl Strategy<Value = Exemplar> {
    (any::<u64>(), any::<i64>()).prop_map(|(time_unix_nano, value)| Exemplar {
        time_unix_nano,
        span_id: vec![1; 8],
        value: Some(exemplar::Value::AsInt(value)),
        filtered_attributes: attributes(json!({"e": value})),
        ..Exemplar::default()
    })
}

fn number() -> impl Strategy<Value = NumberDataPoint> {
    let value = prop_oneof![
        any::<i64>().prop_map(|value| Some(number_data_point::Value::AsInt(value))),
        any::<f64>().prop_map(|value| Some(number_data_point::Value::AsDouble(value))),
        Just(None),
    ];
    (
        value,
        any::<u64>(),
        any::<u32>(),
        proptest::option::of(exemplar()),
    )
        .prop_map(|(value, start_time_unix_nano, flags, exemplar)| NumberDataPoint {
            attributes: attributes(json!({"a": flags})),
            start_time_unix_nano,
            time_unix_nano: START,
            exemplars: exemplar.into_iter().collect(),
            flags,
            value,
        })
}

fn histogram() -> impl Strategy<Value = HistogramDataPoint> {
    (
        proptest::collection::vec((any::<u64>(), any::<f64>()), 0..5),
        proptest::option::of(any::<f64>()),
    )
        .prop_map(|(buckets, sum)| HistogramDataPoint {
            time_unix_nano: START,
            count: 3,
            sum,
            min: sum,
            explicit_bounds: buckets.iter().map(|pair| pair.1).collect(),
            bucket_counts: if buckets.is_empty() {
                vec![]
            } else {
                buckets.iter().map(|pair| pair.0).chain([1]).collect()
            },
            ..HistogramDataPoint::default()
        })
}

fn exponential() -> impl Strategy<Value = ExponentialHistogramDataPoint> {
    let side = || {
        proptest::option::of(
            (any::<i32>(), proptest::collection::vec(any::<u64>(), 0..5)).prop_map(
                |(offset, bucket_counts)| Buckets {
                    offset,
                    bucket_counts,
                },
            ),
        )
    };
    (side(), side(), any::<i32>(), any::<f64>()).prop_map(|(positive, negative, scale, zero_threshold)| {
        ExponentialHistogramDataPoint {
            time_unix_nano: START,
            count: 1,
            scale,
            zero_count: 4,
            zero_threshold,
            positive,
            negative,
            ..ExponentialHistogramDataPoint::default()
        }
    })
}

fn any_metric() -> impl Strategy<Value = Metric> {
    use proptest::collection::vec;
    let quantile =
        (any::<f64>(), any::<f64>()).prop_map(|(quantile, value)| ValueAtQuantile { quantile, value });
    let summary = vec(quantile, 0..3).prop_map(|quantile_values| SummaryDataPoint {
        time_unix_nano: START,
        quantile_values,
        sum: 1.5,
        ..SummaryDataPoint::default()
    });
    let data = prop_oneof![
        vec(number(), 0..4).prop_map(|data_points| metric::Data::Gauge(Gauge { data_points })),
        (vec(number(), 0..4), any::<i32>(), any::<bool>()).prop_map(
            |(data_points, aggregation_temporality, is_monotonic)| metric::Data::Sum(Sum {
                data_points,
                aggregation_temporality,
                is_monotonic
            })
        ),
        vec(histogram(), 0..4).prop_map(|data_points| metric::Data::Histogram(Histogram {
            data_points,
            aggregation_temporality: 1
        })),
        vec(exponential(), 0..4).prop_map(|data_points| metric::Data::ExponentialHistogram(
            ExponentialHistogram {
                data_points,
                aggregation_temporality: 2
            }
        )),
        vec(summary, 0..4).prop_map(|data_points| metric::Data::Summary(Summary { data_points })),
    ];
    data.prop_map(|data| Metric {
        name: "m".to_owned(),
        data: Some(data),
        ..Metric::default()
    })
}

fn point_count(metric: &Metric) -> usize {
    match metric.data.as_ref().unwrap() {
        metric::Data::Gauge(data) => data.data_points.len(),
        metric::Data::Sum(data) => data.data_points.len(),
        metric::Data::Histogram(data) => data.data_points.len(),
        metric::Data::ExponentialHistogram(data) => data.data_points.len(),
        metric::Data::Summary(data) => data.data_points.len(),
    }
}

fn body_of(metrics: Vec<Metric>) -> Vec<u8> {
    let scope_metrics = vec![ScopeMetrics {
        metrics,
        ..ScopeMetrics::default()
    }];
    let resource_metrics = vec![ResourceMetrics {
        scope_metrics,
        ..ResourceMetrics::default()
    }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_the_generated_types_write_passes_unchanged_and_has_one_row_per_point(
        metrics in proptest::collection::vec(any_metric(), 0..4)
    ) {
        let points: usize = metrics.iter().map(point_count).sum();
        let body = Bytes::from(body_of(metrics));
        let validated = validate(Signal::Metrics, &body, LIMITS).unwrap();
        prop_assert_eq!(validated.rejections.total(), 0);
        prop_assert_eq!(validated.accepted as usize, points);
        if points > 0 {
            prop_assert_eq!(&validated.body, &body);
        }
        let batches = encode(Signal::Metrics, &validated.body);
        let rows: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
        prop_assert_eq!(rows, points);
        for batch in &batches {
            prop_assert_eq!(batch.rows.schema(), schema::metrics());
        }
    }

    #[test]
    fn exponential_buckets_arrive_as_they_were(point in exponential()) {
        let metric = Metric {
            name: "m".to_owned(),
            data: Some(metric::Data::ExponentialHistogram(ExponentialHistogram {
                data_points: vec![point.clone()],
                aggregation_temporality: 2,
            })),
            ..Metric::default()
        };
        let row = rows(&encode(Signal::Metrics, &body_of(vec![metric]))).remove(0);
        let positive = point.positive.unwrap_or_default();
        prop_assert_eq!(&row["positive_offset"], &json!(positive.offset));
        prop_assert_eq!(&row["positive_counts"], &json!(positive.bucket_counts));
        prop_assert_eq!(&row["scale"], &json!(point.scale));
        prop_assert_eq!(row["present"].as_u64().unwrap() & 16 != 0, point.negative.is_some());
    }

    #[test]
    fn no_bytes_make_the_reader_panic_and_what_is_accepted_becomes_rows(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in any::<prop::sample::Index>(),
        flip in any::<u8>(), metrics in proptest::collection::vec(any_metric(), 1..3)
    ) {
        let mut broken = body_of(metrics);
        let place = cut.index(broken.len());
        broken[place] ^= flip;
        for body in [bytes, broken] {
            for signal in [Signal::Logs, Signal::Metrics] {
                let Ok(validated) = validate(signal, &Bytes::from(body.clone()), LIMITS) else { continue };
                let batches = encode(signal, &validated.body);
                let rows: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
                prop_assert_eq!(rows, validated.accepted as usize);
                drop(encode(signal, &body));
            }
        }
    }
}
