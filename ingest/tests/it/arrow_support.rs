//! Builds OTLP requests and reads encoded rows back, for the tests of normalisation and encoding.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Decimal128Type, Float64Type, Int8Type, Int32Type, Int64Type, TimestampMillisecondType,
    TimestampNanosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use brokle_ingest::arrow::{EncodeContext, encode_range};
use brokle_ingest::normalize::AttributeMap;
use brokle_ingest::pipeline::batch::{RangeRecord, TableBatch};
use brokle_model::id::ProjectId;
use brokle_model::price::PriceBook;
use brokle_model::telemetry::Signal;
use chrono::{DateTime, Utc};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, KeyValueList, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use serde_json::{Map, Value, json};

/// 2026-11-22T12:00:00Z
pub(crate) const START: u64 = 1_795_348_800_000_000_000;

pub(crate) fn context() -> EncodeContext {
    EncodeContext {
        attributes: Arc::new(AttributeMap::embedded().unwrap()),
        prices: Arc::new(PriceBook::embedded().unwrap()),
    }
}

pub(crate) fn received_at() -> DateTime<Utc> {
    DateTime::from_timestamp_nanos(i64::try_from(START).unwrap() + 2_000_000_000)
}

pub(crate) fn record(body: &[u8]) -> RangeRecord<'_> {
    RangeRecord {
        project: ProjectId::from_u128(7),
        environment: "",
        signal: Signal::Traces,
        retention_days: 30,
        calls: None,
        received_at: received_at(),
        body,
    }
}

pub(crate) fn encode(body: &[u8]) -> Vec<TableBatch> {
    encode_range(&[record(body)], &context()).unwrap()
}

/// An attribute value from plain JSON: numbers without a fraction are integers.
pub(crate) fn any(value: Value) -> AnyValue {
    let value = match value {
        Value::Null => None,
        Value::Bool(value) => Some(any_value::Value::BoolValue(value)),
        Value::Number(number) => Some(number.as_i64().map_or_else(
            || any_value::Value::DoubleValue(number.as_f64().unwrap()),
            any_value::Value::IntValue,
        )),
        Value::String(text) => Some(any_value::Value::StringValue(text)),
        Value::Array(items) => {
            let values = items.into_iter().map(any).collect();
            Some(any_value::Value::ArrayValue(ArrayValue { values }))
        }
        Value::Object(entries) => Some(any_value::Value::KvlistValue(KeyValueList {
            values: attributes(Value::Object(entries)),
        })),
    };
    AnyValue { value }
}

pub(crate) fn attributes(object: Value) -> Vec<KeyValue> {
    let Value::Object(entries) = object else {
        panic!("attributes are an object")
    };
    entries
        .into_iter()
        .map(|(key, value)| KeyValue {
            key,
            value: Some(any(value)),
            ..KeyValue::default()
        })
        .collect()
}

pub(crate) fn span(object: Value) -> Span {
    Span {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        name: "operation".to_owned(),
        kind: 3,
        start_time_unix_nano: START,
        end_time_unix_nano: START + 1_500_000_000,
        attributes: attributes(object),
        ..Span::default()
    }
}

pub(crate) fn request(resource: Value, spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource {
                attributes: attributes(resource),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans,
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    }
}

/// The row of a span with these attributes.
pub(crate) fn observe(object: Value) -> Value {
    observe_span(span(object))
}

/// The row of a span of scope `test` with these attributes, by another map or other prices than the embedded.
pub(crate) fn observe_with(context: &EncodeContext, object: Value) -> Value {
    let mut request = request(json!({}), vec![span(object)]);
    let scope = opentelemetry_proto::tonic::common::v1::InstrumentationScope {
        name: "test".to_owned(),
        ..Default::default()
    };
    request.resource_spans[0].scope_spans[0].scope = Some(scope);
    let body = request.encode_to_vec();
    rows(&encode_range(&[record(&body)], context).unwrap()).remove(0)
}

pub(crate) fn observe_span(span: Span) -> Value {
    let body = request(json!({"service.name": "shop"}), vec![span]).encode_to_vec();
    rows(&encode(&body)).remove(0)
}

/// Rows as JSON objects: ids as hex, times as nanoseconds, money as text, maps as objects.
pub(crate) fn rows(batches: &[TableBatch]) -> Vec<Value> {
    batches.iter().flat_map(|batch| batch_rows(&batch.rows)).collect()
}

pub(crate) fn batch_rows(batch: &RecordBatch) -> Vec<Value> {
    let row = |index: usize| {
        let schema = batch.schema();
        let fields = schema.fields().iter().zip(batch.columns());
        Value::Object(
            fields
                .map(|(field, column)| (field.name().clone(), cell(column, index)))
                .collect(),
        )
    };
    (0..batch.num_rows()).map(row).collect()
}

fn cell(column: &ArrayRef, row: usize) -> Value {
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(row)),
        DataType::Dictionary(_, _) => {
            let words = column.as_dictionary::<Int32Type>();
            let key = usize::try_from(words.keys().value(row)).unwrap();
            json!(words.values().as_string::<i32>().value(key))
        }
        DataType::FixedSizeBinary(_) => json!(hex::encode(column.as_fixed_size_binary().value(row))),
        DataType::UInt8 => json!(column.as_primitive::<UInt8Type>().value(row)),
        DataType::UInt16 => json!(column.as_primitive::<UInt16Type>().value(row)),
        DataType::UInt32 => json!(column.as_primitive::<UInt32Type>().value(row)),
        DataType::UInt64 => json!(column.as_primitive::<UInt64Type>().value(row)),
        DataType::Int32 => json!(column.as_primitive::<Int32Type>().value(row)),
        DataType::Int8 => json!(column.as_primitive::<Int8Type>().value(row)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!(column.as_boolean().value(row)),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            json!(column.as_primitive::<TimestampNanosecondType>().value(row))
        }
        DataType::Timestamp(_, _) => json!(column.as_primitive::<TimestampMillisecondType>().value(row)),
        DataType::Decimal128(_, scale) => {
            let mantissa = column.as_primitive::<Decimal128Type>().value(row);
            let scale = u32::try_from(*scale).unwrap();
            json!(
                rust_decimal::Decimal::from_i128_with_scale(mantissa, scale)
                    .normalize()
                    .to_string()
            )
        }
        DataType::List(_) => {
            let items = column.as_list::<i32>().value(row);
            (0..items.len()).map(|index| cell(&items, index)).collect()
        }
        DataType::Map(_, _) => {
            let entries = column.as_map().value(row);
            let mut object = Map::new();
            for index in 0..entries.len() {
                let Value::String(key) = cell(entries.column(0), index) else {
                    panic!("keys are text")
                };
                object.insert(key, cell(entries.column(1), index));
            }
            Value::Object(object)
        }
        other => panic!("no reader for {other}"),
    }
}

/// The named columns of a row.
pub(crate) fn pick(row: &Value, names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| ((*name).to_owned(), row[*name].clone()))
        .collect::<Map<_, _>>()
        .into()
}
